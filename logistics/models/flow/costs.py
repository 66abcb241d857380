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
        + weights.co2_kg * layer.co2_kg_per_t
    )
    stock_h = layer.stock_h.T.copy()
    stock_h[:, layer.store_arc] = 0.0
    upstream = np.ones(layer.num_arcs)
    if layer.stocked:
        upstream[[step.action == "deliver" for step in layer.steps]] = 0.0
    storage = weights.money * layer.storage_cny_per_t_h.reshape(len(layer.store_arc), len(products.ids))
    return LayerCosts(
        fixed=np.ascontiguousarray(fixed),
        customer_h=layer.customer_h,
        time_weight=weights.time_value,
        storage=storage,
        kappa=products.service_factor * (carrying + storage),
        stock_h=stock_h,
        spread_h2=(layer.lead_h * products.cv2_h[:, None] + layer.variance_h2) * upstream,
    )


class CapacityPrices:
    """Prices of the resources as arc costs of each layer.

    Parameters
    ----------
    instance
        The instance.
    prices
        CNY per unit of each resource, ≥ 0, shape (resources,).
    """

    def __init__(self, instance: Instance, prices: Floats) -> None:
        self._m3_per_t = instance.products.m3_per_t
        self._by_t: list[Floats] = []
        self._by_m3: list[Floats] = []
        for layer in instance.layers:
            paid = prices[layer.use_row]
            by_m3 = np.where(layer.use_is_m3, paid, 0.0)
            self._by_t.append(np.bincount(layer.use_arc, paid - by_m3, layer.num_arcs).astype(float))
            self._by_m3.append(np.bincount(layer.use_arc, by_m3, layer.num_arcs).astype(float))

    def of(self, layer: int, product: int) -> Floats:
        """What a tonne of `product` pays on each arc of `layer`, shape (arcs,)."""
        return np.asarray(self._by_t[layer] + self._m3_per_t[product] * self._by_m3[layer])
