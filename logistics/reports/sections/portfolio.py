"""A portfolio: which options run in which year at which airport, what each is worth, and the years."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from logistics.reports.blocks import (
    DASH,
    Block,
    Cell,
    Chart,
    Head,
    Note,
    Number,
    Row,
    Table,
    Total,
    Totals,
    Words,
    given,
    head,
    mode_words,
    named,
    say,
    term,
)
from logistics.reports.sections.columns import Column, cells_of, column_heads
from logistics.reports.sections.option_names import names_of_options
from logistics.reports.source import Results

MOST = 60
LAST = (
    Column("tonnes", "tonnes"),
    Column("load_factor", "share"),
    Column("running_cny", "money_small"),
    Column("annuity_cny", "money_small"),
    Column("operator_cny", "money_small", signed=True),
)
VALUES = (
    Column("value_low_cny", "money_small", signed=True),
    Column("value_high_cny", "money_small", signed=True),
)
YEARS = (
    Column("saved_cny", "money_small", signed=True),
    Column("running_cny", "money_small"),
    Column("annuity_cny", "money_small"),
    Column("net_benefit_cny", "money_small", signed=True),
    Column("newly_served_t", "tonnes"),
    Column("investment_cny", "money_small"),
    Column("subsidy_cny", "money_small"),
    Column("options", "count"),
    Column("routes", "count"),
    Column("overlap_before", "share"),
    Column("overlap_after", "share"),
    Column("discount_factor", "ratio"),
)


def portfolio_blocks(results: Results, year: int) -> Sequence[Block]:  # noqa: ARG001 - all years
    """The plan over all years: figures, years, options by airport, and the value of each."""
    plans, years = results.rows("portfolio_plans"), results.rows("portfolio_years")
    if not plans:
        return []
    blocks: list[Block] = [Note(*portfolio_verdict(plans[0])), _totals(plans[0], years), _years(years)]
    rows = list(enumerate(results.rows("portfolio")))
    if rows:
        blocks += [_options(results, rows), _by_airport(results, rows), _values(rows)]
    outside = results.rows("portfolio_outside")
    return [*blocks, _outside(results, outside)] if outside else blocks


def bound_words(plan: Mapping[str, Any]) -> Words:
    """Who proved the bound of a plan."""
    return say(f"report.bound_by.{plan['bound_by']}")


def portfolio_verdict(best: Mapping[str, Any]) -> tuple[Words, str]:
    """How far the best plan of ``portfolio_plans`` is proven, in a sentence, and whether that is good."""
    if best["value"] is None:
        return say("report.portfolio.no_plan", status=say(f"term.{best['status']}")), "bad"
    proof = say(
        "report.portfolio.proof",
        status=say(f"term.{best['status']}"),
        gap="–" if best["gap"] is None else f"{best['gap']:.1e}",
        bound_by=bound_words(best),
    )
    return proof, "good" if best["status"] == "optimal" else "warning"


def _totals(best: Mapping[str, Any], years: Sequence[Mapping[str, Any]]) -> Totals:
    """Benefit and its bound over all years, then what the last year comes to."""
    totals = [
        Total(say(f"report.column.{key}"), Number(best[key], "money_small", f"portfolio_plans/0/{key}"))
        for key in ("benefit_cny", "benefit_at_most_cny")
        if best[key] is not None
    ]
    if years:
        last = len(years) - 1
        row = years[last]
        for key, form in (("options", "count"), ("routes", "count")):
            words = say(f"report.portfolio.{key}_in", year=row["year"])
            totals.append(Total(words, Number(row[key], form, f"portfolio_years/{last}/{key}")))
        change = (row["overlap_after"] or 0.0) - (row["overlap_before"] or 0.0)
        totals.append(
            Total(
                say("report.portfolio.overlap_in", year=row["year"]),
                Number(row["overlap_after"], "share", f"portfolio_years/{last}/overlap_after"),
                Number(change, "points", "=overlap_change", signed=True),
                change <= 0,
            )
        )
    return Totals([total for total in totals if total.number.value is not None])


def _years(years: Sequence[Mapping[str, Any]]) -> Table:
    rows = []
    for i, row in enumerate(years):
        year = Number(row["year"], "year", f"portfolio_years/{i}/year")
        checked = term("yes" if row["verified"] else "no")
        rows.append(
            Row([year, *cells_of("portfolio_years", i, row, YEARS), checked], f"plan:{row['plan_id']}")
        )
    heads = [head("year", "year"), *column_heads(YEARS), head("verified")]
    title, note = say("report.portfolio.years"), say("report.portfolio.years_note")
    return Table("portfolio-years", title, heads, rows, [note], wide=True)


def _airport(results: Results, row: Mapping[str, Any]) -> Words:
    """Where an option starts; other options have no such place."""
    if not row["from_site"]:
        return DASH
    return given(results.site_name(row["from_site"], "en"), results.site_name(row["from_site"], "zh"))


def _options(results: Results, rows: Sequence[tuple[int, Mapping[str, Any]]]) -> Table:
    """One row an option, by the place where it starts, with its departures in each year."""
    years = sorted(results.networks)
    by_option: dict[str, dict[int, tuple[int, Mapping[str, Any]]]] = {}
    for i, row in rows:
        by_option.setdefault(row["unit_id"], {})[row["year"]] = (i, row)
    order = sorted(by_option.values(), key=lambda mine: _key(next(iter(mine.values()))[1]))
    lines = []
    for mine in order[:MOST]:
        last_i, last = mine[max(mine)]
        cells: list[Cell] = [_airport(results, last), named(last, last["unit_id"])]
        cells.append(mode_words(last["mode"]) if last["mode"] else DASH)
        for year in years:
            i, row = mine.get(year, (-1, {}))
            departs = row.get("departures_per_week") if row else None
            runs = say("report.portfolio.runs") if row and not departs else None
            cells.append(runs or Number(departs, "departures", f"portfolio/{i}/departures_per_week"))
        opens = next((year for year in years if year in mine and mine[year][1]["opens"]), None)
        opened = mine[opens][0] if opens else -1
        cells.append(Number(opens, "year", f"portfolio/{opened}/year"))
        cells.append(
            Number(
                mine[opens][1]["investment_cny"] if opens else None,
                "money_small",
                f"portfolio/{opened}/investment_cny",
            )
        )
        lines.append(Row([*cells, *cells_of("portfolio", last_i, last, LAST)], f"plan:{last['plan_id']}"))
    heads = [head("report.portfolio.place"), head("report.column.option_id"), head("mode")]
    heads += [Head(given(year), "departures") for year in years]
    heads += [head("report.portfolio.opening", "year"), head("report.column.investment_cny", "money_small")]
    notes = [say("report.portfolio.options_note")]
    if len(order) > MOST:
        notes.append(say("tables.largest", shown=MOST, whole=len(order), name="portfolio"))
    title = say("report.portfolio.options")
    return Table("portfolio", title, [*heads, *column_heads(LAST)], lines, notes, wide=True)


def _key(row: Mapping[str, Any]) -> tuple[bool, str, str, str]:
    return (not row["from_site"], row["from_site"], row["mode"], row["unit_id"])


def _by_airport(results: Results, rows: Sequence[tuple[int, Mapping[str, Any]]]) -> Table:
    """Options and departures a week by year and place of departure."""
    sums: dict[tuple[int, str], list[float]] = {}
    for _, row in rows:
        if row["from_site"]:
            both = sums.setdefault((row["year"], row["from_site"]), [0.0, 0.0])
            both[0] += 1
            both[1] += row["departures_per_week"] or 0.0
    lines = []
    for (year, site), (count, departures) in sorted(sums.items()):
        origin = f"=portfolio_by_airport/{year}/{site}"
        lines.append(
            Row(
                [
                    Words(str(year), str(year)),
                    given(results.site_name(site, "en"), results.site_name(site, "zh")),
                    Number(count, "count", f"{origin}/count"),
                    Number(departures, "departures", f"{origin}/departures"),
                ],
                f"site:{site}",
            )
        )
    heads = [head("year"), head("report.portfolio.place"), head("report.column.options", "count")]
    heads += [head("report.column.departures_per_week", "departures")]
    chart = Chart("groups", {"group": 0, "part": 1, "value": 3})
    title = say("report.portfolio.by_airport")
    return Table("portfolio-airports", title, heads, lines, chart=chart, wide=True)


def _values(rows: Sequence[tuple[int, Mapping[str, Any]]]) -> Table:
    """What the plan would lose without each unit: the same in all its years, so told once."""
    first: dict[str, tuple[int, Mapping[str, Any]]] = {}
    for i, row in rows:
        first.setdefault(row["unit_id"], (i, row))
    order = sorted(first.values(), key=lambda pair: -(pair[1]["value_low_cny"] or 0.0))
    lines = [
        Row([named(row, row["unit_id"]), *cells_of("portfolio", i, row, VALUES), _sign(row)])
        for i, row in order[:MOST]
    ]
    return _interval_table("portfolio-values", lines, say("report.portfolio.values_note"))


def _outside(results: Results, outside: Sequence[Mapping[str, Any]]) -> Table:
    names = names_of_options(results)
    lines = [
        Row(
            [
                names.get(row["unit_id"], given(row["unit_id"])),
                *cells_of("portfolio_outside", i, row, VALUES),
                _sign(row),
            ]
        )
        for i, row in enumerate(outside)
    ]
    return _interval_table("portfolio-outside", lines, say("report.portfolio.outside_note"))


def _interval_table(name: str, lines: Sequence[Row], note: Words) -> Table:
    heads = [head("report.column.unit_id"), *column_heads(VALUES), head("report.column.value_sign")]
    chart = Chart("intervals", {"label": 0, "low": 1, "high": 2})
    return Table(name, say(f"report.{name.replace('-', '.')}"), heads, lines, [note], chart)


def _sign(row: Mapping[str, Any]) -> Words:
    return say(f"report.sign.{row['value_sign']}")
