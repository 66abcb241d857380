"""Strong links of one year: where an option is closed, none of a group's cargo may pass its arcs."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from logistics.virtual_network.instance import Instance, Layer

Floats = NDArray[np.float64]
Ints = NDArray[np.int32]
Longs = NDArray[np.int64]
TRACE = 1e-12


@dataclass(frozen=True)
class Cut:
    """Arcs of one layer that need an option, of which no path takes two.

    Parameters
    ----------
    layer, option
        Numbers of both.
    arcs
        Arc numbers.
    rows
        Gated capacities that every one of these arcs draws on.
    """

    layer: int
    option: int
    arcs: Ints
    rows: Ints


class Links:
    """Groups of commodities, cuts of arcs, and how much of a group may pass a cut.

    A group shares its layer and product, in plain layers also its origin: paths of stocked cargo are searched
    backwards from warehouses, for all origins at once.

    Parameters
    ----------
    instance
        The year's instance.
    gates
        Its gated resource rows and their options.

    Attributes
    ----------
    cuts
        The cuts.
    group
        Group of each commodity, -1: it has no way at all, shape (commodities,).
    group_layer, group_product
        Of each group.
    cut_option
        Option of each cut.
    """

    def __init__(self, instance: Instance, gates: tuple[Ints, Ints]) -> None:
        self._instance = instance
        self.cuts: list[Cut] = list(_cuts(instance, gates))
        c = instance.commodities
        stocked = np.array([layer.stocked for layer in instance.layers], dtype=bool)
        usable = np.flatnonzero((c.origin >= 0) & (c.destination >= 0))
        origin = np.where(stocked[c.layer], -1, c.origin)
        keys = np.column_stack([c.layer, c.product, origin])[usable]
        found, place = np.unique(keys, axis=0, return_inverse=True)
        self.group = np.full(len(c), -1)
        self.group[usable] = place.ravel()
        self.group_layer, self.group_product = found[:, 0], found[:, 1]
        self._whole_t = np.bincount(place.ravel(), c.demand_t[usable], len(found))
        capacity = instance.capacity
        cubic = np.array([each.unit == "m3" for each in instance.resources], dtype=bool)
        self.cut_option = np.array([cut.option for cut in self.cuts], dtype=np.int64)
        self._room_t = np.array(
            [np.min(capacity[each.rows[~cubic[each.rows]]], initial=np.inf) for each in self.cuts]
        )
        self._room_m3 = np.array(
            [np.min(capacity[each.rows[cubic[each.rows]]], initial=np.inf) for each in self.cuts]
        )
        self._met: list[tuple[Longs, Longs]] = []
        for number, layer in enumerate(instance.layers):
            mine = [i for i, cut in enumerate(self.cuts) if cut.layer == number]
            arc = np.concatenate([self.cuts[i].arcs for i in mine] or [np.zeros(0, np.int32)])
            cut_number = np.repeat(mine, [len(self.cuts[i].arcs) for i in mine]).astype(np.int64)
            order = np.argsort(arc, kind="stable")
            counts = np.bincount(arc, minlength=layer.num_arcs)
            self._met.append((np.concatenate([[0], np.cumsum(counts)]), cut_number[order]))

    @property
    def num_groups(self) -> int:
        """Number of groups."""
        return len(self.group_layer)

    def met(self, layer: int, paths: Sequence[Ints]) -> tuple[Longs, Longs]:
        """(path, cut) of every cut that paths of a layer meet."""
        start, cut = self._met[layer]
        arc = np.concatenate(paths).astype(np.int64) if len(paths) else np.zeros(0, np.int64)
        path = np.repeat(np.arange(len(paths)), [len(each) for each in paths])
        count = np.diff(start)[arc]
        place = np.repeat(start[arc] - (np.cumsum(count) - count), count) + np.arange(count.sum())
        # A way that is no simple path may meet a cut twice; once is enough.
        pairs = np.unique(np.repeat(path, count) * max(1, len(self.cuts)) + cut[place])
        return pairs // max(1, len(self.cuts)), pairs % max(1, len(self.cuts))

    def most_t(self, cut: Longs, group: Longs) -> Floats:
        """Tonnes of groups that may pass open cuts: their demand, or what the option's capacities take."""
        m3_per_t = self._instance.products.m3_per_t[self.group_product[group]]
        room_m3 = self._room_m3[cut] / np.maximum(m3_per_t, TRACE)
        most: Floats = np.minimum(self._whole_t[group], np.minimum(self._room_t[cut], room_m3))
        return most

    def arc_prices(self, group: int, cuts: Longs, prices: Floats) -> Floats:
        """What a tonne of a group pays on each arc of its layer at prices of the links with these cuts."""
        paid = np.zeros(self._instance.layers[self.group_layer[group]].num_arcs)
        for cut, price in zip(cuts.tolist(), prices.tolist(), strict=True):
            paid[self.cuts[cut].arcs] += price
        return paid


def _cuts(instance: Instance, gates: tuple[Ints, Ints]) -> Iterator[Cut]:
    option_of = np.full(len(instance.resources), -1)
    option_of[gates[0]] = gates[1]
    for number, layer in enumerate(instance.layers):
        gated = np.flatnonzero(option_of[layer.use_row] >= 0)
        rows_by_arcs: dict[tuple[int, bytes], list[int]] = {}
        for row in np.unique(layer.use_row[gated]):
            arcs = np.unique(layer.use_arc[layer.use_row == row]).astype(np.int32)
            rows_by_arcs.setdefault((int(option_of[row]), arcs.tobytes()), []).append(int(row))
        for (option, data), rows in sorted(rows_by_arcs.items()):
            for arcs in _one_at_most(layer, np.frombuffer(data, np.int32)):
                yield Cut(number, option, arcs, np.array(rows, dtype=np.int32))


def _one_at_most(layer: Layer, arcs: Ints) -> list[Ints]:
    """Split arcs so that no path takes two of a part: all of a part leave, or all enter, one vertex."""
    if len(np.unique(layer.tail[arcs])) == 1 or len(np.unique(layer.head[arcs])) == 1:
        return [arcs]
    by_tail, by_head = np.unique(layer.tail[arcs]), np.unique(layer.head[arcs])
    ends = layer.tail if len(by_tail) < len(by_head) else layer.head
    return [arcs[ends[arcs] == vertex] for vertex in np.unique(ends[arcs])]
