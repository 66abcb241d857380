"""Limits of a scenario file → :class:`~logistics.limits.PlanLimit`, and what is wrong with them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from logistics.errors import Problem, Where, did_you_mean
from logistics.limits import MOST_FLAGS, PlanLimit, demand_in_scope
from logistics.network.network import Network
from logistics.network.where import ConditionError
from logistics.scenario.schema import Limits
from logistics.yaml_files import Document

THINGS = {
    "service": ("services", "service_id"),
    "site": ("sites", "site_id"),
    "passage": ("passages", "passage_id"),
    "mode": ("modes", "mode"),
}


def placed_limits(limits: Limits, document: Document) -> tuple[PlanLimit, ...]:
    """Limits of one file in the order in which they are written."""
    found: list[tuple[Where, PlanLimit]] = []

    def add(key: str, number: int, count: int, **figures: object) -> None:
        name = key if count == 1 and key != "load" else f"{key}.{number + 1}"
        listed = isinstance((document.data or {}).get("limits", {}).get(key), list)
        where = document.where(("limits", key, number) if listed else ("limits", key))
        found.append((where, PlanLimit(id=name, place=str(where), **figures)))  # type: ignore[arg-type]

    for i, mean in enumerate(limits.max_mean_customer_days or ()):
        count = len(limits.max_mean_customer_days or ())
        add(
            "max_mean_customer_days", i, count,
            kind="mean_customer_days", value=mean.days, where=mean.where or "",
        )  # fmt: skip
    if limits.max_co2_t is not None:
        add("max_co2_t", 0, 1, kind="co2", value=limits.max_co2_t)
    if limits.max_money_cny is not None:
        add("max_money_cny", 0, 1, kind="money", value=limits.max_money_cny)
    for i, promise in enumerate(limits.min_promise_share or ()):
        count = len(limits.min_promise_share or ())
        add(
            "min_promise_share", i, count,
            kind="promise_share", value=promise.share, least=True, where=promise.where or "",
            measured=promise.measured, days=promise.days,
        )  # fmt: skip
    for i, local in enumerate(limits.min_local_gateway_share or ()):
        count = len(limits.min_local_gateway_share or ())
        add(
            "min_local_gateway_share", i, count,
            kind="local_gateway_share", value=local.share, least=True,
            reading=local.reading, measured=local.measured,
        )  # fmt: skip
    for i, load in enumerate(limits.load or ()):
        thing = next(name for name in THINGS if getattr(load, name) is not None)
        least = load.min_t is not None
        value = load.min_t if load.min_t is not None else load.max_t
        add(
            "load", i, len(limits.load or ()),
            kind="load", value=value, least=least, thing=thing, thing_id=getattr(load, thing),
        )  # fmt: skip
    found.sort(key=lambda item: (item[0].line, int(item[0].column or 0)))
    return tuple(limit for _, limit in found)


def limit_problems(network: Network, limits: Sequence[PlanLimit]) -> Iterator[Problem]:
    """Yield what is wrong with `limits` on a year's network: unknown things, conditions that fit nothing."""
    flags = [limit for limit in limits if limit.flagged]
    if len(flags) > MOST_FLAGS:
        yield Problem("limit.too_many", place_of(flags[MOST_FLAGS]), str(len(flags)), str(MOST_FLAGS))
    scopes: dict[str, NDArray[np.bool_]] = {}
    for limit in limits:
        if limit.kind == "load":
            table, column = THINGS[limit.thing]
            known = network.texts(table, column)
            if limit.thing_id not in known:
                hint = did_you_mean(limit.thing_id, known)
                yield Problem("change.no_row", place_of(limit), limit.thing_id, table, remedy=hint)
        try:
            inside = demand_in_scope(network, limit)
        except ConditionError as error:
            hint = did_you_mean(error.found, error.choices)
            yield Problem(
                f"condition.{error.reason}",
                place_of(limit),
                error.found,
                ", ".join(error.choices),
                remedy=hint,
            )
            continue
        if not inside.any():
            yield Problem("change.no_rows", place_of(limit), limit.where, "demand")
            continue
        scopes[limit.id] = inside
        segments = network.tables["product_segments"]
        promised = segments["promise_d"].null_count < segments.num_rows
        if limit.kind == "promise_share" and limit.days is None and not promised:
            yield Problem("limit.no_promise", place_of(limit), limit.id, severity="warning")
    yield from _lateness_problems(network, [limit for limit in limits if limit.id in scopes], scopes)


def _lateness_problems(
    network: Network, limits: Sequence[PlanLimit], scopes: Mapping[str, NDArray[np.bool_]]
) -> Iterator[Problem]:
    """Yield what makes a row of demand late after different days: two limits, or one and a hard promise.

    Parameters
    ----------
    scopes
        Whether each row of demand.csv is in the scope of each limit, by its id.
    """
    cells = {(row["product_id"], row["segment"]): row for row in network.rows("product_segments")}
    # A pair that is not in the table is a problem of its own.
    rows = [cells.get((row["product_id"], row["segment"]), {}) for row in network.rows("demand")]
    names = network.texts("demand", "demand_id")
    promise_d = np.array([row.get("promise_d") for row in rows], dtype=float)
    hard = np.array([bool(row.get("promise_is_hard")) for row in rows], dtype=bool)
    latest_d, said_by = np.full(len(rows), np.nan), np.full(len(rows), -1)
    for number, limit in enumerate(limits):
        if limit.kind != "promise_share":
            continue
        inside = scopes[limit.id]
        days = promise_d if limit.days is None else np.full(len(rows), limit.days)
        for row in np.flatnonzero(inside & hard)[:1] if limit.days is not None else ():
            stated = f"{days[row]:g}", f"{promise_d[row]:g}"
            yield Problem("limit.days_hard", place_of(limit), *stated, names[row])
        counts = inside & np.isfinite(days)
        for row in np.flatnonzero(counts & np.isfinite(latest_d) & ~np.isclose(days, latest_d, 1e-12))[:1]:
            other = limits[said_by[row]]
            stated = f"{days[row]:g}", f"{latest_d[row]:g} ({other.place})"
            yield Problem("limit.days_differ", place_of(limit), *stated, names[row])
        latest_d[counts], said_by[counts] = days[counts], number


def place_of(limit: PlanLimit) -> Where:
    """Where a limit is written."""
    file, line, column = limit.place.rsplit(":", 2)
    return Where(file, int(line), column)
