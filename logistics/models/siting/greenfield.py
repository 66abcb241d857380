"""A first look: k centres of gravity on the sphere, wherever they fall, or at the nearest sites.

Customers go to the nearest centre, and each centre moves to the point of least weighted distance of its
customers (Weiszfeld's method, in the plane that touches the sphere at the centre), until neither changes
(Cooper 1963). There is no bound: it is a starting point and a baseline, not an answer.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Ints = NDArray[np.int32]
EARTH_KM = 6371.0
ROUNDS = 100
STEPS = 50
STARTS = 10
STILL_RAD = 1e-10


@dataclass(frozen=True)
class Greenfield:
    """Centres of gravity.

    Parameters
    ----------
    latitude, longitude
        Of each centre, degrees, float arrays [centre].
    site
        Where centres are at sites, the site of each, int array [centre]; else None.
    assignment
        Centre of each customer, int array [customer].
    weight_km
        Σ weight × great-circle kilometres.
    """

    latitude: Floats
    longitude: Floats
    site: Ints | None
    assignment: Ints
    weight_km: float


def centres_of_gravity(
    latitude: Floats,
    longitude: Floats,
    weight: Floats,
    num_centres: int,
    sites: tuple[Floats, Floats] | None = None,
    seed: int = 0,
) -> Greenfield:
    """Place centres of gravity.

    Parameters
    ----------
    latitude, longitude
        Of each customer, degrees, float arrays [customer].
    weight
        Of each customer, ≥ 0, float array [customer].
    num_centres
        How many; no more than there are different customers with a weight.
    sites
        Latitude and longitude of sites that centres are put at, each the nearest that is not taken; None:
        they stay where they fall.
    seed
        Of the starts; the best of several counts.
    """
    point = _on_sphere(latitude, longitude)
    random = np.random.default_rng(seed)
    best, best_cost = None, np.inf
    for _ in range(STARTS):
        centre = _settle(_start(point, weight, num_centres, random), point, weight)
        cost = float(weight @ _angles(point, centre).min(axis=1))
        if cost < best_cost - 1e-12 * abs(cost) or best is None:
            best, best_cost = centre, cost
    assert best is not None
    return _greenfield(best, None, point, weight) if sites is None else _at_sites(best, sites, point, weight)


def moved_to_sites(
    found: Greenfield, latitude: Floats, longitude: Floats, weight: Floats, sites: tuple[Floats, Floats]
) -> Greenfield:
    """Centres of gravity, put at the nearest sites that are not taken; arguments as above."""
    centre = _on_sphere(found.latitude, found.longitude)
    return _at_sites(centre, sites, _on_sphere(latitude, longitude), weight)


def _at_sites(centre: Floats, sites: tuple[Floats, Floats], point: Floats, weight: Floats) -> Greenfield:
    place = _on_sphere(*sites)
    site = _nearest_sites(centre, place, point, weight)
    return _greenfield(place[site], site, point, weight)


def _greenfield(centre: Floats, site: Ints | None, point: Floats, weight: Floats) -> Greenfield:
    angle = _angles(point, centre)
    return Greenfield(
        latitude=np.degrees(np.arcsin(np.clip(centre[:, 2], -1.0, 1.0))),
        longitude=np.degrees(np.arctan2(centre[:, 1], centre[:, 0])),
        site=site,
        assignment=angle.argmin(axis=1).astype(np.int32),
        weight_km=EARTH_KM * float(weight @ angle.min(axis=1)),
    )


def _on_sphere(latitude: Floats, longitude: Floats) -> Floats:
    """Unit vectors, float array [point, 3]."""
    lat, lon = np.radians(latitude), np.radians(longitude)
    return np.column_stack([np.cos(lat) * np.cos(lon), np.cos(lat) * np.sin(lon), np.sin(lat)])


def _angles(point: Floats, centre: Floats) -> Floats:
    """Angle between each point and each centre; exact also where they are close."""
    chord = np.linalg.norm(point[:, None, :] - centre[None, :, :], axis=2)
    angle: Floats = 2.0 * np.arcsin(np.clip(chord / 2.0, 0.0, 1.0))
    return angle


def _start(point: Floats, weight: Floats, count: int, random: np.random.Generator) -> Floats:
    """Customers far apart, heavy ones rather than light ones (k-means++ with distances)."""
    chosen = [int(random.choice(len(point), p=weight / weight.sum()))]
    while len(chosen) < count:
        pull = weight * _angles(point, point[chosen]).min(axis=1)
        if pull.sum() == 0.0:
            rest = np.setdiff1d(np.arange(len(point)), chosen)
            chosen.append(int(rest[0]))
            continue
        chosen.append(int(random.choice(len(point), p=pull / pull.sum())))
    return point[chosen].copy()


def _settle(centre: Floats, point: Floats, weight: Floats) -> Floats:
    """Assign and move in turn until no customer changes."""
    assignment = np.full(len(point), -1)
    for _ in range(ROUNDS):
        now = _angles(point, centre).argmin(axis=1)
        if np.array_equal(now, assignment):
            break
        before, assignment = assignment, now
        for k in range(len(centre)):
            mine = (assignment == k) & (weight > 0.0)
            # A centre stays where it is while its customers do.
            if mine.any() and not np.array_equal(assignment == k, before == k):
                centre[k] = _median(centre[k], point[mine], weight[mine])
    return centre


def _median(start: Floats, point: Floats, weight: Floats) -> Floats:
    """The point of least weighted distance, by Weiszfeld's steps; a customer's own place if that is best."""
    here = start
    for _ in range(STEPS):
        angle = _angles(point, here[None, :])[:, 0]
        cosine = point @ here
        tangent = point - cosine[:, None] * here
        length = np.linalg.norm(tangent, axis=1)
        apart = length > STILL_RAD
        if not apart.any():
            break
        # Towards each customer, as far as it is.
        step = np.zeros_like(tangent)
        step[apart] = tangent[apart] * (angle[apart] / length[apart])[:, None]
        pull = weight[apart] / angle[apart]
        move = (pull[:, None] * step[apart]).sum(axis=0) / pull.sum()
        size = float(np.linalg.norm(move))
        if size < STILL_RAD:
            break
        here = np.cos(size) * here + np.sin(size) * move / size
        here = here / np.linalg.norm(here)
    # Weiszfeld's steps only creep towards a customer; its own place is tried as well.
    nearest = point[int(_angles(point, here[None, :])[:, 0].argmin())]
    costs = [float(weight @ _angles(point, one[None, :])[:, 0]) for one in (here, nearest)]
    return here if costs[0] <= costs[1] else nearest


def _nearest_sites(centre: Floats, site: Floats, point: Floats, weight: Floats) -> Ints:
    """A site of its own for each centre, heavy centres first."""
    load = np.bincount(_angles(point, centre).argmin(axis=1), weight, len(centre))
    chosen = np.full(len(centre), -1, np.int32)
    angle = _angles(centre, site)
    for k in np.argsort(-load, kind="stable"):
        free = ~np.isin(np.arange(len(site)), chosen)
        if free.any():
            chosen[k] = int(np.where(free, angle[k], np.inf).argmin())
    return chosen[chosen >= 0]
