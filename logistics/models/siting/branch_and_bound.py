"""Search over sites, and over services where customers are served whole, with prices as bounds.

Parts of all solutions wait in the order of their bounds. Each is split in two where the relaxation is most
of two minds: a site open or closed; if the sites are as good as decided, a customer served from a site or
not. Of each half the rules fix what follows, the prices of the part above are raised until they reach the
best solution known or come no further, and what would cost that much otherwise is fixed. A half whose sites
are all decided is closed by its exact service where demands may be split, and where customers are whole
once all are settled.

The bound of the whole is the least of the parts that wait, of what was given up because it reaches the
cutoff, and of the best solution.
"""

from __future__ import annotations

import heapq
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from logistics.models.siting.open_sets import OpenSets
from logistics.models.siting.parts import Flips, Part
from logistics.models.siting.prices import CLOSED, FREE, OPEN
from logistics.models.siting.problem import SitingStop

Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]

ROOT_STEPS = 400
STEPS = 40
"""Subgradient steps at the root, and at each later part."""
LEAST_STEPS = 10
"""Subgradient steps after something was fixed, at least."""
STRIDE = 0.4
"""Length of the first step below the root."""
TRIES_A_SITE = 10
"""Neighbours tried at the root, for each site."""
IMPROVED_PARTS = 100
"""Up to this part neighbours are tried at every one, then at every tenth."""
WHOLE = 1e-6
"""A bound this little above a multiple of the step, as a share of the step, is that multiple."""
UNDECIDED = 0.1
"""A site is as good as decided when its share is nearer than this to 0 or 1."""


class Bounds(Protocol):
    """What a search asks of a relaxation.

    Parameters
    ----------
    dearest
        No solution costs more, so that a part with a higher bound has none.
    """

    dearest: float

    def root(self) -> Part:
        """The whole problem."""

    def narrow(self, part: Part) -> tuple[bool, tuple[int, ...]]:
        """Fix what follows from what is fixed; returns whether anything is left, and what the rules count."""

    def raise_bound(
        self, part: Part, count: tuple[int, ...], goal: float, steps: int, stride: float
    ) -> Flips:
        """Raise a part's bound by steps towards a goal."""

    def bound_of_sets(self, part: Part) -> tuple[float, Floats]:
        """What any set costs at least by a part's prices: a constant, and reduced costs to add up."""


@dataclass(frozen=True)
class Outcome:
    """What a search ended with.

    Parameters
    ----------
    bound
        No solution costs less; inf: there is none.
    is_finished
        Whether nothing is left that could be below the cutoff.
    nodes
        Parts that were split.
    root_seconds
        Time until the first of them.
    """

    bound: float
    is_finished: bool
    nodes: int
    root_seconds: float


class Search:
    """One search.

    Parameters
    ----------
    relaxation, sets
        Bounds of parts, and solutions.
    stop
        When to end.
    step
        All solutions cost a whole multiple of it, so parts that cannot save as much need no search; 0: they
        do not.
    tell
        Called often with the phase, the bound and the number of parts.
    deadline
        Reading of :func:`time.monotonic` at which to end.
    """

    def __init__(
        self,
        relaxation: Bounds,
        sets: OpenSets[Any],
        stop: SitingStop,
        step: float,
        tell: Callable[[str, float, int], None],
        deadline: float,
    ) -> None:
        self._relaxation = relaxation
        self._sets = sets
        self._stop = stop
        self._step = step
        self._tell = tell
        self._deadline = deadline
        self._given_up = np.inf
        self._nodes = 0
        self._step_s = 0.0
        self._root_seconds = 0.0

    @property
    def cutoff(self) -> float:
        """What a part must be able to stay below to be of interest."""
        value = self._sets.value
        if not np.isfinite(value):
            return self._stop.below
        better = value - max(self._stop.gap * max(1.0, abs(value)), self._step * (1.0 - 10.0 * WHOLE))
        return min(better, self._stop.below)

    def run(self) -> Outcome:
        """Search until the gap is closed or the stop says so."""
        started = time.monotonic()
        root = self._relaxation.root()
        is_open = self._bound_root(root)
        self._root_seconds = time.monotonic() - started
        if not is_open:
            return self._outcome(np.inf, is_finished=True)
        waiting = [(root.bound, 0, root)]
        number = 0
        while waiting:
            bound, _, part = waiting[0]
            if bound >= self.cutoff:
                break
            is_late = time.monotonic() >= self._deadline or self._nodes >= self._stop.most_nodes
            if is_late or self._sets.value <= self._stop.enough:
                return self._outcome(bound, is_finished=False)
            heapq.heappop(waiting)
            self._nodes += 1
            self._tell("search", bound, self._nodes)
            for half in self._halves(part):
                if self._bound(half, STEPS, STRIDE):
                    number += 1
                    heapq.heappush(waiting, (half.bound, number, half))
        return self._outcome(waiting[0][0] if waiting else np.inf, is_finished=True)

    def _outcome(self, waiting: float, is_finished: bool) -> Outcome:
        bound = min(waiting, self._given_up, self._sets.value)
        if self._step > 0.0 and np.isfinite(bound):
            bound = min(self._step * float(np.ceil(bound / self._step - WHOLE)), self._sets.value)
        return Outcome(bound, is_finished, self._nodes, self._root_seconds)

    def _bound_root(self, root: Part) -> bool:
        """Bound the root and look for good sets; returns whether it has to be searched."""
        relaxation, sets = self._relaxation, self._sets
        ok, count = relaxation.narrow(root)
        if not ok:
            return False
        # A first solution gives the steps something to aim at.
        started = time.monotonic()
        first = relaxation.raise_bound(root, count, np.inf, 1, 1.0)
        self._step_s = max(1e-9, time.monotonic() - started)
        sets.offer(sets.round(root.state, first.site))
        relaxation.raise_bound(root, count, self.cutoff, self._in_time(ROOT_STEPS), 1.0)
        self._tell("root", root.bound, 0)
        sets.bound_by(*relaxation.bound_of_sets(root))
        sets.improve(sets.round(root.state, root.share), root.share, TRIES_A_SITE * len(root.state))
        return self._bound(root, ROOT_STEPS // 2, STRIDE)

    def _in_time(self, steps: int) -> int:
        """How many of some steps there is time for, at least one."""
        left_s = self._deadline - time.monotonic()
        return steps if left_s >= steps * self._step_s else max(1, int(left_s / self._step_s))

    def _bound(self, part: Part, steps: int, stride: float) -> bool:
        """Raise the bound of a part and fix what follows; returns whether it has to be searched."""
        while True:
            ok, count = self._relaxation.narrow(part)
            if not ok:
                return False
            if not np.any(part.state == FREE) and self._settle(part):
                return False
            flips = self._relaxation.raise_bound(part, count, self.cutoff, self._in_time(steps), stride)
            if part.bound > self._relaxation.dearest:
                return False
            if part.bound >= self.cutoff:
                self._given_up = min(self._given_up, part.bound)
                return False
            fixed, reach = flips.fix(part, self.cutoff)
            self._given_up = min(self._given_up, reach)
            if not fixed:
                return True
            steps = max(LEAST_STEPS, steps // 2)

    def _settle(self, part: Part) -> bool:
        """Close a part whose sites are all decided; returns whether it is."""
        opened = part.state == OPEN
        if part.allowed is None:
            self._sets.offer(opened)
            return True
        if _is_contested(part).any():
            return False
        self._sets.assign(opened, part.allowed[opened].argmax(axis=0))
        return True

    def _halves(self, part: Part) -> tuple[Part, Part]:
        """Look for solutions near a part's relaxation, and split the part in two."""
        self._look_nearby(part)
        one, other = part.child(), part.child()
        free = np.flatnonzero(part.state == FREE)
        doubt = np.minimum(part.share, 1.0 - part.share)[free]
        if part.service is None or np.max(doubt, initial=0.0) >= UNDECIDED or not _is_contested(part).any():
            site = free[doubt.argmax()]
            one.state[site], other.state[site] = OPEN, CLOSED
            return one, other
        # The customer of whom the relaxation is least sure, and the site that serves it most.
        assert part.allowed is not None
        served = np.where(part.allowed, part.service, 0.0)
        customer = int(np.where(_is_contested(part), served.max(axis=0), np.inf).argmin())
        at = int(served[:, customer].argmax())
        one.allow_only(at, customer)
        other.forbid(at, customer)
        return one, other

    def _look_nearby(self, part: Part) -> None:
        """Try sets near the shares of the relaxation, and whole service near its service."""
        opened = self._sets.round(part.state, part.share)
        if self._nodes <= IMPROVED_PARTS or self._nodes % 10 == 0:
            self._sets.improve(opened, part.share, len(part.state))
        else:
            self._sets.offer(opened)
        if part.service is not None and opened.any():
            self._sets.assign(opened, part.service[opened].argmax(axis=0))


def _is_contested(part: Part) -> Flags:
    """Customers of a part that more than one site may serve, bool array [customer]."""
    assert part.allowed is not None
    contested: Flags = part.allowed.sum(axis=0) > 1
    return contested
