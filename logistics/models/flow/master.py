"""The restricted master: the path program over the columns found so far, kept warm in GLOP.

Capacity rows enter when a solution first breaks them.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from logistics.errors import SolverFailure
from logistics.models.flow.columns import Draws, UseIndex, path_traits
from logistics.models.flow.costs import LayerCosts
from logistics.solver import IncrementalProgram, LinearAnswer
from logistics.virtual_network.instance import Instance

Floats = NDArray[np.float64]
Ints = NDArray[np.int32]
FEASIBLE = 1e-9


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
        Dual of each commodity's row.
    resource_price
        Price of each resource, ≥ 0.
    unserved_price
        Price of the row on total unserved, ≥ 0; 0 while there is none.
    feasible
        Whether no capacity is broken, also none whose row was not active yet.
    """

    flow_t: Floats
    unserved_t: Floats
    path_cost: float
    demand_dual: Floats
    resource_price: Floats
    unserved_price: float
    feasible: bool


class Master:
    """Path program of an instance.

    A commodity sleeps while it has one column which draws on no active capacity row: its column carries its
    whole demand and it needs no row. Usually most commodities sleep.

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
        self._capacity = instance.capacity
        self._program = IncrementalProgram()
        self.constant = instance.weights.money * instance.commodities.constant_cny_per_t
        count = len(instance.commodities)
        self._guide = np.zeros(count)
        self._scale = 1.0
        self._commodity_row = np.full(count, -1)
        self._unserved_column = np.full(count, -1)
        self._num_columns_of = np.zeros(count, np.int64)
        self._first_column = np.full(count, -1)
        self._resource_row = np.full(len(self._capacity), -1)
        self._unserved_row = -1
        self.column_commodity = np.zeros(0, np.int64)
        self.column_path: list[Ints] = []
        self._column_cost = np.zeros(0)
        self._program_column = np.zeros(0, np.int64)
        self._draws = Draws(np.zeros(0, np.int64), np.zeros(0, np.int64), np.zeros(0))
        self._known: set[tuple[int, bytes]] = set()

    @property
    def num_columns(self) -> int:
        """Number of path columns."""
        return len(self.column_path)

    def add_paths(self, found: list[tuple[int, Ints]]) -> int:
        """Add paths as columns; returns how many were new."""
        c = self.instance.commodities
        by_layer: dict[int, list[tuple[int, Ints]]] = {}
        before = self.num_columns
        for commodity, path in found:
            key = (commodity, path.tobytes())
            if key not in self._known:
                self._known.add(key)
                by_layer.setdefault(int(c.layer[commodity]), []).append((commodity, path))
        for layer, items in by_layer.items():
            self._store(layer, np.array([k for k, _ in items]), [path for _, path in items])
        fresh = np.arange(before, self.num_columns)
        members = self.column_commodity[fresh]
        awake = self._commodity_row[members] >= 0
        self._enter(fresh[awake])
        touching = np.zeros(self.num_columns, bool)
        touching[self._draws.path[self._resource_row[self._draws.row] >= 0]] = True
        self._wake(np.unique(members[(self._num_columns_of[members] > 1) | touching[fresh]]))
        return len(fresh)

    def _store(self, number: int, members: NDArray[np.int64], paths: list[Ints]) -> None:
        """Work out what new columns cost and draw."""
        c = self.instance.commodities
        products, time_values = c.product[members], c.time_value_cny_per_t_h[members]
        layer, costs = self.instance.layers[number], self._costs[number]
        traits = path_traits(self.instance, layer, costs, products, time_values, paths)
        draws = self._uses.draws(number, products, paths)
        first = self.num_columns
        self.column_commodity = np.concatenate([self.column_commodity, members])
        self.column_path += paths
        self._column_cost = np.concatenate([self._column_cost, traits.cost + self.constant[members]])
        self._program_column = np.concatenate([self._program_column, np.full(len(paths), -1)])
        old = self._draws
        self._draws = Draws(
            np.concatenate([old.path, draws.path + first]),
            np.concatenate([old.row, draws.row]),
            np.concatenate([old.amount, draws.amount]),
        )
        np.add.at(self._num_columns_of, members, 1)
        self._first_column[members[::-1]] = np.where(
            self._first_column[members[::-1]] < 0,
            first + np.arange(len(paths))[::-1],
            self._first_column[members[::-1]],
        )

    def _enter(self, columns: NDArray[np.int64]) -> None:
        """Put stored columns of awake commodities into the program."""
        if len(columns) == 0:
            return
        numbers = self._program.add_columns(self._scale * self._column_cost[columns])
        self._program_column[columns] = numbers
        rows = self._commodity_row[self.column_commodity[columns]]
        self._program.set_entries(rows, numbers, np.ones(len(columns)))
        entering = np.zeros(self.num_columns, bool)
        entering[columns] = True
        d = self._draws
        mine = entering[d.path] & (self._resource_row[d.row] >= 0)
        self._program.set_entries(
            self._resource_row[d.row[mine]], self._program_column[d.path[mine]], d.amount[mine]
        )

    def _wake(self, commodities: NDArray[np.int64]) -> None:
        """Give commodities their demand row, their unserved column and their columns."""
        sleeping = commodities[self._commodity_row[commodities] < 0]
        if len(sleeping) == 0:
            return
        demand = self.instance.commodities.demand_t[sleeping]
        self._commodity_row[sleeping] = self._program.add_rows(demand, demand)
        unserved = self._program.add_columns(self._guide[sleeping])
        self._unserved_column[sleeping] = unserved
        self._program.set_entries(self._commodity_row[sleeping], unserved, np.ones(len(sleeping)))
        if self._unserved_row >= 0:
            self._program.set_entries(
                np.full(len(sleeping), self._unserved_row), unserved, np.ones(len(sleeping))
            )
        waking = np.zeros(len(self._commodity_row), bool)
        waking[sleeping] = True
        self._enter(np.flatnonzero(waking[self.column_commodity] & (self._program_column < 0)))

    def wake_all(self) -> None:
        """Give every commodity its row: needed where leaving some unserved may pay."""
        self._wake(np.arange(len(self._commodity_row)))

    def set_objective(self, guide: Floats, path_scale: float) -> None:
        """Price each commodity's unserved tonnes and weight the paths' own costs."""
        self._guide = guide
        awake = np.flatnonzero(self._unserved_column >= 0)
        self._program.set_costs(self._unserved_column[awake], guide[awake])
        if path_scale != self._scale:
            self._scale = path_scale
            entered = self._program_column >= 0
            self._program.set_costs(self._program_column[entered], path_scale * self._column_cost[entered])

    def cap_unserved(self, allowed_t: float) -> None:
        """Add row (3): total unserved at most `allowed_t`."""
        self.wake_all()
        self._unserved_row = int(self._program.add_rows(np.array([-np.inf]), np.array([allowed_t]))[0])
        columns = self._unserved_column[self._unserved_column >= 0]
        self._program.set_entries(np.full(len(columns), self._unserved_row), columns, np.ones(len(columns)))

    def solve(self, *, once: bool = False) -> MasterAnswer:
        """Solve to optimality over the columns, adding capacity rows until none is broken.

        Parameters
        ----------
        once
            Solve once; rows that are broken then count only from the next call on.
        """
        demand = self.instance.commodities.demand_t
        self._wake(np.flatnonzero(self._num_columns_of == 0))
        d = self._draws
        while True:
            answer = self._program.solve()
            if answer.outcome != "optimal":
                raise SolverFailure(f"the master program ended {answer.outcome}")
            entered = self._program_column >= 0
            asleep = np.flatnonzero(self._commodity_row < 0)
            flow = np.zeros(self.num_columns)
            flow[entered] = np.maximum(answer.values[self._program_column[entered]], 0.0)
            flow[self._first_column[asleep]] = demand[asleep]
            load = np.bincount(d.row, d.amount * flow[d.path], len(self._capacity))
            over = load > self._capacity + FEASIBLE * np.maximum(1.0, self._capacity)
            broken = np.flatnonzero(over & (self._resource_row < 0))
            if len(broken) == 0:
                break
            decoded = self._decoded(answer, flow, asleep, feasible=False) if once else None
            self._activate(broken)
            if decoded is not None:
                return decoded
        return self._decoded(answer, flow, asleep, feasible=True)

    def _activate(self, resources: NDArray[np.intp]) -> None:
        """Add the capacity rows of `resources` and wake who draws on them."""
        d = self._draws
        upper = self._capacity[resources]
        self._resource_row[resources] = self._program.add_rows(np.full(len(resources), -np.inf), upper)
        mine = np.isin(d.row, resources)
        entered = mine & (self._program_column[d.path] >= 0)
        self._program.set_entries(
            self._resource_row[d.row[entered]], self._program_column[d.path[entered]], d.amount[entered]
        )
        self._wake(np.unique(self.column_commodity[d.path[mine]]))

    def _decoded(
        self, answer: LinearAnswer, flow: Floats, asleep: NDArray[np.intp], *, feasible: bool
    ) -> MasterAnswer:
        count = len(self.instance.commodities)
        awake = np.flatnonzero(self._commodity_row >= 0)
        unserved, dual = np.zeros(count), np.zeros(count)
        unserved[awake] = np.maximum(answer.values[self._unserved_column[awake]], 0.0)
        dual[awake] = answer.row_duals[self._commodity_row[awake]]
        dual[asleep] = self._scale * self._column_cost[self._first_column[asleep]]
        duals = np.maximum(-answer.row_duals, 0.0)
        prices = np.zeros(len(self._capacity))
        active = self._resource_row >= 0
        prices[active] = duals[self._resource_row[active]]
        return MasterAnswer(
            flow_t=flow,
            unserved_t=unserved,
            path_cost=float(flow @ self._column_cost),
            demand_dual=dual,
            resource_price=prices,
            unserved_price=float(duals[self._unserved_row]) if self._unserved_row >= 0 else 0.0,
            feasible=feasible,
        )
