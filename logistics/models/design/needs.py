"""What options must carry together: cuts through a layer that all of some demand must cross.

Where a set of vertices holds the origins of more cargo than the capacities without an option take out of it,
the options must take the rest: Σ_j cap_j y_j ≥ need. Such rows say nothing new to the relaxation, but
rounding them does (:mod:`logistics.models.design.rounding`).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
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


class NeedFinder:
    """Collects needs of all years in which all demand must be served.

    Parameters
    ----------
    problem
        The problem.
    """

    def __init__(self, problem: DesignProblem) -> None:
        self._layers = [
            _LayerCuts(problem, year, number)
            for year, instance in enumerate(problem.instances)
            if instance.unserved_cny_per_t is None and problem.allowed_t(year) <= 0
            for number in range(len(instance.layers))
        ]
        self._found: dict[tuple[bytes, bytes, float], tuple[Longs, Floats, float]] = {}
        for each in self._layers:
            self._collect(each, each.standing())

    def along(self, dear: list[Floats]) -> Needs:
        """All needs so far, with those of clusters that grow along the cheapest resources, given by year."""
        for each in self._layers:
            self._collect(each, each.grown(dear[each.year]))
        rows = list(self._found.values())
        lengths = [len(option) for option, _, _ in rows]
        return Needs(
            np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64),
            np.concatenate([option for option, _, _ in rows] or [np.zeros(0, np.int64)]),
            np.concatenate([capacity for _, capacity, _ in rows] or [np.zeros(0)]),
            np.array([need for _, _, need in rows]),
        )

    def _collect(self, layer: _LayerCuts, sets: Iterable[Flags]) -> None:
        for inside in sets:
            row = layer.need(inside)
            if row is not None:
                self._found.setdefault((row[0].tobytes(), row[1].tobytes(), row[2]), row)


class _LayerCuts:
    """Cuts through one layer of one year."""

    def __init__(self, problem: DesignProblem, year: int, number: int) -> None:
        instance = problem.instances[year]
        self.year = year
        self._layer = layer = instance.layers[number]
        c = instance.commodities
        members = np.flatnonzero((c.layer == number) & (c.origin >= 0) & (c.destination >= 0))
        self._demand = c.demand_t[members]
        self._origin, self._destination = c.origin[members], c.destination[members]
        self._crossing = _Crossing(problem, year, layer)
        self._limited = self._crossing.row >= 0
        cluster = _merged(
            np.arange(layer.num_vertices), layer.tail[~self._limited], layer.head[~self._limited]
        )
        names, cluster = np.unique(cluster, return_inverse=True)
        self._cluster: Longs = cluster.ravel()
        gated = np.any(np.isin(layer.use_row, problem.gates[year][0]))
        self._count = len(names) if gated and len(members) else 0
        self._seen: set[bytes] = set()

    def need(self, inside: Flags) -> tuple[Longs, Floats, float] | None:
        """Options, capacities and need of what must leave a set of vertices; None: nothing must."""
        total = float(self._demand[inside[self._origin] & ~inside[self._destination]].sum())
        if total <= 0:
            return None
        arcs = inside[self._layer.tail] & ~inside[self._layer.head]
        return self._crossing.of(self._crossing.row[arcs], total)

    def standing(self) -> Iterator[Flags]:
        """All sets of clusters if they are few; else single ones, neighbours, and their complements."""
        if self._count <= ALL_SETS:
            for bits in range(1, 2**self._count - 1):
                yield ((bits >> self._cluster) & 1).astype(bool)
            return
        for one in range(self._count):
            yield from self._fresh([one])
        tail, head = self._cluster[self._layer.tail], self._cluster[self._layer.head]
        pairs = np.unique(np.sort(np.column_stack([tail, head]), axis=1), axis=0)
        for pair in pairs.tolist():
            if pair[0] != pair[1]:
                yield from self._fresh(pair)

    def grown(self, dear: Floats) -> Iterator[Flags]:
        """Sets that grow when clusters are merged along the arcs whose resources are least dear."""
        if self._count <= ALL_SETS:
            return
        arcs = np.flatnonzero(self._limited)
        label = np.arange(self._count)
        for arc in arcs[np.argsort(dear[self._crossing.row[arcs]], kind="stable")].tolist():
            a = label[self._cluster[self._layer.tail[arc]]]
            b = label[self._cluster[self._layer.head[arc]]]
            if a != b:
                label[label == b] = a
                yield from self._fresh(np.flatnonzero(label == a).tolist())

    def _fresh(self, clusters: list[int]) -> Iterator[Flags]:
        """The vertices of some clusters and all others, as far as they are new."""
        inside = np.isin(self._cluster, clusters)
        for each in (inside, ~inside):
            if each.tobytes() not in self._seen and len(self._seen) < MOST_SETS and np.any(each):
                self._seen.add(each.tobytes())
                yield each


class _Crossing:
    """What may cross arcs of a layer: each arc is counted by the scarcest capacity that it draws on."""

    def __init__(self, problem: DesignProblem, year: int, layer: Layer) -> None:
        instance = problem.instances[year]
        cubic = np.array([each.unit == "m3" for each in instance.resources], dtype=bool)
        lightest = float(np.min(instance.products.m3_per_t, initial=np.inf))
        with np.errstate(divide="ignore"):
            self.tonnes = np.where(cubic, instance.capacity / lightest, instance.capacity)
        gated, option = problem.gates[year]
        self._num_options = len(problem.options)
        self._option = np.full(len(instance.resources), -1)
        self._option[gated] = option
        self._added = problem.expansion(year)
        self._per_t = np.where(cubic, lightest, 1.0)
        order = np.lexsort((self.tonnes[layer.use_row], self._option[layer.use_row] < 0, layer.use_arc))
        arcs, place = np.unique(layer.use_arc[order], return_index=True)
        self.row = np.full(layer.num_arcs, -1)
        self.row[arcs] = layer.use_row[order][place]

    def of(self, rows: Longs, demand: float) -> tuple[Longs, Floats, float] | None:
        """The need of options where `demand` must cross arcs that draw on `rows`; None: there is none.

        -1 among the rows: an arc has no limit.
        """
        if len(rows) and rows.min() < 0:
            return None
        marked = np.zeros(len(self.tonnes), dtype=bool)
        marked[rows] = True
        rows = np.flatnonzero(marked)
        option = self._option[rows]
        need = demand - float(self.tonnes[rows[option < 0]].sum())
        if need <= 0:
            return None
        added, adding, amount = self._added
        mine = marked[added]
        options = np.concatenate([option[option >= 0], adding[mine]])
        tonnes = np.concatenate([self.tonnes[rows[option >= 0]], amount[mine] / self._per_t[added[mine]]])
        sums = np.bincount(options, tonnes, self._num_options)
        found = np.flatnonzero(sums)
        return found, np.minimum(sums[found], need), need


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
