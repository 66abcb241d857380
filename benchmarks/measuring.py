"""The process that measures one instance: warm up, build, run the phases, say what came out."""

from __future__ import annotations

import os
import platform
import resource
import sys
import threading
import time
from dataclasses import dataclass, field
from importlib.metadata import PackageNotFoundError, version
from multiprocessing import parent_process
from multiprocessing.connection import Connection, wait
from pathlib import Path

from benchmarks.register import spec_of
from benchmarks.spec import BenchmarkError, Found, Outcome, Spec, Task
from logistics.errors import LogisticsError

PACKAGES = ("numpy", "scipy", "numba", "ortools", "logistics-engine")
MILESTONES = {"solve to 1e-3": 1e-3, "solve to 1e-4": 1e-4, "solve to 1e-6": 1e-6}
"""Gaps whose first reaching is timed beside the phases."""
MIB = 1024.0


@dataclass(frozen=True)
class Started:
    """Warmed up; the clock runs."""


@dataclass(frozen=True)
class Heard:
    """State on the way: value, bound, gap, each None if not known, and the phases so far."""

    value: float | None
    bound: float | None
    gap: float | None
    phases: dict[str, float]


@dataclass(frozen=True)
class Failed:
    """Why there is no answer."""

    message: str


@dataclass(frozen=True)
class Measured:
    """The answer and what it took.

    Parameters
    ----------
    phases
        Seconds by phase, and of solving until the gaps of `MILESTONES`.
    peak_mb
        Most memory of the process, MiB.
    """

    outcome: Outcome
    phases: dict[str, float]
    peak_mb: float | None


@dataclass(frozen=True)
class FilesWritten:
    """What peers read is there."""


Message = Started | Heard | Failed | Measured | FilesWritten


@dataclass
class Stopwatch:
    """Seconds by phase, and of milestones within the one that runs."""

    phases: dict[str, float] = field(default_factory=dict)
    started: float = field(default_factory=time.perf_counter)

    def begin(self) -> None:
        """Start a phase."""
        self.started = time.perf_counter()

    def end(self, name: str) -> None:
        """End it."""
        self.phases[name] = time.perf_counter() - self.started

    def reached(self, gap: float) -> None:
        """Note the milestones that `gap` meets for the first time."""
        for name, goal in MILESTONES.items():
            if gap <= goal:
                self.phases.setdefault(name, time.perf_counter() - self.started)


def measure(found: Found, time_limit_s: float, peer_folder: str, pipe: Connection) -> None:
    """Measure an instance and send what happens; with `peer_folder` also write what its peers read there."""
    threading.Thread(target=_end_with_parent, daemon=True).start()
    try:
        spec = spec_of(found.family)
        spec.warm_up()
        pipe.send(Started())
        problem, measured = run_phases(spec, found, time_limit_s, pipe)
        pipe.send(measured)
        if peer_folder:
            write_peer_files(spec, problem, Path(peer_folder))
            pipe.send(FilesWritten())
    except (BenchmarkError, LogisticsError, OSError) as error:
        pipe.send(Failed(str(error)))
    finally:
        pipe.close()


def run_phases(
    spec: Spec, found: Found, time_limit_s: float, pipe: Connection | None = None
) -> tuple[object, Measured]:
    """Build the problem and go through the phases of `spec`."""
    watch = Stopwatch()
    begun = time.perf_counter()
    problem = spec.build(found)
    watch.end("build")
    result = problem

    def progress(value: float | None, bound: float | None, gap: float | None) -> None:
        value, bound, gap = _finite(value), _finite(bound), _finite(gap)
        if gap is not None:
            watch.reached(gap)
        if pipe is not None:
            pipe.send(Heard(value if gap is not None else None, bound, gap, dict(watch.phases)))

    for name, phase in spec.phases.items():
        left = max(0.0, time_limit_s - (time.perf_counter() - begun))
        watch.begin()
        result = phase(Task(found, problem, left, progress), result)
        watch.end(name)
    assert isinstance(result, Outcome), "the last phase returns the outcome"
    return problem, Measured(result, watch.phases, peak_mb())


def peak_mb(process: int | None = None) -> float | None:
    """Most memory of a process (this one) so far, MiB; None where the system does not tell.

    ``ru_maxrss`` of a spawned process starts at what its parent had; Linux counts the process's own as VmHWM.
    """
    try:
        for line in Path(f"/proc/{process or 'self'}/status").read_text(encoding="utf-8").splitlines():
            if line.startswith("VmHWM:"):
                return float(line.split()[1]) / MIB
    except OSError:
        pass
    if process is not None:
        return None
    most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return most / MIB / (MIB if sys.platform == "darwin" else 1.0)


def versions() -> dict[str, str]:
    """Versions of what the measurement depends on."""
    found = {"python": platform.python_version()}
    for package in PACKAGES:
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            continue
    return found


def write_peer_files(spec: Spec, problem: object, folder: Path) -> None:
    """Write a problem for each peer that can solve it."""
    import numpy as np

    for name, arrays_of in spec.peers.items():
        arrays = arrays_of(problem)
        if arrays is not None:
            np.savez(peer_file(folder, name), **arrays)


def peer_file(folder: Path, name: str) -> Path:
    """Where a peer finds its problem."""
    return folder / f"{name}.npz"


def _finite(value: float | None) -> float | None:
    return value if value is not None and abs(value) < float("inf") else None


def _end_with_parent() -> None:
    """End this process when its parent is gone, so that nothing runs on unseen."""
    parent = parent_process()
    if parent is not None:
        wait([parent.sentinel])
        os._exit(1)
