"""How much services can carry into each customs territory: a cheap bound that speaks before any solver."""

from __future__ import annotations

from logistics.network.network import Network
from logistics.virtual_network.layers import common_ground
from logistics.virtual_network.resources import shared_resources


def entry_capacity(network: Network, year: int) -> dict[str, tuple[float, float]]:
    """Tonnes a year that services can carry into each customs territory, and tonnes asked for from outside.

    Every leg that ends in a territory and starts elsewhere counts with its free tonnes: no plan can bring in
    more.
    """
    resources, rows = shared_resources(network)
    ground = common_ground(network, year, rows)
    territory = dict(
        zip(network.texts("sites", "site_id"), network.texts("sites", "customs_territory"), strict=True)
    )
    room: dict[str, float] = {}
    for service in ground.services:
        for seq, ways in service.legs.items():
            start, end = territory[ways[0].from_site], territory[ways[0].to_site]
            if start != end:
                free_t = resources[rows[("service", f"{service.id}#{seq}", "t")]].capacity
                room[end] = room.get(end, 0.0) + free_t
    asked: dict[str, float] = {}
    for row in network.rows("demand"):
        start, end = territory[str(row["origin_site"])], territory[str(row["destination_site"])]
        if start != end:
            asked[end] = asked.get(end, 0.0) + float(row["tonnes_per_year"])
    return {name: (room.get(name, 0.0), tonnes) for name, tonnes in asked.items() if tonnes > 0}
