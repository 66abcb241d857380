"""The command line: every verb, what it prints where, and the exit code it ends with."""

import contextlib
import io
import json
import logging
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from dataclasses import dataclass, replace
from pathlib import Path
from unittest import mock

import pyarrow as pa
import pyarrow.csv as pacsv
import pyarrow.parquet as pq
import pytest

from logistics.__main__ import VERBS, main
from logistics.studies import register
from tests.tiny import THREE_GATEWAYS

ROOT = Path(__file__).resolve().parents[1]
TINY = """\
# The tiny network as it stands.
schema: 1
name: {zh: 三个口岸, en: Three gateways}
network: three_gateways
years: [2021]
objective: generalised
variants:
  more:
    changes:
      - scale_demand: {factor: 2}
"""
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
    "seconds",
}
TOTALS = {
    "money_cny",
    "capital_cny",
    "customer_hours_mean",
    "pipeline_hours_mean",
    "co2_t",
    "local_gateway_share",
}


@dataclass(frozen=True)
class Answer:
    """What one call ended with."""

    code: int
    out: str
    err: str


def command_line(*arguments: object, **variables: str) -> Answer:
    """Call the command line in this process, in English and on a wide terminal unless `variables` differ."""
    out, err = io.StringIO(), io.StringIO()
    logger = logging.getLogger("logistics")
    kept = list(logger.handlers), logger.level, logger.propagate
    environment = {"LC_ALL": "en_US.UTF-8", "COLUMNS": "200", "NO_COLOR": "1", "LOGISTICS_REPORT": "none"}
    environment |= variables
    with (
        mock.patch.object(sys, "argv", ["logistics", *map(str, arguments)]),
        mock.patch.dict(os.environ, environment),
        contextlib.redirect_stdout(out),
        contextlib.redirect_stderr(err),
    ):
        try:
            main()
        except SystemExit as ended:
            code = ended.code
        else:
            code = None
        finally:
            logger.handlers, logger.level, logger.propagate = kept
    assert isinstance(code, int), "main ends with an exit code"
    return Answer(code, out.getvalue(), err.getvalue())


def tiny_project(root: Path) -> Path:
    """A project folder with the tiny network and one scenario; returns the scenario file."""
    shutil.copytree(THREE_GATEWAYS, root / "networks" / "three_gateways")
    (root / "scenarios").mkdir()
    scenario = root / "scenarios" / "tiny.yaml"
    scenario.write_text(TINY, encoding="utf-8")
    return scenario


def files_below(root: Path) -> set[str]:
    """Everything below a folder, by relative path."""
    return {path.relative_to(root).as_posix() for path in root.rglob("*")}


def written_by_hand(results: Path) -> Path:
    """The plan of some results as somebody would write it: CSV files in plan/ of a folder beside."""
    folder = results.with_name("by_hand")
    (folder / "plan").mkdir(parents=True)
    for name in ("flows", "steps"):
        plan = pq.read_table(results / "plan" / f"{name}.parquet")
        pacsv.write_csv(plan, folder / "plan" / f"{name}.csv")
    return folder


@pytest.fixture
def scenario(tmp_path: Path) -> Path:
    """The scenario file of a project of its own."""
    return tiny_project(tmp_path)


@pytest.fixture(scope="module")
def solved(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Results folders `base` and `more` of the tiny scenario; tests copy what they change."""
    root = tmp_path_factory.mktemp("solved")
    scenario = tiny_project(root)
    assert command_line("run", scenario, "--out", root / "base", "-q").code == 0
    assert command_line("run", scenario, "--variant", "more", "--out", root / "more", "-q").code == 0
    return root


@pytest.fixture
def results(solved: Path, tmp_path: Path) -> Path:
    """A copy of the results folder that a test may spoil."""
    return shutil.copytree(solved / "base", tmp_path / "results")


# --- the group ------------------------------------------------------------------------------------


def test_help_names_every_verb_and_exit_code() -> None:
    """Somebody who types only the program's name sees what there is."""
    answer = command_line("--help")
    assert answer.code == 0
    assert all(re.search(rf"^  {verb} ", answer.out, re.MULTILINE) for verb in VERBS)
    for words in ("0 solved", "2 bad input", "3 infeasible", "4 stopped", "6 not verified", "130"):
        assert words in answer.out
    assert command_line("--version").out.startswith("logistics, version ")


@pytest.mark.parametrize("verb", VERBS)
def test_each_verb_has_help(verb: str) -> None:
    """Every verb explains itself and its options."""
    answer = command_line(verb, "--help")
    assert answer.code == 0
    assert re.match(rf"Usage: .*{verb}\b", answer.out)
    assert "--help" in answer.out


@pytest.mark.parametrize(
    ("arguments", "hint"),
    [
        (["rnu"], "Did you mean 'run'?"),
        (["verfy", "x"], "Did you mean 'verify'?"),
        (["run", "x.yaml", "--gpa", "0"], "--gap"),
        (["run", "x.yaml", "--jsn"], "--json"),
        (["compare", "a", "b", "--lnag", "zh"], "--lang"),
        (["run"], "Missing argument 'SCENARIO'"),
        (["compare", "a"], "Missing argument 'AFTER...'"),
        (["run", "x.yaml", "--gap", "many"], "'many' is not a valid float"),
        (["run", "x.yaml", "--gap", "-1"], "--gap"),
        (["run", "x.yaml", "--time-limit", "0"], "--time-limit"),
        (["check", "x.yaml", "--lang", "fr"], "'zh'"),
    ],
)
def test_wrong_usage_is_refused_with_a_hint(arguments: list[str], hint: str) -> None:
    """Unknown verbs and options end with 2 and name the closest known one."""
    answer = command_line(*arguments)
    assert answer.code == 2
    assert answer.out == ""
    assert "Error: " in answer.err
    assert hint in answer.err


def test_unexpected_failure_is_one_line(scenario: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An internal error ends with 1, one line on stderr and nothing written; -v shows where."""

    def broken(*_: object) -> None:
        raise RuntimeError("out of cheese")

    monkeypatch.setattr(register, "run_ready", broken)
    before = files_below(scenario.parents[1])
    answer = command_line("run", scenario, "--out", scenario.parents[1] / "out", "--json")
    assert (answer.code, answer.out) == (1, "")
    assert answer.err == "internal error: RuntimeError: out of cheese; -v shows where\n"
    assert files_below(scenario.parents[1]) == before
    assert "Traceback" in command_line("run", scenario, "--out", scenario.parents[1] / "out", "-v").err


# --- run ------------------------------------------------------------------------------------------


def test_run_prints_one_json_object(scenario: Path, tmp_path: Path) -> None:
    """stdout is one object with every key that scripts may rely on; the optimum is that of the README."""
    answer = command_line("run", scenario, "--out", tmp_path / "out", "--json")
    assert answer.code == 0
    assert answer.out.count("\n") == 1
    said = json.loads(answer.out, parse_constant=lambda word: pytest.fail(f"{word} is not JSON"))
    assert said.keys() >= KEYS
    assert said["totals"].keys() >= TOTALS
    assert said["status"] == "optimal"
    assert said["objective"] == pytest.approx(88_504_340, rel=1e-9)
    assert said["objective"] * (1 - 1e-6) <= said["bound"] <= said["objective"] * (1 + 1e-12)
    assert 0 <= said["gap"] <= 1e-6
    assert said["verified"] is True
    assert said["bound_proof"] == "certificate"
    assert said["demand_t"] == pytest.approx(2350)
    assert said["unserved_t"] == pytest.approx(0, abs=1e-9)
    assert said["totals"]["local_gateway_share"] == pytest.approx(1)
    assert said["seconds"] > 0
    assert json.loads((tmp_path / "out" / "result.json").read_text("utf-8"))["objective"] == said["objective"]


def test_run_tells_its_progress_on_stderr(scenario: Path, tmp_path: Path) -> None:
    """Each round shows value, bound and gap; -q is silent; -v adds the log, which run.log always holds."""
    answer = command_line("run", scenario, "--out", tmp_path / "a", "--json")
    rounds = [line for line in answer.err.splitlines() if "round" in line]
    assert rounds
    assert all("bound" in line and "gap" in line for line in rounds)
    assert re.search(r"bound 88,504,3\d\d, gap \d\.\d+e-\d+", rounds[-1])
    assert command_line("run", scenario, "--out", tmp_path / "b", "--json", "-q").err == ""
    assert " DEBUG logistics." in command_line("run", scenario, "--out", tmp_path / "c", "--json", "-v").err
    assert " DEBUG logistics." in (tmp_path / "b" / "run.log").read_text("utf-8")


SHOWN = {
    "en": "Three gateways|status|optimal|Totals|landed cost|Cargo by mode|rail|Cargo by gateway"
    "|Scarce capacities|Modelled against observed|Tonnes by rail",
    "zh": "三个口岸|状态|最优|汇总指标|落地成本|分运输方式货量|铁路|分口岸货量|紧张的能力"
    "|模型值与统计值对照|铁路货量",
}


@pytest.mark.parametrize("lang", SHOWN)
def test_run_prints_tables_for_people(scenario: Path, tmp_path: Path, lang: str) -> None:
    """Without --json: outcome, totals, modes, gateways, bottlenecks, base case, in the language asked for."""
    answer = command_line("run", scenario, "--out", tmp_path / "out", "--lang", lang)
    assert answer.code == 0
    places = {word: answer.out.find(word) for word in SHOWN[lang].split("|")}
    assert -1 not in places.values(), places
    assert list(places.values()) == sorted(places.values())
    for figure in ("88,504,340", "2,350 t", "12.87", "15.54", "276 CNY/t", "900 – 1,100"):
        assert figure in answer.out
    assert str(tmp_path / "out") in answer.out.replace("\n", "")


def test_language_comes_from_the_environment_too(scenario: Path, tmp_path: Path) -> None:
    """LANG chooses the language; --lang is stronger."""
    chinese = command_line("check", scenario, LC_ALL="zh_CN.UTF-8")
    assert "需求 10 行" in chinese.out
    assert "10 demand rows" in command_line("check", scenario, "--lang", "en", LC_ALL="zh_CN.UTF-8").out


def test_results_go_to_a_place_named_after_the_scenario(
    scenario: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without --out: results/<scenario>/ of the current folder, a variant beside it."""
    folder = scenario.parents[1] / "work"
    folder.mkdir()
    monkeypatch.chdir(folder)
    said = json.loads(command_line("run", scenario, "--json").out)
    assert Path(said["out"]) == Path("results/tiny")
    assert command_line("run", scenario, "--variant", "more", "-q").code == 0
    assert {path.name for path in (folder / "results").iterdir()} == {"tiny", "tiny.more"}
    for name in ("result.json", "timing.json", "run.log", "plan/flows.parquet", "duals.parquet"):
        assert (folder / "results" / "tiny" / name).is_file()


def test_variant_is_applied_on_top(solved: Path) -> None:
    """A variant has its own name, doubled demand and a change log."""
    base, more = (json.loads((solved / n / "result.json").read_text("utf-8")) for n in ("base", "more"))
    assert more["scenario"]["id"] == "tiny.more"
    assert more["scenario"]["name"]["en"] == "Three gateways · more"
    assert more["demand_t"] == pytest.approx(2 * base["demand_t"])
    changes = pq.read_table(solved / "more" / "changes.parquet").to_pylist()
    assert {(row["table"], row["column"]) for row in changes} == {("demand", "tonnes_per_year")}
    assert ("B1", "600", "1200") in {(row["row_id"], row["old"], row["new"]) for row in changes}


def test_existing_results_need_force(solved: Path, results: Path) -> None:
    """A results folder is replaced only with --force, anything else never."""
    scenario = solved / "scenarios" / "tiny.yaml"
    old = (results / "result.json").read_bytes()
    answer = command_line("run", scenario, "--out", results, "--json")
    assert (answer.code, answer.out) == (2, "")
    assert "--force" in answer.err
    assert (results / "result.json").read_bytes() == old
    answer = command_line("run", scenario, "--variant", "more", "--out", results, "--json", "--force")
    assert answer.code == 0
    assert json.loads((results / "result.json").read_text("utf-8"))["scenario"]["id"] == "tiny.more"
    assert [path.name for path in results.parent.iterdir()] == ["results"]
    (results / "result.json").unlink()
    before = files_below(results)
    assert command_line("run", scenario, "--out", results, "--force").code == 2
    assert files_below(results) == before


def test_same_input_gives_the_same_result(solved: Path, tmp_path: Path) -> None:
    """result.json holds nothing of the clock."""
    scenario = solved / "scenarios" / "tiny.yaml"
    assert command_line("run", scenario, "--out", tmp_path / "again", "-q").code == 0
    first, again = ((f / "result.json").read_text("utf-8") for f in (solved / "base", tmp_path / "again"))
    assert again == first


# --- exit codes -----------------------------------------------------------------------------------


def with_lines(scenario: Path, *lines: str) -> Path:
    """The scenario with further lines at its end."""
    scenario.write_text(TINY + "".join(f"{line}\n" for line in lines), encoding="utf-8")
    return scenario


def test_infeasible(scenario: Path, tmp_path: Path) -> None:
    """Too little capacity: 3 when unserved demand is not allowed, else a plan that serves what it can."""
    scale = "changes: [{scale_demand: {factor: 1000}}]"
    with_lines(scenario, scale, "limits: {allow_unserved: false}")
    answer = command_line("run", scenario, "--out", tmp_path / "a", "--json")
    assert answer.code == 3
    assert json.loads(answer.out)["status"] == "infeasible"
    assert "infeasible" in command_line("run", scenario, "--out", tmp_path / "b", "-q").out
    with_lines(scenario, scale)
    answer = command_line("run", scenario, "--out", tmp_path / "c", "--json")
    said = json.loads(answer.out)
    assert (answer.code, said["status"]) == (0, "optimal")
    assert 0 < said["unserved_t"] < said["demand_t"]


def test_stopped_by_the_time_limit(scenario: Path, tmp_path: Path) -> None:
    """A limit that is over at once: 4 with a checked plan and its gap, 5 without a plan."""
    with_lines(scenario, "changes: [{scale_demand: {factor: 3}}]")
    answer = command_line("run", scenario, "--out", tmp_path / "out", "--json", "--time-limit", "1e-9")
    said = json.loads(answer.out)
    assert (answer.code, said["status"]) in [(4, "limit"), (5, "no_plan")]
    if answer.code == 4:
        assert said["plan_verified"] is True
        assert said["gap"] is None or said["gap"] > 1e-6
        assert command_line("verify", tmp_path / "out").code == 0
    shown = command_line("run", scenario, "--out", tmp_path / "b", "--time-limit", "1e-9", "-q")
    assert shown.code == answer.code
    assert "stopped by a limit" in shown.out or "no plan" in shown.out


def test_stopped_without_a_plan(scenario: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A study without a plan ends with 5; nothing unverified is claimed."""
    solve = register.run_ready

    def without_a_plan(*arguments: object) -> object:
        result = solve(*arguments)  # type: ignore[arg-type]
        said = {"status": "no_plan", "objective": None, "bound": None, "gap": None, "bound_proof": "none"}
        return replace(result, **said, plan=None, plan_verified=False, totals={}, tables={}, problems=())

    monkeypatch.setattr(register, "run_ready", without_a_plan)
    answer = command_line("run", scenario, "--out", tmp_path / "a", "--json")
    assert answer.code == 5
    assert json.loads(answer.out)["status"] == "no_plan"
    assert json.loads(answer.out)["verified"] is False
    assert "no plan" in command_line("run", scenario, "--out", tmp_path / "b").out


def test_a_wrong_plan_is_not_shown_as_verified(
    scenario: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A solver that returns half of the flows is caught by the check: 6 and the violations."""
    from logistics.models.flow import decode
    from logistics.plan import Plan

    whole = decode.decoded_plan

    def halved(*arguments: object) -> Plan:
        plan = whole(*arguments)  # type: ignore[arg-type]
        tonnes = plan.flows.schema.get_field_index("tonnes")
        half = pa.array([amount / 2 for amount in plan.flows["tonnes"].to_pylist()])
        return Plan(plan.flows.set_column(tonnes, "tonnes", half), plan.steps, plan.unserved)

    monkeypatch.setattr(decode, "decoded_plan", halved)
    answer = command_line("run", scenario, "--out", tmp_path / "out", "--json")
    assert answer.code == 6
    assert json.loads(answer.out)["verified"] is False
    assert "B1" in answer.err


LISTENING = """
import runpy, signal

# Tests that run in the background of a shell inherit that Ctrl-C is ignored.
signal.signal(signal.SIGINT, signal.default_int_handler)
runpy.run_module("logistics", run_name="__main__", alter_sys=True)
"""


@pytest.mark.parametrize("place", ["new", "existing"])
def test_interrupted_run_leaves_nothing(solved: Path, tmp_path: Path, place: str) -> None:
    """Ctrl-C in the middle of the real network's solve: 130, one word, nothing half-written."""
    out = tmp_path / "results" / "baseline"
    if place == "existing":
        shutil.copytree(solved / "base", out)
    before = files_below(tmp_path)
    process = subprocess.Popen(
        [
            sys.executable,
            "-c",
            LISTENING,
            "run",
            ROOT / "scenarios" / "baseline-2021.yaml",
            "--json",
            "--force",
            "--out",
            out,
        ],
        cwd=tmp_path,
        env={**os.environ, "LC_ALL": "C.UTF-8"},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        assert process.stderr is not None
        assert "baseline-2021" in process.stderr.readline()  # reading is done, solving begins
        time.sleep(0.3)
        process.send_signal(signal.SIGINT)
        said, told = process.communicate(timeout=60)
    finally:
        process.kill()
        process.wait()
    assert process.returncode == 130, told
    assert said == ""
    assert told.splitlines()[-1] == "interrupted"
    assert "Traceback" not in told
    assert files_below(tmp_path) == before


@pytest.mark.parametrize("stopper", ["pyarrow.parquet.write_table", "os.replace"])
def test_interrupt_while_writing(
    solved: Path, results: Path, monkeypatch: pytest.MonkeyPatch, stopper: str
) -> None:
    """Ctrl-C while the results are written keeps the old ones whole and leaves no rests."""
    before, seen = files_below(results.parent), []
    module, name = stopper.rsplit(".", 1)
    original = getattr(sys.modules[module], name)

    def interrupted(*arguments: object, **options: object) -> object:
        seen.append(arguments)
        if len(seen) == 3:
            raise KeyboardInterrupt
        return original(*arguments, **options)

    monkeypatch.setattr(stopper, interrupted)
    answer = command_line("run", solved / "scenarios" / "tiny.yaml", "--out", results, "--force", "-q")
    monkeypatch.undo()
    assert answer.code == 130
    assert answer.err.strip() == "interrupted"
    assert files_below(results.parent) == before
    assert command_line("verify", results).code == 0


@pytest.mark.parametrize("verb", ["run", "new"])
def test_place_that_cannot_be_written(scenario: Path, verb: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A place below a file is refused before anything is solved."""
    monkeypatch.setattr(register, "run_ready", lambda *_: pytest.fail("solved in vain"))
    place = scenario / "below" / "a file"
    answer = command_line("new", place) if verb == "new" else command_line("run", scenario, "--out", place)
    assert (answer.code, answer.out) == (2, "")
    assert "tiny.yaml" in answer.err


# --- check ----------------------------------------------------------------------------------------


def test_check_counts_what_it_read(scenario: Path) -> None:
    """A scenario or a network folder without findings: 0 and one line; nothing is written."""
    before = files_below(scenario.parents[1])
    for path in (scenario, scenario.parents[1] / "networks" / "three_gateways"):
        answer = command_line("check", path)
        assert answer == Answer(0, "three_gateways: no errors; 18 sites, 8 services, 10 demand rows\n", "")
    assert files_below(scenario.parents[1]) == before


# --- verify ---------------------------------------------------------------------------------------


def test_verify_agrees_with_the_run(solved: Path) -> None:
    """From the files alone: the same objective, a bound recomputed, in words and in JSON."""
    answer = command_line("verify", solved / "base")
    assert answer.code == 0
    assert answer.out.startswith("2021: verified; ")
    assert "88,504,340" in answer.out
    said = json.loads(command_line("verify", solved / "base", "--json").out)
    assert said["verified"] is True
    assert said["violations"] == []
    year = said["years"]["2021"]
    assert year["objective"] == pytest.approx(88_504_340, rel=1e-9)
    assert year["bound_proof"] == "certificate"
    assert year["served_t"] == pytest.approx(2350)
    assert "校验通过" in command_line("verify", solved / "base", "--lang", "zh").out


def alter_flow(folder: Path) -> None:
    """One tonne more on the first path."""
    path = folder / "plan" / "flows.parquet"
    table = pq.read_table(path)
    tonnes = table["tonnes"].to_pylist()
    column = pa.array([tonnes[0] + 1, *tonnes[1:]])
    pq.write_table(table.set_column(table.schema.get_field_index("tonnes"), "tonnes", column), path)


def alter_bytes(folder: Path) -> None:
    """A byte at the end of a table, which is then no Parquet file any more."""
    with (folder / "plan" / "steps.parquet").open("ab") as file:
        file.write(b"x")


def alter_objective(folder: Path) -> None:
    """Another objective in result.json."""
    path = folder / "result.json"
    path.write_text(path.read_text("utf-8").replace('"objective": 885', '"objective": 785'), "utf-8")


def alter_price(folder: Path) -> None:
    """Other prices in the certificate."""
    path = folder / "duals.parquet"
    table = pq.read_table(path)
    column = pa.array([price * 2 for price in table["price"].to_pylist()])
    pq.write_table(table.set_column(table.schema.get_field_index("price"), "price", column), path)


def alter_demand(folder: Path) -> None:
    """Other demand in the tables that the result says it used."""
    (path,) = (folder / "inputs").glob("*/2021/demand.parquet")
    table = pq.read_table(path)
    place = table.schema.get_field_index("tonnes_per_year")
    column = pa.array([2 * tonnes for tonnes in table["tonnes_per_year"].to_pylist()])
    pq.write_table(table.set_column(place, "tonnes_per_year", column), path)


def remove_table(folder: Path) -> None:
    """A table of the result is gone."""
    (folder / "modes.parquet").unlink()


def remove_input(folder: Path) -> None:
    """A table of the inputs is gone."""
    (path,) = (folder / "inputs").glob("*/2021/demand.parquet")
    path.unlink()


ALTERED = [
    (alter_flow, "plan/flows.parquet"),
    (alter_bytes, "plan/steps.parquet"),
    (alter_objective, "result.json"),
    (alter_price, "duals.parquet"),
    (alter_demand, "inputs/"),
    (remove_table, "modes.parquet"),
    (remove_input, "inputs/"),
]


@pytest.mark.parametrize(("alter", "named"), ALTERED, ids=[alter.__name__ for alter, _ in ALTERED])
def test_altered_file_is_found(results: Path, alter, named: str) -> None:
    """Whatever was altered after the run: 6 and the file's name, in words and in JSON."""
    alter(results)
    answer = command_line("verify", results)
    assert answer.code == 6
    assert named in answer.err
    assert answer.out.startswith("not verified: ")
    told = command_line("verify", results, "--json")
    assert told.code == 6
    said = json.loads(told.out)
    assert said["verified"] is False
    assert any(named in violation["message"] for violation in said["violations"])


def test_log_and_timing_may_change(results: Path) -> None:
    """What is not part of the answer is not sealed."""
    (results / "run.log").write_text("shorter\n", "utf-8")
    (results / "timing.json").unlink()
    assert command_line("verify", results).code == 0


def test_plan_made_by_hand(solved: Path, results: Path) -> None:
    """A plan in CSV is checked against a scenario: its objective when it holds, 6 when it does not."""
    by_hand = written_by_hand(results)
    scenario = solved / "scenarios" / "tiny.yaml"
    answer = command_line("verify", by_hand, "--scenario", scenario)
    assert answer.code == 0, answer.err
    assert "88,504,340" in answer.out
    flows = by_hand / "plan" / "flows.csv"
    lines = flows.read_text("utf-8").splitlines()
    head, last = lines[1].rsplit(",", 1)
    flows.write_text("\n".join([lines[0], f"{head},{float(last) + 5}", *lines[2:]]) + "\n", "utf-8")
    answer = command_line("verify", by_hand, "--scenario", scenario)
    assert answer.code == 6
    assert "not verified" in answer.out


@pytest.mark.parametrize("name", ["nowhere", "empty"])
@pytest.mark.parametrize("verb", ["verify", "compare"])
def test_no_result_there(tmp_path: Path, solved: Path, verb: str, name: str) -> None:
    """A folder without a result is bad input, and the message says where it looked."""
    (tmp_path / "empty").mkdir()
    others = [solved / "base"] if verb == "compare" else []
    answer = command_line(verb, tmp_path / name, *others)
    assert (answer.code, answer.out) == (2, "")
    assert f"{name}/result.json: there is no result here" in answer.err


@pytest.mark.parametrize("content", ["", "{", "[]", '{"schema": "logistics.result/9"}'])
@pytest.mark.parametrize("verb", ["verify", "compare"])
def test_result_that_is_none(results: Path, solved: Path, verb: str, content: str) -> None:
    """A result.json that cannot be one is bad input, never an internal error."""
    (results / "result.json").write_text(content, "utf-8")
    answer = command_line(verb, results, *([solved / "base"] if verb == "compare" else []))
    assert answer.code == 2
    assert "result.json" in answer.err


def test_verify_of_a_result_with_nothing_in_it(results: Path) -> None:
    """A result.json that lost its content is no longer what the run wrote."""
    (results / "result.json").write_text('{"schema": "logistics.result/1"}', "utf-8")
    answer = command_line("verify", results)
    assert answer.code in (2, 6)
    assert "result.json" in answer.err


def test_compare_with_a_result_with_nothing_in_it(results: Path, solved: Path) -> None:
    """Nor can it be compared."""
    (results / "result.json").write_text('{"schema": "logistics.result/1"}', "utf-8")
    answer = command_line("compare", results, solved / "base")
    assert (answer.code, answer.out) == (2, "")
    assert "result.json" in answer.err


# --- compare --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("lang", "titles"),
    [
        ("en", ["Inputs that differ", "Totals", "Services whose load changed most"]),
        ("zh", ["不同的输入", "汇总指标", "货量变化最大的线路"]),
    ],
)
def test_compare_prints_inputs_totals_services(solved: Path, lang: str, titles: list[str]) -> None:
    """What was put in comes first, then what came out."""
    answer = command_line("compare", solved / "base", solved / "more", "--lang", lang)
    assert (answer.code, answer.err) == (0, "")
    places = [answer.out.find(title) for title in titles]
    assert -1 not in places
    assert places == sorted(places)
    inputs, totals, services = (answer.out[a:b] for a, b in zip(places, [*places[1:], None], strict=True))
    assert re.search(r"demand +\(10\) +tonnes_per_year +… +× 2", inputs)
    assert re.search(r"2,350 +4,700 +2,350 +t", totals)
    assert re.search(r"SEA_DE .* 400 +1,800 +1,400", services)


def test_compare_in_json(solved: Path) -> None:
    """Inputs, totals and services, these ordered by the size of their change."""
    said = json.loads(command_line("compare", solved / "base", solved / "more", "--json").out)
    kinds = [key for key in said if key in ("inputs", "totals", "services")]
    assert kinds == ["inputs", "totals", "services"]
    assert (said["before"], said["after"]) == ("tiny", "tiny.more")
    assert said["inputs_count"] == len(said["inputs"]) == 10
    assert said["totals"]["demand_t"] == {"before": 2350, "after": 4700, "difference": 2350}
    changes = [abs(row["difference"]) for row in said["services"]]
    assert changes == sorted(changes, reverse=True)
    assert changes[0] == pytest.approx(1400)


def test_compare_with_itself(solved: Path) -> None:
    """Nothing differs."""
    said = json.loads(command_line("compare", solved / "base", solved / "base", "--json").out)
    assert said["inputs"] == []
    assert {row["difference"] for row in said["totals"].values()} == {0}
    assert {row["difference"] for row in said["services"]} == {0}


# --- new, schema ----------------------------------------------------------------------------------


def test_new_writes_networks_and_scenarios(tmp_path: Path) -> None:
    """The copy is whole, the next command is printed, no rests stay, and nothing is overwritten."""
    target = tmp_path / "deep" / "my project"
    answer = command_line("new", target)
    assert answer.code == 0
    assert str(target / "scenarios" / "baseline-2021.yaml") in answer.out
    for name in ("networks", "scenarios"):
        assert files_below(target / name) == files_below(ROOT / name)
    assert {path.name for path in target.iterdir()} == {"networks", "scenarios"}
    assert [path.name for path in target.parent.iterdir()] == ["my project"]
    answer = command_line("new", target)
    assert (answer.code, answer.out) == (2, "")
    assert str(target) in answer.err


def test_new_fills_an_empty_folder(tmp_path: Path) -> None:
    """A folder that was made beforehand is fine; a file is not."""
    (tmp_path / "mine").mkdir()
    assert command_line("new", tmp_path / "mine").code == 0
    assert (tmp_path / "mine" / "scenarios" / "baseline-2021.yaml").is_file()
    (tmp_path / "file").write_text("x")
    assert command_line("new", tmp_path / "file").code == 2
    assert (tmp_path / "file").read_text() == "x"


def test_schema_is_for_editors() -> None:
    """JSON Schema with every key of a scenario, none of them free of a type."""
    answer = command_line("schema")
    assert (answer.code, answer.err) == (0, "")
    schema = json.loads(answer.out)
    assert schema["$schema"].startswith("https://json-schema.org/")
    assert schema["additionalProperties"] is False
    assert set(schema["required"]) == {"schema", "name"}
    keys = "schema name extends network year years changes objective limits study solver variants"
    assert set(keys.split()) <= set(schema["properties"])
    changes = schema["$defs"]["Change"]["properties"]
    assert set(changes) == {"add_service", "set", "close", "scale_demand", "clearance_window"}
