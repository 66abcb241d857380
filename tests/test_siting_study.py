"""The study ``siting`` from the scenario file to the results folder and its check, on a tiny network.

``three_gateways`` gets warehouses to choose from, and more cargo for them. What the tables say is worked out
again: figures of cargo from the plans' own steps, costs of plans by solving tables in which they are open.
"""

import math
import re
import shutil
from collections import defaultdict
from functools import cached_property
from itertools import product

import numpy as np
import pyarrow.csv as pacsv
import pyarrow.parquet as pq
import pytest

from logistics.models.flow.column_generation import FlowModel, StopRule
from logistics.network.tables import BY_NAME
from logistics.scenario.case import read_case
from logistics.verification.books import YearBooks
from logistics.verification.walk import walked_path
from logistics.virtual_network.build import build_instance
from tests.test_limits import HEAD, Desk, verified
from tests.tiny import table_of, three_gateways
from tests.tiny_siting import annual_cny, changed

LAST = 2022
FEES = {"inbound_cny_per_t": 50.0, "inbound_h": 12.0, "pick_h": 6.0, "storage_cny_per_m3_day": 2.4}
EXISTING = (
    {"option_id": "OLD", "site_id": "WH_OLD", "pick_cny_per_order": 4.0, "fixed_cny_per_year": 4e5},
    {"option_id": "US_OLD", "site_id": "WH_US", "pick_cny_per_order": 8.0, "capacity_t_per_year": 1000.0},
)
CANDIDATES = (
    {"option_id": "A_LEASE", "site_id": "WH_A", "ownership": "lease", "size": "s", "pick_cny_per_order": 3.0,
     "capacity_t_per_year": 800.0, "fixed_cny_per_year": 6e4},
    {"option_id": "A_BUILD", "site_id": "WH_A", "ownership": "build", "size": "l", "pick_cny_per_order": 1.0,
     "capacity_t_per_year": 150.0, "capex_cny": 3e5, "life_years": 20.0, "ramp_up_first_year_share": 0.4},
    {"option_id": "B_ACQUIRE", "site_id": "WH_B", "ownership": "acquire", "size": "m",
     "pick_cny_per_order": 2.0, "capacity_t_per_year": 900.0, "fixed_cny_per_year": 3e4, "capex_cny": 5e5,
     "life_years": 30.0},
    {"option_id": "C_LEASE", "site_id": "WH_C", "ownership": "lease", "size": "m", "pick_cny_per_order": 3.0,
     "capacity_t_per_year": 700.0, "fixed_cny_per_year": 3e4},
    {"option_id": "C_LATE", "site_id": "WH_C", "ownership": "lease", "size": "l", "pick_cny_per_order": 2.5,
     "capacity_t_per_year": 900.0, "fixed_cny_per_year": 5e4, "opening_year": 2022},
    {"option_id": "D_SHARE", "site_id": "WH_DE", "ownership": "share", "size": "xs",
     "pick_cny_per_order": 3.9, "capacity_t_per_year": 500.0},
)  # fmt: skip
PLACES = {"WH_OLD": ("WH_DE", 50.6, 10.1, "existing"), "WH_US": ("MK_US", 34.2, -118.0, "existing")}
PLACES |= {"WH_A": ("WH_DE", 50.2, 10.0, "option"), "WH_B": ("WH_DE", 51.2, 10.4, "option")}
PLACES |= {"WH_C": ("MK_US", 34.05, -118.1, "option")}
"""Like which site, where, and whether it is there."""
DEMAND = (
    {"demand_id": "S2", "origin_site": "CL_A", "destination_site": "MK_US", "product_id": "dense",
     "segment": "stocked", "tonnes_per_year": 100.0},
    {"demand_id": "S3", "origin_site": "CL_B", "destination_site": "MK_DE", "product_id": "light",
     "segment": "stocked", "tonnes_per_year": 40.0},
)  # fmt: skip
TWO_YEARS = "changes:\n  - scale_demand: {factor: 1.3, years: [2022]}\n"
FULL = """\
years: [2021, 2022]
study:
  kind: siting
  closable: "option_id == 'OLD'"
  sweep: [1, 2]
  alternatives: 2
  frontier: [0.25]
  futures:
    rates: [2019]
    demand: [0.5]
    exchange: [1.2]
    closures:
      - {table: sites, id: WH_B}
"""
ROUGH = "solver: {gap: 0.001}"
"""A gap that prices close here: one year with small warehouses leaves 4e-4."""
TO_THE_END = StopRule(gap=1e-10, time_limit_s=60.0)
GAP = 1e-4
"""Gap of the study's searches."""


def sites_and_options():
    """Rows of sites and warehouse options of the project."""
    base = three_gateways()
    sites = {row["site_id"]: row for row in base.rows("sites")}
    kind = {"kind": "overseas_warehouse"}
    placed = [
        {**sites[like], **kind, "site_id": name, "lat": lat, "lon": lon, "status": status}
        for name, (like, lat, lon, status) in PLACES.items()
    ]
    existing = {**FEES, "ownership": "lease", "size": "m", "status": "existing", "capacity_t_per_year": 500.0}
    options = [{**existing, **row} for row in EXISTING]
    options += [{**FEES, "status": "option", **row} for row in CANDIDATES]
    return [*sites.values(), *placed], [*base.rows("warehouse_options"), *options]


class Project(Desk):
    """A project whose network has warehouses to choose from, and rate levels."""

    def __init__(self, root):
        super().__init__(root)
        sites, self.options = sites_and_options()
        self.table("sites", sites)
        self.table("warehouse_options", self.options)
        self.table("demand", [*three_gateways().rows("demand"), *DEMAND])
        named = {"what": "tariff", "region": "*", "year": 2019.0}
        self.table("rate_levels", [{**named, "mode": mode, "factor": 0.6} for mode in ("air", "rail", "sea")])
        self.write("two", f"{HEAD}extends: plain.yaml\n{TWO_YEARS}")

    def table(self, name, rows):
        """Write a table of the network."""
        made = table_of(BY_NAME[name], [{"source": "invented", "confidence": "high", **row} for row in rows])
        pacsv.write_csv(made, self.root / "networks" / "three_gateways" / f"{name}.csv")

    def with_options(self, change):
        """A network beside it, whose options are changed by a function of the rows; returns its name."""
        self._count += 1
        name, folder = f"other{self._count}", self.root / "networks"
        shutil.copytree(folder / "three_gateways", folder / name)
        made = table_of(
            BY_NAME["warehouse_options"],
            [{"source": "invented", "confidence": "high", **row} for row in change(list(self.options))],
        )
        pacsv.write_csv(made, folder / name / "warehouse_options.csv")
        return self.write(name, f"{HEAD}network: {name}\nyears: [2021]\n").stem


@pytest.fixture(scope="module")
def desk(tmp_path_factory):
    """A project of this module."""
    return Project(tmp_path_factory.mktemp("siting"))


@pytest.fixture(scope="module")
def ran(desk):
    """Two years with everything that the study can be asked for, verified from its files."""
    return desk.solved(FULL, parent="two")


class Truth:
    """What plans cost, by solving tables in which they are open.

    Parameters
    ----------
    scenario
        The scenario file.
    """

    def __init__(self, scenario):
        self.case = read_case(scenario)
        self._known = {}

    def network(self, year, open_now, closed=("OLD",)):
        """Tables of a year: these candidates are open, with so much room; OLD is not unless it is named."""
        network = self.case.networks[year]
        site = {row["option_id"]: row["site_id"] for row in network.rows("warehouse_options")}
        used = {site[name] for name in open_now}

        def opened(row):
            name = row["option_id"]
            if name in open_now:
                return {"status": "existing", "capacity_t_per_year": open_now[name]}
            return {"status": "closed"} if name in closed else {}

        network = changed(network, "warehouse_options", opened)
        return changed(network, "sites", lambda s: {"status": "existing"} if s["site_id"] in used else {})

    @cached_property
    def options(self):
        """Options by id."""
        return {row["option_id"]: row for row in self.case.networks[2021].rows("warehouse_options")}

    def flow(self, year, open_now):
        """Cost of a year's flow with the candidates that are open, by their room."""
        key = year, frozenset(open_now.items())
        if key not in self._known:
            instance = build_instance(self.network(year, open_now), year, "generalised")
            found = FlowModel(instance, TO_THE_END).solve()
            self._known[key] = found.objective if found.unserved_t.sum() < 1e-6 else math.inf
        return self._known[key]

    def steady(self, ids):
        """Cost of the last year with these options past their first year."""
        room = {name: self.options[name]["capacity_t_per_year"] for name in ids}
        return self.flow(LAST, room) + sum(annual_cny(self.options[name]) for name in ids)

    @cached_property
    def sets(self):
        """(cost of the last year, ids) of every set with one option a site, the cheapest first."""
        by_site = defaultdict(lambda: [None])
        for row in self.options.values():
            if row["status"] == "option":
                by_site[row["site_id"]].append(row["option_id"])
        chosen = [frozenset(filter(None, names)) for names in product(*by_site.values(), [None, "OLD"])]
        return sorted(((self.steady(names), names) for names in chosen), key=lambda item: item[0])


@pytest.fixture(scope="module")
def truth(ran):
    """Costs of plans on the tables of the run."""
    return Truth(ran.scenario)


def named(rows, kind):
    """Rows of a kind by name."""
    return {row["name"]: row for row in rows if row["kind"] == kind}


def ids_of(row):
    """Options of a row of plans."""
    return frozenset(filter(None, row["options"].split("|")))


# --- what goes through warehouses, from the plan's steps -------------------------------------------


def carried(ran, year, network):
    """(tonnes, option, money, hours, stock hours, CO2, FOB, orders a tonne) of a plan's stocked flows."""
    folder = ran.folder / "plans" / f"{year}-siting"
    steps = defaultdict(list)
    for row in pq.read_table(folder / "steps.parquet").to_pylist():
        steps[row["path_id"]].append(tuple(row.values())[3:])
    books = YearBooks(network, year)
    kg = {
        row["product_id"]: row["order_kg"]
        for row in network.rows("product_segments")
        if row["segment"] == "stocked"
    }
    found = []
    for row in pq.read_table(folder / "flows.parquet").to_pylist():
        demand = books.demand[row["demand_id"]]
        if demand["segment"] != "stocked" or row["tonnes"] <= 0:
            continue
        ends = demand["origin_site"], demand["destination_site"]
        figures = walked_path(books.rulebook(row["demand_id"]), *ends, tuple(steps[row["path_id"]]))
        number = books.product_row[demand["product_id"]]
        per_t = books.per_t(figures, number, 0.0)
        found.append(
            (
                row["tonnes"],
                figures.option,
                per_t["money"],
                per_t["customer_h"],
                books.stock_h(figures, number),
                per_t["co2_kg"],
                books.fob_cny_per_t(row["demand_id"]),
                1e3 / kg[demand["product_id"]],
            )
        )
    return found


def quantile(pairs, share):
    """The smallest hours within which a share of the orders arrives."""
    whole, reached = sum(n for _, n in pairs), 0.0
    for hours, number in sorted(pairs):
        reached += number
        if reached >= share * whole * (1 - 1e-12):
            return hours
    raise AssertionError("all orders arrive")


def figures_of(flows):
    """What the tables say of some flows."""
    tonnes = sum(f[0] for f in flows)
    money = sum(f[0] * f[2] for f in flows)
    orders = sum(f[0] * f[7] for f in flows)
    worth = sum(f[0] * f[6] for f in flows)
    pairs = [(f[3], f[0] * f[7]) for f in flows]
    within = {
        f"value_share_{n}d": sum(f[0] * f[6] for f in flows if f[3] <= 24 * n) / worth for n in (1, 2, 3)
    }
    return {
        "tonnes": tonnes,
        "orders": orders,
        "landed_cny_per_kg": money / tonnes / 1e3,
        "landed_cny_per_order": money / orders,
        "days_p50": quantile(pairs, 0.5) / 24,
        "days_p90": quantile(pairs, 0.9) / 24,
        **within,
        "stock_cny": sum(f[0] * f[4] * f[6] for f in flows) / 8760,
        "co2_kg_per_t": sum(f[0] * f[5] for f in flows) / tonnes,
    }


def test_the_chosen_plan_is_there_by_year(ran):
    """Plans of both years, each verified; nothing goes through what is closed, or what is not open yet."""
    plans = ran.result["plans"]
    assert plans.keys() == {"2021-siting", "2022-siting"}
    rows = {row["option_id"]: row for row in ran.rows("candidates")}
    for year in (2021, LAST):
        plan = plans[f"{year}-siting"]
        assert plan["plan_verified"]
        assert plan["bound_proof"] == "certificate"
        opened = {n for n, row in rows.items() if row["chosen"] and (row["opens"] or 0) <= year}
        steps = pq.read_table(ran.folder / "plans" / f"{year}-siting" / "steps.parquet")["option_id"]
        used = set(steps.to_pylist()) - {""}
        assert used <= opened | {"WH_DE_shared", "US_OLD"}
        assert used & opened


def test_what_may_be_closed_and_does_not_pay_is_closed(ran):
    """OLD costs 400,000 a year and does nothing that others do not."""
    rows = {row["option_id"]: row for row in ran.rows("candidates")}
    assert (rows["OLD"]["exists"], rows["OLD"]["chosen"], rows["OLD"]["opens"]) == (True, False, None)
    for plan in ran.result["plans"].values():
        closed = {"table": "warehouse_options", "row": "OLD", "column": "status", "value": "closed"}
        assert closed in plan["changes"]


def test_the_first_year_has_less_room(ran, truth):
    """A_BUILD holds 60 of its 150 t in the year it opens, all of them used, and 150 t in the next."""
    rows = {row["option_id"]: row for row in ran.rows("candidates")}
    assert rows["A_BUILD"]["opens"] == 2021
    chosen = {name: truth.options[name]["capacity_t_per_year"] for name, row in rows.items() if row["chosen"]}
    for year, room in ((2021, 60.0), (LAST, 150.0)):
        plan = ran.result["plans"][f"{year}-siting"]
        changes = {(c["row"], c["column"]): c["value"] for c in plan["changes"]}
        assert changes.get(("A_BUILD", "capacity_t_per_year"), 150.0) == pytest.approx(room)
        flows = carried(ran, year, truth.network(year, chosen))
        through = sum(f[0] for f in carried_by(flows, "A_BUILD"))
        assert through == pytest.approx(room, rel=1e-6)


def carried_by(flows, option):
    """Those that go through a warehouse."""
    return [f for f in flows if f[1] == option]


def test_figures_of_candidates_are_those_of_the_plans_cargo(ran, truth):
    """Tonnes, orders, landed cost, days, value shares, stock, CO2 and utilisation in the last year."""
    rows = ran.rows("candidates")
    chosen = {
        row["option_id"]: truth.options[row["option_id"]]["capacity_t_per_year"]
        for row in rows
        if row["chosen"]
    }
    flows = carried(ran, LAST, truth.network(LAST, chosen))
    used = 0
    for row in rows:
        mine = carried_by(flows, row["option_id"])
        if not mine:
            assert row["plan_tonnes"] is None
            continue
        used += 1
        expected = figures_of(mine)
        said = {name: row[f"plan_{name}"] for name in expected}
        assert said == pytest.approx(expected, rel=1e-5)
        room = truth.options[row["option_id"]]["capacity_t_per_year"]
        assert row["plan_utilisation"] == pytest.approx(expected["tonnes"] / room, rel=1e-5)
    assert used >= 2
    (best,) = (row for row in ran.rows("siting_plans") if row["kind"] == "best")
    expected = figures_of(flows)
    for name in ("tonnes", "landed_cny_per_kg", "days_p50", "days_p90", "value_share_3d"):
        assert best[name] == pytest.approx(expected[name], rel=1e-5)
    new = [name for name in chosen if truth.options[name]["status"] == "option"]
    through = sum(f[0] for f in flows if f[1] in new)
    assert best["utilisation"] == pytest.approx(through / sum(chosen[name] for name in new), rel=1e-5)


# --- candidates ------------------------------------------------------------------------------------


def test_candidates_say_what_the_tables_say(ran, truth):
    """One row each, what is held and costs; ranked by what it nets alone, the best first."""
    rows = ran.rows("candidates")
    assert sorted(row["option_id"] for row in rows) == sorted(["OLD", *(c["option_id"] for c in CANDIDATES)])
    for row in rows:
        option = truth.options[row["option_id"]]
        for name in ("site_id", "ownership", "size", "capacity_t_per_year"):
            assert row[name] == option[name]
        assert row["capex_cny"] == (option["capex_cny"] or 0.0)
        assert row["annual_cny"] == pytest.approx(annual_cny(option))
        assert row["exists"] == (option["status"] == "existing")
        assert row["rank_best"] <= row["rank"] <= row["rank_worst"]
        net = row["alone_saved_at_most_cny"] - row["annual_cny"]
        assert row["alone_net_at_most_cny"] == pytest.approx(net)
    assert [row["rank"] for row in rows] == list(range(1, len(rows) + 1))
    nets = [row["alone_net_at_most_cny"] for row in rows]
    assert nets == sorted(nets, reverse=True)


def test_no_candidate_alone_saves_more_than_is_said(ran, truth):
    """Against the last year solved with it beside what exists."""
    base = truth.steady(["OLD"])
    told = 0
    for row in ran.rows("candidates"):
        if row["exists"]:
            continue
        option = truth.options[row["option_id"]]
        saved = base - truth.steady(["OLD", row["option_id"]]) + annual_cny(option)
        assert row["alone_saved_at_most_cny"] >= saved - 1e-6 * base
        told += saved > 1e4
    assert told >= 4


# --- plans -----------------------------------------------------------------------------------------


def test_plans_cost_what_their_tables_cost(ran, truth):
    """Each value by solving the tables with its options; the best is bounded."""
    rows = ran.rows("siting_plans")
    least, _ = truth.sets[0]
    best = named(rows, "best")["best"]
    # The best over both years need not be the best of the last one.
    assert least * (1 - 2e-6) <= best["value_cny"] <= least * (1 + 3 * GAP)
    assert least * (1 - 5 * GAP) <= best["bound_cny"] <= least * (1 + 1e-6)
    base = truth.steady(["OLD"])
    assert named(rows, "base")["base"]["value_cny"] == pytest.approx(base, rel=2e-6)
    for row in rows:
        ids = ids_of(row)
        assert row["value_cny"] == pytest.approx(truth.steady(ids), rel=2e-6), row["name"]
        assert row["worse_cny"] == pytest.approx(row["value_cny"] - best["value_cny"])
        assert row["warehouses_cny"] == pytest.approx(sum(annual_cny(truth.options[i]) for i in ids))
        new = [truth.options[i] for i in ids if truth.options[i]["status"] == "option"]
        assert row["sites"] == len({option["site_id"] for option in new})
        assert row["capex_cny"] == pytest.approx(sum(option["capex_cny"] or 0.0 for option in new))
        if row["kind"] != "frontier":
            share = row["worse_cny"] / (base - best["value_cny"])
            assert row["worse_share_of_benefit"] == pytest.approx(share, rel=1e-3, abs=1e-4)


def test_sweeps_have_no_more_sites_and_are_bounded(ran, truth):
    """At most one, at most two new sites: no such set costs less than the bound."""
    sweeps = named(ran.rows("siting_plans"), "sweep")
    assert sorted(sweeps) == ["1", "2"]
    for most, row in sweeps.items():
        assert row["sites"] <= int(most)
        fewer = min(cost for cost, ids in truth.sets if len(ids - {"OLD"}) <= int(most))
        assert row["bound_cny"] <= fewer * (1 + 1e-6)
        assert row["value_cny"] >= fewer * (1 - 2e-6)


def test_alternatives_have_other_sites(ran, truth):
    """Each differs in its sites from all before it."""
    rows = ran.rows("siting_plans")
    sites = [
        {truth.options[i]["site_id"] for i in ids_of(row)}
        for row in rows
        if row["kind"] in ("best", "alternative")
    ]
    assert len(sites) == 3
    assert all(a != b for place, a in enumerate(sites) for b in sites[:place])


def haversine(a, b):
    """Angle between two places in degrees, radians."""
    lat1, lon1, lat2, lon2 = map(math.radians, (*a, *b))
    return math.acos(
        min(1.0, math.sin(lat1) * math.sin(lat2) + math.cos(lat1) * math.cos(lat2) * math.cos(lon1 - lon2))
    )


def test_baselines_are_what_their_rules_say(ran, truth):
    """As many new sites as the best plan has: nearest to the middle, cheapest, in the largest market."""
    rows = ran.rows("siting_plans")
    best, baselines = named(rows, "best")["best"], named(rows, "baseline")
    assert sorted(baselines) == ["cheapest_rent", "greenfield", "largest_markets", "nearest_to_demand"]
    network = truth.case.networks[LAST]
    site = {row["site_id"]: row for row in network.rows("sites")}
    usual = {}
    for name, row in sorted(truth.options.items()):
        rent = annual_cny(row) / row["capacity_t_per_year"]
        if row["status"] == "option" and row["ownership"] != "share":
            usual[row["site_id"]] = min(usual.get(row["site_id"], (math.inf, "")), (rent, name))
    tonnes, middle = defaultdict(float), np.zeros(3)
    for row in network.rows("demand"):
        if row["segment"] == "stocked":
            market = site[row["destination_site"]]
            lat, lon = np.radians([market["lat"], market["lon"]])
            tonnes[market["customs_territory"]] += row["tonnes_per_year"]
            middle += row["tonnes_per_year"] * np.array(
                [np.cos(lat) * np.cos(lon), np.cos(lat) * np.sin(lon), np.sin(lat)]
            )
    centre = (
        math.degrees(math.asin(middle[2] / np.linalg.norm(middle))),
        math.degrees(math.atan2(middle[1], middle[0])),
    )
    keys = {
        "nearest_to_demand": lambda s: haversine((site[s]["lat"], site[s]["lon"]), centre),
        "cheapest_rent": lambda s: usual[s][0],
        "largest_markets": lambda s: (-tonnes[site[s]["customs_territory"]], usual[s][0]),
    }
    for name, key in keys.items():
        sites = sorted(usual, key=key)[: best["sites"]]
        assert ids_of(baselines[name]) - {"OLD"} == {usual[s][1] for s in sites}, name
        assert baselines[name]["worse_cny"] >= -GAP * best["value_cny"]
    assert baselines["greenfield"]["sites"] == best["sites"]
    assert ids_of(baselines["greenfield"]) <= {name for _, name in usual.values()}


# --- years -----------------------------------------------------------------------------------------


def test_years_add_up(ran, truth):
    """Before and after are those of the plans, costs those of what is open, and all years make the value."""
    rows = ran.rows("siting_years")
    candidates = {row["option_id"]: row for row in ran.rows("candidates")}
    assert [row["year"] for row in rows] == [2021, LAST]
    total = 0.0
    for row in rows:
        year = row["year"]
        opened = [n for n, c in candidates.items() if c["chosen"] and (c["exists"] or c["opens"] <= year)]
        new = [truth.options[n] for n in opened if candidates[n]["opens"] == year]
        assert row["open"] == len(opened)
        assert row["opened"] == len(new)
        assert row["capex_cny"] == pytest.approx(sum(option["capex_cny"] or 0.0 for option in new))
        assert row["warehouses_cny"] == pytest.approx(sum(annual_cny(truth.options[n]) for n in opened))
        before = ran.result["by_year"][str(year)]["objective"]
        after = ran.result["plans"][f"{year}-siting"]["objective"]
        assert row["flow_before_cny"] == pytest.approx(before, rel=2e-6)
        assert row["flow_after_cny"] == pytest.approx(after, rel=2e-6)
        saved = row["flow_before_cny"] - row["flow_after_cny"] - row["warehouses_cny"]
        assert row["saved_cny"] == pytest.approx(saved)
        total += row["flow_after_cny"] + row["warehouses_cny"]
        assert row["bound_cny"] <= row["value_cny"]
        assert row["gap"] <= GAP
    assert [row["value_cny"] for row in rows] == pytest.approx([total, total])


# --- futures ---------------------------------------------------------------------------------------


def test_regret_is_over_the_best_of_each_future(ran):
    """Never negative, none for the future's own best; the largest and the least of them are marked."""
    rows = ran.rows("siting_regret")
    futures = {row["future"] for row in rows}
    assert futures == {
        "as planned", "rates 2019", "demand 0.5", "exchange 1.2", "closed WH_B"
    }  # fmt: skip
    largest = defaultdict(float)
    for row in rows:
        assert row["regret_at_least_cny"] >= 0
        assert row["bound_cny"] <= row["value_of_best_cny"] * (1 + 1e-9)
        largest[row["plan"]] = max(largest[row["plan"]], row["regret_at_least_cny"])
    for row in rows:
        assert row["largest_regret_cny"] == largest[row["plan"]]
        upper = [other["largest_regret_at_most_cny"] for other in rows]
        if row["least_of_largest"]:
            assert row["largest_regret_at_most_cny"] == min(end for end in upper if end is not None)
        if row["plan"] == f"best of {row['future']}":
            assert row["regret_at_least_cny"] == 0
    assert len({row["plan"] for row in rows if row["least_of_largest"]}) == 1
    for future in futures:
        mine = [row["regret_at_least_cny"] for row in rows if row["future"] == future]
        assert min(mine) == 0
        assert len(mine) == len(largest)


def test_what_is_closed_in_a_future_is_not_used_there(ran, truth):
    """With the site of B_ACQUIRE closed, the best costs what it does without that candidate."""
    (value,) = {
        row["value_of_best_cny"] for row in ran.rows("siting_regret") if row["future"] == "closed WH_B"
    }
    least = min(cost for cost, ids in truth.sets if "B_ACQUIRE" not in ids)
    assert truth.sets[0][0] < least * (1 - 1e-5)
    assert value >= least * (1 - 2e-6)


def test_regret_is_never_above_what_a_plan_truly_costs_more(ran, truth):
    """As planned: cost of the plan's tables less that of the best set."""
    ids = {f"{row['kind']} {row['name']}": ids_of(row) for row in ran.rows("siting_plans")}
    seen = 0
    for row in ran.rows("siting_regret"):
        if row["future"] == "as planned" and row["plan"] in ids:
            more = truth.steady(ids[row["plan"]]) - row["value_of_best_cny"]
            assert row["regret_at_least_cny"] <= max(0.0, more) + 2e-6 * row["value_of_best_cny"]
            seen += row["regret_at_least_cny"] > 0
    assert seen


# --- what is wrong ---------------------------------------------------------------------------------

BAD = {
    "no candidates": ("candidates: \"country == 'FR'\"", "country == 'FR'", "warehouse_options.csv"),
    "unknown column": ("candidates: \"contry == 'DE'\"", "contry", "country"),
    "bad condition": ('candidates: "size ="', "size =", ""),
    "text against number": ("candidates: \"capacity_t_per_year > 'x'\"", "capacity_t_per_year", ""),
    "bad condition of what may close": ("closable: \"optin_id == 'OLD'\"", "optin_id", "option_id"),
    "bad condition of a count": ("counts: [{most: 1, where: \"sise == 's'\"}]", "sise", "size"),
    "more than there are": ("counts: [{least: 6}]", "6", "4"),
    "more of some than there are": ("counts: [{least: 2, where: \"ownership == 'build'\"}]", "2", "1"),
    "least above most": ("counts: [{least: 2, most: 1}]", "2", "1"),
    "a sweep past the candidates": ("sweep: [7]", "7", "6"),
    "a budget below the cheapest": (
        "budgets: [{cny: {2021: 1000}}]\n  candidates: \"ownership in ['build', 'acquire']\"",
        "1,000", "A_BUILD: 300,000",
    ),
    "a budget in another year": ("budgets: [{cny: {2030: 1e9}}]", "2030", "2021"),
    "an unknown service closes": (
        "futures: {closures: [{table: services, id: SEA_USS}]}", "SEA_USS", "services",
    ),
    "an unknown site closes": ("futures: {closures: [{table: sites, id: NOWHERE}]}", "NOWHERE", "sites"),
}  # fmt: skip
"""What stands in the study, and what the message says was found and is allowed."""


@pytest.mark.parametrize("name", BAD)
def test_wrong_settings_are_told_with_their_place(desk, name):
    """One message with file and line of what is wrong, what was found and what is allowed; exit 2."""
    text, found, allowed = BAD[name]
    lines = desk.refused(f"study:\n  kind: siting\n  {text}")
    (line,) = [line for line in lines if found in line]
    assert re.match(r"s\d+\.yaml:6:\d+: ", line), line
    assert allowed in line


def test_all_that_is_wrong_is_told_at_once(desk):
    """Objective, condition, year and closure are one list."""
    lines = desk.refused(
        "objective: hours\nstudy:\n  kind: siting\n  closable: \"sise == 'x'\"\n"
        "  budgets: [{cny: {2030: 1}}]\n  futures: {closures: [{table: passages, id: suezz}]}"
    )
    for word in ("hours", "sise", "2030", "suezz"):
        assert sum(word in line for line in lines) == 1, (word, lines)


@pytest.mark.parametrize("objective", ["hours", "co2"])
def test_warehouses_have_no_cost_in_hours_or_tonnes_of_co2(desk, objective):
    """Objectives that money cannot be added to are refused, and those that it can are named."""
    (line,) = desk.refused(f"objective: {objective}\nstudy: {{kind: siting}}")
    assert objective in line
    assert "generalised" in line
    assert "money" in line


def test_wrong_options_are_told_by_the_check_of_tables(desk):
    """The same kind of option twice at a site, a rent below 0, and an investment without a life."""

    def twice(rows):
        return [*rows, {**rows[-1], "option_id": "TWIN"}]

    def cheaper(rows):
        return [*rows[:-1], {**rows[-1], "fixed_cny_per_year": -5.0}]

    def endless(rows):
        return [{**row, "life_years": None} if row["option_id"] == "A_BUILD" else row for row in rows]

    number = len(desk.options) + 1
    for change, place, word in (
        (twice, f"warehouse_options.csv:{number + 1}", "xs"),
        (cheaper, f"warehouse_options.csv:{number}:fixed_cny_per_year", "-5"),
        (endless, "warehouse_options.csv:6:life_years", "A_BUILD"),
    ):
        parent = desk.with_options(change)
        (line,) = desk.refused("study: {kind: siting}", parent=parent)
        assert place in line
        assert word in line


def test_room_below_demand_is_a_warning(desk):
    """240 t are to be stocked in Germany; one warehouse a site holds 25 t at most. Nothing is chosen."""

    def small(rows):
        return [
            {**row, "capacity_t_per_year": 5.0} if row["site_id"] not in ("WH_US", "WH_C") else row
            for row in rows
        ]

    ran = desk.run("study: {kind: siting}", parent=desk.with_options(small))
    warnings = {w["code"]: w for w in ran.result["warnings"]}
    assert warnings["siting.capacity"]["subject"] == "EU 2021"
    assert warnings["siting.capacity"]["found"] == "215 t / 240 t"
    assert warnings["siting.capacity"]["allowed"] == "25 t"
    assert "siting.short" in warnings
    assert [w["code"] for w in ran.result["warnings"]].count("siting.capacity") == 1
    assert ran.said["status"] == "infeasible"


# --- further questions -----------------------------------------------------------------------------


def test_one_candidate_that_opens_too_late_is_left_alone(desk):
    """It stands in the table, is not chosen, and is worth nothing that is known."""

    def late(rows):
        return [{**row, "opening_year": 2030} if row["option_id"] == "A_BUILD" else row for row in rows]

    ran = desk.solved("study: {kind: siting, baselines: false}", parent=desk.with_options(late))
    rows = {row["option_id"]: row for row in ran.rows("candidates")}
    assert (rows["A_BUILD"]["chosen"], rows["A_BUILD"]["opens"]) == (False, None)
    assert rows["A_BUILD"]["alone_tonnes"] is None


def test_a_budget_of_the_last_year_does_not_shut_what_was_opened_before(desk):
    """Nothing may be invested in 2022, but the plan stands: no bound of the last year is above it."""
    budget = "budgets: [{cny: {2021: 1e9, 2022: 0}}]"
    ran = desk.solved(
        f"years: [2021, 2022]\nstudy:\n  kind: siting\n  sweep: [3]\n  baselines: false\n  {budget}",
        parent="two",
    )
    assert "A_BUILD" in {row["option_id"] for row in ran.rows("candidates") if row["chosen"]}
    plans = ran.rows("siting_plans")
    best = named(plans, "best")["best"]
    assert best["bound_cny"] <= best["value_cny"]
    assert named(plans, "sweep")["3"]["worse_cny"] <= GAP * best["value_cny"]


def test_a_budget_is_kept_in_each_year(desk):
    """300,000 pay for A_BUILD but not for B_ACQUIRE beside it; in 2022 nothing is paid for."""
    ran = desk.solved(
        "years: [2021, 2022]\nstudy:\n  kind: siting\n  baselines: false\n"
        "  budgets: [{cny: {2021: 300000, 2022: 0}}]",
        parent="two",
    )
    for row, most in zip(ran.rows("siting_years"), (3e5, 0.0), strict=True):
        assert row["capex_cny"] <= most


def test_a_sweep_that_no_rule_lets_be_is_left_out(desk):
    """At least two are asked for, so that there is no plan with one."""
    study = "study: {kind: siting, counts: [{least: 2}], sweep: [1, 3], baselines: false}"
    ran = desk.solved(f"{study}\n{ROUGH}")
    plans = ran.rows("siting_plans")
    assert sorted(named(plans, "sweep")) == ["3"]
    assert named(plans, "best")["best"]["sites"] >= 2


def test_what_only_a_candidate_can_serve_is_served(desk):
    """Without the warehouse in the United States cargo stays behind; the plan opens one there."""

    def without(rows):
        return [row for row in rows if row["option_id"] != "US_OLD"]

    text = f"study: {{kind: siting, baselines: false}}\n{ROUGH}"
    ran = desk.run(text, parent=desk.with_options(without))
    assert ran.code == 0, ran.err
    assert "C_LEASE" in {row["option_id"] for row in ran.rows("candidates") if row["chosen"]}
    assert verified(ran.folder)


def test_rules_that_cannot_be_kept_together_are_told(desk):
    """One built, one acquired, with money for either alone: proven, with a warning that says so."""
    ran = desk.run(
        "study:\n  kind: siting\n  counts:\n    - {least: 1, where: \"ownership == 'build'\"}\n"
        "    - {least: 1, where: \"ownership == 'acquire'\"}\n  budgets: [{cny: {2021: 600000}}]"
    )
    assert ran.code == 3, ran.err
    assert ran.said["status"] == "infeasible"
    assert "siting.infeasible" in {w["code"] for w in ran.result["warnings"]}
