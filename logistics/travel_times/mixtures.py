"""Drawing the hours of paths, and the distribution of tonnes that go different ways.

Each component has a stream of its own, seeded by its name: its draws do not depend on what else is drawn or
in which order. Different components are independent, so those of a path are; paths that share a component
share its draws, which leaves each path's own law as it is.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from logistics.travel_times.components import Clock
from logistics.travel_times.laws import Law

Floats = NDArray[np.float64]
SHARES = (0.1, 0.5, 0.9)
BLOCK_PATHS = 256
MOST_BINS = 4096
ROUNDING = 1e-9
"""Relative room for sums of weights, and for hours that just meet a promise."""


class Draws:
    """Draws of all components, once each.

    Parameters
    ----------
    laws
        Law of each component by name.
    seed, year
        Decide the draws, together with the names. ``seed`` ≥ 0.
    draws
        Number of draws of each component, ≥ 1.
    """

    def __init__(self, laws: Mapping[str, Law], seed: int, year: int, draws: int) -> None:
        if seed < 0 or draws < 1:
            raise ValueError(f"seed {seed} must not be negative, draws {draws} must be at least 1")
        self.draws = draws
        self._row_of = {name: row for row, name in enumerate(laws)}
        self._variance_h2 = np.array([law.variance_h2 for law in laws.values()])
        self._deviation_h = np.empty((len(laws), draws), dtype=np.float32)
        for row, (name, law) in enumerate(laws.items()):
            words = np.frombuffer(hashlib.sha256(name.encode()).digest(), dtype="<u4")
            generator = np.random.Generator(
                np.random.PCG64(np.random.SeedSequence([seed, year, *words.tolist()]))
            )
            self._deviation_h[row] = law.deviations_h(generator, draws)

    def deviations_h(self, clocks: Sequence[Clock]) -> Floats:
        """Hours of paths less their means, shape (paths, draws)."""
        found = np.zeros((len(clocks), self.draws))
        for row, clock in enumerate(clocks):
            if clock.components:
                found[row] = self._deviation_h[self._rows(clock)].sum(axis=0)
        return found

    def standard_error_h(self, clocks: Sequence[Clock], weights: Floats) -> float:
        """Standard error of the simulated mean of a mixture, from the laws' variances.

        Draw i of the mixture's mean is Σ_p w_p Σ_{c in p} x_ci = Σ_c (Σ_{p with c} w_p) x_ci: a sum over
        independent components, which takes into account that paths share them. The variances are known, so
        none has to be estimated from the draws; where a law is skew, an estimate and the mean would be
        wrong together.

        Parameters
        ----------
        clocks
            Paths.
        weights
            Shares of the paths, sum 1, shape (paths,).
        """
        rows = [row for clock in clocks for row in self._rows(clock)]
        if not rows:
            return 0.0
        counts = np.repeat(weights, [len(clock.components) for clock in clocks])
        share = np.bincount(rows, weights=counts)
        met = np.flatnonzero(share)
        return math.sqrt(math.fsum(share[met] ** 2 * self._variance_h2[met]) / self.draws)

    def _rows(self, clock: Clock) -> list[int]:
        return [self._row_of[name] for name in clock.components]


@dataclass(frozen=True)
class Distribution:
    """Hours of tonnes that go one or several ways.

    Parameters
    ----------
    mean_h
        By the tables' formulas.
    simulated_mean_h
        Mean of the draws.
    standard_error_h
        Standard error of `simulated_mean_h` as an estimate of `mean_h`.
    p10_h, p50_h, p90_h
        Hours that 10, 50, 90 % of the tonnes do not exceed, of the draws.
    """

    mean_h: float
    simulated_mean_h: float
    standard_error_h: float
    p10_h: float
    p50_h: float
    p90_h: float


class Mixture:
    """Tonnes on several paths, mixed.

    Parameters
    ----------
    tonnes
        Tonnes by path; at least one > 0, none negative.
    draws
        Draws of all their components.
    """

    def __init__(self, tonnes: Mapping[Clock, float], draws: Draws) -> None:
        # In one order always, since sums of floats depend on it.
        self._clocks = sorted(tonnes)
        self._tonnes = np.array([tonnes[clock] for clock in self._clocks])
        self._weights = self._tonnes / math.fsum(self._tonnes)
        self._draws = draws
        only = len(self._clocks) <= BLOCK_PATHS
        self._kept = list(self._computed()) if only else None

    def distribution(self) -> Distribution:
        """Mean, standard error and percentiles."""
        deviation, low, high = [], math.inf, -math.inf
        for deviations_h, hours, _ in self._blocks():
            deviation += deviations_h.mean(axis=1).tolist()
            low, high = min(low, float(hours.min())), max(high, float(hours.max()))
        mean = math.fsum(w * clock.mean_h for w, clock in zip(self._weights, self._clocks, strict=True))
        late = math.fsum(w * d for w, d in zip(self._weights, deviation, strict=True))
        error = self._draws.standard_error_h(self._clocks, self._weights)
        return Distribution(mean, mean + late, error, *self._quantiles(low, high))

    def within(self, limit_h: float) -> tuple[float, float]:
        """Tonnes whose path's mean is at most `limit_h`, and tonnes on average whose drawn hours are."""
        most = limit_h * (1 + ROUNDING)
        means = np.array([clock.mean_h for clock in self._clocks])
        drawn = [(hours <= most).mean(axis=1) for _, hours, _ in self._blocks()]
        on_average = math.fsum(self._tonnes[means <= most])
        return on_average, math.fsum(self._tonnes * np.concatenate(drawn))

    def _computed(self) -> Iterator[tuple[Floats, Floats, Floats]]:
        """Deviations and hours, shape (paths, draws), and weights of some paths at a time."""
        for start in range(0, len(self._clocks), BLOCK_PATHS):
            clocks = self._clocks[start : start + BLOCK_PATHS]
            deviations_h = self._draws.deviations_h(clocks)
            hours = deviations_h + np.array([clock.mean_h for clock in clocks])[:, None]
            yield deviations_h, hours, self._weights[start : start + BLOCK_PATHS]

    def _blocks(self) -> Iterator[tuple[Floats, Floats, Floats]]:
        """Blocks of paths; those of many paths are computed anew rather than held."""
        return iter(self._kept) if self._kept is not None else self._computed()

    def _quantiles(self, low: float, high: float) -> list[float]:
        """Least drawn hours that at least 10, 50, 90 % of the weight does not exceed; all lie in [low, high].

        Exact without sorting all: bins keep the order, so only the bin in which a share falls is sorted.
        """
        if low == high:
            return [low] * len(SHARES)
        draws = self._draws.draws
        if self._kept is not None and len(self._clocks) == 1:
            # Most demand rows go one way: all draws weigh alike.
            ordered = np.sort(self._kept[0][1][0])
            return [float(ordered[math.ceil(share * draws * (1 - ROUNDING)) - 1]) for share in SHARES]
        bins = int(min(MOST_BINS, 16 + len(self._clocks) * draws // 8))

        def placed(hours: Floats) -> NDArray[np.intp]:
            return np.minimum((hours - low) * (bins / (high - low)), bins - 1).astype(np.intp)

        mass = np.zeros(bins)
        for _, hours, weights in self._blocks():
            mass += np.bincount(placed(hours).ravel(), np.repeat(weights / draws, draws), bins)
        until = np.cumsum(mass)
        wanted = np.array(SHARES) * until[-1] * (1 - ROUNDING)
        places = np.searchsorted(until, wanted)
        values: list[list[Floats]] = [[] for _ in SHARES]
        weighing: list[list[Floats]] = [[] for _ in SHARES]
        for _, hours, weights in self._blocks():
            bin_of = placed(hours)
            for each, place in enumerate(places):
                inside = bin_of == place
                values[each].append(hours[inside])
                weighing[each].append(np.repeat(weights / draws, inside.sum(axis=1)))
        found = []
        for each, place in enumerate(places):
            value, weight = np.concatenate(values[each]), np.concatenate(weighing[each])
            order = np.argsort(value, kind="stable")
            below = until[place - 1] if place else 0.0
            at = np.searchsorted(below + np.cumsum(weight[order]), wanted[each])
            found.append(float(value[order[min(int(at), len(order) - 1)]]))
        return found
