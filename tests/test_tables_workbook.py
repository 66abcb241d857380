"""The workbook of a result: every table with every value, heads in words and units, texts that stay texts."""

import math
import re
import zipfile
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from python_calamine import CalamineWorkbook

from logistics.reports.source import Results, read_results
from logistics.reports.tables_workbook import column_unit, number_format, sheet_name, write_tables_workbook
from logistics.words.columns_en import COLUMNS as ENGLISH
from logistics.words.columns_zh import COLUMNS as CHINESE
from tests.report_results import STUDIES, hostile_names, reported, solved


@pytest.fixture(scope="module", params=list(STUDIES))
def folder(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Results of each kind of study, with hostile names, reported."""
    return reported(tmp_path_factory.mktemp(request.param), study=request.param, names=hostile_names())


def tables(folder: Path) -> dict[str, pa.Table]:
    """Tables at the top of a folder."""
    return {path.stem: pq.read_table(path) for path in sorted(folder.glob("*.parquet"))}


def test_every_value_of_every_table_is_there(folder: Path) -> None:
    """A sheet a table; blank where the table is blank; numbers to the last digit."""
    book = CalamineWorkbook.from_path(str(folder / "tables.xlsx"))
    known = tables(folder)
    assert book.sheet_names == ["说明 guide", *(sheet_name(name) for name in known)]
    for name, table in known.items():
        rows = book.get_sheet_by_name(sheet_name(name)).to_python()
        heads, *cells = rows
        assert [head.split("\n")[1] for head in heads] == table.column_names
        expected = [
            [
                "" if cell is None or (isinstance(cell, float) and not math.isfinite(cell)) else cell
                for cell in row.values()
            ]
            for row in table.to_pylist()
        ]
        assert cells == expected, name


def test_no_cell_is_a_formula_or_a_link(folder: Path) -> None:
    """Names that begin with `=`, `@` or `https:` are texts of the shared list."""
    with zipfile.ZipFile(folder / "tables.xlsx") as parts:
        names = parts.namelist()
        sheets = [
            parts.read(name).decode() for name in names if re.match(r"xl/worksheets/sheet\d+\.xml", name)
        ]
        strings = parts.read("xl/sharedStrings.xml").decode()
    assert sheets
    assert not [sheet for sheet in sheets if "<f>" in sheet or "<hyperlink" in sheet]
    assert not [
        name for name in names if "externalLink" in name or (name.endswith(".rels") and "worksheets" in name)
    ]
    assert "=cmd|" in strings


def test_heads_are_frozen_and_can_be_filtered(folder: Path) -> None:
    """Each table's sheet has a frozen head, a filter, and formats of its numbers."""
    with zipfile.ZipFile(folder / "tables.xlsx") as parts:
        count = len(tables(folder))
        sheets = [parts.read(f"xl/worksheets/sheet{i}.xml").decode() for i in range(2, count + 2)]
        styles = parts.read("xl/styles.xml").decode()
    for sheet in sheets:
        assert '<pane xSplit="1" ySplit="1" topLeftCell="B2"' in sheet
        assert "<autoFilter ref=" in sheet
    assert 'formatCode="#,##0.0"' in styles
    assert 'formatCode="0.0%"' in styles


def test_first_sheet_explains_the_others(folder: Path) -> None:
    """What the book is, in both languages; each sheet with its rows; each column with its unit."""
    book = CalamineWorkbook.from_path(str(folder / "tables.xlsx"))
    rows = book.get_sheet_by_index(0).to_python()
    said = "\n".join(str(cell) for row in rows for cell in row)
    assert "结果文件夹中的各张数据表" in said
    assert "Tables of the results folder" in said
    listed = {row[1]: row[4] for row in rows if row[1] and row[0] == sheet_name(str(row[1]))}
    assert listed == {name: table.num_rows for name, table in tables(folder).items()}
    columns = {(row[0], row[1]): row[4] for row in rows}
    assert columns[("modes", "tonnes")] == "t"
    assert columns[("bill", "cny")] == "CNY"
    assert columns[("segment_times", "p50_h")] == "h"


def test_every_table_and_column_has_words(folder: Path) -> None:
    """In both languages; a new column of a study needs its line."""
    assert ENGLISH.keys() == CHINESE.keys()
    for name, table in tables(folder).items():
        assert f"report.sheet.{name}" in CHINESE
        assert [column for column in table.column_names if f"report.column.{column}" not in CHINESE] == []


def test_units_and_formats_follow_the_name() -> None:
    """Units stand at the end of names; shares are percentages."""
    assert [column_unit(name) for name in ("tonnes", "money_cny", "mean_h", "capacity_m3", "gap")] == [
        "t",
        "CNY",
        "h",
        "m³",
        "",
    ]
    assert number_format("share_within_promise") == "0.0%"
    assert number_format("year") == "0"
    assert number_format("worth_cny") == "#,##0"


def test_rows_that_do_not_fit_are_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A table of more rows than a sheet takes is cut, and the first sheet says so."""
    monkeypatch.setattr("logistics.reports.tables_workbook.MOST_ROWS", 3)
    results = read_results(solved(tmp_path))
    path = tmp_path / "cut.xlsx"
    write_tables_workbook(results, path)
    book = CalamineWorkbook.from_path(str(path))
    assert len(book.get_sheet_by_name(sheet_name("times")).to_python()) == 4
    said = "\n".join(str(row[3]) for row in book.get_sheet_by_index(0).to_python())
    assert "all are in times.parquet" in said


def test_an_unknown_table_gets_a_sheet_all_the_same(tmp_path: Path) -> None:
    """What a later study writes is shown under its own names."""
    results = read_results(solved(tmp_path))
    table = pa.table({"year": [2021], "a_rather_long_name_of_a_column_cny": [1.5], "flag": [True]})
    name = "a_table_with_a_name_of_more_than_31_letters"
    more = Results(**{**vars_of(results), "tables": {name: table}})
    path = tmp_path / "more.xlsx"
    write_tables_workbook(more, path)
    rows = CalamineWorkbook.from_path(str(path)).get_sheet_by_name(name[:31]).to_python()
    assert rows[1] == [2021, 1.5, True]
    assert rows[0][1].endswith("CNY")


def vars_of(results: Results) -> dict[str, object]:
    """Fields of results."""
    return {name: getattr(results, name) for name in Results.__dataclass_fields__}
