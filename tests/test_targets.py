"""The target board: what a plan set out to reach beside what each year comes to, on cases worked by hand."""

from dataclasses import replace
from pathlib import Path

import pytest
from rich.console import Console

from logistics.commands.target_table import print_targets
from logistics.errors import InputError
from logistics.network.checks import check_tables
from logistics.network.folder import read_network
from logistics.network.tables import BY_NAME
from logistics.network.target_columns import MEASURES
from logistics.scenario.case import read_case
from logistics.studies.airport_roles import airport_role_table, flights_abroad, overlap_index
from logistics.studies.register import run_study
from logistics.studies.targets import BOARD, PlannedYear, target_board
from logistics.words import sentence
from tests.tiny import THREE_GATEWAYS, network_of, table_of, three_gateways, tiny_network

COMMON = {"source": "invented", "confidence": "high", "name_en": "Goal", "name_zh": "目标"}
ROUTES = {
    "target_id": "routes",
    "measure": "air_routes",
    "unit": "routes",
    "year": 2021,
    "value": 2,
    "service_classes": "freighter",
    "min_departures_per_week": 2,
    "min_weeks_per_year": 40,
    **COMMON,
}
VALUE = {"target_id": "value", "measure": "trade_value_cny", "unit": "CNY", "year": 2021, **COMMON}
WEEKS = 365 / 7


def site(name, territory="CN", **more):
    """An airport; at home in the province."""
    home = {"province": "Zhejiang"} if territory == "CN" else {}
    place = {"country": territory, "land_region": more.pop("region", territory), "lat": 30, "lon": 120}
    row = {"site_id": name, "kind": "airport", "name_en": name, "name_zh": name, "status": "existing"}
    return {**row, "customs_territory": territory, **place, **home, **more}


def flight(name, weekly, **more):
    """A flight of 10 t with a load factor of at most 0.5, all year."""
    row = {"service_id": name, "mode": "air", "service_class": "freighter", "name_en": name, "name_zh": name}
    row |= {"status": "existing", "departures_per_week": weekly, "availability": 1, "payload_t": 10}
    row |= {"payload_m3": 50, "load_factor_max": 0.5, "tariff_basis": "chargeable_kg"}
    return {**row, "tariff_currency": "CNY", "tariff_spot": 5, **more}


def flown(flights, targets=(), sites=()):
    """A network of flights: pairs of a row and the stops it calls at."""
    places = [site("A"), site("B"), site("X", "US"), site("Y", "EU"), site("H", "HK", region="CN"), *sites]
    stops = [
        {"service_id": row["service_id"], "seq": i, "site_id": stop}
        | ({"run_h": 5, "run_sd_h": 1, "distance_km": 4000} if i > 1 else {})
        for row, calls in flights
        for i, stop in enumerate(calls, 1)
    ]
    region = {"circuity": 1.2, "speed_kmh": 50, "tariff_cny_per_tkm": 1, "max_leg_km": 1000, "fixed_h": 1}
    names = {str(place["land_region"]) for place in places}
    return network_of(
        {
            "land_regions": [{"land_region": n, "name_en": n, "name_zh": n, **region} for n in sorted(names)],
            "sites": places,
            "modes": [
                {
                    "mode": "air",
                    "name_en": "Air",
                    "name_zh": "空",
                    "volumetric_kg_per_m3": 167,
                    "co2_g_per_tkm": 1,
                }
            ],
            "services": [row for row, _ in flights],
            "service_stops": stops,
            "targets": list(targets),
        }
    )


def rows_of(*planned):
    """Rows of the board by target and year."""
    return {(row["target_id"], row["year"]): row for row in target_board(planned).to_pylist()}


def solved(tmp_path, targets, years="[2021]", changes="", study="{kind: assignment}"):
    """Result of a study of the small network with targets."""
    folder = tmp_path / "networks" / "three_gateways"
    folder.mkdir(parents=True)
    for path in THREE_GATEWAYS.iterdir():
        (folder / path.name).write_bytes(path.read_bytes())
    names = list(dict.fromkeys(name for row in targets for name in row))
    lines = [",".join(str(row.get(name, "")) for name in names) for row in targets]
    heads = [c.name for c in BY_NAME["targets"].columns if c.name not in names]
    text = ",".join([*names, *heads]) + "\n"
    (folder / "targets.csv").write_text(
        text + "".join(f"{line}{',' * len(heads)}\n" for line in lines), "utf-8"
    )
    head = "schema: 1\nname: {zh: 小, en: Tiny}\nnetwork: three_gateways\n"
    scenario = tmp_path / "tiny.yaml"
    scenario.write_text(f"{head}years: {years}\nstudy: {study}\n{changes}", "utf-8")
    case = read_case(scenario, allow_outside=True)
    return case, run_study(case)


# Air routes -----------------------------------------------------------------------------------------------


def test_a_route_is_a_pair_that_is_flown_often_enough_by_classes_that_count():
    """Departures of a pair add up; rare, seasonal, other, proposed and inbound flights do not count."""
    flights = [
        (flight("once", 1), "AX"),
        (flight("again", 1), "AX"),
        (flight("stops", 2), "BXY"),
        (flight("rare", 1.9), "AY"),
        (flight("winter", 7, availability=0.5), "BX"),
        (flight("seats", 7, service_class="belly"), "BX"),
        (flight("later", 7, status="proposed"), "BX"),
        (flight("ended", 7, status="closed"), "BX"),
        (flight("regional", 7), "AH"),
        (flight("inbound", 7), "XB"),
        (flight("domestic", 7), "AB"),
    ]
    network = flown(flights, [{**ROUTES, "except_territories": "HK"}])
    row = rows_of(PlannedYear(network, 2021, None))["routes", 2021]
    assert (row["modelled"], row["target"], row["gap"], row["reached"]) == (2, 2, 0, True)
    assert row["basis_en"].endswith("without HK: A 1 (X); B 1 (Y)")
    network = flown(flights, [ROUTES])
    assert rows_of(PlannedYear(network, 2021, None))["routes", 2021]["modelled"] == 3
    network = flown(flights, [{**ROUTES, "service_classes": "freighter|belly"}])
    assert rows_of(PlannedYear(network, 2021, None))["routes", 2021]["modelled"] == 4


def test_a_service_that_is_opened_counts():
    """The same network before and after: what a study of choices asks, under its plan's name."""
    before = flown([(flight("old", 2), "AX"), (flight("new", 2, status="proposed"), "BX")], [ROUTES])
    services = before.tables["services"].to_pylist()
    opened = before.with_table(
        "services", table_of(BY_NAME["services"], [{**row, "status": "existing"} for row in services])
    )
    row = rows_of(PlannedYear(before, 2021, None))["routes", 2021]
    assert (row["plan_id"], row["modelled"], row["gap"], row["reached"]) == ("", 1, -1, False)
    row = rows_of(PlannedYear(opened, 2021, None, "chosen"))["routes", 2021]
    assert (row["plan_id"], row["modelled"], row["gap"], row["reached"]) == ("chosen", 2, 0, True)


def test_other_years_have_no_target():
    """Nothing is interpolated: before and after its year a target has a modelled figure only."""
    network = flown([(flight("old", 2), "AX")], [ROUTES])
    rows = rows_of(*(PlannedYear(network, year, None) for year in (2022, 2020, 2021)))
    assert [key[1] for key in rows] == [2020, 2021, 2022]
    for year in (2020, 2022):
        row = rows["routes", year]
        assert (row["stated"], row["stated_year"], row["modelled"]) == (2, 2021, 1)
        assert (row["target"], row["gap"], row["reached"]) == (None, None, None)


# Clearance ------------------------------------------------------------------------------------------------


def test_airports_clear_round_the_clock_when_their_customs_never_closes():
    """Not without customs, nor closed, nor with gaps; all the week's hours in parts are all hours."""
    goal = {"target_id": "clear", "measure": "clearance_24h", "unit": "airports", "year": 2021, "value": 2}
    sites = [
        site("C1", clearance_regimes="9610", clearance_open="always"),
        site("C2", clearance_regimes="9610", clearance_open="Mon-Sun 00:00-24:00"),
        site("C3", clearance_regimes="9610", clearance_open="Mon-Sun 00:00-23:00"),
        site("C4", clearance_open="always"),
        site("C5", clearance_regimes="9610", clearance_open="always", status="option"),
    ]
    goal |= {"sites": "C1|C2|C3|C4|C5", **COMMON}
    row = rows_of(PlannedYear(flown([(flight("f", 2), "AX")], [goal], sites), 2021, None))["clear", 2021]
    assert (row["modelled"], row["reached"]) == (2, True)
    assert row["basis_en"] == "open round the clock: C1, C2; not: C3, C4, C5"


# Cargo ----------------------------------------------------------------------------------------------------


def test_trade_is_served_tonnes_at_reported_value(tmp_path):
    """1,950 t dense at 120 CNY/kg and 400 t light at 240, all served, by hand from the small network."""
    targets = [
        {**VALUE, "value": 330e6},
        {**VALUE, "target_id": "exports", "direction": "export", "value": 324e6},
        {**VALUE, "target_id": "imports", "direction": "import", "value": 7e6},
        {**VALUE, "target_id": "dear", "import_cny_per_kg": 200},
        {**VALUE, "target_id": "parcels", "direction": "export", "segments": "direct|stocked"},
        {**VALUE, "target_id": "share", "measure": "local_gateway_share", "unit": "share", "value": 0.5},
    ]
    _, result = solved(tmp_path, targets)
    assert result.tables["targets"].schema.equals(BOARD)
    rows = {row["target_id"]: row for row in result.tables["targets"].to_pylist()}
    assert {name: rows[name]["modelled"] for name in ("value", "exports", "imports", "dear", "parcels")} == (
        pytest.approx(
            {"value": 330e6, "exports": 324e6, "imports": 6e6, "dear": 334e6, "parcels": 120e6}, rel=1e-9
        )
    )
    assert [rows[name]["reached"] for name in ("value", "exports", "imports")] == [True, True, False]
    assert rows["imports"]["gap"] == pytest.approx(-1e6)
    assert (rows["parcels"]["target"], rows["parcels"]["reached"]) == (None, None)
    assert rows["parcels"]["basis_en"].startswith("export, direct parcel, stocked abroad: 700 t served")
    assert rows["dear"]["basis_en"].endswith("imports at 200 CNY/kg")
    assert rows["share"]["modelled"] == pytest.approx(result.totals["local_gateway_share"])


def test_what_is_not_served_has_no_value(tmp_path):
    """Without its two ways, direct cargo to the United States stays: 200 t light and 100 t dense."""
    changes = "limits: {allow_unserved: true}\nchanges: [{close: {service: [AIR_US, POST_US]}}]"
    _, result = solved(tmp_path, [{**VALUE, "value": 330e6}], changes=changes)
    (row,) = result.tables["targets"].to_pylist()
    left = result.plan.unserved.to_pylist()
    per_kg = {"D2": 240, "D3": 120}
    assert {r["demand_id"] for r in left} == set(per_kg)
    assert row["gap"] == pytest.approx(-sum(1000 * per_kg[r["demand_id"]] * r["tonnes"] for r in left))
    assert row["gap"] == pytest.approx(-60e6)
    assert row["reached"] is False


def test_growth_is_the_mean_since_the_first_year():
    """Demand of 1.21 times two years later is 10 % a year; the first year has none."""
    goal = {"target_id": "growth", "measure": "trade_growth", "unit": "share", "year": 2023, "value": 0.1}
    network = tiny_network(targets=[{**goal, **COMMON}])
    plan = plan_of(network)
    flows = plan.flows.to_pylist()
    more = [{**row, "tonnes": 1.21 * row["tonnes"]} for row in flows]
    grown = replace(plan, flows=type(plan.flows).from_pylist(more, plan.flows.schema))
    rows = rows_of(PlannedYear(network, 2021, plan), PlannedYear(network, 2023, grown))
    assert rows["growth", 2021]["modelled"] is None
    assert rows["growth", 2023]["modelled"] == pytest.approx(0.1)
    assert rows["growth", 2023]["reached"] is True
    rows = rows_of(PlannedYear(network, 2021, None), PlannedYear(network, 2023, grown))
    assert rows["growth", 2023]["modelled"] is None


def plan_of(network):
    """A checked plan of a network's year 2021."""
    from logistics.studies.year_flow import Question, solved_year
    from logistics.verification.books import WEIGHTS

    question = Question(network, 2021, WEIGHTS["money"], None, True, (), 1e-6, 60.0)
    outcome, _ = solved_year(question, question.compiled()[0])
    assert PlannedYear.of(outcome).plan is outcome.plan
    return outcome.plan


def test_without_a_plan_only_cargo_is_blank(tmp_path):
    """Limits that cannot hold together: what is in the tables is still counted."""
    _, result = solved(tmp_path, [{**ROUTES, "value": 1}, VALUE], changes="limits: {max_co2_t: 400}")
    assert result.status == "infeasible"
    rows = {row["target_id"]: row for row in result.tables["targets"].to_pylist()}
    assert (rows["routes"]["modelled"], rows["routes"]["reached"]) == (2, True)
    assert (rows["value"]["modelled"], rows["value"]["basis_zh"]) == (None, "没有通过核验的方案")


@pytest.mark.parametrize(
    "study",
    [
        "{kind: frontier, points: 2}",
        "{kind: disruption, events: [{id: slow, changes: [{close: {service: RAIL_DE}}]}]}",
    ],
)
def test_every_study_has_the_board(tmp_path, study):
    """Of the plan for the scenario's own objective."""
    _, result = solved(tmp_path, [{**VALUE, "value": 330e6}], study=study)
    (row,) = result.tables["targets"].to_pylist()
    assert (row["year"], row["plan_id"], row["reached"]) == (2021, "", True)


def test_networks_without_targets_have_no_board(tmp_path):
    """And a network of targets has one in its words, in both languages, on the terminal."""
    assert target_board([PlannedYear(three_gateways(), 2021, None)]).num_rows == 0
    network = flown([(flight("old", 2), "AX")], [{**ROUTES, "name_en": "Air routes", "name_zh": "航线"}])
    years = [PlannedYear(network, year, None) for year in (2020, 2021)]
    for lang, words in (
        ("en", ["Target board", "Air routes", "routes", "2 (2021)", "-1", "no"]),
        ("zh", ["目标对照", "航线", "条", "2 (2021)", "-1", "否"]),
    ):
        console = Console(width=200, record=True, quiet=False, file=(tmp_path / "out").open("w"))
        print_targets(console, {"targets": target_board(years)}, lang)
        shown = console.export_text()
        assert [word for word in words if word not in shown] == []
        console.file.close()


# Roles of airports ----------------------------------------------------------------------------------------


def test_roles_of_airports_by_region():
    """Two flights of A to X in half of the year and all year, one to Y; B to X."""
    flights = [
        (flight("all", 3, background_t_per_year=100), "AX"),
        (flight("half", 2, availability=0.5), "AX"),
        (flight("to_y", 1), "AY"),
        (flight("via", 4), "BYX"),
    ]
    rows = airport_role_table(flown(flights), 2022).to_pylist()
    assert [(r["year"], r["airport"], r["region"], r["routes"]) for r in rows] == [
        (2022, "A", "EU", 1),
        (2022, "A", "US", 1),
        (2022, "B", "US", 1),
    ]
    assert [r["departures_per_week"] for r in rows] == pytest.approx([1, 4, 4])
    assert [r["capacity_t"] for r in rows] == pytest.approx([5 * WEEKS, 20 * WEEKS - 100, 20 * WEEKS])


def test_flights_of_airports_not_in_use_do_not_count():
    """Neither from an airport that is an option, nor to one that is closed, nor of other provinces."""
    sites = [
        site("N", status="option"),
        site("P", province="Jiangsu"),
        site("Z", "US", status="closed"),
    ]
    flights = [(flight("n", 2), "NX"), (flight("p", 2), "PX"), (flight("z", 2), "AZ"), (flight("a", 2), "AX")]
    assert [f.service_id for f in flights_abroad(flown(flights, sites=sites))] == ["a"]


@pytest.mark.parametrize(
    ("flights", "index"),
    [
        ([("A", "B")], 0.0),
        ([("AX", 3), ("BY", 2)], 0.0),
        ([("AX", 3), ("BX", 2)], 1.0),
        ([("AX", 3), ("BX", 2), ("AY", 5)], 0.5),
        ([("AX", 1), ("AX", 2), ("AY", 1)], 0.0),
        ([("AX", 1), ("AX", 2), ("BX", 1), ("BY", 4)], 0.5),
    ],
    ids=["no flights abroad", "apart", "the same", "half", "one airport twice", "twice and shared"],
)
def test_overlap_is_the_share_of_departures_to_shared_destinations(flights, index):
    """From 0, each destination has one airport, to 1, none has."""
    made = [
        (flight(f"f{i}", weekly if isinstance(weekly, int) else 1), ends if ends != "A" else "AB")
        for i, (ends, weekly) in enumerate(flights)
    ]
    assert overlap_index(flown(made)) == pytest.approx(index)


# The table ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("change", "code", "column"),
    [
        ({"unit": "CNY"}, "target.unit", "unit"),
        ({"min_weeks_per_year": None}, "target.missing", "min_weeks_per_year"),
        ({"service_classes": ""}, "target.missing", "service_classes"),
        ({"segments": "b2b"}, "target.not_used", "segments"),
        ({"direction": "export"}, "target.not_used", "direction"),
        ({"sites": "A"}, "target.not_used", "sites"),
        ({"sites": "nowhere"}, "table.reference", "sites"),
    ],
)
def test_targets_are_stated_in_their_measure(change, code, column):
    """Each mistake is found at its cell, and said in both languages."""
    network = flown([(flight("old", 2), "AX")], [ROUTES])
    assert [p for p in check_tables(network) if p.severity == "error"] == []
    wrong = network.with_table("targets", table_of(BY_NAME["targets"], [{**ROUTES, **change}]))
    (problem,) = [p for p in check_tables(wrong) if p.severity == "error"]
    assert (problem.code, problem.where.file, problem.where.line) == (code, "made/targets.csv", 2)
    assert problem.where.column == column
    assert sentence(problem, "en") != sentence(problem, "zh")


def test_a_share_is_no_percentage(tmp_path):
    """60 instead of 0.6 stops the run, as do cells that cannot be read; all at once."""
    targets = [
        {**VALUE, "measure": "local_gateway_share", "unit": "share", "value": 60},
        {**VALUE, "target_id": "VALUE", "measure": "profit", "value": -1},
    ]
    with pytest.raises(InputError) as stop:
        solved(tmp_path, [targets[0]])
    assert [(p.code, p.found) for p in stop.value.problems] == [("table.range", "60")]
    with pytest.raises(InputError) as stop:
        solved(tmp_path / "other", targets)
    codes = {p.code for p in stop.value.problems}
    assert codes == {"table.choice", "table.range", "table.duplicate"}


def test_the_action_plan_is_on_the_board_of_zhejiang():
    """Every measure is there; flights of 2021 come to the 19 to 22 routes published for the end of 2020."""
    folder = Path(__file__).resolve().parents[1] / "networks" / "zhejiang"
    network, _ = read_network(folder)
    assert set(network.texts("targets", "measure")) == set(MEASURES)
    planned = [PlannedYear(network.at_year(year), year, None) for year in (2021, 2023)]
    rows = rows_of(*planned)
    assert 19 <= rows["air_routes", 2021]["modelled"] <= 22
    assert rows["air_routes", 2023]["target"] == 30
    assert rows["air_routes", 2023]["reached"] is False
    assert rows["clearance_24h", 2023]["gap"] == -3
    assert 0 < overlap_index(network) < 1
