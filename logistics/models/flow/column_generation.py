"""Column generation: master and pricing in turn until the Lagrangian bound meets the plan's cost."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from logistics.models.flow.master import Master, MasterAnswer
from logistics.models.flow.pricing import PathPricer
from logistics.models.flow.solved import Duals, FlowStatus, SolvedFlow
from logistics.virtual_network.instance import Instance

Floats = NDArray[np.float64]
log = logging.getLogger(__name__)
REDUCED_COST = 1e-9
UNSERVED = 1e-9
FIRST_MARGIN = 0.02
MARGIN_STEP = 3.0
LARGEST_MARGIN = 1e3


@dataclass(frozen=True)
class Progress:
    """State after a pricing round, for displays.

    Parameters
    ----------
    phase
        ``unserved`` or ``objective``.
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
    """

    gap: float = 1e-6
    time_limit_s: float = float("inf")


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


@dataclass(frozen=True)
class _Goal:
    """What a phase minimises.

    Parameters
    ----------
    guide
        Cost of an unserved tonne of each commodity in the master.
    unserved
        Price of an unserved tonne in the bound: inf: all is served; None: the dual of row (3).
    margin
        Part of `guide` that grows while a commodity is not served; None: nothing grows.
    """

    guide: Floats
    unserved: float | None
    path_scale: float
    allowed_t: float
    margin: Floats | None = None


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
    """

    def __init__(
        self,
        instance: Instance,
        stop: StopRule | None = None,
        report: Callable[[Progress], None] | None = None,
    ) -> None:
        self.instance = instance
        self._stop = stop or StopRule()
        self._report = report or (lambda _: None)
        self._started = time.perf_counter()
        self._pricer = PathPricer(instance)
        self._master = Master(instance, self._pricer.costs)
        self._rounds = 0

    def solve(self) -> SolvedFlow:
        """Solve the flow model, unserved first unless it is priced."""
        c = self.instance.commodities
        total = float(c.demand_t.sum())
        free_cost = self._pricer.free_cost
        reachable = np.isfinite(free_cost)
        self._master.add_paths(self._pricer.free_paths)
        price = self.instance.unserved_cny_per_t
        if price is not None:
            self._master.wake_all()
            phase = self._generate("objective", _Goal(np.full(len(c), price), price, 1.0, 0.0))
            return self._answer(phase, None, 0.0)
        # A finite price for each commodity's unserved tonnes guides the first rounds: little above its free
        # cost at first, more each round in which it is not served. When nothing is left unserved in the end,
        # the price plays no part in the bound.
        cost = np.where(reachable, free_cost + self._master.constant, 0.0)
        if np.all(reachable):
            guide = cost + FIRST_MARGIN * np.maximum(cost, float(np.median(cost)) if len(cost) else 1.0)
            phase = self._generate("objective", _Goal(guide, np.inf, 1.0, 0.0, margin=guide - cost))
            if float(phase.answer.unserved_t.sum()) <= UNSERVED * max(1.0, total):
                return self._answer(phase, None, 0.0)
        least = self._generate("unserved", _Goal(np.ones(len(c)), 1.0, 0.0, 0.0))
        allowed = float(least.answer.unserved_t.sum()) * (1 + 1e-12) + 1e-9
        self._master.cap_unserved(allowed)
        phase = self._generate("objective", _Goal(np.zeros(len(c)), None, 1.0, allowed))
        phase.closed = phase.closed and least.closed
        return self._answer(phase, least.duals, least.bound)

    def _generate(self, name: str, goal: _Goal) -> _Phase:
        """Run rounds until the gap closes, no path prices out, or time is up."""
        c, scale = self.instance.commodities, goal.path_scale
        constant = scale * self._master.constant
        guide, margin = goal.guide, goal.margin
        self._master.set_objective(guide, scale)
        best, best_duals = -np.inf, Duals(np.zeros(len(self.instance.resources)), 0.0, scale, goal.allowed_t)
        settled = False
        while True:
            self._rounds += 1
            late = time.perf_counter() - self._started > self._stop.time_limit_s
            # Until all is served, prices of rows broken for the first time may wait for the next round.
            answer = self._master.solve(once=not (settled or late))
            missing = answer.unserved_t > UNSERVED * np.maximum(1.0, c.demand_t)
            settled = settled or (answer.feasible and not np.any(missing)) or margin is None
            price = answer.unserved_price if goal.unserved is None else goal.unserved
            slack = REDUCED_COST * np.maximum(1.0, np.abs(answer.demand_dual))
            priced = self._pricer.price(answer.resource_price, answer.demand_dual - slack - constant, scale)
            duals = Duals(answer.resource_price, price, scale, goal.allowed_t)
            bound = self._lagrangian(priced.cost + constant, duals)
            if bound > best:
                best, best_duals = bound, duals
            value = scale * answer.path_cost + float(guide @ answer.unserved_t)
            same = float(constant @ (c.demand_t - answer.unserved_t))
            known = answer.feasible and (margin is None or not np.any(missing))
            gap = max(0.0, value - best) / max(1.0, abs(value - same)) if known else np.inf
            self._tell(name, value, best, gap)
            closed = gap <= self._stop.gap
            if closed or late:
                return _Phase(answer, best_duals, value, best, gap, closed, late)
            fresh = self._master.add_paths(priced.found)
            if margin is not None and np.any(missing):
                if float(margin.max()) > LARGEST_MARGIN * float(goal.guide.max()):
                    return _Phase(answer, best_duals, value, best, gap, closed, late)
                guide = np.where(missing, guide + (MARGIN_STEP - 1) * margin, guide)
                margin = np.where(missing, MARGIN_STEP * margin, margin)
                self._master.set_objective(guide, scale)
            elif fresh == 0 and answer.feasible:
                return _Phase(answer, best_duals, value, best, gap, closed, late)

    def _lagrangian(self, cheapest: Floats, duals: Duals) -> float:
        """Lower bound at `duals` when the cheapest ways cost `cheapest`."""
        bound = float(self.instance.commodities.demand_t @ np.minimum(cheapest, duals.unserved))
        bound -= float(self.instance.capacity @ duals.resource)
        return bound - (duals.unserved * duals.allowed_t if duals.allowed_t > 0 else 0.0)

    def _tell(self, phase: str, value: float, bound: float, gap: float) -> None:
        seconds = time.perf_counter() - self._started
        self._report(Progress(phase, self._rounds, value, bound, gap, self._master.num_columns, seconds))
        log.debug("%s round %d: %.8g, bound %.8g, gap %.2e", phase, self._rounds, value, bound, gap)

    def _answer(self, phase: _Phase, least: Duals | None, least_t: float) -> SolvedFlow:
        c = self.instance.commodities
        flow = phase.answer.flow_t
        used = np.flatnonzero(flow > 1e-9 * np.maximum(1.0, c.demand_t[self._master.column_commodity]))
        unserved = phase.answer.unserved_t
        status: FlowStatus = "optimal" if phase.closed else "limit"
        return SolvedFlow(
            status=status,
            commodity=self._master.column_commodity[used].astype(np.int32),
            path=tuple(self._master.column_path[i] for i in used),
            flow_t=flow[used],
            unserved_t=unserved,
            objective=phase.value,
            bound=phase.bound,
            gap=phase.gap,
            duals=phase.duals,
            least_unserved=least,
            least_unserved_t=least_t,
            rounds=self._rounds,
            num_columns=self._master.num_columns,
        )
