"""Checks across the tables of a network: references, completeness, sense.

Each check is one function that yields problems; :func:`check_tables` runs them all.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterator
from itertools import pairwise

import numpy as np

from logistics.errors import Problem, Where, did_you_mean
from logistics.network.network import Network
from logistics.network.option_checks import unfit_options
from logistics.network.tables import BY_NAME, BY_YEAR, TABLES
from logistics.network.target_checks import unfit_targets

TOLERANCE = 1e-9


def check_tables(network: Network) -> list[Problem]:
    """Run every check; references first, since the others rely on them."""
    problems = check_references(network)
    if not problems:
        for check in CHECKS:
            problems.extend(check(network))
    return problems


def check_references(network: Network) -> list[Problem]:
    """Check only that everything named exists; safe for tables with unreadable cells."""
    return list(_references(network))


def _place(network: Network, table: str, row: int, column: str = "") -> Where:
    return Where(f"{network.name}/{table}.csv", row + 2, column)


def _references(network: Network) -> Iterator[Problem]:
    """Every id that a column refers to exists."""
    known = {schema.name: set(network.texts(schema.name, schema.key[0])) for schema in TABLES}
    for schema in TABLES:
        for column in schema.all_columns:
            if not column.refers_to:
                continue
            choices = sorted(known[column.refers_to])
            for row, cell in enumerate(network.texts(schema.name, column.name)):
                for item in cell.split("|") if column.kind == "list" else (cell,):
                    if item and item not in known[column.refers_to]:
                        where = _place(network, schema.name, row, column.name)
                        hint = did_you_mean(item, choices)
                        yield Problem("table.reference", where, item, column.refers_to, column.name, hint)
    for name in BY_YEAR:
        yield from _by_year_references(network, name)


def _by_year_references(network: Network, name: str) -> Iterator[Problem]:
    schema = BY_NAME[name]
    table = network.tables.get(f"{name}_by_year")
    if table is None:
        return
    keys = set(zip(*(network.texts(name, key) for key in schema.key), strict=True))
    numbers = {column.name: column for column in schema.columns if column.kind in ("number", "integer")}
    for row, cells in enumerate(table.to_pylist()):
        key = tuple(cells[k] for k in schema.key)
        where = Where(f"{network.name}/{name}_by_year.csv", row + 2, "")
        if key not in keys:
            yield Problem("table.reference", where, "/".join(map(str, key)), name, schema.key[0])
        column = numbers.get(cells["column"])
        if column is None:
            hint = did_you_mean(str(cells["column"]), list(numbers))
            yield Problem(
                "table.by_year_column", where, str(cells["column"]), ", ".join(numbers), "column", hint
            )
        elif cells["value"] is not None and not column.low <= cells["value"] <= column.high:
            yield Problem(
                "table.range", where, str(cells["value"]), f"{column.low:g} … {column.high:g}", column.name
            )


def _has_services(network: Network) -> Iterator[Problem]:
    if "existing" not in network.texts("services", "status"):
        yield Problem("network.no_services", Where(f"{network.name}/services.csv"))


def _stops_in_order(network: Network) -> Iterator[Problem]:
    """Stops count 1, 2, 3 …, at least two, and no site follows itself."""
    stops: dict[str, list[tuple[float, str, int]]] = defaultdict(list)
    for row, cells in enumerate(network.rows("service_stops")):
        stops[str(cells["service_id"])].append((float(cells["seq"]), str(cells["site_id"]), row))
    for row, service in enumerate(network.texts("services", "service_id")):
        calls = sorted(stops.get(service, []))
        if len(calls) < 2:
            yield Problem("service.stops", _place(network, "services", row), service, "2", "service_stops")
        elif [seq for seq, _, _ in calls] != [float(i + 1) for i in range(len(calls))]:
            found = ", ".join(f"{seq:g}" for seq, _, _ in calls)
            yield Problem(
                "service.seq",
                _place(network, "service_stops", calls[0][2], "seq"),
                found,
                "1, 2, 3 …",
                service,
            )
        for (_, site, _), (_, following, line) in pairwise(calls):
            if site == following:
                yield Problem(
                    "service.same_stop",
                    _place(network, "service_stops", line, "site_id"),
                    site,
                    subject=service,
                )


def _legs_have_figures(network: Network) -> Iterator[Problem]:
    """A leg's hours and distance stand either with its stop or in service_via, not in both or neither."""
    via = {(str(r["service_id"]), r["to_seq"]) for r in network.rows("service_via")}
    calls = set()
    for row, cells in enumerate(network.rows("service_stops")):
        key = (str(cells["service_id"]), cells["seq"])
        calls.add(key)
        given = [cells[name] is not None for name in ("run_h", "run_sd_h", "distance_km")]
        where = _place(network, "service_stops", row, "run_h")
        if cells["seq"] == 1:
            continue
        if key in via and any(given):
            yield Problem("service.leg_twice", where, "/".join(map(str, key)))
        if key not in via and not all(given):
            yield Problem("service.leg_missing", where, "/".join(map(str, key)))
    for row, cells in enumerate(network.rows("service_via")):
        if (str(cells["service_id"]), cells["to_seq"]) not in calls:
            yield Problem(
                "service.via_without_stop",
                _place(network, "service_via", row, "to_seq"),
                str(cells["to_seq"]),
            )


def _currencies(network: Network) -> Iterator[Problem]:
    """Every tariff currency has a rate in every year of the network."""
    known = {(str(r["currency"]), r["year"]) for r in network.rows("fx")}
    seen = set()
    for row, currency in enumerate(network.texts("services", "tariff_currency")):
        for year in network.info.years:
            if (currency, year) not in known and currency != "CNY" and (currency, year) not in seen:
                seen.add((currency, year))
                where = _place(network, "services", row, "tariff_currency")
                yield Problem(
                    "fx.missing", where, f"{currency} {year}", ", ".join(sorted({c for c, _ in known}))
                )


def _contracts(network: Network) -> Iterator[Problem]:
    """A contract share needs a contract tariff."""
    tariffs = network.numbers("services", "tariff_contract")
    shares = network.numbers("services", "contract_share")
    for row in np.flatnonzero(np.isnan(tariffs) & (shares > 0)):
        yield Problem("service.contract", _place(network, "services", int(row), "tariff_contract"), "")


def _tiers(network: Network) -> Iterator[Problem]:
    """Shares of the tiers of a product and segment sum to 1."""
    total: dict[tuple[str, str], float] = defaultdict(float)
    first: dict[tuple[str, str], int] = {}
    for row, cells in enumerate(network.rows("time_values")):
        key = (str(cells["product_id"]), str(cells["segment"]))
        total[key] += float(cells["share"])
        first.setdefault(key, row)
    for key, share in total.items():
        if abs(share - 1) > TOLERANCE:
            yield Problem(
                "tiers.sum",
                _place(network, "time_values", first[key], "share"),
                f"{share:g}",
                "1",
                "/".join(key),
            )


def _demand_is_described(network: Network) -> Iterator[Problem]:
    """Each demand row's product and segment have order weights and tiers, and its ends are different."""
    described = {(str(r["product_id"]), str(r["segment"])) for r in network.rows("product_segments")}
    tiered = {(str(r["product_id"]), str(r["segment"])) for r in network.rows("time_values")}
    products, segments = network.texts("demand", "product_id"), network.texts("demand", "segment")
    for row, key in enumerate(zip(products, segments, strict=True)):
        for table, known in (("product_segments", described), ("time_values", tiered)):
            if key not in known:
                yield Problem(
                    "demand.no_row", _place(network, "demand", row, "segment"), "/".join(key), table
                )
    tiers: dict[tuple[str, str], list[str]] = defaultdict(list)
    for cells in network.rows("time_values"):
        tiers[str(cells["product_id"]), str(cells["segment"])].append(str(cells["tier"]))
    for row, tier in enumerate(network.texts("demand", "tier")):
        there = tiers[products[row], segments[row]]
        if tier and tier not in there:
            yield Problem("demand.no_tier", _place(network, "demand", row, "tier"), tier, ", ".join(there))
    territory = dict(
        zip(network.texts("sites", "site_id"), network.texts("sites", "customs_territory"), strict=True)
    )
    origins, ends = network.texts("demand", "origin_site"), network.texts("demand", "destination_site")
    for row, (origin, end) in enumerate(zip(origins, ends, strict=True)):
        if territory[origin] == territory[end]:
            where = _place(network, "demand", row, "destination_site")
            yield Problem("demand.no_border", where, end, subject=territory[end])


def _modes_have_figures(network: Network) -> Iterator[Problem]:
    """A tariff basis finds the figures it needs in the service's mode."""
    needs = {
        "chargeable_kg": ("volumetric_kg_per_m3",),
        "teu": ("teu_payload_t", "teu_m3"),
        "feu": ("teu_payload_t", "teu_m3"),
        "truck": ("truck_payload_t", "truck_m3"),
    }
    modes = {str(row["mode"]): row for row in network.rows("modes")}
    for row, cells in enumerate(network.rows("services")):
        mode = modes.get(str(cells["mode"]))
        where = _place(network, "services", row, "tariff_basis")
        if mode is None:
            yield Problem("mode.no_row", where, str(cells["mode"]))
            continue
        for column in needs.get(str(cells["tariff_basis"]), ()):
            if mode[column] is None:
                yield Problem("mode.no_figure", where, str(cells["tariff_basis"]), column, str(cells["mode"]))


def _border_rules_cover(network: Network) -> Iterator[Problem]:
    """Each border that demand crosses has a rule for its segment."""
    rules = {
        (str(r["customs_territory"]), str(r["product_id"]), str(r["segment"]))
        for r in network.rows("border_rules")
    }
    territory = dict(
        zip(network.texts("sites", "site_id"), network.texts("sites", "customs_territory"), strict=True)
    )
    missing: Counter[tuple[str, str, str]] = Counter()
    row_of: dict[tuple[str, str, str], int] = {}
    for row, cells in enumerate(network.rows("demand")):
        entered = territory[str(cells["destination_site"])]
        product, segment = str(cells["product_id"]), str(cells["segment"])
        if not {(entered, product, segment), (entered, "*", segment)} & rules:
            missing[(entered, product, segment)] += 1
            row_of.setdefault((entered, product, segment), row)
    for key, count in missing.items():
        yield Problem(
            "border.no_rule", _place(network, "demand", row_of[key]), "/".join(key), subject=str(count)
        )


def _last_mile_once(network: Network) -> Iterator[Problem]:
    """A market has at most one last-mile row a channel."""
    seen: dict[tuple[str, str], int] = {}
    for row, cells in enumerate(network.rows("last_mile")):
        key = (str(cells["site_id"]), str(cells["channel"]))
        if key in seen:
            yield Problem(
                "table.duplicate",
                _place(network, "last_mile", row, "channel"),
                "/".join(key),
                str(seen[key] + 2),
            )
        seen.setdefault(key, row)


def _years_are_used(network: Network) -> Iterator[Problem]:
    """Values by year are of years that the network has, and the base year is one of them."""
    years = ", ".join(map(str, network.info.years))
    if network.info.base_year not in network.info.years:
        where = Where(f"{network.name}/network.yaml")
        yield Problem("network.year", where, str(network.info.base_year), years, "base_year")
    for name in BY_YEAR:
        table = network.tables.get(f"{name}_by_year")
        for row, year in enumerate(table["year"].to_pylist() if table is not None else []):
            if year not in network.info.years:
                where = Where(f"{network.name}/{name}_by_year.csv", row + 2, "year")
                yield Problem("network.year", where, f"{year:g}", years, "year")


def _estimates_have_ranges(network: Network) -> Iterator[Problem]:
    """A row marked as an estimate carries a range (warning), and no range is upside down."""
    for schema in TABLES:
        if not schema.estimates:
            continue
        lows = np.column_stack([network.numbers(schema.name, f"{c}_low") for c in schema.estimates])
        highs = np.column_stack([network.numbers(schema.name, f"{c}_high") for c in schema.estimates])
        marked = np.array([c == "estimate" for c in network.texts(schema.name, "confidence")], dtype=bool)
        bare = marked & ~np.any(np.isfinite(lows) & np.isfinite(highs), axis=1)
        if np.any(bare):
            row = int(np.flatnonzero(bare)[0])
            where = _place(network, schema.name, row, "confidence")
            yield Problem(
                "estimate.no_range", where, str(int(bare.sum())), severity="warning", subject=schema.name
            )
        for row, column in np.argwhere(lows > highs):
            where = _place(network, schema.name, int(row), f"{schema.estimates[column]}_low")
            yield Problem("estimate.upside_down", where, f"{lows[row, column]:g} > {highs[row, column]:g}")


def _hard_promises_are_given(network: Network) -> Iterator[Problem]:
    """A promise that forbids late paths has a number of days."""
    table = network.tables["product_segments"]
    cells = zip(table["promise_is_hard"].to_pylist(), table["promise_d"].to_pylist(), strict=True)
    for row, (hard, days) in enumerate(cells):
        if hard and days is None:
            yield Problem("promise.hard", _place(network, "product_segments", row, "promise_is_hard"))


CHECKS: tuple[Callable[[Network], Iterator[Problem]], ...] = (
    _has_services,
    _stops_in_order,
    _legs_have_figures,
    _currencies,
    _contracts,
    _tiers,
    _modes_have_figures,
    _demand_is_described,
    _border_rules_cover,
    _last_mile_once,
    _years_are_used,
    _estimates_have_ranges,
    _hard_promises_are_given,
    unfit_targets,
    unfit_options,
)
