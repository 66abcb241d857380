"""What plans say of how cargo is sold, against what it may be: nothing is lost, not too much is stocked."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from logistics.errors import Problem, Where
from logistics.network.network import Network
from logistics.results.claims import SITING, ResultClaims
from logistics.results.layout import RESULT

TOLERANCE = 1e-9
DEMAND, TONNES, STOCKED = "demand", "tonnes_per_year", "stocked"
CHANNELS = ("direct", STOCKED)
Cargo = tuple[str, str, str, str]


def channel_contradictions(
    scenario: Mapping[str, Any],
    said: ResultClaims,
    before: Mapping[int, Network],
    after: Mapping[str, Network],
) -> Iterator[Problem]:
    """Yield a problem for each cargo that a plan of a siting sells otherwise than it may.

    Parameters
    ----------
    scenario
        The resolved scenario.
    before
        Tables of each year as they were saved.
    after
        Tables of each plan.
    """
    if scenario["study"]["kind"] != SITING:
        return
    may_change = scenario["study"].get("channels") is not None
    for name, claims in said.plans.items():
        changed = [change for change in claims.changes if change["table"] == DEMAND]
        if not changed:
            continue
        where = Where(RESULT, 0, f"plans {name}")
        if not may_change or any(change["column"] != TONNES for change in changed):
            yield Problem("verify.channels", where, str(changed[0]["row"]))
            continue
        old, new = (_sold(network) for network in (before[claims.year], after[name]))
        limit = _stockable(before[claims.year])
        for cargo in sorted(old):
            # Cargo that may change places has a row for each tier; other cargo is sold as it is.
            may_be = (
                _may_be(old[cargo], new[cargo], limit[cargo[2]]) if cargo[3] else old[cargo] == new[cargo]
            )
            if not may_be:
                yield Problem("verify.channels", where, " ".join(cargo))


def _sold(network: Network) -> dict[Cargo, dict[str, float]]:
    """Tonnes of each cargo, by the way it is sold."""
    found: dict[Cargo, dict[str, float]] = {}
    for row in network.rows(DEMAND):
        origin, destination, product, tier = (
            str(row[c]) for c in ("origin_site", "destination_site", "product_id", "tier")
        )
        sold = found.setdefault((origin, destination, product, tier), {})
        sold[str(row["segment"])] = sold.get(str(row["segment"]), 0.0) + float(row[TONNES])
    return found


def _stockable(network: Network) -> dict[str, float]:
    shares = network.numbers("products", "stockable_share_max")
    limits = np.where(np.isnan(shares), 1.0, shares).tolist()
    return dict(zip(network.texts("products", "product_id"), limits, strict=True))


def _may_be(old: Mapping[str, float], new: Mapping[str, float], stockable: float) -> bool:
    """Whether one cargo's split is allowed: all of it is there, and no more is stocked than may be."""
    room = TOLERANCE * max(1.0, sum(old.values()))
    whole = sum(old.get(way, 0.0) for way in CHANNELS)
    kept = all(abs(new.get(way, 0.0) - t) <= room for way, t in old.items() if way not in CHANNELS)
    all_there = abs(sum(new.get(way, 0.0) for way in CHANNELS) - whole) <= room
    most = max(stockable * whole, old.get(STOCKED, 0.0))
    return kept and all_there and new.get(STOCKED, 0.0) <= most + room and min(new.values()) >= -room
