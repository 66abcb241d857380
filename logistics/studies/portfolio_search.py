"""Searching for portfolios: the best one, others close to it, and the best under other budgets."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np

from logistics.models.design.problem import DesignAnswer, DesignProblem, DesignProgress, DesignStop, SideRows
from logistics.models.design.solve import solve_design
from logistics.proposals.entering import RouteOption
from logistics.studies.portfolio_choices import Choice, Rulebook
from logistics.virtual_network.instance import Floats, Ints

Report = Callable[[DesignProgress], None]
MOST_CUTS = 25


@dataclass(frozen=True)
class Found:
    """An answer and how it was reached.

    Parameters
    ----------
    thin
        Choices of the plan whose load stays below the least load factor; empty: all keep it.
    cuts
        Plans that were ruled out because of that.
    """

    answer: DesignAnswer
    thin: tuple[int, ...] = ()
    cuts: int = 0


def other_than(rows: SideRows, name: str, y: Floats) -> SideRows:
    """Rules that forbid the choices to be as in `y`."""
    terms = [(i, -1.0 if one > 0.5 else 1.0) for i, one in enumerate(y.tolist())]
    return rows.with_row(name, terms, 1.0 - float(np.sum(y > 0.5)), np.inf)


def best_portfolio(
    problem: DesignProblem,
    choices: Sequence[Choice],
    stop: DesignStop,
    report: Report,
    least_load: float | None,
    paths: Sequence[Sequence[tuple[int, Ints]]],
) -> Found:
    """The best plan; where routes must fill, plans whose own best flows leave one too empty are ruled out."""
    cuts = 0
    while True:
        answer = solve_design(problem, stop, report, paths=paths)
        if least_load is None or not answer.flows:
            return Found(answer, (), cuts)
        thin = thin_choices(problem, choices, answer, least_load)
        if not thin or cuts >= MOST_CUTS:
            return Found(answer, thin, cuts)
        cuts += 1
        y = answer.open.astype(float)
        problem = replace(problem, rows=other_than(problem.rows, f"load {cuts}", y))


def thin_choices(
    problem: DesignProblem, choices: Sequence[Choice], answer: DesignAnswer, least_load: float
) -> tuple[int, ...]:
    """Routes of a plan whose mean load factor, in tonnes on their legs, is below `least_load`."""
    loads = gate_loads(problem, answer)
    return tuple(
        number
        for number, (load, room) in loads.items()
        if answer.open[number]
        and load < least_load * room
        and isinstance(choices[number].option, RouteOption)
    )


def gate_loads(problem: DesignProblem, answer: DesignAnswer) -> dict[int, tuple[float, float]]:
    """Tonnes on the legs of each open choice, and what those legs could carry, summed over legs."""
    from logistics.models.flow.columns import UseIndex

    found: dict[int, tuple[float, float]] = {}
    for year, flow in enumerate(answer.flows):
        instance = problem.instances[year]
        draws_on = np.zeros(len(instance.resources))
        index, c = UseIndex(instance), instance.commodities
        for layer in range(len(instance.layers)):
            mine = np.flatnonzero(c.layer[flow.commodity] == layer)
            if len(mine):
                draws = index.draws(layer, c.product[flow.commodity[mine]], [flow.path[i] for i in mine])
                tonnes = flow.flow_t[mine][draws.path]
                draws_on += np.bincount(draws.row, draws.amount * tonnes, len(instance.resources))
        for row, option in zip(*problem.gates[year], strict=True):
            resource = instance.resources[row]
            if resource.unit == "t" and resource.kind == "service":
                load, room = found.get(int(option), (0.0, 0.0))
                found[int(option)] = load + float(draws_on[row]), room + resource.capacity
    return found


def alternatives(
    problem: DesignProblem,
    choices: Sequence[Choice],
    best: DesignAnswer,
    most_value: float,
    count: int,
    stop: DesignStop,
    report: Report,
) -> list[DesignAnswer]:
    """Up to `count` further plans that cost at most `most_value`, each with other units than all before.

    A plan is structurally different when the units of its last year differ, whatever the levels; plans seen
    are ruled out one by one.
    """
    last = max(choice.year for choice in choices)
    units: dict[str, list[int]] = {}
    for number, choice in enumerate(choices):
        if choice.year == last:
            units.setdefault(choice.unit_id, []).append(number)
    rows, found = problem.rows, []
    seen = best.open
    for number in range(1, count + 1):
        terms, inside = [], 0
        for members in units.values():
            is_in = bool(np.any(seen[members]))
            inside += is_in
            terms += [(i, -1.0 if is_in else 1.0) for i in members]
        rows = rows.with_row(f"other {number}", terms, 1.0 - inside, np.inf)
        answer = solve_design(replace(problem, rows=rows), stop, report)
        if not answer.flows or answer.value > most_value:
            break
        found.append(answer)
        seen = answer.open
    return found


def budget_frontier(
    problem: DesignProblem,
    rulebook: Rulebook,
    factors: Sequence[float],
    stop: DesignStop,
    report: Report,
    start: Floats,
) -> dict[float, DesignAnswer]:
    """The best plan with all budgets times each factor."""
    found = {}
    for factor in sorted(factors):
        rows = rulebook.rows(factor)
        known = [start] if rows.kept(start) else []
        found[factor] = solve_design(replace(problem, rows=rows), stop, report, known)
    return found
