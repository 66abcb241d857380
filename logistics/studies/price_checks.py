"""Prices of scarce capacities and limits, the ones shown checked by a solve with 1 % more.

A dual price is an upper estimate for any amount more: the program's value is convex in its right-hand sides,
and prices are not unique where the plan is degenerate. What one per cent more is worth is found by solving
again.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from logistics.models.flow.column_generation import FlowModel
    from logistics.models.flow.solved import SolvedFlow

MORE = 0.01
MOST_CAPACITIES = 5
MOST_LIMITS = 8
Key = tuple[str, str, str]


def checked_prices(model: FlowModel, solved: SolvedFlow) -> Mapping[Key, float]:
    """What 1 % more of a capacity, or of a limit, saves in the objective, by (kind, id, unit).

    The capacities whose prices come to most are checked, and every limit with a price; a saving is negative
    only by the gap of the two solves.
    """
    instance, found = model.instance, {}
    worth = solved.duals.resource * instance.capacity
    for row in np.argsort(-worth, kind="stable")[:MOST_CAPACITIES]:
        if worth[row] > 0:
            resource = instance.resources[row]
            more = resource._replace(capacity=resource.capacity * (1 + MORE))
            resources = (*instance.resources[:row], more, *instance.resources[row + 1 :])
            again = model.solve_with(replace(instance, resources=resources))
            found[(resource.kind, resource.id, resource.unit)] = solved.objective - again.objective
    priced = [i for i, price in enumerate(solved.duals.limit) if price > 0]
    for i in priced[:MOST_LIMITS]:
        limit = instance.limits[i]
        more_of = replace(limit, bound=limit.bound + MORE * limit.scale)
        limits = (*instance.limits[:i], more_of, *instance.limits[i + 1 :])
        again = model.solve_with(replace(instance, limits=limits))
        found[("limit", limit.id, limit.unit)] = solved.objective - again.objective
    return found
