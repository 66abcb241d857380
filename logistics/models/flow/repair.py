"""A plan that holds exactly, from flows that nearly hold.

Overloaded capacities cut the flows through them, and what demand then lacks goes to the commodity's cheapest
columns as far as these have room. What is moved is tiny when the flows come from a nearly optimal point.
"""

from __future__ import annotations

from dataclasses import dataclass

import numba
import numpy as np
from numpy.typing import NDArray

from logistics.models.flow.columns import Draws

Floats = NDArray[np.float64]
Longs = NDArray[np.int64]
MARGIN = 1e-10
"""Share of each capacity kept free for traces."""
TRACE = 2e-10
"""Demand that lacks less than this share goes on a way in use."""
CRUMB = 1e-9
"""Flows up to this share of their demand, or this many tonnes, join the commodity's largest."""


@dataclass(frozen=True)
class ColumnTable:
    """Columns in order of commodity and then of cost, with what they draw on.

    Parameters
    ----------
    number
        Number of each column where flows are kept.
    first
        Columns of commodity k are ``first[k]`` … ``first[k + 1] - 1``.
    start, row, amount
        Column j draws ``amount[i]`` of ``row[i]`` for i from ``start[j]`` to ``start[j + 1] - 1``.
    """

    number: Longs
    first: Longs
    start: Longs
    row: Longs
    amount: Floats

    @classmethod
    def sorted(cls, commodity: Longs, cost: Floats, num_commodities: int, draws: Draws) -> ColumnTable:
        """Sort all columns by commodity and `cost`."""
        number = np.lexsort((cost, commodity))
        place = np.empty(len(number), np.int64)
        place[number] = np.arange(len(number))
        first = np.searchsorted(commodity[number], np.arange(num_commodities + 1)).astype(np.int64)
        entry = np.argsort(place[draws.path], kind="stable")
        counts = np.bincount(place[draws.path], minlength=len(number))
        start = np.concatenate([[0], np.cumsum(counts)]).astype(np.int64)
        return cls(number, first, start, draws.row[entry], draws.amount[entry])


def repaired(
    table: ColumnTable,
    flow: Floats,
    demand: Floats,
    capacity: Floats,
    dear: Floats,
    most: Floats,
    thin: float,
) -> Floats:
    """Flows that serve as much as finds room, never more than demand or capacity.

    Parameters
    ----------
    flow
        By column number; changed in place.
    dear
        Cost of each column, by number.
    most
        Columns of a commodity that cost more than this are not filled up, shape (commodities,).
    thin
        Flows below this share of their demand are sent another way.

    Returns
    -------
    Floats
        Tonnes of each commodity that found no room.
    """
    lacking: Floats = _repaired(
        table.number, table.first, table.start, table.row, table.amount, flow, demand,
        (1 - MARGIN) * capacity, dear, most, thin,
    )  # fmt: skip
    return lacking


@numba.njit(cache=True, nogil=True)
def _repaired(
    number: Longs,
    first: Longs,
    start: Longs,
    row: Longs,
    amount: Floats,
    flow: Floats,
    demand: Floats,
    capacity: Floats,
    dear: Floats,
    most: Floats,
    thin: float,
) -> Floats:
    load = np.zeros(len(capacity))
    for k in range(len(demand)):
        total = 0.0
        for j in range(first[k], first[k + 1]):
            if flow[number[j]] < thin * demand[k]:
                flow[number[j]] = 0.0
            total += flow[number[j]]
        share = min(1.0, demand[k] / total) if total > 0 else 0.0
        for j in range(first[k], first[k + 1]):
            flow[number[j]] *= share
            if flow[number[j]] > 0:
                for i in range(start[j], start[j + 1]):
                    load[row[i]] += amount[i] * flow[number[j]]
    fits = np.ones(len(capacity))
    for r in range(len(capacity)):
        if load[r] > capacity[r]:
            fits[r] = capacity[r] / load[r]
    load[:] = 0.0
    lacking = np.zeros(len(demand))
    for k in range(len(demand)):
        total = 0.0
        for j in range(first[k], first[k + 1]):
            share = 1.0
            if flow[number[j]] > 0:
                for i in range(start[j], start[j + 1]):
                    share = min(share, fits[row[i]])
                flow[number[j]] *= share
                for i in range(start[j], start[j + 1]):
                    load[row[i]] += amount[i] * flow[number[j]]
            total += flow[number[j]]
        lacking[k] = demand[k] - total
    for k in range(len(demand)):
        if lacking[k] <= TRACE * demand[k] and first[k] < first[k + 1]:
            best = first[k]
            for j in range(first[k], first[k + 1]):
                if flow[number[j]] > flow[number[best]]:
                    best = j
            if flow[number[best]] > 0:
                flow[number[best]] += lacking[k]
                lacking[k] = 0.0
        # Ways in use first, so that a trace does not open another.
        for used in (True, False):
            for j in range(first[k], first[k + 1]):
                if lacking[k] <= 0.0:
                    break
                if (flow[number[j]] > 0.0) != used or dear[number[j]] >= most[k]:
                    continue
                room = lacking[k]
                for i in range(start[j], start[j + 1]):
                    room = min(room, (capacity[row[i]] - load[row[i]]) / amount[i])
                if room <= thin * demand[k] and room < lacking[k] and not used:
                    continue
                if room > 0.0:
                    flow[number[j]] += room
                    lacking[k] -= room
                    for i in range(start[j], start[j + 1]):
                        load[row[i]] += amount[i] * room
    for k in range(len(demand)):
        best = first[k]
        for j in range(first[k], first[k + 1]):
            if flow[number[j]] > flow[number[best]]:
                best = j
        for j in range(first[k], first[k + 1]):
            if j != best and flow[number[j]] <= CRUMB * max(1.0, demand[k]):
                flow[number[best]] += flow[number[j]]
                flow[number[j]] = 0.0
    return lacking
