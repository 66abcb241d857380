"""Placement against every set of warehouses there is, on random tiny networks and on paper."""

from functools import cache
from types import MappingProxyType

import numpy as np
import pytest

from logistics.models.placement.priced import best_choice
from logistics.models.placement.problem import Rules
from logistics.models.placement.room_knapsacks import add_served, most_saved
from logistics.models.placement.search import PlacementSearch
from logistics.studies.siting_benchmark import worths
from logistics.studies.siting_candidates import candidates_of
from logistics.studies.siting_problem import open_ids, sited_years
from logistics.studies.siting_spec import SitingSpec
from logistics.studies.year_flow import Question
from logistics.verification.books import WEIGHTS
from tests.test_three_gateways import TOTAL_CNY
from tests.tiny import tiny_network
from tests.tiny_siting import FIRST, Ground

FAST = (0, 5, 6, 7, 12, 20)
SLOW = (3, 14, 16, 22)
GAP = 1e-6
SAME = 3e-6
"""Share of the value by which two answers may differ: gaps of flows."""
RULES = {
    "at most one": lambda g: {"counts": [{"most": 1}]},
    "at least two": lambda g: {"counts": [{"least": 2}]},
    "exactly two": lambda g: {"counts": [{"least": 2, "most": 2}]},
    "a leased one": lambda g: {"counts": [{"least": 1, "where": "ownership == 'lease'"}]},
    "nothing built": lambda g: {"counts": [{"most": 0, "where": "ownership == 'build'"}]},
    "a budget": lambda g: {"budgets": [{"cny": {FIRST: invested(g)}}]},
    "a budget by year": lambda g: {"budgets": [{"cny": {y: invested(g) for y in g.years}}]},
    "several at a site": lambda g: {"one_per_site": False},
    "what exists may go": lambda g: {"closable": "status == 'existing'"},
    "open from the first year": lambda g: {"opening": "first_year"},
    "all of it": lambda g: {
        "counts": [{"most": 2}, {"most": 1, "where": "ownership == 'lease'"}],
        "budgets": [{"cny": {FIRST: 2 * invested(g)}}],
        "closable": "status == 'existing'",
        "one_per_site": False,
    },
}


def invested(ground):
    """An investment in the middle of those that are asked for."""
    capex = [row["capex_cny"] for row in ground.options.values() if row["capex_cny"]]
    return float(np.median(capex)) if capex else 1.0


@cache
def ground(seed):
    """The question of a seed, without rules."""
    return Ground(seed)


@cache
def ruled(seed, rule):
    """The question of a seed under a rule, and its search with the answer."""
    free = ground(seed)
    asked = free.ruled(**RULES[rule](free)) if rule else free
    return asked, *asked.searched(GAP)


def cases(rules=("",)):
    """Seeds with rules: those of every run alone, and one with each rule; those of the long run with all."""
    found = [(seed, "") for seed in FAST] if "" in rules else []
    found += [(FAST[place % len(FAST)], rule) for place, rule in enumerate(rules) if rule]
    slow = [(seed, rule) for seed in SLOW for rule in rules]
    return [*found, *(pytest.param(*case, marks=pytest.mark.fuzz) for case in slow)]


def close_to(ground):
    """What differences of value may be."""
    least = ground.found[0][0] if ground.found and np.isfinite(ground.found[0][0]) else 1.0
    return SAME * max(1.0, abs(least))


# --- the best plan --------------------------------------------------------------------------------


@pytest.mark.parametrize(("seed", "rule"), cases(("", *RULES)))
def test_plan_and_bound_against_every_set(seed, rule):
    """No set costs less than the bound; the plan costs what it says, and is the best where that is said."""
    asked, search, answer = ruled(seed, rule)
    near = close_to(asked)
    best = asked.found[0][0] if asked.found else np.inf
    assert answer.bound <= best + near
    if not np.isfinite(best):
        assert answer.best is None
        assert answer.status in ("no_plan", "infeasible")
        return
    assert answer.status in ("optimal", "limit")
    plan = asked.plan_of(answer.best.taken)
    assert asked.allows(plan)
    assert answer.best.value == pytest.approx(asked.cost(plan), abs=near)
    assert answer.best.value >= best - near
    assert answer.gap == pytest.approx(
        (answer.best.value - answer.bound) / max(1.0, answer.best.value), abs=1e-12
    )
    assert (answer.status == "optimal") == (answer.gap <= GAP)
    if answer.status == "optimal":
        assert answer.best.value == pytest.approx(best, abs=near + GAP * abs(best))
    for one in search.plans:
        truth = asked.cost(asked.plan_of(one.taken))
        assert one.value == pytest.approx(truth, abs=near)


class Wide(Ground):
    """A question with more candidates."""

    most = MappingProxyType({1: 6, 2: 4})


def test_a_base_that_serves_too_little_is_no_end():
    """What exists serves too little, and its flows price no capacity: sets that serve all are found."""
    asked = Wide(39)
    _, answer = asked.searched(1e-3)
    (best, _), nothing = asked.found[0], asked.cost(frozenset())
    assert np.isfinite(best)
    assert np.isinf(nothing)
    assert answer.best is not None
    assert best - close_to(asked) <= answer.best.value <= best * (1 + 1e-3)


def test_rules_that_nothing_keeps_are_told():
    """Where no set of choices keeps the rules, that is proven."""
    free = ground(FAST[0])
    asked = free.ruled(counts=[{"least": 99}])
    _, answer = asked.searched()
    assert (answer.status, answer.best, answer.bound) == ("infeasible", None, np.inf)


@pytest.mark.parametrize("seed", FAST[:3])
def test_the_same_question_has_the_same_answer(seed):
    """Twice the same plans in the same order, with the same bound."""
    _, _, first = ruled(seed, "")
    _, second = ground(seed).ruled().searched(GAP)
    assert second.bound == first.bound
    assert [p.value for p in second.plans] == [p.value for p in first.plans]
    assert [p.taken.tolist() for p in second.plans] == [p.taken.tolist() for p in first.plans]


def test_random_questions_differ_in_what_they_show():
    """Among the seeds of every run are years, slow and late openings, scarce room, limits, none opened."""
    seen = dict.fromkeys(
        ("years", "slow", "late", "scarce", "limits", "joint", "priced", "several", "none"), 0
    )
    for seed in FAST:
        asked, _, answer = ruled(seed, "")
        plan, last = asked.plan_of(answer.best.taken), asked.years[-1]
        rows = [asked.options[one.option] for one in plan]
        demand = sum(d["tonnes_per_year"] for d in asked.networks[last].rows("demand"))
        seen["years"] += len(asked.years) > 1
        seen["slow"] += any(row["ramp_up_first_year_share"] < 1 for row in rows)
        seen["late"] += any(one.opens != FIRST for one in plan)
        seen["scarce"] += any(row["capacity_t_per_year"] < demand for row in rows)
        seen["limits"] += bool(asked.limits)
        seen["joint"] += answer.joint
        seen["priced"] += asked.price is not None
        seen["several"] += len(plan) > 1
        seen["none"] += len(plan) == 0
    assert all(seen.values()), seen


# --- bounds ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(("seed", "rule"), cases())
def test_any_price_of_cargo_bounds_every_set(seed, rule):
    """At random prices, and at those found, no set costs less than the sum says."""
    asked, search, _ = ruled(seed, rule)
    priced, r = search.priced, np.random.default_rng(seed)
    costs = [(cost, asked.taken(plan)) for cost, plan in asked.found]
    for _ in range(5):
        price = priced.existing * r.uniform(0, 1, len(priced.existing))
        profit = priced.saved(price) - search.problem.cost
        whole = priced.constant + priced.demand @ price
        for cost, taken in costs:
            assert whole - profit[taken].sum() <= cost + close_to(asked)
    for cost, taken in costs:
        assert search.least_cost(taken) <= cost + close_to(asked)


@pytest.mark.parametrize(
    ("seed", "rule"), [(seed, "") for seed in FAST] + [(FAST[5], "all of it"), (FAST[0], "a budget")]
)
def test_forcing_a_candidate_in_or_out_is_bounded(seed, rule):
    """No plan with a candidate costs less than one bound, and none without it less than the other."""
    asked, search, _ = ruled(seed, rule)
    inside, outside = search.forced()
    for number, name in enumerate(search.problem.candidates):
        with_it = [cost for cost, plan in asked.found if name in {one.option for one in plan}]
        without = [cost for cost, plan in asked.found if name not in {one.option for one in plan}]
        assert inside[number] <= min(with_it, default=np.inf) + close_to(asked)
        assert outside[number] <= min(without, default=np.inf) + close_to(asked)
        assert np.isinf(inside[number]) == (not with_it)
        assert np.isinf(outside[number]) == (not without)


@pytest.mark.parametrize("seed", FAST)
def test_fewer_sites_are_bounded(seed):
    """With at most so many: no such plan costs less; sets handed over keep the rule, the best first."""
    asked, search, _ = ruled(seed, "")
    problem = search.problem
    for most in range(3):
        rules = problem.rules.with_row("most", np.ones(len(problem.names)), -np.inf, float(most))
        found = search.bound_under(rules)
        fewer = [cost for cost, plan in asked.found if len(plan) <= most]
        assert found.bound <= min(fewer) + close_to(asked)
        assert all(rules.kept(taken) for taken in found.taken)
        profit = search.priced.saved(found.price) - problem.cost
        at_best = search.priced.constant + search.priced.demand @ found.price - profit[found.taken[0]].sum()
        assert at_best == pytest.approx(found.bound, abs=close_to(asked))


@pytest.mark.parametrize("seed", FAST)
def test_the_worth_of_a_candidate_lies_in_its_interval(seed):
    """Cost of the best plan without it less that of the best with it."""
    asked, search, answer = ruled(seed, "")
    known = 0
    for name, worth in zip(search.problem.candidates, worths(search, answer), strict=True):
        with_it = min((c for c, plan in asked.found if name in {o.option for o in plan}), default=np.inf)
        without = min((c for c, plan in asked.found if name not in {o.option for o in plan}), default=np.inf)
        if worth.low is not None:
            assert worth.low <= without - with_it + close_to(asked)
        if worth.high is not None:
            assert worth.high >= without - with_it - close_to(asked)
        known += worth.low is not None or worth.high is not None
    assert known


# --- choices and knapsacks ------------------------------------------------------------------------


def random_rules(r, count):
    """Rows, groups and counts over some choices; now and then nothing keeps them."""
    rows = int(r.integers(0, 3))
    coefficient = r.integers(0, 4, (rows, count)).astype(float)
    lower = np.where(r.random(rows) < 0.4, r.integers(0, 4, rows), -np.inf).astype(float)
    upper = np.where(r.random(rows) < 0.7, r.integers(1, 9, rows), np.inf).astype(float)
    lower = np.minimum(lower, upper)
    group = r.integers(0, max(2, count - 1), count) if r.random() < 0.6 else None
    least = int(r.integers(0, 3)) if r.random() < 0.4 else 0
    most = least + int(r.integers(0, 3)) if r.random() < 0.4 else None
    return Rules(coefficient, lower, upper, tuple(map(str, range(rows))), group, least, most)


def keeps(rules, taken):
    """Whether a set keeps rules, in plain words."""
    count, sums = (
        sum(taken),
        [sum(a for a, t in zip(row, taken, strict=True) if t) for row in rules.coefficient],
    )
    if count < rules.least or (rules.most is not None and count > rules.most):
        return False
    if rules.exclusive is not None:
        groups = [g for g, t in zip(rules.exclusive.tolist(), taken, strict=True) if t]
        if len(set(groups)) < len(groups):
            return False
    return all(low <= s <= high for low, s, high in zip(rules.lower, sums, rules.upper, strict=True))


def test_the_most_profitable_choice_is_that_of_all_sets():
    """Random profits under random rules: value, set, and what none can pass, against every set."""
    empty = by_solver = 0
    for seed in range(60):
        r = np.random.default_rng(seed)
        count = int(r.integers(1, 8))
        rules, profit = random_rules(r, count), np.round(r.uniform(-50, 80, count), 1)
        sets = [[bool(code >> i & 1) for i in range(count)] for code in range(2**count)]
        for taken in sets:
            assert rules.kept(np.array(taken)) == keeps(rules, taken)
        kept = [taken for taken in sets if keeps(rules, taken)]
        found = best_choice(profit, rules, 10.0)
        if not kept:
            assert found is None
            empty += 1
            continue
        taken, most, said = found
        best = max(float(profit[np.array(one)].sum()) for one in kept)
        assert rules.kept(taken)
        assert profit[taken].sum() == pytest.approx(best, abs=1e-4)
        assert best - 1e-9 <= most <= best + 1e-3
        by_solver += said
    assert empty > 3
    assert by_solver > 10


def plain_knapsack(entries, room):
    """The most that is saved within some room: (gain, tonnes), the dearest first, one after the other."""
    total, left = 0.0, room
    for gain, tonnes in sorted(entries, reverse=True):
        take = min(left, tonnes)
        total, left = total + gain * take, left - take
    return total


def test_knapsacks_are_those_of_plain_python():
    """Random entries, with ties, free cargo and no room at all."""
    for seed in range(40):
        r = np.random.default_rng(seed)
        num_members, num_sacks = int(r.integers(1, 9)), int(r.integers(1, 5))
        sizes = r.integers(0, num_members + 1, num_sacks)
        first = np.concatenate([[0], np.cumsum(sizes)]).astype(np.int64)
        member = np.concatenate([r.permutation(num_members)[:n] for n in sizes]).astype(np.int64)
        cost, price = r.integers(0, 9, len(member)).astype(float), r.integers(0, 9, num_members).astype(float)
        demand = r.integers(0, 6, num_members).astype(float)
        room = r.choice([0.0, 3.0, 7.5, 1e6], num_sacks)
        saved, served = np.zeros(num_sacks), np.zeros(num_members)
        most_saved(first, member, cost, price, demand, room, saved)
        chosen = np.flatnonzero(r.random(num_sacks) < 0.6)
        add_served(first, member, cost, price, demand, room, chosen, served)
        gained = 0.0
        for i in range(num_sacks):
            mine = range(first[i], first[i + 1])
            entries = [
                (price[member[e]] - cost[e], demand[member[e]]) for e in mine if price[member[e]] > cost[e]
            ]
            assert saved[i] == pytest.approx(plain_knapsack(entries, room[i]))
            gained += saved[i] if i in chosen else 0.0
            alone = np.zeros(num_members)
            add_served(first, member, cost, price, demand, room, np.array([i]), alone)
            worth = sum((price[member[e]] - cost[e]) * alone[member[e]] for e in mine)
            assert worth == pytest.approx(saved[i])
            assert alone.sum() <= room[i] + 1e-9
            assert np.all(alone <= demand)
            served -= alone if i in chosen else 0.0
        assert served == pytest.approx(np.zeros(num_members))


# --- on paper -------------------------------------------------------------------------------------


def on_paper(*edits, **settings):
    """Warehouses beside the one of ``three_gateways``, with its place and fees but for what is said.

    200 t a year go through it, 500 orders a tonne: one yuan less an order saves 100,000 CNY a year.
    """
    base = tiny_network()
    (fees,) = base.rows("warehouse_options")
    (place,) = [row for row in base.rows("sites") if row["site_id"] == "WH_DE"]
    sites, options = [], []
    for edit in edits:
        name = edit["option_id"]
        sites.append({**place, "site_id": f"WH_{name}", "status": "option"})
        options.append({**fees, "site_id": f"WH_{name}", "ownership": "lease", "status": "option", **edit})
    network = tiny_network(sites=sites, warehouse_options=options)
    question = Question(
        network,
        FIRST,
        WEIGHTS["generalised"],
        None,
        allow_unserved=False,
        limits=(),
        gap=1e-9,
        time_limit_s=60.0,
    )
    spec = SitingSpec.model_validate({"kind": "siting", **settings})
    sited = sited_years(spec, [question], candidates_of(network, spec.candidates, spec.closable))
    search = PlacementSearch(sited.problem, [()], GAP, 60.0)
    answer = search.solve([sited.base_taken])
    assert answer.bound <= answer.best.value
    return open_ids(sited.problem, answer.best.taken), answer.best.value, answer


NEAR = {"option_id": "A", "pick_cny_per_order": 3.0, "fixed_cny_per_year": 60_000.0}
CHEAP = {"option_id": "B", "pick_cny_per_order": 2.0, "fixed_cny_per_year": 170_000.0}


def test_the_smaller_saving_with_the_smaller_rent_wins():
    """A saves 100,000 for 60,000; B saves 200,000 for 170,000; both save 200,000 for 230,000."""
    opened, value, answer = on_paper(NEAR, CHEAP)
    assert opened == ["A"]
    assert value == pytest.approx(TOTAL_CNY - 40_000, rel=1e-9)
    assert answer.bound == pytest.approx(value, rel=GAP)
    assert not answer.by_solver


def test_room_turns_the_choice():
    """With room for 150 t, A saves 75,000 for 60,000: B is better, and alone is better than both."""
    opened, value, _ = on_paper({**NEAR, "capacity_t_per_year": 150.0}, CHEAP)
    assert opened == ["B"]
    assert value == pytest.approx(TOTAL_CNY - 30_000, rel=1e-9)


def test_two_small_ones_share_the_cargo():
    """Room for 100 t each at 20,000: each saves 50,000 on its half; a third would have nothing to do."""
    small = {**NEAR, "capacity_t_per_year": 100.0, "fixed_cny_per_year": 20_000.0}
    opened, value, _ = on_paper(
        small, {**small, "option_id": "C"}, {**CHEAP, "fixed_cny_per_year": 250_000.0}
    )
    assert opened == ["A", "C"]
    assert value == pytest.approx(TOTAL_CNY - 60_000, rel=1e-9)


def test_nothing_is_opened_that_does_not_pay():
    """A rent above what is saved."""
    opened, value, _ = on_paper({**NEAR, "fixed_cny_per_year": 100_001.0})
    assert opened == []
    assert value == pytest.approx(TOTAL_CNY, rel=1e-9)


def test_an_investment_counts_as_its_annuity():
    """400,000 over 10 years at 6 % are 54,347 a year, and over 4 years 115,437."""
    built = {**NEAR, "ownership": "build", "fixed_cny_per_year": 0.0, "capex_cny": 400_000.0}
    opened, value, _ = on_paper({**built, "life_years": 10.0})
    assert opened == ["A"]
    assert value == pytest.approx(TOTAL_CNY - 100_000 + 54_347.18, abs=1.0)
    assert on_paper({**built, "life_years": 4.0})[0] == []


def test_what_exists_is_closed_where_its_rent_is_more_than_it_is_worth():
    """The old one costs 150,000 a year; A takes all its cargo for 60,000 and saves 100,000 beside."""
    old = {"option_id": "WH_DE_shared", "site_id": "WH_DE", "ownership": "share", "status": "existing"}
    old["fixed_cny_per_year"] = 150_000.0
    closable = "option_id == 'WH_DE_shared'"
    opened, value, _ = on_paper(old, NEAR, closable=closable)
    assert opened == ["A"]
    assert value == pytest.approx(TOTAL_CNY - 40_000, rel=1e-9)
    # With room for 150 t, A cannot stand alone, and both cost more than the old one: prices cannot prove it.
    opened, value, _ = on_paper(
        old, {**NEAR, "capacity_t_per_year": 150.0, "fixed_cny_per_year": 80_000.0}, closable=closable
    )
    assert opened == ["WH_DE_shared"]
    assert value == pytest.approx(TOTAL_CNY + 150_000, rel=1e-9)


def test_room_that_is_needed_is_found_though_it_is_dear():
    """The old one holds 100 of 200 t; A holds the rest at a rent that nothing but need pays for."""
    old = {"option_id": "WH_DE_shared", "site_id": "WH_DE", "ownership": "share", "status": "existing"}
    old["capacity_t_per_year"] = 100.0
    opened, value, _ = on_paper(old, {**NEAR, "pick_cny_per_order": 4.0, "fixed_cny_per_year": 1e6})
    assert opened == ["A"]
    assert value == pytest.approx(TOTAL_CNY + 1e6, rel=1e-9)


def test_of_two_that_are_alike_the_first_by_name_is_opened():
    """Where one may be opened, and two are the same."""
    opened, _, _ = on_paper({**NEAR, "option_id": "Z"}, {**NEAR, "option_id": "Y"}, counts=[{"most": 1}])
    assert opened == ["Y"]
