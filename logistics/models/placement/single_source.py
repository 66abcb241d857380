"""The best choices and the one place that serves each market, at prices of shared capacities.

Who serves a market serves all its stocked cargo, so what that costs is one figure for each place and market.
With μ ≥ 0 the prices of shared capacities, L_t(μ) what all else costs less their worth, f_j the cost of
choice j, C_smt that of serving market m from source s (what exists at a place, or a candidate where nothing
does), D_mt its tonnes that only stock can serve, and v_i the tonnes of a part of a market's cargo on which a
candidate beside what exists saves s_i,

    min  Σ_t L_t(μ) + Σ_j f_j y_j + Σ_t Σ_sm C_smt z_smt - Σ_i s_i v_i
    (1)  Σ_s z_smt = 1                                     every market has one source
    (2)  z_smt ≤ Σ_{j of candidate s, open in t} y_j;  v_i ≤ D_i z_pm,  v_i ≤ D_i Σ_j y_j
    (3)  Σ_m D_mt z_smt ≤ Σ_j room_jt y_j and Σ_i v_i ≤ Σ_j room_jt y_j for each candidate; all at a place
         together no more than what stands there and is opened
    (4)  the rules on y

is no more than what any plan costs. Its solution is a plan to try.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from logistics.integer_solver import MixedProgram, MixedStop, solve_mixed
from logistics.models.placement.problem import PlacementProblem, Rules, Sources
from logistics.models.placement.sourcing import NONE, Sourcing

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Flags = NDArray[np.bool_]
MIXED_GAP, CHOSEN = 1e-7, 0.5
"""Gap of the program, and from where on a column that is 0 or 1 counts as 1."""


class Saving(NamedTuple):
    """What a candidate saves on a part of a market's cargo beside what exists at its place, CNY a tonne."""

    candidate: int
    market: int
    cny_per_t: float
    tonnes: float


@dataclass(frozen=True)
class PricedSources:
    """What serving markets costs in one year at some prices.

    Parameters
    ----------
    constant
        What all but stocked cargo costs, less the worth of shared capacities.
    candidate, existing
        Cost of each market through each candidate, where nothing exists beside it, and through what exists at
        each place; inf: not possible. Shapes (candidates, markets), (places, markets).
    without
        Cost of each market without stock, inf: not possible, shape (markets,).
    tonnes
        Tonnes of each market that only stock can serve.
    room
        Tonnes that what exists at each place holds.
    place
        Place of each candidate, -1: it has none in this year.
    savings
        Of candidates beside what exists.
    """

    constant: float
    candidate: Floats
    existing: Floats
    without: Floats
    tonnes: Floats
    room: Floats
    place: Ints
    savings: tuple[Saving, ...] = ()


@dataclass(frozen=True)
class SourcedChoice:
    """Choices with the source of each market.

    Parameters
    ----------
    bound
        On every plan, as the solver says.
    taken, sources
        The best found; None: none was.
    """

    bound: float
    taken: Flags | None
    sources: Sources


@dataclass(frozen=True)
class _Source:
    """A column z: a market of a year served from a place, by a candidate there or by what exists (-1)."""

    year: int
    market: int
    place: int
    candidate: int
    cost: float


def best_sources(
    problem: PlacementProblem,
    sourcing: Sourcing,
    years: Sequence[PricedSources],
    rules: Rules,
    time_limit_s: float,
    *,
    only: Flags | None = None,
    tried: Sequence[tuple[Flags, Sources]] = (),
) -> SourcedChoice | None:
    """Solve the program; None: nothing keeps the rules, or no market's cargo has room.

    Parameters
    ----------
    only
        The one set of choices that is asked about; None: any.
    tried
        Choices with sources that are left out.
    """
    program = _Program(problem, years)
    for coefficient, lower, upper in rules.written() if only is None else ():
        used = np.flatnonzero(coefficient)
        program.add(used.tolist(), coefficient[used].tolist(), lower, upper)
    program.serve_markets()
    program.hang_savings()
    program.hold_rooms()
    for taken, sources in tried:
        program.leave_out(taken, sources)
    mixed, scale = program.mixed(only)
    answer = solve_mixed(mixed, "scip", MixedStop(gap=MIXED_GAP, time_limit_s=time_limit_s))
    if answer.outcome == "infeasible":
        return None
    bound = sum(year.constant for year in years) + scale * answer.bound
    sources = tuple(np.full(len(sourcing.markets), NONE, np.int64) for _ in years)
    if len(answer.values) < len(mixed.cost):
        return SourcedChoice(bound, None, sources)
    chosen = answer.values > CHOSEN
    for place in np.flatnonzero(chosen[program.count : program.first_saving]).tolist():
        one = program.sources[place]
        sources[one.year][one.market] = one.place
    return SourcedChoice(bound, chosen[: program.count], sources)


class _Program:
    """The program as it is written down: columns y, then z, then v.

    Parameters
    ----------
    problem, years
        The placement, and what serving its markets costs.

    Attributes
    ----------
    count, first_saving
        Number of columns y, and of the first column v.
    sources
        Meaning of the columns z.
    """

    def __init__(self, problem: PlacementProblem, years: Sequence[PricedSources]) -> None:
        self._problem, self._years = problem, years
        self.sources = _sources(years)
        self._savings = [(t, one) for t, year in enumerate(years) for one in year.savings]
        self.count = len(problem.names)
        self.first_saving = self.count + len(self.sources)
        self._row: list[int] = []
        self._column: list[int] = []
        self._value: list[float] = []
        self._lower: list[float] = []
        self._upper: list[float] = []

    def add(self, columns: Sequence[int], values: Sequence[float], lower: float, upper: float) -> None:
        """Write one row."""
        self._row += [len(self._lower)] * len(columns)
        self._column += columns
        self._value += values
        self._lower.append(lower)
        self._upper.append(upper)

    def _choices(self, candidate: int, year: int) -> list[int]:
        """Choices by which a candidate is open in a year."""
        problem = self._problem
        mine = (problem.candidate == candidate) & (problem.capacity_t[:, year] > 0)
        return np.flatnonzero(mine).tolist()

    def serve_markets(self) -> None:
        """Write (1), and what of (2) is about sources."""
        served: dict[tuple[int, int], list[int]] = {
            (t, market): []
            for t, year in enumerate(self._years)
            for market in np.flatnonzero(year.tonnes >= 0).tolist()
        }
        for column, one in enumerate(self.sources, self.count):
            served[one.year, one.market].append(column)
            if one.candidate != NONE:
                choices = self._choices(one.candidate, one.year)
                self.add([column, *choices], [1.0, *(-1.0 for _ in choices)], -np.inf, 0.0)
        for columns in served.values():
            self.add(columns, [1.0] * len(columns), 1.0, 1.0)

    def hang_savings(self) -> None:
        """Write what of (2) is about savings."""
        at = {
            (one.year, one.place, one.market): column
            for column, one in enumerate(self.sources, self.count)
            if one.candidate == NONE
        }
        for column, (t, one) in enumerate(self._savings, self.first_saving):
            source = at[t, int(self._years[t].place[one.candidate]), one.market]
            choices = self._choices(one.candidate, t)
            self.add([column, source], [1.0, -one.tonnes], -np.inf, 0.0)
            self.add([column, *choices], [1.0, *(-one.tonnes for _ in choices)], -np.inf, 0.0)

    def hold_rooms(self) -> None:
        """Write (3)."""
        room = self._problem.capacity_t
        at: dict[tuple[int, int], dict[int, float]] = {}
        drawn: dict[tuple[int, int], dict[int, float]] = {}
        for column, one in enumerate(self.sources, self.count):
            tonnes = float(self._years[one.year].tonnes[one.market])
            if one.place != NONE:
                at.setdefault((one.year, one.place), {})[column] = tonnes
            if one.candidate != NONE:
                drawn.setdefault((one.year, one.candidate), {})[column] = tonnes
        for column, (t, part) in enumerate(self._savings, self.first_saving):
            drawn.setdefault((t, part.candidate), {})[column] = 1.0
        for (t, candidate), entries in drawn.items():
            entries |= {choice: -float(room[choice, t]) for choice in self._choices(candidate, t)}
            self.add(list(entries), list(entries.values()), -np.inf, 0.0)
        for (t, place), entries in at.items():
            there = np.flatnonzero(self._years[t].place[self._problem.candidate] == place).tolist()
            entries |= {choice: -float(room[choice, t]) for choice in there}
            self.add(list(entries), list(entries.values()), -np.inf, float(self._years[t].room[place]))

    def leave_out(self, taken: Flags, sources: Sources) -> None:
        """Leave out one set of choices with its sources: something is otherwise."""
        used = [
            (column, (one.year, one.market))
            for column, one in enumerate(self.sources, self.count)
            if sources[one.year][one.market] == one.place
        ]
        markets = len({market for _, market in used})
        columns = [*range(self.count), *(column for column, _ in used)]
        values = [*np.where(taken, -1.0, 1.0).tolist(), *(-1.0 for _ in used)]
        self.add(columns, values, 1.0 - float(taken.sum()) - markets, np.inf)

    def mixed(self, only: Flags | None) -> tuple[MixedProgram, float]:
        """The program for a solver, and what its costs are divided by.

        Parameters
        ----------
        only
            The one set of choices that is asked about; None: any.
        """
        cost = np.concatenate(
            [
                self._problem.cost,
                [one.cost for one in self.sources],
                [-one.cny_per_t for _, one in self._savings],
            ]
        )
        lower, upper = np.zeros(len(cost)), np.ones(len(cost))
        if only is not None:
            lower[: self.count] = upper[: self.count] = only
        upper[self.first_saving :] = [one.tonnes for _, one in self._savings]
        scale = max(1.0, float(np.abs(cost).max(initial=0.0)))
        program = MixedProgram(
            cost=cost / scale,
            lower=lower,
            upper=upper,
            whole=np.arange(len(cost)) < self.first_saving,
            row=np.array(self._row, np.int32),
            column=np.array(self._column, np.int32),
            value=np.array(self._value, float),
            row_lower=np.array(self._lower, float),
            row_upper=np.array(self._upper, float),
        )
        return program, scale


def _sources(years: Sequence[PricedSources]) -> list[_Source]:
    """Every source of every market that has stocked cargo."""
    found = []
    for t, year in enumerate(years):
        for place, market in np.argwhere(np.isfinite(year.existing)).tolist():
            found.append(_Source(t, market, place, NONE, float(year.existing[place, market])))
        for candidate, market in np.argwhere(np.isfinite(year.candidate)).tolist():
            place, cost = int(year.place[candidate]), float(year.candidate[candidate, market])
            found.append(_Source(t, market, place, candidate, cost))
        for market in np.flatnonzero(np.isfinite(year.without)).tolist():
            found.append(_Source(t, market, NONE, NONE, float(year.without[market])))
    return found
