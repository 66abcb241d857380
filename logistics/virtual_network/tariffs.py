"""What a tonne of each product costs on each tariff basis."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from logistics.network.network import Network
from logistics.units import KG_PER_T, TEU_PER_FEU
from logistics.virtual_network.instance import Floats

NONE = ("none", "")
M3 = ("m3", "")
ORDER = ("order", "")
Basis = tuple[str, str]


class TariffUnits:
    """Units charged per tonne: ``units[basis]`` is an array over products.

    A basis is (name, mode): chargeable_kg, teu, feu and truck depend on the mode's figures; ``order``, m3
    and none do not.

    Parameters
    ----------
    network
        The network of one year.
    order_kg
        Mean weight of an order by product, for the segment at hand; NaN where the segment has none.
    """

    def __init__(self, network: Network, order_kg: Floats) -> None:
        density = network.numbers("products", "density_kg_per_m3")
        self.num_products = len(density)
        self._density = density
        self._modes: Mapping[str, Mapping[str, Any]] = {str(r["mode"]): r for r in network.rows("modes")}
        self.m3_per_t = KG_PER_T / density
        self._known: dict[Basis, Floats] = {
            NONE: np.zeros(len(density)),
            M3: self.m3_per_t,
            ORDER: np.nan_to_num(KG_PER_T / order_kg),
        }

    def per_t(self, basis: Basis) -> Floats:
        """Units of `basis` in a tonne of each product, shape (products,)."""
        if basis not in self._known:
            self._known[basis] = self._compute(*basis)
        return self._known[basis]

    def _compute(self, name: str, mode: str) -> Floats:
        if name == "chargeable_kg":
            volumetric = self._figure(mode, "volumetric_kg_per_m3", 0.0)
            return KG_PER_T * np.maximum(1.0, volumetric / self._density)
        if name in ("teu", "feu"):
            tonnes = self._load_t(mode, "teu_payload_t", "teu_m3")
            return 1.0 / (tonnes * (TEU_PER_FEU if name == "feu" else 1.0))
        if name == "truck":
            return 1.0 / self._load_t(mode, "truck_payload_t", "truck_m3")
        if name in ("item_plus_kg", "tkm"):
            return np.full(self.num_products, KG_PER_T if name == "item_plus_kg" else 1.0)
        raise ValueError(name)

    def _load_t(self, mode: str, payload: str, volume: str) -> Floats:
        """Tonnes of each product that one unit can hold: by weight or by volume, whichever is less."""
        heavy = self._figure(mode, payload, np.inf)
        return np.minimum(heavy, self._figure(mode, volume, np.inf) * self._density / KG_PER_T)

    def _figure(self, mode: str, column: str, missing: float) -> float:
        value = self._modes[mode][column]
        return missing if value is None else float(value)


def effective_tariff(row: Mapping[str, Any], cny_per_unit: float) -> float:
    """CNY per unit of the basis: contract and spot by their shares."""
    spot = float(row["tariff_spot"])
    contract = row["tariff_contract"]
    share = float(row["contract_share"])
    if contract is None:
        return spot * cny_per_unit
    return (share * float(contract) + (1.0 - share) * spot) * cny_per_unit


def exchange_rates(network: Network, year: int) -> dict[str, float]:
    """CNY for one unit of each currency in `year`."""
    rates = {"CNY": 1.0}
    rates.update(
        {str(r["currency"]): float(r["cny_per_unit"]) for r in network.rows("fx") if r["year"] == year}
    )
    return rates


def border_tax_cny_per_t(network: Network, order_kg: Mapping[tuple[str, str], float]) -> list[float]:
    """Duty, VAT and clearance fee per tonne of each demand row, from the rules of the territory entered.

    Duty is a share of FOB value when the order's value is above the duty threshold; VAT is a share of value
    plus duty when it is above the VAT threshold; the fee is per order.
    """
    rules = {
        (str(r["customs_territory"]), str(r["product_id"]), str(r["segment"])): r
        for r in network.rows("border_rules")
    }
    territory = dict(
        zip(network.texts("sites", "site_id"), network.texts("sites", "customs_territory"), strict=True)
    )
    fob = dict(
        zip(
            network.texts("products", "product_id"),
            network.numbers("products", "fob_cny_per_kg"),
            strict=True,
        )
    )
    taxes = []
    for row in network.rows("demand"):
        entered = territory[str(row["destination_site"])]
        product, segment = str(row["product_id"]), str(row["segment"])
        rule = rules.get((entered, product, segment)) or rules[(entered, "*", segment)]
        weight = order_kg[(product, segment)]
        order_value = fob[product] * weight
        duty = _number(rule, "duty_rate") if order_value > _number(rule, "duty_threshold_cny") else 0.0
        vat = _number(rule, "vat_rate") if order_value > _number(rule, "vat_threshold_cny") else 0.0
        fee = _number(rule, "fee_cny_per_order") * KG_PER_T / weight
        taxes.append(fob[product] * KG_PER_T * (duty + vat * (1.0 + duty)) + fee)
    return taxes


def _number(row: Mapping[str, Any], column: str) -> float:
    return float(row[column])
