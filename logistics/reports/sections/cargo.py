"""Which way the cargo goes: by mode and class, by gateway, and by service."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from logistics.reports.blocks import (
    Block,
    Chart,
    Number,
    Row,
    Table,
    Words,
    given,
    head,
    mode_words,
    named,
    say,
    term,
)
from logistics.reports.source import Results

MOST_GATEWAYS = 24
MOST_SERVICES = 30


def cargo_blocks(results: Results, year: int) -> Sequence[Block]:
    """Tonnes by mode, by gateway and by service."""
    if not results.has_figures:
        return []
    return [_modes(results, year), _gateways(results, year), _services(results, year)]


def _modes(results: Results, year: int) -> Table:
    """Segments of a class added up."""
    sums: dict[tuple[str, str, str], float] = {}
    whole: dict[str, float] = {}
    for row in results.rows("modes"):
        if row["year"] == year:
            key = (row["direction"], row["mode"], row["service_class"])
            sums[key] = sums.get(key, 0.0) + row["tonnes"]
            whole[row["direction"]] = whole.get(row["direction"], 0.0) + row["tonnes"]
    rows = [
        Row(
            [
                term(service_class) if service_class else mode_words(mode),
                mode_words(mode),
                term(direction),
                Number(tonnes, "mass", f"=modes/{year}/{direction}/{mode}/{service_class}/tonnes"),
                Number(
                    tonnes / whole[direction],
                    "share",
                    f"=modes/{year}/{direction}/{mode}/{service_class}/share",
                ),
            ],
            f"class:{service_class}",
        )
        for (direction, mode, service_class), tonnes in sorted(
            sums.items(), key=lambda item: (item[0][0], -item[1])
        )
    ]
    return Table(
        "modes",
        say("modes.title"),
        (
            head("service_class"),
            head("mode"),
            head("direction"),
            head("load", "mass"),
            head("share", "share"),
        ),
        rows,
        [say("report.cargo.modes_note")],
        Chart("stacks", {"group": 2, "mode": 1, "value": 3}),
    )


def _gateways(results: Results, year: int) -> Table:
    mine = [(i, row) for i, row in enumerate(results.rows("gateways")) if row["year"] == year]
    mine.sort(key=lambda pair: -pair[1]["tonnes"])
    whole: dict[str, float] = {}
    for _, row in mine:
        whole[row["direction"]] = whole.get(row["direction"], 0.0) + row["tonnes"]
    rows = [
        Row(
            [
                given(
                    results.site_name(row["home_gateway"], "en"), results.site_name(row["home_gateway"], "zh")
                ),
                term(row["direction"]),
                mode_words(row["mode"]),
                term("yes" if row["local"] else "no"),
                Number(row["tonnes"], "mass", f"gateways/{i}/tonnes"),
                Number(row["tonnes"] / whole[row["direction"]], "share", f"=gateways_share/{i}"),
            ],
            f"site:{row['home_gateway']}",
        )
        for i, row in mine[: results.most(MOST_GATEWAYS)]
    ]
    return Table(
        "gateways",
        say("gateways.title"),
        (
            head("gateway"),
            head("direction"),
            head("mode"),
            head("report.cargo.local"),
            head("load", "mass"),
            head("share", "share"),
        ),
        rows,
        _cut(len(rows), len(mine), "gateways"),
        Chart("bars", {"label": 0, "value": 4, "tag": 1, "mode": 2, "hatched": 3, "most": 14}),
    )


def _services(results: Results, year: int) -> Table:
    """Each service by its fullest leg."""
    fullest: dict[str, tuple[int, dict[str, Any]]] = {}
    for i, row in enumerate(results.rows("services")):
        if row["year"] == year and (
            row["service_id"] not in fullest or row["tonnes"] > fullest[row["service_id"]][1]["tonnes"]
        ):
            fullest[row["service_id"]] = (i, row)
    mine = sorted(fullest.values(), key=lambda pair: -pair[1]["tonnes"])
    hours = {
        row["service_id"]: (i, row)
        for i, row in enumerate(results.rows("service_times"))
        if row["year"] == year
    }
    rows = []
    for i, row in mine[: results.most(MOST_SERVICES)]:
        empty: tuple[int, dict[str, Any]] = (-1, {})
        j, times = hours.get(row["service_id"], empty)
        rows.append(
            Row(
                [
                    named(row, str(row["service_id"])),
                    mode_words(row["mode"]),
                    term(row["service_class"]),
                    *(
                        Number(row[key], form, f"services/{i}/{key}")
                        for key, form in (
                            ("tonnes", "mass"),
                            ("capacity_t", "mass"),
                            ("load_factor", "share"),
                        )
                    ),
                    Number(times.get("pipeline_p50_h"), "days", f"service_times/{j}/pipeline_p50_h"),
                ],
                f"service:{row['service_id']}",
            )
        )
    return Table(
        "services",
        say("report.cargo.services"),
        (
            head("service"),
            head("mode"),
            head("service_class"),
            head("load", "mass"),
            head("capacity", "mass"),
            head("load_factor", "share"),
            head("report.cargo.door_to_door", "days"),
        ),
        rows,
        [say("report.cargo.services_note"), *_cut(len(rows), len(mine), "services")],
        wide=True,
    )


def _cut(shown: int, whole: int, name: str) -> list[Words]:
    return [say("tables.largest", shown=shown, whole=whole, name=name)] if whole > shown else []
