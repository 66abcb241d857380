"""Networks as workbooks: nothing is lost there and back; what people and programs spoil is told in place."""

import contextlib
import csv
import datetime
import io
import json
import os
import re
import shutil
import struct
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from unittest import mock

import pytest
import python_calamine
import xlsxwriter
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from logistics.errors import InputError
from logistics.network import spreadsheet_file, workbook_write
from logistics.network.folder import read_network
from logistics.network.spreadsheet_cells import column_letters, number_text, shows_dates, unescaped
from logistics.network.spreadsheet_file import SpreadsheetFile
from logistics.network.workbook_guide import unit
from logistics.network.workbook_layout import GUIDE, sheet_schemas
from logistics.network.workbook_read import read_workbook
from logistics.network.workbook_write import write_workbook
from tests.test_command_line import command_line, files_below
from tests.tiny import THREE_GATEWAYS

ROOT = Path(__file__).resolve().parents[1]
ZHEJIANG = ROOT / "networks" / "zhejiang"
DAY = datetime.datetime(2021, 3, 4)  # noqa: DTZ001 - cells know no zone
NASTY = [
    "=cmd|' /C calc'!A0",
    "=1+1",
    "+1",
    "-1",
    "@x",
    "{=1}",
    "http://example.org/a?b=c",
    "internal:'x'!A1",
    "mailto:a@b",
    "_x0041_",
    "_x005F_x0041_",
    "x_x",
    "'quoted'",
    '"double", comma',
    "tab\there",
    "\u202eright to left",
    "שלום עולם",
    "مرحبا، 义乌",
    "<script>alert(1)</script>&amp;",
    "<r><t>markup</t></r>",
    "<r>&</r>",
    "<r>_x0020_</r>",
    "_x0041_x0042_x0043_",
    "TRUE",
    "330108",
    "1e5",
    "#REF!",
    "2021-03-04",
    "n" * 200,
    "义" * 500,
    "\ufffe\uffff",
    "😀 emoji",
    "%s {0} \\n",
]


# There and back ----------------------------------------------------------------------------------------


def there_and_back(folder: Path, place: Path) -> Path:
    """The folder that comes back from the workbook of `folder`; both lie in `place`."""
    write_workbook(folder, place / "book.xlsx")
    back = place / "back" / folder.name
    back.mkdir(parents=True)
    read_workbook(place / "book.xlsx", back)
    return back


def assert_same_network(one: Path, other: Path) -> None:
    """Tables with order of rows and provenance, what network.yaml says, and both texts to the byte."""
    (network, warnings), (again, warnings_again) = read_network(one), read_network(other)
    assert network.name == again.name
    assert network.info == again.info
    assert network.tables.keys() == again.tables.keys()
    for name, table in network.tables.items():
        assert table.equals(again.tables[name]), name
    assert warnings == warnings_again
    for name in ("network.yaml", "README.md"):
        assert (one / name).is_file() == (other / name).is_file()
        assert not (one / name).is_file() or (one / name).read_bytes() == (other / name).read_bytes()


@pytest.mark.parametrize("folder", [ZHEJIANG, THREE_GATEWAYS], ids=lambda folder: folder.name)
def test_nothing_is_lost(folder: Path, tmp_path: Path) -> None:
    """Export and import give the same network; blanks stay blanks; a second trip gives the same files."""
    back = there_and_back(folder, tmp_path)
    assert_same_network(folder, back)
    assert {path.name for path in folder.iterdir()} == {path.name for path in back.iterdir()}
    for path in folder.glob("*.csv"):
        for line, (row, again) in enumerate(zip(cells_of(path), cells_of(back / path.name), strict=True), 1):
            assert list(map(bool, row)) == list(map(bool, again)), f"{path.name}:{line}"
    (tmp_path / "second").mkdir()
    second = there_and_back(back, tmp_path / "second")
    assert (tmp_path / "book.xlsx").read_bytes() == (tmp_path / "second" / "book.xlsx").read_bytes()
    for path in back.iterdir():
        assert path.read_bytes() == (second / path.name).read_bytes()


def test_large_workbooks_are_written_row_by_row(tmp_path: Path) -> None:
    """Texts in the cells themselves, not in a list for all; the network is the same."""
    with mock.patch.object(workbook_write, "MOST_CELLS_IN_MEMORY", 0):
        back = there_and_back(THREE_GATEWAYS, tmp_path)
    assert b"inlineStr" in part(tmp_path / "book.xlsx", sheet_part("sites"))
    assert_same_network(THREE_GATEWAYS, back)


def cells_of(path: Path) -> list[list[str]]:
    """Rows of a CSV file, the header among them."""
    return list(csv.reader(io.StringIO(path.read_text("utf-8"))))


def write_csv(path: Path, rows: list[list[str]]) -> None:
    """Write a CSV file as the project does."""
    with path.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file, lineterminator="\n").writerows(rows)


def set_column(folder: Path, table: str, column: str, values: list[str]) -> None:
    """Write values into the first rows of a column."""
    rows = cells_of(folder / f"{table}.csv")
    place = rows[0].index(column)
    assert len(values) < len(rows)
    for row, value in zip(rows[1:], values, strict=False):
        row[place] = value
    write_csv(folder / f"{table}.csv", rows)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A copy of three_gateways to change."""
    return Path(shutil.copytree(THREE_GATEWAYS, tmp_path / "three_gateways"))


def test_nasty_texts_are_texts(folder: Path, tmp_path: Path) -> None:
    """They come back as they are, and no cell of the workbook is a formula or a link."""
    rows = cells_of(folder / "sites.csv")
    note = rows[0].index("note")
    first = cells_of(folder / "sites.csv")[1]
    for number, words in enumerate(NASTY):
        rows.append([*first])
        rows[-1][0], rows[-1][note] = f"X{number}", words
    write_csv(folder / "sites.csv", rows)
    back = there_and_back(folder, tmp_path)
    assert_same_network(folder, back)
    assert [row[note] for row in cells_of(back / "sites.csv")][-len(NASTY) :] == NASTY
    with zipfile.ZipFile(tmp_path / "book.xlsx") as archive:
        names = archive.namelist()
        sheets = b"".join(archive.read(name) for name in names if "/worksheets/" in name)
    assert not [name for name in names if "/worksheets/_rels/" in name or "external" in name.lower()]
    assert b"<f>" not in sheets
    assert b"<hyperlink" not in sheets
    book = python_calamine.load_workbook(tmp_path / "book.xlsx")
    notes = [row[note] for row in book.get_sheet_by_name("sites").to_python()][-len(NASTY) :]
    # calamine does not know how these two are written
    assert [words for words in notes if "FFFE" not in words] == [w for w in NASTY if "\ufffe" not in w]


PIECES = st.lists(st.sampled_from(["_", "x0041", "_x0041_", "<r>", "</r>", "&", "=", '"', ",", " ", "义"]))
TEXT = st.text(st.characters(exclude_categories=["Cs", "Cc"]), max_size=40) | PIECES.map("".join)
LINES = st.text(st.characters(exclude_categories=["Cs"]), max_size=40) | PIECES.map("".join)
NUMBER = st.floats(0, 1e12, allow_nan=False) | st.floats(0, 1, allow_subnormal=True)


@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(TEXT, min_size=9, max_size=9), st.lists(NUMBER, min_size=8, max_size=8), LINES, LINES)
@example(
    NASTY[:9], [0.1 + 0.2, 1 / 3, 5e-324, 1e12, 123456789012.0, 1e-7, 123456789.123456789, 0.0], "a\r\n\n", ""
)
@example(NASTY[9:18], [-0.0] * 8, "\x00_x0007_\ud7ff" + "x" * 40_000 + "\n", " \n\t\n")
@example(NASTY[18:27][::-1], [1.0] * 8, "no end", "\n")
def test_any_text_and_number_comes_back(
    texts: list[str], numbers: list[float], readme: str, end_of_yaml: str
) -> None:
    """To the last bit, and both files to the byte, whatever their line ends."""
    with tempfile.TemporaryDirectory() as place:
        folder = Path(shutil.copytree(THREE_GATEWAYS, Path(place) / "three_gateways"))
        set_column(folder, "sites", "note", texts)
        set_column(folder, "sites", "name_zh", [words.strip() or "x" for words in texts])
        set_column(folder, "services", "subsidy_cny_per_t", ["0"] * 8)
        set_column(folder, "demand", "tonnes_per_year", [repr(number / 1000) for number in numbers])
        set_column(folder, "sites", "background_t_per_year", [repr(number) for number in numbers])
        (folder / "README.md").write_bytes(readme.encode("utf-8"))
        with (folder / "network.yaml").open("ab") as file:
            comment = "".join(c for c in end_of_yaml if c.isprintable() or c == " ")
            file.write(f"# {comment}\n\n\n".encode())
        back = there_and_back(folder, Path(place))
        assert_same_network(folder, back)


def test_readme_and_optional_tables_may_be_absent(folder: Path, tmp_path: Path) -> None:
    """What is not there before is not there after; sheets of optional tables wait for rows all the same."""
    (folder / "README.md").unlink()
    back = there_and_back(folder, tmp_path)
    assert_same_network(folder, back)
    assert not (back / "README.md").exists()
    assert not (back / "demand_by_year.csv").exists()
    with SpreadsheetFile(tmp_path / "book.xlsx", "book") as book:
        assert "README.md" not in book.sheet_names
        ((row, cells),) = book.rows("demand_by_year")
    assert (row, [cell.value for cell in cells][:3]) == (1, ["demand_id", "year", "column"])


def test_long_tables_and_other_encodings_cannot_be_exported(folder: Path, tmp_path: Path) -> None:
    """A sheet ends somewhere; a README in GBK has no lines to show."""
    (folder / "README.md").write_bytes("# 三\n义乌\n".encode("gbk"))
    with mock.patch.object(workbook_write, "MAX_ROWS", 18), pytest.raises(InputError) as caught:
        write_workbook(folder, tmp_path / "book.xlsx")
    found = [(p.code, str(p.where), p.found, p.allowed) for p in caught.value.problems]
    assert found == [
        ("workbook.too_many_rows", "three_gateways/sites.csv", "18", "17"),
        ("yaml.encoding", "three_gateways/README.md:1", "GBK", "UTF-8"),
    ]
    assert not (tmp_path / "book.xlsx").exists()


# What people see ----------------------------------------------------------------------------------------


def part(book: Path, name: str) -> bytes:
    """One part of a workbook."""
    with zipfile.ZipFile(book) as archive:
        return archive.read(name)


def sheet_part(name: str) -> str:
    """Part of a table's sheet in a workbook that the engine wrote."""
    return f"xl/worksheets/sheet{list(sheet_schemas()).index(name) + 2}.xml"


@pytest.fixture(scope="module")
def exported(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The workbook of three_gateways."""
    path = tmp_path_factory.mktemp("exported") / "book.xlsx"
    write_workbook(THREE_GATEWAYS, path)
    return path


def test_first_sheet_explains_every_sheet_and_column(exported: Path) -> None:
    """Sheets with Chinese titles and keys; columns with meaning, unit and what is allowed; how to import."""
    with SpreadsheetFile(exported, "book") as book:
        assert book.sheet_names == (GUIDE, *sheet_schemas(), "network.yaml", "README.md")
        rows = [{cell.column: cell.value for cell in cells} for _, cells in book.rows(GUIDE)]
    said = {(row.get(0), row.get(1)): row for row in rows}
    for name, schema in sheet_schemas().items():
        for column in schema.all_columns:
            assert said[name, column.name][4] == column.meaning
            assert all(choice in said[name, column.name][5] for choice in column.choices)
    words = "\n".join(str(value) for row in rows for value in row.values())
    assert "logistics import-network" in words
    assert "节点" in words
    assert said["sites", "节点"][3] == 18
    assert said["services_by_year", "线路（分年）"][6] == "service_id + year + column"
    assert said["services", "departures_per_week"][3] == "per week"
    assert said["sites", "background_t_per_year"][6] == "0"


def test_units_are_read_from_names() -> None:
    assert [
        unit(name) for name in ("run_h", "co2_g_per_tkm", "storage_cny_per_m3_day", "tonnes_per_year")
    ] == [
        "h",
        "g per tkm",
        "CNY per m³ and day",
        "t per year",
    ]
    assert unit("throughput_t_per_year_high") == "t per year"
    assert unit("opening_year") == unit("contract_share") == unit("name_en") == ""


def test_sheets_are_made_for_editing(exported: Path) -> None:
    """Header frozen, filters, choices to pick from, notes at the header; numbers are numbers, texts texts."""
    sheet = part(exported, sheet_part("services")).decode()
    assert re.search(r'<pane [^>]*ySplit="1"[^>]*state="frozen"', sheet)
    assert re.search(r'<autoFilter ref="A1:[A-Z]+9"', sheet)
    assert '"road,sea,rail,air,post"' in sheet
    assert "departures_per_week" in sheet
    assert sheet.count("<col ") > 20
    styles = part(exported, "xl/styles.xml").decode()
    assert 'formatCode="#,##0' in styles
    with SpreadsheetFile(exported, "book") as book:
        (_, header), (_, first), *_ = book.rows("services")
    kinds = {head.value: cell.kind for head in header for cell in first if cell.column == head.column}
    schema = sheet_schemas()["services"]
    assert len(kinds) > 10
    for name, kind in kinds.items():
        assert kind == ("number" if schema.column(str(name)).kind == "number" else "text")


def test_a_cell_typed_into_an_id_column_stays_text(exported: Path) -> None:
    """The whole column has the text format, so 330108 or MAR1 typed below the rows are not turned."""
    sheet, styles = part(exported, sheet_part("sites")).decode(), part(exported, "xl/styles.xml").decode()
    style = re.search(r'<col min="1" max="1" [^>]*style="(\d+)"', sheet)
    formats = re.findall(r'<xf numFmtId="(\d+)"', styles.split("<cellXfs")[1])
    assert style is not None
    assert formats[int(style[1])] == "49", "49 is @, text"


# Workbooks by hand --------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Formula:
    """A formula with the value it had when it was last calculated."""

    text: str
    value: object


Value = str | float | bool | Formula | datetime.datetime | datetime.time | None
Sheets = dict[str, list[list[Value]]]


def as_sheets(folder: Path = THREE_GATEWAYS) -> Sheets:
    """The sheets a planner has before the edit: header and rows."""
    sheets: Sheets = {}
    for name, schema in sheet_schemas().items():
        path = folder / f"{name}.csv"
        rows = cells_of(path) if path.exists() else [[column.name for column in schema.all_columns]]
        numeric = [schema.column(head).kind in ("number", "integer") for head in rows[0]]
        sheets[name] = [list(rows[0])]
        for row in rows[1:]:
            pairs = zip(row, numeric, strict=True)
            sheets[name].append([float(cell) if cell and is_number else cell for cell, is_number in pairs])
    lines = (folder / "network.yaml").read_text("utf-8").split("\n")
    sheets["network.yaml"] = [["line", "text"], *([number, line] for number, line in enumerate(lines, 1))]
    return sheets


def save(sheets: Sheets, path: Path) -> Path:
    """Write sheets as a spreadsheet program does."""
    with xlsxwriter.Workbook(str(path)) as book:
        day, time = book.add_format({"num_format": "yyyy-mm-dd"}), book.add_format({"num_format": "hh:mm"})
        for name, rows in sheets.items():
            sheet = book.add_worksheet(name)
            for i, row in enumerate(rows):
                for j, value in enumerate(row):
                    if isinstance(value, Formula):
                        sheet.write_formula(i, j, value.text, None, value.value)
                    elif isinstance(value, bool):
                        sheet.write_boolean(i, j, value)
                    elif isinstance(value, datetime.datetime):
                        sheet.write_datetime(i, j, value, day)
                    elif isinstance(value, datetime.time):
                        sheet.write_datetime(i, j, value, time)
                    elif isinstance(value, str) and value:
                        sheet.write_string(i, j, value)
                    elif isinstance(value, int | float):
                        sheet.write_number(i, j, value)
    return path


def put(sheet: str, row: int, column: str, value: Value) -> Callable[[Sheets], None]:
    """An edit of one cell; `row` as the spreadsheet shows it."""

    def edit(sheets: Sheets) -> None:
        rows = sheets[sheet]
        while len(rows) < row:
            rows.append([""] * len(rows[0]))
        place = rows[0].index(column) if column in rows[0] else len(rows[0])
        rows[row - 1] += [""] * (place + 1 - len(rows[row - 1]))
        rows[row - 1][place] = value

    return edit


def imported(edits: list[Callable[[Sheets], None]], tmp_path: Path) -> Path:
    """The folder that an edited workbook gives."""
    sheets = as_sheets()
    for edit in edits:
        edit(sheets)
    back = tmp_path / "three_gateways"
    back.mkdir()
    read_workbook(save(sheets, tmp_path / "book.xlsx"), back)
    return back


def test_a_workbook_by_hand_is_the_network(tmp_path: Path) -> None:
    """The edits below start from something sound."""
    back = imported([], tmp_path)
    network, again = read_network(THREE_GATEWAYS)[0], read_network(back)[0]
    assert all(table.equals(again.tables[name]) for name, table in network.tables.items())


def test_what_programs_make_of_cells_is_understood(tmp_path: Path) -> None:
    """Ids that became numbers, flags, numbers as text, spaces, formulas by value, blank rows, own sheets."""
    edits = [
        put("sites", 19, "site_id", 330108.0),
        put("demand", 2, "destination_site", 330108),
        put("fx", 2, "year", "2021"),
        put("sites", 2, "lat", " 30.5\n"),
        put("sites", 3, "lat", Formula("=30+0.25", 30.25)),
        put("sites", 4, "name_en", Formula('="a"&"b"', "ab")),
        put("product_segments", 2, "promise_is_hard", False),
        put("product_segments", 3, "promise_is_hard", "No"),
        put("product_segments", 2, "promise_d", 10),
        put("product_segments", 4, "promise_is_hard", "false"),
        put("services", 2, "operator", True),
        put("services", 3, "operator", 1.5),
        put("services", 4, "operator", 2021),
        lambda sheets: sheets["demand"].insert(3, [""] * 4),
        lambda sheets: sheets["demand"].append([" ", None, "\t"]),
        lambda sheets: sheets["modes"].insert(0, []),
        lambda sheets: sheets.update({"计算": [["my sums"], [Formula("=1/0", "#DIV/0!")]]}),
    ]
    sheets = as_sheets()
    old = str(sheets["sites"][18][0])
    names = {row[0] for row in sheets["sites"]}
    assert old in names
    for rows in sheets.values():
        for row in rows:
            row[:] = ["330108" if cell == old else cell for cell in row]
    for edit in edits:
        edit(sheets)
    back = tmp_path / "three_gateways"
    back.mkdir()
    network, warnings = read_workbook(save(sheets, tmp_path / "book.xlsx"), back)
    assert [(p.code, str(p.where)) for p in warnings] == [("workbook.sheet_not_read", "book.xlsx: 计算")]
    assert network.texts("sites", "site_id")[17] == "330108"
    assert network.texts("demand", "destination_site")[0] == "330108"
    assert list(network.numbers("sites", "lat")[:2]) == [30.5, 30.25]
    assert network.texts("sites", "name_en")[2] == "ab"
    assert network.tables["product_segments"]["promise_is_hard"].to_pylist()[:3] == [False, False, False]
    assert network.texts("services", "operator")[:3] == ["TRUE", "1.5", "2021"]
    assert network.tables["demand"].num_rows == 10


@dataclass(frozen=True)
class Bad:
    """An edit and what is said of it: place and the beginning of the sentence."""

    edits: list[Callable[[Sheets], None]]
    said: list[str]


def rename(sheet: str, name: str) -> Callable[[Sheets], None]:
    return lambda sheets: sheets.update({name: sheets.pop(sheet)})


def header(sheet: str, old: str, new: Value) -> Callable[[Sheets], None]:
    def edit(sheets: Sheets) -> None:
        sheets[sheet][0][sheets[sheet][0].index(old)] = new

    return edit


def replace_sheet(sheet: str, *rows: list[Value]) -> Callable[[Sheets], None]:
    return lambda sheets: sheets.update({sheet: list(rows)})


def without(sheet: str) -> Callable[[Sheets], None]:
    return lambda sheets: sheets.pop(sheet) and None


BAD = {
    "text in a number": Bad([put("sites", 3, "lat", "north")], ["sites:3:lat: 'north' is not a number"]),
    "number with a comma": Bad([put("sites", 3, "lat", "1,5")], ["sites:3:lat: '1,5' is not a number"]),
    "number out of range": Bad([put("sites", 3, "lat", 130)], ["sites:3:lat: '130' is out of range"]),
    "half a year": Bad([put("fx", 2, "year", 2021.5)], ["fx:2:year: '2021.5' is not a whole number"]),
    "flag as a number": Bad(
        [put("product_segments", 2, "promise_is_hard", 1)],
        ["product_segments:2:promise_is_hard: '1' is neither yes nor no"],
    ),
    "choice": Bad(
        [put("services", 4, "mode", "rial")],
        ["services:4:mode: 'rial' is not one of .* did you mean 'rail'?"],
    ),
    "flag for a mode": Bad([put("services", 4, "mode", True)], ["services:4:mode: 'TRUE' is not one of"]),
    "blank": Bad([put("services", 4, "mode", "")], ["services:4:mode: the cell is blank"]),
    "reference": Bad(
        [put("demand", 3, "origin_site", "CL_X")],
        ["demand:3:origin_site: the table sites has no row 'CL_X' - did you mean 'CL_B'?"],
    ),
    "id with a space": Bad(
        [put("land_regions", 2, "land_region", "C N")],
        [
            "land_regions:2:land_region: 'C N' cannot be an id",
            *(f"sites:{row}:land_region: the table land_regions has no row 'CN'" for row in range(2, 10)),
        ],
    ),
    "rows out of line with the file": Bad(
        [
            lambda sheets: [sheets["demand"].insert(2, []) for _ in range(3)] and None,
            put("demand", 7, "tonnes_per_year", -1),
        ],
        ["demand:7:tonnes_per_year: '-1' is out of range"],
    ),
    "duplicate": Bad(
        [
            lambda sheets: sheets["fx"].insert(2, []),
            lambda sheets: sheets["fx"].append([]),
            lambda sheets: sheets["fx"].append(sheets["fx"][1]),
        ],
        ["fx:6:currency: '[A-Z]+/2021.*' stands in line 2 already"],
    ),
    "date for a number": Bad(
        [put("demand", 2, "tonnes_per_year", DAY)],
        ["demand:2:tonnes_per_year: the cell holds the date '2021-03-04'"],
    ),
    "date for an id": Bad(
        [put("services", 2, "pair_id", DAY.replace(hour=12, minute=30))],
        ["services:2:pair_id: the cell holds the date '2021-03-04 12:30'"],
    ),
    "time for opening hours": Bad(
        [put("sites", 2, "clearance_open", datetime.time(8, 30))],
        ["sites:2:clearance_open: the cell holds the date '08:30'"],
    ),
    "error in a number": Bad(
        [put("sites", 5, "lat", Formula("=1/0", "#DIV/0!"))],
        ["sites:5:lat: the cell holds the error '#DIV/0!'"],
    ),
    "error in a text": Bad(
        [put("sites", 5, "note", Formula("=#REF!", "#REF!"))],
        ["sites:5:note: the cell holds the error '#REF!'"],
    ),
    "formula that was never calculated": Bad(
        [put("sites", 5, "lat", Formula("=1+1", "")), put("sites", 5, "note", Formula("=A1", ""))],
        [
            "sites:5:lat: the cell holds a formula that was never calculated",
            "sites:5:note: the cell holds a formula that was never calculated",
        ],
    ),
    "id of too many digits": Bad(
        [put("services", 2, "pair_id", 1e15), put("sites", 2, "recognised_by", 1.5)],
        [
            "services:2:pair_id: an id was made the number 1000000000000000.0",
            "sites:2:recognised_by: an id was made the number 1.5",
        ],
    ),
    "line break in a cell": Bad(
        [put("sites", 5, "note", "one\n\ntwo")], [r"sites:5:note: 'one\\n\\ntwo' is longer than 500"]
    ),
    "control character": Bad([put("sites", 5, "note", "a\x07b")], [r"sites:5:note: 'a\\x07b' is longer"]),
    "long text": Bad([put("sites", 5, "note", "x" * 501)], ["sites:5:note: 'x*…x*' is longer than 500"]),
    "missing sheet": Bad([without("services")], ["services: the sheet 'services' is missing"]),
    "misspelt sheet": Bad(
        [rename("services", "servics")], ["servics: no table is called 'servics' - did you mean 'services'?"]
    ),
    "misspelt optional sheet": Bad(
        [rename("demand_by_year", "Demand by year")],
        ["Demand by year: no table is called 'Demand by year' - did you mean 'demand_by_year'?"],
    ),
    "no network.yaml": Bad([without("network.yaml")], ["network.yaml: the sheet 'network.yaml' is missing"]),
    "renamed column": Bad(
        [header("sites", "lat", "latt"), header("sites", "lon", "")],
        [
            "sites:1: the column 'lat' is missing",
            "sites:1: the column 'lon' is missing",
            "sites:1:latt: unknown column 'latt' - did you mean 'lat'?",
            "sites:2:[A-Z]+: '[-.0-9]+' stands in a column without a name",
        ],
    ),
    "column twice": Bad([header("sites", "lon", "lat")], ["sites:1: the header names lat more than once"]),
    "header with an error": Bad(
        [header("sites", "lon", Formula("=1/0", "#DIV/0!"))],
        ["sites:1: the column 'lon' is missing", "sites:1:#DIV/0!: unknown column '#DIV/0!'"],
    ),
    "no header": Bad(
        [lambda sheets: sheets["sites"].pop(0) and None],
        ["sites:1: the header is missing; '[^']+' stands in its place - name the columns in the first row"],
    ),
    "empty sheet": Bad(
        [replace_sheet("sites")], ["sites:1: the header is missing; nothing stands in its place"]
    ),
    "header below other rows": Bad(
        [put("fx", 3, "year", -1), lambda sheets: sheets["fx"].insert(0, [])],
        ["fx:4:year: '-1' is out of range"],
    ),
    "error in network.yaml": Bad(
        [put("network.yaml", 3, "text", "name: [")], ["network.yaml:5:5: not valid YAML"]
    ),
    "wrong key in network.yaml": Bad(
        [put("network.yaml", 2, "text", "schma: 1")],
        ["network.yaml:2:1: schma: unknown key 'schma' - did you mean 'schema'?"],
    ),
    "date in network.yaml": Bad(
        [put("network.yaml", 2, "text", DAY)],
        ["network.yaml:2:text: the cell holds the date '2021-03-04'"],
    ),
    "network.yaml without its header": Bad(
        [replace_sheet("network.yaml", ["schema: 1"])],
        ["network.yaml:1: the header is missing; 'schema: 1' stands in its place"],
    ),
    "empty network.yaml": Bad([replace_sheet("network.yaml", ["text"])], ["network.yaml: the file is empty"]),
    "check across tables": Bad(
        [put("services", 2, "tariff_currency", "XYZ")],
        [f"services:2:tariff_currency: there is no exchange rate for XYZ {year}" for year in (2021, 2022)],
    ),
}


@pytest.mark.parametrize("name", BAD)
def test_bad_cells_are_told_with_their_place(name: str, tmp_path: Path) -> None:
    """Exit code 2, every finding with sheet, row and column, nothing written."""
    sheets = as_sheets()
    for edit in BAD[name].edits:
        edit(sheets)
    book = save(sheets, tmp_path / "book.xlsx")
    answer = command_line("import-network", book, tmp_path / "back")
    assert (answer.code, answer.out) == (2, ""), answer.err
    assert files_below(tmp_path) == {"book.xlsx"}
    *problems, count = answer.err.splitlines()
    assert len(problems) == len(BAD[name].said), answer.err
    for said in BAD[name].said:
        assert any(re.match(f"book.xlsx: {said}", problem) for problem in problems), answer.err
    assert all(problem.startswith("book.xlsx: ") for problem in problems)
    assert "errors" in count or "1 error" in count


def test_bad_cells_are_told_once(tmp_path: Path) -> None:
    """A cell that no file can hold is one finding, not also one of the checks that follow."""
    edits = [
        put("sites", 2, "lat", Formula("=1/0", "#DIV/0!")),
        put("services", 3, "mode", DAY),
        put("fx", 2, "year", Formula("=1", "")),
    ]
    with pytest.raises(InputError) as caught:
        imported(edits, tmp_path)
    assert sorted((p.code, str(p.where)) for p in caught.value.problems) == [
        ("workbook.date", "book.xlsx: services:3:mode"),
        ("workbook.error", "book.xlsx: sites:2:lat"),
        ("workbook.formula", "book.xlsx: fx:2:year"),
    ]


def test_many_alike_are_counted(tmp_path: Path) -> None:
    """The first twenty of a column one by one."""
    many = [put("demand", row, "note", Formula("=1/0", "#DIV/0!")) for row in range(2, 40)]
    with pytest.raises(InputError) as caught:
        imported(many, tmp_path)
    mine = [p for p in caught.value.problems if p.where.column == "note"]
    assert [p.code for p in mine] == ["workbook.error"] * 20 + ["table.more"]
    assert (mine[-1].found, mine[-1].where.file) == ("18", "book.xlsx: demand")


def test_problems_speak_chinese(tmp_path: Path) -> None:
    sheets = as_sheets()
    put("sites", 2, "lat", Formula("=1/0", "#DIV/0!"))(sheets)
    rename("fx", "fxx")(sheets)
    answer = command_line("import-network", save(sheets, tmp_path / "b.xlsx"), tmp_path / "n", "--lang", "zh")
    assert "b.xlsx: sites:2:lat: 单元格是错误值“#DIV/0!”；请改正公式，或直接填写数值" in answer.err
    assert "b.xlsx: fxx: 没有名为“fxx”的数据表；是否想写“fx”？" in answer.err


# Files that are no workbook, or a bad one ---------------------------------------------------------------


def crafted(path: Path, sheet: str, **parts: str) -> Path:
    """A workbook of one sheet, with XML as given; other parts by name with _ for /."""
    main = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
    office = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
    links = "http://schemas.openxmlformats.org/package/2006/relationships"
    files = {
        "[Content_Types].xml": "<Types/>",
        "_rels/.rels": f'<Relationships xmlns="{links}"><Relationship Id="a" Type="{office}/officeDocument" '
        'Target="/xl/workbook.xml"/></Relationships>',
        "xl/workbook.xml": f'<workbook xmlns="{main}" xmlns:r="{office}"><sheets><sheet name="s" sheetId="1" '
        'r:id="r1"/><sheet name="chart" sheetId="2" r:id="r4"/></sheets></workbook>',
        "xl/_rels/workbook.xml.rels": f'<Relationships xmlns="{links}">'
        f'<Relationship Id="r1" Type="{office}/worksheet" Target="worksheets/one.xml"/>'
        f'<Relationship Id="r2" Type="{office}/sharedStrings" Target="texts.xml"/>'
        f'<Relationship Id="r3" Type="{office}/styles" Target="styles.xml"/>'
        f'<Relationship Id="r4" Type="{office}/chartsheet" Target="charts/one.xml"/></Relationships>',
        "xl/worksheets/one.xml": sheet if "<" not in sheet[:1] else sheet.replace("<?>", f'xmlns="{main}"'),
        "xl/charts/one.xml": "<chartsheet/>",
        **{f"xl/{name}.xml": text.replace("<?>", f'xmlns="{main}"') for name, text in parts.items()},
    }
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, text in files.items():
            archive.writestr(name, text)
    return path


def cells_in(path: Path) -> list[tuple[int, int, str, object]]:
    """Row, column, kind and value of each cell of the sheet ``s``."""
    with SpreadsheetFile(path, path.name) as book:
        return [(row, cell.column, cell.kind, cell.value) for row, cells in book.rows("s") for cell in cells]


def test_cells_of_other_programs(tmp_path: Path) -> None:
    """Prefixes, no places, texts in runs and with reading aids, dates by format, both day counts."""
    sheet = (
        '<x:worksheet xmlns:x="urn:x"><x:sheetData>'
        '<x:row><x:c><x:v>1</x:v></x:c><x:c t="s"><x:v>0</x:v></x:c>'
        '<x:c/><x:c t="s"><x:v>1</x:v></x:c></x:row><x:row r="9"><x:c r="AB9" s="1"><x:v>44259</x:v></x:c>'
        '<x:c s="2"><x:v>44259.5</x:v></x:c><x:c s="3"><x:v>0.25</x:v></x:c><x:c s="4"><x:v>3</x:v></x:c>'
        '<x:c t="d"><x:v>2021-03-04</x:v></x:c><x:c s="1"><x:v>-1e9</x:v></x:c></x:row>'
        '<x:row><x:c t="inlineStr"><x:is><x:r><x:t>a </x:t></x:r><x:r><x:t>b</x:t></x:r></x:is></x:c>'
        '<x:c t="str"><x:f>A1</x:f><x:v></x:v></x:c><x:c t="b"><x:v>0</x:v></x:c><x:c><x:f>A1</x:f></x:c>'
        '<x:c t="e"><x:v>#N/A</x:v></x:c><x:c t="n"><x:f>1</x:f><x:v>1</x:v></x:c></x:row></x:sheetData>'
        "<x:f>not a cell</x:f></x:worksheet>"
    )
    texts = (
        "<sst <?>><si><t>义</t><rPh><t>YI</t></rPh><r><rPr/><t> 乌_x000D_</t></r></si>"
        "<si><t>_xD83D__xDE00_ _xD83D_ _x12_</t></si></sst>"
    )
    styles = (
        '<styleSheet <?>><numFmts><numFmt numFmtId="164" formatCode="yyyy&quot;年&quot;m"/>'
        '<numFmt numFmtId="165" formatCode="&quot;day&quot;0 [$¥-804]\\d_d[Red]"/></numFmts>'
        '<cellStyleXfs><xf numFmtId="14"/></cellStyleXfs><cellXfs><xf numFmtId="0"/><xf numFmtId="14"/>'
        '<xf numFmtId="164"/><xf numFmtId="20"/><xf numFmtId="165"/></cellXfs></styleSheet>'
    )
    assert cells_in(crafted(tmp_path / "a.xlsx", sheet, texts=texts, styles=styles)) == [
        (1, 0, "number", 1.0),
        (1, 1, "text", "义 乌\r"),
        (1, 3, "text", "😀 \ufffd _x12_"),
        (9, 27, "date", "2021-03-04"),
        (9, 28, "date", "2021-03-04 12:00"),
        (9, 29, "date", "06:00"),
        (9, 30, "number", 3.0),
        (9, 31, "date", "2021-03-04"),
        (9, 32, "date", "-1000000000.0"),
        (10, 0, "text", "a b"),
        (10, 2, "flag", False),
        (10, 3, "formula", ""),
        (10, 4, "error", "#N/A"),
        (10, 5, "number", 1.0),
    ]
    with SpreadsheetFile(tmp_path / "a.xlsx", "a") as book:
        assert book.sheet_names == ("s", "chart")
        assert list(book.rows("chart")) == []


def test_days_of_old_macintosh_workbooks(tmp_path: Path) -> None:
    """They count from 1904."""
    sheets = as_sheets()
    put("services", 2, "pair_id", DAY)(sheets)
    path = tmp_path / "mac.xlsx"
    with xlsxwriter.Workbook(str(path), {"date_1904": True}) as book:
        sheet = book.add_worksheet("s")
        sheet.write_datetime(0, 0, DAY, book.add_format({"num_format": "d mmm"}))
    assert cells_in(path) == [(1, 0, "date", "2021-03-04")]


@settings(max_examples=40, deadline=None)
@given(
    st.lists(st.text(st.characters(exclude_categories=["Cs"]), min_size=1), min_size=1, max_size=30),
    st.lists(st.floats(allow_nan=False, allow_infinity=False)),
)
def test_cells_are_read_as_another_reader_reads_them(texts: list[str], numbers: list[float]) -> None:
    """calamine, which reads whole sheets, is the second opinion; it does not know two of the escapes."""
    with tempfile.TemporaryDirectory() as place:
        path = Path(place) / "a.xlsx"
        with xlsxwriter.Workbook(str(path), {"strings_to_formulas": False}) as book:
            sheet = book.add_worksheet("s")
            for row, words in enumerate(texts):
                sheet.write_string(row, 0, words)
            for row, number in enumerate(numbers):
                sheet.write_number(row, 1, number)
        found = {(row, column): value for row, column, _, value in cells_in(path)}
        for row, values in enumerate(
            python_calamine.load_workbook(path).get_sheet_by_name("s").iter_rows(), 1
        ):
            for column, value in enumerate(values):
                assert "_xFFF" in str(value) or found.get((row, column), "") == value
        assert [found[row, 0] for row in range(1, len(texts) + 1)] == texts


def zipped(**files: str | bytes) -> bytes:
    """Bytes of a zip."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return out.getvalue()


def locked(data: bytes) -> bytes:
    """The zip with the mark of an encrypted part."""
    at = data.index(b"PK\x01\x02") + 8
    return data[:at] + struct.pack("<H", 1) + data[at + 2 :]


OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(504)
FILES = {
    "missing": (None, "the workbook cannot be read: No such file"),
    "table as text": (b"site_id,kind\n", "this is no Excel workbook"),
    "empty": (b"", "this is no Excel workbook"),
    "page": (b"<html><table></table></html>", "this is no Excel workbook"),
    "old Excel": (OLE + "Workbook".encode("utf-16-le"), "this is an older or a binary Excel format"),
    "password": (OLE + "EncryptedPackage".encode("utf-16-le"), "the workbook is protected by a password"),
    "encrypted zip": (
        locked(zipped(**{"[Content_Types].xml": ""})),
        "the workbook is protected by a password",
    ),
    "binary Excel": (zipped(**{"xl/workbook.bin": b"x"}), "this is an older or a binary Excel format"),
    "other zip": (zipped(**{"a.txt": "x"}), "this is no Excel workbook"),
    "OpenDocument": (zipped(mimetype="application/vnd.oasis", **{"content.xml": "<x/>"}), "this is no Excel"),
    "text document": (
        zipped(**{"[Content_Types].xml": "<Types/>", "word/document.xml": "<w/>"}),
        "this is no E",
    ),
    "cut off": (zipped(**{"[Content_Types].xml": "<Types/>"})[:40], "the workbook is damaged"),
}


@pytest.mark.parametrize("name", FILES)
def test_other_files_are_refused(name: str, tmp_path: Path) -> None:
    """With what they are, in one line, and nothing written."""
    data, said = FILES[name]
    path = tmp_path / "f.xlsx"
    if data is not None:
        path.write_bytes(data)
    before = files_below(tmp_path)
    answer = command_line("import-network", path, tmp_path / "back")
    assert (answer.code, answer.out) == (2, "")
    assert answer.err.startswith(f"f.xlsx: {said}"), answer.err
    assert len(answer.err.splitlines()) == 2
    assert files_below(tmp_path) == before


ROW = "<worksheet <?>><sheetData>{}</sheetData></worksheet>"
DAMAGED = {
    "not XML": "no markup",
    "cut XML": "<worksheet><sheetData><row>",
    "DOCTYPE": '<!DOCTYPE a [<!ENTITY b "c">]><worksheet>&b;</worksheet>',
    "text that is not there": ROW.format('<row><c t="s"><v>7</v></c></row>'),
    "text before the first": ROW.format('<row><c t="s"><v>-1</v></c></row>'),
    "number of letters": ROW.format("<row><c><v>abc</v></c></row>"),
    "place without letters": ROW.format('<row><c r="12"><v>1</v></c></row>'),
    "column that no sheet has": ROW.format('<row><c r="XFE1"><v>1</v></c></row>'),
    "row that no sheet has": ROW.format('<row r="1048577"><c><v>1</v></c></row>'),
    "row without a number": ROW.format('<row r="x"><c><v>1</v></c></row>'),
    "endless text": ROW.format(f'<row><c t="inlineStr"><is><t>{"x" * 100_001}</t></is></c></row>'),
    "endless row": ROW.format("<row>" + '<c r="A1"><v>1</v></c>' * 16_385 + "</row>"),
}


@pytest.mark.parametrize("name", DAMAGED)
def test_damaged_sheets_are_refused(name: str, tmp_path: Path) -> None:
    path = crafted(tmp_path / "a.xlsx", DAMAGED[name], texts="<sst <?>><si><t>a</t></si></sst>")
    with pytest.raises(InputError) as caught:
        cells_in(path)
    (problem,) = caught.value.problems
    assert (problem.code, problem.where.file) == ("workbook.damaged", "a.xlsx")


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.data())
def test_spoilt_workbooks_are_refused_or_read(exported: Path, data: st.DataObject) -> None:
    """Whatever stands in the file, it is read or refused; nothing else happens."""
    with zipfile.ZipFile(exported) as archive:
        parts = {name: archive.read(name) for name in archive.namelist()}
    whole = data.draw(st.booleans())
    name = data.draw(st.sampled_from([name for name in parts if "theme" not in name]))
    content = bytearray(exported.read_bytes() if whole else parts[name])
    for _ in range(data.draw(st.integers(1, 4))):
        at = data.draw(st.integers(0, len(content) - 1))
        new = data.draw(
            st.sampled_from([b"", b"<", b">", b"/", b'"', b"9999999999", b"-1", b"\xff", b"&", b"c"])
        )
        content[at : at + data.draw(st.integers(0, 9))] = new
    with tempfile.TemporaryDirectory() as place:
        path, back = Path(place) / "spoilt.xlsx", Path(place) / "back"
        back.mkdir()
        path.write_bytes(content if whole else zipped(**{**parts, name: bytes(content)}))
        with contextlib.suppress(InputError):
            read_workbook(path, back)


def test_zip_bombs_are_refused_by_what_they_declare(tmp_path: Path) -> None:
    """4 GB of nothing in 4 MB are not unpacked; a part gives no more than it declares."""
    path = crafted(tmp_path / "a.xlsx", ROW.format("<row><c><v>1</v></c></row>"))
    size = (tmp_path / "a.xlsx").stat().st_size
    declared = sum(info.file_size for info in zipfile.ZipFile(path).infolist())
    for limit, value, code in (
        ("MAX_EXPANDED_BYTES", declared - 1, "workbook.too_large"),
        ("MAX_FILE_BYTES", size - 1, "workbook.too_large"),
        ("MAX_PARTS", 5, "workbook.too_many_parts"),
    ):
        with mock.patch.object(spreadsheet_file, limit, value), pytest.raises(InputError) as caught:
            SpreadsheetFile(path, "a.xlsx")
        assert [p.code for p in caught.value.problems] == [code]
    data = path.read_bytes()
    # The directory at the end says 20 bytes of the sheet, which holds more.
    at = data.index(b"xl/worksheets/one.xml", data.index(b"PK\x01\x02")) - 46 + 24
    path.write_bytes(data[:at] + struct.pack("<I", 20) + data[at + 4 :])
    with pytest.raises(InputError) as caught:
        cells_in(path)
    assert [p.code for p in caught.value.problems] == ["workbook.damaged"]


def test_a_declared_bomb_takes_no_time(tmp_path: Path) -> None:
    """A real one: nothing of it is expanded before it is refused."""
    path = tmp_path / "bomb.xlsx"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("[Content_Types].xml", "<Types/>")
        with archive.open("xl/worksheets/sheet1.xml", "w") as file:
            for _ in range(50):
                file.write(bytes(1_000_000))
    with (
        mock.patch.object(spreadsheet_file, "MAX_EXPANDED_BYTES", 10_000_000),
        mock.patch.object(zipfile.ZipFile, "open", side_effect=AssertionError),
        pytest.raises(InputError) as caught,
    ):
        SpreadsheetFile(path, "bomb.xlsx")
    assert [(p.code, p.allowed) for p in caught.value.problems] == [("workbook.too_large", "10000000")]


def test_many_texts_and_huge_tokens_are_refused(tmp_path: Path) -> None:
    sheet = ROW.format("<row><c><v>1</v></c></row>")
    texts = "<sst <?>>" + "<si><t>a</t></si>" * 9 + "</sst>"
    path = crafted(tmp_path / "a.xlsx", sheet, texts=texts)
    for limit, value, code in (
        ("MAX_SHARED_TEXTS", 8, "workbook.too_many_texts"),
        ("MAX_SHARED_BYTES", 100, "workbook.too_large"),
    ):
        with mock.patch.object(spreadsheet_file, limit, value), pytest.raises(InputError) as caught:
            SpreadsheetFile(path, "a.xlsx")
        assert [p.code for p in caught.value.problems] == [code]
    long = crafted(tmp_path / "b.xlsx", ROW.format(f'<row spans="{"1" * 1_000_000}"></row>'))
    with mock.patch.object(spreadsheet_file, "MAX_TOKEN_BYTES", 100_000), pytest.raises(InputError) as caught:
        cells_in(long)
    assert [p.code for p in caught.value.problems] == ["workbook.damaged"]


FAR = """
import resource, sys
from pathlib import Path
from logistics.network.spreadsheet_file import SpreadsheetFile
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
with SpreadsheetFile(Path(sys.argv[1]), "far.xlsx") as book:
    cells = [(row, cell.column) for row, cells in book.rows("sites") for cell in cells]
print(cells[-1], resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 50_000)
"""


def test_a_cell_in_the_last_corner_takes_no_memory(tmp_path: Path) -> None:
    """A rectangle up to it would be 500 GB. It stands in a column without a name."""
    sheets = as_sheets()
    path = save(sheets, tmp_path / "far.xlsx")
    with xlsxwriter.Workbook(str(path)) as book:
        for name, rows in sheets.items():
            sheet = book.add_worksheet(name)
            for i, row in enumerate(rows):
                sheet.write_row(i, 0, row)
            if name == "sites":
                sheet.write_number(1_048_575, 16_383, 1)
    done = subprocess.run([sys.executable, "-c", FAR, path], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "(1048576, 16383) True"
    answer = command_line("import-network", path, tmp_path / "back")
    assert answer.code == 2
    assert "far.xlsx: sites:1048576:XFD: '1' stands in a column without a name" in answer.err


def test_limits_in_the_document_are_those_of_the_code() -> None:
    said = " ".join((ROOT / "docs" / "spreadsheets.md").read_text("utf-8").split())
    assert spreadsheet_file.MAX_FILE_BYTES == 200_000_000
    assert spreadsheet_file.MAX_EXPANDED_BYTES == 3_000_000_000
    assert "up to 200 MB and 3 GB unpacked" in said
    assert f"{workbook_write.MAX_ROWS - 1:,} rows below the header" in said
    assert f"`{GUIDE}`" in said


def test_small_parts_of_reading() -> None:
    assert [column_letters(column) for column in (0, 25, 26, 701, 702, 16_383)] == [
        "A",
        "Z",
        "AA",
        "ZZ",
        "AAA",
        "XFD",
    ]
    assert [number_text(x) for x in (330108.0, -0.0, 0.0, 0.1 + 0.2, 1e15, 5e-324, -2.0)] == [
        "330108",
        "-0",
        "0",
        "0.30000000000000004",
        "1000000000000000.0",
        "5e-324",
        "-2",
    ]
    dates = ["yyyy-mm-dd", "[h]:mm", "上午/下午h", 'd "x"', "[$-804]yyyy", "mm:ss.0"]
    others = ["General", "0.00", "@", '"dmy"0', r"\d0", "[Red]0", "#,##0_d", "0.0E+00", "[$¥-804]#,##0"]
    assert [shows_dates(code) for code in dates + others] == [True] * len(dates) + [False] * len(others)
    assert unescaped("_x005F_x0041_ _x0041_") == "_x0041_ A"


# The verbs ----------------------------------------------------------------------------------------------


def test_export_and_import_by_command(folder: Path, tmp_path: Path) -> None:
    """What is printed, in both languages, and that the network is one to run."""
    answer = command_line("export-network", folder, tmp_path / "sub" / "b.xlsx")
    assert (answer.code, answer.err) == (0, "")
    assert "wrote " in answer.out
    assert "28 tables, 109 rows; to read it back: logistics import-network" in answer.out
    answer = command_line("import-network", tmp_path / "sub" / "b.xlsx", tmp_path / "new" / "three_gateways")
    assert (answer.code, answer.err) == (0, "")
    assert "18 sites, 8 services, 10 demand rows" in answer.out
    assert_same_network(folder, tmp_path / "new" / "three_gateways")
    assert files_below(tmp_path / "new") == {"three_gateways"} | {
        f"three_gateways/{path.name}" for path in folder.iterdir()
    }
    assert command_line("check", tmp_path / "new" / "three_gateways").code == 0
    answer = command_line("export-network", folder, tmp_path / "c.xlsx", "--lang", "zh")
    assert "28 张数据表" in answer.out


def test_bad_networks_are_not_exported(folder: Path, tmp_path: Path) -> None:
    set_column(folder, "sites", "lat", ["north"])
    before = files_below(tmp_path)
    answer = command_line("export-network", folder, tmp_path / "b.xlsx")
    assert answer.code == 2
    assert answer.err.startswith("three_gateways/sites.csv:2:lat: 'north' is not a number")
    assert command_line("export-network", tmp_path / "nowhere", tmp_path / "b.xlsx").code == 2
    assert files_below(tmp_path) == before


def test_export_never_replaces_what_it_must_not(folder: Path, tmp_path: Path) -> None:
    (tmp_path / "b.xlsx").write_text("mine", "utf-8")
    (tmp_path / "folder.xlsx").mkdir()
    for name, said in {
        "b.xlsx": "the file exists already - name another, or replace it with --force",
        "folder.xlsx": "this exists and is no file",
        "network.csv": "a workbook's name ends with .xlsx, not with '.csv'",
        "b": "a workbook's name ends with .xlsx",
    }.items():
        answer = command_line("export-network", folder, tmp_path / name)
        assert answer.code == 2
        assert said in answer.err
    assert (tmp_path / "b.xlsx").read_text("utf-8") == "mine"
    assert command_line("export-network", folder, tmp_path / "b.xlsx", "--force").code == 0
    assert zipfile.is_zipfile(tmp_path / "b.xlsx")
    assert command_line("export-network", folder, tmp_path / "folder.xlsx", "--force").code == 2
    answer = command_line("export-network", folder, tmp_path / "b.xlsx" / "c.xlsx")
    assert answer.code == 2
    assert "the folder cannot be made below" in answer.err


def test_import_replaces_only_networks_and_only_by_force(
    folder: Path, exported: Path, tmp_path: Path
) -> None:
    """Other things in the folder stay: notes, and the workbook itself."""
    set_column(folder, "sites", "note", ["old"])
    write_csv(
        folder / "demand_by_year.csv", [[c.name for c in sheet_schemas()["demand_by_year"].all_columns]]
    )
    book = Path(shutil.copy(exported, folder / "book.xlsx"))
    (folder / "sub").mkdir()
    (folder / "sub" / "note.txt").write_text("keep", "utf-8")
    (folder / "link").symlink_to("sub")
    answer = command_line("import-network", book, folder)
    assert answer.code == 2
    assert "the folder exists already - name another, or replace it with --force" in answer.err
    assert cells_of(folder / "sites.csv")[1][-1] == "old"
    assert command_line("import-network", book, folder, "--force").code == 0
    assert cells_of(folder / "sites.csv")[1][-1] == ""
    assert not (folder / "demand_by_year.csv").exists()
    assert (folder / "sub" / "note.txt").read_text("utf-8") == "keep"
    assert (folder / "link").is_symlink()
    assert book.read_bytes() == exported.read_bytes()
    assert [path.name for path in tmp_path.iterdir()] == ["three_gateways"]
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "diary.txt").write_text("x", "utf-8")
    for place in (tmp_path / "mine", tmp_path / "mine" / "diary.txt"):
        answer = command_line("import-network", exported, place, "--force")
        assert answer.code == 2
        assert "this exists and is no network folder, so it is not replaced" in answer.err
    assert files_below(tmp_path / "mine") == {"diary.txt"}
    (tmp_path / "empty").mkdir()
    assert command_line("import-network", exported, tmp_path / "empty").code == 0
    assert (tmp_path / "empty" / "network.yaml").is_file()


def test_a_bad_workbook_leaves_the_old_network(folder: Path, tmp_path: Path) -> None:
    """Also when a stray table lies in the folder, which is told with the folder's own place."""
    sheets = as_sheets()
    put("sites", 2, "lat", 100)(sheets)
    book = save(sheets, tmp_path / "bad.xlsx")
    before = {path.name: path.read_bytes() for path in folder.iterdir()}
    assert command_line("import-network", book, folder, "--force").code == 2
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == before
    (folder / "sitse.csv").write_text("x\n", "utf-8")
    answer = command_line("import-network", save(as_sheets(), book), folder, "--force")
    assert answer.code == 2
    assert answer.err.startswith("three_gateways/sitse.csv: no table is called 'sitse'")
    assert (folder / "sitse.csv").is_file()


def test_a_link_to_a_network_stays_a_link(folder: Path, exported: Path, tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(folder)
    assert command_line("import-network", exported, tmp_path / "link", "--force").code == 0
    assert (tmp_path / "link").is_symlink()
    assert_same_network(THREE_GATEWAYS, folder)


def test_an_old_network_is_put_back_when_the_new_one_cannot_be(
    folder: Path, exported: Path, tmp_path: Path
) -> None:
    real, calls = os.replace, []

    def failing(source: object, target: object) -> None:
        calls.append((source, target))
        if len(calls) == 2:
            raise OSError(28, "No space left on device")
        real(source, target)

    before = {path.name: path.read_bytes() for path in folder.iterdir()}
    with mock.patch("os.replace", failing):
        answer = command_line("import-network", exported, folder, "--force")
    assert answer.code == 2
    assert "this cannot be written: No space left on device" in answer.err
    assert len(calls) == 3
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == before
    assert [path.name for path in tmp_path.iterdir()] == ["three_gateways"]


def test_a_disk_that_is_full_is_said(folder: Path, tmp_path: Path) -> None:
    broken = mock.patch.object(
        xlsxwriter.Workbook, "_store_workbook", side_effect=OSError(28, "No space left")
    )
    with broken:
        answer = command_line("export-network", folder, tmp_path / "b.xlsx")
    assert answer.code == 2
    assert "b.xlsx: this cannot be written: " in answer.err
    assert "No space left" in answer.err
    assert [path.name for path in tmp_path.iterdir()] == ["three_gateways"]


def test_imported_network_can_be_run(folder: Path, exported: Path, tmp_path: Path) -> None:
    """The hand-computed optimum of the tiny network, from tables that went through a workbook."""
    (tmp_path / "scenarios").mkdir()
    scenario = tmp_path / "scenarios" / "tiny.yaml"
    scenario.write_text("schema: 1\nname: {zh: 小, en: Tiny}\nnetwork: again\nyears: [2021]\n", "utf-8")
    assert command_line("import-network", exported, tmp_path / "networks" / "again").code == 0
    answer = command_line("run", scenario, "--out", tmp_path / "out", "--json", "-q")
    assert answer.code == 0
    assert json.loads(answer.out)["objective"] == pytest.approx(88_504_340, rel=1e-9)
