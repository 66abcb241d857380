"""The network three_gateways has the optimum that its README argues by hand."""

from collections import defaultdict

import pytest

from logistics.models.flow.column_generation import FlowModel
from logistics.network.folder import read_network
from logistics.virtual_network.build import build_instance
from tests.tiny import THREE_GATEWAYS, three_gateways

TOTAL_CNY = 88_504_340
TONNES = {
    ("B1", "RAIL_DE", "alashankou"): 600,
    ("B2", "RAIL_DE", "alashankou"): 400,
    ("B2", "SEA_DE", "suez"): 100,
    ("B3", "SEA_DE", "suez"): 100,
    ("B4", "SEA_US", ""): 400,
    ("S1", "SEA_DE", "suez"): 200,
    ("D1", "POST_DE", ""): 50,
    ("D1", "AIR_DE", ""): 50,
    ("D2", "POST_US", ""): 200,
    ("D3", "AIR_US", ""): 100,
    ("D4", "AIR_DE", ""): 100,
    ("I1", "AIR_CN", ""): 50,
}
FREE = {
    "RAIL_DE": (1000, 2000),
    "SEA_DE": (91250, 182500),
    "SEA_US": (182500, 365000),
    "AIR_DE": (2000, 10000),
    "AIR_US": (7300, 36500),
    "AIR_CN": (7300, 36500),
}
"""Tonnes and cubic metres a year of each service that are left for the demand."""


@pytest.fixture(scope="module")
def solved():
    """The instance of 2021 and its solved flow."""
    instance = build_instance(three_gateways(), 2021, "generalised")
    return instance, FlowModel(instance).solve()


def test_folder_has_no_findings():
    """The folder is read without a problem or a warning."""
    assert read_network(THREE_GATEWAYS)[1] == []


def test_objective_is_the_total_argued_by_hand(solved):
    """Cost, bound and unserved tonnes agree with the README."""
    _, answer = solved
    assert answer.status == "optimal"
    assert answer.objective == pytest.approx(TOTAL_CNY, rel=1e-9)
    assert answer.bound <= answer.objective * (1 + 1e-12)
    assert answer.bound == pytest.approx(TOTAL_CNY, rel=1e-6)
    assert answer.unserved_t.sum() == pytest.approx(0, abs=1e-9)


def test_tonnes_per_row_service_and_way_are_those_argued_by_hand(solved):
    """Each row rides what the README says, the displaced ones included."""
    instance, answer = solved
    tonnes = defaultdict(float)
    for commodity, path, flow in zip(answer.commodity, answer.path, answer.flow_t, strict=True):
        steps = instance.layers[instance.commodities.layer[commodity]].steps
        for step in (steps[arc] for arc in path):
            if step.action == "ride":
                tonnes[instance.commodities.demand_id[commodity], step.service_id, step.via_id] += flow
    assert tonnes == pytest.approx(TONNES, rel=1e-9)


def test_capacities_are_those_computed_by_hand(solved):
    """Departures × 365/7 × availability × payload × load factor, less background, in t and m³."""
    instance, _ = solved
    known = {(r.kind, r.id, r.unit): r.capacity for r in instance.resources}
    for service, (tonnes, cubic_metres) in FREE.items():
        assert known["service", f"{service}#2", "t"] == pytest.approx(tonnes, rel=1e-9)
        assert known["service", f"{service}#2", "m3"] == pytest.approx(cubic_metres, rel=1e-9)
    assert known["passage", "alashankou", "t"] == 10000
    assert known["site", "AIR", "t"] == 10000
    assert known["warehouse", "WH_DE_shared", "t"] == 500


def test_only_the_tonnes_of_the_train_have_a_price(solved):
    """The price of a tonne on the train is what the last displaced tonne costs more: 276 CNY."""
    instance, answer = solved
    prices = {
        (resource.id, resource.unit): price
        for resource, price in zip(instance.resources, answer.duals.resource, strict=True)
        if price > 1e-9
    }
    assert prices == pytest.approx({("RAIL_DE#2", "t"): 276}, rel=1e-9)
