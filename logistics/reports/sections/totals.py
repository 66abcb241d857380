"""The figures to be seen at first sight."""

from __future__ import annotations

from collections.abc import Sequence

from logistics.reports.blocks import Block, Number, Total, Totals, say
from logistics.reports.forms import fitting
from logistics.reports.shipments import flights_a_week, parcels, twenty_foot_units
from logistics.reports.source import Results

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


def totals_blocks(results: Results, year: int) -> Sequence[Block]:
    """Totals of the year, and the same cargo in parcels, containers and flights."""
    if not results.has_figures:
        return []
    said = results.document["by_year"][str(year)]["totals"]
    origin = f"result/by_year/{year}/totals"
    totals = [
        Total(say(f"term.{key}"), Number(said[key], fitting(said[key], form), f"{origin}/{key}"))
        for key, form in FORMS.items()
        if said.get(key) is not None
    ]
    facts, network = results.facts[year], results.networks[year]
    loads = [row for row in results.rows("services") if row["year"] == year]
    for key, form, value in (
        ("parcels", "parcels", parcels(facts, network)),
        ("teu", "teu", twenty_foot_units(facts, network)),
        ("flights", "flights", flights_a_week(loads, network)),
    ):
        totals.append(Total(say(f"report.totals.{key}"), Number(value, form, f"=shipments/{year}/{key}")))
    return [Totals(totals)]
