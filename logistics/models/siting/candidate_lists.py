"""The sites near each customer, nearest first, as long as bounds need them.

Nearly all that is worth knowing of a large cost matrix is which few sites are near a customer. Lists are
sorted by cost, equal costs by the number of the site; `beyond` says from which cost on a list is silent, so a
price up to it is exact.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Ints = NDArray[np.int32]
BLOCK = 256
"""Customers sorted at a time, so that no second cost matrix is made."""


@dataclass(frozen=True)
class CandidateLists:
    """Sites near customers, nearest first.

    Parameters
    ----------
    site
        Int array [customer, place in the list].
    cost
        Of serving the customer from that site, float array [customer, place].
    length
        How many places of a customer are filled, int array [customer].
    beyond
        Least cost of a site that is not in the list, float array [customer]; inf: all are in it that can
        serve the customer.
    """

    site: Ints
    cost: Floats
    length: Ints
    beyond: Floats


def nearest_candidates(cost: Floats, width: int) -> CandidateLists:
    """Lists of the `width` nearest sites of each customer.

    Parameters
    ----------
    cost
        Float array [site, customer]; inf: cannot serve.
    """
    sites, customers = cost.shape
    width = max(1, min(width, sites))
    site = np.zeros((customers, width), np.int32)
    near = np.full((customers, width), np.inf)
    length = np.zeros(customers, np.int32)
    beyond = np.full(customers, np.inf)
    for first in range(0, customers, BLOCK):
        part = slice(first, min(first + BLOCK, customers))
        block = np.ascontiguousarray(cost[:, part].T)
        if width < sites:
            order = np.argpartition(block, width, axis=1)
            beyond[part] = np.take_along_axis(block, order[:, width : width + 1], axis=1)[:, 0]
            order = np.sort(order[:, :width], axis=1)
            taken = np.take_along_axis(block, order, axis=1)
            by_cost = np.argsort(taken, axis=1, kind="stable")
            order = np.take_along_axis(order, by_cost, axis=1)
        else:
            order = np.argsort(block, axis=1, kind="stable")
        near[part] = np.take_along_axis(block, order, axis=1)
        site[part] = order
        length[part] = np.isfinite(near[part]).sum(axis=1)
    return CandidateLists(site, near, length, beyond)
