"""The linear relaxation by radius cuts (Duran-Mateluna, Ales & Elloumi 2023; Fischetti, Ljubić & Sinnl 2017).

With θ_j the cost of serving customer j, relaxed problem and cuts are

    min  Σ f_i y_i + Σ θ_j
    (1)  θ_j + Σ_{i: c_ij < D} (D - c_ij) y_i ≥ D        customer j, radius D: nobody within D, at least D
    (2)  least open ≤ Σ y_i ≤ most open,  side rows,  0 ≤ y ≤ 1.

Of the many (1) only those are in the program that were broken. Prices of its optimum are averages of the
radii by the cuts' duals; they bound by themselves, whatever tolerances the program was solved to.
Subgradient steps come close to them in less time; cuts are for the last digits, where many optimal prices
meet.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import numba
import numpy as np
from numpy.typing import NDArray

from logistics.errors import SolverFailure
from logistics.models.siting.prices import CLOSED, OPEN, Relaxation
from logistics.solver import IncrementalProgram, LinearAnswer

Floats = NDArray[np.float64]
Ints = NDArray[np.integer[Any]]
States = NDArray[np.int8]
Flags = NDArray[np.bool_]
VIOLATION = 1e-7
"""Share of a customer's cost by which a cut must be broken to be added."""
ROUNDS = 60
LONGEST_S = 1e6


class RadiusProgram:
    """The relaxation with the cuts found so far.

    Parameters
    ----------
    relaxation
        The problem.
    least, most
        How many sites may be open.
    price
        Where the first cuts are taken, float array [customer].
    """

    def __init__(self, relaxation: Relaxation, least: int, most: int, price: Floats) -> None:
        self._p, self._least, self._most = relaxation, least, most
        customers = len(relaxation.length)
        self._nearest = np.where(relaxation.length > 0, relaxation.near[:, 0], relaxation.ceiling)
        self.has_failed = False
        self._build()
        below, above = np.empty(customers), np.empty(customers)
        _levels(relaxation, price, below, above)
        everyone = np.arange(customers)
        self._add(everyone, below)
        self._add(everyone, above)

    def _build(self) -> None:
        """The program without cuts (1)."""
        p = self._p
        sites, rows = len(p.fixed), len(p.lower)
        self._known: set[tuple[int, float]] = set()
        none = np.zeros(0, np.int64)
        self._customer: list[Ints] = [none]
        self._radius: list[Floats] = [np.zeros(0)]
        self._rows: list[Ints] = [none]
        self._program = program = IncrementalProgram()
        self._y = program.add_columns(p.fixed, np.ones(sites))
        self._theta = program.add_columns(np.ones(len(p.length)))
        numbers = program.add_rows(
            np.append(p.lower, float(self._least)), np.append(p.upper, float(self._most))
        )
        self._side, (count,) = numbers[:rows], numbers[rows:]
        r, i = np.nonzero(p.coefficient)
        program.set_entries(numbers[r], self._y[i], p.coefficient[r, i])
        program.set_entries(np.full(sites, count), self._y, np.ones(sites))

    def solve(
        self, state: States, time_limit_s: float, on_prices: Callable[[Floats, Floats, Floats], bool]
    ) -> None:
        """Add cuts until none is broken.

        Parameters
        ----------
        state
            Sites that must be open or closed, int array [site].
        on_prices
            Hears prices of customers, of side rows, and how far each site is open, after each round; returns
            whether to go on.
        """
        self._state = state
        self._bind()
        started = time.perf_counter()
        for _ in range(ROUNDS):
            answer = self._solved(time_limit_s - (time.perf_counter() - started))
            if answer is None:
                return
            y, theta = answer.values[self._y], answer.values[self._theta] + self._nearest
            customer = np.concatenate(self._customer)
            weight = np.maximum(answer.row_duals[np.concatenate(self._rows)], 0.0)
            price: Floats = self._nearest + np.bincount(
                customer,
                weight * (np.concatenate(self._radius) - self._nearest[customer]),
                len(self._nearest),
            )
            if not on_prices(price, answer.row_duals[self._side], y):
                return
            radius = np.empty(len(theta))
            broken = _broken(self._p, y, theta, radius)
            if not self._add(np.flatnonzero(broken), radius[broken]):
                return

    def _bind(self) -> None:
        state = self._state
        self._program.set_column_bounds(
            self._y, (state == OPEN).astype(float), (state != CLOSED).astype(float)
        )

    def _solved(self, time_limit_s: float) -> LinearAnswer | None:
        """The program's optimum, None: there is none to be had.

        Now and then GLOP cannot go on from its last basis; then it gets the same program afresh, once.
        """
        for attempt in range(2):
            if self.has_failed or time_limit_s <= 0.0:
                break
            try:
                answer = self._program.solve(min(time_limit_s, LONGEST_S))
                return answer if answer.outcome in ("optimal", "imprecise") else None
            except SolverFailure:
                self.has_failed = attempt > 0
                customer, radius = np.concatenate(self._customer), np.concatenate(self._radius)
                self._build()
                self._add(customer, radius)
                self._bind()
        return None

    def _add(self, customer: Ints, radius: Floats) -> bool:
        """Add cuts (1) that are not there yet; returns whether there were any."""
        new = radius > self._nearest[customer]
        for k in np.flatnonzero(new):
            new[k] = (int(customer[k]), float(radius[k])) not in self._known
            self._known.add((int(customer[k]), float(radius[k])))
        customer, radius = customer[new], radius[new]
        if len(customer) == 0:
            return False
        rows = self._program.add_rows(radius - self._nearest[customer], np.full(len(customer), np.inf))
        inside = self._p.near[customer] < radius[:, None]
        inside &= np.arange(inside.shape[1]) < self._p.length[customer][:, None]
        at, place = np.nonzero(inside)
        values = radius[at] - self._p.near[customer[at], place]
        self._program.set_entries(rows[at], self._y[self._p.site[customer[at], place]], values)
        self._program.set_entries(rows, self._theta[customer], np.ones(len(rows)))
        self._customer.append(customer)
        self._radius.append(radius)
        self._rows.append(rows)
        return True


@numba.njit(cache=True, nogil=True)
def _levels(p: Relaxation, price: Floats, below: Floats, above: Floats) -> None:
    """The costs of a list that a price lies between."""
    for j in range(len(price)):
        below[j], above[j] = -np.inf, p.ceiling[j]
        for k in range(p.length[j]):
            if p.near[j, k] >= price[j]:
                above[j] = min(above[j], p.near[j, k])
                break
            below[j] = p.near[j, k]
        if above[j] == np.inf:
            above[j] = below[j]


@numba.njit(cache=True, nogil=True)
def _broken(p: Relaxation, y: Floats, theta: Floats, radius: Floats) -> Flags:
    """Of each customer the cut that is broken most, and whether it is."""
    broken = np.zeros(len(theta), np.bool_)
    for j in range(len(theta)):
        radius[j] = p.ceiling[j]
        opened, weighted = 0.0, 0.0
        for k in range(p.length[j]):
            c = p.near[j, k]
            if c >= radius[j]:
                break
            if opened + y[p.site[j, k]] >= 1.0 - 1e-9:
                radius[j] = c
                break
            opened += y[p.site[j, k]]
            weighted += c * y[p.site[j, k]]
        if radius[j] == np.inf:
            # Nobody else can serve this customer: any radius beyond the list's last place is a cut.
            last = p.near[j, p.length[j] - 1] if p.length[j] else 0.0
            radius[j] = last + (1.0 + theta[j] - weighted + 1.0) / max(1.0 - opened, 1e-9)
        cost = weighted + radius[j] * (1.0 - opened)
        broken[j] = cost > theta[j] + VIOLATION * max(1.0, abs(theta[j]))
    return broken
