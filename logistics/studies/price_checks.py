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
ACCURACY = 0.01
"""Gaps of the two solves, as a part of what 1 % more is expected to save."""
FINEST_GAP = 1e-9
Key = tuple[str, str, str]


def checked_prices(model: FlowModel, solved: SolvedFlow) -> Mapping[Key, float]:
    """What 1 % more of a capacity, or of a limit, saves in the objective, by (kind, id, unit).

    The capacities whose prices come to most are checked, and every limit with a price. Both solves are taken
    so far that their gaps are a small part of what is expected; what is too small to be told is left out.
    """
    instance, found = model.instance, {}
    worth = MORE * solved.duals.resource * instance.capacity
    chosen = [row for row in np.argsort(-worth, kind="stable")[:MOST_CAPACITIES] if worth[row] > 0]
    limits_worth = [MORE * p * row.scale for p, row in zip(solved.duals.limit, instance.limits, strict=True)]
    least = min([*worth[chosen], *(value for value in limits_worth if value > 0)], default=0.0)
    gap = max(FINEST_GAP, ACCURACY * least / max(1.0, abs(solved.objective)))
    if least <= 0:
        return {}
    value = model.solve_with(instance, gap).objective
    for row in chosen:
        if ACCURACY * worth[row] >= FINEST_GAP * abs(value):
            resource = instance.resources[row]
            more = resource._replace(capacity=resource.capacity * (1 + MORE))
            resources = (*instance.resources[:row], more, *instance.resources[row + 1 :])
            again = model.solve_with(replace(instance, resources=resources), gap)
            found[(resource.kind, resource.id, resource.unit)] = value - again.objective
    priced = [
        i for i, more in enumerate(limits_worth) if ACCURACY * more >= FINEST_GAP * abs(value) and more > 0
    ]
    for i in priced[:MOST_LIMITS]:
        limit = instance.limits[i]
        more_of = replace(limit, bound=limit.bound + MORE * limit.scale)
        limits = (*instance.limits[:i], more_of, *instance.limits[i + 1 :])
        again = model.solve_with(replace(instance, limits=limits), gap)
        found[("limit", limit.id, limit.unit)] = value - again.objective
    return found
