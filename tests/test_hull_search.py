"""The λ-search finds the cheapest path under linear + storage·held + κ·sqrt(w), against all simple paths."""

from dataclasses import dataclass

import numpy as np
import pytest

from logistics.models.flow.hull import RootCosts, hull_paths, least_spread
from logistics.paths import CompressedGraph

KAPPAS = (0.0, 0.3, 4.0, 60.0, 2e3, 1e7)


@dataclass
class Graph:
    """A directed graph with three figures an arc, roots and origins."""

    size: int
    tail: np.ndarray
    head: np.ndarray
    linear: np.ndarray
    held: np.ndarray
    spread: np.ndarray
    roots: list
    origins: np.ndarray
    storage: np.ndarray
    own_w: np.ndarray

    def points(self, origin, root):
        """(cost without the concave part, w) of every simple path from `origin` to a root."""
        price = self.linear + self.storage[root] * self.held
        end, found = self.roots[root], []

        def walk(vertex, cost, w, seen):
            if vertex == end:
                found.append((cost, w))
                return
            for arc in np.flatnonzero(self.tail == vertex):
                following = int(self.head[arc])
                if following not in seen:
                    walk(following, cost + price[arc], w + self.spread[arc], seen | {following})

        walk(int(origin), 0.0, 0.0, {int(origin)})
        return np.array(found).reshape(-1, 2)

    def least(self, origin, root, kappa):
        """Cost of the cheapest of all simple paths; inf when there is none."""
        points = self.points(origin, root)
        return (
            (points[:, 0] + kappa * np.sqrt(points[:, 1] + self.own_w[root])).min() if len(points) else np.inf
        )

    def search(self, kappa):
        """What the search finds, the same κ at every root."""
        graph = CompressedGraph.from_arcs(self.size, self.head, self.tail)
        root = np.array(self.roots, dtype=np.int32)
        costs = RootCosts(root, self.storage, np.full(len(root), float(kappa)), self.own_w)
        low = least_spread(graph, self.spread, root, self.origins)
        return hull_paths(graph, self.head, self.linear, self.held, self.spread, costs, self.origins, low)


def random_graph(seed):
    """4 to 8 vertices, two roots; every third has small whole figures, which make ties."""
    random = np.random.default_rng(seed)
    size = int(random.integers(4, 9))
    ends = [(i, j) for i in range(size) for j in range(size) if i != j]
    pairs = [pair for pair in ends if random.random() < 0.55]
    tail, head = (np.array(column, dtype=np.int32) for column in zip(*pairs, strict=True))
    if seed % 3 == 0:
        linear, held, spread = (random.integers(0, 10, len(pairs)).astype(float) for _ in range(3))
    else:
        linear, held = random.uniform(0, 1000, len(pairs)), random.uniform(0, 50, len(pairs))
        spread = random.exponential(100, len(pairs)) * (random.random(len(pairs)) < 0.8)
    return Graph(
        size=size,
        tail=tail,
        head=head,
        linear=linear,
        held=held,
        spread=spread,
        roots=[0, size - 1],
        origins=np.arange(1, size - 1, dtype=np.int32),
        storage=random.choice([0.0, 0.5, 3.0], 2),
        own_w=random.choice([0.0, 7.0, 500.0], 2),
    )


def fan(ways_of, own_w=0.0):
    """One root and one origin per entry; each of its ways is (linear, w), through a vertex of its own."""
    tail, head, linear, spread, origins, size = [], [], [], [], [], 1
    for ways in ways_of:
        origin = size
        origins.append(origin)
        size += 1
        for money, w in ways:
            tail += [origin, size]
            head += [size, 0]
            linear += [money, 0.0]
            spread += [w, 0.0]
            size += 1
    return Graph(
        size=size,
        tail=np.array(tail, np.int32),
        head=np.array(head, np.int32),
        linear=np.array(linear),
        held=np.zeros(len(tail)),
        spread=np.array(spread),
        roots=[0],
        origins=np.array(origins, np.int32),
        storage=np.zeros(1),
        own_w=np.full(1, own_w),
    )


@pytest.mark.parametrize("seed", range(50))
def test_search_finds_the_cheapest_of_all_simple_paths(seed):
    """Value of every origin and root equals the least over all simple paths; unreached ones are infinite."""
    graph = random_graph(seed)
    for kappa in KAPPAS:
        found = graph.search(kappa)
        for root in range(2):
            expected = [graph.least(origin, root, kappa) for origin in graph.origins]
            assert found.value[root] == pytest.approx(expected, rel=1e-9, abs=1e-9)


@pytest.mark.parametrize("seed", range(50))
def test_the_path_it_hands_over_costs_what_it_says(seed):
    """The arcs lead from the origin to the root in order of travel and add up to the value."""
    graph = random_graph(seed)
    for kappa in KAPPAS:
        found = graph.search(kappa)
        for root, i in np.argwhere(np.isfinite(found.value)):
            arcs = found.arcs[root, i, : found.lengths[root, i]]
            vertices = [int(graph.origins[i]), *graph.head[arcs].tolist()]
            assert graph.tail[arcs].tolist() == vertices[:-1]
            assert vertices[-1] == graph.roots[root]
            assert len(set(vertices)) == len(vertices)
            cost = (graph.linear + graph.storage[root] * graph.held)[arcs].sum()
            cost += kappa * np.sqrt(graph.spread[arcs].sum() + graph.own_w[root])
            assert cost == pytest.approx(found.value[root, i], rel=1e-9, abs=1e-9)


def test_ends_and_middle_of_the_hull_are_found():
    """Cheap and wild, middling, dear and steady: each is best for some κ; a dominated way never is."""
    graph = fan([[(0.0, 100.0), (12.0, 36.0), (40.0, 0.0), (30.0, 35.0)]])
    chosen = {}
    for kappa in (1.0, 4.0, 10.0):
        found = graph.search(kappa)
        chosen[kappa] = (int(found.arcs[0, 0, 0]) // 2, float(found.value[0, 0]))
    assert chosen == {1.0: (0, 10.0), 4.0: (1, 36.0), 10.0: (2, 40.0)}


def test_kappa_zero_is_a_shortest_path_search():
    """Without a concave part w plays no role."""
    for seed in range(20):
        graph = random_graph(seed)
        found = graph.search(0.0)
        for i, origin in enumerate(graph.origins):
            points = graph.points(origin, 0)
            expected = points[:, 0].min() if len(points) else np.inf
            assert found.value[0, i] == pytest.approx(expected, abs=1e-9)


def test_huge_kappa_takes_the_least_spread():
    """When the root dominates, the path of least w wins whatever it costs."""
    for seed in range(1, 50, 3):
        graph = random_graph(seed)
        found = graph.search(1e12)
        for i, origin in enumerate(graph.origins):
            points = graph.points(origin, 0)
            if len(points):
                least = 1e12 * np.sqrt(points[:, 1].min() + graph.own_w[0])
                assert found.value[0, i] == pytest.approx(least, rel=1e-6, abs=1e5)


def test_a_long_hull_is_searched_only_where_it_matters():
    """Of 200 supported points of one origin the best is found."""
    w = np.linspace(1, 400, 200)
    ways = [((400 - x) ** 2 / 1000, x) for x in w]
    for kappa in (0.5, 3.0, 8.0):
        graph = fan([ways])
        assert graph.search(kappa).value[0, 0] == pytest.approx(graph.least(1, 0, kappa), rel=1e-11)


def test_many_origins_that_each_need_a_slope_of_their_own():
    """The best way of origin i is met only by λ in an interval of its own; all of 100 are found."""
    kappa, ways = 10.0, []
    for i in range(100):
        b = 10 * 1.2**i
        low, high = 0.485 * kappa / np.sqrt(b), 0.52 * kappa / np.sqrt(b)
        ways.append([(0.0, 1.1 * b), (low * 0.1 * b, b), ((low + high) * 0.1 * b, 0.9 * b)])
    graph = fan(ways)
    found = graph.search(kappa)
    expected = [graph.least(origin, 0, kappa) for origin in graph.origins]
    assert found.value[0] == pytest.approx(expected, rel=1e-11)
    assert [int(graph.tail[found.arcs[0, i, 0]]) for i in range(100)] == graph.origins.tolist()


def test_a_chain_of_many_arcs_is_walked_to_its_end():
    """A path of 300 arcs, each with a dearer twin, is found and handed over whole."""
    count = 300
    nodes = np.arange(count, dtype=np.int32)
    graph = fan([])
    graph.size = 2 * count + 1
    # i + 1 → i straight, and by a middle vertex at twice the cost
    graph.tail = np.concatenate([nodes + 1, nodes + 1, nodes + count + 1]).astype(np.int32)
    graph.head = np.concatenate([nodes, nodes + count + 1, nodes]).astype(np.int32)
    graph.linear, graph.spread = np.ones(3 * count), np.ones(3 * count)
    graph.held = np.zeros(3 * count)
    graph.origins = np.array([count], dtype=np.int32)
    found = graph.search(2.0)
    assert found.value[0, 0] == pytest.approx(count + 2 * np.sqrt(count))
    assert found.arcs[0, 0, : found.lengths[0, 0]].tolist() == list(range(count))[::-1]
