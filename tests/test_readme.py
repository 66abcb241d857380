"""What README.md says can be done, can be done; every figure it shows is what its own run command gives."""

import importlib
import json
import os
import re
import shlex
import shutil
import subprocess
import sys
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import click
import pyarrow.parquet as pq
import pytest

import logistics
from logistics.__main__ import VERBS
from logistics.commands import shared

ROOT = Path(__file__).resolve().parents[1]
README = (ROOT / "README.md").read_text("utf-8")
NUMBER = r"\d[\d,]*(?:\.\d+)?(?:e-?\d+)?"
GAP = 1e-6
"""Gap of the baseline: its objective and bound are not known better than that."""


def blocks(language: str) -> list[str]:
    """Fenced blocks of a language."""
    return re.findall(rf"^```{language}\n(.*?)^```$", README, re.MULTILINE | re.DOTALL)


COMMANDS = [
    words
    for block in blocks("sh")
    for line in block.splitlines()
    if (words := shlex.split(line, comments=True))
]


def table(head: str) -> list[list[str]]:
    """Cells of the table whose head row begins with `head`, without head and rule."""
    lines = README.splitlines()
    start = next(i for i, line in enumerate(lines) if line.startswith(f"| {head} |"))
    rows = []
    for line in lines[start + 2 :]:
        if not line.startswith("|"):
            break
        rows.append([cell.strip() for cell in line.strip("|").split("|")])
    return rows


def verb_of(words: list[str]) -> tuple[str, list[str]] | None:
    """Verb and arguments when the command calls the engine; ``scripts/run`` alone is the baseline."""
    if words[0] == "scripts/run" or Path(words[0]).name == "logistics":
        given = words[1:] or ["run", "scenarios/baseline-2021.yaml"]
        return given[0], given[1:]
    return None


def parsed(verb: str, arguments: list[str]) -> dict[str, object]:
    """Options and arguments as the verb's own parser reads them."""
    command: click.Command = importlib.import_module(f"logistics.commands.{verb.replace('-', '_')}").command
    with command.make_context(verb, list(arguments)) as context:
        return dict(context.params)


# What can be told without a run ------------------------------------------------------------------------


def test_the_first_block_holds_the_two_commands() -> None:
    assert [shlex.split(line, comments=True) for line in blocks("sh")[0].splitlines()] == [
        ["scripts/run"],
        ["scripts/test"],
    ]
    assert README.index("```sh") < 1000


@pytest.mark.parametrize("words", COMMANDS, ids=" ".join)
def test_command_exists(words: list[str]) -> None:
    """The program, the verb, its flags and the number of its arguments."""
    called = verb_of(words)
    if called is not None:
        assert called[0] in VERBS
        parsed(*called)
    elif words[0].startswith("scripts/"):
        assert os.access(ROOT / words[0], os.X_OK)
    else:
        assert words[:3] == ["python3", "-m", "venv"] or words[1:4] == ["-m", "pip", "install"]


def test_files_of_commands_exist() -> None:
    """Each is in the checkout, written out in the README, or made by a command before."""
    made = [Path("results/baseline-2021"), *(Path(block.split()[1]) for block in blocks("yaml"))]
    for words in COMMANDS:
        called = verb_of(words)
        if called is None:
            for before, name in pairwise(words):
                assert before != "-r" or (ROOT / name).is_file()
            continue
        verb, arguments = called
        values = parsed(verb, arguments)
        if verb == "new":
            made.append(Path(str(values.pop("folder"))))
            for name in ("networks", "scenarios"):
                assert (ROOT / name).is_dir()
        if values.get("out"):
            made.append(Path(str(values.pop("out"))))
        for path in (value for value in values.values() if isinstance(value, Path)):
            known = (ROOT / path).exists() or any(path.is_relative_to(place) for place in made)
            assert known, f"{path} in {' '.join(words)}"


def test_files_and_links_of_the_text_exist() -> None:
    """Every path in the text lies in the checkout, but for what runs write."""
    prose = re.sub(r"^```.*?^```$", "", README, flags=re.MULTILINE | re.DOTALL)
    here = {path.name for path in ROOT.iterdir()}
    spans = [name for name in re.findall(r"`([\w./-]+)`", prose) if "/" in name or name in here]
    named = [
        name
        for name in spans
        if name.split("/")[0] not in ("results", "plan", "plans", "inputs", "figures", ".venv")
    ]
    assert len(named) > 30
    for name in named:
        assert (ROOT / name).exists(), name
        assert not name.endswith("/") or (ROOT / name).is_dir(), name
    for target in re.findall(r"\]\(([^)]+)\)", prose):
        path, _, heading = target.partition("#")
        assert (ROOT / path).is_file(), target
        heads = re.findall(r"^#+ (.*)$", (ROOT / path).read_text("utf-8"), re.MULTILINE)
        assert not heading or heading in {head.lower().replace(" ", "-") for head in heads}, target


def test_nobody_is_sent_to_somebody_elses_package() -> None:
    for path in [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]:
        assert not re.search(r"pip install (?:\S+ )*logistics\b", path.read_text("utf-8")), path.name


def test_public_names_exist() -> None:
    names = set(re.findall(r"`?logistics\.(\w+)", README)) | {"read_plan", "read_tables"}
    assert names <= set(logistics.__all__)
    for name in names:
        getattr(logistics, name)
    for method in ("graph", "sites_gdf", "services_gdf"):
        assert f"`{method}()`" in README
        assert callable(getattr(logistics.Network, method))


def test_every_exit_code_is_there() -> None:
    codes = {int(code) for code, _ in table("code")}
    assert codes == {getattr(shared, name) for name in dir(shared) if name.startswith("EXIT_")} | {130}


def test_every_scenario_is_there() -> None:
    assert "the fifteen scenario files" in README
    listed = {cells[0].strip("`") for cells in table("file")[:15]}
    assert listed == {f"scenarios/{path.name}" for path in (ROOT / "scenarios").glob("*.yaml")}
    for path in (ROOT / "scenarios").glob("*.yaml"):
        assert logistics.read_scenario(path).solver.gap == GAP
    assert f"{GAP:f} in the scenarios here" in README


def test_features_have_a_state() -> None:
    """The thirteen lines of the action plan, each with a state; “partly” says what is not there."""
    rows = table("plan")
    assert len(rows) == 13
    assert {state for _, state, _ in rows} <= {"works", "partly", "not yet"}
    assert all("not" in today.lower() or "none" in today for _, state, today in rows if state == "partly")


def project(folder: Path) -> Path:
    """A project folder with the scenarios that come with the engine and the small network of the tests."""
    shutil.copytree(ROOT / "scenarios", folder / "scenarios")
    shutil.copytree(ROOT / "tests" / "networks" / "three_gateways", folder / "networks" / "three_gateways")
    (folder / "networks" / "zhejiang").symlink_to(ROOT / "networks" / "zhejiang")
    return folder


def test_example_scenario_can_be_read(tmp_path: Path) -> None:
    """Each change of the example touches values."""
    for block in blocks("yaml"):
        path = project(tmp_path) / block.split()[1]
        path.write_text(block, "utf-8")
        case = logistics.read_case(path, allow_outside=True)
        touched = {entry.where for entry in case.log[2021]}
        assert len(touched) == len(case.scenario.changes) == block.count("\n  - ")


def test_python_example_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As it stands, but on the small network."""
    (code,) = blocks("python")
    assert len([line for line in code.splitlines() if line]) == 6
    scenario = project(tmp_path) / "scenarios" / "tiny.yaml"
    text = "schema: 1\nname: {zh: 小, en: Tiny}\nnetwork: three_gateways\nyears: [2021]\n"
    scenario.write_text(text, "utf-8")
    monkeypatch.chdir(tmp_path)
    names: dict[str, object] = {}
    exec(code.replace("baseline-2021.yaml", "tiny.yaml"), names)
    result = names["result"]
    assert isinstance(result, logistics.StudyResult)
    assert (result.status, result.bound_proof) == ("optimal", "certificate")
    assert logistics.read_result(tmp_path / "results" / "from-python")["verified"] is True
    assert set(result.tables) <= set(logistics.read_tables(tmp_path / "results" / "from-python"))


def test_hand_made_plan_is_checked() -> None:
    (words,) = (words for words in COMMANDS if "tests/plans/three_gateways" in words)
    done = subprocess.run(
        [sys.executable, "-m", "logistics", *words[1:], "--lang", "en"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert "verified; flows, capacities and bill hold" in done.stdout


# What only the run can tell ----------------------------------------------------------------------------


@dataclass(frozen=True)
class Run:
    """What the README's run command printed and wrote."""

    out: str
    folder: Path

    def rows(self, name: str) -> list[dict[str, object]]:
        """Rows of a table of the results folder."""
        return list(pq.read_table(self.folder / f"{name}.parquet").to_pylist())


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Run:
    """The run command as the README gives it, from another folder, so that the results go there."""
    here = tmp_path_factory.mktemp("run")
    program, *arguments = COMMANDS[0]
    done = subprocess.run(
        [ROOT / program, *arguments],
        cwd=here,
        env={**os.environ, "COLUMNS": "140", "LC_ALL": "C.UTF-8", "LANG": "C.UTF-8"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    return Run(done.stdout, here / "results" / "baseline-2021")


def as_shown(shown: str, found: float) -> bool:
    """Whether a figure is what is shown of it: to one unit of the last place, or to the gap of the run."""
    if "e-" in shown:
        return 0 <= found <= GAP
    digits = len(shown.partition(".")[2])
    value = float(shown.replace(",", ""))
    return abs(found - value) <= max(10.0**-digits, GAP * abs(value)) * (1 + 1e-9)


def skeleton(line: str) -> str:
    """A line with its figures taken out."""
    return " ".join(re.sub(NUMBER, "#", line).split())


def output_lines() -> Iterator[str]:
    """Lines of the output that the README shows."""
    (block,) = blocks("text")
    yield from (line for line in block.splitlines() if line.strip() != "…")


@pytest.mark.slow
def test_output_is_what_the_run_prints(run: Run) -> None:
    """Every line shown is a line of the output, in its order and with its figures."""
    printed = iter(run.out.splitlines())
    for line in output_lines():
        found = next((other for other in printed if skeleton(other) == skeleton(line)), None)
        assert found is not None, line
        for shown, number in zip(re.findall(NUMBER, line), re.findall(NUMBER, found), strict=True):
            assert as_shown(shown, float(number.replace(",", ""))), f"{line} / {found}"


@pytest.mark.slow
def test_table_of_modes_is_what_the_run_gives(run: Run) -> None:
    """Kilotonnes by mode, and the share of local gateways."""
    kt: dict[tuple[str, str], float] = defaultdict(float)
    local: dict[tuple[str, str], float] = defaultdict(float)
    for row in run.rows("gateways"):
        for mode in (str(row["mode"]), "all"):
            kt[(str(row["direction"]), mode)] += float(str(row["tonnes"])) / 1000
            local[(str(row["direction"]), mode)] += float(str(row["tonnes"])) / 1000 * bool(row["local"])
    (head,) = (line for line in README.splitlines() if line.startswith("| 2021 |"))
    modes = [cell.strip() for cell in head.strip("|").split("|")][1:]
    assert {mode for _, mode in kt} == set(modes)
    checked = 0
    for name, *cells in table("2021"):
        direction, measure = name.split(", ")
        for mode, cell in zip(modes, cells, strict=True):
            whole = kt[(direction, mode)]
            if cell:
                checked += 1
                found = whole if measure == "kt" else 100 * local[(direction, mode)] / whole
                assert as_shown(cell.removesuffix(" %"), found), f"{name} {mode}: {found}"
            else:
                assert whole == 0
    assert checked > 20


@pytest.mark.slow
def test_count_of_bands_is_what_the_run_gives(run: Run) -> None:
    match = re.search(r"(\d+) of (\d+) lie in the band", README)
    assert match is not None
    inside = [bool(row["within_band"]) for row in run.rows("observed")]
    assert (sum(inside), len(inside)) == (int(match[1]), int(match[2]))
    assert int(match[2]) - int(match[1]) == 1, "the README speaks of the one that does not"


@pytest.mark.slow
def test_results_folder_holds_what_the_table_lists(run: Run) -> None:
    """Every file listed is there, nothing else; unsealed are clock values and what is drawn from the rest."""
    rows = table("file | holds")
    listed = {name.rstrip("/") for cells in rows for name in re.findall(r"`([^`]+)`", cells[0])}
    assert listed == {path.name for path in run.folder.iterdir()}
    inner = {name for cells in rows[1:2] for name in re.findall(r"`([^`]+)`", cells[1])}
    assert inner == {path.name for path in (run.folder / "plan").iterdir()}
    sealed = set(json.loads((run.folder / "result.json").read_text("utf-8"))["files"])
    unsealed = listed - {name.split("/")[0] for name in sealed} - {"result.json", "inputs"}
    assert unsealed == {"timing.json", "run.log", "report.html", "tables.xlsx", "network.gpkg", "figures"}
