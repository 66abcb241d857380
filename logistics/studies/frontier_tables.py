"""The frontier as tables: its points, and which services gain and lose cargo from one to the next."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from logistics.studies.typed_rows import table_of
from logistics.studies.year_flow import YearOutcome

if TYPE_CHECKING:
    from logistics.studies.frontier import YearFrontier

MOST_MOVES = 5
POINTS = pa.schema(
    [
        ("year", pa.int32()),
        ("point", pa.int32()),
        ("plan_id", pa.string()),
        ("kind", pa.string()),
        ("first", pa.string()),
        ("second", pa.string()),
        ("second_weight", pa.float64()),
        ("money_cny", pa.float64()),
        ("customer_t_h", pa.float64()),
        ("customer_hours_mean", pa.float64()),
        ("co2_t", pa.float64()),
        ("unserved_t", pa.float64()),
        ("gap", pa.float64()),
        ("verified", pa.bool_()),
        ("bound_proof", pa.string()),
        ("doubt_to_next", pa.float64()),
    ]
)
"""One row a point in order of the first objective; kind ``end``, ``supported``, or ``base`` for the plan
under the scenario's own objective (point 0). `second_weight`: units of the first objective that one of the
second is worth there. `doubt_to_next`: how far below the chord to the next point plans may lie, as a share of
the frontier's extent; 0 where the edge is proven to the gap."""
MOVES = pa.schema(
    [
        ("year", pa.int32()),
        ("point", pa.int32()),
        ("next_point", pa.int32()),
        ("service_id", pa.string()),
        ("name_en", pa.string()),
        ("name_zh", pa.string()),
        ("before_t", pa.float64()),
        ("after_t", pa.float64()),
        ("difference_t", pa.float64()),
    ]
)
"""Services whose load (of their fullest leg) changes most from a point to its neighbour."""


def tables_of_frontier(names: tuple[str, ...], frontier: YearFrontier) -> dict[str, pa.Table]:
    """Return the tables ``frontier`` and ``frontier_moves`` of a year.

    Parameters
    ----------
    names
        The two objectives.
    """
    year = frontier.base.outcome.year
    rows = [_row(names, 0, "", "base", None, frontier.base.outcome, None)]
    doubts = [*frontier.doubts, None][: len(frontier.points)]
    for number, (point, left) in enumerate(zip(frontier.points, doubts, strict=True), 1):
        kind = "end" if point.end else "supported"
        weight = point.rho if point.rho != float("inf") else None
        rows.append(_row(names, number, f"{year}-F{number:02d}", kind, weight, point.outcome, left))
    moves: list[tuple[Any, ...]] = []
    points = frontier.points
    for number, (here, there) in enumerate(pairwise(points), 1):
        moves += [(year, number, number + 1, *row) for row in _moved(here.outcome, there.outcome)]
    return {"frontier": table_of(rows, POINTS), "frontier_moves": table_of(moves, MOVES)}


def _row(
    names: tuple[str, ...],
    number: int,
    plan_id: str,
    kind: str,
    weight: float | None,
    outcome: YearOutcome,
    left: float | None,
) -> tuple[Any, ...]:
    totals, verdict = outcome.verdict.totals, outcome.verdict
    mean = totals.customer_t_h / totals.served_t if totals.served_t else None
    return (
        outcome.year,
        number,
        plan_id,
        kind,
        *names,
        weight,
        totals.money_cny,
        totals.customer_t_h,
        mean,
        totals.co2_t,
        totals.unserved_t,
        outcome.solved.gap,
        verdict.plan_verified,
        verdict.bound_proof,
        left,
    )


def peak_loads(outcome: YearOutcome) -> dict[str, float]:
    """Tonnes on the fullest leg of each service."""
    loads: dict[str, float] = {}
    for (kind, thing, unit), tonnes in outcome.verdict.loads.items():
        if kind == "service" and unit == "t":
            service = thing.rsplit("#", 1)[0]
            loads[service] = max(loads.get(service, 0.0), tonnes)
    return loads


def _moved(here: YearOutcome, there: YearOutcome) -> list[tuple[Any, ...]]:
    """Services that lose and gain most, losses first."""
    before, after = peak_loads(here), peak_loads(there)
    names = {str(row["service_id"]): row for row in here.question.network.rows("services")}
    change = {name: after.get(name, 0.0) - before.get(name, 0.0) for name in before.keys() | after.keys()}
    ordered = sorted((name for name in change if abs(change[name]) > 0.5), key=lambda n: (change[n], n))
    losing = [name for name in ordered if change[name] < 0][:MOST_MOVES]
    gaining = [name for name in ordered[::-1] if change[name] > 0][:MOST_MOVES]
    return [
        (
            name,
            names[name]["name_en"],
            names[name]["name_zh"],
            before.get(name, 0.0),
            after.get(name, 0.0),
            change[name],
        )
        for name in (*losing, *gaining)
    ]
