"""The best proposed routes in detail: what they divert, what their worth hangs on, and the way itself."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from logistics.reports.blocks import Block, Chart, Number, Row, Table, Words, given, head, named, say, term
from logistics.reports.sections.columns import Column, cells_of, column_heads, numbered
from logistics.reports.sections.routes import proposal_place
from logistics.reports.source import Results

MOST_SWINGS = 5
MOST_DIVERTING = 6
MOST_CORRIDORS = 3
"""Proposals whose details the page holds; the workbook holds those of all."""
DIVERTED = (
    Column("before_t", "tonnes"),
    Column("after_t", "tonnes"),
    Column("difference_t", "tonnes", signed=True),
)
SWINGS = (
    Column("net_low_cny", "money_small", signed=True),
    Column("net_used_cny", "money_small", signed=True),
    Column("net_high_cny", "money_small", signed=True),
)
STEPS = (
    Column("total_km", "km"),
    Column("total_cny_per_t", "cny_per_t"),
    Column("total_hours", "hours"),
)
COST = "cost_cny_per_departure"
"""The one input of a tornado that is in CNY; the others are factors."""


def route_detail_blocks(results: Results, year: int) -> Sequence[Block]:
    """Diversions, tornado, and cost and time along the way."""
    best = {row["proposal_id"]: row for _, row in numbered(results.rows("proposals"), year)}
    blocks = [
        _diversions(results, year, best),
        _tornado(results, year, best),
        _corridors(results, year, best),
    ]
    return [block for block in blocks if block is not None]


def _of_the_best(
    results: Results, table: str, year: int, most: int
) -> tuple[list[tuple[int, Mapping[str, Any]]], Sequence[Words]]:
    """Rows of the first proposals of a table, and a note where there are more."""
    rows = numbered(results.rows(table), year)
    names = list(dict.fromkeys(row["proposal_id"] for _, row in rows))
    kept = set(names[: results.most(most)])
    notes = (
        [say("report.routes.most", shown=len(kept), whole=len(names), name=table)]
        if len(names) > len(kept)
        else []
    )
    return [(i, row) for i, row in rows if row["proposal_id"] in kept], notes


def _diversions(results: Results, year: int, best: Mapping[str, Mapping[str, Any]]) -> Table | None:
    found, notes = _of_the_best(results, "diversions", year, MOST_DIVERTING)
    if not found:
        return None
    services = {row["service_id"]: row for row in results.networks[year].rows("services")}
    rows = []
    for i, row in found:
        proposal = best[row["proposal_id"]]
        gateway = row["kind"] == "gateway"
        thing = (
            given(results.site_name(row["id"], "en"), results.site_name(row["id"], "zh"))
            if gateway
            else named(services.get(row["id"], {}), row["id"])
        )
        cells = [named(proposal, row["proposal_id"]), thing, term(row["kind"])]
        rows.append(Row([*cells, *cells_of("diversions", i, row, DIVERTED)], proposal_place(proposal)))
    heads = [head("route"), head("report.routes.thing"), head("kind"), *column_heads(DIVERTED)]
    chart = Chart("bars", {"pick": 0, "label": 1, "value": 5, "tag": 2, "most": 20})
    title = say("report.routes.diversions")
    said = [say("report.routes.diversions_note"), *notes]
    return Table("diversions", title, heads, rows, said, chart, wide=True)


def _tornado(results: Results, year: int, best: Mapping[str, Mapping[str, Any]]) -> Table | None:
    found, notes = _of_the_best(results, "tornado", year, MOST_SWINGS)
    if not found:
        return None
    rows = []
    for i, row in found:
        proposal = best[row["proposal_id"]]
        form = "cny" if row["input"] == COST else "ratio"
        ends = [
            Number(row[key], form, f"tornado/{i}/{key}") for key in ("low", "used", "high", "switching_value")
        ]
        swing = cells_of("tornado", i, row, SWINGS)
        cells = [named(proposal, row["proposal_id"]), say(f"report.input.{row['input']}")]
        rows.append(Row([*cells, *ends[:3], *swing, ends[3]], proposal_place(proposal)))
    heads = [head("route"), head("report.column.input")]
    heads += [head("low"), head("report.column.used"), head("high"), *column_heads(SWINGS)]
    heads += [head("report.column.switching_value")]
    settings = {"pick": 0, "label": 1, "ends": [2, 4], "low": 5, "used": 6, "high": 7}
    title, chart = say("report.routes.tornado"), Chart("tornado", settings)
    said = [say("report.routes.tornado_note"), *notes]
    return Table("tornado", title, heads, rows, said, chart, wide=True)


def _corridors(results: Results, year: int, best: Mapping[str, Mapping[str, Any]]) -> Table | None:
    found, notes = _of_the_best(results, "corridors", year, MOST_CORRIDORS)
    if not found:
        return None
    products = {row["product_id"]: row for row in results.networks[year].rows("products")}
    demand = {row["demand_id"]: row for row in results.networks[year].rows("demand")}
    rows = []
    for i, row in found:
        proposal = best[row["proposal_id"]]
        market = demand[row["demand_id"]]["destination_site"]
        cargo = say(
            "report.routes.cargo",
            product=named(products[row["product_id"]], row["product_id"]),
            market=given(results.site_name(market, "en"), results.site_name(market, "zh")),
        )
        end = row["to_site_id"] or row["site_id"]
        step = [say(f"report.action.{row['action']}")]
        step.append(given(results.site_name(end, "en"), results.site_name(end, "zh")))
        cells = [named(proposal, row["proposal_id"]), cargo, say(f"report.way.{row['way']}"), *step]
        rows.append(Row([*cells, *cells_of("corridors", i, row, STEPS)], proposal_place(proposal)))
    heads = [head("route"), head("report.routes.cargo_head"), head("report.column.way")]
    heads += [head("report.column.action"), head("report.routes.at"), *column_heads(STEPS)]
    chart = Chart("corridor", {"pick": 0, "line": 2, "label": 4, "x": 5, "cost": 6, "hours": 7})
    title = say("report.routes.corridors")
    said = [say("report.routes.corridors_note"), *notes]
    return Table("corridors", title, heads, rows, said, chart, wide=True)
