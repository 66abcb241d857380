"""Proposed flights: every pair of airports that a freighter joins with enough of its payload."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise

from logistics.errors import Where
from logistics.proposals.aircraft import Aircraft
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
from logistics.proposals.proposal import Proposal
from logistics.proposals.rotations import Direction, Operation, rotation, way_row
from logistics.proposals.spec import Generate
from logistics.proposals.surroundings import Surroundings
from logistics.proposals.ways import run_sd_h
from logistics.units import KG_PER_T

CLASSES = ("freighter", "charter")
"""Classes of existing services that count as a freighter flight between two airports."""
STOP_H, STOP_SD_H = 2.0, 1.0
"""A technical stop, on the ground and with its extra climb, as in the network's own long flights."""
RUN_RANGE = (0.95, 1.15)
"""Assumption: winds and detours."""


@dataclass(frozen=True)
class _Flight:
    """One aircraft over one pair: legs, payload, block hours."""

    km: tuple[float, ...]
    payload_t: float
    block_h: float
    stop: str = ""


def proposed_flights(
    spec: Generate, pairs: list[tuple[str, str]], around: Surroundings, where: Where
) -> Iterator[Proposal]:
    """Proposals of a rule of mode air, by pair and type.

    Payload, hours and cost come from ``aircraft.csv`` and the great circle; tariffs, background and what else
    a flight has from the network's flights, see :class:`Tariffs`. The way, direct or by one of the technical
    stops, is the one that carries most tonnes in a block hour. Cost has the fuel price of the year.
    """
    out, back = (examples(around, "air", out=flag) for flag in (True, False))
    if not out or not back:
        return
    tariffs = Tariffs(out, around, out=True), Tariffs(back, around, out=False)
    joined = joined_pairs(around, "air", CLASSES) if spec.skip_existing else set()
    fuel = around.levels.level("fuel", "air", "*", around.year).factor
    for home, abroad in pairs:
        if (home, abroad) in joined:
            continue
        for name in spec.aircraft or around.aircraft:
            aircraft = around.aircraft[name]
            if aircraft.airports and around.is_home(home) and home not in aircraft.airports:
                continue
            flight = _best_flight(aircraft, home, abroad, spec.technical_stops, around)
            if flight.payload_t < spec.min_payload_share * aircraft.payload_t:
                continue
            km = sum(flight.km)
            paid = tariffs[0].to(home, abroad, km), tariffs[1].to(home, abroad, km)
            yield rotation(
                f"AIR_{home}_{abroad}_{aircraft.id}",
                spec,
                around,
                where,
                (
                    _direction((home, abroad), flight, paid[0], _own(out, 0, home), around),
                    _direction((abroad, home), flight, paid[1], _own(back, -1, home), around),
                ),
                _operation(aircraft, flight, paid, fuel, _own(out, 0, home), around, abroad),
            )


def _own(chosen: list[Example], end: int, home: str) -> list[Example]:
    """Examples of a home airport, all of them where it has none."""
    return [e for e in chosen if e.stops[end] == home] or chosen


def _best_flight(
    aircraft: Aircraft, home: str, abroad: str, stops: list[str], around: Surroundings
) -> _Flight:
    """The way with most tonnes an hour, direct before any stop."""
    options = []
    for stop in ("", *(name for name in stops if name not in (home, abroad))):
        points = [home, *([stop] if stop else []), abroad]
        km = tuple(around.km(a, b) for a, b in pairwise(points))
        block = sum(aircraft.flight_h(leg) for leg in km) + (STOP_H if stop else 0.0)
        options.append(_Flight(km, aircraft.payload_at(max(km)), block, stop))
    return max(options, key=lambda flight: flight.payload_t / flight.block_h)


def _direction(
    ends: tuple[str, str], flight: _Flight, paid: Tariff, own: list[Example], around: Surroundings
) -> Direction:
    row = paid.used[0].row
    cny_per_kg = paid.value * around.cny_per_unit[str(row["tariff_currency"])]
    sd = math.hypot(run_sd_h("air", flight.block_h), STOP_SD_H if flight.stop else 0.0)
    return Direction(
        ends,
        (way_row("", (), flight.block_h, sd, sum(flight.km)),),
        paid.value,
        background_t=flight.payload_t
        * float(row["load_factor_max"])
        * median_of(own, lambda e: e.background_share),
        background_cny_per_t=cny_per_kg * KG_PER_T,
    )


def _operation(
    aircraft: Aircraft,
    flight: _Flight,
    paid: tuple[Tariff, Tariff],
    fuel: float,
    own: list[Example],
    around: Surroundings,
    abroad: str,
) -> Operation:
    row = paid[0].used[0].row
    level = around.levels.level("tariff", "air", around.region(abroad), around.year)
    swing = level.low / level.factor, level.high / level.factor
    return Operation(
        columns={
            "service_class": "freighter",
            "availability": column_of(own, "availability"),
            "payload_t": flight.payload_t,
            "payload_m3": aircraft.payload_m3,
            "load_factor_max": column_of(own, "load_factor_max"),
            "tariff_basis": row["tariff_basis"],
            "tariff_currency": row["tariff_currency"],
            "segments": "",
            "co2_g_per_tkm": column_of(paid[0].used, "co2_g_per_tkm"),
        },
        cost_cny=2 * sum(aircraft.flight_cny(leg, fuel) for leg in flight.km),
        cost_range=aircraft.cost_range,
        moving_cny={"fuel": 2 * sum(aircraft.fuel_cny(leg) for leg in flight.km)},
        ranges={
            "tariff": swing,
            "back_tariff": swing,
            "payload_t": aircraft.payload_range,
            "run_h": RUN_RANGE,
            "background": background_range(own),
        },
        figures={
            "aircraft": aircraft.id,
            "distance_km": round(sum(flight.km)),
            "longest_leg_km": round(max(flight.km)),
            "technical_stop": flight.stop,
            "block_h": round(flight.block_h, 2),
            "payload_share": round(flight.payload_t / aircraft.payload_t, 3),
            "fuel_level": fuel,
            "tariff_by": paid[0].basis_of,
            "tariff_examples": float(len(paid[0].used)),
        },
        source=(
            "assumption: payload, hours and cost by aircraft.csv and the great circle; "
            f"tariff of {around.year} by {paid[0].basis_of} from {len(paid[0].used)} services; "
            "background as the airport's services"
        ),
    )
