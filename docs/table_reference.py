"""Writes network-tables.md from :mod:`logistics.network.tables`; scripts/table-reference runs it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from logistics.network.columns import BIG, CONFIDENCE, ID_PATTERN, PROVENANCE, Column, TableSchema
from logistics.network.folder import by_year_schema
from logistics.network.tables import BY_NAME, BY_YEAR, BY_YEAR_COLUMNS, TABLES

LAST_YEAR = 2100
TARGET = Path(__file__).resolve().with_name("network-tables.md")
ROWS = {
    "land_regions": "a land mass inside which road legs are generated",
    "sites": "a place where cargo starts, ends, waits, is cleared or changes vehicle",
    "passages": "a border, gauge change, canal or strait that services run through",
    "modes": "a mode of transport: chargeable weight, load of a unit, emissions",
    "services": "one direction of a scheduled transport",
    "service_stops": "a stop of a service, with the figures of the leg that ends there",
    "service_via": "one way of a leg that has several; such a leg has no figures in service_stops",
    "products": "a class of goods",
    "product_segments": "a class of goods in a segment",
    "time_values": "what a day is worth to one tier of buyers of a class in a segment",
    "demand": "tonnes a year of a class in a segment from a site to a site of another customs territory",
    "border_rules": "duty, VAT and fee on entering a customs territory",
    "last_mile": "delivery of a channel in a market; at most one row per market and channel",
    "warehouse_options": "a warehouse that holds stock, in one size and ownership",
    "facility_options": "a facility in one size that may be opened at a site of status option",
    "fx": "an exchange rate of a year",
    "observed": "a published or derived figure that the model is held against",
    "aircraft": "a freighter type for proposed flights",
    "carrier_costs": "what running a proposed train or ship costs its operator",
    "rate_levels": "tariffs, subsidies, fuel or charter of a year over those of the base year",
    "targets": "something that a plan set out to reach, and the year for it",
}
KINDS = {
    "id": "an id",
    "text": "text",
    "number": "a number",
    "integer": "a whole number",
    "choice": "one of",
    "list": "any of, joined by `|`",
    "flag": "`yes` or `no`",
    "windows": "opening hours: `always`, or as `Mon-Fri 08:30-17:30; Sat 09:00-12:00`",
}
INTRODUCTION = f"""\
# Network tables

Generated from `logistics/network/tables.py` by `scripts/table-reference`; do not edit.

A network is a folder of `networks/`: `network.yaml`, one CSV file per table, and a README. Files are
UTF-8 without byte-order mark, with Unix line ends and commas. The order of columns is free; all must be
there except ranges and `note`. Anything else is an error that names file, line and column. `logistics
check FOLDER` reads a network and says what it finds.

* **Units** stand at the end of a name: `_h` hours, `_d` days, `_t` tonnes, `_kg`, `_km`, `_m3`, `_cny`.
  Money is CNY of the network's price year unless a column names a currency. A year has 8,760 hours and
  365/7 weeks.
* **Ids** match `{ID_PATTERN}` and are unique in their table; upper and lower case are the same there.
* **Required** is “yes” where a blank cell is an error. After “no” stands what a blank cell means; where
  nothing stands, it means that the figure is not known or does not apply.
* **From where.** Tables end with `source` (where the row's figures come from; an own estimate begins with
  `assumption:`), `confidence` ({", ".join(CONFIDENCE)}) and `note`, except where said.
* **Ranges.** Columns marked ± may be accompanied by `<column>_low` and `<column>_high`. A row of
  confidence `estimate` should have at least one such pair; a table with rows that have none gets a
  warning.
* **Not used yet** marks columns that are read and checked, but that no result depends on.

`network.yaml` holds `schema: 1`, `name` (`zh`, `en`), `home` (`customs_territory`: trade from there is
export; `province`: gateways there are local), `base_year`, `years` (the base year among them), `currency`
(CNY), `price_year`, `sources` (each `name`, `what`, `licence`) and `licences`.

"""


def reference() -> str:
    """Text of the document."""
    parts = [INTRODUCTION, "## Tables\n\n", _head("table", "one row is")]
    parts += [f"| [`{t.name}.csv`](#{t.name}csv) | {ROWS[t.name]} |\n" for t in TABLES]
    for schema in TABLES:
        parts += ["\n", *_table(schema)]
    parts += ["\n", *_by_year()]
    return "".join(parts)


def _table(schema: TableSchema) -> Iterator[str]:
    yield f"## {schema.name}.csv\n\n"
    key = " + ".join(f"`{name}`" for name in schema.key)
    row = ROWS[schema.name]
    yield f"One row is {row}. Key: {key}."
    yield " The file may be left out." if schema.optional else ""
    yield "" if schema.sourced else " Without source, confidence and note."
    yield "\n\n" + _head("column", "required", "what", "allowed")
    for column in schema.columns:
        name = f"`{column.name}`" + (" ±" if column.name in schema.estimates else "")
        yield f"| {name} | {_blank(column)} | {_escaped(column.meaning)} | {_allowed(column)} |\n"


def _by_year() -> Iterator[str]:
    yield "## Values by year\n\n"
    names = ", ".join(f"`{by_year_schema(name).name}.csv`" for name in BY_YEAR)
    yield (
        f"The tables above describe the base year. Values of other years stand in {names}, one value a row, "
        "after the key of the table. Only number columns can differ by year. Each file may be left out.\n\n"
    )
    yield _head("column", "required", "what", "allowed")
    for column in BY_YEAR_COLUMNS:
        yield f"| `{column.name}` | {_blank(column)} | {_escaped(column.meaning)} | {_allowed(column)} |\n"


def _head(*names: str) -> str:
    return f"| {' | '.join(names)} |\n|{'---|' * len(names)}\n"


def _blank(column: Column) -> str:
    if column.required:
        return "yes"
    default = column.default
    if default is None:
        return "no"
    if isinstance(default, bool):
        return "no: `yes`" if default else "no: `no`"
    return f"no: {default:g}" if isinstance(default, int | float) else f"no: `{default}`"


def _allowed(column: Column) -> str:
    words = KINDS[column.kind]
    if column.choices:
        words += " " + ", ".join(f"`{choice}`" for choice in column.choices)
    elif column.refers_to:
        words = f"{'ids' if column.kind == 'list' else 'an id'} of {BY_NAME[column.refers_to].name}"
        words += ", joined by `|`" if column.kind == "list" else ""
    elif column.kind == "list":
        words = "names, joined by `|`"
    if column.kind in ("number", "integer") and (column.low > -BIG or column.high < BIG):
        comma = "," if column.high != LAST_YEAR else ""
        low = format(column.low, f"{comma}g") if column.low > -BIG else ""
        high = format(column.high, f"{comma}.10g") if column.high < BIG else ""
        words += f", {low} to {high}" if low and high else f", {low} or more" if low else f", at most {high}"
    return _escaped(words)


def _escaped(words: str) -> str:
    return words.replace("|", "\\|")


if __name__ == "__main__":
    assert {column.name for column in PROVENANCE} == {"source", "confidence", "note"}
    TARGET.write_text(reference(), encoding="utf-8")
