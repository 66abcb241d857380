"""Sites with capacities: which to open, and who is served from where.

Model: that of :mod:`logistics.models.siting` with (3), and with (4) where every customer is served from one
site. Way: prices of the customers bound what can be (:mod:`lagrangian`), sets of sites near what the prices
like are tried (:mod:`open_sets`), and a search splits what is left until the bound meets the best set
(:mod:`branch_and_bound`).
"""

from __future__ import annotations

import time
from dataclasses import replace

import numpy as np

from logistics.models.siting.branch_and_bound import Search
from logistics.models.siting.choices import common_step
from logistics.models.siting.openings import OpeningRules
from logistics.models.siting.problem import (
    Flows,
    Report,
    SitingAnswer,
    SitingProblem,
    SitingStop,
    relative_gap,
    without_solution,
)
from logistics.models.siting.progress import Shown
from logistics.models.siting.relaxation import Relaxation
from logistics.models.siting.served_sets import ServedSets
from logistics.models.siting.shortage import why_none


def solve_capacitated(problem: SitingProblem, stop: SitingStop, report: Report) -> SitingAnswer:
    """Choose sites with capacities at least cost.

    Parameters
    ----------
    problem
        With a site that may serve it for every customer; of equal sites the first counts.
    stop, report
        When to stop, and whom to tell on the way.

    Returns
    -------
    SitingAnswer
        Its bound rests on the prices of the parts that were searched (``search``).
    """
    started = time.monotonic()
    rules = OpeningRules.of(problem)
    deadline = started + stop.time_limit_s
    sets = ServedSets(problem, rules, deadline)
    shown = Shown(report, sets, started)
    # Served whole, customers cost what the table says, and all costs have a common step if the table's do.
    step = common_step(problem) if problem.single_source and problem.constant == 0.0 else 0.0
    search = Search(Relaxation(problem, rules), sets, stop, step, shown, deadline)
    outcome = search.run()
    seconds = {"root": outcome.root_seconds, "search": time.monotonic() - started - outcome.root_seconds}
    if sets.service is None or sets.value >= stop.below:
        is_impossible = outcome.is_finished and outcome.bound == np.inf and stop.below == np.inf
        obstacle = why_none(problem, rules) if is_impossible else None
        answer = without_solution(problem, obstacle, outcome.bound, nodes=outcome.nodes, seconds=seconds)
        return replace(answer, bound_by="search")
    site, customer = np.nonzero(sets.service)
    flows = Flows(
        np.flatnonzero(sets.opened)[site].astype(np.int32),
        customer.astype(np.int32),
        sets.service[site, customer],
    )
    assignment = np.full(problem.num_customers, -1, np.int32)
    alone = np.bincount(flows.customer, minlength=problem.num_customers)[flows.customer] == 1
    assignment[flows.customer[alone]] = flows.site[alone]
    gap = relative_gap(sets.value, outcome.bound)
    return SitingAnswer(
        status="optimal" if outcome.is_finished or gap <= stop.gap else "limit",
        open=sets.opened,
        assignment=assignment,
        flows=flows,
        value=sets.value,
        bound=outcome.bound,
        gap=gap,
        bound_by="search",
        nodes=outcome.nodes,
        seconds=seconds,
    )
