"""Shortest-path kernels on arrays, compiled by numba.

Graphs are in compressed form and may hold parallel arcs. A tree gives, per vertex, its distance from the
root and the position of the arc that enters it (that leaves it, in a reversed graph).
"""

from __future__ import annotations

import heapq
from dataclasses import dataclass

import numba
import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Ints = NDArray[np.int32]


@dataclass(frozen=True)
class CompressedGraph:
    """Arcs sorted by their starting vertex.

    Parameters
    ----------
    start
        Arcs of vertex v are positions ``start[v]`` … ``start[v + 1] - 1``.
    end
        Vertex at the other end of each position.
    arc
        Arc number of each position.
    """

    start: Ints
    end: Ints
    arc: Ints

    @classmethod
    def from_arcs(
        cls, num_vertices: int, tail: Ints, head: Ints, chosen: NDArray[np.intp] | None = None
    ) -> CompressedGraph:
        """Sort arcs by tail; for the reversed graph swap the two. `chosen` arcs keep their numbers."""
        arcs = np.arange(len(tail)) if chosen is None else chosen
        order = arcs[np.argsort(tail[arcs], kind="stable")].astype(np.int32)
        counts = np.bincount(tail[arcs], minlength=num_vertices)
        start = np.concatenate([[0], np.cumsum(counts)]).astype(np.int32)
        return cls(start, head[order].astype(np.int32), order)

    @property
    def num_vertices(self) -> int:
        """Number of vertices."""
        return len(self.start) - 1

    def trees(self, weights: Floats, roots: Ints) -> tuple[Floats, Ints]:
        """Shortest-path trees from each root.

        Parameters
        ----------
        weights
            Weight ≥ 0 of each arc, in arc order; infinite: the arc is closed.
        roots
            Vertices to start from.

        Returns
        -------
        distance, arc
            Shape (roots, vertices): distance (inf: unreached) and the arc that enters the vertex (-1: none).
        """
        return _trees(self.start, self.end, self.arc, weights, roots)

    def trees_to(
        self,
        weights: Floats,
        roots: Ints,
        row: Ints,
        ends: Ints,
        most: Floats,
        ahead: Floats | None = None,
        place: Ints | None = None,
    ) -> tuple[Floats, Ints]:
        """Shortest-path trees that end once their questions are answered.

        Parameters
        ----------
        weights, roots
            As for :meth:`trees`.
        row, ends, most
            Question i: the distance from ``roots[row[i]]`` to ``ends[i]``, as far as it is below ``most[i]``.
        ahead, place
            Lower bounds: from vertex v to ``ends[i]`` it is at least ``ahead[place[i], v]``. Vertices from
            which no end can be reached below its `most` are left out.

        Returns
        -------
        distance, arc
            Of each question the distance, or `most` where it is not below, inf: unreached. And the trees'
            arcs as for :meth:`trees`, which hold for vertices on the way to answered ends.
        """
        if ahead is None or place is None:
            ahead, place = np.zeros((0, 0)), np.zeros(0, np.int32)
        return _trees_to(self.start, self.end, self.arc, weights, roots, row, ends, most, ahead, place)


@numba.njit(cache=True, nogil=True)
def tree_from(start, end, arc, weights, root, reach, via):
    """Shortest-path tree from `root`; fills `reach` and `via`."""
    n = len(start) - 1
    tree_until(start, end, arc, weights, root, reach, via, np.zeros(n, np.bool_), -1, np.full(n, np.inf))


@numba.njit(cache=True, nogil=True)
def tree_until(start, end, arc, weights, root, reach, via, wanted, left, room):
    """Tree by Dijkstra's method with a binary heap, until `left` vertices of `wanted` are settled; -1: never.

    Vertices are left out that are not nearer than their `room`. Fills `reach` and `via`.
    """
    reach[:] = np.inf
    via[:] = -1
    done = np.zeros(len(start) - 1, np.bool_)
    keys = np.empty(len(end) + 2, np.float64)
    items = np.empty(len(end) + 2, np.int32)
    reach[root] = 0.0
    keys[0], items[0] = 0.0, root
    size = 1
    while size > 0 and left != 0:
        key, vertex = keys[0], items[0]
        size -= 1
        last_key, last_item = keys[size], items[size]
        hole = 0
        while True:
            child = 2 * hole + 1
            if child >= size:
                break
            if child + 1 < size and keys[child + 1] < keys[child]:
                child += 1
            if keys[child] >= last_key:
                break
            keys[hole], items[hole] = keys[child], items[child]
            hole = child
        keys[hole], items[hole] = last_key, last_item
        if done[vertex]:
            continue
        done[vertex] = True
        if wanted[vertex]:
            left -= 1
        for position in range(start[vertex], start[vertex + 1]):
            other = end[position]
            length = key + weights[arc[position]]
            if length < reach[other] and length < room[other]:
                reach[other] = length
                via[other] = arc[position]
                place = size
                size += 1
                while place > 0:
                    parent = (place - 1) // 2
                    if keys[parent] <= length:
                        break
                    keys[place], items[place] = keys[parent], items[parent]
                    place = parent
                keys[place], items[place] = length, other


@numba.njit(cache=True, nogil=True)
def _trees(start, end, arc, weights, roots):
    distance = np.empty((len(roots), len(start) - 1))
    entering = np.empty((len(roots), len(start) - 1), np.int32)
    for row in range(len(roots)):
        tree_from(start, end, arc, weights, roots[row], distance[row], entering[row])
    return distance, entering


@numba.njit(cache=True, nogil=True)
def _trees_to(start, end, arc, weights, roots, row, ends, most, ahead, place):
    distance, reach = np.empty(len(ends)), np.empty(len(start) - 1)
    entering = np.empty((len(roots), len(start) - 1), np.int32)
    first = np.zeros(len(roots) + 1, np.int64)
    for i in range(len(ends)):
        first[row[i] + 1] += 1
    first = np.cumsum(first)
    order, filled = np.empty(len(ends), np.int64), first[:-1].copy()
    for i in range(len(ends)):
        order[filled[row[i]]] = i
        filled[row[i]] += 1
    wanted = np.zeros(len(start) - 1, np.bool_)
    room = np.full(len(start) - 1, np.inf)
    for r in range(len(roots)):
        left = 0
        if len(ahead):
            room[:] = -np.inf
        for q in range(first[r], first[r + 1]):
            i = order[q]
            if not wanted[ends[i]]:
                wanted[ends[i]] = True
                left += 1
            if len(ahead):
                for v in range(len(room)):
                    room[v] = max(room[v], most[i] - ahead[place[i], v])
        tree_until(start, end, arc, weights, roots[r], reach, entering[r], wanted, left, room)
        for q in range(first[r], first[r + 1]):
            i = order[q]
            distance[i] = min(reach[ends[i]], most[i])
            wanted[ends[i]] = False
    return distance, entering


def tree_paths(entering: Ints, back: Ints, starts: Ints, rows: Ints) -> tuple[Ints, Ints]:
    """Arcs of the tree paths that end at `starts`, walking towards the root.

    Parameters
    ----------
    entering
        Shape (roots, vertices), from :meth:`CompressedGraph.trees`.
    back
        Vertex at the root's side of each arc.
    starts, rows
        Vertex to start from and tree to walk in, one each path.

    Returns
    -------
    lengths, arcs
        Number of arcs of each path, and the arcs row by row in walking order, shape (paths, longest).
    """
    lengths = _path_lengths(entering, back, starts, rows)
    arcs = np.full((len(starts), int(lengths.max(initial=0))), -1, np.int32)
    _walk(entering, back, starts, rows, arcs)
    return lengths, arcs


@numba.njit(cache=True, nogil=True)
def _path_lengths(entering, back, starts, rows):
    lengths = np.zeros(len(starts), np.int32)
    for i in range(len(starts)):
        vertex = starts[i]
        while entering[rows[i], vertex] >= 0:
            lengths[i] += 1
            vertex = back[entering[rows[i], vertex]]
    return lengths


@numba.njit(cache=True, nogil=True)
def _walk(entering, back, starts, rows, arcs):
    for i in range(len(starts)):
        vertex, step = starts[i], 0
        while entering[rows[i], vertex] >= 0:
            arcs[i, step] = entering[rows[i], vertex]
            vertex = back[arcs[i, step]]
            step += 1


@dataclass(frozen=True)
class TimedPaths:
    """Cheapest paths within hours, one entry a question.

    Parameters
    ----------
    cost
        inf: none is in time.
    paths
        Arcs in order of travel; None where there is none.
    """

    cost: Floats
    paths: list[Ints | None]


def cheapest_in_time(
    graph: CompressedGraph,
    back: CompressedGraph,
    weights: Floats,
    hours: Floats,
    root: int,
    ends: Ints,
    most_h: Floats,
) -> TimedPaths:
    """Cheapest path from `root` to each of `ends` that takes at most `most_h`, exactly.

    Labels (cost, hours) are settled in order of cost, so a label is worth keeping where it is faster than all
    settled before it at its vertex. A label from which no end can be reached in time is dropped.

    Parameters
    ----------
    graph, back
        The graph and its reverse.
    weights, hours
        Weight and hours ≥ 0 of each arc; an infinite weight closes it.
    ends, most_h
        One question each.
    """
    late_by = _slack_to_ends(back.start, back.end, back.arc, hours, ends, most_h)
    cost, label, parent, by = _settled_labels(
        graph.start, graph.end, graph.arc, weights, hours, root, ends, most_h, late_by
    )
    paths: list[Ints | None] = []
    for last in label:
        arcs: list[int] = []
        at = int(last)
        while at > 0:
            arcs.append(int(by[at]))
            at = int(parent[at])
        paths.append(np.array(arcs[::-1], dtype=np.int32) if last >= 0 else None)
    return TimedPaths(cost, paths)


@numba.njit(cache=True, nogil=True)
def _slack_to_ends(start, end, arc, hours, ends, most_h):
    """Least over the ends of (hours from a vertex to the end - its most): above -t, a label of t is late."""
    reach = np.full(len(start) - 1, np.inf)
    done = np.zeros(len(start) - 1, np.bool_)
    heap = [(0.0, np.int64(-1))]
    heap.pop()
    for i in range(len(ends)):
        if -most_h[i] < reach[ends[i]]:
            reach[ends[i]] = -most_h[i]
            heapq.heappush(heap, (-most_h[i], np.int64(ends[i])))
    while len(heap) > 0:
        key, vertex = heapq.heappop(heap)
        if done[vertex]:
            continue
        done[vertex] = True
        for position in range(start[vertex], start[vertex + 1]):
            other = end[position]
            length = key + hours[arc[position]]
            if length < reach[other]:
                reach[other] = length
                heapq.heappush(heap, (length, np.int64(other)))
    return reach


@numba.njit(cache=True, nogil=True)
def _settled_labels(start, end, arc, weights, hours, root, ends, most_h, late_by):
    count = len(ends)
    cost, label = np.full(count, np.inf), np.full(count, -1, np.int64)
    asked = np.full(len(start) - 1, -1, np.int64)
    following = np.full(count, -1, np.int64)
    for i in range(count):
        following[i] = asked[ends[i]]
        asked[ends[i]] = i
    fastest = np.full(len(start) - 1, np.inf)
    parent, by, at = [np.int64(-1)], [np.int64(-1)], [np.int64(root)]
    heap = [(0.0, 0.0, np.int64(0))]
    left = count
    while len(heap) > 0 and left > 0:
        key, time, number = heapq.heappop(heap)
        vertex = at[number]
        if time >= fastest[vertex]:
            continue
        fastest[vertex] = time
        i = asked[vertex]
        while i >= 0:
            if label[i] < 0 and time <= most_h[i]:
                cost[i], label[i] = key, number
                left -= 1
            i = following[i]
        for position in range(start[vertex], start[vertex + 1]):
            other = end[position]
            length, later = key + weights[arc[position]], time + hours[arc[position]]
            if length == np.inf or later >= fastest[other] or later + late_by[other] > 0.0:
                continue
            parent.append(number)
            by.append(np.int64(arc[position]))
            at.append(np.int64(other))
            heapq.heappush(heap, (length, later, np.int64(len(at) - 1)))
    return cost, label, np.array(parent), np.array(by)
