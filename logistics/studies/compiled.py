"""Compiling a year of a case, with what is wrong or unreachable told in the user's terms."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from logistics.errors import InputError, Problem, Where
from logistics.limits import PlanLimit
from logistics.network.network import Network
from logistics.units import WEEKS_PER_YEAR
from logistics.virtual_network.build import NegativeCost, build_instance
from logistics.virtual_network.entries import entry_capacity
from logistics.virtual_network.instance import Instance, Weights
from logistics.virtual_network.reasons import why_unreachable

WORD = 64


def compiled_instance(
    network: Network,
    year: int,
    weights: Weights,
    unserved_cny_per_t: float | None = None,
    limits: Sequence[PlanLimit] = (),
    alternatives: Mapping[str, str] | None = None,
) -> tuple[Instance, list[Problem]]:
    """Compile `network` under an objective and limits; `alternatives` as in :func:`build_instance`.

    Returns
    -------
    Instance, list of Problem
        The arrays, and a warning for each demand row that nothing can reach, or not within a hard promise.

    Raises
    ------
    InputError
        When a ride would pay its user.
    """
    try:
        instance = build_instance(network, year, weights, unserved_cny_per_t, limits, alternatives)
    except NegativeCost as error:
        row = network.row_of("services")[error.service_id]
        where = Where(f"{network.name}/services.csv", row + 2, "subsidy_cny_per_t")
        subject = f"{error.service_id} {error.product_id}"
        raise InputError([Problem("cost.negative", where, f"{error.cny_per_t:.6g}", "0", subject)]) from error
    lost = unreachable_demand(network, year, instance)
    hard = _promises_out_of_reach(network, instance, {p.found for p in lost})
    return instance, lost + hard + _narrow_entries(network, year)


def _narrow_entries(network: Network, year: int) -> list[Problem]:
    """Warn of each customs territory that asks for more than all services into it can carry."""
    found = []
    for territory, (room_t, demand_t) in sorted(entry_capacity(network, year).items()):
        if demand_t > room_t * (1 + 1e-9):
            where = Where(f"{network.name}/demand.csv")
            weekly = f"{room_t / WEEKS_PER_YEAR:,.4g}", f"{demand_t / WEEKS_PER_YEAR:,.4g}"
            found.append(Problem("demand.capacity", where, *weekly, territory, severity="warning"))
    return found


def _promises_out_of_reach(network: Network, instance: Instance, lost: set[str]) -> list[Problem]:
    """Warn of each demand row whose hard promise is shorter than its fastest path."""
    from logistics.paths import CompressedGraph

    c = instance.commodities
    row_of = network.row_of("demand")
    found: dict[str, Problem] = {}
    for number, layer in enumerate(instance.layers):
        hard = c.promise_is_hard & np.isfinite(c.promise_h)
        mine = np.flatnonzero((c.layer == number) & (c.origin >= 0) & (c.destination >= 0) & hard)
        if len(mine) == 0:
            continue
        roots, row = np.unique(c.origin[mine], return_inverse=True)
        graph = CompressedGraph.from_arcs(layer.num_vertices, layer.tail, layer.head)
        hours, _ = graph.trees(layer.customer_h, roots.astype(np.int32))
        fastest = hours[row, c.destination[mine]]
        for place in np.flatnonzero(fastest > c.promise_h[mine] + 1e-6):
            name = c.demand_id[mine[place]]
            if name in lost or name in found:
                continue
            where = Where(f"{network.name}/demand.csv", row_of[name] + 2, "destination_site")
            days = f"{fastest[place] / 24:.3g}", f"{c.promise_h[mine[place]] / 24:.3g}"
            found[name] = Problem("demand.promise", where, days[0], days[1], name, severity="warning")
    return sorted(found.values(), key=lambda problem: problem.where.line)


def unreachable_demand(network: Network, year: int, instance: Instance) -> list[Problem]:
    """Warn of each demand row without any path, with the reason."""
    c = instance.commodities
    lost = {c.demand_id[k] for k in np.flatnonzero((c.origin < 0) | (c.destination < 0))}
    lost |= {c.demand_id[k] for k in np.flatnonzero(~instance_reachable(instance))}
    if not lost:
        return []
    row_of = network.row_of("demand")
    found = []
    for name in sorted(lost, key=lambda name: row_of[name]):
        where = Where(f"{network.name}/demand.csv", row_of[name] + 2, "destination_site")
        reason = why_unreachable(network, year, name)
        found.append(Problem("demand.unreachable", where, name, subject=reason, severity="warning"))
    return found


def instance_reachable(instance: Instance) -> NDArray[np.bool_]:
    """Whether each commodity has any path, shape (commodities,).

    Origins are bits of a word per vertex, passed along arcs until nothing changes.
    """
    c = instance.commodities
    reached = np.zeros(len(c), dtype=bool)
    for number, layer in enumerate(instance.layers):
        mine = np.flatnonzero((c.layer == number) & (c.origin >= 0) & (c.destination >= 0))
        roots, row = np.unique(c.origin[mine], return_inverse=True)
        for first in range(0, len(roots), WORD):
            word = np.zeros(layer.num_vertices, dtype=np.uint64)
            bits = np.uint64(1) << np.arange(len(roots[first : first + WORD]), dtype=np.uint64)
            np.bitwise_or.at(word, roots[first : first + WORD], bits)
            before = np.zeros_like(word)
            while not np.array_equal(before, word):
                before = word.copy()
                np.bitwise_or.at(word, layer.head, before[layer.tail])
            asked = np.flatnonzero((row >= first) & (row < first + WORD))
            reached[mine[asked]] = (word[c.destination[mine[asked]]] & bits[row[asked] - first]) > 0
    return reached
