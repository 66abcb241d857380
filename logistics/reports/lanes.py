"""Where services run on the map: ships along sea lanes, trains and trucks along corridors, planes straight.

Lanes are for looking at, not for measuring: distances and hours come from the network's tables. Waypoints and
the links between them are in ``assets/lanes``: sea lanes by hand, land corridors from railway junctions.
"""

from __future__ import annotations

import csv
import heapq
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from itertools import pairwise
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from logistics.network.geography import great_circle_km

LANES = Path(__file__).parent / "assets" / "lanes"
SEA, LAND = "sea", "land"
AT_A_PASSAGE_KM = {SEA: 150.0, LAND: 70.0}
"""A waypoint this near to a passage lies in it, and is used only by ways that name the passage."""
REACH_KM = {SEA: 1500.0, LAND: 700.0}
"""A harbour or terminal joins the lanes at one of the waypoints within this distance."""
ENTRIES = 3
STRAIGHT = {SEA: 4.0, LAND: 1.3}
"""How much longer a way along lanes may be before the straight line is drawn."""
Point = tuple[float, float]
"""Longitude and latitude, degrees."""


@dataclass(frozen=True)
class Lanes:
    """Waypoints of one kind of lane.

    Parameters
    ----------
    kind
        ``sea`` or ``land``.
    points
        Waypoints.
    links
        Waypoint → neighbour → km.
    """

    kind: str
    points: tuple[Point, ...]
    links: Mapping[int, Mapping[int, float]]

    def km_from(self, place: Point) -> NDArray[np.float64]:
        """Great-circle km from a place to each waypoint."""
        lon, lat = np.array(self.points).T
        return great_circle_km(place[1], place[0], lat, lon)

    def way(self, start: Point, end: Point, closed: frozenset[int]) -> list[Point]:
        """Points of the shortest way along the lanes, ends included, or the straight line.

        Parameters
        ----------
        start, end
            Where it begins and ends.
        closed
            Waypoints it must not use.
        """
        straight = float(great_circle_km(start[1], start[0], end[1], end[0]))
        entries, exits = self._near(start, closed), self._near(end, closed)
        best = dict(entries)
        before: dict[int, int] = {}
        queue = [(km, point) for point, km in entries.items()]
        heapq.heapify(queue)
        total, last = straight * STRAIGHT[self.kind], -1
        while queue:
            km, point = heapq.heappop(queue)
            if km > best[point] or km >= total:
                continue
            if point in exits and km + exits[point] < total:
                total, last = km + exits[point], point
            for other, length in self.links[point].items():
                if other not in closed and km + length < best.get(other, np.inf):
                    best[other], before[other] = km + length, point
                    heapq.heappush(queue, (km + length, other))
        found: list[int] = []
        while last >= 0:
            found.append(last)
            last = before.get(last, -1)
        return _without_repeats([start, *(self.points[point] for point in reversed(found)), end])

    def _near(self, place: Point, closed: frozenset[int]) -> dict[int, float]:
        km = self.km_from(place)
        near = [
            int(point)
            for point in np.argsort(km)
            if int(point) not in closed and km[point] < REACH_KM[self.kind]
        ]
        return {point: float(km[point]) for point in near[:ENTRIES]}


@cache
def read_lanes(kind: str) -> Lanes:
    """Lanes of a kind, from the package's own tables."""
    points: dict[str, Point] = {
        row["point"]: (float(row["lon"]), float(row["lat"])) for row in _rows("lane_points.csv", kind)
    }
    number = {name: i for i, name in enumerate(points)}
    links: dict[int, dict[int, float]] = {i: {} for i in number.values()}
    for row in _rows("lane_links.csv", kind):
        a, b = row["from_point"], row["to_point"]
        km = float(great_circle_km(points[a][1], points[a][0], points[b][1], points[b][0]))
        links[number[a]][number[b]] = links[number[b]][number[a]] = km
    return Lanes(kind, tuple(points.values()), links)


def _rows(name: str, kind: str) -> Iterator[Mapping[str, str]]:
    with (LANES / name).open(encoding="utf-8", newline="") as file:
        yield from (row for row in csv.DictReader(file) if row["network"] == kind)


class Drawing:
    """Draws ways of one network: knows its passages.

    Parameters
    ----------
    passages
        Place of each passage by id.
    at_sea
        Passages that ships run through; the others lie on land.
    """

    def __init__(self, passages: Mapping[str, Point], at_sea: frozenset[str]) -> None:
        self._passages = passages
        self._at: dict[str, dict[str, frozenset[int]]] = {}
        self._drawn: dict[tuple[str, Point, tuple[str, ...], Point], list[Point]] = {}
        for kind in (SEA, LAND):
            lanes = read_lanes(kind)
            near = {
                name: lanes.km_from(place) < AT_A_PASSAGE_KM[kind]
                for name, place in passages.items()
                if (name in at_sea) == (kind == SEA)
            }
            self._at[kind] = {
                name: frozenset(map(int, np.flatnonzero(where))) for name, where in near.items()
            }

    def way(self, kind: str, start: Point, passages: Sequence[str], end: Point) -> list[Point]:
        """Points of a way along lanes through `passages` in order."""
        key = (kind, start, tuple(passages), end)
        if key not in self._drawn:
            self._drawn[key] = self._draw(kind, start, passages, end)
        return self._drawn[key]

    def _draw(self, kind: str, start: Point, passages: Sequence[str], end: Point) -> list[Point]:
        at = self._at[kind]
        named = frozenset[int]().union(*(at.get(name, frozenset()) for name in passages))
        closed = frozenset[int]().union(*at.values()) - named
        lanes = read_lanes(kind)
        stations = [start]
        for name in passages:
            points = at.get(name)
            if points:
                # The waypoint in the passage that lies nearest to it stands for the passage.
                km = lanes.km_from(self._passages[name])
                stations.append(lanes.points[min(points, key=lambda point: km[point])])
            elif name in self._passages:
                stations.append(self._passages[name])
        stations.append(end)
        drawn: list[Point] = []
        for a, b in pairwise(stations):
            drawn += lanes.way(a, b, closed)[1 if drawn else 0 :]
        return _without_repeats(drawn)


def _without_repeats(points: Sequence[Point]) -> list[Point]:
    return [point for i, point in enumerate(points) if i == 0 or point != points[i - 1]]
