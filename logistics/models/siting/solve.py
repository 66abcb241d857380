"""One door for siting problems: says at once what cannot be, and hands the rest to the solver it needs."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from logistics.models.siting.problem import (
    Flows,
    Infeasible,
    Report,
    SideRows,
    SitingAnswer,
    SitingProblem,
    SitingProgress,
    SitingStop,
    without_solution,
)

Ints = NDArray[np.integer[Any]]


def solve_siting(
    problem: SitingProblem, stop: SitingStop | None = None, report: Report | None = None
) -> SitingAnswer:
    """Choose sites at least cost.

    What existing sites, options that exclude each other, numbers, budgets, capacities and coverage are in
    these arrays, :mod:`logistics.models.siting` says.

    Parameters
    ----------
    problem
        The problem. The order of its sites and customers does not matter: they are sorted by id, and of sites
        that are equal in all the smaller id is open. Costs are of a customer's whole demand.
    stop
        When to stop; None: when the gap of :class:`SitingStop` is closed. Limits of time hold to about a
        second for thousands of sites or customers. Runs that no limit of time ends are repeatable.
    report
        Called on the way, never with a value below or a bound above the optimum.

    Returns
    -------
    SitingAnswer
        In the order of the problem. Whatever it ended with: its bound is one that no solution can beat, -inf
        if there was no time for one; with ``limit`` and sites open it has the best solution known; with
        ``infeasible`` it says why there is none, and what is missing.
    """
    stop = stop or SitingStop()
    obstacle = _obstacle(problem)
    if obstacle is not None:
        return without_solution(problem, obstacle)
    sites = np.argsort(np.array(problem.site_ids))
    customers = np.argsort(np.array(problem.customer_ids))
    answer = _solved(_in_order(problem, sites, customers), stop, report or _ignore)
    return _put_back(answer, sites, customers)


def _solved(problem: SitingProblem, stop: SitingStop, report: Report) -> SitingAnswer:
    if problem.is_capacitated:
        from logistics.models.siting.capacitated import solve_capacitated

        return solve_capacitated(problem, stop, report)
    from logistics.models.siting.uncapacitated import UncapacitatedSearch

    return UncapacitatedSearch(problem, stop, report).solve()


def _obstacle(problem: SitingProblem) -> Infeasible | None:
    """What shows at once that there is no solution."""
    if problem.num_customers and problem.num_sites == 0:
        return Infeasible("no_sites")
    if problem.least_open > problem.num_sites:
        return Infeasible("more_than_sites", missing=problem.least_open - problem.num_sites)
    if problem.least_open > problem.num_most_open:
        return Infeasible("side_rows", missing=problem.least_open - problem.num_most_open)
    alone = np.flatnonzero(~np.isfinite(problem.cost).any(axis=0)).astype(np.int32)
    if len(alone):
        return Infeasible("nobody_serves", rows=alone)
    return None


def _in_order(problem: SitingProblem, sites: Ints, customers: Ints) -> SitingProblem:
    """The problem with its sites and customers in another order; itself where they are in it."""
    if np.array_equal(sites, np.arange(len(sites))) and np.array_equal(customers, np.arange(len(customers))):
        return problem
    side = problem.side
    return replace(
        problem,
        fixed_cost=problem.fixed_cost[sites],
        cost=np.ascontiguousarray(problem.cost[np.ix_(sites, customers)]),
        demand=problem.demand[customers],
        capacity=problem.capacity[sites],
        site_ids=tuple(problem.site_ids[i] for i in sites),
        customer_ids=tuple(problem.customer_ids[j] for j in customers),
        side=None if side is None else _side_in_order(side, sites),
    )


def _side_in_order(side: SideRows, sites: Ints) -> SideRows:
    return replace(side, coefficient=np.ascontiguousarray(side.coefficient[:, sites]))


def _put_back(answer: SitingAnswer, sites: Ints, customers: Ints) -> SitingAnswer:
    """The answer in the order in which the problem was given."""
    opened = np.zeros_like(answer.open)
    opened[sites] = answer.open
    assignment = np.full_like(answer.assignment, -1)
    served = answer.assignment >= 0
    assignment[customers[served]] = sites[answer.assignment[served]]
    flows = Flows(
        sites[answer.flows.site].astype(np.int32),
        customers[answer.flows.customer].astype(np.int32),
        answer.flows.share,
    )
    prices = None
    if answer.prices is not None:
        prices = np.empty_like(answer.prices)
        prices[customers] = answer.prices
    return replace(answer, open=opened, assignment=assignment, flows=flows, prices=prices)


def _ignore(_progress: SitingProgress) -> None:
    """No one wants to know."""
