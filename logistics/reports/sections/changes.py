"""What the scenario changed in the network's tables."""

from __future__ import annotations

from collections.abc import Sequence

from logistics.reports.blocks import Block, Row, Table, Words, given, head, say
from logistics.reports.source import Results

MOST_OF_A_COLUMN = 5
MOST_LINES = 60


def change_blocks(results: Results, year: int) -> Sequence[Block]:
    """Old and new values; a column that changed in many rows is one line."""
    groups: dict[tuple[str, str, str], list[dict[str, str]]] = {}
    for row in results.rows("changes"):
        if row["year"] == year:
            groups.setdefault((row["place"], row["table"], row["column"]), []).append(row)
    lines = []
    for (place, table, column), mine in groups.items():
        shown = mine
        if len(mine) > MOST_OF_A_COLUMN:
            shown = [{**mine[0], "row_id": f"({len(mine)})", "old": "…", "new": _factor(mine)}]
        lines += [
            Row(
                [
                    given(place),
                    sheet(table),
                    given(row["row_id"]),
                    given(column),
                    given(row["old"]),
                    given(row["new"]),
                ]
            )
            for row in shown
        ]
    if not lines:
        return []
    notes = [say("compare.more_inputs", count=len(lines) - MOST_LINES)] if len(lines) > MOST_LINES else []
    heads = [head("report.changes.place")]
    heads += [head(key) for key in ("table", "row", "column", "before", "after")]
    return [Table("changes", say("report.changes.title"), heads, lines[:MOST_LINES], notes, wide=True)]


def _factor(rows: Sequence[dict[str, str]]) -> str:
    """The factor of a change, where it is the same in all rows."""
    factors = set()
    for row in rows:
        try:
            factors.add(f"{float(row['new']) / float(row['old']):.6g}")
        except (ValueError, ZeroDivisionError):
            return "…"
    return f"× {factors.pop()}" if len(factors) == 1 else "…"


def sheet(table: str) -> Words:
    """Name of a table of the network for people."""
    try:
        return say(f"sheet.{table}")
    except KeyError:
        return given(table)
