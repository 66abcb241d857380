"""The tables of door-to-door hours, column by column."""

from __future__ import annotations

from dataclasses import fields
from typing import Any

import pyarrow as pa

from logistics.travel_times.mixtures import Distribution

FIGURES = tuple(each.name for each in fields(Distribution))
HOURS = [(name, pa.float64()) for name in (*FIGURES, *(f"pipeline_{name}" for name in FIGURES))]
SHARES_KEPT = [("share_within_promise", pa.float64()), ("share_within_promise_simulated", pa.float64())]

TIMES = pa.schema(
    [
        ("year", pa.int32()),
        ("demand_id", pa.string()),
        ("origin_site", pa.string()),
        ("destination_site", pa.string()),
        ("product_id", pa.string()),
        ("segment", pa.string()),
        ("tonnes", pa.float64()),
        ("unserved_t", pa.float64()),
        *HOURS,
        ("promise_h", pa.float64()),
        *SHARES_KEPT,
    ]
)
"""One row a demand row. Hours of the customer's clock, and with ``pipeline_`` all hours from door to door;
null where nothing is served. Shares are of the row's total demand: what is not served is late. The first
counts a path as a whole by its mean, the simulated one the draws that keep the promise; null without promise
or demand."""

SERVICE_TIMES = pa.schema(
    [
        ("year", pa.int32()),
        ("service_id", pa.string()),
        ("mode", pa.string()),
        ("service_class", pa.string()),
        ("name_en", pa.string()),
        ("name_zh", pa.string()),
        ("tonnes", pa.float64()),
        ("stocked_t", pa.float64()),
        *HOURS,
    ]
)
"""One row a service that carries cargo: hours of its cargo over the whole way, not of the service alone. Of
its tonnes, `stocked_t` go through a warehouse, where the customer's clock starts behind the service."""

SEGMENT_TIMES = pa.schema(
    [
        ("year", pa.int32()),
        ("direction", pa.string()),
        ("segment", pa.string()),
        ("tonnes", pa.float64()),
        ("unserved_t", pa.float64()),
        *HOURS,
        ("promised_t", pa.float64()),
        *SHARES_KEPT,
    ]
)
"""One row a direction and segment with demand. Shares are of `promised_t`, the demand that has a promise."""


def table_of_rows(rows: list[tuple[Any, ...]], schema: pa.Schema) -> pa.Table:
    """Return rows as a table; None becomes null."""
    columns = list(zip(*rows, strict=True)) if rows else [()] * len(schema)
    return pa.table([pa.array(c, f.type) for c, f in zip(columns, schema, strict=True)], schema=schema)
