"""Maximal coverage: as much weight as possible within reach of few open sites.

A customer who is in reach costs nothing, one who is not costs its weight: the weight that is not covered is
the least cost of a siting problem without capacities.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from logistics.models.siting.problem import (
    CoverageProblem,
    Flows,
    Report,
    SitingAnswer,
    SitingProblem,
    SitingStop,
    relative_gap,
)
from logistics.models.siting.solve import solve_siting


def solve_coverage(
    problem: CoverageProblem, stop: SitingStop | None = None, report: Report | None = None
) -> SitingAnswer:
    """Cover as much weight as possible.

    Parameters
    ----------
    problem
        The problem.
    stop
        When to stop; its gap is of the weight that is not covered.
    report
        Called on the way, with the weight that is not covered as value.

    Returns
    -------
    SitingAnswer
        `value` is the weight covered, `bound` the most that any choice covers. Customers out of reach are
        assigned to nobody.
    """
    sites = len(problem.site_ids)
    missed = SitingProblem(
        fixed_cost=np.zeros(sites),
        cost=np.where(problem.in_reach, 0.0, problem.weight[None, :]),
        demand=problem.weight,
        capacity=np.full(sites, np.inf),
        site_ids=problem.site_ids,
        customer_ids=problem.customer_ids,
        most_open=problem.most_open,
        side=problem.side,
    )
    answer = solve_siting(missed, stop, report)
    total = float(problem.weight.sum())
    if not answer.open.any():
        return replace(answer, value=-np.inf, bound=total - answer.bound, prices=None, side_prices=None)
    # Of open sites in reach the one with the smallest id serves.
    sites_open = np.array(sorted(np.flatnonzero(answer.open), key=lambda i: problem.site_ids[i]))
    covered = problem.in_reach[sites_open].any(axis=0)
    first = sites_open[problem.in_reach[sites_open].argmax(axis=0)]
    assignment = np.where(covered, first, -1).astype(np.int32)
    served = np.flatnonzero(covered).astype(np.int32)
    value, bound = float(problem.weight[covered].sum()), total - answer.bound
    return replace(
        answer,
        assignment=assignment,
        flows=Flows(assignment[covered], served, np.ones(len(served))),
        value=value,
        bound=max(value, bound),
        gap=relative_gap(value, max(value, bound)),
    )
