"""The network of a year with some options of a portfolio open."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import pyarrow as pa

from logistics.network.network import Network
from logistics.proposals.entering import RouteOption, opened, opening_changes
from logistics.studies.portfolio_spec import OtherOption


def opened_for(network: Network, options: Iterable[RouteOption | OtherOption]) -> Network:
    """The network with `options` open; routes were entered into it before."""
    listed = list(options)
    network = opened(network, [option for option in listed if isinstance(option, RouteOption)])
    for change in _other_changes(network, listed):
        network = _assigned(network, change)
    return network


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
            found[site, "t"] = _change(site, "throughput_t_per_year", throughput[site])
        if option.clearance_window is not None:
            for site in option.clearance_window.sites:
                found[site, "open"] = _change(site, "clearance_open", option.clearance_window.open)
    return list(found.values())


def _change(site: str, column: str, value: object) -> dict[str, Any]:
    return {"table": "sites", "row": site, "column": column, "value": value}


def _assigned(network: Network, change: dict[str, Any]) -> Network:
    table = network.tables["sites"]
    row = table["site_id"].to_pylist().index(change["row"])
    cells = table[change["column"]].to_pylist()
    cells[row] = change["value"]
    place = table.schema.get_field_index(change["column"])
    field = table.schema.field(place)
    return network.with_table("sites", table.set_column(place, field, pa.array(cells, field.type)))
