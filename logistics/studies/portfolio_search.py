"""Searching for portfolios: the best one, others close to it, and the best under other budgets."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from logistics.models.design.problem import DesignAnswer, DesignProblem, DesignProgress, DesignStop, SideRows
from logistics.models.design.solve import solve_design
from logistics.models.flow.solved import SolvedFlow
from logistics.proposals.entering import RouteOption
from logistics.studies.portfolio_choices import Choice, Rulebook, load_factor
from logistics.virtual_network.instance import Floats, Ints

Flags = NDArray[np.bool_]
Paths = Sequence[Sequence[tuple[int, Ints]]]
Report = Callable[[DesignProgress], None]
MOST_CUTS = 25
ROUNDING = 1e-9


@dataclass(frozen=True)
class Found:
    """An answer and how it was reached.

    Parameters
    ----------
    rows
        The rules, with plans ruled out that leave a route too empty.
    thin
        Choices of the plan whose load stays below the least load factor; empty: all keep it.
    """

    answer: DesignAnswer
    rows: SideRows
    thin: tuple[int, ...] = ()


def other_than(rows: SideRows, name: str, y: Floats) -> SideRows:
    """Rules that forbid the choices to be as in `y`."""
    terms = [(i, -1.0 if one > 0.5 else 1.0) for i, one in enumerate(y.tolist())]
    return rows.with_row(name, terms, 1.0 - float(np.sum(y > 0.5)), np.inf)


def best_portfolio(
    problem: DesignProblem,
    choices: Sequence[Choice],
    stop: DesignStop,
    report: Report | None,
    least_load: float | None,
    paths: Paths | None = None,
    start: Sequence[Floats] = (),
) -> Found:
    """The best plan; where routes must fill, plans whose own best flows leave one too empty are ruled out.

    Parameters
    ----------
    paths, start
        Paths of each year, and choices, that are known to be good.
    """
    cuts, ends = 0, time.perf_counter() + stop.time_limit_s
    while True:
        left = replace(stop, time_limit_s=max(0.0, ends - time.perf_counter()))
        answer = solve_design(problem, left, report, start, paths)
        if least_load is None or not answer.flows:
            return Found(answer, problem.rows)
        thin = thin_choices(problem, choices, answer.open, answer.flows, least_load)
        if not thin:
            return Found(answer, problem.rows)
        if cuts >= MOST_CUTS or time.perf_counter() >= ends:
            # No plan that keeps the rule is cheaper than the bound; this one does not keep it.
            return Found(replace(answer, status="limit"), problem.rows, thin)
        cuts += 1
        problem = replace(problem, rows=other_than(problem.rows, f"load {cuts}", answer.open.astype(float)))
        start = ()


def thin_choices(
    problem: DesignProblem,
    choices: Sequence[Choice],
    is_open: Flags,
    flows: Sequence[SolvedFlow],
    least_load: float,
) -> tuple[int, ...]:
    """Routes of a plan whose mean load factor over their legs is below `least_load`."""
    tonnes = leg_tonnes(problem, flows)
    return tuple(
        number
        for number in np.flatnonzero(is_open).tolist()
        if isinstance(option := choices[number].option, RouteOption)
        and load_factor(option, tonnes[number]) < least_load - ROUNDING
    )


def leg_tonnes(problem: DesignProblem, flows: Sequence[SolvedFlow]) -> Floats:
    """Tonnes on the legs of each option, summed over legs, shape (options,)."""
    from logistics.models.flow.columns import loads_of

    found = np.zeros(len(problem.options))
    for year, flow in enumerate(flows):
        instance = problem.instances[year]
        drawn = loads_of(instance, flow.commodity, flow.path, flow.flow_t)
        row, option = problem.gates[year]
        is_leg = np.array([r.kind == "service" and r.unit == "t" for r in instance.resources], bool)[row]
        found += np.bincount(option[is_leg], drawn[row[is_leg]], len(found))
    return found


def alternatives(
    problem: DesignProblem,
    choices: Sequence[Choice],
    best: Found,
    most_value: float,
    count: int,
    stop: DesignStop,
    report: Report,
    least_load: float | None,
    paths: Paths,
) -> list[Found]:
    """Up to `count` further plans that cost at most `most_value`, each with other units than all before.

    A plan is structurally different when the units of its last year differ, whatever the levels; plans seen
    are ruled out one by one.
    """
    last = max(choice.year for choice in choices)
    units: dict[str, list[int]] = {}
    for number, choice in enumerate(choices):
        if choice.year == last:
            units.setdefault(choice.unit_id, []).append(number)
    rows, found = best.rows, []
    seen = best.answer.open
    for number in range(1, count + 1):
        terms, inside = [], 0
        for members in units.values():
            is_in = bool(np.any(seen[members]))
            inside += is_in
            terms += [(i, -1.0 if is_in else 1.0) for i in members]
        rows = rows.with_row(f"other {number}", terms, 1.0 - inside, np.inf)
        other = best_portfolio(replace(problem, rows=rows), choices, stop, report, least_load, paths)
        if not other.answer.flows or other.answer.value > most_value or other.thin:
            break
        found.append(other)
        seen = other.answer.open
    return found


def budget_frontier(
    problem: DesignProblem,
    choices: Sequence[Choice],
    rulebook: Rulebook,
    factors: Sequence[float],
    stop: DesignStop,
    report: Report,
    start: Floats,
    least_load: float | None,
    paths: Paths,
) -> dict[float, Found]:
    """The best plan with all budgets times each factor."""
    found = {}
    for factor in sorted(factors):
        rows = rulebook.rows(factor)
        known = [start] if rows.kept(start) else []
        allowed = replace(problem, rows=rows)
        found[factor] = best_portfolio(allowed, choices, stop, report, least_load, paths, known)
    return found
