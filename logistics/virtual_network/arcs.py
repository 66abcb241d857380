"""Collecting vertices and arcs of one layer, then packing them into arrays.

The collector lives only inside this package; what leaves it is a frozen :class:`Layer`.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from logistics.virtual_network.instance import Floats, Layer, Step
from logistics.virtual_network.tariffs import NONE, Basis, TariffUnits

Vertex = tuple[str | int, ...]


@dataclass(frozen=True)
class Arc:
    """One arc before packing.

    Money per tonne is ``cny_per_t`` plus ``cny_per_unit`` × units of ``basis`` in a tonne.
    """

    tail: Vertex
    head: Vertex
    step: Step
    cny_per_t: float = 0.0
    cny_per_unit: float = 0.0
    basis: Basis = NONE
    hours: float = 0.0
    variance_h2: float = 0.0
    stock_h: float = 0.0
    co2_kg_per_t: float = 0.0
    uses: tuple[tuple[int, bool], ...] = ()
    customer_h: float | None = None
    lead_h: float | None = None
    marks: tuple[int, ...] = ()
    """Limits that count this arc, by number."""


@dataclass
class ArcCollector:
    """Arcs of a layer while it is built."""

    arcs: list[Arc] = field(default_factory=list)

    def add(self, arc: Arc) -> None:
        """Append an arc."""
        self.arcs.append(arc)

    def useful(self, sources: Iterable[Vertex], sinks: Iterable[Vertex]) -> list[Arc]:
        """Arcs on some way from a source to a sink, in the order they were added."""
        forward = _reached(self.arcs, sources, backwards=False)
        backward = _reached(self.arcs, sinks, backwards=True)
        return [
            a
            for a in self.arcs
            if a.tail in forward and a.head in forward and a.tail in backward and a.head in backward
        ]


def _reached(arcs: list[Arc], start: Iterable[Vertex], *, backwards: bool) -> set[Vertex]:
    following: dict[Vertex, list[Vertex]] = {}
    for arc in arcs:
        tail, head = (arc.head, arc.tail) if backwards else (arc.tail, arc.head)
        following.setdefault(tail, []).append(head)
    seen = set(start)
    stack = list(seen)
    while stack:
        for vertex in following.get(stack.pop(), ()):
            if vertex not in seen:
                seen.add(vertex)
                stack.append(vertex)
    return seen


def without_parallels(arcs: list[Arc]) -> list[Arc]:
    """Give each further arc between the same vertices a vertex of its own in the middle."""
    seen: set[tuple[Vertex, Vertex]] = set()
    result = []
    for i, arc in enumerate(arcs):
        if (arc.tail, arc.head) in seen:
            middle: Vertex = ("way", i)
            result.append(
                Arc(arc.tail, middle, Step("stay", arc.step.site_id, service_id=arc.step.service_id))
            )
            result.append(replace(arc, tail=middle))
        else:
            seen.add((arc.tail, arc.head))
            result.append(arc)
    return result


def packed_layer(
    name: str,
    arcs: list[Arc],
    units: TariffUnits,
    assortment_h: Floats,
    storage_cny_per_m3_day: dict[str, float],
    return_share: Floats,
    pooling: dict[str, float],
) -> tuple[Layer, dict[Vertex, int], dict[int, list[int]]]:
    """Turn arcs into a :class:`Layer`, with its vertices' numbers and marked arcs by limit.

    Vertices are numbered in order of appearance.

    Parameters
    ----------
    assortment_h
        Hours of stock held anyway, by product; added to store arcs with its storage fee.
    storage_cny_per_m3_day
        Storage fee by warehouse option.
    return_share
        Share of stocked orders that come back, by product: the way from warehouse to door a second time, and
        the fee of putting away a second time.
    pooling
        Factor on safety stock by warehouse option.
    """
    arcs = without_parallels(arcs)
    number: dict[Vertex, int] = {}
    for arc in arcs:
        number.setdefault(arc.tail, len(number))
        number.setdefault(arc.head, len(number))

    def column(values: list[float]) -> Floats:
        return np.array(values, dtype=float)

    money = column([a.cny_per_t for a in arcs])[:, None] + np.zeros(units.num_products)
    by_basis: dict[Basis, list[int]] = {}
    for i, arc in enumerate(arcs):
        if arc.cny_per_unit:
            by_basis.setdefault(arc.basis, []).append(i)
    rate = column([a.cny_per_unit for a in arcs])
    for basis, rows in by_basis.items():
        money[rows] += rate[rows, None] * units.per_t(basis)
    hours = column([a.hours for a in arcs])
    stock = column([a.stock_h for a in arcs])[:, None] + np.zeros(units.num_products)
    stores = [i for i, arc in enumerate(arcs) if arc.step.action == "store"]
    storage = np.array(
        [storage_cny_per_m3_day[arcs[i].step.option_id] / 24.0 * units.m3_per_t for i in stores]
    )
    storage = storage.reshape(len(stores), units.num_products)
    back = [i for i, arc in enumerate(arcs) if arc.step.action == "deliver"] if stores else []
    money[back] *= 1.0 + return_share
    money[stores] += column([arcs[i].cny_per_t for i in stores])[:, None] * return_share
    co2 = column([a.co2_kg_per_t for a in arcs])[:, None] + np.zeros(units.num_products)
    co2[back] *= 1.0 + return_share
    stock[stores] += assortment_h
    money[stores] += storage * assortment_h
    uses = [(i, row, cubic) for i, arc in enumerate(arcs) for row, cubic in arc.uses]

    def given(values: list[float | None]) -> NDArray[np.float64]:
        return np.array([h if v is None else v for v, h in zip(values, hours, strict=True)], dtype=float)

    # In stocked trade the customer's clock starts in the warehouse.
    customer = given([a.customer_h for a in arcs])
    if stores:
        customer[[a.step.action not in ("store", "deliver") for a in arcs]] = 0.0
    layer = Layer(
        name=name,
        num_vertices=len(number),
        tail=np.array([number[a.tail] for a in arcs], dtype=np.int32),
        head=np.array([number[a.head] for a in arcs], dtype=np.int32),
        money_cny_per_t=money,
        pipeline_h=hours,
        customer_h=customer,
        lead_h=given([a.lead_h for a in arcs]),
        variance_h2=column([a.variance_h2 for a in arcs]),
        stock_h=stock,
        co2_kg_per_t=co2,
        use_arc=np.array([u[0] for u in uses], dtype=np.int32),
        use_row=np.array([u[1] for u in uses], dtype=np.int32),
        use_is_m3=np.array([u[2] for u in uses], dtype=bool),
        steps=tuple(a.step for a in arcs),
        store_arc=np.array(stores, dtype=np.int32),
        storage_cny_per_t_h=storage,
        pooling=column([pooling[arcs[i].step.option_id] for i in stores]),
    )
    marked: dict[int, list[int]] = {}
    for i, arc in enumerate(arcs):
        for limit in arc.marks:
            marked.setdefault(limit, []).append(i)
    return layer, number, marked
