"""A row of a proposals file or list, checked and made a proposal."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Literal

from logistics.errors import Problem
from logistics.proposals.aircraft import Aircraft
from logistics.proposals.proposal import Proposal, ProposedService, Row, levels_of
from logistics.proposals.spec import ProposalRow
from logistics.proposals.surroundings import Surroundings
from logistics.proposals.ways import Place, Way, farthest_km, ways_of
from logistics.yaml_files import Document, Key, validated

CLASSES = {
    "road": "tir",
    "sea": "fast_ship",
    "rail": "block_train",
    "air": "freighter",
    "post": "air_mail",
}
"""Class of a service that names none."""
NEEDED_FIGURES = {
    "chargeable_kg": ("volumetric_kg_per_m3",),
    "teu": ("teu_payload_t", "teu_m3"),
    "feu": ("teu_payload_t", "teu_m3"),
    "truck": ("truck_payload_t", "truck_m3"),
}
"""Columns of modes.csv that a tariff basis needs."""
RANGED = ("tariff", "back_tariff", "payload_t", "background_t_per_departure", "cost_cny_per_departure")
"""Keys that may have a low and a high; so may the hours."""
TOLERANCE = 1e-9


def proposal_of(
    document: Document, key: Key, around: Surroundings, problems: list[Problem]
) -> Proposal | None:
    """Check one row and make it a proposal; problems are appended, None is returned when there are any.

    Parameters
    ----------
    document
        The row as data, with the places of its keys.
    key
        Where the row stands in its document.
    """
    row = validated(ProposalRow, document, problems, key)
    if row is None:
        return None

    def place(name: str) -> Any:
        return document.where((*key, name))

    before = len(problems)
    ways = ways_of(row, around, place, problems)
    aircraft = around.aircraft.get(row.aircraft) if row.aircraft and row.mode == "air" else None
    if ways:
        problems.extend(_load_problems(row, ways, aircraft, place))
        problems.extend(_tariff_problems(row, ways, around, place))
    problems.extend(_range_problems(row, place))
    if len(problems) > before:
        return None
    return _made(row, ways, aircraft, around, document.where(key))


def _load_problems(
    row: ProposalRow, ways: tuple[Way, ...], aircraft: Aircraft | None, place: Place
) -> Iterator[Problem]:
    """Payload and cost are given or follow from the aircraft, it flies that far, and cargo finds room."""
    payload = row.payload_t
    if aircraft is not None and payload is None:
        payload = aircraft.payload_at(farthest_km(ways))
    room = None if payload is None else payload * row.load_factor_max
    for prefix in ("", "back_")[: len(ways)]:
        other = _back(row, "background_t_per_departure", prefix)
        if room is not None and other > room * (1 + TOLERANCE):
            key = f"{prefix}background_t_per_departure"
            yield Problem("proposal.background", place(key), f"{other:g}", f"{room:g}", key)
    if aircraft is None:
        for name in ("payload_t", "payload_m3", "cost_cny_per_departure"):
            if getattr(row, name) is None:
                yield Problem("proposal.missing", place(name), subject=name)
        return
    km = farthest_km(ways)
    most = aircraft.payload_at(km)
    if most <= 0:
        yield Problem(
            "proposal.range", place("aircraft"), f"{km:.0f}", f"{aircraft.ferry_range_km:.0f}", aircraft.id
        )
    elif row.payload_t is not None and row.payload_t > most * (1 + TOLERANCE):
        found = f"{row.payload_t:g}"
        yield Problem(
            "proposal.payload", place("payload_t"), found, f"{most:.1f}", f"{aircraft.id}, {km:.0f} km"
        )


def _tariff_problems(
    row: ProposalRow, ways: tuple[Way, ...], around: Surroundings, place: Place
) -> Iterator[Problem]:
    """Mode and currency have the figures that the tariff needs, and no subsidy exceeds the tariff."""
    mode = around.modes.get(row.mode)
    if mode is None:
        yield Problem("mode.no_row", place("mode"), row.mode)
        return
    for column in NEEDED_FIGURES.get(row.tariff_basis, ()):
        if mode[column] is None:
            yield Problem("mode.no_figure", place("tariff_basis"), row.tariff_basis, column, row.mode)
            return
    rate = around.lowest_cny_per_unit.get(row.tariff_currency)
    if rate is None:
        known = ", ".join(sorted(set(around.lowest_cny_per_unit) - {"CNY"}))
        yield Problem("fx.missing", place("tariff_currency"), row.tariff_currency, known)
        return
    for prefix, way in zip(("", "back_"), ways, strict=False):
        tariff, subsidy = _back(row, "tariff", prefix), _back(row, "subsidy_cny_per_t", prefix)
        lowest = rate * around.lowest_rate(row.mode, way.stops, row.rate_year)
        paid = tariff * lowest * around.units_per_t(row.tariff_basis, row.mode, sum(way.distance_km))
        if subsidy > paid * (1 + TOLERANCE):
            key = f"{prefix}subsidy_cny_per_t"
            yield Problem("proposal.subsidy", place(key), f"{subsidy:g}", f"{paid:.4g}", key)


def _range_problems(row: ProposalRow, place: Place) -> Iterator[Problem]:
    """Low and high come together, with the value in use between them."""
    for name in (
        "tariff",
        "back_tariff",
        "payload_t",
        "background_t_per_departure",
        "cost_cny_per_departure",
    ):
        yield from _between(row, name, getattr(row, name), place)
    yield from _between(row, "run_h", None if row.run_h is None else sum(row.run_h), place)


def _between(row: ProposalRow, name: str, value: float | None, place: Place) -> Iterator[Problem]:
    low, high = getattr(row, f"{name}_low"), getattr(row, f"{name}_high")
    if low is None and high is None:
        return
    if low is None or high is None or value is None:
        missing = f"{name}_low" if low is None else f"{name}_high" if high is None else name
        yield Problem("proposal.half_range", place(missing), subject=missing)
    elif not low <= value <= high or (value == 0 < high and name != "cost_cny_per_departure"):
        yield Problem(
            "proposal.low_high", place(f"{name}_low"), f"{low:g}, {value:g}, {high:g}", subject=name
        )


def _back(row: ProposalRow, name: str, prefix: str) -> Any:
    """A value of a direction; of the way back it is the way out's unless given."""
    value = getattr(row, prefix + name)
    return getattr(row, name) if value is None else value


def _made(
    row: ProposalRow, ways: tuple[Way, ...], aircraft: Aircraft | None, around: Surroundings, where: Any
) -> Proposal:
    """A proposal of a row that has passed its checks."""
    payload, volume, cost = row.payload_t, row.payload_m3, row.cost_cny_per_departure
    figures: dict[str, float | str] = {}
    cost_year, moving = None, dict[Literal["fuel", "charter"], float]()
    ranges = {
        name: factors
        for name, value in (
            ("tariff", row.tariff),
            ("back_tariff", row.back_tariff),
            ("payload_t", row.payload_t),
            ("run_h", None if row.run_h is None else sum(row.run_h)),
        )
        if (factors := _factors(row, name, value)) is not None
    }
    background = _factors(row, "background_t_per_departure", row.background_t_per_departure)
    if background is not None:
        ranges["background"] = background
    if row.cost_cny_per_departure_low is not None and row.cost_cny_per_departure_high is not None:
        ranges["cost_cny_per_departure"] = (row.cost_cny_per_departure_low, row.cost_cny_per_departure_high)
    if aircraft is not None:
        km = farthest_km(ways)
        payload = aircraft.payload_at(km) if payload is None else payload
        volume = aircraft.payload_m3 if volume is None else volume
        figures = {"aircraft": aircraft.id, "longest_leg_km": round(km)}
        if cost is None:
            cost_year, legs = row.rate_year or around.year, [leg for way in ways for leg in way.distance_km]
            fuel = around.levels.level("fuel", "air", "*", cost_year).factor
            cost = sum(aircraft.flight_cny(leg, fuel) for leg in legs)
            moving["fuel"] = sum(aircraft.fuel_cny(leg) for leg in legs)
            ranges["cost_cny_per_departure"] = (cost * aircraft.cost_range[0], cost * aircraft.cost_range[1])
    assert payload is not None
    assert volume is not None
    assert cost is not None
    ends = [around.sites[site] for site in (row.stops[0], row.stops[-1])]
    used = {site for way in ways for site in way.stops}
    passed = {name for way in ways for leg in way.passages for name in leg}
    return Proposal(
        id=row.proposal_id,
        where=where,
        name_en=row.name_en or "–".join(str(end["name_en"]) for end in ends),
        name_zh=row.name_zh or "—".join(str(end["name_zh"]) for end in ends),
        mode=row.mode,
        services=tuple(
            _service(row, way, prefix, payload, volume)
            for prefix, way in zip(("", "back_"), ways, strict=False)
        ),
        levels=levels_of(row.frequencies),
        cost_cny_per_departure=cost,
        fixed_cny_per_year=row.fixed_cny_per_year,
        capex_cny=row.capex_cny,
        life_years=row.life_years,
        opening_year=row.opening_year,
        rate_year=row.rate_year,
        cost_year=cost_year,
        moving_cny=moving,
        subsidy_cny_per_departure=row.subsidy_cny_per_departure,
        subsidy_shares=tuple(row.subsidy_shares),
        sites=tuple(around.sites[name] for name in sorted(used & around.new_sites)),
        passages=tuple(around.passages[name] for name in sorted(passed & around.new_passages)),
        ranges=ranges,
        figures=figures,
        source=row.source,
        confidence=row.confidence,
    )


def _factors(row: ProposalRow, name: str, value: float | None) -> tuple[float, float] | None:
    """The range of a value as factors on it; None where there is none."""
    low, high = getattr(row, f"{name}_low"), getattr(row, f"{name}_high")
    return None if low is None or high is None or not value else (low / value, high / value)


def _service(row: ProposalRow, way: Way, prefix: str, payload_t: float, payload_m3: float) -> ProposedService:
    """One direction as rows of the network's tables."""
    return ProposedService(
        suffix="back" if prefix else "out",
        row={
            "mode": row.mode,
            "service_class": row.service_class or CLASSES[row.mode],
            "availability": row.availability,
            "payload_t": payload_t,
            "payload_m3": payload_m3,
            "load_factor_max": row.load_factor_max,
            "tariff_basis": row.tariff_basis,
            "tariff_currency": row.tariff_currency,
            "tariff_spot": _back(row, "tariff", prefix),
            "tariff_contract": None,
            "contract_share": 0.0,
            "tariff_per_item": 0.0,
            "subsidy_cny_per_t": _back(row, "subsidy_cny_per_t", prefix),
            "booking_wait_h": _back(row, "booking_wait_h", prefix),
            "segments": "|".join(row.segments),
            "co2_g_per_tkm": row.co2_g_per_tkm,
            "source": row.source,
            "confidence": row.confidence,
            "note": row.note,
        },
        stops=stop_rows(way),
        ways=via_rows(way),
        background_t_per_departure=_back(row, "background_t_per_departure", prefix),
        background_cny_per_t=_back(row, "background_tariff_cny_per_t", prefix),
    )


def stop_rows(way: Way) -> tuple[Row, ...]:
    """Rows of service_stops.csv; a leg through passages has its figures in service_via.csv instead."""
    rows: list[Row] = [_stop(1, way.stops[0], 0.0)]
    dwells = (*way.dwell_h, 0.0)
    for i, site in enumerate(way.stops[1:]):
        figures = None if way.passages[i] else (way.run_h[i], way.run_sd_h[i], way.distance_km[i])
        rows.append(_stop(i + 2, site, dwells[i], figures))
    return tuple(rows)


def _stop(seq: int, site: str, dwell_h: float, figures: tuple[float, float, float] | None = None) -> Row:
    run_h, run_sd_h, km = figures or (None, None, None)
    return {
        "seq": float(seq),
        "site_id": site,
        "run_h": run_h,
        "run_sd_h": run_sd_h,
        "distance_km": km,
        "dwell_h": dwell_h,
    }


def via_rows(way: Way) -> tuple[Row, ...]:
    """Rows of service_via.csv: one way for each leg through passages."""
    return tuple(
        {
            "to_seq": float(i + 2),
            "via_id": "main",
            "passages": "|".join(leg),
            "run_h": way.run_h[i],
            "run_sd_h": way.run_sd_h[i],
            "distance_km": way.distance_km[i],
            "tariff_factor": 1.0,
        }
        for i, leg in enumerate(way.passages)
        if leg
    )
