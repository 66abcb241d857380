"""Work done only inside opening hours: when it ends for each arrival of the week, and that time's moments."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from logistics.network.windows import SLIVER_H, OpeningHours
from logistics.units import HOURS_PER_WEEK

Floats = NDArray[np.float64]


def completion_hours(hours: OpeningHours, work_h: float, arrival_h: Floats) -> Floats:
    """Hours from each arrival to the end of `work_h` hours of work that is done only while open.

    On the clock of open hours, work that starts at y ends at y + work; both ways between that clock and the
    week's are piecewise linear, so any number of arrivals costs two searches each.

    Parameters
    ----------
    hours
        Opening hours of the week.
    work_h
        Hours of work, ≥ 0, of any length.
    arrival_h
        Moments of arrival in hours since a Monday 00:00, any shape.
    """
    opens, closes = (np.array(side) for side in zip(*hours.intervals, strict=True))
    until_close = np.cumsum(closes - opens)
    until_open = np.concatenate(([0.0], until_close[:-1]))
    weekly_h = until_close[-1]
    phase = arrival_h % HOURS_PER_WEEK
    last = np.searchsorted(opens, phase, side="right") - 1
    inside = (last >= 0) & (phase < closes[last])
    first = np.where(inside, last, (last + 1) % len(opens))
    wait = np.where(inside, 0.0, (opens[first] - phase) % HOURS_PER_WEEK)
    if work_h <= SLIVER_H:
        return np.asarray(wait + work_h)
    start = np.where(inside, phase, opens[first])
    done = until_open[first] + (start - opens[first]) + work_h
    # Times come from whole minutes: work that just fills an opening does not cross its closing.
    weeks = np.maximum(np.ceil((done - SLIVER_H) / weekly_h) - 1, 0.0)
    rest = done - weeks * weekly_h
    where = np.minimum(np.searchsorted(until_close, rest - SLIVER_H), len(opens) - 1)
    end = weeks * HOURS_PER_WEEK + opens[where] + (rest - until_open[where])
    return np.asarray(wait + end - start)


def completion_moments(hours: OpeningHours, work_h: float) -> tuple[float, float]:
    """Mean (h) and variance (h²) of :func:`completion_hours` when every moment of the week is as likely.

    Between two marks (openings, closings, and arrivals whose work ends at a closing) the time to completion
    is constant while open and falls by an hour an hour while closed; each piece is integrated exactly. The
    variance is that of the whole time, also where the work crosses closings.
    """
    if hours.always:
        return work_h, 0.0
    opens, closes = (np.array(side) for side in zip(*hours.intervals, strict=True))
    until_close = np.cumsum(closes - opens)
    until_open = until_close - (closes - opens)
    jumps = (until_close - work_h) % until_close[-1]
    where = np.minimum(np.searchsorted(until_close, jumps, side="right"), len(opens) - 1)
    marks = np.unique(np.concatenate((opens, closes, opens[where] + jumps - until_open[where])))
    lengths = np.diff(np.append(marks, marks[0] + HOURS_PER_WEEK))
    middle = (marks + lengths / 2) % HOURS_PER_WEEK
    last = np.searchsorted(opens, middle, side="right") - 1
    closed = (last < 0) | (middle >= closes[last])
    value = completion_hours(hours, work_h, middle)
    mean = float(lengths @ value) / HOURS_PER_WEEK
    spread = (value - mean) ** 2 + np.where(closed, lengths**2 / 12, 0.0)
    return mean, float(lengths @ spread) / HOURS_PER_WEEK
