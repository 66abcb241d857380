"""A liner network as the engine's flow model sees it: rotations are services of many stops.

Data
    ports p, services s with calls i = 0 … n_s - 1 (cyclic), leg capacities C_s; demand k of D_k FFE a week
    from o_k to d_k with revenue R_k; handling h_p, transfer t_p; 1000 USD for an FFE that is rejected.
Decisions
    x: FFE of demand k on a path; u_k: FFE rejected.
Model
    profit = Σ_k (D_k - u_k)·(R_k - h_o - h_d) - Σ transfers t_p - 1000·Σ_k u_k - fixed
           = Σ_k D_k·(R_k - h_o - h_d) - [Σ transfers t_p + Σ_k u_k·m_k] - fixed
    with m_k = R_k - h_o - h_d + 1000

    The bracket is the flow model's objective with path costs t_p ≥ 0 and the price m_k of unserved cargo.
    Where m_k ≤ 0, carrying k never pays: all of it is rejected, a constant, and it is no commodity of the
    instance.

Graph: a vertex per port call (a port called twice has two), per port one where its cargo starts and changes
ship, and one where its cargo ends. Tonnes stand for FFE a week, CNY for USD.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from benchmarks.linerlib.network import Network
from benchmarks.linerlib.tables import Demand
from logistics.models.flow.solved import SolvedFlow
from logistics.virtual_network.instance import (
    OBJECTIVES,
    Commodities,
    Instance,
    Layer,
    Products,
    Resource,
    Step,
)

REJECTION_USD = 1000.0


def margin_usd(network: Network, row: Demand) -> float:
    """R - h_o - h_d of an FFE carried."""
    return row.revenue - network.ports[row.origin].full - network.ports[row.destination].full


@dataclass(frozen=True)
class FlowProblem:
    """A network and its instance.

    Parameters
    ----------
    carried
        Demand row of each commodity of the instance.
    """

    network: Network
    instance: Instance
    carried: tuple[int, ...]

    @property
    def constant_usd(self) -> float:
        """Profit before the objective of the instance is subtracted."""
        network = self.network
        offered = set(self.carried)
        return (
            sum(
                row.ffe * (margin_usd(network, row) if number in offered else -REJECTION_USD)
                for number, row in enumerate(network.demand)
            )
            - network.fixed_usd
        )


@dataclass(frozen=True)
class Shipment:
    """FFE a week of a demand row over legs (service number, call from which the leg starts), in order."""

    row: int
    legs: tuple[tuple[int, int], ...]
    ffe: float


@dataclass(frozen=True)
class CargoFlow:
    """A plan in the words of LINERLIB, with prices that prove a bound.

    Parameters
    ----------
    leg_prices
        By service: USD per FFE of each leg's capacity.
    claimed_profit, claimed_bound
        What the model says of it.
    """

    shipments: tuple[Shipment, ...]
    leg_prices: tuple[tuple[float, ...], ...]
    claimed_profit: float
    claimed_bound: float


def flow_problem(network: Network) -> FlowProblem:
    """Build the instance of a network."""
    codes = sorted({code for service in network.services for code in service.calls})
    start = {code: 2 * number for number, code in enumerate(codes)}
    vertices = 2 * len(codes)
    arcs: list[tuple[int, int, float, Step]] = []
    use_arc: list[int] = []
    resources: list[Resource] = []
    for number, service in enumerate(network.services):
        name, count = f"s{number}", len(service.calls)
        for i, code in enumerate(service.calls):
            call, after = vertices + i, vertices + (i + 1) % count
            onward = service.calls[(i + 1) % count]
            arcs.append((start[code], call, 0.0, Step("board", code, service_id=name, stop_seq=i)))
            moved = Step("alight", code, service_id=name, stop_seq=i)
            arcs.append((call, start[code], network.ports[code].transfer, moved))
            arcs.append(
                (call, start[code] + 1, 0.0, Step("deliver", code, code, service_id=name, stop_seq=i))
            )
            use_arc.append(len(arcs))
            arcs.append((call, after, 0.0, Step("ride", code, onward, service_id=name, stop_seq=i)))
            resources.append(Resource("service", f"{name}#{i}", "t", service.capacity_ffe))
        vertices += count
    rows = [
        number
        for number, row in enumerate(network.demand)
        if row.ffe > 0 and margin_usd(network, row) + REJECTION_USD > 0
    ]
    layer = _layer(vertices, arcs, use_arc)
    demand = [network.demand[number] for number in rows]
    reached = np.array([row.origin in start and row.destination in start for row in demand], dtype=bool)
    commodities = Commodities(
        demand_id=tuple(f"{row.origin}-{row.destination}" for row in demand),
        tier=("all",) * len(rows),
        layer=np.zeros(len(rows), np.int32),
        origin=np.array([start.get(row.origin, -1) for row in demand], np.int32),
        destination=np.array([start.get(row.destination, -2) + 1 for row in demand], np.int32),
        product=np.zeros(len(rows), np.int32),
        time_value_cny_per_t_h=np.zeros(len(rows)),
        demand_t=np.array([row.ffe for row in demand], dtype=float),
        constant_cny_per_t=np.zeros(len(rows)),
        promise_h=np.full(len(rows), np.inf),
        promise_is_hard=np.zeros(len(rows), bool),
    )
    assert bool(np.all(reached == ((commodities.origin >= 0) & (commodities.destination >= 0))))
    instance = Instance(
        year=2014,
        layers=(layer,),
        resources=tuple(resources),
        products=Products(("FFE",), np.ones(1), np.zeros(1), np.zeros(1), np.zeros(1)),
        commodities=commodities,
        weights=OBJECTIVES["money"],
        unserved_cny_per_t=np.array([margin_usd(network, row) + REJECTION_USD for row in demand]),
    )
    return FlowProblem(network, instance, tuple(rows))


def cargo_flow(problem: FlowProblem, solved: SolvedFlow) -> CargoFlow:
    """Read a solved flow back: which FFE ride which legs."""
    steps = problem.instance.layers[0].steps
    shipments = []
    for commodity, path, ffe in zip(solved.commodity, solved.path, solved.flow_t, strict=True):
        rides = [steps[arc] for arc in path if steps[arc].action == "ride"]
        legs = tuple((int(ride.service_id[1:]), ride.stop_seq) for ride in rides)
        shipments.append(Shipment(problem.carried[commodity], legs, float(ffe)))
    prices = iter(solved.duals.resource.tolist())
    return CargoFlow(
        shipments=tuple(shipments),
        leg_prices=tuple(tuple(next(prices) for _ in service.calls) for service in problem.network.services),
        claimed_profit=problem.constant_usd - solved.objective,
        claimed_bound=problem.constant_usd - solved.bound,
    )


def _layer(vertices: int, arcs: list[tuple[int, int, float, Step]], use_arc: list[int]) -> Layer:
    count = len(arcs)
    return Layer(
        name="liner",
        num_vertices=vertices,
        tail=np.array([arc[0] for arc in arcs], np.int32),
        head=np.array([arc[1] for arc in arcs], np.int32),
        money_cny_per_t=np.array([[arc[2]] for arc in arcs]).reshape(count, 1),
        pipeline_h=np.zeros(count),
        customer_h=np.zeros(count),
        lead_h=np.zeros(count),
        variance_h2=np.zeros(count),
        stock_h=np.zeros((count, 1)),
        co2_kg_per_t=np.zeros((count, 1)),
        use_arc=np.array(use_arc, np.int32),
        use_row=np.arange(len(use_arc), dtype=np.int32),
        use_is_m3=np.zeros(len(use_arc), bool),
        steps=tuple(arc[3] for arc in arcs),
    )
