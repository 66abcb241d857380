"""Capacities from the tables, written a second time: what is left for the demand of a year."""

from __future__ import annotations

from collections import defaultdict

from logistics.verification.books import YearBooks
from logistics.verification.ledger import number


def capacities(books: YearBooks) -> dict[tuple[str, str, str], float]:
    """Capacity left for demand, by (kind, id, unit): services per leg, sites, passages, warehouses."""
    found: dict[tuple[str, str, str], float] = {}
    network = books.network
    stops: dict[str, int] = defaultdict(int)
    for service in network.texts("service_stops", "service_id"):
        stops[service] += 1
    for row in network.rows("services"):
        name, background = str(row["service_id"]), number(row, "background_t_per_year")
        departures = number(row, "departures_per_week") * number(row, "availability") * 365.0 / 7.0
        for unit, payload in (("t", number(row, "payload_t")), ("m3", number(row, "payload_m3"))):
            other = background * payload / number(row, "payload_t")
            offered = departures * payload * number(row, "load_factor_max")
            for seq in range(2, stops[name] + 1):
                found[("service", f"{name}#{seq}", unit)] = max(0.0, offered - other)
    for table, kind, key, column in (
        ("sites", "site", "site_id", "throughput_t_per_year"),
        ("passages", "passage", "passage_id", "capacity_t_per_year"),
    ):
        for row in network.rows(table):
            if row[column] is not None:
                left = number(row, column) - number(row, "background_t_per_year")
                found[(kind, str(row[key]), "t")] = max(0.0, left)
    for row in network.rows("warehouse_options"):
        found[("warehouse", str(row["option_id"]), "t")] = number(row, "capacity_t_per_year")
    return found
