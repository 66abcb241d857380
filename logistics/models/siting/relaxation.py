"""Bounds of parts of a capacitated problem: what the rules leave free goes to the kernels."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from logistics.models.siting.lagrangian import Offers, find_loads, raise_bound
from logistics.models.siting.openings import SLACK, OpeningRules
from logistics.models.siting.parts import Flips, LeftOver, Part, beyond, narrow_services
from logistics.models.siting.priced_choice import flip_costs
from logistics.models.siting.prices import CLOSED, FREE
from logistics.models.siting.problem import SideRows, SitingProblem
from logistics.models.siting.transport import serve

Floats = NDArray[np.float64]

GUESS = 0.1
"""Without a solution, steps aim this share above the first bound."""


class Relaxation:
    """Bounds of a problem's parts.

    Parameters
    ----------
    problem
        With a site allowed for every customer.
    rules
        Its rules on the open sites.
    """

    def __init__(self, problem: SitingProblem, rules: OpeningRules) -> None:
        self.problem = problem
        self.rules = rules
        self.whole = problem.single_source
        # Whole loads are searched for, so what counts as fitting is decided once, here.
        self.room = problem.capacity * (1.0 + SLACK if self.whole else 1.0)
        finite = np.isfinite(problem.cost)
        cost = np.where(finite, np.abs(problem.cost), 0.0)
        mean = cost.sum(axis=0) / np.maximum(1, finite.sum(axis=0))
        typical = float(mean.mean()) if mean.any() else 1.0
        most = np.where(finite, problem.cost, -np.inf).max(axis=0).sum()
        self.dearest = beyond(np.maximum(problem.fixed_cost, 0.0).sum() + most + problem.constant)
        row, bound = as_lower(problem.side, problem.num_sites)
        # A side row's price weighs against sites, a customer's against single services.
        per_site = float(np.abs(problem.fixed_cost).mean()) + float(mean.sum()) / problem.num_sites
        self._offers = Offers(
            # Copies that may be written to, as all other arrays the kernels are compiled for.
            cost=problem.cost.copy(),
            demand=problem.demand.copy(),
            room=self.room,
            fixed=problem.fixed_cost.copy(),
            row=row,
            bound=bound,
            low=np.append(np.min(problem.cost, axis=0, initial=np.inf), np.zeros(len(row))),
            scale=np.append(np.maximum(mean / typical, 1e-3), np.full(len(row), per_site / typical)),
            cover=rules.coefficient[-1],
            total=rules.lower[-1],
        )

    def root(self) -> Part:
        """The whole problem, priced at what each customer costs at its second cheapest site."""
        problem = self.problem
        second = min(1, problem.num_sites - 1)
        price = self._offers.low.copy()
        dear = np.partition(problem.cost, second, axis=0)[second]
        price[: len(dear)] = np.where(np.isfinite(dear), dear, price[: len(dear)])
        shape = (problem.num_sites, problem.num_customers)
        allowed = None
        if self.whole:
            allowed = np.isfinite(problem.cost) & (problem.demand[None, :] <= self.room[:, None])
        return Part(
            state=np.zeros(problem.num_sites, np.int8),
            allowed=allowed,
            price=price,
            bound=-np.inf,
            share=np.zeros(problem.num_sites),
            service=np.zeros(shape) if self.whole else None,
        )

    def narrow(self, part: Part) -> tuple[bool, tuple[int, ...]]:
        """Fix what the rules say; returns whether anything is left, and the range of the number of sites."""
        problem = self.problem
        ok, count = self.rules.narrow(part.state)
        while ok and part.allowed is not None:
            before = int((part.state == FREE).sum())
            ok = narrow_services(part.state, part.allowed, self._offers.demand, self.room)
            if ok and int((part.state == FREE).sum()) < before:
                ok, count = self.rules.narrow(part.state)
            else:
                break
        if ok and len(self.rules.may_serve):
            # Where not every site serves everybody, the open and free ones may be too small together.
            left = part.state != CLOSED
            service = serve(problem.cost[left], self._offers.demand, problem.capacity[left])
            ok = service.missing == 0.0
        return ok, count

    def raise_bound(
        self, part: Part, count: tuple[int, ...], goal: float, steps: int, stride: float
    ) -> Flips:
        """Raise the bound of a part by steps towards a goal; its prices and shares are brought up to date.

        Parameters
        ----------
        count
            Range of the number of open sites.
        goal
            Cost that is enough; inf: there is none yet.
        steps, stride
            As for the kernel.

        Returns
        -------
        Flips
            What decisions cost otherwise.
        """
        problem, whole = self.problem, self.whole
        sites = np.flatnonzero(part.state != CLOSED)
        left = LeftOver.of(part, sites, self._offers.cost, self._offers.demand, self.room)
        rows = problem.num_customers + np.arange(len(self._offers.bound))
        priced = np.append(left.customers, rows)
        offers = Offers(
            cost=left.cost,
            demand=left.demand,
            room=left.room,
            fixed=problem.fixed_cost[sites],
            row=np.ascontiguousarray(self._offers.row[:, sites]),
            bound=self._offers.bound,
            low=self._offers.low[priced],
            scale=self._offers.scale[priced],
            cover=self._offers.cover[sites],
            total=self._offers.total,
        )
        constant = problem.constant + left.settled_cost
        price, state, share = part.price[priced], part.state[sites], part.share[sites]
        reduced, flip = np.zeros(len(sites)), np.zeros(len(sites))
        least, most = count
        given, found = (price, offers, whole, state, least, most), (reduced, share, left.service)
        aim = beyond(goal) - constant
        if not np.isfinite(aim):
            first = raise_bound(*given, np.inf, 1, stride, *found)
            aim = first + GUESS * abs(first)
        bound = raise_bound(*given, aim, steps, stride, *found)
        part.bound = max(part.bound, bound + constant)
        part.price[priced] = price
        part.share[:] = 0.0
        part.share[sites] = share
        flip_costs(reduced, state, least, most, offers.cover, offers.total, flip)
        flips = np.zeros(problem.num_sites)
        flips[sites] = flip
        rise = None
        if part.service is not None:
            earned = offers.fixed - reduced - price[len(left.customers) :] @ offers.row
            rise = left.put_back(part, price[: len(left.customers)], earned, flip)
        return Flips(bound + constant, flips, rise)

    def bound_of_sets(self, part: Part) -> tuple[float, Floats]:
        """What a set costs at least, by a part's prices: a constant and reduced costs to add up."""
        problem, offers = self.problem, self._offers
        num_sites, num_customers = problem.cost.shape
        reduced = np.zeros(num_sites)
        find_loads(
            part.price,
            offers,
            self.whole,
            np.zeros(num_sites, np.int8),
            reduced,
            np.zeros((num_sites, num_customers), np.int32),
            np.zeros(num_sites, np.int64),
            np.zeros(num_sites),
            np.zeros(num_customers),
        )
        constant = part.price[:num_customers].sum() + part.price[num_customers:] @ offers.bound
        return float(constant) + problem.constant, reduced


def as_lower(side: SideRows | None, num_sites: int) -> tuple[Floats, Floats]:
    """Side rows written as coefficient · y ≥ bound, each with a largest coefficient of 1."""
    if side is None:
        return np.zeros((0, num_sites)), np.zeros(0)
    has_lower, has_upper = np.isfinite(side.lower), np.isfinite(side.upper)
    row = np.vstack([side.coefficient[has_lower], -side.coefficient[has_upper]])
    bound = np.append(side.lower[has_lower], -side.upper[has_upper])
    largest = np.max(np.abs(row), axis=1, initial=0.0)
    largest[largest == 0.0] = 1.0
    return np.ascontiguousarray(row / largest[:, None]), bound / largest
