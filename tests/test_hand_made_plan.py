"""A plan written by hand in CSV is checked against a scenario, and its bill is the one added up by hand."""

import json
import shutil
import sys
from pathlib import Path

import pytest

from logistics.__main__ import main
from tests.tiny import THREE_GATEWAYS

BY_HAND = Path(__file__).parent / "plans" / "three_gateways"
"""Everything to Germany by ship or plane, nothing by rail; a path may serve several rows."""

SCENARIO = """\
schema: 1
name: {{zh: 三个口岸, en: Three gateways}}
network: three_gateways
year: 2021
objective: {objective}
{limits}
"""

COSTS = {
    "B1": (600, 2_725, 38_400),
    "B2": (500, 2_620, 38_400),
    "B3": (100, 6_125, 48_000),
    "B4": (400, 2_426, 12_000),
    "S1": (200, 7_132.2, 38_400),
    "D1 patient": (50, 35_790, 48_000),
    "D1 urgent": (50, 40_060, 48_000),
    "D2 patient": (100, 34_790, 2_000),
    "D2 urgent": (100, 39_060, 2_000),
    "D3 patient": (50, 17_720, 500),
    "D3 urgent": (50, 18_770, 500),
    "D4 patient": (50, 14_830, 24_000),
    "D4 urgent": (50, 15_910, 24_000),
    "I1": (50, 5_640, 18_600),
}
"""Tonnes, cost and tax a tonne, as the network's README argues them for these ways."""
OBJECTIVE_CNY = sum(tonnes * (cost + tax) for tonnes, cost, tax in COSTS.values())

SEA_DE_T, SEA_US_T, MAIL_T, AIR_T = 1400, 400, 300, 250
BILL_CNY = {
    "road": 600 * 370
    + 500 * 250
    + 100 * 370
    + 400 * 150
    + 200 * 400
    + 300 * 50
    + 100 * 100
    + 100 * 200
    + 50 * 150,
    "consolidation": 600 * 5 + 500 * 30 + 100 * 50 + 400 * 30 + 200 * 5 + 200 * 40 + 50 * 40,
    "clearance": 2350 * 30,
    "handling": (SEA_DE_T + SEA_US_T) * 40 + MAIL_T * 100 + AIR_T * 200,
    "tariff": 1300 * 650
    + 100 * 3_250
    + 400 * 1_300
    + 100 * 23_000
    + 200 * 22_000
    + 100 * 13_000
    + 100 * 10_000
    + 50 * 5_000,
    "passage_fee": SEA_DE_T * 20,
    "subsidy": 0,
    "duty": (600 + 500 + 400 + 200) * 12_000 + 50 * 6_000,
    "vat": 1300 * 26_400 + (100 + 100) * 48_000 + 100 * 24_000 + 50 * 12_600,
    "border_fee": 200 * 2_000 + 100 * 500,
    "warehouse": 200 * (50 + 500 * 4),
    "storage": 200 * 442 * 0.1,
    "last_mile": 1650 * 100 + 200 * 500 * 5 + 300 * 2_000 * 6 + 200 * 500 * 8,
}
"""By item; a tonne of stock is held 442 h at 0.1 CNY an hour."""


@pytest.fixture
def project(tmp_path):
    """A project of ``three_gateways`` with the plan by hand in ``hand/``."""
    shutil.copytree(THREE_GATEWAYS, tmp_path / "networks" / "three_gateways")
    shutil.copytree(BY_HAND, tmp_path / "hand")
    (tmp_path / "scenarios").mkdir()
    write_scenario(tmp_path)
    return tmp_path


def write_scenario(project, objective="generalised", limits=""):
    """Write the scenario that the plan is held against."""
    text = SCENARIO.format(objective=objective, limits=limits)
    (project / "scenarios" / "tiny.yaml").write_text(text, encoding="utf-8")


def verify(project, capsys, *options):
    """Exit code of ``logistics verify``, and what it says on stdout and stderr."""
    capsys.readouterr()
    arguments = ["verify", project / "hand", "--scenario", project / "scenarios" / "tiny.yaml", *options]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sys, "argv", ["logistics", *map(str, arguments)])
        with pytest.raises(SystemExit) as ended:
            main()
    said = capsys.readouterr()
    return ended.value.code, said.out, said.err


def judged(project, capsys):
    """Exit code, codes of the violations, and the figures of 2021."""
    code, out, _ = verify(project, capsys, "--json")
    document = json.loads(out)
    assert document["verified"] is (code == 0)
    return code, [v["code"] for v in document["violations"]], document["years"]["2021"]


def edit(project, name, old, new, count=1):
    """Replace text in a table of the plan."""
    path = project / "hand" / "plan" / f"{name}.csv"
    text = path.read_text(encoding="utf-8")
    assert text.count(old) == count
    path.write_text(text.replace(old, new), encoding="utf-8")


def test_a_plan_by_hand_is_verified_with_its_bill(project, capsys):
    """Objective and every item of the bill are those added up by hand; nothing proves a bound."""
    code, violations, year = judged(project, capsys)
    assert (code, violations) == (0, [])
    assert year["plan_verified"] is True
    assert year["objective"] == pytest.approx(OBJECTIVE_CNY, rel=1e-9)
    assert year["bill_cny"] == pytest.approx(BILL_CNY, rel=1e-9)
    assert (year["bound"], year["bound_proof"]) == (None, "none")
    assert (year["served_t"], year["unserved_t"]) == (2350, 0)


def test_a_plan_by_hand_is_verified_in_words(project, capsys):
    """Without ``--json`` people read the objective."""
    code, out, err = verify(project, capsys, "--lang", "en")
    assert code == 0
    assert f"{OBJECTIVE_CNY:,.0f}" in out
    assert "verified" in out
    assert err == ""


def test_the_objective_is_the_scenarios(project, capsys):
    """Under ``money`` the objective is the sum of the bill."""
    write_scenario(project, "money")
    code, _, year = judged(project, capsys)
    assert code == 0
    assert year["objective"] == pytest.approx(sum(BILL_CNY.values()), rel=1e-9)


def test_what_is_left_stands_in_a_table_of_its_own(project, capsys):
    """``unserved.csv`` may be left out; with it, a plan may leave demand, at a price when there is one."""
    edit(project, "flows", "2021,ship_by_CO,B3,usual,100\n", "")
    assert judged(project, capsys)[:2] == (6, ["verify.balance"])
    unserved = project / "hand" / "plan" / "unserved.csv"
    unserved.write_text("year,demand_id,tier,tonnes\n2021,B3,usual,100\n", encoding="utf-8")
    code, _, year = judged(project, capsys)
    assert (code, year["served_t"], year["unserved_t"]) == (0, 2250, 100)
    assert year["objective"] == pytest.approx(OBJECTIVE_CNY - 100 * 54_125, rel=1e-9)
    write_scenario(project, limits="limits: {unserved_cny_per_t: 1000}")
    code, _, year = judged(project, capsys)
    assert code == 0
    assert year["objective"] == pytest.approx(OBJECTIVE_CNY - 100 * 54_125 + 100 * 1_000, rel=1e-9)
    unserved.write_text("year,demand_id,tier,tonnes\n2021,B3,usual,101\n", encoding="utf-8")
    assert judged(project, capsys)[:2] == (6, ["verify.balance"])


SPOILT = {
    "a tonne less": ("flows", "B1,usual,600", "B1,usual,599", ["verify.balance"]),
    "a tonne more": ("flows", "B1,usual,600", "B1,usual,601", ["verify.balance"]),
    "less than nothing": ("flows", "I1,usual,50", "I1,usual,-50", ["verify.balance"] * 2),
    "no amount": ("flows", "I1,usual,50", "I1,usual,inf", ["verify.balance"] * 2),
    "unknown demand": ("flows", "I1,usual,50", "I2,usual,50", ["verify.step", "verify.balance"]),
    "unknown tier": ("flows", "I1,usual,50", "I1,urgent,50", ["verify.step", "verify.balance"]),
    "unknown path": ("flows", "plane_CN,I1", "plane_JP,I1", ["verify.step", "verify.balance"]),
    "a path of another row": ("flows", "plane_CN,I1", "mail_US,I1", ["verify.step", "verify.balance"]),
    "another year": ("flows", "2021,plane_CN", "2022,plane_CN", ["verify.step", "verify.balance"]),
    "a step left out": (
        "steps",
        "2021,plane_CN,3,clear_export,FRA,,,0,,,\n",
        "",
        ["verify.step", "verify.balance"],
    ),
    "a step put off": ("steps", "plane_CN,3,", "plane_CN,30,", ["verify.step", "verify.balance"]),
    "a way that is not": (
        "steps",
        "fast_ship,5,ride,SEA,LGB,SEA_US,2,,",
        "fast_ship,5,ride,SEA,LGB,SEA_US,2,cape,",
        ["verify.step", "verify.balance"],
    ),
}


@pytest.mark.parametrize("name", SPOILT)
def test_a_spoilt_plan_by_hand_is_refused(project, capsys, name):
    """Exit 6 with what is wrong."""
    table, old, new, violations = SPOILT[name]
    edit(project, table, old, new)
    code, found, _ = judged(project, capsys)
    assert code == 6
    assert sorted(found) == sorted(violations)
    _, out, err = verify(project, capsys, "--lang", "en")
    assert "not verified" in out
    assert "plan/flows" in err


def test_too_much_on_one_service_is_refused(project, capsys):
    """1,100 t for a train that has room for 1,000."""
    for path in ("ship_by_CO,B1", "ship_from_B,B2"):
        edit(project, "flows", path, f"train_{path[-2:]},{path[-2:]}")
    rest = [
        "consolidate,RAIL,,,0,,,",
        "clear_export,RAIL,,,0,,,",
        "board,RAIL,,RAIL_DE,1,,,",
        "ride,RAIL,RDU,RAIL_DE,2,alashankou,,",
        "alight,RDU,,RAIL_DE,2,,,",
        "clear_import,RDU,,,0,,,",
        "deliver,RDU,MK_DE,,0,,,b2b",
    ]
    with (project / "hand" / "plan" / "steps.csv").open("a", encoding="utf-8") as file:
        for row, origin in (("B1", "CL_A"), ("B2", "CL_B")):
            for seq, cells in enumerate([f"drive,{origin},RAIL,,0,,,", *rest], 1):
                file.write(f"2021,train_{row},{seq},{cells}\n")
    assert judged(project, capsys)[:2] == (6, ["verify.capacity"])
    _, _, err = verify(project, capsys, "--lang", "en")
    assert "1100" in err
    assert "RAIL_DE" in err


def test_a_scenario_that_closes_the_canal_refuses_the_plan(project, capsys):
    """The plan is held against the scenario's network, its changes included."""
    write_scenario(project, limits="changes:\n  - close: {passage: suez}")
    code, found, _ = judged(project, capsys)
    assert code == 6
    assert found == ["verify.closed"] * 4 + ["verify.balance"] * 4


@pytest.mark.parametrize("table", ["flows", "steps"])
def test_the_way_a_csv_is_written_does_not_matter(project, capsys, table):
    """Byte order mark, CRLF, order of columns and lines, and columns of one's own."""
    path = project / "hand" / "plan" / f"{table}.csv"
    header, *lines = (line.split(",") for line in path.read_text(encoding="utf-8").splitlines())
    rows = [",".join([*reversed(cells), "mine"]) for cells in reversed(lines)]
    text = "\r\n".join([",".join([*reversed(header), "note"]), *rows, ""])
    path.write_bytes(b"\xef\xbb\xbf" + text.encode())
    assert judged(project, capsys)[:2] == (0, [])


def test_unused_cells_may_be_blank(project, capsys):
    """A step that has no stop may leave its number blank instead of 0."""
    path = project / "hand" / "plan" / "steps.csv"
    text = path.read_text(encoding="utf-8")
    assert ",0," in text
    path.write_text(text.replace(",0,", ",,"), encoding="utf-8")
    assert judged(project, capsys)[:2] == (0, [])


@pytest.mark.parametrize(
    ("table", "old", "new"),
    [
        *(("flows", "I1,usual,50", f"I1,usual,{cell}") for cell in ("", "nan", "NA", "null")),
        ("flows", "2021,plane_CN", ",plane_CN"),
        ("steps", "2021,plane_CN,3", ",plane_CN,3"),
        ("steps", "plane_CN,3,clear", "plane_CN,,clear"),
    ],
)
def test_a_number_that_is_needed_is_not_left_blank(project, capsys, table, old, new):
    """Tonnes, years and numbers of steps are needed; without one nothing is added up."""
    edit(project, table, old, new)
    code, out, err = verify(project, capsys)
    assert (code, out) == (2, "")
    assert f"{table}.csv" in err


BAD_TABLES = {
    "no flows": ("flows", None),
    "no steps": ("steps", None),
    "no column": ("flows", lambda text: text.replace("tonnes", "kilograms")),
    "words for numbers": ("flows", lambda text: text.replace("usual,600", "usual,many")),
    "a line too short": ("steps", lambda text: text + "2021,plane_CN\n"),
    "empty file": ("steps", lambda text: ""),
}


@pytest.mark.parametrize("name", BAD_TABLES)
def test_a_table_that_cannot_be_read_is_bad_input(project, capsys, name):
    """Exit 2, naming the table."""
    table, spoil = BAD_TABLES[name]
    path = project / "hand" / "plan" / f"{table}.csv"
    if spoil is None:
        path.unlink()
    else:
        path.write_text(spoil(path.read_text(encoding="utf-8")), encoding="utf-8")
    code, out, err = verify(project, capsys)
    assert (code, out) == (2, "")
    assert f"{table}." in err


def test_without_a_scenario_there_is_nothing_to_hold_it_against(project, capsys):
    """A folder with only a plan is not a result."""
    capsys.readouterr()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sys, "argv", ["logistics", "verify", str(project / "hand")])
        with pytest.raises(SystemExit) as ended:
            main()
    assert ended.value.code == 2
    assert "result.json" in capsys.readouterr().err
