"""Reading a whole network folder: ``network.yaml``, the tables, the tables by year, and their references."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

import pyarrow as pa
from pydantic import BaseModel, ConfigDict, Field

from logistics.errors import Problem, Where, did_you_mean, stop_on_errors
from logistics.network.checks import check_references, check_tables
from logistics.network.columns import TableSchema
from logistics.network.network import Network, NetworkInfo
from logistics.network.read import read_table
from logistics.network.tables import BY_NAME, BY_YEAR, BY_YEAR_COLUMNS, TABLES
from logistics.yaml_files import read_yaml, validated

SCHEMA = 1
SUPPORTED_SCHEMAS = (1,)


class _Names(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)
    en: str
    zh: str


class _Home(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)
    customs_territory: str
    province: str


class _Source(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)
    name: str
    what: str
    licence: str


class NetworkFile(BaseModel):
    """Schema of ``network.yaml``."""

    model_config = ConfigDict(extra="forbid", strict=True)
    schema_: int = Field(alias="schema", description="version of this file's schema")
    name: _Names
    home: _Home
    base_year: int = Field(ge=1990, le=2100)
    years: list[int] = Field(min_length=1)
    currency: Literal["CNY"] = "CNY"
    price_year: int = Field(ge=1990, le=2100)
    sources: list[_Source] = Field(default_factory=list)
    licences: str = ""


def read_network(folder: Path) -> tuple[Network, list[Problem]]:
    """Read and check the network in `folder`.

    Returns
    -------
    Network, list of Problem
        The network and its warnings.

    Raises
    ------
    InputError
        With every problem of every file.
    """
    problems: list[Problem] = []
    if not folder.is_dir():
        stop_on_errors([Problem("network.no_folder", Where(str(folder)))])
    info = _read_info(folder, problems)
    tables = _read_tables(folder, problems)
    if info is not None and set(BY_NAME) <= set(tables):
        network = Network(folder.name, info, tables)
        # Cells that could not be read would only be reported again by checks that need them.
        spoilt = any(problem.severity == "error" for problem in problems)
        problems.extend(check_references(network) if spoilt else check_tables(network))
        stop_on_errors(problems)
        return network, problems
    stop_on_errors(problems)
    raise AssertionError("a table is missing without a problem")


def by_year_schema(name: str) -> TableSchema:
    """Schema of ``<name>_by_year.csv``."""
    base = BY_NAME[name]
    keys = tuple(base.column(key) for key in base.key)
    return TableSchema(
        f"{name}_by_year", (*base.key, "year", "column"), keys + BY_YEAR_COLUMNS, sourced=False, optional=True
    )


def _read_info(folder: Path, problems: list[Problem]) -> NetworkInfo | None:
    path = folder / "network.yaml"
    shown = f"{folder.name}/network.yaml"
    document = read_yaml(path, shown, problems)
    if document is None:
        return None
    file = validated(NetworkFile, document, problems)
    if file is None:
        return None
    if file.schema_ not in SUPPORTED_SCHEMAS:
        problems.append(
            Problem(
                "schema.version",
                document.where(("schema",)),
                str(file.schema_),
                ", ".join(map(str, SUPPORTED_SCHEMAS)),
            )
        )
        return None
    return NetworkInfo(
        name_en=file.name.en,
        name_zh=file.name.zh,
        home_territory=file.home.customs_territory,
        home_province=file.home.province,
        base_year=file.base_year,
        years=tuple(file.years),
        price_year=file.price_year,
        sources=tuple(source.model_dump() for source in file.sources),
    )


def _read_tables(folder: Path, problems: list[Problem]) -> dict[str, pa.Table]:
    tables: dict[str, pa.Table] = {}
    schemas = list(TABLES) + [by_year_schema(name) for name in BY_YEAR]
    for schema in schemas:
        path = folder / f"{schema.name}.csv"
        if not path.exists():
            if not schema.optional:
                problems.append(Problem("network.no_table", Where(f"{folder.name}/{schema.name}.csv")))
                continue
            tables[schema.name] = empty_table(schema)
            continue
        table = read_table(path, schema, problems, f"{folder.name}/{path.name}")
        if table is not None:
            tables[schema.name] = table
    names = [schema.name for schema in schemas]
    for path in sorted(folder.glob("*.csv")):
        if path.stem not in names:
            shown = f"{folder.name}/{path.name}"
            problems.append(
                Problem(
                    "network.unknown_table", Where(shown), path.stem, remedy=did_you_mean(path.stem, names)
                )
            )
    return tables


def empty_table(schema: TableSchema) -> pa.Table:
    """Return a table of `schema` without rows."""
    types = {"number": pa.float64(), "integer": pa.float64(), "flag": pa.bool_()}
    return pa.table({c.name: pa.array([], types.get(c.kind, pa.string())) for c in schema.all_columns})
