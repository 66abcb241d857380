"""The study ``routes`` from the scenario file to the results folder and its check, on ``three_gateways``."""

import csv
import json
import shutil
from dataclasses import replace

import numpy as np
import pyarrow.csv as pacsv
import pytest

import logistics.studies.routes
from logistics.errors import SolverFailure
from logistics.models.routes.evaluate import WarmBase
from logistics.network.tables import BY_NAME
from logistics.results.judge import judge_folder
from logistics.scenario.case import read_case
from logistics.studies.register import run_study
from tests.test_command_line import command_line
from tests.test_limits import HEAD, Desk
from tests.tiny import table_of

SMALL = {
    "aircraft_id": "SMALL",
    "name_en": "Small",
    "name_zh": "小型",
    "payload_t": 20.0,
    "payload_m3": 100.0,
    "range_km": 9000.0,
    "ferry_range_km": 15000.0,
    "cruise_kmh": 800.0,
    "taxi_h": 0.5,
    "hour_cny": 5000.0,
    "fuel_t_per_h": 2.0,
    "fuel_cny_per_t": 5000.0,
    "landing_cny": 1000.0,
    "overflight_cny_per_km": 1.0,
    "hour_cny_low": 4000.0,
    "hour_cny_high": 9000.0,
}
LEVELS = {
    ("air", 2019): 0.6,
    ("rail", 2019): 0.8,
    ("sea", 2019): 0.25,
    ("air", 2023): 0.9,
    ("rail", 2023): 1.1,
}
"""Tariffs over those of 2021, everywhere; what is not there stays as it is."""
FLIGHT = {
    "proposal_id": "FLY",
    "mode": "air",
    "stops": "AIR|FRA",
    "frequencies": "7",
    "payload_t": 20,
    "payload_m3": 100,
    "load_factor_max": 1,
    "run_h": 12,
    "distance_km": 9000,
    "tariff_basis": "chargeable_kg",
    "tariff": 9,
    "cost_cny_per_departure": 4000,
}
TRAIN = {
    **FLIGHT,
    "proposal_id": "TRAIN",
    "mode": "rail",
    "stops": "RAIL|RDU",
    "back_stops": "reverse",
    "frequencies": "1|3.5",
    "payload_t": 100,
    "payload_m3": 200,
    "run_h": 288,
    "distance_km": 11000,
    "tariff_basis": "feu",
    "tariff": 52000,
    "segments": "stocked|b2b",
    "cost_cny_per_departure": 700,
    "fixed_cny_per_year": 10000,
    "tariff_low": 50000,
    "tariff_high": 53000,
    "payload_t_low": 50,
    "payload_t_high": 110,
    "run_h_low": 250,
    "run_h_high": 300,
    "cost_cny_per_departure_low": 300,
    "cost_cny_per_departure_high": 5000,
}
DEAR = {**FLIGHT, "proposal_id": "DEAR", "tariff": 900}
LATE = {**FLIGHT, "proposal_id": "LATE", "tariff": 8.5, "opening_year": 2022}
ROWS = (FLIGHT, TRAIN, DEAR, LATE)
SHIP = """\
{proposal_id: SHIP, mode: sea, stops: [SEA, HAM], frequencies: [3.5], payload_t: 500, payload_m3: 1000,
           load_factor_max: 1, run_h: [500], distance_km: [20000], tariff_basis: teu, tariff: 15000,
           segments: [stocked, b2b], cost_cny_per_departure: 100}"""
RULE = "{mode: air, from: [AIR], to: [LAX], frequencies: [1], skip_existing: false}"


def studied(*sources, **settings):
    """The study's block: proposals from `sources`, and further settings."""
    lines = ["study:", "  kind: routes"]
    lines += [f"  {key}: {json.dumps(value)}" for key, value in settings.items()]
    return "\n".join([*lines, "  proposals:", *(f"    - {source}" for source in sources)])


ALL = studied("file: p.csv", f"list:\n        - {SHIP}", f"generate: {RULE}")


class Project(Desk):
    """A project whose network has a freighter and rate levels, and a proposals file."""

    def __init__(self, root):
        super().__init__(root)
        self.table("aircraft", [SMALL])
        named = {"what": "tariff", "region": "*"}
        rows = [
            {**named, "mode": mode, "year": float(year), "factor": factor}
            for (mode, year), factor in LEVELS.items()
        ]
        self.table("rate_levels", rows)
        self.file("p.csv", ROWS)

    def table(self, name, rows):
        """Write a table of the network."""
        made = table_of(BY_NAME[name], [{**row, "source": "invented", "confidence": "high"} for row in rows])
        pacsv.write_csv(made, self.root / "networks" / "three_gateways" / f"{name}.csv")

    def file(self, name, rows):
        """Write a proposals file."""
        path = self.root / "scenarios" / name
        with path.open("w", newline="", encoding="utf-8") as file:
            writer = csv.DictWriter(
                file, list(dict.fromkeys(k for row in rows for k in row)), lineterminator="\n"
            )
            writer.writeheader()
            writer.writerows(rows)
        return path


@pytest.fixture(scope="module")
def desk(tmp_path_factory):
    """A project of this module."""
    return Project(tmp_path_factory.mktemp("routes"))


@pytest.fixture(scope="module")
def ran(desk):
    """All sources by the command line, every plan checked."""
    return desk.solved(ALL + "\n  check: all")


def by_id(rows):
    """Rows by proposal."""
    return {row["proposal_id"]: row for row in rows}


# --- one run --------------------------------------------------------------------------------------


def test_one_row_a_proposal_from_every_source(ran):
    """File, list and rule; ranked by net benefit; what opens later stands there too."""
    rows = ran.rows("proposals")
    assert sorted(row["proposal_id"] for row in rows) == [
        "AIR_AIR_LAX_SMALL", "DEAR", "FLY", "LATE", "SHIP", "TRAIN",
    ]  # fmt: skip
    status = {row["proposal_id"]: row["status"] for row in rows}
    assert {name: status[name] for name in ("FLY", "TRAIN", "SHIP")} == dict.fromkeys(
        ("FLY", "TRAIN", "SHIP"), "worth"
    )
    assert (status["DEAR"], status["LATE"]) == ("no_effect", "not_open")
    ranked = [row for row in rows if row["rank"] is not None]
    assert [row["rank"] for row in ranked] == list(range(1, 6))
    nets = [row["net_benefit_cny"] for row in ranked]
    assert nets == sorted(nets, reverse=True)


def test_each_row_says_how_it_was_proven(ran):
    """Warm with a plan of its own that was checked, or screened with a proof that other code repeated."""
    rows = by_id(ran.rows("proposals"))
    for name in ("FLY", "TRAIN", "SHIP"):
        row = rows[name]
        assert (row["proof"], row["verified"]) == ("warm", True)
        assert row["plan_id"] in ran.result["plans"]
        assert row["delta_low"] <= row["delta"] <= row["delta_high"]
        assert row["delta_high"] - row["delta_low"] < 1e-8 * ran.said["objective"]
    assert (rows["DEAR"]["proof"], rows["DEAR"]["verified"], rows["DEAR"]["delta"]) == ("screened", True, 0.0)
    assert (rows["LATE"]["verified"], rows["LATE"]["reason_en"]) == (False, "2022")


def test_delta_is_the_difference_of_two_runs(desk, ran):
    """A proposal written into the network's tables, and the plain scenario run on them."""
    rows = by_id(ran.rows("proposals"))
    for name in ("FLY", "TRAIN", "SHIP"):
        plan = ran.result["plans"][rows[name]["plan_id"]]
        assert plan["objective"] == pytest.approx(ran.said["objective"] - rows[name]["delta"], rel=1e-12)
    case = read_case(ran.scenario)
    flight = {**case.networks[2021].rows("services")[0]}
    assert flight["service_id"] == "AIR_DE"
    network = case.networks[2021]
    service = {
        **flight, "service_id": "FLY.out", "tariff_spot": 9.0, "tariff_contract": None, "contract_share": 0.0,
        "background_t_per_year": 0.0,
    }  # fmt: skip
    stops = [
        {**stop, "service_id": "FLY.out", "run_sd_h": 0.5 + 0.03 * 12 if stop["seq"] == 2 else None}
        for stop in network.rows("service_stops")
        if stop["service_id"] == "AIR_DE"
    ]
    for table, more in (("services", [service]), ("service_stops", stops)):
        network = network.with_table(table, table_of(BY_NAME[table], [*network.rows(table), *more]))
    plain = replace(case.scenario, study={"kind": "assignment"})
    alone = run_study(replace(case, scenario=plain, networks={2021: network}))
    assert alone.objective == pytest.approx(ran.said["objective"] - rows["FLY"]["delta"], rel=1e-9)


def test_levels_each_have_a_row_and_the_best_is_shown(ran):
    """Two frequencies of the train; the proposal's row is that of the better one."""
    levels = [row for row in ran.rows("proposal_levels") if row["proposal_id"] == "TRAIN"]
    assert [row["departures_per_week"] for row in levels] == [1.0, 3.5]
    # More departures are waited for less.
    assert levels[1]["delta"] > levels[0]["delta"] > 0
    best = max(levels, key=lambda row: row["net_benefit_cny"])
    row = by_id(ran.rows("proposals"))["TRAIN"]
    assert row["departures_per_week"] == best["departures_per_week"]
    for figure in ("delta", "net_benefit_cny"):
        assert row[figure] == best[figure]


def test_accounts_add_up_in_every_row(ran):
    """The net benefit is the sum of the three; each is the sum of its parts."""
    for row in ran.rows("proposals"):
        if row["net_benefit_cny"] is None:
            assert row["status"] == "not_open"
            continue
        three = row["shipper_cny"] + row["operator_cny"] + row["public_cny"]
        assert row["net_benefit_cny"] == pytest.approx(three, abs=1e-3)
        cost = row["departures_cny"] + row["fixed_cny"] + row["capital_cny"]
        got = row["fares_cny"] + row["background_cny"] + row["subsidy_cny"]
        assert row["operator_cny"] == pytest.approx(got - cost, abs=1e-3)
        assert row["shipper_cny"] == pytest.approx(row["delta"], abs=1e-3)
        saved = row["money_saved_cny"] + row["capital_saved_cny"] + row["time_saved_cny"]
        assert row["delta"] == pytest.approx(saved, abs=1e-3)


def test_what_a_flight_changes(ran):
    """FLY undercuts AIR_DE by 1 CNY/kg and takes its 150 t, and D1 patient's 50 t from the post.

    Parcels: D1 is 100 t of 0.5 kg, D4 100 t of 2 kg.
    """
    row = by_id(ran.rows("proposals"))["FLY"]
    assert row["out_t"] == pytest.approx(200)
    assert row["diverted_from"] == "AIR_DE -150 t; POST_DE -50 t"
    assert row["diverted_gateways"] == "MX_CN -50 t"
    assert row["load_factor_out"] == pytest.approx(200 / 7_300)
    assert row["parcels"] == pytest.approx(200_000 + 50_000)
    # 100 t light at 18 and 100 t dense at 9 CNY/kg; 365 departures.
    assert row["fares_cny"] == pytest.approx(2_700_000)
    assert row["departures_cny"] == pytest.approx(365 * 4_000)
    # 50 t light urgent and 100 t dense save 2 and 1 CNY/kg; 50 t light patient 36,865 − 2,000 for 35,790.
    assert row["delta"] == pytest.approx(50 * 2_000 + 100 * 1_000 + 50 * (35_790 - 34_865), abs=0.1)
    moves = {
        (r["kind"], r["id"]): r["difference_t"] for r in ran.rows("diversions") if r["proposal_id"] == "FLY"
    }
    assert moves["service", "AIR_DE"] == pytest.approx(-150)
    assert moves["gateway", "AIR"] == pytest.approx(50)


def test_corridor_adds_up_to_the_path(ran):
    """Of the busiest cargo: step by step to the totals of the README, with the route and without it.

    B2 by rail takes 1,620 CNY/t and 362 h; by TRAIN at 3.5 a week 100 − 10 more: no subsidy, no fee.
    """
    rows = [row for row in ran.rows("corridors") if row["proposal_id"] == "TRAIN"]
    for way in ("proposed", "existing"):
        steps = [row for row in rows if row["way"] == way]
        assert [row["seq"] for row in steps] == list(range(1, len(steps) + 1))
        for total, own in (
            ("total_km", "distance_km"),
            ("total_cny_per_t", "cny_per_t"),
            ("total_hours", "hours"),
        ):
            assert [row[total] for row in steps] == pytest.approx(np.cumsum([row[own] for row in steps]))
        assert {row["demand_id"] for row in steps} <= {"B1", "B2"}
        # A road leg in China takes an hour and 50 km/h; what stands still goes nowhere.
        roads = [row for row in steps if row["action"] == "drive"]
        assert [row["distance_km"] for row in roads] == pytest.approx([50 * (r["hours"] - 1) for r in roads])
        assert max(row["distance_km"] for row in roads) > 50
        moving = {row["action"] for row in steps if row["distance_km"] > 0}
        assert moving <= {"drive", "ride", "deliver"}
    last = {row["way"]: row for row in rows}
    assert last["existing"]["total_cny_per_t"] == pytest.approx(1_620)
    assert last["existing"]["total_hours"] == pytest.approx(362)
    assert last["proposed"]["total_cny_per_t"] == pytest.approx(1_620 + 100 - 10)


def test_tornado_is_that_of_direct_runs(desk, ran):
    """Every end of every input of the train, written into a proposals file of its own."""
    swings = {row["input"]: row for row in ran.rows("tornado") if row["proposal_id"] == "TRAIN"}
    assert swings.keys() == {"tariff", "payload_t", "run_h", "cost_cny_per_departure"}
    plain = {key: value for key, value in TRAIN.items() if not key.endswith(("_low", "_high"))}
    level = by_id(ran.rows("proposals"))["TRAIN"]["departures_per_week"]
    rows, expected = [], {}
    for name in swings:
        for end in ("low", "high"):
            value = TRAIN[f"{name}_{end}"]
            row = {**plain, "proposal_id": f"{name}_{end}", "frequencies": level, name: value}
            if name == "payload_t":
                row["payload_m3"] = 2 * value
            if name == "tariff":
                # The range is of the way out; the way back is blank and would follow.
                row["back_tariff"] = plain["tariff"]
            rows.append(row)
            expected[f"{name}_{end}"] = swings[name][f"net_{end}_cny"]
    desk.file("ends.csv", rows)
    alone = by_id(desk.solved(studied("file: ends.csv", details=0)).rows("proposals"))
    assert {name: row["net_benefit_cny"] for name, row in alone.items()} == pytest.approx(expected, abs=1.0)
    widths = [abs(row["net_high_cny"] - row["net_low_cny"]) for row in swings.values()]
    assert widths == sorted(widths, reverse=True)


def test_chance_of_a_benefit_depends_on_the_seed_alone(desk, ran):
    """Same seed, same share; another seed, another draw; between 0 and 1 where the range crosses nothing."""
    chances = [by_id(ran.rows("proposals"))["TRAIN"]["probability_of_benefit"]]
    for seed in (1, 2):
        again = desk.solved(studied("file: p.csv") + f"\nsolver: {{seed: {seed}}}")
        chances.append(by_id(again.rows("proposals"))["TRAIN"]["probability_of_benefit"])
    assert chances[0] == chances[1] != chances[2]
    assert all(0 < chance < 1 for chance in chances)
    assert by_id(ran.rows("proposals"))["FLY"]["probability_of_benefit"] is None


def at_level(row, rows, factor):
    """A row of the file at the frequency it is shown with, its tariff times a factor, without ranges."""
    plain = {key: value for key, value in row.items() if not key.endswith(("_low", "_high"))}
    level = rows[row["proposal_id"]]["departures_per_week"]
    return {**plain, "frequencies": level, "tariff": row["tariff"] * factor}


def test_net_benefit_at_the_rates_of_other_years(desk, ran):
    """All tariffs of the network and of the proposal scaled by hand give the same."""
    rows = by_id(ran.rows("proposals"))
    for year in (2019, 2023):
        factor = {mode: LEVELS.get((mode, year), 1.0) for mode in ("air", "rail", "sea")}
        columns = [*((mode, "tariff_spot") for mode in factor), ("air", "tariff_contract")]
        changes = "".join(
            f"  - set: {{table: services, where: \"mode == '{mode}'\", column: {column}, factor: {times}}}\n"
            for mode, column in columns
            if (times := factor[mode]) != 1
        )
        desk.file("scaled.csv", [at_level(row, rows, factor[row["mode"]]) for row in ROWS[:2]])
        alone = by_id(desk.solved(f"{studied('file: scaled.csv')}\nchanges:\n{changes}").rows("proposals"))
        for name in ("FLY", "TRAIN"):
            there = rows[name][f"net_benefit_{year}_rates_cny"]
            assert there == pytest.approx(alone[name]["net_benefit_cny"], abs=1.0)
    assert rows["FLY"]["net_benefit_2021_rates_cny"] == rows["FLY"]["net_benefit_cny"]


def test_what_hardly_changes_anything_is_checked_too(desk):
    """Room for 4 g a year: solved, not screened, of no measurable effect; with `check: all` it is checked."""
    desk.file("tiny.csv", [{**FLIGHT, "payload_t": 1e-11, "payload_m3": 1e-10}])
    for check, verified in (("details", False), ("all", True)):
        (row,) = desk.solved(studied("file: tiny.csv", check=check)).rows("proposals")
        assert (row["status"], row["proof"], row["plan_id"]) == ("no_effect", "warm", "")
        assert row["verified"] is verified


def test_other_cargo_pays_the_rates_of_the_year_too(desk):
    """A flight that carries other cargo alone earns 0.6 of it at the rates of 2019."""
    carrier = {**DEAR, "background_t_per_departure": 10, "background_tariff_cny_per_t": 1000, "tariff": 9}
    desk.file("carrier.csv", [carrier])
    (row,) = desk.solved(studied("file: carrier.csv")).rows("proposals")
    less = row["net_benefit_2021_rates_cny"] - row["net_benefit_2019_rates_cny"]
    desk.file("alone.csv", [{**carrier, "background_tariff_cny_per_t": 0}])
    (alone,) = desk.solved(studied("file: alone.csv")).rows("proposals")
    less -= alone["net_benefit_2021_rates_cny"] - alone["net_benefit_2019_rates_cny"]
    assert row["background_cny"] == pytest.approx(10 * 1000 * 365)
    assert less == pytest.approx(0.4 * row["background_cny"])


def test_tariffs_of_a_year_are_brought_to_the_others(desk):
    """Written at the rates of 2023, 0.9 of those of 2021: the same as what they are in 2021, written so."""
    background = {"background_t_per_departure": 2, "background_tariff_cny_per_t": 900}
    desk.file("rated.csv", [{**FLIGHT, "rate_year": 2023, "tariff": 9, **background}])
    (rated,) = desk.solved(studied("file: rated.csv")).rows("proposals")
    background = {"background_t_per_departure": 2, "background_tariff_cny_per_t": 1000}
    desk.file("own.csv", [{**FLIGHT, "tariff": 10, **background}])
    (own,) = desk.solved(studied("file: own.csv")).rows("proposals")
    same = [name for name, value in own.items() if isinstance(value, float)]
    assert {name: rated[name] for name in same} == pytest.approx({name: own[name] for name in same}, abs=1e-3)
    assert own["background_cny"] == pytest.approx(2 * 1000 * 365)


def test_a_subsidy_is_at_most_the_tariff_of_every_year(desk):
    """9 CNY/kg at the rates of 2021 are 5.4 in 2019, when 6,000 CNY/t would pay the shipper."""
    desk.file("paid.csv", [{**FLIGHT, "rate_year": 2021, "subsidy_cny_per_t": 6000}])
    assert desk.solved(studied("file: paid.csv")).rows("proposals")
    # The year of the scenario is 2021; rates of 2023 make the tariff of 2021 higher, not lower.
    desk.file("paid.csv", [{**FLIGHT, "rate_year": 2023, "subsidy_cny_per_t": 9500}])
    assert desk.solved(studied("file: paid.csv")).rows("proposals")
    desk.file("paid.csv", [{**FLIGHT, "rate_year": 2023, "subsidy_cny_per_t": 10_500}])
    (line,) = desk.refused(studied("file: paid.csv"))
    assert "10500 CNY/t is more than the lowest tariff, 1e+04 CNY/t" in line


# --- the folder and its check ---------------------------------------------------------------------


def test_every_plan_is_checked_from_files(ran):
    """Each proposal's plan lies in the folder with what opens it, and holds without the engine."""
    judged = judge_folder(ran.folder)
    assert judged.verified
    assert judged.others.keys() == ran.result["plans"].keys()
    assert len(judged.others) >= 3
    for name, verdict in judged.others.items():
        assert (verdict.plan_verified, verdict.bound_proof) == (True, "certificate")
        changes = ran.result["plans"][name]["changes"]
        assert {(c["table"], c["column"], c["value"]) for c in changes} == {
            ("services", "status", "existing")
        }


@pytest.mark.parametrize(
    "name",
    ["proposals.parquet", "proposal_levels.parquet", "tornado.parquet", "plans/2021-FLY/flows.parquet",
     "plans/2021-FLY/duals.parquet", "result.json"],
)  # fmt: skip
def test_a_changed_byte_is_found(ran, tmp_path, name):
    """Any table or plan."""
    copy = tmp_path / "copy"
    shutil.copytree(ran.folder, copy)
    content = bytearray((copy / name).read_bytes())
    content[len(content) // 2] ^= 1
    (copy / name).write_bytes(bytes(content))
    assert command_line("verify", copy).code == 6


def test_two_runs_write_the_same_tables(desk, ran):
    """To the byte."""
    again = desk.solved(ALL + "\n  check: all")
    for name in ("proposals", "proposal_levels", "diversions", "tornado", "corridors"):
        assert (again.folder / f"{name}.parquet").read_bytes() == (
            ran.folder / f"{name}.parquet"
        ).read_bytes()


def test_terminal_shows_the_best(desk):
    """In both languages, with how many were what."""
    path = desk.write("shown", f"{HEAD}extends: plain.yaml\n{ALL}\n")
    shown = {
        "en": ("Airport–Airport in Germany", "evaluated 4", "without effect 1", "not open yet 1"),
        "zh": ("机场—德国机场", "已评估 4", "无影响 1", "尚未开通 1"),
    }
    for lang, words in shown.items():
        answer = command_line("run", path, "--out", desk.root / lang, "--lang", lang, "-q")
        assert answer.code == 0
        assert all(word in answer.out for word in words), answer.out


# --- stopping early, pieces, years ----------------------------------------------------------------


def many(count):
    """Flights, each dearer to ride and to run than the one before; every third is too dear for all."""
    return [
        {
            **FLIGHT,
            "proposal_id": f"F{i}",
            "tariff": 900 if i % 3 == 2 else 7 + 0.05 * i,
            "frequencies": "3.5|7",
            "cost_cny_per_departure": 20_000 * i,
        }
        for i in range(count)
    ]


@pytest.fixture(scope="module")
def every(desk):
    """All of many."""
    desk.file("many.csv", many(24))
    return desk.solved(studied("file: many.csv", details=3))


@pytest.mark.parametrize("measure", ["net_benefit", "objective"])
@pytest.mark.parametrize("top", [1, 4, 9])
def test_the_top_is_that_of_all(desk, every, top, measure):
    """The same proposals with the same worth; of the others some are proven behind and not solved."""
    figure = {"net_benefit": "net_benefit_cny", "objective": "delta"}[measure]
    some = desk.solved(studied("file: many.csv", details=3, top=top, measure=measure))
    levels = {}
    for row in every.rows("proposal_levels"):
        levels.setdefault(row["proposal_id"], []).append(row[figure])
    expected = sorted(levels, key=lambda name: -max(levels[name]))[:top]
    rows = some.rows("proposals")
    assert [row["proposal_id"] for row in rows[:top]] == expected
    assert [row[figure] for row in rows[:top]] == pytest.approx([max(levels[name]) for name in expected])
    behind = [row for row in rows if row["status"] == "behind"]
    assert behind
    exact = 1e-9 * every.said["objective"]
    for row in behind:
        assert max(levels[row["proposal_id"]]) <= row["at_most"] + exact
        assert row["at_most"] <= rows[top - 1][figure] + exact
        assert row["net_benefit_cny"] is None


@pytest.fixture(scope="module")
def pieces(desk, every):
    """The same in pieces of 7."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(logistics.studies.routes, "PROPOSALS_A_PIECE", 7)
        return desk.solved(studied("file: many.csv", details=3))


def test_pieces_find_what_one_piece_finds(every, pieces):
    """Each proposal's row is the same but for its place and its details."""
    whole, parts = by_id(every.rows("proposals")), by_id(pieces.rows("proposals"))
    assert parts.keys() == whole.keys()
    for figure in ("status", "proof", "departures_per_week", "diverted_from"):
        assert {n: row[figure] for n, row in parts.items()} == {n: row[figure] for n, row in whole.items()}
    for figure in ("delta", "net_benefit_cny", "out_t", "shipper_cny"):
        found = {name: row[figure] for name, row in parts.items()}
        assert found == pytest.approx({name: row[figure] for name, row in whole.items()}, abs=1e-3)
    assert pieces.said["objective"] == every.said["objective"]


def test_pieces_put_together_are_one_piece(every, pieces):
    """Ranks, order and the proposals with a plan and a tornado are those of the year, not of its pieces."""
    order = [(row["rank"], row["proposal_id"], row["plan_id"]) for row in every.rows("proposals")]
    assert [(row["rank"], row["proposal_id"], row["plan_id"]) for row in pieces.rows("proposals")] == order
    assert pieces.result["plans"].keys() == every.result["plans"].keys()


def test_a_proposal_opens_in_its_year(desk):
    """LATE flies in 2022 only, and then is worth what it is worth; each year has its own rows and ranks."""
    ran = desk.solved(studied("file: p.csv", details=2) + "\nyears: [2021, 2022]")
    rows = {(row["year"], row["proposal_id"]): row for row in ran.rows("proposals")}
    assert len(rows) == 8
    assert rows[2021, "LATE"]["status"] == "not_open"
    assert rows[2022, "LATE"]["status"] == "worth"
    assert rows[2022, "LATE"]["delta"] > rows[2022, "FLY"]["delta"] > 0
    for year in (2021, 2022):
        ranks = [row["rank"] for (of, _), row in rows.items() if of == year and row["rank"] is not None]
        assert ranks == list(range(1, len(ranks) + 1))
        assert sum(name.startswith(f"{year}-") for name in ran.result["plans"]) == 2


def test_subsidies_fade_over_the_years(desk):
    """Half in the second year; the public pays that, and the operator gets it."""
    row = {**FLIGHT, "opening_year": 2021, "subsidy_cny_per_departure": 1000, "subsidy_shares": "1|0.5"}
    desk.file("faded.csv", [row])
    ran = desk.solved(studied("file: faded.csv") + "\nyears: [2021, 2022]")
    assert [row["subsidy_cny"] for row in ran.rows("proposals")] == pytest.approx([365_000, 182_500])
    assert [row["public_cny"] for row in ran.rows("proposals")] == pytest.approx([-365_000, -182_500])


# --- what is useless, fails or is wrong -----------------------------------------------------------


def test_two_legs_useful_only_together_are_said_to_be_idle_alone(desk):
    """Both rows are of no effect, proven by code that did not find it, and the joint network is not."""
    ship = {
        **FLIGHT,
        "mode": "sea",
        "tariff_basis": "teu",
        "tariff": 100,
        "segments": "stocked",
        "run_h": 100,
    }
    legs = {"FIRST": "SEA|LGB", "SECOND": "LGB|HAM"}
    desk.file("legs.csv", [{**ship, "proposal_id": name, "stops": stops} for name, stops in legs.items()])
    ran = desk.solved(studied("file: legs.csv"))
    for row in ran.rows("proposals"):
        assert (row["status"], row["proof"], row["delta"], row["verified"]) == (
            "no_effect",
            "screened",
            0,
            True,
        )
    desk.file(
        "way.csv",
        [{**ship, "proposal_id": "WAY", "stops": "SEA|LGB|HAM", "run_h": "100|100", "distance_km": "9|9"}],
    )
    (way,) = desk.solved(studied("file: way.csv")).rows("proposals")
    assert (way["status"], way["delta"] > 100_000) == ("worth", True)


def test_a_route_that_leads_nowhere_is_of_no_effect(desk):
    """Between two places that no cargo passes; the others are evaluated."""
    nowhere = {**FLIGHT, "proposal_id": "NOWHERE", "stops": "LAX|FRA", "tariff": 0.1}
    desk.file("nowhere.csv", [nowhere, FLIGHT])
    rows = by_id(desk.solved(studied("file: nowhere.csv")).rows("proposals"))
    assert (rows["NOWHERE"]["status"], rows["NOWHERE"]["verified"]) == ("no_effect", True)
    assert rows["FLY"]["status"] == "worth"


def test_a_failure_of_one_is_its_result(desk, ran, monkeypatch):
    """The solver fails on SHIP: its row says why, the others are as they were."""
    solve = WarmBase.worth

    def fails(self, addition):
        if self.union.names[addition] == "SHIP":
            raise SolverFailure("GLOP ended abnormally")
        return solve(self, addition)

    monkeypatch.setattr(WarmBase, "worth", fails)
    again = desk.solved(ALL)
    rows, before = by_id(again.rows("proposals")), by_id(ran.rows("proposals"))
    ship = rows.pop("SHIP")
    assert (ship["status"], ship["reason_en"], ship["verified"]) == ("failed", "GLOP ended abnormally", False)
    assert ship["reason_zh"]
    for name, row in rows.items():
        assert row["delta"] == before[name]["delta"]
        assert row["status"] == before[name]["status"]


BAD = {
    "UNKNOWN": ({"stops": "AIR|FRAX"}, "FRA"),
    "EMPTY": ({"payload_t": 0}, "payload_t"),
    "NEVER": ({"frequencies": "-1"}, "frequencies"),
    "FAR": ({"aircraft": "SMALL", "payload_t": "", "distance_km": 16000}, "16"),
    "PAID": ({"tariff": 1, "subsidy_cny_per_t": 5000}, "5000"),
    "HEAVY": ({"background_t_per_departure": 30}, "30"),
}
"""Rows with one thing wrong each, and what is said of it."""


@pytest.fixture(scope="module")
def bad(desk):
    """A file of good rows, bad ones, and one that is there twice."""
    rows = [
        FLIGHT,
        *({**FLIGHT, "proposal_id": name, **wrong} for name, (wrong, _) in BAD.items()),
        TRAIN,
        FLIGHT,
    ]
    return desk.file("bad.csv", rows)


def test_all_bad_rows_are_listed_at_once(desk, bad):
    """Exit 2, nothing is written; each with file, line and column."""
    lines = desk.refused(studied("file: bad.csv"))
    assert len(lines) == len(BAD) + 1
    for number, (name, (_, word)) in enumerate(BAD.items(), 3):
        (line,) = [line for line in lines if line.startswith(f"scenarios/bad.csv:{number}:")]
        assert word in line, name
    assert any(line.startswith(f"scenarios/bad.csv:{len(BAD) + 4}:proposal_id") for line in lines)


@pytest.mark.parametrize("how", ["--keep-going", "keep_going"])
def test_good_rows_go_on(desk, bad, how):
    """Asked for on the command line or in the scenario: bad rows stand in the results, with their reasons."""
    if how == "keep_going":
        ran = desk.solved(studied("file: bad.csv", keep_going=True))
    else:
        ran = desk.solved(studied("file: bad.csv"), how)
    rows = ran.rows("proposals")
    turned_down = {row["source"]: row for row in rows if row["status"] == "rejected"}
    assert sorted(row["proposal_id"] for row in rows if row["status"] == "worth") == ["FLY", "TRAIN"]
    assert [row["proposal_id"] for row in turned_down.values()] == [*BAD, "FLY"]
    for row, (_, word) in zip(turned_down.values(), BAD.values(), strict=False):
        assert word in row["reason_en"]
        assert any("一" <= letter <= "鿿" for letter in row["reason_zh"])
        assert (row["verified"], row["rank"], row["delta"]) == (False, None, None)


def test_without_proposals_none_is_left_out(desk):
    """The flag does no harm to a study that has none."""
    assert desk.run("", "--keep-going").code == 0


def test_bad_rows_and_a_bad_rule_are_told_together(desk, bad):
    """What is wrong in several sources is one list."""
    rule = "{mode: air, from: [AIRX], to: [LAX], frequencies: [1]}"
    lines = desk.refused(
        studied("file: bad.csv", f"generate: {rule}", f"list:\n        - {SHIP.replace('500]', '0]', 1)}")
    )
    assert len(lines) >= len(BAD) + 2
    assert any("AIRX" in line for line in lines)


def test_three_bad_rows_of_ten_thousand(desk):
    """All three are found, none of the others is evaluated."""
    rows = [{**FLIGHT, "proposal_id": f"P{i}"} for i in range(10_000)]
    for number, wrong in (
        (10, {"tariff": "abc"}),
        (5_000, {"stops": "AIR|FRAA"}),
        (9_999, {"frequencies": "-1"}),
    ):
        rows[number] = {**rows[number], **wrong}
    desk.file("large.csv", rows)
    lines = desk.refused(studied("file: large.csv"))
    places = {12: "tariff", 5_002: "stops", 10_001: "frequencies"}
    assert [line.split(" ")[0] for line in lines] == [
        f"scenarios/large.csv:{line}:{column}:" for line, column in places.items()
    ]


def test_rates_are_those_of_years_that_have_a_column(desk):
    """Of other years nothing could be shown."""
    (line,) = desk.refused(studied("file: p.csv", rates=[2019, 2022]))
    assert "'2022' is not one of '2019', '2021' or '2023'" in line


def test_without_draws_there_is_no_chance(desk, recwarn):
    """And no word of numpy's."""
    rows = desk.solved(studied("file: p.csv", samples=0)).rows("proposals")
    assert {row["probability_of_benefit"] for row in rows} == {None}
    assert [str(warning.message) for warning in recwarn if warning.category is RuntimeWarning] == []


def test_only_the_generalised_objective_has_a_net_benefit(desk):
    """Under another one proposals are ranked by it, or refused."""
    (line,) = desk.refused(f"objective: co2\n{studied('file: p.csv')}")
    assert "measure" in line
    ran = desk.solved(f"objective: co2\n{studied('file: p.csv', measure='objective')}")
    nets = [row["delta"] for row in ran.rows("proposals") if row["rank"] is not None]
    assert nets == sorted(nets, reverse=True)


def test_limits_that_cannot_hold_end_the_study(desk):
    """There is nothing to weigh a proposal against: exit 3, with the proof of the conflict."""
    ran = desk.infeasible(f"{studied('file: p.csv')}\nlimits: {{max_co2_t: 1}}")
    assert not (ran.folder / "proposals.parquet").exists()


NO_FLIGHT_HOME = "changes: [{close: {service: AIR_CN}}]\nlimits: {allow_unserved: true}"
HOME = {**FLIGHT, "proposal_id": "HOME", "stops": "FRA|AIR", "tariff": 5}


def test_newly_served_demand(desk):
    """I1, 50 t, has no way without HOME."""
    desk.file("home.csv", [HOME, FLIGHT])
    ran = desk.solved(f"{studied('file: home.csv')}\n{NO_FLIGHT_HOME}")
    rows = by_id(ran.rows("proposals"))
    assert rows["HOME"]["newly_served_t"] == pytest.approx(50)
    assert rows["FLY"]["newly_served_t"] == pytest.approx(0)
    # What is left has no gateway: of 2,350 t all but these 50 passed one of the province before.
    assert rows["HOME"]["local_share_more"] == pytest.approx(50 / 2350)


def test_newly_served_demand_with_a_price(desk):
    """I1, 50 t, is left at 60,000 CNY/t without HOME."""
    desk.file("home.csv", [HOME, FLIGHT])
    changes = NO_FLIGHT_HOME.replace("allow_unserved: true", "unserved_cny_per_t: 100000")
    ran = desk.solved(f"{studied('file: home.csv')}\n{changes}")
    rows = by_id(ran.rows("proposals"))
    assert rows["HOME"]["newly_served_t"] == pytest.approx(50)
