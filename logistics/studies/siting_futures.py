"""Plans in other futures: freight rates, demand, closures, exchange rates; and what each costs too much."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np

from logistics.errors import InputError
from logistics.models.placement.search import PlacementSearch
from logistics.network.network import Network
from logistics.studies.changed_tables import change_of, scaled_table, with_changes
from logistics.studies.route_rates import at_rates
from logistics.studies.siting_benchmark import alone, ranks
from logistics.studies.siting_candidates import Candidate, candidates_of
from logistics.studies.siting_cargo import CargoReader
from logistics.studies.siting_plans import LastYear
from logistics.studies.siting_problem import SitedYears, open_ids, sited_years
from logistics.studies.siting_spec import SitingSpec
from logistics.studies.year_flow import Question

log = logging.getLogger(__name__)
ABROAD = {
    "warehouse_options": (
        "inbound_cny_per_t",
        "pick_cny_per_order",
        "storage_cny_per_m3_day",
        "fixed_cny_per_year",
        "capex_cny",
    ),
    "last_mile": ("cny_per_order", "cny_per_kg"),
}
"""What is paid abroad."""


class Regret(NamedTuple):
    """How much more a plan costs in a future than the best that was found there, CNY.

    Parameters
    ----------
    at_least
        By prices, or by its flows.
    at_most
        By its flows; None: they were not solved, or do not serve all.
    """

    at_least: float
    at_most: float | None


@dataclass(frozen=True)
class Future:
    """A future and what came of it.

    Parameters
    ----------
    name
        ``rates 2019``, ``demand 0.8`` …; ``as planned``: the scenario's own.
    best_ids
        Options of the plan that its own search found.
    value, bound
        Cost of the best plan that is known in it, and what none can beat, CNY.
    regret
        Of each plan, by its name.
    rank
        Rank of each candidate alone, by id.
    kept
        Plans that keep the study's rules.
    """

    name: str
    best_ids: tuple[str, ...]
    value: float
    bound: float
    regret: Mapping[str, Regret]
    rank: Mapping[str, int]
    kept: frozenset[str] = frozenset()


def networks_of_futures(spec: SitingSpec, question: Question) -> dict[str, Network]:
    """Networks of the last year in each future, by name."""
    network, year = question.network, question.year
    found: dict[str, Network] = {}
    for rate_year in spec.futures.rates:
        if rate_year != year:
            found[f"rates {rate_year}"] = at_rates(network, year, rate_year)
    for factor in spec.futures.demand:
        found[f"demand {factor:g}"] = scaled_table(network, "demand", ("tonnes_per_year",), factor)
    for factor in spec.futures.exchange:
        changed = network
        for table, columns in ABROAD.items():
            changed = scaled_table(changed, table, columns, factor)
        found[f"exchange {factor:g}"] = changed
    for closure in spec.futures.closures:
        found[f"closed {closure.id}"] = with_changes(
            network, [change_of(closure.table, closure.id, "status", "closed")]
        )
    return found


def futures_of(
    planned: LastYear,
    rank: Mapping[str, int],
    plans: Mapping[str, Sequence[str]],
    time_limit_s: float,
    regret_limit_s: float,
    tell: Callable[[str], None],
) -> list[Future]:
    """Each future with its best plan, and the regret of others; the best plans of futures are among them.

    Parameters
    ----------
    planned
        The last year as planned, searched.
    rank
        Rank of each candidate alone in it, by id.
    plans
        Option ids of plans that are tried, by name.
    time_limit_s, regret_limit_s
        For the search in each future, and for solving the flows of plans in them.
    """
    sited, own = planned.sited, planned.search
    tried: dict[str, tuple[str, ...]] = {name: tuple(ids) for name, ids in plans.items()}
    lasts, found = {"as planned": planned}, {"as planned": _future("as planned", planned, rank)}
    for name, network in networks_of_futures(sited.spec, sited.questions[0]).items():
        tell(name)
        try:
            last, future = _solved(sited, network, name, own.gap, time_limit_s)
        except InputError as error:
            # At rates so low a subsidy of this year may be above a tariff: there is no such year.
            log.warning("%s: %s", name, error)
            continue
        if future.value == np.inf:
            # Where not even all candidates serve all, no plan is worse than another.
            log.warning("%s: no plan serves all demand", name)
            continue
        lasts[name], found[name] = last, future
    for name, future in found.items():
        if future.best_ids not in tried.values():
            tried[f"best of {name}"] = future.best_ids
    tell("regret")
    regrets = _Regrets(lasts, tried)
    regrets.solve(regret_limit_s)
    return [
        replace(
            future,
            value=regrets.best(name),
            regret={plan: regrets.of(plan, name) for plan in tried},
            kept=regrets.kept,
        )
        for name, future in found.items()
    ]


class _Regrets:
    """Regret of plans in futures: bounded for all, and solved for those that may be the least bad.

    Parameters
    ----------
    lasts
        Each future, searched.
    tried
        Option ids of plans, by name.
    """

    def __init__(self, lasts: Mapping[str, LastYear], tried: Mapping[str, Sequence[str]]) -> None:
        self._lasts, self._plans = lasts, tuple(tried)
        self._taken = {
            (plan, name): last.chosen(ids) for plan, ids in tried.items() for name, last in lasts.items()
        }
        self._least = {key: lasts[key[1]].least_cost(taken) for key, taken in self._taken.items()}
        first = next(iter(lasts))
        rules = lasts[first].problem.rules
        self.kept = frozenset(plan for plan in tried if rules.kept(self._taken[plan, first]))

    def best(self, name: str) -> float:
        """Cost of the best plan that is known in a future."""
        plan = self._lasts[name].search.best
        return plan.value if plan is not None else np.inf

    def of(self, plan: str, name: str) -> Regret:
        """Regret of a plan in a future."""
        best, known = self.best(name), self._cost(plan, name)
        at_least = max(0.0, self._least[plan, name] - best)
        return Regret(at_least, None if known is None or known == np.inf else max(0.0, known - best))

    def _cost(self, plan: str, name: str) -> float | None:
        """Cost of a plan in a future, inf: it does not serve all; None: its flows were not solved."""
        known = self._lasts[name].known(self._taken[plan, name])
        return known.value if known is not None else None

    def _largest(self, plan: str) -> tuple[float, float]:
        """Lower end of a plan's largest regret, and of the sum of all; where it does not serve all, inf."""
        ends = [
            np.inf if self._cost(plan, name) == np.inf else self.of(plan, name).at_least
            for name in self._lasts
        ]
        return max(ends), sum(ends)

    def _unsolved(self, plan: str) -> list[str]:
        """Futures in which a plan's flows were not solved, those where it does worst first."""
        names = [name for name in self._lasts if self._cost(plan, name) is None]
        return sorted(names, key=lambda name: -self.of(plan, name).at_least)

    def solve(self, time_limit_s: float) -> None:
        """Solve flows of plans in futures until the least largest regret is proven among them, or time is up.

        The plan whose largest regret has the smallest lower end comes first, and is given up as soon as
        that end is no better than the largest regret of one that is solved in all futures. The first is
        solved in all of them in any case.
        """
        until, longest, first = time.perf_counter() + time_limit_s, 0.0, True
        while True:
            least = min(
                (most for plan in self.kept if (most := self._most(plan)) is not None), default=np.inf
            )
            front = [plan for plan in self._plans if plan in self.kept and self._unsolved(plan)]
            front = [plan for plan in front if self._largest(plan)[0] < least]
            if not front:
                return
            plan = min(front, key=lambda one: (self._largest(one), one))
            for name in self._unsolved(plan):
                begun = time.perf_counter()
                if not first and begun + longest > until:
                    return
                self._solve(plan, name)
                longest = max(longest, time.perf_counter() - begun)
                if self._largest(plan)[0] >= least:
                    break
            first = False

    def _solve(self, plan: str, name: str) -> None:
        last, taken = self._lasts[name], self._taken[plan, name]
        last.search.plan_of(taken)
        self._least[plan, name] = max(self._least[plan, name], last.least_cost(taken))

    def _most(self, plan: str) -> float | None:
        """Largest regret of a plan that is solved in all futures; None: it is not, or serves not all."""
        return largest([self.of(plan, name).at_most for name in self._lasts])


def largest(ends: Sequence[float | None]) -> float | None:
    """The largest of upper ends; None: one is missing."""
    known = [end for end in ends if end is not None]
    return max(known) if known and len(known) == len(ends) else None


def least_bad(futures: Sequence[Future]) -> tuple[str | None, bool]:
    """The plan whose largest regret over the futures is least, and whether no other that was tried has less.

    Among plans that keep the study's rules and were solved in all futures; between equal ones the smaller
    name counts.
    """
    most: dict[str, float] = {}
    for plan in futures[0].kept:
        end = largest([future.regret[plan].at_most for future in futures])
        if end is not None:
            most[plan] = end
    if not most:
        return None, False
    best = min(most, key=lambda plan: (most[plan], plan))
    others = futures[0].kept - most.keys()
    return best, all(max(f.regret[plan].at_least for f in futures) >= most[best] for plan in others)


def _solved(
    planned: SitedYears, network: Network, name: str, gap: float, time_limit_s: float
) -> tuple[LastYear, Future]:
    spec, question, channels = planned.spec, planned.questions[0], planned.channels
    candidates: list[Candidate] = candidates_of(network, spec.candidates, spec.closable, spec.facilities)
    asked = replace(question, network=network)
    sited = sited_years(spec, [asked], candidates, channels, steady=True)
    search = PlacementSearch(sited.problem, [()], gap, time_limit_s)
    search.solve([sited.base_taken])
    last = LastYear(sited, search)
    base = search.plan_of(sited.base_taken)
    alones = alone(last, CargoReader(network, sited.problem.instances[0], candidates), base)
    order = ranks([one.net_cny for one in alones])
    rank = {one.id: place for one, place in zip(candidates, order, strict=True)}
    return last, _future(name, last, rank)


def _future(name: str, last: LastYear, rank: Mapping[str, int]) -> Future:
    """A future as its own search has it."""
    best = last.search.best
    ids = tuple(open_ids(last.problem, best.taken)) if best is not None else ()
    value = best.value if best is not None else np.inf
    return Future(name, ids, float(value), last.search.bound, {}, rank)
