"""A second opinion on an answer, from the problem's arrays alone, without the engine's lists or kernels."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from benchmarks.spec import Outcome
from logistics.models.siting.problem import SitingAnswer, SitingProblem, TwoStageAnswer, TwoStageProblem

Floats = NDArray[np.float64]
TOLERANCE = 1e-6
"""Share of a capacity, at least 1, by which it may be exceeded; and of a published optimum, rounded."""
AGREEMENT = 1e-9


def audited(problem: SitingProblem, answer: SitingAnswer, published: float | None) -> Outcome:
    """Recompute service, loads, cost and bound; hold them against the claims and a published optimum.

    Parameters
    ----------
    published
        Optimum that others found; None: none is known.
    """
    if answer.status == "infeasible" or not answer.open.any():
        return _nothing(answer)
    value, complaints = _value(problem, answer)
    bound, notes = float(answer.bound), []
    if answer.bound_by == "prices" and not problem.is_capacitated:
        proven = _bound_by_prices(problem, answer)
        if proven < bound - AGREEMENT * max(1.0, abs(bound)):
            complaints.append(f"its prices prove {proven:.10g}, not {bound:.10g}")
            bound = proven
        notes.append("bound recomputed from prices")
    else:
        notes.append(f"bound by {answer.bound_by}, {answer.nodes} nodes, taken on trust")
    return _outcome(value, bound, answer, complaints, notes, published)


def audited_two_stages(problem: TwoStageProblem, answer: TwoStageAnswer, published: float | None) -> Outcome:
    """The same for two stages."""
    if answer.status == "infeasible" or not answer.depot_open.any():
        return _nothing(answer)
    value, complaints = _two_stage_value(problem, answer)
    notes = [f"bound by {answer.bound_by}, {answer.nodes} nodes, taken on trust"]
    return _outcome(value, float(answer.bound), answer, complaints, notes, published)


def _nothing(answer: SitingAnswer | TwoStageAnswer) -> Outcome:
    why = "none was found" if answer.infeasible is None else answer.infeasible.obstacle
    bound = float(answer.bound) if np.isfinite(answer.bound) else None
    return Outcome(None, bound, None, False, notes=(f"no solution: {why}",))


def _outcome(
    value: float,
    bound: float,
    answer: SitingAnswer | TwoStageAnswer,
    complaints: list[str],
    notes: list[str],
    published: float | None,
) -> Outcome:
    scale = max(1.0, abs(value))
    if abs(value - answer.value) > AGREEMENT * scale:
        complaints.append(f"the choice costs {value:.10g}, not {answer.value:.10g}")
    if bound > value + AGREEMENT * scale:
        complaints.append(f"the bound {bound:.10g} contradicts the value {value:.10g}")
    if published is not None and bound > published + TOLERANCE * scale:
        complaints.append(f"the bound {bound:.10g} is above the published optimum {published:.10g}")
    if published is not None and value < published - TOLERANCE * scale:
        complaints.append(f"the choice is below the published optimum {published:.10g}")
    gap = max(0.0, value - bound) / scale if np.isfinite(bound) else None
    wrong = bool(complaints)
    return Outcome(
        None if wrong else value,
        bound if np.isfinite(bound) else None,
        gap,
        not wrong,
        tuple(complaints),
        tuple(notes),
    )


def _value(problem: SitingProblem, answer: SitingAnswer) -> tuple[float, list[str]]:
    """Cost of a choice and its service, and what is wrong with them."""
    complaints = []
    site, customer, share = answer.flows.site, answer.flows.customer, answer.flows.share
    served = np.bincount(customer, share, problem.num_customers)
    if np.any(np.abs(served - 1.0) > TOLERANCE):
        complaints.append(f"{int((np.abs(served - 1.0) > TOLERANCE).sum())} customers are not served once")
    if np.any(share < -TOLERANCE) or not answer.open[site].all():
        complaints.append("closed sites serve, or less than nothing flows")
    load = np.bincount(site, share * problem.demand[customer], problem.num_sites)
    if np.any(load > problem.capacity + TOLERANCE * np.maximum(1.0, problem.capacity)):
        complaints.append("sites serve more than their capacity")
    if problem.single_source and np.any(np.bincount(customer, minlength=problem.num_customers) != 1):
        complaints.append("customers are served by several sites")
    count = int(answer.open.sum())
    if not problem.least_open <= count <= problem.num_most_open:
        complaints.append(f"{count} sites are open")
    if problem.side is not None:
        activity = problem.side.coefficient @ answer.open
        slack = TOLERANCE * np.maximum(1.0, np.abs(activity))
        if np.any(activity < problem.side.lower - slack) or np.any(activity > problem.side.upper + slack):
            complaints.append("side rows are broken")
    value = problem.constant + problem.fixed_cost[answer.open].sum()
    return float(value + (share * problem.cost[site, customer]).sum()), complaints


def _bound_by_prices(problem: SitingProblem, answer: SitingAnswer) -> float:
    """What the prices prove, row by row of the cost matrix; raised to whole costs where all are whole."""
    assert answer.prices is not None
    reduced = problem.fixed_cost.copy()
    for i in range(problem.num_sites):
        reduced[i] -= np.maximum(answer.prices - problem.cost[i], 0.0).sum()
    total = problem.constant + answer.prices.sum()
    if problem.side is not None and answer.side_prices is not None:
        reduced -= answer.side_prices @ problem.side.coefficient
        up, down = answer.side_prices > 0.0, answer.side_prices < 0.0
        total += (answer.side_prices[up] * problem.side.lower[up]).sum()
        total += (answer.side_prices[down] * problem.side.upper[down]).sum()
    sums = np.concatenate([[0.0], np.cumsum(np.sort(reduced))])
    bound = float(total + sums[max(1, problem.least_open) : problem.num_most_open + 1].min())
    costs = problem.cost[np.isfinite(problem.cost)]
    if not np.any(costs % 1.0) and not np.any(problem.fixed_cost % 1.0) and problem.constant % 1.0 == 0.0:
        step = np.gcd.reduce(np.concatenate([costs, problem.fixed_cost]).astype(np.int64))
        bound = float(np.ceil(bound / max(1, step) - TOLERANCE) * max(1, step))
    return bound


def _two_stage_value(problem: TwoStageProblem, answer: TwoStageAnswer) -> tuple[float, list[str]]:
    """Cost of plants, depots and flows, and what is wrong with them."""
    complaints = []
    plants, depots = answer.plant_open, answer.depot_open
    into, out = answer.plant_flow.sum(axis=0), answer.depot_flow.sum(axis=1)
    made = answer.plant_flow.sum(axis=1)
    slack = TOLERANCE * max(1.0, float(problem.demand.sum()))
    if np.any(np.abs(answer.depot_flow.sum(axis=0) - problem.demand) > slack):
        complaints.append("customers are not served as they ask")
    if np.any(np.abs(into - out) > slack):
        complaints.append("depots do not send what they receive")
    if np.any(made > np.where(plants, problem.plant_capacity, 0.0) + slack):
        complaints.append("plants send more than their capacity")
    if np.any(out > np.where(depots, problem.depot_capacity, 0.0) + slack):
        complaints.append("depots send more than their capacity")
    if answer.plant_flow.min(initial=0.0) < -slack or answer.depot_flow.min(initial=0.0) < -slack:
        complaints.append("less than nothing flows")
    if problem.single_source and np.any((answer.depot_flow > slack).sum(axis=0) > 1):
        complaints.append("customers are served by several depots")
    value = problem.plant_fixed_cost[plants].sum() + problem.depot_fixed_cost[depots].sum()
    for flow, cost in ((answer.plant_flow, problem.plant_cost), (answer.depot_flow, problem.depot_cost)):
        value += (flow[flow > 0.0] * cost[flow > 0.0]).sum()
    return float(value), complaints
