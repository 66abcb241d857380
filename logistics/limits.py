"""Limits on a whole plan, in the domain's words: a scenario sets them, the model obeys, the check judges."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from logistics.network.network import Network
from logistics.network.where import matching_rows

LimitKind = Literal["mean_customer_days", "co2", "money", "promise_share", "local_gateway_share", "load"]
Reading = Literal["exit_port", "declared"]
Measured = Literal["tonnes", "value", "orders"]
MOST_FLAGS = 6
"""Floors and limits on modes in one scenario: each may double the virtual network."""


@dataclass(frozen=True)
class PlanLimit:
    """One limit on a year's plan.

    Parameters
    ----------
    id
        Its key in the scenario, ``max_co2_t``; numbered where there are several, ``load.2``.
    kind
        What it limits.
    value
        As stated: days, t CO2e, CNY, a share of 0 … 1, or tonnes a year.
    least
        Whether `value` is the least (a floor) instead of the most.
    where
        Condition on demand.csv; empty: all demand.
    thing, thing_id
        Of a load: service, site, passage or mode, and which.
    reading
        Local share by the port of exit (entry) or by the customs office that declares.
    measured
        Local share of tonnes, or of FOB value; promise share of tonnes, or of orders.
    days
        Of a promise share: customer days after which cargo is late, whatever the product promises; None:
        those it promises.
    place
        Where it is written.
    """

    id: str
    kind: LimitKind
    value: float
    least: bool = False
    where: str = ""
    thing: str = ""
    thing_id: str = ""
    reading: Reading = "exit_port"
    measured: Measured = "tonnes"
    place: str = ""
    days: float | None = None

    @property
    def flagged(self) -> bool:
        """Whether a tonne counts once, however often it uses the thing: floors, and limits on a mode."""
        return self.kind == "load" and (self.least or self.thing == "mode")

    def relaxation_scale(self, stated: float, whole_t: float) -> float:
        """What a relaxation by 100 % adds to the row.

        It is what is stated, in the unit of the row; where that is next to nothing, a small amount per tonne
        of all demand, so that limits of 0 can be weighed against others.
        """
        per_t = {"money": 1.0, "co2": 0.1}.get(self.kind, 1e-3)
        return max(stated, per_t * max(1.0, whole_t))

    @property
    def row_unit(self) -> str:
        """Unit of what is counted over a year, and that a price is for one of."""
        if self.measured != "tonnes":
            return {"value": "CNY", "orders": "orders"}[self.measured]
        return {"mean_customer_days": "t h", "co2": "kg", "money": "CNY"}.get(self.kind, "t")


def limit_rows(limits: Iterable[PlanLimit]) -> list[dict[str, Any]]:
    """Limits as plain data, for files."""
    return [asdict(limit) for limit in limits]


def read_limits(rows: Iterable[Mapping[str, Any]]) -> tuple[PlanLimit, ...]:
    """Limits from plain data.

    Raises
    ------
    TypeError
        When a row is not what :func:`limit_rows` writes.
    """
    return tuple(PlanLimit(**row) for row in rows)


def demand_in_scope(network: Network, limit: PlanLimit) -> NDArray[np.bool_]:
    """Whether each row of demand.csv is in the scope of `limit`, shape (rows,).

    Raises
    ------
    ConditionError
        When the condition cannot be used.
    """
    table = network.tables["demand"]
    inside = np.zeros(table.num_rows, dtype=bool)
    inside[matching_rows(table, limit.where or None)] = True
    return inside
