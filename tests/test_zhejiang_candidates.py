"""Candidates of networks/zhejiang: figures follow from their row's source by the formulae of the README."""

import csv
import re
from functools import cache
from pathlib import Path
from statistics import median

import pytest

from logistics.network.folder import read_network
from logistics.network.tables import BY_NAME
from logistics.virtual_network.layers import common_ground, layer_arcs
from logistics.virtual_network.resources import shared_resources
from tests.tiny import table_of

FOLDER = Path(__file__).resolve().parents[1] / "networks" / "zhejiang"
NAMED = "US MX BR CL GB DE NL BE FR ES IT PL CZ HU GR SE RU TR AE SA JP KR SG MY TH VN ID PH IN AU ZA KE NG"
COUNTRIES = set(NAMED.split())
"""Key countries of the action plan's overseas warehouses, each with a candidate."""
US_PARTS = {"California", "New Jersey", "Georgia", "Texas", "Illinois"}
AREA = {"small": 3000, "medium": 8000, "large": 30000}
RENT_BY_SIZE = {"small": 1.15, "medium": 1.0, "large": 0.92}
ORDERS_PER_HOUR = {"small": 0.9, "medium": 1.0, "large": 1.1}
FIRST_YEAR = {"share": 11 / 12, "lease": 9 / 12 * 0.75, "acquire": 5 / 12 * 0.75, "build": 11 / 12 * 0.75}
BUILD_COST = {
    "Los Angeles": 920,
    "New York": 1044,
    "Chicago": 942,
    "London": 968,
    "Paris": 920,
    "Rome": 877,
    "Madrid": 748,
    "Warsaw": 721,
    "Moscow": 732,
    "Istanbul": 490,
    "Tokyo": 850,
    "Sydney": 818,
    "Abu Dhabi": 882,
    "Mexico City": 721,
    "Rio de Janeiro": 742,
}
"""USD per m2 of a distribution centre of 2020 without land, as Compass International publishes them."""
FULL_SET = {
    ("share", "small"),
    ("lease", "small"),
    ("lease", "medium"),
    ("lease", "large"),
    ("acquire", "medium"),
    ("build", "medium"),
    ("build", "large"),
}
MIDDLE_SET = FULL_SET - {("lease", "large"), ("build", "large")}
SMALL_SET = {(ownership, "small") for ownership in ("share", "lease", "acquire", "build")}


@cache
def rows(table):
    """Rows of a table, numbers as numbers."""
    return read_network(FOLDER)[0].rows(table)


@cache
def sites():
    """Sites by id."""
    return {row["site_id"]: row for row in rows("sites")}


def sites_of(network, kind, at_home):
    """Sites of a kind, at home or abroad."""
    for row in network.rows("sites"):
        if row["kind"] == kind and (row["customs_territory"] == "CN") is at_home:
            yield row["site_id"]


def candidates():
    """Warehouses that studies may open."""
    return [row for row in rows("warehouse_options") if row["status"] == "option"]


@cache
def money():
    """CNY for one unit of a currency in 2021."""
    return {row["currency"]: row["cny_per_unit"] for row in rows("fx") if row["year"] == 2021}


def named(pattern, row):
    """The number that a row's source names."""
    found = re.search(pattern, row["source"])
    assert found, (row["option_id"], pattern)
    return float(found[1])


def rent(row):
    """CNY a year for the whole floor."""
    currency = re.search(r"rent [\d.]+ (USD|EUR)/m2", row["source"])[1]
    per_m2 = named(r"rent ([\d.]+) (?:USD|EUR)/m2", row) * money()[currency]
    return per_m2 * row["area_m2"] * RENT_BY_SIZE[row["size"]]


def staff(area_m2, hourly_cny, posts=3.0):
    """CNY a year for those who do not pick."""
    return (posts + 0.25 * area_m2 / 1000) * 2000 * 1.5 * hourly_cny


def build_cost(row):
    """CNY for the building without land and fit-out."""
    city = re.search(r"build cost of ([A-Z][A-Za-z ]*?[a-z])(?: \d|;)", row["source"])[1]
    per_m2 = BUILD_COST[city] * 1.15 * (row["area_m2"] / 8000) ** -0.1
    if row["ownership"] == "build":
        assert named(r"build cost of [A-Za-z ]+ (\d+) USD", row) == BUILD_COST[city]
    return row["area_m2"] * per_m2 * money()["USD"]


def test_candidates_cover_the_key_countries():
    """At least 40 sites abroad, in every country named and in all parts of the United States."""
    places = {row["site_id"] for row in candidates()}
    assert len(places) == 52
    assert len(candidates()) == 307
    found = {sites()[place]["country"] for place in places}
    assert len(found) == 34
    assert found >= COUNTRIES
    assert {sites()[p]["province"] for p in places if sites()[p]["country"] == "US"} >= US_PARTS
    new = {place for place in places if sites()[place]["status"] == "option"}
    assert new == {"WH_GR_ATHENS", "WH_SE_JONKOPING", "WH_IN_MUMBAI"}
    readme = (FOLDER / "README.md").read_text("utf-8")
    assert "307 rows of status `option` at 52 sites in 34 countries" in readme


def test_sizes_follow_the_stocked_trade_of_the_territory():
    """All seven above 30 kt a year, five above 4 kt, the four of small size below; all ownerships at each."""
    trade, kinds = {}, {}
    for row in rows("warehouse_options"):
        territory = sites()[row["site_id"]]["customs_territory"]
        if row["status"] == "existing":
            trade[territory] = trade.get(territory, 0) + row["capacity_t_per_year"] / 2
        else:
            kinds.setdefault(row["site_id"], set()).add((row["ownership"], row["size"]))
    for place, found in kinds.items():
        tonnes = trade.get(sites()[place]["customs_territory"], 0)
        wanted = FULL_SET if tonnes >= 30_000 else MIDDLE_SET if tonnes >= 4_000 else SMALL_SET
        assert found == wanted, place


def test_existing_warehouses_are_as_they_were():
    """Their capacity is the calibrated one, they have no area, and they pay fees alone."""
    existing = [row for row in rows("warehouse_options") if row["status"] == "existing"]
    assert len(existing) == 62
    for row in existing:
        assert row["area_m2"] is None
        assert (row["fixed_cny_per_year"], row["capex_cny"], row["ramp_up_first_year_share"]) == (0, 0, 1)
        throughput = float(
            re.search(r"throughput behind the capacity ([\d,]+) t", row["note"])[1].replace(",", "")
        )
        assert row["capacity_t_per_year"] == pytest.approx(2 * throughput, abs=2)


def test_capacity_is_that_of_the_floor():
    """0.5 orders of 5.5 kg a m2 and day; at most what 70 days of stock leave room for."""
    for row in candidates():
        area = AREA[row["size"]]
        assert row["area_m2"] == area
        assert row["area_m2_low"] < area < row["area_m2_high"]
        assert row["capacity_t_per_year"] == pytest.approx(area * 0.5 * 365 * 5.5 / 1000, abs=1)
        assert row["capacity_t_per_year_low"] == pytest.approx(area * 0.2 * 365 * 5.5 / 1000, abs=1)
        stock = area * 1.6 * 0.8 * 365 / 70 * 0.18182
        assert row["capacity_t_per_year_high"] == pytest.approx(stock, abs=1)


def test_orders_and_density_are_those_of_the_stocked_exports():
    """5.5 kg an order and 182 kg a m3, from the demand of the network."""
    kg = {
        row["product_id"]: row["order_kg"] for row in rows("product_segments") if row["segment"] == "stocked"
    }
    dense = {row["product_id"]: row["density_kg_per_m3"] for row in rows("products")}
    tonnes = orders = volume = 0.0
    for row in rows("demand"):
        if row["segment"] == "stocked" and sites()[row["origin_site"]]["country"] == "CN":
            tonnes += row["tonnes_per_year"]
            orders += row["tonnes_per_year"] * 1000 / kg[row["product_id"]]
            volume += row["tonnes_per_year"] * 1000 / dense[row["product_id"]]
    assert tonnes * 1000 / orders == pytest.approx(5.5, abs=0.001)
    assert tonnes * 1000 / volume == pytest.approx(181.82, abs=0.01)


def test_fixed_cost_and_investment_follow_from_the_sources():
    """Rent, staff, upkeep, fit-out, land and purchase by the formulae; a share costs nothing but fees."""
    usd = money()["USD"]
    for row in candidates():
        name, fixed, capex = row["option_id"], row["fixed_cny_per_year"], row["capex_cny"]
        if row["ownership"] == "share":
            assert (fixed, capex, row["life_years"]) == (0, 0, None), name
            continue
        area, fit_out = row["area_m2"], row["area_m2"] * 120 * usd
        team = staff(area, named(r"wage ([\d.]+) USD/h", row) * usd)
        if row["ownership"] == "lease":
            wanted = (rent(row) * 1.08 + team, fit_out, named(r"lease of (\d) years", row))
        else:
            owner = 0.08 * rent(row) + 0.01 * build_cost(row) + team
            if row["ownership"] == "build":
                value = build_cost(row) * (1 + named(r"land ([\d.]+) of it", row))
            else:
                value = rent(row) / named(r"yield of ([\d.]+) %", row) * 100 * 1.05
            wanted = (owner, value + fit_out, 30)
        assert fixed == pytest.approx(wanted[0], abs=501), name
        assert capex == pytest.approx(wanted[1], abs=501), name
        assert row["life_years"] == wanted[2], name


def test_own_operation_has_no_margin_and_share_has_the_fees_of_the_place():
    """Own fees are labour and parts of the operator's; those of a share are the existing warehouse's."""
    fees = {row["site_id"]: row for row in candidates() if row["ownership"] == "share"}
    existing = {row["site_id"]: row for row in rows("warehouse_options") if row["status"] == "existing"}
    hours = 0.43 / 30 + 0.45 / 18 + 0.12 / 8
    columns = ("pick_cny_per_order", "inbound_cny_per_t", "storage_cny_per_m3_day")
    for row in candidates():
        fee = fees[row["site_id"]]
        if row["ownership"] == "share":
            if row["site_id"] in existing:
                assert [row[c] for c in columns] == [existing[row["site_id"]][c] for c in columns]
            continue
        labour = named(r"wage ([\d.]+) USD/h", row) * money()["USD"] * hours / ORDERS_PER_HOUR[row["size"]]
        own = (labour + 0.25 * fee[columns[0]], 0.85 * fee[columns[1]], 0.15 * fee[columns[2]])
        for column, value, off in zip(columns, own, (0.006, 0.51, 0.0006), strict=True):
            assert row[column] == pytest.approx(value, abs=off), row["option_id"]
            assert row[column] < fee[column]


def test_first_year_follows_from_the_months_of_opening():
    """What is built is used from 2022, all else from 2021; the first year is a part of a year."""
    for row in candidates():
        assert row["opening_year"] == (2022 if row["ownership"] == "build" else 2021)
        assert row["ramp_up_first_year_share"] == pytest.approx(FIRST_YEAR[row["ownership"]], abs=0.006)


def yearly(row):
    """CNY an order of 5.5 kg: fees, and fixed cost with capital at 9 % when the warehouse is full."""
    per_order = row["pick_cny_per_order"] + row["inbound_cny_per_t"] * 0.0055
    per_order += row["storage_cny_per_m3_day"] * 70 * 5.5 / 181.82
    fixed = row["fixed_cny_per_year"]
    if row["capex_cny"]:
        fixed += row["capex_cny"] * 0.09 / (1 - 1.09 ** -row["life_years"])
    return per_order, fixed / (row["capacity_t_per_year"] / 0.0055)


def test_larger_is_cheaper_and_leases_break_even_where_the_readme_says():
    """Economies of scale in every ownership; leased medium warehouses break even as the README says."""
    by_kind = {(row["site_id"], row["ownership"], row["size"]): sum(yearly(row)) for row in candidates()}
    pairs = [
        (cost, by_kind[place, ownership, larger])
        for (place, ownership, size), cost in by_kind.items()
        for larger in AREA
        if AREA[larger] > AREA[size] and (place, ownership, larger) in by_kind
    ]
    assert len(pairs) > 100
    assert all(cost > larger for cost, larger in pairs)
    fees = {row["site_id"]: sum(yearly(row)) for row in candidates() if row["ownership"] == "share"}
    shares = {"lease": [], "acquire": [], "build": []}
    for row in candidates():
        if row["size"] == "medium":
            per_order, fixed = yearly(row)
            shares[row["ownership"]].append(fixed / (fees[row["site_id"]] - per_order))
    leased = shares["lease"]
    found = [round(100 * share) for share in (min(leased), max(leased), median(leased))]
    readme = " ".join((FOLDER / "README.md").read_text("utf-8").split())
    assert "at {} to {} % of its capacity, at {} % in the median".format(*found) in readme
    assert max(shares["acquire"]) > 1 > median(shares["acquire"])


def test_facilities_stand_at_options_of_the_province():
    """Consolidation, cargo stations, express centres and exchange offices, by the formulae of the README."""
    facilities = rows("facility_options")
    places = {row["site_id"]: sites()[row["site_id"]] for row in facilities}
    assert (len(facilities), len(places)) == (37, 17)
    assert {(place["province"], place["status"]) for place in places.values()} == {("Zhejiang", "option")}
    kinds = [place["kind"] for place in places.values()]
    counts = {kind: kinds.count(kind) for kind in kinds}
    assert counts == {"consolidation": 6, "cargo_station": 6, "express_centre": 3, "mail_exchange": 2}
    usd = money()["USD"]
    for row in facilities:
        kind, tonnes = places[row["site_id"]]["kind"], row["capacity_t_per_year"]
        mixes = kind == "consolidation"
        area = tonnes / (1.6 * 0.8 * 365 / 5 * 0.1824) if mixes else tonnes / 4.5
        capex = {
            "consolidation": area * 120 * usd,
            "cargo_station": area * 3500,
            "express_centre": 10e6 * (tonnes / 71_000) ** 0.7,
            "mail_exchange": 30e6 * (tonnes / 6_388) ** 0.7,
        }[kind]
        monthly = named(r"rent (\d+) CNY/m2 a month", row)
        assert monthly == (29 if places[row["site_id"]]["prefecture"] in ("Jinhua", "Taizhou") else 38)
        fixed = area * monthly * 12 * 1.08 + staff(area, 4.2 * usd, 3 if mixes else 13)
        assert row["fixed_cny_per_year"] == pytest.approx(fixed, abs=501), row["option_id"]
        assert row["capex_cny"] == pytest.approx(capex, abs=501), row["option_id"]


def test_new_exchange_offices_have_services_and_new_markets_deliveries():
    """Both offices have the 16 mail services of Wenzhou's, proposed; India has deliveries but no demand."""
    stops = {row["service_id"]: row["site_id"] for row in rows("service_stops") if row["seq"] == 1}
    by_office = {}
    for row in rows("services"):
        by_office.setdefault((stops[row["service_id"]], row["status"]), []).append(row["payload_t"])
    for office in ("MX_JHA", "MX_TZ"):
        assert by_office[office, "proposed"] == by_office["MX_WNZ", "existing"]
        assert (office, "existing") not in by_office
    channels = {row["channel"] for row in rows("last_mile") if row["site_id"] == "MK-IN"}
    assert channels == {"direct", "stocked", "b2b"}
    assert "MK-IN" not in {row["destination_site"] for row in rows("demand")}


def test_formulae_are_told_in_the_file_itself():
    """Every candidate says that its figures are estimates, and its source names an assumption."""
    for table in ("warehouse_options", "facility_options"):
        with (FOLDER / f"{table}.csv").open(encoding="utf-8", newline="") as file:
            for row in csv.DictReader(file):
                if row.get("status", "option") == "option":
                    assert row["confidence"] == "estimate"
                    assert "assumption:" in row["source"]


def test_every_candidate_lies_on_a_way_once_it_is_opened():
    """With all options open, stocked cargo may pass each warehouse, and some cargo each facility."""
    network = read_network(FOLDER)[0]
    opened = {"sites": "option", "warehouse_options": "option", "services": "proposed"}
    for name, status in opened.items():
        schema, found = BY_NAME[name], network.rows(name)
        found = [{**row, "status": "existing"} if row["status"] == status else row for row in found]
        network = network.with_table(name, table_of(schema, found))
    ground = common_ground(network, 2023, shared_resources(network)[1])
    origins = list(sites_of(network, "cluster", at_home=True))
    markets = list(sites_of(network, "market", at_home=False))
    passed, stored = set(), set()
    for segment in ("direct", "stocked"):
        for arc in layer_arcs(ground, segment, origins, markets):
            passed |= {arc.tail[1], arc.head[1]}
            stored.add(arc.step.option_id)
    assert {row["option_id"] for row in candidates()} <= stored
    assert {row["site_id"] for row in rows("facility_options")} <= passed
