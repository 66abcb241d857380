"""Cheapest path of every commodity at given prices of the shared capacities.

Commodities of one origin, product and time value share a tree. Prices only ever add to costs, so a
commodity whose threshold is not above its cost without prices cannot improve and is not searched again.
Stocked cargo is priced warehouse by warehouse, see :mod:`logistics.models.flow.stocked`.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial

import numpy as np
from numpy.typing import NDArray

from logistics.models.flow.costs import CapacityPrices, LayerCosts, layer_costs
from logistics.models.flow.series import ReducedGraph, series_reduced
from logistics.models.flow.stocked import StockedPricer
from logistics.paths import CompressedGraph, tree_paths
from logistics.virtual_network.instance import Instance

Floats = NDArray[np.float64]
Ints = NDArray[np.int32]
THREADS = min(4, os.cpu_count() or 1)
"""Trees release the interpreter's lock, so they grow side by side."""


@dataclass(frozen=True)
class Priced:
    """Result of a pricing round.

    Parameters
    ----------
    cost
        Lower bound on the cost of any path of each commodity with capacity prices; the cheapest cost where
        it is below the threshold. inf: no path. Shape (commodities,).
    found
        (commodity, arcs) of each commodity whose cheapest cost is below its threshold.
    """

    cost: Floats
    found: list[tuple[int, Ints]]


@dataclass(frozen=True)
class _Class:
    """Commodities that share arc costs: one layer, product and time value."""

    layer: int
    product: int
    time_value: float
    members: Ints


class PathPricer:
    """Finds cheapest paths of an instance; holds its graphs and costs.

    Parameters
    ----------
    instance
        The instance.
    """

    def __init__(self, instance: Instance) -> None:
        self.instance = instance
        self.costs: list[LayerCosts] = [layer_costs(instance, layer) for layer in instance.layers]
        self._plain = [_PlainLayer(instance, number) for number in range(len(instance.layers))]
        self._classes = list(_classes(instance))
        self._stocked = {
            number: StockedPricer(instance, number, self.costs[number])
            for number, layer in enumerate(instance.layers)
            if layer.stocked
        }
        everything = np.full(len(instance.commodities), np.inf)
        self.free_cost = np.full(len(instance.commodities), -np.inf)
        free = self.price(np.zeros(len(instance.resources)), everything)
        self.free_cost = np.where(np.isneginf(free.cost), np.inf, free.cost)
        self.free_paths = free.found

    def price(self, prices: Floats, threshold: Floats, scale: float = 1.0) -> Priced:
        """Price every commodity.

        Parameters
        ----------
        prices
            Price of each resource, ≥ 0.
        threshold
            Paths are returned of commodities whose cheapest cost is below this.
        scale
            Weight of the paths' own costs: 1, or 0 when only unserved tonnes are minimised.
        """
        paid = CapacityPrices(self.instance, prices)
        cost = self.free_cost.copy() if scale == 1.0 else np.where(np.isfinite(self.free_cost), 0.0, np.inf)
        contested = cost < threshold

        def plain(group: _Class) -> list[tuple[int, Ints]]:
            found: list[tuple[int, Ints]] = []
            members = group.members[contested[group.members]]
            if len(members):
                weights = scale * self.costs[group.layer].of_class(group.product, group.time_value)
                weights += paid.of(group.layer, group.product)
                self._plain[group.layer].search(weights, members, threshold, cost, found)
            return found

        # Tasks write to different commodities, and their paths are put together in task order.
        tasks: list[Callable[[], list[tuple[int, Ints]]]] = [partial(plain, group) for group in self._classes]
        for pricer in self._stocked.values():
            tasks += pricer.tasks(paid, contested, threshold, scale, cost)
        with ThreadPoolExecutor(THREADS) as pool:
            parts = list(pool.map(lambda task: task(), tasks))
        return Priced(cost, [item for part in parts for item in part])


class _PlainLayer:
    """Shortest paths in a layer without stock."""

    def __init__(self, instance: Instance, number: int) -> None:
        layer, c = instance.layers[number], instance.commodities
        mine = np.flatnonzero((c.layer == number) & (c.origin >= 0) & (c.destination >= 0))
        self._origin, self._destination = c.origin, c.destination
        keep = np.unique(np.concatenate([c.origin[mine], c.destination[mine]]))
        arcs = np.arange(layer.num_arcs, dtype=np.int32)
        self._reduced: ReducedGraph = series_reduced(layer.num_vertices, layer.tail, layer.head, arcs, keep)
        self._graph = CompressedGraph.from_arcs(layer.num_vertices, self._reduced.tail, self._reduced.head)

    def search(
        self, weights: Floats, members: Ints, threshold: Floats, cost: Floats, found: list[tuple[int, Ints]]
    ) -> None:
        """Fill `cost` of `members` and append their paths below the threshold."""
        roots, row = np.unique(self._origin[members], return_inverse=True)
        distance, entering = self._graph.trees(self._reduced.weights(weights), roots.astype(np.int32))
        ends = self._destination[members]
        cost[members] = distance[row, ends]
        chosen = np.flatnonzero(cost[members] < threshold[members])
        if len(chosen) == 0:
            return
        lengths, arcs = tree_paths(entering, self._reduced.tail, ends[chosen], row[chosen].astype(np.int32))
        for i, member in enumerate(members[chosen]):
            found.append((int(member), self._reduced.unfolded(arcs[i, : lengths[i]][::-1])))


def _classes(instance: Instance) -> Iterator[_Class]:
    """Group the commodities of layers without stock that have both ends in their layer."""
    c = instance.commodities
    stocked = np.array([layer.stocked for layer in instance.layers], dtype=bool)
    if len(c) == 0:
        return
    usable = np.flatnonzero((c.origin >= 0) & (c.destination >= 0) & ~stocked[c.layer])
    groups: dict[tuple[int, int, float], list[int]] = {}
    for k in usable:
        key = (int(c.layer[k]), int(c.product[k]), float(c.time_value_cny_per_t_h[k]))
        groups.setdefault(key, []).append(int(k))
    for (layer, product, time_value), members in groups.items():
        yield _Class(layer, product, time_value, np.array(members, dtype=np.int32))
