"""Cheapest paths of stocked cargo: additive costs plus κ·sqrt(w) for safety stock.

κ and the storage fee differ by warehouse, so paths are searched backwards from each warehouse
(:mod:`logistics.models.flow.hull`); the last stage, warehouse to market, is a table of ways.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial

import numpy as np
from numpy.typing import NDArray

from logistics.models.flow.columns import LATE_H
from logistics.models.flow.costs import Dues, LayerCosts, limit_factors
from logistics.models.flow.hull import HullPaths, RootCosts, hull_paths, least_spread
from logistics.models.flow.series import ReducedGraph, series_reduced
from logistics.paths import CompressedGraph
from logistics.virtual_network.instance import Instance

Floats = NDArray[np.float64]
Ints = NDArray[np.int32]


@dataclass(frozen=True)
class _Group:
    """Commodities of one product and weight in each limit, and their last stages.

    Parameters
    ----------
    factor
        Weight in each limit.
    members
        Commodity numbers.
    origins
        Origin vertices.
    way_member, way_origin, way_store, way_arc
        Last stages: position in `members`, position in `origins`, store number, delivery arc.
    way_cost
        Cost of store and delivery without prices.
    way_is_late
        Whether the way misses the promise of its commodity.
    back
        Reversed graph of the upstream arcs, without those that leave other products' origins.
    """

    product: int
    factor: tuple[float, ...]
    members: Ints
    origins: Ints
    way_member: Ints
    way_origin: Ints
    way_store: Ints
    way_arc: Ints
    way_cost: Floats
    way_is_late: NDArray[np.bool_]
    back: CompressedGraph


class StockedPricer:
    """Prices the commodities of one stocked layer.

    Parameters
    ----------
    instance, number
        The instance and the layer's number in it.
    costs
        Costs of the layer.
    like
        The pricer of the layer under other weights: graphs and groups are taken from it.
    """

    def __init__(
        self, instance: Instance, number: int, costs: LayerCosts, like: StockedPricer | None = None
    ) -> None:
        self._instance, self._costs, self._number = instance, costs, number
        layer = instance.layers[number]
        self._layer = layer
        self._free: dict[int, Floats] = {}
        self.reduced: ReducedGraph
        self.starts: NDArray[np.bool_]
        self.groups: list[_Group]
        self.least_w: dict[tuple[int, tuple[float, ...]], Floats] = {}
        if like is not None:
            self.reduced, self.starts, self.least_w = like.reduced, like.starts, like.least_w
            self.groups = [replace(group, way_cost=self._way_cost(group)) for group in like.groups]
            return
        deliver = np.array([step.action == "deliver" for step in layer.steps], dtype=bool)
        upstream = ~deliver
        upstream[layer.store_arc] = False
        c = instance.commodities
        mine = np.flatnonzero((c.layer == number) & (c.origin >= 0) & (c.destination >= 0))
        keep = np.unique(np.concatenate([c.origin[mine], layer.tail[layer.store_arc]]))
        arcs = np.flatnonzero(upstream).astype(np.int32)
        self.reduced = series_reduced(layer.num_vertices, layer.tail, layer.head, arcs, keep)
        self.starts = np.zeros(layer.num_vertices, dtype=bool)
        self.starts[c.origin[mine]] = True
        groups = self._grouped(mine, np.flatnonzero(deliver))
        self.groups = [replace(group, way_cost=self._way_cost(group)) for group in groups]

    def _grouped(self, mine: NDArray[np.intp], deliveries: NDArray[np.intp]) -> list[_Group]:
        c, layer = self._instance.commodities, self._layer
        stores_at: dict[int, list[int]] = {}
        for store, arc in enumerate(layer.store_arc):
            stores_at.setdefault(int(layer.head[arc]), []).append(store)
        last: dict[int, list[tuple[int, int]]] = {}
        for arc in deliveries:
            for store in stores_at.get(int(layer.tail[arc]), ()):
                last.setdefault(int(layer.head[arc]), []).append((store, int(arc)))
        groups = []
        factors = limit_factors(self._instance)
        alike: dict[tuple[int, tuple[float, ...]], list[int]] = {}
        for k in mine:
            alike.setdefault((int(c.product[k]), tuple(factors[k].tolist())), []).append(int(k))
        for product, factor in sorted(alike):
            members = np.array(alike[(product, factor)], dtype=np.int32)
            origins, row = np.unique(c.origin[members], return_inverse=True)
            ways = [
                (i, row[i], s, a)
                for i, k in enumerate(members)
                for s, a in last.get(int(c.destination[k]), ())
            ]
            member, origin, at, by = np.array(ways, dtype=np.int32).reshape(-1, 4).T
            hours = self._costs.customer_h[layer.store_arc[at]] + self._costs.customer_h[by]
            is_late = hours > c.promise_h[members[member]] + LATE_H
            foreign = self.starts.copy()
            foreign[origins] = False
            near = np.flatnonzero(~foreign[self.reduced.tail])
            back = CompressedGraph.from_arcs(layer.num_vertices, self.reduced.head, self.reduced.tail, near)
            starts = origins.astype(np.int32)
            groups.append(
                _Group(product, factor, members, starts, member, origin, at, by, np.zeros(0), is_late, back)
            )
        return groups

    def _way_cost(self, group: _Group) -> Floats:
        """Cost of store and delivery of each last stage, without prices."""
        costs, store = self._costs, self._layer.store_arc[group.way_store]
        fixed = costs.fixed[group.product]
        hours = costs.customer_h[store] + costs.customer_h[group.way_arc]
        value = self._instance.commodities.time_value_cny_per_t_h[group.members[group.way_member]]
        return np.asarray(fixed[store] + fixed[group.way_arc] + costs.time_weight * value * hours)

    def tasks(
        self,
        paid: Dues,
        contested: NDArray[np.bool_],
        threshold: Floats,
        scale: float,
        cost: Floats,
    ) -> list[Callable[[], list[tuple[int, Ints]]]]:
        """Return one task per product; each fills `cost` of its contested commodities and returns paths.

        The first tasks must be without prices and at scale 1: their results tell later ones which warehouses
        cannot be worth a search.
        """
        return [
            partial(self._price, number, paid, contested, threshold, scale, cost)
            for number in range(len(self.groups))
        ]

    def _price(
        self,
        number: int,
        paid: Dues,
        contested: NDArray[np.bool_],
        threshold: Floats,
        scale: float,
        cost: Floats,
    ) -> list[tuple[int, Ints]]:
        """Price one group, and return the paths below their threshold."""
        group = self.groups[number]
        free = self._free.get(number)
        limit = np.where(contested[group.members], threshold[group.members], -np.inf)[group.way_member]
        wanted = limit > -np.inf if free is None or scale != 1.0 else free < limit
        value, ways, row_of = self._way_values(group, wanted, paid, scale)
        if free is None:
            self._free[number] = value
        return self._collect(group, value, ways, row_of, contested, threshold, cost)

    def _way_values(
        self, group: _Group, wanted: NDArray[np.bool_], paid: Dues, scale: float
    ) -> tuple[Floats, HullPaths | None, NDArray[np.int64]]:
        """Cost of the wanted ways, inf: of the others; the ways to their warehouses, and those's rows."""
        value = np.full(len(wanted), np.inf)
        ways: HullPaths | None = None
        row_of = np.full(len(self._layer.store_arc), -1)
        if np.any(wanted):
            dues = paid.of(self._number, group.product, group.factor)
            stores = np.unique(group.way_store[wanted])
            ways = self._upstream(stores, group, dues, scale, paid.on_money(group.factor))
            row_of[stores] = np.arange(len(stores))
            rows = np.flatnonzero(wanted)
            store_arc = self._layer.store_arc[group.way_store[rows]]
            value[rows] = ways.value[row_of[group.way_store[rows]], group.way_origin[rows]]
            value[rows] += scale * group.way_cost[rows] + dues[store_arc] + dues[group.way_arc[rows]]
            late = rows[group.way_is_late[rows]]
            value[late] += paid.late[group.members[group.way_member[late]]]
        return value, ways, row_of

    def by_store(self, paid: Dues) -> Floats:
        """Cheapest cost of each commodity through each warehouse, inf: none; shape (store arcs, commodities).

        What limits add to every path of a commodity alike is left out, as in prices of paths.
        """
        found = np.full((len(self._layer.store_arc), len(self._instance.commodities)), np.inf)
        for group in self.groups:
            every = np.ones(len(group.way_member), bool)
            value, _, _ = self._way_values(group, every, paid, 1.0)
            np.minimum.at(found, (group.way_store, group.members[group.way_member]), value)
        return found

    def through(self, store: int, paid: Dues) -> list[tuple[int, Ints]]:
        """Cheapest path of each commodity that can be served through one warehouse."""
        found: list[tuple[int, Ints]] = []
        count = len(self._instance.commodities)
        for group in self.groups:
            value, ways, row_of = self._way_values(group, group.way_store == store, paid, 1.0)
            every = np.full(count, np.inf)
            found += self._collect(group, value, ways, row_of, np.ones(count, bool), every, every.copy())
        return found

    def _collect(
        self,
        group: _Group,
        value: Floats,
        ways: HullPaths | None,
        row_of: NDArray[np.int64],
        contested: NDArray[np.bool_],
        threshold: Floats,
        cost: Floats,
    ) -> list[tuple[int, Ints]]:
        """Best way of each contested commodity; those without a way below the threshold keep that bound."""
        order = np.lexsort((np.arange(len(value)), value, group.way_member))
        first = np.ones(len(order), dtype=bool)
        first[1:] = group.way_member[order][1:] != group.way_member[order][:-1]
        best = np.full(len(group.members), np.inf)
        best_way = np.full(len(group.members), -1)
        best[group.way_member[order][first]] = value[order][first]
        best_way[group.way_member[order][first]] = order[first]
        active = contested[group.members]
        limit = threshold[group.members]
        improves = active & (best < limit)
        # A warehouse that was not searched cannot go below the threshold.
        cost[group.members[active]] = np.where(np.isinf(limit), best, np.minimum(best, limit))[active]
        found: list[tuple[int, Ints]] = []
        if ways is None:
            return found
        chosen = np.flatnonzero(improves)
        way = best_way[chosen]
        row, origin = row_of[group.way_store[way]], group.way_origin[way]
        upstream = [
            ways.arcs[r, o, :n] for r, o, n in zip(row, origin, ways.lengths[row, origin], strict=True)
        ]
        last = np.column_stack([self._layer.store_arc[group.way_store[way]], group.way_arc[way]])
        before = self.reduced.unfolded(upstream)
        for member, path, end in zip(group.members[chosen].tolist(), before, last, strict=True):
            found.append((member, np.concatenate([path, end]).astype(np.int32)))
        return found

    def _upstream(
        self, stores: Ints, group: _Group, dues: Floats, scale: float, on_money: float
    ) -> HullPaths:
        """Best ways from the group's origins to the warehouses behind `stores`, holding stock included.

        Parameters
        ----------
        dues
            What a tonne pays for capacities and limits on each arc of the layer.
        on_money
            What limits add to a CNY.
        """
        costs, product = self._costs, group.product
        store_arc = self._layer.store_arc[stores]
        spread = self.reduced.weights(costs.spread_h2[product])
        key = (product, group.factor)
        if key not in self.least_w:
            every = self._layer.tail[self._layer.store_arc].astype(np.int32)
            self.least_w[key] = least_spread(group.back, spread, every, group.origins)
        fee = on_money * self._layer.storage_cny_per_t_h[stores, product]
        roots = RootCosts(
            root=self._layer.tail[store_arc].astype(np.int32),
            storage=scale * costs.storage[stores, product] + fee,
            kappa=scale * costs.kappa[stores, product] + fee * costs.service[stores, product],
            own_w=np.ascontiguousarray(costs.spread_h2[product][store_arc]),
        )
        return hull_paths(
            group.back,
            self.reduced.head,
            self.reduced.weights(scale * costs.fixed[product] + dues),
            self.reduced.weights(costs.stock_h[product]),
            spread,
            roots,
            group.origins,
            self.least_w[key][stores],
        )
