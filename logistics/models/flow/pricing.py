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
from operator import is_
from threading import Lock

import numpy as np
from numpy.typing import NDArray

from logistics.models.flow.columns import LATE_H
from logistics.models.flow.costs import Dues, LayerCosts, RowPrices, layer_costs, limit_factors
from logistics.models.flow.series import ReducedGraph, series_reduced
from logistics.models.flow.stocked import StockedPricer
from logistics.paths import CompressedGraph, cheapest_in_time, tree_paths
from logistics.virtual_network.instance import Instance

Floats = NDArray[np.float64]
Ints = NDArray[np.int32]
HEADROOM = 1e-8
"""Share of its threshold above which a commodity's cost need not be told exactly."""
ROUNDING = 1e-12
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
    """Commodities that share arc costs: one layer, product, time value and weight in each limit."""

    layer: int
    product: int
    time_value: float
    factor: tuple[float, ...]
    members: Ints


class PathPricer:
    """Finds cheapest paths of an instance; holds its graphs and costs.

    Parameters
    ----------
    instance
        The instance.
    like
        The pricer of an instance with the same graphs and commodities, under other weights, capacities or
        bounds: what does not depend on these is taken from it.
    """

    def __init__(self, instance: Instance, like: PathPricer | None = None) -> None:
        self.instance = instance
        self.costs: list[LayerCosts] = [layer_costs(instance, layer) for layer in instance.layers]
        same = like if like is not None and _alike(instance, like.instance) else None
        layers = range(len(instance.layers))
        self.plain: list[PlainLayer] = same.plain if same else [PlainLayer(instance, i) for i in layers]
        self.classes: list[_Class] = same.classes if same else list(_classes(instance))
        self.stocked: dict[int, StockedPricer] = {
            number: StockedPricer(
                instance, number, self.costs[number], same.stocked[number] if same else None
            )
            for number, layer in enumerate(instance.layers)
            if layer.stocked
        }
        self._ahead_lock, self._ahead_of = Lock(), dict[tuple[int, int], _Ahead]()
        everything = np.full(len(instance.commodities), np.inf)
        self.free_cost = np.full(len(instance.commodities), -np.inf)
        free = self.price(RowPrices.none(instance), everything)
        self.free_cost = np.where(np.isneginf(free.cost), np.inf, free.cost)
        self.free_paths = free.found

    def _ahead(self, group: _Class) -> _Ahead:
        """Free costs ahead for a class; found once for all classes of its layer and product."""
        key = group.layer, group.product
        with self._ahead_lock:
            if key not in self._ahead_of:
                alike = [other for other in self.classes if (other.layer, other.product) == key]
                least = min(other.time_value for other in alike)
                layer = self.plain[group.layer]
                ends = np.unique(
                    self.instance.commodities.destination[np.concatenate([o.members for o in alike])]
                )
                weights = layer.reduced.weights(self.costs[group.layer].of_class(group.product, least))
                cost, _ = layer.back.trees(weights, ends.astype(np.int32))
                row = np.full(layer.graph.num_vertices, -1, np.int32)
                row[ends] = np.arange(len(ends))
                self._ahead_of[key] = _Ahead(row, cost * (1 - ROUNDING))
            return self._ahead_of[key]

    def price(
        self, prices: RowPrices, threshold: Floats, scale: float = 1.0, dues: Dues | None = None
    ) -> Priced:
        """Price every commodity.

        Parameters
        ----------
        prices
            Prices of the shared rows; what limits add to every path of a commodity alike (their `offset`) is
            left out of costs and threshold.
        threshold
            Paths are returned of commodities whose cheapest cost is below this.
        scale
            Weight of the paths' own costs: 1, or 0 when only unserved tonnes are minimised.
        dues
            What cargo pays at these prices, where it is known already.
        """
        dues = dues or Dues(self.instance, prices)
        cost = self.free_cost.copy() if scale == 1.0 else np.where(np.isfinite(self.free_cost), 0.0, np.inf)
        contested = cost < threshold

        def plain(group: _Class) -> list[tuple[int, Ints]]:
            found: list[tuple[int, Ints]] = []
            members = group.members[contested[group.members]]
            if len(members):
                weights = scale * self.costs[group.layer].of_class(group.product, group.time_value)
                weights += dues.of(group.layer, group.product, group.factor)
                layer = self.plain[group.layer]
                ahead = (
                    self._ahead(group) if scale == 1.0 and np.all(np.isfinite(threshold[members])) else None
                )
                layer.search(weights, members, threshold, dues.late, cost, found, ahead)
            return found

        # Tasks write to different commodities, and their paths are put together in task order.
        tasks: list[Callable[[], list[tuple[int, Ints]]]] = [partial(plain, group) for group in self.classes]
        for pricer in self.stocked.values():
            tasks += pricer.tasks(dues, contested, threshold, scale, cost)
        if len(tasks) == 1:  # threads would take longer to start than it takes
            return Priced(cost, tasks[0]())
        with ThreadPoolExecutor(THREADS) as pool:
            parts = list(pool.map(lambda task: task(), tasks))
        return Priced(cost, [item for part in parts for item in part])


@dataclass(frozen=True)
class _Ahead:
    """Free costs to the destinations of a product's commodities, for those who value time least.

    Parameters
    ----------
    row
        Row of each destination vertex; -1: none, shape (vertices,).
    cost
        From each vertex, shape (rows, vertices).
    """

    row: Ints
    cost: Floats


class PlainLayer:
    """Shortest paths in a layer without stock."""

    def __init__(self, instance: Instance, number: int) -> None:
        layer, c = instance.layers[number], instance.commodities
        mine = np.flatnonzero((c.layer == number) & (c.origin >= 0) & (c.destination >= 0))
        self._origin, self._destination = c.origin, c.destination
        keep = np.unique(np.concatenate([c.origin[mine], c.destination[mine]]))
        arcs = np.arange(layer.num_arcs, dtype=np.int32)
        self.reduced: ReducedGraph = series_reduced(layer.num_vertices, layer.tail, layer.head, arcs, keep)
        self.graph = CompressedGraph.from_arcs(layer.num_vertices, self.reduced.tail, self.reduced.head)
        self.back = CompressedGraph.from_arcs(layer.num_vertices, self.reduced.head, self.reduced.tail)
        self._hours = self.reduced.weights(layer.customer_h)
        self._promise_h = c.promise_h

    def search(
        self,
        weights: Floats,
        members: Ints,
        threshold: Floats,
        late: Floats,
        cost: Floats,
        found: list[tuple[int, Ints]],
        ahead: _Ahead | None = None,
    ) -> None:
        """Fill `cost` of `members` and append their paths below the threshold.

        Parameters
        ----------
        ahead
            Lower bounds of the cost to go.
        late
            What a tonne of each commodity pays for being late, inf: it may not be, shape (commodities,).
        """
        roots, row = np.unique(self._origin[members], return_inverse=True)
        reduced = self.reduced.weights(weights)
        ends = self._destination[members]
        # Rounding aside, a cost at the threshold is told exactly, so that the bound loses nothing.
        most = threshold[members] + HEADROOM * np.maximum(1.0, np.abs(threshold[members]))
        cost[members], entering = self.graph.trees_to(
            reduced,
            roots.astype(np.int32),
            row.astype(np.int32),
            ends,
            most,
            None if ahead is None else ahead.cost,
            None if ahead is None else ahead.row[ends],
        )
        chosen = np.flatnonzero(cost[members] < threshold[members])
        if len(chosen) == 0:
            return
        lengths, arcs = tree_paths(entering, self.reduced.tail, ends[chosen], row[chosen].astype(np.int32))
        paths = {int(members[place]): arcs[i, : lengths[i]][::-1] for i, place in enumerate(chosen)}
        self._hurry(reduced, members[chosen], late, cost, paths)
        better = [member for member in paths if cost[member] < threshold[member]]
        found += zip(better, self.reduced.unfolded([paths[member] for member in better]), strict=True)

    def _hurry(
        self, weights: Floats, members: Ints, late: Floats, cost: Floats, paths: dict[int, Ints]
    ) -> None:
        """Where the cheapest path is late and lateness costs, weigh it against the cheapest one in time."""
        hurried = [
            int(k)
            for k in members[(late[members] > 0) & np.isfinite(self._promise_h[members])]
            if self._hours[paths[int(k)]].sum() > self._promise_h[k] + LATE_H
        ]
        for root in sorted({int(self._origin[k]) for k in hurried}):
            mine = np.array([k for k in hurried if self._origin[k] == root], dtype=np.int32)
            timed = cheapest_in_time(
                self.graph,
                self.back,
                weights,
                self._hours,
                root,
                self._destination[mine],
                self._promise_h[mine] + LATE_H,
            )
            for k, in_time, path in zip(mine.tolist(), timed.cost, timed.paths, strict=True):
                cost[k] += late[k]
                if path is not None and in_time < cost[k]:
                    cost[k], paths[k] = in_time, path


def _alike(one: Instance, other: Instance) -> bool:
    """Whether two instances have the same graphs, commodities, products and weights in limits."""
    layers = len(one.layers) == len(other.layers) and all(map(is_, one.layers, other.layers))
    things = one.commodities is other.commodities and one.products is other.products
    return layers and things and np.array_equal(limit_factors(one), limit_factors(other))


def _classes(instance: Instance) -> Iterator[_Class]:
    """Group the commodities of layers without stock that have both ends in their layer."""
    c = instance.commodities
    stocked = np.array([layer.stocked for layer in instance.layers], dtype=bool)
    if len(c) == 0:
        return
    usable = np.flatnonzero((c.origin >= 0) & (c.destination >= 0) & ~stocked[c.layer])
    factors = limit_factors(instance).tolist()
    groups: dict[tuple[int, int, float, tuple[float, ...]], list[int]] = {}
    for k in usable:
        values = int(c.layer[k]), int(c.product[k]), float(c.time_value_cny_per_t_h[k])
        groups.setdefault((*values, tuple(factors[k])), []).append(int(k))
    for key, members in groups.items():
        yield _Class(*key, np.array(members, dtype=np.int32))
