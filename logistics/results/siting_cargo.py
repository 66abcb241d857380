"""What the cargo of a siting's plan comes to, walked through the tables: all of it, and through each candidate."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from logistics.network.network import Network
from logistics.plan import Plan
from logistics.units import HOURS_PER_YEAR
from logistics.verification.books import YearBooks
from logistics.verification.walk import walked_path

DAYS = (1, 2, 3)
EDGE = 1e-4
"""A share of orders so much smaller or larger has a quantile of its own: plans are solved to a gap."""
EDGE_H = 1e-6

FIGURES = (
    *("tonnes", "orders", "landed_cny_per_kg", "landed_cny_per_order", "stock_cny", "co2_kg_per_t"),
    *("days_p50", "days_p90", *(f"value_share_{days}d" for days in DAYS)),
)
Interval = tuple[float, float]


class Carried(NamedTuple):
    """Tonnes a year on a path, with the places that they pass, and what each tonne of them comes to."""

    places: frozenset[tuple[str, str]]
    tonnes: float
    cny: float
    customer_h: float
    stock_h: float
    co2_kg: float
    fob_cny: float
    orders: float


def carried(network: Network, year: int, plan: Plan, *, stocked_only: bool) -> list[Carried]:
    """Cargo of a year's plan; what cannot be walked is left out, for the check of the plan tells it."""
    books, steps = YearBooks(network, year), _steps(plan)
    order_kg = {
        (str(row["product_id"]), str(row["segment"])): float(row["order_kg"])
        for row in network.rows("product_segments")
        if row["order_kg"] is not None
    }
    found, known = [], {}
    for row in plan.flows.to_pylist():
        demand = books.demand.get(row["demand_id"])
        if demand is None or not row["tonnes"] > 0 or (stocked_only and demand["segment"] != "stocked"):
            continue
        product, ends = (
            str(demand["product_id"]),
            (str(demand["origin_site"]), str(demand["destination_site"])),
        )
        key = row["path_id"], *ends, product, str(demand["segment"])
        if key not in known:
            figures = walked_path(books.rulebook(row["demand_id"]), *ends, steps.get(row["path_id"], ()))
            if isinstance(figures, int):
                continue
            number = books.product_row[product]
            per_t = books.per_t(figures, number, 0.0)
            known[key] = Carried(
                frozenset(figures.uses),
                0.0,
                per_t["money"],
                per_t["customer_h"],
                books.stock_h(figures, number),
                per_t["co2_kg"],
                books.fob_cny_per_t(row["demand_id"]),
                1e3 / order_kg.get((product, str(demand["segment"])), np.inf),
            )
        found.append(known[key]._replace(tonnes=row["tonnes"]))
    return found


def figures_of(cargo: Sequence[Carried]) -> dict[str, Interval | None]:
    """What tables say of some cargo, each between two ends; None: blank.

    The ends are apart where a small shift of cargo makes a jump: quantiles, and what is just in time.
    """
    if not cargo:
        return dict.fromkeys(FIGURES)
    columns = np.array([one[1:] for one in cargo], float).T
    tonnes, cny, hours, stock_h, co2, fob, orders = columns
    whole, count, worth = float(tonnes.sum()), float(tonnes @ orders), tonnes * fob
    money = float(tonnes @ cny)
    found: dict[str, Interval | None] = {
        "tonnes": (whole, whole),
        "orders": (count, count),
        "landed_cny_per_kg": (money / whole / 1e3,) * 2,
        "landed_cny_per_order": (money / count,) * 2 if count > 0 else None,
        "stock_cny": (float(tonnes @ (stock_h * fob)) / HOURS_PER_YEAR,) * 2,
        "co2_kg_per_t": (float(tonnes @ co2) / whole,) * 2,
    }
    weight = tonnes * orders if count > 0 else tonnes
    for name, share in (("days_p50", 0.5), ("days_p90", 0.9)):
        found[name] = _quantile(hours, weight, share - EDGE), _quantile(hours, weight, share + EDGE)
    for days in DAYS:
        shares = [float(worth[hours <= 24.0 * days + edge].sum() / worth.sum()) for edge in (-EDGE_H, EDGE_H)]
        found[f"value_share_{days}d"] = shares[0], shares[1]
    return found


def _quantile(hours: NDArray[np.float64], weight: NDArray[np.float64], share: float) -> float:
    """Days within which a share has arrived."""
    order = np.argsort(hours, kind="stable")
    reached = np.cumsum(weight[order])
    place = int(np.searchsorted(reached, share * reached[-1]))
    return float(hours[order][min(place, len(order) - 1)]) / 24.0


def _steps(plan: Plan) -> dict[str, tuple[Any, ...]]:
    """Steps of each path in the order of their numbers."""
    found: dict[str, list[Any]] = defaultdict(list)
    for row in sorted(_rows(plan), key=lambda row: (row[1], row[2])):
        found[row[1]].append(row[3:])
    return {path: tuple(keys) for path, keys in found.items()}


def _rows(plan: Plan) -> Iterator[tuple[Any, ...]]:
    return zip(*(column.to_pylist() for column in plan.steps.columns), strict=True)
