"""An instance that holds many additions at once, and the instances it is made of.

Arcs, vertices and resources of all additions stand in one instance, each in a part. The base is what is in no
part. An addition is one or several parts; two additions may share one, such as a terminal that both need.
Numbers of vertices and commodities are the same in all instances made of one union.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from logistics.virtual_network.instance import Instance, Layer, Limit, Resource

Ints = NDArray[np.int32]
BASE = -1


@dataclass(frozen=True)
class Restriction:
    """What is left of a union when only some additions are in.

    Parameters
    ----------
    instance
        The instance.
    arcs
        Number in the union of each of its arcs, by layer.
    resources
        Number in the union of each of its resources.
    """

    instance: Instance
    arcs: tuple[Ints, ...]
    resources: NDArray[np.intp]

    def in_union(self, paths: Sequence[tuple[int, Ints]]) -> list[tuple[int, Ints]]:
        """Paths, as (commodity, arcs), in the numbers of the union."""
        layer = self.instance.commodities.layer
        return [(k, self.arcs[layer[k]][path]) for k, path in paths]


@dataclass(frozen=True)
class UnionInstance:
    """An instance with all additions in.

    Parameters
    ----------
    instance
        The whole; the capacities of additions are those they have when they are in.
    names
        Names of the additions.
    arc_part
        Part that each arc belongs to, -1: the base; by layer, shape (arcs,).
    resource_part
        The same for resources, shape (resources,). An arc of a part may use the base's resources, not the
        other way round.
    parts
        Parts of each addition; empty: addition j is part j.
    """

    instance: Instance
    names: tuple[str, ...]
    arc_part: tuple[Ints, ...]
    resource_part: Ints
    parts: tuple[tuple[int, ...], ...] = ()

    def parts_of(self, addition: int) -> tuple[int, ...]:
        """Parts of an addition."""
        return self.parts[addition] if self.parts else (addition,)

    @property
    def num_parts(self) -> int:
        """Number of parts."""
        if not self.parts:
            return len(self.names)
        return 1 + max(part for some in self.parts for part in some)

    def restricted(self, chosen: Sequence[int]) -> Restriction:
        """The base with the chosen additions."""
        isin = np.zeros(self.num_parts + 1, bool)
        isin[[BASE, *(part for addition in chosen for part in self.parts_of(addition))]] = True
        kept_rows = np.flatnonzero(isin[self.resource_part])
        row = np.full(len(self.resource_part), -1, np.int32)
        row[kept_rows] = np.arange(len(kept_rows))
        arcs = tuple(np.flatnonzero(isin[owner]).astype(np.int32) for owner in self.arc_part)
        numbers = []
        for owner, kept in zip(self.arc_part, arcs, strict=True):
            number = np.full(len(owner), -1, np.int32)
            number[kept] = np.arange(len(kept))
            numbers.append(number)
        whole = self.instance
        instance = replace(
            whole,
            layers=tuple(_cut(*part, row) for part in zip(whole.layers, arcs, numbers, strict=True)),
            resources=tuple(whole.resources[i] for i in kept_rows),
            limits=tuple(_marked(limit, numbers) for limit in whole.limits),
        )
        return Restriction(instance, arcs, kept_rows)

    def gated(self) -> Instance:
        """The whole with a resource more for each part, without a limit, that each of its arcs uses.

        A price on it shuts the part out of every path.
        """
        whole, first = self.instance, len(self.instance.resources)
        gates = tuple(Resource("gate", str(part), "t", np.inf) for part in range(self.num_parts))
        layers = []
        for layer, owner in zip(whole.layers, self.arc_part, strict=True):
            mine = np.flatnonzero(owner != BASE).astype(np.int32)
            layers.append(
                replace(
                    layer,
                    use_arc=np.concatenate([layer.use_arc, mine]),
                    use_row=np.concatenate([layer.use_row, (first + owner[mine]).astype(np.int32)]),
                    use_is_m3=np.concatenate([layer.use_is_m3, np.zeros(len(mine), bool)]),
                )
            )
        return replace(whole, layers=tuple(layers), resources=whole.resources + gates)


def _cut(layer: Layer, arcs: Ints, number: Ints, row: Ints) -> Layer:
    """A layer with only some arcs; their new numbers are in `number`, those of resources in `row`."""
    if len(arcs) == layer.num_arcs and np.array_equal(row, np.arange(len(row))):
        return layer
    uses = number[layer.use_arc] >= 0
    stores = number[layer.store_arc] >= 0
    return replace(
        layer,
        tail=layer.tail[arcs],
        head=layer.head[arcs],
        money_cny_per_t=layer.money_cny_per_t[arcs],
        pipeline_h=layer.pipeline_h[arcs],
        customer_h=layer.customer_h[arcs],
        lead_h=layer.lead_h[arcs],
        variance_h2=layer.variance_h2[arcs],
        stock_h=layer.stock_h[arcs],
        co2_kg_per_t=layer.co2_kg_per_t[arcs],
        use_arc=number[layer.use_arc[uses]],
        use_row=row[layer.use_row[uses]],
        use_is_m3=layer.use_is_m3[uses],
        steps=tuple(layer.steps[i] for i in arcs.tolist()),
        store_arc=number[layer.store_arc[stores]],
        storage_cny_per_t_h=layer.storage_cny_per_t_h[stores],
        pooling=layer.pooling[stores] if len(layer.pooling) else layer.pooling,
    )


def _marked(limit: Limit, numbers: Sequence[Ints]) -> Limit:
    """A limit whose marked arcs have new numbers; those that are gone are left out."""
    marks = []
    for layer, arcs in limit.marks:
        new = numbers[layer][arcs]
        marks.append((layer, new[new >= 0]))
    return replace(limit, marks=tuple(marks))
