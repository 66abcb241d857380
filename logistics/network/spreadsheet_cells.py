"""Cells of a spreadsheet, from the elements of its XML.

Nothing is passed over: a cell with an error is not a blank one, nor is a formula that was never calculated.
"""

from __future__ import annotations

import math
import re
from datetime import datetime, timedelta
from typing import Literal, NamedTuple

LARGEST_EXACT = 1e15
"""Spreadsheets keep 15 digits of a number: from here on, an id that was made a number is spoilt."""
MAX_CELL_TEXT = 100_000
MAX_ROWS, MAX_COLUMNS = 1_048_576, 16_384
_ESCAPED = re.compile(r"_x([0-9A-Fa-f]{4})_")
_NO_DATE_PART = re.compile(r'"[^"]*"|\\.|[_*].|\[(?![hHmMsS]+\])[^\]]*\]')
DATE_FORMATS = frozenset({*range(14, 23), *range(27, 37), *range(45, 48), *range(50, 59)})
"""Numbers of the built-in formats that show a number as a date or time."""

CellKind = Literal["text", "number", "flag", "date", "error", "formula"]


class Cell(NamedTuple):
    """One cell that holds something.

    Parameters
    ----------
    column
        Counted from 0.
    kind
        ``formula``: one without a calculated value; others are given by their value. ``error``: ``#REF!`` and
        its like.
    value
        Text, number or flag; a date as ISO text.
    """

    column: int
    kind: CellKind
    value: str | float | bool


class TextReader:
    """Collects the text of an item: all its runs, without reading aids of Chinese and Japanese text."""

    def __init__(self) -> None:
        self._parts: list[str] = []
        self._runs: list[str] = []
        self._length = 0
        self._aside = 0
        self._inside = False

    def start(self, name: str, attributes: dict[str, str]) -> None:
        """Handle the start of an element."""
        if name == "rPh":
            self._aside += 1
        elif name == "t":
            self._inside = not self._aside

    def end(self, name: str) -> None:
        """Handle the end of an element."""
        if name == "rPh":
            self._aside -= 1
        elif name == "t":
            self._close()

    def characters(self, words: str) -> None:
        """Handle text; a ``ValueError`` when it never ends."""
        if self._inside:
            self._length += len(words)
            if self._length > MAX_CELL_TEXT:
                raise ValueError(f"a text of more than {MAX_CELL_TEXT} characters")
            self._parts.append(words)

    def _close(self) -> None:
        """End a run, which has escapes of its own."""
        self._inside = False
        if self._parts:
            self._runs.append(unescaped("".join(self._parts)))
            self._parts = []

    def taken(self) -> str:
        """The text so far; the next one begins."""
        words = "".join(self._runs)
        self._runs, self._length = [], 0
        return words


class SheetReader(TextReader):
    """Turns the elements of a sheet into rows of cells."""

    def __init__(
        self, rows: list[tuple[int, list[Cell]]], texts: list[str], dates: set[str], date_1904: bool
    ) -> None:
        super().__init__()
        self._rows, self._texts, self._dates, self._date_1904 = rows, texts, dates, date_1904
        self._row = self._count = 0
        self._column = -1
        self._cells: list[Cell] = []
        self._kind = self._style = ""
        self._in_cell = self._formula = self._valued = False

    def start(self, name: str, attributes: dict[str, str]) -> None:
        """Handle the start of an element; a ``ValueError`` where no sheet can reach."""
        if name == "c":
            place = attributes.get("r")
            self._column = _column_of(place) if place else self._column + 1
            if self._column >= MAX_COLUMNS or len(self._cells) >= MAX_COLUMNS:
                raise ValueError(f"more than {MAX_COLUMNS} columns")
            self._kind = attributes.get("t", "n")
            self._style = attributes.get("s", "")
            self._in_cell, self._formula, self._valued = True, False, False
        elif name == "v":
            self._inside = self._valued = self._in_cell
        elif name == "t":
            super().start(name, attributes)
            self._valued = True
        elif name == "f":
            self._formula = True
        elif name == "row":
            self._row = int(attributes.get("r", self._row + 1))
            self._column = -1
            self._count += 1
            if max(self._row, self._count) > MAX_ROWS:
                raise ValueError(f"more than {MAX_ROWS} rows")
        else:
            super().start(name, attributes)

    def end(self, name: str) -> None:
        """Handle the end of an element."""
        if name == "v":
            self._close()
        elif name == "c":
            self._in_cell = False
            self._add(self.taken())
        elif name == "row":
            if self._cells:
                self._rows.append((self._row, self._cells))
                self._cells = []
        else:
            super().end(name)

    def _add(self, words: str) -> None:
        """Append the cell that ends here, unless it is blank."""
        kind = self._kind
        if self._formula and (not self._valued or (not words and kind != "str")):
            self._cells.append(Cell(self._column, "formula", ""))
        elif not words:
            return
        elif kind == "s":
            if int(words) < 0:
                raise ValueError(words)
            if shared := self._texts[int(words)]:
                self._cells.append(Cell(self._column, "text", shared))
        elif kind == "n":
            number = float(words)
            if self._style in self._dates:
                self._cells.append(Cell(self._column, "date", _date(number, self._date_1904)))
            else:
                self._cells.append(Cell(self._column, "number", number))
        elif kind == "b":
            self._cells.append(Cell(self._column, "flag", words in ("1", "true")))
        elif kind == "e":
            self._cells.append(Cell(self._column, "error", words))
        elif kind == "d":
            self._cells.append(Cell(self._column, "date", words))
        else:
            self._cells.append(Cell(self._column, "text", words))


def column_letters(column: int) -> str:
    """Return the letters a spreadsheet shows for a column counted from 0."""
    letters = ""
    while column >= 0:
        letters = chr(ord("A") + column % 26) + letters
        column = column // 26 - 1
    return letters


def number_text(value: float) -> str:
    """Return the shortest text that gives the same number; whole ones without a decimal point."""
    if not value.is_integer() or abs(value) >= LARGEST_EXACT:
        return repr(value)
    return "-0" if value == 0 and math.copysign(1, value) < 0 else str(int(value))


def _column_of(place: str) -> int:
    """Column from 0 of a place such as ``AB12``."""
    column = 0
    for letter in place:
        if not "A" <= letter <= "Z":
            break
        column = column * 26 + ord(letter) - 64
    if not column:
        raise ValueError(place[:20])
    return column - 1


def unescaped(words: str) -> str:
    """Characters that XML may not hold stand in it as ``_x0007_``."""
    if "_x" not in words:
        return words
    words = _ESCAPED.sub(lambda match: chr(int(match[1], 16)), words)
    if any("\ud800" <= letter <= "\udfff" for letter in words):
        return words.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")
    return words


def shows_dates(code: str) -> bool:
    """Whether a number format has a part of a date or time."""
    return bool(re.search(r"[ymdhsYMDHS]", _NO_DATE_PART.sub("", code)))


def _date(serial: float, date_1904: bool) -> str:
    """Day and time of a serial number, or the number when it is no day."""
    try:
        day = datetime(1904, 1, 1) if date_1904 else datetime(1899, 12, 30)  # noqa: DTZ001 - has no zone
        moment = day + timedelta(seconds=round(serial * 86_400))
    except (OverflowError, ValueError):
        return repr(serial)
    if 0 <= serial < 1:
        return f"{moment:%H:%M}"
    return f"{moment:%Y-%m-%d}" if serial == int(serial) else f"{moment:%Y-%m-%d %H:%M}"
