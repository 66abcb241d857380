"""Good plans early: the design problem over the paths found so far, as a mixed-integer program."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from logistics.integer_solver import MixedStart, MixedStop, solve_mixed
from logistics.models.design.entries import ProgramEntries
from logistics.models.design.master import MasterPoint
from logistics.models.design.problem import DesignProblem, SideRows
from logistics.models.design.year_columns import YearColumns

Floats = NDArray[np.float64]
Ints = NDArray[np.int32]
Longs = NDArray[np.int64]
MOST_COLUMNS = 30_000
"""Paths of a pool; of more, those with the least reduced cost are taken."""
SCIP = {"presolving/maxrestarts": 0, "separating/maxroundsroot": 0, "separating/maxrounds": 0}
"""Strong links and few columns: cutting planes cost far more here than they save."""


def best_of_pool(
    problem: DesignProblem,
    rows: SideRows,
    years: list[YearColumns],
    point: MasterPoint,
    lower: Floats,
    upper: Floats,
    start: Floats | None,
    stop: MixedStop,
) -> Floats | None:
    """Options of the best plan over the paths found so far; None: none was found.

    Its value and bound are the pool's, not the problem's, so they stay here.

    Parameters
    ----------
    rows
        Rows on options, those that follow from the problem among them.
    point
        Prices by which paths are chosen where there are many.
    lower, upper
        Bounds on options.
    start
        Options to try first.
    """
    entries = ProgramEntries()
    y = entries.columns(problem.cost, upper)
    side = entries.rows(rows.lower, rows.upper)
    entries.put(side[rows.row], y[rows.option], rows.value)
    for number, year in enumerate(years):
        _enter_year(entries, problem, number, year, point, y)
    hints = () if start is None else (MixedStart(y, start),)
    answer = solve_mixed(entries.program(lower), "scip", stop, hints, SCIP)
    return None if len(answer.values) == 0 else np.round(answer.values[y])


def _enter_year(
    entries: ProgramEntries,
    problem: DesignProblem,
    number: int,
    year: YearColumns,
    point: MasterPoint,
    y: Longs,
) -> None:
    """Rows and columns of a year, over the paths of least reduced cost."""
    instance, w = year.instance, float(problem.year_weight[number])
    c, resources = instance.commodities, len(instance.resources)
    kept = _chosen(year, point, number)
    path = np.full(len(year), -1)
    path[kept] = entries.columns(w * year.cost[kept], c.demand_t[year.commodity[kept]])
    price = instance.unserved_cny_per_t
    unserved_cost = np.broadcast_to(0.0 if price is None else w * np.asarray(price, float), (len(c),))
    unserved = entries.columns(unserved_cost, c.demand_t)
    demand = entries.rows(c.demand_t, c.demand_t)
    entries.put(demand[year.commodity[kept]], path[kept], np.ones(len(kept)))
    entries.put(demand, unserved, np.ones(len(c)))
    if price is None:
        cap = entries.rows(np.array([-np.inf]), np.array([problem.allowed_t(number)]))
        entries.put(np.repeat(cap, len(c)), unserved, np.ones(len(c)))
    gated, option = problem.gates[number]
    added, adding, amount = problem.expansion(number)
    free = np.concatenate([instance.capacity, [limit.bound for limit in instance.limits]])
    free[gated] = 0.0
    row = entries.rows(np.full(len(free), -np.inf), free)
    mine = path[year.draw_column] >= 0
    entries.put(row[year.draw_row[mine]], path[year.draw_column[mine]], year.draw_amount[mine])
    entries.put(row[gated], y[option], -instance.capacity[gated])
    entries.put(row[added], y[adding], -amount)
    for limit_row, limit in zip(row[resources:], instance.limits, strict=True):
        counted = np.flatnonzero(limit.unserved)
        entries.put(np.full(len(counted), limit_row), unserved[counted], limit.unserved[counted])
    mine = path[year.met_column] >= 0
    links, place = np.unique(year.met_link[mine], return_inverse=True)
    groups = year.links.num_groups
    cut, group = links // groups, links % groups
    row = entries.rows(np.full(len(links), -np.inf), np.zeros(len(links)))
    entries.put(row[place.ravel()], path[year.met_column[mine]], np.ones(int(mine.sum())))
    entries.put(row, y[year.links.cut_option[cut]], -year.links.most_t(cut, group))


def _chosen(year: YearColumns, point: MasterPoint, number: int) -> Longs:
    """Columns of least reduced cost; all if they are few."""
    if len(year) <= MOST_COLUMNS:
        return np.arange(len(year))
    prices = point.prices[number]
    paid = np.concatenate([prices.rows.resource, prices.rows.limit])
    groups = year.links.num_groups
    reduced = year.cost - prices.demand[year.commodity]
    reduced += np.bincount(year.draw_column, year.draw_amount * paid[year.draw_row], len(year))
    number_of = prices.links.cut * groups + prices.links.group
    order = np.argsort(number_of)
    place = np.searchsorted(number_of, year.met_link, sorter=order)
    known = (place < len(order)) & np.isin(year.met_link, number_of)
    price = np.zeros(len(year.met_link))
    price[known] = prices.links.price[order[place[known]]]
    reduced += np.bincount(year.met_column, price, len(year))
    return np.sort(np.argsort(reduced, kind="stable")[:MOST_COLUMNS])
