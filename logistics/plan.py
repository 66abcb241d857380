"""A plan in the domain's words: who goes which way, step by step. What is checked, written and shown."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import pyarrow as pa
import pyarrow.compute as pc

FLOWS = pa.schema(
    [
        ("year", pa.int32()),
        ("path_id", pa.string()),
        ("demand_id", pa.string()),
        ("tier", pa.string()),
        ("tonnes", pa.float64()),
    ]
)
"""Tonnes a year of one tier of a demand row on one path."""

STEPS = pa.schema(
    [
        ("year", pa.int32()),
        ("path_id", pa.string()),
        ("seq", pa.int32()),
        ("action", pa.string()),
        ("site_id", pa.string()),
        ("to_site_id", pa.string()),
        ("service_id", pa.string()),
        ("stop_seq", pa.int32()),
        ("via_id", pa.string()),
        ("option_id", pa.string()),
        ("channel", pa.string()),
    ]
)
"""What happens on a path, in order; unused cells are empty or 0.

Actions: drive, consolidate, clear_export, clear_post, board, ride, alight, clear_import, store, deliver. A
ride names the stop where its leg ends. Riding on needs no step of its own.
"""

UNSERVED = pa.schema(
    [("year", pa.int32()), ("demand_id", pa.string()), ("tier", pa.string()), ("tonnes", pa.float64())]
)
"""Tonnes a year of one tier of a demand row that are not served."""


@dataclass(frozen=True)
class Plan:
    """Flows and steps of one or more years.

    Parameters
    ----------
    flows, steps, unserved
        Tables of the schemas above.
    """

    flows: pa.Table
    steps: pa.Table
    unserved: pa.Table

    @property
    def years(self) -> tuple[int, ...]:
        """Years the plan covers, ascending."""
        found = set(self.flows["year"].to_pylist()) | set(self.unserved["year"].to_pylist())
        return tuple(sorted(found))

    def of_year(self, year: int) -> Plan:
        """Return the part of one year."""
        tables = (self.flows, self.steps, self.unserved)
        return Plan(*(table.filter(pc.equal(table["year"], year)) for table in tables))


def joined_plans(plans: Sequence[Plan]) -> Plan:
    """Put plans of different years into one."""
    return Plan(
        pa.concat_tables([plan.flows for plan in plans]),
        pa.concat_tables([plan.steps for plan in plans]),
        pa.concat_tables([plan.unserved for plan in plans]),
    )
