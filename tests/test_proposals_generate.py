"""Rules that propose routes: arithmetic by hand on a tiny network, and the real network's proposals."""

from dataclasses import replace
from functools import cache
from pathlib import Path

import numpy as np
import pytest

from logistics.errors import InputError
from logistics.network.geography import great_circle_km
from logistics.proposals.aircraft import aircraft_types
from logistics.proposals.rates import RateLevels, YearRates, lane_of
from logistics.proposals.read import read_proposals
from logistics.proposals.spec import Source
from logistics.scenario.case import Case, read_case
from logistics.virtual_network.tariffs import effective_tariff
from logistics.words import sentence

ROOT = Path(__file__).parents[1]
ADDITIONS = ROOT / "scenarios" / "route-additions-2023.yaml"
AIR = {
    "mode": "air",
    "from": ["HGH"],
    "to": ["LHR"],
    "aircraft": ["B777F"],
    "frequencies": [2, 4],
}
RAIL = {"mode": "rail", "from": ["RT_JINHUA_S"], "to": ["RT_LIEGE"], "frequencies": [1]}
SEA = {"mode": "sea", "from": ["CNNGB"], "to": ["NLRTM"], "frequencies": [1]}


@cache
def real() -> Case:
    """The real network in 2023, as the scenario of route additions has it."""
    return read_case(ADDITIONS)


def generated(**rule):
    """Proposals of one rule on the real network."""
    proposals, _ = read_proposals([Source.model_validate({"generate": rule})], real(), ADDITIONS)
    return proposals


def only(**rule):
    (proposal,) = generated(**rule)
    return proposal


def problems(**rule):
    with pytest.raises(InputError) as raised:
        generated(**rule)
    assert all(sentence(problem, lang) for problem in raised.value.problems for lang in ("en", "zh"))
    return [(problem.code, problem.found, problem.remedy) for problem in raised.value.problems]


@cache
def sites():
    return {row["site_id"]: row for row in real().networks[2023].rows("sites")}


def site(name):
    return sites()[name]


def service(name):
    network = real().networks[2023]
    return network.rows("services")[network.row_of("services")[name]]


def km_between(a, b):
    return float(great_circle_km(site(a)["lat"], site(a)["lon"], site(b)["lat"], site(b)["lon"]))


# --- flights --------------------------------------------------------------------------------------


def test_payload_falls_with_the_range():
    """All up to the range, half at the middle between range and ferry range, nothing beyond."""
    freighter = aircraft_types(real().networks[2023])["B777F"]
    middle = (freighter.range_km + freighter.ferry_range_km) / 2
    loads = [
        freighter.payload_at(km) for km in (0, freighter.range_km, middle, freighter.ferry_range_km, 1e5)
    ]
    assert loads == pytest.approx([102, 102, 51, 0, 0])


def test_flight_by_hand():
    """Hours, payload, cost, background and the tariff of a flight, worked out beside the engine."""
    flight = only(**AIR)
    out, back = flight.services
    freighter = aircraft_types(real().networks[2023])["B777F"]
    km = km_between("HGH", "LHR")
    share = min(1.0, (freighter.ferry_range_km - km) / (freighter.ferry_range_km - freighter.range_km))
    assert flight.id == "AIR_HGH_LHR_B777F"
    assert out.row["payload_t"] == pytest.approx(102 * share)
    assert out.stops[1]["run_h"] == pytest.approx(0.7 + km / 870)
    fuel = 1.44 * 4450 * 7.5
    cost = 2 * ((0.7 + km / 870) * (95620 + fuel) + 70950 + 5.48 * km)
    assert flight.cost_cny_per_departure == pytest.approx(cost, rel=1e-3)
    # All services of 2023 to London pay 3.7 USD spot for 40 % and 3.515 contract for 60 % of the cargo.
    assert out.row["tariff_spot"] == pytest.approx(0.4 * 3.7 + 0.6 * 0.95 * 3.7)
    assert back.row["tariff_spot"] < out.row["tariff_spot"]
    # Other cargo takes 45 % of Hangzhou's room outwards, and pays the tariff on actual weight.
    assert out.background_t_per_departure == pytest.approx(0.45 * 0.88 * 102 * share, rel=0.01)
    assert out.background_cny_per_t == pytest.approx(out.row["tariff_spot"] * 1000 * 7.05)
    assert flight.rate_year == 2023
    assert flight.confidence == "estimate"
    assert flight.source.startswith("assumption:")


def test_ranges_hold_the_value_in_use():
    """Each range of a generated proposal has the value in use between low and high."""
    for rule in (AIR, RAIL, SEA):
        proposal = only(**rule)
        low, high = proposal.ranges["cost_cny_per_departure"]
        assert low < proposal.cost_cny_per_departure < high
        rest = [pair for name, pair in proposal.ranges.items() if name != "cost_cny_per_departure"]
        assert len(rest) >= 4
        assert all(low <= 1 <= high for low, high in rest)


def test_technical_stop_where_it_carries_more():
    """New York is reached by Anchorage with the whole payload; without a stop there is no such flight."""
    rule = {**AIR, "to": ["JFK"], "from": ["WNZ"], "aircraft": ["B767-300F"]}
    assert problems(**rule)[0][0] == "proposal.none_generated"
    stopping = only(**rule, technical_stops=["ANC"])
    legs = km_between("WNZ", "ANC"), km_between("ANC", "JFK")
    assert stopping.figures["technical_stop"] == "ANC"
    assert stopping.figures["distance_km"] == pytest.approx(sum(legs), abs=1)
    assert stopping.services[0].stops[1]["run_h"] == pytest.approx(2 * 0.6 + sum(legs) / 845 + 2)
    assert [stop["site_id"] for stop in stopping.services[0].stops] == ["WNZ", "JFK"]


def test_airports_take_their_class_only():
    """Yiwu takes narrow bodies, Wenzhou no 747, Hangzhou all."""
    to = {"where": "country == 'SG'"}
    types = {
        home: {
            p.figures["aircraft"] for p in generated(mode="air", **{"from": [home]}, to=to, frequencies=[1])
        }
        for home in ("YIW", "WNZ", "NGB")
    }
    assert types["YIW"] == {"B737-800BCF", "B757-200F"}
    assert types["WNZ"] - types["YIW"] == {"B767-300F", "A330-200F", "A330-300P2F"}
    assert "B747-400F" in types["NGB"]


def test_pairs_that_are_joined_are_left_out_unless_asked_for():
    """A freighter flies Hangzhou-Liege already."""
    rule = {**AIR, "to": ["LGG"]}
    assert problems(**rule)[0][0] == "proposal.none_generated"
    assert only(**rule, skip_existing=False).id == "AIR_HGH_LGG_B777F"


def test_range_limit_and_conditions_choose_pairs():
    """Only places of the kind, in use, of another customs territory, within the range."""
    near = generated(
        mode="air",
        **{"from": {"where": "province == 'Zhejiang'"}},
        to={"where": "country in ['JP', 'CN', 'US']"},
        max_range_km=3000,
        aircraft=["B737-800BCF"],
        skip_existing=False,
        frequencies=[3],
    )
    ends = {proposal.services[0].stops[1]["site_id"] for proposal in near}
    starts = {proposal.services[0].stops[0]["site_id"] for proposal in near}
    assert (starts, ends) == ({"HGH", "NGB", "WNZ", "YIW"}, {"KIX", "NRT"})


# --- trains ---------------------------------------------------------------------------------------


def test_train_follows_the_corridor_of_its_model():
    """Ways and passages are those of Yiwu's train; length, hours and tariff go with the great circles."""
    train = only(**RAIL)
    out, back = train.services
    model = service("YXO_YIWU_LIEGE_W")
    assert train.figures["model"] == "YXO_YIWU_LIEGE_W"
    assert [way["passages"] for way in out.ways][:2] == ["alashankou|brest", "khorgos|brest"]
    assert back.ways[0]["passages"] == "brest|alashankou"
    times = out.ways[0]["distance_km"] / train.figures["model_km"]
    assert 0.99 < times < 1.01
    assert out.row["tariff_spot"] == pytest.approx(model["tariff_spot"] * times, rel=1e-3)
    room = model["departures_per_week"] * 365 / 7 * model["payload_t"]
    share = model["background_t_per_year"] / room
    assert out.background_t_per_departure == pytest.approx(share * model["payload_t"])


def test_cost_of_a_train_agrees_with_the_corridor_study():
    """Duisburg from Yiwu: 7,000-9,430 USD a FEU without subsidy, by the unit costs of the railways."""
    train = only(**{**RAIL, "from": ["RT_YIWU_W"], "to": ["RT_DUISBURG"], "skip_existing": False})
    assert 7000 < train.figures["cost_cny_per_feu_out"] / 6.45 < 9430


def test_train_beyond_every_corridor_is_not_proposed():
    """No train of the network says what one to Chicago takes."""
    assert problems(**{**RAIL, "to": ["RT_CHICAGO"]})[0][0] == "proposal.none_generated"


# --- ships ----------------------------------------------------------------------------------------


def test_ship_takes_the_liners_way_at_the_fast_ships_speed():
    """By Suez or the Cape to Rotterdam; the way the liners take, faster and dearer than they are."""
    ship = only(**SEA)
    out, back = ship.services
    assert "suez" in out.ways[0]["passages"]
    assert any("cape_agulhas" in way["passages"] for way in out.ways)
    assert 18500 < out.ways[0]["distance_km"] < 20000
    assert out.ways[0]["run_h"] == pytest.approx(
        out.ways[0]["distance_km"] / ship.figures["speed_kmh"], rel=0.01
    )
    assert 30 < ship.figures["speed_kmh"] < 45
    assert ship.figures["premium"] > 1
    assert out.background_t_per_departure == pytest.approx(0.934 * 31900, rel=0.01)
    assert back.row["tariff_spot"] < out.row["tariff_spot"]


# --- rates of other years -------------------------------------------------------------------------


@cache
def thirty() -> Case:
    """The real network in 2021 to 2023; rules propose by its first year."""
    return read_case(ROOT / "scenarios" / "thirty-routes-2023.yaml")


@pytest.mark.parametrize("rule", [AIR, {**AIR, "to": ["JFK"], "technical_stops": ["ANC"]}, RAIL, SEA])
def test_a_proposal_of_2021_in_2023_is_like_one_of_2023(rule):
    """Fuel and charter to the digit; tariffs as near as the level of a region is to that of one place."""
    rule = Source.model_validate({"generate": {**rule, "skip_existing": False}})
    (old,), _ = read_proposals([rule], thirty(), ADDITIONS)
    (new,), _ = read_proposals([rule], real(), ADDITIONS)
    assert (old.rate_year, old.cost_year, new.rate_year) == (2021, 2021, 2023)
    rates = YearRates(thirty().networks[2023], 2023)
    brought = rates.of(old)
    assert (brought.rate_year, brought.cost_year) == (2023, 2023)
    assert rates.of(brought) is brought
    assert brought.cost_cny_per_departure == pytest.approx(new.cost_cny_per_departure, rel=1e-9)
    low, high = brought.ranges["cost_cny_per_departure"]
    assert low <= brought.cost_cny_per_departure <= high
    for mine, other in zip(brought.services, new.services, strict=True):
        assert mine.row["tariff_spot"] == pytest.approx(other.row["tariff_spot"], rel=0.1)
        assert mine.background_cny_per_t == pytest.approx(other.background_cny_per_t, rel=0.1)
        assert mine.background_t_per_departure == pytest.approx(other.background_t_per_departure, rel=0.1)
        assert mine.stops == other.stops
    assert YearRates(thirty().networks[2021], 2021).of(old) is old


def test_a_proposal_of_no_year_is_of_each():
    """Tariffs and costs as they are written, in every year; a flight's fuel is the year's even so."""
    plain = replace(only(**AIR), rate_year=None, cost_year=None)
    network = thirty().networks[2021]
    assert YearRates(network, 2021).of(plain) is plain
    fuelled = YearRates(network, 2021).of(replace(plain, cost_year=2023))
    assert fuelled.services == plain.services
    saved = plain.cost_cny_per_departure - fuelled.cost_cny_per_departure
    assert saved == pytest.approx(0.44 * plain.moving_cny["fuel"])


@pytest.mark.parametrize(
    ("stops", "lane"),
    [
        (["HGH", "ALA", "LGG"], ("EU",)),
        (["LGG", "ALA", "HGH"], ("home", "EU")),
        (["HGH", "NGB"], ()),
        (["NGB", "HKG"], ("CN",)),
        (["HKG", "NGB"], ("home", "CN")),
        (["LGG", "JFK"], ("US",)),
    ],
)
def test_a_service_is_charged_by_where_it_goes(stops, lane):
    """Not by a stop on the way; inside a customs territory rates do not move."""
    assert lane_of(stops, sites(), "CN") == lane


def test_levels_of_a_lane_are_those_of_the_first_place_there_are():
    """Home has rows of its own; a region without rows has those of all others."""
    levels = RateLevels(real().networks[2023])

    def factor(mode, place):
        return levels.level("tariff", mode, place, 2023).factor

    assert levels.rise("air", (), 2021, 2023) == 1.0
    assert levels.rise("air", ("home", "EU"), 2021, 2023) == factor("air", "home")
    assert levels.rise("air", ("EU",), 2023, 2021) == pytest.approx(1 / factor("air", "EU"))
    assert levels.rise("air", ("ATLANTIS",), 2021, 2023) == factor("air", "*")
    assert levels.rise("post", ("home", "EU"), 2021, 2023) == factor("post", "EU")


# --- bad rules ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("rule", "code", "found", "remedy"),
    [
        ({**AIR, "to": ["LHX"]}, "change.no_row", "LHX", "LHR"),
        ({**AIR, "to": ["NLRTM"]}, "proposal.site_kind", "NLRTM", ""),
        ({**AIR, "from": ["JNH"]}, "proposal.closed_site", "JNH", ""),
        ({**AIR, "from": ["LHR"], "to": ["HGH"]}, "proposal.at_home", "HGH", ""),
        ({**AIR, "to": {"where": "site_id == 'NGB'"}}, "proposal.none_generated", "0", ""),
        ({**AIR, "aircraft": ["B777"]}, "proposal.no_aircraft", "B777", "B777F"),
        ({**AIR, "technical_stops": ["ANCH"]}, "change.no_row", "ANCH", "ANC"),
        ({**RAIL, "technical_stops": ["ANC"]}, "proposal.key_not_used", "technical_stops", ""),
        ({**AIR, "to": {"where": "contry == 'DE'"}}, "condition.column", "contry", "country"),
        ({**AIR, "max_range_km": 100}, "proposal.none_generated", "0", ""),
    ],
)
def test_bad_rule(rule, code, found, remedy):
    assert problems(**rule) == [(code, found, remedy)]


def test_bad_rule_is_turned_down_alone():
    """With keep_going the other sources go on."""
    sources = [Source.model_validate({"generate": rule}) for rule in ({**AIR, "to": ["LHX"]}, AIR)]
    good, bad = read_proposals(sources, real(), ADDITIONS, keep_going=True)
    assert [proposal.id for proposal in good] == ["AIR_HGH_LHR_B777F"]
    assert [problem.code for problem in bad[0].problems] == ["change.no_row"]
    assert bad[0].where.line > 0


# --- the real network -----------------------------------------------------------------------------


@cache
def additions():
    sources = [Source.model_validate(source) for source in real().scenario.study["proposals"]]
    return read_proposals(sources, real(), ADDITIONS)


def test_at_least_500_proposals_on_the_real_network():
    """All can be used: unique ids, positive figures, services that join the home territory with another."""
    proposals, rejected = additions()
    assert rejected == []
    assert len(proposals) >= 500
    assert len({proposal.id for proposal in proposals}) == len(proposals)
    count = {mode: sum(p.mode == mode for p in proposals) for mode in ("air", "rail", "sea")}
    assert min(count.values()) >= 40
    new = {str(row["site_id"]): row for proposal in proposals for row in proposal.sites}
    for proposal in proposals:
        assert proposal.cost_cny_per_departure > 0
        for offered in proposal.services:
            assert offered.row["payload_t"] > 0
            assert offered.row["tariff_spot"] > 0
            room = offered.row["payload_t"] * offered.row["load_factor_max"]
            assert 0 <= offered.background_t_per_departure <= room * (1 + 1e-9)
            ends = [(new.get(stop["site_id"]) or site(stop["site_id"])) for stop in offered.stops]
            assert ends[0]["customs_territory"] != ends[-1]["customs_territory"]
            hours = [way["run_h"] for way in offered.ways] or [stop["run_h"] for stop in offered.stops[1:]]
            assert all(0 < value < 1500 for value in hours)


def test_new_terminals_go_with_their_trains():
    proposals, _ = additions()
    ningbo = [p for p in proposals if p.id.startswith("RAIL_RT_NINGBO_N")]
    assert len(ningbo) > 10
    assert {row["site_id"] for p in ningbo for row in p.sites} == {"RT_NINGBO_N"}
    assert all(p.capex_cny > 0 for p in ningbo)


def test_rules_are_deterministic():
    sources = [Source.model_validate(source) for source in real().scenario.study["proposals"]]
    assert read_proposals(sources, real(), ADDITIONS)[0] == additions()[0]


def test_rate_levels_say_what_the_services_do():
    """The factor of a mode and region is the median of its services' tariffs over those of 2021.

    So is that of what goes home; inside a customs territory tariffs stay what they are.
    """
    network = read_case(ROOT / "scenarios" / "baseline-2021.yaml").networks[2021]
    levels = RateLevels(network)
    stops = {}
    for row in network.rows("service_stops"):
        stops.setdefault(row["service_id"], []).append(row["site_id"])
    region = dict(zip(network.texts("sites", "site_id"), network.texts("sites", "land_region"), strict=True))
    territory = {row["site_id"]: row["customs_territory"] for row in network.rows("sites")}
    for year in (2019, 2022, 2023):
        services = network.at_year(year).rows("services")
        ratios, homeward, inside = {}, {}, []
        for now, then in zip(services, network.rows("services"), strict=True):
            start, end = (region[stops[now["service_id"]][i]] for i in (0, -1))
            if start == "CN" and end != "CN":
                ratio = effective_tariff(now, 1.0) / effective_tariff(then, 1.0)
                ratios.setdefault((now["mode"], end), []).append(ratio)
            if tariff := effective_tariff(then, 1.0):
                start, end = (territory[stops[now["service_id"]][i]] for i in (0, -1))
                if start == end:
                    inside.append(effective_tariff(now, 1.0) / tariff)
                elif end == "CN":
                    homeward.setdefault(now["mode"], []).append(effective_tariff(now, 1.0) / tariff)
        assert len(ratios) > 60
        for (mode, end), values in ratios.items():
            assert levels.level("tariff", mode, end, year).factor == pytest.approx(
                np.median(values), rel=1e-3
            )
        for mode, values in homeward.items():
            assert levels.level("tariff", mode, "home", year).factor == pytest.approx(
                np.median(values), rel=1e-3
            )
        assert homeward.keys() == {"air", "rail", "road", "sea"}
        assert inside == pytest.approx(np.ones(len(inside)))
    assert (
        levels.level("tariff", "air", "ATLANTIS", 2023).factor
        == levels.level("tariff", "air", "*", 2023).factor
    )
    assert levels.level("charter", "rail", "EU", 2023).factor == 1.0
