"""Orders that come back to the warehouse that served them: once more to the door, once more put away."""

import json
import shutil
import sys
from collections import defaultdict

import numpy as np
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest

from logistics.__main__ import main
from logistics.limits import PlanLimit
from logistics.reports.sections.returned import returned_blocks
from logistics.reports.source import read_results
from logistics.results.read import read_inputs
from logistics.studies.year_flow import Question, checked_year, solved_year
from logistics.verification.books import WEIGHTS, YearBooks
from logistics.verification.walk import walk_plan
from tests.test_command_line import command_line
from tests.test_hand_made_plan import BILL_CNY, BY_HAND, OBJECTIVE_CNY
from tests.test_results_folder import read_document
from tests.test_siting_claims import altered, found, named, rows
from tests.test_siting_study import Project
from tests.tiny import THREE_GATEWAYS, random_network
from tests.tiny_siting import changed

A_TENTH = """\
changes:
  - set: {table: product_segments, where: "segment == 'stocked'", column: return_share, value: 0.1}
"""
SCENARIO = f"""\
schema: 1
name: {{zh: 退货, en: Returns}}
network: three_gateways
year: 2021
objective: generalised
{A_TENTH}"""
BACK_CNY_PER_T = 130 + 500 * 5 + 50
"""100 km from the warehouse to the door at 30 + 1 a km, 500 orders at 5, put away at 50."""


def test_a_plan_by_hand_pays_for_what_comes_back(tmp_path, capsys):
    """A tenth of 200 t of stocked cargo comes back; the bill has that line, and nothing else changes."""
    shutil.copytree(THREE_GATEWAYS, tmp_path / "networks" / "three_gateways")
    shutil.copytree(BY_HAND, tmp_path / "hand")
    (tmp_path / "scenarios").mkdir()
    path = tmp_path / "scenarios" / "returns.yaml"
    path.write_text(SCENARIO, encoding="utf-8")
    arguments = ["verify", tmp_path / "hand", "--scenario", path, "--json"]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sys, "argv", ["logistics", *map(str, arguments)])
        with pytest.raises(SystemExit) as ended:
            main()
    said = capsys.readouterr()
    assert ended.value.code == 0, said
    year = json.loads(said.out)["years"]["2021"]
    back = 0.1 * 200 * BACK_CNY_PER_T
    assert year["bill_cny"]["returns"] == pytest.approx(back)
    for item, cny in BILL_CNY.items():
        assert year["bill_cny"][item] == pytest.approx(cny, abs=1e-6)
    assert year["objective"] == pytest.approx(OBJECTIVE_CNY + back)


def returning(seed):
    """A random network, and one whose orders come back by product."""
    r = np.random.default_rng([seed, 5])
    share = {name: r.uniform(0, 0.4) for name in ("dense", "light")}
    network = random_network(seed)
    return network, changed(
        network, "product_segments", lambda row: {"return_share": share[row["product_id"]]}
    )


def asked(network, objective, limits=()):
    """A question without a price of unserved demand, which may stay."""
    return Question(network, 2021, WEIGHTS[objective], None, True, tuple(limits), 1e-6, 60.0)


@pytest.mark.parametrize("objective", ["generalised", "co2"])
@pytest.mark.parametrize("seed", range(12))
def test_engine_and_check_agree(seed, objective):
    """On random networks with returns by product the check finds the plan's cost and its bound."""
    _, network = returning(seed)
    question = asked(network, objective)
    instance, _ = question.compiled()
    outcome, _ = solved_year(question, instance, lambda _: None)
    checked = checked_year(question, instance, outcome.solved)
    assert not checked.verdict.violations
    assert checked.verdict.bound_proof == "certificate"
    assert checked.verdict.objective == pytest.approx(outcome.solved.objective, rel=1e-9)
    stocked = any(layer.stocked for layer in instance.layers)
    paid = any(row["segment"] == "stocked" for row in network.rows("demand"))
    assert stocked == paid


@pytest.mark.parametrize("seed", range(5))
def test_the_way_back_emits_once_more(seed):
    """Of one plan without returns and with them, CO2 differs by the last legs of what returns."""
    plain, network = returning(seed)
    question = asked(plain, "co2")
    instance, _ = question.compiled()
    outcome, _ = solved_year(question, instance, lambda _: None)
    before, after = (
        walk_plan(YearBooks(some, 2021), outcome.plan, WEIGHTS["co2"]).totals.co2_t
        for some in (plain, network)
    )
    share = {row["product_id"]: row["return_share"] for row in network.rows("product_segments")}
    product = {row["demand_id"]: row["product_id"] for row in network.rows("demand")}
    ledger, back_kg = YearBooks(network, 2021).ledger, 0.0
    stored = {row["path_id"] for row in outcome.plan.steps.to_pylist() if row["action"] == "store"}
    last = {row["path_id"]: row for row in outcome.plan.steps.to_pylist() if row["action"] == "deliver"}
    for row in outcome.plan.flows.to_pylist():
        if row["path_id"] in stored:
            step = last[row["path_id"]]
            _, _, kg = ledger.road(step["site_id"], step["to_site_id"], sealed=False)
            back_kg += row["tonnes"] * share[product[row["demand_id"]]] * kg
    assert back_kg > 0
    assert after - before == pytest.approx(back_kg / 1000, rel=1e-9, abs=1e-9)


@pytest.mark.parametrize("seed", range(8))
def test_a_limit_on_co2_counts_what_comes_back(seed):
    """Halfway between the least and what is best without a limit; the bound is certified with its price."""
    _, network = returning(seed)
    ends = []
    for objective in ("co2", "generalised"):
        question = asked(network, objective)
        outcome, _ = solved_year(question, question.compiled()[0], lambda _: None)
        ends.append(outcome.verdict.totals.co2_t)
    question = asked(network, "generalised", [PlanLimit("max_co2_t", "co2", sum(ends) / 2)])
    instance, _ = question.compiled()
    outcome, _ = solved_year(question, instance, lambda _: None)
    checked = checked_year(question, instance, outcome.solved)
    assert not checked.verdict.violations
    assert checked.verdict.bound_proof == "certificate"
    assert checked.verdict.totals.co2_t <= sum(ends) / 2 * (1 + 1e-6)


@pytest.fixture(scope="module")
def told(tmp_path_factory):
    """A siting whose result tells of returns."""
    ran = Project(tmp_path_factory.mktemp("back")).run(
        f"study: {{kind: siting, baselines: false}}\nsolver: {{gap: 0.001}}\n{A_TENTH}"
    )
    assert ran.code in (0, 4), ran.err
    return ran.folder


@pytest.fixture
def result(told, tmp_path):
    """A folder of its own for a test."""
    return shutil.copytree(told, tmp_path / "back")


def test_a_tenth_of_what_is_stocked_comes_back_in_both_plans(told):
    """Tonnes by market are a tenth of its stocked demand, and money is that of the bills."""
    document = read_document(told)
    due = defaultdict(float)
    for row in read_inputs(told).networks[2021].rows("demand"):
        if row["segment"] == "stocked":
            due[row["destination_site"]] += 0.1 * row["tonnes_per_year"]
    bills = {"": document["by_year"]["2021"]["bill_cny"]}
    bills |= {name: plan["bill_cny"] for name, plan in document["plans"].items()}
    assert bills.keys() == {"", "2021-siting"}
    for name, bill in bills.items():
        mine = [row for row in rows(told, "returns") if row["plan_id"] == name]
        tonnes = defaultdict(float)
        for row in mine:
            tonnes[row["market_id"]] += row["tonnes"]
        assert tonnes == pytest.approx(due)
        assert sum(row["cny"] for row in mine) == pytest.approx(bill["returns"])
        assert all(row["co2_kg"] > 0 for row in mine)
    before, after = (
        {row["option_id"] for row in rows(told, "returns") if row["plan_id"] == name} for name in bills
    )
    assert before != after


@pytest.mark.parametrize("column", ["tonnes", "cny"])
def test_other_returns_are_found(result, column):
    altered(result / "returns.parquet", column, lambda value: value * 1.001)
    assert named(found(result), "verify.bill", f"returns.parquet:{column}:")


def test_returns_that_are_left_out_are_found(result):
    kept = pq.read_table(result / "returns.parquet")
    pq.write_table(kept.filter(pc.equal(kept["plan_id"], "")), result / "returns.parquet")
    assert named(found(result), "verify.bill", "returns.parquet:tonnes:", "2021-siting")


def test_a_year_without_a_plan_tells_of_no_returns(tmp_path):
    """What exists breaks a limit that a candidate keeps: only the chosen plan has returns."""
    ran = Project(tmp_path).run(
        "study: {kind: siting, baselines: false}\n"
        "limits:\n  min_promise_share:\n"
        "    - {share: 0.9, days: 1.35, where: \"destination_site == 'MK_DE' and segment == 'stocked'\"}\n"
        f"solver: {{gap: 0.001}}\n{A_TENTH}"
    )
    assert ran.code in (0, 4), ran.err
    assert {row["plan_id"] for row in rows(ran.folder, "returns")} == {"2021-siting"}
    assert command_line("verify", ran.folder, "--json").code == 0


def test_the_page_shows_returns_of_the_chosen_plan(told):
    (table,) = returned_blocks(read_results(told), 2021)
    chosen = [row for row in rows(told, "returns") if row["plan_id"] == "2021-siting"]
    assert len(table.rows) == len({row["site_id"] for row in chosen})
    assert sum(row.cells[3].value for row in table.rows) == pytest.approx(sum(row["cny"] for row in chosen))
