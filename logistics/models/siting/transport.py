"""Who is served from where at least cost when all given sites are open; demands may be split.

The transportation problem

    min  Σ c_ij x_ij
    (1)  Σ_i x_ij = 1          for every customer j
    (2)  Σ_j d_j x_ij ≤ u_i    for every site i

is solved by shortest augmenting paths over the sites alone. Every customer starts at its cheapest site,
which is optimal but for sites with more than they can hold. The excess is then moved, always along the
cheapest chain "site a hands a customer to b, b another one to c, …" that ends at a site with room; handing
over costs min (c_bj − c_aj) / d_j per unit, over the customers a serves. A cheapest chain keeps the
assignment optimal for the loads it has, so what is left when no site holds too much is optimal, and what
cannot be moved is missing.

The length of the cheapest chain from a site to room is its price per unit of capacity. With these prices π
and v_j = min_i (c_ij + π_i d_j) the dual Σ v_j − Σ π_i u_i equals the cost, which :func:`serve` leaves to
its callers to check.
"""

from __future__ import annotations

from dataclasses import dataclass

import numba
import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]
Ints = NDArray[np.int64]

EXCESS = 1e-10
"""Loads are held to capacity within this share of it."""
ROOM = 1e-12
"""Less room than this share of the capacity is none."""
GRAIN = 1e-14
"""Share of the costs by which every step of a chain is dearer, so that rounding never makes a circle pay."""


@dataclass(frozen=True)
class Service:
    """Least-cost service of all customers from given sites.

    Parameters
    ----------
    cost
        Of all service; inf where not all can be served.
    share
        Share of a customer's demand that a site serves, float array [site, customer].
    capacity_price
        What another unit of capacity would save at most, ≥ 0, float array [site]; inf where what a site
        serves can go nowhere else.
    missing
        Units of demand that do not fit, or have no site that may serve them.
    """

    cost: float
    share: Floats
    capacity_price: Floats
    missing: float


def serve(cost: Floats, demand: Floats, capacity: Floats) -> Service:
    """Serve all customers from the sites at least cost; demands may be split.

    Parameters
    ----------
    cost
        Of serving the whole demand, float array [site, customer]; inf: not allowed.
    demand, capacity
        Float arrays [customer], [site] in the same unit.
    """
    share, price = np.zeros(cost.shape), np.zeros(len(capacity))
    total, missing = least_cost_service(cost, demand, capacity, share, price)
    return Service(total, share, price, missing)


@numba.njit(cache=True, nogil=True)
def least_cost_service(
    cost: Floats, demand: Floats, capacity: Floats, share: Floats, price: Floats
) -> tuple[float, float]:
    """Fill `share` [site, customer] and `price` [site]; returns the cost and the demand missing."""
    k, n = cost.shape
    share[:, :] = 0.0
    price[:] = 0.0
    load = np.zeros(k)
    count = np.zeros(k, np.int64)
    served = np.empty((k, n), np.int32)
    missing = 0.0
    unserved = False
    for j in range(n):
        best, least = -1, np.inf
        for a in range(k):
            value = cost[a, j]
            if value < least:
                least, best = value, a
        if best < 0:
            missing += demand[j]
            unserved = True
            continue
        share[best, j] = 1.0
        load[best] += demand[j]
        served[best, count[best]] = j
        count[best] += 1
    over = False
    for a in range(k):
        over = over or load[a] > capacity[a] * (1.0 + EXCESS)
    if over:
        missing += _move_excess(cost, demand, capacity, share, price, load, count, served)
    if unserved or missing > 0.0:
        return np.inf, missing
    total = 0.0
    for a in range(k):
        for q in range(count[a]):
            j = served[a, q]
            total += cost[a, j] * share[a, j]
    return total, 0.0


@numba.njit(cache=True, nogil=True)
def _move_excess(
    cost: Floats,
    demand: Floats,
    capacity: Floats,
    share: Floats,
    price: Floats,
    load: Floats,
    count: Ints,
    served: NDArray[np.int32],
) -> float:
    """Move what sites hold too much along cheapest chains; returns the units for which there is no chain."""
    k = len(capacity)
    step = np.full((k, k), np.inf)
    mover = np.full((k, k), -1, np.int64)
    for a in range(k):
        _cheapest_movers(a, cost, demand, count, served, step, mover)
    follow = np.empty(k, np.int64)
    stale = np.zeros(k, np.bool_)  # serves nothing any more of somebody in its list
    while True:
        excess = 0.0
        for a in range(k):
            excess += max(0.0, load[a] - capacity[a] * (1.0 + EXCESS))
        if excess <= 0.0:
            return 0.0
        _chains_to_room(capacity, load, step, price, follow)
        moved = False
        for a in range(k):
            if load[a] <= capacity[a] * (1.0 + EXCESS) or price[a] == np.inf:
                continue
            # As much as the first site has too much, the last has room, and the customers on the way hold.
            amount = load[a] - capacity[a]
            b = a
            while follow[b] >= 0:
                j = mover[b, follow[b]]
                amount = min(amount, share[b, j] * demand[j])
                b = follow[b]
            amount = min(amount, capacity[b] - load[b])
            if amount <= 0.0:
                continue
            moved = True
            load[a] -= amount
            load[b] += amount
            b = a
            while follow[b] >= 0:
                to = follow[b]
                j = mover[b, to]
                if share[to, j] == 0.0 and not (stale[to] and _is_among(j, served[to, : count[to]])):
                    served[to, count[to]] = j
                    count[to] += 1
                    _also_moves(to, j, cost, demand, step, mover)
                share[to, j] += amount / demand[j]
                left = share[b, j] - amount / demand[j]
                if left * demand[j] <= 1e-12 * amount or left <= 1e-14:
                    left = 0.0
                    stale[b] = True
                share[b, j] = left
                b = to
        if not moved:
            return excess
        for a in range(k):
            if stale[a]:
                stale[a] = False
                kept = 0
                for q in range(count[a]):
                    if share[a, served[a, q]] > 0.0:
                        served[a, kept] = served[a, q]
                        kept += 1
                count[a] = kept
                _cheapest_movers(a, cost, demand, count, served, step, mover)


@numba.njit(cache=True, nogil=True)
def _is_among(j: int, customers: NDArray[np.int32]) -> bool:
    return bool(np.any(customers == j))


@numba.njit(cache=True, nogil=True)
def _cheapest_movers(
    a: int, cost: Floats, demand: Floats, count: Ints, served: NDArray[np.int32], step: Floats, mover: Ints
) -> None:
    """Of each other site the customer that is cheapest to hand over from `a`, per unit."""
    step[a, :] = np.inf
    mover[a, :] = -1
    for q in range(count[a]):
        _also_moves(a, served[a, q], cost, demand, step, mover)


@numba.njit(cache=True, nogil=True)
def _also_moves(a: int, j: int, cost: Floats, demand: Floats, step: Floats, mover: Ints) -> None:
    """Take into account that `a` serves customer j."""
    if demand[j] <= 0.0:
        return
    here = cost[a, j]
    for b in range(len(step)):
        if b != a:
            value = (cost[b, j] - here + GRAIN * (abs(cost[b, j]) + abs(here))) / demand[j]
            if value < step[a, b]:
                step[a, b] = value
                mover[a, b] = j


@numba.njit(cache=True, nogil=True)
def _chains_to_room(capacity: Floats, load: Floats, step: Floats, price: Floats, follow: Ints) -> None:
    """Cheapest chain from each site to one with room: its length is the price, `follow` its next site."""
    k = len(capacity)
    for a in range(k):
        price[a] = 0.0 if load[a] < capacity[a] * (1.0 - ROOM) else np.inf
        follow[a] = -1
    for _ in range(k):
        changed = False
        for b in range(k):
            if price[b] == np.inf:
                continue
            for a in range(k):
                value = step[a, b] + price[b]
                if value < price[a] - GRAIN * abs(value):
                    price[a] = value
                    follow[a] = b
                    changed = True
        if not changed:
            return
