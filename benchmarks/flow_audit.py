"""A second opinion on a solved flow from its instance's arrays.

It knows not the model's costs, graph or solver. For layers without stock, without limits on the whole plan
and without hard promises.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_matrix
from scipy.sparse.csgraph import dijkstra

from benchmarks.spec import Outcome
from logistics.models.flow.solved import SolvedFlow
from logistics.virtual_network.instance import Instance, Layer

Floats = NDArray[np.float64]
TOLERANCE = 1e-6
AGREEMENT = 1e-9


def audited_flow(instance: Instance, solved: SolvedFlow) -> Outcome:
    """Recompute balance, loads, value and bound; say what does not hold."""
    if any(layer.stocked for layer in instance.layers) or instance.limits:
        raise ValueError("this audit knows neither stock nor limits")
    complaints = _broken(instance, solved)
    value = None if complaints else _value(instance, solved)
    prices = solved.duals.resource
    if not np.all((prices >= 0) & np.isfinite(prices)):
        complaints.append("a price of capacity is negative or no number, so nothing is proven")
        return Outcome(value, None, None, False, tuple(complaints))
    bound = _bound(instance, solved)
    scale = max(1.0, abs(bound))
    if solved.bound > bound + AGREEMENT * scale:
        complaints.append(f"the prices prove a bound of {bound:.10g}, not {solved.bound:.10g}")
    if value is None:
        return Outcome(None, bound, None, False, tuple(complaints))
    if abs(value - solved.objective) > AGREEMENT * scale:
        complaints.append(f"the plan costs {value:.10g}, not {solved.objective:.10g}")
    if bound > value + TOLERANCE * scale:
        complaints.append(f"the bound {bound:.10g} contradicts the value {value:.10g}")
    gap = max(0.0, value - bound) / max(1.0, abs(value))
    return Outcome(value, bound, gap, not complaints, tuple(complaints))


def _arc_cost(instance: Instance, layer: Layer, product: int, time_value: float) -> Floats:
    """Cost of a tonne on each arc under the instance's weights."""
    w = instance.weights
    carrying = w.carrying * instance.products.carrying_cny_per_t_h[product]
    return np.asarray(
        w.money * layer.money_cny_per_t[:, product]
        + carrying * (layer.pipeline_h + layer.stock_h[:, product])
        + (w.customer_h + w.time_value * time_value) * layer.customer_h
        + w.co2_kg * layer.co2_kg_per_t[:, product]
    )


def _draw(instance: Instance, layer: Layer, product: int) -> tuple[NDArray[np.int64], Floats]:
    """Resource and amount a tonne of each use of an arc."""
    amount = np.where(layer.use_is_m3, instance.products.m3_per_t[product], 1.0)
    return layer.use_row.astype(np.int64), amount


def _broken(instance: Instance, solved: SolvedFlow) -> list[str]:
    """Paths that do not lead from origin to destination; amounts and loads that do not hold."""
    c, broken = instance.commodities, []
    load = np.zeros(len(instance.resources))
    served = np.zeros(len(c))
    arc_flow = {
        (number, product): np.zeros(layer.num_arcs)
        for number, layer in enumerate(instance.layers)
        for product in range(len(instance.products.ids))
    }
    for k, path, tonnes in zip(solved.commodity.tolist(), solved.path, solved.flow_t.tolist(), strict=True):
        layer = instance.layers[c.layer[k]]
        tail, head = layer.tail[path], layer.head[path]
        joined = len(path) > 0 and tail[0] == c.origin[k] and head[-1] == c.destination[k]
        if not joined or not np.array_equal(head[:-1], tail[1:]):
            broken.append(f"{c.demand_id[k]}: a path does not lead from its origin to its destination")
        if not 0 <= tonnes < np.inf:
            broken.append(f"{c.demand_id[k]}: {tonnes} t on a path")
        served[k] += tonnes
        np.add.at(arc_flow[int(c.layer[k]), int(c.product[k])], path, tonnes)
    for (number, product), flow in arc_flow.items():
        layer = instance.layers[number]
        row, amount = _draw(instance, layer, product)
        load += np.bincount(row, amount * flow[layer.use_arc], len(load))
    off = np.abs(served + solved.unserved_t - c.demand_t) > TOLERANCE * np.maximum(1.0, c.demand_t)
    off |= solved.unserved_t < 0
    if np.any(off):
        broken.append(f"{int(off.sum())} demand rows do not add up")
    full = load > instance.capacity + TOLERANCE * np.maximum(1.0, instance.capacity)
    if np.any(full):
        broken.append(f"{int(full.sum())} capacities are broken")
    left = float(solved.unserved_t.sum())
    if instance.unserved_cny_per_t is None and left > TOLERANCE * max(1.0, float(c.demand_t.sum())):
        broken.append(f"{left:g} t are not served")
    return broken


def _value(instance: Instance, solved: SolvedFlow) -> float:
    """Cost of the plan, prices of unserved demand included."""
    c = instance.commodities
    costs: dict[tuple[int, int, float], Floats] = {}
    total = 0.0
    for k, path, tonnes in zip(solved.commodity.tolist(), solved.path, solved.flow_t.tolist(), strict=True):
        key = (int(c.layer[k]), int(c.product[k]), float(c.time_value_cny_per_t_h[k]))
        if key not in costs:
            costs[key] = _arc_cost(instance, instance.layers[key[0]], key[1], key[2])
        per_t = instance.weights.money * c.constant_cny_per_t[k]
        total += tonnes * (float(costs[key][path].sum()) + float(per_t))
    price = 0.0 if instance.unserved_cny_per_t is None else np.asarray(instance.unserved_cny_per_t, float)
    return total + float(np.sum(price * solved.unserved_t))


def _bound(instance: Instance, solved: SolvedFlow) -> float:
    """Σ d·min(dist, price of unserved) − Σ C·price, with scipy's shortest paths at the prices of capacity."""
    c, prices = instance.commodities, solved.duals.resource
    dist = np.full(len(c), np.inf)
    usable = np.flatnonzero((c.origin >= 0) & (c.destination >= 0))
    groups: dict[tuple[int, int, float], list[int]] = {}
    for k in usable.tolist():
        key = (int(c.layer[k]), int(c.product[k]), float(c.time_value_cny_per_t_h[k]))
        groups.setdefault(key, []).append(k)
    for (number, product, time_value), members in groups.items():
        layer = instance.layers[number]
        row, amount = _draw(instance, layer, product)
        weight = _arc_cost(instance, layer, product, time_value)
        weight = weight + np.bincount(layer.use_arc, amount * prices[row], layer.num_arcs)
        graph = csr_matrix((weight, (layer.tail, layer.head)), shape=(layer.num_vertices,) * 2)
        if graph.nnz != layer.num_arcs:
            raise ValueError(f"layer {layer.name} has parallel arcs")
        origins, place = np.unique(c.origin[members], return_inverse=True)
        dist[members] = dijkstra(graph, indices=origins)[place, c.destination[members]]
    dist += instance.weights.money * c.constant_cny_per_t
    if instance.unserved_cny_per_t is not None:
        dist = np.minimum(dist, np.asarray(instance.unserved_cny_per_t, float))
    return float(c.demand_t @ dist - instance.capacity @ prices)
