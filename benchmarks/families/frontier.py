"""Family ``frontier``: how many cold solves a frontier of money and hours costs, on the Zhejiang network."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from benchmarks.spec import Found, Outcome, Spec, Task
from logistics.models.flow.column_generation import FlowModel, StopRule
from logistics.scenario.case import Case, read_case
from logistics.studies.register import run_study
from logistics.studies.study import StudyResult
from logistics.studies.year_flow import Question

SCENARIOS = Path(__file__).resolve().parents[2] / "scenarios"
POINTS = 20
HOUR_CNY = 20.0
"""Weight of an hour in the cold solve: about the middle of the frontier."""


@dataclass(frozen=True)
class Timed:
    """The study's result and the seconds of one cold solve of a weighted sum."""

    result: StudyResult
    cold_s: float


def build(found: Found) -> Case:
    """Read the baseline and ask for its frontier."""
    case = read_case(SCENARIOS / f"{found.source}.yaml")
    study = {"kind": "frontier", "objectives": ["money", "hours"], "points": POINTS}
    return replace(case, scenario=replace(case.scenario, study=study))


def cold(task: Task, case: Case) -> float:
    """Seconds of one weighted sum, solved from nothing."""
    scenario, year = case.scenario, case.scenario.years[0]
    asked = Question.of(scenario, case.networks[year], year)
    instance, _ = replace(asked, weights={"money": 1.0, "customer_h": HOUR_CNY}).compiled()
    started = time.perf_counter()
    FlowModel(instance, StopRule(scenario.solver.gap, task.time_limit_s)).solve()
    return time.perf_counter() - started


def points(task: Task, cold_s: float) -> Timed:
    """Trace the frontier, each point checked."""
    return Timed(run_study(task.problem), cold_s)


def check(_task: Task, timed: Timed) -> Outcome:
    """Report points, the largest doubt between neighbours, and the cost in cold solves."""
    table = timed.result.tables["frontier"]
    found = [row for row in table.to_pylist() if row["point"]]
    doubts = [row["doubt_to_next"] for row in found if row["doubt_to_next"] is not None]
    seconds: Mapping[str, float] = timed.result.seconds
    solve_s = seconds["plans_solve"]
    notes = (
        f"{len(found)} points cost {solve_s / timed.cold_s:.1f} cold solves of {timed.cold_s:.1f} s",
        f"checked in {seconds['plans_verify']:.1f} s",
        f"largest doubt between neighbours {max(doubts, default=0.0):.2g} of the extent",
    )
    worst = max(row["gap"] for row in found)
    return Outcome(float(len(found)), None, worst, timed.result.verified, notes=notes)


SPEC = Spec(
    name="frontier",
    about=f"{POINTS} points of money and hours: their number, and what they cost in cold solves",
    build=build,
    phases={"cold": cold, "points": points, "check": check},
    sizes=("baseline-2021",),
)
