"""Batches whose processes are killed, starve or never end: a second call makes up for everything."""

import math
import os
import random
import resource
import signal
import subprocess
import time

import pyarrow.parquet as pq
import pytest

from logistics.batches.table import RUNS_TABLE
from tests.batch_folders import (
    batch,
    begin,
    content,
    family,
    finish,
    is_running,
    num_done,
    project,
    scenario,
    slow,
    wait_until,
    workers_of,
)

pytestmark = pytest.mark.kill
RUNS = 6


@pytest.fixture(scope="module")
def tree(tmp_path_factory):
    return project(tmp_path_factory.mktemp("project"))


@pytest.fixture(scope="module")
def slow_runs(tree):
    """Runs that take a moment each, one of them in pieces that start from a base."""
    single = scenario(tree, "single", family(RUNS - 1, study=slow(0.4)))
    cut = scenario(tree, "cut", slow(0.4, pieces=3, bases=1, note=tree / "pieces.txt"))
    return [single, cut]


@pytest.fixture(scope="module")
def undisturbed(tree, slow_runs):
    """What a batch that nobody disturbs leaves."""
    out = tree / "undisturbed"
    code, said = batch(*slow_runs, "--out", out, "--jobs", 2, cwd=tree)
    assert code == 0, said
    return content(out)


def no_orphans(pids):
    """Within 5 s none of these processes runs."""
    wait_until(lambda: not any(map(is_running, pids)), seconds=5)


@pytest.mark.parametrize("seed", [1, 2])
def test_killed_workers(tree, slow_runs, undisturbed, tmp_path, seed):
    """Workers killed at random moments: the same call finishes all the same."""
    moments = random.Random(seed)
    out = tmp_path / "out"
    process = begin(*slow_runs, "--out", out, "--jobs", 2, cwd=tree)
    # Two, so that no step can lose its three tries.
    wait_until(lambda: len(workers_of(process.pid)) == 2, process)
    for _ in range(2):
        time.sleep(moments.uniform(0, 3))
        for worker in moments.sample(workers_of(process.pid), 1) if process.poll() is None else ():
            os.kill(worker, signal.SIGKILL)
    workers = workers_of(process.pid)
    code, said = finish(process)
    assert code == 0, said
    no_orphans(workers)
    assert content(out) == undisturbed


def test_killed_parent(tree, slow_runs, undisturbed, tmp_path):
    """The batch itself killed again and again: its workers go, the next call does the rest."""
    moments = random.Random(1)
    out = tmp_path / "out"
    for least in (0, 1, 3):
        process = begin(*slow_runs, "--out", out, "--jobs", 2, cwd=tree)
        ready = lambda least=least, pid=process.pid: num_done(out) >= least and len(workers_of(pid)) == 2  # noqa: E731
        wait_until(ready, process)
        time.sleep(moments.uniform(0, 0.5))
        workers = workers_of(process.pid)
        process.kill()
        finish(process)
        no_orphans(workers)
        kept = {name: digest for name, digest in content(out).items() if name.startswith("runs/")}
        assert kept.items() <= undisturbed.items(), "a run is there as a whole or not at all"
    code, said = batch(*slow_runs, "--out", out, "--jobs", 2, cwd=tree)
    assert code == 0, said
    assert content(out) == undisturbed


def test_finished_pieces_are_not_done_again(tree, tmp_path):
    """A batch killed between the pieces of a run goes on with what is left, and makes a damaged base anew."""
    note = tmp_path / "note.txt"
    path = scenario(tree, "pieces", slow(0.4, pieces=4, bases=2, note=note))
    out = tmp_path / "out"
    process = begin(path, "--out", out, "--jobs", 1, cwd=tree)
    wait_until(lambda: len(list(out.glob("pieces/*/piece-*"))) == 2, process)
    process.kill()
    finish(process)
    (cut,) = out.glob("pieces/*/base-1-*")
    cut.write_bytes(cut.read_bytes()[:-7])
    assert batch(path, "--out", out, "--jobs", 1, cwd=tree)[0] == 0
    lines = note.read_text(encoding="utf-8").splitlines()
    assert [line.split()[2] for line in lines if line.startswith("base")] == ["0", "1", "1"]
    begun = [line.split()[1] for line in lines if not line.startswith("base")]
    assert sorted(set(begun)) == ["0", "1", "2", "3"]
    assert len(begun) <= 5, "only the piece that was under way is done twice"


def test_interrupt_stops_within_two_seconds(tree, slow_runs, undisturbed, tmp_path):
    """Ctrl-C: exit code 130, no worker is left, what is done is kept and the rest follows."""
    out = tmp_path / "out"
    took = [math.inf]
    # Where others keep all cores busy one try may take longer.
    while min(took) >= 2 and len(took) <= 3:
        before = num_done(out)
        process = begin(*slow_runs, "--out", out, "--jobs", 2, cwd=tree)
        wait_until(lambda before=before: num_done(out) > before, process)
        workers = workers_of(process.pid)
        started = time.monotonic()
        process.send_signal(signal.SIGINT)
        code, said = finish(process)
        took.append(time.monotonic() - started)
        assert code == 130
        assert "stopped; what is done stays in" in said
        no_orphans(workers)
        assert num_done(out) > before
        assert not (out / "work").exists()
    assert min(took) < 2, took
    assert batch(*slow_runs, "--out", out, "--jobs", 2, cwd=tree)[0] == 0
    assert content(out) == undisturbed


def test_runs_that_harm_cost_only_themselves(tree, slow_runs, undisturbed, tmp_path):
    """One kills its worker, one never ends, one takes all memory: failed, with a reason; the rest is done."""
    out, note = tmp_path / "out", tmp_path / "note.txt"
    kinds = {
        "endless": ("batch.too_long", "it was ended after 12 s"),
        "greedy": ("batch.too_much_memory", "more than 900 MiB"),
        "poison": ("batch.worker_died", "SIGKILL"),
    }
    bad = [scenario(tree, f"a_{k}", f"study: {{kind: {k}, note: 'note:{note}'}}\n") for k in kinds]
    limits = ("--run-limit", 12, "--memory-limit", 900)
    ended, said = batch(*bad, *slow_runs, "--out", out, "--jobs", 2, *limits, cwd=tree)
    assert ended == 7, said
    assert all(words in said for _, words in kinds.values()), said
    rows = pq.read_table(out / RUNS_TABLE).to_pylist()
    assert [row["reason"] for row in rows] == [code for code, _ in kinds.values()] + [""] * RUNS
    tries = [line.split()[0] for line in note.read_text(encoding="utf-8").splitlines()]
    assert sorted(tries) == ["a_endless", "a_greedy", "a_poison", "a_poison", "a_poison"]
    mine = {name: digest for name, digest in content(out).items() if name.startswith("runs/")}
    assert mine == {name: digest for name, digest in undisturbed.items() if name.startswith("runs/")}


def test_files_that_may_not_grow(tree, slow_runs, undisturbed, tmp_path):
    """Where no file may be larger than 3,000 bytes, runs fail with the reason; later they are done."""
    out = tmp_path / "out"

    def small():
        resource.setrlimit(resource.RLIMIT_FSIZE, (3000, 3000))

    code, said = batch(*slow_runs, "--out", out, "--jobs", 2, cwd=tree, before=small)
    assert code == 7
    assert "the results cannot be written: File too large" in said
    assert num_done(out) < RUNS
    assert batch(*slow_runs, "--out", out, "--jobs", 2, cwd=tree)[0] == 0
    assert content(out) == undisturbed


def test_a_full_disk(tree, slow_runs, undisturbed, tmp_path):
    """A disk that is too small stops the batch; with room the same command goes on."""
    place = tmp_path / "small"
    place.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=600k", "tmpfs", place], capture_output=True, check=False
    )
    if mounted.returncode:
        pytest.skip("only an administrator can make a small disk")
    try:
        out = place / "out"
        code, said = batch(*slow_runs, "--out", out, "--jobs", 2, cwd=tree)
        assert code == 7
        assert "the disk takes no more" in said or "cannot be written: No space left" in said
        assert num_done(out) < RUNS
        subprocess.run(["mount", "-o", "remount,size=60m", place], check=True)
        assert batch(*slow_runs, "--out", out, "--jobs", 2, cwd=tree)[0] == 0
        assert content(out) == undisturbed
    finally:
        subprocess.run(["umount", "-l", place], check=True)


def test_two_batches_on_one_folder(tree, slow_runs, undisturbed, tmp_path):
    """The second waits, and finds what the first has done."""
    out = tmp_path / "out"
    first = begin(*slow_runs, "--out", out, "--jobs", 2, cwd=tree)
    wait_until((out / "work").exists, first)
    second = begin(*slow_runs, "--out", out, "--jobs", 2, cwd=tree)
    ends = [finish(first), finish(second)]
    assert [code for code, _ in ends] == [0, 0]
    assert "another batch is writing in" in ends[1][1]
    assert f"{RUNS} of them done before" in ends[1][1]
    assert content(out) == undisturbed
