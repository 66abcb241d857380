"""One year's flow, solved and checked: what every study of flows is made of."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from logistics.errors import Problem
from logistics.limits import PlanLimit, limit_rows
from logistics.network.network import Network
from logistics.plan import Plan
from logistics.scenario.read import Scenario
from logistics.studies.compiled import compiled_instance
from logistics.studies.study import Status
from logistics.verification.verdict import Verdict, summed_totals
from logistics.virtual_network.instance import Instance, Weights

if TYPE_CHECKING:
    from logistics.models.flow.column_generation import FlowModel, Progress
    from logistics.models.flow.decode import Claims
    from logistics.models.flow.pricing import PathPricer
    from logistics.models.flow.solved import LeastUnserved, SolvedFlow
    from logistics.verification.check import Assertion

OVER_BOUND = 1e-9


@dataclass(frozen=True)
class Question:
    """What is asked of one year.

    Parameters
    ----------
    network
        Effective network of the year.
    weights
        What the objective adds up, by the names of :data:`~logistics.verification.books.WEIGHTS`.
    unserved_cny_per_t, allow_unserved
        Price of unserved demand, if there is one; whether any may be left.
    limits
        Limits on the plan.
    """

    network: Network
    year: int
    weights: Mapping[str, float]
    unserved_cny_per_t: float | None
    allow_unserved: bool
    limits: tuple[PlanLimit, ...]
    gap: float
    time_limit_s: float
    seed: int = 1
    most_rounds: float = math.inf

    @classmethod
    def of(cls, scenario: Scenario, network: Network, year: int) -> Question:
        """What a scenario asks of a year."""
        from logistics.verification.books import WEIGHTS

        return cls(
            network=network,
            year=year,
            weights=WEIGHTS[scenario.objective],
            unserved_cny_per_t=scenario.serve.unserved_cny_per_t,
            allow_unserved=scenario.serve.allow_unserved,
            limits=scenario.limits,
            gap=scenario.solver.gap,
            time_limit_s=scenario.solver.time_limit_s,
            seed=scenario.solver.seed,
        )

    @property
    def arc_weights(self) -> Weights:
        """The weights in the terms of the instance."""
        named = {"capital": "carrying"}
        zero = Weights(0.0, 0.0, 0.0, 0.0, 0.0)
        return Weights(**(asdict(zero) | {named.get(key, key): value for key, value in self.weights.items()}))

    def compiled(self, alternatives: Mapping[str, str] | None = None) -> tuple[Instance, list[Problem]]:
        """The arrays, and a warning for each demand row that nothing can reach.

        Parameters
        ----------
        alternatives
            Demand rows in whose segment others may be served too.
        """
        return compiled_instance(
            self.network, self.year, self.arc_weights, self.unserved_cny_per_t, self.limits, alternatives
        )


@dataclass(frozen=True)
class YearOutcome:
    """One solved and checked year.

    Parameters
    ----------
    plan
        None when there is none; where limits cannot hold together, the evidence of what can be served.
    limit_scales
        What 100 % of each limit is, in the unit of its row.
    limit_wholes
        Demand in each limit's scope, weighted as it is there.
    """

    question: Question
    status: Status
    solved: SolvedFlow
    claims: Claims
    plan: Plan | None
    verdict: Verdict
    duals: pa.Table
    limit_scales: tuple[float, ...] = ()
    limit_wholes: tuple[float, ...] = ()
    warnings: tuple[Problem, ...] = ()
    seconds: Mapping[str, float] = field(default_factory=dict)

    @property
    def year(self) -> int:
        """The year."""
        return self.question.year

    @property
    def has_plan(self) -> bool:
        """Whether there is a plan that obeys the limits."""
        return self.plan is not None and self.solved.conflict is None

    def summary(self) -> dict[str, Any]:
        """Figures for ``result.json``."""
        verdict, solved = self.verdict, self.solved
        found = {
            "status": self.status,
            "objective": solved.objective,
            "bound": solved.bound,
            "gap": solved.gap,
            "plan_verified": verdict.plan_verified,
            "bound_proof": verdict.bound_proof,
            "least_unserved_t": solved.least_unserved_t,
            "rounds": solved.rounds,
            "columns": solved.num_columns,
            "claims": asdict(self.claims) if self.has_plan else {},
            "totals": summed_totals([verdict]),
            "bill_cny": dict(verdict.bill),
        }
        if solved.conflict is not None:
            found["least_relaxation"] = solved.conflict.bound
        return found

    def record(self, changes: Sequence[Mapping[str, Any]] = ()) -> dict[str, Any]:
        """Summary of one of several plans, with what it is to be judged by.

        Parameters
        ----------
        changes
            Values of the tables that differ from those in ``inputs/``.
        """
        question = self.question
        return self.summary() | {
            "year": self.year,
            "weights": dict(question.weights),
            "unserved_cny_per_t": question.unserved_cny_per_t,
            "rules": limit_rows(question.limits),
            "changes": list(changes),
        }


@dataclass
class Laps:
    """Seconds by phase."""

    seconds: dict[str, float] = field(default_factory=dict)
    clock: float = field(default_factory=time.perf_counter)

    def lap(self, name: str) -> None:
        """End a phase."""
        now = time.perf_counter()
        self.seconds[name] = self.seconds.get(name, 0.0) + now - self.clock
        self.clock = now


def solved_year(
    question: Question,
    instance: Instance,
    report: Callable[[Progress], None] | None = None,
    start: Iterable[tuple[int, Any]] = (),
    pricer: PathPricer | None = None,
    least: LeastUnserved | None = None,
    laps: Laps | None = None,
) -> tuple[YearOutcome, FlowModel]:
    """Solve a year's flow, and have the plan checked by code that did not make it."""
    from logistics.models.flow.column_generation import FlowModel, StopRule

    laps = laps or Laps()
    stop = StopRule(question.gap, question.time_limit_s, question.most_rounds)
    model = FlowModel(instance, stop, report, start, pricer, least)
    solved = model.solve()
    laps.lap("solve")
    return checked_year(question, instance, solved, laps), model


def checked_year(
    question: Question, instance: Instance, solved: SolvedFlow, laps: Laps | None = None
) -> YearOutcome:
    """Put a year's solved flow into words, and have it checked by code that did not make it."""
    from logistics.models.flow.decode import claimed_totals, decoded_plan

    laps = laps or Laps()
    plan = decoded_plan(instance, solved) if solved.status != "no_plan" else None
    claims = claimed_totals(instance, solved)
    duals = dual_table(instance, solved, question.year)
    laps.lap("decode")
    verdict = _judged(question, plan, claims, solved, duals)
    laps.lap("verify")
    status: Status = solved.status
    left = claims.unserved_t > OVER_BOUND * max(1.0, claims.demand_t)
    if not question.allow_unserved and left and status in ("optimal", "limit"):
        status = "infeasible" if solved.least_unserved_t > 0 else "limit"
    scales = tuple(limit.scale for limit in instance.limits)
    wholes = limit_wholes(instance)
    return YearOutcome(
        question, status, solved, claims, plan, verdict, duals, scales, wholes, seconds=dict(laps.seconds)
    )


def limit_wholes(instance: Instance) -> tuple[float, ...]:
    """Demand in the scope of each limit, weighted as it is there."""
    demand = instance.commodities.demand_t
    return tuple(
        float((limit.factor if limit.measure == "customer_h" else limit.unserved) @ demand)
        for limit in instance.limits
    )


def _judged(
    question: Question, plan: Plan | None, claims: Claims, solved: SolvedFlow, duals: pa.Table
) -> Verdict:
    from logistics.verification.certificates import certificates_of
    from logistics.verification.check import Assertion, Task, unplanned_year, verify_conflict, verify_task

    task = Task(question.weights, question.unserved_cny_per_t, question.limits)
    certificates = certificates_of(duals)
    if plan is None:
        return unplanned_year(question.network, question.year)
    if solved.conflict is not None:
        claim = Assertion(
            {},
            conflict=certificates.get("conflict"),
            members=certificates.get("members"),
            least_relaxation=solved.conflict.bound,
        )
        return verify_conflict(question.network, question.year, plan, task, claim)
    claim = claim_of(claims, solved, question.gap, duals)
    return verify_task(question.network, question.year, plan, task, claim)


def claim_of(claims: Claims, solved: SolvedFlow, gap: float, duals: pa.Table) -> Assertion:
    """What is claimed of a solved year, for the check."""
    from logistics.verification.certificates import certificates_of
    from logistics.verification.check import Assertion

    certificates = certificates_of(duals)
    return Assertion(
        figures={**asdict(claims), "objective": solved.objective},
        bound=solved.bound,
        gap=gap,
        certificate=certificates.get("objective"),
        least_unserved=certificates.get("least_unserved"),
        least_unserved_t=solved.least_unserved_t,
    )


def dual_table(instance: Instance, solved: SolvedFlow, year: int) -> pa.Table:
    """Certificates of a solved year, see :data:`~logistics.verification.certificates.DUALS`."""
    from logistics.verification.certificates import DUALS

    rows: list[tuple[int, str, str, str, str, float]] = []
    certificates = [("objective", solved.duals)]
    if solved.conflict is not None:
        certificates = [("conflict", solved.conflict.duals), ("members", solved.conflict.proof)]
    if solved.least_unserved is not None:
        certificates.append(("least_unserved", solved.least_unserved.duals))
    for name, duals in certificates:
        for setting in ("unserved", "path_scale", "allowed_t"):
            rows.append((year, name, "setting", setting, "", getattr(duals, setting)))
        for resource, price in zip(instance.resources, duals.resource, strict=True):
            if price > 0:
                rows.append((year, name, resource.kind, resource.id, resource.unit, float(price)))
        # What must stay unserved is found without the limits.
        limits = () if name == "least_unserved" else instance.limits
        for limit, price in zip(limits, duals.limit, strict=name != "least_unserved"):
            if price > 0:
                rows.append((year, name, "limit", limit.id, limit.unit, float(price)))
    return pa.table(
        [pa.array(c, f.type) for c, f in zip(zip(*rows, strict=True), DUALS, strict=True)], schema=DUALS
    )
