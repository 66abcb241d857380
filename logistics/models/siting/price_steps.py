"""Better prices: dual ascent for a first guess (Erlenkotter 1978), then subgradient steps with deflection."""

from __future__ import annotations

import numba
import numpy as np
from numpy.typing import NDArray

from logistics.models.siting.prices import CLOSED, OPEN, Relaxation, bound_by, is_dense, times_served

States = NDArray[np.int8]
Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]

DEFLECTION = 0.85
"""Weight of the last direction in the next."""
SMALLEST_SCALE = 2e-3
"""Steps below this share of the step that would close the gap are not worth taking."""
DENSE_STEPS = 10


@numba.njit(cache=True, nogil=True)
def price_range(p: Relaxation, state: States, low: Floats, high: Floats) -> bool:
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
def ascend(p: Relaxation, price: Floats, high: Floats) -> None:
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
def _row_slope(p: Relaxation, r: int, row_price: float, chosen: Flags) -> float:
    """How L rises with the price of a side row."""
    activity = 0.0
    for i in range(len(chosen)):
        if chosen[i]:
            activity += p.coefficient[r, i]
    if row_price > 0.0 or (row_price == 0.0 and activity < p.lower[r]):
        return float(p.lower[r]) - activity
    if row_price < 0.0 or activity > p.upper[r]:
        return float(p.upper[r]) - activity
    return 0.0


@numba.njit(cache=True, nogil=True)
def improve(
    p: Relaxation,
    price: Floats,
    row_price: Floats,
    state: States,
    least: int,
    most: int,
    low: Floats,
    high: Floats,
    target: float,
    steps: int,
    scale: float,
    patience: int,
    share: Floats,
) -> tuple[float, float]:
    """Subgradient steps from (price, row_price), which end as the best found; returns its bound, last scale.

    Parameters
    ----------
    target
        Bound that steps aim at, and at which they end.
    scale
        Share of the step that would close the gap, halved after `patience` steps without a better bound;
        ends as 0 where no step leads anywhere.
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
        bound = bound_by(p, v, r, dense, state, least, most, reduced, chosen)
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
            bound = bound_by(p, v, r, dense, state, least, most, reduced, chosen)
        weight = 0.1 if step else 0.5
        for i in range(sites):
            share[i] += weight * ((1.0 if chosen[i] else 0.0) - share[i])
        square = 0.0
        times_served(p, v, chosen, dense, served)
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
            # Every price is at the end of its range.
            scale = 0.0
            break
        size = scale * (target - bound) / square
        for j in range(customers):
            v[j] = min(max(v[j] + size * direction[j], low[j]), high[j])
        for q in range(rows):
            old = r[q]
            r[q] += size * p.weight[q] * row_direction[q]
            # A price changes its sign only by way of 0, and has none where there is nothing to keep.
            if (
                old * r[q] < 0.0
                or (r[q] > 0.0 and p.lower[q] == -np.inf)
                or (r[q] < 0.0 and p.upper[q] == np.inf)
            ):
                r[q] = 0.0
    return best, scale
