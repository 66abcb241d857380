"""The frontier of two objectives against every way in one linear program, and what is said of it.

Whether points are the corners of the frontier is asked of the program of
:mod:`tests.test_limits_brute_force`: its ends are the lexicographic ones, each point is the least of a
weighted sum, nothing lies below an edge.
"""

import json
import re
from functools import cache
from itertools import pairwise

import numpy as np
import pyarrow.parquet as pq
import pytest
from scipy.optimize import linprog

from logistics.limits import PlanLimit
from logistics.reports.sections.frontier import frontier_blocks
from logistics.reports.source import read_results
from logistics.results.judge import judge_folder
from logistics.results.write import write_results
from logistics.studies.frontier import ROUNDING
from logistics.studies.register import run_study
from logistics.studies.sandwich import Line, Spot, doubt
from logistics.virtual_network.build import build_instance
from tests.test_limits import Desk, case_of, printed, verified
from tests.test_limits_brute_force import YEAR, ExactPlan, LimitRow, Ways, two_provinces
from tests.tiny import random_network, three_gateways, tiny_network

GAP = 1e-6
PAIRS = (("money", "hours"), ("hours", "money"), ("money", "co2"), ("co2", "hours"))
ALL = 200
"""Points that are never reached, so that nothing is capped."""
CAP = PlanLimit("max_co2_t", "co2", 4500.0)
FLOOR = PlanLimit("load.1", "load", 500.0, least=True, thing="service", thing_id="SEA_DE")


def value(row, name):
    """An objective of a row of frontier.parquet, in its own unit."""
    return {"money": row["money_cny"], "hours": row["customer_t_h"], "co2": 1000 * row["co2_t"]}[name]


def spots(rows, names):
    """Both objectives of the points in order, that of the scenario's own plan left out."""
    return [tuple(value(row, name) for name in names) for row in rows if row["point"] > 0]


@cache
def traced(network, names=("money", "hours"), points=ALL, limits=(), gap=GAP, price=None):
    """The study's result; `network` is ``three_gateways`` or the seed of a random one."""
    study = {"kind": "frontier", "objectives": list(names), "points": points}
    serve = {"unserved_cny_per_t": price} if price else {}
    return run_study(case_of(network_of(network), study, limits, gap=gap, **serve))


@cache
def network_of(name):
    """A network by its name, or by the seed of a random one."""
    if isinstance(name, int):
        return random_network(name)
    return {"three": three_gateways, "provinces": two_provinces, "no way home": no_way_home}[name]()


def no_way_home():
    """``three_gateways`` where I1 cannot go."""
    return tiny_network(services=[{"service_id": "AIR_CN", "status": "closed"}])


@cache
def every_way(network, limits=()):
    """The program of all ways, and the rows of the limits."""
    ways = Ways.of(network_of(network), build_instance(network_of(network), YEAR, "generalised"), limits)
    return ExactPlan(ways), tuple(ways.row(limit) for limit in limits)


def measures(plan, names):
    """What a tonne on each way counts in each objective."""
    ways = plan.ways
    return [{"money": ways.money, "hours": ways.customer_h, "co2": ways.co2_kg}[name] for name in names]


def least(plan, rows, way_cost):
    """The least of a sum over ways."""
    return plan.cheapest(way_cost, 0.0, list(rows)).value


def assert_frontier(network, names, points, limits=(), gap=GAP):
    """`points` are the lower-left corners of everything that plans can come to, ends and all."""
    plan, rows = every_way(network, limits)
    f, g = measures(plan, names)
    close = {"rel": 1.1 * gap, "abs": 1e-6}  # what a solve to the gap may leave
    for one, other, (mine, yours) in ((f, g, points[0]), (g, f, points[-1][::-1])):
        best = least(plan, rows, one)
        # An end is the least of its own to ten gaps, and no worse in the other than the least of both.
        assert best - 1e-6 - gap * abs(best) <= mine <= best + 1e-6 + 10.1 * gap * abs(best)
        no_more = LimitRow(one, np.zeros(len(plan.ways.instance.commodities)), best * (1 + 1e-10) + 1e-9, 1.0)
        lexicographic = least(plan, (*rows, no_more), other)
        assert yours <= lexicographic + 1e-6 + 10 * gap * abs(lexicographic)
    rates = []
    for (a, b), (c, d) in pairwise(points):
        assert a < c
        assert b > d
        rates.append((c - a) / (b - d))
        # Nothing lies below the edge by more than what the study may leave out.
        edge = a + rates[-1] * b
        assert least(plan, rows, f + rates[-1] * g) >= edge - 4.1 * gap * abs(edge)
    assert rates == sorted(rates), "the chain bends the wrong way"
    for (left, right), (a, b) in zip(pairwise(rates), points[1:-1], strict=True):
        # A weight between those of its edges makes a corner the one best plan.
        rho = np.sqrt(left * right)
        assert a + rho * b == pytest.approx(least(plan, rows, f + rho * g), **close)
        assert left < right
    for rho in np.geomspace(min(rates) / 30, max(rates) * 30, 7) if rates else ():
        best = least(plan, rows, f + rho * g)
        assert min(a + rho * b for a, b in points) == pytest.approx(best, rel=5e-6)


# --- the points are the corners -------------------------------------------------------------------


@pytest.mark.parametrize("names", PAIRS)
def test_frontier_of_three_gateways(names):
    """No corner too many, none missing; every plan verified, every edge proven."""
    result = traced("three", names)
    rows = result.tables["frontier"].to_pylist()
    assert_frontier("three", names, spots(rows, names))
    # What is cheapest by sea is cleanest too.
    assert len(rows) == 2 if names == ("money", "co2") else len(rows) > 6
    assert (result.status, result.plan_verified, result.bound_proof) == ("optimal", True, "certificate")
    *doubts, last = (row["doubt_to_next"] for row in rows[1:])
    assert last is None
    assert all(0.0 <= doubt <= 1e-5 for doubt in doubts)


def test_first_steps_of_the_frontier_are_those_argued_by_hand():
    """README: money takes B1 and B2 by sea; the train costs 405 CNY more for 393 h, then 500 for 388 h."""
    rows = traced("three").tables["frontier"].to_pylist()
    assert [row["kind"] for row in rows] == ["base", "end", *["supported"] * (len(rows) - 3), "end"]
    (a, b), (c, d), (e, f) = spots(rows, ("money", "hours"))[:3]
    assert (c - a, b - d) == (pytest.approx(600 * 405), pytest.approx(600 * 393))
    assert (e - c, d - f) == (pytest.approx(400 * 500), pytest.approx(400 * 388))
    moves = traced("three").tables["frontier_moves"].to_pylist()
    first = {(m["service_id"], round(m["difference_t"])) for m in moves if m["point"] == 1}
    second = {(m["service_id"], round(m["difference_t"])) for m in moves if m["point"] == 2}
    assert first == {("SEA_DE", -600), ("RAIL_DE", 600)}
    assert second == {("SEA_DE", -400), ("RAIL_DE", 400)}
    assert 405 / 393 <= rows[2]["second_weight"] <= 500 / 388


@pytest.mark.parametrize(
    "limits",
    [(CAP,), pytest.param((FLOOR,), marks=pytest.mark.slow), (CAP, FLOOR)],
    ids=["cap", "floor", "both"],
)
def test_limits_of_the_scenario_hold_at_every_point(limits):
    """The frontier is that of the plans which keep them; it starts later or bends sooner than without."""
    result = traced("three", limits=limits)
    rows = result.tables["frontier"].to_pylist()
    assert result.plan_verified
    assert_frontier("three", ("money", "hours"), spots(rows, ("money", "hours")), limits)
    if CAP in limits:
        assert all(row["co2_t"] <= 4500 * (1 + 1e-6) for row in rows)
    for record in result.plans.values():
        assert {rule["id"] for rule in record.figures["rules"]} >= {limit.id for limit in limits}


FAST, SLOW = range(14), range(14, 120)


def _traced_exactly(seed):
    names = PAIRS[seed % len(PAIRS)]
    result = traced(seed, names)
    rows = result.tables["frontier"].to_pylist()
    assert result.plan_verified
    assert_frontier(seed, names, spots(rows, names))


@pytest.mark.parametrize("seed", FAST)
def test_frontier_of_random_networks(seed):
    """Also where capacities are scarce, and where some cargo cannot go: at the least that must be left."""
    _traced_exactly(seed)


@pytest.mark.fuzz
@pytest.mark.parametrize("seed", SLOW)
def test_frontier_of_more_random_networks(seed):
    _traced_exactly(seed)


def test_random_networks_differ_in_what_they_show():
    """Among them are frontiers of one point and of many, with all served and with some left."""
    counts = [
        len(spots(traced(seed, PAIRS[seed % 4]).tables["frontier"].to_pylist(), PAIRS[seed % 4]))
        for seed in FAST
    ]
    left = [every_way(seed)[0].least_left > 1e-6 for seed in FAST]
    assert sum(count == 1 for count in counts) >= 2
    assert sum(count >= 4 for count in counts) >= 3
    assert 5 <= sum(left) <= len(left) - 5
    assert any(many and some for many, some in zip(np.array(counts) >= 3, left, strict=True))


@pytest.mark.parametrize("seed", FAST)
def test_every_point_is_proven(seed):
    """Each solve ends optimal with a certificate, the ends included."""
    result = traced(seed, PAIRS[seed % len(PAIRS)])
    assert {record.figures["status"] for record in result.plans.values()} == {"optimal"}
    assert (result.status, result.bound_proof) == ("optimal", "certificate")


def test_unserved_first_at_every_point():
    """I1 has no way: each point leaves its 50 t and no more, whatever that would save."""
    rows = traced("no way home").tables["frontier"].to_pylist()
    assert [row["unserved_t"] for row in rows] == pytest.approx([50.0] * len(rows))
    assert_frontier("no way home", ("money", "hours"), spots(rows, ("money", "hours")))


def test_a_price_of_what_is_left_holds_for_the_scenarios_own_plan_only():
    """The base plan leaves what is not worth its cost; on the frontier all that can go goes."""
    result = traced("three", price=30_000.0)
    rows = result.tables["frontier"].to_pylist()
    assert rows[0]["unserved_t"] > 100
    assert max(row["unserved_t"] for row in rows[1:]) <= 1e-6
    assert spots(rows, ("money", "hours")) == pytest.approx(
        np.array(spots(traced("three").tables["frontier"].to_pylist(), ("money", "hours"))), rel=1e-6
    )


# --- capped ---------------------------------------------------------------------------------------


def _doubts_hold(network, names, most):
    """At every cap: points of the full frontier, and doubts above the true distance; returns them by cap."""
    full = spots(traced(network, names).tables["frontier"].to_pylist(), names)
    size = np.abs(np.array(full)).max(axis=0)
    found = {}
    for count in range(2, min(most, len(full)) + 1):
        rows = [r for r in traced(network, names, count).tables["frontier"].to_pylist() if r["point"] > 0]
        mine = spots(rows, names)
        assert len(mine) == min(count, len(full))
        at = [
            next(i for i, spot in enumerate(full) if np.allclose(spot, m, rtol=0, atol=1e-6 * size))
            for m in mine
        ]
        found[count] = at, [row["doubt_to_next"] for row in rows[:-1]]
        for (i, j), said in zip(pairwise(at), found[count][1], strict=True):
            (a, b), (c, d) = full[i], full[j]
            rho = (c - a) / (b - d)
            extent = (full[-1][0] - full[0][0]) + rho * (full[0][1] - full[-1][1])
            truth = max((a + rho * b - f - rho * g for f, g in full[i : j + 1]), default=0.0) / extent
            assert said >= truth - 1e-9, (count, i, j)
            assert said <= 0.5 + 1e-4
    return found


BOTH_WAYS = [PAIRS[0], pytest.param(PAIRS[1], marks=pytest.mark.slow)]


@pytest.mark.parametrize("names", BOTH_WAYS)
def test_the_doubt_of_a_capped_frontier_is_no_less_than_the_truth(names):
    """And it falls as points are added."""
    found = _doubts_hold("three", names, 9)
    largest = [max(doubts) for _, doubts in found.values()]
    assert 0.2 < largest[0] <= 0.5 + 1e-4
    assert largest == sorted(largest, reverse=True)
    assert largest[-1] < 0.1


@pytest.mark.parametrize("seed", [6, *(pytest.param(seed, marks=pytest.mark.slow) for seed in (16, 21, 23))])
def test_the_doubt_of_capped_random_frontiers_is_no_less_than_the_truth(seed):
    _doubts_hold(seed, ("money", "hours"), 5)


@pytest.mark.fuzz
@pytest.mark.parametrize("seed", SLOW)
def test_the_doubt_of_more_capped_random_frontiers_is_no_less_than_the_truth(seed):
    _doubts_hold(seed, ("money", "hours"), 8)


@pytest.mark.parametrize("names", BOTH_WAYS)
def test_the_largest_doubt_is_split_first(names):
    """Each further point lies on the edge with the largest doubt, if there is one below that edge at all."""
    found = _doubts_hold("three", names, 9)
    split = 0
    for count in range(2, max(found)):
        at, doubts = found[count]
        (new,) = set(found[count + 1][0]) - set(at)
        assert set(at) < set(found[count + 1][0])
        worst = int(np.argmax(doubts))
        if at[worst + 1] - at[worst] > 1:
            assert at[worst] < new < at[worst + 1], count
            split += 1
    assert split >= 4


def random_chain(seed):
    """Corners of a random convex chain, those known so far, and the bounds known from them."""
    r = np.random.default_rng(seed)
    count = int(r.integers(3, 8))
    slopes = np.sort(r.uniform(0.1, 10, count))[::-1] * 10 ** r.uniform(-4, 4)
    steps = r.uniform(0.1, 5, count) * 10 ** r.uniform(-3, 6)
    first = r.uniform(1, 100) * steps.sum() + np.concatenate([[0], np.cumsum(steps)])
    drop = np.concatenate([[0], np.cumsum(slopes * steps)])
    second = (1 + r.uniform(0.01, 2)) * drop[-1] - drop
    corners = [Spot(float(a), float(b)) for a, b in zip(first, second, strict=True)]
    inner = r.choice(np.arange(1, count), int(r.integers(0, count - 1)), replace=False)
    lines = [Line(1.0, 0.0, corners[0].first), Line(0.0, 1.0, corners[-1].second)]
    for i in sorted(inner):
        rho = r.uniform(1 / slopes[i - 1], 1 / slopes[i])
        lines.append(Line(1.0, float(rho), corners[i].first + float(rho) * corners[i].second))
    return corners, [corners[i] for i in sorted({0, count, *inner})], lines


@pytest.mark.parametrize("seeds", [range(i, i + 100) for i in range(0, 400, 100)], ids=str)
def test_doubt_is_the_lowest_that_the_bounds_admit(seeds):
    """The distance below a chord, from the corners of the bounds, is that of a linear program, never less."""
    for seed in seeds:
        corners, known, lines = random_chain(seed)
        for p, q in pairwise(known):
            rho = (q.first - p.first) / (p.second - q.second)
            found = linprog(
                [1.0, rho],
                A_ub=[[-line.along, -line.across] for line in lines],
                b_ub=[-line.least for line in lines],
                bounds=[(p.first, q.first), (q.second, p.second)],
            )
            extent = (known[-1].first - known[0].first) + rho * (known[0].second - known[-1].second)
            chord = p.first + rho * p.second
            truth = max(chord - s.first - rho * s.second for s in corners if p <= s <= q) / extent
            said = doubt(p, q, lines, known[0], known[-1])
            assert said >= truth - 1e-7, (seed, p, q)
            # Scaled as they are, the program's own tolerance may be too wide to compare with.
            if found.status == 0 and chord < 1e6 * extent:
                assert said == pytest.approx((chord - found.fun) / extent, abs=2e-3), (seed, p, q)


@pytest.mark.parametrize("gap", [1e-2, 1e-3])
def test_the_doubt_holds_with_a_wide_gap(gap):
    """Whoever asks for less accuracy is told what may be missing: also where an edge counts as settled."""
    names = ("money", "hours")
    full = spots(traced("three").tables["frontier"].to_pylist(), names)
    rows = [r for r in traced("three", gap=gap).tables["frontier"].to_pylist() if r["point"] > 0]
    mine = spots(rows, names)
    for ((a, b), (c, d)), row in zip(pairwise(mine), rows[:-1], strict=True):
        rho = (c - a) / (b - d)
        extent = (mine[-1][0] - mine[0][0]) + rho * (mine[0][1] - mine[-1][1])
        truth = max((a + rho * b - f - rho * g for f, g in full), default=0.0) / extent
        assert row["doubt_to_next"] >= truth - 1e-9


# --- files, and what is printed -------------------------------------------------------------------


@pytest.fixture(scope="module")
def desk(tmp_path_factory):
    """A project of this module."""
    return Desk(tmp_path_factory.mktemp("frontier"))


@pytest.fixture(scope="module")
def ran(desk):
    """A frontier by the command line."""
    return desk.solved("study: {kind: frontier, points: 40}")


def test_a_year_without_cargo_costs_nothing_anywhere(desk):
    """It is told in tables and on the page."""
    changes = "changes: [{scale_demand: {factor: 0, years: [2022]}}]"
    ran = desk.solved(f"years: [2021, 2022]\nstudy: {{kind: frontier, points: 3}}\n{changes}")
    empty = [row for row in pq.read_table(ran.folder / "frontier.parquet").to_pylist() if row["year"] == 2022]
    assert {row["money_cny"] for row in empty} == {0.0}
    blocks = frontier_blocks(read_results(ran.folder), 2022)
    assert len(next(block for block in blocks if hasattr(block, "rows")).rows) == len(empty)


def test_each_point_is_a_plan_of_its_own_in_the_folder(ran):
    """Under plans/, with flows, steps, unserved and prices; figures of the table are those of its plan."""
    rows = ran.rows("frontier")
    plans = ran.result["plans"]
    assert [row["plan_id"] for row in rows] == ["", *(f"2021-F{i:02d}" for i in range(1, len(rows)))]
    assert list(plans) == [row["plan_id"] for row in rows[1:]]
    for row in rows[1:]:
        said = plans[row["plan_id"]]
        folder = ran.folder / "plans" / row["plan_id"]
        assert {p.name for p in folder.iterdir()} == {
            "flows.parquet", "steps.parquet", "unserved.parquet", "duals.parquet"
        }  # fmt: skip
        assert (said["status"], said["plan_verified"], said["bound_proof"]) == (
            "optimal",
            True,
            "certificate",
        )
        assert (row["verified"], row["bound_proof"]) == (True, "certificate")
        assert row["money_cny"] == pytest.approx(said["totals"]["money_cny"], rel=1e-12)
        assert row["co2_t"] == pytest.approx(said["totals"]["co2_t"], rel=1e-12)
        assert row["customer_hours_mean"] == pytest.approx(said["totals"]["customer_hours_mean"], rel=1e-12)
        assert row["customer_t_h"] == pytest.approx(2350 * row["customer_hours_mean"], rel=1e-9)
        assert sum(pq.read_table(folder / "flows.parquet")["tonnes"].to_pylist()) == pytest.approx(2350)
    assert {f"plans/{name}/flows.parquet" for name in plans} <= set(ran.result["files"])


def test_a_points_objective_is_its_weighted_sum(ran):
    """Its value is money and hours by their weights, its bound as much; at the ends one of them may lack."""
    rows = ran.rows("frontier")
    for row in rows[1:]:
        said = ran.result["plans"][row["plan_id"]]
        amounts = {"money": row["money_cny"], "customer_h": row["customer_t_h"]}
        value = sum(weight * amounts[name] for name, weight in said["weights"].items())
        assert said["objective"] == pytest.approx(value, rel=1e-9)
        assert said["bound"] == pytest.approx(said["objective"], rel=2e-6)
        assert said["unserved_cny_per_t"] is None
        ends = ["frontier"] if row["kind"] == "end" else []
        assert [rule["id"] for rule in said["rules"]] == ends
        assert said["changes"] == []
        if row["kind"] == "supported":
            assert said["weights"] == {"money": 1.0, "customer_h": pytest.approx(row["second_weight"])}
    assert (rows[1]["second_weight"], rows[-1]["second_weight"]) == (0.0, None)


def test_moves_are_the_differences_of_the_plans(ran):
    """Tonnes on each service before and after, by the steps in the files; the largest five each way."""
    plans = list(ran.result["plans"])
    loads = [service_loads(ran.folder / "plans" / name) for name in plans]
    moves = ran.rows("frontier_moves")
    assert {(row["point"], row["next_point"]) for row in moves} <= {(i, i + 1) for i in range(1, len(plans))}
    assert len({row["point"] for row in moves}) >= 8
    for number, (before, after) in enumerate(pairwise(loads), 1):
        mine = [row for row in moves if row["point"] == number]
        change = {s: after.get(s, 0.0) - before.get(s, 0.0) for s in before.keys() | after.keys()}
        change = {s: tonnes for s, tonnes in change.items() if abs(tonnes) > 0.5}
        assert {row["service_id"]: row["difference_t"] for row in mine} == pytest.approx(change)
        for row in mine:
            assert row["before_t"] == pytest.approx(before.get(row["service_id"], 0.0), abs=1e-6)
            assert row["after_t"] == pytest.approx(after.get(row["service_id"], 0.0), abs=1e-6)


def service_loads(folder):
    """Tonnes on each service of a plan; services of the tiny network have one leg."""
    tonnes = {row["path_id"]: row["tonnes"] for row in pq.read_table(folder / "flows.parquet").to_pylist()}
    found = {}
    for step in pq.read_table(folder / "steps.parquet").to_pylist():
        if step["action"] == "ride":
            found[step["service_id"]] = found.get(step["service_id"], 0.0) + tonnes[step["path_id"]]
    return found


@pytest.mark.parametrize("seed", [0, 6, pytest.param(16, marks=pytest.mark.slow)])
def test_plans_of_random_frontiers_verify_from_files_alone(seed, tmp_path):
    """Whatever was traced, the check of the folder finds nothing."""
    study = {"kind": "frontier", "points": 6}
    case = case_of(random_network(seed), study)
    write_results(tmp_path / "out", case, run_study(case))
    judgement = judge_folder(tmp_path / "out")
    assert judgement.violations == ()


def test_a_gap_of_nothing_verifies_too(desk):
    """A result that the run calls verified passes the check, whatever gap was asked for."""
    ran = desk.run("study: {kind: frontier, points: 12}\nsolver: {gap: 0}")
    assert ran.code in (0, 4)
    assert ran.said["verified"] is True
    assert verified(ran.folder)


def assert_corners(points, gap):
    """Each point between two others lies further below their chord than rounding would put it."""
    for (a, b), (c, d), (e, f) in zip(points, points[1:], points[2:], strict=False):
        rho = (e - a) / (b - f)
        assert c + rho * d < (a + rho * b) * (1 - gap)


def test_points_of_a_gap_of_nothing_are_corners(desk):
    """Rounding makes no corners, and hides none: also one that is 1.3 millionths below its edge."""
    ran = desk.run("study: {kind: frontier, points: 40}\nsolver: {gap: 0}")
    assert ran.code in (0, 4), ran.err
    names = ("money", "hours")
    mine = spots(ran.rows("frontier"), names)
    assert_frontier("three", names, mine, gap=ROUNDING)
    assert_corners(mine, ROUNDING)
    assert len(mine) == len(spots(traced("three").tables["frontier"].to_pylist(), names)) + 1


@pytest.mark.parametrize("network", ["no way home", 1, 9])
def test_points_of_a_gap_of_nothing_are_corners_of_other_networks(network):
    """Also where some cargo cannot go, where solves do not end as near to their bounds as is asked for."""
    for names in PAIRS[::3]:
        mine = spots(traced(network, names, gap=0.0).tables["frontier"].to_pylist(), names)
        assert_frontier(network, names, mine, gap=ROUNDING)
        assert_corners(mine, ROUNDING)


def test_each_year_has_its_frontier(desk):
    """Points count anew each year; each row names a plan of its year."""
    ran = desk.solved("years: [2021, 2022]\nstudy: {kind: frontier, points: 3}")
    rows = ran.rows("frontier")
    assert [(row["year"], row["point"]) for row in rows] == [(y, i) for y in (2021, 2022) for i in range(4)]
    assert set(ran.result["plans"]) == {f"{y}-F0{i}" for y in (2021, 2022) for i in (1, 2, 3)}
    first, second = ([row["money_cny"] for row in rows if row["year"] == y][1] for y in (2021, 2022))
    assert first != pytest.approx(second, rel=1e-6)


def test_limits_that_cannot_hold_leave_no_frontier(desk):
    """The conflict is the answer: 3, and no points."""
    ran = desk.infeasible("study: {kind: frontier}\nlimits: {max_co2_t: 1000}")
    assert ran.result["plans"] == {}
    assert not (ran.folder / "frontier.parquet").exists() or ran.rows("frontier") == []
    assert ran.limits["max_co2_t"]["in_conflict"]


SAID = {
    "en": (
        "Frontier",
        "scenario's",
        "end",
        "worth of one more",
        "doubt",
        "plans may lie below the chord by at most",
        "From 1 to 2: less Sea De -1,200 t",
    ),
    "zh": ("前沿", "方案低于连线的幅度最多为前沿范围的", "由 1 到 2：减少 Sea De -1,200 t"),
}


@pytest.mark.parametrize("lang", SAID)
def test_a_capped_frontier_is_told_in_words(desk, lang):
    """Points, how sure the space between them is, and who gains and loses."""
    code, shown = printed(desk, "study: {kind: frontier, points: 2}", lang)
    assert code == 0
    bare = shown.replace(" ", "")
    assert [words for words in SAID[lang] if words.replace(" ", "") not in bare] == []


ONLY_I1 = "changes: [{scale_demand: {factor: 0, where: \"demand_id != 'I1'\"}}]\nstudy: {kind: frontier}"


@pytest.mark.parametrize(
    ("lang", "words"),
    [("en", "One plan is best in both objectives."), ("zh", "同一方案在两个目标上都最好。")],
)
def test_one_plan_best_in_both(desk, lang, words):
    """I1 has one way only: one point, and that is said."""
    code, shown = printed(desk, ONLY_I1, lang)
    assert code == 0
    assert words.replace(" ", "") in shown.replace(" ", "")
    rows = pq.read_table(desk.root / "results" / "printed" / "frontier.parquet").to_pylist()
    assert [row["point"] for row in rows] == [0, 1]
    assert rows[1]["money_cny"] == pytest.approx(50 * (5520 + 18_600))
    assert rows[1]["doubt_to_next"] is None


# --- bad input ------------------------------------------------------------------------------------

REFUSED = {
    "one objective": ("objectives: [money]", "6:15", "at least 2 items"),
    "three objectives": ("objectives: [money, hours, co2]", "6:15", "at most 2 items"),
    "none": ("objectives: []", "6:15", "at least 2 items"),
    "the same twice": ("objectives: [money, money]", "5:3", "two different objectives"),
    "unknown": ("objectives: [money, ours]", "6:23", "'ours' is not one of .* - did you mean 'hours'"),
    "one that adds up others": ("objectives: [money, generalised]", "6:23", "'generalised' is not one of"),
    "no list": ("objectives: money", "6:15", "not a list"),
    "one point": ("points: 1", "6:11", "'1' is out of range, allowed is ≥ 2"),
    "no point": ("points: 0", "6:11", "'0' is out of range"),
    "too many points": ("points: 201", "6:11", "'201' is out of range"),
    "half a point": ("points: 2.5", "6:11", "'2.5' is not a whole number"),
    "unknown key": ("point: 3", "6:3", "unknown key 'point' - did you mean 'points'"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_wrong_settings_are_refused_with_their_place(desk, name):
    """2, line and column, and what is wrong."""
    text, place, message = REFUSED[name]
    (problem,) = desk.refused(f"study:\n  kind: frontier\n  {text}")
    assert re.match(rf"s\d+\.yaml:{place}", problem), problem
    assert re.search(message, problem), problem


NOTHING_GOES = """\
changes:
  - set: {table: product_segments, column: promise_d, value: 0.1}
  - set: {table: product_segments, column: promise_is_hard, value: true}
"""


@pytest.mark.parametrize(
    "text",
    [
        NOTHING_GOES,
        "changes: [{set: {table: services, column: background_t_per_year, value: 1e+7}}]",
    ],
    ids=["no promise can be kept", "no room"],
)
def test_where_nothing_goes_the_frontier_is_one_plan(desk, text):
    """All is left, which costs nothing and takes no time: a correct answer, not an internal error."""
    ran = desk.solved(f"{text}\nstudy: {{kind: frontier}}")
    assert ran.said["unserved_t"] == pytest.approx(2350)
    rows = ran.rows("frontier")
    assert {(row["money_cny"], row["customer_t_h"]) for row in rows} == {(0.0, 0.0)}
    assert len(rows) <= 2


def test_an_objective_that_is_always_0_has_one_point(desk):
    """No CO2 anywhere: the cheapest plan is the cleanest too."""
    text = "changes: [{set: {table: modes, column: co2_g_per_tkm, value: 0}}]\nsolver: {time_limit_s: 1}"
    ran = desk.solved(f"{text}\nstudy: {{kind: frontier, objectives: [money, co2]}}")
    assert len(ran.rows("frontier")) == 2


def test_out_of_time_is_said(desk):
    """A limit of next to no time: 4 or 5, and no figure that was not reached."""
    ran = desk.run("study: {kind: frontier}", "--time-limit", "1e-9")
    assert ran.code in (4, 5)
    assert verified(ran.folder)
    said = json.loads((ran.folder / "result.json").read_text("utf-8"))
    assert said["status"] in ("limit", "no_plan")
    code, shown = printed(desk, "study: {kind: frontier}\nsolver: {time_limit_s: 1e-9}", "en")
    assert code == ran.code
    assert "best in both" not in shown
    for row in ran.rows("frontier") if (ran.folder / "frontier.parquet").exists() else ():
        assert row["money_cny"] > 1e6
        assert row["customer_t_h"] > 1e5
