"""Cheapest paths of stocked cargo: additive costs plus κ·sqrt(w) for safety stock.

κ and the storage fee differ by warehouse, so paths are searched backwards from each warehouse
(:mod:`logistics.models.flow.hull`); the last stage, warehouse to market, is a table of ways.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from logistics.models.flow.costs import CapacityPrices, LayerCosts
from logistics.models.flow.hull import HullSearch, Upstream
from logistics.models.flow.series import series_reduced
from logistics.paths import CompressedGraph, walked
from logistics.virtual_network.instance import Instance

Floats = NDArray[np.float64]
Ints = NDArray[np.int32]


@dataclass(frozen=True)
class _Group:
    """Commodities of one product, and their last stages.

    Parameters
    ----------
    members
        Commodity numbers.
    origins
        Origin vertices.
    way_member, way_origin, way_store, way_arc
        Last stages: position in `members`, position in `origins`, store number, delivery arc.
    way_cost
        Cost of store and delivery without prices.
    """

    product: int
    members: Ints
    origins: Ints
    way_member: Ints
    way_origin: Ints
    way_store: Ints
    way_arc: Ints
    way_cost: Floats


class StockedPricer:
    """Prices the commodities of one stocked layer.

    Parameters
    ----------
    instance, number
        The instance and the layer's number in it.
    costs
        Costs of the layer.
    """

    def __init__(self, instance: Instance, number: int, costs: LayerCosts) -> None:
        self._instance, self._costs, self._number = instance, costs, number
        layer = instance.layers[number]
        self._layer = layer
        deliver = np.array([step.action == "deliver" for step in layer.steps], dtype=bool)
        upstream = ~deliver
        upstream[layer.store_arc] = False
        c = instance.commodities
        mine = np.flatnonzero((c.layer == number) & (c.origin >= 0) & (c.destination >= 0))
        keep = np.unique(np.concatenate([c.origin[mine], layer.tail[layer.store_arc]]))
        arcs = np.flatnonzero(upstream).astype(np.int32)
        self._reduced = series_reduced(layer.num_vertices, layer.tail, layer.head, arcs, keep)
        self._back = CompressedGraph.from_arcs(layer.num_vertices, self._reduced.head, self._reduced.tail)
        self._groups = list(self._grouped(mine, np.flatnonzero(deliver)))
        self._free: list[Floats] = []
        self._least_w: dict[tuple[int, int], Floats] = {}

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
        for product in np.unique(c.product[mine]):
            members = mine[c.product[mine] == product].astype(np.int32)
            origins, row = np.unique(c.origin[members], return_inverse=True)
            ways = [
                (i, row[i], s, a)
                for i, k in enumerate(members)
                for s, a in last.get(int(c.destination[k]), ())
            ]
            member, origin, store, arc = np.array(ways, dtype=np.int32).reshape(-1, 4).T
            both = self._costs.fixed[product][layer.store_arc[store]] + self._costs.fixed[product][arc]
            hours = self._costs.customer_h[layer.store_arc[store]] + self._costs.customer_h[arc]
            cost = both + self._costs.time_weight * c.time_value_cny_per_t_h[members[member]] * hours
            groups.append(
                _Group(int(product), members, origins.astype(np.int32), member, origin, store, arc, cost)
            )
        return groups

    def price(
        self,
        paid: CapacityPrices,
        contested: NDArray[np.bool_],
        threshold: Floats,
        scale: float,
        cost: Floats,
        found: list[tuple[int, Ints]],
    ) -> None:
        """Fill `cost` of this layer's contested commodities and append paths below their threshold.

        The first call must be without prices and at scale 1: its results tell later calls which warehouses
        cannot be worth a search.
        """
        first = not self._free
        for number, group in enumerate(self._groups):
            limit = np.where(contested[group.members], threshold[group.members], -np.inf)[group.way_member]
            wanted = limit > -np.inf if first or scale != 1.0 else self._free[number] < limit
            value = np.full(len(wanted), np.inf)
            ways: dict[int, Upstream] = {}
            if np.any(wanted):
                dues = paid.of(self._number, group.product)
                for store in np.unique(group.way_store[wanted]):
                    ways[int(store)] = self.upstream(int(store), group.product, group.origins, dues, scale)
                rows = np.flatnonzero(wanted)
                table = np.full((len(self._layer.store_arc), len(group.origins)), np.inf)
                for store, way in ways.items():
                    table[store] = way.value
                store_arc = self._layer.store_arc[group.way_store[rows]]
                value[rows] = table[group.way_store[rows], group.way_origin[rows]]
                value[rows] += scale * group.way_cost[rows] + dues[store_arc] + dues[group.way_arc[rows]]
            if first:
                self._free.append(value)
            self._collect(group, value, ways, contested, threshold, cost, found)

    def _collect(
        self,
        group: _Group,
        value: Floats,
        ways: dict[int, Upstream],
        contested: NDArray[np.bool_],
        threshold: Floats,
        cost: Floats,
        found: list[tuple[int, Ints]],
    ) -> None:
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
        for i in np.flatnonzero(improves):
            found.append((int(group.members[i]), self._path(group, ways, int(best_way[i]))))

    def _path(self, group: _Group, ways: dict[int, Upstream], way: int) -> Ints:
        store, origin = int(group.way_store[way]), int(group.way_origin[way])
        up = ways[store]
        start = group.origins[origin : origin + 1]
        lengths, arcs = walked(up.trees, self._reduced.head, start, up.chosen[origin : origin + 1], 64)
        before = self._reduced.unfolded(arcs[0, : lengths[0]])
        return np.concatenate([before, [self._layer.store_arc[store], group.way_arc[way]]]).astype(np.int32)

    def upstream(self, store: int, product: int, origins: Ints, dues: Floats, scale: float) -> Upstream:
        """Best ways from `origins` to the warehouse behind `store` for `product`.

        Parameters
        ----------
        dues
            Capacity prices of each arc of the layer.
        """
        costs = self._costs
        fixed = costs.fixed[product] + costs.storage[store, product] * costs.stock_h[product]
        linear = self._reduced.weights(scale * fixed + dues)
        spread = self._reduced.weights(costs.spread_h2[product])
        store_arc = int(self._layer.store_arc[store])
        own_w = float(costs.spread_h2[product, store_arc])
        kappa = scale * float(costs.kappa[store, product])
        root = self._layer.tail[store_arc : store_arc + 1].astype(np.int32)
        search = HullSearch(self._back, self._reduced.head, linear, spread, root, origins, kappa, own_w)
        if kappa > 0:
            key = (store, product)
            if key not in self._least_w:
                self._least_w[key] = self._back.trees(spread, root)[0][0]
            search.refine(self._least_w[key][origins])
        return search.result()
