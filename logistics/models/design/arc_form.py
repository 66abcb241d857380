"""The design problem in arc form, for a MIP solver: flows of trees on arcs instead of paths.

Small problems that the tree search does not close soon are handed over in this form, with the best plan as cutoff,
options fixed by prices, and every strong link.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from logistics.integer_solver import MixedProgram
from logistics.models.design.entries import ProgramEntries
from logistics.models.design.problem import DesignProblem, SideRows
from logistics.models.design.year_columns import YearColumns

Floats = NDArray[np.float64]
Longs = NDArray[np.int64]
MOST_FLOWS = 15_000
"""Trees times arcs up to which a MIP solver gets anywhere."""


def has_arc_form(problem: DesignProblem, years: list[YearColumns]) -> bool:
    """Whether a problem is small, and has nothing that is no sum over arcs or may stay unserved."""
    flows = 0
    for number, year in enumerate(years):
        instance, c = year.instance, year.instance.commodities
        stocked = any(layer.stocked for layer in instance.layers)
        late = bool(np.any(c.promise_is_hard & np.isfinite(c.promise_h)))
        left = instance.unserved_cny_per_t is not None or problem.allowed_t(number) > 0
        if stocked or late or left or instance.limits:
            return False
        flows += sum(
            len(forest.roots.root) * instance.layers[forest.layer].num_arcs for forest in year.pricer.forests
        )
    return flows <= MOST_FLOWS


def arc_program(
    problem: DesignProblem, rows: SideRows, years: list[YearColumns], lower: Floats, upper: Floats
) -> MixedProgram:
    """The problem in arc form; its first columns are the options.

    Parameters
    ----------
    rows
        Rows on options, those that follow from the problem among them.
    lower, upper
        Bounds on options.
    """
    entries = ProgramEntries()
    y = entries.columns(problem.cost, upper)
    side = entries.rows(rows.lower, rows.upper)
    entries.put(side[rows.row], y[rows.option], rows.value)
    for number, year in enumerate(years):
        _enter_year(entries, problem, number, year, y)
    return entries.program(lower)


def _enter_year(
    entries: ProgramEntries, problem: DesignProblem, number: int, year: YearColumns, y: Longs
) -> None:
    instance, w = year.instance, float(problem.year_weight[number])
    c, products = instance.commodities, instance.products
    gated, option = problem.gates[number]
    added, adding, amount = problem.expansion(number)
    free = instance.capacity
    free[gated] = 0.0
    capacity = entries.rows(np.full(len(free), -np.inf), free)
    entries.put(capacity[gated], y[option], -instance.capacity[gated])
    entries.put(capacity[added], y[adding], -amount)
    for forest in year.pricer.forests:
        layer, first = instance.layers[forest.layer], forest.roots.first
        for tree, root in enumerate(forest.roots.root.tolist()):
            each = year.pricer.paths.classes[forest.classes[forest.roots.weights_row[tree]]]
            members = forest.member[first[tree] : first[tree + 1]]
            wanted = np.bincount(c.destination[members], c.demand_t[members], layer.num_vertices)
            wanted[root] -= float(c.demand_t[members].sum())
            cost = year.pricer.paths.costs[forest.layer].of_class(each.product, each.time_value)
            flow = entries.columns(w * cost, np.full(layer.num_arcs, float(c.demand_t[members].sum())))
            balance = entries.rows(wanted, wanted)
            # Arcs from a vertex to itself carry nothing.
            between = layer.tail != layer.head
            entries.put(balance[layer.head[between]], flow[between], np.ones(int(between.sum())))
            entries.put(balance[layer.tail[between]], flow[between], -np.ones(int(between.sum())))
            use = np.where(layer.use_is_m3, products.m3_per_t[each.product], 1.0)
            entries.put(capacity[layer.use_row], flow[layer.use_arc], use)
            constant = float(w * (year.constant[members] @ c.demand_t[members]))
            entries.constant += constant
    _enter_links(entries, year, y)


def _enter_links(entries: ProgramEntries, year: YearColumns, y: Longs) -> None:
    """All strong links: a group's flows on a cut, over all trees of the group."""
