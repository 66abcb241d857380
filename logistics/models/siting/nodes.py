"""A node of the tree search: what it knows, and how its bound is raised and its sites are fixed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numba
import numpy as np
from numpy.typing import NDArray

from logistics.models.siting.choices import Choices
from logistics.models.siting.openings import OpeningRules, narrow
from logistics.models.siting.price_steps import improve, price_range
from logistics.models.siting.prices import CLOSED, FREE, OPEN, Relaxation, bound_of

Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]
States = NDArray[np.int8]


class Rules(NamedTuple):
    """Arrays of :class:`~logistics.models.siting.openings.OpeningRules`, as kernels take them."""

    coefficient: Floats
    lower: Floats
    upper: Floats
    rising: NDArray[np.int64]
    is_positive: Flags
    least: int
    most: int
    may_serve: Flags
    twin: NDArray[np.int64]

    @classmethod
    def of(cls, rules: OpeningRules) -> Rules:
        """The same rules."""
        return cls(*(getattr(rules, name) for name in cls._fields))


class Effort(NamedTuple):
    """How hard a node's bound is worked on: steps in the first round and in later ones, and how they go."""

    first_steps: int
    later_steps: int
    rounds: int
    scale: float
    patience: int


ROOT = Effort(200, 100, 8, 0.3, 20)
NODE = Effort(100, 40, 5, 1.0, 20)


@dataclass
class Node:
    """What a node knows: states of the sites, prices, its bound, where sites stand on average."""

    state: States
    price: Floats
    row_price: Floats
    share: Floats
    bound: float

    @property
    def decided(self) -> bool:
        """Whether no site is free."""
        return not bool((self.state == FREE).any())

    def child(self, site: int, state: int) -> Node:
        """A copy in which a site is decided."""
        child = Node(
            self.state.copy(), self.price.copy(), self.row_price.copy(), self.share.copy(), self.bound
        )
        child.state[site] = state
        return child

    def among(self, kept: Flags) -> Node:
        """The node without the sites that are not kept."""
        return Node(self.state[kept], self.price, self.row_price, self.share[kept], self.bound)

    @property
    def num_bytes(self) -> int:
        """What it takes in memory."""
        return int(self.state.nbytes + self.price.nbytes + self.row_price.nbytes + self.share.nbytes)


@numba.njit(cache=True, nogil=True)
def narrow_by(r: Rules, state: States) -> tuple[bool, int, int]:
    """Fix free sites in place; returns whether any choice is left, and how many are least and most open."""
    left, least, most = narrow(
        r.coefficient, r.lower, r.upper, r.rising, r.is_positive, r.least, r.most, r.may_serve, r.twin, state
    )
    # Whoever has customers has an open site.
    return left, max(least, 1), most


@numba.njit(cache=True, nogil=True)
def _settle(
    p: Relaxation,
    rules: Rules,
    effort: Effort,
    state: States,
    price: Floats,
    row_price: Floats,
    share: Floats,
    target: float,
    cutoff: float,
    chosen: Flags,
) -> float:
    """Raise a node's bound and fix its sites, all in place; returns the bound, inf: nothing is left.

    `chosen` is the cheapest choice by reduced costs at the end.
    """
    customers = len(price)
    low, high = np.empty(customers), np.empty(customers)
    reduced = np.empty(len(state))
    steps, scale = effort.first_steps, effort.scale
    bound = -np.inf
    for _ in range(effort.rounds):
        left, least, most = narrow_by(rules, state)
        if not left or not price_range(p, state, low, high):
            return np.inf
        for j in range(customers):
            price[j] = min(max(price[j], low[j]), high[j])
        bound, scale = improve(
            p, price, row_price, state, least, most, low, high, target, steps, scale, effort.patience, share
        )
        if bound >= cutoff:
            return bound
        bound = bound_of(p, price, row_price, state, least, most, reduced, chosen)
        if fix_by_reduced_costs(reduced, chosen, state, least, most, bound, cutoff) == 0:
            return bound
        steps, scale = effort.later_steps, max(effort.scale, scale)
    return bound


def settled(relaxation: Relaxation, rules: Rules, choices: Choices, node: Node, effort: Effort) -> Flags:
    """Raise a node's bound and fix its sites; returns the cheapest choice by reduced costs."""
    chosen = np.zeros(len(node.state), bool)
    bound = _settle(
        relaxation,
        rules,
        effort,
        node.state,
        node.price,
        node.row_price,
        node.share,
        choices.target(node.bound),
        choices.cutoff,
        chosen,
    )
    node.bound = max(node.bound, bound)
    return chosen


@numba.njit(cache=True, nogil=True)
def fix_by_reduced_costs(
    reduced: Floats, chosen: Flags, state: States, least: int, most: int, bound: float, cutoff: float
) -> int:
    """Fix free sites that no solution below `cutoff` has otherwise, in place; returns how many.

    A site out of the choice would cost its ρ, less that of the dearest chosen one where it takes its place;
    one in the choice likewise.
    """
    count = 0
    dearest, cheapest = -np.inf, np.inf
    for i in range(len(reduced)):
        count += chosen[i]
        if state[i] == FREE and chosen[i]:
            dearest = max(dearest, reduced[i])
        elif state[i] == FREE:
            cheapest = min(cheapest, reduced[i])
    spared = dearest if count == most else max(0.0, dearest)
    instead = cheapest if count == least else min(0.0, cheapest)
    fixed = 0
    for i in range(len(reduced)):
        if state[i] == FREE and chosen[i] and bound - reduced[i] + instead >= cutoff:
            state[i] = OPEN
            fixed += 1
        elif state[i] == FREE and not chosen[i] and bound + reduced[i] - spared >= cutoff:
            state[i] = CLOSED
            fixed += 1
    return fixed
