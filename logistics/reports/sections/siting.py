"""Sites: which warehouses the best plan opens, and the benchmark of all candidates."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from logistics.reports.blocks import (
    Block,
    Cell,
    Chart,
    Note,
    Number,
    Row,
    Table,
    Total,
    Totals,
    Words,
    given,
    head,
    named,
    say,
    term,
)
from logistics.reports.forms import is_nothing
from logistics.reports.sections.columns import Column, cells_of, column_heads
from logistics.reports.sections.prefectures import prefecture
from logistics.reports.source import Results

MOST = 18
YEARS = (
    Column("open", "count"),
    Column("opened", "count"),
    Column("capex_cny", "money_small"),
    Column("warehouses_cny", "money_small"),
    Column("flow_before_cny", "money"),
    Column("flow_after_cny", "money"),
    Column("saved_cny", "money_small", "report.siting.saved", signed=True),
)
WHAT = (
    Column("capacity_t_per_year", "tonnes"),
    Column("capex_cny", "money_small"),
    Column("annual_cny", "money_small"),
)
ALONE = (
    Column("alone_net_at_most_cny", "money_small", signed=True),
    Column("alone_landed_cny_per_kg", "cny_per_kg"),
    Column("alone_days_p50", "real_days"),
    Column("alone_days_p90", "real_days"),
    Column("alone_value_share_1d", "share"),
    Column("alone_value_share_2d", "share"),
    Column("alone_value_share_3d", "share"),
    Column("alone_co2_kg_per_t", "kg"),
)
IN_PLAN = (
    Column("value_low_cny", "money_small", signed=True),
    Column("value_high_cny", "money_small", signed=True),
    Column("plan_tonnes", "tonnes"),
    Column("plan_landed_cny_per_kg", "cny_per_kg"),
    Column("plan_days_p50", "real_days"),
    Column("plan_days_p90", "real_days"),
    Column("plan_stock_cny", "money_small"),
    Column("plan_utilisation", "share"),
)
CHANNELS = (
    Column("tonnes", "tonnes"),
    Column("stocked_before_t", "tonnes"),
    Column("stocked_at_most_t", "tonnes"),
    Column("stocked_t", "tonnes"),
)
COMPARED = (
    ("landed_cny_per_kg", "cny_per_kg", False),
    ("days_p50", "real_days", False),
    ("days_p90", "real_days", False),
    ("value_share_3d", "share", True),
)
"""Figures of the best plan that are shown against what exists: column, form, whether more is better."""


def siting_blocks(results: Results, year: int) -> Sequence[Block]:  # noqa: ARG001 - all years
    """The plan in figures and by year, then candidates alone and those that were chosen."""
    years, plans = results.rows("siting_years"), results.rows("siting_plans")
    candidates = list(enumerate(results.rows("candidates")))
    if not plans:
        return []
    blocks: list[Block] = []
    if years:
        blocks += [Note(*siting_verdict(results)), _totals(plans), _years(years)]
    channels = results.rows("siting_channels")
    if channels:
        blocks.append(_channels(channels))
    chosen = [pair for pair in candidates if pair[1]["chosen"] and not pair[1]["exists"]]
    if chosen:
        blocks.append(_chosen(chosen, results.most(MOST)))
    return [*blocks, _candidates(candidates, results.most(MOST))] if candidates else blocks


def siting_verdict(results: Results) -> tuple[Words, str]:
    """How far the plan of sites is proven, and whether markets hang together; and whether that is good."""
    first, status = results.rows("siting_years")[0], results.document["status"]
    lost = first.get("gap_of_benefit")
    said = say(
        "report.siting.proof",
        status=say(f"term.{status}"),
        gap="–" if first["gap"] is None else f"{first['gap']:.1e}",
        of_benefit="" if lost is None else say("report.siting.of_benefit", share=f"{100 * lost:.2g} %"),
        bound_by=say(f"report.bound_by.{'solver' if first['by_solver'] else 'prices'}"),
        how=say(f"report.siting.{'joint' if first['joint'] else 'apart'}"),
    )
    return said, "good" if status == "optimal" else "warning"


def _totals(plans: Sequence[Mapping[str, Any]]) -> Totals:
    """The best plan of the last year, against what exists."""
    at = {row["kind"]: i for i, row in enumerate(plans) if row["kind"] in ("base", "best")}
    if len(at) < 2:
        return Totals([])
    base, best = plans[at["base"]], plans[at["best"]]
    origin = f"siting_plans/{at['best']}"
    totals = [
        Total(say("report.column.sites"), Number(best["sites"], "count", f"{origin}/sites")),
        Total(
            say("report.column.capex_cny"), Number(best["capex_cny"], "money_small", f"{origin}/capex_cny")
        ),
        Total(
            say("report.siting.benefit"),
            Number(base["worse_cny"], "money_small", f"siting_plans/{at['base']}/worse_cny"),
        ),
    ]
    for key, form, more_is_better in COMPARED:
        if best[key] is not None and base[key] is not None:
            change = best[key] - base[key]
            shape = "points" if form == "share" else form
            good = None if is_nothing(change, shape) else (change > 0) == more_is_better
            difference = Number(change, shape, f"=siting_change/{key}", signed=True)
            words = say(f"report.column.{key}")
            totals.append(Total(words, Number(best[key], form, f"{origin}/{key}"), difference, good))
    return Totals([total for total in totals if total.number.value is not None])


def _years(years: Sequence[Mapping[str, Any]]) -> Table:
    rows = []
    for i, row in enumerate(years):
        year = Number(row["year"], "year", f"siting_years/{i}/year")
        cells = cells_of("siting_years", i, row, YEARS)
        rows.append(Row([year, *cells], f"plan:{row['year']}-siting"))
    heads = [head("year", "year"), *column_heads(YEARS)]
    title, note = say("report.siting.years"), say("report.siting.years_note")
    return Table("siting-years", title, heads, rows, [note], wide=True)


def _channels(channels: Sequence[Mapping[str, Any]]) -> Table:
    """How much of what may be sold either way is stocked."""
    rows = []
    for i, row in enumerate(channels):
        year = Number(row["year"], "year", f"siting_channels/{i}/year")
        cells = cells_of("siting_channels", i, row, CHANNELS)
        rows.append(Row([year, given(row["product_id"]), *cells], row["product_id"]))
    heads = [head("year", "year"), head("report.column.product_id"), *column_heads(CHANNELS)]
    title, note = say("report.siting.channels"), say("report.siting.channels_note")
    return Table("siting-channels", title, heads, rows, [note])


def _who(row: Mapping[str, Any]) -> list[Cell]:
    at_home = row.get("prefecture")
    where = prefecture(at_home) if at_home else Words(row["country"], row["country"])
    held = f"ownership.{row['ownership']}" if row["ownership"] else f"report.kind.{row.get('kind')}"
    size = _known(f"size.{row['size']}", row["size"])
    return [named(row, row["option_id"]), where, _known(held, row["ownership"] or row.get("kind", "")), size]


def _known(key: str, word: str) -> Words:
    """Words of a key, or the word itself where a network has one of its own."""
    try:
        return say(key)
    except KeyError:
        return given(word)


WHO = ("report.siting.candidate", "report.siting.where", "report.column.ownership", "report.column.size")


def _chosen(chosen: Sequence[tuple[int, Mapping[str, Any]]], most: int) -> Table:
    """Warehouses that the plan opens: what each is worth there."""
    rows = []
    for i, row in chosen[:most]:
        opens = Number(row["opens"], "year", f"candidates/{i}/opens")
        cells = [*cells_of("candidates", i, row, WHAT), *cells_of("candidates", i, row, IN_PLAN)]
        rows.append(Row([*_who(row), opens, *cells], f"site:{row['site_id']}"))
    heads = [*(head(key) for key in WHO), head("report.portfolio.opening", "year")]
    heads += [*column_heads(WHAT), *column_heads(IN_PLAN)]
    chart = Chart("intervals", {"label": 0, "low": 8, "high": 9})
    title, notes = say("report.siting.chosen"), [say("report.siting.chosen_note")]
    if len(chosen) > most:
        notes.append(say("tables.largest", shown=most, whole=len(chosen), name="candidates"))
    return Table("siting-chosen", title, heads, rows, notes, chart, wide=True)


def _candidates(candidates: Sequence[tuple[int, Mapping[str, Any]]], most: int) -> Table:
    """Every candidate alone, the best first."""
    rows = []
    for i, row in candidates[:most]:
        ranks = [
            Number(row[key], "count", f"candidates/{i}/{key}") for key in ("rank", "rank_best", "rank_worst")
        ]
        cells = [*cells_of("candidates", i, row, WHAT), *cells_of("candidates", i, row, ALONE)]
        chosen = term("yes" if row["chosen"] else "no")
        rows.append(Row([*_who(row), *ranks, chosen, *cells], f"site:{row['site_id']}"))
    heads = [*(head(key) for key in WHO)]
    heads += [head(f"report.column.{key}", "count") for key in ("rank", "rank_best", "rank_worst")]
    heads += [head("report.column.chosen"), *column_heads(WHAT), *column_heads(ALONE)]
    notes = [say("report.siting.candidates_note")]
    if len(candidates) > most:
        notes.append(say("tables.largest", shown=most, whole=len(candidates), name="candidates"))
    chart = Chart("bars", {"label": 0, "value": 11, "tag": 2, "hatched": 7, "most": 24})
    title = say("report.siting.candidates")
    return Table("candidates", title, heads, rows, notes, chart, wide=True)
