"""Bounds on a year's flow that are linear in the options, from prices of the capacities alone.

For any prices μ ≥ 0 of the capacities without a gate, and any options y,

    z(y)  ≥  Σ_k d_k π_k - Σ_r C_r μ_r - Σ_j S_j y_j,

with any π_k at most the cheapest cost without options, and S_j what option j can save at most on it: every
path that needs j draws on one of its gated capacities, saves at most π_k − (cost through j, all options
open), and all of them together fill at most j's own room. With π the cheapest costs of a solved plan, its
options at their prices, the bound is tight for that plan: Benders' cut, with options outside of the plan
counted for no more than they could save beside it.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from logistics.models.design.cargo_prices import FlowCut, PricedCargo
from logistics.models.design.problem import DesignProblem
from logistics.models.flow.costs import Dues, RowPrices
from logistics.models.flow.pricing import PathPricer
from logistics.models.flow.solved import Duals
from logistics.models.routes.connections import gated_connections
from logistics.models.routes.through import Through

Floats = NDArray[np.float64]
SHUT = 1e9
UNLIMITED = 1e15


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
        self._ways = [gated_connections(layer, owner) for layer in self._instance.layers]

    def cut(self, y: Floats, duals: Duals, least_unserved: float) -> FlowCut:
        """The bound at the prices of a solved plan, tight for its options `y`; see :meth:`priced`."""
        return self.priced(y, duals, least_unserved).cut

    def priced(self, y: Floats, duals: Duals, least_unserved: float) -> PricedCargo:
        """The bound at the prices of a solved plan, tight for its options `y`, and what it is made of.

        Parameters
        ----------
        least_unserved
            Tonnes that may stay unserved.
        """
        instance = self._instance
        resource = np.where(self._owner >= 0, 0.0, duals.resource)
        prices = RowPrices(resource, duals.limit)
        gated, option = self._problem.gates[self._year]
        planned = resource.copy()
        planned[gated] = np.where(y[option] > 0.5, duals.resource[gated], SHUT)
        closed = RowPrices(planned, duals.limit)
        dues, c = Dues(instance, prices), instance.commodities
        everything = np.full(len(c), np.inf)
        without = self.pricer.price(closed, everything).cost
        constant = instance.weights.money * c.constant_cny_per_t + dues.offset
        cost = without + constant
        some = c.demand_t > 0
        cost = np.where(np.isfinite(cost), cost, SHUT)
        left = 0.0
        if instance.unserved_cny_per_t is not None:
            price = np.broadcast_to(np.asarray(instance.unserved_cny_per_t, float), (len(c),))
            cost = np.minimum(cost, price + dues.unserved)
        elif least_unserved > 0:
            # Any price of what may stay unserved gives a bound; without one the dearest way's will do.
            price_t = duals.unserved if np.isfinite(duals.unserved) else float(np.max(cost, initial=0.0))
            cost = np.minimum(cost, price_t + dues.unserved)
            left = price_t * least_unserved
        bound = float(c.demand_t[some] @ cost[some]) - float(instance.capacity @ resource) - left
        bound -= float(sum(p * limit.bound for p, limit in zip(duals.limit, instance.limits, strict=True)))
        arcs = [np.arange(layer.num_arcs) for layer in instance.layers]
        through = Through(self.pricer, prices, cost - constant, self._ways, arcs, twice=False)
        return self._priced(bound, np.where(some, cost, 0.0), through)

    def _priced(self, bound: float, worth: Floats, through: Through) -> PricedCargo:
        """The bound with what each option saves on each cargo."""
        options, members, saved, amounts, weights, rooms = [], [], [], [], [], []
        first = [0]
        demand = self._instance.commodities.demand_t
        unknown = np.zeros(len(self._problem.options))
        for option in range(len(self._problem.options)):
            sacks = through.knapsacks(option)
            if sacks is None:
                unknown[option] = np.inf
            for part, per_t, room in sacks or []:
                options.append(option)
                members.append(part.member)
                saved.append(part.saved / per_t)
                amounts.append(demand[part.member] * per_t)
                weights.append(per_t)
                rooms.append(min(room, UNLIMITED))
                first.append(first[-1] + len(part.member))
        none = np.zeros(0)
        cargo = PricedCargo(
            FlowCut(self._year, bound, unknown),
            unknown,
            demand,
            worth,
            np.array(options, np.int64),
            np.array(first, np.int64),
            np.concatenate([*members, none]).astype(np.int64),
            np.concatenate([*saved, none]),
            np.concatenate([*amounts, none]),
            np.concatenate([*weights, none]),
            np.array(rooms, float),
        )
        return replace(cargo, cut=cargo.discounted(np.zeros(len(demand))))
