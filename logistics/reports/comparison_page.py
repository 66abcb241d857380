"""The page of several results: differing inputs first, then totals, then the map of the difference."""

from __future__ import annotations

from collections.abc import Sequence

from logistics.reports.blocks import Words, say
from logistics.reports.comparison.register import COMPARED
from logistics.reports.comparison.section import last_year, result_name
from logistics.reports.map_data import Snapshot
from logistics.reports.page import Page, Part
from logistics.reports.result_page import MAP_BEHIND
from logistics.reports.sections.honesty import verdict_of
from logistics.reports.source import Results


def page_of_results(results: Sequence[Results]) -> Page:
    """Page of two or more results; the first is what the others are held against."""
    drawn = all(each.has_figures for each in results)
    parts: list[Part] = []
    for section in COMPARED:
        blocks = section.blocks(results)
        if blocks:
            parts.append(Part(section.name, say(f"report.section.{section.name}"), {0: blocks}))
        if section.name == MAP_BEHIND and drawn:
            parts.append(Part("map", say("report.section.map"), {}))
    names = [result_name(each) for each in results]
    info = results[0].scenario["network_info"]
    worst = next((each for each in results if verdict_of(each.document)[1] != "good"), results[0])
    return Page(
        title=Words(" → ".join(n.en for n in names), " → ".join(n.zh for n in names), given=True),
        subtitle=Words(info["name_en"], info["name_zh"], given=True),
        verdict=verdict_of(worst.document),
        years=[last_year(results[0])],
        parts=parts,
        snapshots=[_snapshot(each, i) for i, each in enumerate(results)] if drawn else (),
        engine=results[0].document["engine"],
        view_at_first=1 if drawn else 0,
    )


def _snapshot(results: Results, number: int) -> Snapshot:
    year = last_year(results)
    base = 0 if number else -1
    return Snapshot(
        f"result-{number}", year, result_name(results), results.plans[""], results.networks[year], base
    )
