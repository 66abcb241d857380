"""Proposed routes: which are worth opening and why, and how sure that is."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from logistics.reports.blocks import (
    DASH,
    Block,
    Cell,
    Chart,
    Note,
    Number,
    Row,
    Table,
    Words,
    given,
    head,
    listed,
    mode_words,
    named,
    say,
    term,
)
from logistics.reports.sections.columns import Column, cells_of, column_heads, numbered
from logistics.reports.source import Results

MOST = 20
MOST_REJECTED = 20
MOVED_T = 0.5
"""Tonnes a year; who loses less is not said to lose."""
RANKED = (
    Column("departures_per_week", "departures"),
    Column("net_benefit_cny", "money_small", signed=True),
    Column("shipper_cny", "money_small", signed=True),
    Column("operator_cny", "money_small", signed=True),
    Column("public_cny", "money_small", signed=True),
    Column("benefit_cost", "ratio"),
    Column("out_t", "tonnes"),
    Column("back_t", "tonnes"),
    Column("load_factor_out", "share"),
)
SURE = (
    Column("net_low_cny", "money_small", signed=True),
    Column("net_high_cny", "money_small", signed=True),
    Column("net_benefit_2019_rates_cny", "money_small", signed=True),
    Column("net_benefit_2021_rates_cny", "money_small", signed=True),
    Column("net_benefit_2023_rates_cny", "money_small", signed=True),
    Column("probability_of_benefit", "share"),
    Column("break_even_load_factor", "share"),
    Column("break_even_subsidy_cny", "money_small"),
    Column("payback_years", "years"),
)
SAVINGS = ("money", "capital", "time")


def route_blocks(results: Results, year: int) -> Sequence[Block]:
    """Proposals in order of their rank with reasons, how sure each is, and what was left out."""
    mine = numbered(results.rows("proposals"), year)
    if not mine:
        return []
    ranked = sorted((pair for pair in mine if pair[1]["rank"] is not None), key=lambda pair: pair[1]["rank"])
    shown = ranked[: results.most(MOST)]
    blocks: list[Block] = [Note(say("report.routes.read"))]
    if shown:
        blocks += [_ranked(results, year, shown, len(ranked)), _how_sure(shown)]
    return [*blocks, *_left_out(year, [row for _, row in mine])]


def proposal_place(row: Mapping[str, Any]) -> str:
    """What a proposal stands for on the map: its plan, where one is kept."""
    return f"plan:{row['plan_id']}" if row["plan_id"] else ""


def _ranked(results: Results, year: int, shown: Sequence[tuple[int, Mapping[str, Any]]], count: int) -> Table:
    losers = _losers(results, year)
    rows = []
    for i, row in shown:
        rank = Number(row["rank"], "count", f"proposals/{i}/rank")
        why = _why(row, losers.get(row["proposal_id"], ()))
        cells: list[Cell] = [named(row, row["proposal_id"]), mode_words(row["mode"])]
        cells += cells_of("proposals", i, row, RANKED)
        rows.append(Row([rank, *cells, term(row["status"]), why], proposal_place(row)))
    heads = [head("report.column.rank", "count"), head("route"), head("mode"), *column_heads(RANKED)]
    heads += [head("status"), head("report.routes.why")]
    notes = [say("report.routes.accounts")]
    if count > len(shown):
        notes.append(say("tables.largest", shown=len(shown), whole=count, name="proposals"))
    chart = Chart("bars", {"label": 1, "value": 4, "mode": 2, "most": 20})
    return Table("proposals", say("report.routes.title"), heads, rows, notes, chart, wide=True)


def _losers(results: Results, year: int) -> Mapping[str, Sequence[Words]]:
    """The two services from which each proposal takes most."""
    services = {row["service_id"]: row for row in results.networks[year].rows("services")}
    found: dict[str, list[Words]] = {}
    for row in results.rows("diversions"):
        if row["year"] == year and row["kind"] == "service" and row["difference_t"] < -MOVED_T:
            mine = found.setdefault(row["proposal_id"], [])
            if len(mine) < 2:
                mine.append(named(services.get(row["id"], {}), row["id"]))
    return found


def _why(row: Mapping[str, Any], losers: Sequence[Words]) -> Words:
    """Why a proposal stands where it stands, in a sentence."""
    if row["status"] in ("no_effect", "behind"):
        return say(f"report.routes.{row['status']}")
    parts = []
    net, operator = row["net_benefit_cny"], row["operator_cny"]
    if net is not None and net < 0:
        parts.append(say("report.routes.costs_more"))
    elif net is not None and operator is not None:
        parts.append(say("report.routes.pays" if operator >= 0 else "report.routes.operator_loses"))
    saved = {name: row[f"{name}_saved_cny"] or 0.0 for name in SAVINGS}
    most = max(SAVINGS, key=lambda name: saved[name])
    if saved[most] > 0:
        parts.append(say(f"report.routes.saves_{most}"))
    if losers:
        parts.append(say("report.routes.takes_from", services=listed(losers)))
    return (
        Words("; ".join(part.en for part in parts), "；".join(part.zh for part in parts)) if parts else DASH
    )


def _how_sure(shown: Sequence[tuple[int, Mapping[str, Any]]]) -> Table:
    """The net benefit at other freight rates and at the ends of what was proven."""
    rows = [
        Row(
            [
                named(row, row["proposal_id"]),
                *cells_of("proposals", i, row, SURE),
                say(f"report.proof.{row['proof']}") if row["proof"] else DASH,
                term("yes" if row["verified"] else "no"),
                say(f"report.estimates.{row['confidence']}") if row["confidence"] else DASH,
            ],
            proposal_place(row),
        )
        for i, row in shown
    ]
    heads = [head("route"), *column_heads(SURE), head("report.column.proof"), head("verified")]
    heads += [head("report.column.confidence")]
    title, note = say("report.routes.sure"), say("report.routes.sure_note")
    return Table("proposals-sure", title, heads, rows, [note], wide=True)


def _left_out(year: int, rows: Sequence[Mapping[str, Any]]) -> Sequence[Block]:
    """How many proposals ended how, and the reasons of those that were not evaluated."""
    counts = Counter(str(row["status"]) for row in rows)
    lines = [
        Row([term(status), Number(count, "count", f"=proposals_by_status/{year}/{status}")])
        for status, count in counts.most_common()
    ]
    heads = [head("status"), head("report.routes.number", "count")]
    blocks = [Table("proposals-status", say("report.routes.by_status"), heads, lines)]
    out = [row for row in rows if row["rank"] is None]
    if out:
        lines = [
            Row([named(row, row["proposal_id"]), term(row["status"]), _reason(row)])
            for row in out[:MOST_REJECTED]
        ]
        heads = [head("route"), head("status"), head("report.column.reason")]
        notes = (
            [say("tables.largest", shown=MOST_REJECTED, whole=len(out), name="proposals")]
            if len(out) > MOST_REJECTED
            else []
        )
        blocks.append(Table("proposals-left-out", say("report.routes.left_out"), heads, lines, notes))
    return blocks


def _reason(row: Mapping[str, Any]) -> Words:
    if row["status"] == "not_open":
        return say("report.routes.opens_in", year=row["reason_en"])
    return given(row["reason_en"] or "–", row["reason_zh"])
