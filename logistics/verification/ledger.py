"""Prices and hours from the tables, written a second time: what each thing costs a tonne of each product."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from logistics.network.network import Network

Floats = NDArray[np.float64]
Row = Mapping[str, Any]


def number(row: Row, name: str, missing: float = 0.0) -> float:
    """A cell as float; `missing` where it is blank."""
    value = row[name]
    return missing if value is None else float(value)


def keyed(network: Network, table: str, *columns: str) -> dict[tuple[str, ...], Row]:
    """Rows of a table by the text of some columns."""
    return {tuple(str(row[column]) for column in columns): row for row in network.rows(table)}


def names(row: Row, column: str) -> list[str]:
    """Items of a list cell."""
    return [item for item in str(row[column]).split("|") if item]


def week_gaps(text: str) -> tuple[list[float], list[float]]:
    """Closed gaps of the week in hours, and for each the open hours from Monday to its start.

    `text` is ``always`` or days and hours as in sites.csv; it was checked when the table was read.
    """
    days = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"]
    open_minutes = np.zeros(7 * 24 * 60, dtype=bool)
    if text.strip().lower() in ("always", "24h"):
        return [], []
    for part in text.lower().split(";"):
        span, times = part.split()
        first, _, last = span.partition("-")
        start, end = days.index(first), days.index(last or first)
        begin, finish = (60 * int(t.split(":")[0]) + int(t.split(":")[1]) for t in times.split("-"))
        for day in range(start, start + (end - start) % 7 + 1):
            base = (day % 7) * 24 * 60
            open_minutes[base + begin : base + finish] = True
    if open_minutes.all():
        return [], []
    change = np.flatnonzero(open_minutes != np.roll(open_minutes, 1))
    closing = [int(m) for m in change if not open_minutes[m]]
    gaps, opened = [], []
    for minute in closing:
        following = next((m for m in change if m > minute), change[0] + 7 * 24 * 60)
        gaps.append((int(following) - minute) / 60.0)
        opened.append(float(open_minutes[:minute].sum()) / 60.0)
    return gaps, opened


def clearance_hours(text: str, work_h: float) -> tuple[float, float]:
    """Mean hours from a random arrival to the end of `work_h` open hours, and the variance of the first wait.

    Counted gap by gap: an arrival in a gap waits half of it, then its work crosses each gap that starts
    within `work_h` open hours; an arrival while open crosses a gap with probability work/168.
    """
    gaps, opened = week_gaps(text)
    week = 168.0
    if not gaps:
        return work_h, 0.0
    weekly = week - sum(gaps)
    mean = work_h
    for gap, begin in zip(gaps, opened, strict=True):
        mean += gap * (gap / 2 + work_h) / week
        for other, start in zip(gaps, opened, strict=True):
            ahead = (start - begin) % weekly or weekly
            crossed = max(0, math.ceil((work_h - ahead) / weekly - 1e-12)) if work_h > ahead else 0
            mean += gap * other * crossed / week
    half = sum(gap**2 for gap in gaps) / 2 / week
    return mean, max(0.0, sum(gap**3 for gap in gaps) / 3 / week - half**2)


class Ledger:
    """Everything of one year's network that has a price, looked up by name.

    Parameters
    ----------
    network
        Effective network of the year.
    year
        Year whose exchange rates hold.
    """

    def __init__(self, network: Network, year: int) -> None:
        self.network, self.year = network, year
        self.products = network.texts("products", "product_id")
        self.density = network.numbers("products", "density_kg_per_m3")
        self.fob_cny_per_t = network.numbers("products", "fob_cny_per_kg") * 1000.0
        self.sites = {key[0]: row for key, row in keyed(network, "sites", "site_id").items()}
        self.regions = {key[0]: row for key, row in keyed(network, "land_regions", "land_region").items()}
        self.modes = {key[0]: row for key, row in keyed(network, "modes", "mode").items()}
        self.passages = {key[0]: row for key, row in keyed(network, "passages", "passage_id").items()}
        self._rules = keyed(network, "border_rules", "customs_territory", "product_id", "segment")
        self._taxes: dict[tuple[str, str], list[tuple[str, Floats]]] = {}
        self.last_mile = keyed(network, "last_mile", "site_id", "channel")
        self._rates = {
            str(r["currency"]): number(r, "cny_per_unit") for r in network.rows("fx") if r["year"] == year
        }
        self._order = {
            key: number(row, "order_kg")
            for key, row in keyed(network, "product_segments", "product_id", "segment").items()
        }

    def orders_per_t(self, segment: str) -> Floats:
        """Orders in a tonne of each product; 0 where the product is not sold that way."""
        weights = [self._order.get((product, segment)) for product in self.products]
        return np.array([1000.0 / weight if weight else 0.0 for weight in weights])

    def returned(self, segment: str) -> Floats:
        """Share of the orders of each product that come back to a warehouse."""
        shares = {
            row["product_id"]: number(row, "return_share")
            for row in self.network.rows("product_segments")
            if row["segment"] == segment == "stocked"
        }
        return np.array([shares.get(product, 0.0) for product in self.products])

    def m3_per_t(self) -> Floats:
        """Cubic metres of a tonne of each product."""
        return 1000.0 / self.density

    def tariff(self, service: Row, segment: str) -> Floats:
        """CNY for a tonne of each product on the whole run; for tkm tariffs, per km."""
        share = number(service, "contract_share")
        rate = number(service, "tariff_spot") * (1 - share) + number(service, "tariff_contract") * share
        if service["tariff_contract"] is None:
            rate = number(service, "tariff_spot")
        currency = str(service["tariff_currency"])
        cny = 1.0 if currency == "CNY" else self._rates[currency]
        basis, mode = str(service["tariff_basis"]), self.modes[str(service["mode"])]
        if basis == "tkm":
            return np.full(len(self.products), rate * cny)
        if basis == "item_plus_kg":
            return cny * (1000.0 * rate + number(service, "tariff_per_item") * self.orders_per_t(segment))
        if basis == "chargeable_kg":
            volumetric = number(mode, "volumetric_kg_per_m3")
            return rate * cny * np.maximum(1000.0, 1000.0 * volumetric / self.density)
        unit = "truck" if basis == "truck" else "teu"
        by_weight = number(mode, f"{unit}_payload_t", math.inf)
        by_volume = number(mode, f"{unit}_m3", math.inf) / self.m3_per_t()
        loads = np.minimum(by_weight, by_volume) * (2.0 if basis == "feu" else 1.0)
        return rate * cny / loads

    def border_taxes(self, territory: str, segment: str) -> list[tuple[str, Floats]]:
        """Duty, VAT and fee of a tonne of each product entering `territory`."""
        if (territory, segment) not in self._taxes:
            self._taxes[(territory, segment)] = self._computed_taxes(territory, segment)
        return self._taxes[(territory, segment)]

    def _computed_taxes(self, territory: str, segment: str) -> list[tuple[str, Floats]]:
        rules = self._rules
        duty, vat, fee = (np.zeros(len(self.products)) for _ in range(3))
        for i, product in enumerate(self.products):
            rule = rules.get((territory, product, segment)) or rules.get((territory, "*", segment))
            weight = self._order.get((product, segment))
            if rule is None or weight is None:
                continue
            value = self.fob_cny_per_t[i]
            worth = value * weight / 1000.0
            if worth > number(rule, "duty_threshold_cny"):
                duty[i] = value * number(rule, "duty_rate")
            if worth > number(rule, "vat_threshold_cny"):
                vat[i] = (value + duty[i]) * number(rule, "vat_rate")
            fee[i] = number(rule, "fee_cny_per_order") * 1000.0 / weight
        return [("duty", duty), ("vat", vat), ("border_fee", fee)]

    def carrying_cny_per_t_h(self) -> Floats:
        """Capital, insurance and obsolescence of a tonne per hour."""
        rate = self.network.numbers("products", "capital_rate_per_year")
        return (
            self.fob_cny_per_t * (rate + self.network.numbers("products", "obsolescence_per_year")) / 8760.0
        )

    def road(self, start: str, end: str, *, sealed: bool) -> tuple[float, float, float] | None:
        """CNY per tonne, hours and kg CO2e per tonne of a generated road leg; None where there is none."""
        a, b = self.sites[start], self.sites[end]
        region = self.regions[str(a["land_region"])]
        if a["land_region"] != b["land_region"]:
            return None
        phi, theta = math.radians(number(a, "lat")), math.radians(number(b, "lat"))
        turn = math.radians(number(b, "lon") - number(a, "lon"))
        chord = math.sin((theta - phi) / 2) ** 2 + math.cos(phi) * math.cos(theta) * math.sin(turn / 2) ** 2
        straight = 2 * 6371.0088 * math.asin(min(1.0, math.sqrt(chord)))
        if straight > number(region, "max_leg_km"):
            return None
        km = straight * number(region, "circuity")
        money = number(region, "fixed_cny_per_t") + number(region, "tariff_cny_per_tkm") * km
        money += number(region, "seal_cny_per_t") if sealed else 0.0
        hours = number(region, "fixed_h") + km / number(region, "speed_kmh")
        return (
            money,
            hours,
            km * number(self.modes["road"], "co2_g_per_tkm") / 1000.0 if "road" in self.modes else 0.0,
        )
