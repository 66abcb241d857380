"""Checks of what may be opened: warehouses with status ``option`` and facilities."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from logistics.errors import Problem, Where
from logistics.network.network import Network

OPEN_TO_CHOICE = ("warehouse_options", "facility_options")


def unfit_options(network: Network) -> Iterator[Problem]:
    """An option stands once in a table, costs something unless shared, and its investment has a life."""
    for table in OPEN_TO_CHOICE:
        first: dict[tuple[str, ...], int] = {}
        for line, row in enumerate(network.rows(table), 2):
            if row.get("status", "option") != "option":
                continue
            file = f"{network.name}/{table}.csv"
            kind = [str(row[name]) for name in ("site_id", "ownership", "size") if name in row]
            key = tuple(part.lower() for part in kind)
            if key in first:
                where = Where(file, line, "size")
                yield Problem("table.duplicate", where, "/".join(kind), str(first[key]), "size")
            first.setdefault(key, line)
            yield from _unfit_cost(row, file, line)
    yield from _unfit_moves(network)


def _unfit_moves(network: Network) -> Iterator[Problem]:
    """A move starts at a warehouse that exists."""
    rows = network.rows("warehouse_options")
    existing = [str(row["option_id"]) for row in rows if row["status"] == "existing"]
    for line, row in enumerate(rows, 2):
        moved = str(row["moves_from"])
        # What exists has been moved, and what is closed moves nothing.
        if moved and row["status"] == "option" and moved not in existing:
            where = Where(f"{network.name}/warehouse_options.csv", line, "moves_from")
            yield Problem("option.move", where, moved, ", ".join(existing[:12]), str(row["option_id"]))


def _unfit_cost(row: dict[str, Any], file: str, line: int) -> Iterator[Problem]:
    """What is wrong with fixed cost and investment of a row."""
    if row.get("ownership") != "share" and not row["fixed_cny_per_year"] and not row["capex_cny"]:
        where = Where(file, line, "fixed_cny_per_year")
        yield Problem("option.free", where, "0", subject=str(row["option_id"]), severity="warning")
    if row["capex_cny"] and row["life_years"] is None:
        where = Where(file, line, "life_years")
        yield Problem("option.no_life", where, f"{row['capex_cny']:g}", "1 … 60", str(row["option_id"]))
