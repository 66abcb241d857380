"""The restricted relaxation: options and the paths of all years found so far, in one linear program.

The program grows in place and is solved warm. Its rows are relative: a path carries a share of its
commodity's demand, a row counts in shares of what is there when all is open, so entries are of one size.
Capacities without a gate and strong links enter when a solution first breaks them.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from logistics.errors import SolverFailure
from logistics.models.design.pricing import LinkPrices
from logistics.models.design.problem import DesignProblem, SideRows
from logistics.models.design.year_columns import YearColumns
from logistics.models.flow.costs import RowPrices
from logistics.solver import Basis, IncrementalProgram

Floats = NDArray[np.float64]
Ints = NDArray[np.int32]
Longs = NDArray[np.int64]
BROKEN = 1e-6
"""How far, relative to its right-hand side, a row that is not there yet may be broken."""


@dataclass(frozen=True)
class YearPrices:
    """Duals of one year, in its own money.

    Parameters
    ----------
    demand
        Dual of each commodity's row.
    rows, links
        Prices ≥ 0 of capacities and limits, and of strong links.
    unserved
        Price of the row on all that is not served, ≥ 0; 0 where unserved demand has a price of its own.
    """

    demand: Floats
    rows: RowPrices
    links: LinkPrices
    unserved: float


@dataclass(frozen=True)
class MasterPoint:
    """Solution of the master over its columns.

    Parameters
    ----------
    y
        How far each option is open.
    cost
        Options, paths and unserved tonnes that have a price.
    objective
        The same with what only guides.
    flow_t, unserved_t
        For each year, by column and by commodity.
    excess_t
        For each year tonnes that are not served and must be.
    slack
        For each year how far each limit is broken, as a share of its scale.
    prices
        Of each year.
    side
        Duals of the side rows.
    feasible
        Whether no capacity is broken whose row was not there.
    grew
        Whether rows were added because the point breaks them.
    basis
        Where the program ended, to start others from.
    """

    y: Floats
    cost: float
    objective: float
    flow_t: tuple[Floats, ...]
    unserved_t: tuple[Floats, ...]
    excess_t: tuple[float, ...]
    slack: tuple[Floats, ...]
    prices: tuple[YearPrices, ...]
    side: Floats
    feasible: bool
    grew: bool
    basis: Basis


class _YearRows:
    """Where a year's columns and rows are in the program, and what they count in.

    `unit_t` is the demand of each commodity, `weight` one over what a shared row counts in.
    """

    def __init__(self, problem: DesignProblem, number: int, columns: YearColumns) -> None:
        c, instance = columns.instance.commodities, columns.instance
        shared = len(instance.resources) + len(instance.limits)
        self.columns = columns
        self.unit_t = np.where(c.demand_t > 0, c.demand_t, 1.0)
        self.whole_t = max(1.0, float(c.demand_t.sum()))
        most = problem.capacity(number, np.ones(len(problem.options)))
        scales = np.array([limit.scale for limit in instance.limits])
        self.weight = 1.0 / np.concatenate([np.where(most > 0, most, self.whole_t), scales])
        self.demand = np.zeros(len(c), np.int64)
        self.unserved = np.zeros(len(c), np.int64)
        self.slack = np.zeros(0, np.int64)
        self.cap = self.excess = -1
        self.shared = np.full(shared, -1)
        self.path = np.zeros(0, np.int64)
        self.link = np.zeros(0, np.int64)
        self.link_row = np.zeros(0, np.int64)
        self.link_most = np.zeros(0)

    def path_unit_t(self, columns: slice) -> Floats:
        """Tonnes of a whole path column."""
        return np.asarray(self.unit_t[self.columns.commodity[columns]])


class DesignMaster:
    """Relaxation of a design problem over the columns found so far.

    Parameters
    ----------
    problem
        The problem.
    years
        Columns of each year.

    Attributes
    ----------
    rows
        Side rows, those added since among them.
    """

    def __init__(self, problem: DesignProblem, years: list[YearColumns]) -> None:
        self.problem = problem
        self._program = IncrementalProgram(scaled=False)
        self._years = [_YearRows(problem, number, columns) for number, columns in enumerate(years)]
        self._scale = self._unit = 1.0
        self._only_columns = False
        self._y = self._program.add_columns(problem.cost, np.ones(len(problem.options)))
        self.rows = SideRows.none()
        self._side = np.zeros(0, np.int64)
        self._side_weight = np.zeros(0)
        self.add_rows(problem.rows)
        for number in range(len(years)):
            self._start_year(number)

    def add_rows(self, rows: SideRows) -> None:
        """Add rows on options."""
        self._only_columns = False
        largest = np.zeros(len(rows.ids))
        np.maximum.at(largest, rows.row, np.abs(rows.value))
        weight = 1.0 / np.where(largest > 0, largest, 1.0)
        fresh = self._program.add_rows(rows.lower * weight, rows.upper * weight)
        self._program.set_entries(fresh[rows.row], self._y[rows.option], rows.value * weight[rows.row])
        self._side = np.concatenate([self._side, fresh])
        self._side_weight = np.concatenate([self._side_weight, weight])
        self.rows = self.rows.and_also(rows)

    def _start_year(self, number: int) -> None:
        """Rows of demand, gated capacities, limits and unserved tonnes of a year."""
        year, program = self._years[number], self._program
        instance = year.columns.instance
        c, resources = instance.commodities, len(instance.resources)
        share = c.demand_t / year.unit_t
        year.demand = program.add_rows(share, share)
        year.unserved = program.add_columns(np.zeros(len(c)))
        program.set_entries(year.demand, year.unserved, np.ones(len(c)))
        year.slack = program.add_columns(np.zeros(len(instance.limits)))
        for place, limit in enumerate(instance.limits):
            weight = year.weight[resources + place]
            row = program.add_rows(np.array([-np.inf]), np.array([limit.bound * weight]))
            year.shared[resources + place] = row[0]
            counted = np.flatnonzero(limit.unserved)
            program.set_entries(
                np.repeat(row, len(counted)),
                year.unserved[counted],
                limit.unserved[counted] * year.unit_t[counted] * weight,
            )
            program.set_entries(row, year.slack[[place]], np.array([-1.0]))
        if instance.unserved_cny_per_t is None:
            most = np.array([self.problem.allowed_t(number) / year.whole_t])
            year.cap = int(program.add_rows(np.array([-np.inf]), most)[0])
            program.set_entries(np.full(len(c), year.cap), year.unserved, year.unit_t / year.whole_t)
            year.excess = int(program.add_columns(np.zeros(1))[0])
            program.set_entries(np.array([year.cap]), np.array([year.excess]), np.array([-1.0]))
        self._add_capacities(number, np.unique(self.problem.gates[number][0]).astype(np.int64))

    def set_objective(self, scale: float, excess: Floats, breaking: Floats, unit: float) -> None:
        """Weight options', paths' and unserved tonnes' own costs by `scale`.

        Parameters
        ----------
        excess, breaking
            For each year what a tonne costs that is not served and must be, and what breaking a limit by its
            scale costs, in the year's own money.
        unit
            Money that the program counts in.
        """
        program = self._program
        self._scale, self._unit = scale, unit
        self._only_columns = True
        program.set_costs(self._y, scale * self.problem.cost / unit)
        for number, (year, w) in enumerate(zip(self._years, self.problem.year_weight / unit, strict=True)):
            price = year.columns.instance.unserved_cny_per_t
            every = slice(0, len(year.path))
            program.set_costs(year.path, scale * w * year.columns.cost[every] * year.path_unit_t(every))
            unserved = np.broadcast_to(
                0.0 if price is None else np.asarray(price, float), (len(year.demand),)
            )
            program.set_costs(year.unserved, scale * w * unserved * year.unit_t)
            program.set_costs(year.slack, np.full(len(year.slack), w * breaking[number]))
            if year.excess >= 0:
                program.set_costs(np.array([year.excess]), np.array([w * excess[number] * year.whole_t]))

    def set_bounds(self, lower: Floats, upper: Floats) -> None:
        """Bound the options."""
        self._only_columns = False
        self._program.set_column_bounds(self._y, lower, upper)

    def add_paths(self, number: int, found: list[tuple[int, Ints]]) -> int:
        """Add paths of a year that are not there yet; returns how many."""
        year = self._years[number]
        columns, before = year.columns, len(year.path)
        columns.add(found)
        fresh = len(columns) - before
        if fresh == 0:
            return 0
        new = slice(before, len(columns))
        w = self.problem.year_weight[number] / self._unit
        cost = self._scale * w * columns.cost[new] * year.path_unit_t(new)
        year.path = np.concatenate([year.path, self._program.add_columns(cost)])
        self._program.set_entries(year.demand[columns.commodity[new]], year.path[new], np.ones(fresh))
        mine = (columns.draw_column >= before) & (year.shared[columns.draw_row] >= 0)
        self._enter_draws(year, mine)
        self._enter_links(year, columns.met_column >= before, year.link)
        return fresh

    def solve(self, start: Basis | None = None) -> MasterPoint | None:
        """Solve over the columns and add rows that are broken; None: the side rows contradict each other.

        Parameters
        ----------
        start
            Basis to start from; None: that of the last solve.

        Raises
        ------
        SolverFailure
            When the linear solver gives up.
        """
        # Where only columns were added the old point still holds, so the primal simplex goes on from it.
        answer = self._program.solve(start=start, primal=self._only_columns)
        self._only_columns = False
        if answer.outcome == "infeasible":
            return None
        if answer.outcome not in ("optimal", "imprecise"):
            raise SolverFailure(f"the relaxation ended {answer.outcome}")
        basis = self._program.basis()
        y = np.clip(answer.values[self._y], 0.0, 1.0)
        cost = float(self.problem.cost @ y)
        flows, missing, excess, slack, prices = [], [], [], [], []
        feasible, grew = True, False
        for number, (year, w) in enumerate(zip(self._years, self.problem.year_weight, strict=True)):
            flow = np.maximum(answer.values[year.path], 0.0) * year.path_unit_t(slice(0, len(year.path)))
            left = np.maximum(answer.values[year.unserved], 0.0) * year.unit_t
            flows.append(flow)
            missing.append(left)
            over = max(0.0, float(answer.values[year.excess])) if year.excess >= 0 else 0.0
            excess.append(over * year.whole_t)
            slack.append(np.maximum(answer.values[year.slack], 0.0))
            prices.append(self._year_prices(year, answer.row_duals * (self._unit / w)))
            price = year.columns.instance.unserved_cny_per_t
            cost += float(w) * float(flow @ year.columns.cost)
            cost += 0.0 if price is None else float(w) * float(np.sum(np.asarray(price, float) * left))
            rows = self._program.num_rows
            feasible &= self._add_broken(number, y, flow)
            grew |= self._program.num_rows > rows
        self._only_columns = not grew
        return MasterPoint(
            y=y,
            cost=cost,
            objective=answer.objective * self._unit,
            flow_t=tuple(flows),
            unserved_t=tuple(missing),
            excess_t=tuple(excess),
            slack=tuple(slack),
            prices=tuple(prices),
            side=answer.row_duals[self._side] * self._side_weight * self._unit,
            feasible=feasible,
            grew=grew,
            basis=basis,
        )

    def _year_prices(self, year: _YearRows, dual: Floats) -> YearPrices:
        """Prices in the year's own money, from duals of relative rows."""
        instance, groups = year.columns.instance, year.columns.links.num_groups
        shared = np.where(year.shared >= 0, np.maximum(-dual[year.shared], 0.0), 0.0) * year.weight
        resources = len(instance.resources)
        paid = np.maximum(-dual[year.link_row], 0.0) / year.link_most
        some = np.flatnonzero(paid)
        links = LinkPrices(year.link[some] // groups, year.link[some] % groups, paid[some])
        cap = max(0.0, -float(dual[year.cap])) / year.whole_t if year.cap >= 0 else 0.0
        rows = RowPrices(shared[:resources], shared[resources:])
        return YearPrices(dual[year.demand] / year.unit_t, rows, links, cap)

    def _add_broken(self, number: int, y: Floats, flow: Floats) -> bool:
        """Add capacities and links that are broken; returns whether no capacity was."""
        year = self._years[number]
        columns = year.columns
        resources = len(columns.instance.resources)
        load = np.bincount(
            columns.draw_row, columns.draw_amount * flow[columns.draw_column], len(year.shared)
        )
        room = self.problem.capacity(number, y)
        over = load[:resources] > room + BROKEN * np.maximum(1.0, room)
        fresh = np.flatnonzero(over & (year.shared[:resources] < 0))
        self._add_capacities(number, fresh)
        passing_link, place = np.unique(columns.met_link, return_inverse=True)
        passing = np.bincount(place.ravel(), flow[columns.met_column], len(passing_link))
        groups = columns.links.num_groups
        candidates = passing_link[~np.isin(passing_link, year.link) & (passing > 0)]
        flows = passing[np.searchsorted(passing_link, candidates)]
        most = columns.links.most_t(candidates // groups, candidates % groups)
        opened = y[columns.links.cut_option[candidates // groups]]
        broken = (opened < 1.0) & (flows > most * opened + BROKEN * np.maximum(1.0, most))
        self._add_links(year, candidates[broken], most[broken])
        return len(fresh) == 0

    def _add_capacities(self, number: int, rows: Longs) -> None:
        year = self._years[number]
        if len(rows) == 0:
            return
        gated, option = self.problem.gates[number]
        capacity = self.problem.instances[number].capacity
        weight = year.weight
        free = np.where(np.isin(rows, gated), 0.0, capacity[rows]) * weight[rows]
        year.shared[rows] = self._program.add_rows(np.full(len(rows), -np.inf), free)
        for row, at, amount in (
            (gated, option, capacity[gated]),
            self.problem.expansion(number),
        ):
            mine = np.isin(row, rows)
            self._program.set_entries(
                year.shared[row[mine]], self._y[at[mine]], -amount[mine] * weight[row[mine]]
            )
        known = year.columns.draw_column < len(year.path)
        self._enter_draws(year, np.isin(year.columns.draw_row, rows) & known)

    def _add_links(self, year: _YearRows, links: Longs, most_t: Floats) -> None:
        if len(links) == 0:
            return
        rows = self._program.add_rows(np.full(len(links), -np.inf), np.zeros(len(links)))
        groups = year.columns.links.num_groups
        options = year.columns.links.cut_option[links // groups]
        self._program.set_entries(rows, self._y[options], -np.ones(len(links)))
        year.link = np.concatenate([year.link, links])
        year.link_row = np.concatenate([year.link_row, rows])
        year.link_most = np.concatenate([year.link_most, most_t])
        self._enter_links(year, year.columns.met_column < len(year.path), links)

    def _enter_draws(self, year: _YearRows, mine: NDArray[np.bool_]) -> None:
        columns = year.columns
        row, column = columns.draw_row[mine], columns.draw_column[mine]
        share = columns.draw_amount[mine] * year.unit_t[columns.commodity[column]] * year.weight[row]
        self._program.set_entries(year.shared[row], year.path[column], share)

    def _enter_links(self, year: _YearRows, mine: NDArray[np.bool_], links: Longs) -> None:
        """Enter columns into link rows; only entries in `mine` and of `links`."""
        columns = year.columns
        mine = mine & np.isin(columns.met_link, links)
        order = np.argsort(year.link)
        place = order[np.searchsorted(year.link, columns.met_link[mine], sorter=order)]
        column = columns.met_column[mine]
        share = year.unit_t[columns.commodity[column]] / year.link_most[place]
        self._program.set_entries(year.link_row[place], year.path[column], share)
