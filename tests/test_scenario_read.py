"""Scenario files: every finding with its place, inheritance, variants, changes and their log."""

import ast
import shutil
import textwrap
from pathlib import Path

import pytest

import logistics.network.read
import logistics.scenario.case
from logistics.errors import InputError, Where
from logistics.network.where import ConditionError, matching_rows
from logistics.scenario.case import read_case
from logistics.scenario.read import MAX_EXTENDS, read_scenario
from tests.tiny import THREE_GATEWAYS, three_gateways

PACKAGE = Path(logistics.network.read.__file__).parents[1]
HEAD = """\
schema: 1
name: {zh: 测试, en: Test}
network: three_gateways
years: [2021]
"""
"""Four good lines; what a test adds starts at line 5."""

NEW_SERVICE = """\
changes:
  - add_service:
      service_id: RAIL_NEW
      mode: rail
      service_class: block_train
      departures_per_week: 2
      payload_t: 100
      payload_m3: 200
      tariff_basis: feu
      tariff_currency: USD
      tariff_spot: 5000
      stops:
        - {site_id: RAIL}
        - {site_id: RDU, run_h: 200, run_sd_h: 10, distance_km: 11000}
"""


@pytest.fixture
def project(tmp_path):
    """A project folder with three_gateways and an empty folder of scenarios."""
    root = tmp_path / "project"
    shutil.copytree(THREE_GATEWAYS, root / "networks" / "three_gateways")
    (root / "scenarios").mkdir()
    return root


@pytest.fixture(autouse=True)
def _network_is_read_once(monkeypatch):
    """Scenarios here have the same tables; reading them from a folder is tested elsewhere."""
    monkeypatch.setattr(logistics.scenario.case, "read_network", lambda _: (three_gateways(), []))


def written(project, text, name="s.yaml"):
    """A scenario file with this text."""
    path = project / "scenarios" / name
    path.write_text(textwrap.dedent(text), "utf-8", newline="\n")
    return path


def problems_of(path, **options):
    """Every problem of a scenario and what it names."""
    with pytest.raises(InputError) as caught:
        read_case(path, **options)
    return list(caught.value.problems)


def place(line, column, file="s.yaml"):
    """A place in a scenario file."""
    return Where(file, line, str(column))


CASES = {
    # files
    "tag": ("note: !!python/name:os.system x\n", [("yaml.tag", 5, 7)]),
    "anchor": ("note: &a x\n", [("yaml.alias", 5, 7)]),
    "alias": ("note: &a x\nextends: *a\n", [("yaml.alias", 5, 7), ("yaml.alias", 6, 10)]),
    "key twice": ("note: a\nnote: b\n", [("yaml.duplicate_key", 6, 1)]),
    "two documents": ("---\nschema: 1\n", [("yaml.documents", 5, 1)]),
    "syntax": ("study: {kind: [}\n", [("yaml.syntax", 5, 16)]),
    "too deep": ("study: " + "{a: " * 31 + "1" + "}" * 31 + "\n", [("yaml.too_large", 5, 124)]),
    # the schema
    "unknown key": ("objektive: money\n", [("schema.unknown_key", 5, 1)]),
    "unknown key inside": ("solver: {time_limit: 5}\n", [("schema.unknown_key", 5, 10)]),
    "choice": ("objective: cheap\n", [("schema.choice", 5, 12)]),
    "wrong type": ("solver: {gap: small}\n", [("schema.type", 5, 15)]),
    "number as text": ("solver: {gap: '0.1'}\n", [("schema.type", 5, 15)]),
    "out of range": ("solver: {gap: 2}\n", [("schema.range", 5, 15)]),
    "not finite": ("solver: {time_limit_s: 1e999}\n", [("schema.range", 5, 24)]),
    "unserved priced at 0": ("limits: {unserved_cny_per_t: 0}\n", [("schema.range", 5, 30)]),
    "year and years": ("year: 2021\n", [("schema.value", 1, 1)]),
    "study without kind": ("study: {}\n", [("schema.missing_key", 5, 8)]),
    "change of two kinds": (
        "changes:\n  - close: {service: AIR_DE}\n    scale_demand: {factor: 2}\n",
        [("schema.value", 6, 5)],
    ),
    "set in two ways": (
        "changes:\n  - set: {table: demand, column: tonnes_per_year, value: 1, factor: 2}\n",
        [("schema.value", 6, 10)],
    ),
    "close nothing": ("changes:\n  - close: {reason: why}\n", [("schema.value", 6, 12)]),
    "text for a factor": ("changes:\n  - scale_demand: {factor: double}\n", [("schema.type", 6, 28)]),
    # limits
    "late after different days": (
        "limits: {min_promise_share: [{share: 0.5, days: 5}, {share: 0.5, days: 9}]}\n",
        [("limit.days_differ", 5, 53)],
    ),
    "days beside a hard promise": (
        (
            "changes:\n"
            "  - set: {table: product_segments, column: promise_d, value: 9}\n"
            "  - set: {table: product_segments, column: promise_is_hard, value: true}\n"
            "limits: {min_promise_share: [{share: 0.5, days: 5}]}\n"
        ),
        [("limit.days_hard", 8, 30)],
    ),
    # changes
    "no such table": (
        "changes:\n  - set: {table: service, column: payload_t, value: 1}\n",
        [("change.no_table", 6, 5)],
    ),
    "no such column": (
        "changes:\n  - set: {table: services, column: payload, value: 1}\n",
        [("change.no_column", 6, 5)],
    ),
    "key column": (
        "changes:\n  - set: {table: services, column: service_id, value: x}\n",
        [("change.no_column", 6, 5)],
    ),
    "no rows": (
        "changes:\n  - set: {table: services, where: mode == 'road', column: payload_t, value: 1}\n",
        [("change.no_rows", 6, 5)],
    ),
    "factor on blanks": (
        "changes:\n  - set: {table: services, column: co2_g_per_tkm, factor: 2}\n",
        [("change.all_blank", 6, 5)],
    ),
    "sum with blanks": (
        "changes:\n  - set: {table: product_segments, column: promise_d, where: order_kg > 1, add: 9}\n",
        [("change.all_blank", 6, 5)],
    ),
    "no range": (
        "changes:\n  - set: {table: services, column: availability, estimate: 1}\n",
        [("change.no_range", 6, 5)],
    ),
    "no id": (
        "changes:\n  - set: {table: services, column: service_class, value: fast ship}\n",
        [("change.value", 6, 5)],
    ),
    "no id at all": (
        "changes:\n  - set: {table: sites, where: site_id == 'AIR', column: customs_territory, value: ''}\n",
        [("change.value", 6, 5)],
    ),
    "factor on a text": (
        "changes:\n  - set: {table: services, column: mode, factor: 2}\n",
        [("change.not_a_number", 6, 5)],
    ),
    "no such site": ("changes:\n  - close: {site: AIRR}\n", [("change.no_row", 6, 5)]),
    "no such service of two": (
        "changes:\n  - close: {service: [AIR_DE, AIR_DEE]}\n",
        [("change.no_row", 6, 5)],
    ),
    "no such site of a window": (
        "changes:\n  - clearance_window: {sites: [SEE], open: always}\n",
        [("change.no_row", 6, 5)],
    ),
    "value out of range": (
        "changes:\n  - set: {table: sites, where: site_id == 'AIR', column: lat, value: 130}\n",
        [("change.value", 6, 5)],
    ),
    "factor out of range": (
        "changes:\n  - set: {table: services, column: load_factor_max, factor: 2}\n",
        [("change.value", 6, 5)],
    ),
    "text for a number": (
        "changes:\n  - set: {table: services, column: payload_t, value: much}\n",
        [("change.value", 6, 5)],
    ),
    "truth for a number": (
        "changes:\n  - set: {table: services, column: payload_t, value: true}\n",
        [("change.value", 6, 5)],
    ),
    "no choice": (
        "changes:\n  - set: {table: services, column: status, value: shut}\n",
        [("change.value", 6, 5)],
    ),
    "no item of a list": (
        "changes:\n  - set: {table: services, column: segments, value: direct|b2c}\n",
        [("change.value", 6, 5)],
    ),
    "no flag": (
        "changes:\n  - set: {table: product_segments, column: promise_is_hard, value: yes}\n",
        [("change.value", 6, 5)],
    ),
    "number for a text": (
        "changes:\n  - set: {table: services, column: operator, value: 5}\n",
        [("change.value", 6, 5)],
    ),
    "bad hours": (
        "changes:\n  - clearance_window: {sites: [SEA], open: Mon-Fri 9-17}\n",
        [("change.value", 6, 5)],
    ),
    "twice": (
        "changes:\n  - scale_demand: {factor: 2}\n  - scale_demand: {factor: 3, where: demand_id == 'B1'}\n",
        [("change.twice", 7, 5)],
    ),
    "closed twice": (
        "changes:\n  - close: {site: AIR}\n  - close: {site: [SEA, AIR]}\n",
        [("change.twice", 7, 5)],
    ),
    "condition that is none": (
        "changes:\n  - scale_demand: {factor: 2, where: segment = 'b2b'}\n",
        [("condition.syntax", 6, 5)],
    ),
    "condition of unknown column": (
        "changes:\n  - scale_demand: {factor: 2, where: segmnt == 'b2b'}\n",
        [("condition.column", 6, 5)],
    ),
    "condition that calls": (
        "changes:\n  - scale_demand: {factor: 2, where: exit() == 1}\n",
        [("condition.form", 6, 5)],
    ),
    "condition of number and text": (
        "changes:\n  - scale_demand: {factor: 2, where: tonnes_per_year == 'many'}\n",
        [("condition.types", 6, 5)],
    ),
    # added services
    "service that exists": (NEW_SERVICE.replace("RAIL_NEW", "rail_de"), [("change.duplicate", 6, 5)]),
    "stop that does not exist": (NEW_SERVICE.replace("RDU", "RDX"), [("change.no_row", 6, 5)]),
    "leg without hours": (NEW_SERVICE.replace("run_h: 200, ", ""), [("service.leg_missing", 6, 5)]),
    "stop after itself": (NEW_SERVICE.replace("RDU", "RAIL"), [("service.same_stop", 6, 5)]),
    "share without contract": (
        NEW_SERVICE.replace("tariff_spot: 5000", "tariff_spot: 5000\n      contract_share: 0.5"),
        [("service.contract", 6, 5)],
    ),
    "currency without rate": (NEW_SERVICE.replace("USD", "EUR"), [("fx.missing", 6, 5)]),
    "service with one stop": (
        NEW_SERVICE.rsplit("        - ", 1)[0],
        [("schema.value", 17, 9)],
    ),
    "negative payload": (
        NEW_SERVICE.replace("payload_t: 100", "payload_t: -100"),
        [("schema.range", 11, 18)],
    ),
}
"""Name: (text after the head, the problems as code, line, column)."""


@pytest.mark.parametrize("name", CASES)
def test_finding_has_its_code_and_place(project, name):
    """A spoilt scenario gives these problems and no others, each with file, line and column."""
    text, expected = CASES[name]
    found = sorted((p.code, p.where) for p in problems_of(written(project, HEAD + text)))
    assert found == sorted((code, place(line, column)) for code, line, column in expected)


def test_every_code_has_a_test():
    """Each code in the sources of scenarios stands in this file."""
    here = Path(__file__).read_text("utf-8")
    for source in (*sorted((PACKAGE / "scenario").glob("*.py")), PACKAGE / "project.py"):
        for node in ast.walk(ast.parse(source.read_text("utf-8"))):
            if not isinstance(node, ast.Call):
                continue
            code = node.args[0].value if node.args and isinstance(node.args[0], ast.Constant) else None
            if getattr(node.func, "id", "") == "Problem" and code:
                assert f'"{code}"' in here, code
            if getattr(node.func, "id", "") == "ConditionError":
                assert f'"condition.{code}"' in here, code


def test_good_scenario_is_read(project):
    """What the file leaves out takes its default; the case has the year's network."""
    case = read_case(written(project, HEAD))
    scenario = case.scenario
    assert (scenario.id, scenario.name.en, scenario.name.zh) == ("s", "Test", "测试")
    assert (scenario.objective, scenario.years, scenario.study) == (
        "generalised",
        (2021,),
        {"kind": "assignment"},
    )
    assert (scenario.solver.gap, scenario.serve.allow_unserved) == (1e-6, True)
    assert case.networks[2021].texts("demand", "demand_id") == three_gateways().texts("demand", "demand_id")
    assert case.log == {2021: ()}


def test_missing_keys_are_reported_together(project):
    """Without network and years both are named at once; without schema and name, too."""
    both = problems_of(written(project, "schema: 1\nname: {zh: 测试, en: Test}\n"))
    assert [(p.code, p.subject, p.where) for p in both] == [
        ("schema.missing_key", "network", place(1, 1)),
        ("schema.missing_key", "years", place(1, 1)),
    ]
    none = problems_of(written(project, "network: three_gateways\n"))
    assert {(p.code, p.subject) for p in none} == {
        ("schema.missing_key", "schema"),
        ("schema.missing_key", "name"),
    }


def test_many_problems_are_collected(project):
    """One reading reports unknown keys, wrong types and bad choices together."""
    text = HEAD + "objective: cheap\nsolver: {gap: 2, seed: x}\nnotes: a\n"
    found = {(p.code, p.where.line) for p in problems_of(written(project, text))}
    expected = {("schema.choice", 5), ("schema.range", 6), ("schema.type", 6), ("schema.unknown_key", 7)}
    assert found == expected


def test_many_bad_changes_are_collected(project):
    """Every change is tried, though one before it is bad."""
    text = (
        HEAD
        + "changes:\n  - close: {site: X}\n  - close: {service: Y}\n"
        + "  - scale_demand: {factor: 2, where: z > 1}\n"
    )
    found = [(p.code, p.where.line) for p in problems_of(written(project, text))]
    assert found == [("change.no_row", 6), ("change.no_row", 7), ("condition.column", 8)]


@pytest.mark.parametrize(
    ("text", "remedy"),
    [
        ("objektive: money\n", "objective"),
        ("objective: mony\n", "money"),
        ("changes:\n  - close: {service: AIR_DEE}\n", "AIR_DE"),
        ("changes:\n  - clos: {service: AIR_DE}\n", "close"),
        ("changes:\n  - set: {table: servces, column: payload_t, value: 1}\n", "services"),
        ("changes:\n  - set: {table: services, column: payload, value: 1}\n", "payload_t"),
        ("changes:\n  - scale_demand: {factor: 2, where: segmnt == 'b2b'}\n", "segment"),
        (NEW_SERVICE.replace("RDU", "RDUU"), "RDU"),
        (NEW_SERVICE.replace("mode: rail", "mode: rial"), "rail"),
        (NEW_SERVICE.replace("payload_m3", "payload_m"), "payload_m3"),
    ],
)
def test_did_you_mean(project, text, remedy):
    """A near miss names what was probably meant."""
    assert remedy in [p.remedy for p in problems_of(written(project, HEAD + text))]


def test_no_file(project):
    """A scenario that is not there is one problem that names it."""
    path = project / "scenarios" / "none.yaml"
    (problem,) = problems_of(path)
    assert (problem.code, problem.where.file) == ("scenario.no_file", str(path))


@pytest.mark.parametrize("text", ["- 1\n- 2\n", "hello\n", "5\n"])
def test_a_file_that_is_no_mapping(project, text):
    """A list, a text or a number at the top is a wrong type at its place."""
    (problem,) = problems_of(written(project, text))
    assert (problem.code, problem.where) == ("schema.type", place(1, 1))


def test_later_schema(project):
    """A schema number from the future is refused with the known ones."""
    (problem,) = problems_of(written(project, HEAD.replace("schema: 1", "schema: 7")))
    assert (problem.code, problem.where, problem.found, problem.allowed) == (
        "schema.version",
        place(1, 9),
        "7",
        "1",
    )


def test_yaml_bomb(project):
    """Nested aliases are refused before anything is expanded."""
    lines = ["a: &a [1, 1, 1, 1, 1, 1, 1, 1, 1]"]
    lines += [f"{b}: &{b} [{', '.join([f'*{a}'] * 9)}]" for a, b in zip("abcdefgh", "bcdefghi", strict=True)]
    problems = problems_of(written(project, "\n".join(lines)))
    assert {p.code for p in problems} == {"yaml.alias"}


def test_norway_stays_text(project):
    """YAML 1.2: NO, yes and off are texts, quoted numbers stay texts."""
    path = written(
        project, HEAD + "study: {kind: assignment, a: NO, b: yes, c: off, d: '5', e: 5, f: true}\n"
    )
    study = read_scenario(path).study
    assert study == {"kind": "assignment", "a": "NO", "b": "yes", "c": "off", "d": "5", "e": 5, "f": True}


# extends


def test_child_takes_and_overrides(project):
    """A child keeps what it does not say, and overrides keys one by one; changes are strung together."""
    written(
        project,
        HEAD
        + "objective: money\nsolver: {gap: 0.01, seed: 5}\nlimits: {unserved_cny_per_t: 9000}\n"
        + "changes:\n  - close: {service: AIR_DE}\n",
        "parent.yaml",
    )
    child = written(
        project,
        """\
        schema: 1
        name: {zh: 子, en: Child}
        extends: parent.yaml
        year: 2022
        solver: {gap: 0.5}
        changes:
          - close: {service: AIR_US}
        """,
    )
    scenario = read_scenario(child)
    assert scenario.name.en == "Child"
    assert (scenario.objective, scenario.years) == ("money", (2022,))
    assert (scenario.solver.gap, scenario.solver.seed) == (0.5, 5)
    assert scenario.serve.unserved_cny_per_t == 9000
    assert scenario.network_folder == project / "networks" / "three_gateways"
    places = [(placed.level, str(placed.where)) for placed in scenario.changes]
    assert places == [(0, "scenarios/parent.yaml:9:5"), (1, "s.yaml:7:5")]


def test_child_overrides_a_value_of_its_parent_and_the_log_shows_it(project):
    """The child's value wins; the log keeps old → new of both, in order."""
    change = (
        "changes:\n  - set: {{table: services, where: service_id == 'SEA_DE', "
        "column: tariff_spot, value: {}}}\n"
    )
    written(project, HEAD + change.format(3000), "parent.yaml")
    text = "schema: 1\nname: {zh: 子, en: Child}\nextends: parent.yaml\n"
    case = read_case(written(project, text + change.format(2500)))
    network = case.networks[2021]
    assert network.numbers("services", "tariff_spot")[network.row_of("services")["SEA_DE"]] == 2500
    log = [(entry.row_id, entry.column, entry.old, entry.new, str(entry.where)) for entry in case.log[2021]]
    assert log == [
        ("SEA_DE", "tariff_spot", 2000, 3000, "scenarios/parent.yaml:6:5"),
        ("SEA_DE", "tariff_spot", 3000, 2500, "s.yaml:5:5"),
    ]


def test_two_changes_of_one_file_on_one_value_are_refused(project):
    """Also when the kinds of change differ; the finding names the first."""
    text = (
        HEAD + "changes:\n  - clearance_window: {sites: [SEA], open: always}\n"
        "  - set: {table: sites, where: site_id == 'SEA', column: clearance_open, value: 24h}\n"
    )
    (problem,) = problems_of(written(project, text))
    assert (problem.code, problem.where, problem.found) == (
        "change.twice",
        place(7, 5),
        "sites SEA clearance_open",
    )
    assert problem.allowed == "s.yaml:6:5"


def test_cycle(project):
    """Files that extend each other are refused, with the round they make."""
    text = "schema: 1\nname: {{zh: 圈, en: Round}}\nextends: {}\n"
    written(project, text.format("c.yaml"), "b.yaml")
    written(project, text.format("a.yaml"), "c.yaml")
    (problem,) = problems_of(written(project, text.format("b.yaml"), "a.yaml"))
    assert problem.code == "scenario.cycle"
    assert problem.where == place(3, 10, "scenarios/c.yaml")
    assert problem.found == "a.yaml → b.yaml → c.yaml → a.yaml"


def test_a_file_that_extends_itself(project):
    """The smallest cycle."""
    (problem,) = problems_of(written(project, HEAD + "extends: s.yaml\n"))
    assert (problem.code, problem.where, problem.found) == ("scenario.cycle", place(5, 10), "s.yaml → s.yaml")


def test_too_many_parents(project):
    """A chain beyond the limit is refused."""
    text = "schema: 1\nname: {zh: 链, en: Chain}\n"
    written(project, HEAD, f"p{MAX_EXTENDS + 1}.yaml")
    for i in range(MAX_EXTENDS + 1):
        written(project, text + f"extends: p{i + 1}.yaml\n", f"p{i}.yaml")
    (problem,) = problems_of(project / "scenarios" / "p0.yaml")
    assert problem.code == "scenario.deep"
    assert read_scenario(project / "scenarios" / "p3.yaml").years == (2021,)


def test_no_parent(project):
    """A parent that is not there is named, with the nearest file."""
    written(project, HEAD, "baseline.yaml")
    (problem,) = problems_of(written(project, HEAD + "extends: basline.yaml\n"))
    assert (problem.code, problem.where, problem.remedy) == (
        "scenario.no_parent",
        place(5, 10),
        "baseline.yaml",
    )


def test_problems_of_a_parent_name_the_parent(project):
    """What is wrong in a parent is reported with its file."""
    written(project, HEAD + "objective: cheap\n", "parent.yaml")
    (problem,) = problems_of(written(project, HEAD + "extends: parent.yaml\n"))
    assert (problem.code, problem.where) == ("schema.choice", place(5, 12, "scenarios/parent.yaml"))


# paths


@pytest.mark.parametrize("kind", ["relative", "absolute", "link"])
def test_parent_outside_of_the_project(project, kind):
    """A parent outside is refused, however it is reached, unless that is allowed."""
    outside = project.parent / "outside.yaml"
    outside.write_text(HEAD, "utf-8")
    link = project / "scenarios" / "link.yaml"
    link.symlink_to(outside)
    way = {"relative": "../../outside.yaml", "absolute": str(outside), "link": "link.yaml"}[kind]
    path = written(project, HEAD + f"extends: {way}\n")
    (problem,) = problems_of(path)
    assert (problem.code, problem.where) == ("path.outside", place(5, 10))
    assert read_scenario(path, allow_outside=True).years == (2021,)


@pytest.mark.parametrize("network", ["../../three_gateways", "{outside}"])
def test_network_outside_of_the_project(project, network):
    """A network folder outside is refused unless that is allowed."""
    outside = project.parent / "three_gateways"
    shutil.copytree(THREE_GATEWAYS, outside)
    text = HEAD.replace("network: three_gateways", "network: " + network.format(outside=outside))
    path = written(project, text)
    (problem,) = problems_of(path)
    assert (problem.code, problem.where) == ("path.outside", place(3, 10))
    assert read_case(path, allow_outside=True).networks[2021].name == "three_gateways"


def test_network_by_a_path_inside(project):
    """A path from the scenario file may name a network in the project."""
    text = HEAD.replace("network: three_gateways", "network: ../networks/three_gateways")
    assert read_scenario(written(project, text)).network_folder == project / "networks" / "three_gateways"


def test_no_network(project):
    """A network that is not there is named with the nearest one."""
    text = HEAD.replace("network: three_gateways", "network: three_gatways")
    (problem,) = problems_of(written(project, text))
    assert (problem.code, problem.where) == ("scenario.no_network", place(3, 10))
    assert (problem.allowed, problem.remedy) == ("three_gateways", "three_gateways")


def test_too_many_limits_that_count_a_tonne_once(project):
    """Each floor may double the network, so there may be few."""
    floors = ", ".join(f"{{mode: {mode}, min_t: {t}}}" for mode in ("air", "sea", "rail") for t in (1, 2, 3))
    with pytest.raises(InputError) as caught:
        read_case(written(project, HEAD + f"limits: {{load: [{floors}]}}\n"))
    (problem,) = caught.value.problems
    assert (problem.code, problem.found, problem.allowed) == ("limit.too_many", "9", "6")


def test_a_share_of_promises_needs_a_promise(project):
    """Where nothing was promised there is nothing to keep."""
    case = read_case(written(project, HEAD + "limits: {min_promise_share: 0.9}\n"))
    (problem,) = (warning for warning in case.warnings if warning.code == "limit.no_promise")
    assert (problem.found, problem.severity) == ("min_promise_share", "warning")


def test_price_of_unserved_needs_a_money_objective(project):
    """A price in CNY cannot be weighed against hours or CO2."""
    text = HEAD + "objective: hours\nlimits: {unserved_cny_per_t: 500}\n"
    (problem,) = problems_of(written(project, text))
    assert (problem.code, problem.found) == ("scenario.unserved_price", "hours")
    assert problem.allowed == "money, generalised"


def test_price_of_unserved_and_none_unserved_exclude_each_other(project):
    text = HEAD + "limits: {unserved_cny_per_t: 500, allow_unserved: false}\n"
    (problem,) = problems_of(written(project, text))
    assert problem.code == "scenario.unserved_both"
    assert problem.where.line


# years


def test_no_values_for_a_year(project):
    """Each year that the network has no values for is named at its place."""
    problems = problems_of(written(project, HEAD.replace("[2021]", "[2021, 2035]")))
    assert [(p.code, p.where, p.found) for p in problems] == [("scenario.no_year", place(4, 15), "2035")]
    problems = problems_of(written(project, HEAD.replace("years: [2021]", "year: 2035")))
    assert [(p.code, p.where, p.allowed) for p in problems] == [
        ("scenario.no_year", place(4, 7), "2021, 2022")
    ]


def test_changes_apply_on_top_of_the_years_values(project):
    """A factor multiplies the value of its year; the log of each year shows that year's values."""
    text = HEAD.replace("[2021]", "[2021, 2022]") + (
        "changes:\n  - set: {table: services, where: service_id == 'AIR_US', "
        "column: tariff_spot, factor: 2}\n"
    )
    case = read_case(written(project, text))
    assert {year: [(e.old, e.new) for e in log] for year, log in case.log.items()} == {
        2021: [(2, 4)],
        2022: [(3, 6)],
    }


def test_a_problem_of_several_years_is_told_once(project):
    """The same finding in two years is one finding."""
    text = HEAD.replace("[2021]", "[2021, 2022]") + "changes:\n  - close: {site: X}\n"
    assert [p.code for p in problems_of(written(project, text))] == ["change.no_row"]


CHANGES_OF_YEARS = {
    "set": (
        "set: {{table: passages, where: passage_id == 'suez', column: transit_h, value: 90, years: {}}}",
        ("passages", "suez", "transit_h", 24, 90),
    ),
    "scale_demand": (
        "scale_demand: {{factor: 2, where: demand_id == 'B1', years: {}}}",
        ("demand", "B1", "tonnes_per_year", 600, 1200),
    ),
    "close": ("close: {{passage: suez, years: {}}}", ("passages", "suez", "status", "open", "closed")),
    "clearance_window": (
        "clearance_window: {{sites: [SEA], open: 'Mon-Fri 08:00-09:00', years: {}}}",
        ("sites", "SEA", "clearance_open", None, "Mon-Fri 08:00-09:00"),
    ),
}


@pytest.mark.parametrize("kind", CHANGES_OF_YEARS)
@pytest.mark.parametrize(("years", "changed_in"), [("[2022]", {2022}), ("[2021, 2022]", {2021, 2022})])
def test_a_change_holds_in_its_years_only(project, kind, years, changed_in):
    """Every kind of change but added services has `years`: tables and log of other years are untouched."""
    change, (table, row_id, column, old, new) = CHANGES_OF_YEARS[kind]
    text = HEAD.replace("[2021]", "[2021, 2022]") + f"changes:\n  - {change.format(years)}\n"
    case = read_case(written(project, text))
    before = three_gateways().rows(table)[three_gateways().row_of(table)[row_id]][column]
    assert old in (None, before)
    for year in (2021, 2022):
        network = case.networks[year]
        cell = network.rows(table)[network.row_of(table)[row_id]][column]
        assert cell == (new if year in changed_in else before)
        log = [(e.table, e.row_id, e.column, e.old, e.new, e.where) for e in case.log[year]]
        expected = [(table, row_id, column, before, new, place(6, 5))]
        assert log == (expected if year in changed_in else [])


def test_a_change_without_years_holds_in_all(project):
    """Years left out are all years of the scenario."""
    text = HEAD.replace("[2021]", "[2021, 2022]") + "changes:\n  - close: {passage: suez}\n"
    case = read_case(written(project, text))
    assert [len(case.log[year]) for year in (2021, 2022)] == [1, 1]


TWO_FACTORS = """\
changes:
  - scale_demand: {{factor: 2, where: demand_id == 'B1', years: {}}}
  - scale_demand: {{factor: 3, where: demand_id == 'B1'{}}}
"""


def test_changes_of_one_value_in_different_years_are_no_conflict(project):
    """Each year takes its own factor of the same row."""
    text = HEAD.replace("[2021]", "[2021, 2022]") + TWO_FACTORS.format("[2021]", ", years: [2022]")
    case = read_case(written(project, text))
    assert {year: [(e.row_id, e.old, e.new) for e in log] for year, log in case.log.items()} == {
        2021: [("B1", 600, 1200)],
        2022: [("B1", 600, 1800)],
    }


@pytest.mark.parametrize(("first", "second"), [("[2021]", ""), ("[2021, 2022]", ", years: [2022]")])
def test_changes_of_one_value_in_one_year_are_a_conflict(project, first, second):
    """One year in common is enough, and it is told once."""
    text = HEAD.replace("[2021]", "[2021, 2022]") + TWO_FACTORS.format(first, second)
    (problem,) = problems_of(written(project, text))
    assert (problem.code, problem.where, problem.allowed) == ("change.twice", place(7, 5), "s.yaml:6:5")


def test_a_change_that_is_bad_in_one_year_is_found(project):
    """A change of a later year is tried, too, though the first year is good."""
    text = HEAD.replace("[2021]", "[2021, 2022]") + "changes:\n  - close: {site: X, years: [2022]}\n"
    assert [(p.code, p.where) for p in problems_of(written(project, text))] == [
        ("change.no_row", place(6, 5))
    ]


# variants


VARIANTS = """\
changes:
  - close: {service: AIR_DE}
variants:
  cheap:
    objective: money
    changes:
      - set: {table: services, where: service_id == 'AIR_DE', column: status, value: existing}
  later:
    name: {zh: 后, en: Later}
    years: [2022]
"""


def test_variant_is_applied_on_top(project):
    """A variant overrides objective, years and single values of its scenario."""
    path = written(project, HEAD + VARIANTS)
    plain, cheap, later = (read_case(path, variant=name) for name in (None, "cheap", "later"))
    status = [c.networks[c.scenario.years[0]].rows("services")[0]["status"] for c in (plain, cheap, later)]
    assert status == ["closed", "existing", "closed"]
    assert [c.scenario.objective for c in (plain, cheap, later)] == ["generalised", "money", "generalised"]
    assert [c.scenario.years for c in (plain, cheap, later)] == [(2021,), (2021,), (2022,)]
    assert [c.scenario.id for c in (plain, cheap, later)] == ["s", "s.cheap", "s.later"]
    assert [c.scenario.name.en for c in (plain, cheap, later)] == ["Test", "Test · cheap", "Later"]
    assert [(e.old, e.new, e.where.line) for e in cheap.log[2021]] == [
        ("existing", "closed", 6),
        ("closed", "existing", 11),
    ]


def test_no_variant(project):
    """A variant that is not there is named with the nearest one."""
    (problem,) = problems_of(written(project, HEAD + VARIANTS), variant="cheep")
    assert (problem.code, problem.found, problem.remedy) == ("scenario.no_variant", "cheep", "cheap")


def test_no_place_for_a_value(project):
    """A member that would set what does not stand in the file is told so."""
    text = HEAD + "variants:\n  a:\n    over:\n      - {key: changes.0.scale_demand.factor, values: [1]}\n"
    (problem,) = problems_of(written(project, text), variant="a.1")
    assert (problem.code, problem.found) == ("variant.no_place", "changes.0.scale_demand.factor")


def test_no_range_of_an_estimate(project):
    """A family over estimates that the network does not have is told so, where it is written."""
    family = "    draw: monte_carlo\n    samples: 2\n    over:\n      - {key: estimates.srvices}\n"
    text = f"{HEAD}variants:\n  a:\n{family}"
    (problem,) = problems_of(written(project, text), variant="a.1")
    assert (problem.code, problem.found, problem.where.line) == ("variant.no_range", "estimates.srvices", 10)


def test_bad_change_in_a_variant_has_its_place(project):
    """The place of a variant's change is where it stands in the file."""
    text = HEAD + "variants:\n  a:\n    changes:\n      - close: {site: X}\n"
    (problem,) = problems_of(written(project, text), variant="a")
    assert (problem.code, problem.where) == ("change.no_row", place(8, 9))
    assert read_case(written(project, text)).log == {2021: ()}


# changes


def changed(project, text):
    """The network of 2021 after changes, and the log."""
    case = read_case(written(project, HEAD + "changes:\n" + textwrap.indent(textwrap.dedent(text), "  ")))
    return case.networks[2021], case.log[2021]


def test_scale_demand(project):
    """Only the rows that meet the condition are multiplied, and each is logged."""
    network, log = changed(
        project, "- scale_demand: {factor: 1.5, where: segment == 'b2b' and product_id == 'dense'}"
    )
    tonnes = dict(
        zip(network.texts("demand", "demand_id"), network.numbers("demand", "tonnes_per_year"), strict=True)
    )
    assert (tonnes["B1"], tonnes["B2"], tonnes["B3"], tonnes["S1"]) == (900, 750, 100, 200)
    assert [(e.table, e.row_id, e.column, e.old, e.new) for e in log][:1] == [
        ("demand", "B1", "tonnes_per_year", 600, 900)
    ]
    assert [e.row_id for e in log] == ["B1", "B2", "B4", "I1"]


def test_set_adds_multiplies_and_replaces(project):
    """The three ways of setting; unknown cells stay unknown under a factor."""
    network, log = changed(
        project,
        """\
        - set: {table: passages, where: passage_id == 'suez', column: transit_h, add: 100}
        - set: {table: passages, column: capacity_t_per_year, factor: 0.5}
        - set: {table: passages, where: passage_id == 'alashankou', column: status, value: closed}
        """,
    )
    assert network.numbers("passages", "transit_h").tolist() == [48, 124]
    assert network.rows("passages")[0]["capacity_t_per_year"] == 25000
    assert network.rows("passages")[1]["capacity_t_per_year"] is None
    assert network.texts("passages", "status") == ["closed", "open"]
    assert [(e.column, e.old, e.new) for e in log] == [
        ("transit_h", 24, 124),
        ("capacity_t_per_year", 50000, 25000),
        ("status", "open", "closed"),
    ]


def test_a_blank_takes_a_value_where_it_takes_no_factor(project):
    """What cannot be scaled can be given; a factor over blanks and numbers scales the numbers alone."""
    network, log = changed(
        project,
        """\
        - set: {table: passages, where: passage_id == 'suez', column: capacity_t_per_year, value: 9}
        - set: {table: services, column: service_class, value: any_class}
        """,
    )
    assert network.numbers("passages", "capacity_t_per_year").tolist() == [50000, 9]
    assert [(e.old, e.new) for e in log if e.table == "passages"] == [(None, 9)]
    assert set(network.texts("services", "service_class")) == {"any_class"}


def test_close_and_window(project):
    """Services, passages and sites are closed by id; windows are opened by site."""
    network, log = changed(
        project,
        """\
        - close: {service: [AIR_DE, AIR_US], reason: too dear}
        - close: {passage: suez}
        - close: {site: SEA}
        - clearance_window: {sites: [RAIL], open: always}
        """,
    )
    assert network.texts("services", "status")[:3] == ["closed", "closed", "existing"]
    assert network.texts("passages", "status") == ["open", "closed"]
    sites = {row["site_id"]: row for row in network.rows("sites")}
    assert (sites["SEA"]["status"], sites["RAIL"]["clearance_open"]) == ("closed", "always")
    assert len(log) == 5


def test_added_service_is_complete(project):
    """An added service is a row like any other, with its stops; the log says that it is new."""
    network, log = changed(
        project, NEW_SERVICE.replace("changes:\n", "").replace("  - add", "- add").replace("\n    ", "\n  ")
    )
    row = network.rows("services")[-1]
    assert (row["service_id"], row["status"], row["load_factor_max"], row["availability"]) == (
        "RAIL_NEW",
        "existing",
        0.88,
        1,
    )
    (leg,) = [leg for leg in network.legs() if leg.service_id == "RAIL_NEW"]
    assert (leg.from_site, leg.to_site, leg.run_h, leg.distance_km) == ("RAIL", "RDU", 200, 11000)
    assert [(e.table, e.row_id, e.old, e.new) for e in log] == [("services", "RAIL_NEW", None, "RAIL_NEW")]


def test_an_added_service_can_be_changed_by_a_child(project):
    """A child may set values of what its parent added."""
    written(project, HEAD + NEW_SERVICE, "parent.yaml")
    text = (
        "schema: 1\nname: {zh: 子, en: Child}\nextends: parent.yaml\nchanges:\n"
        "  - set: {table: services, where: service_id == 'RAIL_NEW', column: payload_t, value: 50}\n"
    )
    network = read_case(written(project, text)).networks[2021]
    assert network.numbers("services", "payload_t")[-1] == 50


def test_changes_that_break_the_tables_are_found(project):
    """After the changes the tables are checked again: a plan without services is refused."""
    text = HEAD + "changes:\n  - set: {table: services, column: status, value: closed}\n"
    assert [p.code for p in problems_of(written(project, text))] == ["network.no_services"]


def test_the_file_on_disk_stays(project):
    """Changes never touch the tables of the folder."""
    before = {path.name: path.read_bytes() for path in (project / "networks" / "three_gateways").iterdir()}
    changed(project, "- scale_demand: {factor: 3}")
    after = {path.name: path.read_bytes() for path in (project / "networks" / "three_gateways").iterdir()}
    assert after == before


# conditions


@pytest.mark.parametrize(
    ("condition", "rows"),
    [
        (None, "B1 B2 B3 B4 S1 D1 D2 D3 D4 I1"),
        ("segment == 'stocked'", "S1"),
        ("'stocked' == segment", "S1"),
        ("tonnes_per_year > 400", "B1 B2"),
        ("100 < tonnes_per_year <= 400", "B4 S1 D2"),
        ("tonnes_per_year >= -1 and tonnes_per_year < 1e2", "I1"),
        ("segment in ['stocked', 'direct'] and product_id != 'light'", "S1 D3 D4"),
        ("segment not in ('stocked', 'direct')", "B1 B2 B3 B4 I1"),
        ("not (segment == 'b2b' or segment == 'direct')", "S1"),
        ("tonnes_per_year in [50, 600]", "B1 I1"),
        ("product_id in ['densest']", ""),
        ("product_id in []", ""),
        ("origin_site == 'CL_B' and (destination_site == 'MK_US' or segment == 'direct')", "B4 D3 D4"),
        ("origin_site == destination_site", ""),
    ],
)
def test_conditions_choose_rows(condition, rows):
    """Comparisons, chains, lists and logic choose these rows of demand."""
    table = three_gateways().tables["demand"]
    names = table.column("demand_id").to_pylist()
    assert " ".join(names[i] for i in matching_rows(table, condition)) == rows


@pytest.mark.parametrize(
    ("condition", "reason"),
    [
        ("", "syntax"),
        ("segment = 'b2b'", "syntax"),
        ("segment == 'b2b' and", "syntax"),
        ("x\x00", "syntax"),
        ("(" * 300 + "1" + ")" * 300, "syntax"),
        ("segmnt == 'b2b'", "column"),
        ("true == promise", "column"),
        ("segment", "form"),
        ("5", "form"),
        ("segment.x == 1", "form"),
        ("segment[0] == 'b'", "form"),
        ("len(segment) == 3", "form"),
        ("__import__('os').system('true') == 0", "form"),
        ("(lambda: 1)() == 1", "form"),
        ("f'{segment}' == 'b2b'", "form"),
        ("[x for x in segment] == 1", "form"),
        ("tonnes_per_year > 10 * 10", "form"),
        ("tonnes_per_year ** 9 > 1", "form"),
        ("segment is 'b2b'", "form"),
        ("segment in 'b2b'", "form"),
        ("segment in [product_id]", "form"),
        ("tonnes_per_year == [1]", "form"),
        ("1j == tonnes_per_year", "form"),
        ("tonnes_per_year == 'x'", "types"),
        ("segment == 1", "types"),
        ("segment == True", "types"),
    ],
)
def test_bad_conditions_have_a_reason(condition, reason):
    """What is not of the small language is refused with a reason and never run."""
    with pytest.raises(ConditionError) as caught:
        matching_rows(three_gateways().tables["demand"], condition)
    assert caught.value.reason == reason


@pytest.mark.parametrize(
    "condition",
    [
        "tonnes_per_year > -'a'",
        "tonnes_per_year > -None",
        "tonnes_per_year in ['a']",
        "segment in [1]",
        "product_id < " + "1" * 30,
    ],
)
def test_odd_operands_are_refused_not_crashed_on(condition):
    """Operands of the wrong kind are findings about the condition, not crashes."""
    with pytest.raises(ConditionError) as caught:
        matching_rows(three_gateways().tables["demand"], condition)
    assert caught.value.reason in ("form", "types")
