"""Orders in which rows of results are shown, on the page as on the terminal."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


def by_regret(row: Mapping[str, Any]) -> tuple[bool, float, float, str]:
    """Order of a plan's row: the least largest regret, then by upper ends, then by lower ones."""
    most = row.get("largest_regret_at_most_cny")
    return (
        not row["least_of_largest"],
        float("inf") if most is None else most,
        row["largest_regret_cny"],
        row["plan"],
    )
