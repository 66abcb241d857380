"""Rounded rows on options: mixed-integer rounding of needs, with options complemented.

A need Σ c_j y_j ≥ D with whole y holds for every complement z_j = 1 − y_j of some y and every divisor δ > 0
in the form Σ (⌊q_j⌋ + min(1, (q_j − ⌊q_j⌋)/f)) z_j ≥ ⌈r⌉, with q_j = c_j/δ (negative where complemented),
r = (D − Σ of the complemented c_j)/δ and f = r − ⌊r⌋ > 0.
"""

from __future__ import annotations

import numba
import numpy as np
from numpy.typing import NDArray

from logistics.models.design.needs import Needs
from logistics.models.design.problem import SideRows

Floats = NDArray[np.float64]
Longs = NDArray[np.int64]
LEAST_FRACTION = 0.01
LEAST_VIOLATION = 1e-3
"""Distance by which a point must break a row, relative to the length of the row's normal."""
SLACK = 1e-9
AT_LEAST = np.array([2.0, 0.999999, 0.8, 0.5])
"""Options at or above one of these values are complemented; above 1: none."""


def broken_rows(needs: Needs, y: Floats, most: int) -> SideRows:
    """Rows that `y` breaks, the one most broken of each need, at most so many."""
    violation, lower, value = _rounded(needs.first, needs.option, needs.capacity, needs.need, y)
    order = np.argsort(-violation, kind="stable")[:most]
    rows = SideRows.none()
    for i in order[violation[order] > LEAST_VIOLATION].tolist():
        part = slice(needs.first[i], needs.first[i + 1])
        slack = SLACK * max(1.0, float(np.abs(value[part]).sum()))
        terms = list(zip(needs.option[part].tolist(), value[part].tolist(), strict=True))
        rows = rows.with_row("", [term for term in terms if term[1]], float(lower[i]) - slack, np.inf)
    return rows


@numba.njit(cache=True, nogil=True)
def _rounded(
    first: Longs, option: Longs, capacity: Floats, need: Floats, y: Floats
) -> tuple[Floats, Floats, Floats]:
    """Of each need the most broken row: its violation, lower bound and values."""
    count = len(need)
    best, lower = np.zeros(count), np.zeros(count)
    values = np.zeros(len(option))
    for i in range(count):
        a, b = first[i], first[i + 1]
        trial = np.empty(b - a)
        for level in AT_LEAST:
            rest = need[i]
            for j in range(a, b):
                if y[option[j]] >= level:
                    rest -= capacity[j]
            for d in range(a, b + 1):
                divisor = capacity[d] if d < b else 1.001 * need[i]
                if d < b and d > a and capacity[d] == capacity[d - 1]:
                    continue
                r = rest / divisor
                f = r - np.floor(r)
                if f < LEAST_FRACTION or f > 1 - 1e-9:
                    continue
                bound, sides, length = np.ceil(r), 0.0, 0.0
                for j in range(a, b):
                    turned = y[option[j]] >= level
                    q = -capacity[j] / divisor if turned else capacity[j] / divisor
                    whole = np.floor(q)
                    value = whole + min(1.0, (q - whole) / f)
                    if turned:
                        bound -= value
                        value = -value
                    trial[j - a] = value
                    sides += value * y[option[j]]
                    length += value * value
                if length <= 0.0:
                    continue
                broken = (bound - sides) / np.sqrt(length)
                if broken > best[i]:
                    best[i], lower[i] = broken, bound
                    values[a:b] = trial
    return best, lower, values
