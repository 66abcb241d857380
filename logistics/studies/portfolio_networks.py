"""The network of a year with some options of a portfolio open."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from logistics.network.network import Network
from logistics.proposals.entering import RouteOption, opened, opening_changes
from logistics.studies.changed_tables import change_of, with_changes
from logistics.studies.portfolio_spec import OtherOption


def opened_for(network: Network, options: Iterable[RouteOption | OtherOption]) -> Network:
    """The network with `options` open; routes were entered into it before."""
    listed = list(options)
    network = opened(network, [option for option in listed if isinstance(option, RouteOption)])
    return with_changes(network, _other_changes(network, listed))


def changes_for(network: Network, options: Iterable[RouteOption | OtherOption]) -> list[dict[str, Any]]:
    """Values of the tables that open `options`."""
    listed = list(options)
    routes = [option for option in listed if isinstance(option, RouteOption)]
    return opening_changes(routes) + _other_changes(network, listed)


def _other_changes(network: Network, options: list[RouteOption | OtherOption]) -> list[dict[str, Any]]:
    throughput = {str(r["site_id"]): r["throughput_t_per_year"] for r in network.rows("sites")}
    found: dict[tuple[str, str], dict[str, Any]] = {}
    for option in options:
        if isinstance(option, RouteOption):
            continue
        if option.expand is not None:
            site = option.expand.site
            throughput[site] = float(throughput[site]) + option.expand.throughput_t_per_year
            found[site, "t"] = change_of("sites", site, "throughput_t_per_year", throughput[site])
        if option.clearance_window is not None:
            for site in option.clearance_window.sites:
                found[site, "open"] = change_of("sites", site, "clearance_open", option.clearance_window.open)
    return list(found.values())
