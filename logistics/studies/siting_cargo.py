"""What cargo that goes through a candidate costs, how long it takes and what it ties up."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from logistics.models.flow.columns import path_traits
from logistics.models.flow.costs import layer_costs
from logistics.models.flow.solved import SolvedFlow
from logistics.network.network import Network
from logistics.studies.siting_candidates import Candidate
from logistics.units import HOURS_PER_YEAR
from logistics.virtual_network.instance import Instance, Ints

Floats = NDArray[np.float64]
DAYS = (1, 2, 3)


@dataclass(frozen=True)
class Served:
    """A year's cargo through one candidate, or through all.

    Parameters
    ----------
    tonnes, orders
        What is served; cargo in bulk has no orders.
    money_cny_per_kg, money_cny_per_order
        Mean landed cost: freight, fees, duty, tax, storage and delivery, without the candidate's own fixed
        cost; None: there are no orders.
    days_p50, days_p90
        Customers' days, by orders, or by tonnes where there are none.
    value_within
        Share of the FOB value that arrives within 1, 2 and 3 days.
    stock_cny
        FOB value of the stock it ties up, on the mean.
    co2_kg_per_t
        Emissions from door to door.
    """

    tonnes: float
    orders: float
    money_cny_per_kg: float
    money_cny_per_order: float | None
    days_p50: float
    days_p90: float
    value_within: tuple[float, float, float]
    stock_cny: float
    co2_kg_per_t: float


class CargoReader:
    """Reads figures of cargo from paths of one instance.

    Of stocked cargo; where facilities are candidates, or cargo may be sold directly instead, of all.

    Parameters
    ----------
    network, instance
        The network of the year and its arrays.
    candidates
        What is to be read apart.
    """

    def __init__(self, network: Network, instance: Instance, candidates: Sequence[Candidate]) -> None:
        self._instance = instance
        every = any(one.is_facility for one in candidates) or bool(
            np.any(instance.commodities.instead_of >= 0)
        )
        self._costs = {
            n: layer_costs(instance, layer)
            for n, layer in enumerate(instance.layers)
            if layer.stocked or every
        }
        fob = {str(row["product_id"]): 1e3 * float(row["fob_cny_per_kg"]) for row in network.rows("products")}
        self._value_per_t = np.array([fob[name] for name in instance.products.ids])
        order_kg = {
            (str(row["product_id"]), str(row["segment"])): float(row["order_kg"])
            for row in network.rows("product_segments")
            if row["order_kg"] is not None
        }
        segments = [layer.name.split("-", 1)[1] for layer in instance.layers]
        self._orders_per_t = np.array(
            [
                [1e3 / order_kg.get((name, segment), np.inf) for name in instance.products.ids]
                for segment in segments
            ]
        )
        row_of = {(r.kind, r.id): row for row, r in enumerate(instance.resources) if r.unit == "t"}
        # A warehouse is passed where its store is, a site wherever its throughput is used.
        self._arcs = {
            one.id: [
                set(layer.use_arc[layer.use_row == row_of[one.place]].tolist()) for layer in instance.layers
            ]
            for one in candidates
            if one.place in row_of
        }

    def served(self, commodity: Ints, paths: Sequence[Ints], tonnes: Floats) -> Served | None:
        """Figures of tonnes on paths; None: there is none of the cargo that is read."""
        c, parts = self._instance.commodities, []
        for number, costs in self._costs.items():
            mine = np.flatnonzero((c.layer[commodity] == number) & (tonnes > 0))
            if len(mine) == 0:
                continue
            k, layer = commodity[mine], self._instance.layers[number]
            ways = [paths[i] for i in mine.tolist()]
            traits = path_traits(
                self._instance, layer, costs, c.product[k], c.time_value_cny_per_t_h[k], ways
            )
            parts.append(
                np.column_stack(
                    [
                        tonnes[mine],
                        traits.money_cny + c.constant_cny_per_t[k],
                        traits.customer_h,
                        traits.stock_h,
                        traits.co2_kg,
                        self._value_per_t[c.product[k]],
                        self._orders_per_t[number][c.product[k]],
                    ]
                )
            )
        if not parts:
            return None
        tonne, money, hours, stock, co2, value, orders = np.vstack(parts).T
        count = float(tonne @ orders)
        weight = tonne * orders if count > 0 else tonne
        order = np.argsort(hours, kind="stable")
        reached = np.cumsum(weight[order]) / weight.sum()
        p50, p90 = (float(hours[order][min(np.searchsorted(reached, p), len(order) - 1)]) for p in (0.5, 0.9))
        worth = tonne * value
        within = [float(worth[hours <= 24.0 * days].sum() / worth.sum()) for days in DAYS]
        return Served(
            tonnes=float(tonne.sum()),
            orders=count,
            money_cny_per_kg=float(tonne @ money) / float(tonne.sum()) / 1e3,
            money_cny_per_order=float(tonne @ money) / count if count > 0 else None,
            days_p50=p50 / 24.0,
            days_p90=p90 / 24.0,
            value_within=(within[0], within[1], within[2]),
            stock_cny=float(tonne @ (stock * value)) / HOURS_PER_YEAR,
            co2_kg_per_t=float(tonne @ co2) / float(tonne.sum()),
        )

    def by_candidate(self, flow: SolvedFlow, taken: Iterable[str]) -> dict[str, Served]:
        """Figures of a plan by open candidate that its cargo goes through."""
        layer_of = self._instance.commodities.layer[flow.commodity].tolist()
        ways = [path.tolist() for path in flow.path]
        found = {}
        for name in sorted(set(taken) & self._arcs.keys()):
            arcs = self._arcs[name]
            mine = [i for i, way in enumerate(ways) if not arcs[layer_of[i]].isdisjoint(way)]
            some = self.served(flow.commodity[mine], [flow.path[i] for i in mine], flow.flow_t[mine])
            if some is not None:
                found[name] = some
        return found

    def whole(self, flow: SolvedFlow) -> Served | None:
        """Figures of all cargo of a plan that is read."""
        return self.served(flow.commodity, flow.path, flow.flow_t)
