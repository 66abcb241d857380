"""Study kind ``portfolio``: which routes and other options to open, when and how often, under budgets.

The plan is the year without any option; what is chosen stands in plans of its own, one a year.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import pyarrow as pa
from pydantic import BaseModel

from logistics.errors import InputError, Problem, Where
from logistics.network.network import Network
from logistics.proposals.entering import entered, options_of
from logistics.proposals.proposal import Proposal
from logistics.proposals.rates import YearRates
from logistics.proposals.read import Rejected, read_proposals
from logistics.scenario.case import Case
from logistics.studies.assignment import (
    STATUSES,
    YearTables,
    assigned_year,
    merged_years,
    shown_progress,
)
from logistics.studies.frontier import with_plans
from logistics.studies.portfolio_checks import portfolio_problems, rules_of_nothing
from logistics.studies.portfolio_choices import Rulebook, choices_of, without_fares
from logistics.studies.portfolio_networks import changes_for, opened_for
from logistics.studies.portfolio_spec import PortfolioSpec
from logistics.studies.portfolio_tables import Portfolio, plan_name, tables_of_portfolio
from logistics.studies.study import PlanRecord, Report, Status, StudyResult
from logistics.studies.year_flow import YearOutcome, solved_year

if TYPE_CHECKING:
    from logistics.models.design.problem import DesignAnswer, DesignProgress
    from logistics.virtual_network.instance import Instance, Ints

    Known = tuple[Instance, list[tuple[int, Ints]]]

MAIN_SHARE = 0.5
"""Share of the time limit that the search for the best plan gets where others follow."""
VALUE_SHARE = 0.25
"""Share of the time limit for searches without one of the chosen options, on top."""
MOST_OUTSIDE = 10
"""Options outside of the plan whose values are tried."""
SHORTCOMINGS = {
    "infeasible": "portfolio.infeasible",
    "no_plan": "portfolio.no_plan",
    "limit": "portfolio.limit",
}


class PortfolioTask(NamedTuple):
    """Settings with the proposals read.

    Parameters
    ----------
    proposals
        As they were proposed, fares included.
    plain
        Networks without any proposal, by year.
    """

    spec: PortfolioSpec
    proposals: tuple[Proposal, ...]
    rejected: tuple[Rejected, ...]
    plain: Mapping[int, Network]


@dataclass(frozen=True)
class PortfolioResult:
    """Outcome of the study's one piece.

    Parameters
    ----------
    base
        The years without options.
    outcomes
        The chosen plan's years, with the changes that open its options.
    status
        Of the search.
    warnings
        Why the search did not end with the best plan, and rules that nothing meets.
    """

    base: tuple[YearTables, ...]
    outcomes: tuple[tuple[YearOutcome, list[dict[str, Any]]], ...]
    status: Status
    tables: Mapping[str, pa.Table]
    warnings: tuple[Problem, ...] = ()


class PortfolioStudy:
    """Choose options for all years together."""

    kind = "portfolio"
    spec: type[BaseModel] = PortfolioSpec

    def prepare(self, case: Case, spec: BaseModel) -> tuple[Case, PortfolioTask]:
        """Read the proposals and enter them into the networks of the case, open to nobody."""
        assert isinstance(spec, PortfolioSpec)
        scenario = case.scenario
        try:
            found, rejected = read_proposals(
                spec.proposals,
                case,
                scenario.path,
                keep_going=spec.keep_going,
                allow_outside=scenario.allow_outside,
            )
        except InputError as error:
            # The rules are checked all the same, so that people mend both in one go.
            raise InputError((*error.problems, *portfolio_problems(case, spec, None))) from error
        used = [without_fares(p) for p in found] if spec.fares == "left_out" else found
        networks = {
            year: entered(network, options_of(YearRates(network, year).of_all(used)), year)
            for year, network in case.networks.items()
        }
        task = PortfolioTask(spec, tuple(found), tuple(rejected), case.networks)
        return replace(case, networks=networks), task

    def problems(self, case: Case, spec: PortfolioTask) -> list[Problem]:
        """What is wrong with options and rules on the network."""
        left_out = [turned_down.id for turned_down in spec.rejected]
        return portfolio_problems(case, spec.spec, spec.proposals, left_out)

    def pieces(self, case: Case, spec: PortfolioTask) -> Sequence[int]:
        """Return one piece: the years hang together."""
        return [0]

    def run_piece(self, case: Case, spec: PortfolioTask, piece: int, report: Report) -> PortfolioResult:
        """Solve the years without options, then choose."""
        idle = rules_of_nothing(case, spec.spec, spec.proposals)
        for problem in idle:
            report("run.problem", {"problem": problem})
        base: dict[int, YearTables] = {}
        known: dict[int, Known] = {}
        for year in sorted(case.networks):
            base[year], model = assigned_year(case, year, report)
            known[year] = model.instance, model.columns
        outcomes = {year: tables.outcome for year, tables in base.items()}
        worst = [o.status for o in outcomes.values() if not o.has_plan]
        if worst:
            none: Status = "no_plan" if "no_plan" in worst else "infeasible"
            return PortfolioResult(tuple(base.values()), (), none, {}, tuple(idle))
        portfolio = _chosen(case, spec, outcomes, known, report)
        years: list[tuple[YearOutcome, list[dict[str, Any]]]] = []
        if portfolio.best.answer.flows:
            for place, (year, outcome) in enumerate(outcomes.items()):
                years.append(_planned(portfolio, outcome, place, year, report))
        tables = tables_of_portfolio(portfolio, outcomes, {o.year: o for o, _ in years}, spec.plain)
        status, warnings = portfolio.best.answer.status, (*idle, *_shortcomings(case, portfolio))
        return PortfolioResult(tuple(base.values()), tuple(years), status, tables, warnings)

    def merge(self, case: Case, spec: PortfolioTask, results: Sequence[PortfolioResult]) -> StudyResult:
        """The years without options, and the chosen plan beside them."""
        result = results[0]
        joined = merged_years(self.kind, result.base)
        joined = replace(joined, tables={**joined.tables, **result.tables})
        plans = {
            plan_name(outcome.year): PlanRecord(outcome.record(changes), outcome.plan, outcome.duals)
            for outcome, changes in result.outcomes
        }
        joined = with_plans(joined, [outcome for outcome, _ in result.outcomes], plans)
        status = min((joined.status, result.status), key=STATUSES.index)
        left_out = [replace(p, severity="warning") for one in spec.rejected for p in one.problems]
        return replace(joined, status=status, problems=(*joined.problems, *left_out, *result.warnings))


def _shortcomings(case: Case, portfolio: Portfolio) -> tuple[Problem, ...]:
    """Why there is no best plan, or none that is known to be the best."""
    found, document = portfolio.best, case.scenario.document
    where = document.where(("study", "kind")) if document else Where()
    if found.thin:
        names = ", ".join(portfolio.choices[number].id for number in found.thin)
        return (Problem("portfolio.too_empty", where, names, severity="warning"),)
    if found.answer.status == "optimal":
        return ()
    if found.answer.status == "infeasible":
        from logistics.models.design.conflict import conflicting_rows

        rows = conflicting_rows(portfolio.years.problem.rows, len(portfolio.choices))
        if rows:
            return (Problem("portfolio.conflict", where, ", ".join(rows), severity="warning"),)
    gap = f"{found.answer.gap:.2g}" if found.answer.flows else ""
    return (Problem(SHORTCOMINGS[found.answer.status], where, gap, severity="warning"),)


def _chosen(
    case: Case,
    task: PortfolioTask,
    base: Mapping[int, YearOutcome],
    known: Mapping[int, Known],
    report: Report,
) -> Portfolio:
    """Search for the best plan, and for what the settings ask around it."""
    from logistics.models.design.problem import DesignStop
    from logistics.models.flow.carried import carried_paths
    from logistics.studies.portfolio_problem import design_of
    from logistics.studies.portfolio_search import alternatives, best_portfolio, budget_frontier
    from logistics.studies.portfolio_worth import PlanValues, choice_values, next_best

    spec, solver = task.spec, case.scenario.solver
    used = [without_fares(p) for p in task.proposals] if spec.fares == "left_out" else task.proposals
    options = {
        year: options_of(YearRates(network, year).of_all(used))
        for year, network in sorted(task.plain.items())
    }
    choices = choices_of(options, spec.options)
    rulebook = Rulebook(spec, choices, dict(case.networks))
    unserved = {
        year: outcome.solved.least_unserved.allowed_t
        for year, outcome in base.items()
        if outcome.solved.least_unserved is not None
    }
    questions = {year: outcome.question for year, outcome in base.items()}
    years = design_of(questions, choices, rulebook.rows(), spec.discount_rate, unserved)
    others = spec.alternatives + len(spec.frontier)
    limit = solver.time_limit_s * (MAIN_SHARE if others else 1.0)
    # Flows exact enough that their own gaps do not keep the plan's open.
    exact = min(DesignStop.flow_gap, solver.gap / 10)
    stop = DesignStop(gap=solver.gap, time_limit_s=limit, flow_gap=exact)

    def tell(progress: DesignProgress) -> None:
        report("run.portfolio", vars(progress))

    paths = [
        carried_paths(*known[year], instance)
        for year, instance in zip(sorted(known), years.problem.instances, strict=True)
    ]
    # Doing nothing is a plan where the rules allow it, so that there is one from the start.
    nothing = [np.zeros(len(choices))]
    best = best_portfolio(years.problem, choices, stop, tell, spec.min_load_factor, paths, nothing)
    without = sum(years.weight[year] * outcome.solved.objective for year, outcome in base.items())
    portfolio = Portfolio(spec, task.proposals, choices, years, best, without)
    answer = best.answer
    if not answer.flows or best.thin or not choices:
        return portfolio
    rest = replace(stop, time_limit_s=solver.time_limit_s * (1 - MAIN_SHARE) / max(1, others))
    problem, load = replace(years.problem, rows=best.rows), spec.min_load_factor
    if spec.values:
        good = [[*some, *flow.used_paths] for some, flow in zip(paths, answer.flows, strict=True)]
        some = replace(stop, time_limit_s=VALUE_SHARE * solver.time_limit_s)
        values = PlanValues(problem, choices, solver.gap, load, good, some.time_limit_s)
        intervals = choice_values(problem, answer, choices, values, some, load)
        outside = next_best(problem, answer, choices, intervals, values, MOST_OUTSIDE)
        portfolio = replace(portfolio, values=intervals, outside=outside)
    if spec.alternatives:
        most = answer.value + spec.alternatives_within * max(0.0, without - answer.value)
        listed = alternatives(problem, choices, best, most, spec.alternatives, rest, tell, load, paths)
        portfolio = replace(portfolio, alternatives=tuple(listed))
    if spec.frontier:
        start = answer.open.astype(float)
        frontier = budget_frontier(problem, choices, rulebook, spec.frontier, rest, tell, start, load, paths)
        portfolio = replace(portfolio, frontier=frontier)
    return portfolio


def _planned(
    portfolio: Portfolio, base: YearOutcome, place: int, year: int, report: Report
) -> tuple[YearOutcome, list[dict[str, Any]]]:
    """A year of the chosen plan, solved and checked on the network with its options open."""
    from logistics.models.flow.carried import carried_paths

    answer: DesignAnswer = portfolio.best.answer
    options = portfolio.open_in(year)
    network = opened_for(base.question.network, options)
    question = replace(base.question, network=network)
    instance, warnings = question.compiled()
    start = carried_paths(portfolio.years.problem.instances[place], answer.flows[place].used_paths, instance)
    outcome, _ = solved_year(
        question, instance, lambda progress: report("run.round", shown_progress(progress)), start
    )
    return replace(outcome, warnings=tuple(warnings)), changes_for(base.question.network, options)
