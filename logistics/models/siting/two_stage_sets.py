"""What sets of depots and plants cost: exactly where service is split, else as well as is found quickly."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from logistics.models.siting.assignment import improve_assignment
from logistics.models.siting.open_sets import OpenSets
from logistics.models.siting.openings import SLACK
from logistics.models.siting.transport import serve
from logistics.models.siting.two_stage_relaxation import TwoStageRelaxation, TwoStageRules, times

Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]
Ints = NDArray[np.int64]


class TwoStageSets(OpenSets[tuple[Floats, Floats]]):
    """Sets of depots, then plants; service is units [open plant, open depot], [open depot, customer]."""

    def __init__(self, relaxation: TwoStageRelaxation, rules: TwoStageRules, deadline: float) -> None:
        self._problem = relaxation.problem
        self._flow = relaxation.flow
        self._demand = self._problem.demand.copy()
        super().__init__(len(self._problem.depot_ids) + len(self._problem.plant_ids), rules, deadline)

    def _cost(self, opened: Flags) -> float:
        cost, sent, served, price, _ = self._flow(opened)
        value = cost + self._fixed(opened)
        if not self._problem.single_source:
            self._keep(value, opened, (sent, served))
        elif value < self.value:
            # Whole service costs no less than split; each customer starts where most of it was.
            value = max(value, self._assigned(opened, served.argmax(axis=0), price))
        return value

    def _assign(self, opened: Flags, start: Ints) -> None:
        cost, _, _, price, _ = self._flow(opened)
        if cost < np.inf:
            self._assigned(opened, start, price)

    def _assigned(self, opened: Flags, start: Ints, price: Floats) -> float:
        """Assign customers to depots at prices of a depot's units, then supply the depots."""
        problem = self._problem
        num_depots = len(problem.depot_ids)
        depots = np.flatnonzero(opened[:num_depots])
        best = np.full(len(problem.demand), -1, np.int64)
        cost = times(problem.depot_cost[depots], problem.demand[None, :])
        room = problem.depot_capacity[depots] * (1.0 + SLACK)
        dear = np.where(np.isfinite(price), price, 0.0)[:, None] * problem.demand[None, :]
        value = self._supplied(opened, start)
        if improve_assignment(cost + dear, self._demand, room, start.astype(np.int64), best) < np.inf:
            value = min(value, self._supplied(opened, best))
        return value

    def _supplied(self, opened: Flags, home: Ints) -> float:
        """What an assignment costs with the least-cost supply of its depots; inf where it does not fit."""
        problem = self._problem
        num_depots = len(problem.depot_ids)
        depots, plants = np.flatnonzero(opened[:num_depots]), np.flatnonzero(opened[num_depots:])
        load = np.bincount(home, problem.demand, len(depots)).astype(np.float64)
        if np.any(load > problem.depot_capacity[depots] * (1.0 + SLACK)):
            return np.inf
        cost = times(problem.depot_cost[depots], problem.demand[None, :])
        lanes = times(problem.plant_cost[np.ix_(plants, depots)], load[None, :])
        used = np.flatnonzero(load > 0.0)
        supply = serve(np.ascontiguousarray(lanes[:, used]), load[used], problem.plant_capacity[plants])
        everybody = np.arange(len(home))
        value = float(cost[home, everybody].sum()) + supply.cost + self._fixed(opened)
        served = np.zeros(cost.shape)
        served[home, everybody] = problem.demand
        sent = np.zeros(lanes.shape)
        sent[:, used] = supply.share * load[used]
        self._keep(value, opened, (sent, served))
        return value

    def _fixed(self, opened: Flags) -> float:
        num_depots = len(self._problem.depot_ids)
        depots = self._problem.depot_fixed_cost[opened[:num_depots]].sum()
        return float(depots + self._problem.plant_fixed_cost[opened[num_depots:]].sum())
