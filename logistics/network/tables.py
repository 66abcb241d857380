"""The tables of a network folder, column by column.

One :class:`~logistics.network.columns.TableSchema` a table. Units stand in the column names; money without
another currency in its name is CNY of the network's price year; ``t`` is metric tonnes; a year has 365/7
weeks and 8,760 h.
"""

from __future__ import annotations

from logistics.network.columns import BIG, CONFIDENCE, Column, TableSchema
from logistics.network.option_columns import (
    FACILITY_COLUMNS,
    FACILITY_ESTIMATES,
    WAREHOUSE_COLUMNS,
    WAREHOUSE_ESTIMATES,
)
from logistics.network.target_columns import columns_of_targets

SITE_KINDS = (
    "cluster",
    "consolidation",
    "cargo_station",
    "airport",
    "rail_terminal",
    "seaport",
    "road_hub",
    "mail_exchange",
    "express_centre",
    "bonded_zone",
    "overseas_warehouse",
    "market",
)
GATEWAY_KINDS = ("airport", "rail_terminal", "seaport", "road_hub")
STOCK_KINDS = ("overseas_warehouse", "bonded_zone")
MODES = ("road", "sea", "rail", "air", "post")
SEGMENTS = ("direct", "stocked", "b2b")
REGIMES = ("9610", "9710", "9810", "1210", "1039", "post", "any")
CHANNELS = ("direct", "post", "stocked", "b2b")
TARIFF_BASES = ("chargeable_kg", "teu", "feu", "truck", "item_plus_kg", "tkm")


def _names() -> tuple[Column, Column]:
    return Column("name_en", "text", "English name"), Column("name_zh", "text", "Chinese name")


def _place(required: bool = True) -> tuple[Column, Column]:
    return (
        Column("lat", "number", "latitude, degrees north, WGS-84", required, -90, 90),
        Column("lon", "number", "longitude, degrees east, WGS-84", required, -180, 180),
    )


def _amount(name: str, meaning: str, *, required: bool = False, default: float | None = None) -> Column:
    return Column(name, "number", meaning, required, 0, BIG, default=default)


def _hours(name: str, meaning: str, *, required: bool = False, default: float | None = 0.0) -> Column:
    return Column(name, "number", meaning, required, 0, 8760, default=default)


SITES = TableSchema(
    "sites",
    ("site_id",),
    (
        Column("site_id", "id", "name of the site in all tables"),
        Column("kind", "choice", "what happens here", choices=SITE_KINDS),
        *_names(),
        Column("country", "text", "ISO 3166 two-letter code"),
        Column("province", "text", "province or state; decides what is a local gateway", required=False),
        Column("prefecture", "text", "prefecture, for sites of the home province", required=False),
        Column("land_region", "id", "region inside which road legs are generated", refers_to="land_regions"),
        Column("customs_territory", "id", "territory whose border is crossed once (CN, EU, US …)"),
        *_place(),
        Column(
            "status",
            "choice",
            "existing sites are used; options only when a scenario opens them",
            choices=("existing", "option", "closed"),
        ),
        _amount("handling_cny_per_t", "loading or unloading one service, per movement", default=0.0),
        _hours("departure_h", "dwell before boarding a service: cut-off, build-up, yard"),
        _hours("departure_sd_h", "standard deviation of that dwell"),
        _hours("arrival_h", "dwell after leaving a service: breakdown, yard, discharge"),
        _hours("arrival_sd_h", "standard deviation of that dwell"),
        _amount("consolidation_cny_per_m3", "parcels or LCL into ULD or container; blank: not offered here"),
        _hours("consolidation_h", "hours of consolidation"),
        Column(
            "clearance_regimes",
            "list",
            "customs regimes declared here; `any` abroad; blank: no customs office",
            required=False,
            choices=REGIMES,
        ),
        _amount("clearance_cny_per_t", "declaration, inspection and screening", default=0.0),
        _hours("export_work_h", "customs work of an export declaration, inside opening hours"),
        _hours("import_parcel_h", "customs work of simplified parcel import, inside opening hours"),
        _hours("import_formal_h", "customs work of formal import (stock, b2b), inside opening hours"),
        Column("clearance_open", "windows", "opening hours of clearance", required=False, default="always"),
        Column(
            "recognised_by",
            "list",
            "cargo stations: gateways that recognise clearance and screening done here",
            required=False,
            refers_to="sites",
        ),
        Column(
            "stocked_from",
            "id",
            "markets: the one site whose warehouses serve all stocked orders; blank: any",
            required=False,
            refers_to="sites",
        ),
        _amount("throughput_t_per_year", "tonnes handled a year at most; blank: no limit modelled"),
        _amount("background_t_per_year", "share of it that other cargo uses", default=0.0),
    ),
    estimates=("throughput_t_per_year", "handling_cny_per_t", "departure_h", "arrival_h", "import_formal_h"),
)

LAND_REGIONS = TableSchema(
    "land_regions",
    ("land_region",),
    (
        Column("land_region", "id", "name of the region"),
        *_names(),
        Column("circuity", "number", "road length over great circle", low=1, high=5),
        Column("speed_kmh", "number", "door-to-door truck speed including rests", low=1, high=120),
        _hours("fixed_h", "hours of pick-up and delivery per generated leg"),
        _amount("tariff_cny_per_tkm", "truck rate per tonne of actual weight and km", required=True),
        _amount("fixed_cny_per_t", "pick-up and delivery per generated leg", default=0.0),
        _amount("seal_cny_per_t", "surcharge of moving cleared cargo under customs seal", default=0.0),
        Column("max_leg_km", "number", "longest generated leg, great circle km", low=1, high=10000),
    ),
    estimates=("tariff_cny_per_tkm", "circuity", "speed_kmh"),
)

PASSAGES = TableSchema(
    "passages",
    ("passage_id",),
    (
        Column("passage_id", "id", "name of the passage"),
        Column("kind", "choice", "what is passed", choices=("border", "gauge_change", "canal", "strait")),
        *_names(),
        *_place(),
        Column("status", "choice", "a closed passage is never used", choices=("open", "closed")),
        _hours("transit_h", "mean hours spent there", required=True),
        _hours("transit_sd_h", "standard deviation of those hours", required=True),
        _amount("fee_cny_per_t", "fee on top of the service's tariff", default=0.0),
        _amount("capacity_t_per_year", "tonnes a year at most; blank: no limit modelled"),
        _amount("background_t_per_year", "share of it that other cargo uses", default=0.0),
    ),
    estimates=("transit_h", "transit_sd_h", "capacity_t_per_year"),
)

MODES_TABLE = TableSchema(
    "modes",
    ("mode",),
    (
        Column("mode", "choice", "mode of transport", choices=MODES),
        *_names(),
        Column(
            "volumetric_kg_per_m3",
            "number",
            "density below which volume is charged; blank: actual weight",
            required=False,
            low=1,
            high=2000,
        ),
        Column("teu_payload_t", "number", "tonnes a TEU may hold", required=False, low=0.1, high=40),
        Column("teu_m3", "number", "usable cubic metres of a TEU", required=False, low=1, high=60),
        Column("truck_payload_t", "number", "tonnes a truck may hold", required=False, low=0.1, high=60),
        Column("truck_m3", "number", "usable cubic metres of a truck", required=False, low=1, high=200),
        Column("co2_g_per_tkm", "number", "well-to-wheel CO2e", low=0, high=5000),
    ),
    estimates=("co2_g_per_tkm", "teu_payload_t"),
)

SERVICES = TableSchema(
    "services",
    ("service_id",),
    (
        Column("service_id", "id", "one direction of a scheduled transport"),
        Column("mode", "choice", "mode of transport", choices=MODES),
        Column(
            "service_class", "id", "class within the mode: freighter, express, block_train, fast_ship, tir"
        ),
        *_names(),
        Column("operator", "text", "who runs it", required=False),
        Column("pair_id", "text", "links the way out and the way back", required=False),
        Column(
            "status",
            "choice",
            "existing services are used; proposed ones only by studies",
            choices=("existing", "proposed", "closed"),
        ),
        Column("departures_per_week", "number", "scheduled departures", low=0.01, high=2000),
        Column("availability", "number", "share of 365/7 weeks in which it runs", low=0.01, high=1),
        Column("payload_t", "number", "tonnes a departure can carry", low=0.001, high=300000),
        Column("payload_m3", "number", "cubic metres a departure can carry", low=0.001, high=3000000),
        Column("load_factor_max", "number", "highest load factor that can be planned", low=0.01, high=1),
        _amount("background_t_per_year", "tonnes of other cargo on each leg", default=0.0),
        Column("tariff_basis", "choice", "what the tariff is charged on", choices=TARIFF_BASES),
        Column("tariff_currency", "text", "currency of the tariff, a row of fx"),
        _amount("tariff_spot", "spot tariff of the whole run, per unit of the basis", required=True),
        _amount("tariff_contract", "contract tariff; blank: spot only"),
        Column("contract_share", "number", "share of cargo on contract", False, 0, 1, default=0.0),
        _amount("tariff_per_item", "item_plus_kg only: per order, same currency", default=0.0),
        _amount("subsidy_cny_per_t", "paid to the shipper by the public", default=0.0),
        _hours("booking_wait_h", "queue for a booking before the wait for a departure"),
        Column("segments", "list", "segments it takes; blank: all", required=False, choices=SEGMENTS),
        Column("co2_g_per_tkm", "number", "instead of the mode's figure", required=False, low=0, high=5000),
    ),
    estimates=("departures_per_week", "payload_t", "tariff_spot", "background_t_per_year"),
)

SERVICE_STOPS = TableSchema(
    "service_stops",
    ("service_id", "seq"),
    (
        Column("service_id", "id", "the service", refers_to="services"),
        Column("seq", "integer", "1 for the first stop, then counting up", low=1, high=200),
        Column("site_id", "id", "where it stops", refers_to="sites"),
        Column("run_h", "number", "hours from the previous stop, without waits and passages", False, 0, 8760),
        Column("run_sd_h", "number", "standard deviation of those hours", False, 0, 8760),
        Column("distance_km", "number", "kilometres from the previous stop", False, 0, 60000),
        _hours("dwell_h", "hours cargo on board waits here"),
    ),
    sourced=False,
)

SERVICE_VIA = TableSchema(
    "service_via",
    ("service_id", "to_seq", "via_id"),
    (
        Column("service_id", "id", "the service", refers_to="services"),
        Column("to_seq", "integer", "the leg, named by the stop where it ends", low=2, high=200),
        Column("via_id", "id", "name of this way"),
        Column("passages", "list", "passages in order of travel", required=False, refers_to="passages"),
        Column("run_h", "number", "hours without the passages' own", low=0, high=8760),
        Column("run_sd_h", "number", "standard deviation of those hours", low=0, high=8760),
        Column("distance_km", "number", "kilometres this way", low=0, high=60000),
        Column("tariff_factor", "number", "times the service's tariff", low=0.01, high=100),
    ),
    sourced=False,
    optional=True,
)

PRODUCTS = TableSchema(
    "products",
    ("product_id",),
    (
        Column("product_id", "id", "class of goods"),
        *_names(),
        Column("fob_cny_per_kg", "number", "FOB value", low=0.01, high=1e6),
        Column("density_kg_per_m3", "number", "stowed density", low=1, high=20000),
        Column("capital_rate_per_year", "number", "cost of capital and insurance on goods", low=0, high=5),
        Column("obsolescence_per_year", "number", "loss of value a year, on top", low=0, high=5),
        Column("demand_cv_daily", "number", "sd of a day's demand over its mean, lane level", low=0, high=20),
        Column("service_factor", "number", "z of the stock's service level", low=0, high=5),
        Column("assortment_stock_d", "number", "days of stock held anyway in stocked trade", low=0, high=365),
        Column("stockable_share_max", "number", "largest share that studies may stock", low=0, high=1),
    ),
    estimates=("fob_cny_per_kg", "density_kg_per_m3"),
)

PRODUCT_SEGMENTS = TableSchema(
    "product_segments",
    ("product_id", "segment"),
    (
        Column("product_id", "id", "class of goods", refers_to="products"),
        Column("segment", "choice", "how it is sold and declared", choices=SEGMENTS),
        Column("order_kg", "number", "mean weight of an order", low=0.001, high=100000),
        Column("reported_cny_per_kg", "number", "value per kg as statistics report it", low=0.01, high=1e6),
        Column("promise_d", "number", "days promised to the customer", False, 0.1, 365),
        Column("promise_is_hard", "flag", "whether later paths are forbidden", required=False, default=False),
        Column(
            "return_share",
            "number",
            "share of the orders that come back; stocked ones only, to the warehouse that served them",
            required=False,
            low=0,
            high=1,
            default=0.0,
        ),
    ),
)

TIME_VALUES = TableSchema(
    "time_values",
    ("product_id", "segment", "tier"),
    (
        Column("product_id", "id", "class of goods", refers_to="products"),
        Column("segment", "choice", "how it is sold and declared", choices=SEGMENTS),
        Column("tier", "id", "name of the tier, e.g. patient, usual, urgent"),
        Column(
            "share", "number", "share of demand in the tier; the shares of a pair sum to 1", low=0, high=1
        ),
        Column("value_share_per_day", "number", "worth of a customer day, share of FOB value", low=0, high=1),
    ),
    estimates=("value_share_per_day",),
)

DEMAND = TableSchema(
    "demand",
    ("demand_id",),
    (
        Column("demand_id", "id", "name of the row"),
        Column("origin_site", "id", "where cargo starts", refers_to="sites"),
        Column("destination_site", "id", "where it ends", refers_to="sites"),
        Column("product_id", "id", "class of goods", refers_to="products"),
        Column("segment", "choice", "how it is sold and declared", choices=SEGMENTS),
        Column("tonnes_per_year", "number", "tonnes a year", low=0, high=1e9),
        Column("tier", "id", "tier that all of it belongs to; blank: the shares of time_values", False),
    ),
    estimates=("tonnes_per_year",),
)

BORDER_RULES = TableSchema(
    "border_rules",
    ("rule_id",),
    (
        Column("rule_id", "id", "name of the rule"),
        Column("customs_territory", "id", "territory entered"),
        Column("product_id", "text", "class of goods, or * for all others"),
        Column("segment", "choice", "how it is sold and declared", choices=SEGMENTS),
        _amount("duty_threshold_cny", "order value above which duty is due", default=0.0),
        _amount("vat_threshold_cny", "order value above which VAT is due", default=0.0),
        Column("duty_rate", "number", "share of FOB value", low=0, high=5),
        Column("vat_rate", "number", "share of FOB value plus duty", low=0, high=5),
        _amount("fee_cny_per_order", "clearance fee per order", default=0.0),
    ),
)

LAST_MILE = TableSchema(
    "last_mile",
    ("last_mile_id",),
    (
        Column("last_mile_id", "id", "name of the row"),
        Column("site_id", "id", "the market", refers_to="sites"),
        Column("channel", "choice", "segment, or post for delivery by the postal service", choices=CHANNELS),
        _amount("cny_per_order", "price of one delivery", default=0.0),
        _amount("cny_per_kg", "price per kg on top", default=0.0),
        _hours("delivery_h", "mean hours of delivery", required=True),
        _hours("delivery_sd_h", "standard deviation of those hours"),
    ),
    estimates=("cny_per_order", "cny_per_kg"),
)

WAREHOUSE_OPTIONS = TableSchema(
    "warehouse_options", ("option_id",), WAREHOUSE_COLUMNS, estimates=WAREHOUSE_ESTIMATES
)

FACILITY_OPTIONS = TableSchema(
    "facility_options", ("option_id",), FACILITY_COLUMNS, estimates=FACILITY_ESTIMATES, optional=True
)

FX = TableSchema(
    "fx",
    ("currency", "year"),
    (
        Column("currency", "text", "ISO 4217 code"),
        Column("year", "integer", "year of the average", low=1990, high=2100),
        Column("cny_per_unit", "number", "CNY for one unit", low=1e-9, high=1e6),
    ),
)

OBSERVED = TableSchema(
    "observed",
    ("observed_id",),
    (
        Column("observed_id", "id", "name of the figure"),
        *_names(),
        Column("year", "integer", "year of the figure", low=1990, high=2100),
        Column("measure", "choice", "what is measured", choices=("tonnes", "share", "unserved_share")),
        Column("direction", "choice", "direction of trade", choices=("export", "import", "both")),
        Column("modes", "list", "cargo whose main mode is one of these; blank: all", False, choices=MODES),
        Column("service_classes", "list", "main service's class is one of these; blank: all", required=False),
        Column("gateways", "list", "home gateways, or `local`; blank: all", required=False),
        Column("segments", "list", "segments; blank: all", required=False, choices=SEGMENTS),
        Column("include_background", "flag", "add the background load", required=False, default=False),
        Column("value", "number", "the published figure; blank: only a band", False, -BIG, BIG),
        Column("low", "number", "low end of the accepted band", low=-BIG, high=BIG),
        Column("high", "number", "high end of the accepted band", low=-BIG, high=BIG),
        Column("use", "choice", "what the figure is for", choices=("calibration", "validation")),
    ),
)

AIRCRAFT = TableSchema(
    "aircraft",
    ("aircraft_id",),
    (
        Column("aircraft_id", "id", "freighter type that proposed flights may use"),
        *_names(),
        Column("payload_t", "number", "tonnes it lifts over `range_km`", low=0.1, high=300),
        Column("payload_m3", "number", "usable volume", low=1, high=2000),
        Column("range_km", "number", "farthest great circle with the whole payload", low=100, high=20000),
        Column("ferry_range_km", "number", "farthest great circle without payload", low=100, high=22000),
        Column("cruise_kmh", "number", "speed over the great circle, detours included", low=200, high=1100),
        Column(
            "taxi_h", "number", "block hours of a flight besides cruise: taxi, climb, approach", low=0, high=5
        ),
        _amount("hour_cny", "block hour without fuel: crew, lease, maintenance, insurance", required=True),
        Column("fuel_t_per_h", "number", "fuel burnt in a block hour", low=0, high=30),
        _amount("fuel_cny_per_t", "fuel into the wing, base year", required=True),
        _amount("landing_cny", "a landing: airport, ramp handling", required=True),
        _amount("overflight_cny_per_km", "navigation charges", required=True),
        Column(
            "airports",
            "list",
            "home airports whose runway and stands take it; blank: all",
            required=False,
            refers_to="sites",
        ),
    ),
    estimates=("payload_t", "range_km", "hour_cny", "landing_cny"),
    optional=True,
)

CARRIER_COSTS = TableSchema(
    "carrier_costs",
    ("cost_id",),
    (
        Column("cost_id", "id", "name of the cost"),
        Column("mode", "choice", "mode of transport", choices=("rail", "sea")),
        Column(
            "per",
            "choice",
            "what it is paid for: a FEU on a train and km, a FEU at a gauge change, a day of a ship, fuel of "
            "a day at sea, a call at a port, a FEU on a ship one way",
            choices=("feu_km", "gauge_change_feu", "ship_day", "fuel_day", "port_call", "feu"),
        ),
        _amount("cny", "cost, base year", required=True),
        Column("countries", "text", "feu_km: ISO codes joined by `|`; blank: all others", required=False),
    ),
    estimates=("cny",),
    optional=True,
)

RATE_LEVELS = TableSchema(
    "rate_levels",
    ("what", "mode", "region", "year"),
    (
        Column("what", "choice", "what moved", choices=("tariff", "subsidy", "fuel", "charter")),
        Column("mode", "choice", "mode of transport", choices=MODES),
        Column(
            "region",
            "text",
            "land region abroad, home for what goes to the home territory, or * for all others",
        ),
        Column("year", "integer", "year of the level", low=1990, high=2100),
        Column(
            "factor",
            "number",
            "yearly average over that of the base year, in its own currency",
            low=0,
            high=100,
        ),
    ),
    estimates=("factor",),
    optional=True,
)

TARGETS = TableSchema("targets", ("target_id",), columns_of_targets(MODES, SEGMENTS), optional=True)

BY_YEAR_COLUMNS = (
    Column("year", "integer", "the year the value holds for", low=1990, high=2100),
    Column("column", "text", "which column of the table it replaces"),
    Column("value", "number", "the value in that year", low=-BIG, high=BIG),
    Column("source", "text", "where the figure comes from"),
    Column("confidence", "choice", "how far the source can be trusted", choices=CONFIDENCE),
    Column("note", "text", "what a reader should know", required=False),
)
"""Columns of ``<table>_by_year.csv`` after the key of the table; number columns only."""

TABLES: tuple[TableSchema, ...] = (
    LAND_REGIONS,
    SITES,
    PASSAGES,
    MODES_TABLE,
    SERVICES,
    SERVICE_STOPS,
    SERVICE_VIA,
    PRODUCTS,
    PRODUCT_SEGMENTS,
    TIME_VALUES,
    DEMAND,
    BORDER_RULES,
    LAST_MILE,
    WAREHOUSE_OPTIONS,
    FACILITY_OPTIONS,
    FX,
    OBSERVED,
    AIRCRAFT,
    CARRIER_COSTS,
    RATE_LEVELS,
    TARGETS,
)

BY_NAME = {schema.name: schema for schema in TABLES}
BY_YEAR = ("passages", "services", "products", "demand", "border_rules", "last_mile", "warehouse_options")
"""Tables that may have a ``<table>_by_year.csv``."""
