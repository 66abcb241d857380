"""The best choice of sites known so far, and the searches for better ones."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from logistics.models.siting.candidate_lists import CandidateLists
from logistics.models.siting.local_search import wander
from logistics.models.siting.openings import OpeningRules
from logistics.models.siting.prices import CLOSED, OPEN
from logistics.models.siting.problem import SitingProblem
from logistics.models.siting.swap_moves import Ground

Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]
States = NDArray[np.int8]
MOST_MOVES = 1000
"""Of one local search, so that time limits hold."""
STRENGTH = 0.3
"""Share of the open sites that are swapped at random before the next descent."""
WORK = 1e8
"""Elementary steps of a row of descents, which take a fraction of a second."""
MOST_DESCENTS = 1000


@dataclass
class Record:
    """The best choice of sites.

    Parameters
    ----------
    value
        Its cost, without the problem's constant.
    opened
        Its sites, bool array [site]; none: nothing is known that costs less than `value`.
    """

    value: float
    opened: Flags


@dataclass
class Choices:
    """Choices among some or all sites of a problem, and the best one known.

    Parameters
    ----------
    problem, rules
        What is chosen for.
    ground
        What local searches move on.
    gap
        Relative gap that counts as closed.
    step
        All solutions cost a whole multiple of it; 0: of nothing.
    sites
        Number of each site in the whole problem.
    record
        The best choice, in sites of the whole problem; it may have some that are not among these here.
    """

    problem: SitingProblem
    rules: OpeningRules
    ground: Ground
    gap: float
    step: float
    sites: NDArray[np.int64]
    record: Record
    _seed: int = 0

    @classmethod
    def none_yet(
        cls, problem: SitingProblem, rules: OpeningRules, lists: CandidateLists, gap: float, below: float
    ) -> Choices:
        """All sites, and no choice of them is known; only those count that cost less than `below`."""
        record = Record(below, np.zeros(problem.num_sites, bool))
        every = np.arange(problem.num_sites)
        return cls(problem, rules, Ground.of(problem, lists), gap, common_step(problem), every, record)

    def among(self, kept: Flags, lists: CandidateLists) -> Choices:
        """The same among fewer sites."""
        problem = self.problem.among(kept)
        rules, ground = OpeningRules.of(problem), Ground.of(problem, lists)
        return Choices(problem, rules, ground, self.gap, self.step, self.sites[kept], self.record, self._seed)

    @property
    def value(self) -> float:
        """Cost of the best choice, or below which one would count."""
        return self.record.value

    def target(self, bound: float) -> float:
        """What a bound aims at: the best choice's cost, or a little more than it is."""
        return self.value if np.isfinite(self.value) else bound + 0.05 * max(1.0, abs(bound))

    @property
    def cutoff(self) -> float:
        """Bound from which on nothing better is left."""
        if not np.isfinite(self.value):
            return float("inf")
        return self.value - max(self.step * (1.0 - 1e-6), self.gap * max(1.0, abs(self.value)))

    def rounded(self, bound: float) -> float:
        """A bound raised to the next value that a solution can have."""
        if self.step == 0.0 or not np.isfinite(bound):
            return bound
        return float(np.ceil(bound / self.step - 1e-6) * self.step)

    def look_at(self, lists: CandidateLists) -> None:
        """Search on other candidate lists from now on."""
        self.ground = Ground.of(self.problem, lists)

    def offer(self, opened: Flags) -> bool:
        """Take a choice if it keeps all rules and is the best so far; returns whether it is."""
        if not self.rules.allow(opened):
            return False
        value = cost_of(self.problem, opened)
        if value >= self.value:
            return False
        self.record.value = value
        self.record.opened[:] = False
        self.record.opened[self.sites[opened]] = True
        return True

    def descend(self, start: Flags, state: States) -> None:
        """Search from a choice, which need not keep the rules; sites that are not free stay as they are."""
        opened = start.copy()
        if 0 < opened.sum() <= self.ground.most:
            wander(self.ground, state, opened, 0, STRENGTH, self._seed, MOST_MOVES)
            self.offer(opened)

    def wander(self, state: States) -> None:
        """Search from the best choice, or every other time from a random one, disturbed again and again."""
        opened = self.record.opened[self.sites]
        num_open = int(opened.sum())
        if num_open == 0:
            return
        self._seed += 1
        if self._seed % 2 == 0:
            order = np.random.default_rng(self._seed).permutation(np.flatnonzero(state != CLOSED))
            opened = state == OPEN
            opened[order[:num_open]] = True
            opened &= np.cumsum(opened) <= self.ground.most
        sites, customers = self.problem.num_sites, self.problem.num_customers
        # A move looks at all customers, at the lists of those it concerns, and then at all swaps.
        move = customers * (1.0 + 8.0 * sites / num_open**2) + sites * num_open
        rounds = int(min(max(1.0, WORK / (move * (2.0 + 2.0 * STRENGTH * num_open))), MOST_DESCENTS))
        wander(self.ground, state, opened, rounds, STRENGTH, self._seed, 100 * MOST_MOVES)
        self.offer(opened)


def cost_of(problem: SitingProblem, opened: Flags) -> float:
    """Cost of a choice without the constant, inf where somebody is not served."""
    if not opened.any():
        return float("inf") if problem.num_customers else 0.0
    served = problem.cost[opened].min(axis=0, initial=np.inf)
    return float(problem.fixed_cost[opened].sum() + served.sum())


def common_step(problem: SitingProblem) -> float:
    """Greatest whole number that divides all costs; 0 where they are not whole."""
    fixed, cost = problem.fixed_cost, problem.cost
    finite = cost if np.isfinite(cost).all() else cost[np.isfinite(cost)]
    largest = max(np.abs(fixed).max(initial=0.0), np.abs(finite).max(initial=0.0))
    if largest * max(1, problem.num_customers) > 2.0**50 or np.any(fixed % 1.0):
        return 0.0
    if np.any(finite.ravel()[:1000] % 1.0) or np.any(finite % 1.0):
        return 0.0
    step = int(np.gcd.reduce(fixed.astype(np.int64), initial=0))
    return float(np.gcd(step, np.gcd.reduce(finite.astype(np.int64), axis=None, initial=0)))


def first_of_equals(problem: SitingProblem, opened: Flags) -> Flags:
    """The same choice with, of sites that are alike in all, the first ones open."""
    side = np.zeros((0, problem.num_sites)) if problem.side is None else problem.side.coefficient
    alike: dict[bytes, list[int]] = {}
    key = np.column_stack([problem.fixed_cost, problem.cost.sum(axis=1)])
    _, group, count = np.unique(key, axis=0, return_inverse=True, return_counts=True)
    for i in np.flatnonzero(count[group] > 1):
        whole = problem.fixed_cost[i].tobytes() + problem.cost[i].tobytes() + side[:, i].tobytes()
        alike.setdefault(whole, []).append(int(i))
    result = opened.copy()
    for sites in alike.values():
        result[sites] = np.arange(len(sites)) < opened[sites].sum()
    return result
