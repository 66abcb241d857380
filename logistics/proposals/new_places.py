"""New terminals and passages that come with proposals, checked as rows of the network's tables."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import pyarrow as pa

from logistics.errors import Problem, did_you_mean
from logistics.network.columns import TableSchema
from logistics.network.read import checked_table
from logistics.network.tables import PASSAGES, SITES
from logistics.proposals.proposal import Row
from logistics.proposals.spec import Source
from logistics.proposals.surroundings import Surroundings
from logistics.yaml_files import Document, Key


def new_rows(
    source: Source, key: Key, around: Surroundings, document: Document, problems: list[Problem]
) -> tuple[list[Row], list[Row]]:
    """New rows of ``sites.csv`` and ``passages.csv`` that a source brings along; problems are appended."""
    sites = _checked(source.sites, SITES, (*key, "sites"), around.sites, document, problems)
    passages = _checked(source.passages, PASSAGES, (*key, "passages"), around.passages, document, problems)
    known = {
        "sites": {*around.sites, *(str(row["site_id"]) for row in sites)},
        "land_regions": set(around.network.texts("land_regions", "land_region")),
    }
    for i, row in enumerate(sites):
        for column in SITES.columns:
            for item in str(row[column.name]).split("|") if column.refers_to else ():
                if item and item not in known[column.refers_to]:
                    where = document.where((*key, "sites", i, column.name))
                    hint = did_you_mean(item, sorted(known[column.refers_to]))
                    problems.append(
                        Problem("table.reference", where, item, column.refers_to, column.name, hint)
                    )
    return sites, passages


def _checked(
    rows: Sequence[Mapping[str, Any]],
    schema: TableSchema,
    key: Key,
    existing: Mapping[str, Row],
    document: Document,
    problems: list[Problem],
) -> list[Row]:
    """Rows with the types and defaults of their table; findings of its reader get their place in the YAML."""
    if not rows:
        return []
    names = [column.name for column in schema.all_columns]
    known = {name.lower() for name in existing}
    before = len(problems)
    for i, row in enumerate(rows):
        for name in row:
            if name not in names:
                where = document.where((*key, i, name), of_key=True)
                hint = did_you_mean(name, names)
                problems.append(Problem("schema.unknown_key", where, name, ", ".join(names), name, hint))
        given = str(row.get(schema.key[0], ""))
        if given.lower() in known:
            where = document.where((*key, i, schema.key[0]))
            problems.append(Problem("change.duplicate", where, given, schema.name))
    cells = {name: pa.array([_cell(row.get(name)) for row in rows], pa.string()) for name in names}
    found: list[Problem] = []
    table = checked_table(pa.table(cells), schema, found, schema.name)
    for problem in found:
        # The reader counts lines of a file: the header is line 1, the first row line 2.
        where = document.where((*key, problem.where.line - 2, problem.where.column))
        problems.append(replace(problem, where=where))
    return [] if len(problems) > before else list(table.to_pylist())


def _cell(value: Any) -> str:
    """A YAML value as the cell of a table."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    return "|".join(map(str, value)) if isinstance(value, list) else str(value)
