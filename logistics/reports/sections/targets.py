"""The target board: what the action plan set out to reach, and what the year comes to."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from logistics.reports.blocks import Block, Cell, Number, Row, Table, Words, given, head, named, say, term
from logistics.reports.forms import FORMS
from logistics.reports.sections.columns import numbered
from logistics.reports.source import Results, chosen_plan

BY_UNIT = {"CNY": "money", "share": "share", "routes": "count", "airports": "count"}
"""Form of a target, by its unit."""


def target_blocks(results: Results, year: int) -> Sequence[Block]:
    """Each target of the plan, with what it is judged by; where options are chosen with them and without."""
    boards: dict[str, list[tuple[int, Mapping[str, Any]]]] = {}
    for i, row in numbered(results.rows("targets"), year):
        boards.setdefault(row["plan_id"], []).append((i, row))
    if not boards:
        return []
    chosen = boards.get(chosen_plan(results, year) or "")
    judged = chosen or boards[""]
    without = {row["target_id"]: (i, row) for i, row in boards[""]} if chosen else {}
    rows = [_row(i, row, without.get(row["target_id"])) for i, row in judged]
    heads = [head("report.targets.target"), head("unit"), head("report.targets.due"), head("stated")]
    heads += [head("report.targets.with"), head("report.targets.without")] if chosen else [head("modelled")]
    heads += [head("report.targets.gap"), head("report.targets.reached"), head("report.targets.basis")]
    title = say("report.targets.with_plan" if chosen else "report.targets.title")
    return [Table("targets", title, heads, rows, [say("report.targets.note")], wide=True)]


def _row(i: int, row: Mapping[str, Any], without: tuple[int, Mapping[str, Any]] | None) -> Row:
    form = BY_UNIT.get(row["unit"], "plain")
    due = Number(row["stated_year"], "year", f"targets/{i}/stated_year")
    cells: list[Cell] = [named(row, row["target_id"]), _unit(row["unit"], form), due]
    cells += [Number(row[key], form, f"targets/{i}/{key}") for key in ("stated", "modelled")]
    if without:
        cells.append(Number(without[1]["modelled"], form, f"targets/{without[0]}/modelled"))
    gap = Number(row["gap"], "points" if form == "share" else form, f"targets/{i}/gap", signed=True)
    reached = row["reached"]
    met = say("report.targets.open") if reached is None else term("yes" if reached else "no")
    return Row([*cells, gap, met, given(row["basis_en"], row["basis_zh"])])


def _unit(unit: str, form: str) -> Words:
    """Unit of a target as it is shown; things that are counted by their name."""
    if form == "count":
        return say(f"report.targets.{unit}")
    return Words(FORMS[form]["en"].unit or unit, FORMS[form]["zh"].unit or unit)
