"""Families of variants: which values their members set, and putting these into the file.

A family has dimensions, each a place in the file. ``grid`` combines all values, the last dimension fastest;
``list`` takes the values side by side; ``latin_hypercube`` and ``monte_carlo`` draw from ranges. The same
seed draws the same members on every machine.
"""

from __future__ import annotations

import copy
import itertools
import zlib
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from logistics.errors import Problem
from logistics.scenario.schema import Dimension, Variant
from logistics.yaml_files import Document, Key

SEEDS = 2**31
Setting = int | float | str | bool
"""A value that a member sets."""


def members_of(name: str, variant: Variant) -> Iterator[tuple[str, dict[str, Setting]]]:
    """Yield each member of a variant with what it sets by key; a variant without `over` is its only one."""
    if not variant.over:
        yield name, {}
        return
    keys = [dimension.key for dimension in variant.over]
    rows = list(_rows(name, variant))
    digits = len(str(len(rows)))
    for number, row in enumerate(rows, 1):
        yield f"{name}.{number:0{digits}d}", dict(zip(keys, row, strict=True))


def dimension_names(variant: Variant) -> dict[str, str]:
    """Name of each dimension by key: its own, else the shortest end of the key that no other one shares."""
    keys = [dimension.key for dimension in variant.over]
    return {d.key: d.name or _short(d.key, keys) for d in variant.over}


def _short(key: str, keys: Sequence[str]) -> str:
    parts = key.split(".")
    for length in range(1, len(parts)):
        end = ".".join(parts[-length:])
        if not end.isdigit() and sum(other.endswith(f".{end}") or other == end for other in keys) == 1:
            return end
    return key


def _rows(name: str, variant: Variant) -> Iterator[Sequence[Setting]]:
    if variant.draw == "grid":
        yield from itertools.product(*(d.values or () for d in variant.over))
    elif variant.draw == "list":
        yield from zip(*(d.values or () for d in variant.over), strict=True)
    else:
        random = np.random.default_rng([variant.seed, zlib.crc32(name.encode())])
        count = variant.samples or 0
        columns = []
        for dimension in variant.over:
            shares = random.random(count)
            if variant.draw == "latin_hypercube":
                # One draw in each of `count` equal parts, the parts in an order of their own.
                shares = (random.permutation(count) + shares) / count
            columns.append(_drawn(dimension, shares))
        yield from zip(*columns, strict=True)


def _drawn(dimension: Dimension, shares: NDArray[np.float64]) -> list[Setting]:
    """Values of a dimension at these shares of its distribution, each 0 … 1."""
    if dimension.apart:
        # Seeds; 0 is not one.
        return [1 + int(share * SEEDS) for share in shares]
    if dimension.values is not None:
        return [dimension.values[int(share * len(dimension.values))] for share in shares]
    low, high, mode = dimension.low or 0.0, dimension.high or 0.0, dimension.mode
    if mode is None or low == high:
        return [float(value) for value in low + shares * (high - low)]
    turn = (mode - low) / (high - low)
    rising = low + np.sqrt(shares * (high - low) * (mode - low))
    falling = high - np.sqrt((1 - shares) * (high - low) * (high - mode))
    return [float(value) for value in np.where(shares < turn, rising, falling)]


def with_settings(document: Document, settings: Mapping[str, Setting], problems: list[Problem]) -> Any:
    """Return the data of a file with a value at each key; a missing place in a list is a problem."""
    data = copy.deepcopy(document.data)
    for key, value in settings.items():
        path: Key = tuple(int(part) if part.isdigit() else part for part in key.split("."))
        holder = data
        for here, following in itertools.pairwise(path):
            if isinstance(holder, dict) and not isinstance(following, int):
                holder = holder.setdefault(here, {})
            else:
                holder = _inside(holder, here)
        last = path[-1]
        listed = isinstance(holder, list) and isinstance(last, int) and last < len(holder)
        if isinstance(holder, dict) or listed:
            holder[last] = value
        else:
            problems.append(Problem("variant.no_place", document.where(("variants",)), key))
    return data


def _inside(holder: Any, part: str | int) -> Any:
    """What stands at a name or number, None when nothing does."""
    if isinstance(holder, dict):
        return holder.get(part)
    if isinstance(holder, list) and isinstance(part, int) and part < len(holder):
        return holder[part]
    return None
