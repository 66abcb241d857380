"""What a section of a comparison is, and the table that most of them show."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from logistics.reports.blocks import Block, Cell, Chart, Head, Number, Row, Table, Words, given, say
from logistics.reports.source import Results

Values = Mapping[object, float]


@dataclass(frozen=True)
class ComparedSection:
    """A section of a comparison.

    Parameters
    ----------
    name
        Its anchor; the words of its head are ``report.section.<name>``.
    blocks
        What it shows of results, each in its last year; the first is what the others are held against.
    """

    name: str
    blocks: Callable[[Sequence[Results]], Sequence[Block]]


@dataclass(frozen=True)
class Line:
    """A row of a comparison: its label, the form of its values, and what it stands for on the map."""

    label: Sequence[Cell]
    form: str
    place: str = ""


def result_name(results: Results) -> Words:
    """Name of a result: that of its scenario."""
    name = results.document["scenario"]["name"]
    return given(name["en"], name["zh"])


def last_year(results: Results) -> int:
    """Year in which a result is compared."""
    return max(results.networks)


def compared_table(
    name: str,
    title: Words,
    labels: Sequence[Head],
    lines: Mapping[object, Line],
    values: Sequence[Values],
    results: Sequence[Results],
    *,
    form: str = "",
    missing: float | None = 0.0,
    chart: Chart | None = None,
    notes: Sequence[Words] = (),
) -> Table:
    """A row a line: its value in the first result, then in each other with the difference.

    Parameters
    ----------
    name, title, labels, chart, notes
        As of the table.
    lines
        Rows in order, by key.
    values
        By result: value by key.
    form
        Form whose unit stands in the heads; empty where rows differ in it.
    missing
        Value where a result does not know a key.
    """
    heads = [*labels, Head(result_name(results[0]), form)]
    for each in results[1:]:
        heads += [Head(result_name(each), form), Head(say("term.difference"), _of_differences(form))]
    rows = []
    for key, line in lines.items():
        before = values[0].get(key, missing)
        cells: list[Cell] = [*line.label, Number(before, line.form, f"={name}/{key}/0")]
        for i, mine in enumerate(values[1:], 1):
            after = mine.get(key, missing)
            difference = None if before is None or after is None else after - before
            shape = _of_differences(line.form)
            cells.append(Number(after, line.form, f"={name}/{key}/{i}"))
            cells.append(Number(difference, shape, f"={name}/{key}/{i}/difference", signed=True))
        rows.append(Row(cells, line.place))
    return Table(name, title, heads, rows, notes, chart, wide=True)


def _of_differences(form: str) -> str:
    return "points" if form == "share" else form


def year_note(results: Sequence[Results]) -> list[Words]:
    """Says which year a table is about, where a result has several."""
    if all(len(each.networks) == 1 for each in results):
        return []
    return [say("report.compared.year", years=", ".join(str(last_year(each)) for each in results))]


def largest_changes(values: Sequence[Values], most: int) -> list[object]:
    """Keys whose value differs most from the first result's, largest first."""
    keys = sorted({key for mine in values for key in mine}, key=str)
    change = {key: max(abs(mine.get(key, 0.0) - values[0].get(key, 0.0)) for mine in values) for key in keys}
    return [key for key in sorted(keys, key=lambda key: (-change[key], str(key)))[:most] if change[key] > 0]
