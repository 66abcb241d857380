"""The design search's parts: rounded rows, hand-over to a MIP solver, limits of time and nodes, order."""

from dataclasses import replace
from itertools import pairwise
from itertools import product as choices

import numpy as np
import pytest
from scipy.optimize import linprog

from benchmarks.network_design.model import design_problem, strong_program
from logistics.integer_solver import MixedStop, solve_mixed
from logistics.models.design import search
from logistics.models.design.arc_form import has_arc_form, in_arc_form
from logistics.models.design.needs import NeedFinder
from logistics.models.design.problem import DesignProblem, DesignStop, SideRows
from logistics.models.design.relaxation import Relaxation
from logistics.models.design.rounding import broken_rows
from logistics.models.design.solve import solve_design
from tests.fixed_charge import random_network, tight_network

EXACT = DesignStop(gap=1e-9, flow_gap=1e-10)
HARD = 10
"""Seed of a tight network that needs dozens of nodes."""


def seeds(fast, every):
    """Seeds as parameters: the first ones of every run, the others of the long one."""
    return [*range(fast), *(pytest.param(seed, marks=pytest.mark.fuzz) for seed in range(fast, every))]


def optimum(network):
    """By SCIP on the plain strong program."""
    answer = solve_mixed(strong_program(network), "scip", MixedStop(gap=0.0))
    assert answer.outcome == "optimal"
    return answer.value


def can_carry(network, y):
    """Whether all cargo fits on the open arcs."""
    program = strong_program(network)
    flows = len(program.cost) - len(y)
    upper = program.upper.copy()
    upper[flows:] = lower = y
    balance = program.row_lower == program.row_upper
    matrix = np.zeros((len(balance), len(upper)))
    np.add.at(matrix, (program.row, program.column), program.value)
    answer = linprog(
        np.zeros(len(upper)),
        matrix[~balance],
        program.row_upper[~balance],
        matrix[balance],
        program.row_upper[balance],
        np.column_stack([np.concatenate([np.zeros(flows), lower]), upper]),
        method="highs",
    )
    return answer.status == 0


@pytest.mark.parametrize("seed", seeds(6, 12))
def test_search_agrees_with_a_solver(seed):
    """On fixed-charge networks value and bound are the optimum of the plain program."""
    for network in (random_network(seed), tight_network(seed)):
        best = optimum(network)
        answer = solve_design(design_problem(network), EXACT)
        assert answer.status == "optimal"
        assert answer.value == pytest.approx(best, rel=1e-8)
        assert best - 1e-8 * best <= answer.bound + 1e-9 * best <= best + 2e-9 * best
        assert answer.proof in ("prices", "search")


def test_some_of_these_networks_are_searched():
    """The tight ones need more than their root."""
    nodes = [solve_design(design_problem(tight_network(seed)), EXACT).nodes for seed in range(12)]
    assert sum(count > 5 for count in nodes) >= 3


@pytest.mark.parametrize("seed", seeds(3, 8))
def test_rounded_rows_cut_off_points_but_no_choice_that_carries_all(seed):
    """Every choice of arcs that carries all cargo keeps the rows, and the relaxation's point breaks them."""
    network = random_network(seed, nodes=5, arcs=9, commodities=3, tightness=2.5)
    problem = design_problem(network)
    finder, rows = NeedFinder(problem), SideRows.none()
    needs = finder.along([np.zeros(len(network.tail))])
    assert len(needs.need)
    r = np.random.default_rng(seed)
    for _ in range(20):
        y = np.round(r.random(len(network.tail)), 1)
        found = broken_rows(needs, y, 100)
        rows = rows.and_also(found)
        for i in range(len(found.ids)):
            mine = found.row == i
            assert found.value[mine] @ y[found.option[mine]] < found.lower[i] - 1e-4
    assert len(rows.ids) > 10
    good = [np.array(bits) for bits in choices((0.0, 1.0), repeat=len(network.tail))]
    good = [y for y in good if can_carry(network, y)]
    assert good
    for y in good:
        assert rows.kept(y, tolerance=1e-9)


@pytest.mark.parametrize("seed", range(6))
def test_rounded_rows_raise_the_root(seed):
    """They never lower the bound, and it stays below the optimum."""
    network = tight_network(seed)
    problem, best = design_problem(network), optimum(tight_network(seed))
    relaxation = Relaxation(problem)
    none, every = np.zeros(len(problem.options)), np.ones(len(problem.options))
    plain = relaxation.solve(none, every, np.inf, 1e-9, lambda: False)
    needs = NeedFinder(problem).along([plain.point.prices[0].rows.resource])
    relaxation.master.add_rows(broken_rows(needs, plain.y, 50))
    cut = relaxation.solve(none, every, np.inf, 1e-9, lambda: False)
    assert plain.bound - 1e-6 * best <= cut.bound <= best * (1 + 1e-9)


@pytest.mark.parametrize("seed", range(6))
def test_arc_form_has_the_same_optimum(seed):
    """The program handed to a MIP solver comes to the same value."""
    network = tight_network(seed)
    problem = design_problem(network)
    relaxation = Relaxation(problem)
    assert has_arc_form(problem, relaxation.years)
    none, every = np.zeros(len(problem.options)), np.ones(len(problem.options))
    form = in_arc_form(problem, problem.rows, relaxation.years, none, every)
    answer = solve_mixed(form.program, "scip", MixedStop(gap=0.0))
    assert answer.value + form.constant == pytest.approx(optimum(network), rel=1e-8)


@pytest.mark.parametrize("seed", range(6))
def test_what_is_handed_over_is_proven_by_the_solver(seed, monkeypatch):
    """A tree that is given up at once leaves value and bound to the solver, which is named."""
    monkeypatch.setattr(search, "PATIENCE", 0.0)
    monkeypatch.setattr(search, "CLOSING", np.inf)
    network = tight_network(seed)
    best = optimum(network)
    answer = solve_design(design_problem(network), DesignStop(gap=1e-7, time_limit_s=60.0))
    assert answer.status == "optimal"
    assert answer.value == pytest.approx(best, rel=1e-6)
    assert answer.bound <= best * (1 + 1e-9)
    assert answer.proof == "solver" or answer.nodes == 1


def test_problems_that_are_no_sum_over_arcs_are_not_handed_over():
    """Where demand may stay unserved there is no arc form."""
    problem = design_problem(random_network(0))
    priced = replace(problem.instances[0], unserved_cny_per_t=50.0)
    left = replace(problem, instances=(priced,))
    assert not has_arc_form(left, Relaxation(left).years)
    allowed = replace(problem, most_unserved_t=np.array([5.0]))
    assert not has_arc_form(allowed, Relaxation(allowed).years)


def test_a_limit_of_nodes_leaves_a_plan_and_a_gap():
    """Stopped early, the answer has a plan, a bound below it and their gap, the same each time."""
    problem = design_problem(tight_network(HARD))
    best = optimum(tight_network(HARD))
    stop = DesignStop(gap=1e-9, most_nodes=3)
    first, again = (solve_design(problem, stop) for _ in range(2))
    assert first.status == "limit"
    assert first.bound <= best <= first.value * (1 + 1e-9)
    assert first.gap == pytest.approx((first.value - first.bound) / first.value)
    assert len(first.flows) == 1
    assert first.value == again.value
    assert first.bound == again.bound
    assert first.open.tolist() == again.open.tolist()


def test_no_time_is_an_outcome():
    """Without time there is no plan, or one with its gap; nothing is raised."""
    answer = solve_design(design_problem(tight_network(1)), DesignStop(time_limit_s=0.0))
    assert answer.status in ("no_plan", "limit")
    assert answer.bound <= optimum(tight_network(1))


def test_a_known_plan_is_there_though_time_is_up():
    """A start is valued whatever the time."""
    network = tight_network(1)
    every = np.ones(len(network.tail))
    answer = solve_design(design_problem(network), DesignStop(time_limit_s=0.0), start=[every])
    assert answer.status == "limit"
    assert answer.open.all()


def test_searches_twice_alike():
    """Same problem, same plan, same bound, same number of nodes."""
    problem = design_problem(tight_network(HARD))
    first, again = (solve_design(problem, EXACT) for _ in range(2))
    assert first.open.tolist() == again.open.tolist()
    assert (first.value, first.bound, first.nodes) == (again.value, again.bound, again.nodes)
    assert [(v, b) for _, v, b in first.history] == [(v, b) for _, v, b in again.history]


def test_history_gets_better():
    """Value falls, bound rises, and both are there in the end."""
    answer = solve_design(design_problem(tight_network(HARD)), EXACT)
    values, bounds = [v for _, v, _ in answer.history], [b for _, _, b in answer.history]
    assert all(a >= b for a, b in pairwise(values))
    assert all(a <= b for a, b in pairwise(bounds))
    assert values[-1] == pytest.approx(answer.value, rel=1e-6)


def test_contradicting_rows_are_infeasible():
    """At least two and at most one of the same options."""
    problem = design_problem(random_network(2))
    rows = SideRows.none().with_row("two", [(0, 1.0), (1, 1.0)], 2.0, np.inf)
    rows = rows.with_row("one", [(0, 1.0), (1, 1.0)], -np.inf, 1.0)
    answer = solve_design(replace(problem, rows=rows), EXACT)
    assert answer.status == "infeasible"
    assert answer.flows == ()
    assert not answer.open.any()


def test_budget_below_what_carries_all_is_infeasible():
    """A budget for nothing leaves the cargo where it is."""
    problem = design_problem(random_network(2))
    rows = SideRows.none().with_row(
        "budget", [(o, float(c)) for o, c in enumerate(problem.cost)], -np.inf, 10.0
    )
    answer = solve_design(replace(problem, rows=rows), EXACT)
    assert answer.status == "infeasible"


def test_without_options_it_is_a_flow():
    """No options: the flow alone."""
    problem = design_problem(random_network(4))
    nothing = np.zeros(0, np.int32)
    plain = DesignProblem(
        problem.instances, np.ones(1), (), np.zeros(0), ((nothing, nothing),), SideRows.none()
    )
    answer = solve_design(plain, EXACT)
    assert answer.status == "optimal"
    assert answer.value == pytest.approx(answer.flows[0].objective)


def test_problems_that_make_no_sense_are_refused():
    """Weights, gates and expansions are checked."""
    problem = design_problem(random_network(0))
    gated = problem.gates[0][0]
    with pytest.raises(ValueError, match="weight above 0"):
        replace(problem, year_weight=np.zeros(1))
    with pytest.raises(ValueError, match="at most one gate"):
        replace(problem, gates=((np.zeros(2, np.int32), np.arange(2, dtype=np.int32)),))
    with pytest.raises(ValueError, match="at most one gate"):
        replace(problem, expansions=((gated[:1], np.zeros(1, np.int32), np.ones(1)),))
