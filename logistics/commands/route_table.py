"""The best proposed routes on the terminal."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pyarrow as pa
from rich.console import Console
from rich.text import Text

from logistics.commands.rich_tables import headed, number
from logistics.words import text

MOST_ROUTES = 20
MOST_REASONS = 5


def print_routes(console: Console, tables: Mapping[str, pa.Table], lang: str) -> None:
    """Print the best proposals of each year with their accounts, and how many are what."""
    rows = tables["proposals"].to_pylist() if "proposals" in tables else []
    if not rows:
        return
    for year in dict.fromkeys(row["year"] for row in rows):
        _print_year(console, [row for row in rows if row["year"] == year], lang)


def _print_year(console: Console, rows: list[dict[str, Any]], lang: str) -> None:
    heads: list[tuple[str, ...]] = [("term.route", "left"), ("term.per_week", "right")]
    heads += [("term.delta", "right", "m CNY"), ("term.shipper", "right", "m CNY")]
    heads += [("term.operator", "right", "m CNY"), ("term.public", "right", "m CNY")]
    heads += [("term.net_benefit", "right", "m CNY"), ("term.benefit_cost", "right")]
    heads += [("term.load_out_back", "right"), ("term.chance", "right")]
    table = headed(lang, "routes.title", [*heads, ("term.verified", "left")])
    solved = [row for row in rows if row["status"] == "worth"]
    for row in solved[:MOST_ROUTES]:
        factors = [
            f"{100 * row[k]:.0f}" for k in ("load_factor_out", "load_factor_back") if row[k] is not None
        ]
        table.add_row(
            Text(row[f"name_{lang}"] or row["proposal_id"]),
            f"{row['departures_per_week']:g}",
            number(row["delta"] / 1e6, 1),
            *(number(row[f"{name}_cny"] / 1e6, 1) for name in ("shipper", "operator", "public")),
            number(row["net_benefit_cny"] / 1e6, 1),
            number(row["benefit_cost"], 2),
            "/".join(factors) + " %",
            "" if row["probability_of_benefit"] is None else f"{100 * row['probability_of_benefit']:.0f} %",
            text("term.yes" if row["verified"] else "term.no", lang),
        )
    if len(solved) > MOST_ROUTES:
        shown = {"shown": MOST_ROUTES, "whole": len(solved), "name": "proposals"}
        table.caption = text("tables.largest", lang, **shown)
    console.print(table)
    counts: dict[str, int] = {}
    for row in rows:
        counts[row["status"]] = counts.get(row["status"], 0) + 1
    console.print(Text(", ".join(f"{text(f'term.{key}', lang)} {n}" for key, n in counts.items())))
    for row in [row for row in rows if row["status"] in ("rejected", "failed")][:MOST_REASONS]:
        console.print(Text(f"{row['source']} {row['proposal_id']}: {row[f'reason_{lang}']}"))
