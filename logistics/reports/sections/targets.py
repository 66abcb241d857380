"""The target board: what the action plan set out to reach, and what the year comes to."""

from __future__ import annotations

from collections.abc import Sequence

from logistics.reports.blocks import Block, Number, Row, Table, Words, given, head, named, say, term
from logistics.reports.forms import FORMS
from logistics.reports.source import Results

PORTFOLIO = "portfolio"
"""What the board calls the plans of all years with the chosen options."""
BY_UNIT = {"CNY": "money", "share": "share", "routes": "count", "airports": "count"}
"""Form of a target, by its unit."""


def target_blocks(results: Results, year: int) -> Sequence[Block]:
    """Each target of the plan, with what it is judged by; where options are chosen also with them."""
    title = say("report.targets.title")
    blocks = [_board(results, year, "", "targets", title)]
    blocks.append(_board(results, year, PORTFOLIO, "targets-chosen", say("report.targets.with_plan")))
    return [block for block in blocks if block]


def _board(results: Results, year: int, plan_id: str, name: str, title: Words) -> Table | None:
    rows = []
    for i, row in enumerate(results.rows("targets")):
        if row["year"] != year or row["plan_id"] != plan_id:
            continue
        form = BY_UNIT.get(row["unit"], "plain")
        numbers = [Number(row[key], form, f"targets/{i}/{key}") for key in ("stated", "modelled")]
        gap = Number(row["gap"], "points" if form == "share" else form, f"targets/{i}/gap", signed=True)
        due = Number(row["stated_year"], "year", f"targets/{i}/stated_year")
        unit = _unit(row["unit"], form)
        reached = (
            say("report.targets.open") if row["reached"] is None else term("yes" if row["reached"] else "no")
        )
        basis = given(row["basis_en"], row["basis_zh"])
        rows.append(Row([named(row, row["target_id"]), unit, due, *numbers, gap, reached, basis]))
    if not rows:
        return None
    heads = [head("report.targets.target"), head("unit"), head("report.targets.due"), head("stated")]
    heads += [head("modelled"), head("report.targets.gap"), head("report.targets.reached")]
    heads += [head("report.targets.basis")]
    note = say("report.targets.note")
    return Table(name, title, heads, rows, [note], wide=True)


def _unit(unit: str, form: str) -> Words:
    """Unit of a target as it is shown; things that are counted by their name."""
    if form == "count":
        return say(f"report.targets.{unit}")
    return Words(FORMS[form]["en"].unit or unit, FORMS[form]["zh"].unit or unit)
