"""How far tariffs, subsidies, fuel and charter of a year lie above or below the base year."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

from logistics.network.network import Network
from logistics.proposals.proposal import Proposal, ProposedService
from logistics.virtual_network.tariffs import exchange_rates

What = Literal["tariff", "subsidy", "fuel", "charter"]
TO_HOME = "home"
"""Region of the level of what goes to the home territory."""


@dataclass(frozen=True)
class RateLevel:
    """Yearly average over that of the base year, in its own currency, with the ends of its range."""

    factor: float = 1.0
    low: float = 1.0
    high: float = 1.0


class RateLevels:
    """``rate_levels.csv`` of a network, for looking up.

    Parameters
    ----------
    network
        Of any year: the table is the same in all.
    """

    def __init__(self, network: Network) -> None:
        self._levels: dict[tuple[str, str, str, int], RateLevel] = {}
        for row in network.rows("rate_levels"):
            factor = float(row["factor"])
            low, high = (
                factor if row[name] is None else float(row[name]) for name in ("factor_low", "factor_high")
            )
            key = (str(row["what"]), str(row["mode"]), str(row["region"]), int(row["year"]))
            self._levels[key] = RateLevel(factor, low, high)

    def level(self, what: What, mode: str, region: str, year: int) -> RateLevel:
        """Level in `year` of what is paid to or from `region`: its own row, else that of all others, else 1.

        Parameters
        ----------
        region
            Land region of the end abroad.
        """
        for place in (region, "*"):
            found = self._levels.get((what, mode, place, year))
            if found is not None:
                return found
        return RateLevel()

    def rise(self, mode: str, lane: Sequence[str], before: int, after: int) -> float:
        """Tariffs on a lane in the year `after` over those in the year `before`.

        Parameters
        ----------
        lane
            Regions whose rows hold for it, the first that there are, see :func:`lane_of`; empty: no tariff
            moves.
        """
        if not lane:
            return 1.0
        known = [
            place
            for place in lane
            if {("tariff", mode, place, y) for y in (before, after)} & self._levels.keys()
        ]
        place = known[0] if known else "*"
        then, now = (self.level("tariff", mode, place, year).factor for year in (before, after))
        return now / then


def lane_of(stops: Sequence[str], sites: Mapping[str, Mapping[str, Any]], home: str) -> tuple[str, ...]:
    """Where a service's rates stand in ``rate_levels.csv``: by where it goes, not by its stops on the way.

    Inside one customs territory they do not move with the years.

    Parameters
    ----------
    stops
        Sites in order of travel.
    sites
        Rows of ``sites.csv`` by id.
    home
        The home territory.
    """
    start, end = sites[stops[0]], sites[stops[-1]]
    if start["customs_territory"] == end["customs_territory"]:
        return ()
    if end["customs_territory"] == home:
        return (TO_HOME, str(start["land_region"]))
    return (str(end["land_region"]),)


class YearRates:
    """Brings proposals to the rates of a year.

    Parameters
    ----------
    network
        Network of that year, without the proposals.
    year
        The year.
    """

    def __init__(self, network: Network, year: int) -> None:
        self._levels, self._network, self._year = RateLevels(network), network, year
        self._sites = {str(row["site_id"]): row for row in network.rows("sites")}

    def of_all(self, proposals: Iterable[Proposal]) -> list[Proposal]:
        """All of them at the rates of the year."""
        return [self.of(proposal) for proposal in proposals]

    def of(self, proposal: Proposal) -> Proposal:
        """The proposal with tariffs, what other cargo pays, fuel and charter of the year.

        What has no year of its own stays as it is, and so do subsidies and other costs.
        """
        mode, year = proposal.mode, self._year
        rated = proposal.rate_year if proposal.rate_year is not None else year
        priced = proposal.cost_year if proposal.cost_year is not None else year
        if rated == year and priced == year:
            return proposal
        cost = proposal.cost_cny_per_departure + sum(
            cny * self._more(what, mode, priced) for what, cny in proposal.moving_cny.items()
        )
        ranges = dict(proposal.ranges)
        if "cost_cny_per_departure" in ranges and proposal.cost_cny_per_departure > 0:
            low, high = (
                end * cost / proposal.cost_cny_per_departure for end in ranges["cost_cny_per_departure"]
            )
            ranges["cost_cny_per_departure"] = (low, high)
        sites = self._sites | {str(row["site_id"]): row for row in proposal.sites}
        return replace(
            proposal,
            services=tuple(self._charged(service, mode, sites, rated) for service in proposal.services),
            cost_cny_per_departure=cost,
            ranges=ranges,
            rate_year=None if proposal.rate_year is None else year,
            cost_year=None if proposal.cost_year is None else year,
        )

    def _more(self, what: What, mode: str, before: int) -> float:
        """How much the level of something has risen since a year."""
        now, then = (self._levels.level(what, mode, "*", year).factor for year in (self._year, before))
        return now - then

    def _charged(
        self, service: ProposedService, mode: str, sites: Mapping[str, Mapping[str, Any]], before: int
    ) -> ProposedService:
        """A service at the rates of the year; other cargo pays in its currency."""
        stops = [str(stop["site_id"]) for stop in service.stops]
        lane = lane_of(stops, sites, self._network.info.home_territory)
        factor = self._levels.rise(mode, lane, before, self._year)
        row = dict(service.row)
        for column in ("tariff_spot", "tariff_contract", "tariff_per_item"):
            if row.get(column) is not None:
                row[column] = float(row[column]) * factor
        currency = str(row.get("tariff_currency", "CNY"))
        now, then = (exchange_rates(self._network, year).get(currency) for year in (self._year, before))
        dearer = factor * now / then if now and then else factor
        return replace(service, row=row, background_cny_per_t=service.background_cny_per_t * dearer)
