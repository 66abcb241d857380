"""Parts of all solutions, as a search splits them, and what is left of them to decide.

In a part some sites are open or closed, and where customers are served whole, some services are ruled out.
Closed sites and customers that have only one site left do not reach the kernels; the latter take room from
their site instead.
"""

from __future__ import annotations

from dataclasses import dataclass

import numba
import numpy as np
from numpy.typing import NDArray

from logistics.models.siting.lagrangian import service_costs
from logistics.models.siting.prices import CLOSED, FREE, OPEN

Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]
Ints = NDArray[np.int64]
States = NDArray[np.int8]


@dataclass
class Part:
    """A part of all solutions, and what is known of it.

    Parameters
    ----------
    state
        OPEN, CLOSED or FREE, int array [site].
    allowed
        Services not ruled out, bool array [site, customer]; None where customers may be split.
    price
        Best prices known, of the customers and then of whatever else the relaxation prices, float array.
    bound
        No solution in this part costs less.
    share, service
        How much of the time the relaxation opened a site, [site], and served a customer from it,
        [site, customer]; None of the latter where customers may be split.
    """

    state: States
    allowed: Flags | None
    price: Floats
    bound: float
    share: Floats
    service: Floats | None

    def child(self) -> Part:
        """Copy to branch on."""
        return Part(
            self.state.copy(),
            None if self.allowed is None else self.allowed.copy(),
            self.price.copy(),
            self.bound,
            self.share.copy(),
            None if self.service is None else self.service.copy(),
        )

    def allow_only(self, site: int, customer: int) -> None:
        """Serve a customer from a site."""
        assert self.allowed is not None
        allowed = self.allowed[site, customer]
        self.allowed[:, customer] = False
        self.allowed[site, customer] = allowed

    def forbid(self, site: int, customer: int) -> None:
        """Serve a customer from other sites."""
        assert self.allowed is not None
        self.allowed[site, customer] = False


@dataclass(frozen=True)
class LeftOver:
    """What the kernels have to decide of a part: customers that have more than one site left.

    Parameters
    ----------
    customers
        Their rows, int array.
    cost, room, service
        Of sites that are not closed, for these customers: cost inf where ruled out, room without that of
        settled customers, [site, customer], [site], [site, customer] (empty where customers may be split).
    settled_cost, settled_load
        Cost of serving the settled customers, and their demand by site, [site].
    sites, demand
        Rows of the sites, and demand of the customers left.
    """

    customers: Ints
    cost: Floats
    room: Floats
    service: Floats
    settled_cost: float
    settled_load: Floats
    sites: Ints
    demand: Floats

    @classmethod
    def of(cls, part: Part, sites: Ints, cost: Floats, demand: Floats, room: Floats) -> LeftOver:
        """What is left of a part, given the sites that are not closed and the problem's arrays."""
        cost, room = cost[sites], room[sites]
        if part.allowed is None or part.service is None:
            everybody = np.arange(len(demand))
            nothing = np.zeros((0, 0))
            return cls(everybody, cost, room, nothing, 0.0, np.zeros(len(sites)), sites, demand)
        allowed = part.allowed[sites]
        is_settled = allowed.sum(axis=0) == 1
        settled, customers = np.flatnonzero(is_settled), np.flatnonzero(~is_settled)
        home = allowed.argmax(axis=0)[settled]
        load = np.bincount(home, demand[settled], len(sites)).astype(np.float64)
        return cls(
            customers=customers,
            cost=np.ascontiguousarray(np.where(allowed[:, customers], cost[:, customers], np.inf)),
            room=room - load,
            service=np.ascontiguousarray(part.service[np.ix_(sites, customers)]),
            settled_cost=float(cost[home, settled].sum()),
            settled_load=load,
            sites=sites,
            demand=demand[customers],
        )

    def put_back(
        self, part: Part, price: Floats, earned: Floats, flip: Floats, unit: Floats | None = None
    ) -> Floats:
        """Bring a part's service up to date; returns what services cost, float array [site, customer].

        Parameters
        ----------
        price, earned
            Of the customers left, and what each site's best load earns at these.
        flip
            What opening or closing sites costs, as :func:`flip_costs` says it.
        unit
            What a unit costs at a site, on top of the service, [site]; None: nothing.
        """
        assert part.service is not None
        place = np.ix_(self.sites, self.customers)
        part.service[:] = 0.0
        part.service[place] = self.service
        rise = np.empty(self.cost.shape)
        cost = self.cost if unit is None else self.cost + unit[:, None] * self.demand
        service_costs(price, cost, self.demand, self.room, earned, rise)
        all_rises = np.zeros(part.service.shape)
        all_rises[place] = rise + np.maximum(0.0, -flip)[:, None]
        return all_rises


@dataclass(frozen=True)
class Flips:
    """How much a bound rises where decisions are not as the relaxation has them.

    Parameters
    ----------
    bound
        The bound at these prices.
    site
        Above 0: what closing the site costs, below 0: minus what opening it costs, float array [site].
    service
        What serving a customer from a site costs, float array [site, customer]; None where demands are split.
    """

    bound: float
    site: Floats
    service: Floats | None

    def fix(self, part: Part, cutoff: float) -> tuple[int, float]:
        """Fix what costs the cutoff otherwise; returns how much was fixed, and the least bound given up."""
        free = part.state == FREE
        reach = self.bound + np.abs(self.site)
        fixed = free & (reach >= cutoff)
        part.state[fixed] = np.where(self.site[fixed] > 0.0, OPEN, CLOSED)
        num, given_up = int(fixed.sum()), float(np.min(reach[fixed], initial=np.inf))
        if part.allowed is not None and self.service is not None:
            reach = self.bound + self.service
            ruled_out = part.allowed & (part.state != CLOSED)[:, None] & (reach >= cutoff)
            part.allowed[ruled_out] = False
            num += int(ruled_out.sum())
            given_up = min(given_up, float(np.min(reach[ruled_out], initial=np.inf)))
        return num, given_up


def beyond(goal: float) -> float:
    """A little more than a goal, so that a bound reaches it even with the rounding of what is added to it."""
    return goal + 1e-12 * abs(goal)


@numba.njit(cache=True, nogil=True)
def narrow_services(state: States, allowed: Flags, demand: Floats, room: Floats) -> bool:
    """Rule out what no longer fits and open sites somebody depends on; returns whether anything is left.

    A customer with one site left is served there: the site is open, and its room shrinks for the others.
    """
    num_sites, num_customers = allowed.shape
    num_left = np.zeros(num_customers, np.int64)
    last = np.zeros(num_customers, np.int64)
    space = np.empty(num_sites)
    for i in range(num_sites):
        if state[i] == CLOSED:
            allowed[i, :] = False
    while True:
        space[:] = room
        for j in range(num_customers):
            num_left[j] = 0
            for i in range(num_sites):
                if allowed[i, j]:
                    num_left[j] += 1
                    last[j] = i
            if num_left[j] == 0:
                return False
            if num_left[j] == 1:
                space[last[j]] -= demand[j]
                state[last[j]] = OPEN
        changed = False
        for i in range(num_sites):
            if space[i] < 0.0:
                return False
            for j in range(num_customers):
                if allowed[i, j] and num_left[j] > 1 and demand[j] > space[i]:
                    allowed[i, j] = False
                    changed = True
        if not changed:
            return True
