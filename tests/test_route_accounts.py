"""The three accounts of a route: one worked out by hand, and all of them against the check's own bill.

The route by hand is a second train RAIL–RDU on ``three_gateways``; its README argues the plan without it.
"""

from dataclasses import replace

import numpy as np
import pytest

from logistics.proposals.entering import RouteOption, opened, options_of, subsidy_share
from logistics.studies.route_accounts import (
    Accounts,
    accounts_of,
    annuity_factor,
    break_even_load_factor,
    load_factors,
)
from logistics.studies.route_variants import Swing, chance_of_benefit, swings_of, varied
from logistics.studies.route_worth import OptionEvaluator, evaluated_options
from logistics.studies.year_flow import checked_year
from tests.random_limits import OBJECTIVES, random_case
from tests.tiny import random_network, three_gateways, tiny_network
from tests.tiny_routes import made_route, question_of, random_options

YEAR = 2021
RATE = 0.06
TRAIN = made_route(
    "TRAIN",
    "rail",
    ("RAIL", "RDU"),
    ("RDU", "RAIL"),
    run_h=288.0,
    run_sd_h=float(np.hypot(12, 24)),
    tariff=52_000.0,
    basis="feu",
    payload_t=100.0,
    levels=(3.5,),
    columns={"availability": 0.8, "subsidy_cny_per_t": 40.0, "segments": "stocked|b2b"},
    background=((90.0, 2_000.0), (50.0, 400.0)),
    cost_cny_per_departure=200_000.0,
    fixed_cny_per_year=500_000.0,
    capex_cny=10_000_000.0,
    subsidy_cny_per_departure=2_000.0,
    subsidy_shares=(1.0, 0.5),
    opening_year=2021,
)
"""Runs like RAIL_DE, as often, without a fee; it has room for 10 t on 3.5 × 365/7 × 0.8 = 146 departures."""


def evaluator_of(*proposals, network=None, **changes):
    """An evaluator of the options of proposals."""
    options = options_of(proposals)
    question = question_of(network or three_gateways(), options, YEAR, **changes)
    return OptionEvaluator(question, options, RATE)


@pytest.fixture(scope="module")
def train():
    """The train, evaluated."""
    return evaluator_of(TRAIN).evaluated(0)


# --- by hand --------------------------------------------------------------------------------------


def test_shippers_gain_what_their_cargo_costs_less(train):
    """The 300 t that find no room on RAIL_DE get it.

    A tonne of dense goods pays 1,300 − 40 = 1,260 on the train, on RAIL_DE 1,300 + 10 − 100 = 1,210; all else
    is alike. Of the rows that want rail S1 saves 60.6 CNY/t by it and B2 276, less 50 for the dearer train:
    200 × 10.6 + 100 × 226 = 24,720. Whichever of the 1,300 t is on which train, it comes to that.
    """
    gained = 200 * (60.6 - 50) + 100 * (276 - 50)
    assert train.accounts.shipper_cny == pytest.approx(gained, abs=0.1)
    assert train.worth.high == pytest.approx(gained, abs=0.1)
    assert train.sums.leg_t["TRAIN.out", 2] == pytest.approx(300)
    assert train.sums.leg_t["RAIL_DE", 2] == pytest.approx(1_000)
    assert ("TRAIN.back", 2) not in train.sums.leg_t


def test_the_operator_earns_fares_and_other_cargo_and_pays_the_train(train):
    """Fares are before subsidies: what the shipper does not pay the public does.

    300 t × 1,300; other cargo 146 × (90 × 2,000 + 50 × 400); 146 × 2,000 of subsidy in the first year. A
    departure is one of the whole rotation: 146 × 200,000. Ten million over ten years at 6 %: 0.1358679582.
    """
    accounts = train.accounts
    assert accounts.fares_cny == pytest.approx(390_000, abs=0.1)
    assert accounts.background_cny == pytest.approx(146 * 200_000)
    assert accounts.subsidy_cny == pytest.approx(292_000)
    assert accounts.departures_cny == pytest.approx(29_200_000)
    assert accounts.capital_cny == pytest.approx(1_358_679.582, abs=0.1)
    assert accounts.cost_cny == pytest.approx(29_200_000 + 500_000 + 1_358_679.582, abs=0.1)
    loss = 390_000 + 29_200_000 + 292_000 - 29_200_000 - 500_000 - 1_358_679.582
    assert accounts.operator_cny == pytest.approx(loss, abs=0.2)


def test_the_public_pays_both_subsidies(train):
    """292,000 for departures and 300 × 40 for tonnes; RAIL_DE carries 1,000 subsidised tonnes as before."""
    assert train.accounts.subsidies_more_cny == pytest.approx(12_000, abs=0.1)
    assert train.accounts.public_cny == pytest.approx(-304_000, abs=0.1)


def test_the_sum_is_the_net_benefit_without_subsidies_and_fares(train):
    """What the route makes possible less what it takes: cargo at 1,300 − 1,300 + …, and no transfer is in it.

    Without the subsidy of 40 the 300 t save 24,720 − 12,000; they pay 390,000 that the operator gets.
    """
    resources = 24_720 - 12_000 + 390_000 + 29_200_000 - (29_200_000 + 500_000 + 1_358_679.582)
    assert train.accounts.net_cny == pytest.approx(resources, abs=0.3)
    parts = train.accounts
    assert parts.net_cny == pytest.approx(parts.shipper_cny + parts.operator_cny + parts.public_cny)


def test_what_follows_from_the_accounts(train):
    """Benefit over cost, break-even subsidy, payback."""
    accounts = train.accounts
    cost = 29_200_000 + 500_000 + 1_358_679.582
    assert accounts.benefit_cost == pytest.approx((24_720 - 12_000 + 390_000 + 29_200_000) / cost, rel=1e-6)
    # The operator loses 1,176,680 with a subsidy of 292,000; with their sum it would lose nothing.
    assert accounts.break_even_subsidy_cny == pytest.approx(1_176_679.582 + 292_000, abs=0.3)
    assert replace(accounts, subsidy_cny=accounts.break_even_subsidy_cny).operator_cny == pytest.approx(
        0, abs=0.3
    )
    # Before capital 182,000 a year are left of ten million: 54.9 years.
    assert accounts.payback_years == pytest.approx(10_000_000 / 182_000, rel=1e-5)


def test_load_factors_count_other_cargo(train):
    """Out 300 of 14,600 t and 90 % of other cargo; back only other cargo."""
    assert load_factors(train.option, train.sums) == pytest.approx(
        {"TRAIN.out": 300 / 14_600 + 0.9, "TRAIN.back": 0.5}
    )


def at_load(option, accounts, sums, factor):
    """The operator's account with all tonnes of the route in proportion so that its legs are `factor` full.

    Other cargo, subsidies for departures and costs stay as they are; a tonne pays as much as today.
    """
    legs = {option.service_id(s): len(s.stops) - 1 for s in option.proposal.services}
    room = other = 0.0
    for service in option.proposal.services:
        runs = option.departures_a_year(service) * legs[option.service_id(service)]
        room += runs * service.row["payload_t"]
        other += runs * service.background_t_per_departure
    carried = sum(t for (name, _), t in sums.leg_t.items() if name in legs)
    times = (factor * room - other) / carried
    return accounts.operator_cny + (times - 1) * accounts.fares_cny


def test_at_the_break_even_load_factor_the_operator_neither_gains_nor_loses(train):
    """1,205.1 t would pay what 300 t leave open: with 20,440 t of other cargo 0.7413 of 2 × 14,600 t."""
    factor = break_even_load_factor(train.option, train.accounts, train.sums)
    needed = 300 * (1_858_679.582 - 292_000) / 390_000
    assert factor == pytest.approx((146 * 140 + needed) / 29_200, rel=1e-6)
    assert at_load(train.option, train.accounts, train.sums, factor) == pytest.approx(0, abs=0.1)


def test_break_even_load_factor_where_the_ways_differ_in_legs():
    """A way out by HAM with two legs and a way back with one: the factor is over all three legs."""
    train = made_route(
        "TRAIN",
        "rail",
        ("RAIL", "HAM", "RDU"),
        ("RDU", "RAIL"),
        run_h=144.0,
        tariff=52_000.0,
        basis="feu",
        payload_t=100.0,
        background=((10.0, 2_000.0), (90.0, 400.0)),
        cost_cny_per_departure=100_000.0,
    )
    found = evaluator_of(train).evaluated(0)
    assert found.accounts.fares_cny > 0
    factor = break_even_load_factor(found.option, found.accounts, found.sums)
    assert at_load(found.option, found.accounts, found.sums, factor) == pytest.approx(0, abs=0.1)


def test_no_yield_no_break_even():
    """Where nothing is carried no load pays; the operator's loss is all there is."""
    dear = made_route(
        "DEAR",
        "air",
        ("AIR", "FRA"),
        run_h=12.0,
        tariff=900.0,
        basis="chargeable_kg",
        payload_t=9.0,
        cost_cny_per_departure=1.0,
    )
    found = evaluator_of(dear).evaluated(0)
    assert (found.status, found.worth.proof) == ("no_effect", "screened")
    assert break_even_load_factor(found.option, found.accounts, found.sums) is None
    assert found.accounts.net_cny == pytest.approx(-365)
    assert found.accounts.payback_years is None


def test_subsidies_fade_by_year_of_operation():
    """The last share holds on; before the opening the first; without an opening each year is the first."""
    option = RouteOption(TRAIN, 3.5)
    assert [subsidy_share(TRAIN, year) for year in (2020, 2021, 2022, 2023, 2030)] == [1, 1, 0.5, 0.5, 0.5]
    assert subsidy_share(replace(TRAIN, opening_year=None), 2030) == 1
    evaluator = evaluator_of(TRAIN)
    same = accounts_of(option, 2022, RATE, 0.0, evaluator.base_sums, evaluator.base_sums)
    assert same.subsidy_cny == pytest.approx(146_000)


def test_a_route_may_take_subsidised_cargo_from_another():
    """A train that is cheaper than RAIL_DE empties it: the public no longer pays 100 CNY for 1,000 t."""
    cheap = made_route(
        "CHEAP", "rail", ("RAIL", "RDU"), run_h=200.0, tariff=1_000.0, basis="feu", payload_t=1_000.0
    )
    found = evaluator_of(cheap).evaluated(0)
    assert found.sums.leg_t["CHEAP.out", 2] >= 1_300
    assert found.accounts.subsidies_more_cny == pytest.approx(-100_000, abs=0.1)
    assert found.accounts.public_cny == pytest.approx(100_000, abs=0.1)


NO_FLIGHT_HOME = {"services": [{"service_id": "AIR_CN", "status": "closed"}]}


def test_who_is_newly_served_gains():
    """Without AIR_CN I1 is left at 60,000 CNY/t. Carried, it costs 24,240; its shipper gains the difference.

    There are 50 t of it.
    """
    home = made_route(
        "HOME", "air", ("FRA", "AIR"), run_h=12.0, tariff=5.0, basis="chargeable_kg", payload_t=20.0
    )
    network = tiny_network(**NO_FLIGHT_HOME)
    found = evaluator_of(home, network=network, unserved_cny_per_t=60_000.0).evaluated(0)
    assert found.accounts.shipper_cny == pytest.approx(50 * (60_000 - 24_240), abs=0.2)


def test_cargo_that_is_pushed_out_is_no_gain():
    """The bound on the net benefit holds where a route fills the airport and other cargo is left for it.

    At 18,300 CNY/t for what is left only B4 (14,426 by sea) and D3 patient (18,220 by air) are carried. The
    airport has room for 50 t. A cheap flight is worth more to B4 than the 80 CNY/t that D3 gains by being
    carried: so D3 is left, which is no saving of 18,220 CNY/t.
    """
    cheap = made_route(
        "CHEAP",
        "air",
        ("AIR", "LAX"),
        run_h=12.0,
        tariff=0.1,
        basis="chargeable_kg",
        payload_t=50 / 365,
        columns={"segments": "b2b"},
    )
    network = tiny_network(sites=[{"site_id": "AIR", "throughput_t_per_year": 90_050.0}])
    evaluator = evaluator_of(cheap, network=network, unserved_cny_per_t=18_300.0)
    found = evaluator.evaluated(0)
    assert found.sums.leg_t["CHEAP.out", 2] == pytest.approx(50)
    assert found.accounts.net_cny <= evaluator.most(0, "net_benefit") + 1.0


@pytest.mark.parametrize(("rate", "years"), [(0.06, 10), (0.03, 30), (0.5, 1), (1e-9, 7), (0.0, 8)])
def test_annuity_pays_back_a_loan(rate, years):
    """The present value of the payments is the loan."""
    worth = sum((1 + rate) ** -year for year in range(1, years + 1))
    assert annuity_factor(rate, years) * worth == pytest.approx(1, rel=1e-7)


def test_accounts_without_anything_are_zero():
    """No sign in front of nothing: what is shown of it is 0."""
    nothing = Accounts(*[0.0] * 9)
    assert str(nothing.public_cny) == "0.0"
    assert nothing.benefit_cost is None


# --- on random networks ---------------------------------------------------------------------------

CHUNKS = [range(first, first + 20) for first in (0, 20, 40)]


def evaluators(seeds):
    """(seed, evaluator) of random networks without limits whose cargo can all be served."""
    for seed in seeds:
        network = random_network(seed)
        options = random_options(network, YEAR, seed, 4)
        evaluator = OptionEvaluator(question_of(network, options, YEAR), options, RATE)
        if evaluator.warm.solved.least_unserved is None:
            yield seed, evaluator


@pytest.mark.parametrize("seeds", CHUNKS, ids=str)
def test_sums_are_those_of_the_checks_bill(seeds):
    """Fares, subsidies, tonnes on legs, shippers' gain: from the plan as other code reads and prices it."""
    changed = 0
    for _, evaluator in evaluators(seeds):
        question, warm = evaluator.question, evaluator.warm
        base = checked_year(question, warm.base.instance, warm.solved_base())
        assert_sums(evaluator.base_sums, base)
        for number, option in enumerate(evaluator.options):
            found = evaluator.evaluated(number)
            part, solved = warm.solved_with(found.worth, number)
            network = opened(question.network, [option])
            outcome = checked_year(replace(question, network=network), part.instance, solved)
            assert_sums(found.sums, outcome)
            gained = cost_of(base) - cost_of(outcome)
            assert found.accounts.shipper_cny == pytest.approx(gained, abs=1e-8 * cost_of(base))
            changed += found.status == "worth"
    assert changed >= 10


def assert_sums(sums, outcome):
    """Fares and subsidies are those of the bill, tonnes on legs those of the plan's steps."""
    bill = outcome.verdict.bill
    assert sum(sums.fares_cny.values()) == pytest.approx(bill["tariff"], rel=1e-9)
    assert sum(sums.subsidies_cny.values()) == pytest.approx(-bill["subsidy"], rel=1e-9, abs=1e-6)
    tonnes = dict(zip(*(outcome.plan.flows[name].to_pylist() for name in ("path_id", "tonnes")), strict=True))
    legs = {}
    for step in outcome.plan.steps.to_pylist():
        if step["action"] == "ride":
            leg = step["service_id"], step["stop_seq"]
            legs[leg] = legs.get(leg, 0.0) + tonnes[step["path_id"]]
    assert sums.leg_t == pytest.approx({leg: t for leg, t in legs.items() if t > 1e-6}, rel=1e-9, abs=1e-6)


def cost_of(outcome):
    """What all cargo costs its shippers."""
    totals = outcome.verdict.totals
    return totals.money_cny + totals.capital_cny + totals.time_value_cny


def limited_evaluators(seeds):
    """Evaluators of random networks under limits, promises, and now and then a price of what is left."""
    for seed in seeds:
        if OBJECTIVES[seed % len(OBJECTIVES)] != "generalised":
            continue
        case = random_case(seed)
        if case.objective != "generalised" or case.truth.broken > 1e-7 or case.extreme or case.on_edge:
            continue
        options = random_options(case.network, YEAR, seed, 4)
        changes = {"limits": case.limits, "unserved_cny_per_t": case.price}
        yield seed, OptionEvaluator(question_of(case.network, options, YEAR, **changes), options, RATE)


@pytest.mark.parametrize(
    "seeds",
    [range(60), *(pytest.param(range(first, first + 60), marks=pytest.mark.fuzz) for first in (60, 120))],
    ids=str,
)
def test_bounds_hold_and_the_top_is_the_top_of_all(seeds):
    """No measure of any option is above its bound from the base's prices; stopping early loses nothing."""
    behind = 0
    for seed, evaluator in limited_evaluators(seeds):
        size = evaluator.smallest
        for measure in ("net_benefit", "objective"):
            every = evaluated_options(evaluator, measure, None, lambda number, option: None)
            bounds = [evaluator.most(number, measure) for number in range(len(every))]
            for one, most in zip(every, bounds, strict=True):
                if one.status == "failed":
                    assert "infeasible" in one.reason, "whom it serves must be served, beyond a limit"
                    continue
                doubt = one.worth.high - one.worth.low
                changed = evaluator.warm.value - one.worth.value
                served = evaluator.base_claims.unserved_t - one.claims.unserved_t > 1e-8
                assert (one.status == "worth") == (served or changed > size), (seed, one.option.id)
                assert one.value(measure) <= most + size + doubt, (seed, one.option.id, measure)
            best = {}
            for one in every:
                name = one.option.proposal.id
                best[name] = max(best.get(name, -np.inf), one.value(measure))
            for top in (1, 2):
                some = evaluated_options(evaluator, measure, top, lambda number, option: None)
                behind += sum(one.status == "behind" for one in some)
                found = {}
                for one in some:
                    name = one.option.proposal.id
                    found[name] = max(found.get(name, -np.inf), one.value(measure))
                expected = sorted(best.values(), reverse=True)[:top]
                first = sorted(found.values(), reverse=True)[:top]
                assert first == pytest.approx(expected, abs=2 * size), (seed, measure, top)
    assert behind >= 10


# --- ranges ---------------------------------------------------------------------------------------

RANGED = replace(
    TRAIN,
    ranges={
        "tariff": (0.98, 1.004),
        "back_tariff": (0.5, 2.0),
        "payload_t": (0.905, 1.5),
        "run_h": (0.9, 1.05),
        "background": (0.5, 1.1),
        "cost_cny_per_departure": (150_000.0, 260_000.0),
    },
)


def test_swings_are_what_direct_runs_say():
    """Each end of each input is a train of its own, solved in a study of its own."""
    evaluator = evaluator_of(RANGED)
    found = evaluator.evaluated(0)
    question = question_of(three_gateways(), evaluator.options, YEAR)
    swings = {swing.input: swing for swing in swings_of(question, [found], RATE, evaluator)["TRAIN"]}
    assert swings.keys() == RANGED.ranges.keys()
    for name, (low, high) in RANGED.ranges.items():
        swing = swings[name]
        assert (swing.low, swing.high, swing.net_used) == (low, high, found.accounts.net_cny)
        for value, net in ((low, swing.net_low), (high, swing.net_high)):
            alone = evaluator_of(varied(TRAIN, name, value)).evaluated(0)
            assert net == pytest.approx(alone.accounts.net_cny, abs=1.0), (name, value)
    assert swings["cost_cny_per_departure"].width_cny == pytest.approx(146 * 110_000)
    widths = [swing.width_cny for swing in swings_of(question, [found], RATE, evaluator)["TRAIN"]]
    assert widths == sorted(widths, reverse=True)


def test_varied_inputs_are_the_only_ones_that_differ():
    """The tariff of the way out, of the way back, both payloads, all hours, other cargo of both ways."""

    def figures(proposal):
        for service in proposal.services:
            hours = tuple(stop.get("run_h") for stop in service.stops)
            row = service.row
            yield (
                row["tariff_spot"],
                row["payload_t"],
                row["payload_m3"],
                hours,
                service.background_t_per_departure,
            )

    out, back = (52_000.0, 100.0, 200.0, (None, 288.0), 90.0), (52_000.0, 100.0, 200.0, (None, 288.0), 50.0)
    expected = {
        "tariff": [(26_000.0, *out[1:]), back],
        "back_tariff": [out, (26_000.0, *back[1:])],
        "payload_t": [(out[0], 50.0, 100.0, *out[3:]), (back[0], 50.0, 100.0, *back[3:])],
        "run_h": [(*out[:3], (None, 144.0), 90.0), (*back[:3], (None, 144.0), 50.0)],
        "background": [(*out[:4], 45.0), (*back[:4], 25.0)],
    }
    for name, found in expected.items():
        assert list(figures(varied(TRAIN, name, 0.5))) == found


def test_other_cargo_pays_an_uncertain_tariff_where_it_pays_the_tariff():
    """As it does on routes that a rule proposes; else what it pays is an input of its own."""

    def paid(proposal, name):
        return [service.background_cny_per_t for service in varied(proposal, name, 0.5).services]

    out, back = (service.background_cny_per_t for service in TRAIN.services)
    assert min(out, back) > 0
    assert paid(TRAIN, "tariff") == [out, back]
    by_rule = replace(TRAIN, background_at_tariff=True)
    assert paid(by_rule, "tariff") == [0.5 * out, back]
    assert paid(by_rule, "back_tariff") == [out, 0.5 * back]
    assert paid(by_rule, "run_h") == [out, back]


def test_switching_value_is_where_the_net_benefit_is_nothing():
    """Exact where it is linear: the cost of a departure. Its train has no benefit and no loss there."""
    evaluator = evaluator_of(RANGED)
    found = evaluator.evaluated(0)
    question = question_of(three_gateways(), evaluator.options, YEAR)
    swings = {swing.input: swing for swing in swings_of(question, [found], RATE, evaluator)["TRAIN"]}
    value = swings["cost_cny_per_departure"].switching_value
    assert value == pytest.approx(200_000 + found.accounts.net_cny / 146, rel=1e-9)
    alone = evaluator_of(replace(TRAIN, cost_cny_per_departure=value)).evaluated(0)
    assert alone.accounts.net_cny == pytest.approx(0, abs=0.1)


@pytest.mark.parametrize(
    ("nets", "value"),
    [
        ((-10, 10, 30), 0.75),
        ((30, 10, -10), 1.5),
        ((10, 20, 30), None),
        ((-1, -2, -3), None),
        ((10, -10, 10), 0.75),
        ((0, 10, 20), 0.5),
        ((5, 0, -5), 1.0),
    ],
)
def test_switching_values_between_three_points(nets, value):
    """The one nearest to the value in use, by straight lines; none where the sign is the same throughout."""
    assert Swing("tariff", 0.5, 1.0, 2.0, *nets).switching_value == value


def test_chance_of_a_benefit_is_drawn_with_a_seed(train):
    """Same seed, same share; of one input it is the triangle's; nothing to draw, nothing said."""
    base = train.accounts.net_cny
    # Net benefit base − cost · 146 over a triangle 150,000 … 200,000 … 260,000.
    swing = Swing("cost_cny_per_departure", 150e3, 200e3, 260e3, base + 50e3 * 146, base, base - 60e3 * 146)
    chance = chance_of_benefit(train, [swing], 200_000, 7)
    assert chance == chance_of_benefit(train, [swing], 200_000, 7)
    assert chance != chance_of_benefit(train, [swing], 200_000, 8)
    zero = 200e3 + base / 146
    expected = (zero - 150e3) ** 2 / (110e3 * 50e3)
    assert chance == pytest.approx(expected, abs=4 * np.sqrt(expected * (1 - expected) / 200_000))
    assert chance_of_benefit(train, [], 1000, 7) is None
