"""Events as tables: regret against the undisturbed year, and the markets that are hit worst."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from logistics.studies.typed_rows import table_of
from logistics.studies.year_flow import YearOutcome

if TYPE_CHECKING:
    from logistics.studies.disruption import Disturbed

Sums = Mapping[str, tuple[float, float, float, float]]
"""By market: value of the objective, tonne-hours of customers, tonnes served, tonnes not served."""
MOST_MARKETS = 3
EVENTS = pa.schema(
    [
        ("year", pa.int32()),
        ("event_id", pa.string()),
        ("name_en", pa.string()),
        ("name_zh", pa.string()),
        ("plan_id", pa.string()),
        ("status", pa.string()),
        ("regret", pa.float64()),
        ("money_cny", pa.float64()),
        ("money_more_cny", pa.float64()),
        ("customer_hours_mean", pa.float64()),
        ("hours_more", pa.float64()),
        ("co2_more_t", pa.float64()),
        ("unserved_t", pa.float64()),
        ("unserved_more_t", pa.float64()),
        ("worst_markets", pa.string()),
        ("worst_names_en", pa.string()),
        ("worst_names_zh", pa.string()),
        ("gap", pa.float64()),
        ("verified", pa.bool_()),
        ("bound_proof", pa.string()),
    ]
)
"""One row an event. `regret`: what the best plan costs more in the scenario's objective, over cargo served;
where more stays unserved than before, the plans carry different cargo and `regret` counts only what is
carried. Status ``untouched``: the undisturbed plan does not use what is closed, so it stays the best."""
MARKETS = pa.schema(
    [
        ("year", pa.int32()),
        ("event_id", pa.string()),
        ("market", pa.string()),
        ("regret", pa.float64()),
        ("hours_before", pa.float64()),
        ("hours_after", pa.float64()),
        ("unserved_before_t", pa.float64()),
        ("unserved_after_t", pa.float64()),
    ]
)
"""Markets of each event that lose something, worst first: unserved tonnes, then regret."""


def tables_of_disruption(base: YearOutcome, before: Sums, events: Sequence[Disturbed]) -> dict[str, pa.Table]:
    """Return the tables ``disruption`` and ``disruption_markets`` of a year, the largest regret first."""
    rows: list[tuple[Any, ...]] = []
    markets: list[tuple[Any, ...]] = []
    for event in events:
        hit = _hit(before, event.by_market)
        markets += [(base.year, event.event.id, *row) for row in hit]
        rows.append(_row(base, event, [row[0] for row in hit[:MOST_MARKETS]]))
    # The worst first: what has no plan, what leaves most behind, what costs most.
    rows.sort(key=lambda row: (row[6] is not None, -(row[13] or 0.0), -(row[6] or 0.0), row[1]))
    return {"disruption": table_of(rows, EVENTS), "disruption_markets": table_of(markets, MARKETS)}


def _hit(before: Sums, after: Sums) -> list[tuple[str, float, float | None, float | None, float, float]]:
    found = []
    for market, (value, hours, served, left) in after.items():
        old_value, old_hours, old_served, old_left = before.get(market, (0.0, 0.0, 0.0, 0.0))
        row = (
            market,
            value - old_value,
            old_hours / old_served if old_served else None,
            hours / served if served else None,
            old_left,
            left,
        )
        if left > old_left + 1e-6 or value > old_value * (1 + 1e-9) + 1e-6:
            found.append(row)
    return sorted(found, key=lambda row: (-(row[5] - row[4]), -row[1], row[0]))


def _row(base: YearOutcome, event: Disturbed, worst: Sequence[str]) -> tuple[Any, ...]:
    old = base.verdict.totals
    outcome = event.outcome or base
    new, names = outcome.verdict.totals, event.event.name
    mean = new.customer_t_h / new.served_t if new.served_t else None
    old_mean = old.customer_t_h / old.served_t if old.served_t else None
    known = outcome.has_plan
    sites = {str(row["site_id"]): row for row in base.question.network.rows("sites")}
    untouched = event.outcome is None
    return (
        base.year,
        event.event.id,
        names.en,
        names.zh,
        "" if untouched else f"{base.year}-{event.event.id}",
        "untouched" if untouched else outcome.status,
        outcome.solved.objective - base.solved.objective if known else None,
        new.money_cny if known else None,
        new.money_cny - old.money_cny if known else None,
        mean if known else None,
        mean - old_mean if known and mean is not None and old_mean is not None else None,
        new.co2_t - old.co2_t if known else None,
        new.unserved_t if known else None,
        new.unserved_t - old.unserved_t if known else None,
        "|".join(worst),
        "|".join(str(sites[market]["name_en"]) for market in worst),
        "|".join(str(sites[market]["name_zh"]) for market in worst),
        outcome.solved.gap if known else None,
        outcome.verdict.plan_verified,
        outcome.verdict.bound_proof,
    )
