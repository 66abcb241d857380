"""Cargo counted as people in the trade count it: parcels, containers, flights."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from typing import Any

import pyarrow as pa

from logistics.network.network import Network

WEEKS = 365 / 7
PARCELS = ("direct", "stocked")
IN_CONTAINERS = ("sea", "rail")


def parcels(facts: pa.Table, network: Network) -> float:
    """Orders a year of the cargo that reaches consumers: direct parcels and stocked orders."""
    order_kg = {
        (row["product_id"], row["segment"]): row["order_kg"] for row in network.rows("product_segments")
    }
    return math.fsum(
        1000 * row["tonnes"] / order_kg[(row["product_id"], row["segment"])]
        for row in _sums(facts, "product_id", "segment")
        if row["segment"] in PARCELS
    )


def twenty_foot_units(facts: pa.Table, network: Network) -> float:
    """TEU a year that the cargo by sea and rail fills, by weight or volume."""
    modes = {row["mode"]: row for row in network.rows("modes")}
    density = {row["product_id"]: row["density_kg_per_m3"] for row in network.rows("products")}
    units = 0.0
    for row in _sums(facts, "product_id", "mode"):
        mode = modes.get(row["mode"])
        if row["mode"] in IN_CONTAINERS and mode and mode["teu_payload_t"] and mode["teu_m3"]:
            units += row["tonnes"] / min(
                mode["teu_payload_t"], mode["teu_m3"] * density[row["product_id"]] / 1000
            )
    return units


def flights_a_week(loads: Iterable[Mapping[str, Any]], network: Network) -> float:
    """Flights a week that the cargo fills, each service counted on its fullest leg.

    Parameters
    ----------
    loads
        Rows of ``services.parquet`` of a year.
    """
    payload = {row["service_id"]: (row["payload_t"], row["payload_m3"]) for row in network.rows("services")}
    fullest: dict[str, float] = {}
    for row in loads:
        if row["mode"] == "air":
            most_t, most_m3 = payload[row["service_id"]]
            departures = max(row["tonnes"] / most_t, row["m3"] / most_m3)
            fullest[row["service_id"]] = max(fullest.get(row["service_id"], 0.0), departures)
    return sum(fullest[name] for name in sorted(fullest)) / WEEKS


def _sums(facts: pa.Table, *keys: str) -> list[dict[str, Any]]:
    sums = facts.group_by(list(keys), use_threads=False).aggregate([("tonnes", "sum")])
    return list(sums.rename_columns([*keys, "tonnes"]).to_pylist())
