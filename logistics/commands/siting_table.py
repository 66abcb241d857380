"""A siting study on the terminal: the best candidates, the plan by year, other plans, regret."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pyarrow as pa
from rich.console import Console
from rich.text import Text

from logistics.commands.rich_tables import headed, number
from logistics.results.orders import by_regret
from logistics.words import text

MOST_CANDIDATES = 20


def print_siting(console: Console, tables: Mapping[str, pa.Table], lang: str) -> None:
    """Print the candidates that are the best alone, the years, the plans and their largest regrets."""
    if "siting_plans" not in tables:
        return
    _print_candidates(console, tables["candidates"].to_pylist(), lang)
    _print_years(console, tables["siting_years"].to_pylist(), lang)
    _print_plans(console, tables["siting_plans"].to_pylist(), lang)
    if "siting_regret" in tables:
        _print_regret(console, tables["siting_regret"].to_pylist(), lang)


def _print_candidates(console: Console, rows: list[dict[str, Any]], lang: str) -> None:
    heads: list[tuple[str, ...]] = [("term.rank", "right"), ("term.site", "left"), ("term.ownership", "left")]
    heads += [("term.size", "left"), ("term.opening", "right"), ("term.kt", "right")]
    heads += [("term.alone_net", "right", "m CNY"), ("term.landed", "right", "CNY/kg")]
    heads += [("term.days", "right", "P50/P90"), ("term.value_without", "right", "m CNY")]
    table = headed(lang, "siting.title", heads)
    for row in rows[:MOST_CANDIDATES]:
        days = [row["alone_days_p50"], row["alone_days_p90"]]
        table.add_row(
            str(row["rank"]),
            Text(row[f"name_{lang}"]),
            text(f"ownership.{row['ownership']}" if row["ownership"] else f"report.kind.{row['kind']}", lang),
            Text(row["size"]),
            "" if row["opens"] is None else str(row["opens"]),
            "" if row["alone_tonnes"] is None else number(row["alone_tonnes"] / 1e3, 1),
            number(row["alone_net_at_most_cny"] / 1e6, 1),
            number(row["alone_landed_cny_per_kg"], 2),
            "" if None in days else " / ".join(f"{day:.1f}" for day in days),
            _between(row),
        )
    if len(rows) > MOST_CANDIDATES:
        counts = {"shown": MOST_CANDIDATES, "whole": len(rows), "name": "candidates"}
        table.caption = text("tables.largest", lang, **counts)
    console.print(table)


def _between(row: Mapping[str, Any]) -> str:
    ends = [row["value_low_cny"], row["value_high_cny"]]
    return " … ".join("" if end is None else number(end / 1e6, 1) for end in ends).strip()


def _print_years(console: Console, rows: list[dict[str, Any]], lang: str) -> None:
    heads: list[tuple[str, ...]] = [("term.year", "left"), ("term.open", "right"), ("term.opening", "right")]
    heads += [("term.investment", "right", "m CNY"), ("term.running", "right", "m CNY")]
    heads += [("term.delta", "right", "m CNY"), ("term.net_benefit", "right", "m CNY")]
    table = headed(lang, "siting.years", heads)
    for row in rows:
        before = row["flow_before_cny"]
        delta = before - row["flow_after_cny"] if before is not None else None
        amounts = (row["capex_cny"], row["warehouses_cny"], delta, row["saved_cny"])
        table.add_row(
            str(row["year"]),
            str(row["open"]),
            str(row["opened"]),
            *("" if x is None else number(x / 1e6, 1) for x in amounts),
        )
    if rows:
        table.caption = f"{text('term.gap', lang)} {rows[0]['gap']:.1e}"
        console.print(table)


def _print_plans(console: Console, rows: list[dict[str, Any]], lang: str) -> None:
    heads: list[tuple[str, ...]] = [
        ("term.plan", "left"),
        ("term.sites", "right"),
        ("term.value", "right", "bn CNY"),
    ]
    heads += [("term.worse", "right", "m CNY"), ("term.landed", "right", "CNY/kg")]
    heads += [("term.days", "right", "P50/P90"), ("term.utilisation", "right")]
    table = headed(lang, "siting.plans", heads)
    for row in rows:
        days = [row["days_p50"], row["days_p90"]]
        table.add_row(
            _plan_name(row, lang),
            str(row["sites"]),
            "" if row["value_cny"] is None else number(row["value_cny"] / 1e9, 3),
            "" if row["worse_cny"] is None else number(row["worse_cny"] / 1e6, 1),
            number(row["landed_cny_per_kg"], 3),
            "" if None in days else " / ".join(f"{day:.1f}" for day in days),
            "" if row["utilisation"] is None else f"{100 * row['utilisation']:.0f} %",
        )
    console.print(table)


def _plan_name(row: Mapping[str, Any], lang: str) -> str:
    kind = text(f"siting.plan.{row['kind']}", lang)
    if row["kind"] in ("base", "best"):
        return kind
    name = text(f"siting.rule.{row['name']}", lang) if row["kind"] == "baseline" else str(row["name"])
    return f"{kind} {name}"


def _regret(row: Mapping[str, Any]) -> str:
    """Where a plan was solved in all futures its largest regret, else what it is at least."""
    most = row["largest_regret_at_most_cny"]
    return f"≥ {number(row['largest_regret_cny'] / 1e6, 1)}" if most is None else number(most / 1e6, 1)


def _print_regret(console: Console, rows: list[dict[str, Any]], lang: str) -> None:
    heads: list[tuple[str, ...]] = [
        ("term.plan", "left"),
        ("term.regret", "right", "m CNY"),
        ("term.least", "left"),
    ]
    table = headed(lang, "siting.regret", heads)
    largest = {row["plan"]: row for row in rows}
    for name in sorted(largest, key=lambda plan: by_regret(largest[plan])):
        row = largest[name]
        least = "siting.proven" if row["least_is_proven"] else "term.yes"
        table.add_row(Text(name), _regret(row), text(least, lang) if row["least_of_largest"] else "")
    console.print(table)
