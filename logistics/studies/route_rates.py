"""Routes at the freight rates of other years: what all cargo pays is scaled, everything else as it is."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import replace

import pyarrow as pa

from logistics.errors import InputError
from logistics.network.network import Network
from logistics.proposals.entering import RouteOption
from logistics.proposals.proposal import ProposedService
from logistics.proposals.rates import RateLevels, lane_of
from logistics.studies.route_worth import Evaluated, OptionEvaluator
from logistics.studies.year_flow import Question

log = logging.getLogger(__name__)
COLUMNS = ("tariff_spot", "tariff_contract", "tariff_per_item")


def at_rates(network: Network, year: int, rate_year: int) -> Network:
    """The network of `year` with the tariffs of its services brought to the level of `rate_year`.

    A service is charged by its mode and by where it goes, see :func:`lane_of`.
    """
    levels = RateLevels(network)
    home = network.info.home_territory
    site = {str(row["site_id"]): row for row in network.rows("sites")}
    stops: dict[str, list[tuple[float, str]]] = {}
    for stop in network.rows("service_stops"):
        stops.setdefault(str(stop["service_id"]), []).append((float(stop["seq"]), str(stop["site_id"])))
    table = network.tables["services"]
    factors = []
    for row in table.select(["service_id", "mode"]).to_pylist():
        calls = [name for _, name in sorted(stops[row["service_id"]])]
        factors.append(levels.rise(row["mode"], lane_of(calls, site, home), year, rate_year))
    for column in COLUMNS:
        old = table[column].to_pylist()
        new = [None if value is None else value * factor for value, factor in zip(old, factors, strict=True)]
        place = table.schema.get_field_index(column)
        table = table.set_column(place, table.schema.field(place), pa.array(new, pa.float64()))
    return network.with_table("services", table)


def _at_rates(option: RouteOption, network: Network, year: int, rate_year: int) -> RouteOption:
    """The option with what other cargo pays at the rates of `rate_year`; its fares stand in the network."""
    levels, home = RateLevels(network), network.info.home_territory
    sites = {str(row["site_id"]): row for row in network.rows("sites")}
    proposal = option.proposal

    def paying(service: ProposedService) -> ProposedService:
        lane = lane_of([str(stop["site_id"]) for stop in service.stops], sites, home)
        factor = levels.rise(proposal.mode, lane, year, rate_year)
        return replace(service, background_cny_per_t=factor * service.background_cny_per_t)

    return replace(option, proposal=replace(proposal, services=tuple(map(paying, proposal.services))))


def nets_at_rates(
    question: Question,
    chosen: Sequence[Evaluated],
    rate_years: Sequence[int],
    discount_rate: float,
    start: OptionEvaluator,
) -> dict[str, dict[int, float]]:
    """Net benefit of evaluated options at the rates of other years, by option id and year of the rates."""
    options = tuple(result.option for result in chosen)
    found: dict[str, dict[int, float]] = {option.id: {} for option in options}
    for rate_year in rate_years:
        if rate_year == question.year:
            for result in chosen:
                if result.accounts is not None:
                    found[result.option.id][rate_year] = result.accounts.net_cny
            continue
        network = at_rates(question.network, question.year, rate_year)
        try:
            asked = replace(question, network=network)
            rated = tuple(_at_rates(option, network, question.year, rate_year) for option in options)
            evaluator = OptionEvaluator(asked, rated, discount_rate, None, start)
        except InputError as error:
            # At rates so low a subsidy of this year may be above a tariff: there is no such year.
            log.warning("rates of %s: %s", rate_year, error)
            continue
        for number, option in enumerate(options):
            accounts = evaluator.evaluated(number).accounts
            if accounts is not None:
                found[option.id][rate_year] = accounts.net_cny
    return found
