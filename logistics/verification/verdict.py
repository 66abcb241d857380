"""What the independent check found."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

from logistics.errors import Problem

BoundProof = Literal["certificate", "solver", "none"]


@dataclass(frozen=True)
class Totals:
    """Sums of a year's plan, recomputed from the tables.

    Parameters
    ----------
    customer_t_h, pipeline_t_h
        Tonne-hours of the customer's clock and of the pipeline (stock left out).
    local_t, gateway_t
        Tonnes whose home gateway is local, and all tonnes demanded that need one, exports and imports; what
        is not served has none.
    promised_t, in_time_t
        Tonnes demanded that have a promise, and tonnes served within it; what is not served is late.
    """

    demand_t: float = 0.0
    served_t: float = 0.0
    unserved_t: float = 0.0
    money_cny: float = 0.0
    capital_cny: float = 0.0
    time_value_cny: float = 0.0
    customer_t_h: float = 0.0
    pipeline_t_h: float = 0.0
    co2_t: float = 0.0
    local_t: float = 0.0
    gateway_t: float = 0.0
    promised_t: float = 0.0
    in_time_t: float = 0.0


@dataclass(frozen=True)
class Verdict:
    """Verdict on one year of a plan.

    Parameters
    ----------
    violations
        Everything that does not hold, as problems with ``verify.…`` codes.
    bill
        CNY a year by item; the items of `money_cny` and, apart, capital and time value.
    objective
        Value of the scenario's objective for this plan.
    bound
        Lower bound recomputed from the duals; None without duals.
    loads, room
        What the plan draws on each shared capacity (kind, id, unit), and what is left for it.
    bound_proof
        ``certificate`` when the recomputed bound supports the claimed one.
    counted, allowed
        What each limit counts of the plan, and its bound, by the limit's id.
    reached
        What the plan comes to, in the unit in which the limit is stated.
    members
        Limits that are proven not to hold together, whatever the others.
    """

    year: int
    violations: tuple[Problem, ...]
    bill: Mapping[str, float]
    totals: Totals
    objective: float
    bound: float | None = None
    bound_proof: BoundProof = "none"
    least_unserved_t: float = 0.0
    loads: Mapping[tuple[str, str, str], float] = field(default_factory=dict)
    room: Mapping[tuple[str, str, str], float] = field(default_factory=dict)
    counted: Mapping[str, float] = field(default_factory=dict)
    allowed: Mapping[str, float] = field(default_factory=dict)
    reached: Mapping[str, float] = field(default_factory=dict)
    members: frozenset[str] = frozenset()

    @property
    def plan_verified(self) -> bool:
        """Whether flows balance, capacities and limits hold and the bill adds up."""
        return not any(problem.severity == "error" for problem in self.violations)


def summed_totals(verdicts: Sequence[Verdict]) -> dict[str, float | None]:
    """Totals over years; means are over tonnes served, shares over tonnes demanded."""
    served = sum(v.totals.served_t for v in verdicts)
    gateway = sum(v.totals.gateway_t for v in verdicts)
    promised = sum(v.totals.promised_t for v in verdicts)

    def mean(amount: float, over: float) -> float | None:
        return amount / over if over > 0 else None

    return {
        "money_cny": sum(v.totals.money_cny for v in verdicts),
        "capital_cny": sum(v.totals.capital_cny for v in verdicts),
        "time_value_cny": sum(v.totals.time_value_cny for v in verdicts),
        "customer_hours_mean": mean(sum(v.totals.customer_t_h for v in verdicts), served),
        "pipeline_hours_mean": mean(sum(v.totals.pipeline_t_h for v in verdicts), served),
        "co2_t": sum(v.totals.co2_t for v in verdicts),
        "local_gateway_share": mean(sum(v.totals.local_t for v in verdicts), gateway),
        "promise_share": mean(sum(v.totals.in_time_t for v in verdicts), promised),
        "demand_t": sum(v.totals.demand_t for v in verdicts),
        "unserved_t": sum(v.totals.unserved_t for v in verdicts),
    }
