"""Cargo that may be sold directly or from stock, against the program of all paths.

The other side writes the program down anew: every path of either channel may serve a tier's demand, and no
more than the product's share goes from stock.
"""

from dataclasses import dataclass, replace
from itertools import product

import numpy as np
import pytest
from scipy.optimize import linprog
from scipy.sparse import coo_array

from logistics.models.flow.column_generation import FlowModel, StopRule
from logistics.models.placement.search import PlacementSearch
from logistics.network.checks import check_tables
from logistics.studies.changed_tables import with_changes
from logistics.studies.siting_candidates import candidates_of
from logistics.studies.siting_channels import most_stocked, split_changes, with_channels
from logistics.studies.siting_problem import sited_years
from logistics.studies.siting_spec import SitingSpec
from logistics.studies.year_flow import Question
from logistics.verification.books import WEIGHTS
from logistics.virtual_network.build import build_instance
from tests.test_flow_brute_force import BruteForce
from tests.tiny import random_network
from tests.tiny_siting import annual_cny, changed

YEAR, PRICE, GAP = 2021, 3e5, 1e-6
TO_THE_END = StopRule(gap=1e-8, time_limit_s=60.0)
SEEDS = [*range(8), *(pytest.param(seed, marks=pytest.mark.fuzz) for seed in range(8, 40))]
EVERYTHING = "tonnes_per_year > 0"


def random_channels(seed):
    """A random network whose channels have the same tiers, and more demand that may be stocked."""
    r = np.random.default_rng([seed, 31])
    network = random_network(seed)
    tiers = {}
    for row in network.rows("time_values"):
        if row["segment"] == "direct":
            tiers.setdefault(row["product_id"], []).append(row)
    rows = [row for row in network.rows("time_values") if row["segment"] != "stocked"]
    rows += [
        {**row, "segment": "stocked", "value_share_per_day": float(r.uniform(0, 0.01))}
        for some in tiers.values()
        for row in some
    ]
    network = network.with_table("time_values", _table(network, "time_values", rows))
    network = changed(
        network, "products", lambda _: {"stockable_share_max": float(r.choice((0.0, 0.3, 0.7, 1.0)))}
    )
    network = changed(
        network,
        "demand",
        lambda d: (
            {"segment": str(r.choice(("direct", "stocked")))}
            if d["origin_site"].startswith("CL_") and r.random() < 0.6
            else {}
        ),
    )
    assert not [p for p in check_tables(network) if p.severity == "error"]
    return network


def _table(network, name, rows):
    return type(network.tables[name]).from_pylist(rows, schema=network.tables[name].schema)


@dataclass
class AllWays:
    """The program of all paths of a network in which some cargo may be sold either way."""

    network: object
    channels: tuple

    def cost(self):
        """Least cost, unserved cargo at its price."""
        tonnes = {row["demand_id"]: row["tonnes_per_year"] for row in self.network.rows("demand")}
        pair_of = {name: i for i, one in enumerate(self.channels) for name in (one.direct_id, one.stocked_id)}
        whole, most = {}, {}
        for i, one in enumerate(self.channels):
            whole[i] = tonnes[one.direct_id] + tonnes[one.stocked_id]
            most[i] = max(one.stockable_share_max * whole[i], tonnes[one.stocked_id])
        # With some cargo in each row, all paths of both channels are there.
        both = changed(
            self.network, "demand", lambda d: {"tonnes_per_year": 1.0} if d["demand_id"] in pair_of else {}
        )
        brute = BruteForce.of(build_instance(both, YEAR, "generalised", PRICE))
        c = brute.instance.commodities
        group = [pair_of.get(name, (name, tier)) for name, tier in zip(c.demand_id, c.tier, strict=True)]
        groups = list(dict.fromkeys(group))
        demand = np.zeros(len(groups))
        for k, one in enumerate(group):
            demand[groups.index(one)] = whole[one] if one in whole else c.demand_t[k]
        stocked = {one.stocked_id: i for i, one in enumerate(self.channels)}
        paths, rows, columns, amounts = len(brute.cost), [], [], []
        resources = len(brute.instance.resources)
        for i, taken in enumerate(brute.draws):
            name = c.demand_id[brute.commodity[i]]
            for row, amount in taken.items():
                rows.append(row), columns.append(i), amounts.append(amount)
            if name in stocked:
                rows.append(resources + stocked[name]), columns.append(i), amounts.append(1.0)
        room = np.append(brute.instance.capacity, [most[i] for i in range(len(self.channels))])
        shape = paths + len(groups)
        capacity = coo_array((amounts, (rows, columns)), shape=(len(room), shape)).tocsr()
        served = [groups.index(group[k]) for k in brute.commodity] + list(range(len(groups)))
        balance = coo_array((np.ones(shape), (served, np.arange(shape))), shape=(len(groups), shape)).tocsr()
        cost = np.append(brute.cost, np.full(len(groups), PRICE))
        answer = linprog(cost, A_ub=capacity, b_ub=room, A_eq=balance, b_eq=demand, method="highs")
        assert answer.status == 0
        return float(answer.fun)


def question(network):
    """What is asked of the year."""
    return Question(
        network=network,
        year=YEAR,
        weights=WEIGHTS["generalised"],
        unserved_cny_per_t=PRICE,
        allow_unserved=True,
        limits=(),
        gap=GAP,
        time_limit_s=60.0,
    )


@pytest.mark.parametrize("seed", SEEDS)
def test_flows_choose_the_channel_as_the_program_of_all_paths_does(seed):
    network, channels = with_channels(random_channels(seed), EVERYTHING)
    either = {one.direct_id: one.stocked_id for one in channels}
    instance = build_instance(most_stocked(network, channels), YEAR, "generalised", PRICE, (), either)
    found = FlowModel(instance, TO_THE_END).solve()
    true = AllWays(network, channels).cost()
    assert found.status == "optimal"
    assert found.objective == pytest.approx(true, rel=1e-7)
    assert found.bound <= true * (1 + 1e-9)
    # Split as the flows say, the network without a choice costs as much.
    split = with_changes(network, split_changes(network, channels, instance, found))
    again = FlowModel(build_instance(split, YEAR, "generalised", PRICE), TO_THE_END).solve()
    assert again.objective == pytest.approx(true, rel=1e-7)


@pytest.mark.parametrize("seed", SEEDS)
def test_rows_of_channels_change_nothing_by_themselves(seed):
    network = random_channels(seed)
    entered, channels = with_channels(network, EVERYTHING)
    before, after = (
        FlowModel(build_instance(one, YEAR, "generalised", PRICE), TO_THE_END).solve().objective
        for one in (network, entered)
    )
    assert after == pytest.approx(before, rel=1e-7)
    assert {name for one in channels for name in (one.direct_id, one.stocked_id)} <= set(
        entered.texts("demand", "demand_id")
    )


@pytest.mark.parametrize("seed", SEEDS)
def test_search_finds_the_best_warehouses_where_channels_compete(seed):
    r = np.random.default_rng([seed, 32])
    network = changed(
        random_channels(seed),
        "warehouse_options",
        lambda _: {"status": "option", "fixed_cny_per_year": float(r.uniform(0, 3e5))},
    )
    network, channels = with_channels(network, EVERYTHING)
    spec = SitingSpec.model_validate({"kind": "siting", "channels": EVERYTHING, "one_per_site": False})
    found = candidates_of(network, None, None)
    sited = sited_years(spec, [question(network)], found, channels)
    search = PlacementSearch(sited.problem, [()], GAP, 60.0)
    answer = search.solve([sited.base_taken])
    best = np.inf
    for chosen in product((False, True), repeat=len(found)):
        ids = {one.id for one, taken in zip(found, chosen, strict=True) if taken}
        sites = {one.site_id for one in found if one.id in ids}
        opened = changed(
            network,
            "warehouse_options",
            lambda o, ids=ids: {"status": "existing" if o["option_id"] in ids else "closed"},
        )
        opened = changed(
            opened, "sites", lambda s, at=sites: {"status": "existing"} if s["site_id"] in at else {}
        )
        fixed = sum(annual_cny(one.option) for one in found if one.id in ids)
        best = min(best, fixed + AllWays(opened, channels).cost())
    assert answer.best is not None
    assert answer.best.value == pytest.approx(best, rel=2e-6)
    assert answer.bound <= best * (1 + 1e-9)
    assert answer.status == "optimal"
    # What is written to the tables is the plan.
    written = replace(
        question(network), network=with_changes(network, sited.changes(0, answer.best))
    ).compiled()[0]
    again = FlowModel(written, TO_THE_END).solve().objective
    fixed = sum(annual_cny(one.option) for one in found if one.id in sited.open_now(0, answer.best.taken))
    assert again + fixed == pytest.approx(best, rel=2e-6)


def test_share_that_may_be_stocked_is_of_both_channels_together():
    network, channels = with_channels(random_channels(3), EVERYTHING)
    tonnes = {row["demand_id"]: row["tonnes_per_year"] for row in network.rows("demand")}
    full = {
        row["demand_id"]: row["tonnes_per_year"] for row in most_stocked(network, channels).rows("demand")
    }
    assert channels
    for one in channels:
        whole = tonnes[one.direct_id] + tonnes[one.stocked_id]
        assert full[one.direct_id] + full[one.stocked_id] == pytest.approx(whole)
        assert full[one.stocked_id] == pytest.approx(
            max(one.stockable_share_max * whole, tonnes[one.stocked_id])
        )
