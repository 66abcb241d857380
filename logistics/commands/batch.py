"""``logistics batch``: many scenarios and all their variants, none of them twice."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import click

from logistics.commands.shared import (
    EXIT_INPUT,
    EXIT_OK,
    chosen_language,
    lang_option,
    outside_option,
    show_problems,
)
from logistics.words import sentence, text

if TYPE_CHECKING:
    from collections.abc import Callable

    from logistics.batches.plan import BatchPlan
    from logistics.batches.progress import BatchState
    from logistics.batches.scheduler import BatchOutcome

EXIT_FAILED, EXIT_INTERRUPTED = 7, 130
PLAIN_EVERY_S = 10.0
MOST_SHOWN = 20


@click.command(name="batch")
@click.argument("scenarios", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option("--out", required=True, type=click.Path(path_type=Path), help="Folder of the batch.")
@click.option("--jobs", type=click.IntRange(min=1), help="Runs at once; default one a core.")
@click.option("--cluster", default="", help="tcp://… of a scheduler, or local:N, instead of --jobs.")
@click.option(
    "--report",
    "reports",
    type=click.Choice(["none", "html", "all"]),
    default="none",
    help="Reports of each run, and a page of the batch: none (default), the page, or all.",
)
@click.option("--time-limit", type=click.FloatRange(min=0, min_open=True), help="Of the solver, s a run.")
@click.option("--gap", type=click.FloatRange(0, 1), help="Relative gap; overrides the scenarios.")
@click.option(
    "--run-limit", type=click.FloatRange(min=0, min_open=True), help="End a run after so many seconds."
)
@click.option("--memory-limit", type=click.FloatRange(min=0, min_open=True), help="End a run above, MiB.")
@click.option("-q", "--quiet", is_flag=True, help="No progress on stderr.")
@outside_option
@lang_option
def command(
    scenarios: tuple[Path, ...],
    out: Path,
    jobs: int | None,
    cluster: str,
    reports: str,
    time_limit: float | None,
    gap: float | None,
    run_limit: float | None,
    memory_limit: float | None,
    quiet: bool,
    allow_outside: bool,
    lang: str | None,
) -> int:
    """Run each SCENARIO and its variants, and keep the results in the folder --out.

    What is done stays done: after a crash, or with more scenarios, the same command goes on. Exit code 0 when
    every run has an outcome, also an infeasible one or one at its limit; 7 when a run failed.
    """
    lang = chosen_language(lang)
    if jobs is not None and cluster:
        raise click.UsageError("--jobs is for this machine, --cluster for others: give one of them")
    from logistics.batches.batch import BatchSettings, do_batch
    from logistics.batches.plan import planned_batch
    from logistics.batches.pool import usable_cores

    overrides = {
        name: value for name, value in (("time_limit_s", time_limit), ("gap", gap)) if value is not None
    }
    plan = planned_batch(scenarios, allow_outside=allow_outside, overrides=overrides)
    if plan.refused:
        _show_refused(plan, lang)
    if not plan.runs:
        return EXIT_INPUT
    if jobs is not None and jobs > usable_cores():
        click.echo(text("batch.jobs_capped", lang, jobs=jobs, cores=usable_cores()), err=True)
    settings = BatchSettings(jobs, cluster, run_limit, memory_limit, reports, lang)
    try:
        with _display(plan, lang, quiet=quiet) as tell:
            outcome = do_batch(
                plan,
                out,
                settings,
                tell,
                lambda: click.echo(text("batch.waiting", lang, folder=out), err=True),
            )
    except KeyboardInterrupt:
        click.echo(text("batch.interrupted", lang, folder=out), err=True)
        return EXIT_INTERRUPTED
    except OSError as error:
        from logistics.errors import Problem, Where

        where = Where(str(error.filename or out))
        show_problems([Problem("batch.disk", where, str(error.strerror or error))], lang, counted=False)
        return EXIT_FAILED
    return _say_outcome(plan, outcome, out, lang)


def _show_refused(plan: BatchPlan, lang: str) -> None:
    """Say what is wrong with scenarios, once where it is the same for many members."""
    problems = dict.fromkeys(problem for refused in plan.refused for problem in refused.problems)
    show_problems(problems, lang, counted=not plan.runs)
    for refused in plan.refused[:MOST_SHOWN] if plan.runs else ():
        click.echo(text("batch.refused", lang, name=refused.name), err=True)
    if plan.runs and len(plan.refused) > MOST_SHOWN:
        click.echo(text("problems.more", lang, count=len(plan.refused) - MOST_SHOWN), err=True)


def _say_outcome(plan: BatchPlan, outcome: BatchOutcome, out: Path, lang: str) -> int:
    names = {run.id: run.scenario.id for run in plan.runs}
    for run_id, problems in list(outcome.failures.items())[:MOST_SHOWN]:
        reason = sentence(problems[0], lang)
        click.echo(text("batch.failed_run", lang, scenario=names[run_id], reason=reason), err=True)
    if len(outcome.failures) > MOST_SHOWN:
        click.echo(text("problems.more", lang, count=len(outcome.failures) - MOST_SHOWN), err=True)
    if outcome.stop:
        click.echo(text("batch.stop_disk" if outcome.stop == "disk" else "batch.stop_lost", lang), err=True)
    state = outcome.state
    said = {"done": state.found + state.done, "failed": state.failed + len(plan.refused)}
    click.echo(text("batch.summary", lang, remaining=state.remaining, folder=out, **said))
    whole = not (outcome.failures or outcome.stop or plan.refused)
    return EXIT_OK if whole else EXIT_FAILED


@contextmanager
def _display(plan: BatchPlan, lang: str, *, quiet: bool) -> Iterator[Callable[[BatchState], None]]:
    """Show how far a batch is: a bar on a terminal, else a line now and then; quiet: only if it is stuck."""
    if quiet:
        yield _calls_for_workers(lang)
    elif sys.stderr.isatty():
        with _bar(plan, lang) as tell:
            yield tell
    else:
        yield _lines(plan, lang)


def _lines(plan: BatchPlan, lang: str) -> Callable[[BatchState], None]:
    """Say the plan once, then how far it is every few seconds, and at once when there are no workers."""
    from logistics.batches.progress import progress_words

    last: list[float] = []
    call = _calls_for_workers(lang)

    def tell(state: BatchState) -> None:
        if not last:
            click.echo(text("batch.plan", lang, count=len(plan.runs), found=state.found), err=True)
            last.append(time.monotonic())
        call(state)
        if not state.is_deserted and time.monotonic() - last[0] >= PLAIN_EVERY_S:
            click.echo(progress_words(state, lang), err=True)
            last[0] = time.monotonic()

    return tell


def _calls_for_workers(lang: str) -> Callable[[BatchState], None]:
    """Say that there are no workers, once each time they are gone."""
    from logistics.batches.progress import progress_words

    was_deserted = [False]

    def tell(state: BatchState) -> None:
        if state.is_deserted and not was_deserted[0]:
            click.echo(progress_words(state, lang), err=True)
        was_deserted[0] = state.is_deserted

    return tell


@contextmanager
def _bar(plan: BatchPlan, lang: str) -> Iterator[Callable[[BatchState], None]]:
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TextColumn

    from logistics.batches.progress import progress_words

    columns = BarColumn(), TextColumn("{task.description}")
    with Progress(*columns, console=Console(stderr=True), transient=True) as progress:
        bar = progress.add_task("", total=len(plan.runs))

        def tell(state: BatchState) -> None:
            complete = len(plan.runs) - state.remaining
            progress.update(bar, completed=complete, description=progress_words(state, lang))

        yield tell
