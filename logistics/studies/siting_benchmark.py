"""The benchmark of candidates: each alone beside what exists, in the best plan, and its worth there."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from logistics.models.placement.problem import PlacementAnswer, PlacementPlan
from logistics.models.placement.search import PlacementSearch
from logistics.studies.siting_cargo import CargoReader, Served
from logistics.studies.siting_plans import LastYear

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Alone:
    """A candidate beside the existing warehouses, in the last year, at the base's prices.

    Parameters
    ----------
    saved_cny
        No more than this is saved by it, its own cost left out.
    net_cny
        That less its own cost.
    served
        The cargo that it could take, as far as its room goes; None: none.
    """

    saved_cny: float
    net_cny: float
    served: Served | None


@dataclass(frozen=True)
class Worth:
    """What having a candidate is worth: cost of the best plan without it less that with it, all years.

    Parameters
    ----------
    low, high
        It lies between them; None: not known.
    """

    low: float | None
    high: float | None


def alone(last: LastYear, reader: CargoReader, base: PlacementPlan) -> list[Alone]:
    """Each candidate alone, by number."""
    priced, price = last.search.priced_at(base)
    choice_saved = priced.saved(price)
    problem, costs = last.problem, last.search.costs[0]
    found = []
    for number, one in enumerate(last.sited.candidates):
        mine = np.flatnonzero(problem.candidate == number)
        if len(mine) == 0:
            found.append(Alone(0.0, 0.0, None))
            continue
        choice = int(mine[0])
        saved = float(choice_saved[choice])
        taken = np.zeros(len(problem.names), bool)
        taken[choice] = True
        tonnes = np.zeros(len(costs.instance.commodities))
        tonnes[costs.members] = priced.served(price, taken)
        served = None
        if tonnes.any():
            paths = [way for way in costs.paths_through(number, base.flows[0].duals) if tonnes[way[0]] > 0]
            members = np.array([k for k, _ in paths], np.int32)
            served = reader.served(members, [path for _, path in paths], tonnes[members])
        cost = one.annual_cny(last.sited.spec.discount_rate)
        found.append(Alone(saved, saved - cost, served))
    return found


def ranks(nets: Sequence[float]) -> list[int]:
    """Rank of each by its net, 1 is the best; equal ones in order."""
    order = np.lexsort((np.arange(len(nets)), -np.array(nets)))
    found = np.empty(len(nets), int)
    found[order] = np.arange(1, len(nets) + 1)
    return [int(rank) for rank in found]


def worths(search: PlacementSearch, answer: PlacementAnswer) -> list[Worth]:
    """What each candidate is worth, forced in against forced out, by number."""
    if answer.best is None:
        return [Worth(None, None) for _ in search.problem.candidates]
    inside, outside = search.forced()
    problem = search.problem
    found = []
    for number in range(len(problem.candidates)):
        mine = problem.candidate == number
        kept = [p for p in search.plans if np.isfinite(p.value) and problem.rules.kept(p.taken)]
        with_it = min((p.value for p in kept if np.any(p.taken[mine])), default=np.inf)
        without = min((p.value for p in kept if not np.any(p.taken[mine])), default=np.inf)
        low = max(outside[number], answer.bound) - with_it
        high = without - max(inside[number], answer.bound)
        found.append(Worth(_finite(low), _finite(high)))
    return found


def _finite(value: float) -> float | None:
    return float(value) if np.isfinite(value) else None
