"""Orders that come back, derived from a plan: which warehouse takes how many from which market."""

from __future__ import annotations

import pyarrow as pa

from logistics.network.network import Network
from logistics.plan import Plan
from logistics.studies.typed_rows import table_of
from logistics.verification.books import PathFigures, YearBooks
from logistics.verification.walk import steps_by_path, walked_path

RETURNS = pa.schema(
    [
        ("year", pa.int32()),
        ("plan_id", pa.string()),
        ("option_id", pa.string()),
        ("site_id", pa.string()),
        ("market_id", pa.string()),
        ("product_id", pa.string()),
        ("tonnes", pa.float64()),
        ("orders", pa.float64()),
        ("cny", pa.float64()),
        ("co2_kg", pa.float64()),
    ]
)
"""One row a year, plan, warehouse, market and product of which orders come back; `plan_id` is empty for the
plan of the year itself. `cny` and `co2_kg`: for the way back and being put away once more."""
Key = tuple[str, str, str, str]


def returns_of(network: Network, year: int, plan: Plan, plan_id: str = "") -> dict[str, pa.Table]:
    """The table ``returns`` of a year's plan; nothing where no order comes back.

    Parameters
    ----------
    network
        Effective network of the year and plan.
    plan
        The plan of that year, which was checked.
    """
    share = {
        (str(row["product_id"]), str(row["segment"])): float(row["return_share"] or 0.0)
        for row in network.rows("product_segments")
    }
    if not any(share.values()):
        return {}
    books, steps = YearBooks(network, year), steps_by_path(plan)
    found: dict[Key, tuple[float, float, float, float]] = {}
    walked: dict[tuple[str, str, str], PathFigures | int] = {}
    for row in plan.flows.to_pylist():
        demand, path = books.demand[row["demand_id"]], row["path_id"]
        product, segment = str(demand["product_id"]), str(demand["segment"])
        if segment != "stocked" or not share.get((product, segment)) or not row["tonnes"] > 0:
            continue
        ends = str(demand["origin_site"]), str(demand["destination_site"])
        if (path, *ends) not in walked:
            walked[path, *ends] = walked_path(books.rulebook(row["demand_id"]), *ends, steps[path])
        figures = walked[path, *ends]
        assert not isinstance(figures, int)
        back_t = row["tonnes"] * share[product, segment]
        site, market = next((key[1], key[2]) for key in steps[path] if key[0] == "deliver")
        leg = books.ledger.road(site, market, sealed=False)
        assert leg is not None
        paid = row["tonnes"] * float(figures.money["returns"][books.product_row[product]])
        more = back_t, back_t * books.orders_per_t(row["demand_id"]), paid, back_t * leg[2]
        name = figures.option, site, market, product
        old = found.get(name, (0.0, 0.0, 0.0, 0.0))
        found[name] = (old[0] + more[0], old[1] + more[1], old[2] + more[2], old[3] + more[3])
    rows = [(year, plan_id, *name, *amounts) for name, amounts in sorted(found.items())]
    return {"returns": table_of(rows, RETURNS)}
