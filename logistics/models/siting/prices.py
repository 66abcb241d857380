"""What customers would pay at most: prices whose sum bounds the cost of every choice of sites.

For prices v of the customers and r of the side rows, relaxing both leaves a choice of sites by their reduced
costs ρ_i = f_i - Σ_j (v_j - c_ij)⁺ - Σ_r r_r A_ri:

    L(v, r) = Σ_j v_j + Σ_r (r⁺ lower - r⁻ upper) + min { Σ_i ρ_i y_i : as many open as allowed },

and no solution costs less. Kernels here find good prices: by dual ascent (Erlenkotter 1978) for a first guess,
then by subgradient steps with deflection. Both touch only those places of the candidate lists that are cheaper
than the price.
"""

from __future__ import annotations

from typing import NamedTuple

import numba
import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Ints = NDArray[np.int32]

FREE, OPEN, CLOSED = 0, 1, -1
"""States of a site in a search."""
DEFLECTION = 0.85
"""Weight of the last direction in the next."""
DENSE = 9
"""Share of all sites and customers from which on whole rows are faster than lists."""
DENSE_STEPS = 10
SMALLEST_SCALE = 2e-3
"""Steps below this share of the step that would close the gap are not worth taking."""


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


@numba.njit(cache=True, nogil=True)
def is_dense(p, price):
    """Whether so many sites are cheaper than prices that whole rows are faster to add up than lists."""
    places = 0
    for j in range(len(p.length)):
        places += np.searchsorted(p.near[j, : p.length[j]], price[j])
    return places > DENSE * p.cost.size


@numba.njit(cache=True, nogil=True)
def reduced_costs(p, price, row_price, dense, reduced):
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
def _savings(cost, price, savings):
    """Fill `savings` with Σ_j (v_j - c_ij)⁺; sums may be reordered, so that they are vectorised."""
    for i in range(len(savings)):
        total = 0.0
        for j in range(len(price)):
            total += max(price[j] - cost[i, j], 0.0)
        savings[i] = total


@numba.njit(cache=True, nogil=True)
def _times_served(p, price, chosen, dense, served):
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
def choose(reduced, state, least, most, chosen):
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
        threshold = np.partition(free, wanted - 1)[wanted - 1]
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
def bound_of(p, price, row_price, state, least, most, reduced, chosen):
    """L(v, r); fills `reduced` and `chosen`."""
    return _bound_of(p, price, row_price, is_dense(p, price), state, least, most, reduced, chosen)


@numba.njit(cache=True, nogil=True)
def _bound_of(p, price, row_price, dense, state, least, most, reduced, chosen):
    reduced_costs(p, price, row_price, dense, reduced)
    total = choose(reduced, state, least, most, chosen) + price.sum()
    for r in range(len(row_price)):
        if row_price[r] > 0.0:
            total += row_price[r] * p.lower[r]
        elif row_price[r] < 0.0:
            total += row_price[r] * p.upper[r]
    return total


@numba.njit(cache=True, nogil=True)
def price_range(p, state, low, high):
    """Fill `low` and `high` with the least and most that a price is sensibly; whether all can be served.

    Below the nearest site that may open a price only loses, and so it does above the nearest open site.
    """
    for j in range(len(p.length)):
        low[j] = high[j] = p.ceiling[j]
        for k in range(p.length[j]):
            state_here = state[p.site[j, k]]
            c = p.near[j, k]
            if state_here == CLOSED:
                continue
            low[j] = min(low[j], c)
            if state_here == OPEN:
                high[j] = min(high[j], c)
                break
            if c >= high[j]:
                break
        if low[j] == np.inf:
            return False
    return True


@numba.njit(cache=True, nogil=True)
def ascend(p, price, high):
    """Raise prices from the nearest site's cost, one customer after the other, while no ρ falls below 0."""
    customers = len(p.length)
    slack = np.maximum(p.fixed, 0.0)
    place = np.zeros(customers, np.int64)
    for j in range(customers):
        price[j] = min(p.near[j, 0] if p.length[j] else high[j], high[j])
        while place[j] < p.length[j] and p.near[j, place[j]] <= price[j]:
            place[j] += 1
    raised = True
    while raised:
        raised = False
        for j in range(customers):
            room = np.inf
            for k in range(place[j]):
                room = min(room, slack[p.site[j, k]])
            goal = high[j]
            if place[j] < p.length[j]:
                goal = min(goal, p.near[j, place[j]])
            step = min(room, goal - price[j])
            if not 0.0 < step < np.inf:
                continue
            for k in range(place[j]):
                slack[p.site[j, k]] -= step
            if step < goal - price[j]:
                price[j] += step
                continue
            price[j] = goal
            while place[j] < p.length[j] and p.near[j, place[j]] <= goal:
                place[j] += 1
            raised = True


@numba.njit(cache=True, nogil=True)
def _row_slope(p, r, row_price, chosen):
    """How L rises with the price of a side row."""
    activity = 0.0
    for i in range(len(chosen)):
        if chosen[i]:
            activity += p.coefficient[r, i]
    if row_price > 0.0 or (row_price == 0.0 and activity < p.lower[r]):
        return p.lower[r] - activity
    if row_price < 0.0 or activity > p.upper[r]:
        return p.upper[r] - activity
    return 0.0


@numba.njit(cache=True, nogil=True)
def improve(p, price, row_price, state, least, most, low, high, target, steps, scale, patience, share):
    """Subgradient steps from (price, row_price), which end as the best found; returns its bound, last scale.

    Parameters
    ----------
    target
        Bound that steps aim at, and at which they end.
    scale
        Share of the step that would close the gap, halved after `patience` steps without a better bound.
    share
        Moving average of the choices, updated: where each site stands between closed and open.
    """
    customers, sites, rows = len(p.length), len(p.fixed), len(p.lower)
    v, r = price.copy(), row_price.copy()
    reduced = np.empty(sites)
    chosen = np.empty(sites, np.bool_)
    direction = np.zeros(customers)
    row_direction = np.zeros(rows)
    served = np.empty(customers, np.int32)
    best = -np.inf
    waited = 0
    dense = False
    for step in range(steps):
        if step % DENSE_STEPS == 0:
            dense = is_dense(p, v)
        bound = _bound_of(p, v, r, dense, state, least, most, reduced, chosen)
        if bound == np.inf:
            return np.inf, scale
        if bound > best:
            waited = 0 if step == 0 or bound > best + 1e-4 * (target - best) else waited + 1
            best = bound
            price[:] = v
            row_price[:] = r
        else:
            waited += 1
        if best >= target:
            break
        if waited >= patience:
            scale *= 0.5
            waited = 0
            if scale < SMALLEST_SCALE:
                break
            v[:] = price
            r[:] = row_price
            direction[:] = 0.0
            row_direction[:] = 0.0
            bound = _bound_of(p, v, r, dense, state, least, most, reduced, chosen)
        weight = 0.1 if step else 0.5
        for i in range(sites):
            share[i] += weight * ((1.0 if chosen[i] else 0.0) - share[i])
        square = 0.0
        _times_served(p, v, chosen, dense, served)
        for j in range(customers):
            d = 1.0 - served[j] + DEFLECTION * direction[j]
            if (d > 0.0 and v[j] >= high[j]) or (d < 0.0 and v[j] <= low[j]):
                d = 0.0
            direction[j] = d
            square += d * d
        for q in range(rows):
            slope = _row_slope(p, q, r[q], chosen) * p.weight[q]
            row_direction[q] = slope + DEFLECTION * row_direction[q]
            square += row_direction[q] ** 2
        if square == 0.0:
            break
        size = scale * (target - bound) / square
        for j in range(customers):
            v[j] = min(max(v[j] + size * direction[j], low[j]), high[j])
        for q in range(rows):
            old = r[q]
            r[q] += size * p.weight[q] * row_direction[q]
            # A price changes its sign only by way of 0, and has none where there is nothing to keep.
            if old * r[q] < 0.0 or (r[q] > 0.0 and p.lower[q] == -np.inf) or (r[q] < 0.0 and p.upper[q] == np.inf):
                r[q] = 0.0
    return best, scale


@numba.njit(cache=True, nogil=True)
def fix_by_reduced_costs(reduced, chosen, state, least, most, bound, cutoff):
    """Fix free sites that no solution below `cutoff` has otherwise, in place; returns how many.

    A site out of the choice would cost its ρ, less that of the dearest chosen one where it takes its place;
    one in the choice likewise.
    """
    count = 0
    dearest, cheapest = -np.inf, np.inf
    for i in range(len(reduced)):
        count += chosen[i]
        if state[i] == FREE and chosen[i]:
            dearest = max(dearest, reduced[i])
        elif state[i] == FREE:
            cheapest = min(cheapest, reduced[i])
    spared = dearest if count == most else max(0.0, dearest)
    instead = cheapest if count == least else min(0.0, cheapest)
    fixed = 0
    for i in range(len(reduced)):
        if state[i] == FREE and chosen[i] and bound - reduced[i] + instead >= cutoff:
            state[i] = OPEN
            fixed += 1
        elif state[i] == FREE and not chosen[i] and bound + reduced[i] - spared >= cutoff:
            state[i] = CLOSED
            fixed += 1
    return fixed
