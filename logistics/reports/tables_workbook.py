"""The workbook of a result: one sheet a table of the results folder, and one before them that explains.

Texts are text cells, whatever they begin with; numbers are as stored. The same folder gives the same bytes.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

import pyarrow as pa
import xlsxwriter

from logistics.network.spreadsheet_cells import MAX_ROWS
from logistics.network.workbook_cells import SAFE_OPTIONS, TEXT_FORMAT, ExactNumber, TextCells
from logistics.network.workbook_guide import unit
from logistics.reports.blocks import Words, given, say
from logistics.reports.source import Results

GUIDE_WIDTHS = (30, 34, 30, 30, 12)
LONGEST_NAME = 31
"""Characters of a sheet's name."""
MOST_ROWS = MAX_ROWS - 1
WIDEST = 60
HEAD_HEIGHT = 48
NOTES = ("what", "how", "names", "left_out")
HOURS = (
    *("hours", "hours_before", "hours_after", "hours_more"),
    *("customer_hours_mean", "customer_hours_saved", "total_hours"),
)
UNITS = {"regret": "", "parcels": "", "teu": "TEU", "days": "d", **dict.fromkeys(HOURS, "h")}
"""Units that the name of a column does not end with."""
DAYS = ("days_p50", "days_p90")
SHARES = ("share", "load_factor", "relaxation", "doubt_to_next", "overlap", "probability", "utilisation")
WHOLE = (
    *("year", "stated_year", "opens", "rank", "rank_best", "rank_worst", "seq", "leg", "point", "next_point"),
    *("options", "routes", "sites", "open", "opened", "days"),
)
"""Columns that count or name; a year has no thousands."""


def write_tables_workbook(results: Results, path: Path) -> None:
    """Write the tables at the top of a results folder as the workbook `path`.

    Raises
    ------
    OSError
        When the file cannot be written.
    """
    options = {**SAFE_OPTIONS, "constant_memory": False, "tmpdir": str(path.parent)}
    with xlsxwriter.Workbook(str(path), options) as book:
        # A fixed day, so that the file says nothing about when it was written.
        book.set_properties({"title": path.stem, "created": datetime(2000, 1, 1)})  # noqa: DTZ001
        sheets = _Sheets(book)
        names = {name: sheet_name(name) for name in results.tables}
        sheets.write_guide(results, names)
        for name, table in results.tables.items():
            sheets.write_table(names[name], table)


def sheet_name(table: str) -> str:
    """Name of a table's sheet: Chinese, then that of the table."""
    words = _words(f"report.sheet.{table}", table)
    return f"{words.zh} {table}"[:LONGEST_NAME] if words.zh != table else table[:LONGEST_NAME]


def column_unit(name: str) -> str:
    """Unit of a column, by its name."""
    if name in UNITS:
        return UNITS[name]
    if _is_share(name):
        return ""
    return "d" if name.endswith(DAYS) else unit(name)


def _is_share(name: str) -> bool:
    return any(f"_{word}_" in f"_{name}_" for word in SHARES)


def number_format(name: str) -> str:
    """How the numbers of a column are shown."""
    if name in WHOLE:
        return "0"
    if name == "gap":
        return "0.00E+00"
    if _is_share(name):
        return "0.0%"
    return {"CNY": "#,##0", "t": "#,##0.0", "h": "#,##0.0", "d": "#,##0.0", "m³": "#,##0.0"}.get(
        column_unit(name), "#,##0.00"
    )


def _words(key: str, otherwise: str) -> Words:
    try:
        return say(key)
    except KeyError:
        return given(otherwise)


class _Sheets:
    """The book with its formats, made once."""

    def __init__(self, book: Any) -> None:
        self._book = book
        self._texts = TextCells(book)
        dark = {
            "bold": True,
            "font_color": "#FFFFFF",
            "bg_color": "#10293F",
            "valign": "top",
            "text_wrap": True,
        }
        self._head = book.add_format(dark)
        self._title = book.add_format({"bold": True, "font_size": 14})
        self._text = book.add_format({"num_format": TEXT_FORMAT})
        self._wrapped = book.add_format({"num_format": TEXT_FORMAT, "text_wrap": True, "valign": "top"})
        self._numbers: dict[str, Any] = {}

    def write_guide(self, results: Results, names: Mapping[str, str]) -> None:
        """Explain the sheets and every column of theirs."""
        guide = say("report.workbook.guide")
        sheet = self._book.add_worksheet(f"{guide.zh} {guide.en}")
        for place, width in enumerate(GUIDE_WIDTHS):
            sheet.set_column(place, place, width)
        scenario = results.document["scenario"]["name"]
        self._texts.write(sheet, 0, 0, f"{scenario['zh']} {scenario['en']}".strip() or "–", self._title)
        row = 2
        for note in NOTES:
            words = say(f"report.workbook.{note}")
            for said in (words.zh, words.en):
                sheet.write_string(row, 0, said)
                row += 1
        row = self._listed(
            sheet, row + 1, ("sheet", "table", "shows", "shows", "rows"), _sheet_lines(results, names)
        )
        self._listed(sheet, row + 1, ("table", "column", "shows", "shows", "unit"), _column_lines(results))

    def _listed(self, sheet: Any, row: int, heads: tuple[str, ...], lines: list[list[str | int]]) -> int:
        for place, key in enumerate(heads):
            words = say("term.unit" if key == "unit" else f"report.workbook.{key}")
            sheet.write_string(row, place, f"{words.zh} {words.en}", self._head)
        for line in lines:
            row += 1
            for place, cell in enumerate(line):
                if isinstance(cell, int):
                    sheet.write_number(row, place, cell)
                elif cell:
                    self._texts.write(sheet, row, place, cell, self._wrapped)
        return row + 1

    def write_table(self, name: str, table: pa.Table) -> None:
        """Head, then rows; what does not fit into a sheet is said in the last one."""
        sheet = self._book.add_worksheet(name)
        kept = table.slice(0, MOST_ROWS)
        for place, column in enumerate(table.column_names):
            sheet.set_column(place, place, _width(column, kept[column]))
            words = _words(f"report.column.{column}", column)
            lines = [words.zh, column, column_unit(column)]
            sheet.write_string(0, place, "\n".join(lines), self._head)
            self._write_column(sheet, place, column, kept[column])
        sheet.set_row(0, HEAD_HEIGHT)
        sheet.freeze_panes(1, 1)
        sheet.autofilter(0, 0, max(kept.num_rows, 1), max(table.num_columns - 1, 0))

    def _write_column(self, sheet: Any, place: int, name: str, cells: pa.ChunkedArray) -> None:
        numeric = pa.types.is_floating(cells.type) or pa.types.is_integer(cells.type)
        form = self._number(number_format(name)) if numeric else self._text
        for row, cell in enumerate(cells.to_pylist(), 1):
            if cell is None or cell == "" or (isinstance(cell, float) and not math.isfinite(cell)):
                continue
            if isinstance(cell, bool):
                sheet.write_boolean(row, place, cell)
            elif numeric:
                sheet.write_number(row, place, ExactNumber(cell), form)
            else:
                self._texts.write(sheet, row, place, str(cell), form)

    def _number(self, form: str) -> Any:
        if form not in self._numbers:
            self._numbers[form] = self._book.add_format({"num_format": form})
        return self._numbers[form]


def _sheet_lines(results: Results, names: Mapping[str, str]) -> list[list[str | int]]:
    lines: list[list[str | int]] = []
    for name, table in results.tables.items():
        words = _words(f"report.sheet.{name}", name)
        cut = table.num_rows > MOST_ROWS
        more = say("report.workbook.cut", count=table.num_rows, name=name) if cut else given("")
        lines.append(
            [
                names[name],
                name,
                f"{words.zh} {more.zh}".strip(),
                f"{words.en} {more.en}".strip(),
                table.num_rows,
            ]
        )
    return lines


def _column_lines(results: Results) -> list[list[str | int]]:
    lines: list[list[str | int]] = []
    for name, table in results.tables.items():
        for column in table.column_names:
            words = _words(f"report.column.{column}", column)
            lines.append([name, column, words.zh, words.en, column_unit(column)])
    return lines


def _width(name: str, cells: pa.ChunkedArray) -> float:
    """Characters that show most cells of a column."""
    if not pa.types.is_string(cells.type):
        return float(max(13, len(name) + 2))
    longest = max(
        (len(cell) + sum(ord(c) > 0x2E80 for c in cell) for cell in cells.to_pylist() if cell), default=0
    )
    return float(min(WIDEST, max(10, len(name) + 2, longest + 2)))
