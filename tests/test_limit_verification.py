"""A mutation test per rule of the check that came with limits: what is spoiled is found, by the right code.

And the other way round: bounds with prices on limits, recomputed from the tables, are those of every way.
"""

import json
import math
import shutil
from dataclasses import replace

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from logistics.limits import PlanLimit
from logistics.models.flow.column_generation import FlowModel, StopRule
from logistics.studies.assignment import Assignment, AssignmentSpec
from logistics.studies.year_flow import claim_of
from logistics.verification.books import WEIGHTS, YearBooks
from logistics.verification.bound import Certificate, recomputed_bound
from logistics.verification.certificates import certificates_of
from logistics.verification.check import Assertion, Task, verify_conflict, verify_task
from logistics.verification.graph import MoveGraph
from logistics.verification.limits import PricedLimits, judged_limits
from logistics.virtual_network.build import build_instance
from tests.random_limits import random_case
from tests.test_command_line import command_line
from tests.test_limits import Desk, case_of
from tests.test_limits_brute_force import ONE_LIMIT, YEAR, proven, two_provinces
from tests.test_results_folder import forge, read_document, rewrite
from tests.test_verification import Draft
from tests.tiny import three_gateways, tiny_network

KINDS = {name: limit for name, limit in ONE_LIMIT.items() if name != "all in time"}
"""Limits that bind on :func:`two_provinces` and can be kept."""


def outcome_of(network, limits=(), **serve):
    """The solved and checked year."""
    case = case_of(network, {"kind": "assignment"}, limits, **serve)
    return Assignment().run_piece(case, AssignmentSpec(kind="assignment"), YEAR, lambda *_: None).outcome


def judged(outcome, limits=None, network=None, plan=None, claim=None):
    """The verdict on an outcome's plan, with other limits, tables, plan or claim."""
    question = outcome.question
    rules = question.limits if limits is None else tuple(limits)
    task = Task(question.weights, question.unserved_cny_per_t, rules)
    return verify_task(network or question.network, YEAR, plan or outcome.plan, task, claim or Assertion({}))


def claim(outcome, **changes):
    """What an outcome claims, with changes."""
    return replace(claim_of(outcome.claims, outcome.solved, 1e-6, outcome.duals), **changes)


def found_of(verdict):
    """(code, subject) of the violations."""
    return [(problem.code, problem.subject) for problem in verdict.violations]


@pytest.fixture(scope="module")
def free():
    """The plan of :func:`two_provinces` without limits."""
    return outcome_of(two_provinces())


@pytest.fixture(scope="module")
def kept():
    """Plans that keep one limit each, made once."""
    known = {}

    def of(name):
        if name not in known:
            known[name] = outcome_of(two_provinces(), [KINDS[name]])
        return known[name]

    return of


# --- limits ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", KINDS)
def test_a_broken_limit_is_found_and_named(free, name):
    """The plan without limits breaks each of them, and nothing else."""
    verdict = judged(free, [KINDS[name]])
    assert found_of(verdict) == [("verify.limit", KINDS[name].id)]
    (problem,) = verdict.violations
    assert float(problem.found) > float(problem.allowed)
    assert not verdict.plan_verified


@pytest.mark.parametrize("name", KINDS)
def test_a_kept_limit_is_not_found_but_a_tighter_one_is(kept, name):
    """Nothing against the plan that was made for it; 0.01 % tighter, and it is broken."""
    outcome, limit = kept(name), KINDS[name]
    assert judged(outcome, claim=claim(outcome)).violations == ()
    tighter = limit.value * (1.0001 if limit.least else 0.9999)
    if limit.value == 0:
        # Nothing is on it, so no cap is tighter; a floor is.
        limit, tighter = replace(limit, least=True), 1.0
    assert found_of(judged(outcome, [replace(limit, value=tighter)])) == [("verify.limit", limit.id)]


@pytest.mark.parametrize(("beyond", "found"), [(0.5e-6, False), (5e-6, True)])
@pytest.mark.parametrize("name", ["less money", "less on a train", "more by air", "more in time"])
def test_a_limit_is_kept_to_a_millionth(kept, name, beyond, found):
    """Rounding is forgiven, more is not."""
    outcome, limit = kept(name), KINDS[name]
    (limit_,) = judged_limits(YearBooks(two_provinces(), YEAR), [limit])
    size = max(abs(limit_.bound), limit_.scale)
    per_stated = limit_.total if limit.kind == "promise_share" else 1.0
    step = beyond * size / per_stated * (1 if limit.least else -1)
    verdict = judged(outcome, [replace(limit, value=limit.value + step)])
    assert bool(verdict.violations) == found


@pytest.mark.parametrize(
    "name", ["more in time", "more local", "more value local", "more by air", "more on a ship"]
)
def test_what_is_left_counts_against_a_floor(kept, name):
    """Tonnes taken off their path and left are late, not local, and on nothing."""
    outcome = kept(name)
    facts = {
        "more in time": "D4",
        "more local": "B4",
        "more value local": "B4",
        "more by air": "D4",
        "more on a ship": "B2",
    }
    draft = Draft(outcome.plan)
    limit, row = KINDS[name], next(
        row for row in draft.flows
        if row["demand_id"] == facts[name] and row["tonnes"] > 10 and _counts(draft, row, name)
    )  # fmt: skip
    row["tonnes"] -= 5
    draft.leave(row["demand_id"], row["tier"], 5.0)
    assert found_of(judged(outcome, plan=draft.plan())) == [("verify.limit", limit.id)]


def _counts(draft, row, name):
    """Whether a flow helps to keep a floor."""
    services = {step["service_id"] for step in draft.steps[row["path_id"]]}
    return bool(services & {"SEA_DE"}) if name == "more on a ship" else True


def test_what_is_left_does_not_count_against_a_cap(kept):
    """Less cargo is less on a train; but it is not all that can be served, which is found when claimed."""
    outcome = kept("less on a train")
    draft = Draft(outcome.plan)
    row = draft.flow("B1", "RAIL_DE")
    row["tonnes"] -= 5
    draft.leave("B1", "usual", 5.0)
    assert judged(outcome, plan=draft.plan()).violations == ()
    with_claim = judged(outcome, plan=draft.plan(), claim=claim(outcome, figures={}))
    assert ("verify.bound", "allowed_t") in found_of(with_claim)


def test_each_limit_is_judged_on_its_own(free):
    """Two that are broken and one that is kept: two findings."""
    limits = [KINDS["less CO2"], replace(KINDS["less money"], value=1e12), KINDS["less by air"]]
    assert found_of(judged(free, limits)) == [("verify.limit", "co2"), ("verify.limit", "load")]


# --- hard promises --------------------------------------------------------------------------------


def promising(days, hard=True):
    """``three_gateways`` with a promise."""
    return tiny_network(product_segments={"promise_d": days, "promise_is_hard": hard})


def test_a_broken_hard_promise_is_found_and_named():
    """Every flow that is later is named with its days, none in time; a soft promise forbids nothing."""
    outcome = outcome_of(three_gateways())
    verdict = judged(outcome, network=promising(15.3))
    # README: 755 h, 750 h and 388 h are more than 367.2 h; rail takes 362 h.
    assert sorted(found_of(verdict)) == [
        ("verify.promise", "B2 usual"), ("verify.promise", "B3 usual"), ("verify.promise", "B4 usual")
    ]  # fmt: skip
    (late,) = [p for p in verdict.violations if p.subject == "B3 usual"]
    assert (late.found, late.allowed) == ("31.46 d", "15.3 d")
    assert judged(outcome, network=promising(15.3, hard=False)).violations == ()
    assert judged(outcome, network=promising(755 / 24)).violations == ()
    found = found_of(judged(outcome, network=promising((755 - 1e-3) / 24)))
    assert found == [("verify.promise", "B3 usual")]


@pytest.mark.parametrize("days", [8.0, 15.3, 17.0, 30.0])
def test_plans_under_hard_promises_are_proven(days):
    """The check's own search in time closes the certificate."""
    outcome = outcome_of(promising(days))
    verdict = judged(outcome, claim=claim(outcome))
    assert (verdict.violations, verdict.bound_proof) == ((), "certificate")
    # Without the promise the same prices bound less: later ways are cheaper.
    soft = judged(outcome, network=promising(days, hard=False), claim=claim(outcome, bound=-1e12))
    assert soft.bound < verdict.bound * (1 - 1e-9)


# --- certificates with prices of limits -----------------------------------------------------------


@pytest.mark.parametrize("name", KINDS)
def test_the_bound_under_each_limit_is_proven(kept, name):
    """With the price of the limit the bound meets the plan; without it, or with half of it, it does not."""
    outcome, limit = kept(name), KINDS[name]
    said = claim(outcome)
    verdict = judged(outcome, claim=said)
    assert verdict.bound_proof == "certificate"
    assert verdict.bound == pytest.approx(outcome.solved.objective, rel=2e-6)
    key = ("limit", limit.id, limit.row_unit)
    assert said.certificate.prices[key] > 0
    for part in (0.0, 0.5):
        prices = {**said.certificate.prices, key: part * said.certificate.prices[key]}
        weaker = replace(said, certificate=replace(said.certificate, prices=prices))
        spoiled = judged(outcome, claim=weaker)
        assert found_of(spoiled) == [("verify.bound", "bound")]
        assert spoiled.bound_proof == "none"
        assert spoiled.bound < verdict.bound


UNFIT = {
    "a negative price": (("limit", "co2", "kg"), -1e-9),
    "a price that is no number": (("limit", "co2", "kg"), math.nan),
    "a price without end": (("limit", "co2", "kg"), math.inf),
    "an unknown limit": (("limit", "max_co2_t", "kg"), 1.0),
    "an unknown limit for nothing": (("limit", "max_co2_t", "kg"), 0.0),
    "another unit": (("limit", "co2", "t"), 1.0),
    "a limit as a capacity": (("service", "co2", "kg"), 1.0),
}


@pytest.mark.parametrize("name", UNFIT)
def test_prices_that_cannot_be_part_of_a_proof_are_refused(kept, name):
    """Negative, undefined, or for what is no limit: no certificate, and the price is named."""
    key, price = UNFIT[name]
    outcome = kept("less CO2")
    said = claim(outcome)
    prices = {**said.certificate.prices, key: price}
    verdict = judged(outcome, claim=replace(said, certificate=replace(said.certificate, prices=prices)))
    assert found_of(verdict) == [("verify.bound", " ".join(key))]
    assert (verdict.bound, verdict.bound_proof) == (None, "none")


def test_a_certificate_of_least_unserved_may_not_price_limits(kept):
    """What must be left is known without limits; prices of theirs there are no proof."""
    outcome = outcome_of(
        tiny_network(services=[{"service_id": "AIR_CN", "status": "closed"}]), [KINDS["less CO2"]]
    )
    said = claim(outcome)
    least = replace(said.least_unserved, prices={**said.least_unserved.prices, ("limit", "co2", "kg"): 1.0})
    assert judged(outcome, claim=said).violations == ()
    verdict = judged(outcome, claim=replace(said, least_unserved=least))
    assert found_of(verdict) == [("verify.bound", "limit co2 kg")]


def of_duals(instance, duals):
    """A certificate from the arrays of duals."""
    prices = {
        (r.kind, r.id, r.unit): float(p) for r, p in zip(instance.resources, duals.resource, strict=True)
    }
    prices |= {("limit", r.id, r.unit): float(p) for r, p in zip(instance.limits, duals.limit, strict=True)}
    return Certificate(prices, duals.unserved, duals.path_scale, duals.allowed_t)


def _bounds_agree(seed):
    """Bounds at the final prices and beside them, against every way looked at; whether limits paid."""
    case = random_case(seed)
    if case.extreme == "far apart" or not len(case.ways.cost):
        return False
    instance = build_instance(case.network, YEAR, case.objective, case.price, case.limits)
    answer = FlowModel(instance, StopRule(gap=1e-8, time_limit_s=30.0)).solve()
    duals = answer.conflict.duals if answer.conflict is not None else answer.duals
    books = YearBooks(case.network, YEAR)
    limits, weights = judged_limits(books, case.limits), WEIGHTS[case.objective]
    r = np.random.default_rng(seed)
    tried = [duals]
    for _ in range(2):
        some = replace(
            duals,
            resource=duals.resource * r.uniform(0, 2, len(duals.resource)),
            limit=duals.limit * r.uniform(0, 2, len(duals.limit)),
        )
        # Prices of capacities and limits that had none, of the size of what is at stake.
        stake = max(1.0, float(np.median(case.ways.cost))) if duals.path_scale else 1.0
        scale = np.array([row.scale for row in instance.limits]) / max(
            1.0, case.ways.instance.commodities.demand_t.sum()
        )
        some = replace(
            some,
            resource=some.resource + (r.random(len(some.resource)) < 0.1) * 0.02 * stake,
            limit=some.limit + (r.random(len(some.limit)) < 0.5) * 0.05 * stake / np.maximum(scale, 1e-12),
        )
        tried.append(some)
    for prices in tried:
        own = recomputed_bound(books, of_duals(instance, prices), weights, limits)
        expected = proven(case.plan, case.rows, prices)
        size = max(
            1.0,
            abs(expected),
            float(sum(p * abs(row.bound) for p, row in zip(prices.limit, case.rows, strict=True))),
        )
        assert own == pytest.approx(expected, abs=1e-9 * size), seed
        if duals.path_scale == 1 and np.isfinite(case.truth.value) and not case.on_edge:
            # Whatever the prices: no plan that keeps the limits is below.
            assert own <= case.truth.value + 2e-6 * max(1.0, abs(case.truth.value)), seed
    return bool(np.any(tried[1].limit > 0)) or bool(np.any(duals.limit > 0))


@pytest.mark.parametrize("seeds", [range(i, i + 10) for i in range(0, 30, 10)], ids=str)
def test_bounds_with_limits_are_those_of_every_way(seeds):
    """Caps, floors, shares, hard and soft promises: recomputed, they are what enumeration proves."""
    assert sum(_bounds_agree(seed) for seed in seeds) >= 3


@pytest.mark.slow
@pytest.mark.parametrize("seeds", [range(i, i + 20) for i in range(30, 450, 20)], ids=str)
def test_bounds_with_limits_are_those_of_every_way_on_more_networks(seeds):
    assert sum(_bounds_agree(seed) for seed in seeds) >= 6


def test_what_is_counted_belongs_to_its_graph():
    """A bound searches one graph after the other at one set of prices: each pays what its own moves count."""
    books = YearBooks(two_provinces(), YEAR)
    limits = judged_limits(books, [KINDS["less CO2"], KINDS["less through a site"]])
    prices = {each.limit.id: 1.0 for each in limits}
    shared = PricedLimits(books, limits, prices)
    for (direction, _), book in books.rulebooks.items():
        graph = MoveGraph(books, book, WEIGHTS["money"], shared)
        alone = MoveGraph(books, book, WEIGHTS["money"], PricedLimits(books, limits, prices))
        assert (
            graph.charges((1.0, 1.0), 0, direction).tolist()
            == alone.charges((1.0, 1.0), 0, direction).tolist()
        )


# --- conflicts ------------------------------------------------------------------------------------

CLASH = (
    PlanLimit("load.1", "load", 900.0, least=True, thing="service", thing_id="RAIL_DE"),
    PlanLimit("load.2", "load", 500.0, thing="service", thing_id="RAIL_DE"),
    PlanLimit("co2", "co2", 9000.0),
)


@pytest.fixture(scope="module")
def clash():
    """A year whose limits cannot hold together, by 4/9 of the floor."""
    outcome = outcome_of(three_gateways(), CLASH)
    assert outcome.status == "infeasible"
    return outcome


def judged_conflict(clash, certificate=None, said=None, plan=None, limits=None):
    """The verdict on the conflict, with another certificate, claim, plan or limits."""
    question = clash.question
    task = Task(question.weights, question.unserved_cny_per_t, question.limits if limits is None else limits)
    own = certificates_of(clash.duals)["conflict"]
    least = clash.solved.conflict.bound if said is None else said
    assertion = Assertion({}, conflict=certificate or own, least_relaxation=least)
    return verify_conflict(question.network, YEAR, plan or clash.plan, task, assertion)


def conflict_price(clash, factor, key=("limit", "load.1", "t")):
    """The conflict's certificate with a price changed."""
    own = certificates_of(clash.duals)["conflict"]
    return replace(own, prices={**own.prices, key: factor * own.prices[key]})


def test_an_untouched_conflict_is_proven(clash):
    """The bound is 4/9, no less than what is claimed."""
    verdict = judged_conflict(clash)
    assert (verdict.violations, verdict.bound_proof) == ((), "certificate")
    assert clash.solved.conflict.bound == pytest.approx(4 / 9, rel=1e-6)
    assert judged_conflict(clash, said=4 / 9 * (1 - 1e-6)).violations == ()


@pytest.mark.parametrize("said", [4 / 9 * (1 + 1e-6), 0.45, 1.0, 1e6, 0.0, -1.0, math.nan])
def test_a_relaxation_claimed_too_high_or_none_at_all_is_found(clash, said):
    """More than the prices prove, and what would be no conflict."""
    verdict = judged_conflict(clash, said=said)
    assert found_of(verdict) == [("verify.conflict", "")]
    assert verdict.bound_proof == "none"


def test_tampered_conflict_prices_are_found(clash):
    """Higher ones would make breaking pay more than it costs, lower ones prove less."""
    own = certificates_of(clash.duals)["conflict"]
    both = [("limit", "load.1", "t"), ("limit", "load.2", "t")]
    for factor in (1.001, 2.0, 1e6, 0.999, 0.5, 0.0):
        prices = {key: price * (factor if key in both else 1.0) for key, price in own.prices.items()}
        verdict = judged_conflict(clash, replace(own, prices=prices))
        assert found_of(verdict) == [("verify.conflict", "")], factor
    for key in both:
        assert found_of(judged_conflict(clash, conflict_price(clash, 0.9, key))) == [("verify.conflict", "")]


TAMPERED = {
    "path_scale 1": {"path_scale": 1.0},
    "path_scale next to 0": {"path_scale": 1e-9},
    "path_scale undefined": {"path_scale": math.nan},
    "fewer allowed to be left than are": {"allowed_t": -1.0},
    "allowed undefined": {"allowed_t": math.nan},
    "unserved below 0": {"unserved": -1.0},
    "unserved undefined": {"unserved": math.nan},
}


@pytest.mark.parametrize("name", TAMPERED)
def test_tampered_settings_of_a_conflict_are_found(clash, name):
    """They say which plans the bound is for."""
    own = certificates_of(clash.duals)["conflict"]
    verdict = judged_conflict(clash, replace(own, **TAMPERED[name]))
    assert found_of(verdict) == [("verify.conflict", "")]


@pytest.mark.parametrize("name", UNFIT)
def test_unfit_prices_of_a_conflict_are_found(clash, name):
    """As in any certificate."""
    key, price = UNFIT[name]
    own = certificates_of(clash.duals)["conflict"]
    key = (
        key
        if "unknown" in name or name in ("another unit", "a limit as a capacity")
        else ("limit", "co2", "kg")
    )
    verdict = judged_conflict(clash, replace(own, prices={**own.prices, key: price}))
    assert found_of(verdict) == [("verify.conflict", "")]


def test_a_conflict_of_limits_that_can_hold_is_found(clash):
    """With the cap at 900 the same prices prove nothing."""
    loose = (CLASH[0], replace(CLASH[1], value=900.0), CLASH[2])
    assert found_of(judged_conflict(clash, limits=loose)) == [("verify.conflict", "")]


def test_no_certificate_no_conflict(clash):
    """The word alone does not do."""
    question = clash.question
    task = Task(question.weights, None, question.limits)
    assertion = Assertion({}, least_relaxation=4 / 9)
    verdict = verify_conflict(question.network, YEAR, clash.plan, task, assertion)
    assert found_of(verdict) == [("verify.conflict", "")]


def test_a_conflict_needs_evidence_that_so_little_can_be_left(clash):
    """A plan that leaves more than the certificate allows, or that does not balance, is none."""
    draft = Draft(clash.plan)
    row = next(row for row in draft.flows if row["demand_id"] == "B4")
    row["tonnes"] -= 100
    assert ("verify.balance", "B4 usual") in found_of(judged_conflict(clash, plan=draft.plan()))
    draft.leave("B4", "usual", 100.0)
    assert found_of(judged_conflict(clash, plan=draft.plan())) == [("verify.conflict", "")]


def test_leaving_all_is_no_evidence_for_a_conflict():
    """Where leaving cargo would meet a cap, a certificate for plans that leave none needs one that does."""
    outcome = outcome_of(three_gateways(), [PlanLimit("co2", "co2", 100.0)])
    draft = Draft(outcome.plan)
    for row in draft.flows:
        draft.leave(row["demand_id"], row["tier"], row["tonnes"])
        row["tonnes"] = 0.0
    assert judged_conflict(outcome).violations == ()
    assert found_of(judged_conflict(outcome, plan=draft.plan())) == [("verify.conflict", "")]


# --- results folders with several plans -----------------------------------------------------------


@pytest.fixture(scope="module")
def desk(tmp_path_factory):
    """A project of this module."""
    return Desk(tmp_path_factory.mktemp("verified"))


EVENTS = (
    "study: {kind: disruption, events: [{each: passage}, {id: slow, changes: [{set: "
    "{table: passages, where: \"passage_id == 'suez'\", column: transit_h, add: 240}}]}]}"
)


LIMITS = "limits: {load: {service: RAIL_DE, max_t: 900}, max_co2_t: 100000}"
CONFLICT = "limits: {load: [{service: RAIL_DE, min_t: 900}, {service: RAIL_DE, max_t: 500}], max_co2_t: 1e+5}"
FOLDERS = {
    "frontier": "study: {kind: frontier, points: 4}",
    "events": EVENTS,
    "events for money": f"objective: money\n{EVENTS}",
    "events under limits": f"{LIMITS}\n{EVENTS}",
    "limits": LIMITS,
    "conflict": CONFLICT,
    "event in conflict": "limits: {max_money_cny: 87.0e+6}\n"
    "study: {kind: disruption, events: [{id: x, changes: [{close: {site: SEA}}]}]}",
}


@pytest.fixture(scope="module")
def folder_of(desk):
    """Results of a frontier, of events, under limits, and of a conflict; tests copy what they change."""
    known = {}

    def of(name):
        if name not in known:
            run = desk.infeasible if name == "conflict" else desk.solved
            known[name] = run(FOLDERS[name]).folder
        return known[name]

    return of


@pytest.fixture
def copy(folder_of, tmp_path):
    """A copy of one of the folders, by name."""
    return lambda name: shutil.copytree(folder_of(name), tmp_path / name.replace(" ", "_"))


def checked(folder):
    """Exit code of `logistics verify`, and (code, message) of the violations."""
    answer = command_line("verify", folder, "--json")
    assert answer.code in (0, 6), answer.err
    said = json.loads(answer.out)
    return answer.code, [(item["code"], item["message"]) for item in said["violations"]]


def codes(folder):
    """Codes of the violations; there is one at least."""
    code, violations = checked(folder)
    assert (code, bool(violations)) == (6, True), violations
    return {name for name, _ in violations}


@pytest.mark.parametrize("name", FOLDERS)
def test_untouched_folders_are_verified(copy, name):
    """Also with all digests made anew."""
    folder = copy(name)
    assert checked(folder) == (0, [])
    forge(folder)
    assert checked(folder) == (0, [])


PLAN = {"frontier": "2021-F02", "events": "2021-passage-suez", "events under limits": "2021-passage-suez"}


@pytest.mark.parametrize("file", ["flows", "steps", "unserved", "duals"])
def test_altered_and_missing_files_of_a_plan_are_named(copy, file):
    """By their digests."""
    name = f"plans/2021-F02/{file}.parquet"
    folder = copy("frontier")
    table = pq.read_table(folder / name)
    pq.write_table(table.replace_schema_metadata({"who": "me"}), folder / name)
    assert any(code == "verify.file_changed" and name in said for code, said in checked(folder)[1])
    (folder / name).unlink()
    assert any(code == "verify.missing_file" and name in said for code, said in checked(folder)[1])


def altered_rows(folder, plan, file, change):
    """Rewrite the rows of a table of a plan, and make all digests anew."""
    path = folder / "plans" / plan / f"{file}.parquet"
    table = pq.read_table(path)
    rows = table.to_pylist()
    change(rows)
    pq.write_table(pa.Table.from_pylist(rows, table.schema), path)
    forge(folder)


def more(rows):
    rows[0]["tonnes"] += 1.0


def other_way(rows):
    next(row for row in rows if row["action"] == "ride" and row["via_id"])["via_id"] = "arctic"


def left(rows):
    rows.append({"year": YEAR, "demand_id": "B1", "tier": "usual", "tonnes": 1.0})


def higher(rows):
    """The highest price of a capacity, ten times as high: the bound falls."""
    max((row for row in rows if row["kind"] != "setting"), key=lambda row: row["price"])["price"] *= 10


def negative(rows):
    next(row for row in rows if row["kind"] != "setting")["price"] *= -1


def scaled(rows):
    next(row for row in rows if row["id"] == "path_scale")["price"] = 2.0


def priced(folder, plan):
    """Whether a plan's certificate prices a capacity."""
    rows = pq.read_table(folder / "plans" / plan / "duals.parquet").to_pylist()
    return any(row["kind"] not in ("setting", "limit") and row["certificate"] == "objective" for row in rows)


ALTERED = {
    "a flow": ("flows", more, "verify.balance"),
    "a flow taken out": ("flows", lambda rows: rows.pop(0), "verify.balance"),
    "a step": ("steps", other_way, "verify.step"),
    "a step taken out": ("steps", lambda rows: rows.pop(1), "verify.step"),
    "something left": ("unserved", left, "verify.balance"),
    "a higher price": ("duals", higher, "verify.bound"),
    "a negative price": ("duals", negative, "verify.bound"),
    "another scale": ("duals", scaled, "verify.bound"),
    "no prices": ("duals", lambda rows: rows.clear(), "verify.bill"),
}


@pytest.mark.parametrize("what", ALTERED)
@pytest.mark.parametrize("name", ["frontier", "events under limits"])
def test_an_altered_plan_is_found_behind_its_digests(copy, name, what):
    """One of several plans is checked as closely as the one of a plain run."""
    file, change, code = ALTERED[what]
    folder = copy(name)
    plan = PLAN[name]
    if name == "frontier" and file == "duals":
        # The train is full at one point at least, which has a price then.
        plan = next(p for p in read_document(folder)["plans"] if priced(folder, p))
    altered_rows(folder, plan, file, change)
    assert code in codes(folder)


def test_what_is_found_says_in_which_plan(copy):
    """Among many plans a finding without the plan's name would be of little use."""
    folder = copy("frontier")
    altered_rows(folder, "2021-F02", "flows", more)
    violations = checked(folder)[1]
    (balance,) = [said for code, said in violations if code == "verify.balance"]
    assert "F02" in balance


def said_of(folder, plan, change):
    """Alter what ``result.json`` says of a plan, and make all digests anew."""
    document = read_document(folder)
    change(document["plans"][plan])
    forge(folder, document)


def put(key, value):
    """Set a figure to another value, or to a function of it."""

    def change(plan):
        plan[key] = value(plan[key]) if callable(value) else value

    return change


def put_in(group, key, value):
    """Set a figure of a group."""

    def change(plan):
        plan[group][key] = value(plan[group].get(key)) if callable(value) else value

    return change


SAID = {
    "objective": (put("objective", lambda v: v * 1.001), "verify.bill"),
    "bound": (put("bound", lambda v: v * 1.001), "verify.bound"),
    "a lower bound": (put("bound", lambda v: v * 0.99), "verify.bill"),
    "gap": (put("gap", 0.5), "verify.bill"),
    "status": (put("status", "limit"), "verify.bill"),
    "infeasible": (put("status", "no_plan"), "verify.bill"),
    "money": (put_in("totals", "money_cny", lambda v: v * 1.001), "verify.bill"),
    "hours": (put_in("totals", "customer_hours_mean", lambda v: v + 1), "verify.bill"),
    "unserved": (put_in("totals", "unserved_t", 5.0), "verify.bill"),
    "a claim": (put_in("claims", "co2_t", lambda v: v * 1.001), "verify.bill"),
    "the bill": (put_in("bill_cny", "tariff", lambda v: v * 1.001), "verify.bill"),
    "weights": (put("weights", lambda v: {**v, "money": 1.001}), "verify.bill"),
    "a weight more": (put("weights", lambda v: {**v, "co2_kg": 0.01}), "verify.bill"),
    "a weight less": (put("weights", lambda v: {"money": 1.0}), "verify.bill"),
    "a price of what is left": (put("unserved_cny_per_t", 1.0), "verify.bound"),
    "a relaxation": (put("least_relaxation", 0.5), "verify.conflict"),
}


OF_FRONTIERS = ("objective", "bound", "status", "weights", "a weight less")


@pytest.mark.parametrize(
    ("name", "what"),
    [*(("events", what) for what in SAID), *(("frontier", what) for what in OF_FRONTIERS)],
)
def test_what_is_said_of_a_plan_is_checked(copy, name, what):
    """Each figure, the weights of its objective, and the word for how it ended."""
    change, code = SAID[what]
    folder = copy(name)
    said_of(folder, PLAN[name], change)
    assert code in codes(folder)


def row_of_change(folder, plan):
    """Entries of a disruption plan."""
    return read_document(folder)["plans"][plan]["changes"]


def test_changes_of_an_event_are_in_its_record(folder_of):
    """One cell each: which table, row, column and value."""
    assert row_of_change(folder_of("events"), "2021-passage-suez") == [
        {"table": "passages", "row": "suez", "column": "status", "value": "closed"}
    ]
    assert row_of_change(folder_of("events"), "2021-slow") == [
        {"table": "passages", "row": "suez", "column": "transit_h", "value": 264.0}
    ]


CHANGED = {
    "open again": ("2021-passage-suez", lambda rows: rows[0].update(value="open"), {"verify.bound"}),
    "taken out": ("2021-passage-suez", list.clear, {"verify.bound"}),
    "another passage": (
        "2021-passage-suez",
        lambda rows: rows[0].update(row="alashankou"),
        {"verify.closed"},
    ),
    "one more": (
        "2021-passage-suez",
        lambda rows: rows.append(
            {"table": "services", "row": "SEA_DE", "column": "status", "value": "closed"}
        ),
        {"verify.closed"},
    ),
    "a longer delay": ("2021-slow", lambda rows: rows[0].update(value=265.0), {"verify.bill"}),
    "a shorter delay": ("2021-slow", lambda rows: rows[0].update(value=263.0), {"verify.bill"}),
    "more demand": (
        "2021-slow",
        lambda rows: rows.append(
            {"table": "demand", "row": "B1", "column": "tonnes_per_year", "value": 700.0}
        ),
        {"verify.balance"},
    ),
    "less room": (
        "2021-slow",
        lambda rows: rows.append(
            {"table": "services", "row": "RAIL_DE", "column": "background_t_per_year", "value": 14_000.0}
        ),
        {"verify.capacity"},
    ),
}


@pytest.mark.parametrize("what", CHANGED)
def test_an_altered_change_is_found(copy, what):
    """The plan does not fit the network that the entry describes, or the bound does not."""
    plan, change, expected = CHANGED[what]
    folder = copy("events")
    said_of(folder, plan, lambda said: change(said["changes"]))
    assert expected <= codes(folder)


UNREADABLE = {
    "an unknown table": {"table": "pasages", "row": "suez", "column": "status", "value": "closed"},
    "an unknown row": {"table": "passages", "row": "suex", "column": "status", "value": "closed"},
    "an unknown column": {"table": "passages", "row": "suez", "column": "stat", "value": "closed"},
    "text for a number": {"table": "passages", "row": "suez", "column": "transit_h", "value": "long"},
    "a number for text": {"table": "passages", "row": "suez", "column": "status", "value": 3.0},
    "half an entry": {"table": "passages", "row": "suez"},
}


@pytest.mark.parametrize("what", list(UNREADABLE))
def test_a_change_that_makes_no_sense_is_a_finding(copy, what):
    """No internal error."""
    folder = copy("events")
    said_of(folder, "2021-slow", put("changes", [UNREADABLE[what]]))
    answer = command_line("verify", folder)
    assert answer.code in (2, 6), answer.err
    assert "internal error" not in answer.err


def test_rules_of_a_plan_are_judged(copy):
    """A cap tightened below what the plan does is broken by it; an unknown sort of limit cannot be read."""
    folder = copy("events under limits")
    said_of(folder, PLAN["events"], lambda said: said["rules"][0].update(value=800.0))
    assert "verify.limit" in codes(folder)
    said_of(folder, PLAN["events"], lambda said: said["rules"][0].update(limit="none"))
    assert codes(folder) == {"results.unreadable"}


def test_a_rule_with_a_price_cannot_be_dropped(copy):
    """The certificate of an event's plan needs the limit it was made under."""
    folder = copy("events under limits")
    said_of(folder, PLAN["events"], lambda said: said["rules"].pop(0))
    assert "verify.bound" in codes(folder)


def test_a_rule_without_a_price_cannot_be_dropped(copy):
    """Every plan of a study is judged by the scenario's limits, whatever its record says."""
    folder = copy("events under limits")
    said_of(folder, PLAN["events"], lambda said: said["rules"].pop(1))
    assert codes(folder)


@pytest.mark.parametrize("name", ["events", "frontier"])
def test_a_plan_of_another_task_is_found(copy, folder_of, name):
    """A plan made for money alone, with its certificate, is not that of an event under generalised cost."""
    folder, plan = copy("events"), "2021-passage-suez"
    other, its = folder_of("events for money"), plan
    if name == "frontier":
        other, its = folder_of("frontier"), "2021-F03"
    shutil.rmtree(folder / "plans" / plan)
    shutil.copytree(other / "plans" / its, folder / "plans" / plan)
    document = read_document(folder)
    document["plans"][plan] = read_document(other)["plans"][its]
    forge(folder, document)
    assert codes(folder)


def test_a_plan_that_is_taken_out_is_missed(copy):
    """The table of points names a plan that the folder must hold."""
    folder = copy("frontier")
    shutil.rmtree(folder / "plans" / "2021-F02")
    document = read_document(folder)
    del document["plans"]["2021-F02"]
    document["files"] = {n: d for n, d in document["files"].items() if not n.startswith("plans/2021-F02")}
    forge(folder, document)
    assert codes(folder)


@pytest.mark.parametrize("column", ["money_cny", "customer_t_h"])
def test_a_figure_of_the_table_of_points_is_checked(copy, column):
    """What people look at first must follow from the plans."""
    folder = copy("frontier")
    rewrite(folder / "frontier.parquet", column, lambda value: value * 1.01)
    forge(folder)
    assert codes(folder)


def test_an_altered_limit_of_the_scenario_is_found(copy):
    """The stored scenario says what holds: its cap tightened, the plan breaks it."""
    folder = copy("limits")
    (store,) = (folder / "inputs").iterdir()
    scenario = json.loads((store / "scenario.json").read_text("utf-8"))
    scenario["limits"]["rules"][0]["value"] = 800.0
    (store / "scenario.json").write_text(json.dumps(scenario), encoding="utf-8")
    assert "verify.inputs_changed" in codes(folder)
    forge(folder)
    assert "verify.limit" in codes(folder)


def test_an_altered_price_of_a_limit_is_found(copy):
    """In the prices of the plain plan too."""
    for factor, expected in ((2.0, "verify.bound"), (-1.0, "verify.bound")):
        folder = copy("limits")
        path = folder / "duals.parquet"
        table = pq.read_table(path)
        rows = table.to_pylist()
        (row,) = [row for row in rows if row["kind"] == "limit" and row["certificate"] == "objective"]
        row["price"] *= factor
        pq.write_table(pa.Table.from_pylist(rows, table.schema), path)
        forge(folder)
        assert expected in codes(folder)
        shutil.rmtree(folder)


def year_of(document):
    """What is said of the year."""
    return document["by_year"]["2021"]


IN_CONFLICT = {
    "a relaxation too high": lambda d: year_of(d).update(least_relaxation=0.45),
    "no relaxation": lambda d: year_of(d).update(least_relaxation=0.0),
    "solved after all": lambda d: (d.update(status="optimal"), year_of(d).update(status="optimal")),
    "an objective": lambda d: (d.update(objective=1.0), year_of(d).update(objective=1.0)),
    "a bound": lambda d: (d.update(bound=1.0), year_of(d).update(bound=1.0)),
    "no conflict": lambda d: year_of(d).pop("least_relaxation"),
}


@pytest.mark.parametrize("what", list(IN_CONFLICT))
def test_what_is_said_of_a_conflict_is_checked(copy, what):
    """How much must give, how it ended, and that there is no value."""
    folder = copy("conflict")
    document = read_document(folder)
    IN_CONFLICT[what](document)
    forge(folder, document)
    assert codes(folder)


@pytest.mark.parametrize(
    "change",
    [
        lambda row: row["price"] * (2.0 if row["kind"] == "limit" else 1.0),
        lambda row: row["price"] * (0.5 if row["kind"] == "limit" else 1.0),
        lambda row: 1.0 if row["id"] == "path_scale" else row["price"],
        lambda row: -row["price"] if row["kind"] == "limit" else row["price"],
    ],
    ids=["higher", "lower", "path_scale", "negative"],
)
@pytest.mark.parametrize("name", ["conflict", "event in conflict"])
def test_altered_prices_of_a_conflict_are_found(copy, name, change):
    """Of the year, and of an event under which limits cannot hold."""
    folder = copy(name)
    path = folder / "duals.parquet" if name == "conflict" else folder / "plans" / "2021-x" / "duals.parquet"
    table = pq.read_table(path)
    rows = table.to_pylist()
    mine = [row for row in rows if row["certificate"] == "conflict"]
    assert mine
    for row in mine:
        row["price"] = change(row)
    pq.write_table(pa.Table.from_pylist(rows, table.schema), path)
    forge(folder)
    assert "verify.conflict" in codes(folder)


SPOILED_MEMBERS = {
    "no price": lambda row: 0.0 if row["kind"] == "limit" else row["price"],
    "dearer than its scale": lambda row: row["price"] * (1e4 if row["kind"] == "limit" else 1.0),
    "negative": lambda row: -row["price"] if row["kind"] == "limit" else row["price"],
    "of another program": lambda row: 1.0 if row["id"] == "path_scale" else row["price"],
}


@pytest.mark.parametrize("spoiled", list(SPOILED_MEMBERS))
def test_altered_prices_of_the_members_are_found(copy, spoiled):
    """The proof of the conflict still holds; who is in it is no longer proven."""
    folder = copy("conflict")
    path = folder / "duals.parquet"
    table = pq.read_table(path)
    rows = table.to_pylist()
    mine = [row for row in rows if row["certificate"] == "members"]
    assert mine
    for row in mine:
        row["price"] = SPOILED_MEMBERS[spoiled](row)
    pq.write_table(pa.Table.from_pylist(rows, table.schema), path)
    forge(folder)
    assert codes(folder) == {"verify.bill"}


@pytest.mark.parametrize(
    "said",
    [[False, False, True], [True, True, True], [True, False, False], [False, False, False]],
    ids=["others", "one more", "one less", "none"],
)
def test_members_of_a_conflict_are_checked(copy, said):
    """“These cannot hold together (proven)” is said of some limits: no others may be put in their place."""
    folder = copy("conflict")
    path = folder / "limits.parquet"
    table = pq.read_table(path)
    assert table["in_conflict"].to_pylist() == [True, True, False]
    place = table.schema.get_field_index("in_conflict")
    pq.write_table(table.set_column(place, "in_conflict", pa.array(said)), path)
    forge(folder)
    assert codes(folder) == {"verify.bill"}
