"""How long it takes, and what is kept of what was promised."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from logistics.reports.blocks import Block, Chart, Number, Row, Table, head, say
from logistics.reports.source import Results

DAYS = ("mean_h", "p10_h", "p50_h", "p90_h")


def promise_blocks(results: Results, year: int) -> Sequence[Block]:
    """Days by direction and segment, on the customer's clock and from door to door."""
    mine = [
        (i, row)
        for i, row in enumerate(results.rows("segment_times"))
        if row["year"] == year and row["tonnes"] > 0
    ]
    if not mine:
        return []
    return [_times(mine, "customer", ""), _times(mine, "pipeline", "pipeline_")]


def _times(mine: Sequence[tuple[int, dict[str, Any]]], clock: str, prefix: str) -> Table:
    shares = ("share_within_promise", "share_within_promise_simulated") if clock == "customer" else ()
    rows = []
    for i, row in mine:
        label = say(
            "report.promises.label",
            direction=say(f"term.{row['direction']}"),
            segment=say(f"term.{row['segment']}"),
        )
        cells = [Number(row["tonnes"], "mass", f"segment_times/{i}/tonnes")]
        cells += [Number(row[f"{prefix}{key}"], "days", f"segment_times/{i}/{prefix}{key}") for key in DAYS]
        cells += [Number(row[key], "share", f"segment_times/{i}/{key}") for key in shares]
        rows.append(Row([label, *cells]))
    heads = [head("segment"), head("load", "mass")]
    heads += [head(key, "days") for key in ("mean", "p10", "p50", "p90")]
    heads += [head(key, "share") for key in ("in_time", "in_time_simulated")] if shares else []
    return Table(
        f"times-{clock}",
        say(f"report.promises.{clock}"),
        heads,
        rows,
        [say("times.caption" if shares else "report.promises.pipeline_note")],
        Chart("ranges", {"label": 0, "mean": 2, "low": 3, "middle": 4, "high": 5}),
    )
