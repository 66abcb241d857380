"""Study kind ``frontier``: what less of one objective costs in the other, exactly.

The image of a linear program's plans is convex, so its frontier is a chain of edges between supported points,
each the optimum of f1 + ρ·f2 for some ρ. Aneja and Nair (Management Science 25, 1979, 73-78): start with the
two lexicographic ends; for two neighbours solve with the ρ at which both cost the same; what is found below
their chord is a new point, and what is not proves the edge.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import pairwise
from typing import TYPE_CHECKING, Annotated, Any, Literal

import pyarrow as pa
from pydantic import BaseModel, ConfigDict, Field, model_validator

from logistics.limits import PlanLimit
from logistics.scenario.case import Case
from logistics.studies.assignment import STATUSES, YearTables, assigned_year, merged_years, shown_progress
from logistics.studies.frontier_tables import tables_of_frontier
from logistics.studies.sandwich import Line, Spot, doubt
from logistics.studies.study import PlanRecord, Report, StudyResult
from logistics.studies.year_flow import Question, YearOutcome, solved_year

if TYPE_CHECKING:
    from logistics.models.flow.column_generation import FlowModel
    from logistics.virtual_network.instance import Instance

Goal = Literal["money", "hours", "co2"]
NAMES: dict[str, str] = {"money": "money", "hours": "customer_h", "co2": "co2_kg"}
"""Objectives by the names of the weights that add them up."""
FINER, FINEST_GAP = 0.03, 1e-9
"""Ends are solved to a part of the gap asked for: among plans of one cost, small differences decide."""
ROUNDING = 3e-8
"""Share of a value below which plans are one plan, whatever gap is asked for: with scarce capacities and
limits, solves end one or two hundred-millionths from their bounds."""
SACRIFICE, MOST_WORK = 10.0, 320_000
EDGE = 4.0
"""Multiple of the gap asked for below which a point under a chord is rounding."""


class FrontierSpec(BaseModel):
    """Settings of the study."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)
    kind: Literal["frontier"]
    objectives: Annotated[list[Goal], Field(min_length=2, max_length=2)] = ["money", "hours"]
    points: int = Field(default=12, ge=2, le=200)

    @model_validator(mode="after")
    def _two_different(self) -> FrontierSpec:
        if len(set(self.objectives)) != 2:
            raise ValueError("two different objectives")
        return self


@dataclass(frozen=True)
class Point:
    """A plan on the frontier.

    Parameters
    ----------
    spot
        Its two objectives.
    rho
        Weight of the second objective where the first has 1; inf: only the second; 0: only the first.
    end
        Whether it is a lexicographic end.
    """

    spot: Spot
    rho: float
    end: bool
    outcome: YearOutcome


@dataclass(frozen=True)
class YearFrontier:
    """The frontier of a year.

    Parameters
    ----------
    points
        In order of the first objective.
    doubts
        Between each point and the next, how far below their chord plans may lie, as a share of the frontier's
        extent; the gap of the solves alone where the edge is proven.
    failed
        Solves that ended without a plan.
    """

    base: YearTables
    points: tuple[Point, ...]
    doubts: tuple[float, ...]
    failed: tuple[YearOutcome, ...] = ()
    tables: Mapping[str, pa.Table] = field(default_factory=dict)


class Frontier:
    """Trace the frontier of two objectives, year by year."""

    kind = "frontier"
    spec: type[BaseModel] = FrontierSpec

    def pieces(self, case: Case, spec: BaseModel) -> Sequence[int]:
        """Return the years, each on its own."""
        return case.scenario.years

    def run_piece(self, case: Case, spec: BaseModel, piece: int, report: Report) -> YearFrontier:
        """Trace one year's frontier, beside the plan for the scenario's own objective."""
        assert isinstance(spec, FrontierSpec)
        base, model = assigned_year(case, piece, report)
        if not base.outcome.has_plan:
            return YearFrontier(base, (), ())
        traced = _Tracer(spec, base, model, report).traced()
        names = tuple(spec.objectives)
        return replace(traced, tables=tables_of_frontier(names, traced))

    def merge(self, case: Case, spec: BaseModel, results: Sequence[YearFrontier]) -> StudyResult:
        """Put the years side by side."""
        years = [
            YearTables(result.base.outcome, {**result.base.tables, **result.tables}) for result in results
        ]
        merged = merged_years(self.kind, years)
        plans: dict[str, PlanRecord] = {}
        outcomes: list[YearOutcome] = []
        for result in results:
            outcomes += result.failed
            for number, point in enumerate(result.points, 1):
                outcome = point.outcome
                outcomes.append(outcome)
                plans[plan_name(outcome.year, number)] = PlanRecord(
                    outcome.record(), outcome.plan, outcome.duals
                )
        return with_plans(merged, outcomes, plans)


def plan_name(year: int, number: int) -> str:
    """Id of a frontier point's plan."""
    return f"{year}-F{number:02d}"


def with_plans(
    result: StudyResult, outcomes: Sequence[YearOutcome], plans: Mapping[str, PlanRecord]
) -> StudyResult:
    """A result with further plans: it is as good as the least of them."""
    status = min((result.status, *(outcome.status for outcome in outcomes)), key=STATUSES.index)
    if result.status in ("optimal", "limit") and status in ("infeasible", "no_plan"):
        # That one of several questions has no answer is an answer; that time ran out on one is a limit.
        status = "limit" if any(o.status == "no_plan" for o in outcomes) else result.status
    seconds = dict(result.seconds)
    for outcome in outcomes:
        for phase, amount in outcome.seconds.items():
            seconds[f"plans_{phase}"] = seconds.get(f"plans_{phase}", 0.0) + amount
    proven = all(outcome.verdict.bound_proof == "certificate" for outcome in outcomes)
    return replace(
        result,
        status=status,
        plan_verified=result.plan_verified and all(o.verdict.plan_verified for o in outcomes),
        bound_proof=result.bound_proof if proven else "none",
        problems=(*result.problems, *(p for o in outcomes for p in o.verdict.violations)),
        plans=plans,
        seconds=seconds,
    )


class _Tracer:
    """Solves weighted sums, each from the paths of those before."""

    def __init__(self, spec: FrontierSpec, base: YearTables, model: FlowModel, report: Report) -> None:
        self._spec, self._report = spec, report
        self._base, self._pricer = base, model.pricer
        question = base.outcome.question
        self._question = replace(question, unserved_cny_per_t=None)
        self._instance = replace(model.instance, unserved_cny_per_t=None)
        self._least = base.outcome.solved.least_unserved
        self._known: dict[tuple[int, bytes], Any] = {}
        self._remember(base.outcome)
        self._points: list[Point] = []
        self._lines: list[Line] = []
        self._failed: list[YearOutcome] = []
        self._number = 0
        self._fine = max(FINEST_GAP, FINER * question.gap)
        self._told_apart = max(ROUNDING, question.gap)

    def traced(self) -> YearFrontier:
        """Return the ends, then the points found by splitting the most doubtful edge first."""
        self._points = self._ends()
        proven: set[tuple[Spot, Spot]] = set()
        given_up: set[tuple[Spot, Spot]] = set()
        while 2 <= len(self._points) < self._spec.points:
            edges = [(p.spot, q.spot) for p, q in pairwise(self._points)]
            open_edges = [edge for edge in edges if edge not in proven | given_up]
            if not open_edges:
                break
            p, q = max(open_edges, key=lambda edge: self._doubt(*edge))
            found, settled = self._below(p, q)
            if found is not None:
                self._points = sorted([*self._points, found], key=lambda point: point.spot.first)
            else:
                (proven if settled else given_up).add((p, q))
        spots = [point.spot for point in self._points]
        doubts = tuple(self._doubt(p, q) for p, q in pairwise(spots))
        return YearFrontier(self._base, tuple(self._points), doubts, tuple(self._failed))

    def _doubt(self, p: Spot, q: Spot) -> float:
        return doubt(p, q, self._lines, self._points[0].spot, self._points[-1].spot)

    def _ends(self) -> list[Point]:
        """Least of each objective and, among such plans, least of the other; one point where they are one."""
        alone = [self._solved(1.0, 0.0, self._fine), self._solved(0.0, 1.0, self._fine)]
        self._failed += [outcome for outcome in alone if not outcome.has_plan]
        if self._failed:
            return []
        found = [
            Point(self._spot(outcome), rho, True, outcome)
            for outcome, rho in zip(alone, (0.0, math.inf), strict=True)
        ]
        start = self._exact_end(found[0], 0) or self._near_end(found[0], found[1], 0)
        end = self._exact_end(found[1], 1) or self._near_end(found[1], found[0], 1)
        if end.spot.first <= start.spot.first or end.spot.second >= start.spot.second:
            # One plan is best in both.
            return [start]
        return [start, end]

    def _exact_end(self, alone: Point, own: int) -> Point | None:
        """Least of the other objective with no more of the own one; None where that takes too many rounds."""
        name, other = self._spec.objectives[own], self._spec.objectives[1 - own]
        value, served_t = _value(alone.outcome, name), alone.outcome.verdict.totals.served_t
        question = replace(
            self._question,
            weights={NAMES[other]: 1.0},
            limits=(*self._question.limits, _as_limit(name, value, served_t)),
            most_rounds=max(1.0, MOST_WORK / max(1, len(self._instance.commodities))),
        )
        instance, _ = question.compiled()
        outcome = self._asked(question, instance)
        if not outcome.has_plan or outcome.solved.gap > self._told_apart:
            return None
        return Point(self._spot(outcome), alone.rho, True, outcome)

    def _near_end(self, alone: Point, other: Point, own: int) -> Point:
        """Least of the own objective and a little of the other, where the exact end takes too many rounds.

        The other's weight is so small that over the whole frontier it comes to `SACRIFICE` gaps of the own
        objective: by no more than that the end found lies above the least.
        """
        p, q = sorted((alone.spot, other.spot))
        extent = (q.first - p.first, p.second - q.second)
        if min(extent) <= 0:
            return alone
        share = SACRIFICE * self._told_apart
        weights = (1.0, share * p.first / extent[1]) if own == 0 else (share * q.second / extent[0], 1.0)
        outcome = self._solved(*weights, self._fine)
        return Point(self._spot(outcome), alone.rho, True, outcome) if outcome.has_plan else alone

    def _below(self, p: Spot, q: Spot) -> tuple[Point | None, bool]:
        """The plan furthest below the chord from `p` to `q`, and whether it was solved to the gap."""
        rho = (q.first - p.first) / (p.second - q.second)
        outcome = self._solved(1.0, rho, self._question.gap)
        settled = outcome.solved.gap <= self._told_apart
        if not outcome.has_plan:
            self._failed.append(outcome)
            return None, False
        spot = self._spot(outcome)
        chord = p.first + rho * p.second
        new = spot.first + rho * spot.second < chord - EDGE * self._told_apart * abs(chord)
        if new and p.first < spot.first < q.first and p.second > spot.second > q.second:
            return Point(spot, rho, False, outcome), settled
        return None, settled

    def _spot(self, outcome: YearOutcome) -> Spot:
        first, second = self._spec.objectives
        return Spot(_value(outcome, first), _value(outcome, second))

    def _solved(self, along: float, across: float, gap: float) -> YearOutcome:
        """Solve for along · first + across · second; what is proven is kept as a line."""
        names = [NAMES[objective] for objective in self._spec.objectives]
        weights = {name: weight for name, weight in zip(names, (along, across), strict=True) if weight > 0}
        question = replace(self._question, weights=weights, gap=gap)
        outcome = self._asked(question, replace(self._instance, weights=question.arc_weights))
        self._least = self._least or outcome.solved.least_unserved
        if math.isfinite(outcome.solved.bound):
            self._lines.append(Line(along, across, outcome.solved.bound))
        return outcome

    def _asked(self, question: Question, instance: Instance) -> YearOutcome:
        from logistics.models.flow.pricing import PathPricer

        self._number += 1
        self._report("frontier.point", {"year": question.year, "number": self._number})
        outcome, _ = solved_year(
            question,
            instance,
            lambda progress: self._report("run.round", shown_progress(progress)),
            self._known.values(),
            PathPricer(instance, like=self._pricer),
            self._least,
        )
        self._remember(outcome)
        if outcome.status == "limit" and outcome.solved.gap <= self._question.gap:
            # A finer gap was tried for; the one asked for is reached.
            outcome = replace(outcome, status="optimal")
        return outcome

    def _remember(self, outcome: YearOutcome) -> None:
        for k, path in outcome.solved.used_paths:
            self._known[(k, path.tobytes())] = (k, path)


def _value(outcome: YearOutcome, name: str) -> float:
    totals = outcome.verdict.totals
    return {"money": totals.money_cny, "hours": totals.customer_t_h, "co2": 1000.0 * totals.co2_t}[name]


def _as_limit(name: str, value: float, served_t: float) -> PlanLimit:
    """No more of an objective than `value`."""
    if name == "money":
        return PlanLimit("frontier", "money", value)
    if name == "co2":
        return PlanLimit("frontier", "co2", value / 1000.0)
    return PlanLimit("frontier", "mean_customer_days", value / served_t / 24.0 if served_t else 1.0)
