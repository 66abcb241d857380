"""Checks of ``targets.csv``: each target is stated in its measure's terms."""

from __future__ import annotations

from collections.abc import Iterator

from logistics.errors import Problem, Where
from logistics.network.network import Network
from logistics.network.target_columns import MEASURES

MEASURED = tuple(dict.fromkeys(name for m in MEASURES.values() for name in (*m.needs, *m.takes)))
"""Columns that some measures use and others do not."""


def unfit_targets(network: Network) -> Iterator[Problem]:
    """Unit, needed and unused columns of each target; a share is at most 1."""
    for line, row in enumerate(network.rows("targets"), 2):
        name = str(row["measure"])
        measure = MEASURES[name]
        file = f"{network.name}/targets.csv"
        if row["unit"] != measure.unit:
            yield Problem("target.unit", Where(file, line, "unit"), str(row["unit"]), measure.unit, name)
        if measure.unit == "share" and row["value"] is not None and row["value"] > 1:
            yield Problem("table.range", Where(file, line, "value"), f"{row['value']:g}", "0 … 1", "value")
        for column in MEASURED:
            cell = row[column]
            if column in measure.needs and cell in (None, ""):
                yield Problem("target.missing", Where(file, line, column), "", name, column)
            # `both` is what a blank direction means.
            if column not in (*measure.needs, *measure.takes) and cell not in (None, "", "both"):
                yield Problem("target.not_used", Where(file, line, column), str(cell), name, column)
