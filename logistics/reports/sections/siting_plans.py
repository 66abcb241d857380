"""Other plans of sites: fewer, by rules of thumb, for other worths of time; and regret over futures."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from logistics.reports.blocks import Block, Chart, Head, Number, Row, Table, Words, given, head, named, say
from logistics.reports.sections.columns import Column, cells_of, column_heads
from logistics.reports.source import Results
from logistics.results.orders import by_regret

FIGURES = (
    Column("sites", "count"),
    Column("worse_cny", "money_small", signed=True),
    Column("worse_share_of_benefit", "share"),
    Column("capex_cny", "money_small"),
    Column("landed_cny_per_kg", "cny_per_kg"),
    Column("days_p50", "real_days"),
    Column("days_p90", "real_days"),
    Column("value_share_3d", "share"),
    Column("utilisation", "share"),
)
MOST = 8
"""Plans in the regret matrix."""
LARGEST = ("largest_regret_cny", "largest_regret_at_most_cny")
"""Ends of a plan's largest regret."""
WORSE, DAYS, COST = 2, 6, 5
"""Columns of the tables that are drawn, counted from 0."""
GROUPS: Mapping[str, tuple[tuple[str, ...], Chart]] = {
    "sweep": (("base", "sweep", "best"), Chart("lines", {"x": 1, "lines": [WORSE]})),
    "rules": (("best", "alternative", "baseline", "base"), Chart("bars", {"label": 0, "value": WORSE})),
    "frontier": (("frontier", "best"), Chart("lines", {"x": DAYS, "lines": [COST], "from_zero": False})),
}
"""Tables of plans: the kinds in each, and how they are drawn."""
Plans = Sequence[tuple[int, Mapping[str, Any]]]


def siting_plan_blocks(results: Results, year: int) -> Sequence[Block]:  # noqa: ARG001 - the last year
    """The sweep over the number of sites, plans of rules of thumb, the frontier, and the regret matrix."""
    plans = list(enumerate(results.rows("siting_plans")))
    blocks: list[Block] = []
    for name, (kinds, chart) in GROUPS.items():
        mine = [pair for pair in plans if pair[1]["kind"] in kinds]
        if any(row["kind"] not in ("base", "best") for _, row in mine):
            blocks.append(_plans(name, _ordered(name, mine), chart, _cheapest(plans)))
    regret = results.rows("siting_regret")
    return [*blocks, _regret(regret, _closable(results))] if regret else blocks


def _closable(results: Results) -> dict[str, Words]:
    """Names of what a future may close, by id."""
    network = results.networks[max(results.networks)]
    keys = {"services": "service_id", "sites": "site_id", "passages": "passage_id"}
    return {
        str(row[key]): named(row, str(row[key])) for table, key in keys.items() for row in network.rows(table)
    }


def _ordered(name: str, plans: Plans) -> Plans:
    column = {"sweep": "sites", "rules": "worse_cny", "frontier": "days_p50"}[name]
    known = [pair for pair in plans if pair[1][column] is not None]
    return sorted(known, key=lambda pair: pair[1][column])


def plan_words(kind: str, name: str) -> Words:
    """What a plan is called."""
    words = say(f"siting.plan.{kind}")
    if kind in ("base", "best"):
        return words
    which = say(f"siting.rule.{name}") if kind == "baseline" else Words(name, name)
    return Words(f"{words.en} {which.en}", f"{words.zh} {which.zh}")


def _plans(name: str, plans: Plans, chart: Chart, cheapest: Words | None) -> Table:
    rows = [
        Row([plan_words(row["kind"], row["name"]), *cells_of("siting_plans", i, row, FIGURES)])
        for i, row in plans
    ]
    heads = [head("report.column.plan"), *column_heads(FIGURES)]
    title, notes = say(f"report.siting.{name}"), [say(f"report.siting.{name}_note")]
    if name == "rules" and cheapest is not None:
        notes.append(say("report.siting.cheaper", plan=cheapest))
    return Table(f"siting-{name}", title, heads, rows, notes, chart, wide=True)


def _cheapest(plans: Plans) -> Words | None:
    """The cheapest plan of the last year, where it is not the best over all years."""
    known = [row for _, row in plans if row["worse_cny"] is not None]
    least = min(known, key=lambda row: row["worse_cny"], default=None)
    return plan_words(least["kind"], least["name"]) if least is not None and least["worse_cny"] < 0 else None


def _regret(regret: Sequence[Mapping[str, Any]], closable: Mapping[str, Words]) -> Table:
    """A row a plan, a column a future: what it costs above the future's best, or does at least."""
    futures = list(dict.fromkeys(row["future"] for row in regret))
    at = {(row["plan"], row["future"]): (i, row) for i, row in enumerate(regret)}
    first = {row["plan"]: (i, row) for i, row in reversed(list(enumerate(regret)))}
    rows = []
    order = sorted(first, key=lambda name: by_regret(first[name][1]))
    for plan in order[:MOST]:
        i, row = first[plan]
        cells = [Number(row.get(column), "money_small", f"siting_regret/{i}/{column}") for column in LARGEST]
        for future in futures:
            j, cell = at.get((plan, future), (-1, {"regret_at_least_cny": None}))
            solved = cell.get("regret_at_most_cny") is not None
            column = "regret_at_most_cny" if solved else "regret_at_least_cny"
            cells.append(Number(cell[column], "money_small", f"siting_regret/{j}/{column}"))
        rows.append(Row([_tried(plan, closable), *cells]))
    heads = [head("report.column.plan"), *(head(f"report.column.{end}", "money_small") for end in LARGEST)]
    heads += [Head(_future(future, closable), "money_small") for future in futures]
    title, notes = say("report.siting.regret"), [say("report.siting.regret_note"), _least(regret, closable)]
    if len(order) > MOST:
        notes.append(say("tables.largest", shown=MOST, whole=len(order), name="siting_regret"))
    chart = Chart("heat", {"from": 3, "relative": True})
    return Table("siting-regret", title, heads, rows, notes, chart, wide=True)


def _least(regret: Sequence[Mapping[str, Any]], closable: Mapping[str, Words]) -> Words:
    """Which plan has the least largest regret, and whether that is proven."""
    least = next((row for row in regret if row["least_of_largest"]), None)
    if least is None:
        return say("report.siting.least_unknown")
    proven = "proven" if least.get("least_is_proven") else "open"
    return say(f"report.siting.least_{proven}", plan=_tried(least["plan"], closable))


def _tried(plan: str, closable: Mapping[str, Words]) -> Words:
    """A plan that was tried in the futures: by kind and name, or the best of a future."""
    future = plan.removeprefix("best of ")
    if future != plan:
        return say("report.siting.best_of", future=_future(future, closable))
    kind, _, name = plan.partition(" ")
    try:
        return plan_words(kind, name)
    except KeyError:
        return given(plan)


def _future(future: str, closable: Mapping[str, Words]) -> Words:
    kind, _, what = future.partition(" ")
    try:
        return say(f"report.future.{kind}", what=closable.get(what, what))
    except KeyError:
        return given(future)
