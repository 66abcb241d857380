"""Branch and bound on the open sites, each node bounded by customers' prices.

A node says of some sites that they are open or closed. Its prices start from its parent's, a few subgradient
steps raise its bound, and reduced costs and side rows fix further sites. The node of least bound is opened
next, so that the least bound of the open nodes is what no solution can beat at any moment.
"""

from __future__ import annotations

import heapq
from dataclasses import dataclass, field
from typing import NamedTuple

import numba
import numpy as np
from numpy.typing import NDArray

from logistics.models.siting.choices import Choices
from logistics.models.siting.openings import OpeningRules, narrow
from logistics.models.siting.prices import (
    CLOSED,
    FREE,
    OPEN,
    Relaxation,
    bound_of,
    fix_by_reduced_costs,
    improve,
    price_range,
)
from logistics.models.siting.radius_cuts import RadiusProgram

Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]
States = NDArray[np.int8]
CHEAP_WORK = 0.0
"""Elementary steps of nodes that are searched before linear relaxations of nodes are solved."""
TRIALS, WORTH = 8, 0.3
"""Nodes whose linear relaxation is solved in any case, and the share of the gap it must close then on."""
MOST_BYTES = 1 << 30
"""Of open nodes; above it the search goes deep instead of wide."""


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


ROOT = Effort(1500, 300, 8, 1.0, 30)
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
        child = Node(self.state.copy(), self.price.copy(), self.row_price.copy(), self.share.copy(), self.bound)
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
def narrow_by(r, state):
    """Fix free sites in place; returns whether any choice is left, and how many are least and most open."""
    left, least, most = narrow(
        r.coefficient, r.lower, r.upper, r.rising, r.is_positive, r.least, r.most, r.may_serve, r.twin, state
    )
    # Whoever has customers has an open site.
    return left, max(least, 1), most


@numba.njit(cache=True, nogil=True)
def _settle(p, rules, effort, state, price, row_price, share, target, cutoff, chosen):
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


def cut(
    program: RadiusProgram, relaxation: Relaxation, choices: Choices, node: Node, time_limit_s: float
) -> None:
    """Bring a node's prices to the optimum of its linear relaxation, and fix its sites."""
    reduced, chosen = np.empty(len(node.state)), np.zeros(len(node.state), bool)
    _, least, most = narrow_by(Rules.of(choices.rules), node.state)

    def heard(price: Floats, row_price: Floats, share: Floats) -> bool:
        bound = bound_of(relaxation, price, row_price, node.state, least, most, reduced, chosen)
        node.share = share
        if bound > node.bound:
            node.bound, node.price, node.row_price = bound, price, row_price
            choices.offer(chosen)
            if bound < choices.cutoff:
                fix_by_reduced_costs(reduced, chosen, node.state, least, most, bound, choices.cutoff)
        return node.bound < choices.cutoff

    program.solve(node.state.copy(), time_limit_s, heard)


@dataclass
class TreeSearch:
    """The open nodes and what is known by now.

    Parameters
    ----------
    relaxation
        The problem.
    choices
        The best choice known, and what rules choices keep.
    root
        First node, settled.
    program
        The linear relaxation; None: it is too large.
    nodes
        How many were settled.
    """

    relaxation: Relaxation
    choices: Choices
    root: Node
    program: RadiusProgram | None = None
    nodes: int = 1
    _wide: list[tuple[float, int, Node]] = field(default_factory=list)
    _deep: list[Node] = field(default_factory=list)
    _closed: float = float("inf")
    _bytes: int = 0
    _cut_nodes: int = 0
    _cut_gain: float = 0.0

    def __post_init__(self) -> None:
        self._rules = Rules.of(self.choices.rules)
        places = int(np.sum(self.relaxation.near < self.root.price[:, None]))
        self._nodes_without = CHEAP_WORK / (NODE.first_steps * (places + len(self.root.price)))
        self._keep(self.root)

    @property
    def bound(self) -> float:
        """What no solution can beat."""
        least = min([self._closed, *(node.bound for node in self._deep)])
        if self._wide:
            least = min(least, self._wide[0][0])
        return min(self.choices.value, self.choices.rounded(least))

    @property
    def is_done(self) -> bool:
        """Whether no node is open."""
        return not self._wide and not self._deep

    def run(self, most_nodes: float, time_limit_s: float) -> None:
        """Open nodes until none is left or so many were settled; no linear program takes longer than the limit."""
        while not self.is_done and self.nodes < most_nodes:
            node = self._take()
            if node.bound >= self.choices.cutoff:
                self._closed = min(self._closed, node.bound)
                continue
            if self._cuts_help:
                assert self.program is not None
                open_part = self.choices.cutoff - node.bound
                cut(self.program, self.relaxation, self.choices, node, time_limit_s)
                left = self.choices.cutoff - node.bound
                self._cut_nodes += 1
                self._cut_gain += 1.0 if left <= 0.0 else 1.0 - left / open_part
                if left <= 0.0:
                    self._keep(node)
                    continue
            undecided = np.where(node.state == FREE, np.minimum(node.share, 1.0 - node.share), -1.0)
            site = int(np.argmax(undecided))
            for state in (OPEN, CLOSED):
                self._settle(node.child(site, state))

    def _settle(self, node: Node) -> None:
        """Work on a node's bound and keep it if it may hold something better."""
        self.nodes += 1
        choices = self.choices
        chosen = settled(self.relaxation, self._rules, choices, node, NODE)
        if node.bound < choices.cutoff:
            if choices.offer(node.state == OPEN if node.decided else chosen):
                choices.descend(chosen, np.zeros_like(node.state))
            # A decided node's only solution is known now, though its bound may lie a little below.
            node.bound = np.inf if node.decided else node.bound
        self._keep(node)

    @property
    def _cuts_help(self) -> bool:
        """Whether cuts are worth their time: they close enough of what steps leave open."""
        if self.program is None or self.program.has_failed or self.nodes < self._nodes_without:
            return False
        return self._cut_nodes < TRIALS or self._cut_gain >= WORTH * self._cut_nodes

    def _keep(self, node: Node) -> None:
        if node.bound >= self.choices.cutoff:
            self._closed = min(self._closed, node.bound)
        elif self._deep or self._bytes > MOST_BYTES:
            self._deep.append(node)
        else:
            heapq.heappush(self._wide, (node.bound, self.nodes, node))
            self._bytes += node.num_bytes

    def _take(self) -> Node:
        if self._deep:
            return self._deep.pop()
        node = heapq.heappop(self._wide)[2]
        self._bytes -= node.num_bytes
        return node
