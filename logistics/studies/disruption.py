"""Study kind ``disruption``: what closures and delays cost, event by event, and who is hit worst.

Each event is a few changes of the network's values on top of the scenario. The plan is made anew for each;
its regret is what the best plan then costs more than the undisturbed one.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Literal

import pyarrow as pa
from pydantic import BaseModel, ConfigDict, Field, model_validator

from logistics.errors import Problem, Where, stop_on_errors
from logistics.network.checks import check_tables
from logistics.network.network import Network
from logistics.network.tables import GATEWAY_KINDS
from logistics.scenario.case import Case
from logistics.scenario.changes import ChangeEntry, apply_changes
from logistics.scenario.read import PlacedChange
from logistics.scenario.schema import Change, Close, Id, Names
from logistics.studies.assignment import YearTables, assigned_year, merged_years, shown_progress
from logistics.studies.disruption_tables import tables_of_disruption
from logistics.studies.frontier import with_plans
from logistics.studies.frontier_tables import peak_loads
from logistics.studies.study import PlanRecord, Report, StudyResult
from logistics.studies.year_flow import YearOutcome, solved_year

if TYPE_CHECKING:
    from logistics.virtual_network.instance import Instance

Each = Literal["passage", "gateway", "service"]
PLACES: dict[Each, tuple[str, str, str]] = {
    "passage": ("passages", "passage_id", "passage"),
    "gateway": ("sites", "site_id", "site"),
    "service": ("services", "service_id", "service"),
}
"""By what a rule closes alone: its table, the table's key, and the key of a change that closes it."""


class EventSpec(BaseModel):
    """One event, or a rule that makes one of each thing."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)
    id: Id | None = None
    name: Names | None = None
    changes: list[Change] | None = Field(default=None, min_length=1)
    each: Each | None = None
    busiest: int | None = Field(default=None, ge=1, le=1000, description="the most, for each: service")

    @model_validator(mode="after")
    def _one_way(self) -> EventSpec:
        if (self.changes is None) == (self.each is None):
            raise ValueError("exactly one of changes, each")
        if self.changes is not None and self.id is None:
            raise ValueError("an event with changes has an id")
        if any(change.add_service is not None for change in self.changes or ()):
            raise ValueError("an event adds no service")
        return self


class DisruptionSpec(BaseModel):
    """Settings of the study."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)
    kind: Literal["disruption"]
    events: list[EventSpec] = Field(min_length=1, max_length=1000)

    @model_validator(mode="after")
    def _ids_once(self) -> DisruptionSpec:
        ids = [event.id.lower() for event in self.events if event.id is not None]
        if len(set(ids)) != len(ids):
            raise ValueError("events have different ids")
        return self


@dataclass(frozen=True)
class Event:
    """One thing that happens.

    Parameters
    ----------
    thing, thing_id
        Kind and id of what is closed alone; empty for an event of several changes.
    """

    id: str
    name: Names
    changes: tuple[PlacedChange, ...]
    thing: str = ""
    thing_id: str = ""


@dataclass(frozen=True)
class Disturbed:
    """An event's outcome.

    Parameters
    ----------
    outcome
        None where nothing of the undisturbed plan is touched: that plan is still the best.
    """

    event: Event
    outcome: YearOutcome | None
    log: tuple[ChangeEntry, ...] = ()
    by_market: Mapping[str, tuple[float, float, float, float]] = field(default_factory=dict)


@dataclass(frozen=True)
class YearDisruption:
    """All events of a year."""

    base: YearTables
    events: tuple[Disturbed, ...]
    tables: Mapping[str, pa.Table] = field(default_factory=dict)


class Disruption:
    """Run each event alone, and compare with the undisturbed year."""

    kind = "disruption"
    spec: type[BaseModel] = DisruptionSpec

    def pieces(self, case: Case, spec: BaseModel) -> Sequence[int]:
        """Return the years, each on its own."""
        return case.scenario.years

    def problems(self, case: Case, spec: BaseModel) -> list[Problem]:
        """What is wrong with the events on the network."""
        assert isinstance(spec, DisruptionSpec)
        found: list[Problem] = []
        happening = {event.id for year in case.networks for event in _listed(case, spec, year)}
        document, years = case.scenario.document, ", ".join(map(str, case.scenario.years))
        networks = case.networks.values()
        # A rule may find nothing where others do, which is said then; a study of nothing is an error.
        empty = not happening and not any(_things(e.each, n) for e in spec.events if e.each for n in networks)
        for i, item in enumerate(spec.events):
            where = document.where(("study", "events", i)) if document else Where()
            if item.id is not None and item.changes is not None and item.id not in happening:
                found.append(Problem("event.never", where, item.id, years))
            if item.each is not None and empty:
                found.append(Problem("event.none", where, years, subject=item.each))
        for year, network in case.networks.items():
            for event in _listed(case, spec, year):
                fresh: list[Problem] = []
                changed, log = apply_changes(network, event.changes, fresh)
                if log and not fresh:
                    fresh += [p for p in check_tables(changed) if p.severity == "error"]
                found += [problem for problem in fresh if problem not in found]
        return found

    def run_piece(self, case: Case, spec: BaseModel, piece: int, report: Report) -> YearDisruption:
        """Solve the year undisturbed, then with each event."""
        from logistics.models.flow.decode import sums_by_destination

        assert isinstance(spec, DisruptionSpec)
        base, model = assigned_year(case, piece, report)
        if not base.outcome.has_plan:
            return YearDisruption(base, ())
        ruled, idle = _each(spec, case.networks[piece], base.outcome)
        events = [*_listed(case, spec, piece), *ruled]
        for problem in idle:
            report("run.problem", {"problem": problem})
        base = replace(base, outcome=replace(base.outcome, warnings=(*base.outcome.warnings, *idle)))
        done = []
        for number, event in enumerate(events, 1):
            values = {"number": number, "count": len(events), "event": event.id, "year": piece}
            report("disruption.event", values)
            done.append(_disturbed(base.outcome, model.instance, event, report))
        network = case.networks[piece]
        before = sums_by_destination(model.instance, base.outcome.solved, _market_of(network))
        tables = tables_of_disruption(base.outcome, before, done)
        return YearDisruption(base, tuple(done), tables)

    def merge(self, case: Case, spec: BaseModel, results: Sequence[YearDisruption]) -> StudyResult:
        """Put the years side by side."""
        years = [
            YearTables(result.base.outcome, {**result.base.tables, **result.tables}) for result in results
        ]
        plans: dict[str, PlanRecord] = {}
        outcomes = []
        for result in results:
            for event in result.events:
                outcome = event.outcome
                if outcome is not None:
                    outcomes.append(outcome)
                    changes = [
                        {"table": e.table, "row": e.row_id, "column": e.column, "value": e.new}
                        for e in event.log
                    ]
                    record = PlanRecord(outcome.record(changes), outcome.plan, outcome.duals)
                    plans[f"{outcome.year}-{event.event.id}"] = record
        return with_plans(merged_years(self.kind, years), outcomes, plans)


def _listed(case: Case, spec: DisruptionSpec, year: int) -> list[Event]:
    """Events with changes of their own that hold in a year."""
    level = max((placed.level for placed in case.scenario.changes), default=0) + 1
    document = case.scenario.document
    found = []
    for i, item in enumerate(spec.events):
        if item.changes is None or item.id is None:
            continue
        placed = tuple(
            PlacedChange(
                change,
                document.where(("study", "events", i, "changes", j)) if document else Where(),
                level,
            )
            for j, change in enumerate(item.changes)
            if change.years is None or year in change.years
        )
        if placed:
            found.append(Event(item.id, item.name or Names(zh=item.id, en=item.id), placed))
    return found


def _things(each: Each, network: Network) -> list[dict[str, Any]]:
    """Rows of all that a rule may close alone: what is closed or not there yet cannot be."""
    rows = network.rows(PLACES[each][0])
    if each == "passage":
        return [row for row in rows if row["status"] != "closed"]
    rows = [row for row in rows if row["status"] == "existing"]
    if each == "gateway":
        home = network.info.home_territory
        return [row for row in rows if row["kind"] in GATEWAY_KINDS and row["customs_territory"] == home]
    return rows


def _each(spec: DisruptionSpec, network: Network, base: YearOutcome) -> tuple[list[Event], list[Problem]]:
    """Events made by rule, each thing of a kind closed alone; a warning of each rule that finds nothing."""
    found: dict[str, Event] = {}
    idle: list[Problem] = []
    for item in spec.events:
        if item.each is None:
            continue
        _, key, column = PLACES[item.each]
        rows = _things(item.each, network)
        if item.each == "service":
            loads = peak_loads(base)
            rows = [row for row in rows if loads.get(str(row[key]), 0.0) > 0]
            rows = sorted(rows, key=lambda row: (-loads[str(row[key])], str(row[key])))[: item.busiest or 10]
        if not rows:
            idle.append(Problem("event.none", found=str(base.year), subject=item.each, severity="warning"))
        for row in rows:
            name = str(row[key])
            shut = Close.model_validate({column: name})
            closing = PlacedChange(Change(close=shut), Where(), 10**6)
            event_id = f"{item.each}-{name}"
            while event_id in {other.id for other in spec.events}:
                event_id += "-alone"
            names = Names(zh=str(row["name_zh"])[:200] or name, en=str(row["name_en"])[:200] or name)
            found[event_id] = Event(event_id, names, (closing,), column, name)
    return list(found.values()), idle


def _disturbed(base: YearOutcome, instance: Instance, event: Event, report: Report) -> Disturbed:
    """Solve one event, from the paths of the undisturbed plan that are left."""
    from logistics.models.flow.carried import carried_paths
    from logistics.models.flow.decode import sums_by_destination

    if event.thing and not _touched(base, event):
        return Disturbed(event, None)
    found: list[Problem] = []
    network, log = apply_changes(base.question.network, event.changes, found)
    stop_on_errors(found)
    question = replace(base.question, network=network)
    disturbed, warnings = question.compiled()
    start = carried_paths(instance, base.solved.used_paths, disturbed)
    outcome, _ = solved_year(
        question, disturbed, lambda progress: report("run.round", shown_progress(progress)), start
    )
    sums = sums_by_destination(disturbed, outcome.solved, _market_of(network)) if outcome.has_plan else {}
    return Disturbed(event, replace(outcome, warnings=tuple(warnings)), log, sums)


def _touched(base: YearOutcome, event: Event) -> bool:
    """Whether the undisturbed plan uses the thing at all; else closing it changes nothing."""
    assert base.plan is not None
    if event.thing == "passage":
        return base.verdict.loads.get(("passage", event.thing_id, "t"), 0.0) > 0
    columns = ("service_id",) if event.thing == "service" else ("site_id", "to_site_id")
    return any(event.thing_id in set(base.plan.steps[column].to_pylist()) for column in columns)


def _market_of(network: Network) -> Mapping[str, str]:
    ids, ends = network.texts("demand", "demand_id"), network.texts("demand", "destination_site")
    return dict(zip(ids, ends, strict=True))
