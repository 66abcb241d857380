"""The page of several results: every number worked out again from all folders; settings told part by part."""

import ast
from pathlib import Path

import pytest

from logistics.reports.comparison.inputs import input_blocks
from logistics.reports.comparison_page import page_of_results
from logistics.reports.outputs import write_page
from logistics.reports.page import page_html
from logistics.reports.source import read_results
from tests.report_results import solved
from tests.test_report_page import PageParser, Reckoner, parsed

OTHERS = {
    "base": "",
    "suez": "changes:\n  - close: {passage: suez}\n",
    "capped": "limits: {max_co2_t: 1000000}\nchanges:\n  - scale_demand: {factor: 2}\n",
}


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """Three results of the tiny network."""
    return [solved(tmp_path_factory.mktemp(name), more=more) for name, more in OTHERS.items()]


@pytest.fixture(scope="module")
def page(folders: list[Path], tmp_path_factory: pytest.TempPathFactory) -> PageParser:
    """Their page."""
    path = tmp_path_factory.mktemp("page") / "page.html"
    write_page(path, page_html(page_of_results([read_results(folder) for folder in folders]), "en"))
    return parsed(path)


def worked_out(reckoner: Reckoner, family: str, key: str) -> float:
    """A figure of one result, from its files."""
    if family == "totals":
        return reckoner.document["totals"].get(key, reckoner.document.get(key))
    if family == "bill":
        return reckoner.table["bill"].set_index("item")["cny"].get(key, 0.0)
    if family == "services":
        return reckoner.table["services"].groupby("service_id")["tonnes"].max().get(key, 0.0)
    if family == "prefectures":
        return reckoner.prefectures("2021", key, "local")
    parts = ast.literal_eval(key)
    if family == "accessibility":
        return reckoner.value_within("2021", str(parts[1]), parts[0])
    table = reckoner.table[family]
    for column, part in zip({"modes": ["direction", "mode"]}.get(family, GATEWAY), parts, strict=True):
        table = table[table[column] == part]
    return table["tonnes"].sum()


GATEWAY = ["direction", "home_gateway", "mode"]


def test_every_number_can_be_worked_out_again(page: PageParser, folders: list[Path]) -> None:
    """Of each result, and the difference to the first."""
    reckoners = [Reckoner(folder) for folder in folders]
    families = set()
    for figure in page.figures:
        if not figure.origin.startswith("=") or "-compared/" not in figure.origin:
            continue
        whole = figure.origin.removesuffix("/difference")
        family, rest = whole[1:].split("-compared/")
        key, _, number = rest.rpartition("/")
        families.add(family)
        expected = worked_out(reckoners[int(number)], family, key)
        if whole != figure.origin:
            expected -= worked_out(reckoners[0], family, key)
        assert figure.value == pytest.approx(expected, rel=1e-9, abs=1e-6), figure
    assert families == {"totals", "modes", "gateways", "services", "bill", "accessibility", "prefectures"}


def test_differing_settings_are_told_part_by_part(folders: list[Path]) -> None:
    """A limit that only one result has: its value, not the whole of what was read."""
    base, _, capped = (read_results(folder) for folder in folders)
    (table,) = input_blocks([base, capped])
    told = {tuple(cell.en for cell in row.cells) for row in table.rows}
    assert ("scenario", "", "limits.rules.max_co2_t.value", "–", "1000000") in told
    assert all("{" not in word for line in told for word in line)
