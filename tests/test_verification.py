"""A mutation test per rule of the check: a good plan, spoiled in one way, is found out by the right code."""

import ast
import math
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

import logistics.verification
from logistics.errors import Where
from logistics.network.windows import parse_windows, window_delay
from logistics.plan import FLOWS, STEPS, UNSERVED, Plan
from logistics.scenario.case import Case
from logistics.scenario.read import Scenario, ServeRule, SolverSettings
from logistics.scenario.schema import Names
from logistics.studies.assignment import Assignment, AssignmentSpec
from logistics.studies.year_flow import claim_of
from logistics.verification.books import YearBooks
from logistics.verification.check import Assertion, verify_year
from logistics.verification.ledger import Ledger, clearance_hours
from logistics.virtual_network.tariffs import (
    ORDER,
    TariffUnits,
    border_tax_cny_per_t,
    effective_tariff,
    exchange_rates,
)
from tests.tiny import THREE_GATEWAYS, random_network, three_gateways, tiny_network

SEGMENTS = ("direct", "stocked", "b2b")
MODE_OF_BASIS = {
    "chargeable_kg": "air",
    "teu": "sea",
    "feu": "rail",
    "truck": "road",
    "item_plus_kg": "post",
    "tkm": "road",
}


def solved(network, unserved_cny_per_t=None):
    """Plan of the assignment study on a network of 2021, and what it claims."""
    scenario = Scenario(
        id="tiny",
        name=Names(zh="小", en="tiny"),
        note="",
        network_folder=THREE_GATEWAYS,
        years=(2021,),
        objective="generalised",
        serve=ServeRule(unserved_cny_per_t=unserved_cny_per_t),
        study={"kind": "assignment"},
        solver=SolverSettings(),
        changes=(),
    )
    case = Case(scenario, {2021: network}, {2021: ()}, ())
    outcome = Assignment().run_piece(case, AssignmentSpec(kind="assignment"), 2021, lambda *_: None).outcome
    return outcome.plan, claim_of(outcome.claims, outcome.solved, 1e-6, outcome.duals)


@pytest.fixture(scope="module")
def good():
    """The plan of ``three_gateways`` and what is claimed of it."""
    return solved(three_gateways())


# Plans that can be spoiled --------------------------------------------------------------------------------


def step(action, site="", to_site="", service="", seq=0, via="", option="", channel=""):
    """A row of the table of steps, without year, path and number."""
    cells = (action, site, to_site, service, seq, via, option, channel)
    return dict(zip(STEPS.names[3:], cells, strict=True))


def drive(start, end):
    return step("drive", start, end)


def pack(site):
    return step("consolidate", site)


def clear(site):
    return step("clear_export", site)


def post(site):
    return step("clear_post", site)


def board(site, service, seq=1):
    return step("board", site, service=service, seq=seq)


def ride(start, end, service, via="", seq=2):
    return step("ride", start, end, service, seq, via)


def alight(site, service, seq=2):
    return step("alight", site, service=service, seq=seq)


def enter(site):
    return step("clear_import", site)


def store(site, option):
    return step("store", site, option=option)


def deliver(site, market, channel):
    return step("deliver", site, market, channel=channel)


class Draft:
    """A plan as lists of rows, so that it can be spoiled.

    Parameters
    ----------
    plan
        Where it starts from.
    """

    def __init__(self, plan):
        self.flows = plan.flows.to_pylist()
        self.unserved = plan.unserved.to_pylist()
        self.steps = {}
        for row in plan.steps.to_pylist():
            self.steps.setdefault(row["path_id"], []).append({name: row[name] for name in STEPS.names[3:]})

    def flow(self, demand_id, service):
        """The flow row of a demand row whose path rides `service`; the first tier."""
        for row in self.flows:
            rides = {s["service_id"] for s in self.steps[row["path_id"]] if s["action"] == "ride"}
            if row["demand_id"] == demand_id and service in rides:
                return row
        raise LookupError(demand_id, service)

    def place(self, row):
        """Where the check says that flow row stands."""
        return Where("plan/flows", self.flows.index(row) + 2, row["path_id"])

    def add_flow(self, demand_id, tier, tonnes, path_id, steps=None):
        """Append a flow, and its steps when they are given."""
        row = {"year": 2021, "path_id": path_id, "demand_id": demand_id, "tier": tier, "tonnes": tonnes}
        self.flows.append(row)
        if steps is not None:
            self.steps[path_id] = list(steps)

    def leave(self, demand_id, tier, tonnes):
        """Append unserved tonnes."""
        self.unserved.append({"year": 2021, "demand_id": demand_id, "tier": tier, "tonnes": tonnes})

    def plan(self):
        """The plan as tables, steps numbered anew."""
        steps = [
            {"year": 2021, "path_id": path, "seq": seq, **row}
            for path, rows in self.steps.items()
            for seq, row in enumerate(rows, 1)
        ]
        rows = ((self.flows, FLOWS), (steps, STEPS), (self.unserved, UNSERVED))
        return Plan(*(pa.Table.from_pylist(list(given_rows), schema) for given_rows, schema in rows))


def judged(plan, claim=None, network=None):
    """The verdict on a plan of ``three_gateways`` or of `network`."""
    return verify_year(network or three_gateways(), 2021, plan, "generalised", claim or Assertion({}))


def codes(verdict):
    """Codes of the violations, in order."""
    return [problem.code for problem in verdict.violations]


def found_of(verdict):
    """(code, subject) of the violations, in order."""
    return [(problem.code, problem.subject) for problem in verdict.violations]


def test_untouched_plan_has_no_violation(good):
    """Nothing is found against what the solver made, and its bound is proven."""
    plan, claim = good
    verdict = judged(plan, claim)
    assert verdict.violations == ()
    assert verdict.plan_verified
    assert verdict.bound_proof == "certificate"
    assert Draft(plan).plan().steps.equals(plan.steps)


# Flows and demand -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("change", [-1.0, 1.0, -0.001, 0.001])
def test_a_flow_that_is_changed_breaks_the_balance(good, change):
    """A flow lowered or raised no longer adds up to its demand."""
    draft = Draft(good[0])
    draft.flow("B3", "SEA_DE")["tonnes"] += change
    verdict = judged(draft.plan())
    assert found_of(verdict) == [("verify.balance", "B3 usual")]
    assert verdict.violations[0].allowed == "100"


def test_a_flow_that_is_missing_or_twice_breaks_the_balance(good):
    """A row taken out, or put in twice, is found."""
    draft = Draft(good[0])
    draft.flows.remove(draft.flow("B3", "SEA_DE"))
    assert found_of(judged(draft.plan())) == [("verify.balance", "B3 usual")]
    draft = Draft(good[0])
    draft.flows.append(dict(draft.flow("B3", "SEA_DE")))
    assert found_of(judged(draft.plan())) == [("verify.balance", "B3 usual")]


@pytest.mark.parametrize("tonnes", [-1.0, math.nan, math.inf, -math.inf])
def test_tonnes_that_are_no_amount_do_not_count(good, tonnes):
    """Negative, infinite or undefined tonnes are refused, and then the demand is not met."""
    draft = Draft(good[0])
    row = draft.flow("B3", "SEA_DE")
    row["tonnes"] = tonnes
    verdict = judged(draft.plan())
    assert found_of(verdict) == [("verify.balance", "B3 usual")] * 2
    assert verdict.violations[0].where == draft.place(row)
    assert verdict.violations[0].found == str(tonnes)


@pytest.mark.parametrize(("demand_id", "tier"), [("B9", "usual"), ("B3", "urgent"), ("", "")])
def test_an_unknown_demand_row_or_tier_is_named(good, demand_id, tier):
    """Flows of demand that the tables do not have are refused."""
    draft = Draft(good[0])
    row = draft.flow("B3", "SEA_DE")
    row |= {"demand_id": demand_id, "tier": tier}
    verdict = judged(draft.plan())
    assert found_of(verdict) == [("verify.step", "demand"), ("verify.balance", "B3 usual")]
    assert verdict.violations[0].found == f"{demand_id} {tier}"
    assert verdict.violations[0].where == draft.place(row)


@pytest.mark.parametrize(("left", "fits"), [(10.0, True), (9.0, False), (11.0, False), (0.0, False)])
def test_unserved_tonnes_must_fill_the_balance(good, left, fits):
    """What is not shipped is what is given as unserved, neither less nor more."""
    draft = Draft(good[0])
    draft.flow("B3", "SEA_DE")["tonnes"] -= 10
    draft.leave("B3", "usual", left)
    verdict = judged(draft.plan())
    assert found_of(verdict) == ([] if fits else [("verify.balance", "B3 usual")])
    assert verdict.totals.unserved_t == left


@pytest.mark.parametrize(
    ("demand_id", "tier", "tonnes"),
    [("B9", "usual", 1.0), ("B3", "urgent", 1.0), ("B3", "usual", -1.0), ("B3", "usual", math.nan)],
)
def test_an_unserved_row_must_make_sense(good, demand_id, tier, tonnes):
    """Unserved tonnes of unknown demand, below 0 or undefined are refused, and do not count."""
    draft = Draft(good[0])
    draft.leave(demand_id, tier, tonnes)
    verdict = judged(draft.plan())
    assert found_of(verdict) == [("verify.balance", f"{demand_id} {tier}")]
    assert verdict.violations[0].where.file == "plan/unserved"
    assert verdict.totals.unserved_t == 0


# Paths ----------------------------------------------------------------------------------------------------

RAIL = [
    drive("CL_A", "RAIL"),
    clear("RAIL"),
    pack("RAIL"),
    board("RAIL", "RAIL_DE"),
    ride("RAIL", "RDU", "RAIL_DE", "alashankou"),
    alight("RDU", "RAIL_DE"),
    enter("RDU"),
    deliver("RDU", "MK_DE", "b2b"),
]
"""The way of B1."""
AIR = [
    drive("CL_B", "AIR"),
    clear("AIR"),
    pack("AIR"),
    board("AIR", "AIR_DE"),
    ride("AIR", "FRA", "AIR_DE"),
    alight("FRA", "AIR_DE"),
    enter("FRA"),
    deliver("FRA", "MK_DE", "direct"),
]
"""The way of D4."""
MAIL = [
    drive("CL_A", "MX_CN"),
    post("MX_CN"),
    board("MX_CN", "POST_DE"),
    ride("MX_CN", "MX_DE", "POST_DE"),
    alight("MX_DE", "POST_DE"),
    enter("MX_DE"),
    deliver("MX_DE", "MK_DE", "post"),
]
"""The way of D1, patient."""
STOCK = [
    drive("CL_A", "CO"),
    pack("CO"),
    drive("CO", "SEA"),
    clear("SEA"),
    board("SEA", "SEA_DE"),
    ride("SEA", "HAM", "SEA_DE", "suez"),
    alight("HAM", "SEA_DE"),
    enter("HAM"),
    drive("HAM", "WH_DE"),
    store("WH_DE", "WH_DE_shared"),
    deliver("WH_DE", "MK_DE", "stocked"),
]
"""The way of S1."""
GOOD_WAYS = {"B1": RAIL, "D4": AIR, "D1": MAIL, "S1": STOCK}
SERVICES = {"B1": "RAIL_DE", "D4": "AIR_DE", "D1": "POST_DE", "S1": "SEA_DE"}


def without(way, number):
    """A way that lacks one step; numbers count from 1."""
    return [*way[: number - 1], *way[number:]]


def repeated(way, number):
    """A way that does one step twice."""
    return [*way[:number], *way[number - 1 :]]


def swapped(way, number):
    """A way that does a step after the one that follows."""
    return [*way[: number - 1], way[number], way[number - 1], *way[number + 1 :]]


def instead(way, number, *steps):
    """A way with other steps in place of one."""
    return [*way[: number - 1], *steps, *way[number:]]


OVER_SEA = [
    drive("CL_A", "SEA"),
    clear("SEA"),
    pack("SEA"),
    board("SEA", "SEA_DE"),
    ride("SEA", "HAM", "SEA_DE", "suez"),
    alight("HAM", "SEA_DE"),
    enter("HAM"),
]

ILLEGAL = {
    "boards without clearance": ("B1", without(RAIL, 2), 3),
    "boards without consolidation": ("B1", without(RAIL, 3), 3),
    "boards as it came": ("B1", without(without(RAIL, 2), 2), 2),
    "is cleared twice": ("B1", repeated(RAIL, 2), 3),
    "is consolidated twice": ("B1", repeated(RAIL, 3), 4),
    "is cleared again when packed": ("B1", instead(RAIL, 4, clear("RAIL"), RAIL[3]), 4),
    "is consolidated at two places": ("S1", instead(STOCK, 4, pack("SEA"), clear("SEA")), 4),
    "is not where it starts": ("B1", without(RAIL, 1), 1),
    "starts elsewhere": ("B1", instead(RAIL, 1, drive("CL_B", "RAIL")), 1),
    "drives nowhere": ("B1", instead(RAIL, 1, drive("CL_A", "CL_A"), RAIL[0]), 1),
    "drives to an unknown site": ("B1", instead(RAIL, 1, drive("CL_A", "MOON")), 1),
    "drives across the sea": ("B1", instead(RAIL, 1, drive("CL_A", "RDU")), 1),
    "drives home to another cluster": ("B1", instead(RAIL, 1, drive("CL_A", "CL_B")), 1),
    "drives on as loose cargo": ("B1", instead(RAIL, 1, drive("CL_A", "CO"), drive("CO", "RAIL")), 2),
    "drives on from a gateway": ("B1", instead(RAIL, 4, drive("RAIL", "SEA"), RAIL[3]), 4),
    "drives twice": ("B1", repeated(RAIL, 1), 2),
    "rides before boarding": ("B1", swapped(RAIL, 4), 4),
    "boards twice": ("B1", repeated(RAIL, 4), 5),
    "rides twice": ("B1", repeated(RAIL, 5), 6),
    "alights before it rides": ("B1", without(RAIL, 5), 5),
    "alights twice": ("B1", repeated(RAIL, 6), 7),
    "does not alight": ("B1", without(RAIL, 6), 6),
    "alights at another stop": ("B1", instead(RAIL, 6, alight("RAIL", "RAIL_DE", 1)), 6),
    "boards where the service ends": ("B1", instead(RAIL, 4, board("RDU", "RAIL_DE", 2)), 4),
    "boards what does not call there": ("B1", instead(RAIL, 4, board("RAIL", "SEA_DE")), 4),
    "boards what does not exist": ("B1", instead(RAIL, 4, board("RAIL", "MAGLEV")), 4),
    "changes trains on the way": ("B1", instead(RAIL, 5, ride("SEA", "HAM", "SEA_DE", "suez")), 5),
    "rides a way that does not exist": ("B1", instead(RAIL, 5, ride("RAIL", "RDU", "RAIL_DE", "arctic")), 5),
    "rides a way of another service": ("B1", instead(RAIL, 5, ride("RAIL", "RDU", "RAIL_DE", "suez")), 5),
    "leaves open which way it rides": ("B1", instead(RAIL, 5, ride("RAIL", "RDU", "RAIL_DE")), 5),
    "enters without clearance": ("B1", without(RAIL, 7), 7),
    "enters twice": ("B1", repeated(RAIL, 7), 8),
    "clears import at home": ("B1", instead(RAIL, 4, enter("RAIL"), *RAIL[3:]), 4),
    "clears import where stock never goes": (
        "S1",
        [
            *STOCK[:4],
            board("SEA", "SEA_US"),
            ride("SEA", "LGB", "SEA_US"),
            alight("LGB", "SEA_US"),
            enter("LGB"),
        ],
        8,
    ),
    "clears export abroad": ("B1", instead(RAIL, 7, clear("RDU")), 7),
    "clears as parcels are": ("B1", instead(RAIL, 2, post("RAIL")), 2),
    "is delivered twice": ("B1", repeated(RAIL, 8), 9),
    "is not delivered": ("B1", without(RAIL, 8), 8),
    "has no steps": ("B1", [], 1),
    "ends on board": ("B1", RAIL[:5], 6),
    "is delivered as parcels": ("B1", instead(RAIL, 8, deliver("RDU", "MK_DE", "direct")), 8),
    "is delivered by post": ("B1", instead(RAIL, 8, deliver("RDU", "MK_DE", "post")), 8),
    "is delivered from home": ("B1", instead(RAIL, 4, deliver("RAIL", "MK_DE", "b2b")), 4),
    "is delivered from elsewhere": ("B1", instead(RAIL, 8, deliver("HAM", "MK_DE", "b2b")), 8),
    "is delivered overseas from the wrong country": (
        "B1",
        instead(RAIL, 8, deliver("RDU", "MK_US", "b2b")),
        8,
    ),
    "is delivered to another market": (
        "D4",
        [
            *AIR[:3],
            board("AIR", "AIR_US"),
            ride("AIR", "LAX", "AIR_US"),
            alight("LAX", "AIR_US"),
            enter("LAX"),
            deliver("LAX", "MK_US", "direct"),
        ],
        9,
    ),
    "is stored though it is b2b": ("B1", instead(RAIL, 8, drive("RDU", "WH_DE")), 8),
    "goes by post though it is b2b": ("B1", MAIL, 1),
    "rides a train that takes no parcels": ("D4", [drive("CL_B", "RAIL"), *RAIL[1:]], 4),
    "is mailed without clearance": ("D1", without(MAIL, 2), 2),
    "is mailed with the clearance of cargo": ("D1", instead(MAIL, 2, clear("MX_CN")), 2),
    "is consolidated as mail": ("D1", instead(MAIL, 2, pack("MX_CN")), 2),
    "leaves the mail by road": ("D1", instead(MAIL, 3, drive("MX_CN", "AIR")), 3),
    "is delivered from mail as cargo": ("D1", instead(MAIL, 7, deliver("MX_DE", "MK_DE", "direct")), 7),
    "mail enters at an airport": ("D1", instead(MAIL, 6, enter("FRA")), 6),
    "is delivered without a store": ("S1", without(STOCK, 10), 10),
    "is delivered at the port": ("S1", instead(OVER_SEA, 8, deliver("HAM", "MK_DE", "stocked")), 8),
    "is delivered at the port as b2b": ("S1", instead(OVER_SEA, 8, deliver("HAM", "MK_DE", "b2b")), 8),
    "is stored where it is not": ("S1", without(STOCK, 9), 9),
    "is stored twice": ("S1", repeated(STOCK, 10), 11),
    "is stored under another option": ("S1", instead(STOCK, 10, store("WH_DE", "WH_DE_built")), 10),
    "is stored under no option": ("S1", instead(STOCK, 10, store("WH_DE", "")), 10),
    "is stored at the port": ("S1", instead(STOCK, 9, store("HAM", "WH_DE_shared")), 9),
    "drives to the warehouse under bond": ("S1", without(STOCK, 8), 8),
    "drives past the warehouse": ("S1", instead(STOCK, 9, drive("HAM", "MK_DE")), 9),
    "does what nobody does": ("B1", instead(RAIL, 2, step("teleport", "RAIL")), 2),
}


def test_the_ways_that_are_spoiled_are_good(good):
    """Before they are spoiled, the ways below are those of the plan."""
    draft = Draft(good[0])
    for demand_id, way in GOOD_WAYS.items():
        assert draft.steps[draft.flow(demand_id, SERVICES[demand_id])["path_id"]] == way


@pytest.mark.parametrize("name", ILLEGAL)
def test_a_path_with_an_illegal_step_is_refused(good, name):
    """The first step that does not fit is named, and what went that way is missing from the balance."""
    demand_id, way, number = ILLEGAL[name]
    draft = Draft(good[0])
    row = draft.flow(demand_id, SERVICES[demand_id])
    draft.steps[row["path_id"]] = way
    verdict = judged(draft.plan())
    assert found_of(verdict) == [
        ("verify.step", str(number)),
        ("verify.balance", f"{demand_id} {row['tier']}"),
    ]
    problem = verdict.violations[0]
    assert problem.where == draft.place(row)
    if number <= len(way):
        assert problem.found == " ".join(str(cell) for cell in way[number - 1].values() if cell)
    else:
        assert problem.found == "end of path"


def test_a_flow_without_its_path_is_refused(good):
    """A flow whose path has no steps at all ends before it begins."""
    draft = Draft(good[0])
    row = draft.flow("B3", "SEA_DE")
    row["path_id"] = "nowhere"
    verdict = judged(draft.plan())
    assert found_of(verdict) == [("verify.step", "1"), ("verify.balance", "B3 usual")]


def test_a_flow_on_the_path_of_another_row_is_refused(good):
    """B1 starts at another cluster than B2, D2 ends in another market than D1."""
    draft = Draft(good[0])
    draft.flow("B1", "RAIL_DE")["path_id"] = draft.flow("B2", "RAIL_DE")["path_id"]
    verdict = judged(draft.plan())
    assert found_of(verdict) == [("verify.step", "1"), ("verify.balance", "B1 usual")]
    draft = Draft(good[0])
    draft.flow("D1", "POST_DE")["path_id"] = draft.flow("D2", "POST_US")["path_id"]
    verdict = judged(draft.plan())
    assert found_of(verdict) == [("verify.step", str(len(MAIL) + 1)), ("verify.balance", "D1 patient")]


def test_steps_count_by_their_numbers_not_by_their_lines(good):
    """Rows of the steps' table may stand in any order."""
    plan, claim = good
    backwards = Plan(plan.flows, plan.steps.take(list(range(plan.steps.num_rows))[::-1]), plan.unserved)
    assert judged(backwards, claim).violations == ()


def test_another_order_of_the_same_work_is_legal(good):
    """Cargo may be consolidated before or after clearance; it costs the same."""
    plan, claim = good
    draft = Draft(plan)
    draft.steps[draft.flow("B1", "RAIL_DE")["path_id"]] = swapped(RAIL, 2)
    assert judged(draft.plan(), claim).violations == ()


KEYS = {
    "sites": "site_id",
    "passages": "passage_id",
    "services": "service_id",
    "warehouse_options": "option_id",
    "land_regions": "land_region",
    "products": "product_id",
    "modes": "mode",
    "border_rules": "rule_id",
}


def copied(table, key, **values):
    """A row of ``three_gateways`` with other values."""
    row = next(row for row in three_gateways().rows(table) if row[KEYS[table]] == key)
    return {**row, **values}


def edit(table, key, **values):
    """An edit of one row, for `tiny_network`."""
    return {table: [{KEYS[table]: key, **values}]}


def only_way(good, demand_id, way, network):
    """The verdict when a demand row's way in `GOOD_WAYS` is replaced on another network."""
    draft = Draft(good[0])
    draft.steps[draft.flow(demand_id, SERVICES[demand_id])["path_id"]] = way
    return judged(draft.plan(), network=network)


def test_riding_on_needs_no_step_but_no_leg_may_be_left_out(good):
    """A service of three stops: its legs are ridden in order, staying on board is understood."""
    stops = [
        {
            "service_id": "LONG",
            "seq": float(seq),
            "site_id": site,
            "run_h": hours,
            "run_sd_h": hours,
            "distance_km": km,
        }
        for seq, site, hours, km in ((1, "SEA", None, None), (2, "LGB", 300.0, 9e3), (3, "HAM", 300.0, 9e3))
    ]
    network = tiny_network(services=[copied("services", "SEA_US", service_id="LONG")], service_stops=stops)
    legs = [ride("SEA", "LGB", "LONG"), ride("LGB", "HAM", "LONG", seq=3)]
    way = [*OVER_SEA[:3], board("SEA", "LONG"), *legs, alight("HAM", "LONG", 3), enter("HAM")]
    way.append(deliver("HAM", "MK_DE", "b2b"))
    assert codes(only_way(good, "B1", way, network)) == []
    step_5, step_6 = ([("verify.step", str(number)), ("verify.balance", "B1 usual")] for number in (5, 6))
    assert found_of(only_way(good, "B1", without(way, 5), network)) == step_5
    assert found_of(only_way(good, "B1", swapped(way, 5), network)) == step_5
    assert found_of(only_way(good, "B1", without(way, 6), network)) == step_6


STATION = {
    "site_id": "CS",
    "kind": "cargo_station",
    "clearance_regimes": "9610|9710|9810",
    "recognised_by": "AIR",
}


def test_a_cargo_station_clears_for_gateways_that_recognise_it(good):
    """What is cleared off the airport may only be trucked to the gateways that recognise it."""
    network = tiny_network(sites=[copied("sites", "AIR", **STATION, throughput_t_per_year=None)])
    at_station = [drive("CL_B", "CS"), clear("CS"), pack("CS")]
    legal = [*at_station, drive("CS", "AIR"), *AIR[3:]]
    assert codes(only_way(good, "D4", legal, network)) == []
    astray = [*at_station, drive("CS", "RAIL"), *RAIL[3:]]
    assert found_of(only_way(good, "D4", astray, network)) == [
        ("verify.step", "4"),
        ("verify.balance", "D4 patient"),
    ]
    unknown = tiny_network(
        sites=[copied("sites", "AIR", **{**STATION, "recognised_by": ""}, throughput_t_per_year=None)]
    )
    assert found_of(only_way(good, "D4", legal, unknown))[0] == ("verify.step", "4")


def test_mail_does_not_board_a_cargo_service_and_cargo_no_mail(good):
    """Post rides with post only, even where another service leaves from the same place."""
    network = tiny_network(
        services=[
            copied("services", "AIR_DE", service_id="CARGO"),
            copied("services", "POST_DE", service_id="MAIL"),
        ],
        service_stops=[
            {"service_id": "CARGO", "seq": 1.0, "site_id": "MX_CN"},
            {
                "service_id": "CARGO",
                "seq": 2.0,
                "site_id": "MX_DE",
                "run_h": 12.0,
                "run_sd_h": 0.0,
                "distance_km": 9e3,
            },
            {"service_id": "MAIL", "seq": 1.0, "site_id": "AIR"},
            {
                "service_id": "MAIL",
                "seq": 2.0,
                "site_id": "FRA",
                "run_h": 12.0,
                "run_sd_h": 0.0,
                "distance_km": 9e3,
            },
        ],
    )
    mail = [
        *MAIL[:2],
        board("MX_CN", "CARGO"),
        ride("MX_CN", "MX_DE", "CARGO"),
        alight("MX_DE", "CARGO"),
        *MAIL[5:],
    ]
    assert found_of(only_way(good, "D1", mail, network))[0] == ("verify.step", "3")
    cargo = [*AIR[:3], board("AIR", "MAIL"), ride("AIR", "FRA", "MAIL"), alight("FRA", "MAIL"), *AIR[6:]]
    assert found_of(only_way(good, "D4", cargo, network))[0] == ("verify.step", "4")


# The same plan on a network where it is no longer allowed ---------------------------------------------------


def on_another_network(good, **edits):
    """The verdict on the untouched plan when the tables say something else."""
    return judged(good[0], network=tiny_network(**edits))


@pytest.mark.parametrize(
    ("edits", "steps", "rows"),
    [
        (edit("land_regions", "CN", max_leg_km=100.0), ["3", "3"], ["B3 usual", "S1 usual"]),
        (edit("sites", "RAIL", clearance_regimes="9610"), ["2", "2"], ["B1 usual", "B2 usual"]),
        (edit("sites", "MX_CN", clearance_regimes=""), ["1"] * 3, ["D1 patient", "D2 patient", "D2 urgent"]),
        (edit("sites", "RAIL", consolidation_cny_per_m3=None), ["3", "3"], ["B1 usual", "B2 usual"]),
        (edit("services", "RAIL_DE", segments="stocked"), ["4", "4"], ["B1 usual", "B2 usual"]),
        (edit("services", "SEA_US", segments="direct"), ["4"], ["B4 usual"]),
        (edit("sites", "RDU", clearance_regimes=""), ["7", "7"], ["B1 usual", "B2 usual"]),
    ],
    ids=[
        "road longer than a leg may be",
        "regime not declared there",
        "no post office",
        "no consolidation there",
        "service no longer takes the segment",
        "service takes parcels only",
        "no customs abroad",
    ],
)
def test_a_plan_that_the_tables_no_longer_allow(good, edits, steps, rows):
    """When the tables are spoiled instead of the plan, the steps that lost their ground are named."""
    verdict = on_another_network(good, **edits)
    expected = [("verify.step", number) for number in steps]
    assert found_of(verdict) == expected + [("verify.balance", row) for row in rows]


CLOSED = {
    "service": (edit("services", "RAIL_DE", status="closed"), "RAIL_DE", ["4 board"] * 2),
    "proposed service": (edit("services", "RAIL_DE", status="proposed"), "RAIL_DE", ["4 board"] * 2),
    "passage": (edit("passages", "suez", status="closed"), "suez", ["5 ride", "6 ride", "6 ride"]),
    "site on the way": (edit("sites", "CO", status="closed"), "CO", ["1 drive"] * 3),
    "origin": (edit("sites", "CL_B", status="closed"), "CL_B", ["1 drive"] * 7),
    "warehouse": (edit("sites", "WH_DE", status="option"), "WH_DE", ["9 drive"]),
    "warehouse option": (
        {
            "warehouse_options": [
                copied("warehouse_options", "WH_DE_shared", status="closed"),
                copied("warehouse_options", "WH_DE_shared", option_id="WH_DE_built"),
            ]
        },
        "WH_DE_shared",
        ["10 store"],
    ),
    "only option of a warehouse": (
        edit("warehouse_options", "WH_DE_shared", status="option"),
        "WH_DE_shared",
        ["9 store"],
    ),
    "passage of the only way": (
        edit("passages", "alashankou", status="closed"),
        "alashankou",
        ["4 ride"] * 2,
    ),
    "site where the ride ends": (edit("sites", "RDU", status="closed"), "RDU", ["4 ride"] * 2),
    "market": (edit("sites", "MK_CN", status="closed"), "MK_CN", ["7 deliver"]),
}


@pytest.mark.parametrize("name", CLOSED)
def test_what_is_closed_is_named(good, name):
    """A plan that uses something closed, proposed or optional is told what."""
    edits, thing, steps = CLOSED[name]
    verdict = on_another_network(good, **edits)
    closed = [problem for problem in verdict.violations if problem.code == "verify.closed"]
    assert [problem.subject for problem in closed] == steps
    assert {problem.found for problem in closed} == {thing}
    rest = codes(verdict)[len(closed) :]
    assert rest
    assert set(rest) == {"verify.balance"}


@pytest.mark.parametrize("opening_year", [2022.0, 2100.0])
def test_a_warehouse_that_is_not_open_yet_is_refused(good, opening_year):
    """A plan that stores where the option opens after the year; the year itself is early enough."""
    draft = Draft(good[0])
    row = draft.flow("S1", "SEA_DE")
    verdict = on_another_network(good, **edit("warehouse_options", "WH_DE_shared", opening_year=opening_year))
    refusal, balance = verdict.violations
    assert refusal.code in ("verify.step", "verify.closed")
    assert refusal.where == draft.place(row)
    assert (balance.code, balance.subject) == ("verify.balance", "S1 usual")
    assert not verdict.plan_verified
    for year in (2021.0, 1990.0):
        now = on_another_network(good, **edit("warehouse_options", "WH_DE_shared", opening_year=year))
        assert now.violations == ()


def test_of_two_options_only_the_one_that_is_open_may_be_used(good):
    """The other option of the site is named at the step that stores."""
    second = copied("warehouse_options", "WH_DE_shared", option_id="WH_DE_built", opening_year=2022.0)
    network = tiny_network(warehouse_options=[second])
    way = instead(STOCK, 10, store("WH_DE", "WH_DE_built"))
    refusal, balance = only_way(good, "S1", way, network).violations
    assert refusal.code in ("verify.step", "verify.closed")
    assert refusal.subject.split()[0] == "10"
    assert (balance.code, balance.subject) == ("verify.balance", "S1 usual")


# Capacities -------------------------------------------------------------------------------------------------


def test_a_leg_that_carries_too_many_tonnes(good):
    """100 t more on the train than its 1,000 t."""
    draft = Draft(good[0])
    train, ship = draft.flow("B2", "RAIL_DE"), draft.flow("B2", "SEA_DE")
    train["tonnes"] += ship["tonnes"]
    draft.flows.remove(ship)
    verdict = judged(draft.plan())
    assert found_of(verdict) == [("verify.capacity", "service RAIL_DE#2 (t)")]
    assert (verdict.violations[0].found, verdict.violations[0].allowed) == ("1100", "1000")


def test_a_leg_that_carries_too_many_cubic_metres(good):
    """400 t of light goods weigh little, but on the train they take 4,000 m³ of 2,000."""
    network = tiny_network(demand=[{"demand_id": "B3", "tonnes_per_year": 400.0}])
    draft = Draft(good[0])
    for row in draft.flows:
        if row["demand_id"] == "B2":
            row["path_id"] = draft.flow("B2", "SEA_DE")["path_id"]
    row = draft.flow("B3", "SEA_DE")
    row["tonnes"] = 400.0
    draft.steps[row["path_id"]] = RAIL
    verdict = judged(draft.plan(), network=network)
    assert found_of(verdict) == [("verify.capacity", "service RAIL_DE#2 (m3)")]
    assert (verdict.violations[0].found, verdict.violations[0].allowed) == ("4600", "2000")


CAPACITIES = {
    "departures": ("services", "RAIL_DE", "departures_per_week", 3.49, 3.5, "service RAIL_DE#2 (t)"),
    "availability": ("services", "SEA_US", "availability", 0.002, 0.0022, "service SEA_US#2 (t)"),
    "payload": ("services", "RAIL_DE", "payload_t", 99.99, 100.0, "service RAIL_DE#2 (t)"),
    "volume": ("services", "RAIL_DE", "payload_m3", 99.9, 100.0, "service RAIL_DE#2 (m3)"),
    "load factor": ("services", "RAIL_DE", "load_factor_max", 0.99, 1.0, "service RAIL_DE#2 (t)"),
    "background": ("services", "RAIL_DE", "background_t_per_year", 13601.0, 13600.0, "service RAIL_DE#2 (t)"),
    "site": ("sites", "AIR", "throughput_t_per_year", 90299.0, 90300.0, "site AIR (t)"),
    "background of a site": ("sites", "AIR", "background_t_per_year", 99701.0, 99700.0, "site AIR (t)"),
    "passage": ("passages", "suez", "capacity_t_per_year", 399.0, 400.0, "passage suez (t)"),
    "background of a passage": (
        "passages",
        "alashankou",
        "background_t_per_year",
        49001.0,
        49000.0,
        "passage alashankou (t)",
    ),
    "warehouse": (
        "warehouse_options",
        "WH_DE_shared",
        "capacity_t_per_year",
        199.0,
        200.0,
        "warehouse WH_DE_shared (t)",
    ),
}


@pytest.mark.parametrize("name", CAPACITIES)
def test_a_capacity_that_is_too_small(good, name):
    """Each figure that makes a capacity counts: a little less is too little, just enough is enough."""
    table, key, column, short, enough, subject = CAPACITIES[name]
    verdict = on_another_network(good, **edit(table, key, **{column: short}))
    assert found_of(verdict) == [("verify.capacity", subject)]
    assert codes(on_another_network(good, **edit(table, key, **{column: enough}))) == []


# Claims -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("wrong", [lambda x: x * (1 + 1e-6), lambda x: x * (1 - 1e-6), lambda x: math.nan])
@pytest.mark.parametrize(
    "figure",
    [
        "money_cny",
        "capital_cny",
        "time_value_cny",
        "customer_t_h",
        "pipeline_t_h",
        "co2_t",
        "demand_t",
        "objective",
    ],
)
def test_a_claimed_figure_that_the_tables_do_not_give(good, figure, wrong):
    """Each claimed figure is recomputed; a millionth off is a violation."""
    plan, claim = good
    assert claim.figures[figure] > 0
    spoiled = replace(claim, figures={**claim.figures, figure: wrong(claim.figures[figure])})
    verdict = judged(plan, spoiled)
    assert found_of(verdict) == [("verify.bill", figure)]
    assert not verdict.plan_verified


def test_unserved_tonnes_that_are_claimed_wrongly(good):
    """Nothing is unserved; a gram that is said to be so is a violation."""
    plan, claim = good
    spoiled = replace(claim, figures={**claim.figures, "unserved_t": 1e-6})
    assert found_of(judged(plan, spoiled)) == [("verify.bill", "unserved_t")]


def test_every_figure_of_the_claim_is_one_of_those_above(good):
    """The solver claims nothing that is not spoiled above."""
    assert set(good[1].figures) == {
        "money_cny",
        "capital_cny",
        "time_value_cny",
        "customer_t_h",
        "pipeline_t_h",
        "co2_t",
        "demand_t",
        "unserved_t",
        "objective",
    }


def test_rounding_is_forgiven(good):
    """Figures that differ in the last digits only are the same figures."""
    plan, claim = good
    close = {name: value * (1 + 1e-12) for name, value in claim.figures.items()}
    assert judged(plan, replace(claim, figures=close)).violations == ()


CLOCKS = {"capital_cny", "time_value_cny", "customer_t_h", "pipeline_t_h"}
DEARER_TIME = {"product_id": "dense", "segment": "stocked", "tier": "usual", "value_share_per_day": 0.0011}


@pytest.mark.parametrize(
    ("edits", "figures"),
    [
        (edit("services", "AIR_US", tariff_spot=2.001), {"money_cny"}),
        (edit("products", "light", capital_rate_per_year=0.0601), {"capital_cny"}),
        ({"time_values": [DEARER_TIME]}, {"time_value_cny"}),
        (edit("modes", "sea", co2_g_per_tkm=10.01), {"co2_t"}),
        (edit("passages", "suez", transit_h=25.0), {"money_cny", *CLOCKS}),
        (edit("sites", "MX_CN", clearance_open="Mon-Fri 08:00-20:00"), CLOCKS),
        (edit("warehouse_options", "WH_DE_shared", pick_h=7.0), CLOCKS),
        (edit("products", "dense", assortment_stock_d=11.0), {"money_cny", "capital_cny"}),
        (edit("border_rules", "US_ALL_direct", fee_cny_per_order=1.1), {"money_cny"}),
    ],
    ids=["tariff", "capital", "time value", "co2", "transit", "opening", "picking", "stock", "fee"],
)
def test_a_bill_from_other_tables_does_not_add_up(good, edits, figures):
    """When a price or an hour of the tables is spoiled, the figures that rest on it are found out."""
    plan, claim = good
    bill = Assertion(figures={k: v for k, v in claim.figures.items() if k != "objective"})
    verdict = judged(plan, bill, tiny_network(**edits))
    assert set(codes(verdict)) == {"verify.bill"}
    assert {problem.subject for problem in verdict.violations} == figures


# Bounds -----------------------------------------------------------------------------------------------------


def test_a_bound_above_what_the_duals_prove(good):
    """A cent a tonne more than the prices support is a violation."""
    plan, claim = good
    verdict = judged(plan, replace(claim, bound=claim.bound + 25.0))
    assert found_of(verdict) == [("verify.bound", "bound")]
    assert verdict.bound_proof == "none"
    assert not verdict.plan_verified
    assert verdict.bound == pytest.approx(claim.bound, rel=1e-9)


@pytest.mark.parametrize(
    ("key", "price"),
    [
        (("service", "RAIL_DE#2", "t"), 0.0),
        (("service", "RAIL_DE#2", "t"), 275.0),
        (("service", "RAIL_DE#2", "t"), 277.0),
        (("service", "RAIL_DE#2", "t"), 2760.0),
        (("service", "SEA_DE#2", "t"), 1.0),
        (("service", "SEA_DE#2", "m3"), 1.0),
        (("site", "AIR", "t"), 1.0),
        (("passage", "alashankou", "t"), 1.0),
        (("warehouse", "WH_DE_shared", "t"), 1.0),
    ],
)
def test_duals_that_do_not_support_the_bound(good, key, price):
    """Any other price proves less than is claimed."""
    plan, claim = good
    certificate = replace(claim.certificate, prices={**claim.certificate.prices, key: price})
    verdict = judged(plan, replace(claim, certificate=certificate))
    assert found_of(verdict) == [("verify.bound", "bound")]
    assert verdict.bound < claim.bound
    assert verdict.bound_proof == "none"


def test_a_bound_of_another_network(good):
    """Duals prove nothing about tables in which a way has become cheaper."""
    plan, claim = good
    cheaper = tiny_network(services=[{"service_id": "SEA_US", "tariff_spot": 3999.0}])
    verdict = judged(plan, replace(claim, figures={}), cheaper)
    assert found_of(verdict) == [("verify.bound", "bound")]


def test_a_bound_above_the_plan_itself(good):
    """A plan that leaves 2 kg, as if by rounding, costs less than a bound for plans that serve everything."""
    plan, claim = good
    draft = Draft(plan)
    draft.flow("B3", "SEA_DE")["tonnes"] -= 0.002
    draft.leave("B3", "usual", 0.002)
    verdict = judged(draft.plan(), replace(claim, figures={}))
    assert found_of(verdict) == [("verify.bound", "objective")]
    assert verdict.bound_proof == "none"


@pytest.mark.parametrize("missing", ["certificate", "bound"])
def test_without_duals_or_bound_nothing_is_proven(good, missing):
    """A plan without a certificate may be verified; its bound then has no proof."""
    plan, claim = good
    verdict = judged(plan, replace(claim, **{missing: None}))
    assert verdict.violations == ()
    assert verdict.plan_verified
    assert verdict.bound_proof == "none"
    assert verdict.bound is None


UNFIT = {
    "negative price": {"prices": {("service", "RAIL_DE#2", "t"): -276.0}},
    "endless price": {"prices": {("service", "RAIL_DE#2", "t"): math.inf}},
    "undefined price": {"prices": {("service", "RAIL_DE#2", "t"): math.nan}},
    "price of nothing known": {"prices": {("service", "MAGLEV#2", "t"): 1.0}},
    "path costs doubled": {"path_scale": 2.0, "prices": {}},
    "path costs left out": {"path_scale": 0.0},
    "path costs undefined": {"path_scale": math.nan},
    "price of unserved undefined": {"unserved": math.nan},
    "less than nothing allowed": {"allowed_t": -1e9, "unserved": 1e9},
    "allowed undefined": {"allowed_t": math.nan, "unserved": 1.0},
    "everything allowed at any price": {"allowed_t": 1.0},
}


@pytest.mark.parametrize("name", UNFIT)
def test_a_certificate_with_impossible_figures_proves_nothing(good, name):
    """Prices are finite, known and not below 0, and the settings are those of a bound on the objective."""
    plan, claim = good
    certificate = replace(claim.certificate, **UNFIT[name])
    for bound in (claim.bound, claim.bound / 2):
        verdict = judged(plan, replace(claim, bound=bound, certificate=certificate))
        assert codes(verdict) == ["verify.bound"]
        assert verdict.bound_proof == "none"


@pytest.mark.parametrize("bound", [math.nan, math.inf])
def test_a_bound_that_is_no_amount(good, bound):
    """An undefined bound is not a bound."""
    plan, claim = good
    verdict = judged(plan, replace(claim, bound=bound))
    assert codes(verdict) == ["verify.bound"]
    assert verdict.bound_proof == "none"


def test_a_dear_plan_is_not_proven_by_stretching_its_bound(good):
    """100 t that could go by rail are shipped; counting path costs 1.001 times does not make that optimal."""
    plan, claim = good
    draft = Draft(plan)
    draft.flow("B2", "RAIL_DE")["tonnes"] -= 100
    draft.flow("B2", "SEA_DE")["tonnes"] += 100
    value = judged(draft.plan()).objective
    assert value > claim.figures["objective"] * (1 + 1e-4)
    certificate = replace(claim.certificate, path_scale=1.001)
    verdict = judged(draft.plan(), Assertion({}, bound=value, certificate=certificate))
    assert codes(verdict) == ["verify.bound"]
    assert verdict.bound_proof == "none"


def test_a_price_of_unserved_above_the_stated_one_proves_nothing():
    """Leaving everything at 30,000 CNY a tonne is not optimal because a bound counts 60,000."""
    network = three_gateways()
    plan, claim = solved(network, 30_000.0)
    draft = Draft(plan)
    draft.flows, draft.steps, draft.unserved = [], {}, []
    for (demand_id, tier), tonnes in YearBooks(network, 2021).shares().items():
        draft.leave(demand_id, tier, tonnes)
    certificate = replace(claim.certificate, unserved=60_000.0)
    claim = Assertion({"objective": 30_000.0 * 2350}, bound=30_000.0 * 2350, certificate=certificate)
    verdict = verify_year(network, 2021, draft.plan(), "generalised", claim, 30_000.0)
    assert found_of(verdict) == [("verify.bound", "unserved")]
    assert verdict.bound_proof == "none"


@pytest.fixture(scope="module")
def short():
    """A network whose warehouse holds 150 of 200 t, its plan, and what is claimed of it."""
    network = tiny_network(warehouse_options=[{"option_id": "WH_DE_shared", "capacity_t_per_year": 150.0}])
    return network, *solved(network)


def test_what_stays_unserved_is_proven(short):
    """50 t of stock find no room, and no plan leaves less."""
    network, plan, claim = short
    verdict = judged(plan, claim, network)
    assert verdict.violations == ()
    assert verdict.bound_proof == "certificate"
    assert verdict.totals.unserved_t == pytest.approx(50)
    assert claim.least_unserved_t == pytest.approx(50)


def test_least_unserved_that_the_duals_do_not_prove(short):
    """To say that 51 t must stay is more than the first phase proves."""
    network, plan, claim = short
    verdict = judged(plan, replace(claim, least_unserved_t=51.0), network)
    assert found_of(verdict) == [("verify.bound", "least_unserved_t")]
    assert verdict.bound_proof == "none"


def test_least_unserved_with_other_duals(short):
    """Without the warehouse's price nothing need stay."""
    network, plan, claim = short
    cheap = replace(claim.least_unserved, prices={})
    verdict = judged(plan, replace(claim, least_unserved=cheap), network)
    assert found_of(verdict) == [("verify.bound", "least_unserved_t")]


@pytest.mark.parametrize(
    "setting",
    [
        {"path_scale": 1.0},
        {"unserved": 2.0},
        {"unserved": math.inf},
        {"unserved": math.nan},
        {"allowed_t": -60.0},
        {"prices": {("warehouse", "WH_DE_shared", "t"): math.nan}},
    ],
    ids=str,
)
def test_least_unserved_with_impossible_figures_proves_nothing(short, setting):
    """The first phase counts a tonne once, and nothing else."""
    network, plan, claim = short
    least = replace(claim.least_unserved, **setting)
    for tonnes in (claim.least_unserved_t, 60.0):
        verdict = judged(plan, replace(claim, least_unserved=least, least_unserved_t=tonnes), network)
        assert codes(verdict) == ["verify.bound"]
        assert verdict.bound_proof == "none"


def test_least_unserved_without_duals(short):
    """Said without duals that some must stay, it is not proven, nor is the plan."""
    network, plan, claim = short
    verdict = judged(plan, replace(claim, least_unserved=None), network)
    assert found_of(verdict) == [("verify.bound", "least_unserved_t")]
    assert verdict.bound_proof == "none"
    verdict = judged(plan, replace(claim, least_unserved=None, least_unserved_t=0.0), network)
    assert verdict.violations == ()
    assert verdict.bound_proof == "none"


def test_a_bound_for_plans_that_leave_less_proves_nothing(short):
    """What serving everything would cost is no bound for a plan that leaves 50 t."""
    network, plan, claim = short
    certificate = replace(claim.certificate, allowed_t=0.0, unserved=1e9)
    verdict = judged(plan, replace(claim, bound=claim.figures["objective"], certificate=certificate), network)
    assert found_of(verdict) == [("verify.bound", "allowed_t")]
    assert verdict.bound_proof == "none"


def test_a_plan_that_leaves_more_than_it_must_is_not_proven(short):
    """Unserved comes first: a tonne that could be served is left, and the bound is for plans that do not."""
    network, plan, claim = short
    draft = Draft(plan)
    draft.flow("B3", "SEA_DE")["tonnes"] -= 1
    draft.leave("B3", "usual", 1.0)
    verdict = judged(draft.plan(), replace(claim, figures={}, bound=claim.bound - 1e6), network)
    assert verdict.bound_proof == "none"


# Written twice ----------------------------------------------------------------------------------------------

DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")


@st.composite
def windows(draw):
    """Opening hours as they stand in sites.csv."""
    parts = []
    for _ in range(draw(st.integers(1, 4))):
        first, last = draw(st.sampled_from(DAYS)), draw(st.sampled_from((None, *DAYS)))
        opens = draw(st.integers(0, 24 * 60 - 1))
        closes = draw(st.integers(opens + 1, 24 * 60))
        clock = [f"{minute // 60:02d}:{minute % 60:02d}" for minute in (opens, closes)]
        parts.append(f"{first}{'-' + last if last else ''} {clock[0]}-{clock[1]}")
    return "; ".join(parts)


@settings(max_examples=200, deadline=None)
@given(windows(), st.integers(0, 12_000))
@example("always", 90)
@example("Mon-Sun 00:00-24:00", 90)
@example("Mon-Fri 08:30-17:30", 1500)
@example("Sun 12:00-24:00; Mon 00:00-06:00", 100)
@example("Mon 08:00-08:01", 5)
def test_clearance_hours_are_those_of_the_other_formula(text, half_minutes):
    """The ledger's sum over gaps equals the integral over arrivals, for any week and any work.

    Work is an odd number of quarter minutes: it never ends at the very moment of closing, where rounding
    decides.
    """
    work = (half_minutes + 0.5) / 120.0
    mean, variance = clearance_hours(text, work)
    delay = window_delay(parse_windows(text), work)
    assert mean == pytest.approx(delay.mean_h, rel=1e-9)
    assert variance == pytest.approx(delay.variance_h2, rel=1e-9, abs=1e-9)


@pytest.mark.parametrize(
    ("text", "work"),
    [
        ("Mon-Sun 08:00-20:00", 12.0),
        ("Mon-Fri 08:30-17:30", 9.0),
        ("Mon-Fri 08:30-17:30", 18.0),
        ("Mon-Fri 08:30-17:30", 45.0),
        ("Mon-Fri 09:00-12:00; Sat 09:00-11:00", 3.0),
        ("Mon-Sun 08:00-20:00", 0.0),
        ("Mon-Fri 09:20-17:20", 8.0),
        ("Mon-Sat 08:20-18:20", 10.0),
        ("Tue-Thu 07:40-19:40", 24.0),
        ("Mon-Fri 09:10-12:10; Mon-Fri 13:40-17:40", 7.0),
    ],
)
def test_clearance_hours_when_work_ends_at_closing_time(text, work):
    """Work that just fills an opening is done when it closes."""
    mean, variance = clearance_hours(text, work)
    delay = window_delay(parse_windows(text), work)
    assert mean == pytest.approx(delay.mean_h, rel=1e-9)
    assert variance == pytest.approx(delay.variance_h2, rel=1e-9, abs=1e-9)


def order_weights(network, segment):
    """Mean order weight by product, NaN where the segment has none."""
    known = {
        row["product_id"]: row["order_kg"]
        for row in network.rows("product_segments")
        if row["segment"] == segment
    }
    return np.array([known.get(product, np.nan) for product in network.texts("products", "product_id")])


@pytest.mark.parametrize("segment", SEGMENTS)
@pytest.mark.parametrize("basis", MODE_OF_BASIS)
def test_tariffs_are_those_of_the_other_formula(basis, segment):
    """Ledger and virtual network agree on what a tonne of each product costs, on every basis and currency."""
    for network in (three_gateways(), *(random_network(seed) for seed in range(6))):
        row = network.rows("services")[0]
        for contract, share in ((None, 0.0), (1234.5, 0.4)):
            row |= {
                "mode": MODE_OF_BASIS[basis],
                "tariff_basis": basis,
                "tariff_currency": "USD",
                "tariff_spot": 1500.0,
                "tariff_contract": contract,
                "contract_share": share,
                "tariff_per_item": 2.5,
            }
            rate = exchange_rates(network, 2021)["USD"]
            units = TariffUnits(network, order_weights(network, segment))
            expected = effective_tariff(row, rate) * units.per_t((basis, row["mode"]))
            if basis == "item_plus_kg":
                expected = expected + rate * row["tariff_per_item"] * units.per_t(ORDER)
            own = Ledger(network, 2021).tariff(row, segment)
            assert own.tolist() == pytest.approx(expected.tolist(), rel=1e-12)
            assert (own > 0).all()


def test_border_taxes_are_those_of_the_other_formula():
    """Ledger and virtual network agree on duty, VAT and fee of every demand row."""
    for network in (three_gateways(), *(random_network(seed) for seed in range(6))):
        weights = {(r["product_id"], r["segment"]): r["order_kg"] for r in network.rows("product_segments")}
        ledger = Ledger(network, 2021)
        own = []
        for row in network.rows("demand"):
            entered = ledger.sites[row["destination_site"]]["customs_territory"]
            taxes = ledger.border_taxes(entered, row["segment"])
            own.append(sum(amount[ledger.products.index(row["product_id"])] for _, amount in taxes))
        assert own == pytest.approx(border_tax_cny_per_t(network, weights), rel=1e-12)
        assert max(own) > 0


# Independence -----------------------------------------------------------------------------------------------

FORBIDDEN = (
    "logistics.virtual_network",
    "logistics.models",
    "logistics.solver",
    "logistics.studies",
    "ortools",
)
MODULES = sorted(Path(logistics.verification.__file__).parent.glob("[!_]*.py"))


def imported(path):
    """Names of all modules that a file imports, also inside functions."""
    names = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            names |= {f"{node.module}.{alias.name}" for alias in node.names}
    return names


@pytest.mark.parametrize("path", MODULES, ids=lambda path: path.stem)
def test_the_check_imports_nothing_of_what_it_checks(path):
    """No module of the check imports compiled arrays, models, solver or OR-Tools."""
    names = imported(path)
    assert not [name for name in names if f"{name}.".startswith(tuple(f"{f}." for f in FORBIDDEN))]
    assert names


def test_the_check_loads_nothing_of_what_it_checks():
    """Neither do the modules that it imports."""
    code = (
        "import sys; import logistics.verification.check, logistics.verification.certificates;"
        f"print([m for m in sys.modules if (m + '.').startswith({tuple(f'{f}.' for f in FORBIDDEN)!r})])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
