"""Workers of this machine: one process a slot, made anew when it dies, ended when its run exceeds a limit."""

from __future__ import annotations

import contextlib
import os
import pickle
import shutil
import signal
import subprocess
import sys
import threading
import time
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Protocol, cast

from logistics.batches.work import Answer, Answered, Task
from logistics.batches.worker import READY, THREAD_VARIABLES, read_frame, write_frame
from logistics.errors import Problem

LOOK_EVERY_S = 0.1
MIB = 1024.0**2
TOO_LONG = "batch.too_long"


@dataclass(frozen=True)
class StepLimits:
    """What a run may take.

    Parameters
    ----------
    seconds
        Wall-clock seconds of all its steps; None: no limit.
    memory_mb
        Memory of its process, MiB; None: no limit.
    threads
        Cores that its process may use.
    """

    seconds: float | None = None
    memory_mb: float | None = None
    threads: int = 1


class WorkerEnded(Exception):
    """The worker ended before it answered.

    Parameters
    ----------
    problem
        Why, for people.
    try_again
        Whether another try may go better.
    """

    def __init__(self, problem: Problem, *, try_again: bool) -> None:
        super().__init__(problem, try_again)
        self.problem = problem
        self.try_again = try_again

    def __reduce__(self) -> tuple[object, ...]:
        """Make it travel from a cluster."""
        return _worker_ended, (self.problem, self.try_again)


def _worker_ended(problem: Problem, try_again: bool) -> WorkerEnded:
    return WorkerEnded(problem, try_again=try_again)


class PoolLost(Exception):
    """There are no workers any more; what is not done can be done by another call."""


class Pool(Protocol):
    """Where steps are done: here or on a cluster."""

    @property
    def num_workers(self) -> int:
        """Steps that run at once; 0 while there is nobody to do them."""

    def submit(self, task: Task) -> Future[Answered]:
        """Have a step done; the future may raise :class:`WorkerEnded` or :class:`PoolLost`."""

    def share(self, name: str, path: Path) -> None:
        """Give all workers a file, once each, before steps need it."""

    def forget(self, name: str) -> None:
        """Take such a file away: no step needs it any more."""

    def close(self) -> None:
        """End all workers at once, whatever they are doing."""


class Slot:
    """A worker process, and what watches it.

    Parameters
    ----------
    shared
        Folder of what steps share.
    limits
        What a step may take.
    """

    def __init__(self, shared: Path, limits: StepLimits) -> None:
        self._shared, self._limits = shared, limits
        self._process: subprocess.Popen[bytes] | None = None
        self._verdict: WorkerEnded | None = None
        self._is_ready = False
        self._closed = False

    def do(self, task: Task) -> Answered:
        """Have the worker do a step, and wait for it.

        Raises
        ------
        WorkerEnded
            When it died, or was ended at a limit.
        """
        if self._closed:
            raise PoolLost
        process = self._alive()
        if self.is_closed:
            # Closed while it was started.
            process.kill()
        self._verdict = None
        answered = threading.Event()
        started = time.monotonic()
        tasks, answers = cast("BinaryIO", process.stdin), cast("BinaryIO", process.stdout)
        try:
            # How long it takes to start does not count.
            self._is_ready = self._is_ready or read_frame(answers) == READY
            started = time.monotonic()
            if self._limits.seconds is not None or self._limits.memory_mb is not None:
                watch = threading.Thread(
                    target=self._watch, args=(process, answered, task.spent_s), daemon=True
                )
                watch.start()
            write_frame(tasks, pickle.dumps(task))
            data = read_frame(answers)
        except (OSError, ValueError):
            data = None
        answered.set()
        if data is None:
            raise self._ended(process)
        answer: Answer = pickle.loads(data)  # noqa: S301 - from our own worker
        return Answered(answer, time.monotonic() - started)

    @property
    def is_closed(self) -> bool:
        """Whether it was ended for good."""
        return self._closed

    def close(self) -> None:
        """End the worker; no other one follows."""
        self._closed = True
        process = self._process
        if process is not None:
            process.kill()
            process.wait()

    def release(self) -> None:
        """Close what led to a worker that has ended."""
        process, self._process = self._process, None
        for stream in (process.stdin, process.stdout) if process is not None else ():
            if stream is not None:
                with contextlib.suppress(OSError):
                    stream.close()

    def _alive(self) -> subprocess.Popen[bytes]:
        if self._process is None or self._process.poll() is not None:
            self._is_ready = False
            settings = dict.fromkeys(THREAD_VARIABLES, str(self._limits.threads))
            settings["PYTHONPATH"] = os.pathsep.join(str(Path(place).absolute()) for place in sys.path)
            self._process = subprocess.Popen(  # noqa: S603 - this interpreter
                [sys.executable, "-P", "-m", "logistics.batches.worker", str(self._shared)],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                env=os.environ | settings,
                # Ctrl-C is for the process that runs the batch; it ends its workers.
                process_group=0 if os.name == "posix" else None,
            )
        return self._process

    def _ended(self, process: subprocess.Popen[bytes]) -> Exception:
        process.kill()
        code = process.wait()
        self.release()
        if self._closed:
            return PoolLost()
        if self._verdict is not None:
            return self._verdict
        names = {int(one): one.name for one in signal.Signals}
        found = names.get(-code, str(code))
        return WorkerEnded(Problem("batch.worker_died", found=found), try_again=True)

    def _watch(self, process: subprocess.Popen[bytes], answered: threading.Event, spent_s: float) -> None:
        """End the worker when its run takes too long or too much memory."""
        started, limits = time.monotonic() - spent_s, self._limits
        while not answered.wait(LOOK_EVERY_S):
            code = ""
            if limits.seconds is not None and time.monotonic() - started > limits.seconds:
                code, found = TOO_LONG, f"{limits.seconds:g}"
            elif limits.memory_mb is not None and memory_mb(process.pid) > limits.memory_mb:
                code, found = "batch.too_much_memory", f"{limits.memory_mb:g}"
            if code and not answered.is_set():
                self._verdict = WorkerEnded(Problem(code, found=found), try_again=False)
                process.kill()
                return


def memory_mb(process: int) -> float:
    """Memory that a process holds now, MiB; 0 where the system does not tell."""
    try:
        pages = int(Path(f"/proc/{process}/statm").read_text(encoding="ascii").split()[1])
        return pages * os.sysconf("SC_PAGE_SIZE") / MIB
    except (OSError, ValueError, IndexError):
        pass
    try:
        out = subprocess.run(["ps", "-o", "rss=", "-p", str(process)], capture_output=True, check=True)  # noqa: S603, S607
        return int(out.stdout) / 1024.0
    except (OSError, ValueError, subprocess.CalledProcessError):
        return 0.0


def usable_cores() -> int:
    """Cores that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


class LocalPool:
    """Workers of this machine.

    Parameters
    ----------
    jobs
        Steps that run at once.
    shared
        Folder of what steps share.
    limits
        What a step may take.
    """

    def __init__(self, jobs: int, shared: Path, limits: StepLimits) -> None:
        self._shared = shared
        self._slots = [Slot(shared, limits) for _ in range(jobs)]
        self._free = list(self._slots)
        self._threads = ThreadPoolExecutor(jobs)

    @property
    def num_workers(self) -> int:
        """Steps that run at once."""
        return len(self._slots)

    def submit(self, task: Task) -> Future[Answered]:
        """Have a step done by the next worker that is free."""
        return self._threads.submit(self._do, task)

    def share(self, name: str, path: Path) -> None:
        """Let workers find a file among what they share."""
        try:
            os.link(path, self._shared / name)
        except OSError:
            # A file system without links.
            shutil.copyfile(path, self._shared / name)

    def forget(self, name: str) -> None:
        """Take a file from there; who has mapped it may read on."""
        with contextlib.suppress(OSError):
            (self._shared / name).unlink()

    def close(self) -> None:
        """End all workers at once."""
        for slot in self._slots:
            slot.close()
        self._threads.shutdown(wait=True, cancel_futures=True)
        for slot in self._slots:
            slot.release()

    def _do(self, task: Task) -> Answered:
        # As many threads as slots: there is always one that is free.
        slot = self._free.pop()
        try:
            return slot.do(task)
        finally:
            self._free.append(slot)
