"""Recomputing a lower bound from duals: shortest paths over the rulebook's own graph, by scipy.

For any prices y ≥ 0 of the shared capacities,

    Σ_k d_k·min(dist_k(y) + o_k(y), σ + v_k(y)) - Σ_r R_r·y_r - σ·U

is at most the cost of every plan that leaves at most U tonnes unserved (σ infinite: none), where dist_k is
the cheapest way of k when using capacities and what limits count is paid for, and o_k and v_k are what limits
charge every tonne served and every tonne left (Lagrangian relaxation).
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from logistics.verification.books import YearBooks
from logistics.verification.graph import MoveGraph, Prices, distances, tree
from logistics.verification.in_time import cheapest_within
from logistics.verification.ledger import Floats
from logistics.verification.limits import LATE_H, JudgedLimit, PricedLimits
from logistics.verification.room import capacities
from logistics.verification.search import Item, Search
from logistics.verification.stocked import StockedWays


@dataclass(frozen=True)
class Certificate:
    """Duals as they stand in ``duals.parquet``.

    Parameters
    ----------
    prices
        CNY per unit of each shared capacity; of limits under ``("limit", id, unit)``.
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


def recomputed_bound(
    books: YearBooks,
    certificate: Certificate,
    weights: Mapping[str, float],
    limits: Sequence[JudgedLimit] = (),
) -> float:
    """Lower bound that the certificate proves.

    Parameters
    ----------
    books
        Rulebooks of the year.
    certificate
        The duals.
    weights
        What the objective adds up.
    limits
        Limits of the year.
    """
    prices = {key: max(0.0, price) for key, price in certificate.prices.items()}
    priced = PricedLimits(books, limits, {key[1]: p for key, p in prices.items() if key[0] == "limit"})
    room = capacities(books)
    total = -sum(price * room[key] for key, price in prices.items() if price > 0 and key[0] != "limit")
    total -= priced.total()
    if certificate.allowed_t > 0:
        total -= certificate.unserved * certificate.allowed_t
    by_book: dict[int, list[Item]] = {}
    for (name, tier), tonnes in books.shares().items():
        by_book.setdefault(id(books.rulebook(name)), []).append((name, tier, tonnes))
    for (direction, segment), rulebook in books.rulebooks.items():
        items = by_book.get(id(rulebook), [])
        graph = MoveGraph(books, rulebook, weights, priced)
        search = Search(books, rulebook, graph, prices, certificate.path_scale, weights, direction, priced)
        pricer = StockedWays if segment == "stocked" else _PlainWays
        cheapest = pricer(search)
        for (product, factors), group in _grouped(books, items, priced).items():
            costs = cheapest.costs(product, group, factors)
            total += sum(
                tonnes * min(cost + priced.offset(name), certificate.unserved + priced.left(name))
                for (name, _, tonnes), cost in zip(group, costs, strict=True)
            )
    return total


def unfit_price(books: YearBooks, certificate: Certificate, limits: Sequence[JudgedLimit] = ()) -> str:
    """Name the first figure of a certificate that cannot be part of a proof; empty when all can."""
    known = {("limit", each.limit.id, each.limit.row_unit) for each in limits} | set(capacities(books))
    for key, price in certificate.prices.items():
        if key not in known or not (math.isfinite(price) and price >= 0):
            return " ".join(key)
    for name in ("path_scale", "allowed_t"):
        if not math.isfinite(getattr(certificate, name)):
            return name
    endless = math.isinf(certificate.unserved) and certificate.allowed_t == 0
    return (
        "" if certificate.unserved >= 0 and (endless or math.isfinite(certificate.unserved)) else "unserved"
    )


def _grouped(
    books: YearBooks, items: list[Item], priced: PricedLimits
) -> dict[tuple[int, tuple[float, ...]], list[Item]]:
    """Demand that pays the same on every move but for its time value."""
    groups: dict[tuple[int, tuple[float, ...]], list[Item]] = {}
    for name, tier, tonnes in items:
        product = books.product_row[str(books.demand[name]["product_id"])]
        groups.setdefault((product, priced.factors(name)), []).append((name, tier, tonnes))
    return groups


class _PlainWays:
    """Cheapest ways of direct and b2b cargo."""

    def __init__(self, search: Search) -> None:
        self._search = search

    def costs(self, product: int, group: list[Item], factors: tuple[float, ...]) -> list[float]:
        """Cheapest cost of each demand row and tier of the group; inf: there is no way."""
        search = self._search
        books, graph, rulebook = search.books, search.graph, search.rulebook
        dues = search.dues(product, factors)
        by_value: dict[float, list[int]] = {}
        for place, (name, tier, _) in enumerate(group):
            by_value.setdefault(books.time_value_cny_per_t_h(name, tier), []).append(place)
        found = np.full(len(group), np.inf)
        for value, places in by_value.items():
            weights = search.scale * (graph.fixed[:, product] + value * graph.customer_h) + dues
            rows = [books.demand[group[place][0]] for place in places]
            origins = sorted({str(row["origin_site"]) for row in rows} & rulebook.origins)
            if not origins:
                continue
            starts = [graph.number[rulebook.start(o)] for o in origins]
            distance = distances(graph.matrix(weights), starts)
            row_of = {origin: i for i, origin in enumerate(origins)}
            hurried: dict[str, list[tuple[int, int]]] = {}
            for place, row in zip(places, rows, strict=True):
                origin, end = str(row["origin_site"]), rulebook.end(str(row["destination_site"]))
                if origin in row_of and end in graph.number:
                    found[place] = distance[row_of[origin], graph.number[end]]
                    if search.late(group[place][0], factors) > 0:
                        hurried.setdefault(origin, []).append((place, graph.number[end]))
            if hurried:
                self._hurry(weights, hurried, group, factors, found)
        return [float(cost) for cost in found]

    def _hurry(
        self,
        weights: Floats,
        hurried: Mapping[str, list[tuple[int, int]]],
        group: list[Item],
        factors: tuple[float, ...],
        found: Floats,
    ) -> None:
        """Where the cheapest way is late, weigh it against the cheapest in time.

        Parameters
        ----------
        hurried
            By origin: place in the group and vertex of its end.
        found
            Cost of each member's cheapest way; changed in place.
        """
        search = self._search
        graph = search.graph
        hours_of = graph.quickest_of_cheapest(weights)
        for origin, members in hurried.items():
            start = graph.number[search.rulebook.start(origin)]
            distance, before = tree(graph.matrix(weights), start)
            asked = []
            for place, end in members:
                latest_h = search.latest_h(group[place][0]) + LATE_H
                vertex, hours = end, 0.0
                while before[vertex] >= 0:
                    hours += hours_of[(int(before[vertex]), vertex)]
                    vertex = int(before[vertex])
                if hours > latest_h and math.isfinite(distance[end]):
                    asked.append((place, end, latest_h))
            if not asked:
                continue
            ends = np.array([end for _, end, _ in asked], dtype=np.int64)
            most_h = np.array([most for _, _, most in asked])
            to_go = distances(graph.matrix(graph.hours, reverse=True), np.unique(ends)).min(axis=0)
            in_time = cheapest_within(graph, weights, to_go, start, ends, most_h)
            for (place, _, _), cost in zip(asked, in_time, strict=True):
                found[place] = min(found[place] + search.late(group[place][0], factors), cost)
