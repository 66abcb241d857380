"""Orders that come back to the warehouse that served them: once more to the door, once more put away."""

import json
import shutil
import sys

import numpy as np
import pytest

from logistics.__main__ import main
from logistics.studies.year_flow import Question, checked_year, solved_year
from logistics.verification.books import WEIGHTS
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


@pytest.mark.parametrize("seed", range(12))
def test_engine_and_check_agree(seed):
    """On random networks with returns by product the check finds the plan's cost and its bound."""
    r = np.random.default_rng([seed, 5])
    share = {name: r.uniform(0, 0.4) for name in ("dense", "light")}
    network = changed(
        random_network(seed), "product_segments", lambda row: {"return_share": share[row["product_id"]]}
    )
    question = Question(network, 2021, WEIGHTS["generalised"], 1e6, False, (), 1e-6, 60.0)
    instance, _ = question.compiled()
    outcome, _ = solved_year(question, instance, lambda _: None)
    checked = checked_year(question, instance, outcome.solved)
    assert not checked.verdict.violations
    assert checked.verdict.bound_proof == "certificate"
    stocked = any(layer.stocked for layer in instance.layers)
    paid = any(row["segment"] == "stocked" for row in network.rows("demand"))
    assert stocked == paid
