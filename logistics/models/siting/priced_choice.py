"""The choice of sites that is left when customers have prices: few enough, many enough, big enough.

Given what each site costs by prices, its reduced cost ρ_i, and its capacity u_i,

    min  Σ ρ_i y_i    with    (1) least ≤ Σ y_i ≤ most    or    (2) Σ u_i y_i ≥ demand,

some y fixed. (1) is a matter of sorting; (2) is a knapsack: of the sites with ρ_i > 0 as much cost as
possible is left out with no more capacity than can be spared. Both are bounds, and the higher one counts.
In the linear relaxation (2) follows from the customers, so it is its whole numbers that lift the bound,
most where few sites are open.
"""

from __future__ import annotations

import numba
import numpy as np
from numpy.typing import NDArray

from logistics.models.siting.knapsacks import search_load
from logistics.models.siting.prices import FREE, OPEN

Floats = NDArray[np.float64]
States = NDArray[np.int8]
Flags = NDArray[np.bool_]
Ints = NDArray[np.int64]


@numba.njit(cache=True, nogil=True)
def choose_sites(
    reduced: Floats, state: States, least: int, most: int, room: Floats, demand: float, chosen: Flags
) -> float:
    """Fill `chosen` with the cheapest choice; returns what a choice costs at least."""
    cost = _choose_number(reduced, state, least, most, chosen)
    covered = 0.0
    for i in range(len(state)):
        if chosen[i]:
            covered += room[i]
    if covered >= demand:
        return cost
    trial = np.empty(len(state), np.bool_)
    cover_cost = _choose_cover(reduced, state, room, demand, trial)
    if cover_cost > cost:
        chosen[:] = trial
        return cover_cost
    return cost


@numba.njit(cache=True, nogil=True)
def _choose_number(reduced: Floats, state: States, least: int, most: int, chosen: Flags) -> float:
    """The cheapest choice with (1)."""
    cost, num = 0.0, 0
    for i in range(len(state)):
        chosen[i] = state[i] == OPEN
        if chosen[i]:
            cost += reduced[i]
            num += 1
    for i in np.argsort(reduced, kind="mergesort"):
        if num >= most or (num >= least and reduced[i] >= 0.0):
            break
        if state[i] == FREE:
            chosen[i] = True
            cost += reduced[i]
            num += 1
    return cost


@numba.njit(cache=True, nogil=True)
def _choose_cover(reduced: Floats, state: States, room: Floats, demand: float, chosen: Flags) -> float:
    """The cheapest choice with (2)."""
    items, margin, weight, spare = _left_out(reduced, state, room, demand)
    cost = 0.0
    for i in range(len(state)):
        chosen[i] = state[i] == OPEN or state[i] == FREE
        if chosen[i]:
            cost += reduced[i]
    if spare < 0.0:
        return np.inf
    lightest = np.empty(len(items) + 1)
    lightest[-1] = np.inf
    for q in range(len(items) - 1, -1, -1):
        lightest[q] = min(lightest[q + 1], weight[q])
    most, taken = search_load(margin, weight, lightest, spare)
    for q in range(len(items)):
        if taken[q]:
            chosen[items[q]] = False
    return cost - most


@numba.njit(cache=True, nogil=True)
def _left_out(
    reduced: Floats, state: States, room: Floats, demand: float
) -> tuple[Ints, Floats, Floats, float]:
    """Free sites with ρ > 0 by falling ρ per capacity, their ρ and capacity, and the capacity to spare."""
    count, spare = 0, -demand * (1.0 - 1e-9)
    items = np.empty(len(state), np.int64)
    ratio = np.empty(len(state))
    for i in range(len(state)):
        if state[i] == FREE and reduced[i] > 0.0:
            items[count] = i
            ratio[count] = reduced[i] / room[i] if room[i] > 0.0 else np.inf
            count += 1
        if state[i] == OPEN or state[i] == FREE:
            spare += room[i]
    items = items[:count][np.argsort(-ratio[:count], kind="mergesort")]
    return items, reduced[items], room[items], spare


@numba.njit(cache=True, nogil=True)
def flip_costs(
    reduced: Floats, state: States, least: int, most: int, room: Floats, demand: float, flip: Floats
) -> None:
    """Fill `flip` with how much the bound rises where a free site is not as the cheapest choice has it.

    Above 0 for a site that is chosen: what closing it costs; below 0 for one that is not: minus what
    opening it costs; inf or -inf where it cannot be otherwise.
    """
    num_sites = len(state)
    chosen = np.empty(num_sites, np.bool_)
    cost = choose_sites(reduced, state, least, most, room, demand, chosen)
    closing, opening = np.empty(num_sites), np.empty(num_sites)
    _number_if_flipped(reduced, state, least, most, closing, opening)
    _cover_if_flipped(reduced, state, room, demand, closing, opening)
    for i in range(num_sites):
        flip[i] = 0.0
        if state[i] == FREE:
            flip[i] = max(0.0, closing[i] - cost) if chosen[i] else -max(0.0, opening[i] - cost)


@numba.njit(cache=True, nogil=True)
def _number_if_flipped(
    reduced: Floats, state: States, least: int, most: int, closing: Floats, opening: Floats
) -> None:
    """Fill in what a choice with (1) costs without each free site, and with it."""
    num_sites = len(state)
    chosen = np.empty(num_sites, np.bool_)
    cost = _choose_number(reduced, state, least, most, chosen)
    num, dearest, cheapest = 0, -np.inf, np.inf
    for i in range(num_sites):
        num += chosen[i]
        if state[i] == FREE:
            if chosen[i]:
                dearest = max(dearest, reduced[i])
            else:
                cheapest = min(cheapest, reduced[i])
    for i in range(num_sites):
        closing[i] = opening[i] = cost
        if state[i] != FREE:
            continue
        if chosen[i]:
            closing[i] = cost - reduced[i]
            if num == least or cheapest < 0.0:
                closing[i] += cheapest
        else:
            opening[i] = cost + reduced[i]
            if num == most or dearest > 0.0:
                opening[i] -= dearest


@numba.njit(cache=True, nogil=True)
def _cover_if_flipped(
    reduced: Floats, state: States, room: Floats, demand: float, closing: Floats, opening: Floats
) -> None:
    """Raise what a choice costs without each free site, and with it, to what it costs at least with (2)."""
    items, margin, weight, spare = _left_out(reduced, state, room, demand)
    if spare < 0.0:
        return
    count = len(items)
    everything = 0.0
    for i in range(len(state)):
        if state[i] == OPEN or state[i] == FREE:
            everything += reduced[i]
    total_weight, total_margin = np.zeros(count + 1), np.zeros(count + 1)
    place = np.full(len(state), count, np.int64)
    for q in range(count):
        total_weight[q + 1] = total_weight[q] + weight[q]
        total_margin[q + 1] = total_margin[q] + margin[q]
        place[items[q]] = q
    for i in range(len(state)):
        if state[i] != FREE:
            continue
        # Left out, the site takes of what can be spared.
        most = _most_left_out(total_weight, total_margin, spare - room[i])
        closing[i] = max(closing[i], everything - reduced[i] - most)
        # Kept, another one may be left out for it: as if it were left out, with as much more to spare.
        most = _most_left_out(total_weight, total_margin, spare)
        if place[i] < count and total_weight[place[i] + 1] <= spare:
            most = _most_left_out(total_weight, total_margin, spare + room[i]) - reduced[i]
        opening[i] = max(opening[i], everything - most)


@numba.njit(cache=True, nogil=True)
def _most_left_out(total_weight: Floats, total_margin: Floats, spare: float) -> float:
    """Most cost that can be left out, of the last site in part."""
    if spare < 0.0:
        return -np.inf
    q = np.searchsorted(total_weight, spare, side="right") - 1
    most = float(total_margin[q])
    if q + 1 < len(total_weight) and spare > total_weight[q]:
        share = (spare - total_weight[q]) / (total_weight[q + 1] - total_weight[q])
        most += share * (total_margin[q + 1] - total_margin[q])
    return most
