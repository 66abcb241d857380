"""Bounds on a year's flow that are linear in the options, from prices of the capacities alone.

For any prices μ ≥ 0 of the capacities without a gate, and any options y,

    z(y)  ≥  L(μ) - Σ_j S_j(μ) y_j,

with L the Lagrangian bound without any option and S_j what option j can save at most on it: every path
that needs j draws on one of its gated capacities, saves at most (cost without options − cost through j,
all options open), and all of them together fill at most j's own room.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from logistics.models.design.problem import DesignProblem
from logistics.models.flow.costs import Dues, RowPrices
from logistics.models.flow.pricing import PathPricer
from logistics.models.flow.solved import Duals
from logistics.models.routes.connections import Connections
from logistics.models.routes.through import Through

Floats = NDArray[np.float64]
SHUT = 1e9


@dataclass(frozen=True)
class FlowCut:
    """One such bound on one year.

    Parameters
    ----------
    year
        Number of the year.
    constant, saved
        L, and S of each option, in the year's own money.
    """

    year: int
    constant: float
    saved: Floats

    def at(self, y: Floats) -> float:
        """The bound for given options."""
        return self.constant - float(self.saved @ y)


class CutMaker:
    """Makes cuts on one year of a design problem without expansions.

    Parameters
    ----------
    problem, year
        The problem and the number of the year.
    """

    def __init__(self, problem: DesignProblem, year: int) -> None:
        self._problem, self._year = problem, year
        self._instance = problem.instances[year]
        self.pricer = PathPricer(self._instance)
        gated, option = problem.gates[year]
        owner = np.full(len(self._instance.resources), -1)
        owner[gated] = option
        self._owner = owner
        self._ways: list[dict[int, Connections | None]] = []
        for layer in self._instance.layers:
            mine = (owner[layer.use_row] >= 0) & ~layer.use_is_m3
            found: dict[int, list[tuple[int, int]]] = {}
            for arc, row in zip(layer.use_arc[mine].tolist(), layer.use_row[mine].tolist(), strict=True):
                found.setdefault(int(owner[row]), []).append((arc, row))
            self._ways.append(
                {
                    one: Connections(
                        layer.tail[[arc for arc, _ in pairs]],
                        layer.head[[arc for arc, _ in pairs]],
                        np.arange(len(pairs) + 1),
                        np.array([arc for arc, _ in pairs], np.int32),
                        np.array([row for _, row in pairs], np.int32),
                    )
                    for one, pairs in found.items()
                }
            )

    def cut(self, duals: Duals, least_unserved: float) -> FlowCut:
        """The bound at the prices of a solved plan, whatever options that has.

        Parameters
        ----------
        least_unserved
            Tonnes that may stay unserved.
        """
        instance = self._instance
        resource = np.where(self._owner >= 0, 0.0, duals.resource)
        prices = RowPrices(resource, duals.limit)
        closed = RowPrices(np.where(self._owner >= 0, SHUT, resource), duals.limit)
        dues, c = Dues(instance, prices), instance.commodities
        everything = np.full(len(c), np.inf)
        without = self.pricer.price(closed, everything).cost
        constant = instance.weights.money * c.constant_cny_per_t + dues.offset
        most = np.full(len(c), np.inf)
        if instance.unserved_cny_per_t is not None:
            most = np.broadcast_to(np.asarray(instance.unserved_cny_per_t, float), (len(c),)) + dues.unserved
        elif least_unserved > 0 and np.isfinite(duals.unserved):
            most = duals.unserved + dues.unserved
        cost = np.minimum(without + constant, most)
        bound = float(c.demand_t @ cost) - float(instance.capacity @ resource)
        bound -= float(sum(p * limit.bound for p, limit in zip(duals.limit, instance.limits, strict=True)))
        if least_unserved > 0 and instance.unserved_cny_per_t is None and np.isfinite(duals.unserved):
            bound -= duals.unserved * least_unserved
        arcs = [np.arange(layer.num_arcs) for layer in instance.layers]
        through = Through(self.pricer, prices, cost - constant, self._ways, arcs, twice=False)
        count = len(self._problem.options)
        saved = np.array([through.most(option) for option in range(count)])
        return FlowCut(self._year, bound, saved)
