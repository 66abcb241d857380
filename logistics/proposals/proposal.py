"""A proposed route: one or several services that are opened together, at one of several frequencies."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from logistics.errors import Where

Row = Mapping[str, Any]


def levels_of(frequencies: Iterable[float]) -> tuple[float, ...]:
    """Frequencies that may be chosen, ascending; those that read alike are one."""
    return tuple(sorted({f"{departures:g}": departures for departures in frequencies}.values()))


@dataclass(frozen=True)
class ProposedService:
    """One direction of a proposed route.

    Parameters
    ----------
    suffix
        Ends its service id: ``out``, ``back``, or what tells it from the others of its proposal.
    row
        Columns of ``services.csv`` but service_id, status, departures_per_week, pair_id and names;
        `background_t_per_year` is left out, see `background_t_per_departure`.
    stops
        Rows of ``service_stops.csv`` but service_id, in order of travel; figures of a row are those of the
        leg that ends there.
    ways
        Rows of ``service_via.csv`` but service_id.
    background_t_per_departure
        Other cargo on each leg of a departure; it takes room and pays `background_cny_per_t`.
    background_cny_per_t
        What other cargo pays the operator per tonne.
    """

    suffix: str
    row: Row
    stops: tuple[Row, ...]
    ways: tuple[Row, ...] = ()
    background_t_per_departure: float = 0.0
    background_cny_per_t: float = 0.0


@dataclass(frozen=True)
class Proposal:
    """A route that could be opened.

    Parameters
    ----------
    id
        Unique name.
    where
        Where it was proposed: file and line, or the generator's place in the scenario.
    mode
        Mode of its services.
    services
        What is opened together; a rotation has the way out and the way back, with one frequency.
    levels
        Departures a week that may be chosen, ascending; a departure is one of the whole rotation.
    cost_cny_per_departure
        What the operator pays for one departure of the whole rotation, cost of hours and fuel included.
    fixed_cny_per_year, capex_cny, life_years
        Operator's cost whatever the frequency; investment and the years it is written off over.
    opening_year
        First year it may run; None: any.
    rate_year
        Year whose level of rates the tariffs and what other cargo pays have; None: each year's own.
    background_at_tariff
        Whether other cargo pays the tariff too, so that it pays more or less where the tariff is uncertain.
    cost_year, moving_cny
        Year whose prices the cost of a departure has, and what it holds of things with a level of their own,
        ``fuel`` and ``charter``, at the base year's prices.
    subsidy_cny_per_departure
        Paid to the operator by the public in the first year of operation.
    subsidy_shares
        Share of all the proposal's subsidies, also those per tonne, in its first year, second year …; after
        the last one the last share holds.
    sites, passages
        New rows of ``sites.csv`` and ``passages.csv``, whole.
    ranges
        (low, high) of inputs that are estimates, by name, each with the value in use between them:
        ``cost_cny_per_departure``, ``tariff``, ``back_tariff``, ``payload_t``, ``run_h``, ``background``.
        Tariffs, payload, hours and background are factors on the value in use.
    figures
        How a generated proposal came about, for people: aircraft, range, block hours …
    """

    id: str
    where: Where
    name_en: str
    name_zh: str
    mode: str
    services: tuple[ProposedService, ...]
    levels: tuple[float, ...]
    cost_cny_per_departure: float = 0.0
    fixed_cny_per_year: float = 0.0
    capex_cny: float = 0.0
    life_years: float = 10.0
    opening_year: int | None = None
    rate_year: int | None = None
    background_at_tariff: bool = False
    cost_year: int | None = None
    moving_cny: Mapping[Literal["fuel", "charter"], float] = field(default_factory=dict)
    subsidy_cny_per_departure: float = 0.0
    subsidy_shares: tuple[float, ...] = (1.0,)
    sites: tuple[Row, ...] = ()
    passages: tuple[Row, ...] = ()
    ranges: Mapping[str, tuple[float, float]] = field(default_factory=dict)
    figures: Mapping[str, float | str] = field(default_factory=dict)
    source: str = ""
    confidence: str = "estimate"
