"""Branch and bound on options, with the column-generation bound at every node."""

from __future__ import annotations

import heapq
import time
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from logistics.integer_solver import MixedStop
from logistics.models.design.needs import NeedFinder
from logistics.models.design.pool import best_of_pool
from logistics.models.design.problem import (
    DesignDuals,
    DesignProblem,
    DesignProgress,
    DesignStop,
    Report,
    relative_gap,
)
from logistics.models.design.relaxation import Relaxation, Relaxed
from logistics.models.design.rounding import broken_rows
from logistics.solver import Basis

Floats = NDArray[np.float64]
Bytes = NDArray[np.int8]
WHOLE = 1e-6
"""Distance from a whole number that counts as none."""
ROUGH = 0.02
"""Share of the distance to the best plan to which a node's relaxation is solved."""
CANDIDATES = 8
RELIABLE = 4
POOL_S, POOL_SHARE, POOL_NODES, POOL_GAP = 60.0, 0.2, 200, 1e-4
"""Limits of a program over the paths found: seconds, share of the seconds left, nodes, gap."""
FIXED = 1e-9
LEAST_RISE = 1e-4
"""Share of the bound by which a round of rounded rows must raise it for another round."""
MOST_ROWS = 60
"""Rounded rows of a round."""


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

    def raise_bound(self, bound: float, phase: str = "proof") -> None:
        """Take a global bound if it is higher; a bound above the best plan says that the plan is best."""
        bound = min(bound, self.value)
        if bound > self.bound:
            self.bound = bound
            self._note(phase)

    def tell(self, phase: str) -> None:
        """Report the state."""
        if self._report is not None:
            self._report(DesignProgress(phase, self.value, self.bound, self.gap, self.nodes, self.seconds))

    def _note(self, phase: str) -> None:
        self.history.append((self.seconds, self.value, self.bound))
        self.tell(phase)


@dataclass(order=True)
class _Node:
    """A part of the tree that is still open; the one with the least bound is next.

    Options and basis are kept in bytes, since there may be many nodes.
    """

    bound: float
    number: int
    lower: Bytes = field(compare=False)
    upper: Bytes = field(compare=False)
    branched: tuple[int, int, float] = field(compare=False, default=(-1, 0, 0.0))
    """Option, 1 or 0, and the distance its value was moved."""
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
        self._gain = np.zeros((2, options))
        self._seen = np.zeros((2, options), np.int64)
        self._needs = NeedFinder(problem)
        self._number = 0
        self._unsettled = np.inf
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
        if root.value < np.inf and _is_whole(root.y):
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
        for level in (0.9, 0.5, 0.1, WHOLE):
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
        upper[(duals.option > room) & (lower < 0.5)] = 0.0
        lower[(-duals.option > room) & (upper > 0.5)] = 1.0

    def _tree(self, root: Relaxed) -> bool:
        """Branch until nothing below the best plan is open."""
        record = self._record
        heap: list[_Node] = []
        lowest, highest = self._lower.astype(np.int8), self._upper.astype(np.int8)
        self._branch(heap, _Node(root.bound, 0, lowest, highest), root)
        while heap:
            record.raise_bound(min(heap[0].bound, self._unsettled))
            if record.closed or record.is_late():
                return True
            node = heapq.heappop(heap)
            lower, upper = np.maximum(node.lower, self._lower), np.minimum(node.upper, self._upper)
            if np.any(lower > upper):
                continue
            found = self._relaxation.solve(
                lower, upper, record.cutoff, self._enough(node.bound), record.is_late, start=node.start()
            )
            record.nodes += 1
            self._learn(node, found)
            if found.outcome == "infeasible" or max(found.bound, node.bound) >= record.cutoff:
                continue
            node.bound = max(node.bound, found.bound)
            if found.outcome == "late" and record.is_late():
                heapq.heappush(heap, node)
                return True
            if _is_whole(found.y) and found.value < np.inf:
                if self.try_options(np.round(found.y)):
                    self._fix()
                # Its point is whole but its relaxation was solved roughly: solve it to the end.
                found = self._relaxation.solve(
                    lower, upper, record.cutoff, self._stop.gap / 10, record.is_late, start=node.start()
                )
                node.bound = max(node.bound, found.bound)
                if found.outcome == "infeasible" or node.bound >= record.cutoff:
                    continue
            self._branch(heap, node, found)
            record.tell("proof")
        record.raise_bound(min(record.value, self._unsettled))
        return record.value < np.inf or self._unsettled < np.inf

    def _enough(self, bound: float) -> float:
        """How exactly to solve a node: less exactly the farther its bound is from the best plan."""
        value = self._record.value
        if value == np.inf:
            return 1e-4
        return max(self._stop.gap / 10, ROUGH * (value - bound) / max(1.0, abs(value)))

    def _branch(self, heap: list[_Node], node: _Node, found: Relaxed) -> None:
        """Put both children of a node on the heap."""
        option = self._chosen(node, found)
        if option < 0:
            # All is decided, but its flows were not solved to the end: its bound stays.
            self._unsettled = min(self._unsettled, node.bound)
            return
        lower, upper = np.maximum(node.lower, self._lower), np.minimum(node.upper, self._upper)
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
                continue
            self._number += 1
            moved = found.y[option] if way == 0 else 1.0 - found.y[option]
            branched = (option, way, float(moved))
            heapq.heappush(heap, _Node(node.bound, self._number, low, high, branched, basis))

    def _chosen(self, node: _Node, found: Relaxed) -> int:
        """Option to branch on: the one whose children rise most, by what was learnt or by trying."""
        lower, upper = np.maximum(node.lower, self._lower), np.minimum(node.upper, self._upper)
        y = found.y
        open_ = np.flatnonzero((upper > lower) & (np.minimum(y, 1 - y) > WHOLE))
        if len(open_) == 0:
            undecided = np.flatnonzero(upper > lower)
            return int(undecided[0]) if len(undecided) else -1
        score = self._scores(open_, y)
        order = open_[np.argsort(-score, kind="stable")]
        unsure = [o for o in order[: 2 * CANDIDATES] if np.min(self._seen[:, o]) < RELIABLE][:CANDIDATES]
        if unsure and found.point is not None:
            self._try_children(unsure, lower, upper, found)
            score = self._scores(open_, y)
        return int(open_[np.argmax(score)])

    def _scores(self, options: NDArray[np.int64], y: Floats) -> Floats:
        """Expected rise of both children, multiplied."""
        seen = np.maximum(self._seen, 1)
        mean = self._gain / seen
        known = self._seen > 0
        usual = [float(mean[way][known[way]].mean()) if np.any(known[way]) else 1.0 for way in (0, 1)]
        rate = [np.where(known[way], mean[way], usual[way])[options] for way in (0, 1)]
        down, up = rate[0] * y[options], rate[1] * (1 - y[options])
        return np.maximum(down, 1e-6) * np.maximum(up, 1e-6)

    def _try_children(self, options: list[int], lower: Floats, upper: Floats, found: Relaxed) -> None:
        """Solve the master alone with each option open and closed, and learn how far it rises."""
        assert found.point is not None
        master = self._relaxation.master
        for option in options:
            for way in (0, 1):
                low, high = lower.copy(), upper.copy()
                (high if way == 0 else low)[option] = float(way)
                master.set_bounds(low, high)
                point = master.solve(found.point.basis)
                moved = found.y[option] if way == 0 else 1.0 - found.y[option]
                rise = np.inf if point is None else max(0.0, point.objective - found.point.objective)
                most = max(0.0, self._record.cutoff - found.bound) if self._record.value < np.inf else np.inf
                rise = min(rise, most) if most < np.inf else min(rise, abs(found.point.objective))
                self._gain[way, option] += rise / max(moved, WHOLE)
                self._seen[way, option] += 1
                if self._record.is_late():
                    return

    def _learn(self, node: _Node, found: Relaxed) -> None:
        """Take note of how far a branching raised the bound."""
        option, way, moved = node.branched
        if option < 0 or found.outcome == "late":
            return
        bound = min(found.bound, self._record.cutoff)
        if bound < np.inf:
            self._gain[way, option] += max(0.0, bound - node.bound) / max(moved, WHOLE)
            self._seen[way, option] += 1


def _is_whole(y: Floats) -> bool:
    return bool(np.all(np.minimum(y, 1 - y) <= WHOLE))
