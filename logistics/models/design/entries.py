"""A mixed-integer program while it is put together, column by column and row by row."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from logistics.integer_solver import MixedProgram

Floats = NDArray[np.float64]
Longs = NDArray[np.int64]


class ProgramEntries:
    """Parts of a program, joined in the end."""

    def __init__(self) -> None:
        self.cost: list[Floats] = []
        self.upper: list[Floats] = []
        self.bounds: list[tuple[Floats, Floats]] = []
        self.entries: list[tuple[Longs, Longs, Floats]] = []
        self.num_columns = self.num_rows = 0

    def columns(self, cost: Floats, upper: Floats) -> Longs:
        """Add columns ≥ 0."""
        self.cost.append(cost)
        self.upper.append(upper)
        self.num_columns += len(cost)
        return np.arange(self.num_columns - len(cost), self.num_columns)

    def rows(self, lower: Floats, upper: Floats) -> Longs:
        """Add rows."""
        self.bounds.append((lower, upper))
        self.num_rows += len(lower)
        return np.arange(self.num_rows - len(lower), self.num_rows)

    def put(self, row: Longs, column: Longs, value: Floats) -> None:
        """Add entries."""
        self.entries.append((row, column, value))

    def program(self, lower: Floats) -> MixedProgram:
        """Put it all together; the first columns are whole, with these lower bounds."""
        whole = np.arange(self.num_columns) < len(lower)
        lowest = np.zeros(self.num_columns)
        lowest[: len(lower)] = lower
        rows, columns, values = (np.concatenate(part) for part in zip(*self.entries, strict=True))
        return MixedProgram(
            cost=np.concatenate(self.cost),
            lower=lowest,
            upper=np.concatenate(self.upper),
            whole=whole,
            row=rows,
            column=columns,
            value=values,
            row_lower=np.concatenate([low for low, _ in self.bounds]),
            row_upper=np.concatenate([high for _, high in self.bounds]),
        )
