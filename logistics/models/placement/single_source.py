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
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from logistics.integer_solver import MixedProgram, MixedStop, solve_mixed
from logistics.models.placement.problem import PlacementProblem, Rules, Sources
from logistics.models.placement.sourcing import NONE, Sourcing

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Flags = NDArray[np.bool_]
MIXED_GAP = 1e-7


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


@dataclass
class _Rows:
    """Rows of a program as they are written down."""

    row: list[int] = field(default_factory=list)
    column: list[int] = field(default_factory=list)
    value: list[float] = field(default_factory=list)
    lower: list[float] = field(default_factory=list)
    upper: list[float] = field(default_factory=list)

    def add(self, columns: Sequence[int], values: Sequence[float], lower: float, upper: float) -> None:
        """Write one row."""
        self.row += [len(self.lower)] * len(columns)
        self.column += columns
        self.value += values
        self.lower.append(lower)
        self.upper.append(upper)


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
    count = len(problem.names)
    z = _sources(years)
    saving = [(t, one) for t, year in enumerate(years) for one in year.savings]
    first = count + len(z)
    rows = _Rows()
    for coefficient, lower, upper in rules.written() if only is None else ():
        used = np.flatnonzero(coefficient)
        rows.add(used.tolist(), coefficient[used].tolist(), lower, upper)
    _markets_are_served(problem, years, z, rows)
    _savings_hang_on(problem, years, z, saving, rows)
    _rooms_hold(problem, years, z, saving, rows)
    for taken, sources in tried:
        _left_out(taken, sources, z, rows)
    cost = np.concatenate([problem.cost, [one.cost for one in z], [-s.cny_per_t for _, s in saving]])
    lower_bound, upper_bound = np.zeros(len(cost)), np.ones(len(cost))
    if only is not None:
        lower_bound[:count] = upper_bound[:count] = only
    upper_bound[first:] = [s.tonnes for _, s in saving]
    scale = max(1.0, float(np.abs(cost).max(initial=0.0)))
    program = MixedProgram(
        cost=cost / scale,
        lower=lower_bound,
        upper=upper_bound,
        whole=np.arange(len(cost)) < first,
        row=np.array(rows.row, np.int32),
        column=np.array(rows.column, np.int32),
        value=np.array(rows.value, float),
        row_lower=np.array(rows.lower, float),
        row_upper=np.array(rows.upper, float),
    )
    answer = solve_mixed(program, "scip", MixedStop(gap=MIXED_GAP, time_limit_s=time_limit_s))
    if answer.outcome == "infeasible":
        return None
    bound = sum(year.constant for year in years) + scale * answer.bound
    sources = tuple(np.full(len(sourcing.markets), NONE, np.int64) for _ in years)
    if len(answer.values) < len(cost):
        return SourcedChoice(bound, None, sources)
    for one, value in zip(z, answer.values[count:first].tolist(), strict=True):
        if value > 0.5:
            sources[one.year][one.market] = one.place
    return SourcedChoice(bound, np.round(answer.values[:count]).astype(bool), sources)


@dataclass(frozen=True)
class _Source:
    """A column z: a market of a year served from a place, by a candidate there or by what exists (-1)."""

    year: int
    market: int
    place: int
    candidate: int
    cost: float


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


def _markets_are_served(
    problem: PlacementProblem, years: Sequence[PricedSources], z: Sequence[_Source], rows: _Rows
) -> None:
    """Write (1) and (2)."""
    count = len(problem.names)
    served: dict[tuple[int, int], list[int]] = {
        (t, market): []
        for t, year in enumerate(years)
        for market in np.flatnonzero(year.tonnes >= 0).tolist()
    }
    for number, one in enumerate(z):
        served[one.year, one.market].append(count + number)
        if one.candidate != NONE:
            choices = _choices(problem, one.candidate, one.year)
            rows.add([count + number, *choices], [1.0, *(-1.0 for _ in choices)], -np.inf, 0.0)
    for columns in served.values():
        rows.add(columns, [1.0] * len(columns), 1.0, 1.0)


def _choices(problem: PlacementProblem, candidate: int, year: int) -> list[int]:
    """Choices by which a candidate is open in a year."""
    mine = (problem.candidate == candidate) & (problem.capacity_t[:, year] > 0)
    return np.flatnonzero(mine).tolist()


def _savings_hang_on(
    problem: PlacementProblem,
    years: Sequence[PricedSources],
    z: Sequence[_Source],
    saving: Sequence[tuple[int, Saving]],
    rows: _Rows,
) -> None:
    """Write what of (2) is about savings."""
    count, first = len(problem.names), len(problem.names) + len(z)
    at = {(one.year, one.place, one.market): n for n, one in enumerate(z) if one.candidate == NONE}
    for number, (t, one) in enumerate(saving):
        source = at[t, int(years[t].place[one.candidate]), one.market]
        choices = _choices(problem, one.candidate, t)
        rows.add([first + number, count + source], [1.0, -one.tonnes], -np.inf, 0.0)
        rows.add([first + number, *choices], [1.0, *(-one.tonnes for _ in choices)], -np.inf, 0.0)


def _rooms_hold(
    problem: PlacementProblem,
    years: Sequence[PricedSources],
    z: Sequence[_Source],
    saving: Sequence[tuple[int, Saving]],
    rows: _Rows,
) -> None:
    """Write (3)."""
    count, first = len(problem.names), len(problem.names) + len(z)
    at: dict[tuple[int, int], list[int]] = {}
    drawn: dict[tuple[int, int], tuple[list[int], list[float]]] = {}
    for number, one in enumerate(z):
        if one.place == NONE:
            continue
        at.setdefault((one.year, one.place), []).append(number)
        if one.candidate != NONE:
            columns, tonnes = drawn.setdefault((one.year, one.candidate), ([], []))
            columns.append(count + number)
            tonnes.append(float(years[one.year].tonnes[one.market]))
    for number, (t, part) in enumerate(saving):
        columns, tonnes = drawn.setdefault((t, part.candidate), ([], []))
        columns.append(first + number)
        tonnes.append(1.0)
    for (t, candidate), (columns, tonnes) in drawn.items():
        choices = _choices(problem, candidate, t)
        room = (-problem.capacity_t[choices, t]).tolist()
        rows.add([*columns, *choices], [*tonnes, *room], -np.inf, 0.0)
    for (t, place), numbers in at.items():
        there = np.flatnonzero(years[t].place[problem.candidate] == place)
        columns = [count + number for number in numbers]
        tonnes = [float(years[t].tonnes[z[number].market]) for number in numbers]
        room = (-problem.capacity_t[there, t]).tolist()
        rows.add([*columns, *there.tolist()], [*tonnes, *room], -np.inf, float(years[t].room[place]))


def _left_out(taken: Flags, sources: Sources, z: Sequence[_Source], rows: _Rows) -> None:
    """Leave out one set of choices with its sources: something is otherwise."""
    count = len(taken)
    used = [count + n for n, one in enumerate(z) if sources[one.year][one.market] == one.place]
    columns = [*range(count), *used]
    markets = len({(z[n - count].year, z[n - count].market) for n in used})
    values = [*np.where(taken, -1.0, 1.0).tolist(), *(-1.0 for _ in used)]
    rows.add(columns, values, 1.0 - float(taken.sum()) - markets, np.inf)
