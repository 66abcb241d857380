"""Tables of a year's pieces put together: ranks and details are those of the year, not of its pieces."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from logistics.studies.route_tables import PROPOSALS, STANDING
from logistics.studies.route_worth import Measure

DETAILED = ("tornado", "corridors")
"""Tables of the detailed proposals alone."""
FIGURE = {"net_benefit": "net_benefit_cny", "objective": "delta_high"}


def tables_of_pieces(
    years: Sequence[Sequence[Mapping[str, pa.Table]]], measure: Measure, details: int
) -> dict[str, pa.Table]:
    """Tables of the study from those of its pieces, by year.

    Parameters
    ----------
    years
        Tables of the pieces of each year, without those whose base has no plan.
    details
        How many proposals of a year keep plan, tornado and corridor: each is among the best of its piece.
    """
    whole = [_year(pieces, measure, details) for pieces in years if pieces]
    names = dict.fromkeys(name for tables in whole for name in tables)
    return {name: pa.concat_tables([tables[name] for tables in whole]) for name in names}


def _year(pieces: Sequence[Mapping[str, pa.Table]], measure: Measure, details: int) -> dict[str, pa.Table]:
    tables = {name: pa.concat_tables([piece[name] for piece in pieces]) for name in pieces[0]}
    if len(pieces) == 1:
        return tables
    rows = tables["proposals"].to_pylist()
    judged = sorted((row for row in rows if row["rank"] is not None), key=lambda row: _place(row, measure))
    best = [row["proposal_id"] for row in judged if row["status"] == "worth"][:details]
    for rank, row in enumerate(judged, 1):
        row["rank"] = rank
        row["plan_id"] = row["plan_id"] if row["proposal_id"] in best else ""
    order = {row["proposal_id"]: place for place, row in enumerate(judged)}
    rest = [row for row in rows if row["rank"] is None]
    tables["proposals"] = pa.Table.from_pylist(judged + rest, PROPOSALS)
    for name, table in tables.items():
        if name == "proposals":
            continue
        kept = table
        if name in DETAILED:
            kept = table.filter(pc.is_in(table["proposal_id"], pa.array(best, pa.string())))
        places = [order[proposal_id] for proposal_id in kept["proposal_id"].to_pylist()]
        tables[name] = kept.take(pa.array(sorted(range(len(places)), key=places.__getitem__), pa.int64()))
    return tables


def _place(row: Mapping[str, Any], measure: Measure) -> tuple[float, float, float, str]:
    """Where a row stands; as :func:`~logistics.studies.route_tables.ranked` has it."""
    figure = row[FIGURE[measure]]
    bound = row["at_most"]
    return (
        STANDING[row["status"]],
        0.0 if figure is None else -figure,
        -float("inf") if bound is None else -bound,
        row["proposal_id"],
    )
