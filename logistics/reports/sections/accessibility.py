"""How much of the trade, by value, reaches its customer within so many days; and the markets one by one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from logistics.reports.blocks import Block, Cell, Chart, Number, Row, Table, given, head, say
from logistics.reports.sections.columns import numbered
from logistics.reports.source import Results

WITHIN_DAYS = (1, 2, 3, 5, 7, 10, 15, 20, 30, 45, 60, 90)
GROUPS = {
    "export_direct": ("export", "direct"),
    "export_stocked": ("export", "stocked"),
    "export_b2b": ("export", "b2b"),
    "export": ("export", None),
    "import": ("import", None),
}
MOST_MARKETS = 20
SHOWN = 0.0005
"""A share below rounds to nothing."""


def accessibility_blocks(results: Results, year: int) -> Sequence[Block]:
    """Share of value within days by segment, and each market's days."""
    rows = valued_rows(results, year)
    if not rows:
        return []
    kept = {name: [row for row in rows if _in_group(row, group)] for name, group in GROUPS.items()}
    kept = {name: mine for name, mine in kept.items() if mine}
    lines = []
    for days in WITHIN_DAYS:
        shares = [
            Number(value_within(mine, days), "share", f"=value_within/{year}/{days}/{name}")
            for name, mine in kept.items()
        ]
        lines.append(Row([Number(days, "whole_days", "=days"), *shares]))
    table = Table(
        "accessibility",
        say("report.accessibility.title"),
        (
            head("report.accessibility.within", "whole_days"),
            *(head(f"report.accessibility.{name}", "share") for name in kept),
        ),
        lines,
        [say("report.accessibility.note")],
        Chart("curves", {"x": 0, "lines": list(range(1, len(kept) + 1))}),
    )
    both = _both(results, year)
    return (
        [table, both, _markets(results, rows, year, wide=True)]
        if both
        else [table, _markets(results, rows, year)]
    )


def _both(results: Results, year: int) -> Table | None:
    """The share before and after what a study chose, with the difference."""
    found: dict[tuple[str, int], dict[str, tuple[int, Mapping[str, Any]]]] = {}
    names = {(direction, segment or ""): name for name, (direction, segment) in GROUPS.items()}
    for i, row in numbered(results.rows("accessibility"), year):
        name = names.get((row["direction"], row["segment"]))
        if name:
            found.setdefault((name, row["days"]), {})[row["when"]] = (i, row)
    known = {key: mine for key, mine in found.items() if len(mine) == 2 and _moves(mine)}
    if not known:
        return None
    order = sorted(known, key=lambda key: (list(GROUPS).index(key[0]), key[1]))
    rows = []
    for name, days in order:
        shares = {when: row["value_share"] for when, (_, row) in known[(name, days)].items()}
        at = {when: f"accessibility/{i}/value_share" for when, (i, _) in known[(name, days)].items()}
        change = shares["after"] - shares["before"]
        cells: list[Cell] = [
            say(f"report.accessibility.{name}"),
            Number(days, "whole_days", "=days"),
            Number(shares["before"], "share", at["before"]),
            Number(shares["after"], "share", at["after"]),
            Number(change, "points", f"=accessibility_change/{year}/{name}/{days}", signed=True),
        ]
        rows.append(Row(cells))
    heads = [head("segment"), head("report.accessibility.within", "whole_days")]
    heads += [head("before", "share"), head("after", "share"), head("difference", "points")]
    note = say("report.accessibility.both_note")
    return Table("accessibility-chosen", say("report.accessibility.both"), heads, rows, [note])


def _moves(both: Mapping[str, tuple[int, Mapping[str, Any]]]) -> bool:
    """Whether the share changes by as much as is shown."""
    before, after = (float(both[when][1]["value_share"]) for when in ("before", "after"))
    return abs(after - before) >= SHOWN


def valued_rows(results: Results, year: int) -> list[dict[str, Any]]:
    """Rows of ``times.parquet`` with their FOB value (CNY a year) and direction."""
    network = results.networks[year]
    fob = {str(row["product_id"]): float(row["fob_cny_per_kg"]) for row in network.rows("products")}
    home = network.info.home_territory
    found = []
    for row in results.rows("times"):
        if row["year"] == year:
            leaves, enters = (results.places[row[f"{end}_site"]] for end in ("origin", "destination"))
            direction = (
                "export"
                if leaves["customs_territory"] == home
                else "import"
                if enters["customs_territory"] == home
                else "transit"
            )
            value = (row["tonnes"] + row["unserved_t"]) * 1000 * fob[row["product_id"]]
            found.append({**row, "direction": direction, "value_cny": value})
    return found


def value_within(rows: Sequence[Mapping[str, Any]], days: float) -> float:
    """Share of value whose median customer waits no longer than `days`; what is unserved waits forever."""
    whole = sum(row["value_cny"] for row in rows)
    served = sum(
        row["value_cny"] * row["tonnes"] / (row["tonnes"] + row["unserved_t"])
        for row in rows
        if row["p50_h"] is not None and row["p50_h"] <= 24 * days
    )
    return served / whole if whole else 0.0


def _in_group(row: Mapping[str, Any], group: tuple[str, str | None]) -> bool:
    return row["direction"] == group[0] and group[1] in (None, row["segment"])


def _markets(results: Results, rows: Sequence[Mapping[str, Any]], year: int, *, wide: bool = False) -> Table:
    """Export markets by value, with their days."""
    markets: dict[str, list[Mapping[str, Any]]] = {}
    for row in rows:
        if row["direction"] == "export":
            markets.setdefault(row["destination_site"], []).append(row)
    order = sorted(markets, key=lambda site: (-sum(row["value_cny"] for row in markets[site]), site))
    lines = []
    for site in order[: results.most(MOST_MARKETS)]:
        mine = markets[site]
        value, tonnes = sum(row["value_cny"] for row in mine), sum(row["tonnes"] for row in mine)
        weighted = sum(row["mean_h"] * row["tonnes"] for row in mine if row["mean_h"] is not None)
        origin = f"=markets/{year}/{site}"
        lines.append(
            Row(
                [
                    given(results.site_name(site, "en"), results.site_name(site, "zh")),
                    Number(value, "money", f"{origin}/value_cny"),
                    Number(tonnes, "mass", f"{origin}/tonnes"),
                    Number(weighted / tonnes if tonnes else None, "days", f"{origin}/mean_h"),
                    *(
                        Number(value_within(mine, days), "share", f"{origin}/within_{days}")
                        for days in (3, 7, 15)
                    ),
                ],
                f"site:{site}",
            )
        )
    notes = (
        [say("tables.largest", shown=len(lines), whole=len(order), name="times")]
        if len(order) > len(lines)
        else []
    )
    within = [head(f"report.accessibility.within_{days}", "share") for days in (3, 7, 15)]
    return Table(
        "markets",
        say("report.accessibility.markets"),
        (
            head("market"),
            head("report.accessibility.value", "money"),
            head("load", "mass"),
            head("customer_hours_mean", "days"),
            *within,
        ),
        lines,
        notes,
        wide=wide,
    )
