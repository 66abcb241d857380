"""Waiting: for opening hours and for departures, against simulation, formulas and integration."""

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from logistics.network.windows import OpeningHours, parse_windows, window_delay
from logistics.virtual_network.build import build_instance
from tests.tiny import three_gateways, tiny_network

WEEK_H = 168.0
TEXTS = (
    "Mon-Sun 08:00-20:00",
    "Mon-Fri 08:30-17:30",
    "Mon-Fri 08:30-12:00; Mon-Fri 13:30-17:30; Sat 09:00-12:00",
    "Wed 06:00-07:15",
    "Sat-Mon 00:00-24:00",
    "Mon 00:00-01:00; Sun 22:00-24:00",
)
WORKS_H = (0.0, 0.5, 1.25, 3.0, 8.0, 11.5, 30.0, 100.0, 400.0)


def completion(hours, work_h, arrivals):
    """Wait to start and hours to completion of each arrival, walked opening by opening."""
    elapsed_to_start = np.full(len(arrivals), np.nan)
    done_after = np.full(len(arrivals), np.nan)
    left = np.full(len(arrivals), float(work_h))
    week = 0
    while np.isnan(done_after).any():
        for opens, closes in hours.intervals:
            start = np.maximum(opens + WEEK_H * week, arrivals)
            room = closes + WEEK_H * week - start
            inside = (room > 0) & np.isnan(done_after)
            first = inside & np.isnan(elapsed_to_start)
            elapsed_to_start[first] = (start - arrivals)[first]
            ends = inside & (left <= room)
            done_after[ends] = (start + left - arrivals)[ends]
            left[inside & ~ends] -= room[inside & ~ends]
        week += 1
    return elapsed_to_start, done_after


def gaps_of(hours):
    """Closed gaps of the weekly cycle; the week's wrap is one gap."""
    following = [*hours.intervals[1:], (hours.intervals[0][0] + WEEK_H, 0.0)]
    return np.array([later[0] - now[1] for now, later in zip(hours.intervals, following, strict=True)])


def shortest_opening(hours):
    """Length of the shortest stretch without a closing, the week's wrap included."""
    lengths = [closes - opens for opens, closes in hours.intervals]
    if len(lengths) > 1 and hours.intervals[0][0] == 0 and hours.intervals[-1][1] == WEEK_H:
        lengths[0] += lengths.pop()
    return min(lengths)


@st.composite
def opening_hours(draw):
    """Disjoint openings on quarters of an hour that leave some of the week closed."""
    count = draw(st.integers(1, 6))
    quarters = draw(st.lists(st.integers(0, 4 * 168), min_size=2 * count, max_size=2 * count, unique=True))
    marks = [quarter / 4 for quarter in sorted(quarters)]
    assume((marks[0], marks[-1]) != (0, WEEK_H) or count > 1)
    return OpeningHours(tuple(zip(marks[::2], marks[1::2], strict=True)))


def turned(hours, shift_h):
    """The same hours with the week starting later."""
    pieces = []
    for opens, closes in hours.intervals:
        start = (opens - shift_h) % WEEK_H
        end = start + closes - opens
        pieces += [(start, end)] if end <= WEEK_H else [(start, WEEK_H), (0.0, end - WEEK_H)]
    return OpeningHours(tuple(sorted(pieces)))


@pytest.mark.parametrize("text", TEXTS)
@pytest.mark.parametrize("work_h", [0.0, 1.0, 3.0, 20.0, 90.0])
def test_delay_agrees_with_simulation(text, work_h):
    """Mean completion and variance of the wait to start lie within 5 standard errors of 200,000 arrivals."""
    hours = parse_windows(text)
    arrivals = np.random.default_rng(7).uniform(0, WEEK_H, 200_000)
    wait, done = completion(hours, work_h, arrivals)
    delay = window_delay(hours, work_h)
    assert delay.mean_h == pytest.approx(done.mean(), abs=5 * done.std() / np.sqrt(len(done)) + 1e-12)
    spread = wait.var()
    error = np.sqrt((((wait - wait.mean()) ** 4).mean() - spread**2) / len(wait))
    assert delay.variance_h2 == pytest.approx(spread, abs=5 * error)


@given(hours=opening_hours(), share=st.floats(0, 1))
@settings(max_examples=300, deadline=None)
def test_short_work_follows_the_closed_formula(hours, share):
    """Up to the shortest opening the mean is c + Σ(g²/2 + g·c)/168, the variance Σg³/(3·168) − mean wait²."""
    work_h = share * shortest_opening(hours)
    gaps = gaps_of(hours)
    delay = window_delay(hours, work_h)
    assert delay.mean_h == pytest.approx(work_h + (gaps**2 / 2 + gaps * work_h).sum() / WEEK_H, rel=1e-10)
    wait = (gaps**2).sum() / 2 / WEEK_H
    assert delay.variance_h2 == pytest.approx((gaps**3).sum() / 3 / WEEK_H - wait**2, rel=1e-9, abs=1e-9)


@given(hours=opening_hours(), work_h=st.floats(0.01, 300))
@settings(max_examples=60, deadline=None)
def test_long_work_agrees_with_fine_integration(hours, work_h):
    """Work longer than an opening agrees with an integration over 168,000 arrivals of the week."""
    count = 168_000
    arrivals = (np.arange(count) + 0.5) * WEEK_H / count
    _, done = completion(hours, work_h, arrivals)
    # each jump of the integrand costs at most its height times one step
    jumps = 12 * (work_h / sum(b - a for a, b in hours.intervals) + 1) * WEEK_H * (WEEK_H / count) / WEEK_H
    assert window_delay(hours, work_h).mean_h == pytest.approx(done.mean(), rel=1e-6, abs=jumps)


@pytest.mark.parametrize("text", TEXTS)
@pytest.mark.parametrize("work_h", WORKS_H)
def test_listed_hours_agree_with_fine_integration(text, work_h):
    """The hours that tables use agree with integration for work of minutes up to weeks."""
    arrivals = (np.arange(84_000) + 0.5) * WEEK_H / 84_000
    _, done = completion(parse_windows(text), work_h, arrivals)
    assert window_delay(parse_windows(text), work_h).mean_h == pytest.approx(done.mean(), rel=1e-4, abs=5e-3)


@given(hours=opening_hours(), work_h=st.floats(0, 200), more_h=st.floats(0, 50))
@settings(max_examples=200, deadline=None)
def test_more_work_takes_longer(hours, work_h, more_h):
    """The mean is at least the work, and grows by at least the work that is added."""
    less, more = window_delay(hours, work_h).mean_h, window_delay(hours, work_h + more_h).mean_h
    assert less >= work_h - 1e-9
    assert more >= less + more_h - 1e-9


@given(hours=opening_hours(), work_h=st.floats(0.05, 100))
@settings(max_examples=100, deadline=None)
def test_a_weeks_work_takes_a_week(hours, work_h):
    """Adding exactly the open hours of a week adds 168 h."""
    open_h = sum(closes - opens for opens, closes in hours.intervals)
    assume(abs(work_h / open_h - round(work_h / open_h)) > 1e-6)
    longer = window_delay(hours, work_h + open_h).mean_h
    assert longer == pytest.approx(window_delay(hours, work_h).mean_h + WEEK_H, rel=1e-9)


@given(hours=opening_hours(), work_h=st.floats(0, 60), quarters=st.integers(0, 671))
@settings(max_examples=200, deadline=None)
def test_it_does_not_matter_when_the_week_starts(hours, work_h, quarters):
    """Mean and variance stay when the week is turned, so the wrap is an hour like any other."""
    here, there = window_delay(hours, work_h), window_delay(turned(hours, quarters / 4), work_h)
    # where the work fills openings exactly, an arrival's end may fall on either side of a closing
    assert there.mean_h == pytest.approx(here.mean_h, rel=1e-9)
    assert there.variance_h2 == pytest.approx(here.variance_h2, rel=1e-9, abs=1e-9)


def test_always_open_only_works():
    """Without a closing there is no wait."""
    for text in ("always", "24h", " Always ", "Mon-Sun 00:00-24:00"):
        hours = parse_windows(text)
        assert hours.always
        assert window_delay(hours, 7.5) == window_delay(parse_windows("always"), 7.5)
        assert (window_delay(hours, 7.5).mean_h, window_delay(hours, 7.5).variance_h2) == (7.5, 0)


def test_day_office_by_hand():
    """Seven gaps of 12 h and 2 h of work: 2 + 7·(72 + 24)/168 = 6 h, variance 7·1728/504 − 9 = 15 h²."""
    delay = window_delay(parse_windows("Mon-Sun 08:00-20:00"), 2.0)
    assert (delay.mean_h, delay.variance_h2) == pytest.approx((6, 15))


@pytest.mark.parametrize(
    ("text", "intervals"),
    [
        ("Mon 08:30-17:30", ((8.5, 17.5),)),
        ("mon-tue 8:00-9:15", ((8, 9.25), (32, 33.25))),
        ("Sun-Mon 10:00-11:00", ((10, 11), (154, 155))),
        ("Fri-Fri 00:00-24:00", ((96, 120),)),
        ("Mon 10:00-12:00; Mon 11:00-14:00; Mon 14:00-15:00", ((10, 15),)),
        ("Mon-Tue 00:00-24:00", ((0, 48),)),
        (" Sun 22:00-24:00 ;Mon 00:00-02:00", ((0, 2), (166, 168))),
    ],
)
def test_opening_hours_are_read(text, intervals):
    """Days, ranges over the weekend, overlaps and midnight become sorted disjoint intervals."""
    assert parse_windows(text).intervals == intervals


@pytest.mark.parametrize(
    ("text", "part"),
    [
        ("", ""),
        ("never", "never"),
        ("Mon", "mon"),
        ("Mon 9-17", "mon 9-17"),
        ("Mun 08:00-09:00", "mun 08:00-09:00"),
        ("Mon-Fry 08:00-09:00", "mon-fry 08:00-09:00"),
        ("Mon 17:00-09:00", "mon 17:00-09:00"),
        ("Mon 08:00-08:00", "mon 08:00-08:00"),
        ("Mon 08:00-24:01", "mon 08:00-24:01"),
        ("Mon 08:60-09:00", "mon 08:60-09:00"),
        ("Mon 25:00-26:00", "mon 25:00-26:00"),
        ("Mon 08:00-09:00;", ""),
        ("Mon 08:00-09:00; Tue", "tue"),
        ("Mon 08:00-09:00, Tue 08:00-09:00", "mon 08:00-09:00, tue 08:00-09:00"),
    ],
)
def test_bad_opening_hours_name_the_part(text, part):
    """What cannot be read is an error that names the part."""
    with pytest.raises(ValueError) as caught:  # noqa: PT011 (the reason is the part itself, compared below)
        parse_windows(text)
    assert str(caught.value) == part


def boards(instance, service):
    """Layer, hours, variance and stock hours of the arcs that board a service."""
    return {
        (
            layer.name,
            *(float(x) for x in (layer.pipeline_h[arc], layer.variance_h2[arc], layer.stock_h[arc, 0])),
        )
        for layer in instance.layers
        for arc, step in enumerate(layer.steps)
        if step.action == "board" and step.service_id == service
    }


@pytest.mark.parametrize("departures", [0.5, 1.0, 3.5, 7.0, 14.0])
def test_wait_for_a_departure(departures):
    """Boarding takes the dwell, the booking queue and 168/(2f) h; variance (168/f)²/12 plus the dwell's."""
    network = tiny_network(
        services=[{"service_id": "SEA_DE", "departures_per_week": departures, "booking_wait_h": 5.0}],
        sites=[{"site_id": "SEA", "departure_h": 24.0, "departure_sd_h": 3.0}],
    )
    found = boards(build_instance(network, 2021, "generalised"), "SEA_DE")
    mean, variance = 24 + 5 + 168 / (2 * departures), 9 + (168 / departures) ** 2 / 12
    assert {name for name, *_ in found} == {"export-b2b", "export-stocked"}
    for name, hours, spread, stock in found:
        assert hours == pytest.approx(mean)
        assert spread == pytest.approx(variance)
        assert stock == pytest.approx(84 / departures if name == "export-stocked" else 0)


def test_no_wait_at_a_services_own_later_stops():
    """Cargo that stays on board at a stop only dwells there; only boarding waits for a departure."""
    network = tiny_network(
        service_stops=[
            {"service_id": "AIR_US", "seq": 2.0, "site_id": "FRA", "dwell_h": 4.0},
            {
                "service_id": "AIR_US",
                "seq": 3.0,
                "site_id": "LAX",
                "run_h": 9.0,
                "run_sd_h": 0.0,
                "distance_km": 9000.0,
            },
        ]
    )
    instance = build_instance(network, 2021, "generalised")
    stays = {
        (step.site_id, float(layer.pipeline_h[arc]), float(layer.variance_h2[arc]))
        for layer in instance.layers
        for arc, step in enumerate(layer.steps)
        if step.action == "stay" and step.service_id == "AIR_US"
    }
    assert stays == {("FRA", 4.0, 0.0)}


def test_clearance_arcs_carry_the_windows_delay():
    """Export clearance of three_gateways: 6 h and 15 h² by day at the port, 2 h and none at the airport."""
    instance = build_instance(three_gateways(), 2021, "generalised")
    found = {
        (step.site_id, round(float(layer.pipeline_h[arc]), 9), round(float(layer.variance_h2[arc]), 9))
        for layer in instance.layers
        for arc, step in enumerate(layer.steps)
        if step.action == "clear_export" and layer.name.startswith("export")
    }
    assert found == {("SEA", 6, 15), ("RAIL", 6, 15), ("AIR", 2, 0)}
