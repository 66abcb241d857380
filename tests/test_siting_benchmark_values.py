"""What the comparisons of a siting say, against trying every plan: worth, sweeps, next best plans, regret."""

import math
from collections import defaultdict

import numpy as np
import pytest

from logistics.studies.siting_benchmark import value_plans, worths
from logistics.studies.siting_futures import Future, Regret, least_bad
from logistics.studies.siting_plans import LastYear
from tests.test_placement import FAST, RULES, close_to, ground
from tests.test_siting_study import FULL, Project, Truth, ids_of

FOREVER = 1e9
"""Seconds, so many that time plays no part."""
SEEDS = (FAST[0], FAST[5])
ASKED = [*((seed, "") for seed in SEEDS), (FAST[5], "all of it"), (FAST[0], "at least two")]


def names_of(plan):
    """Options of a plan."""
    return {one.option for one in plan}


def searched(seed, rule):
    """A question, and a search on it that has ended."""
    free = ground(seed)
    asked = free.ruled(**RULES[rule](free)) if rule else free
    search, answer = asked.searched()
    return asked, search, answer


@pytest.mark.parametrize(("seed", "rule"), ASKED)
def test_solved_plans_enclose_what_each_candidate_is_worth(seed, rule):
    """The truth lies between the ends; what can be done without has both; time narrows them."""
    asked, search, before = searched(seed, rule)
    if before.best is None:
        pytest.skip("no plan keeps the rules")
    wide = worths(search, before)
    value_plans(search, asked.sited.base_taken, FOREVER)
    answer = search.answer()
    assert answer.best.value <= before.best.value
    chosen = set(search.problem.candidate[answer.best.taken].tolist())
    narrow = worths(search, answer)
    near = close_to(asked)
    for number, name in enumerate(search.problem.candidates):
        with_it = min((c for c, plan in asked.found if name in names_of(plan)), default=np.inf)
        without = min((c for c, plan in asked.found if name not in names_of(plan)), default=np.inf)
        low, high = narrow[number].low, narrow[number].high
        if np.isfinite(with_it) and np.isfinite(without):
            # Whatever is lifted out of the best plan, or set beside it, was solved.
            assert high is not None
            assert low is not None or number not in chosen
        assert low is None or low <= without - with_it + near
        assert high is None or high >= without - with_it - near
        for end, other, sign in ((low, wide[number].low, 1), (high, wide[number].high, -1)):
            if other is not None:
                assert end is not None
                assert sign * (end - other) >= -near


@pytest.mark.parametrize("seed", SEEDS)
def test_no_time_leaves_the_search_as_it_is(seed):
    asked, search, answer = searched(seed, "")
    count = len(search.plans)
    value_plans(search, asked.sited.base_taken, -1.0)
    assert len(search.plans) == count
    assert search.answer().best.value == answer.best.value


@pytest.mark.parametrize("seed", SEEDS)
def test_what_lies_idle_beside_a_plan_costs_its_own_cost(seed):
    """So that each candidate that may stand beside a solved plan has a lower end, without a further flow."""
    asked, search, answer = searched(seed, "")
    rules, problem = search.problem.rules, search.problem
    for number, worth in enumerate(worths(search, answer)):
        best = answer.best.taken.copy()
        if best[problem.candidate == number].any():
            continue
        beside = [np.array(best) for _ in np.flatnonzero(problem.candidate == number)]
        for taken, choice in zip(beside, np.flatnonzero(problem.candidate == number), strict=True):
            taken[choice] = True
            if rules.kept(taken):
                least = asked.found[0][0]
                cost = answer.best.value + problem.cost[choice]
                assert worth.low is not None
                assert worth.low >= min(answer.bound, least) - cost - close_to(asked)


@pytest.mark.parametrize("seed", SEEDS)
def test_a_sweep_never_gets_dearer_and_is_bounded(seed):
    """Values and bounds fall with the number of sites, and enclose the truth of each."""
    asked, search, _ = searched(seed, "")
    last = LastYear(asked.sited, search)
    counts = [3, 1, 2]
    plans = last.sweeps(counts, FOREVER)
    known = {int(plan.name): plan for plan in plans}
    assert [int(plan.name) for plan in plans] == [one for one in counts if one in known]
    near = close_to(asked)
    before = None
    for most in sorted(known):
        plan = known[most]
        opened = [one for one in asked.plan_of(plan.taken) if one.opens is not None]
        assert len(opened) <= most
        true = min(
            cost for cost, one in asked.found if sum(holding.opens is not None for holding in one) <= most
        )
        value = search.plan_of(plan.taken).value
        assert plan.bound <= true + near
        assert value >= true - near
        if before is not None:
            assert value <= before[0]
            assert plan.bound <= before[1]
        before = value, plan.bound


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("within", [None, 0.0, 0.05])
def test_alternatives_are_sorted_and_each_leaves_out_a_site(seed, within):
    asked, search, answer = searched(seed, "")
    last, best = LastYear(asked.sited, search), answer.best
    site = {one.id: one.site_id for one in asked.sited.candidates}
    sites = [{site[name] for name in names_of(asked.plan_of(best.taken))}]
    values = []
    for place, plan in enumerate(last.others(best.taken, 3, within), start=1):
        assert (plan.kind, plan.name) == ("alternative", str(place))
        mine = {site[name] for name in names_of(asked.plan_of(plan.taken))}
        assert all(one - mine for one in sites)
        less = [
            cost
            for cost, one in asked.found
            if all(before - {site[name] for name in names_of(one)} for before in sites)
        ]
        assert plan.bound <= min(less) + close_to(asked)
        sites.append(mine)
        values.append(search.plan_of(plan.taken).value)
    assert values == sorted(values)
    if within is not None:
        assert all(value <= (1 + within) * best.value for value in values)


# --- regret ----------------------------------------------------------------------------------------


def future(name, kept, **regret):
    """A future with regrets of plans, each one figure or two ends."""
    ends = {
        plan: Regret(*one) if isinstance(one, tuple) else Regret(one, one) for plan, one in regret.items()
    }
    return Future(name, (), 1.0, 1.0, ends, {}, frozenset(kept))


def test_the_least_bad_plan_is_proven_against_lower_ends():
    """Upper ends decide, lower ones prove; plans that break the rules and unsolved ones are passed over."""
    first = future("x", "abc", a=3.0, b=(1.0, None), c=0.0, d=0.0)
    assert least_bad([first, future("y", "abc", a=1.0, b=5.0, c=4.0, d=0.0)]) == ("a", True)
    assert least_bad([first, future("y", "abc", a=1.0, b=2.0, c=4.0, d=0.0)]) == ("a", False)
    tied = future("y", "abc", a=1.0, b=(3.0, None), c=3.0, d=0.0)
    assert least_bad([first, tied]) == ("a", True)
    assert least_bad([future("x", "a", a=(0.0, None))]) == (None, False)


@pytest.fixture(scope="module")
def ran(tmp_path_factory):
    """Two years with everything, on the tiny network."""
    return Project(tmp_path_factory.mktemp("values")).solved(FULL, parent="two")


def test_regret_as_planned_is_that_of_solving(ran):
    """What is solved is what the plan's tables cost above the best; what is not lies below its lower end."""
    truth = Truth(ran.scenario)
    ids = {f"{row['kind']} {row['name']}": ids_of(row) for row in ran.rows("siting_plans")}
    exact = 0
    for row in ran.rows("siting_regret"):
        if row["future"] != "as planned" or row["plan"] not in ids:
            continue
        best, near = row["value_of_best_cny"], 2e-6 * row["value_of_best_cny"]
        assert best == pytest.approx(truth.sets[0][0], rel=1e-3)
        more = max(0.0, truth.steady(ids[row["plan"]]) - best)
        assert row["regret_at_most_cny"] == pytest.approx(more, abs=near)
        assert row["regret_at_least_cny"] <= more + near
        exact += more > near
    assert exact


def test_the_minimax_plan_is_proven(ran):
    """Solved in each future; every other plan has a future in which it does no better."""
    rows, ends = ran.rows("siting_regret"), defaultdict(list)
    for row in rows:
        ends[row["plan"]].append((row["regret_at_least_cny"], row["regret_at_most_cny"]))
    high = {
        plan: math.inf if any(most is None for _, most in mine) else max(most for _, most in mine)
        for plan, mine in ends.items()
    }
    (best,) = {row["plan"] for row in rows if row["least_of_largest"]}
    assert {row["plan"] for row in rows if row["least_is_proven"]} == {best}
    assert high[best] == min(high.values()) < math.inf
    for plan, mine in ends.items():
        assert min(high[plan], max(least for least, _ in mine)) >= high[best] or high[plan] >= high[best]
        assert all(most is None or least <= most for least, most in mine)


def test_bounds_and_gaps_stand_beside_every_plan(ran):
    """Bounds are below values; gaps follow, but for the frontier, whose search weighs time otherwise."""
    (first, *_) = ran.rows("siting_years")
    value = {row["kind"]: row["value_cny"] for row in ran.rows("siting_plans")}
    for row in ran.rows("siting_plans"):
        assert row["bound_cny"] <= row["value_cny"] * (1 + 1e-12)
        gap = (row["value_cny"] - row["bound_cny"]) / row["value_cny"]
        if row["kind"] == "frontier":
            assert 0 <= row["gap"] <= 1e-2
        else:
            assert row["gap"] == pytest.approx(max(0.0, gap), abs=1e-12)
        if row["kind"] in ("base", "baseline"):
            assert gap <= 2e-6
    assert value["base"] > value["best"]
    lost = (first["value_cny"] - first["bound_cny"]) / first["gap_of_benefit"]
    saved = sum(row["saved_cny"] for row in ran.rows("siting_years"))
    # OLD stands in what exists and is closed by the plan.
    closed = sum(row["annual_cny"] for row in ran.rows("candidates") if row["exists"] and not row["chosen"])
    assert lost == pytest.approx(saved + 2 * closed, rel=1e-4)
