"""What routes are worth from one solved base, against each network with a route solved from scratch.

Hundreds of random small networks under random limits and promises, with random proposals of every mode. The
other side compiles the tables with one proposal opened and solves them by the flow model from nothing; the
best proposal of a network is held against the program of all ways as well.
"""

from collections import Counter
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, replace
from functools import cache
from multiprocessing import get_context

import numpy as np
import pytest

from benchmarks.route_additions import proposed
from logistics.errors import SolverFailure
from logistics.limits import PlanLimit
from logistics.models.flow.column_generation import FlowModel, StopRule
from logistics.models.routes.evaluate import BaseUnsolved, WarmBase
from logistics.models.routes.trial import TrialMaster
from logistics.proposals.entering import entered, opened, options_of
from logistics.studies.route_checks import joint_bound_holds, proven_idle
from logistics.studies.route_union import compiled_union
from logistics.studies.year_flow import checked_year
from logistics.verification.books import WEIGHTS
from logistics.virtual_network.build import build_instance
from tests.random_limits import random_case
from tests.test_limits_brute_force import ExactPlan, Ways, truth
from tests.tiny import three_gateways, tiny_network
from tests.tiny_routes import made_route, question_of, random_options

YEAR = 2021
CHUNK = 25
FAST, FIRST, ALL = 50, 200, 400
"""How many networks the fast suite takes, the tests that work alone, and those side by side."""
WORKERS = 2
PROPOSALS = 3
TO_THE_END = StopRule(gap=1e-13, time_limit_s=60.0)
EXACT = 1e-9
"""Share of the base's objective by which two exact answers may differ."""
NO_EFFECT = 1e-8
"""The same for a bound before the base's own doubt is added to it; less than this counts as no effect."""
BY_ALL_WAYS = 1e-6
"""The same against the program of all ways."""


@dataclass(frozen=True)
class Finding:
    """What one network showed.

    Parameters
    ----------
    traits
        What it has and how it ended, for counting.
    wrong
        What the engine said that is not so, one sentence each.
    """

    seed: int
    traits: frozenset
    wrong: tuple


class Desk:
    """One random network with its limits and proposals.

    Parameters
    ----------
    seed
        Decides everything.
    """

    def __init__(self, seed):
        self.case = random_case(seed)
        self.options = random_options(self.case.network, YEAR, seed, PROPOSALS)
        self.question = self.asked(self.options)

    def asked(self, options):
        """The year's question on the network with `options` entered."""
        case = self.case
        changes = {"weights": WEIGHTS[case.objective], "unserved_cny_per_t": case.price}
        return question_of(case.network, options, YEAR, limits=case.limits, **changes)

    def base(self):
        """The solved base of all options."""
        return WarmBase(compiled_union(self.question, self.options))

    def compiled(self, *options):
        """The instance of the tables with only `options` in them."""
        case = self.case
        network = opened(entered(case.network, options, YEAR), options)
        return build_instance(network, YEAR, case.objective, case.price, case.limits)

    def from_scratch(self, *options):
        """The flow model's answer for these tables."""
        return FlowModel(self.compiled(*options), TO_THE_END).solve()

    def by_all_ways(self, option):
        """Least cost with `option` by the program of all ways; None where cargo stays behind.

        None also under a floor: there may be too many ways to go round in circles for it to write down.
        """
        case = self.case
        if any(limit.kind == "load" and limit.least for limit in case.limits):
            return None
        network = opened(entered(case.network, [option], YEAR), [option])
        free = build_instance(network, YEAR, case.objective, case.price)
        ways = Ways.of(network, free, case.limits)
        plan = ExactPlan(ways)
        if plan.least_left or case.plan.least_left:
            return None
        return truth(plan, [ways.row(limit) for limit in case.limits]).value


def worths(base):
    """Each option's worth, in order."""
    return [base.worth(number) for number in range(len(base.union.names))]


def finding(seed):
    """Compare every worth of one network with solves from scratch."""
    desk = Desk(seed)
    case = desk.case
    if case.extreme == "far apart" or case.on_edge:
        # Solved to rounding only: nothing is exact to a billionth there.
        return Finding(seed, frozenset({"too delicate"}), ())
    broken = case.truth.broken > 1e-7
    try:
        base = desk.base()
    except BaseUnsolved as error:
        wrong = () if broken else (f"no base: {error.solved.status}, but {case.truth}",)
        return Finding(seed, frozenset({"no base"}), wrong)
    wrong = [f"a base, but {case.truth}"] if broken else []
    wrong += _of_base(desk, base)
    answers = [desk.from_scratch(option) for option in desk.options]
    if any(solved.status == "infeasible" for solved in answers):
        # Who can be served with a route must be, and then a limit cannot hold.
        wrong += _beyond_limits(base, answers)
        return Finding(seed, frozenset({"beyond limits"}), tuple(wrong))
    found = worths(base)
    for number, (worth, solved) in enumerate(zip(found, answers, strict=True)):
        words = f"{desk.options[number].id} {worth.proof}"
        wrong += [f"{words}: {text}" for text in _differences(base, worth, solved)]
        most, delta = base.at_most(number), base.value - solved.objective
        bounded = not base.may_serve_more(number)
        if bounded and most < delta - NO_EFFECT * max(1.0, abs(base.value)):
            wrong.append(f"{words}: at most {most!r}, but worth {delta!r}")
    wrong += _of_order(base, found)
    wrong += _of_best(desk, base, found)
    traits = {trait for n, worth in enumerate(found) for trait in _traits(desk, base, n, worth)}
    traits |= {"left"} if base.solved.least_unserved is not None else set()
    traits |= {"priced"} if case.price else set()
    traits |= {"binding"} if np.any(base.solved.duals.limit > 1e-9) else set()
    traits |= {"hard"} if not case.ways.allowed.all() else set()
    traits |= {"load floor" if x.kind == "load" and x.least else x.kind for x in case.limits}
    return Finding(seed, frozenset(traits), tuple(wrong))


def _beyond_limits(base, answers):
    """Such a route is said to have failed, and no other."""
    for number, solved in enumerate(answers):
        try:
            base.worth(number)
        except SolverFailure as error:
            if solved.status != "infeasible" or "infeasible" not in str(error):
                yield f"{base.union.names[number]}: {error}, but {solved.status}"
        else:
            if solved.status == "infeasible":
                yield f"{base.union.names[number]} has a worth, but no plan"


def _of_base(desk, base):
    """The union without any addition is the network that nothing was entered into."""
    plain = desk.from_scratch()
    if abs(base.value - plain.objective) > EXACT * max(1.0, abs(plain.objective)):
        yield f"base {base.value!r}, but {plain.objective!r} without proposals in the tables"
    if base.bound > plain.objective + EXACT * max(1.0, abs(plain.objective)):
        yield f"base's bound {base.bound!r} above {plain.objective!r}"


def _differences(base, worth, solved):
    """What is said of a worth that the solve from scratch contradicts."""
    far = EXACT * max(1.0, abs(base.value))
    delta = base.value - solved.objective
    if abs(worth.value - solved.objective) > far:
        yield f"worth {base.value - worth.value!r}, but {delta!r} from scratch"
    more = float(base.solved.unserved_t.sum() - solved.unserved_t.sum())
    if delta < -far and more <= EXACT * max(1.0, float(base.union.instance.commodities.demand_t.sum())):
        yield f"dearer by {-delta!r} with more to choose from"
    if not worth.low - far <= delta <= worth.high + far:
        yield f"{delta!r} is not between {worth.low!r} and {worth.high!r}"
    if worth.most < delta - far:
        yield f"bounded by {worth.most!r}, but worth {delta!r}"
    if worth.bound > solved.objective + far:
        yield f"bound {worth.bound!r} above {solved.objective!r}"
    if worth.proof == "screened" and (delta > far or worth.value != base.value):
        yield f"screened, but worth {delta!r}"


def _of_order(base, found):
    """The state is given back: in another order, and twice, all is the same to the last digit."""
    for number in [*range(len(found))[::-1], 0]:
        again, first = base.worth(number), found[number]
        same = (again.value, again.bound, again.low, again.high, again.most, again.proof)
        if same != (first.value, first.bound, first.low, first.high, first.most, first.proof):
            yield f"{first.name} in another order: {again.value!r}, was {first.value!r}"
        if not np.array_equal(again.flow.flow_t, first.flow.flow_t):
            yield f"{first.name} in another order: another plan"


def _of_best(desk, base, found):
    """The best option by the program of all ways, and its plan by the check of the tables."""
    number = int(np.argmax([worth.high for worth in found]))
    worth, option = found[number], desk.options[number]
    exact = desk.by_all_ways(option)
    if exact is not None and abs(worth.value - exact) > BY_ALL_WAYS * max(1.0, abs(exact)):
        yield f"{option.id}: {worth.value!r} with it, but {exact!r} by all ways"
    part, solved = base.solved_with(worth, number)
    question = desk.asked([option])
    network = opened(question.network, [option])
    outcome = checked_year(replace(question, network=network), part.instance, solved)
    if not outcome.verdict.plan_verified or outcome.verdict.bound_proof != "certificate":
        yield f"{option.id}: its plan is not verified: {outcome.verdict.violations}"


def _traits(desk, base, number, worth):
    option = desk.options[number]
    yield worth.proof
    yield option.proposal.mode
    if len(option.proposal.services) > 1:
        yield "pair"
    if any(len(service.stops) > 2 for service in option.proposal.services):
        yield "stops"
    if any(service.ways for service in option.proposal.services):
        yield "passages on the way"
    if worth.high <= 1e-8 * max(1.0, abs(base.value)):
        return
    yield "worth"
    yield f"worth by {option.proposal.mode}"
    if option.proposal.sites:
        yield "worth with a new site"
    if option.proposal.passages:
        yield "worth with a new passage"
    instance, part = base.union.instance, base.union.arc_part
    for k, path in zip(worth.flow.commodity, worth.flow.path, strict=True):
        place = int(instance.commodities.layer[k])
        if np.any(part[place][path] >= 0):
            yield f"worth for {instance.layers[place].name.split('-')[1]}"


def _chunks(first, last):
    return [
        pytest.param(range(i, i + CHUNK), id=f"{i}-{i + CHUNK - 1}", marks=[pytest.mark.fuzz] * (i >= FAST))
        for i in range(first, last, CHUNK)
    ]


def _wrong(findings):
    return {f"seed {f.seed}": f.wrong for f in findings if f.wrong}


@cache
def _found(seed):
    return finding(seed)


def _all_found(seeds):
    return [finding(seed) for seed in seeds]


@pytest.mark.parametrize("seeds", _chunks(0, FIRST))
def test_worth_is_what_a_solve_from_scratch_says(seeds):
    """The first networks."""
    assert _wrong(_found(seed) for seed in seeds) == {}


@pytest.mark.fuzz
def test_random_routes_differ_in_what_they_show():
    """Among the first networks is enough of each sort."""
    seen = Counter(trait for seed in range(FIRST) for trait in _found(seed).traits)
    wanted = {"screened", "warm", "worth", "pair", "stops", "passages on the way", "binding", "priced"}
    wanted |= {"air", "sea", "rail", "road", "left", "hard", "worth for b2b", "worth for stocked"}
    rare = {"post", "worth for direct", "worth with a new site", "worth with a new passage", "co2"}
    rare |= {"mean_customer_days", "promise_share", "load floor", "local_gateway_share", "money"}
    rare |= {f"worth by {mode}" for mode in ("air", "sea", "rail", "road")}
    assert {trait: seen[trait] for trait in wanted if seen[trait] < 15} == {}
    assert {trait: seen[trait] for trait in rare if seen[trait] < 3} == {}
    assert FIRST - seen["no base"] - seen["too delicate"] >= 100


@pytest.fixture(scope="module")
def others():
    """Findings of the other networks, worked out side by side."""
    with ProcessPoolExecutor(WORKERS, get_context("spawn")) as pool:
        yield {
            first: pool.submit(_all_found, range(first, first + CHUNK)) for first in range(FIRST, ALL, CHUNK)
        }
        pool.shutdown(cancel_futures=True)


@pytest.mark.parametrize("seeds", _chunks(FIRST, ALL))
def test_worth_is_what_a_solve_from_scratch_says_on_more_networks(seeds, others):
    """The others."""
    assert _wrong(others[seeds.start].result()) == {}


# --- three_gateways, argued by hand ---------------------------------------------------------------

DEAR = {"run_h": 12.0, "tariff": 900.0, "basis": "chargeable_kg", "payload_t": 9.0}
TRAIN = {"run_h": 288.0, "tariff": 26_000.0, "basis": "feu", "payload_t": 100.0}


def base_of(*proposals, network=None, **changes):
    """Options of proposals, what is asked of the year, and the solved base."""
    options = options_of(proposals)
    question = question_of(network or three_gateways(), options, YEAR, **changes)
    return options, question, WarmBase(compiled_union(question, options))


def legs_of_one_way():
    """Two ships for stocked goods, each half of a way by LGB; no stocked cargo is for the United States."""
    ship = {"run_h": 100.0, "tariff": 100.0, "basis": "teu", "payload_t": 1000.0}
    ship["columns"] = {"segments": "stocked"}
    return [
        made_route(name, "sea", stops, **ship)
        for name, stops in (("FIRST", ("SEA", "LGB")), ("SECOND", ("LGB", "HAM")))
    ]


def test_two_legs_useful_only_together_are_worth_nothing_each():
    """Each alone is screened, and proven idle by other code; the pair is worth something, and not idle.

    S1, 200 t, goes by SEA_DE: 20 + 670 + 20 CNY/t and 24 + 48 + 624 + 24 h from port to port. Both ships take
    2 × (20 + 5 + 20) CNY/t and 2 × (24 + 12 + 100 + 24) h: 620 CNY and 400 h at 1 CNY less for each tonne.
    """
    options, question, base = base_of(*legs_of_one_way(), made_route("DEAR", "air", ("AIR", "FRA"), **DEAR))
    found = worths(base)
    assert [(worth.proof, worth.value, worth.most) for worth in found] == [("screened", base.value, 0.0)] * 3
    joint = FlowModel(base.union.restricted((0, 1)).instance, TO_THE_END).solve()
    assert base.value - joint.objective > 200 * (620 + 400)
    outcome = checked_year(question, base.base.instance, base.solved_base())
    assert not joint_bound_holds(outcome, options)
    assert not joint_bound_holds(outcome, options[:2])
    assert all(joint_bound_holds(outcome, [option]) for option in options)
    assert proven_idle(outcome, options) == {"FIRST", "SECOND", "DEAR"}


def test_what_changes_something_is_not_proven_idle():
    """Not even where it is called idle among others that are."""
    proposals = (
        made_route("DEAR", "air", ("AIR", "FRA"), **DEAR),
        made_route("TRAIN", "rail", ("RAIL", "RDU"), **TRAIN),
    )
    options, question, base = base_of(*proposals)
    assert [worth.proof for worth in worths(base)] == ["screened", "warm"]
    outcome = checked_year(question, base.base.instance, base.solved_base())
    assert proven_idle(outcome, options) == {"DEAR"}


def test_two_lines_from_one_new_terminal_each_have_it():
    """A terminal that is worth something with either line is there for both, and for each level of them."""
    terminal = {row["site_id"]: row for row in three_gateways().rows("sites")}["RAIL"] | {"site_id": "RAIL2"}
    lines = [
        made_route(name, "rail", ("RAIL2", "RDU"), **TRAIN, levels=(3.5, 7.0), sites=(terminal,))
        for name in ("ONE", "OTHER")
    ]
    _, _, base = base_of(*lines)
    found = worths(base)
    assert [worth.value for worth in found[:2]] == [worth.value for worth in found[2:]]
    assert found[0].low > 1000
    assert found[1].low > found[0].high


NO_FLIGHT_HOME = {"services": [{"service_id": "AIR_CN", "status": "closed"}]}
HOME = {"run_h": 12.0, "tariff": 5.0, "basis": "chargeable_kg", "payload_t": 20.0}


def test_a_route_that_serves_new_demand_costs_what_that_takes():
    """Without AIR_CN all 50 t of I1 are left. A flight like it carries them for 5,640 + 18,600 CNY/t.

    To serve comes before what it costs: the plan with the flight is dearer by that, and leaves nothing.
    """
    network = tiny_network(**NO_FLIGHT_HOME)
    _, _, base = base_of(made_route("HOME", "air", ("FRA", "AIR"), **HOME), network=network)
    assert base.solved.least_unserved.allowed_t == pytest.approx(50)
    (worth,) = worths(base)
    assert worth.proof == "full"
    assert worth.high == pytest.approx(-50 * (5_640 + 18_600), abs=0.1)
    assert worth.flow.unserved_t.sum() == pytest.approx(0, abs=1e-6)


def test_a_route_is_weighed_against_the_price_of_what_is_left():
    """At 60,000 CNY for each tonne left, I1 costs 60,000 − 24,240 less when it is carried."""
    network = tiny_network(**NO_FLIGHT_HOME)
    route = made_route("HOME", "air", ("FRA", "AIR"), **HOME)
    _, _, base = base_of(route, network=network, unserved_cny_per_t=60_000.0)
    (worth,) = worths(base)
    assert worth.high == pytest.approx(50 * (60_000 - 24_240), abs=0.1)
    assert base.flow.unserved_t.sum() - worth.flow.unserved_t.sum() == pytest.approx(50)


def test_plan_of_a_route_where_cargo_is_left():
    """Its plan is checked and its bound recomputed like any other."""
    network = tiny_network(**NO_FLIGHT_HOME)
    options, question, base = base_of(made_route("HOME", "air", ("FRA", "AIR"), **HOME), network=network)
    part, solved = base.solved_with(base.worth(0), 0)
    outcome = checked_year(
        replace(question, network=opened(question.network, options)), part.instance, solved
    )
    assert outcome.verdict.plan_verified
    assert outcome.verdict.bound_proof == "certificate"


def test_a_floor_at_all_there_is_has_a_base():
    """A floor may be a rounding above the sum of all tonnes: the flow model has a plan, so has the base."""
    network = tiny_network(keep={"demand": ["B1"]})
    floor = PlanLimit("load.1", "load", 600.0 * (1 + 1e-13), least=True, thing="mode", thing_id="rail")
    route = made_route("TRAIN", "rail", ("RAIL", "RDU"), **TRAIN)
    _, question, base = base_of(route, network=network, limits=(floor,))
    assert base.value == pytest.approx(
        FlowModel(question.compiled()[0], TO_THE_END).solve().objective, rel=EXACT
    )
    assert worths(base)[0].low >= -EXACT * base.value


def test_two_bases_of_one_union_agree_to_the_last_digit():
    """The same input gives the same worths and plans."""
    desk = Desk(26)
    first, second = worths(desk.base()), worths(desk.base())
    assert [w.value for w in first] == [w.value for w in second]
    assert all(np.array_equal(a.flow.flow_t, b.flow.flow_t) for a, b in zip(first, second, strict=True))
    assert any(worth.proof == "warm" for worth in first)


def test_a_trial_that_fails_leaves_the_base_as_it_was(monkeypatch):
    """What was added before a solver failed is taken out again."""
    _, _, base = base_of(made_route("TRAIN", "rail", ("RAIL", "RDU"), **TRAIN), *legs_of_one_way())
    before = base.worth(0)

    def fails(self):
        raise SolverFailure("made to fail")

    with monkeypatch.context() as context:
        context.setattr(TrialMaster, "solve", fails)
        with pytest.raises(SolverFailure):
            base.worth(0)
    assert base.worth(0).value == before.value
    assert base.worth(1).proof == "screened"


def test_a_base_whose_limits_cannot_hold_says_so():
    """It comes with the conflict."""
    limit = PlanLimit("max_co2_t", "co2", 1.0)
    with pytest.raises(BaseUnsolved) as raised:
        base_of(made_route("TRAIN", "rail", ("RAIL", "RDU"), **TRAIN), limits=(limit,))
    assert raised.value.solved.status == "infeasible"
    assert raised.value.solved.conflict.members == (0,)


@pytest.mark.slow
def test_a_gap_of_nothing_is_the_end():
    """Plan and bound meet to rounding in round 26; it must end then, as the base of all worths asks for 0."""
    instance = proposed("T", 2, 1000).restricted((771,)).instance
    solved = FlowModel(instance, StopRule(0.0, most_rounds=80)).solve()
    assert solved.gap <= 1e-13
    assert solved.rounds < 80
