"""Cheapest paths of stocked cargo: additive costs plus κ·sqrt(w) for safety stock.

κ and the storage fee differ by warehouse, so paths are searched backwards from each warehouse
(:mod:`logistics.models.flow.hull`); the last stage, warehouse to market, is a table of ways.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import numpy as np
from numpy.typing import NDArray

from logistics.models.flow.costs import CapacityPrices, LayerCosts
from logistics.models.flow.hull import HullPaths, RootCosts, hull_paths, least_spread
from logistics.models.flow.series import series_reduced
from logistics.paths import CompressedGraph
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
    back
        Reversed graph of the upstream arcs, without those that leave other products' origins.
    """

    product: int
    members: Ints
    origins: Ints
    way_member: Ints
    way_origin: Ints
    way_store: Ints
    way_arc: Ints
    way_cost: Floats
    back: CompressedGraph


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
        self._starts = np.zeros(layer.num_vertices, dtype=bool)
        self._starts[c.origin[mine]] = True
        self._groups = list(self._grouped(mine, np.flatnonzero(deliver)))
        self._free: dict[int, Floats] = {}
        self._least_w: dict[int, Floats] = {}

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
            member, origin, at, by = np.array(ways, dtype=np.int32).reshape(-1, 4).T
            both = self._costs.fixed[product][layer.store_arc[at]] + self._costs.fixed[product][by]
            hours = self._costs.customer_h[layer.store_arc[at]] + self._costs.customer_h[by]
            cost = both + self._costs.time_weight * c.time_value_cny_per_t_h[members[member]] * hours
            foreign = self._starts.copy()
            foreign[origins] = False
            near = np.flatnonzero(~foreign[self._reduced.tail])
            back = CompressedGraph.from_arcs(layer.num_vertices, self._reduced.head, self._reduced.tail, near)
            starts = origins.astype(np.int32)
            groups.append(_Group(int(product), members, starts, member, origin, at, by, cost, back))
        return groups

    def tasks(
        self,
        paid: CapacityPrices,
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
            for number in range(len(self._groups))
        ]

    def _price(
        self,
        number: int,
        paid: CapacityPrices,
        contested: NDArray[np.bool_],
        threshold: Floats,
        scale: float,
        cost: Floats,
    ) -> list[tuple[int, Ints]]:
        """Price one group, and return the paths below their threshold."""
        group = self._groups[number]
        free = self._free.get(number)
        limit = np.where(contested[group.members], threshold[group.members], -np.inf)[group.way_member]
        wanted = limit > -np.inf if free is None or scale != 1.0 else free < limit
        value = np.full(len(wanted), np.inf)
        ways: HullPaths | None = None
        row_of = np.full(len(self._layer.store_arc), -1)
        if np.any(wanted):
            dues = paid.of(self._number, group.product)
            stores = np.unique(group.way_store[wanted])
            ways = self._upstream(stores, group, dues, scale)
            row_of[stores] = np.arange(len(stores))
            rows = np.flatnonzero(wanted)
            store_arc = self._layer.store_arc[group.way_store[rows]]
            value[rows] = ways.value[row_of[group.way_store[rows]], group.way_origin[rows]]
            value[rows] += scale * group.way_cost[rows] + dues[store_arc] + dues[group.way_arc[rows]]
        if free is None:
            self._free[number] = value
        return self._collect(group, value, ways, row_of, contested, threshold, cost)

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
        for i in np.flatnonzero(improves):
            way = best_way[i]
            row, origin = row_of[group.way_store[way]], group.way_origin[way]
            before = self._reduced.unfolded(ways.arcs[row, origin, : ways.lengths[row, origin]])
            last = [self._layer.store_arc[group.way_store[way]], group.way_arc[way]]
            found.append((int(group.members[i]), np.concatenate([before, last]).astype(np.int32)))
        return found

    def _upstream(self, stores: Ints, group: _Group, dues: Floats, scale: float) -> HullPaths:
        """Best ways from the group's origins to the warehouses behind `stores`, holding stock included.

        Parameters
        ----------
        dues
            Capacity prices of each arc of the layer.
        """
        costs, product = self._costs, group.product
        store_arc = self._layer.store_arc[stores]
        spread = self._reduced.weights(costs.spread_h2[product])
        if product not in self._least_w:
            every = self._layer.tail[self._layer.store_arc].astype(np.int32)
            self._least_w[product] = least_spread(group.back, spread, every, group.origins)
        roots = RootCosts(
            root=self._layer.tail[store_arc].astype(np.int32),
            storage=scale * costs.storage[stores, product],
            kappa=scale * costs.kappa[stores, product],
            own_w=np.ascontiguousarray(costs.spread_h2[product][store_arc]),
        )
        return hull_paths(
            group.back,
            self._reduced.head,
            self._reduced.weights(scale * costs.fixed[product] + dues),
            self._reduced.weights(costs.stock_h[product]),
            spread,
            roots,
            group.origins,
            self._least_w[product][stores],
        )
