"""Reading one CSV table of a network folder: bytes → checked ``pyarrow.Table`` or problems.

Nothing is guessed: another encoding, a byte-order mark, Windows line ends, missing or extra columns are
reported with what to do. All problems of a file are collected.
"""

from __future__ import annotations

import io
import re
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as pacsv

from logistics.encodings import guessed_encoding
from logistics.errors import Problem, Where, did_you_mean
from logistics.network.columns import ID_PATTERN, Column, TableSchema
from logistics.network.windows import parse_windows

MAX_PROBLEMS_PER_COLUMN = 20
MAX_FILE_BYTES = 1_000_000_000
NUMBER_PATTERN = r"^[+-]?((\d+\.?\d*|\.\d+)([eE][+-]?\d+)?|[nN][aA][nN]|[iI][nN][fF])$"
_CONTROL = r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]"


def read_table(
    path: Path, schema: TableSchema, problems: list[Problem], shown_as: str | None = None
) -> pa.Table | None:
    """Read and check one table.

    Parameters
    ----------
    path
        The CSV file.
    schema
        What its columns must be.
    problems
        Findings are appended here.
    shown_as
        File name for messages; the file's own name when omitted.

    Returns
    -------
    pa.Table or None
        Columns in schema order with their types; None when the file cannot be read as a table at all.
    """
    shown = shown_as or path.name
    text = _decoded(path, shown, problems)
    if text is None:
        return None
    raw = _parsed(text, shown, problems)
    if raw is None or not _header_fits(raw, schema, shown, problems):
        return None
    return checked_table(raw, schema, problems, shown)


def checked_table(raw: pa.Table, schema: TableSchema, problems: list[Problem], shown: str) -> pa.Table:
    """Turn a table of strings into typed columns; blank cells of optional columns become their default."""
    columns = {}
    for column in schema.all_columns:
        if column.name in raw.column_names:
            cells = raw.column(column.name).combine_chunks()
        else:
            cells = pa.array([""] * raw.num_rows, pa.string())
        columns[column.name] = _typed(cells, column, shown, problems)
    table = pa.table(columns)
    _check_unique(table, schema, shown, problems)
    return table


def _decoded(path: Path, shown: str, problems: list[Problem]) -> bytes | None:
    """Bytes of the file if they are plain UTF-8 with Unix line ends."""
    where = Where(shown)
    try:
        if path.stat().st_size > MAX_FILE_BYTES:
            problems.append(Problem("table.too_large", where, str(path.stat().st_size), str(MAX_FILE_BYTES)))
            return None
        data = path.read_bytes()
    except OSError as error:
        problems.append(Problem("table.unreadable", where, str(error.strerror)))
        return None
    if data.startswith((b"\xff\xfe", b"\xfe\xff")):
        problems.append(Problem("table.encoding", Where(shown, 1), "UTF-16", "UTF-8"))
        return None
    found = len(problems)
    if data.startswith(b"\xef\xbb\xbf"):
        problems.append(Problem("table.bom", Where(shown, 1), "UTF-8 BOM", "UTF-8"))
    if b"\r" in data:
        line = data[: data.index(b"\r")].count(b"\n") + 1
        problems.append(
            Problem("table.line_ends", Where(shown, line), "CR LF" if b"\r\n" in data else "CR", "LF")
        )
    try:
        data.decode("utf-8")
    except UnicodeDecodeError as error:
        line = data[: error.start].count(b"\n") + 1
        problems.append(Problem("table.encoding", Where(shown, line), guessed_encoding(data), "UTF-8"))
        return None
    return data if len(problems) == found else None


def _parsed(data: bytes, shown: str, problems: list[Problem]) -> pa.Table | None:
    """All cells as strings, or None with a problem per malformed row."""
    if not data.strip():
        problems.append(Problem("table.empty", Where(shown)))
        return None
    if not data.endswith(b"\n"):
        data += b"\n"
    lines = data.split(b"\n")[:-1]
    blank = [number for number, line in enumerate(lines, 1) if not line.strip()]
    if blank:
        problems.append(Problem("table.blank_line", Where(shown, blank[0])))
        return None
    header = lines[0].decode("utf-8")
    names = next(iter(_csv_rows(header)))
    doubled = sorted({name for name in names if names.count(name) > 1})
    if doubled:
        problems.append(Problem("table.duplicate_column", Where(shown, 1), subject=", ".join(doubled)))
        return None
    bad_rows: list[tuple[int, int]] = []

    def note(row: pacsv.InvalidRow) -> str:
        bad_rows.append((row.number or 0, row.actual_columns))
        return "skip"

    try:
        table = pacsv.read_csv(
            io.BytesIO(data),
            read_options=pacsv.ReadOptions(use_threads=False),
            parse_options=pacsv.ParseOptions(newlines_in_values=False, invalid_row_handler=note),
            convert_options=pacsv.ConvertOptions(
                column_types={name: pa.string() for name in names}, strings_can_be_null=False
            ),
        )
    except pa.ArrowInvalid as error:
        problems.append(Problem("table.malformed", Where(shown), str(error)))
        return None
    for number, actual in bad_rows:
        problems.append(Problem("table.cell_count", Where(shown, number), str(actual), str(len(names))))
    if bad_rows:
        return None
    if table.num_rows != len(lines) - 1:
        for name in table.column_names:
            broken = np.flatnonzero(np.asarray(pc.match_substring(table[name], "\n")))
            if len(broken):
                found = table[name][int(broken[0])].as_py()
                problems.append(
                    Problem("table.text", Where(shown, int(broken[0]) + 2, name), found, "", name)
                )
        return None
    return table


def _csv_rows(text: str) -> list[list[str]]:
    import csv

    return list(csv.reader([text]))


def _header_fits(raw: pa.Table, schema: TableSchema, shown: str, problems: list[Problem]) -> bool:
    """Whether all needed columns are there and no unknown ones; estimate ranges and notes may be left out."""
    known = [column.name for column in schema.all_columns]
    optional = {f"{name}_{end}" for name in schema.estimates for end in ("low", "high")} | {"note"}
    missing = [name for name in known if name not in raw.column_names and name not in optional]
    extra = [name for name in raw.column_names if name not in known]
    for name in missing:
        problems.append(
            Problem("table.missing_column", Where(shown, 1), subject=name, allowed=", ".join(known))
        )
    for name in extra:
        problems.append(
            Problem(
                "table.extra_column",
                Where(shown, 1, name),
                name,
                ", ".join(known),
                remedy=did_you_mean(name, known),
            )
        )
    return not missing and not extra


def _typed(cells: pa.StringArray, column: Column, shown: str, problems: list[Problem]) -> pa.Array:
    """One column as its type, with its problems."""
    cells = pc.utf8_trim_whitespace(cells)
    blank = pc.equal(cells, "")
    if column.required:
        _report(problems, "table.blank", shown, column, cells, blank)
    if column.kind in ("number", "integer"):
        return _numbers(cells, blank, column, shown, problems)
    if column.kind == "flag":
        good = pc.or_(pc.is_in(cells, pa.array(["yes", "no"])), blank)
        _report(problems, "table.flag", shown, column, cells, pc.invert(good), "yes, no")
        return pc.if_else(blank, pa.scalar(bool(column.default)), pc.equal(cells, "yes"))
    if column.kind == "id":
        good = pc.or_(pc.match_substring_regex(cells, ID_PATTERN), blank)
        _report(problems, "table.id", shown, column, cells, pc.invert(good), ID_PATTERN)
    elif column.kind == "choice":
        good = pc.or_(pc.is_in(cells, pa.array(column.choices)), blank)
        _report(problems, "table.choice", shown, column, cells, pc.invert(good), ", ".join(column.choices))
    elif column.kind in ("list", "windows"):
        bad = {
            text: reason for text in set(cells.to_pylist()) if text and (reason := _bad_item(text, column))
        }
        for reason in sorted(set(bad.values())):
            texts = pa.array([text for text, why in bad.items() if why == reason])
            allowed = (
                ", ".join(column.choices) if column.kind == "list" else "Mon-Fri 08:30-17:30; Sat 09:00-12:00"
            )
            code = "table.choice" if column.kind == "list" else "table.windows"
            _report(problems, code, shown, column, cells, pc.is_in(cells, texts), allowed)
    else:
        wrong = pc.or_(pc.greater(pc.utf8_length(cells), 500), pc.match_substring_regex(cells, _CONTROL))
        _report(problems, "table.text", shown, column, cells, wrong)
    return pc.if_else(blank, pa.scalar(str(column.default or "")), cells)


def _bad_item(text: str, column: Column) -> str:
    """The first item of a list, or part of opening hours, that is not allowed; empty when all are."""
    if column.kind == "windows":
        try:
            parse_windows(text)
        except ValueError as error:
            return str(error)
        return ""
    for item in text.split("|"):
        if (column.choices and item not in column.choices) or not re.match(ID_PATTERN, item):
            return item or "|"
    return ""


def _numbers(
    cells: pa.StringArray, blank: pa.BooleanArray, column: Column, shown: str, problems: list[Problem]
) -> pa.Array:
    """A number column: finite, within its range; blanks become the default or null."""
    plain = pc.match_substring_regex(cells, NUMBER_PATTERN)
    _report(problems, "table.number", shown, column, cells, pc.invert(pc.or_(plain, blank)))
    values = pc.cast(pc.if_else(plain, cells, pa.scalar(None, pa.string())), pa.float64())
    finite = pc.fill_null(pc.is_finite(values), True)
    _report(problems, "table.not_finite", shown, column, cells, pc.invert(finite))
    low, high = pc.less(values, column.low), pc.greater(values, column.high)
    outside = pc.and_(pc.fill_null(pc.or_(low, high), False), finite)
    _report(problems, "table.range", shown, column, cells, outside, f"{column.low:g} … {column.high:g}")
    if column.kind == "integer":
        whole = pc.fill_null(pc.equal(values, pc.floor(values)), True)
        _report(problems, "table.integer", shown, column, cells, pc.and_(pc.invert(whole), finite))
    if column.default is not None:
        values = pc.fill_null(values, float(column.default))
    return values


def _report(
    problems: list[Problem],
    code: str,
    shown: str,
    column: Column,
    cells: pa.StringArray,
    bad: pa.BooleanArray,
    allowed: str = "",
) -> None:
    """Append a problem per bad row, the first few one by one and the rest as a count."""
    rows = np.flatnonzero(np.asarray(bad))
    for row in rows[:MAX_PROBLEMS_PER_COLUMN]:
        found = cells[int(row)].as_py()
        hint = did_you_mean(found, column.choices) if column.choices and found else ""
        problems.append(
            Problem(code, Where(shown, int(row) + 2, column.name), found, allowed, column.name, hint)
        )
    if len(rows) > MAX_PROBLEMS_PER_COLUMN:
        more = len(rows) - MAX_PROBLEMS_PER_COLUMN
        problems.append(Problem("table.more", Where(shown, 0, column.name), str(more), subject=code))


def _check_unique(table: pa.Table, schema: TableSchema, shown: str, problems: list[Problem]) -> None:
    """Keys are unique, ignoring case."""
    cells = [pc.cast(table.column(name), pa.string()).to_pylist() for name in schema.key]
    parts = [[cell and cell.lower() for cell in column] for column in cells]
    first: dict[tuple[str, ...], int] = {}
    for row, key in enumerate(zip(*parts, strict=True)):
        if key in first:
            problems.append(
                Problem(
                    "table.duplicate",
                    Where(shown, row + 2, schema.key[0]),
                    "/".join(str(column[row]) for column in cells),
                    str(first[key] + 2),
                )
            )
        else:
            first[key] = row
