"""Bad input of what may be opened: found in which file and line, and what is allowed."""

import csv
import shutil
from pathlib import Path

import pytest

from logistics.errors import InputError
from logistics.network.folder import read_network
from logistics.words import sentence
from tests.tiny import THREE_GATEWAYS

LEASE = {
    "option_id": "WH_DE_lease",
    "ownership": "lease",
    "size": "m",
    "status": "option",
    "fixed_cny_per_year": "1000",
}
FACILITY = {
    "option_id": "F",
    "site_id": "CO",
    "size": "m",
    "capacity_t_per_year": "100",
    "fixed_cny_per_year": "50",
    "source": "invented",
    "confidence": "high",
}


def problems_with(tmp_path, warehouses=(), facilities=()):
    """Problems of three_gateways with warehouses like the existing one, and with facilities."""
    folder = Path(shutil.copytree(THREE_GATEWAYS, tmp_path / "net"))
    with (folder / "warehouse_options.csv").open(encoding="utf-8", newline="") as file:
        existing = list(csv.DictReader(file))
    _write(folder / "warehouse_options.csv", [*existing, *({**existing[0], **row} for row in warehouses)])
    if facilities:
        columns = [*FACILITY, "capex_cny", "life_years", "opening_year"]
        _write(folder / "facility_options.csv", [dict.fromkeys(columns, "") | row for row in facilities])
    try:
        return list(read_network(folder)[1])
    except InputError as error:
        return list(error.problems)


def _write(path, rows):
    with path.open("w", encoding="utf-8", newline="") as file:
        table = csv.DictWriter(file, list(rows[0]), lineterminator="\n")
        table.writeheader()
        table.writerows(rows)


def places(problems):
    """Code, severity, file, line and column of each problem."""
    return [(p.code, p.severity, Path(p.where.file).name, p.where.line, p.where.column) for p in problems]


def test_fitting_options_have_no_findings(tmp_path):
    """Same site and size but another ownership, or beside an existing one, is fine; a share may be free."""
    same_as_existing = {"option_id": "WH_DE_share", "status": "option", "fixed_cny_per_year": "0"}
    build = {**LEASE, "option_id": "WH_DE_build", "ownership": "build", "capex_cny": "9", "life_years": "30"}
    assert problems_with(tmp_path, [LEASE, same_as_existing, build], [FACILITY]) == []


def test_an_option_stands_once(tmp_path):
    """Site, ownership and size name an option, whatever its id and case."""
    twice = {**LEASE, "option_id": "again", "size": "M"}
    problems = problems_with(tmp_path, [LEASE, twice], [FACILITY, {**FACILITY, "option_id": "again"}])
    assert places(problems) == [
        ("table.duplicate", "error", "warehouse_options.csv", 4, "size"),
        ("table.duplicate", "error", "facility_options.csv", 3, "size"),
    ]
    assert [(p.found, p.allowed) for p in problems] == [("WH_DE/lease/M", "3"), ("CO/m", "2")]


@pytest.mark.parametrize("ownership", ["build", "acquire", "lease"])
def test_an_option_that_costs_nothing_is_noticed(tmp_path, ownership):
    """Neither fixed cost nor investment where the warehouse is not shared: a warning."""
    problems = problems_with(tmp_path, [{**LEASE, "ownership": ownership, "fixed_cny_per_year": ""}])
    assert places(problems) == [
        ("option.free", "warning", "warehouse_options.csv", 3, "fixed_cny_per_year"),
    ]
    assert "WH_DE_lease" in sentence(problems[0], "en")


def test_an_investment_needs_a_life(tmp_path):
    """Capital that is never written off has no yearly cost; existing warehouses are not asked."""
    sunk = {"option_id": "sunk", "capex_cny": "500"}
    problems = problems_with(tmp_path, [{**LEASE, "capex_cny": "500"}, sunk])
    assert places(problems) == [("option.no_life", "error", "warehouse_options.csv", 3, "life_years")]
    for language, years in (("en", "1 … 60 years"), ("zh", "1 … 60 年")):
        assert years in sentence(problems[0], language)


@pytest.mark.parametrize("column", ["fixed_cny_per_year", "capex_cny", "storage_cny_per_m3_day"])
def test_negative_rents_are_refused(tmp_path, column):
    """File, line, what was found and what is allowed."""
    problems = problems_with(tmp_path, [{**LEASE, "life_years": "5", column: "-7"}])
    assert places(problems) == [("table.range", "error", "warehouse_options.csv", 3, column)]
    assert (problems[0].found, problems[0].allowed) == ("-7", "0 … 1e+12")


def test_facilities_name_a_site(tmp_path):
    """A site that is not there is told with its line."""
    problems = problems_with(tmp_path, (), [{**FACILITY, "site_id": "CS_X"}])
    assert places(problems) == [("table.reference", "error", "facility_options.csv", 2, "site_id")]
