"""Inputs that differ: without them the differences of results mean nothing."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from logistics.reports.blocks import Block, Note, Row, Table, Words, given, head, say, term
from logistics.reports.comparison.section import result_name
from logistics.reports.sections.changes import sheet
from logistics.reports.source import Results
from logistics.results.compare import compared

MOST_OF_A_COLUMN = 5
MOST_LINES = 60


def input_blocks(results: Sequence[Results]) -> Sequence[Block]:
    """Differing cells of each result against the first; a column that differs in many rows is one line."""
    blocks: list[Block] = []
    for number, each in enumerate(results[1:], 1):
        found = compared(results[0].folder, each.folder)
        lines = _grouped(found["inputs"])
        title = say("report.compared.inputs", before=result_name(results[0]), after=result_name(each))
        if not lines:
            blocks.append(Note(say("report.compared.same_inputs", after=result_name(each))))
            continue
        rows = [
            Row(
                [
                    _table_name(line["table"]),
                    *(given(line[key]) for key in ("row", "column", "before", "after")),
                ]
            )
            for line in lines[:MOST_LINES]
        ]
        heads = [head(key) for key in ("table", "row", "column", "before", "after")]
        notes = [say("compare.more_inputs", count=len(lines) - MOST_LINES)] if len(lines) > MOST_LINES else []
        blocks.append(Table(f"inputs-{number}", title, heads, rows, notes, wide=True))
    return blocks


def _table_name(table: str) -> Words:
    return term("scenario") if table == "scenario" else sheet(table)


def _grouped(cells: Sequence[Mapping[str, Any]]) -> list[dict[str, str]]:
    groups: dict[tuple[str, str], list[Mapping[str, Any]]] = {}
    for cell in cells:
        groups.setdefault((cell["table"], cell["column"]), []).append(cell)
    lines = []
    for (table, column), mine in groups.items():
        if len(mine) > MOST_OF_A_COLUMN:
            both = {"before": "…", "after": _factor(mine)}
            lines.append({"table": table, "row": f"({len(mine)})", "column": column, **both})
            continue
        lines += [
            {"table": table, "row": str(cell["row"]), "column": name, "before": before, "after": after}
            for cell in mine
            for name, before, after in _differing(column, cell["before"], cell["after"])
        ]
    return lines


def _differing(column: str, before: object, after: object) -> list[tuple[str, str, str]]:
    """Name, before and after of what differs in a cell; of settings with parts: each part that differs."""
    old, new = _parts(column, before), _parts(column, after)
    names = list(dict.fromkeys([*old, *new]))
    return [
        (name, old.get(name, "–"), new.get(name, "–")) for name in names if old.get(name) != new.get(name)
    ]


def _parts(name: str, value: object) -> dict[str, str]:
    """Plain parts of a value by their path, of lists by the ids of their items; where it was read is none."""
    if isinstance(value, Mapping):
        inner = {f"{name}.{key}": each for key, each in value.items() if key not in ("id", "place")}
    elif isinstance(value, list):
        ids = [each.get("id", i) if isinstance(each, Mapping) else i for i, each in enumerate(value)]
        inner = {f"{name}.{key}": each for key, each in zip(ids, value, strict=True)}
    else:
        return {} if value in (None, "") and "." in name else {name: _plain(value)}
    return {path: words for key, each in inner.items() for path, words in _parts(key, each).items()}


def _factor(cells: Sequence[Mapping[str, Any]]) -> str:
    """The factor between before and after, where it is the same in all cells."""
    pairs = [(cell["before"], cell["after"]) for cell in cells]
    factors = {f"{b / a:.6g}" for a, b in pairs if isinstance(a, float) and isinstance(b, float) and a}
    whole = all(isinstance(a, float) and isinstance(b, float) and a for a, b in pairs)
    return f"× {factors.pop()}" if whole and len(factors) == 1 else "…"


def _plain(value: object) -> str:
    return f"{value:.12g}" if isinstance(value, float) else str(value)
