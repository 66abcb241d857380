"""Which sites may still be open: rules on the open sites alone, and what follows from them.

In a search some sites are open, some closed, others free. Rules fix more of them, or show that nothing is
left:

    (1)  lower ≤ A·y ≤ upper                  side rows; one row says that open capacities cover the demand
    (2)  least ≤ Σ y_i ≤ most
    (3)  a customer that few sites may serve needs one of them
    (4)  y_t ≥ y_i                            of two equal sites the first opens first

From a row of (1) without negative coefficients follows how many sites must or may be open, which is (2) made
tighter: seven sites where six cannot hold the demand.
"""

from __future__ import annotations

from dataclasses import dataclass

import numba
import numpy as np
from numpy.typing import NDArray

from logistics.models.siting.prices import CLOSED, FREE, OPEN
from logistics.models.siting.problem import SideRows, SitingProblem

Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]
Ints = NDArray[np.int64]
States = NDArray[np.int8]

SLACK = 1e-9
"""Rows hold within this share of their bound, at least 1."""


@dataclass(frozen=True)
class OpeningRules:
    """Rules on the open sites.

    Parameters
    ----------
    coefficient, lower, upper
        Rows (1), float arrays [row, site], [row], [row]; the last row is the capacity's.
    rising
        Sites by rising coefficient of each row, int array [row, site].
    is_positive
        Bool array [row]: no coefficient is below 0.
    least, most
        Of (2).
    may_serve
        Bool array [customer, site] of the customers of (3).
    twin
        Of each site the one before it that equals it, -1: none; int array [site].
    """

    coefficient: Floats
    lower: Floats
    upper: Floats
    rising: Ints
    is_positive: Flags
    least: int
    most: int
    may_serve: Flags
    twin: Ints

    @classmethod
    def of(cls, problem: SitingProblem) -> OpeningRules:
        """Rules of a problem."""
        allowed = np.isfinite(problem.cost)
        if problem.single_source:
            allowed = allowed & (problem.demand[None, :] <= problem.capacity[:, None] * (1.0 + SLACK))
        return cls.from_rows(
            problem.side,
            problem.capacity,
            float(problem.demand.sum()),
            (problem.least_open, problem.num_most_open),
            np.unique(allowed.T[~allowed.all(axis=0)], axis=0),
            np.column_stack([problem.fixed_cost, problem.cost]),
        )

    @classmethod
    def from_rows(
        cls,
        side: SideRows | None,
        capacity: Floats,
        total: float,
        count: tuple[int, int],
        may_serve: Flags,
        features: Floats,
    ) -> OpeningRules:
        """Rules of sites that together need a capacity of `total`.

        Parameters
        ----------
        count
            How many sites at least and at most are open.
        features
            What else must be the same for two sites to be equal, float array [site, feature].
        """
        cover = np.minimum(capacity, total)[None, :]
        coefficient = cover if side is None else np.vstack([side.coefficient, cover])
        return cls(
            coefficient=np.ascontiguousarray(coefficient),
            lower=np.append([] if side is None else side.lower, total),
            upper=np.append([] if side is None else side.upper, np.inf),
            rising=np.argsort(coefficient, axis=1, kind="stable"),
            is_positive=np.all(coefficient >= 0.0, axis=1),
            least=count[0],
            most=count[1],
            may_serve=may_serve,
            twin=_twins(np.column_stack([capacity, coefficient.T, features])),
        )

    def narrow(self, state: NDArray[np.int8]) -> tuple[bool, tuple[int, int]]:
        """Fix free sites in place as far as the rules say; see :func:`narrow`."""
        ok, least, most = narrow(
            self.coefficient,
            self.lower,
            self.upper,
            self.rising,
            self.is_positive,
            self.least,
            self.most,
            self.may_serve,
            self.twin,
            state,
        )
        return ok, (least, most)

    def lacks(self, opened: Flags) -> Flags:
        """Sites that are wanted since so few, or so little capacity, cannot do: all, or none."""
        few = opened.sum() < self.least
        short = self.coefficient[-1] @ opened < self.lower[-1] * (1.0 - SLACK)
        return np.full(len(opened), few or short)

    def allow(self, opened: Flags) -> bool:
        """Whether a set of open sites keeps all rules but the order of equal sites."""
        activity = self.coefficient @ opened
        slack = SLACK * np.maximum(1.0, np.abs(np.stack([self.lower, self.upper])))
        return bool(
            self.least <= opened.sum() <= self.most
            and np.all((activity >= self.lower - slack[0]) & (activity <= self.upper + slack[1]))
            and np.all((self.may_serve & opened).any(axis=1))
        )


def _twins(features: Floats) -> Ints:
    """Of each site the last one before it with the same features, -1: none."""
    last: dict[bytes, int] = {}
    twin = np.full(len(features), -1, np.int64)
    for i, row in enumerate(features):
        key = row.tobytes()
        twin[i] = last.get(key, -1)
        last[key] = i
    return twin


@numba.njit(cache=True, nogil=True)
def narrow(
    coefficient: Floats,
    lower: Floats,
    upper: Floats,
    rising: Ints,
    is_positive: Flags,
    least: int,
    most: int,
    may_serve: Flags,
    twin: Ints,
    state: States,
) -> tuple[bool, int, int]:
    """Fix free sites in `state` until no rule says more.

    Returns whether anything is left, and how many sites at least and at most are open.
    """
    num_rows, num_sites = coefficient.shape
    while True:
        changed = False
        low, high = least, most
        for r in range(num_rows):
            ok, fixed = _narrow_by_row(coefficient[r], lower[r], upper[r], state)
            if not ok:
                return False, low, high
            changed = changed or fixed
            if is_positive[r]:
                few, many = _count_range(coefficient[r], lower[r], upper[r], rising[r], state)
                low, high = max(low, few), min(high, many)
        for r in range(may_serve.shape[0]):
            only, num = -1, 0
            for i in range(num_sites):
                if may_serve[r, i] and state[i] != CLOSED:
                    only = i
                    num += 1
            if num == 0:
                return False, low, high
            if num == 1 and state[only] == FREE:
                state[only] = OPEN
                changed = True
        for i in range(num_sites):
            t = twin[i]
            if t < 0 or state[i] == state[t]:
                continue
            if state[i] == OPEN:
                if state[t] == CLOSED:
                    return False, low, high
                state[t] = OPEN
                changed = True
            elif state[t] == CLOSED:
                state[i] = CLOSED
                changed = True
        num_open, num_free = 0, 0
        for i in range(num_sites):
            num_open += state[i] == OPEN
            num_free += state[i] == FREE
        if low > high or num_open > high or num_open + num_free < low:
            return False, low, high
        if num_free and (num_open == high or num_open + num_free == low):
            for i in range(num_sites):
                if state[i] == FREE:
                    state[i] = CLOSED if num_open == high else OPEN
            changed = True
        if not changed:
            return True, low, high


@numba.njit(cache=True, nogil=True)
def _narrow_by_row(coefficient: Floats, lower: float, upper: float, state: States) -> tuple[bool, bool]:
    """What one row says: whether it can hold, and whether it fixed a site."""
    least, most = 0.0, 0.0
    for i in range(len(state)):
        a = coefficient[i]
        if state[i] == OPEN:
            least += a
            most += a
        elif state[i] == FREE:
            least += min(a, 0.0)
            most += max(a, 0.0)
    low = lower - SLACK * max(1.0, abs(lower)) if lower > -np.inf else lower
    high = upper + SLACK * max(1.0, abs(upper)) if upper < np.inf else upper
    if least > high or most < low:
        return False, False
    fixed = False
    for i in range(len(state)):
        a = coefficient[i]
        if state[i] != FREE or a == 0.0:
            continue
        # Opened, a site of coefficient a takes the row's range up or down by |a|; closed, by nothing.
        opens = least + a <= high if a > 0.0 else most + a >= low
        closes = most - a >= low if a > 0.0 else least - a <= high
        if not opens and not closes:
            return False, fixed
        if not opens:
            state[i] = CLOSED
        elif not closes:
            state[i] = OPEN
        else:
            continue
        fixed = True
        if a > 0.0:
            least += a if state[i] == OPEN else 0.0
            most -= a if state[i] == CLOSED else 0.0
        else:
            least -= a if state[i] == CLOSED else 0.0
            most += a if state[i] == OPEN else 0.0
    return True, fixed


@numba.njit(cache=True, nogil=True)
def _count_range(
    coefficient: Floats, lower: float, upper: float, rising: Ints, state: States
) -> tuple[int, int]:
    """How many sites must, and may, be open for a row of coefficients ≥ 0 to hold."""
    num_sites = len(state)
    num_open, num_free, activity = 0, 0, 0.0
    for i in range(num_sites):
        if state[i] == OPEN:
            num_open += 1
            activity += coefficient[i]
        num_free += state[i] == FREE
    few = num_open
    reached = activity
    for q in range(num_sites - 1, -1, -1):
        if reached >= lower - SLACK * max(1.0, abs(lower)):
            break
        if state[rising[q]] == FREE:
            reached += coefficient[rising[q]]
            few += 1
    many = num_open + num_free
    if upper < np.inf:
        many = num_open
        reached = activity
        for q in range(num_sites):
            if state[rising[q]] == FREE:
                reached += coefficient[rising[q]]
                if reached > upper + SLACK * max(1.0, abs(upper)):
                    break
                many += 1
    return few, many
