"""Sites and modes as the layer builder looks at them: plain values by column, usable ones only."""

from __future__ import annotations

from dataclasses import dataclass

from logistics.network.network import Network
from logistics.network.tables import GATEWAY_KINDS, STOCK_KINDS
from logistics.network.windows import WindowDelay, parse_windows, window_delay

SEGMENT_REGIMES = {
    "direct": frozenset({"9610", "any"}),
    "stocked": frozenset({"9810", "1210", "any"}),
    "b2b": frozenset({"9710", "1039", "any"}),
}
"""Customs regimes under which a segment is declared; `any` stands for offices abroad."""


@dataclass(frozen=True)
class Site:
    """One usable row of sites.csv."""

    id: str
    kind: str
    land_region: str
    territory: str
    province: str
    lat: float
    lon: float
    handling_cny_per_t: float
    departure_h: float
    departure_sd_h: float
    arrival_h: float
    arrival_sd_h: float
    consolidation_cny_per_m3: float | None
    consolidation_h: float
    regimes: frozenset[str]
    clearance_cny_per_t: float
    export_work_h: float
    import_parcel_h: float
    import_formal_h: float
    clearance_open: str
    recognised_by: frozenset[str]
    throughput_t: float | None
    background_t: float
    stocked_from: str

    @property
    def gateway(self) -> bool:
        """Whether services of commercial cargo stop here."""
        return self.kind in GATEWAY_KINDS

    @property
    def stocks(self) -> bool:
        """Whether goods are held here."""
        return self.kind in STOCK_KINDS

    def clears(self, segment: str) -> bool:
        """Whether cargo of `segment` can be declared here; exchange offices declare post only."""
        return self.kind != "mail_exchange" and bool(self.regimes & SEGMENT_REGIMES[segment])

    def consolidates(self, segment: str) -> bool:
        """Whether containers or ULDs are built here; at a factory or shop only for stocked and b2b cargo."""
        if self.consolidation_cny_per_m3 is None or self.kind == "mail_exchange":
            return False
        return self.kind not in ("cluster", "market") or segment != "direct"

    def export_delay(self) -> WindowDelay:
        """Hours of an export declaration, waiting for opening included."""
        return window_delay(parse_windows(self.clearance_open), self.export_work_h)

    def import_delay(self, segment: str) -> WindowDelay:
        """Hours of import clearance: simplified for parcels, formal for stock and b2b."""
        work = self.import_parcel_h if segment == "direct" else self.import_formal_h
        return window_delay(parse_windows(self.clearance_open), work)


def usable_sites(network: Network) -> dict[str, Site]:
    """Sites with status `existing`, by id, in table order."""
    found = {}
    for row in network.rows("sites"):
        if row["status"] != "existing":
            continue
        text = {name: str(value) for name, value in row.items() if isinstance(value, str)}
        number = {name: float(value) for name, value in row.items() if isinstance(value, float | int)}
        found[text["site_id"]] = Site(
            id=text["site_id"],
            kind=text["kind"],
            land_region=text["land_region"],
            territory=text["customs_territory"],
            province=text["province"],
            lat=number["lat"],
            lon=number["lon"],
            handling_cny_per_t=number["handling_cny_per_t"],
            departure_h=number["departure_h"],
            departure_sd_h=number["departure_sd_h"],
            arrival_h=number["arrival_h"],
            arrival_sd_h=number["arrival_sd_h"],
            consolidation_cny_per_m3=number.get("consolidation_cny_per_m3"),
            consolidation_h=number["consolidation_h"],
            regimes=frozenset(text["clearance_regimes"].split("|")) - {""},
            clearance_cny_per_t=number["clearance_cny_per_t"],
            export_work_h=number["export_work_h"],
            import_parcel_h=number["import_parcel_h"],
            import_formal_h=number["import_formal_h"],
            clearance_open=text["clearance_open"],
            recognised_by=frozenset(text["recognised_by"].split("|")) - {""},
            throughput_t=number.get("throughput_t_per_year"),
            background_t=number["background_t_per_year"],
            stocked_from=text["stocked_from"],
        )
    return found
