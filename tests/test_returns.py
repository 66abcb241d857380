"""Orders that come back to the warehouse that served them: once more to the door, once more put away."""

import json
import shutil
import sys

import numpy as np
import pytest

from logistics.__main__ import main
from logistics.limits import PlanLimit
from logistics.studies.year_flow import Question, checked_year, solved_year
from logistics.verification.books import WEIGHTS, YearBooks
from logistics.verification.walk import walk_plan
from tests.test_hand_made_plan import BILL_CNY, BY_HAND, OBJECTIVE_CNY
from tests.tiny import THREE_GATEWAYS, random_network
from tests.tiny_siting import changed

SCENARIO = """\
schema: 1
name: {zh: 退货, en: Returns}
network: three_gateways
year: 2021
objective: generalised
changes:
  - set: {table: product_segments, where: "segment == 'stocked'", column: return_share, value: 0.1}
"""
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
