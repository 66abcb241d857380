"""Rules of the virtual network, each on a variation of three_gateways with figures known by hand."""

from itertools import pairwise

import networkx as nx
import numpy as np
import pytest

from logistics.models.flow.column_generation import FlowModel, StopRule
from logistics.models.flow.pricing import PathPricer
from logistics.network.tables import GATEWAY_KINDS
from logistics.virtual_network.build import NegativeCost, build_instance, direction_of
from logistics.virtual_network.layers import common_ground, layer_arcs
from logistics.virtual_network.resources import shared_resources
from logistics.virtual_network.tariffs import TariffUnits, border_tax_cny_per_t
from tests.test_flow_brute_force import BruteForce
from tests.tiny import random_network, three_gateways, tiny_network

ONE_STEP = {"run_h": 10.0, "run_sd_h": 0.0, "distance_km": 1000.0}
CLEARS = {"clearance_regimes": "9610|9710|9810", "clearance_cny_per_t": 10.0, "export_work_h": 2.0}


def place(site_id, kind, like, **figures):
    """A row of sites with the position and the names of another."""
    row = dict(three_gateways().rows("sites")[three_gateways().row_of("sites")[like]])
    blank = {name: value for name, value in row.items() if name in ("lat", "lon", "country", "province")}
    blank |= {
        "land_region": row["land_region"],
        "customs_territory": row["customs_territory"],
        "status": "existing",
    }
    return {**blank, "site_id": site_id, "kind": kind, "source": "invented", "confidence": "high", **figures}


def service(service_id, like, **figures):
    """A row of services like another."""
    row = three_gateways().rows("services")[three_gateways().row_of("services")[like]]
    return {**row, "service_id": service_id, **figures}


def stops(service_id, *sites):
    """Rows of service_stops, 10 h and 1,000 km a leg."""
    return [
        {"service_id": service_id, "seq": float(i), "site_id": site, **(ONE_STEP if i > 1 else {})}
        for i, site in enumerate(sites, 1)
    ]


def layer_of(network, name, objective="generalised"):
    """The layer called `name`."""
    (layer,) = [layer for layer in build_instance(network, 2021, objective).layers if layer.name == name]
    return layer


def arcs_of(network, segment, origins=("CL_A", "CL_B"), markets=("MK_DE", "MK_US")):
    """Arcs with the names of their vertices."""
    _, rows = shared_resources(network)
    return layer_arcs(common_ground(network, 2021, rows), segment, list(origins), list(markets))


def ridden(network, objective="generalised"):
    """Tonnes by service and way in the best plan."""
    instance = build_instance(network, 2021, objective)
    answer = FlowModel(instance).solve()
    tonnes = {}
    for k, path, flow in zip(answer.commodity, answer.path, answer.flow_t, strict=True):
        for step in (instance.layers[instance.commodities.layer[k]].steps[arc] for arc in path):
            if step.action == "ride":
                key = step.service_id + (f" by {step.via_id}" if step.via_id else "")
                tonnes[key] = tonnes.get(key, 0.0) + flow
    return tonnes


def ride_money(network, service_id, segment="b2b"):
    """CNY per tonne of dense and light goods on each ride of a service."""
    layer = layer_of(network, f"export-{segment}")
    return {
        (step.stop_seq, step.via_id): tuple(layer.money_cny_per_t[arc].tolist())
        for arc, step in enumerate(layer.steps)
        if step.action == "ride" and step.service_id == service_id
    }


def capacity(network, kind, thing, unit="t"):
    """What the resource leaves for the demand."""
    resources, rows = shared_resources(network)
    return resources[rows[kind, thing, unit]].capacity


# two clocks


def test_both_clocks_run_alike_in_direct_and_b2b():
    """Customer hours are pipeline hours from the cluster on."""
    for name in ("export-direct", "export-b2b", "import-b2b"):
        layer = layer_of(three_gateways(), name)
        assert layer.customer_h.tolist() == layer.pipeline_h.tolist()
        assert layer.pipeline_h.sum() > 0


def test_customer_hours_of_stocked_cargo_start_in_the_warehouse():
    """Only picking (6 h) and delivery (3 + 24 h) count for the customer; the pipeline counts all."""
    layer = layer_of(three_gateways(), "export-stocked")
    by_action = {}
    for arc, step in enumerate(layer.steps):
        by_action.setdefault(step.action, set()).add(round(float(layer.customer_h[arc]), 9))
    assert by_action.pop("store") == {6}
    assert by_action.pop("deliver") == {27}
    assert set(by_action) >= {
        "drive",
        "consolidate",
        "clear_export",
        "board",
        "ride",
        "alight",
        "clear_import",
    }
    assert all(hours == {0} for hours in by_action.values())
    (store,) = layer.store_arc
    assert (layer.pipeline_h[store], layer.lead_h[store]) == (12 + 6, 12)


def test_the_hours_objective_counts_customer_hours_only():
    """200 t of stocked cargo cost 33 h a tonne, however slow the ship that fills the warehouse is."""
    for closed in ([], [{"service_id": "RAIL_DE", "status": "closed"}]):
        network = tiny_network(keep={"demand": ["S1"]}, services=closed)
        answer = FlowModel(build_instance(network, 2021, "hours")).solve()
        assert answer.objective == pytest.approx(200 * 33, rel=1e-9)


def test_a_slower_lead_time_needs_more_safety_stock():
    """w counts lead hours × 24·cv² and variances before the warehouse, none behind it."""
    slow = tiny_network(
        keep={"demand": ["S1"]},
        last_mile=[{"last_mile_id": "DE_stocked", "delivery_h": 500.0, "delivery_sd_h": 99.0}],
    )
    costs = [
        FlowModel(build_instance(network, 2021, "money")).solve().objective
        for network in (tiny_network(keep={"demand": ["S1"]}), slow)
    ]
    assert costs[0] == pytest.approx(costs[1], rel=1e-12)
    # by ship from CO: w = 5,929 = 77², and 319/6 h more to inbound make it 5,929 + 319 = 6,248; an hour of
    # stock costs 0.1 CNY of storage, and there are two √w of them
    late = tiny_network(
        keep={"demand": ["S1"]},
        warehouse_options=[{"option_id": "WH_DE_shared", "inbound_h": 12.0 + 319.0 / 6}],
    )
    more = FlowModel(build_instance(late, 2021, "money")).solve().objective - costs[0]
    assert more == pytest.approx(200 * 0.1 * 2 * (np.sqrt(6248) - 77), rel=1e-6)


# capacities


def test_background_takes_tonnes_and_cubic_metres():
    """Each tonne of other cargo takes a tonne and the payload's own ratio of cubic metres."""
    for background, tonnes, cubic_metres in ((0.0, 7300, 36500), (1300.0, 6000, 30000), (9000.0, 0, 0)):
        network = tiny_network(services=[{"service_id": "AIR_US", "background_t_per_year": background}])
        assert capacity(network, "service", "AIR_US#2") == pytest.approx(tonnes)
        assert capacity(network, "service", "AIR_US#2", "m3") == pytest.approx(cubic_metres)


def test_background_of_sites_and_passages():
    """Terminals and passages are shared with other cargo, too; never less than nothing is left."""
    network = tiny_network(
        sites=[
            {"site_id": "AIR", "background_t_per_year": 99000.0},
            {"site_id": "SEA", "throughput_t_per_year": 10.0, "background_t_per_year": 20.0},
        ],
        passages=[{"passage_id": "alashankou", "background_t_per_year": 49900.0}],
    )
    assert capacity(network, "site", "AIR") == 1000
    assert capacity(network, "site", "SEA") == 0
    assert capacity(network, "passage", "alashankou") == 100
    assert ridden(network).get("RAIL_DE by alashankou", 0) == pytest.approx(100)


def test_each_leg_has_its_own_capacity():
    """A service of two legs has four rows, and cargo that rides one leg uses that leg's."""
    network = tiny_network(
        services=[service("TWO", "AIR_DE")], service_stops=stops("TWO", "AIR", "FRA", "LAX")
    )
    resources, rows = shared_resources(network)
    assert [r.id for r in resources if r.id.startswith("TWO")] == ["TWO#2", "TWO#2", "TWO#3", "TWO#3"]
    layer = layer_of(network, "export-b2b")
    for arc, step in enumerate(layer.steps):
        if step.action == "ride" and step.service_id == "TWO":
            used = {resources[row].id for row in layer.use_row[layer.use_arc == arc]}
            assert used == {f"TWO#{step.stop_seq}"}
    assert ("service", "TWO#3", "m3") in rows


def test_dense_and_light_cargo_share_a_hold():
    """Both rows of the ship bind: x dense and y light tonnes with x + y = 730 t and x + 10 y = 1,825 m³.

    By ship a dense tonne costs 2,725 + 38,400 and a light one 6,125 + 48,000; by air 10,681 and 20,789
    instead (see the README of three_gateways). The ship saves 7,956 and 14,664 a tonne; prices p of a tonne
    and q of a cubic metre with p + q = 7,956 and p + 10 q = 14,664 are both positive, so both rows bind.
    """
    network = tiny_network(
        keep={"demand": ["B1", "B3"]},
        demand=[
            {"demand_id": "B1", "tonnes_per_year": 1000.0},
            {"demand_id": "B3", "tonnes_per_year": 200.0},
        ],
        services=[
            {"service_id": "SEA_DE", "payload_t": 8.0, "payload_m3": 20.0},
            {"service_id": "RAIL_DE", "status": "closed"},
        ],
    )
    light = (1825 - 730) / 9
    dense = 730 - light
    expected = dense * 2725 + (1000 - dense) * 10681 + 1000 * 38400
    expected += light * 6125 + (200 - light) * 20789 + 200 * 48000
    instance = build_instance(network, 2021, "generalised")
    answer = FlowModel(instance, StopRule(gap=0.0)).solve()
    assert answer.objective == pytest.approx(expected, rel=1e-9)
    price = {r.unit: p for r, p in zip(instance.resources, answer.duals.resource, strict=True) if p > 1e-6}
    assert price == pytest.approx({"m3": (14664 - 7956) / 9, "t": 7956 - (14664 - 7956) / 9}, rel=1e-6)


def test_a_hold_full_of_light_cargo_still_has_tonnes():
    """Light cargo alone is limited by cubic metres, dense alone by tonnes."""
    ship = {"service_id": "SEA_DE", "payload_t": 8.0, "payload_m3": 20.0}
    closed = {"service_id": "RAIL_DE", "status": "closed"}
    for row, limit in (("B3", 182.5), ("B1", 730.0)):
        network = tiny_network(
            keep={"demand": [row]},
            demand=[{"demand_id": row, "tonnes_per_year": 1000.0}],
            services=[ship, closed],
        )
        assert ridden(network)["SEA_DE by suez"] == pytest.approx(limit)


def test_throughput_of_a_gateway_limits_what_enters_it():
    """Cargo by road counts once at the gateway where it boards."""
    network = tiny_network(
        keep={"demand": ["B4"]},
        sites=[{"site_id": "SEA", "throughput_t_per_year": 150.0}],
    )
    assert ridden(network) == pytest.approx({"SEA_US": 150, "AIR_US": 250})


# tariffs


@pytest.mark.parametrize(
    ("density", "chargeable_kg", "teu", "truck"),
    [
        (50, 4000, 1 / 2, 1 / 4),
        (100, 2000, 1 / 4, 1 / 8),
        (200, 1000, 1 / 8, 1 / 16),
        (1000, 1000, 1 / 20, 1 / 20),
    ],
)
def test_units_per_tonne(density, chargeable_kg, teu, truck):
    """Air charges at least 200 kg/m³; a TEU holds 20 t or 40 m³, a truck 20 t or 80 m³, whichever is less."""
    network = tiny_network(products={"density_kg_per_m3": float(density)})
    units = TariffUnits(network, np.array([2.0, 0.5]))
    expected = {
        ("chargeable_kg", "air"): chargeable_kg,
        ("chargeable_kg", "sea"): 1000,
        ("teu", "sea"): teu,
        ("feu", "rail"): teu / 2,
        ("truck", "road"): truck,
        ("item_plus_kg", "post"): 1000,
        ("tkm", "rail"): 1,
        ("m3", ""): 1000 / density,
        ("none", ""): 0,
    }
    for basis, amount in expected.items():
        assert units.per_t(basis).tolist() == pytest.approx([amount, amount])
    assert units.per_t(("order", "")).tolist() == [500, 2000]


def test_the_size_of_an_order_decides_the_price_by_item():
    """Post charges 21 CNY/kg and 1 CNY an order: 21,500 a tonne of 2 kg orders, 23,000 of half-kilo ones."""
    assert ride_money(three_gateways(), "POST_DE", "direct") == {(2, ""): pytest.approx((21500, 23000))}


def test_contract_spot_currency_and_subsidy():
    """Half contract at 8 and half spot at 12 are 10 a kg; USD by its rate; subsidies come off a tonne."""
    assert ride_money(three_gateways(), "AIR_DE") == {(2, ""): pytest.approx((10000, 20000))}
    assert ride_money(three_gateways(), "SEA_US") == {(2, ""): pytest.approx((1300, 6500))}
    assert ride_money(three_gateways(), "RAIL_DE") == {(2, "alashankou"): pytest.approx((1210, 6410))}


def test_rates_of_the_year_are_used():
    """The dollar costs 6.8 in 2022, not 6.5, and the air tariff of that year is 3 dollars a kg."""
    layer = next(
        x
        for x in build_instance(three_gateways().at_year(2022), 2022, "money").layers
        if x.name == "export-b2b"
    )
    money = {
        step.service_id: layer.money_cny_per_t[arc].tolist()
        for arc, step in enumerate(layer.steps)
        if step.action == "ride"
    }
    assert money["SEA_US"] == pytest.approx([4000 * 6.8 / 20, 4000 * 6.8 / 4])
    assert money["AIR_US"] == pytest.approx([3 * 6.8 * 1000, 3 * 6.8 * 2000])


def test_ways_have_their_own_tariff_and_fees():
    """Suez at the plain tariff and its fee, the Cape at 1.1 times the tariff and none."""
    assert ride_money(three_gateways(), "SEA_DE") == {
        (2, "suez"): pytest.approx((670, 3270)),
        (2, "cape"): pytest.approx((715, 3575)),
    }


def test_a_partial_ride_pays_its_share_of_the_distance():
    """Legs of 1,000 and 3,000 km pay a quarter and three quarters of tariff and subsidy."""
    legs = stops("TWO", "AIR", "FRA", "LAX")
    legs[2]["distance_km"] = 3000.0
    network = tiny_network(services=[service("TWO", "AIR_DE", subsidy_cny_per_t=400.0)], service_stops=legs)
    assert ride_money(network, "TWO") == {
        (2, ""): pytest.approx((2500 - 100, 5000 - 100)),
        (3, ""): pytest.approx((7500 - 300, 15000 - 300)),
    }


def test_tonne_kilometres_and_trucks():
    """0.5 CNY/tkm over 1,000 km is 500 a tonne; a truck of 20 t or 8 t light at 16,000 is 800 or 2,000."""
    network = tiny_network(
        sites=[
            place("HUB", "road_hub", "RAIL", consolidation_cny_per_m3=1.0, **CLEARS),
            place("HUB_DE", "road_hub", "RDU"),
        ],
        services=[
            service("TKM", "AIR_DE", mode="rail", tariff_basis="tkm", tariff_spot=0.5, contract_share=0.0),
            service(
                "TIR", "AIR_DE", mode="road", tariff_basis="truck", tariff_spot=16000.0, contract_share=0.0
            ),
        ],
        service_stops=[*stops("TKM", "RAIL", "RDU"), *stops("TIR", "HUB", "RDU")],
    )
    assert ride_money(network, "TKM") == {(2, ""): pytest.approx((500, 500))}
    assert ride_money(network, "TIR") == {(2, ""): pytest.approx((800, 2000))}


def test_a_subsidy_above_the_tariff_is_refused():
    """A ride that would pay its user names the service and the product; one just below is fine."""
    with pytest.raises(NegativeCost) as caught:
        build_instance(
            tiny_network(services=[{"service_id": "SEA_DE", "subsidy_cny_per_t": 700.0}]), 2021, "money"
        )
    assert (caught.value.service_id, caught.value.product_id) == ("SEA_DE", "dense")
    assert caught.value.cny_per_t == pytest.approx(650 + 20 - 700)
    network = tiny_network(services=[{"service_id": "SEA_DE", "subsidy_cny_per_t": 670.0}])
    assert ride_money(network, "SEA_DE")[2, "suez"][0] == pytest.approx(0, abs=1e-9)


def test_border_taxes_by_threshold():
    """Duty and VAT are due above their order values; VAT is on value and duty; a fee is per order."""
    network = three_gateways()
    orders = {
        (str(r["product_id"]), str(r["segment"])): float(r["order_kg"])
        for r in network.rows("product_segments")
    }
    tax = dict(zip(network.texts("demand", "demand_id"), border_tax_cny_per_t(network, orders), strict=True))
    expected = {
        "B1": 38400,
        "B3": 48000,
        "B4": 12000,
        "S1": 38400,
        "D1": 48000,
        "D2": 2000,
        "D3": 500,
        "D4": 24000,
    }
    assert {name: tax[name] for name in expected} == pytest.approx(expected)
    assert tax["I1"] == pytest.approx(18600)
    for threshold, amount in ((239.0, 12000), (240.0, 0)):  # an order is worth 240
        rules = [{"rule_id": "US_ALL_direct", "duty_threshold_cny": threshold, "fee_cny_per_order": 0.0}]
        again = border_tax_cny_per_t(tiny_network(border_rules=rules), orders)
        assert again[network.texts("demand", "demand_id").index("D3")] == pytest.approx(amount)


# clearance


def test_shorter_hours_make_cargo_shift():
    """Stocked cargo leaves the train when its terminal clears on one morning a week only."""
    usual = tiny_network(keep={"demand": ["S1"]})
    short = tiny_network(
        keep={"demand": ["S1"]}, sites=[{"site_id": "RAIL", "clearance_open": "Wed 09:00-12:00"}]
    )
    assert ridden(usual) == pytest.approx({"RAIL_DE by alashankou": 200})
    assert ridden(short) == pytest.approx({"SEA_DE by suez": 200})


def test_a_round_the_clock_office_draws_cargo():
    """With 24-hour clearance at the port its cargo saves the wait, 4 h a tonne at ρ = 2."""
    day = FlowModel(build_instance(tiny_network(keep={"demand": ["B4"]}), 2021, "generalised")).solve()
    network = tiny_network(keep={"demand": ["B4"]}, sites=[{"site_id": "SEA", "clearance_open": "always"}])
    night = FlowModel(build_instance(network, 2021, "generalised")).solve()
    assert day.objective - night.objective == pytest.approx(400 * 4 * 2, rel=1e-9)


def test_cargo_clears_only_where_its_regime_is():
    """A gateway without 9610 clears no parcels; b2b under 9710 is as before."""
    network = tiny_network(sites=[{"site_id": "AIR", "clearance_regimes": "9710"}])
    assert not [
        a for a in arcs_of(network, "direct") if a.step.action == "clear_export" and a.step.site_id == "AIR"
    ]
    assert [a for a in arcs_of(network, "b2b") if a.step.action == "clear_export" and a.step.site_id == "AIR"]
    assert not [a for a in arcs_of(network, "direct") if a.step.service_id.startswith("AIR")]


def test_parcels_and_formal_import_take_their_own_time():
    """Import clearance: 2 h for parcels, 4 h for stock and b2b."""
    hours = {
        segment: {a.hours for a in arcs_of(three_gateways(), segment) if a.step.action == "clear_import"}
        for segment in ("direct", "stocked", "b2b")
    }
    assert hours == {"direct": {2}, "stocked": {4}, "b2b": {4}}


def test_a_cargo_station_is_recognised_only_by_its_airport():
    """Cargo cleared at the station goes on to AIR only, under seal; uncleared cargo goes anywhere."""
    station = place(
        "CS", "cargo_station", "CL_A", recognised_by="AIR", consolidation_cny_per_m3=5.0, **CLEARS
    )
    arcs = arcs_of(tiny_network(sites=[station]), "b2b")
    onward = {
        (a.tail[0], a.head[1]): a.cny_per_t
        for a in arcs
        if a.step.action == "drive" and a.step.site_id == "CS"
    }
    assert {end for state, end in onward if state in ("L1", "C1")} == {"AIR"}
    assert onward["C1", "AIR"] == pytest.approx(70 + 10)  # 100 km, and the seal
    assert {end for state, end in onward if state == "C0"} == {"AIR", "SEA", "RAIL"}
    alone = place("CS", "cargo_station", "CL_A", consolidation_cny_per_m3=5.0, **CLEARS)
    arcs = arcs_of(tiny_network(sites=[alone]), "b2b")
    assert not [a for a in arcs if a.tail == ("C1", "CS")]


def hongkong(**sites):
    """three_gateways with an airport of another territory on the same land, and flights from there."""
    return tiny_network(
        sites=[
            place("HKG", "airport", "SEA", customs_territory="HK", handling_cny_per_t=100.0, **sites),
            place("EC", "express_centre", "CL_A", consolidation_cny_per_m3=5.0, **CLEARS),
        ],
        services=[service("HK_DE", "AIR_DE")],
        service_stops=stops("HK_DE", "HKG", "FRA"),
    )


def test_cleared_cargo_crosses_to_another_territory_under_seal():
    """HKG is reached only after clearance at home: 200 km and the seal, 120 + 10 CNY/t."""
    arcs = arcs_of(hongkong(), "b2b")
    into = {
        (a.tail, a.head): a.cny_per_t for a in arcs if a.step.action == "drive" and a.step.to_site_id == "HKG"
    }
    assert into == {(("C1", "EC"), ("C1", "HKG")): pytest.approx(130)}
    assert not [a for a in arcs if a.step.action == "clear_export" and a.step.site_id == "HKG"]
    assert [a for a in arcs if a.step.action == "ride" and a.step.service_id == "HK_DE"]


def test_cleared_cargo_may_be_consolidated_across_the_border():
    """Loose cleared cargo goes there, too, when that gateway builds ULDs."""
    arcs = arcs_of(hongkong(consolidation_cny_per_m3=30.0, clearance_regimes="any"), "b2b")
    into = {(a.tail, a.head) for a in arcs if a.step.action == "drive" and a.step.to_site_id == "HKG"}
    assert into == {(("C1", "EC"), ("C1", "HKG")), (("L1", "EC"), ("L1", "HKG"))}
    assert not [a for a in arcs if a.step.action == "clear_export" and a.step.site_id == "HKG"]


# closed things


def steps_of(network):
    """Every step of every layer."""
    return [step for layer in build_instance(network, 2021, "generalised").layers for step in layer.steps]


def test_a_closed_passage_is_never_used_and_the_other_way_is():
    """With Suez closed the ship goes by the Cape; with Alashankou closed the train does not run."""
    network = tiny_network(passages=[{"passage_id": "suez", "status": "closed"}])
    assert {s.via_id for s in steps_of(network) if s.service_id == "SEA_DE" and s.action == "ride"} == {
        "cape"
    }
    assert ridden(network)["SEA_DE by cape"] == pytest.approx(100 + 100 + 200)
    network = tiny_network(passages=[{"passage_id": "alashankou", "status": "closed"}])
    assert "RAIL_DE" not in {step.service_id for step in steps_of(network)}
    assert ridden(network)["SEA_DE by suez"] == pytest.approx(600 + 500 + 100 + 200)


@pytest.mark.parametrize("status", ["closed", "proposed"])
def test_only_existing_services_are_ridden(status):
    """Closed and proposed services are in no layer and have no capacity."""
    network = tiny_network(services=[{"service_id": "AIR_US", "status": status}])
    assert "AIR_US" not in {step.service_id for step in steps_of(network)}
    with pytest.raises(KeyError):
        capacity(network, "service", "AIR_US#2")


@pytest.mark.parametrize("status", ["closed", "option"])
def test_only_existing_sites_are_used(status):
    """A closed or optional site is in no step, and services do not stop there."""
    network = tiny_network(sites=[{"site_id": "SEA", "status": status}])
    steps = steps_of(network)
    assert "SEA" not in {s.site_id for s in steps} | {s.to_site_id for s in steps}
    assert not {"SEA_DE", "SEA_US"} & {s.service_id for s in steps}
    assert ridden(network)["AIR_US"] == pytest.approx(400 + 100)


def test_a_closed_stop_in_the_middle_ends_the_ride():
    """Cargo cannot ride through a closed stop, since each leg ends at a site."""
    network = tiny_network(
        services=[service("TWO", "AIR_DE")],
        service_stops=stops("TWO", "AIR", "FRA", "LAX"),
        sites=[{"site_id": "FRA", "status": "closed"}],
    )
    assert "TWO" not in {step.service_id for step in steps_of(network)}


def test_only_existing_warehouse_options_are_used():
    """Options and closed warehouses hold no stock, so stocked demand has no way and stays unserved."""
    for status in ("option", "closed"):
        network = tiny_network(
            keep={"demand": ["S1"]}, warehouse_options=[{"option_id": "WH_DE_shared", "status": status}]
        )
        instance = build_instance(network, 2021, "generalised")
        assert (instance.commodities.origin[0], instance.commodities.destination[0]) == (-1, -1)
        answer = FlowModel(instance).solve()
        assert answer.unserved_t.tolist() == pytest.approx([200])
        assert answer.status == "optimal"


def test_a_warehouse_is_used_from_its_opening_year_on():
    """Stock that may lie only in a warehouse of 2022 has no way in 2021; it has one in 2022."""
    network = tiny_network(
        keep={"demand": ["S1"]}, warehouse_options=[{"option_id": "WH_DE_shared", "opening_year": 2022.0}]
    )
    for year, unserved in ((2021, 200), (2022, 0)):
        instance = build_instance(network.at_year(year), year, "generalised")
        options = {s.option_id for layer in instance.layers for s in layer.steps if s.action == "store"}
        assert options == ({"WH_DE_shared"} if year == 2022 else set())
        assert FlowModel(instance).solve().unserved_t.sum() == pytest.approx(unserved, abs=1e-6)


def test_stock_goes_to_the_option_that_is_open():
    """Of two options at a site the cheaper one, which opens later, is left out."""
    later = {
        **three_gateways().rows("warehouse_options")[0],
        "option_id": "later",
        "inbound_cny_per_t": 1.0,
        "opening_year": 2022.0,
    }
    network = tiny_network(keep={"demand": ["S1"]}, warehouse_options=[later])
    for year, expected in ((2021, {"WH_DE_shared"}), (2022, {"later"})):
        instance = build_instance(network.at_year(year), year, "generalised")
        answer = FlowModel(instance).solve()
        steps = [instance.layers[0].steps[arc] for path in answer.path for arc in path]
        assert {s.option_id for s in steps if s.action == "store"} == expected


def test_two_options_at_one_warehouse_are_two_ways():
    """Options of a site have their own capacity and price; the cheaper one is filled first."""
    second = {
        **three_gateways().rows("warehouse_options")[0],
        "option_id": "second",
        "inbound_cny_per_t": 60.0,
    }
    network = tiny_network(
        keep={"demand": ["S1"]},
        warehouse_options=[second, {"option_id": "WH_DE_shared", "capacity_t_per_year": 150.0}],
    )
    instance = build_instance(network, 2021, "generalised")
    answer = FlowModel(instance).solve()
    stored = {}
    for path, flow in zip(answer.path, answer.flow_t, strict=True):
        (option,) = [s.option_id for s in (instance.layers[0].steps[a] for a in path) if s.action == "store"]
        stored[option] = stored.get(option, 0) + flow
    assert stored == pytest.approx({"WH_DE_shared": 150, "second": 50})


# who may do what


def test_post_goes_only_from_exchange_offices():
    """Post is cleared at mail exchanges with the regime; without it there is no post at all."""
    arcs = arcs_of(three_gateways(), "direct")
    assert {a.step.site_id for a in arcs if a.step.action == "clear_post"} == {"MX_CN"}
    assert {a.tail for a in arcs if a.step.action == "board" and a.step.service_id.startswith("POST")} == {
        ("P1", "MX_CN")
    }
    for edit in ({"clearance_regimes": "9610"}, {"kind": "express_centre", "clearance_regimes": "post"}):
        arcs = arcs_of(tiny_network(sites=[{"site_id": "MX_CN", **edit}]), "direct")
        assert not [a for a in arcs if a.step.service_id.startswith("POST") or a.step.action == "clear_post"]


def test_post_is_delivered_by_post_and_only_direct_cargo_is_posted():
    """Imported post goes out on the channel post; stock and b2b never meet a mail exchange."""
    arcs = arcs_of(three_gateways(), "direct")
    channels = {a.tail[0]: a.step.channel for a in arcs if a.step.action == "deliver"}
    assert channels == {"I": "direct", "PI": "post"}
    for segment in ("stocked", "b2b"):
        sites = {a.step.site_id for a in arcs_of(three_gateways(), segment)}
        assert not sites & {"MX_CN", "MX_DE", "MX_US"}


def test_services_take_only_their_segments():
    """RAIL_DE and the ships take no parcels."""
    found = {a.step.service_id for a in arcs_of(three_gateways(), "direct") if a.step.action == "ride"}
    assert found == {"AIR_DE", "AIR_US", "AIR_CN", "POST_DE", "POST_US"}


def test_every_way_is_consolidated_and_cleared_once():
    """Each simple path: one consolidation, one clearance for export and one for import; post as post."""
    instance = build_instance(three_gateways(), 2021, "generalised")
    seen = set()
    for number, layer in enumerate(instance.layers):
        ends = {
            (int(o), int(d))
            for o, d, n in zip(
                instance.commodities.origin,
                instance.commodities.destination,
                instance.commodities.layer,
                strict=True,
            )
            if n == number
        }
        graph = nx.DiGraph(zip(layer.tail.tolist(), layer.head.tolist(), strict=True))
        arc_of = {
            pair: i for i, pair in enumerate(zip(layer.tail.tolist(), layer.head.tolist(), strict=True))
        }
        for origin, destination in ends:
            for path in nx.all_simple_paths(graph, origin, destination):
                actions = [layer.steps[arc_of[pair]].action for pair in pairwise(path)]
                count = tuple(
                    actions.count(a)
                    for a in ("consolidate", "clear_export", "clear_post", "clear_import", "store")
                )
                assert (
                    count
                    in {
                        "export-direct": {(1, 1, 0, 1, 0), (0, 0, 1, 1, 0)},
                        "export-stocked": {(1, 1, 0, 1, 1)},
                        "export-b2b": {(1, 1, 0, 1, 0)},
                        "import-b2b": {(1, 1, 0, 1, 0)},
                    }[layer.name]
                )
                seen.add((layer.name, count))
    assert len(seen) == 5


def test_a_cluster_consolidates_its_own_stock_and_bulk_but_no_parcels():
    """Containers are loaded at the factory for stocked and b2b cargo of that cluster only."""
    network = tiny_network(sites=[{"site_id": "CL_A", "consolidation_cny_per_m3": 1.0}])
    for segment, expected in (("direct", False), ("stocked", True), ("b2b", True)):
        arcs = arcs_of(network, segment)
        at_cluster = [a for a in arcs if a.step.action == "consolidate" and a.step.site_id == "CL_A"]
        assert bool(at_cluster) == expected
    assert not [a for a in arcs_of(network, "b2b", origins=["CL_B"]) if a.step.site_id == "CL_A"]


def test_no_road_leaves_a_gateway_on_the_origin_side():
    """Cargo that has reached a gateway goes on by a service."""
    kind = dict(
        zip(three_gateways().texts("sites", "site_id"), three_gateways().texts("sites", "kind"), strict=True)
    )
    for segment in ("direct", "stocked", "b2b"):
        starts = {
            a.step.site_id
            for a in arcs_of(three_gateways(), segment)
            if a.step.action == "drive" and a.tail[0] in ("L0", "L1", "C0", "C1")
        }
        assert starts
        assert not {site for site in starts if kind[site] in GATEWAY_KINDS}


def test_roads_end_with_the_land_and_with_the_longest_leg():
    """There is no road to another land region, and none beyond max_leg_km."""
    short = tiny_network(land_regions=[{"land_region": "CN", "max_leg_km": 100.0}])
    arcs = arcs_of(short, "b2b", origins=["CL_A"])
    assert {a.step.to_site_id for a in arcs if a.step.action == "drive" and a.tail[0] == "L0"} == {
        "CO",
        "AIR",
        "RAIL",
    }
    region = dict(zip(short.texts("sites", "site_id"), short.texts("sites", "land_region"), strict=True))
    for arc in arcs_of(three_gateways(), "b2b"):
        if arc.step.action in ("drive", "deliver"):
            assert region[arc.step.site_id] == region[arc.step.to_site_id]


def test_a_domestic_service_carries_cargo_before_and_after_clearance():
    """A feeder between home gateways is ridden consolidated, cleared or not, but never loose."""
    network = tiny_network(
        services=[service("FEEDER", "RAIL_DE", tariff_basis="tkm", tariff_spot=0.01, subsidy_cny_per_t=0.0)],
        service_stops=stops("FEEDER", "RAIL", "SEA"),
    )
    boards = {
        a.tail[0]
        for a in arcs_of(network, "b2b")
        if a.step.action == "board" and a.step.service_id == "FEEDER"
    }
    assert boards == {"C0", "C1"}
    crossing = {
        a.tail[0]
        for a in arcs_of(network, "b2b")
        if a.step.action == "board" and a.step.service_id == "SEA_DE"
    }
    assert crossing == {"C1"}


def test_cargo_may_change_services_abroad():
    """Arrived cargo boards a second service without another clearance."""
    network = tiny_network(
        services=[service("ACROSS", "SEA_US"), {"service_id": "AIR_US", "status": "closed"}],
        service_stops=stops("ACROSS", "HAM", "LGB"),
    )
    boards = [
        a for a in arcs_of(network, "b2b") if a.step.action == "board" and a.step.service_id == "ACROSS"
    ]
    assert [a.tail for a in boards] == [("A", "HAM")]


def test_direction_is_seen_from_home():
    """Cargo from home is export, to home import, else transit; each has its layer."""
    assert [direction_of(*ends, "CN") for ends in (("CN", "EU"), ("EU", "CN"), ("EU", "US"))] == [
        "export",
        "import",
        "transit",
    ]
    names = [layer.name for layer in build_instance(three_gateways(), 2021, "money").layers]
    assert names == ["export-b2b", "export-stocked", "export-direct", "import-b2b"]


def test_tiers_split_the_demand():
    """Each tier is a commodity with its share and its time value; rows without tonnes make none."""
    network = tiny_network(demand=[{"demand_id": "D4", "tonnes_per_year": 0.0}])
    c = build_instance(network, 2021, "generalised").commodities
    found = {
        (name, tier): (tonnes, value)
        for name, tier, tonnes, value in zip(
            c.demand_id, c.tier, c.demand_t, c.time_value_cny_per_t_h, strict=True
        )
    }
    assert found["D1", "patient"] == pytest.approx((50, 3))
    assert found["D1", "urgent"] == pytest.approx((50, 38))
    assert found["B1", "usual"] == pytest.approx((600, 1))
    assert not [name for name in c.demand_id if name == "D4"]


# arrays and paths


def test_arrays_are_frozen():
    """Nobody writes into a compiled instance."""
    instance = build_instance(three_gateways(), 2021, "generalised")
    with pytest.raises(ValueError, match="read-only"):
        instance.layers[0].pipeline_h[0] = 1.0
    with pytest.raises(ValueError, match="read-only"):
        instance.commodities.demand_t[0] = 1.0


def test_layers_have_no_parallel_arcs():
    """Two ways between the same vertices get a vertex of their own, so that any graph can hold them."""
    for seed in range(20):
        for layer in build_instance(random_network(seed), 2021, "generalised").layers:
            pairs = list(zip(layer.tail.tolist(), layer.head.tolist(), strict=True))
            assert len(pairs) == len(set(pairs))


def arc_cost(instance, layer, k):
    """Cost of each arc for commodity k, safety stock and storage of cycle stock left out."""
    c, weights = instance.commodities, instance.weights
    product = c.product[k]
    carrying = weights.carrying * instance.products.carrying_cny_per_t_h[product]
    cost = weights.money * layer.money_cny_per_t[:, product]
    cost = cost + carrying * (layer.pipeline_h + layer.stock_h[:, product])
    cost = cost + (weights.time_value * c.time_value_cny_per_t_h[k] + weights.customer_h) * layer.customer_h
    return cost + weights.co2_kg * layer.co2_kg_per_t[:, product]


@pytest.mark.parametrize("objective", ["generalised", "money", "hours", "co2"])
def test_cheapest_costs_agree_with_networkx(objective):
    """The pricer's trees find what networkx finds on the same arrays, for every additive commodity."""
    compared = 0
    for network in (three_gateways(), *(random_network(seed) for seed in range(15))):
        instance = build_instance(network, 2021, objective)
        free_cost = PathPricer(instance).free_cost
        c = instance.commodities
        for k in range(len(c)):
            layer = instance.layers[c.layer[k]]
            if layer.stocked:
                continue
            graph = nx.DiGraph()
            graph.add_nodes_from((int(c.origin[k]), int(c.destination[k])))
            weights = arc_cost(instance, layer, k).tolist()
            graph.add_weighted_edges_from(zip(layer.tail.tolist(), layer.head.tolist(), weights, strict=True))
            expected = np.inf
            if min(c.origin[k], c.destination[k]) >= 0 and nx.has_path(
                graph, int(c.origin[k]), int(c.destination[k])
            ):
                expected = nx.dijkstra_path_length(graph, int(c.origin[k]), int(c.destination[k]))
            assert free_cost[k] == pytest.approx(expected, rel=1e-12, abs=1e-9)
            compared += np.isfinite(expected)
    assert compared > 40


@pytest.mark.parametrize("objective", ["generalised", "money"])
def test_cheapest_costs_of_stocked_cargo_agree_with_enumeration(objective):
    """With the square root of safety stock the pricer finds the least over all simple paths."""
    compared = 0
    for network in (three_gateways(), *(random_network(seed) for seed in range(14))):
        instance = build_instance(network, 2021, objective)
        free_cost = PathPricer(instance).free_cost
        brute = BruteForce.of(instance)
        c = instance.commodities
        least = np.full(len(c), np.inf)
        for k, cost in zip(brute.commodity, brute.cost, strict=True):
            least[k] = min(least[k], cost - instance.weights.money * c.constant_cny_per_t[k])
        for k in range(len(c)):
            if instance.layers[c.layer[k]].stocked:
                assert free_cost[k] == pytest.approx(least[k], rel=1e-10, abs=1e-7)
                compared += np.isfinite(least[k])
    assert compared > 20


def test_demand_that_nothing_reaches_is_left_and_the_rest_is_solved():
    """A market without a service stays unserved; the bound is proven all the same."""
    network = tiny_network(
        services=[{"service_id": name, "status": "closed"} for name in ("AIR_US", "SEA_US", "POST_US")]
    )
    instance = build_instance(network, 2021, "generalised")
    answer = FlowModel(instance).solve()
    left = dict(
        zip(
            zip(instance.commodities.demand_id, instance.commodities.tier, strict=True),
            answer.unserved_t,
            strict=True,
        )
    )
    assert {name for (name, _), tonnes in left.items() if tonnes > 1e-6} == {"B4", "D2", "D3"}
    assert answer.unserved_t.sum() == pytest.approx(400 + 200 + 100)
    assert (answer.status, np.isfinite(answer.bound)) == ("optimal", True)
    # the rest is as argued by hand: the total without the rows to the United States
    assert answer.objective == pytest.approx(
        88_504_340 - 5_770_400 - 3_679_000 - 4_106_000 - 911_000 - 963_500, rel=1e-6
    )


def test_a_service_of_many_stops_is_ridden_to_its_end():
    """Cargo stays on board over 60 stops at none of which it can be imported, in plain and stocked layers."""
    names = [f"P{i}" for i in range(60)]
    closed = ("AIR_DE", "AIR_US", "RAIL_DE", "SEA_DE", "SEA_US", "POST_US")
    network = tiny_network(
        keep={"demand": ["D3", "S1"]},
        sites=[place(name, "airport", "LAX", customs_territory="GB") for name in names],
        services=[service("LONG", "AIR_US"), *({"service_id": name, "status": "closed"} for name in closed)],
        service_stops=stops("LONG", "AIR", *names, "FRA", "LAX"),
    )
    # 200 t ride the 61 legs to FRA, 100 t all 62 to LAX
    assert ridden(network) == pytest.approx({"LONG": 200 * 61 + 100 * 62})
