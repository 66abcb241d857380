"""The GIS layers: names, CRS, places, loads; text that stays text."""

from pathlib import Path

import geopandas
import numpy as np
import pyogrio
import pyproj
import pytest
import shapely

from logistics.reports.geopackage import write_geopackage
from logistics.reports.legs import RIDE, leg_loads
from logistics.reports.source import Results, read_results
from tests.report_results import hostile_names, reported, solved

LAYERS = {
    "节点 sites": "Point",
    "通道 passages": "Point",
    "线路货量 loads of services": "MultiLineString",
    "公路货量 loads of roads": "MultiLineString",
    "海外仓备选 warehouse options": "Point",
}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Reports of the tiny network with hostile names."""
    return reported(tmp_path_factory.mktemp("layers"), names=hostile_names())


@pytest.fixture(scope="module")
def results(folder: Path) -> Results:
    """The same, read."""
    return read_results(folder)


def layer(folder: Path, name: str) -> geopandas.GeoDataFrame:
    """A layer by the English part of its name."""
    (whole,) = [each for each in LAYERS if each.endswith(f" {name}")]
    return geopandas.read_file(folder / "network.gpkg", layer=whole)


def test_layers_have_chinese_names_a_crs_and_one_shape_each(folder: Path) -> None:
    """What QGIS lists."""
    listed = dict(map(tuple, pyogrio.list_layers(folder / "network.gpkg")))
    assert listed == LAYERS
    for name in LAYERS:
        assert pyproj.CRS(pyogrio.read_info(folder / "network.gpkg", layer=name)["crs"]).to_epsg() == 4326


def test_sites_stand_where_the_tables_say(folder: Path, results: Results) -> None:
    """Every site and passage, with names as they are, also hostile ones."""
    sites = layer(folder, "sites").set_index("site_id")
    for row in results.networks[2021].rows("sites"):
        assert sites.geometry[row["site_id"]] == shapely.Point(row["lon"], row["lat"])
        assert sites["name_zh"][row["site_id"]] == row["name_zh"]
    passages = layer(folder, "passages")
    assert set(passages["passage_id"]) == {
        row["passage_id"] for row in results.networks[2021].rows("passages")
    }


def test_loads_are_those_of_the_services_table(folder: Path, results: Results) -> None:
    """Tonnes of a leg over its ways are the table's, with its capacity."""
    legs = layer(folder, "loads of services")
    summed = legs.groupby(["service_id", "leg"])["tonnes"].sum()
    for row in results.rows("services"):
        assert summed[(row["service_id"], row["leg"])] == pytest.approx(row["tonnes"])
        mine = legs[(legs["service_id"] == row["service_id"]) & (legs["leg"] == row["leg"])]
        assert np.allclose(mine["capacity_t"], row["capacity_t"])


def test_sites_and_passages_carry_what_runs_through_them(folder: Path, results: Results) -> None:
    """Arriving and leaving tonnes balance with the legs."""
    loads = leg_loads(results.plans[""], results.networks[2021], 2021)
    tonnes = np.bincount(loads.leg_row, loads.tonnes)
    sites = layer(folder, "sites").set_index("site_id")
    for site in sites.index:
        arriving = sum(t for leg, t in zip(loads.legs, tonnes, strict=True) if leg.to_site == site)
        assert sites["arriving_t"][site] == pytest.approx(arriving)
    passages = layer(folder, "passages").set_index("passage_id")
    trains = sum(
        t
        for leg, t in zip(loads.legs, tonnes, strict=True)
        if leg.action == RIDE and leg.service_id == "RAIL_DE"
    )
    assert passages["tonnes"]["alashankou"] == pytest.approx(trains)


def test_lines_begin_and_end_at_their_sites_and_stay_on_the_map(folder: Path, results: Results) -> None:
    """Lines may come in pieces, but none leaves the range of longitudes."""
    for name in ("loads of services", "loads of roads"):
        lines = layer(folder, name)
        assert len(lines) > 0
        for row in lines.itertuples():
            points = shapely.get_coordinates(row.geometry)
            assert np.abs(points[:, 0]).max() <= 180
            ends = [results.places[site] for site in (row.from_site, row.to_site)]
            assert points[0] == pytest.approx([ends[0]["lon"], ends[0]["lat"]])
            assert points[-1] == pytest.approx([ends[1]["lon"], ends[1]["lat"]])


def test_proposed_services_carry_what_was_found_about_them(tmp_path: Path) -> None:
    """Rank and net benefit of a study of routes, at the frequency they are of; what a portfolio chose."""
    folder = solved(tmp_path / "routes", study="routes")
    write_geopackage(read_results(folder), folder / "network.gpkg")
    lines = geopandas.read_file(folder / "network.gpkg", layer="备选线路 proposed services")
    best = {row["proposal_id"]: row for row in read_results(folder).rows("proposals")}
    levels = {
        f"{row['proposal_id']}.{row['departures_per_week']:g}w.out": row
        for row in read_results(folder).rows("proposal_levels")
    }
    flights = lines[lines["service_id"].str.startswith("FLY")]
    assert len(flights) == 2
    for flight in flights.itertuples():
        row = levels[flight.service_id]
        assert flight.net_benefit_cny == pytest.approx(row["net_benefit_cny"])
        is_best = row["departures_per_week"] == best["FLY"]["departures_per_week"]
        assert (flight.rank == best["FLY"]["rank"]) == is_best
    folder = solved(tmp_path / "portfolio", study="portfolio")
    write_geopackage(read_results(folder), folder / "network.gpkg")
    lines = geopandas.read_file(folder / "network.gpkg", layer="备选线路 proposed services")
    chosen = {row["option_id"]: row for row in read_results(folder).rows("portfolio")}
    for line in lines.itertuples():
        option = line.service_id.removesuffix(".out")
        assert bool(line.chosen) == (option in chosen)
        if option in chosen:
            assert line.value_sign == chosen[option]["value_sign"]
    assert {option for option in chosen if option != "WIN"} <= {
        s.removesuffix(".out") for s in lines["service_id"]
    }


def test_loads_with_what_was_chosen_stand_beside_those_without(tmp_path: Path) -> None:
    """Of every leg that either plan uses: both, and the change."""
    folder = solved(tmp_path, study="portfolio")
    results = read_results(folder)
    write_geopackage(results, folder / "network.gpkg")
    legs = layer(folder, "loads of services").set_index(["service_id", "leg", "via_id"])
    (chosen,) = (name for name in results.plans if name)
    for column, plan in (("tonnes", ""), ("chosen_tonnes", chosen)):
        loads = leg_loads(results.plans[plan], results.networks[2021], 2021)
        tonnes = np.bincount(loads.leg_row, loads.tonnes)
        mine = {
            (leg.service_id, leg.stop_seq, leg.via_id): amount
            for leg, amount in zip(loads.legs, tonnes, strict=True)
            if leg.action == RIDE
        }
        assert legs[column].to_dict() == pytest.approx({key: mine.get(key, 0.0) for key in legs.index})
        assert mine.keys() <= set(legs.index)
    assert np.allclose(legs["change_tonnes"], legs["chosen_tonnes"] - legs["tonnes"])
    assert (legs["change_tonnes"].abs() > 1).any()
    assert {"chosen_arriving_t", "change_leaving_t"} <= set(layer(folder, "sites").columns)


def test_candidates_of_sites_carry_what_was_found_about_them(tmp_path: Path) -> None:
    """Chosen or not, rank and worth, beside the warehouses that exist."""
    folder = solved(tmp_path, study="siting")
    write_geopackage(read_results(folder), folder / "network.gpkg")
    options = geopandas.read_file(folder / "network.gpkg", layer="海外仓备选 warehouse options")
    found = options.set_index("option_id")
    for row in read_results(folder).rows("candidates"):
        assert bool(found["chosen"][row["option_id"]]) == row["chosen"]
        assert found["rank"][row["option_id"]] == row["rank"]
    assert "WH_DE_shared" in found.index


def test_a_place_that_cannot_be_written_is_an_os_error(results: Results, tmp_path: Path) -> None:
    """Not some error of the library's own."""
    with pytest.raises(OSError, match="nowhere"):
        write_geopackage(results, tmp_path / "nowhere" / "network.gpkg")
