"""Cheapest ways within hours, for bounds: labels in the order of time.

Written apart from the search that makes plans, and the other way round: labels are taken in the order of
their hours, so one is worth keeping only where it is cheaper than all that came to its vertex sooner.
"""

from __future__ import annotations

import heapq

import numba
import numpy as np
from numpy.typing import NDArray

from logistics.verification.graph import MoveGraph

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


def cheapest_within(
    graph: MoveGraph, weights: Floats, to_go_h: Floats, root: int, ends: Ints, most_h: Floats
) -> Floats:
    """Least weight of a way from `root` to each of `ends` of at most `most_h` hours; inf: none.

    Parameters
    ----------
    weights
        Of each move; an infinite weight closes one.
    to_go_h
        Least hours from each vertex to any of the ends.
    ends, most_h
        One question each.
    """
    order = np.argsort(graph.tail, kind="stable")
    first = np.searchsorted(graph.tail[order], np.arange(len(graph.number) + 1))
    moves = graph.head[order], weights[order], graph.hours[order]
    return np.asarray(_labelled(first, *moves, to_go_h, root, ends, most_h, float(most_h.max())))


@numba.njit(cache=True)
def _labelled(first, head, weights, hours, to_go, root, ends, most_h, longest):
    cheapest = np.full(len(first) - 1, np.inf)
    answer = np.full(len(ends), np.inf)
    heap = [(0.0, 0.0, np.int64(root))]
    asked = np.zeros(len(first) - 1, np.bool_)
    asked[ends] = True
    while len(heap) > 0:
        time, paid, vertex = heapq.heappop(heap)
        if paid >= cheapest[vertex]:
            continue
        cheapest[vertex] = paid
        if asked[vertex]:
            for i in range(len(ends)):
                if ends[i] == vertex and time <= most_h[i]:
                    answer[i] = min(answer[i], paid)
        for move in range(first[vertex], first[vertex + 1]):
            later, dearer = time + hours[move], paid + weights[move]
            if later + to_go[head[move]] <= longest and dearer < cheapest[head[move]]:
                heapq.heappush(heap, (later, dearer, np.int64(head[move])))
    return answer
