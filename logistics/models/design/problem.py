"""What a network design problem is made of, when its search ends, and what it ends with."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields, replace
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from logistics.models.flow.solved import SolvedFlow
from logistics.virtual_network.instance import Instance

Floats = NDArray[np.float64]
Ints = NDArray[np.int32]
Flags = NDArray[np.bool_]
DesignStatus = Literal["optimal", "limit", "infeasible", "no_plan"]
Proof = Literal["prices", "search", "solver", "none"]
"""What a bound rests on: prices of one relaxation that anyone can add up (``prices``), a tree search whose
leaves were each bounded by such prices (``search``), a MIP solver's word (``solver``), nothing (``none``)."""


class _Frozen:
    """Arrays of frozen classes cannot be written to."""

    def __post_init__(self) -> None:
        """Freeze the arrays."""
        for item in fields(self):  # type: ignore[arg-type]
            freeze(getattr(self, item.name))


def freeze(value: Any) -> None:
    """Make an array read-only; tuples are gone through."""
    if isinstance(value, np.ndarray):
        value.setflags(write=False)
    elif isinstance(value, tuple):
        for part in value:
            freeze(part)


@dataclass(frozen=True)
class SideRows(_Frozen):
    """Linear rows on options alone: lower ≤ A·y ≤ upper.

    Parameters
    ----------
    ids
        Names of the rows, for messages.
    row, option, value
        Entries of A: row ``row[i]`` counts option ``option[i]`` ``value[i]`` times.
    lower, upper
        Bounds of each row, -inf or inf: none, shape (rows,).
    """

    ids: tuple[str, ...]
    row: Ints
    option: Ints
    value: Floats
    lower: Floats
    upper: Floats

    @classmethod
    def none(cls) -> SideRows:
        """No rows."""
        no_ints, no_floats = np.zeros(0, np.int32), np.zeros(0)
        return cls((), no_ints, no_ints.copy(), no_floats, no_floats.copy(), no_floats.copy())

    def with_row(self, name: str, terms: Sequence[tuple[int, float]], lower: float, upper: float) -> SideRows:
        """The rows and one more: lower ≤ Σ value · y ≤ upper over (option, value) in `terms`."""
        new = np.full(len(terms), len(self.ids), np.int32)
        return SideRows(
            (*self.ids, name),
            np.concatenate([self.row, new]),
            np.concatenate([self.option, np.array([option for option, _ in terms], np.int32)]),
            np.concatenate([self.value, np.array([value for _, value in terms], float)]),
            np.append(self.lower, lower),
            np.append(self.upper, upper),
        )

    def and_also(self, more: SideRows) -> SideRows:
        """These rows and others."""
        return SideRows(
            self.ids + more.ids,
            np.concatenate([self.row, more.row + np.int32(len(self.ids))]),
            np.concatenate([self.option, more.option]),
            np.concatenate([self.value, more.value]),
            np.concatenate([self.lower, more.lower]),
            np.concatenate([self.upper, more.upper]),
        )

    def kept(self, y: Floats, tolerance: float = 1e-6) -> bool:
        """Whether `y` obeys every row."""
        sums = np.bincount(self.row, self.value * y[self.option], len(self.ids))
        slack = tolerance * np.maximum(1.0, np.bincount(self.row, np.abs(self.value), len(self.ids)))
        return bool(np.all((sums >= self.lower - slack) & (sums <= self.upper + slack)))


@dataclass(frozen=True)
class DesignProblem(_Frozen):
    """Options, the years they serve, and rows on them.

    Parameters
    ----------
    instances
        One a year, with every option's arcs and capacities inside.
    year_weight
        Weight of each year's flow objective, > 0, shape (years,).
    options
        Names.
    cost
        What it costs to open each option, in the unit of the weighted flow objectives, shape (options,).
    gates
        For each year (resource rows, options): the resource is there only where its option is open. Each row
        at most once.
    rows
        Rows on the options: budgets, counts, exclusions, prerequisites.
    expansions
        For each year (resource rows, options, amounts): an open option adds the amount, > 0, to the capacity
        of a row that has no gate. Empty: none in any year.
    most_unserved_t
        Tonnes that may stay unserved in each year whose instance has no price of unserved demand, shape
        (years,). Empty: none may.
    """

    instances: tuple[Instance, ...]
    year_weight: Floats
    options: tuple[str, ...]
    cost: Floats
    gates: tuple[tuple[Ints, Ints], ...]
    rows: SideRows
    expansions: tuple[tuple[Ints, Ints, Floats], ...] = ()
    most_unserved_t: Floats | None = None

    def __post_init__(self) -> None:
        """Freeze the arrays and check what must always hold."""
        super().__post_init__()
        years, options = len(self.instances), len(self.options)
        shapes = len(self.year_weight) == len(self.gates) == years and len(self.cost) == options
        if not shapes or len(self.expansions) not in (0, years) or np.any(self.year_weight <= 0):
            raise ValueError(
                "a design has a weight above 0 and gates for each year, and a cost for each option"
            )
        for year, (row, option) in enumerate(self.gates):
            added, adding, amount = self.expansion(year)
            if len(np.unique(row)) != len(row) or np.any(np.isin(added, row)) or np.any(amount <= 0):
                raise ValueError("a row has at most one gate, and only rows without one are expanded")
            if np.any(option >= options) or np.any(adding >= options):
                raise ValueError("gates name options by number")

    def only(self, year: int) -> DesignProblem:
        """The problem of one year alone, with all options and rows."""
        return replace(
            self,
            instances=(self.instances[year],),
            year_weight=self.year_weight[[year]],
            gates=(self.gates[year],),
            expansions=(self.expansions[year],) if self.expansions else (),
            most_unserved_t=None if self.most_unserved_t is None else self.most_unserved_t[[year]],
        )

    def expansion(self, year: int) -> tuple[Ints, Ints, Floats]:
        """Rows, options and amounts of a year's expansions."""
        if not self.expansions:
            return np.zeros(0, np.int32), np.zeros(0, np.int32), np.zeros(0)
        return self.expansions[year]

    def allowed_t(self, year: int) -> float:
        """Tonnes that may stay unserved in a year without a price of unserved demand."""
        return 0.0 if self.most_unserved_t is None else float(self.most_unserved_t[year])

    def capacity(self, year: int, y: Floats) -> Floats:
        """Capacities of a year's resources when the options are open as far as `y` says."""
        capacity = self.instances[year].capacity.copy()
        row, option = self.gates[year]
        capacity[row] *= y[option]
        added, adding, amount = self.expansion(year)
        np.add.at(capacity, added, amount * y[adding])
        return capacity


@dataclass(frozen=True)
class DesignStop:
    """When a search ends.

    Parameters
    ----------
    gap
        Relative gap, (value − bound) / max(1, |value|), that counts as solved.
    time_limit_s
        Wall-clock limit from the start.
    most_nodes
        Limit of nodes, which does not depend on the machine.
    flow_gap
        Gap to which the flows of the plan are solved.
    """

    gap: float = 1e-6
    time_limit_s: float = float("inf")
    most_nodes: float = float("inf")
    flow_gap: float = 1e-7


@dataclass(frozen=True)
class DesignProgress:
    """State of a search, for displays.

    Parameters
    ----------
    phase
        ``relaxation``, ``plan`` or ``proof``.
    value, bound
        Best plan (inf: none yet) and global lower bound (-inf: none yet).
    nodes
        Nodes of the tree that are done.
    seconds
        Since the start.
    """

    phase: str
    value: float
    bound: float
    gap: float
    nodes: int
    seconds: float


Report = Callable[[DesignProgress], None]


@dataclass(frozen=True)
class DesignDuals(_Frozen):
    """Prices of the relaxation at the root; with them anyone can add up its bound.

    Parameters
    ----------
    resource
        For each year the price of each resource, ≥ 0, shape (resources,), in the year's own money.
    limit
        For each year the price of each limit's row.
    unserved
        For each year the price of a tonne not served, where such a row stands.
    option
        What opening each option adds to the bound, prices of its rows included, shape (options,). Options
        above 0 stay closed in the relaxation and those below 0 are open.
    rows, side
        Side rows, those that follow from the problem among them, and the price of each: the bound grows by it
        per unit of the row's bound that is met.
    bound
        What they prove.
    """

    resource: tuple[Floats, ...]
    limit: tuple[Floats, ...]
    unserved: tuple[float, ...]
    option: Floats
    rows: SideRows
    side: Floats
    bound: float


@dataclass(frozen=True)
class DesignAnswer(_Frozen):
    """What a search ended with.

    Parameters
    ----------
    status
        ``optimal``: gap closed; ``limit``: stopped before, with a plan; ``no_plan``: stopped before, without;
        ``infeasible``: proven that no choice of options obeys all rows and serves what must be served.
    open
        Which options the plan opens, shape (options,); all false without a plan.
    value
        Cost of options and weighted flows of the plan; inf without one.
    bound, proof
        Global lower bound and what it rests on.
    gap
        (value − bound) / max(1, |value|); inf without a plan.
    flows
        The plan's flows, one a year, solved with the open options' capacities; empty without a plan.
    duals
        Prices at the root; None: the relaxation was not solved by prices.
    nodes
        Nodes of the tree.
    history
        (seconds, value, bound) whenever one of them improved.
    """

    status: DesignStatus
    open: Flags
    value: float
    bound: float
    proof: Proof
    gap: float
    flows: tuple[SolvedFlow, ...]
    duals: DesignDuals | None
    nodes: int
    history: tuple[tuple[float, float, float], ...]


def relative_gap(value: float, bound: float) -> float:
    """(value − bound) / max(1, |value|), inf while one is missing, never below 0."""
    if not np.isfinite(value) or not np.isfinite(bound):
        return float("inf")
    return max(0.0, value - bound) / max(1.0, abs(value))
