"""Branch and bound on options, with the column-generation bound at every node."""

from __future__ import annotations

import heapq
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from logistics.integer_solver import MixedStop, solve_mixed
from logistics.models.design.arc_form import has_arc_form, in_arc_form
from logistics.models.design.branching import Branching, Chooser, is_whole
from logistics.models.design.needs import NeedFinder
from logistics.models.design.pool import best_of_pool
from logistics.models.design.problem import DesignDuals, DesignProblem, DesignStop
from logistics.models.design.record import Record
from logistics.models.design.relaxation import Relaxation, Relaxed
from logistics.models.design.rounding import broken_rows
from logistics.solver import Basis

Floats = NDArray[np.float64]
Bytes = NDArray[np.int8]
ROUGH = 0.02
"""Share of the distance to the best plan to which a node's relaxation is solved."""
POOL_S, POOL_SHARE, POOL_NODES, POOL_GAP = 60.0, 0.2, 200, 1e-4
"""Limits of a program over the paths found: seconds, share of the seconds left, nodes, gap."""
FIXED = 1e-9
ROUNDED = (0.9, 0.5, 0.1, 1e-6)
"""Options at least so far open in the relaxation are opened, for first plans."""
PATIENCE, MOST_PATIENCE_S, CLOSING = 0.15, 60.0, 0.75
"""A tree that took this share of the time, or these seconds, and closed less of the root's gap is given up
where the problem has an arc form."""
LEAST_RISE = 1e-4
"""Share of the bound by which a round of rounded rows must raise it for another round."""
MOST_ROWS = 60
"""Rounded rows of a round."""


@dataclass(order=True)
class _Node:
    """A part of the tree that is still open; the one with the least bound is next.

    Options and basis are kept in bytes, since there may be many nodes.
    """

    bound: float
    number: int
    lower: Bytes = field(compare=False)
    upper: Bytes = field(compare=False)
    branched: Branching | None = field(compare=False, default=None)
    basis: tuple[Bytes, Bytes] | None = field(compare=False, default=None)
    """Status of columns and rows where the parent's relaxation ended."""

    def start(self) -> Basis | None:
        """The parent's basis."""
        if self.basis is None:
            return None
        columns, rows = self.basis
        return Basis(
            np.arange(len(columns)), columns.astype(np.int64), np.arange(len(rows)), rows.astype(np.int64)
        )


class TreeSearch:
    """Finds a best plan and proves it, as far as time allows.

    Parameters
    ----------
    problem, relaxation, record
        The problem, its relaxation, and where plan and bound are kept.
    stop
        When to end.
    """

    def __init__(
        self, problem: DesignProblem, relaxation: Relaxation, record: Record, stop: DesignStop
    ) -> None:
        self._problem, self._relaxation, self._record, self._stop = problem, relaxation, record, stop
        options = len(problem.options)
        self._lower, self._upper = np.zeros(options), np.ones(options)
        self._chooser = Chooser(relaxation.master, options)
        self._needs = NeedFinder(problem)
        self._number = 0
        self._unsettled = self._cut_off = np.inf
        self._arc_form = has_arc_form(problem, relaxation.years)
        self.duals: DesignDuals | None = None

    def run(self) -> bool:
        """Search; returns whether something obeys all rows, as far as is known."""
        record = self._record
        root = self._root()
        if root.outcome == "infeasible":
            return False
        self.duals = root.duals
        record.raise_bound(root.bound, "relaxation")
        record.nodes = 1
        if root.value < np.inf and is_whole(root.y):
            self.try_options(np.round(root.y))
        if root.outcome == "late" or record.closed or root.point is None:
            return True
        self._plans(root)
        self._fix()
        return self._tree(root)

    def _root(self) -> Relaxed:
        """Relax the whole problem, and cut off its point by rounded rows while that raises the bound."""
        record, relaxation = self._record, self._relaxation
        before = -np.inf
        while True:
            root = relaxation.solve(
                self._lower, self._upper, np.inf, self._stop.gap / 10, record.is_late,
                lambda _, bound: record.raise_bound(bound, "relaxation"),
            )  # fmt: skip
            if root.outcome != "solved" or root.point is None:
                return root
            if root.bound - before <= LEAST_RISE * max(1.0, abs(root.bound)):
                return root
            before = root.bound
            dear = [prices.rows.resource for prices in root.point.prices]
            rows = broken_rows(self._needs.along(dear), root.y, MOST_ROWS)
            if not rows.ids:
                return root
            relaxation.master.add_rows(rows)

    def try_options(self, y: Floats, *, to_the_end: bool = False) -> bool:
        """Value a choice of options by its best flows; returns whether it is the best plan now.

        Parameters
        ----------
        to_the_end
            Whether time does not matter.
        """
        record = self._record
        if not self._problem.rows.kept(y):
            return False
        late = (lambda: False) if to_the_end else record.is_late
        found = self._relaxation.solve(y, y, record.cutoff, self._stop.flow_gap, late)
        return found.value < np.inf and record.plan(found.value, y)

    def _plans(self, root: Relaxed) -> None:
        """Good plans: rounded options, then the best over the paths found."""
        assert root.point is not None
        for level in ROUNDED:
            if not self._record.is_late():
                self.try_options((root.y >= level).astype(float))
        while not self._record.is_late() and not self._record.closed:
            seconds = min(POOL_S, POOL_SHARE * self._record.left_s)
            stop = MixedStop(max(POOL_GAP, self._stop.gap), seconds, most_nodes=POOL_NODES)
            y = best_of_pool(
                self._problem,
                self._relaxation.master.rows,
                self._relaxation.years,
                root.point,
                self._lower,
                self._upper,
                self._record.y,
                stop,
            )
            if y is None or not self.try_options(y):
                return

    def _fix(self) -> None:
        """Fix options that the root's prices show to be open or closed in every better plan."""
        if self.duals is not None:
            self._shut(self.duals, self._lower, self._upper)

    def _shut(self, duals: DesignDuals, lower: Floats, upper: Floats) -> None:
        """Tighten bounds on options where prices say that no better plan is beyond them.

        The bounds are within those that the prices were found under.
        """
        cutoff = self._record.cutoff
        if cutoff == np.inf:
            return
        room = cutoff - duals.bound + FIXED * max(1.0, abs(cutoff))
        shut, opened = (duals.option > room) & (lower < 0.5), (-duals.option > room) & (upper > 0.5)
        decided = (shut & (upper > 0.5)) | (opened & (lower < 0.5))
        if np.any(decided):
            rise = float(np.min(np.abs(duals.option[decided])))
            self._cut_off = min(self._cut_off, duals.bound + rise)
        upper[shut] = 0.0
        lower[opened] = 1.0

    def _tree(self, root: Relaxed) -> bool:
        """Branch until nothing below the best plan is open."""
        record = self._record
        heap: list[_Node] = []
        begun = record.seconds
        lowest, highest = self._lower.astype(np.int8), self._upper.astype(np.int8)
        self._branch(heap, _Node(root.bound, 0, lowest, highest), root)
        while heap:
            record.raise_bound(min(heap[0].bound, self._unsettled))
            if record.closed or record.is_late():
                return True
            if self._is_slow(root.bound, begun):
                return self._handed_over()
            node = heapq.heappop(heap)
            lower, upper = np.maximum(node.lower, self._lower), np.minimum(node.upper, self._upper)
            if np.any(lower > upper):
                continue  # Prices found since then leave nothing of it.
            found = self._relaxation.solve(
                lower, upper, record.cutoff, self._enough(node.bound), record.is_late, start=node.start()
            )
            record.nodes += 1
            if node.branched is not None and found.outcome != "late":
                rise = min(found.bound, record.cutoff) - node.bound
                if rise < np.inf:
                    self._chooser.learn(node.branched, rise)
            node.bound = max(node.bound, found.bound)
            if self._is_done(node, found):
                continue
            if found.outcome == "late" and record.is_late():
                heapq.heappush(heap, node)
                return True
            if is_whole(found.y) and found.value < np.inf:
                if self.try_options(np.round(found.y)):
                    self._fix()
                # Its point is whole but its relaxation was solved roughly: solve it to the end.
                found = self._relaxation.solve(
                    lower, upper, record.cutoff, self._stop.gap / 10, record.is_late, start=node.start()
                )
                node.bound = max(node.bound, found.bound)
                if self._is_done(node, found):
                    continue
            self._branch(heap, node, found)
            record.tell("proof")
        record.raise_bound(min(self._unsettled, self._cut_off))
        return record.value < np.inf or self._unsettled < np.inf

    def _is_done(self, node: _Node, found: Relaxed) -> bool:
        """Whether no plan of a node is of interest; its bound then counts among those cut off."""
        if found.outcome != "infeasible" and node.bound < self._record.cutoff:
            return False
        self._cut_off = min(self._cut_off, node.bound)
        return True

    def _is_slow(self, root: float, begun: float) -> bool:
        """Whether a MIP solver may do better than the tree, once."""
        record = self._record
        patience = min(PATIENCE * self._stop.time_limit_s, MOST_PATIENCE_S)
        if not self._arc_form or record.value == np.inf or record.seconds - begun < patience:
            return False
        self._arc_form = False
        return record.bound - root < CLOSING * (record.value - root)

    def _handed_over(self) -> bool:
        """Let SCIP search on in arc form, from the best plan and the options that prices fix."""
        record, relaxation = self._record, self._relaxation
        form = in_arc_form(self._problem, relaxation.master.rows, relaxation.years, self._lower, self._upper)
        stop = MixedStop(self._stop.gap / 2, record.left_s, cutoff=record.value - form.constant)
        answer = solve_mixed(form.program, "scip", stop)
        if len(answer.values):
            self.try_options(np.round(answer.values[: len(self._problem.options)]), to_the_end=True)
        record.raise_bound(answer.bound + form.constant, by_solver=True)
        return True

    def _enough(self, bound: float) -> float:
        """How exactly to solve a node: less exactly the farther its bound is from the best plan."""
        value = self._record.value
        if value == np.inf:
            return 1e-4
        return max(self._stop.gap / 10, ROUGH * (value - bound) / max(1.0, abs(value)))

    def _branch(self, heap: list[_Node], node: _Node, found: Relaxed) -> None:
        """Put both children of a node on the heap."""
        lower, upper = np.maximum(node.lower, self._lower), np.minimum(node.upper, self._upper)
        most = self._record.cutoff - found.bound
        option = self._chooser.choose(lower, upper, found, most, self._record.is_late)
        if option < 0:
            # All is decided, but its flows were not solved to the end: its bound stays.
            self._unsettled = min(self._unsettled, node.bound)
            return
        if found.duals is not None:
            self._shut(found.duals, lower, upper)
        basis = None
        if found.point is not None:
            ended = found.point.basis
            basis = ended.column_status.astype(np.int8), ended.row_status.astype(np.int8)
        for way in (0, 1):
            low, high = lower.astype(np.int8), upper.astype(np.int8)
            (high if way == 0 else low)[option] = way
            if low[option] > high[option]:
                continue  # Its prices decide it.
            self._number += 1
            moved = found.y[option] if way == 0 else 1.0 - found.y[option]
            branched = Branching(option, way, float(moved))
            heapq.heappush(heap, _Node(node.bound, self._number, low, high, branched, basis))
