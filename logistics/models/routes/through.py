"""Lower bounds on the cost of ways through additions, from trees that are grown once for all of them.

With F the cheapest cost from each origin, B that to each destination, both on the base alone, and c that of
an addition's own connection u → v, a way that takes the addition once costs at least F(u) + c + B(v). One
that takes it twice costs at least the least F + c plus the least c + B. For stocked cargo the additive costs
and w are bounded apart, and κ·sqrt(w) grows with w.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from logistics.models.flow.costs import Dues, RowPrices
from logistics.models.flow.pricing import THREADS, PathPricer
from logistics.models.flow.stocked import StockedPricer
from logistics.models.routes.connections import Connections, connections_of
from logistics.models.routes.union import BASE, UnionInstance
from logistics.paths import CompressedGraph

Floats = NDArray[np.float64]
Ints = NDArray[np.int32]
Longs = NDArray[np.int64]
NOWHERE = Connections(
    np.zeros(0, np.int32),
    np.zeros(0, np.int32),
    np.zeros(1, np.int64),
    np.zeros(0, np.int32),
    np.zeros(0, np.int32),
)


@dataclass(frozen=True)
class Savings:
    """What an addition can save at most, by the resource that its ways draw on first.

    Parameters
    ----------
    row
        Resource in tonnes, -1: none.
    member, saved
        Commodities that can save, and CNY per tonne at most, > 0.
    """

    row: int
    member: Longs
    saved: Floats


@dataclass(frozen=True)
class _PlainTrees:
    """Costs from origins and to destinations of one class, at the vertices where additions begin and end.

    Parameters
    ----------
    members, root, end
        Commodities, and their rows in `ahead` and `behind`.
    weights
        Of each arc of the layer.
    ahead, behind
        From each origin and to each destination, shape (origins or destinations, vertices in `place`).
    """

    layer: int
    members: Longs
    root: Longs
    end: Longs
    weights: Floats
    ahead: Floats
    behind: Floats


@dataclass(frozen=True)
class _StockedTrees:
    """The same for a group of stocked commodities, to warehouses; and least w apart."""

    layer: int
    number: int
    weights: Floats
    spread: Floats
    ahead: Floats
    behind: Floats
    ahead_w: Floats
    behind_w: Floats
    last: Floats
    kappa: Floats
    own_w: Floats
    store_place: Longs


class Through:
    """Bounds on the savings of additions to an instance, at given prices.

    Parameters
    ----------
    pricer
        Of the instance with all additions in.
    prices
        Of its rows; those of additions' own rows are 0.
    worth
        What a tonne of each commodity may cost at most to save anything, its constant and offsets of limits
        left out, shape (commodities,).
    ways
        For each layer the connections of each addition; None: they cannot be told one by one.
    arcs
        For each layer the arcs that a way may use before and after a connection.
    twice
        Whether a way may use an addition twice that these arcs do not hold.
    scale
        Weight of the paths' own costs.
    """

    def __init__(
        self,
        pricer: PathPricer,
        prices: RowPrices,
        worth: Floats,
        ways: Sequence[Mapping[int, Connections | None]],
        arcs: Sequence[NDArray[np.intp]],
        *,
        twice: bool,
        scale: float = 1.0,
    ) -> None:
        self._pricer, self._worth, self._scale = pricer, worth, scale
        self._ways, self._twice = ways, twice
        self._dues = Dues(pricer.instance, prices)
        graphs = pricer.instance.layers
        self._place = [self._terminals(number) for number in range(len(graphs))]
        self._forward = [
            CompressedGraph.from_arcs(g.num_vertices, g.tail, g.head, some)
            for g, some in zip(graphs, arcs, strict=True)
        ]
        self._backward = [
            CompressedGraph.from_arcs(g.num_vertices, g.head, g.tail, some)
            for g, some in zip(graphs, arcs, strict=True)
        ]
        with ThreadPoolExecutor(THREADS) as pool:
            self._plain = list(pool.map(self._plain_trees, range(len(pricer.classes))))
            asked = [(layer, i) for layer, p in pricer.stocked.items() for i in range(len(p.groups))]
            self._stocked = list(pool.map(lambda pair: self._stocked_trees(*pair), asked))

    @classmethod
    def alone(
        cls, union: UnionInstance, pricer: PathPricer, prices: RowPrices, worth: Floats, scale: float
    ) -> Through:
        """Bounds for each addition of a union when no other is in; `pricer` is of the union with gates."""
        count = range(len(union.names))
        layers = range(len(union.instance.layers))
        ways = [{addition: connections_of(union, addition, layer) for addition in count} for layer in layers]
        based = [np.flatnonzero(part == BASE) for part in union.arc_part]
        return cls(pricer, prices, worth, ways, based, twice=True, scale=scale)

    def _terminals(self, layer: int) -> Ints:
        """Place of each vertex among those where connections begin or end; -1: none do."""
        ends = [np.concatenate([w.entry, w.exit]) for w in self._ways[layer].values() if w is not None]
        used = np.unique(np.concatenate(ends)) if ends else np.zeros(0, np.int32)
        place = np.full(self._pricer.instance.layers[layer].num_vertices, -1, np.int32)
        place[used] = np.arange(len(used))
        return place

    def _plain_trees(self, number: int) -> _PlainTrees:
        group, c = self._pricer.classes[number], self._pricer.instance.commodities
        weights = self._scale * self._pricer.costs[group.layer].of_class(group.product, group.time_value)
        weights = weights + self._dues.of(group.layer, group.product, group.factor)
        members = group.members.astype(np.int64)
        roots, root = np.unique(c.origin[members], return_inverse=True)
        ends, end = np.unique(c.destination[members], return_inverse=True)
        used = np.flatnonzero(self._place[group.layer] >= 0)
        ahead, _ = self._forward[group.layer].trees(weights, roots.astype(np.int32))
        behind, _ = self._backward[group.layer].trees(weights, ends.astype(np.int32))
        return _PlainTrees(
            group.layer, members, root.ravel(), end.ravel(), weights, ahead[:, used], behind[:, used]
        )

    def _stocked_trees(self, layer: int, number: int) -> _StockedTrees:
        pricer: StockedPricer = self._pricer.stocked[layer]
        group, costs, instance = pricer.groups[number], self._pricer.costs[layer], self._pricer.instance
        graph, product = instance.layers[layer], group.product
        dues = self._dues.of(layer, product, group.factor)
        stores = np.unique(group.way_store)
        store_arc = graph.store_arc[stores]
        fee = self._dues.on_money(group.factor) * graph.storage_cny_per_t_h[stores, product]
        storage = self._scale * costs.storage[stores, product] + fee
        kappa = self._scale * costs.kappa[stores, product] + fee * costs.service[stores, product]
        least = float(np.min(storage, initial=np.inf)) if len(stores) else 0.0
        weights = self._scale * costs.fixed[product] + dues + least * costs.stock_h[product]
        closed = weights.copy()
        # Deliveries and store arcs come after the stretch that is searched here.
        closed[graph.store_arc] = np.inf
        spread = costs.spread_h2[product]
        used = np.flatnonzero(self._place[layer] >= 0)
        heads = graph.tail[store_arc].astype(np.int32)
        place = np.full(len(graph.store_arc), -1)
        place[stores] = np.arange(len(stores))
        rows = graph.store_arc[group.way_store]
        last = self._scale * group.way_cost + dues[rows] + dues[group.way_arc]
        late = self._dues.late[group.members[group.way_member]]
        last = last + np.where(group.way_is_late, late, 0.0)
        forward, backward = self._forward[layer], self._backward[layer]
        return _StockedTrees(
            layer,
            number,
            weights,
            spread,
            forward.trees(closed, group.origins)[0][:, used],
            backward.trees(closed, heads)[0][:, used],
            forward.trees(spread, group.origins)[0][:, used],
            backward.trees(spread, heads)[0][:, used],
            last,
            kappa,
            spread[store_arc],
            place[group.way_store],
        )

    def savings(self, addition: int) -> list[Savings] | None:
        """What an addition can save, by resource; None: its ways cannot be told one by one."""
        parts: dict[int, list[tuple[Longs, Floats]]] = {}
        for layer, ways in enumerate(self._ways):
            mine = ways.get(addition, NOWHERE)
            if mine is None:
                return None
            if len(mine) == 0:
                continue
            rows = sorted(set(mine.row.tolist()))
            for tree in self._plain:
                if tree.layer == layer:
                    self._plain_savings(tree, mine, rows, parts)
            for stocked in self._stocked:
                if stocked.layer == layer:
                    self._stocked_savings(stocked, mine, rows, parts)
        return [
            Savings(row, np.concatenate([k for k, _ in found]), np.concatenate([s for _, s in found]))
            for row, found in parts.items()
        ]

    def _plain_savings(
        self,
        tree: _PlainTrees,
        ways: Connections,
        rows: Sequence[int],
        parts: dict[int, list[tuple[Longs, Floats]]],
    ) -> None:
        own = np.add.reduceat(tree.weights[ways.arcs], ways.first[:-1])
        place = self._place[tree.layer]
        ahead = tree.ahead[:, place[ways.entry]] + own
        behind = tree.behind[:, place[ways.exit]]
        worth = self._worth[tree.members]
        once = ahead[tree.root] + behind[tree.end]
        for row in rows:
            least = once[:, ways.row == row].min(axis=1)
            if self._twice:
                twice = ahead.min(axis=1)[tree.root] + (behind + own).min(axis=1)[tree.end]
                least = np.minimum(least, twice)
            self._book(parts, row, tree.members, worth - least)

    def _stocked_savings(
        self,
        tree: _StockedTrees,
        ways: Connections,
        rows: Sequence[int],
        parts: dict[int, list[tuple[Longs, Floats]]],
    ) -> None:
        group = self._pricer.stocked[tree.layer].groups[tree.number]
        if len(group.way_store) == 0:
            return
        own = np.add.reduceat(tree.weights[ways.arcs], ways.first[:-1])
        own_w = np.add.reduceat(tree.spread[ways.arcs], ways.first[:-1])
        place = self._place[tree.layer]
        entry, leave = place[ways.entry], place[ways.exit]
        origin, store = group.way_origin, tree.store_place
        twice = np.full(len(origin), np.inf)
        if self._twice:
            twice = (tree.ahead[:, entry] + own).min(axis=1)[origin]
            twice = twice + (tree.behind[:, leave] + own).min(axis=1)[store]
            twice = twice + tree.kappa[store] * np.sqrt(tree.own_w[store])
        for row in rows:
            least = twice
            for way in np.flatnonzero(ways.row == row):
                cost = tree.ahead[origin, entry[way]] + own[way] + tree.behind[store, leave[way]]
                w = tree.ahead_w[origin, entry[way]] + own_w[way] + tree.behind_w[store, leave[way]]
                with np.errstate(invalid="ignore"):
                    held = tree.kappa[store] * np.sqrt(w + tree.own_w[store])
                least = np.minimum(least, cost + np.where(np.isfinite(cost), held, 0.0))
            value = np.full(len(group.members), np.inf)
            np.minimum.at(value, group.way_member, least + tree.last)
            members = group.members.astype(np.int64)
            self._book(parts, row, members, self._worth[members] - value)

    def _book(
        self, parts: dict[int, list[tuple[Longs, Floats]]], row: int, members: Longs, saved: Floats
    ) -> None:
        some = saved > 0
        if np.any(some):
            parts.setdefault(row, []).append((members[some], saved[some]))

    def most(self, addition: int) -> float:
        """Upper bound on what an addition saves: savings fill the room of its resources; inf: not known."""
        found = self.savings(addition)
        if found is None:
            return np.inf
        c = self._pricer.instance.commodities
        total = 0.0
        for part in found:
            demand = c.demand_t[part.member]
            best = float(part.saved @ demand)
            for row, per_t in self._rooms(part.row, c.product[part.member]):
                best = min(
                    best, filled(part.saved, demand, per_t, self._pricer.instance.resources[row].capacity)
                )
            total += best
        return total

    def savers(self, addition: int) -> Longs | None:
        """Commodities that an addition may save anything; None: its ways cannot be told one by one."""
        found = self.savings(addition)
        if not found:
            return None if found is None else np.zeros(0, np.int64)
        return np.unique(np.concatenate([part.member for part in found]))

    def knapsacks(self, addition: int) -> list[tuple[Savings, Floats, float]] | None:
        """Savings of an addition with the room that a tonne of each takes, and the room there is.

        Of a resource in tonnes and its twin in cubic metres the one that holds less is told; inf: neither.
        None: its ways cannot be told one by one.
        """
        found = self.savings(addition)
        if found is None:
            return None
        c, sacks = self._pricer.instance.commodities, []
        for part in found:
            demand = c.demand_t[part.member]
            best, per_t, room = float(part.saved @ demand), np.ones(len(demand)), np.inf
            for row, each in self._rooms(part.row, c.product[part.member]):
                capacity = self._pricer.instance.resources[row].capacity
                value = filled(part.saved, demand, each, capacity)
                if value < best or room == np.inf:
                    best, per_t, room = min(best, value), each, capacity
            sacks.append((part, per_t, room))
        return sacks

    def _rooms(self, row: int, product: Ints) -> list[tuple[int, Floats]]:
        """A resource in tonnes and its twin in cubic metres, with what a tonne of each commodity takes."""
        if row == BASE:
            return []
        resources = self._pricer.instance.resources
        found = [(row, np.ones(len(product)))]
        for twin in (row - 1, row + 1):
            if 0 <= twin < len(resources):
                other = resources[twin]
                if (other.kind, other.id, other.unit) == (resources[row].kind, resources[row].id, "m3"):
                    found.append((twin, self._pricer.instance.products.m3_per_t[product]))
        return found


def filled(saved: Floats, amount: Floats, per_t: Floats, room: float) -> float:
    """Most savings when `amount` tonnes each take `per_t` of `room`, whatever is best first."""
    order = np.argsort(-saved / per_t, kind="stable")
    taken = np.minimum(np.cumsum((amount * per_t)[order]), room)
    return float((saved / per_t)[order] @ np.diff(taken, prepend=0.0))
