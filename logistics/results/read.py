"""Reading a results folder back: result, plan (Parquet or hand-made CSV), duals, inputs."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as pacsv
import pyarrow.parquet as pq

from logistics.errors import Problem, Where, stop_on_errors
from logistics.network.columns import TableSchema
from logistics.network.folder import empty_table
from logistics.network.network import Network, NetworkInfo
from logistics.network.tables import TABLES
from logistics.plan import FLOWS, STEPS, UNSERVED, Plan
from logistics.results.layout import DUALS, INPUTS, PLAN, RESULT, SCENARIO, SUPPORTED_SCHEMAS
from logistics.verification.certificates import DUALS as DUALS_SCHEMA


@dataclass(frozen=True)
class SavedInputs:
    """Effective networks by year and the resolved scenario, as they were used."""

    scenario: Mapping[str, Any]
    networks: Mapping[int, Network]


def read_result(folder: Path) -> dict[str, Any]:
    """Content of ``result.json``.

    Raises
    ------
    InputError
        When the folder holds no result of a known schema.
    """
    path = folder / RESULT
    try:
        document = json.loads(path.read_text(encoding="utf-8"), parse_constant=_no_constant)
    except FileNotFoundError:
        stop_on_errors([Problem("results.no_result", Where(str(path)))])
    except (OSError, ValueError) as error:
        stop_on_errors([Problem("results.unreadable", Where(str(path)), str(error)[:200])])
    if not isinstance(document, dict) or document.get("schema") not in SUPPORTED_SCHEMAS:
        found = str(document.get("schema")) if isinstance(document, dict) else type(document).__name__
        stop_on_errors([Problem("schema.version", Where(str(path)), found, ", ".join(SUPPORTED_SCHEMAS))])
    return dict(document)


def _no_constant(name: str) -> float:
    raise ValueError(f"{name} is no number of a result")


def read_inputs(folder: Path) -> SavedInputs:
    """Read ``inputs/<hash>/`` of a results folder."""
    store = folder / INPUTS
    chosen = sorted(path for path in store.glob("*") if path.is_dir())
    if len(chosen) != 1:
        stop_on_errors([Problem("results.no_inputs", Where(str(store)), str(len(chosen)), "1")])
    try:
        scenario = json.loads((chosen[0] / SCENARIO).read_text(encoding="utf-8"))
        known = scenario["network_info"]
        info = NetworkInfo(
            name_en=known["name_en"],
            name_zh=known["name_zh"],
            home_territory=known["home_territory"],
            home_province=known["home_province"],
            base_year=known["base_year"],
            years=tuple(known["years"]),
            price_year=known["price_year"],
        )
        networks = {}
        for year in scenario["years"]:
            tables = {schema.name: _read_table(chosen[0] / str(year), schema) for schema in TABLES}
            networks[int(year)] = Network(scenario["network"], info, tables)
    except (OSError, ValueError, KeyError, pa.ArrowException) as error:
        stop_on_errors([Problem("results.unreadable", Where(str(chosen[0])), str(error)[:200])])
    return SavedInputs(scenario, networks)


def _read_table(folder: Path, schema: TableSchema) -> pa.Table:
    """A table of the inputs; one that may be left out is empty where the engine did not know it yet."""
    path = folder / f"{schema.name}.parquet"
    if schema.optional and not path.exists():
        return empty_table(schema)
    table = pq.read_table(path)
    like = empty_table(schema).schema
    for column in schema.all_columns:
        # Columns that the engine did not know yet are blank.
        if column.name not in table.column_names and not column.required:
            field = like.field(column.name)
            none = {pa.bool_(): False, pa.string(): ""}.get(field.type)
            blank = none if column.default is None else column.default
            table = table.append_column(field, pa.array([blank] * table.num_rows, field.type))
    return table


def read_plan(folder: Path, *, hand_made: bool = False, name: str = PLAN) -> Plan:
    """Read ``plan/``: Parquet as the engine wrote it, or CSV made by hand.

    Parameters
    ----------
    folder
        Folder that holds ``plan/``.
    name
        Place of another plan in the folder, ``plans/…``.
    hand_made
        Read ``flows.csv`` and ``steps.csv``; ``unserved.csv`` may be left out.

    Raises
    ------
    InputError
        When a table is missing or is not as :mod:`logistics.plan` says.
    """
    tables: dict[str, pa.Table] = {}
    problems: list[Problem] = []
    for part, schema in (("flows", FLOWS), ("steps", STEPS), ("unserved", UNSERVED)):
        path = folder / name / (f"{part}.csv" if hand_made else f"{part}.parquet")
        if not path.exists():
            if hand_made and part == "unserved":
                tables[part] = schema.empty_table()
            else:
                problems.append(Problem("results.no_plan", Where(str(path))))
            continue
        try:
            table = _from_csv(path, schema) if hand_made else pq.read_table(path)
            table = table.select(schema.names).cast(schema)
        except (OSError, pa.ArrowException, KeyError, ValueError) as error:
            problems.append(
                Problem("results.bad_table", Where(str(path)), str(error)[:200], ", ".join(schema.names))
            )
            continue
        if "stop_seq" in schema.names:
            place = schema.get_field_index("stop_seq")
            table = table.set_column(place, schema.field(place), pc.fill_null(table["stop_seq"], 0))
        for column in schema.names:
            blank = np.flatnonzero(np.asarray(pc.is_null(table[column])))
            if len(blank):
                where = Where(str(path), int(blank[0]) + 2, column)
                problems.append(Problem("results.bad_table", where, "", column))
        tables[part] = table
    stop_on_errors(problems)
    return Plan(tables["flows"], tables["steps"], tables["unserved"])


def _from_csv(path: Path, schema: pa.Schema) -> pa.Table:
    options = pacsv.ConvertOptions(
        column_types={field.name: field.type for field in schema},
        include_columns=schema.names,
        include_missing_columns=False,
        strings_can_be_null=False,
    )
    return pacsv.read_csv(path, convert_options=options)


def no_plan() -> Plan:
    """A plan without cargo."""
    return Plan(FLOWS.empty_table(), STEPS.empty_table(), UNSERVED.empty_table())


def read_duals(folder: Path) -> pa.Table | None:
    """Read ``duals.parquet``; None when there is none."""
    path = folder / DUALS
    if not path.exists():
        return None
    try:
        return pq.read_table(path).select(DUALS_SCHEMA.names).cast(DUALS_SCHEMA)
    except (OSError, pa.ArrowException, KeyError, ValueError) as error:
        stop_on_errors([Problem("results.unreadable", Where(str(path)), str(error)[:200])])
        raise AssertionError from error


def read_tables(folder: Path) -> dict[str, pa.Table]:
    """Tables at the top of the folder by name."""
    return {path.stem: pq.read_table(path) for path in sorted(folder.glob("*.parquet"))}
