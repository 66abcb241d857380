"""Sites with capacities, demands split, against brute force over all subsets with a linear program each."""

from dataclasses import replace
from itertools import product

import numpy as np
import pytest
from scipy.optimize import linprog

from benchmarks.siting.peer_models import strong_program
from logistics.integer_solver import MixedStop, solve_mixed
from logistics.models.siting.problem import SideRows, SitingAnswer, SitingProblem, SitingProgress, SitingStop
from logistics.models.siting.solve import solve_siting
from logistics.models.siting.transport import serve
from tests.test_siting_uncapacitated import RULES, ids, random_problem, shuffled


def tightened(problem: SitingProblem, seed: int) -> SitingProblem:
    """The problem with demands and capacities; now and then they are whole numbers, all alike, or short."""
    random = np.random.default_rng([seed, 7])
    sites, customers = problem.cost.shape
    whole = random.random() < 0.5
    demand = random.integers(0, 6, customers).astype(float) if whole else random.uniform(0.1, 5, customers)
    mean = demand.sum() / sites * random.uniform(0.8, 3.0)
    capacity = random.uniform(0.3, 2.0, sites) * mean
    if random.random() < 0.3:
        capacity[:] = mean
    if whole:
        capacity = np.ceil(capacity)
    if random.random() < 0.2:
        capacity[random.integers(sites)] = np.inf
    return replace(problem, demand=demand, capacity=capacity)


def allowed_sets(problem: SitingProblem) -> list[np.ndarray]:
    """Subsets of the sites that keep the rules on open sites."""
    sets = []
    for choice in product([False, True], repeat=problem.num_sites):
        opened = np.array(choice, bool)
        if not problem.least_open <= opened.sum() <= problem.num_most_open:
            continue
        if problem.side is not None:
            activity = problem.side.coefficient @ opened
            if np.any(activity < problem.side.lower - 1e-9) or np.any(activity > problem.side.upper + 1e-9):
                continue
        sets.append(opened)
    return sets


def split_service(problem: SitingProblem, opened: np.ndarray) -> float:
    """Least cost of service from open sites, by a linear program; inf: not all can be served."""
    site, customer = np.nonzero(np.isfinite(problem.cost) & opened[:, None])
    if len(site) == 0:
        return np.inf
    everyone = np.zeros((problem.num_customers, len(site)))
    everyone[customer, np.arange(len(site))] = 1.0
    load = np.zeros((problem.num_sites, len(site)))
    load[site, np.arange(len(site))] = problem.demand[customer]
    most = np.where(np.isfinite(problem.capacity), problem.capacity, 1e9)
    answer = linprog(
        problem.cost[site, customer], A_ub=load, b_ub=most, A_eq=everyone, b_eq=np.ones(problem.num_customers)
    )
    return float(answer.fun) if answer.status == 0 else np.inf


def brute_force(problem: SitingProblem) -> float:
    """Least cost over all subsets; a linear program only where service without capacities would be better."""
    best = np.inf
    for opened in allowed_sets(problem):
        fixed = problem.fixed_cost[opened].sum() + problem.constant
        if fixed + problem.cost[opened].min(axis=0, initial=np.inf).sum() < best:
            best = min(best, fixed + split_service(problem, opened))
    return best


def check_plan(problem: SitingProblem, answer: SitingAnswer) -> None:
    """Service, loads, rules and cost of a solution, from the arrays."""
    site, customer, share = answer.flows.site, answer.flows.customer, answer.flows.share
    assert answer.open[site].all()
    assert np.all(share > 0)
    assert np.bincount(customer, share, problem.num_customers) == pytest.approx(1.0, abs=1e-9)
    load = np.bincount(site, share * problem.demand[customer], problem.num_sites)
    assert np.all(load <= problem.capacity * (1 + 1e-8))
    assert any(np.array_equal(answer.open, one) for one in allowed_sets(problem))
    value = problem.fixed_cost[answer.open].sum() + (share * problem.cost[site, customer]).sum()
    assert answer.value == pytest.approx(value + problem.constant, rel=1e-9, abs=1e-9)
    for j in range(problem.num_customers):
        servers = site[customer == j]
        assert answer.assignment[j] == (servers[0] if len(servers) == 1 else -1)


@pytest.mark.parametrize("rules", RULES)
def test_every_rule_against_brute_force(rules: str):
    """The same least cost, proven, in every kind of problem; what is infeasible is called so."""
    kinds = set()
    for seed in range(25):
        problem = tightened(random_problem(seed, rules), seed)
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
        assert answer.gap <= 1e-8
        check_plan(problem, answer)
    assert kinds == {"optimal", "infeasible"}


def medium(seed: int, sites: int = 15, customers: int = 25) -> SitingProblem:
    """Needs about a third of its sites."""
    random = np.random.default_rng(seed)
    place, home = random.uniform(0, 100, (sites, 2)), random.uniform(0, 100, (customers, 2))
    demand = random.uniform(1, 9, customers)
    capacity = random.uniform(0.7, 1.3, sites) * 3.0 * demand.sum() / sites
    cost = np.hypot(*(place[:, None] - home[None]).transpose(2, 0, 1)) * demand
    fixed = random.uniform(200, 600, sites)
    return SitingProblem(fixed, cost, demand, capacity, ids("s", sites), ids("c", customers), constant=100.0)


def test_larger_ones_agree_with_a_mip_solver():
    for seed in range(3):
        problem = medium(seed)
        price = np.random.default_rng(seed).uniform(1, 5, problem.num_sites)
        side = SideRows(price[None], np.array([-np.inf]), np.array([price.sum() * 0.35]), ("budget",))
        for one in (problem, replace(problem, side=side)):
            mixed = solve_mixed(strong_program(one), "highs", MixedStop(gap=1e-9))
            answer = solve_siting(one)
            assert answer.status == "optimal"
            assert answer.value == pytest.approx(mixed.value + one.constant, rel=1e-7)


def test_order_and_names_change_no_value_and_runs_repeat():
    problem = medium(4)
    answer, again = solve_siting(problem), solve_siting(problem)
    assert np.array_equal(answer.open, again.open)
    assert np.array_equal(answer.flows.share, again.flows.share)
    assert (answer.value, answer.bound, answer.nodes) == (again.value, again.bound, again.nodes)
    mixed, sites = shuffled(problem, 5, rename=False)
    other = solve_siting(mixed)
    assert np.array_equal(other.open, answer.open[sites])
    assert other.value == pytest.approx(answer.value, rel=1e-12)
    renamed = solve_siting(shuffled(problem, 6, rename=True)[0])
    assert renamed.value == pytest.approx(answer.value, rel=1e-8)


# --- stopping -------------------------------------------------------------------------------------------


def test_a_stop_leaves_a_solution_and_a_bound():
    problem = medium(1, 25, 40)
    full = solve_siting(problem)
    assert full.status == "optimal"
    for stop in (SitingStop(time_limit_s=0.0), SitingStop(most_nodes=0), SitingStop(gap=0.2)):
        answer = solve_siting(problem, stop)
        assert answer.open.any()
        assert -np.inf < answer.bound <= full.value * (1 + 1e-9)
        assert answer.value >= full.value * (1 - 1e-9)
        assert answer.gap == pytest.approx((answer.value - answer.bound) / answer.value, abs=1e-12)
        assert (answer.status == "optimal") == (answer.gap <= stop.gap)


def test_progress_never_contradicts_the_optimum():
    heard: list[SitingProgress] = []
    problem = medium(2)
    answer = solve_siting(problem, report=heard.append)
    assert heard
    for one in heard:
        assert one.bound <= answer.value * (1 + 1e-9)
        assert one.value >= answer.value * (1 - 1e-9)


def test_a_solve_ends_where_a_solution_is_enough_or_none_is_cheap_enough():
    problem = medium(3)
    full = solve_siting(problem)
    enough = solve_siting(problem, SitingStop(enough=full.value * 1.2))
    assert full.value <= enough.value * (1 + 1e-9)
    assert enough.value <= full.value * 1.2
    none = solve_siting(problem, SitingStop(below=full.value * 0.9))
    assert none.status == "limit"
    assert not none.open.any()
    assert full.value * 0.9 * (1 - 1e-8) <= none.bound <= full.value * (1 + 1e-8)


# --- what cannot be -------------------------------------------------------------------------------------


def test_capacity_that_is_short_says_by_how_much():
    problem = medium(5)
    small = replace(problem, capacity=problem.capacity * 0.1)
    answer = solve_siting(small)
    assert answer.infeasible is not None
    assert answer.infeasible.obstacle == "capacity_short"
    assert answer.infeasible.missing == pytest.approx(small.demand.sum() - small.capacity.sum())


def test_capacity_that_few_sites_have_is_short_by_what_the_biggest_leave():
    problem = medium(6)
    biggest = np.sort(problem.capacity)[-2:].sum()
    answer = solve_siting(replace(problem, most_open=2))
    assert answer.infeasible is not None
    assert answer.infeasible.obstacle == "capacity_short"
    assert answer.infeasible.missing == pytest.approx(problem.demand.sum() - biggest)
    # A budget for the smallest sites only.
    side = SideRows(
        problem.capacity[None], np.array([-np.inf]), np.array([problem.demand.sum() * 0.9]), ("budget",)
    )
    short = solve_siting(replace(problem, side=side)).infeasible
    assert short is not None
    assert short.obstacle == "capacity_short"
    best = max(problem.capacity[s].sum() for s in allowed_sets(replace(problem, side=side)))
    assert short.missing == pytest.approx(problem.demand.sum() - best, rel=1e-6)


def test_capacity_out_of_reach_is_missing_too():
    cost = np.array([[1.0, 1.0, np.inf], [np.inf, np.inf, 1.0]])
    problem = SitingProblem(
        np.ones(2), cost, np.array([4.0, 4.0, 2.0]), np.array([5.0, 9.0]), ids("s", 2), ids("c", 3)
    )
    answer = solve_siting(problem)
    assert answer.infeasible is not None
    assert answer.infeasible.obstacle == "capacity_short"
    assert answer.infeasible.missing == pytest.approx(3.0)


def test_rows_that_no_set_keeps_are_named():
    problem = medium(7)
    rows = np.vstack([np.ones(problem.num_sites), np.zeros(problem.num_sites)])
    side = SideRows(rows, np.array([0.0, 1.0]), np.array([9.0, 1.0]), ("some", "nothing"))
    answer = solve_siting(replace(problem, side=side))
    assert answer.infeasible is not None
    assert answer.infeasible.obstacle == "side_rows"
    assert answer.infeasible.rows.tolist() == [1]


# --- service of a given set -----------------------------------------------------------------------------


def test_least_cost_service_is_that_of_a_linear_program_and_its_prices_prove_it():
    for seed in range(40):
        problem = tightened(random_problem(seed, "plain"), seed + 1000)
        service = serve(problem.cost.copy(), problem.demand.copy(), problem.capacity.copy())
        best = split_service(problem, np.ones(problem.num_sites, bool))
        assert service.cost == pytest.approx(best, rel=1e-8, abs=1e-8)
        assert (service.missing > 0.0) == (best == np.inf)
        if best < np.inf:
            tied = np.isfinite(service.capacity_price)
            price = np.where(tied, service.capacity_price, 0.0)
            if tied.all():
                dual = np.min(problem.cost + price[:, None] * problem.demand, axis=0).sum()
                dual -= (price[price > 0] * problem.capacity[price > 0]).sum()
                assert dual == pytest.approx(best, rel=1e-8, abs=1e-8)
