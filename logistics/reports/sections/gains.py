"""Who gains and who loses by a portfolio: gateways, and the prefectures behind them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from logistics.plan_facts import facts_of
from logistics.reports.blocks import Block, Cell, Chart, Number, Row, Table, given, head, say
from logistics.reports.sections.prefectures import prefecture, summed, with_prefecture
from logistics.reports.source import Results, chosen_plan

MOST = 14
MOST_OF_A_PREFECTURE = 3
MOVED_T = 0.5
"""Tonnes a year; who gains or loses less does not."""
Facts = Sequence[Mapping[str, Any]]


def gain_blocks(results: Results, year: int) -> Sequence[Block]:
    """The year's plan with the chosen options against the one without."""
    plan_id = chosen_plan(results, year)
    if plan_id is None or not results.has_figures:
        return []
    before = results.facts[year].to_pylist()
    after = facts_of(results.plans[plan_id], results.networks[year], year).to_pylist()
    homes = [with_prefecture(results, year, facts) for facts in (before, after)]
    blocks = [_gateways(results, year, before, after)]
    return [*blocks, _prefectures(year, *homes), _through(results, year, *homes)] if homes[0] else blocks


def _gateways(results: Results, year: int, before: Facts, after: Facts) -> Table:
    old, new = (summed(facts, "home_gateway") for facts in (before, after))
    change = {site: new.get(site, 0.0) - old.get(site, 0.0) for site in old.keys() | new.keys() if site}
    order = sorted((s for s in change if abs(change[s]) > MOVED_T), key=lambda s: (-abs(change[s]), s))
    rows = []
    for site in order[:MOST]:
        amounts = (old.get(site, 0.0), new.get(site, 0.0), change[site])
        numbers = [
            Number(amount, "tonnes", f"=gains/{year}/{site}/{when}", signed=when == "difference")
            for when, amount in zip(("before", "after", "difference"), amounts, strict=True)
        ]
        name = given(results.site_name(site, "en"), results.site_name(site, "zh"))
        rows.append(Row([name, *numbers], f"site:{site}"))
    heads = [head("gateway"), *(head(key, "tonnes") for key in ("before", "after", "difference"))]
    notes = [say("report.gains.most", shown=MOST, whole=len(order))] if len(order) > MOST else []
    title, chart = say("report.gains.gateways"), Chart("bars", {"label": 0, "value": 3, "most": MOST})
    return Table("gains-gateways", title, heads, rows, notes, chart)


def _prefectures(year: int, before: Facts, after: Facts) -> Table:
    """Share of exports through the province's own gateways, and exports by air."""
    names = sorted(summed(before, "prefecture").items(), key=lambda pair: -pair[1])
    rows = []
    for name, _ in names:
        cells: list[Cell] = [prefecture(name)]
        shares, flown = [], []
        for when, facts in (("before", before), ("after", after)):
            mine = [row for row in facts if row["prefecture"] == name]
            whole = sum(row["tonnes"] for row in mine)
            local = sum(row["tonnes"] for row in mine if row["local"])
            shares.append(local / whole if whole else None)
            flown.append(sum(row["tonnes"] for row in mine if row["mode"] == "air"))
            cells.append(Number(shares[-1], "share", f"=gains_of/{year}/{name}/local_{when}"))
        known = shares[0] is not None and shares[1] is not None
        moved = (shares[1] or 0.0) - (shares[0] or 0.0) if known else None
        cells.append(Number(moved, "points", f"=gains_of/{year}/{name}/local_difference", signed=True))
        cells += [
            Number(amount, "tonnes", f"=gains_of/{year}/{name}/air_{when}")
            for when, amount in zip(("before", "after"), flown, strict=True)
        ]
        rows.append(Row(cells, f"prefecture:{name}"))
    heads = [head("report.prefectures.prefecture"), head("report.gains.local_before", "share")]
    heads += [head("report.gains.local_after", "share"), head("difference", "points")]
    heads += [head("report.gains.air_before", "tonnes"), head("report.gains.air_after", "tonnes")]
    chart = Chart("pairs", {"label": 0, "before": 4, "after": 5, "most": MOST})
    return Table("gains-prefectures", say("report.gains.prefectures"), heads, rows, chart=chart)


def _through(results: Results, year: int, before: Facts, after: Facts) -> Table:
    """Of each prefecture, the gateways that gain or lose most of its exports; a reader picks a prefecture."""
    old, new = (summed(facts, "prefecture", "home_gateway") for facts in (before, after))
    change = {key: new.get(key, 0.0) - old.get(key, 0.0) for key in old.keys() | new.keys()}
    rows = []
    for name, _ in sorted(summed(before, "prefecture").items(), key=lambda pair: -pair[1]):
        mine = [key for key in change if key[0] == name and key[1] and abs(change[key]) > MOVED_T]
        for key in sorted(mine, key=lambda key: (-abs(change[key]), key))[:MOST_OF_A_PREFECTURE]:
            site = key[1]
            amounts = (old.get(key, 0.0), new.get(key, 0.0), change[key])
            numbers = [
                Number(
                    amount,
                    "tonnes",
                    f"=gains_through/{year}/{name}/{site}/{when}",
                    signed=when == "difference",
                )
                for when, amount in zip(("before", "after", "difference"), amounts, strict=True)
            ]
            gateway = given(results.site_name(site, "en"), results.site_name(site, "zh"))
            rows.append(Row([prefecture(name), gateway, *numbers], f"site:{site}"))
    heads = [head("report.prefectures.prefecture"), head("gateway")]
    heads += [head(key, "tonnes") for key in ("before", "after", "difference")]
    note = say("report.gains.through_note", most=MOST_OF_A_PREFECTURE)
    chart = Chart("bars", {"label": 1, "value": 4, "pick": 0})
    return Table("gains-through", say("report.gains.through"), heads, rows, [note], chart, wide=True)
