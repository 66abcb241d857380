"""Options in parts: their costs as tolls on what uses them, which leaves one flow a year to solve.

Where any part of an option may be had for that part of its cost, room for a tonne on all its legs costs
f_j/C_j. Let shares σ_r ≥ 0 of its cost be charged on its legs r, Σ_r σ_r = 1, as tolls τ_r = σ_r f_j / C_r a
tonne. With λ the prices of the legs' capacities in the flow at these tolls, and L the bound of that flow to
which their worth is added back, any options y cost at least

    z(y)  ≥  L − Σ_j S_j y_j,    S_j = Σ_r C_r (λ_r + τ_r):

cargo pays tolls on no more than what open legs hold. That is Benders' cut at the relaxation of y where the
shares are the best ones; for any others it is a bound too. Unlike savings at fixed prices, it credits no two
options with the same cargo.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from logistics.models.design.cargo_prices import FlowCut
from logistics.models.design.plan_flows import PlanFlows
from logistics.models.design.problem import DesignProblem
from logistics.models.flow.columns import loads_of
from logistics.virtual_network.instance import Instance

Floats = NDArray[np.float64]
Ints = NDArray[np.int32]
Paths = Sequence[tuple[int, Ints]]
FIRST_MOVE, LEAST_MOVE = 0.6, 0.1
"""Part of the way that shares are moved at first towards the leg that is used most, and in the end."""


def takes_tolls(instance: Instance) -> bool:
    """Whether tolls do what they should: money has a weight, and no limit on money counts them."""
    limited = any(limit.measure == "money_cny" for limit in instance.limits)
    return instance.weights.money > 0 and not limited


def with_tolls(instance: Instance, per_t: Floats) -> Instance:
    """The instance with a toll on each tonne that uses a resource.

    Parameters
    ----------
    per_t
        CNY for a tonne's use of each resource counted in tonnes, shape (resources,).
    """
    layers = []
    for layer in instance.layers:
        paid = np.where(layer.use_is_m3, 0.0, per_t[layer.use_row])
        by_arc = np.bincount(layer.use_arc, paid, layer.num_arcs)
        money = layer.money_cny_per_t + by_arc[:, None] / instance.weights.money
        layers.append(replace(layer, money_cny_per_t=money) if by_arc.any() else layer)
    return replace(instance, layers=tuple(layers))


@dataclass(frozen=True)
class InParts:
    """One year's relaxation.

    Parameters
    ----------
    cut
        Its bound.
    used
        Share of each option that is used, on the leg that is used most, shape (options,).
    worth
        What the legs' capacities are worth beside the tolls, CNY of the year, shape (options,).
    """

    cut: FlowCut
    used: Floats
    worth: Floats


class TolledYear:
    """Relaxation of one year of a design; solved again, its tolls move to the legs that are used.

    Parameters
    ----------
    problem, year
        A problem without expansions, and the number of the year.
    gap
        Of its flows.
    paths
        Paths known to be good.
    """

    def __init__(self, problem: DesignProblem, year: int, gap: float, paths: Paths) -> None:
        self._year, self._gap = year, gap
        self._problem = problem.only(year)
        self._paths = list(paths)
        instance, (row, option) = problem.instances[year], problem.gates[year]
        in_t = np.array([r.unit == "t" for r in instance.resources], bool)[row]
        self._row, self._option = row[in_t], option[in_t]
        self._gated, self._gate_option = row, option
        legs = np.bincount(self._option, minlength=len(problem.options))
        self._share: Floats = 1.0 / legs[self._option]
        self._cost: Floats = problem.cost / float(problem.year_weight[year])
        self._move = FIRST_MOVE

    def solve(self) -> InParts | None:
        """Solve it at the tolls as they are; None: not even all options together serve all."""
        problem, options = self._problem, len(self._problem.options)
        instance = problem.instances[0]
        capacity = instance.capacity
        room = capacity[self._row]
        toll = np.zeros(len(capacity))
        # Where an option earns money, a toll would have to be below zero.
        cost = np.maximum(0.0, self._cost[self._option])
        toll[self._row] = np.divide(self._share * cost, room, out=np.zeros(len(room)), where=room > 0)
        tolled = replace(problem, instances=(with_tolls(instance, toll),))
        flow = PlanFlows(tolled, self._gap, [self._paths]).solved(0, np.ones(options))
        if flow.status not in ("optimal", "limit"):
            return None
        self._paths += flow.used_paths
        price = flow.duals.resource[self._gated] * capacity[self._gated]
        worth = np.bincount(self._gate_option, price, options).astype(float)
        saved: Floats = worth + np.bincount(self._option, toll[self._row] * room, options)
        load = loads_of(instance, flow.commodity, flow.path, flow.flow_t)[self._row]
        share = np.divide(load, room, out=np.zeros(len(room)), where=room > 0)
        used = np.zeros(options)
        np.maximum.at(used, self._option, share)
        self._to_the_fullest(share, flow.duals.resource[self._row] * room)
        return InParts(FlowCut(self._year, flow.bound + float(worth.sum()), saved), used, worth)

    def _to_the_fullest(self, share: Floats, worth: Floats) -> None:
        """Move tolls to the leg of each option that is used most: it has to be there for that."""
        options = len(self._problem.options)
        size = np.maximum(1.0, np.abs(self._cost[self._option]))
        score = share + worth / size
        best = np.full(options, -np.inf)
        np.maximum.at(best, self._option, score)
        fullest = (score >= best[self._option] - 1e-9).astype(float)
        fullest /= np.bincount(self._option, fullest, options)[self._option]
        self._share = self._share + self._move * (fullest - self._share)
        self._move = max(LEAST_MOVE, self._move * 0.7)
