"""Cheapest paths under a cost that is concave in an additive figure: linear + κ·sqrt(w).

A concave function of additive figures is least at a supported point of the hull of (linear, w): shortest
paths on linear + λ·w for a few λ find it, and the lines D(λ) - λ·w they leave prove it (dichotomic search,
one λ serves all origins).
"""

from __future__ import annotations

from dataclasses import dataclass

import numba
import numpy as np
from numpy.typing import NDArray

from logistics.paths import CompressedGraph, tree_until

Floats = NDArray[np.float64]
Ints = NDArray[np.int32]
TOLERANCE = 1e-11
FIRST_LINES = 16
LONG_PATH = 64


@dataclass(frozen=True)
class RootCosts:
    """What differs between the roots of a search, one entry a root.

    Parameters
    ----------
    root
        Vertex searched backwards from.
    storage
        Price of a unit of `held` on the way.
    kappa, own_w
        κ, and w added at the root.
    """

    root: Ints
    storage: Floats
    kappa: Floats
    own_w: Floats


@dataclass(frozen=True)
class HullPaths:
    """Best ways from each origin to each root.

    Parameters
    ----------
    value
        Cost of the best way with its concave part, inf: none, shape (roots, origins).
    lengths, arcs
        The way: number of arcs, and the arcs in order of travel, shape (roots, origins, longest).
    """

    value: Floats
    lengths: Ints
    arcs: Ints


def hull_paths(
    graph: CompressedGraph,
    head: Ints,
    linear: Floats,
    held: Floats,
    spread: Floats,
    roots: RootCosts,
    origins: Ints,
    least_w: Floats,
) -> HullPaths:
    """Find the way from each origin to each root that minimises linear + storage·held + κ·sqrt(w).

    Parameters
    ----------
    graph
        The reversed graph: arcs sorted by their head.
    head
        Head of each arc.
    linear, held, spread
        Linear cost, held hours and w of each arc.
    least_w
        Least w of any way, shape (roots, origins), see :func:`least_spread`.
    """
    shape = (len(roots.root), len(origins))
    value = np.full(shape, np.inf)
    lengths = np.zeros(shape, np.int32)
    longest = LONG_PATH
    while True:
        arcs = np.zeros((*shape, longest), np.int32)
        value[:] = np.inf
        _search_all(
            graph.start, graph.end, graph.arc, head, linear, held, spread,
            roots.root, roots.storage, roots.kappa, roots.own_w, origins, least_w, value, lengths, arcs,
        )  # fmt: skip
        needed = int(lengths.max(initial=0))
        if needed <= longest:
            return HullPaths(value, lengths, arcs)
        longest = needed


def least_spread(graph: CompressedGraph, spread: Floats, root: Ints, origins: Ints) -> Floats:
    """Least w of any way from each origin to each root, shape (roots, origins)."""
    distance, _ = graph.trees(spread, root)
    return np.ascontiguousarray(distance[:, origins])


@numba.njit(cache=True, nogil=True)
def _search_all(
    start,
    end,
    arc,
    head,
    linear,
    held,
    spread,
    root,
    storage,
    kappa,
    own_w,
    origins,
    least_w,
    value,
    lengths,
    arcs,
):
    for j in range(len(root)):
        _search_root(
            start, end, arc, head, linear + storage[j] * held, spread, root[j], kappa[j], own_w[j],
            origins, least_w[j], value[j], lengths[j], arcs[j],
        )  # fmt: skip


@numba.njit(cache=True, nogil=True)
def _search_root(
    start, end, arc, head, linear, spread, root, kappa, own_w, origins, low, value, lengths, arcs
):
    """Search from one root until no path can beat the best point found, origin by origin.

    Any path obeys linear ≥ max_λ (D(λ) - λ·w) and w ≥ its least w; linear + κ·sqrt(w) is concave between the
    corners of that boundary, so its least value there is at a corner: where neighbouring lines cross, or
    where the steepest line meets the least w.
    """
    count = len(origins)
    lam = np.empty(FIRST_LINES)
    total = np.empty((FIRST_LINES, count))
    w = np.empty((FIRST_LINES, count))
    distance = np.empty(len(start) - 1)
    entering = np.empty(len(start) - 1, np.int32)
    size, new = 0, 0.0
    wanted, asked = np.zeros(len(start) - 1, np.bool_), 0
    for i in range(count):
        if not wanted[origins[i]]:
            wanted[origins[i]] = True
            asked += 1
    room = np.full(len(start) - 1, np.inf)
    while True:
        if size == len(lam):
            lam = np.concatenate((lam, np.empty_like(lam)))
            total = np.concatenate((total, np.empty_like(total)))
            w = np.concatenate((w, np.empty_like(w)))
        # Insert the new line in order of its slope.
        place = size
        while place > 0 and lam[place - 1] > new:
            lam[place] = lam[place - 1]
            total[place] = total[place - 1]
            w[place] = w[place - 1]
            place -= 1
        lam[place] = new
        tree_until(start, end, arc, linear + new * spread, root, distance, entering, wanted, asked, room)
        for i in range(count):
            total[place, i] = distance[origins[i]]
            w[place, i] = 0.0
            vertex, steps = origins[i], 0
            while entering[vertex] >= 0:
                w[place, i] += spread[entering[vertex]]
                vertex = head[entering[vertex]]
                steps += 1
            if total[place, i] < np.inf:
                point = total[place, i] - new * w[place, i] + kappa * np.sqrt(w[place, i] + own_w)
                if point < value[i]:
                    value[i] = point
                    lengths[i] = steps
                    vertex = origins[i]
                    # Ways longer than the array are counted; the caller comes again with a longer one.
                    for step in range(min(steps, arcs.shape[1])):
                        arcs[i, step] = entering[vertex]
                        vertex = head[entering[vertex]]
        size += 1
        if kappa == 0.0:
            return
        doubt, new = 0.0, -1.0
        for i in range(count):
            if value[i] == np.inf:
                continue
            for line in range(size):
                steepest = line + 1 == size
                corner = low[i]
                if not steepest:
                    corner = max(corner, (total[line + 1, i] - total[line, i]) / (lam[line + 1] - lam[line]))
                least = total[line, i] - lam[line] * corner + kappa * np.sqrt(corner + own_w)
                short = value[i] - least
                if short <= max(doubt, TOLERANCE * max(1.0, value[i])):
                    continue
                if steepest:
                    if w[line, i] <= low[i]:
                        continue
                    slope = kappa / (np.sqrt(w[line, i] + own_w) + np.sqrt(low[i] + own_w))
                else:
                    fall = w[line, i] - w[line + 1, i]
                    if fall <= 0.0:
                        continue
                    rise = total[line + 1, i] - lam[line + 1] * w[line + 1, i]
                    slope = (rise - (total[line, i] - lam[line] * w[line, i])) / fall
                fresh = slope > 0.0
                for known in range(size):
                    fresh = fresh and abs(lam[known] - slope) > 1e-14 * max(1.0, slope)
                if fresh:
                    doubt, new = short, slope
        if new < 0.0:
            return
