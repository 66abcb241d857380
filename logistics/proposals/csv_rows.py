"""Reading a proposals file: one row a proposal, as a route developer keeps it in a spreadsheet.

A byte-order mark, Windows line ends and blank rows at the end are what spreadsheets write, and are accepted.
"""

from __future__ import annotations

import csv
import io
import typing
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from logistics.encodings import guessed_encoding
from logistics.errors import Problem, Where, did_you_mean
from logistics.proposals.spec import ProposalRow
from logistics.yaml_files import Document, Key

MAX_FILE_BYTES = 100_000_000
_NEEDED = [name for name, field in ProposalRow.model_fields.items() if field.is_required()]


@dataclass(frozen=True)
class CsvRow(Document):
    """A row as a document: what is wrong with a key is placed at the column of that name.

    Parameters
    ----------
    line
        Line where the row starts, from 1.
    cells
        Number of cells that the row has and ought to have.
    """

    line: int = 0
    cells: tuple[int, int] = (0, 0)

    def where(self, key: Key, *, of_key: bool = False) -> Where:
        """Line and column of a key, or the line alone."""
        return Where(self.shown, self.line, str(key[0]) if key else "")


def rows_of_csv(path: Path, shown: str, problems: list[Problem]) -> Iterator[CsvRow]:
    """Rows of a proposals file; what makes the whole file useless is appended to `problems`."""
    text = _text(path, shown, problems)
    if text is None:
        return
    reader = csv.reader(io.StringIO(text, newline=""))
    header = [name.strip() for name in next(reader, [])]
    if not _header_fits(header, shown, problems):
        return
    kinds = [_KINDS[name] for name in header]
    line = reader.line_num + 1
    try:
        for cells in reader:
            start, line = line, reader.line_num + 1
            values = [cell.strip() for cell in cells]
            if any(values):
                data = {
                    name: _value(cell, kind)
                    for name, kind, cell in zip(header, kinds, values, strict=False)
                    if cell
                }
                yield CsvRow(shown, data, {}, {}, start, (len(cells), len(header)))
    except csv.Error as error:
        problems.append(Problem("table.malformed", Where(shown, line), str(error)))


def _text(path: Path, shown: str, problems: list[Problem]) -> str | None:
    where = Where(shown)
    try:
        if path.stat().st_size > MAX_FILE_BYTES:
            problems.append(Problem("table.too_large", where, str(path.stat().st_size), str(MAX_FILE_BYTES)))
            return None
        raw = path.read_bytes()
        return raw.decode("utf-8-sig")
    except OSError as error:
        problems.append(Problem("table.unreadable", where, str(error.strerror)))
    except UnicodeDecodeError as error:
        line = raw[: error.start].count(b"\n") + 1
        problems.append(Problem("table.encoding", Where(shown, line), guessed_encoding(raw), "UTF-8"))
    return None


def _header_fits(header: list[str], shown: str, problems: list[Problem]) -> bool:
    """Whether every column is known, none stands twice, and those that every proposal needs are there."""
    if not any(header):
        problems.append(Problem("table.empty", Where(shown)))
        return False
    known = list(ProposalRow.model_fields)
    before = len(problems)
    problems.extend(
        Problem(
            "table.extra_column", Where(shown, 1, name), name, ", ".join(known), "", did_you_mean(name, known)
        )
        for name in header
        if name not in known
    )
    problems.extend(
        Problem("table.missing_column", Where(shown, 1), subject=name, allowed=", ".join(known))
        for name in _NEEDED
        if name not in header
    )
    doubled = sorted({name for name in header if header.count(name) > 1})
    if doubled:
        problems.append(Problem("table.duplicate_column", Where(shown, 1), subject=", ".join(doubled)))
    return len(problems) == before


def _kind(annotation: Any) -> str:
    """How a cell of a field is read: text, number, and lists of these, after the field's type."""
    parts = [part for part in typing.get_args(annotation) if part is not type(None)]
    origin = typing.get_origin(annotation)
    if origin is list:
        return f"list of {_kind(parts[0])}"
    if origin is typing.Literal or annotation is str:
        return "text"
    return "number" if annotation in (int, float) else _kind(parts[0])


_KINDS = {name: _kind(field.annotation) for name, field in ProposalRow.model_fields.items()}


def _value(cell: str, kind: str) -> Any:
    """A cell as the key's value; what is no number stays text, for the model to complain of."""
    if kind == "list of list of text":
        return [[name for name in leg.split("+") if name] for leg in cell.split("|")]
    if kind.startswith("list of "):
        return [_value(item.strip(), kind.removeprefix("list of ")) for item in cell.split("|")]
    if kind == "number":
        for number in (int, float):
            try:
                return number(cell)
            except ValueError:
                continue
    return cell
