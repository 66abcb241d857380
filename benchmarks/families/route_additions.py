"""Family ``route-additions``: the worth of a thousand proposed routes from one solved base.

Some of them are solved from nothing as well, in the same process by the same stop rule.

Size ``Z`` is the Zhejiang network with the proposals of ``scenarios/route-additions-2023.yaml``.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.flow_audit import audited_flow
from benchmarks.route_additions import proposed
from benchmarks.spec import BenchmarkError, Found, Outcome, Spec, Task
from logistics.models.flow.column_generation import FlowModel, StopRule
from logistics.models.flow.solved import SolvedFlow
from logistics.models.routes.evaluate import BaseUnsolved, WarmBase
from logistics.models.routes.union import UnionInstance
from logistics.models.routes.worth import Worth
from logistics.proposals.entering import RouteOption, opened, options_of
from logistics.scenario.case import read_case
from logistics.studies.register import ready_study
from logistics.studies.route_union import compiled_union
from logistics.studies.year_flow import Question, checked_year
from logistics.words import sentence

SCENARIO = Path(__file__).resolve().parents[2] / "scenarios" / "route-additions-2023.yaml"
SIZES, ZHEJIANG = ("T", "S"), "Z"
PROPOSALS = 1000
COMPARED = 20
SAME = 1e-9
"""Share of the base's cost by which the worth and that from a full solve may differ."""
FOR_BASE, FOR_WORTHS = 0.5, 0.6
"""Shares of the time left that the base and the evaluations may take; the full solves have the rest."""
TO_THE_END = StopRule(1e-12)
"""Nothing prices out any more, or nothing is left between plan and bound but rounding."""


@dataclass(frozen=True)
class Problem:
    """A network with proposals.

    Parameters
    ----------
    question, options
        What is asked of a real network, and what its additions are; None and empty: a generated one.
    """

    union: UnionInstance
    question: Question | None = None
    options: tuple[RouteOption, ...] = ()


@dataclass
class Clock:
    """Seconds that are spent in some functions."""

    seconds: dict[str, float] = field(default_factory=dict)

    def times(self, thing: Any, name: str, said: str) -> None:
        """Time each call of a method of one object."""
        method: Callable[..., Any] = getattr(thing, name)

        def timed(*arguments: Any, **named: Any) -> Any:
            started = time.perf_counter()
            try:
                return method(*arguments, **named)
            finally:
                self.seconds[said] = self.seconds.get(said, 0.0) + time.perf_counter() - started

        setattr(thing, name, timed)


@dataclass(frozen=True)
class Evaluated:
    """What was evaluated from the base, in a drawn order.

    Parameters
    ----------
    base_s, seconds, processor_s
        Of solving the base, of all evaluations, and of the processor in these.
    spent
        Seconds within the evaluations by what they were spent in.
    """

    base: WarmBase
    base_s: float
    order: tuple[int, ...]
    worths: tuple[Worth, ...]
    seconds: float
    processor_s: float
    spent: dict[str, float]


@dataclass(frozen=True)
class Compared:
    """Some of them solved from scratch.

    Parameters
    ----------
    numbers
        Additions that were.
    solved, seconds, processor_s
        Their answers, the seconds of each, and those of the processor.
    """

    evaluated: Evaluated
    numbers: tuple[int, ...]
    solved: tuple[SolvedFlow, ...]
    seconds: tuple[float, ...]
    processor_s: tuple[float, ...]


def build(found: Found) -> Problem:
    """Generate a network and its proposals, or compile the Zhejiang network with its own."""
    assert found.seed is not None
    if found.source != ZHEJIANG:
        return Problem(proposed(found.source, found.seed, PROPOSALS))
    ready = ready_study(read_case(SCENARIO))
    year = ready.case.scenario.years[-1]
    question = Question.of(ready.case.scenario, ready.case.networks[year], year)
    options = tuple(option for option in options_of(ready.spec.proposals) if option.may_run(year))
    return Problem(compiled_union(question, options), question, options)


def solve_base(task: Task, problem: Problem) -> tuple[WarmBase, float]:
    """Solve the network without proposals to the end, and grow the trees that all screening shares."""
    started = time.perf_counter()
    try:
        base = WarmBase(problem.union, FOR_BASE * task.time_limit_s)
    except BaseUnsolved as error:
        raise BenchmarkError(f"the network without proposals ended {error.solved.status}") from error
    base.at_most(0)
    return base, time.perf_counter() - started


def evaluate(task: Task, solved: tuple[WarmBase, float]) -> Evaluated:
    """Evaluate proposals in an order drawn with the seed, as many as there is time for."""
    base, base_s = solved
    order = np.random.default_rng(task.found.seed).permutation(len(base.union.names)).tolist()
    clock = Clock()
    clock.times(base.master, "solve", "linear programs")
    clock.times(base.pricer, "price", "shortest paths")
    worths: list[Worth] = []
    started, begun_s = time.perf_counter(), time.process_time()
    while len(worths) < len(order) and time.perf_counter() - started < FOR_WORTHS * task.time_limit_s:
        worths.append(base.worth(order[len(worths)]))
    seconds, processor_s = time.perf_counter() - started, time.process_time() - begun_s
    done = tuple(order[: len(worths)])
    return Evaluated(base, base_s, done, tuple(worths), seconds, processor_s, clock.seconds)


def full(task: Task, evaluated: Evaluated) -> Compared:
    """Solve the first of the drawn order from nothing by the flow model, by the same stop rule."""
    solved: list[SolvedFlow] = []
    seconds: list[float] = []
    processor_s: list[float] = []
    begun = time.perf_counter()
    for number in evaluated.order[:COMPARED]:
        if solved and time.perf_counter() - begun > task.time_limit_s - 2 * max(seconds):
            break
        instance = evaluated.base.union.restricted((number,)).instance
        started, begun_s = time.perf_counter(), time.process_time()
        solved.append(FlowModel(instance, TO_THE_END).solve())
        seconds.append(time.perf_counter() - started)
        processor_s.append(time.process_time() - begun_s)
    done = evaluated.order[: len(solved)]
    return Compared(evaluated, done, tuple(solved), tuple(seconds), tuple(processor_s))


def check(task: Task, compared: Compared) -> Outcome:
    """Hold the worths against the full solves, and the best proposal's plan against its network."""
    base, worths = compared.evaluated.base, compared.evaluated.worths
    far = max(
        abs(worth.value - solved.objective) / max(1.0, abs(base.value))
        for worth, solved in zip(worths, compared.solved, strict=False)
    )
    complaints = _of_best(task.problem, compared.evaluated)
    if far > SAME:
        complaints.append(f"worths differ by {far:.1e} of the base's cost")
    value = float(sum(max(0.0, base.value - worth.value) for worth in worths))
    doubt = float(sum(worth.high - worth.low for worth in worths))
    notes = tuple(_notes(compared, far))
    return Outcome(value, None, doubt / max(1.0, value), not complaints, tuple(complaints), notes)


def _of_best(problem: Problem, evaluated: Evaluated) -> list[str]:
    """What other code finds wrong with the plan of the best proposal."""
    place = int(np.argmax([worth.high for worth in evaluated.worths]))
    number = evaluated.order[place]
    part, solved = evaluated.base.solved_with(evaluated.worths[place], number)
    if problem.question is None:
        return list(audited_flow(part.instance, solved).complaints)
    network = opened(problem.question.network, [problem.options[number]])
    verdict = checked_year(replace(problem.question, network=network), part.instance, solved).verdict
    found = [] if verdict.bound_proof == "certificate" else ["the bound of the best plan is not proven"]
    return [sentence(violation, "en") for violation in verdict.violations] + found


def _notes(compared: Compared, far: float) -> Iterator[str]:
    evaluated = compared.evaluated
    worths, count = evaluated.worths, len(evaluated.worths)
    whole = len(evaluated.base.union.names)
    seconds = {proof: [w.seconds for w in worths if w.proof == proof] for proof in ("screened", "warm")}
    rounds = [worth.rounds for worth in worths if worth.proof == "warm"]
    mean_s, full_s = evaluated.seconds / count, float(np.mean(compared.seconds))
    processor = float(np.mean(compared.processor_s)) / (evaluated.processor_s / count)
    with_base_s = mean_s + evaluated.base_s / whole
    yield (
        f"{count} of {whole} proposals: {1000 * mean_s:.1f} ms each, "
        f"{1000 * with_base_s:.1f} with their share of the base's {evaluated.base_s:.1f} s"
    )
    for proof, some in seconds.items():
        if some:
            longest = f", the longest {1000 * max(some):.0f}"
            yield f"{len(some)} {proof}: {1000 * float(np.mean(some)):.1f} ms each{longest}"
    yield (
        f"{len(compared.numbers)} from nothing: {1000 * full_s:.0f} ms, {full_s / mean_s:.1f} times that, "
        f"{full_s / with_base_s:.1f} with that share, {processor:.1f} of processor time; "
        f"largest difference {far:.1e} of the base's cost"
    )
    spent = {name: 100 * s / evaluated.seconds for name, s in evaluated.spent.items()}
    spent["the rest"] = 100 - sum(spent.values())
    shares = ", ".join(f"{name} {share:.0f} %" for name, share in spent.items())
    yield f"time goes into {shares}; {float(np.mean(rounds or [0])):.1f} rounds each"


def warm_up() -> None:
    """Evaluate a few proposals of the smallest network."""
    base = WarmBase(proposed(SIZES[0], 0, 3))
    assert all(base.worth(number).value <= base.value for number in range(3))


SPEC = Spec(
    name="route-additions",
    about=f"worth of {PROPOSALS} proposals each, from one solved base; Z: the Zhejiang network with its own",
    build=build,
    phases={"base": solve_base, "evaluate": evaluate, "full": full, "check": check},
    sizes=(*SIZES, ZHEJIANG),
    warm_up=warm_up,
)
