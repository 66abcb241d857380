"""Path columns of one year: what each costs, and what it draws on capacities, limits and links."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from logistics.models.design.links import Links
from logistics.models.design.pricing import LinkedPricer
from logistics.models.flow.columns import UseIndex, limit_draws, path_traits
from logistics.virtual_network.instance import Instance

Floats = NDArray[np.float64]
Ints = NDArray[np.int32]
Longs = NDArray[np.int64]


class YearColumns:
    """All paths of one year that were found so far.

    Parameters
    ----------
    instance, gates
        The year's instance, and its gated resource rows with their options.

    Attributes
    ----------
    commodity, cost
        Of each column; cost with border taxes, in the year's own money.
    path
        Arcs of each column.
    draw_column, draw_row, draw_amount
        Column ``draw_column[i]`` takes ``draw_amount[i]`` of shared row ``draw_row[i]`` a tonne; shared rows
        are the resources, then the limits.
    met_column, met_link
        Column ``met_column[i]`` meets link ``met_link[i]``; the number of a link is cut × groups + group.
    """

    def __init__(self, instance: Instance, gates: tuple[Ints, Ints]) -> None:
        self.instance = instance
        self.links = Links(instance, gates)
        self.pricer = LinkedPricer(instance, self.links)
        self._uses = UseIndex(instance)
        self.constant = instance.weights.money * instance.commodities.constant_cny_per_t
        self.commodity = np.zeros(0, np.int64)
        self.cost = np.zeros(0)
        self.path: list[Ints] = []
        self.draw_column, self.draw_row = np.zeros(0, np.int64), np.zeros(0, np.int64)
        self.draw_amount = np.zeros(0)
        self.met_column, self.met_link = np.zeros(0, np.int64), np.zeros(0, np.int64)
        self._known: set[tuple[int, bytes]] = set()

    def __len__(self) -> int:
        """Count the columns."""
        return len(self.path)

    def add(self, found: list[tuple[int, Ints]]) -> int:
        """Add paths, as (commodity, arcs), that are not there yet; returns how many."""
        by_layer: dict[int, list[tuple[int, Ints]]] = {}
        for commodity, path in found:
            key = (commodity, path.tobytes())
            if key not in self._known:
                self._known.add(key)
                layer = int(self.instance.commodities.layer[commodity])
                by_layer.setdefault(layer, []).append((commodity, path))
        before = len(self)
        for layer, items in by_layer.items():
            self._store(layer, np.array([k for k, _ in items]), [path for _, path in items])
        return len(self) - before

    def _store(self, number: int, members: Longs, paths: list[Ints]) -> None:
        c, first = self.instance.commodities, len(self)
        products, time_values = c.product[members], c.time_value_cny_per_t_h[members]
        layer, costs = self.instance.layers[number], self.pricer.paths.costs[number]
        traits = path_traits(self.instance, layer, costs, products, time_values, paths)
        draws = self._uses.draws(number, products, paths)
        counted = limit_draws(self.instance, number, members, traits, paths)
        place, cut = self.links.met(number, paths)
        self.commodity = np.concatenate([self.commodity, members])
        self.path += paths
        self.cost = np.concatenate([self.cost, traits.cost + self.constant[members]])
        num_resources = len(self.instance.resources)
        self.draw_column = np.concatenate([self.draw_column, draws.path + first, counted.path + first])
        self.draw_row = np.concatenate([self.draw_row, draws.row, counted.row + num_resources])
        self.draw_amount = np.concatenate([self.draw_amount, draws.amount, counted.amount])
        self.met_column = np.concatenate([self.met_column, place + first])
        link = cut * self.links.num_groups + self.links.group[members[place]]
        self.met_link = np.concatenate([self.met_link, link])
