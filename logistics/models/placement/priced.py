"""The siting problem of a placement at prices: it bounds every plan, and proposes choices.

For any prices μ ≥ 0 of shared capacities and limits, and any price π_k of having a tonne of stocked cargo
served, at most what it costs through the existing warehouses,

    value(y)  ≥  Σ_t L_t(μ) + Σ_k d_k π_k − Σ_j (S_j(π) − f_j) y_j,

with L_t what all else costs less the worth of shared capacities, f_j the cost of choice j, and S_j what it
saves at most on π within its own room in each year: the Lagrangian relaxation of the demand rows (Geoffrion
and McBride, AIIE Transactions 10 (1978) 40-47). The choices that are best on the right side are plans to try.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from logistics.integer_solver import MixedProgram, MixedStop, solve_mixed
from logistics.models.flow.solved import Duals
from logistics.models.placement.problem import PlacementProblem, Rules
from logistics.models.placement.room_knapsacks import add_served, most_saved
from logistics.models.placement.store_costs import PricedYear, StoreCosts

Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]
FIRST_STEP, LEAST_STEP, PATIENCE = 1.0, 1e-3, 8
"""Polyak's factor at first, where it ends, and rounds without a better bound before it is halved."""


@dataclass(frozen=True)
class PricedChoice:
    """Best choices at some prices.

    Parameters
    ----------
    bound
        On every plan that keeps the rules; inf: no set keeps them.
    taken
        The choices of the best bound, and further ones met on the way; empty: no set keeps the rules.
    price
        π of the best bound, shape (members,).
    by_solver
        Whether a solver's word is part of the bound, since rules hang together.
    """

    bound: float
    taken: tuple[Flags, ...]
    price: Floats
    by_solver: bool


class PricedPlacement:
    """A placement at prices of shared capacities.

    Parameters
    ----------
    problem
        The placement.
    years
        Each year at the prices.
    demand_t
        Tonnes of each member, by year.
    beside_t
        Tonnes that may go through each candidate beside its own capacity, by year.
    """

    def __init__(
        self,
        problem: PlacementProblem,
        years: Sequence[PricedYear],
        demand_t: Sequence[Floats],
        beside_t: Sequence[Floats],
    ) -> None:
        self.problem = problem
        self.constant = sum(year.constant for year in years)
        self.demand: Floats = np.concatenate(demand_t)
        existing = np.concatenate([year.existing for year in years])
        finite = [year.candidate[np.isfinite(year.candidate)].max(initial=1.0) for year in years]
        # Who only candidates serve has a price all the same: that of a way which is dearer than any.
        self.existing: Floats = np.where(np.isfinite(existing), existing, 10.0 * max(finite))
        shift, members, costs, first = 0, [np.zeros(0, np.int64)], [np.zeros(0)], [0]
        for year, demand in zip(years, demand_t, strict=True):
            mine = self.existing[shift : shift + len(demand)]
            for row in year.candidate:
                better = np.flatnonzero((row < mine) & (demand > 0))
                members.append(better + shift)
                costs.append(row[better])
                first.append(first[-1] + len(better))
            shift += len(demand)
        self._first = np.array(first, np.int64)
        self._member = np.concatenate(members).astype(np.int64)
        self._cost = np.concatenate(costs)
        count = len(problem.candidates)
        # A choice has a knapsack in each year in which it is open.
        self._choice, self._year = np.nonzero(problem.capacity_t > 0)
        self._sack = self._year * count + problem.candidate[self._choice]
        beside = np.array(list(beside_t)).reshape(len(problem.instances), count)
        self._room = problem.capacity_t[self._choice, self._year]
        self._room = self._room + beside[self._year, problem.candidate[self._choice]]
        self._rows = self._csr()

    def _csr(self) -> tuple[NDArray[np.int64], NDArray[np.int64], Floats]:
        """Entries of each (choice, year), those of a candidate's year repeated."""
        sizes = self._first[self._sack + 1] - self._first[self._sack]
        first = np.concatenate([[0], np.cumsum(sizes)]).astype(np.int64)
        entry = np.concatenate(
            [np.arange(self._first[sack], self._first[sack + 1]) for sack in self._sack.tolist()]
            or [np.zeros(0, np.int64)]
        ).astype(np.int64)
        return first, self._member[entry], self._cost[entry]

    def saved(self, price: Floats) -> Floats:
        """S of each choice at prices of cargo, shape (choices,)."""
        first, member, cost = self._rows
        saved = np.zeros(len(self._room))
        most_saved(first, member, cost, price, self.demand, self._room, saved)
        return np.bincount(self._choice, saved, len(self.problem.names)).astype(float)

    def served(self, price: Floats, taken: Flags) -> Floats:
        """Tonnes of each commodity that the choices take at prices of cargo."""
        first, member, cost = self._rows
        served = np.zeros(len(self.demand))
        chosen = np.flatnonzero(taken[self._choice])
        add_served(first, member, cost, price, self.demand, self._room, chosen, served)
        return served

    def prices_of(self, taken: Flags, own: Sequence[Floats]) -> Floats:
        """π at a plan: the cheapest way of each commodity, its warehouse's own price on top."""
        price = self.existing.copy()
        count = len(self.problem.candidates)
        for year in self.problem.years:
            for candidate in self.problem.open_in(year, taken).tolist():
                sack = year * count + candidate
                some = slice(self._first[sack], self._first[sack + 1])
                cost = self._cost[some] + own[year][candidate]
                np.minimum.at(price, self._member[some], cost)
        return price

    def choice(
        self,
        price: Floats,
        rules: Rules,
        value: float,
        rounds: int,
        time_limit_s: float = 60.0,
        only: Flags | None = None,
    ) -> PricedChoice:
        """Raise the bound by subgradient steps on π, and collect the choices met.

        Parameters
        ----------
        price
            π to start from.
        rules
            What the choices must keep.
        value
            Of a plan, which the bound cannot pass.
        rounds
            Most steps.
        only
            The one set whose cost is bounded, whatever the rules; None: the best set is looked for.
        """
        best, best_price, by_solver = -np.inf, price, False
        met: dict[bytes, Flags] = {}
        first = b""
        step, idle = FIRST_STEP, 0
        for _ in range(rounds):
            profit = self.saved(price) - self.problem.cost
            found = (
                best_choice(profit, rules, time_limit_s)
                if only is None
                else (only, float(profit[only].sum()), False)
            )
            if found is None:
                return PricedChoice(np.inf, (), price, True)
            taken, most, said = found
            bound = self.constant + float(self.demand @ price) - most
            idle += 1
            if bound > best:
                idle = 0 if bound > best + 1e-7 * max(1.0, abs(best)) or best == -np.inf else idle
                best, best_price, by_solver = bound, price, said
                first = taken.tobytes()
            met.setdefault(taken.tobytes(), taken)
            if idle >= PATIENCE:
                step, idle, price = step / 2, 0, best_price
                if step < LEAST_STEP:
                    break
                continue
            slope = self.demand - self.served(price, taken)
            # At the price of an existing way that way takes what is left.
            slope[(slope > 0) & (price >= self.existing)] = 0.0
            size = float(slope @ slope)
            if size <= 0.0:
                break
            far = max(value - bound, 1e-9 * abs(bound))
            price = np.clip(price + step * far / size * slope, 0.0, self.existing)
        others = [taken for key, taken in reversed(met.items()) if key != first]
        return PricedChoice(best, (met[first], *others), best_price, by_solver)


def best_choice(profit: Floats, rules: Rules, time_limit_s: float) -> tuple[Flags, float, bool] | None:
    """Choices of the largest profit under rules, what none can pass, and whether a solver says so.

    None where no set keeps the rules.
    """
    good = profit > 0
    if rules.least == 0 and rules.kept(good):
        return good, float(profit[good].sum()), False
    group = rules.exclusive
    if group is not None:
        # One of each group: the most profitable; the rest of the rules are looked at afterwards.
        order = np.lexsort((np.arange(len(profit)), -profit, group))
        first = np.ones(len(order), bool)
        first[1:] = group[order][1:] != group[order][:-1]
        taken = np.zeros(len(profit), bool)
        taken[order[first]] = True
        taken &= good
        if rules.kept(taken):
            return taken, float(profit[taken].sum()), False
    rows = list(rules.written())
    coefficient = np.array([row for row, _, _ in rows]).reshape(len(rows), len(profit))
    row, column = np.nonzero(coefficient)
    count, scale = len(profit), max(1.0, float(np.abs(profit).max(initial=0.0)))
    program = MixedProgram(
        cost=-profit / scale,
        lower=np.zeros(count),
        upper=np.ones(count),
        whole=np.ones(count, bool),
        row=row.astype(np.int32),
        column=column.astype(np.int32),
        value=coefficient[row, column],
        row_lower=np.array([lower for _, lower, _ in rows]),
        row_upper=np.array([upper for _, _, upper in rows]),
    )
    answer = solve_mixed(program, "scip", MixedStop(gap=1e-6, time_limit_s=time_limit_s))
    if answer.outcome == "infeasible":
        return None
    taken = np.round(answer.values).astype(bool) if len(answer.values) else np.zeros(count, bool)
    return taken, -scale * answer.bound, True


def priced_placement(
    problem: PlacementProblem, costs: Sequence[StoreCosts], duals: Sequence[Duals]
) -> PricedPlacement:
    """A placement at the prices of some flows, one a year."""
    years = [one.priced(prices) for one, prices in zip(costs, duals, strict=True)]
    demand = [one.instance.commodities.demand_t[one.members] for one in costs]
    return PricedPlacement(problem, years, demand, [one.room_beside_t for one in costs])
