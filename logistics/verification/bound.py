"""Recomputing a lower bound from duals: shortest paths over the rulebook's own graph, by scipy.

For any prices y ≥ 0 of the shared capacities,

    Σ_k d_k·min(dist_k(y), σ) - Σ_r C_r·y_r - σ·U

is at most the cost of every plan that leaves at most U tonnes unserved (σ infinite: none), where dist_k is
the cheapest way of k when using capacities is paid for (Lagrangian relaxation).
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from logistics.verification.books import YearBooks
from logistics.verification.graph import MoveGraph, Prices, distances
from logistics.verification.room import capacities
from logistics.verification.rulebook import Rulebook
from logistics.verification.stocked import StockedWays


@dataclass(frozen=True)
class Certificate:
    """Duals as they stand in ``duals.parquet``.

    Parameters
    ----------
    prices
        CNY per unit of each shared capacity.
    unserved
        σ above.
    path_scale
        1; 0 where only unserved tonnes are bounded.
    allowed_t
        U above.
    """

    prices: Prices
    unserved: float
    path_scale: float
    allowed_t: float


def recomputed_bound(books: YearBooks, certificate: Certificate, objective: str) -> float:
    """Lower bound that the certificate proves.

    Parameters
    ----------
    books
        Rulebooks of the year.
    certificate
        The duals.
    objective
        The scenario's objective.
    """
    prices = {key: max(0.0, price) for key, price in certificate.prices.items()}
    room = capacities(books)
    total = -sum(price * room[key] for key, price in prices.items() if price > 0)
    if certificate.allowed_t > 0:
        total -= certificate.unserved * certificate.allowed_t
    by_book: dict[int, list[tuple[str, str, float]]] = {}
    for (name, tier), tonnes in books.shares().items():
        by_book.setdefault(id(books.rulebook(name)), []).append((name, tier, tonnes))
    for rulebook in books.rulebooks.values():
        items = by_book.get(id(rulebook), [])
        graph = MoveGraph(books, rulebook, objective)
        pricer = StockedWays if rulebook.segment == "stocked" else _PlainWays
        cheapest = pricer(books, rulebook, graph, prices, certificate.path_scale, objective)
        for product, group in _grouped(books, items).items():
            total += float(
                np.sum([d * min(cost, certificate.unserved) for d, cost in cheapest.costs(product, group)])
            )
    return total


def unfit_price(books: YearBooks, certificate: Certificate) -> str:
    """Name the first figure of a certificate that cannot be part of a proof; empty when all can."""
    room = capacities(books)
    for key, price in certificate.prices.items():
        if key not in room or not (math.isfinite(price) and price >= 0):
            return " ".join(key)
    for name in ("path_scale", "allowed_t"):
        if not math.isfinite(getattr(certificate, name)):
            return name
    endless = math.isinf(certificate.unserved) and certificate.allowed_t == 0
    return (
        "" if certificate.unserved >= 0 and (endless or math.isfinite(certificate.unserved)) else "unserved"
    )


def _grouped(
    books: YearBooks, items: list[tuple[str, str, float]]
) -> dict[int, list[tuple[str, str, float]]]:
    groups: dict[int, list[tuple[str, str, float]]] = {}
    for name, tier, tonnes in items:
        groups.setdefault(books.product_row[str(books.demand[name]["product_id"])], []).append(
            (name, tier, tonnes)
        )
    return groups


class _PlainWays:
    """Cheapest ways of direct and b2b cargo."""

    def __init__(
        self,
        books: YearBooks,
        rulebook: Rulebook,
        graph: MoveGraph,
        prices: Prices,
        scale: float,
        objective: str,
    ) -> None:
        self._books, self._rulebook, self._graph, self._prices, self._scale = (
            books,
            rulebook,
            graph,
            prices,
            scale,
        )

    def costs(self, product: int, group: list[tuple[str, str, float]]) -> list[tuple[float, float]]:
        """(tonnes, cheapest cost) of each demand row and tier of the group."""
        books, graph = self._books, self._graph
        dues = graph.dues(self._prices, float(books.ledger.m3_per_t()[product]))
        by_value: dict[float, list[tuple[str, float]]] = {}
        for name, tier, tonnes in group:
            by_value.setdefault(books.time_value_cny_per_t_h(name, tier), []).append((name, tonnes))
        found = []
        for value, rows in by_value.items():
            weights = self._scale * (graph.fixed[:, product] + value * graph.customer_h) + dues
            origins = sorted(
                {str(books.demand[name]["origin_site"]) for name, _ in rows} & self._rulebook.origins
            )
            starts = [graph.number[self._rulebook.start(o)] for o in origins]
            distance = distances(graph.matrix(weights), starts) if starts else np.zeros((0, 0))
            row_of = {origin: i for i, origin in enumerate(origins)}
            for name, tonnes in rows:
                origin, market = (str(books.demand[name][c]) for c in ("origin_site", "destination_site"))
                end = graph.number.get(self._rulebook.end(market))
                reached = origin in row_of and end is not None
                found.append((tonnes, float(distance[row_of[origin], end]) if reached else np.inf))
        return found
