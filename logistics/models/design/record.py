"""Best plan and global bound of a search, and how they came about."""

from __future__ import annotations

import time

import numpy as np
from numpy.typing import NDArray

from logistics.models.design.problem import DesignProgress, DesignStop, Report, relative_gap

Floats = NDArray[np.float64]


class Record:
    """Best plan, global bound and their history.

    Parameters
    ----------
    stop, report
        When the search ends; where news go.
    """

    def __init__(self, stop: DesignStop, report: Report | None) -> None:
        self._stop, self._report = stop, report
        self._started = time.perf_counter()
        self.value, self.bound = np.inf, -np.inf
        self.y: Floats | None = None
        self.nodes = 0
        self.by_solver = False
        self.history: list[tuple[float, float, float]] = []

    @property
    def seconds(self) -> float:
        """Since the start."""
        return time.perf_counter() - self._started

    @property
    def left_s(self) -> float:
        """Seconds until the time limit."""
        return max(0.0, self._stop.time_limit_s - self.seconds)

    def is_late(self) -> bool:
        """Whether time or nodes are used up."""
        return self.seconds >= self._stop.time_limit_s or self.nodes >= self._stop.most_nodes

    @property
    def cutoff(self) -> float:
        """A bound at or above this needs no more work."""
        return self.value - self._stop.gap * max(1.0, abs(self.value)) if self.value < np.inf else np.inf

    @property
    def gap(self) -> float:
        """Relative gap now."""
        return relative_gap(self.value, self.bound)

    @property
    def closed(self) -> bool:
        """Whether the gap is."""
        return self.gap <= self._stop.gap

    def plan(self, value: float, y: Floats) -> bool:
        """Take a plan if it is better than the best; returns whether it is."""
        if value >= self.value:
            return False
        self.value, self.y = value, np.round(y)
        self._note("plan")
        return True

    def raise_bound(self, bound: float, phase: str = "proof", *, by_solver: bool = False) -> None:
        """Take a global bound if it is higher; a bound above the best plan says that the plan is best."""
        bound = min(bound, self.value)
        if bound > self.bound:
            self.bound, self.by_solver = bound, by_solver
            self._note(phase)

    def tell(self, phase: str) -> None:
        """Report the state."""
        if self._report is not None:
            self._report(DesignProgress(phase, self.value, self.bound, self.gap, self.nodes, self.seconds))

    def _note(self, phase: str) -> None:
        self.history.append((self.seconds, self.value, self.bound))
        self.tell(phase)
