"""What may be opened: columns of ``warehouse_options.csv`` and ``facility_options.csv``."""

from __future__ import annotations

from logistics.network.columns import BIG, Column

_PLACE = (
    Column("option_id", "id", "name of the option"),
    Column("site_id", "id", "where it stands", refers_to="sites"),
)
_COST = (
    Column("fixed_cny_per_year", "number", "rent and fixed cost", False, 0, BIG, default=0.0),
    Column("capex_cny", "number", "investment", False, 0, BIG, default=0.0),
    Column("life_years", "number", "years over which it is written off", required=False, low=1, high=60),
    Column("opening_year", "integer", "first year of use", required=False, low=1990, high=2100),
)

WAREHOUSE_COLUMNS = (
    *_PLACE,
    Column("ownership", "choice", "how it is held", choices=("build", "acquire", "lease", "share")),
    Column("size", "text", "size class"),
    Column("status", "choice", "existing ones are used", choices=("existing", "option", "closed")),
    Column("capacity_t_per_year", "number", "throughput for the network's demand", low=0, high=BIG),
    Column("inbound_cny_per_t", "number", "unloading and put-away", low=0, high=BIG),
    Column("inbound_h", "number", "hours from gate to available stock", False, 0, 8760, default=0.0),
    Column("pick_cny_per_order", "number", "pick and pack", low=0, high=BIG),
    Column("pick_h", "number", "hours from order to hand-over", low=0, high=8760),
    Column("storage_cny_per_m3_day", "number", "storage", low=0, high=BIG),
    *_COST,
    Column(
        "moves_from",
        "id",
        "existing option that closes where this one opens: a move, whose cost is in `capex_cny`",
        required=False,
        refers_to="warehouse_options",
    ),
    Column(
        "pooled_from_t_per_year",
        "number",
        "throughput at which the products' demand_cv holds; blank: safety stock does not depend on it",
        required=False,
        low=1e-3,
        high=BIG,
    ),
    Column(
        "planned_t_per_year",
        "number",
        "throughput that safety stock is planned for; blank: that at which the cv holds",
        required=False,
        low=1e-3,
        high=BIG,
    ),
    Column("area_m2", "number", "floor area; blank: not known", required=False, low=1, high=1e7),
    Column(
        "ramp_up_first_year_share",
        "number",
        "share of the capacity that can be used in the first year",
        required=False,
        low=0,
        high=1,
        default=1.0,
    ),
)
WAREHOUSE_ESTIMATES = (
    "capacity_t_per_year",
    "fixed_cny_per_year",
    "storage_cny_per_m3_day",
    "capex_cny",
    "area_m2",
    "ramp_up_first_year_share",
)

FACILITY_COLUMNS = (
    *_PLACE,
    Column("size", "text", "size class"),
    Column(
        "capacity_t_per_year",
        "number",
        "tonnes handled a year at most, instead of the site's `throughput_t_per_year`",
        low=0,
        high=BIG,
    ),
    *_COST,
)
FACILITY_ESTIMATES = ("capacity_t_per_year", "fixed_cny_per_year", "capex_cny")
