"""Study kind ``assignment``: which way does all cargo of each year go."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING, Literal

import pyarrow as pa
from pydantic import BaseModel, ConfigDict

from logistics.plan import joined_plans
from logistics.scenario.case import Case
from logistics.studies.flow_tables import tables_of_flow
from logistics.studies.study import Report, Status, StudyResult
from logistics.studies.targets import PlannedYear, target_board
from logistics.studies.year_flow import Laps, Question, YearOutcome, solved_year
from logistics.verification.verdict import summed_totals

if TYPE_CHECKING:
    from logistics.models.flow.column_generation import FlowModel, Progress

STATUSES: tuple[Status, ...] = ("infeasible", "no_plan", "limit", "optimal")
"""The worst first."""


class AssignmentSpec(BaseModel):
    """Settings of the study; it has none."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)
    kind: Literal["assignment"]


@dataclass(frozen=True)
class YearTables:
    """One year's outcome and its tables."""

    outcome: YearOutcome
    tables: Mapping[str, pa.Table]


class Assignment:
    """Solve each year's flow, check it, and tabulate it."""

    kind = "assignment"
    spec: type[BaseModel] = AssignmentSpec

    def pieces(self, case: Case, spec: BaseModel) -> Sequence[int]:
        """Return the years, each on its own."""
        return case.scenario.years

    def run_piece(self, case: Case, spec: BaseModel, piece: int, report: Report) -> YearTables:
        """Solve and check one year."""
        return assigned_year(case, piece, report)[0]

    def merge(self, case: Case, spec: BaseModel, results: Sequence[YearTables]) -> StudyResult:
        """Add up the years."""
        return merged_years(self.kind, results)


def assigned_year(case: Case, year: int, report: Report) -> tuple[YearTables, FlowModel]:
    """Solve, check and tabulate a year as the scenario asks."""
    from logistics.studies.price_checks import checked_prices

    scenario, laps = case.scenario, Laps()
    question = Question.of(scenario, case.networks[year], year)
    report("run.start", {"scenario": scenario.id, "year": year, "objective": scenario.objective})
    instance, warnings = question.compiled()
    for problem in warnings:
        report("run.problem", {"problem": problem})
    laps.lap("compile")
    outcome, model = solved_year(
        question, instance, lambda progress: report("run.round", shown_progress(progress)), laps=laps
    )
    checks = checked_prices(model, outcome.solved) if outcome.has_plan else {}
    laps.lap("check_prices")
    tables = tables_of_flow(question, outcome, checks)
    laps.lap("tabulate")
    outcome = replace(outcome, warnings=tuple(warnings), seconds=laps.seconds)
    return YearTables(outcome, tables), model


def merged_years(kind: str, results: Sequence[YearTables]) -> StudyResult:
    """Result of a study whose plan is that of its years."""
    outcomes = [result.outcome for result in results]
    names = sorted({name for result in results for name in result.tables})
    proofs = {outcome.verdict.bound_proof for outcome in outcomes}
    plans = [outcome.plan for outcome in outcomes if outcome.plan is not None]
    board = target_board([PlannedYear.of(outcome) for outcome in outcomes])
    return StudyResult(
        kind=kind,
        status=min((outcome.status for outcome in outcomes), key=STATUSES.index),
        objective=sum(outcome.solved.objective for outcome in outcomes),
        bound=sum(outcome.solved.bound for outcome in outcomes),
        gap=max(outcome.solved.gap for outcome in outcomes),
        plan_verified=all(outcome.verdict.plan_verified for outcome in outcomes),
        bound_proof="certificate" if proofs == {"certificate"} else "none",
        totals=summed_totals([outcome.verdict for outcome in outcomes]),
        years={outcome.year: outcome.summary() for outcome in outcomes},
        plan=joined_plans(plans) if plans else None,
        duals=pa.concat_tables([outcome.duals for outcome in outcomes]),
        tables={
            name: pa.concat_tables([result.tables[name] for result in results if name in result.tables])
            for name in names
        }
        | ({"targets": board} if board.num_rows else {}),
        problems=tuple(p for outcome in outcomes for p in (*outcome.verdict.violations, *outcome.warnings)),
        seconds={
            name: sum(outcome.seconds.get(name, 0.0) for outcome in outcomes)
            for name in dict.fromkeys(key for outcome in outcomes for key in outcome.seconds)
        },
    )


def shown_progress(progress: Progress) -> dict[str, object]:
    """State of a solve, for displays."""
    return asdict(progress)
