"""What may happen to cargo: the legal moves from each state, with what they cost and use.

A state is (place, custody). Custody on the way out: loose, packed (consolidated), loose_cleared,
packed_cleared; abroad after a border crossing; imported; from_stock; delivered. Post has mail_cleared,
mail_abroad and mail_imported. On board, the place names the service and stop. The room is large on purpose:
the whole law of what may follow on what is read in one place.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from logistics.network.network import Leg, Network
from logistics.verification.ledger import Floats, Ledger, Row, clearance_hours, names, number

State = tuple[str, ...]
StepKey = tuple[str, str, str, str, int, str, str, str]
"""action, site_id, to_site_id, service_id, stop_seq, via_id, option_id, channel."""

DECLARED_UNDER = {
    "direct": {"9610", "any"},
    "stocked": {"9810", "1210", "any"},
    "b2b": {"9710", "1039", "any"},
}
GATEWAYS = {"airport", "seaport", "rail_terminal", "road_hub"}
ENDS = {"cluster", "market"}
PACKING = {"loose": "packed", "loose_cleared": "packed_cleared"}
CLEARING = {"loose": "loose_cleared", "packed": "packed_cleared"}


@dataclass(frozen=True, slots=True)
class Move:
    """One legal step.

    Parameters
    ----------
    key
        The step as plans write it; action ``stay`` is not written.
    after
        State it leads to.
    money
        (item, CNY per tonne of each product).
    hours, variance_h2
        Duration and its variance.
    lead_h
        Part of the hours that counts in the replenishment lead time.
    customer_h
        Part of the hours that the customer waits.
    cycle_h
        Cycle stock that the move causes.
    co2_kg
        CO2e of a tonne, of each product where orders come back.
    uses
        (kind, id) of shared capacities; a service leg stands for its tonnes and its cubic metres.
    """

    key: StepKey
    after: State
    money: tuple[tuple[str, Floats], ...] = ()
    hours: float = 0.0
    variance_h2: float = 0.0
    lead_h: float = 0.0
    customer_h: float = 0.0
    cycle_h: float = 0.0
    co2_kg: Floats | float = 0.0
    uses: tuple[tuple[str, str], ...] = ()


class Rulebook:
    """Legal moves of one segment from given origins to given markets.

    Parameters
    ----------
    ledger
        Prices and hours of the year.
    segment
        direct, stocked or b2b.
    origins, markets
        Sites where demand of the segment and direction starts and ends.
    """

    def __init__(self, ledger: Ledger, segment: str, origins: set[str], markets: set[str]) -> None:
        self.ledger, self.segment = ledger, segment
        network = ledger.network
        self._sites = {name: row for name, row in ledger.sites.items() if row["status"] == "existing"}
        self.origins = {o for o in origins if o in self._sites}
        self.markets = {m for m in markets if m in self._sites}
        self._home = {str(ledger.sites[o]["customs_territory"]) for o in self.origins}
        self._entered = {str(ledger.sites[m]["customs_territory"]) for m in self.markets}
        self._services = {
            str(r["service_id"]): r for r in network.rows("services") if r["status"] == "existing"
        }
        self._stops = _stops_by_service(network)
        self._ways = _ways_by_leg(network, ledger)
        self._options = [
            r
            for r in network.rows("warehouse_options")
            if r["status"] == "existing" and number(r, "opening_year", ledger.year) <= ledger.year
        ]
        self._orders = ledger.orders_per_t(segment)
        self._returned = ledger.returned(segment)
        self._flat = np.ones(len(ledger.products))
        self._tariff_of: dict[str, Floats] = {}
        self._known: dict[State, dict[StepKey, Move]] = {}

    def moves(self, state: State) -> dict[StepKey, Move]:
        """Legal moves from `state` by their key."""
        if state not in self._known:
            generator = self._aboard(state) if state[0] == "aboard" else self._at_site(state)
            self._known[state] = {move.key: move for move in generator}
        return self._known[state]

    @staticmethod
    def start(origin: str) -> State:
        """State of cargo at its origin."""
        return ("site", origin, "loose")

    @staticmethod
    def end(market: str) -> State:
        """State of delivered cargo."""
        return ("site", market, "delivered")

    def _timed(self, hours: float, variance: float = 0.0) -> dict[str, Any]:
        """Hours on the way: lead time; the customer's own only where cargo is not stocked."""
        customer = 0.0 if self.segment == "stocked" else hours
        return {"hours": hours, "variance_h2": variance, "lead_h": hours, "customer_h": customer}

    # At a site ------------------------------------------------------------------------------------------

    def _at_site(self, state: State) -> Iterator[Move]:
        _, name, custody = state
        site = self._sites.get(name)
        if site is None or custody == "delivered":
            return
        kind, territory = str(site["kind"]), str(site["customs_territory"])
        if custody in PACKING and self._packs(site):
            fee = number(site, "consolidation_cny_per_m3") * self.ledger.m3_per_t()
            timed = self._timed(number(site, "consolidation_h"))
            yield Move(
                _key("consolidate", name),
                ("site", name, PACKING[custody]),
                (("consolidation", fee),),
                **timed,
            )
        if custody in CLEARING and kind not in ENDS and territory in self._home and self._declares(site):
            yield self._clear_export(site, "clear_export", CLEARING[custody])
        if (
            custody == "loose"
            and kind == "mail_exchange"
            and territory in self._home
            and "post" in self._regimes(site)
        ):
            yield self._clear_export(site, "clear_post", "mail_cleared")
        if custody in ("abroad", "mail_abroad"):
            yield from self._clear_import(site, custody)
        yield from self._drives(site, custody)
        yield from self._boards(site, custody)
        if custody == "imported" and self.segment == "stocked":
            yield from self._stores(name)
        yield from self._deliveries(site, custody)

    def _regimes(self, site: Row) -> set[str]:
        return set(names(site, "clearance_regimes"))

    def _declares(self, site: Row) -> bool:
        return site["kind"] != "mail_exchange" and bool(self._regimes(site) & DECLARED_UNDER[self.segment])

    def _packs(self, site: Row) -> bool:
        if site["consolidation_cny_per_m3"] is None or site["kind"] == "mail_exchange":
            return False
        if site["kind"] in ENDS:
            return self.segment != "direct" and site["site_id"] in self.origins
        return True

    def _clear_export(self, site: Row, action: str, after: str) -> Move:
        mean, variance = clearance_hours(str(site["clearance_open"]), number(site, "export_work_h"))
        name = str(site["site_id"])
        fee = self._flat * number(site, "clearance_cny_per_t")
        return Move(
            _key(action, name), ("site", name, after), (("clearance", fee),), **self._timed(mean, variance)
        )

    def _clear_import(self, site: Row, custody: str) -> Iterator[Move]:
        name, territory = str(site["site_id"]), str(site["customs_territory"])
        if territory not in self._entered:
            return
        if custody == "abroad" and not (site["kind"] in GATEWAYS and self._declares(site)):
            return
        if custody == "mail_abroad" and site["kind"] != "mail_exchange":
            return
        work = number(site, "import_parcel_h" if self.segment == "direct" else "import_formal_h")
        mean, variance = clearance_hours(str(site["clearance_open"]), work)
        after = "imported" if custody == "abroad" else "mail_imported"
        money = (("clearance", self._flat * number(site, "clearance_cny_per_t")), *self._taxes(territory))
        yield Move(_key("clear_import", name), ("site", name, after), money, **self._timed(mean, variance))

    def _taxes(self, territory: str) -> tuple[tuple[str, Floats], ...]:
        return tuple(self.ledger.border_taxes(territory, self.segment))

    # On the road ----------------------------------------------------------------------------------------

    def _drives(self, site: Row, custody: str) -> Iterator[Move]:
        sealed = custody.endswith("_cleared") and custody != "mail_cleared"
        name = str(site["site_id"])
        for end in self._drive_ends(site, custody):
            leg = None if end == name else self.ledger.road(name, end, sealed=sealed)
            if leg is None:
                continue
            money, hours, co2 = leg
            yield Move(
                _key("drive", name, end),
                ("site", end, custody),
                (("road", self._flat * money),),
                **self._timed(hours),
                co2_kg=co2,
                uses=(("site", end),),
            )

    def _drive_ends(self, site: Row, custody: str) -> list[str]:
        """Sites that cargo in `custody` may be driven to from `site`."""
        kind, territory, name = str(site["kind"]), str(site["customs_territory"]), str(site["site_id"])
        if custody == "loose" and name in self.origins:
            ends = [n for n, s in self._workplaces if s["customs_territory"] == territory]
            if self.segment == "direct":
                ends += [n for n, s in self._post_offices if s["customs_territory"] == territory]
            return ends
        if custody == "packed" and kind not in GATEWAYS and territory in self._home and self._packs(site):
            return [n for n, s in self._clearing_places if s["customs_territory"] == territory]
        if (
            custody in ("loose_cleared", "packed_cleared")
            and kind not in GATEWAYS
            and territory in self._home
        ):
            if kind in ENDS or not self._declares(site):
                return []
            recognised = set(names(site, "recognised_by"))
            return [
                n for n in self._gateways if n in recognised or (not recognised and kind != "cargo_station")
            ]
        if custody == "imported" and kind in GATEWAYS and self.segment == "stocked":
            stocks = {str(o["site_id"]) for o in self._options}
            return [
                n for n in stocks if n in self._sites and self._sites[n]["customs_territory"] == territory
            ]
        return []

    @cached_property
    def _places(self) -> list[tuple[str, Row]]:
        excluded = ENDS | {"overseas_warehouse", "mail_exchange"}
        return [(n, s) for n, s in self._sites.items() if s["kind"] not in excluded]

    @cached_property
    def _workplaces(self) -> list[tuple[str, Row]]:
        return [
            (n, s) for n, s in self._places if s["kind"] in GATEWAYS or self._declares(s) or self._packs(s)
        ]

    @cached_property
    def _clearing_places(self) -> list[tuple[str, Row]]:
        return [(n, s) for n, s in self._places if s["kind"] in GATEWAYS or self._declares(s)]

    @cached_property
    def _post_offices(self) -> list[tuple[str, Row]]:
        return [
            (n, s)
            for n, s in self._sites.items()
            if s["kind"] == "mail_exchange" and "post" in self._regimes(s)
        ]

    @cached_property
    def _gateways(self) -> list[str]:
        return [n for n, s in self._sites.items() if s["kind"] in GATEWAYS]

    # By scheduled service -------------------------------------------------------------------------------

    @cached_property
    def _calls(self) -> dict[str, list[tuple[str, int]]]:
        """Services and stop numbers by site, of services that this segment may use."""
        calls: dict[str, list[tuple[str, int]]] = {}
        for service, row in self._services.items():
            allowed = names(row, "segments")
            if (allowed and self.segment not in allowed) or (
                row["mode"] == "post" and self.segment != "direct"
            ):
                continue
            for seq, stop in enumerate(self._stops[service], 1):
                calls.setdefault(str(stop["site_id"]), []).append((service, seq))
        return calls

    def _domestic(self, service: str) -> bool:
        return (
            len({self.ledger.sites[str(s["site_id"])]["customs_territory"] for s in self._stops[service]})
            == 1
        )

    def _boards(self, site: Row, custody: str) -> Iterator[Move]:
        name = str(site["site_id"])
        for service, seq in self._calls.get(name, ()):
            row = self._services[service]
            if (service, seq + 1) not in self._ways:
                continue
            if row["mode"] == "post":
                aboard = "mail_abroad" if custody == "mail_cleared" else ""
            elif self._domestic(service):
                aboard = custody if custody in ("packed", "packed_cleared", "abroad", "imported") else ""
            else:
                aboard = "abroad" if custody in ("packed_cleared", "abroad") else ""
            if not aboard:
                continue
            headway = 168.0 / number(row, "departures_per_week")
            hours = number(site, "departure_h") + number(row, "booking_wait_h") + headway / 2
            spread = number(site, "departure_sd_h") ** 2 + headway**2 / 12
            yield Move(
                _key("board", name, service=service, seq=seq),
                ("aboard", service, str(seq), aboard, "departing"),
                (("handling", self._flat * number(site, "handling_cny_per_t")),),
                **self._timed(hours, spread),
                cycle_h=headway / 2 if self.segment == "stocked" else 0.0,
            )

    def _aboard(self, state: State) -> Iterator[Move]:
        _, service, text, custody, moment = state
        seq = int(text)
        stop = self._stops[service][seq - 1]
        name = str(stop["site_id"])
        if moment == "departing":
            for way in self._ways.get((service, seq + 1), ()):
                yield self._ride(service, way, custody)
            return
        site = self._sites.get(name)
        if site is not None:
            yield Move(
                _key("alight", name, service=service, seq=seq),
                ("site", name, custody),
                (("handling", self._flat * number(site, "handling_cny_per_t")),),
                **self._timed(number(site, "arrival_h"), number(site, "arrival_sd_h") ** 2),
                uses=(("site", name),),
            )
        if seq < len(self._stops[service]):
            after = ("aboard", service, text, custody, "departing")
            yield Move(
                _key("stay", name, service=service, seq=seq), after, **self._timed(number(stop, "dwell_h"))
            )

    def _ride(self, service: str, way: Leg, custody: str) -> Move:
        row = self._services[service]
        met = [self.ledger.passages[passage] for passage in way.passages]
        basis_km = row["tariff_basis"] == "tkm"
        part = (way.distance_km if basis_km else way.distance_share) * way.tariff_factor
        money = [
            ("tariff", part * self._tariffs(service)),
            ("subsidy", -self._flat * number(row, "subsidy_cny_per_t") * way.distance_share),
            ("passage_fee", self._flat * sum(number(p, "fee_cny_per_t") for p in met)),
        ]
        hours = way.run_h + sum(number(p, "transit_h") for p in met)
        spread = way.run_sd_h**2 + sum(number(p, "transit_sd_h") ** 2 for p in met)
        grams = row["co2_g_per_tkm"]
        factor = (
            number(self.ledger.modes[str(row["mode"])], "co2_g_per_tkm") if grams is None else float(grams)
        )
        return Move(
            _key("ride", way.from_site, way.to_site, service, way.to_seq, way.via_id),
            ("aboard", service, str(way.to_seq), custody, "arriving"),
            tuple(money),
            **self._timed(hours, spread),
            co2_kg=way.distance_km * factor / 1000.0,
            uses=(("service", f"{service}#{way.to_seq}"), *(("passage", p) for p in way.passages)),
        )

    def _tariffs(self, service: str) -> Floats:
        if service not in self._tariff_of:
            self._tariff_of[service] = self.ledger.tariff(self._services[service], self.segment)
        return self._tariff_of[service]

    # Into and out of stock, and to the door -------------------------------------------------------------

    def _stores(self, name: str) -> Iterator[Move]:
        for option in self._options:
            if option["site_id"] != name:
                continue
            lead, pick = number(option, "inbound_h"), number(option, "pick_h")
            fee = number(option, "inbound_cny_per_t") + number(option, "pick_cny_per_order") * self._orders
            key = _key("store", name, option=str(option["option_id"]))
            yield Move(
                key,
                ("site", name, "from_stock"),
                (("warehouse", fee), *self._back(number(option, "inbound_cny_per_t"))),
                hours=lead + pick,
                lead_h=lead,
                customer_h=pick,
                uses=(("warehouse", str(option["option_id"])),),
            )

    def _back(self, cny_per_t: Floats | float) -> tuple[tuple[str, Floats], ...]:
        """What orders that come back pay once more."""
        return (("returns", self._returned * cny_per_t),) if np.any(self._returned > 0) else ()

    def _deliveries(self, site: Row, custody: str) -> Iterator[Move]:
        sources = {"imported": self.segment, "from_stock": "stocked", "mail_imported": "post"}
        channel = sources.get(custody)
        if channel is None or (
            custody == "imported" and (self.segment == "stocked" or site["kind"] not in GATEWAYS)
        ):
            return
        name, territory = str(site["site_id"]), site["customs_territory"]
        for market in self.markets:
            mile = self.ledger.last_mile.get((market, channel))
            if mile is None or self._sites[market]["customs_territory"] != territory:
                continue
            if custody == "from_stock" and self._sites[market]["stocked_from"] not in ("", name):
                continue
            leg = self.ledger.road(name, market, sealed=False)
            if leg is None:
                continue
            money, hours, co2 = leg
            hours += number(mile, "delivery_h")
            fee = 1000.0 * number(mile, "cny_per_kg") + number(mile, "cny_per_order") * self._orders
            stocked = custody == "from_stock"
            bill = [("road", self._flat * money), ("last_mile", fee)]
            bill += self._back(money + fee) if stocked else ()
            yield Move(
                _key("deliver", name, market, channel=channel),
                self.end(market),
                tuple(bill),
                hours=hours,
                variance_h2=number(mile, "delivery_sd_h") ** 2,
                lead_h=0.0 if stocked else hours,
                customer_h=hours,
                co2_kg=co2 * (1.0 + self._returned) if stocked else co2,
            )


def _key(
    action: str,
    site: str,
    to_site: str = "",
    service: str = "",
    seq: int = 0,
    via: str = "",
    option: str = "",
    channel: str = "",
) -> StepKey:
    return (action, site, to_site, service, seq, via, option, channel)


def _stops_by_service(network: Network) -> dict[str, list[Row]]:
    stops: dict[str, list[Row]] = {}
    for row in sorted(
        network.rows("service_stops"), key=lambda row: (str(row["service_id"]), number(row, "seq"))
    ):
        stops.setdefault(str(row["service_id"]), []).append(row)
    return stops


def _ways_by_leg(network: Network, ledger: Ledger) -> dict[tuple[str, int], list[Leg]]:
    """Open ways of each leg between usable sites."""
    ways: dict[tuple[str, int], list[Leg]] = {}
    for leg in network.legs():
        shut = any(ledger.passages[p]["status"] == "closed" for p in leg.passages)
        usable = all(ledger.sites[s]["status"] == "existing" for s in (leg.from_site, leg.to_site))
        if usable and not shut:
            ways.setdefault((leg.service_id, leg.to_seq), []).append(leg)
    return ways
