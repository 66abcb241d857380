"""Moves between choices of sites, and what each saves (Resende & Werneck 2007).

A move opens a site, closes one, or swaps two. What each saves is kept up to date from move to move:

    gain_i   opening i: what customers save by going there
    loss_r   closing r: what its customers pay more at their second best
    extra_ir what gain_i - loss_r counts wrongly when r is swapped for i

A customer changes gain and extra only of sites that are nearer than its second best, which is a short part of
its candidate list. Sites beyond the list are thought to save nothing; so no move saves less than it promises.
"""

from __future__ import annotations

from typing import NamedTuple

import numba
import numpy as np
from numpy.typing import NDArray

from logistics.models.siting.candidate_lists import CandidateLists
from logistics.models.siting.prices import FREE
from logistics.models.siting.problem import SitingProblem

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Flags = NDArray[np.bool_]
States = NDArray[np.int8]
KEPT = 1e-9
"""Excess over side rows, in their own scale, below which they are kept."""
SPARE = 64
"""Slots beyond twice the sites that are open at first."""
NOBODY = -1


class Ground(NamedTuple):
    """What a search moves on.

    Parameters
    ----------
    cost
        Float array [site, customer].
    site, near, length
        Candidate lists.
    fixed
        Fixed costs.
    penalty
        What a customer costs that nobody serves: more than serving it can.
    least, most
        How many sites may be open.
    coefficient, lower, upper
        Side rows, each divided by its largest coefficient.
    """

    cost: Floats
    site: NDArray[np.int32]
    near: Floats
    length: NDArray[np.int32]
    fixed: Floats
    penalty: float
    least: int
    most: int
    coefficient: Floats
    lower: Floats
    upper: Floats

    @classmethod
    def of(cls, problem: SitingProblem, lists: CandidateLists) -> Ground:
        """The ground of a problem."""
        allowed = np.isfinite(problem.cost)
        most = np.max(problem.cost, axis=0, initial=0.0, where=allowed)
        penalty = 1.0 + float(most.max(initial=0.0))
        if not allowed.all():
            fewest = np.min(problem.cost, axis=0, initial=np.inf, where=allowed)
            spread = np.where(np.isfinite(fewest), most - fewest, 0.0).sum()
            penalty += float(spread) + float(np.abs(problem.fixed_cost).max(initial=0.0))
        side = problem.side
        coefficient = np.zeros((0, problem.num_sites)) if side is None else side.coefficient
        scale = np.abs(coefficient).max(axis=1, initial=0.0)
        scale[scale == 0.0] = 1.0
        none = np.zeros(0)
        return cls(
            problem.cost,
            lists.site,
            lists.cost,
            lists.length,
            problem.fixed_cost,
            penalty,
            max(1, problem.least_open),
            problem.num_most_open,
            coefficient / scale[:, None],
            (none if side is None else side.lower) / scale,
            (none if side is None else side.upper) / scale,
        )


class Standing(NamedTuple):
    """Where a search stands; all arrays change in place.

    Parameters
    ----------
    slot, member
        Slot of each open site (-1: closed) and the site of each slot.
    size
        Number of open sites, one entry.
    first, second, d1, d2
        The two cheapest open sites of each customer and their costs; -1 and the penalty: nobody.
    gain, loss, extra
        As above, loss and extra by slot.
    activity
        Of each side row.
    touched
        Room for customers that a move concerns.
    """

    slot: Ints
    member: Ints
    size: Ints
    first: Ints
    second: Ints
    d1: Floats
    d2: Floats
    gain: Floats
    loss: Floats
    extra: Floats
    activity: Floats
    touched: Ints


@numba.njit(cache=True, nogil=True)
def standing_at(g: Ground, open_sites: Flags) -> Standing:
    """Start from a choice of sites."""
    sites, customers = g.cost.shape
    num_open = 0
    for i in range(sites):
        num_open += open_sites[i]
    width = max(min(g.most, sites, 2 * num_open + SPARE), num_open)
    s = Standing(
        np.full(sites, -1, np.int64),
        np.full(width, -1, np.int64),
        np.zeros(1, np.int64),
        np.full(customers, NOBODY, np.int64),
        np.full(customers, NOBODY, np.int64),
        np.full(customers, g.penalty),
        np.full(customers, g.penalty),
        np.zeros(sites),
        np.zeros(width),
        np.zeros((sites, width)),
        np.zeros(len(g.lower)),
        np.empty(customers, np.int64),
    )
    for i in range(sites):
        if open_sites[i]:
            s.slot[i] = s.size[0]
            s.member[s.size[0]] = i
            s.size[0] += 1
            for r in range(len(g.lower)):
                s.activity[r] += g.coefficient[r, i]
    for j in range(customers):
        _find_two(g, s, j)
        _count_customer(g, s, j, 1.0)
    return s


@numba.njit(cache=True, nogil=True)
def _find_two(g: Ground, s: Standing, j: int) -> None:
    """Find the two open sites that serve a customer cheapest."""
    s.first[j] = s.second[j] = NOBODY
    s.d1[j] = s.d2[j] = g.penalty
    for k in range(g.length[j]):
        i = g.site[j, k]
        if s.slot[i] >= 0:
            if s.first[j] == NOBODY:
                s.first[j], s.d1[j] = i, g.near[j, k]
            else:
                s.second[j], s.d2[j] = i, g.near[j, k]
                return
    known = s.first[j]
    for q in range(s.size[0]):
        i = s.member[q]
        c = g.cost[i, j]
        if i == known or not c < g.penalty:
            continue
        if s.first[j] == NOBODY or c < s.d1[j]:
            s.second[j], s.d2[j] = s.first[j], s.d1[j]
            s.first[j], s.d1[j] = i, c
        elif s.second[j] == NOBODY or c < s.d2[j]:
            s.second[j], s.d2[j] = i, c


@numba.njit(cache=True, nogil=True)
def _count_customer(g: Ground, s: Standing, j: int, sign: float) -> None:
    """Add (sign 1) or take away (-1) what a customer contributes to gain, loss and extra."""
    d1, d2 = s.d1[j], s.d2[j]
    q = s.slot[s.first[j]] if s.first[j] != NOBODY else -1
    if q >= 0:
        s.loss[q] += sign * (d2 - d1)
    for k in range(g.length[j]):
        c = g.near[j, k]
        if c >= d2:
            break
        i = g.site[j, k]
        if c < d1:
            s.gain[i] += sign * (d1 - c)
        if q >= 0:
            s.extra[i, q] += sign * (d2 - max(c, d1))


@numba.njit(cache=True, nogil=True)
def move(g: Ground, s: Standing, opened: int, closed: int) -> None:
    """Open a site and close another; either may be nobody."""
    touched = 0
    for j in range(len(s.d1)):
        if (closed != NOBODY and (s.first[j] == closed or s.second[j] == closed)) or (
            opened != NOBODY and g.cost[opened, j] < s.d2[j]
        ):
            _count_customer(g, s, j, -1.0)
            s.touched[touched] = j
            touched += 1
    _take_slots(g, s, opened, closed)
    for t in range(touched):
        j = s.touched[t]
        if closed != NOBODY and (s.first[j] == closed or s.second[j] == closed):
            _find_two(g, s, j)
        elif g.cost[opened, j] < s.d1[j]:
            s.second[j], s.d2[j] = s.first[j], s.d1[j]
            s.first[j], s.d1[j] = opened, g.cost[opened, j]
        else:
            s.second[j], s.d2[j] = opened, g.cost[opened, j]
        _count_customer(g, s, j, 1.0)


@numba.njit(cache=True, nogil=True)
def _take_slots(g: Ground, s: Standing, opened: int, closed: int) -> None:
    """Change slots and activities as a move says."""
    if min(opened, closed) > NOBODY:
        q = s.slot[closed]
        s.slot[closed], s.slot[opened] = -1, q
        s.member[q] = opened
    elif opened != NOBODY:
        s.slot[opened] = s.size[0]
        s.member[s.size[0]] = opened
        s.size[0] += 1
    else:
        # The last slot takes the place of the one that falls free.
        q = s.slot[closed]
        s.slot[closed] = -1
        s.size[0] -= 1
        last = s.size[0]
        s.loss[q], s.loss[last] = s.loss[last], 0.0
        s.member[q] = s.member[last]
        if q != last:
            s.slot[s.member[q]] = q
        for i in range(len(s.slot)):
            s.extra[i, q], s.extra[i, last] = s.extra[i, last], 0.0
    for r in range(len(s.activity)):
        if opened != NOBODY:
            s.activity[r] += g.coefficient[r, opened]
        if closed != NOBODY:
            s.activity[r] -= g.coefficient[r, closed]


@numba.njit(cache=True, nogil=True)
def excess(g: Ground, s: Standing, opened: int, closed: int) -> float:
    """By how much side rows are broken after a move, in their own scales."""
    total = 0.0
    for r in range(len(s.activity)):
        activity = s.activity[r]
        if opened != NOBODY:
            activity += g.coefficient[r, opened]
        if closed != NOBODY:
            activity -= g.coefficient[r, closed]
        total += max(0.0, g.lower[r] - activity, activity - g.upper[r])
    return total


@numba.njit(cache=True, nogil=True)
def best_move(g: Ground, s: Standing, state: States, broken: bool) -> tuple[float, int, int]:
    """The move that saves most and keeps the side rows; where they are `broken`, the one that mends most.

    Returns what it saves, the site it opens and the one it closes; both nobody: there is none. While fewer
    sites are open than must be, one is opened at any price.
    """
    num = s.size[0]
    short = num < g.least
    best, opened, closed = (-np.inf if broken or short else 0.0), NOBODY, NOBODY
    # A repair must lower the excess; of those that lower it alike the cheapest counts.
    least_excess = excess(g, s, NOBODY, NOBODY) - KEPT if broken else KEPT
    first_site = NOBODY if num > g.least else 0
    for i in range(first_site, len(g.fixed)):
        here = 0.0
        if i != NOBODY:
            if s.slot[i] >= 0 or state[i] != FREE:
                continue
            here = s.gain[i] - g.fixed[i]
        first_slot = NOBODY if i != NOBODY and num < min(g.most, len(s.member)) else 0
        for q in range(first_slot, 0 if short else num):
            saved, r = here, NOBODY
            if q != NOBODY:
                r = s.member[q]
                saved += g.fixed[r] - s.loss[q]
                if i != NOBODY:
                    saved += s.extra[i, q]
            if (saved <= best and not broken) or (r != NOBODY and state[r] != FREE):
                continue
            if len(s.activity):
                after = excess(g, s, i, r)
                if (after > least_excess and not short) or (
                    broken and after > least_excess - 2 * KEPT and saved <= best
                ):
                    continue
                if broken:
                    least_excess = min(least_excess, after + KEPT)
            best, opened, closed = saved, i, r
    return best, opened, closed
