"""What the map draws: lanes at sea, strands that hold every leg, tonnes that are those of the plan."""

import csv
from collections import defaultdict
from itertools import pairwise

import numpy as np
import pytest
import shapely

from logistics.network.geography import great_circle_km
from logistics.reports.geopackage import drawn
from logistics.reports.lanes import LAND, LANES, SEA, Drawing, read_lanes
from logistics.reports.legs import RIDE, TRAFFICS, leg_loads
from logistics.reports.map_data import map_of
from logistics.reports.page import ASSETS
from logistics.reports.result_page import snapshots_of
from logistics.reports.source import Results, read_results
from logistics.reports.strands import LegLines, strands_of
from tests.report_results import reported

ASHORE_KM = 80.0
"""Straits and sounds are narrower than the coast is drawn."""
SUEZ = {"suez_gulf – suez_s", "suez_s – suez", "suez – port_said"}
"""The coarse coast has neither the canal nor the gulf before it."""


@pytest.fixture(scope="module")
def results(tmp_path_factory: pytest.TempPathFactory) -> Results:
    """The tiny network with events."""
    return read_results(reported(tmp_path_factory.mktemp("map"), study="disruption"))


def land() -> shapely.Geometry:
    """The outline that the page draws, Antarctica left out."""
    import json

    topology = json.loads((ASSETS / "vendor" / "land.json").read_text(encoding="utf-8"))
    scale = topology["transform"]["scale"]
    arcs = [np.cumsum(arc, axis=0) * scale for arc in topology["arcs"]]
    polygons = [
        shapely.Polygon(arcs[rings[0][0]], [arcs[ring[0]] for ring in rings[1:]])
        for rings in topology["objects"]["land"]["arcs"]
        if arcs[rings[0][0]][:, 1].min() > -62
    ]
    return shapely.make_valid(shapely.MultiPolygon(polygons))


def test_sea_lanes_keep_to_the_sea() -> None:
    """No link of the sea lanes crosses more land than a canal or a sound hides."""
    coast = land()
    shapely.prepare(coast)
    lanes = read_lanes(SEA)
    with (LANES / "lane_points.csv").open(encoding="utf-8", newline="") as file:
        names = [row["point"] for row in csv.DictReader(file) if row["network"] == SEA]
    ashore = {}
    for a, near in lanes.links.items():
        for b, km in near.items():
            if a < b:
                line = drawn([lanes.points[a], lanes.points[b]])
                points = shapely.get_coordinates(shapely.segmentize(line, 0.1))
                # Eurasia runs on past 180° in the outline.
                east = np.where(points[:, 0] < -168.5, points[:, 0] + 360, points[:, 0])
                inside = shapely.contains_xy(coast, points) | shapely.contains_xy(coast, east, points[:, 1])
                if inside.mean() * km > ASHORE_KM:
                    ashore[f"{names[a]} – {names[b]}"] = round(inside.mean() * km)
    assert ashore.keys() <= SUEZ, ashore


@pytest.mark.parametrize("kind", [SEA, LAND])
def test_lanes_hang_together(kind: str) -> None:
    """Every waypoint can be reached from every other, but for land that the sea parts."""
    lanes = read_lanes(kind)
    left = set(range(len(lanes.points)))
    parts = []
    while left:
        part, todo = set(), [left.pop()]
        while todo:
            here = todo.pop()
            part.add(here)
            todo += [other for other in lanes.links[here] if other not in part]
        left -= part
        parts.append(part)
    assert len(parts) == 1 if kind == SEA else max(map(len, parts)) > 60


SHANGHAI, ROTTERDAM, YIWU, DUISBURG = (122.06, 30.62), (4.5, 51.92), (119.99, 29.33), (6.72, 51.39)
PASSAGES = {
    "suez": (32.33, 30.6),
    "bab_el_mandeb": (43.35, 12.6),
    "malacca": (101.6, 2.5),
    "cape": (20.0, -34.83),
    "alashankou": (82.53, 45.21),
    "khorgos": (80.31, 44.21),
    "brest": (23.62, 52.07),
    # Passages on land do not bar the sea beside them.
    "channel_tunnel": (1.86, 50.95),
    "kaliningrad": (19.88, 54.42),
}


def length_km(points: list[tuple[float, float]]) -> float:
    """Length of a way along great circles."""
    return sum(float(great_circle_km(a[1], a[0], b[1], b[0])) for a, b in pairwise(points))


def test_ways_run_through_the_passages_that_they_name() -> None:
    """Suez or the Cape, Alashankou or Khorgos: each way is drawn its own way, about as long as it is."""
    drawing = Drawing(PASSAGES, frozenset({"suez", "bab_el_mandeb", "malacca", "cape"}))
    suez = drawing.way(SEA, SHANGHAI, ("malacca", "bab_el_mandeb", "suez"), ROTTERDAM)
    cape = drawing.way(SEA, SHANGHAI, ("malacca", "cape"), ROTTERDAM)
    assert length_km(suez) == pytest.approx(19_500, rel=0.05)
    assert length_km(cape) == pytest.approx(25_500, rel=0.05)
    assert min(lat for _, lat in cape) < -34
    assert min(lat for _, lat in suez) > 0
    for name, way in (("alashankou", "brest"), ("khorgos", "brest")):
        points = drawing.way(LAND, YIWU, (name, way), DUISBURG)
        near = min(length_km([PASSAGES[name], point]) for point in points)
        assert near < 70
    assert drawing.way(LAND, YIWU, ("alashankou", "brest"), DUISBURG) != drawing.way(
        LAND, YIWU, ("khorgos", "brest"), DUISBURG
    )
    back = drawing.way(SEA, ROTTERDAM, ("suez", "bab_el_mandeb", "malacca"), SHANGHAI)
    assert length_km(back) == pytest.approx(length_km(suez), rel=1e-9)


def test_a_way_without_lanes_is_straight() -> None:
    """Inland harbours and islands off every lane still get a line."""
    assert Drawing({}, frozenset()).way(LAND, (-60.0, -10.0), (), (-58.0, -12.0)) == [
        (-60.0, -10.0),
        (-58.0, -12.0),
    ]
    assert Drawing({}, frozenset()).way(SEA, (0.0, -80.0), (), (10.0, -80.0)) == [(0.0, -80.0), (10.0, -80.0)]


def test_leg_loads_are_those_of_the_services_table(results: Results) -> None:
    """Tonnes by leg add up to the verifier's loads; by cell they add up to the demand that is carried."""
    loads = leg_loads(results.plans[""], results.networks[2021], 2021)
    by_leg: dict[tuple[str, int], float] = defaultdict(float)
    for leg, tonnes in zip(loads.leg_row, loads.tonnes, strict=True):
        if loads.legs[leg].action == RIDE:
            by_leg[(loads.legs[leg].service_id, loads.legs[leg].stop_seq)] += tonnes
    table = results.rows("services")
    assert by_leg == pytest.approx({(row["service_id"], row["leg"]): row["tonnes"] for row in table})
    delivered = sum(
        t for leg, t in zip(loads.leg_row, loads.tonnes, strict=True) if loads.legs[leg].action == "deliver"
    )
    assert delivered == pytest.approx(results.document["demand_t"] - results.document["unserved_t"])
    assert list(loads.legs) == sorted(loads.legs)


def test_strands_hold_every_leg_once_along_its_whole_way(results: Results) -> None:
    """The links of a leg's strands are the links of its line, each once."""
    loads = leg_loads(results.plans[""], results.networks[2021], 2021)
    lines = LegLines([results.networks[2021]])
    links: dict[int, list[frozenset[object]]] = defaultdict(list)
    for strand in strands_of(loads.legs, lines):
        assert len(strand.points) >= 2
        for row in strand.legs:
            assert lines.mode_of(loads.legs[row]) == strand.mode
            links[row] += [frozenset(link) for link in pairwise(strand.points)]
    for row, leg in enumerate(loads.legs):
        expected = [frozenset(link) for link in pairwise(lines.line(leg))] if leg.action == RIDE else []
        assert sorted(map(sorted, links[row])) == sorted(map(sorted, set(expected)))


def told(data: dict, number: int) -> dict[tuple[str, str, str, str], float]:
    """Tonnes by ends, service and segment of a snapshot, as the page reads them."""
    snapshot = data["snapshots"][number]
    cells: dict[tuple[int, int], float] = {}
    leg = 0
    base = {}
    if snapshot["base"] >= 0:
        first = data["snapshots"][snapshot["base"]]
        for step, *pairs in first["cells"]:
            leg += step
            for what, tonnes in zip(pairs[::2], pairs[1::2], strict=True):
                base[(leg, what % len(TRAFFICS))] = base.get((leg, what % len(TRAFFICS)), 0) + tonnes
    leg = 0
    for step, *pairs in snapshot["cells"]:
        leg += step
        for what, tonnes in zip(pairs[::2], pairs[1::2], strict=True):
            key = (leg, what % len(TRAFFICS))
            cells[key] = cells.get(key, 0) * snapshot["by_product"] + tonnes
    legs, sites, services = data["legs"], data["sites"]["id"], [*data["services"]["id"], ""]
    sums: dict[tuple[str, str, str, str], float] = {}
    for (row, traffic), tonnes in {**base, **cells}.items():
        key = (
            sites[legs["from"][row]],
            sites[legs["to"][row]],
            services[legs["service"][row]],
            TRAFFICS[traffic][1],
        )
        sums[key] = sums.get(key, 0) + tonnes
    return {key: tonnes for key, tonnes in sums.items() if tonnes}


def test_every_plan_is_told_as_it_is(results: Results) -> None:
    """Differences to the base lead back to each plan's own tonnes."""
    snapshots = snapshots_of(results)
    data = map_of(snapshots)
    assert len(snapshots) > 1
    assert data["kept"] == 1.0
    for number, each in enumerate(snapshots):
        loads = leg_loads(each.plan, each.network, each.year)
        expected: dict[tuple[str, str, str, str], float] = defaultdict(float)
        for row, traffic, tonnes in zip(loads.leg_row, loads.traffic_row, loads.tonnes, strict=True):
            leg = loads.legs[row]
            expected[(leg.from_site, leg.to_site, leg.service_id, TRAFFICS[traffic][1])] += tonnes
        found = told(data, number)
        assert found.keys() == {key for key, tonnes in expected.items() if tonnes > 0.05}
        for key, tonnes in found.items():
            assert tonnes == pytest.approx(expected[key], abs=1.5)


def test_legs_of_a_plan_may_be_cut_and_it_is_said(results: Results, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where there are too many, services come first, and the share kept is that of tonnes."""
    whole = map_of(snapshots_of(results)[:1])
    monkeypatch.setattr("logistics.reports.map_data.MOST_LEGS", 6)
    cut = map_of(snapshots_of(results)[:1])
    assert len(cut["legs"]["from"]) == 6
    assert min(cut["legs"]["service"]) >= 0
    tonnes = lambda data: sum(sum(pairs[1::2]) for _, *pairs in data["snapshots"][0]["cells"])  # noqa: E731
    assert cut["kept"] == pytest.approx(tonnes(cut) / tonnes(whole), abs=0.01)


def test_great_circles_are_cut_at_the_antimeridian() -> None:
    """A flight over the Pacific comes in two pieces, neither of which crosses the whole map."""
    flight = drawn([(121.8, 31.1), (-118.4, 33.9)])
    assert len(flight.geoms) == 2
    for piece in flight.geoms:
        lon = shapely.get_coordinates(piece)[:, 0]
        assert lon.min() >= -180
        assert lon.max() <= 180
        assert np.abs(np.diff(lon)).max() < 20
    assert shapely.get_coordinates(flight)[:, 1].max() > 45
    assert len(drawn([(10, 50), (20, 50)]).geoms) == 1
    assert shapely.get_coordinates(drawn([(10, 50), (10, 50)])).tolist() == [[10, 50], [10, 50]]
