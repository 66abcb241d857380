"""Tables of limits, times, frontiers and disruptions on the terminal."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pyarrow as pa
from rich.console import Console
from rich.text import Text

from logistics.commands.rich_tables import headed, number
from logistics.words import text

SHARES = ("promise_share", "local_gateway_share")
MOST_EVENTS = 30
MOST_NAMED = 3


def limit_in_words(row: Mapping[str, Any], lang: str) -> str:
    """A row of limits.parquet as a sentence."""
    scope = text("limit.scope", lang, where=row["where"]) if row["where"] else ""
    values = {"value": _stated(row, row["stated"]), "scope": scope}
    if row["kind"] != "load":
        return text(f"limit.{row['kind']}", lang, **values)
    thing = text(f"term.{row['thing']}", lang)
    name = text(f"term.{row['thing_id']}", lang) if row["thing"] == "mode" else row["thing_id"]
    return text(f"limit.load.{'least' if row['least'] else 'most'}", lang, **values, thing=thing, id=name)


def _stated(row: Mapping[str, Any], value: float | None) -> str:
    if value is None:
        return ""
    if row["kind"] in SHARES:
        return f"{100 * value:.1f} %"
    if 0 < abs(value) < 10:
        return f"{value:.4g}"
    return number(value, 2 if row["kind"] == "mean_customer_days" else 0)


def print_limits(console: Console, tables: Mapping[str, pa.Table], lang: str) -> None:
    """Limits with what the plan comes to and what they are worth; or why they cannot hold together."""
    rows = tables["limits"].to_pylist() if "limits" in tables else []
    if not rows:
        return
    clash = [row for row in rows if row["in_conflict"]]
    if clash:
        words = "; ".join(f"{row['place']} {limit_in_words(row, lang)}".strip() for row in clash)
        console.print(Text(text("run.conflict", lang, limits=words), style="bold"))
        for row in rows:
            if row["relaxation"] and row["relaxation"] > 1e-9:
                values = {
                    "limit": limit_in_words(row, lang),
                    "percent": f"{100 * row['relaxation']:.3g}",
                    "stated": _stated(row, row["stated"]),
                    "relaxed": _stated(row, row["relaxed_to"]),
                }
                console.print(Text(text("run.relaxation", lang, **values)))
        return
    columns = [("term.limit_id", "left"), ("term.reached", "right")]
    table = headed(
        lang, "limits.title", [*columns, ("term.more_up_to", "right"), ("term.more_checked", "right")]
    )
    for row in rows:
        cells = [number(row[key], 0) for key in ("more_up_to", "more_checked")]
        table.add_row(Text(limit_in_words(row, lang)), _stated(row, row["reached"]), *cells)
    console.print(table)


def print_times(console: Console, tables: Mapping[str, pa.Table], lang: str) -> None:
    """Door-to-door days by segment, and the share within the promise: by mean hours, and simulated."""
    rows = tables["segment_times"].to_pylist() if "segment_times" in tables else []
    rows = [row for row in rows if row["tonnes"] > 0]
    if not rows:
        return
    days = [(f"term.{key}", "right") for key in ("mean", "p10", "p50", "p90")]
    kept = [("term.in_time", "right"), ("term.in_time_simulated", "right")]
    table = headed(lang, "times.title", [("term.segment", "left"), ("term.kt", "right"), *days, *kept])
    table.caption = text("times.caption", lang)
    for row in rows:
        shares = (row["share_within_promise"], row["share_within_promise_simulated"])
        table.add_row(
            f"{text('term.' + row['direction'], lang)} {text('term.' + row['segment'], lang)}",
            number(row["tonnes"] / 1000, 1),
            *(number(row[f"{key}_h"] / 24, 1) for key in ("mean", "p10", "p50", "p90")),
            *("" if share is None else f"{100 * share:.0f} %" for share in shares),
        )
    console.print(table)


def print_frontier(console: Console, tables: Mapping[str, pa.Table], lang: str) -> None:
    """Points of the frontier, how sure the space between them is, and what changes from one to the next."""
    rows = tables["frontier"].to_pylist() if "frontier" in tables else []
    if not rows:
        return
    years = len({row["year"] for row in rows}) > 1
    heads: list[tuple[str, ...]] = [("term.year", "right")] if years else []
    heads += [("term.point", "right"), ("term.kind", "left"), ("term.money_cny", "right", "bn CNY")]
    heads += [("term.customer_hours_mean", "right", "d"), ("term.co2_t", "right", "kt")]
    heads += [("term.second_weight", "right"), ("term.verified", "left"), ("term.doubt", "right")]
    table = headed(lang, "frontier.title", heads)
    for row in rows:
        weight, doubt, hours = row["second_weight"], row["doubt_to_next"], row["customer_hours_mean"]
        table.add_row(
            *([str(row["year"])] if years else []),
            str(row["point"]) if row["point"] else "",
            text(f"term.{row['kind']}", lang),
            number(row["money_cny"] / 1e9, 3),
            "" if hours is None else number(hours / 24, 2),
            number(row["co2_t"] / 1000, 1),
            "" if weight is None else f"{weight:.4g}",
            text("term.yes" if row["verified"] else "term.no", lang),
            "" if doubt is None else f"{100 * doubt:.2g} %",
        )
    console.print(table)
    doubts = [row["doubt_to_next"] for row in rows if row["doubt_to_next"] is not None]
    if doubts:
        console.print(Text(text("frontier.doubt", lang, doubt=f"{100 * max(doubts):.2g} %")))
    else:
        console.print(Text(text("frontier.flat", lang)))
    moves = tables["frontier_moves"].to_pylist() if "frontier_moves" in tables else []
    for point in dict.fromkeys((row["year"], row["point"], row["next_point"]) for row in moves):
        mine = [row for row in moves if (row["year"], row["point"], row["next_point"]) == point]
        values = {"point": point[1], "next": point[2]}
        for word, sign in (("losing", -1), ("gaining", 1)):
            named = [row for row in mine if sign * row["difference_t"] > 0][:MOST_NAMED]
            shown = [
                f"{row[f'name_{lang}'] or row['service_id']} {row['difference_t']:+,.0f} t" for row in named
            ]
            values[word] = ", ".join(shown) or text("none", lang)
        console.print(Text(text("frontier.moves", lang, **values)))


def print_disruption(console: Console, tables: Mapping[str, pa.Table], lang: str) -> None:
    """Events by what they cost."""
    rows = tables["disruption"].to_pylist() if "disruption" in tables else []
    if not rows:
        return
    heads: list[tuple[str, ...]] = [("term.event", "left"), ("term.regret", "right", "m")]
    heads += [("term.money_more", "right", "m CNY"), ("term.hours_more", "right", "d")]
    heads += [("term.unserved_more", "right", "t"), ("term.worst_markets", "left"), ("term.status", "left")]
    table = headed(lang, "disruption.title", [*heads, ("term.verified", "left")])
    years = len({row["year"] for row in rows}) > 1
    hit = [row for row in rows if row["status"] != "untouched"]
    if len(hit) > MOST_EVENTS:
        table.caption = text("tables.largest", lang, shown=MOST_EVENTS, whole=len(hit), name="disruption")
    for row in hit[:MOST_EVENTS]:
        money, hours = row["money_more_cny"], row["hours_more"]
        table.add_row(
            Text(f"{row['year']} {row[f'name_{lang}']}" if years else row[f"name_{lang}"]),
            "" if row["regret"] is None else number(row["regret"] / 1e6, 1),
            "" if money is None else f"{money / 1e6:+,.1f}",
            "" if hours is None else f"{hours / 24:+.2f}",
            number(row["unserved_more_t"], 0),
            row["worst_markets"].replace("|", ", "),
            text(f"term.{row['status']}", lang),
            text("term.yes" if row["verified"] else "term.no", lang),
        )
    console.print(table)
    rest = [row[f"name_{lang}"] for row in rows if row["status"] == "untouched"]
    if rest:
        console.print(Text(text("disruption.untouched", lang, events=", ".join(rest))))
