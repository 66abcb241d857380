"""Which rules on options cannot hold together."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from logistics.integer_solver import MixedProgram, MixedStop, solve_mixed
from logistics.models.design.problem import SideRows

SECONDS = 10.0
"""Time limit of each program."""


def conflicting_rows(rows: SideRows, options: int) -> tuple[str, ...]:
    """Names of rows that no choice keeps together, none of them needless; empty: all can be kept, or unknown.

    Rows are left out one by one; what is infeasible without a row does not need it.
    """
    kept = np.ones(len(rows.ids), bool)
    if not _impossible(rows, kept, options):
        return ()
    for row in range(len(rows.ids)):
        kept[row] = False
        kept[row] = not _impossible(rows, kept, options)
    return tuple(name for name, one in zip(rows.ids, kept.tolist(), strict=True) if one)


def _impossible(rows: SideRows, kept: NDArray[np.bool_], options: int) -> bool:
    """Whether it is proven that no choice keeps some of the rows."""
    program = MixedProgram(
        cost=np.zeros(options),
        lower=np.zeros(options),
        upper=np.ones(options),
        whole=np.ones(options, bool),
        row=rows.row,
        column=rows.option,
        value=rows.value,
        row_lower=np.where(kept, rows.lower, -np.inf),
        row_upper=np.where(kept, rows.upper, np.inf),
    )
    return solve_mixed(program, "scip", MixedStop(gap=0.0, time_limit_s=SECONDS)).outcome == "infeasible"
