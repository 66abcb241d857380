"""Events: what each costs, and whom it hits."""

from __future__ import annotations

from collections.abc import Sequence

from logistics.reports.blocks import (
    Block,
    Chart,
    Note,
    Number,
    Row,
    Table,
    Words,
    given,
    head,
    named,
    say,
    term,
)
from logistics.reports.forms import fitting
from logistics.reports.source import Results

ANOTHER_CARGO_T = 0.5
"""Where more than this stays behind, the plans carry different cargo, and costs are not compared."""
MOST_MARKETS = 3


def disruption_blocks(results: Results, year: int) -> Sequence[Block]:
    """Events by regret, the markets each hits, and what nobody would notice."""
    mine = [(i, row) for i, row in enumerate(results.rows("disruption")) if row["year"] == year]
    if not mine:
        return []
    money = results.document["objective_kind"] in ("money", "generalised")
    form = "money_small" if money else "plain"
    rows, left = [], False
    co2 = fitting(max(abs(row["co2_more_t"] or 0.0) for _, row in mine), "co2")
    for i, row in mine:
        if row["status"] == "untouched":
            continue
        other = (row["unserved_more_t"] or 0.0) > ANOTHER_CARGO_T
        left |= other
        numbers = [
            Number(None if other else row[key], shape, f"disruption/{i}/{key}", signed=True)
            for key, shape in (
                ("regret", form),
                ("money_more_cny", "money_small"),
                ("hours_more", "days"),
                ("co2_more_t", co2),
            )
        ]
        numbers.append(Number(row["unserved_more_t"], "tonnes", f"disruption/{i}/unserved_more_t"))
        worst = row["worst_names_en"].replace("|", ", "), row["worst_names_zh"].replace("|", "、")
        rows.append(
            Row(
                [
                    named(row, row["event_id"]),
                    *numbers,
                    given(*worst),
                    term(row["status"]),
                    term("yes" if row["verified"] else "no"),
                ],
                f"plan:{row['plan_id']}",
            )
        )
    heads = (
        head("event"),
        head("regret", form),
        head("money_more", "money_small"),
        head("hours_more", "days"),
        head("report.disruption.co2_more", co2),
        head("unserved_more", "tonnes"),
        head("worst_markets"),
        head("status"),
        head("verified"),
    )
    untouched = [row for _, row in mine if row["status"] == "untouched"]
    notes = [say("disruption.left")] if left else []
    if untouched:
        names = Words(
            ", ".join(str(row["name_en"] or row["event_id"]) for row in untouched),
            "、".join(str(row["name_zh"] or row["event_id"]) for row in untouched),
        )
        notes.append(say("disruption.untouched", events=names))
    chart = Chart("bars", {"label": 0, "value": 1})
    table = Table("disruption", say("disruption.title"), heads, rows, notes, chart, wide=True)
    return [Note(say("report.disruption.read")), table, *_markets(results, year)]


def _markets(results: Results, year: int) -> Sequence[Block]:
    """The markets that each event hits worst."""
    names = {row["event_id"]: named(row, row["event_id"]) for row in results.rows("disruption")}
    plan = {row["event_id"]: row["plan_id"] for row in results.rows("disruption")}
    count: dict[str, int] = {}
    rows = []
    money = results.document["objective_kind"] in ("money", "generalised")
    form = "money_small" if money else "plain"
    for i, row in enumerate(results.rows("disruption_markets")):
        event = row["event_id"]
        if row["year"] != year or count.get(event, 0) >= MOST_MARKETS:
            continue
        count[event] = count.get(event, 0) + 1
        other = row["unserved_after_t"] - row["unserved_before_t"] > ANOTHER_CARGO_T
        market = given(results.site_name(row["market"], "en"), results.site_name(row["market"], "zh"))
        numbers = [
            Number(None if other else row["regret"], form, f"disruption_markets/{i}/regret"),
            *(
                Number(row[key], "days", f"disruption_markets/{i}/{key}")
                for key in ("hours_before", "hours_after")
            ),
            *(
                Number(row[key], "tonnes", f"disruption_markets/{i}/{key}")
                for key in ("unserved_before_t", "unserved_after_t")
            ),
        ]
        rows.append(Row([names[event], market, *numbers], f"plan:{plan[event]}"))
    if not rows:
        return []
    heads = (
        head("event"),
        head("market"),
        head("regret", form),
        head("report.disruption.days_before", "days"),
        head("report.disruption.days_after", "days"),
        head("report.disruption.unserved_before", "tonnes"),
        head("report.disruption.unserved_after", "tonnes"),
    )
    note = say("report.disruption.markets_note", most=MOST_MARKETS)
    return [Table("disruption-markets", say("report.disruption.markets"), heads, rows, [note], wide=True)]
