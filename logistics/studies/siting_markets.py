"""Where the cargo is that candidates are for: markets of stocked cargo abroad, origins at home."""

from __future__ import annotations

from collections.abc import Container, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from logistics.network.network import Network
from logistics.studies.siting_candidates import Candidate

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Markets:
    """Sites with cargo that candidates are for.

    Parameters
    ----------
    ids
        Site ids, in order.
    latitude, longitude
        Degrees, shape (markets,).
    tonnes
        A year, shape (markets,).
    area
        What counts as one market of each: a customs territory abroad, a prefecture at home.
    """

    ids: tuple[str, ...]
    latitude: Floats
    longitude: Floats
    tonnes: Floats
    area: tuple[str, ...]

    @property
    def num_places(self) -> int:
        """How many different places the markets are at."""
        return len(np.unique(np.column_stack([self.latitude, self.longitude]), axis=0))

    def tonnes_by_area(self) -> dict[str, float]:
        """Tonnes a year of each area."""
        found: dict[str, float] = {}
        for area, tonnes in zip(self.area, self.tonnes.tolist(), strict=True):
            found[area] = found.get(area, 0.0) + tonnes
        return found


def markets_of(network: Network, candidates: Sequence[Candidate], *, abroad: bool) -> Markets:
    """Markets of stocked cargo, for warehouses; or origins of all cargo, for facilities.

    Only those in customs territories in which a candidate stands.

    Parameters
    ----------
    candidates
        All of a study.
    abroad
        Whether warehouses are asked for.
    """
    site = {str(row["site_id"]): row for row in network.rows("sites")}
    around = territories_of(candidates, abroad=abroad)
    tonnes: dict[str, float] = {}
    for row in network.rows("demand"):
        name = str(row["destination_site" if abroad else "origin_site"])
        if site[name]["customs_territory"] in around and (row["segment"] == "stocked" or not abroad):
            tonnes[name] = tonnes.get(name, 0.0) + float(row["tonnes_per_year"])
    ids = sorted(name for name, t in tonnes.items() if t > 0)
    return Markets(
        ids=tuple(ids),
        latitude=np.array([site[name]["lat"] for name in ids], float),
        longitude=np.array([site[name]["lon"] for name in ids], float),
        tonnes=np.array([tonnes[name] for name in ids], float),
        area=tuple(area_of(site[name], abroad=abroad) for name in ids),
    )


def stocked_by_territory(network: Network, without: Container[str] = ()) -> dict[str, float]:
    """Tonnes of stocked cargo a year for each customs territory, some demand rows left out."""
    territory = dict(
        zip(network.texts("sites", "site_id"), network.texts("sites", "customs_territory"), strict=True)
    )
    found: dict[str, float] = {}
    for row in network.rows("demand"):
        if row["segment"] == "stocked" and str(row["demand_id"]) not in without:
            name = territory[str(row["destination_site"])]
            found[name] = found.get(name, 0.0) + float(row["tonnes_per_year"])
    return found


def territories_of(candidates: Sequence[Candidate], *, abroad: bool) -> set[str]:
    """Customs territories in which a candidate warehouse stands, or a facility."""
    return {str(one.site["customs_territory"]) for one in candidates if one.is_facility != abroad}


def area_of(site: Mapping[str, Any], *, abroad: bool) -> str:
    """What a site's market is: a customs territory abroad, a prefecture at home."""
    return str(site["customs_territory" if abroad else "prefecture"])
