"""From a workbook to a network folder: cells become the CSV files that :func:`read_network` reads and checks.

Only what a CSV file cannot hold is judged here: dates, errors, formulas without a value, columns without a
name, sheets that are no table. All else is found by the checks of the folder and told with row and column of
the sheet.
"""

from __future__ import annotations

import csv
import re
from array import array
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path

from logistics.errors import InputError, Problem, Where, did_you_mean, stop_on_errors
from logistics.network.columns import Column, TableSchema
from logistics.network.folder import read_network
from logistics.network.network import Network
from logistics.network.read import MAX_PROBLEMS_PER_COLUMN
from logistics.network.spreadsheet_cells import LARGEST_EXACT, Cell, column_letters, number_text
from logistics.network.spreadsheet_file import SpreadsheetFile
from logistics.network.workbook_layout import GUIDE, LINE, TEXT, TEXT_FILES, sheet_schemas

_NO_VALUE = {"date": "workbook.date", "error": "workbook.error", "formula": "workbook.formula"}
_FLAGS = {"true": "yes", "false": "no", "yes": "yes", "no": "no"}
_NOT_IN_CSV = re.compile(r"[\x00-\x08\x0a-\x1f\x7f]")
Rows = Iterator[tuple[int, list[Cell]]]


@dataclass
class _Sheet:
    """A sheet on its way into a file.

    Parameters
    ----------
    shown
        Its name for messages.
    rows
        ``rows[i]`` is the sheet's row of line ``i + 1`` of the file; empty when there is no file.
    """

    shown: str
    problems: list[Problem] = field(default_factory=list)
    rows: array[int] = field(default_factory=lambda: array("L"))
    _told: Counter[tuple[str, str]] = field(default_factory=Counter)

    def tell(self, code: str, row: int, column: str, found: str = "", allowed: str = "") -> None:
        """Note a finding; of many alike in a column, how many more."""
        self._told[code, column] += 1
        if self._told[code, column] <= MAX_PROBLEMS_PER_COLUMN:
            self.problems.append(Problem(code, Where(self.shown, row, column), found, allowed, column))

    def findings(self) -> list[Problem]:
        """Everything noted."""
        more = [
            Problem("table.more", Where(self.shown, 0, column), str(count - MAX_PROBLEMS_PER_COLUMN))
            for (_, column), count in self._told.items()
            if count > MAX_PROBLEMS_PER_COLUMN
        ]
        return self.problems + more


def read_workbook(path: Path, folder: Path) -> tuple[Network, list[Problem]]:
    """Write the network of a workbook into `folder` and check it.

    Parameters
    ----------
    path
        The .xlsx file.
    folder
        An existing folder; the network gets its name. What is in it stays and is checked as well.

    Returns
    -------
    Network, list of Problem
        The network and the warnings.

    Raises
    ------
    InputError
        With every problem, placed in the workbook; what stands in `folder` then is of no use.
    """
    sheets: dict[str, _Sheet] = {}
    with SpreadsheetFile(path, path.name) as book:
        problems = list(_check_names(book, path.name))
        for name, schema in sheet_schemas().items():
            sheet = sheets[f"{name}.csv"] = _Sheet(f"{path.name}: {name}")
            if name in book.sheet_names:
                _write_table(sheet, schema, book.rows(name), folder / f"{name}.csv")
        for name in TEXT_FILES:
            sheet = sheets[name] = _Sheet(f"{path.name}: {name}")
            if name in book.sheet_names:
                _write_text(sheet, book.rows(name), folder / name)
    for sheet in sheets.values():
        problems += sheet.findings()
    told = {problem.where for problem in problems}
    network = None
    try:
        network, found = read_network(folder)
    except InputError as error:
        found = list(error.problems)
    for problem in found:
        # A sheet that is missing, and a cell that no file can hold, were told of above.
        file = problem.where.file.removeprefix(f"{folder.name}/")
        source = sheets.get(file)
        if source is None:
            problems.append(problem)
        elif source.rows and not (file in TEXT_FILES and source.problems):
            placed = _in_sheet(problem, source)
            problems += [] if placed.where in told else [placed]
    stop_on_errors(problems)
    if network is None:
        raise AssertionError("the folder was refused without a problem")
    return network, problems


def _check_names(book: SpreadsheetFile, shown: str) -> Iterator[Problem]:
    """Tables and network.yaml have a sheet; a sheet that is called almost like a missing one is an error."""
    schemas = sheet_schemas()
    known = [*schemas, *TEXT_FILES]
    meant = set()
    for name in book.sheet_names:
        if name in known or name == GUIDE:
            continue
        hint = did_you_mean(name.strip(), known)
        where = Where(f"{shown}: {name}")
        if hint and hint not in book.sheet_names:
            meant.add(hint)
            yield Problem("workbook.unknown_sheet", where, name, ", ".join(known), remedy=hint)
        else:
            yield Problem("workbook.sheet_not_read", where, name, severity="warning")
    for name in [name for name, schema in schemas.items() if not schema.optional] + [TEXT_FILES[0]]:
        if name not in book.sheet_names and name not in meant:
            yield Problem("workbook.no_sheet", Where(f"{shown}: {name}"), name)


def _write_table(sheet: _Sheet, schema: TableSchema, rows: Rows, path: Path) -> None:
    """Write a sheet as a CSV file; a table that may be left out only when it has rows."""
    start, header = next(rows, (1, []))
    names = {cell.column: _plain(cell) for cell in header}
    names = {column: name for column, name in names.items() if name}
    known = {column.name: column for column in schema.all_columns}
    if not names.keys() or not set(names.values()) & known.keys():
        if header or not schema.optional:
            found = next(iter(names.values()), "")
            sheet.tell("workbook.no_header", start, "", found, ", ".join(known))
        return
    places = {column: number for number, column in enumerate(names)}
    kinds = {column: known.get(name, Column(name, "text", "")) for column, name in names.items()}
    nameless: set[int] = set()
    with path.open("w", encoding="utf-8", newline="") as file:
        out = csv.writer(file, lineterminator="\n")
        out.writerow(names.values())
        sheet.rows.append(start)
        for row, cells in rows:
            texts = [""] * len(names)
            for cell in cells:
                if cell.column in places:
                    texts[places[cell.column]] = _csv_text(cell, kinds[cell.column], sheet, row)
                elif cell.column not in nameless and _plain(cell):
                    nameless.add(cell.column)
                    letters = column_letters(cell.column)
                    sheet.tell("workbook.no_column_name", row, letters, _plain(cell))
            if any(texts):
                out.writerow(texts)
                sheet.rows.append(row)
    if schema.optional and len(sheet.rows) == 1:
        path.unlink()


def _csv_text(cell: Cell, column: Column, sheet: _Sheet, row: int) -> str:
    """Text of a cell in the file; what is no text, number or flag is told of."""
    if cell.kind in _NO_VALUE:
        sheet.tell(_NO_VALUE[cell.kind], row, column.name, str(cell.value))
        # Something must stand there, so that rows without anything are only those that are blank.
        return _plain(cell) or "?"
    words = _plain(cell)
    if column.kind == "flag":
        return _FLAGS.get(words.lower(), words)
    if cell.kind == "number":
        value = float(cell.value)
        spoilt = abs(value) >= LARGEST_EXACT or (column.kind in ("id", "list") and not value.is_integer())
        if column.kind not in ("number", "integer") and spoilt:
            sheet.tell("workbook.spoilt_id", row, column.name, words)
    elif _NOT_IN_CSV.search(words):
        sheet.tell("table.text", row, column.name, words)
        return _NOT_IN_CSV.sub(" ", words)
    return words


def _plain(cell: Cell) -> str:
    """What a cell holds, as text; numbers with all their digits."""
    if cell.kind == "number":
        return number_text(float(cell.value))
    if cell.kind == "flag":
        return str(cell.value).upper()
    return str(cell.value).strip()


def _write_text(sheet: _Sheet, rows: Rows, path: Path) -> None:
    """Write a sheet of lines as the file they come from; nothing when there are none."""
    start, header = next(rows, (1, []))
    column = next((cell.column for cell in header if _plain(cell) == TEXT), None)
    if column is None:
        sheet.tell("workbook.no_header", start, "", _plain(header[0]) if header else "", f"{LINE}, {TEXT}")
        return
    lines: list[str] = []
    for row, cells in rows:
        # Rows that hold nothing are not handed over: they are blank lines.
        lines += [""] * (row - start - 1 - len(lines))
        parts = []
        for cell in cells:
            if cell.column >= column:
                if cell.kind in _NO_VALUE:
                    sheet.tell(_NO_VALUE[cell.kind], row, TEXT, str(cell.value))
                parts.append(str(cell.value) if cell.kind == "text" else _plain(cell))
        lines.append("".join(parts))
    if lines or path.name == TEXT_FILES[0]:
        path.write_bytes("\n".join(lines).encode("utf-8"))
        sheet.rows.extend(range(start + 1, start + 1 + max(1, len(lines))))


def _in_sheet(problem: Problem, sheet: _Sheet) -> Problem:
    """The same finding with its place in the sheet."""
    row = _row_of(problem.where.line, sheet)
    placed = replace(problem, where=replace(problem.where, file=sheet.shown, line=row))
    if problem.code == "table.duplicate" and problem.allowed.isdigit():
        return replace(placed, allowed=str(_row_of(int(problem.allowed), sheet)))
    return placed


def _row_of(line: int, sheet: _Sheet) -> int:
    return sheet.rows[line - 1] if 0 < line <= len(sheet.rows) else line
