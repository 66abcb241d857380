"""Paths of one instance found again in another: a start where a network changes a little."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

from logistics.virtual_network.instance import Instance, Layer, Step

Ints = NDArray[np.int32]


def carried_paths(old: Instance, paths: Iterable[tuple[int, Ints]], new: Instance) -> list[tuple[int, Ints]]:
    """Paths of `old`, as (commodity, arcs), that `new` has as well; the others are left out.

    A path is followed step by step in the new graph. It is the same path when every step is there.
    """
    number = {layer.name: place for place, layer in enumerate(new.layers)}
    member = {
        key: k for k, key in enumerate(zip(new.commodities.demand_id, new.commodities.tier, strict=True))
    }
    arcs_at = [_arcs_by_step(layer) for layer in new.layers]
    c = old.commodities
    found = []
    for k, path in paths:
        layer = old.layers[c.layer[k]]
        place = number.get(layer.name)
        twin = member.get((c.demand_id[k], c.tier[k]))
        if place is None or twin is None or new.commodities.destination[twin] < 0:
            continue
        steps = [layer.steps[arc] for arc in path]
        arcs = _followed(new.layers[place], arcs_at[place], int(new.commodities.origin[twin]), steps)
        if arcs is not None and new.layers[place].head[arcs[-1]] == new.commodities.destination[twin]:
            found.append((twin, arcs))
    return found


def _arcs_by_step(layer: Layer) -> dict[tuple[int, Step], int]:
    return {
        (tail, step): arc
        for arc, (tail, step) in enumerate(zip(layer.tail.tolist(), layer.steps, strict=True))
    }


def _followed(
    layer: Layer, arcs_at: dict[tuple[int, Step], int], vertex: int, steps: list[Step]
) -> Ints | None:
    arcs = []
    for step in steps:
        arc = arcs_at.get((vertex, step))
        if arc is None:
            return None
        arcs.append(arc)
        vertex = int(layer.head[arc])
    return np.array(arcs, dtype=np.int32)
