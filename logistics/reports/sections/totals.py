"""The figures to be seen at first sight."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from logistics.reports.blocks import Block, Note, Number, Total, Totals, say
from logistics.reports.forms import fitting, is_nothing
from logistics.reports.shipments import flights_a_week, parcels, twenty_foot_units
from logistics.reports.source import Results, chosen_plan

FORMS = {
    "money_cny": "money",
    "customer_hours_mean": "days",
    "promise_share": "share",
    "local_gateway_share": "share",
    "co2_t": "co2",
    "demand_t": "mass",
    "unserved_t": "tonnes",
    "capital_cny": "money",
    "time_value_cny": "money",
    "pipeline_hours_mean": "days",
}
"""Totals of ``result.json`` in the order in which a planner asks for them."""


MORE_IS_BETTER = ("promise_share", "local_gateway_share")
NEITHER_IS_BETTER = ("demand_t",)


def is_better(key: str, change: float, form: str) -> bool | None:
    """Whether a change of a total is to the better; None where it rounds to nothing or is neither."""
    if is_nothing(change, form) or key in NEITHER_IS_BETTER:
        return None
    return (change > 0) == (key in MORE_IS_BETTER)


def totals_blocks(results: Results, year: int) -> Sequence[Block]:
    """Totals of the year, the same in parcels, containers and flights, and what chosen options change."""
    if not results.has_figures:
        return []
    origin = f"result/by_year/{year}/totals"
    said = results.document["by_year"][str(year)]["totals"]
    totals = [Total(say(f"term.{key}"), _number(said, key, origin)) for key in FORMS if _is_said(said, key)]
    facts, network = results.facts[year], results.networks[year]
    loads = [row for row in results.rows("services") if row["year"] == year]
    for key, form, value in (
        ("parcels", "parcels", parcels(facts, network)),
        ("teu", "teu", twenty_foot_units(facts, network)),
        ("flights", "flights", flights_a_week(loads, network)),
    ):
        totals.append(Total(say(f"report.totals.{key}"), Number(value, form, f"=shipments/{year}/{key}")))
    plan_id = chosen_plan(results, year)
    if plan_id is None:
        return [Totals(totals)]
    return [
        Note(say("report.totals.with")),
        Totals(_changed_totals(results, year, plan_id)),
        Note(say("report.totals.without")),
        Totals(totals),
    ]


def _is_said(totals: Mapping[str, Any], key: str) -> bool:
    return totals.get(key) is not None


def _number(totals: Mapping[str, Any], key: str, origin: str) -> Number:
    return Number(totals[key], fitting(totals[key], FORMS[key]), f"{origin}/{key}")


def _changed_totals(results: Results, year: int, plan_id: str) -> list[Total]:
    """Totals of another plan of the year, each with its difference to the result's own."""
    before = results.document["by_year"][str(year)]["totals"]
    after = results.document["plans"][plan_id]["totals"]
    totals = []
    for key, shape in FORMS.items():
        if not (_is_said(before, key) and _is_said(after, key)) or key == "demand_t":
            continue
        change = after[key] - before[key]
        form = "points" if shape == "share" else fitting(change, shape)
        totals.append(
            Total(
                say(f"term.{key}"),
                _number(after, key, f"result/plans/{plan_id}/totals"),
                Number(change, form, f"=plan_change/{plan_id}/{key}", signed=True),
                is_better(key, change, form),
            )
        )
    return totals
