"""What no choice of capacitated sites can beat: prices of the customers and of the side rows.

With a price v_j for serving customer j and a price w_r ≥ 0 for each side row, written as Σ a_ri y_i ≥ b_r,
relaxing "everybody is served" and the side rows leaves a knapsack a site and a choice of sites:

    L(v, w) = Σ_j v_j + Σ_r w_r b_r + min { Σ_i ρ_i y_i : y allowed }
    ρ_i     = f_i - Σ_r w_r a_ri - best load of i at prices v            (:mod:`knapsacks`)

L is at most the cost of every solution in which the open sites are open, the closed ones closed, and the
number of open sites is in its range. Steps go along a moving average of the subgradients, which also tells
how much of the time a site is chosen: about the share with which the linear relaxation opens it.
"""

from __future__ import annotations

from typing import NamedTuple

import numba
import numpy as np
from numpy.typing import NDArray

from logistics.models.siting.knapsacks import best_split_load, best_whole_load
from logistics.models.siting.priced_choice import choose_sites
from logistics.models.siting.prices import CLOSED

Floats = NDArray[np.float64]
States = NDArray[np.int8]
Ints = NDArray[np.int64]

MEMORY = 0.3
"""Weight of the newest subgradient in the direction."""
PATIENCE = 10
"""Steps without a better bound after which steps become shorter."""
SHORTER = 0.66
SHORTEST = 1e-3
SMALL = 1e-4
"""Smaller progress than this share of the way to the goal is none."""


class Offers(NamedTuple):
    """Sites and customers as the kernels take them; prices are those of customers, then those of side rows.

    Parameters
    ----------
    cost, demand, room, fixed
        Of service [site, customer], and [customer], [site], [site].
    row, bound
        Side rows row · y ≥ bound, shapes [row, site], [row].
    low
        Prices below these only lose: the cheapest service of a customer, 0 of a row.
    scale
        How far a price goes for a unit of subgradient.
    cover, total
        Capacity of each site, and the demand that open ones must cover together.
    """

    cost: Floats
    demand: Floats
    room: Floats
    fixed: Floats
    row: Floats
    bound: Floats
    low: Floats
    scale: Floats
    cover: Floats
    total: float


@numba.njit(cache=True, nogil=True)
def find_loads(
    price: Floats,
    offers: Offers,
    whole: bool,
    state: States,
    reduced: Floats,
    load: NDArray[np.int32],
    count: Ints,
    part: Floats,
    ratio: Floats,
) -> None:
    """Find each site's best load at prices; fills `reduced`, and loads as the knapsacks return them."""
    num_customers = len(offers.demand)
    customer_price = price[:num_customers]
    for i in range(len(state)):
        if state[i] == CLOSED:
            reduced[i] = np.inf
            continue
        if whole:
            earned, count[i] = best_whole_load(
                customer_price, offers.cost[i], offers.demand, offers.room[i], load[i], ratio
            )
        else:
            earned, count[i], part[i] = best_split_load(
                customer_price, offers.cost[i], offers.demand, offers.room[i], load[i], ratio
            )
        reduced[i] = offers.fixed[i] - earned
        for r in range(len(offers.bound)):
            reduced[i] -= price[num_customers + r] * offers.row[r, i]


@numba.njit(cache=True, nogil=True)
def take_step(
    price: Floats, low: Floats, scale: Floats, slope: Floats, way: Floats, weight: float, distance: float
) -> bool:
    """Move prices along the average of the slopes, a share of the way to the goal; False: nowhere to go."""
    length = 0.0
    for q in range(len(price)):
        way[q] += weight * (slope[q] - way[q])
        if way[q] > 0.0 or price[q] > low[q]:
            length += way[q] * way[q] * scale[q]
    if length < 1e-18:
        return False
    size = distance / length
    for q in range(len(price)):
        price[q] = max(low[q], price[q] + size * way[q] * scale[q])
    return True


@numba.njit(cache=True, nogil=True)
def raise_bound(
    price: Floats,
    offers: Offers,
    whole: bool,
    state: States,
    least: int,
    most: int,
    goal: float,
    steps: int,
    stride: float,
    reduced: Floats,
    share: Floats,
    service: Floats,
) -> float:
    """Raise the bound by subgradient steps from the prices given, which end as the best found.

    Parameters
    ----------
    price
        Of customers and side rows; changed in place.
    whole
        Whether customers are served whole.
    state, least, most
        Of the sites, and how many of them are open.
    goal
        Cost that steps aim at; reaching it ends them.
    steps, stride
        How many steps, and how long the first is, as a share of the way to the goal.
    reduced, share, service
        Filled with the reduced costs at the best prices, how much of the time each site was chosen, and, for
        whole loads, how much of the time it served each customer; shapes [site], [site], [site, customer].

    Returns
    -------
    float
        The bound of the best prices.
    """
    num_sites, num_customers = offers.cost.shape
    trial = price.copy()
    now = np.empty(num_sites)
    chosen = np.empty(num_sites, np.bool_)
    load = np.empty((num_sites, num_customers), np.int32)
    count = np.zeros(num_sites, np.int64)
    part = np.zeros(num_sites)
    ratio = np.empty(num_customers)
    slope = np.empty(len(price))
    way = np.zeros(len(price))
    best, waited = -np.inf, 0
    for step in range(steps):
        find_loads(trial, offers, whole, state, now, load, count, part, ratio)
        bound = choose_sites(now, state, least, most, offers.cover, offers.total, chosen)
        slope[:num_customers] = 1.0
        slope[num_customers:] = offers.bound
        for q in range(len(price)):
            bound += trial[q] * slope[q]
        waited = 0 if bound > best + SMALL * (goal - best) else waited + 1
        if bound > best:
            best = bound
            price[:] = trial
            reduced[:] = now
        if best >= goal:
            break
        if waited > PATIENCE:
            waited = 0
            stride *= SHORTER
            trial[:] = price
            if stride < SHORTEST:
                break
        weight = MEMORY if step else 1.0
        for i in range(num_sites):
            share[i] += weight * ((1.0 if chosen[i] else 0.0) - share[i])
            if whole:
                for j in range(num_customers):
                    service[i, j] *= 1.0 - weight
            if not chosen[i]:
                continue
            for q in range(count[i]):
                slope[load[i, q]] -= 1.0
                if whole:
                    service[i, load[i, q]] += weight
            if part[i] > 0.0:
                slope[load[i, count[i]]] -= part[i]
            for r in range(len(offers.bound)):
                slope[num_customers + r] -= offers.row[r, i]
        if not take_step(trial, offers.low, offers.scale, slope, way, weight, stride * (goal - bound)):
            break
    return best


@numba.njit(cache=True, nogil=True)
def service_costs(
    price: Floats, cost: Floats, demand: Floats, room: Floats, earned: Floats, rise: Floats
) -> None:
    """Fill `rise` [site, customer] with how much less a site's best whole load earns with a customer in it.

    `earned` is what the best load earns. With customer j in the load the rest of the room earns no more
    than the best split load does.
    """
    num_sites, num_customers = cost.shape
    chosen = np.empty(num_customers, np.int64)
    ratio = np.empty(num_customers)
    weight = np.empty(num_customers + 1)
    margin = np.empty(num_customers + 1)
    for i in range(num_sites):
        count = 0
        for j in range(num_customers):
            if price[j] > cost[i, j] and demand[j] <= room[i]:
                chosen[count] = j
                ratio[count] = (price[j] - cost[i, j]) / demand[j] if demand[j] > 0.0 else np.inf
                count += 1
        order = np.argsort(-ratio[:count], kind="mergesort")
        weight[0] = margin[0] = 0.0
        for q in range(count):
            j = chosen[order[q]]
            weight[q + 1] = weight[q] + demand[j]
            margin[q + 1] = margin[q] + price[j] - cost[i, j]
        for j in range(num_customers):
            left = room[i] - demand[j]
            if cost[i, j] == np.inf or left < 0.0:
                rise[i, j] = np.inf
                continue
            q = np.searchsorted(weight[: count + 1], left, side="right") - 1
            rest = margin[q]
            if q < count and left > weight[q]:
                rest += ratio[order[q]] * (left - weight[q])
            rise[i, j] = max(0.0, earned[i] - (price[j] - cost[i, j]) - rest)
