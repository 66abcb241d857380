"""Coverage: shares of tonnes or orders within days of the customer's clock, market by market.

The plans are held against the program of all ways, the prices against every way looked at, and the plans are
spoiled to see that the check finds it.
"""

import re
from dataclasses import replace

import numpy as np
import pytest

from logistics.limits import PlanLimit, limit_rows, read_limits
from logistics.models.flow.column_generation import FlowModel, StopRule
from logistics.verification.books import WEIGHTS, YearBooks
from logistics.verification.bound import recomputed_bound
from logistics.verification.limits import judged_limits
from logistics.virtual_network.build import build_instance
from logistics.words.limit_sentences import conflict_sentences, limit_in_words
from tests.random_limits import KNIFE_EDGE, random_case
from tests.test_fuzz_limits import differences
from tests.test_limit_verification import claim, found_of, judged, of_duals, outcome_of
from tests.test_limits import Desk, verified
from tests.test_limits_brute_force import YEAR, ExactPlan, Ways, in_scope, proven, truth
from tests.test_siting_study import Project
from tests.test_verification import Draft
from tests.tiny import table_of, three_gateways, tiny_network

TO_THE_END = StopRule(gap=0.0, time_limit_s=60.0)
TO_GERMANY = "destination_site == 'MK_DE'"


def coverage(share, days, measured="tonnes", where="", name="min_promise_share"):
    """A share within days."""
    return PlanLimit(name, "promise_share", share, least=True, where=where, days=days, measured=measured)


# --- random networks ------------------------------------------------------------------------------


def random_coverage(seed):
    """The random case with a share within days for each market instead of its own promise shares."""
    case, r = random_case(seed), np.random.default_rng([seed, 5])
    network = case.network.with_table(
        "product_segments",
        table_of_segments(case.network, lambda row: {"promise_is_hard": False}),
    )
    ways = case.ways.promising(network, case.price)
    plan, demand = ExactPlan(ways), ways.instance.commodities.demand_t
    best = plan.cheapest(ways.cost, plan.price or 0.0)
    limits = [limit for limit in case.limits if limit.kind != "promise_share"][:1]
    names = ways.instance.commodities.demand_id
    for number, market in enumerate(sorted({row["destination_site"] for row in network.rows("demand")})):
        where = f"destination_site == '{market}'"
        limit = coverage(0.5, 1.0, str(r.choice(("tonnes", "orders"))), where, f"min_promise_share.{number}")
        inside = np.array([name in in_scope(network, limit) for name in names])[ways.commodity]
        if not inside.any():
            continue
        # Between two ways' hours, and so that rounding does not decide.
        hours = np.unique(np.round(ways.customer_h[inside], 3))
        hours = hours[hours > 2.4]
        if not len(hours):
            continue
        limit = replace(limit, days=float(min(365, (r.choice(hours) + 0.02) / 24)))
        row = ways.row(limit)
        did = float(row.way @ best.flow_t + row.left @ best.left_t)
        least = plan.cheapest(row.way, float(row.left.max(initial=0)))
        possible = float(row.way @ least.flow_t + row.left @ least.left_t)
        bound = possible + r.uniform(-0.1, 0.9) * (did - possible)
        limits.append(replace(limit, value=float(np.clip(1 - bound / (2 * row.bound), 0, 1))))
    rows = [ways.row(limit) for limit in limits]
    found = truth(plan, rows)
    return replace(
        case,
        network=network,
        limits=tuple(limits),
        ways=ways,
        plan=plan,
        rows=rows,
        truth=found,
        on_edge=found.broken < KNIFE_EDGE and found.room < KNIFE_EDGE,
    ), demand


def table_of_segments(network, change):
    """Product segments, each changed by a function of its row."""
    schema = "product_segments"
    return tables(schema, [{**row, **change(row)} for row in network.rows(schema)])


def tables(name, rows):
    """A table of the network."""
    from logistics.network.tables import BY_NAME

    return table_of(BY_NAME[name], rows)


def compared(seed):
    """Flow model and check against every way; whether a share within days has a price."""
    case, _ = random_coverage(seed)
    instance = build_instance(case.network, YEAR, case.objective, case.price, case.limits)
    answer = FlowModel(instance, TO_THE_END).solve()
    assert list(differences(case, instance, answer)) == [], (seed, case.limits, case.truth)
    if case.extreme == "far apart" or not len(case.ways.cost):
        return False
    duals = answer.conflict.duals if answer.conflict is not None else answer.duals
    books = YearBooks(case.network, YEAR)
    r = np.random.default_rng(seed)
    for factor in (1.0, r.uniform(0, 2), r.uniform(0, 2)):
        prices = replace(duals, limit=duals.limit * factor)
        judged_ = judged_limits(books, case.limits)
        own = recomputed_bound(books, of_duals(instance, prices), WEIGHTS[case.objective], judged_)
        expected = proven(case.plan, case.rows, prices)
        paid = sum(p * abs(row.bound) for p, row in zip(prices.limit, case.rows, strict=True))
        assert own == pytest.approx(expected, abs=1e-9 * max(1.0, abs(expected), paid)), seed
    return any(p > 0 for p, limit in zip(duals.limit, case.limits, strict=True) if limit.days is not None)


@pytest.mark.parametrize("first", [0, 20, *(pytest.param(i, marks=pytest.mark.fuzz) for i in (40, 80, 120))])
def test_random_coverage_is_what_the_program_of_all_ways_says(first):
    """Value, status, conflict and bound; in many cases coverage costs something."""
    assert sum(compared(seed) for seed in range(first, first + 20)) >= 4


# --- the network argued by hand -------------------------------------------------------------------


@pytest.mark.parametrize("measured", ["tonnes", "orders"])
@pytest.mark.parametrize("where", ["", TO_GERMANY, "segment == 'b2b'"])
@pytest.mark.parametrize("days", [3.0, 8.0, 15.3])
def test_coverage_costs_what_the_program_of_all_ways_says(days, where, measured):
    """Halfway between the share of the plan without limits and all that is possible."""
    network = three_gateways()
    ways = Ways.of(network, build_instance(network, YEAR, "generalised"))
    plan, limit = ExactPlan(ways), coverage(0.5, days, measured, where)
    row, best = ways.row(limit), plan.cheapest(ways.cost)
    did, possible = row.way @ best.flow_t, row.way @ plan.cheapest(row.way).flow_t
    limit = replace(limit, value=float(1 - (did + possible) / 2 / (2 * row.bound)))
    outcome = outcome_of(network, [limit])
    assert outcome.status == "optimal"
    exact = truth(plan, [ways.row(limit)])
    assert outcome.solved.objective == pytest.approx(exact.value, rel=1e-6)
    verdict = judged(outcome, claim=claim(outcome))
    assert (verdict.violations, verdict.bound_proof) == ((), "certificate")
    assert verdict.reached[limit.id] >= limit.value - 1e-6
    if possible < did * (1 - 1e-6):
        assert outcome.solved.objective > plan.cheapest(ways.cost).value * (1 + 1e-9)


def test_orders_weigh_more_where_they_are_small():
    """Of 2,350 t the 700 t that customers order singly are next to all orders: 0.5 and 2 kg against 1,000."""
    books = YearBooks(three_gateways(), YEAR)
    (each,) = judged_limits(books, [coverage(0.9, 8.0, "orders")])
    # Rows of 0.5 kg: D1, D2; of 2 kg: S1, D3, D4; of 1,000 kg the others.
    assert each.total == pytest.approx(300 * 2000 + 400 * 500 + 1650 * 1)
    assert limit_unit(each.limit) == "orders"


def limit_unit(limit):
    """Unit of its row."""
    return limit.row_unit


def test_days_hold_whatever_is_promised():
    """Promises that nobody can keep change nothing; without days they do."""
    short = tiny_network(product_segments={"promise_d": 0.1})
    limit = coverage(0.6, 15.3)
    assert outcome_of(short, [limit]).solved.objective == pytest.approx(
        outcome_of(three_gateways(), [limit]).solved.objective, rel=1e-9
    )
    assert outcome_of(short, [replace(limit, days=None)]).status == "infeasible"


def test_days_of_the_promise_are_the_promise():
    """A limit with the days promised is the limit without days; both together fit."""
    network = tiny_network(product_segments={"promise_d": 15.0})
    stated, promised = coverage(0.8, 15.0, name="a"), replace(coverage(0.8, 15.0, name="b"), days=None)
    one, other, both = (outcome_of(network, rows) for rows in ([stated], [promised], [stated, promised]))
    assert one.solved.objective == pytest.approx(other.solved.objective, rel=1e-6)
    assert both.solved.objective == pytest.approx(one.solved.objective, rel=1e-6)


# --- the check ------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def kept():
    """A plan whose share within days binds."""
    return outcome_of(three_gateways(), [coverage(0.8, 15.3)])


def test_a_plan_one_tonne_short_is_found(kept):
    """A tonne less in time, left behind, is late."""
    assert kept.status == "optimal"
    assert judged(kept, claim=claim(kept)).violations == ()
    assert judged(kept).reached["min_promise_share"] == pytest.approx(0.8, abs=1e-6)
    draft = Draft(kept.plan)
    row = next(row for row in draft.flows if row["demand_id"] == "D4" and row["tonnes"] > 10)
    row["tonnes"] -= 1
    draft.leave(row["demand_id"], row["tier"], 1.0)
    assert found_of(judged(kept, plan=draft.plan())) == [("verify.limit", "min_promise_share")]


@pytest.mark.parametrize(
    "change", [{"days": 2.0}, {"value": 0.801}, {"where": "segment == 'b2b'"}, {"days": None}],
    ids=["fewer days", "more", "of some", "as promised"],
)  # fmt: skip
def test_other_limits_are_judged_by_their_own_days(kept, change):
    """The same plan breaks a sharper limit; where nothing is promised, nothing is broken."""
    said = found_of(judged(kept, [replace(coverage(0.8, 15.3), **change)]))
    assert said == ([] if change == {"days": None} else [("verify.limit", "min_promise_share")])


def test_a_bound_needs_the_price_of_coverage(kept):
    """With half of the price the certificate proves less."""
    said = claim(kept)
    key = ("limit", "min_promise_share", "t")
    assert said.certificate.prices[key] > 0
    half = replace(
        said.certificate, prices={**said.certificate.prices, key: said.certificate.prices[key] / 2}
    )
    assert judged(kept, claim=replace(said, certificate=half)).bound < judged(kept, claim=said).bound


# --- files, words, refusals -----------------------------------------------------------------------


@pytest.fixture(scope="module")
def desk(tmp_path_factory):
    """A project of this module."""
    return Desk(tmp_path_factory.mktemp("coverage"))


def test_coverage_goes_through_the_files(desk):
    """From the scenario to limits.parquet, by market, and verified from the files."""
    ran = desk.solved(
        f'limits: {{min_promise_share: [{{share: 0.5, days: 15.3, where: "{TO_GERMANY}"}}, '
        "{share: 0.9, days: 8, measured: orders, where: \"destination_site == 'MK_US'\"}]}"
    )
    first, second = ran.limits.values()
    assert (first["days"], first["measured"], first["row_unit"]) == (15.3, "tonnes", "t")
    assert (second["days"], second["measured"], second["row_unit"]) == (8.0, "orders", "orders")
    assert min(first["reached"] - 0.5, second["reached"] - 0.9) >= -1e-6
    said = [limit_in_words(row, lang) for row in (first, second) for lang in ("en", "zh")]
    assert said == [
        "at least 50.0 % within 15.3 days where destination_site == 'MK_DE'",
        "至少 50.0 % 的货物在 15.3 天内送达（destination_site == 'MK_DE'）",
        "at least 90.0 % of orders within 8 days where destination_site == 'MK_US'",
        "至少 90.0 % 的订单在 8 天内送达（destination_site == 'MK_US'）",
    ]
    old = {name: value for name, value in first.items() if name != "days"} | {"measured": ""}
    assert limit_in_words(old, "en") == "at least 50.0 % within the promise where destination_site == 'MK_DE'"


def test_limits_are_written_and_read_as_they_are():
    """Rows written before there were days too."""
    limits = (coverage(0.9, 5.0, "orders", TO_GERMANY), coverage(0.9, None))
    assert read_limits(limit_rows(limits)) == limits
    old = [{k: v for k, v in row.items() if k not in ("days", "measured")} for row in limit_rows(limits)]
    assert [limit.days for limit in read_limits(old)] == [None, None]


@pytest.mark.parametrize(
    ("share", "days", "where"), [(0.9, 1.5, TO_GERMANY), (0.9, 0.1, TO_GERMANY)],
    ids=["some", "none"],
)  # fmt: skip
def test_what_is_best_reachable_is_said_and_can_be_reached(desk, share, days, where):
    """In the message, and as a limit it can be kept; a hundredth more cannot."""
    text = 'limits: {min_promise_share: {share: %s, days: %s, where: "%s"}}'
    ran = desk.infeasible(text % (share, days, where))
    (row,) = ran.rows("limits")
    assert 0 <= row["relaxed_to"] < share
    said = conflict_sentences([row], "en")[-1]
    best = re.fullmatch(rf"The best share that can be reached where {where} is (\d+\.\d\d) %\.", said)
    assert best, said
    assert said in ran.err.replace("\n", " ")
    reached = float(best.group(1)) / 100
    desk.solved(text % (f"{reached:.4f}", days, where))
    desk.infeasible(text % (f"{reached + 0.01:.4f}", days, where))


HARD = """\
changes:
  - {set: {table: product_segments, column: promise_d, value: 9}}
  - {set: {table: product_segments, column: promise_is_hard, value: true, where: "segment == 'b2b'"}}
"""
DIRECT = "{share: 0.8, days: 5, where: \"segment == 'direct'\"}"
REFUSED = {
    "other days": ("limits: {min_promise_share: [{share: 1, days: 9}, {share: 1, days: 5}]}", "late after 5"),
    "as promised": (f"{HARD}limits: {{min_promise_share: [{{share: 0.8}}, {DIRECT}]}}", "by another after 9"),
    "hard": (f"{HARD}limits: {{min_promise_share: [{{share: 1, days: 5}}]}}", "its hard promise is 9 days"),
    "no days": ("limits: {min_promise_share: {share: 0.8, days: 0}}", "'0' is out of range"),
    "many days": ("limits: {min_promise_share: {share: 0.8, days: 366}}", "'366' is out of range"),
    "unknown measure": ("limits: {min_promise_share: {share: 0.8, measured: value}}", "'value'"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_cannot_be_meant_is_refused_with_its_place(desk, name):
    text, message = REFUSED[name]
    problems = desk.refused(text)
    assert len(problems) == 1, problems
    assert re.match(r"s\d+\.yaml:\d+:\d+: ", problems[0]), problems
    assert message in problems[0], problems
    assert " - " in problems[0], problems


def test_markets_may_have_days_of_their_own(desk):
    """Limits whose demand is apart, a hard promise outside of them included, are no problem."""
    desk.solved(
        f"{HARD}limits: {{min_promise_share: [{{share: 0.1, where: \"segment == 'b2b'\"}}, "
        "{share: 0.1, days: 5, where: \"segment == 'direct'\"}]}"
    )


# --- sitings --------------------------------------------------------------------------------------

DEAR = """\
changes:
  - {set: {table: warehouse_options, where: "status == 'option'", column: fixed_cny_per_year, add: 1.0e+9}}
"""
WITHIN_DAYS = """\
limits:
  min_promise_share:
    - share: 0.5
      days: 1.31
      measured: orders
      where: "destination_site == 'MK_US' and segment == 'stocked'"
"""


def test_a_candidate_opens_only_for_coverage(tmp_path):
    """What exists cannot keep it, which is said with the market; a warehouse that opens for it does."""
    desk = Project(tmp_path)
    rows = three_gateways().rows("time_values")
    patient = [{**row, "segment": "stocked"} for row in rows if row["segment"] == "direct"]
    desk.table("time_values", [*(row for row in rows if row["segment"] != "stocked"), *patient])
    desk.infeasible(f"{WITHIN_DAYS}study: {{kind: assignment}}")
    ran = desk.run(f"{DEAR}{WITHIN_DAYS}study: {{kind: siting, baselines: false}}")
    assert (ran.code, ran.said["status"]) == (0, "optimal"), ran.err
    assert "With what exists alone:" in ran.err
    assert "MK_US" in ran.err
    assert verified(ran.folder)
    free = desk.run(f"{DEAR}study: {{kind: siting, baselines: false}}")
    opened = [row["open"] for each in (ran, free) for row in each.rows("siting_years")]
    assert opened[0] > opened[1]
