"""A network's own services as examples for proposed ones: tariffs, background, legs."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np

from logistics.network.network import Leg
from logistics.proposals.proposal import Row
from logistics.proposals.surroundings import Surroundings
from logistics.units import WEEKS_PER_YEAR
from logistics.virtual_network.tariffs import effective_tariff


@dataclass(frozen=True)
class Example:
    """A service of the network between the home territory and one abroad, whatever its status.

    Parameters
    ----------
    row
        Its row of ``services.csv``, with the values of the year.
    stops
        Sites in order of travel.
    legs
        Ways of each leg, the first one first.
    tariff
        What a unit of the basis pays on average, contract and spot together, in the row's currency.
    """

    row: Row
    stops: tuple[str, ...]
    legs: tuple[tuple[Leg, ...], ...]
    tariff: float

    @property
    def km(self) -> float:
        """Kilometres of the whole run, by the first ways."""
        return sum(ways[0].distance_km for ways in self.legs)

    def share_between(self, home: str, abroad: str) -> float:
        """Share of the whole distance between two of its stops, in either order; 0 where it does not call."""
        if home not in self.stops or abroad not in self.stops:
            return 0.0
        first, last = sorted((self.stops.index(home), self.stops.index(abroad)))
        return sum(ways[0].distance_share for ways in self.legs[first:last])

    @property
    def run_h(self) -> float:
        """Hours of the whole run, by the first ways."""
        return sum(ways[0].run_h for ways in self.legs)

    @property
    def background_share(self) -> float:
        """Share of its room that other cargo takes."""
        names = ("departures_per_week", "availability", "payload_t", "load_factor_max")
        room = WEEKS_PER_YEAR * float(np.prod([float(self.row[name]) for name in names]))
        return float(self.row["background_t_per_year"]) / room


def examples(around: Surroundings, mode: str, *, out: bool) -> list[Example]:
    """Services of a mode that leave the home territory (`out`) or enter it, in table order.

    They share the basis and currency that most of them have, so that tariffs can be compared.
    """
    legs: dict[str, dict[int, list[Leg]]] = {}
    for leg in around.network.legs():
        legs.setdefault(leg.service_id, {}).setdefault(leg.to_seq, []).append(leg)
    home = around.network.info.home_territory
    found = []
    for row in around.network.rows("services"):
        ways = legs.get(str(row["service_id"]))
        if row["mode"] != mode or not ways:
            continue
        ordered = tuple(tuple(ways[seq]) for seq in sorted(ways))
        stops = (ordered[0][0].from_site, *(leg[0].to_site for leg in ordered))
        start, end = (around.sites[stop]["customs_territory"] == home for stop in (stops[0], stops[-1]))
        if start == out and end != out:
            found.append(Example(row, stops, ordered, effective_tariff(row, 1.0)))
    kinds = [(str(e.row["tariff_basis"]), str(e.row["tariff_currency"])) for e in found]
    usual = max(sorted(set(kinds)), key=kinds.count, default=None)
    return [example for example, kind in zip(found, kinds, strict=True) if kind == usual]


def median_of(chosen: Iterable[Example], figure: Callable[[Example], float]) -> float:
    """Median of a figure over some examples; NaN without any."""
    values = [figure(example) for example in chosen]
    return float(np.median(values)) if values else float("nan")


def column_of(chosen: Sequence[Example], column: str) -> float | None:
    """Median of a column of ``services.csv`` over the examples that fill it; None where none does."""
    values = [float(example.row[column]) for example in chosen if example.row[column] is not None]
    return float(np.median(values)) if values else None


def background_range(chosen: Sequence[Example]) -> tuple[float, float]:
    """Ends of the examples' background ranges as factors on it; 1 where they have none."""
    value, low, high = (column_of(chosen, f"background_t_per_year{end}") for end in ("", "_low", "_high"))
    return (1.0, 1.0) if not value or low is None or high is None else (low / value, high / value)


def joined_pairs(around: Surroundings, mode: str, classes: Iterable[str]) -> set[tuple[str, str]]:
    """Pairs of sites that an existing service of a mode and one of `classes` joins, in order of travel."""
    stops: dict[str, list[str]] = {}
    for row in sorted(around.network.rows("service_stops"), key=lambda row: float(row["seq"])):
        stops.setdefault(str(row["service_id"]), []).append(str(row["site_id"]))
    used = {
        str(row["service_id"])
        for row in around.network.rows("services")
        if row["status"] == "existing" and row["mode"] == mode and row["service_class"] in classes
    }
    return {pair for service in used for pair in combinations(stops.get(service, ()), 2)}


@dataclass(frozen=True)
class Tariff:
    """A tariff taken from examples.

    Parameters
    ----------
    value
        Per unit of the examples' basis, in their currency.
    basis_of
        ``destination``, ``region`` or ``distance``: what the examples have in common with the route.
    used
        The examples.
    """

    value: float
    basis_of: str
    used: tuple[Example, ...]


class Tariffs:
    """What examples charge to, or from, a place abroad.

    The median of the services that call there, each by its share of the distance; else of those that end (or
    start) in its land region; else by the straight line through all of them over the distance. A home site
    whose own services are dearer or cheaper than the median of their destination is so on its new routes too.

    Parameters
    ----------
    chosen
        Services out, or services in.
    out
        Which of the two they are.
    """

    def __init__(self, chosen: Sequence[Example], around: Surroundings, *, out: bool) -> None:
        self._around = around
        self._chosen = chosen
        self._abroad, self._home = (-1, 0) if out else (0, -1)
        km, paid = [e.km for e in chosen], [e.tariff for e in chosen]
        flat = np.array([0.0, np.mean(paid or [np.nan])])
        self._line = np.polyfit(km, paid, 1) if len(set(km)) > 1 else flat

    def to(self, home: str, abroad: str, km: float) -> Tariff:
        """Tariff of a route between a home site and a site abroad, `km` long."""
        level = self._level(abroad, km)
        return Tariff(level.value * self._factor(home), level.basis_of, level.used)

    def _level(self, abroad: str, km: float) -> Tariff:
        there = [e for e in self._chosen if e.share_between(e.stops[self._home], abroad) > 0]
        if there:
            paid = median_of(there, lambda e: e.tariff * e.share_between(e.stops[self._home], abroad))
            return Tariff(paid, "destination", tuple(there))
        region = self._around.region(abroad)
        near = [e for e in self._chosen if self._around.region(e.stops[self._abroad]) == region]
        if near:
            return Tariff(median_of(near, lambda e: e.tariff), "region", tuple(near))
        lowest = min((e.tariff for e in self._chosen), default=float("nan"))
        return Tariff(max(lowest, float(np.polyval(self._line, km))), "distance", tuple(self._chosen))

    def _factor(self, home: str) -> float:
        """Tariffs of a home site over those of all to the same places."""
        own = [e for e in self._chosen if e.stops[self._home] == home]
        ratios = [e.tariff / self._level(e.stops[self._abroad], e.km).value for e in own if e.tariff > 0]
        return float(np.median(ratios)) if ratios else 1.0
