"""`logistics verify` on how a siting's plan sells its cargo, and for what throughput it plans stock.

One run in which cargo is sold either way and stock is pooled; it is altered, one thing at a time and with
digests that fit, and each must be found.
"""

import shutil

import pytest

from tests.test_command_line import command_line
from tests.test_results_folder import forge, read_document
from tests.test_siting_claims import altered, found, named, replan, rows, study
from tests.test_siting_study import Project
from tests.tiny import three_gateways

TONNES, PLANNED = "tonnes_per_year", "planned_t_per_year"
STUDY = """\
study:
  kind: siting
  channels: "segment != 'b2b'"
  pooled_from_t_per_year: 100
  baselines: false
  gap: 0.01
"""


@pytest.fixture(scope="module")
def written(tmp_path_factory):
    """The results folder of the run, which no test changes."""
    made = Project(tmp_path_factory.mktemp("sale"))
    tiers = three_gateways().rows("time_values")
    alike = [{**row, "segment": "stocked"} for row in tiers if row["segment"] == "direct"]
    made.table("time_values", [*(row for row in tiers if row["segment"] != "stocked"), *alike])
    products = three_gateways().rows("products")
    made.table("products", [{**row, "stockable_share_max": 0.7} for row in products])
    ran = made.run(STUDY)
    assert ran.code == 0, ran.err
    return ran.folder


@pytest.fixture
def result(tmp_path, written):
    """A results folder of its own for a test."""
    return shutil.copytree(written, tmp_path / "siting")


def splits(folder):
    """Tonnes of the demand rows that the plan changes, by id."""
    changes = read_document(folder)["plans"]["2021-siting"]["changes"]
    return {one["row"]: one["value"] for one in changes if one["column"] == TONNES}


def other(name):
    """The row of the same cargo in the other channel."""
    return (
        name.replace(".stocked.", ".direct.")
        if ".stocked." in name
        else name.replace(".direct.", ".stocked.")
    )


def with_values(folder, values):
    """The document with other values of the plan's changes, by row."""
    return replan(
        folder, 2021, lambda all_: [{**one, "value": values.get(one["row"], one["value"])} for one in all_]
    )


def test_what_was_written_is_verified(result):
    """It has something to find: cargo changes its channel, and stock is planned."""
    forge(result)
    assert command_line("verify", result, "--json").code == 0
    assert splits(result)
    assert rows(result, "siting_stock")
    moved = [row for row in rows(result, "siting_channels") if row["stocked_t"] != row["stocked_before_t"]]
    assert moved


def test_cargo_that_is_missing_is_missed(result):
    name = next(row for row, tonnes in splits(result).items() if tonnes > 1)
    said = found(result, with_values(result, {name: splits(result)[name] - 1.0}))
    assert named(said, "verify.channels", "plans 2021-siting")


def test_no_more_is_stocked_than_the_product_allows(result):
    split = splits(result)
    # Of D2 nothing is stocked today.
    name = next(row for row in split if row.startswith("D2.stocked.") and split[other(row)] > 1)
    whole = split[name] + split[other(name)]
    said = found(result, with_values(result, {name: whole, other(name): 0.0}))
    assert named(said, "verify.channels", "plans 2021-siting")


def test_other_cargo_is_sold_as_it_is(result):
    change = {"table": "demand", "row": "B1", "column": TONNES, "value": 599.0}
    said = found(result, replan(result, 2021, lambda all_: [*all_, change]))
    assert named(said, "verify.channels", "plans 2021-siting")


def test_cargo_changes_places_only_where_the_study_says_so(result):
    study(result, "channels", None)
    assert named(found(result), "verify.channels", "plans 2021-siting")


def test_stock_is_planned_for_what_goes_through(result):
    name = rows(result, "siting_stock")[0]["option_id"]
    change = {"table": "warehouse_options", "row": name, "column": PLANNED, "value": 77.0}
    document = replan(
        result, 2021, lambda all_: [*(c for c in all_ if (c["row"], c["column"]) != (name, PLANNED)), change]
    )
    assert named(found(result, document), "verify.siting", f"warehouse_options {name} {PLANNED}", "77")


@pytest.mark.parametrize("column", ["throughput_t", "pooling"])
def test_stock_is_told_for_what_goes_through(result, column):
    altered(result / "siting_stock.parquet", column, lambda value: value * 1.01)
    assert named(found(result), "verify.bill", f"siting_stock.parquet:{column}:")


def test_stock_of_a_warehouse_that_is_not_there_is_found(result):
    altered(result / "siting_stock.parquet", "option_id", lambda _: "NOWHERE")
    assert named(found(result), "verify.siting", "siting_stock.parquet", "NOWHERE")
