"""Markets that are each served from one place alone, against every set of warehouses and every assignment.

The other side writes each assignment into the tables and solves the flow from nothing.
"""

from dataclasses import replace
from functools import cached_property
from itertools import product

import numpy as np
import pytest

from logistics.models.flow.column_generation import FlowModel, StopRule
from logistics.models.placement.search import PlacementSearch
from logistics.network.checks import check_tables
from logistics.studies.changed_tables import with_changes
from logistics.studies.compiled import instance_reachable
from logistics.studies.siting_candidates import candidates_of
from logistics.studies.siting_channels import with_channels
from logistics.studies.siting_problem import sited_years
from logistics.studies.siting_spec import SitingSpec
from logistics.virtual_network.build import build_instance
from tests.test_siting_channels import EVERYTHING, AllWays, question, random_channels
from tests.tiny import random_network
from tests.tiny_siting import annual_cny, changed, with_rows

YEAR, PRICE, GAP = 2021, 3e5, 1e-6
TO_THE_END = StopRule(gap=1e-8, time_limit_s=60.0)
SEEDS = [*range(4), *(pytest.param(seed, marks=pytest.mark.fuzz) for seed in range(4, 24))]


class Markets:
    """One random question, and its answer by trying everything.

    Parameters
    ----------
    channels
        Whether cargo may be sold directly instead.
    price
        Of what is not served; None: all that can be is.
    """

    def __init__(self, seed, *, channels=False, price=PRICE):
        self.price = price
        r = np.random.default_rng([seed, 41])
        network = random_channels(seed) if channels else random_network(seed)
        network = self._more_markets(network, r)
        whole = sum(row["tonnes_per_year"] for row in network.rows("demand"))
        self.network = changed(
            network,
            "warehouse_options",
            lambda _: {
                "status": "option" if r.random() < 0.7 else "existing",
                "fixed_cny_per_year": float(r.uniform(0, 2e5)),
                "capacity_t_per_year": whole * (r.uniform(0.2, 0.8) if r.random() < 0.5 else 3.0),
            },
        )
        self.channels = ()
        if channels:
            self.network, self.channels = with_channels(self.network, EVERYTHING)
        assert not [p for p in check_tables(self.network) if p.severity == "error"]

    @staticmethod
    def _more_markets(network, r):
        """A second market in the first territory abroad, with stocked cargo at both."""
        first = next(
            s for s in network.rows("sites") if s["kind"] == "market" and s["customs_territory"] != "CN"
        )
        moved = {"site_id": "MK_2", "lat": first["lat"] + 0.5, "lon": first["lon"] + 0.5}
        network = with_rows(network, "sites", [{**first, **moved}])
        mine = [row for row in network.rows("last_mile") if row["site_id"] == first["site_id"]]
        network = with_rows(
            network,
            "last_mile",
            [{**row, "site_id": "MK_2", "last_mile_id": f"MK_2_{row['channel']}"} for row in mine],
        )
        like = network.rows("demand")[0]
        more = [
            {
                **like,
                "origin_site": "CL_A",
                "destination_site": market,
                "product_id": goods,
                "segment": "stocked",
                "demand_id": f"S_{market}_{goods}",
                "tonnes_per_year": float(r.uniform(10, 100)),
            }
            for market in (first["site_id"], "MK_2")
            for goods in ("dense", "light")
        ]
        return with_rows(network, "demand", more)

    @cached_property
    def sited(self):
        """What the engine is asked."""
        spec = SitingSpec.model_validate({"kind": "siting", "single_source": True, "one_per_site": False})
        found = candidates_of(self.network, None, None)
        asked = replace(question(self.network), unserved_cny_per_t=self.price)
        return sited_years(spec, [asked], found, self.channels)

    @cached_property
    def answer(self):
        """Of a search that has ended."""
        return PlacementSearch(self.sited.problem, [()], GAP, 60.0).solve([self.sited.base_taken])

    @cached_property
    def true(self):
        """Least cost over every set of warehouses and every assignment of markets."""
        options = self.network.rows("warehouse_options")
        new = [row for row in options if row["status"] == "option"]
        best = np.inf
        for chosen in product((False, True), repeat=len(new)):
            ids = {row["option_id"] for row, taken in zip(new, chosen, strict=True) if taken}
            fixed = sum(annual_cny(row) for row in new if row["option_id"] in ids)
            best = min(best, fixed + min(self._assigned(ids)))
        return best

    def opened(self, ids):
        """The tables with these warehouses open."""
        opened = changed(
            self.network,
            "warehouse_options",
            lambda o: {"status": "existing"} if o["option_id"] in ids else {},
        )
        at = {o["site_id"] for o in opened.rows("warehouse_options") if o["status"] == "existing"}
        return changed(opened, "sites", lambda s: {"status": "existing"} if s["site_id"] in at else {})

    def _assigned(self, ids):
        """Cost of the flow under each assignment, with these warehouses open."""
        opened = self.opened(ids)
        open_at = {o["site_id"] for o in opened.rows("warehouse_options") if o["status"] == "existing"}
        territory = {s["site_id"]: s["customs_territory"] for s in opened.rows("sites")}
        markets = sorted({d["destination_site"] for d in opened.rows("demand")})
        ways = [[s for s in sorted(open_at) if territory[s] == territory[m]] or [""] for m in markets]
        for places in product(*ways):
            source = dict(zip(markets, places, strict=True))
            one = changed(opened, "sites", lambda s, at=source: {"stocked_from": at.get(s["site_id"], "")})
            if self.channels:
                yield AllWays(one, self.channels).cost()
            else:
                flow = FlowModel(build_instance(one, YEAR, "generalised", self.price), TO_THE_END).solve()
                left = 0.0 if self.price is not None else flow.unserved_t.sum() - self.lost_t
                yield flow.objective if left <= 1e-6 else np.inf

    @cached_property
    def lost_t(self):
        """Tonnes that nothing reaches, whatever is open."""
        ids = {row["option_id"] for row in self.network.rows("warehouse_options")}
        instance = build_instance(self.opened(ids), YEAR, "generalised")
        return instance.commodities.demand_t[~instance_reachable(instance)].sum()


@pytest.mark.parametrize("channels", [False, True], ids=["fixed", "free"])
@pytest.mark.parametrize("seed", SEEDS)
def test_search_finds_the_best_warehouses_and_sources(seed, channels):
    case = Markets(seed, channels=channels)
    answer = case.answer
    assert answer.best is not None
    assert answer.bound <= case.true * (1 + 1e-9)
    assert answer.best.value >= case.true * (1 - 3e-6)
    # Ways to assign are tried one by one in the end, which can take longer than there is time.
    assert answer.status == "optimal" or answer.gap < 5e-3
    if answer.status == "optimal":
        assert answer.best.value == pytest.approx(case.true, rel=3e-6)
    # What is written to the tables is the plan, and keeps what was asked.
    written = with_changes(case.network, case.sited.changes(0, answer.best))
    again = FlowModel(build_instance(written, YEAR, "generalised", PRICE), TO_THE_END).solve()
    open_now = case.sited.open_now(0, answer.best.taken)
    fixed = sum(annual_cny(one.option) for one in case.sited.candidates if one.id in open_now)
    assert again.objective + fixed == pytest.approx(answer.best.value, rel=3e-6)


@pytest.mark.parametrize("seed", SEEDS)
def test_nothing_stays_behind_where_all_is_to_be_served(seed):
    """Rooms decide then who can serve a market at all."""
    case = Markets(seed, price=None)
    if np.isinf(case.true):
        assert case.answer.status in ("infeasible", "no_plan")
        return
    assert case.answer.status == "optimal"
    assert case.answer.best.value == pytest.approx(case.true, rel=3e-6)
    assert case.answer.bound <= case.true * (1 + 1e-9)


def test_some_cases_cost_more_than_free_sources():
    """Else the tests above would show nothing."""
    dearer = 0
    for seed in range(8):
        case = Markets(seed)
        found = candidates_of(case.network, None, None)
        spec = SitingSpec.model_validate({"kind": "siting", "one_per_site": False})
        free = sited_years(spec, [question(case.network)], found)
        cost = PlacementSearch(free.problem, [()], GAP, 60.0).solve([free.base_taken]).best.value
        assert cost <= case.true * (1 + 3e-6)
        dearer += cost < case.true * (1 - 1e-4)
    assert dearer >= 2
