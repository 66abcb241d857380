"""What no choice of plants and depots can beat: prices of the customers, and of a unit at each depot.

With a price v_k for serving customer k, a price w_j ≥ 0 for a unit of supply at depot j and prices u_r ≥ 0
of side rows, relaxing "everybody is served", "a depot sends no more than it gets" and the side rows leaves
a knapsack for each depot and each plant:

    L(v, w, u) = Σ_k v_k + Σ_j w_j φ_j + Σ_r u_r b_r + min Σ_j ρ_j y_j + min Σ_i σ_i p_i
    ρ_j        = G_j - Σ_r u_r a_rj - best load of depot j, where customer k earns v_k - (c_jk + w_j) d_k
    σ_i        = F_i - Σ_r u_r a_ri - best load of plant i, where a unit for depot j earns w_j - a_ij,
                 for at most λ_j units, what depot j can take

φ_j are the units for customers whose depot is settled. As in :mod:`logistics.models.siting.lagrangian`, L
is at most the cost of every solution in the part of the search at hand.
"""

from __future__ import annotations

from typing import NamedTuple

import numba
import numpy as np
from numpy.typing import NDArray

from logistics.models.siting.knapsacks import best_split_load, best_whole_load
from logistics.models.siting.lagrangian import (
    MEMORY,
    PATIENCE,
    SHORTER,
    SHORTEST,
    SMALL,
    take_step,
)
from logistics.models.siting.priced_choice import choose_sites
from logistics.models.siting.prices import CLOSED

Floats = NDArray[np.float64]
States = NDArray[np.int8]
Ints = NDArray[np.int64]


class TwoStageOffers(NamedTuple):
    """Depots, plants and customers as the kernels take them.

    Prices are those of customers, depots' units, side rows, in this order. Sites are depots, then plants.

    Parameters
    ----------
    service_cost, demand, room
        Of a customer's whole demand from a depot [depot, customer], [customer], of depots [depot].
    lane_cost, lane, plant_room
        Of `lane` units from a plant to a depot [plant, depot], [depot], and [plant].
    fixed
        Of each site.
    settled
        Units of customers whose depot is settled, [depot].
    row, bound, low, scale, cover, total
        As in :class:`logistics.models.siting.lagrangian.Offers`, of sites and all prices.
    """

    service_cost: Floats
    demand: Floats
    room: Floats
    lane_cost: Floats
    lane: Floats
    plant_room: Floats
    fixed: Floats
    settled: Floats
    row: Floats
    bound: Floats
    low: Floats
    scale: Floats
    cover: Floats
    total: float


@numba.njit(cache=True, nogil=True)
def find_two_stage_loads(
    price: Floats,
    offers: TwoStageOffers,
    whole: bool,
    state: States,
    reduced: Floats,
    load: NDArray[np.int32],
    count: Ints,
    part: Floats,
) -> None:
    """Find each site's best load at prices; fills `reduced`, and loads as the knapsacks return them.

    Loads of depots hold customers, loads of plants hold depots.
    """
    num_depots, num_customers = offers.service_cost.shape
    size = max(num_depots, num_customers)
    ratio, cost = np.empty(size), np.empty(size)
    lane_price = np.empty(num_depots)
    for j in range(num_depots):
        lane_price[j] = price[num_customers + j] * offers.lane[j]
    for i in range(len(state)):
        if state[i] == CLOSED:
            reduced[i] = np.inf
            continue
        if i >= num_depots:
            p = i - num_depots
            earned, count[i], part[i] = best_split_load(
                lane_price, offers.lane_cost[p], offers.lane, offers.plant_room[p], load[i], ratio
            )
        else:
            for k in range(num_customers):
                cost[k] = offers.service_cost[i, k] + price[num_customers + i] * offers.demand[k]
            customer_price = price[:num_customers]
            if whole:
                earned, count[i] = best_whole_load(
                    customer_price, cost, offers.demand, offers.room[i], load[i], ratio
                )
            else:
                earned, count[i], part[i] = best_split_load(
                    customer_price, cost, offers.demand, offers.room[i], load[i], ratio
                )
        reduced[i] = offers.fixed[i] - earned
        for r in range(len(offers.bound)):
            reduced[i] -= price[num_customers + num_depots + r] * offers.row[r, i]


@numba.njit(cache=True, nogil=True)
def raise_two_stage_bound(
    price: Floats,
    offers: TwoStageOffers,
    whole: bool,
    state: States,
    least_depots: int,
    most_depots: int,
    least_plants: int,
    most_plants: int,
    goal: float,
    steps: int,
    stride: float,
    reduced: Floats,
    share: Floats,
    service: Floats,
) -> float:
    """Raise the bound by subgradient steps; as :func:`logistics.models.siting.lagrangian.raise_bound`."""
    num_depots, num_customers = offers.service_cost.shape
    num_sites = len(state)
    trial = price.copy()
    now = np.empty(num_sites)
    chosen = np.empty(num_sites, np.bool_)
    load = np.empty((num_sites, max(num_depots, num_customers)), np.int32)
    count = np.zeros(num_sites, np.int64)
    part = np.zeros(num_sites)
    slope = np.empty(len(price))
    way = np.zeros(len(price))
    best, waited = -np.inf, 0
    for step in range(steps):
        find_two_stage_loads(trial, offers, whole, state, now, load, count, part)
        bound = choose_sites(
            now[:num_depots],
            state[:num_depots],
            least_depots,
            most_depots,
            offers.cover[:num_depots],
            offers.total,
            chosen[:num_depots],
        ) + choose_sites(
            now[num_depots:],
            state[num_depots:],
            least_plants,
            most_plants,
            offers.cover[num_depots:],
            offers.total,
            chosen[num_depots:],
        )
        slope[:num_customers] = 1.0
        slope[num_customers : num_customers + num_depots] = offers.settled
        slope[num_customers + num_depots :] = offers.bound
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
            if whole and i < num_depots:
                for k in range(num_customers):
                    service[i, k] *= 1.0 - weight
            if not chosen[i]:
                continue
            for r in range(len(offers.bound)):
                slope[num_customers + num_depots + r] -= offers.row[r, i]
            for q in range(count[i] + (part[i] > 0.0)):
                served = load[i, q]
                amount = 1.0 if q < count[i] else part[i]
                if i >= num_depots:
                    slope[num_customers + served] -= amount * offers.lane[served]
                    continue
                slope[served] -= amount
                slope[num_customers + i] += amount * offers.demand[served]
                if whole:
                    service[i, served] += weight
        if not take_step(trial, offers.low, offers.scale, slope, way, weight, stride * (goal - bound)):
            break
    return best
