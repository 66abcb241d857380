"""Risk pooling: safety stock that grows with the root of a warehouse's throughput.

Per tonne it falls with sqrt(nominal / v) for throughput v, so what a warehouse holds for chance costs
s·sqrt(nominal·v), concave in v. The line from 0 to the most that can go through lies below it: flows with
the factor there bound every plan. A plan itself is priced exactly, its stock planned for what goes through.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np

from logistics.models.flow.columns import loads_of
from logistics.models.flow.costs import layer_costs
from logistics.models.flow.solved import SolvedFlow
from logistics.virtual_network.instance import Instance, Layer

LEAST_T = 1e-6
"""Throughput from which on stock is planned."""
Tonnes = dict[str, float]


@dataclass(frozen=True)
class Pooling:
    """Warehouses whose safety stock depends on their throughput.

    Parameters
    ----------
    nominal_t
        Throughput at which the products' variation holds, by option.
    most_t
        What can go through each at most, by year and option.
    """

    nominal_t: Mapping[str, float]
    most_t: tuple[Mapping[str, float], ...]


def planned_for(instance: Instance, pooling: Pooling, planned_t: Mapping[str, float]) -> Instance:
    """The instance with safety stock planned for a throughput; other options stay as they are."""
    layers = (_replanned(layer, pooling, planned_t) if layer.stocked else layer for layer in instance.layers)
    return replace(instance, layers=tuple(layers))


def _replanned(layer: Layer, pooling: Pooling, planned_t: Mapping[str, float]) -> Layer:
    factor = layer.pooling.copy() if len(layer.pooling) else np.ones(len(layer.store_arc))
    for store, arc in enumerate(layer.store_arc.tolist()):
        option = layer.steps[arc].option_id
        if option in planned_t and option in pooling.nominal_t:
            factor[store] = np.sqrt(pooling.nominal_t[option] / planned_t[option])
    return replace(layer, pooling=factor)


def throughput(instance: Instance, flow: SolvedFlow) -> Tonnes:
    """Tonnes through each warehouse, by option; those without any are left out."""
    load = loads_of(instance, flow.commodity, flow.path, flow.flow_t)
    return {
        resource.id: float(load[row])
        for row, resource in enumerate(instance.resources)
        if resource.kind == "warehouse" and resource.unit == "t" and load[row] > LEAST_T
    }


def safety_cost(instance: Instance, flow: SolvedFlow) -> Tonnes:
    """What safety stock costs in the objective, by option, with the factors of the instance."""
    c, found = instance.commodities, Tonnes()
    for number, layer in enumerate(instance.layers):
        mine = np.flatnonzero(c.layer[flow.commodity] == number) if layer.stocked else ()
        costs = layer_costs(instance, layer)
        store_of = {int(arc): store for store, arc in enumerate(layer.store_arc)}
        for i in mine:
            path, product = flow.path[i], int(c.product[flow.commodity[i]])
            store = next(store_of[arc] for arc in path.tolist() if arc in store_of)
            option = layer.steps[layer.store_arc[store]].option_id
            spread = float(costs.spread_h2[product][path].sum())
            cost = float(flow.flow_t[i]) * float(costs.kappa[store, product]) * np.sqrt(spread)
            found[option] = found.get(option, 0.0) + cost
    return found


def exactly_priced(
    instance: Instance, pooling: Pooling, flow: SolvedFlow, planned_t: Mapping[str, float]
) -> SolvedFlow:
    """A flow at what it costs with its stock planned for its own throughput.

    Parameters
    ----------
    planned_t
        Throughput by option for which stock was planned when it was solved.
    """
    drawn = throughput(instance, flow)
    more = 0.0
    for option, cost in safety_cost(planned_for(instance, pooling, planned_t), flow).items():
        if option in pooling.nominal_t and option in drawn:
            more += cost * (np.sqrt(planned_t[option] / drawn[option]) - 1.0)
    return replace(flow, objective=flow.objective + more)
