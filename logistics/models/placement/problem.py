"""What a placement is: candidates, when they may open, what that costs, and rules on the choice."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from logistics.models.flow.solved import SolvedFlow
from logistics.models.placement.pooling import Pooling
from logistics.models.placement.sourcing import Sourcing
from logistics.virtual_network.instance import Instance

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Flags = NDArray[np.bool_]
Place = tuple[str, str]
"""Kind and id of a resource."""
Sources = tuple[Ints, ...]
"""By year, the place that serves each market from stock, -1: none; shapes (markets,)."""
PlacementStatus = Literal["optimal", "limit", "no_plan", "infeasible"]


@dataclass(frozen=True)
class Rules:
    """What a set of choices must keep: lower ≤ coefficient · y ≤ upper, and a number of choices.

    Parameters
    ----------
    coefficient
        Shape (rows, choices).
    lower, upper
        Shape (rows,); -inf, inf: none.
    ids
        Name of each row.
    exclusive
        Group of each choice, of which one at most is taken; such rows need not stand in `coefficient` too.
        None: no groups.
    least, most
        How many choices are taken; None of the second: any number.
    """

    coefficient: Floats
    lower: Floats
    upper: Floats
    ids: tuple[str, ...]
    exclusive: Ints | None = None
    least: int = 0
    most: int | None = None

    def kept(self, taken: Flags) -> bool:
        """Whether a set of choices keeps them."""
        count = int(taken.sum())
        if count < self.least or (self.most is not None and count > self.most):
            return False
        if self.exclusive is not None and len(np.unique(self.exclusive[taken])) < count:
            return False
        sums = self.coefficient @ taken
        size = 1e-9 * np.maximum(1.0, np.abs(self.coefficient) @ taken)
        return bool(np.all((sums >= self.lower - size) & (sums <= self.upper + size)))

    def written(self) -> Iterator[tuple[Floats, float, float]]:
        """Each of them as a row: coefficients, lower and upper end."""
        yield from zip(self.coefficient, self.lower.tolist(), self.upper.tolist(), strict=True)
        count = self.coefficient.shape[1]
        if self.exclusive is not None:
            for group in np.flatnonzero(np.bincount(self.exclusive) > 1).tolist():
                yield (self.exclusive == group).astype(float), -np.inf, 1.0
        if self.least or self.most is not None:
            yield np.ones(count), float(self.least), np.inf if self.most is None else float(self.most)

    def with_row(self, name: str, coefficient: Floats, lower: float, upper: float) -> Rules:
        """These and one row more."""
        return replace(
            self,
            coefficient=np.vstack([self.coefficient, coefficient]),
            lower=np.append(self.lower, lower),
            upper=np.append(self.upper, upper),
            ids=(*self.ids, name),
        )


class Tied(NamedTuple):
    """A resource that is there only where some places are all open: a leg of a service that calls there."""

    resource: Place
    needs: tuple[Place, ...]


@dataclass(frozen=True)
class PlacementProblem:
    """Warehouses and other sites to open on the networks of some years.

    A choice is a candidate with the year from which it is open.

    Parameters
    ----------
    instances
        One a year, with every candidate's store or site and its capacity inside.
    candidates
        Option ids.
    places
        Kind and id of the resource that each candidate opens: a ``warehouse`` of its own, or a ``site``,
        whose capacity all candidates there make up together.
    candidate, opens
        Candidate of each choice, and number of the year it opens in, shape (choices,).
    cost
        What a choice costs over all years, in the unit of the flows' objective, shape (choices,).
    capacity_t
        Capacity of each choice in each year, 0 before it opens, shape (choices, years).
    names
        Unique names of the choices; between equal ones the smaller counts.
    rules
        What the choices must keep.
    tied
        Resources that hang on places, as far as they can be used without using these.
    sourcing
        Doors from places to markets, of which one a market is open; None: any place may serve any market.
    pooling
        Warehouses whose safety stock depends on their throughput. The instances then count it as if as much
        went through as can.
    """

    instances: tuple[Instance, ...]
    candidates: tuple[str, ...]
    places: tuple[Place, ...]
    candidate: Ints
    opens: Ints
    cost: Floats
    capacity_t: Floats
    names: tuple[str, ...]
    rules: Rules
    tied: tuple[Tied, ...] = ()
    sourcing: Sourcing | None = None
    pooling: Pooling | None = None

    @cached_property
    def distinct_places(self) -> tuple[Place, ...]:
        """The places, each once, in order of candidates."""
        return tuple(dict.fromkeys(self.places))

    @cached_property
    def place_of(self) -> Ints:
        """Number of each candidate's place, shape (candidates,)."""
        number = {place: i for i, place in enumerate(self.distinct_places)}
        return np.array([number[place] for place in self.places], np.int64)

    @cached_property
    def group_of(self) -> Ints:
        """Group of each candidate, of which one at most is open; its own where there are none."""
        group = np.arange(len(self.candidates)) + len(self.names)
        if self.rules.exclusive is not None:
            group[self.candidate] = self.rules.exclusive
        return group

    @property
    def years(self) -> range:
        """Numbers of the years."""
        return range(len(self.instances))

    def open_in(self, year: int, taken: Flags) -> Ints:
        """Candidates that are open in a year when some choices are taken."""
        return np.unique(self.candidate[taken & (self.opens <= year)])

    def room_t(self, year: int, taken: Flags) -> Floats:
        """Capacity of each candidate in a year, shape (candidates,)."""
        room = np.zeros(len(self.candidates))
        mine = np.flatnonzero(taken)
        np.add.at(room, self.candidate[mine], self.capacity_t[mine, year])
        return room


@dataclass(frozen=True)
class PlacementPlan:
    """A set of choices with its flows.

    Parameters
    ----------
    taken
        Shape (choices,).
    value
        Cost of choices and flows; inf: not all can be served.
    flows
        One a year, in the numbers of the problem's instances.
    sources
        Place of each market, where it has one alone.
    """

    taken: Flags
    value: float
    flows: tuple[SolvedFlow, ...]
    sources: Sources | None = None


@dataclass(frozen=True)
class PlacementAnswer:
    """What a search ended with.

    Parameters
    ----------
    status
        ``optimal``: the gap asked for is closed.
    best
        The best plan; None: none was found.
    bound, gap
        What no plan can beat, and (value − bound) / max(1, |value|).
    by_solver
        Whether the bound rests on a solver's word too, as rules on the choices hang together; else on prices
        that anyone can add up.
    joint
        Whether a shared capacity has a price, so that warehouses compete for it; else each market is on its
        own, and the siting problem alone decides.
    plans
        All plans that were solved.
    history
        (seconds, value, bound) whenever one of them improved.
    """

    status: PlacementStatus
    best: PlacementPlan | None
    bound: float
    gap: float
    by_solver: bool
    joint: bool
    plans: tuple[PlacementPlan, ...]
    history: tuple[tuple[float, float, float], ...]
