"""Prices of having cargo served, under which no two options are credited with the same cargo for nothing.

At prices of capacities, option j saves at most s_kj on a tonne of k against the cheapest way without options.
Cuts from these savings credit every option with the same cargo. With a discount δ_k ≥ 0 on the worth of cargo
k in a year,

    z(y)  ≥  Σ_k d_k (π_k − δ_k) − Σ_r C_r μ_r − Σ_j S_j(δ) y_j,

S_j being what j saves at most within its own room on s_kj − δ_k: a bound for any δ, the Lagrangian relaxation
of the rows that serve each cargo once (Geoffrion and McBride, AIIE Transactions 10 (1978) 40-47).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numba import njit
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Longs = NDArray[np.int64]


@njit(cache=True)
def most_gained(
    first: Longs, saved: Floats, discount: Floats, amount: Floats, room: Floats, gained: Floats
) -> None:
    """Fill `gained` with what each knapsack gains at most on its entries, the best by room first.

    Parameters
    ----------
    first
        Knapsack i has the entries ``first[i]`` to before ``first[i + 1]``, shape (knapsacks + 1,).
    saved, amount
        Of each entry: what a unit of room saves without discount, and the room it takes whole.
    discount
        Of each entry, in the same unit as `saved`.
    room
        Of each knapsack.
    """
    for i in range(len(room)):
        start, end = first[i], first[i + 1]
        gain = saved[start:end] - discount[start:end]
        left, total = room[i], 0.0
        whole, every = 0.0, 0.0
        for e in range(end - start):
            if gain[e] > 0.0:
                whole += amount[start + e]
                every += gain[e] * amount[start + e]
        if whole <= left:
            gained[i] = every
            continue
        for place in np.argsort(-gain):
            if gain[place] <= 0.0 or left <= 0.0:
                break
            take = min(left, amount[start + place])
            total += gain[place] * take
            left -= take
        gained[i] = total


@njit(cache=True)
def add_taken(
    first: Longs,
    member: Longs,
    saved: Floats,
    discount: Floats,
    amount: Floats,
    per_t: Floats,
    room: Floats,
    chosen: Longs,
    taken: Floats,
) -> None:
    """Add to `taken` the tonnes of each cargo that the chosen knapsacks hold; see :func:`most_gained`."""
    for i in chosen:
        start, end = first[i], first[i + 1]
        gain = saved[start:end] - discount[start:end]
        left = room[i]
        for place in np.argsort(-gain):
            if gain[place] <= 0.0 or left <= 0.0:
                break
            e = start + place
            take = min(left, amount[e])
            taken[member[e]] += take / per_t[e]
            left -= take


@dataclass(frozen=True)
class FlowCut:
    """One such bound on one year.

    Parameters
    ----------
    year
        Number of the year.
    constant, saved
        L, and S of each option, in the year's own money.
    """

    year: int
    constant: float
    saved: Floats

    def at(self, y: Floats) -> float:
        """The bound for given options."""
        return self.constant - float(self.saved @ y)


@dataclass(frozen=True)
class PricedCargo:
    """What options save on a year's cargo at prices of its capacities.

    Parameters
    ----------
    cut
        The bound without discounts.
    unknown
        Inf for options whose ways cannot be told one by one, else 0, shape (options,).
    demand_t, worth
        Tonnes of each commodity, and π.
    option
        Option of each knapsack.
    first, member, saved, amount, per_t, room
        Its entries: commodity, CNY a unit of room, room for all tonnes, room a tonne; and its room.
    """

    cut: FlowCut
    unknown: Floats
    demand_t: Floats
    worth: Floats
    option: Longs
    first: Longs
    member: Longs
    saved: Floats
    amount: Floats
    per_t: Floats
    room: Floats

    def discounted(self, discount: Floats) -> FlowCut:
        """The bound under discounts on commodities, CNY a tonne."""
        gained = np.zeros(len(self.room))
        by_room = discount[self.member] / self.per_t
        most_gained(self.first, self.saved, by_room, self.amount, self.room, gained)
        saved = np.bincount(self.option, gained, len(self.unknown)) + self.unknown
        return FlowCut(self.cut.year, self.cut.constant - float(self.demand_t @ discount), saved)

    def taken(self, discount: Floats, y: Floats) -> Floats:
        """Tonnes of each commodity that open options take at these discounts."""
        taken = np.zeros(len(self.demand_t))
        chosen = np.flatnonzero(y[self.option] > 0.5)
        by_room = discount[self.member] / self.per_t
        add_taken(
            self.first, self.member, self.saved, by_room, self.amount, self.per_t, self.room, chosen, taken
        )
        return taken
