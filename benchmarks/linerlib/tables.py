"""Ports, vessel classes, distances and demand, found by their headers, whatever the files are called."""

from __future__ import annotations

import csv
import math
import os
from collections.abc import Callable, Iterable, Iterator, Set
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TypeVar

from benchmarks.files import files_below, head
from benchmarks.spec import BenchmarkError

PUBLISHER = "https://github.com/blof/LINERLIB"
T = TypeVar("T")


@dataclass(frozen=True)
class Port:
    """A port; money in USD, nan where the table has none.

    Parameters
    ----------
    code
        UN/LOCODE.
    full, transfer
        To load or discharge one FFE; to move one FFE from ship to ship.
    call, call_per_ffe
        Of a call: fixed, and per FFE of the ship's capacity.
    """

    code: str
    full: float
    transfer: float
    call: float
    call_per_ffe: float


@dataclass(frozen=True)
class VesselClass:
    """A class of ships.

    Parameters
    ----------
    capacity_ffe
        Containers of 40 feet it takes.
    charter_usd_per_day
        Time charter.
    min_knots, design_knots
        Slowest speed; speed at which it burns `fuel_t_per_day`.
    fuel_t_per_day, idle_t_per_day
        Bunker at sea at design speed, and in port.
    panama_usd, suez_usd
        Fee of one traversal; nan: too large for it.
    """

    name: str
    capacity_ffe: float
    charter_usd_per_day: float
    min_knots: float
    design_knots: float
    fuel_t_per_day: float
    idle_t_per_day: float
    panama_usd: float
    suez_usd: float


@dataclass(frozen=True)
class Way:
    """One way from port to port: nautical miles and traversals of each canal."""

    miles: float
    panama: int
    suez: int


@dataclass(frozen=True)
class Demand:
    """Weekly demand between two ports, in FFE; revenue in USD per FFE."""

    origin: str
    destination: str
    ffe: float
    revenue: float


@dataclass(frozen=True)
class Tables:
    """All that a network is priced from.

    Parameters
    ----------
    ways
        By ends.
    demands
        One tuple for each demand table of different content, rows in order of their ends.
    """

    ports: dict[str, Port]
    classes: dict[float, VesselClass]
    ways: dict[tuple[str, str], tuple[Way, ...]]
    demands: tuple[tuple[Demand, ...], ...]


COLUMNS = {
    "ports": ("unlocode", "costperfull", "costperfulltrnsf", "portcallcostfixed", "portcallcostperffe"),
    "classes": (
        "vesselclass",
        "capacityffe",
        "tcratedailyfixedcost",
        "minspeed",
        "designspeed",
        "bunkertonperdayatdesignspeed",
        "idleconsumptiontonday",
        "panamafee",
        "suezfee",
    ),
    "ways": ("fromunlocode", "tounlocode", "distance", "ispanama", "issuez"),
    "demand": ("origin", "destination", "ffeperweek", "revenue1"),
}
"""Columns that make a table of this kind; further ones are not read."""


def kind_of(path: Path) -> str | None:
    """Which table a file holds, by its header; None: none of these."""
    line = head(path).splitlines()
    names = {_plain(cell) for cell in _cells(line[0])} if line else set()
    return next((kind for kind, columns in COLUMNS.items() if names.issuperset(columns)), None)


def tables_near(log: Path, top: Path, codes: Set[str]) -> Tables:
    """Read the tables nearest to `log`: of its folder, else of the nearest folder above that has all kinds.

    Of the distances only those between ports in `codes`.

    Raises
    ------
    BenchmarkError
        When a kind of table is nowhere up to `top`, or two files of a kind differ.
    """
    # Links stay as they are, so that a folder reached through one is still below `top`.
    folder, top = (Path(os.path.normpath(path.absolute())) for path in (log.parent, top))
    above = [folder, *folder.parents]
    above = above[: above.index(top) + 1] if top in above else above[:1]
    missing: list[str] = []
    for place in above:
        files: dict[str, list[Path]] = {kind: [] for kind in COLUMNS}
        for path in files_below(place):
            kind = kind_of(path)
            if kind is not None:
                files[kind].append(path)
        missing = [kind for kind, paths in files.items() if not paths]
        if not missing:
            return Tables(
                ports=_one(files["ports"], _ports),
                classes=_one(files["classes"], _classes),
                ways=_one(files["ways"], partial(_ways, codes=codes)),
                demands=tuple(_different(files["demand"], _demand)),
            )
    raise BenchmarkError(
        f"{log}: no table of {', '.join(missing)} in {above[-1]}; the publisher has them: {PUBLISHER} (data/)"
    )


def _one(paths: list[Path], read: Callable[[Path], T]) -> T:
    contents = list(_different(paths, read))
    if len(contents) > 1:
        raise BenchmarkError(
            f"these tables differ, so it is open which one counts: {', '.join(map(str, paths))}"
        )
    return contents[0]


def _different(paths: Iterable[Path], read: Callable[[Path], T]) -> Iterator[T]:
    seen: list[T] = []
    for path in paths:
        content = read(path)
        if content not in seen:
            seen.append(content)
            yield content


def _ports(path: Path) -> dict[str, Port]:
    return {row[0]: Port(row[0], *map(_number, row[1:])) for row in _rows(path, "ports")}


def _classes(path: Path) -> dict[float, VesselClass]:
    classes = [VesselClass(row[0], *map(_number, row[1:])) for row in _rows(path, "classes")]
    by_capacity = {ship.capacity_ffe: ship for ship in classes}
    if len(by_capacity) < len(classes):
        raise BenchmarkError(f"{path}: two vessel classes have one capacity, so logs do not tell them apart")
    return by_capacity


def _ways(path: Path, codes: Set[str]) -> dict[tuple[str, str], tuple[Way, ...]]:
    ways: dict[tuple[str, str], set[Way]] = {}
    for origin, destination, miles, panama, suez in _rows(path, "ways"):
        if origin not in codes or destination not in codes:
            continue
        way = Way(_number(miles), int(_number(panama)), int(_number(suez)))
        ways.setdefault((origin, destination), set()).add(way)
    return {
        ends: tuple(sorted(options, key=lambda way: (way.miles, way.panama, way.suez)))
        for ends, options in ways.items()
    }


def _demand(path: Path) -> tuple[Demand, ...]:
    rows = [
        Demand(origin, destination, _number(ffe), _number(revenue))
        for origin, destination, ffe, revenue in _rows(path, "demand")
    ]
    if not all(row.ffe >= 0 and math.isfinite(row.revenue) for row in rows):
        raise BenchmarkError(f"{path}: demand below 0, or a cell without a number")
    return tuple(sorted(rows, key=lambda row: (row.origin, row.destination, row.revenue, row.ffe)))


def _rows(path: Path, kind: str) -> Iterator[list[str]]:
    """Cells of the columns of `kind`, row by row; rows without any cell are left out."""
    with path.open(encoding="utf-8-sig", errors="replace", newline="") as file:
        first = file.readline()
        names = [_plain(cell) for cell in _cells(first)]
        places = [names.index(column) for column in COLUMNS[kind]]
        for number, cells in enumerate(csv.reader(file, delimiter=_delimiter(first)), 2):
            if not any(cells):
                continue
            row = [cells[place].strip() if place < len(cells) else "" for place in places]
            if not row[0]:
                raise BenchmarkError(f"{path}, line {number}: the first column is empty")
            yield row


def _delimiter(line: str) -> str:
    return max("\t;,", key=line.count)


def _cells(line: str) -> list[str]:
    line = line.rstrip("\r\n").removeprefix("\ufeff")
    return next(csv.reader([line], delimiter=_delimiter(line)), [])


def _plain(name: str) -> str:
    return "".join(letter for letter in name.casefold() if letter.isalnum())


def _number(cell: str) -> float:
    """A number; nan where there is none."""
    try:
        return float(cell)
    except ValueError:
        return math.nan
