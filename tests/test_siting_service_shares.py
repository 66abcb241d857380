"""Shares of service that must be of a kind, against all sets of sites and all services."""

from dataclasses import replace

import numpy as np
import pytest
from scipy.optimize import Bounds, LinearConstraint, milp

from logistics.models.siting.problem import SitingAnswer, SitingProblem, SitingStop
from logistics.models.siting.service_shares import ServiceShares, best_reachable, solve_with_shares
from logistics.models.siting.solve import solve_siting
from tests.test_siting_capacitated import allowed_sets, check_plan, medium, tightened
from tests.test_siting_single_source import few
from tests.test_siting_uncapacitated import ids, random_problem

KINDS = ("plain", "count", "budget", "all")


def random_shares(problem: SitingProblem, seed: int, level: float) -> ServiceShares:
    """All customers together, and each of two markets, with different levels."""
    random = np.random.default_rng([seed, 3])
    share = random.random(problem.cost.shape) * problem.demand
    market = random.integers(0, 2, problem.num_customers)
    member = np.array([np.ones(problem.num_customers, bool), market == 0, market == 1])
    least = level * random.uniform(0.3, 1.0, 3) * (member @ problem.demand)
    return ServiceShares(share, member, least, ("all", "one", "two"))


def least_cost(problem: SitingProblem, shares: ServiceShares, opened: np.ndarray) -> float:
    """Service from open sites with the rows kept; inf: there is none."""
    site, customer = np.nonzero(np.isfinite(problem.cost) & opened[:, None])
    if len(site) == 0:
        return np.inf
    at = np.arange(len(site))
    everyone = np.zeros((problem.num_customers, len(site)))
    everyone[customer, at] = 1.0
    load = np.zeros((problem.num_sites, len(site)))
    load[site, at] = problem.demand[customer]
    counted = shares.member[:, customer] * shares.share[site, customer]
    answer = milp(
        problem.cost[site, customer],
        constraints=[
            LinearConstraint(everyone, 1, 1),
            LinearConstraint(load, -np.inf, problem.capacity),
            LinearConstraint(counted, shares.least, np.inf),
        ],
        integrality=np.full(len(site), int(problem.single_source)),
        bounds=Bounds(0, 1),
    )
    return float(answer.fun) if answer.status == 0 else np.inf


def brute_force(problem: SitingProblem, shares: ServiceShares) -> float:
    best = np.inf
    for opened in allowed_sets(problem):
        fixed = problem.fixed_cost[opened].sum() + problem.constant
        if fixed + problem.cost[opened].min(axis=0, initial=np.inf).sum() < best:
            best = min(best, fixed + least_cost(problem, shares, opened))
    return best


def check(problem: SitingProblem, shares: ServiceShares, answer: SitingAnswer) -> None:
    """The plan is one, and keeps the rows."""
    check_plan(problem, answer)
    service = np.zeros(problem.cost.shape)
    service[answer.flows.site, answer.flows.customer] = answer.flows.share
    assert np.all(shares.of(service) >= shares.least - 1e-6)
    if problem.single_source:
        assert (answer.assignment >= 0).all()


@pytest.mark.parametrize("whole", [False, True])
@pytest.mark.parametrize("kind", KINDS)
def test_every_rule_against_brute_force(kind: str, whole: bool):
    """The same least cost, proven; what is infeasible is called so. Every other problem has capacities."""
    kinds = set()
    for seed in range(10):
        problem = few(random_problem(seed, kind), 5, 5)
        if seed % 2:
            problem = tightened(problem, seed)
        problem = replace(problem, single_source=whole)
        shares = random_shares(problem, seed, 0.7)
        answer = solve_with_shares(problem, shares)
        best = brute_force(problem, shares)
        kinds.add(answer.status)
        if best == np.inf:
            assert answer.status == "infeasible"
            assert answer.infeasible is not None
            continue
        assert answer.status == "optimal"
        assert answer.value == pytest.approx(best, rel=1e-5, abs=1e-6)
        assert answer.bound <= best + 1e-6 * max(1.0, abs(best))
        check(problem, shares, answer)
    assert "optimal" in kinds


def test_rows_that_hold_anyway_change_nothing():
    problem = medium(1, 8, 15)
    shares = random_shares(problem, 1, 0.0)
    answer = solve_with_shares(problem, shares)
    assert answer.status == "optimal"
    assert answer.bound_by == "search"
    assert answer.value == pytest.approx(solve_siting(problem).value, rel=1e-8)


def test_more_is_dearer_and_what_no_set_reaches_is_named():
    problem = medium(2, 8, 15)
    random = np.random.default_rng(2)
    fast = (random.random(problem.cost.shape) < 0.3) * problem.demand
    member = np.array([np.arange(15) < 6, np.arange(15) >= 6])
    most = np.array(
        [
            best_reachable(problem, ServiceShares(fast, member, np.zeros(2), ids("m", 2)), row)
            for row in (0, 1)
        ]
    )
    values = []
    for level in (0.5, 0.9):
        shares = ServiceShares(fast, member, level * most * np.array([1.0, 0.6]), ids("m", 2))
        answer = solve_with_shares(problem, shares, SitingStop(gap=1e-5))
        assert answer.status == "optimal"
        check_rows = np.zeros(problem.cost.shape)
        check_rows[answer.flows.site, answer.flows.customer] = answer.flows.share
        assert np.all(shares.of(check_rows) >= shares.least - 1e-6)
        values.append(answer.value)
    assert values == sorted(values)
    shares = ServiceShares(fast, member, np.array([0.0, most[1] + 2.0]), ids("m", 2))
    short = solve_with_shares(problem, shares)
    assert short.infeasible is not None
    assert (short.infeasible.obstacle, short.infeasible.rows.tolist()) == ("shares_short", [1])
    assert short.infeasible.missing == pytest.approx(2.0, rel=1e-4)


def test_a_stop_leaves_a_bound_and_runs_repeat():
    problem = medium(3, 8, 15)
    shares = random_shares(problem, 3, 0.6)
    full, again = (solve_with_shares(problem, shares, SitingStop(gap=1e-5)) for _ in range(2))
    assert full.status == "optimal"
    assert (full.value, full.bound) == (again.value, again.bound)
    assert np.array_equal(full.flows.share, again.flows.share)
    early = solve_with_shares(problem, shares, SitingStop(time_limit_s=0.0))
    assert early.status == "limit"
    assert early.bound <= full.value * (1 + 1e-6)
