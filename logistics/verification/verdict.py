"""What the independent check found."""

from __future__ import annotations

from collections.abc import Mapping
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
        Tonnes whose home gateway is local, and all tonnes that have one.
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
    bound_proof
        ``certificate`` when the recomputed bound supports the claimed one.
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

    @property
    def plan_verified(self) -> bool:
        """Whether flows balance, capacities and limits hold and the bill adds up."""
        return not any(problem.severity == "error" for problem in self.violations)
