"""The target board on the terminal."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pyarrow as pa
from rich.console import Console
from rich.text import Text

from logistics.commands.rich_tables import headed
from logistics.words import text

UNITS = {"CNY": "bn CNY", "share": "%"}
FACTORS = {"CNY": 1e-9, "share": 100.0}
"""What figures are multiplied by to be in those units; others are counts."""


def print_targets(console: Console, tables: Mapping[str, pa.Table], lang: str) -> None:
    """Print each target of each plan: what is stated, what each year comes to, and the gap in its year."""
    rows = tables["targets"].to_pylist() if "targets" in tables else []
    if not rows:
        return
    years = sorted({row["year"] for row in rows})
    plans = any(row["plan_id"] for row in rows)
    heads = [("term.target", "left"), ("term.unit", "left"), ("term.goal", "right")]
    table = headed(lang, "targets.title", heads)
    for year in years:
        table.add_column(str(year), justify="right")
    table.add_column(text("term.gap", lang), justify="right")
    table.add_column(text("term.met", lang))
    if plans:
        table.add_column(text("term.plan", lang), overflow="fold")
    lines: dict[tuple[str, str], dict[int, dict[str, Any]]] = {}
    for row in rows:
        # Each year has its own plan: what stands before its name is left out.
        plan = row["plan_id"].removeprefix(f"{row['year']}-")
        lines.setdefault((row["target_id"], plan), {})[row["year"]] = row
    for (_, plan), line in lines.items():
        some = next(iter(line.values()))
        due = line.get(some["stated_year"], {})
        met = due.get("reached")
        table.add_row(
            Text(some[f"name_{lang}"]),
            UNITS.get(some["unit"]) or text(f"term.{some['unit']}", lang),
            "" if some["stated"] is None else f"{_shown(some, some['stated'])} ({some['stated_year']})",
            *(_shown(line[year], line[year]["modelled"]) if year in line else "" for year in years),
            _shown(some, due.get("gap"), sign="+"),
            "" if met is None else text("term.yes" if met else "term.no", lang),
            *([Text(plan)] if plans else []),
        )
    console.print(table)


def _shown(row: Mapping[str, Any], value: float | None, sign: str = "") -> str:
    """A figure in the unit in which people speak of it."""
    if value is None:
        return ""
    return f"{FACTORS[row['unit']] * value:{sign},.1f}" if row["unit"] in UNITS else f"{value:{sign}g}"
