"""Problems for cells of a result's tables that do not follow from its plan and inputs."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from logistics.errors import Problem, Where
from logistics.results.claims import CLOSE
from logistics.results.layout import RESULT


def same(a: Any, b: Any, close: float = CLOSE) -> bool:
    """Whether two cells are the same: numbers so nearly, and blank ones with empty or zero ones."""
    if isinstance(a, float | int) and isinstance(b, float | int):
        return bool(abs(a - b) <= close * max(1.0, abs(b)))
    return bool((a or "") == (b or ""))


def shown(value: Any) -> str:
    """A cell as a problem shows it."""
    if isinstance(value, bool):
        return str(value).lower()
    return "" if value is None else f"{value:.12g}" if isinstance(value, float) else str(value)


def unfit(file: str, column: str, subject: str, found: str, due: str) -> Problem:
    """A problem: what is chosen, or changed, is not what study and tables give."""
    return Problem("verify.siting", Where(_file(file), 0, column), found, due, subject)


def differing(
    table: str, thing: str, said: Mapping[str, Any], own: Mapping[str, Any], close: float = CLOSE
) -> Iterator[Problem]:
    """Yield a problem for each cell of a row that does not follow.

    Columns that an older folder lacks are left out.

    Parameters
    ----------
    table, thing
        Where the row stands, and what it is about.
    said, own
        The row as it was written, and what it must say.
    close
        Relative difference that is allowed.
    """
    for name in sorted(own.keys() & said.keys()):
        if not same(said[name], own[name], close):
            where = Where(_file(table), 0, name)
            yield Problem("verify.bill", where, shown(said[name]), shown(own[name]), f"{thing} {name}")


def _file(table: str) -> str:
    return table if table == RESULT else f"{table}.parquet"
