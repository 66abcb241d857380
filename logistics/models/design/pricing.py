"""Cheapest paths of one year at prices of capacities, limits and strong links."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial

import numpy as np
from numpy.typing import NDArray

from logistics.models.design.links import Links
from logistics.models.design.trees import Roots, Surcharges, grown
from logistics.models.flow.costs import Dues, RowPrices
from logistics.models.flow.pricing import HEADROOM, THREADS, PathPricer, Priced
from logistics.virtual_network.instance import Instance

Floats = NDArray[np.float64]
Ints = NDArray[np.int32]
Longs = NDArray[np.int64]
Found = list[tuple[int, Ints]]


@dataclass(frozen=True)
class LinkPrices:
    """Prices ≥ 0 of some strong links.

    Parameters
    ----------
    cut, group, price
        One entry a link.
    """

    cut: Longs
    group: Longs
    price: Floats

    @classmethod
    def none(cls) -> LinkPrices:
        """No prices."""
        return cls(np.zeros(0, np.int64), np.zeros(0, np.int64), np.zeros(0))

    def of_group(self, group: int) -> tuple[Longs, Floats]:
        """Cuts and prices of a group's links."""
        mine = self.group == group
        return self.cut[mine], self.price[mine]


class _LinkedDues(Dues):
    """Dues of stocked layers with the links of their groups, which have all of a product's origins."""

    def __init__(self, instance: Instance, prices: RowPrices, links: Links, paid: LinkPrices) -> None:
        super().__init__(instance, prices)
        self._links, self._paid = links, paid
        self._group_of = {
            (int(layer), int(product)): group
            for group, (layer, product) in enumerate(zip(links.group_layer, links.group_product, strict=True))
            if instance.layers[layer].stocked
        }

    def of(self, layer: int, product: int, factor: tuple[float, ...]) -> Floats:
        """What a tonne of `product` pays on each arc of `layer`."""
        dues = super().of(layer, product, factor)
        group = self._group_of.get((layer, product))
        if group is None:
            return dues
        return dues + self._links.arc_prices(group, *self._paid.of_group(group))


@dataclass(frozen=True)
class Forest:
    """Trees of one plain layer: a root for each class of costs and group.

    Parameters
    ----------
    layer
        Number of the layer.
    classes
        Numbers of the classes, one a row of weights.
    roots
        Where trees start and what they are asked.
    group
        Group of each tree.
    member
        Commodity of each question.
    run_of
        Arc of the reduced graph that each arc of the layer is in, -1: none.
    """

    layer: int
    classes: tuple[int, ...]
    roots: Roots
    group: Longs
    member: Longs
    run_of: Longs


class LinkedPricer:
    """Prices the commodities of one year.

    Parameters
    ----------
    instance, links
        The year's instance and its links.

    Attributes
    ----------
    paths
        The pricer of the same instance without links.
    forests
        Trees of each layer without stock.
    """

    def __init__(self, instance: Instance, links: Links) -> None:
        self.instance, self._links = instance, links
        self.paths = PathPricer(instance)
        self.forests = [
            self._forest(number) for number, layer in enumerate(instance.layers) if not layer.stocked
        ]

    def _forest(self, number: int) -> Forest:
        classes = tuple(i for i, each in enumerate(self.paths.classes) if each.layer == number)
        group: list[int] = []
        row: list[int] = []
        parts: list[Ints] = []
        for place, i in enumerate(classes):
            members = self.paths.classes[i].members
            groups = self._links.group[members]
            for one in np.unique(groups):
                group.append(int(one))
                row.append(place)
                parts.append(members[groups == one])
        member = np.concatenate(parts or [np.zeros(0, np.int32)]).astype(np.int64)
        c, reduced = self.instance.commodities, self.paths.plain[number].reduced
        root = np.array([c.origin[part[0]] for part in parts], dtype=np.int32)
        first = np.concatenate([[0], np.cumsum([len(part) for part in parts])]).astype(np.int64)
        run_of = np.full(self.instance.layers[number].num_arcs, -1)
        run_of[reduced.run] = np.repeat(np.arange(len(reduced.tail)), np.diff(reduced.first))
        return Forest(
            number,
            classes,
            Roots(root, np.array(row, dtype=np.int32), first, c.destination[member].astype(np.int32)),
            np.array(group, dtype=np.int64),
            member,
            run_of,
        )

    def price(self, prices: RowPrices, paid: LinkPrices, threshold: Floats, scale: float = 1.0) -> Priced:
        """Price every commodity, as :meth:`logistics.models.flow.pricing.PathPricer.price` does."""
        dues = _LinkedDues(self.instance, prices, self._links, paid)
        free = self.paths.free_cost
        cost = free.copy() if scale == 1.0 else np.where(np.isfinite(free), 0.0, np.inf)
        contested = cost < threshold
        tasks: list[Callable[[], Found]] = []
        for forest in self.forests:
            if np.any(dues.late[forest.member] > 0):
                tasks += self._one_by_one(forest, dues, paid, contested, threshold, scale, cost)
            else:
                tasks.append(partial(self._at_once, forest, dues, paid, contested, threshold, scale, cost))
        for pricer in self.paths.stocked.values():
            tasks += pricer.tasks(dues, contested, threshold, scale, cost)
        if len(tasks) == 1:
            return Priced(cost, tasks[0]())
        with ThreadPoolExecutor(THREADS) as pool:
            parts = list(pool.map(lambda task: task(), tasks))
        return Priced(cost, [item for part in parts for item in part])

    def _weights(self, number: int, dues: Dues, scale: float) -> Floats:
        """Weight of each arc for a class of costs, links left aside."""
        each = self.paths.classes[number]
        weights = scale * self.paths.costs[each.layer].of_class(each.product, each.time_value)
        return np.asarray(weights + dues.of(each.layer, each.product, each.factor))

    def _at_once(
        self,
        forest: Forest,
        dues: Dues,
        paid: LinkPrices,
        contested: NDArray[np.bool_],
        threshold: Floats,
        scale: float,
        cost: Floats,
    ) -> Found:
        """Grow all trees of a layer in one go."""
        member = forest.member
        asked = contested[member]
        if not np.any(asked):
            return []
        layer = self.paths.plain[forest.layer]
        weights = np.array(
            [layer.reduced.weights(self._weights(number, dues, scale)) for number in forest.classes]
        )
        # Rounding aside, a cost at the threshold is told exactly, so that the bound loses nothing.
        most = threshold[member] + HEADROOM * np.maximum(1.0, np.abs(threshold[member]))
        most = np.where(asked, most, -np.inf)
        distance, stop, arcs = grown(
            layer.graph, layer.reduced.tail, weights, forest.roots, self._surcharges(forest, paid), most
        )
        cost[member[asked]] = distance[asked]
        lengths = np.diff(stop, prepend=0)
        chosen = np.flatnonzero(asked & (distance < threshold[member]) & (lengths > 0))
        if len(chosen) == 0:
            return []
        place = np.concatenate([np.arange(stop[i] - lengths[i], stop[i]) for i in chosen])
        paths = layer.reduced.unfolded_flat(arcs[place], np.cumsum(lengths[chosen]))
        return list(zip(member[chosen].tolist(), paths, strict=True))

    def _surcharges(self, forest: Forest, paid: LinkPrices) -> Surcharges:
        """What each tree pays for links, arc by arc."""
        trees, group = len(forest.group), forest.group
        cuts = self._links.cuts
        mine = np.flatnonzero(self._links.group_layer[paid.group] == forest.layer)
        by_group: dict[int, list[int]] = {}
        for link in mine.tolist():
            by_group.setdefault(int(paid.group[link]), []).append(link)
        first, arcs, prices = np.zeros(trees + 1, np.int64), [], []
        for tree, number in enumerate(group.tolist()):
            for link in by_group.get(number, ()):
                runs = forest.run_of[cuts[paid.cut[link]].arcs]
                runs = runs[runs >= 0]
                arcs.append(runs)
                prices.append(np.full(len(runs), paid.price[link]))
                first[tree + 1] += len(runs)
        nothing = [np.zeros(0)]
        return Surcharges(
            np.cumsum(first),
            np.concatenate(arcs or nothing).astype(np.int32),
            np.concatenate(prices or nothing),
        )

    def _one_by_one(
        self,
        forest: Forest,
        dues: Dues,
        paid: LinkPrices,
        contested: NDArray[np.bool_],
        threshold: Floats,
        scale: float,
        cost: Floats,
    ) -> list[Callable[[], Found]]:
        """Where being late has a price, search tree by tree."""

        def search(tree: int) -> Found:
            found: Found = []
            members = forest.member[forest.roots.first[tree] : forest.roots.first[tree + 1]]
            mine = members[contested[members]].astype(np.int32)
            if len(mine):
                group = int(forest.group[tree])
                weights = self._weights(forest.classes[forest.roots.weights_row[tree]], dues, scale)
                weights = weights + self._links.arc_prices(group, *paid.of_group(group))
                self.paths.plain[forest.layer].search(weights, mine, threshold, dues.late, cost, found)
            return found

        return [partial(search, tree) for tree in range(len(forest.group))]
