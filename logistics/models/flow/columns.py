"""Paths as columns: what each costs, takes and draws on, computed for many paths at once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from logistics.models.flow.costs import LayerCosts
from logistics.virtual_network.instance import Instance, Layer

Floats = NDArray[np.float64]
Ints = NDArray[np.int32]


@dataclass(frozen=True)
class PathTraits:
    """Figures of paths per tonne, one entry a path.

    Parameters
    ----------
    cost
        In the objective, without the commodity's constant.
    money_cny, carrying_cny, customer_h, pipeline_h, stock_h, co2_kg
        Parts reported apart; money includes storage of cycle and safety stock.
    """

    cost: Floats
    money_cny: Floats
    carrying_cny: Floats
    customer_h: Floats
    pipeline_h: Floats
    stock_h: Floats
    co2_kg: Floats


def path_traits(
    instance: Instance,
    layer: Layer,
    costs: LayerCosts,
    product: Ints,
    time_value: Floats,
    paths: Sequence[Ints],
) -> PathTraits:
    """Figures of `paths`, each the arcs of a way in `layer` for a product and time value."""
    count = len(paths)
    length = np.array([len(path) for path in paths])
    arc = np.concatenate(paths) if count else np.zeros(0, np.int32)
    path = np.repeat(np.arange(count), length)
    goods = product[path]

    def total(values: Floats) -> Floats:
        return np.bincount(path, values, count).astype(float)

    money = total(layer.money_cny_per_t[arc, goods])
    pipeline, customer = total(layer.pipeline_h[arc]), total(layer.customer_h[arc])
    stock = total(layer.stock_h[arc, goods])
    cost = total(costs.fixed[goods, arc]) + costs.time_weight * time_value * customer
    carrying_rate = instance.products.carrying_cny_per_t_h[product]
    if layer.stocked:
        number = np.full(layer.num_arcs, -1)
        number[layer.store_arc] = np.arange(len(layer.store_arc))
        store = np.full(count, -1)
        is_store = number[arc] >= 0
        store[path[is_store]] = number[arc[is_store]]
        cycle = total(costs.stock_h[goods, arc])
        safety = costs.service[store, product] * np.sqrt(total(costs.spread_h2[goods, arc]))
        money = money + layer.storage_cny_per_t_h[store, product] * (cycle + safety)
        cost = cost + costs.storage[store, product] * cycle
        cost = cost + (costs.storage[store, product] + instance.weights.carrying * carrying_rate) * safety
        stock = stock + safety
    return PathTraits(
        cost=cost,
        money_cny=money,
        carrying_cny=carrying_rate * (pipeline + stock),
        customer_h=customer,
        pipeline_h=pipeline,
        stock_h=stock,
        co2_kg=total(layer.co2_kg_per_t[arc, goods]),
    )


@dataclass(frozen=True)
class Draws:
    """What paths draw on resources: entry i, path ``path[i]`` takes ``amount[i]`` of ``row[i]`` a tonne."""

    path: NDArray[np.int64]
    row: NDArray[np.int64]
    amount: Floats


CANCELLED = 1e-12
LATE_H = 1e-6
"""Hours by which rounding alone may miss a promise."""


def limit_draws(
    instance: Instance, number: int, members: NDArray[np.int64], traits: PathTraits, paths: Sequence[Ints]
) -> Draws:
    """What paths of the commodities `members`, all in layer `number`, count in each limit.

    Rows are those of the limits, from 0; amounts may be negative.
    """
    count, c = len(paths), instance.commodities
    found: list[tuple[NDArray[np.int64], int, Floats]] = []
    for row, limit in enumerate(instance.limits):
        if limit.measure == "money_cny":
            measure = traits.money_cny
        elif limit.measure == "customer_h":
            measure = traits.customer_h
        elif limit.measure == "co2_kg":
            measure = traits.co2_kg
        elif limit.measure == "late":
            measure = (traits.customer_h > c.promise_h[members] + LATE_H).astype(float)
        else:
            marked = np.zeros(instance.layers[number].num_arcs)
            for layer, arcs in limit.marks:
                if layer == number:
                    marked[arcs] = 1.0
            measure = np.array([marked[path].sum() for path in paths])
        part, offset = limit.factor[members] * measure, limit.offset[members]
        amount = part + offset
        # What only rounding leaves of a difference is nothing.
        some = np.flatnonzero(np.abs(amount) > CANCELLED * (np.abs(part) + np.abs(offset)))
        found.append((some, row, amount[some]))
    if not found or not count:
        return Draws(np.zeros(0, np.int64), np.zeros(0, np.int64), np.zeros(0))
    return Draws(
        np.concatenate([some for some, _, _ in found]),
        np.concatenate([np.full(len(some), row) for some, row, _ in found]),
        np.concatenate([amount for _, _, amount in found]),
    )


class UseIndex:
    """Uses of each layer's arcs in compressed form, to add them up along paths."""

    def __init__(self, instance: Instance) -> None:
        self._instance = instance
        self._start: list[NDArray[np.int64]] = []
        self._row: list[NDArray[np.int64]] = []
        self._cubic: list[NDArray[np.bool_]] = []
        for layer in instance.layers:
            order = np.argsort(layer.use_arc, kind="stable")
            counts = np.bincount(layer.use_arc, minlength=layer.num_arcs)
            self._start.append(np.concatenate([[0], np.cumsum(counts)]))
            self._row.append(layer.use_row[order].astype(np.int64))
            self._cubic.append(layer.use_is_m3[order])

    def draws(self, layer: int, product: Ints, paths: Sequence[Ints]) -> Draws:
        """Add up what `paths` of `layer` draw; a resource met twice counts twice."""
        length = np.array([len(path) for path in paths], dtype=np.int64)
        arc = np.concatenate(paths).astype(np.int64) if len(paths) else np.zeros(0, np.int64)
        path = np.repeat(np.arange(len(paths)), length)
        first, count = self._start[layer][arc], np.diff(self._start[layer])[arc]
        use_path = np.repeat(path, count)
        offset = np.arange(count.sum()) - np.repeat(np.cumsum(count) - count, count)
        use = np.repeat(first, count) + offset
        row = self._row[layer][use]
        per_t = np.where(self._cubic[layer][use], self._instance.products.m3_per_t[product[use_path]], 1.0)
        num_rows = len(self._instance.resources)
        key, place = np.unique(use_path * num_rows + row, return_inverse=True)
        amount = np.bincount(place, per_t, len(key)).astype(float)
        return Draws(key // num_rows, key % num_rows, amount)


def loads_of(instance: Instance, commodity: Ints, paths: Sequence[Ints], tonnes: Floats) -> Floats:
    """Tonnes and cubic metres that flows on paths draw on each resource, shape (resources,)."""
    index, c = UseIndex(instance), instance.commodities
    load = np.zeros(len(instance.resources))
    for layer in range(len(instance.layers)):
        mine = np.flatnonzero(c.layer[commodity] == layer)
        if len(mine):
            draws = index.draws(layer, c.product[commodity[mine]], [paths[i] for i in mine.tolist()])
            load += np.bincount(draws.row, draws.amount * tonnes[mine][draws.path], len(load))
    return load
