"""A portfolio on the terminal: what is chosen when, what it is worth, and other plans."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pyarrow as pa
from rich.console import Console
from rich.text import Text

from logistics.commands.rich_tables import headed, number
from logistics.words import text

MOST_OPTIONS = 60
MOST_OUTSIDE = 3


def print_portfolio(console: Console, tables: Mapping[str, pa.Table], lang: str) -> None:
    """Print the chosen options with their years, the years' sums, other plans and the next best options."""
    if "portfolio_plans" not in tables:
        return
    plans = tables["portfolio_plans"].to_pylist()
    if plans[0]["value"] is not None:
        _print_chosen(console, tables["portfolio"].to_pylist(), lang)
    _print_years(console, tables["portfolio_years"].to_pylist(), lang)
    _print_plans(console, plans, lang)
    outside = [row for row in tables["portfolio_outside"].to_pylist() if row["value_low_cny"] is not None]
    for row in outside[:MOST_OUTSIDE]:
        console.print(Text(text("portfolio.outside", lang, option=row["unit_id"], value=_between(row))))


def _between(row: Mapping[str, Any]) -> str:
    ends = [row["value_low_cny"], row["value_high_cny"]]
    shown = ["…" if end is None else number(end / 1e6, 1) for end in ends]
    return shown[0] if shown[0] == shown[1] else f"{shown[0]} … {shown[1]}"


def _print_chosen(console: Console, rows: list[dict[str, Any]], lang: str) -> None:
    if not rows:
        console.print(Text(text("portfolio.nothing", lang)))
        return
    heads: list[tuple[str, ...]] = [("term.route", "left"), ("term.opening", "right")]
    heads += [("term.per_week", "right"), ("term.kt", "right"), ("term.load_factor", "right")]
    heads += [("term.running", "right", "m CNY"), ("term.operator", "right", "m CNY")]
    table = headed(lang, "portfolio.title", [*heads, ("term.value_without", "right", "m CNY")])
    last = max(row["year"] for row in rows)
    opening = {row["unit_id"]: row["year"] for row in rows if row["opens"]}
    shown = [row for row in rows if row["year"] == last]
    for row in shown[:MOST_OPTIONS]:
        table.add_row(
            Text(row[f"name_{lang}"] or row["option_id"]),
            str(opening[row["unit_id"]]),
            "" if row["departures_per_week"] is None else f"{row['departures_per_week']:g}",
            "" if row["tonnes"] is None else number(row["tonnes"] / 1e3, 1),
            "" if row["load_factor"] is None else f"{100 * row['load_factor']:.0f} %",
            number(row["running_cny"] / 1e6, 1),
            "" if row["operator_cny"] is None else number(row["operator_cny"] / 1e6, 1),
            "" if row["value_sign"] is None else _between(row),
        )
    if len(shown) > MOST_OPTIONS:
        counts = {"shown": MOST_OPTIONS, "whole": len(shown), "name": "portfolio"}
        table.caption = text("tables.largest", lang, **counts)
    console.print(table)


def _print_years(console: Console, rows: list[dict[str, Any]], lang: str) -> None:
    heads: list[tuple[str, ...]] = [("term.year", "left"), ("term.routes_run", "right")]
    heads += [("term.delta", "right", "m CNY"), ("term.running", "right", "m CNY")]
    heads += [("term.annuity", "right", "m CNY"), ("term.net_benefit", "right", "m CNY")]
    heads += [("term.investment", "right", "m CNY"), ("term.overlap", "right"), ("term.verified", "left")]
    table = headed(lang, "portfolio.years", heads)
    for row in rows:
        amounts = [row[k] for k in ("saved_cny", "running_cny", "annuity_cny", "net_benefit_cny")]
        table.add_row(
            str(row["year"]),
            str(row["routes"]),
            *(number(amount / 1e6, 1) for amount in amounts),
            number(row["investment_cny"] / 1e6, 1),
            f"{row['overlap_before']:.2f} → {row['overlap_after']:.2f}",
            text("term.yes" if row["verified"] else "term.no", lang),
        )
    if rows:
        console.print(table)


def _print_plans(console: Console, rows: list[dict[str, Any]], lang: str) -> None:
    heads: list[tuple[str, ...]] = [("term.plan", "left"), ("term.status", "left")]
    heads += [("term.net_benefit", "right", "m CNY"), ("term.at_most", "right", "m CNY")]
    heads += [("term.gap", "right"), ("term.added", "left"), ("term.dropped", "left")]
    table = headed(lang, "portfolio.plans", heads)
    for row in rows:
        table.add_row(
            Text(row["plan"]),
            text(f"term.{row['status']}", lang),
            *(
                "" if row[k] is None else number(row[k] / 1e6, 1)
                for k in ("benefit_cny", "benefit_at_most_cny")
            ),
            "" if row["gap"] is None else f"{row['gap']:.1e}",
            Text(row["added"]),
            Text(row["dropped"]),
        )
    console.print(table)
