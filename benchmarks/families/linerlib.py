"""Family ``linerlib``: cargo flow on published liner networks, valued by profit a week in USD."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

from benchmarks.capacitated_flow import arc_program
from benchmarks.linerlib.audit import audited
from benchmarks.linerlib.logs import is_log, read_log
from benchmarks.linerlib.model import CargoFlow, FlowProblem, cargo_flow, flow_problem
from benchmarks.linerlib.network import Network, Service, read_network
from benchmarks.linerlib.tables import Demand, Port, kind_of
from benchmarks.spec import BenchmarkError, Found, Outcome, Recognised, Spec, Task
from logistics.models.flow.column_generation import FlowModel, Progress, StopRule

GAP = 1e-9
"""Profit is a small difference of large sums, so the model's gap must be far below that of the profit."""
LOGGED = "weekly profit as logged"


def recognise(path: Path) -> Recognised | None:
    """Logs can be run; demand tables have no network of their own."""
    if is_log(path):
        try:
            return Recognised(read_log(path).objective, LOGGED)
        except BenchmarkError as error:
            return Recognised(skip=str(error))
    if kind_of(path) == "demand":
        return Recognised(skip="a demand table: no network to evaluate")
    return None


def build(found: Found) -> FlowProblem:
    """Read log and tables, and build the instance."""
    return flow_problem(read_network(Path(found.source), Path(found.data)))


def solve(task: Task, problem: FlowProblem) -> CargoFlow:
    """Solve with the engine's flow model."""

    def report(progress: Progress) -> None:
        value = problem.constant_usd - progress.value
        bound = problem.constant_usd - progress.bound
        task.progress(value, bound, (bound - value) / max(1.0, abs(value)))

    model = FlowModel(problem.instance, StopRule(GAP, task.time_limit_s), report)
    return cargo_flow(problem, model.solve())


def check(task: Task, flow: CargoFlow) -> Outcome:
    """Audit the answer."""
    return audited(task.problem.network, flow)


def toy_network() -> Network:
    """Two services meeting at B, one of them calling at B twice.

    Of 30 FFE from A to D, 20 fit on the shuttle; of 10 from A to C, all.
    """
    codes = ("AAAAA", "BBBBB", "CCCCC", "DDDDD")
    a, b, c, d = codes
    return Network(
        services=(Service("0", (a, b), 40.0, 1000.0), Service("1", (b, c, b, d), 20.0, 500.0)),
        ports={code: Port(code, 10.0, 5.0, 0.0, 0.0) for code in codes},
        demand=(Demand(a, c, 10.0, 200.0), Demand(a, d, 30.0, 100.0), Demand(c, d, 8.0, 60.0)),
    )


def warm_up() -> None:
    """Solve the toy network."""
    problem = flow_problem(toy_network())
    task = Task(Found("", "", None, "", None, ""), problem, 60.0, lambda *_: None)
    assert check(task, solve(task, problem)).verified


def arcs(problem: FlowProblem) -> dict[str, Any]:
    """The same instance with a variable for each arc; its value is the loss, profit with the other sign."""
    program = arc_program(problem.instance)
    return replace(program, constant=program.constant - problem.constant_usd).arrays()


SPEC = Spec(
    name="linerlib",
    about="cargo flow on published liner networks (LINERLIB logs): profit a week, USD",
    build=build,
    phases={"solve": solve, "check": check},
    maximise=True,
    recognise=recognise,
    warm_up=warm_up,
    peers={"highs-arc": arcs},
)
