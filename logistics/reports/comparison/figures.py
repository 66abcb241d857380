"""Totals, costs, cargo, days, prefectures: who gains and who loses."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from logistics.reports.blocks import (
    Block,
    Chart,
    Number,
    Total,
    Totals,
    Words,
    given,
    head,
    mode_words,
    named,
    say,
    term,
)
from logistics.reports.comparison.section import (
    Line,
    Values,
    compared_table,
    largest_changes,
    last_year,
    result_name,
    year_note,
)
from logistics.reports.forms import FORMS as FORMS_OF
from logistics.reports.sections.accessibility import GROUPS, WITHIN_DAYS, value_within, valued_rows
from logistics.reports.sections.prefectures import exports_by_prefecture, prefecture
from logistics.reports.sections.totals import FORMS, is_better
from logistics.reports.source import Results

MOST_SERVICES = 25


def totals_compared(results: Sequence[Results]) -> Sequence[Block]:
    """Totals of all years together; of two results as cards too."""
    values = [{**each.document["totals"], **_demand(each)} for each in results]
    known = {key: form for key, form in FORMS.items() if all(mine.get(key) is not None for mine in values)}
    lines: dict[object, Line] = {
        key: Line([say(f"term.{key}"), Words(FORMS_OF[form]["en"].unit, FORMS_OF[form]["zh"].unit)], form)
        for key, form in known.items()
    }
    table = compared_table(
        "totals-compared", say("compare.totals"), [head("total"), head("unit")], lines, values, results
    )
    cards = []
    for key, form in known.items() if len(results) == 2 else ():
        change = values[1][key] - values[0][key]
        shape = "points" if form == "share" else form
        cards.append(
            Total(
                say(f"term.{key}"),
                Number(values[1][key], form, f"=totals-compared/{key}/1"),
                Number(change, shape, f"=totals-compared/{key}/1/difference", signed=True),
                is_better(key, change, shape),
            )
        )
    return [Totals(cards), table] if cards else [table]


def _demand(results: Results) -> dict[str, float]:
    return {key: results.document[key] for key in ("demand_t", "unserved_t")}


def cargo_compared(results: Sequence[Results]) -> Sequence[Block]:
    """Cargo by mode, by gateway, and the services that changed most."""
    if not all(each.has_figures for each in results):
        return []
    modes = [_summed(each, "modes", lambda row: (row["direction"], row["mode"])) for each in results]
    mode_lines: dict[object, Line] = {
        key: Line([mode_words(key[1]), term(key[0])], "mass")
        for key in sorted(
            {key for mine in modes for key in mine}, key=lambda key: (key[0], -modes[0].get(key, 0))
        )
    }
    gateways = [
        _summed(each, "gateways", lambda row: (row["direction"], row["home_gateway"], row["mode"]))
        for each in results
    ]
    order = sorted(
        {key for mine in gateways for key in mine}, key=lambda key: -max(m.get(key, 0) for m in gateways)
    )
    gateway_lines: dict[object, Line] = {}
    for key in order:
        direction, site, mode = key
        name = given(results[0].site_name(site, "en"), results[0].site_name(site, "zh"))
        gateway_lines[key] = Line([name, mode_words(mode), term(direction)], "mass", f"site:{site}")
    return [
        compared_table(
            "modes-compared",
            say("modes.title"),
            [head("mode"), head("direction")],
            mode_lines,
            modes,
            results,
            form="mass",
            notes=year_note(results),
        ),
        compared_table(
            "gateways-compared",
            say("gateways.title"),
            [head("gateway"), head("mode"), head("direction")],
            gateway_lines,
            gateways,
            results,
            form="mass",
            notes=year_note(results),
        ),
        _services(results),
    ]


def _services(results: Sequence[Results]) -> Block:
    """Services by the change of their fullest leg."""
    loads: list[dict[object, float]] = []
    rows: dict[object, dict[str, Any]] = {}
    for each in results:
        fullest: dict[object, float] = {}
        for row in each.rows("services"):
            if row["year"] == last_year(each):
                fullest[row["service_id"]] = max(fullest.get(row["service_id"], 0.0), row["tonnes"])
                rows.setdefault(row["service_id"], row)
        loads.append(fullest)
    lines: dict[object, Line] = {
        key: Line([named(rows[key], str(key)), mode_words(rows[key]["mode"])], "mass", f"service:{key}")
        for key in largest_changes(loads, MOST_SERVICES)
    }
    heads = [head("service"), head("mode")]
    chart = Chart("bars", {"label": 0, "value": 4, "mode": 1}) if lines else None
    notes = year_note(results)
    if len(results) > 2:
        notes.append(say("report.compared.drawn", after=result_name(results[1])))
    return compared_table(
        "services-compared",
        say("compare.services"),
        heads,
        lines,
        loads,
        results,
        form="mass",
        chart=chart,
        notes=notes,
    )


def costs_compared(results: Sequence[Results]) -> Sequence[Block]:
    """The bill by item."""
    if not all(each.has_figures for each in results):
        return []
    bills: list[Values] = [
        {row["item"]: row["cny"] for row in each.rows("bill") if row["year"] == last_year(each)}
        for each in results
    ]
    items = sorted({item for bill in bills for item in bill}, key=lambda item: -bills[0].get(item, 0.0))
    lines: dict[object, Line] = {
        item: Line([say(f"term.{item}")], "money") for item in items if any(bill.get(item) for bill in bills)
    }
    return [
        compared_table(
            "bill-compared",
            say("report.costs.bill"),
            [head("item")],
            lines,
            bills,
            results,
            form="money",
            notes=year_note(results),
        )
    ]


def times_compared(results: Sequence[Results]) -> Sequence[Block]:
    """Share of value within days, and days of export markets, before and after."""
    if not all("times" in each.tables for each in results):
        return []
    rows = [valued_rows(each, last_year(each)) for each in results]
    shares: list[Values] = []
    for mine in rows:
        kept = {
            name: [row for row in mine if row["direction"] == group[0] and group[1] in (None, row["segment"])]
            for name, group in GROUPS.items()
        }
        shares.append(
            {
                (name, days): value_within(some, days)
                for name, some in kept.items()
                if some
                for days in WITHIN_DAYS
            }
        )
    lines: dict[object, Line] = {
        (name, days): Line(
            [say(f"report.accessibility.{name}"), Number(days, "whole_days", "=days")], "share"
        )
        for name in GROUPS
        for days in WITHIN_DAYS
        if (name, days) in shares[0]
        and max(mine.get((name, days), 0.0) for mine in shares) > 0.005
        and min(mine.get((name, days), 0.0) for mine in shares) < 0.995
    }
    heads = [head("segment"), head("report.accessibility.within", "whole_days")]
    return [
        compared_table(
            "accessibility-compared",
            say("report.accessibility.title"),
            heads,
            lines,
            shares,
            results,
            form="share",
            notes=year_note(results),
        )
    ]


def prefectures_compared(results: Sequence[Results]) -> Sequence[Block]:
    """Share of each prefecture's exports that leave through the province's own gateways."""
    shares: list[Values] = []
    for each in results:
        tonnes: dict[str, list[float]] = {}
        for row in exports_by_prefecture(each, last_year(each)):
            both = tonnes.setdefault(row["prefecture"], [0.0, 0.0])
            both[0] += row["tonnes"]
            both[1] += row["tonnes"] * row["local"]
        shares.append({name: local / whole for name, (whole, local) in tonnes.items()})
    if not all(shares):
        return []
    lines: dict[object, Line] = {name: Line([prefecture(str(name))], "share") for name in shares[0]}
    heads = [head("report.prefectures.prefecture")]
    title = say("report.compared.local")
    notes = year_note(results)
    return [
        compared_table(
            "prefectures-compared", title, heads, lines, shares, results, form="share", notes=notes
        )
    ]


def _summed(
    results: Results, table: str, key: Callable[[dict[str, Any]], tuple[str, ...]]
) -> dict[Any, float]:
    sums: dict[Any, float] = {}
    for row in results.rows(table):
        if row["year"] == last_year(results):
            sums[key(row)] = sums.get(key(row), 0.0) + row["tonnes"]
    return sums
