"""The instance as the engine's design problem, and as the plain strong program that peers solve."""

from __future__ import annotations

import numpy as np

from benchmarks.network_design.dow import FixedChargeNetwork
from logistics.integer_solver import MixedProgram
from logistics.models.design.problem import DesignProblem, SideRows
from logistics.virtual_network.instance import Commodities, Instance, Layer, Products, Resource, Step, Weights


def design_problem(network: FixedChargeNetwork) -> DesignProblem:
    """One year, one layer; each arc is an option, each commodity a product of its own.

    Of arcs with the same ends all but the first get a vertex in between, since layers have no parallel arcs.
    """
    arcs, commodities = len(network.tail), len(network.origin)
    _, first, place = np.unique(
        network.tail.astype(np.int64) * network.num_nodes + network.head,
        return_index=True,
        return_inverse=True,
    )
    again = np.flatnonzero(first[place.ravel()] != np.arange(arcs))
    middle = np.arange(network.num_nodes, network.num_nodes + len(again), dtype=np.int32)
    head = network.head.copy()
    head[again] = middle
    tail = np.concatenate([network.tail, middle])
    head = np.concatenate([head, network.head[again]])
    cost = np.concatenate([network.cost, np.zeros(len(again))])
    every, nothing = np.arange(arcs, dtype=np.int32), np.zeros(len(tail))
    total = float(network.demand.sum())
    layer = Layer(
        name="network",
        num_vertices=network.num_nodes + len(again),
        tail=tail,
        head=head,
        money_cny_per_t=np.repeat(cost[:, None], commodities, axis=1),
        pipeline_h=nothing,
        customer_h=nothing,
        lead_h=nothing,
        variance_h2=nothing,
        stock_h=np.zeros((len(tail), commodities)),
        co2_kg_per_t=np.zeros((len(tail), commodities)),
        use_arc=every,
        use_row=every,
        use_is_m3=np.zeros(arcs, dtype=bool),
        steps=tuple(
            Step("ride", f"n{a}", f"n{b}") for a, b in zip(tail.tolist(), head.tolist(), strict=True)
        ),
    )
    names = tuple(f"k{k}" for k in range(commodities))
    instance = Instance(
        year=0,
        layers=(layer,),
        resources=tuple(
            Resource("service", f"a{i}", "t", min(float(c), total)) for i, c in enumerate(network.capacity)
        ),
        products=Products(
            names, np.ones(commodities), np.zeros(commodities), np.zeros(commodities), np.zeros(commodities)
        ),
        commodities=Commodities(
            demand_id=names,
            tier=("",) * commodities,
            layer=np.zeros(commodities, dtype=np.int32),
            origin=network.origin,
            destination=network.destination,
            product=np.arange(commodities, dtype=np.int32),
            time_value_cny_per_t_h=np.zeros(commodities),
            demand_t=network.demand,
            constant_cny_per_t=np.zeros(commodities),
            promise_h=np.full(commodities, np.inf),
            promise_is_hard=np.zeros(commodities, dtype=bool),
        ),
        weights=Weights(money=1.0, carrying=0.0, time_value=0.0),
    )
    options = tuple(f"a{i}" for i in range(arcs))
    return DesignProblem(
        (instance,), np.ones(1), options, network.fixed_cost, ((every, every),), SideRows.none()
    )


def strong_program(network: FixedChargeNetwork) -> MixedProgram:
    """The plain strong form: flow x of each commodity k on each arc a, y whole.

    Balance at every node; Σ_k x_ka ≤ u_a y_a; x_ka ≤ min(d_k, u_a) y_a.
    """
    arcs, commodities, nodes = len(network.tail), len(network.origin), network.num_nodes
    k, a = np.repeat(np.arange(commodities), arcs), np.tile(np.arange(arcs), commodities)
    x, y = np.arange(commodities * arcs), commodities * arcs + np.arange(arcs)
    most = np.minimum(network.demand[k], network.capacity[a])
    balance = np.zeros((commodities, nodes))
    balance[np.arange(commodities), network.destination] = network.demand
    balance[np.arange(commodities), network.origin] = -network.demand
    capacity_row = commodities * nodes + np.arange(arcs)
    link_row = commodities * nodes + arcs + x
    one = np.ones(len(x))
    return MixedProgram(
        cost=np.concatenate([np.tile(network.cost, commodities), network.fixed_cost]),
        lower=np.zeros(len(x) + arcs),
        upper=np.concatenate([network.demand[k], np.ones(arcs)]),
        whole=np.arange(len(x) + arcs) >= len(x),
        row=np.concatenate(
            [
                k * nodes + network.head[a],
                k * nodes + network.tail[a],
                capacity_row[a],
                capacity_row,
                link_row,
                link_row,
            ]
        ),
        column=np.concatenate([x, x, x, y, x, y[a]]),
        value=np.concatenate([one, -one, one, -network.capacity, one, -most]),
        row_lower=np.concatenate([balance.ravel(), np.full(arcs + len(x), -np.inf)]),
        row_upper=np.concatenate([balance.ravel(), np.zeros(arcs + len(x))]),
    )
