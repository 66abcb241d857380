"""Batches on this machine: what is planned, done, kept, done again and said."""

import contextlib
import json
import os
import pty
import re
import shutil
from dataclasses import replace

import pyarrow.parquet as pq
import pytest

from logistics.batches.plan import planned_batch
from logistics.batches.pool import usable_cores
from logistics.batches.progress import BatchState, progress_words
from logistics.batches.render import rendered_results
from logistics.batches.table import RUNS_TABLE
from logistics.results.judge import judge_folder
from logistics.results.write import write_results
from logistics.scenario.case import read_case
from logistics.studies.register import run_study
from tests.batch_folders import batch, begin, content, family, finish, project, scenario, slow
from tests.test_command_line import command_line


@pytest.fixture(scope="module")
def tree(tmp_path_factory):
    return project(tmp_path_factory.mktemp("project"))


@pytest.fixture(scope="module")
def files(tree):
    """A family, one that cannot be served in full, and one in years that become pieces."""
    none_left = "limits: {allow_unserved: false}\nchanges:\n  - scale_demand: {factor: 1000}\n"
    note = tree / "pieces.txt"
    return [
        scenario(tree, "family", family(4)),
        scenario(tree, "never", none_left),
        scenario(tree, "cut", slow(0, pieces=3, bases=2, note=note)),
    ]


@pytest.fixture(scope="module")
def whole(tree, files):
    """An undisturbed batch on one process."""
    out = tree / "whole"
    code, said = batch(*files, "--out", out, "--jobs", 1, cwd=tree)
    assert code == 0, said
    assert said.endswith("6 runs have an outcome, 0 failed, 0 were not run: " + str(out) + "\n")
    return out


def rows(folder):
    return pq.read_table(folder / RUNS_TABLE).to_pylist()


def pieces_begun(tree):
    """What the pieces of the cut runs have noted."""
    lines = (tree / "pieces.txt").read_text(encoding="utf-8").splitlines()
    return [line for line in lines if line.startswith("cut ")]


# --- what is planned ------------------------------------------------------------------------------


def ids(*paths, **options):
    return [run.id for run in planned_batch(paths, **options).runs]


def test_a_run_is_named_by_what_decides_it(tree, files):
    """Comments and places do not count; values, the solver, tables and named files do."""
    own = files[0].read_text(encoding="utf-8")
    first = ids(files[0])
    assert len(set(first)) == 4
    files[0].write_text("# a word\n" + own, encoding="utf-8")
    assert ids(files[0]) == first
    files[0].write_text(own.replace("1.01", "1.5"), encoding="utf-8")
    assert [a == b for a, b in zip(ids(files[0]), first, strict=True)] == [True, False, True, True]
    files[0].write_text(own, encoding="utf-8")
    assert not set(ids(files[0], overrides={"gap": 0.1})) & set(first)
    other = project(tree / "other")
    demand = other / "networks" / "three_gateways" / "demand.csv"
    demand.write_text(demand.read_text(encoding="utf-8").replace("b2b,600", "b2b,601"), encoding="utf-8")
    assert not set(ids(scenario(other, "family", family(4)))) & set(first)


def test_a_file_that_a_study_names_counts(tree):
    """Proposals that change are other inputs."""
    path = scenario(tree, "routes", "study: {kind: routes, proposals: [{csv: own.csv}]}\n")
    csv = path.with_name("own.csv")
    csv.write_text("a", encoding="utf-8")
    before = ids(path)
    csv.write_text("b", encoding="utf-8")
    assert ids(path) != before


def test_a_run_is_planned_once(files):
    """The same file twice is the same runs."""
    assert ids(files[0], files[0]) == ids(files[0])


# --- what is done ---------------------------------------------------------------------------------


def test_runs_have_outcomes(whole):
    """Infeasible is an outcome; the members stand in order with their values."""
    found = rows(whole)
    assert [row["scenario"] for row in found[:4]] == [f"family.d.{n}" for n in range(1, 5)]
    assert [row["value_factor"] for row in found[:4]] == [1.0, 1.01, 1.02, 1.03]
    assert [row["status"] for row in found] == ["optimal"] * 4 + ["infeasible", "optimal"]
    assert all(row["asked"] for row in found)
    costs = [row["objective"] for row in found[:4]]
    assert costs == sorted(costs)
    assert costs[0] < costs[-1]


def test_each_run_is_a_results_folder(whole):
    """The check of a folder accepts it, inputs and all."""
    for row in rows(whole):
        assert judge_folder(whole / "runs" / row["run"]).verified


def test_inputs_are_stored_once(whole):
    """Tables of runs that share them are one file on the disk."""
    sites = list(whole.glob("runs/*/inputs/*/2021/sites.parquet"))
    assert len(sites) == 6
    assert len({path.stat().st_ino for path in sites}) == 1


def test_pieces_are_done_once_and_go_when_they_are_merged(tree, whole):
    """Each piece of the cut run was begun once; nothing of them is left."""
    assert sorted(line.split()[1] for line in pieces_begun(tree)) == ["0", "1", "2"]
    assert not (whole / "pieces").exists()
    assert not (whole / "work").exists()


def test_files_are_those_of_a_run(tree, files, tmp_path):
    """What a batch renders is what `logistics run` writes, byte by byte."""
    case = read_case(files[0], variant="d.2")
    result = run_study(case)
    write_results(tmp_path / "out", case, result, "log\n")
    rendered = rendered_results(case, result, "log\n")
    written = {p.relative_to(tmp_path / "out").as_posix(): p for p in (tmp_path / "out").rglob("*")}
    assert {name for name, path in written.items() if path.is_file()} == rendered.keys()
    for name, data in rendered.items():
        assert written[name].read_bytes() == data, name


def test_processes_do_not_change_results(tree, files, whole):
    """Two at once give what one gives; together they use no more threads than there are cores."""
    out = tree / "two"
    assert batch(*files, "--out", out, "--jobs", 2, "-q", cwd=tree)[0] == 0
    assert content(out) == content(whole)
    threads = [int(line.split()[3]) for line in pieces_begun(tree)]
    jobs = [1] * 3 + [min(2, usable_cores())] * 3
    assert threads == [max(1, usable_cores() // at_once) for at_once in jobs]


def test_a_second_call_does_nothing(tree, files, whole):
    """No run is run again; damaged ones are."""
    before = content(whole), (tree / "pieces.txt").read_text(encoding="utf-8")
    times = {p: p.stat().st_mtime_ns for p in whole.glob("runs/*/result.json")}
    code, said = batch(*files, "--out", whole, "--jobs", 1, cwd=tree)
    assert code == 0, said
    assert "6 runs, 6 of them done before" in said
    assert (content(whole), (tree / "pieces.txt").read_text(encoding="utf-8")) == before
    assert {p: p.stat().st_mtime_ns for p in whole.glob("runs/*/result.json")} == times


def test_reports_are_made_when_they_are_asked_for(tree, files, whole, tmp_path):
    """Not before, and beside results that stay. Damaged ones, or those in another language, are made anew."""
    before = content(whole)
    assert not [name for name in before if name.endswith(".html")]
    out = shutil.copytree(whole, tmp_path / "out")
    call = (files[0], "--out", out, "--jobs", 2, "--report", "html", "-q")
    assert batch(*call, "--lang", "en", cwd=tree)[0] == 0
    made, pages = content(out), sorted(out.glob("runs/*/report.html"))
    of_runs = {
        f"runs/{row['run']}/{name}" for row in rows(whole)[:4] for name in ("report.html", "report-info.json")
    }
    assert made.keys() - before.keys() == of_runs | {"report.html"}
    assert {name for name, digest in before.items() if made[name] != digest} == {"runs.parquet"}
    times = [path.stat().st_mtime_ns for path in pages]
    pages[0].write_bytes(pages[0].read_bytes()[:-1000])
    pages[1].unlink()
    told = pages[2].parent / "report-info.json"
    told.write_text(told.read_text(encoding="utf-8").replace('"en"', '"zh"'), encoding="utf-8")
    assert batch(*call, "--lang", "en", cwd=tree)[0] == 0
    assert content(out) == made
    changed = [path.stat().st_mtime_ns != time for path, time in zip(pages, times, strict=True)]
    assert changed == [True, True, True, False]


def test_damaged_files_are_made_again(tree, files, whole):
    """A result, a plan, a shared table, a log or a note of the run, cut short by hand."""
    before = content(whole)
    run = [whole / "runs" / row["run"] for row in rows(whole)]
    table = next((run[3] / "inputs").glob("*/2021/sites.parquet"))
    for path in (
        run[0] / "result.json",
        run[1] / "plan" / "flows.parquet",
        run[2] / "run-info.json",
        run[3] / "run.log",
        table,
    ):
        path.write_bytes(path.read_bytes()[:-7])
    assert content(whole) != before
    code, said = batch(*files, "--out", whole, "--jobs", 2, cwd=tree)
    assert code == 0, said
    assert content(whole) == before


def test_more_scenarios_join_a_batch(tree, files, whole, tmp_path):
    """Runs that were done stay in the table, told apart from those that were asked for."""
    more = scenario(tree, "more", "")
    assert batch(more, "--out", whole, "--jobs", 1, "-q", cwd=tree)[0] == 0
    found = rows(whole)
    assert [(row["scenario"], row["asked"]) for row in found][:1] == [("more", True)]
    assert [row["asked"] for row in found[1:]] == [False] * 6
    assert batch(*files, more, "--out", whole, "--jobs", 1, "-q", cwd=tree)[0] == 0
    assert [row["asked"] for row in rows(whole)] == [True] * 7


# --- what is said ---------------------------------------------------------------------------------


def test_a_terminal_shows_a_bar(tree, files, tmp_path):
    """With what is done, failed and left, written over and over."""
    ours, theirs = pty.openpty()
    process = begin(
        files[0], "--out", tmp_path / "out", "--jobs", 1, cwd=tree, before=lambda: os.dup2(theirs, 2)
    )
    os.close(theirs)
    shown = b""
    with contextlib.suppress(OSError):
        while data := os.read(ours, 4096):
            shown += data
    os.close(ours)
    assert finish(process)[0] == 0
    assert re.search(rb"done 2, failed 0, remaining 2, about 0.\d min to go", shown), shown
    assert b"\x1b[" in shown


def test_how_far_a_batch_is():
    """The time left goes by the pace of this call; a moment without workers is nothing to speak of."""
    state = BatchState(found=90, done=4, failed=1, remaining=5, steps=5, seconds=300.0)
    assert progress_words(state, "en") == "done 94, failed 1, remaining 5, about 5.0 min to go"
    none = replace(state, done=0, failed=0, deserted_s=1.9)
    assert progress_words(none, "en") == "done 90, failed 0, remaining 5, no estimate yet"
    assert "dask worker" in progress_words(replace(none, deserted_s=2.0), "en")


# --- what goes wrong ------------------------------------------------------------------------------


def test_bad_scenarios_cost_only_themselves(tree, tmp_path):
    """A file that cannot be read, a change that cannot be made, and a good one."""
    bad = scenario(tree, "bad", "chnges: []\n")
    wrong = scenario(tree, "wrong", "changes:\n  - close: {site: NOWHERE}\n")
    good = scenario(tree, "good", "")
    code, said = batch(bad, wrong, good, "--out", tmp_path / "out", "--jobs", 1, cwd=tree)
    assert code == 7
    assert re.search(r"bad.yaml:5:1: .*did you mean 'changes'", said)
    assert "bad.yaml cannot be read; the other runs are done without it" in said
    assert (
        "wrong failed: wrong.yaml:6:5: there is no 'NOWHERE'" in said.replace("  ", " ") or "NOWHERE" in said
    )
    assert [(row["scenario"], row["status"]) for row in rows(tmp_path / "out")] == [
        ("wrong", "failed"),
        ("good", "optimal"),
    ]
    (kept,) = (tmp_path / "out" / "failed").glob("*.json")
    assert json.loads(kept.read_text(encoding="utf-8"))["problems"][0]["code"] == "change.no_row"
    code, said = batch(bad, "--out", tmp_path / "none", cwd=tree)
    assert (code, "1 error; nothing was run" in said) == (2, True), said
    assert not (tmp_path / "none").exists()


def test_a_key_that_is_wrong_for_all_members_is_said_once(tree):
    """A family may have a thousand of them."""
    path = scenario(tree, "astray", family(30).replace("factor, values", "factr, values"))
    answer = command_line("batch", path, "--out", tree / "none")
    assert answer.code == 2
    assert answer.err.count("unknown key 'factr' - did you mean 'factor'?") == 1
    assert not (tree / "none").exists()


def test_a_folder_that_cannot_be_made(tree, files):
    """Nothing is run."""
    answer = command_line("batch", files[1], "--out", "/proc/nowhere/out")
    assert answer.code == 2
    assert "the results cannot be written" in answer.err
    assert command_line("batch", files[1], "--out", tree / "none", "--jobs", "0").code == 2


def test_another_folder_is_left_alone(tree, files, tmp_path):
    """A folder with other things in it is refused."""
    (tmp_path / "mine.txt").write_text("mine", encoding="utf-8")
    code, said = batch(files[0], "--out", tmp_path, cwd=tree)
    assert code == 2
    assert "holds something else than a batch" in said
    assert [path.name for path in tmp_path.iterdir()] == ["mine.txt"]
