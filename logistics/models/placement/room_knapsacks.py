"""What a warehouse saves at most on cargo with given prices within its room: fractional knapsacks."""

from __future__ import annotations

import numpy as np
from numba import njit
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Longs = NDArray[np.int64]


@njit(cache=True)
def most_saved(
    first: Longs, member: Longs, cost: Floats, price: Floats, demand: Floats, room: Floats, saved: Floats
) -> None:
    """Fill `saved` with Σ (price − cost)⁺ · tonnes, the dearest first, up to the room of each warehouse.

    Parameters
    ----------
    first
        Warehouse i may serve entries ``first[i]`` to before ``first[i + 1]``, shape (warehouses + 1,).
    member, cost
        Commodity of each entry, and what a tonne of it costs there.
    price, demand
        Of each commodity: worth of having a tonne served, and tonnes.
    room
        Tonnes that each warehouse holds.
    """
    for i in range(len(room)):
        start, end = first[i], first[i + 1]
        gain = np.empty(end - start)
        tonnes = np.empty(end - start)
        count, whole, total = 0, 0.0, 0.0
        for e in range(start, end):
            g = price[member[e]] - cost[e]
            if g > 0.0:
                gain[count], tonnes[count] = g, demand[member[e]]
                whole += tonnes[count]
                total += g * tonnes[count]
                count += 1
        if whole > room[i]:
            total, left = 0.0, room[i]
            for place in np.argsort(-gain[:count]):
                take = min(left, tonnes[place])
                total += gain[place] * take
                left -= take
                if left <= 0.0:
                    break
        saved[i] = total


@njit(cache=True)
def add_served(
    first: Longs,
    member: Longs,
    cost: Floats,
    price: Floats,
    demand: Floats,
    room: Floats,
    chosen: Longs,
    served: Floats,
) -> None:
    """Add to `served` the tonnes of each commodity that chosen warehouses take; see :func:`most_saved`."""
    for i in chosen:
        start, end = first[i], first[i + 1]
        gain = np.empty(end - start)
        for e in range(start, end):
            gain[e - start] = price[member[e]] - cost[e]
        left = room[i]
        for place in np.argsort(-gain):
            if gain[place] <= 0.0 or left <= 0.0:
                break
            k = member[start + place]
            take = min(left, demand[k])
            served[k] += take
            left -= take
