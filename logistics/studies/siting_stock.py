"""Safety stock that falls with a warehouse's throughput, in the tables and as a table of results."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pyarrow as pa

from logistics.models.flow.solved import SolvedFlow
from logistics.models.placement.pooling import Pooling, planned_for, safety_cost, throughput
from logistics.network.network import Network
from logistics.studies.changed_tables import change_of, with_changes
from logistics.studies.siting_markets import stocked_by_territory
from logistics.studies.typed_rows import table_of
from logistics.studies.year_flow import YearOutcome
from logistics.virtual_network.instance import Instance

WAREHOUSES = "warehouse_options"
SETTLED = 1e-6
"""Share of a throughput by which it may differ from what stock is planned for."""
POOLED, PLANNED = "pooled_from_t_per_year", "planned_t_per_year"
STOCK = pa.schema(
    [
        ("year", pa.int32()),
        ("option_id", pa.string()),
        ("throughput_t", pa.float64()),
        ("at_most_t", pa.float64()),
        ("pooling", pa.float64()),
        ("safety_cny", pa.float64()),
        ("counted_cny", pa.float64()),
        ("largest_error_cny", pa.float64()),
    ]
)
"""One row a year and warehouse of the best plan that holds stock. `pooling`: factor on safety stock at its
throughput. `safety_cny`: yearly cost of safety stock, priced exactly; `counted_cny`: what the bound counts of
it, on the line from 0 to the most that can go through, which is off by `largest_error_cny` at most."""


def with_pooling(network: Network, nominal_t: float) -> Network:
    """The network with a throughput at which products' variation holds, where the tables say none."""
    rows = [row for row in network.rows(WAREHOUSES) if row[POOLED] is None]
    return with_changes(network, [change_of(WAREHOUSES, row["option_id"], POOLED, nominal_t) for row in rows])


def most_through(network: Network) -> dict[str, float]:
    """What can go through each warehouse that is there at most: its room, or all stocked cargo around it."""
    territory = {str(row["site_id"]): str(row["customs_territory"]) for row in network.rows("sites")}
    stocked = stocked_by_territory(network)
    return {
        str(row["option_id"]): min(float(row["capacity_t_per_year"]), around)
        for row in network.rows(WAREHOUSES)
        if row["status"] == "existing"
        and row[POOLED] is not None
        and (around := stocked.get(territory[str(row["site_id"])], 0.0)) > 0
        and float(row["capacity_t_per_year"]) > 0
    }


def planned_changes(planned_t: Mapping[str, float]) -> list[dict[str, Any]]:
    """Values of the tables by which safety stock is planned for these throughputs."""
    return [change_of(WAREHOUSES, option, PLANNED, t) for option, t in sorted(planned_t.items())]


def replanned(changes: Sequence[Mapping[str, Any]], drawn_t: Mapping[str, float]) -> list[dict[str, Any]]:
    """Changes with stock planned for these throughputs, where they are not what it was planned for."""
    planned = {one["row"]: one["value"] for one in changes if one["column"] == PLANNED}
    for option, t in drawn_t.items():
        if option not in planned or abs(t - planned[option]) > SETTLED * max(1.0, t):
            planned[option] = t
    return [*(dict(one) for one in changes if one["column"] != PLANNED), *planned_changes(planned)]


def pooled_network(network: Network) -> tuple[Network, dict[str, float]]:
    """The network with stock planned for the most that can go through, and that by option."""
    most = most_through(network)
    return with_changes(network, planned_changes(most)), most


def pooled_throughput(pooling: Pooling | None, instance: Instance, flow: SolvedFlow) -> dict[str, float]:
    """Throughput of the warehouses whose stock depends on it, by option."""
    if pooling is None:
        return {}
    drawn = throughput(instance, flow)
    return {option: t for option, t in drawn.items() if option in pooling.nominal_t}


def stock_table(
    pooling: Pooling, years: Sequence[tuple[YearOutcome, list[dict[str, Any]], Instance]]
) -> pa.Table:
    """Safety stock of the chosen plan, by year and warehouse.

    Parameters
    ----------
    years
        Each year of the plan, solved on its own network, and the arrays of that.
    """
    rows = []
    for most, (outcome, _, compiled) in zip(pooling.most_t, years, strict=True):
        drawn = pooled_throughput(pooling, compiled, outcome.solved)
        instance = planned_for(compiled, pooling, drawn)
        for option, cost in sorted(safety_cost(instance, outcome.solved).items()):
            if option in drawn and option in most:
                share = float(np.sqrt(drawn[option] / most[option]))
                factor = float(np.sqrt(pooling.nominal_t[option] / drawn[option]))
                # s·sqrt(v) less its line from 0 to m is largest at m/4, where it is s·sqrt(m)/4.
                figures = drawn[option], most[option], factor, cost, cost * share, cost / share / 4.0
                rows.append((outcome.year, option, *figures))
    return table_of(rows, STOCK)


def nominal_throughput(network: Network) -> dict[str, float]:
    """Throughput at which products' variation holds, by option that has one."""
    rows = network.rows(WAREHOUSES)
    return {str(row["option_id"]): float(row[POOLED]) for row in rows if row[POOLED] is not None}


def pooling_of(network: Network, most: list[dict[str, float]]) -> Pooling | None:
    """What the search needs to know; None: no warehouse pools."""
    nominal = nominal_throughput(network)
    return Pooling(nominal, tuple(most)) if nominal else None
