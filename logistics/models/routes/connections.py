"""How an addition joins vertices of the base: every way through its own arcs alone."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from logistics.models.routes.union import BASE, UnionInstance
from logistics.virtual_network.instance import Layer

Ints = NDArray[np.int32]
MOST_CONNECTIONS = 500


@dataclass(frozen=True)
class Connections:
    """Ways of one addition through one layer.

    Parameters
    ----------
    entry, exit
        Vertices of the base where each way begins and ends.
    first, arcs
        Way i is ``arcs[first[i]:first[i + 1]]``.
    row
        First resource of the addition, counted in tonnes, that the way draws on; -1: none.
    """

    entry: Ints
    exit: Ints
    first: NDArray[np.int64]
    arcs: Ints
    row: Ints

    def __len__(self) -> int:
        """Count the ways."""
        return len(self.entry)


def gated_connections(layer: Layer, owner: NDArray[np.int64]) -> dict[int, Connections]:
    """By owner every arc that draws tonnes on one of its resources, as a way of its own.

    Parameters
    ----------
    owner
        Owner of each resource, -1: none, shape (resources,).
    """
    mine = np.flatnonzero((owner[layer.use_row] >= 0) & ~layer.use_is_m3)
    arc, row = layer.use_arc[mine], layer.use_row[mine]
    found = {}
    for one in np.unique(owner[row]).tolist():
        some = owner[row] == one
        arcs = arc[some].astype(np.int32)
        found[one] = Connections(
            layer.tail[arcs], layer.head[arcs], np.arange(len(arcs) + 1), arcs, row[some].astype(np.int32)
        )
    return found


def connections_of(union: UnionInstance, addition: int, layer: int) -> Connections | None:
    """Every way through the arcs of an addition from one vertex of the base to another.

    None where there are too many, or where the parts of the addition are walked in circles.
    """
    graph, part = union.instance.layers[layer], union.arc_part[layer]
    own = np.flatnonzero(np.isin(part, union.parts_of(addition)))
    ends = np.concatenate([graph.tail[own], graph.head[own]])
    based = np.isin(ends, _base_vertices(union, layer))
    base = set(ends[based].tolist())
    onward: dict[int, list[int]] = {}
    for arc in own.tolist():
        onward.setdefault(int(graph.tail[arc]), []).append(arc)
    row_of = _first_rows(union, addition, layer)
    found: list[tuple[int, int, list[int], int]] = []
    for start in sorted(base & onward.keys()):
        stack = [(arc, [arc]) for arc in onward[start]]
        while stack:
            arc, way = stack.pop()
            end = int(graph.head[arc])
            if end in base:
                if end != start:
                    row = next((row_of[a] for a in way if a in row_of), BASE)
                    found.append((start, end, way, row))
                    if len(found) > MOST_CONNECTIONS:
                        return None
                continue
            if len(way) > len(own):
                return None
            stack += [(after, [*way, after]) for after in onward.get(end, ())]
    if not found:
        nothing = np.zeros(0, np.int32)
        return Connections(nothing, nothing, np.zeros(1, np.int64), nothing, nothing)
    lengths = [len(way) for _, _, way, _ in found]
    return Connections(
        np.array([entry for entry, _, _, _ in found], np.int32),
        np.array([end for _, end, _, _ in found], np.int32),
        np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64),
        np.array([arc for _, _, way, _ in found for arc in way], np.int32),
        np.array([row for _, _, _, row in found], np.int32),
    )


def _base_vertices(union: UnionInstance, layer: int) -> Ints:
    """Vertices that arcs of the base touch, and ends of commodities."""
    graph, based = union.instance.layers[layer], union.arc_part[layer] == BASE
    c = union.instance.commodities
    mine = c.layer == layer
    parts = [graph.tail[based], graph.head[based], c.origin[mine], c.destination[mine]]
    return np.unique(np.concatenate(parts))


def _first_rows(union: UnionInstance, addition: int, layer: int) -> dict[int, int]:
    """Resource of the addition, in tonnes, that each of its arcs draws on."""
    graph = union.instance.layers[layer]
    rows = np.flatnonzero(np.isin(union.resource_part, union.parts_of(addition)))
    mine = np.isin(graph.use_row, rows) & ~graph.use_is_m3
    return dict(zip(graph.use_arc[mine].tolist(), graph.use_row[mine].tolist(), strict=True))
