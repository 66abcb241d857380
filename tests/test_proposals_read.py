"""Reading proposed routes: files, lists, new places, defaults, and every finding with its place."""

import ast
import csv
import shutil
import time
from dataclasses import replace
from pathlib import Path

import pytest

import logistics.proposals.read
from logistics.errors import InputError, Where
from logistics.network.geography import great_circle_km
from logistics.network.tables import BY_NAME
from logistics.proposals.read import read_proposals
from logistics.proposals.spec import ProposalRow, Source
from logistics.scenario.case import build_case
from logistics.scenario.read import read_scenario
from logistics.words import sentence
from logistics.yaml_files import Document, validated
from tests.tiny import THREE_GATEWAYS, table_of, tiny_network

PACKAGE = Path(logistics.proposals.read.__file__).parent
AIRCRAFT = {
    "aircraft_id": "SMALL",
    "name_en": "Small",
    "name_zh": "小型",
    "payload_t": 20.0,
    "payload_m3": 100.0,
    "range_km": 5000.0,
    "ferry_range_km": 10000.0,
    "cruise_kmh": 800.0,
    "taxi_h": 0.5,
    "hour_cny": 10000.0,
    "fuel_t_per_h": 2.0,
    "fuel_cny_per_t": 5000.0,
    "landing_cny": 1000.0,
    "overflight_cny_per_km": 1.0,
    "hour_cny_low": 5000.0,
    "hour_cny_high": 20000.0,
    "source": "invented",
    "confidence": "estimate",
}
FLIGHT = {
    "proposal_id": "NEW",
    "mode": "air",
    "stops": ["AIR", "FRA"],
    "frequencies": [2, 1],
    "payload_t": 10,
    "payload_m3": 80,
    "run_h": [11],
    "tariff_basis": "chargeable_kg",
    "tariff": 20,
    "cost_cny_per_departure": 100000,
}
"""A flight with everything that has no default."""


@pytest.fixture
def project(tmp_path):
    """A project folder with three_gateways and a scenario."""
    shutil.copytree(THREE_GATEWAYS, tmp_path / "networks" / "three_gateways")
    (tmp_path / "scenarios").mkdir()
    return tmp_path


def scenario_of(project, study):
    """The scenario file, its case, and the study's sources."""
    path = project / "scenarios" / "s.yaml"
    head = "schema: 1\nname: {zh: 测试, en: Test}\nnetwork: three_gateways\nyears: [2021]\n"
    path.write_text(head + study, encoding="utf-8")
    scenario = read_scenario(path)
    network = tiny_network(
        sites=[{"site_id": "SEA", "status": "option"}],
        aircraft=[
            AIRCRAFT,
            {**AIRCRAFT, "aircraft_id": "BARRED", "airports": "LAX"},
            {**AIRCRAFT, "aircraft_id": "SHORT", "range_km": 1000.0, "ferry_range_km": 2000.0},
        ],
        rate_levels=[
            {
                "what": "fuel",
                "mode": "air",
                "region": "*",
                "year": 2021.0,
                "factor": 1.5,
                "source": "invented",
                "confidence": "high",
            }
        ],
        carrier_costs=[],
    )
    return path, build_case(scenario, network), list(scenario.study["proposals"])


def read(project, study, **flags):
    """What a study's sources yield."""
    path, case, sources = scenario_of(project, study)
    return read_proposals([Source.model_validate(source) for source in sources], case, path, **flags)


def listed(**changes):
    """A study with one inline flight; a value of None takes its key out."""
    row = {key: value for key, value in {**FLIGHT, **changes}.items() if value is not None}
    cells = "".join(f"          {key}: {_yaml(value)}\n" for key, value in row.items())
    return f"study:\n  kind: routes\n  proposals:\n    - list:\n        -{cells[9:]}"


def _yaml(value):
    if isinstance(value, list):
        return "[" + ", ".join(_yaml(item) for item in value) + "]"
    return repr(value) if isinstance(value, str) and not value.isidentifier() else str(value)


def filed(project, rows, **form):
    """A study with a proposals file of `rows`, dicts of cells."""
    names = list(dict.fromkeys(name for row in rows for name in row))
    with (project / "scenarios" / "p.csv").open("w", newline="", **{"encoding": "utf-8", **form}) as file:
        writer = csv.DictWriter(file, names, lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)
    return "study: {kind: routes, proposals: [{file: p.csv}]}\n"


def cells(**changes):
    """The flight as cells of a file."""
    row = {**FLIGHT, **changes}
    joined = {key: "|".join(map(str, v)) if isinstance(v, list) else str(v) for key, v in row.items()}
    return {key: value for key, value in joined.items() if value != "None"}


def only(project, study, **flags):
    """The only proposal."""
    (proposal,), rejected = read(project, study, **flags)
    assert rejected == []
    return proposal


def problems(project, study):
    """What is wrong; each says so in both languages."""
    with pytest.raises(InputError) as raised:
        read(project, study)
    found = raised.value.problems
    assert all(sentence(problem, lang) for problem in found for lang in ("en", "zh"))
    return found


def problem(project, study):
    """The only thing wrong."""
    (found,) = problems(project, study)
    return found


def test_each_code_is_tested():
    """Every code that reading proposals may raise stands in this file or that of the rules."""
    here = "".join(
        (Path(__file__).parent / name).read_text("utf-8")
        for name in ("test_proposals_read.py", "test_proposals_generate.py")
    )
    for source in sorted(set(PACKAGE.glob("*.py")) - {PACKAGE / "entering.py"}):
        for node in ast.walk(ast.parse(source.read_text("utf-8"))):
            if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "Problem":
                code = node.args[0].value if isinstance(node.args[0], ast.Constant) else "condition.column"
                assert f'"{code}"' in here, code


# --- good rows ------------------------------------------------------------------------------------


def test_list_and_file_say_the_same(project):
    """An inline flight and the same cells in a file make one proposal, but for its place."""
    inline = only(project, listed())
    in_file = only(project, filed(project, [cells()]))
    assert inline.where == Where("s.yaml", 9, "11")
    assert in_file.where == Where("scenarios/p.csv", 2, "")
    parts = [{**vars(proposal), "where": None} for proposal in (inline, in_file)]
    assert parts[0] == parts[1]


def test_defaults_of_a_row(project):
    """Frequencies ascend, the distance is the great circle, and what is blank has its default."""
    proposal = only(project, listed())
    (service,) = proposal.services
    assert proposal.levels == (1.0, 2.0)
    assert (proposal.name_en, proposal.name_zh) == ("Airport–Airport in Germany", "机场—德国机场")
    assert (proposal.subsidy_shares, proposal.life_years, proposal.opening_year) == ((1.0,), 10.0, None)
    assert (proposal.rate_year, proposal.ranges, proposal.sites) == (None, {}, ())
    assert service.suffix == "out"
    assert service.row["service_class"] == "freighter"
    assert (service.row["availability"], service.row["load_factor_max"]) == (1.0, 0.88)
    assert (service.row["tariff_currency"], service.row["tariff_spot"]) == ("CNY", 20.0)
    assert [stop["site_id"] for stop in service.stops] == ["AIR", "FRA"]
    assert service.stops[1]["distance_km"] == pytest.approx(great_circle_km(30.7194563, 120, 50.7194563, 10))
    assert service.stops[1]["run_sd_h"] == pytest.approx(0.5 + 0.03 * 11)
    assert service.ways == ()


def test_way_back_is_the_way_out_turned_unless_given(project):
    """Stops, legs, passages and figures are turned round; back_… takes precedence."""
    row = {
        "mode": "rail",
        "stops": ["RAIL", "RDU", "HAM"],
        "back_stops": "reverse",
        "run_h": [100, 5],
        "distance_km": [9000, 300],
        "dwell_h": [12],
        "passages": [["ALASHANKOU", "BREST"], []],
        "tariff_basis": "feu",
        "back_tariff": 7,
        "background_t_per_departure": 4,
        "back_background_t_per_departure": 1,
        "booking_wait_h": 6,
    }
    network = [str(name) for name in tiny_network().texts("passages", "passage_id")]
    row["passages"] = [network[:2], []]
    out, back = only(project, listed(**row)).services
    assert [stop["site_id"] for stop in back.stops] == ["HAM", "RDU", "RAIL"]
    assert [stop["run_h"] for stop in out.stops] == [None, None, 5]
    assert [stop["run_h"] for stop in back.stops] == [None, 5, None]
    assert [stop["dwell_h"] for stop in back.stops] == [0, 12, 0]
    assert (out.ways[0]["to_seq"], out.ways[0]["passages"]) == (2, "|".join(network[:2]))
    assert (back.ways[0]["to_seq"], back.ways[0]["passages"]) == (3, "|".join(network[1::-1]))
    assert (back.ways[0]["run_h"], back.ways[0]["run_sd_h"]) == (100, 10)
    assert (out.row["tariff_spot"], back.row["tariff_spot"]) == (20, 7)
    assert (out.background_t_per_departure, back.background_t_per_departure) == (4, 1)
    assert back.row["booking_wait_h"] == 6


def test_passages_in_a_file_are_joined_by_plus(project):
    """Legs by |, passages of a leg by +."""
    a, b = (str(name) for name in tiny_network().texts("passages", "passage_id")[:2])
    row = cells(mode="rail", stops="RAIL|RDU|HAM", run_h="100|5", distance_km="9000|300", tariff_basis="feu")
    proposal = only(project, filed(project, [{**row, "passages": f"{a}+{b}|"}]))
    assert [way["passages"] for way in proposal.services[0].ways] == [f"{a}|{b}"]


def test_aircraft_fills_in_a_flight(project):
    """Payload by the range, hours by the speed, cost by hours and the year's fuel, with the type's range."""
    blank = {"payload_t": None, "payload_m3": None, "run_h": None, "cost_cny_per_departure": None}
    proposal = only(project, listed(**blank, aircraft="SMALL", back_stops="reverse", distance_km=[8000]))
    out, back = proposal.services
    assert out.row["payload_t"] == pytest.approx(20 * (10000 - 8000) / 5000)
    assert back.row["payload_m3"] == 100
    assert out.stops[1]["run_h"] == pytest.approx(0.5 + 8000 / 800)
    hour = 10000 + 2 * 5000 * 1.5
    assert proposal.cost_cny_per_departure == pytest.approx(2 * (10.5 * hour + 1000 + 8000))
    low, high = proposal.ranges["cost_cny_per_departure"]
    assert low / proposal.cost_cny_per_departure == pytest.approx(15000 / 20000)
    assert high / proposal.cost_cny_per_departure == pytest.approx(30000 / 20000)
    assert proposal.figures["aircraft"] == "SMALL"


def test_ranges_are_factors_but_for_the_cost(project):
    """Low and high become factors on the value in use; the cost's stay money."""
    ends = {
        "tariff": (10, 30),
        "payload_t": (5, 12),
        "run_h": (10, 22),
        "cost_cny_per_departure": (1, 200000),
    }
    given = {f"{name}_{end}": pair[i] for name, pair in ends.items() for i, end in enumerate(("low", "high"))}
    proposal = only(project, listed(**given))
    assert proposal.ranges == {
        "tariff": (0.5, 1.5),
        "payload_t": (0.5, 1.2),
        "run_h": (10 / 11, 2.0),
        "cost_cny_per_departure": (1, 200000),
    }


def test_new_places_come_with_a_source(project):
    """New sites and passages are whole rows of their tables, and go with the proposals that use them."""
    study = listed(stops=["AIR", "NEW_AIR"], mode="air", passages=[["NEW_PASS"]], distance_km=[900]) + (
        "      sites:\n"
        "        - {site_id: NEW_AIR, kind: airport, name_en: New, name_zh: 新, country: DE,\n"
        "           land_region: EU, customs_territory: EU, lat: 50, lon: 8, status: existing,\n"
        "           clearance_regimes: any, clearance_open: always, source: invented, confidence: estimate}\n"
        "      passages:\n"
        "        - {passage_id: NEW_PASS, kind: border, name_en: New, name_zh: 新, lat: 50, lon: 9,\n"
        "           status: open, transit_h: 5, transit_sd_h: 1, source: invented, confidence: estimate}\n"
    )
    proposal = only(project, study)
    assert [(row["site_id"], row["lat"], row["handling_cny_per_t"]) for row in proposal.sites] == [
        ("NEW_AIR", 50.0, 0.0)
    ]
    assert [row["transit_h"] for row in proposal.passages] == [5.0]


def test_what_spreadsheets_write_is_read(project):
    """A byte-order mark, Windows line ends, blank rows and blanks around cells do no harm."""
    study = filed(project, [cells(name_en=" 2024 ")], encoding="utf-8-sig")
    path = project / "scenarios" / "p.csv"
    path.write_bytes(path.read_bytes().replace(b"\n", b"\r\n") + b",,,,\r\n,,,,\r\n")
    assert only(project, study).name_en == "2024"


def test_keys_of_a_file_are_those_of_a_row():
    """The example in scenarios/ names only known columns."""
    example = Path(__file__).parents[1] / "scenarios" / "proposals" / "own-list.csv"
    header = example.read_text(encoding="utf-8").splitlines()[0]
    assert set(header.split(",")) <= set(ProposalRow.model_fields)


# --- bad rows -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("changes", "code", "column", "found", "hint"),
    [
        ({"stops": ["AIR", "FRAX"]}, "change.no_row", "stops", "FRAX", "FRA"),
        ({"payload_t": 0}, "schema.range", "payload_t", "0", ""),
        ({"frequencies": [-1, 2]}, "schema.range", "frequencies", "-1", ""),
        ({"tariff": "cheap"}, "schema.type", "tariff", "cheap", ""),
        ({"mode": "aire"}, "schema.choice", "mode", "aire", "air"),
        ({"aircraft": "SMALLL"}, "proposal.no_aircraft", "aircraft", "SMALLL", "SMALL"),
        ({"mode": "sea", "stops": ["HAM", "SEA"]}, "proposal.closed_site", "stops", "SEA", ""),
        ({"stops": ["AIR", "HAM"]}, "proposal.site_kind", "stops", "HAM", ""),
        ({"stops": ["CL_A", "FRA"]}, "proposal.site_kind", "stops", "CL_A", ""),
        ({"mode": "post", "stops": ["MX_CN", "FRA"]}, "proposal.site_kind", "stops", "FRA", ""),
        ({"proposal_id": "N" * 49}, "schema.value", "proposal_id", "N" * 49, ""),
        ({"stops": ["AIR", "AIR"]}, "service.same_stop", "stops", "AIR", ""),
        ({"back_stops": ["FRA"]}, "proposal.stops", "back_stops", "FRA", ""),
        ({"run_h": [11, 2]}, "proposal.legs", "run_h", "2", ""),
        ({"run_h": None}, "proposal.missing", "run_h", "", ""),
        ({"payload_m3": None}, "proposal.missing", "payload_m3", "", ""),
        ({"passages": [["X"]]}, "change.no_row", "passages", "X", ""),
        ({"aircraft": "BARRED"}, "proposal.airport", "stops", "AIR", ""),
        ({"aircraft": "SHORT"}, "proposal.range", "aircraft", "8664", ""),
        ({"aircraft": "SMALL", "payload_t": 12}, "proposal.payload", "payload_t", "12", ""),
        ({"tariff": 1, "subsidy_cny_per_t": 1001}, "proposal.subsidy", "subsidy_cny_per_t", "1001", ""),
        ({"background_t_per_departure": 9}, "proposal.background", "background_t_per_departure", "9", ""),
        ({"tariff_low": 3}, "proposal.half_range", "tariff_high", "", ""),
        ({"tariff_low": 30, "tariff_high": 40}, "proposal.low_high", "tariff_low", "30, 20, 40", ""),
        ({"tariff_currency": "EURO"}, "schema.value", "tariff_currency", "EURO", ""),
        ({"tariff_currency": "XXX"}, "fx.missing", "tariff_currency", "XXX", ""),
        ({"tariff_basis": "truck"}, "mode.no_figure", "tariff_basis", "truck", ""),
        ({"proposal_id": "AIR_DE"}, "proposal.is_service", "proposal_id", "AIR_DE", ""),
        (
            {"mode": "rail", "stops": ["RAIL", "RDU"], "aircraft": "SMALL", "distance_km": [9000]}
            | {"tariff_basis": "tkm"},
            "proposal.key_not_used",
            "aircraft",
            "aircraft",
            "",
        ),
    ],
)
def test_bad_row(project, changes, code, column, found, hint):
    """Each finding names line and column, what stands there, and what was meant, in a file and in a list."""
    row = cells(**changes)
    if "passages" in changes:
        row["passages"] = "X"
    in_file = problem(project, filed(project, [cells(proposal_id="GOOD"), row]))
    assert (in_file.code, in_file.where) == (code, Where("scenarios/p.csv", 3, column))
    assert (in_file.found, in_file.remedy) == (found, hint)
    inline = problem(project, listed(**changes))
    assert (inline.code, inline.found, inline.where.file) == (code, found, "s.yaml")
    assert inline.where.line >= 9


def test_what_is_said_of_an_id_and_of_a_currency(project):
    """An id is shorter here than elsewhere; CNY is not among the currencies that are known besides it."""
    long = problem(project, listed(proposal_id="N" * 49))
    assert "at most 48 characters" in sentence(long, "en")
    assert "48" in sentence(long, "zh")
    currency = problem(project, listed(tariff_currency="usd"))
    assert "besides CNY known: USD" in sentence(currency, "en")


def test_lorries_and_trains_call_where_they_do_today(project):
    """Trains go to ports, lorries to any gateway."""
    train = {"mode": "rail", "stops": ["RAIL", "HAM"], "distance_km": [9000], "tariff_basis": "feu"}
    assert only(project, listed(**train)).mode == "rail"
    lorry = {"mode": "road", "stops": ["RAIL", "FRA"], "distance_km": [9000], "tariff_basis": "tkm"}
    assert only(project, listed(**lorry)).mode == "road"


def test_subsidy_up_to_the_tariff_is_good(project):
    """A ride that costs nothing is allowed, one that pays is not, whatever the product."""
    assert only(project, listed(tariff=1, subsidy_cny_per_t=1000))
    found = problem(project, listed(tariff=1, back_stops="reverse", back_tariff=0.5, subsidy_cny_per_t=1000))
    assert (found.code, found.subject, found.allowed) == ("proposal.subsidy", "back_subsidy_cny_per_t", "500")


def test_mode_without_a_row(project):
    """A mode that modes.csv does not have."""
    path, case, _ = scenario_of(project, listed())
    network = case.networks[2021]
    modes = table_of(BY_NAME["modes"], [row for row in network.rows("modes") if row["mode"] != "air"])
    bare = replace(case, networks={2021: network.with_table("modes", modes)})
    with pytest.raises(InputError) as raised:
        read_proposals([Source.model_validate({"list": [FLIGHT]})], bare, path)
    assert [p.code for p in raised.value.problems] == ["mode.no_row"]


def test_ids_are_unique_in_and_between_sources(project):
    """A second use of an id, in any case of letters, names the first."""
    study = filed(project, [cells(), cells(proposal_id="new")])
    found = problem(project, study)
    assert (found.code, found.found, found.allowed) == (
        "proposal.duplicate",
        "new",
        "scenarios/p.csv:2:proposal_id",
    )
    both = listed() + "    - file: p.csv\n"
    filed(project, [cells()])
    assert problem(project, both).where == Where("scenarios/p.csv", 2, "proposal_id")


def test_a_frequency_is_not_called_like_another_proposal(project):
    """NEW at one flight a week is NEW.1w, whichever of the two comes first."""
    level, other = cells(frequencies="1|2"), cells(proposal_id="new.1W", frequencies="7")
    found = problem(project, filed(project, [level, other]))
    assert (found.code, found.where.line) == ("proposal.duplicate", 3)
    found = problem(project, filed(project, [other, level]))
    assert (found.code, found.where.line, found.found) == ("proposal.level_name", 3, "NEW.1w")
    assert only(project, listed(frequencies=[7, 1, 1.0000001])).levels == pytest.approx((1, 7))
    good, _ = read(project, filed(project, [cells(frequencies="1"), cells(proposal_id="NEW.1w")]))
    assert len(good) == 2


def test_all_bad_rows_of_ten_thousand_at_once(project):
    """Three bad rows of 10,000 are all listed; with keep_going the others go on. Both are quick."""
    rows = [cells(proposal_id=f"P{i}") for i in range(10_000)]
    rows[10]["tariff"] = "abc"
    rows[5000]["stops"] = "AIR|FRAA"
    rows[9999]["frequencies"] = "-1"
    study = filed(project, rows)
    path, case, sources = scenario_of(project, study)
    checked = [Source.model_validate(source) for source in sources]
    start = time.process_time()
    with pytest.raises(InputError) as raised:
        read_proposals(checked, case, path)
    assert time.process_time() - start < 6
    assert [(p.where.line, p.where.column) for p in raised.value.problems] == [
        (12, "tariff"),
        (5002, "stops"),
        (10001, "frequencies"),
    ]
    good, bad = read_proposals(checked, case, path, keep_going=True)
    assert len(good) == 9997
    assert [(r.id, r.where.line, [p.code for p in r.problems]) for r in bad] == [
        ("P10", 12, ["schema.type"]),
        ("P5000", 5002, ["change.no_row"]),
        ("P9999", 10001, ["schema.range"]),
    ]


# --- bad files and places ---------------------------------------------------------------------------


def test_file_that_is_not_there(project):
    """The name that was meant is offered; a file outside the project is refused."""
    filed(project, [cells()])
    found = problem(project, "study: {kind: routes, proposals: [{file: pp.csv}]}\n")
    assert (found.code, found.found, found.remedy) == ("proposal.no_file", "pp.csv", "p.csv")
    outside = problem(project, "study: {kind: routes, proposals: [{file: ../../p.csv}]}\n")
    assert outside.code == "path.outside"


@pytest.mark.parametrize(
    ("content", "code", "line"),
    [
        (b"", "table.empty", 0),
        (b"proposal_id,mode,stops,frequencies,tariff,tariff_basis,mode\n", "table.duplicate_column", 1),
        (b"proposal_id,mode,stops,frequencies,tariff\n", "table.missing_column", 1),
        (b"proposal_id,mode,stops,frequencies,tariff,tariff_basis,pay\n", "table.extra_column", 1),
        ("proposal_id,名称\n".encode("gbk"), "table.encoding", 1),
        (b"proposal_id,mode,stops,frequencies,tariff,tariff_basis\nA,air\n", "table.cell_count", 2),
    ],
)
def test_unusable_file(project, content, code, line):
    """What makes a file useless is said once, with its line."""
    (project / "scenarios" / "p.csv").write_bytes(content)
    found = problem(project, "study: {kind: routes, proposals: [{file: p.csv}]}\n")
    assert (found.code, found.where.line) == (code, line)


def test_file_that_cannot_be_read(project, monkeypatch):
    """A cell beyond all measure, a file too large, no permission."""
    path, case, sources = scenario_of(project, filed(project, [cells(note="x" * 200_000)]))

    def code():
        with pytest.raises(InputError) as raised:
            read_proposals([Source.model_validate(source) for source in sources], case, path)
        return [p.code for p in raised.value.problems]

    def refuse(_):
        raise PermissionError(13, "Permission denied")

    assert code() == ["table.malformed"]
    monkeypatch.setattr("logistics.proposals.csv_rows.MAX_FILE_BYTES", 10)
    assert code() == ["table.too_large"]
    monkeypatch.undo()
    monkeypatch.setattr(Path, "read_bytes", refuse)
    assert code() == ["table.unreadable"]


NEW_SITE = (
    "      sites:\n"
    "        - {site_id: %s, kind: airport, name_en: New, name_zh: 新, country: DE, land_region: %s,\n"
    "           customs_territory: EU, lat: %s, lon: 8, status: existing, %s: any,\n"
    "           source: invented, confidence: estimate}\n"
)


@pytest.mark.parametrize(
    ("filling", "code", "found"),
    [
        (("FRA", "EU", "50", "clearance_regimes"), "change.duplicate", "FRA"),
        (("N1", "EUU", "50", "clearance_regimes"), "table.reference", "EUU"),
        (("N1", "EU", "95", "clearance_regimes"), "table.range", "95"),
        (("N1", "EU", "50", "clearance_regime"), "schema.unknown_key", "clearance_regime"),
    ],
)
def test_bad_new_place(project, filling, code, found):
    """New sites are checked as rows of sites.csv, with their place in the scenario."""
    wrong = problem(project, listed() + NEW_SITE % filling)
    assert (wrong.code, wrong.found, wrong.where.file) == (code, found, "s.yaml")
    assert wrong.where.line > 18


def test_a_new_place_of_two_sources_is_one_place(project):
    """It may come along twice, as the same; under one id, in whatever letters, there is no other."""
    place = NEW_SITE % ("N1", "EU", "50", "clearance_regimes")
    one, other = (
        listed(proposal_id=name, stops=["AIR", "N1"]).partition("  proposals:\n")[2] + place
        for name in ("A", "B")
    )
    study = f"study:\n  kind: routes\n  proposals:\n{one}"
    proposals, _ = read(project, study + other)
    assert [[row["site_id"] for row in proposal.sites] for proposal in proposals] == [["N1"], ["N1"]]
    for changed in (other.replace("lat: 50", "lat: 51"), other.replace("N1", "n1")):
        wrong = problem(project, study + changed)
        assert (wrong.code, wrong.where.file) == ("proposal.other_place", "s.yaml")
        assert wrong.allowed.startswith("s.yaml:")
    assert problem(project, listed() + NEW_SITE % ("fra", "EU", "50", "clearance_regimes")).code == (
        "change.duplicate"
    )


@pytest.mark.parametrize("data", [{}, {"file": "p.csv", "list": []}, {"files": "p.csv"}])
def test_source_is_one_thing(data):
    """A source names a file, a list or a rule, and nothing else."""
    found = []
    assert validated(Source, Document("s.yaml", data, {}, {}), found) is None
    assert {p.code for p in found} <= {"schema.value", "schema.unknown_key"}
    assert found
