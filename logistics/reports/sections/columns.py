"""Columns of a results table as columns of the page: the same words as in the workbook, numbers as stored."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from logistics.reports.blocks import Head, Number, head


@dataclass(frozen=True)
class Column:
    """A number of a results table that a section shows as it stands there.

    Parameters
    ----------
    name
        Column of the results table.
    form
        How it is shown, see :data:`logistics.reports.forms.FORMS`.
    words
        Key of its head; empty: that of the workbook.
    signed
        Shown with its sign.
    """

    name: str
    form: str
    words: str = ""
    signed: bool = False


def column_heads(columns: Sequence[Column]) -> list[Head]:
    """Heads of some columns."""
    return [head(column.words or f"report.column.{column.name}", column.form) for column in columns]


def cells_of(table: str, number: int, row: Mapping[str, Any], columns: Sequence[Column]) -> list[Number]:
    """Cells of some columns of row `number` of a results table."""
    return [
        Number(row[each.name], each.form, f"{table}/{number}/{each.name}", signed=each.signed)
        for each in columns
    ]


def numbered(rows: Sequence[Mapping[str, Any]], year: int) -> list[tuple[int, Mapping[str, Any]]]:
    """Rows of a year, each with its number in the whole table."""
    return [(number, row) for number, row in enumerate(rows) if row["year"] == year]
