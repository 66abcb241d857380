"""Siting without capacities against brute force over all subsets, with and without side rows."""

from dataclasses import replace
from itertools import product

import numpy as np
import pytest
from scipy.optimize import Bounds, LinearConstraint, milp

from logistics.models.siting import uncapacitated
from logistics.models.siting.problem import (
    SideRows,
    SitingAnswer,
    SitingProblem,
    SitingProgress,
    SitingStop,
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


# --- order, names, ties ---------------------------------------------------------------------------------


def shuffled(problem: SitingProblem, seed: int, *, rename: bool) -> tuple[SitingProblem, np.ndarray]:
    """The same problem with sites and customers in another order, and other names if asked."""
    random = np.random.default_rng(seed)
    sites, customers = random.permutation(problem.num_sites), random.permutation(problem.num_customers)
    side = problem.side
    new = replace(
        problem,
        fixed_cost=problem.fixed_cost[sites],
        cost=problem.cost[np.ix_(sites, customers)],
        demand=problem.demand[customers],
        capacity=problem.capacity[sites],
        site_ids=tuple(problem.site_ids[i] for i in sites),
        customer_ids=tuple(problem.customer_ids[j] for j in customers),
        side=None if side is None else replace(side, coefficient=side.coefficient[:, sites]),
    )
    if rename:
        new = replace(new, site_ids=ids("x", problem.num_sites), customer_ids=ids("y", problem.num_customers))
    return new, sites


def euclidean(count: int, seed: int, fixed: float, num_open: int | None = None) -> SitingProblem:
    random = np.random.default_rng(seed)
    place, home = random.uniform(0, 100, (2, count, 2))
    cost = np.hypot(*(place[:, None] - home[None]).transpose(2, 0, 1)) * random.uniform(1, 5, count)
    return problem_of(np.full(count, fixed), cost, num_open or 0, num_open)


def hard(count: int, seed: int) -> SitingProblem:
    """Costs at random: prices alone prove little, so a tree is needed."""
    random = np.random.default_rng(seed)
    return problem_of(random.uniform(200, 400, count), random.uniform(0, 200, (count, count)))


@pytest.mark.parametrize("problem", [euclidean(60, 1, 300.0), euclidean(60, 2, 0.0, 7), hard(40, 1)])
def test_order_of_the_input_does_not_matter_and_names_change_no_value(problem: SitingProblem):
    answer = solve_siting(problem)
    again = solve_siting(problem)
    assert np.array_equal(answer.open, again.open)
    assert (answer.value, answer.bound, answer.nodes) == (again.value, again.bound, again.nodes)
    mixed, sites = shuffled(problem, 5, rename=False)
    other = solve_siting(mixed)
    assert np.array_equal(other.open, answer.open[sites])
    assert other.value == pytest.approx(answer.value, rel=1e-12)
    renamed = solve_siting(shuffled(problem, 6, rename=True)[0])
    assert renamed.status == answer.status == "optimal"
    assert renamed.value == pytest.approx(answer.value, rel=1e-8)


def test_prices_and_flows_come_back_in_the_order_of_the_input():
    problem = shuffled(euclidean(40, 3, 200.0), 7, rename=False)[0]
    answer = solve_siting(problem)
    check_costs(problem, answer)
    assert answer.bound_by == "prices"
    assert bound_by_prices(problem, answer) >= answer.bound - 1e-7
    assert np.array_equal(answer.flows.site, answer.assignment[answer.flows.customer])
    assert sorted(answer.flows.customer.tolist()) == list(range(40))


def check_costs(problem: SitingProblem, answer: SitingAnswer) -> None:
    service = problem.cost[answer.assignment, np.arange(problem.num_customers)].sum()
    assert answer.value == pytest.approx(problem.fixed_cost[answer.open].sum() + service, rel=1e-12)


def test_where_all_costs_are_equal_the_smallest_ids_are_open():
    for count in (1, 2, 3):
        problem = problem_of(np.full(6, 4.0), np.full((6, 5), 2.0), count, count)
        mixed = shuffled(problem, count, rename=False)[0]
        answer = solve_siting(mixed)
        assert answer.status == "optimal"
        assert answer.value == 4.0 * count + 10.0
        opened = sorted(np.array(mixed.site_ids)[answer.open].tolist())
        assert opened == list(problem.site_ids[:count])
        assert {mixed.site_ids[i] for i in answer.assignment} == {problem.site_ids[0]}


def test_of_two_sites_alike_the_smaller_id_is_open():
    random = np.random.default_rng(2)
    cost, fixed = random.integers(1, 9, (3, 6)).astype(float), np.array([3.0, 2.0, 4.0])
    twins = problem_of(np.concatenate([fixed, fixed]), np.concatenate([cost, cost]))
    answer = solve_siting(twins)
    assert answer.open[:3].any()
    assert not answer.open[3:].any()
    assert answer.value == brute_force(twins)[0]


# --- what cannot be -------------------------------------------------------------------------------------


def test_what_cannot_be_says_why():
    cost = np.ones((3, 4))
    nothing = solve_siting(problem_of(np.zeros(0), np.zeros((0, 4)))).infeasible
    assert nothing is not None
    assert nothing.obstacle == "no_sites"
    many = solve_siting(problem_of(np.zeros(3), cost, 5, 5))
    assert many.status == "infeasible"
    assert many.infeasible is not None
    assert (many.infeasible.obstacle, many.infeasible.missing) == ("more_than_sites", 2)
    cost[:, 2] = np.inf
    lost = solve_siting(problem_of(np.zeros(3), cost)).infeasible
    assert lost is not None
    assert (lost.obstacle, lost.rows.tolist()) == ("nobody_serves", [2])
    crossed = solve_siting(problem_of(np.zeros(3), np.ones((3, 4)), 3, 2)).infeasible
    assert crossed is not None
    assert crossed.obstacle == "side_rows"


def test_a_budget_below_the_cheapest_site_is_infeasible():
    side = SideRows(np.array([[3.0, 4.0]]), np.array([-np.inf]), np.array([2.5]), ("budget",))
    answer = solve_siting(problem_of(np.zeros(2), np.ones((2, 3)), side=side))
    assert answer.status == "infeasible"
    assert not answer.open.any()
    assert (answer.assignment == -1).all()
    assert answer.infeasible is not None
    assert (answer.infeasible.obstacle, answer.infeasible.rows.tolist()) == ("side_rows", [0])


def test_rows_that_contradict_each_other_are_named_and_no_others():
    rows = np.array([[1, 1, 1, 1], [1, 1, 0, 0], [0, 0, 1, 1], [1, 0, 0, 0]], dtype=float)
    side = SideRows(rows, np.array([0, 1, 1, 0.0]), np.array([1, 2, 2, 1.0]), ("most", "east", "west", "any"))
    answer = solve_siting(problem_of(np.ones(4), np.ones((4, 3)), side=side))
    assert answer.infeasible is not None
    assert (answer.infeasible.obstacle, answer.infeasible.rows.tolist()) == ("side_rows", [0, 1, 2])
    two = solve_siting(problem_of(np.ones(4), np.ones((4, 3)), 0, 1, replace(side, upper=np.full(4, 4.0))))
    assert two.infeasible is not None
    assert two.infeasible.rows.tolist() == [1, 2]


def test_customers_that_no_allowed_set_serves_together_are_missing():
    cost = np.array([[1.0, 1.0, np.inf], [np.inf, np.inf, 1.0]])
    problem = replace(problem_of(np.ones(2), cost, 0, 1), demand=np.array([2.0, 3.0, 4.0]))
    answer = solve_siting(problem)
    assert answer.infeasible is not None
    assert answer.infeasible.obstacle == "no_set_serves_all"
    assert answer.infeasible.missing == pytest.approx(4.0)


def test_more_sites_allowed_than_there_are_is_no_obstacle():
    answer = solve_siting(problem_of(np.ones(2), np.ones((2, 3)), 0, 9))
    assert (answer.status, answer.value) == ("optimal", 4.0)


def test_a_problem_must_be_well_formed():
    good = problem_of(np.zeros(2), np.ones((2, 3)))
    for wrong in (
        {"cost": np.full((2, 3), np.nan)},
        {"fixed_cost": np.array([0.0, np.inf])},
        {"demand": np.array([1.0, -1.0, 1.0])},
        {"site_ids": ("a", "a")},
        {"fixed_cost": np.zeros(3)},
    ):
        with pytest.raises(ValueError, match="siting problem"):
            replace(good, **wrong)
    with pytest.raises(ValueError, match="read-only"):
        good.cost[0, 0] = 5.0


# --- stopping -------------------------------------------------------------------------------------------


def test_progress_never_contradicts_the_optimum():
    problem = hard(40, 2)
    heard: list[SitingProgress] = []
    answer = solve_siting(problem, report=heard.append)
    assert answer.status == "optimal"
    assert answer.bound_by == "search"
    assert {one.phase for one in heard} >= {"prices", "tree search"}
    for one in heard:
        assert one.bound <= answer.value * (1 + 1e-9)
        assert one.value >= answer.value * (1 - 1e-9)
    for phase in ("prices", "tree search"):
        bounds = [one.bound for one in heard if one.phase == phase]
        assert bounds == sorted(bounds)


def test_a_limit_of_nodes_leaves_a_solution_and_a_bound():
    problem = hard(60, 3)
    full = solve_siting(problem)
    for most in (1, 20):
        answer = solve_siting(problem, SitingStop(most_nodes=most))
        assert answer.status == "limit"
        assert answer.bound <= full.value <= answer.value
        assert answer.gap == pytest.approx((answer.value - answer.bound) / answer.value)
        check_costs(problem, answer)
    assert solve_siting(problem, SitingStop(gap=0.5)).status == "optimal"


def test_no_time_leaves_the_first_choice():
    answer = solve_siting(hard(60, 4), SitingStop(time_limit_s=0.0))
    assert answer.status == "limit"
    assert answer.open.any()
    assert answer.bound <= answer.value


def test_a_solve_ends_where_a_solution_is_enough_or_none_is_cheap_enough():
    problem = hard(40, 5)
    full = solve_siting(problem)
    enough = solve_siting(problem, SitingStop(enough=full.value * 1.2))
    assert full.value <= enough.value <= full.value * 1.2
    none = solve_siting(problem, SitingStop(below=full.value * 0.9))
    assert none.status == "limit"
    assert not none.open.any()
    assert none.bound >= full.value * 0.9 * (1 - 1e-8)
    cheaper = solve_siting(problem, SitingStop(below=full.value * 1.01))
    assert cheaper.value == pytest.approx(full.value, rel=1e-9)


# --- larger than brute force ----------------------------------------------------------------------------


def test_lists_that_are_too_short_grow_until_prices_are_exact(monkeypatch: pytest.MonkeyPatch):
    problem = euclidean(150, 4, 0.0, 6)
    full = solve_siting(problem)
    widths = []
    make = uncapacitated.nearest_candidates

    def recorded(cost: np.ndarray, width: int) -> uncapacitated.CandidateLists:
        widths.append(width)
        return make(cost, width)

    monkeypatch.setattr(uncapacitated, "nearest_candidates", recorded)
    monkeypatch.setattr(uncapacitated.UncapacitatedSearch, "_first_width", lambda _: 3)
    short = solve_siting(problem)
    assert widths[0] == 3
    assert widths[1] > 3
    assert short.status == "optimal"
    assert short.value == pytest.approx(full.value, rel=1e-9)
    assert short.bound <= full.value * (1 + 1e-12)


def test_side_rows_on_larger_problems_agree_with_a_mip_solver():
    for seed in range(4):
        random = np.random.default_rng(seed)
        plain = euclidean(25, seed, 0.0)
        price, region = random.uniform(1, 5, 25), random.integers(0, 3, 25)
        rows = np.array([price, *(region == k for k in range(3))], dtype=float)
        low, high = np.array([-np.inf, 1, 0, 1]), np.array([price.sum() * 0.15, 3, 1, 2])
        problem = replace(
            plain, fixed_cost=random.uniform(100, 400, 25), side=SideRows(rows, low, high, ids("r", 4))
        )
        sites, customers = problem.cost.shape
        serve = np.zeros((customers, sites + sites * customers))
        link = np.zeros((sites * customers, sites + sites * customers))
        for i in range(sites):
            for j in range(customers):
                at = sites + i * customers + j
                serve[j, at] = 1.0
                link[i * customers + j, [i, at]] = 1.0, -1.0
        wide = np.hstack([rows, np.zeros((4, sites * customers))])
        best = milp(
            np.concatenate([problem.fixed_cost, problem.cost.ravel()]),
            constraints=[
                LinearConstraint(serve, 1, 1),
                LinearConstraint(link, 0, np.inf),
                LinearConstraint(wide, low, high),
            ],
            integrality=np.repeat([1, 0], [sites, sites * customers]),
            bounds=Bounds(0, 1),
        )
        answer = solve_siting(problem)
        assert answer.status == "optimal"
        assert answer.value == pytest.approx(best.fun, rel=1e-6)
