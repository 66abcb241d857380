"""Tables of simulated door-to-door hours of a plan: by demand row, service, direction and segment."""

from __future__ import annotations

import math
from collections import defaultdict
from dataclasses import dataclass, field
from typing import Any

import pyarrow as pa

from logistics.network.network import Network
from logistics.plan import Plan
from logistics.travel_times.columns import (
    FIGURES,
    HOURS,
    SEGMENT_TIMES,
    SERVICE_TIMES,
    SHARES_KEPT,
    TIMES,
    table_of_rows,
)
from logistics.travel_times.components import Clock, PathHours, StepHours, StepKey
from logistics.travel_times.mixtures import Draws, Mixture
from logistics.units import HOURS_PER_DAY


@dataclass
class _Group:
    """Tonnes by path of some cargo, on both clocks; lists, to be added up exactly."""

    customer: dict[Clock, list[float]] = field(default_factory=lambda: defaultdict(list))
    pipeline: dict[Clock, list[float]] = field(default_factory=lambda: defaultdict(list))

    def add(self, hours: PathHours, tonnes: float) -> None:
        """Add tonnes on a path."""
        self.customer[hours.customer].append(tonnes)
        self.pipeline[hours.pipeline].append(tonnes)

    @property
    def tonnes(self) -> float:
        """Tonnes of all paths."""
        return math.fsum(tonnes for each in self.customer.values() for tonnes in each)

    def customers(self, draws: Draws) -> Mixture:
        """The cargo on the customer's clock."""
        return Mixture({clock: math.fsum(each) for clock, each in self.customer.items()}, draws)

    def hours(self, draws: Draws, customers: Mixture | None = None) -> list[float | None]:
        """Values of the columns of hours; nulls where there are no tonnes."""
        if not self.customer:
            return [None] * len(HOURS)
        first = (customers or self.customers(draws)).distribution()
        second = first
        if self.pipeline != self.customer:
            whole = {clock: math.fsum(each) for clock, each in self.pipeline.items()}
            second = Mixture(whole, draws).distribution()
        return [getattr(clock, name) for clock in (first, second) for name in FIGURES]


def simulated_times(
    network: Network, year: int, plan: Plan, seed: int, draws: int = 2000
) -> dict[str, pa.Table]:
    """Simulate the door-to-door hours of a year's plan.

    Parameters
    ----------
    network
        Effective network of the year.
    year
        The year.
    plan
        A plan that the check has passed; of several years only this one is looked at.
    seed
        ≥ 0. With the year and the names of what varies it decides the draws; the order of rows does not.
    draws
        Draws of each component, ≥ 1.

    Returns
    -------
    dict
        ``times``, ``service_times`` and ``segment_times``, see
        :mod:`logistics.travel_times.columns`. Rows follow the network's tables.

    Raises
    ------
    ValueError
        For a negative seed, no draws, or a step that plans do not have.
    """
    plan = plan.of_year(year)
    demand = {str(row["demand_id"]): row for row in network.rows("demand")}
    direction = directions_of(network)
    steps, hours_of = _steps_by_path(plan), StepHours(network)
    rows: dict[str, _Group] = defaultdict(_Group)
    services: dict[str, _Group] = defaultdict(_Group)
    segments: dict[tuple[str, str], _Group] = defaultdict(_Group)
    stocked: dict[str, list[float]] = defaultdict(list)
    known: dict[tuple[tuple[StepKey, ...], str], PathHours] = {}
    for flow in plan.flows.to_pylist():
        name, tonnes = flow["demand_id"], float(flow["tonnes"])
        if not tonnes > 0:
            continue
        segment = str(demand[name]["segment"])
        path = steps[flow["path_id"]]
        hours = known.get((path, segment))
        if hours is None:
            hours = known[(path, segment)] = hours_of.path_hours(path, segment)
        rows[name].add(hours, tonnes)
        segments[(direction[name], segment)].add(hours, tonnes)
        for service in {step.service_id for step in path} - {""}:
            services[service].add(hours, tonnes)
            stocked[service].append(tonnes if segment == "stocked" else 0.0)
    drawn = Draws(hours_of.laws, seed, year, draws)
    times = _times(network, year, plan, rows, drawn)
    by_service = []
    for row in network.rows("services"):
        name = str(row["service_id"])
        if name in services:
            words = [row[column] for column in ("mode", "service_class", "name_en", "name_zh")]
            group = services[name]
            stocked_t = math.fsum(stocked[name])
            by_service.append((year, name, *words, group.tonnes, stocked_t, *group.hours(drawn)))
    return {
        "times": times,
        "service_times": table_of_rows(by_service, SERVICE_TIMES),
        "segment_times": _segment_times(year, times, direction, segments, drawn),
    }


def _times(network: Network, year: int, plan: Plan, rows: dict[str, _Group], drawn: Draws) -> pa.Table:
    promise = {
        (r["product_id"], r["segment"]): None if r["promise_d"] is None else r["promise_d"] * HOURS_PER_DAY
        for r in network.rows("product_segments")
    }
    unserved: dict[str, list[float]] = defaultdict(list)
    for row in plan.unserved.to_pylist():
        unserved[row["demand_id"]].append(float(row["tonnes"]))
    found = []
    for row in network.rows("demand"):
        name = str(row["demand_id"])
        group, left_t = rows.get(name, _Group()), math.fsum(unserved[name])
        promise_h = promise.get((row["product_id"], row["segment"]))
        # Served and unserved make up demand, but for the solver's last digits.
        total_t = max(float(row["tonnes_per_year"]), group.tonnes + left_t)
        mixed = group.customers(drawn) if group.customer else None
        shares: tuple[float | None, ...] = (None, None)
        if promise_h is not None and total_t > 0:
            kept = mixed.within(promise_h) if mixed is not None else (0.0, 0.0)
            shares = tuple(tonnes / total_t for tonnes in kept)
        ends = (row["origin_site"], row["destination_site"], row["product_id"], row["segment"])
        found.append(
            (year, name, *ends, group.tonnes, left_t, *group.hours(drawn, mixed), promise_h, *shares)
        )
    return table_of_rows(found, TIMES)


def _segment_times(
    year: int,
    times: pa.Table,
    direction: dict[str, str],
    groups: dict[tuple[str, str], _Group],
    drawn: Draws,
) -> pa.Table:
    parts: dict[tuple[str, str], list[dict[str, Any]]] = defaultdict(list)
    for row in times.to_pylist():
        parts[(direction[row["demand_id"]], row["segment"])].append(row)
    found = []
    for key in sorted(parts):
        group = groups.get(key, _Group())
        promised = [r for r in parts[key] if r["share_within_promise"] is not None]
        promised_t = math.fsum(r["tonnes"] + r["unserved_t"] for r in promised)
        shares: list[float | None] = [None, None]
        if promised_t > 0:
            shares = [
                math.fsum(r[name] * (r["tonnes"] + r["unserved_t"]) for r in promised) / promised_t
                for name, _ in SHARES_KEPT
            ]
        left_t = math.fsum(r["unserved_t"] for r in parts[key])
        found.append((year, *key, group.tonnes, left_t, *group.hours(drawn), promised_t, *shares))
    return table_of_rows(found, SEGMENT_TIMES)


def directions_of(network: Network) -> dict[str, str]:
    """Direction of each demand row as seen from the home territory: export, import or transit."""
    territory = dict(
        zip(network.texts("sites", "site_id"), network.texts("sites", "customs_territory"), strict=True)
    )
    home, found = network.info.home_territory, {}
    for row in network.rows("demand"):
        leaves, enters = territory[str(row["origin_site"])], territory[str(row["destination_site"])]
        direction = "export" if leaves == home else "import" if enters == home else "transit"
        found[str(row["demand_id"])] = direction
    return found


def _steps_by_path(plan: Plan) -> dict[str, tuple[StepKey, ...]]:
    """Steps of each path in the order of their numbers."""
    columns = ("path_id", "seq", *StepKey._fields)
    found: dict[str, list[StepKey]] = defaultdict(list)
    for row in sorted(zip(*(plan.steps[name].to_pylist() for name in columns), strict=True)):
        found[row[0]].append(StepKey(*row[2:]))
    return {path: tuple(steps) for path, steps in found.items()}
