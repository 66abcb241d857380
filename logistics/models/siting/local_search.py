"""Good choices of sites: the best move again and again, and restarts from disturbed choices."""

from __future__ import annotations

import numba
import numpy as np
from numpy.typing import NDArray

from logistics.models.siting.prices import FREE
from logistics.models.siting.swap_moves import (
    KEPT,
    NOBODY,
    Ground,
    Standing,
    best_move,
    excess,
    move,
    standing_at,
)

States = NDArray[np.int8]
Flags = NDArray[np.bool_]

EPSILON = 1e-11
"""Savings below this share of the cost are rounding."""


@numba.njit(cache=True, nogil=True)
def _random(state: NDArray[np.uint64]) -> float:
    """Next of a row of pseudo-random numbers in [0, 1); `state` is one unsigned 64-bit number."""
    x = state[0]
    x ^= x << np.uint64(13)
    x ^= x >> np.uint64(7)
    x ^= x << np.uint64(17)
    state[0] = x
    return float(x >> np.uint64(11)) / 9007199254740992.0


@numba.njit(cache=True, nogil=True)
def _cost(g: Ground, s: Standing) -> float:
    """What a choice costs, penalties included."""
    value = float(s.d1.sum())
    for q in range(s.size[0]):
        value += g.fixed[s.member[q]]
    return value


@numba.njit(cache=True, nogil=True)
def _disturb(g: Ground, s: Standing, state: States, strength: float, random: NDArray[np.uint64]) -> None:
    """Swap some open sites for ones near a customer's best."""
    for _ in range(1 + int(_random(random) * strength * s.size[0])):
        j = int(_random(random) * len(s.d1))
        if g.length[j] == 0:
            continue
        reach = 0
        while reach < g.length[j] and g.near[j, reach] < s.d2[j]:
            reach += 1
        i = g.site[j, int(_random(random) * min(g.length[j], 2 * reach + 2))]
        r = s.member[int(_random(random) * s.size[0])]
        if s.slot[i] < 0 and state[i] == FREE and state[r] == FREE:
            move(g, s, i, r)


@numba.njit(cache=True, nogil=True)
def _go_back(g: Ground, s: Standing, wanted: Flags) -> None:
    """Move to a choice, by swaps as far as they go."""
    for i in range(len(wanted)):
        if wanted[i] and s.slot[i] < 0:
            out = NOBODY
            for q in range(s.size[0]):
                if not wanted[s.member[q]]:
                    out = s.member[q]
                    break
            move(g, s, i, out)
    q = 0
    while q < s.size[0]:
        if wanted[s.member[q]]:
            q += 1
        else:
            move(g, s, NOBODY, s.member[q])


@numba.njit(cache=True, nogil=True)
def wander(
    g: Ground, state: States, open_sites: Flags, rounds: int, strength: float, seed: int, most_moves: int
) -> tuple[float, int]:
    """Descend from `open_sites`, then disturb and descend again for some rounds.

    Parameters
    ----------
    state
        Sites that are not free stay as they are.
    open_sites
        At least one, not more than allowed; ends as the best found.
    strength
        Share of the open sites that a disturbance swaps at most.
    most_moves
        Moves after which the search ends.

    Returns
    -------
    tuple
        Cost of the best (with penalties, inf where side rows are broken) and the number of moves.
    """
    s = standing_at(g, open_sites)
    random = np.empty(1, np.uint64)
    random[0] = np.uint64(seed * 2654435761 + 88172645463325252)
    best, kept = np.inf, np.inf
    kept_set = open_sites.copy()
    moves = 0
    for turn in range(rounds + 1):
        size = abs(_cost(g, s))
        while moves < most_moves:
            broken = excess(g, s, NOBODY, NOBODY) > KEPT
            must = broken or s.size[0] < g.least
            saved, opened, closed = best_move(g, s, state, broken)
            if (opened == NOBODY and closed == NOBODY) or (saved <= EPSILON * size and not must):
                break
            move(g, s, opened, closed)
            moves += 1
        value = _cost(g, s)
        if excess(g, s, NOBODY, NOBODY) > KEPT or s.size[0] < g.least:
            value = np.inf
        if value < best - EPSILON * size:
            best = value
            for i in range(len(state)):
                open_sites[i] = s.slot[i] >= 0
        if value <= kept + EPSILON * size:
            kept = value
            for i in range(len(state)):
                kept_set[i] = s.slot[i] >= 0
        else:
            _go_back(g, s, kept_set)
        if turn == rounds or moves >= most_moves:
            break
        _disturb(g, s, state, strength, random)
    return best, moves
