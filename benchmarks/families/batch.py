"""Family ``batch``: what a batch costs above its solves, and what a second process brings."""

from __future__ import annotations

import json
import math
import shutil
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from benchmarks.spec import Found, Outcome, Spec, Task
from logistics.batches.batch import BatchSettings, do_batch
from logistics.batches.plan import BatchPlan, planned_batch
from logistics.bundled import bundled_folder
from logistics.scenario.case import build_case
from logistics.studies.register import run_study

TINY = Path(__file__).resolve().parents[2] / "tests" / "networks" / "three_gateways"
SIZES = {"tiny-1000": ("three_gateways", 1000), "zhejiang-12": ("zhejiang", 12)}
"""Small runs, whose overhead is measured; and runs of seconds, whose speed-up is."""
SAMPLE = 20
"""Runs that are solved alone in this process, to know what a solve takes."""
LOCAL_MS, CLUSTER_MS, SPEED_UP = 30.0, 60.0, 1.7
SCENARIO = """\
schema: 1
name: {{zh: 批量基准, en: Batch benchmark}}
network: {network}
years: [2021]
solver: {{gap: 0.001}}
changes:
  - scale_demand: {{factor: 1}}
variants:
  d:
    draw: latin_hypercube
    samples: {count}
    over:
      - {{key: changes.0.scale_demand.factor, low: 0.8, high: 1.2}}
"""


@dataclass(frozen=True)
class Batch:
    """A planned batch and the folder of its project."""

    plan: BatchPlan
    project: Path
    count: int


@dataclass(frozen=True)
class Timed:
    """Seconds of one solve alone, and of the batch in different ways, without the start of the workers.

    Parameters
    ----------
    two_over_s, cluster_over_s
        Seconds that a process spends on a run above what the run itself took there.
    """

    solve_s: float
    one_s: float | None = None
    two_s: float | None = None
    two_over_s: float | None = None
    cluster_over_s: float | None = None


def build(found: Found) -> Batch:
    """Write the scenario into a project of its own and plan it."""
    network, count = SIZES[found.source]
    project = Path(tempfile.mkdtemp(prefix="logistics-batch-"))
    source = TINY if network == TINY.name else bundled_folder() / "networks" / network
    shutil.copytree(source, project / "networks" / network)
    path = project / "scenario.yaml"
    path.write_text(SCENARIO.format(network=network, count=count), encoding="utf-8")
    return Batch(planned_batch([path]), project, count)


def solve(_task: Task, batch: Batch) -> Timed:
    """Seconds of a run's solve in this process, warm: case, study and check, without writing."""
    from logistics.network.folder import read_network

    runs = batch.plan.runs[: min(SAMPLE, max(2, batch.count // 6))]
    network, _ = read_network(runs[0].scenario.network_folder)
    run_study(build_case(runs[0].scenario, network))
    started = time.perf_counter()
    for run in runs:
        run_study(build_case(run.scenario, network))
    return Timed((time.perf_counter() - started) / len(runs))


def _seconds(batch: Batch, settings: BatchSettings, name: str) -> tuple[float, float]:
    """Seconds of a batch as if for all of its runs, and the mean of what its runs themselves took.

    They are those between its first answer and its end: what happens before is the start of the workers, once
    a batch whatever its size. What a run took is its own clock's, so that a busy machine delays both.
    """
    first: list[tuple[float, int]] = []
    last: list[tuple[float, int]] = []

    def tell(state: object) -> None:
        done = getattr(state, "done", 0)
        if done and not first:
            first.append((time.perf_counter(), done))
        last[:] = [(time.perf_counter(), done)]

    with _folder(batch, name) as folder:
        outcome = do_batch(batch.plan, folder, settings, tell)
        clocks = [json.loads(path.read_text(encoding="utf-8")) for path in folder.glob("runs/*/timing.json")]
    assert not outcome.failures
    (begun, before), (ended, after) = first[0], last[0]
    took = sum(sum(clock["seconds"].values()) for clock in clocks) / len(clocks)
    return (ended - begun) * batch.count / max(1, after - before), took


@contextmanager
def _folder(batch: Batch, name: str) -> Iterator[Path]:
    folder = batch.project / name
    yield folder
    shutil.rmtree(folder)


def one(task: Task, timed: Timed) -> Timed:
    """One process; of the small runs only the solves are compared with."""
    if task.found.source.startswith("tiny"):
        return timed
    return replace(timed, one_s=_seconds(task.problem, BatchSettings(jobs=1), "one")[0])


def two(task: Task, timed: Timed) -> Timed:
    """Two processes."""
    seconds, took = _seconds(task.problem, BatchSettings(jobs=2), "two")
    # Two processes: each run has had twice its share of the time.
    return replace(timed, two_s=seconds, two_over_s=2 * seconds / task.problem.count - took)


def cluster(task: Task, timed: Timed) -> Timed:
    """Two processes of a local cluster, where Dask is installed."""
    try:
        import distributed  # noqa: F401
    except ModuleNotFoundError:
        return timed
    seconds, took = _seconds(task.problem, BatchSettings(cluster="local:2"), "cluster")
    return replace(timed, cluster_over_s=2 * seconds / task.problem.count - took)


def check(task: Task, timed: Timed) -> Outcome:
    """Report overhead a run above its solve on two processes, and the speed-up of the second process."""
    batch: Batch = task.problem
    shutil.rmtree(batch.project)
    assert timed.two_s is not None
    notes, complaints = [f"a solve takes {1e3 * timed.solve_s:.1f} ms"], []
    small = task.found.source.startswith("tiny")
    ways = ("local", timed.two_over_s, LOCAL_MS), ("cluster", timed.cluster_over_s, CLUSTER_MS)
    for name, over_s, most in ways:
        if over_s is None:
            notes.append(f"{name}: not measured")
            continue
        notes.append(f"{name}: {1e3 * over_s:.1f} ms a run above the solve")
        if small and 1e3 * over_s > most:
            complaints.append(f"{name}: more than {most:g} ms a run")
    value = timed.two_s
    if timed.one_s is not None:
        speed_up = timed.one_s / timed.two_s
        notes.append(f"two processes are {speed_up:.2f} × as fast as one")
        if timed.solve_s >= 1 and speed_up < SPEED_UP:
            complaints.append(f"less than {SPEED_UP:g} × as fast")
    assert math.isfinite(value)
    return Outcome(value, None, None, not complaints, tuple(complaints), tuple(notes))


SPEC = Spec(
    name="batch",
    about="1,000 small runs: overhead above the solve, locally and on a cluster; 12 large: speed-up of two",
    build=build,
    phases={"solve": solve, "one": one, "two": two, "cluster": cluster, "check": check},
    sizes=tuple(SIZES),
)
