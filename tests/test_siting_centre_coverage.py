"""The p-centre, maximal coverage and greenfield against brute force and against what geometry says."""

from itertools import combinations

import numpy as np
import pytest

from logistics.models.siting.centre import solve_centre
from logistics.models.siting.coverage import solve_coverage
from logistics.models.siting.greenfield import EARTH_KM, centres_of_gravity
from logistics.models.siting.problem import (
    CentreProblem,
    CoverageProblem,
    SideRows,
    SitingProgress,
    SitingStop,
)
from tests.test_siting_uncapacitated import ids


def side_rows(random: np.random.Generator, sites: int) -> SideRows | None:
    """A budget and a pair of sites that exclude each other, or nothing."""
    if sites < 3 or random.random() < 0.5:
        return None
    price = random.uniform(1, 4, sites)
    pair = np.zeros(sites)
    pair[[0, 1]] = 1.0
    return SideRows(
        np.array([price, pair]), np.full(2, -np.inf), np.array([price.sum() * 0.6, 1.0]), ids("r", 2)
    )


def choices(sites: int, most: int, side: SideRows | None) -> list[list[int]]:
    """All choices of at least one and at most so many sites that keep the rows."""
    kept = []
    for count in range(1, min(most, sites) + 1):
        for chosen in combinations(range(sites), count):
            if side is None or np.all(side.coefficient[:, chosen].sum(axis=1) <= side.upper + 1e-9):
                kept.append(list(chosen))
    return kept


def random_centre(seed: int) -> CentreProblem:
    random = np.random.default_rng(seed)
    sites, customers = int(random.integers(1, 8)), int(random.integers(1, 10))
    if seed % 2:
        distance = random.integers(0, 8, (sites, customers)).astype(float)
    else:
        distance = random.uniform(0, 8, (sites, customers))
    distance[random.random(distance.shape) < 0.25] = np.inf
    most, side = int(random.integers(1, sites + 2)), side_rows(random, sites)
    return CentreProblem(distance, ids("s", sites), ids("c", customers), most, side)


def test_the_centre_is_the_best_of_all_subsets():
    statuses = set()
    for seed in range(80):
        problem = random_centre(seed)
        sites = len(problem.site_ids)
        radius = [
            problem.distance[chosen].min(axis=0).max()
            for chosen in choices(sites, problem.most_open, problem.side)
        ]
        answer = solve_centre(problem)
        statuses.add(answer.status)
        best = min(radius, default=np.inf)
        if np.isinf(best):
            assert answer.status == "infeasible"
            assert answer.infeasible is not None
            continue
        assert answer.status == "optimal"
        assert answer.value == best == answer.bound
        assert answer.open.sum() <= problem.most_open
        reached = problem.distance[answer.assignment, np.arange(len(answer.assignment))]
        assert reached.max() == best
        assert answer.open[answer.assignment].all()
    assert statuses == {"optimal", "infeasible"}


def test_a_centre_stopped_early_keeps_its_bound():
    random = np.random.default_rng(3)
    place = random.uniform(0, 100, (60, 2))
    distance = np.hypot(*(place[:, None] - place[None]).transpose(2, 0, 1))
    problem = CentreProblem(distance, ids("s", 60), ids("c", 60), 4)
    full = solve_centre(problem)
    heard: list[SitingProgress] = []
    stopped = solve_centre(problem, SitingStop(most_nodes=1), heard.append)
    assert full.status == "optimal"
    assert stopped.bound <= full.value <= stopped.value
    assert all(one.bound <= full.value <= one.value for one in heard)
    assert solve_centre(problem, SitingStop(time_limit_s=0.0)).status == "limit"


def test_coverage_is_the_best_of_all_subsets():
    sides = 0
    for seed in range(80):
        random = np.random.default_rng(seed)
        sites, customers = int(random.integers(1, 8)), int(random.integers(1, 10))
        in_reach = random.random((sites, customers)) < 0.4
        weight = (
            random.integers(0, 9, customers).astype(float) if seed % 2 else random.uniform(0, 9, customers)
        )
        most, side = int(random.integers(1, sites + 2)), side_rows(random, sites)
        sides += side is not None
        problem = CoverageProblem(in_reach, weight, ids("s", sites), ids("c", customers), most, side)
        answer = solve_coverage(problem)
        best = max(weight[in_reach[chosen].any(axis=0)].sum() for chosen in choices(sites, most, side))
        assert answer.status == "optimal"
        assert answer.value == pytest.approx(best, abs=1e-9)
        assert answer.bound >= best - 1e-9
        covered = answer.assignment >= 0
        assert weight[covered].sum() == pytest.approx(answer.value, abs=1e-9)
        assert in_reach[answer.assignment[covered], np.flatnonzero(covered)].all()
    assert sides > 10


def test_no_candidates_and_customers_out_of_all_reach():
    nobody = CentreProblem(np.zeros((0, 3)), (), ids("c", 3), 2)
    assert solve_centre(nobody).infeasible.obstacle == "no_sites"  # type: ignore[union-attr]
    distance = np.array([[1.0, np.inf, 2.0], [3.0, np.inf, 4.0]])
    lost = solve_centre(CentreProblem(distance, ids("s", 2), ids("c", 3), 2)).infeasible
    assert lost is not None
    assert (lost.obstacle, lost.rows.tolist()) == ("nobody_serves", [1])


def test_greenfield_finds_clusters_and_the_middle():
    random = np.random.default_rng(1)
    towns = np.array([(52.0, 5.0), (34.0, -118.0), (-33.0, 151.0)])
    at = np.repeat(towns, 20, axis=0) + random.normal(0, 0.2, (60, 2))
    found = centres_of_gravity(at[:, 0], at[:, 1], np.ones(60), 3)
    centres = sorted(zip(found.latitude, found.longitude, strict=True))
    assert np.allclose(centres, sorted(map(tuple, towns)), atol=0.3)
    assert found.weight_km < 60 * 60
    # Across the date line the middle is at 180°, not at 0°.
    two = centres_of_gravity(np.zeros(2), np.array([170.0, -170.0]), np.ones(2), 1)
    assert two.weight_km == pytest.approx(EARTH_KM * np.radians(20.0))
    assert abs(two.longitude[0]) >= 170.0 - 1e-9
    # A customer who outweighs all others is the centre.
    heavy = centres_of_gravity(
        np.array([10.0, 20.0, 30.0]), np.array([0.0, 5.0, 9.0]), np.array([9.0, 1.0, 1.0]), 1
    )
    assert (heavy.latitude[0], heavy.longitude[0]) == pytest.approx((10.0, 0.0), abs=1e-6)


def test_greenfield_is_as_good_as_a_fine_grid():
    random = np.random.default_rng(5)
    lat, lon, weight = random.uniform(30, 50, 12), random.uniform(0, 30, 12), random.uniform(1, 5, 12)
    found = centres_of_gravity(lat, lon, weight, 1)
    grid = np.array([(a, b) for a in np.linspace(30, 50, 81) for b in np.linspace(0, 30, 121)])
    a, b, c, d = (np.radians(x) for x in (grid[:, :1], lat[None], grid[:, 1:], lon[None]))
    half = np.sin((a - b) / 2) ** 2 + np.cos(a) * np.cos(b) * np.sin((c - d) / 2) ** 2
    costs = (2 * EARTH_KM * np.arcsin(np.sqrt(half)) * weight).sum(axis=1)
    assert found.weight_km <= costs.min() + 1e-6
    assert found.weight_km >= costs.min() * 0.999


def test_greenfield_at_sites_takes_each_site_once():
    lat, lon = np.array([50.0, 50.1, 50.2, 10.0]), np.array([5.0, 5.1, 5.2, 40.0])
    sites = (np.array([50.1, 0.0, 49.0]), np.array([5.1, 40.0, 5.0]))
    found = centres_of_gravity(lat, lon, np.ones(4), 2, sites)
    assert found.site is not None
    assert sorted(found.site.tolist()) == [0, 1]
    assert np.array_equal(np.sort(found.latitude), np.array([0.0, 50.1])) or np.allclose(
        np.sort(found.latitude), [0.0, 50.1]
    )
    assert found.weight_km >= centres_of_gravity(lat, lon, np.ones(4), 2).weight_km
    again = centres_of_gravity(lat, lon, np.ones(4), 2, sites)
    assert np.array_equal(again.site, found.site)
