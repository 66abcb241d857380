"""A log and its tables become a priced network: which demand, which charter rates, which ways of the legs.

Nothing is taken from names of files. The demand is the one whose ports, pairs and quantities the log states;
charter rates are those of the low, base or high case that give the log's charter costs; of several ways of a
leg (through a canal or around), those that add up to the log's distance and traversals.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path

from benchmarks.linerlib.logs import Log, Rotation, read_log
from benchmarks.linerlib.tables import Demand, Port, Tables, VesselClass, Way, tables_near
from benchmarks.spec import BenchmarkError

CHARTER_FACTORS = {"base": 1.0, "low": 1.4, "high": 0.8}
"""What the capacity cases do to charter rates, which are then rounded to thousands."""
DAYS_A_WEEK = 7
HOURS_A_DAY = 24.0
CALL_DAYS = 1.0
PRINTED = 5e-6
"""Relative error of figures printed with 6 digits."""


@dataclass(frozen=True)
class Service:
    """A rotation with its ship and weekly fixed cost.

    Parameters
    ----------
    calls
        Port codes in order of calling; leg i goes from call i to the next one, cyclically.
    capacity_ffe
        Of each leg, a week.
    fixed_usd
        A week: charter, bunker, calls and canals.
    """

    id: str
    calls: tuple[str, ...]
    capacity_ffe: float
    fixed_usd: float


@dataclass(frozen=True)
class Network:
    """Services, ports and demand of a week.

    Parameters
    ----------
    objective
        Profit as logged, or None.
    notes
        Where log and tables differ by more than printing does.
    """

    services: tuple[Service, ...]
    ports: dict[str, Port]
    demand: tuple[Demand, ...]
    objective: float | None = None
    notes: tuple[str, ...] = ()

    @property
    def fixed_usd(self) -> float:
        """Fixed cost of all services, a week."""
        return math.fsum(service.fixed_usd for service in self.services)


def read_network(path: Path, top: Path) -> Network:
    """Read a log and the tables nearest to it, up to the folder `top`."""
    log = read_log(path)
    calls = {code for rotation in log.rotations for code in rotation.calls}
    return priced_network(log, tables_near(path, top, calls), path.name)


def priced_network(log: Log, tables: Tables, name: str) -> Network:
    """Match a log, called `name` in messages, with tables.

    Raises
    ------
    BenchmarkError
        When a port, ship or leg is in no table, or no one demand table fits.
    """
    demand = matching_demand(log, tables.demands, name)
    case = _charter_case(log, tables)
    notes: list[str] = []
    services = [_service(rotation, tables, case, name, notes) for rotation in log.rotations]
    used = {code for service in services for code in service.calls}
    used |= {code for row in demand for code in (row.origin, row.destination)}
    for code in sorted(used):
        port = tables.ports.get(code)
        if port is None:
            raise BenchmarkError(f"{name}: port {code} is not in the table of ports")
        if not all(map(math.isfinite, (port.full, port.transfer))):
            raise BenchmarkError(f"{name}: the table of ports has no handling cost of {code}")
    return Network(
        tuple(services), {c: tables.ports[c] for c in sorted(used)}, demand, log.objective, tuple(notes)
    )


def matching_demand(log: Log, candidates: Iterable[tuple[Demand, ...]], name: str) -> tuple[Demand, ...]:
    """The one demand table that has all pairs of the log in the log's quantities and all its ports.

    Where more than one does, the one with no other pairs; where the log leaves out some of a demand,
    quantities may be larger than the log's.
    """
    calls = {code for rotation in log.rotations for code in rotation.calls}
    fits: list[tuple[tuple[bool, bool], tuple[Demand, ...]]] = []
    for rows in candidates:
        asked: dict[tuple[str, str], float] = {}
        for row in rows:
            ends = (row.origin, row.destination)
            asked[ends] = asked.get(ends, 0.0) + row.ffe
        if not calls <= {code for ends in asked for code in ends} or not log.asked.keys() <= asked.keys():
            continue
        slack = {ends: PRINTED * max(1.0, ffe) for ends, ffe in log.asked.items()}
        if any(asked[ends] < ffe - 3 * slack[ends] for ends, ffe in log.asked.items()):
            continue
        equal = all(asked[ends] <= ffe + 3 * slack[ends] for ends, ffe in log.asked.items())
        fits.append(((equal, log.asked.keys() == asked.keys()), rows))
    best = max((rank for rank, _ in fits), default=None)
    matches = [rows for rank, rows in fits if rank == best]
    if len(matches) != 1:
        found = "no demand table has" if not matches else f"{len(matches)} different demand tables have"
        raise BenchmarkError(f"{name}: {found} the ports, pairs and quantities that it states")
    return matches[0]


def charter_rate(ship: VesselClass, case: str) -> float:
    """USD a day of a ship in a capacity case."""
    rate = ship.charter_usd_per_day * CHARTER_FACTORS[case]
    return rate if case == "base" else math.floor(rate / 1000 + 0.5) * 1000.0


def _charter_case(log: Log, tables: Tables) -> str | None:
    """Case whose rates give all charter costs of the log; base where it states none, None where none does."""
    stated = [
        (
            tables.classes[r.figures["capacity"]],
            r.figures["charter_usd"] / (r.figures["vessels"] * DAYS_A_WEEK),
        )
        for r in log.rotations
        if "charter_usd" in r.figures and r.figures["capacity"] in tables.classes
    ]
    for case in CHARTER_FACTORS:
        if all(_close(charter_rate(ship, case), rate) for ship, rate in stated):
            return case
    return None


def _service(rotation: Rotation, tables: Tables, case: str | None, name: str, notes: list[str]) -> Service:
    figures = rotation.figures
    what = f"{name}: service {rotation.id}"
    ship = tables.classes.get(figures["capacity"])
    if ship is None:
        raise BenchmarkError(f"{what}: no vessel class takes {figures['capacity']:g} FFE")
    if case is not None:
        ship = replace(ship, charter_usd_per_day=charter_rate(ship, case))
    else:
        rate = figures.get("charter_usd", math.nan) / (figures["vessels"] * DAYS_A_WEEK)
        if not math.isfinite(rate):
            raise BenchmarkError(f"{what}: no charter cost, and no capacity case fits the others")
        notes.append(f"{what}: charter of {rate:g} USD a day as logged, which is of no capacity case")
        ship = replace(ship, charter_usd_per_day=rate)
    calls = tuple(rotation.calls)
    way = _round_trip(rotation, tables, what, notes)
    days_at_sea = figures["vessels"] * DAYS_A_WEEK - CALL_DAYS * len(calls)
    # The log's speed has 6 digits; what it stands for is the slowest speed that keeps the weekly schedule.
    needed = way.miles / (HOURS_A_DAY * days_at_sea) if days_at_sea > 0 else math.inf
    knots = max(ship.min_knots, needed)
    if "speed" in figures and not _close(knots, figures["speed"]):
        knots = figures["speed"]
        notes.append(f"{what}: {knots:g} knots as logged do not make a weekly round trip with its vessels")
    if not math.isfinite(knots) or knots <= 0:
        raise BenchmarkError(f"{what}: its vessels spend all their time in port, and no speed is logged")
    fuel_t = (knots / ship.design_knots) ** 3 * ship.fuel_t_per_day * way.miles / (HOURS_A_DAY * knots)
    idle_t = len(calls) * CALL_DAYS * ship.idle_t_per_day
    called = [tables.ports.get(code) for code in calls]
    call_usd = math.fsum(
        port.call + port.call_per_ffe * ship.capacity_ffe if port is not None else math.nan for port in called
    )
    charter_usd = figures["vessels"] * ship.charter_usd_per_day * DAYS_A_WEEK
    canal_usd = (way.panama * ship.panama_usd if way.panama else 0.0) + (
        way.suez * ship.suez_usd if way.suez else 0.0
    )
    mine = {
        "calls_usd": call_usd,
        "idle_t": idle_t,
        "fuel_t": fuel_t,
        "charter_usd": charter_usd,
        "canal_usd": canal_usd,
    }
    for key, amount in mine.items():
        if not math.isfinite(amount):
            raise BenchmarkError(f"{what}: {key} cannot be told, the tables have blank cells")
        if key in figures and not _close(amount, figures[key]):
            notes.append(f"{what}: {key} {figures[key]:g} as logged, {amount:g} by the tables")
    fixed = charter_usd + rotation.bunker_usd_per_t * (fuel_t + idle_t) + call_usd + canal_usd
    return Service(rotation.id, calls, figures["capacity"], fixed)


def _round_trip(rotation: Rotation, tables: Tables, what: str, notes: list[str]) -> Way:
    """Miles and traversals of the whole rotation that agree with the log, else the shortest."""
    totals = {Way(0.0, 0, 0)}
    for origin, destination in zip(rotation.calls, rotation.calls[1:] + rotation.calls[:1], strict=True):
        options = tables.ways.get((origin, destination), ())
        if origin == destination:
            options = (Way(0.0, 0, 0),)
        if not options:
            raise BenchmarkError(f"{what}: no distance from {origin} to {destination}")
        totals = {
            Way(a.miles + b.miles, a.panama + b.panama, a.suez + b.suez) for a in totals for b in options
        }
    figures = rotation.figures
    miles = figures.get("miles", min(way.miles for way in totals))
    fits = [way for way in totals if _close(way.miles, miles)]
    if not fits:
        raise BenchmarkError(
            f"{what}: no choice of ways adds up to the {miles:g} nautical miles that are logged"
        )
    counts = (int(figures.get("panama", 0)), int(figures.get("suez", 0)))
    for way in sorted(fits, key=lambda way: (abs(way.miles - miles), way.panama + way.suez)):
        if (way.panama, way.suez) == counts or "miles" not in figures:
            return way
    way = min(fits, key=lambda way: (abs(way.miles - miles), way.panama + way.suez))
    notes.append(
        f"{what}: Panama {counts[0]} ×, Suez {counts[1]} × as logged; {way.panama} and {way.suez} by distance"
    )
    return way


def _close(a: float, b: float) -> bool:
    return math.isclose(a, b, rel_tol=PRINTED)
