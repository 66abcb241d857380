"""Door-to-door hours: laws, opening hours minute by minute, mixtures, whole plans against the tables."""

import math
from functools import cache
from itertools import pairwise
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from logistics.models.flow.column_generation import FlowModel
from logistics.models.flow.decode import claimed_totals, decoded_plan
from logistics.network.windows import OpeningHours, parse_windows, window_delay
from logistics.plan import Plan
from logistics.results.read import read_plan
from logistics.scenario.case import read_case
from logistics.studies.register import run_study
from logistics.travel_times.columns import SEGMENT_TIMES, SERVICE_TIMES, TIMES
from logistics.travel_times.components import Clock, StepHours, StepKey
from logistics.travel_times.laws import OfficeWork, Spread, WaitForDeparture, spread_of
from logistics.travel_times.mixtures import Draws, Mixture
from logistics.travel_times.tables import simulated_times
from logistics.travel_times.windows import completion_hours, completion_moments
from logistics.verification.books import YearBooks
from logistics.verification.walk import walked_path
from logistics.virtual_network.build import build_instance
from tests.tiny import random_network, three_gateways, tiny_network

ROOT = Path(__file__).parents[1]
WEEK_H = 168.0
ERRORS = 5
"""Standard errors that a simulated mean may lie off."""
CLOCKS = ("", "pipeline_")
KEYS = {"times": ["demand_id"], "service_times": ["service_id"], "segment_times": ["direction", "segment"]}
TEXTS = (
    "Mon-Sun 08:00-20:00",
    "Mon-Fri 08:30-17:30; Sat 09:00-12:00",
    "Mon-Fri 08:30-12:00; Mon-Fri 13:30-17:30; Sat 09:00-12:00",
    "Wed 06:00-07:15",
    "Sat-Mon 00:00-24:00",
    "Mon 00:00-01:00; Sun 22:00-24:00",
    "always",
)


# --- opening hours ----------------------------------------------------------------------------------


def minutes_walked(hours, work_min, arrival_min):
    """Minutes from each arrival to the end of the work, counted off open minute by open minute."""
    is_open = np.zeros(7 * 24 * 60, dtype=bool)
    for opens, closes in hours.intervals:
        is_open[round(opens * 60) : round(closes * 60)] = True
    weeks = 3 + work_min // int(is_open.sum())
    open_minutes = np.flatnonzero(np.tile(is_open, weeks))
    first = np.searchsorted(open_minutes, arrival_min)
    end = open_minutes[first + work_min - 1] + 1 if work_min else open_minutes[first]
    return end - arrival_min


@pytest.mark.parametrize("text", TEXTS)
@pytest.mark.parametrize("work_min", [0, 30, 75, 180, 210, 240, 540, 720, 1440, 7_201])
def test_work_ends_where_a_walk_minute_by_minute_ends(text, work_min):
    """For arrivals in every minute of the week, and work of nothing, a whole opening, a day, weeks."""
    hours, arrivals = parse_windows(text), np.arange(10_080)
    walked = minutes_walked(hours, work_min, arrivals)
    assert completion_hours(hours, work_min / 60, arrivals / 60) * 60 == pytest.approx(walked, abs=1e-6)


@st.composite
def opening_hours(draw):
    """Disjoint openings on quarters of an hour that leave some of the week closed."""
    count = draw(st.integers(1, 6))
    quarters = draw(st.lists(st.integers(0, 4 * 168), min_size=2 * count, max_size=2 * count, unique=True))
    marks = [quarter / 4 for quarter in sorted(quarters)]
    assume((marks[0], marks[-1]) != (0, WEEK_H) or count > 1)
    return OpeningHours(tuple(zip(marks[::2], marks[1::2], strict=True)))


@given(hours=opening_hours(), work_h=st.one_of(st.floats(0, 300), st.integers(0, 400).map(lambda n: n / 4)))
@settings(max_examples=300, deadline=None)
def test_moments_are_those_of_all_arrivals(hours, work_h):
    """The mean is the tables' formula, mean and variance those of 42,000 arrivals spread over the week."""
    mean, variance = completion_moments(hours, work_h)
    assert mean == pytest.approx(window_delay(hours, work_h).mean_h, rel=1e-9)
    count = 42_000
    taken = completion_hours(hours, work_h, (np.arange(count) + 0.5) * WEEK_H / count)
    assert taken.min() >= work_h - 1e-9
    # each jump costs at most its height times one step of the arrivals
    jumps = (2 + 7 * len(hours.intervals)) / count
    height = taken.max() - taken.min()
    assert mean == pytest.approx(taken.mean(), abs=jumps * height + 1e-6)
    assert variance == pytest.approx(taken.var(), abs=2 * jumps * height**2 + 1e-5)


def test_variance_of_completion_by_hand():
    """Open 12 h a day, 12 h of work: 24 h for arrivals by day; the wait and 12 h for those at night."""
    mean, variance = completion_moments(parse_windows("Mon-Sun 08:00-20:00"), 12.0)
    assert mean == pytest.approx((24 + 18) / 2)
    assert variance == pytest.approx((3**2 + 3**2 + 12**2 / 12) / 2)


# --- laws -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "law",
    [
        WaitForDeparture(48.0),
        Spread(600.0, 22.0),
        Spread(2.0, 2.0),
        Spread(54.0, 60.0),
        Spread(500.0, 1e-7),
        OfficeWork(parse_windows("Mon-Fri 08:30-17:30; Sat 09:00-12:00"), 2.0),
        OfficeWork(parse_windows("Mon-Fri 09:00-12:00"), 60.0),
    ],
)
def test_a_law_keeps_mean_and_deviation(law):
    """Mean and variance of 400,000 draws are the law's within 5 standard errors; no hours are negative."""
    deviation = law.deviations_h(np.random.default_rng(11), 400_000)
    variance = law.variance_h2
    assert deviation.min() >= -law.mean_h
    assert abs(deviation.mean()) <= ERRORS * math.sqrt(variance / len(deviation))
    error = np.sqrt(((deviation**2 - variance) ** 2).mean() / len(deviation))
    assert abs((deviation**2).mean() - variance) <= ERRORS * error


def test_where_a_mean_is_nothing_nothing_varies():
    """Hours are not negative: mean 0 is 0 hours whatever its deviation; a deviation of 0 is no law."""
    assert spread_of(0.0, 5.0) is None
    assert spread_of(10.0, 0.0) is None
    assert spread_of(10.0, 1e-30) is None
    assert spread_of(1e-9, 8760.0) == Spread(1e-9, 8760.0)
    drawn = Spread(1e-9, 8760.0).deviations_h(np.random.default_rng(1), 1000)
    assert np.isfinite(drawn).all()
    assert drawn.min() >= -1e-9


# --- draws and mixtures -----------------------------------------------------------------------------


def one_path(laws, draws=20_000, seed=5):
    """Distribution of a path over all of `laws`, with 100 h that are certain."""
    mean = 100.0 + sum(law.mean_h for law in laws.values())
    return Mixture({Clock(mean, tuple(laws)): 3.0}, Draws(laws, seed, 2021, draws)).distribution()


def near(share, density, draws):
    """Room of a simulated percentile: 5 standard errors, √(q(1−q)/n) over the density there."""
    return ERRORS * math.sqrt(share * (1 - share) / draws) / density


def test_percentiles_of_one_wait():
    """A wait of 0 to 50 h has its 10 % at 5 h, its half at 25 h, its 90 % at 45 h."""
    found = one_path({"wait S 1": WaitForDeparture(50.0)})
    assert (found.mean_h, found.standard_error_h) == pytest.approx((125, 50 / math.sqrt(12 * 20_000)))
    for value, share in ((found.p10_h, 0.1), (found.p50_h, 0.5), (found.p90_h, 0.9)):
        assert value == pytest.approx(100 + 50 * share, abs=near(share, 1 / 50, 20_000))


def test_two_waits_are_independent():
    """Two waits of 0 to 50 h sum to a triangle, also where it is the second of the same kind."""
    tenth = 50 * math.sqrt(0.2)
    for second in ("wait S 1 #2", "wait T 1"):
        found = one_path({"wait S 1": WaitForDeparture(50.0), second: WaitForDeparture(50.0)})
        room = near(0.1, tenth / 2500, 20_000)
        assert found.p10_h == pytest.approx(100 + tenth, abs=room)
        assert found.p50_h == pytest.approx(150, abs=near(0.5, 1 / 50, 20_000))
        assert found.p90_h == pytest.approx(200 - tenth, abs=room)
        assert found.standard_error_h == pytest.approx(math.sqrt(2 * 50**2 / 12 / 20_000))


def test_a_certain_path_has_one_value():
    """Without anything uncertain, mean and percentiles are one number, also next to paths that vary."""
    clock = Clock(0.1 + 0.2, ())
    found = Mixture({clock: 7.0}, Draws({"wait S 1": WaitForDeparture(5.0)}, 1, 2021, 50)).distribution()
    assert (found.p10_h, found.p50_h, found.p90_h) == (clock.mean_h,) * 3
    assert (found.simulated_mean_h, found.mean_h, found.standard_error_h) == (clock.mean_h, clock.mean_h, 0)


def test_shares_of_two_certain_paths():
    """Percentiles of 30 t at 10 h and 70 t at 20 h; 10 % at 10 h are a tenth, however sums are rounded."""
    found = Mixture({Clock(10.0, ()): 30.0, Clock(20.0, ()): 70.0}, Draws({}, 1, 2021, 40)).distribution()
    assert (found.p10_h, found.p50_h, found.p90_h, found.mean_h) == (10, 20, 20, 17)
    for draws in range(1, 60):
        tonnes = {Clock(10.0, ()): 0.3, Clock(15.0, ()): 1.2, Clock(20.0, ()): 1.5}
        found = Mixture(tonnes, Draws({}, 1, 2021, draws)).distribution()
        assert (found.p10_h, found.p50_h, found.p90_h) == (10, 15, 20)


@pytest.mark.parametrize(("num_paths", "draws"), [(1, 1), (1, 7), (3, 100), (40, 500), (700, 60)])
def test_percentiles_are_those_of_sorting_everything(num_paths, draws):
    """Weighted percentiles agree with a sort of all draws, a few paths or several blocks of them."""
    random = np.random.default_rng(num_paths)
    laws = {f"run S{i} 2 ": Spread(random.uniform(1, 500), random.uniform(1, 200)) for i in range(30)}
    tonnes = {}
    for number in range(num_paths):
        names = tuple(random.choice(list(laws), size=number % 5, replace=False).tolist())
        mean = random.uniform(0, 100) + sum(laws[name].mean_h for name in names)
        tonnes[Clock(mean, names)] = random.uniform(0, 10) ** 3
    drawn = Draws(laws, 3, 2021, draws)
    found = Mixture(tonnes, drawn).distribution()
    hours = np.array([clock.mean_h for clock in tonnes])[:, None] + drawn.deviations_h(list(tonnes))
    weights = np.repeat(list(tonnes.values()), draws)
    order = np.argsort(hours.ravel())
    reached = np.cumsum(weights[order]) / weights.sum()
    for value, share in ((found.p10_h, 0.1), (found.p50_h, 0.5), (found.p90_h, 0.9)):
        assert value == hours.ravel()[order][np.searchsorted(reached, share - 1e-9)]
    assert found.simulated_mean_h == pytest.approx(np.average(hours.ravel(), weights=weights))
    assert found.p10_h <= found.p50_h <= found.p90_h
    assert Mixture(dict(reversed(tonnes.items())), drawn).distribution() == found


def test_standard_error_counts_what_paths_share():
    """Over 600 seeds the simulated means of a mixture spread as its standard error says, no more, no less."""
    laws = {
        "passage border": Spread(40.0, 30.0),
        "run S 2 ": Spread(200.0, 20.0),
        "run T 2 ": Spread(300.0, 50.0),
        "clearance G export_work_h": OfficeWork(parse_windows("Mon-Fri 08:30-17:30"), 3.0),
    }
    ways = (("passage border", "run S 2 "), ("passage border", "run T 2 ", "clearance G export_work_h"))
    tonnes = {
        Clock(sum(laws[name].mean_h for name in way), way): amount
        for way, amount in zip(ways, (60.0, 40.0), strict=True)
    }
    off = []
    for seed in range(600):
        found = Mixture(tonnes, Draws(laws, seed, 2021, 100)).distribution()
        off.append((found.simulated_mean_h - found.mean_h) / found.standard_error_h)
    assert np.std(off) == pytest.approx(1, abs=ERRORS / math.sqrt(2 * 600))
    assert abs(np.mean(off)) <= ERRORS / math.sqrt(600)
    shares = dict(zip(laws, (1.0, 0.6, 0.4, 0.4), strict=True))
    variance = sum(share**2 * laws[name].variance_h2 for name, share in shares.items())
    assert found.standard_error_h == pytest.approx(math.sqrt(variance / 100))


def test_tonnes_within_a_limit():
    """On average a path counts whole by its mean; in the draws by its share of hours within the limit."""
    laws = {"wait S 1": WaitForDeparture(50.0)}
    tonnes = {Clock(75.0, ("wait S 1",)): 10.0, Clock(85.0, ("wait S 1",)): 30.0, Clock(80.0, ()): 5.0}
    on_average, drawn = Mixture(tonnes, Draws(laws, 1, 2021, 20_000)).within(80.0)
    assert on_average == pytest.approx(15)
    # of 50 to 100 h, 60 % are at most 80 h; of 60 to 110 h, 40 %
    assert drawn == pytest.approx(10 * 0.6 + 30 * 0.4 + 5, abs=40 * near(0.5, 1.0, 20_000))
    assert Mixture(tonnes, Draws(laws, 1, 2021, 10)).within(20.0) == (0, 0)


@pytest.mark.parametrize(("seed", "draws"), [(-1, 10), (0, 0)])
def test_no_draws_without_seed_and_number(seed, draws):
    """A negative seed and no draws are refused."""
    with pytest.raises(ValueError, match="must not be negative"):
        Draws({}, seed, 2021, draws)


# --- hours of a path --------------------------------------------------------------------------------


@cache
def hand_made():
    """The plan in ``tests/plans/three_gateways``."""
    return read_plan(ROOT / "tests" / "plans" / "three_gateways", hand_made=True)


def steps_of(plan, path_id):
    """Steps of one path."""
    rows = plan.steps.filter(pc.equal(plan.steps["path_id"], path_id)).sort_by("seq").to_pylist()
    return [StepKey(*(row[name] for name in StepKey._fields)) for row in rows]


def test_hours_of_a_path_by_hand():
    """Ship to Germany through Suez: every step's hours, and all that varies, by name."""
    hours = StepHours(three_gateways())
    found = hours.path_hours(steps_of(hand_made(), "ship_from_B"), "b2b")
    assert found.customer == found.pipeline
    road_h = hours.path_hours(steps_of(hand_made(), "ship_from_B")[:1], "b2b").pipeline.mean_h
    door_h = hours.path_hours(steps_of(hand_made(), "ship_from_B")[-1:], "b2b").pipeline.mean_h - 12
    # consolidation, clearance by day, cut-off, half of 96 h, run, canal, discharge, import, road, last mile
    assert found.pipeline.mean_h == pytest.approx(road_h + 2 + 6 + 24 + 48 + 600 + 24 + 24 + 4 + door_h + 12)
    assert found.pipeline.components == (
        "clearance SEA export_work_h",
        "wait SEA_DE 1",
        "run SEA_DE 2 suez",
        "passage suez",
        "delivery MK_DE b2b",
    )


def test_the_customer_of_stocked_cargo_waits_for_picking_and_delivery():
    """Six hours of picking, the road from the warehouse, the last mile; the way to stock is pipeline only."""
    hours = StepHours(three_gateways())
    steps = steps_of(hand_made(), "to_stock")
    found = hours.path_hours(steps, "stocked")
    assert found.customer.components == ("delivery MK_DE stocked",)
    assert found.customer.mean_h == pytest.approx(6 + hours.path_hours(steps[-1:], "b2b").pipeline.mean_h)
    before = hours.path_hours(steps[:-2], "b2b").pipeline.mean_h
    assert found.pipeline.mean_h == pytest.approx(before + 12 + found.customer.mean_h)


def test_cargo_that_stays_on_board_dwells():
    """Riding on through a stop counts its dwell, once, and no second wait."""
    network = tiny_network(
        service_stops=[
            {"service_id": "AIR_US", "seq": 2.0, "site_id": "FRA", "dwell_h": 4.0},
            {"service_id": "AIR_US", "seq": 3.0, "site_id": "LAX", "run_h": 9.0, "run_sd_h": 1.0}
            | {"distance_km": 9000.0},
        ]
    )
    steps = steps_of(hand_made(), "plane_US")
    ride = next(i for i, step in enumerate(steps) if step.action == "ride")
    steps[ride : ride + 2] = [
        steps[ride]._replace(to_site_id="FRA"),
        steps[ride]._replace(site_id="FRA", to_site_id="LAX", stop_seq=3),
        steps[ride + 1]._replace(stop_seq=3),
    ]
    through = StepHours(network).path_hours(steps, "direct").pipeline
    straight = StepHours(three_gateways()).path_hours(steps_of(hand_made(), "plane_US"), "direct").pipeline
    assert through.mean_h == pytest.approx(straight.mean_h + 4 + 9)
    assert sum(name.startswith("wait") for name in through.components) == 1
    assert "run AIR_US 3 " in through.components


def test_what_is_met_twice_is_drawn_twice():
    """A path that boards twice at a site has two dwells there, by two names and with draws of their own."""
    network = tiny_network(sites=[{"site_id": "AIR", "departure_sd_h": 3.0}])
    hours = StepHours(network)
    steps = steps_of(hand_made(), "plane_US")
    board = next(step for step in steps if step.action == "board")
    found = hours.path_hours([board, board], "direct").pipeline.components
    assert found == ("departure AIR", "wait AIR_US 1", "departure AIR #2", "wait AIR_US 1 #2")
    drawn = Draws(hours.laws, 1, 2021, 4000)
    rows = [drawn.deviations_h([Clock(0.0, (name,))])[0] for name in found]
    assert np.abs(np.corrcoef(rows) - np.eye(4)).max() <= ERRORS / math.sqrt(4000)


def test_an_unknown_step_is_refused():
    """Only what plans know has hours."""
    with pytest.raises(ValueError, match="fly"):
        StepHours(three_gateways()).path_hours([StepKey("fly", "AIR", "", "", 0, "", "", "")], "b2b")


# --- tables of a plan -------------------------------------------------------------------------------


def promised(days, **tables):
    """``three_gateways`` with a promise for light direct cargo, and further edits."""
    promise = {"product_id": "light", "segment": "direct", "promise_d": days}
    return tiny_network(product_segments=[promise], **tables)


def rows_by_key(tables, name):
    """Rows of a table by their key."""
    return {tuple(row[key] for key in KEYS[name]): row for row in tables[name].to_pylist()}


def test_tables_have_their_columns_and_rows():
    """Every demand row, every service used, every direction and segment, in typed columns."""
    tables = simulated_times(three_gateways(), 2021, hand_made(), 7, draws=200)
    schemas = {"times": TIMES, "service_times": SERVICE_TIMES, "segment_times": SEGMENT_TIMES}
    assert {name: table.schema for name, table in tables.items()} == schemas
    assert tables["times"]["demand_id"].to_pylist() == three_gateways().texts("demand", "demand_id")
    assert set(tables["service_times"]["service_id"].to_pylist()) == set(
        hand_made().steps["service_id"].to_pylist()
    ) - {""}
    assert set(rows_by_key(tables, "segment_times")) == {
        ("export", "b2b"),
        ("export", "stocked"),
        ("export", "direct"),
        ("import", "b2b"),
    }
    ships = rows_by_key(tables, "service_times")[("SEA_DE",)]
    assert (ships["tonnes"], ships["stocked_t"]) == pytest.approx((1400, 200))
    assert ships["mean_h"] < ships["pipeline_mean_h"]


@pytest.mark.parametrize(("later_h", "on_average", "drawn"), [(6, 1, 0.75), (0, 1, 0.5), (-6, 0, 0.25)])
def test_share_within_promise_by_hand(later_h, on_average, drawn):
    """Of mail only the wait of 0 to 24 h varies: its mean keeps the promise or not, its hours partly."""
    miles = [{"last_mile_id": f"{place}_post", "delivery_sd_h": 0.0} for place in ("DE", "US")]
    plain = simulated_times(tiny_network(last_mile=miles), 2021, hand_made(), 7, draws=2)
    mean_h = rows_by_key(plain, "times")[("D1",)]["mean_h"]
    network = promised((mean_h + later_h) / 24, last_mile=miles)
    tables = simulated_times(network, 2021, hand_made(), 7, draws=4000)
    rows = rows_by_key(tables, "times")
    mail = rows[("D1",)]
    assert mail["promise_h"] == pytest.approx(mean_h + later_h)
    assert mail["share_within_promise"] == on_average
    assert mail["share_within_promise_simulated"] == pytest.approx(drawn, abs=near(drawn, 1.0, 4000))
    dense = rows[("B1",)]
    assert dense["promise_h"] is None
    assert dense["share_within_promise"] is dense["share_within_promise_simulated"] is None
    segment = rows_by_key(tables, "segment_times")[("export", "direct")]
    assert segment["promised_t"] == pytest.approx(300)
    for column in ("share_within_promise", "share_within_promise_simulated"):
        both = (100 * mail[column] + 200 * rows[("D2",)][column]) / 300
        assert segment[column] == pytest.approx(both)


def left_behind(plan, tonnes):
    """The plan with some of D1's urgent cargo, which it carries 50 t of, left unserved."""
    flows = [
        {**row, "tonnes": row["tonnes"] - tonnes * (row["demand_id"] == "D1" and row["tier"] == "urgent")}
        for row in plan.flows.to_pylist()
    ]
    unserved = [{"year": 2021, "demand_id": "D1", "tier": "urgent", "tonnes": tonnes}]
    flows = pa.Table.from_pylist([row for row in flows if row["tonnes"] > 0], plan.flows.schema)
    return Plan(flows, plan.steps, pa.Table.from_pylist(unserved, plan.unserved.schema))


def test_unserved_cargo_is_late():
    """With 30 of 100 t left behind, at most 70 % are within any promise."""
    plan = left_behind(hand_made(), 30.0)
    row = rows_by_key(simulated_times(promised(300.0), 2021, plan, 7, draws=50), "times")[("D1",)]
    assert (row["tonnes"], row["unserved_t"]) == pytest.approx((70, 30))
    assert row["share_within_promise"] == pytest.approx(0.7)
    assert row["share_within_promise_simulated"] == pytest.approx(0.7)


def test_a_row_without_cargo_has_no_hours():
    """Nothing served: no hours, and nothing within the promise; no demand: no share either."""
    plan = hand_made()
    flows = plan.flows.filter(pc.not_equal(plan.flows["demand_id"], "D1"))
    network = promised(9.0, demand=[{"demand_id": "D2", "tonnes_per_year": 0.0}])
    flows = flows.filter(pc.not_equal(flows["demand_id"], "D2"))
    tables = simulated_times(network, 2021, Plan(flows, plan.steps, plan.unserved), 7, draws=50)
    rows = rows_by_key(tables, "times")
    for name, share in (("D1", 0.0), ("D2", None)):
        row = rows[(name,)]
        assert (row["tonnes"], row["mean_h"], row["p50_h"], row["pipeline_p90_h"]) == (0, None, None, None)
        assert (row["share_within_promise"], row["share_within_promise_simulated"]) == (share, share)


def test_another_years_plan_is_left_alone():
    """Only the year asked for is looked at."""
    tables = simulated_times(three_gateways(), 2022, hand_made(), 7, draws=5)
    assert tables["times"]["tonnes"].to_pylist() == [0.0] * 10
    assert tables["service_times"].num_rows == 0
    assert set(tables["segment_times"]["mean_h"].to_pylist()) == {None}


def test_nothing_varies_where_the_tables_say_so():
    """Stocked cargo with a certain last mile has one value for its customer, in every column."""
    network = tiny_network(last_mile=[{"last_mile_id": "DE_stocked", "delivery_sd_h": 0.0}])
    row = rows_by_key(simulated_times(network, 2021, hand_made(), 7, draws=500), "times")[("S1",)]
    values = {row[name] for name in ("mean_h", "simulated_mean_h", "p10_h", "p50_h", "p90_h")}
    assert values == {row["mean_h"]}
    assert row["standard_error_h"] == 0
    assert row["pipeline_p10_h"] < row["pipeline_p50_h"] < row["pipeline_p90_h"]


def test_a_deviation_of_nothing_changes_nothing():
    """Mean 0 h with a deviation stays 0 h: the tables' means are kept, and no hours are negative."""
    network = tiny_network(sites=[{"site_id": "SEA", "departure_h": 0.0, "departure_sd_h": 9.0}])
    plain = tiny_network(sites=[{"site_id": "SEA", "departure_h": 0.0, "departure_sd_h": 0.0}])
    assert simulated_times(network, 2021, hand_made(), 7) == simulated_times(plain, 2021, hand_made(), 7)


def shuffled(table, seed):
    """The table with its rows in another order."""
    return table.take(np.random.default_rng(seed).permutation(table.num_rows))


def test_the_order_of_rows_does_not_matter():
    """Rows of plan and network in any order give the same figures to the last digit."""
    plan, network = left_behind(hand_made(), 30.0), promised(9.0)
    mixed = Plan(*(shuffled(table, 3) for table in (plan.flows, plan.steps, plan.unserved)))
    turned = network
    for name, table in network.tables.items():
        turned = turned.with_table(name, shuffled(table, 4))
    here = simulated_times(network, 2021, plan, 7, draws=300)
    there = simulated_times(turned, 2021, mixed, 7, draws=300)
    for name in here:
        assert rows_by_key(here, name) == rows_by_key(there, name)


def test_the_seed_decides():
    """The same seed gives the same tables; another seed or year other draws about the same means."""
    tables = simulated_times(three_gateways(), 2021, hand_made(), 7, draws=300)
    assert simulated_times(three_gateways(), 2021, hand_made(), 7, draws=300) == tables
    other = simulated_times(three_gateways(), 2021, hand_made(), 8, draws=300)
    assert other["times"]["mean_h"] == tables["times"]["mean_h"]
    assert other["times"]["p50_h"] != tables["times"]["p50_h"]
    laws, clock = {"wait S 1": WaitForDeparture(5.0)}, Clock(2.5, ("wait S 1",))
    drawn = [Draws(laws, *key, 9).deviations_h([clock]).tolist() for key in ((7, 2021), (7, 2022), (7, 2021))]
    assert drawn[0] == drawn[2] != drawn[1]


def test_other_rows_do_not_matter():
    """A row's figures stay when other cargo is not there: scenarios can be compared draw by draw."""
    plan = hand_made()
    only = plan.flows.filter(pc.equal(plan.flows["demand_id"], "D3"))
    whole = rows_by_key(simulated_times(three_gateways(), 2021, plan, 7, draws=300), "times")
    part = rows_by_key(
        simulated_times(three_gateways(), 2021, Plan(only, plan.steps, plan.unserved), 7, draws=300), "times"
    )
    assert part[("D3",)] == whole[("D3",)]


# --- solved networks --------------------------------------------------------------------------------


def columns(table, prefix):
    """Mean, simulated mean, standard error and percentiles of rows with cargo."""
    names = ("mean_h", "simulated_mean_h", "standard_error_h", "p10_h", "p50_h", "p90_h")
    served = table.filter(pc.is_valid(table["mean_h"]))
    return [served[prefix + name].to_numpy() for name in names]


def check_figures(tables):
    """Means agree to 5 standard errors in every row of every table, and percentiles are in order."""
    for table in tables.values():
        for prefix in CLOCKS:
            mean, simulated, error, p10, p50, p90 = columns(table, prefix)
            room = ERRORS * error + 1e-9 * mean
            late = np.flatnonzero(np.abs(simulated - mean) > room)
            assert late.size == 0, [table.slice(int(row), 1).to_pylist() for row in late[:3]]
            assert (p10 <= p50).all()
            assert (p50 <= p90).all()
            assert (p10 >= 0).all()


def tonne_hours(table, column):
    """Sum of tonnes times hours."""
    served = table.filter(pc.is_valid(table["mean_h"]))
    return float(served["tonnes"].to_numpy() @ served[column].to_numpy())


@cache
def solved(seed):
    """A random network with its plan and what the solver claims of it."""
    network = random_network(seed)
    # For hours alone, mail is taken too.
    objective, price = (("generalised", 30_000.0), ("hours", None))[seed % 2]
    instance = build_instance(network, 2021, objective, price)
    answer = FlowModel(instance).solve()
    return network, decoded_plan(instance, answer), claimed_totals(instance, answer)


SEEDS = range(60)


@pytest.mark.parametrize("seed", SEEDS)
def test_random_networks(seed):
    """Simulated and analytic means agree; tonne-hours are those that the solver claims, on both clocks."""
    network, plan, claims = solved(seed)
    tables = simulated_times(network, 2021, plan, seed)
    check_figures(tables)
    for column, claimed in (("mean_h", claims.customer_t_h), ("pipeline_mean_h", claims.pipeline_t_h)):
        for name in ("times", "segment_times"):
            assert tonne_hours(tables[name], column) == pytest.approx(claimed, rel=1e-9)
    assert sum(tables["times"]["unserved_t"].to_pylist()) == pytest.approx(claims.unserved_t, abs=1e-6)


def test_random_networks_have_what_is_to_be_tested():
    """Among them are all kinds of steps, stays on board, cargo left behind and rows on several paths."""
    actions, stays, unserved, several = set(), 0, 0, 0
    for seed in SEEDS:
        _, plan, _ = solved(seed)
        actions |= set(plan.steps["action"].to_pylist())
        rows = plan.steps.to_pylist()
        stays += sum(a["action"] == b["action"] == "ride" for a, b in pairwise(rows))
        unserved += plan.unserved.num_rows
        several += plan.flows.num_rows - len(set(plan.flows["demand_id"].to_pylist()))
    assert actions >= {"consolidate", "clear_post", "ride", "store", "deliver"}
    assert min(stays, unserved, several) > 0


@pytest.mark.parametrize("seed", SEEDS)
def test_paths_have_the_hours_of_the_check(seed):
    """Path by path, both clocks and the variance are those of the rules that the check holds."""
    network, plan, _ = solved(seed)
    always = network.with_table(
        "sites",
        pa.Table.from_pylist(
            [{**row, "clearance_open": "always"} for row in network.rows("sites")],
            network.tables["sites"].schema,
        ),
    )
    for each, windows in ((network, True), (always, False)):
        books, hours = YearBooks(each, 2021), StepHours(each)
        for flow in plan.flows.to_pylist():
            demand = books.demand[flow["demand_id"]]
            steps = steps_of(plan, flow["path_id"])
            ends = (demand["origin_site"], demand["destination_site"])
            figures = walked_path(books.rulebook(flow["demand_id"]), *ends, [tuple(step) for step in steps])
            found = hours.path_hours(steps, demand["segment"])
            assert found.customer.mean_h == pytest.approx(figures.customer_h, rel=1e-9)
            assert found.pipeline.mean_h == pytest.approx(figures.hours, rel=1e-9)
            if not windows and demand["segment"] != "stocked":
                variance = sum(hours.laws[name].variance_h2 for name in found.pipeline.components)
                assert variance == pytest.approx(figures.variance_h2, rel=1e-9)


@pytest.mark.slow
def test_zhejiang():
    """The base year: means agree everywhere, tonne-hours are the result's, shares are shares."""
    case = read_case(ROOT / "scenarios" / "baseline-2021.yaml")
    result = run_study(case)
    tables = simulated_times(case.networks[2021], 2021, result.plan, 1)
    check_figures(tables)
    times = tables["times"]
    served_t = sum(times["tonnes"].to_pylist())
    for column, key in (("mean_h", "customer_hours_mean"), ("pipeline_mean_h", "pipeline_hours_mean")):
        assert tonne_hours(times, column) / served_t == pytest.approx(result.totals[key], rel=1e-9)
    for column in ("share_within_promise", "share_within_promise_simulated"):
        shares = times[column].to_numpy()
        assert (shares >= 0).all()
        assert (shares <= 1 + 1e-12).all()
    # a share that is 0 or 1 by the means alone is in between once hours vary
    assert times["share_within_promise"].to_pylist() != times["share_within_promise_simulated"].to_pylist()
    assert tables["service_times"].num_rows > 200
