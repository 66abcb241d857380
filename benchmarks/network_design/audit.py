"""A second opinion on a design from the file's own arrays, without the engine's costs, graph or solver."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import linprog
from scipy.sparse import coo_array

from benchmarks.network_design.dow import FixedChargeNetwork
from benchmarks.spec import Outcome
from logistics.models.design.problem import DesignAnswer

Floats = NDArray[np.float64]
NO_POINT = 2
"""What scipy says of a program without a point."""
TOLERANCE = 1e-6
AGREEMENT = 1e-9


def audited(network: FixedChargeNetwork, answer: DesignAnswer, published: float | None) -> Outcome:
    """Recompute balance, loads and value of a plan; hold value and bound against each other and an optimum.

    Parameters
    ----------
    published
        Optimum that others found; None: none is known.
    """
    notes = [f"{answer.nodes} nodes, bound from {answer.proof}"]
    if answer.status == "infeasible":
        complaints = (
            ["it is not clear that no plan exists with all arcs open"] if _can_be_served(network) else []
        )
        notes.append("proven infeasible")
        return Outcome(None, None, None, not complaints, tuple(complaints), tuple(notes))
    bound = float(answer.bound) if np.isfinite(answer.bound) else None
    if not answer.flows:
        return Outcome(None, bound, None, False, (), tuple(notes))
    value, complaints = _value(network, answer)
    scale = max(1.0, abs(value))
    if abs(value - answer.value) > AGREEMENT * scale:
        complaints.append(f"the plan costs {value:.10g}, not {answer.value:.10g}")
    if bound is not None and bound > value + AGREEMENT * scale:
        complaints.append(f"the bound {bound:.10g} contradicts the value {value:.10g}")
    if published is not None:
        if bound is not None and bound > published + TOLERANCE * scale:
            complaints.append(f"the bound {bound:.10g} is above the published optimum {published:.10g}")
        if value < published - TOLERANCE * scale:
            complaints.append(f"the plan is below the published optimum {published:.10g}")
    gap = None if bound is None else max(0.0, value - bound) / scale
    return Outcome(None if complaints else value, bound, gap, not complaints, tuple(complaints), tuple(notes))


def _value(network: FixedChargeNetwork, answer: DesignAnswer) -> tuple[float, list[str]]:
    """Cost of open arcs and flows, and what is wrong with them.

    Arcs beyond the file's own are the second halves of parallel arcs.
    """
    arcs, flow = len(network.tail), answer.flows[0]
    complaints: list[str] = []
    load, served = np.zeros(arcs), np.zeros(len(network.demand))
    for k, path, amount in zip(flow.commodity.tolist(), flow.path, flow.flow_t.tolist(), strict=True):
        own = path[path < arcs]
        tail, head = network.tail[own], network.head[own]
        ends = len(own) > 0 and tail[0] == network.origin[k] and head[-1] == network.destination[k]
        if not ends or not np.array_equal(head[:-1], tail[1:]):
            complaints.append(f"commodity {k}: a path does not lead from its origin to its destination")
        if not 0 <= amount < np.inf:
            complaints.append(f"commodity {k}: {amount} on a path")
        np.add.at(load, own, amount)
        served[k] += amount
    wrong = np.abs(served - network.demand) > TOLERANCE * np.maximum(1.0, network.demand)
    room = np.where(answer.open, network.capacity, 0.0)
    over = load > room + TOLERANCE * np.maximum(1.0, network.capacity)
    for count, what in ((wrong, "commodities are not served"), (over, "arcs carry more than they may")):
        if np.any(count):
            complaints.append(f"{int(count.sum())} {what}")
    return float(network.fixed_cost[answer.open].sum() + network.cost @ load), complaints


def _can_be_served(network: FixedChargeNetwork) -> bool:
    """Whether all cargo fits with every arc open, by a linear program in arc form."""
    arcs, commodities, nodes = len(network.tail), len(network.origin), network.num_nodes
    k, a = np.repeat(np.arange(commodities), arcs), np.tile(np.arange(arcs), commodities)
    x, one = np.arange(len(k)), np.ones(len(k))
    balance = np.zeros((commodities, nodes))
    balance[np.arange(commodities), network.destination] = network.demand
    balance[np.arange(commodities), network.origin] = -network.demand
    rows = np.concatenate([k * nodes + network.head[a], k * nodes + network.tail[a]])
    entries = (np.concatenate([one, -one]), (rows, np.concatenate([x, x])))
    load: Any = coo_array((one, (a, x)), shape=(arcs, len(k))).tocsr()
    sums: Any = coo_array(entries, shape=(commodities * nodes, len(k))).tocsr()
    answer = linprog(np.zeros(len(k)), load, network.capacity, sums, balance.ravel(), method="highs")
    return int(answer.status) != NO_POINT
