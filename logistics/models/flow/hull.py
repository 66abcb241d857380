"""Cheapest paths under a cost that is concave in an additive figure: linear + κ·sqrt(w).

A concave function of additive figures is least at a supported point of the hull of (linear, w): shortest
paths on linear + λ·w for a few λ find it, and the lines D(λ) - λ·w they leave prove it (dichotomic search,
one λ serves all origins).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from logistics.paths import CompressedGraph, walked

Floats = NDArray[np.float64]
Ints = NDArray[np.int32]
TOLERANCE = 1e-11
MAX_SEARCHES = 60


@dataclass(frozen=True)
class Upstream:
    """Best ways from each asked origin to one root.

    Parameters
    ----------
    value
        Cost of the best way with its concave part, shape (origins,).
    trees
        Arc that leaves each vertex towards the root, one row a search, shape (searches, vertices).
    chosen
        Row of `trees` that holds the best way, shape (origins,).
    """

    value: Floats
    trees: Ints
    chosen: Ints


class HullSearch:
    """Supported points of (linear, w) from many origins to one root, refined until the best is proven.

    Parameters
    ----------
    graph
        The reversed graph.
    head
        Vertex at the root's side of each arc.
    linear, spread
        Linear cost and w of each arc.
    root, origins
        Vertex searched from, and vertices asked for.
    kappa, own_w
        κ, and w added at the root.
    """

    def __init__(
        self,
        graph: CompressedGraph,
        head: Ints,
        linear: Floats,
        spread: Floats,
        root: Ints,
        origins: Ints,
        kappa: float,
        own_w: float,
    ) -> None:
        self._graph, self._head, self._linear, self._spread, self._root = graph, head, linear, spread, root
        self._origins, self._kappa, self._own_w = origins, kappa, own_w
        self._lambdas: list[float] = []
        self._totals: list[Floats] = []
        self._ws: list[Floats] = []
        self._trees: list[Ints] = []
        self._add(0.0)

    def _add(self, lam: float) -> None:
        """Search with weight `lam` on w and keep the line D(λ) - λ·w and the point it found."""
        weights = self._linear + lam * self._spread if lam else self._linear
        distance, leaving = self._graph.trees(weights, self._root)
        self._lambdas.append(lam)
        self._totals.append(distance[0][self._origins])
        self._trees.append(leaving[0])
        if self._kappa > 0:
            self._ws.append(self._w_along(leaving))

    def _w_along(self, leaving: Ints) -> Floats:
        """Sum w along the tree path of each origin."""
        count = len(self._origins)
        lengths, arcs = walked(leaving, self._head, self._origins, np.zeros(count, np.int32), 64)
        used = np.arange(arcs.shape[1]) < lengths[:, None]
        return np.where(used, self._spread[arcs], 0.0).sum(axis=1)

    def _values(self) -> Floats:
        """Cost with the concave part of every point found, shape (searches, origins)."""
        if self._kappa == 0:
            return np.array(self._totals)
        w = np.array(self._ws)
        linear = np.array(self._totals) - np.array(self._lambdas)[:, None] * w
        return np.asarray(linear + self._kappa * np.sqrt(w + self._own_w))

    def refine(self, least_w: Floats) -> None:
        """Add searches until no path can be better than the best point found, origin by origin.

        Any path obeys linear ≥ max_λ (D(λ) - λ·w) and w ≥ its least w; linear + κ·sqrt(w) is concave between
        the corners of that boundary, so its least value there is at a corner.

        Parameters
        ----------
        least_w
            Least w of any path from each origin.
        """
        reached = np.isfinite(self._totals[0])
        if not np.any(reached):
            return
        low = least_w[reached]
        for _ in range(MAX_SEARCHES):
            order = np.argsort(self._lambdas)
            lam = np.array(self._lambdas)[order]
            total = np.array(self._totals)[order][:, reached]
            best = self._values()[:, reached].min(axis=0)
            # Corners: crossings of neighbouring lines, and where the steepest line meets the least w.
            crossing = np.maximum((total[1:] - total[:-1]) / (lam[1:] - lam[:-1])[:, None], low)
            corner_w = np.vstack([crossing, low])
            corner = total - lam[:, None] * corner_w + self._kappa * np.sqrt(corner_w + self._own_w)
            short = best - corner
            worst, origin = np.unravel_index(int(np.argmax(short)), short.shape)
            if short[worst, origin] <= TOLERANCE * max(1.0, best[origin]):
                return
            new = self._slope(order, int(worst), int(np.flatnonzero(reached)[origin]), float(low[origin]))
            if new is None or np.any(np.abs(lam - new) <= 1e-15 * max(1.0, new)):
                return
            self._add(new)

    def _slope(self, order: NDArray[np.intp], line: int, origin: int, low: float) -> float | None:
        """Slope of the next search: the chord between two lines' points, or down to the least w."""
        w = [float(self._ws[i][origin]) for i in order]
        if line + 1 == len(order):
            chord = self._kappa / (np.sqrt(w[line] + self._own_w) + np.sqrt(low + self._own_w))
            return float(chord) if w[line] > low else None
        linear = [self._totals[i][origin] - self._lambdas[i] * w_i for i, w_i in zip(order, w, strict=True)]
        fall = w[line] - w[line + 1]
        return float((linear[line + 1] - linear[line]) / fall) if fall > 0 else None

    def result(self) -> Upstream:
        """Best point of each origin."""
        values = self._values()
        chosen = np.argmin(values, axis=0).astype(np.int32)
        return Upstream(values[chosen, np.arange(len(chosen))], np.array(self._trees), chosen)
