"""Sites with capacities, each customer served from one of them, against all sets and all assignments."""

from dataclasses import replace
from itertools import product

import numpy as np
import pytest

from benchmarks.siting.peer_models import strong_program
from logistics.integer_solver import MixedStop, solve_mixed
from logistics.models.siting.knapsacks import best_whole_load
from logistics.models.siting.problem import SitingProblem, SitingStop
from logistics.models.siting.solve import solve_siting
from tests.test_siting_capacitated import allowed_sets, check_plan, medium, tightened
from tests.test_siting_uncapacitated import RULES, ids, random_problem, shuffled


def few(problem: SitingProblem, sites: int, customers: int) -> SitingProblem:
    """The first sites and customers only, so that all assignments can be looked at."""
    some = problem.among(np.arange(problem.num_sites) < sites)
    return replace(
        some,
        cost=some.cost[:, :customers],
        demand=some.demand[:customers],
        customer_ids=some.customer_ids[:customers],
        least_open=min(some.least_open, some.num_sites),
        single_source=True,
    )


def brute_force(problem: SitingProblem) -> float:
    """Least cost over all assignments that fit, and all sets that hold their sites."""
    sites, customers = problem.cost.shape
    every = np.array(list(product(range(sites), repeat=customers)))
    everyone = np.arange(customers)
    cost = problem.cost[every, everyone].sum(axis=1)
    for site in range(sites):
        load = np.where(every == site, problem.demand, 0.0).sum(axis=1)
        cost[load > problem.capacity[site] * (1 + 1e-9)] = np.inf
    best = np.inf
    for opened in allowed_sets(problem):
        inside = opened[every].all(axis=1)
        value = problem.fixed_cost[opened].sum() + np.min(cost, where=inside, initial=np.inf)
        best = min(best, value + problem.constant)
    return best


@pytest.mark.parametrize("rules", RULES)
def test_every_rule_against_brute_force(rules: str):
    """The same least cost, proven, in every kind of problem; what is infeasible is called so."""
    kinds = set()
    for seed in range(25):
        problem = tightened(few(random_problem(seed, rules), 5, 5), seed)
        answer = solve_siting(problem)
        best = brute_force(problem)
        kinds.add(answer.status)
        if best == np.inf:
            assert answer.status == "infeasible"
            assert answer.infeasible is not None
            continue
        assert answer.status == "optimal"
        assert answer.value == pytest.approx(best, rel=1e-8, abs=1e-7)
        assert answer.bound <= best + 1e-7
        check_plan(problem, answer)
        if problem.is_capacitated:
            assert (answer.assignment >= 0).all()
            assert (answer.flows.share == 1.0).all()
    assert kinds == {"optimal", "infeasible"}


def test_larger_ones_agree_with_a_mip_solver():
    for seed in range(3):
        problem = replace(medium(seed, 10, 20), single_source=True)
        mixed = solve_mixed(strong_program(problem), "highs", MixedStop(gap=1e-9))
        answer = solve_siting(problem)
        assert answer.status == "optimal"
        assert answer.value == pytest.approx(mixed.value + problem.constant, rel=1e-7)
        assert answer.value >= solve_siting(replace(problem, single_source=False)).value * (1 - 1e-9)


def test_order_and_names_change_no_value_and_runs_repeat():
    problem = replace(medium(4, 10, 20), single_source=True)
    answer, again = solve_siting(problem), solve_siting(problem)
    assert np.array_equal(answer.assignment, again.assignment)
    assert (answer.value, answer.bound, answer.nodes) == (again.value, again.bound, again.nodes)
    mixed, sites = shuffled(problem, 5, rename=False)
    assert np.array_equal(solve_siting(mixed).open, answer.open[sites])
    renamed = solve_siting(shuffled(problem, 6, rename=True)[0])
    assert renamed.value == pytest.approx(answer.value, rel=1e-8)


def test_a_stop_leaves_a_solution_and_a_bound():
    problem = replace(medium(1, 12, 30), single_source=True)
    full = solve_siting(problem)
    for stop in (SitingStop(time_limit_s=0.0), SitingStop(most_nodes=0)):
        answer = solve_siting(problem, stop)
        assert answer.open.any()
        assert -np.inf < answer.bound <= full.value * (1 + 1e-9)
        assert answer.value >= full.value * (1 - 1e-9)


def test_a_customer_bigger_than_every_site_is_served_by_nobody():
    problem = SitingProblem(
        np.ones(2), np.ones((2, 3)), np.array([1.0, 7.0, 1.0]), np.array([5.0, 6.0]), ids("s", 2), ids("c", 3)
    )
    assert solve_siting(problem).status == "optimal"
    answer = solve_siting(replace(problem, single_source=True))
    assert answer.infeasible is not None
    assert (answer.infeasible.obstacle, answer.infeasible.rows.tolist()) == ("nobody_serves", [1])


def test_room_that_only_split_customers_would_fill_is_no_room():
    problem = SitingProblem(
        np.ones(2), np.ones((2, 3)), np.full(3, 2.0), np.full(2, 3.0), ids("s", 2), ids("c", 3)
    )
    assert solve_siting(problem).status == "optimal"
    answer = solve_siting(replace(problem, single_source=True))
    assert answer.status == "infeasible"
    assert answer.infeasible is not None
    assert answer.infeasible.obstacle == "no_set_serves_all"


def test_the_best_whole_load_is_that_of_all_subsets():
    for seed in range(60):
        random = np.random.default_rng(seed)
        count = int(random.integers(1, 10))
        price, cost = random.uniform(0, 10, count), random.uniform(0, 10, count)
        demand = random.integers(0, 6, count).astype(float)
        room = float(random.integers(0, 12))
        chosen = np.zeros(count, np.int32)
        earned, number = best_whole_load(price, cost, demand, room, chosen, np.zeros(count))
        taken = np.array(list(product([False, True], repeat=count)))
        value = np.where(taken @ demand <= room, taken @ (price - cost), -np.inf).max()
        assert earned == pytest.approx(value)
        assert demand[chosen[:number]].sum() <= room
        assert (price - cost)[chosen[:number]].sum() == pytest.approx(value)
