"""A first look at distances alone: where few sites would stand if nothing but kilometres counted.

Great-circle kilometres between sites and the cargo that they are for; costs, borders, capacities and what
exists play no part. Centres of gravity stay where they fall, or go to the nearest sites; the p-median, the
p-centre and the largest coverage are chosen among the sites and proven.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from logistics.models.siting.centre import solve_centre
from logistics.models.siting.coverage import solve_coverage
from logistics.models.siting.greenfield import centres_of_gravity, moved_to_sites
from logistics.models.siting.problem import (
    CentreProblem,
    CoverageProblem,
    SitingAnswer,
    SitingProblem,
    SitingStop,
)
from logistics.models.siting.solve import solve_siting
from logistics.network.geography import great_circle_km
from logistics.network.network import Network
from logistics.studies.siting_candidates import Candidate
from logistics.studies.siting_markets import Markets, markets_of, territories_of
from logistics.studies.siting_spec import FirstLook
from logistics.studies.typed_rows import table_of

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
STOP = SitingStop(time_limit_s=5.0)
"""Of one rule and number of sites."""
LOOK = pa.schema(
    [
        ("what", pa.string()),
        ("rule", pa.string()),
        ("sites", pa.int32()),
        ("mean_km", pa.float64()),
        ("farthest_km", pa.float64()),
        ("within_share", pa.float64()),
        ("bound", pa.float64()),
        ("proven", pa.bool_()),
    ]
)
"""One row for warehouses or facilities, a rule and a number of sites. `bound`: what no choice among the sites
can beat of what the rule looks at; blank for centres of gravity, which are found by steps and not proven."""
PLACES = pa.schema(
    [
        ("what", pa.string()),
        ("rule", pa.string()),
        ("sites", pa.int32()),
        ("site_id", pa.string()),
        ("lat", pa.float64()),
        ("lon", pa.float64()),
        ("away_km", pa.float64()),
        ("tonnes", pa.float64()),
        ("mean_km", pa.float64()),
        ("farthest_km", pa.float64()),
    ]
)
"""One row for each place that a rule chooses, with the cargo that is nearer to it than to the others.
`site_id`: the site, or the one nearest to a centre that stays where it fell, `away_km` from it."""


@dataclass(frozen=True)
class _Chosen:
    """Places that a rule chose: degrees; and what no choice can beat, NaN: it is not known."""

    latitude: Floats
    longitude: Floats
    bound: float = np.nan
    proven: bool = False


def first_look(
    network: Network, candidates: Sequence[Candidate], wanted: FirstLook, seed: int
) -> dict[str, pa.Table]:
    """What few sites would be chosen by distance alone.

    Parameters
    ----------
    network
        Tables of the year that is looked at.
    candidates
        Of the study; warehouses and facilities are looked at apart.
    seed
        Of the starts of centres of gravity.
    """
    looks: list[tuple[Any, ...]] = []
    places: list[tuple[Any, ...]] = []
    for what in ("warehouses", "facilities"):
        mine = [one for one in candidates if one.is_facility == (what == "facilities")]
        if not mine:
            continue
        side = _Side(what, network, candidates, mine, wanted.within_km)
        for count in sorted({min(count, side.most) for count in wanted.sites} - {0}):
            for rule, chosen in side.chosen(count, seed):
                look, rows = side.rows(rule, count, chosen)
                looks.append(look)
                places += rows
    return {"siting_first_look": table_of(looks, LOOK), "siting_first_look_places": table_of(places, PLACES)}


class _Side:
    """Warehouses or facilities: sites that may be chosen, and the cargo they are for."""

    def __init__(
        self,
        what: str,
        network: Network,
        candidates: Sequence[Candidate],
        mine: Sequence[Candidate],
        within_km: float,
    ) -> None:
        self._what, self._within_km = what, within_km
        self._markets: Markets = markets_of(network, candidates, abroad=what == "warehouses")
        ids = {one.site_id for one in mine}
        site = {str(row["site_id"]): row for row in network.rows("sites")}
        if what == "warehouses":
            around = territories_of(mine, abroad=True)
            options = [row for row in network.rows("warehouse_options") if row["status"] == "existing"]
            existing = {str(row["site_id"]) for row in options}
            ids |= {name for name in existing if site[name]["customs_territory"] in around}
        self._ids = tuple(sorted(ids))
        self._lat = np.array([site[name]["lat"] for name in self._ids], float)
        self._lon = np.array([site[name]["lon"] for name in self._ids], float)
        self._km = self._away(self._lat, self._lon)

    @property
    def most(self) -> int:
        """Most places that can be told apart: there are so many sites, and so many places with cargo."""
        return min(len(self._ids), self._markets.num_places) if self._markets.ids else 0

    def _away(self, latitude: Floats, longitude: Floats) -> Floats:
        """Kilometres from each place to each market, shape (places, markets)."""
        markets = self._markets
        return np.asarray(
            great_circle_km(latitude[:, None], longitude[:, None], markets.latitude, markets.longitude)
        )

    def chosen(self, count: int, seed: int) -> Iterator[tuple[str, _Chosen]]:
        """Each rule with the places it chooses."""
        markets, ids = self._markets, self._ids
        cargo = markets.latitude, markets.longitude, markets.tonnes
        free = centres_of_gravity(*cargo, count, seed=seed)
        yield "gravity", _Chosen(free.latitude, free.longitude)
        moved = moved_to_sites(free, *cargo, (self._lat, self._lon))
        yield "gravity_at_sites", _Chosen(moved.latitude, moved.longitude)
        share = markets.tonnes / markets.tonnes.sum()
        median = SitingProblem(
            fixed_cost=np.zeros(len(ids)),
            cost=self._km * share,
            demand=share,
            capacity=np.full(len(ids), np.inf),
            site_ids=ids,
            customer_ids=markets.ids,
            most_open=count,
        )
        yield "median", self._at_sites(solve_siting(median, STOP), count)
        centre = CentreProblem(self._km, ids, markets.ids, count)
        yield "centre", self._at_sites(solve_centre(centre, STOP), count)
        coverage = CoverageProblem(self._km <= self._within_km, share, ids, markets.ids, count)
        yield "coverage", self._at_sites(solve_coverage(coverage, STOP), count)

    def _at_sites(self, answer: SitingAnswer, count: int) -> _Chosen:
        """An answer's sites; where fewer are as good, those that bring cargo nearest fill it up."""
        is_open = answer.open.copy()
        share = self._markets.tonnes
        while is_open.sum() < count:
            nearest = self._km[is_open].min(axis=0, initial=np.inf)
            nearer = np.minimum(self._km, nearest) @ share
            is_open[np.where(is_open, np.inf, nearer).argmin()] = True
        return _Chosen(self._lat[is_open], self._lon[is_open], answer.bound, answer.status == "optimal")

    def rows(self, rule: str, count: int, chosen: _Chosen) -> tuple[tuple[Any, ...], list[tuple[Any, ...]]]:
        """A row for the rule's places together, and one for each."""
        km = self._away(chosen.latitude, chosen.longitude)
        near, nearest, tonnes = km.argmin(axis=0), km.min(axis=0), self._markets.tonnes
        heads = self._what, rule, count
        whole = float(tonnes.sum())
        look = (
            *heads,
            float(nearest @ tonnes) / whole,
            float(nearest.max()),
            float(tonnes[nearest <= self._within_km].sum()) / whole,
            None if np.isnan(chosen.bound) else chosen.bound,
            chosen.proven,
        )
        places: list[tuple[Any, ...]] = []
        for number, (lat, lon) in enumerate(zip(chosen.latitude, chosen.longitude, strict=True)):
            away = np.asarray(great_circle_km(lat, lon, self._lat, self._lon))
            mine = near == number
            here = float(tonnes[mine].sum())
            places.append(
                (
                    *heads,
                    self._ids[int(away.argmin())],
                    float(lat),
                    float(lon),
                    float(away.min()),
                    here,
                    float(nearest[mine] @ tonnes[mine]) / here if here > 0 else None,
                    float(nearest[mine].max()) if mine.any() else None,
                )
            )
        return look, places
