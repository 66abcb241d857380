"""Cheapest ways of stocked cargo for a bound: searched backwards from each warehouse, by scipy.

The cost of a way is linear + κ·sqrt(w); see ``docs/mathematics.md``. Written a second time on purpose.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from logistics.verification.graph import distances, tree
from logistics.verification.ledger import Floats
from logistics.verification.limits import LATE_H
from logistics.verification.search import Item, Search

CLOSE = 1e-10


@dataclass(frozen=True)
class _StoreView:
    """One warehouse seen backwards from its gate, for one product.

    Parameters
    ----------
    free, low
        Least cost and least w of any way from each origin.
    floor
        What no way from an origin can cost less than, holding included.
    """

    root: int
    linear: Floats
    spread: Floats
    starts: NDArray[np.int64]
    free: Floats
    low: Floats
    kappa: float
    own_w: float
    held: float
    floor: Floats


class _Holding:
    """Prices of holding a product in stock under the objective."""

    def __init__(self, search: Search, product: int, on_money: float) -> None:
        books, network, weights = search.books, search.books.network, search.weights
        money = search.scale * weights.get("money", 0.0) + on_money
        self._storage = {option: money * float(fee[product]) for option, fee in books.storage.items()}
        capital = search.scale * weights.get("capital", 0.0)
        self._carrying = capital * float(books.ledger.carrying_cny_per_t_h()[product])
        self._assortment_h = 24.0 * float(network.numbers("products", "assortment_stock_d")[product])
        z = float(network.numbers("products", "service_factor")[product])
        self._z = {option: z * factor for option, factor in books.pooling.items()}

    def of(self, option: str) -> tuple[float, float, float]:
        """Storage price per hour, κ of safety stock, and cost of the assortment stock at an option."""
        rate = self._storage[option] + self._carrying
        return self._storage[option], self._z[option] * rate, self._assortment_h * rate


class StockedWays:
    """Cheapest ways of stocked cargo: searched backwards from each warehouse, safety stock included."""

    def __init__(self, search: Search) -> None:
        self._search, graph = search, search.graph
        self._graph, self._scale = graph, search.scale
        self._stores = [i for i, move in enumerate(graph.moves) if move.key[0] == "store"]
        self._before = np.array([move.after[2] not in ("from_stock", "delivered") for move in graph.moves])
        self._steadiest: dict[tuple[int, int], Floats] = {}
        self._between: dict[tuple[int, int], list[int]] = {}
        for i, pair in enumerate(zip(graph.tail.tolist(), graph.head.tolist(), strict=True)):
            self._between.setdefault(pair, []).append(i)
        self._last: dict[int, list[int]] = {}
        for i, move in enumerate(graph.moves):
            if move.key[0] == "deliver":
                self._last.setdefault(int(graph.tail[i]), []).append(i)

    def costs(self, product: int, group: list[Item], factors: tuple[float, ...]) -> list[float]:
        """Cheapest cost of each demand row and tier of the group; inf: there is no way."""
        search, graph = self._search, self._graph
        books, rulebook = search.books, search.rulebook
        dues = search.dues(product, factors)
        asked = [
            (str(books.demand[n]["origin_site"]), str(books.demand[n]["destination_site"]))
            for n, _, _ in group
        ]
        origins = sorted({origin for origin, _ in asked} & rulebook.origins)
        starts = np.array([graph.number[rulebook.start(o)] for o in origins], dtype=np.int64)
        row_of = {origin: i for i, origin in enumerate(origins)}
        values = np.array([books.time_value_cny_per_t_h(name, tier) for name, tier, _ in group])
        best = np.full(len(group), np.inf)
        wanted: dict[int, list[int]] = {}
        for i, (origin, market) in enumerate(asked):
            end = graph.number.get(rulebook.end(market))
            if origin in row_of and end is not None:
                wanted.setdefault(end, []).append(i)
        figures = _Holding(search, product, search.limits.on_money(factors))
        late = np.array([search.late(name, factors) for name, _, _ in group])
        latest_h = np.array([search.latest_h(name) for name, _, _ in group])
        views: list[tuple[float, _StoreView, list[tuple[int, int]], Floats]] = []
        for store in self._stores:
            ways = [
                (arc, i)
                for arc in self._last.get(int(graph.head[store]), ())
                for i in wanted.get(int(graph.head[arc]), ())
            ]
            if not ways:
                continue
            arcs, rows = np.array([arc for arc, _ in ways]), np.array([i for _, i in ways])
            own = graph.fixed[store, product] + graph.fixed[arcs, product]
            own = self._scale * (own + values[rows] * (graph.customer_h[store] + graph.customer_h[arcs]))
            own += dues[store] + dues[arcs]
            # The customer waits from the warehouse on, so whether a way is late shows at its end.
            is_late = graph.hours[store] + graph.hours[arcs] > latest_h[rows] + LATE_H
            own += np.where(is_late, late[rows], 0.0)
            view = self._view(store, product, starts, dues, figures)
            starts_of = np.array([row_of[asked[i][0]] for i in rows])
            views.append(
                (
                    float(np.mean(view.floor)),
                    view,
                    list(zip(rows.tolist(), starts_of.tolist(), strict=True)),
                    own,
                )
            )
        # The likeliest warehouses first: most others then cannot be better even with the least safety stock.
        for _, view, pairs, own in sorted(views, key=lambda item: item[0]):
            rows = np.array([i for i, _ in pairs])
            at = np.array([j for _, j in pairs])
            if np.all(view.floor[at] + own >= best[rows]):
                continue
            upstream = self._refined(view)
            np.minimum.at(best, rows, upstream[at] + own)
        return [float(cost) for cost in best]

    def _view(
        self, store: int, product: int, starts: NDArray[np.int64], dues: Floats, figures: _Holding
    ) -> _StoreView:
        """Cheapest and steadiest ways into one warehouse, before safety stock is weighed."""
        graph = self._graph
        option = graph.moves[store].key[6]
        storage, kappa, held = figures.of(option)
        linear = np.where(
            self._before, self._scale * graph.fixed[:, product] + storage * graph.cycle_h + dues, np.inf
        )
        spread = np.where(self._before, graph.spread[:, product], np.inf)
        own_w, root = float(graph.spread[store, product]), int(graph.tail[store])
        free = distances(graph.matrix(linear, reverse=True), root)[starts]
        key = (root, product)
        if kappa > 0 and key not in self._steadiest:
            self._steadiest[key] = distances(graph.matrix(spread, reverse=True), root)[starts]
        low = self._steadiest[key] if kappa > 0 else np.zeros(len(starts))
        floor = free + kappa * np.sqrt(low + own_w) + held
        return _StoreView(root, linear, spread, starts, free, low, kappa, own_w, held, floor)

    def _refined(self, view: _StoreView) -> Floats:
        """Cheapest cost from each origin into stock, holding the stock included.

        The cost a·path + κ·sqrt(w(path)) is concave in w, so some shortest path on cost + λ·w is best. λ is
        refined, origin by origin in need, until the lower envelope of the lines D(λ) - λ·w admits nothing
        cheaper than the best path met.
        """
        graph, kappa, own_w = self._graph, view.kappa, view.own_w
        if kappa == 0:
            return np.asarray(view.free + view.held)
        result = np.full(len(view.starts), np.inf)
        lines: list[tuple[float, Floats, Floats]] = []
        pending = np.isfinite(view.free)
        lam = 0.0
        while True:
            weights = view.linear + lam * view.spread if lam else view.linear
            distance, before = tree(graph.matrix(weights, reverse=True), view.root)
            w = self._w_of(before, weights, view.spread, view.starts, pending)
            lines.append((lam, distance[view.starts], w))
            point = distance[view.starts] - lam * w + kappa * np.sqrt(w + own_w)
            result = np.where(pending, np.minimum(result, point), result)
            need = self._next_slope(lines, result, view.low, kappa, own_w, pending)
            if need is None:
                break
            lam = need
        return np.asarray(result + view.held)

    def _w_of(
        self,
        before: NDArray[np.int32],
        weights: Floats,
        spread: Floats,
        starts: NDArray[np.int64],
        pending: NDArray[np.bool_],
    ) -> Floats:
        """Sum w along the tree path of each origin; the cheapest of parallel moves is the one taken."""
        totals = np.full(len(starts), np.inf)
        for i, start in enumerate(starts):
            if not pending[i]:
                continue
            vertex, total = int(start), 0.0
            while before[vertex] >= 0:
                following = int(before[vertex])
                total += spread[min(self._between[(vertex, following)], key=lambda arc: weights[arc])]
                vertex = following
            totals[i] = total
        return totals

    @staticmethod
    def _next_slope(
        lines: list[tuple[float, Floats, Floats]],
        best: Floats,
        low: Floats,
        kappa: float,
        own_w: float,
        pending: NDArray[np.bool_],
    ) -> float | None:
        """λ that could lower the bound's doubt most, or None when every origin's best is proven."""
        ordered = sorted(lines, key=lambda line: line[0])
        doubt, slope = 0.0, None
        for i in np.flatnonzero(pending):
            floor = float(low[i])
            for place, (lam, total, w) in enumerate(ordered):
                if place + 1 < len(ordered):
                    lam2, total2, w2 = ordered[place + 1]
                    corner = max(floor, float((total2[i] - total[i]) / (lam2 - lam)))
                    a, b = total[i] - lam * w[i], total2[i] - lam2 * w2[i]
                    chord = (b - a) / (w[i] - w2[i]) if w[i] > w2[i] else None
                else:
                    corner = floor
                    chord = kappa / (np.sqrt(w[i] + own_w) + np.sqrt(floor + own_w)) if w[i] > floor else None
                least = total[i] - lam * corner + kappa * np.sqrt(corner + own_w)
                gap = float(best[i] - least)
                if chord is None or gap <= max(doubt, CLOSE * max(1.0, abs(float(best[i])))):
                    continue
                if all(abs(chord - known) > 1e-13 * max(1.0, chord) for known, _, _ in lines):
                    doubt, slope = gap, float(chord)
        return slope
