"""Which airport of the home province serves which region, and how much they serve the same destinations."""

from __future__ import annotations

from dataclasses import dataclass

import pyarrow as pa

from logistics.network.network import Network
from logistics.studies.typed_rows import table_of
from logistics.units import WEEKS_PER_YEAR

ROLES = pa.schema(
    [
        ("year", pa.int32()),
        ("airport", pa.string()),
        ("region", pa.string()),
        ("routes", pa.int32()),
        ("departures_per_week", pa.float64()),
        ("capacity_t", pa.float64()),
    ]
)
"""One row an airport of the home province and a land region that its flights end in; `routes` are
destinations, `departures_per_week` the mean over the year, `capacity_t` what other cargo leaves, t a year."""


@dataclass(frozen=True)
class Flight:
    """A flight in use from an airport of the home province to one abroad.

    Parameters
    ----------
    airport, destination
        Where it starts and where it ends; stops on the way do not count.
    territory, region
        Customs territory and land region of the destination.
    departures_per_week
        Departures in a week in which it runs.
    weeks_per_year
        Weeks in which it runs.
    capacity_t
        Room left by other cargo, t a year.
    """

    service_id: str
    service_class: str
    airport: str
    destination: str
    territory: str
    region: str
    departures_per_week: float
    weeks_per_year: float
    capacity_t: float

    @property
    def mean_departures_per_week(self) -> float:
        """Departures a week, mean over the whole year."""
        return self.departures_per_week * self.weeks_per_year / WEEKS_PER_YEAR


def flights_abroad(network: Network) -> list[Flight]:
    """Existing air services from an existing airport of the home province to abroad, in table order."""
    sites = {str(row["site_id"]): row for row in network.rows("sites")}
    stops: dict[str, list[tuple[float, str]]] = {}
    for row in network.rows("service_stops"):
        stops.setdefault(str(row["service_id"]), []).append((float(row["seq"]), str(row["site_id"])))
    found = []
    for row in network.rows("services"):
        if row["mode"] != "air" or row["status"] != "existing":
            continue
        service = str(row["service_id"])
        start, end = (sites[ends[1]] for ends in (min(stops[service]), max(stops[service])))
        at_home = start["kind"] == "airport" and start["province"] == network.info.home_province
        abroad = end["customs_territory"] != network.info.home_territory
        if not (at_home and abroad and start["status"] == end["status"] == "existing"):
            continue
        weeks = float(row["availability"]) * WEEKS_PER_YEAR
        flown_t = float(row["departures_per_week"]) * weeks * float(row["payload_t"])
        room_t = flown_t * float(row["load_factor_max"]) - float(row["background_t_per_year"])
        found.append(
            Flight(
                service_id=service,
                service_class=str(row["service_class"]),
                airport=str(start["site_id"]),
                destination=str(end["site_id"]),
                territory=str(end["customs_territory"]),
                region=str(end["land_region"]),
                departures_per_week=float(row["departures_per_week"]),
                weeks_per_year=weeks,
                capacity_t=max(room_t, 0.0),
            )
        )
    return found


def airport_role_table(network: Network, year: int) -> pa.Table:
    """Return who flies where: routes, departures and room of each airport by region, see :data:`ROLES`.

    Parameters
    ----------
    network
        Effective network of `year`, with what is to count open.
    """
    flights: dict[tuple[str, str], list[Flight]] = {}
    for flight in flights_abroad(network):
        flights.setdefault((flight.airport, flight.region), []).append(flight)
    rows = [
        (
            year,
            *key,
            len({flight.destination for flight in flights[key]}),
            sum(flight.mean_departures_per_week for flight in flights[key]),
            sum(flight.capacity_t for flight in flights[key]),
        )
        for key in sorted(flights)
    ]
    return table_of(rows, ROLES)


def overlap_index(network: Network) -> float:
    """How much the airports of the home province serve the same destinations, 0 … 1.

    With f(a, d) the departures a week from airport a to destination d, mean over the year and over all its
    flights in use, the index is

        Σ f(a, d) over pairs whose d another airport b ≠ a of the province serves too  /  Σ f(a, d)

    so it is the share of departures that go where another airport of the province flies too. 0: every
    destination has one airport, or there are no flights; 1: none has only one. One flight of a second airport
    counts all departures of the first to that destination as shared, however rare it is.
    """
    departures: dict[str, dict[str, float]] = {}
    for flight in flights_abroad(network):
        there = departures.setdefault(flight.destination, {})
        there[flight.airport] = there.get(flight.airport, 0.0) + flight.mean_departures_per_week
    whole = sum(sum(there.values()) for there in departures.values())
    shared = sum(sum(there.values()) for there in departures.values() if len(there) > 1)
    return shared / whole if whole else 0.0
