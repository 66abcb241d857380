"""Which format a file of numbers is in: by how many there are and how they stand in lines.

With m sites and n customers all of the matrix formats hold the same count of numbers:

    sites     (OR-Library)      m n; m × (capacity, fixed); n × (demand, m costs)
    pairs     (Holmberg et al.) m n; m × (capacity, fixed); n demands; m × n costs
    rows      (Díaz, Yang, …)   m n; m capacities; m fixed; n demands; n × m costs
    unit      (TBED1)           m n; n demands; m capacities; m fixed; m × n costs a unit

UflLib's has ``FILE:`` in its first line: m n 0; m × (number, fixed, n costs). A graph is n edges p;
edges × (from, to, length). Two stages are I J K; K demands; I × (capacity, fixed); I × J costs;
J × (capacity, fixed); J × K costs.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from benchmarks.files import head

Layout = Literal["sites", "pairs", "rows", "unit", "ufllib", "graph", "two_stage", "distances"]
UNNAMED = "capacity"
"""What some files of the OR-Library have for a capacity that their users choose."""
TABLE_COLUMNS = ("distance", "name", "destinationname", "demand")


@dataclass(frozen=True)
class NumberFile:
    """Numbers of a file.

    Parameters
    ----------
    layout
        How they stand.
    first
        Those of the first line of numbers.
    rest
        All others in order; nan where a capacity is left open.
    """

    layout: Layout
    first: tuple[int, ...]
    rest: NDArray[np.float64]


def layout_of(path: Path) -> Layout | None:
    """The layout of a file; None: none of these."""
    start = head(path).lstrip()
    if start.replace('"', "").lower().startswith(",".join(TABLE_COLUMNS)):
        return "distances"
    found = read_numbers(path) if _may_be_numbers(start) else None
    return None if found is None else found.layout


def read_numbers(path: Path) -> NumberFile | None:
    """Read a file of numbers; None: its numbers fit no layout."""
    lines = [line.split() for line in path.read_text(encoding="utf-8", errors="replace").splitlines()]
    lines = [line for line in lines if line]
    is_ufllib = bool(lines) and lines[0][0].upper().startswith("FILE:")
    lines = lines[1:] if is_ufllib else lines
    if not lines:
        return None
    words = [word for line in lines[1:] for word in line]
    try:
        first = tuple(int(word) for word in lines[0])
        rest = np.array(["nan" if word == UNNAMED else word for word in words], dtype=np.float64)
    except ValueError:
        return None
    if min(first, default=0) < 0 or not first or np.isinf(rest).any():
        return None
    layout = _layout(first, [len(line) for line in lines[1:]], rest, is_ufllib=is_ufllib)
    if layout is None or (np.isnan(rest).any() and layout != "sites"):
        return None
    return NumberFile(layout, first, rest)


def _may_be_numbers(start: str) -> bool:
    """Whether the first line is one of two or three whole numbers, or UflLib's."""
    first = start.split("\n", 1)[0].split()
    if first and first[0].upper().startswith("FILE:"):
        return True
    return len(first) in (2, 3) and all(word.isdecimal() for word in first)


def _layout(
    first: tuple[int, ...], lengths: list[int], rest: NDArray[np.float64], *, is_ufllib: bool
) -> Layout | None:
    if is_ufllib:
        fits = len(first) >= 2 and len(rest) == first[0] * (first[1] + 2)
        return "ufllib" if fits else None
    if len(first) == 3:
        a, b, c = first
        if 0 < c <= a and len(rest) == 3 * b:
            return "graph"
        return "two_stage" if min(first) > 0 and len(rest) == c + 2 * a + a * b + 2 * b + b * c else None
    if len(first) != 2 or min(first) == 0:
        return None
    sites, customers = first
    # Some files end with the optimum.
    if len(rest) - (2 * sites + customers + sites * customers) not in (0, 1) or len(lengths) < 4:
        return None
    return _matrix_layout(sites, customers, lengths, rest)


def _matrix_layout(
    sites: int, customers: int, lengths: list[int], rest: NDArray[np.float64]
) -> Layout | None:
    """Which of the four matrix formats, by the lengths of lines, and by sums where these leave it open."""
    if lengths[:sites] == [2] * sites and (sites != 2 or lengths[2] != customers or lengths[3] != 2):
        after = lengths[sites]
        if after in (1, sites + 1) and not (after == customers and after != 1):
            return "sites"
        return "pairs"
    is_rows = lengths[:3] == [sites, sites, customers]
    is_unit = lengths[:3] == [customers, sites, sites]
    if is_rows and is_unit:
        # As many sites as customers: capacities hold the demand.
        is_rows = bool(rest[:sites].sum() >= rest[2 * sites : 3 * sites].sum())
    return "rows" if is_rows else "unit" if is_unit else None
