"""Limits as a table: what was asked, what the plan comes to, what each is worth, and why they conflict."""

from __future__ import annotations

from collections.abc import Mapping

import pyarrow as pa

from logistics.limits import PlanLimit
from logistics.studies.price_checks import MORE, Key
from logistics.studies.typed_rows import table_of
from logistics.studies.year_flow import Question, YearOutcome

LIMITS = pa.schema(
    [
        ("year", pa.int32()),
        ("limit_id", pa.string()),
        ("kind", pa.string()),
        ("thing", pa.string()),
        ("thing_id", pa.string()),
        ("where", pa.string()),
        ("reading", pa.string()),
        ("measured", pa.string()),
        ("days", pa.float64()),
        ("least", pa.bool_()),
        ("stated", pa.float64()),
        ("reached", pa.float64()),
        ("price_up_to", pa.float64()),
        ("row_unit", pa.string()),
        ("more_up_to", pa.float64()),
        ("more_checked", pa.float64()),
        ("in_conflict", pa.bool_()),
        ("relaxation", pa.float64()),
        ("relaxed_to", pa.float64()),
        ("place", pa.string()),
    ]
)
"""One row a limit and year. `days`: after which a share in time calls cargo late, null: after those promised.
`stated` and `reached` are days, t CO2e, CNY, shares or tonnes; `price_up_to` is what one more `row_unit` is
worth in the objective; `more_up_to` and `more_checked` what a limit looser by 1 % is worth, by its price and
by solving again. `in_conflict`: member of a smallest set that cannot hold together; `relaxation`: share by
which it gives way in the cheapest relaxation, to `relaxed_to`."""


def limits_table(question: Question, outcome: YearOutcome, checks: Mapping[Key, float]) -> pa.Table:
    """Return the limits of a year."""
    solved, verdict = outcome.solved, outcome.verdict
    conflict, left_t = solved.conflict, verdict.totals.unserved_t
    rows = []
    for place, limit in enumerate(question.limits):
        price = float(solved.duals.limit[place]) if outcome.has_plan else None
        scale = outcome.limit_scales[place]
        give = float(conflict.relaxation[place]) if conflict is not None else None
        relaxed = (
            None if give is None else relaxed_to(limit, give, scale, outcome.limit_wholes[place], left_t)
        )
        rows.append(
            (
                outcome.year,
                limit.id,
                limit.kind,
                limit.thing,
                limit.thing_id,
                limit.where,
                limit.reading if limit.kind == "local_gateway_share" else "",
                limit.measured if limit.kind in ("local_gateway_share", "promise_share") else "",
                limit.days,
                limit.least,
                limit.value,
                verdict.reached.get(limit.id) if outcome.has_plan else None,
                price,
                limit.row_unit,
                None if price is None else price * scale * MORE,
                checks.get(("limit", limit.id, limit.row_unit)),
                conflict is not None and place in conflict.members,
                give,
                relaxed,
                limit.place,
            )
        )
    return table_of(rows, LIMITS)


def relaxed_to(limit: PlanLimit, give: float, scale: float, whole: float, unserved_t: float) -> float:
    """What a limit is relaxed to, in the unit in which it is stated: so far that it is enough.

    Parameters
    ----------
    whole
        Demand in its scope, weighted as it is there.
    unserved_t
        What stays behind anyway: a mean over what is served has to give more for it.
    """
    sign = -1.0 if limit.least else 1.0
    per_stated = {"money": 1.0, "co2": 1000.0, "load": 1.0}.get(limit.kind)
    if limit.kind == "mean_customer_days":
        per_stated = 24.0 * max(whole - unserved_t, 1e-3 * whole, 1e-9)
    elif per_stated is None:
        per_stated = max(whole, 1e-9)
    return max(0.0, limit.value + sign * give * scale / per_stated)
