"""All states and moves of a rulebook as a graph, searched by scipy."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_matrix
from scipy.sparse.csgraph import dijkstra as scipy_dijkstra

from logistics.verification.books import YearBooks, spread_h2
from logistics.verification.ledger import Floats
from logistics.verification.limits import PricedLimits
from logistics.verification.rulebook import Move, Rulebook, State

Prices = Mapping[tuple[str, str, str], float]
"""CNY per unit of a shared capacity (kind, id, unit)."""


def distances(matrix: csr_matrix, roots: Any) -> Floats:
    """Distances from each root, by scipy."""
    return np.asarray(scipy_dijkstra(matrix, indices=roots))


def tree(matrix: csr_matrix, root: int) -> tuple[Floats, NDArray[np.int32]]:
    """Distances from the root and the vertex before each, by scipy."""
    distance, before = scipy_dijkstra(matrix, indices=[root], return_predecessors=True)
    return np.asarray(distance)[0], np.asarray(before)[0]


def _flagged(state: State, flags: int) -> State:
    return (*state, f"flags {flags}") if flags else state


class MoveGraph:
    """All states and moves of one rulebook, parallel moves kept side by side.

    Parameters
    ----------
    books, rulebook
        The year's books, and the rulebook searched.
    weights
        What the objective adds up.
    limits
        Limits with a price; cargo with flags of theirs is in a state of its own.
    """

    def __init__(
        self, books: YearBooks, rulebook: Rulebook, weights: Mapping[str, float], limits: PricedLimits
    ) -> None:
        self.number: dict[State, int] = {}
        tails, heads = [], []
        self.moves: list[Move] = []
        self._limits = limits
        self._counts: dict[tuple[str, int], Floats] = {}
        self._met: list[tuple[State, int, Move]] = []
        stack: list[tuple[State, int]] = [(rulebook.start(o), 0) for o in sorted(rulebook.origins)]
        for state, _ in stack:
            self.number[state] = len(self.number)
        while stack:
            state, flags = stack.pop()
            tail = self.number[_flagged(state, flags)]
            for move in rulebook.moves(state).values():
                # Delivered cargo is delivered, whatever it used.
                after = 0 if move.key[0] == "deliver" else flags | limits.flags(move)
                key = _flagged(move.after, after)
                if key not in self.number:
                    self.number[key] = len(self.number)
                    stack.append((move.after, after))
                tails.append(tail)
                heads.append(self.number[key])
                self.moves.append(move)
                self._met.append((state, flags, move))
        self.tail, self.head = np.array(tails, dtype=np.int64), np.array(heads, dtype=np.int64)
        carrying = weights.get("capital", 0.0) * books.ledger.carrying_cny_per_t_h()
        count = len(books.ledger.products)
        self.fixed = np.zeros((len(self.moves), count))
        for i, move in enumerate(self.moves):
            money = sum((amount for _, amount in move.money), np.zeros(count))
            self.fixed[i] = weights.get("money", 0.0) * money + carrying * (move.hours + move.cycle_h)
        hours = np.array([move.customer_h for move in self.moves])
        co2 = np.array([np.zeros(count) + move.co2_kg for move in self.moves]).reshape(-1, count)
        self.fixed += weights.get("customer_h", 0.0) * hours[:, None] + weights.get("co2_kg", 0.0) * co2
        self.hours = hours
        self.customer_h = weights.get("time_value", 0.0) * hours
        self.spread = np.array([spread_h2(books, move) for move in self.moves]).reshape(-1, count)
        self.cycle_h = np.array([move.cycle_h for move in self.moves])
        self._paid: tuple[Floats, Floats] | None = None
        order = np.lexsort((self.head, self.tail))
        new = np.ones(len(order), dtype=bool)
        new[1:] = (np.diff(self.tail[order]) != 0) | (np.diff(self.head[order]) != 0)
        self._order, self._first = order, np.flatnonzero(new)
        self._ends = (self.tail[order][new], self.head[order][new])

    def dues(self, prices: Prices, m3_per_t: float) -> Floats:
        """What a tonne pays for capacities on each move; a graph serves one set of prices."""
        if self._paid is None:
            by_t, by_m3 = np.zeros(len(self.moves)), np.zeros(len(self.moves))
            for i, move in enumerate(self.moves):
                for kind, thing in move.uses:
                    by_t[i] += prices.get((kind, thing, "t"), 0.0)
                    if kind == "service":
                        by_m3[i] += prices.get((kind, thing, "m3"), 0.0)
            self._paid = (by_t, by_m3)
        return np.asarray(self._paid[0] + m3_per_t * self._paid[1])

    def quickest_of_cheapest(self, weights: Floats) -> dict[tuple[int, int], float]:
        """Hours of the cheapest move between two vertices, the quickest where several are."""
        found: dict[tuple[int, int], tuple[float, float]] = {}
        for tail, head, weight, hours in zip(
            self.tail.tolist(), self.head.tolist(), weights.tolist(), self.hours.tolist(), strict=True
        ):
            known = found.get((tail, head))
            if known is None or (weight, hours) < known:
                found[(tail, head)] = (weight, hours)
        return {pair: hours for pair, (_, hours) in found.items()}

    def charges(self, factors: Sequence[float], product: int, direction: str) -> Floats:
        """What limits charge a tonne on each move, see :meth:`PricedLimits.charges`."""
        return self._limits.charges(factors, self._met, product, direction, self._counts)

    def matrix(self, weights: Floats, *, reverse: bool = False) -> csr_matrix:
        """Sparse matrix of the cheapest of parallel moves; zeros are stored."""
        tail, head = self._ends[::-1] if reverse else self._ends
        size = len(self.number)
        least = np.minimum.reduceat(weights[self._order], self._first)
        return csr_matrix((least, (tail, head)), shape=(size, size))
