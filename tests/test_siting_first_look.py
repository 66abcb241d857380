"""A first look by distance alone: rules against all choices, figures against distances worked out here."""

import math
import shutil
from itertools import combinations

import numpy as np
import pytest

from logistics.network.tables import BY_NAME
from logistics.reports.sections.siting_first_look import siting_first_look_blocks
from logistics.reports.source import read_results
from logistics.studies.siting_candidates import candidates_of
from logistics.studies.siting_first_look import first_look
from logistics.studies.siting_spec import FirstLook
from tests.test_command_line import command_line
from tests.test_results_folder import forge
from tests.test_siting_claims import altered, found, named
from tests.test_siting_study import Project, sites_and_options
from tests.tiny import table_of, three_gateways

RULES = ("gravity", "gravity_at_sites", "median", "centre", "coverage")
BETTER = {"median": ("mean_km", 1.0), "centre": ("farthest_km", 1.0), "coverage": ("within_share", -1.0)}
EARTH_KM = 6371.0088
WITHIN_KM = 900.0
STUDY = "study: {kind: siting, baselines: false, first_look: {sites: [2, 1, 9], within_km: 25}}\n"


def angle_km(a, b):
    """Kilometres between two rows with degrees, by the scalar product of their unit vectors."""
    ends = [
        np.array([math.cos(lat) * math.cos(lon), math.cos(lat) * math.sin(lon), math.sin(lat)])
        for lat, lon in ((math.radians(row["lat"]), math.radians(row["lon"])) for row in (a, b))
    ]
    return EARTH_KM * math.atan2(np.linalg.norm(np.cross(*ends)), float(ends[0] @ ends[1]))


class Scattered:
    """A network with candidates and markets anywhere, and cargo for them."""

    def __init__(self, seed):
        r = np.random.default_rng([seed, 71])
        base = three_gateways()
        sites, options = sites_and_options()
        market = next(row for row in sites if row["site_id"] == "MK_DE")
        others = [{**market, "site_id": f"MK_{i}"} for i in range(6)]
        self.site = {row["site_id"]: dict(row) for row in [*sites, *others]}
        for name, row in self.site.items():
            if name.startswith(("WH_", "MK_")):
                row["lat"], row["lon"] = float(r.uniform(-60, 75)), float(r.uniform(-180, 180))
        like = next(row for row in base.rows("demand") if row["segment"] == "stocked")
        demand = [
            {**like, "demand_id": f"N{i}", "destination_site": f"MK_{i}", "tonnes_per_year": t}
            for i, t in enumerate(r.uniform(1, 100, 6).tolist())
        ]
        self.cargo = {row["destination_site"]: row["tonnes_per_year"] for row in demand}
        for name, rows in (
            ("sites", list(self.site.values())),
            ("warehouse_options", options),
            ("demand", demand),
        ):
            base = base.with_table(name, table_of(BY_NAME[name], rows))
        self.network = base
        self.candidates = candidates_of(base, None, None)
        existing = {row["site_id"] for row in base.rows("warehouse_options") if row["status"] == "existing"}
        self.places = sorted({one.site_id for one in self.candidates} | existing)

    def look(self, counts):
        tables = first_look(
            self.network, self.candidates, FirstLook(sites=counts, within_km=WITHIN_KM), seed=3
        )
        looks, places = (
            tables[name].to_pylist() for name in ("siting_first_look", "siting_first_look_places")
        )
        return {(row["rule"], row["sites"]): row for row in looks}, places

    def figures(self, places):
        """Mean, farthest and covered share with some rows as places."""
        nearest = {name: min(angle_km(place, self.site[name]) for place in places) for name in self.cargo}
        whole = sum(self.cargo.values())
        return {
            "mean_km": sum(t * nearest[name] for name, t in self.cargo.items()) / whole,
            "farthest_km": max(nearest.values()),
            "within_share": sum(t for name, t in self.cargo.items() if nearest[name] <= WITHIN_KM) / whole,
        }


@pytest.mark.parametrize("seed", range(6))
def test_rules_choose_the_best_of_all_choices(seed):
    case = Scattered(seed)
    looks, places = case.look([1, 2, 3])
    for count in (1, 2, 3):
        all_choices = [
            case.figures([case.site[name] for name in names]) for names in combinations(case.places, count)
        ]
        for rule, (figure, sign) in BETTER.items():
            best = sign * min(sign * one[figure] for one in all_choices)
            row = looks[rule, count]
            assert row[figure] == pytest.approx(best, rel=1e-9)
            assert row["bound"] == pytest.approx(best, rel=1e-9)
            assert row["proven"]
        for rule in RULES:
            mine = [row for row in places if (row["rule"], row["sites"]) == (rule, count)]
            assert len(mine) == count
            own = case.figures(mine)
            for figure, value in own.items():
                assert looks[rule, count][figure] == pytest.approx(value, rel=1e-9, abs=1e-9), (rule, figure)
            assert sum(row["tonnes"] for row in mine) == pytest.approx(sum(case.cargo.values()))


@pytest.mark.parametrize("seed", range(6))
def test_a_centre_of_gravity_is_where_no_step_leads_nearer(seed):
    case = Scattered(seed)
    looks, places = case.look([1])
    one = next(row for row in places if row["rule"] == "gravity")
    for lat, lon in ((0.01, 0.0), (-0.01, 0.0), (0.0, 0.01), (0.0, -0.01)):
        moved = {"lat": one["lat"] + lat, "lon": one["lon"] + lon}
        assert case.figures([moved])["mean_km"] >= looks["gravity", 1]["mean_km"] * (1 - 1e-7)
    nearest = min(case.places, key=lambda name: angle_km(one, case.site[name]))
    assert one["site_id"] == nearest
    assert one["away_km"] == pytest.approx(angle_km(one, case.site[nearest]))
    snapped = next(row for row in places if row["rule"] == "gravity_at_sites")
    assert (snapped["site_id"], snapped["away_km"]) == (nearest, 0.0)


def test_more_places_than_there_are_is_as_many_as_there_are():
    case = Scattered(0)
    looks, _ = case.look([2, 50, 60])
    assert sorted({count for _, count in looks}) == [2, min(len(case.places), len(case.cargo))]


@pytest.fixture(scope="module")
def told(tmp_path_factory):
    """A result with a first look."""
    desk = Project(tmp_path_factory.mktemp("look"))
    ran = desk.run(f"{STUDY}solver: {{gap: 0.01}}")
    assert ran.code == 0, ran.err
    return ran.folder


@pytest.fixture
def result(told, tmp_path):
    folder = tmp_path / "look"
    shutil.copytree(told, folder)
    forge(folder)
    return folder


def test_the_study_tells_it_and_verify_bears_it_out(result):
    assert command_line("verify", result, "--json").code == 0


@pytest.mark.parametrize("column", ["mean_km", "farthest_km", "within_share", "bound"])
def test_other_figures_of_a_rule_are_found(result, column):
    altered(result / "siting_first_look.parquet", column, lambda value: value and value * 1.01 + 0.1)
    assert named(found(result), "verify.bill", f"siting_first_look.parquet:{column}:")


def test_what_is_not_proven_is_not_said_to_be(result):
    altered(result / "siting_first_look.parquet", "proven", lambda _: True)
    assert named(found(result), "verify.siting", "siting_first_look.parquet:proven:", "gravity")


@pytest.mark.parametrize("column", ["tonnes", "away_km", "mean_km", "farthest_km"])
def test_other_figures_of_a_place_are_found(result, column):
    altered(result / "siting_first_look_places.parquet", column, lambda value: (value or 0.0) + 3.0)
    assert named(found(result), "verify.bill", f"siting_first_look_places.parquet:{column}:")


def test_a_place_that_is_no_site_is_found(result):
    altered(result / "siting_first_look_places.parquet", "site_id", lambda _: "MK_US")
    assert named(found(result), "verify.siting", "siting_first_look_places.parquet", "MK_US")


def test_the_page_shows_kilometres_and_sites(told):
    blocks = siting_first_look_blocks(read_results(told), 2021)
    tables = {block.name: block for block in blocks if hasattr(block, "rows")}
    assert tables.keys() == {"first-look-warehouses", "first-look-warehouses-sites"}
    assert [row.cells[0].value for row in tables["first-look-warehouses"].rows] == [1, 2]
    taken = tables["first-look-warehouses-sites"].rows
    assert taken
    assert all(any(cell.en for cell in row.cells[1:]) for row in taken)
