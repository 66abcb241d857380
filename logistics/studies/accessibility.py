"""How much of the trade, by value, reaches its customer within so many days, in plans of the same year."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import pyarrow as pa

from logistics.network.network import Network
from logistics.studies.typed_rows import table_of
from logistics.studies.year_flow import YearOutcome
from logistics.travel_times.tables import directions_of, simulated_times
from logistics.units import HOURS_PER_DAY, KG_PER_T

ACCESSIBILITY = pa.schema(
    [
        ("year", pa.int32()),
        ("when", pa.string()),
        ("direction", pa.string()),
        ("segment", pa.string()),
        ("days", pa.int32()),
        ("value_share", pa.float64()),
    ]
)
"""One row a year, plan (`before` or `after`), direction, segment (empty: all) and days: share of the
FOB value whose median customer waits no longer. What is not served is in the value, and never arrives."""
WITHIN_DAYS = (1, 2, 3, 5, 7, 10, 15, 20, 30, 45, 60, 90)


def accessibility_table(outcomes: Mapping[str, YearOutcome]) -> pa.Table:
    """Return the shares of a year's plans, see :data:`ACCESSIBILITY`.

    Parameters
    ----------
    outcomes
        Outcome of the same year by what it is called; one without a plan that passed the check has no rows.
    """
    rows = [
        (outcome.year, when, *row)
        for when, outcome in outcomes.items()
        if outcome.has_plan and outcome.verdict.plan_verified
        for row in _shares(outcome)
    ]
    return table_of(rows, ACCESSIBILITY)


def _shares(outcome: YearOutcome) -> Iterator[tuple[str, str, int, float]]:
    question = outcome.question
    assert outcome.plan is not None
    times = simulated_times(question.network, outcome.year, outcome.plan, question.seed)["times"].to_pylist()
    groups: dict[tuple[str, str], list[tuple[float, float, float]]] = {}
    worth = _worth(question.network)
    for row in times:
        direction, cny_per_t = worth[row["demand_id"]]
        whole = row["tonnes"] + row["unserved_t"]
        hours = float("inf") if row["p50_h"] is None else row["p50_h"]
        for segment in (row["segment"], ""):
            found = (hours, row["tonnes"] * cny_per_t, whole * cny_per_t)
            groups.setdefault((direction, segment), []).append(found)
    for (direction, segment), mine in sorted(groups.items()):
        whole_cny = sum(cny for _, _, cny in mine)
        for days in WITHIN_DAYS if whole_cny > 0 else ():
            kept = sum(cny for hours, cny, _ in mine if hours <= days * HOURS_PER_DAY)
            yield direction, segment, days, kept / whole_cny


def _worth(network: Network) -> dict[str, tuple[str, float]]:
    """Direction of each demand row, and its FOB value in CNY per t."""
    per_kg = {str(row["product_id"]): float(row["fob_cny_per_kg"]) for row in network.rows("products")}
    direction = directions_of(network)
    return {
        str(row["demand_id"]): (direction[str(row["demand_id"])], per_kg[str(row["product_id"])] * KG_PER_T)
        for row in network.rows("demand")
    }
