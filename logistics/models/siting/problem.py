"""What siting problems are made of, and what their solution is.

Arrays of a problem are indexed [site], [customer] or [site, customer]; money is in any one unit.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields, replace
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Ints = NDArray[np.int32]
Flags = NDArray[np.bool_]

Status = Literal["optimal", "limit", "infeasible"]
Proof = Literal["prices", "search", "solver", "none"]
"""What a bound rests on: customers' prices that anyone can add up (``prices``), a tree search whose leaves
were each bounded by such prices (``search``), a MIP solver's word (``solver``), nothing (``none``)."""
Obstacle = Literal[
    "no_sites",
    "more_than_sites",
    "nobody_serves",
    "capacity_short",
    "side_rows",
    "shares_short",
    "no_set_serves_all",
]


@dataclass(frozen=True)
class FrozenArrays:
    """A frozen class whose arrays are frozen too, and all of one layout, which kernels are compiled for."""

    def __post_init__(self) -> None:
        for each in fields(self):
            value = getattr(self, each.name)
            if isinstance(value, np.ndarray):
                value = np.ascontiguousarray(value).view()
                value.flags.writeable = False
                object.__setattr__(self, each.name, value)


@dataclass(frozen=True)
class SideRows(FrozenArrays):
    """Linear rows on the open sites: lower ≤ coefficient · y ≤ upper.

    Parameters
    ----------
    coefficient
        Float array [row, site].
    lower, upper
        Float arrays [row]; -inf, inf: none. A row with one coefficient forces a site open or closed.
    ids
        Name of each row.
    """

    coefficient: Floats
    lower: Floats
    upper: Floats
    ids: tuple[str, ...]

    def __post_init__(self) -> None:
        super().__post_init__()
        _expect(len(self.ids) == len(self.coefficient) == len(self.lower) == len(self.upper), "side rows")
        _expect(np.isfinite(self.coefficient).all(), "coefficients of side rows are finite")


@dataclass(frozen=True)
class SitingProblem(FrozenArrays):
    """Which sites to open so that all customers are served at least cost.

    Parameters
    ----------
    fixed_cost
        Cost of opening a site, float array [site]; may be negative (closing it costs).
    cost
        Cost of serving the whole demand of a customer from a site, float array [site, customer]; inf: not
        allowed.
    demand
        Of each customer, ≥ 0, float array [customer], in units of `capacity`.
    capacity
        Most demand a site serves, float array [site]; inf: no limit.
    site_ids, customer_ids
        Unique names. Between equal sites the one with the smaller id counts.
    single_source
        Whether each customer is served from one site where capacities bind.
    least_open, most_open
        How many sites are open; None of the second: any number.
    side
        Further rows on the open sites.
    constant
        Cost that every solution has.
    """

    fixed_cost: Floats
    cost: Floats
    demand: Floats
    capacity: Floats
    site_ids: tuple[str, ...]
    customer_ids: tuple[str, ...]
    single_source: bool = False
    least_open: int = 0
    most_open: int | None = None
    side: SideRows | None = None
    constant: float = 0.0

    def __post_init__(self) -> None:
        super().__post_init__()
        sites, customers = self.cost.shape
        _expect(customers > 0, "there is somebody to serve")
        _expect(len(self.fixed_cost) == len(self.capacity) == len(self.site_ids) == sites, "one entry a site")
        _expect(len(self.demand) == len(self.customer_ids) == customers, "one entry a customer")
        _expect(len(set(self.site_ids)) == sites, "site ids are unique")
        _expect(len(set(self.customer_ids)) == customers, "customer ids are unique")
        _expect(np.isfinite(self.fixed_cost).all(), "fixed costs are finite")
        _expect(not (np.isnan(self.cost).any() or np.isneginf(self.cost).any()), "costs are numbers or inf")
        _expect(bool(np.all(self.demand >= 0)) and np.isfinite(self.demand).all(), "demand ≥ 0")
        _expect(bool(np.all(self.capacity >= 0)), "capacity ≥ 0")
        _expect(
            self.side is None or self.side.coefficient.shape[1] == sites, "one column of side rows a site"
        )

    @property
    def num_sites(self) -> int:
        """How many sites there are to choose from."""
        return int(self.cost.shape[0])

    @property
    def num_customers(self) -> int:
        """How many customers there are."""
        return int(self.cost.shape[1])

    def among(self, kept: Flags) -> SitingProblem:
        """The same problem with only some of the sites."""
        side = self.side
        return replace(
            self,
            fixed_cost=self.fixed_cost[kept],
            cost=self.cost[kept],
            capacity=self.capacity[kept],
            site_ids=tuple(np.array(self.site_ids, dtype=object)[kept]),
            side=None if side is None else replace(side, coefficient=side.coefficient[:, kept]),
        )

    @property
    def num_most_open(self) -> int:
        """Most open sites, a number in any case."""
        return self.num_sites if self.most_open is None else min(self.most_open, self.num_sites)

    @property
    def is_capacitated(self) -> bool:
        """Whether a capacity can bind: a site that cannot serve all customers allowed to it."""
        reachable = np.where(np.isfinite(self.cost), self.demand, 0.0).sum(axis=1)
        return bool(np.any(self.capacity < reachable * (1.0 - 1e-12)))


@dataclass(frozen=True)
class CentreProblem(FrozenArrays):
    """Which sites to open so that the farthest customer is as near as possible.

    Parameters
    ----------
    distance
        Of a customer from a site, float array [site, customer]; inf: not allowed.
    site_ids, customer_ids, most_open, side
        As for :class:`SitingProblem`.
    """

    distance: Floats
    site_ids: tuple[str, ...]
    customer_ids: tuple[str, ...]
    most_open: int
    side: SideRows | None = None


@dataclass(frozen=True)
class CoverageProblem(FrozenArrays):
    """Which sites to open so that as much weight as possible has an open site in reach.

    Parameters
    ----------
    in_reach
        Whether a site covers a customer, bool array [site, customer].
    weight
        Of each customer, ≥ 0, float array [customer].
    site_ids, customer_ids, most_open, side
        As for :class:`SitingProblem`.
    """

    in_reach: Flags
    weight: Floats
    site_ids: tuple[str, ...]
    customer_ids: tuple[str, ...]
    most_open: int
    side: SideRows | None = None


@dataclass(frozen=True)
class TwoStageProblem(FrozenArrays):
    """Which plants and which depots to open so that all customers are served over both at least cost.

    Parameters
    ----------
    plant_fixed_cost, plant_capacity
        Float arrays [plant].
    depot_fixed_cost, depot_capacity
        Float arrays [depot].
    plant_cost
        Cost of a unit from a plant to a depot, float array [plant, depot]; inf: not allowed.
    depot_cost
        Cost of a unit from a depot to a customer, float array [depot, customer]; inf: not allowed.
    demand
        Units of each customer, float array [customer].
    single_source
        Whether each customer is served from one depot.
    plant_side, depot_side
        Further rows on the open plants, and on the open depots.
    """

    plant_fixed_cost: Floats
    plant_capacity: Floats
    depot_fixed_cost: Floats
    depot_capacity: Floats
    plant_cost: Floats
    depot_cost: Floats
    demand: Floats
    plant_ids: tuple[str, ...]
    depot_ids: tuple[str, ...]
    customer_ids: tuple[str, ...]
    single_source: bool = False
    plant_side: SideRows | None = None
    depot_side: SideRows | None = None


@dataclass(frozen=True)
class SitingStop:
    """When a solve ends.

    Parameters
    ----------
    gap
        Relative gap that counts as solved.
    time_limit_s
        Wall-clock limit from the start of the solve.
    most_nodes
        Limit of branch-and-bound nodes, which does not depend on the machine.
    below
        Only solutions that cost less are of interest; that there are none is an answer, with ``status``
        ``limit``, the bound and no solution.
    enough
        A solution that costs no more ends the solve.
    """

    gap: float = 1e-9
    time_limit_s: float = float("inf")
    most_nodes: float = float("inf")
    below: float = float("inf")
    enough: float = float("-inf")


@dataclass(frozen=True)
class SitingProgress:
    """State on the way, for displays: `phase` in the solver's words, best value and bound so far."""

    phase: str
    value: float
    bound: float
    gap: float
    nodes: int
    seconds: float


Report = Callable[[SitingProgress], None]


@dataclass(frozen=True)
class Infeasible(FrozenArrays):
    """Why no solution exists.

    Parameters
    ----------
    obstacle
        ``no_sites``: there is none to choose; ``more_than_sites``: more must be open than there are;
        ``nobody_serves``: customers `rows` have no site that could serve them; ``side_rows``: side rows
        `rows` contradict each other or the number of open sites, each alone or all of them together;
        ``capacity_short``: sets that keep the side rows have too little capacity, or too little where it is
        wanted; ``shares_short``: rows on service that no set reaches; ``no_set_serves_all``: no set that
        keeps all rows serves all.
    rows
        Int array of customers or side rows concerned.
    missing
        Sites, or units of demand that no set serves, as far as that is why; else 0.
    """

    obstacle: Obstacle
    rows: Ints = field(default_factory=lambda: np.zeros(0, np.int32))
    missing: float = 0.0


@dataclass(frozen=True)
class Flows(FrozenArrays):
    """Who serves whom, one entry where something flows: `share` of the customer's demand, above 0."""

    site: Ints
    customer: Ints
    share: Floats


@dataclass(frozen=True)
class SitingAnswer(FrozenArrays):
    """What a solve ended with.

    Parameters
    ----------
    status
        ``optimal``: the gap asked for is closed by `bound`; ``limit``: stopped, with or without a solution;
        ``infeasible``: proven that there is none.
    open
        Bool array [site]; all False where there is no solution.
    assignment
        Site that serves a customer, int array [customer]; -1: several do, or none.
    flows
        All service, split or not.
    value
        Cost of the solution, inf: there is none. Of a centre problem its radius, of a coverage problem the
        weight that is covered (there -inf: no solution).
    bound
        What no solution can beat.
    gap
        abs(value - bound) / max(1, abs(value)).
    bound_by
        What the bound rests on.
    prices
        Where the bound rests on ``prices``: of each customer, float array [customer]; else None. With v these
        prices, r those of side rows and A their coefficients, the bound is

            constant + Σ_j v_j + Σ_r (r⁺ lower - r⁻ upper) + min_y Σ_i (f_i - Σ_j (v_j - c_ij)⁺ - (A'r)_i) y_i

        over the y that have a number of open sites that is allowed.
    side_prices
        Of each side row, float array [row]; None: there are none, or `prices` is None.
    nodes
        Branch-and-bound nodes.
    seconds
        By phase.
    infeasible
        Why there is no solution.
    """

    status: Status
    open: Flags
    assignment: Ints
    flows: Flows
    value: float
    bound: float
    gap: float
    bound_by: Proof
    prices: Floats | None = None
    side_prices: Floats | None = None
    nodes: int = 0
    seconds: Mapping[str, float] = field(default_factory=dict)
    infeasible: Infeasible | None = None


@dataclass(frozen=True)
class TwoStageAnswer(FrozenArrays):
    """What a solve of a two-stage problem ended with.

    Parameters
    ----------
    plant_open, depot_open
        Bool arrays [plant], [depot].
    plant_flow, depot_flow
        Units, float arrays [plant, depot], [depot, customer].
    status, value, bound, gap, bound_by, nodes, seconds, infeasible
        As for :class:`SitingAnswer`.
    """

    status: Status
    plant_open: Flags
    depot_open: Flags
    plant_flow: Floats
    depot_flow: Floats
    value: float
    bound: float
    gap: float
    bound_by: Proof
    nodes: int = 0
    seconds: Mapping[str, float] = field(default_factory=dict)
    infeasible: Infeasible | None = None


def relative_gap(value: float, bound: float) -> float:
    """Distance of value and bound, relative to max(1, abs(value)); inf where one is not finite."""
    if not (np.isfinite(value) and np.isfinite(bound)):
        return float("inf")
    return abs(value - bound) / max(1.0, abs(value))


def without_solution(
    problem: SitingProblem, infeasible: Infeasible | None, bound: float = float("-inf"), **more: Any
) -> SitingAnswer:
    """The answer without a solution: proven (`infeasible`), or stopped before one was found (None)."""
    nobody = np.zeros(0, np.int32)
    return SitingAnswer(
        status="limit" if infeasible is None else "infeasible",
        open=np.zeros(problem.num_sites, bool),
        assignment=np.full(problem.num_customers, -1, np.int32),
        flows=Flows(nobody, nobody, np.zeros(0)),
        value=float("inf"),
        bound=bound,
        gap=float("inf"),
        bound_by="none" if infeasible is None else "search",
        infeasible=infeasible,
        **more,
    )


def _expect(holds: bool | np.bool_, text: str) -> None:
    """Programming errors of callers: what users write is checked where it is read."""
    if not holds:
        raise ValueError(f"siting problem: {text}")
