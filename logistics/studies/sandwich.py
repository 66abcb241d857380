"""How far below the chord of two neighbours on a convex frontier there can be anything."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

ROUNDING = 1e-3


@dataclass(frozen=True, order=True)
class Spot:
    """Two objectives of a plan, both to be small."""

    first: float
    second: float


@dataclass(frozen=True)
class Line:
    """A proven bound: along · first + across · second ≥ least, for every plan."""

    along: float
    across: float
    least: float


def doubt(p: Spot, q: Spot, lines: Sequence[Line], start: Spot, end: Spot) -> float:
    """Largest distance below the chord from `p` to `q` that the bounds admit.

    It is a share of the frontier's extent. The corners of the bounds between the two are tried: the lowest
    point under a chord is one of them.

    Parameters
    ----------
    start, end
        Ends of the whole frontier.
    """
    if not (p.first < q.first and p.second > q.second):
        return 0.0
    rho = (q.first - p.first) / (p.second - q.second)
    chord = p.first + rho * p.second
    lowest = chord
    # A bound may lie below the plan that meets it by the gap of its solve.
    spare = ROUNDING * (end.first - start.first), ROUNDING * (start.second - end.second)
    for i, one in enumerate(lines):
        for other in lines[i + 1 :]:
            det = one.along * other.across - other.along * one.across
            if abs(det) < 1e-15 * max(one.across, other.across, 1.0):
                continue
            first = (one.least * other.across - other.least * one.across) / det
            second = (one.along * other.least - other.along * one.least) / det
            if not p.first - spare[0] <= first <= q.first or not q.second - spare[1] <= second <= p.second:
                continue
            slack = 1e-9 * (abs(first) + rho * abs(second))
            if all(
                line.along * first + line.across * second >= line.least - slack * max(line.along, 1e-300)
                for line in lines
            ):
                lowest = min(lowest, first + rho * second)
    extent = (end.first - start.first) + rho * (start.second - end.second)
    return (chord - lowest) / extent if extent > 0 else 0.0
