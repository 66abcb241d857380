"""The target board: what a plan set out to reach, year by year beside what the model comes to.

A target says nothing of years other than its own, so in those there is a modelled figure and no gap.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from logistics.network.network import Network
from logistics.network.target_columns import MEASURES
from logistics.network.windows import parse_windows
from logistics.plan import Plan
from logistics.plan_facts import facts_of
from logistics.studies.airport_roles import flights_abroad
from logistics.studies.typed_rows import table_of
from logistics.studies.year_flow import YearOutcome
from logistics.units import KG_PER_T
from logistics.words import text

BOARD = pa.schema(
    [
        ("year", pa.int32()),
        ("plan_id", pa.string()),
        ("target_id", pa.string()),
        ("name_en", pa.string()),
        ("name_zh", pa.string()),
        ("measure", pa.string()),
        ("unit", pa.string()),
        ("stated", pa.float64()),
        ("stated_year", pa.int32()),
        ("target", pa.float64()),
        ("modelled", pa.float64()),
        ("gap", pa.float64()),
        ("reached", pa.bool_()),
        ("basis_en", pa.string()),
        ("basis_zh", pa.string()),
        ("source", pa.string()),
        ("confidence", pa.string()),
    ]
)
"""One row a year and target. `target` is what is stated for just this year; `gap` is modelled − target."""
CLOSE = 1e-6
"""Share of a target by which a plan may miss it and still count: the accuracy to which plans are checked."""


@dataclass(frozen=True)
class PlannedYear:
    """A year whose targets are looked at.

    Parameters
    ----------
    network
        Effective network of the year, with everything open that the plan opens.
    plan
        Its plan, checked; None without one, and then figures of cargo stay blank.
    plan_id
        Name of the plan; empty for the plan of the study itself.
    """

    network: Network
    year: int
    plan: Plan | None
    plan_id: str = ""

    @classmethod
    def of(cls, outcome: YearOutcome, plan_id: str = "") -> PlannedYear:
        """The year of an outcome; a plan that did not pass the check is none."""
        holds = outcome.has_plan and outcome.verdict.plan_verified
        return cls(outcome.question.network, outcome.year, outcome.plan if holds else None, plan_id)

    @cached_property
    def facts(self) -> pa.Table:
        """Facts of the plan's paths, see :data:`logistics.plan_facts.FACTS`."""
        assert self.plan is not None
        return facts_of(self.plan, self.network, self.year)


@dataclass(frozen=True)
class _Figure:
    """A modelled figure, None where there is none, and the sentence that says what was counted."""

    value: float | None
    key: str
    values: Mapping[str, object]

    def basis(self, lang: str) -> str:
        """The sentence."""
        words = {name: _worded(value, lang) for name, value in self.values.items()}
        return text(f"basis.{self.key}", lang, **words)


def target_board(years: Sequence[PlannedYear]) -> pa.Table:
    """Return every target in every year, see :data:`BOARD`; empty where the network states no targets.

    Parameters
    ----------
    years
        Years of one plan; growth is since the first of them.
    """
    rows = []
    ordered = sorted(years, key=lambda planned: planned.year)
    for planned in ordered:
        for target in planned.network.rows("targets"):
            figure = _figure(target, planned, ordered[0])
            due = target["value"] if target["year"] == planned.year else None
            gap = None if due is None or figure.value is None else figure.value - due
            rows.append(
                (
                    planned.year,
                    planned.plan_id,
                    *(target[name] for name in ("target_id", "name_en", "name_zh", "measure")),
                    MEASURES[target["measure"]].unit,
                    target["value"],
                    int(target["year"]),
                    due,
                    figure.value,
                    gap,
                    None if due is None or gap is None else gap >= -CLOSE * due,
                    figure.basis("en"),
                    figure.basis("zh"),
                    target["source"],
                    target["confidence"],
                )
            )
    return table_of(rows, BOARD)


def _figure(target: Mapping[str, Any], planned: PlannedYear, first: PlannedYear) -> _Figure:
    measure = target["measure"]
    if measure == "air_routes":
        return _air_routes(target, planned.network)
    if measure == "clearance_24h":
        return _clearance(target, planned.network)
    if planned.plan is None:
        return _Figure(None, "no_plan", {})
    if measure == "trade_value_cny":
        return _trade_value(target, planned)
    if measure == "trade_growth":
        return _growth(target, planned, first)
    return _local_share(target, planned)


def _air_routes(target: Mapping[str, Any], network: Network) -> _Figure:
    """Pairs of a home airport and a destination with enough departures of the classes that count."""
    classes, left_out = _items(target["service_classes"]), _items(target["except_territories"])
    weekly: dict[tuple[str, str], float] = {}
    for flight in flights_abroad(network):
        counts = flight.service_class in classes and flight.territory not in left_out
        if counts and flight.weeks_per_year >= target["min_weeks_per_year"]:
            pair = (flight.airport, flight.destination)
            weekly[pair] = weekly.get(pair, 0.0) + flight.departures_per_week
    routes: dict[str, list[str]] = {}
    for (airport, destination), departures in sorted(weekly.items()):
        if departures >= target["min_departures_per_week"]:
            routes.setdefault(airport, []).append(destination)
    values = {
        "classes": ", ".join(classes),
        "departures": f"{target['min_departures_per_week']:g}",
        "weeks": f"{target['min_weeks_per_year']:g}",
        "territories": ", ".join(left_out) or "-",
        "routes": "; ".join(f"{a} {len(ends)} ({', '.join(ends)})" for a, ends in routes.items()) or "-",
    }
    return _Figure(float(sum(map(len, routes.values()))), "air_routes", values)


def _clearance(target: Mapping[str, Any], network: Network) -> _Figure:
    """Airports in use that have a customs office which never closes."""
    sites = {str(row["site_id"]): row for row in network.rows("sites")}
    named = _items(target["sites"])
    open_ones = [
        name
        for name in named
        if sites[name]["status"] == "existing"
        and sites[name]["clearance_regimes"]
        and parse_windows(str(sites[name]["clearance_open"])).always
    ]
    others = [name for name in named if name not in open_ones]
    values = {"open": ", ".join(open_ones) or "-", "others": ", ".join(others) or "-"}
    return _Figure(float(len(open_ones)), "clearance_24h", values)


def _trade_value(target: Mapping[str, Any], planned: PlannedYear) -> _Figure:
    tonnes, value_cny = _traded(target, planned)
    values: dict[str, object] = {"cargo": _cargo(target), "tonnes": f"{tonnes:,.0f}"}
    if target["import_cny_per_kg"] is None:
        return _Figure(value_cny, "trade_value", values)
    return _Figure(value_cny, "trade_value_imports", {**values, "per_kg": f"{target['import_cny_per_kg']:g}"})


def _growth(target: Mapping[str, Any], planned: PlannedYear, first: PlannedYear) -> _Figure:
    """Mean growth a year since the first year of the study."""
    values: dict[str, object] = {"cargo": _cargo(target), "first": first.year}
    before = _traded(target, first)[1] if first.plan is not None else 0.0
    if planned.year == first.year or before <= 0:
        return _Figure(None, "no_growth", values)
    factor = _traded(target, planned)[1] / before
    return _Figure(factor ** (1.0 / (planned.year - first.year)) - 1.0, "trade_growth", values)


def _local_share(target: Mapping[str, Any], planned: PlannedYear) -> _Figure:
    """Tonnes through gateways of the home province, of those that have a home gateway."""
    facts = planned.facts
    counts = _counted(target, facts) & (_texts(facts, "home_gateway") != "")
    tonnes = np.asarray(facts["tonnes"].to_numpy())
    local = np.asarray(facts["local"].to_numpy(zero_copy_only=False), dtype=bool)
    whole, mine = float(tonnes[counts].sum()), float(tonnes[counts & local].sum())
    values = {"cargo": _cargo(target), "local": f"{mine:,.0f}", "whole": f"{whole:,.0f}"}
    return _Figure(mine / whole if whole > 0 else None, "local_share", values)


def _traded(target: Mapping[str, Any], planned: PlannedYear) -> tuple[float, float]:
    """Tonnes served of the cargo that counts, and their value in CNY as statistics report it."""
    facts = planned.facts
    counts = _counted(target, facts)
    per_kg = {
        (str(row["product_id"]), str(row["segment"])): float(row["reported_cny_per_kg"])
        for row in planned.network.rows("product_segments")
    }
    kinds = zip(facts["product_id"].to_pylist(), facts["segment"].to_pylist(), strict=True)
    value_cny_per_t = np.array([KG_PER_T * per_kg[kind] for kind in kinds], dtype=float)
    if target["import_cny_per_kg"] is not None:
        value_cny_per_t[_texts(facts, "direction") == "import"] = KG_PER_T * target["import_cny_per_kg"]
    tonnes = np.asarray(facts["tonnes"].to_numpy())
    return float(tonnes[counts].sum()), float((tonnes * value_cny_per_t)[counts].sum())


def _counted(target: Mapping[str, Any], facts: pa.Table) -> NDArray[np.bool_]:
    """Paths, in the order of `facts`, whose cargo counts."""
    both = ("export", "import")
    directions = both if target["direction"] == "both" else (target["direction"],)
    counts = np.isin(_texts(facts, "direction"), directions)
    for column, wanted in (("segment", target["segments"]), ("mode", target["modes"])):
        if wanted:
            counts &= np.isin(_texts(facts, column), _items(wanted))
    return np.asarray(counts, dtype=bool)


def _cargo(target: Mapping[str, Any]) -> tuple[str, ...]:
    """Terms that say which cargo counts."""
    directions = ["export", "import"] if target["direction"] == "both" else [target["direction"]]
    return (*directions, *_items(target["segments"]), *_items(target["modes"]))


def _worded(value: object, lang: str) -> object:
    if isinstance(value, tuple):
        return text("list.comma", lang).join(text(f"term.{name}", lang) for name in value)
    return value


def _items(cell: str) -> list[str]:
    return [item for item in cell.split("|") if item]


def _texts(facts: pa.Table, column: str) -> NDArray[np.str_]:
    return np.array(facts[column].to_pylist(), dtype=str)
