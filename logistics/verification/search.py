"""What a search for cheapest ways needs: a rulebook's graph, prices, and who pays what."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

from logistics.verification.books import YearBooks
from logistics.verification.graph import MoveGraph, Prices
from logistics.verification.ledger import Floats
from logistics.verification.limits import PricedLimits
from logistics.verification.rulebook import Rulebook

Item = tuple[str, str, float]
"""Demand id, tier and tonnes."""


@dataclass(frozen=True)
class Search:
    """A rulebook at given prices.

    Parameters
    ----------
    prices
        CNY per unit of each shared capacity.
    scale
        Weight of the ways' own costs.
    weights
        What the objective adds up.
    direction
        export, import or transit.
    limits
        Limits with their prices.
    """

    books: YearBooks
    rulebook: Rulebook
    graph: MoveGraph
    prices: Prices
    scale: float
    weights: Mapping[str, float]
    direction: str
    limits: PricedLimits

    def dues(self, product: int, factors: tuple[float, ...]) -> Floats:
        """What a tonne of a product pays for capacities and limits on each move."""
        paid = self.graph.dues(self.prices, float(self.books.ledger.m3_per_t()[product]))
        return paid + self.graph.charges(factors, product, self.direction)

    def latest_h(self, demand_id: str) -> float:
        """Hours after which a way is late: those of a hard promise, or of limits that have a price."""
        hard = self.books.promise_is_hard(demand_id)
        return self.books.promise_h(demand_id) if hard else self.limits.latest_h(demand_id)

    def late(self, demand_id: str, factors: tuple[float, ...]) -> float:
        """What a tonne pays on a late way; inf: it may not be late, 0: it pays nothing."""
        return math.inf if self.books.promise_is_hard(demand_id) else self.limits.late(factors)
