"""What serving each commodity through each warehouse costs, at prices of shared capacities.

A path of stocked cargo passes through exactly one warehouse, so the cost of a plan's stocked part is a sum
over (warehouse, commodity): the matrix of a siting problem.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from logistics.models.flow.costs import Dues, RowPrices
from logistics.models.flow.pricing import PathPricer
from logistics.models.flow.solved import Duals
from logistics.virtual_network.instance import Instance

Floats = NDArray[np.float64]
Ints = NDArray[np.int32]
NOWHERE = -1


@dataclass(frozen=True)
class PricedYear:
    """A year's flow at some prices, as far as it does not depend on which candidates are there.

    Parameters
    ----------
    constant
        What all but stocked cargo costs, less the worth of shared capacities; candidates' own are left out.
    existing, candidate
        Cost of a tonne of each stocked commodity through the best existing warehouse, and through each
        candidate, dues and constants included; inf: no way. Shapes (members,), (candidates, members).
    """

    constant: float
    existing: Floats
    candidate: Floats


class StoreCosts:
    """Prices the stocked cargo of one year through each warehouse.

    Parameters
    ----------
    instance
        The year with every candidate in it.
    candidates
        Option ids, in the order of the rows asked for.

    Attributes
    ----------
    lost_t
        Tonnes that nothing reaches, whatever is open.
    """

    def __init__(self, instance: Instance, candidates: Sequence[str]) -> None:
        self.instance, self.pricer = instance, PathPricer(instance)
        number = {name: place for place, name in enumerate(candidates)}
        c = instance.commodities
        stocked = np.array([layer.stocked for layer in instance.layers], bool)
        reachable = np.isfinite(self.pricer.free_cost)
        self.members: NDArray[np.intp] = np.flatnonzero(stocked[c.layer] & reachable)
        self.owners: dict[int, NDArray[np.int64]] = {
            place: np.array(
                [number.get(layer.steps[arc].option_id, NOWHERE) for arc in layer.store_arc], np.int64
            )
            for place, layer in enumerate(instance.layers)
            if layer.stocked
        }
        self.rows = np.full(len(candidates), NOWHERE)
        for row, resource in enumerate(instance.resources):
            if resource.kind == "warehouse" and resource.id in number:
                self.rows[number[resource.id]] = row
        self._plain = ~stocked[c.layer] & reachable
        # Who has no way at all is left in every plan.
        self._lost = ~reachable
        self.lost_t = float(c.demand_t[self._lost].sum())
        self._count = len(candidates)

    def priced(self, duals: Duals) -> PricedYear:
        """The year at prices of its capacities and limits; those of candidates' own are taken as 0."""
        instance, c = self.instance, self.instance.commodities
        prices = self._shared(duals)
        dues = Dues(instance, prices)
        offset = instance.weights.money * c.constant_cny_per_t + dues.offset
        threshold = np.where(self._plain, np.inf, -np.inf)
        plain = self.pricer.price(prices, threshold).cost + offset
        least = np.full(len(c), np.inf)
        best = np.full((self._count, len(c)), np.inf)
        for place, owner in self.owners.items():
            cost = self.pricer.stocked[place].by_store(dues)
            is_existing = owner == NOWHERE
            least = np.minimum(least, cost[is_existing].min(axis=0, initial=np.inf))
            np.minimum.at(best, owner[~is_existing], cost[~is_existing])
        least, best = least + offset, best + offset
        free = instance.unserved_cny_per_t
        left = np.broadcast_to(np.asarray(0.0 if free is None else free, float), (len(c),)) + dues.unserved
        if free is not None:
            plain, least = np.minimum(plain, left), np.minimum(least, left)
        used = prices.resource > 0
        constant = float(c.demand_t[self._plain] @ plain[self._plain])
        constant += float(c.demand_t[self._lost] @ left[self._lost])
        constant -= float(instance.capacity[used] @ prices.resource[used])
        constant -= float(sum(p * row.bound for p, row in zip(prices.limit, instance.limits, strict=True)))
        return PricedYear(constant, least[self.members], best[:, self.members])

    def paths_through(self, candidate: int, duals: Duals) -> list[tuple[int, Ints]]:
        """Cheapest path of each commodity through one candidate at prices, as (commodity, arcs)."""
        dues = Dues(self.instance, self._shared(duals))
        found: list[tuple[int, Ints]] = []
        for place, owner in self.owners.items():
            for store in np.flatnonzero(owner == candidate).tolist():
                found += self.pricer.stocked[place].through(store, dues)
        return found

    def _shared(self, duals: Duals) -> RowPrices:
        resource = duals.resource.copy()
        resource[self.rows[self.rows >= 0]] = 0.0
        return RowPrices(resource, duals.limit)
