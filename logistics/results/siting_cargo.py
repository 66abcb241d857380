"""What the cargo of a siting's plan comes to, walked through the tables."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from logistics.network.network import Network
from logistics.plan import Plan
from logistics.units import HOURS_PER_YEAR
from logistics.verification.books import YearBooks
from logistics.verification.walk import steps_by_path, walked_path

DAYS = (1, 2, 3)
DUST_T, EDGE_H = 1e-6, 1e-6
"""So few tonnes are none; what arrives so close to a day's end may be counted on either side."""

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


def cargo_of(network: Network, year: int, plan: Plan, *, stocked_only: bool) -> list[Carried]:
    """Cargo of a year's plan; what cannot be walked is left out, for the check of the plan tells it."""
    books, steps = YearBooks(network, year), steps_by_path(plan)
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


def unbound_markets(network: Network, plan: Plan) -> list[str]:
    """Markets that a plan serves from stock though the tables bind them to no site."""
    bound = {str(row["site_id"]): row.get("stocked_from") for row in network.rows("sites")}
    stocked = {
        str(row["demand_id"]): str(row["destination_site"])
        for row in network.rows("demand")
        if row["segment"] == "stocked"
    }
    served = {stocked.get(row["demand_id"]) for row in plan.flows.to_pylist() if row["tonnes"] > DUST_T}
    return sorted(market for market in served if market is not None and not bound.get(market))


def sold_either_way(network: Network) -> bool:
    """Whether there are rows of both channels for some cargo, as a study enters them that may choose."""
    ids, tiers = network.texts("demand", "demand_id"), network.texts("demand", "tier")
    named = set(ids)
    return any(
        tier and name.removesuffix(f".direct.{tier}") + f".stocked.{tier}" in named
        for name, tier in zip(ids, tiers, strict=True)
        if name.endswith(f".direct.{tier}")
    )


def figures_of(cargo: Sequence[Carried], shift: float) -> dict[str, Interval | None]:
    """What tables say of some cargo, each between two ends; None: blank.

    Parameters
    ----------
    shift
        Share of the cargo that may have gone another way: quantiles lie between those of so much less and
        more.
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
        found[name] = _quantile(hours, weight, share - shift), _quantile(hours, weight, share + shift)
    for days in DAYS:
        shares = [float(worth[hours <= 24.0 * days + edge].sum() / worth.sum()) for edge in (-EDGE_H, EDGE_H)]
        found[f"value_share_{days}d"] = shares[0], shares[1]
    return found


def nearest(said: Mapping[str, Any], own: Mapping[str, Interval | None]) -> dict[str, float | None]:
    """Of each figure what is nearest to what is said, between its two ends."""
    return {
        name: None if ends is None else min(max(said.get(name) or 0.0, ends[0]), ends[1])
        for name, ends in own.items()
    }


def of_itself(row: Mapping[str, Any], part: str, room: float) -> dict[str, float]:
    """What a row's tonnes, orders and landed cost make of its other figures."""
    tonnes, orders, per_kg = (row.get(f"{part}{name}") for name in ("tonnes", "orders", "landed_cny_per_kg"))
    own = {}
    if tonnes is not None and room > 0:
        own[f"{part}utilisation"] = tonnes / room
    if tonnes is not None and per_kg is not None and orders:
        own[f"{part}landed_cny_per_order"] = 1e3 * tonnes * per_kg / orders
    return own


def _quantile(hours: NDArray[np.float64], weight: NDArray[np.float64], share: float) -> float:
    """Days within which a share has arrived."""
    order = np.argsort(hours, kind="stable")
    reached = np.cumsum(weight[order])
    place = int(np.searchsorted(reached, share * reached[-1]))
    return float(hours[order][min(place, len(order) - 1)]) / 24.0
