"""From a network folder to a workbook that planners edit: one sheet a table, and one that explains.

Texts are text cells, whatever they begin with; numbers keep all their digits; what is blank in the file is
blank in the sheet. The same folder gives the same bytes.
"""

from __future__ import annotations

import errno
from dataclasses import dataclass
from datetime import datetime
from math import ceil
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as pacsv
import xlsxwriter
from xlsxwriter.exceptions import FileCreateError

from logistics.encodings import guessed_encoding
from logistics.errors import Problem, Where, stop_on_errors
from logistics.network.columns import Column, TableSchema
from logistics.network.spreadsheet_cells import MAX_ROWS
from logistics.network.workbook_cells import SAFE_OPTIONS, TEXT_FORMAT, ExactNumber, TextCells, text_runs
from logistics.network.workbook_guide import allowed_words, guide_rows
from logistics.network.workbook_layout import GUIDE, LINE, TEXT, TEXT_FILES, sheet_schemas

MOST_CELLS_IN_MEMORY = 2_000_000
"""Larger workbooks go to the disk row by row, with texts in their cells instead of in one shared list."""
PIECE = 16_000
"""Characters of a line in one cell, of which Excel takes 32,767 UTF-16 units."""
MAX_LIST_CHARACTERS = 255
MOST_DECIMALS = 4
GUIDE_WIDTHS = (26, 30, 36, 14, 70, 66, 42)
BATCH_ROWS = 10_000


def write_workbook(folder: Path, path: Path) -> None:
    """Write the network in `folder`, which :func:`read_network` accepts, as the workbook `path`.

    Raises
    ------
    InputError
        When something does not fit: a table of more rows than a sheet has, a README that is not UTF-8.
    OSError
        When the file cannot be written.
    """
    problems: list[Problem] = []
    tables = {name: _cells(folder / f"{name}.csv", schema) for name, schema in sheet_schemas().items()}
    for name, table in tables.items():
        if table.num_rows >= MAX_ROWS:
            where = Where(f"{folder.name}/{name}.csv")
            problems.append(Problem("workbook.too_many_rows", where, str(table.num_rows), str(MAX_ROWS - 1)))
    texts = {name: _lines(folder / name, problems) for name in TEXT_FILES if (folder / name).is_file()}
    stop_on_errors(problems)
    cells = sum(table.num_rows * table.num_columns for table in tables.values())
    options = {**SAFE_OPTIONS, "constant_memory": cells > MOST_CELLS_IN_MEMORY, "tmpdir": str(path.parent)}
    try:
        with xlsxwriter.Workbook(str(path), options) as book:
            # A fixed day, so that the file says nothing about when it was written.
            book.set_properties({"title": folder.name, "created": datetime(2000, 1, 1)})  # noqa: DTZ001
            styles = _Styles(book)
            _write_guide(book.add_worksheet(GUIDE), styles, folder.name, tables)
            for name, schema in sheet_schemas().items():
                _write_table(book.add_worksheet(name), styles, schema, tables[name])
            for name, lines in texts.items():
                _write_lines(book.add_worksheet(name), styles, lines)
    except FileCreateError as error:
        raise OSError(errno.EIO, str(error), str(path)) from error


class _Styles:
    """Formats of cells, made once."""

    def __init__(self, book: xlsxwriter.Workbook) -> None:
        head = {"bold": True, "font_color": "#FFFFFF", "valign": "top"}
        self.title = book.add_format({"bold": True, "font_size": 14})
        self.text = book.add_format({"num_format": TEXT_FORMAT})
        self.wrapped = book.add_format({"num_format": TEXT_FORMAT, "text_wrap": True, "valign": "top"})
        self.required = book.add_format({**head, "bg_color": "#1F4E79"})
        self.optional = book.add_format({**head, "bg_color": "#7F7F7F"})
        self.texts = TextCells(book)
        self._book = book
        self._numbers: dict[str, Any] = {}

    def number(self, form: str) -> Any:
        """Format of numbers such as ``#,##0.00``."""
        if form not in self._numbers:
            self._numbers[form] = self._book.add_format({"num_format": form})
        return self._numbers[form]


@dataclass(frozen=True)
class _Look:
    """How a column looks: its format, and its width in characters."""

    form: Any
    width: float


def _cells(path: Path, schema: TableSchema) -> pa.Table:
    """All cells of a CSV file as strings, in the file's order; only names when there is no file."""
    if not path.exists():
        return pa.table({column.name: pa.array([], pa.string()) for column in schema.all_columns})
    names = pacsv.open_csv(path).schema.names
    table = pacsv.read_csv(
        path,
        convert_options=pacsv.ConvertOptions(
            column_types={name: pa.string() for name in names}, strings_can_be_null=False
        ),
    )
    return pa.table({name: pc.utf8_trim_whitespace(table[name]) for name in names})


def _lines(path: Path, problems: list[Problem]) -> list[str]:
    """Lines of a text file; the last one is what stands after the last line end."""
    data = path.read_bytes()
    try:
        return data.decode("utf-8").split("\n")
    except UnicodeDecodeError as error:
        where = Where(f"{path.parent.name}/{path.name}", data[: error.start].count(b"\n") + 1)
        problems.append(Problem("yaml.encoding", where, guessed_encoding(data), "UTF-8"))
        return []


def _write_table(sheet: Any, styles: _Styles, schema: TableSchema, table: pa.Table) -> None:
    """Header with a note of each column, then the rows."""
    columns = [schema.column(name) for name in table.column_names]
    last = max(table.num_rows, 1)
    looks = [_look(column, table[column.name], styles) for column in columns]
    for place, (column, look) in enumerate(zip(columns, looks, strict=True)):
        sheet.set_column(place, place, look.width, look.form)
        note = f"{column.meaning}: {allowed_words(column)}"
        sheet.data_validation(
            0,
            place,
            0,
            place,
            {"validate": "any", "input_title": column.name[:32], "input_message": note[:255]},
        )
        choices = ["yes", "no"] if column.kind == "flag" else list(column.choices)
        if column.kind in ("flag", "choice") and len(",".join(choices)) <= MAX_LIST_CHARACTERS:
            sheet.data_validation(1, place, MAX_ROWS - 1, place, {"validate": "list", "source": choices})
    sheet.freeze_panes(1, 1)
    sheet.autofilter(0, 0, last, len(columns) - 1)
    for place, column in enumerate(columns):
        style = styles.required if column.required else styles.optional
        sheet.write_string(0, place, column.name, style)
    numeric = [column.kind in ("number", "integer") for column in columns]
    row = 0
    for batch in table.to_batches(max_chunksize=BATCH_ROWS):
        for cells in zip(*(column.to_pylist() for column in batch.columns), strict=True):
            row += 1
            for place, words in enumerate(cells):
                if not words:
                    continue
                if numeric[place]:
                    sheet.write_number(row, place, ExactNumber(words), looks[place].form)
                else:
                    styles.texts.write(sheet, row, place, words, looks[place].form)


def _look(column: Column, cells: pa.ChunkedArray, styles: _Styles) -> _Look:
    """Format and width that show every cell; a number has the decimals that its column needs."""
    # As in _width.
    most = pc.max(pc.add(pc.utf8_length(cells), pc.binary_length(cells))).as_py() or 0
    width = min(60.0, max(8.0, len(column.name) + 3.0, most / 2 + 2))
    if column.kind == "integer":
        return _Look(styles.number("0"), width)
    if column.kind != "number":
        return _Look(styles.text, width)
    bare = pc.replace_substring_regex(cells, r"(\.\d*?)0+$", r"\1")
    point = pc.find_substring(bare, ".")
    behind = pc.subtract(pc.subtract(pc.utf8_length(bare), point), 1)
    places = pc.max(pc.if_else(pc.less(point, 0), 0, behind)).as_py() or 0
    odd = pc.any(pc.match_substring(cells, "e", ignore_case=True)).as_py()
    if not pc.any(pc.not_equal(cells, "")).as_py() or odd or places > MOST_DECIMALS:
        return _Look(styles.number("General"), width)
    return _Look(styles.number("#,##0" + ("." + "0" * places if places else "")), width)


def _width(words: str) -> float:
    """Half of characters plus bytes: one for a letter, two for a Chinese character."""
    return (len(words) + len(words.encode())) / 2


def _write_guide(sheet: Any, styles: _Styles, network: str, tables: dict[str, pa.Table]) -> None:
    counts = {name: table.num_rows for name, table in tables.items()}
    for place, width in enumerate(GUIDE_WIDTHS):
        sheet.set_column(place, place, width)
    for row, (kind, cells) in enumerate(guide_rows(network, counts)):
        if kind == "row":
            lines = [ceil(_width(str(words)) / (GUIDE_WIDTHS[i] - 2)) for i, words in enumerate(cells)]
            sheet.set_row(row, 15 * max(1, *lines))
        style = {"title": styles.title, "head": styles.required, "row": styles.wrapped}.get(kind)
        for place, words in enumerate(cells):
            if isinstance(words, int):
                sheet.write_number(row, place, words, styles.number("#,##0"))
            elif words:
                styles.texts.write(sheet, row, place, words, style)


def _write_lines(sheet: Any, styles: _Styles, lines: list[str]) -> None:
    """One row a line; its number stands beside it, so that blank lines at the end are not lost."""
    sheet.set_column(0, 0, 8, styles.number("0"))
    sheet.set_column(1, 1, 120, styles.text)
    sheet.freeze_panes(1, 0)
    sheet.write_string(0, 0, LINE, styles.optional)
    sheet.write_string(0, 1, TEXT, styles.required)
    for row, line in enumerate(lines, 1):
        sheet.write_number(row, 0, row)
        pieces = [line[start : start + PIECE] for start in range(0, len(line), PIECE)]
        for place, run in enumerate((run for piece in pieces for run in text_runs(piece)), 1):
            sheet.write_string(row, place, run, styles.text)
