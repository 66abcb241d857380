"""Differences between two results folders."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pyarrow as pa

from logistics.network.network import Network
from logistics.network.tables import BY_NAME, TABLES
from logistics.results.claims import checked_claims
from logistics.results.read import SavedInputs, read_inputs, read_result, read_tables

MOST_CELLS = 100_000


def compared(before: Path, after: Path) -> dict[str, Any]:
    """Return differing inputs, totals and service loads of two results, ready for JSON.

    Raises
    ------
    InputError
        When one of the folders is not a result.
    """
    documents = read_result(before), read_result(after)
    for document in documents:
        checked_claims(document)
    inputs = _inputs(read_inputs(before), read_inputs(after))
    totals: dict[str, Any] = {}
    names = [*documents[0]["totals"], "demand_t", "unserved_t", "objective"]
    for name in names:
        old, new = (d["totals"].get(name, d.get(name)) for d in documents)
        if old is None and new is None:
            continue
        both = old is not None and new is not None
        totals[name] = {"before": old, "after": new, "difference": new - old if both else None}
    return {
        "before": documents[0]["scenario"]["id"],
        "after": documents[1]["scenario"]["id"],
        "inputs": inputs[:MOST_CELLS],
        "inputs_count": len(inputs),
        "totals": totals,
        "services": _services(read_tables(before), read_tables(after)),
    }


def _inputs(old: SavedInputs, new: SavedInputs) -> list[dict[str, Any]]:
    found = []
    for key in ("network", "years", "objective", "limits", "study", "solver"):
        if old.scenario[key] != new.scenario[key]:
            found.append(_difference("scenario", "", key, old.scenario[key], new.scenario[key]))
    for i, (year, other) in enumerate(zip(old.networks, new.networks, strict=False)):
        label = "" if year == other and len(old.networks) == 1 else f"{year}/{other} "
        pair = list(old.networks.values())[i], list(new.networks.values())[i]
        found += [{**cell, "table": f"{label}{cell['table']}"} for cell in _cells(*pair)]
    return found


def _cells(old: Network, new: Network) -> list[dict[str, Any]]:
    found = []
    for schema in TABLES:
        a, b = old.tables[schema.name], new.tables[schema.name]
        if a.equals(b):
            continue
        rows = [keyed_rows(table, schema.key) for table in (a, b)]
        for key in sorted(rows[0].keys() - rows[1].keys()):
            found.append(_difference(schema.name, key, "", "present", "absent"))
        for key in sorted(rows[1].keys() - rows[0].keys()):
            found.append(_difference(schema.name, key, "", "absent", "present"))
        for column in BY_NAME[schema.name].all_columns:
            x, y = a[column.name].to_pylist(), b[column.name].to_pylist()
            for key in sorted(rows[0].keys() & rows[1].keys()):
                left, right = x[rows[0][key]], y[rows[1][key]]
                if left != right:
                    found.append(_difference(schema.name, key, column.name, left, right))
    return found


def keyed_rows(table: pa.Table, key: tuple[str, ...]) -> dict[str, int]:
    """Row numbers of a table by its key, parts joined by ``/``."""
    parts = [table[name].to_pylist() for name in key]
    return {
        "/".join(f"{p:g}" if isinstance(p, float) else str(p) for p in cells): i
        for i, cells in enumerate(zip(*parts, strict=True))
    }


def _difference(table: str, row: str, column: str, before: object, after: object) -> dict[str, Any]:
    return {"table": table, "row": row, "column": column, "before": before, "after": after}


def _services(old: dict[str, pa.Table], new: dict[str, pa.Table]) -> list[dict[str, Any]]:
    """Peak leg load of each service in both results, largest change first."""
    loads: dict[str, dict[str, Any]] = {}
    for side, tables in (("before", old), ("after", new)):
        for row in tables["services"].to_pylist() if "services" in tables else []:
            entry = loads.setdefault(
                row["service_id"],
                {"service_id": row["service_id"], "mode": row["mode"], "before": 0.0, "after": 0.0},
            )
            entry[side] = max(entry[side], row["tonnes"])
    for entry in loads.values():
        entry["difference"] = entry["after"] - entry["before"]
    return sorted(loads.values(), key=lambda entry: (-abs(entry["difference"]), entry["service_id"]))
