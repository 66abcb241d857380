"""A result of several years with a portfolio, made up from a result of one year: the page must stay small."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from logistics.network.network import Network
from logistics.plan import Plan, joined_plans
from logistics.reports.source import Results
from logistics.studies import portfolio_tables as made
from logistics.studies.accessibility import ACCESSIBILITY, WITHIN_DAYS
from logistics.studies.airport_roles import airport_role_table
from logistics.studies.typed_rows import table_of

GROWTH = {2021: 1.0, 2022: 1.31, 2023: 1.73}
"""What every amount is multiplied by, so that no year's digits are another's."""
OPTIONS = 40


def portfolio_of_years(small: Results) -> Results:
    """The result of one year told for three, with a portfolio that changes two flows in five."""
    network = next(iter(small.networks.values()))
    old = small.plans[""]
    plans = {year: _scaled(old, year, np.full(old.flows.num_rows, factor)) for year, factor in GROWTH.items()}
    draw = np.random.default_rng(1)
    changed = {
        made.plan_name(year): _scaled(
            old, year, factor * (1 + 0.05 * (draw.random(old.flows.num_rows) < 0.4))
        )
        for year, factor in GROWTH.items()
    }
    tables = {name: _grown(table) for name, table in small.tables.items()}
    board = tables.get("targets")
    if board is not None:
        ids = pa.array([made.plan_name(year) for year in board["year"].to_pylist()])
        place = board.schema.get_field_index("plan_id")
        tables["targets"] = pa.concat_tables([board, board.set_column(place, "plan_id", ids)])
    (year,) = small.document["by_year"].values()
    return replace(
        small,
        document={
            **small.document,
            "years": list(GROWTH),
            "by_year": dict.fromkeys(map(str, GROWTH), year),
            "plans": {made.plan_name(each): {**year, "year": each} for each in GROWTH},
        },
        networks=dict.fromkeys(GROWTH, network),
        tables=tables | _portfolio(network),
        plans={"": joined_plans(list(plans.values()))} | changed,
    )


def _scaled(plan: Plan, year: int, factors: np.ndarray) -> Plan:
    flows = _of_year(plan.flows, year)
    place = flows.schema.get_field_index("tonnes")
    flows = flows.set_column(place, "tonnes", pc.multiply(flows["tonnes"], pa.array(factors)))
    return Plan(flows, _of_year(plan.steps, year), _of_year(plan.unserved, year))


def _of_year(table: pa.Table, year: int) -> pa.Table:
    place, field = table.schema.get_field_index("year"), table.schema.field("year")
    return table.set_column(place, field, pa.array([year] * table.num_rows, field.type))


def _grown(table: pa.Table) -> pa.Table:
    if "year" not in table.column_names:
        return table
    parts = []
    for year, factor in GROWTH.items():
        mine = _of_year(table, year)
        for place, field in enumerate(table.schema):
            if pa.types.is_floating(field.type):
                mine = mine.set_column(place, field, pc.multiply(mine[field.name], factor))
        parts.append(mine)
    return pa.concat_tables(parts)


def _portfolio(network: Network) -> dict[str, pa.Table]:
    """Tables of a portfolio of flights from the province's airports, numbers drawn."""
    sites = {row["site_id"]: row for row in network.rows("sites")}
    homes = [
        name for name, row in sites.items() if row["kind"] == "airport" and row["province"] == "Zhejiang"
    ]
    others = [name for name, row in sites.items() if row["kind"] == "airport" and name not in homes]
    ways = [(homes[i % len(homes)], others[i % len(others)]) for i in range(OPTIONS)]
    options = [
        {
            "option_id": f"AIR_{start}_{end}_B767-300F_7",
            "unit_id": f"AIR_{start}_{end}_B767-300F",
            "name_en": f"{sites[start]['name_en']}–{sites[end]['name_en']}, B767-300F",
            "name_zh": f"{sites[start]['name_zh']}—{sites[end]['name_zh']}（B767-300F）",
            "mode": "air",
            "from_site": start,
            "to_site": end,
            "year": year,
            "plan_id": made.plan_name(year),
            "value_sign": "unknown",
        }
        for year in GROWTH
        for start, end in ways
    ]
    years = [{"year": year, "plan_id": made.plan_name(year)} for year in GROWTH]
    names = ("best", "alternative 1", "alternative 2", "budget 0.5", "budget 0.75")
    some = ",".join(option["unit_id"] for option in options[:6])
    words = {"status": "limit", "bound_by": "solver", "added": some, "dropped": some, "too_empty": ""}
    outside = [{"unit_id": option["unit_id"], "value_sign": "unknown"} for option in options[:10]]
    roles = []
    for year in GROWTH:
        for when, factor in (("before", 1.0), ("after", 2.3)):
            table = _of_year(airport_role_table(network, year), year)
            place = table.schema.get_field_index("departures_per_week")
            table = table.set_column(
                place, table.field(place), pc.multiply(table["departures_per_week"], factor)
            )
            roles.append(table.append_column("when", pa.array([when] * table.num_rows)))
    return {
        "portfolio": _drawn(made.PORTFOLIO, options),
        "portfolio_years": _drawn(made.YEARS, years),
        "portfolio_plans": _drawn(made.PLANS, [{"plan": name, **words} for name in names]),
        "portfolio_outside": _drawn(made.OUTSIDE, outside),
        "airport_roles": pa.concat_tables(roles),
        "accessibility": _shares(),
    }


def _shares() -> pa.Table:
    """Shares of value in time, before and after, drawn."""
    draw = np.random.default_rng(3)
    groups = [("export", name) for name in ("", "b2b", "direct", "stocked")] + [("import", "")]
    rows = [
        (year, when, *group, days, draw.uniform(0.1, 0.9))
        for year in GROWTH
        for when in ("before", "after")
        for group in groups
        for days in WITHIN_DAYS
    ]
    return table_of(rows, ACCESSIBILITY)


def _drawn(schema: pa.Schema, rows: list[Mapping[str, Any]]) -> pa.Table:
    """Rows in which numbers that are not given are drawn, with as many digits as results have."""
    draw = np.random.default_rng(2)
    columns = []
    for field in schema:
        number = pa.types.is_floating(field.type)
        drawn = draw.normal(0, 1e8, len(rows)) if number else draw.integers(0, 2, len(rows))
        values = [row.get(field.name, cell) for row, cell in zip(rows, drawn.tolist(), strict=True)]
        columns.append(
            pa.array([bool(each) for each in values] if field.type == pa.bool_() else values, field.type)
        )
    return pa.table(columns, schema=schema)
