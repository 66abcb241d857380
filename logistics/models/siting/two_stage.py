"""Plants and depots with capacities: which to open, so that all customers are served over both at least cost.

Data: plants i with fixed cost F_i and capacity U_i, depots j with G_j and W_j; unit costs a_ij from plant
to depot and c_jk from depot to customer; demands d_k. Decisions: p_i, y_j ∈ {0, 1}, open or not; z_ij, x_jk
≥ 0, units. Model:

    min  Σ F_i p_i + Σ G_j y_j + Σ a_ij z_ij + Σ c_jk x_jk
    (1)  Σ_j x_jk = d_k                       for every customer k
    (2)  Σ_k x_jk = Σ_i z_ij                  for every depot j
    (3)  Σ_j z_ij ≤ U_i p_i                   for every plant i
    (4)  Σ_k x_jk ≤ W_j y_j,  x_jk ≤ d_k y_j  for every depot j, every customer k
    (5)  x_jk ∈ {0, d_k}                      where every customer is served from one depot
    (6)  side rows on p, and on y

The search is that of :mod:`logistics.models.siting.capacitated`, over depots and plants alike.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import replace

import numpy as np

from logistics.models.siting.branch_and_bound import Search
from logistics.models.siting.problem import (
    Infeasible,
    Report,
    SitingProblem,
    SitingStop,
    TwoStageAnswer,
    TwoStageProblem,
    relative_gap,
)
from logistics.models.siting.progress import Shown
from logistics.models.siting.shortage import why_none
from logistics.models.siting.two_stage_relaxation import TwoStageRelaxation, TwoStageRules, times
from logistics.models.siting.two_stage_sets import TwoStageSets


def solve_two_stage(
    problem: TwoStageProblem, stop: SitingStop | None = None, report: Report | None = None
) -> TwoStageAnswer:
    """Choose plants and depots at least cost.

    Parameters
    ----------
    problem
        The problem; of equal sites the first counts.
    stop, report
        As for :func:`~logistics.models.siting.solve.solve_siting`.

    Returns
    -------
    TwoStageAnswer
        Its bound rests on the prices of the parts that were searched (``search``).
    """
    started, stop = time.monotonic(), stop or SitingStop()
    wanted = problem.demand > 0.0
    served = replace(
        problem,
        demand=problem.demand[wanted],
        depot_cost=np.ascontiguousarray(problem.depot_cost[:, wanted]),
        customer_ids=tuple(np.array(problem.customer_ids)[wanted]),
        single_source=problem.single_source and bool(wanted.any()),
    )
    obstacle = _obstacle(served)
    if obstacle is not None:
        return _without_solution(problem, obstacle, -np.inf, 0, {})
    rules = TwoStageRules.of(served)
    relaxation = TwoStageRelaxation(served, rules)
    deadline = started + stop.time_limit_s
    sets = TwoStageSets(relaxation, rules, deadline)
    outcome = Search(relaxation, sets, stop, 0.0, Shown(report, sets, started), deadline).run()
    seconds = {"root": outcome.root_seconds, "search": time.monotonic() - started - outcome.root_seconds}
    if sets.service is None or sets.value >= stop.below:
        is_impossible = outcome.is_finished and outcome.bound == np.inf and stop.below == np.inf
        why = _why_none(relaxation) if is_impossible else None
        return _without_solution(problem, why, outcome.bound, outcome.nodes, seconds)
    num_depots = len(problem.depot_ids)
    depot_open, plant_open = sets.opened[:num_depots], sets.opened[num_depots:]
    sent, to_customers = sets.service
    plant_flow, depot_flow = np.zeros(problem.plant_cost.shape), np.zeros(problem.depot_cost.shape)
    plant_flow[np.ix_(plant_open, depot_open)] = sent
    depot_flow[np.ix_(depot_open, wanted)] = to_customers
    gap = relative_gap(sets.value, outcome.bound)
    return TwoStageAnswer(
        status="optimal" if outcome.is_finished or gap <= stop.gap else "limit",
        plant_open=plant_open,
        depot_open=depot_open,
        plant_flow=plant_flow,
        depot_flow=depot_flow,
        value=sets.value,
        bound=outcome.bound,
        gap=gap,
        bound_by="search",
        nodes=outcome.nodes,
        seconds=seconds,
    )


def _obstacle(problem: TwoStageProblem) -> Infeasible | None:
    """What shows at once that there is no solution."""
    if not problem.depot_ids or not problem.plant_ids:
        return Infeasible("no_sites")
    reached = np.isfinite(problem.plant_cost).any(axis=0, keepdims=True).T
    alone = np.flatnonzero(~(np.isfinite(problem.depot_cost) & reached).any(axis=0))
    return Infeasible("nobody_serves", rows=alone.astype(np.int32)) if len(alone) else None


def _why_none(relaxation: TwoStageRelaxation) -> Infeasible:
    """Why no choice of sites serves all: the depots alone, the plants alone, or both together."""
    problem, rules = relaxation.problem, relaxation.rules
    cost = times(problem.depot_cost, problem.demand[None, :])
    everything = np.array([problem.demand.sum()])
    depots = SitingProblem(
        problem.depot_fixed_cost, cost, problem.demand, problem.depot_capacity,
        problem.depot_ids, problem.customer_ids, problem.single_source, side=problem.depot_side,
    )  # fmt: skip
    plants = SitingProblem(
        problem.plant_fixed_cost, np.zeros((len(problem.plant_ids), 1)), everything, problem.plant_capacity,
        problem.plant_ids, ("all",), side=problem.plant_side,
    )  # fmt: skip
    for level, level_rules in ((depots, rules.depots), (plants, rules.plants)):
        why = why_none(level, level_rules)
        if why.obstacle != "no_set_serves_all":
            return why
    missing = relaxation.flow(np.ones(len(problem.depot_ids) + len(problem.plant_ids), bool))[-1]
    return Infeasible("capacity_short", missing=missing) if missing > 0.0 else Infeasible("no_set_serves_all")


def _without_solution(
    problem: TwoStageProblem,
    infeasible: Infeasible | None,
    bound: float,
    nodes: int,
    seconds: Mapping[str, float],
) -> TwoStageAnswer:
    """The answer without a solution: there is none (`infeasible`), or none was found in time (None)."""
    return TwoStageAnswer(
        status="limit" if infeasible is None else "infeasible",
        plant_open=np.zeros(len(problem.plant_ids), bool),
        depot_open=np.zeros(len(problem.depot_ids), bool),
        plant_flow=np.zeros(problem.plant_cost.shape),
        depot_flow=np.zeros(problem.depot_cost.shape),
        value=np.inf,
        bound=bound,
        gap=np.inf,
        bound_by="search",
        nodes=nodes,
        seconds=seconds,
        infeasible=infeasible,
    )
