"""Series reduction: vertices with one way in and one way out are taken out of a graph.

Most vertices of a virtual network are of that kind (on board between two stops, cleared and waiting), so
trees on the reduced graph are found several times faster. A reduced arc is a run of original arcs.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numba
import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Ints = NDArray[np.int32]
Longs = NDArray[np.int64]


@dataclass(frozen=True)
class ReducedGraph:
    """A graph without series vertices.

    Parameters
    ----------
    tail, head
        Ends of the reduced arcs, in the original vertex numbers.
    first
        Run of reduced arc i is ``run[first[i]:first[i + 1]]``.
    run
        Original arcs, run by run in order of travel.
    """

    tail: Ints
    head: Ints
    first: Longs
    run: Ints

    def weights(self, original: Floats) -> Floats:
        """Add up weights of original arcs along each run."""
        return np.add.reduceat(original[self.run], self.first[:-1]) if len(self.run) else np.zeros(0)

    def spread(self, reduced: Floats, num_arcs: int) -> Floats:
        """Value of each original arc, that of the run it is in; 0 for arcs in none."""
        original = np.zeros(num_arcs)
        original[self.run] = np.repeat(reduced, np.diff(self.first))
        return original

    def unfolded(self, paths: Sequence[Ints]) -> list[Ints]:
        """Original arcs of paths of reduced arcs."""
        if not paths:
            return []
        lengths = np.array([len(path) for path in paths])
        return self.unfolded_flat(np.concatenate(paths), np.cumsum(lengths))

    def unfolded_flat(self, arcs: Ints, ends: Longs) -> list[Ints]:
        """Original arcs of paths that stand one after the other in `arcs` and stop before `ends`."""
        sizes = np.diff(self.first)[arcs]
        stops = np.concatenate([[0], np.cumsum(sizes)])
        place = np.arange(stops[-1]) + np.repeat(self.first[arcs] - stops[:-1], sizes)
        flat, cuts = self.run[place], stops[ends].tolist()
        return [flat[a:b] for a, b in zip([0, *cuts[:-1]], cuts, strict=True)]


def series_reduced(num_vertices: int, tail: Ints, head: Ints, arcs: Ints, keep: Ints) -> ReducedGraph:
    """Reduce the graph made of `arcs`, never taking out the vertices in `keep`."""
    ins = np.bincount(head[arcs], minlength=num_vertices)
    outs = np.bincount(tail[arcs], minlength=num_vertices)
    inner = (ins == 1) & (outs == 1)
    inner[keep] = False
    onward = np.full(num_vertices, -1, np.int32)
    onward[tail[arcs]] = arcs
    first, run = _runs(tail, head, arcs, inner, onward)
    return ReducedGraph(tail=tail[run[first[:-1]]], head=head[run[first[1:] - 1]], first=first, run=run)


@numba.njit(cache=True, nogil=True)
def _runs(tail: Ints, head: Ints, arcs: Ints, inner: NDArray[np.bool_], onward: Ints) -> tuple[Longs, Ints]:
    run = np.empty(len(arcs), np.int32)
    first = np.empty(len(arcs) + 1, np.int64)
    first[0] = 0
    count, filled = 0, 0
    for arc in arcs:
        if inner[tail[arc]]:
            continue
        run[filled] = arc
        filled += 1
        while inner[head[run[filled - 1]]]:
            run[filled] = onward[head[run[filled - 1]]]
            filled += 1
        count += 1
        first[count] = filled
    return first[: count + 1].copy(), run[:filled].copy()
