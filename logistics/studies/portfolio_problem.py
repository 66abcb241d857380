"""A portfolio's years as one design problem: instances with every option inside, gates and expansions."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from logistics.models.design.problem import DesignProblem, SideRows
from logistics.network.network import Network
from logistics.proposals.entering import RouteOption
from logistics.studies.portfolio_choices import Choice, YearMoney, money_of
from logistics.studies.portfolio_networks import opened_for
from logistics.studies.portfolio_spec import OtherOption
from logistics.studies.route_union import compiled_union
from logistics.studies.year_flow import Question
from logistics.virtual_network.instance import Instance, Ints, Layer, Limit, Resource, Step


@dataclass(frozen=True)
class PortfolioYears:
    """Everything the design problem is made of.

    Parameters
    ----------
    problem
        With the rules at their own budgets.
    weight
        Discount factor of each year.
    money
        Of each choice in its year, undiscounted.
    """

    problem: DesignProblem
    weight: Mapping[int, float]
    money: tuple[YearMoney, ...]


def design_of(
    questions: Mapping[int, Question],
    choices: Sequence[Choice],
    rows: SideRows,
    discount_rate: float,
    unserved_t: Mapping[int, float],
) -> PortfolioYears:
    """Compile all years.

    Parameters
    ----------
    questions
        Each year's, without any option open.
    rows
        Rules on the choices.
    unserved_t
        Tonnes that may stay unserved in each year, as without any option.
    """
    years = sorted(questions)
    weight = {year: (1.0 + discount_rate) ** (years[0] - year) for year in years}
    instances, gates, expansions = [], [], []
    for year in years:
        mine = [(i, c) for i, c in enumerate(choices) if c.year == year]
        routes = [(i, c.option) for i, c in mine if isinstance(c.option, RouteOption)]
        others = [(i, c.option) for i, c in mine if isinstance(c.option, OtherOption)]
        union = compiled_union(questions[year], [option for _, option in routes])
        part_of = np.array([i for i, _ in routes], dtype=np.int32)
        own = np.flatnonzero((union.resource_part >= 0) & (union.resource_part < len(routes)))
        row, option = own.astype(np.int32), part_of[union.resource_part[own]]
        instance = union.instance
        for number, other in others:
            if other.clearance_window is None:
                continue
            instance = _with_window(instance, questions[year], [o for _, o in routes], other)
            row = np.append(row, np.int32(len(instance.resources) - 1))
            option = np.append(option, np.int32(number))
        instances.append(instance)
        gates.append((row, option))
        expansions.append(_expansions(instance, others))
    money = tuple(money_of(choice, discount_rate) for choice in choices)
    cost = np.array([weight[c.year] * m.cost for c, m in zip(choices, money, strict=True)])
    left = np.array([unserved_t.get(year, 0.0) for year in years])
    problem = DesignProblem(
        instances=tuple(instances),
        year_weight=np.array([weight[year] for year in years]),
        options=tuple(choice.id for choice in choices),
        cost=cost,
        gates=tuple(gates),
        rows=rows,
        expansions=tuple(expansions),
        most_unserved_t=left if np.any(left > 0) else None,
    )
    return PortfolioYears(problem, weight, money)


def _expansions(
    instance: Instance, others: Sequence[tuple[int, OtherOption]]
) -> tuple[Ints, Ints, np.ndarray[tuple[int], np.dtype[np.float64]]]:
    row_of = {r.id: place for place, r in enumerate(instance.resources) if r.kind == "site"}
    found = [
        (row_of[other.expand.site], number, other.expand.throughput_t_per_year)
        for number, other in others
        if other.expand is not None
    ]
    rows, options, amounts = zip(*found, strict=True) if found else ((), (), ())
    return np.array(rows, np.int32), np.array(options, np.int32), np.array(amounts, float)


def _with_window(
    instance: Instance, question: Question, routes: Sequence[RouteOption], other: OtherOption
) -> Instance:
    """The instance with quicker clearance beside the old one, through a gate that the option opens."""
    assert other.clearance_window is not None
    sites = set(other.clearance_window.sites)
    network: Network = opened_for(question.network, (*routes, other))
    quick, _ = replace(question, network=network).compiled()
    gate = len(instance.resources)
    layers: list[Layer] = []
    copies: list[tuple[Ints, int]] = []
    for layer, other_layer in zip(instance.layers, quick.layers, strict=True):
        # Further arcs of other windows stand behind those that both have.
        arcs = np.array(
            [
                arc
                for arc, step in enumerate(other_layer.steps)
                if step.action.startswith("clear_") and step.site_id in sites
            ],
            dtype=np.int32,
        )
        copies.append((arcs, layer.num_arcs))
        layers.append(_beside(layer, other_layer, arcs, gate))
    # A tonne passes the gate at most twice: cleared for export at one of the sites, for import at another.
    most_t = 2.0 * float(instance.commodities.demand_t.sum())
    return replace(
        instance,
        layers=tuple(layers),
        resources=(*instance.resources, Resource("option", other.id, "t", most_t)),
        limits=tuple(_marked(limit, copies) for limit in instance.limits),
    )


def _beside(layer: Layer, other: Layer, arcs: Ints, gate: int) -> Layer:
    """A layer with arcs of another one beside its own, each by a vertex in the middle, drawing on a gate."""
    count = len(arcs)
    if count == 0:
        return layer
    middle = layer.num_vertices + np.arange(count, dtype=np.int32)
    onward = layer.num_arcs + count + np.arange(count)
    uses = np.flatnonzero(np.isin(other.use_arc, arcs))
    place = {int(arc): int(new) for arc, new in zip(arcs, onward, strict=True)}

    def both(name: str) -> np.ndarray[tuple[int, ...], np.dtype[np.float64]]:
        own, new = getattr(layer, name), getattr(other, name)[arcs]
        return np.concatenate([own, np.zeros_like(new), new])

    return replace(
        layer,
        num_vertices=layer.num_vertices + count,
        tail=np.concatenate([layer.tail, layer.tail[arcs], middle]),
        head=np.concatenate([layer.head, middle, layer.head[arcs]]),
        money_cny_per_t=both("money_cny_per_t"),
        pipeline_h=both("pipeline_h"),
        customer_h=both("customer_h"),
        lead_h=both("lead_h"),
        variance_h2=both("variance_h2"),
        stock_h=both("stock_h"),
        co2_kg_per_t=both("co2_kg_per_t"),
        use_arc=np.concatenate(
            [
                layer.use_arc,
                np.array([place[int(a)] for a in other.use_arc[uses]], dtype=np.int32),
                onward.astype(np.int32),
            ]
        ),
        use_row=np.concatenate([layer.use_row, other.use_row[uses], np.full(count, gate, np.int32)]),
        use_is_m3=np.concatenate([layer.use_is_m3, other.use_is_m3[uses], np.zeros(count, bool)]),
        steps=(
            *layer.steps,
            *(Step("stay", layer.steps[a].site_id) for a in arcs.tolist()),
            *(layer.steps[a] for a in arcs.tolist()),
        ),
    )


def _marked(limit: Limit, copies: Sequence[tuple[Ints, int]]) -> Limit:
    """A limit that counts copied arcs as it counts their originals."""
    marks = []
    for layer, marked in limit.marks:
        arcs, first = copies[layer]
        hit = np.flatnonzero(np.isin(arcs, marked))
        marks.append((layer, np.concatenate([marked, (first + len(arcs) + hit).astype(np.int32)])))
    return replace(limit, marks=tuple(marks))
