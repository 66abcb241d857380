"""`logistics verify` on a siting study: choice, rules, money and cargo worked out again from plan and tables.

One run of the tiny project of :mod:`tests.test_siting_study`; what it says is altered, one thing at a time
and with digests that fit, and each must be found.
"""

import json
import shutil

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from logistics.results.siting_options import OptionTable, opened
from logistics.studies.siting_candidates import candidates_of, opening_changes
from tests.test_command_line import command_line
from tests.test_results_folder import forge, read_document
from tests.test_siting_facilities import Gateways
from tests.test_siting_study import LAST, Project, sites_and_options
from tests.tiny import three_gateways
from tests.tiny_siting import annual_cny

STUDY = """\
years: [2021, 2022]
study:
  kind: siting
  closable: "option_id == 'OLD'"
  sweep: [2]
  alternatives: 1
  frontier: [0.25]
  counts:
    - {most: 4}
    - {least: 1, where: "country == 'DE' and capacity_t_per_year > 100"}
  budgets:
    - {cny: {2021: 900000, 2022: 900000}, where: "ownership in ['build', 'acquire']"}
"""


@pytest.fixture(scope="module")
def written(tmp_path_factory):
    """The results folder of the run, which no test changes."""
    return Project(tmp_path_factory.mktemp("siting")).solved(STUDY, parent="two").folder


@pytest.fixture
def result(tmp_path, written):
    """A results folder of its own for a test."""
    return shutil.copytree(written, tmp_path / "siting")


def rows(folder, table):
    """Rows of a table of the folder."""
    return pq.read_table(folder / f"{table}.parquet").to_pylist()


def chosen(folder):
    """Rows of the candidates that open, by id."""
    found = rows(folder, "candidates")
    return {row["option_id"]: row for row in found if row["chosen"] and not row["exists"]}


def altered(path, column, change, mine=lambda row: True):
    """Change a column of the rows that are meant; as many as are changed, at least one."""
    table = pq.read_table(path)
    before = table[column].to_pylist()
    after = [change(row[column]) if mine(row) else row[column] for row in table.to_pylist()]
    assert after != before
    place = table.schema.get_field_index(column)
    field = table.schema.field(column)
    pq.write_table(table.set_column(place, field, pa.array(after, field.type)), path)


def found(folder, document=None):
    """What is said of a folder whose digests are mended: sentences that begin with the code; exit 6."""
    forge(folder, document)
    answer = command_line("verify", folder, "--json")
    assert answer.code == 6, answer.err
    return [f"{one['code']} {one['message']}" for one in json.loads(answer.out)["violations"]]


def named(sentences, *parts):
    """Whether one of the sentences has all parts."""
    return any(all(part in sentence for part in parts) for sentence in sentences)


def test_what_was_written_is_verified(result):
    """Nothing is found against it, also after its digests were made anew; and it has something to find."""
    forge(result)
    answer = command_line("verify", result, "--json")
    assert answer.code == 0, answer.err
    assert {name: row["opens"] for name, row in chosen(result).items()} == {
        "A_BUILD": 2021,
        "B_ACQUIRE": 2021,
        "C_LEASE": 2021,
    }
    kinds = {row["kind"] for row in rows(result, "siting_plans")}
    assert kinds == {"base", "best", "sweep", "alternative", "baseline", "frontier"}


# --- figures ---------------------------------------------------------------------------------------

CELLS_OF_CANDIDATES = {
    "A_BUILD": [
        {"capex_cny": 1.001, "alone_net_at_most_cny": 1.001, "rank_best": 9, "plan_tonnes": 0.9},
        {"annual_cny": 1.001, "alone_utilisation": 0.99, "plan_orders": 1.1, "plan_utilisation": 0.99},
        {"capacity_t_per_year": 1.001, "alone_landed_cny_per_order": 1.001, "plan_stock_cny": 1.1},
    ],
    "B_ACQUIRE": [
        {"plan_days_p50": 0.5, "plan_value_share_3d": 0.8, "plan_landed_cny_per_kg": 0.9},
        {"plan_days_p90": 0.5, "plan_co2_kg_per_t": 0.9, "plan_landed_cny_per_order": 1.001},
        {"rank": 2, "fixed_cny_per_year": 0.99, "plan_value_share_2d": 0.8},
    ],
}
CELLS_OF_YEARS = [
    {"capex_cny": 0.99, "saved_cny": 1.001, "value_cny": 0.9999, "gap": 0.5, "open": 2, "opened": 2},
    {"warehouses_cny": 0.999, "flow_before_cny": 1.0001, "flow_after_cny": 0.9999, "bound_cny": 1.01},
]
CELLS_OF_THE_BEST = [
    {"value_cny": 0.9999},
    {"bound_cny": 1.01, "warehouses_cny": 0.999, "capex_cny": 0.99, "sites": 2},
    {"tonnes": 1.01, "landed_cny_per_kg": 0.99, "days_p50": 0.9, "days_p90": 0.9},
    {"value_share_3d": 0.9, "utilisation": 0.98},
]
"""Factors on cells of a row. Those that are altered together do not follow from each other."""


def misquoted(folder, table, factors, mine):
    """Multiply cells of a row; returns those that are not found out."""
    for column, factor in factors.items():
        altered(folder / f"{table}.parquet", column, lambda value, times=factor: value * times, mine)
    said = found(folder)
    return [column for column in factors if not named(said, "verify.bill", f"{table}.parquet:{column}:")]


@pytest.mark.parametrize(
    ("option", "factors"), [(name, cells) for name, all_ in CELLS_OF_CANDIDATES.items() for cells in all_]
)
def test_figures_of_a_candidate_follow(result, option, factors):
    assert misquoted(result, "candidates", factors, lambda row: row["option_id"] == option) == []


@pytest.mark.parametrize("factors", CELLS_OF_YEARS)
def test_figures_of_a_year_follow(result, factors):
    assert misquoted(result, "siting_years", factors, lambda row: row["year"] == 2021) == []


@pytest.mark.parametrize("factors", CELLS_OF_THE_BEST)
def test_figures_of_the_best_plan_follow(result, factors):
    assert misquoted(result, "siting_plans", factors, lambda row: row["kind"] == "best") == []


def test_words_of_a_candidate_are_those_of_the_tables(result):
    columns = ("name_zh", "country", "ownership", "size", "kind", "source")
    for column in columns:
        altered(
            result / "candidates.parquet", column, lambda _: "other", lambda row: row["option_id"] == "C_LATE"
        )
    said = found(result)
    assert all(named(said, "verify.bill", f"C_LATE {column}", "other") for column in columns)


def test_cargo_through_what_is_not_open_is_none(result):
    altered(
        result / "candidates.parquet",
        "plan_tonnes",
        lambda _: 10.0,
        lambda row: row["option_id"] == "D_SHARE",
    )
    assert named(found(result), "verify.bill", "D_SHARE plan_tonnes")


def test_a_year_that_is_left_out_is_missed(result):
    altered(result / "siting_years.parquet", "year", lambda _: LAST)
    assert named(found(result), "verify.siting", "siting_years.parquet:year", f"{LAST}, {LAST}")


@pytest.mark.parametrize("kind", ["base", "sweep", "alternative", "baseline", "frontier"])
def test_money_of_other_plans_follows(result, kind):
    path, columns = result / "siting_plans.parquet", ("sites", "warehouses_cny", "worse_cny")
    for column in columns:
        altered(path, column, lambda value: value + 1, lambda row: row["kind"] == kind)
    said = found(result)
    assert all(named(said, "verify.bill", f"siting_plans.parquet:{column}", f"{kind} ") for column in columns)


def test_the_base_costs_what_its_flows_cost(result):
    path = result / "siting_plans.parquet"
    altered(path, "value_cny", lambda value: 0.9999 * value, lambda row: row["kind"] == "base")
    assert named(found(result), "verify.bill", "siting_plans.parquet:value_cny", "base ")


def test_what_exists_has_a_cost_where_it_does(result):
    for column in ("flow_before_cny", "saved_cny"):
        altered(result / "siting_years.parquet", column, lambda _: None, lambda row: row["year"] == LAST)
    assert named(found(result), "verify.bill", f"siting {LAST} flow_before_cny")


def test_what_exists_need_not_do(tmp_path):
    """A candidate alone reaches the United States, or only candidates are fast enough: both are verified."""
    desk = Project(tmp_path)
    small = "study: {kind: siting, baselines: false}\nsolver: {gap: 0.001}"
    parent = desk.with_options(lambda all_: [row for row in all_ if row["option_id"] != "US_OLD"])
    ran = desk.run(small, parent=parent)
    assert ran.code == 0, ran.err
    assert "C_LEASE" in chosen(ran.folder)
    assert command_line("verify", ran.folder).code == 0
    parent = desk.with_options(
        lambda all_: [{**row, "pick_h": 900.0} if row["status"] == "existing" else row for row in all_]
    )
    ran = desk.run(f"limits: {{max_mean_customer_days: 5}}\n{small}", parent=parent)
    assert [row["flow_before_cny"] for row in ran.rows("siting_years")] == [None]
    assert command_line("verify", ran.folder).code == 0


# --- the choice ------------------------------------------------------------------------------------


def study(folder, key, value):
    """Ask another question in the inputs."""
    (path,) = folder.glob("inputs/*/scenario.json")
    scenario = json.loads(path.read_text(encoding="utf-8"))
    scenario["study"][key] = value
    path.write_text(json.dumps(scenario), encoding="utf-8")


def choose(folder, option, opens):
    """Say of a candidate that it opens in a year; None: that it does not."""
    for column, value in (("chosen", opens is not None), ("opens", opens)):
        if [r[column] for r in rows(folder, "candidates") if r["option_id"] == option] != [value]:
            altered(
                folder / "candidates.parquet",
                column,
                lambda _, v=value: v,
                lambda r: r["option_id"] == option,
            )


def test_a_later_opening_contradicts_the_plan(result):
    choose(result, "B_ACQUIRE", LAST)
    said = found(result)
    assert named(said, "verify.siting", "plans 2021-siting", "warehouse_options B_ACQUIRE status")
    assert named(said, "verify.bill", "siting_years.parquet:opened", f"{LAST} opened")


@pytest.mark.parametrize("opens", [2020, 2023])
def test_years_of_opening_are_years_of_the_study(result, opens):
    choose(result, "C_LEASE", opens)
    assert named(found(result), "verify.siting", "candidates.parquet:opens", "C_LEASE", str(opens))


def test_nothing_opens_before_its_opening_year(result):
    """C_LATE may open in 2022; its rival at the site is given up, so that only the year is wrong."""
    choose(result, "C_LEASE", None)
    choose(result, "C_LATE", 2021)
    assert named(found(result), "verify.siting", "candidates.parquet:opens", "C_LATE", "2021", str(LAST))


def test_all_open_in_the_first_year_where_the_study_says_so(result):
    study(result, "opening", "first_year")
    choose(result, "B_ACQUIRE", LAST)
    assert named(found(result), "verify.siting", "candidates.parquet:opens: B_ACQUIRE", "2021")


def test_of_the_options_at_a_site_one_opens(result):
    choose(result, "A_LEASE", 2021)
    assert named(found(result), "verify.siting", "candidates.parquet:chosen: WH_A", "A_BUILD, A_LEASE")


def test_what_is_not_kept_is_closed(result):
    altered(result / "candidates.parquet", "chosen", lambda _: True, lambda row: row["option_id"] == "OLD")
    assert named(
        found(result), "verify.siting", "plans 2021-siting", "warehouse_options OLD status", "closed"
    )


def test_candidates_are_those_of_the_tables(result):
    altered(
        result / "candidates.parquet",
        "option_id",
        lambda _: "GHOST",
        lambda row: row["option_id"] == "D_SHARE",
    )
    said = found(result)
    assert named(said, "verify.siting", "candidates.parquet:option_id: GHOST")
    assert named(said, "verify.siting", "candidates.parquet:option_id: D_SHARE")


@pytest.mark.parametrize(
    ("kind", "options", "part"),
    [
        ("best", "A_BUILD|C_LEASE", "A_BUILD, B_ACQUIRE, C_LEASE"),
        ("base", "", "OLD"),
        ("sweep", "A_BUILD|B_ACQUIRE|C_LEASE", "≤ 2"),
        ("alternative", "A_BUILD|A_LEASE", "A_BUILD, A_LEASE"),
        ("baseline", "GHOST", "GHOST"),
    ],
)
def test_options_of_plans_are_allowed(result, kind, options, part):
    altered(result / "siting_plans.parquet", "options", lambda _: options, lambda row: row["kind"] == kind)
    assert named(found(result), "verify.siting", f"siting_plans.parquet:options: {kind} ", part)


# --- the plans -------------------------------------------------------------------------------------


def replan(folder, year, change):
    """Change the list of changes of a year's plan."""
    document = read_document(folder)
    plan = document["plans"][f"{year}-siting"]
    plan["changes"] = change(plan["changes"])
    return document


def test_a_first_year_has_less_room(result):
    """A_BUILD is said to hold 150 t from the beginning."""
    document = replan(result, 2021, lambda all_: [c for c in all_ if c["column"] != "capacity_t_per_year"])
    said = found(result, document)
    assert named(said, "verify.siting", "plans 2021-siting", "A_BUILD capacity_t_per_year", "60")


def test_what_is_closed_is_told(result):
    document = replan(result, LAST, lambda all_: [c for c in all_ if c["value"] != "closed"])
    assert named(found(result, document), "verify.siting", f"plans {LAST}-siting", "OLD status", "closed")


@pytest.mark.parametrize(
    "change",
    [
        {"table": "warehouse_options", "row": "A_BUILD", "column": "pick_cny_per_order", "value": 0.5},
        {"table": "warehouse_options", "row": "US_OLD", "column": "status", "value": "closed"},
        {"table": "services", "row": "SEA_DE", "column": "background_t_per_year", "value": 0.0},
        {"table": "sites", "row": "MK_DE", "column": "lat", "value": 50.5},
        {"table": "sites", "row": "MK_US", "column": "stocked_from", "value": "WH_C"},
    ],
    ids=lambda change: f"{change['row']} {change['column']}",
)
def test_a_plan_changes_nothing_but_what_it_opens(result, change):
    said = found(result, replan(result, LAST, lambda all_: [*all_, change]))
    subject = f"{change['table']} {change['row']} {change['column']}"
    assert named(said, "verify.siting", f"plans {LAST}-siting", subject)


def test_each_market_has_one_site_where_the_study_says_so(result):
    study(result, "single_source", True)
    said = found(result)
    for year in (2021, LAST):
        assert named(said, "verify.siting", f"plans {year}-siting", "sites MK_DE stocked_from")


def test_each_year_has_its_plan(result):
    document = read_document(result)
    del document["plans"]["2021-siting"]
    assert named(found(result, document), "verify.siting", "result.json:plans", "2021-siting")


def test_a_choice_has_plans(result):
    document = read_document(result)
    document["plans"] = {}
    assert named(found(result, document), "verify.siting", "result.json:plans", "2021-siting")


# --- the study and its tables ----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("key", "value", "parts"),
    [
        ("counts", [{"most": 2}], ("counts.0", "… 2")),
        ("counts", [{"least": 3, "where": "country == 'DE'"}], ("counts.0", "3 …")),
        ("budgets", [{"cny": {"2021": 700000}}], ("budgets.0 2021", "800000")),
        ("budgets", [{"cny": {"2021": 0}, "where": "ownership == 'build'"}], ("budgets.0 2021", "300000")),
        ("discount_rate", 0.1, ("A_BUILD annual_cny",)),
        ("discount_rate", 0, ("A_BUILD annual_cny",)),
        ("closable", None, ("candidates.parquet:option_id: OLD",)),
        ("candidates", "ownership != 'lease'", ("candidates.parquet:option_id: C_LEASE",)),
        ("facilities", "capacity_t_per_year > 0", ("candidates.parquet:option_id: A_BUILD",)),
    ],
)
def test_another_study_has_another_answer(result, key, value, parts):
    """What was asked is altered in the inputs: the answer does not fit it."""
    study(result, key, value)
    assert named(found(result), "verify.", *parts)


@pytest.mark.parametrize(
    ("option", "column", "value", "parts"),
    [
        ("A_BUILD", "life_years", 10.0, ("A_BUILD annual_cny",)),
        ("C_LEASE", "fixed_cny_per_year", 1.0, ("2021 warehouses_cny",)),
        ("B_ACQUIRE", "capex_cny", 1.0, ("siting_plans.parquet:capex_cny", "best capex_cny")),
        ("A_BUILD", "ramp_up_first_year_share", 0.5, ("A_BUILD capacity_t_per_year", "75")),
        ("B_ACQUIRE", "opening_year", 2022, ("candidates.parquet:opens: B_ACQUIRE",)),
        ("D_SHARE", "capacity_t_per_year", 400.0, ("D_SHARE capacity_t_per_year",)),
    ],
)
def test_other_options_have_another_answer(result, option, column, value, parts):
    for path in result.glob("inputs/*/*/warehouse_options.parquet"):
        altered(path, column, lambda _: value, lambda row: row["option_id"] == option)
    assert named(found(result), "verify.", *parts)


# --- older folders ---------------------------------------------------------------------------------


def without(folder, table, *columns):
    """Take columns out of a table of the folder."""
    path = folder / f"{table}.parquet"
    pq.write_table(pq.read_table(path).drop_columns(list(columns)), path)


def test_a_folder_without_a_figure_is_judged_by_the_others(result):
    without(result, "candidates", "plan_utilisation", "alone_net_at_most_cny", "alone_orders", "kind")
    without(result, "siting_years", "gap", "open")
    without(result, "siting_plans", "value_share_3d", "sites")
    forge(result)
    answer = command_line("verify", result, "--json")
    assert answer.code == 0, answer.err


@pytest.mark.parametrize(
    ("table", "column"),
    [("candidates", "opens"), ("siting_years", "flow_after_cny"), ("siting_plans", "kind")],
)
def test_a_folder_without_the_choice_cannot_be_read(result, table, column):
    without(result, table, column)
    assert named(found(result), "results.unreadable", column)


# --- facilities ------------------------------------------------------------------------------------


class Stations(Project):
    """The project with a railway station and a consolidation site that may be opened."""

    def __init__(self, root):
        super().__init__(root)
        sites, _ = sites_and_options()
        self.table(
            "sites",
            [
                {**row, "status": "option", "throughput_t_per_year": None, "background_t_per_year": 5.0}
                if row["site_id"] in ("RAIL", "CO")
                else row
                for row in sites
            ],
        )
        services = three_gateways().rows("services")
        proposed = {"status": "proposed"}
        self.table("services", [{**s, **proposed} if s["service_id"] == "RAIL_DE" else s for s in services])
        facility = {"life_years": 20.0, "opening_year": None}
        self.table(
            "facility_options",
            [
                {"option_id": "RAIL_S", "site_id": "RAIL", "size": "s", "capacity_t_per_year": 300.0,
                 "fixed_cny_per_year": 1e4, **facility},
                {"option_id": "RAIL_L", "site_id": "RAIL", "size": "l", "capacity_t_per_year": 900.0,
                 "fixed_cny_per_year": 2e4, "capex_cny": 1e5, **facility},
                {"option_id": "CO_M", "site_id": "CO", "size": "m", "capacity_t_per_year": 5000.0,
                 "fixed_cny_per_year": 1e3, **facility},
            ],
        )  # fmt: skip


@pytest.fixture(scope="module")
def stations(tmp_path_factory):
    """A results folder in which facilities are open."""
    desk = Stations(tmp_path_factory.mktemp("stations"))
    return desk.solved(
        'study: {kind: siting, facilities: "capacity_t_per_year > 0", baselines: false}'
    ).folder


@pytest.fixture
def opened_stations(tmp_path, stations):
    """A results folder of its own for a test."""
    return shutil.copytree(stations, tmp_path / "stations")


def test_facilities_are_verified_too(stations):
    """The run's own check has found nothing; a station is open, with its service."""
    opens = chosen(stations)
    assert {"RAIL_S", "RAIL_L"} & opens.keys()
    changes = read_document(stations)["plans"]["2021-siting"]["changes"]
    assert {"table": "services", "row": "RAIL_DE", "column": "status", "value": "existing"} in changes


def test_rooms_and_services_of_facilities_follow(opened_stations):
    document = replan(
        opened_stations,
        2021,
        lambda all_: [
            {**c, "value": 5000.0} if c["row"] == "RAIL" and c["column"] == "throughput_t_per_year" else c
            for c in all_
            if c["table"] != "services"
        ],
    )
    said = found(opened_stations, document)
    assert named(said, "verify.siting", "plans 2021-siting", "sites RAIL throughput_t_per_year", "5000")
    assert named(said, "verify.siting", "plans 2021-siting", "services RAIL_DE status", "existing")


def test_cargo_through_facilities_follows(opened_stations):
    (station,) = {"RAIL_S", "RAIL_L"} & chosen(opened_stations).keys()
    path = opened_stations / "candidates.parquet"
    altered(path, "plan_tonnes", lambda t: 0.9 * t, lambda row: row["option_id"] == station)
    assert named(found(opened_stations), "verify.bill", f"{station} plan_tonnes")


@pytest.mark.parametrize("warehouses", ["kept", "closable", "new"])
@pytest.mark.parametrize("seed", range(5))
def test_options_are_read_and_opened_as_the_study_does(seed, warehouses):
    """Two ways to the same candidates, costs and changes, of random gateways and warehouses."""
    case = Gateways(seed, warehouses=warehouses, years=2)
    first, last = (case.networks[year] for year in case.years)
    spec = case.sited.spec
    study = spec.model_dump(exclude_none=True)
    theirs = candidates_of(first, spec.candidates, spec.closable, spec.facilities)
    mine = OptionTable(first).candidates(study)
    assert [one.id for one in theirs] == sorted(mine)
    for one in theirs:
        other = mine[one.id]
        assert (other.place, other.exists) == (one.place, one.exists)
        assert other.annual_cny(0.06) == pytest.approx(annual_cny(one.option), rel=1e-12)
        assert [other.room_t(first=flag) for flag in (True, False)] == [
            one.capacity_t(first=flag) for flag in (True, False)
        ]
    r = np.random.default_rng(seed)
    for _ in range(5):
        room = {one.id: one.capacity_t(first=True) for one in theirs if r.random() < 0.5}
        room = {name: tonnes for name, tonnes in room.items() if tonnes > 0}
        closed = [one.id for one in theirs if one.exists and one.id not in room]
        changes = opening_changes(last, theirs, room, closed)
        cells = {(c["table"], c["row"], c["column"]): c["value"] for c in changes}
        assert opened(last, mine.values(), room) == cells
