"""Case of one year → :class:`Instance`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from logistics.limits import PlanLimit
from logistics.network.network import Network
from logistics.units import HOURS_PER_DAY, HOURS_PER_YEAR, KG_PER_T
from logistics.virtual_network.arcs import Arc, Vertex, packed_layer
from logistics.virtual_network.instance import (
    OBJECTIVES,
    Commodities,
    Floats,
    Instance,
    Layer,
    Products,
    Weights,
)
from logistics.virtual_network.layers import common_ground, layer_arcs
from logistics.virtual_network.limits import limits_of, marked_arcs, with_latest_hours
from logistics.virtual_network.resources import shared_resources
from logistics.virtual_network.tariffs import TariffUnits, border_tax_cny_per_t


class NegativeCost(ValueError):
    """A ride would pay its user; `service_id` and `product_id` name where."""

    def __init__(self, service_id: str, product_id: str, cny_per_t: float) -> None:
        super().__init__(f"{service_id}: {cny_per_t:g} CNY/t for {product_id}")
        self.service_id, self.product_id, self.cny_per_t = service_id, product_id, cny_per_t


@dataclass(frozen=True)
class _Row:
    """A demand row with its layer."""

    id: str
    layer: str
    origin: str
    destination: str
    product: int
    segment: str
    tonnes: float
    tier: str
    instead_of: str = ""


def direction_of(origin_territory: str, destination_territory: str, home: str) -> str:
    """Return ``export``, ``import`` or ``transit`` as seen from the home territory."""
    if origin_territory == home:
        return "export"
    return "import" if destination_territory == home else "transit"


def build_instance(
    network: Network,
    year: int,
    objective: str | Weights,
    unserved_cny_per_t: float | None = None,
    limits: Sequence[PlanLimit] = (),
    alternatives: Mapping[str, str] | None = None,
) -> Instance:
    """Compile the effective network of `year`.

    Parameters
    ----------
    network
        Effective network: values of the year and the scenario's changes.
    objective
        One of ``money``, ``hours``, ``co2``, ``generalised``, or weights.
    unserved_cny_per_t
        Price of unserved demand, or None: least unserved first.
    limits
        Limits on the whole plan.
    alternatives
        Demand rows, by id, in whose segment other rows may be served too. Both are of one tier.

    Raises
    ------
    NegativeCost
        When a subsidy is above the tariff it reduces.
    """
    resources, rows = shared_resources(network)
    ground = common_ground(network, year, rows)
    products = products_of(network)
    order_kg = {
        (str(r["product_id"]), str(r["segment"])): float(r["order_kg"])
        for r in network.rows("product_segments")
    }
    returns = {
        (str(r["product_id"]), str(r["segment"])): float(r["return_share"])
        for r in network.rows("product_segments")
    }
    demand = _demand_rows(network, products, alternatives or {})
    names = list(dict.fromkeys(row.layer for row in demand))
    layers: list[Layer] = []
    vertices: dict[str, dict[Vertex, int]] = {}
    marks: dict[int, dict[int, list[int]]] = {}
    storage = {str(o["option_id"]): float(o["storage_cny_per_m3_day"]) for o in ground.options}
    pooling = {str(o["option_id"]): pooling_factor(o) for o in ground.options}
    assortment = network.numbers("products", "assortment_stock_d") * HOURS_PER_DAY
    for name in names:
        segment = name.split("-", 1)[1]
        mine = [row for row in demand if row.layer == name]
        origins = list(dict.fromkeys(row.origin for row in mine))
        markets = list(dict.fromkeys(row.destination for row in mine))
        returned = np.array([returns.get((p, segment), 0.0) for p in products.ids])
        weights = np.array([order_kg.get((p, segment), np.nan) for p in products.ids])
        units = TariffUnits(network, weights)
        arcs = layer_arcs(ground, segment, origins, markets)
        _check_costs(arcs, units, products)
        copied = False
        if limits:
            starts: list[Vertex] = [("L0", origin) for origin in origins]
            arcs, copied = marked_arcs(arcs, ground, name.split("-", 1)[0], limits, starts)
        layer, vertices[name], marked = packed_layer(
            name, arcs, units, assortment, storage, returned, pooling
        )
        for number, limit in enumerate(limits):
            if copied and limit.flagged:
                marked.setdefault(number, [])
        marks[len(layers)] = marked
        layers.append(layer)
    tax = dict(
        zip(network.texts("demand", "demand_id"), border_tax_cny_per_t(network, order_kg), strict=True)
    )
    commodities = _commodities(network, demand, names, vertices, tax)
    fob_cny_per_t = network.numbers("products", "fob_cny_per_kg") * KG_PER_T
    return Instance(
        year,
        tuple(layers),
        resources,
        products,
        with_latest_hours(network, limits, commodities),
        OBJECTIVES[objective] if isinstance(objective, str) else objective,
        unserved_cny_per_t,
        limits_of(network, limits, commodities, names, fob_cny_per_t, marks),
    )


def pooling_factor(option: Mapping[str, Any]) -> float:
    """Factor on the safety stock of a warehouse: it falls with the root of the planned throughput."""
    pooled, planned = option["pooled_from_t_per_year"], option["planned_t_per_year"]
    return float(np.sqrt(pooled / planned)) if pooled and planned else 1.0


def products_of(network: Network) -> Products:
    """Goods of the network in the model's terms."""
    fob_cny_per_t = network.numbers("products", "fob_cny_per_kg") * KG_PER_T
    rate = network.numbers("products", "capital_rate_per_year") + network.numbers(
        "products", "obsolescence_per_year"
    )
    return Products(
        ids=tuple(network.texts("products", "product_id")),
        m3_per_t=KG_PER_T / network.numbers("products", "density_kg_per_m3"),
        carrying_cny_per_t_h=fob_cny_per_t * rate / HOURS_PER_YEAR,
        cv2_h=HOURS_PER_DAY * network.numbers("products", "demand_cv_daily") ** 2,
        service_factor=network.numbers("products", "service_factor"),
    )


def _demand_rows(network: Network, products: Products, alternatives: Mapping[str, str]) -> list[_Row]:
    territory = dict(
        zip(network.texts("sites", "site_id"), network.texts("sites", "customs_territory"), strict=True)
    )
    number = {name: i for i, name in enumerate(products.ids)}
    rows = network.rows("demand")
    wanted = {str(row["demand_id"]) for row in rows if float(row["tonnes_per_year"]) > 0}
    found = []
    for row in rows:
        origin, destination, segment = (str(row[k]) for k in ("origin_site", "destination_site", "segment"))
        tonnes = float(row["tonnes_per_year"])
        direction = direction_of(territory[origin], territory[destination], network.info.home_territory)
        one = _Row(
            id=str(row["demand_id"]),
            layer=f"{direction}-{segment}",
            origin=origin,
            destination=destination,
            product=number[str(row["product_id"])],
            segment=segment,
            tonnes=tonnes,
            tier=str(row["tier"]),
        )
        if tonnes > 0:
            found.append(one)
        if alternatives.get(one.id) in wanted:
            found.append(replace(one, tonnes=0.0, instead_of=alternatives[one.id]))
    return found


def _check_costs(arcs: list[Arc], units: TariffUnits, products: Products) -> None:
    for arc in arcs:
        if arc.step.action != "ride" or arc.cny_per_t >= 0:
            continue
        money = arc.cny_per_t + arc.cny_per_unit * units.per_t(arc.basis)
        worst = int(np.argmin(money))
        if money[worst] < 0:
            raise NegativeCost(arc.step.service_id, products.ids[worst], float(money[worst]))


def _commodities(
    network: Network,
    demand: list[_Row],
    names: list[str],
    vertices: dict[str, dict[Vertex, int]],
    tax: dict[str, float],
) -> Commodities:
    """Split each demand row by its tiers."""
    fob_cny_per_t: Floats = network.numbers("products", "fob_cny_per_kg") * KG_PER_T
    product_ids = network.texts("products", "product_id")
    tiers: dict[tuple[str, str], list[tuple[str, float, float]]] = {}
    for cells in network.rows("time_values"):
        key = (str(cells["product_id"]), str(cells["segment"]))
        tiers.setdefault(key, []).append(
            (str(cells["tier"]), float(cells["share"]), float(cells["value_share_per_day"]))
        )
    promises = {
        (str(r["product_id"]), str(r["segment"])): (
            np.inf if r["promise_d"] is None else float(r["promise_d"]) * HOURS_PER_DAY,
            bool(r["promise_is_hard"]),
        )
        for r in network.rows("product_segments")
    }
    columns: list[tuple[object, ...]] = []
    served: list[str] = []
    for row in demand:
        number = vertices[row.layer]
        origin, end = number.get(("L0", row.origin), -1), number.get(("M", row.destination), -1)
        for tier, share, value_per_day in tiers[(product_ids[row.product], row.segment)]:
            part = float(tier == row.tier) if row.tier else share
            if part > 0:
                served.append(row.instead_of)
                value = fob_cny_per_t[row.product] * value_per_day / HOURS_PER_DAY
                columns.append(
                    (
                        row.id,
                        tier,
                        names.index(row.layer),
                        origin,
                        end,
                        row.product,
                        value,
                        row.tonnes * part,
                        tax[row.id],
                        *promises[(product_ids[row.product], row.segment)],
                    )
                )
    parts = list(zip(*columns, strict=True)) if columns else [()] * 11
    number_of = {str(name): k for k, name in enumerate(parts[0]) if not served[k]}
    return Commodities(
        demand_id=tuple(str(c) for c in parts[0]),
        tier=tuple(str(c) for c in parts[1]),
        layer=np.array(parts[2], dtype=np.int32),
        origin=np.array(parts[3], dtype=np.int32),
        destination=np.array(parts[4], dtype=np.int32),
        product=np.array(parts[5], dtype=np.int32),
        time_value_cny_per_t_h=np.array(parts[6], dtype=float),
        demand_t=np.array(parts[7], dtype=float),
        constant_cny_per_t=np.array(parts[8], dtype=float),
        promise_h=np.array(parts[9], dtype=float),
        promise_is_hard=np.array(parts[10], dtype=bool),
        instead_of=np.array([number_of[other] if other else -1 for other in served], dtype=np.int32),
    )
