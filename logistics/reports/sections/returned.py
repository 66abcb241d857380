"""Orders that come back: how many each warehouse takes, and what they cost."""

from __future__ import annotations

from collections.abc import Sequence

from logistics.reports.blocks import Block, Chart, Number, Row, Table, head, named, say
from logistics.reports.source import Results, chosen_plan

RETURNS = "returns"
MOST = 15
FORMS = (("tonnes", "tonnes"), ("orders", "count"), ("cny", "money_small"), ("co2_kg", "kg"))


def returned_blocks(results: Results, year: int) -> Sequence[Block]:
    """Returns by warehouse: of the plan that was chosen, or of the year's own; the most expensive first."""
    plan_id = chosen_plan(results, year) or ""
    rows = [row for row in results.rows(RETURNS) if row["year"] == year and row["plan_id"] == plan_id]
    if not rows:
        return []
    site: dict[str, str] = {}
    sums: dict[str, dict[str, float]] = {}
    for row in rows:
        site[row["option_id"]] = row["site_id"]
        mine = sums.setdefault(row["option_id"], dict.fromkeys((key for key, _ in FORMS), 0.0))
        for key in mine:
            mine[key] += row[key]
    order = sorted(sums, key=lambda name: (-sums[name]["cny"], name))
    lines = []
    for name in order[:MOST]:
        numbers = [Number(sums[name][key], form, f"=returns/{year}/{name}/{key}") for key, form in FORMS]
        place = results.places.get(site[name], {})
        lines.append(Row([named(place, name), *numbers], f"site:{site[name]}"))
    heads = [head("report.returns.warehouse"), *(head(f"report.column.{key}", form) for key, form in FORMS)]
    notes = [say("report.returns.note")]
    if len(order) > MOST:
        notes.append(say("tables.largest", shown=MOST, whole=len(order), name=RETURNS))
    chart = Chart("bars", {"label": 0, "value": 3})
    return [Table("returns", say("report.returns.title"), heads, lines, notes, chart, wide=True)]
