"""What an addition can save at most, from what its paths save at given prices and the room it has."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from logistics.models.routes.through import filled
from logistics.models.routes.union import BASE, UnionInstance

Floats = NDArray[np.float64]
Ints = NDArray[np.int32]


def most_saved(
    union: UnionInstance, addition: int, saved: Floats, demand_t: Floats, m3_per_t: Floats
) -> float:
    """Bound on Σ saved · x over x ≤ demand on paths of an addition.

    Where each of its paths must take room in at least one resource of its own, all of them together take at
    most the sum of their capacities; that room is filled with the best savings first.

    Parameters
    ----------
    saved, demand_t, m3_per_t
        Of each commodity that can save: CNY per tonne at most, tonnes, and cubic metres of a tonne.
    """
    most = float(saved @ demand_t)
    rows = np.flatnonzero(np.isin(union.resource_part, union.parts_of(addition)))
    for unit, per_t in (("t", np.ones(len(saved))), ("m3", m3_per_t)):
        mine = [int(row) for row in rows if union.instance.resources[row].unit == unit]
        if mine and not _crosses_freely(union, addition, mine):
            room = sum(union.instance.resources[row].capacity for row in mine)
            most = min(most, filled(saved, demand_t, per_t, room))
    return most


def _crosses_freely(union: UnionInstance, addition: int, rows: list[int]) -> bool:
    """Whether arcs of an addition that draw on none of `rows` lead from a vertex of the base to another."""
    for layer, owner in zip(union.instance.layers, union.arc_part, strict=True):
        draws = np.zeros(layer.num_arcs, bool)
        draws[layer.use_arc[np.isin(layer.use_row, rows)]] = True
        free = np.flatnonzero(np.isin(owner, union.parts_of(addition)) & ~draws)
        based = np.zeros(layer.num_vertices, bool)
        based[layer.tail[owner == BASE]] = based[layer.head[owner == BASE]] = True
        onward: dict[int, list[int]] = {}
        for tail, head in zip(layer.tail[free].tolist(), layer.head[free].tolist(), strict=True):
            onward.setdefault(tail, []).append(head)
        for start in onward:
            if based[start] and _reaches(start, onward, based):
                return True
    return False


def _reaches(start: int, onward: dict[int, list[int]], goal: NDArray[np.bool_]) -> bool:
    seen, stack = {start}, list(onward[start])
    while stack:
        vertex = stack.pop()
        if goal[vertex] and vertex != start:
            return True
        if vertex not in seen:
            seen.add(vertex)
            stack += onward.get(vertex, ())
    return False
