"""What plans say of their safety stock: it is planned for what goes through each warehouse."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from logistics.errors import Problem
from logistics.network.network import Network
from logistics.results.findings import shown, unfit
from logistics.results.layout import RESULT
from logistics.verification.verdict import Verdict

PLANNED = ("warehouse_options", "planned_t_per_year")
CLOSE = 1e-4
"""Share of its throughput by which what stock is planned for may differ."""
LEAST_T = 1e-3


def stock_contradictions(plans: Mapping[str, Network], after: Mapping[str, Verdict]) -> Iterator[Problem]:
    """Yield a problem for each warehouse whose stock is planned for another throughput than it has.

    Parameters
    ----------
    plans
        Tables of each plan.
    after
        Its verdict, with what goes through each warehouse.
    """
    table, column = PLANNED
    for name, network in plans.items():
        for row in network.rows(table):
            if not row.get("pooled_from_t_per_year") or row["status"] != "existing":
                continue
            through = after[name].loads.get(("warehouse", str(row["option_id"]), "t"), 0.0)
            planned = row.get(column)
            if through > LEAST_T and (planned is None or abs(planned - through) > CLOSE * through):
                subject = f"{table} {row['option_id']} {column}"
                yield unfit(RESULT, f"plans {name}", subject, shown(planned), shown(through))
