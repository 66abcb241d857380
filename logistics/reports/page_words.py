"""Keys of the words that the page's scripts say."""

from __future__ import annotations

MODES = ("sea", "air", "rail", "road", "post")
KINDS = (
    "airport",
    "seaport",
    "rail_terminal",
    "road_hub",
    "mail_exchange",
    "express_centre",
    "bonded_zone",
    "consolidation",
    "cargo_station",
    "overseas_warehouse",
    "cluster",
    "market",
    "passage",
)
MAP = (
    "label own before after difference all_products product_note clear width more less carried in out "
    "nothing services selected"
)
PAGE_WORDS: tuple[str, ...] = (
    *(f"report.mode.{mode}" for mode in MODES),
    *(f"term.{word}" for word in ("no", "modelled", "observed", "band")),
    *(f"report.kind.{kind}" for kind in KINDS),
    *(f"report.map.{word}" for word in MAP.split()),
    "report.chart.pick",
)
