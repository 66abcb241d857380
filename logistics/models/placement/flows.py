"""Flows of a placement's plans: with some choices open, sources bound, and safety stock planned for them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import partial

import numpy as np
from numpy.typing import NDArray

from logistics.models.design.plan_flows import Paths, PlanFlows
from logistics.models.design.problem import DesignProblem, SideRows
from logistics.models.flow.solved import SolvedFlow
from logistics.models.placement.pooling import Pooling, exactly_priced, planned_for, throughput
from logistics.models.placement.problem import PlacementProblem, Sources
from logistics.models.placement.sourcing import DOOR
from logistics.models.placement.store_costs import StoreCosts

Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]
POOLING_ROUNDS, SETTLED = 4, 1e-9
"""Most flows of a plan whose stock is planned for what goes through, and what the last must still save."""


class PlacementFlows:
    """Solves flows of one set of choices after the other.

    Parameters
    ----------
    problem, costs
        The placement, and its years.
    gap
        Relative gap of the flows.
    paths
        For each year paths known to be good.

    Attributes
    ----------
    design
        The years as a design, whose options are the places of candidates, what is tied, and doors.
    """

    def __init__(
        self, problem: PlacementProblem, costs: Sequence[StoreCosts], gap: float, paths: Sequence[Paths]
    ) -> None:
        self._problem, self._costs = problem, costs
        self.design = self._as_design()
        self._flows = PlanFlows(self.design, gap, paths)

    def of(self, year: int, taken: Flags, sources: Sources | None = None) -> SolvedFlow:
        """Flows of one year of a set of choices; all doors are open where no sources are given."""
        problem, one = self._problem, self._costs[year]
        places = len(problem.distinct_places)
        room = np.bincount(problem.place_of, problem.room_t(year, taken), places).astype(float)
        share = np.minimum(1.0, one.share_of_capacity(problem, room))
        is_open = dict(zip(problem.distinct_places, (room > 0).tolist(), strict=True))
        tied = [float(all(is_open[place] for place in each.needs)) for each in problem.tied]
        y = np.concatenate([share, tied, self._open_doors(year, sources)])
        flow = self._flows.solved(year, y)
        return flow if problem.pooling is None else self._pooled(year, y, flow, problem.pooling)

    def _pooled(self, year: int, y: Floats, least: SolvedFlow, pooling: Pooling) -> SolvedFlow:
        """A flow whose safety stock is planned for what goes through each warehouse, priced so.

        Throughputs settle in a few rounds, each solved at those of the round before; the best round counts.
        Bound and prices stay those of the least that stock can cost.
        """
        if least.status not in ("optimal", "limit"):
            return least
        instance, planned = self._problem.instances[year], dict(pooling.most_t[year])
        best, flow = exactly_priced(instance, pooling, least, planned), least
        for _ in range(POOLING_ROUNDS):
            planned |= throughput(instance, flow)
            flow = self._flows.solved(year, y, partial(planned_for, pooling=pooling, planned_t=planned))
            priced = exactly_priced(instance, pooling, flow, planned)
            settled = priced.objective >= best.objective * (1 - SETTLED)
            best = priced if priced.objective < best.objective else best
            if settled:
                break
        return replace(best, bound=least.bound, duals=least.duals)

    def _open_doors(self, year: int, sources: Sources | None) -> Floats:
        """Which doors from places to markets are open, in order."""
        sourcing = self._problem.sourcing
        if sourcing is None:
            return np.zeros(0)
        if sources is None:
            return np.ones(sourcing.door[year].size)
        place = np.arange(len(sourcing.places))[:, None]
        return np.asarray(sources[year][None, :] == place, float).ravel()

    def _as_design(self) -> DesignProblem:
        """The placement's years as a design, whose options are the places of candidates and what is tied."""
        problem = self._problem
        gates: list[tuple[NDArray[np.int32], NDArray[np.int32]]] = []
        for one in self._costs:
            row = np.append(one.place_rows(problem), one.tied_rows)
            if problem.sourcing is not None:
                row = np.append(row, problem.sourcing.door[len(gates)].ravel())
            there = np.flatnonzero(row >= 0)
            gates.append((row[there].astype(np.int32), there.astype(np.int32)))
        names = [*problem.distinct_places, *(each.resource for each in problem.tied)]
        if problem.sourcing is not None:
            names += [(DOOR, f"{p}>{m}") for p in problem.sourcing.places for m in problem.sourcing.markets]
        return DesignProblem(
            instances=problem.instances,
            year_weight=np.ones(len(problem.instances)),
            options=tuple(name for _, name in names),
            cost=np.zeros(len(names)),
            gates=tuple(gates),
            rows=SideRows.none(),
            most_unserved_t=np.array([one.lost_t for one in self._costs]),
        )
