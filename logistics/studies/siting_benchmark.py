"""The benchmark of candidates: each alone beside what exists, in the best plan, and its worth there."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from logistics.models.placement.problem import PlacementAnswer, PlacementPlan, PlacementProblem
from logistics.models.placement.search import PlacementSearch
from logistics.studies.siting_cargo import CargoReader, Served
from logistics.studies.siting_plans import LastYear

Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]
GROUPS, FEW = 5, 10
"""Parts into which more chosen candidates than a few are divided: each has an end before time is up."""
MOST_ADDED = 20
"""Candidates that are not chosen and are tried beside the best plan."""


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


def value_plans(search: PlacementSearch, base: Flags, time_limit_s: float) -> None:
    """Solve plans that bound what candidates are worth from above and from below, as far as the time goes.

    The best plan without each candidate that it has, and with each that it has not, the most valuable alone
    first. Where there are many, parts of the chosen ones are left out together before: what all of them are
    worth together none of them exceeds. Better plans that are met are the best from then on.

    Parameters
    ----------
    base
        Choices of what exists, whose flows were solved.
    """
    problem, best = search.problem, search.best
    if best is None:
        return
    until, longest = time.perf_counter() + time_limit_s, 0.0
    priced, price = search.priced_at(search.plan_of(base))
    net = priced.saved(price) - problem.cost
    worth = np.full(len(problem.candidates), -np.inf)
    np.maximum.at(worth, problem.candidate, net)
    order = [number for number in np.argsort(-worth, kind="stable").tolist() if np.isfinite(worth[number])]
    chosen = set(problem.candidate[best.taken].tolist())
    have = [number for number in order if number in chosen]
    lack = [number for number in order if number not in chosen][:MOST_ADDED]
    parts = [part.tolist() for part in np.array_split(have, GROUPS)] if len(have) > FEW else []
    tries = [
        *((part, False) for part in parts),
        *(([one], False) for one in have),
        *(([one], True) for one in lack),
    ]
    for some, inside in tries:
        plan = search.best
        assert plan is not None
        taken = _with(search, plan.taken, some[0], net) if inside else _without(search, plan.taken, some)
        if taken is None or any(np.array_equal(taken, one.taken) for one in search.plans):
            continue
        begun = time.perf_counter()
        if begun + longest > until:
            return
        search.plan_of(taken)
        longest = max(longest, time.perf_counter() - begun)


def _without(search: PlacementSearch, taken: Flags, some: Sequence[int]) -> Flags | None:
    """Choices without some candidates; where rules ask for others instead, those that are best at prices."""
    problem = search.problem
    mine = np.isin(problem.candidate, some)
    left = taken & ~mine
    if problem.rules.kept(left):
        return left
    row = problem.rules.with_row("without", mine.astype(float), -np.inf, 0.0)
    return next((one for one in search.bound_under(row).taken if row.kept(one)), None)


def _with(search: PlacementSearch, taken: Flags, number: int, net: Floats) -> Flags | None:
    """Choices with one candidate more, in place of what it excludes; None: rules ask for something else."""
    problem = search.problem
    group = problem.rules.exclusive
    for choice in sorted(np.flatnonzero(problem.candidate == number).tolist(), key=lambda one: -net[one]):
        more = np.array(taken & (problem.candidate != number), bool)
        if group is not None:
            more[group == group[choice]] = False
        more[choice] = True
        if problem.rules.kept(more):
            return more
    row = problem.rules.with_row("with", (problem.candidate == number).astype(float), 1.0, np.inf)
    return next((one for one in search.bound_under(row).taken if row.kept(one)), None)


def worths(search: PlacementSearch, answer: PlacementAnswer) -> list[Worth]:
    """What each candidate is worth, forced in against forced out, by number."""
    if answer.best is None:
        return [Worth(None, None) for _ in search.problem.candidates]
    inside, outside = search.forced()
    problem = search.problem
    kept = [p for p in search.plans if np.isfinite(p.value) and problem.rules.kept(p.taken)]
    kept.sort(key=lambda plan: plan.value)
    found = []
    for number in range(len(problem.candidates)):
        mine = problem.candidate == number
        without = min((p.value for p in kept if not np.any(p.taken[mine])), default=np.inf)
        low = max(outside[number], answer.bound) - _with_it(problem, kept, number)
        high = without - max(inside[number], answer.bound)
        found.append(Worth(_finite(low), _finite(high)))
    return found


def _with_it(problem: PlacementProblem, kept: Sequence[PlacementPlan], number: int) -> float:
    """What the best plan with a candidate costs at most: one that has it, or one beside which it lies idle.

    Parameters
    ----------
    kept
        Plans that keep the rules, the cheapest first.
    """
    choices, least = np.flatnonzero(problem.candidate == number).tolist(), np.inf
    for plan in kept:
        if plan.value >= least:
            break
        if np.any(plan.taken[choices]):
            return min(least, plan.value)
        for choice in sorted(choices, key=lambda one: float(problem.cost[one])):
            more = plan.taken.copy()
            more[choice] = True
            if plan.value + problem.cost[choice] >= least:
                break
            if problem.rules.kept(more):
                least = plan.value + float(problem.cost[choice])
                break
    return least


def _finite(value: float) -> float | None:
    return float(value) if np.isfinite(value) else None
