"""A first look by distance alone: how near few sites could be, and which sites each rule takes."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from logistics.reports.blocks import (
    Block,
    Chart,
    Head,
    Note,
    Number,
    Row,
    Table,
    Words,
    given,
    head,
    named,
    say,
)
from logistics.reports.source import Results

LOOK, PLACES = "siting_first_look", "siting_first_look_places"
SHOWN: Mapping[str, tuple[tuple[str, str, str], ...]] = {
    "mean": (
        ("gravity", "mean_km", "km"),
        ("gravity_at_sites", "mean_km", "km"),
        ("median", "mean_km", "km"),
    ),
    "rest": (("centre", "farthest_km", "km"), ("coverage", "within_share", "share")),
}
"""Rule, column and form of what is shown: means, which are drawn, and what else."""
AT_SITES = ("gravity_at_sites", "median", "centre", "coverage")
MOST = 15
"""Sites in the table of sites."""
Numbered = Sequence[tuple[int, Mapping[str, Any]]]


def siting_first_look_blocks(results: Results, year: int) -> Sequence[Block]:  # noqa: ARG001 - the last year
    """Kilometres by number of sites, and the sites that rules agree on; warehouses and facilities apart."""
    looks = list(enumerate(results.rows(LOOK)))
    if not looks:
        return []
    blocks: list[Block] = [Note(say("report.look.read"))]
    for what in dict.fromkeys(row["what"] for _, row in looks):
        mine = [pair for pair in looks if pair[1]["what"] == what]
        blocks += [_kilometres(what, mine), *_sites(results, what)]
    return blocks


def _kilometres(what: str, looks: Numbered) -> Table:
    """A row a number of sites, a column a rule."""
    at = {(row["rule"], row["sites"]): (i, row) for i, row in looks}
    shown = [*SHOWN["mean"], *SHOWN["rest"]]
    rows = []
    for count in sorted({row["sites"] for _, row in looks}):
        first, _ = at["median", count]
        cells = [Number(count, "count", f"{LOOK}/{first}/sites")]
        for rule, column, form in shown:
            i, row = at[rule, count]
            cells.append(Number(row[column], form, f"{LOOK}/{i}/{column}"))
        rows.append(Row(cells))
    heads = [head("report.look.sites", "count")]
    heads += [Head(_measured(rule, column), form) for rule, column, form in shown]
    chart = Chart("lines", {"x": 0, "lines": [1, 2, 3]})
    proven = all(row["proven"] for _, row in looks if not row["rule"].startswith("gravity"))
    title, note = say(f"report.look.{what}"), say("report.look.note" if proven else "report.look.note_open")
    return Table(f"first-look-{what}", title, heads, rows, [note], chart, wide=True)


def _measured(rule: str, column: str) -> Words:
    """What a column shows: the rule, and what of it."""
    first, second = say(f"siting.look.{rule}"), say(f"report.column.{column}")
    return Words(f"{first.en}: {second.en}", f"{first.zh}：{second.zh}")


def _sites(results: Results, what: str) -> Iterator[Table]:
    """For each site the numbers of sites with which a rule takes it; those that are taken most first."""
    taken: dict[str, dict[str, list[int]]] = {}
    for row in results.rows(PLACES):
        if row["what"] == what and row["rule"] in AT_SITES:
            taken.setdefault(row["site_id"], {}).setdefault(row["rule"], []).append(row["sites"])
    if not taken:
        return
    site = {str(row["site_id"]): row for row in results.networks[max(results.networks)].rows("sites")}
    order = sorted(taken, key=lambda name: (-sum(map(len, taken[name].values())), name))
    rows = []
    for name in order[:MOST]:
        cells = [given(", ".join(map(str, sorted(taken[name].get(rule, ()))))) for rule in AT_SITES]
        rows.append(Row([named(site[name], name), *cells], f"site:{name}"))
    heads = [head("report.siting.candidate"), *(Head(say(f"siting.look.{rule}")) for rule in AT_SITES)]
    notes = [say("report.look.sites_note")]
    if len(order) > MOST:
        notes.append(say("tables.largest", shown=MOST, whole=len(order), name=PLACES))
    yield Table(f"first-look-{what}-sites", say("report.look.taken"), heads, rows, notes, wide=True)
