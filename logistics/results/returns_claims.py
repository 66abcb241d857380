"""What a result says of orders that come back, against its plans, the saved tables and the bills."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from logistics.errors import Problem, Where
from logistics.network.network import Network
from logistics.plan import Plan
from logistics.results.claims import CLOSE, SITING
from logistics.results.findings import shown
from logistics.verification.verdict import Verdict
from logistics.verification.walk import steps_by_path

RETURNS = "returns"
Key = tuple[str, str, str]


def returns_contradictions(
    folder: Path, plans: Mapping[str, tuple[int, Plan, Network, Verdict]]
) -> Iterator[Problem]:
    """Yield a problem for each warehouse, market and product of which other tonnes come back, and each bill.

    Parameters
    ----------
    folder
        The results folder; nothing is looked at where it tells of no returns.
    plans
        Year, plan, tables and verdict by id; the years' own as ``2021``.
    """
    path = folder / f"{RETURNS}.parquet"
    if not path.exists():
        return
    try:
        rows = pq.read_table(path).to_pylist()
        for name, (year, plan, network, verdict) in plans.items():
            if not verdict.bill:
                continue  # Steps that only show why there is no plan.
            told: dict[Key, float] = {}
            paid = 0.0
            for row in rows:
                if row["year"] == year and (row["plan_id"] or str(year)) == name:
                    key = str(row["option_id"]), str(row["market_id"]), str(row["product_id"])
                    told[key] = told.get(key, 0.0) + row["tonnes"]
                    paid += row["cny"]
            if not told and name not in (str(year), f"{year}-{SITING}"):
                continue  # Further plans of other studies are not told of.
            own = _returned_t(plan, network)
            for key in sorted(told.keys() | own.keys()):
                yield from _unlike("tonnes", f"{name} {' '.join(key)}", told.get(key, 0.0), own.get(key, 0.0))
            yield from _unlike("cny", name, paid, verdict.bill.get(RETURNS, 0.0))
    except (OSError, KeyError, TypeError, ValueError, pa.ArrowException) as error:
        yield Problem("results.unreadable", Where(path.name), repr(error)[:200])


def _returned_t(plan: Plan, network: Network) -> dict[Key, float]:
    """Tonnes a year that come back, by warehouse, market and product."""
    share = {
        str(row["product_id"]): float(row["return_share"] or 0.0)
        for row in network.rows("product_segments")
        if row["segment"] == "stocked"
    }
    demand = {str(row["demand_id"]): row for row in network.rows("demand")}
    option = {
        path: next((key[6] for key in steps if key[0] == "store"), "")
        for path, steps in steps_by_path(plan).items()
    }
    found: dict[Key, float] = {}
    for row in plan.flows.to_pylist():
        order, name = demand[row["demand_id"]], option[row["path_id"]]
        back = share.get(str(order["product_id"]), 0.0) * row["tonnes"]
        if name and back > 0:
            key = name, str(order["destination_site"]), str(order["product_id"])
            found[key] = found.get(key, 0.0) + back
    return found


def _unlike(column: str, subject: str, said: float, own: float) -> Iterator[Problem]:
    if abs(said - own) > CLOSE * max(1.0, abs(own)):
        where = Where(f"{RETURNS}.parquet", 0, column)
        yield Problem("verify.bill", where, shown(said), shown(own), f"{subject} {column}")
