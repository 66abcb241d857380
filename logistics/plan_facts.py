"""What a plan's paths are in people's terms: main mode, gateways, direction; from plan and tables only."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import pyarrow as pa

from logistics.network.network import Network
from logistics.plan import Plan

FACTS = pa.schema(
    [
        ("year", pa.int32()),
        ("path_id", pa.string()),
        ("demand_id", pa.string()),
        ("tier", pa.string()),
        ("tonnes", pa.float64()),
        ("direction", pa.string()),
        ("segment", pa.string()),
        ("product_id", pa.string()),
        ("origin_site", pa.string()),
        ("destination_site", pa.string()),
        ("main_service", pa.string()),
        ("mode", pa.string()),
        ("service_class", pa.string()),
        ("home_gateway", pa.string()),
        ("local", pa.bool_()),
        ("declared_at", pa.string()),
    ]
)
"""One row a path. The main service is the one that crosses a border over the longest distance; the home
gateway is where cargo leaves, or enters, the home territory by it; declared_at is where it was cleared."""


@dataclass
class _Path:
    """Steps of a path as facts are gathered."""

    rides: list[tuple[str, int, str]]
    boards: list[tuple[str, str]]
    declared: str = ""
    imported: str = ""


def facts_of(plan: Plan, network: Network, year: int) -> pa.Table:
    """Return the facts of every path of one year's plan.

    Parameters
    ----------
    plan
        The plan of that year.
    network
        Effective network of the year.
    """
    territory = dict(
        zip(network.texts("sites", "site_id"), network.texts("sites", "customs_territory"), strict=True)
    )
    province = dict(zip(network.texts("sites", "site_id"), network.texts("sites", "province"), strict=True))
    km = {(leg.service_id, leg.to_seq, leg.via_id): leg.distance_km for leg in network.legs()}
    foreign = _border_services(network, territory)
    services = {str(r["service_id"]): r for r in network.rows("services")}
    demand = {str(r["demand_id"]): r for r in network.rows("demand")}
    home, here = network.info.home_territory, network.info.home_province
    paths = _gathered(plan)
    rows = []
    for flow in plan.flows.to_pylist():
        path, row = paths[flow["path_id"]], demand[flow["demand_id"]]
        leaves, enters = territory[str(row["origin_site"])], territory[str(row["destination_site"])]
        direction = "export" if leaves == home else "import" if enters == home else "transit"
        length: dict[str, float] = {}
        for service, seq, via in path.rides:
            if service in foreign:
                length[service] = length.get(service, 0.0) + km[(service, seq, via)]
        main = max(length, key=lambda name: (length[name], name), default="")
        first = next((site for site, service in path.boards if service in foreign), "")
        gateway = first if direction == "export" else path.imported if direction == "import" else ""
        rows.append(
            (
                year,
                flow["path_id"],
                flow["demand_id"],
                flow["tier"],
                flow["tonnes"],
                direction,
                row["segment"],
                row["product_id"],
                row["origin_site"],
                row["destination_site"],
                main,
                services[main]["mode"] if main else "",
                services[main]["service_class"] if main else "",
                gateway,
                bool(gateway) and province[gateway] == here,
                path.declared if direction == "export" else path.imported,
            )
        )
    columns = list(zip(*rows, strict=True)) if rows else [()] * len(FACTS)
    return pa.table([pa.array(c, f.type) for c, f in zip(columns, FACTS, strict=True)], schema=FACTS)


def _border_services(network: Network, territory: Mapping[str, str]) -> set[str]:
    met: dict[str, set[str]] = {}
    for row in network.rows("service_stops"):
        met.setdefault(str(row["service_id"]), set()).add(territory[str(row["site_id"])])
    return {service for service, territories in met.items() if len(territories) > 1}


def _gathered(plan: Plan) -> dict[str, _Path]:
    paths: dict[str, _Path] = {}
    columns = ("path_id", "action", "site_id", "service_id", "stop_seq", "via_id")
    for name, action, site, service, seq, via in zip(
        *(plan.steps[c].to_pylist() for c in columns), strict=True
    ):
        path = paths.setdefault(name, _Path([], []))
        if action == "ride":
            path.rides.append((service, seq, via))
        elif action == "board":
            path.boards.append((site, service))
        elif action in ("clear_export", "clear_post"):
            path.declared = path.declared or site
        elif action == "clear_import":
            path.imported = path.imported or site
    return paths
