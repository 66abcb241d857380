"""The page of a batch: how the runs ended, the best and the worst, and which values matter most."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from logistics.batches.table import RUNS_TABLE, VALUE, read_runs_table
from logistics.reports.blocks import Block, Chart, Head, Number, Row, Table, Words, given, head, say, term
from logistics.reports.outputs import PAGE, write_page
from logistics.reports.page import Page, Part, page_html
from logistics.version import VERSION

MEASURES = {"money_cny": "money", "customer_hours_mean": "days", "co2_t": "co2"}
"""What runs are held against each other by, and how it is shown."""
SHARES = {
    0.0: "batch.page_lowest",
    0.1: "batch.page_p10",
    0.5: "batch.page_median",
    0.9: "batch.page_p90",
    1.0: "batch.page_highest",
}
"""Points of the spread of a family's outcomes: share of the runs below them, and their names."""
MOST_ENDS, MOST_RUNS, MOST_BINS = 5, 2000, 6


def write_batch_page(folder: Path, lang: str) -> Path:
    """Write the page of a batch into its folder, from its table of runs, and return its place."""
    path = folder / PAGE
    write_page(path, page_html(_page(folder), lang))
    return path


def _page(folder: Path) -> Page:
    rows = [row for row in read_runs_table(folder).to_pylist() if row["asked"] is not False]
    failed = sum(row["status"] == "failed" for row in rows)
    ended = {"done": len(rows) - failed, "failed": failed}
    solved = [row for row in rows if row["status"] in ("optimal", "limit")]
    parts = [Part("runs", say("batch.page_runs"), {0: [_ends(rows), *_best_and_worst(solved), _all(rows)]})]
    for name, members in _families(solved):
        blocks = [*_spread(name, members), *_sensitivity(name, members), *_curves(name, members)]
        if blocks:
            parts.append(Part(_anchor(name), given(name), {0: blocks}))
    return Page(
        title=given(folder.name),
        subtitle=say("batch.page_title", count=len(rows)),
        verdict=(say("batch.page_verdict", **ended), "bad" if failed else "good"),
        years=(),
        parts=parts,
        snapshots=(),
        engine=VERSION,
    )


def _anchor(name: str) -> str:
    return "".join(letter if letter.isalnum() else "-" for letter in name)


def _origin(row: Mapping[str, Any], column: str) -> str:
    return f"{RUNS_TABLE.removesuffix('.parquet')}/{row['run']}/{column}"


def _ends(rows: Sequence[Mapping[str, Any]]) -> Table:
    """How many runs ended in which way."""
    counts: dict[str, int] = {}
    for row in rows:
        counts[row["status"]] = counts.get(row["status"], 0) + 1
    cells = [Row((term(status), Number(count, "count", "=runs"))) for status, count in counts.items()]
    return Table("ends", say("batch.page_ends"), (head("status"), head("batch.page_count", "count")), cells)


def _best_and_worst(rows: Sequence[Mapping[str, Any]]) -> Iterator[Block]:
    """The runs at both ends of each measure."""
    for measure, form in MEASURES.items():
        known = sorted(
            (row for row in rows if row.get(measure) is not None), key=lambda row: float(row[measure])
        )
        if len(known) < 2:
            continue
        shown = known if len(known) <= 2 * MOST_ENDS else known[:MOST_ENDS] + known[-MOST_ENDS:]
        cells = [
            Row((given(row["scenario"]), Number(row[measure], form, _origin(row, measure)))) for row in shown
        ]
        title = say("batch.page_best", measure=term(measure))
        heads = head("batch.page_run"), head(measure, form)
        chart = Chart("bars", {"label": 0, "value": 1})
        yield Table(f"best-{_anchor(measure)}", title, heads, cells, chart=chart)


def _all(rows: Sequence[Mapping[str, Any]]) -> Table:
    """All runs with their values."""
    values = [name for name in rows[0] if name.startswith(VALUE)] if rows else []
    values = [name for name in values if any(row[name] is not None for row in rows)]
    measures = [name for name in MEASURES if rows and name in rows[0]]
    heads = [head("batch.page_run"), head("status")]
    heads += [Head(given(name.removeprefix(VALUE))) for name in values]
    heads += [head(name, MEASURES[name]) for name in measures]
    cells = []
    for row in rows[:MOST_RUNS]:
        own: list[Words | Number] = [given(row["scenario"]), term(row["status"])]
        own += [given("" if row[name] is None else _words(row[name])) for name in values]
        own += [Number(row[name], MEASURES[name], _origin(row, name)) for name in measures]
        cells.append(Row(own))
    notes = [say("batch.page_cut", shown=MOST_RUNS, count=len(rows))] if len(rows) > MOST_RUNS else []
    return Table("all-runs", say("batch.page_all"), heads, cells, notes, wide=True)


def _words(value: object) -> str:
    return f"{value:.6g}" if isinstance(value, float) else str(value)


def _families(rows: Sequence[Mapping[str, Any]]) -> Iterator[tuple[str, list[Mapping[str, Any]]]]:
    """Members of each family of variants, by its name."""
    families: dict[str, list[Mapping[str, Any]]] = {}
    for row in rows:
        if "." in row["variant"]:
            families.setdefault(row["scenario"].rpartition(".")[0], []).append(row)
    yield from families.items()


def _spread(family: str, members: Sequence[Mapping[str, Any]]) -> Iterator[Table]:
    """How far the outcomes of a family lie apart."""
    cells = []
    for measure, form in MEASURES.items():
        known = [float(row[measure]) for row in members if row.get(measure) is not None]
        if len(known) < 2:
            continue
        points = zip(SHARES, np.quantile(known, list(SHARES)).tolist(), strict=True)
        numbers = [Number(value, form, f"=quantile/{share:g}/{measure}") for share, value in points]
        cells.append(Row((term(measure), *numbers)))
    if cells:
        heads = head("batch.page_measure"), *(head(key) for key in SHARES.values())
        yield Table(f"spread-{_anchor(family)}", say("batch.page_spread", count=len(members)), heads, cells)


def _dimensions(members: Sequence[Mapping[str, Any]]) -> list[str]:
    """Dimensions along which members differ."""
    names = [name for name in members[0] if name.startswith(VALUE)]
    return [name for name in names if len({row[name] for row in members} - {None}) > 1]


def bins_of(members: Sequence[Mapping[str, Any]], name: str, measure: str) -> list[tuple[float | str, float]]:
    """Mean of a measure along a dimension: by value, or by equal parts of the members where there are many.

    Returns
    -------
    list of pair
        Value (of a part: its mean) and mean of the measure, in order.
    """
    known = [(row[name], float(row[measure])) for row in members if None not in (row[name], row[measure])]
    groups: dict[Any, list[tuple[Any, float]]] = {}
    for pair in sorted(known, key=lambda pair: pair[0]):
        groups.setdefault(pair[0], []).append(pair)
    if len(groups) > MOST_BINS and all(isinstance(value, int | float) for value in groups):
        ordered = [pair for group in groups.values() for pair in group]
        size = -(-len(ordered) // MOST_BINS)
        groups = {first: ordered[first : first + size] for first in range(0, len(ordered), size)}
    found: list[tuple[float | str, float]] = []
    for group in groups.values():
        values = [value for value, _ in group]
        middle = values[0] if isinstance(values[0], str | bool) else sum(values) / len(values)
        found.append((middle, sum(amount for _, amount in group) / len(group)))
    return found


def _sensitivity(family: str, members: Sequence[Mapping[str, Any]]) -> Iterator[Block]:
    """Which dimension moves a measure most: the widths of the means along each."""
    for measure, form in MEASURES.items():
        widths = []
        for name in _dimensions(members):
            means = [mean for _, mean in bins_of(members, name, measure)]
            if len(means) > 1:
                widths.append((max(means) - min(means), name.removeprefix(VALUE)))
        if len(widths) < 2:
            continue
        cells = [
            Row((given(name), Number(width, form, f"=range of means/{name}/{measure}")))
            for width, name in sorted(widths, reverse=True)
        ]
        title = say("batch.page_ranking", measure=term(measure))
        heads = head("batch.page_value"), head("batch.page_width", form)
        chart = Chart("bars", {"label": 0, "value": 1})
        notes = [say("batch.page_ranking_note")]
        yield Table(f"ranking-{_anchor(family)}-{_anchor(measure)}", title, heads, cells, notes, chart)


def _curves(family: str, members: Sequence[Mapping[str, Any]]) -> Iterator[Block]:
    """Small multiples: each measure along each dimension."""
    for name in _dimensions(members):
        dimension = name.removeprefix(VALUE)
        for measure, form in MEASURES.items():
            bins = bins_of(members, name, measure)
            if len(bins) < 2:
                continue
            numeric = not any(isinstance(value, str | bool) for value, _ in bins)
            cells = []
            for value, mean in bins:
                first = (
                    Number(float(value), "plain", f"=mean of values/{dimension}")
                    if numeric
                    else given(str(value))
                )
                cells.append(Row((first, Number(mean, form, f"=mean/{dimension}/{measure}"))))
            title = say("batch.page_along", measure=term(measure), dimension=given(dimension))
            heads = Head(given(dimension), "plain" if numeric else ""), head(measure, form)
            place = f"along-{_anchor(family)}-{_anchor(dimension)}-{_anchor(measure)}"
            yield Table(place, title, heads, cells, chart=Chart("bars", {"label": 0, "value": 1}))
