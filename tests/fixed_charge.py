"""Random fixed-charge networks for tests."""

import numpy as np

from benchmarks.network_design.dow import FixedChargeNetwork


def random_network(seed, nodes=6, arcs=12, commodities=4, tightness=1.3):
    """A network in which all cargo fits if every arc is open, more or less narrowly.

    Parameters
    ----------
    tightness
        Mean demand over mean capacity: the larger, the more arcs are needed.
    """
    r = np.random.default_rng([seed, nodes, arcs])
    ring = np.arange(nodes)
    tail, head = [*ring], [*np.roll(ring, -1)]
    while len(tail) < arcs:
        a, b = r.choice(nodes, 2, replace=False)
        if (a, b) not in set(zip(tail, head, strict=True)):
            tail.append(a)
            head.append(b)
    ends = np.array([r.choice(nodes, 2, replace=False) for _ in range(commodities)])
    demand = r.integers(3, 20, commodities).astype(float)
    capacity = np.ceil(r.uniform(0.6, 1.6, arcs) * demand.sum() / tightness)
    # Along the ring there is room for all, so that a plan exists.
    capacity[:nodes] = np.maximum(capacity[:nodes], demand.sum())
    order = r.permutation(arcs)
    cost = r.integers(1, 30, arcs).astype(float)
    fixed = r.integers(50, 400, arcs).astype(float)
    return FixedChargeNetwork(
        num_nodes=nodes,
        tail=np.array(tail, dtype=np.int32)[order],
        head=np.array(head, dtype=np.int32)[order],
        cost=cost[order],
        capacity=capacity[order],
        fixed_cost=fixed[order],
        origin=ends[:, 0].astype(np.int32),
        destination=ends[:, 1].astype(np.int32),
        demand=demand,
    )


def tight_network(seed, nodes=8, arcs=40, commodities=10):
    """A larger one with capacities that bind: the relaxation leaves a gap."""
    return random_network(seed, nodes, arcs, commodities, tightness=4.0)


def as_dow(network, title="MULTIGEN.DAT:"):
    """The file of a network."""
    lines = [title, f"{network.num_nodes} {len(network.tail)} {len(network.origin)}"]
    lines += [
        f"{a + 1} {b + 1} {c:.0f} {u:.0f} {f:.0f} 1 {i}"
        for i, (a, b, c, u, f) in enumerate(
            zip(network.tail, network.head, network.cost, network.capacity, network.fixed_cost, strict=True)
        )
    ]
    lines += [
        f"{o + 1} {d + 1} {q:.0f}"
        for o, d, q in zip(network.origin, network.destination, network.demand, strict=True)
    ]
    return "\n".join(lines) + "\n"
