"""A placement whose choices may be taken in parts: one flow a year with a toll at each place.

Where any part of a choice costs that part of its yearly cost, the cheapest way to have room at a place is the
choice that costs least a tonne, so a part of it is a toll on each tonne that uses the place. With λ the price
of the place's largest room and τ its toll, for any choices y,

    value(y)  ≥  L − Σ_j (Σ_t (λ_t + τ_t) C_jt − f_j) y_j,

L being the bound of the tolled flows, the worth of the places' own room added back: what is used of a place
is no more than its room. This is tight where places are used whole; the prices of cargo (:mod:`.priced`) are
where they are not.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from logistics.models.design.plan_flows import PlanFlows
from logistics.models.design.problem import DesignProblem
from logistics.models.design.tolls import with_tolls
from logistics.models.flow.columns import loads_of
from logistics.models.placement.problem import PlacementProblem
from logistics.models.placement.store_costs import StoreCosts

Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]
Paths = Sequence[tuple[int, NDArray[np.int32]]]
USED_SHARES = (0.9, 0.5, 0.1)
"""Share of a choice's room from which on it is taken in plans that round the relaxation."""


@dataclass(frozen=True)
class RelaxedPlacement:
    """The relaxation's bound, linear in the choices, and what it uses.

    Parameters
    ----------
    constant, saved
        L, and what each choice takes off it at most, shape (choices,).
    used_t
        Tonnes that use each place in each year, shape (places, years).
    """

    constant: float
    saved: Floats
    used_t: Floats

    def roundings(self, problem: PlacementProblem) -> list[Flags]:
        """Choices that hold what is used, as far as their rooms are used; the most cautious first."""
        found: list[Flags] = []
        for share in USED_SHARES:
            taken = np.zeros(len(problem.names), bool)
            for place, used in enumerate(self.used_t):
                mine = np.flatnonzero(problem.place_of[problem.candidate] == place)
                best = self._fitting(problem, mine, used, share)
                if best is not None:
                    taken[best] = True
            if not any(np.array_equal(taken, other) for other in found):
                found.append(taken)
        return found

    def _fitting(
        self, problem: PlacementProblem, mine: NDArray[np.intp], used: Floats, share: float
    ) -> int | None:
        """Of a place's choices the one that costs least for what is used; None: none is used enough."""
        best, least = None, np.inf
        for choice in mine.tolist():
            room = problem.capacity_t[choice]
            served, whole = float(np.minimum(used, room).sum()), float(room.sum())
            if served <= 0 or served < share * whole:
                continue
            # What it leaves unserved counts as much as a tonne of its room is worth.
            left = float(used.sum()) - served
            cost = float(problem.cost[choice]) + left * float(self.saved[choice]) / whole
            if cost < least:
                best, least = choice, cost
        return best


def relaxed_placement(
    problem: PlacementProblem,
    costs: Sequence[StoreCosts],
    design: DesignProblem,
    paths: Sequence[Paths],
    gap: float,
) -> RelaxedPlacement:
    """Solve the relaxation.

    Parameters
    ----------
    costs, design
        The years with their candidates, and as a design whose first options are the candidates' places in
        order, the rest what is tied.
    paths
        For each year paths known to be good.
    """
    places = len(problem.distinct_places)
    toll, room = _tolls(problem, places)
    tolled, share = [], []
    for year, one in enumerate(costs):
        row = one.place_rows(problem)
        share.append(one.share_of_capacity(problem, room[year]))
        per_t = np.zeros(len(one.instance.resources))
        per_t[row[row >= 0]] = toll[year][row >= 0]
        tolled.append(with_tolls(one.instance, per_t))
    flows = PlanFlows(replace(design, instances=tuple(tolled)), gap, paths)
    constant, saved, used = 0.0, np.zeros(len(problem.names)), np.zeros((places, len(costs)))
    place = problem.place_of[problem.candidate]
    for year, one in enumerate(costs):
        flow = flows.solved(year, np.append(share[year], np.ones(len(one.tied_rows))))
        row = one.place_rows(problem)
        there = row >= 0
        price = np.where(there, flow.duals.resource[row], 0.0)
        drawn = loads_of(one.instance, flow.commodity, flow.path, flow.flow_t)
        used[:, year] = np.where(there, drawn[row], 0.0)
        constant += flow.bound + float(room[year] @ price)
        saved += (price + toll[year])[place] * problem.capacity_t[:, year]
    return RelaxedPlacement(constant, saved, used)


def _tolls(problem: PlacementProblem, count: int) -> tuple[Floats, Floats]:
    """Least yearly cost of a tonne's room at each place, and the most room there; shapes (years, places)."""
    years = len(problem.instances)
    toll, room = np.full((years, count), np.inf), np.zeros((years, count))
    yearly = problem.cost / (years - problem.opens)
    place = problem.place_of[problem.candidate]
    # Choices of a group exclude each other: only the roomiest of them counts.
    group = problem.rules.exclusive if problem.rules.exclusive is not None else np.arange(len(place))
    for year in range(years):
        there = np.flatnonzero(problem.capacity_t[:, year] > 0)
        capacity = problem.capacity_t[there, year]
        np.minimum.at(toll[year], place[there], yearly[there] / capacity)
        roomiest: dict[tuple[int, int], float] = {}
        for choice, t in zip(there.tolist(), capacity.tolist(), strict=True):
            key = int(place[choice]), int(group[choice])
            roomiest[key] = max(roomiest.get(key, 0.0), t)
        for (one, _), t in roomiest.items():
            room[year, one] += t
    return np.where(np.isfinite(toll), toll, 0.0), room
