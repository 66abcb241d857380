"""Column generation: master and pricing in turn until the Lagrangian bound meets the plan's cost."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from logistics.models.flow.costs import Dues, RowPrices
from logistics.models.flow.large import LargeFlow, is_large
from logistics.models.flow.master import Master, MasterAnswer
from logistics.models.flow.pricing import PathPricer
from logistics.models.flow.solved import (
    Conflict,
    Duals,
    FlowStatus,
    LeastUnserved,
    NearPrices,
    SolvedFlow,
)
from logistics.virtual_network.instance import Instance

Floats = NDArray[np.float64]
Ints = NDArray[np.int32]
log = logging.getLogger(__name__)
REDUCED_COST = 1e-9
ROUNDING = 1e-13
"""Relative gap that counts as none, whatever is asked for: sums of thousands of terms say no more."""
UNSERVED = 1e-9
BROKEN = 1e-7
"""Share of a limit's scale up to which it counts as kept, and above which a bound proves that it cannot."""
MOST_IDLE = 4
"""Rounds in a row that may only wake who rested, without a new path."""
FIRST_MARGIN = 0.02
FAIR_MARGIN = 0.3
MARGIN_STEP, BREAKING_STEP = 3.0, 10.0
LARGEST_MARGIN = 1e3


@dataclass(frozen=True)
class Progress:
    """State after a pricing round, for displays.

    Parameters
    ----------
    phase
        ``unserved``, ``limits`` or ``objective``.
    value, bound
        Best plan and lower bound so far; -inf: no bound yet.
    """

    phase: str
    round: int
    value: float
    bound: float
    gap: float
    num_columns: int
    seconds: float


@dataclass(frozen=True)
class StopRule:
    """When column generation ends.

    Parameters
    ----------
    gap
        Relative gap that counts as solved.
    time_limit_s
        Wall-clock limit from the start of the solve.
    most_rounds
        Limit of pricing rounds, which does not depend on the machine.
    """

    gap: float = 1e-6
    time_limit_s: float = float("inf")
    most_rounds: float = float("inf")


@dataclass(frozen=True)
class _Goal:
    """What a phase minimises.

    Parameters
    ----------
    guide
        Cost of an unserved tonne of each commodity in the master.
    unserved
        Price of an unserved tonne in the bound, one or one a commodity: inf: all is served; None: the dual of
        row (3).
    margin
        Part of `guide` that grows while a commodity is not served; None: nothing grows.
    breaking
        What it costs to break each limit by its scale; None: limits must be kept.
    elastic
        Whether `breaking` only guides and grows while a limit is broken; else it is part of the objective.
    """

    guide: Floats
    unserved: float | Floats | None
    path_scale: float
    allowed_t: float
    margin: Floats | None = None
    breaking: Floats | None = None
    elastic: bool = False


@dataclass
class _Phase:
    """Outcome of one phase."""

    answer: MasterAnswer
    duals: Duals
    value: float
    bound: float
    gap: float
    closed: bool
    out_of_time: bool
    goal: _Goal
    """As it was in the end: what only guides has grown."""

    @property
    def broken(self) -> bool:
        """Whether a limit is not kept."""
        return bool(np.any(self.answer.slack > BROKEN))


class FlowModel:
    """Solves one instance.

    Parameters
    ----------
    instance
        The instance.
    stop
        When to stop.
    report
        Called after each round.
    start
        Paths known to be good, as (commodity, arcs): the answer does not depend on them, the time does.
    pricer
        The pricer of a model whose instance differs at most in capacities and in bounds of limits.
    least
        What is known of the least unserved demand of this instance; it is not looked for again.
    near
        Prices of an instance much like this one, from which to start.
    """

    def __init__(
        self,
        instance: Instance,
        stop: StopRule | None = None,
        report: Callable[[Progress], None] | None = None,
        start: Iterable[tuple[int, Ints]] = (),
        pricer: PathPricer | None = None,
        least: LeastUnserved | None = None,
        near: NearPrices | None = None,
    ) -> None:
        self.instance = instance
        self._stop = stop or StopRule()
        self._report = report or (lambda _: None)
        self._started = time.perf_counter()
        self.pricer = pricer or PathPricer(instance)
        self._master = Master(instance, self.pricer.costs)
        self._rounds = 0
        self._limits = np.ones(len(instance.limits), dtype=bool)
        self._start = list(start)
        self._least = least
        self._final: _Goal | None = None
        self._near = near
        self._ended: MasterAnswer | None = None

    @property
    def prices(self) -> NearPrices:
        """Prices at the end of the solve, for an instance much like this one."""
        if self._ended is None:
            raise ValueError("solve comes first")
        return NearPrices(self._ended.demand_dual, self._ended.prices.resource > 0)

    def solve(self) -> SolvedFlow:
        """Solve the flow model, unserved first unless it is priced."""
        c = self.instance.commodities
        total = float(c.demand_t.sum())
        free = self._cheapest(self.pricer.free_cost + self._master.constant)
        reachable = np.isfinite(free)
        self._master.add_paths(self._start + self.pricer.free_paths)
        # Finite prices of unserved tonnes and broken limits guide the first rounds: a little above what seems
        # fair at first, more each round in which a commodity is not served or a limit not kept. Where nothing
        # is left in the end, they play no part in the bound.
        cost = np.where(reachable, free, 0.0)
        worth = max(float(cost @ c.demand_t), 1.0)
        breaking = np.full(len(self.instance.limits), FIRST_MARGIN * worth)
        price = self.instance.unserved_cny_per_t
        if price is not None:
            self._master.wake_all()
            prices = np.broadcast_to(np.asarray(price, dtype=float), (len(c),)).copy()
            goal = _Goal(prices, prices, 1.0, 0.0, breaking=breaking, elastic=True)
            phase = self._generate("objective", goal)
            if phase.broken and not phase.out_of_time:
                return self._kept_limits(_Goal(prices, prices, 1.0, 0.0), None)
            return self._answer(phase, None)
        if np.all(reachable) and self._least is None:
            typical = (float(np.median(cost)) or float(cost.max()) or 1.0) if len(cost) else 1.0
            guide = cost + FIRST_MARGIN * np.maximum(cost, typical)
            margin = guide - cost
            if self._near is not None:
                self._master.activate(self._near.binding)
                fair = np.maximum(cost, self._near.demand)
                guide = fair + FIRST_MARGIN * np.maximum(fair, typical)
                margin = guide - fair
            goal = _Goal(guide, np.inf, 1.0, 0.0, margin=margin, breaking=breaking, elastic=True)
            phase = self._generate("objective", goal)
            served = float(phase.answer.unserved_t.sum()) <= UNSERVED * max(1.0, total)
            given_up = phase.broken or self._rounds >= self._stop.most_rounds
            if (served and not phase.broken) or (phase.out_of_time and given_up):
                return self._answer(phase, None)
        return self._left_behind()

    def _cheapest(self, cost: Floats) -> Floats:
        """Least cost of serving the demand that each commodity serves."""
        served = self.instance.commodities.served
        least = cost.copy()
        np.minimum.at(least, served, cost)
        return np.asarray(least[served])

    def _left_behind(self) -> SolvedFlow:
        """Solve where not all can be served, or where it is not clear whether the limits can be kept."""
        c = self.instance.commodities
        if self._least is None:
            # Found without the limits: leaving cargo behind is no way to keep them.
            self._limits[:] = False
            self._master.wake_everyone()
            phase = self._generate("unserved", _Goal(np.ones(len(c)), 1.0, 0.0, 0.0))
            self._limits[:] = True
            unserved_t = float(phase.answer.unserved_t.sum()) * (1 + 1e-12) + 1e-9
            self._least = LeastUnserved(unserved_t, phase.bound, phase.duals, phase.closed)
        self._master.cap_unserved(self._least.allowed_t)
        goal = _Goal(np.zeros(len(c)), None, 1.0, self._least.allowed_t)
        if len(self.instance.limits):
            return self._kept_limits(goal, self._least)
        return self._answer(self._generate("objective", goal), self._least)

    def _kept_limits(self, goal: _Goal, least: LeastUnserved | None) -> SolvedFlow:
        """Find out whether the limits can be kept; the best plan that does, or why none can."""
        found = self._least_broken(goal)
        if found.bound > BROKEN:
            return self._answer(found, least, self._conflict(goal, found))
        if found.broken:
            return self._answer(found, least)
        # Phase 1 keeps the limits to its own tolerance; a high price does the same without a hard edge.
        worth = max(1.0, float(self.pricer.free_cost[np.isfinite(self.pricer.free_cost)].max(initial=0.0)))
        breaking = np.full(len(self.instance.limits), worth * float(self.instance.commodities.demand_t.sum()))
        kept = replace(goal, breaking=breaking, elastic=True)
        return self._answer(self._generate("objective", kept), least)

    def _least_broken(self, goal: _Goal) -> _Phase:
        """Phase 1: the least sum of relative relaxations of the limits that hold now."""
        c = self.instance.commodities
        free = 0.0 if goal.unserved is not None else None
        relax = _Goal(
            np.zeros(len(c)), free, 0.0, goal.allowed_t, breaking=np.ones(len(self.instance.limits))
        )
        return self._generate("limits", relax)

    def _conflict(self, goal: _Goal, found: _Phase) -> Conflict:
        """Thin the limits out to a smallest set that cannot hold together, in the order of the scenario.

        Limits without a price in the certificate are not needed for the proof.
        """
        self._limits, proof = found.duals.limit > 0, found.duals
        for place in np.flatnonzero(self._limits):
            self._limits[place] = False
            fewer = self._least_broken(goal)
            if fewer.bound > BROKEN:
                proof = fewer.duals
            else:
                self._limits[place] = True
        # Of those that are left each is needed, so each has a price in the last proof.
        members = tuple(int(place) for place in np.flatnonzero(proof.limit > 0))
        self._limits[:] = True
        return Conflict(found.answer.slack, members, found.bound, found.duals, proof)

    def _generate(self, name: str, goal: _Goal) -> _Phase:
        """Run rounds until the gap closes, no path prices out, or time is up."""
        c, scale = self.instance.commodities, goal.path_scale
        constant = scale * self._master.constant
        always = self._cheapest(constant)
        guide, margin, breaking = goal.guide, goal.margin, goal.breaking
        guided = margin is not None or goal.elastic
        self._master.set_objective(guide, scale)
        self._master.set_limits(self._limits, breaking)
        best, best_duals = -np.inf, self._no_duals(goal)
        if goal.unserved is not None and scale == 1.0 and is_large(self.instance, self.pricer, self._master):
            large = self._large(name, goal)
            if large is not None and (large.closed or large.out_of_time):
                return large
            if large is not None:
                best, best_duals = large.bound, large.duals
                self._master.activate(large.duals.resource > 0)
                if margin is not None:
                    fair = large.answer.demand_dual
                    guide = np.maximum(guide, fair + FAIR_MARGIN * np.maximum(fair, np.median(fair)))
                    margin = guide - fair
                    self._master.set_objective(guide, scale)
        settled, stuck, idle = not guided, False, 0
        while True:
            self._rounds += 1
            late = self._late()
            # Until all is served, prices of rows broken for the first time may wait for the next round.
            answer = self._fair(self._master.solve(once=not (settled or late)), goal)
            missing = answer.unserved_t > UNSERVED * np.maximum(1.0, c.demand_t)
            lacking = margin is not None and bool(np.any(missing))
            loose = (answer.slack > BROKEN) & goal.elastic
            settled = settled or (answer.feasible and not lacking and not np.any(loose))
            dues = Dues(self.instance, answer.prices)
            slack = REDUCED_COST * np.maximum(1.0, np.abs(answer.demand_dual))
            threshold = answer.demand_dual - slack - constant - dues.offset
            priced = self.pricer.price(answer.prices, threshold, scale)
            price = answer.unserved_price if goal.unserved is None else goal.unserved
            duals, bound = self._lagrangian(priced.cost + constant, answer.prices, dues, price, goal)
            if bound > best:
                best, best_duals = bound, duals
            value = scale * answer.path_cost + float(guide @ answer.unserved_t)
            value += float(answer.slack.sum()) if breaking is not None and not goal.elastic else 0.0
            same = float(always @ (c.demand_t - answer.unserved_t))
            known = answer.feasible and not lacking and not np.any(loose)
            gap = max(0.0, value - best) / max(1.0, abs(value - same)) if known else np.inf
            self._tell(name, value, best, gap)
            ended = replace(goal, guide=guide, margin=margin, breaking=breaking)
            closed = gap <= max(self._stop.gap, ROUNDING)
            if name == "limits":
                closed = closed and (value <= BROKEN or best > BROKEN)
            if closed or late:
                return _Phase(answer, best_duals, value, best, gap, closed, late, ended)
            columns = self._master.num_columns
            fresh = self._master.add_paths(priced.found)
            idle = idle + 1 if self._master.num_columns == columns and known else 0
            if idle >= MOST_IDLE:
                # The same commodities wake and rest in turn: from now on nobody rests.
                self._master.wake_all()
                idle = 0
            if lacking or np.any(loose):
                if margin is not None and np.any(margin > LARGEST_MARGIN * goal.guide.max(initial=0.0)):
                    return _Phase(answer, best_duals, value, best, gap, closed, late, ended)
                if breaking is not None and goal.breaking is not None and np.any(loose):
                    if float(breaking.max()) > LARGEST_MARGIN / FIRST_MARGIN * float(goal.breaking.max()):
                        return _Phase(answer, best_duals, value, best, gap, closed, late, ended)
                    breaking = np.where(loose, BREAKING_STEP * breaking, breaking)
                if margin is not None:
                    guide = np.where(missing, guide + (MARGIN_STEP - 1) * margin, guide)
                    margin = np.where(missing, MARGIN_STEP * margin, margin)
                self._master.set_objective(guide, scale)
                self._master.set_limits(self._limits, breaking)
            elif fresh == 0 and answer.feasible:
                # With all awake the master is the program over its columns: nothing prices out any more.
                if stuck or not self._master.wake_everyone():
                    return _Phase(answer, best_duals, value, best, gap, closed, late, ended)
                stuck = True
                continue
            stuck = False

    def _large(self, name: str, goal: _Goal) -> _Phase | None:
        """Solve by interior points; None: they do not get anywhere."""
        price = np.asarray(goal.unserved, dtype=float)
        unserved = None if np.all(np.isinf(price)) else goal.guide
        flow = LargeFlow(self.instance, self.pricer, self._master, unserved)
        constant = float(self._master.constant @ self.instance.commodities.demand_t)

        def gap_of(value: float, bound: float) -> float:
            return max(0.0, value - bound) / max(1.0, abs(value - constant)) if value < np.inf else np.inf

        def tell(value: float, bound: float) -> float:
            self._rounds += 1
            self._tell(name, value, bound, gap_of(value, bound))
            return gap_of(value, bound)

        found = flow.solve(self._stop.gap, self._late, tell)
        if found is None or (np.isinf(found.value) and not self._late()):
            return None
        limits = np.zeros(len(self.instance.limits))
        answer = MasterAnswer(
            flow_t=found.flow_t,
            unserved_t=found.unserved_t,
            path_cost=float(found.flow_t @ self._master.column_cost),
            demand_dual=found.demand_dual,
            prices=RowPrices(found.prices, limits),
            slack=limits,
            unserved_price=0.0,
            feasible=True,
        )
        most = float(np.max(price))
        duals = Duals(found.prices, limits, most, goal.path_scale, goal.allowed_t)
        gap = gap_of(found.value, found.bound)
        closed = gap <= self._stop.gap
        return _Phase(answer, duals, found.value, found.bound, gap, closed, self._late(), goal)

    def _late(self) -> bool:
        over = time.perf_counter() - self._started > self._stop.time_limit_s
        return over or self._rounds >= self._stop.most_rounds

    def _no_duals(self, goal: _Goal) -> Duals:
        none = RowPrices.none(self.instance)
        return Duals(none.resource, none.limit, 0.0, goal.path_scale, goal.allowed_t)

    def _fair(self, answer: MasterAnswer, goal: _Goal) -> MasterAnswer:
        """Where breaking limits is part of the objective it must not pay, also not by rounding."""
        if goal.breaking is None or goal.elastic or not len(self.instance.limits):
            return answer
        most = goal.breaking / np.array([limit.scale for limit in self.instance.limits])
        fair = np.minimum(answer.prices.limit, most)
        return replace(answer, prices=RowPrices(answer.prices.resource, fair))

    def _lagrangian(
        self, cheapest: Floats, prices: RowPrices, dues: Dues, unserved: float | Floats, goal: _Goal
    ) -> tuple[Duals, float]:
        """Lower bound at `prices` when the cheapest ways cost `cheapest`, and the duals that prove it."""
        d = self.instance.commodities.demand_t
        bound = float(d @ np.minimum(self._cheapest(cheapest + dues.offset), unserved + dues.unserved))
        bound -= float(self.instance.capacity @ prices.resource)
        bound -= float(sum(p * row.bound for p, row in zip(prices.limit, self.instance.limits, strict=True)))
        most = float(np.max(unserved, initial=0.0))
        bound -= most * goal.allowed_t if goal.allowed_t > 0 else 0.0
        return Duals(prices.resource, prices.limit, most, goal.path_scale, goal.allowed_t), bound

    def solve_with(self, instance: Instance, gap: float) -> SolvedFlow:
        """Solve again from where the last solve ended, with other capacities and bounds of limits.

        Unserved demand stays what it may be. The model is then as it was, but for paths that were found.

        Parameters
        ----------
        instance
            Alike in all but capacities and bounds.
        gap
            Relative gap to solve to.
        """
        if self._final is None:
            raise ValueError("solve comes first")
        before, final, report, stop = self.instance, self._final, self._report, self._stop
        self._stop = replace(stop, gap=gap)
        self._started = time.perf_counter()
        self.instance = instance
        self._report = lambda _: None
        self._master.rebound(instance)
        try:
            return self._answer(self._generate("objective", final), self._least)
        finally:
            self.instance, self._final, self._report, self._stop = before, final, report, stop
            self._master.rebound(before)

    @property
    def columns(self) -> list[tuple[int, Ints]]:
        """All paths found so far."""
        members = self._master.column_commodity.tolist()
        return list(zip(members, self._master.column_path, strict=True))

    def _tell(self, phase: str, value: float, bound: float, gap: float) -> None:
        seconds = time.perf_counter() - self._started
        self._report(Progress(phase, self._rounds, value, bound, gap, self._master.num_columns, seconds))
        log.debug("%s round %d: %.8g, bound %.8g, gap %.2e", phase, self._rounds, value, bound, gap)

    def _answer(
        self, phase: _Phase, least: LeastUnserved | None, conflict: Conflict | None = None
    ) -> SolvedFlow:
        c = self.instance.commodities
        self._final, self._ended = phase.goal, phase.answer
        flow = phase.answer.flow_t
        used = np.flatnonzero(
            flow > 1e-9 * np.maximum(1.0, c.demand_t[self._master.column_owner[: len(flow)]])
        )
        closed = phase.closed and (least is None or least.closed)
        status: FlowStatus = "optimal" if closed else "limit"
        if conflict is not None:
            status = "infeasible"
        elif phase.broken:
            status = "no_plan"
        # Where limits cannot hold together, the plan is evidence of what can be served at all.
        planned, proof = status in ("optimal", "limit"), status == "infeasible"
        used = used if planned or proof else used[:0]
        return SolvedFlow(
            status=status,
            commodity=self._master.column_commodity[used].astype(np.int32),
            path=tuple(self._master.column_path[i] for i in used),
            flow_t=flow[used],
            unserved_t=phase.answer.unserved_t if planned or proof else c.demand_t.copy(),
            objective=phase.value if planned else np.nan,
            # A limit may be broken by a trace, and the plan be cheaper by it than any that keeps it.
            bound=min(phase.bound, phase.value) if planned else -np.inf,
            gap=phase.gap if planned else np.inf,
            duals=phase.duals,
            least_unserved=least,
            rounds=self._rounds,
            num_columns=self._master.num_columns,
            conflict=conflict,
        )
