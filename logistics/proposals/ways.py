"""The way out and the way back of a proposed route: its stops and legs, with what is wrong with them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

from logistics.errors import Problem, Where
from logistics.proposals.aircraft import Aircraft
from logistics.proposals.spec import REVERSE, ProposalRow
from logistics.proposals.surroundings import Surroundings

Place = Callable[[str], Where]
"""Where a key of the proposal stands."""
FLIGHT_SD_H, FLIGHT_SD_SHARE, RUN_SD_SHARE = 0.5, 0.03, 0.1
"""Spread of a leg's hours where none is given: as the network's own flights, and a tenth elsewhere."""

KINDS = {
    "air": ("airport",),
    "rail": ("rail_terminal", "seaport"),
    "sea": ("seaport",),
    "post": ("mail_exchange",),
}
"""Kinds of sites that a mode calls at; lorries call anywhere."""


@dataclass(frozen=True)
class Way:
    """One direction: figures have an item a leg, `dwell_h` one a stop between the ends."""

    stops: tuple[str, ...]
    run_h: tuple[float, ...]
    run_sd_h: tuple[float, ...]
    distance_km: tuple[float, ...]
    dwell_h: tuple[float, ...]
    passages: tuple[tuple[str, ...], ...]

    def reversed(self) -> Way:
        """Return the same way in the other direction."""
        return Way(
            self.stops[::-1],
            self.run_h[::-1],
            self.run_sd_h[::-1],
            self.distance_km[::-1],
            self.dwell_h[::-1],
            tuple(leg[::-1] for leg in self.passages[::-1]),
        )


def run_sd_h(mode: str, run_h: float) -> float:
    """Spread of a leg's hours where none is given."""
    return FLIGHT_SD_H + FLIGHT_SD_SHARE * run_h if mode == "air" else RUN_SD_SHARE * run_h


def ways_of(row: ProposalRow, around: Surroundings, place: Place, problems: list[Problem]) -> tuple[Way, ...]:
    """The ways of a row, out and back; problems are appended, and the ways are usable only without one."""
    aircraft = _aircraft(row, around, place, problems)
    out = _way(row, "", tuple(row.stops), None, around, aircraft, place, problems)
    if not row.back_stops:
        return () if out is None else (out,)
    turned = tuple(row.stops[::-1])
    stops = turned if row.back_stops == [REVERSE] else tuple(row.back_stops)
    same = out.reversed() if out is not None and stops == turned else None
    if out is None and stops == turned:
        return ()
    back = _way(row, "back_", stops, same, around, aircraft, place, problems)
    return () if out is None or back is None else (out, back)


def _aircraft(
    row: ProposalRow, around: Surroundings, place: Place, problems: list[Problem]
) -> Aircraft | None:
    if row.aircraft is None:
        return None
    found = around.aircraft.get(row.aircraft)
    where = place("aircraft")
    if found is None:
        hint = around.hint(row.aircraft, around.aircraft)
        problems.append(
            Problem("proposal.no_aircraft", where, row.aircraft, ", ".join(around.aircraft), remedy=hint)
        )
    elif row.mode != "air":
        problems.append(Problem("proposal.key_not_used", where, "aircraft", row.mode))
        return None
    return found


def _way(
    row: ProposalRow,
    prefix: str,
    stops: tuple[str, ...],
    same: Way | None,
    around: Surroundings,
    aircraft: Aircraft | None,
    place: Place,
    problems: list[Problem],
) -> Way | None:
    """One direction; what is blank is taken from `same`, else from the great circle and the aircraft."""
    before = len(problems)
    problems.extend(_stop_problems(row, stops, prefix, around, aircraft, place))
    given: dict[str, Any] = {}
    for name, count in (
        ("run_h", len(stops) - 1),
        ("run_sd_h", len(stops) - 1),
        ("distance_km", len(stops) - 1),
        ("dwell_h", len(stops) - 2),
        ("passages", len(stops) - 1),
    ):
        items = getattr(row, prefix + name)
        if items is not None and len(items) != count:
            key = prefix + name
            problems.append(Problem("proposal.legs", place(key), str(len(items)), str(count), key))
        given[name] = items if items is not None or same is None else getattr(same, name)
    for leg in getattr(row, f"{prefix}passages") or ():
        for name in leg:
            if name not in around.passages:
                hint = around.hint(name, around.passages)
                problems.append(
                    Problem("change.no_row", place(f"{prefix}passages"), name, "passages", remedy=hint)
                )
    if len(problems) > before:
        return None
    km = given["distance_km"]
    if km is None and row.mode == "air":
        km = [around.km(a, b) for a, b in pairwise(stops)]
    hours = given["run_h"]
    if hours is None and aircraft is not None and km is not None:
        hours = [aircraft.flight_h(leg) for leg in km]
    for name, figures in (("distance_km", km), ("run_h", hours)):
        if figures is None:
            problems.append(Problem("proposal.missing", place(prefix + name), subject=prefix + name))
    if len(problems) > before:
        return None
    return Way(
        stops,
        tuple(hours),
        tuple(given["run_sd_h"] or (run_sd_h(row.mode, h) for h in hours)),
        tuple(km),
        tuple(given["dwell_h"] or (0.0,) * (len(stops) - 2)),
        tuple(tuple(leg) for leg in given["passages"] or ((),) * (len(stops) - 1)),
    )


def _stop_problems(
    row: ProposalRow,
    stops: tuple[str, ...],
    prefix: str,
    around: Surroundings,
    aircraft: Aircraft | None,
    place: Place,
) -> Iterator[Problem]:
    """Unknown, unfit and closed sites, one that follows itself, and airports that the aircraft cannot use."""
    where = place(f"{prefix}stops")
    if len(stops) < 2:
        yield Problem("proposal.stops", where, stops[0], "2", f"{prefix}stops")
    for site in dict.fromkeys(stops):
        if site not in around.sites:
            yield Problem("change.no_row", where, site, "sites", remedy=around.hint(site, around.sites))
        elif (kind := str(around.sites[site]["kind"])) not in KINDS.get(row.mode, (kind,)):
            yield Problem("proposal.site_kind", where, site, ", ".join(KINDS[row.mode]), kind)
        elif site not in around.open_sites:
            yield Problem("proposal.closed_site", where, site, str(around.sites[site]["status"]))
        elif aircraft and aircraft.airports and around.is_home(site) and site not in aircraft.airports:
            allowed = ", ".join(sorted(aircraft.airports))
            yield Problem("proposal.airport", where, site, allowed, aircraft.id)
    for site, following in pairwise(stops):
        if site == following:
            yield Problem("service.same_stop", where, site, subject=row.proposal_id)


def farthest_km(ways: tuple[Way, ...]) -> float:
    """The longest leg."""
    return max(km for way in ways for km in way.distance_km)
