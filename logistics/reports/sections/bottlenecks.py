"""Scarce capacities, and what one more unit of them is worth."""

from __future__ import annotations

from collections.abc import Sequence

from logistics.reports.blocks import Block, Chart, Number, Row, Table, head, named, say, term
from logistics.reports.source import Results

MOST = 20


def bottleneck_blocks(results: Results, year: int) -> Sequence[Block]:
    """The capacities that are worth most, by price times load."""
    mine = [(i, row) for i, row in enumerate(results.rows("bottlenecks")) if row["year"] == year]
    if not mine:
        return []
    money = results.document["objective_kind"] in ("money", "generalised")
    price, worth = ("cny", "money_small") if money else ("plain", "plain")
    site_of = {
        str(r["option_id"]): str(r["site_id"]) for r in results.networks[year].rows("warehouse_options")
    }
    rows = []
    most = results.most(MOST)
    for i, row in mine[:most]:
        thing = row["id"].split("#")[0]
        place = (
            f"site:{site_of.get(thing, thing)}" if row["kind"] == "warehouse" else f"{row['kind']}:{thing}"
        )
        figures = (
            ("load", "tonnes"),
            ("price_up_to", price),
            ("worth_cny", worth),
            ("more", "tonnes"),
            ("more_up_to", worth),
            ("more_checked", worth),
        )
        kind = term("warehouse_option" if row["kind"] == "warehouse" else row["kind"])
        unit = say(f"report.unit.{row['unit']}")
        numbers = [Number(row[key], form, f"bottlenecks/{i}/{key}") for key, form in figures]
        rows.append(Row([named(row, row["id"]), kind, unit, *numbers], place))
    heads = (
        head("capacity"),
        head("kind"),
        head("unit"),
        head("load"),
        head("price_up_to", price),
        head("report.bottlenecks.worth", worth),
        head("report.bottlenecks.more"),
        head("more_up_to", worth),
        head("more_checked", worth),
    )
    notes = [say("report.bottlenecks.note")]
    if len(mine) > most:
        notes.append(say("tables.largest", shown=most, whole=len(mine), name="bottlenecks"))
    chart = Chart("bars", {"label": 0, "value": 5, "most": 12})
    return [Table("bottlenecks", say("bottlenecks.title"), heads, rows, notes, chart, wide=True)]
