"""The scenarios that come with the engine: they can be read, are named, and do what they say."""

import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from logistics.network.folder import read_network
from logistics.network.network import Network
from logistics.scenario.case import Case, build_case
from logistics.scenario.read import read_scenario
from logistics.scenario.schema import Change
from logistics.studies.register import chosen_study, ready_study
from tests.test_command_line import command_line

ROOT = Path(__file__).resolve().parents[1]
SCENARIOS = {path.stem: path for path in sorted((ROOT / "scenarios").glob("*.yaml"))}
SHIPPED = {
    "baseline-2021",
    "growth-2023-target",
    "growth-2023-plan-rate",
    "clearance-24h",
    "red-sea-closed",
    "alashankou-jam",
    "peak-november",
    "co2-cap-2021",
    "frontier-money-hours",
    "disruptions-2021",
}
STUDY = {
    "route-additions-2023": "routes",
    "thirty-routes-2023": "portfolio",
    "overseas-warehouses-2023": "siting",
    "consolidation-sites": "siting",
    "stock-or-direct-2023": "siting",
    "frontier-money-hours": "frontier",
    "disruptions-2021": "disruption",
}
"""Kinds of study; the others are assignments."""
AS_IT_IS = {"baseline-2021", "co2-cap-2021", "frontier-money-hours", "disruptions-2021"}
"""Scenarios that ask something of the tables as they are."""


@pytest.fixture(scope="module")
def zhejiang() -> Network:
    """The real network, read once."""
    network, problems = read_network(ROOT / "networks" / "zhejiang")
    assert [problem for problem in problems if problem.severity == "error"] == []
    return network


def case_of(name: str, network: Network) -> Case:
    """What `read_case` returns, without reading the network again."""
    scenario = read_scenario(SCENARIOS[name])
    assert scenario.network_folder == ROOT / "networks" / network.name
    return build_case(scenario, network)


def changed(case: Case, year: int, table: str, column: str) -> dict[str, tuple[object, object]]:
    """Old and new value by row."""
    log = [entry for entry in case.log[year] if (entry.table, entry.column) == (table, column)]
    return {entry.row_id: (entry.old, entry.new) for entry in log}


def test_the_promised_scenarios_are_there() -> None:
    """Those that the README and the change plan speak of."""
    assert SCENARIOS.keys() >= SHIPPED


@pytest.mark.parametrize("name", SCENARIOS)
def test_scenario_can_be_used(name: str, zhejiang: Network) -> None:
    """It is read without an error, its study fits the network, and each change touches a value."""
    case = case_of(name, zhejiang)
    assert case.scenario.id == name
    assert chosen_study(case.scenario)[0].kind == STUDY.get(name, "assignment")
    ready_study(case)
    assert case.networks.keys() == set(case.scenario.years)
    for year in case.scenario.years:
        assert all(entry.old != entry.new for entry in case.log[year])
    touched = {entry.where for entries in case.log.values() for entry in entries}
    assert {placed.where for placed in case.scenario.changes} == touched
    assert (name in AS_IT_IS) == (not touched)


@pytest.mark.parametrize("name", SCENARIOS)
def test_scenario_is_named_and_says_what_to_look_at(name: str) -> None:
    """Names in both languages, and a comment at the top that tells a reader what to look for."""
    names = read_scenario(SCENARIOS[name]).name
    assert re.search(r"[一-鿿]", names.zh)
    assert re.search(r"[A-Za-z]", names.en)
    assert not re.search(r"[一-鿿]", names.en)
    lines = SCENARIOS[name].read_text("utf-8").splitlines()
    comment = " ".join(line for line in lines[: lines.index("schema: 1")] if line.startswith("# "))
    assert "Look at: " in comment
    assert len(comment.split("Look at: ")[1].split()) >= 5


def test_names_are_different() -> None:
    """Nobody mistakes one scenario for another."""
    names = [read_scenario(path).name for path in SCENARIOS.values()]
    assert len({name.en for name in names}) == len({name.zh for name in names}) == len(SCENARIOS)


def test_objective_of_the_baseline_stands_at_the_first_column() -> None:
    """`objective:` begins its line, so that people and plain tools find it, and it is the only one."""
    lines = SCENARIOS["baseline-2021"].read_text("utf-8").splitlines()
    assert [line for line in lines if "objective" in line and not line.startswith("#")] == [
        "objective: generalised"
    ]


def test_baseline_passes_check() -> None:
    """`logistics check` as a user types it: no error, and the counts of what was read."""
    answer = command_line("check", SCENARIOS["baseline-2021"])
    assert answer.code == 0, answer.err
    assert re.fullmatch(r"zhejiang: no errors; \d+ sites, \d+ services, \d+ demand rows", answer.out.strip())


def test_target_of_2023_scales_demand_by_1_514(zhejiang: Network) -> None:
    """Every row, from 330.3 bn to 500 bn CNY, at the rates of 2023."""
    case = case_of("growth-2023-target", zhejiang)
    assert case.scenario.years == (2023,)
    rows = changed(case, 2023, "demand", "tonnes_per_year")
    assert len(rows) == np.count_nonzero(zhejiang.numbers("demand", "tonnes_per_year"))
    assert {round(new / old, 9) for old, new in rows.values()} == {1.514}
    total = case.networks[2023].numbers("demand", "tonnes_per_year").sum()
    assert total == pytest.approx(1.514 * zhejiang.numbers("demand", "tonnes_per_year").sum(), rel=1e-9)
    assert pytest.approx(1.514, abs=5e-4) == 500 / 330.3


def test_plan_rate_has_one_factor_a_year(zhejiang: Network) -> None:
    """35 % a year from 203.2 bn CNY in 2020, against 330.3 bn observed in 2021; 2023 meets the target."""
    case = case_of("growth-2023-plan-rate", zhejiang)
    base = zhejiang.numbers("demand", "tonnes_per_year").sum()
    factors = {
        year: network.numbers("demand", "tonnes_per_year").sum() / base
        for year, network in case.networks.items()
    }
    on_the_path = {year: 203.2 * 1.35 ** (year - 2020) / 330.3 for year in (2021, 2022, 2023)}
    assert factors == pytest.approx(on_the_path, rel=2e-3)


def test_red_sea_closed_logs_both_passages(zhejiang: Network) -> None:
    """The change log tells old and new of each."""
    case = case_of("red-sea-closed", zhejiang)
    assert changed(case, 2021, "passages", "status") == {
        "suez": ("open", "closed"),
        "bab_el_mandeb": ("open", "closed"),
    }
    assert len(case.log[2021]) == 2
    status = dict(
        zip(
            case.networks[2021].texts("passages", "passage_id"),
            case.networks[2021].texts("passages", "status"),
            strict=True,
        )
    )
    assert {name for name, value in status.items() if value == "closed"} >= {"suez", "bab_el_mandeb"}


def test_clearance_24h_opens_three_airports(zhejiang: Network) -> None:
    """Ningbo, Yiwu and Wenzhou, which had closing hours before; no other site."""
    case = case_of("clearance-24h", zhejiang)
    rows = changed(case, 2021, "sites", "clearance_open")
    assert rows.keys() >= {"NGB", "YIW", "WNZ"}
    assert {name.split("_")[-1] for name in rows} == {"NGB", "YIW", "WNZ"}
    assert {new for _, new in rows.values()} == {"always"}
    assert "always" not in {old for old, _ in rows.values()}


def test_alashankou_jam_makes_the_borders_slower_and_narrower(zhejiang: Network) -> None:
    """Hours go up at Alashankou and Brest, fewer tonnes pass Alashankou, and all of it is in the log."""
    case = case_of("alashankou-jam", zhejiang)
    hours = changed(case, 2021, "passages", "transit_h")
    assert hours.keys() == {"alashankou", "brest"}
    assert all(new > 2 * old for old, new in hours.values())
    for old, new in changed(case, 2021, "passages", "capacity_t_per_year").values():
        assert 0 < new < old


def test_peak_november_scales_demand_only(zhejiang: Network) -> None:
    """1.2 times the mean month on unchanged capacity."""
    case = case_of("peak-november", zhejiang)
    assert {(entry.table, entry.column) for entry in case.log[2021]} == {("demand", "tonnes_per_year")}
    rows = changed(case, 2021, "demand", "tonnes_per_year")
    assert {round(new / old, 9) for old, new in rows.values()} == {1.2}


def test_co2_cap_asks_for_less_than_the_base_year(zhejiang: Network) -> None:
    """About 5 % below the CO2 that the README prints of the base year, and more through local gateways."""
    readme = (ROOT / "README.md").read_text("utf-8")
    printed = re.search(r"^CO2 +([\d,.]+) +kt$", readme, re.MULTILINE)
    local = re.search(r"^local gateway share +([\d.]+) +%$", readme, re.MULTILINE)
    assert printed is not None
    assert local is not None
    values = {limit.id: limit.value for limit in case_of("co2-cap-2021", zhejiang).scenario.limits}
    assert set(values) == {"max_co2_t", "min_local_gateway_share"}
    assert values["max_co2_t"] == pytest.approx(0.95 * 1000 * float(printed[1].replace(",", "")), rel=1e-3)
    assert 0 < 100 * values["min_local_gateway_share"] - float(local[1]) < 3


def test_disruptions_repeat_the_scenarios_of_the_same_events(zhejiang: Network) -> None:
    """Closing the Red Sea and the jam change the same values as the scenarios do."""
    events = {str(event.get("id", event.get("each"))): event for event in _events("disruptions-2021")}
    assert events.keys() == {"red-sea", "alashankou-jam", "passage"}
    for event, name in (("red-sea", "red-sea-closed"), ("alashankou-jam", "alashankou-jam")):
        scenario = read_scenario(SCENARIOS[name])
        placed = [
            replace(scenario.changes[0], change=Change.model_validate(change))
            for change in events[event]["changes"]
        ]
        log = build_case(replace(scenario, changes=tuple(placed)), zhejiang).log[2021]
        own = case_of(name, zhejiang).log[2021]
        assert {(e.table, e.row_id, e.column, e.old, e.new) for e in log} == {
            (e.table, e.row_id, e.column, e.old, e.new) for e in own
        }


def _events(name: str) -> list[dict[str, Any]]:
    """Events as the file writes them."""
    events = read_scenario(SCENARIOS[name]).study["events"]
    return list(events)
