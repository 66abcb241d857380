"""Shares of the service that must be of a kind, as the orders of a market that arrive within some days.

    (7)  Σ_{j in r} Σ_i s_ij x_ij ≥ least_r      for every row r, on top of (1) to (6)

A price w_r ≥ 0 of each row makes them part of the costs, c_ij - Σ_{r with j} w_r s_ij. What is left is a
siting problem whose bound, with Σ w_r least_r added, no solution can beat. Prices rise where a row is short
and fall where it is not: a cutting-plane model of the bound says where to, in a box around the best ones.
Sets of sites found on the way are served exactly, by a linear or, where customers are whole, a whole-number
program; and where prices leave a gap, the strong form with (7) closes it, as far as its solver can.
"""

from __future__ import annotations

import time
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from logistics.integer_solver import MixedProgram, MixedStart, MixedStop, solve_mixed
from logistics.models.siting.problem import (
    Flows,
    FrozenArrays,
    Infeasible,
    Report,
    SitingAnswer,
    SitingProblem,
    SitingProgress,
    SitingStop,
    relative_gap,
    without_solution,
)
from logistics.models.siting.solve import solve_siting
from logistics.models.siting.strong_form import StrongForm

Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]

ROUNDS, PATIENCE = 40, 8
"""Prices tried, and how many without a better bound."""
CLOSE = 1e-7
"""Prices are as good as they get when their model promises no more than this share of the value."""
WIDER, NARROWER = 2.0, 0.5
"""The box around prices after a better bound, and after none."""
SLACK = 1e-9
SOLVER_GAP = 1e-5
"""Smaller gaps are beyond what a solver's own tolerances allow."""
MOST_ENTRIES = 3_000_000
"""Of the strong form with its rows; larger ones take too long."""


@dataclass(frozen=True)
class ServiceShares(FrozenArrays):
    """Rows (7).

    Parameters
    ----------
    share
        What counts of a customer where a site serves all of it, float array [site, customer].
    member
        Customers of each row, bool array [row, customer].
    least
        Float array [row], in the unit of `share`.
    ids
        Name of each row.
    """

    share: Floats
    member: Flags
    least: Floats
    ids: tuple[str, ...]

    def of(self, service: Floats) -> Floats:
        """What a service, float array [site, customer], has of each row."""
        counted: Floats = self.member @ (service * self.share).sum(axis=0)
        return counted

    def rows(self, sites: Flags) -> tuple[Floats, Floats]:
        """Coefficients [row, site, customer] for some of the sites, and least sums [row]."""
        return self.share[sites] * self.member[:, None, :], self.least


def solve_with_shares(
    problem: SitingProblem,
    shares: ServiceShares,
    stop: SitingStop | None = None,
    report: Report | None = None,
) -> SitingAnswer:
    """Choose sites and service at least cost so that enough of the service is of a kind.

    Parameters
    ----------
    problem
        The problem; with `single_source` customers are served whole also where no capacity binds, else they
        may be split where a row asks for it.
    shares
        The rows.
    stop, report
        As for :func:`~logistics.models.siting.solve.solve_siting`; `below` and `enough` do not
        matter, and gaps below 1e-5 count as that.

    Returns
    -------
    SitingAnswer
        Its bound rests on prices of the rows and a search (``search``) or on a solver (``solver``). Where
        rows are the obstacle (``shares_short``), `rows` are those that no set reaches, and `missing` is what
        the first of them is short of.
    """
    return _Search(problem, shares, stop or SitingStop(), report).run()


def best_reachable(problem: SitingProblem, shares: ServiceShares, row: int) -> float:
    """Most that any solution has of a row, whatever it costs; -inf: there is no solution."""
    gain = np.where(shares.member[row], shares.share, 0.0)
    most = gain.max(axis=0)
    cost = np.where(np.isfinite(problem.cost), most - gain, np.inf)
    free = replace(problem, fixed_cost=np.zeros(problem.num_sites), cost=cost, constant=0.0)
    return float(most.sum()) - solve_siting(free).bound


class _Search:
    def __init__(
        self, problem: SitingProblem, shares: ServiceShares, stop: SitingStop, report: Report | None
    ) -> None:
        self.problem, self.shares, self.stop, self._report = problem, shares, stop, report
        self._gap = max(stop.gap, SOLVER_GAP)
        self._started = time.monotonic()
        self.value, self.bound = np.inf, -np.inf
        self.opened: Flags = np.zeros(problem.num_sites, bool)
        self.service: Floats = np.zeros(problem.cost.shape)
        self.nodes, self._by_solver = 0, False
        self._tried: set[bytes] = set()

    def run(self) -> SitingAnswer:
        """Raise prices, then hand over what they leave."""
        at_first = self._prices()
        if at_first is not None:
            return at_first
        seconds = {"prices": time.monotonic() - self._started}
        if self._is_open and self.problem.cost.size * (2 + len(self.shares.least)) <= MOST_ENTRIES:
            self._by_program()
            seconds["program"] = time.monotonic() - self._started - seconds["prices"]
        return self._answer(seconds)

    @property
    def _left_s(self) -> float:
        return self.stop.time_limit_s - (time.monotonic() - self._started)

    @property
    def _is_open(self) -> bool:
        return relative_gap(self.value, self.bound) > self._gap and self._left_s > 0.0

    def _prices(self) -> SitingAnswer | None:
        """Look for the best prices; an answer where the problem has no solution even without rows."""
        rows = len(self.shares.least)
        price, best = np.zeros(rows), np.zeros(rows)
        box = self._typical_price()
        points: list[tuple[float, Floats]] = []
        waited = 0
        for turn in range(ROUNDS):
            answer = self._at(price)
            if turn == 0 and not answer.open.any():
                return answer
            self.nodes += answer.nodes
            better = answer.bound > self.bound
            self.bound = max(self.bound, answer.bound)
            if self.bound > self._dearest():
                self.bound = np.inf
                break
            best = price if better else best
            box *= WIDER if better else NARROWER
            if answer.open.any():
                points.append(self._point(answer))
                self._offer(answer.open)
            self._tell("prices")
            waited = 0 if better else waited + 1
            if not self._is_open or waited > PATIENCE:
                break
            price, promise = self._model(points, best, box)
            if promise - self.bound <= CLOSE * max(1.0, abs(self.bound)):
                break
        return None

    def _typical_price(self) -> Floats:
        """A first guess of how far prices go: as much cost for a row as all service has."""
        cost = np.where(np.isfinite(self.problem.cost), np.abs(self.problem.cost), 0.0).mean(axis=0)
        return np.full(
            len(self.shares.least),
            cost.sum() / max(1e-12, float(np.abs(self.shares.share).mean(axis=0).sum())),
        )

    def _dearest(self) -> float:
        """No solution costs more, so that there is none where a bound is above it."""
        problem = self.problem
        served = np.where(np.isfinite(problem.cost), problem.cost, -np.inf).max(axis=0).sum()
        most = problem.constant + np.maximum(problem.fixed_cost, 0.0).sum() + served
        return float(most + 1e-9 * abs(most))

    def _at(self, price: Floats) -> SitingAnswer:
        """The problem with the rows priced. Costs are kept above 0 by what every customer has anyway."""
        gain = self.shares.share * (price @ self.shares.member)
        most = gain.max(axis=0)
        priced = replace(
            self.problem,
            cost=self.problem.cost - gain + most,
            constant=self.problem.constant + float(price @ self.shares.least) - float(most.sum()),
        )
        return solve_siting(priced, SitingStop(self.stop.gap, max(0.0, self._left_s), self.stop.most_nodes))

    def _point(self, answer: SitingAnswer) -> tuple[float, Floats]:
        """Cost without prices of a solution that need not keep the rows, and by how much they are short."""
        flows, problem = answer.flows, self.problem
        service = np.zeros(problem.cost.shape)
        service[flows.site, flows.customer] = flows.share
        cost = (flows.share * problem.cost[flows.site, flows.customer]).sum()
        value = problem.constant + problem.fixed_cost[answer.open].sum() + cost
        return float(value), self.shares.least - self.shares.of(service)

    def _model(self, points: list[tuple[float, Floats]], centre: Floats, box: Floats) -> tuple[Floats, float]:
        """Prices in a box at which the least of the points' priced costs is highest, and that cost."""
        # All in units of the values, and of a typical price, so that numbers are of one size.
        unit = max(1.0, *(abs(value) for value, _ in points))
        typical = self._typical_price()
        values = np.array([value for value, _ in points]) / unit
        short = np.array([lack for _, lack in points]) * typical / unit
        count, rows = short.shape
        k, r = np.nonzero(short)
        program = MixedProgram(
            cost=np.append(-1.0, np.zeros(rows)),
            lower=np.append(-np.inf, np.maximum(0.0, centre - box) / typical),
            upper=np.append(np.inf, (centre + box) / typical),
            whole=np.zeros(rows + 1, bool),
            row=np.concatenate([np.arange(count), k]),
            column=np.concatenate([np.zeros(count, np.int64), 1 + r]),
            value=np.concatenate([np.ones(count), -short[k, r]]),
            row_lower=np.full(count, -np.inf),
            row_upper=values,
        )
        answer = solve_mixed(program, "scip", MixedStop())
        return np.maximum(0.0, answer.values[1:]) * typical, float(answer.values[0]) * unit

    def _offer(self, opened: Flags) -> None:
        """Serve all from a set of sites with the rows kept, if that can be, and keep it if it is the best."""
        key = np.packbits(opened).tobytes()
        if key in self._tried or self._left_s <= 0.0:
            return
        self._tried.add(key)
        problem = self.problem.among(opened)
        form = StrongForm.of(problem, self.shares.rows(opened), whole=problem.single_source)
        lower = form.program.lower.copy()
        lower[: problem.num_sites] = 1.0
        stop = MixedStop(1e-9, self._left_s)
        answer = solve_mixed(replace(form.program, lower=lower), "highs", stop)
        if len(answer.values):
            self._keep(opened, form.service(answer.values, problem.cost.shape))

    def _keep(self, opened: Flags, service: Floats) -> None:
        """Keep a solution if it is the best; `service` is of the open sites."""
        # Its cost is added up here, and rounding is no share.
        share = np.where(service > SLACK, service, 0.0)
        share /= share.sum(axis=0)
        cost = np.where(share > 0.0, self.problem.cost[opened], 0.0)
        value = self.problem.constant + self.problem.fixed_cost[opened].sum() + (share * cost).sum()
        if value < self.value:
            self.value, self.opened = float(value), opened.copy()
            self.service = np.zeros(self.problem.cost.shape)
            self.service[opened] = share

    def _by_program(self) -> None:
        """Close what is left by the strong form."""
        problem = self.problem
        every = np.ones(problem.num_sites, bool)
        form = StrongForm.of(problem, self.shares.rows(every), whole=problem.single_source)
        known = MixedStart(np.arange(problem.num_sites), self.opened.astype(float))
        starts = (known,) if np.isfinite(self.value) else ()
        stop = MixedStop(0.5 * self._gap, self._left_s)
        answer = solve_mixed(form.program, "scip", stop, starts)
        if len(answer.values):
            opened = answer.values[: problem.num_sites] > 0.5
            self._offer(opened)
        bound = np.inf if answer.outcome == "infeasible" else answer.bound + problem.constant
        if bound > self.bound:
            self.bound, self._by_solver = bound, True

    def _tell(self, phase: str) -> None:
        if self._report is not None:
            gap, seconds = relative_gap(self.value, self.bound), time.monotonic() - self._started
            self._report(SitingProgress(phase, self.value, self.bound, gap, self.nodes, seconds))

    def _answer(self, seconds: dict[str, float]) -> SitingAnswer:
        if not np.isfinite(self.value):
            obstacle = self._obstacle() if self.bound == np.inf else None
            return without_solution(self.problem, obstacle, self.bound, nodes=self.nodes, seconds=seconds)
        bound = min(self.bound, self.value)
        gap = relative_gap(self.value, bound)
        site, customer = (index.astype(np.int32) for index in np.nonzero(self.service))
        assignment = np.full(self.problem.num_customers, -1, np.int32)
        alone = np.bincount(customer, minlength=len(assignment))[customer] == 1
        assignment[customer[alone]] = site[alone]
        return SitingAnswer(
            status="optimal" if gap <= self._gap else "limit",
            open=self.opened,
            assignment=assignment,
            flows=Flows(site, customer, self.service[site, customer]),
            value=self.value,
            bound=bound,
            gap=gap,
            bound_by="solver" if self._by_solver else "search",
            nodes=self.nodes,
            seconds=seconds,
        )

    def _obstacle(self) -> Infeasible:
        """Which rows no set reaches; else they contradict each other."""
        lack = np.array(
            [
                least - best_reachable(self.problem, self.shares, row)
                for row, least in enumerate(self.shares.least)
            ]
        )
        short = np.flatnonzero(lack > SLACK * np.maximum(1.0, np.abs(self.shares.least)))
        if len(short) == 0:
            return Infeasible("no_set_serves_all")
        return Infeasible("shares_short", rows=short.astype(np.int32), missing=float(lack[short[0]]))
