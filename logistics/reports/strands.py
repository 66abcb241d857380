"""Legs bundled into strands: where several run along the same lane, one line stands for all of them.

A strand is a piece of lane that the same legs of one mode use from end to end. The page draws it as wide as
the tonnes of all its legs together.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

from logistics.network.network import Network
from logistics.reports.lanes import LAND, SEA, Drawing, Point
from logistics.reports.legs import RIDE, Leg

Link = tuple[Point, Point]
AT_SEA = ("canal", "strait")
"""Kinds of passages that ships run through."""


@dataclass(frozen=True)
class Strand:
    """A piece of lane.

    Parameters
    ----------
    mode
        Mode of the legs.
    points
        Longitude and latitude along it, at least two.
    legs
        Row numbers of the legs that run along it, in either direction.
    """

    mode: str
    points: tuple[Point, ...]
    legs: tuple[int, ...]


class LegLines:
    """Draws the legs of plans on networks that may differ a little: what several know, the first says.

    Parameters
    ----------
    networks
        The networks.
    """

    def __init__(self, networks: Sequence[Network]) -> None:
        self._place: dict[str, Point] = {}
        self._mode: dict[str, str] = {}
        self._passages: dict[tuple[str, int, str], tuple[str, ...]] = {}
        passes: dict[str, Point] = {}
        at_sea: set[str] = set()
        for network in _distinct(networks):
            for table, key, found in (("sites", "site_id", self._place), ("passages", "passage_id", passes)):
                columns = (
                    network.texts(table, key),
                    network.numbers(table, "lon"),
                    network.numbers(table, "lat"),
                )
                for name, lon, lat in zip(*columns, strict=True):
                    found.setdefault(name, (float(lon), float(lat)))
            at_sea |= {str(row["passage_id"]) for row in network.rows("passages") if row["kind"] in AT_SEA}
            for service, mode in zip(
                network.texts("services", "service_id"), network.texts("services", "mode"), strict=True
            ):
                self._mode.setdefault(service, mode)
            for leg in network.legs():
                self._passages.setdefault((leg.service_id, leg.to_seq, leg.via_id), leg.passages)
        self._drawing = Drawing(passes, frozenset(at_sea))

    def mode_of(self, leg: Leg) -> str:
        """Mode of a leg; roads before and behind services are ``road``."""
        return self._mode[leg.service_id] if leg.action == RIDE else "road"

    def passages_of(self, leg: Leg) -> tuple[str, ...]:
        """Passages that a leg runs through, in order."""
        return self._passages.get((leg.service_id, leg.stop_seq, leg.via_id), ())

    def line(self, leg: Leg) -> list[Point]:
        """Points of a leg: along lanes for ships, trains, trucks and mail by rail; else its ends."""
        start, end = self._place[leg.from_site], self._place[leg.to_site]
        mode = self.mode_of(leg)
        passages = self.passages_of(leg)
        straight = leg.action != RIDE or mode == "air" or (mode == "post" and not passages)
        if straight:
            return [start, end]
        return self._drawing.way(SEA if mode == "sea" else LAND, start, passages, end)


def _distinct(networks: Sequence[Network]) -> list[Network]:
    return list({id(network): network for network in networks}.values())


def strands_of(legs: Sequence[Leg], lines: LegLines) -> list[Strand]:
    """Strands of the legs of services, in a fixed order; roads before and behind are lines of their own.

    Parameters
    ----------
    legs
        All legs; strands name them by their place in this sequence.
    lines
        How they are drawn.
    """
    users: dict[str, dict[Link, set[int]]] = {}
    for row, leg in enumerate(legs):
        if leg.action != RIDE:
            continue
        mine = users.setdefault(lines.mode_of(leg), {})
        points = lines.line(leg)
        for a, b in pairwise(points):
            mine.setdefault((min(a, b), max(a, b)), set()).add(row)
    return [
        Strand(mode, points, rows)
        for mode, links in sorted(users.items())
        for points, rows in _chained({link: tuple(sorted(rows)) for link, rows in links.items()})
    ]


def _chained(
    links: Mapping[Link, tuple[int, ...]],
) -> Iterable[tuple[tuple[Point, ...], tuple[int, ...]]]:
    """Links of the same legs joined end to end, as long as they do not fork."""
    groups: dict[tuple[int, ...], list[Link]] = {}
    for link, rows in links.items():
        groups.setdefault(rows, []).append(link)
    for rows, mine in sorted(groups.items()):
        next_to: dict[Point, list[Point]] = {}
        for a, b in sorted(mine):
            next_to.setdefault(a, []).append(b)
            next_to.setdefault(b, []).append(a)
        left = {frozenset(link) for link in mine}
        # Ends first; what then is left are rings.
        for start in [*sorted(p for p, near in next_to.items() if len(near) != 2), *sorted(next_to)]:
            for second in next_to[start]:
                if frozenset((start, second)) in left:
                    yield tuple(_walked(start, second, next_to, left)), rows


def _walked(
    start: Point, second: Point, next_to: Mapping[Point, Sequence[Point]], left: set[frozenset[Point]]
) -> list[Point]:
    """Points from `start` over `second` up to a fork or an end; links walked are taken out of `left`."""
    walked = [start]
    here, ahead = start, second
    while True:
        left.discard(frozenset((here, ahead)))
        walked.append(ahead)
        onward = [point for point in next_to[ahead] if frozenset((ahead, point)) in left]
        if len(next_to[ahead]) != 2 or not onward:
            return walked
        here, ahead = ahead, onward[0]
