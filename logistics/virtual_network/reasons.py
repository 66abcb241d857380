"""Why a demand row cannot be reached: the first link of its chain that is missing."""

from __future__ import annotations

from logistics.network.network import Network
from logistics.virtual_network.layers import Ground, common_ground
from logistics.virtual_network.resources import shared_resources


def why_unreachable(network: Network, year: int, demand_id: str) -> str:
    """Return a short English reason for the row called `demand_id`.

    The chain is walked from both ends: sites open, a way to pack and declare at the origin, a last mile, an
    import gateway and (stocked) a warehouse at the destination, and services that join the two.
    """
    ground = common_ground(network, year, shared_resources(network)[1])
    row = network.rows("demand")[network.row_of("demand")[demand_id]]
    origin, market, segment = str(row["origin_site"]), str(row["destination_site"]), str(row["segment"])
    for name in (origin, market):
        if name not in ground.sites:
            return f"site {name} is not open"
    return (
        _at_origin(ground, origin, segment)
        or _at_market(ground, market, segment)
        or _between(ground, origin, market, segment)
    )


def _near(ground: Ground, place: str, kinds: tuple[str, ...] | None = None) -> list[str]:
    """Usable sites that a generated road leg joins to `place`, in one customs territory."""
    start = ground.sites[place]
    ends = [s for s in ground.sites.values() if s.id != place and s.territory == start.territory]
    ends = [s for s in ends if s.land_region == start.land_region and (kinds is None or s.kind in kinds)]
    legs = ground.land.legs_from(start, ends) if ends else []
    return [end.id for end, leg in zip(ends, legs, strict=True) if leg is not None]


def _at_origin(ground: Ground, origin: str, segment: str) -> str:
    near = [ground.sites[name] for name in _near(ground, origin)] + [ground.sites[origin]]
    if not any(site.gateway for site in near):
        return f"no gateway within reach of {origin} by road"
    if not any(site.clears(segment) for site in near) and segment != "direct":
        return f"no customs office near {origin} declares {segment}"
    if not any(site.consolidates(segment) for site in near) and segment != "direct":
        return f"nothing near {origin} consolidates {segment}"
    return ""


def _at_market(ground: Ground, market: str, segment: str) -> str:
    channels = (segment, "post") if segment == "direct" else (segment,)
    if not any((market, channel) in ground.miles for channel in channels):
        return f"no last mile of {segment} at {market}"
    near = [ground.sites[name] for name in _near(ground, market)]
    if segment == "stocked" and not any(str(o["site_id"]) in {s.id for s in near} for o in ground.options):
        return f"no existing warehouse within reach of {market}"
    if not any(site.gateway and site.clears(segment) for site in near):
        return f"no gateway that imports {segment} within reach of {market}"
    return ""


def _between(ground: Ground, origin: str, market: str, segment: str) -> str:
    takes = [s for s in ground.services if not s.segments or segment in s.segments]
    territory = ground.sites[market].territory
    arriving = [
        s
        for s in takes
        if any(stop in ground.sites and ground.sites[stop].territory == territory for stop in s.stops[1:])
    ]
    if not arriving:
        return f"no service takes {segment} to {territory}"
    return f"no chain of services joins {origin} to {market} for {segment}"
