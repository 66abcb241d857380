"""Bounds by column generation: the master and the pricing of every year in turn, under bounds on options."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from logistics.models.design.master import DesignMaster, MasterPoint, YearPrices
from logistics.models.design.pricing import LinkPrices
from logistics.models.design.problem import DesignDuals, DesignProblem
from logistics.models.design.year_columns import YearColumns
from logistics.models.flow.costs import Dues, RowPrices
from logistics.solver import Basis

Floats = NDArray[np.float64]
Ints = NDArray[np.int32]
Flags = NDArray[np.bool_]
Outcome = Literal["solved", "cutoff", "infeasible", "late"]
REDUCED_COST = 1e-9
UNSERVED = 1e-8
BROKEN = 1e-7
"""Shares of a demand and of a limit's scale that count as nothing."""
CLOSED = 1e3
"""Price of passing a closed option, in costs of the dearest free way."""
IN_UNITS = 1e5
"""What all flows cost in the money that the program counts in."""
FIRST_GUIDE, GUIDE_STEP, MOST_GUIDE = 2.0, 10.0, 2e3
"""What leaving cargo costs while it only guides, in costs of the dearest way and all options."""


@dataclass(frozen=True)
class Relaxed:
    """What is known of a node.

    Parameters
    ----------
    outcome
        ``solved``: value and bound meet; ``cutoff``: the bound is above what is of interest; ``infeasible``:
        proven; ``late``: time is up.
    bound
        Lower bound on every plan within the bounds on options.
    value
        Cost of the relaxation's point, which obeys everything but that options are whole; inf: none known.
    y
        The point's options.
    duals
        What proves `bound`; None: infeasible.
    point
        The master's last point; None: infeasible.
    """

    outcome: Outcome
    bound: float
    value: float
    y: Floats
    duals: DesignDuals | None
    point: MasterPoint | None


class Relaxation:
    """Relaxation of a design problem; columns and rows that were found serve all nodes.

    Parameters
    ----------
    problem
        The problem.
    start
        For each year paths known to be good, as (commodity, arcs).
    """

    def __init__(
        self, problem: DesignProblem, start: tuple[list[tuple[int, Ints]], ...] | None = None
    ) -> None:
        self.problem = problem
        self.years = [
            YearColumns(instance, gates)
            for instance, gates in zip(problem.instances, problem.gates, strict=True)
        ]
        self.master = DesignMaster(problem, self.years)
        self._dear = np.zeros(len(self.years))
        closed = np.zeros(len(problem.options))
        worth = 0.0
        self._whole_t = np.array(
            [max(1.0, float(instance.commodities.demand_t.sum())) for instance in problem.instances]
        )
        for number, year in enumerate(self.years):
            reached = np.isfinite(year.pricer.paths.free_cost)
            free = np.where(reached, year.pricer.paths.free_cost + year.constant, 0.0)
            self._dear[number] = max(1.0, float(np.max(free, initial=0.0)))
            self.master.add_paths(number, year.pricer.paths.free_paths)
            if start is not None:
                self.master.add_paths(number, start[number])
            prices = self._closing(number, RowPrices.none(year.instance), closed)
            limit = np.full(len(year.instance.commodities), CLOSED * self._dear[number] / 2)
            base = year.pricer.price(prices, LinkPrices.none(), limit)
            self.master.add_paths(number, base.found)
            cost = np.where(base.cost < limit, base.cost, 0.0)
            self._dear[number] = max(self._dear[number], float(np.max(cost, initial=0.0)))
            worth += float(problem.year_weight[number]) * float(free @ year.instance.commodities.demand_t)
        self._unit = max(worth, float(np.max(problem.cost, initial=0.0)), 1.0) / IN_UNITS
        self._dear += float(problem.cost.clip(0.0).sum()) / (problem.year_weight * self._whole_t)
        self._factor = FIRST_GUIDE
        self._guide()

    @property
    def columns(self) -> list[list[tuple[int, Ints]]]:
        """For each year all paths found, as (commodity, arcs)."""
        return [list(zip(year.commodity.tolist(), year.path, strict=True)) for year in self.years]

    def solve(
        self,
        lower: Floats,
        upper: Floats,
        cutoff: float,
        enough: float,
        late: Callable[[], bool],
        tell: Callable[[float, float], None] | None = None,
        start: Basis | None = None,
    ) -> Relaxed:
        """Bound every plan with lower ≤ y ≤ upper.

        Parameters
        ----------
        cutoff
            A bound above this ends the work.
        enough
            Relative difference of value and bound that counts as met.
        late
            Says whether time is up.
        tell
            Called with value and bound of each round.
        start
            Basis to start from, of a point with nearly the same bounds.
        """
        self.master.set_bounds(lower, upper)
        best, best_duals, value = -np.inf, None, np.inf
        y = lower.astype(float)
        while True:
            point = self.master.solve(start)
            start = None
            if point is None:
                return Relaxed("infeasible", np.inf, np.inf, y, None, None)
            y = point.y
            fresh, bound, duals = self._priced(point, lower, upper)
            served = self._served(point)
            if bound > best:
                best, best_duals = bound, duals
            value = point.cost if served and point.feasible else np.inf
            if tell is not None:
                tell(value, best)
            if np.isposinf(best):
                return Relaxed("infeasible", np.inf, np.inf, y, None, None)
            if best >= cutoff:
                return Relaxed("cutoff", best, value, y, best_duals, point)
            if value < np.inf and value - best <= enough * max(1.0, abs(value)) and not point.grew:
                return Relaxed("solved", best, value, y, best_duals, point)
            if late():
                return Relaxed("late", best, value, y, best_duals, point)
            if fresh == 0 and not point.grew:
                if served:
                    return Relaxed("solved", best, value, y, best_duals, point)
                if self._factor < MOST_GUIDE:
                    self._factor *= GUIDE_STEP
                    self._guide()
                elif self._impossible(lower, upper, late):
                    return Relaxed("infeasible", np.inf, np.inf, y, None, None)
                else:
                    return Relaxed("late", best, np.inf, y, best_duals, point)

    def _guide(self) -> None:
        """Price what is not served and limits that are broken so that it does not pay."""
        worth = self._factor * self._dear
        self.master.set_objective(1.0, worth, worth * self._whole_t, self._unit)

    def _impossible(self, lower: Floats, upper: Floats, late: Callable[[], bool]) -> bool:
        """Whether nothing within the bounds serves what must be served and keeps the limits, proven."""
        self.master.set_objective(0.0, 1.0 / self._whole_t, np.ones(len(self.years)), 1.0)
        proven = False
        while not late():
            point = self.master.solve()
            if point is None:
                proven = True
                break
            fresh, bound, _ = self._priced(point, lower, upper, 0.0)
            proven = bound > BROKEN
            if proven or (fresh == 0 and not point.grew) or self._served(point):
                break
        self._guide()
        return proven

    def _served(self, point: MasterPoint) -> bool:
        """Whether the point serves what must be served and keeps the limits."""
        for whole_t, excess, slack in zip(self._whole_t, point.excess_t, point.slack, strict=True):
            if excess > UNSERVED * whole_t or np.any(slack > BROKEN):
                return False
        return True

    def _priced(
        self, point: MasterPoint, lower: Floats, upper: Floats, scale: float = 1.0
    ) -> tuple[int, float, DesignDuals]:
        """Price every year, add the paths found, and add up the bound that the duals prove.

        Parameters
        ----------
        scale
            Weight of all own costs: 1, or 0 where only what is not served or kept counts.
        """
        problem = self.problem
        option = scale * problem.cost
        side = self._fair_side(point.side)
        rows = self.master.rows
        option = option - np.bincount(rows.option, side[rows.row] * rows.value, len(option))
        total = float(np.sum(np.where(side > 0, side * np.where(side > 0, rows.lower, 0.0), 0.0)))
        total += float(np.sum(np.where(side < 0, side * np.where(side < 0, rows.upper, 0.0), 0.0)))
        fresh = 0
        for number, (year, prices, w) in enumerate(
            zip(self.years, point.prices, problem.year_weight, strict=True)
        ):
            found, bound = self._priced_year(number, prices, upper, scale)
            fresh += self.master.add_paths(number, found)
            total += float(w) * bound
            option = option - float(w) * self._worth(number, year, prices)
        total += float(np.sum(np.where(option > 0, option * lower, option * upper)))
        duals = DesignDuals(
            tuple(each.rows.resource for each in point.prices),
            tuple(each.rows.limit for each in point.prices),
            tuple(each.unserved for each in point.prices),
            option,
            rows,
            side,
            total,
        )
        return fresh, total, duals

    def _fair_side(self, side: Floats) -> Floats:
        """Duals of side rows without those that rounding puts on a bound that is not there."""
        rows = self.master.rows
        wrong = ((side > 0) & np.isneginf(rows.lower)) | ((side < 0) & np.isposinf(rows.upper))
        return np.where(wrong, 0.0, side)

    def _priced_year(
        self, number: int, prices: YearPrices, upper: Floats, scale: float
    ) -> tuple[list[tuple[int, Ints]], float]:
        """Paths that price out, and the Lagrangian bound of the year, what options are worth left aside."""
        year, problem = self.years[number], self.problem
        instance, rows = year.instance, prices.rows
        if scale == 0.0 and len(instance.limits):
            # Breaking limits is part of this objective: it must not pay, also not by rounding.
            most = np.array([1.0 / limit.scale for limit in instance.limits])
            rows = RowPrices(rows.resource, np.minimum(rows.limit, most))
        dues = Dues(instance, rows)
        constant = scale * year.constant
        slack = REDUCED_COST * np.maximum(1.0, np.abs(prices.demand))
        threshold = prices.demand - slack - constant - dues.offset
        paying = self._closing(number, rows, upper)
        priced = year.pricer.price(paying, prices.links, threshold, scale)
        demand = instance.commodities.demand_t
        least = priced.cost + constant + dues.offset
        unserved, allowed = prices.unserved, problem.allowed_t(number)
        if instance.unserved_cny_per_t is not None:
            least = np.minimum(least, scale * np.asarray(instance.unserved_cny_per_t, float) + dues.unserved)
        elif allowed > 0 or scale == 0.0:
            least = np.minimum(least, unserved + dues.unserved)
        some = demand > 0
        bound = float(demand[some] @ least[some])
        free = instance.capacity.copy()
        free[problem.gates[number][0]] = 0.0
        bound -= float(free @ rows.resource)
        bound -= float(sum(p * row.bound for p, row in zip(rows.limit, instance.limits, strict=True)))
        bound -= unserved * allowed if instance.unserved_cny_per_t is None and allowed > 0 else 0.0
        return priced.found, bound

    def _closing(self, number: int, rows: RowPrices, upper: Floats) -> RowPrices:
        """Prices at which no way through a closed option can be among the cheapest."""
        gated, option = self.problem.gates[number]
        resource = rows.resource.copy()
        shut = gated[upper[option] == 0.0]
        resource[shut] = np.maximum(resource[shut], CLOSED * self._dear[number])
        return RowPrices(resource, rows.limit)

    def _worth(self, number: int, year: YearColumns, prices: YearPrices) -> Floats:
        """What opening each option fully is worth at prices of a year, shape (options,)."""
        problem, options = self.problem, len(self.problem.options)
        full = problem.instances[number].capacity
        gated, option = problem.gates[number]
        worth: Floats = np.bincount(option, full[gated] * prices.rows.resource[gated], options).astype(float)
        added, adding, amount = problem.expansion(number)
        worth += np.bincount(adding, amount * prices.rows.resource[added], options)
        links = prices.links
        most = year.links.most_t(links.cut, links.group)
        worth += np.bincount(year.links.cut_option[links.cut], links.price * most, options)
        return worth
