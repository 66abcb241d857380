"""Why no choice of sites serves all: rules contradict each other, or so much capacity is missing."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from logistics.integer_solver import MixedProgram, MixedStop, solve_mixed
from logistics.models.siting.openings import SLACK, OpeningRules
from logistics.models.siting.problem import Infeasible, Obstacle, SitingProblem

Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]
Ints = NDArray[np.int32]

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
    if not _can_hold(rules, np.arange(_num_side_rows(rules))):
        return Infeasible("side_rows", rows=_contradiction(rules))
    total = float(problem.demand.sum())
    # First the capacity of the sites as such, then what of it can be reached.
    most = _most_served(problem, rules, None)
    if most >= total * (1.0 - SLACK):
        most = _most_served(problem, rules, fits)
    if most < total * (1.0 - SLACK):
        obstacle: Obstacle = "capacity_short" if problem.is_capacitated else "no_set_serves_all"
        return Infeasible(obstacle, missing=total - most)
    return Infeasible("no_set_serves_all")


def _num_side_rows(rules: OpeningRules) -> int:
    """Rows before the capacity's."""
    return len(rules.lower) - 1


def _contradiction(rules: OpeningRules) -> Ints:
    """Side rows that contradict each other, or how many sites may be open; none of them could be left out."""
    rows = np.arange(_num_side_rows(rules))
    alone = [r for r in rows if not _can_hold(rules, rows[r : r + 1])]
    if alone:
        return np.array(alone, np.int32)
    kept = rows
    for r in rows:
        fewer = kept[kept != r]
        if not _can_hold(rules, fewer):
            kept = fewer
    return kept.astype(np.int32)


def _can_hold(rules: OpeningRules, rows: NDArray[np.int64]) -> bool:
    """Whether some set has an allowed number of sites and keeps these rows."""
    num_sites = rules.coefficient.shape[1]
    coefficient = np.vstack([rules.coefficient[rows], np.ones(num_sites)])
    # Whoever has customers has an open site.
    lower, upper = np.append(rules.lower[rows], max(1, rules.least)), np.append(rules.upper[rows], rules.most)
    if np.any(lower > upper):
        return False
    row, column = np.nonzero(coefficient)
    program = MixedProgram(
        cost=np.zeros(num_sites),
        lower=np.zeros(num_sites),
        upper=np.ones(num_sites),
        whole=np.ones(num_sites, bool),
        row=row,
        column=column,
        value=coefficient[row, column],
        row_lower=lower,
        row_upper=upper,
    )
    return solve_mixed(program, "scip", MixedStop(time_limit_s=TIME_LIMIT_S)).outcome != "infeasible"


def _most_served(problem: SitingProblem, rules: OpeningRules, fits: Flags | None) -> float:
    """Most demand that a set keeping the rules serves, split.

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
            [
                row,
                len(rows) + customer,
                len(rows) + problem.num_customers + site,
                len(rows) + problem.num_customers + np.arange(num_sites),
            ]
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
    return -solve_mixed(program, "scip", MixedStop(gap=1e-9, time_limit_s=TIME_LIMIT_S)).bound
