"""Search for the best placement: choices that are best at prices, their flows, and new prices from these."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from logistics.models.design.plan_flows import PlanFlows
from logistics.models.design.problem import DesignProblem, SideRows, relative_gap
from logistics.models.flow.solved import Duals, SolvedFlow
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
)
from logistics.models.placement.store_costs import StoreCosts

Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]
Paths = Sequence[tuple[int, NDArray[np.int32]]]
Tell = Callable[[float, float, int], None]
FLOW_GAP = 1e-6
MOST_ROUNDS = 12
FORCED_S = 5.0
"""Time limit of a choice in which one candidate is forced."""
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
        self.costs = [StoreCosts(instance, problem.candidates) for instance in problem.instances]
        self._flows = PlanFlows(_design_of(problem, self.costs), FLOW_GAP, paths)
        self.gap, self._limit_s = gap, time_limit_s
        self._tell = tell or _silent
        self._started = time.perf_counter()
        self._plans: dict[bytes, PlacementPlan] = {}
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

    def plan_of(self, taken: Flags) -> PlacementPlan:
        """A set of choices with its flows, each year solved."""
        key = taken.tobytes()
        if key not in self._plans:
            flows = tuple(self.flow_of(year, taken) for year in self.problem.years)
            served = all(flow.status in ("optimal", "limit") for flow in flows)
            value = float(self.problem.cost[taken].sum()) + sum(flow.objective for flow in flows)
            self._plans[key] = PlacementPlan(taken, value if served else np.inf, flows)
            self._note()
        return self._plans[key]

    def flow_of(self, year: int, taken: Flags) -> SolvedFlow:
        """Flows of one year of a set of choices."""
        room = self.problem.room_t(year, taken)
        capacity = np.array([self._full_t(year, i) for i in range(len(room))])
        share = np.divide(room, capacity, out=np.zeros(len(room)), where=capacity > 0)
        return self._flows.solved(year, share)

    def _full_t(self, year: int, candidate: int) -> float:
        row = self.costs[year].rows[candidate]
        return float(self.problem.instances[year].capacity[row]) if row >= 0 else 0.0

    def solve(self, start: Sequence[Flags] = ()) -> PlacementAnswer:
        """Search until plan and bound meet, nothing new is found, or time is up."""
        starts = list(start) or [np.zeros(len(self.problem.names), bool)]
        proposed: list[Flags] = []
        for _ in range(MOST_ROUNDS):
            proposed = [taken for taken in proposed if taken.tobytes() not in self._plans]
            best = self.best
            if not starts and not proposed and best is None:
                proposed = self._roomiest()
            closed = best is not None and relative_gap(best.value, self.bound) <= self.gap
            if closed or not (starts or proposed) or not self._possible or self._late():
                break
            taken = starts.pop(0) if starts else proposed[0]
            proposed = self._bounded(self.plan_of(taken))
        return self._answer()

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
        return priced.choice(price, self.problem.rules, value, FEW_STEPS, only=taken).bound

    def forced(self) -> tuple[Floats, Floats]:
        """Lower bounds on every plan with each candidate, and on every plan without it.

        Shapes (candidates,); inf where the rules do not allow it.
        """
        (priced, price), rules = self._at_best(), self.problem.rules
        profit = priced.saved(price) - self.problem.cost
        whole = priced.constant + float(priced.demand @ price)
        inside, outside = np.full((2, len(self.problem.candidates)), np.inf)
        for candidate in range(len(self.problem.candidates)):
            mine = self.problem.candidate == candidate
            for bounds, least in ((inside, True), (outside, False)):
                row = rules.with_row(
                    "forced", mine.astype(float), 1.0 if least else 0.0, np.inf if least else 0.0
                )
                found = _forced_choice(profit, rules, mine, least)
                found = found if found is not None else best_choice(profit, row, FORCED_S)
                if found is not None:
                    bounds[candidate] = whole - found[1]
        return inside, outside

    def bound_under(self, rules: Rules) -> PricedChoice:
        """Best choices and bound under other rules, at the prices of the best bound."""
        value = self.best.value if self.best is not None else self.bound
        priced, price = self._at_best()
        return priced.choice(price, rules, value, FEW_STEPS, self._limit_s)

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

    def _answer(self) -> PlacementAnswer:
        best, bound = self.best, self.bound
        history = tuple(self._history)
        if best is None:
            none: PlacementStatus = "no_plan" if self._possible else "infeasible"
            return PlacementAnswer(none, None, bound, np.inf, self._by_solver, True, self.plans, history)
        bound = min(bound, best.value)
        gap = relative_gap(best.value, bound)
        return PlacementAnswer(
            status="optimal" if gap <= self.gap else "limit",
            best=best,
            bound=bound,
            gap=gap,
            by_solver=self._by_solver,
            joint=any(_shares(self.problem, year, flow.duals) for year, flow in enumerate(best.flows)),
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
    instance, own = problem.instances[year], set(problem.candidates)
    priced = np.flatnonzero(duals.resource > 0)
    return bool(np.any(duals.limit > 0)) or any(instance.resources[row].id not in own for row in priced)


def _design_of(problem: PlacementProblem, costs: Sequence[StoreCosts]) -> DesignProblem:
    """The placement's years as a design, whose options are candidates."""
    gates = []
    for one in costs:
        there = np.flatnonzero(one.rows >= 0)
        gates.append((one.rows[there].astype(np.int32), there.astype(np.int32)))
    return DesignProblem(
        instances=problem.instances,
        year_weight=np.ones(len(problem.instances)),
        options=problem.candidates,
        cost=np.zeros(len(problem.candidates)),
        gates=tuple(gates),
        rows=SideRows.none(),
        most_unserved_t=np.array([one.lost_t for one in costs]),
    )
