"""Siting without capacities against brute force over all subsets, with and without side rows."""

from itertools import product

import numpy as np
import pytest

from logistics.models.siting.problem import (
    SideRows,
    SitingAnswer,
    SitingProblem,
)
from logistics.models.siting.solve import solve_siting

RULES = ("plain", "count", "p_median", "budget", "regions", "exclusive", "forced", "all")


def ids(kind: str, count: int) -> tuple[str, ...]:
    return tuple(f"{kind}{i:02d}" for i in range(count))


def problem_of(
    fixed: np.ndarray, cost: np.ndarray, least: int = 0, most: int | None = None, side: SideRows | None = None
) -> SitingProblem:
    sites, customers = cost.shape
    return SitingProblem(
        fixed_cost=np.asarray(fixed, float),
        cost=np.asarray(cost, float),
        demand=np.ones(customers),
        capacity=np.full(sites, np.inf),
        site_ids=ids("s", sites),
        customer_ids=ids("c", customers),
        least_open=least,
        most_open=most,
        side=side,
    )


def random_problem(seed: int, rules: str) -> SitingProblem:
    """A small problem of one of the kinds: whole costs or not, some pairs not allowed, some sites alike."""
    random = np.random.default_rng([seed, RULES.index(rules)])
    sites, customers = int(random.integers(1, 8)), int(random.integers(1, 9))
    if random.random() < 0.5:
        cost = random.integers(0, 12, (sites, customers)).astype(float)
        fixed = random.integers(-3, 15, sites).astype(float)
    else:
        place, home = random.uniform(0, 10, (sites, 2)), random.uniform(0, 10, (customers, 2))
        cost = np.hypot(*(place[:, None] - home[None]).transpose(2, 0, 1)) * random.uniform(
            0.5, 3.0, customers
        )
        fixed = random.uniform(-2, 12, sites)
    if random.random() < 0.4:
        cost[random.random(cost.shape) < 0.35] = np.inf
    if sites > 2 and random.random() < 0.3:
        cost[1], fixed[1] = cost[0], fixed[0]
    least, most = 0, None
    if rules in ("count", "all"):
        least = int(random.integers(0, sites + 1))
        most = int(random.integers(least, sites + 1))
    if rules == "p_median":
        least = most = int(random.integers(1, sites + 1))
        fixed = np.zeros(sites)
    rows: list[tuple[np.ndarray, float, float]] = []
    if rules in ("budget", "all"):
        price = random.uniform(1, 5, sites)
        rows.append((price, -np.inf, float(price.sum() * random.uniform(0.2, 0.9))))
    if rules in ("regions", "all"):
        region = random.integers(0, 2, sites)
        for number in range(2):
            rows.append(
                ((region == number).astype(float), float(random.integers(0, 2)), float(random.integers(1, 4)))
            )
    if rules in ("exclusive", "all"):
        place = random.integers(0, max(1, sites // 2), sites)
        rows += [((place == one).astype(float), -np.inf, 1.0) for one in np.unique(place)]
    if rules in ("forced", "all"):
        row = np.zeros(sites)
        row[random.integers(sites)] = 1.0
        bound = float(random.integers(0, 2))
        rows.append((row, bound, bound))
    side = None
    if rows:
        a, low, high = (np.array(part) for part in zip(*rows, strict=True))
        side = SideRows(a, low, high, ids("r", len(rows)))
    return problem_of(fixed, cost, least, most, side)


def brute_force(problem: SitingProblem) -> tuple[float, list[np.ndarray]]:
    """Least cost over all subsets, and the subsets that have it."""
    best, sets = np.inf, []
    for choice in product([False, True], repeat=problem.num_sites):
        opened = np.array(choice, bool)
        if not problem.least_open <= opened.sum() <= problem.num_most_open or not opened.any():
            continue
        if problem.side is not None:
            activity = problem.side.coefficient @ opened
            if np.any(activity < problem.side.lower - 1e-9) or np.any(activity > problem.side.upper + 1e-9):
                continue
        value = problem.fixed_cost[opened].sum() + problem.cost[opened].min(axis=0).sum() + problem.constant
        if not np.isfinite(value):
            continue
        if value < best - 1e-9:
            best, sets = value, [opened]
        elif value < best + 1e-9:
            sets.append(opened)
    return best, sets


def bound_by_prices(problem: SitingProblem, answer: SitingAnswer) -> float:
    """L(v, r), added up here; the choice by enumeration."""
    assert answer.prices is not None
    rho = problem.fixed_cost - np.maximum(answer.prices[None, :] - problem.cost, 0.0).sum(axis=1)
    total = problem.constant + answer.prices.sum()
    if problem.side is not None:
        assert answer.side_prices is not None
        r = answer.side_prices
        rho = rho - problem.side.coefficient.T @ r
        total += sum(p * low for p, low in zip(r, problem.side.lower, strict=True) if p > 0)
        total += sum(p * high for p, high in zip(r, problem.side.upper, strict=True) if p < 0)
    rho = np.sort(rho)
    sums = np.concatenate([[0.0], np.cumsum(rho)])
    return float(total + sums[max(1, problem.least_open) : problem.num_most_open + 1].min())


def check(problem: SitingProblem, answer: SitingAnswer) -> None:
    """Hold an answer against brute force and against its own words."""
    best, sets = brute_force(problem)
    if not sets:
        assert answer.status == "infeasible"
        assert answer.infeasible is not None
        assert answer.value == np.inf
        return
    assert answer.status == "optimal"
    assert answer.value == pytest.approx(best, abs=1e-8)
    assert answer.bound <= best + 1e-8
    assert answer.gap <= 1e-8
    assert any(np.array_equal(answer.open, one) for one in sets)
    assert answer.open[answer.assignment].all()
    served = problem.cost[answer.assignment, np.arange(problem.num_customers)]
    assert np.array_equal(served, problem.cost[answer.open].min(axis=0))
    if answer.bound_by == "prices":
        whole = np.all(problem.fixed_cost % 1 == 0) and np.all(
            problem.cost[np.isfinite(problem.cost)] % 1 == 0
        )
        proven = bound_by_prices(problem, answer)
        assert (np.ceil(proven - 1e-6) if whole else proven) >= answer.bound - 1e-7
    else:
        assert answer.bound_by == "search"
        assert answer.prices is None


@pytest.mark.parametrize("rules", RULES)
def test_every_rule_against_brute_force(rules: str):
    """The same least cost, proven, in every kind of problem."""
    kinds = set()
    for seed in range(60):
        problem = random_problem(seed, rules)
        answer = solve_siting(problem)
        check(problem, answer)
        kinds.add(answer.status)
    assert "optimal" in kinds
