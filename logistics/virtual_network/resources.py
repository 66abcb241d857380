"""Shared capacities of a network: service legs, sites, passages, warehouses, less background."""

from __future__ import annotations

from collections.abc import Mapping

from logistics.network.network import Network
from logistics.units import WEEKS_PER_YEAR
from logistics.virtual_network.instance import Resource

Rows = Mapping[tuple[str, str, str], int]


def shared_resources(network: Network) -> tuple[tuple[Resource, ...], Rows]:
    """Return the resources and the row of each (kind, id, unit).

    A service leg has two rows, tonnes and cubic metres: departures × 365/7 weeks × availability × payload ×
    load factor, less background; the cubic metres of background are its tonnes at the payload's own ratio.
    """
    resources: list[Resource] = []
    stops: dict[str, int] = {}
    for service in network.texts("service_stops", "service_id"):
        stops[service] = stops.get(service, 0) + 1
    for row in network.rows("services"):
        if row["status"] != "existing":
            continue
        number = {name: float(value) for name, value in row.items() if isinstance(value, float | int)}
        runs = (
            number["departures_per_week"]
            * WEEKS_PER_YEAR
            * number["availability"]
            * number["load_factor_max"]
        )
        background_m3 = number["background_t_per_year"] * number["payload_m3"] / number["payload_t"]
        for seq in range(2, stops.get(str(row["service_id"]), 0) + 1):
            leg = f"{row['service_id']}#{seq}"
            tonnes = max(0.0, runs * number["payload_t"] - number["background_t_per_year"])
            resources.append(Resource("service", leg, "t", tonnes))
            resources.append(
                Resource("service", leg, "m3", max(0.0, runs * number["payload_m3"] - background_m3))
            )
    for table, kind, key, column in (
        ("passages", "passage", "passage_id", "capacity_t_per_year"),
        ("sites", "site", "site_id", "throughput_t_per_year"),
    ):
        for row in network.rows(table):
            if row[column] is not None:
                left = float(row[column]) - float(row["background_t_per_year"])
                resources.append(Resource(kind, str(row[key]), "t", max(0.0, left)))
    for row in network.rows("warehouse_options"):
        if row["status"] == "existing":
            resources.append(
                Resource("warehouse", str(row["option_id"]), "t", float(row["capacity_t_per_year"]))
            )
    return tuple(resources), {(r.kind, r.id, r.unit): i for i, r in enumerate(resources)}
