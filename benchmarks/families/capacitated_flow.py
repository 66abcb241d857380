"""Family ``capacitated-flow``: generated multimodal networks with scarce services, valued by their cost."""

from __future__ import annotations

from benchmarks.capacitated_flow import SIZES, arc_arrays, built
from benchmarks.flow_audit import audited_flow
from benchmarks.spec import Found, Outcome, Spec, Task
from logistics.models.flow.column_generation import FlowModel, Progress, StopRule
from logistics.models.flow.solved import SolvedFlow
from logistics.virtual_network.instance import Instance

GAP = 1e-6
WARM_UP_GAP = 0.1


def build(found: Found) -> Instance:
    """Generate the instance of a size and seed."""
    assert found.seed is not None
    return built(found.source, found.seed)


def solve(task: Task, instance: Instance) -> SolvedFlow:
    """Solve with the engine's flow model."""

    def report(progress: Progress) -> None:
        if progress.phase == "objective":
            task.progress(progress.value, progress.bound, progress.gap)

    return FlowModel(instance, StopRule(GAP, task.time_limit_s), report).solve()


def check(task: Task, solved: SolvedFlow) -> Outcome:
    """Audit the answer."""
    return audited_flow(task.problem, solved)


def warm_up() -> None:
    """Solve the smallest network, roughly."""
    instance = built(next(iter(SIZES)), 0)
    assert audited_flow(instance, FlowModel(instance, StopRule(WARM_UP_GAP, 60.0)).solve()).verified


SPEC = Spec(
    name="capacitated-flow",
    about="generated networks with scarce services: cost a year; sizes by sites, services, demand rows",
    build=build,
    phases={"solve": solve, "check": check},
    sizes=tuple(SIZES),
    warm_up=warm_up,
    peers={"highs-arc": arc_arrays},
)
