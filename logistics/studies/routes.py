"""Study kind ``routes``: what each proposed route is worth, with its reasons, and how sure that is.

Each proposal is evaluated alone, on the year's plan without any of them. Pieces are a year and a run of
proposals; each solves the same base.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Annotated, Literal, NamedTuple

import pyarrow as pa
from pydantic import BaseModel, ConfigDict, Field

from logistics.errors import Problem, Where, stop_on_errors
from logistics.proposals.entering import RouteOption, entered, opened, opening_changes, options_of
from logistics.proposals.proposal import Proposal
from logistics.proposals.read import Rejected, read_proposals
from logistics.proposals.spec import Source
from logistics.scenario.case import Case
from logistics.studies.assignment import YearTables, merged_years, shown_progress
from logistics.studies.flow_tables import tables_of_flow
from logistics.studies.frontier import with_plans
from logistics.studies.route_checks import proven_idle
from logistics.studies.route_corridors import corridor_table
from logistics.studies.route_pieces import tables_of_pieces
from logistics.studies.route_rates import nets_at_rates
from logistics.studies.route_tables import Judged, ranked, tables_of_routes
from logistics.studies.route_variants import chance_of_benefit, swings_of
from logistics.studies.route_worth import Evaluated, OptionEvaluator, evaluated_options
from logistics.studies.study import PlanRecord, Report, StudyResult
from logistics.studies.year_flow import Laps, Question, YearOutcome, checked_year

PROPOSALS_A_PIECE = 1000


class RoutesSpec(BaseModel):
    """Settings of the study."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)
    kind: Literal["routes"]
    proposals: list[Source] = Field(min_length=1, max_length=100)
    measure: Literal["net_benefit", "objective"] = Field(
        default="net_benefit", description="what proposals are ranked by"
    )
    top: int | None = Field(
        default=None, ge=1, le=100000, description="stop when the rest is proven worse; left out: solve all"
    )
    details: int = Field(
        default=20, ge=0, le=1000, description="best proposals with a checked plan, tornado and corridor"
    )
    check: Literal["details", "all"] = Field(
        default="details", description="whose plans are checked by code that did not make them"
    )
    rates: list[Annotated[int, Field(ge=1990, le=2100)]] = Field(
        default=[2019, 2021, 2023], max_length=10, description="years whose freight rates are tried"
    )
    samples: int = Field(default=2000, ge=0, le=1000000, description="draws for the chance of a benefit")
    discount_rate: float = Field(default=0.06, ge=0, le=1, description="real, for annuities of investments")
    keep_going: bool = Field(default=False, description="leave bad proposals out instead of stopping")


class RoutesTask(NamedTuple):
    """Settings with the proposals read."""

    spec: RoutesSpec
    proposals: tuple[Proposal, ...]
    rejected: tuple[Rejected, ...]


class Piece(NamedTuple):
    """A year, and proposals ``first`` to before ``last``."""

    year: int
    first: int
    last: int


@dataclass(frozen=True)
class PieceResult:
    """Outcome of a piece.

    Parameters
    ----------
    base
        The year without proposals.
    outcomes
        Checked plans of the best proposals, by plan id, each with the changes that open it.
    tables
        Tables of the proposals; empty where the base has no plan.
    """

    base: YearTables
    outcomes: Mapping[str, tuple[YearOutcome, list[dict[str, object]]]]
    tables: Mapping[str, pa.Table]


class Routes:
    """Evaluate proposals one by one."""

    kind = "routes"
    spec: type[BaseModel] = RoutesSpec

    def prepare(self, case: Case, spec: BaseModel) -> tuple[Case, RoutesTask]:
        """Read the proposals and enter them into the networks of the case, open to nobody."""
        assert isinstance(spec, RoutesSpec)
        scenario = case.scenario
        problems = _unfit_measure(case, spec)
        stop_on_errors(problems)
        found, rejected = read_proposals(
            spec.proposals,
            case,
            scenario.path,
            keep_going=spec.keep_going,
            allow_outside=scenario.allow_outside,
        )
        options = options_of(found)
        networks = {year: entered(network, options, year) for year, network in case.networks.items()}
        return replace(case, networks=networks), RoutesTask(spec, tuple(found), tuple(rejected))

    def pieces(self, case: Case, spec: RoutesTask) -> Sequence[Piece]:
        """Return the years, each in runs of proposals."""
        count = max(1, len(spec.proposals))
        return [
            Piece(year, first, min(first + PROPOSALS_A_PIECE, count))
            for year in case.scenario.years
            for first in range(0, count, PROPOSALS_A_PIECE)
        ]

    def run_piece(self, case: Case, spec: RoutesTask, piece: Piece, report: Report) -> PieceResult:
        """Solve the base and evaluate the piece's proposals."""
        from logistics.models.routes.evaluate import BaseUnsolved

        question = Question.of(case.scenario, case.networks[piece.year], piece.year)
        mine = spec.proposals[piece.first : piece.last]
        options = [o for o in options_of(mine) if o.may_run(piece.year)]
        laps = Laps()
        report("run.start", {"scenario": case.scenario.id, "year": piece.year, "objective": "generalised"})
        try:
            evaluator = OptionEvaluator(
                question,
                options,
                spec.spec.discount_rate,
                lambda progress: report("run.round", shown_progress(progress)),
            )
        except BaseUnsolved as error:
            outcome = checked_year(question, error.instance, error.solved, laps)
            return PieceResult(YearTables(outcome, tables_of_flow(question, outcome, {})), {}, {})
        laps.lap("solve")
        return _evaluated_piece(spec, piece, evaluator, laps, report)

    def merge(self, case: Case, spec: RoutesTask, results: Sequence[PieceResult]) -> StudyResult:
        """Put the pieces of a year below each other, and the years side by side."""
        years: dict[int, list[PieceResult]] = {}
        for result in results:
            years.setdefault(result.base.outcome.year, []).append(result)
        joined = merged_years(self.kind, [some[0].base for some in years.values()])
        tables = tables_of_pieces(
            [[r.tables for r in some if r.tables] for some in years.values()],
            spec.spec.measure,
            spec.spec.details,
        )
        kept = set(tables["proposals"]["plan_id"].to_pylist()) if tables else set()
        plans, outcomes = {}, []
        for result in results:
            for name, (outcome, changes) in result.outcomes.items():
                if name in kept:
                    plans[name] = PlanRecord(outcome.record(changes), outcome.plan, outcome.duals)
                    outcomes.append(outcome)
        return with_plans(replace(joined, tables={**joined.tables, **tables}), outcomes, plans)


def _unfit_measure(case: Case, spec: RoutesSpec) -> list[Problem]:
    """The net benefit is in CNY of generalised cost; under another objective only that can be ranked by."""
    document = case.scenario.document
    if spec.measure == "objective" or case.scenario.objective == "generalised":
        return []
    where = document.where(("study", "measure")) if document else Where()
    return [Problem("routes.measure", where, case.scenario.objective, "generalised")]


def _evaluated_piece(
    task: RoutesTask, piece: Piece, evaluator: OptionEvaluator, laps: Laps, report: Report
) -> PieceResult:
    spec, question = task.spec, evaluator.question
    base = checked_year(question, evaluator.warm.base.instance, evaluator.warm.solved_base(), laps)
    tables = tables_of_flow(question, base, {})

    def tell(number: int, option: RouteOption) -> None:
        count = len(evaluator.options)
        report("routes.option", {"number": number, "count": count, "option": option.id, "year": piece.year})

    results = evaluated_options(evaluator, spec.measure, spec.top, tell)
    laps.lap("evaluate")
    judged = ranked(_by_proposal(results, spec), spec.measure)
    idle = proven_idle(base, [r.option for r in results if r.worth and r.worth.proof == "screened"])
    judged = [replace(one, verified=one.best.option.id in idle) for one in judged]
    laps.lap("verify")
    chosen = [one for one in judged if one.best.status == "worth"]
    detailed = [one.best for one in chosen[: spec.details]]
    report("routes.details", {"count": len(detailed), "year": piece.year})
    outcomes: dict[str, tuple[YearOutcome, list[dict[str, object]]]] = {}
    verified: dict[str, bool] = {}
    for one in chosen if spec.check == "all" else chosen[: spec.details]:
        outcome = _checked(evaluator, one.best)
        verified[one.best.option.id] = _holds(base) and _holds(outcome)
        if len(outcomes) < spec.details:
            name = f"{piece.year}-{one.best.option.id}"
            outcomes[name] = outcome, opening_changes([one.best.option])
    laps.lap("verify")
    swings = swings_of(question, detailed, spec.discount_rate, evaluator) if detailed else {}
    nets = nets_at_rates(question, detailed, spec.rates, spec.discount_rate, evaluator) if detailed else {}
    laps.lap("sensitivity")
    final = []
    for one in judged:
        name = one.best.option.id
        own = tuple(swings.get(name, ()))
        final.append(
            replace(
                one,
                verified=verified.get(name, one.verified),
                plan_id=f"{piece.year}-{name}" if f"{piece.year}-{name}" in outcomes else "",
                swings=own,
                nets=nets.get(name, {}),
                probability=chance_of_benefit(one.best, own, spec.samples, question.seed),
            )
        )
    closed = [
        p
        for p in task.proposals[piece.first : piece.last]
        if p.opening_year is not None and p.opening_year > piece.year
    ]
    rejected = task.rejected if piece.first == 0 else ()
    found = tables_of_routes(evaluator, final, closed, rejected)
    found["corridors"] = corridor_table(evaluator, detailed)
    laps.lap("tabulate")
    return PieceResult(YearTables(replace(base, seconds=laps.seconds), tables), outcomes, found)


def _by_proposal(results: Sequence[Evaluated], spec: RoutesSpec) -> list[Judged]:
    """Each proposal at its best level."""
    levels: dict[str, list[Evaluated]] = {}
    for result in results:
        levels.setdefault(result.option.proposal.id, []).append(result)
    return [
        Judged(max(some, key=lambda one: (one.value(spec.measure), one.most)), tuple(some))
        for some in levels.values()
    ]


def _checked(evaluator: OptionEvaluator, result: Evaluated) -> YearOutcome:
    """The plan with an option, checked on the network with that option alone."""
    assert result.worth is not None
    number = evaluator.options.index(result.option)
    part, solved = evaluator.warm.solved_with(result.worth, number)
    network = opened(evaluator.question.network, (result.option,))
    return checked_year(replace(evaluator.question, network=network), part.instance, solved)


def _holds(outcome: YearOutcome) -> bool:
    return outcome.verdict.plan_verified and outcome.verdict.bound_proof == "certificate"
