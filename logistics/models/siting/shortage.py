"""Why no choice of sites serves all: rules that contradict each other, or capacity that is missing, and how much."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from logistics.integer_solver import MixedProgram, MixedStop, solve_mixed
from logistics.models.siting.openings import SLACK, OpeningRules
from logistics.models.siting.problem import Infeasible, SitingProblem

Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]

TIME_LIMIT_S = 20.0
"""Of each look for the most that can be served; what is missing is then at least what is said."""


def why_none(problem: SitingProblem, rules: OpeningRules) -> Infeasible:
    """Say why a problem that was found to have no solution has none.

    Parameters
    ----------
    problem, rules
        The problem and its rules on the open sites.
    """
    fits = np.isfinite(problem.cost)
    if problem.single_source:
        fits &= problem.demand[None, :] <= problem.capacity[:, None] * (1.0 + SLACK)
    nowhere = np.flatnonzero(~fits.any(axis=0)).astype(np.int32)
    if len(nowhere):
        return Infeasible("nobody_serves", rows=nowhere)
    total = float(problem.demand.sum())
    # First the capacity of the sites as such, then what of it can be reached.
    most = _most_served(problem, rules, None)
    if most is None:
        return Infeasible("side_rows", rows=_rows_that_cannot_hold(problem))
    if most >= total * (1.0 - SLACK):
        most = _most_served(problem, rules, fits)
    if most is not None and most < total * (1.0 - SLACK):
        return Infeasible("capacity_short", missing=total - most)
    return Infeasible("no_set_serves_all")


def _rows_that_cannot_hold(problem: SitingProblem) -> NDArray[np.int32]:
    """Side rows that no set keeps, whatever the others say."""
    side = problem.side
    if side is None:
        return np.zeros(0, np.int32)
    least = np.minimum(side.coefficient, 0.0).sum(axis=1)
    most = np.maximum(side.coefficient, 0.0).sum(axis=1)
    slack = SLACK * np.maximum(1.0, np.abs(np.stack([side.lower, side.upper])))
    return np.flatnonzero((most < side.lower - slack[0]) | (least > side.upper + slack[1])).astype(np.int32)


def _most_served(problem: SitingProblem, rules: OpeningRules, fits: Flags | None) -> float | None:
    """Most demand that a set keeping the rules serves, split; None: no set keeps them.

    Parameters
    ----------
    fits
        Services that are possible, bool array [site, customer]; None: any site serves anybody.
    """
    num_sites, room = problem.num_sites, rules.coefficient[-1]
    rows = np.vstack([rules.coefficient[:-1], np.ones(num_sites)])
    lower = np.append(rules.lower[:-1], rules.least)
    upper = np.append(rules.upper[:-1], rules.most)
    row, column = np.nonzero(rows)
    value = rows[row, column]
    cost = -room
    if fits is not None:
        # Columns of service behind the sites': what flows from a site, and what reaches a customer.
        site, customer = np.nonzero(fits & (problem.demand > 0.0))
        demand = problem.demand[customer]
        service = num_sites + np.arange(len(site))
        row = np.concatenate(
            [row, len(rows) + customer, len(rows) + problem.num_customers + site]
            + [len(rows) + problem.num_customers + np.arange(num_sites)]
        )
        column = np.concatenate([column, service, service, np.arange(num_sites)])
        value = np.concatenate([value, np.ones(len(site)), demand, -room])
        lower = np.append(lower, np.full(problem.num_customers + num_sites, -np.inf))
        upper = np.concatenate([upper, np.ones(problem.num_customers), np.zeros(num_sites)])
        cost = np.concatenate([np.zeros(num_sites), -demand])
    program = MixedProgram(
        cost=cost,
        lower=np.zeros(len(cost)),
        upper=np.ones(len(cost)),
        whole=np.arange(len(cost)) < num_sites,
        row=row,
        column=column,
        value=value,
        row_lower=lower,
        row_upper=upper,
    )
    answer = solve_mixed(program, "scip", MixedStop(gap=1e-9, time_limit_s=TIME_LIMIT_S))
    return None if answer.outcome == "infeasible" else -answer.bound
