"""The model against published figures."""

from __future__ import annotations

from collections.abc import Sequence

from logistics.reports.blocks import Block, Chart, Note, Number, Row, Table, Words, head, named, say, term
from logistics.reports.forms import FORMS
from logistics.reports.source import Results

HEADS = (
    head("figure"),
    head("use"),
    head("unit"),
    head("modelled"),
    head("observed"),
    head("low"),
    head("high"),
    head("within_band"),
)


def base_case_blocks(results: Results, year: int) -> Sequence[Block]:
    """Each published figure, its band, and what the plan comes to; only where the network is as it was."""
    if results.rows("changes") or results.rows("limits"):
        return []
    rows, inside = [], 0
    for i, row in enumerate(results.rows("observed")):
        if row["year"] != year:
            continue
        form = "tonnes" if row["measure"] == "tonnes" else "share"
        figures = [
            Number(row[key], form, f"observed/{i}/{key}") for key in ("modelled", "observed", "low", "high")
        ]
        inside += row["within_band"]
        within = term("yes" if row["within_band"] else "no")
        unit = Words(FORMS[form]["en"].unit, FORMS[form]["zh"].unit)
        rows.append(Row([named(row, row["observed_id"]), term(row["use"]), unit, *figures, within]))
    if not rows:
        return []
    found = say("report.base_case.inside", inside=inside, count=len(rows))
    table = Table(
        "observed",
        say("observed.title"),
        HEADS,
        rows,
        chart=Chart("bands", {"label": 0, "value": 3, "observed": 4, "low": 5, "high": 6}),
        wide=True,
    )
    return [Note(found, "good" if inside == len(rows) else "warning"), table]
