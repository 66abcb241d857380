"""Doing what a batch has to do: steps to workers, answers to the folder, a bad run kept from harming others.

A step whose worker died may have killed it, so it waits until all else is done and then runs alone, at most
twice; a run that fails again, or exceeds a limit, is put down as failed and costs nothing but itself.
"""

from __future__ import annotations

import errno
import pickle
import time
import uuid
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, CancelledError, Future, wait
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Literal

from logistics.batches.plan import Run
from logistics.batches.pool import TOO_LONG, Pool, PoolLost, WorkerEnded
from logistics.batches.progress import BatchState
from logistics.batches.store import BatchStore, PartStep
from logistics.batches.work import Answer, Answered, Part, Refusal, Split, Step, Task
from logistics.errors import Problem, Where

NO_REPORTS = "none"
RETRIES = 2
AHEAD = 2
"""Steps a slot that are on their way, so that a worker does not wait while an answer is written."""
TICK_S = 0.25
FULL = (errno.ENOSPC, errno.EDQUOT, errno.EROFS)
"""Failures of the disk after which nothing else can be written either."""

Stop = Literal["", "disk", "lost"]


@dataclass(frozen=True)
class BatchOutcome:
    """What a batch came to.

    Parameters
    ----------
    state
        How far it is.
    failures
        Why runs failed, by run id.
    stop
        Why it stopped before its end: ``disk`` is full, workers are ``lost``; empty: it did not.
    """

    state: BatchState
    failures: Mapping[str, tuple[Problem, ...]]
    stop: Stop


@dataclass
class _Work:
    """State of a batch.

    Parameters
    ----------
    missing
        Numbers of the pieces, and of the bases, of a run that are not answered yet.
    counts
        How many it has of them.
    bases
        Names under which the workers have the answers of the bases of a run, by number.
    deserted
        Since when there have been no workers; None: there are some.
    call
        A name for this call, for what workers of a cluster keep for it.
    unreported
        Runs that are done but whose report failed.
    spent_s
        Seconds that the steps of a run have taken in this call.
    seconds
        What they may take; None: no limit.
    """

    store: BatchStore
    pool: Pool
    runs: dict[str, Run]
    reports: str
    lang: str
    found: int
    ready: deque[Task] = field(default_factory=deque)
    suspects: deque[Task] = field(default_factory=deque)
    flying: dict[Future[Answered], Task] = field(default_factory=dict)
    tries: dict[tuple[str, str, int], int] = field(default_factory=dict)
    missing: dict[tuple[str, PartStep], set[int]] = field(default_factory=dict)
    counts: dict[tuple[str, PartStep], int] = field(default_factory=dict)
    bases: dict[str, dict[int, str]] = field(default_factory=dict)
    call: str = field(default_factory=lambda: uuid.uuid4().hex[:12])
    done: set[str] = field(default_factory=set)
    failures: dict[str, tuple[Problem, ...]] = field(default_factory=dict)
    unreported: dict[str, tuple[Problem, ...]] = field(default_factory=dict)
    spent_s: dict[str, float] = field(default_factory=dict)
    seconds: float | None = None
    steps: int = 0
    stop: Stop = ""
    deserted: float | None = None
    started: float = field(default_factory=time.monotonic)

    def state(self) -> BatchState:
        """How far it is."""
        left = len(self.runs) - self.found - len(self.done) - len(self.failures)
        now = time.monotonic()
        alone_s = 0.0 if self.deserted is None else now - self.deserted
        return BatchState(
            self.found, len(self.done), len(self.failures), left, self.steps, now - self.started, alone_s
        )

    def look_for_workers(self) -> None:
        """Note since when there have been none; the batch waits for them."""
        if self.pool.num_workers:
            self.deserted = None
        elif self.deserted is None:
            self.deserted = time.monotonic()


def run_batch_steps(
    found: Sequence[Run],
    pending: Sequence[Run],
    store: BatchStore,
    pool: Pool,
    tell: Callable[[BatchState], None],
    *,
    reports: str = NO_REPORTS,
    lang: str = "en",
    seconds: float | None = None,
) -> BatchOutcome:
    """Do the runs that are not done.

    Parameters
    ----------
    found, pending
        Runs that are done, of which at most reports are made, and runs that are not.
    store
        The folder, entered.
    pool
        The workers.
    tell
        Called with how far it is, after each answer and a few times a second.
    reports, lang
        Reports to make in the folder of each run, and their language.
    seconds
        What the steps of a run may take together; None: no limit.

    Returns
    -------
    BatchOutcome
        Also when it stopped early; all that was done is in the folder.
    """
    runs = {run.id: run for run in (*found, *pending)}
    work = _Work(store, pool, runs, reports, lang, len(found), seconds=seconds)
    work.ready.extend(_task(run, "start") for run in pending)
    for run in found:
        _ask_report(work, run)
    tell(work.state())
    while (work.ready or work.flying or work.suspects) and not work.stop:
        _send(work)
        finished, _ = wait(work.flying, timeout=TICK_S, return_when=FIRST_COMPLETED)
        for future in finished:
            _take(work, work.flying.pop(future), future)
            _send(work)
        work.look_for_workers()
        tell(work.state())
    return BatchOutcome(work.state(), {**work.failures, **work.unreported}, work.stop)


def _task(run: Run, step: Step, piece: int = 0) -> Task:
    return Task(run.id, pickle.dumps(run.scenario), run.network, step, piece)


def _send(work: _Work) -> None:
    """Keep the workers busy; suspects come last and alone."""
    while work.ready and len(work.flying) < AHEAD * max(1, work.pool.num_workers) and not work.stop:
        _fly(work, work.ready.popleft())
    if work.suspects and not work.flying and not work.stop:
        _fly(work, work.suspects.popleft())


def _fly(work: _Work, task: Task) -> None:
    if task.run_id in work.failures:
        return
    bases = work.bases.get(task.run_id, {})
    sent = replace(
        task,
        spent_s=work.spent_s.get(task.run_id, 0.0),
        bases=() if task.step == "base" else tuple(bases[number] for number in sorted(bases)),
    )
    try:
        if task.step == "merge":
            parts = work.store.parts(task.run_id, "piece", work.counts[task.run_id, "piece"])
            sent = replace(sent, parts=tuple(parts[number].read_bytes() for number in range(len(parts))))
        elif task.step == "report":
            files = pickle.dumps(work.store.files(task.run_id))
            sent = replace(task, parts=(files,), reports=work.reports, lang=work.lang)
        work.flying[work.pool.submit(sent)] = task
    except OSError as error:
        _disk_failed(work, task, error)
    except PoolLost:
        work.stop = "lost"


def _take(work: _Work, task: Task, future: Future[Answered]) -> None:
    """Take the answer of a step."""
    try:
        answer, seconds = future.result()
        work.steps += 1
        if task.step != "report":
            work.spent_s[task.run_id] = work.spent_s.get(task.run_id, 0.0) + seconds
        if task.run_id not in work.failures:
            _keep(work, task, answer)
    except WorkerEnded as error:
        _died(work, task, error)
    except (PoolLost, CancelledError):
        work.stop = work.stop or "lost"
    except OSError as error:
        _disk_failed(work, task, error)


def _keep(work: _Work, task: Task, answer: Answer) -> None:
    run, store = work.runs[task.run_id], work.store
    if isinstance(answer, Refusal):
        _fail(work, task, answer.problems)
    elif isinstance(answer, Split):
        work.counts[run.id, "base"], work.counts[run.id, "piece"] = answer.bases, answer.count
        _ask_parts(work, run, "base")
    elif isinstance(answer, Part):
        step: PartStep = "base" if task.step == "base" else "piece"
        path = store.put_part(run.id, step, task.piece, work.counts[run.id, step], answer.data)
        if step == "base":
            _share(work, run, task.piece, path)
        work.missing[run.id, step].discard(task.piece)
        if work.seconds is not None and work.spent_s[run.id] > work.seconds:
            _fail(work, task, (Problem(TOO_LONG, found=f"{work.seconds:g}"),))
        else:
            _go_on_when_whole(work, run, step)
    elif task.step == "report":
        store.put_reports(run.id, answer.files, work.lang)
    else:
        store.put(run, answer.files)
        work.done.add(run.id)
        _forget_bases(work, run.id)
        _ask_report(work, run)


def _ask_parts(work: _Work, run: Run, step: PartStep) -> None:
    """Have the bases of a run found, or its pieces done, but for those that are kept."""
    count = work.counts[run.id, step]
    kept = work.store.parts(run.id, step, count)
    for number, path in kept.items() if step == "base" else ():
        _share(work, run, number, path)
    missing = work.missing[run.id, step] = set(range(count)) - kept.keys()
    # They go first, so that few runs are begun and not done.
    work.ready.extendleft(_task(run, step, number) for number in sorted(missing, reverse=True))
    _go_on_when_whole(work, run, step)


def _go_on_when_whole(work: _Work, run: Run, step: PartStep) -> None:
    """After the last base come the pieces, after the last piece the merge."""
    if work.missing[run.id, step]:
        return
    if step == "base":
        _ask_parts(work, run, "piece")
    else:
        work.ready.appendleft(_task(run, "merge"))


def _share(work: _Work, run: Run, number: int, path: Path) -> None:
    """Give all workers the answer of a base."""
    name = f"{work.call}-{run.id}-{number}"
    work.bases.setdefault(run.id, {})[number] = name
    work.pool.share(name, path)


def _forget_bases(work: _Work, run_id: str) -> None:
    for name in work.bases.pop(run_id, {}).values():
        work.pool.forget(name)


def _ask_report(work: _Work, run: Run) -> None:
    if work.reports == NO_REPORTS:
        return
    from logistics.reports.outputs import HTML, LAYERS, PAGE, WORKBOOK

    wanted = (PAGE,) if work.reports == HTML else (PAGE, WORKBOOK, LAYERS)
    if not work.store.has_reports(run.id, wanted, work.lang):
        work.ready.append(_task(run, "report"))


def _died(work: _Work, task: Task, error: WorkerEnded) -> None:
    """Try a step again alone, or give its run up."""
    key = (task.run_id, task.step, task.piece)
    work.tries[key] = work.tries.get(key, 0) + 1
    if error.try_again and work.tries[key] <= RETRIES:
        work.suspects.append(task)
    else:
        _fail(work, task, (error.problem,))


def _fail(work: _Work, task: Task, problems: tuple[Problem, ...]) -> None:
    """Give a run up, or its report."""
    if task.step == "report":
        work.unreported[task.run_id] = problems
        return
    work.failures[task.run_id] = problems
    _forget_bases(work, task.run_id)
    try:
        work.store.fail(work.runs[task.run_id], problems)
    except OSError:
        work.stop = "disk"


def _disk_failed(work: _Work, task: Task, error: OSError) -> None:
    """Give up the run, or everything when the disk is full."""
    if error.errno in FULL:
        work.stop = "disk"
        return
    where = Where(str(error.filename or work.store.folder))
    _fail(work, task, (Problem("batch.disk", where, str(error.strerror or error)),))
