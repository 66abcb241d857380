"""Safety stock that grows with the root of a warehouse's throughput: bounds hold, plans are priced exactly.

What a plan costs is worked out here from its tables: stock is planned for what goes through, and the flow is
solved anew until that settles.
"""

from dataclasses import replace

import numpy as np
import pyarrow.parquet as pq
import pytest

from logistics.models.flow.column_generation import FlowModel, StopRule
from logistics.models.placement.pooling import throughput
from logistics.models.placement.search import PlacementSearch
from logistics.network.checks import check_tables
from logistics.studies.changed_tables import with_changes
from logistics.studies.siting_candidates import candidates_of
from logistics.studies.siting_problem import sited_years
from logistics.studies.siting_spec import SitingSpec
from logistics.studies.siting_stock import with_pooling
from logistics.virtual_network.build import build_instance
from tests.test_limits import verified
from tests.test_siting_channels import question
from tests.test_siting_study import Project
from tests.tiny import random_network
from tests.tiny_siting import annual_cny, changed

YEAR, PRICE, GAP = 2021, 3e5, 1e-6
TO_THE_END = StopRule(gap=1e-8, time_limit_s=60.0)
SEEDS = [*range(8), *(pytest.param(seed, marks=pytest.mark.fuzz) for seed in range(8, 30))]


class Pooled:
    """One random question whose warehouses pool risks, and what its sets cost."""

    def __init__(self, seed):
        self.r = np.random.default_rng([seed, 61])
        network = random_network(seed)
        whole = sum(row["tonnes_per_year"] for row in network.rows("demand"))
        network = changed(
            network,
            "demand",
            lambda d: (
                {"segment": "stocked"} if d["origin_site"].startswith("CL_") and self.r.random() < 0.7 else {}
            ),
        )
        network = changed(
            network,
            "warehouse_options",
            lambda _: {
                "status": "option" if self.r.random() < 0.7 else "existing",
                "fixed_cny_per_year": float(self.r.uniform(0, 1e5)),
            },
        )
        self.network = with_pooling(network, whole / 4.0)
        assert not [p for p in check_tables(self.network) if p.severity == "error"]
        self.candidates = candidates_of(self.network, None, None)
        spec = SitingSpec.model_validate({"kind": "siting", "one_per_site": False})
        self.sited = sited_years(spec, [question(self.network)], self.candidates)

    def cost(self, ids):
        """Cost of a set, its stock planned for what goes through; and that."""
        sites = {one.site_id for one in self.candidates if one.id in ids}
        opened = changed(
            self.network,
            "warehouse_options",
            lambda o: {"status": "existing"} if o["option_id"] in ids else {},
        )
        opened = changed(opened, "sites", lambda s: {"status": "existing"} if s["site_id"] in sites else {})
        fixed = sum(annual_cny(one.option) for one in self.candidates if one.id in ids)
        planned = {}
        for _ in range(30):
            network = changed(
                opened,
                "warehouse_options",
                lambda o, known=planned: {"planned_t_per_year": known.get(o["option_id"])},
            )
            instance = build_instance(network, YEAR, "generalised", PRICE)
            flow = FlowModel(instance, TO_THE_END).solve()
            drawn = throughput(instance, flow)
            if all(abs(t - planned.get(o, 0.0)) <= 1e-9 * t for o, t in drawn.items()):
                return flow.objective + fixed
            # What a warehouse without cargo had stays planned: forgotten, it would be as cheap as before and
            # cargo would come and go for ever.
            planned = planned | drawn
        return None


@pytest.mark.parametrize("seed", SEEDS)
def test_no_set_costs_less_than_the_bound_and_the_plan_costs_what_it_says(seed):
    case = Pooled(seed)
    answer = PlacementSearch(case.sited.problem, [()], GAP, 60.0).solve([case.sited.base_taken])
    assert answer.best is not None
    ids = {one.id for one in case.candidates}
    sets = [
        set(),
        ids,
        *(set(case.r.choice(sorted(ids), size=len(ids) // 2, replace=False)) for _ in range(2) if ids),
    ]
    costs = [case.cost(some) for some in sets]
    assert None not in costs
    assert answer.bound <= min(costs) * (1 + 1e-8)
    # Its tables, solved anew, cost as much: stock is planned for what goes through.
    written = with_changes(case.network, case.sited.changes(0, answer.best))
    instance = build_instance(written, YEAR, "generalised", PRICE)
    again = FlowModel(instance, TO_THE_END).solve()
    open_now = case.sited.open_now(0, answer.best.taken)
    fixed = sum(annual_cny(one.option) for one in case.candidates if one.id in open_now)
    assert again.objective + fixed <= answer.best.value * (1 + 3e-6)
    assert answer.bound <= again.objective + fixed


def test_plans_cost_more_than_the_bound_counts():
    """Their stock is planned for what goes through, and the bound counts it for the most that can."""
    more = 0
    for seed in range(8):
        case = Pooled(seed)
        plain = replace(case.sited, problem=replace(case.sited.problem, pooling=None))
        pooled, counted = (
            PlacementSearch(one.problem, [()], GAP, 60.0).solve([one.base_taken]).best.value
            for one in (case.sited, plain)
        )
        assert pooled >= counted * (1 - 1e-9)
        more += pooled > counted * (1 + 1e-5)
    assert more >= 3


def test_the_study_plans_stock_for_throughput_and_says_by_how_much_it_is_off(tmp_path):
    desk = Project(tmp_path)
    ran = desk.run(
        "study: {kind: siting, pooled_from_t_per_year: 100, baselines: false}\nsolver: {gap: 0.01}"
    )
    assert ran.code == 0, ran.err
    assert verified(ran.folder)
    rows = pq.read_table(ran.folder / "siting_stock.parquet").to_pylist()
    assert rows
    for row in rows:
        assert row["pooling"] == pytest.approx(np.sqrt(100 / row["throughput_t"]))
        assert row["counted_cny"] <= row["safety_cny"] * (1 + 1e-9)
        assert row["safety_cny"] - row["counted_cny"] <= row["largest_error_cny"] * (1 + 1e-9)
