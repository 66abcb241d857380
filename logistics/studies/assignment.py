"""Study kind ``assignment``: which way does all cargo of each year go."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, Literal

import pyarrow as pa
from pydantic import BaseModel, ConfigDict

from logistics.errors import Problem
from logistics.plan import Plan, joined_plans
from logistics.plan_facts import facts_of
from logistics.scenario.case import Case
from logistics.studies.compiled import compiled_instance
from logistics.studies.flow_tables import tables_of_flow
from logistics.studies.study import Report, Status, StudyResult
from logistics.verification.verdict import Verdict, summed_totals
from logistics.virtual_network.instance import Instance

if TYPE_CHECKING:
    from logistics.models.flow.column_generation import Progress
    from logistics.models.flow.decode import Claims
    from logistics.models.flow.solved import Duals, SolvedFlow
    from logistics.verification.check import Assertion

OVER_BOUND = 1e-9


class AssignmentSpec(BaseModel):
    """Settings of the study; it has none."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)
    kind: Literal["assignment"]


@dataclass(frozen=True)
class YearOutcome:
    """One solved and checked year."""

    year: int
    status: Status
    solved: SolvedFlow
    claims: Claims
    plan: Plan
    verdict: Verdict
    duals: pa.Table
    tables: Mapping[str, pa.Table]
    warnings: tuple[Problem, ...]
    seconds: Mapping[str, float]


class Assignment:
    """Solve each year's flow, check it, and tabulate it."""

    kind = "assignment"
    spec: type[BaseModel] = AssignmentSpec

    def pieces(self, case: Case, spec: BaseModel) -> Sequence[int]:
        """Return the years, each on its own."""
        return case.scenario.years

    def run_piece(self, case: Case, spec: BaseModel, piece: int, report: Report) -> YearOutcome:
        """Solve and check one year."""
        # Checking a scenario needs the register of studies, but no solver.
        from logistics.models.flow.column_generation import FlowModel, StopRule
        from logistics.models.flow.decode import claimed_totals, decoded_plan
        from logistics.verification.check import verify_year

        scenario, network = case.scenario, case.networks[piece]
        clock = time.perf_counter()
        seconds: dict[str, float] = {}

        def lap(name: str) -> None:
            nonlocal clock
            seconds[name], clock = time.perf_counter() - clock, time.perf_counter()

        report("run.start", {"scenario": scenario.id, "year": piece, "objective": scenario.objective})
        instance, warnings = compiled_instance(network, piece, scenario)
        lap("compile")
        stop = StopRule(scenario.solver.gap, scenario.solver.time_limit_s)
        solved = FlowModel(instance, stop, lambda progress: report("run.round", _shown(progress))).solve()
        lap("solve")
        plan, claims = decoded_plan(instance, solved), claimed_totals(instance, solved)
        duals = _dual_table(instance, solved, piece)
        lap("decode")
        claim = claim_of(claims, solved, scenario.solver.gap, duals)
        verdict = verify_year(
            network, piece, plan, scenario.objective, claim, scenario.serve.unserved_cny_per_t
        )
        lap("verify")
        facts = facts_of(plan, network, piece) if verdict.plan_verified else None
        tables = tables_of_flow(network, piece, facts, verdict, duals) if facts is not None else {}
        lap("tabulate")
        status: Status = solved.status
        if not scenario.serve.allow_unserved and claims.unserved_t > OVER_BOUND * max(1.0, claims.demand_t):
            status = "infeasible" if solved.least_unserved_t > 0 else "limit"
        return YearOutcome(
            piece, status, solved, claims, plan, verdict, duals, tables, tuple(warnings), seconds
        )

    def merge(self, case: Case, spec: BaseModel, results: Sequence[YearOutcome]) -> StudyResult:
        """Add up the years."""
        order: tuple[Status, ...] = ("infeasible", "no_plan", "limit", "optimal")
        status = min((r.status for r in results), key=order.index)
        years = {r.year: year_summary(r) for r in results}
        names = sorted({name for r in results for name in r.tables})
        proofs = {r.verdict.bound_proof for r in results}
        return StudyResult(
            kind=self.kind,
            status=status,
            objective=sum(r.solved.objective for r in results),
            bound=sum(r.solved.bound for r in results),
            gap=max(r.solved.gap for r in results),
            plan_verified=all(r.verdict.plan_verified for r in results),
            bound_proof="certificate" if proofs == {"certificate"} else "none",
            totals=summed_totals([r.verdict for r in results]),
            years=years,
            plan=joined_plans([r.plan for r in results]),
            duals=pa.concat_tables([r.duals for r in results]),
            tables={
                name: pa.concat_tables([r.tables[name] for r in results if name in r.tables])
                for name in names
            },
            problems=tuple(p for r in results for p in (*r.verdict.violations, *r.warnings)),
            seconds={name: sum(r.seconds[name] for r in results) for name in results[0].seconds},
        )


def claim_of(claims: Claims, solved: SolvedFlow, gap: float, duals: pa.Table) -> Assertion:
    """What is claimed of a solved year, for the check."""
    from logistics.verification.certificates import certificates_of
    from logistics.verification.check import Assertion

    figures = {**asdict(claims), "objective": solved.objective}
    certificates = certificates_of(duals)
    return Assertion(
        figures=figures,
        bound=solved.bound,
        gap=gap,
        certificate=certificates.get("objective"),
        least_unserved=certificates.get("least_unserved"),
        least_unserved_t=solved.least_unserved_t,
    )


def year_summary(outcome: YearOutcome) -> dict[str, Any]:
    """Figures of a year for ``result.json``."""
    verdict, solved = outcome.verdict, outcome.solved
    return {
        "status": outcome.status,
        "objective": solved.objective,
        "bound": solved.bound,
        "gap": solved.gap,
        "plan_verified": verdict.plan_verified,
        "bound_proof": verdict.bound_proof,
        "least_unserved_t": solved.least_unserved_t,
        "rounds": solved.rounds,
        "columns": solved.num_columns,
        "claims": asdict(outcome.claims),
        "totals": summed_totals([verdict]),
        "bill_cny": dict(verdict.bill),
    }


def _dual_table(instance: Instance, solved: SolvedFlow, year: int) -> pa.Table:
    from logistics.verification.certificates import DUALS

    rows: list[tuple[int, str, str, str, str, float]] = []
    certificates: list[tuple[str, Duals]] = [("objective", solved.duals)]
    if solved.least_unserved is not None:
        certificates.append(("least_unserved", solved.least_unserved))
    for name, duals in certificates:
        for setting in ("unserved", "path_scale", "allowed_t"):
            rows.append((year, name, "setting", setting, "", getattr(duals, setting)))
        for resource, price in zip(instance.resources, duals.resource, strict=True):
            if price > 0:
                rows.append((year, name, resource.kind, resource.id, resource.unit, float(price)))
    return pa.table(
        [pa.array(c, f.type) for c, f in zip(zip(*rows, strict=True), DUALS, strict=True)], schema=DUALS
    )


def _shown(progress: Progress) -> dict[str, object]:
    return asdict(progress)
