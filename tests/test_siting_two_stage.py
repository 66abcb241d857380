"""Plants and depots with capacities against all sets of both, each by a linear or whole-number program."""

from dataclasses import replace
from itertools import product

import numpy as np
import pytest
from scipy.optimize import Bounds, LinearConstraint, milp

from logistics.models.siting.problem import (
    SideRows,
    SitingStop,
    TwoStageAnswer,
    TwoStageProblem,
)
from logistics.models.siting.two_stage import solve_two_stage
from tests.test_siting_uncapacitated import ids

KINDS = ("plain", "gaps", "side", "all")


def random_problem(
    seed: int, kind: str, plants: int = 3, depots: int = 3, customers: int = 5
) -> TwoStageProblem:
    random = np.random.default_rng([seed, KINDS.index(kind)])
    demand = random.integers(0, 6, customers).astype(float)
    total = max(1.0, demand.sum())
    lanes, ways = random.uniform(1, 9, (plants, depots)), random.uniform(1, 9, (depots, customers))
    plant_side = depot_side = None
    if kind in ("gaps", "all"):
        lanes[random.random(lanes.shape) < 0.2] = np.inf
        ways[random.random(ways.shape) < 0.2] = np.inf
    if kind in ("side", "all"):
        price = random.uniform(1, 5, depots)
        depot_side = SideRows(price[None], np.array([-np.inf]), np.array([price.sum() * 0.7]), ("budget",))
        plant_side = SideRows(np.ones((1, plants)), np.array([1.0]), np.array([2.0]), ("number",))
    return TwoStageProblem(
        plant_fixed_cost=random.uniform(2, 20, plants),
        plant_capacity=np.ceil(random.uniform(0.4, 1.2, plants) * total),
        depot_fixed_cost=random.uniform(2, 20, depots),
        depot_capacity=np.ceil(random.uniform(0.4, 1.2, depots) * total),
        plant_cost=lanes,
        depot_cost=ways,
        demand=demand,
        plant_ids=ids("p", plants),
        depot_ids=ids("d", depots),
        customer_ids=ids("c", customers),
        plant_side=plant_side,
        depot_side=depot_side,
    )


def keeps(side: SideRows | None, opened: np.ndarray) -> bool:
    if side is None:
        return True
    activity = side.coefficient @ opened
    return bool(np.all(activity >= side.lower - 1e-9) and np.all(activity <= side.upper + 1e-9))


def cost_of_set(problem: TwoStageProblem, plants: np.ndarray, depots: np.ndarray) -> float:
    """Least cost of flow over open plants and depots; inf: not all can be served."""
    p, d = np.nonzero(np.isfinite(problem.plant_cost) & plants[:, None] & depots)
    s, c = np.nonzero(np.isfinite(problem.depot_cost) & depots[:, None])
    sent, served = len(p), len(s)
    if sent + served == 0:
        return 0.0 if problem.demand.sum() == 0.0 else np.inf
    # Columns: units from plant to depot, share of a customer from a depot.
    matrix = np.zeros((len(problem.demand) + 2 * len(depots) + len(plants), sent + served))
    ways, lanes = sent + np.arange(served), np.arange(sent)
    balance = len(problem.demand) + np.arange(len(depots))
    room, made = balance + len(depots), len(problem.demand) + 2 * len(depots) + np.arange(len(plants))
    matrix[c, ways] = 1.0
    matrix[balance[d], lanes] = 1.0
    matrix[balance[s], ways] = -problem.demand[c]
    matrix[room[s], ways] = problem.demand[c]
    matrix[made[p], lanes] = 1.0
    wanted = (problem.demand > 0).astype(float)
    low = np.concatenate([wanted, np.zeros(len(depots)), np.full(len(depots) + len(plants), -np.inf)])
    high = np.concatenate(
        [np.ones(len(wanted)), np.zeros(len(depots)), problem.depot_capacity, problem.plant_capacity]
    )
    answer = milp(
        np.append(problem.plant_cost[p, d], problem.depot_cost[s, c] * problem.demand[c]),
        constraints=LinearConstraint(matrix, low, high),
        integrality=np.append(np.zeros(sent), np.full(served, int(problem.single_source))),
        bounds=Bounds(0, np.append(np.full(sent, np.inf), np.ones(served))),
    )
    return float(answer.fun) if answer.status == 0 else np.inf


def brute_force(problem: TwoStageProblem) -> float:
    best = np.inf
    for choice in product([False, True], repeat=len(problem.plant_ids) + len(problem.depot_ids)):
        plants = np.array(choice[: len(problem.plant_ids)], bool)
        depots = np.array(choice[len(problem.plant_ids) :], bool)
        fixed = problem.plant_fixed_cost[plants].sum() + problem.depot_fixed_cost[depots].sum()
        enough = problem.plant_capacity[plants].sum() >= problem.demand.sum()
        enough = enough and problem.depot_capacity[depots].sum() >= problem.demand.sum()
        if (
            enough
            and fixed < best
            and keeps(problem.plant_side, plants)
            and keeps(problem.depot_side, depots)
        ):
            best = min(best, fixed + cost_of_set(problem, plants, depots))
    return best


def check_plan(problem: TwoStageProblem, answer: TwoStageAnswer) -> None:
    """Flows, loads, rules and cost, from the arrays."""
    assert answer.depot_flow.sum(axis=0) == pytest.approx(problem.demand, abs=1e-8)
    assert answer.depot_flow.sum(axis=1) == pytest.approx(answer.plant_flow.sum(axis=0), abs=1e-8)
    made, out = answer.plant_flow.sum(axis=1), answer.depot_flow.sum(axis=1)
    assert np.all(made <= np.where(answer.plant_open, problem.plant_capacity, 0.0) + 1e-8)
    assert np.all(out <= np.where(answer.depot_open, problem.depot_capacity, 0.0) + 1e-8)
    assert keeps(problem.plant_side, answer.plant_open)
    assert keeps(problem.depot_side, answer.depot_open)
    if problem.single_source:
        assert np.all((answer.depot_flow > 0).sum(axis=0) <= 1)
    value = problem.plant_fixed_cost[answer.plant_open].sum()
    value += problem.depot_fixed_cost[answer.depot_open].sum()
    for flow, cost in ((answer.plant_flow, problem.plant_cost), (answer.depot_flow, problem.depot_cost)):
        value += (flow[flow > 0] * cost[flow > 0]).sum()
    assert answer.value == pytest.approx(value, rel=1e-9, abs=1e-9)


@pytest.mark.parametrize("single_source", [False, True])
@pytest.mark.parametrize("kind", KINDS)
def test_every_rule_against_brute_force(kind: str, single_source: bool):
    """The same least cost, proven; what is infeasible is called so."""
    kinds = set()
    for seed in range(8):
        problem = replace(random_problem(seed, kind), single_source=single_source)
        answer = solve_two_stage(problem)
        best = brute_force(problem)
        kinds.add(answer.status)
        if best == np.inf:
            assert answer.status == "infeasible"
            assert answer.infeasible is not None
            continue
        assert answer.status == "optimal"
        assert answer.value == pytest.approx(best, rel=1e-7, abs=1e-6)
        assert answer.bound <= best + 1e-6
        check_plan(problem, answer)
    assert "optimal" in kinds


def test_a_stop_leaves_a_solution_and_a_bound_and_runs_repeat():
    problem = random_problem(1, "plain", 6, 8, 30)
    full, again = (solve_two_stage(problem) for _ in range(2))
    assert full.status == "optimal"
    assert np.array_equal(full.depot_flow, again.depot_flow)
    assert (full.value, full.bound, full.nodes) == (again.value, again.bound, again.nodes)
    answer = solve_two_stage(problem, SitingStop(most_nodes=0))
    assert answer.bound <= full.value * (1 + 1e-9)
    assert answer.value >= full.value * (1 - 1e-9)
    check_plan(problem, answer)


def test_capacity_that_is_short_says_by_how_much():
    problem = random_problem(2, "plain")
    total = problem.demand.sum()
    for name in ("plant_capacity", "depot_capacity"):
        answer = solve_two_stage(replace(problem, **{name: np.full(3, total / 4)}))
        assert answer.infeasible is not None
        assert answer.infeasible.obstacle == "capacity_short"
        assert answer.infeasible.missing == pytest.approx(total / 4)
    lanes = np.array([[1.0, np.inf, np.inf]] * 3)
    narrow = replace(problem, plant_cost=lanes, depot_capacity=np.array([1.0, total, total]))
    answer = solve_two_stage(narrow)
    assert answer.infeasible is not None
    assert answer.infeasible.obstacle == "capacity_short"
    assert answer.infeasible.missing == pytest.approx(total - 1.0)


def test_a_customer_without_any_way_is_named():
    problem = random_problem(3, "plain")
    ways = problem.depot_cost.copy()
    ways[:, 1] = np.inf
    demand = np.maximum(problem.demand, 1.0)
    answer = solve_two_stage(replace(problem, depot_cost=ways, demand=demand))
    assert answer.infeasible is not None
    assert (answer.infeasible.obstacle, answer.infeasible.rows.tolist()) == ("nobody_serves", [1])
