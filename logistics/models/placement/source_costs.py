"""What serving each market from each place costs in one year, at prices of shared capacities."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from logistics.models.flow.costs import Dues, RowPrices
from logistics.models.flow.solved import Duals
from logistics.models.placement.single_source import PricedSources, Saving
from logistics.models.placement.sourcing import NONE, Sourcing
from logistics.models.placement.store_costs import StoreCosts

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
PIECES = 5
"""Parts of a market's cargo, by what a tonne saves."""


def priced_sources(
    costs: StoreCosts, duals: Duals, sourcing: Sourcing, year: int, group: Ints
) -> PricedSources:
    """Price the places of one year; what candidates' own capacities are worth is left out.

    Parameters
    ----------
    group
        Group of each candidate, of which one at most is open.
    """
    instance, c = costs.instance, costs.instance.commodities
    dues = Dues(instance, costs.shared_prices(duals))
    offset = instance.weights.money * c.constant_cny_per_t + dues.offset
    other = _without_stock(costs, dues) + offset
    np.minimum.at(other, c.served, other.copy())
    if instance.unserved_cny_per_t is not None:
        other = np.minimum(other, instance.unserved_cny_per_t + dues.unserved)
    count, places = len(costs.rows), len(sourcing.places)
    existing, through = np.full((places, len(c)), np.inf), np.full((count, len(c)), np.inf)
    place, room = np.full(count, NONE, np.int64), np.zeros(places)
    row_of = {(r.kind, r.id): row for row, r in enumerate(instance.resources)}
    for number, owner in costs.owners.items():
        layer, at = instance.layers[number], sourcing.store_place[year][number]
        cost = costs.pricer.stocked[number].by_store(dues) + offset
        mine = owner == NONE
        np.minimum.at(existing, at[mine], cost[mine])
        np.minimum.at(through, owner[~mine], cost[~mine])
        place[owner[~mine]] = at[~mine]
        for store in np.flatnonzero(mine).tolist():
            row = row_of.get(("warehouse", layer.steps[layer.store_arc[store]].option_id))
            room[at[store]] += np.inf if row is None else instance.capacity[row]
    placed = np.flatnonzero(place != NONE)
    for number in range(places):
        there = placed[place[placed] == number]
        if len(np.unique(group[there])) > 1:
            # Several may be open at once, and share a market's cargo.
            through[there] = through[there].min(axis=0)
    members = _Members(costs, sourcing, year)
    base, through = np.minimum(existing, other), np.minimum(through, other)
    standing, alone = members.sums(base), members.sums(through)
    # Beside what exists a candidate saves on as much as it holds; elsewhere it serves markets whole.
    beside = np.zeros(alone.shape, bool)
    beside[placed] = np.isfinite(standing[place[placed]])
    pieces = [
        (candidate, *piece)
        for candidate in placed.tolist()
        for piece in members.pieces(base[place[candidate]], through[candidate], beside[candidate])
    ]
    return PricedSources(
        constant=costs.priced(duals).constant,
        candidate=np.where(beside, np.inf, alone),
        existing=standing,
        without=members.sums(other[None, :])[0],
        tonnes=members.tonnes(np.isinf(other)),
        room=room,
        place=place,
        savings=tuple(Saving(*piece) for piece in pieces),
    )


def _without_stock(costs: StoreCosts, dues: Dues) -> Floats:
    """Cost of each commodity that is not stocked, inf: of the others; limits' offsets are left out."""
    threshold = np.where(costs.plain, np.inf, -np.inf)
    cost = costs.pricer.price(RowPrices.none(costs.instance), threshold, dues=dues).cost
    return np.where(costs.plain, cost, np.inf)


class _Members:
    """Stocked commodities of a year that can be served, by market."""

    def __init__(self, costs: StoreCosts, sourcing: Sourcing, year: int) -> None:
        self._market = sourcing.market[year]
        stocked = np.flatnonzero(self._market != NONE)
        self._who = stocked[np.isin(stocked, costs.members)]
        self._market = self._market[self._who]
        self._demand = costs.instance.commodities.demand_t[self._who]
        self._count = len(sourcing.markets)
        self._empty = np.bincount(self._market, minlength=self._count) == 0

    def sums(self, cost: Floats) -> Floats:
        """Cost of all tonnes of each market, by row of `cost`; inf where it has no stocked cargo."""
        found = np.zeros((self._count, len(cost)))
        np.add.at(found, self._market, (cost[:, self._who] * self._demand).T)
        found[self._empty] = np.inf
        return np.ascontiguousarray(found.T)

    def tonnes(self, counted: NDArray[np.bool_]) -> Floats:
        """Tonnes of each market that count, -1 where it has no stocked cargo."""
        demand = np.where(counted[self._who], self._demand, 0.0)
        tonnes = np.bincount(self._market, demand, self._count).astype(float)
        return np.where(self._empty, -1.0, tonnes)

    def pieces(
        self, base: Floats, through: Floats, wanted: NDArray[np.bool_]
    ) -> Iterator[tuple[int, float, float]]:
        """Market, saving of a tonne at most, and tonnes of parts of the wanted markets' cargo.

        The cargo of a market that is saved on is parted by what a tonne saves, at the largest steps, so that
        the first figure is not far above what any of its tonnes saves.
        """
        saved = np.zeros(len(self._who))
        base, through = base[self._who], through[self._who]
        both = np.isfinite(base) & np.isfinite(through)
        saved[both] = base[both] - through[both]
        for market in np.flatnonzero(wanted).tolist():
            mine = np.flatnonzero((self._market == market) & (saved > 0) & (self._demand > 0))
            if len(mine) == 0:
                continue
            mine = mine[np.argsort(-saved[mine], kind="stable")]
            steps = saved[mine[:-1]] - saved[mine[1:]]
            cuts = np.sort(np.argsort(-steps, kind="stable")[: PIECES - 1]) + 1
            for part in np.split(mine, cuts):
                yield market, float(saved[part[0]]), float(self._demand[part].sum())
