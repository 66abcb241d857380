"""What a plan's targets are: the measures they are stated in, and the columns of ``targets.csv``."""

from __future__ import annotations

from dataclasses import dataclass

from logistics.network.columns import Column

CARGO = ("direction", "segments", "modes")
"""Columns that say which cargo counts."""
TRADE = (*CARGO, "import_cny_per_kg")
"""Columns that say what is added up to a value."""


@dataclass(frozen=True)
class Measure:
    """One way to state a target; of every measure more is better.

    Parameters
    ----------
    unit
        Unit of its values.
    needs
        Columns that a target in this measure must fill.
    takes
        Columns that it may fill.
    """

    unit: str
    needs: tuple[str, ...] = ()
    takes: tuple[str, ...] = ()


MEASURES = {
    "trade_value_cny": Measure("CNY", takes=TRADE),
    "trade_growth": Measure("share", takes=TRADE),
    "air_routes": Measure(
        "routes",
        needs=("service_classes", "min_departures_per_week", "min_weeks_per_year"),
        takes=("except_territories",),
    ),
    "clearance_24h": Measure("airports", needs=("sites",)),
    "local_gateway_share": Measure("share", takes=CARGO),
}
UNITS = tuple(dict.fromkeys(measure.unit for measure in MEASURES.values()))


def columns_of_targets(modes: tuple[str, ...], segments: tuple[str, ...]) -> tuple[Column, ...]:
    """Columns of ``targets.csv``.

    Parameters
    ----------
    modes, segments
        The network's words for them, which stand with its tables.
    """
    return (
        Column("target_id", "id", "name of the target"),
        Column("name_en", "text", "English name"),
        Column("name_zh", "text", "Chinese name"),
        Column(
            "measure",
            "choice",
            "what is counted: served cargo at reported value, its mean growth a year since the first year of "
            "a study, pairs of a home airport and a destination abroad with flights, airports that clear "
            "round the clock, tonnes of cargo with a home gateway that leave or enter by a local one",
            choices=tuple(MEASURES),
        ),
        Column("year", "integer", "year in which it is to be reached", low=1990, high=2100),
        Column("value", "number", "the least that reaches it; blank: no figure is stated", False, 0),
        Column("unit", "choice", "unit of the measure", choices=UNITS),
        Column(
            "direction",
            "choice",
            "trade that counts",
            False,
            choices=("export", "import", "both"),
            default="both",
        ),
        Column("segments", "list", "segments that count; blank: all", False, choices=segments),
        Column("modes", "list", "cargo whose main mode is one of these; blank: all", False, choices=modes),
        Column(
            "import_cny_per_kg",
            "number",
            "trade: reported value of imports; blank: that of product_segments, as for exports",
            False,
            0.01,
            1e6,
        ),
        Column("service_classes", "list", "air_routes: classes of flights that count", False),
        Column(
            "min_departures_per_week", "number", "air_routes: departures a week of a pair", False, 0, 2000
        ),
        Column(
            "min_weeks_per_year", "number", "air_routes: weeks a year in which a flight runs", False, 0, 53
        ),
        Column("except_territories", "list", "air_routes: customs territories that do not count", False),
        Column("sites", "list", "clearance_24h: the airports", False, refers_to="sites"),
    )
