"""Solved arrays → plan in domain words, and the totals the model claims for it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from logistics.models.flow.columns import path_traits
from logistics.models.flow.costs import layer_costs
from logistics.models.flow.solved import SolvedFlow
from logistics.plan import FLOWS, STEPS, UNSERVED, Plan
from logistics.virtual_network.instance import Instance

NEGLIGIBLE_T = 1e-8


class Flow(Protocol):
    """Used columns of an instance: commodity, arcs and tonnes of each; and what is not served."""

    @property
    def commodity(self) -> NDArray[np.int32]:
        """Commodity of each column."""

    @property
    def path(self) -> tuple[NDArray[np.int32], ...]:
        """Arcs of each column in order."""

    @property
    def flow_t(self) -> NDArray[np.float64]:
        """Tonnes of each column."""

    @property
    def unserved_t(self) -> NDArray[np.float64]:
        """Tonnes not served of each commodity."""


@dataclass(frozen=True)
class Claims:
    """Sums of a plan as the model computed them; the verifier computes them again from the tables.

    Parameters
    ----------
    money_cny, capital_cny, time_value_cny
        A year's tariffs, fees and taxes; capital and obsolescence; customers' time.
    customer_t_h, pipeline_t_h
        Tonne-hours of the two clocks, stock left out.
    co2_t
        Tonnes CO2e.
    """

    demand_t: float
    unserved_t: float
    money_cny: float
    capital_cny: float
    time_value_cny: float
    customer_t_h: float
    pipeline_t_h: float
    co2_t: float


def decoded_plan(instance: Instance, solved: SolvedFlow) -> Plan:
    """Name every used path and its steps; paths are numbered in order of demand, tier and steps."""
    c = instance.commodities
    rows = []
    for i, k in enumerate(solved.commodity):
        layer = instance.layers[c.layer[k]]
        steps = tuple(layer.steps[arc] for arc in solved.path[i] if layer.steps[arc].action != "stay")
        rows.append((c.demand_id[k], c.tier[k], steps, float(solved.flow_t[i])))
    rows.sort(key=lambda row: row[:3])
    flows: list[tuple[object, ...]] = []
    lines: list[tuple[object, ...]] = []
    for number, (demand_id, tier, steps, tonnes) in enumerate(rows, 1):
        name = f"p{number:06d}"
        flows.append((instance.year, name, demand_id, tier, tonnes))
        lines += [(instance.year, name, seq, *step) for seq, step in enumerate(steps, 1)]
    missing = [
        (instance.year, c.demand_id[k], c.tier[k], float(solved.unserved_t[k]))
        for k in np.flatnonzero(solved.unserved_t > NEGLIGIBLE_T)
    ]
    return Plan(_table(flows, FLOWS), _table(lines, STEPS), _table(missing, UNSERVED))


def _table(rows: Sequence[tuple[object, ...]], schema: pa.Schema) -> pa.Table:
    columns = list(zip(*rows, strict=True)) if rows else [()] * len(schema)
    return pa.table(
        [pa.array(column, field.type) for column, field in zip(columns, schema, strict=True)], schema=schema
    )


def claimed_totals(instance: Instance, solved: Flow) -> Claims:
    """Add up the used paths."""
    c = instance.commodities
    parts = dict.fromkeys(("money", "capital", "time", "customer", "pipeline", "co2"), 0.0)
    layer_of = c.layer[solved.commodity]
    for number in np.unique(layer_of):
        mine = np.flatnonzero(layer_of == number)
        members, layer = solved.commodity[mine], instance.layers[number]
        flow, time_value = solved.flow_t[mine], c.time_value_cny_per_t_h[members]
        paths = [solved.path[i] for i in mine]
        traits = path_traits(
            instance, layer, layer_costs(instance, layer), c.product[members], time_value, paths
        )
        parts["money"] += float(flow @ (traits.money_cny + c.constant_cny_per_t[members]))
        parts["capital"] += float(flow @ traits.carrying_cny)
        parts["time"] += float(flow @ (time_value * traits.customer_h))
        parts["customer"] += float(flow @ traits.customer_h)
        parts["pipeline"] += float(flow @ traits.pipeline_h)
        parts["co2"] += float(flow @ traits.co2_kg) / 1000.0
    return Claims(
        demand_t=float(c.demand_t.sum()),
        unserved_t=float(solved.unserved_t[solved.unserved_t > NEGLIGIBLE_T].sum()),
        money_cny=parts["money"],
        capital_cny=parts["capital"],
        time_value_cny=parts["time"],
        customer_t_h=parts["customer"],
        pipeline_t_h=parts["pipeline"],
        co2_t=parts["co2"],
    )


def generalised_by_commodity(instance: Instance, solved: Flow) -> NDArray[np.float64]:
    """Money, capital and time of all that is carried of each commodity, CNY, shape (commodities,)."""
    c = instance.commodities
    sums = np.zeros(len(c))
    layer_of = c.layer[solved.commodity]
    for number in np.unique(layer_of):
        mine = np.flatnonzero(layer_of == number)
        members, layer = solved.commodity[mine], instance.layers[number]
        time_value, paths = c.time_value_cny_per_t_h[members], [solved.path[i] for i in mine]
        costs = layer_costs(instance, layer)
        traits = path_traits(instance, layer, costs, c.product[members], time_value, paths)
        per_t = traits.money_cny + c.constant_cny_per_t[members] + traits.carrying_cny
        per_t += time_value * traits.customer_h
        sums += np.bincount(members, solved.flow_t[mine] * per_t, len(c))
    return sums


def sums_by_destination(
    instance: Instance, solved: SolvedFlow, destination_of: Mapping[str, str]
) -> dict[str, tuple[float, float, float, float]]:
    """Value of the objective, customers' tonne-hours, tonnes served and not served, by destination.

    Parameters
    ----------
    destination_of
        Destination of each demand row.
    """
    c = instance.commodities
    sums: dict[str, NDArray[np.float64]] = {}

    def book(k: int, *amounts: float) -> None:
        place = destination_of[c.demand_id[k]]
        sums[place] = sums.get(place, np.zeros(4)) + np.array(amounts)

    layer_of = c.layer[solved.commodity]
    for number in np.unique(layer_of):
        mine = np.flatnonzero(layer_of == number)
        members, layer = solved.commodity[mine], instance.layers[number]
        paths = [solved.path[i] for i in mine]
        time_value = c.time_value_cny_per_t_h[members]
        costs = layer_costs(instance, layer)
        traits = path_traits(instance, layer, costs, c.product[members], time_value, paths)
        constant = instance.weights.money * c.constant_cny_per_t[members]
        for place, k in enumerate(members):
            tonnes = float(solved.flow_t[mine[place]])
            value = tonnes * float(traits.cost[place] + constant[place])
            book(int(k), value, tonnes * float(traits.customer_h[place]), tonnes, 0.0)
    for k in np.flatnonzero(solved.unserved_t > NEGLIGIBLE_T):
        book(int(k), 0.0, 0.0, 0.0, float(solved.unserved_t[k]))
    return {place: tuple(map(float, amounts)) for place, amounts in sums.items()}  # type: ignore[misc]
