"""Cargo that no way was found for, or no room."""

from __future__ import annotations

from collections.abc import Sequence

from logistics.reports.blocks import Block, Note, Number, Row, Table, given, head, named, say, term
from logistics.reports.source import Results

MOST = 25


def unserved_blocks(results: Results, year: int) -> Sequence[Block]:
    """Demand that stays unserved, largest first."""
    demand = {row["demand_id"]: row for row in results.networks[year].rows("demand")}
    products = {row["product_id"]: row for row in results.networks[year].rows("products")}
    sums: dict[str, float] = {}
    for row in results.plans[""].unserved.to_pylist():
        if row["year"] == year:
            sums[row["demand_id"]] = sums.get(row["demand_id"], 0.0) + row["tonnes"]
    if not sums:
        return [Note(say("report.unserved.none"), "good")] if results.has_figures else []
    order = sorted(sums, key=lambda name: (-sums[name], name))
    rows = []
    for name in order[:MOST]:
        row = demand[name]
        ends = [
            given(results.site_name(row[f"{end}_site"], "en"), results.site_name(row[f"{end}_site"], "zh"))
            for end in ("origin", "destination")
        ]
        product = named(products[row["product_id"]], row["product_id"])
        amounts = [
            Number(sums[name], "tonnes", f"=unserved/{year}/{name}"),
            Number(row["tonnes_per_year"], "tonnes", f"=demand/{year}/{name}"),
        ]
        rows.append(Row([*ends, product, term(row["segment"]), *amounts], f"site:{row['destination_site']}"))
    heads = [head(key) for key in ("report.unserved.origin", "market", "product", "segment")]
    heads += [head("unserved_t", "tonnes"), head("demand_t", "tonnes")]
    notes = [say("tables.largest", shown=len(rows), whole=len(order), name="plan/unserved")]
    return [
        Table(
            "unserved",
            say("report.unserved.title"),
            heads,
            rows,
            notes if len(order) > MOST else (),
            wide=True,
        )
    ]
