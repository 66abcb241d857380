"""The page of one result: its sections, and the plans that its map can show."""

from __future__ import annotations

from logistics.reports.blocks import Words, given, named, say
from logistics.reports.map_data import Snapshot
from logistics.reports.page import Page, Part
from logistics.reports.sections.honesty import verdict_of
from logistics.reports.sections.portfolio import portfolio_verdict
from logistics.reports.sections.register import SECTIONS
from logistics.reports.sections.siting import siting_verdict
from logistics.reports.source import Results, chosen_plan

MAP_BEHIND = "totals"
"""Section behind which the map stands."""


def page_of_result(results: Results) -> Page:
    """Page of a result."""
    document, years = results.document, sorted(results.networks)
    parts: list[Part] = []
    for section in SECTIONS:
        asked = years if section.each_year else years[-1:]
        blocks = {year if section.each_year else 0: section.blocks(results, year) for year in asked}
        if any(blocks.values()):
            parts.append(Part(section.name, say(f"report.section.{section.name}"), blocks))
        if section.name == MAP_BEHIND and results.has_figures:
            parts.append(Part("map", say("report.section.map"), {}))
    info = results.scenario["network_info"]
    name = document["scenario"]["name"]
    snapshots = snapshots_of(results) if results.has_figures else []
    return Page(
        title=given(name["en"], name["zh"]),
        subtitle=given(info["name_en"], info["name_zh"]),
        verdict=_verdict(results),
        years=years,
        parts=parts,
        snapshots=snapshots,
        engine=document["engine"],
        view_at_first=next(
            (i for i, each in enumerate(snapshots) if each.plan_id == chosen_plan(results, years[-1])), 0
        ),
    )


def _verdict(results: Results) -> tuple[Words, str]:
    """The outcome in a sentence; of options and sites what is proven of the choice, where its plans hold."""
    plans = results.rows("portfolio_plans")
    if plans and results.document["verified"]:
        return portfolio_verdict(plans[0])
    if results.rows("siting_years") and results.document["verified"]:
        return siting_verdict(results)
    return verdict_of(results.document)


def snapshots_of(results: Results) -> list[Snapshot]:
    """Every plan of the result, the last year's own first."""
    years = sorted(results.networks, reverse=True)
    found = [
        Snapshot("", year, say("report.map.own"), results.plans[""], results.networks[year]) for year in years
    ]
    names = plan_names(results)
    for plan_id, plan in results.plans.items():
        if plan_id and plan.flows.num_rows:
            year = results.document["plans"][plan_id]["year"]
            base = years.index(year)
            found.append(
                Snapshot(
                    plan_id, year, names.get(plan_id, given(plan_id)), plan, results.networks[year], base
                )
            )
    return found


def plan_names(results: Results) -> dict[str, Words]:
    """What the further plans are called: events and proposals by name, points by number."""
    names = {row["plan_id"]: named(row, row["event_id"]) for row in results.rows("disruption")}
    names |= {
        row["plan_id"]: say("report.frontier.point", point=row["point"]) for row in results.rows("frontier")
    }
    names |= {
        row["plan_id"]: say("report.plan.proposal", name=named(row, row["proposal_id"]))
        for row in results.rows("proposals")
    }
    names |= {row["plan_id"]: say("report.plan.portfolio") for row in results.rows("portfolio_years")}
    names |= {f"{row['year']}-siting": say("report.plan.siting") for row in results.rows("siting_years")}
    return {plan_id: words for plan_id, words in names.items() if plan_id}
