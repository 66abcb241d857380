"""What plans say of their safety stock: it is planned for what goes through each warehouse."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from logistics.errors import Problem
from logistics.network.network import Network
from logistics.results.claims import SITING
from logistics.results.findings import differing, shown, unfit
from logistics.results.layout import RESULT
from logistics.verification.verdict import Verdict

PLANNED, POOLED = ("warehouse_options", "planned_t_per_year"), "pooled_from_t_per_year"
STOCK = "siting_stock"
CLOSE = 1e-4
"""Share of its throughput by which what stock is planned for may differ."""
LEAST_T = 1e-3


def stock_contradictions(
    rows: Sequence[Mapping[str, Any]], plans: Mapping[str, Network], after: Mapping[str, Verdict]
) -> Iterator[Problem]:
    """Yield a problem for each warehouse whose stock is planned, or told, for another throughput than it has.

    Parameters
    ----------
    rows
        Of ``siting_stock``.
    plans
        Tables of each plan.
    after
        Its verdict, with what goes through each warehouse.
    """
    table, column = PLANNED
    told = {(f"{row['year']}-{SITING}", str(row["option_id"])): row for row in rows}
    for name, network in plans.items():
        for option in network.rows(table):
            nominal = option.get(POOLED)
            if not nominal or option["status"] != "existing":
                continue
            row = told.pop((name, str(option["option_id"])), {})
            through = after[name].loads.get(("warehouse", str(option["option_id"]), "t"), 0.0)
            if through <= LEAST_T:
                continue
            planned = option.get(column)
            if planned is None or abs(planned - through) > CLOSE * through:
                subject = f"{table} {option['option_id']} {column}"
                yield unfit(RESULT, f"plans {name}", subject, shown(planned), shown(through))
            own = {"throughput_t": through, "pooling": math.sqrt(nominal / through)}
            said = {key: row.get(key) for key in own}
            yield from differing(STOCK, f"{name} {option['option_id']}", said, own, CLOSE)
    for name, option_id in sorted(told):
        yield unfit(STOCK, "option_id", name, option_id, "")
