"""The benchmark family ``siting``: formats told by contents, programs of peers, an audit that objects."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from benchmarks.families.siting import SPEC, build, check, recognise, solve
from benchmarks.siting.audit import audited, audited_two_stages
from benchmarks.siting.generated import SIZES, built
from benchmarks.siting.layouts import layout_of
from benchmarks.siting.peer_models import median_arrays, strong_program
from benchmarks.siting.reading import siting_problem
from benchmarks.spec import BenchmarkError, Found, Task
from logistics.integer_solver import MixedStop, solve_mixed
from logistics.models.siting.problem import Flows, SideRows, SitingAnswer
from logistics.models.siting.solve import solve_siting
from logistics.models.siting.two_stage import solve_two_stage

SITES, CUSTOMERS = 3, 4
CAPACITY, FIXED = np.array([9.0, 8.0, 7.0]), np.array([5.0, 4.0, 6.0])
DEMAND = np.array([2.0, 3.0, 1.0, 2.0])
COST = np.array([[4.0, 6.0, 9.0, 2.0], [5.0, 3.0, 8.0, 7.0], [6.0, 9.0, 2.0, 4.0]])


def text_of(lines: list[list[object]]) -> str:
    return "\n".join(
        " ".join(f"{one:g}" if isinstance(one, float) else str(one) for one in line) for line in lines
    )


def sites_first() -> str:
    """OR-Library: sites, then of each customer its demand and, in a line of its own, costs."""
    lines: list[list[object]] = [[SITES, CUSTOMERS], *zip(CAPACITY, FIXED, strict=True)]
    for j in range(CUSTOMERS):
        lines += [[DEMAND[j]], list(COST[:, j])]
    return text_of(lines)


def pairs() -> str:
    """Holmberg: sites, demands, costs by site."""
    lines: list[list[object]] = [[SITES, CUSTOMERS], *zip(CAPACITY, FIXED, strict=True), list(DEMAND)]
    return text_of([*lines, *(list(row) for row in COST)])


def rows() -> str:
    """Díaz, Yang: capacities, fixed costs, demands, costs by customer."""
    start: list[list[object]] = [[SITES, CUSTOMERS], list(CAPACITY), list(FIXED), list(DEMAND)]
    return text_of([*start, *(list(row) for row in COST.T)])


def units() -> str:
    """TBED1: demands, capacities, fixed costs, costs of a unit by site."""
    start: list[list[object]] = [[SITES, CUSTOMERS], list(DEMAND), list(CAPACITY), list(FIXED)]
    return text_of([*start, *(list(row / DEMAND) for row in COST)]).replace("nan", "0")


def ufllib() -> str:
    """UflLib: a name, sizes, sites with number, fixed cost and costs."""
    lines: list[list[object]] = [["FILE:", "anything.txt"], [SITES, CUSTOMERS, 0]]
    return text_of([*lines, *([i + 1, FIXED[i], *COST[i]] for i in range(SITES))])


def found_in(folder: Path, text: str, name: str = "data.bin", **more: object) -> Found:
    path = folder / name
    path.write_text(text, encoding="utf-8")
    values = {"published": None, "value_kind": "", "instance": "x"} | more
    return Found(family="siting", seed=None, source=str(path), **values)


@pytest.mark.parametrize(
    ("layout", "text", "single", "limited"),
    [
        ("sites", sites_first(), False, True),
        ("pairs", pairs(), True, True),
        ("rows", rows(), True, True),
        ("unit", units(), True, True),
        ("ufllib", ufllib(), False, False),
    ],
)
def test_matrix_formats_are_told_apart_by_contents(layout, text, single, limited, tmp_path: Path):
    found = found_in(tmp_path, text)
    assert layout_of(Path(found.source)) == layout
    assert recognise(Path(found.source)) is not None
    problem = build(found)
    assert problem.cost == pytest.approx(COST, rel=1e-5)
    assert problem.fixed_cost == pytest.approx(FIXED)
    assert problem.single_source == single
    if limited:
        assert problem.capacity == pytest.approx(CAPACITY)
        assert problem.demand == pytest.approx(DEMAND)
    else:
        assert not problem.is_capacitated


def test_capacities_that_a_file_leaves_open_come_from_the_name(tmp_path: Path):
    text = (
        sites_first()
        .replace("9 5\n", "capacity 5\n")
        .replace("8 4\n", "capacity 4\n")
        .replace("7 6\n", "capacity 6\n")
    )
    problem = build(found_in(tmp_path, text, instance="capx-6.5"))
    assert problem.capacity.tolist() == [6.5, 6.5, 6.5]
    with pytest.raises(BenchmarkError, match="leaves the capacity open"):
        build(found_in(tmp_path, text, instance="capx"))


def test_capacities_that_cannot_hold_the_demand_are_placeholders(tmp_path: Path):
    text = sites_first().replace("9 5\n", "0 5\n").replace("8 4\n", "0 4\n").replace("7 6\n", "0 6\n")
    assert not build(found_in(tmp_path, text)).is_capacitated


def test_a_graph_is_a_median_over_shortest_ways(tmp_path: Path):
    # The later length of an edge counts; 1-4 goes over 2 and 3.
    found = found_in(tmp_path, " 4 4 2\n1 2 9\n2 3 2\n3 4 2\n1 2 3\n")
    assert layout_of(Path(found.source)) == "graph"
    problem = build(found)
    assert problem.cost[0].tolist() == [0.0, 3.0, 5.0, 7.0]
    assert (problem.least_open, problem.most_open) == (2, 2)
    assert solve_siting(problem).value == 4.0


def test_a_table_of_distances_says_in_the_index_how_many_to_open(tmp_path: Path):
    text = '"distance","name","DestinationName","demand"\n4,a,x,1\n2,a,y,3\n1,b,x,1\n9,b,y,3\n'
    found = found_in(tmp_path, text, value_kind="optimum p=1")
    assert layout_of(Path(found.source)) == "distances"
    answer = solve_siting(build(found))
    assert answer.value == pytest.approx((4 * 1 + 2 * 3) / 4)
    with pytest.raises(BenchmarkError, match="does not say how many"):
        build(replace(found, value_kind="optimum"))


def test_two_stages_are_plants_depots_and_customers(tmp_path: Path):
    lines: list[list[object]] = [[1, 2, 3], [1.0, 2.0, 3.0], [9.0, 20.0], [1.0, 2.0], [5.0, 7.0], [6.0, 8.0]]
    found = found_in(tmp_path, text_of([*lines, [1.0, 1.0, 1.0], [2.0, 2.0, 2.0]]))
    assert layout_of(Path(found.source)) == "two_stage"
    problem = build(found)
    answer = solve_two_stage(problem)
    # One depot for 6 units is enough: 20 + 8 + 6 × (2 + 2), or both for 5 + 1 units.
    assert answer.value == pytest.approx(20 + min(8 + 6 * 4, 7 + 8 + 5 * 2 + 1 * 4))
    assert audited_two_stages(problem, answer, answer.value).verified
    wrong = replace(answer, depot_flow=answer.depot_flow * 0.5)
    assert "customers are not served as they ask" in audited_two_stages(problem, wrong, None).complaints


@pytest.mark.parametrize("text", ["", "3 4\n1 2\n", "a b c", "2 2 9\n1 2 3\n", "5\n1 2 3 4 5\n", "0 0\n"])
def test_other_files_are_not_ours(text: str, tmp_path: Path):
    path = tmp_path / "other"
    path.write_text(text, encoding="utf-8")
    assert recognise(path) is None


def test_values_beside_a_file_are_read(tmp_path: Path):
    found = found_in(tmp_path, ufllib(), "g-1")
    (tmp_path / "g-1.bub").write_text("0 1 1 0 17.5\n", encoding="utf-8")
    what = recognise(Path(found.source))
    assert what is not None
    assert (what.published, what.value_kind) == (17.5, "best known")


# --- the audit ------------------------------------------------------------------------------------------


def solved(*, single: bool = False) -> tuple:
    problem = siting_problem(FIXED, COST, DEMAND, np.array([4.0, 4.0, 4.0]), single_source=single)
    return problem, solve_siting(problem)


def test_the_audit_agrees_with_what_is_right():
    problem, answer = solved()
    outcome = audited(problem, answer, answer.value)
    assert outcome.verified
    assert outcome.value == pytest.approx(answer.value)
    plain = siting_problem(FIXED, COST)
    assert audited(plain, solve_siting(plain), None).notes == ("bound recomputed from prices",)


def complaint(problem, answer: SitingAnswer, published: float | None = None) -> str:
    outcome = audited(problem, answer, published)
    assert not outcome.verified
    assert outcome.value is None
    return " ".join(outcome.complaints)


def test_the_audit_objects_to_whatever_is_wrong():
    problem, answer = solved()
    flows = answer.flows
    assert "costs" in complaint(problem, replace(answer, value=answer.value - 1))
    assert "contradicts the value" in complaint(problem, replace(answer, bound=answer.value + 1))
    assert "above the published optimum" in complaint(problem, answer, answer.value - 1)
    assert "below the published optimum" in complaint(problem, answer, answer.value + 1)
    less = replace(answer, flows=Flows(flows.site[1:], flows.customer[1:], flows.share[1:]))
    assert "not served once" in complaint(problem, less)
    one = np.zeros(4, np.int32)
    heavy = replace(
        answer,
        flows=Flows(one, np.arange(4, dtype=np.int32), np.ones(4)),
        open=np.array([True, False, False]),
    )
    assert "more than their capacity" in complaint(problem, heavy)
    closed = replace(answer, open=~answer.open)
    assert "closed sites serve" in complaint(problem, closed)
    few = replace(problem, least_open=3, most_open=3)
    assert "sites are open" in complaint(few, answer)
    side = SideRows(np.ones((1, 3)), np.zeros(1), np.zeros(1), ("none",))
    assert "side rows are broken" in complaint(replace(problem, side=side), answer)
    halves = Flows(np.repeat(flows.site, 2), np.repeat(flows.customer, 2), np.repeat(flows.share / 2, 2))
    single, whole = solved(single=True)
    assert "several sites" in complaint(single, replace(whole, flows=halves))


def test_the_audit_proves_bounds_by_prices_itself():
    problem = siting_problem(FIXED + 0.25, COST + 0.125)
    answer = solve_siting(problem)
    assert answer.bound_by == "prices"
    assert answer.prices is not None
    outcome = audited(problem, replace(answer, prices=answer.prices * 0.5), None)
    assert "its prices prove" in outcome.complaints[0]


# --- peers and generated instances ----------------------------------------------------------------------


def test_programs_for_peers_have_the_same_optimum():
    side = SideRows(np.array([[1.0, 1.0, 0.0]]), np.array([1.0]), np.array([1.0]), ("one",))
    for problem in (
        siting_problem(FIXED, COST),
        siting_problem(np.zeros(3), COST, num_open=2),
        replace(solved()[0], side=side),
        solved(single=True)[0],
    ):
        mixed = solve_mixed(strong_program(problem), "scip", MixedStop(gap=1e-9))
        assert mixed.value == pytest.approx(solve_siting(problem).value)
    assert median_arrays(siting_problem(FIXED, COST)) is None
    median = median_arrays(siting_problem(np.zeros(3), COST, num_open=2))
    assert median is not None
    assert float(median["num_open"]) == 2


def test_generated_instances_repeat_and_are_solved_and_checked():
    assert "p-median-5000-500" in SIZES
    problem = built("p-median-60-5", 3)
    assert np.array_equal(problem.cost, built("p-median-60-5", 3).cost)
    found = Found("siting", "p-median-60-5-3", None, "", 3, "p-median-60-5")
    heard: list[float | None] = []
    task = Task(found, build(found), 20.0, lambda value, bound, gap: heard.append(gap))
    outcome = check(task, solve(task, task.problem))
    assert outcome.verified
    assert outcome.gap is not None
    assert outcome.gap <= 1e-9
    assert heard
    SPEC.warm_up()
