"""What proposals are held against: places, passages, aircraft, currencies and services of a case."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from logistics.errors import did_you_mean
from logistics.network.geography import great_circle_km
from logistics.network.network import Network
from logistics.proposals.aircraft import Aircraft, aircraft_types
from logistics.proposals.proposal import Row
from logistics.proposals.rates import RateLevels, lane_of
from logistics.scenario.case import Case
from logistics.virtual_network.tariffs import TariffUnits, exchange_rates


@dataclass(frozen=True)
class Surroundings:
    """A case as a proposal sees it.

    Parameters
    ----------
    network
        Of the case's first year.
    year, years
        That year, and all.
    sites, passages
        Rows by id, new ones of the proposals' source included.
    new_sites, new_passages
        Ids that the source adds.
    open_sites
        Sites that are in use in one of the years at least.
    services
        Ids of the network's services, in lower case.
    modes
        Rows of ``modes.csv`` by mode.
    cny_per_unit, lowest_cny_per_unit
        Exchange rate of that year, and the lowest of all years, by currency.
    """

    network: Network
    year: int
    years: tuple[int, ...]
    sites: Mapping[str, Row]
    passages: Mapping[str, Row]
    open_sites: frozenset[str]
    services: frozenset[str]
    aircraft: Mapping[str, Aircraft]
    modes: Mapping[str, Row]
    cny_per_unit: Mapping[str, float]
    lowest_cny_per_unit: Mapping[str, float]
    levels: RateLevels
    units: TariffUnits
    new_sites: frozenset[str] = frozenset()
    new_passages: frozenset[str] = frozenset()
    _hints: dict[tuple[str, str], str] = field(default_factory=dict)
    _km: dict[tuple[str, str], float] = field(default_factory=dict)
    _units: dict[tuple[str, str], float] = field(default_factory=dict)

    def km(self, start: str, end: str) -> float:
        """Great circle between two sites or passages."""
        if (start, end) not in self._km:
            a, b = (self.sites.get(name) or self.passages[name] for name in (start, end))
            self._km[start, end] = float(great_circle_km(a["lat"], a["lon"], b["lat"], b["lon"]))
        return self._km[start, end]

    def country_between(self, start: str, end: str, kind: str) -> str:
        """Country of the site of a kind that is nearest to the middle between two sites or passages."""
        a, b = (self.sites.get(name) or self.passages[name] for name in (start, end))
        lat, lon = (a["lat"] + b["lat"]) / 2, (a["lon"] + b["lon"]) / 2
        near = [row for row in self.sites.values() if row["kind"] == kind]
        lats, lons = (np.array([row[name] for row in near], dtype=float) for name in ("lat", "lon"))
        km = great_circle_km(lats, lons, lat, lon)
        return str(near[int(np.argmin(km))]["country"])

    def region(self, site: str) -> str:
        """Land region of a site."""
        return str(self.sites[site]["land_region"])

    def lowest_rate(self, mode: str, stops: Sequence[str], rate_year: int | None) -> float:
        """Lowest tariff of a year of the case over that of `rate_year`; 1 where each year has its own.

        Parameters
        ----------
        stops
            Of the way that pays it, in order of travel.
        """
        if rate_year is None:
            return 1.0
        lane = lane_of(stops, self.sites, self.network.info.home_territory)
        return min(self.levels.rise(mode, lane, rate_year, year) for year in self.years)

    def is_home(self, site: str) -> bool:
        """Whether a site lies in the home province."""
        return bool(self.sites[site]["province"] == self.network.info.home_province)

    def units_per_t(self, basis: str, mode: str, km: float) -> float:
        """Units of a tariff basis in a tonne of the product that has the fewest; `km` is the whole run's."""
        if (basis, mode) not in self._units:
            self._units[basis, mode] = float(np.min(self.units.per_t((basis, mode))))
        return self._units[basis, mode] * (km if basis == "tkm" else 1.0)

    def hint(self, word: str, choices: Mapping[str, Any]) -> str:
        """Return the closest of `choices`; a word is looked up once, as thousands of rows may repeat it."""
        key = (word, next(iter(choices), ""))
        if key not in self._hints:
            self._hints[key] = did_you_mean(word, list(choices))
        return self._hints[key]

    def with_new(self, sites: Iterable[Row], passages: Iterable[Row]) -> Surroundings:
        """Return the surroundings with new places of a source."""
        site = {str(row["site_id"]): row for row in sites}
        passage = {str(row["passage_id"]): row for row in passages}
        return replace(
            self,
            sites={**self.sites, **site},
            passages={**self.passages, **passage},
            open_sites=self.open_sites | {name for name, row in site.items() if row["status"] == "existing"},
            new_sites=frozenset(site),
            new_passages=frozenset(passage),
            _hints={},
            _km={},
        )


def surroundings_of(case: Case) -> Surroundings:
    """Look around in a case; places and aircraft are those of its first year."""
    year, network = min(case.networks.items())
    rates = [exchange_rates(other, at) for at, other in case.networks.items()]
    return Surroundings(
        network=network,
        year=year,
        years=tuple(case.networks),
        sites={str(row["site_id"]): row for row in network.rows("sites")},
        passages={str(row["passage_id"]): row for row in network.rows("passages")},
        open_sites=frozenset(
            name
            for other in case.networks.values()
            for name, status in zip(
                other.texts("sites", "site_id"), other.texts("sites", "status"), strict=True
            )
            if status == "existing"
        ),
        services=frozenset(name.lower() for name in network.texts("services", "service_id")),
        aircraft=aircraft_types(network),
        modes={str(row["mode"]): row for row in network.rows("modes")},
        cny_per_unit=exchange_rates(network, year),
        lowest_cny_per_unit={
            name: min(year_rates[name] for year_rates in rates)
            for name in set.intersection(*(set(year_rates) for year_rates in rates))
        },
        levels=RateLevels(network),
        units=TariffUnits(network, np.full(network.tables["products"].num_rows, np.nan)),
    )
