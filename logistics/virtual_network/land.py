"""Arcs on land: generated road legs, consolidation, clearance, warehouses and delivery.

Road legs are generated inside a land region: great circle × circuity, hours and money by the region's
figures. They stand in no table; plans name them by their two sites.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from logistics.network.geography import great_circle_km
from logistics.network.network import Network
from logistics.units import G_PER_KG, KG_PER_T
from logistics.virtual_network.arcs import Arc
from logistics.virtual_network.instance import Step
from logistics.virtual_network.resources import Rows
from logistics.virtual_network.sites import Site
from logistics.virtual_network.tariffs import M3, ORDER


@dataclass(frozen=True)
class RoadLeg:
    """A generated road leg."""

    cny_per_t: float
    hours: float
    co2_kg_per_t: float


class LandRegions:
    """Generates road legs from land_regions.csv and the road mode's emissions."""

    def __init__(self, network: Network) -> None:
        self._regions = {
            str(r["land_region"]): {k: float(v) for k, v in r.items() if isinstance(v, float | int)}
            for r in network.rows("land_regions")
        }
        modes = dict(
            zip(network.texts("modes", "mode"), network.numbers("modes", "co2_g_per_tkm"), strict=True)
        )
        self._co2_g_per_tkm = float(modes.get("road", 0.0))

    def legs_from(self, start: Site, ends: list[Site], *, sealed: bool = False) -> list[RoadLeg | None]:
        """Legs from `start` to each of `ends`; None where there is no land way or it is too long."""
        region = self._regions[start.land_region]
        straight = great_circle_km(
            start.lat, start.lon, np.array([e.lat for e in ends]), np.array([e.lon for e in ends])
        )
        legs: list[RoadLeg | None] = []
        for end, direct_km in zip(ends, np.atleast_1d(straight), strict=True):
            if end.land_region != start.land_region or direct_km > region["max_leg_km"]:
                legs.append(None)
                continue
            km = float(direct_km) * region["circuity"]
            money = region["fixed_cny_per_t"] + region["tariff_cny_per_tkm"] * km
            if sealed:
                money += region["seal_cny_per_t"]
            hours = region["fixed_h"] + km / region["speed_kmh"]
            legs.append(RoadLeg(money, hours, km * self._co2_g_per_tkm / G_PER_KG))
        return legs


def drive_arcs(
    state: str, start: Site, ends: list[Site], land: LandRegions, rows: Rows, *, sealed: bool = False
) -> Iterator[Arc]:
    """Road legs of cargo in `state` from `start`; entering a site uses its throughput."""
    if not ends:
        return
    for end, leg in zip(ends, land.legs_from(start, ends, sealed=sealed), strict=True):
        if leg is None:
            continue
        entry = rows.get(("site", end.id, "t"))
        yield Arc(
            (state, start.id),
            (state, end.id),
            Step("drive", start.id, end.id),
            cny_per_t=leg.cny_per_t,
            hours=leg.hours,
            co2_kg_per_t=leg.co2_kg_per_t,
            uses=() if entry is None else ((entry, False),),
        )


def consolidation_arcs(site: Site) -> Iterator[Arc]:
    """Loose cargo becomes a container or ULD, before or after clearance."""
    for before, after in (("L0", "C0"), ("L1", "C1")):
        yield Arc(
            (before, site.id),
            (after, site.id),
            Step("consolidate", site.id),
            cny_per_unit=site.consolidation_cny_per_m3 or 0.0,
            basis=M3,
            hours=site.consolidation_h,
        )


def export_clearance_arcs(site: Site, pairs: tuple[tuple[str, str], ...], action: str) -> Iterator[Arc]:
    """Declaration, inspection and screening inside opening hours."""
    delay = site.export_delay()
    for before, after in pairs:
        yield Arc(
            (before, site.id),
            (after, site.id),
            Step(action, site.id),
            cny_per_t=site.clearance_cny_per_t,
            hours=delay.mean_h,
            variance_h2=delay.variance_h2,
        )


def import_clearance_arc(site: Site, segment: str, before: str, after: str) -> Arc:
    """Import clearance of the segment inside opening hours."""
    delay = site.import_delay(segment)
    return Arc(
        (before, site.id),
        (after, site.id),
        Step("clear_import", site.id),
        cny_per_t=site.clearance_cny_per_t,
        hours=delay.mean_h,
        variance_h2=delay.variance_h2,
    )


def store_arc(option: Mapping[str, Any], rows: Rows) -> Arc:
    """Into and out of stock: inbound hours lead, picking hours are the customer's."""
    number = {name: float(value) for name, value in option.items() if isinstance(value, float | int)}
    site, name = str(option["site_id"]), str(option["option_id"])
    return Arc(
        ("I", site),
        ("S", site),
        Step("store", site, option_id=name),
        cny_per_t=number["inbound_cny_per_t"],
        cny_per_unit=number["pick_cny_per_order"],
        basis=ORDER,
        hours=number["inbound_h"] + number["pick_h"],
        customer_h=number["pick_h"],
        lead_h=number["inbound_h"],
        uses=((rows[("warehouse", name, "t")], False),),
    )


@dataclass(frozen=True)
class LastMile:
    """One row of last_mile.csv."""

    cny_per_order: float
    cny_per_kg: float
    delivery_h: float
    delivery_sd_h: float


def last_miles(network: Network) -> dict[tuple[str, str], LastMile]:
    """Last-mile rows by market and channel."""
    return {
        (str(r["site_id"]), str(r["channel"])): LastMile(
            float(r["cny_per_order"]),
            float(r["cny_per_kg"]),
            float(r["delivery_h"]),
            float(r["delivery_sd_h"]),
        )
        for r in network.rows("last_mile")
    }


def delivery_arcs(
    state: str,
    start: Site,
    markets: list[Site],
    channel: str,
    miles: Mapping[tuple[str, str], LastMile],
    land: LandRegions,
) -> Iterator[Arc]:
    """Road leg to the market and its last mile, inside one customs territory."""
    ends = [m for m in markets if m.territory == start.territory and (m.id, channel) in miles]
    if not ends:
        return
    for end, leg in zip(ends, land.legs_from(start, ends), strict=True):
        if leg is None:
            continue
        mile = miles[(end.id, channel)]
        stocked = channel == "stocked"
        yield Arc(
            (state, start.id),
            ("M", end.id),
            Step("deliver", start.id, end.id, channel=channel),
            cny_per_t=leg.cny_per_t + mile.cny_per_kg * KG_PER_T,
            cny_per_unit=mile.cny_per_order,
            basis=ORDER,
            hours=leg.hours + mile.delivery_h,
            variance_h2=mile.delivery_sd_h**2,
            lead_h=0.0 if stocked else None,
            co2_kg_per_t=leg.co2_kg_per_t,
        )
