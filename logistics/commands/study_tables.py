"""Tables of limits, times, frontiers and disruptions on the terminal."""

from __future__ import annotations

from collections.abc import Mapping

import pyarrow as pa
from rich.console import Console
from rich.text import Text

from logistics.commands.rich_tables import headed, number
from logistics.words import text
from logistics.words.limit_sentences import conflict_sentences, limit_in_words, stated_value

UNITS = {"money": "CNY", "generalised": "CNY", "hours": "t h", "co2": "kg"}
"""Units of objectives."""
MOST_EVENTS = 30
MOST_NAMED = 3
ANOTHER_CARGO_T = 0.5


def print_limits(
    console: Console, tables: Mapping[str, pa.Table], lang: str, unit: str, *, base_only: bool
) -> None:
    """Limits with what the plan comes to and what they are worth; or why they cannot hold together.

    Parameters
    ----------
    unit
        Unit of the objective.
    base_only
        Whether plans of the study keep limits that what exists does not.
    """
    rows = tables["limits"].to_pylist() if "limits" in tables else []
    if not rows:
        return
    for sentence in conflict_sentences(rows, lang, base_only=base_only):
        console.print(Text(sentence))
    if any(row["in_conflict"] for row in rows):
        return
    heads: list[tuple[str, ...]] = [("term.limit_id", "left"), ("term.reached", "right")]
    heads += [("term.looser_up_to", "right", unit), ("term.more_checked", "right", unit)]
    table = headed(lang, "limits.title", heads)
    years = len({row["year"] for row in rows}) > 1
    for row in rows:
        cells = [number(row[key], 0) for key in ("more_up_to", "more_checked")]
        words = limit_in_words(row, lang)
        table.add_row(
            Text(f"{row['year']} {words}" if years else words), stated_value(row, row["reached"]), *cells
        )
    console.print(table)


def print_times(console: Console, tables: Mapping[str, pa.Table], lang: str) -> None:
    """Door-to-door days by segment, and the share within the promise: by mean hours, and simulated."""
    rows = tables["segment_times"].to_pylist() if "segment_times" in tables else []
    rows = [row for row in rows if row["tonnes"] > 0]
    if not rows:
        return
    days = [(f"term.{key}", "right") for key in ("mean", "p10", "p50", "p90")]
    kept = [("term.in_time", "right"), ("term.in_time_simulated", "right")]
    years = len({row["year"] for row in rows}) > 1
    first = [*([("term.year", "right")] if years else []), ("term.segment", "left"), ("term.kt", "right")]
    table = headed(lang, "times.title", [*first, *days, *kept])
    table.caption = text("times.caption", lang)
    for row in rows:
        shares = (row["share_within_promise"], row["share_within_promise_simulated"])
        table.add_row(
            *([str(row["year"])] if years else []),
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
    first, second = (UNITS[rows[0][key]] for key in ("first", "second"))
    heads += [("term.second_weight", "right", f"{first}/{second}")]
    heads += [("term.verified", "left"), ("term.doubt", "right")]
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
    elif any(row["point"] for row in rows):
        console.print(Text(text("frontier.flat", lang)))
    else:
        console.print(Text(text("frontier.none", lang)))
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


def print_disruption(console: Console, tables: Mapping[str, pa.Table], lang: str, unit: str) -> None:
    """Events by what they cost."""
    rows = tables["disruption"].to_pylist() if "disruption" in tables else []
    if not rows:
        return
    heads: list[tuple[str, ...]] = [("term.event", "left"), ("term.regret", "right", f"m {unit}")]
    heads += [("term.money_more", "right", "m CNY"), ("term.hours_more", "right", "d")]
    heads += [("term.unserved_more", "right", "t"), ("term.worst_markets", "left"), ("term.status", "left")]
    table = headed(lang, "disruption.title", [*heads, ("term.verified", "left")])
    years = len({row["year"] for row in rows}) > 1
    hit = [row for row in rows if row["status"] != "untouched"]
    if len(hit) > MOST_EVENTS:
        table.caption = text("tables.largest", lang, shown=MOST_EVENTS, whole=len(hit), name="disruption")
    for row in hit[:MOST_EVENTS]:
        money, hours = row["money_more_cny"], row["hours_more"]
        if (row["unserved_more_t"] or 0.0) > ANOTHER_CARGO_T:
            # Less cargo costs less: the differences would say nothing.
            money = hours = row["regret"] = None
        table.add_row(
            Text(f"{row['year']} {row[f'name_{lang}']}" if years else row[f"name_{lang}"]),
            "" if row["regret"] is None else number(row["regret"] / 1e6, 1),
            "" if money is None else f"{money / 1e6:+,.1f}",
            "" if hours is None else f"{hours / 24:+.2f}",
            number(row["unserved_more_t"], 0),
            row[f"worst_names_{lang}"].replace("|", ", "),
            text(f"term.{row['status']}", lang),
            text("term.yes" if row["verified"] else "term.no", lang),
        )
    console.print(table)
    if any((row["unserved_more_t"] or 0.0) > ANOTHER_CARGO_T for row in hit):
        console.print(Text(text("disruption.left", lang)))
    rest = [row[f"name_{lang}"] for row in rows if row["status"] == "untouched"]
    if rest:
        console.print(Text(text("disruption.untouched", lang, events=", ".join(rest))))
