"""Reading a network folder: every finding, from the smallest input that has it, with its place."""

import ast
import csv
import io
import shutil
from pathlib import Path

import pytest

import logistics.network.read
import logistics.yaml_files
from logistics.errors import InputError, Where
from logistics.network.folder import read_network
from tests.tiny import THREE_GATEWAYS

PACKAGE = Path(logistics.network.read.__file__).parents[1]
MAX_PROBLEMS_PER_COLUMN = logistics.network.read.MAX_PROBLEMS_PER_COLUMN


@pytest.fixture
def folder(tmp_path):
    """A copy of three_gateways to spoil."""
    return Path(shutil.copytree(THREE_GATEWAYS, tmp_path / "net"))


def cell(file, line, column, text):
    """An edit that writes `text` into one cell; lines count from 1, the header included."""

    def edit(folder):
        rows = list(csv.reader(io.StringIO((folder / file).read_text("utf-8"))))
        if column not in rows[0]:
            rows = [[*row, column if i == 0 else ""] for i, row in enumerate(rows)]
        rows[line - 1][rows[0].index(column)] = text
        _write(folder / file, rows)

    return edit


def added(file, *lines):
    """An edit that appends lines."""
    return lambda folder: (folder / file).write_text(
        (folder / file).read_text("utf-8") + "".join(f"{line}\n" for line in lines), "utf-8", newline="\n"
    )


def dropped(file, *numbers):
    """An edit that takes lines out."""

    def edit(folder):
        lines = (folder / file).read_text("utf-8").splitlines(keepends=True)
        kept = [line for i, line in enumerate(lines, 1) if i not in numbers]
        (folder / file).write_text("".join(kept), "utf-8", newline="\n")

    return edit


def without_column(file, column):
    """An edit that takes a column out."""

    def edit(folder):
        rows = list(csv.reader(io.StringIO((folder / file).read_text("utf-8"))))
        place = rows[0].index(column)
        _write(folder / file, [row[:place] + row[place + 1 :] for row in rows])

    return edit


def recoded(file, change):
    """An edit of a file's bytes."""
    return lambda folder: (folder / file).write_bytes(change((folder / file).read_bytes()))


def replaced(file, old, new):
    """An edit that replaces the first `old`, which must be there."""

    def edit(folder):
        text = (folder / file).read_text("utf-8")
        assert old in text
        (folder / file).write_text(text.replace(old, new, 1), "utf-8", newline="\n")

    return edit


def as_folder(file):
    """An edit that puts a folder in the place of a file."""

    def edit(folder):
        (folder / file).unlink()
        (folder / file).mkdir()

    return edit


def all_of(*edits):
    """Several edits in order."""

    def edit(folder):
        for one in edits:
            one(folder)

    return edit


def _write(path, rows):
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows(rows)
    path.write_text(text.getvalue(), "utf-8", newline="\n")


def problems_of(folder):
    """Every problem of a folder, warnings of a good one included."""
    try:
        return list(read_network(folder)[1])
    except InputError as error:
        return list(error.problems)


NUMBER = "tonnes_per_year"
ROUND_TRIP = "AIR_DE,3,AIR,12,0,9000,"

CASES = {
    # read.py: the file as a whole
    "directory": (as_folder("fx.csv"), [("table.unreadable", "fx.csv", 0, "")]),
    "utf-16": (
        recoded("fx.csv", lambda data: data.decode().encode("utf-16")),
        [("table.encoding", "fx.csv", 1, "")],
    ),
    "gbk": (
        recoded("sites.csv", lambda data: data.decode().encode("gbk")),
        [("table.encoding", "sites.csv", 2, "")],
    ),
    "bytes of no encoding": (
        recoded("fx.csv", lambda data: data + b"\xff\xff\xff"),
        [("table.encoding", "fx.csv", 4, "")],
    ),
    "bom": (recoded("fx.csv", lambda data: b"\xef\xbb\xbf" + data), [("table.bom", "fx.csv", 1, "")]),
    "cr lf": (
        recoded("fx.csv", lambda data: data.replace(b"\n", b"\r\n")),
        [("table.line_ends", "fx.csv", 1, "")],
    ),
    "cr lf in the middle": (
        replaced("demand.csv", "\nB3", "\r\nB3"),
        [("table.line_ends", "demand.csv", 3, "")],
    ),
    "bom and cr lf": (
        recoded("fx.csv", lambda data: b"\xef\xbb\xbf" + data.replace(b"\n", b"\r\n")),
        [("table.bom", "fx.csv", 1, ""), ("table.line_ends", "fx.csv", 1, "")],
    ),
    "nothing": (recoded("fx.csv", lambda _: b""), [("table.empty", "fx.csv", 0, "")]),
    "white space": (recoded("fx.csv", lambda _: b" \n\n"), [("table.empty", "fx.csv", 0, "")]),
    "open quote in the header": (
        replaced("fx.csv", "currency", '"currency'),
        [("table.malformed", "fx.csv", 0, "")],
    ),
    "cell too few": (replaced("demand.csv", "B2,CL_B,", "B2,"), [("table.cell_count", "demand.csv", 3, "")]),
    "cell too many, twice": (
        all_of(replaced("demand.csv", "B2,", "B2,,"), replaced("demand.csv", "S1,", "S1,,")),
        [("table.cell_count", "demand.csv", 3, ""), ("table.cell_count", "demand.csv", 6, "")],
    ),
    "blank line": (replaced("demand.csv", "\nB2", "\n\nB2"), [("table.blank_line", "demand.csv", 3, "")]),
    "line of spaces": (
        replaced("demand.csv", "\nB2", "\n  \nB2"),
        [("table.blank_line", "demand.csv", 3, "")],
    ),
    "blank line before the header": (
        recoded("fx.csv", lambda data: b"\n" + data),
        [("table.blank_line", "fx.csv", 1, "")],
    ),
    "blank lines at the end": (added("fx.csv", "", ""), [("table.blank_line", "fx.csv", 4, "")]),
    # read.py: columns
    "column twice": (
        replaced("demand.csv", "origin_site", "demand_id"),
        [("table.duplicate_column", "demand.csv", 1, "")],
    ),
    "column missing": (
        without_column("demand.csv", "segment"),
        [("table.missing_column", "demand.csv", 1, "")],
    ),
    "column too many": (
        cell("demand.csv", 2, "colour", "red"),
        [("table.extra_column", "demand.csv", 1, "colour")],
    ),
    "column misspelt": (
        replaced("demand.csv", "origin_site", "orgin_site"),
        [
            ("table.missing_column", "demand.csv", 1, ""),
            ("table.extra_column", "demand.csv", 1, "orgin_site"),
        ],
    ),
    # read.py: cells
    "blank": (cell("demand.csv", 4, NUMBER, ""), [("table.blank", "demand.csv", 4, NUMBER)]),
    "blank source": (cell("demand.csv", 4, "source", " "), [("table.blank", "demand.csv", 4, "source")]),
    "id": (
        cell("observed.csv", 2, "observed_id", "rail t"),
        [("table.id", "observed.csv", 2, "observed_id")],
    ),
    "long id": (
        cell("observed.csv", 2, "observed_id", "r" * 65),
        [("table.id", "observed.csv", 2, "observed_id")],
    ),
    "number": (cell("demand.csv", 3, NUMBER, "500 t"), [("table.number", "demand.csv", 3, NUMBER)]),
    "number with a comma": (
        cell("demand.csv", 3, NUMBER, "1,5"),
        [("table.number", "demand.csv", 3, NUMBER)],
    ),
    "number with underscores": (
        cell("demand.csv", 3, NUMBER, "5_00"),
        [("table.number", "demand.csv", 3, NUMBER)],
    ),
    "full-width number": (
        cell("demand.csv", 3, NUMBER, "５００"),
        [("table.number", "demand.csv", 3, NUMBER)],
    ),
    "nan": (cell("demand.csv", 3, NUMBER, "NaN"), [("table.not_finite", "demand.csv", 3, NUMBER)]),
    "inf": (cell("demand.csv", 3, NUMBER, "inf"), [("table.not_finite", "demand.csv", 3, NUMBER)]),
    "latitude 130": (cell("sites.csv", 5, "lat", "130"), [("table.range", "sites.csv", 5, "lat")]),
    "negative payload": (
        cell("services.csv", 2, "payload_t", "-20"),
        [("table.range", "services.csv", 2, "payload_t")],
    ),
    "half a year": (
        cell("observed.csv", 2, "year", "2021.5"),
        [("table.integer", "observed.csv", 2, "year")],
    ),
    "choice": (cell("sites.csv", 5, "kind", "airprt"), [("table.choice", "sites.csv", 5, "kind")]),
    "choice in a list": (
        cell("sites.csv", 5, "clearance_regimes", "9610|9999"),
        [("table.choice", "sites.csv", 5, "clearance_regimes")],
    ),
    "empty item of a list": (
        cell("sites.csv", 5, "clearance_regimes", "9610|"),
        [("table.choice", "sites.csv", 5, "clearance_regimes")],
    ),
    "flag": (
        cell("observed.csv", 2, "include_background", "true"),
        [("table.flag", "observed.csv", 2, "include_background")],
    ),
    "windows": (
        cell("sites.csv", 6, "clearance_open", "Mon-Sun 08:00-25:00"),
        [("table.windows", "sites.csv", 6, "clearance_open")],
    ),
    "control character": (cell("demand.csv", 2, "note", "a\x07b"), [("table.text", "demand.csv", 2, "note")]),
    "long text": (cell("demand.csv", 2, "note", "a" * 501), [("table.text", "demand.csv", 2, "note")]),
    "row twice": (
        added("fx.csv", "USD,2021,7,again,high,"),
        [("table.duplicate", "fx.csv", 4, "currency")],
    ),
    "tier that is not there": (
        cell("demand.csv", 2, "tier", "idle"),
        [("demand.no_tier", "demand.csv", 2, "tier")],
    ),
    "row twice but for case": (
        added("demand.csv", "b1,CL_A,MK_DE,dense,b2b,1,,again,high,"),
        [("table.duplicate", "demand.csv", 12, "demand_id")],
    ),
    # folder.py
    "table missing": (
        lambda folder: (folder / "fx.csv").unlink(),
        [("network.no_table", "fx.csv", 0, "")],
    ),
    "unknown table": (
        lambda folder: shutil.copy(folder / "fx.csv", folder / "demnd.csv"),
        [("network.unknown_table", "demnd.csv", 0, "")],
    ),
    "later schema": (
        replaced("network.yaml", "schema: 1", "schema: 2"),
        [("schema.version", "network.yaml", 1, "9")],
    ),
    # checks.py: references
    "reference": (
        cell("demand.csv", 2, "origin_site", "CL_C"),
        [("table.reference", "demand.csv", 2, "origin_site")],
    ),
    "reference in a list": (
        cell("service_via.csv", 2, "passages", "alashankou|khorgos"),
        [("table.reference", "service_via.csv", 2, "passages")],
    ),
    "reference of a value by year": (
        cell("services_by_year.csv", 2, "service_id", "AIR_XX"),
        [("table.reference", "services_by_year.csv", 2, "")],
    ),
    "column of a value by year": (
        cell("services_by_year.csv", 2, "column", "tarif_spot"),
        [("table.by_year_column", "services_by_year.csv", 2, "")],
    ),
    "text column by year": (
        cell("services_by_year.csv", 2, "column", "mode"),
        [("table.by_year_column", "services_by_year.csv", 2, "")],
    ),
    "value by year out of range": (
        cell("services_by_year.csv", 2, "value", "-3"),
        [("table.range", "services_by_year.csv", 2, "")],
    ),
    # checks.py: sense
    "all services closed": (
        all_of(*(cell("services.csv", line, "status", "closed") for line in range(2, 10))),
        [("network.no_services", "services.csv", 0, "")],
    ),
    "one stop": (dropped("service_stops.csv", 3), [("service.stops", "services.csv", 2, "")]),
    "no stops": (dropped("service_stops.csv", 2, 3), [("service.stops", "services.csv", 2, "")]),
    "stops with a hole": (
        cell("service_stops.csv", 3, "seq", "3"),
        [("service.seq", "service_stops.csv", 2, "seq")],
    ),
    "stop after itself": (
        cell("service_stops.csv", 3, "site_id", "AIR"),
        [("service.same_stop", "service_stops.csv", 3, "site_id")],
    ),
    "leg figures twice": (
        cell("service_stops.csv", 9, "run_h", "10"),
        [("service.leg_twice", "service_stops.csv", 9, "run_h")],
    ),
    "leg figures missing": (
        cell("service_stops.csv", 3, "distance_km", ""),
        [("service.leg_missing", "service_stops.csv", 3, "run_h")],
    ),
    "way without its stop": (
        added("service_via.csv", "SEA_DE,3,north,,600,0,20000,1"),
        [("service.via_without_stop", "service_via.csv", 5, "to_seq")],
    ),
    "currency without a rate": (
        cell("services.csv", 4, "tariff_currency", "EUR"),
        [("fx.missing", "services.csv", 4, "tariff_currency")] * 2,
    ),
    "currency without a rate in one year": (
        dropped("fx.csv", 3),
        [("fx.missing", "services.csv", 3, "tariff_currency")],
    ),
    "share of no contract": (
        cell("services.csv", 3, "contract_share", "0.5"),
        [("service.contract", "services.csv", 3, "tariff_contract")],
    ),
    "tiers beyond 1": (
        cell("time_values.csv", 3, "share", "0.6"),
        [("tiers.sum", "time_values.csv", 2, "share")],
    ),
    "no order weight": (
        dropped("product_segments.csv", 3),
        [("demand.no_row", "demand.csv", 6, "segment")],
    ),
    "no tiers": (dropped("time_values.csv", 6), [("demand.no_row", "demand.csv", 6, "segment")]),
    "demand without a border": (
        cell("demand.csv", 2, "destination_site", "MK_CN"),
        [("demand.no_border", "demand.csv", 2, "destination_site")],
    ),
    "mode without a row": (
        dropped("modes.csv", 5),
        [("mode.no_row", "services.csv", line, "tariff_basis") for line in (2, 3, 4)],
    ),
    "mode without a figure": (
        cell("modes.csv", 5, "volumetric_kg_per_m3", ""),
        [("mode.no_figure", "services.csv", line, "tariff_basis") for line in (2, 3, 4)],
    ),
    "TEU without cubic metres": (
        cell("modes.csv", 4, "teu_m3", ""),
        [("mode.no_figure", "services.csv", 5, "tariff_basis")],
    ),
    "border without a rule": (dropped("border_rules.csv", 8), [("border.no_rule", "demand.csv", 5, "")]),
    "last mile twice": (
        cell("last_mile.csv", 3, "channel", "direct"),
        [("table.duplicate", "last_mile.csv", 3, "channel")],
    ),
    "hard promise": (
        cell("product_segments.csv", 3, "promise_is_hard", "yes"),
        [("promise.hard", "product_segments.csv", 3, "promise_is_hard")],
    ),
    "value of a year that the network does not have": (
        added("services_by_year.csv", "AIR_US,2023,tariff_spot,4,invented,high,"),
        [("network.year", "services_by_year.csv", 3, "year")],
    ),
    "base year that the network does not have": (
        replaced("network.yaml", "base_year: 2021", "base_year: 2020"),
        [("network.year", "network.yaml", 0, "")],
    ),
    "estimate without a range": (
        cell("demand.csv", 3, "confidence", "estimate"),
        [("estimate.no_range", "demand.csv", 3, "confidence")],
    ),
    "range upside down": (
        all_of(cell("demand.csv", 3, f"{NUMBER}_low", "5"), cell("demand.csv", 3, f"{NUMBER}_high", "4")),
        [("estimate.upside_down", "demand.csv", 3, f"{NUMBER}_low")],
    ),
    # yaml_files.py
    "yaml missing": (
        lambda folder: (folder / "network.yaml").unlink(),
        [("yaml.unreadable", "network.yaml", 0, "")],
    ),
    "yaml in gbk": (
        recoded("network.yaml", lambda data: data.decode().encode("gbk")),
        [("yaml.encoding", "network.yaml", 3, "")],
    ),
    "yaml of nothing": (
        recoded("network.yaml", lambda _: b"# none\n"),
        [("yaml.empty", "network.yaml", 0, "")],
    ),
    "yaml of 3 MB": (
        recoded("network.yaml", lambda data: data + b"#" * 3_000_000),
        [("yaml.too_large", "network.yaml", 0, "")],
    ),
    "yaml too deep": (
        added("network.yaml", "deep: " + "[" * 40 + "]" * 40),
        [("yaml.too_large", "network.yaml", 16, "36")],
    ),
    "yaml syntax": (
        replaced("network.yaml", "home:", "home: {"),
        [("yaml.syntax", "network.yaml", 7, "11")],
    ),
    "yaml anchor and alias": (
        all_of(
            replaced("network.yaml", "2021\n", "&y 2021\n"),
            replaced("network.yaml", "price_year: 2021", "price_year: *y"),
        ),
        [("yaml.alias", "network.yaml", 8, "12"), ("yaml.alias", "network.yaml", 11, "13")],
    ),
    "yaml tag": (
        replaced("network.yaml", "base_year: 2021", "base_year: !!python/object:os.system 2021"),
        [("yaml.tag", "network.yaml", 8, "12")],
    ),
    "yaml documents": (
        added("network.yaml", "---", "schema: 1"),
        [("yaml.documents", "network.yaml", 16, "1")],
    ),
    "yaml key twice": (
        added("network.yaml", "schema: 1"),
        [("yaml.duplicate_key", "network.yaml", 16, "1")],
    ),
    "yaml unknown key": (
        replaced("network.yaml", "price_year: 2021", "price_yaer: 2021"),
        [("schema.unknown_key", "network.yaml", 11, "1")],
    ),
    "yaml key missing inside": (
        dropped("network.yaml", 7),
        [("schema.missing_key", "network.yaml", 6, "3")],
    ),
    "yaml year out of range": (
        replaced("network.yaml", "base_year: 2021", "base_year: 202"),
        [("schema.range", "network.yaml", 8, "12")],
    ),
    "yaml text for a number": (
        replaced("network.yaml", "base_year: 2021", "base_year: '2021'"),
        [("schema.type", "network.yaml", 8, "12")],
    ),
    "yaml of another currency": (
        replaced("network.yaml", "currency: CNY", "currency: EUR"),
        [("schema.choice", "network.yaml", 10, "11")],
    ),
    "yaml of a list": (
        recoded("network.yaml", lambda _: b"- 1\n"),
        [("schema.type", "network.yaml", 1, "1")],
    ),
    "yaml without years": (
        replaced("network.yaml", "[2021, 2022]", "[]"),
        [("schema.value", "network.yaml", 9, "8")],
    ),
}
"""Name: (edit, the problems it gives as code, file, line, column)."""


@pytest.mark.parametrize("name", CASES)
def test_finding_has_its_code_and_place(folder, name):
    """A spoilt folder gives these problems and no others."""
    edit, expected = CASES[name]
    edit(folder)
    found = sorted((p.code, p.where) for p in problems_of(folder))
    assert found == sorted(
        (code, Where(f"net/{file}", line, column)) for code, file, line, column in expected
    )


def test_every_code_has_a_case():
    """Each code in the sources of the readers stands in a case or a test of this file."""
    known = {code for _, expected in CASES.values() for code, *_ in expected}
    here = Path(__file__).read_text("utf-8")
    for source in ("network/read.py", "network/checks.py", "network/folder.py", "yaml_files.py"):
        for node in ast.walk(ast.parse((PACKAGE / source).read_text("utf-8"))):
            if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "Problem":
                code = node.args[0]
                if isinstance(code, ast.Constant):
                    assert code.value in known or f'"{code.value}"' in here, code.value


def test_good_folder_has_no_problems(folder):
    """The copy is good before it is spoilt."""
    assert problems_of(folder) == []


def test_all_problems_of_all_files_are_collected(folder):
    """One reading reports what is wrong in several tables and in network.yaml, not the first only."""
    for edit in (
        cell("sites.csv", 5, "lat", "130"),
        cell("sites.csv", 6, "lon", "x"),
        cell("sites.csv", 6, "kind", "habour"),
        cell("demand.csv", 3, NUMBER, "-1"),
        recoded("fx.csv", lambda data: b"\xef\xbb\xbf" + data),
        replaced("network.yaml", "base_year: 2021", "base_year: 1"),
        lambda folder: (folder / "modes.csv").unlink(),
    ):
        edit(folder)
    assert {(p.code, str(p.where)) for p in problems_of(folder)} == {
        ("table.range", "net/sites.csv:5:lat"),
        ("table.number", "net/sites.csv:6:lon"),
        ("table.choice", "net/sites.csv:6:kind"),
        ("table.range", "net/demand.csv:3:tonnes_per_year"),
        ("table.bom", "net/fx.csv:1"),
        ("schema.range", "net/network.yaml:8:12"),
        ("network.no_table", "net/modes.csv"),
    }


def test_checks_across_tables_are_collected(folder):
    """Several findings about sense come together, too."""
    cell("time_values.csv", 3, "share", "0.6")(folder)
    dropped("fx.csv", 3)(folder)
    cell("service_stops.csv", 3, "site_id", "AIR")(folder)
    assert {p.code for p in problems_of(folder)} == {"tiers.sum", "fx.missing", "service.same_stop"}


def test_missing_folder(tmp_path):
    """A folder that is not there is one problem that names it."""
    (problem,) = problems_of(tmp_path / "none")
    assert (problem.code, problem.where.file) == ("network.no_folder", str(tmp_path / "none"))


def test_oversized_table_is_not_read(folder, monkeypatch):
    """A table beyond the size limit is reported with both sizes."""
    monkeypatch.setattr(logistics.network.read, "MAX_FILE_BYTES", 100)
    problems = [p for p in problems_of(folder) if p.where.file == "net/sites.csv"]
    size = (folder / "sites.csv").stat().st_size
    assert [(p.code, p.found, p.allowed) for p in problems] == [("table.too_large", str(size), "100")]


def test_yaml_of_too_many_values(folder, monkeypatch):
    """A flat file with a great many values is refused before it is built."""
    monkeypatch.setattr(logistics.yaml_files, "MAX_NODES", 500)
    added("network.yaml", "many: [" + "1," * 501 + "]")(folder)
    (problem,) = problems_of(folder)
    assert (problem.code, problem.where.line) == ("yaml.too_large", 16)


def test_yaml_bomb_is_refused_at_once(folder):
    """Nested aliases are refused one by one, and nothing is expanded."""
    lines = ["a: &a [1, 1, 1, 1, 1, 1, 1, 1, 1]"]
    lines += [f"{b}: &{b} [{', '.join([f'*{a}'] * 9)}]" for a, b in zip("abcdefgh", "bcdefghi", strict=True)]
    recoded("network.yaml", lambda _: "\n".join(lines).encode())(folder)
    problems = problems_of(folder)
    assert {p.code for p in problems} == {"yaml.alias"}
    assert 10 < len(problems) < 30


def test_many_bad_cells_become_a_count(folder):
    """After the first few of a column the rest are counted."""
    rows = [f"X{i},CL_A,MK_DE,dense,b2b,-1,,invented,high," for i in range(MAX_PROBLEMS_PER_COLUMN + 5)]
    added("demand.csv", *rows)(folder)
    problems = problems_of(folder)
    assert [p.code for p in problems] == ["table.range"] * MAX_PROBLEMS_PER_COLUMN + ["table.more"]
    assert (problems[-1].found, problems[-1].subject, problems[-1].where.column) == (
        "5",
        "table.range",
        NUMBER,
    )


@pytest.mark.parametrize(
    ("edit", "remedy"),
    [
        (cell("sites.csv", 5, "kind", "airprt"), "airport"),
        (cell("demand.csv", 2, "origin_site", "CLA"), "CL_A"),
        (replaced("demand.csv", "origin_site", "orgin_site"), "origin_site"),
        (lambda folder: shutil.copy(folder / "fx.csv", folder / "demnd.csv"), "demand"),
        (replaced("network.yaml", "price_year", "price_yaer"), "price_year"),
        (cell("services_by_year.csv", 2, "column", "tarif_spot"), "tariff_spot"),
    ],
)
def test_did_you_mean(folder, edit, remedy):
    """A near miss names what was probably meant."""
    edit(folder)
    assert remedy in [p.remedy for p in problems_of(folder)]


def test_years_that_would_be_ignored_are_named_with_those_there_are(folder):
    """A value of a year, and a base year, that network.yaml does not list: which, and what it lists."""
    replaced("network.yaml", "base_year: 2021", "base_year: 2020")(folder)
    cell("services_by_year.csv", 2, "year", "2033")(folder)
    found = [(p.code, p.found, p.allowed, p.subject) for p in problems_of(folder)]
    assert sorted(found) == [
        ("network.year", "2020", "2021, 2022", "base_year"),
        ("network.year", "2033", "2021, 2022", "year"),
    ]


def test_gbk_and_unknown_encodings_are_told_apart(folder):
    """GBK, as Chinese office programs write it, is named; the allowed one is UTF-8."""
    recoded("sites.csv", lambda data: data.decode().encode("gbk"))(folder)
    recoded("fx.csv", lambda data: data + b"\xff\xff\xff")(folder)
    found = {p.where.file: (p.found, p.allowed) for p in problems_of(folder)}
    assert found == {"net/sites.csv": ("GBK", "UTF-8"), "net/fx.csv": ("unknown encoding", "UTF-8")}


def test_a_line_break_in_a_cell_does_not_shift_line_numbers(folder):
    """A finding below a cell of two lines, if such cells are read at all, names the line of the file."""
    cell("demand.csv", 2, "note", "two\nlines")(folder)
    replaced("demand.csv", "dense,b2b,400", "dense,b2b,-400")(folder)
    problems = problems_of(folder)
    assert problems
    assert {p.where.line for p in problems if p.code == "table.range"} <= {6}


@pytest.mark.parametrize("end", [b"\n", b""])
def test_a_table_of_only_a_header_is_empty(folder, end):
    """`observed` may have no rows, with or without a final line end."""
    recoded("observed.csv", lambda data: data.split(b"\n")[0] + end)(folder)
    network, warnings = read_network(folder)
    assert warnings == []
    assert network.tables["observed"].num_rows == 0


def test_optional_tables_may_be_left_out(folder):
    """Without service_via and the tables by year the folder is still read."""
    (folder / "services_by_year.csv").unlink()
    (folder / "service_via.csv").unlink()
    codes = [p.code for p in problems_of(folder)]
    assert codes == ["service.leg_missing", "service.leg_missing"]


def test_blank_cells_become_defaults(folder):
    """Optional cells that are blank take the column's default; unknown numbers stay unknown."""
    network, _ = read_network(folder)
    row = network.row_of("sites")["CL_A"]
    site = network.rows("sites")[row]
    assert (site["handling_cny_per_t"], site["clearance_open"], site["prefecture"]) == (0.0, "always", "")
    assert site["throughput_t_per_year"] is None
    assert site["consolidation_cny_per_m3"] is None


def test_values_by_year_replace_the_base(folder):
    """A year takes its own values, the base year keeps the table's; other columns stay."""
    network, _ = read_network(folder)
    row = network.row_of("services")["AIR_US"]
    assert network.at_year(2021).numbers("services", "tariff_spot")[row] == 2
    assert network.at_year(2022).numbers("services", "tariff_spot")[row] == 3
    assert network.at_year(2022).numbers("services", "payload_t")[row] == 20
    others = [i for i in range(8) if i != row]
    before, after = (
        network.at_year(year).numbers("services", "tariff_spot")[others] for year in (2021, 2022)
    )
    assert before.tolist() == after.tolist()


def test_physical_graph_and_geometry(folder):
    """The network as a graph and as points and lines: sites, legs by way, WGS-84."""
    network, _ = read_network(folder)
    graph = network.graph()
    assert graph.number_of_nodes() == 18
    assert set(graph["SEA"]["HAM"]) == {("SEA_DE", 2, "suez"), ("SEA_DE", 2, "cape")}
    assert graph["RAIL"]["RDU"]["RAIL_DE", 2, "alashankou"]["passages"] == ("alashankou",)
    sites, services = network.sites_gdf(), network.services_gdf()
    assert (len(sites), len(services)) == (18, 8)
    assert sites.crs.to_epsg() == services.crs.to_epsg() == 4326
    assert sites.geometry.iloc[0].coords[0] == (120.0, 30.0)
    assert [line.coords[0][0] for line in services.geometry][:3] == [120.0, 120.0, 10.0]
