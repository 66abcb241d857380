"""Which airport of the province serves which region, without a portfolio and with it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from logistics.reports.blocks import Block, Cell, Chart, Head, Number, Row, Table, given, head, say
from logistics.reports.sections.columns import numbered
from logistics.reports.source import Results

MEASURES = {
    "routes": ("count", "report.column.routes"),
    "departures_per_week": ("departures", "report.column.departures_per_week"),
    "capacity_t": ("tonnes", "report.portfolio.room"),
}
"""Form and words by column."""
WHEN = ("before", "after")


def airport_role_blocks(results: Results, year: int) -> Sequence[Block]:
    """A row an airport and region, each measure before and after."""
    both: dict[tuple[str, str], dict[str, tuple[int, Mapping[str, Any]]]] = {}
    for i, row in numbered(results.rows("airport_roles"), year):
        both.setdefault((row["airport"], row["region"]), {})[row["when"]] = (i, row)
    if not both:
        return []
    regions = {row["land_region"]: row for row in results.networks[year].rows("land_regions")}
    rows = []
    for (airport, region), mine in sorted(both.items()):
        place = given(results.site_name(airport, "en"), results.site_name(airport, "zh"))
        named = regions.get(region, {})
        where = given(named.get("name_en") or region, named.get("name_zh"))
        cells: list[Cell] = [place, where]
        for key, (form, _) in MEASURES.items():
            for when in WHEN:
                i, row = mine.get(when, (-1, {}))
                cells.append(
                    Number(row[key], form, f"airport_roles/{i}/{key}") if row else Number(0.0, form, "=none")
                )
        rows.append(Row(cells, f"site:{airport}"))
    heads = [head("report.column.airport"), head("report.column.region")]
    for form, measure in MEASURES.values():
        for when in WHEN:
            words = say(f"report.portfolio.{when}", what=say(measure))
            heads.append(Head(words, form))
    chart = Chart("pairs", {"label": 0, "tag": 1, "before": 4, "after": 5, "most": 12})
    note = say("report.portfolio.roles_note")
    return [Table("airport-roles", say("report.portfolio.roles"), heads, rows, [note], chart, wide=True)]
