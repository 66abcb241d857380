"""Batches on a cluster of this machine: the same results, also when parts of the cluster are killed."""

import math
import os
import re
import signal
import subprocess
import sys
import time
from typing import Any, NamedTuple

import pytest

from logistics.batches.cluster import ClusterPool
from logistics.batches.pool import StepLimits
from logistics.errors import InputError
from tests.batch_folders import (
    ROOT,
    STUDIES,
    batch,
    begin,
    children,
    content,
    family,
    finish,
    is_running,
    num_done,
    project,
    scenario,
    slow,
    wait_until,
)
from tests.test_command_line import command_line

pytest.importorskip("distributed")
pytestmark = pytest.mark.cluster


@pytest.fixture(scope="module")
def tree(tmp_path_factory):
    return project(tmp_path_factory.mktemp("project"))


@pytest.fixture(scope="module")
def files(tree):
    return [
        scenario(tree, "single", family(5, study=slow(0.5))),
        scenario(tree, "cut", slow(0.2, pieces=3, bases=2, note=tree / "pieces.txt")),
    ]


@pytest.fixture(scope="module")
def local(tree, files):
    """What processes of this machine alone give."""
    out = tree / "local"
    code, said = batch(*files, "--out", out, "--jobs", 2, cwd=tree)
    assert code == 0, said
    return content(out)


class Cluster(NamedTuple):
    """Address of a scheduler, the processes, and what starts another one."""

    address: str
    scheduler: subprocess.Popen
    workers: list
    start: Any


@pytest.fixture
def cluster(tmp_path):
    """A scheduler and two workers."""
    environment = {**os.environ, "PYTHONPATH": f"{STUDIES}{os.pathsep}{ROOT}"}
    started = []

    def start(module, *arguments):
        process = subprocess.Popen(
            [sys.executable, "-m", f"distributed.cli.{module}", *arguments],
            cwd=tmp_path,
            env=environment,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
        )
        started.append(process)
        return process

    scheduler = start("dask_scheduler", "--host", "127.0.0.1", "--port", "0", "--no-dashboard")
    for line in scheduler.stderr:
        if found := re.search(r"Scheduler at: +(tcp://\S+)", line):
            break
    address = found.group(1)
    workers = [
        start("dask_worker", address, "--no-dashboard", "--nthreads", "1", "--no-nanny") for _ in range(2)
    ]
    yield Cluster(address, scheduler, workers, start)
    for process in started:
        process.kill()
        process.wait()
        process.stderr.close()


def test_a_local_cluster_gives_the_same(tree, files, local, tmp_path):
    """``local:2`` leaves byte for byte what two processes leave, also beside a run that kills its process."""
    bad = scenario(tree, "a_poison", "study: {kind: poison}\n")
    code, said = batch(bad, *files, "--out", tmp_path / "out", "--cluster", "local:2", cwd=tree)
    assert code == 7, said
    assert "SIGKILL" in said
    runs = {name: digest for name, digest in content(tmp_path / "out").items() if name.startswith("runs/")}
    assert runs == {name: digest for name, digest in local.items() if name.startswith("runs/")}


@pytest.mark.parametrize("blow", [signal.SIGINT, signal.SIGKILL])
def test_a_local_cluster_ends_with_its_batch(tree, files, local, tmp_path, blow):
    """Ctrl-C at a terminal, which reaches the cluster too, and a kill of the batch: nothing runs on."""
    out = tmp_path / "out"
    process = begin(*files, "--out", out, "--cluster", "local:2", cwd=tree, process_group=0)
    wait_until(lambda: num_done(out) >= 1, process)
    others = children(process.pid)
    assert others
    if blow == signal.SIGINT:
        os.killpg(process.pid, blow)
        code, said = finish(process, timeout=20)
        assert (code, "stopped; what is done" in said) == (130, True), said
    else:
        process.kill()
        finish(process)
    wait_until(lambda: not any(map(is_running, others)), seconds=5)
    kept = {name: digest for name, digest in content(out).items() if name.startswith("runs/")}
    assert kept.items() <= local.items()


def test_a_killed_worker(tree, files, local, tmp_path, cluster):
    """A worker of the cluster that is lost costs nothing but time; its own process goes with it."""
    address, workers = cluster.address, cluster.workers
    out = tmp_path / "out"
    process = begin(*files, "--out", out, "--cluster", address, cwd=tree)
    wait_until(lambda: num_done(out) >= 1, process)
    others = children(workers[0].pid)
    os.kill(workers[0].pid, signal.SIGKILL)
    wait_until(lambda: not any(map(is_running, others)), seconds=5)
    code, said = finish(process)
    assert code == 0, said
    assert content(out) == local


def test_a_killed_scheduler(tree, files, local, tmp_path, cluster):
    """Without its scheduler a batch stops and says so; the next one does only what is left."""
    address, scheduler = cluster.address, cluster.scheduler
    out = tmp_path / "out"
    process = begin(*files, "--out", out, "--cluster", address, cwd=tree)
    wait_until(lambda: num_done(out) >= 1, process)
    os.kill(scheduler.pid, signal.SIGKILL)
    code, said = finish(process)
    assert code == 7, said
    assert "the workers are gone" in said
    assert 1 <= num_done(out) < 6
    assert batch(*files, "--out", out, "--jobs", 2, cwd=tree)[0] == 0
    assert content(out) == local


def test_a_scheduler_without_workers_is_said(tree, files, tmp_path, cluster):
    """After two seconds, with what to do; Ctrl-C ends the wait, and with a worker the batch goes on."""
    address = cluster.address
    for worker in cluster.workers:
        worker.kill()
        worker.wait()
    out, told = tmp_path / "out", "the cluster has no workers; start some (`dask worker ADDRESS`"
    took = [math.inf]
    while min(took) >= 2 and len(took) <= 3:
        process = begin(*files, "--out", out, "--cluster", address, cwd=tree)
        assert any(told in line for line in process.stdout)
        started = time.monotonic()
        process.send_signal(signal.SIGINT)
        assert finish(process)[0] == 130
        took.append(time.monotonic() - started)
    assert min(took) < 2, took
    one = scenario(tree, "alone", "")
    process = begin(one, "--out", out, "--cluster", address, cwd=tree)
    assert any(told in line for line in process.stdout)
    cluster.start("dask_worker", address, "--no-dashboard", "--nthreads", "1", "--no-nanny")
    assert finish(process)[0] == 0
    assert num_done(out) == 1


def test_no_such_scheduler(monkeypatch):
    """An address where nobody listens is a mistake of the call, and so is a cluster of nobody."""
    monkeypatch.setattr("logistics.batches.cluster.CONNECT_S", 0.5)
    for address in ("tcp://127.0.0.1:9", "nowhere", "local:0", "local:two"):
        with pytest.raises(InputError) as caught:
            ClusterPool(address, {}, StepLimits())
        assert [problem.code for problem in caught.value.problems] == ["batch.no_cluster"]


def test_a_cluster_that_is_not_there_costs_nothing(tree, files, local, tmp_path, monkeypatch):
    """The folder stays as it is, its table too; and what is done needs no cluster."""
    monkeypatch.setattr("logistics.batches.cluster.CONNECT_S", 0.5)
    out = tmp_path / "out"
    more = scenario(tree, "more", "")
    path = scenario(tree, "one", "")
    assert command_line("batch", path, "--out", out, "--jobs", 1, "-q").code == 0
    before = content(out)
    answer = command_line("batch", path, more, "--out", out, "--cluster", "tcp://127.0.0.1:9")
    assert (answer.code, "cannot be reached" in answer.err) == (2, True)
    assert content(out) == before
    answer = command_line("batch", path, "--out", out, "--cluster", "tcp://127.0.0.1:9")
    assert (answer.code, content(out)) == (0, before), answer.err
