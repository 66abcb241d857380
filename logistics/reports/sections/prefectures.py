"""The province's prefectures and airports: what each sends, how, and through whose gateways."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from logistics.reports.blocks import (
    Block,
    Chart,
    Head,
    Number,
    Row,
    Table,
    Words,
    given,
    head,
    listed,
    mode_words,
    say,
)
from logistics.reports.source import Results

MOST_GATEWAYS, FEWER_GATEWAYS = 9, 6
"""Columns of catchments: of a result of one year, and where each of several has its own."""


def prefecture_blocks(results: Results, year: int) -> Sequence[Block]:
    """Exports of each prefecture, its airports, and the catchments of gateways."""
    rows = exports_by_prefecture(results, year)
    if not rows:
        return []
    return [
        _prefectures(rows, year),
        _airports(results, rows, year),
        _catchment(results, rows, year, "gateways", rows),
        _catchment(results, rows, year, "airports", [row for row in rows if row["mode"] == "air"]),
    ]


def exports_by_prefecture(results: Results, year: int) -> list[dict[str, Any]]:
    """Facts of the year's exports from the home province, each with its prefecture."""
    return with_prefecture(results, year, results.facts[year].to_pylist()) if results.has_figures else []


def with_prefecture(results: Results, year: int, facts: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Those of some facts that are exports from the home province, each with its prefecture."""
    province = results.networks[year].info.home_province
    found: list[dict[str, Any]] = []
    for row in facts:
        site = results.places[row["origin_site"]]
        if row["direction"] == "export" and site["province"] == province:
            found.append({**row, "prefecture": site["prefecture"] or site["site_id"]})
    return found


def summed(rows: Sequence[Mapping[str, Any]], *keys: str) -> dict[Any, float]:
    """Tonnes of facts by one key, or by several as a tuple."""
    sums: dict[Any, float] = {}
    for row in rows:
        key = tuple(row[name] for name in keys) if len(keys) > 1 else row[keys[0]]
        sums[key] = sums.get(key, 0.0) + row["tonnes"]
    return sums


def _prefectures(rows: Sequence[Mapping[str, Any]], year: int) -> Table:
    tonnes = summed(rows, "prefecture")
    local = summed([row for row in rows if row["local"]], "prefecture")
    modes = summed(rows, "prefecture", "mode")
    shown = [mode for mode in ("sea", "air", "rail", "road", "post") if mode in {key[1] for key in modes}]
    lines = []
    for name in sorted(tonnes, key=lambda each: -tonnes[each]):
        origin = f"=prefectures/{year}/{name}"
        lines.append(
            Row(
                [
                    prefecture(name),
                    Number(tonnes[name], "mass", f"{origin}/tonnes"),
                    Number(local.get(name, 0.0) / tonnes[name], "share", f"{origin}/local"),
                    *(
                        Number(modes.get((name, mode), 0.0) / tonnes[name], "share", f"{origin}/{mode}")
                        for mode in shown
                    ),
                ],
                f"prefecture:{name}",
            )
        )
    heads = [
        head("report.prefectures.prefecture"),
        head("export", "mass"),
        head("local_gateway_share", "share"),
    ]
    return Table(
        "prefectures",
        say("report.prefectures.title"),
        [*heads, *(Head(mode_words(mode), "share") for mode in shown)],
        lines,
        chart=Chart("bars", {"label": 0, "value": 1, "part": 2}),
    )


def _airports(results: Results, rows: Sequence[Mapping[str, Any]], year: int) -> Table:
    """What leaves and enters by air through each airport, from where and to where."""
    flown = [row for row in results.facts[year].to_pylist() if row["mode"] == "air"]
    out = summed([row for row in flown if row["direction"] == "export"], "home_gateway")
    back = summed([row for row in flown if row["direction"] == "import"], "home_gateway")
    ours = [row for row in rows if row["mode"] == "air"]
    whole = sum(row["tonnes"] for row in ours) or 1.0
    lines = []
    for airport in sorted(out.keys() | back.keys(), key=lambda each: -out.get(each, 0.0)):
        mine = [row for row in ours if row["home_gateway"] == airport]
        origin = f"=airports/{year}/{airport}"
        share = sum(row["tonnes"] for row in mine) / whole
        places = [prefecture(name) for name in _largest(mine, "prefecture")]
        markets = [
            given(results.site_name(site, "en"), results.site_name(site, "zh"))
            for site in _largest(mine, "destination_site")
        ]
        lines.append(
            Row(
                [
                    given(results.site_name(airport, "en"), results.site_name(airport, "zh")),
                    Number(out.get(airport, 0.0), "tonnes", f"{origin}/export"),
                    Number(back.get(airport, 0.0), "tonnes", f"{origin}/import"),
                    Number(share, "share", f"{origin}/share"),
                    listed(places),
                    listed(markets),
                ],
                f"site:{airport}",
            )
        )
    heads = [head("report.prefectures.airport"), head("export", "tonnes"), head("import", "tonnes")]
    heads += [head("report.prefectures.air_share", "share"), head("report.prefectures.from")]
    heads += [head("report.prefectures.to")]
    return Table(
        "airports",
        say("report.prefectures.by_airport"),
        heads,
        lines,
        [say("report.prefectures.by_airport_note")],
        Chart("bars", {"label": 0, "value": 1}),
    )


def _largest(rows: Sequence[Mapping[str, Any]], key: str, most: int = 3) -> list[str]:
    sums = summed(rows, key)
    return sorted(sums, key=lambda each: -sums[each])[:most]


def _catchment(
    results: Results,
    everything: Sequence[Mapping[str, Any]],
    year: int,
    name: str,
    rows: Sequence[Mapping[str, Any]],
) -> Table:
    """Shares of each prefecture's exports by gateway: own gateways against those of other provinces."""
    through = summed(rows, "home_gateway")
    most = MOST_GATEWAYS if len(results.networks) == 1 else FEWER_GATEWAYS
    gateways = sorted((g for g in through if g), key=lambda g: -through[g])[:most]
    cells, whole = summed(rows, "prefecture", "home_gateway"), summed(rows, "prefecture")
    everyone = summed(everything, "prefecture")
    lines = []
    for place in sorted(everyone, key=lambda each: -everyone[each]):
        if not whole.get(place):
            continue
        shares = [
            Number(
                cells.get((place, g), 0.0) / whole[place], "share", f"=catchment_{name}/{year}/{place}/{g}"
            )
            for g in gateways
        ]
        amount = Number(whole[place], "mass", f"=catchment_{name}/{year}/{place}/all")
        lines.append(Row([prefecture(place), amount, *shares], f"prefecture:{place}"))
    heads = [head("report.prefectures.prefecture"), head("load", "mass")]
    heads += [Head(given(results.site_name(g, "en"), results.site_name(g, "zh")), "share") for g in gateways]
    return Table(
        f"catchment-{name}",
        say(f"report.prefectures.{name}"),
        heads,
        lines,
        [say(f"report.prefectures.{name}_note")],
        Chart("heat", {"from": 2}),
        wide=True,
    )


def prefecture(name: str) -> Words:
    """A prefecture by name, in Chinese where the engine has its words."""
    try:
        return say(f"report.prefecture.{name}")
    except KeyError:
        return given(name)
