"""Looking through folders of data that others keep."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

LARGEST_FILE = 20_000_000
"""Larger files are no tables or instances of the families here."""


def files_below(folder: Path) -> Iterator[Path]:
    """Files below `folder`, links followed, in order of their paths; each file once."""
    seen: set[str] = set()
    for place, inner, names in os.walk(folder, followlinks=True):
        inner[:] = sorted(name for name in inner if not name.startswith("."))
        real = os.path.realpath(place)
        if real in seen:
            inner.clear()
            continue
        seen.add(real)
        for name in sorted(names):
            path = Path(place, name)
            try:
                if path.is_file() and path.stat().st_size <= LARGEST_FILE:
                    yield path
            except OSError:
                continue


def head(path: Path, size: int = 8192) -> str:
    """First characters of a text file; empty if it is none."""
    try:
        with path.open("rb") as file:
            data = file.read(size)
    except OSError:
        return ""
    return "" if b"\0" in data else data.decode("utf-8", errors="replace")
