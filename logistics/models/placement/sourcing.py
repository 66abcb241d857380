"""Single sourcing: which place serves each market from stock, as doors that are open or shut.

A door leads from a place that holds stock to a market. It is a resource that never fills up, so that shutting
it is all it does; where each market has one open door, its stocked cargo comes from one place alone.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from logistics.virtual_network.instance import Instance, Layer, Resource

Ints = NDArray[np.int64]
NONE = -1
DOOR = "door"
Doors = dict[tuple[str, str], int]


@dataclass(frozen=True)
class Sourcing:
    """Places with stock, markets, and the doors between them.

    Parameters
    ----------
    places, markets
        Site ids.
    market
        Market of each commodity by year, -1: it has none, as it is not stocked; shapes (commodities,).
    door
        Resource of each door by year, -1: there is none; shapes (places, markets).
    store_place
        Place of each store arc by year and layer number.
    """

    places: tuple[str, ...]
    markets: tuple[str, ...]
    market: tuple[Ints, ...]
    door: tuple[Ints, ...]
    store_place: tuple[dict[int, Ints], ...]


def with_doors(instances: Sequence[Instance]) -> tuple[tuple[Instance, ...], Sourcing]:
    """The instances of some years with a door at each delivery from stock, and what they mean."""
    found = [_doors_of(instance) for instance in instances]
    places = sorted({place for _, doors in found for place, _ in doors})
    markets = sorted({market for _, doors in found for _, market in doors})
    number = {name: i for i, name in enumerate(places)}
    column = {name: i for i, name in enumerate(markets)}
    rows, members, stores = [], [], []
    for one, doors in found:
        row = np.full((len(places), len(markets)), NONE, np.int64)
        for (place, market), resource in doors.items():
            row[number[place], column[market]] = resource
        rows.append(row)
        members.append(_markets_of(one, column))
        stores.append(
            {
                k: np.array([number.get(layer.steps[arc].site_id, NONE) for arc in layer.store_arc], np.int64)
                for k, layer in enumerate(one.layers)
                if layer.stocked
            }
        )
    sourcing = Sourcing(tuple(places), tuple(markets), tuple(members), tuple(rows), tuple(stores))
    return tuple(one for one, _ in found), sourcing


def _doors_of(instance: Instance) -> tuple[Instance, Doors]:
    """An instance with its doors, and their resources."""
    doors: Doors = {}
    layers: list[Layer] = []
    first = len(instance.resources)
    for layer in instance.layers:
        arcs, rows = [], []
        for arc, step in enumerate(layer.steps) if layer.stocked else ():
            if step.action == "deliver":
                arcs.append(arc)
                rows.append(doors.setdefault((step.site_id, step.to_site_id), first + len(doors)))
        layers.append(
            replace(
                layer,
                use_arc=np.concatenate([layer.use_arc, np.array(arcs, np.int32)]),
                use_row=np.concatenate([layer.use_row, np.array(rows, np.int32)]),
                use_is_m3=np.concatenate([layer.use_is_m3, np.zeros(len(arcs), bool)]),
            )
        )
    room = 2.0 * max(1.0, float(instance.commodities.demand_t.sum()))
    made = tuple(Resource(DOOR, f"{place}>{market}", "t", room) for place, market in doors)
    return replace(instance, layers=tuple(layers), resources=(*instance.resources, *made)), doors


def _markets_of(instance: Instance, column: dict[str, int]) -> Ints:
    """Market of each stocked commodity."""
    c = instance.commodities
    market = np.full(len(c), NONE, np.int64)
    for number, layer in enumerate(instance.layers):
        if not layer.stocked:
            continue
        at = {
            int(layer.head[arc]): column[step.to_site_id]
            for arc, step in enumerate(layer.steps)
            if step.action == "deliver"
        }
        for k in np.flatnonzero(c.layer == number).tolist():
            market[k] = at.get(int(c.destination[k]), NONE)
    return market
