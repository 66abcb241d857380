"""How sitings end: where what exists does not do, where time is up, with one source, with free channels."""

import re

import pyarrow.parquet as pq
import pytest

from logistics.studies import siting
from tests.test_limits import verified
from tests.test_siting_study import ROUGH, Project
from tests.tiny import three_gateways

COVERAGE = """\
changes:
  - set: {table: product_segments, where: "segment == 'stocked'", column: promise_d, value: 1.31}
limits:
  min_promise_share:
    - {share: 0.5, where: "destination_site == 'MK_US' and segment == 'stocked'"}
"""


@pytest.fixture(scope="module")
def desk(tmp_path_factory):
    """A project of this module."""
    made = Project(tmp_path_factory.mktemp("outcomes"))
    rows = three_gateways().rows("time_values")
    patient = [{**row, "segment": "stocked"} for row in rows if row["segment"] == "direct"]
    made.table("time_values", [*(row for row in rows if row["segment"] != "stocked"), *patient])
    return made


def table(ran, name):
    """Rows of a table of the results."""
    return pq.read_table(ran.folder / f"{name}.parquet").to_pylist()


def test_coverage_that_only_candidates_reach_is_reached(desk):
    """What exists cannot keep the limit, which an assignment proves; opening a warehouse does."""
    desk.infeasible(f"{COVERAGE}study: {{kind: assignment}}")
    ran = desk.run(f"{COVERAGE}study: {{kind: siting, baselines: false}}")
    assert ran.code == 0, ran.err
    assert ran.said["status"] == "optimal"
    assert "With what exists alone:" in ran.err
    assert verified(ran.folder)
    (year,) = table(ran, "siting_years")
    assert year["open"] >= 1
    assert year["flow_before_cny"] is None
    assert year["saved_cny"] is None


def test_coverage_that_nothing_reaches_is_infeasible(desk):
    ran = desk.run(f"{COVERAGE.replace('1.31', '0.2')}study: {{kind: siting, baselines: false}}")
    assert ran.code == 3, ran.err
    assert verified(ran.folder)
    assert "asked for 50.00%; with every candidate open it is" in ran.err
    assert "MK_US" in ran.err


def test_demand_that_nothing_serves_is_not_called_solved(desk):
    """A market that no service reaches stays so, whatever is opened."""
    text = """\
changes:
  - set: {table: services, where: "mode != 'rail'", column: status, value: closed}
study: {kind: siting, baselines: false}
limits: {allow_unserved: false}
"""
    asked = desk.run(text.replace("kind: siting, baselines: false", "kind: assignment"))
    ran = desk.run(text)
    assert ran.code == asked.code == 3


def test_a_search_that_ends_early_is_verified(desk, monkeypatch):
    """Its flows are all solved: that the choice might be better is said by the status alone."""
    monkeypatch.setattr(siting, "LEAST_GAP", 0.0)
    ran = desk.run("study: {kind: siting, baselines: false}\nsolver: {gap: 1.0e-9}")
    assert ran.said["status"] == "limit", ran.said
    assert ran.code == 4
    assert verified(ran.folder)


def test_each_market_has_one_source(desk):
    ran = desk.solved("study: {kind: siting, single_source: true, baselines: false}\nsolver: {gap: 0.001}")
    flows = pq.read_table(ran.folder / "plans" / "2021-siting" / "steps.parquet").to_pylist()
    served = {}
    for step in flows:
        if step["action"] == "deliver" and step["channel"] == "stocked":
            served.setdefault(step["to_site_id"], set()).add(step["site_id"])
    assert served
    assert all(len(places) == 1 for places in served.values())


def test_cargo_is_sold_the_better_way(desk):
    ran = desk.solved(
        "study: {kind: siting, channels: \"segment != 'b2b'\", baselines: false}\nsolver: {gap: 0.001}"
    )
    rows = table(ran, "siting_channels")
    assert rows
    assert sum(row["stocked_t"] for row in rows) != pytest.approx(
        sum(row["stocked_before_t"] for row in rows)
    )
    for row in rows:
        assert row["stocked_t"] <= row["stocked_at_most_t"] * (1 + 1e-9)
        assert row["stocked_at_most_t"] <= row["tonnes"] * (1 + 1e-9)


@pytest.mark.parametrize(
    ("study", "limits", "code"),
    [
        ("single_source: true, facilities: \"size == 'm'\"", "", "single_source and facilities"),
        (
            "channels: \"segment != 'b2b'\"",
            "limits: {min_promise_share: [{share: 0.1}]}",
            "limit 'min_promise_share' looks at a part",
        ),
    ],
    ids=["source", "limit"],
)
def test_what_does_not_go_together_is_refused(desk, study, limits, code):
    problems = desk.refused(f"study: {{kind: siting, {study}}}\n{limits}")
    assert any(code in line for line in problems), problems


def test_channels_without_cargo_are_told(desk):
    ran = desk.run(
        "study: {kind: siting, baselines: false, channels: \"segment == 'b2b'\"}\nsolver: {gap: 0.001}"
    )
    assert ran.code == 0
    assert "may be sold both directly and from stock" in ran.err


def moving(rows):
    """OLD may be moved to another place at a cost, and something may not be moved at all."""
    new = next(row for row in rows if row["option_id"] == "B_ACQUIRE")
    moved = {"capex_cny": 1e5, "life_years": 20.0, "fixed_cny_per_year": 1e5, "moves_from": "OLD"}
    return [*rows, {**new, **moved, "option_id": "OLD_MOVED", "size": "moved", "pick_cny_per_order": 1.0}]


@pytest.mark.parametrize(("closable", "moves"), [("option_id == 'OLD'", True), (None, False)])
def test_a_warehouse_that_is_moved_closes_where_it_was(desk, closable, moves):
    parent = desk.with_options(moving)
    key = f', closable: "{closable}"' if closable else ""
    wanted = "candidates: \"option_id == 'OLD_MOVED'\"" if closable else "candidates: \"size != 'xs'\""
    ran = desk.run(
        f"study: {{kind: siting, baselines: false, {wanted}{key}}}\nsolver: {{gap: 0.001}}", parent=parent
    )
    assert ran.code in (0, 4), ran.err
    assert verified(ran.folder)
    chosen = {row["option_id"]: row["chosen"] for row in table(ran, "candidates")}
    assert ("OLD_MOVED" in chosen) == moves
    assert not moves or not (chosen["OLD_MOVED"] and chosen["OLD"])
    assert not moves or chosen["OLD_MOVED"]


def test_what_would_be_moved_may_be_gone_in_a_future(desk):
    """Where its site is closed, the move is a new warehouse like others."""
    parent = desk.with_options(moving)
    study = "baselines: false, candidates: \"option_id == 'OLD_MOVED'\", closable: \"option_id == 'OLD'\""
    closed = "futures: {closures: [{table: sites, id: WH_OLD}]}"
    ran = desk.run(f"study: {{kind: siting, {study}, {closed}}}\nsolver: {{gap: 0.001}}", parent=parent)
    assert ran.code in (0, 4), ran.err
    assert {row["future"] for row in table(ran, "siting_regret")} == {"as planned", "closed WH_OLD"}


def test_a_move_whose_place_may_not_be_closed_is_told(desk):
    parent = desk.with_options(moving)
    problems = desk.refused("study: {kind: siting, candidates: \"option_id == 'OLD_MOVED'\"}", parent=parent)
    assert any("OLD_MOVED can only open where OLD closes" in line for line in problems), problems


def test_moves_that_exist_or_are_closed_are_no_matter(desk):
    """A move that was made, and one that is out of the question."""
    for status in ("existing", "closed"):
        parent = desk.with_options(
            lambda rows, status=status: [
                {**row, "status": status} if row["option_id"] == "OLD_MOVED" else row for row in moving(rows)
            ]
        )
        sites = (
            "changes: [{set: {table: sites, where: \"site_id == 'WH_B'\", column: status, value: existing}}]"
        )
        ran = desk.run(f"study: {{kind: siting, baselines: false}}\n{sites}\n{ROUGH}", parent=parent)
        assert ran.code == 0, ran.err


@pytest.mark.parametrize("limits", ["", "limits: {load: [{mode: air, min_t: 350}]}"])
def test_a_year_without_cargo_is_an_answer(desk, limits):
    """Rules of thumb then have no markets, and a floor cannot be kept."""
    changes = "changes:\n  - scale_demand: {factor: 0, years: [2022]}"
    ran = desk.run(f"years: [2021, 2022]\nstudy: {{kind: siting}}\n{limits}\n{changes}\n{ROUGH}")
    assert ran.code == (3 if limits else 0), ran.err
    assert verified(ran.folder)


@pytest.mark.parametrize(
    ("study", "said"),
    [
        ("futures: {rates: [2018]}", "rate_levels.csv tells no rates of 2018"),
        ("within: 0.1", "within limits alternatives, and none are asked for"),
    ],
)
def test_settings_that_change_nothing_are_told(desk, study, said):
    ran = desk.run(f"study: {{kind: siting, baselines: false, {study}}}\n{ROUGH}")
    assert ran.code == 0, ran.err
    assert said in ran.err


def test_a_limit_out_of_reach_needs_no_search(desk):
    """Even with all open nothing arrives in an hour: no plan but what exists is tried."""
    limits = "limits:\n  min_promise_share:\n    - {share: 1, days: 0.05, where: \"segment == 'stocked'\"}"
    ran = desk.run(f"study: {{kind: siting, baselines: false}}\n{limits}\n{ROUGH}")
    assert ran.code == 3, ran.err
    assert "with every candidate open it is 0.00% at best" in ran.err
    assert "no set of sites keeps all rules of the study (proven)" in ran.err
    assert {row["kind"] for row in table(ran, "siting_plans")} == {"base"}


def test_rules_that_leave_too_little_room_are_a_proof(desk):
    """Nothing may open, and there is less room than cargo: how much is missing is told, and where."""
    changes = "changes:\n  - scale_demand: {factor: 5, where: \"segment == 'stocked'\"}"
    ran = desk.run(f"study: {{kind: siting, baselines: false, counts: [{{most: 0}}]}}\n{changes}\n{ROUGH}")
    assert ran.code == 3, ran.err
    missing = re.search(
        r"(\w+) 2021: ([\d,]+) t / ([\d,]+) t to be stocked find no room; .* ([\d,]+) t ", ran.err
    )
    assert missing, ran.err
    short, asked, room = (float(part.replace(",", "")) for part in missing.groups()[1:])
    assert short == asked - room
    assert "no set of sites that keeps the rules of the study holds all cargo (proven)" in ran.err
    assert verified(ran.folder)


def test_a_warehouse_that_exists_where_nothing_is_is_refused(desk):
    """What opens the site for another one would bring it for free."""
    change = "{table: warehouse_options, where: \"option_id == 'A_BUILD'\", column: status, value: existing}"
    problems = desk.refused(f"study: {{kind: siting}}\nchanges:\n  - set: {change}")
    assert any(
        "warehouse_options.csv:" in line and "A_BUILD is 'existing', but its site WH_A is not" in line
        for line in problems
    ), problems


def test_a_frontier_of_money_weighs_days_too(desk):
    """The objective knows no time; a plan at a high worth of it is no slower, and no cheaper."""
    ran = desk.run(
        "objective: money\n"
        "study: {kind: siting, baselines: false, frontier: [0.1, 100]}\n"
        "solver: {gap: 0.001}"
    )
    assert ran.code in (0, 4), ran.err
    assert verified(ran.folder)
    plans = {(row["kind"], row["name"]): row for row in table(ran, "siting_plans")}
    best, hasty = plans["best", "best"], plans["frontier", "100"]
    assert hasty["days_p90"] <= best["days_p90"]
    assert hasty["value_cny"] >= best["bound_cny"]


def test_a_move_from_nowhere_is_refused(desk):
    parent = desk.with_options(
        lambda rows: [
            {**row, "moves_from": "A_LEASE"} if row["option_id"] == "B_ACQUIRE" else row for row in rows
        ]
    )
    problems = desk.refused("study: {kind: siting}", parent=parent)
    assert any(
        "moves_from: B_ACQUIRE moves 'A_LEASE', which is no existing warehouse" in line for line in problems
    ), problems


def test_a_budget_for_all_years_holds(desk):
    """B_ACQUIRE costs 500,000 and A_BUILD 300,000: together they are too dear."""
    study = "study: {kind: siting, baselines: false, budgets: [{total_cny: 600000}]}"
    ran = desk.run(f"years: [2021, 2022]\n{study}\nsolver: {{gap: 0.001}}", parent="two")
    assert ran.code == 0, ran.err
    assert verified(ran.folder)
    assert sum(row["capex_cny"] for row in table(ran, "siting_years")) <= 600000
    (poor,) = desk.refused(
        "study: {kind: siting, budgets: [{total_cny: 1}]}",
        parent=desk.with_options(
            lambda rows: [row for row in rows if row.get("capex_cny") or row.get("status") == "existing"]
        ),
    )
    assert "budget of 1 CNY pays for none" in poor
