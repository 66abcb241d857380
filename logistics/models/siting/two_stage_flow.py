"""Least-cost flow from open plants over open depots to all customers, demands may be split.

    min  Σ a_ij z_ij + Σ c_jk x_jk
    (1)  Σ_j x_jk = d_k            for every customer k
    (2)  Σ_k x_jk = Σ_i z_ij       for every open depot j
    (3)  Σ_i z_ij ≤ W_j            for every open depot j
    (4)  Σ_j z_ij ≤ U_i            for every open plant i

As in :mod:`logistics.models.siting.transport`, every customer starts on its cheapest way, which is optimal
but for plants and depots with more than they can hold, and the excess moves along cheapest chains until
there is none. A chain runs over three kinds of places: a depot's receiving side (customers go to another
depot), its sending side (another plant delivers), and plants.
"""

from __future__ import annotations

import numba
import numpy as np
from numpy.typing import NDArray

from logistics.models.siting.transport import EXCESS, GRAIN, ROOM

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Flags = NDArray[np.bool_]

THROUGH, BACK = -2, -3
"""Steps of a chain between the two sides of a depot; other steps name the place they lead to."""
END = -1
"""A chain ends here, or there is none."""
CUSTOMERS, PLANTS, PLANT = 0, 1, 2
"""Where a chain is: at a depot's customers' side, at its plants' side, at a plant."""
SMALL = 1e-12
"""Smaller shares of what moves are rounding."""


@numba.njit(cache=True, nogil=True)
def least_cost_flow(
    plant_cost: Floats,
    depot_cost: Floats,
    demand: Floats,
    plant_room: Floats,
    depot_room: Floats,
    sent: Floats,
    served: Floats,
    price: Floats,
) -> tuple[float, float]:
    """Fill `sent` [plant, depot] and `served` [depot, customer] with units; returns cost and what is missing.

    Parameters
    ----------
    plant_cost, depot_cost
        Of a unit, of open plants and depots, shapes [plant, depot], [depot, customer].
    price
        Filled with what a unit costs from a depot's customers' side on, shape [depot].
    """
    num_plants, num_depots = plant_cost.shape
    num_customers = len(demand)
    sent[:, :] = 0.0
    served[:, :] = 0.0
    nearest = np.full(num_depots, -1, np.int64)
    least = np.full(num_depots, np.inf)
    for a in range(num_depots):
        for i in range(num_plants):
            if plant_cost[i, a] < least[a]:
                least[a] = plant_cost[i, a]
                nearest[a] = i
    through = np.zeros(num_depots)
    load = np.zeros(num_plants)
    missing = 0.0
    for k in range(num_customers):
        best, to = np.inf, -1
        for a in range(num_depots):
            value = depot_cost[a, k] + least[a]
            if value < best:
                best, to = value, a
        if to < 0:
            missing += demand[k]
        else:
            served[to, k] = demand[k]
            through[to] += demand[k]
    waiting = np.zeros(num_depots)
    surplus = np.zeros(num_plants)
    for a in range(num_depots):
        waiting[a] = max(0.0, through[a] - depot_room[a] * (1.0 + EXCESS))
        through[a] -= waiting[a]
        if through[a] > 0.0:
            sent[nearest[a], a] = through[a]
            load[nearest[a]] += through[a]
    for i in range(num_plants):
        surplus[i] = max(0.0, load[i] - plant_room[i] * (1.0 + EXCESS))
        load[i] -= surplus[i]
    price[:] = least
    if waiting.sum() > 0.0 or surplus.sum() > 0.0:
        missing += _move_excess(
            plant_cost,
            depot_cost,
            plant_room,
            depot_room,
            sent,
            served,
            price,
            through,
            load,
            waiting,
            surplus,
        )
    if missing > EXCESS * demand.sum():
        return np.inf, missing
    cost = 0.0
    for a in range(num_depots):
        for i in range(num_plants):
            if sent[i, a] > 0.0:
                cost += sent[i, a] * plant_cost[i, a]
        for k in range(num_customers):
            if served[a, k] > 0.0:
                cost += served[a, k] * depot_cost[a, k]
    return cost, 0.0


@numba.njit(cache=True, nogil=True)
def _move_excess(
    plant_cost: Floats,
    depot_cost: Floats,
    plant_room: Floats,
    depot_room: Floats,
    sent: Floats,
    served: Floats,
    price: Floats,
    through: Floats,
    load: Floats,
    waiting: Floats,
    surplus: Floats,
) -> float:
    """Move what depots and plants hold too much along cheapest chains; returns the units without a chain."""
    num_plants, num_depots = plant_cost.shape
    step = np.full((num_depots, num_depots), np.inf)
    mover = np.full((num_depots, num_depots), END, np.int64)
    for a in range(num_depots):
        _cheapest_movers(a, depot_cost, served, step, mover)
    out_price, plant_price = np.empty(num_depots), np.empty(num_plants)
    next_in, next_out = np.empty(num_depots, np.int64), np.empty(num_depots, np.int64)
    next_plant = np.empty(num_plants, np.int64)
    stale = np.zeros(num_depots, np.bool_)
    while waiting.sum() > 0.0 or surplus.sum() > 0.0:
        _chains(
            plant_cost, plant_room, depot_room, sent, step, through, load,
            price, out_price, plant_price, next_in, next_out, next_plant,
        )  # fmt: skip
        moved = False
        for start in range(num_depots + num_plants):
            is_depot = start < num_depots
            at = start if is_depot else start - num_depots
            held = waiting[at] if is_depot else surplus[at]
            if held <= 0.0 or (price[at] if is_depot else plant_price[at]) == np.inf:
                continue
            side = CUSTOMERS if is_depot else PLANT
            chain = (next_in, next_out, next_plant, mover)
            rooms = (plant_room, depot_room, sent, served, through, load)
            amount = _follow(side, at, held, False, chain, rooms, stale)
            if amount <= SMALL * held:
                continue
            moved = True
            _follow(side, at, amount, True, chain, rooms, stale)
            if is_depot:
                waiting[at] -= amount
            else:
                surplus[at] -= amount
        if not moved:
            return float(waiting.sum() + surplus.sum())
        for a in range(num_depots):
            if stale[a]:
                stale[a] = False
                _cheapest_movers(a, depot_cost, served, step, mover)
    return 0.0


@numba.njit(cache=True, nogil=True)
def _follow(
    side: int,
    here: int,
    amount: float,
    is_move: bool,
    chain: tuple[Ints, ...],
    rooms: tuple[Floats, ...],
    stale: Flags,
) -> float:
    """Walk along a chain; returns how much of an amount it can take, or moves the amount."""
    next_in, next_out, next_plant, mover = chain
    plant_room, depot_room, sent, served, through, load = rooms
    while True:
        if side == CUSTOMERS:
            to = next_in[here]
            if to == THROUGH:
                side = PLANTS
                if is_move:
                    through[here] += amount
                else:
                    amount = min(amount, depot_room[here] - through[here])
                continue
            k = mover[here, to]
            if is_move:
                served[here, k] = _less(served[here, k], amount)
                served[to, k] += amount
                stale[here] = True
                stale[to] = True
            else:
                amount = min(amount, served[here, k])
            here = to
        elif side == PLANTS:
            to = next_out[here]
            if to == BACK:
                side = CUSTOMERS
                if is_move:
                    through[here] = _less(through[here], amount)
                else:
                    amount = min(amount, through[here])
                continue
            if is_move:
                sent[to, here] += amount
            side, here = PLANT, to
        else:
            to = next_plant[here]
            if to == END:
                if is_move:
                    load[here] += amount
                    return amount
                return min(amount, float(plant_room[here] - load[here]))
            if is_move:
                sent[here, to] = _less(sent[here, to], amount)
            else:
                amount = min(amount, sent[here, to])
            side, here = PLANTS, to


@numba.njit(cache=True, nogil=True)
def _less(units: float, amount: float) -> float:
    """What is left, without dust."""
    left = units - amount
    return left if left > SMALL * amount else 0.0


@numba.njit(cache=True, nogil=True)
def _cheapest_movers(a: int, depot_cost: Floats, served: Floats, step: Floats, mover: Ints) -> None:
    """Of each other depot the customer that is cheapest to hand over from `a`, per unit."""
    step[a, :] = np.inf
    for k in range(served.shape[1]):
        if served[a, k] > 0.0:
            for b in range(len(step)):
                value = depot_cost[b, k] - depot_cost[a, k]
                value += GRAIN * (abs(depot_cost[b, k]) + abs(depot_cost[a, k]))
                if b != a and value < step[a, b]:
                    step[a, b] = value
                    mover[a, b] = k


@numba.njit(cache=True, nogil=True)
def _chains(
    plant_cost: Floats,
    plant_room: Floats,
    depot_room: Floats,
    sent: Floats,
    step: Floats,
    through: Floats,
    load: Floats,
    price: Floats,
    out_price: Floats,
    plant_price: Floats,
    next_in: Ints,
    next_out: Ints,
    next_plant: Ints,
) -> None:
    """Cheapest chain to a plant with room from each depot's two sides and each plant."""
    num_plants, num_depots = plant_cost.shape
    price[:] = np.inf
    out_price[:] = np.inf
    for i in range(num_plants):
        plant_price[i] = 0.0 if load[i] < plant_room[i] * (1.0 - ROOM) else np.inf
        next_plant[i] = END
    for _ in range(2 * num_depots + num_plants):
        changed = False
        for a in range(num_depots):
            for i in range(num_plants):
                value = plant_cost[i, a] + GRAIN * abs(plant_cost[i, a]) + plant_price[i]
                if _is_less(value, out_price[a]):
                    out_price[a], next_out[a] = value, i
                    changed = True
            if through[a] > 0.0 and _is_less(price[a], out_price[a]):
                out_price[a], next_out[a] = price[a], BACK
                changed = True
        for a in range(num_depots):
            for i in range(num_plants):
                if sent[i, a] <= 0.0:
                    continue
                value = out_price[a] - plant_cost[i, a] + GRAIN * abs(plant_cost[i, a])
                if _is_less(value, plant_price[i]):
                    plant_price[i], next_plant[i] = value, a
                    changed = True
            if through[a] < depot_room[a] * (1.0 - ROOM) and _is_less(out_price[a], price[a]):
                price[a], next_in[a] = out_price[a], THROUGH
                changed = True
        for b in range(num_depots):
            if price[b] < np.inf:
                for a in range(num_depots):
                    if _is_less(step[a, b] + price[b], price[a]):
                        price[a], next_in[a] = step[a, b] + price[b], b
                        changed = True
        if not changed:
            return


@numba.njit(cache=True, nogil=True)
def _is_less(value: float, price: float) -> bool:
    """Cheaper by more than rounding."""
    return value < np.inf and value < price - GRAIN * abs(value)
