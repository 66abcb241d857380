"""What a search tells on its way."""

from __future__ import annotations

import time
from typing import Any

import numpy as np

from logistics.models.siting.open_sets import OpenSets
from logistics.models.siting.problem import Report, SitingProgress, relative_gap

SHOW_EVERY_S = 0.25
"""Progress is reported at most this often, but for better solutions."""


class Shown:
    """Tells how far a search is, now and then."""

    def __init__(self, report: Report | None, sets: OpenSets[Any], started: float) -> None:
        self._report, self._sets, self._started = report, sets, started
        self._value, self._last = np.inf, -np.inf

    def __call__(self, phase: str, bound: float, nodes: int) -> None:
        """Tell, if something is better or some time has passed."""
        now, value = time.monotonic(), self._sets.value
        if self._report is None:
            return
        if value < self._value or now - self._last > SHOW_EVERY_S:
            self._value, self._last = value, now
            gap = relative_gap(value, bound)
            self._report(SitingProgress(phase, value, bound, gap, nodes, now - self._started))
