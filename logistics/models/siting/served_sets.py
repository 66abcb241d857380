"""What sets of sites with capacities cost: exactly where service is split, else as well as found quickly."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from logistics.models.siting.assignment import improve_assignment
from logistics.models.siting.open_sets import OpenSets
from logistics.models.siting.openings import SLACK, OpeningRules
from logistics.models.siting.problem import SitingProblem
from logistics.models.siting.transport import serve

Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]
Ints = NDArray[np.int64]


class ServedSets(OpenSets[Floats]):
    """Sets of sites; their service is the customers' shares, float array [open site, customer]."""

    def __init__(self, problem: SitingProblem, rules: OpeningRules, deadline: float = np.inf) -> None:
        super().__init__(problem.num_sites, rules, deadline)
        self._problem = problem
        # Copies that may be written to, as all other arrays the kernels are compiled for.
        self._demand, self._capacity = problem.demand.copy(), problem.capacity.copy()

    def _cost(self, opened: Flags) -> float:
        problem = self._problem
        service = serve(problem.cost[opened], self._demand, self._capacity[opened])
        value = service.cost + self._fixed(opened)
        if not problem.single_source:
            self._keep(value, opened, service.share)
        elif value < self.value:
            # Whole service costs no less than split; each customer starts where most of it was.
            value = max(value, self._assigned(opened, service.share.argmax(axis=0)))
        return value

    def _assign(self, opened: Flags, start: Ints) -> None:
        self._assigned(opened, start)

    def _assigned(self, opened: Flags, start: Ints) -> float:
        cost = self._problem.cost[opened]
        best = np.full(cost.shape[1], -1, np.int64)
        room = self._capacity[opened] * (1.0 + SLACK)
        value = improve_assignment(cost, self._demand, room, start.astype(np.int64), best)
        value += self._fixed(opened)
        if np.isfinite(value):
            share = np.zeros(cost.shape)
            share[best, np.arange(cost.shape[1])] = 1.0
            self._keep(value, opened, share)
        return float(value)

    def _fixed(self, opened: Flags) -> float:
        return float(self._problem.fixed_cost[opened].sum()) + self._problem.constant
