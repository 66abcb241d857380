"""Branch and bound on the open sites, each node bounded by customers' prices.

A node says of some sites that they are open or closed. Its prices start from its parent's, a few subgradient
steps raise its bound, and reduced costs and side rows fix further sites. The node of least bound is opened
next, so that the least bound of the open nodes is what no solution can beat at any moment.
"""

from __future__ import annotations

import heapq
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from logistics.models.siting.choices import Choices
from logistics.models.siting.nodes import NODE, Node, Rules, fix_by_reduced_costs, narrow_by, settled
from logistics.models.siting.prices import CLOSED, FREE, OPEN, Relaxation, bound_of
from logistics.models.siting.radius_cuts import RadiusProgram

Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]
TRIALS, WORTH = 8, 0.3
"""Nodes whose linear relaxation is solved in any case, and the share of the gap it must close then on."""
MOST_BYTES = 1 << 30
"""Of open nodes; above it the search goes deep instead of wide."""


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
        self._workers = ThreadPoolExecutor(2)
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
        """Open nodes until none is left, so many were settled, or time is up."""
        end = time.perf_counter() + time_limit_s
        while not self.is_done and self.nodes < most_nodes and time.perf_counter() < end:
            node = self._take()
            if node.bound >= self.choices.cutoff:
                self._closed = min(self._closed, node.bound)
                continue
            if self._cuts_help:
                assert self.program is not None
                open_part = self.choices.cutoff - node.bound
                cut(self.program, self.relaxation, self.choices, node, end - time.perf_counter())
                left = self.choices.cutoff - node.bound
                self._cut_nodes += 1
                self._cut_gain += 1.0 if left <= 0.0 else 1.0 - left / open_part
                if left <= 0.0:
                    self._keep(node)
                    continue
            undecided = np.where(node.state == FREE, np.minimum(node.share, 1.0 - node.share), -1.0)
            site = int(np.argmax(undecided))
            self._branch(node.child(site, OPEN), node.child(site, CLOSED))

    def _branch(self, *children: Node) -> None:
        """Work on the bounds of a node's children, at the same time, and keep those that may hold more."""
        choices = self.choices

        def work(child: Node) -> Flags:
            return settled(self.relaxation, self._rules, choices, child, NODE)

        for child, chosen in zip(children, self._workers.map(work, children), strict=True):
            self.nodes += 1
            if child.bound < choices.cutoff:
                if choices.offer(child.state == OPEN if child.decided else chosen):
                    choices.descend(chosen, np.zeros_like(child.state))
                # A decided node's only solution is known now, though its bound may lie a little below.
                child.bound = np.inf if child.decided else child.bound
            self._keep(child)

    @property
    def _cuts_help(self) -> bool:
        """Whether cuts are worth their time: they close enough of what steps leave open."""
        if self.program is None or self.program.has_failed:
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
