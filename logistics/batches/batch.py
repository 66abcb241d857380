"""A batch from its plan to its folder: networks to the workers, runs through them, and what came out."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass, replace
from pathlib import Path

from logistics.batches.networks import packed_network, put_network
from logistics.batches.plan import BatchPlan, Run
from logistics.batches.pool import LocalPool, Pool, StepLimits, usable_cores
from logistics.batches.progress import BatchState
from logistics.batches.scheduler import NO_REPORTS, BatchOutcome, run_batch_steps
from logistics.batches.store import BatchStore
from logistics.batches.table import RUNS_TABLE, write_runs_table
from logistics.errors import InputError, Problem


@dataclass(frozen=True)
class BatchSettings:
    """How a batch is done; none of it changes a result.

    Parameters
    ----------
    jobs
        Steps that run at once on this machine; None: one a core. More than there are cores are not used.
    cluster
        ``tcp://…`` of a scheduler, or ``local:N``; empty: this machine, without a cluster.
    seconds
        Wall-clock seconds after which a run is ended, all its steps together; None: never.
    memory_mb
        Memory of a worker, MiB, above which its run is ended; None: no limit.
    reports, lang
        Reports to make in the folder of each run, and their language.
    """

    jobs: int | None = None
    cluster: str = ""
    seconds: float | None = None
    memory_mb: float | None = None
    reports: str = NO_REPORTS
    lang: str = "en"

    def __post_init__(self) -> None:
        """Refuse what no batch can have."""
        if self.jobs is not None and self.jobs < 1:
            raise ValueError("jobs is at least 1")


def do_batch(
    plan: BatchPlan,
    folder: Path,
    settings: BatchSettings,
    tell: Callable[[BatchState], None] = lambda _: None,
    waiting: Callable[[], None] = lambda: None,
) -> BatchOutcome:
    """Do what is not done yet of a plan, and write the table of runs.

    Parameters
    ----------
    plan
        What to do.
    folder
        Folder of the batch.
    settings
        How.
    tell
        Called with how far it is.
    waiting
        Called when another batch holds the folder, which this one waits for.

    Raises
    ------
    InputError
        When the folder is no batch, or the cluster is not there.
    OSError
        When the disk does not take what must be written before the first run.
    """
    with BatchStore(folder, waiting) as store:
        # Until it is written anew, whoever reads the folder makes the table of what is there.
        (store.folder / RUNS_TABLE).unlink(missing_ok=True)
        found: list[Run] = []
        pending: list[Run] = []
        for run in plan.runs:
            (found if store.is_done(run) else pending).append(run)
        packed, unread = _packed(plan, pending)
        failures = {run.id: unread[run.network] for run in pending if run.network in unread}
        for run in pending:
            if run.id in failures:
                store.fail(run, failures[run.id])
        pending = [run for run in pending if run.id not in failures]
        is_done = not pending and settings.reports == NO_REPORTS
        try:
            pool = _idle_pool(store) if is_done else _pool(settings, store, packed)
        except InputError:
            write_runs_table(store.folder, plan)
            raise
        with closing(pool):
            outcome = run_batch_steps(
                found,
                pending,
                store,
                pool,
                tell,
                reports=settings.reports,
                lang=settings.lang,
                seconds=settings.seconds,
            )
        state = replace(outcome.state, failed=outcome.state.failed + len(failures))
        outcome = replace(outcome, state=state, failures={**failures, **outcome.failures})
        if outcome.stop != "disk":
            write_runs_table(store.folder, plan)
            if settings.reports != NO_REPORTS:
                from logistics.batches.page import write_batch_page

                write_batch_page(store.folder, settings.lang)
        return outcome


def _packed(
    plan: BatchPlan, runs: list[Run]
) -> tuple[dict[str, dict[str, bytes]], dict[str, tuple[Problem, ...]]]:
    """The networks that runs need, and what is wrong with those that cannot be read."""
    from logistics.network.folder import read_network

    packed, unread = {}, {}
    for digest in dict.fromkeys(run.network for run in runs):
        try:
            network, warnings = read_network(plan.networks[digest])
            packed[digest] = packed_network(network, tuple(warnings))
        except InputError as error:
            unread[digest] = error.problems
    return packed, unread


def _idle_pool(store: BatchStore) -> Pool:
    """A pool that starts nothing."""
    return LocalPool(1, store.shared, StepLimits())


def _pool(settings: BatchSettings, store: BatchStore, packed: dict[str, dict[str, bytes]]) -> Pool:
    if settings.cluster:
        from logistics.batches.cluster import ClusterPool

        return ClusterPool(settings.cluster, packed, StepLimits(settings.seconds, settings.memory_mb))
    cores = usable_cores()
    jobs = min(settings.jobs or cores, cores)
    for digest, files in packed.items():
        put_network(files, store.shared / digest)
    limits = StepLimits(settings.seconds, settings.memory_mb, max(1, cores // jobs))
    return LocalPool(jobs, store.shared, limits)
