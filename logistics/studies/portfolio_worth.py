"""What choices of a portfolio are worth: by leaving one out, by forcing one in, as intervals.

Values of a plan with other choices come from solving its flows again; bounds come from the prices of the
relaxation's root, by which each choice has a price for being forced the other way.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from logistics.models.design.large import is_large_design
from logistics.models.design.plan_flows import Paths, PlanFlows
from logistics.models.design.problem import DesignAnswer, DesignProblem, DesignStop
from logistics.studies.portfolio_choices import Choice
from logistics.studies.portfolio_search import best_portfolio, thin_choices
from logistics.virtual_network.instance import Floats

LEAST_SEARCH_S = 5.0
"""Seconds below which a search for the best plan without a unit is not worth starting."""


@dataclass(frozen=True)
class Interval:
    """What a unit adds to a plan, CNY over all years, discounted.

    Parameters
    ----------
    low, high
        Between these; -inf or inf: not known.
    """

    low: float
    high: float

    @property
    def sign(self) -> str:
        """``gain``, ``loss``, or ``unknown`` where the interval holds 0."""
        return "gain" if self.low > 0 else "loss" if self.high < 0 else "unknown"


class PlanValues:
    """Values of plans, each solved on from those before.

    Parameters
    ----------
    problem, choices
        The problem and what its options are.
    gap
        Relative gap of the flows.
    least_load
        Least load factor of routes; a plan that leaves one emptier is none.
    paths
        Paths of each year known to be good, those without any option among them: what stays unserved then may
        stay so in all plans, and these paths show how.
    time_limit_s
        After that no further plan is solved.
    """

    def __init__(
        self,
        problem: DesignProblem,
        choices: Sequence[Choice],
        gap: float,
        least_load: float | None,
        paths: Sequence[Paths],
        time_limit_s: float = float("inf"),
    ) -> None:
        self._ends = time.perf_counter() + time_limit_s
        self._problem, self._choices, self._least_load = problem, choices, least_load
        self._flows = PlanFlows(problem, gap, paths)

    def value(self, y: Floats) -> float:
        """Cost of options and weighted flows; inf: cargo is left, a route too empty, or time is up."""
        if time.perf_counter() > self._ends:
            return np.inf
        problem, flows = self._problem, self._flows.all_years(y)
        if any(flow.status not in ("optimal", "limit") for flow in flows):
            return np.inf
        least = self._least_load
        if least is not None and thin_choices(problem, self._choices, y > 0.5, flows, least):
            return np.inf
        weighted = sum(float(w) * f.objective for w, f in zip(problem.year_weight, flows, strict=True))
        return float(problem.cost @ y) + weighted


def choice_values(
    problem: DesignProblem,
    answer: DesignAnswer,
    choices: Sequence[Choice],
    values: PlanValues,
    stop: DesignStop,
    least_load: float | None,
) -> dict[str, Interval]:
    """What each unit adds: those in the plan by leaving them out, the others by taking them in.

    A unit is left out or taken in as a whole, in every year; the other choices may then be made anew.

    Parameters
    ----------
    stop
        For all searches without one of the units together; each gets its part. Without time for them only
        the plan without the unit and the root's prices bound the value.
    """
    y = answer.open.astype(float)
    units: dict[str, list[int]] = {}
    for number, choice in enumerate(choices):
        units.setdefault(choice.unit_id, []).append(number)
    inside = {unit: members for unit, members in units.items() if np.any(y[members] > 0.5)}
    part = replace(stop, time_limit_s=stop.time_limit_s / max(1, len(inside)))
    price = answer.duals.option if answer.duals is not None else np.zeros(len(y))
    root = answer.duals.bound if answer.duals is not None else answer.bound
    found: dict[str, Interval] = {}
    for unit, members in units.items():
        if unit not in inside:
            # Taken in where the relaxation would least mind it.
            minded = float(np.min(np.maximum(price[members], 0.0)))
            found[unit] = Interval(-np.inf, answer.value - max(root + minded, answer.bound))
            continue
        other = y.copy()
        other[members] = 0.0
        least = max(root - float(np.minimum(price[members], 0.0) @ y[members]), answer.bound)
        most = np.inf
        if part.time_limit_s >= LEAST_SEARCH_S and not is_large_design(problem):
            rows = problem.rows.with_row(f"without {unit}", [(i, 1.0) for i in members], -np.inf, 0.0)
            start = [other] if rows.kept(other) else []
            again = best_portfolio(replace(problem, rows=rows), choices, part, None, least_load, start=start)
            least = max(least, again.answer.bound)
            most = np.inf if again.thin else again.answer.value
        elif problem.rows.kept(other):
            most = values.value(other)
        found[unit] = Interval(least - answer.value, most - answer.bound)
    return found


def next_best(
    problem: DesignProblem,
    answer: DesignAnswer,
    choices: Sequence[Choice],
    found: dict[str, Interval],
    values: PlanValues,
    most_tried: int,
) -> dict[str, Interval]:
    """Units outside of the plan with the values of plans that take them in, the best first.

    Each is taken in at its cheapest level in the last year, and in all years it can stay open; those are
    tried first that the relaxation minds least.
    """
    y = answer.open.astype(float)
    outside: dict[str, list[int]] = {}
    for number, choice in enumerate(choices):
        outside.setdefault(choice.unit_id, []).append(number)
    outside = {u: members for u, members in outside.items() if not np.any(y[members] > 0.5)}
    order = sorted(outside, key=lambda unit: (-found[unit].high, unit))[:most_tried]
    tried: dict[str, Interval] = {}
    last = max(choice.year for choice in choices)
    for unit in order:
        best = -np.inf
        for number in outside[unit]:
            if choices[number].year != last:
                continue
            other = y.copy()
            other[number] = 1.0
            if problem.rows.kept(other):
                best = max(best, answer.bound - values.value(other))
        tried[unit] = Interval(best, found[unit].high)
    return dict(sorted(tried.items(), key=lambda item: (-item[1].low, -item[1].high, item[0])))
