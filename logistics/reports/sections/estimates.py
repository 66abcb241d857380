"""What the result rests on: how much of it on estimates, and the assumptions that carry most."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from logistics.reports.blocks import Block, Chart, Number, Row, Table, given, head, say
from logistics.reports.legs import RIDE, leg_loads
from logistics.reports.sections.changes import sheet
from logistics.reports.source import Results

CONFIDENCE = ("high", "medium", "estimate")
MOST = 16


@dataclass(frozen=True)
class Use:
    """How much cargo rests on a row of a table.

    Parameters
    ----------
    table, row
        The row.
    tonnes
        Tonnes a year that need it.
    """

    table: str
    row: Mapping[str, Any]
    tonnes: float


def estimate_blocks(results: Results, year: int) -> Sequence[Block]:
    """Shares that rest on estimates, and the estimates that the most cargo rests on."""
    uses = used_rows(results, year)
    return [estimate_shares(uses, year), _assumptions(uses, year, results.most(MOST))] if uses else []


def used_rows(results: Results, year: int) -> list[Use]:
    """Rows that the plan uses, with the tonnes that do."""
    if not results.has_figures:
        return []
    network, plan = results.networks[year], results.plans[""]
    keyed = {
        table: {str(row[key]): row for row in network.rows(table)}
        for table, key in (
            ("demand", "demand_id"),
            ("services", "service_id"),
            ("sites", "site_id"),
            ("products", "product_id"),
            ("warehouse_options", "option_id"),
        )
    }
    sums: dict[tuple[str, str], float] = {}
    for fact in results.facts[year].to_pylist():
        for table, name in (("demand", fact["demand_id"]), ("products", fact["product_id"])):
            sums[(table, name)] = sums.get((table, name), 0.0) + fact["tonnes"]
    loads = leg_loads(plan, network, year)
    fullest: dict[str, float] = {}
    by_leg = [0.0] * len(loads.legs)
    for leg, tonnes in zip(loads.leg_row.tolist(), loads.tonnes.tolist(), strict=True):
        by_leg[leg] += tonnes
    for leg, tonnes in zip(loads.legs, by_leg, strict=True):
        if leg.action == RIDE:
            fullest[leg.service_id] = fullest.get(leg.service_id, 0.0) + tonnes
            for site in (leg.from_site, leg.to_site):
                sums[("sites", site)] = sums.get(("sites", site), 0.0) + tonnes
    for service, tonnes in fullest.items():
        sums[("services", service)] = tonnes
    for option, tonnes in _stored(results, year).items():
        sums[("warehouse_options", option)] = tonnes
    return [
        Use(table, keyed[table][name], tonnes)
        for (table, name), tonnes in sorted(sums.items())
        if name in keyed[table]
    ]


def _stored(results: Results, year: int) -> dict[str, float]:
    """Tonnes through each warehouse."""
    plan = results.plans[""].of_year(year)
    tonnes: dict[str, float] = {}
    for row in plan.flows.to_pylist():
        tonnes[row["path_id"]] = tonnes.get(row["path_id"], 0.0) + row["tonnes"]
    stored: dict[str, float] = {}
    for path, option in zip(
        plan.steps["path_id"].to_pylist(), plan.steps["option_id"].to_pylist(), strict=True
    ):
        if option:
            stored[option] = stored.get(option, 0.0) + tonnes.get(path, 0.0)
    return stored


def estimate_shares(uses: Sequence[Use], year: int) -> Table:
    """Shares of the tonnes that rest on rows of high, medium and no better than estimated confidence."""
    rows = []
    for table in dict.fromkeys(use.table for use in uses):
        mine = [use for use in uses if use.table == table]
        whole = sum(use.tonnes for use in mine)
        shares = [
            Number(
                sum(use.tonnes for use in mine if use.row["confidence"] == level) / whole,
                "share",
                f"=confidence/{year}/{table}/{level}",
            )
            for level in CONFIDENCE
        ]
        count = Number(len(mine), "count", f"=confidence/{year}/{table}/count")
        rows.append(Row([sheet(table), count, *shares]))
    heads = [head("table"), head("report.estimates.rows")]
    heads += [head(f"report.estimates.{level}", "share") for level in CONFIDENCE]
    note = say("report.estimates.note")
    return Table(
        "estimates",
        say("report.estimates.title"),
        heads,
        rows,
        [note],
        Chart("shares", {"label": 0, "from": 2}),
        wide=True,
    )


def _assumptions(uses: Sequence[Use], year: int, most: int) -> Table:
    """Sources that are the engine's makers' own estimates, by the cargo that rests on them."""
    sums: dict[tuple[str, str], tuple[float, int]] = {}
    for use in uses:
        if use.row["confidence"] == "estimate":
            key = (use.table, str(use.row["source"]))
            tonnes, count = sums.get(key, (0.0, 0))
            sums[key] = (tonnes + use.tonnes, count + 1)
    order = sorted(sums, key=lambda key: (-sums[key][0], key))
    rows = [
        Row(
            [
                sheet(table),
                given(source),
                Number(sums[(table, source)][1], "count", f"=assumptions/{year}/{rank}/count"),
                Number(sums[(table, source)][0], "mass", f"=assumptions/{year}/{rank}/tonnes"),
            ]
        )
        for rank, (table, source) in enumerate(order[:most])
    ]
    heads = (
        head("table"),
        head("report.estimates.source"),
        head("report.estimates.rows"),
        head("load", "mass"),
    )
    notes = [say("tables.largest", shown=len(rows), whole=len(order), name="inputs/…/*")]
    return Table(
        "assumptions",
        say("report.estimates.assumptions"),
        heads,
        rows,
        notes if len(order) > most else (),
        wide=True,
    )
