"""Proposed block trains along corridors that trains of the network already run."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise

from logistics.errors import Where
from logistics.network.network import Leg
from logistics.proposals.carrier_costs import CarrierCosts, Cost, added, costs_of_mode, feu_of_departure
from logistics.proposals.example_services import Example, background_range, examples, joined_pairs
from logistics.proposals.proposal import Proposal, Row
from logistics.proposals.rotations import Direction, Operation, rotation, way_row
from logistics.proposals.spec import Generate
from logistics.proposals.surroundings import Surroundings

CLASSES = ("block_train",)
MAX_OFF_CORRIDOR_KM = 2000.0
"""Farthest that the end abroad may lie from the model's: beyond, the corridor says nothing of it."""
RUN_RANGE = (0.9, 1.25)
"""Assumption: hours of trains."""


@dataclass(frozen=True)
class _Corridor:
    """A train that runs there and back, as the model of a new one."""

    out: Example
    back: Example


def proposed_trains(
    spec: Generate, pairs: list[tuple[str, str]], around: Surroundings, where: Where
) -> Iterator[Proposal]:
    """Proposals of a rule of mode rail, by pair.

    The model of a new train is the one of the network whose end abroad is nearest and has the same cost zone.
    Its ways, with their passages, are kept; the stretch from the home terminal to the first passage and from
    the last one to the terminal abroad are exchanged, by great circle times what the model's way is longer
    than its great circles. Hours and tariff change with the kilometres. Cost is a FEU's on each stretch by
    country, with gauge changes, for a full train both ways.
    """
    corridors = _corridors(around)
    costs = costs_of_mode(around, "rail")
    joined = joined_pairs(around, "rail", CLASSES) if spec.skip_existing else set()
    for home, abroad in pairs:
        if (home, abroad) in joined:
            continue
        corridor = _nearest(corridors, home, abroad, costs, around)
        if corridor is None:
            continue
        ways = (
            _moved(corridor.out, (home, abroad), around),
            _moved(corridor.back, (abroad, home), around),
        )
        yield rotation(
            f"RAIL_{home}_{abroad}",
            spec,
            around,
            where,
            (
                _direction(corridor.out, (home, abroad), ways[0], around),
                _direction(corridor.back, (abroad, home), ways[1], around),
            ),
            _operation(corridor, (home, abroad), ways, costs, around),
        )


def _corridors(around: Surroundings) -> list[_Corridor]:
    """Block trains without a stop between, with their way back."""
    back = {e.stops: e for e in examples(around, "rail", out=False) if e.row["service_class"] in CLASSES}
    return [
        _Corridor(example, back[example.stops[::-1]])
        for example in examples(around, "rail", out=True)
        if example.row["service_class"] in CLASSES and len(example.legs) == 1 and example.stops[::-1] in back
    ]


def _nearest(
    corridors: list[_Corridor], home: str, abroad: str, costs: CarrierCosts, around: Surroundings
) -> _Corridor | None:
    """The corridor with the nearest end abroad; of several, the one with the nearest home terminal."""

    def zone(site: str) -> Cost:
        return costs.feu_km(str(around.sites[site]["country"]))

    fitting = [
        c
        for c in corridors
        if zone(c.out.stops[-1]) == zone(abroad) and around.km(c.out.stops[-1], abroad) <= MAX_OFF_CORRIDOR_KM
    ]
    return min(
        fitting,
        key=lambda c: (around.km(c.out.stops[-1], abroad), around.km(c.out.stops[0], home)),
        default=None,
    )


def _moved(example: Example, ends: tuple[str, str], around: Surroundings) -> tuple[Row, ...]:
    """Ways of an example between other ends."""
    return tuple(_moved_way(leg, ends, around) for leg in example.legs[0])


def _moved_way(leg: Leg, ends: tuple[str, str], around: Surroundings) -> Row:
    was = _great_circles((leg.from_site, *leg.passages, leg.to_site), around)
    now = _great_circles((ends[0], *leg.passages, ends[1]), around)
    times = sum(now) / sum(was)
    return way_row(
        leg.via_id,
        leg.passages,
        leg.run_h * times,
        leg.run_sd_h * times,
        leg.distance_km * times,
        leg.tariff_factor,
    )


def _great_circles(points: tuple[str, ...], around: Surroundings) -> list[float]:
    return [around.km(a, b) for a, b in pairwise(points)]


def _direction(
    example: Example, ends: tuple[str, str], ways: tuple[Row, ...], around: Surroundings
) -> Direction:
    row = example.row
    tariff = example.tariff * float(ways[0]["distance_km"]) / example.km
    payload, volume = float(row["payload_t"]), float(row["payload_m3"])
    cny = tariff * around.cny_per_unit[str(row["tariff_currency"])]
    return Direction(
        ends,
        ways,
        tariff,
        background_t=payload * float(row["load_factor_max"]) * example.background_share,
        background_cny_per_t=cny * feu_of_departure(around, "rail", payload, volume) / payload,
        booking_wait_h=float(row["booking_wait_h"]),
    )


def _operation(
    corridor: _Corridor,
    ends: tuple[str, str],
    ways: tuple[tuple[Row, ...], tuple[Row, ...]],
    costs: CarrierCosts,
    around: Surroundings,
) -> Operation:
    row = corridor.out.row
    feu = feu_of_departure(around, "rail", float(row["payload_t"]), float(row["payload_m3"]))
    parts = (
        _cost_of_a_feu(ends, ways[0][0], costs, around),
        _cost_of_a_feu(ends[::-1], ways[1][0], costs, around),
    )
    cost = added((feu, parts[0]), (feu, parts[1]))
    level = around.levels.level("tariff", "rail", around.region(ends[1]), around.year)
    swing = level.low / level.factor, level.high / level.factor
    payload = [row[f"payload_t{end}"] for end in ("_low", "_high")]
    return Operation(
        columns={
            name: row[name]
            for name in (
                "service_class",
                "availability",
                "payload_t",
                "payload_m3",
                "load_factor_max",
                "tariff_basis",
                "tariff_currency",
                "segments",
                "co2_g_per_tkm",
            )
        },
        cost_cny=cost[0],
        cost_range=(cost[1] / cost[0], cost[2] / cost[0]) if cost[0] else (1.0, 1.0),
        ranges={
            "tariff": swing,
            "back_tariff": swing,
            "payload_t": (1.0, 1.0)
            if None in payload
            else (float(payload[0]) / float(row["payload_t"]), float(payload[1]) / float(row["payload_t"])),
            "run_h": RUN_RANGE,
            "background": background_range([corridor.out]),
        },
        figures={
            "model": str(row["service_id"]),
            "distance_km": round(float(ways[0][0]["distance_km"])),
            "model_km": round(corridor.out.km),
            "feu": feu,
            "cost_cny_per_feu_out": round(parts[0][0]),
        },
        source=(
            f"assumption: ways, hours, tariff of {around.year} and background as {row['service_id']}, "
            "by distance; cost by carrier_costs.csv"
        ),
    )


def _cost_of_a_feu(ends: tuple[str, str], way: Row, costs: CarrierCosts, around: Surroundings) -> Cost:
    """Cost of a FEU on one way: each stretch between passages at its country's cost, and the gauge changes.

    A stretch is in the country of its end at home or abroad; one between two passages in that of the rail
    terminal nearest to its middle.
    """
    passages = [name for name in str(way["passages"]).split("|") if name]
    points = (ends[0], *passages, ends[1])
    circles = _great_circles(points, around)
    longer = float(way["distance_km"]) / sum(circles)
    parts: list[tuple[float, Cost]] = []
    for i, km in enumerate(circles):
        if i == 0 or i == len(circles) - 1:
            country = str(around.sites[ends[0] if i == 0 else ends[1]]["country"])
        else:
            country = around.country_between(points[i], points[i + 1], "rail_terminal")
        parts.append((km * longer, costs.feu_km(country)))
    changes = sum(around.passages[name]["kind"] == "gauge_change" for name in passages)
    return added(*parts, (changes, costs.per.get("gauge_change_feu", (0.0, 0.0, 0.0))))
