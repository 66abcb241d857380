"""The interior-point method, the repair of its flows, the warm-up, and large flow problems as a whole.

Peers are scipy's HiGHS on the same program, and on the arc form of the whole problem.
"""

from dataclasses import replace

import numpy as np
import pytest
from scipy.optimize import linprog
from scipy.sparse import csr_matrix

from benchmarks.capacitated_flow import arc_program, built
from benchmarks.flow_audit import audited_flow
from logistics.errors import SolverFailure
from logistics.models.flow import large
from logistics.models.flow.column_generation import FlowModel, StopRule
from logistics.models.flow.columns import Draws
from logistics.models.flow.costs import RowPrices
from logistics.models.flow.interior import InteriorPoint, PathProgram
from logistics.models.flow.pricing import PathPricer
from logistics.models.flow.repair import ColumnTable, repaired
from logistics.models.flow.warm_up_prices import PathBook, risen
from logistics.virtual_network.instance import Weights

GAP = 1e-6


def random_program(seed, num_commodities=12, num_rows=6):
    """Every commodity has a dear column without rows, so the program is feasible."""
    random = np.random.default_rng(seed)
    counts = random.integers(1, 6, num_commodities)
    first = np.concatenate([[0], np.cumsum(counts)]).astype(np.int64)
    cost = random.uniform(1, 100, first[-1])
    cost[first[:-1]] = 500.0
    entries = [
        np.zeros(0, int) if j in first else random.permutation(num_rows)[: random.integers(1, 4)]
        for j in range(first[-1])
    ]
    start = np.concatenate([[0], np.cumsum([len(rows) for rows in entries])]).astype(np.int64)
    row = np.concatenate(entries).astype(np.int32)
    return PathProgram(
        cost=cost,
        first=first,
        demand=random.lognormal(2, 2, num_commodities),
        start=start,
        row=row,
        amount=random.choice([1.0, 0.25, 6.0], len(row)),
        room=random.lognormal(2, 1, num_rows),
    )


def by_highs(program):
    columns, commodities = len(program.cost), len(program.demand)
    group = np.repeat(np.arange(commodities), np.diff(program.first))
    balance = csr_matrix((np.ones(columns), (group, np.arange(columns))))
    uses = csr_matrix((program.amount, program.row, program.start), (columns, len(program.room))).T
    found = linprog(program.cost, A_ub=uses, b_ub=program.room, A_eq=balance, b_eq=program.demand)
    assert found.status == 0
    return found, uses


@pytest.mark.parametrize("seed", range(40))
def test_interior_point_finds_the_value_of_simplex(seed):
    program = random_program(seed)
    best, uses = by_highs(program)
    answer = InteriorPoint(program).solve(1e-9)
    assert program.cost @ answer.flow == pytest.approx(best.fun, rel=1e-8)
    assert np.add.reduceat(answer.flow, program.first[:-1]) == pytest.approx(program.demand, rel=1e-7)
    assert np.all(uses @ answer.flow <= program.room * (1 + 1e-8))
    assert np.all(answer.price >= 0)
    bound = program.demand @ answer.demand_dual - program.room @ answer.price
    assert bound == pytest.approx(best.fun, rel=1e-7)


def test_interior_point_without_rows_takes_the_cheapest_column():
    none = np.zeros(0)
    program = PathProgram(
        cost=np.array([3.0, 1.0, 7.0]),
        first=np.array([0, 2, 3]),
        demand=np.array([5.0, 2.0]),
        start=np.zeros(4, np.int64),
        row=none.astype(np.int32),
        amount=none,
        room=none,
    )
    assert InteriorPoint(program).solve(1e-9).flow == pytest.approx([0.0, 5.0, 2.0], abs=1e-6)


def test_interior_point_says_when_rounding_spoils_it():
    program = replace(random_program(1), cost=np.full(len(random_program(1).cost), np.nan))
    with pytest.raises(SolverFailure):
        InteriorPoint(program).solve(1e-9)


@pytest.mark.parametrize("seed", range(30))
def test_repaired_flows_keep_capacities_and_demand(seed):
    random = np.random.default_rng(seed)
    num_columns, num_rows, num_commodities = 40, 5, 8
    commodity = random.integers(num_commodities, size=num_columns)
    pairs = [(j, r) for j in range(num_columns) for r in range(num_rows) if random.random() < 0.4]
    path, row = np.array(pairs).T
    draws = Draws(path, row, random.choice([1.0, 3.0], len(path)))
    cost, flow = random.uniform(1, 9, num_columns), random.exponential(3, num_columns)
    demand, capacity = random.uniform(0, 9, num_commodities), random.uniform(0, 20, num_rows)
    capacity[0] = 0.0
    table = ColumnTable.sorted(commodity, cost, num_commodities, draws)
    lacking = repaired(table, flow, demand, capacity, cost, np.full(num_commodities, np.inf), 1e-7)
    load = np.bincount(row, draws.amount * flow[path], num_rows)
    served = np.bincount(commodity, flow, num_commodities)
    assert np.all(flow >= 0)
    assert np.all(load <= capacity * (1 + 1e-9) + 1e-7)
    assert served + lacking == pytest.approx(demand, rel=1e-9)
    # What lacks has no room on any column of its commodity.
    spare = np.full(num_columns, np.inf)
    np.minimum.at(spare, path, (capacity * (1 - 1e-9) - load)[row] / draws.amount)
    assert np.all(spare[lacking[commodity] > 1e-6] <= 1e-6)


def small(seed, *, price=None):
    """A generated network cut down to what an arc program solves at once."""
    instance = built("T", seed)
    return replace(instance, unserved_cny_per_t=price)


def arc_value(instance):
    program = arc_program(instance)
    found = linprog(
        program.cost,
        A_ub=program.ub_matrix,
        b_ub=program.ub_rhs,
        A_eq=program.eq_matrix,
        b_eq=program.eq_rhs,
        method="highs-ipm",
    )
    assert found.status == 0
    return found.fun + program.constant


@pytest.fixture
def everything_is_large(monkeypatch):
    monkeypatch.setattr(large, "LEAST_SIZE", 0)


def test_warm_up_raises_a_bound_that_stays_below_the_optimum():
    instance = small(0)
    pricer = PathPricer(instance)
    book = PathBook(instance, pricer, np.full(len(instance.commodities), np.inf), 2)
    none = np.zeros(len(instance.resources))
    free = book.evaluate(none)
    assert free.cost == pytest.approx(pricer.free_cost)
    ascent = risen(book, instance.capacity, none, np.ones(len(none)), free.bound, 150)
    book.close()
    best = arc_value(instance)
    assert free.bound < ascent.bound <= best * (1 + 1e-9)
    assert best - ascent.bound < 0.15 * (best - free.bound)
    priced = pricer.price(RowPrices(ascent.prices, np.zeros(0)), np.full(len(instance.commodities), np.inf))
    demand = instance.commodities.demand_t
    assert ascent.bound == pytest.approx(demand @ priced.cost - instance.capacity @ ascent.prices, rel=1e-12)


def test_book_keeps_each_path_once_whatever_the_threads():
    instance = small(1)
    pricer = PathPricer(instance)
    random = np.random.default_rng(0)
    prices = [random.exponential(50, len(instance.resources)) for _ in range(4)]
    books = []
    for threads in (1, 3):
        book = PathBook(instance, pricer, np.full(len(instance.commodities), np.inf), threads)
        for at in [*prices, *prices]:
            book.evaluate(at)
        books.append({(k, path.tobytes()) for k, path in book.paths(0)})
        assert len(books[-1]) == len(book)
        book.close()
    assert books[0] == books[1]


@pytest.mark.parametrize("seed", range(3))
def test_large_flow_meets_the_arc_form(seed, everything_is_large):
    instance = small(seed)
    solved = FlowModel(instance, StopRule(GAP, 60.0)).solve()
    assert solved.status == "optimal"
    assert audited_flow(instance, solved).verified
    assert solved.objective == pytest.approx(arc_value(instance), rel=2 * GAP)
    served = np.bincount(solved.commodity, solved.flow_t, len(instance.commodities))
    assert served == pytest.approx(instance.commodities.demand_t, rel=1e-9)
    assert solved.unserved_t.sum() == 0.0


@pytest.mark.parametrize("price", [800.0, 3000.0])
def test_large_flow_leaves_what_does_not_pay(price, everything_is_large):
    instance = small(0, price=price)
    solved = FlowModel(instance, StopRule(GAP, 60.0)).solve()
    assert solved.status == "optimal"
    assert audited_flow(instance, solved).verified
    assert solved.objective == pytest.approx(arc_value(instance), rel=2 * GAP)
    assert solved.unserved_t.sum() > 0


@pytest.mark.slow
def test_large_flow_with_products_time_values_and_cubic_metres(everything_is_large):
    instance = small(2)
    layer, c, count = instance.layers[0], instance.commodities, len(instance.commodities)
    random = np.random.default_rng(5)
    products = replace(
        instance.products,
        ids=("goods", "light"),
        m3_per_t=np.array([4.0, 0.5]),
        carrying_cny_per_t_h=np.array([0.8, 3.0]),
        cv2_h=np.zeros(2),
        service_factor=np.zeros(2),
    )
    cubic = np.repeat([False, True], len(layer.use_arc))
    resources = instance.resources + tuple(
        item._replace(id=f"{item.id}-m3", unit="m3", capacity=2.0 * item.capacity)
        for item in instance.resources
    )
    mixed = replace(
        instance,
        layers=(
            replace(
                layer,
                money_cny_per_t=np.repeat(layer.money_cny_per_t, 2, axis=1) * [1.0, 1.3],
                stock_h=np.zeros((layer.num_arcs, 2)),
                co2_kg_per_t=np.repeat(layer.co2_kg_per_t, 2, axis=1),
                use_arc=np.tile(layer.use_arc, 2),
                use_row=np.concatenate([layer.use_row, layer.use_row + len(instance.resources)]),
                use_is_m3=cubic,
            ),
        ),
        resources=resources,
        products=products,
        commodities=replace(
            c,
            product=random.integers(0, 2, count).astype(np.int32),
            time_value_cny_per_t_h=random.choice([0.5, 4.0], count),
            constant_cny_per_t=random.uniform(0, 900, count),
        ),
    )
    solved = FlowModel(mixed, StopRule(GAP, 60.0)).solve()
    assert solved.status == "optimal"
    assert audited_flow(mixed, solved).verified
    assert solved.objective == pytest.approx(arc_value(mixed), rel=2 * GAP)


def test_large_flow_with_closed_capacities_and_rows_without_demand(everything_is_large):
    instance = small(1)
    closed = tuple(
        item._replace(capacity=0.0) if i % 7 == 0 else item for i, item in enumerate(instance.resources)
    )
    demand = instance.commodities.demand_t.copy()
    demand[::5] = 0.0
    hard = replace(instance, resources=closed, commodities=replace(instance.commodities, demand_t=demand))
    solved = FlowModel(hard, StopRule(GAP, 60.0)).solve()
    assert solved.status == "optimal"
    assert audited_flow(hard, solved).verified
    assert solved.objective == pytest.approx(arc_value(hard), rel=2 * GAP)


@pytest.mark.slow
def test_large_flow_that_cannot_serve_all_finds_the_least_unserved(everything_is_large, monkeypatch):
    instance = small(0)
    layer = instance.layers[0]
    roads = np.setdiff1d(np.arange(layer.num_arcs), layer.use_arc).astype(np.int32)
    extra = tuple(instance.resources[0]._replace(id=f"road-{i}", capacity=60.0) for i in range(len(roads)))
    scarce = replace(
        instance,
        resources=instance.resources + extra,
        layers=(
            replace(
                layer,
                use_arc=np.concatenate([layer.use_arc, roads]),
                use_row=np.concatenate(
                    [layer.use_row, len(instance.resources) + np.arange(len(roads), dtype=np.int32)]
                ),
                use_is_m3=np.zeros(len(layer.use_arc) + len(roads), bool),
            ),
        ),
    )
    solved = FlowModel(scarce, StopRule(1e-5, 100.0)).solve()
    monkeypatch.setattr(large, "LEAST_SIZE", 10**12)
    plain = FlowModel(scarce, StopRule(1e-5, 100.0)).solve()
    assert solved.least_unserved is not None
    assert plain.least_unserved is not None
    assert plain.least_unserved.allowed_t > 1.0
    assert solved.least_unserved.allowed_t == pytest.approx(plain.least_unserved.allowed_t, rel=1e-5)
    assert solved.objective == pytest.approx(plain.objective, rel=1e-4)


def test_large_flow_is_the_same_each_time(everything_is_large):
    first, second = (FlowModel(small(2), StopRule(GAP, 60.0)).solve() for _ in range(2))
    assert first.objective == second.objective
    assert np.array_equal(first.flow_t, second.flow_t)
    assert np.array_equal(first.duals.resource, second.duals.resource)


def test_a_pricer_like_another_finds_the_same_under_other_weights():
    instance = small(0)
    pricer = PathPricer(instance)
    other = replace(instance, weights=Weights(0.3, 0.6, 2.0, 1.0, 0.1))
    fresh, like = PathPricer(other), PathPricer(other, like=pricer)
    assert like.plain is pricer.plain
    assert np.array_equal(fresh.free_cost, like.free_cost)
