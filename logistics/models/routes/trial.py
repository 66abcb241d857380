"""The master of a solved base that takes in an addition's columns and rows, and gives them back.

The base's program stays in the solver with its optimal basis. A trial adds to it, solves from that basis,
and takes everything out again, so each trial costs only what it changes.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from logistics.errors import SolverFailure
from logistics.models.flow.columns import Draws, UseIndex, limit_draws, path_traits
from logistics.models.flow.costs import LayerCosts, RowPrices
from logistics.solver import Basis, IncrementalProgram
from logistics.virtual_network.instance import Instance

Floats = NDArray[np.float64]
Ints = NDArray[np.int32]
Longs = NDArray[np.int64]
BROKEN = 1e-9


@dataclass(frozen=True)
class Aim:
    """What a master minimises besides the cost of paths.

    Parameters
    ----------
    path_scale
        Weight of the paths' costs: 1, or 0 where only unserved tonnes count.
    unserved
        Cost of an unserved tonne of each commodity, shape (commodities,); None: all is served.
    allowed_t
        Unserved tonnes in all; None: no limit.
    with_limits
        Whether the limits hold.
    """

    path_scale: float = 1.0
    unserved: Floats | None = None
    allowed_t: float | None = None
    with_limits: bool = True


@dataclass(frozen=True)
class TrialAnswer:
    """Solution of the master over its columns.

    Parameters
    ----------
    flow_t
        Tonnes of each column, shape (columns,).
    unserved_t, demand_dual
        Of each commodity.
    value
        Of the objective.
    prices
        Of the shared rows.
    unserved_price
        Of the limit on unserved tonnes in all, ≥ 0.
    """

    flow_t: Floats
    unserved_t: Floats
    value: float
    demand_dual: Floats
    prices: RowPrices
    unserved_price: float


class TrialMaster:
    """Path program of a base instance, with trials on top.

    A commodity sleeps while one column carries all of it: it has no row, its column takes room from the
    capacities. Whoever a better path is found for wakes, in a trial until its end.

    Parameters
    ----------
    instance
        The union with gates, see :meth:`UnionInstance.gated`.
    costs
        Costs of its layers.
    aim
        What is minimised.
    """

    def __init__(self, instance: Instance, costs: list[LayerCosts], aim: Aim) -> None:
        self.instance, self._costs, self._aim = instance, costs, aim
        self._uses = UseIndex(instance)
        self._num_resources = len(instance.resources)
        limits = instance.limits if aim.with_limits else ()
        self._bound = np.concatenate([instance.capacity, [limit.bound for limit in limits]])
        self._whole = max(1.0, float(instance.commodities.demand_t.sum()))
        # Limits are in CNY, hours, kg: their rows are brought to the size of the others.
        scales = np.array([limit.scale for limit in limits])
        self._weight = np.concatenate([np.ones(self._num_resources), self._whole / scales])
        self.constant = aim.path_scale * instance.weights.money * instance.commodities.constant_cny_per_t
        count = len(instance.commodities)
        # Rows are of one size already.
        self._program = IncrementalProgram(scaled=False)
        self._shared_row = np.full(len(self._bound), -1)
        self._demand_row = np.full(count, -1)
        self._unserved_column = np.full(count, -1)
        self._sleeping_on = np.full(count, -1)
        self.commodity = np.zeros(0, np.int64)
        self.path: list[Ints] = []
        self.cost = np.zeros(0)
        self._number = np.zeros(0, np.int64)
        self._draws = Draws(np.zeros(0, np.int64), np.zeros(0, np.int64), np.zeros(0))
        self._known: dict[tuple[int, bytes], int] = {}
        self._start: Basis | None = None
        self._goes_on = False
        self._woken: list[tuple[Longs, Longs]] = []
        self._base: _Mark | None = None
        rows = np.arange(self._num_resources, len(self._bound))
        self._shared_row[rows] = self._program.add_rows(
            np.full(len(rows), -np.inf), self._weight[rows] * self._bound[rows]
        )
        self._cap_row = -1
        if aim.allowed_t is not None:
            self._cap_row = int(self._program.add_rows(np.array([-np.inf]), np.array([aim.allowed_t]))[0])

    @property
    def sleepers(self) -> NDArray[np.intp]:
        """Commodities that sleep."""
        return np.flatnonzero(self._demand_row < 0)

    def rest(self, commodity: Ints, paths: Sequence[Ints]) -> None:
        """Let commodities without a row carry all they have on a path each."""
        columns = self._store(commodity.astype(np.int64), paths)
        self._sleeping_on[commodity] = columns

    def add(self, found: Sequence[tuple[int, Ints]]) -> int:
        """Add paths as columns and wake their commodities; returns how many were new or woke somebody."""
        new: list[tuple[int, Ints]] = []
        woken = set()
        for k, path in found:
            if self._demand_row[k] < 0:
                woken.add(k)
            if (k, path.tobytes()) not in self._known:
                new.append((k, path))
        columns = self._store(np.array([k for k, _ in new], dtype=np.int64), [path for _, path in new])
        self.wake(np.array(sorted(woken), dtype=np.int64))
        awake = columns[self._number[columns] < 0]
        self._enter(awake)
        return len(new) + len(woken)

    def wake(self, members: Longs) -> None:
        """Give commodities a row of their own, and columns to all their paths."""
        if len(members) == 0:
            return
        demand = self.instance.commodities.demand_t[members]
        self._demand_row[members] = self._program.add_rows(demand, demand)
        slept_on = self._sleeping_on[members]
        self._sleeping_on[members] = -1
        if self._aim.unserved is not None:
            columns = self._program.add_columns(self._aim.unserved[members])
            self._unserved_column[members] = columns
            self._program.set_entries(self._demand_row[members], columns, np.ones(len(members)))
            if self._cap_row >= 0:
                self._program.set_entries(
                    np.full(len(members), self._cap_row), columns, np.ones(len(members))
                )
            for place, limit in enumerate(self.instance.limits if self._aim.with_limits else ()):
                row = self._num_resources + place
                counted = np.flatnonzero(limit.unserved[members])
                self._program.set_entries(
                    np.full(len(counted), self._shared_row[row]),
                    columns[counted],
                    self._weight[row] * limit.unserved[members][counted],
                )
        self._enter(np.flatnonzero(np.isin(self.commodity, members) & (self._number < 0)))
        slept = slept_on >= 0
        self._woken.append((self._number[slept_on[slept]], self._demand_row[members[slept]]))

    def _store(self, members: Longs, paths: Sequence[Ints]) -> Longs:
        """Work out what new columns cost and draw; returns their numbers here."""
        c = self.instance.commodities
        first = len(self.path)
        order = np.argsort(c.layer[members], kind="stable")
        members, paths = members[order], [paths[i] for i in order]
        for number in np.unique(c.layer[members]).tolist():
            mine = np.flatnonzero(c.layer[members] == number)
            some, ways = members[mine], [paths[i] for i in mine]
            traits = path_traits(
                self.instance,
                self.instance.layers[number],
                self._costs[number],
                c.product[some],
                c.time_value_cny_per_t_h[some],
                ways,
            )
            draws = self._uses.draws(number, c.product[some], ways)
            place = len(self.path)
            parts = [(draws, 0)]
            if self._aim.with_limits:
                parts.append((limit_draws(self.instance, number, some, traits, ways), self._num_resources))
            for part, shift in parts:
                old = self._draws
                self._draws = Draws(
                    np.concatenate([old.path, part.path + place]),
                    np.concatenate([old.row, part.row + shift]),
                    np.concatenate([old.amount, part.amount]),
                )
            for column, (k, way) in enumerate(zip(some.tolist(), ways, strict=True), place):
                self._known[k, way.tobytes()] = column
            self.path += ways
            self.commodity = np.concatenate([self.commodity, some])
            cost = self._aim.path_scale * traits.cost + self.constant[some]
            self.cost = np.concatenate([self.cost, cost])
            self._number = np.concatenate([self._number, np.full(len(ways), -1)])
        stored = np.empty(len(paths), np.int64)
        stored[order] = np.arange(first, len(self.path))
        return stored

    def _enter(self, columns: Longs) -> None:
        """Give stored columns of those awake a column of the program."""
        if len(columns) == 0:
            return
        self._number[columns] = self._program.add_columns(self.cost[columns])
        self._program.set_entries(
            self._demand_row[self.commodity[columns]], self._number[columns], np.ones(len(columns))
        )
        d = self._draws
        new = np.zeros(len(self.path), bool)
        new[columns] = True
        mine = new[d.path] & (self._shared_row[d.row] >= 0)
        self._enter_draws(mine)

    def _enter_draws(self, mine: NDArray[np.bool_]) -> None:
        d = self._draws
        self._program.set_entries(
            self._shared_row[d.row[mine]],
            self._number[d.path[mine]],
            d.amount[mine] * self._weight[d.row[mine]],
        )

    def _activate(self, rows: NDArray[np.intp]) -> None:
        """Give capacities a row."""
        self._shared_row[rows] = self._program.add_rows(np.full(len(rows), -np.inf), np.zeros(len(rows)))
        isin = np.zeros(len(self._bound), bool)
        isin[rows] = True
        d = self._draws
        self._enter_draws(isin[d.row] & (self._number[d.path] >= 0))

    def _load(self, flow: Floats) -> Floats:
        d = self._draws
        return np.bincount(d.row, d.amount * flow[d.path], len(self._bound)).astype(float)

    def _resting_flow(self) -> Floats:
        flow = np.zeros(len(self.path))
        asleep = np.flatnonzero(self._sleeping_on >= 0)
        flow[self._sleeping_on[asleep]] = self.instance.commodities.demand_t[asleep]
        return flow

    def solve(self) -> TrialAnswer:
        """Solve over the columns, giving rows to capacities and waking whom they concern until none breaks.

        Raises
        ------
        SolverFailure
            When the program has no optimum.
        """
        is_cut = False
        while True:
            resting, load = self._made_room()
            active = self._shared_row >= 0
            rows = np.flatnonzero(active)
            room = self._bound[rows] - load[rows]
            # What is short by a rounding is kept: capacities by sleepers, limits of all there is.
            short = (rows < self._num_resources) | (self._weight[rows] * room >= -BROKEN * self._whole)
            room[short] = np.maximum(0.0, room[short])
            self._program.set_row_upper(self._shared_row[rows], self._weight[rows] * room)
            start = self._from_here()
            is_primal = (self._goes_on or start is not None) and not is_cut
            answer = self._program.solve(start=start, again=self._goes_on, primal=is_primal)
            if answer.outcome not in ("optimal", "imprecise"):
                raise SolverFailure(f"the master program ended {answer.outcome}")
            self._goes_on, self._woken = True, []
            flow = resting
            entered = np.flatnonzero(self._number >= 0)
            flow[entered] = np.maximum(answer.values[self._number[entered]], 0.0)
            broken = self._load(flow) > self._bound + BROKEN * np.maximum(1.0, np.abs(self._bound))
            broken &= ~active
            if not np.any(broken):
                return self._answer(flow, answer.values, answer.row_duals)
            is_cut = True
            self._activate(np.flatnonzero(broken))
            self._wake_users(broken)

    def _made_room(self) -> tuple[Floats, Floats]:
        """Flow and load of those who sleep, once nobody does on a capacity that they alone would break."""
        while True:
            resting = self._resting_flow()
            load = self._load(resting)
            crowded = load > self._bound + BROKEN * np.maximum(1.0, self._bound)
            crowded &= self._shared_row >= 0
            crowded[self._num_resources :] = False
            if not np.any(crowded):
                return resting, load
            self._wake_users(crowded)

    def _from_here(self) -> Basis | None:
        """Basis to start from, in which whoever woke stands with the way slept on; None: the last one."""
        if self._goes_on and not self._woken:
            return None
        basis = self._program.basis() if self._goes_on else self._start
        if basis is None or not self._woken:
            return basis
        columns = np.concatenate([columns for columns, _ in self._woken])
        return basis.exchanged(columns, np.concatenate([rows for _, rows in self._woken]))

    def _wake_users(self, resources: NDArray[np.bool_]) -> None:
        users = self._draws.path[resources[self._draws.row]]
        members = self.commodity[users]
        self.wake(np.unique(members[self._sleeping_on[members] == users]))

    def _answer(self, flow: Floats, values: Floats, duals: Floats) -> TrialAnswer:
        count = len(self.instance.commodities)
        rows = np.flatnonzero(self._shared_row >= 0)
        paid = np.zeros(len(self._bound))
        paid[rows] = np.maximum(-duals[self._shared_row[rows]], 0.0) * self._weight[rows]
        prices = RowPrices(
            paid[: self._num_resources],
            paid[self._num_resources :] if self._aim.with_limits else np.zeros(len(self.instance.limits)),
        )
        dual = np.full(count, np.nan)
        awake = np.flatnonzero(self._demand_row >= 0)
        dual[awake] = duals[self._demand_row[awake]]
        asleep = np.flatnonzero(self._sleeping_on >= 0)
        dual[asleep] = self._dear(paid)[self._sleeping_on[asleep]]
        unserved = np.zeros(count)
        left = np.flatnonzero(self._unserved_column >= 0)
        unserved[left] = np.maximum(values[self._unserved_column[left]], 0.0)
        value = float(flow @ self.cost)
        if self._aim.unserved is not None:
            value += float(self._aim.unserved @ unserved)
        price = max(0.0, -float(duals[self._cap_row])) if self._cap_row >= 0 else 0.0
        return TrialAnswer(flow, unserved, value, dual, prices, price)

    def _dear(self, paid: Floats) -> Floats:
        """Cost of each column with what it pays for capacities and limits."""
        d = self._draws
        return self.cost + np.bincount(d.path, d.amount * paid[d.row], len(self.path))

    def reduced(self, prices: RowPrices) -> Floats:
        """Cost of each column with what it pays at other prices of the shared rows."""
        limits = prices.limit if self._aim.with_limits else prices.limit[:0]
        return self._dear(np.concatenate([prices.resource, limits]))

    def settle(self) -> None:
        """Take the last solution as that of the base: trials start from it and return to it."""
        self._start = self._program.basis()
        self._base = _Mark(
            len(self.path),
            len(self._draws.path),
            self._program.num_columns,
            self._program.num_rows,
            self._shared_row.copy(),
            self._demand_row.copy(),
            self._unserved_column.copy(),
            self._sleeping_on.copy(),
            self._number.copy(),
        )

    def give_back(self) -> None:
        """Take out everything that was added since the base was settled."""
        base = self._base
        if base is None:
            raise ValueError("settle comes first")
        for k, path in zip(self.commodity[base.paths :].tolist(), self.path[base.paths :], strict=True):
            del self._known[k, path.tobytes()]
        del self.path[base.paths :]
        self.commodity, self.cost = self.commodity[: base.paths], self.cost[: base.paths]
        d = self._draws
        self._draws = Draws(d.path[: base.draws], d.row[: base.draws], d.amount[: base.draws])
        self._program.delete(
            np.arange(base.columns, self._program.num_columns), np.arange(base.rows, self._program.num_rows)
        )
        self._shared_row, self._demand_row = base.shared_row.copy(), base.demand_row.copy()
        self._unserved_column, self._sleeping_on = base.unserved_column.copy(), base.sleeping_on.copy()
        self._number = base.number.copy()
        self._goes_on, self._woken = False, []
        self._base = replace(base, columns=self._program.num_columns, rows=self._program.num_rows)


@dataclass(frozen=True)
class _Mark:
    """How far everything went when the base was settled."""

    paths: int
    draws: int
    columns: int
    rows: int
    shared_row: Longs
    demand_row: Longs
    unserved_column: Longs
    sleeping_on: Longs
    number: Longs
