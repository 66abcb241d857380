"""Limits as the check sees them: what each counts of a path or a move, and what a price on it comes to.

A limit is a row  Σ (factor · measure + offset) · x + left · u ≤ bound  over tonnes x on paths and u unserved.
Floors are written as limits on what does not use the thing.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from logistics.limits import PlanLimit, demand_in_scope
from logistics.verification.books import PathFigures, YearBooks, of_product
from logistics.verification.ledger import Floats
from logistics.verification.rulebook import Move, State

LATE_H = 1e-6
"""Hours by which rounding alone may miss a promise."""


@dataclass(frozen=True)
class Share:
    """Part of a demand row in a limit: weight of the measure, of every tonne served, of every tonne left."""

    factor: float = 0.0
    offset: float = 0.0
    left: float = 0.0


@dataclass(frozen=True)
class JudgedLimit:
    """One limit of a year.

    Parameters
    ----------
    limit
        As stated.
    shares
        By demand id; rows that are out of scope are left out.
    bound
        Right-hand side of the row.
    scale
        What a relaxation by 100 % adds to `bound`.
    total
        All that could count: weighted demand of a share, tonnes in the scope of a floor.
    """

    limit: PlanLimit
    shares: Mapping[str, Share]
    bound: float
    scale: float
    total: float = 0.0

    def share(self, demand_id: str) -> Share:
        """Part of a demand row."""
        return self.shares.get(demand_id, Share())

    def reached(self, counted: float, served_t: float) -> float:
        """What a plan comes to, in the unit in which the limit is stated.

        Parameters
        ----------
        counted
            Left-hand side of the row.
        served_t
            Tonnes served in the limit's scope.
        """
        kind = self.limit.kind
        if kind == "mean_customer_days":
            return self.limit.value + counted / served_t / 24.0 if served_t else 0.0
        if kind == "co2":
            return counted / 1000.0
        if kind in ("promise_share", "local_gateway_share"):
            return 1.0 - counted / self.total if self.total else 1.0
        return self.total - counted if self.limit.least else counted


def judged_limits(books: YearBooks, limits: Sequence[PlanLimit]) -> tuple[JudgedLimit, ...]:
    """Limits of the year with their bounds worked out from the tables."""
    tonnes: dict[str, float] = {}
    for (name, _), amount in books.shares().items():
        tonnes[name] = tonnes.get(name, 0.0) + amount
    place = {name: row for row, name in enumerate(books.network.texts("demand", "demand_id"))}
    return tuple(_judged(books, limit, tonnes, place) for limit in limits)


def _judged(
    books: YearBooks, limit: PlanLimit, tonnes: Mapping[str, float], place: Mapping[str, int]
) -> JudgedLimit:
    inside = demand_in_scope(books.network, limit)
    names = [name for name in tonnes if inside[place[name]]]
    whole = sum(tonnes.values())
    value = limit.value
    if limit.kind == "mean_customer_days":
        total = sum(tonnes[name] for name in names)
        hours = 24.0 * value
        scale = limit.relaxation_scale(hours * total, whole)
        return JudgedLimit(limit, dict.fromkeys(names, Share(1.0, -hours)), 0.0, scale)
    if limit.kind in ("money", "co2"):
        bound = value * (1000.0 if limit.kind == "co2" else 1.0)
        scale = limit.relaxation_scale(bound, whole)
        return JudgedLimit(limit, dict.fromkeys(names, Share(1.0)), bound, scale)
    if limit.kind == "load" and not limit.least:
        scale = limit.relaxation_scale(value, whole)
        return JudgedLimit(limit, dict.fromkeys(names, Share(1.0)), value, scale)
    if limit.kind == "load":
        total = sum(tonnes[name] for name in names)
        bound = total - value
        scale = limit.relaxation_scale(value, whole)
        return JudgedLimit(limit, dict.fromkeys(names, Share(1.0, 0.0, 1.0)), bound, scale, total)
    if limit.kind == "promise_share":
        weight = {
            name: books.orders_per_t(name) if limit.measured == "orders" else 1.0
            for name in names
            if math.isfinite(latest_h(books, limit, name))
        }
    else:
        weight = {
            name: books.fob_cny_per_t(name) if limit.measured == "value" else 1.0
            for name in names
            if books.direction[name] != "transit"
        }
    total = sum(weight[name] * tonnes[name] for name in weight)
    shares = {name: Share(amount, 0.0, amount) for name, amount in weight.items()}
    scale = limit.relaxation_scale(value * total, whole)
    return JudgedLimit(limit, shares, (1.0 - value) * total, scale, total)


def latest_h(books: YearBooks, limit: PlanLimit, demand_id: str) -> float:
    """Customer hours after which a share in time calls a demand row late: its days, or those promised."""
    return books.promise_h(demand_id) if limit.days is None else 24.0 * limit.days


def measured(
    books: YearBooks, limit: PlanLimit, figures: PathFigures, demand_id: str, per_t: Mapping[str, float]
) -> float:
    """What `limit` counts of a tonne of a demand row on a path.

    Parameters
    ----------
    figures
        Sums along the path.
    per_t
        Its figures per tonne, see :meth:`YearBooks.per_t`.
    """
    if limit.kind == "mean_customer_days":
        return per_t["customer_h"]
    if limit.kind == "money":
        return per_t["money"]
    if limit.kind == "co2":
        return per_t["co2_kg"]
    if limit.kind == "promise_share":
        return float(per_t["customer_h"] > latest_h(books, limit, demand_id) + LATE_H)
    if limit.kind == "local_gateway_share":
        export = books.direction[demand_id] == "export"
        gateway = figures.exit_gateway if export else figures.entry_gateway
        if export and limit.reading == "declared":
            gateway = figures.declared_at
        return float(books.ledger.sites[gateway]["province"] != books.network.info.home_province)
    if limit.thing == "service":
        times = figures.boarded.count(limit.thing_id)
    elif limit.thing == "mode":
        times = sum(books.mode_of(service) == limit.thing_id for service in figures.boarded)
    else:
        times = figures.uses.get((limit.thing, limit.thing_id), 0)
    if limit.least:
        return float(times == 0)
    return float(min(times, 1)) if limit.flagged else float(times)


class PricedLimits:
    """What limits at given prices charge on the moves of a graph.

    Parameters
    ----------
    books
        The year's books.
    limits
        All limits of the year.
    prices
        Price of each by id; those without a price charge nothing.
    """

    def __init__(self, books: YearBooks, limits: Sequence[JudgedLimit], prices: Mapping[str, float]) -> None:
        self._books = books
        self._priced = [
            (each, prices[each.limit.id]) for each in limits if prices.get(each.limit.id, 0.0) > 0
        ]
        self._flagged = [each for each, _ in self._priced if each.limit.flagged]

    def factors(self, demand_id: str) -> tuple[float, ...]:
        """Price times weight of a demand row in each priced limit."""
        return tuple(price * each.share(demand_id).factor for each, price in self._priced)

    def offset(self, demand_id: str) -> float:
        """What every tonne served pays."""
        return sum(price * each.share(demand_id).offset for each, price in self._priced)

    def left(self, demand_id: str) -> float:
        """What every tonne left unserved pays."""
        return sum(price * each.share(demand_id).left for each, price in self._priced)

    def total(self) -> float:
        """Σ price × bound."""
        return sum(price * each.bound for each, price in self._priced)

    def latest_h(self, demand_id: str) -> float:
        """Hours after which a way of a demand row is late by every priced limit that counts it; inf: none.

        Where limits differ, a way between pays nothing here, which keeps a bound a bound.
        """
        hours = [
            latest_h(self._books, each.limit, demand_id)
            for each, _ in self._priced
            if each.limit.kind == "promise_share" and demand_id in each.shares
        ]
        return max(hours, default=math.inf)

    def late(self, factors: Sequence[float]) -> float:
        """What a late tonne pays."""
        rows = zip(self._priced, factors, strict=True)
        return sum(paid for (each, _), paid in rows if each.limit.kind == "promise_share")

    def on_money(self, factors: Sequence[float]) -> float:
        """What is added to a CNY of money."""
        rows = zip(self._priced, factors, strict=True)
        return sum(paid for (each, _), paid in rows if each.limit.kind == "money")

    def flags(self, move: Move) -> int:
        """Flags that cargo gets by a move, of limits that count a tonne once."""
        return sum(1 << bit for bit, each in enumerate(self._flagged) if self._uses(move, each.limit))

    def charges(
        self,
        factors: Sequence[float],
        moves: Sequence[tuple[State, int, Move]],
        product: int,
        direction: str,
        counts: dict[tuple[str, int], Floats],
    ) -> Floats:
        """What a tonne of a product pays on each move, shape (moves,).

        Parameters
        ----------
        moves
            (state before, flags before, move).
        counts
            What was counted on these moves before; kept by whoever owns them.
        """
        paid = np.zeros(len(moves))
        for (each, _), amount in zip(self._priced, factors, strict=True):
            if amount == 0.0 or each.limit.kind == "promise_share":
                continue
            key = (each.limit.id, product if each.limit.kind in ("money", "co2") else -1)
            if key not in counts:
                counted = self._counted(each, moves, product, direction)
                counts[key] = np.fromiter(counted, float, len(moves))
            paid += amount * counts[key]
        return paid

    def _counted(
        self, each: JudgedLimit, moves: Sequence[tuple[State, int, Move]], product: int, direction: str
    ) -> Iterator[float]:
        limit = each.limit
        bit = self._flagged.index(each) if limit.flagged else 0
        for before, flags, move in moves:
            if limit.kind == "mean_customer_days":
                yield move.customer_h
            elif limit.kind == "money":
                yield float(sum(amount[product] for _, amount in move.money))
            elif limit.kind == "co2":
                yield of_product(move.co2_kg, product)
            elif limit.kind == "local_gateway_share":
                yield float(self._leaves_elsewhere(limit, before, move, direction))
            elif limit.flagged:
                yield float(move.key[0] == "deliver" and bool(flags >> bit & 1) != limit.least)
            else:
                yield float(self._uses(move, limit))

    def _uses(self, move: Move, limit: PlanLimit) -> bool:
        if limit.thing in ("site", "passage"):
            return (limit.thing, limit.thing_id) in move.uses
        if move.key[0] != "board":
            return False
        service = move.key[3]
        return limit.thing_id == (service if limit.thing == "service" else self._books.mode_of(service))

    def _leaves_elsewhere(self, limit: PlanLimit, before: State, move: Move, direction: str) -> bool:
        action, site = move.key[0], move.key[1]
        if direction == "import":
            decides = action == "clear_import"
        elif limit.reading == "declared":
            decides = action in ("clear_export", "clear_post")
        else:
            decides = leaves_home(before, move)
        return (
            decides and self._books.ledger.sites[site]["province"] != self._books.network.info.home_province
        )


def leaves_home(before: State, move: Move) -> bool:
    """Whether cargo boards the service that takes it across its own border."""
    cleared = before[2] in ("packed_cleared", "mail_cleared")
    return move.key[0] == "board" and cleared and move.after[3].endswith("abroad")
