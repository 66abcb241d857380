"""Opening hours of a week, and what they do to cargo that arrives at a random hour.

Text form: ``always``, or parts joined by ``;``, each days and hours, as in
``Mon-Fri 08:30-17:30; Sat 09:00-12:00``.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise

from logistics.units import HOURS_PER_DAY, HOURS_PER_WEEK

SLIVER_H = 1e-11
DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_PART = re.compile(
    r"^(?P<first>[a-z]{3})(?:-(?P<last>[a-z]{3}))?\s+"
    r"(?P<h1>\d{1,2}):(?P<m1>[0-5]\d)-(?P<h2>\d{1,2}):(?P<m2>[0-5]\d)$"
)


@dataclass(frozen=True)
class OpeningHours:
    """Open intervals of a week, in hours since Monday 00:00, sorted, disjoint, within [0, 168]."""

    intervals: tuple[tuple[float, float], ...]

    @property
    def always(self) -> bool:
        """Whether it never closes."""
        return self.intervals == ((0.0, HOURS_PER_WEEK),)


@lru_cache(maxsize=1024)
def parse_windows(text: str) -> OpeningHours:
    """Read opening hours.

    Raises
    ------
    ValueError
        With a short English reason, when `text` is not of the form above or never opens.
    """
    cleaned = text.strip().lower()
    if cleaned in ("always", "24h"):
        return OpeningHours(((0.0, HOURS_PER_WEEK),))
    found: list[tuple[float, float]] = []
    for part in cleaned.split(";"):
        match = _PART.match(part.strip())
        if match is None or match["first"] not in DAYS or (match["last"] or "mon") not in DAYS:
            raise ValueError(part.strip())
        first = DAYS.index(match["first"])
        last = DAYS.index(match["last"]) if match["last"] else first
        opens = int(match["h1"]) + int(match["m1"]) / 60
        closes = int(match["h2"]) + int(match["m2"]) / 60
        if not opens < closes <= HOURS_PER_DAY:
            raise ValueError(part.strip())
        for step in range((last - first) % 7 + 1):
            day = (first + step) % 7
            found.append((day * HOURS_PER_DAY + opens, day * HOURS_PER_DAY + closes))
    merged: list[tuple[float, float]] = []
    for start, end in sorted(found):
        if merged and start <= merged[-1][1]:
            merged[-1] = (merged[-1][0], max(merged[-1][1], end))
        else:
            merged.append((start, end))
    return OpeningHours(tuple(merged))


@dataclass(frozen=True)
class WindowDelay:
    """Hours from a random arrival to the end of the work, and the spread of the wait before it starts."""

    mean_h: float
    variance_h2: float


@lru_cache(maxsize=4096)
def window_delay(hours: OpeningHours, work_h: float) -> WindowDelay:
    """Mean hours to complete `work_h` hours of work that is done only while open.

    The arrival is uniform over the week. With F(a) the open hours up to a, the work of an arrival at a ends
    at F⁻¹(F(a) + c); that is piecewise linear in a and is integrated piece by piece, so any c is exact. For
    c up to the shortest opening this equals c + Σ(g²/2 + g·c)/168 over the closed gaps g. The variance is
    that of the wait to start, Σg³/(3·168) − (Σg²/(2·168))².

    Parameters
    ----------
    hours
        Opening hours of the week.
    work_h
        Hours of work, c ≥ 0.
    """
    if hours.always:
        return WindowDelay(work_h, 0.0)
    opens = [start for start, _ in hours.intervals]
    closes = [end for _, end in hours.intervals]
    count = len(opens)
    gaps = [
        opens[(i + 1) % count] + (HOURS_PER_WEEK if i + 1 == count else 0.0) - closes[i] for i in range(count)
    ]
    wait_mean = sum(g * g for g in gaps) / 2 / HOURS_PER_WEEK
    variance = sum(g**3 for g in gaps) / 3 / HOURS_PER_WEEK - wait_mean**2
    total = 0.0
    for i in range(count):
        following = (i + 1) % count
        total += gaps[i] * (gaps[i] / 2 + _finish(opens, closes, following, opens[following], work_h))
        total += _integral_over_opening(opens, closes, i, work_h)
    return WindowDelay(total / HOURS_PER_WEEK, max(variance, 0.0))


def _finish(opens: list[float], closes: list[float], i: int, start: float, work_h: float) -> float:
    """Hours until `work_h` is done by cargo whose work starts at `start`, a moment within opening i."""
    count = len(opens)
    elapsed, room, left = 0.0, closes[i] - start, work_h
    # Times come from whole minutes: work that just fills an opening does not cross its closing.
    while left > room + SLIVER_H:
        left -= room
        following = (i + 1) % count
        elapsed += room + (opens[following] - closes[i]) % HOURS_PER_WEEK
        i = following
        room = closes[i] - opens[i]
    return elapsed + left


def _integral_over_opening(opens: list[float], closes: list[float], i: int, work_h: float) -> float:
    """Integral of the completion hours over arrivals during opening i."""
    count = len(opens)
    lengths = [closes[k] - opens[k] for k in range(count)]
    # Arrivals at which the end of the work jumps over a closing: those whose remaining room plus whole
    # openings equals the work exactly.
    cuts = [opens[i], closes[i]]
    reach = 0.0
    k = i
    while reach <= work_h:
        arrival = closes[i] - (work_h - reach)
        if opens[i] < arrival < closes[i]:
            cuts.append(arrival)
        k = (k + 1) % count
        reach += lengths[k]
    cuts.sort()
    total = 0.0
    for low, high in pairwise(cuts):
        middle = (low + high) / 2
        if high > low:
            total += (high - low) * _finish(opens, closes, i, middle, work_h)
    return total
