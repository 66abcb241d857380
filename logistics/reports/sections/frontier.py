"""The frontier: its points, how sure the space between them is, and what flips from one to the next."""

from __future__ import annotations

from collections.abc import Sequence

from logistics.reports.blocks import Block, Chart, Note, Number, Row, Table, head, named, say, term
from logistics.reports.forms import OBJECTIVES, fitting
from logistics.reports.source import Results

FIGURES = (
    ("money_cny", "money"),
    ("customer_hours_mean", "days"),
    ("co2_t", "co2"),
    ("unserved_t", "tonnes"),
)
AXES = {"money": 2, "hours": 3, "co2": 4}
"""Column of the table that an objective is drawn from."""


def frontier_blocks(results: Results, year: int) -> Sequence[Block]:
    """Points as a table and a picture, then the moves between neighbours."""
    mine = [(i, row) for i, row in enumerate(results.rows("frontier")) if row["year"] == year]
    if not mine:
        return []
    rows = []
    forms = {key: fitting(min(abs(row[key] or 0.0) for _, row in mine), form) for key, form in FIGURES}
    for i, row in mine:
        point = Number(row["point"], "count", f"frontier/{i}/point")
        figures = [Number(row[key], form, f"frontier/{i}/{key}") for key, form in forms.items()]
        worth = Number(row["second_weight"], "plain", f"frontier/{i}/second_weight")
        doubt = Number(row["doubt_to_next"], "share", f"frontier/{i}/doubt_to_next")
        checked = term("yes" if row["verified"] else "no")
        rows.append(
            Row([point, term(row["kind"]), *figures, worth, doubt, checked], f"plan:{row['plan_id']}")
        )
    first, second = mine[0][1]["first"], mine[0][1]["second"]
    doubts = [row["doubt_to_next"] for _, row in mine if row["doubt_to_next"] is not None]
    said = (
        say("frontier.doubt", doubt=f"{100 * max(doubts):.2g} %")
        if doubts
        else say("frontier.flat" if any(row["point"] for _, row in mine) else "frontier.none")
    )
    heads = (
        head("point"),
        head("kind"),
        *(head(key, form) for key, form in forms.items()),
        head("second_weight"),
        head("doubt", "share"),
        head("verified"),
    )
    units = say(
        "report.frontier.weight",
        first=say(f"report.objective_unit.{OBJECTIVES[first]}"),
        second=say(f"report.objective_unit.{OBJECTIVES[second]}"),
    )
    chart = Chart("frontier", {"label": 0, "kind": 1, "x": AXES[first], "y": AXES[second]})
    table = Table("frontier", say("report.frontier.points"), heads, rows, [said, units], chart, wide=True)
    return [Note(say("report.frontier.read")), table, *_moves(results, year)]


def _moves(results: Results, year: int) -> Sequence[Block]:
    rows = []
    found = results.rows("frontier_moves")
    largest = max((max(row["before_t"], row["after_t"]) for row in found), default=0.0)
    form = fitting(largest, "mass")
    for i, row in enumerate(found):
        if row["year"] == year:
            numbers = [
                Number(row[key], form, f"frontier_moves/{i}/{key}", signed=key == "difference_t")
                for key in ("before_t", "after_t", "difference_t")
            ]
            step = say("report.frontier.step", point=row["point"], next=row["next_point"])
            rows.append(Row([step, named(row, row["service_id"]), *numbers], f"service:{row['service_id']}"))
    if not rows:
        return []
    heads = [head("report.frontier.from_to"), head("service")]
    heads += [head(key, form) for key in ("before", "after", "difference")]
    return [Table("frontier-moves", say("report.frontier.moves"), heads, rows, wide=True)]
