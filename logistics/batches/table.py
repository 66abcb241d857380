"""The table of the runs of a batch: a pure function of what its folder holds."""

from __future__ import annotations

import json
import os
import tempfile
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from logistics.batches.plan import BatchPlan
from logistics.batches.store import ABOUT, FAILED, RUNS, WORK
from logistics.errors import Problem, Where, stop_on_errors
from logistics.results.layout import RESULT

RUNS_TABLE = "runs.parquet"
COLUMNS = pa.schema(
    [
        ("run", pa.string()),
        ("scenario", pa.string()),
        ("file", pa.string()),
        ("variant", pa.string()),
        ("asked", pa.bool_()),
        ("study", pa.string()),
        ("status", pa.string()),
        ("reason", pa.string()),
        ("objective", pa.float64()),
        ("bound", pa.float64()),
        ("gap", pa.float64()),
        ("verified", pa.bool_()),
        ("bound_proof", pa.string()),
        ("demand_t", pa.float64()),
        ("unserved_t", pa.float64()),
    ]
)
"""Then a column ``value_…`` for each dimension, and the totals of the results."""
VALUE = "value_"


def read_runs_table(folder: Path) -> pa.Table:
    """Return the table of the runs of a batch, or of the one run of a results folder.

    Where a batch did not come to its end, or its table is damaged, the table is made of what is there, and
    `asked` is blank.

    Raises
    ------
    InputError
        When what a run says of itself is damaged.
    """
    if (folder / RESULT).is_file():
        result = _read(folder / RESULT)
        about = {
            "run": folder.name,
            "scenario": result["scenario"]["id"],
            "file": "",
            "variant": "",
            "values": {},
        }
        return _table([_row(result, about)])
    if (folder / RUNS_TABLE).is_file():
        with suppress(pa.ArrowInvalid, OSError):
            return pq.read_table(folder / RUNS_TABLE)
    return _table(sorted(_rows(folder), key=lambda row: (row["scenario"], row["run"])))


def write_runs_table(folder: Path, plan: BatchPlan) -> None:
    """Write the table of all runs in a folder: those of the plan first, in its order, then older ones."""
    order = {run.id: place for place, run in enumerate(plan.runs)}
    rows = [row | {"asked": row["run"] in order} for row in _rows(folder)]
    rows.sort(key=lambda row: (order.get(row["run"], len(order)), row["scenario"], row["run"]))
    with tempfile.TemporaryDirectory(dir=folder / WORK) as name:
        path = Path(name) / RUNS_TABLE
        pq.write_table(_table(rows), path, compression="zstd")
        os.replace(path, folder / RUNS_TABLE)


def _rows(folder: Path) -> list[dict[str, Any]]:
    rows = []
    for place in (folder / RUNS).iterdir():
        rows.append(_row(_read(place / RESULT), _read(place / ABOUT)))
    done = {row["run"] for row in rows}
    for path in (folder / FAILED).glob("*.json"):
        about = _read(path)
        if about["run"] not in done:
            codes = dict.fromkeys(problem["code"] for problem in about["problems"])
            rows.append(_said(about) | {"status": "failed", "reason": ", ".join(codes)})
    return rows


def _read(path: Path) -> dict[str, Any]:
    try:
        document = json.loads(path.read_text(encoding="utf-8"))
        if isinstance(document, dict):
            return document
    except (OSError, ValueError):
        pass
    stop_on_errors([Problem("batch.damaged", Where(str(path)))])
    raise AssertionError


def _row(result: Mapping[str, Any], about: Mapping[str, Any]) -> dict[str, Any]:
    """Row of a run that is done."""
    row = {name: result[name] for name in COLUMNS.names if name in result}
    totals = {f"total_{name}": value for name, value in result["totals"].items()}
    return row | {"study": result["study"]["kind"], "reason": ""} | _said(about) | totals


def _said(about: Mapping[str, Any]) -> dict[str, Any]:
    """What a run is, with a column for each value."""
    row = {name: about[name] for name in ("run", "scenario", "file", "variant")}
    return row | {f"{VALUE}{name}": value for name, value in about["values"].items()}


def _table(rows: list[dict[str, Any]]) -> pa.Table:
    names = sorted({name for row in rows for name in row} - set(COLUMNS.names))
    table = pa.Table.from_pylist(rows, COLUMNS)
    for name in sorted(names, key=lambda name: (not name.startswith(VALUE), name)):
        cells = [row.get(name) for row in rows]
        if any(isinstance(cell, str) for cell in cells):
            cells = [None if cell is None else str(cell) for cell in cells]
        elif not all(isinstance(cell, bool | None) for cell in cells):
            cells = [None if cell is None else float(cell) for cell in cells]
        table = table.append_column(name.removeprefix("total_"), pa.array(cells))
    return table
