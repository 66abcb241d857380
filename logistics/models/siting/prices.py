"""What customers would pay at most: prices whose sum bounds the cost of every choice of sites.

For prices v of the customers and r of the side rows, relaxing both leaves a choice of sites by their reduced
costs ρ_i = f_i - Σ_j (v_j - c_ij)⁺ - Σ_r r_r A_ri:

    L(v, r) = Σ_j v_j + Σ_r (r⁺ lower - r⁻ upper) + min { Σ_i ρ_i y_i : as many open as allowed },

and no solution costs less. Kernels here add this up, from those places of the candidate lists that are
cheaper than the price, or where these are many, from whole rows of the cost matrix.
"""

from __future__ import annotations

from typing import NamedTuple

import numba
import numpy as np
from numpy.typing import NDArray

from logistics.models.siting.candidate_lists import CandidateLists
from logistics.models.siting.problem import SideRows, SitingProblem

Floats = NDArray[np.float64]
Ints = NDArray[np.int32]
Flags = NDArray[np.bool_]
States = NDArray[np.int8]

FREE, OPEN, CLOSED = 0, 1, -1
"""States of a site in a search."""
DENSE = 0.05
"""Share of all sites and customers from which on whole rows are faster than lists."""


class Relaxation(NamedTuple):
    """The problem with its customers and side rows relaxed, as kernels take it.

    Parameters
    ----------
    cost
        Float array [site, customer].
    site, near, length
        Candidate lists: site and cost [customer, place], filled places [customer].
    ceiling
        Most that a price is exact or sensible up to, float array [customer].
    fixed
        Fixed costs, float array [site].
    coefficient, lower, upper
        Side rows, float arrays [row, site], [row], [row].
    weight
        Of each side row, in customers' prices per unit of the row: how long its steps are.
    """

    cost: Floats
    site: Ints
    near: Floats
    length: Ints
    ceiling: Floats
    fixed: Floats
    coefficient: Floats
    lower: Floats
    upper: Floats
    weight: Floats

    @classmethod
    def of(cls, problem: SitingProblem, lists: CandidateLists) -> Relaxation:
        """The relaxation of a problem.

        A price above the dearest site's cost is of no use, for at least one site is open; and one above the
        end of a list is not exact.
        """
        served_by_all = np.isfinite(problem.cost).all(axis=0)
        dearest = np.where(served_by_all, problem.cost.max(axis=0, initial=-np.inf), np.inf)
        side = problem.side or SideRows(np.zeros((0, problem.num_sites)), np.zeros(0), np.zeros(0), ())
        # A site more or less concerns about as many customers as a site has.
        customers = problem.num_customers / max(1.0, problem.num_most_open, problem.num_sites / 10)
        size = np.abs(side.coefficient).max(axis=1, initial=0.0)
        return cls(
            cost=problem.cost,
            site=lists.site,
            near=lists.cost,
            length=lists.length,
            ceiling=np.minimum(lists.beyond, dearest),
            fixed=problem.fixed_cost,
            coefficient=side.coefficient,
            lower=side.lower,
            upper=side.upper,
            weight=np.sqrt(max(1.0, customers)) / np.where(size > 0.0, size, 1.0),
        )


@numba.njit(cache=True, nogil=True)
def is_dense(p: Relaxation, price: Floats) -> bool:
    """Whether so many sites are cheaper than prices that whole rows are faster to add up than lists."""
    places = 0
    for j in range(len(p.length)):
        first, last = 0, p.length[j]
        while first < last:
            middle = (first + last) // 2
            if p.near[j, middle] < price[j]:
                first = middle + 1
            else:
                last = middle
        places += first
    return places > DENSE * p.cost.size


@numba.njit(cache=True, nogil=True)
def reduced_costs(p: Relaxation, price: Floats, row_price: Floats, dense: bool, reduced: Floats) -> None:
    """Fill `reduced` with each site's ρ."""
    if dense:
        _savings(p.cost, price, reduced)
        for i in range(len(reduced)):
            reduced[i] = p.fixed[i] - reduced[i]
    else:
        reduced[:] = p.fixed
        for j in range(len(p.length)):
            v = price[j]
            for k in range(p.length[j]):
                c = p.near[j, k]
                if c >= v:
                    break
                reduced[p.site[j, k]] -= v - c
    for r in range(len(row_price)):
        if row_price[r] != 0.0:
            for i in range(len(reduced)):
                reduced[i] -= row_price[r] * p.coefficient[r, i]


@numba.njit(cache=True, nogil=True, fastmath={"reassoc", "nsz"})
def _savings(cost: Floats, price: Floats, savings: Floats) -> None:
    """Fill `savings` with Σ_j (v_j - c_ij)⁺; sums may be reordered, so that they are vectorised."""
    for i in range(len(savings)):
        total = 0.0
        for j in range(len(price)):
            total += max(price[j] - cost[i, j], 0.0)
        savings[i] = total


@numba.njit(cache=True, nogil=True)
def times_served(p: Relaxation, price: Floats, chosen: Flags, dense: bool, served: Ints) -> None:
    """Fill `served` with how many chosen sites are cheaper than each customer's price."""
    if dense:
        served[:] = 0
        for i in range(len(chosen)):
            if chosen[i]:
                for j in range(len(price)):
                    served[j] += p.cost[i, j] < price[j]
        return
    for j in range(len(price)):
        served[j] = 0
        for k in range(p.length[j]):
            if p.near[j, k] >= price[j]:
                break
            served[j] += chosen[p.site[j, k]]


@numba.njit(cache=True, nogil=True)
def _smallest(values: Floats, k: int) -> float:
    """The k-th smallest value, counted from 0, by Hoare's selection; reorders `values`."""
    first, last = 0, len(values) - 1
    while first < last:
        pivot = values[(first + last) // 2]
        i, j = first, last
        while i <= j:
            while values[i] < pivot:
                i += 1
            while values[j] > pivot:
                j -= 1
            if i <= j:
                values[i], values[j] = values[j], values[i]
                i += 1
                j -= 1
        if k <= j:
            last = j
        elif k >= i:
            first = i
        else:
            break
    return float(values[k])


@numba.njit(cache=True, nogil=True)
def choose(reduced: Floats, state: States, least: int, most: int, chosen: Flags) -> float:
    """Fill `chosen` with the cheapest choice by reduced costs; returns its cost, inf: no choice is allowed.

    Sites that are OPEN are in it, CLOSED ones are not; between equal ones the first counts.
    """
    total = 0.0
    count, num_free, negative = 0, 0, 0
    for i in range(len(reduced)):
        chosen[i] = state[i] == OPEN
        if state[i] == OPEN:
            total += reduced[i]
            count += 1
        elif state[i] == FREE:
            num_free += 1
            negative += reduced[i] < 0.0
    if count > most or count + num_free < least:
        return np.inf
    wanted = min(max(negative, least - count), most - count)
    if wanted == 0:
        return total
    threshold = 0.0
    if wanted != negative:
        free = np.empty(num_free, np.float64)
        at = 0
        for i in range(len(reduced)):
            if state[i] == FREE:
                free[at] = reduced[i]
                at += 1
        threshold = _smallest(free, wanted - 1)
    for i in range(len(reduced)):
        if state[i] == FREE and reduced[i] < threshold:
            chosen[i] = True
            total += reduced[i]
            wanted -= 1
    for i in range(len(reduced)):
        if wanted > 0 and state[i] == FREE and reduced[i] == threshold:
            chosen[i] = True
            total += reduced[i]
            wanted -= 1
    return total


@numba.njit(cache=True, nogil=True)
def bound_of(
    p: Relaxation,
    price: Floats,
    row_price: Floats,
    state: States,
    least: int,
    most: int,
    reduced: Floats,
    chosen: Flags,
) -> float:
    """L(v, r); fills `reduced` and `chosen`."""
    return bound_by(p, price, row_price, is_dense(p, price), state, least, most, reduced, chosen)


@numba.njit(cache=True, nogil=True)
def bound_by(
    p: Relaxation,
    price: Floats,
    row_price: Floats,
    dense: bool,
    state: States,
    least: int,
    most: int,
    reduced: Floats,
    chosen: Flags,
) -> float:
    """L(v, r), added up from rows (`dense`) or lists; fills `reduced` and `chosen`."""
    reduced_costs(p, price, row_price, dense, reduced)
    total = choose(reduced, state, least, most, chosen) + float(price.sum())
    for r in range(len(row_price)):
        if row_price[r] > 0.0:
            total += row_price[r] * p.lower[r]
        elif row_price[r] < 0.0:
            total += row_price[r] * p.upper[r]
    return total
