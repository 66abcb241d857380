"""Study kind ``routes``: what each proposed route is worth, with its reasons, and how sure that is.

Each proposal is evaluated alone, on the year's plan without any of them: its base. Pieces are a year and
a run of proposals. Where several start from the same base it is solved, checked and tabulated before them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from types import MappingProxyType
from typing import Literal, NamedTuple

import pyarrow as pa
from pydantic import BaseModel, ConfigDict, Field

from logistics.errors import Problem, Where, stop_on_errors
from logistics.proposals.entering import RouteOption, entered, opened, opening_changes, options_of
from logistics.proposals.proposal import Proposal
from logistics.proposals.rates import YearRates
from logistics.proposals.read import Rejected, read_proposals
from logistics.proposals.spec import Source
from logistics.scenario.case import Case
from logistics.studies.assignment import YearTables, merged_years, shown_progress
from logistics.studies.frontier import with_plans
from logistics.studies.route_base import RouteBase, as_solved_here, checked_tables, solved_base
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
    rates: list[Literal[2019, 2021, 2023]] = Field(
        default=[2019, 2021, 2023], max_length=3, description="years whose freight rates are tried"
    )
    samples: int = Field(default=2000, ge=0, le=1000000, description="draws for the chance of a benefit")
    discount_rate: float = Field(default=0.06, ge=0, le=1, description="real, for annuities of investments")
    keep_going: bool = Field(default=False, description="leave bad proposals out instead of stopping")


class RoutesTask(NamedTuple):
    """Settings with the proposals read, and the bases that several pieces start from, by year."""

    spec: RoutesSpec
    proposals: tuple[Proposal, ...]
    rejected: tuple[Rejected, ...]
    bases: Mapping[int, RouteBase] = MappingProxyType({})


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
        The year without proposals, where no other piece starts from it.
    outcomes
        Checked plans of the best proposals, by plan id, each with the changes that open it.
    tables
        Tables of the proposals; empty where the base has no plan.
    seconds
        Time by phase.
    """

    year: int
    base: YearTables | None = None
    outcomes: Mapping[str, tuple[YearOutcome, list[dict[str, object]]]] = field(default_factory=dict)
    tables: Mapping[str, pa.Table] = field(default_factory=dict)
    seconds: Mapping[str, float] = field(default_factory=dict)


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
        networks = {
            year: entered(network, options_of(YearRates(network, year).of_all(found)), year)
            for year, network in case.networks.items()
        }
        return replace(case, networks=networks), RoutesTask(spec, tuple(found), tuple(rejected))

    def pieces(self, case: Case, spec: RoutesTask) -> Sequence[Piece]:
        """Return the years, each in runs of proposals."""
        count = max(1, len(spec.proposals))
        return [
            Piece(year, first, min(first + PROPOSALS_A_PIECE, count))
            for year in case.scenario.years
            for first in range(0, count, PROPOSALS_A_PIECE)
        ]

    def bases(self, case: Case, spec: RoutesTask) -> Sequence[int]:
        """Return the years, where several pieces start from each."""
        return case.scenario.years if len(spec.proposals) > PROPOSALS_A_PIECE else ()

    def run_base(self, case: Case, spec: RoutesTask, base: int, report: Report) -> RouteBase:
        """Solve, check and tabulate a year without proposals."""
        question = Question.of(case.scenario, case.networks[base], base)
        report("run.start", {"scenario": case.scenario.id, "year": base, "objective": "generalised"})
        return solved_base(question, lambda progress: report("run.round", shown_progress(progress)))

    def with_bases(self, spec: RoutesTask, answers: Mapping[int, RouteBase]) -> RoutesTask:
        """Settings with the solved bases."""
        return spec._replace(bases=answers)

    def run_piece(self, case: Case, spec: RoutesTask, piece: Piece, report: Report) -> PieceResult:
        """Evaluate the piece's proposals on their base, solved first where it is the only one to need it."""
        from logistics.models.routes.evaluate import BaseUnsolved

        question = Question.of(case.scenario, case.networks[piece.year], piece.year)
        rates = YearRates(question.network, piece.year)
        mine = rates.of_all(spec.proposals[piece.first : piece.last])
        options = [o for o in options_of(mine) if o.may_run(piece.year)]
        laps = Laps()
        report("run.start", {"scenario": case.scenario.id, "year": piece.year, "objective": "generalised"})
        base = spec.bases.get(piece.year)
        if base is not None and base.known is None:
            return PieceResult(piece.year)
        try:
            evaluator = OptionEvaluator(
                question,
                options,
                spec.spec.discount_rate,
                lambda progress: report("run.round", shown_progress(progress)),
                known=None if base is None else base.known,
            )
        except BaseUnsolved as error:
            own = checked_tables(question, error.instance, error.solved, laps)
            return PieceResult(piece.year, own, seconds=laps.seconds)
        laps.lap("solve")
        return _evaluated_piece(spec, piece, evaluator, laps, report)

    def merge(self, case: Case, spec: RoutesTask, results: Sequence[PieceResult]) -> StudyResult:
        """Put the pieces of a year below each other, and the years side by side."""
        years: dict[int, list[PieceResult]] = {}
        for result in results:
            years.setdefault(result.year, []).append(result)
        shared = [answer.tables for answer in spec.bases.values()]
        joined = merged_years(self.kind, shared or [result.base for result in results if result.base])
        seconds = dict(joined.seconds) if shared else {}
        for result in results:
            for phase, amount in result.seconds.items():
                seconds[phase] = seconds.get(phase, 0.0) + amount
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
        joined = replace(joined, tables={**joined.tables, **tables}, seconds=seconds)
        return with_plans(joined, outcomes, plans)


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
    instance, solved = evaluator.warm.base.instance, evaluator.warm.solved_base()
    shared = task.bases.get(piece.year)
    if shared is None:
        tables = checked_tables(question, instance, solved, laps)
        base = tables.outcome
    else:
        tables, base = None, as_solved_here(shared.tables.outcome, instance, solved)

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
    solved_anew = [one for one in judged if one.best.worth and one.best.worth.proof != "screened"]
    for one in solved_anew if spec.check == "all" else chosen[: spec.details]:
        outcome = _checked(evaluator, one.best)
        verified[one.best.option.id] = _holds(base) and _holds(outcome)
        if one.best.status == "worth" and len(outcomes) < spec.details:
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
    return PieceResult(piece.year, tables, outcomes, found, laps.seconds)


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
