"""Interior-point method for the master program of large instances.

The program, with columns j of commodities k(j), flows x and slacks s:

    min  Σ c_j x_j
    (1)  Σ_{j of k} x_j = d_k            dual π_k
    (2)  A x + s = b,  x, s ≥ 0          dual -y, y ≥ 0

Mehrotra's predictor-corrector method (S. J. Wright, *Primal-Dual Interior-Point Methods*, SIAM 1997, ch. 10)
with Gondzio's further correctors (*Comput. Optim. Appl.* 6, 1996). Each Newton step solves, with θ = x/z,

    c - Eᵀπ + Aᵀy - z = 0,   x z = μ,   s y = μ,

where E are rows (1), one block of ones a commodity. So E θ Eᵀ is the diagonal t_k = Σ_{j of k} θ_j, π is
eliminated by division, and what is left is a symmetric positive definite system for dy only:

    [ S/Y + Σ_k ( Σ_{j of k} θ_j a_j a_jᵀ - w_k w_kᵀ / t_k ) ] dy = rhs,      w_k = Σ_{j of k} θ_j a_j.

The bracket of k does not change when all its a_j are shifted by one vector; shifted by the column of largest
θ, the two terms no longer cancel when θ_j grows without bound near a vertex. The matrix has a row for each
capacity, however many commodities there are, and is factorised densely; residuals of the unshortened system
refine each solution.
"""

from __future__ import annotations

import ctypes
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import NamedTuple

import numba
import numpy as np
from numpy.typing import NDArray
from scipy.linalg import cython_lapack, lapack
from scipy.sparse import csr_matrix

from logistics.errors import SolverFailure

Floats = NDArray[np.float64]
Longs = NDArray[np.int64]
INFEASIBLE = 1e-9
"""Largest residual of rows and reduced costs, relative to their size, of a solution."""
MOST_STEPS = 80
CORRECTORS = 3
REFINED = 1e-10
"""Residual of the system, relative, at which a direction is exact enough."""
NEGLIGIBLE = 1e-13
"""θ below this share of the largest of a commodity is left to the refinement."""


@dataclass(frozen=True)
class PathProgram:
    """Columns sorted by commodity; every commodity has at least one.

    Parameters
    ----------
    cost
        Of each column.
    first
        Columns of commodity k are ``first[k]`` … ``first[k + 1] - 1``.
    demand
        d, > 0, shape (commodities,).
    start, row, amount
        A by columns: column j has entries ``start[j]`` … ``start[j + 1] - 1``.
    room
        b, > 0, shape (rows,).
    """

    cost: Floats
    first: Longs
    demand: Floats
    start: Longs
    row: NDArray[np.int32]
    amount: Floats
    room: Floats


@dataclass(frozen=True)
class InteriorAnswer:
    """A nearly optimal point.

    Parameters
    ----------
    flow
        x, > 0 (≥ 0 where there are no rows).
    price
        y, > 0.
    demand_dual
        π.
    steps
        Newton steps taken.
    """

    flow: Floats
    price: Floats
    demand_dual: Floats
    steps: int


class _Direction(NamedTuple):
    x: Floats
    s: Floats
    pi: Floats
    y: Floats
    z: Floats


@dataclass(frozen=True)
class _Point:
    """Primal and dual iterate, in scaled units."""

    x: Floats
    s: Floats
    pi: Floats
    y: Floats
    z: Floats

    def moved(self, by: _Direction, primal: float, dual: float) -> _Point:
        return _Point(
            self.x + primal * by.x,
            self.s + primal * by.s,
            self.pi + dual * by.pi,
            self.y + dual * by.y,
            self.z + dual * by.z,
        )

    def longest(self, by: _Direction) -> tuple[float, float]:
        """Longest primal and dual step that keep all positive."""
        primal = min(_ratio(self.x, by.x), _ratio(self.s, by.s))
        return primal, min(_ratio(self.z, by.z), _ratio(self.y, by.y))


def _dot(one: Floats, other: Floats) -> float:
    """Inner product without BLAS, whose threads cost more than they bring here."""
    return float((one * other).sum())


def _ratio(value: Floats, change: Floats) -> float:
    falling = change < 0
    return float(np.min(-value[falling] / change[falling], initial=1e30))


@contextmanager
def one_blas_thread() -> Iterator[None]:
    """Keep OpenBLAS to one thread meanwhile: its threads spin, which is ruinous where cores are shared.

    Another BLAS, which does not know the call, is left as it is.
    """
    library = ctypes.CDLL(cython_lapack.__file__)
    try:
        get, put = library.scipy_openblas_get_num_threads, library.scipy_openblas_set_num_threads
    except AttributeError:
        yield
        return
    before = get()
    put(1)
    try:
        yield
    finally:
        put(before)


class InteriorPoint:
    """Solves one program.

    Parameters
    ----------
    program
        The program.
    """

    def __init__(self, program: PathProgram) -> None:
        p = self.program = program
        self._commodities, self._rows = len(p.demand), len(p.room)
        self._columns = len(p.cost)
        self.group = np.repeat(np.arange(self._commodities), np.diff(p.first))
        self.by_column = csr_matrix((p.amount, p.row, p.start), (self._columns, self._rows))
        self.by_row = self.by_column.T.tocsr()
        self._cost_unit = max(1e-12, float(np.mean(np.abs(p.cost))))
        self._flow_unit = max(1e-12, float(np.mean(p.demand)))
        self._cost = p.cost / self._cost_unit
        self._demand = p.demand / self._flow_unit
        self._room = p.room / self._flow_unit
        self.matrix = np.zeros((self._rows, self._rows), order="F")

    def solve(self, tolerance: float) -> InteriorAnswer:
        """Solve until primal and dual value differ by less than `tolerance`, relative.

        Raises
        ------
        SolverFailure
            When rounding destroys a step.
        """
        if self._rows == 0:
            return self._without_rows()
        with one_blas_thread(), np.errstate(over="ignore", invalid="ignore", divide="ignore"):
            return self._solve(tolerance)

    def _without_rows(self) -> InteriorAnswer:
        p = self.program
        least = np.minimum.reduceat(p.cost, p.first[:-1])
        cheapest = np.flatnonzero(p.cost == least[self.group])
        _, chosen = np.unique(self.group[cheapest], return_index=True)
        flow = np.zeros(self._columns)
        flow[cheapest[chosen]] = p.demand
        return InteriorAnswer(flow, np.zeros(0), least, 0)

    def sum(self, values: Floats) -> Floats:
        """Add up by commodity."""
        return np.add.reduceat(values, self.program.first[:-1])

    def _start(self) -> _Point:
        """Even flows, small prices, slacks away from 0."""
        c, d = self._cost, self._demand
        y = np.full(self._rows, 0.1 * max(float(np.median(np.abs(c))), 1e-3))
        reduced = c + self.by_column @ y
        pi = np.minimum.reduceat(reduced, self.program.first[:-1])
        x = (d / np.diff(self.program.first))[self.group]
        s = np.maximum(self._room - self.by_row @ x, 0.1 * np.maximum(self._room, float(np.mean(d))))
        z = np.maximum(reduced - pi[self.group], 0.1 * float(np.mean(np.abs(c))))
        return _Point(x, s, pi, y, z)

    def _solve(self, tolerance: float) -> InteriorAnswer:
        c, d, b, group = self._cost, self._demand, self._room, self.group
        cost_size = 1 + float(np.abs(c).max())
        flow_size = 1 + max(float(d.max()), float(b.max(initial=0.0)))
        at, steps = self._start(), 0
        while True:
            short_d = d - self.sum(at.x)
            short_b = b - self.by_row @ at.x - at.s
            short_c = c - at.pi[group] + self.by_column @ at.y - at.z
            complement = _dot(at.x, at.z) + _dot(at.s, at.y)
            off = max(float(np.abs(short_d).max()), float(np.abs(short_b).max(initial=0.0))) / flow_size
            off = max(off, float(np.abs(short_c).max()) / cost_size)
            if not np.isfinite(complement) or not np.isfinite(off):
                raise SolverFailure("the interior-point method lost its way by rounding")
            near = complement < tolerance * (1 + abs(_dot(c, at.x)))
            if (near and off < INFEASIBLE) or steps >= MOST_STEPS:
                return InteriorAnswer(
                    at.x * self._flow_unit, at.y * self._cost_unit, at.pi * self._cost_unit, steps
                )
            steps += 1
            at = self._step(at, short_d, short_b, short_c, complement / (self._columns + self._rows))

    def _step(self, at: _Point, short_d: Floats, short_b: Floats, short_c: Floats, mu: float) -> _Point:
        newton = _Newton(self, at, short_d, short_b, short_c)
        by = newton.direction(-at.x * at.z, -at.s * at.y)
        primal, dual = (min(1.0, step) for step in at.longest(by))
        ahead = at.moved(by, primal, dual)
        after = (_dot(ahead.x, ahead.z) + _dot(ahead.s, ahead.y)) / (self._columns + self._rows)
        target = mu * (after / mu) ** 3
        for_x = target - at.x * at.z - by.x * by.z
        for_s = target - at.s * at.y - by.s * by.y
        by = newton.direction(for_x, for_s)
        primal, dual = at.longest(by)
        # Factorising is dear, a further direction cheap: push outliers of x·z and s·y towards the target.
        for _ in range(CORRECTORS):
            ahead = at.moved(by, min(1.0, 1.08 * primal + 0.08), min(1.0, 1.08 * dual + 0.08))
            x_z, s_y = ahead.x * ahead.z, ahead.s * ahead.y
            more_x = np.maximum(np.clip(x_z, 0.1 * target, 10 * target) - x_z, -10 * target)
            more_s = np.maximum(np.clip(s_y, 0.1 * target, 10 * target) - s_y, -10 * target)
            trial = newton.direction(for_x + more_x, for_s + more_s)
            longer = at.longest(trial)
            if min(longer[0], 1) + min(longer[1], 1) < min(primal, 1) + min(dual, 1) + 0.02:
                break
            by, (primal, dual) = trial, longer
            for_x, for_s = for_x + more_x, for_s + more_s
            if min(primal, dual) > 1:
                break
        return at.moved(by, min(1.0, 0.9995 * primal), min(1.0, 0.9995 * dual))


class _Newton:
    """Newton directions from one point, with one factorisation."""

    def __init__(
        self, solver: InteriorPoint, at: _Point, short_d: Floats, short_b: Floats, short_c: Floats
    ) -> None:
        self._solver, self._at = solver, at
        self._short_d, self._short_b, self._short_c = short_d, short_b, short_c
        p = solver.program
        self._theta = at.x / at.z
        self._ratio = at.s / at.y
        self._total = np.zeros(len(p.demand))
        matrix = solver.matrix
        diagonal = np.arange(len(p.room))
        extra = 1e-13
        while True:
            matrix[:] = 0.0
            _form(p.first, p.start, p.row, p.amount, self._theta, matrix, self._total)
            plain = matrix[diagonal, diagonal] + self._ratio
            matrix[diagonal, diagonal] = plain * (1 + extra) + extra * float(np.median(plain))
            self._factor, failed = lapack.dpotrf(matrix, lower=1, overwrite_a=1, clean=0)
            if not failed:
                return
            extra *= 100
            if extra > 1e-6:
                raise SolverFailure("the interior-point method's matrix is not positive")

    def _product(self, v: Floats) -> Floats:
        """The matrix of the system times `v`, without the shortcuts taken in forming it."""
        s = self._solver
        q: Floats = self._theta * np.asarray(s.by_column @ v)
        q -= self._theta * (s.sum(q) / self._total)[s.group]
        return np.asarray(self._ratio * v + s.by_row @ q)

    def direction(self, for_x: Floats, for_s: Floats) -> _Direction:
        """Direction that also makes z·dx + x·dz = `for_x` and y·ds + s·dy = `for_s`."""
        s, at, theta = self._solver, self._at, self._theta
        h = for_x / at.z - theta * self._short_c
        e = (self._short_d - s.sum(h)) / self._total
        rhs = s.by_row @ (h + theta * e[s.group]) + for_s / at.y - self._short_b
        dy = lapack.dpotrs(self._factor, rhs, lower=1)[0]
        for _ in range(2):
            rest = rhs - self._product(dy)
            if float(np.abs(rest).max(initial=0.0)) < REFINED * (
                float(np.abs(rhs).max(initial=0.0)) + 1e-300
            ):
                break
            dy = dy + lapack.dpotrs(self._factor, rest, lower=1)[0]
        q = np.asarray(s.by_column @ dy)
        dpi = e + s.sum(theta * q) / self._total
        dz = self._short_c - dpi[s.group] + q
        return _Direction(for_x / at.z - theta * dz, for_s / at.y - self._ratio * dy, dpi, dy, dz)


@numba.njit(cache=True, nogil=True)
def _form(
    first: Longs,
    start: Longs,
    row: NDArray[np.int32],
    amount: Floats,
    theta: Floats,
    matrix: Floats,
    total: Floats,
) -> None:
    """Add Σ_k [Σ θ_j b_j b_jᵀ - w wᵀ/t] to the lower triangle, b_j = a_j - a of the commodity's largest θ.

    Fills `total` with t.
    """
    local = np.full(len(matrix), -1, np.int32)
    for k in range(len(first) - 1):
        lo, hi = first[k], first[k + 1]
        sum_k, best, pivot = 0.0, -1.0, lo
        for j in range(lo, hi):
            sum_k += theta[j]
            if theta[j] > best:
                best, pivot = theta[j], j
        total[k] = sum_k
        if hi - lo == 1:
            continue
        # Rows that the commodity's columns touch, numbered 0 … n - 1.
        n, count = 0, 0
        for j in range(lo, hi):
            if j == pivot or theta[j] > NEGLIGIBLE * best:
                count += start[j + 1] - start[j]
        rows = np.empty(count, np.int32)
        for j in range(lo, hi):
            if j == pivot or theta[j] > NEGLIGIBLE * best:
                for p in range(start[j], start[j + 1]):
                    r = row[p]
                    if local[r] < 0:
                        local[r] = n
                        rows[n] = r
                        n += 1
        if n == 0:
            continue
        w = np.zeros(n)
        b = np.zeros(n)
        block = np.zeros((n, n))
        index = np.empty(n, np.int32)
        for j in range(lo, hi):
            if j == pivot or theta[j] <= NEGLIGIBLE * best:
                continue
            for p in range(start[pivot], start[pivot + 1]):
                b[local[row[p]]] -= amount[p]
            for p in range(start[j], start[j + 1]):
                b[local[row[p]]] += amount[p]
            m = 0
            for column in (pivot, j):
                for p in range(start[column], start[column + 1]):
                    i = local[row[p]]
                    if b[i] != 0.0:
                        fresh = True
                        for q in range(m):
                            if index[q] == i:
                                fresh = False
                                break
                        if fresh:
                            index[m] = i
                            m += 1
                            w[i] += theta[j] * b[i]
            for u in range(m):
                f = theta[j] * b[index[u]]
                for v in range(m):
                    block[index[u], index[v]] += f * b[index[v]]
            for p in range(start[pivot], start[pivot + 1]):
                b[local[row[p]]] = 0.0
            for p in range(start[j], start[j + 1]):
                b[local[row[p]]] = 0.0
        for u in range(n):
            f = w[u] / sum_k
            for v in range(n):
                if rows[u] >= rows[v]:
                    matrix[rows[u], rows[v]] += block[u, v] - f * w[v]
        for u in range(n):
            local[rows[u]] = -1
