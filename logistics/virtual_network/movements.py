"""Arcs of scheduled services: board, ride, stay, alight, in each state of cargo that may use them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from logistics.network.network import Leg, Network
from logistics.units import G_PER_KG, HOURS_PER_WEEK, KG_PER_T
from logistics.virtual_network.arcs import Arc
from logistics.virtual_network.instance import Step
from logistics.virtual_network.resources import Rows
from logistics.virtual_network.sites import Site
from logistics.virtual_network.tariffs import NONE, ORDER, Basis, effective_tariff, exchange_rates

DOMESTIC_STATES = ("C0", "C1", "A", "I")
"""States in which a service inside one customs territory may be ridden: consolidated, arrived, imported."""


@dataclass(frozen=True)
class Service:
    """One usable row of services.csv with its stops and ways.

    Parameters
    ----------
    stops
        Site ids in order of travel.
    legs
        Ways of each leg, by the number of the stop where it ends.
    domestic
        Whether all stops lie in one customs territory.
    headway_h
        Hours between departures.
    per_t, per_unit, basis
        Tariff of the whole run: CNY per tonne, and CNY per unit of `basis`.
    """

    id: str
    mode: str
    stops: tuple[str, ...]
    dwell_h: tuple[float, ...]
    legs: Mapping[int, tuple[Leg, ...]]
    domestic: bool
    segments: frozenset[str]
    headway_h: float
    booking_wait_h: float
    per_t: float
    per_unit: float
    basis: Basis
    per_tkm: float
    subsidy_cny_per_t: float
    co2_g_per_tkm: float


def usable_services(network: Network, year: int, territory: Mapping[str, str]) -> list[Service]:
    """Services with status `existing`, in table order."""
    legs: dict[str, dict[int, list[Leg]]] = {}
    closed = {str(r["passage_id"]) for r in network.rows("passages") if r["status"] == "closed"}
    for leg in network.legs():
        if not closed.intersection(leg.passages):
            legs.setdefault(leg.service_id, {}).setdefault(leg.to_seq, []).append(leg)
    calls: dict[str, list[tuple[float, str, float]]] = {}
    for row in network.rows("service_stops"):
        call = (float(row["seq"]), str(row["site_id"]), float(row["dwell_h"]))
        calls.setdefault(str(row["service_id"]), []).append(call)
    rates = exchange_rates(network, year)
    mode_co2 = dict(
        zip(network.texts("modes", "mode"), network.numbers("modes", "co2_g_per_tkm"), strict=True)
    )
    found = []
    for row in network.rows("services"):
        if row["status"] != "existing":
            continue
        service, mode, name = str(row["service_id"]), str(row["mode"]), str(row["tariff_basis"])
        number = {key: float(value) for key, value in row.items() if isinstance(value, float | int)}
        fx = rates[str(row["tariff_currency"])]
        tariff = effective_tariff(row, fx)
        stops = [site for _, site, _ in sorted(calls[service])]
        kilos, items = name == "item_plus_kg", number["tariff_per_item"] * fx
        found.append(
            Service(
                id=service,
                mode=mode,
                stops=tuple(stops),
                dwell_h=tuple(dwell for _, _, dwell in sorted(calls[service])),
                legs={seq: tuple(ways) for seq, ways in legs.get(service, {}).items()},
                domestic=len({territory[site] for site in stops}) == 1,
                segments=frozenset(str(row["segments"]).split("|")) - {""},
                headway_h=HOURS_PER_WEEK / number["departures_per_week"],
                booking_wait_h=number["booking_wait_h"],
                per_t=tariff * KG_PER_T if kilos else 0.0,
                per_unit=items if kilos else 0.0 if name == "tkm" else tariff,
                basis=ORDER if kilos else NONE if name == "tkm" else (name, mode),
                per_tkm=tariff if name == "tkm" else 0.0,
                subsidy_cny_per_t=number["subsidy_cny_per_t"],
                co2_g_per_tkm=number.get("co2_g_per_tkm", float(mode_co2[mode])),
            )
        )
    return found


@dataclass(frozen=True)
class Passage:
    """What a service meets on its way."""

    transit_h: float
    transit_sd_h: float
    fee_cny_per_t: float


def passages_of(network: Network) -> dict[str, Passage]:
    """Passages by id."""
    return {
        str(r["passage_id"]): Passage(
            float(r["transit_h"]), float(r["transit_sd_h"]), float(r["fee_cny_per_t"])
        )
        for r in network.rows("passages")
    }


def ride_arcs(
    service: Service,
    sites: Mapping[str, Site],
    passages: Mapping[str, Passage],
    rows: Rows,
    states: Mapping[str, tuple[str, ...]],
    *,
    stocked: bool,
) -> Iterator[Arc]:
    """Arcs of one service.

    Parameters
    ----------
    states
        Copies of the service, each with the states of cargo that may board it; what leaves a copy is in the
        copy's state at the site. A copy is a state name: ``A`` for cargo abroad.
    stocked
        Whether boarding adds cycle stock, half the headway.
    """
    wait_h, wait_variance = service.headway_h / 2, service.headway_h**2 / 12
    for copy, boards in states.items():
        for seq, site_id in enumerate(service.stops, 1):
            site = sites.get(site_id)
            if site is None:
                continue
            if seq < len(service.stops) and seq + 1 in service.legs:
                for state in boards:
                    yield Arc(
                        (state, site_id),
                        ("dep", service.id, seq, copy),
                        Step("board", site_id, service_id=service.id, stop_seq=seq),
                        cny_per_t=site.handling_cny_per_t,
                        hours=site.departure_h + service.booking_wait_h + wait_h,
                        variance_h2=site.departure_sd_h**2 + wait_variance,
                        stock_h=wait_h if stocked else 0.0,
                    )
            if seq > 1 and seq in service.legs:
                entry = rows.get(("site", site_id, "t"))
                yield Arc(
                    ("arr", service.id, seq, copy),
                    (copy, site_id),
                    Step("alight", site_id, service_id=service.id, stop_seq=seq),
                    cny_per_t=site.handling_cny_per_t,
                    hours=site.arrival_h,
                    variance_h2=site.arrival_sd_h**2,
                    uses=() if entry is None else ((entry, False),),
                )
            if 1 < seq < len(service.stops):
                yield Arc(
                    ("arr", service.id, seq, copy),
                    ("dep", service.id, seq, copy),
                    Step("stay", site_id, service_id=service.id, stop_seq=seq),
                    hours=service.dwell_h[seq - 1],
                )
        for seq, ways in service.legs.items():
            for way in ways:
                if way.from_site in sites and way.to_site in sites:
                    yield _ride(service, seq, way, copy, passages, rows)


def _ride(
    service: Service, seq: int, way: Leg, copy: str, passages: Mapping[str, Passage], rows: Rows
) -> Arc:
    met = [passages[name] for name in way.passages]
    share = way.distance_share * way.tariff_factor
    uses = [(rows[("service", f"{service.id}#{seq}", unit)], unit == "m3") for unit in ("t", "m3")]
    uses += [(rows[("passage", name, "t")], False) for name in way.passages if ("passage", name, "t") in rows]
    fees = sum(passage.fee_cny_per_t for passage in met)
    return Arc(
        ("dep", service.id, seq - 1, copy),
        ("arr", service.id, seq, copy),
        Step("ride", way.from_site, way.to_site, service.id, seq, way.via_id),
        cny_per_t=service.per_t * share
        + service.per_tkm * way.distance_km * way.tariff_factor
        + fees
        - service.subsidy_cny_per_t * way.distance_share,
        cny_per_unit=service.per_unit * share,
        basis=service.basis,
        hours=way.run_h + sum(passage.transit_h for passage in met),
        variance_h2=way.run_sd_h**2 + sum(passage.transit_sd_h**2 for passage in met),
        co2_kg_per_t=way.distance_km * service.co2_g_per_tkm / G_PER_KG,
        uses=tuple(uses),
    )
