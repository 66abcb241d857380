"""Tables of a flow plan for people: loads of services, modes, gateways, bottlenecks, bill, base case."""

from __future__ import annotations

from collections.abc import Sequence

import pyarrow as pa
import pyarrow.compute as pc

from logistics.network.network import Network
from logistics.studies.base_case import observed_table
from logistics.verification.verdict import Verdict


def tables_of_flow(
    network: Network, year: int, facts: pa.Table, verdict: Verdict, duals: pa.Table
) -> dict[str, pa.Table]:
    """Return the tables of one year, each with a ``year`` column.

    Parameters
    ----------
    network
        Effective network of the year.
    facts
        One row a path, see :mod:`logistics.plan_facts`.
    verdict
        The check's verdict, whose recomputed loads and bill are shown.
    duals
        Prices of shared capacities.
    """
    return {
        "modes": _modes(facts),
        "gateways": _gateways(facts),
        "services": _service_loads(network, year, verdict),
        "bottlenecks": _bottlenecks(year, verdict, duals),
        "bill": _bill(year, verdict),
        "observed": observed_table(network, year, facts, verdict),
    }


def _modes(facts: pa.Table) -> pa.Table:
    """Tonnes by direction, segment, mode and class of the main service."""
    keys = ["year", "direction", "segment", "mode", "service_class"]
    table = facts.group_by(keys).aggregate([("tonnes", "sum")])
    return table.rename_columns([*keys, "tonnes"]).sort_by([(key, "ascending") for key in keys])


def _gateways(facts: pa.Table) -> pa.Table:
    """Tonnes by direction, home gateway and mode; whether the gateway is local."""
    keys = ["year", "direction", "home_gateway", "mode", "local"]
    table = facts.group_by(keys).aggregate([("tonnes", "sum")])
    return table.rename_columns([*keys, "tonnes"]).sort_by(
        [("direction", "ascending"), ("tonnes", "descending"), ("home_gateway", "ascending")]
    )


def _service_loads(network: Network, year: int, verdict: Verdict) -> pa.Table:
    """Load of each leg of each service that carries cargo, with its capacities."""
    services = {str(r["service_id"]): r for r in network.rows("services")}
    rows = []
    for (kind, thing, unit), tonnes in sorted(verdict.loads.items()):
        if kind != "service" or unit != "t":
            continue
        name, seq = thing.rsplit("#", 1)
        row = services[name]
        cubic, room_t, room_m3 = (
            verdict.loads[(kind, thing, "m3")],
            verdict.room[(kind, thing, "t")],
            verdict.room[(kind, thing, "m3")],
        )
        fill = max(tonnes / room_t if room_t else 0.0, cubic / room_m3 if room_m3 else 0.0)
        rows.append(
            (
                year,
                name,
                int(seq),
                row["mode"],
                row["service_class"],
                row["name_en"],
                row["name_zh"],
                tonnes,
                room_t,
                cubic,
                room_m3,
                fill,
            )
        )
    names = [
        "year",
        "service_id",
        "leg",
        "mode",
        "service_class",
        "name_en",
        "name_zh",
        "tonnes",
        "capacity_t",
        "m3",
        "capacity_m3",
        "load_factor",
    ]
    return _as_table(names, rows)


def _bottlenecks(year: int, verdict: Verdict, duals: pa.Table) -> pa.Table:
    """Shared capacities with a price: what one more unit a year is worth, up to."""
    mine = duals.filter(
        pc.and_(pc.equal(duals["certificate"], "objective"), pc.not_equal(duals["kind"], "setting"))
    )
    rows = []
    for row in mine.to_pylist():
        load = verdict.loads.get((row["kind"], row["id"], row["unit"]), 0.0)
        rows.append((year, row["kind"], row["id"], row["unit"], load, row["price"], load * row["price"]))
    rows.sort(key=lambda row: (-row[6], row[2]))
    return _as_table(["year", "kind", "id", "unit", "load", "price_up_to", "worth_cny"], rows)


def _bill(year: int, verdict: Verdict) -> pa.Table:
    rows = [(year, item, amount) for item, amount in verdict.bill.items()]
    rows += [
        (year, "capital", verdict.totals.capital_cny),
        (year, "time_value", verdict.totals.time_value_cny),
    ]
    return _as_table(["year", "item", "cny"], rows)


def _as_table(names: list[str], rows: Sequence[tuple[object, ...]]) -> pa.Table:
    columns = list(zip(*rows, strict=True)) if rows else [()] * len(names)
    return pa.table({name: list(column) for name, column in zip(names, columns, strict=True)})
