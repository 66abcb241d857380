"""Orders that come back: how many the warehouses of each site take, and what they cost."""

from __future__ import annotations

from collections.abc import Sequence

from logistics.reports.blocks import Block, Chart, Number, Row, Table, head, named, say
from logistics.reports.source import Results, chosen_plan

RETURNS = "returns"
MOST = 15
FORMS = (("tonnes", "tonnes"), ("orders", "count"), ("cny", "money_small"), ("co2_kg", "kg"))


def returned_blocks(results: Results, year: int) -> Sequence[Block]:
    """Returns by site: of the plan that was chosen, or of the year's own; the most expensive first."""
    mine = [row for row in results.rows(RETURNS) if row["year"] == year]
    chosen = chosen_plan(results, year) or ""
    told = chosen if any(row["plan_id"] == chosen for row in mine) else ""
    rows = [row for row in mine if row["plan_id"] == told]
    if not rows:
        return []
    sums: dict[str, dict[str, float]] = {}
    for row in rows:
        here = sums.setdefault(row["site_id"], dict.fromkeys((key for key, _ in FORMS), 0.0))
        for key in here:
            here[key] += row[key]
    order = sorted(sums, key=lambda site: (-sums[site]["cny"], site))
    lines = []
    for site in order[:MOST]:
        numbers = [Number(sums[site][key], form, f"=returns/{year}/{site}/{key}") for key, form in FORMS]
        lines.append(Row([named(results.places.get(site, {}), site), *numbers], f"site:{site}"))
    heads = [head("report.returns.warehouse"), *(head(f"report.column.{key}", form) for key, form in FORMS)]
    notes = [say("report.returns.note")]
    if len(order) > MOST:
        notes.append(say("tables.largest", shown=MOST, whole=len(order), name=RETURNS))
    chart = Chart("bars", {"label": 0, "value": 3})
    return [Table("returns", say("report.returns.title"), heads, lines, notes, chart, wide=True)]
