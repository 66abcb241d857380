"""Names that fit beside a chart; `fitted` of the page's script does the same by width."""

from __future__ import annotations

import re


def fitted(words: str, most: int) -> str:
    """A name of at most so many letters: of a route each stop loses its end, of others the end goes."""
    if len(words) <= most:
        return words
    kind = re.search(r"[,，（][^,，（–—]*$", words)
    tail = kind[0] if kind else ""
    stops = re.split(r"(?<=[–—])", words[: len(words) - len(tail)])
    if len(stops) < 2:
        return f"{words[: most - 1]}…"
    room = max(6, (most - len(tail)) // len(stops))
    return "".join(_cut(stop, room) for stop in stops) + tail


def _cut(stop: str, most: int) -> str:
    if len(stop) <= most:
        return stop
    dash = stop[-1] if stop[-1] in "–—" else ""
    return f"{stop[: most - 1 - len(dash)].rstrip()}…{dash}"
