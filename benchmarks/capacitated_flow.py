"""Generated multimodal networks with scarce services, and the same problem in arc form for peers.

Sites lie at random in a square, clustered a little. Services are roads between neighbours, trains between
rail sites, ships between ports and planes between airports, each with a capacity of its own. Roads without a
limit but dear join all sites, so everything can be served. Capacities are a part of what a spread-out
assignment of the demand would put on each service; a third to a half of the services is scarce then.
There is one product and one time value, so the arc form needs a variable for each origin and arc only.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple, TypeVar

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import coo_matrix, csr_matrix, vstack
from scipy.sparse.csgraph import minimum_spanning_tree
from scipy.spatial.distance import cdist

from logistics.models.flow.costs import layer_costs
from logistics.paths import CompressedGraph, tree_paths
from logistics.virtual_network.instance import (
    Commodities,
    Instance,
    Layer,
    Products,
    Resource,
    Step,
    Weights,
)

Floats = NDArray[np.float64]
Ints = NDArray[np.int32]
Numbers = NDArray[np.integer[Any]]
Kind = TypeVar("Kind", bound=np.generic)
SIDE_KM = 2000.0
NEIGHBOURS = 10
DEAR_ROAD_CNY_PER_TKM = 2.5
SLICES = 12


class Size(NamedTuple):
    """Sites, services with a capacity, demand rows, and origins these start from."""

    num_sites: int
    num_services: int
    num_demands: int
    num_origins: int


SIZES = {
    "T": Size(200, 1_000, 300, 20),
    "S": Size(500, 3_000, 2_000, 60),
    "M": Size(1_000, 6_000, 8_000, 120),
    "L": Size(2_000, 10_000, 20_000, 200),
}


class Mode(NamedTuple):
    """How a mode's services are drawn.

    Parameters
    ----------
    share
        Of all services.
    sites
        Share of the sites that have the mode.
    reach_km
        Scale of the exponential preference for near sites; inf: none.
    fixed_cny_per_t, cny_per_tkm
        Tariff.
    fixed_h, km_per_h
        Hours.
    """

    share: float
    sites: float
    reach_km: float
    fixed_cny_per_t: float
    cny_per_tkm: float
    fixed_h: float
    km_per_h: float


MODES = {
    "road": Mode(0.60, 1.00, 0.0, 25.0, 0.80, 4.0, 50.0),
    "rail": Mode(0.25, 0.35, 500.0, 80.0, 0.35, 30.0, 35.0),
    "sea": Mode(0.08, 0.12, np.inf, 120.0, 0.10, 60.0, 25.0),
    "air": Mode(0.07, 0.10, np.inf, 600.0, 3.50, 12.0, 500.0),
}


@dataclass(frozen=True)
class ArcProgram:
    """A linear program: min cost·x, x ≥ 0, eq_matrix·x = eq_rhs, ub_matrix·x ≤ ub_rhs.

    Parameters
    ----------
    cost
        Of each column: first the flow of each class (layer, origin, product, time value) on each arc, class
        by class, then the unserved tonnes of each commodity where these have a price.
    constant
        To be added to the optimum for the instance's objective.
    """

    cost: Floats
    eq_matrix: csr_matrix
    eq_rhs: Floats
    ub_matrix: csr_matrix
    ub_rhs: Floats
    constant: float

    def arrays(self) -> dict[str, Any]:
        """As ``highs_arc.py`` reads it: columns of one matrix with row bounds."""
        matrix = vstack([self.eq_matrix, self.ub_matrix]).tocsc()
        return {
            "cost": self.cost,
            "start": matrix.indptr,
            "index": matrix.indices,
            "value": matrix.data,
            "lower": np.concatenate([self.eq_rhs, np.full(len(self.ub_rhs), -np.inf)]),
            "upper": np.concatenate([self.eq_rhs, self.ub_rhs]),
            "constant": self.constant,
        }


def built(size: str, seed: int) -> Instance:
    """Generate an instance.

    Parameters
    ----------
    size
        ``T``, ``S``, ``M`` or ``L``.
    seed
        Same size and seed: same instance.
    """
    shape = SIZES[size]
    random = np.random.default_rng([seed, shape.num_sites])
    place = _places(random, shape.num_sites)
    roads = np.column_stack(minimum_spanning_tree(cdist(place, place)).tocoo().coords)
    dear = np.concatenate([roads, roads[:, ::-1]])
    mode, tail, head = _services(random, place, shape.num_services, dear)
    tail, head = np.concatenate([tail, dear[:, 0]]), np.concatenate([head, dear[:, 1]])
    kilometres = np.hypot(*(place[tail] - place[head]).T) * 1.2
    price = np.ones(len(tail))
    price[: len(mode)] = random.uniform(0.8, 1.25, len(mode))
    kinds = list(MODES.values())
    fixed = np.array([m.fixed_cny_per_t for m in kinds])[mode]
    rate = np.array([m.cny_per_tkm for m in kinds])[mode]
    dears = len(dear)
    money = np.concatenate([fixed, np.full(dears, kinds[0].fixed_cny_per_t)])
    money += np.concatenate([rate, np.full(dears, DEAR_ROAD_CNY_PER_TKM)]) * kilometres
    money *= price
    speed = np.concatenate([np.array([m.km_per_h for m in kinds])[mode], np.full(dears, kinds[0].km_per_h)])
    hours = np.concatenate([np.array([m.fixed_h for m in kinds])[mode], np.full(dears, kinds[0].fixed_h)])
    hours += kilometres / speed
    products = Products(
        ids=("goods",),
        m3_per_t=np.array([4.0]),
        carrying_cny_per_t_h=np.array([0.8]),
        cv2_h=np.zeros(1),
        service_factor=np.zeros(1),
    )
    commodities = _commodities(random, shape)
    layer = Layer(
        name="generated",
        num_vertices=shape.num_sites,
        tail=tail.astype(np.int32),
        head=head.astype(np.int32),
        money_cny_per_t=money[:, None],
        pipeline_h=hours,
        customer_h=hours.copy(),
        lead_h=np.zeros(len(tail)),
        variance_h2=np.zeros(len(tail)),
        stock_h=np.zeros((len(tail), 1)),
        co2_kg_per_t=0.08 * kilometres[:, None],
        use_arc=np.arange(len(mode), dtype=np.int32),
        use_row=np.arange(len(mode), dtype=np.int32),
        use_is_m3=np.zeros(len(mode), dtype=bool),
        steps=tuple(
            Step(
                "ride", f"site-{a}", f"site-{b}", service_id=f"service-{i}" if i < len(mode) else f"road-{i}"
            )
            for i, (a, b) in enumerate(zip(tail.tolist(), head.tolist(), strict=True))
        ),
    )
    free = Instance(2021, (layer,), (), products, commodities, Weights())
    cost = layer_costs(free, layer).of_class(0, float(commodities.time_value_cny_per_t_h[0]))
    load = _spread_load(random, layer, cost, commodities)[: len(mode)]
    least = 0.2 * float(np.median(load[load > 0]))
    capacity = np.round(np.maximum(load, least) * random.uniform(0.6, 1.6, len(mode)), 1)
    resources = tuple(
        Resource("service", f"service-{i}", "t", amount) for i, amount in enumerate(capacity.tolist())
    )
    return Instance(2021, (layer,), resources, products, commodities, Weights())


def arc_arrays(instance: Instance) -> dict[str, Any]:
    """An instance as a linear program with a variable for each arc and class, as arrays."""
    return arc_program(instance).arrays()


def arc_program(instance: Instance) -> ArcProgram:
    """The same problem with a variable for each arc, commodities of one origin put together.

    Holds for plain layers without limits on the whole plan and without hard promises; where unserved
    demand has no price, all demand is taken as servable.
    """
    c = instance.commodities
    if any(layer.stocked for layer in instance.layers) or np.any(c.promise_is_hard):
        raise ValueError("stock and hard promises have no arc form")
    costs = [layer_costs(instance, layer) for layer in instance.layers]
    groups: dict[tuple[int, int, int, float], list[int]] = {}
    for k in range(len(c)):
        if c.origin[k] < 0 or c.destination[k] < 0:
            continue
        group = (int(c.layer[k]), int(c.origin[k]), int(c.product[k]), float(c.time_value_cny_per_t_h[k]))
        groups.setdefault(group, []).append(k)
    cost: list[Floats] = []
    flow_rows: list[Numbers] = []
    flow_columns: list[Numbers] = []
    flow_values: list[Floats] = []
    use_rows: list[Numbers] = []
    use_columns: list[Numbers] = []
    use_values: list[Floats] = []
    rhs: list[Floats] = []
    row_of = np.full(len(c), -1)
    columns = rows = 0
    for (number, origin, product, time_value), members in groups.items():
        layer = instance.layers[number]
        arcs = np.arange(layer.num_arcs) + columns
        # The origin's own balance follows from all others; its row 0 is left out by giving it none.
        row = np.arange(layer.num_vertices) + rows - (np.arange(layer.num_vertices) > origin)
        for end, sign in ((layer.head, 1.0), (layer.tail, -1.0)):
            kept = end != origin
            flow_rows.append(row[end[kept]])
            flow_columns.append(arcs[kept])
            flow_values.append(np.full(int(kept.sum()), sign))
        wanted = np.bincount(c.destination[members], c.demand_t[members], layer.num_vertices)
        rhs.append(np.delete(wanted, origin))
        row_of[members] = row[c.destination[members]]
        cost.append(costs[number].of_class(product, time_value))
        use_rows.append(layer.use_row)
        use_columns.append(arcs[layer.use_arc])
        use_values.append(np.where(layer.use_is_m3, instance.products.m3_per_t[product], 1.0))
        columns += layer.num_arcs
        rows += layer.num_vertices - 1
    per_t = instance.weights.money * c.constant_cny_per_t
    constant = float(per_t @ c.demand_t)
    if instance.unserved_cny_per_t is not None:
        given = np.flatnonzero(row_of >= 0)
        price = np.broadcast_to(np.asarray(instance.unserved_cny_per_t, float), (len(c),))
        cost.append((price - per_t)[given])
        flow_rows.append(row_of[given])
        flow_columns.append(np.arange(len(given)) + columns)
        flow_values.append(np.ones(len(given)))
        constant += float((price - per_t)[row_of < 0] @ c.demand_t[row_of < 0])
        columns += len(given)
    shape = (rows, columns)
    flow = coo_matrix((_joined(flow_values), (_joined(flow_rows), _joined(flow_columns))), shape)
    shape = (len(instance.resources), columns)
    uses = coo_matrix((_joined(use_values), (_joined(use_rows), _joined(use_columns))), shape)
    return ArcProgram(_joined(cost), flow.tocsr(), _joined(rhs), uses.tocsr(), instance.capacity, constant)


def _joined(parts: Sequence[NDArray[Kind]]) -> NDArray[Kind]:
    return np.concatenate(parts)


def _places(random: np.random.Generator, count: int) -> Floats:
    """Sites in a square, two in three of them near one of a few centres; shape (sites, 2), km."""
    centres = random.uniform(0.1 * SIDE_KM, 0.9 * SIDE_KM, (max(4, count // 40), 2))
    near = centres[random.integers(len(centres), size=count)] + random.normal(0, SIDE_KM / 15, (count, 2))
    anywhere = random.uniform(0, SIDE_KM, (count, 2))
    return np.clip(np.where(random.random(count)[:, None] < 2 / 3, near, anywhere), 0, SIDE_KM)


def _services(random: np.random.Generator, place: Floats, count: int, dear: Ints) -> tuple[Ints, Ints, Ints]:
    """Mode, tail and head of each service; no two arcs join the same sites in the same direction."""
    taken = set(zip(*dear.T.tolist(), strict=True))
    modes: list[int] = []
    near = np.argsort(cdist(place, place), axis=1)[:, 1 : NEIGHBOURS + 1]
    quota = np.diff(np.round(np.cumsum([0.0] + [mode.share for mode in MODES.values()]) * count)).astype(int)
    pairs: list[tuple[int, int]] = []
    for number, mode in enumerate(MODES.values()):
        members = random.permutation(len(place))[: max(8, round(mode.sites * len(place)))]
        left = int(quota[number])
        while left:
            a = int(random.choice(members))
            if mode.reach_km == 0.0:
                b = int(near[a, random.integers(NEIGHBOURS)])
            elif np.isinf(mode.reach_km):
                b = int(random.choice(members))
            else:
                far = np.exp(-np.hypot(*(place[members] - place[a]).T) / mode.reach_km)
                b = int(random.choice(members, p=far / far.sum()))
            if a != b and (a, b) not in taken:
                taken.add((a, b))
                pairs.append((a, b))
                modes.append(number)
                left -= 1
    ends = np.array(pairs, dtype=np.int32)
    return np.array(modes, dtype=np.int32), ends[:, 0], ends[:, 1]


def _commodities(random: np.random.Generator, shape: Size) -> Commodities:
    """Demand rows between distinct pairs of an origin and another site, of very different size."""
    origins = random.permutation(shape.num_sites)[: shape.num_origins]
    key = random.permutation(shape.num_origins * shape.num_sites)
    origin, destination = origins[key // shape.num_sites], key % shape.num_sites
    apart = np.flatnonzero(origin != destination)[: shape.num_demands]
    # Row by row of the same origin, as tables are.
    apart = apart[np.lexsort((destination[apart], origin[apart]))]
    count = len(apart)
    return Commodities(
        demand_id=tuple(f"row-{i}" for i in range(count)),
        tier=("all",) * count,
        layer=np.zeros(count, np.int32),
        origin=origin[apart].astype(np.int32),
        destination=destination[apart].astype(np.int32),
        product=np.zeros(count, np.int32),
        time_value_cny_per_t_h=np.full(count, 1.5),
        demand_t=np.round(random.lognormal(4.0, 1.0, count), 1) + 0.1,
        constant_cny_per_t=np.zeros(count),
        promise_h=np.full(count, np.inf),
        promise_is_hard=np.zeros(count, bool),
    )


def _spread_load(random: np.random.Generator, layer: Layer, cost: Floats, c: Commodities) -> Floats:
    """Tonnes on each arc when the demand goes in slices, each avoiding what is busy already."""
    graph = CompressedGraph.from_arcs(layer.num_vertices, layer.tail, layer.head)
    roots, row = np.unique(c.origin, return_inverse=True)
    load = np.zeros(layer.num_arcs)
    usual = 0.0
    for _ in range(SLICES):
        busy = 1.0 + 0.5 * np.minimum(4.0, load / usual) if usual else 1.0
        _, entering = graph.trees(
            cost * busy * random.uniform(0.8, 1.25, layer.num_arcs), roots.astype(np.int32)
        )
        lengths, arcs = tree_paths(entering, layer.tail, c.destination, row.astype(np.int32))
        tonnes = np.repeat(c.demand_t / SLICES, lengths)
        load += np.bincount(arcs[arcs >= 0], tonnes, layer.num_arcs)
        usual = float(np.mean(load[load > 0]))
    return load
