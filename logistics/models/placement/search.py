"""Search for the best placement: choices that are best at prices, their flows, and new prices from these."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from logistics.models.design.problem import relative_gap
from logistics.models.design.tolls import takes_tolls
from logistics.models.flow.solved import Duals, SolvedFlow
from logistics.models.placement.flows import PlacementFlows
from logistics.models.placement.priced import (
    PricedChoice,
    PricedPlacement,
    best_choice,
    priced_placement,
)
from logistics.models.placement.problem import (
    PlacementAnswer,
    PlacementPlan,
    PlacementProblem,
    PlacementStatus,
    Rules,
    Sources,
)
from logistics.models.placement.relaxed import RelaxedPlacement, relaxed_placement
from logistics.models.placement.single_source import PricedSources, SourcedChoice, best_sources
from logistics.models.placement.source_costs import priced_sources
from logistics.models.placement.store_costs import StoreCosts

Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]
Paths = Sequence[tuple[int, NDArray[np.int32]]]
Tell = Callable[[float, float, int], None]
FLOW_GAP, DECOMPOSED_GAP = 1e-6, 1e-4
"""Gap of flows, and the largest of choices where no shared capacity has a price."""
MOST_ROUNDS, MOST_OTHERS = 12, 2
"""Plans that prices propose one after the other; sets tried before the next bound on all that were not."""
FORCED_S, SOURCES_S = 5.0, 20.0
"""Time limits of a choice in which one candidate is forced, and of choices with the source of each market."""
STEPS, FEW_STEPS = 200, 40
"""Subgradient steps at the prices of each plan, and under other rules."""


class PlacementSearch:
    """Search on one placement.

    Parameters
    ----------
    problem
        The placement.
    paths
        For each year paths known to be good, in the numbers of its instance.
    gap, time_limit_s
        When it ends.
    tell
        Called with value, bound and number of plans.
    """

    def __init__(
        self,
        problem: PlacementProblem,
        paths: Sequence[Paths],
        gap: float,
        time_limit_s: float,
        tell: Tell | None = None,
    ) -> None:
        self.problem = problem
        self.costs = [StoreCosts(instance, problem.places, problem.tied) for instance in problem.instances]
        self._has_sites = any(kind == "site" for kind, _ in problem.places)
        self._flow_gap = min(FLOW_GAP, gap / 10)
        self._flows = PlacementFlows(problem, self.costs, self._flow_gap, paths)
        self._relaxed: RelaxedPlacement | None = None
        self.gap, self._limit_s = gap, time_limit_s
        self._tell = tell or _silent
        self._started = time.perf_counter()
        self._plans: dict[bytes, PlacementPlan] = {}
        self._tried: list[PlacementPlan] = []
        self._source_prices: list[PricedSources] = []
        self._longest_s = 0.0
        self._priced: tuple[PricedPlacement, Floats] | None = None
        self._history: list[tuple[float, float, float]] = []
        self.bound: float = -np.inf
        self._by_solver = False
        self._possible = True

    @property
    def plans(self) -> tuple[PlacementPlan, ...]:
        """All plans that were solved."""
        return tuple(self._plans.values())

    @property
    def best(self) -> PlacementPlan | None:
        """The best plan that keeps all rules."""
        good = [p for p in self.plans if np.isfinite(p.value) and self.problem.rules.kept(p.taken)]
        return min(good, key=lambda plan: plan.value, default=None)

    @property
    def priced(self) -> PricedPlacement:
        """The placement at the prices with the best bound."""
        return self._at_best()[0]

    def plan_of(self, taken: Flags, sources: Sources | None = None) -> PlacementPlan:
        """A set of choices with its flows, each year solved.

        Parameters
        ----------
        sources
            Place of each market where it has one alone; None: the best at the latest prices, once.
        """
        key = taken.tobytes()
        if key in self._plans and sources is None:
            return self._plans[key]
        begun, possible = time.perf_counter(), True
        if self.problem.sourcing is not None and sources is None:
            if not self._source_prices:
                self._price_sources(taken)
            found = self._sourced(self.problem.rules, only=taken)
            possible = found is not None and found.taken is not None
            sources = found.sources if found is not None and possible else None
        flows = tuple(self._flows.of(year, taken, sources) for year in self.problem.years)
        served = possible and all(flow.status in ("optimal", "limit") for flow in flows)
        value = float(self.problem.cost[taken].sum()) + sum(flow.objective for flow in flows)
        plan = PlacementPlan(taken, value if served else np.inf, flows, sources)
        self._tried.append(plan)
        if key not in self._plans or plan.value < self._plans[key].value:
            self._plans[key] = plan
        self._longest_s = max(self._longest_s, time.perf_counter() - begun)
        self._note()
        return plan

    def solve(self, start: Sequence[Flags] = ()) -> PlacementAnswer:
        """Search until plan and bound meet, nothing new is found, or time is up."""
        starts = list(start) or [np.zeros(len(self.problem.names), bool)]
        if not np.isfinite(self.plan_of(starts[0]).value) and self._out_of_reach():
            self._possible = False
            return self.answer()
        if self.problem.sourcing is not None:
            self._solve_sourced(starts)
            return self.answer()
        proposed: list[Flags] = []
        for _ in range(MOST_ROUNDS):
            proposed = [taken for taken in proposed if taken.tobytes() not in self._plans]
            if not starts and not proposed and self.best is None:
                proposed = self._roomiest()
            if self._ended or not (starts or proposed):
                break
            taken = starts.pop(0) if starts else proposed[0]
            found = self._bounded(self.plan_of(taken))
            # Several sites may serve the same cargo, so that prices of cargo alone say little of them.
            proposed = [] if self._has_sites else found
        if self._may_go_on:
            self._one_by_one(self._relax())
        return self.answer()

    def _out_of_reach(self) -> bool:
        """Whether limits cannot be kept, which is proven, even with all open that may ever be."""
        everything = np.ones(len(self.problem.names), bool)
        return any(self._flows.of(year, everything).status == "infeasible" for year in self.problem.years)

    @property
    def _ended(self) -> bool:
        best = self.best
        closed = best is not None and relative_gap(best.value, self.bound) <= self._asked(best)
        return closed or not self._possible or self._late()

    def _joint(self, plan: PlacementPlan) -> bool:
        """Whether a shared capacity has a price in a plan."""
        return any(_shares(self.problem, year, flow.duals) for year, flow in enumerate(plan.flows))

    def _asked(self, plan: PlacementPlan) -> float:
        """Gap at which a plan counts as solved: where markets are on their own, prices prove more."""
        return self.gap if self.gap <= DECOMPOSED_GAP or self._joint(plan) else DECOMPOSED_GAP

    @property
    def _may_go_on(self) -> bool:
        """Whether another plan is of use, and likely to be solved before time is up."""
        spent = time.perf_counter() - self._started
        return not self._ended and spent + self._longest_s <= self._limit_s

    def _one_by_one(self, proposed: list[Flags]) -> None:
        """Try sets, and then whichever is the best that was not tried, until none can be better."""
        while True:
            for taken in proposed:
                if taken.tobytes() not in self._plans and self._may_go_on:
                    self._bounded(self.plan_of(taken))
            proposed = self._others()[:MOST_OTHERS] if self._may_go_on else []
            if not proposed:
                return

    def _solve_sourced(self, starts: Sequence[Flags]) -> None:
        """Let each market be served from one place alone: try choices and sources that are best at prices.

        Prices are those of flows on the same choices whose sources are free: where a market has to be served
        from a place, capacities on the way there have prices that say little of other sources. What was
        tried is left out of the bound on the rest, so that the search ends.
        """
        proposed: list[Flags] = []
        for taken in starts:
            proposed = self._bounded(self.plan_of(taken))
        while self._may_go_on:
            # Sets that are best with free sources are good ones to begin with.
            free = next((one for one in proposed if one.tobytes() not in self._plans), None)
            if free is not None:
                self._price_sources(free)
                proposed = self._bounded(self.plan_of(free))
                continue
            tried = [(plan.taken, plan.sources) for plan in self._tried if plan.sources is not None]
            found = self._sourced(self.problem.rules, tried=tried)
            values = [self._least_value(plan) for plan in self._tried if plan.sources is not None]
            bound = min([*values, found.bound if found is not None else np.inf])
            self._possible = bound < np.inf
            if bound > self.bound:
                self.bound, self._by_solver = bound, True
            self._note()
            if found is None or found.taken is None or not self._may_go_on:
                return
            self._price_sources(found.taken)
            self._bounded(self.plan_of(found.taken, found.sources))

    def _price_sources(self, taken: Flags) -> None:
        """Take the prices of a set of choices whose sources are free, for all that is asked from now on."""
        sourcing = self.problem.sourcing
        assert sourcing is not None
        duals = [self._flows.of(year, taken).duals for year in self.problem.years]
        self._source_prices = [
            priced_sources(one, prices, sourcing, year, self.problem.group_of)
            for year, (one, prices) in enumerate(zip(self.costs, duals, strict=True))
        ]

    def _sourced(
        self, rules: Rules, *, only: Flags | None = None, tried: Sequence[tuple[Flags, Sources]] = ()
    ) -> SourcedChoice | None:
        """The best choices with the source of each market, at the latest prices."""
        sourcing, latest = self.problem.sourcing, self._source_prices
        assert sourcing is not None
        return best_sources(self.problem, sourcing, latest, rules, SOURCES_S, only=only, tried=tried)

    def _least_value(self, plan: PlacementPlan) -> float:
        """What a plan's choices and sources cost at least; inf: they serve not all, or break the rules."""
        if not np.isfinite(plan.value) or not self.problem.rules.kept(plan.taken):
            return np.inf
        return float(self.problem.cost[plan.taken].sum()) + sum(flow.bound for flow in plan.flows)

    def _relax(self) -> list[Flags]:
        """Take in the bound of choices in parts; returns choices that are near it."""
        problem = self.problem
        if self._relaxed is not None or not all(takes_tolls(instance) for instance in problem.instances):
            return []
        paths = [[] if plan is None else plan.used_paths for plan in self._last_flows()]
        relaxed = relaxed_placement(problem, self.costs, self._flows.design, paths, self._flow_gap)
        self._relaxed = relaxed
        found = best_choice(relaxed.saved - problem.cost, problem.rules, FORCED_S)
        if found is None:
            self._possible = False
            return []
        if relaxed.constant - found[1] > self.bound:
            self.bound, self._by_solver = relaxed.constant - found[1], found[2]
        self._note()
        near = [taken for taken in relaxed.roundings(problem) if problem.rules.kept(taken)]
        return near if near else [found[0]]

    def _last_flows(self) -> Sequence[SolvedFlow | None]:
        """Flows of the last plan that was solved."""
        return self._tried[-1].flows if self._tried else [None for _ in self.problem.years]

    def _others(self) -> list[Flags]:
        """Take in the bound on all sets that were not tried; returns those that are the best at it."""
        rules, least = self.problem.rules, np.inf
        for plan in self.plans:
            if not self.problem.rules.kept(plan.taken):
                continue
            least = min(least, self._least_value(plan))
            away = np.where(plan.taken, -1.0, 1.0)
            rules = rules.with_row("other", away, 1.0 - float(plan.taken.sum()), np.inf)
        found = self.bound_under(rules)
        bound = min(least, found.bound)
        if bound > self.bound:
            self.bound, self._by_solver = bound, found.by_solver
        self._note()
        return [taken for taken in found.taken if taken.tobytes() not in self._plans and rules.kept(taken)]

    def _roomiest(self) -> list[Flags]:
        """The choices with the most room, if they are new: flows that serve too little may price nothing."""
        room = self.problem.capacity_t.sum(axis=1)
        found = best_choice(room, self.problem.rules, FORCED_S)
        return [] if found is None or found[0].tobytes() in self._plans else [found[0]]

    def _bounded(self, plan: PlacementPlan) -> list[Flags]:
        """Take in the bound at a plan's prices; returns choices that are good at them, the best first."""
        priced, start = self.priced_at(plan)
        value = self.best.value if self.best is not None else plan.value
        value = value if np.isfinite(value) else priced.constant + float(priced.demand @ priced.existing)
        found = priced.choice(start, self.problem.rules, value, STEPS, self._limit_s)
        self._possible = found.bound < np.inf
        if found.bound > self.bound or self._priced is None:
            self._priced = priced, found.price
            self.bound, self._by_solver = found.bound, found.by_solver
        self._note()
        return list(found.taken)

    def priced_at(self, plan: PlacementPlan) -> tuple[PricedPlacement, Floats]:
        """The placement at the prices of a plan's shared capacities, and the prices of its cargo."""
        duals = [flow.duals for flow in plan.flows]
        priced = priced_placement(self.problem, self.costs, duals)
        own = [
            np.where(one.rows >= 0, prices.resource[one.rows], 0.0)
            for one, prices in zip(self.costs, duals, strict=True)
        ]
        return priced, priced.prices_of(plan.taken, own)

    def least_cost(self, taken: Flags) -> float:
        """A lower bound on the cost of one set, at the prices of the best bound."""
        value = self.best.value if self.best is not None else self.bound
        priced, price = self._at_best()
        bound = priced.choice(price, self.problem.rules, value, FEW_STEPS, only=taken).bound
        return max(bound, *(whole - float(profit[taken].sum()) for whole, profit in self._linear_bounds()))

    def _linear_bounds(self) -> list[tuple[float, Floats]]:
        """Bounds that are linear in the choices: a whole, less the profit of what is taken."""
        (priced, price), cost = self._at_best(), self.problem.cost
        found = [(priced.constant + float(priced.demand @ price), priced.saved(price) - cost)]
        if self._relaxed is not None:
            found.append((self._relaxed.constant, self._relaxed.saved - cost))
        return found

    def forced(self) -> tuple[Floats, Floats]:
        """Lower bounds on every plan with each candidate, and on every plan without it.

        Shapes (candidates,); inf where the rules do not allow it.
        """
        rules, count = self.problem.rules, len(self.problem.candidates)
        inside, outside = np.full((2, count), -np.inf)
        for whole, profit in self._linear_bounds():
            for candidate in range(count):
                mine = self.problem.candidate == candidate
                for bounds, least in ((inside, True), (outside, False)):
                    row = rules.with_row(
                        "forced", mine.astype(float), 1.0 if least else 0.0, np.inf if least else 0.0
                    )
                    found = _forced_choice(profit, rules, mine, least)
                    found = found if found is not None else best_choice(profit, row, FORCED_S)
                    bound = whole - found[1] if found is not None else np.inf
                    bounds[candidate] = max(bounds[candidate], bound)
        return inside, outside

    def bound_under(self, rules: Rules) -> PricedChoice:
        """Best choices and bound under other rules, at the prices of the best bound."""
        value = self.best.value if self.best is not None else self.bound
        priced, price = self._at_best()
        found = priced.choice(price, rules, value, FEW_STEPS, self._limit_s)
        if self._relaxed is None or found.bound == np.inf:
            return found
        best = best_choice(self._relaxed.saved - self.problem.cost, rules, FORCED_S)
        if best is None:
            return replace(found, bound=np.inf, taken=(), by_solver=True)
        taken, most, said = best
        if self._relaxed.constant - most <= found.bound:
            return replace(found, taken=(*found.taken, taken))
        return replace(
            found, bound=self._relaxed.constant - most, taken=(taken, *found.taken), by_solver=said
        )

    def _at_best(self) -> tuple[PricedPlacement, Floats]:
        """The placement at the prices with the best bound, and the prices of cargo there."""
        if self._priced is None:
            raise ValueError("solve comes first")
        return self._priced

    def _late(self) -> bool:
        return time.perf_counter() - self._started > self._limit_s

    def _note(self) -> None:
        best = self.best
        value = best.value if best is not None else np.inf
        if not self._history or self._history[-1][1:] != (value, self.bound):
            self._history.append((time.perf_counter() - self._started, value, self.bound))
        self._tell(value, self.bound, len(self._plans))

    def answer(self) -> PlacementAnswer:
        """What is known until now, plans that were solved after the search among it."""
        best, bound = self.best, self.bound
        history = tuple(self._history)
        if best is None:
            none: PlacementStatus = "no_plan" if self._possible else "infeasible"
            return PlacementAnswer(none, None, bound, np.inf, self._by_solver, True, self.plans, history)
        bound = min(bound, best.value)
        gap = relative_gap(best.value, bound)
        return PlacementAnswer(
            status="optimal" if gap <= self._asked(best) else "limit",
            best=best,
            bound=bound,
            gap=gap,
            by_solver=self._by_solver,
            joint=self._joint(best),
            plans=self.plans,
            history=history,
        )


def _silent(_value: float, _bound: float, _plans: int) -> None:
    """Tell nobody."""


def _forced_choice(
    profit: Floats, rules: Rules, mine: Flags, inside: bool
) -> tuple[Flags, float, bool] | None:
    """The best choices with or without some, where groups are the only rules; else None."""
    group = rules.exclusive
    if len(rules.ids) or rules.least or rules.most is not None or group is None or not mine.any():
        return None
    free = profit.copy()
    taken = np.zeros(len(profit), bool)
    if inside:
        best = np.flatnonzero(mine)[int(np.argmax(profit[mine]))]
        taken[best] = True
        free[group == group[best]] = -np.inf
    else:
        free[mine] = -np.inf
    order = np.lexsort((np.arange(len(profit)), -free, group))
    first = np.ones(len(order), bool)
    first[1:] = group[order][1:] != group[order][:-1]
    heads = order[first]
    taken[heads[free[heads] > 0]] = True
    return taken, float(profit[taken].sum()), False


def _shares(problem: PlacementProblem, year: int, duals: Duals) -> bool:
    """Whether a capacity that is not a candidate's own, or a limit, has a price."""
    resources, own = problem.instances[year].resources, set(problem.places)
    priced = [resources[row] for row in np.flatnonzero(duals.resource > 0).tolist()]
    return bool(np.any(duals.limit > 0)) or any((r.kind, r.id) not in own for r in priced)
