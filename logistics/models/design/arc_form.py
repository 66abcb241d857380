"""The design problem in arc form, for a MIP solver: flows of trees on arcs instead of paths.

Small problems that the tree search does not close soon are handed over in this form, with the best plan as
cutoff, options fixed by prices, and every strong link.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from logistics.integer_solver import MixedProgram
from logistics.models.design.entries import ProgramEntries
from logistics.models.design.pricing import Forest
from logistics.models.design.problem import DesignProblem, SideRows
from logistics.models.design.year_columns import YearColumns

Floats = NDArray[np.float64]
Longs = NDArray[np.int64]
MOST_FLOWS = 15_000
"""Trees times arcs up to which a MIP solver gets anywhere."""


@dataclass(frozen=True)
class ArcForm:
    """A program whose first columns are the options, and what its value lacks: costs that all plans have."""

    program: MixedProgram
    constant: float


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


def in_arc_form(
    problem: DesignProblem, rows: SideRows, years: list[YearColumns], lower: Floats, upper: Floats
) -> ArcForm:
    """The problem in arc form.

    Parameters
    ----------
    rows
        Rows on options, those that follow from the problem among them.
    lower, upper
        Bounds on options.
    """
    entries, constant = ProgramEntries(), 0.0
    y = entries.columns(problem.cost, upper)
    side = entries.rows(rows.lower, rows.upper)
    entries.put(side[rows.row], y[rows.option], rows.value)
    for number, year in enumerate(years):
        w, instance = float(problem.year_weight[number]), year.instance
        constant += w * float(year.constant @ instance.commodities.demand_t)
        gated, option = problem.gates[number]
        added, adding, amount = problem.expansion(number)
        free = instance.capacity.copy()
        free[gated] = 0.0
        capacity = entries.rows(np.full(len(free), -np.inf), free)
        entries.put(capacity[gated], y[option], -instance.capacity[gated])
        entries.put(capacity[added], y[adding], -amount)
        for forest in year.pricer.forests:
            _enter_forest(entries, year, forest, w, capacity, y)
    return ArcForm(entries.program(lower), constant)


def _enter_forest(
    entries: ProgramEntries, year: YearColumns, forest: Forest, w: float, capacity: Longs, y: Longs
) -> None:
    """Flows of each tree of a layer: balances, draws on capacities, strong links."""
    instance, links = year.instance, year.links
    layer, c, first = instance.layers[forest.layer], instance.commodities, forest.roots.first
    groups, group_of = np.unique(forest.group, return_inverse=True)
    cuts = [i for i, cut in enumerate(links.cuts) if cut.layer == forest.layer]
    cut_arcs = np.concatenate([links.cuts[i].arcs for i in cuts] or [np.zeros(0, np.int32)])
    cut_of = np.repeat(np.arange(len(cuts)), [len(links.cuts[i].arcs) for i in cuts])
    count = len(groups) * len(cuts)
    link = entries.rows(np.full(count, -np.inf), np.zeros(count)).reshape(len(groups), len(cuts))
    pairs = np.repeat(groups, len(cuts)), np.tile(np.array(cuts, dtype=np.int64), len(groups))
    entries.put(link.ravel(), y[links.cut_option[pairs[1]]], -links.most_t(pairs[1], pairs[0]))
    between = np.flatnonzero(layer.tail != layer.head)
    one = np.ones(len(between))
    for tree, root in enumerate(forest.roots.root.tolist()):
        each = year.pricer.paths.classes[forest.classes[forest.roots.weights_row[tree]]]
        members = forest.member[first[tree] : first[tree + 1]]
        demand = c.demand_t[members]
        wanted = np.bincount(c.destination[members], demand, layer.num_vertices).astype(float)
        wanted[root] -= float(demand.sum())
        cost = year.pricer.paths.costs[forest.layer].of_class(each.product, each.time_value)
        flow = entries.columns(w * cost, np.full(layer.num_arcs, float(demand.sum())))
        balance = entries.rows(wanted, wanted)
        entries.put(balance[layer.head[between]], flow[between], one)
        entries.put(balance[layer.tail[between]], flow[between], -one)
        use = np.where(layer.use_is_m3, instance.products.m3_per_t[each.product], 1.0)
        entries.put(capacity[layer.use_row], flow[layer.use_arc], use)
        entries.put(link[group_of[tree], cut_of], flow[cut_arcs], np.ones(len(cut_arcs)))
