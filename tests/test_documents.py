"""The documents of docs/ say what the code does: tables, keys, columns, examples."""

import json
import re
import runpy
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Literal, get_args, get_origin

import pyarrow.parquet as pq
import pytest
from pydantic import BaseModel

import logistics
from logistics.limits import MOST_FLAGS
from logistics.network.tables import BY_NAME
from logistics.results.layout import SCHEMA, UNSEALED
from logistics.scenario import schema
from logistics.scenario.read import DEFAULT_GAP, DEFAULT_TIME_LIMIT_S, MAX_EXTENDS
from logistics.studies.disruption import DisruptionSpec, EventSpec
from logistics.studies.frontier import FrontierSpec
from logistics.studies.register import STUDIES, ready_study
from logistics.virtual_network.instance import OBJECTIVES, Step
from logistics.yaml_files import MAX_NODES

ROOT = Path(__file__).resolve().parents[1]
DOCS = {path.stem: path.read_text("utf-8") for path in sorted((ROOT / "docs").glob("*.md"))}
SCENARIOS, RESULTS = DOCS["scenario-files"], DOCS["results-folder"]


def headings(text: str) -> set[str]:
    """Anchors of a document's headings, as GitHub makes them."""
    bare = re.sub(r"^```.*?^```$", "", text, flags=re.MULTILINE | re.DOTALL)
    heads = re.findall(r"^#+ (.*)$", bare, re.MULTILINE)
    return {re.sub(r"[^\w -]", "", head).strip().lower().replace(" ", "-") for head in heads}


def section(text: str, head: str) -> str:
    """Text below a heading, to the next one."""
    return re.split(r"^##+ ", text.split(f"\n{head}\n", 1)[1], maxsplit=1, flags=re.MULTILINE)[0]


def first_cells(text: str) -> list[str]:
    """Names in code style in the first cells of a text's tables."""
    lines = [line for line in text.splitlines() if line.startswith("| `")]
    return [name for line in lines for name in re.findall(r"`([^`]+)`", line.split("|")[1])]


@pytest.mark.parametrize("name", DOCS)
def test_links_lead_somewhere(name: str) -> None:
    """Files exist and have the heading."""
    for target in re.findall(r"\]\(([^)]+)\)", DOCS[name]):
        path, _, heading = target.partition("#")
        file = ROOT / "docs" / path if path else ROOT / "docs" / f"{name}.md"
        assert file.is_file(), target
        assert not heading or heading in headings(file.read_text("utf-8")), target


@pytest.mark.parametrize("name", DOCS)
def test_places_named_exist(name: str) -> None:
    """Folders and files of the checkout that a document names."""
    for place in re.findall(r"`((?:logistics|scripts|tests|networks|scenarios)/[\w./-]*)`", DOCS[name]):
        assert (ROOT / place).exists(), place


# Network tables ----------------------------------------------------------------------------------------


def test_table_reference_is_up_to_date() -> None:
    """The committed file is what scripts/table-reference writes."""
    reference = runpy.run_path(str(ROOT / "docs" / "table_reference.py"))["reference"]
    assert DOCS["network-tables"] == reference(), "run scripts/table-reference"


def test_scenario_reference_is_up_to_date() -> None:
    """The committed file is what scripts/table-reference writes, and knows every key of every study."""
    reference = runpy.run_path(str(ROOT / "docs" / "scenario_reference.py"))["reference"]
    assert DOCS["scenario-keys"] == reference(), "run scripts/table-reference"
    for study in STUDIES.values():
        assert keys(study.spec) <= set(
            first_cells(section(DOCS["scenario-keys"], f"## {study.spec.__name__}"))
        )


# Scenario files ----------------------------------------------------------------------------------------


def keys(model: type[BaseModel]) -> set[str]:
    """Keys of a pydantic model as they stand in a file."""
    return {field.alias or name for name, field in model.model_fields.items()}


@pytest.mark.parametrize(
    ("head", "model"),
    [
        ("## Keys", schema.ScenarioFile),
        ("### `limits`", schema.Limits),
        ("#### `max_mean_customer_days`", schema.MeanDays),
        ("#### `min_promise_share`", schema.PromiseShare),
        ("#### `min_local_gateway_share`", schema.LocalShare),
        ("#### `load`", schema.LoadLimit),
        ("#### Frontier", FrontierSpec),
        ("### `solver`", schema.Solver),
        ("### `set`: values of a table", schema.SetValue),
        ("### `close`: services, passages, sites", schema.Close),
        ("### `scale_demand`: more or less cargo", schema.ScaleDemand),
        ("### `clearance_window`: opening hours of customs", schema.ClearanceWindow),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_every_key_is_explained(head: str, model: type[BaseModel]) -> None:
    listed = first_cells(section(SCENARIOS, head))
    assert sorted(listed) == sorted(keys(model))


def test_keys_of_events_are_explained() -> None:
    """Those of the study, then those of an event."""
    study, event = section(SCENARIOS, "#### Disruption").split("An event has the keys:")
    assert sorted(first_cells(study)) == sorted(keys(DisruptionSpec))
    assert sorted(first_cells(event)) == sorted(keys(EventSpec))


def test_effect_of_unserved_cargo_is_said_of_every_limit() -> None:
    """The two keys that are no limits left aside."""
    said = set(first_cells(section(SCENARIOS, "#### Limits and unserved cargo")))
    assert said - {"max_t", "min_t"} == keys(schema.Limits) - {"allow_unserved", "unserved_cny_per_t"}


def test_keys_of_an_added_service_are_those_of_the_table() -> None:
    """Required ones are listed, the others have the default that is said."""
    text = section(SCENARIOS, "### `add_service`: a new service")
    fields = schema.AddService.model_fields
    required = {name for name, field in fields.items() if field.is_required()}
    said = " ".join(text.split()).split("Required: ")[1].split(". The rest")[0]
    assert set(re.findall(r"`(\w+)`", said)) == required
    assert set(first_cells(text)) == set(fields) - required
    assert set(fields) - {"stops"} <= {column.name for column in BY_NAME["services"].columns}
    assert set(schema.NewStop.model_fields) <= {c.name for c in BY_NAME["service_stops"].columns}
    for line in text.splitlines():
        if line.startswith("| `"):
            _, names, default, _ = line.split("|")
            for name in re.findall(r"`(\w+)`", names):
                value = fields[name].get_default(call_default_factory=True)
                if re.fullmatch(r"[\d.]+", default.strip()):
                    assert value == float(default)
                else:
                    assert value in ("", None, [])


def test_figures_of_the_text_are_those_of_the_code() -> None:
    """Defaults, limits, kinds of study, objectives, kinds of change."""
    assert f"| `{DEFAULT_GAP:g}` |".replace("1e-06", "1e-6") in SCENARIOS
    assert f"| `{DEFAULT_TIME_LIMIT_S:g}` |" in SCENARIOS
    assert f"up to {MAX_EXTENDS} files" in SCENARIOS
    listed = first_cells(section(SCENARIOS, "### `study`"))
    assert [name.strip("{}").split(",")[0] for name in listed] == [f"kind: {kind}" for kind in STUDIES]
    assert MOST_FLAGS == 6
    assert "may be six together" in SCENARIOS
    assert set(first_cells(section(SCENARIOS, "### `objective`"))) == set(OBJECTIVES)
    assert get_origin(schema.Objective) is Literal
    assert set(get_args(schema.Objective)) == set(OBJECTIVES)
    kinds = {f"### `{name}`" for name in schema.Change.model_fields}
    assert kinds <= {line.split(":")[0] for line in SCENARIOS.splitlines() if line.startswith("### ")}
    assert MAX_NODES > 1000


@pytest.fixture(scope="module")
def zhejiang() -> logistics.Network:
    return logistics.read_network(ROOT / "networks" / "zhejiang")[0]


def examples() -> Iterator[str]:
    """Fenced examples of the document about scenario files."""
    yield from re.findall(r"^```yaml\n(.*?)^```$", SCENARIOS, re.MULTILINE | re.DOTALL)


@pytest.mark.parametrize("example", list(examples()), ids=lambda text: text.split("\n")[1].strip())
def test_example_can_be_used(example: str, zhejiang: logistics.Network, tmp_path: Path) -> None:
    """Each example is read, and each of its changes touches something; so do those of its variants."""
    head = "schema: 1\nname: {zh: 例, en: Example}\nextends: baseline-2021.yaml\n"
    folder = tmp_path / "scenarios"
    folder.mkdir()
    (tmp_path / "networks").symlink_to(ROOT / "networks")
    for path in (ROOT / "scenarios").glob("*.yaml"):
        (folder / path.name).write_bytes(path.read_bytes())
    path = folder / "example.yaml"
    path.write_text(example if example.startswith("schema") else head + example, "utf-8")
    variants = [None, *logistics.read_scenario(path, allow_outside=True).variants]
    for variant in variants:
        scenario = logistics.read_scenario(path, allow_outside=True, variant=variant)
        case = logistics.build_case(scenario, zhejiang)
        touched = {str(entry.where) for entry in case.log[scenario.years[0]]}
        assert touched == {str(placed.where) for placed in scenario.changes}
        ready_study(case)
        said = (scenario.document.data or {}).get("limits", {}) if scenario.document else {}
        assert {limit.id.split(".")[0] for limit in scenario.limits} == said.keys() - {
            "allow_unserved",
            "unserved_cny_per_t",
        }


# Results folder ----------------------------------------------------------------------------------------


QUESTIONS = {
    "changes, and cargo that nothing can carry": """
changes:
  - close: {service: [AIR_US, POST_US]}
  - set: {table: product_segments, where: "segment == 'stocked'", column: return_share, value: 0.1}""",
    "events, within a limit": """
limits: {max_co2_t: 4000}
study: {kind: disruption, events: [{id: slow, changes: [{close: {service: RAIL_DE}}]}]}""",
    "a frontier": "study: {kind: frontier, points: 3}",
    "limits that cannot hold together": "limits: {max_co2_t: 400}",
}


TARGET = """\
target_id,name_en,name_zh,measure,year,value,unit,direction,segments,modes,import_cny_per_kg,\
service_classes,min_departures_per_week,min_weeks_per_year,except_territories,sites,source,confidence
value,Value,货值,trade_value_cny,2021,300000000,CNY,,,,,,,,,,invented for the tests,high
"""


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """Results of the small network for each of the questions."""
    project = tmp_path_factory.mktemp("project")
    network = project / "networks" / "three_gateways"
    shutil.copytree(ROOT / "tests" / "networks" / "three_gateways", network)
    (network / "targets.csv").write_text(TARGET, "utf-8")
    found = []
    for number, question in enumerate(QUESTIONS.values()):
        text = "schema: 1\nname: {zh: 小, en: Tiny}\nnetwork: three_gateways\nyears: [2021]\n"
        (project / "tiny.yaml").write_text(text + question, "utf-8")
        case = logistics.read_case(project / "tiny.yaml", allow_outside=True)
        found.append(project / f"out{number}")
        logistics.write_results(found[-1], case, logistics.run_study(case))
    return found


@pytest.fixture(scope="module")
def folder(folders: list[Path]) -> Path:
    """Results with a change, and with cargo that nothing can carry."""
    return folders[0]


def test_every_file_is_listed(folders: list[Path]) -> None:
    """With the digest, the year and the plan in their places."""
    listed = set(first_cells(RESULTS.split("## result.json")[0]))
    written = set()
    for folder in folders:
        document = json.loads((folder / "result.json").read_text("utf-8"))
        for path in (path for path in folder.rglob("*") if path.is_file()):
            name = path.relative_to(folder).as_posix().replace(document["inputs"], "<digest>")
            name = re.sub(r"2021/\w+\.parquet", "<year>/<table>.parquet", name)
            written.add(re.sub(r"^plans/[\w.-]+/", "plans/<plan>/", name))
    assert written == listed
    assert all(f"`{name}`" in RESULTS.split("## Digests")[1] for name in UNSEALED)


def test_keys_of_the_result_are_listed(folders: list[Path]) -> None:
    documents = [json.loads((folder / "result.json").read_text("utf-8")) for folder in folders]
    text = section(RESULTS, "## result.json")
    top, totals, year = re.split(r"^`totals`:$|^Each year of", text, flags=re.MULTILINE)
    of_a_year = set(re.findall(r"`(\w+)`", year)) - {"by_year", "demand_t", "unserved_t"}
    of_a_plan = set(first_cells(section(RESULTS, "### Further plans")))
    assert f"`{SCHEMA}`" in top
    assert "least_relaxation" in documents[3]["by_year"]["2021"]
    for document in documents:
        assert set(first_cells(top)) == set(document)
        assert set(first_cells(totals)) == set(document["totals"])
        planless = {"least_relaxation"} if document["status"] != "infeasible" else set()
        assert of_a_year - planless == set(document["by_year"]["2021"])
        assert (document["objective"] is None) == (document["status"] == "infeasible")
        for plan in document["plans"].values():
            assert set(plan) == (of_a_year - {"least_relaxation"}) | of_a_plan
    assert [len(document["plans"]) > 0 for document in documents] == [False, True, True, False]
    (warning, *_) = documents[0]["warnings"]
    (line,) = (line for line in top.splitlines() if line.startswith("| `warnings`"))
    assert set(re.findall(r"`(\w+)`", line)) == {"warnings", *warning}


@pytest.mark.parametrize("name", re.findall(r"^### ([\w/]+)$", RESULTS, re.MULTILINE))
def test_columns_of_a_table_are_listed(name: str, folders: list[Path]) -> None:
    """In their order."""
    text = section(RESULTS, f"### {name}").split("| action |")[0]
    written = [path for folder in folders if (path := folder / f"{name}.parquet").is_file()]
    assert written
    for path in written:
        assert first_cells(text) == pq.read_schema(path).names


def test_every_table_is_described(folders: list[Path]) -> None:
    """Those of further plans are the same as of the first."""
    written = {
        path.relative_to(folder).with_suffix("").as_posix()
        for folder in folders
        for path in folder.rglob("*.parquet")
    }
    described = set(re.findall(r"^### ([\w/]+)$", RESULTS, re.MULTILINE))
    assert described == {name for name in written if not name.startswith(("inputs/", "plans/"))}


def test_actions_are_listed(folder: Path) -> None:
    """Those of the virtual network, but for riding on, which is no step of a plan."""
    listed = first_cells(RESULTS.split("| action |")[1].split("###")[0])
    actions = set(
        re.findall(r"(\w+)[,.]", (Step.__doc__ or "").split("action\n")[1].split("\n    site_id")[0])
    )
    assert set(listed) == actions - {"stay"}
    assert set(pq.read_table(folder / "plan" / "steps.parquet")["action"].to_pylist()) <= set(listed)


def test_items_of_the_bill_are_listed(folder: Path) -> None:
    items = set(pq.read_table(folder / "bill.parquet")["item"].to_pylist())
    (line,) = (line for line in RESULTS.splitlines() if line.startswith("| `item`"))
    assert items <= set(re.findall(r"`(\w+)`", line))
