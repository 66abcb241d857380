"""Freighter types: how much they lift how far, how long a flight takes, and what it costs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from logistics.network.network import Network


@dataclass(frozen=True)
class Aircraft:
    """A row of ``aircraft.csv``; money is CNY of the price year at the base year's fuel price.

    Parameters
    ----------
    payload_t, payload_m3
        What it lifts over `range_km`, and its usable volume.
    range_km, ferry_range_km
        Farthest great circle with the whole payload, and without any.
    hour_cny, fuel_t_per_h, fuel_cny_per_t, landing_cny, overflight_cny_per_km
        Cost of a block hour without fuel, fuel of a block hour and its price, cost of a landing and of a km.
    airports
        Airports of the home province that take it; empty: all.
    payload_range, cost_range
        (low, high) of the payload, and of a block hour with its fuel, as factors on the value in use.
    """

    id: str
    payload_t: float
    payload_m3: float
    range_km: float
    ferry_range_km: float
    cruise_kmh: float
    taxi_h: float
    hour_cny: float
    fuel_t_per_h: float
    fuel_cny_per_t: float
    landing_cny: float
    overflight_cny_per_km: float
    airports: frozenset[str]
    payload_range: tuple[float, float] = (1.0, 1.0)
    cost_range: tuple[float, float] = (1.0, 1.0)

    def payload_at(self, km: float) -> float:
        """Tonnes it lifts over `km`: all up to `range_km`, then linearly less down to none."""
        slope = (self.ferry_range_km - km) / max(1e-9, self.ferry_range_km - self.range_km)
        return self.payload_t * min(1.0, max(0.0, slope))

    def flight_h(self, km: float) -> float:
        """Block hours of a flight over `km` of great circle."""
        return self.taxi_h + km / self.cruise_kmh

    def flight_cny(self, km: float, fuel_level: float = 1.0) -> float:
        """Cost of a flight and its landing; `fuel_level` is the fuel price over the base year's."""
        other = self.flight_h(km) * self.hour_cny + self.landing_cny + km * self.overflight_cny_per_km
        return other + self.fuel_cny(km) * fuel_level

    def fuel_cny(self, km: float) -> float:
        """Fuel of a flight at the base year's price."""
        return self.flight_h(km) * self.fuel_t_per_h * self.fuel_cny_per_t


def aircraft_types(network: Network) -> dict[str, Aircraft]:
    """Types of a network's ``aircraft.csv`` by id, in table order."""
    return {str(row["aircraft_id"]): _type(row) for row in network.rows("aircraft")}


def _type(row: Mapping[str, Any]) -> Aircraft:
    names = Aircraft.__dataclass_fields__
    number = {name: float(row[name]) for name in names if isinstance(row.get(name), int | float)}
    fuel = number["fuel_t_per_h"] * number["fuel_cny_per_t"]
    return Aircraft(
        id=str(row["aircraft_id"]),
        airports=frozenset(str(row["airports"]).split("|")) - {""},
        payload_range=_factors(row, "payload_t", 0.0),
        cost_range=_factors(row, "hour_cny", fuel),
        **number,
    )


def _factors(row: Mapping[str, Any], column: str, besides: float) -> tuple[float, float]:
    """Ends of a column's range over its value, both with `besides` added; 1 where there is no range."""
    value = float(row[column])
    low, high = (row[f"{column}_{end}"] for end in ("low", "high"))
    if low is None or high is None or value + besides <= 0:
        return 1.0, 1.0
    return (float(low) + besides) / (value + besides), (float(high) + besides) / (value + besides)
