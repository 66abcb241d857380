"""Arc costs of a layer under the instance's objective, product by product."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from logistics.virtual_network.instance import Instance, Layer

Floats = NDArray[np.float64]
Ints = NDArray[np.int32]


@dataclass(frozen=True)
class LayerCosts:
    """Costs of one layer's arcs per tonne.

    Parameters
    ----------
    fixed
        Part that does not depend on the customer's time value, shape (products, arcs).
    customer_h
        Customer hours, shape (arcs,).
    time_weight
        Weight of (time value × customer hours) in the objective.
    storage
        Weighted storage fee per tonne and hour behind each store arc, shape (store arcs, products).
    service
        Service factor with what pooling leaves of it, shape (store arcs, products).
    kappa
        Cost of safety stock per square root of h², shape (store arcs, products).
    stock_h
        Linear stock hours of arcs before the store arc, shape (products, arcs).
    spread_h2
        What an arc adds to w, 0 behind the warehouse, shape (products, arcs).
    """

    fixed: Floats
    customer_h: Floats
    time_weight: float
    storage: Floats
    service: Floats
    kappa: Floats
    stock_h: Floats
    spread_h2: Floats

    def of_class(self, product: int, time_value: float) -> Floats:
        """Cost of each arc for a product and time value, without storage of cycle stock and safety stock."""
        return np.asarray(self.fixed[product] + self.time_weight * time_value * self.customer_h)


def layer_costs(instance: Instance, layer: Layer) -> LayerCosts:
    """Costs of `layer` under the objective of `instance`."""
    weights, products = instance.weights, instance.products
    carrying = weights.carrying * products.carrying_cny_per_t_h
    fixed = (
        weights.money * layer.money_cny_per_t.T
        + carrying[:, None] * (layer.pipeline_h + layer.stock_h.T)
        + weights.customer_h * layer.customer_h
        + weights.co2_kg * layer.co2_kg_per_t.T
    )
    stock_h = layer.stock_h.T.copy()
    stock_h[:, layer.store_arc] = 0.0
    upstream = np.ones(layer.num_arcs)
    if layer.stocked:
        upstream[[step.action == "deliver" for step in layer.steps]] = 0.0
    storage = weights.money * layer.storage_cny_per_t_h.reshape(len(layer.store_arc), len(products.ids))
    pooling = layer.pooling if len(layer.pooling) else np.ones(len(layer.store_arc))
    service = pooling[:, None] * products.service_factor
    return LayerCosts(
        fixed=np.ascontiguousarray(fixed),
        customer_h=layer.customer_h,
        time_weight=weights.time_value,
        storage=storage,
        service=service,
        kappa=service * (carrying + storage),
        stock_h=stock_h,
        spread_h2=(layer.lead_h * products.cv2_h[:, None] + layer.variance_h2) * upstream,
    )


@dataclass(frozen=True)
class RowPrices:
    """Prices of the rows that all cargo shares, each ≥ 0.

    Parameters
    ----------
    resource
        CNY per unit of each resource, shape (resources,).
    limit
        Price of a unit of each limit's row, shape (limits,).
    """

    resource: Floats
    limit: Floats

    @classmethod
    def none(cls, instance: Instance) -> RowPrices:
        """All prices 0."""
        return cls(np.zeros(len(instance.resources)), np.zeros(len(instance.limits)))


class Dues:
    """What cargo pays for capacities and limits, arc by arc, at given prices.

    Parameters
    ----------
    instance
        The instance.
    prices
        Prices of its shared rows.

    Attributes
    ----------
    late
        What a tonne of each commodity pays on a path that misses its promise, inf: it may not, shape
        (commodities,).
    offset, unserved
        What it pays on any path, and what a tonne not served pays.
    """

    def __init__(self, instance: Instance, prices: RowPrices) -> None:
        self._instance = instance
        self._m3_per_t = instance.products.m3_per_t
        self._limit = prices.limit
        self._by_t: list[Floats] = []
        self._by_m3: list[Floats] = []
        for layer in instance.layers:
            paid = prices.resource[layer.use_row]
            by_m3 = np.where(layer.use_is_m3, paid, 0.0)
            self._by_t.append(np.bincount(layer.use_arc, paid - by_m3, layer.num_arcs).astype(float))
            self._by_m3.append(np.bincount(layer.use_arc, by_m3, layer.num_arcs).astype(float))
        number = len(instance.commodities)
        self.late = np.zeros(number)
        self.offset = np.zeros(number)
        self.unserved = np.zeros(number)
        for price, limit in zip(prices.limit, instance.limits, strict=True):
            self.offset += price * limit.offset
            self.unserved += price * limit.unserved
            if limit.measure == "late":
                self.late += price * limit.factor
        self.late = np.where(instance.commodities.promise_is_hard, np.inf, self.late)

    def of(self, layer: int, product: int, factor: tuple[float, ...]) -> Floats:
        """What a tonne of `product` pays on each arc of `layer`, shape (arcs,).

        Parameters
        ----------
        factor
            Weight of the commodity in each limit.
        """
        dues = np.asarray(self._by_t[layer] + self._m3_per_t[product] * self._by_m3[layer])
        arcs = self._instance.layers[layer]
        for price, limit, weight in zip(self._limit, self._instance.limits, factor, strict=True):
            paid = price * weight
            if paid == 0.0 or limit.measure == "late":
                continue
            if limit.measure == "money_cny":
                dues += paid * arcs.money_cny_per_t[:, product]
            elif limit.measure == "customer_h":
                dues += paid * arcs.customer_h
            elif limit.measure == "co2_kg":
                dues += paid * arcs.co2_kg_per_t[:, product]
            else:
                for marked_layer, marked in limit.marks:
                    if marked_layer == layer:
                        dues[marked] += paid
        return dues

    def on_money(self, factor: tuple[float, ...]) -> float:
        """What limits add to a CNY of the commodity's money."""
        rows = zip(self._limit, self._instance.limits, factor, strict=True)
        return float(sum(price * weight for price, limit, weight in rows if limit.measure == "money_cny"))


def limit_factors(instance: Instance) -> Floats:
    """Weight of each commodity in each limit, shape (commodities, limits)."""
    count = len(instance.commodities)
    return np.array([limit.factor for limit in instance.limits]).reshape(len(instance.limits), count).T
