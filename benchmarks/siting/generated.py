"""Generated instances: sites and customers at random in a square, costs by distance.

Names say what is asked: ``euclid-500`` is uncapacitated with 500 sites and customers, ``p-median-500-20``
opens 20 of 500.
"""

from __future__ import annotations

import numpy as np

from benchmarks.siting.reading import siting_problem
from logistics.models.siting.problem import SitingProblem

SIDE_KM = 1000.0
FIXED_COST = 1500.0
COST_PER_KM = 0.2
SIZES = (
    "euclid-500",
    "euclid-1000",
    "p-median-300-15",
    "p-median-500-20",
    "p-median-1000-10",
    "p-median-1000-50",
    "p-median-1000-100",
    "p-median-5000-50",
    "p-median-5000-500",
)
LARGE = 5000
"""From so many sites on the gap that is asked for is `LARGE_GAP`."""
LARGE_GAP = 1e-2


def built(size: str, seed: int) -> SitingProblem:
    """Generate the instance of a size and seed."""
    words = size.split("-")
    is_median = words[0] == "p"
    count = int(words[2] if is_median else words[1])
    random = np.random.default_rng([seed, count])
    place, home = random.uniform(0.0, SIDE_KM, (2, count, 2))
    demand = random.uniform(1.0, 10.0, count)
    cost = np.hypot(place[:, None, 0] - home[None, :, 0], place[:, None, 1] - home[None, :, 1])
    if is_median:
        return siting_problem(np.zeros(count), cost, num_open=int(words[3]))
    return siting_problem(np.full(count, FIXED_COST), cost * (COST_PER_KM * demand))
