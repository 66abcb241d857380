"""Building one layer of the virtual network: every legal way of a segment in one direction."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from logistics.network.network import Network
from logistics.virtual_network.arcs import Arc, ArcCollector, Vertex
from logistics.virtual_network.land import (
    LandRegions,
    LastMile,
    consolidation_arcs,
    delivery_arcs,
    drive_arcs,
    export_clearance_arcs,
    import_clearance_arc,
    last_miles,
    store_arc,
)
from logistics.virtual_network.movements import (
    DOMESTIC_STATES,
    Passage,
    Service,
    passages_of,
    ride_arcs,
    usable_services,
)
from logistics.virtual_network.resources import Rows
from logistics.virtual_network.sites import Site, usable_sites


@dataclass(frozen=True)
class Ground:
    """Everything the layers of one year share, read from the tables once."""

    sites: Mapping[str, Site]
    services: tuple[Service, ...]
    passages: Mapping[str, Passage]
    land: LandRegions
    miles: Mapping[tuple[str, str], LastMile]
    options: tuple[Mapping[str, Any], ...]
    rows: Rows
    home_province: str

    @cached_property
    def mode_of(self) -> Mapping[str, str]:
        """Mode of each usable service."""
        return {service.id: service.mode for service in self.services}

    @cached_property
    def domestic(self) -> Mapping[str, bool]:
        """Whether all stops of a usable service lie in one customs territory."""
        return {service.id: service.domestic for service in self.services}

    @cached_property
    def passages_on(self) -> Mapping[tuple[str, int, str], tuple[str, ...]]:
        """Passages met on each way of a leg: service, number of the stop where it ends, way."""
        return {
            (service.id, seq, way.via_id): tuple(way.passages)
            for service in self.services
            for seq, ways in service.legs.items()
            for way in ways
        }


def common_ground(network: Network, year: int, rows: Rows) -> Ground:
    """Read what the layers need."""
    territory = dict(
        zip(network.texts("sites", "site_id"), network.texts("sites", "customs_territory"), strict=True)
    )
    sites = usable_sites(network)
    options = [
        r
        for r in network.rows("warehouse_options")
        if r["status"] == "existing" and r["site_id"] in sites and (r["opening_year"] or year) <= year
    ]
    return Ground(
        sites=sites,
        services=tuple(usable_services(network, year, territory)),
        passages=passages_of(network),
        land=LandRegions(network),
        miles=last_miles(network),
        options=tuple(options),
        rows=rows,
        home_province=network.info.home_province,
    )


def layer_arcs(ground: Ground, segment: str, origins: list[str], markets: list[str]) -> list[Arc]:
    """Arcs of every legal way from `origins` to `markets` for cargo of `segment`.

    States: L loose or C consolidated, 0 not cleared or 1 cleared for export; A arrived; I imported; S out
    of stock; M delivered. P0, P1, PA, PI the same for post.
    """
    starts = [ground.sites[o] for o in origins if o in ground.sites]
    ends = [ground.sites[m] for m in markets if m in ground.sites]
    collector = ArcCollector()
    _origin_side(collector, ground, segment, starts)
    _services(collector, ground, segment)
    _destination_side(collector, ground, segment, ends)
    if segment == "direct":
        _post(collector, ground, starts, ends)
    sources: list[Vertex] = [("L0", s.id) for s in starts]
    sinks: list[Vertex] = [("M", m.id) for m in ends]
    return collector.useful(sources, sinks)


def _origin_side(collector: ArcCollector, ground: Ground, segment: str, starts: list[Site]) -> None:
    """From the origin to a gateway, consolidated once and cleared once, in either order."""
    land, rows = ground.land, ground.rows
    home = {s.territory for s in starts}
    origin_ids = {s.id for s in starts}
    sites = [s for s in ground.sites.values() if s.territory in home]
    places = [s for s in sites if s.kind not in ("cluster", "market", "overseas_warehouse", "mail_exchange")]
    gateways = [s for s in ground.sites.values() if s.gateway]
    for start in starts:
        ends = [
            p
            for p in places
            if p.territory == start.territory and (p.gateway or p.clears(segment) or p.consolidates(segment))
        ]
        for arc in drive_arcs("L0", start, ends, land, rows):
            collector.add(arc)
    for site in ground.sites.values():
        if site.consolidates(segment) and (site.kind not in ("cluster", "market") or site.id in origin_ids):
            for arc in consolidation_arcs(site):
                collector.add(arc)
    for site in sites:
        clears = site.clears(segment) and site.kind not in ("cluster", "market")
        if clears:
            for arc in export_clearance_arcs(site, (("L0", "L1"), ("C0", "C1")), "clear_export"):
                collector.add(arc)
        if site.gateway:
            continue
        if site.consolidates(segment) and (site.kind not in ("cluster", "market") or site.id in origin_ids):
            ends = [
                p
                for p in places
                if p.id != site.id and p.territory == site.territory and (p.gateway or p.clears(segment))
            ]
            for arc in drive_arcs("C0", site, ends, land, rows):
                collector.add(arc)
        if clears:
            ends = [g for g in gateways if not site.recognised_by or g.id in site.recognised_by]
            ends = ends if site.kind != "cargo_station" else [g for g in ends if g.id in site.recognised_by]
            for state in ("L1", "C1"):
                for arc in drive_arcs(state, site, ends, land, rows, sealed=True):
                    collector.add(arc)


def _services(collector: ArcCollector, ground: Ground, segment: str) -> None:
    """Commercial services; those across a border take cleared or arrived cargo only."""
    for service in ground.services:
        if service.mode == "post" or (service.segments and segment not in service.segments):
            continue
        own_state = {state: (state,) for state in DOMESTIC_STATES}
        states: Mapping[str, tuple[str, ...]] = own_state if service.domestic else {"A": ("C1", "A")}
        for arc in ride_arcs(
            service, ground.sites, ground.passages, ground.rows, states, stocked=segment == "stocked"
        ):
            collector.add(arc)


def _destination_side(collector: ArcCollector, ground: Ground, segment: str, ends: list[Site]) -> None:
    """Import clearance, then straight to the market or through stock."""
    entered = {m.territory for m in ends}
    gateways = [s for s in ground.sites.values() if s.gateway and s.territory in entered]
    stocks = (
        [ground.sites[str(option["site_id"])] for option in ground.options] if segment == "stocked" else []
    )
    stocks = list({s.id: s for s in stocks if s.territory in entered}.values())
    for site in gateways:
        if site.clears(segment):
            collector.add(import_clearance_arc(site, segment, "A", "I"))
        if segment == "stocked":
            warehouses = [w for w in stocks if w.territory == site.territory]
            for arc in drive_arcs("I", site, warehouses, ground.land, ground.rows):
                collector.add(arc)
        else:
            for arc in delivery_arcs("I", site, ends, segment, ground.miles, ground.land):
                collector.add(arc)
    for option in ground.options if segment == "stocked" else ():
        if ground.sites[str(option["site_id"])] in stocks:
            collector.add(store_arc(option, ground.rows))
    for site in stocks:
        served = [market for market in ends if market.stocked_from in ("", site.id)]
        for arc in delivery_arcs("S", site, served, segment, ground.miles, ground.land):
            collector.add(arc)


def _post(collector: ArcCollector, ground: Ground, starts: list[Site], ends: list[Site]) -> None:
    """Post: only from exchange offices, only by services of mode post, delivered by the postal service."""
    home, entered = {s.territory for s in starts}, {m.territory for m in ends}
    offices = [s for s in ground.sites.values() if s.kind == "mail_exchange"]
    for start in starts:
        targets = [o for o in offices if o.territory == start.territory and "post" in o.regimes]
        for arc in drive_arcs("L0", start, targets, ground.land, ground.rows):
            collector.add(arc)
    for office in offices:
        if office.territory in home and "post" in office.regimes:
            for arc in export_clearance_arcs(office, (("L0", "P1"),), "clear_post"):
                collector.add(arc)
        if office.territory in entered:
            collector.add(import_clearance_arc(office, "direct", "PA", "PI"))
            for arc in delivery_arcs("PI", office, ends, "post", ground.miles, ground.land):
                collector.add(arc)
    for service in ground.services:
        if service.mode == "post" and (not service.segments or "direct" in service.segments):
            states = {"PA": ("P1",)}
            for arc in ride_arcs(service, ground.sites, ground.passages, ground.rows, states, stocked=False):
                collector.add(arc)
