"""Sets of open sites that are tried: what each costs, the best so far, and better ones in its neighbourhood.

A neighbour is worth trying only if prices of the relaxation allow it to be better: for any prices, a
constant and the reduced costs of its sites add up to a bound of a set.
"""

from __future__ import annotations

import time
from abc import ABC, abstractmethod
from typing import Generic, Protocol, TypeVar

import numpy as np
from numpy.typing import NDArray

from logistics.models.siting.prices import CLOSED, FREE, OPEN

Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]
Ints = NDArray[np.int64]
States = NDArray[np.int8]

BETTER = 1e-10
"""Less than this share of the cost is not better."""
ONCE_IN_A_WHILE = 0.02
"""Sites that the relaxation opened less of the time are left out of neighbourhoods."""


Service = TypeVar("Service")


class Rules(Protocol):
    """What rules on open sites are asked here."""

    def narrow(self, state: States) -> tuple[bool, tuple[int, ...]]:
        """Fix free sites in place as far as the rules say; whether anything is left, and what it counts."""

    def lacks(self, opened: Flags) -> Flags:
        """Sites that are wanted since so few, or so little capacity, cannot do."""

    def allow(self, opened: Flags) -> bool:
        """Whether a set keeps all rules."""


class OpenSets(ABC, Generic[Service]):
    """The best set so far with the service of its customers, and all sets that were tried.

    Parameters
    ----------
    num_sites, rules
        What sets are of, and which are allowed.
    deadline
        Reading of :func:`time.monotonic` at which to try no more neighbours.
    """

    def __init__(self, num_sites: int, rules: Rules, deadline: float = np.inf) -> None:
        self.rules = rules
        self._deadline = deadline
        self.value = np.inf
        self.opened: Flags = np.zeros(num_sites, bool)
        self.service: Service | None = None
        self._tried: dict[bytes, float] = {}
        self._base = -np.inf
        self._reduced: Floats = np.zeros(num_sites)

    @abstractmethod
    def _cost(self, opened: Flags) -> float:
        """What an allowed set costs, as far as is known; :meth:`_keep` is told of solutions."""

    @abstractmethod
    def _assign(self, opened: Flags, start: Ints) -> None:
        """Look for a solution of an allowed set near an assignment, as :meth:`assign`."""

    @property
    def has_solution(self) -> bool:
        """Whether any set that was tried serves all."""
        return bool(np.isfinite(self.value))

    def bound_by(self, constant: float, reduced: Floats) -> None:
        """Take prices: a set costs at least `constant` + its sites' reduced costs."""
        self._base, self._reduced = constant, reduced

    def offer(self, opened: Flags) -> float:
        """Try a set; returns what it costs, as far as is known, inf if it serves not all."""
        key = np.packbits(opened).tobytes()
        known = self._tried.get(key)
        if known is None:
            known = self._cost(opened) if self.rules.allow(opened) else np.inf
            self._tried[key] = known
        return known

    def assign(self, opened: Flags, start: Ints) -> None:
        """Look for a solution in which customers are served whole, near an assignment.

        Parameters
        ----------
        opened
            A set, which need not be allowed.
        start
            Site of each customer, numbered among the open ones.
        """
        if self.rules.allow(opened):
            self._assign(opened, start)

    def _keep(self, value: float, opened: Flags, service: Service) -> None:
        """Keep a solution if it is better than the best."""
        if value < self.value - BETTER * abs(value) or (np.isfinite(value) and not self.has_solution):
            self.value, self.opened, self.service = value, opened.copy(), service

    def round(self, state: States, share: Floats) -> Flags:
        """A set near the shares with which a relaxation opens sites, allowed if one is easy to find."""
        free = state == FREE
        opened: Flags = (state == OPEN) | (free & (share > 0.5))
        lacking = self.rules.lacks(opened)
        for i in np.argsort(-share, kind="stable"):
            if not lacking.any():
                break
            if free[i] and not opened[i] and lacking[i]:
                opened[i] = True
                lacking = self.rules.lacks(opened)
        if self.rules.allow(opened):
            return opened
        # One site after the other, with all that follows from it.
        trial = state.copy()
        for i in np.argsort(-np.abs(share - 0.5), kind="stable"):
            if trial[i] != FREE:
                continue
            for choice in (OPEN, CLOSED) if opened[i] else (CLOSED, OPEN):
                narrowed = trial.copy()
                narrowed[i] = choice
                if self.rules.narrow(narrowed)[0]:
                    trial = narrowed
                    break
            else:
                return opened
        chosen: Flags = trial == OPEN
        return chosen

    def improve(self, opened: Flags, share: Floats, most_tries: int) -> None:
        """Open, close and swap sites while that saves, as far as the prices allow it to."""
        value = self.offer(opened)
        pool = opened | (share > ONCE_IN_A_WHILE)
        tries = 0
        while True:
            better = False
            for out, into in self._neighbours(opened, pool):
                if tries >= most_tries or time.monotonic() >= self._deadline:
                    return
                neighbour = opened.copy()
                if out >= 0:
                    neighbour[out] = False
                if into >= 0:
                    neighbour[into] = True
                tries += 1
                cost = self.offer(neighbour)
                if cost < value - BETTER * abs(value) or (cost < np.inf and value == np.inf):
                    opened, value, better = neighbour, cost, True
                    break
            if not better:
                return

    def _neighbours(self, opened: Flags, pool: Flags) -> list[tuple[int, int]]:
        """Moves (site closed, site opened; -1: none) in the order of their bounds, those below the best."""
        out = np.append(np.flatnonzero(opened & pool), -1)
        into = np.append(np.flatnonzero(~opened & pool), -1)
        saved = np.append(self._reduced, 0.0)
        bound = self._base + self._reduced[opened].sum() - saved[out][:, None] + saved[into][None, :]
        bound[-1, -1] = np.inf
        row, column = np.nonzero(bound < (self.value if self.has_solution else np.inf))
        order = np.argsort(bound[row, column], kind="stable")
        return [(int(out[row[q]]), int(into[column[q]])) for q in order]
