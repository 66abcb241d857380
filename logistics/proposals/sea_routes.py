"""Proposed fast ships between the home province's ports and ports abroad."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

from logistics.errors import Where
from logistics.network.network import Leg
from logistics.proposals.carrier_costs import MISSING, CarrierCosts, added, costs_of_mode, feu_of_departure
from logistics.proposals.example_services import (
    Example,
    Tariff,
    Tariffs,
    background_range,
    column_of,
    examples,
    joined_pairs,
    median_of,
)
from logistics.proposals.proposal import Proposal, Row
from logistics.proposals.rotations import Direction, Operation, rotation, way_row
from logistics.proposals.spec import Generate
from logistics.proposals.surroundings import Surroundings
from logistics.proposals.ways import run_sd_h
from logistics.units import HOURS_PER_DAY

FAST, ORDINARY = ("fast_ship",), ("liner",)
PORT_DAYS = 1.5
"""Assumption: days of a fast ship at each end of its voyage."""
RUN_RANGE = (0.9, 1.25)
"""Assumption: hours of ships, weather and congestion."""


@dataclass(frozen=True)
class _Model:
    """What fast ships and liners of one direction teach."""

    fast: Sequence[Example]
    liners: Sequence[Example]
    tariffs: Tariffs
    premium: float
    speed_kmh: float


def proposed_ships(
    spec: Generate, pairs: list[tuple[str, str]], around: Surroundings, where: Where
) -> Iterator[Proposal]:
    """Proposals of a rule of mode sea, by pair of ports, without a stop between.

    Kilometres and passages are those of the liner that reaches the port abroad on the shortest way, moved to
    the home port; ports that none calls at are left out. Speed, payload, background and the premium over the
    ordinary liner's tariff are those of the network's fast ships. Cost is charter and fuel by day at
    the year's level, the calls, and the boxes both ways.
    """
    there, back = _model(around, out=True), _model(around, out=False)
    if there is None or back is None:
        return
    costs = costs_of_mode(around, "sea")
    joined = joined_pairs(around, "sea", FAST) if spec.skip_existing else set()
    for home, abroad in pairs:
        if (home, abroad) in joined:
            continue
        ways = (
            _ways(there, (home, abroad), around, out=True),
            _ways(back, (abroad, home), around, out=False),
        )
        if not ways[0] or not ways[1]:
            continue
        paid = tuple(
            model.tariffs.to(home, abroad, float(way[0]["distance_km"]))
            for model, way in zip((there, back), ways, strict=True)
        )
        yield rotation(
            f"SEA_{home}_{abroad}",
            spec,
            around,
            where,
            (
                _direction(there, (home, abroad), ways[0], paid[0], around),
                _direction(back, (abroad, home), ways[1], paid[1], around),
            ),
            _operation(there, ways, paid[0], costs, around, abroad),
        )


def _model(around: Surroundings, *, out: bool) -> _Model | None:
    every = examples(around, "sea", out=out)
    fast = [e for e in every if e.row["service_class"] in FAST]
    liners = [e for e in every if e.row["service_class"] in ORDINARY]
    if not fast or not liners:
        return None
    tariffs = Tariffs(liners, around, out=out)
    home, abroad = (0, -1) if out else (-1, 0)
    return _Model(
        fast,
        liners,
        tariffs,
        premium=median_of(fast, lambda e: e.tariff / tariffs.to(e.stops[home], e.stops[abroad], e.km).value),
        speed_kmh=median_of(fast, lambda e: e.km / e.run_h),
    )


def _ways(model: _Model, ends: tuple[str, str], around: Surroundings, *, out: bool) -> tuple[Row, ...]:
    """Ways between two ports at the fast ships' speed; empty where no liner calls at the port abroad.

    The first takes the first way of each of the liner's legs; every other way of a leg makes one more.
    """
    territory = around.network.info.home_territory
    found: list[tuple[float, list[tuple[Leg, ...]]]] = []
    for liner in model.liners:
        stops = liner.stops
        for i, start in enumerate(stops):
            for j in range(i + 1, len(stops)):
                home, abroad = (start, stops[j]) if out else (stops[j], start)
                if abroad == ends[1 if out else 0] and around.sites[home]["customs_territory"] == territory:
                    legs = list(liner.legs[i:j])
                    found.append((sum(ways[0].distance_km for ways in legs), legs))
    if not found:
        return ()
    _, legs = min(found, key=lambda item: item[0])
    choices = [tuple(ways[0] for ways in legs)]
    for i, ways in enumerate(legs):
        choices += [tuple(way if k == i else other[0] for k, other in enumerate(legs)) for way in ways[1:]]
    return tuple(_joined(model, chosen, ends, around) for chosen in choices)


def _joined(model: _Model, legs: tuple[Leg, ...], ends: tuple[str, str], around: Surroundings) -> Row:
    """Legs in a row as one, moved to `ends` by their great circles."""
    passages = tuple(name for leg in legs for name in leg.passages)
    inner = [point for leg in legs for point in (*leg.passages, leg.to_site)][:-1]
    was, now = (
        sum(around.km(a, b) for a, b in pairwise(points))
        for points in ([legs[0].from_site, *inner, legs[-1].to_site], [ends[0], *inner, ends[1]])
    )
    km = sum(leg.distance_km for leg in legs)
    share = [leg.distance_km / km for leg in legs]
    km *= now / was
    hours = km / model.speed_kmh
    return way_row(
        "_".join(leg.via_id for leg in legs if leg.via_id) or "main",
        passages,
        hours,
        run_sd_h("sea", hours),
        km,
        sum(part * leg.tariff_factor for part, leg in zip(share, legs, strict=True)),
    )


def _direction(
    model: _Model, ends: tuple[str, str], ways: tuple[Row, ...], paid: Tariff, around: Surroundings
) -> Direction:
    row = model.fast[0].row
    tariff = paid.value * model.premium
    payload, volume = (float(column_of(model.fast, name) or 0.0) for name in ("payload_t", "payload_m3"))
    cny = tariff * around.cny_per_unit[str(row["tariff_currency"])]
    return Direction(
        ends,
        ways,
        tariff,
        background_t=payload
        * float(row["load_factor_max"])
        * median_of(model.fast, lambda e: e.background_share),
        background_cny_per_t=cny * feu_of_departure(around, "sea", payload, volume) / payload,
        booking_wait_h=column_of(model.fast, "booking_wait_h") or 0.0,
    )


def _operation(
    model: _Model,
    ways: tuple[tuple[Row, ...], ...],
    paid: Tariff,
    costs: CarrierCosts,
    around: Surroundings,
    abroad: str,
) -> Operation:
    row = model.fast[0].row
    year = around.year
    feu = feu_of_departure(
        around,
        "sea",
        *(float(column_of(model.fast, name) or 0.0) for name in ("payload_t", "payload_m3")),
    )
    sailing = sum(float(way[0]["run_h"]) for way in ways) / HOURS_PER_DAY
    charter, fuel = (around.levels.level(what, "sea", "*", year).factor for what in ("charter", "fuel"))
    ship, bunkers = costs.per.get("ship_day", MISSING), costs.per.get("fuel_day", MISSING)
    cost = added(
        ((sailing + 2 * PORT_DAYS) * charter, ship),
        (sailing * fuel, bunkers),
        (2, costs.per.get("port_call", MISSING)),
        (2 * feu, costs.per.get("feu", MISSING)),
    )
    level = around.levels.level("tariff", "sea", around.region(abroad), year)
    swing = level.low / level.factor, level.high / level.factor
    return Operation(
        columns={
            "service_class": row["service_class"],
            "availability": column_of(model.liners, "availability"),
            "payload_t": column_of(model.fast, "payload_t"),
            "payload_m3": column_of(model.fast, "payload_m3"),
            "load_factor_max": column_of(model.fast, "load_factor_max"),
            "tariff_basis": row["tariff_basis"],
            "tariff_currency": row["tariff_currency"],
            "segments": row["segments"],
            "co2_g_per_tkm": column_of(model.fast, "co2_g_per_tkm"),
        },
        cost_cny=cost[0],
        cost_range=(cost[1] / cost[0], cost[2] / cost[0]) if cost[0] else (1.0, 1.0),
        moving_cny={"charter": (sailing + 2 * PORT_DAYS) * ship[0], "fuel": sailing * bunkers[0]},
        ranges={
            "tariff": swing,
            "back_tariff": swing,
            "run_h": RUN_RANGE,
            "background": background_range(model.fast),
        },
        figures={
            "distance_km": round(float(ways[0][0]["distance_km"])),
            "speed_kmh": round(model.speed_kmh, 1),
            "premium": round(model.premium, 2),
            "charter_level": charter,
            "fuel_level": fuel,
            "tariff_by": paid.basis_of,
            "tariff_examples": float(len(paid.used)),
        },
        source=(
            "assumption: way of the shortest liner at the speed of the fast ships; "
            f"tariff of {year} by {paid.basis_of} from {len(paid.used)} liners times the premium; "
            "cost by carrier_costs.csv"
        ),
    )
