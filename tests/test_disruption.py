"""Closures and delays, event by event, against the changed network solved from scratch.

Regret, what stays behind and who is hit are worked out a second time: by a run of the same changes without
the study, by the flow model on the changed tables, and by adding up the ways of the plans in the files.
"""

import re
from dataclasses import replace

import numpy as np
import pyarrow.parquet as pq
import pytest

from logistics.models.flow.column_generation import FlowModel, StopRule
from logistics.network.tables import GATEWAY_KINDS
from logistics.results.judge import judge_folder
from logistics.results.write import write_results
from logistics.scenario.case import read_case
from logistics.studies.register import run_study
from logistics.virtual_network.build import build_instance
from tests.test_command_line import command_line
from tests.test_limits import YEAR, Desk, case_of, printed, verified
from tests.test_limits_brute_force import ExactPlan, Ways
from tests.tiny import BY_NAME, random_network, table_of

EVENTS = """\
study:
  kind: disruption
  events:
    - {each: passage}
    - {each: gateway}
    - {each: service, busiest: 10}
    - id: slow-canal
      name: {zh: 运河拥堵, en: Slow canal}
      changes:
        - set: {table: passages, where: "passage_id == 'suez'", column: transit_h, add: 240}
    - id: no-flights
      changes:
        - close: {service: [AIR_DE, AIR_US]}
        - close: {passage: alashankou}
    - {id: more-cargo, changes: [{scale_demand: {factor: 1.5, where: "segment == 'b2b'"}}]}
    - {id: customs, changes: [{clearance_window: {sites: [SEA, RAIL], open: always}}]}
"""
"""`customs` makes things better."""
SAME_CHANGES = {
    "slow-canal": "[{set: {table: passages, where: \"passage_id == 'suez'\", column: transit_h, add: 240}}]",
    "no-flights": "[{close: {service: [AIR_DE, AIR_US]}}, {close: {passage: alashankou}}]",
    "more-cargo": "[{scale_demand: {factor: 1.5, where: \"segment == 'b2b'\"}}]",
    "customs": "[{clearance_window: {sites: [SEA, RAIL], open: always}}]",
    **{f"passage-{name}": f"[{{close: {{passage: {name}}}}}]" for name in ("suez", "alashankou")},
    **{f"gateway-{name}": f"[{{close: {{site: {name}}}}}]" for name in ("AIR", "SEA", "RAIL")},
    **{
        f"service-{name}": f"[{{close: {{service: {name}}}}}]"
        for name in ("AIR_DE", "AIR_US", "AIR_CN", "RAIL_DE", "SEA_DE", "SEA_US", "POST_DE", "POST_US")
    },
}
BETTER = {"customs"}


@pytest.fixture(scope="module")
def desk(tmp_path_factory):
    """A project of this module."""
    return Desk(tmp_path_factory.mktemp("disruption"))


@pytest.fixture(scope="module")
def ran(desk):
    """All events by the command line."""
    return desk.solved(EVENTS)


def by_event(ran):
    """Rows of disruption.parquet by event."""
    return {row["event_id"]: row for row in ran.rows("disruption")}


# --- regret is what the changed network costs more ------------------------------------------------


FEW = {"slow-canal", "no-flights", "more-cargo", "customs", "passage-suez", "gateway-AIR"}


@pytest.mark.parametrize(
    "event", [e if e in FEW else pytest.param(e, marks=pytest.mark.slow) for e in SAME_CHANGES]
)
def test_an_event_costs_what_its_changes_cost_in_a_scenario(desk, ran, event):
    """Value, money, hours, CO2 and what is left are those of a run with the same changes."""
    alone = desk.solved(f"changes: {SAME_CHANGES[event]}")
    row, base = by_event(ran)[event], ran.said
    more = alone.said["objective"] - base["objective"]
    assert row["regret"] == pytest.approx(more, abs=2e-6 * base["objective"])
    assert row["unserved_t"] == pytest.approx(alone.said["unserved_t"], abs=1e-6)
    assert row["unserved_more_t"] == pytest.approx(alone.said["unserved_t"], abs=1e-6)
    assert (row["status"], row["verified"], row["bound_proof"]) == ("optimal", True, "certificate")
    if event not in BETTER and row["unserved_more_t"] < 1e-6:
        assert row["regret"] > 0
    said = ran.result["plans"][row["plan_id"]]
    totals = said["totals"]
    assert said["objective"] - base["objective"] == pytest.approx(row["regret"], rel=1e-9)
    assert row["money_cny"] == pytest.approx(totals["money_cny"], rel=1e-12)
    assert row["money_more_cny"] == pytest.approx(totals["money_cny"] - base["totals"]["money_cny"], abs=1e-3)
    assert row["customer_hours_mean"] == pytest.approx(totals["customer_hours_mean"], rel=1e-12)
    hours = totals["customer_hours_mean"] - base["totals"]["customer_hours_mean"]
    assert row["hours_more"] == pytest.approx(hours, abs=1e-9)
    assert row["co2_more_t"] == pytest.approx(totals["co2_t"] - base["totals"]["co2_t"], abs=1e-6)


def test_known_regrets(ran):
    """Argued in the README: rail lost costs B1 381 and B2 276 CNY more a tonne; no AIR_CN leaves I1."""
    rows = by_event(ran)
    rail = 600 * 381 + 400 * 276
    for event in ("passage-alashankou", "gateway-RAIL", "service-RAIL_DE"):
        assert rows[event]["regret"] == pytest.approx(rail, abs=200)
    assert rows["service-AIR_CN"]["unserved_more_t"] == pytest.approx(50)
    # I1 costs 5,640 + 18,600 CNY/t; it is not carried any more, so the regret counts that much less.
    assert rows["service-AIR_CN"]["regret"] == pytest.approx(-50 * (5640 + 18_600), abs=200)
    assert rows["customs"]["regret"] < 0


def test_events_are_listed_worst_first(ran):
    """Most cargo left first, then the largest regret; each once, and one of each kind by rule."""
    rows = ran.rows("disruption")
    order = [(-row["unserved_more_t"], -row["regret"]) for row in rows]
    assert order == sorted(order)
    assert [row["event_id"] for row in sorted(rows, key=lambda row: row["event_id"])] == sorted(SAME_CHANGES)
    assert ran.result["plans"].keys() == {f"2021-{event}" for event in SAME_CHANGES}


def flows_with_steps(ran, event):
    """(demand id, tonnes, steps) of an event's plan, or of the undisturbed one."""
    folder = ran.folder / ("plan" if event is None else f"plans/2021-{event}")
    steps = {}
    for row in pq.read_table(folder / "steps.parquet").to_pylist():
        steps.setdefault(row["path_id"], []).append(row)
    flows = pq.read_table(folder / "flows.parquet").to_pylist()
    return [(row["demand_id"], row["tier"], row["tonnes"], steps[row["path_id"]]) for row in flows]


@pytest.mark.parametrize("thing", ["suez", "alashankou"])
def test_a_closed_passage_is_never_used_and_its_alternative_is(ran, thing):
    """No ride by a way through it; SEA_DE goes round the Cape, RAIL_DE has no other way and stands still."""
    ways = {step["via_id"] for *_, steps in flows_with_steps(ran, f"passage-{thing}") for step in steps}
    before = {step["via_id"] for *_, steps in flows_with_steps(ran, None) for step in steps}
    assert before == {"", "suez", "alashankou"}
    assert thing not in ways
    assert ways == ({"", "cape", "alashankou"} if thing == "suez" else {"", "suez"})


@pytest.mark.parametrize("site", ["AIR", "SEA", "RAIL"])
def test_a_closed_gateway_is_never_used(ran, site):
    """Nothing arrives there, is cleared there, or leaves from there."""
    for *_, steps in flows_with_steps(ran, f"gateway-{site}"):
        assert site not in {name for step in steps for name in (step["site_id"], step["to_site_id"])}


def test_what_cannot_go_is_unserved_and_named(ran):
    """Without the airport nothing enters China: I1, all of it, in the event's files, table and markets."""
    folder = ran.folder / "plans" / "2021-gateway-AIR"
    left = pq.read_table(folder / "unserved.parquet").to_pylist()
    assert {row["demand_id"]: row["tonnes"] for row in left if row["tonnes"] > 1e-6} == {
        "I1": pytest.approx(50)
    }
    row = by_event(ran)["gateway-AIR"]
    assert row["unserved_more_t"] == pytest.approx(50)
    assert row["worst_markets"].split("|")[0] == "MK_CN"
    (market,) = [
        m for m in ran.rows("disruption_markets") if (m["event_id"], m["market"]) == ("gateway-AIR", "MK_CN")
    ]
    assert (market["unserved_before_t"], market["unserved_after_t"]) == (
        pytest.approx(0, abs=1e-6),
        pytest.approx(50),
    )
    assert market["hours_before"] == pytest.approx(60)
    assert market["hours_after"] is None


def sums_of(ran, event, changes):
    """By market: cost under the objective, tonne-hours and tonnes of a plan, from its steps and all ways."""
    case = read_case(ran.scenario) if changes is None else read_case(changes)
    network = case.networks[YEAR]
    ways = Ways.of(network, build_instance(network, YEAR, "generalised"))
    c = ways.instance.commodities
    known = {(c.demand_id[k], c.tier[k], ways.steps(w)): w for w, k in enumerate(ways.commodity)}
    ends = {row["demand_id"]: row["destination_site"] for row in network.rows("demand")}
    found = {}
    for name, tier, tonnes, steps in flows_with_steps(ran, event):
        way = known[(name, tier, tuple(tuple(step.values())[3:] for step in steps))]
        amounts = tonnes * np.array([ways.cost[way], ways.customer_h[way], 1.0])
        found[ends[name]] = found.get(ends[name], np.zeros(3)) + amounts
    return found


@pytest.mark.parametrize(
    "event", ["passage-suez", "service-SEA_US", "no-flights", "gateway-AIR", "slow-canal"]
)
def test_markets_are_hit_by_what_their_cargo_costs_more(desk, ran, event):
    """Regret and hours of each market, by the ways of both plans; those that lose are listed, worst first."""
    before = sums_of(ran, None, None)
    changes = desk.write(
        "alone",
        f"schema: 1\nname: {{zh: 试, en: Try}}\nextends: plain.yaml\nchanges: {SAME_CHANGES[event]}\n",
    )
    after = sums_of(ran, event, changes)
    rows = [row for row in ran.rows("disruption_markets") if row["event_id"] == event]
    listed = {row["market"]: row for row in rows}
    for market in before:
        more = after.get(market, np.zeros(3)) - before[market]
        if more[2] < -1e-6 or more[0] > 1.0:
            row = listed.pop(market)
            assert row["regret"] == pytest.approx(more[0], abs=1e-6 * before[market][0] + 1e-3)
            assert row["hours_before"] == pytest.approx(before[market][1] / before[market][2], rel=1e-9)
            if market in after:
                assert row["hours_after"] == pytest.approx(after[market][1] / after[market][2], rel=1e-9)
    assert {name: row["regret"] for name, row in listed.items() if row["regret"] > 1.0} == {}
    order = [(-(row["unserved_after_t"] - row["unserved_before_t"]), -row["regret"]) for row in rows]
    assert order == sorted(order)
    assert by_event(ran)[event]["worst_markets"] == "|".join(row["market"] for row in rows[:3])


# --- random networks ------------------------------------------------------------------------------

EVERYTHING = {"kind": "disruption", "events": [{"each": kind} for kind in ("passage", "gateway")]}
EVERYTHING["events"].append({"each": "service", "busiest": 1000})
SHUT = {"passage": "passages", "gateway": "sites", "service": "services"}


def without(network, kind, name):
    """The network with one thing closed."""
    schema = BY_NAME[SHUT[kind]]
    rows = [{**r, "status": "closed"} if r[schema.key[0]] == name else r for r in network.rows(schema.name)]
    return network.with_table(schema.name, table_of(schema, rows))


def things(network):
    """What can be closed alone: (kind, id)."""
    home = network.info.home_territory
    found = [("passage", row["passage_id"]) for row in network.rows("passages") if row["status"] != "closed"]
    found += [
        ("gateway", row["site_id"])
        for row in network.rows("sites")
        if row["kind"] in GATEWAY_KINDS and row["customs_territory"] == home
    ]
    return found + [
        ("service", r["service_id"]) for r in network.rows("services") if r["status"] == "existing"
    ]


def _each_from_scratch(seed, folder):
    network = random_network(seed)
    case = case_of(network, EVERYTHING)
    result = run_study(case)
    assert result.plan_verified
    scratch = FlowModel(build_instance(network, YEAR, "generalised"), StopRule(1e-9)).solve()
    rows = {row["event_id"]: row for row in result.tables["disruption"].to_pylist()}
    used, untouched = 0, 0
    for kind, name in things(network):
        closed = without(network, kind, name)
        alone = FlowModel(build_instance(closed, YEAR, "generalised"), StopRule(1e-9)).solve()
        row = rows.pop(f"{kind}-{name}", None)
        more = alone.objective - scratch.objective
        left = alone.unserved_t.sum() - scratch.unserved_t.sum()
        close = 3e-6 * max(1.0, abs(scratch.objective), abs(alone.objective))
        if row is None:
            # Services without cargo are no events.
            assert kind == "service"
            assert (more, left) == (pytest.approx(0, abs=close), pytest.approx(0, abs=1e-5))
            continue
        assert row["regret"] == pytest.approx(more, abs=close), (kind, name)
        assert row["unserved_more_t"] == pytest.approx(left, abs=1e-5), (kind, name)
        assert left >= -1e-5
        if left <= 1e-5:
            assert row["regret"] >= -close
        if row["status"] == "untouched":
            untouched += 1
            assert (more, left) == (pytest.approx(0, abs=close), pytest.approx(0, abs=1e-5))
            assert (row["plan_id"], row["regret"], row["unserved_more_t"]) == ("", 0, 0)
        else:
            used += 1
            record = result.plans[row["plan_id"]]
            assert not _uses(closed, record.plan, kind, name), (kind, name)
    assert rows == {}
    write_results(folder, case, result)
    assert judge_folder(folder).violations == ()
    return used, untouched


def _uses(network, plan, kind, name):
    """Whether a plan uses a thing, by its steps and the tables."""
    if kind == "service":
        return name in set(plan.steps["service_id"].to_pylist())
    if kind == "gateway":
        return name in {*plan.steps["site_id"].to_pylist(), *plan.steps["to_site_id"].to_pylist()}
    through = {
        (row["service_id"], int(row["to_seq"]), row["via_id"])
        for row in network.rows("service_via")
        if name in row["passages"].split("|")
    }
    rides = [step for step in plan.steps.to_pylist() if step["action"] == "ride"]
    return any((s["service_id"], s["stop_seq"], s["via_id"]) in through for s in rides)


@pytest.mark.parametrize("seed", range(3))
def test_each_thing_alone_on_random_networks(seed, tmp_path):
    """Each passage, gateway and service: regret, what is left, nothing closed is used; it verifies."""
    used, _ = _each_from_scratch(seed, tmp_path / "out")
    assert used > 0


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(3, 60))
def test_each_thing_alone_on_more_random_networks(seed, tmp_path):
    _each_from_scratch(seed, tmp_path / "out")


def test_some_things_are_untouched_and_some_are_not(tmp_path):
    """Among the networks are both, so that the shortcut is tested."""
    found = [_each_from_scratch(seed, tmp_path / str(seed)) for seed in (2, 5)]
    assert all(used > 0 for used, _ in found)
    assert any(untouched > 0 for _, untouched in found)


# --- events by rule -------------------------------------------------------------------------------


def listed(ran, kind):
    """Ids of the events made by a rule."""
    return {e.removeprefix(f"{kind}-") for e in by_event(ran) if e.startswith(f"{kind}-")}


def test_rules_make_an_event_of_each(ran):
    """Passages that are open; gateways of the home territory; services with cargo."""
    assert listed(ran, "passage") == {"suez", "alashankou"}
    assert listed(ran, "gateway") == {"AIR", "SEA", "RAIL"}
    names = {row["event_id"]: (row["name_en"], row["name_zh"]) for row in ran.rows("disruption")}
    assert names["passage-suez"] == ("Suez Canal", "苏伊士运河")
    assert names["slow-canal"] == ("Slow canal", "运河拥堵")
    assert names["no-flights"] == ("no-flights", "no-flights")


@pytest.mark.parametrize("busiest", [1, 5])
def test_the_busiest_services_are_the_fullest(desk, ran, busiest):
    """By tonnes in the undisturbed plan, ties by id."""
    few = desk.solved(f"study: {{kind: disruption, events: [{{each: service, busiest: {busiest}}}]}}")
    loads = {row["service_id"]: row["tonnes"] for row in few.rows("services")}
    fullest = sorted(loads, key=lambda name: (-round(loads[name], 6), name))[:busiest]
    assert listed(few, "service") == set(fullest)


def test_what_is_closed_already_is_no_event(desk):
    """A passage that the scenario closes is not closed again; ten services unless said otherwise."""
    ran = desk.solved(
        "changes: [{close: {passage: suez}}]\nstudy: {kind: "
        "disruption, events: [{each: passage}, {each: service}]}"
    )
    assert listed(ran, "passage") == {"alashankou"}
    assert len(listed(ran, "service")) == 8


def test_untouched_events_say_so(desk):
    """Closing what the plan does not use changes nothing; it needs no plan of its own, and is told apart."""
    text = (
        "changes: [{close: {service: RAIL_DE}}]\nstudy: {kind: "
        "disruption, events: [{each: passage}, {each: gateway}]}"
    )
    ran = desk.solved(text)
    rows = by_event(ran)
    for event in ("passage-alashankou", "gateway-RAIL"):
        row = rows[event]
        assert (row["status"], row["plan_id"], row["regret"], row["worst_markets"]) == (
            "untouched",
            "",
            0,
            "",
        )
        assert row["money_cny"] == pytest.approx(ran.said["totals"]["money_cny"], rel=1e-12)
    assert set(ran.result["plans"]) == {"2021-passage-suez", "2021-gateway-AIR", "2021-gateway-SEA"}
    code, shown = printed(desk, text, "en")
    assert code == 0
    (names,) = re.findall(r"Not used by the undisturbed plan, so closing changes nothing: (.*?)\.", shown)
    assert set(names.split(", ")) == {"Alashankou", "Rail terminal"}


# --- events and limits ----------------------------------------------------------------------------


def test_limits_hold_under_events(desk):
    """Each event's plan keeps the cap; one under which it cannot be kept is infeasible, the study is not."""
    text = (
        "limits: {max_money_cny: 87.0e+6}\nstudy: {kind: "
        "disruption, events: [{each: passage}, {each: gateway}]}"
    )
    ran = desk.solved(text)
    rows = by_event(ran)
    lost = rows.pop("gateway-SEA")
    assert lost["status"] == "infeasible"
    assert [lost[key] for key in ("regret", "money_cny", "money_more_cny", "hours_more", "gap")] == [None] * 5
    said = ran.result["plans"]["2021-gateway-SEA"]
    assert (said["status"], said["bound_proof"]) == ("infeasible", "certificate")
    assert said["least_relaxation"] > 0
    alone = desk.infeasible("limits: {max_money_cny: 87.0e+6}\nchanges: [{close: {site: SEA}}]")
    assert said["least_relaxation"] == pytest.approx(
        alone.result["by_year"]["2021"]["least_relaxation"], rel=1e-6
    )
    for row in rows.values():
        assert (row["status"], row["verified"]) == ("optimal", True)
        assert row["money_cny"] <= 87.0e6 * (1 + 1e-6)


def test_a_binding_limit_makes_an_event_dearer(desk, ran):
    """With a cap on days the canal's closure costs more than without, as solved from scratch."""
    limits = "limits: {max_mean_customer_days: 12}"
    study = "study: {kind: disruption, events: [{each: passage}]}"
    tight = desk.solved(f"{limits}\n{study}")
    alone = desk.solved(f"{limits}\nchanges: [{{close: {{passage: suez}}}}]")
    regret = by_event(tight)["passage-suez"]["regret"]
    assert regret == pytest.approx(alone.said["objective"] - tight.said["objective"], abs=400)
    assert regret > by_event(ran)["passage-suez"]["regret"] * 1.01


def test_a_price_of_what_is_left_is_part_of_regret(desk):
    """Cargo that cannot go then costs its price."""
    text = (
        "limits: {unserved_cny_per_t: 60000}\nstudy: {kind: disruption, "
        "events: [{id: x, changes: [{close: {service: AIR_CN}}]}]}"
    )
    row = by_event(desk.solved(text))["x"]
    assert row["unserved_more_t"] == pytest.approx(50)
    assert row["regret"] == pytest.approx(50 * (60_000 - 5640 - 18_600), abs=200)


def test_a_scenario_that_allows_nothing_left(desk):
    """An event that leaves cargo is infeasible then; the study itself is solved."""
    text = "limits: {allow_unserved: false}\nstudy: {kind: disruption, events: [{each: gateway}]}"
    ran = desk.run(text)
    assert (ran.code, ran.said["status"]) == (0, "optimal")
    assert {e: row["status"] for e, row in by_event(ran).items()} == {
        "gateway-AIR": "infeasible", "gateway-SEA": "optimal", "gateway-RAIL": "optimal"
    }  # fmt: skip
    assert verified(ran.folder)


def test_years_are_disturbed_each_on_its_own(desk):
    """An event of one year only happens in that year."""
    text = """\
years: [2021, 2022]
study:
  kind: disruption
  events:
    - {id: both, changes: [{close: {passage: suez}}]}
    - {id: late, changes: [{close: {passage: suez, years: [2022]}}]}
"""
    ran = desk.solved(text)
    rows = {(row["year"], row["event_id"]): row for row in ran.rows("disruption")}
    assert rows[(2022, "late")]["regret"] == pytest.approx(rows[(2022, "both")]["regret"], abs=400)
    assert rows[(2021, "both")]["regret"] > 0
    assert (2021, "late") not in rows or abs(rows[(2021, "late")]["regret"]) < 400


# --- delays on tables with keys of several parts --------------------------------------------------

SEVERAL = {
    "ways": "{table: service_via, where: \"via_id == 'suez'\", column: run_h, add: 300}",
    "stops": "{table: service_stops, where: \"service_id == 'SEA_US'\", column: run_h, value: 500}",
    "a stop": '{table: service_stops, where: "service_id == '
    "'SEA_US' and seq == 2\", column: run_h, factor: 2}",
    "orders": "{table: product_segments, where: \"segment == 'direct'\", column: order_kg, factor: 0.5}",
    "time": "{table: time_values, where: \"tier == 'urgent'\", column: value_share_per_day, factor: 3}",
    "exchange": "{table: fx, where: \"currency == 'USD'\", column: cny_per_unit, value: 7}",
    "duties": "{table: border_rules, where: \"customs_territory == 'US'\", column: duty_rate, value: 0.3}",
}


@pytest.mark.parametrize(
    "name",
    ["duties", "ways", "a stop"]
    + [pytest.param(n, marks=pytest.mark.slow) for n in ("stops", "orders", "time", "exchange")],
)
def test_a_delay_of_one_way_or_leg_verifies(desk, name):
    """Every table that `set` can change can be changed by an event, and checked again from the files."""
    change = SEVERAL[name]
    ran = desk.run(f"study: {{kind: disruption, events: [{{id: slow, changes: [{{set: {change}}}]}}]}}")
    alone = desk.run(f"changes: [{{set: {change}}}]")
    assert alone.code == 0, alone.err
    assert ran.code == 0, ran.err
    more = alone.said["objective"] - ran.said["objective"]
    assert by_event(ran)["slow"]["regret"] == pytest.approx(more, abs=400)
    assert verified(ran.folder)


# --- bad input ------------------------------------------------------------------------------------

NEW_SERVICE = (
    "{id: x, changes: [{add_service: {service_id: N, mode: air, service_class: freighter, "
    "departures_per_week: 1, payload_t: 1, payload_m3: 1, tariff_basis: teu, tariff_currency: CNY, "
    "tariff_spot: 1, stops: [{site_id: AIR}, {site_id: FRA}]}}]}"
)
REFUSED = {
    "an unknown passage": (
        "{id: x, changes: [{close: {passage: suex}}]}",
        "the table passages has no row 'suex' - did you mean 'suez'",
    ),
    "an unknown service": (
        "{id: x, changes: [{close: {service: [RAIL_DE, RAIL_DX]}}]}",
        "no row 'RAIL_DX' - did you mean 'RAIL_DE'",
    ),
    "an unknown site": (
        "{id: x, changes: [{clearance_window: {sites: [SEAX], open: always}}]}",
        "no row 'SEAX' - did you mean 'SEA'",
    ),
    "an unknown table": (
        "{id: x, changes: [{set: {table: pasages, column: transit_h, value: 1}}]}",
        "no table 'pasages'.* did you mean 'passages'",
    ),
    "a condition without rows": (
        "{id: x, changes: [{scale_demand: {factor: 2, where: \"segment == 'b2c'\"}}]}",
        "no row of demand meets",
    ),
    "an unreadable condition": (
        '{id: x, changes: [{scale_demand: {factor: 2, where: "segment =="}}]}',
        "cannot be read",
    ),
    "the same value twice": (
        "{id: x, changes: [{close: {passage: suez}}, {close: {passage: suez}}]}",
        "is set a second time",
    ),
    "a value that does not fit": (
        "{id: x, changes: [{set: {table: passages, column: transit_h, value: -1}}]}",
        "does not fit",
    ),
    "no changes": ("{id: x}", "exactly one of changes, each"),
    "an empty list of changes": ("{id: x, changes: []}", "at least 1 items"),
    "both": ("{id: x, changes: [{close: {passage: suez}}], each: passage}", "exactly one of changes, each"),
    "no id": ("{changes: [{close: {passage: suez}}]}", "id"),
    "an id that is none": ("{id: a b, changes: [{close: {passage: suez}}]}", "an id has 1 to 64"),
    "ids twice": (
        "{id: x, changes: [{close: {passage: suez}}]}, {id: x, changes: [{close: {passage: suez}}]}",
        "events need different ids",
    ),
    "ids that differ in case only": (
        "{id: x, changes: [{close: {passage: suez}}]}, {id: X, changes: [{close: {passage: suez}}]}",
        "events need different ids",
    ),
    "a new service": (
        NEW_SERVICE,
        "service",
    ),
    "an unknown rule": ("{each: pasage}", "'pasage' is not one of .* - did you mean 'passage'"),
    "none of the busiest": ("{each: service, busiest: 0}", "'0' is out of range"),
    "an unknown key": ("{each: service, bussiest: 3}", "unknown key 'bussiest' - did you mean 'busiest'"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_wrong_events_are_refused_with_their_place(desk, name):
    """2, line and column, and what is wrong; `check` finds the same before anything runs."""
    text, message = REFUSED[name]
    problems = desk.refused(f"study:\n  kind: disruption\n  events: [{text}]")
    assert len(problems) == 1, problems
    assert re.match(r"s\d+\.yaml:[4567]:\d+: ", problems[0]), problems
    assert re.search(message, problems[0]), problems
    answer = command_line("check", desk.root / "scenarios" / problems[0].split(":")[0])
    assert (answer.code, answer.err.splitlines()[:-1]) == (2, problems)


def test_no_events_are_refused(desk):
    """An empty list, and none at all."""
    assert "at least 1 items" in desk.refused("study: {kind: disruption, events: []}")[0]
    assert "'study.events' is missing" in desk.refused("study: {kind: disruption}")[0].replace(
        "'events'", "'study.events'"
    )


def test_an_event_that_never_happens_is_refused(desk):
    """Years that the scenario has not name nothing."""
    text = (
        "study: {kind: disruption, events: [{id: never, changes: [{close: {passage: suez, years: [2050]}}]}]}"
    )
    assert len(desk.refused(text)) == 1


def test_an_event_may_not_take_the_id_of_one_made_by_rule(desk):
    """Two events of one id would share a plan: one of them must go, or be told apart."""
    text = (
        "study: {kind: disruption, events: [{id: passage-suez, "
        "changes: [{close: {service: AIR_DE}}]}, {each: passage}]}"
    )
    ran = desk.run(text)
    if ran.code == 2:
        assert "passage-suez" in ran.err
        return
    rows = ran.rows("disruption")
    assert len({row["plan_id"] for row in rows}) == len(rows)
    for row in rows:
        said = ran.result["plans"][row["plan_id"]]
        assert row["money_cny"] == pytest.approx(said["totals"]["money_cny"], rel=1e-9)


def test_a_rule_that_finds_nothing_is_refused(desk):
    """Every passage is closed already, so that nothing is asked."""
    closed = "changes: [{close: {passage: [suez, alashankou]}}]"
    ran = desk.run(f"{closed}\nstudy: {{kind: disruption, events: [{{each: passage}}]}}")
    assert ran.code == 2
    assert "yaml:" in ran.err
    assert "2021: there is nothing for `each: passage` to close" in ran.err


def test_a_rule_that_finds_nothing_is_said_where_others_find_something(desk):
    """The gateways are closed one by one, and the reader is told that no passage was."""
    closed = "changes: [{close: {passage: [suez, alashankou]}}]"
    ran = desk.run(f"{closed}\nstudy: {{kind: disruption, events: [{{each: passage}}, {{each: gateway}}]}}")
    assert ran.code == 0
    assert "2021: there is nothing for `each: passage` to close" in ran.err
    assert listed(ran, "gateway")
    assert listed(ran, "passage") == set()


def test_a_rule_that_finds_nothing_in_the_plan_is_said(desk):
    """No service carries anything, which only the solved year tells; other events are run."""
    text = (
        "changes: [{scale_demand: {factor: 0}}]\n"
        "study: {kind: disruption, events: [{each: service}, {each: passage}]}"
    )
    ran = desk.run(text)
    assert ran.code == 0
    assert "2021: there is no service with cargo for `each: service` to close" in ran.err
    assert [problem["code"] for problem in ran.result["warnings"]].count("event.none") == 1
    assert {row["event_id"] for row in ran.rows("disruption")} == {"passage-suez", "passage-alashankou"}


# --- in words -------------------------------------------------------------------------------------

SAID = {
    "en": ("What each event costs", "regret", "worst-hit markets", "Slow canal", "Seaport", "optimal"),
    "zh": ("各事件的代价", "运河拥堵", "港口", "中国市场", "最优"),
}
TOLD = """\
study:
  kind: disruption
  events:
    - {each: gateway}
    - id: slow
      name: {zh: 运河拥堵, en: Slow canal}
      changes: [{set: {table: passages, column: transit_h, add: 240}}]
"""


@pytest.mark.parametrize("lang", SAID)
def test_events_are_told_in_words(desk, lang):
    """One line an event, in the language asked for; markets that are hit by name."""
    code, shown = printed(desk, TOLD, lang)
    assert code == 0
    bare = shown.replace(" ", "")
    assert [words for words in SAID[lang] if words.replace(" ", "") not in bare] == []
    if lang == "zh":
        assert "Slow canal" not in shown


def test_the_base_is_the_plan_without_events(desk, ran):
    """Totals, plan and bottlenecks of the result are those of the undisturbed scenario."""
    plain = desk.solved("")
    assert ran.said["objective"] == pytest.approx(plain.said["objective"], rel=1e-9)
    totals = {name: value for name, value in plain.said["totals"].items() if value is not None}
    assert {name: ran.said["totals"][name] for name in totals} == pytest.approx(totals, rel=1e-9)
    assert {row["event_id"] for row in ran.rows("disruption")} == set(SAME_CHANGES)


def test_the_exact_program_agrees_on_an_event(desk, ran):
    """The canal closed, every way in one linear program."""
    path = desk.write(
        "exact",
        "schema: 1\nname: {zh: 试, en: Try}\nextends: plain.yaml\nchanges: [{close: {passage: suez}}]\n",
    )
    network = read_case(path).networks[YEAR]
    plan = ExactPlan(Ways.of(network, replace(build_instance(network, YEAR, "generalised"))))
    best = plan.cheapest(plan.ways.cost).value
    row = by_event(ran)["passage-suez"]
    assert row["regret"] == pytest.approx(best - ran.said["objective"], abs=2e-6 * best)
