"""Study kind ``portfolio``: which routes and other options to open, when and how often, under budgets.

The plan is the year without any option; what is chosen stands in plans of its own, one a year.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, NamedTuple

import pyarrow as pa
from pydantic import BaseModel

from logistics.errors import Problem, Where, did_you_mean, stop_on_errors
from logistics.network.network import Network
from logistics.network.tables import GATEWAY_KINDS
from logistics.network.where import ConditionError, matching_rows
from logistics.proposals.entering import RouteOption, entered, options_of
from logistics.proposals.proposal import Proposal
from logistics.proposals.read import Rejected, read_proposals
from logistics.scenario.case import Case
from logistics.studies.assignment import YearTables, assigned_year, merged_years, shown_progress
from logistics.studies.frontier import with_plans
from logistics.studies.portfolio_choices import Rulebook, choices_of, units_table, without_fares
from logistics.studies.portfolio_networks import changes_for, opened_for
from logistics.studies.portfolio_spec import PortfolioSpec
from logistics.studies.portfolio_tables import Portfolio, tables_of_portfolio
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
PROBLEMS: dict[str, Status] = {"infeasible": "infeasible", "no_plan": "no_plan", "limit": "limit"}


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
    """

    base: tuple[YearTables, ...]
    outcomes: tuple[tuple[YearOutcome, list[dict[str, Any]]], ...]
    status: Status
    tables: Mapping[str, pa.Table]


class PortfolioStudy:
    """Choose options for all years together."""

    kind = "portfolio"
    spec: type[BaseModel] = PortfolioSpec

    def prepare(self, case: Case, spec: BaseModel) -> tuple[Case, PortfolioTask]:
        """Read the proposals and enter them into the networks of the case, open to nobody."""
        assert isinstance(spec, PortfolioSpec)
        scenario = case.scenario
        found, rejected = read_proposals(
            spec.proposals,
            case,
            scenario.path,
            keep_going=spec.keep_going,
            allow_outside=scenario.allow_outside,
        )
        used = [without_fares(p) for p in found] if spec.fares == "left_out" else found
        options = options_of(used)
        networks = {year: entered(network, options, year) for year, network in case.networks.items()}
        task = PortfolioTask(spec, tuple(found), tuple(rejected), case.networks)
        return replace(case, networks=networks), task

    def problems(self, case: Case, spec: PortfolioTask) -> list[Problem]:
        """What is wrong with options and rules on the network."""
        return _unfit(case, spec)

    def pieces(self, case: Case, spec: PortfolioTask) -> Sequence[int]:
        """Return one piece: the years hang together."""
        return [0]

    def run_piece(self, case: Case, spec: PortfolioTask, piece: int, report: Report) -> PortfolioResult:
        """Solve the years without options, then choose."""
        base: dict[int, YearTables] = {}
        known: dict[int, Known] = {}
        for year in sorted(case.networks):
            base[year], model = assigned_year(case, year, report)
            known[year] = model.instance, model.columns
        outcomes = {year: tables.outcome for year, tables in base.items()}
        worst = [o.status for o in outcomes.values() if not o.has_plan]
        if worst:
            none: Status = "no_plan" if "no_plan" in worst else "infeasible"
            return PortfolioResult(tuple(base.values()), (), none, {})
        portfolio = _chosen(case, spec, outcomes, known, report)
        years: list[tuple[YearOutcome, list[dict[str, Any]]]] = []
        if portfolio.best.answer.flows:
            for place, (year, outcome) in enumerate(outcomes.items()):
                years.append(_planned(portfolio, outcome, place, year, report))
        tables = tables_of_portfolio(portfolio, outcomes, {o.year: o for o, _ in years}, spec.plain)
        return PortfolioResult(tuple(base.values()), tuple(years), portfolio.best.answer.status, tables)

    def merge(self, case: Case, spec: PortfolioTask, results: Sequence[PortfolioResult]) -> StudyResult:
        """The years without options, and the chosen plan beside them."""
        result = results[0]
        joined = merged_years(self.kind, result.base)
        joined = replace(joined, tables={**joined.tables, **result.tables})
        plans = {
            f"{outcome.year}-portfolio": PlanRecord(outcome.record(changes), outcome.plan, outcome.duals)
            for outcome, changes in result.outcomes
        }
        joined = with_plans(joined, [outcome for outcome, _ in result.outcomes], plans)
        status = PROBLEMS.get(result.status, joined.status) if joined.status == "optimal" else joined.status
        return replace(joined, status=status)


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
    choices = choices_of(options_of(used), spec.options, sorted(case.networks))
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
    stop = DesignStop(gap=solver.gap, time_limit_s=limit)

    def tell(progress: DesignProgress) -> None:
        report("portfolio.progress", vars(progress))

    paths = [
        carried_paths(*known[year], instance)
        for year, instance in zip(sorted(known), years.problem.instances, strict=True)
    ]
    best = best_portfolio(years.problem, choices, stop, tell, spec.min_load_factor, paths)
    without = sum(years.weight[year] * outcome.solved.objective for year, outcome in base.items())
    portfolio = Portfolio(spec, task.proposals, choices, years, best, without)
    answer = best.answer
    if not answer.flows:
        return portfolio
    rest = DesignStop(gap=solver.gap, time_limit_s=solver.time_limit_s * (1 - MAIN_SHARE) / max(1, others))
    if spec.values:
        values = PlanValues(years.problem, solver.gap)
        some = DesignStop(gap=solver.gap, time_limit_s=VALUE_SHARE * solver.time_limit_s)
        intervals = choice_values(years.problem, answer, choices, values, some)
        outside = next_best(years.problem, answer, choices, intervals, values, MOST_OUTSIDE)
        portfolio = replace(portfolio, values=intervals, outside=outside)
    if spec.alternatives:
        most = answer.value + spec.alternatives_within * max(0.0, without - answer.value)
        listed = alternatives(years.problem, choices, answer, most, spec.alternatives, rest, tell)
        portfolio = replace(portfolio, alternatives=tuple(listed))
    if spec.frontier:
        start = answer.open.astype(float)
        frontier = budget_frontier(years.problem, rulebook, spec.frontier, rest, tell, start)
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


def _unfit(case: Case, task: PortfolioTask) -> list[Problem]:
    """Options, names and conditions that do not fit the network."""
    spec, document = task.spec, case.scenario.document

    def at(*key: str | int) -> Where:
        return document.where(("study", *key)) if document else Where()

    found: list[Problem] = []
    network = next(iter(case.networks.values()))
    sites = {str(row["site_id"]): row for row in network.rows("sites")}
    for number, option in enumerate(spec.options):
        key = ("options", number)
        named = [option.expand.site] if option.expand else []
        named += option.clearance_window.sites if option.clearance_window else []
        for site in named:
            if site not in sites:
                hint = did_you_mean(site, list(sites))
                found.append(Problem("change.no_row", at(*key), site, "sites", remedy=hint))
        room = sites.get(option.expand.site, {}).get("throughput_t_per_year", 0.0) if option.expand else 0.0
        if option.expand and room is None:
            found.append(Problem("portfolio.no_throughput", at(*key), option.expand.site))
    for proposal in task.proposals:
        for row in proposal.sites:
            if row["kind"] not in GATEWAY_KINDS:
                kinds = ", ".join(GATEWAY_KINDS)
                found.append(Problem("portfolio.new_site", proposal.where, str(row["site_id"]), kinds))
    units: dict[str, Any] = {p.id: RouteOption(p, p.levels[0]) for p in task.proposals}
    for number, option in enumerate(spec.options):
        if option.id in units:
            found.append(Problem("proposal.duplicate", at("options", number), option.id))
        units[option.id] = option
    for name, lists in (("exclusions", spec.exclusions), ("prerequisites", spec.prerequisites)):
        for number, ids in enumerate(lists):
            for unit in ids:
                if unit not in units:
                    hint = did_you_mean(unit, list(units))
                    found.append(Problem("portfolio.no_option", at(name, number), unit, remedy=hint))
    tables = {"where": units_table(units), "existing": network.tables["services"]}
    for number, count in enumerate(spec.counts):
        for name, table in tables.items():
            condition = getattr(count, name)
            try:
                if condition is not None:
                    matching_rows(table, condition)
            except ConditionError as error:
                hint = did_you_mean(error.found, error.choices)
                where = at("counts", number, name)
                code = f"condition.{error.reason}"
                found.append(Problem(code, where, error.found, ", ".join(error.choices), remedy=hint))
    stop_on_errors(found)
    return found
