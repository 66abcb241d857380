"""Study kind ``siting``: which warehouses and other sites to open where, how big, and how candidates compare.

The plan is each year with what exists; what is chosen stands in plans of its own, one a year.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, NamedTuple

import pyarrow as pa
from pydantic import BaseModel

from logistics.errors import Problem
from logistics.scenario.case import Case
from logistics.studies.accessibility import accessibility_table
from logistics.studies.assignment import STATUSES, YearTables, assigned_year, merged_years, shown_progress
from logistics.studies.changed_tables import with_changes
from logistics.studies.frontier import with_plans
from logistics.studies.siting_candidates import Candidate, candidates_of
from logistics.studies.siting_channels import Channel, with_channels
from logistics.studies.siting_checks import siting_problems
from logistics.studies.siting_spec import SitingSpec
from logistics.studies.study import PlanRecord, Report, Status, StudyResult
from logistics.studies.study_places import StudyPlaces
from logistics.studies.year_flow import Question, YearOutcome, solved_year

if TYPE_CHECKING:
    from logistics.models.placement.problem import Flags, PlacementAnswer
    from logistics.models.placement.search import PlacementSearch
    from logistics.studies.siting_plans import LastYear, SitedPlan
    from logistics.studies.siting_problem import SitedYears
    from logistics.virtual_network.instance import Instance, Ints

    Known = tuple[Instance, list[tuple[int, Ints]]]
    PlannedYear = tuple[YearOutcome, list[dict[str, Any]], Instance]

MAIN_SHARE = 0.5
"""Share of the time limit that the search over all years gets."""
FUTURE_SHARE = 0.05
"""Of each search on the last year: as planned, at another worth of time, in each future."""
VALUE_SHARE, SWEEP_SHARE, REGRET_SHARE = 0.2, 0.03, 0.07
"""Of plans for the worth of candidates, of the sweep, and of plans in futures, all of each together."""
SETTLING_ROUNDS = 4
LEAST_GAP, LEAST_POOLED_GAP = 2e-4, 1e-3
"""Smallest gaps that the search asks for: where warehouses compete for capacity, prices prove little more;
lines below the cost of pooled stock prove less."""


class SitingTask(NamedTuple):
    """Settings with the candidates read."""

    spec: SitingSpec
    candidates: tuple[Candidate, ...]
    channels: tuple[Channel, ...] = ()
    warnings: tuple[Problem, ...] = ()


@dataclass(frozen=True)
class SitingResult:
    """Outcome of the study's one piece.

    Parameters
    ----------
    base
        The years with what exists.
    outcomes
        The chosen plan's years, with the changes that open its warehouses.
    """

    base: tuple[YearTables, ...]
    outcomes: tuple[tuple[YearOutcome, list[dict[str, Any]]], ...]
    status: Status
    tables: Mapping[str, pa.Table]
    warnings: tuple[Problem, ...] = ()


class Siting:
    """Choose warehouses for all years together, and compare the candidates."""

    kind = "siting"
    spec: type[BaseModel] = SitingSpec

    def prepare(self, case: Case, spec: BaseModel) -> tuple[Case, SitingTask]:
        """Read the candidates, and enter what the study asks of the tables."""
        from logistics.studies.siting_stock import with_pooling

        assert isinstance(spec, SitingSpec)
        warnings = siting_problems(case, spec)
        if spec.pooled_from_t_per_year is not None:
            nominal = spec.pooled_from_t_per_year
            networks = {year: with_pooling(network, nominal) for year, network in case.networks.items()}
            case = replace(case, networks=networks)
        network = case.networks[min(case.networks)]
        found = candidates_of(network, spec.candidates, spec.closable, spec.facilities)
        case, channels = _with_channels(case, spec)
        return case, SitingTask(spec, tuple(found), channels, warnings)

    def pieces(self, case: Case, spec: SitingTask) -> Sequence[int]:
        """Return one piece: the years hang together."""
        return [0]

    def run_piece(self, case: Case, spec: SitingTask, piece: int, report: Report) -> SitingResult:
        """Solve the years as they are, then choose, then compare."""
        base: dict[int, YearTables] = {}
        known: dict[int, Known] = {}
        for year in sorted(case.networks):
            base[year], model = assigned_year(case, year, report)
            known[year] = model.instance, model.columns
        # What exists need not be enough: candidates may serve what it cannot, and keep limits that it breaks.
        if any(tables.outcome.status == "no_plan" for tables in base.values()):
            return SitingResult(tuple(base.values()), (), "no_plan", {})
        from logistics.studies.siting_first_look import first_look
        from logistics.studies.siting_stock import stock_table

        questions = [tables.outcome.question for tables in base.values()]
        sited, search, answer = _searched(case, spec, questions, known, report)
        years = []
        if answer.best is not None:
            years = [_planned(sited, answer, place, report) for place in range(len(questions))]
        tables = _compared(case, sited, search, answer, years[-1] if years else None, report)
        if spec.spec.first_look is not None:
            last = questions[-1]
            tables |= first_look(last.network, spec.candidates, spec.spec.first_look, last.seed)
        if years:
            both = [{"before": base[chosen.year].outcome, "after": chosen} for chosen, *_ in years]
            tables["accessibility"] = pa.concat_tables(accessibility_table(plans) for plans in both)
            tables |= _returns(base.values(), [outcome for outcome, *_ in years])
        if years and sited.problem.pooling is not None:
            tables["siting_stock"] = stock_table(sited.problem.pooling, years)
        status, warnings = _shortcomings(case, spec, sited, answer)
        outcomes = tuple((outcome, changes) for outcome, changes, _ in years)
        return SitingResult(tuple(base.values()), outcomes, status, tables, warnings)

    def merge(self, case: Case, spec: SitingTask, results: Sequence[SitingResult]) -> StudyResult:
        """The years with what exists, and the chosen plan beside them."""
        result = results[0]
        joined = merged_years(self.kind, result.base)
        joined = replace(joined, tables={**joined.tables, **result.tables})
        plans = {
            f"{outcome.year}-siting": PlanRecord(outcome.record(changes), outcome.plan, outcome.duals)
            for outcome, changes in result.outcomes
        }
        joined = with_plans(joined, [outcome for outcome, _ in result.outcomes], plans)
        # With what exists no plan may do; whether one does with candidates is what was asked.
        found = [result.status, *(outcome.status for outcome, _ in result.outcomes)]
        if not result.outcomes or joined.status != "infeasible":
            found.append(joined.status)
        status = min(found, key=STATUSES.index)
        return replace(joined, status=status, problems=(*joined.problems, *spec.warnings, *result.warnings))


def _returns(base: Iterable[YearTables], chosen: Iterable[YearOutcome]) -> dict[str, pa.Table]:
    """Orders that come back with what exists, and with the chosen plan."""
    from logistics.studies.returned_cargo import returns_of

    found = [year.tables for year in base]
    for one in chosen:
        if one.plan is not None and one.verdict.plan_verified:
            found.append(returns_of(one.question.network, one.year, one.plan, f"{one.year}-siting"))
    tables = [tables["returns"] for tables in found if "returns" in tables]
    return {"returns": pa.concat_tables(tables)} if tables else {}


def _with_channels(case: Case, spec: SitingSpec) -> tuple[Case, tuple[Channel, ...]]:
    """Enter rows for both channels of cargo that may change places; they are alike in all years."""
    if spec.channels is None:
        return case, ()
    entered = {year: with_channels(network, spec.channels) for year, network in case.networks.items()}
    networks = {year: network for year, (network, _) in entered.items()}
    return replace(case, networks=networks), entered[min(entered)][1]


def _shortcomings(
    case: Case, task: SitingTask, sited: SitedYears, answer: PlacementAnswer
) -> tuple[Status, tuple[Problem, ...]]:
    """How the search ended, and why there is no best plan, or none that is known to be the best."""
    from logistics.studies.siting_reach import limits_out_of_reach, room_out_of_reach

    where = StudyPlaces(case).at("kind")
    if answer.best is not None:
        code = "siting.limit" if sited.problem.pooling is None else "siting.limit_pooled"
        told = Problem(code, where, f"{answer.gap:.2g}", severity="warning")
        return answer.status, () if answer.status == "optimal" else (told,)
    short = tuple(room_out_of_reach(sited, where))
    code = "siting.short" if short else f"siting.{answer.status}"
    # What the check of the tables has told is not told again.
    known = {problem.subject for problem in task.warnings if problem.code == "siting.capacity"}
    new = [problem for problem in short if problem.subject not in known]
    warnings = Problem(code, where, severity="warning"), *new, *limits_out_of_reach(sited)
    return "infeasible" if short else answer.status, warnings


def _searched(
    case: Case, task: SitingTask, questions: Sequence[Question], known: Mapping[int, Known], report: Report
) -> tuple[SitedYears, PlacementSearch, PlacementAnswer]:
    """Search over all years, and then what candidates are worth, which may find a better plan."""
    from logistics.models.flow.carried import carried_paths
    from logistics.models.placement.search import PlacementSearch
    from logistics.studies.siting_benchmark import value_plans
    from logistics.studies.siting_problem import sited_years

    sited = sited_years(task.spec, questions, task.candidates, task.channels)
    paths = [
        carried_paths(*known[question.year], instance)
        for question, instance in zip(questions, sited.problem.instances, strict=True)
    ]
    solver, clock = case.scenario.solver, time.perf_counter()

    def tell(value: float, bound: float, plans: int) -> None:
        seconds = time.perf_counter() - clock
        gap = max(0.0, value - bound) / max(1.0, abs(value)) if value < float("inf") else float("inf")
        shown = {
            "phase": "plan",
            "value": value,
            "bound": bound,
            "gap": gap,
            "nodes": plans,
            "seconds": seconds,
        }
        report("run.portfolio", shown)

    least_gap = LEAST_GAP if sited.problem.pooling is None else LEAST_POOLED_GAP
    gap = task.spec.gap or max(least_gap, solver.gap)
    search = PlacementSearch(sited.problem, paths, gap, MAIN_SHARE * solver.time_limit_s, tell)
    search.solve([sited.base_taken])
    report("run.compares", {"what": "values"})
    value_plans(search, sited.base_taken, VALUE_SHARE * solver.time_limit_s)
    return sited, search, search.answer()


def _planned(sited: SitedYears, answer: PlacementAnswer, place: int, report: Report) -> PlannedYear:
    """A year of the chosen plan, solved and checked on the network with its warehouses; and its arrays."""
    from logistics.models.flow.carried import carried_paths
    from logistics.studies.siting_stock import pooled_throughput, replanned

    assert answer.best is not None
    base = sited.questions[place]
    changes = sited.changes(place, answer.best)
    known = sited.problem.instances[place], answer.best.flows[place].used_paths
    for attempt in range(SETTLING_ROUNDS):
        question = replace(base, network=with_changes(base.network, changes))
        instance, warnings = question.compiled()
        outcome, _ = solved_year(
            question,
            instance,
            lambda progress: report("run.round", shown_progress(progress)),
            carried_paths(*known, instance),
        )
        # Stock is planned for what goes through; where that has moved, it is planned anew.
        again = replanned(changes, pooled_throughput(sited.problem.pooling, instance, outcome.solved))
        if again == changes or attempt + 1 == SETTLING_ROUNDS:
            break
        changes, known = again, (instance, outcome.solved.used_paths)
    return replace(outcome, warnings=tuple(warnings)), changes, instance


def _compared(
    case: Case,
    sited: SitedYears,
    search: PlacementSearch,
    answer: PlacementAnswer,
    planned: PlannedYear | None,
    report: Report,
) -> dict[str, pa.Table]:
    """The candidates and other plans beside the best one, in the last year."""
    from logistics.models.placement.search import PlacementSearch
    from logistics.studies.siting_benchmark import alone, ranks, worths
    from logistics.studies.siting_cargo import CargoReader
    from logistics.studies.siting_futures import futures_of
    from logistics.studies.siting_plans import LastYear
    from logistics.studies.siting_problem import open_ids
    from logistics.studies.siting_tables import Sited, tables_of_siting

    spec, limit = sited.spec, case.scenario.solver.time_limit_s

    def tell(what: str) -> None:
        report("run.compares", {"what": what})

    tell("last year")
    year = sited.last_only()
    paths = [plan.flows[-1].used_paths for plan in answer.plans]
    known = [way for some in paths for way in some]
    alike = len(sited.questions) == 1
    own = PlacementSearch(year.problem, [known if alike else []], search.gap, FUTURE_SHARE * limit)
    last = LastYear(year, own)
    best_ids = open_ids(sited.problem, answer.best.taken) if answer.best is not None else []
    best = last.chosen(best_ids)
    own.solve([year.base_taken, *([best] if best_ids else [])])
    base = own.plan_of(year.base_taken)
    plans = [last.plan("base", "base", year.base_taken)]
    if answer.best is not None:
        plans += _beside(last, best, limit, tell)
    tell("candidates")
    reader = CargoReader(year.questions[0].network, year.problem.instances[0], year.candidates)
    alones = alone(last, reader, base)
    futures = []
    if any(spec.futures.model_dump().values()) and answer.best is not None:
        tried = {f"{plan.kind} {plan.name}": open_ids(year.problem, plan.taken) for plan in plans}
        order = ranks([one.net_cny for one in alones])
        rank = {one.id: place for one, place in zip(year.candidates, order, strict=True)}
        futures = futures_of(last, rank, tried, FUTURE_SHARE * limit, REGRET_SHARE * limit, tell)
    own_arrays = (planned[0], planned[2]) if planned is not None else None
    found = Sited(sited, last, answer, alones, worths(search, answer), plans, futures, own_arrays)
    return tables_of_siting(found)


def _beside(last: LastYear, best: Flags, limit: float, tell: Callable[[str], None]) -> list[SitedPlan]:
    """The best plan and those beside it; alternatives are the cheapest of all that is solved for the rest."""
    spec = last.sited.spec
    swept: list[SitedPlan] = []
    if spec.sweep:
        tell("sweep")
        swept = last.sweeps(spec.sweep, SWEEP_SHARE * limit)
    ruled: list[SitedPlan] = []
    if spec.baselines:
        tell("baselines")
        ruled = last.baselines(best)
    frontier: list[SitedPlan] = []
    for factor in spec.frontier:
        tell(f"frontier {factor:g}")
        frontier.append(_at_time_value(last, factor, FUTURE_SHARE * limit))
    tell("alternatives")
    others = last.others(best, spec.alternatives, spec.within)
    chosen = last.plan("best", "best", best, last.search.bound)
    return [chosen, *swept, *others, *ruled, *frontier]


def _at_time_value(last: LastYear, factor: float, time_limit_s: float) -> SitedPlan:
    """The best plan where customers' time is worth more or less; its flows as the best plan's are weighed."""
    from logistics.models.placement.search import PlacementSearch
    from logistics.studies.siting_problem import open_ids, sited_years

    year = last.sited
    question = year.questions[0]
    # An objective without customers' time gives it its own worth here.
    weights = dict(question.weights)
    weights["time_value"] = factor * weights.get("time_value", 1.0)
    other = sited_years(
        year.spec, [replace(question, weights=weights)], year.candidates, year.channels, steady=True
    )
    search = PlacementSearch(other.problem, [()], last.search.gap, time_limit_s)
    answer = search.solve([other.base_taken])
    taken = last.chosen(open_ids(other.problem, answer.best.taken) if answer.best is not None else [])
    return last.plan("frontier", f"{factor:g}", taken, own_gap=answer.gap)
