"""Flow problems whose master program is large: interior points between a warm-up and repaired plans.

A simplex master on thousands of demand and capacity rows takes minutes, and prices of degenerate corners
take many rounds. Here prices start from the volume algorithm (:mod:`logistics.models.flow.warm_up_prices`).
Each round then solves the master over columns of small reduced cost by an interior-point method
(:mod:`logistics.models.flow.interior`), no more exactly than the gap is small; takes the Lagrangian bound at
its prices; raises it by a few steps of the volume algorithm, whose paths are the next columns; and turns the
flows into a plan that holds exactly (:mod:`logistics.models.flow.repair`). Value and bound are both proven,
so nothing rests on the accuracy of the interior points.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from logistics.errors import SolverFailure
from logistics.models.flow.costs import RowPrices
from logistics.models.flow.interior import InteriorPoint, PathProgram
from logistics.models.flow.master import Master
from logistics.models.flow.pricing import PathPricer
from logistics.models.flow.repair import MARGIN, ColumnTable, repaired
from logistics.models.flow.warm_up_prices import PathBook, Probe, risen
from logistics.virtual_network.instance import Instance

Floats = NDArray[np.float64]
Longs = NDArray[np.int64]
Flags = NDArray[np.bool_]
LEAST_SIZE = 200_000
"""Commodities on capacities that cheapest paths overload, times such capacities: large from here on."""
MOST_ROWS = 12_000
"""The interior point's matrix is dense: 1.2 GB at this many capacities."""
WARM_UPS, NEIGHBOURS = 200, 20
"""Evaluations of prices at first and after each master."""
POOL, POOL_RANK, POOL_SHARE, NARROW_POOL = 1e-2, 12, 0.02, 1e-3
"""First columns: reduced cost as a share of the cost, number a commodity, share of flow in the warm-up; and
reduced cost of later ones.
"""
FIRST_TOLERANCE, LAST_TOLERANCE = 1e-3, 1e-9
ACCURACY = 0.1
"""How exactly a master is solved, as a share of the gap."""
GUIDE = 0.3
GUIDE_STEP, MOST_GUIDE = 4.0, 1e3
LACKING = 1e-3
NEARLY_FULL = 0.95
"""Capacities enter the master when loaded above this share."""
THIN = 1e-7
"""Flows below this share of their demand are noise."""
MOST_THIN = 1e-3
"""Flows above this share of their demand are not thin."""
POLISHED = 1e-9
PATIENCE = 4
DETOURS = 6
MOST_ROUNDS = 200
THREADS = min(4, os.cpu_count() or 1)


@dataclass(frozen=True)
class LargeOutcome:
    """Best plan and best bound.

    Parameters
    ----------
    flow_t, unserved_t
        Plan, by column and by commodity; it keeps every capacity.
    value
        Its cost with border taxes and the price of unserved demand; inf: the plan leaves what must be served.
    bound, prices
        Lower bound with the same costs, and the capacity prices that prove it.
    demand_dual
        Cost of the cheapest path of each commodity at these prices, with border taxes.
    """

    flow_t: Floats
    unserved_t: Floats
    value: float
    bound: float
    prices: Floats
    demand_dual: Floats


def is_large(instance: Instance, pricer: PathPricer, master: Master) -> bool:
    """Whether to solve by interior points.

    That is so when many commodities compete for many capacities at the paths that are cheapest without
    prices, and there is nothing that the method does not know: stock, hard promises, limits.
    """
    c = instance.commodities
    hard = bool(np.any(c.promise_is_hard & np.isfinite(c.promise_h)))
    if any(layer.stocked for layer in instance.layers) or hard or len(instance.limits):
        return False
    if len(instance.resources) > MOST_ROWS or len(c) * len(instance.resources) < LEAST_SIZE:
        return False
    flow = np.zeros(master.num_columns)
    numbers = master.numbers(pricer.free_paths)
    flow[numbers] = c.demand_t[master.column_commodity[numbers]]
    d, capacity = master.draws, instance.capacity
    over = np.bincount(d.row, d.amount * flow[d.path], len(capacity)) > capacity
    competing = np.unique(d.path[over[d.row] & (flow[d.path] > 0)])
    return len(competing) * int(over.sum()) >= LEAST_SIZE


class LargeFlow:
    """Solves one phase in which unserved demand has a price or none is allowed.

    Parameters
    ----------
    instance, pricer, master
        The instance, its pricer, and the master that keeps the columns.
    unserved
        Price of an unserved tonne of each commodity; None: all must be served.
    """

    def __init__(
        self, instance: Instance, pricer: PathPricer, master: Master, unserved: Floats | None
    ) -> None:
        self._instance, self._pricer, self._master = instance, pricer, master
        c = instance.commodities
        self._demand, self._capacity = c.demand_t, instance.capacity
        self._constant = master.constant
        self._price = None if unserved is None else unserved - self._constant
        most = np.full(len(c), np.inf) if self._price is None else self._price
        self._book = PathBook(instance, pricer, most, THREADS)
        self._column_of = np.zeros(0, np.int64)
        self._same = float(self._constant @ self._demand)
        self._bound, self._prices = -np.inf, np.zeros(len(self._capacity))
        self._dual = np.zeros(len(c))
        self._closed = self._capacity <= 0
        self._outcome: LargeOutcome | None = None

    def solve(
        self, gap: float, late: Callable[[], bool], tell: Callable[[float, float], float]
    ) -> LargeOutcome | None:
        """Solve until `tell`, called with value and bound after each round, returns a gap of at most `gap`.

        Returns
        -------
        LargeOutcome, optional
            None where guide prices of unserved demand grew in vain or rounding spoils the method.
        """
        try:
            found = self._solve(gap, late, tell)
            if found is None:
                return None
            more = self._master.num_columns - len(found.flow_t)
            return replace(found, flow_t=np.concatenate([found.flow_t, np.zeros(more)]))
        except SolverFailure:
            return None
        finally:
            self._book.close()

    def _solve(
        self, gap: float, late: Callable[[], bool], tell: Callable[[float, float], float]
    ) -> LargeOutcome | None:
        steps, unit = self._step_scale(), self._unit()
        start = risen(self._book, self._capacity, self._prices, steps, unit, WARM_UPS)
        prices, active = (
            start.prices,
            ((start.prices > 0) | (start.load > NEARLY_FULL * self._capacity)) & ~self._closed,
        )
        probe = self._probed(prices)
        guide = self._price
        if guide is None:
            guide = np.maximum(probe.cost * (1 + GUIDE), probe.cost + GUIDE * float(np.median(probe.cost)))
        highest = MOST_GUIDE * float(np.max(guide, initial=0.0))
        self._keep_new_paths()
        chosen = self._first_choice(prices, probe, start.weight)
        tolerance, best_gap, idle = FIRST_TOLERANCE, np.inf, 0
        for _ in range(MOST_ROUNDS):
            flow, unserved, prices, raw = self._master_point(chosen, guide, active, tolerance)
            active |= (self._load(flow) > NEARLY_FULL * self._capacity) & ~self._closed
            self._probed(prices)
            level = min(1e-2, max(1e-6, (raw - self._bound) / unit))
            ascent = risen(self._book, self._capacity, prices, steps, unit, NEIGHBOURS, level)
            if ascent.bound > self._bound:
                self._probed(ascent.prices)
            self._keep_new_paths()
            value = self._plan(flow, prices)
            reached = tell(value, self._bound + self._same)
            if reached <= gap:
                self._polish(flow, unserved, prices, guide, active, gap)
            if reached <= gap or late():
                return self._outcome
            idle = 0 if reached < 0.7 * best_gap else idle + 1
            best_gap = min(best_gap, reached)
            lacking = unserved > LACKING * self._demand
            if self._price is None and np.any(lacking):
                guide = np.where(lacking, GUIDE_STEP * guide, guide)
                idle = 0
                if float(guide.max()) > highest:
                    return None
            if idle > PATIENCE:
                return self._outcome
            rough = abs(raw - self._bound) / max(1.0, abs(raw))
            tolerance = max(LAST_TOLERANCE, min(0.5 * tolerance, max(ACCURACY * rough, 0.1 * gap)))
            chosen = self._next_choice(chosen, prices)
        return self._outcome

    def _step_scale(self) -> Floats:
        """Prices move in proportion to the costs of the arcs they stand on."""
        total, count = np.zeros(len(self._capacity)), np.zeros(len(self._capacity))
        for layer, costs in zip(self._instance.layers, self._pricer.costs, strict=True):
            on_arc = costs.fixed.mean(axis=0)
            total += np.bincount(layer.use_row, on_arc[layer.use_arc], len(total))
            count += np.bincount(layer.use_row, minlength=len(total))
        mean = total / np.maximum(1.0, count)
        overall = float(mean[count > 0].mean()) if np.any(count > 0) else 1.0
        return np.maximum(mean, 0.05 * overall) / overall if overall > 0 else np.ones(len(mean))

    def _unit(self) -> float:
        """Size of the objective."""
        probe = self._probed(self._prices)
        size = abs(probe.bound)
        if self._price is not None:
            size = max(size, 0.1 * float(np.maximum(self._price, 0.0) @ self._demand))
        return max(size, 1e-9)

    def _probed(self, prices: Floats) -> Probe:
        probe = self._book.evaluate(prices)
        # Commodities without demand have not been asked for.
        probe = replace(probe, cost=np.where(np.isfinite(probe.cost), probe.cost, 0.0))
        if probe.bound > self._bound:
            self._bound, self._prices, self._dual = probe.bound, prices.copy(), probe.cost
        return probe

    def _keep_new_paths(self) -> None:
        fresh = self._book.paths(len(self._column_of))
        self._master.add_paths(fresh)
        self._column_of = np.concatenate([self._column_of, self._master.numbers(fresh)])

    def _reduced_cost(self, prices: Floats) -> tuple[Floats, Floats]:
        """Cost of each column with prices less its commodity's least; and that least."""
        m = self._master
        d, k = m.draws, m.column_commodity
        paid = np.bincount(d.path, d.amount * prices[d.row], m.num_columns)
        dear = m.column_cost - self._constant[k] + paid
        least = np.full(len(self._demand), np.inf)
        np.minimum.at(least, k, dear)
        return dear - least[k], least

    def _first_choice(self, prices: Floats, probe: Probe, weight: Floats) -> Flags:
        m = self._master
        extra, _ = self._reduced_cost(prices)
        k = m.column_commodity
        order = np.lexsort((extra, k))
        rank = np.empty(len(order), np.int64)
        rank[order] = np.arange(len(order)) - np.searchsorted(k[order], k[order])
        pool = POOL * self._cost_size(probe.cost)[k]
        chosen: Flags = ((extra <= pool) & (rank < POOL_RANK)) | (rank == 0)
        chosen[self._column_of[: len(weight)][weight > POOL_SHARE]] = True
        return chosen

    def _next_choice(self, chosen: Flags, prices: Floats) -> Flags:
        m = self._master
        extra, least = self._reduced_cost(prices)
        chosen = np.concatenate([chosen, np.zeros(m.num_columns - len(chosen), bool)])
        return np.asarray(chosen | (extra <= NARROW_POOL * self._cost_size(least)[m.column_commodity]))

    def _cost_size(self, cost: Floats) -> Floats:
        size = np.abs(np.where(np.isfinite(cost), cost, 0.0))
        return np.maximum(size, 1e-3 * float(size.mean())) if len(size) else size

    def _master_point(
        self,
        chosen: Flags,
        guide: Floats,
        active: Flags,
        tolerance: float,
        may_leave: Flags | None = None,
    ) -> tuple[Floats, Floats, Floats, float]:
        """Flows by column, unserved tonnes, prices and value of the master over the chosen columns.

        Commodities without a column, or that `may_leave` (None: all), may stay unserved at their guide price.
        """
        m, draws = self._master, self._master.draws
        usable = np.zeros(m.num_columns, bool)
        usable[: len(chosen)] = chosen
        usable[draws.path[self._closed[draws.row]]] = False
        members = np.flatnonzero(self._demand > 0)
        number = np.full(len(self._demand), -1)
        number[members] = np.arange(len(members))
        columns = np.flatnonzero(usable & (number[m.column_commodity] >= 0))
        leaving = np.ones(len(members), bool)
        if may_leave is not None:
            leaving = may_leave[members] | (
                np.bincount(number[m.column_commodity[columns]], minlength=len(members)) == 0
            )
        leavers = np.flatnonzero(leaving)
        k = np.concatenate([number[m.column_commodity[columns]], leavers])
        cost = m.column_cost[columns] - self._constant[m.column_commodity[columns]]
        cost = np.concatenate([cost, guide[members[leavers]]])
        order = np.argsort(k, kind="stable")
        place = np.empty(len(order), np.int64)
        place[order] = np.arange(len(order))
        first = np.searchsorted(k[order], np.arange(len(members) + 1)).astype(np.int64)
        place_of = np.full(m.num_columns, -1)
        place_of[columns] = place[: len(columns)]
        rows = np.flatnonzero(active)
        row_of = np.full(len(self._capacity), -1)
        row_of[rows] = np.arange(len(rows))
        mine = (place_of[draws.path] >= 0) & (row_of[draws.row] >= 0)
        at = place_of[draws.path[mine]]
        entry = np.argsort(at, kind="stable")
        program = PathProgram(
            cost=cost[order],
            first=first,
            demand=self._demand[members],
            start=np.concatenate([[0], np.cumsum(np.bincount(at, minlength=len(order)))]).astype(np.int64),
            row=row_of[draws.row[mine]][entry].astype(np.int32),
            amount=draws.amount[mine][entry],
            room=self._capacity[rows],
        )
        answer = InteriorPoint(program).solve(tolerance)
        tonnes = answer.flow[place]
        flow, unserved = np.zeros(m.num_columns), np.zeros(len(self._demand))
        flow[columns], unserved[members[leavers]] = tonnes[: len(columns)], tonnes[len(columns) :]
        prices = np.zeros(len(self._capacity))
        prices[rows] = np.maximum(answer.price, 0.0)
        # Nothing fits through a closed capacity: any price proves the same, a high one keeps paths away.
        prices[self._closed] = 10 * float(np.max(guide, initial=0.0))
        return flow, unserved, prices, float((tonnes * cost).sum())

    def _load(self, flow: Floats) -> Floats:
        d = self._master.draws
        return np.bincount(d.row, d.amount * flow[d.path], len(self._capacity)).astype(float)

    def _polish(
        self, flow: Floats, unserved: Floats, prices: Floats, guide: Floats, active: Flags, gap: float
    ) -> None:
        """Replace the plan by one without flows that an interior point has only because it is one.

        Flow times reduced cost is alike on all columns there: those with less flow than reduced cost, both
        relative, go to 0 at the optimum. The master is solved once more, exactly, without them, and its plan
        is taken if it is as good. Where columns cannot yet be told apart, an exact point comes first.
        """
        before = self._outcome
        assert before is not None
        for exact_first in (False, True):
            try:
                if exact_first:
                    flow, unserved, prices, _ = self._master_point(flow > 0, guide, active, POLISHED)
                extra, least = self._reduced_cost(prices)
                size, k = self._cost_size(least), self._master.column_commodity[: len(flow)]
                thin = self._is_thin(flow, self._demand[k], extra[: len(flow)] / size[k])
                left = ~self._is_thin(unserved, self._demand, (guide - least) / size)
                clean, *_ = self._master_point((flow > 0) & ~thin, guide, active, POLISHED, left)
            except SolverFailure:
                break
            self._outcome = None
            value = self._plan(clean, prices)
            if value - before.bound <= max(before.value - before.bound, 0.5 * gap * abs(before.value)):
                return
        self._outcome = before

    @staticmethod
    def _is_thin(tonnes: Floats, demand: Floats, extra: Floats) -> Flags:
        share = tonnes / np.maximum(demand, 1e-300)
        return np.asarray((share < MOST_THIN) & (share < extra))

    def _plan(self, flow: Floats, prices: Floats) -> float:
        """Repair the flows; keep the plan if it is the best so far, and return the best value."""
        m = self._master
        flow = np.concatenate([flow, np.zeros(m.num_columns - len(flow))])
        most = np.full(len(self._demand), np.inf) if self._price is None else self._price
        for turn in range(DETOURS + 1):
            extra, _ = self._reduced_cost(prices)
            cost = m.column_cost - self._constant[m.column_commodity]
            table = ColumnTable.sorted(m.column_commodity, extra, len(self._demand), m.draws)
            lacking = repaired(table, flow, self._demand, self._capacity, cost, most, 0.0 if turn else THIN)
            if turn == DETOURS or not np.any(lacking > 0) or self._price is not None:
                break
            # What is left looks for ways around all that is full; full means less and less.
            full = (1 - MARGIN) * self._capacity - self._load(flow) <= float(lacking.max()) * 0.1**turn
            around = np.where(full, prices + 10 * float(np.max(cost, initial=0.0)), prices)
            wanted = np.where(lacking > 0, np.inf, -np.inf)
            limits = np.zeros(len(self._instance.limits))
            found = self._pricer.price(RowPrices(around, limits), wanted).found
            if m.add_paths(found) == 0:
                break
            flow = np.concatenate([flow, np.zeros(m.num_columns - len(flow))])
        value = float((flow * m.column_cost).sum())
        if self._price is not None:
            value += float(lacking @ (self._price + self._constant))
        elif np.any(lacking > 0):
            value = np.inf
        if self._outcome is None or value < self._outcome.value:
            self._outcome = LargeOutcome(flow, lacking, value, 0.0, self._prices, self._dual)
        best = self._outcome
        flow = np.concatenate([best.flow_t, np.zeros(m.num_columns - len(best.flow_t))])
        self._outcome = LargeOutcome(
            flow,
            best.unserved_t,
            best.value,
            self._bound + self._same,
            self._prices,
            self._dual + self._constant,
        )
        return best.value
