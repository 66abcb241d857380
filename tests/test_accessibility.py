"""Share of value in time, before and after what a study chose: worked out again from the plans."""

from pathlib import Path

import pytest

from logistics.reports.source import read_results
from logistics.studies.accessibility import WITHIN_DAYS
from logistics.travel_times.tables import simulated_times
from tests.report_results import solved


@pytest.mark.parametrize("study", ["portfolio", "siting"])
def test_shares_are_those_of_the_plans(tmp_path: Path, study: str) -> None:
    """By pandas from simulated hours; they grow with the days, up to what is served at all."""
    results = read_results(solved(tmp_path, study=study))
    network = results.networks[2021]
    territory = {row["site_id"]: row["customs_territory"] for row in network.rows("sites")}
    fob = {row["product_id"]: row["fob_cny_per_kg"] for row in network.rows("products")}
    told = results.tables["accessibility"].to_pandas()
    assert set(told["days"]) == set(WITHIN_DAYS)
    (chosen,) = (name for name in results.plans if name)
    for when, name in (("before", ""), ("after", chosen)):
        times = simulated_times(network, 2021, results.plans[name], seed=1)["times"].to_pandas()
        times["direction"] = times["origin_site"].map(territory).map({"CN": "export"}).fillna("import")
        worth = times["product_id"].map(fob)
        times["whole"], times["kept"] = (
            (times["tonnes"] + times["unserved_t"]) * worth,
            times["tonnes"] * worth,
        )
        mine = told[told["when"] == when]
        assert len(mine) > 2 * len(WITHIN_DAYS)
        for row in mine.itertuples():
            some = times[times["direction"] == row.direction]
            some = some if not row.segment else some[some["segment"] == row.segment]
            share = some[some["p50_h"] <= 24 * row.days]["kept"].sum() / some["whole"].sum()
            assert row.value_share == pytest.approx(share, abs=1e-12)
        for _, group in mine.groupby(["direction", "segment"]):
            assert group["value_share"].is_monotonic_increasing
