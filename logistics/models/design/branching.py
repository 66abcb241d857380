"""Which option to branch on: the one whose two children's bounds rise most, as far as is known."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from logistics.models.design.master import DesignMaster
from logistics.models.design.relaxation import Relaxed

Floats = NDArray[np.float64]
Longs = NDArray[np.int64]
WHOLE = 1e-6
"""Distance from a whole number that counts as none."""
CANDIDATES = 8
"""Options that are tried at a node at most."""
RELIABLE = 4
"""Rises, each way, after which an option need not be tried any more."""
LEAST_RISE = 1e-6


class Branching(NamedTuple):
    """An option, 0 closed or 1 open, and the distance that its value was moved."""

    option: int
    way: int
    moved: float


def is_whole(y: Floats) -> bool:
    """Whether all options are open or closed."""
    return bool(np.all(np.minimum(y, 1 - y) <= WHOLE))


class Chooser:
    """Learns how far bounds rise when options are opened or closed, per unit that their value moves.

    Parameters
    ----------
    master
        Program on which options are tried.
    num_options
        Number of options.
    """

    def __init__(self, master: DesignMaster, num_options: int) -> None:
        self._master = master
        self._rise = np.zeros((2, num_options))
        self._seen = np.zeros((2, num_options), np.int64)

    def choose(
        self, lower: Floats, upper: Floats, found: Relaxed, most: float, late: Callable[[], bool]
    ) -> int:
        """Option to branch on; -1: all are decided.

        Parameters
        ----------
        lower, upper
            Bounds on options at the node.
        found
            Its relaxation.
        most
            Rise above which the node is done; inf: no rise is.
        late
            Says whether time is up.
        """
        y = found.y
        options = np.flatnonzero((upper > lower) & (np.minimum(y, 1 - y) > WHOLE))
        if len(options) == 0:
            undecided = np.flatnonzero(upper > lower)
            return int(undecided[0]) if len(undecided) else -1
        score = self._scores(options, y)
        if found.point is not None:
            order = options[np.argsort(-score, kind="stable")][: 2 * CANDIDATES]
            unsure = [o for o in order.tolist() if np.min(self._seen[:, o]) < RELIABLE][:CANDIDATES]
            for option in unsure:
                if not late():
                    self._try(option, lower, upper, found, most)
            score = self._scores(options, y)
        return int(options[np.argmax(score)])

    def learn(self, branching: Branching, rise: float) -> None:
        """Take note of how far a branching raised a bound."""
        option, way, moved = branching
        self._rise[way, option] += max(0.0, rise) / max(moved, WHOLE)
        self._seen[way, option] += 1

    def _scores(self, options: Longs, y: Floats) -> Floats:
        """Expected rises of both children, multiplied."""
        mean, known = self._rise / np.maximum(self._seen, 1), self._seen > 0
        usual = [float(mean[way][known[way]].mean()) if np.any(known[way]) else 1.0 for way in (0, 1)]
        rate = [np.where(known[way], mean[way], usual[way])[options] for way in (0, 1)]
        down, up = rate[0] * y[options], rate[1] * (1 - y[options])
        return np.maximum(down, LEAST_RISE) * np.maximum(up, LEAST_RISE)

    def _try(self, option: int, lower: Floats, upper: Floats, found: Relaxed, most: float) -> None:
        """Solve the program over the paths found so far with an option closed and open."""
        assert found.point is not None
        before = found.point.objective
        for way in (0, 1):
            low, high = lower.copy(), upper.copy()
            (high if way == 0 else low)[option] = float(way)
            self._master.set_bounds(low, high)
            point = self._master.solve(found.point.basis)
            rise = min(np.inf if point is None else point.objective - before, most, max(1.0, abs(before)))
            moved = found.y[option] if way == 0 else 1.0 - found.y[option]
            self.learn(Branching(option, way, float(moved)), rise)
