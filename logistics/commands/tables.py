"""Readable tables on the terminal."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
from rich.console import Console
from rich.table import Table
from rich.text import Text

from logistics.commands.portfolio_table import print_portfolio
from logistics.commands.rich_tables import headed, number
from logistics.commands.route_table import print_routes
from logistics.commands.siting_table import print_siting
from logistics.commands.study_tables import (
    UNITS,
    print_disruption,
    print_frontier,
    print_limits,
    print_times,
)
from logistics.commands.target_table import print_targets
from logistics.words import text

TOTALS = {
    "money_cny": (1e-9, "bn CNY", 3),
    "capital_cny": (1e-9, "bn CNY", 3),
    "time_value_cny": (1e-9, "bn CNY", 3),
    "customer_hours_mean": (1 / 24, "d", 2),
    "pipeline_hours_mean": (1 / 24, "d", 2),
    "co2_t": (1e-3, "kt", 1),
    "local_gateway_share": (100.0, "%", 1),
    "promise_share": (100.0, "%", 1),
}
"""Factor, unit and decimals in which totals are shown."""


def print_result(
    document: Mapping[str, Any], tables: Mapping[str, pa.Table], lang: str, folder: Path, seconds: float
) -> None:
    """Print what a planner looks at first: outcome, totals, cargo by mode, bottlenecks, base case."""
    console = Console(highlight=False)
    name = document["scenario"]["name"][lang]
    console.print(Text(name, style="bold"))
    _outcome(console, document, lang)
    unit = UNITS[document["objective_kind"]]
    print_limits(console, tables, lang, unit, base_only=document["status"] != "infeasible")
    if document["objective"] is None:
        # Where what exists does not do, a siting may still have found what does.
        print_siting(console, tables, lang)
        console.print(text("run.done", lang, folder=folder, seconds=f"{seconds:.1f}"))
        return
    _totals(console, document, lang)
    print_targets(console, tables, lang)
    print_frontier(console, tables, lang)
    print_disruption(console, tables, lang, unit)
    print_routes(console, tables, lang)
    print_portfolio(console, tables, lang)
    print_siting(console, tables, lang)
    if "modes" in tables and tables["modes"].num_rows:
        _modes(console, tables["modes"], lang)
    print_times(console, tables, lang)
    if "gateways" in tables and tables["gateways"].num_rows:
        _gateways(console, tables["gateways"], lang)
    if "bottlenecks" in tables and tables["bottlenecks"].num_rows:
        _bottlenecks(console, tables["bottlenecks"], lang, unit)
    if "observed" in tables and tables["observed"].num_rows:
        _observed(console, tables["observed"], lang)
    console.print(text("run.done", lang, folder=folder, seconds=f"{seconds:.1f}"))


def _outcome(console: Console, document: Mapping[str, Any], lang: str) -> None:
    status = text(f"term.{document['status']}", lang)
    if not document["verified"] and document["status"] != "no_plan":
        status = text("run.status_unverified", lang)
    elif document["status"] == "optimal" and document["bound_proof"] != "certificate":
        status = text("run.status_solver", lang)
    if len(document["years"]) > 1:
        console.print(text("run.years", lang, years=", ".join(map(str, document["years"]))))
    proof = text(f"bound_proof.{document['bound_proof']}", lang)
    verified = text("term.yes" if document["verified"] else "term.no", lang)
    table = Table(box=None, show_header=False, pad_edge=False)
    for key, value in (
        (text("term.status", lang), status),
        (text("term.objective", lang), number(document["objective"], 0)),
        (
            text("term.bound", lang),
            "" if document["bound"] is None else f"{number(document['bound'], 0)} ({proof})",
        ),
        (text("term.gap", lang), "" if document["gap"] is None else f"{document['gap']:.1e}"),
        (text("term.verified", lang), verified),
        (text("term.demand_t", lang), f"{number(document['demand_t'], 0)} t"),
        (text("term.unserved_t", lang), f"{number(document['unserved_t'], 0)} t"),
    ):
        if value:
            table.add_row(key, Text(value))
    console.print(table)


def _totals(console: Console, document: Mapping[str, Any], lang: str) -> None:
    table = headed(
        lang, "totals.title", [("term.total", "left"), ("term.value", "right"), ("term.unit", "left")]
    )
    for key, (factor, unit, decimals) in TOTALS.items():
        value = document["totals"].get(key)
        if value is None:
            continue
        table.add_row(
            text(f"term.{key}", lang), "" if value is None else number(value * factor, decimals), unit
        )
    console.print(table)


def _modes(console: Console, modes: pa.Table, lang: str) -> None:
    """Tonnes by mode and class, each year in a column of its own."""
    years = _years(modes)
    names = [("term.direction", "left"), ("term.mode", "left"), ("term.service_class", "left")]
    table = headed(lang, "modes.title", names)
    _year_columns(table, years, ("term.kt", "term.share"), lang)
    sums: dict[tuple[str, str, str], dict[int, float]] = {}
    whole: dict[tuple[str, int], float] = {}
    for row in modes.to_pylist():
        by_year = sums.setdefault((row["direction"], row["mode"], row["service_class"]), {})
        by_year[row["year"]] = by_year.get(row["year"], 0.0) + row["tonnes"]
        of = (row["direction"], row["year"])
        whole[of] = whole.get(of, 0.0) + row["tonnes"]
    for (direction, mode, service_class), by_year in sorted(
        sums.items(), key=lambda item: (item[0][0], -sum(item[1].values()))
    ):
        words = [text(f"term.{direction}", lang), text(f"term.{mode}", lang) if mode else ""]
        cells = []
        for year in years:
            tonnes = by_year.get(year, 0.0)
            of_all = whole.get((direction, year), 0.0)
            cells += [number(tonnes / 1000, 1), f"{100 * tonnes / of_all:.1f} %" if of_all else ""]
        table.add_row(*words, _class_words(service_class, lang), *cells)
    console.print(table)


def _class_words(service_class: str, lang: str) -> str:
    """A class of services in words; one that a network has of its own stays as it is."""
    try:
        return text(f"term.{service_class}", lang)
    except KeyError:
        return service_class


def _gateways(console: Console, gateways: pa.Table, lang: str, most: int = 12) -> None:
    """The largest gateways of all years together, each year in a column of its own."""
    years = _years(gateways)
    names = [
        ("term.direction", "left"),
        ("term.gateway", "left"),
        ("term.mode", "left"),
        ("term.local", "left"),
    ]
    table = headed(lang, "gateways.title", names)
    _year_columns(table, years, ("term.kt",), lang)
    sums: dict[tuple[str, str, str, bool], dict[int, float]] = {}
    for row in gateways.to_pylist():
        key = (row["direction"], row["home_gateway"], row["mode"], row["local"])
        sums.setdefault(key, {})[row["year"]] = row["tonnes"]
    largest = sorted(sums.items(), key=lambda item: -sum(item[1].values()))
    table.caption = _largest(most, len(largest), "gateways", lang)
    for (direction, gateway, mode, local), by_year in largest[:most]:
        table.add_row(
            text(f"term.{direction}", lang),
            gateway,
            text(f"term.{mode}", lang) if mode else "",
            text("term.yes" if local else "term.no", lang),
            *(number(by_year[year] / 1000, 1) if year in by_year else "" for year in years),
        )
    console.print(table)


def _years(table: pa.Table) -> list[int]:
    return sorted(set(table["year"].to_pylist()))


def _year_columns(table: Table, years: Sequence[int], heads: Sequence[str], lang: str) -> None:
    """Columns of each year, which name it where there are several."""
    for year in years:
        for key in heads:
            words = text(key, lang)
            table.add_column(f"{words} {year}" if len(years) > 1 else words, justify="right")


def _bottlenecks(console: Console, bottlenecks: pa.Table, lang: str, unit: str, most: int = 10) -> None:
    names = [
        ("term.capacity", "left"),
        ("term.unit", "left"),
        ("term.load", "right"),
        ("term.price_up_to", "right"),
        ("term.more_up_to", "right"),
        ("term.more_checked", "right"),
    ]
    several = len(_years(bottlenecks)) > 1
    table = headed(lang, "bottlenecks.title", [*([("term.year", "right")] if several else []), *names])
    table.caption = _largest(most, bottlenecks.num_rows, "bottlenecks", lang)
    rows = sorted(bottlenecks.to_pylist(), key=lambda row: -row["worth_cny"])
    for row in rows[:most]:
        table.add_row(
            *([str(row["year"])] if several else []),
            Text(f"{row['kind']} {row['id']}"),
            row["unit"],
            number(row["load"], 0),
            f"{number(row['price_up_to'], 0)} {unit}/{row['unit']}",
            number(row["more_up_to"], 0),
            number(row["more_checked"], 0),
        )
    console.print(table)
    for row in rows[:most]:
        if row["more_checked"] is None:
            continue
        values = {
            "name": row[f"name_{lang}"] or row["id"],
            "unit": row["unit"],
            "price": f"{number(row['price_up_to'], 0)} {unit}",
            "more": number(row["more"], 0),
            "checked": f"{number(row['more_checked'], 0)} {unit}",
        }
        console.print(Text(text("bottlenecks.worth", lang, **values)))


def _observed(console: Console, observed: pa.Table, lang: str) -> None:
    names = [
        ("term.use", "left"),
        ("term.figure", "left"),
        ("term.modelled", "right"),
        ("term.observed", "right"),
        ("term.band", "right"),
        ("term.within_band", "left"),
    ]
    several = len(_years(observed)) > 1
    table = headed(lang, "observed.title", [*([("term.year", "right")] if several else []), *names])
    for row in observed.to_pylist():
        small = row["measure"] != "tonnes"

        def shown(value: float | None, small: bool = small) -> str:
            return "" if value is None else f"{value:.3f}" if small else number(value, 0)

        inside = text("term.yes" if row["within_band"] else "term.no", lang)
        name = Text(row[f"name_{lang}"])
        band = f"{shown(row['low'])} – {shown(row['high'])}"
        table.add_row(
            *([str(row["year"])] if several else []),
            text(f"term.{row['use']}", lang),
            name,
            shown(row["modelled"]),
            shown(row["observed"]),
            band,
            inside,
        )
    console.print(table)


def _largest(shown: int, whole: int, name: str, lang: str) -> str | None:
    """Say that a table is cut, and where the rest stands."""
    return text("tables.largest", lang, shown=shown, whole=whole, name=name) if whole > shown else None
