"""What options must carry together: cuts through a layer that all of some demand must cross.

Where a set of vertices holds the origins of more cargo than the capacities without an option take out of it, the
options must take the rest: Σ_j cap_j y_j ≥ need. Such rows say nothing new to the relaxation, but rounding them does
(:mod:`logistics.models.design.rounding`).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from logistics.models.design.problem import DesignProblem
from logistics.virtual_network.instance import Layer

Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]
Longs = NDArray[np.int64]
ALL_SETS = 10
"""Clusters up to which all sets of them are looked at."""
MOST_SETS = 3_000


@dataclass(frozen=True)
class Needs:
    """Rows Σ capacity · y ≥ need, one after the other.

    Parameters
    ----------
    first
        Entries of row i are ``first[i]`` … ``first[i + 1] - 1``.
    option, capacity
        Option and its capacity, at most the need, of each entry.
    need
        Of each row.
    """

    first: Longs
    option: Longs
    capacity: Floats
    need: Floats


def found_needs(problem: DesignProblem, criticality: list[Floats] | None = None) -> Needs:
    """Needs of all years in which all demand must be served.

    Parameters
    ----------
    criticality
        For each year how dear each resource is; clusters are grown along the cheapest ones. None: all alike.
    """
    rows: dict[tuple[bytes, bytes, float], tuple[Longs, Floats, float]] = {}
    for year, instance in enumerate(problem.instances):
        if instance.unserved_cny_per_t is not None or problem.allowed_t(year) > 0:
            continue
        dear = np.zeros(len(instance.resources)) if criticality is None else criticality[year]
        for number in range(len(instance.layers)):
            for row in _layer_needs(problem, year, number, dear):
                rows.setdefault((row[0].tobytes(), row[1].tobytes(), row[2]), row)
    found = list(rows.values())
    lengths = [len(option) for option, _, _ in found]
    return Needs(
        np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64),
        np.concatenate([option for option, _, _ in found] or [np.zeros(0, np.int64)]),
        np.concatenate([capacity for _, capacity, _ in found] or [np.zeros(0)]),
        np.array([need for _, _, need in found]),
    )


def _layer_needs(
    problem: DesignProblem, year: int, number: int, dear: Floats
) -> Iterator[tuple[Longs, Floats, float]]:
    """Needs of the cuts through one layer."""
    instance = problem.instances[year]
    layer, c = instance.layers[number], instance.commodities
    members = np.flatnonzero((c.layer == number) & (c.origin >= 0) & (c.destination >= 0))
    gated = np.isin(layer.use_row, problem.gates[year][0])
    if len(members) == 0 or not np.any(gated):
        return
    crossing = _Crossing(problem, year, layer)
    demand = c.demand_t[members]
    # One entry for each pair of ends: layers have far fewer of them than commodities.
    origin, destination = c.origin[members], c.destination[members]
    for inside in _vertex_sets(layer, crossing.row >= 0, dear[np.maximum(crossing.row, 0)]):
        out = inside[origin] & ~inside[destination]
        arcs = np.flatnonzero(inside[layer.tail] & ~inside[layer.head])
        total = float(demand[out].sum())
        if total <= 0 or np.any(crossing.row[arcs] < 0):
            continue
        row = crossing.of(np.unique(crossing.row[arcs]), total)
        if row is not None:
            yield row


class _Crossing:
    """What may cross arcs of a layer: each arc is counted by the scarcest capacity that it draws on."""

    def __init__(self, problem: DesignProblem, year: int, layer: Layer) -> None:
        instance = problem.instances[year]
        cubic = np.array([each.unit == "m3" for each in instance.resources], dtype=bool)
        lightest = float(np.min(instance.products.m3_per_t, initial=np.inf))
        with np.errstate(divide="ignore"):
            self.tonnes = np.where(cubic, instance.capacity / lightest, instance.capacity)
        gated, option = problem.gates[year]
        self._option = np.full(len(instance.resources), -1)
        self._option[gated] = option
        self._added = problem.expansion(year)
        self._per_t = np.where(cubic, lightest, 1.0)
        order = np.lexsort((self.tonnes[layer.use_row], self._option[layer.use_row] < 0, layer.use_arc))
        arcs, place = np.unique(layer.use_arc[order], return_index=True)
        self.row = np.full(layer.num_arcs, -1)
        self.row[arcs] = layer.use_row[order][place]

    def of(self, rows: Longs, demand: float) -> tuple[Longs, Floats, float] | None:
        """The need of options where `demand` must cross arcs that draw on `rows`; None: there is none."""
        option = self._option[rows]
        need = demand - float(self.tonnes[rows[option < 0]].sum())
        if need <= 0:
            return None
        added, adding, amount = self._added
        mine = np.isin(added, rows)
        options = np.concatenate([option[option >= 0], adding[mine]])
        tonnes = np.concatenate([self.tonnes[rows[option >= 0]], amount[mine] / self._per_t[added[mine]]])
        found, place = np.unique(options, return_inverse=True)
        capacity = np.minimum(np.bincount(place.ravel(), tonnes, len(found)), need)
        return found.astype(np.int64), capacity, need


def _vertex_sets(layer: Layer, limited: Flags, dear: Floats) -> Iterator[Flags]:
    """Sets of vertices that no arc without a limit leaves or enters.

    All sets if there are few clusters of vertices; else single clusters, pairs of neighbours, and what grows
    when clusters are merged along the arcs that are least dear; each with its complement.
    """
    cluster = _merged(np.arange(layer.num_vertices), layer.tail[~limited], layer.head[~limited])
    names, cluster = np.unique(cluster, return_inverse=True)
    cluster = cluster.ravel()
    count = len(names)
    if count < 2:
        return
    if count <= ALL_SETS:
        for bits in range(1, 2**count - 1):
            yield ((bits >> cluster) & 1).astype(bool)
        return
    tail, head = cluster[layer.tail[limited]], cluster[layer.head[limited]]
    seen: set[bytes] = set()
    for group in _clusters(count, tail, head, dear[limited]):
        inside = np.isin(cluster, group)
        for each in (inside, ~inside):
            if each.tobytes() not in seen and len(seen) < MOST_SETS:
                seen.add(each.tobytes())
                yield each


def _clusters(count: int, tail: Longs, head: Longs, dear: Floats) -> Iterator[Longs]:
    """Single clusters, neighbours, and merged ones."""
    for one in range(count):
        yield np.array([one])
    pairs = np.unique(np.sort(np.column_stack([tail, head]), axis=1), axis=0)
    for a, b in pairs.tolist():
        if a != b:
            yield np.array([a, b])
    label = np.arange(count)
    for arc in np.argsort(dear, kind="stable").tolist():
        a, b = label[tail[arc]], label[head[arc]]
        if a != b:
            label[label == b] = a
            merged = np.flatnonzero(label == a)
            if len(merged) < count:
                yield merged


def _merged(label: Longs, tail: NDArray[np.int32], head: NDArray[np.int32]) -> Longs:
    """Give vertices that arcs connect the same label."""
    parent = label.copy()

    def top(vertex: int) -> int:
        while parent[vertex] != vertex:
            parent[vertex] = parent[parent[vertex]]
            vertex = int(parent[vertex])
        return vertex

    for a, b in zip(tail.tolist(), head.tolist(), strict=True):
        one, other = top(a), top(b)
        parent[max(one, other)] = min(one, other)
    return np.array([top(vertex) for vertex in range(len(label))])
