"""The restricted master: the path program over the columns found so far.

Capacity rows enter when a solution first breaks them.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from logistics.errors import SolverFailure
from logistics.models.flow.columns import Draws, UseIndex, limit_draws, path_traits
from logistics.models.flow.costs import LayerCosts, RowPrices
from logistics.solver import IncrementalProgram
from logistics.virtual_network.instance import Instance

Floats = NDArray[np.float64]
Ints = NDArray[np.int32]
FEASIBLE = 1e-9
HIGHEST_COST = 1e9
REST_MARGIN = 1e-4
"""How much dearer, relative to its dual, every other way of a commodity must be for it to rest."""


@dataclass(frozen=True)
class MasterAnswer:
    """Solution of the master over its columns.

    Parameters
    ----------
    flow_t
        Tonnes of each column, in order of adding.
    unserved_t
        Tonnes of each commodity.
    path_cost
        Σ cost × flow, without a price of unserved.
    demand_dual
        Dual of the row of the demand that each commodity serves.
    prices
        Prices of the capacities and limits.
    slack
        How far each limit is broken, as a share of its scale, shape (limits,).
    unserved_price
        Price of the row on total unserved, ≥ 0; 0 while there is none.
    feasible
        Whether no capacity is broken, also none whose row was not active yet.
    """

    flow_t: Floats
    unserved_t: Floats
    path_cost: float
    demand_dual: Floats
    prices: RowPrices
    slack: Floats
    unserved_price: float
    feasible: bool


class Master:
    """Path program of an instance.

    A commodity's demand may be served by paths of others too, which have none of their own. It rests while
    one column carries its whole demand and is clearly its cheapest at the latest prices: it needs no row
    then, its column only takes room from the capacities. Whoever has a better path wakes. Few commodities are
    awake at a time, so each program is small and is built anew.

    Shared rows are the capacities, which enter when a solution first breaks them, then the limits, each with
    a column that lets it be broken at a price.

    Parameters
    ----------
    instance
        The instance.
    costs
        Costs of its layers.
    """

    def __init__(self, instance: Instance, costs: list[LayerCosts]) -> None:
        self.instance, self._costs = instance, costs
        self._uses = UseIndex(instance)
        self._num_resources = len(instance.resources)
        bounds = np.array([limit.bound for limit in instance.limits])
        self._bound = np.concatenate([instance.capacity, bounds])
        self._is_limit = np.arange(len(self._bound)) >= self._num_resources
        # Limits are in CNY, hours, kg: their rows are brought to the size of the others.
        whole = max(1.0, float(instance.commodities.demand_t.sum()))
        scales = np.array([limit.scale for limit in instance.limits])
        self._weight = np.concatenate([np.ones(self._num_resources), whole / scales])
        self._slack_cost: Floats | None = np.zeros(len(bounds))
        self.constant = instance.weights.money * instance.commodities.constant_cny_per_t
        count = len(instance.commodities)
        self._served = instance.commodities.served
        self._has_demand = self._served == np.arange(count)
        self._guide = np.zeros(count)
        self._scale = 1.0
        self._may_rest = True
        self._resting = np.full(count, -1)
        self._has_column = np.zeros(count, bool)
        self._active = self._is_limit.copy()
        self._allowed_t: float | None = None
        self.column_commodity = np.zeros(0, np.int64)
        self.column_owner = np.zeros(0, np.int64)
        self.column_path: list[Ints] = []
        self._column_cost = np.zeros(0)
        self._draws = Draws(np.zeros(0, np.int64), np.zeros(0, np.int64), np.zeros(0))
        self._known: dict[tuple[int, bytes], int] = {}

    @property
    def num_columns(self) -> int:
        """Number of path columns."""
        return len(self.column_path)

    def add_paths(self, found: list[tuple[int, Ints]]) -> int:
        """Add paths as columns and wake their commodities; returns how many were new or woke somebody."""
        c = self.instance.commodities
        by_layer: dict[int, list[tuple[int, Ints]]] = {}
        woken = 0
        for commodity, path in found:
            key = (commodity, path.tobytes())
            if key in self._known:
                woken += int(self._resting[self._served[commodity]] >= 0)
                self._resting[self._served[commodity]] = -1
            else:
                self._known[key] = -1
                by_layer.setdefault(int(c.layer[commodity]), []).append((commodity, path))
        before = self.num_columns
        for layer, items in by_layer.items():
            self._store(layer, np.array([k for k, _ in items]), [path for _, path in items])
        return self.num_columns - before + woken

    def numbers(self, paths: list[tuple[int, Ints]]) -> NDArray[np.int64]:
        """Column numbers of paths that were added."""
        return np.array([self._known[k, path.tobytes()] for k, path in paths], dtype=np.int64)

    @property
    def column_cost(self) -> Floats:
        """Cost of a tonne on each column, border taxes included."""
        return self._column_cost

    @property
    def draws(self) -> Draws:
        """What columns draw on capacities, then on limits."""
        return self._draws

    def activate(self, resources: NDArray[np.bool_]) -> None:
        """Let these capacities have rows from the start."""
        self._active[: self._num_resources] |= resources

    def _store(self, number: int, members: NDArray[np.int64], paths: list[Ints]) -> None:
        """Work out what new columns cost and draw; a commodity's first column is one to rest on."""
        c = self.instance.commodities
        products, time_values = c.product[members], c.time_value_cny_per_t_h[members]
        layer, costs = self.instance.layers[number], self._costs[number]
        traits = path_traits(self.instance, layer, costs, products, time_values, paths)
        draws = self._uses.draws(number, products, paths)
        counted = limit_draws(self.instance, number, members, traits, paths)
        first = self.num_columns
        for column, (member, path) in enumerate(zip(members.tolist(), paths, strict=True), first):
            self._known[member, path.tobytes()] = column
        owners = self._served[members]
        self.column_commodity = np.concatenate([self.column_commodity, members])
        self.column_owner = np.concatenate([self.column_owner, owners])
        self.column_path += paths
        self._column_cost = np.concatenate([self._column_cost, traits.cost + self.constant[members]])
        old = self._draws
        self._draws = Draws(
            np.concatenate([old.path, draws.path + first, counted.path + first]),
            np.concatenate([old.row, draws.row, counted.row + self._num_resources]),
            np.concatenate([old.amount, draws.amount, counted.amount]),
        )
        alone = ~self._has_column[owners] & (np.bincount(owners, minlength=len(c))[owners] == 1)
        self._resting[owners] = np.where(alone & self._may_rest, first + np.arange(len(paths)), -1)
        self._has_column[owners] = True

    def wake_everyone(self) -> bool:
        """Wake all for the next solve; they may rest again. Returns whether somebody rested."""
        rested = bool(np.any(self._resting >= 0))
        self._resting[:] = -1
        return rested

    def wake_all(self) -> None:
        """Let nobody rest any more: needed where leaving some unserved may pay."""
        self._may_rest = False
        self._resting[:] = -1

    def set_objective(self, guide: Floats, path_scale: float) -> None:
        """Price each commodity's unserved tonnes and weight the paths' own costs."""
        self._guide, self._scale = guide, path_scale

    def cap_unserved(self, allowed_t: float) -> None:
        """Add row (3): total unserved at most `allowed_t`."""
        self.wake_all()
        self._allowed_t = allowed_t

    def rebound(self, instance: Instance) -> None:
        """Take capacities and bounds of limits from `instance`, which is alike in everything else."""
        self._bound = np.concatenate([instance.capacity, [limit.bound for limit in instance.limits]])

    def set_limits(self, enabled: NDArray[np.bool_], slack_cost: Floats | None) -> None:
        """Say which limits hold, and at what price each may be broken by its scale; None: they may not be."""
        self._active[self._is_limit] = enabled
        self._slack_cost = slack_cost

    def solve(self, *, once: bool = False) -> MasterAnswer:
        """Solve to optimality over the columns, adding capacity rows until none is broken.

        Parameters
        ----------
        once
            Solve once; rows that are broken then count only from the next call on.
        """
        while True:
            self._make_room()
            answer = self._solved()
            load = self._load(answer.flow_t)
            broken = load > self._bound + FEASIBLE * np.maximum(1.0, np.abs(self._bound))
            broken &= ~self._active & ~self._is_limit
            self._active |= broken
            if self._may_rest:
                self._let_rest(answer)
            if np.any(broken):
                self._wake_users(broken)
            if once or not np.any(broken):
                return replace(answer, feasible=not np.any(broken))

    def _load(self, flow: Floats) -> Floats:
        d = self._draws
        return np.bincount(d.row, d.amount * flow[d.path], len(self._bound)).astype(float)

    def _resting_flow(self) -> Floats:
        flow = np.zeros(self.num_columns)
        asleep = np.flatnonzero(self._resting >= 0)
        flow[self._resting[asleep]] = self.instance.commodities.demand_t[asleep]
        return flow

    def _make_room(self) -> None:
        """Wake those who rest on an active capacity that resting flows alone would break."""
        while True:
            crowded = self._active & (self._load(self._resting_flow()) > self._bound) & ~self._is_limit
            if not np.any(crowded):
                return
            self._wake_users(crowded)

    def _wake_users(self, resources: NDArray[np.bool_]) -> None:
        users = self._draws.path[resources[self._draws.row]]
        members = self.column_owner[users]
        self._resting[members[self._resting[members] == users]] = -1

    def _solved(self) -> MasterAnswer:
        """Build the program of those awake, solve it, and put the resting ones beside it."""
        c = self.instance.commodities
        awake = np.flatnonzero((self._resting < 0) & self._has_demand)
        flow = self._resting_flow()
        rows = np.flatnonzero(self._active)
        program = IncrementalProgram()
        demand_row = np.full(len(c), -1)
        demand_row[awake] = program.add_rows(c.demand_t[awake], c.demand_t[awake])
        room = self._bound - self._load(flow)
        room = (self._weight * np.where(self._is_limit, room, np.maximum(0.0, room)))[rows]
        shared_row = np.full(len(self._bound), -1)
        shared_row[rows] = program.add_rows(np.full(len(rows), -np.inf), room)
        # The solver's tolerances are absolute: costs beyond all proportion are brought nearer.
        unit = max(1.0, float(np.max(self._guide[awake], initial=0.0)) / HIGHEST_COST)
        unserved = program.add_columns(self._guide[awake] / unit)
        program.set_entries(demand_row[awake], unserved, np.ones(len(awake)))
        cap_row = -1
        if self._allowed_t is not None:
            cap_row = int(program.add_rows(np.array([-np.inf]), np.array([self._allowed_t]))[0])
            program.set_entries(np.full(len(awake), cap_row), unserved, np.ones(len(awake)))
        slack = self._limit_entries(program, shared_row, awake, unserved, unit)
        columns = np.flatnonzero(self._resting[self.column_owner] < 0)
        number = np.full(self.num_columns, -1)
        number[columns] = program.add_columns(self._scale * self._column_cost[columns] / unit)
        program.set_entries(demand_row[self.column_owner[columns]], number[columns], np.ones(len(columns)))
        d = self._draws
        mine = (number[d.path] >= 0) & self._active[d.row]
        program.set_entries(
            shared_row[d.row[mine]], number[d.path[mine]], d.amount[mine] * self._weight[d.row[mine]]
        )
        answer = program.solve()
        if answer.outcome not in ("optimal", "imprecise"):
            raise SolverFailure(f"the master program ended {answer.outcome}")
        flow[columns] = np.maximum(answer.values[number[columns]], 0.0)
        missing = np.zeros(len(c))
        missing[awake] = np.maximum(answer.values[unserved], 0.0)
        paid = np.zeros(len(self._bound))
        paid[rows] = np.maximum(-answer.row_duals[shared_row[rows]], 0.0) * self._weight[rows] * unit
        prices = RowPrices(paid[~self._is_limit], paid[self._is_limit])
        dual = np.zeros(len(c))
        dual[awake] = unit * answer.row_duals[demand_row[awake]]
        asleep = np.flatnonzero(self._resting >= 0)
        dual[asleep] = self._dear(prices)[self._resting[asleep]]
        dual = dual[self._served]
        return MasterAnswer(
            flow_t=flow,
            unserved_t=missing,
            path_cost=float(flow @ self._column_cost) if self.num_columns else 0.0,
            demand_dual=dual,
            prices=prices,
            slack=np.array([max(0.0, float(answer.values[i])) if i >= 0 else 0.0 for i in slack]),
            unserved_price=max(0.0, -unit * float(answer.row_duals[cap_row])) if cap_row >= 0 else 0.0,
            feasible=True,
        )

    def _limit_entries(
        self,
        program: IncrementalProgram,
        shared_row: NDArray[np.int64],
        awake: NDArray[np.intp],
        unserved: Any,
        unit: float,
    ) -> NDArray[np.int64]:
        """Enter unserved tonnes and slack columns into the limits that hold; return the columns, -1: none."""
        slack = np.full(len(self.instance.limits), -1)
        for place, limit in enumerate(self.instance.limits):
            row = shared_row[self._num_resources + place]
            if row < 0:
                continue
            weight = self._weight[self._num_resources + place]
            counted = np.flatnonzero(limit.unserved[awake])
            entries = weight * limit.unserved[awake][counted]
            program.set_entries(np.full(len(counted), row), unserved[counted], entries)
            if self._slack_cost is not None:
                slack[place] = program.add_columns(self._slack_cost[[place]] / unit)[0]
                program.set_entries(np.array([row]), slack[[place]], np.array([-weight * limit.scale]))
        return slack

    def _dear(self, prices: RowPrices) -> Floats:
        """Cost of each column with what it pays for capacities and limits."""
        d, paid = self._draws, np.concatenate([prices.resource, prices.limit])
        return self._scale * self._column_cost + np.bincount(d.path, d.amount * paid[d.row], self.num_columns)

    def _let_rest(self, answer: MasterAnswer) -> None:
        """Let a commodity rest whose demand is on one column, with every other way clearly dearer."""
        c = self.instance.commodities
        extra = self._dear(answer.prices) - answer.demand_dual[self.column_owner]
        whole = answer.flow_t >= c.demand_t[self.column_owner] * (1 - 1e-12)
        margin = REST_MARGIN * np.maximum(1.0, np.abs(answer.demand_dual))
        other = np.full(len(c), np.inf)
        np.minimum.at(other, self.column_owner[~whole], extra[~whole])
        left = self._guide - answer.demand_dual
        for price, limit in zip(answer.prices.limit, self.instance.limits, strict=True):
            left = left + price * limit.unserved
        other = np.minimum(other, left)
        calm = np.flatnonzero(whole)
        members = self.column_owner[calm]
        good = (
            (other[members] >= margin[members])
            & (answer.unserved_t[members] == 0)
            & (self._resting[members] < 0)
        )
        self._resting[members[good]] = calm[good]
