"""What one site would serve at given prices of the customers: the knapsacks of the capacitated bound.

A site with room u earns v_j - c_j for all of customer j and picks the best load,

    max  Σ (v_j - c_j) x_j    with    Σ d_j x_j ≤ u,    0 ≤ x_j ≤ 1, or x_j ∈ {0, 1}.

Split loads are found by partial sorting, whole ones by a depth-first search with the split load as its
bound. A search that takes too long ends with the split bound, which is never below the best load, so a
bound made of it holds all the same.
"""

from __future__ import annotations

import numba
import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]

MOST_BRANCHES = 3000
"""Of the search for the best whole load."""


@numba.njit(cache=True, nogil=True)
def best_split_load(
    price: Floats, cost: Floats, demand: Floats, room: float, chosen: NDArray[np.int32], ratio: Floats
) -> tuple[float, int, float]:
    """Best load where customers may be split.

    Fills `chosen` with the customers served. Returns what the site earns, how many of them are served whole,
    and, if the next one in `chosen` is served in part, the share of it, else 0.
    """
    count, total, earned = 0, 0.0, 0.0
    for j in range(len(price)):
        margin = price[j] - cost[j]
        if margin > 0.0:
            chosen[count] = j
            count += 1
            total += demand[j]
            earned += margin
    if total <= room:
        return earned, count, 0.0
    for q in range(count):
        j = chosen[q]
        ratio[q] = (price[j] - cost[j]) / demand[j] if demand[j] > 0.0 else np.inf
    # Quickselect: what lies before `low` is served, what lies from `high` on is not.
    low, high, earned = 0, count, 0.0
    while low < high:
        pivot = ratio[(low + high) // 2]
        above, at, below = low, low, high
        weight = 0.0
        while at < below:
            if ratio[at] > pivot:
                weight += demand[chosen[at]]
                _swap(chosen, ratio, above, at)
                above += 1
                at += 1
            elif ratio[at] < pivot:
                below -= 1
                _swap(chosen, ratio, below, at)
            else:
                at += 1
        if weight > room:
            high = above
            continue
        room -= weight
        for q in range(low, above):
            earned += price[chosen[q]] - cost[chosen[q]]
        for q in range(above, below):
            j = chosen[q]
            if demand[j] > room:
                return earned + ratio[q] * room, q, room / demand[j]
            room -= demand[j]
            earned += price[j] - cost[j]
        low = below
    return earned, low, 0.0


@numba.njit(cache=True, nogil=True)
def _swap(chosen: NDArray[np.int32], ratio: Floats, a: int, b: int) -> None:
    chosen[a], chosen[b] = chosen[b], chosen[a]
    ratio[a], ratio[b] = ratio[b], ratio[a]


@numba.njit(cache=True, nogil=True)
def best_whole_load(
    price: Floats, cost: Floats, demand: Floats, room: float, chosen: NDArray[np.int32], ratio: Floats
) -> tuple[float, int]:
    """Best load where every customer is served whole or not at all.

    Fills `chosen` with the customers of the best load found. Returns what no load can beat (what it earns,
    unless the search took too long) and how many customers it has.
    """
    count, total, earned = 0, 0.0, 0.0
    for j in range(len(price)):
        margin = price[j] - cost[j]
        if margin > 0.0 and demand[j] <= room:
            chosen[count] = j
            count += 1
            total += demand[j]
            earned += margin
    if total <= room:
        return earned, count
    for q in range(count):
        j = chosen[q]
        ratio[q] = (price[j] - cost[j]) / demand[j] if demand[j] > 0.0 else np.inf
    order = np.argsort(-ratio[:count], kind="mergesort")
    items = chosen[:count][order]
    margin = np.empty(count)
    weight = np.empty(count)
    lightest = np.empty(count + 1)
    lightest[count] = np.inf
    for q in range(count - 1, -1, -1):
        margin[q] = price[items[q]] - cost[items[q]]
        weight[q] = demand[items[q]]
        lightest[q] = min(lightest[q + 1], weight[q])
    most, taken = search_load(margin, weight, lightest, room)
    kept = 0
    for q in range(count):
        if taken[q]:
            chosen[kept] = items[q]
            kept += 1
    return most, kept


@numba.njit(cache=True, nogil=True)
def search_load(margin: Floats, weight: Floats, lightest: Floats, room: float) -> tuple[float, Flags]:
    """Depth-first search over items by falling margin per weight, each first taken, then left."""
    count = len(margin)
    taken = np.zeros(count, np.bool_)
    best_taken = np.zeros(count, np.bool_)
    best, earned, left = -1.0, 0.0, room
    root = -1.0
    at = 0
    for _ in range(MOST_BRANCHES):
        # What can be earned at most from here on.
        bound, space, q = earned, left, at
        while q < count and weight[q] <= space:
            bound += margin[q]
            space -= weight[q]
            q += 1
        whole = q == count
        if not whole:
            bound += margin[q] / weight[q] * space
        if root < 0.0:
            root = bound
        if bound > best:
            # Take what fits up to the first that does not, then what fits of the rest.
            while at < q:
                taken[at] = True
                earned += margin[at]
                left -= weight[at]
                at += 1
            if at < count and lightest[at] <= left:
                at += 1
                continue
            if earned > best:
                best = earned
                best_taken[:] = taken
            at = count
        # Back to the last one taken, which is now left.
        at -= 1
        while at >= 0 and not taken[at]:
            at -= 1
        if at < 0:
            return best, best_taken
        taken[at] = False
        earned -= margin[at]
        left += weight[at]
        at += 1
    return root, best_taken
