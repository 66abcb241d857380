"""The first sheet of a network's workbook: what to do with it, and every sheet and column in words."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from logistics.network.columns import BIG, Column, TableSchema
from logistics.network.tables import BY_YEAR
from logistics.network.workbook_layout import TEXT_FILES, sheet_schemas
from logistics.words import text

Row = tuple[str, list[str | int]]
"""How a row looks (title, head, row, note) and its cells."""

NOTES = (
    "edit",
    "rows",
    "text",
    "lists",
    "colours",
    "ranges",
    "sources",
    "formulas",
    "files",
    "other_sheets",
    "import",
)
UNITS = {
    "h": "h",
    "d": "d",
    "t": "t",
    "tonnes": "t",
    "kg": "kg",
    "g": "g",
    "km": "km",
    "kmh": "km/h",
    "m3": "m³",
    "tkm": "tkm",
    "cny": "CNY",
    "lat": "°",
    "lon": "°",
    "years": "years",
}
"""Last word of a column's name (before ``per``) that is a unit."""


def guide_rows(network: str, counts: Mapping[str, int]) -> Iterator[Row]:
    """Rows of the sheet.

    Parameters
    ----------
    network
        Name of the network.
    counts
        Rows of each table.
    """
    yield "title", [both("guide.title", network=network)]
    yield "note", []
    for name in NOTES:
        for lang in ("en", "zh"):
            yield "note", [text(f"guide.{name}", lang)]
    yield "note", []
    heads = ("sheet", "title_head", "left_out", "rows_head", "row_is", "row_is_zh", "key")
    yield "head", [both(f"guide.{head}") for head in heads]
    for name, schema in sheet_schemas().items():
        title, row_en, row_zh = _said(name)
        left_out = both("guide.may_be_empty") if schema.optional else ""
        yield "row", [name, title, left_out, counts[name], row_en, row_zh, " + ".join(schema.key)]
    for name in TEXT_FILES:
        yield "row", [name, "", "", "", both("guide.text_file"), "", ""]
    yield "note", []
    heads = ("sheet", "column", "required", "unit", "meaning", "allowed", "blank")
    yield "head", [both(f"guide.{head}") for head in heads]
    for name, schema in sheet_schemas().items():
        for column in schema.all_columns:
            yield "row", _column_row(name, schema, column)


def _said(name: str) -> tuple[str, str, str]:
    """Chinese title of a sheet, and what a row of it is in English and Chinese."""
    base = name.removesuffix("_by_year")
    if name != base and base in BY_YEAR:
        zh = text(f"sheet.{base}", "zh")
        title = text("sheet.by_year", "zh", table=zh)
        return title, text("sheet.by_year.row", "en", table=base), text("sheet.by_year.row", "zh", table=zh)
    return text(f"sheet.{name}", "zh"), text(f"sheet.{name}.row", "en"), text(f"sheet.{name}.row", "zh")


def _column_row(name: str, schema: TableSchema, column: Column) -> list[str | int]:
    ends = {f"{each}_{end}" for each in schema.estimates for end in ("low", "high")}
    required = both("guide.yes") if column.required else ""
    if column.name in ends or (schema.sourced and column.name == "note"):
        required = both("guide.column_may_miss")
    return [
        name,
        column.name,
        required,
        unit(column.name),
        column.meaning,
        allowed_words(column),
        _blank(column),
    ]


def both(key: str, **values: object) -> str:
    """Words in English and Chinese, in one line."""
    return f"{text(key, 'en', **values)} {text(key, 'zh', **values)}"


def unit(name: str) -> str:
    """Unit that a column's name ends with, as in ``CNY per t``; empty when it has none."""
    words = name.removesuffix("_low").removesuffix("_high").split("_")
    if "per" in words:
        at = words.index("per")
        head = UNITS.get(words[at - 1], "") if at else ""
        below = " and ".join(UNITS.get(word, word) for word in words[at + 1 :])
        return f"{head} per {below}".strip()
    return UNITS.get(words[-1], "")


def allowed_words(column: Column) -> str:
    """What a cell may hold."""
    if column.kind in ("number", "integer"):
        words = "a number" if column.kind == "number" else "a whole number"
        low = f"{column.low:.10g}" if column.low > -BIG else ""
        high = f"{column.high:.10g}" if column.high < BIG else ""
        if low and high:
            return f"{words}, {low} to {high}"
        return f"{words}, {low} or more" if low else words
    if column.kind == "flag":
        return "yes or no"
    if column.kind == "windows":
        return "always, or e.g. Mon-Fri 08:30-17:30; Sat 09:00-12:00"
    joined = ", joined by |" if column.kind == "list" else ""
    if column.refers_to:
        return f"{'ids' if joined else 'an id'} of {column.refers_to}{joined}"
    if column.choices:
        return f"{'any' if joined else 'one'} of {', '.join(column.choices)}{joined}"
    if column.kind == "id":
        return "an id: 1 to 64 letters, digits, _ . -"
    return f"names{joined}" if joined else "text of one line, up to 500 characters"


def _blank(column: Column) -> str:
    """What a blank cell means."""
    default = column.default
    if column.required or default is None or default == "":
        return ""
    if isinstance(default, bool):
        return "yes" if default else "no"
    return f"{default:g}" if isinstance(default, int | float) else default
