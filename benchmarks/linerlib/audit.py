"""A second opinion on a cargo flow: it knows network and plan, not the model, its arrays or its solver.

Its graph is another one than the model's: a vertex per leg, with an arc from every leg that ends at a port to
every leg that starts there, at the price of a transfer unless the ship simply sails on.
"""

from __future__ import annotations

import math

import numpy as np
from scipy.sparse import csr_matrix
from scipy.sparse.csgraph import dijkstra

from benchmarks.linerlib.model import CargoFlow
from benchmarks.linerlib.network import Network
from benchmarks.spec import Outcome

TOLERANCE = 1e-6
AGREEMENT = 1e-9
REJECTION_USD = 1000.0


def audited(network: Network, flow: CargoFlow) -> Outcome:
    """Recompute balance, loads, profit and bound; say what does not hold."""
    complaints = [*_broken_paths(network, flow), *_broken_amounts(network, flow)]
    holds = not complaints
    profit = _profit(network, flow)
    scale = max(1.0, abs(profit), network.fixed_usd)
    if abs(profit - flow.claimed_profit) > AGREEMENT * scale:
        complaints.append(f"profit is {profit:.10g}, not {flow.claimed_profit:.10g}")
    if not all(0 <= price < math.inf for prices in flow.leg_prices for price in prices):
        complaints.append("a price of capacity is negative or no number, so nothing is proven")
        return Outcome(profit if holds else None, None, None, False, tuple(complaints), network.notes)
    bound = _bound(network, flow)
    if flow.claimed_bound < bound - AGREEMENT * scale:
        complaints.append(f"the prices prove a bound of {bound:.10g}, not {flow.claimed_bound:.10g}")
    if bound < profit - TOLERANCE * scale:
        complaints.append(f"the bound {bound:.10g} contradicts the profit {profit:.10g}")
    gap = max(0.0, bound - profit) / max(1.0, abs(profit))
    if not holds:
        return Outcome(None, bound, None, False, tuple(complaints), network.notes)
    return Outcome(profit, bound, gap, not complaints, tuple(complaints), network.notes)


def _broken_paths(network: Network, flow: CargoFlow) -> list[str]:
    """Shipments that do not go from origin to destination, leg after leg."""
    broken = []
    for shipment in flow.shipments:
        row = network.demand[shipment.row]
        place = row.origin
        for service, call in shipment.legs:
            calls = network.services[service].calls
            if calls[call] != place:
                broken.append(
                    f"{row.origin}-{row.destination}: cargo at {place} takes a leg from {calls[call]}"
                )
            place = calls[(call + 1) % len(calls)]
        if place != row.destination or not shipment.legs:
            broken.append(f"{row.origin}-{row.destination}: cargo ends at {place}")
    return broken


def _broken_amounts(network: Network, flow: CargoFlow) -> list[str]:
    """Demand rows carried more than wholly, and legs loaded above their capacity."""
    broken = []
    carried = _carried(network, flow)
    load = [[0.0] * len(service.calls) for service in network.services]
    for shipment in flow.shipments:
        if not 0 <= shipment.ffe < math.inf:
            broken.append(f"{shipment.ffe} FFE are shipped")
        for service, call in shipment.legs:
            load[service][call] += shipment.ffe
    for row, ffe in zip(network.demand, carried, strict=True):
        if ffe > row.ffe + TOLERANCE * max(1.0, row.ffe):
            broken.append(f"{row.origin}-{row.destination}: {ffe:g} FFE carried of {row.ffe:g}")
    for run, loads in zip(network.services, load, strict=True):
        for call, ffe in enumerate(loads):
            if ffe > run.capacity_ffe + TOLERANCE * max(1.0, run.capacity_ffe):
                broken.append(f"service {run.id}, leg {call}: {ffe:g} FFE of {run.capacity_ffe:g}")
    return broken


def _carried(network: Network, flow: CargoFlow) -> list[float]:
    carried = [0.0] * len(network.demand)
    for shipment in flow.shipments:
        carried[shipment.row] += shipment.ffe
    return carried


def _profit(network: Network, flow: CargoFlow) -> float:
    """Revenue less handling, transfers, rejections and fixed cost."""
    parts = [-service.fixed_usd for service in network.services]
    for row, ffe in zip(network.demand, _carried(network, flow), strict=True):
        handling = network.ports[row.origin].full + network.ports[row.destination].full
        parts += [ffe * (row.revenue - handling), -REJECTION_USD * (row.ffe - ffe)]
    for shipment in flow.shipments:
        for (service, call), onward in zip(shipment.legs, shipment.legs[1:], strict=False):
            calls = network.services[service].calls
            if onward != (service, (call + 1) % len(calls)):
                parts.append(-shipment.ffe * network.ports[calls[(call + 1) % len(calls)]].transfer)
    return math.fsum(parts)


def _bound(network: Network, flow: CargoFlow) -> float:
    """Most profit when capacity may be bought and sold at the leg prices: no plan earns more.

    Σ_k D_k·max(-1000, R - h_o - h_d - dist_k) + Σ C·price - fixed, with dist_k the cheapest path at prices.
    """
    legs = [(s, i) for s, service in enumerate(network.services) for i in range(len(service.calls))]
    number = {leg: vertex for vertex, leg in enumerate(legs)}
    price = np.array([flow.leg_prices[s][i] for s, i in legs])
    origin = [network.services[s].calls[i] for s, i in legs]
    starting: dict[str, list[int]] = {}
    for vertex, code in enumerate(origin):
        starting.setdefault(code, []).append(vertex)
    ending: dict[str, list[int]] = {}
    tails: list[int] = []
    heads: list[int] = []
    weights: list[float] = []
    for s, i in legs:
        calls = network.services[s].calls
        after = number[s, (i + 1) % len(calls)]
        code = origin[after]
        ending.setdefault(code, []).append(number[s, i])
        for onward in starting[code]:
            tails.append(number[s, i])
            heads.append(onward)
            # A path pays for a leg where it enters it.
            weights.append(price[onward] + (0.0 if onward == after else network.ports[code].transfer))
    # One more vertex per port: cargo enters any leg that starts there.
    ports = {code: len(legs) + place for place, code in enumerate(starting)}
    for code, onwards in starting.items():
        tails += [ports[code]] * len(onwards)
        heads += onwards
        weights += price[onwards].tolist()
    size = len(legs) + len(ports)
    # No two arcs join the same vertices, and csgraph takes stored zeros for arcs that cost nothing.
    graph = csr_matrix((weights, (tails, heads)), shape=(size, size))
    assert graph.nnz == len(weights)
    wanted = sorted({row.origin for row in network.demand} & ports.keys())
    distance = dijkstra(graph, indices=[ports[code] for code in wanted]) if wanted else np.zeros((0, size))
    from_port = {code: distance[place] for place, code in enumerate(wanted)}
    parts = [-service.fixed_usd for service in network.services]
    parts += [network.services[s].capacity_ffe * price[number[s, i]] for s, i in legs]
    for row in network.demand:
        handling = network.ports[row.origin].full + network.ports[row.destination].full
        ends = ending.get(row.destination, [])
        dist = float(from_port[row.origin][ends].min()) if row.origin in from_port and ends else math.inf
        parts.append(row.ffe * max(-REJECTION_USD, row.revenue - handling - dist))
    return math.fsum(parts)
