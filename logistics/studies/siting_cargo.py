"""What cargo that goes through a warehouse costs, how long it takes and what it ties up."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from logistics.models.flow.columns import path_traits
from logistics.models.flow.costs import layer_costs
from logistics.models.flow.solved import SolvedFlow
from logistics.network.network import Network
from logistics.units import HOURS_PER_YEAR
from logistics.virtual_network.instance import Instance, Ints

Floats = NDArray[np.float64]
DAYS = (1, 2, 3)


@dataclass(frozen=True)
class Served:
    """A year's cargo through one warehouse, or through all.

    Parameters
    ----------
    tonnes, orders
        What is served.
    money_cny_per_kg, money_cny_per_order
        Mean landed cost: freight, fees, duty, tax, storage and delivery, without the warehouse's own fixed
        cost.
    days_p50, days_p90
        Customers' days, by orders.
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
    money_cny_per_order: float
    days_p50: float
    days_p90: float
    value_within: tuple[float, float, float]
    stock_cny: float
    co2_kg_per_t: float


class CargoReader:
    """Reads figures of stocked cargo from paths of one instance.

    Parameters
    ----------
    network, instance
        The network of the year and its arrays.
    """

    def __init__(self, network: Network, instance: Instance) -> None:
        self._instance = instance
        self._costs = {
            n: layer_costs(instance, layer) for n, layer in enumerate(instance.layers) if layer.stocked
        }
        fob = {str(row["product_id"]): 1e3 * float(row["fob_cny_per_kg"]) for row in network.rows("products")}
        self._value_per_t = np.array([fob[name] for name in instance.products.ids])
        kg = {
            str(row["product_id"]): float(row["order_kg"])
            for row in network.rows("product_segments")
            if row["segment"] == "stocked"
        }
        self._order_kg = np.array([kg.get(name, np.nan) for name in instance.products.ids])

    def stores(self, commodity: Ints, paths: Sequence[Ints]) -> list[str]:
        """Option that each path goes through, empty: none."""
        found = []
        for k, path in zip(commodity.tolist(), paths, strict=True):
            layer = self._instance.layers[self._instance.commodities.layer[k]]
            options = [
                layer.steps[arc].option_id for arc in path.tolist() if layer.steps[arc].action == "store"
            ]
            found.append(options[0] if options else "")
        return found

    def served(self, commodity: Ints, paths: Sequence[Ints], tonnes: Floats) -> Served | None:
        """Figures of tonnes on paths of stocked cargo; None: there are none."""
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
                        1e3 / self._order_kg[c.product[k]],
                    ]
                )
            )
        if not parts:
            return None
        tonne, money, hours, stock, co2, value, orders = np.vstack(parts).T
        count = tonne * orders
        order = np.argsort(hours, kind="stable")
        reached = np.cumsum(count[order]) / count.sum()
        p50, p90 = (float(hours[order][min(np.searchsorted(reached, p), len(order) - 1)]) for p in (0.5, 0.9))
        worth = tonne * value
        within = [float(worth[hours <= 24.0 * days].sum() / worth.sum()) for days in DAYS]
        return Served(
            tonnes=float(tonne.sum()),
            orders=float(count.sum()),
            money_cny_per_kg=float(tonne @ money) / float(tonne.sum()) / 1e3,
            money_cny_per_order=float(tonne @ money) / float(count.sum()),
            days_p50=p50 / 24.0,
            days_p90=p90 / 24.0,
            value_within=(within[0], within[1], within[2]),
            stock_cny=float(tonne @ (stock * value)) / HOURS_PER_YEAR,
            co2_kg_per_t=float(tonne @ co2) / float(tonne.sum()),
        )

    def by_store(self, flow: SolvedFlow) -> dict[str, Served]:
        """Figures of a plan by the option that its stocked cargo goes through."""
        options = self.stores(flow.commodity, flow.path)
        found = {}
        for name in sorted(set(options) - {""}):
            mine = [i for i, option in enumerate(options) if option == name]
            some = self.served(flow.commodity[mine], [flow.path[i] for i in mine], flow.flow_t[mine])
            if some is not None:
                found[name] = some
        return found

    def whole(self, flow: SolvedFlow) -> Served | None:
        """Figures of all stocked cargo of a plan."""
        return self.served(flow.commodity, flow.path, flow.flow_t)
