"""What bad input gets: exit code 2, every problem with its place, and nothing written."""

import codecs
import csv
import re
from collections.abc import Callable
from pathlib import Path

import pytest

from logistics.errors import InputError
from logistics.network.folder import by_year_schema, read_network
from logistics.network.read import read_table
from logistics.network.tables import BY_NAME
from logistics.scenario.read import read_scenario
from logistics.yaml_files import read_yaml
from tests.test_command_line import Answer, command_line, files_below, tiny_project, written_by_hand
from tests.tiny import THREE_GATEWAYS

HEAD = """\
schema: 1
name: {zh: 三个口岸, en: Three gateways}
network: three_gateways
years: [2021]
"""
NAME = "three_gateways"


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A project folder with the tiny network and the scenario tiny.yaml."""
    tiny_project(tmp_path / "project")
    return tmp_path / "project"


def write(project: Path, text: str, name: str = "tiny.yaml") -> Path:
    """Write a scenario file."""
    path = project / "scenarios" / name
    path.write_text(text, encoding="utf-8")
    return path


def refused(project: Path, *flags: str) -> list[str]:
    """Run the scenario, which must be refused with nothing written; returns the problems, one a line."""
    before = files_below(project.parent)
    scenario = project / "scenarios" / "tiny.yaml"
    answer = command_line("run", scenario, "--out", project / "out", "--json", "-q", *flags)
    assert (answer.code, answer.out) == (2, ""), answer.err
    assert files_below(project.parent) == before
    *problems, count = answer.err.splitlines()
    assert count in (f"{len(problems)} errors; nothing was run.", "1 error; nothing was run."), answer.err
    return problems


def looked_at(project: Path) -> list[str]:
    """The same problems by `logistics check`."""
    answer = command_line("check", project / "scenarios" / "tiny.yaml")
    assert (answer.code, answer.out) == (2, ""), answer.err
    return answer.err.splitlines()[:-1]


def only(problems: list[str]) -> str:
    """The one problem."""
    assert len(problems) == 1, problems
    return problems[0]


def table(project: Path, name: str) -> Path:
    """The CSV file of a table."""
    return project / "networks" / NAME / f"{name}.csv"


def edit(project: Path, name: str, **cells: str) -> Callable[..., int]:
    """Change cells of a table in rows that a call of what is returned chooses by their cells."""

    def in_rows(**chosen: str) -> int:
        path = table(project, name)
        with path.open(encoding="utf-8", newline="") as file:
            rows = list(csv.DictReader(file))
        lines = [i for i, row in enumerate(rows) if all(row[k] == v for k, v in chosen.items())]
        assert lines, f"{name} has no row with {chosen}"
        for i in lines:
            assert cells.keys() <= rows[i].keys()
            rows[i].update(cells)
        with path.open("w", encoding="utf-8", newline="") as file:
            out = csv.DictWriter(file, list(rows[0]), lineterminator="\n")
            out.writeheader()
            out.writerows(rows)
        return lines[0] + 2

    return in_rows


# --- scenario files -------------------------------------------------------------------------------

WRONG_VALUES = {
    "unknown key": ("objectve: money", "5:1", "unknown key 'objectve' - did you mean 'objective'?"),
    "unknown key inside": ("solver: {gap: 1e-6, sed: 1}", "5:21", "solver.sed: unknown key 'sed'"),
    "unknown key in a change": (
        "changes:\n  - scale_demand: {factor: 2, wehre: x}",
        "6:31",
        "unknown key 'wehre' - did you mean 'where'?",
    ),
    "unknown change": ("changes:\n  - scale_demnd: {factor: 2}", "6:5", "did you mean 'scale_demand'?"),
    "unknown choice": ("objective: mony", "5:12", "'mony' is not one of .* - did you mean 'money'?"),
    "unit in a number": (
        "solver:\n  time_limit_s: 2 min",
        "6:17",
        "solver.time_limit_s: '2 min' is not a number - write a number alone; its unit is in the name",
    ),
    "quoted number": ('solver: {seed: "1"}', "5:16", "solver.seed: '1' is not a whole number"),
    "number as a note": ("note: 12", "5:7", "note: '12' is not text"),
    "fraction as a seed": ("solver: {seed: 1.5}", "5:16", "'1.5'"),
    "group as a list": ("solver: [1]", "5:9", "solver: this value is not a group of keys"),
    "list as a group": ("changes: {close: {}}", "5:10", "changes: this value is not a list"),
    "gap too large": ("solver: {gap: 2}", "5:15", "solver.gap: '2' is out of range, allowed is ≤ 1"),
    "no time": ("solver: {time_limit_s: 0}", "5:24", "is out of range"),
    "infinite number": ("solver: {time_limit_s: 1e999}", "5:24", "a finite number"),
    "negative factor": ("changes:\n  - scale_demand: {factor: -1}", "6:28", "allowed is ≥ 0"),
    "absurd year": ("changes:\n  - scale_demand: {factor: 2, years: [21]}", "6:39", "'21' is out of range"),
    "unserved for nothing": ("limits: {unserved_cny_per_t: 0}", "5:30", "is out of range"),
    "flag as text": ("limits: {allow_unserved: 'no'}", "5:26", "'no' is not true or false"),
    "year and years": ("year: 2021", "1:1", "give year or years, not both"),
    "missing factor": (
        "changes:\n  - scale_demand: {}",
        "6:19",
        "'changes.0.scale_demand.factor' is missing",
    ),
    "empty change": ("changes:\n  - {}", "6:5", "exactly one of .* must be given"),
    "two changes in one": (
        "changes:\n  - scale_demand: {factor: 2}\n    close: {service: SEA_DE}",
        "6:5",
        "exactly one of .* must be given",
    ),
    "set without a value": (
        "changes:\n  - set: {table: demand, column: tonnes_per_year}",
        "6:10",
        "exactly one of value, factor, add, estimate, drawn must be given",
    ),
    "study kind": ("study: {kind: asignment}", "5:15", "did you mean 'assignment'?"),
    "study without a kind": ("study: {}", "5:8", "'study.kind' is missing"),
    "study settings": (
        "study: {kind: assignment, top: 3}",
        "5:27",
        "study.top: unknown key 'top'|unknown key",
    ),
    "variant": ("variants: {a: {chnges: []}}", "5:16", "did you mean 'changes'?"),
    "id with a space": (
        "variants: {a b: {}}",
        "5:12",
        "variants.a b: 'a b' is not accepted: an id has 1 to 64",
    ),
}


@pytest.mark.parametrize(("lines", "place", "words"), WRONG_VALUES.values(), ids=WRONG_VALUES)
def test_wrong_value_in_a_scenario(project: Path, lines: str, place: str, words: str) -> None:
    """File, line and column, what stands there, what may stand there."""
    write(project, f"{HEAD}{lines}\n")
    problem = only(refused(project))
    assert problem.startswith(f"tiny.yaml:{place}: "), problem
    assert re.search(words, problem), problem


ADDED = """\
changes:
  - add_service:
      service_id: NEW
      mode: rial
      service_class: block_train
      departures_per_week: 3
      payload_t: -400
      payload_m3: 800
      tariff_basis: feu
      tariff_currency: CNY
      tariff_spot: cheap
      stps: []
"""


def test_all_problems_of_a_file_come_at_once(project: Path) -> None:
    """Several wrong values, in order of their lines, each at its own place, and their count."""
    write(project, f"objectiv: money\n{HEAD}{ADDED}solver: {{gap: 2}}\n")
    problems = refused(project)
    assert looked_at(project) == problems
    stem = "changes.0.add_service"
    expected = [
        ("1:1", "unknown key 'objectiv'"),
        (
            "9:13",
            f"{stem}.mode: 'rial' is not one of 'road', 'sea', 'rail', 'air' or 'post' - did you mean 'rail'",
        ),
        ("12:18", f"{stem}.payload_t: '-400' is out of range"),
        ("16:20", f"{stem}.tariff_spot: 'cheap' is not a number"),
        ("17:7", f"{stem}.stps: unknown key 'stps' - did you mean 'stops'?"),
        ("18:15", "solver.gap: '2' is out of range"),
    ]
    assert len(problems) == len(expected), problems
    for place, words in expected:
        assert [p for p in problems if p.startswith(f"tiny.yaml:{place}: ") and words in p], (place, problems)
    lines = [int(problem.split(":")[1]) for problem in problems]
    assert lines == sorted(lines)


def test_problems_in_chinese(project: Path) -> None:
    """--lang and LANG choose the language of problems too."""
    write(project, f"{HEAD}objectve: money\n")
    scenario = project / "scenarios" / "tiny.yaml"
    said = "tiny.yaml:5:1: objectve: 未知的键“objectve”；是否想写“objective”？\n1 个错误；未运行。\n"
    assert command_line("check", scenario, LC_ALL="zh_CN.UTF-8") == Answer(2, "", said)
    assert command_line("check", scenario, "--lang", "zh") == Answer(2, "", said)


@pytest.mark.parametrize("missing", ["schema", "name", "network", "years"])
def test_missing_key(project: Path, missing: str) -> None:
    """What a scenario cannot do without."""
    write(project, "".join(line for line in HEAD.splitlines(True) if not line.startswith(missing)))
    assert f"tiny.yaml:1:1: the key '{missing}' is missing" in only(refused(project))


def test_other_schema(project: Path) -> None:
    """A file of a later version is not guessed at."""
    write(project, HEAD.replace("schema: 1", "schema: 7"))
    assert only(refused(project)).startswith("tiny.yaml:1:9: schema '7' is not known, this version reads 1")


def test_network_that_is_not_there(project: Path) -> None:
    """The closest network is suggested; NO stays text."""
    write(project, HEAD.replace("three_gateways", "three_gatways"))
    problem = only(refused(project))
    assert problem.startswith("tiny.yaml:3:10: there is no network 'three_gatways'")
    assert problem.endswith("did you mean 'three_gateways'?")
    write(project, HEAD.replace("three_gateways", "NO"))
    assert "there is no network 'NO'" in only(refused(project))


def test_year_without_values(project: Path) -> None:
    """The network says for which years it has values."""
    write(project, HEAD.replace("[2021]", "[2021, 2033]"))
    assert only(refused(project)).startswith(
        "tiny.yaml:4:15: the network has no values for 2033; it has: 2021"
    )


def test_variant_that_is_not_there(project: Path) -> None:
    """The closest variant is suggested."""
    answer = command_line("run", project / "scenarios" / "tiny.yaml", "--variant", "mroe")
    assert answer.code == 2
    assert answer.err.startswith("tiny.yaml: there is no variant 'mroe'")
    assert "did you mean 'more'?" in answer.err


@pytest.mark.parametrize("verb", ["run", "check"])
@pytest.mark.parametrize("name", ["nothing.yaml", "scenarios/tiny.yml"])
def test_file_that_is_not_there(project: Path, verb: str, name: str) -> None:
    """A path that leads nowhere."""
    answer = command_line(verb, project / name)
    assert (answer.code, answer.out) == (2, "")
    assert f"{name}: there is no such scenario file" in answer.err


# --- changes of a scenario ------------------------------------------------------------------------

WRONG_CHANGES = {
    "two changes of one value": (
        "  - scale_demand: {factor: 2}\n  - set: {table: demand, column: tonnes_per_year, value: 5}",
        "7:5",
        r"demand B1 tonnes_per_year is set a second time; the first is at tiny.yaml:6:5",
    ),
    "closed twice": (
        "  - close: {passage: suez}\n  - close: {passage: [alashankou, suez]}",
        "7:5",
        "passages suez status is set a second time",
    ),
    "unknown passage": ("  - close: {passage: suezz}", "6:5", "no row 'suezz' - did you mean 'suez'?"),
    "unknown service": ("  - close: {service: RAIL}", "6:5", "the table services has no row 'RAIL'"),
    "unknown site": (
        "  - clearance_window: {sites: [SEE], open: always}",
        "6:5",
        "the table sites has no row 'SEE' - did you mean 'SEA'?",
    ),
    "opening hours": (
        "  - clearance_window: {sites: [SEA], open: at night}",
        "6:5",
        "'at night' does not fit, allowed is always, or days and hours",
    ),
    "unknown table": (
        "  - set: {table: services_, column: payload_t, value: 1}",
        "6:5",
        "no table 'services_'.* - did you mean 'services'?",
    ),
    "unknown column": (
        "  - set: {table: services, column: payload, value: 1}",
        "6:5",
        "'payload' is not a column that may be set.* - did you mean 'payload_t'?",
    ),
    "key column": ("  - set: {table: services, column: service_id, value: X}", "6:5", "may be set"),
    "no row": (
        "  - set: {table: services, where: \"mode == 'pipe'\", column: payload_t, factor: 2}",
        "6:5",
        "no row of services meets \"?'mode == 'pipe''",
    ),
    "negative payload": (
        "  - set: {table: services, column: payload_t, factor: -1}",
        "6:5",
        "services AIR_DE payload_t: '-20.0' does not fit, allowed is",
    ),
    "latitude 130": (
        "  - set: {table: sites, where: \"site_id == 'SEA'\", column: lat, value: 130}",
        "6:5",
        "sites SEA lat: '130.0' does not fit, allowed is -90 to 90",
    ),
    "text for a number": (
        "  - set: {table: services, column: payload_t, value: many}",
        "6:5",
        "'many' does not fit, allowed is a number",
    ),
    "factor of a text": ("  - set: {table: services, column: status, factor: 2}", "6:5", "factor and add"),
    "unknown status": (
        "  - set: {table: services, column: status, value: broken}",
        "6:5",
        "'broken' does not fit, allowed is existing",
    ),
    "condition": (
        "  - set: {table: services, where: \"mode = 'rail'\", column: payload_t, factor: 2}",
        "6:5",
        "the condition .* cannot be read",
    ),
    "condition on an unknown column": (
        "  - set: {table: services, where: \"mod == 'rail'\", column: payload_t, factor: 2}",
        "6:5",
        "there is no column 'mod'.* - did you mean 'mode'?",
    ),
    "condition that runs code": (
        "  - scale_demand: {factor: 2, where: \"__import__('os').abort() == 1\"}",
        "6:5",
        "may not stand in a condition",
    ),
    "condition that never ends": (
        '  - scale_demand: {factor: 2, where: "tonnes_per_year > 9**9**9"}',
        "6:5",
        "may not stand in a condition",
    ),
    "text compared with a number": (
        '  - scale_demand: {factor: 2, where: "segment > 3"}',
        "6:5",
        "compares text with a number",
    ),
    "subsidy above the tariff": (
        "  - set: {table: services, where: \"mode == 'rail'\", column: subsidy_cny_per_t, value: 9000}",
        "",
        r"three_gateways/services.csv:5:subsidy_cny_per_t: ",
    ),
    "factor of blanks": (
        "  - set: {table: passages, where: \"passage_id == 'suez'\", column: capacity_t_per_year, factor: 2}",
        "6:5",
        "'capacity_t_per_year' is blank in every row chosen.* - give a value instead of a factor",
    ),
    "id with a space": (
        "  - set: {table: services, column: service_class, value: fast ship}",
        "6:5",
        "services AIR_DE service_class: 'fast ship' does not fit",
    ),
    "hard promise": (
        (
            "  - set: {table: product_segments, where: \"product_id == 'light' and segment == 'b2b'\", "
            "column: promise_is_hard, value: true}"
        ),
        "",
        "product_segments.csv:7:promise_is_hard: a promise is marked as hard, but no days are promised",
    ),
    "every service closed": (
        "  - set: {table: services, column: status, value: closed}",
        "",
        "three_gateways/services.csv: the network has no service of status 'existing'",
    ),
}


@pytest.mark.parametrize(("lines", "place", "words"), WRONG_CHANGES.values(), ids=WRONG_CHANGES)
def test_change_that_cannot_be_made(project: Path, lines: str, place: str, words: str) -> None:
    """Each change is told where it stands and what it meets in the tables."""
    write(project, f"{HEAD}changes:\n{lines}\n")
    problem = only(refused(project))
    assert looked_at(project) == [problem]
    assert problem.startswith(f"tiny.yaml:{place}: " if place else "three_gateways/"), problem
    assert re.search(words, problem), problem


def test_several_changes_that_cannot_be_made(project: Path) -> None:
    """All of them in one go."""
    lines = [WRONG_CHANGES[name][0] for name in ("unknown passage", "unknown table", "latitude 130")]
    write(project, f"{HEAD}changes:\n" + "\n".join(lines) + "\n")
    assert [problem.split(": ")[0] for problem in refused(project)] == [f"tiny.yaml:{n}:5" for n in (6, 7, 8)]


def test_added_service_that_does_not_fit(project: Path) -> None:
    """An added service: its id, its stops, its currency."""
    added = (
        "changes:\n  - add_service: {{service_id: {0}, mode: sea, service_class: liner, "
        "departures_per_week: 1, payload_t: 10, payload_m3: 20, "
        "tariff_basis: teu, tariff_currency: {1}, tariff_spot: 1, stops: "
        "[{{site_id: SEA}}, {{site_id: {2}, run_h: 1, run_sd_h: 0, distance_km: 10}}]}}\n"
    )
    write(project, HEAD + added.format("sea_de", "CNY", "HAM"))
    assert "the table services has a row 'sea_de' already" in only(refused(project))
    write(project, HEAD + added.format("NEW", "XYZ", "HAN"))
    problems = refused(project)
    assert len(problems) == 2
    assert "no row 'HAN' - did you mean 'HAM'?" in "".join(problems)
    assert "no exchange rate for XYZ" in "".join(problems)
    write(project, HEAD + added.format("NEW", "CNY", "HAM"))
    assert command_line("check", project / "scenarios" / "tiny.yaml").code == 0


# --- extends --------------------------------------------------------------------------------------


def test_circle_of_extends(project: Path) -> None:
    """Files that extend each other, and one that extends itself."""
    write(project, f"{HEAD}extends: b.yaml\n")
    write(project, f"{HEAD}extends: c.yaml\n", "b.yaml")
    write(project, f"{HEAD}extends: tiny.yaml\n", "c.yaml")
    problem = only(refused(project))
    assert problem.startswith("scenarios/c.yaml:5:10: the files extend each other in a circle: ")
    assert "tiny.yaml → b.yaml → c.yaml → tiny.yaml" in problem
    write(project, f"{HEAD}extends: tiny.yaml\n")
    assert "tiny.yaml:5:10: the files extend each other in a circle: tiny.yaml → tiny.yaml" in only(
        refused(project)
    )


def test_parent_that_is_not_there(project: Path) -> None:
    """The closest file beside it is suggested."""
    write(project, HEAD, "base.yaml")
    write(project, f"{HEAD}extends: bsae.yaml\n")
    problem = only(refused(project))
    assert problem.startswith("tiny.yaml:5:10: there is no file 'bsae.yaml' to extend")
    assert problem.endswith("did you mean 'base.yaml'?")


def test_long_chain_of_extends(project: Path) -> None:
    """A chain has an end."""
    for i in range(30):
        write(project, f"{HEAD}extends: s{i + 1}.yaml\n", f"s{i}.yaml")
    write(project, f"{HEAD}extends: s0.yaml\n")
    assert "files extend one another, at most" in only(refused(project))


def test_problem_in_a_parent(project: Path) -> None:
    """A parent's problem is told at its own place; a child may not repair it silently."""
    write(project, f"{HEAD}solver: {{gap: 2}}\n", "base.yaml")
    write(project, f"{HEAD}extends: base.yaml\nsolver: {{gap: 0.1}}\n")
    assert only(refused(project)).startswith("scenarios/base.yaml:5:15: solver.gap: '2' is out of range")


def test_child_overrides_its_parent(project: Path) -> None:
    """The same value in parent and child is no conflict."""
    change = "changes: [{{scale_demand: {{factor: {}}}}}]\n"
    write(project, HEAD + change.format(2), "base.yaml")
    write(project, HEAD + change.format(3) + "extends: base.yaml\n")
    assert command_line("check", project / "scenarios" / "tiny.yaml").code == 0


# --- YAML itself ----------------------------------------------------------------------------------

BOMB = "a: &a [x, x, x, x, x, x, x, x, x]\n" + "".join(
    f"{after}: &{after} [{', '.join([f'*{before}'] * 9)}]\n"
    for before, after in zip("abcdefgh", "bcdefghi", strict=True)
)
YAML_FILES = {
    "bomb": (BOMB, "tiny.yaml:1:4: '&a' is an anchor or alias"),
    "python tag": (
        f"{HEAD}note: !!python/object/apply:os.abort []\n",
        "tiny.yaml:5:7: '.*python.*' is a tag, which these files do not use",
    ),
    "local tag": (f"{HEAD}note: !secret x\n", "tiny.yaml:5:7: '!secret' is a tag"),
    "merge key": (
        f"{HEAD}limits: &l {{}}\nsolver: {{<<: *l}}\n",
        "tiny.yaml:5:9: '&l' is an anchor or alias",
    ),
    "deep": (f"{HEAD}note: {'[' * 5000}{']' * 5000}\n", "tiny.yaml:5:.*holds too much: depth 31"),
    "huge": (HEAD + "# filler\n" * 300_000, "tiny.yaml: the file holds too much: .* bytes"),
    "duplicate key": (
        f"{HEAD}objective: money\nobjective: co2\n",
        "tiny.yaml:6:1: the key 'objective' stands",
    ),
    "two documents": (f"{HEAD}---\n{HEAD}", "tiny.yaml:5:1: a second document starts here"),
    "empty": ("", "tiny.yaml: the file is empty"),
    "comments only": ("# nothing\n", "tiny.yaml: the file is empty"),
    "list": ("- a\n- b\n", "tiny.yaml:1:1: .* is not a group of keys"),
    "text": ("hello\n", "tiny.yaml:1:1: .*'hello' is not a group of keys"),
    "tab": (f"{HEAD}solver:\n\tgap: 1\n", "tiny.yaml:6:1: not valid YAML"),
    "open bracket": (f"{HEAD}years: [2021\n", "tiny.yaml:.*: not valid YAML"),
    "control character": (f"{HEAD}note: a\x01b\n", "tiny.yaml.*: not valid YAML"),
}


@pytest.mark.parametrize(("text", "words"), YAML_FILES.values(), ids=YAML_FILES)
def test_yaml_that_is_refused(project: Path, text: str, words: str) -> None:
    """Bombs, tags, anchors, and what is not YAML at all; at once, however large it would become."""
    write(project, text)
    problems = refused(project)
    assert re.match(words, problems[0]), problems


def test_yaml_with_too_many_values(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A flat file is bounded too."""
    monkeypatch.setattr("logistics.yaml_files.MAX_NODES", 100)
    write(project, f"{HEAD}note: [{'x, ' * 100}]\n")
    assert re.match(r"tiny.yaml:5:\d+: the file holds too much: .*101 values", only(refused(project)))


@pytest.mark.parametrize("encoding", ["gbk", "utf-16"])
def test_yaml_in_another_encoding(project: Path, encoding: str) -> None:
    """Text that is not UTF-8 is refused by the name of what it seems to be."""
    (project / "scenarios" / "tiny.yaml").write_bytes(HEAD.encode(encoding))
    assert re.search(
        rf"tiny.yaml:\d: the text is not UTF-8 but {encoding}", only(refused(project)), re.IGNORECASE
    )


def test_yaml_of_windows_is_read(project: Path) -> None:
    """Line ends and byte-order mark of Windows editors do no harm in YAML."""
    (project / "scenarios" / "tiny.yaml").write_bytes(HEAD.replace("\n", "\r\n").encode("utf-8-sig"))
    assert command_line("check", project / "scenarios" / "tiny.yaml").code == 0


# --- cells of tables ------------------------------------------------------------------------------

WRONG_CELLS = {
    "latitude 130": (
        "sites",
        {"site_id": "SEA"},
        {"lat": "130"},
        "'130' is out of range, allowed is -90 to 90",
    ),
    "longitude": ("sites", {"site_id": "SEA"}, {"lon": "-181"}, "'-181' is out of range"),
    "negative payload": ("services", {"service_id": "SEA_DE"}, {"payload_t": "-5"}, "'-5' is out of range"),
    "negative demand": ("demand", {"demand_id": "B2"}, {"tonnes_per_year": "-1"}, "'-1' is out of range"),
    "share above one": (
        "products",
        {"product_id": "light"},
        {"stockable_share_max": "50"},
        "'50' is out of range",
    ),
    "NaN": ("demand", {"demand_id": "B2"}, {"tonnes_per_year": "NaN"}, "'NaN' is not a finite number"),
    "infinity": ("service_via", {"via_id": "suez"}, {"run_h": "inf"}, "'inf' is not a finite number"),
    "overflow": (
        "passages",
        {"passage_id": "suez"},
        {"fee_cny_per_t": "1e999"},
        "'1e999' is not a finite number",
    ),
    "text for a number": (
        "services",
        {"service_id": "SEA_DE"},
        {"tariff_spot": "2k"},
        "'2k' is not a number",
    ),
    "decimal comma": ("sites", {"site_id": "SEA"}, {"lat": "31,4"}, "'31,4' is not a number"),
    "blank": ("services", {"service_id": "SEA_DE"}, {"payload_t": ""}, "the cell is blank"),
    "fraction": ("fx", {"year": "2021"}, {"year": "2021.5"}, "'2021.5' is not a whole number"),
    "choice": (
        "services",
        {"service_id": "SEA_DE"},
        {"mode": "see"},
        "'see' is not one of .* - did you mean 'sea'?",
    ),
    "list": (
        "services",
        {"service_id": "SEA_DE"},
        {"segments": "b2b|strait"},
        "'b2b\\|strait' is not one of 'direct'",
    ),
    "flag": ("product_segments", {"product_id": "light"}, {"promise_is_hard": "maybe"}, "neither yes nor no"),
    "opening hours": (
        "sites",
        {"site_id": "SEA"},
        {"clearance_open": "9 to 5"},
        "'9 to 5' are not opening hours",
    ),
    "id": ("demand", {"demand_id": "B2"}, {"demand_id": "B 2"}, "'B 2' cannot be an id"),
    "duplicate id": (
        "demand",
        {"demand_id": "B2"},
        {"demand_id": "b1"},
        "'b1' stands in line 2 already; case does not matter",
    ),
    "unknown site": (
        "demand",
        {"demand_id": "B2"},
        {"origin_site": "CL_C"},
        "the table sites has no row 'CL_C' - did you mean 'CL_[AB]'?",
    ),
    "unknown product": (
        "demand",
        {"demand_id": "B2"},
        {"product_id": "heavy"},
        "the table products has no row",
    ),
    "unknown passage": (
        "service_via",
        {"via_id": "suez"},
        {"passages": "suez|panama"},
        "the table passages has no row 'panama'",
    ),
    "unknown service": (
        "service_stops",
        {"service_id": "SEA_US", "seq": "2"},
        {"service_id": "SEA_UK"},
        "the table services has no row 'SEA_UK' - did you mean 'SEA_US'?",
    ),
    "unknown currency": (
        "services",
        {"service_id": "SEA_DE"},
        {"tariff_currency": "EUR"},
        "no exchange rate for EUR",
    ),
    "unknown column of a year": (
        "services_by_year",
        {"service_id": "AIR_US"},
        {"column": "tariff_sopt"},
        "did you mean 'tariff_spot'?",
    ),
    "control character": ("sites", {"site_id": "SEA"}, {"name_en": "Port\x07"}, "control characters"),
    "text of 501": ("sites", {"site_id": "SEA"}, {"name_en": "x" * 501}, "longer than 500 characters"),
    "tiers": (
        "time_values",
        {"product_id": "light", "tier": "urgent"},
        {"share": "0.6"},
        "the tiers of .* sum to 1.1, not to 1",
    ),
    "order of stops": (
        "service_stops",
        {"service_id": "SEA_US", "seq": "2"},
        {"seq": "3"},
        "count 1, 3 instead",
    ),
    "word for an order of stops": (
        "service_stops",
        {"service_id": "SEA_US", "seq": "2"},
        {"seq": "x"},
        "'x' is not a number",
    ),
    "word for a share": ("time_values", {"tier": "urgent"}, {"share": "x"}, "'x' is not a number"),
    "word for a value of a year": (
        "services_by_year",
        {"year": "2022"},
        {"value": "x"},
        "'x' is not a number",
    ),
    "hard promise": (
        "product_segments",
        {"product_id": "light", "segment": "b2b"},
        {"promise_is_hard": "yes"},
        "a promise is marked as hard, but no days are promised",
    ),
    "year that the network does not have": (
        "services_by_year",
        {"service_id": "AIR_US"},
        {"year": "2033"},
        "year 2033 is not a year of the network - the network has 2021, 2022",
    ),
    "no origin": ("demand", {"demand_id": "B2"}, {"origin_site": ""}, "the cell is blank"),
    "no figures of a leg": (
        "service_stops",
        {"service_id": "SEA_US", "seq": "2"},
        {"run_h": ""},
        "leg .* lacks hours or distance",
    ),
    "contract without a tariff": (
        "services",
        {"service_id": "SEA_DE"},
        {"contract_share": "0.5"},
        "a share of the cargo pays the contract tariff, but there is none",
    ),
    "demand at home": ("demand", {"demand_id": "B2"}, {"destination_site": "MK_CN"}, "crosses no border"),
    "subsidy above the tariff": (
        "services",
        {"service_id": "RAIL_DE"},
        {"subsidy_cny_per_t": "9000"},
        "below 0|negative|less than|pays",
    ),
}
OF_ANOTHER_COLUMN = {"duplicate id": "demand_id", "order of stops": "seq", "no figures of a leg": "run_h"} | {
    "contract without a tariff": "tariff_contract",
    "unknown column of a year": "",
}


@pytest.mark.parametrize("name", WRONG_CELLS)
def test_wrong_cell_in_a_table(project: Path, name: str) -> None:
    """File, line and column name, what stands there, what may stand there."""
    where, chosen, cells, words = WRONG_CELLS[name]
    line = edit(project, where, **cells)(**chosen)
    column = OF_ANOTHER_COLUMN.get(name, next(iter(cells)))
    problems = refused(project)
    if name in ("order of stops", "tiers"):
        line -= 1  # told where the stops of the service, or the tiers of the pair, begin
    place = f"{NAME}/{where}.csv:{line}:{column}".rstrip(":")
    here = [problem for problem in problems if problem.startswith(f"{place}: ")]
    assert here, problems
    assert re.search(words, here[0]), problems


def test_all_problems_of_all_tables_come_at_once(project: Path) -> None:
    """Several tables and network.yaml, each problem at its own place."""
    info = project / "networks" / NAME / "network.yaml"
    info.write_text(info.read_text("utf-8").replace("price_year: 2021", "price_year: 21"), "utf-8")
    edit(project, "sites", lat="130", lon="x")(site_id="SEA")
    edit(project, "services", payload_t="-5")(service_id="SEA_DE")
    edit(project, "demand", tonnes_per_year="NaN")(demand_id="B1")
    edit(project, "modes", mode="boat")(mode="post")
    (project / "networks" / NAME / "sitez.csv").write_text("a\n", "utf-8")
    table(project, "fx").unlink()
    problems = refused(project)
    places = {problem.split(": ")[0].removeprefix(f"{NAME}/") for problem in problems}
    assert places == {
        "network.yaml:11:13",
        "sites.csv:6:lat",
        "sites.csv:6:lon",
        "services.csv:6:payload_t",
        "demand.csv:2:tonnes_per_year",
        "modes.csv:6:mode",
        "sitez.csv",
        "fx.csv",
    }
    assert looked_at(project) == problems
    folder = command_line("check", project / "networks" / NAME)
    assert (folder.code, folder.err.splitlines()[:-1]) == (2, problems)


@pytest.mark.parametrize("named_in", ["the scenario", "its parent"])
def test_problems_of_scenario_and_network_come_at_once(project: Path, named_in: str) -> None:
    """A spoilt scenario does not hide a spoilt network, whether it or its parent names the network."""
    head = HEAD
    if named_in == "its parent":
        write(project, HEAD, "base.yaml")
        head = HEAD.replace("network: three_gateways", "extends: base.yaml")
    write(project, f"{head}objectve: money\nsolver: {{gap: 2}}\n")
    edit(project, "sites", lat="130")(site_id="SEA")
    edit(project, "demand", origin_site="CL_C")(demand_id="B2")
    problems = refused(project)
    assert {problem.split(": ")[0] for problem in problems} == {
        "tiny.yaml:5:1",
        "tiny.yaml:6:15",
        f"{NAME}/sites.csv:6:lat",
        f"{NAME}/demand.csv:3:origin_site",
    }
    assert len(problems) == 4
    assert looked_at(project) == problems


def test_a_spoilt_scenario_that_names_no_network_is_told_alone(project: Path) -> None:
    """Without a network, with one that is not there, or with text that is no YAML: no guess is made."""
    edit(project, "sites", lat="130")(site_id="SEA")
    for text in (
        HEAD.replace("network: three_gateways\n", ""),
        HEAD.replace("three_gateways", "three_gatways"),
        HEAD.replace("three_gateways", "../../elsewhere"),
        HEAD.replace("three_gateways", "5"),
        f"{HEAD}extends: nowhere.yaml\n".replace("network: three_gateways\n", ""),
        "- 1\n",
        f"{HEAD}solver: {{\n",
    ):
        write(project, text)
        assert [p for p in refused(project) if not p.startswith("tiny.yaml")] == [], text


def test_a_spoilt_scenario_of_a_good_network_is_told_alone(project: Path) -> None:
    """The network adds nothing when nothing is wrong with it, nor do its warnings."""
    edit(project, "demand", confidence="estimate")(demand_id="B2")
    write(project, f"{HEAD}objectve: money\n")
    assert only(refused(project)).startswith("tiny.yaml:5:1: ")


@pytest.mark.parametrize("flag", ["--variant=mroe", "--variant=more"])
def test_problems_of_the_network_come_with_an_unknown_variant(project: Path, flag: str) -> None:
    """A variant that is not there is one problem beside those of the network."""
    edit(project, "sites", lat="130")(site_id="SEA")
    places = [f"{NAME}/sites.csv:6:lat"] + ["tiny.yaml"] * (flag == "--variant=mroe")
    assert sorted(problem.split(": ")[0] for problem in refused(project, flag)) == places


def test_many_wrong_cells_are_counted(project: Path) -> None:
    """A column that is wrong from top to bottom does not fill the screen."""
    path = table(project, "demand")
    header, first, *rest = path.read_text("utf-8").splitlines()
    rows = [first.replace("B1,", f"X{i},").replace(",600,", ",many,") for i in range(500)]
    path.write_text("\n".join([header, *rows, *rest]) + "\n", "utf-8")
    answer = command_line("check", project / "scenarios" / "tiny.yaml")
    assert answer.code == 2
    assert len(answer.err.splitlines()) < 60
    assert "and 480 more like these in this column" in answer.err


# --- files of tables ------------------------------------------------------------------------------


def with_bom(data: bytes) -> bytes:
    """As Excel writes “CSV UTF-8”."""
    return codecs.BOM_UTF8 + data


def with_crlf(data: bytes) -> bytes:
    """As Windows programs write it."""
    return data.replace(b"\n", b"\r\n")


def in_gbk(data: bytes) -> bytes:
    """As Excel in China writes “CSV”."""
    return data.decode("utf-8").encode("gbk")


def in_utf_16(data: bytes) -> bytes:
    """As Excel writes “Unicode text”."""
    return data.decode("utf-8").encode("utf-16")


def without_column(data: bytes) -> bytes:
    """The column `lat` is gone."""
    rows = [line.split(",") for line in data.decode("utf-8").splitlines()]
    place = rows[0].index("lat")
    return "".join(",".join(row[:place] + row[place + 1 :]) + "\n" for row in rows).encode()


def with_column(data: bytes) -> bytes:
    """A column nobody knows."""
    first, *rest = data.decode("utf-8").splitlines()
    return "".join(f"{line}\n" for line in [f"{first},latt", *(f"{line},1" for line in rest)]).encode()


def with_column_twice(data: bytes) -> bytes:
    """Two columns of one name."""
    return data.replace(b"name_zh", b"name_en", 1)


def with_cell_too_many(data: bytes) -> bytes:
    """A name with a comma, without quotes."""
    return data.replace(b"Cluster B", b"Cluster B, beside the port")


def with_header_only_blank(data: bytes) -> bytes:
    """Nothing but line ends."""
    return b"\n\n" if data else b""


FILES = [
    (with_bom, ":1", "the file starts with a byte-order mark"),
    (with_crlf, ":1", "lines end with CR LF, not with LF"),
    (in_gbk, ":2", "the file is written in GBK, not in UTF-8"),
    (in_utf_16, ":1", "the file is written in UTF-16, not in UTF-8"),
    (without_column, ":1", "the column 'lat' is missing"),
    (with_column, ":1:latt", "unknown column 'latt' - did you mean 'lat'?"),
    (with_column_twice, ":1", "the header names name_en more than once"),
    (with_cell_too_many, ":3", "the row has 32 cells, the header 31"),
    (with_header_only_blank, "", "the file is empty"),
]


@pytest.mark.parametrize(("spoil", "place", "words"), FILES, ids=[spoil.__name__ for spoil, _, _ in FILES])
def test_file_that_is_no_table(
    project: Path, spoil: Callable[[bytes], bytes], place: str, words: str
) -> None:
    """Encodings and line ends are named, not guessed; columns must be those of the table."""
    path = table(project, "sites")
    columns = path.read_text("utf-8").split("\n", 1)[0].count(",") + 1
    path.write_bytes(spoil(path.read_bytes()))
    problem = only(refused(project))
    words = words.replace("32", str(columns + 1)).replace("31", str(columns))
    assert problem.startswith(f"{NAME}/sites.csv{place}: {words}"), problem


def test_mark_and_line_ends_are_told_together(project: Path) -> None:
    """One file, two faults, both said."""
    path = table(project, "sites")
    path.write_bytes(with_bom(with_crlf(path.read_bytes())))
    assert ["byte-order" in problem or "CR LF" in problem for problem in refused(project)] == [True, True]


def test_missing_and_unknown_tables(project: Path) -> None:
    """A table that is not there, and a file that is no table; the closest name is suggested."""
    table(project, "products").rename(table(project, "product"))
    problems = refused(project)
    assert len(problems) == 2
    assert problems[0].startswith(f"{NAME}/product.csv: no table is called 'product'")
    assert problems[0].endswith("did you mean 'products'?")
    assert problems[1].startswith(f"{NAME}/products.csv: the table is missing")


def test_network_without_services(project: Path) -> None:
    """Tables without services: said as such, whether there are no rows or none in use."""
    for name in ("services", "service_stops", "service_via", "services_by_year"):
        path = table(project, name)
        path.write_text(path.read_text("utf-8").split("\n", 1)[0] + "\n", "utf-8")
    problem = only(refused(project))
    assert problem.startswith(f"{NAME}/services.csv: the network has no service of status 'existing'")


@pytest.mark.parametrize("content", [b"", b"schema: 1\n", b"\xd6\xd0", b"- 1\n", b"schema: &a 1\n"])
def test_network_file_that_is_none(project: Path, content: bytes) -> None:
    """network.yaml is read as carefully as a scenario."""
    (project / "networks" / NAME / "network.yaml").write_bytes(content)
    assert all(problem.startswith(f"{NAME}/network.yaml") for problem in refused(project))


@pytest.fixture(scope="module")
def read_before() -> dict[str, object]:
    """Tables that were read once; reading all of them for each cell would take minutes."""
    return {}


@pytest.mark.parametrize("name", sorted(path.stem for path in THREE_GATEWAYS.glob("*.csv")))
def test_junk_in_any_column_is_no_internal_error(
    project: Path, name: str, monkeypatch: pytest.MonkeyPatch, read_before: dict[str, object]
) -> None:
    """A word or nothing, wherever it stands: the reader accepts it or says what is wrong with it."""

    def read_once(path: Path, *rest: object) -> object:
        if path.stem == name:
            return read_table(path, *rest)  # type: ignore[arg-type]
        if path.stem not in read_before:
            read_before[path.stem] = read_table(path, *rest)  # type: ignore[arg-type]
        return read_before[path.stem]

    document = read_yaml(THREE_GATEWAYS / "network.yaml", "network.yaml", [])
    monkeypatch.setattr("logistics.network.folder.read_table", read_once)
    monkeypatch.setattr("logistics.network.folder.read_yaml", lambda *_: document)
    schema = BY_NAME.get(name) or by_year_schema(name.removesuffix("_by_year"))
    path = table(project, name)
    header, first, *rest = path.read_text("utf-8").splitlines()
    refusals = 0
    for place, column in enumerate(header.split(",")):
        if schema.column(column).kind == "text":
            continue
        for junk in ("abc", ""):
            cells = first.split(",")
            cells[place] = junk
            path.write_text("\n".join([header, ",".join(cells), *rest]) + "\n", "utf-8")
            try:
                read_network(path.parent)
            except InputError as error:
                refusals += bool(error.problems)
            except Exception as error:  # noqa: BLE001
                pytest.fail(f"{column} = {junk!r}: {type(error).__name__}: {error}")
    assert refusals > 0


# --- demand that nothing can reach ----------------------------------------------------------------

UNREACHABLE = {
    "no service": (
        "close: {service: [AIR_US, POST_US]}",
        {"D2": "no service takes direct to US", "D3": "no service takes direct to US"},
    ),
    "no way there": ("close: {site: MK_CN}", {"I1": "site MK_CN is not open"}),
    "no warehouse": (
        "set: {table: warehouse_options, column: status, value: closed}",
        {"S1": "no existing warehouse within reach of MK_DE"},
    ),
    "no clearance at the only airport": (
        "set: {table: sites, where: \"site_id == 'FRA'\", column: clearance_regimes, value: ''}",
        {"I1": "no chain of services joins MK_DE to MK_CN for b2b"},
    ),
}


@pytest.mark.parametrize(("change", "lost"), UNREACHABLE.values(), ids=UNREACHABLE)
def test_demand_that_nothing_can_reach(project: Path, change: str, lost: dict[str, str]) -> None:
    """A warning with the reason on each row, exit code 0, and the rest is served and verified."""
    scenario = write(project, f"{HEAD}changes:\n  - {change}\n")
    looked = command_line("check", scenario)
    assert looked.code == 0
    *warnings, count = looked.err.splitlines()
    assert count == ("1 warning." if len(lost) == 1 else f"{len(lost)} warnings.")
    for warning, (name, reason) in zip(warnings, sorted(lost.items()), strict=True):
        assert re.match(
            rf"{NAME}/demand.csv:\d+:destination_site: nothing can carry demand '{name}': ", warning
        )
        assert reason in warning
    answer = command_line("run", scenario, "--out", project / "out")
    assert answer.code == 0, answer.err
    said = answer.err.splitlines()
    assert [line for line in said if line in warnings] == warnings
    assert said[-1] == count
    rounds = [number for number, line in enumerate(said) if ", round 1:" in line]
    assert max(map(said.index, warnings)) < rounds[0], "a cheap check speaks before the solver"
    assert re.search(r"verified +yes", answer.out)


# --- paths that leave the project -----------------------------------------------------------------


@pytest.fixture
def outside(tmp_path: Path) -> Path:
    """A network and a scenario beside the project folder."""
    tiny_project(tmp_path / "elsewhere")
    return tmp_path / "elsewhere"


PATHS = {
    "network": HEAD.replace("three_gateways", "../../elsewhere/networks/three_gateways"),
    "network from the top": HEAD.replace("three_gateways", "{outside}/networks/three_gateways"),
    "network in a link": HEAD.replace("three_gateways", "linked"),
    "extends": f"{HEAD}extends: ../../elsewhere/scenarios/tiny.yaml\n",
    "extends from the top": f"{HEAD}extends: {{outside}}/scenarios/tiny.yaml\n",
    "extends a link": f"{HEAD}extends: linked.yaml\n",
}


@pytest.mark.parametrize("name", PATHS)
def test_path_that_leaves_the_project(project: Path, outside: Path, name: str) -> None:
    """Refused where it stands, also through a link; allowed with --allow-outside."""
    (project / "networks" / "linked").symlink_to(outside / "networks" / NAME, target_is_directory=True)
    (project / "scenarios" / "linked.yaml").symlink_to(outside / "scenarios" / "tiny.yaml")
    write(project, PATHS[name].replace("{outside}", str(outside)))
    place = "3:10" if name.startswith("network") else "5:10"
    problem = only(refused(project))
    assert re.match(rf"tiny\.yaml:{place}: the path '.*' leads out of the project folder ", problem)
    assert "--allow-outside" in problem
    scenario = project / "scenarios" / "tiny.yaml"
    assert command_line("check", scenario, "--allow-outside").code == 0
    answer = command_line("run", scenario, "--allow-outside", "--out", project / "out", "-q")
    assert (answer.code, answer.err) == (0, "")
    plan = written_by_hand(project / "out")
    assert command_line("verify", plan, "--scenario", scenario).code == 2
    assert command_line("verify", plan, "--scenario", scenario, "--allow-outside").code == 0


def test_paths_inside_the_project_are_free(project: Path) -> None:
    """Up and down within the project folder, as a path or through a link."""
    (project / "networks" / "alias").symlink_to(NAME, target_is_directory=True)
    for network in ("../networks/three_gateways", "alias", "../scenarios/../networks/three_gateways"):
        write(project, HEAD.replace("three_gateways", network))
        assert command_line("check", project / "scenarios" / "tiny.yaml").code == 0, network


def test_id_with_a_line_break(project: Path) -> None:
    """A line break at the end is no part of an id."""
    write(project, HEAD + 'changes:\n  - set: {table: services, column: service_class, value: "x\\n"}\n')
    assert "services AIR_DE service_class" in refused(project)[0]


def test_relative_network_of_a_parent_is_read_from_the_parent(project: Path) -> None:
    """A path in a parent starts at the parent's folder, wherever the child stands."""
    write(project, HEAD.replace("three_gateways\n", "../networks/three_gateways\n"), "base.yaml")
    (project / "scenarios" / "sub").mkdir()
    child = project / "scenarios" / "sub" / "child.yaml"
    child.write_text("schema: 1\nname: {zh: x, en: x}\nextends: ../base.yaml\n", "utf-8")
    assert read_scenario(child).network_folder == project / "networks" / "three_gateways"
