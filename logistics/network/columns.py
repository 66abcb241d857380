"""What a column of a network table may hold.

A :class:`TableSchema` is data: the reader, the checks, the workbook and the documentation all read the
same rows, so a new column is one line in :mod:`logistics.network.tables`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Kind = Literal["id", "text", "number", "integer", "choice", "list", "flag", "windows"]
"""How a cell is read.

``id`` a key or a reference; ``text`` free text; ``number`` a finite float; ``integer``; ``choice`` one of
a fixed set; ``list`` values joined by ``|``; ``flag`` ``yes`` or ``no``; ``windows`` opening hours such as
``always`` or ``Mon-Fri 08:30-17:30; Sat 09:00-12:00``.
"""

BIG = 1e12
"""Largest number that a column takes which has no bound of its own."""

ID_PATTERN = r"^[A-Za-z0-9][A-Za-z0-9_.-]{0,63}$"


@dataclass(frozen=True)
class Column:
    """One column: its name carries the unit, the rest says what is allowed.

    Parameters
    ----------
    name
        Header of the column, with its unit as suffix (``run_h``, ``payload_t``).
    kind
        How a cell is read, see :data:`Kind`.
    meaning
        One sentence for people.
    required
        Whether a blank cell is an error.
    low, high
        Smallest and largest accepted number (inclusive).
    choices
        Allowed values of ``choice`` and ``list`` columns; empty means any.
    refers_to
        Name of the table whose ids the cell (or each item of a list) must be.
    default
        What a blank cell of an optional column means; ``None`` means “unknown”, NaN for numbers.
    """

    name: str
    kind: Kind
    meaning: str
    required: bool = True
    low: float = float("-inf")
    high: float = float("inf")
    choices: tuple[str, ...] = ()
    refers_to: str = ""
    default: float | int | str | bool | None = None


@dataclass(frozen=True)
class TableSchema:
    """The columns of one table.

    Parameters
    ----------
    name
        File name without ``.csv``.
    key
        Columns that together name a row; unique ignoring case.
    columns
        All columns in file order.
    estimates
        Number columns that may be accompanied by ``<column>_low`` and ``<column>_high``.
    sourced
        Whether rows carry ``source``, ``confidence`` and an optional ``note``.
    optional
        Whether a network may leave the whole file out.
    """

    name: str
    key: tuple[str, ...]
    columns: tuple[Column, ...]
    estimates: tuple[str, ...] = ()
    sourced: bool = True
    optional: bool = False

    @property
    def all_columns(self) -> tuple[Column, ...]:
        """Own columns, then low/high pairs of the estimates, then the provenance columns."""
        by_name = {column.name: column for column in self.columns}
        pairs = tuple(
            Column(
                f"{name}_{end}",
                "number",
                f"{end} end of the range of {name}",
                required=False,
                low=by_name[name].low,
                high=by_name[name].high,
            )
            for name in self.estimates
            for end in ("low", "high")
        )
        return self.columns + pairs + (PROVENANCE if self.sourced else ())

    def column(self, name: str) -> Column:
        """Return the column called `name`; raises ``KeyError`` when there is none."""
        for column in self.all_columns:
            if column.name == name:
                return column
        raise KeyError(name)


CONFIDENCE = ("high", "medium", "estimate")

PROVENANCE = (
    Column("source", "text", "where the figures of the row come from"),
    Column("confidence", "choice", "how far the source can be trusted", choices=CONFIDENCE),
    Column("note", "text", "what a reader should know", required=False),
)
