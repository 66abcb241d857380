"""Series reduction: vertices with one way in and one way out are taken out of a graph.

Most vertices of a virtual network are of that kind (on board between two stops, cleared and waiting), so
trees on the reduced graph are found several times faster. A reduced arc is a run of original arcs.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Ints = NDArray[np.int32]


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
    first: NDArray[np.int64]
    run: Ints

    def weights(self, original: Floats) -> Floats:
        """Add up weights of original arcs along each run."""
        return np.add.reduceat(original[self.run], self.first[:-1]) if len(self.run) else np.zeros(0)

    def unfolded(self, arcs: Ints) -> Ints:
        """Original arcs of a path of reduced arcs."""
        return np.concatenate([self.run[self.first[a] : self.first[a + 1]] for a in arcs]).astype(np.int32)


def series_reduced(num_vertices: int, tail: Ints, head: Ints, arcs: Ints, keep: Ints) -> ReducedGraph:
    """Reduce the graph made of `arcs`, never taking out the vertices in `keep`."""
    ins = np.bincount(head[arcs], minlength=num_vertices)
    outs = np.bincount(tail[arcs], minlength=num_vertices)
    inner = (ins == 1) & (outs == 1)
    inner[keep] = False
    onward = np.full(num_vertices, -1, np.int64)
    onward[tail[arcs]] = arcs
    runs: list[list[int]] = []
    for arc in arcs.tolist():
        if inner[tail[arc]]:
            continue
        run = [arc]
        while inner[head[run[-1]]]:
            run.append(int(onward[head[run[-1]]]))
        runs.append(run)
    lengths = np.array([len(run) for run in runs], dtype=np.int64)
    return ReducedGraph(
        tail=np.array([tail[run[0]] for run in runs], dtype=np.int32),
        head=np.array([head[run[-1]] for run in runs], dtype=np.int32),
        first=np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64),
        run=np.array([arc for run in runs for arc in run], dtype=np.int32),
    )
