"""Siting problems as other programs take them."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from logistics.integer_solver import MixedProgram
from logistics.models.siting.problem import SideRows, SitingProblem


def strong_program(problem: SitingProblem) -> MixedProgram:
    """The plain strong formulation: y_i and x_ij, x_ij ≤ y_i for each pair that is allowed.

    Columns: y by site, then x of the allowed pairs, customer by customer. Whole are the y, and the x where
    each customer is served from one site. The problem's constant is left out.
    """
    sites, customers = problem.cost.shape
    customer, site = np.nonzero(np.isfinite(problem.cost).T)
    pairs = len(site)
    x = sites + np.arange(pairs)
    limited = (
        np.flatnonzero(np.isfinite(problem.capacity)) if problem.is_capacitated else np.zeros(0, np.int64)
    )
    side = problem.side or SideRows(np.zeros((0, sites)), np.zeros(0), np.zeros(0), ())
    links, loads, count = customers, customers + pairs, customers + pairs + len(limited)
    first_side = count + 1
    at = np.flatnonzero(np.isin(site, limited))
    r, i = np.nonzero(side.coefficient)
    # Rows: service of each customer, links of each pair, loads, number of open sites, side rows.
    row = [customer, links + np.arange(pairs), links + np.arange(pairs)]
    column: list[NDArray[np.int64]] = [x, x, site]
    value = [np.ones(pairs), -np.ones(pairs), np.ones(pairs)]
    row += [loads + np.searchsorted(limited, site[at]), loads + np.arange(len(limited))]
    column += [x[at], limited]
    value += [-problem.demand[customer[at]], problem.capacity[limited]]
    row += [np.full(sites, count), first_side + r]
    column += [np.arange(sites), i]
    value += [np.ones(sites), side.coefficient[r, i]]
    rows = first_side + len(side.lower)
    lower, upper = np.zeros(rows), np.full(rows, np.inf)
    lower[:customers] = upper[:customers] = 1.0
    lower[count], upper[count] = problem.least_open, problem.num_most_open
    lower[first_side:], upper[first_side:] = side.lower, side.upper
    whole = np.ones(sites + pairs, bool)
    whole[sites:] = problem.single_source and problem.is_capacitated
    return MixedProgram(
        cost=np.concatenate([problem.fixed_cost, problem.cost[site, customer]]),
        lower=np.zeros(sites + pairs),
        upper=np.ones(sites + pairs),
        whole=whole,
        row=np.concatenate(row),
        column=np.concatenate(column),
        value=np.concatenate(value),
        row_lower=lower,
        row_upper=upper,
    )


def median_arrays(problem: SitingProblem) -> dict[str, NDArray[np.float64]] | None:
    """What ``spopt_p_median.py`` reads; None: the problem is no p-median."""
    plain = not problem.fixed_cost.any() and problem.side is None and not problem.is_capacitated
    if not plain or problem.most_open is None or problem.least_open != problem.most_open:
        return None
    return {"cost": problem.cost, "num_open": np.array(float(problem.most_open))}
