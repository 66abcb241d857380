"""Who is served from where once the open sites are known, every customer from one site: a good assignment.

    min  Σ c_ij x_ij    with    Σ_i x_ij = 1,    Σ_j d_j x_ij ≤ u_i,    x_ij ∈ {0, 1}

Starting from any assignment, customers move to another site or change places with another customer,
whatever saves most of cost plus a price for every unit that a site holds too much. Prices of sites that do
rise; when everything fits, all fall. So the search wanders along the border of what fits. There is no proof
here; that is the business of the search that calls it.
"""

from __future__ import annotations

import numba
import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

ROUNDS = 60
"""How often prices change before a search ends without a better assignment."""
RISE, FALL = 1.3, 0.7
SMALL = 1e-12


@numba.njit(cache=True, nogil=True)
def improve_assignment(cost: Floats, demand: Floats, capacity: Floats, at: Ints, best_at: Ints) -> float:
    """Improve the assignment `at` [customer] of open sites' rows; the best that fits goes to `best_at`.

    Parameters
    ----------
    cost, demand, capacity
        Of the open sites, shapes [site, customer], [customer], [site].

    Returns
    -------
    float
        Cost of `best_at`, at most that of the first one if it fits; inf: none was found that fits.
    """
    num_sites, num_customers = cost.shape
    load = np.zeros(num_sites)
    total = 0.0
    for j in range(num_customers):
        load[at[j]] += demand[j]
        total += cost[at[j], j]
    fits = True
    for i in range(num_sites):
        fits = fits and load[i] <= capacity[i]
    best = np.inf
    if fits:
        best = total
        best_at[:] = at
    units = max(demand.sum(), 1e-300)
    price = np.full(num_sites, 2.0 * abs(total) / units + 1e-9)
    waited = 0
    while waited < ROUNDS:
        total = _descend(cost, demand, capacity, at, load, total, price)
        waited += 1
        fits = True
        for i in range(num_sites):
            if load[i] > capacity[i]:
                price[i] *= RISE
                fits = False
        if fits:
            if total < best - SMALL * (1.0 + abs(total)):
                best = total
                best_at[:] = at
                waited = 0
            price *= FALL
    return best


@numba.njit(cache=True, nogil=True)
def _overload(load: float, capacity: float) -> float:
    return max(0.0, load - capacity)


@numba.njit(cache=True, nogil=True)
def _descend(
    cost: Floats, demand: Floats, capacity: Floats, at: Ints, load: Floats, total: float, price: Floats
) -> float:
    """Shift and swap customers while that saves; returns the cost, without the prices of overload."""
    num_sites, num_customers = cost.shape
    least = SMALL * (1.0 + abs(total))
    for _ in range(50 * num_customers):
        moved = False
        for j in range(num_customers):
            a = at[j]
            base = _overload(load[a], capacity[a])
            relief = price[a] * (_overload(load[a] - demand[j], capacity[a]) - base)
            best, to = -least, -1
            for b in range(num_sites):
                if b == a or cost[b, j] == np.inf:
                    continue
                change = cost[b, j] - cost[a, j] + relief
                if change >= best:
                    continue
                change += price[b] * (
                    _overload(load[b] + demand[j], capacity[b]) - _overload(load[b], capacity[b])
                )
                if change < best:
                    best, to = change, b
            partner = -1
            for q in range(num_customers):
                b = at[q]
                if b == a:
                    continue
                change = cost[b, j] - cost[a, j] + cost[a, q] - cost[b, q]
                shift = demand[q] - demand[j]
                # What is dearer pays only where it relieves one of the two sites.
                if change >= best + abs(shift) * (price[a] if shift < 0.0 else price[b]):
                    continue
                change += price[a] * (_overload(load[a] + shift, capacity[a]) - base)
                change += price[b] * (
                    _overload(load[b] - shift, capacity[b]) - _overload(load[b], capacity[b])
                )
                if change < best:
                    best, partner = change, q
            if partner >= 0:
                b = at[partner]
                total += cost[b, j] - cost[a, j] + cost[a, partner] - cost[b, partner]
                load[a] += demand[partner] - demand[j]
                load[b] += demand[j] - demand[partner]
                at[j], at[partner] = b, a
                moved = True
            elif to >= 0:
                total += cost[to, j] - cost[a, j]
                load[a] -= demand[j]
                load[to] += demand[j]
                at[j] = to
                moved = True
        if not moved:
            break
    return total
