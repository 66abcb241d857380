"""What the rules of all modes share: a way out and back with one frequency and one cost, as a proposal."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from logistics.errors import Where
from logistics.proposals.proposal import Proposal, ProposedService, Row, levels_of
from logistics.proposals.spec import Generate
from logistics.proposals.surroundings import Surroundings

Range = tuple[float, float]


@dataclass(frozen=True)
class Direction:
    """The way out or the way back.

    Parameters
    ----------
    ends
        Sites it joins, without a stop between.
    ways
        Rows of ``service_via.csv`` but the service's id; the only way of a leg without passages has an empty
        `passages`.
    tariff
        Per unit of the basis, in the currency of the columns.
    background_t, background_cny_per_t
        Other cargo of a departure, and what it pays per tonne.
    """

    ends: tuple[str, str]
    ways: tuple[Row, ...]
    tariff: float
    background_t: float
    background_cny_per_t: float
    booking_wait_h: float = 0.0


@dataclass(frozen=True)
class Operation:
    """What running the rotation takes.

    Parameters
    ----------
    columns
        Columns of ``services.csv`` that both directions share.
    cost_cny, cost_range
        Of one departure of the rotation, and its low and high as factors.
    moving_cny
        Of that cost, at the base year's prices, what has a level of its own.
    ranges
        Other ranges of :class:`Proposal`, as factors; each is stretched to hold the value in use.
    """

    columns: Row
    cost_cny: float
    cost_range: Range
    ranges: Mapping[str, Range]
    figures: Mapping[str, float | str]
    source: str
    moving_cny: Mapping[Literal["fuel", "charter"], float] = field(default_factory=dict)


def way_row(
    via_id: str, passages: tuple[str, ...], run_h: float, run_sd_h: float, km: float, factor: float = 1.0
) -> Row:
    """One way of the only leg, as a row of ``service_via.csv``."""
    return {
        "to_seq": 2.0,
        "via_id": via_id,
        "passages": "|".join(passages),
        "run_h": run_h,
        "run_sd_h": run_sd_h,
        "distance_km": km,
        "tariff_factor": factor,
    }


def rotation(
    name: str,
    spec: Generate,
    around: Surroundings,
    where: Where,
    directions: tuple[Direction, Direction],
    operation: Operation,
) -> Proposal:
    """Proposal called `name`, out and back.

    Parameters
    ----------
    where
        Place of the rule in the scenario.
    """
    ends = [around.sites[site] for site in directions[0].ends]
    new = [site for site in directions[0].ends if site in around.new_sites]
    kind = str(operation.figures.get("aircraft", ""))
    cost = operation.cost_cny
    low, high = _holding(operation.cost_range)
    return Proposal(
        id=name,
        where=where,
        name_en="–".join(str(end["name_en"]) for end in ends) + (f", {kind}" if kind else ""),
        name_zh="—".join(str(end["name_zh"]) for end in ends) + (f"（{kind}）" if kind else ""),
        mode=spec.mode,
        services=tuple(
            _service(suffix, direction, operation, spec)
            for suffix, direction in zip(("out", "back"), directions, strict=True)
        ),
        levels=levels_of(spec.frequencies),
        cost_cny_per_departure=cost,
        fixed_cny_per_year=spec.fixed_cny_per_year,
        capex_cny=spec.capex_cny,
        life_years=spec.life_years,
        opening_year=spec.opening_year,
        rate_year=around.year,
        background_at_tariff=True,
        cost_year=around.year,
        moving_cny=operation.moving_cny,
        subsidy_cny_per_departure=spec.subsidy_cny_per_departure,
        subsidy_shares=tuple(spec.subsidy_shares),
        sites=tuple(around.sites[site] for site in new),
        ranges={
            "cost_cny_per_departure": (cost * low, cost * high),
            **{key: _holding(factors) for key, factors in operation.ranges.items()},
        },
        figures=operation.figures,
        source=operation.source,
        confidence="estimate",
    )


def _holding(factors: Range) -> Range:
    return min(1.0, factors[0]), max(1.0, factors[1])


def _service(suffix: str, direction: Direction, operation: Operation, spec: Generate) -> ProposedService:
    plain = len(direction.ways) == 1 and not direction.ways[0]["passages"]
    figures = {
        name: direction.ways[0][name] if plain else None for name in ("run_h", "run_sd_h", "distance_km")
    }
    return ProposedService(
        suffix=suffix,
        row={
            **operation.columns,
            "mode": spec.mode,
            "tariff_spot": direction.tariff,
            "tariff_contract": None,
            "contract_share": 0.0,
            "tariff_per_item": 0.0,
            "subsidy_cny_per_t": 0.0,
            "booking_wait_h": direction.booking_wait_h,
            "source": operation.source,
            "confidence": "estimate",
            "note": "",
        },
        stops=(
            {
                "seq": 1.0,
                "site_id": direction.ends[0],
                "run_h": None,
                "run_sd_h": None,
                "distance_km": None,
                "dwell_h": 0.0,
            },
            {"seq": 2.0, "site_id": direction.ends[1], **figures, "dwell_h": 0.0},
        ),
        ways=() if plain else direction.ways,
        background_t_per_departure=direction.background_t,
        background_cny_per_t=direction.background_cny_per_t,
    )
