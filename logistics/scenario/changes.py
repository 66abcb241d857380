"""Applying a scenario's changes to the tables of a network.

Changes are typed; each touches values that can be named (table, row, column). Two changes of one file on
one value are an error; a child's change overrides its parent's, and the log keeps old → new.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from zlib import crc32

import numpy as np
import pyarrow as pa

from logistics.errors import Problem, Where, did_you_mean
from logistics.network.columns import ID_PATTERN, Column
from logistics.network.network import Network
from logistics.network.tables import BY_NAME
from logistics.network.where import ConditionError, matching_rows
from logistics.network.windows import parse_windows
from logistics.scenario.read import PlacedChange
from logistics.scenario.schema import AddService, Close, SetValue

Value = float | str | bool | None


@dataclass(frozen=True)
class ChangeEntry:
    """One value that a scenario changed.

    Parameters
    ----------
    where
        Place of the change in the scenario file.
    row_id
        Key of the row, parts joined by ``/``.
    old, new
        Values before and after; None before for an added row.
    """

    where: Where
    table: str
    row_id: str
    column: str
    old: Value
    new: Value


@dataclass
class _Work:
    """State while changes are applied."""

    network: Network
    problems: list[Problem]
    log: list[ChangeEntry] = field(default_factory=list)
    touched: dict[tuple[str, str, str], tuple[int, Where]] = field(default_factory=dict)


def apply_changes(
    network: Network, changes: Sequence[PlacedChange], problems: list[Problem]
) -> tuple[Network, tuple[ChangeEntry, ...]]:
    """Return the network with `changes` applied in order, and the log of every changed value.

    Problems are appended to `problems`; the result is usable only when none of them is an error.
    """
    work = _Work(network, problems)
    for placed in changes:
        change = placed.change
        if change.set is not None:
            _set(work, change.set, placed)
        elif change.scale_demand is not None:
            scale = change.scale_demand
            _set(
                work,
                SetValue(table="demand", where=scale.where, column="tonnes_per_year", factor=scale.factor),
                placed,
            )
        elif change.close is not None:
            _close(work, change.close, placed)
        elif change.clearance_window is not None:
            window = change.clearance_window
            for site in window.sites:
                _assign(work, placed, "sites", "site_id", site, "clearance_open", window.open)
        elif change.add_service is not None:
            _add_service(work, change.add_service, placed)
    return work.network, tuple(work.log)


def _set(work: _Work, change: SetValue, placed: PlacedChange) -> None:
    where = placed.where
    if change.table not in BY_NAME:
        names = list(BY_NAME)
        work.problems.append(
            Problem(
                "change.no_table",
                where,
                change.table,
                ", ".join(names),
                remedy=did_you_mean(change.table, names),
            )
        )
        return
    schema = BY_NAME[change.table]
    settable = [c.name for c in schema.columns if c.name not in schema.key and not c.refers_to]
    if change.column not in settable:
        work.problems.append(
            Problem(
                "change.no_column",
                where,
                change.column,
                ", ".join(settable),
                remedy=did_you_mean(change.column, settable),
            )
        )
        return
    column = schema.column(change.column)
    table = work.network.tables[change.table]
    try:
        rows = matching_rows(table, change.where)
    except ConditionError as error:
        hint = did_you_mean(error.found, error.choices)
        work.problems.append(
            Problem(f"condition.{error.reason}", where, error.found, ", ".join(error.choices), remedy=hint)
        )
        return
    if len(rows) == 0:
        work.problems.append(Problem("change.no_rows", where, change.where or "", change.table))
        return
    old = table.column(change.column).to_pylist()
    if column.kind not in ("number", "integer"):
        if change.value is None:
            work.problems.append(Problem("change.not_a_number", where, change.column))
            return
        new: dict[int, Value] = {int(row): change.value for row in rows}
    elif change.value is not None:
        new = {int(row): change.value for row in rows}
    elif change.estimate is not None or change.drawn is not None:
        if change.column not in schema.estimates:
            allowed = ", ".join(schema.estimates)
            work.problems.append(Problem("change.no_range", where, change.column, allowed, change.table))
            return
        new = _within_ranges(table, change.column, rows.tolist(), _positions(table, change))
        if not new:
            work.problems.append(Problem("change.all_blank", where, change.column, change.table))
            return
    else:
        # A blank stays blank: there is nothing to scale or to add to.
        factor, added = (1.0, change.add) if change.add is not None else (change.factor or 0.0, 0.0)
        new = {int(row): old[row] * factor + added for row in rows if old[row] is not None}
        if not new:
            work.problems.append(Problem("change.all_blank", where, change.column, change.table))
            return
    _write(work, placed, change.table, column, new)


def _positions(table: pa.Table, change: SetValue) -> Sequence[float]:
    """Place of each row's value between its ends: -1 low, 0 as it stands, 1 high."""
    if change.estimate is not None:
        return [change.estimate] * table.num_rows
    if not change.drawn:
        return [0.0] * table.num_rows
    random = np.random.default_rng([change.drawn, crc32(f"{change.table}.{change.column}".encode())])
    # For all rows, so that a row's place does not depend on which others are chosen.
    places: list[float] = random.triangular(-1.0, 0.0, 1.0, table.num_rows).tolist()
    return places


def _within_ranges(
    table: pa.Table, column: str, rows: Sequence[int], positions: Sequence[float]
) -> dict[int, Value]:
    """Values of the estimates that have a range: from the one that stands, a share of the way to an end."""
    low, own, high = (table.column(f"{column}{end}").to_pylist() for end in ("_low", "", "_high"))
    new: dict[int, Value] = {}
    for row in rows:
        end = high[row] if positions[row] > 0 else low[row]
        if own[row] is not None and end is not None:
            new[row] = own[row] + abs(positions[row]) * (end - own[row])
    return new


def _close(work: _Work, change: Close, placed: PlacedChange) -> None:
    for table, key, ids in (
        ("services", "service_id", change.service),
        ("passages", "passage_id", change.passage),
        ("sites", "site_id", change.site),
    ):
        for name in [ids] if isinstance(ids, str) else ids or []:
            _assign(work, placed, table, key, name, "status", "closed")


def _assign(
    work: _Work, placed: PlacedChange, table: str, key: str, name: str, column: str, value: Value
) -> None:
    """Set one value of the row called `name`."""
    row_of = {text: row for row, text in enumerate(work.network.texts(table, key))}
    if name not in row_of:
        work.problems.append(
            Problem("change.no_row", placed.where, name, table, remedy=did_you_mean(name, list(row_of)))
        )
        return
    _write(work, placed, table, BY_NAME[table].column(column), {row_of[name]: value})


def _write(work: _Work, placed: PlacedChange, name: str, column: Column, values: dict[int, Value]) -> None:
    """Check the new values, note who touched them, and put them into the table."""
    schema = BY_NAME[name]
    table = work.network.tables[name]
    cells = table.column(column.name).to_pylist()
    keys = list(zip(*(table.column(k).to_pylist() for k in schema.key), strict=True))
    for row, value in values.items():
        row_id = "/".join(f"{part:g}" if isinstance(part, float) else str(part) for part in keys[row])
        before = work.touched.get((name, row_id, column.name))
        if before is not None and before[0] == placed.level:
            found = f"{name} {row_id} {column.name}"
            work.problems.append(Problem("change.twice", placed.where, found, str(before[1])))
            return
        reason = _unfit(column, value)
        if reason:
            work.problems.append(
                Problem("change.value", placed.where, str(value), reason, f"{name} {row_id} {column.name}")
            )
            return
        work.touched[(name, row_id, column.name)] = (placed.level, placed.where)
        work.log.append(ChangeEntry(placed.where, name, row_id, column.name, cells[row], value))
        cells[row] = value
    place = table.schema.get_field_index(column.name)
    kind = table.schema.field(column.name).type
    work.network = work.network.with_table(name, table.set_column(place, column.name, pa.array(cells, kind)))


def _unfit(column: Column, value: Value) -> str:
    """Say what a value of `column` must be, or nothing when `value` is fit."""
    if column.kind in ("number", "integer"):
        if isinstance(value, bool) or not isinstance(value, int | float) or not np.isfinite(value):
            return "a number"
        if not column.low <= value <= column.high:
            return f"{column.low:g} … {column.high:g}"
        return "" if column.kind == "number" or float(value).is_integer() else "a whole number"
    if column.kind == "flag":
        return "" if isinstance(value, bool) else "true, false"
    if not isinstance(value, str):
        return "text"
    if column.kind == "id" and not re.fullmatch(ID_PATTERN, value):
        return ID_PATTERN
    if column.kind == "windows":
        try:
            parse_windows(value)
        except ValueError:
            return "always, or e.g. Mon-Fri 08:30-17:30; Sat 09:00-12:00"
    items: Iterable[str] = (
        value.split("|") if column.kind == "list" and value else [value] if column.kind == "choice" else []
    )
    return (
        ""
        if all(item in column.choices for item in items) or not column.choices
        else ", ".join(column.choices)
    )


def _add_service(work: _Work, new: AddService, placed: PlacedChange) -> None:
    network = work.network
    if new.service_id.lower() in {name.lower() for name in network.texts("services", "service_id")}:
        work.problems.append(Problem("change.duplicate", placed.where, new.service_id, "services"))
        return
    sites = network.texts("sites", "site_id")
    before = len(work.problems)
    for stop in new.stops:
        if stop.site_id not in sites:
            hint = did_you_mean(stop.site_id, sites)
            work.problems.append(Problem("change.no_row", placed.where, stop.site_id, "sites", remedy=hint))
    for stop in new.stops[1:]:
        if None in (stop.run_h, stop.run_sd_h, stop.distance_km):
            work.problems.append(
                Problem("service.leg_missing", placed.where, f"{new.service_id}/{stop.site_id}")
            )
    for stop, following in zip(new.stops, new.stops[1:], strict=False):
        if stop.site_id == following.site_id:
            work.problems.append(
                Problem("service.same_stop", placed.where, stop.site_id, subject=new.service_id)
            )
    if new.contract_share > 0 and new.tariff_contract is None:
        work.problems.append(Problem("service.contract", placed.where, ""))
    known = {str(row["currency"]) for row in network.rows("fx")}
    if new.tariff_currency not in known | {"CNY"}:
        work.problems.append(
            Problem("fx.missing", placed.where, new.tariff_currency, ", ".join(sorted(known)))
        )
    if len(work.problems) > before:
        return
    row = new.model_dump(exclude={"stops"})
    row |= {
        "segments": "|".join(new.segments),
        "status": "existing",
        "source": "scenario",
        "confidence": "estimate",
    }
    stops = [
        {
            "service_id": new.service_id,
            "seq": float(i),
            **(stop.model_dump() if i > 1 else {"site_id": stop.site_id, "dwell_h": 0.0}),
        }
        for i, stop in enumerate(new.stops, 1)
    ]
    for name, rows in (("services", [row]), ("service_stops", stops)):
        table = work.network.tables[name]
        filled = [
            {f.name: item.get(f.name, "" if pa.types.is_string(f.type) else None) for f in table.schema}
            for item in rows
        ]
        work.network = work.network.with_table(
            name, pa.concat_tables([table, pa.Table.from_pylist(filled, table.schema)])
        )
    work.log.append(ChangeEntry(placed.where, "services", new.service_id, "service_id", None, new.service_id))
