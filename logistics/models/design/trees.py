"""Shortest-path trees of many roots at once, each with some arcs dearer than for the others."""

from __future__ import annotations

from dataclasses import dataclass

import numba
import numpy as np
from numpy.typing import NDArray

from logistics.paths import CompressedGraph, tree_until

Floats = NDArray[np.float64]
Ints = NDArray[np.int32]
Longs = NDArray[np.int64]


@dataclass(frozen=True)
class Roots:
    """Where trees start and what is asked of them.

    Parameters
    ----------
    root
        Root of each tree.
    weights_row
        Row of the weights that a tree grows by.
    first
        Questions of tree i are ``first[i]`` … ``first[i + 1] - 1``.
    end
        Vertex that a question is about.
    """

    root: Ints
    weights_row: Ints
    first: Longs
    end: Ints


@dataclass(frozen=True)
class Surcharges:
    """What single trees pay more on single arcs.

    Parameters
    ----------
    first
        Those of tree i are ``first[i]`` … ``first[i + 1] - 1``.
    arc, price
        Where, and how much.
    """

    first: Longs
    arc: Ints
    price: Floats


def grown(
    graph: CompressedGraph, tail: Ints, weights: Floats, roots: Roots, extra: Surcharges, most: Floats
) -> tuple[Floats, Longs, Ints]:
    """Distances asked for, and the paths that are below their `most`.

    Parameters
    ----------
    graph, tail
        The graph, and where each of its arcs starts.
    weights
        Weights ≥ 0, shape (rows, arcs).
    most
        A question is answered as far as the distance is below this; -inf: it is not asked.

    Returns
    -------
    distance
        Of each question; `most` where it is not below, inf where there is no way.
    stop
        Path of question i is ``arcs[stop[i - 1]:stop[i]]``, empty where the distance is not below `most`.
    arcs
        Paths one after the other, in order of travel.
    """
    found: tuple[Floats, Longs, Ints] = _grown(
        graph.start, graph.end, graph.arc, tail, weights, roots.root, roots.weights_row, roots.first,
        roots.end, extra.first, extra.arc, extra.price, most,
    )  # fmt: skip
    return found


@numba.njit(cache=True, nogil=True)
def _grown(
    start: Ints,
    end: Ints,
    arc: Ints,
    tail: Ints,
    weights: Floats,
    root: Ints,
    weights_row: Ints,
    first: Longs,
    asked: Ints,
    extra_first: Longs,
    extra_arc: Ints,
    extra_price: Floats,
    most: Floats,
) -> tuple[Floats, Longs, Ints]:
    vertices = len(start) - 1
    reach, via = np.empty(vertices), np.empty(vertices, np.int32)
    wanted, room = np.zeros(vertices, np.bool_), np.empty(vertices)
    own = np.empty(weights.shape[1])
    distance, stop = most.copy(), np.zeros(len(asked), np.int64)
    paths, filled = np.empty(16 * len(asked) + vertices, np.int32), 0
    for i in range(len(root)):
        left, farthest = 0, -np.inf
        for q in range(first[i], first[i + 1]):
            if most[q] > -np.inf:
                farthest = max(farthest, most[q])
                if not wanted[asked[q]]:
                    wanted[asked[q]] = True
                    left += 1
        if left > 0:
            own[:] = weights[weights_row[i]]
            for j in range(extra_first[i], extra_first[i + 1]):
                own[extra_arc[j]] += extra_price[j]
            room[:] = farthest
            tree_until(start, end, arc, own, root[i], reach, via, wanted, left, room)
        for q in range(first[i], first[i + 1]):
            if most[q] > -np.inf:
                wanted[asked[q]] = False
                if farthest == np.inf or reach[asked[q]] < most[q]:
                    distance[q] = reach[asked[q]]
                if reach[asked[q]] < most[q]:
                    length, vertex = 0, asked[q]
                    while via[vertex] >= 0:
                        length += 1
                        vertex = tail[via[vertex]]
                    if filled + length > len(paths):
                        longer = np.empty(2 * len(paths) + length, np.int32)
                        longer[:filled] = paths[:filled]
                        paths = longer
                    vertex = asked[q]
                    for place in range(filled + length - 1, filled - 1, -1):
                        paths[place] = via[vertex]
                        vertex = tail[via[vertex]]
                    filled += length
            stop[q] = filled
    return distance, stop, paths[:filled].copy()
