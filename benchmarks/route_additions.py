"""Generated networks with many proposed routes, there and back, for the worth of each.

The network is that of :mod:`benchmarks.capacitated_flow`. A proposal joins two sites of a mode both ways with
one capacity each way; tariffs and hours are those of the mode, so some proposals relieve scarce services and
others change nothing.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from benchmarks.capacitated_flow import MODES, SIZES, built
from logistics.models.routes.union import BASE, UnionInstance
from logistics.virtual_network.instance import Instance, Layer, Resource, Step

Floats = NDArray[np.float64]
Ints = NDArray[np.int32]


def proposed(size: str, seed: int, count: int) -> UnionInstance:
    """Generate a network and `count` proposals.

    Parameters
    ----------
    size
        ``T`` or ``S``, see :data:`benchmarks.capacitated_flow.SIZES`.
    seed
        Same size and seed: same network and proposals.
    """
    instance = built(size, seed)
    random = np.random.default_rng([seed, SIZES[size].num_sites, count])
    layer = instance.layers[0]
    ride = _ends(layer)
    mode = random.choice(len(MODES), count, p=[m.share for m in MODES.values()]).astype(np.int32)
    # Ends are drawn among those of services of about the mode's price a kilometre, so reach is realistic.
    like = random.integers(len(ride), size=count)
    start = layer.tail[ride[like]]
    end = layer.head[ride[random.permutation(like)]]
    end = np.where(start == end, (end + 1) % SIZES[size].num_sites, end)
    return _union(instance, random, start, end, mode, layer, ride)


def _ends(layer: Layer) -> Ints:
    """Arcs of services with a capacity."""
    return np.unique(layer.use_arc)


def _union(
    instance: Instance,
    random: np.random.Generator,
    start: Ints,
    end: Ints,
    mode: Ints,
    layer: Layer,
    ride: Ints,
) -> UnionInstance:
    """Append a boarding and a riding arc each way for each proposal."""
    count = len(start)
    kinds = list(MODES.values())
    # Kilometres are not kept in the instance: emissions of arcs are proportional to them.
    reach = layer.co2_kg_per_t[ride, 0] / 0.08
    kilometres = random.choice(reach, count) * random.uniform(0.8, 1.6, count)
    money = np.array([kinds[m].fixed_cny_per_t for m in mode])
    money += np.array([kinds[m].cny_per_tkm for m in mode]) * kilometres
    hours = np.array([kinds[m].fixed_h for m in mode]) + kilometres / np.array(
        [kinds[m].km_per_h for m in mode]
    )
    capacity = np.round(
        random.choice([r.capacity for r in instance.resources], count) * random.uniform(0.5, 1.5, count), 1
    )
    number = np.repeat(np.arange(count, dtype=np.int32), 4)
    middle = layer.num_vertices + np.arange(2 * count, dtype=np.int32).reshape(count, 2)
    tail = np.column_stack([start, middle[:, 0], end, middle[:, 1]]).ravel().astype(np.int32)
    head = np.column_stack([middle[:, 0], end, middle[:, 1], start]).ravel().astype(np.int32)
    rides = np.arange(layer.num_arcs, layer.num_arcs + 4 * count, dtype=np.int32).reshape(count, 4)[:, [1, 3]]
    rows = len(instance.resources) + np.arange(2 * count, dtype=np.int32)

    def on_rides(values: Floats) -> Floats:
        spread = np.zeros((count, 4))
        spread[:, [1, 3]] = values[:, None]
        return spread.ravel()

    steps = tuple(
        Step(action, f"site-{a}", f"site-{b}", service_id=f"proposal-{j}-{way}")
        for j, (s, e) in enumerate(zip(start.tolist(), end.tolist(), strict=True))
        for way, a, b in (("out", s, e), ("back", e, s))
        for action in ("board", "ride")
    )
    zeros = np.zeros(4 * count)
    joined = replace(
        layer,
        num_vertices=layer.num_vertices + 2 * count,
        tail=np.concatenate([layer.tail, tail]),
        head=np.concatenate([layer.head, head]),
        money_cny_per_t=np.concatenate([layer.money_cny_per_t, on_rides(money)[:, None]]),
        pipeline_h=np.concatenate([layer.pipeline_h, on_rides(hours)]),
        customer_h=np.concatenate([layer.customer_h, on_rides(hours)]),
        lead_h=np.concatenate([layer.lead_h, zeros]),
        variance_h2=np.concatenate([layer.variance_h2, zeros]),
        stock_h=np.concatenate([layer.stock_h, zeros[:, None]]),
        co2_kg_per_t=np.concatenate([layer.co2_kg_per_t, on_rides(0.08 * kilometres)[:, None]]),
        use_arc=np.concatenate([layer.use_arc, rides.ravel()]),
        use_row=np.concatenate([layer.use_row, rows]),
        use_is_m3=np.concatenate([layer.use_is_m3, np.zeros(2 * count, bool)]),
        steps=layer.steps + steps,
    )
    names = tuple(f"proposal-{j}" for j in range(count))
    resources = instance.resources + tuple(
        Resource("service", f"proposal-{j}-{way}", "t", float(capacity[j]))
        for j in range(count)
        for way in ("out", "back")
    )
    part = np.concatenate([np.full(layer.num_arcs, BASE, np.int32), number])
    row_part = np.concatenate(
        [np.full(len(instance.resources), BASE, np.int32), np.repeat(np.arange(count, dtype=np.int32), 2)]
    )
    whole = replace(instance, layers=(joined,), resources=resources)
    return UnionInstance(whole, names, (part,), row_part)
