"""The one way in: a design problem to its best plan, with flows and a global bound."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from logistics.models.design.large import LargeDesign, is_large_design
from logistics.models.design.problem import (
    DesignAnswer,
    DesignProblem,
    DesignStatus,
    DesignStop,
    Proof,
    Report,
    relative_gap,
)
from logistics.models.design.record import Record
from logistics.models.design.relaxation import Relaxation
from logistics.models.design.search import TreeSearch
from logistics.models.flow.column_generation import FlowModel, StopRule
from logistics.models.flow.solved import Duals, LeastUnserved, SolvedFlow
from logistics.virtual_network.instance import Instance

Floats = NDArray[np.float64]
Ints = NDArray[np.int32]
Paths = Sequence[tuple[int, Ints]]


def solve_design(
    problem: DesignProblem,
    stop: DesignStop | None = None,
    report: Report | None = None,
    start: Sequence[Floats] = (),
    paths: Sequence[Paths] | None = None,
) -> DesignAnswer:
    """Choose options and flows at least cost.

    Parameters
    ----------
    report
        Called whenever plan or bound improve, and after each node.
    start
        Choices of options to try first, each of shape (options,): the answer does not depend on them, the
        time does.
    paths
        For each year paths known to be good, as (commodity, arcs).
    """
    stop = stop or DesignStop()
    if is_large_design(problem):
        return LargeDesign(problem, stop, report, paths).solve(start)
    record = Record(stop, report)
    relaxation = Relaxation(problem, tuple(list(each) for each in paths) if paths is not None else None)
    search = TreeSearch(problem, relaxation, record, stop)
    for y in start:
        # So that there is a plan when time is up.
        search.try_options(np.asarray(y, dtype=float), to_the_end=True)
    possible = search.run()
    proof: Proof = "solver" if record.by_solver else "prices" if record.nodes <= 1 else "search"
    if not possible:
        nothing = np.zeros(len(problem.options), bool)
        return DesignAnswer(
            "infeasible", nothing, np.inf, np.inf, proof, np.inf, (), search.duals, record.nodes,
            tuple(record.history),
        )  # fmt: skip
    if record.y is None:
        return _without_plan(problem, record, search)
    flows = flows_of_plan(problem, record.y, stop, relaxation.columns)
    value = float(problem.cost @ record.y)
    value += float(sum(w * flow.objective for w, flow in zip(problem.year_weight, flows, strict=True)))
    bound = min(record.bound, value)
    gap = relative_gap(value, bound)
    status: DesignStatus = "optimal" if gap <= stop.gap else "limit"
    return DesignAnswer(
        status=status,
        open=record.y > 0.5,
        value=value,
        bound=bound,
        proof=proof if np.isfinite(bound) else "none",
        gap=gap,
        flows=flows,
        duals=search.duals,
        nodes=record.nodes,
        history=tuple(record.history),
    )


def _without_plan(problem: DesignProblem, record: Record, search: TreeSearch) -> DesignAnswer:
    nothing = np.zeros(len(problem.options), bool)
    proof: Proof = "none" if np.isneginf(record.bound) else "search"
    return DesignAnswer(
        "no_plan", nothing, np.inf, record.bound, proof, np.inf, (), search.duals, record.nodes,
        tuple(record.history),
    )  # fmt: skip


def flows_of_plan(
    problem: DesignProblem, y: Floats, stop: DesignStop, paths: Sequence[Paths] | None = None
) -> tuple[SolvedFlow, ...]:
    """The flows of each year with these options open, each solved with its own certificate."""
    flows = []
    for number in range(len(problem.instances)):
        instance = instance_with(problem, number, y)
        known = [] if paths is None else paths[number]
        model = FlowModel(instance, StopRule(gap=stop.flow_gap), start=known, least=_least(problem, number))
        flows.append(model.solve())
    return tuple(flows)


def instance_with(problem: DesignProblem, year: int, y: Floats) -> Instance:
    """The instance of a year with the capacities that open options give."""
    instance = problem.instances[year]
    capacity = problem.capacity(year, y)
    resources = tuple(
        each._replace(capacity=float(amount))
        for each, amount in zip(instance.resources, capacity, strict=True)
    )
    return replace(instance, resources=resources)


def _least(problem: DesignProblem, year: int) -> LeastUnserved | None:
    """What may stay unserved, where something may."""
    instance, allowed = problem.instances[year], problem.allowed_t(year)
    if instance.unserved_cny_per_t is not None or allowed <= 0:
        return None
    none = np.zeros(len(instance.resources))
    duals = Duals(none, np.zeros(len(instance.limits)), 0.0, 0.0, 0.0)
    return LeastUnserved(allowed, 0.0, duals, True)
