"""Families over the low and high estimates of the network: short for changes that a family sets.

``key: estimates`` stands for all columns of the network's tables that have a range somewhere,
``estimates.services`` for those of a table, ``estimates.services.tariff_spot`` for one. Each becomes a change
of its own at the end of the family's, and a dimension that sets its place between low and high.
"""

from __future__ import annotations

import copy
import csv
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from logistics.errors import Problem, did_you_mean
from logistics.network.tables import BY_NAME
from logistics.scenario.schema import ESTIMATES
from logistics.yaml_files import Document


def ranged_columns(network: Path) -> Iterator[tuple[str, str]]:
    """Yield table and column of all estimates that have a range in some row of a network folder."""
    for schema in BY_NAME.values():
        path = network / f"{schema.name}.csv"
        if not schema.estimates or not path.is_file():
            continue
        with path.open(encoding="utf-8-sig", newline="") as file:
            rows = list(csv.DictReader(file))
        for column in schema.estimates:
            if any((row.get(f"{column}_low") or "").strip() for row in rows):
                yield schema.name, column


def is_over_estimates(key: str) -> bool:
    """Whether the key of a dimension stands for estimates."""
    return key.partition(".")[0] == ESTIMATES


def with_estimates(document: Document, network: Path | None, problems: list[Problem]) -> Document:
    """Return a checked scenario file whose families over estimates are spelled out.

    Parameters
    ----------
    network
        Folder of its network, None where the file does not come to one.
    problems
        Keys that stand for nothing are added here.
    """
    data = copy.deepcopy(document.data)
    ranged = list(ranged_columns(network)) if network is not None else []
    for name, variant in data["variants"].items():
        changes, over = list((variant or {}).get("changes") or []), list[dict[str, Any]]()
        for number, dimension in enumerate((variant or {}).get("over") or []):
            if not is_over_estimates(dimension["key"]):
                over.append(dimension)
                continue
            key = dimension["key"]
            chosen = [(t, c) for t, c in ranged if f"{ESTIMATES}.{t}.{c}.".startswith(f"{key}.")]
            if not chosen:
                names = sorted(
                    {f"{ESTIMATES}.{t}" for t, _ in ranged} | {f"{ESTIMATES}.{t}.{c}" for t, c in ranged}
                )
                where = document.where(("variants", name, "over", number, "key"))
                problem = Problem(
                    "variant.no_range", where, key, ", ".join(names), remedy=did_you_mean(key, names)
                )
                problems.append(problem)
            for table, column in chosen:
                place = f"variants.{name}.changes.{len(changes)}.set"
                over.append(_dimension(dimension, table, column, place, alone=len(chosen) == 1))
                way = "drawn" if dimension.get("apart") else "estimate"
                changes.append({"set": {"table": table, "column": column, way: 0}})
        if over:
            variant["over"], variant["changes"] = over, changes
    return Document(document.shown, data, document.places, document.key_places)


def _dimension(given: dict[str, Any], table: str, column: str, place: str, *, alone: bool) -> dict[str, Any]:
    """The dimension that sets one change; where nothing else is said, a triangle over the whole range."""
    name = given.get("name") if alone else None
    dimension = {**given, "name": name or f"{table}.{column}"}
    if given.get("apart"):
        return {**dimension, "key": f"{place}.drawn"}
    if given.get("values") is None and given.get("low") is None:
        dimension |= {"low": -1, "high": 1, "mode": 0}
    return {**dimension, "key": f"{place}.estimate"}
