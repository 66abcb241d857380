"""Workers of other machines, through Dask: each has a worker process of ours, as a local pool has.

A run that crashes ends that process, never the cluster's worker, so limits and reasons are the same here and
there. Networks, and answers that pieces start from, go to each worker once, also to one that joins later.
"""

from __future__ import annotations

import contextlib
import os
import signal
import sys
import threading
import time
from collections.abc import Callable, Mapping
from concurrent.futures import CancelledError, Future
from dataclasses import replace
from pathlib import Path
from typing import Any

from logistics.batches.networks import put_network
from logistics.batches.pool import PoolLost, Slot, StepLimits, WorkerEnded, usable_cores
from logistics.batches.work import Answered, Task
from logistics.errors import InputError, Problem, Where

LOCAL = "local:"
SHARED = "logistics-shared"
"""Folder of a worker, for what steps share."""
CONNECT_S = 10
SHARE_S = 600
"""Longest time for a file to get to all workers."""
CLOSE_S = 0.6
COUNT_EVERY_S = 1.0
"""How often the threads of the workers are counted: some may join or leave."""


class ClusterPool:
    """Workers of a cluster.

    Parameters
    ----------
    address
        ``tcp://…`` (or ``tls://…``) of a scheduler, or ``local:N`` for N processes of this machine, but no
        more than it has cores.
    packed
        Networks that the runs need, see :func:`logistics.batches.networks.packed_network`.
    limits
        What a step may take.

    Raises
    ------
    InputError
        When Dask is not installed, or the scheduler cannot be reached.
    """

    def __init__(self, address: str, packed: Mapping[str, Mapping[str, bytes]], limits: StepLimits) -> None:
        try:
            import distributed
        except ModuleNotFoundError as error:
            raise InputError([Problem("batch.no_extra", found=str(error.name))]) from error
        dask: Any = distributed
        self._cluster: Any = None
        self._limits = limits
        try:
            if address.startswith(LOCAL):
                cores = usable_cores()
                jobs = min(_local_jobs(address), cores)
                self._limits = replace(limits, threads=cores // jobs)
                self._cluster = dask.LocalCluster(
                    n_workers=jobs,
                    threads_per_worker=1,
                    memory_limit=0,
                    dashboard_address=None,
                    silence_logs="CRITICAL",
                )
            self._client: Any = dask.Client(self._cluster or address, timeout=CONNECT_S, set_as_default=False)
        except (OSError, ValueError) as error:
            problem = Problem("batch.no_cluster", Where(), address, str(error))
            raise InputError([problem]) from error
        self._client.register_plugin(_networks_plugin({name: dict(files) for name, files in packed.items()}))
        self._given: list[str] = []
        self._executor = self._client.get_executor(pure=False)
        self._num_threads, self._counted = 0, -COUNT_EVERY_S

    @property
    def num_workers(self) -> int:
        """Steps that run at once: the threads of the workers that are there now."""
        if time.monotonic() - self._counted > COUNT_EVERY_S and self._client.status == "running":
            threads: Mapping[str, int] | None = _within(COUNT_EVERY_S, self._client.nthreads)
            # A scheduler that is busy does not answer: then it is as it was.
            self._num_threads = self._num_threads if threads is None else sum(threads.values())
            self._counted = time.monotonic()
        return self._num_threads

    def submit(self, task: Task) -> Future[Answered]:
        """Have a step done by some worker."""
        if self._client.status != "running":
            raise PoolLost
        answer: Future[Answered] = Future()
        there = self._executor.submit(_do_there, task, self._limits)
        there.add_done_callback(lambda done: _pass_on(done, answer))
        return answer

    def share(self, name: str, path: Path) -> None:
        """Put a file into the folder of each worker."""
        plugin = _file_plugin(name, path.read_bytes())
        self._given.append(name)
        if _within(SHARE_S, lambda: self._client.register_plugin(plugin) or True) is None:
            raise PoolLost

    def forget(self, name: str) -> None:
        """Take it away from all of them."""
        self._given.remove(name)
        _within(CLOSE_S, lambda: self._client.unregister_worker_plugin(name))

    def close(self) -> None:
        """End what runs, and a cluster that is our own."""
        if self._cluster is None and self._client.status == "running":
            _within(CLOSE_S, self._leave)
        for nanny in () if self._cluster is None else self._cluster.workers.values():
            # Asked to close, a worker would first finish its step.
            nanny.auto_restart = False
            # Where no processes may be started, workers are threads of this one.
            if nanny.pid not in (None, os.getpid()):
                with contextlib.suppress(OSError):
                    os.kill(nanny.pid, signal.SIGTERM if sys.platform == "win32" else signal.SIGKILL)
        _within(CLOSE_S, self._client.close)
        if self._cluster is not None:
            # Else the end of this process would wait for what was just killed.
            self._cluster.shutdown_on_close = False
            _within(CLOSE_S, self._cluster.close)

    def _leave(self) -> None:
        """End the processes on a cluster that lives on, and take away what was put there for them."""
        self._client.run(_end_slots, wait=False)
        for name in self._given:
            self._client.unregister_worker_plugin(name)


def _local_jobs(address: str) -> int:
    """How many processes ``local:N`` asks for."""
    text = address.removeprefix(LOCAL)
    if not text.isdecimal() or int(text) < 1:
        raise ValueError("local:1, local:2 …")
    return int(text)


def _within(seconds: float, call: Callable[[], Any]) -> Any:
    """Result of a call to the cluster, None when it fails or takes longer: its other end may be dead."""
    found: list[Any] = []

    def do() -> None:
        with contextlib.suppress(Exception):
            found.append(call())

    thread = threading.Thread(target=do, daemon=True)
    thread.start()
    thread.join(seconds)
    return found[0] if found else None


def _pass_on(done: Future[Answered], answer: Future[Answered]) -> None:
    """Hand an answer on, and what happens to workers of a cluster in the words of a pool."""
    from distributed import KilledWorker

    try:
        answer.set_result(done.result())
    except WorkerEnded as error:
        answer.set_exception(error)
    except KilledWorker:
        died = WorkerEnded(Problem("batch.worker_died", found="KilledWorker"), try_again=True)
        answer.set_exception(died)
    except (CancelledError, Exception) as error:  # noqa: BLE001 - anything else is the cluster's
        lost = PoolLost(str(error))
        lost.__cause__ = error
        answer.set_exception(lost)


_own = threading.local()
_slots: list[Slot] = []


def _do_there(task: Task, limits: StepLimits) -> Answered:
    """Do a step in the process that belongs to this thread of a cluster's worker."""
    from distributed import get_worker

    if getattr(_own, "limits", None) != limits or _own.slot.is_closed:
        folder = Path(get_worker().local_directory) / SHARED
        _own.slot, _own.limits = Slot(folder, limits), limits
        _slots.append(_own.slot)
    slot: Slot = _own.slot
    return slot.do(task)


def _end_slots() -> None:
    """End the processes of this worker of a cluster."""
    while _slots:
        _slots.pop().close()


def _networks_plugin(packed: dict[str, dict[str, bytes]]) -> Any:
    """A plugin that puts networks into the folder of each worker."""
    from distributed import WorkerPlugin

    class Networks(WorkerPlugin):
        """Networks of a batch."""

        name = f"{SHARED}-{'-'.join(sorted(packed))}"

        def setup(self, worker: Any) -> None:
            """Write them once a worker."""
            for digest, files in packed.items():
                put_network(files, Path(worker.local_directory) / SHARED / digest)

    return Networks()


def _file_plugin(file: str, content: bytes) -> Any:
    """A plugin that puts a file into the folder of each worker, and takes it away with itself."""
    from distributed import WorkerPlugin

    class File(WorkerPlugin):
        """A file that steps of a batch share."""

        name = file

        def setup(self, worker: Any) -> None:
            """Write it, whole or not at all."""
            place = Path(worker.local_directory) / SHARED / file
            place.parent.mkdir(parents=True, exist_ok=True)
            work = place.with_name(f"{file}.new")
            work.write_bytes(content)
            os.replace(work, place)

        def teardown(self, worker: Any) -> None:
            """Remove it."""
            (Path(worker.local_directory) / SHARED / file).unlink(missing_ok=True)

    return File()
