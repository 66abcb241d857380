"""Family ``network-design``: published fixed-charge networks (Canad), valued by cost of arcs and flows."""

from __future__ import annotations

from dataclasses import fields
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.network_design.audit import audited
from benchmarks.network_design.dow import FixedChargeNetwork, is_dow, read_dow
from benchmarks.network_design.model import design_problem, strong_program
from benchmarks.spec import Found, Outcome, Recognised, Spec, Task
from logistics.models.design.problem import DesignAnswer, DesignProgress, DesignStop
from logistics.models.design.solve import solve_design

GAP = 1e-6


def recognise(path: Path) -> Recognised | None:
    """Files of the Canad format, whatever they are called."""
    return Recognised() if is_dow(path) else None


def build(found: Found) -> FixedChargeNetwork:
    """Read the file."""
    return read_dow(Path(found.source))


def solve(task: Task, network: FixedChargeNetwork) -> DesignAnswer:
    """Solve with the engine's portfolio model."""

    def report(progress: DesignProgress) -> None:
        task.progress(progress.value, progress.bound, progress.gap)

    return solve_design(design_problem(network), DesignStop(GAP, task.time_limit_s), report)


def check(task: Task, answer: DesignAnswer) -> Outcome:
    """Audit the answer."""
    found = task.found
    published = found.published if found.value_kind.startswith("optimum") else None
    return audited(task.problem, answer, published)


def toy_network() -> FixedChargeNetwork:
    """Two ways from 0 to 3, and cargo that fills one of them and a bit."""
    return FixedChargeNetwork(
        num_nodes=4,
        tail=np.array([0, 1, 0, 2], dtype=np.int32),
        head=np.array([1, 3, 2, 3], dtype=np.int32),
        cost=np.array([1.0, 1.0, 2.0, 2.0]),
        capacity=np.full(4, 10.0),
        fixed_cost=np.array([5.0, 5.0, 20.0, 20.0]),
        origin=np.array([0, 0], dtype=np.int32),
        destination=np.array([3, 3], dtype=np.int32),
        demand=np.array([6.0, 6.0]),
    )


def warm_up() -> None:
    """Solve the toy network."""
    network = toy_network()
    assert audited(network, solve_design(design_problem(network), DesignStop(GAP)), 78.0).verified


def strong_arrays(network: FixedChargeNetwork) -> dict[str, Any]:
    """What ``strong_mip.py`` reads."""
    program = strong_program(network)
    return {each.name: getattr(program, each.name) for each in fields(program)}


SPEC = Spec(
    name="network-design",
    about="published fixed-charge network design (Canad): cost of arcs and flows",
    build=build,
    phases={"solve": solve, "check": check},
    recognise=recognise,
    warm_up=warm_up,
    peers={"scip": strong_arrays, "highs": strong_arrays},
)
