"""The flow model against brute force: every simple path of tiny networks in one linear program.

Costs, paths, program and bound are computed here a second time, from the arrays of the instance alone.
"""

from collections import defaultdict
from dataclasses import dataclass
from functools import cache

import networkx as nx
import numpy as np
import pytest
from scipy.optimize import linprog
from scipy.sparse import coo_array

from logistics.models.flow.column_generation import FlowModel, StopRule
from logistics.virtual_network.build import build_instance
from tests.tiny import random_network, three_gateways

OBJECTIVES = ("generalised", "generalised", "money", "hours", "co2")
TO_THE_END = StopRule(gap=0.0)
MAX_PATHS = 20_000


def all_simple_paths(layer, origin, destination):
    """Arcs of every way from origin to destination that meets no vertex twice."""
    leaving, entering = defaultdict(list), defaultdict(list)
    for arc, (tail, head) in enumerate(zip(layer.tail.tolist(), layer.head.tolist(), strict=True)):
        leaving[tail].append((arc, head))
        entering[head].append(tail)
    useful, stack = {destination}, [destination]
    while stack:
        for vertex in entering[stack.pop()]:
            if vertex not in useful:
                useful.add(vertex)
                stack.append(vertex)
    paths, path, seen = [], [], {origin}

    def walk(vertex):
        if vertex == destination:
            paths.append(list(path))
            assert len(paths) <= MAX_PATHS
            return
        for arc, following in leaving[vertex]:
            if following in useful and following not in seen:
                seen.add(following)
                path.append(arc)
                walk(following)
                path.pop()
                seen.remove(following)

    if origin >= 0 and destination >= 0:
        walk(origin)
    return paths


def path_cost(instance, layer, product, time_value, path):
    """Cost of one tonne on `path` under the instance's objective, constants left out."""
    goods, weights = instance.products, instance.weights
    money = sum(layer.money_cny_per_t[arc, product] for arc in path)
    pipeline = sum(layer.pipeline_h[arc] for arc in path)
    customer = sum(layer.customer_h[arc] for arc in path)
    co2 = sum(layer.co2_kg_per_t[arc, product] for arc in path)
    stock = sum(layer.stock_h[arc, product] for arc in path)
    stores = [number for number, arc in enumerate(layer.store_arc.tolist()) if arc in path]
    if stores:
        (store,) = stores
        assortment = layer.stock_h[layer.store_arc[store], product]
        before = [arc for arc in path if layer.steps[arc].action != "deliver"]
        lead = sum(layer.lead_h[arc] for arc in before)
        variance = sum(layer.variance_h2[arc] for arc in before)
        safety = goods.service_factor[product] * np.sqrt(lead * goods.cv2_h[product] + variance)
        # the store arc's money holds the storage of assortment stock already
        money += layer.storage_cny_per_t_h[store, product] * (stock - assortment + safety)
        stock += safety
    carrying = goods.carrying_cny_per_t_h[product] * (pipeline + stock)
    return (
        weights.money * money
        + weights.carrying * carrying
        + weights.time_value * time_value * customer
        + weights.customer_h * customer
        + weights.co2_kg * co2
    )


def path_draws(instance, layer, product, path):
    """What a tonne on `path` takes of each resource."""
    taken = defaultdict(float)
    for use in np.flatnonzero(np.isin(layer.use_arc, path)):
        cubic = layer.use_is_m3[use]
        taken[int(layer.use_row[use])] += instance.products.m3_per_t[product] if cubic else 1.0
    return taken


@dataclass
class BruteForce:
    """Every path of every commodity, with cost (constants included) and draws."""

    instance: object
    commodity: list
    cost: list
    draws: list

    @classmethod
    def of(cls, instance):
        """Enumerate the paths of an instance."""
        brute = cls(instance, [], [], [])
        c = instance.commodities
        known = {}
        for k in range(len(c)):
            layer, product = instance.layers[c.layer[k]], int(c.product[k])
            ends = (int(c.layer[k]), int(c.origin[k]), int(c.destination[k]))
            if ends not in known:
                known[ends] = all_simple_paths(layer, ends[1], ends[2])
            constant = instance.weights.money * c.constant_cny_per_t[k]
            for path in known[ends]:
                brute.commodity.append(k)
                brute.cost.append(
                    path_cost(instance, layer, product, c.time_value_cny_per_t_h[k], path) + constant
                )
                brute.draws.append(path_draws(instance, layer, product, path))
        return brute

    def solve(self):
        """Objective and unserved tonnes of the whole program, unserved first unless it has a price."""
        demand, price = self.instance.commodities.demand_t, self.instance.unserved_cny_per_t
        num_paths, num_commodities = len(self.cost), len(demand)
        entries = [(row, i, amount) for i, taken in enumerate(self.draws) for row, amount in taken.items()]
        rows, columns, amounts = zip(*entries, strict=True) if entries else ((), (), ())
        shape = (len(self.instance.resources), num_paths + num_commodities)
        capacity = coo_array((amounts, (rows, columns)), shape=shape).tocsr()
        served = [(k, i) for i, k in enumerate(self.commodity)] + [
            (k, num_paths + k) for k in range(num_commodities)
        ]
        rows, columns = zip(*served, strict=True)
        balance = coo_array(
            (np.ones(len(served)), (rows, columns)), shape=(num_commodities, shape[1])
        ).tocsr()
        paths = np.concatenate([self.cost, np.zeros(num_commodities)])
        unserved = np.concatenate([np.zeros(num_paths), np.ones(num_commodities)])
        program = {
            "A_ub": capacity,
            "b_ub": self.instance.capacity,
            "A_eq": balance,
            "b_eq": demand,
            "method": "highs",
        }
        if price is not None:
            answer = linprog(paths + price * unserved, **program)
            return answer.fun, float(answer.x[num_paths:].sum())
        least = linprog(unserved, **program)
        # Prices the last tonne so that no path is worth leaving it behind; exact, and free of a tolerance.
        dear = 1e3 * max(1.0, max(self.cost, default=1.0))
        answer = linprog(paths + dear * unserved, **program)
        assert answer.x[num_paths:].sum() == pytest.approx(least.fun, rel=1e-9, abs=1e-7)
        return float(paths @ answer.x), least.fun


def lagrangian_bound(instance, brute, duals):
    """The bound that `duals` prove, by networkx for additive layers and by enumeration for stocked ones."""
    c = instance.commodities
    total = -float(instance.capacity @ duals.resource)
    if duals.allowed_t:
        total -= duals.unserved * duals.allowed_t
    enumerated = np.full(len(c), np.inf)
    for k, cost, draws in zip(brute.commodity, brute.cost, brute.draws, strict=True):
        paid = sum(duals.resource[row] * amount for row, amount in draws.items())
        enumerated[k] = min(enumerated[k], duals.path_scale * cost + paid)
    for k in range(len(c)):
        layer = instance.layers[c.layer[k]]
        distance = enumerated[k]
        if not layer.stocked:
            distance = networkx_distance(instance, layer, k, duals)
            assert distance == pytest.approx(enumerated[k], rel=1e-9)
        total += c.demand_t[k] * min(distance, duals.unserved)
    return total


def networkx_distance(instance, layer, k, duals):
    """Cheapest cost of commodity k with capacity prices; the arcs' costs are those of one-arc paths."""
    c = instance.commodities
    product, time_value = int(c.product[k]), c.time_value_cny_per_t_h[k]
    paid = np.zeros(layer.num_arcs)
    per_use = (
        np.where(layer.use_is_m3, instance.products.m3_per_t[product], 1.0) * duals.resource[layer.use_row]
    )
    np.add.at(paid, layer.use_arc, per_use)
    graph = nx.DiGraph()
    graph.add_nodes_from((int(c.origin[k]), int(c.destination[k])))
    for arc, (tail, head) in enumerate(zip(layer.tail.tolist(), layer.head.tolist(), strict=True)):
        assert not graph.has_edge(tail, head)
        weight = duals.path_scale * path_cost(instance, layer, product, time_value, [arc]) + paid[arc]
        graph.add_edge(tail, head, weight=weight)
    if c.origin[k] < 0 or c.destination[k] < 0:
        return np.inf
    try:
        distance = nx.dijkstra_path_length(graph, int(c.origin[k]), int(c.destination[k]))
    except nx.NetworkXNoPath:
        return np.inf
    return distance + duals.path_scale * instance.weights.money * c.constant_cny_per_t[k]


@cache
def compiled(seed):
    """A random instance; the objective goes round, and every fourth has a price of unserved."""
    network = random_network(seed)
    objective = OBJECTIVES[seed % len(OBJECTIVES)]
    price = 30_000.0 if seed % 4 == 3 and objective in ("generalised", "money") else None
    return build_instance(network, 2021, objective, price)


@cache
def brute_force(seed):
    """Every path of :func:`compiled`."""
    return BruteForce.of(compiled(seed))


@cache
def solved(seed):
    """The answer under the default stop rule."""
    return FlowModel(compiled(seed)).solve()


@pytest.mark.parametrize("seed", range(60))
def test_flow_model_agrees_with_the_program_of_all_paths(seed):
    """Objective and unserved tonnes are those of the full program; the bound is what the duals prove."""
    instance, brute = compiled(seed), brute_force(seed)
    objective, unserved = brute.solve()
    answer = FlowModel(instance, TO_THE_END).solve()
    scale = max(1.0, abs(objective))
    assert answer.unserved_t.sum() == pytest.approx(unserved, rel=1e-7, abs=1e-6)
    assert answer.objective == pytest.approx(objective, rel=1e-7, abs=1e-6)
    assert answer.bound <= answer.objective + 1e-9 * scale
    proven = lagrangian_bound(instance, brute, answer.duals)
    assert proven == pytest.approx(answer.bound, abs=5e-9 * scale)
    assert answer.bound == pytest.approx(objective, abs=1e-6 * scale)


@pytest.mark.parametrize("seed", range(60))
def test_default_stop_rule_ends_optimal(seed):
    """With the default gap every tiny network is solved to `optimal`, unserved demand or not."""
    answer = solved(seed)
    assert answer.status == "optimal"
    assert answer.gap <= 1e-6


@pytest.mark.parametrize("seed", range(60))
def test_least_unserved_is_certified(seed):
    """When demand stays unserved, the first phase's duals prove that less is impossible."""
    instance, answer = compiled(seed), solved(seed)
    if answer.least_unserved is None:
        assert instance.unserved_cny_per_t is not None or answer.unserved_t.sum() == pytest.approx(
            0, abs=1e-6
        )
        return
    assert answer.least_unserved.duals.path_scale == 0
    proven = lagrangian_bound(instance, brute_force(seed), answer.least_unserved.duals)
    assert proven == pytest.approx(answer.least_unserved_t, rel=1e-8, abs=1e-6)
    assert answer.unserved_t.sum() == pytest.approx(proven, rel=1e-5, abs=1e-6)


@pytest.mark.parametrize("objective", ["generalised", "money", "hours", "co2"])
def test_three_gateways_agrees_with_the_program_of_all_paths(objective):
    """The network argued by hand agrees with brute force under every objective."""
    instance = build_instance(three_gateways(), 2021, objective)
    brute = BruteForce.of(instance)
    expected, unserved = brute.solve()
    answer = FlowModel(instance, TO_THE_END).solve()
    assert unserved == pytest.approx(0, abs=1e-9)
    assert answer.objective == pytest.approx(expected, rel=1e-9)
    assert lagrangian_bound(instance, brute, answer.duals) == pytest.approx(answer.bound, rel=1e-9)


@pytest.mark.parametrize("price", [3000.0, 30_000.0, 60_000.0])
def test_priced_unserved_leaves_what_is_not_worth_its_cost(price):
    """With a price of unserved, a row stays when every way costs more, also where no capacity is scarce."""
    instance = build_instance(three_gateways(), 2021, "generalised", price)
    expected, unserved = BruteForce.of(instance).solve()
    answer = FlowModel(instance, TO_THE_END).solve()
    assert answer.objective == pytest.approx(expected, rel=1e-9)
    assert answer.unserved_t.sum() == pytest.approx(unserved, abs=1e-6)


def test_solves_twice_alike():
    """The same instance gives the same plan, arc by arc."""
    first, second = (FlowModel(compiled(2)).solve() for _ in range(2))
    assert [path.tolist() for path in first.path] == [path.tolist() for path in second.path]
    assert first.flow_t.tolist() == second.flow_t.tolist()
    assert first.objective == second.objective


def test_random_networks_differ_in_what_they_show():
    """Among the seeds are scarce and ample capacities, unserved demand, stock, post and imports."""
    seen = defaultdict(int)
    for seed in range(60):
        instance, answer = compiled(seed), solved(seed)
        seen["unserved"] += answer.unserved_t.sum() > 1e-3
        seen["all served"] += answer.unserved_t.sum() <= 1e-3
        seen["prices"] += bool((answer.duals.resource > 1e-6).any())
        actions = {
            (step.action, instance.layers[instance.commodities.layer[k]].name.split("-")[0])
            for k, path in zip(answer.commodity, answer.path, strict=True)
            for step in (instance.layers[instance.commodities.layer[k]].steps[arc] for arc in path)
        }
        for key in (("store", "export"), ("clear_post", "export"), ("ride", "import"), ("stay", "export")):
            seen[key] += key in actions
    assert all(seen[key] >= 3 for key in seen), dict(seen)
    assert len(seen) == 7
