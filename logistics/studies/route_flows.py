"""What a plan does in people's terms, added up from its paths: loads, gateways, fares, subsidies."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from logistics.models.flow.decode import Flow
from logistics.network.network import Network
from logistics.virtual_network.instance import Floats, Instance, Ints, Layer
from logistics.virtual_network.movements import Service, usable_services
from logistics.virtual_network.tariffs import TariffUnits

NEGLIGIBLE_T = 1e-6


@dataclass(frozen=True)
class FlowSums:
    """A plan added up.

    Parameters
    ----------
    leg_t
        Tonnes a year by (service id, number of the stop where the leg ends).
    fares_cny, subsidies_cny
        What shippers pay services for rides, before subsidies, and those subsidies; by service id.
    orders
        Orders that ride on each service.
    teu
        TEU that ride on each service; 0 where its mode has no containers.
    gateway_t
        Tonnes by home gateway.
    local_t
        Tonnes through gateways of the home province.
    traded_t
        Exports and imports demanded, served or not.
    """

    leg_t: Mapping[tuple[str, int], float]
    fares_cny: Mapping[str, float]
    subsidies_cny: Mapping[str, float]
    orders: Mapping[str, float]
    teu: Mapping[str, float]
    gateway_t: Mapping[str, float]
    local_t: float
    traded_t: float

    def service_t(self) -> dict[str, float]:
        """Tonnes on the fullest leg of each service."""
        found: dict[str, float] = {}
        for (service, _), tonnes in self.leg_t.items():
            found[service] = max(found.get(service, 0.0), tonnes)
        return found

    @property
    def local_share(self) -> float:
        """Share of all exports and imports that passes a gateway of the home province."""
        return self.local_t / self.traded_t if self.traded_t > 0 else 0.0


@dataclass(frozen=True)
class _LayerMarks:
    """What arcs of a layer are, as numbers: -1 where they are nothing of the kind.

    Parameters
    ----------
    leg
        Number of the service leg that is ridden.
    gateway
        Site number where an export leaves, or an import is cleared.
    fare_cny_per_t
        Shape (arcs, products); 0 but for rides.
    subsidy_cny_per_t
        Shape (arcs,).
    orders_per_t
        Shape (products,).
    """

    leg: Ints
    gateway: Ints
    fare_cny_per_t: Floats
    subsidy_cny_per_t: Floats
    orders_per_t: Floats


class FlowReader:
    """Adds up plans of one instance.

    Parameters
    ----------
    network
        Effective network of the instance, with all its services in use.
    instance
        The instance; plans are in its numbers.
    """

    def __init__(self, network: Network, instance: Instance) -> None:
        self._instance = instance
        texts = {name: network.texts("sites", name) for name in ("site_id", "customs_territory", "province")}
        territory = dict(zip(texts["site_id"], texts["customs_territory"], strict=True))
        self._sites = texts["site_id"]
        self._is_local = np.array([name == network.info.home_province for name in texts["province"]], bool)
        number = {name: place for place, name in enumerate(self._sites)}
        self._services = {s.id: s for s in usable_services(network, instance.year, territory)}
        self._legs = [(s.id, seq) for s in self._services.values() for seq in s.legs]
        leg_number = {leg: place for place, leg in enumerate(self._legs)}
        order_kg = {
            (str(r["product_id"]), str(r["segment"])): float(r["order_kg"])
            for r in network.rows("product_segments")
        }
        self._units: dict[str, TariffUnits] = {}
        self._layers = []
        for layer in instance.layers:
            direction, segment = layer.name.split("-", 1)
            weights = np.array([order_kg.get((p, segment), np.nan) for p in instance.products.ids])
            self._units[segment] = TariffUnits(network, weights)
            self._layers.append(self._marks(layer, direction, segment, number, leg_number, weights))
        traded = np.array([not layer.name.startswith("transit-") for layer in instance.layers], bool)
        c = instance.commodities
        self._traded_t = float(c.demand_t[traded[c.layer]].sum()) if len(c) else 0.0

    def _marks(
        self,
        layer: Layer,
        direction: str,
        segment: str,
        number: Mapping[str, int],
        leg_number: Mapping[tuple[str, int], int],
        order_kg: Floats,
    ) -> _LayerMarks:
        leg = np.full(layer.num_arcs, -1, np.int32)
        gateway = np.full(layer.num_arcs, -1, np.int32)
        fare = np.zeros((layer.num_arcs, len(self._instance.products.ids)))
        subsidy = np.zeros(layer.num_arcs)
        for arc, step in enumerate(layer.steps):
            if step.action == "ride":
                service = self._services[step.service_id]
                leg[arc] = leg_number[step.service_id, step.stop_seq]
                way = next(w for w in service.legs[step.stop_seq] if w.via_id == step.via_id)
                share = way.distance_share * way.tariff_factor
                fare[arc] = service.per_t * share + service.per_tkm * way.distance_km * way.tariff_factor
                fare[arc] += service.per_unit * share * self._units[segment].per_t(service.basis)
                subsidy[arc] = service.subsidy_cny_per_t * way.distance_share
            elif direction == "export" and step.action == "board":
                gateway[arc] = -1 if self._services[step.service_id].domestic else number[step.site_id]
            elif direction == "import" and step.action == "clear_import":
                gateway[arc] = number[step.site_id]
        return _LayerMarks(leg, gateway, fare, subsidy, np.nan_to_num(1000.0 / order_kg))

    @property
    def services(self) -> Mapping[str, Service]:
        """Services in use by id."""
        return self._services

    def fare_less_subsidy(self, layer: int) -> Floats:
        """What rides of a layer cost their shipper per tonne, shape (arcs, products)."""
        marks = self._layers[layer]
        return marks.fare_cny_per_t - marks.subsidy_cny_per_t[:, None]

    def sums(self, flow: Flow) -> FlowSums:
        """Add up a plan."""
        instance, c = self._instance, self._instance.commodities
        count = len(self._legs)
        leg_t, fares, subsidies, orders, teu = (np.zeros(count) for _ in range(5))
        gateway_t = np.zeros(len(self._sites))
        per_teu = {mode: self._teu_per_t(mode) for mode in ("sea", "rail")}
        modes = [self._services[service].mode for service, _ in self._legs]
        for number in range(len(instance.layers)):
            mine = np.flatnonzero(c.layer[flow.commodity] == number)
            if len(mine) == 0:
                continue
            marks, paths = self._layers[number], [flow.path[i] for i in mine]
            arc = np.concatenate(paths)
            path = np.repeat(np.arange(len(mine)), [len(way) for way in paths])
            tonnes, product = flow.flow_t[mine], c.product[flow.commodity[mine]]
            rides = np.flatnonzero(marks.leg[arc] >= 0)
            leg, by, goods = marks.leg[arc[rides]], tonnes[path[rides]], product[path[rides]]
            leg_t += np.bincount(leg, by, count)
            fares += np.bincount(leg, by * marks.fare_cny_per_t[arc[rides], goods], count)
            subsidies += np.bincount(leg, by * marks.subsidy_cny_per_t[arc[rides]], count)
            orders += np.bincount(leg, by * marks.orders_per_t[goods], count)
            for mode, units in per_teu.items():
                of_mode = np.array([modes[i] == mode for i in leg], bool)
                teu += np.bincount(leg[of_mode], (by * units[goods])[of_mode], count)
            gates = np.flatnonzero(marks.gateway[arc] >= 0)
            # The first gateway of a path is the one it leaves or enters by.
            first = gates[np.unique(path[gates], return_index=True)[1]]
            gateway_t += np.bincount(marks.gateway[arc[first]], tonnes[path[first]], len(self._sites))
        return FlowSums(
            leg_t={leg: float(t) for leg, t in zip(self._legs, leg_t, strict=True) if t > NEGLIGIBLE_T},
            fares_cny=self._by_service(fares),
            subsidies_cny=self._by_service(subsidies),
            orders=self._most_by_service(orders),
            teu=self._most_by_service(teu),
            gateway_t={self._sites[i]: float(gateway_t[i]) for i in np.flatnonzero(gateway_t > NEGLIGIBLE_T)},
            local_t=float(gateway_t[self._is_local].sum()),
            traded_t=self._traded_t,
        )

    def _teu_per_t(self, mode: str) -> Floats:
        return next(iter(self._units.values())).per_t(("teu", mode)) if self._units else np.zeros(0)

    def _by_service(self, values: Floats) -> dict[str, float]:
        found: dict[str, float] = {}
        for (service, _), value in zip(self._legs, values.tolist(), strict=True):
            if value:
                found[service] = found.get(service, 0.0) + value
        return found

    def _most_by_service(self, values: Floats) -> dict[str, float]:
        found: dict[str, float] = {}
        for (service, _), value in zip(self._legs, values.tolist(), strict=True):
            if value:
                found[service] = max(found.get(service, 0.0), value)
        return found
