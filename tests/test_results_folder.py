"""The results folder: what is written, whole or not at all, and that a change is noticed."""

import json
import logging
import math
import os
import shutil
import subprocess
import sys
from contextlib import contextmanager

import pyarrow as pa
import pyarrow.csv as pacsv
import pyarrow.parquet as pq
import pytest

from logistics.__main__ import main
from logistics.errors import InputError
from logistics.results import write
from logistics.results.layout import digest_of_bytes, digest_of_files, self_digest
from logistics.results.read import read_inputs
from logistics.results.write import write_results
from logistics.scenario.case import read_case
from logistics.studies.register import run_study
from tests.tiny import THREE_GATEWAYS

SCENARIO = """\
schema: 1
name: {zh: 三个口岸, en: Three gateways}
network: three_gateways
years: [2021]
objective: generalised
study: {kind: assignment}
"""
SMALL_WAREHOUSE = """\
changes:
  - set: {table: warehouse_options, column: capacity_t_per_year, value: 150}
"""
TABLES = (
    *("bill", "bottlenecks", "changes", "duals", "gateways", "modes", "observed", "services"),
    *("segment_times", "service_times", "times"),
)
PLAN = ("flows", "steps", "unserved")
FILES = {
    *(f"{name}.parquet" for name in TABLES),
    *(f"plan/{name}.parquet" for name in PLAN),
    "result.json",
    "timing.json",
    "run.log",
}
"""Every file of a result but its stored inputs."""
KEYS = {
    "status",
    "objective",
    "bound",
    "gap",
    "verified",
    "bound_proof",
    "demand_t",
    "unserved_t",
    "totals",
}
TOTALS = {
    "money_cny",
    "capital_cny",
    "customer_hours_mean",
    "pipeline_hours_mean",
    "co2_t",
    "local_gateway_share",
}


@pytest.fixture(autouse=True)
def _logger_as_it_was():
    """A run takes the package's logger for its run.log; give it back."""
    logger = logging.getLogger("logistics")
    kept = logger.handlers, logger.level, logger.propagate
    yield
    logger.handlers, logger.propagate = kept[0], kept[2]
    logger.setLevel(kept[1])


@pytest.fixture(scope="module")
def project(tmp_path_factory):
    """A project folder with one scenario of ``three_gateways``."""
    folder = tmp_path_factory.mktemp("project")
    shutil.copytree(THREE_GATEWAYS, folder / "networks" / "three_gateways")
    (folder / "scenarios").mkdir()
    (folder / "scenarios" / "tiny.yaml").write_text(SCENARIO, encoding="utf-8")
    return folder


@pytest.fixture(scope="module")
def solved(project):
    """The case of the scenario and its result."""
    case = read_case(project / "scenarios" / "tiny.yaml")
    return case, run_study(case, lambda *_: None)


@pytest.fixture(scope="module")
def written(tmp_path_factory, solved):
    """A results folder that no test changes."""
    folder = tmp_path_factory.mktemp("results") / "tiny"
    write_results(folder, *solved)
    return folder


@pytest.fixture
def result(tmp_path, written):
    """A results folder of its own for a test."""
    return shutil.copytree(written, tmp_path / "tiny")


def logistics(*arguments):
    """Exit code of the command line."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sys, "argv", ["logistics", *map(str, arguments)])
        with pytest.raises(SystemExit) as ended:
            main()
    return ended.value.code


def contents(folder):
    """Bytes of every file below a folder, by name."""
    return {p.relative_to(folder).as_posix(): p.read_bytes() for p in folder.rglob("*") if p.is_file()}


def read_document(folder):
    """``result.json``."""
    return json.loads((folder / "result.json").read_text(encoding="utf-8"))


def forge(folder, document=None):
    """Write ``result.json`` again with digests that fit what the folder holds now."""
    document = document or read_document(folder)
    (store,) = (folder / "inputs").iterdir()
    document["inputs"] = digest_of_files(store)
    store.rename(store.with_name(document["inputs"]))
    document["files"] = {
        name: digest_of_bytes((folder / name).read_bytes())
        for name in document["files"]
        if (folder / name).exists()
    }
    document["digest"] = self_digest(document)
    (folder / "result.json").write_text(json.dumps(document), encoding="utf-8")


def rewrite(path, column, change):
    """Change one column of a Parquet file, row by row."""
    table = pq.read_table(path)
    values = [change(value) for value in table[column].to_pylist()]
    place = table.schema.get_field_index(column)
    field = table.schema.field(column)
    pq.write_table(table.set_column(place, field, pa.array(values, field.type)), path)


def verified(folder, capsys, *options):
    """Exit code of ``logistics verify``, codes of the violations, and all that was said."""
    capsys.readouterr()
    code = logistics("verify", folder, "--json", *options)
    said = capsys.readouterr()
    violations = json.loads(said.out)["violations"] if said.out else []
    return code, [violation["code"] for violation in violations], said.out + said.err


# What is written ------------------------------------------------------------------------------------------


def test_files_of_a_result(written):
    """The folder holds result, times, log, plan, duals, tables and its inputs, and nothing else."""
    names = set(contents(written))
    inputs = {name for name in names if name.startswith("inputs/")}
    assert names - inputs == FILES
    (store,) = (written / "inputs").iterdir()
    assert store.name == read_document(written)["inputs"] == digest_of_files(store)
    stored = {name.split("/", 2)[2] for name in inputs}
    assert {"scenario.json", "2021/sites.parquet", "2021/demand.parquet", "2021/fx.parquet"} <= stored
    assert {p.name for p in written.parent.iterdir()} == {written.name}


def test_keys_of_the_result(written):
    """``result.json`` has what every reader may rely on."""
    document = read_document(written)
    assert document["schema"] == "logistics.result/1"
    assert set(document) >= KEYS
    assert set(document["totals"]) >= TOTALS
    assert document["status"] == "optimal"
    assert document["verified"] is True
    assert document["bound_proof"] == "certificate"
    assert document["objective"] == pytest.approx(88_504_340, rel=1e-9)
    assert document["objective"] == pytest.approx(document["bound"], rel=1e-6)
    assert (document["demand_t"], document["unserved_t"]) == (2350, 0)


def test_every_table_has_a_year(written):
    """Each table of the folder says which year a row is of."""
    tables = [*(written / f"{name}.parquet" for name in TABLES), *(written / "plan").glob("*.parquet")]
    assert len(tables) == len(TABLES) + len(PLAN)
    for path in tables:
        assert pq.read_schema(path).names[0] == "year", path.name


def test_digests_cover_every_file_but_times_and_log(written):
    """What can be altered unnoticed is only what says nothing about the plan."""
    document = read_document(written)
    assert set(document["files"]) == FILES - {"result.json", "timing.json", "run.log"}
    for name, digest in document["files"].items():
        assert digest_of_bytes((written / name).read_bytes()) == digest
    assert document["digest"] == self_digest(document)


def test_two_runs_give_the_same_bytes(project, tmp_path, capsys):
    """Two processes with other hash seeds and other places write the same bytes, times and log apart."""
    printed = []
    for seed in ("1", "2"):
        command = [sys.executable, "-m", "logistics", "run", str(project / "scenarios" / "tiny.yaml")]
        command += ["--json", "--quiet", "--out", str(tmp_path / f"out{seed}")]
        environment = {**os.environ, "PYTHONHASHSEED": seed}
        done = subprocess.run(command, capture_output=True, text=True, env=environment, check=True)
        assert done.stderr == ""
        printed.append(json.loads(done.stdout))
    first, second = (contents(tmp_path / f"out{seed}") for seed in ("1", "2"))
    assert first.keys() == second.keys()
    differing = {name for name in first if first[name] != second[name]}
    assert differing <= {"timing.json", "run.log"}
    assert set(json.loads(first["timing.json"])) == {"seconds"}
    assert {*KEYS, "seconds"} <= set(printed[0])
    same = [{k: v for k, v in one.items() if k not in ("seconds", "out")} for one in printed]
    assert same[0] == same[1]


# Whole or not at all ----------------------------------------------------------------------------------------


@contextmanager
def failing(name, call, error):
    """Let the call of that number of a function of the writer raise an error."""
    module, _, attribute = name.rpartition(".")
    holder = getattr(write, module) if module else write
    real, calls = getattr(holder, attribute), []

    def failed(*arguments, **named):
        calls.append(1)
        if len(calls) == call:
            raise error
        return real(*arguments, **named)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(holder, attribute, failed)
        yield
    assert len(calls) >= call


FAILURES = {
    "first table": ("_write_table", 1, OSError("disk full")),
    "table of the plan": ("_write_table", 18, OSError("disk full")),
    "last table": ("_write_table", 27, OSError("disk full")),
    "interrupted": ("_write_table", 20, KeyboardInterrupt()),
    "result": ("result_document", 1, ValueError("no such figure")),
    "times": ("canonical_json", 3, OSError("disk full")),
    "renaming the inputs": ("os.replace", 1, OSError("no")),
    "putting it in place": ("os.replace", 2, OSError("no")),
}


@pytest.mark.parametrize("name", FAILURES)
def test_a_failure_while_writing_leaves_nothing_behind(tmp_path, solved, name):
    """Whatever goes wrong, there is no half-made folder, nor a working one beside it."""
    what, call, error = FAILURES[name]
    with failing(what, call, error), pytest.raises(type(error)):
        write_results(tmp_path / "out" / "tiny", *solved)
    assert list((tmp_path / "out").iterdir()) == []


@pytest.mark.parametrize("name", FAILURES)
def test_a_failure_while_writing_leaves_the_old_result(tmp_path, solved, result, name):
    """An older result stays as it is, byte by byte."""
    before = contents(tmp_path)
    what, call, error = FAILURES[name]
    with failing(what, call, error), pytest.raises(type(error)):
        write_results(result, *solved, force=True)
    assert contents(tmp_path) == before
    assert [p.name for p in tmp_path.iterdir()] == [result.name]


@pytest.mark.parametrize("error", [OSError("no"), KeyboardInterrupt()], ids=["error", "interrupted"])
def test_a_failure_of_the_last_rename_brings_the_old_result_back(tmp_path, solved, result, error):
    """The old result has already made room when the new one cannot be put in its place."""
    before = contents(tmp_path)
    with failing("os.replace", 3, error), pytest.raises(type(error)):
        write_results(result, *solved, force=True)
    assert contents(tmp_path) == before
    assert [p.name for p in tmp_path.iterdir()] == [result.name]


VARIATIONS = {
    "money": ("objective: money", 0),
    "hours": ("objective: hours", 0),
    "co2": ("objective: co2", 0),
    "two years": ("years: [2021, 2022]", 0),
    "a price of unserved": ("limits: {unserved_cny_per_t: 30000}", 0),
    "too little room": (SMALL_WAREHOUSE, 0),
    "too little room, all must go": (f"limits: {{allow_unserved: false}}\n{SMALL_WAREHOUSE}", 3),
    "nothing can reach it": ("changes:\n  - close: {service: AIR_CN}", 0),
    "wide gap": ("solver: {gap: 0.5}", 0),
    "no time": ("solver: {time_limit_s: 0.000001}", 4),
}


@pytest.mark.parametrize("name", VARIATIONS)
def test_what_a_run_writes_is_verified(project, tmp_path, capsys, name):
    """Whatever the scenario asks for and however it ends, its folder passes the check."""
    more, code = VARIATIONS[name]
    key = more.split(":")[0]
    kept = [line for line in SCENARIO.splitlines() if not line.startswith(f"{key}:")]
    scenario = project / "scenarios" / "variation.yaml"
    scenario.write_text("\n".join([*kept, more, ""]), encoding="utf-8")
    assert logistics("run", scenario, "--out", tmp_path / "out", "--quiet") == code
    assert verified(tmp_path / "out", capsys)[:2] == (0, [])


def test_an_existing_result_is_kept_unless_forced(project, result, capsys):
    """``--force`` replaces the whole folder, without it the command ends with 2 before it solves."""
    (result / "notes.txt").write_text("of an older run", encoding="utf-8")
    before = contents(result)
    scenario = project / "scenarios" / "tiny.yaml"
    assert logistics("run", scenario, "--out", result) == 2
    assert "--force" in capsys.readouterr().err
    assert contents(result) == before
    assert logistics("run", scenario, "--out", result, "--force", "--quiet") == 0
    after = contents(result)
    assert set(before) - set(after) == {"notes.txt"}
    assert after["result.json"] == before["result.json"]
    assert [p.name for p in result.parent.iterdir()] == [result.name]


@pytest.mark.parametrize("force", [[], ["--force"]])
def test_a_folder_that_holds_no_result_is_never_replaced(project, tmp_path, capsys, force):
    """Somebody's own files are safe, even from ``--force``."""
    other = tmp_path / "thesis"
    other.mkdir()
    (other / "chapter.txt").write_text("years of work", encoding="utf-8")
    scenario = project / "scenarios" / "tiny.yaml"
    assert logistics("run", scenario, "--out", other, *force) == 2
    assert "not replaced" in capsys.readouterr().err
    assert logistics("run", scenario, "--out", other / "chapter.txt", *force) == 2
    assert contents(tmp_path) == {"thesis/chapter.txt": b"years of work"}


def test_an_empty_folder_is_used(tmp_path, solved):
    """There is nothing to lose in an empty folder."""
    (tmp_path / "tiny").mkdir()
    write_results(tmp_path / "tiny", *solved)
    assert set(contents(tmp_path / "tiny")) >= FILES
    assert [p.name for p in tmp_path.iterdir()] == ["tiny"]


@pytest.mark.parametrize("below", ["", "more", "more/and/more"])
def test_a_place_below_a_file_is_refused(tmp_path, solved, below):
    """No folder can be made there; what is in the way is named, and nothing is written."""
    (tmp_path / "file").write_text("mine", encoding="utf-8")
    place = tmp_path / "file" / below / "tiny"
    with pytest.raises(InputError) as refused:
        write_results(place, *solved)
    (problem,) = refused.value.problems
    assert (problem.code, problem.where.file) == ("results.unwritable", str(place))
    assert problem.found == str(tmp_path / "file")
    assert contents(tmp_path) == {"file": b"mine"}


def test_a_folder_that_may_not_be_written_to_is_refused(tmp_path, solved, monkeypatch):
    """The nearest folder that exists decides, as the system answers for it."""
    monkeypatch.setattr(write.os, "access", lambda path, _: path != tmp_path)
    with pytest.raises(InputError) as refused:
        write_results(tmp_path / "not" / "yet", *solved)
    assert [(p.code, p.found) for p in refused.value.problems] == [("results.unwritable", str(tmp_path))]
    assert contents(tmp_path) == {}


# Changes are noticed ----------------------------------------------------------------------------------------


def test_an_untouched_result_is_verified(result, capsys):
    """From files alone: nothing is found, and the bound is recomputed."""
    code, violations, said = verified(result, capsys)
    assert (code, violations) == (0, [])
    year = json.loads(said)["years"]["2021"]
    assert year["bound_proof"] == "certificate"
    assert year["objective"] == pytest.approx(88_504_340, rel=1e-9)
    assert sum(year["bill_cny"].values()) == pytest.approx(85_905_840, rel=1e-9)


def test_times_and_log_may_change(result, capsys):
    """They say nothing about the plan; a report may be added."""
    (result / "timing.json").write_text("{}", encoding="utf-8")
    (result / "run.log").unlink()
    (result / "report.html").write_text("<html>", encoding="utf-8")
    assert verified(result, capsys)[:2] == (0, [])


@pytest.mark.parametrize("name", [f"{name}.parquet" for name in TABLES])
def test_an_altered_table_is_named(result, capsys, name):
    """A table that people read is compared with its digest."""
    if name == "duals.parquet":
        rewrite(result / name, "price", lambda price: price * 1.0)
    else:
        with (result / name).open("ab") as file:
            file.write(b" ")
    code, violations, said = verified(result, capsys)
    assert (code, violations) == (6, ["verify.file_changed"])
    assert name in said


def test_an_altered_plan_is_named(result, capsys):
    """A tonne less on each path: the file has changed, and demand is not met."""
    rewrite(result / "plan" / "flows.parquet", "tonnes", lambda tonnes: tonnes - 1)
    code, violations, said = verified(result, capsys)
    assert code == 6
    assert violations[0] == "verify.file_changed"
    assert violations.count("verify.balance") == 14
    assert set(violations) == {"verify.file_changed", "verify.balance", "verify.bill", "verify.bound"}
    assert "plan/flows.parquet" in said


def test_altered_steps_are_named(result, capsys):
    """Cargo that is said to ride elsewhere."""
    rewrite(result / "plan" / "steps.parquet", "via_id", lambda via: "cape" if via == "suez" else via)
    code, violations, said = verified(result, capsys)
    assert code == 6
    assert set(violations) == {"verify.file_changed", "verify.bill"}
    assert "plan/steps.parquet" in said


def test_altered_duals_are_named(result, capsys):
    """Another price: the file has changed, and the bound is not proven."""
    rewrite(result / "duals.parquet", "price", lambda price: price + 1 if 1 < price < 1e9 else price)
    code, violations, said = verified(result, capsys)
    assert code == 6
    assert violations[:2] == ["verify.file_changed", "verify.bound"]
    assert set(violations[2:]) == {"verify.bill"}
    assert "duals.parquet" in said


def test_altered_inputs_are_named(result, capsys):
    """A cheaper tariff in the stored tables: they are not those of the run, and the bill does not fit."""
    (store,) = (result / "inputs").iterdir()
    rewrite(store / "2021" / "services.parquet", "tariff_spot", lambda tariff: tariff / 2)
    code, violations, said = verified(result, capsys)
    assert code == 6
    assert violations[0] == "verify.inputs_changed"
    assert set(violations) == {"verify.inputs_changed", "verify.bill", "verify.bound"}
    assert store.name in said


def test_an_altered_scenario_is_named(result, capsys):
    """Another objective in the stored scenario."""
    (store,) = (result / "inputs").iterdir()
    scenario = json.loads((store / "scenario.json").read_text(encoding="utf-8"))
    (store / "scenario.json").write_text(json.dumps({**scenario, "objective": "money"}), encoding="utf-8")
    code, violations, _ = verified(result, capsys)
    assert code == 6
    assert violations[0] == "verify.inputs_changed"
    assert "verify.bill" in violations


@pytest.mark.parametrize("key", ["engine", "network", "seed", "scenario", "warnings"])
def test_an_altered_result_is_named(result, capsys, key):
    """``result.json`` carries a digest of itself, so that also what cannot be recomputed is safe."""
    document = {**read_document(result), key: "other"}
    (result / "result.json").write_text(json.dumps(document), encoding="utf-8")
    code, violations, said = verified(result, capsys)
    assert (code, violations) == (6, ["verify.file_changed"])
    assert "result.json" in said


@pytest.mark.parametrize("name", [f"{name}.parquet" for name in TABLES if name != "duals"])
def test_a_missing_table_is_named(result, capsys, name):
    """What the run wrote must be there."""
    (result / name).unlink()
    code, violations, said = verified(result, capsys)
    assert (code, violations) == (6, ["verify.missing_file"])
    assert name in said


def test_missing_duals_are_named_and_nothing_is_proven(result, capsys):
    """Without duals the plan may hold, its bound has no proof, though one is said to be there."""
    (result / "duals.parquet").unlink()
    code, violations, said = verified(result, capsys)
    assert (code, violations) == (6, ["verify.missing_file", "verify.bill", "verify.bill"])
    assert "duals.parquet" in said
    assert '"bound_proof": "none"' in said


UNREADABLE = ("plan/flows.parquet", "plan/steps.parquet", "plan/unserved.parquet", "duals.parquet")


@pytest.mark.parametrize("name", UNREADABLE)
@pytest.mark.parametrize("how", ["cut", "text"])
def test_a_file_that_can_no_longer_be_read_is_named(result, capsys, name, how):
    """That it was altered comes first, that it cannot be read only follows."""
    path = result / name
    path.write_bytes(path.read_bytes()[:-20] if how == "cut" else b"not a table")
    code, violations, said = verified(result, capsys)
    assert code == 6
    assert violations[0] == "verify.file_changed"
    assert name in said


@pytest.mark.parametrize("name", UNREADABLE[:3])
def test_a_missing_part_of_the_plan_is_named(result, capsys, name):
    """Without its plan a result is not verified."""
    (result / name).unlink()
    code, violations, said = verified(result, capsys)
    assert code == 6
    assert violations[0] == "verify.missing_file"
    assert name in said


@pytest.mark.parametrize("name", ["2021/services.parquet", "scenario.json"])
def test_stored_inputs_that_can_no_longer_be_read_are_named(result, capsys, name):
    """Inputs are sealed by the name of their folder."""
    (store,) = (result / "inputs").iterdir()
    (store / name).write_bytes(b"{")
    code, violations, said = verified(result, capsys)
    assert code == 6
    assert violations[0] == "verify.inputs_changed"
    assert store.name in said


def test_duals_without_their_settings_are_refused(result, capsys):
    """A certificate that lacks a setting proves nothing."""
    path = result / "duals.parquet"
    pq.write_table(pq.read_table(path).slice(1), path)
    code, violations, _ = verified(result, capsys)
    assert code == 6
    assert violations[:2] == ["verify.file_changed", "verify.bound"]


# Forgers who know the digests -------------------------------------------------------------------------------


def test_forging_the_digests_alone_changes_nothing(result, capsys):
    """What the tests below use makes digests that fit."""
    forge(result)
    assert verified(result, capsys)[:2] == (0, [])


def test_a_forged_plan_does_not_hold(result, capsys):
    """With digests that fit, it is still the plan that is checked."""
    rewrite(result / "plan" / "flows.parquet", "tonnes", lambda tonnes: tonnes - 1)
    forge(result)
    code, violations, _ = verified(result, capsys)
    assert code == 6
    assert violations.count("verify.balance") == 14
    assert "verify.file_changed" not in violations


@pytest.mark.parametrize("figure", ["money_cny", "co2_t", "demand_t", "customer_t_h"])
def test_a_forged_figure_does_not_hold(result, capsys, figure):
    """With digests that fit, each claim is still recomputed."""
    document = read_document(result)
    document["by_year"]["2021"]["claims"][figure] *= 1 + 1e-6
    forge(result, document)
    code, violations, said = verified(result, capsys)
    assert (code, set(violations)) == (6, {"verify.bill"})
    assert figure in said


def test_a_forged_bound_does_not_hold(result, capsys):
    """With digests that fit, the bound is still what the duals prove."""
    document = read_document(result)
    document["by_year"]["2021"]["bound"] += 10.0
    document["bound"] += 10.0
    forge(result, document)
    code, violations, _ = verified(result, capsys)
    assert code == 6
    assert violations[0] == "verify.bound"
    assert "verify.file_changed" not in violations


def test_forged_inputs_do_not_hold(result, capsys):
    """With digests that fit, other tables still give another bill."""
    (store,) = (result / "inputs").iterdir()
    rewrite(store / "2021" / "services.parquet", "tariff_spot", lambda tariff: tariff / 2)
    forge(result)
    code, violations, _ = verified(result, capsys)
    assert code == 6
    assert set(violations) == {"verify.bill", "verify.bound"}


def test_a_forged_year_does_not_hold(result, capsys):
    """Flows of a year that the run does not cover."""
    path = result / "plan" / "flows.parquet"
    rewrite(path, "year", lambda year: 2022)
    forge(result)
    code, violations, _ = verified(result, capsys)
    assert code == 6
    assert "verify.step" in violations


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("objective", 88_504_341.0),
        ("bound", 88_504_341.0),
        ("gap", 0.5),
        ("demand_t", 2351.0),
        ("unserved_t", 5.0),
        ("status", "limit"),
        ("verified", False),
        ("plan_verified", False),
        ("totals", {}),
    ],
)
def test_forged_figures_at_the_top_do_not_hold(result, capsys, key, value):
    """What people read first is held against what the check found."""
    forge(result, {**read_document(result), key: value})
    code, violations, said = verified(result, capsys)
    assert (code, set(violations)) == (6, {"verify.bill"})
    assert (key if key != "totals" else "co2_t") in said


@pytest.mark.parametrize("place", ["top", "year"])
@pytest.mark.parametrize("figure", sorted(TOTALS))
def test_forged_totals_do_not_hold(result, capsys, figure, place):
    """Totals of the whole and of each year are recomputed."""
    document = read_document(result)
    (document if place == "top" else document["by_year"]["2021"])["totals"][figure] *= 1 - 1e-6
    forge(result, document)
    code, violations, said = verified(result, capsys)
    assert (code, violations) == (6, ["verify.bill"])
    assert figure in said


def test_a_forged_bill_does_not_hold(result, capsys):
    """Each item of a year's bill is recomputed."""
    document = read_document(result)
    bill = document["by_year"]["2021"]["bill_cny"]
    bill["road"], bill["tariff"] = bill["road"] + 1, bill["tariff"] - 1
    forge(result, document)
    assert verified(result, capsys)[:2] == (6, ["verify.bill", "verify.bill"])


def test_a_proof_that_is_claimed_without_duals(result, capsys):
    """``certificate`` is said only when there is one."""
    (result / "duals.parquet").unlink()
    forge(result)
    code, violations, said = verified(result, capsys)
    assert (code, violations) == (6, ["verify.bill", "verify.bill"])
    assert "bound_proof" in said


def test_optimal_is_said_only_when_the_gap_is_closed(result, capsys):
    """A lower bound, true and admitted, does not go with the word."""
    document = read_document(result)
    for said in (document, document["by_year"]["2021"]):
        said["bound"] = 80e6
    forge(result, document)
    code, violations, text = verified(result, capsys)
    assert (code, set(violations)) == (6, {"verify.bill"})
    assert "status" in text


def test_the_plan_that_is_checked_is_the_plan_that_is_shown(result, capsys):
    """A good plan in CSV beside an altered one does not help."""
    path = result / "plan" / "flows.parquet"
    pacsv.write_csv(pq.read_table(path), result / "plan" / "flows.csv")
    rewrite(path, "tonnes", lambda tonnes: tonnes - 1)
    forge(result)
    code, violations, _ = verified(result, capsys)
    assert code == 6
    assert violations.count("verify.balance") == 14


# Not a result -----------------------------------------------------------------------------------------------


def test_without_result_json_there_is_nothing_to_verify(result, tmp_path, capsys):
    """A folder without ``result.json``, or no folder at all, is bad input."""
    (result / "result.json").unlink()
    code, _, said = verified(result, capsys)
    assert code == 2
    assert "result.json" in said
    assert verified(tmp_path / "nothing", capsys)[0] == 2


@pytest.mark.parametrize(
    "text", ["", "{", "[]", '"result"', "{}", '{"schema": "logistics.result/2"}', "\x00\x01"]
)
def test_what_is_no_result_is_bad_input(result, capsys, text):
    """Broken JSON, or JSON of another kind, ends with 2 and names the file."""
    (result / "result.json").write_text(text, encoding="utf-8")
    code, _, said = verified(result, capsys)
    assert code == 2
    assert "result.json" in said


PARTS = {
    "no years": lambda document: document.pop("by_year"),
    "another year": lambda document: document.update(by_year={"2020": document["by_year"]["2021"]}),
    "no bound": lambda document: document["by_year"]["2021"].pop("bound"),
    "undefined bound": lambda document: document["by_year"]["2021"].update(bound=math.nan),
    "text for a figure": lambda document: document.update(objective="a lot"),
    "odd claim": lambda document: document["by_year"]["2021"]["claims"].update(beauty=1.0),
    "no files": lambda document: document.update(files=[]),
}


@pytest.mark.parametrize("name", PARTS)
def test_a_result_with_parts_missing_is_refused(result, capsys, name):
    """``result.json`` without what the check needs is no internal error."""
    document = read_document(result)
    PARTS[name](document)
    (result / "result.json").write_text(json.dumps(document), encoding="utf-8")
    code, _, said = verified(result, capsys)
    assert code in (2, 6)
    assert "result.json" in said


def test_a_result_without_inputs_is_bad_input(result, capsys):
    """Without tables nothing can be checked."""
    shutil.rmtree(result / "inputs")
    code, _, said = verified(result, capsys)
    assert code == 2
    assert "inputs" in said


def test_inputs_of_an_older_version_have_blanks(result, tmp_path):
    """Columns that the engine did not know yet are what a blank cell is."""
    folder = tmp_path / "older"
    shutil.copytree(result, folder)
    (path,) = folder.glob("inputs/*/2021/demand.parquet")
    pq.write_table(pq.read_table(path).drop_columns(["tier"]), path)
    (options,) = folder.glob("inputs/*/2021/warehouse_options.parquet")
    gone = ["planned_t_per_year", "ramp_up_first_year_share", "moves_from"]
    pq.write_table(pq.read_table(options).drop_columns(gone), options)
    old, new = (read_inputs(one).networks[2021] for one in (folder, result))
    for table, columns in (("demand", ["tier"]), ("warehouse_options", gone)):
        for column in columns:
            assert old.tables[table][column].to_pylist() == new.tables[table][column].to_pylist()
