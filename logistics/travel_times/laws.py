"""Laws of uncertain hours: what the tables say (a mean, often a spread) as something to draw from.

A law gives deviations from its mean, not hours: sums of deviations keep their precision beside means of
weeks, and the mean stays the tables' own figure.
"""

from __future__ import annotations

import math
import sys
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from logistics.network.windows import OpeningHours, window_delay
from logistics.travel_times.windows import completion_hours, completion_moments
from logistics.units import HOURS_PER_WEEK

Floats = NDArray[np.float64]
NO_SPREAD = 1e-12
"""A standard deviation below this share of its mean cannot be told from none in double precision."""


class Law(Protocol):
    """Uncertain hours, never negative."""

    @property
    def mean_h(self) -> float:
        """Mean hours, as every other part of the engine counts them."""

    @property
    def variance_h2(self) -> float:
        """Variance of what is drawn."""

    def deviations_h(self, generator: np.random.Generator, draws: int) -> Floats:
        """Drawn hours less `mean_h`, shape (draws,)."""


@dataclass(frozen=True)
class WaitForDeparture:
    """Cargo is ready at any moment alike: the wait is uniform between 0 and the headway.

    Parameters
    ----------
    headway_h
        Hours between departures, > 0.
    """

    headway_h: float

    @property
    def mean_h(self) -> float:
        """Half the headway."""
        return self.headway_h / 2

    @property
    def variance_h2(self) -> float:
        """A twelfth of the headway's square."""
        return self.headway_h**2 / 12

    def deviations_h(self, generator: np.random.Generator, draws: int) -> Floats:
        """Drawn hours less the mean."""
        return (generator.random(draws) - 0.5) * self.headway_h


@dataclass(frozen=True)
class Spread:
    """Hours with a mean and a standard deviation: a gamma law with both.

    Of the laws with a given mean and spread that are never negative, gamma is taken since sums of it stay
    gamma when they have one scale, and since its tail is light enough for a simulated mean to settle.

    Parameters
    ----------
    mean_h, sd_h
        Both > 0.
    """

    mean_h: float
    sd_h: float

    @property
    def variance_h2(self) -> float:
        """Square of the standard deviation."""
        return self.sd_h**2

    def deviations_h(self, generator: np.random.Generator, draws: int) -> Floats:
        """Drawn hours less the mean."""
        shape = (self.mean_h / self.sd_h) ** 2
        scale_h = min(self.sd_h * (self.sd_h / self.mean_h), sys.float_info.max)
        return generator.standard_gamma(shape, draws) * scale_h - self.mean_h


@dataclass(frozen=True)
class OfficeWork:
    """Clearance: arrival at any moment of the week alike, work only inside opening hours.

    The mean is that of the tables' formula, worked out elsewhere; what is drawn walks through the week.

    Parameters
    ----------
    hours
        Opening hours, not round the clock.
    work_h
        Hours of work.
    """

    hours: OpeningHours
    work_h: float

    @property
    def mean_h(self) -> float:
        """Hours to completion by the formula that the plan was made with."""
        return window_delay(self.hours, self.work_h).mean_h

    @property
    def variance_h2(self) -> float:
        """Variance of the time to completion; the plan's own figure is that of the wait for the start."""
        return completion_moments(self.hours, self.work_h)[1]

    def deviations_h(self, generator: np.random.Generator, draws: int) -> Floats:
        """Drawn hours less the mean."""
        arrival_h = generator.random(draws) * HOURS_PER_WEEK
        return completion_hours(self.hours, self.work_h, arrival_h) - self.mean_h


def spread_of(mean_h: float, sd_h: float) -> Spread | None:
    """The law of hours with a mean and a standard deviation, or None where they are certain.

    Hours are never negative, so a mean of 0 leaves no room for a spread: they are 0 then, whatever the
    table's deviation says.
    """
    if mean_h <= 0 or sd_h <= NO_SPREAD * mean_h or not math.isfinite(sd_h):
        return None
    return Spread(mean_h, sd_h)
