"""Flows of plans of a design problem, each solved on the network of its open options alone.

Capacities of closed options would draw every path at first and have to be priced out; left out, a plan's
flows start from those of the plans before.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from logistics.errors import SolverFailure
from logistics.models.design.problem import DesignProblem
from logistics.models.flow.column_generation import FlowModel, StopRule
from logistics.models.flow.solved import Duals, LeastUnserved, NearPrices, SolvedFlow
from logistics.models.routes.union import BASE, Restriction, UnionInstance
from logistics.virtual_network.instance import Instance

Floats = NDArray[np.float64]
Ints = NDArray[np.int32]
Paths = Sequence[tuple[int, Ints]]
OPEN = 1e-6
"""Share of its capacity from which an option counts as open."""
SERVED = 1e-8
"""Share of the demand that counts as served by rounding."""


class PlanFlows:
    """Solves the flows of one plan after the other.

    Parameters
    ----------
    problem
        The problem.
    gap
        Relative gap of the flows.
    paths
        For each year paths known to be good.
    """

    def __init__(self, problem: DesignProblem, gap: float, paths: Sequence[Paths] | None = None) -> None:
        self._problem, self._gap = problem, gap
        years = range(len(problem.instances))
        self._unions = [self._union(year) for year in years]
        self._prices: list[NearPrices | None] = [None for _ in years]
        self._known: list[dict[tuple[int, bytes], Ints]] = [{} for _ in years]
        for year in years if paths is not None else ():
            self._keep(year, (paths or ())[year])

    def _union(self, year: int) -> UnionInstance:
        """A year with what each option alone gives as a part of its own."""
        instance, (gated, option) = self._problem.instances[year], self._problem.gates[year]
        owner = np.full(len(instance.resources), BASE, np.int32)
        owner[gated] = option
        parts = []
        for layer in instance.layers:
            part = np.full(layer.num_arcs, BASE, np.int32)
            mine = owner[layer.use_row] != BASE
            part[layer.use_arc[mine]] = owner[layer.use_row[mine]]
            parts.append(part)
        return UnionInstance(instance, self._problem.options, tuple(parts), owner)

    def _keep(self, year: int, paths: Paths) -> None:
        for k, path in paths:
            self._known[year].setdefault((k, path.tobytes()), path)

    def known(self, year: int) -> Paths:
        """Paths of the plans that were solved, in the numbers of the problem's instance."""
        return [(k, path) for (k, _), path in self._known[year].items()]

    def solved(
        self, year: int, y: Floats, adjusted: Callable[[Instance], Instance] | None = None
    ) -> SolvedFlow:
        """Flows of a year with these options open, in the numbers of the problem's instance.

        Parameters
        ----------
        adjusted
            What changes costs of the restricted instance, and nothing else.
        """
        union = self._unions[year]
        part = union.restricted(np.flatnonzero(y > OPEN).tolist())
        known = _within(part, self.known(year))
        instance, stop = self._sized(year, y, part), StopRule(self._gap)
        instance = instance if adjusted is None else adjusted(instance)
        whole, least = float(instance.commodities.demand_t.sum()), self._least(year)
        allowed = self._problem.allowed_t(year) + SERVED * max(1.0, whole)
        near = self._near(year, part)
        try:
            model = FlowModel(instance, stop, start=known, least=least, near=near)
            flow = model.solve()
            binding = np.zeros(len(union.instance.resources), bool)
            binding[part.resources] = model.prices.binding
            self._prices[year] = NearPrices(model.prices.demand, binding)
        except SolverFailure:
            # The known paths leave more than may be, or all paths do: what can be served at all still says
            # what options are worth.
            flow = FlowModel(instance, stop, start=known).solve()
            if least is not None and float(flow.unserved_t.sum()) <= allowed:
                start = [*known, *flow.used_paths]
                flow = FlowModel(instance, stop, start=start, least=least).solve()
        left = float(flow.unserved_t.sum())
        if instance.unserved_cny_per_t is None and left > allowed:
            flow = replace(flow, status="no_plan")
        paths = part.in_union(flow.used_paths)
        self._keep(year, paths)
        resource = np.zeros(len(union.instance.resources))
        resource[part.resources] = flow.duals.resource
        return replace(
            flow, path=tuple(path for _, path in paths), duals=replace(flow.duals, resource=resource)
        )

    def _near(self, year: int, part: Restriction) -> NearPrices | None:
        """Prices of the plan before, in the numbers of a restriction."""
        known = self._prices[year]
        return None if known is None else NearPrices(known.demand, known.binding[part.resources])

    def all_years(self, y: Floats) -> list[SolvedFlow]:
        """Flows of every year with these options open."""
        return [self.solved(year, y) for year in range(len(self._problem.instances))]

    def _sized(self, year: int, y: Floats, part: Restriction) -> Instance:
        """The restricted instance with what open options add to capacities that are there anyway."""
        capacity = self._problem.capacity(year, y)[part.resources]
        resources = tuple(
            r._replace(capacity=float(c)) for r, c in zip(part.instance.resources, capacity, strict=True)
        )
        return replace(part.instance, resources=resources)

    def _least(self, year: int) -> LeastUnserved | None:
        """What may stay unserved, where something may."""
        instance, allowed = self._problem.instances[year], self._problem.allowed_t(year)
        if instance.unserved_cny_per_t is not None or allowed <= 0:
            return None
        none = np.zeros(len(instance.resources))
        duals = Duals(none, np.zeros(len(instance.limits)), 0.0, 0.0, 0.0)
        return LeastUnserved(allowed, 0.0, duals, closed=True)


def _within(part: Restriction, paths: Paths) -> list[tuple[int, Ints]]:
    """Those of the union's paths that a restriction has, in its numbers."""
    layer = part.instance.commodities.layer
    numbers = []
    for arcs in part.arcs:
        number = np.full(int(arcs.max(initial=-1)) + 1, -1, np.int32)
        number[arcs] = np.arange(len(arcs), dtype=np.int32)
        numbers.append(number)
    found = []
    for k, path in paths:
        number = numbers[layer[k]]
        if path.max(initial=-1) < len(number):
            own = number[path]
            if own.min(initial=0) >= 0:
                found.append((k, own))
    return found
