"""Limits of a scenario, and why they cannot hold together, as sentences."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from logistics.words import text

SHARES = ("promise_share", "local_gateway_share")
RELAXED = 1e-7
"""Share of a limit below which it does not give way."""


def limit_in_words(row: Mapping[str, Any], lang: str) -> str:
    """A row of limits.parquet as a sentence."""
    values = {"value": stated_value(row, row["stated"]), "scope": _scope(row, lang)}
    if row["kind"] == "local_gateway_share":
        how = [row["reading"]] if row["reading"] != "exit_port" else []
        how += [row["measured"]] if row["measured"] != "tonnes" else []
        values["scope"] = f" ({', '.join(text(f'term.{word}', lang) for word in how)})" if how else ""
    if row["kind"] == "promise_share":
        # Results that were written before have neither.
        orders, days = row["measured"] == "orders", row.get("days")
        parts = ["limit.promise_share", *["days"] * (days is not None), *["orders"] * orders]
        return text(".".join(parts), lang, **values, days="" if days is None else f"{days:g}")
    if row["kind"] != "load":
        return text(f"limit.{row['kind']}", lang, **values)
    thing = text(f"term.{row['thing']}", lang)
    name = text(f"term.{row['thing_id']}", lang) if row["thing"] == "mode" else row["thing_id"]
    return text(f"limit.load.{'least' if row['least'] else 'most'}", lang, **values, thing=thing, id=name)


def stated_value(row: Mapping[str, Any], value: float | None) -> str:
    """A value of a limit in the unit in which it was stated; nothing for None."""
    if value is None:
        return ""
    if row["kind"] in SHARES:
        return f"{100 * value:.1f} %"
    if 0 < abs(value) < 10:
        return f"{value:.4g}"
    return f"{value:,.{2 if row['kind'] == 'mean_customer_days' else 0}f}"


def _given_way(row: Mapping[str, Any]) -> str:
    """What a limit is relaxed to, rounded so that it is enough."""
    value, away = row["relaxed_to"], math.floor if row["least"] else math.ceil
    if row["kind"] in SHARES:
        share = away(1e4 * value - 1e-6) if row["least"] else away(1e4 * value)
        return f"{max(0.0, share / 100):.2f} %"
    digits = 3 if row["kind"] == "mean_customer_days" else 0 if abs(value) >= 100 else 3
    return f"{away(value * 10**digits) / 10**digits:,.{digits}f}"


def conflict_sentences(rows: Sequence[Mapping[str, Any]], lang: str, *, base_only: bool = False) -> list[str]:
    """Why limits cannot hold together, and what has to give; nothing where they can.

    Parameters
    ----------
    base_only
        Whether that is so with what exists alone, while plans of the study keep them.
    """
    clash = [row for row in rows if row["in_conflict"]]
    if not clash:
        return []
    words = "; ".join(f"{row['place']} {limit_in_words(row, lang)}".strip() for row in clash)
    said = [text("run.conflict.base", lang)] if base_only else []
    said.append(text("run.conflict", lang, count=len(clash), limits=words))
    giving = [row for row in rows if row["relaxation"] and row["relaxation"] > RELAXED]
    for row in giving:
        values = {
            "limit": limit_in_words(row, lang),
            "percent": f"{100 * row['relaxation']:.3g}",
            "stated": stated_value(row, row["stated"]),
            "relaxed": _given_way(row),
        }
        said.append(text("run.relaxation", lang, **values))
    if len(clash) == 1 and giving == clash and clash[0]["kind"] in SHARES:
        # Nothing else gives way, so what it has to give is all that keeps it from being kept.
        said.append(text("run.best_share", lang, scope=_scope(clash[0], lang), relaxed=_given_way(clash[0])))
    return said


def _scope(row: Mapping[str, Any], lang: str) -> str:
    """The condition on demand in words; nothing where all demand is looked at."""
    return text("limit.scope", lang, where=row["where"]) if row["where"] else ""
