"""The uncapacitated problem and the p-median, with side rows: prices, local search, tree search.

Every customer is served by the cheapest open site, so a solution is a choice of sites. Prices bound it from
below, the choices that prices suggest start local searches, and reduced costs fix most sites; what is left
is searched. Of a large cost matrix only lists of near sites are looked at, which grow while prices hit their
end.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
from numpy.typing import NDArray

from logistics.models.siting.candidate_lists import CandidateLists, nearest_candidates
from logistics.models.siting.choices import Choices, cost_of, first_of_equals
from logistics.models.siting.nodes import ROOT, Node, Rules, narrow_by, settled
from logistics.models.siting.openings import OpeningRules
from logistics.models.siting.price_steps import SMALLEST_SCALE, ascend, improve, price_range
from logistics.models.siting.prices import CLOSED, Relaxation, bound_of
from logistics.models.siting.problem import (
    Flows,
    Proof,
    Report,
    SitingAnswer,
    SitingProblem,
    SitingProgress,
    SitingStop,
    relative_gap,
    without_solution,
)
from logistics.models.siting.radius_cuts import RadiusProgram
from logistics.models.siting.shortage import why_none
from logistics.models.siting.tree_search import TreeSearch, cut

Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]
ALL_SITES = 1500
"""Up to so many sites lists hold them all."""
NARROW = 64
STEPS = 50
"""Subgradient steps between two local searches at the root."""
MOST_TURNS = 40
PATIENCE = 30
LATER_SCALE = 0.3
MOST_ENTRIES = 400_000
"""Of the matrix of the linear relaxation; larger ones take too long."""
NODES_BETWEEN = 400
"""Nodes between two rows of disturbed local searches."""
NODES_A_TURN = 25
"""Nodes between two looks at the clock."""


class UncapacitatedSearch:
    """Solves one problem.

    Parameters
    ----------
    problem
        Without capacities that bind; sites in the order of their ids.
    stop
        When to stop.
    report
        Called on the way.
    """

    def __init__(self, problem: SitingProblem, stop: SitingStop, report: Report) -> None:
        self._problem, self._stop, self._report = problem, stop, report
        self._started = time.perf_counter()
        self._seconds: dict[str, float] = {}
        self._nodes = 0
        self._bound = float("-inf")
        self._price = np.zeros(problem.num_customers)
        self._row_price = np.zeros(0 if problem.side is None else len(problem.side.ids))

    def solve(self) -> SitingAnswer:
        """Search until the gap is closed or time is up."""
        problem = self._problem
        rules = OpeningRules.of(problem)
        state = np.zeros(problem.num_sites, np.int8)
        left, self._least, self._most = narrow_by(Rules.of(rules), state)
        if not left:
            return without_solution(problem, why_none(problem, rules))
        with self._phase("lists"):
            self._use(nearest_candidates(problem.cost, self._first_width()))
            self._choices = Choices.none_yet(
                problem, rules, self._lists, self._stop.gap, self._stop.below - problem.constant
            )
        with self._phase("first choice"):
            self._choices.descend(self._first_choice(state), state)
        with self._phase("prices"):
            share = self._raise_bound(state)
        if self._is_open and self._in_time:
            with self._phase("local search"):
                self._choices.wander(state)
        if self._is_open and self._in_time:
            self._search(Node(state, self._price.copy(), self._row_price.copy(), share, self._bound))
        return self._answer()

    # --- the root --------------------------------------------------------------------------------------

    def _first_width(self) -> int:
        """Long enough for prices where sites are spread evenly; all sites of a small problem."""
        sites = self._problem.num_sites
        if sites <= ALL_SITES:
            return sites
        return max(NARROW, 4 * sites // self._most)

    def _use(self, lists: CandidateLists) -> None:
        self._lists = lists
        self._relaxation = Relaxation.of(self._problem, lists)

    def _first_choice(self, state: NDArray[np.int8]) -> Flags:
        """Sites that must be open, or the one that is best alone."""
        forced = state > 0
        if not forced.any():
            served = np.where(
                np.isfinite(self._problem.cost), self._problem.cost, self._choices.ground.penalty
            )
            alone = self._problem.fixed_cost + served.sum(axis=1)
            alone[state == CLOSED] = np.inf
            forced[int(np.argmin(alone))] = True
        return forced

    def _raise_bound(self, state: NDArray[np.int8]) -> Floats:
        """Improve prices, with local searches from what they choose; returns where sites stand on average."""
        problem, choices = self._problem, self._choices
        low, high = np.empty(problem.num_customers), np.empty(problem.num_customers)
        share = np.zeros(problem.num_sites)
        reduced, chosen = np.empty(problem.num_sites), np.zeros(problem.num_sites, bool)
        if not price_range(self._relaxation, state, low, high):
            self._bound = np.inf
            return share
        self._price[:] = low
        if self._least <= 1 and self._most == problem.num_sites and problem.side is None:
            ascend(self._relaxation, self._price, high)
        scale = 1.0
        for _ in range(MOST_TURNS):
            bound, scale = improve(
                self._relaxation,
                self._price,
                self._row_price,
                state,
                self._least,
                self._most,
                low,
                high,
                choices.target(self._bound),
                STEPS,
                scale,
                PATIENCE,
                share,
            )
            self._bound = max(self._bound, choices.rounded(bound))
            bound_of(
                self._relaxation,
                self._price,
                self._row_price,
                state,
                self._least,
                self._most,
                reduced,
                chosen,
            )
            choices.descend(chosen, state)
            self._tell("prices")
            if not self._is_open or not self._in_time:
                break
            if scale < SMALLEST_SCALE:
                if not self._grown():
                    break
                price_range(self._relaxation, state, low, high)
                scale = LATER_SCALE
        return share

    def _grown(self) -> bool:
        """Make lists longer where prices have come to their end; returns whether any had to be."""
        if not np.any((self._price >= self._lists.beyond) & np.isfinite(self._lists.beyond)):
            return False
        self._use(nearest_candidates(self._problem.cost, 2 * self._lists.site.shape[1]))
        self._choices.look_at(self._lists)
        return True

    # --- below the root --------------------------------------------------------------------------------

    def _search(self, root: Node) -> None:
        """Fix sites, and search what is left."""
        inner, relaxation = self._choices, self._relaxation
        program: RadiusProgram | None = None
        for name in ("fixing", "radius cuts"):
            with self._phase(name):
                if name == "fixing":
                    inner.offer(settled(relaxation, Rules.of(inner.rules), inner, root, ROOT))
                elif np.sum(relaxation.near < root.price[:, None]) <= MOST_ENTRIES:
                    rules = inner.rules
                    program = RadiusProgram(relaxation, rules.least, rules.most, root.price)
                    cut(program, relaxation, inner, root, self._left_s)
                if root.bound >= inner.cutoff:
                    self._bound = min(inner.value, inner.rounded(root.bound))
                    self._price = np.minimum(root.price, self._relaxation.ceiling)
                    self._row_price = root.row_price
                    return
                kept = root.state != CLOSED
                if name == "fixing" and not kept.all():
                    lists = nearest_candidates(inner.problem.cost[kept], max(self._first_width(), ALL_SITES))
                    inner, root = inner.among(kept, lists), root.among(kept)
                    relaxation = Relaxation.of(inner.problem, lists)
        with self._phase("tree search"):
            self._branch(TreeSearch(relaxation, inner, root, program))

    def _bound_of_prices(self, price: Floats, row_price: Floats) -> float:
        """What prices prove by themselves, without sites that rules or the search have fixed."""
        problem = self._problem
        return bound_of(
            self._relaxation,
            price,
            row_price,
            np.zeros(problem.num_sites, np.int8),
            max(1, problem.least_open),
            problem.num_most_open,
            np.empty(problem.num_sites),
            np.zeros(problem.num_sites, bool),
        )

    def _branch(self, tree: TreeSearch) -> None:
        """Search the tree until it is done or the stop rule says so."""
        while True:
            self._nodes, self._bound = tree.nodes, max(self._bound, tree.bound)
            self._tell("tree search")
            if tree.is_done or tree.nodes >= self._stop.most_nodes or not self._is_open or not self._in_time:
                return
            tree.run(min(tree.nodes + NODES_A_TURN, self._stop.most_nodes), self._left_s)
            if tree.nodes % NODES_BETWEEN < NODES_A_TURN:
                tree.choices.wander(np.zeros(len(tree.root.state), np.int8))

    # --- the end ---------------------------------------------------------------------------------------

    @property
    def _is_open(self) -> bool:
        """Whether the gap is open, and what is known not enough."""
        record = self._choices.record
        found = record.opened.any() and record.value + self._problem.constant <= self._stop.enough
        return self._bound < self._choices.cutoff and not found

    @property
    def _left_s(self) -> float:
        return self._stop.time_limit_s - (time.perf_counter() - self._started)

    @property
    def _in_time(self) -> bool:
        return self._left_s > 0.0

    @contextmanager
    def _phase(self, name: str) -> Iterator[None]:
        begun = time.perf_counter()
        try:
            yield
        finally:
            self._seconds[name] = self._seconds.get(name, 0.0) + time.perf_counter() - begun

    def _tell(self, phase: str) -> None:
        value = self._choices.value + self._problem.constant
        bound = self._bound + self._problem.constant
        seconds = time.perf_counter() - self._started
        gap = relative_gap(value, bound)
        self._report(SitingProgress(phase, value, bound, gap, self._nodes, seconds))

    def _answer(self) -> SitingAnswer:
        problem, choices = self._problem, self._choices
        alone = choices.rounded(self._bound_of_prices(self._price, self._row_price))
        bound_by: Proof = "prices" if alone >= self._bound - 1e-12 * abs(self._bound) else "search"
        proven = bool(self._bound >= choices.cutoff)
        if not choices.record.opened.any():
            impossible = self._bound == np.inf and self._stop.below == np.inf
            return without_solution(
                problem,
                why_none(problem, OpeningRules.of(problem)) if impossible else None,
                self._bound + problem.constant,
                nodes=self._nodes,
                seconds=self._seconds,
            )
        opened = first_of_equals(problem, choices.record.opened)
        value = cost_of(problem, opened) + problem.constant
        bound = min(self._bound + problem.constant, value)
        sites = np.flatnonzero(opened)
        assignment = sites[np.argmin(problem.cost[opened], axis=0)].astype(np.int32)
        return SitingAnswer(
            status="optimal" if proven else "limit",
            open=opened,
            assignment=assignment,
            flows=Flows(assignment, np.arange(len(assignment), dtype=np.int32), np.ones(len(assignment))),
            value=value,
            bound=bound,
            gap=relative_gap(value, bound),
            bound_by=bound_by,
            prices=self._price if bound_by == "prices" else None,
            side_prices=self._row_price if bound_by == "prices" and problem.side is not None else None,
            nodes=self._nodes,
            seconds=self._seconds,
        )
