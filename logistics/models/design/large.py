"""Design problems whose years are large networks: plans by cuts on options, each plan's flows solved exactly.

The program over options has one cost θ_t a year, bounded below by cuts (:mod:`.cuts`). Its optimum bounds
every plan, and its options are tried: their flows are solved from those of the plan before, and give prices
for the next cuts. Since options that serve the same cargo save it once, but each cut counts both, options in
parts (:mod:`.tolls`) give the first cuts and plans that round them; later a second program with savings
scaled to what plans really saved proposes further ones. It ends when plan and bound meet, when nothing new is
proposed, or by time.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from logistics.integer_solver import MixedProgram, MixedStop, solve_mixed
from logistics.models.design.cargo_prices import FlowCut, PricedCargo
from logistics.models.design.cuts import CutMaker
from logistics.models.design.plan_flows import PlanFlows
from logistics.models.design.problem import (
    DesignAnswer,
    DesignProblem,
    DesignProgress,
    DesignStatus,
    DesignStop,
    Report,
    relative_gap,
)
from logistics.models.design.tolls import InParts, TolledYear, takes_tolls
from logistics.models.flow.solved import SolvedFlow

Floats = NDArray[np.float64]
Ints = NDArray[np.int32]
Paths = Sequence[tuple[int, Ints]]
LARGE = 5000
"""Commodities, over all years, from which a problem is treated as large."""
FLOW_GAP = 1e-6
"""Plans of large networks are not solved closer than this."""
PROGRAM_GAP = 1e-9
PROGRAM_SHARE = 0.1
"""Share of the time limit that one program over options may take."""
DAMPING = 0.5
STEPS, FIRST_STEP, LEAST_STEP, PATIENCE = 150, 1.0, 0.01, 6
"""Subgradient steps on discounts: most of them, Polyak's factor at first and in the end, and steps without a
better bound before it is halved."""
CLOSE = 1e-7
MOST_PARTS, PARTS_SHARE, USED_SHARES = 6, 0.3, (0.9, 0.6, 0.3)
"""Rounds of options in parts, share of the time limit for them, and shares used from which a part is rounded
up."""
MOST_MET = 2
"""Best options under discounts that are tried beside those that cuts propose."""


def is_large_design(problem: DesignProblem) -> bool:
    """Whether cuts are the way: large networks, and options that only open capacities of their own."""
    size = sum(len(instance.commodities) for instance in problem.instances)
    return size >= LARGE and not any(len(row) for row, _, _ in problem.expansions)


@dataclass
class _Best:
    """The best plan and the bound."""

    y: Floats | None = None
    value: float = np.inf
    bound: float = -np.inf
    flows: tuple[SolvedFlow, ...] = ()


class LargeDesign:
    """Search on one large problem.

    Parameters
    ----------
    problem, stop, report
        As for :func:`logistics.models.design.solve.solve_design`.
    paths
        For each year paths known to be good.
    """

    def __init__(
        self, problem: DesignProblem, stop: DesignStop, report: Report | None, paths: Sequence[Paths] | None
    ) -> None:
        self._problem, self._stop = problem, stop
        self._report = report or (lambda _: None)
        self._started = time.perf_counter()
        self._flow_gap = max(FLOW_GAP, stop.flow_gap)
        self._flows = PlanFlows(problem, self._flow_gap, paths)
        self._makers = [CutMaker(problem, year) for year in range(len(problem.instances))]
        self._cuts: list[FlowCut] = []
        self._tried: set[bytes] = set()
        self._ratio = np.ones(len(problem.instances))
        self._best = _Best()
        self._plans = 0
        self._possible = True
        self._discounted_at: set[bytes] = set()
        self._worth: list[Floats] = []
        self._history: list[tuple[float, float, float]] = []

    def solve(self, start: Sequence[Floats] = ()) -> DesignAnswer:
        """Search until plan and bound meet, nothing new is proposed, or time is up."""
        count = len(self._problem.options)
        # Plans only where the rules allow them; their prices say what options save first, and what last.
        self._try(np.zeros(count))
        cheapest = self._program(np.zeros(len(self._ratio)), self._cuts)
        if cheapest is not None:
            self._try(cheapest[0])
        for y in self._in_parts():
            if not self._late() and y.tobytes() not in self._tried:
                self._try(y)
        for y in start:
            if np.asarray(y, float).tobytes() not in self._tried:
                self._try(np.asarray(y, float))
        while not self._late():
            met = self._discounted()[:MOST_MET]
            proposed = self._proposals()
            if proposed is None:
                break
            proposed += [y for y in met if not any(np.array_equal(y, other) for other in proposed)]
            new = [y for y in proposed if y.tobytes() not in self._tried]
            for y in new:
                if not self._late():
                    self._try(y)
            gap = relative_gap(self._best.value, self._best.bound)
            if not new or gap <= self._stop.gap:
                break
        return self._answer()

    def _in_parts(self) -> list[Floats]:
        """Take in the bounds of options in parts; returns plans near the last, the most cautious first."""
        problem = self._problem
        if not all(takes_tolls(instance) for instance in problem.instances):
            return [np.ones(len(problem.options))]
        years = [
            TolledYear(problem, year, self._flow_gap, self._flows.known(year))
            for year in range(len(problem.instances))
        ]
        found: list[InParts] = []
        for _ in range(MOST_PARTS):
            solved = self._parts_of(years, must=not found)
            if len(solved) < len(years):
                break
            found = solved
            self._bounded(self._program(np.ones(len(years)), self._cuts))
        return [y for share in USED_SHARES if (y := self._rounded(found, share)) is not None] if found else []

    def _parts_of(self, years: Sequence[TolledYear], *, must: bool) -> list[InParts]:
        """Solve options in parts, year by year, and keep their cuts; fewer than the years: one has none.

        Parameters
        ----------
        must
            Whether to go on when the time for this is up.
        """
        found: list[InParts] = []
        for year in years:
            is_up = time.perf_counter() - self._started > self._stop.time_limit_s * PARTS_SHARE
            answer = year.solve() if must or not is_up else None
            if answer is None:
                break
            found.append(answer)
            self._cuts.append(answer.cut)
        return found

    def _rounded(self, found: Sequence[InParts], share: float) -> Floats | None:
        """Options that are best if parts are worth their cost at a share used; None: none keep the rules."""
        problem = self._problem
        gain = np.full(len(problem.options), -np.inf)
        for number, one in enumerate(found):
            weight = float(problem.year_weight[number])
            gained = np.maximum(0.0, problem.cost) * (one.used - share) + weight * one.worth
            gain = np.maximum(gain, gained - np.minimum(0.0, problem.cost))
        none = [FlowCut(year, 0.0, np.zeros(len(gain))) for year in range(len(found))]
        best = self._program(np.ones(len(found)), none, cost=-gain)
        return None if best is None else best[0]

    def _bounded(self, found: tuple[Floats, float] | None) -> None:
        """Take in a program's bound."""
        if found is not None:
            self._best.bound = max(self._best.bound, found[1])
            self._tell("proof")

    def _late(self) -> bool:
        over = time.perf_counter() - self._started > self._stop.time_limit_s
        return over or self._plans > self._stop.most_nodes

    def _try(self, y: Floats) -> None:
        """Solve the flows of a plan exactly, take it in, and make cuts at its prices."""
        self._tried.add(y.tobytes())
        problem, flows = self._problem, []
        for year in range(len(problem.instances)):
            flows.append(self._flows.solved(year, y))
            self._cuts.append(self._makers[year].cut(y, flows[-1].duals, problem.allowed_t(year)))
            self._tell("plan")
        self._plans += 1
        served = all(flow.status in ("optimal", "limit") for flow in flows)
        value = float(problem.cost @ y)
        value += sum(float(w) * f.objective for w, f in zip(problem.year_weight, flows, strict=True))
        self._learn(y, flows)
        if served and value < self._best.value and problem.rows.kept(y):
            self._best.y, self._best.value, self._best.flows = y.copy(), value, tuple(flows)
        self._tell("plan")

    def _learn(self, y: Floats, flows: Sequence[SolvedFlow]) -> None:
        """Note what share of the savings that cuts promise a plan really has."""
        for year, flow in enumerate(flows):
            first = next(cut for cut in self._cuts if cut.year == year)
            promised = float(first.saved @ y)
            if promised > 0 and np.isfinite(flow.objective):
                real = min(1.0, max(0.05, (first.constant - flow.objective) / promised))
                self._ratio[year] += DAMPING * (real - self._ratio[year])

    def _discounted(self) -> list[Floats]:
        """Raise the bound by discounts on the worth of cargo, at the prices of the best plan.

        Returns the options that were best at the best bounds met, the last one first.
        """
        problem, best_plan = self._problem, self._best
        if best_plan.y is None or best_plan.y.tobytes() in self._discounted_at:
            return []
        self._discounted_at.add(best_plan.y.tobytes())
        none, cargo, discount = np.zeros(len(problem.options)), list[PricedCargo](), list[Floats]()
        for year, flow in enumerate(best_plan.flows):
            maker, left = self._makers[year], problem.allowed_t(year)
            cargo.append(maker.priced(none, flow.duals, left))
            planned = maker.priced(best_plan.y, flow.duals, left)
            # The worth of cargo that was best before tells more than that of this plan, once there is one.
            worth = self._worth[year] if self._worth else planned.worth
            discount.append(np.maximum(0.0, cargo[-1].worth - worth))
        best, met, step, idle = -np.inf, list[Floats](), FIRST_STEP, 0
        best_cuts: list[FlowCut] = []
        best_discount = discount
        for _ in range(STEPS):
            cuts = [one.discounted(some) for one, some in zip(cargo, discount, strict=True)]
            found = self._program(np.ones(len(cuts)), cuts)
            if found is None or self._late():
                break
            y, bound = found
            idle += 1
            if bound > best:
                idle = 0 if bound > best + CLOSE * abs(bound) else idle
                best, best_cuts, best_discount = bound, cuts, discount
                met.insert(0, y)
            if idle >= PATIENCE:
                step, idle, discount = step / 2, 0, best_discount
                if step < LEAST_STEP:
                    break
                continue
            slope = [
                float(weight) * (one.taken(some, y) - one.demand_t)
                for weight, one, some in zip(problem.year_weight, cargo, discount, strict=True)
            ]
            # A discount that is not there cannot fall.
            slope = [np.where((d <= 0) & (g < 0), 0.0, g) for d, g in zip(discount, slope, strict=True)]
            size = sum(float(g @ g) for g in slope)
            if size <= 0.0:
                break
            far = (
                max(self._best.value - bound, CLOSE * abs(bound))
                if np.isfinite(self._best.value)
                else abs(bound)
            )
            discount = [
                np.maximum(0.0, d + step * far / size * g) for d, g in zip(discount, slope, strict=True)
            ]
        if best_cuts:
            self._worth = [one.worth - some for one, some in zip(cargo, best_discount, strict=True)]
        self._cuts += best_cuts
        self._tell("proof")
        return met

    def _proposals(self) -> list[Floats] | None:
        """Options that the cuts make best, and those that scaled savings do; None: no choice obeys the rules.

        The first gives the bound.
        """
        found = self._program(np.ones(len(self._ratio)), self._cuts)
        if found is None:
            return None
        self._bounded(found)
        y = found[0]
        first = [next(cut for cut in self._cuts if cut.year == year) for year in range(len(self._ratio))]
        scaled = self._program(self._ratio, first)
        return [y] if scaled is None else [scaled[0], y]

    def _program(
        self, ratio: Floats, cuts: Sequence[FlowCut], cost: Floats | None = None
    ) -> tuple[Floats, float] | None:
        """Optimal options and the program's own bound, with savings of each year times a ratio.

        Parameters
        ----------
        cost
            In place of what options cost.
        """
        problem, rows = self._problem, self._problem.rows
        options, years = len(problem.options), len(problem.instances)
        # Savings are told from the first cut's constant, in millions, so that numbers are small.
        zero = [next(cut.constant for cut in cuts if cut.year == year) for year in range(years)]
        side = len(rows.ids)
        row, column, value, lower = [rows.row], [rows.option], [rows.value], [rows.lower]
        for number, cut in enumerate(cuts):
            some = np.flatnonzero(cut.saved > 0)
            row.append(np.full(len(some) + 1, side + number, np.int32))
            column.append(np.append(some, options + cut.year).astype(np.int32))
            value.append(np.append(ratio[cut.year] * cut.saved[some] / 1e6, 1.0))
            lower.append(np.array([(cut.constant - zero[cut.year]) / 1e6]))
        program = MixedProgram(
            cost=np.concatenate([(problem.cost if cost is None else cost) / 1e6, problem.year_weight]),
            lower=np.concatenate([np.zeros(options), np.full(years, -np.inf)]),
            upper=np.concatenate([np.ones(options), np.full(years, np.inf)]),
            whole=np.concatenate([np.ones(options, bool), np.zeros(years, bool)]),
            row=np.concatenate(row),
            column=np.concatenate(column),
            value=np.concatenate(value),
            row_lower=np.concatenate(lower),
            row_upper=np.concatenate([rows.upper, np.full(len(cuts), np.inf)]),
        )
        limit = max(1.0, PROGRAM_SHARE * min(self._stop.time_limit_s, 3600.0))
        answer = solve_mixed(program, "scip", MixedStop(gap=PROGRAM_GAP, time_limit_s=limit))
        # Cuts leave every choice of options some cost, so only the rules can be at fault.
        self._possible = answer.outcome != "infeasible"
        if len(answer.values) == 0:
            return None
        base = float(np.dot(problem.year_weight, zero))
        return np.round(answer.values[:options]), base + 1e6 * answer.bound

    def _tell(self, phase: str) -> None:
        best, seconds = self._best, time.perf_counter() - self._started
        gap = relative_gap(best.value, best.bound)
        if not self._history or self._history[-1][1:] != (best.value, best.bound):
            self._history.append((seconds, best.value, best.bound))
        self._report(DesignProgress(phase, best.value, best.bound, gap, self._plans, seconds))

    def _answer(self) -> DesignAnswer:
        best, none = self._best, np.zeros(len(self._problem.options), bool)
        history = tuple(self._history)
        if best.y is None:
            status: DesignStatus = "no_plan" if self._possible else "infeasible"
            bound = best.bound if self._possible else np.inf
            return DesignAnswer(status, none, np.inf, bound, "solver", np.inf, (), None, self._plans, history)
        bound = min(best.bound, best.value)
        gap = relative_gap(best.value, bound)
        return DesignAnswer(
            status="optimal" if gap <= self._stop.gap else "limit",
            open=best.y > 0.5,
            value=best.value,
            bound=bound,
            proof="solver",
            gap=gap,
            flows=best.flows,
            duals=None,
            nodes=self._plans,
            history=history,
        )
