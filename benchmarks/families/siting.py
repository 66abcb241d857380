"""Family ``siting``: published and generated facility location, valued by cost of sites and service."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.siting.audit import audited, audited_two_stages
from benchmarks.siting.generated import LARGE, LARGE_GAP, SIZES, built
from benchmarks.siting.layouts import layout_of
from benchmarks.siting.peer_models import Arrays, median_arrays, strong_arrays
from benchmarks.siting.reading import read_instance, siting_problem
from benchmarks.spec import Found, Outcome, Recognised, Spec, Task
from logistics.models.siting.problem import (
    SitingAnswer,
    SitingProblem,
    SitingProgress,
    SitingStop,
    TwoStageAnswer,
    TwoStageProblem,
)
from logistics.models.siting.solve import solve_siting
from logistics.models.siting.two_stage import solve_two_stage

GAP = 1e-9
BESIDE = {".opt": "optimum", ".bub": "best known"}
"""Files of UflLib beside an instance, which end with its value."""


def recognise(path: Path) -> Recognised | None:
    """Files in one of the formats, whatever they are called."""
    if layout_of(path) is None:
        return None
    for ending, kind in BESIDE.items():
        beside = path.with_name(path.name + ending)
        if beside.is_file():
            return Recognised(float(beside.read_text(encoding="utf-8").split()[-1]), kind)
    return Recognised()


def build(found: Found) -> SitingProblem | TwoStageProblem:
    """Read or generate the instance."""
    if found.seed is not None:
        return built(found.source, found.seed)
    return read_instance(found)


def solve(task: Task, problem: SitingProblem | TwoStageProblem) -> SitingAnswer | TwoStageAnswer:
    """Solve with the engine's siting model."""

    def report(progress: SitingProgress) -> None:
        task.progress(progress.value, progress.bound, progress.gap)

    if isinstance(problem, TwoStageProblem):
        return solve_two_stage(problem, SitingStop(GAP, task.time_limit_s), report)
    gap = LARGE_GAP if problem.num_sites >= LARGE else GAP
    return solve_siting(problem, SitingStop(gap, task.time_limit_s), report)


def check(task: Task, answer: SitingAnswer | TwoStageAnswer) -> Outcome:
    """Audit the answer."""
    found = task.found
    published = found.published if found.value_kind.startswith("optimum") else None
    if isinstance(answer, TwoStageAnswer):
        return audited_two_stages(task.problem, answer, published)
    return audited(task.problem, answer, published)


def warm_up() -> None:
    """Solve tiny problems of each kind, some of which need a tree."""
    random = np.random.default_rng(1)
    cost, ones = random.uniform(1.0, 9.0, (12, 20)), np.ones(20)
    plain = siting_problem(random.uniform(5.0, 9.0, 12), cost)
    median = siting_problem(np.zeros(12), cost, num_open=3)
    split = siting_problem(random.uniform(5.0, 9.0, 12), cost, ones, np.full(12, 4.5))
    for problem in (plain, median, split, replace(split, single_source=True)):
        assert audited(problem, solve_siting(problem), None).verified


def in_one_stage(arrays: Callable[[SitingProblem], Arrays | None]) -> Callable[[Any], Arrays | None]:
    """Peers' arrays of problems with one stage; of two stages they have none."""
    return lambda problem: arrays(problem) if isinstance(problem, SitingProblem) else None


SPEC = Spec(
    name="siting",
    about="published facility location and p-median, and generated ones: cost of sites and service",
    build=build,
    phases={"solve": solve, "check": check},
    sizes=SIZES,
    recognise=recognise,
    warm_up=warm_up,
    peers={
        "spopt-cbc": in_one_stage(median_arrays),
        "highs": in_one_stage(strong_arrays),
        "scip": in_one_stage(strong_arrays),
    },
)
