"""The way for large design problems, on tiny ones: cuts below every plan, and the same best plan."""

from dataclasses import replace

import numpy as np
import pytest

from logistics.models.design.cuts import CutMaker
from logistics.models.design.large import LargeDesign
from logistics.models.design.plan_flows import PlanFlows
from logistics.models.design.problem import DesignStop
from logistics.models.design.tolls import TolledYear, takes_tolls
from tests.test_design import Ways, brute_force, random_problem, year_cost

SEEDS = [seed for seed in range(60) if seed % 7 != 2]
"""Those of the random problems that have no expansions."""
SOME = [*SEEDS[:16], *(pytest.param(seed, marks=pytest.mark.fuzz) for seed in SEEDS[16:])]
"""As parameters: the first ones of every run, the others of the long one."""


def all_choices(problem):
    """Every choice of options, whatever the rules."""
    count = len(problem.options)
    return [np.array([(bits >> i) & 1 for i in range(count)], float) for bits in range(2**count)]


def test_there_are_problems():
    """Enough random problems have no expansions."""
    assert len(SEEDS) >= 10
    assert not any(len(rows) for seed in SEEDS for rows, _, _ in random_problem(seed).expansions)


@pytest.mark.parametrize("seed", SEEDS[:16])
def test_cuts_are_below_every_plan_and_meet_their_own(seed):
    """A cut bounds the flow of every choice, and is tight for the plan it was made at."""
    problem = random_problem(seed)
    flows = PlanFlows(problem, 1e-9)
    ways = [Ways.of(instance) for instance in problem.instances]
    for year in range(len(problem.instances)):
        exact = [(y, year_cost(problem, year, ways[year], y)) for y in all_choices(problem)]
        maker = CutMaker(problem, year)
        for y, cost in exact[:: max(1, len(exact) // 6)]:
            solved = flows.solved(year, y)
            if solved.status != "optimal" or not np.isfinite(cost):
                continue
            cut = maker.cut(y, solved.duals, problem.allowed_t(year))
            for other, value in exact:
                assert cut.at(other) <= value + 1e-6 * max(1.0, abs(value))


@pytest.mark.parametrize("seed", SOME)
def test_options_in_parts_are_below_every_plan(seed):
    """Whatever tolls are charged on which leg, the cut is below the flow of every choice."""
    problem = random_problem(seed)
    if not all(takes_tolls(instance) for instance in problem.instances):
        return
    for year, instance in enumerate(problem.instances):
        ways, parts = Ways.of(instance), TolledYear(problem, year, 1e-9, ())
        costs = [(y, year_cost(problem, year, ways, y)) for y in all_choices(problem)]
        for _ in range(3):
            found = parts.solve()
            if found is None:
                # Not even all options together serve all.
                assert not np.isfinite(costs[-1][1])
                break
            for y, cost in costs:
                assert found.cut.at(y) <= cost + 1e-6 * max(1.0, abs(cost))


def test_limits_on_money_rule_tolls_out():
    """A toll would count in such a limit, and the flow at tolls would bound nothing."""
    every = [instance for seed in SEEDS for instance in random_problem(seed).instances]
    limited = next(instance for instance in every if instance.limits and takes_tolls(instance))
    on_money = tuple(replace(limit, measure="money_cny") for limit in limited.limits)
    assert not takes_tolls(replace(limited, limits=on_money))
    assert not takes_tolls(replace(limited, weights=replace(limited.weights, money=0.0)))


@pytest.mark.parametrize("seed", SOME)
def test_it_agrees_with_brute_force(seed):
    """Its plan is a plan, its bound is below the best, and where it says optimal it is."""
    problem = random_problem(seed)
    best, _ = brute_force(seed)
    answer = LargeDesign(problem, DesignStop(gap=1e-6, flow_gap=1e-9), None, None).solve()
    if not np.isfinite(best):
        assert answer.status in ("infeasible", "no_plan")
        return
    assert answer.bound <= best + 1e-6 * max(1.0, abs(best))
    assert answer.value >= best - 1e-6 * max(1.0, abs(best))
    if answer.status == "optimal":
        assert answer.value == pytest.approx(best, rel=1e-5)
