"""What choices of a portfolio are worth: by leaving one out, by forcing one in, as intervals.

Values of a plan with other choices come from solving its flows again; bounds come from the prices of the
relaxation's root, by which each choice has a price for being forced the other way.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from logistics.models.design.large import is_large_design
from logistics.models.design.problem import DesignAnswer, DesignProblem, DesignStop
from logistics.models.design.solve import instance_with, solve_design
from logistics.models.flow.column_generation import FlowModel, StopRule
from logistics.models.flow.solved import SolvedFlow
from logistics.studies.portfolio_choices import Choice
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
    """Values of a design problem's plans, each solved on from the last one.

    The first one solved has no option: what must stay unserved in it may stay so in all others.

    Parameters
    ----------
    problem
        The problem.
    gap
        Relative gap of the flows.
    """

    def __init__(self, problem: DesignProblem, gap: float) -> None:
        self._problem, self._gap = problem, gap
        self._models: list[FlowModel] = []

    def flows(self, y: Floats) -> list[SolvedFlow]:
        """Flows of every year with these options open."""
        years = range(len(self._problem.instances))
        if not self._models:
            closed = np.zeros(len(self._problem.options))
            for year in years:
                model = FlowModel(instance_with(self._problem, year, closed), StopRule(self._gap))
                model.solve()
                self._models.append(model)
        return [
            self._models[year].solve_with(instance_with(self._problem, year, y), self._gap) for year in years
        ]

    def value(self, y: Floats) -> float:
        """Cost of options and weighted flows; inf where cargo is left that must be served."""
        total = float(self._problem.cost @ y)
        for year, flow in enumerate(self.flows(y)):
            if flow.status not in ("optimal", "limit"):
                return np.inf
            total += float(self._problem.year_weight[year]) * flow.objective
        return total


def choice_values(
    problem: DesignProblem,
    answer: DesignAnswer,
    choices: Sequence[Choice],
    values: PlanValues,
    stop: DesignStop,
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
            again = solve_design(replace(problem, rows=rows), part, None, start)
            least, most = max(least, again.bound), again.value
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
