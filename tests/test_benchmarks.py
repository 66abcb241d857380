"""The benchmark harness: register, discovery, lines, limits, peers."""

import json
import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from benchmarks import __main__ as command
from benchmarks.capacitated_flow import SIZES, arc_program, built
from benchmarks.discovery import DEFAULT_FOLDER, VARIABLE, chosen, data_folder, discover, generated
from benchmarks.families import capacitated_flow
from benchmarks.flow_audit import audited_flow
from benchmarks.measuring import MILESTONES, Measured, run_phases
from benchmarks.peers import LOCK, PEERS, Peer, PeerAnswer, run_peer
from benchmarks.register import FAMILIES, specs
from benchmarks.running import GRACE_S, KEYS, Line, compare, run_one
from benchmarks.spec import BenchmarkError, Found, Outcome, Recognised, Spec
from logistics.models.flow.column_generation import FlowModel, StopRule
from logistics.models.flow.solved import SolvedFlow
from tests.test_linerlib import LOG, written

README = Path(command.__file__).with_name("README.md").read_text("utf-8")


def data_of(folder: Path) -> Path:
    """A data folder with one liner log, its demand table and an instance that no family reads."""
    written(folder, LOG.format(charter=105000).replace("Objective value: 1 ", "Objective value: 33000 "))
    (folder / "puzzle.txt").write_text("1 2 3\n")
    (folder / "INDEX.csv").write_text(
        "family,instance,file,rows,cols,published_value,value_kind,citation,licence,verified\n"
        "Puzzles,one,puzzle.txt,,,12.5,optimum,,,no\n"
        "Boats,the log,deeper/log,,,,weekly profit,,,no\n"
        "Boats,cargo,file3,,,-1e6,half a year,,,no\n"
        "Boats,lost,nowhere.log,,,7,weekly profit,,,no\n"
    )
    return folder


# --- register and discovery ----------------------------------------------------------------------------


def test_the_register_names_each_family_once_and_each_can_be_listed_and_run():
    names = [spec.name for spec in specs()]
    assert names == list(FAMILIES)
    assert {"linerlib", "capacitated-flow"} <= set(names)
    for spec in specs():
        assert spec.about
        assert spec.phases
        assert spec.sizes or spec.recognise is not Spec.__dataclass_fields__["recognise"].default
        assert f"**{spec.name}.**" in README


def test_every_family_module_is_in_the_register():
    folder = Path(capacitated_flow.__file__).parent
    modules = {f"benchmarks.families.{path.stem}" for path in folder.glob("*.py") if path.stem != "__init__"}
    assert modules == set(FAMILIES.values())


def test_instances_are_found_by_contents_and_the_others_are_skipped_by_name(tmp_path: Path):
    found = discover(specs(), data_of(tmp_path))
    (log,) = (one for one in found.found if one.family == "linerlib")
    assert (log.instance, log.index_family, log.seed) == ("the log", "Boats", None)
    # INDEX.csv gives no value, the log does.
    assert (log.published, log.value_kind) == (33000.0, "weekly profit as logged")
    reasons = {(one.family, one.index_family, one.instance): one.reason for one in found.skipped}
    assert reasons.keys() == {
        ("Puzzles", "Puzzles", "one"),
        ("linerlib", "Boats", "cargo"),
        ("Boats", "Boats", "lost"),
    }
    assert "no network to evaluate" in reasons["linerlib", "Boats", "cargo"]
    assert "nowhere.log is not there" in reasons["Boats", "Boats", "lost"]
    assert found.messages == ()


def test_a_value_of_the_index_counts_before_the_one_of_the_file(tmp_path: Path):
    index = data_of(tmp_path) / "INDEX.csv"
    index.write_text(index.read_text().replace(",,weekly profit", ",34000,weekly profit"))
    (log,) = (one for one in discover(specs(), tmp_path).found if one.family == "linerlib")
    assert (log.published, log.value_kind) == (34000.0, "weekly profit")


def test_files_outside_of_the_index_are_run_under_their_own_name(tmp_path: Path):
    data_of(tmp_path)
    (tmp_path / "deeper" / "another.log").write_text(LOG.format(charter=105000))
    names = [one.instance for one in discover(specs(), tmp_path).found if one.family == "linerlib"]
    assert names == ["the log", "another"]
    (tmp_path / "INDEX.csv").unlink()
    found = discover(specs(), tmp_path)
    assert {one.instance for one in found.found if one.family == "linerlib"} == {"log", "another"}
    assert "INDEX.csv is not there" in found.messages[0]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"name,path\nx,y\n", "has no column family, instance, file, published_value, value_kind"),
        (b"\xff\xfe\x00", "cannot be read"),
        (
            b"family,instance,file,published_value,value_kind\nBoats,x,,1,v\n",
            "line 2: family or file is missing",
        ),
        (
            b"family,instance,file,published_value,value_kind\nBoats,x,deeper/log,many,v\n",
            "'many' is no number",
        ),
    ],
)
def test_a_bad_index_is_said_and_no_crash(tmp_path: Path, content: bytes, message: str):
    (data_of(tmp_path) / "INDEX.csv").write_bytes(content)
    found = discover(specs(), tmp_path)
    assert any(message in text for text in found.messages), found.messages
    assert any(one.family == "linerlib" for one in found.found)


def test_instances_of_one_name_can_be_told_apart(tmp_path: Path):
    index = data_of(tmp_path) / "INDEX.csv"
    index.write_text(index.read_text() + "Boats,the log,deeper/log,,,1,again,,,no\n")
    names = [one.instance for one in discover(specs(), tmp_path).found if one.family == "linerlib"]
    assert names == ["the log", "the log.2"]


def test_the_folder_is_the_one_given_or_of_the_environment_or_beside_the_project(monkeypatch):
    monkeypatch.delenv(VARIABLE, raising=False)
    assert data_folder(None) == DEFAULT_FOLDER
    assert DEFAULT_FOLDER.parts[-2:] == ("shared", "benchmark-data")
    monkeypatch.setenv(VARIABLE, "/env")
    assert data_folder(None) == Path("/env")
    assert data_folder("/given") == Path("/given")


def test_globs_and_families_choose(tmp_path: Path):
    families = specs()
    found = discover(families, data_of(tmp_path)).found

    def names(family: str | None, pattern: str | None) -> list[str]:
        return [one.instance for one in chosen(families, found, family, pattern)]

    assert set(names(None, None)) >= {"the log", *(f"{size}-1" for size in SIZES), "baseline-2021-1"}
    assert names("Boats", None) == names("linerlib", "the*") == ["the log"]
    assert names("linerlib", "cargo") == []
    assert names("capacitated-flow", "[TS]-*") == ["T-1", "S-1"]
    assert names("capacitated-flow", "S-12") == ["S-12"]
    assert names("linerlib", "S-12") == names(None, "X-12") == names(None, "S-x") == []
    (made,) = chosen(families, found, "capacitated-flow", "S-12")
    assert (made.seed, made.source, made.published) == (12, "S", None)


def test_the_sizes_of_generated_networks_stand_smallest_first():
    assert capacitated_flow.SPEC.sizes == ("T", "S", "M", "L")
    assert sorted(SIZES.values()) == list(SIZES.values())


# --- the command ---------------------------------------------------------------------------------------


def test_list_shows_what_can_run_and_what_is_skipped(tmp_path: Path, capsys):
    assert command.main(["list", "--data", str(data_of(tmp_path))]) == 0
    text = capsys.readouterr().out
    assert re.search(r"^  the log +33000, weekly profit as logged$", text, re.MULTILINE)
    assert "skipped: Puzzles (1: one): no family of the harness reads it yet" in text
    assert command.main(["list", "--data", str(tmp_path), "--json"]) == 0
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert {line["instance"] for line in lines if line["skipped"]} == {"one", "cargo", "lost"}
    assert {line["instance"] for line in lines if not line["skipped"]} >= {"the log", "T-1", "L-1"}


@pytest.mark.parametrize("what", ["list", "run"])
def test_a_folder_that_is_not_there_is_said(tmp_path: Path, capsys, what: str):
    assert command.main([what, "--data", str(tmp_path / "none")]) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert "none is not there" in err
    assert VARIABLE in err


def test_nothing_to_run_is_said(tmp_path: Path, capsys):
    folder = str(data_of(tmp_path))
    assert command.main(["run", "--data", folder, "--instance", "zebra*"]) == 2
    assert "Nothing to run" in capsys.readouterr().err
    assert command.main(["run", "--data", folder, "--family", "Puzzles"]) == 2
    assert "skipped: Puzzles" in capsys.readouterr().err
    assert command.main(["run", "--data", folder, "--family", "zebras"]) == 2
    assert (
        "no family zebras. There are: Boats, Puzzles, batch, capacitated-flow, frontier, linerlib,"
        in capsys.readouterr().err
    )


@pytest.mark.parametrize("limit", ["0", "-1", "inf", "nan", "soon"])
def test_a_time_limit_is_a_number_above_0(limit: str):
    with pytest.raises(SystemExit):
        command.main(["run", "--time-limit", limit])


def test_run_prints_lines_with_exactly_the_keys(tmp_path: Path, capfd):
    """In a process of its own, from a folder whose names say nothing."""
    assert command.main(["run", "--data", str(data_of(tmp_path)), "--family", "linerlib", "--json"]) == 0
    out, err = capfd.readouterr()
    (line,) = (json.loads(text) for text in out.splitlines())
    assert tuple(line) == KEYS
    assert (line["family"], line["instance"], line["seed"]) == ("linerlib", "the log", None)
    assert (line["published"], line["verified"]) == (33000.0, True)
    assert line["value"] == pytest.approx(line["bound"], rel=1e-9)
    assert line["gap"] <= 1e-6
    assert [name for name in line["phases"] if name not in MILESTONES] == ["build", "solve", "check"]
    assert line["seconds"] == pytest.approx(
        sum(s for name, s in line["phases"].items() if name not in MILESTONES), abs=1e-3
    )
    assert 50 < line["peak_mb"] < 1000
    assert {"python", "numpy", "ortools"} <= line["versions"].keys()
    assert "skipped: Boats (1: cargo): a demand table: no network to evaluate" in err
    assert "skipped: Puzzles" not in err


def test_an_instance_that_cannot_be_read_is_a_line_without_a_value(tmp_path: Path, capfd):
    data_of(tmp_path)
    (tmp_path / "file2").unlink()
    assert command.main(["run", "--data", str(tmp_path), "--family", "linerlib"]) == 1
    out, err = capfd.readouterr()
    assert re.search(r"^linerlib the log +none +33000 +NO ", out, re.MULTILINE)
    assert re.search(r"linerlib the log: .*no table of ways", err)


def test_the_readme_names_the_keys_and_options():
    table = README.split("exactly these keys", 1)[1].split("## Families", 1)[0]
    rows = [line.split("|")[1] for line in table.splitlines() if line.startswith("| `")]
    assert [key for row in rows for key in re.findall(r"`(\w+)`", row)] == list(KEYS)
    for option in ("--family", "--instance", "--time-limit", "--peers", "--json", "--data"):
        assert option in README


@pytest.mark.slow
def test_the_time_limit_ends_what_does_not_end_by_itself():
    line = run_one(generated(capacitated_flow.SPEC, "M", 1), 0.2)
    assert not line.verified
    assert line.seconds < 0.2 + GRACE_S + 1.0
    assert line.value is None
    assert line.notes
    assert tuple(json.loads(json.dumps(line.as_json(), allow_nan=False))) == KEYS


# --- what phases say -----------------------------------------------------------------------------------


def run_of(phases: dict[str, Callable[..., object]]) -> Measured:
    spec = Spec("fake", "a fake", lambda found: found.source, phases)
    return run_phases(spec, Found("fake", "x", None, "", None, "problem"), 100.0)[1]


def test_phases_follow_each_other_with_the_result_of_the_one_before():
    def first(task, result):
        assert result == task.problem == "problem"
        assert 99 < task.time_limit_s <= 100
        task.progress(5.0, float("-inf"), float("inf"))
        task.progress(5.0, 4.996, 8e-4)
        task.progress(5.0, 4.9999, 2e-5)
        return "answer"

    def last(task, result):
        assert result == "answer"
        return Outcome(5.0, 5.0, 0.0, True)

    measured = run_of({"first": first, "last": last})
    assert measured.outcome.verified
    assert list(measured.phases) == ["build", "solve to 1e-3", "solve to 1e-4", "first", "last"]


def test_recognising_nothing_is_the_default(tmp_path: Path):
    spec = Spec("fake", "a fake", lambda found: None, {})
    assert spec.recognise(tmp_path) is None
    found = discover([replace(spec, recognise=lambda path: Recognised(1.0, "v"))], data_of(tmp_path))
    assert {one.family for one in found.found} == {"fake"}


# --- capacitated-flow: the audit -----------------------------------------------------------------------


@pytest.fixture(scope="module")
def tiny_flow():
    instance = built("T", 3)
    return instance, FlowModel(instance, StopRule(1e-7, 60.0)).solve()


def test_generated_networks_are_solved_and_audited(tiny_flow):
    instance, solved = tiny_flow
    result = audited_flow(instance, solved)
    assert result.verified, result.complaints
    assert result.gap is not None
    assert result.gap <= 1e-6
    assert result.value == pytest.approx(solved.objective, rel=1e-9)
    with pytest.raises(ValueError, match="neither stock nor limits"):
        audited_flow(replace(instance, limits=(None,)), solved)


def scaled(solved: SolvedFlow, factor: float) -> SolvedFlow:
    return replace(solved, duals=replace(solved.duals, resource=factor * solved.duals.resource))


@pytest.mark.parametrize(
    ("change", "complaint", "has_value"),
    [
        (lambda s: replace(s, flow_t=1.01 * s.flow_t), "add up", False),
        (lambda s: replace(s, unserved_t=s.unserved_t + 1.0), "not served", False),
        (lambda s: replace(s, path=(s.path[1], *s.path[1:])), "does not lead", False),
        (lambda s: replace(s, path=(s.path[0][::-1], *s.path[1:])), "does not lead", False),
        (
            lambda s: replace(s, flow_t=np.where(np.arange(len(s.flow_t)) == 0, -1.0, s.flow_t)),
            "-1.0 t",
            False,
        ),
        (lambda s: replace(s, objective=s.objective * (1 - 1e-6)), "the plan costs", True),
        (lambda s: replace(s, bound=s.bound * (1 + 1e-6)), "the prices prove", True),
        (lambda s: scaled(s, 0.5), "the prices prove", True),
        (lambda s: scaled(s, -1.0), "price of capacity", True),
        (lambda s: scaled(s, np.nan), "price of capacity", True),
    ],
)
def test_the_audit_of_flows_refuses(tiny_flow, change, complaint, has_value):
    instance, solved = tiny_flow
    long = next(i for i, path in enumerate(solved.path) if len(path) > 1)
    # A path of several arcs first, so that turning it round breaks it.
    order = [long, *(i for i in range(len(solved.path)) if i != long)]
    solved = replace(
        solved,
        path=tuple(solved.path[i] for i in order),
        commodity=solved.commodity[order],
        flow_t=solved.flow_t[order],
    )
    assert audited_flow(instance, solved).verified
    result = audited_flow(instance, change(solved))
    assert not result.verified
    assert any(complaint in text for text in result.complaints), result.complaints
    assert (result.value is not None) == has_value


def test_the_audit_counts_capacities(tiny_flow):
    instance, solved = tiny_flow
    tight = tuple(resource._replace(capacity=0.5 * resource.capacity) for resource in instance.resources)
    result = audited_flow(replace(instance, resources=tight), solved)
    assert any("capacities are broken" in text for text in result.complaints)


# --- peers ---------------------------------------------------------------------------------------------


def line_of(value: float, solve: float, family: str = "capacitated-flow") -> Line:
    found = Found(family, "x", None, "", 1, "T")
    return Line(found, value, value * (1 - 1e-7), 1e-7, True, solve, {"build": 1.0, "solve": solve})


@pytest.mark.parametrize(
    ("solve", "answer", "phases", "words"),
    [
        (1.9, PeerAnswer("Optimal", 100.0, 0.5, {}), {"ratio:p": "both instant"}, "p: both instant"),
        (2.5, PeerAnswer("Optimal", 100.0, 10.0, {}), {"peer:p": 10.0, "ratio:p": 4.0}, "p: 10.0 s, 4.0 ×"),
        (2.5, PeerAnswer("Optimal", 100.0, 0.5, {}), {"peer:p": 0.5, "ratio:p": 0.2}, "p: 0.5 s, 0.2 ×"),
        (
            2.5,
            PeerAnswer("Time limit reached", None, 60.0, {}),
            {"peer:p": None, "ratio:p": None},
            "p: Time limit reached after 60 s",
        ),
    ],
)
def test_peers_are_compared_by_ratio_unless_both_are_instant(solve, answer, phases, words):
    line = line_of(100.0, solve)
    compare(line, "p", answer)
    assert {name: s for name, s in line.phases.items() if ":" in name} == phases
    assert line.peers == [words]
    assert line.notes == []
    assert tuple(line.as_json()) == KEYS


def test_a_peer_with_another_value_is_said():
    line = line_of(100.0, 3.0)
    compare(line, "p", PeerAnswer("Optimal", 99.0, 1.0, {"highspy": "1"}))
    assert "p comes to 99, which contradicts value or bound" in line.notes
    assert line.versions["highspy"] == "1"
    # Profits are maximised, and programs for peers minimise their opposite.
    line = line_of(-100.0, 3.0, "linerlib")
    compare(line, "p", PeerAnswer("Optimal", 100.0, 1.0, {}))
    assert line.notes == []


def test_programs_for_peers_hold_the_whole_problem(tiny_flow):
    instance, _ = tiny_flow
    program = arc_program(instance)
    data = program.arrays()
    assert data.keys() == {"cost", "start", "index", "value", "lower", "upper", "constant"}
    assert len(data["start"]) == len(program.cost) + 1
    rows = len(program.eq_rhs) + len(program.ub_rhs)
    assert len(data["lower"]) == len(data["upper"]) == rows
    assert len(data["value"]) == program.eq_matrix.nnz + program.ub_matrix.nnz
    assert np.isneginf(data["lower"]).sum() == len(program.ub_rhs)


def test_a_peer_that_fails_is_said(tmp_path: Path, monkeypatch):
    broken = tmp_path / "broken.py"
    broken.write_text("raise SystemExit('no such solver')")
    monkeypatch.setitem(PEERS, "broken", Peer(broken, "highspy", is_ours=True))
    with pytest.raises(BenchmarkError, match="peer broken failed: no such solver"):
        run_peer("broken", tmp_path / "p.npz", 5.0)
    broken.write_text(
        """print('{"status": "Optimal", "value": 1.5, "seconds": 0.1, "version": "9", "peak_mb": 1}')"""
    )
    answer = run_peer("broken", tmp_path / "p.npz", 5.0)
    assert answer == PeerAnswer("Optimal", 1.5, 0.1, {"highspy": "9"})


def test_the_lock_of_peers_pins_versions_with_hashes_and_names_no_place():
    text = LOCK.read_text("utf-8")
    assert "://" not in text
    assert {"spopt==0.7.0", "highspy==1.14.0"} <= set(re.findall(r"^(\S+==\S+)", text, re.MULTILINE))
    blocks = re.split(r"^(?=\S+==)", text, flags=re.MULTILINE)[1:]
    assert blocks
    assert all("--hash=sha256:" in block for block in blocks)


@pytest.mark.install
def test_peers_run_in_an_environment_of_their_own(capfd, tmp_path: Path):
    arguments = ["run", "--data", str(data_of(tmp_path)), "--family", "linerlib", "--peers", "--json"]
    assert command.main(arguments) == 0
    out, err = capfd.readouterr()
    (line,) = (json.loads(text) for text in out.splitlines())
    assert line["phases"]["ratio:highs-arc"] == "both instant"
    assert line["versions"]["highspy"] == "1.14.0"
    assert "contradicts" not in err
