"""Limits in the domain's words → rows of the instance.

What a limit counts of a path must add up along its arcs. Uses of a thing and passing a gateway do: their arcs
are marked. “Has used it at least once” does not, so a layer with such a limit is copied once per flag: cargo
changes to the copy that remembers when it uses the thing, and the last arc, delivery, is marked by the copy
it leaves. A floor is written as a limit on what does not use the thing, so that every mark costs and none
pays.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np

from logistics.limits import PlanLimit, demand_in_scope
from logistics.network.network import Network
from logistics.units import HOURS_PER_DAY, KG_PER_T
from logistics.virtual_network.arcs import Arc, Vertex
from logistics.virtual_network.instance import Commodities, Flags, Floats, Ints, Limit
from logistics.virtual_network.layers import Ground

Marks = Mapping[int, Mapping[int, Sequence[int]]]
"""Marked arcs by layer number and limit number."""


def marked_arcs(
    arcs: list[Arc], ground: Ground, direction: str, limits: Sequence[PlanLimit], starts: Sequence[Vertex]
) -> tuple[list[Arc], bool]:
    """Mark what each limit counts, copying the layer where a tonne counts once however often it uses a thing.

    Parameters
    ----------
    arcs
        Arcs of one layer.
    direction
        export, import or transit.
    limits
        The scenario's; an arc is marked with a limit's number here.
    starts
        Vertices where cargo starts.

    Returns
    -------
    arcs, copied
        The arcs, and whether the layer was copied.
    """
    flags = [number for number, limit in enumerate(limits) if limit.flagged]
    result = []
    for arc in arcs:
        counted = [
            number
            for number, limit in enumerate(limits)
            if number not in flags and _counts(arc, ground, direction, limit)
        ]
        result.append(replace(arc, marks=tuple(counted)) if counted else arc)
    if not any(_uses(arc, ground, limits[number]) for number in flags for arc in arcs):
        return result, False
    return _copied(result, ground, flags, limits, starts), True


def _counts(arc: Arc, ground: Ground, direction: str, limit: PlanLimit) -> bool:
    if limit.kind == "load":
        return _uses(arc, ground, limit)
    if limit.kind != "local_gateway_share" or direction == "transit":
        return False
    action = arc.step.action
    if direction == "import":
        decides = action == "clear_import"
    elif limit.reading == "declared":
        decides = action in ("clear_export", "clear_post")
    else:
        decides = (
            action == "board" and arc.tail[0] in ("C1", "P1") and not ground.domestic[arc.step.service_id]
        )
    return decides and ground.sites[arc.step.site_id].province != ground.home_province


def _uses(arc: Arc, ground: Ground, limit: PlanLimit) -> bool:
    """Whether a tonne on `arc` uses the thing of a load limit."""
    step = arc.step
    if limit.thing == "service":
        return step.action == "board" and step.service_id == limit.thing_id
    if limit.thing == "mode":
        return step.action == "board" and ground.mode_of[step.service_id] == limit.thing_id
    if limit.thing == "site":
        return (step.action == "alight" and step.site_id == limit.thing_id) or (
            step.action == "drive" and step.to_site_id == limit.thing_id
        )
    return (
        step.action == "ride"
        and limit.thing_id in ground.passages_on[(step.service_id, step.stop_seq, step.via_id)]
    )


def _copied(
    arcs: list[Arc], ground: Ground, flags: list[int], limits: Sequence[PlanLimit], starts: Sequence[Vertex]
) -> list[Arc]:
    """One copy of the layer per set of flags that cargo can have; only what can be reached is made."""
    leaving: dict[Vertex, list[Arc]] = {}
    for arc in arcs:
        leaving.setdefault(arc.tail, []).append(arc)
    used = {
        id(arc): sum(1 << place for place, number in enumerate(flags) if _uses(arc, ground, limits[number]))
        for arc in arcs
    }
    result: list[Arc] = []
    stack = [(vertex, 0) for vertex in starts]
    seen = set(stack)
    while stack:
        vertex, flag = stack.pop()
        for arc in leaving.get(vertex, ()):
            after = flag | used[id(arc)]
            if arc.step.action == "deliver":
                marks = [
                    number
                    for place, number in enumerate(flags)
                    if bool(after >> place & 1) != limits[number].least
                ]
                result.append(replace(arc, tail=_copy(vertex, flag), marks=(*arc.marks, *marks)))
                continue
            result.append(replace(arc, tail=_copy(vertex, flag), head=_copy(arc.head, after)))
            if (arc.head, after) not in seen:
                seen.add((arc.head, after))
                stack.append((arc.head, after))
    return result


def _copy(vertex: Vertex, flag: int) -> Vertex:
    return (*vertex, "copy", flag) if flag else vertex


def limits_of(
    network: Network,
    limits: Sequence[PlanLimit],
    commodities: Commodities,
    layer_names: Sequence[str],
    fob_cny_per_t: Floats,
    marks: Marks,
) -> tuple[Limit, ...]:
    """Rows of the instance.

    Parameters
    ----------
    commodities
        With the hours their products promise.
    layer_names
        ``export-direct`` and so on, by layer number.
    fob_cny_per_t
        By product.
    marks
        Marked arcs; a layer that was copied names every flagged limit, with or without marked arcs.
    """
    whole = float(commodities.demand_t.sum())
    found = []
    for number, limit in enumerate(limits):
        scope = _scope(network, limit, commodities)
        marked = tuple(
            (layer, np.array(by_limit[number], dtype=np.int32))
            for layer, by_limit in sorted(marks.items())
            if number in by_limit
        )
        weight = scope.astype(float)
        if limit.measured == "orders":
            weight *= _orders_per_t(network, commodities)
        found.append(_row(limit, weight, commodities, layer_names, fob_cny_per_t, marked, whole))
    return tuple(found)


def with_latest_hours(network: Network, limits: Sequence[PlanLimit], commodities: Commodities) -> Commodities:
    """Commodities with the hours after which they are late: where a limit states days, those.

    A hard promise stays what it is, and where two limits state different days the fewer hold; a scenario with
    either is refused before.
    """
    latest_h = np.full(len(commodities), np.inf)
    for limit in limits:
        if limit.days is not None:
            scope = _scope(network, limit, commodities) & ~commodities.promise_is_hard
            latest_h[scope] = np.minimum(latest_h[scope], HOURS_PER_DAY * limit.days)
    return replace(commodities, promise_h=np.where(np.isfinite(latest_h), latest_h, commodities.promise_h))


def _scope(network: Network, limit: PlanLimit, commodities: Commodities) -> Flags:
    """Whether each commodity is in the scope of `limit`, shape (commodities,)."""
    row_of = network.row_of("demand")
    rows = np.array([row_of[name] for name in commodities.demand_id], dtype=np.intp)
    return np.asarray(demand_in_scope(network, limit)[rows])


def _orders_per_t(network: Network, commodities: Commodities) -> Floats:
    """Orders in a tonne of each commodity, shape (commodities,)."""
    order_kg = {
        (row["product_id"], row["segment"]): float(row["order_kg"])
        for row in network.rows("product_segments")
    }
    pair_of = {row["demand_id"]: (row["product_id"], row["segment"]) for row in network.rows("demand")}
    return np.array([KG_PER_T / order_kg[pair_of[name]] for name in commodities.demand_id], dtype=float)


def _row(
    limit: PlanLimit,
    scope: Floats,
    c: Commodities,
    layer_names: Sequence[str],
    fob_cny_per_t: Floats,
    marked: tuple[tuple[int, Ints], ...],
    whole_t: float,
) -> Limit:
    nothing, demand = np.zeros(len(c)), c.demand_t
    if limit.kind == "mean_customer_days":
        hours = HOURS_PER_DAY * limit.value
        scale = limit.relaxation_scale(hours * float(scope @ demand), whole_t)
        return Limit(limit.id, "customer_h", limit.row_unit, scope, -hours * scope, nothing, 0.0, scale)
    if limit.kind == "money":
        return Limit(
            limit.id,
            "money_cny",
            limit.row_unit,
            scope,
            c.constant_cny_per_t * scope,
            nothing,
            limit.value,
            limit.relaxation_scale(limit.value, whole_t),
        )
    if limit.kind == "co2":
        bound = limit.value * KG_PER_T
        scale = limit.relaxation_scale(bound, whole_t)
        return Limit(limit.id, "co2_kg", limit.row_unit, scope, nothing, nothing, bound, scale)
    if limit.kind == "promise_share":
        if limit.days is None:
            scope = scope * np.isfinite(c.promise_h)
        total = float(scope @ demand)
        scale = limit.relaxation_scale(limit.value * total, whole_t)
        return Limit(
            limit.id, "late", limit.row_unit, scope, nothing, scope, (1 - limit.value) * total, scale
        )
    if limit.kind == "local_gateway_share":
        foreign = np.array([not name.startswith("transit") for name in layer_names])
        weight = foreign[c.layer].astype(float) if len(c) else nothing
        if limit.measured == "value":
            weight = weight * fob_cny_per_t[c.product]
        total = float(weight @ demand)
        bound = (1 - limit.value) * total
        scale = limit.relaxation_scale(limit.value * total, whole_t)
        return Limit(limit.id, "marks", limit.row_unit, weight, nothing, weight, bound, scale, marked)
    scale = limit.relaxation_scale(limit.value, whole_t)
    if not limit.least:
        return Limit(limit.id, "marks", limit.row_unit, scope, nothing, nothing, limit.value, scale, marked)
    # In a layer that was not copied nothing can use the thing, whatever the plan.
    able = np.isin(c.layer, [layer for layer, _ in marked]).astype(float)
    bound = float(able @ demand) - limit.value
    return Limit(limit.id, "marks", limit.row_unit, able, nothing, able, bound, scale, marked)
