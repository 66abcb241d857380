"""Family ``linerlib``: a hand-made network, random ones against an LP, the audit, logs, published values."""

import csv
import random
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from scipy.optimize import linprog

from benchmarks.capacitated_flow import arc_program
from benchmarks.discovery import data_folder, discover
from benchmarks.families import linerlib
from benchmarks.families.linerlib import toy_network
from benchmarks.linerlib.audit import audited
from benchmarks.linerlib.logs import is_log, read_log
from benchmarks.linerlib.model import CargoFlow, FlowProblem, Shipment, cargo_flow, flow_problem, margin_usd
from benchmarks.linerlib.network import Network, Service, charter_rate, read_network
from benchmarks.linerlib.tables import PUBLISHER, Demand, Port, VesselClass
from benchmarks.measuring import run_phases
from benchmarks.spec import BenchmarkError, Found, Outcome
from logistics.models.flow.column_generation import FlowModel, StopRule

ROUNDING = 5e-6
"""Half a unit of the last of 6 digits, relative, at worst."""


def solved(problem: FlowProblem) -> CargoFlow:
    return cargo_flow(problem, FlowModel(problem.instance, StopRule(1e-9, 60.0)).solve())


def outcome_of(network: Network) -> Outcome:
    return audited(network, solved(flow_problem(network)))


# --- by hand --------------------------------------------------------------------------------------


def test_the_toy_network_earns_what_is_argued_by_hand():
    """A-B (40 FFE) meets B-C-B-D (20 FFE); handling 10 a port, a transfer 5, fixed costs 1500.

    A-C: 200 - 20 - 5 = 175 for each of 10 FFE. A-D: 100 - 20 - 5 = 75, C-D: 60 - 20 = 40; both need the leg
    B-D, so 20 of A-D go and nothing of C-D: rejecting costs 1000 an FFE in either case.
    """
    result = outcome_of(toy_network())
    assert result.verified, result.complaints
    expected = 10 * 175 + 20 * 75 - 1000 * (10 + 8) - 1500
    assert result.value == pytest.approx(expected, rel=1e-12)
    assert result.bound == pytest.approx(expected, rel=1e-9)


def test_changing_between_two_calls_of_one_service_is_a_transfer():
    """From D the ship comes to B, then C; to the second call at B cargo changes or sails round."""
    network = toy_network()
    b, c, d = "BBBBB", "CCCCC", "DDDDD"
    straight = replace(network, demand=(Demand(d, c, 1.0, 100.0),))
    assert outcome_of(straight).value == pytest.approx(80.0 - 1500)
    # A leg C-B that is full leaves D-A no choice but the transfer at B, which every path has.
    onward = replace(network, demand=(Demand(d, "AAAAA", 1.0, 100.0),))
    assert outcome_of(onward).value == pytest.approx(80.0 - 5.0 - 1500)
    butterfly = Network(
        services=(Service("0", (b, c, b, d), 10.0, 0.0),),
        ports=network.ports,
        demand=(Demand(c, d, 10.0, 100.0), Demand(d, c, 10.0, 100.0), Demand(c, c, 0.0, 100.0)),
    )
    assert outcome_of(butterfly).value == pytest.approx(2 * 10 * 80.0)
    # With the leg B-D taken by dearer cargo, C-D has no other way than to be rejected in part.
    crowded = replace(butterfly, demand=(Demand(c, d, 10.0, 100.0), Demand(b, d, 4.0, 500.0)))
    assert outcome_of(crowded).value == pytest.approx(4 * 480.0 + 6 * 80.0 - 4 * 1000.0)


def test_cargo_that_never_pays_is_rejected_exactly():
    network = replace(toy_network(), demand=(Demand("AAAAA", "BBBBB", 7.0, -2000.0),))
    assert flow_problem(network).carried == ()
    result = outcome_of(network)
    assert result.verified
    assert result.value == result.bound == -7000.0 - 1500.0


def test_ports_without_a_call_leave_their_cargo_rejected():
    network = toy_network()
    ports = network.ports | {"EEEEE": Port("EEEEE", 1.0, 1.0, 0.0, 0.0)}
    extra = (Demand("EEEEE", "AAAAA", 2.0, 50.0), Demand("BBBBB", "EEEEE", 3.0, 50.0))
    result = outcome_of(replace(network, ports=ports, demand=network.demand + extra))
    assert result.verified
    assert result.value == pytest.approx(outcome_of(network).value - 5000.0)


# --- against an LP that is written another way ----------------------------------------------------


def random_network(seed: int) -> Network:
    """Few ports, several rotations with ports called twice, more cargo than room, some of it worthless."""
    draw = random.Random(seed)
    codes = [f"P{number:04d}" for number in range(draw.randint(4, 8))]
    ports = {c: Port(c, draw.randint(0, 300), draw.choice([0, 0, draw.randint(1, 200)]), 0, 0) for c in codes}
    services = []
    for number in range(draw.randint(1, 4)):
        calls = draw.sample(codes, draw.randint(2, len(codes)))
        if len(calls) > 3 and draw.random() < 0.6:
            calls.insert(draw.randrange(2, len(calls)), calls[0])
        services.append(
            Service(str(number), tuple(calls), draw.choice([45.0, 80.0, 120.0]), draw.uniform(0, 9e4))
        )
    demand = tuple(
        Demand(a, b, float(draw.randint(1, 90)), float(draw.choice([draw.randint(200, 3000), -900])))
        for a in codes
        for b in codes
        if a != b and draw.random() < 0.7
    )
    return Network(tuple(services), ports, demand)


@pytest.mark.parametrize("seed", range(25))
def test_random_networks_earn_what_an_arc_program_earns(seed: int):
    network = random_network(seed)
    problem = flow_problem(network)
    result = audited(network, solved(problem))
    assert result.verified, result.complaints
    lp = arc_program(problem.instance)
    answer = linprog(lp.cost, lp.ub_matrix, lp.ub_rhs, lp.eq_matrix, lp.eq_rhs, method="highs")
    assert answer.status == 0
    profit = problem.constant_usd - (answer.fun + lp.constant)
    assert result.value == pytest.approx(profit, rel=1e-8, abs=1e-5)
    assert result.gap is not None
    assert result.gap <= 1e-6


# --- the audit refuses what is wrong --------------------------------------------------------------


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        (lambda f: replace(f, shipments=(*f.shipments, f.shipments[0])), "FFE"),
        (lambda f: replace(f, shipments=(*f.shipments, Shipment(2, ((1, 1), (1, 2)), 8.0))), "leg 2"),
        (lambda f: replace(f, shipments=(Shipment(0, ((0, 0), (1, 3)), 1.0),)), "takes a leg"),
        (lambda f: replace(f, shipments=(Shipment(0, ((0, 0),), 1.0),)), "cargo ends at"),
        (lambda f: replace(f, shipments=(Shipment(0, ((0, 0), (1, 0)), -1.0),)), "-1.0 FFE"),
        (lambda f: replace(f, claimed_profit=f.claimed_profit + 1.0), "profit is"),
        (lambda f: replace(f, claimed_bound=f.claimed_bound - 1.0), "the prices prove"),
        (lambda f: replace(f, leg_prices=((-1.0, 0.0), f.leg_prices[1])), "price of capacity"),
        (lambda f: replace(f, leg_prices=((float("nan"), 0.0), f.leg_prices[1])), "price of capacity"),
    ],
)
def test_the_audit_refuses(change, complaint):
    network = toy_network()
    right = solved(flow_problem(network))
    assert audited(network, right).verified
    result = audited(network, change(right))
    assert not result.verified
    assert any(complaint in text for text in result.complaints), result.complaints


def test_a_plan_that_does_not_hold_has_no_value():
    network = toy_network()
    right = solved(flow_problem(network))
    result = audited(network, replace(right, shipments=(*right.shipments, right.shipments[0])))
    assert result.value is None
    assert result.gap is None


def test_any_prices_bound_but_worse_ones_bound_less():
    network = toy_network()
    right = solved(flow_problem(network))
    free = replace(right, leg_prices=((0.0, 0.0), (0.0,) * 4), claimed_bound=1e9)
    result = audited(network, free)
    assert result.verified
    # Without capacities everything is carried: 10 × 175 + 30 × 75 + 8 × 40.
    assert result.bound == pytest.approx(1750 + 2250 + 320 - 1500)


# --- logs and tables ------------------------------------------------------------------------------

PORTS = """UNLocode\tname\tCostPerFULL\tCostPerFULLTrnsf\tPortCallCostFixed\tPortCallCostPerFFE
XXAAA\tAlpha\t100.00\t10.00\t1000.00\t2.00
XXBBB\tBeta\t50.00\t20.00\t500.00\t1.00
XXCCC\tGamma\t0\t0\t0\t0
XXDDD\tDelta\tNULL\t\t\t
"""
CLASSES = """Vessel class\tCapacity FFE\tTC rate daily (fixed Cost)\tdraft\tminSpeed\tmaxSpeed\tdesignSpeed\t\
Bunker ton per day at designSpeed\tIdle Consumption ton/day\tpanamaFee\tsuezFee
Small\t450\t5000\t8\t10\t14\t12\t18.8\t2.4\t64800\t175769
Large\t4200\t35000\t13\t12\t23\t16.5\t82.2\t7.4\t\t633007
"""
WAYS = """fromUNLOCODe\tToUNLOCODE\tDistance\tDraft\tIsPanama\tIsSuez
XXAAA\tXXBBB\t1000\t\t0\t1
XXAAA\tXXBBB\t3000\t\t0\t0
XXBBB\tXXAAA\t1000\t\t0\t1
XXBBB\tXXAAA\t3000\t\t0\t0
XXBBB\tXXCCC\t500\t\t0\t0
XXCCC\tXXAAA\t700\t12\t1\t0
"""
DEMAND = """Origin\tDestination\tFFEPerWeek\tRevenue_1\tTransitTime
XXAAA\tXXBBB\t 300 \t1000\t9
XXBBB\tXXAAA\t600\t800\t9
"""
LOG = """Command line parameters: \nSeed = 1
*********************Best found solution********************************
service 0 service id 0
capacity 450
 # vessels 3
1\tXXAAA\tAlpha
2\tXXBBB\tBeta

 speed 10
 voyage distance nautical miles 4000
 voyage duration in weeks 2.6
Suez canal traversed 1
 Port call cost 2850
 Bunker idle burn in Ton 4.8
 Bunker fuel burn in Ton 181.327
 Total bunker cost at 600 USD for one round trip 111676
 Total TC cost {charter}
 Canal Cost 175769
 ------------------Flow Solution ----------------------
ID:0 XXAAA->XXBBB Transported 300, trans in %: 100
 Path XXAAA_0->XXBBB_0
ID:1 XXBBB->XXAAA Transported 450, trans in %: 75
 Path XXBBB_0->XXAAA_0
 *************** Rejected *****************
ID:1 XXBBB->XXAAA Rejected 150, in %: 25
*********************************************
Objective value: 1  Objective value without penalty: 2
"""


def written(folder: Path, log: str = LOG.format(charter=105000), **tables: str) -> Path:
    """A data folder with these contents under names that say nothing; returns the log."""
    contents = {"ports": PORTS, "classes": CLASSES, "ways": WAYS, "demand": DEMAND} | tables
    for number, text in enumerate(contents.values()):
        if text:
            (folder / f"file{number}").write_text(text)
    (folder / "deeper").mkdir(exist_ok=True)
    path = folder / "deeper" / "log"
    path.write_text(log)
    return path


def test_a_log_is_priced_as_its_figures_say(tmp_path: Path):
    network = read_network(written(tmp_path), tmp_path)
    (service,) = network.services
    # 4000 miles are one way through Suez and one around; 10 knots, the least, since 7.5 would do.
    fuel_t = (10 / 12) ** 3 * 18.8 * 4000 / 240
    fixed = 3 * 5000 * 7 + 600 * (fuel_t + 2 * 2.4) + 1000 + 900 + 500 + 450 + 175769
    assert service.fixed_usd == pytest.approx(fixed, rel=1e-12)
    assert network.notes == ()
    result = outcome_of(network)
    assert result.verified
    assert result.value == pytest.approx(300 * 850 + 450 * 650 - 150 * 1000 - fixed, rel=1e-12)


@pytest.mark.parametrize(("charter", "factor"), [(105000, 1.0), (147000, 1.4), (84000, 0.8)])
def test_the_capacity_case_is_told_by_the_charter_cost(tmp_path: Path, charter: int, factor: float):
    network = read_network(written(tmp_path, LOG.format(charter=charter)), tmp_path)
    base = read_network(written(tmp_path), tmp_path)
    assert network.fixed_usd - base.fixed_usd == pytest.approx(105000 * (factor - 1.0))


def test_charter_rates_are_rounded_to_thousands():
    ship = VesselClass("x", 1200, 11000, 12, 18, 52.5, 4, 0, 0)
    assert [charter_rate(ship, case) for case in ("base", "low", "high")] == [11000, 15000, 9000]


def test_charter_costs_of_no_case_count_as_logged_and_are_noted(tmp_path: Path):
    network = read_network(written(tmp_path, LOG.format(charter=126000)), tmp_path)
    assert network.fixed_usd == pytest.approx(read_network(written(tmp_path), tmp_path).fixed_usd + 21000)
    assert any("no capacity case" in note for note in network.notes)


@pytest.mark.parametrize(("miles", "suez", "canal"), [(2000, 2, 2), (4000, 1, 1), (6000, 0, 0)])
def test_ways_are_those_that_add_up_to_the_voyage(tmp_path: Path, miles: int, suez: int, canal: int):
    log = LOG.format(charter=105000).replace("miles 4000", f"miles {miles}")
    log = log.replace("Suez canal traversed 1\n", f"Suez canal traversed {suez}\n" if suez else "")
    knots = max(10.0, miles / 24 / 19)
    network = read_network(written(tmp_path, log.replace("speed 10", f"speed {knots:.6g}")), tmp_path)
    fuel_t = (knots / 12) ** 3 * 18.8 * miles / 24 / knots
    fixed = 105000 + 600 * (fuel_t + 4.8) + 2850 + canal * 175769
    assert network.fixed_usd == pytest.approx(fixed, rel=1e-12)


def test_panama_and_a_ship_too_large_for_it(tmp_path: Path):
    log = LOG.format(charter=105000).replace("2\tXXBBB\tBeta\n", "2\tXXBBB\tBeta\n3\tXXCCC\tGamma\n")
    log = log.replace("miles 4000", "miles 2200").replace(
        "traversed 1", "traversed 1\nPanama canal traversed 1"
    )
    by_both = read_network(written(tmp_path, log, demand=DEMAND + "XXCCC\tXXAAA\t1\t1\t1\n"), tmp_path)
    charter_and_calls = 105000 + 2850
    bunker = by_both.fixed_usd - charter_and_calls - 64800 - 175769
    assert 0 < bunker < 200_000
    large = log.replace("capacity 450", "capacity 4200").replace("cost 105000", "cost 735000")
    with pytest.raises(BenchmarkError, match="blank"):
        read_network(written(tmp_path, large, demand=DEMAND + "XXCCC\tXXAAA\t1\t1\t1\n"), tmp_path)


def test_the_demand_is_the_one_with_the_quantities_of_the_log(tmp_path: Path):
    """Files of other quantities, of transit times only, and with more pairs lie beside it."""
    log = written(tmp_path)
    (tmp_path / "a").write_text(DEMAND.replace("600", "1.6"))
    (tmp_path / "b").write_text(DEMAND.replace("\t9\n", "\t12\n"))
    (tmp_path / "c").write_text(DEMAND + "XXBBB\tXXCCC\t5\t100\t1\n")
    assert [row.ffe for row in read_network(log, tmp_path).demand] == [300.0, 600.0]
    (tmp_path / "d").write_text(DEMAND.replace("1000", "1100"))
    with pytest.raises(BenchmarkError, match="2 different demand tables"):
        read_network(log, tmp_path)
    for name in "abcd":
        (tmp_path / name).unlink()
    (tmp_path / "file3").write_text(DEMAND.replace("600", "599"))
    with pytest.raises(BenchmarkError, match="no demand table"):
        read_network(log, tmp_path)


@pytest.mark.parametrize(
    ("edit", "message"),
    [
        (("miles 4000", "miles 4001"), "no choice of ways"),
        (("capacity 450", "capacity 451"), "no vessel class"),
        ((" # vessels 3", ""), "no vessels"),
        (("2\tXXBBB\tBeta\n", ""), "fewer than two calls"),
        (("2\tXXBBB\tBeta\n", "2\tXXDDD\tDelta\n"), "demand table|no distance"),
        (("service 0 service id 0", "nothing"), "no rotation"),
    ],
)
def test_logs_that_do_not_fit_are_refused(tmp_path: Path, edit: tuple[str, str], message: str):
    path = written(tmp_path, LOG.format(charter=105000).replace(*edit))
    with pytest.raises(BenchmarkError, match=message):
        read_network(path, tmp_path)


def test_a_missing_table_is_named_with_its_publisher(tmp_path: Path):
    with pytest.raises(BenchmarkError, match=r"no table of ways .*" + PUBLISHER):
        read_network(written(tmp_path, ways=""), tmp_path)


def test_two_tables_of_ports_that_differ_are_not_guessed_between(tmp_path: Path):
    log = written(tmp_path)
    (tmp_path / "other").write_text(PORTS)
    assert read_network(log, tmp_path).services
    (tmp_path / "other").write_text(PORTS.replace("100.00", "101.00"))
    with pytest.raises(BenchmarkError, match="differ"):
        read_network(log, tmp_path)


def test_of_several_solutions_in_a_log_the_last_counts(tmp_path: Path):
    text = LOG.format(charter=105000)
    path = written(tmp_path, text.replace("# vessels 3", "# vessels 9") + text)
    log = read_log(path)
    assert is_log(path)
    assert [rotation.figures["vessels"] for rotation in log.rotations] == [3.0]
    assert log.asked == {("XXAAA", "XXBBB"): 300.0, ("XXBBB", "XXAAA"): 600.0}


# --- what was published ---------------------------------------------------------------------------


def published() -> tuple[Found, ...]:
    folder = data_folder(None)
    found = discover([linerlib.SPEC], folder).found
    if not found:
        pytest.skip(f"no LINERLIB log in {folder}; the publisher keeps them in {PUBLISHER} (data/, results/)")
    return found


def test_published_networks_earn_what_their_logs_say():
    """Not less than logged but for the log's rounding; at most 0.4 % more; proven."""
    wrong = []
    for found in published():
        _, measured = run_phases(linerlib.SPEC, found, 60.0)
        outcome, logged = measured.outcome, found.published
        assert logged is not None
        assert outcome.value is not None, outcome.complaints
        assert outcome.gap is not None
        rounding = (1e-6 + ROUNDING) * abs(logged)
        near = -rounding <= outcome.value - logged <= 0.004 * abs(logged)
        not_less = float(f"{outcome.value:.6g}") >= logged - 1e-6 * abs(logged)
        if not (outcome.verified and outcome.gap <= 1e-6 and near and not_less):
            wrong.append((found.instance, logged, outcome))
    assert wrong == []


@pytest.mark.slow
def test_renamed_and_shuffled_copies_have_the_same_values(tmp_path: Path):
    originals = published()
    values = {}
    for found in originals:
        values[found.source] = run_phases(linerlib.SPEC, found, 60.0)[1].outcome.value
    places = {Path(found.source) for found in originals}
    folder = data_folder(None)
    tables = {path for path in folder.rglob("*.csv") if linerlib.kind_of(path)}
    draw = random.Random(5)
    (tmp_path / "x" / "y").mkdir(parents=True)
    rows = [("family", "instance", "file", "published_value", "value_kind")]
    expected = {}
    for number, path in enumerate(draw.sample(sorted(places), len(places))):
        copy = Path("x", f"n{number}.txt")
        shutil.copyfile(path, tmp_path / copy)
        rows.append(("other", f"instance {number}", str(copy), "", ""))
        expected[f"instance {number}"] = values[str(path)]
    for number, path in enumerate(draw.sample(sorted(tables), len(tables))):
        with path.open(encoding="utf-8-sig", newline="") as file:
            header, *lines = [row for row in csv.reader(file, delimiter="\t") if any(row)]
        order = draw.sample(range(len(header)), len(header))
        lines = [row + [""] * (len(header) - len(row)) for row in draw.sample(lines, len(lines))]
        with (tmp_path / "x" / "y" / f"t{number}").open("w", encoding="utf-8", newline="") as file:
            csv.writer(file, delimiter="\t").writerows([[row[i] for i in order] for row in [header, *lines]])
    with (tmp_path / "INDEX.csv").open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows(rows[:1] + draw.sample(rows[1:], len(rows) - 1))
    copies = discover([linerlib.SPEC], tmp_path).found
    assert {found.instance for found in copies} == expected.keys()
    for found in copies:
        outcome = run_phases(linerlib.SPEC, found, 60.0)[1].outcome
        assert outcome.verified
        assert outcome.value == pytest.approx(expected[found.instance], rel=1e-9), found.instance


def test_margins_are_revenue_less_handling_at_both_ends():
    network = toy_network()
    assert margin_usd(network, Demand("AAAAA", "BBBBB", 1.0, 100.0)) == 80.0
    assert np.all(np.asarray(flow_problem(network).instance.unserved_cny_per_t) == [1180.0, 1080.0, 1040.0])
