"""What serving each commodity through each candidate costs, at prices of shared capacities.

A path of stocked cargo passes through exactly one warehouse, so the cost of a plan's stocked part is a sum
over (warehouse, commodity): the matrix of a siting problem. A path may pass several sites of other kinds, and
no more than its saving against the best way without candidates is booked to each, so that the sum is still a
bound.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from logistics.models.flow.costs import Dues, RowPrices
from logistics.models.flow.pricing import PathPricer
from logistics.models.flow.solved import Duals
from logistics.models.placement.problem import Place, PlacementProblem, Tied
from logistics.models.routes.connections import gated_connections
from logistics.models.routes.through import Through
from logistics.virtual_network.instance import Instance

Floats = NDArray[np.float64]
Ints = NDArray[np.int32]
NOWHERE = -1
SHUT_CNY = 1e9
"""Price of passing what is not there, and worth of cargo that nothing else serves."""


@dataclass(frozen=True)
class PricedYear:
    """A year's flow at some prices, as far as it does not depend on which candidates are there.

    Parameters
    ----------
    constant
        What all but the members costs, less the worth of shared capacities; candidates' own are left out.
    existing, candidate
        Cost of a tonne of each member on its best way without candidates, and on its best way through each
        candidate, dues and constants included; inf: no way, or none that is better. Shapes (members,),
        (candidates, members).
    """

    constant: float
    existing: Floats
    candidate: Floats


class StoreCosts:
    """Prices the cargo of one year through each candidate.

    Parameters
    ----------
    instance
        The year with every candidate in it.
    places, tied
        Resource that each candidate opens, in the order of the rows asked for, and what hangs on these.

    Attributes
    ----------
    members
        Commodities whose ways depend on candidates: stocked ones, or all where sites are candidates.
    rows, tied_rows
        Resource of each candidate and of each that is tied, -1: it is not in this year.
    plain
        Commodities that are not stocked, and can be served.
    room_beside_t
        Tonnes that may go through each candidate beside its own capacity, on tied resources, shape
        (candidates,).
    lost_t
        Tonnes that nothing reaches, whatever is open.
    """

    def __init__(self, instance: Instance, places: Sequence[Place], tied: Sequence[Tied] = ()) -> None:
        self.instance, self.pricer = instance, PathPricer(instance)
        row_of = {(r.kind, r.id): row for row, r in enumerate(instance.resources) if r.unit == "t"}
        self.rows = np.array([row_of.get(place, NOWHERE) for place in places], np.int64)
        is_site = np.array([kind == "site" for kind, _ in places], bool)
        self._site_rows = np.unique(self.rows[is_site & (self.rows >= 0)])
        self._has_sites = len(self._site_rows) > 0
        number = {name: place for place, (kind, name) in enumerate(places) if kind == "warehouse"}
        self.owners: dict[int, NDArray[np.int64]] = {
            place: np.array(
                [number.get(layer.steps[arc].option_id, NOWHERE) for arc in layer.store_arc], np.int64
            )
            for place, layer in enumerate(instance.layers)
            if layer.stocked
        }
        self.tied_rows = np.array([row_of.get(one.resource, NOWHERE) for one in tied], np.int64)
        owner = np.full(len(instance.resources), NOWHERE)
        owner[self._site_rows] = self._site_rows
        self.room_beside_t: Floats = np.zeros(len(places))
        for row, one in zip(self.tied_rows.tolist(), tied, strict=True):
            if row >= 0:
                # Whoever uses it needs all of its places: the first one answers for it.
                owner[row] = row_of[one.needs[0]]
                self.room_beside_t[self.rows == owner[row]] += instance.resources[row].capacity
        self._owner = owner
        self._ways = [gated_connections(layer, owner) for layer in instance.layers]
        c = instance.commodities
        stocked = np.array([layer.stocked for layer in instance.layers], bool)[c.layer]
        reachable = np.isfinite(self.pricer.free_cost)
        self.plain: NDArray[np.bool_] = ~stocked & reachable
        # Who may go another way too is reached if that is.
        np.logical_or.at(reachable, c.served, reachable.copy())
        self.members: NDArray[np.intp] = np.flatnonzero(reachable if self._has_sites else stocked & reachable)
        self._rest = np.setdiff1d(np.flatnonzero(self.plain), self.members)
        # Who has no way at all is left in every plan.
        self._lost = ~reachable
        self.lost_t = float(c.demand_t[self._lost].sum())
        self._count = len(places)

    def place_rows(self, problem: PlacementProblem) -> NDArray[np.int64]:
        """Resource of each distinct place, -1: it is not in this year."""
        row = np.full(len(problem.distinct_places), NOWHERE)
        row[problem.place_of] = self.rows
        return row

    def share_of_capacity(self, problem: PlacementProblem, room: Floats) -> Floats:
        """Rooms of the distinct places as shares of what the instance holds there; 0 where they are not."""
        row = self.place_rows(problem)
        capacity = np.where(row >= 0, self.instance.capacity[row], 0.0)
        return np.divide(room, capacity, out=np.zeros(len(room)), where=capacity > 0)

    def priced(self, duals: Duals) -> PricedYear:
        """The year at prices of its capacities and limits; those of candidates' own are taken as 0."""
        instance, c = self.instance, self.instance.commodities
        prices = self.shared_prices(duals)
        without = self._without_sites(prices)
        dues = Dues(instance, prices)
        shut = Dues(instance, without) if self._has_sites else dues
        offset = instance.weights.money * c.constant_cny_per_t + dues.offset
        least, best = self._stocked(shut, dues)
        threshold = np.where(self.plain, np.inf, -np.inf)
        plain = self.pricer.price(without, threshold, dues=shut).cost
        least = np.where(self.plain, np.where(plain < SHUT_CNY / 2, plain, np.inf), least) + offset
        best += offset
        free = instance.unserved_cny_per_t
        left = np.broadcast_to(np.asarray(0.0 if free is None else free, float), (len(c),)) + dues.unserved
        if free is not None:
            least = np.minimum(least, left)
        self._through_sites(prices, least, offset, best)
        np.minimum.at(least, c.served, least.copy())
        for row in best:
            np.minimum.at(row, c.served, row.copy())
        used = prices.resource > 0
        constant = float(c.demand_t[self._rest] @ least[self._rest])
        constant += float(c.demand_t[self._lost] @ left[self._lost])
        constant -= float(instance.capacity[used] @ prices.resource[used])
        constant -= float(sum(p * row.bound for p, row in zip(prices.limit, instance.limits, strict=True)))
        return PricedYear(constant, least[self.members], best[:, self.members])

    def _stocked(self, shut: Dues, dues: Dues) -> tuple[Floats, Floats]:
        """Cost of stocked cargo through the existing warehouses without sites, and through each candidate."""
        count = len(self.instance.commodities)
        least, best = np.full(count, np.inf), np.full((self._count, count), np.inf)
        for place, owner in self.owners.items():
            is_existing = owner == NOWHERE
            pricer = self.pricer.stocked[place]
            cost = pricer.by_store(dues)
            np.minimum.at(best, owner[~is_existing], cost[~is_existing])
            without = pricer.by_store(shut) if self._has_sites else cost
            least = np.minimum(least, without[is_existing].min(axis=0, initial=np.inf))
        return np.where(least < SHUT_CNY / 2, least, np.inf), best

    def _through_sites(self, prices: RowPrices, least: Floats, offset: Floats, best: Floats) -> None:
        """Fill in what commodities cost through candidate sites, where that is less than without."""
        if not self._has_sites:
            return
        worth = np.where(np.isfinite(least), least, SHUT_CNY)
        worth[self._lost] = -np.inf
        arcs = [np.arange(layer.num_arcs) for layer in self.instance.layers]
        through = Through(self.pricer, prices, worth - offset, self._ways, arcs, twice=False)
        for row in self._site_rows.tolist():
            savings = through.savings(row)
            assert savings is not None, "ways that are single arcs can be told"
            for part in savings:
                for candidate in np.flatnonzero(self.rows == row).tolist():
                    cost = worth[part.member] - part.saved
                    best[candidate, part.member] = np.minimum(best[candidate, part.member], cost)

    def paths_through(self, candidate: int, duals: Duals) -> list[tuple[int, Ints]]:
        """Cheapest paths through one candidate at prices, as (commodity, arcs).

        Through a warehouse those of all commodities; through a site of those that it serves better than all
        that exists.
        """
        prices = self.shared_prices(duals)
        if self.rows[candidate] in self._site_rows:
            return self._paths_by_site(int(self.rows[candidate]), prices)
        dues = Dues(self.instance, prices)
        found: list[tuple[int, Ints]] = []
        for place, owner in self.owners.items():
            for store in np.flatnonzero(owner == candidate).tolist():
                found += self.pricer.stocked[place].through(store, dues)
        return found

    def _paths_by_site(self, row: int, prices: RowPrices) -> list[tuple[int, Ints]]:
        """Cheapest paths that pass one site, of those that no way without sites serves as cheaply."""
        without = self._without_sites(prices)
        plain = self.pricer.price(without, np.full(len(self.instance.commodities), np.inf))
        resource = np.where(self._owner == row, prices.resource, without.resource)
        limit = np.where(np.isfinite(plain.cost), plain.cost * (1 - 1e-9), np.inf)
        found = self.pricer.price(RowPrices(resource, prices.limit), limit).found
        uses = [set(ways[row].arcs.tolist()) if row in ways else set() for ways in self._ways]
        layer_of = self.instance.commodities.layer
        return [(k, path) for k, path in found if not uses[layer_of[k]].isdisjoint(path.tolist())]

    def shared_prices(self, duals: Duals) -> RowPrices:
        """The prices of all but the candidates' own capacities."""
        resource = duals.resource.copy()
        resource[self.rows[self.rows >= 0]] = 0.0
        return RowPrices(resource, duals.limit)

    def _without_sites(self, prices: RowPrices) -> RowPrices:
        """Prices at which no way through a candidate site is among the cheapest."""
        resource = prices.resource.copy()
        resource[self._owner >= 0] = SHUT_CNY
        return RowPrices(resource, prices.limit)
