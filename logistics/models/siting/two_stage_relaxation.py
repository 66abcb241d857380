"""Bounds of parts of a two-stage problem. Sites are depots, then plants."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from logistics.models.siting.openings import SLACK, OpeningRules
from logistics.models.siting.parts import Flips, LeftOver, Part, beyond, narrow_services
from logistics.models.siting.priced_choice import flip_costs
from logistics.models.siting.prices import CLOSED, FREE
from logistics.models.siting.problem import TwoStageProblem
from logistics.models.siting.relaxation import GUESS, as_lower
from logistics.models.siting.two_stage_flow import least_cost_flow
from logistics.models.siting.two_stage_prices import (
    TwoStageOffers,
    find_two_stage_loads,
    raise_two_stage_bound,
)

Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]
States = NDArray[np.int8]


@dataclass(frozen=True)
class TwoStageRules:
    """Rules on the open depots and on the open plants."""

    depots: OpeningRules
    plants: OpeningRules

    @classmethod
    def of(cls, problem: TwoStageProblem) -> TwoStageRules:
        """Rules of a problem."""
        total = float(problem.demand.sum())
        allowed = np.isfinite(problem.depot_cost)
        if problem.single_source:
            room = problem.depot_capacity * (1.0 + SLACK)
            allowed = allowed & (problem.demand[None, :] <= room[:, None])
        depots = OpeningRules.from_rows(
            problem.depot_side,
            problem.depot_capacity,
            total,
            (0, len(problem.depot_ids)),
            np.unique(allowed.T[~allowed.all(axis=0)], axis=0),
            np.column_stack([problem.depot_fixed_cost, problem.depot_cost, problem.plant_cost.T]),
        )
        plants = OpeningRules.from_rows(
            problem.plant_side,
            problem.plant_capacity,
            total,
            (0, len(problem.plant_ids)),
            np.zeros((0, len(problem.plant_ids)), bool),
            np.column_stack([problem.plant_fixed_cost, problem.plant_cost]),
        )
        return cls(depots, plants)

    def narrow(self, state: States) -> tuple[bool, tuple[int, ...]]:
        """Fix free sites in place; returns whether anything is left, and the ranges of both numbers."""
        num_depots = len(self.depots.twin)
        depots_ok, depots = self.depots.narrow(state[:num_depots])
        plants_ok, plants = self.plants.narrow(state[num_depots:])
        return depots_ok and plants_ok, (*depots, *plants)

    def lacks(self, opened: Flags) -> Flags:
        """Sites that are wanted since so few, or so little capacity, cannot do."""
        num_depots = len(self.depots.twin)
        return np.append(self.depots.lacks(opened[:num_depots]), self.plants.lacks(opened[num_depots:]))

    def allow(self, opened: Flags) -> bool:
        """Whether a set keeps all rules."""
        num_depots = len(self.depots.twin)
        return self.depots.allow(opened[:num_depots]) and self.plants.allow(opened[num_depots:])


class TwoStageRelaxation:
    """Bounds of a problem's parts; the methods are those of :class:`branch_and_bound.Bounds`.

    Parameters
    ----------
    problem
        With demands above 0 only, and a depot for every customer.
    rules
        Its rules on the open sites.
    """

    def __init__(self, problem: TwoStageProblem, rules: TwoStageRules) -> None:
        self.problem = problem
        self.rules = rules
        self.whole = problem.single_source
        # Copies that may be written to, as all other arrays the kernels are compiled for.
        demand, total = problem.demand.copy(), float(problem.demand.sum())
        num_depots, num_plants = len(problem.depot_ids), len(problem.plant_ids)
        room = problem.depot_capacity * (1.0 + SLACK if self.whole else 1.0)
        lane = np.minimum(room, total)
        service_cost = times(problem.depot_cost, demand[None, :])
        most = np.where(np.isfinite(service_cost), service_cost, -np.inf).max(axis=0).sum()
        furthest = np.max(problem.plant_cost, where=np.isfinite(problem.plant_cost), initial=0.0)
        fixed = np.append(problem.depot_fixed_cost, problem.plant_fixed_cost)
        self.dearest = beyond(np.maximum(fixed, 0.0).sum() + most + furthest * total)
        depot_row, depot_bound = as_lower(problem.depot_side, num_depots)
        plant_row, plant_bound = as_lower(problem.plant_side, num_plants)
        row = np.zeros((len(depot_row) + len(plant_row), num_depots + num_plants))
        row[: len(depot_row), :num_depots] = depot_row
        row[len(depot_row) :, num_depots:] = plant_row
        # A first guess of what a unit costs at a depot, and a customer at its second cheapest one.
        per_unit = problem.plant_fixed_cost / np.maximum(np.minimum(problem.plant_capacity, total), 1e-300)
        unit = np.min(problem.plant_cost + np.maximum(per_unit, 0.0)[:, None], axis=0, initial=np.inf)
        unit = np.where(np.isfinite(unit), unit, 0.0)
        way = service_cost + unit[:, None] * demand[None, :]
        second = np.partition(way, min(1, num_depots - 1), axis=0)[min(1, num_depots - 1)]
        low = np.min(service_cost, axis=0, initial=np.inf)
        self._first_price = np.concatenate(
            [np.where(np.isfinite(second), second, np.min(way, axis=0)), unit, np.zeros(len(row))]
        )
        typical = float(self._first_price[: len(demand)].sum()) / max(1, len(demand)) or 1.0
        per_site = float(np.abs(fixed).mean()) + typical * len(demand) / len(fixed)
        self._offers = TwoStageOffers(
            service_cost=service_cost,
            demand=demand,
            room=room,
            lane_cost=times(problem.plant_cost, lane[None, :]),
            lane=lane,
            plant_room=problem.plant_capacity.copy(),
            fixed=fixed,
            settled=np.zeros(num_depots),
            row=row,
            bound=np.append(depot_bound, plant_bound),
            low=np.concatenate([low, np.zeros(num_depots + len(row))]),
            scale=np.concatenate(
                [
                    np.maximum(self._first_price[: len(demand)] / typical, 1e-3),
                    np.maximum(unit, 1e-3 * typical) / np.where(lane > 0.0, lane, 1.0) / typical,
                    np.full(len(row), per_site / typical),
                ]
            ),
            cover=np.append(rules.depots.coefficient[-1], rules.plants.coefficient[-1]),
            total=total,
        )

    def root(self) -> Part:
        """The whole problem at the first guess of prices."""
        problem = self.problem
        num_depots, num_sites = len(problem.depot_ids), len(self._offers.fixed)
        shape = (num_sites, len(problem.demand))
        allowed = None
        if self.whole:
            allowed = np.zeros(shape, bool)
            fits = problem.demand[None, :] <= self._offers.room[:, None]
            allowed[:num_depots] = np.isfinite(problem.depot_cost) & fits
        return Part(
            state=np.zeros(num_sites, np.int8),
            allowed=allowed,
            price=self._first_price.copy(),
            bound=-np.inf,
            share=np.zeros(num_sites),
            service=np.zeros(shape) if self.whole else None,
        )

    def narrow(self, part: Part) -> tuple[bool, tuple[int, ...]]:
        """Fix what the rules say; returns whether anything is left, and the ranges of both numbers."""
        problem = self.problem
        num_depots = len(problem.depot_ids)
        ok, count = self.rules.narrow(part.state)
        while ok and part.allowed is not None:
            before = int((part.state == FREE).sum())
            depots = part.state[:num_depots]
            ok = narrow_services(depots, part.allowed[:num_depots], self._offers.demand, self._offers.room)
            if not ok or int((part.state == FREE).sum()) == before:
                break
            ok, count = self.rules.narrow(part.state)
        if ok and not (np.isfinite(problem.plant_cost).all() and np.isfinite(problem.depot_cost).all()):
            # Where there is not a way from everywhere, the open and free sites may be too small together.
            ok = self.flow(part.state != CLOSED)[0] < np.inf
        return ok, count

    def flow(self, opened: Flags) -> tuple[float, Floats, Floats, Floats, float]:
        """Least-cost flow over a set of sites.

        Returns
        -------
        cost, sent, served, price, missing
            Units [plant, depot] and [depot, customer] and what a unit costs [depot], of open sites.
        """
        problem = self.problem
        num_depots = len(problem.depot_ids)
        depots, plants = np.flatnonzero(opened[:num_depots]), np.flatnonzero(opened[num_depots:])
        sent, price = np.zeros((len(plants), len(depots))), np.zeros(len(depots))
        served = np.zeros((len(depots), len(problem.demand)))
        cost, missing = least_cost_flow(
            np.ascontiguousarray(problem.plant_cost[np.ix_(plants, depots)]),
            problem.depot_cost[depots],
            self._offers.demand,
            problem.plant_capacity[plants],
            problem.depot_capacity[depots],
            sent,
            served,
            price,
        )
        return cost, sent, served, price, missing

    def raise_bound(
        self, part: Part, count: tuple[int, ...], goal: float, steps: int, stride: float
    ) -> Flips:
        """Raise the bound of a part by steps towards a goal; its prices and shares are brought up to date."""
        full = self._offers
        num_depots, num_customers = full.service_cost.shape
        sites = np.flatnonzero(part.state != CLOSED)
        depots, plants = sites[sites < num_depots], sites[sites >= num_depots] - num_depots
        left = LeftOver.of(part, depots, full.service_cost, full.demand, full.room)
        behind = num_customers + num_depots + np.arange(len(full.bound))
        priced = np.concatenate([left.customers, num_customers + depots, behind])
        offers = TwoStageOffers(
            service_cost=left.cost,
            demand=left.demand,
            room=left.room,
            lane_cost=np.ascontiguousarray(full.lane_cost[np.ix_(plants, depots)]),
            lane=full.lane[depots],
            plant_room=full.plant_room[plants],
            fixed=full.fixed[sites],
            settled=left.settled_load,
            row=np.ascontiguousarray(full.row[:, sites]),
            bound=full.bound,
            low=full.low[priced],
            scale=full.scale[priced],
            cover=full.cover[sites],
            total=full.total,
        )
        price, state, share = part.price[priced], part.state[sites], part.share[sites]
        reduced, flip = np.zeros(len(sites)), np.zeros(len(sites))
        aim = beyond(goal) - left.settled_cost
        least_depots, most_depots, least_plants, most_plants = count
        given = (price, offers, self.whole, state, least_depots, most_depots, least_plants, most_plants)
        found = (reduced, share, left.service)
        if not np.isfinite(aim):
            first = raise_two_stage_bound(*given, np.inf, 1, stride, *found)
            aim = first + GUESS * abs(first)
        bound = raise_two_stage_bound(*given, aim, steps, stride, *found)
        part.bound = max(part.bound, bound + left.settled_cost)
        part.price[priced] = price
        part.share[:] = 0.0
        part.share[sites] = share
        num = len(depots)
        levels = ((slice(num), least_depots, most_depots), (slice(num, None), least_plants, most_plants))
        for level, least, most in levels:
            flip_costs(
                reduced[level], state[level], least, most, offers.cover[level], full.total, flip[level]
            )
        flips = np.zeros(len(part.state))
        flips[sites] = flip
        rise = None
        if part.service is not None:
            at = len(left.customers)
            row_price = price[at + num :]
            earned = offers.fixed[:num] - reduced[:num] - row_price @ offers.row[:, :num]
            unit = price[at : at + num]
            rise = left.put_back(part, price[:at], earned, flip[:num], unit)
        return Flips(bound + left.settled_cost, flips, rise)

    def bound_of_sets(self, part: Part) -> tuple[float, Floats]:
        """What a set costs at least, by a part's prices: a constant and reduced costs to add up."""
        offers = self._offers
        num_depots, num_customers = offers.service_cost.shape
        num_sites = len(offers.fixed)
        reduced = np.zeros(num_sites)
        find_two_stage_loads(
            part.price,
            offers,
            self.whole,
            np.zeros(num_sites, np.int8),
            reduced,
            np.zeros((num_sites, max(num_depots, num_customers)), np.int32),
            np.zeros(num_sites, np.int64),
            np.zeros(num_sites),
        )
        rows = part.price[num_customers + num_depots :]
        return float(part.price[:num_customers].sum() + rows @ offers.bound), reduced


def times(unit_cost: Floats, units: Floats) -> Floats:
    """Costs of so many units, inf where there is no way."""
    return np.where(np.isfinite(unit_cost), unit_cost, 0.0) * units + np.where(
        np.isfinite(unit_cost), 0.0, np.inf
    )
