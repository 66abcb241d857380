"""Rules that propose routes: which places they join, and who makes the proposals of each mode."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from logistics.errors import Problem, Where
from logistics.network.where import ConditionError, matching_rows
from logistics.proposals.air_routes import proposed_flights
from logistics.proposals.proposal import Proposal
from logistics.proposals.rail_routes import proposed_trains
from logistics.proposals.sea_routes import proposed_ships
from logistics.proposals.spec import Generate, PlaceRule
from logistics.proposals.surroundings import Surroundings

Pairs = list[tuple[str, str]]
KINDS = {"air": "airport", "rail": "rail_terminal", "sea": "seaport"}
"""Kind of site that a route of a mode joins."""
RULES: dict[str, Callable[[Generate, Pairs, Surroundings, Where], Iterator[Proposal]]] = {
    "air": proposed_flights,
    "rail": proposed_trains,
    "sea": proposed_ships,
}
ONLY_AIR = ("aircraft", "technical_stops", "min_payload_share")


def generated(
    spec: Generate, around: Surroundings, where: Callable[[str], Where], problems: list[Problem]
) -> list[Proposal]:
    """All proposals of a rule, by pair in the order of the places; problems are appended.

    Parameters
    ----------
    where
        Place of a key of the rule; of the rule itself for an empty name.
    """
    before = len(problems)
    homes = _places(spec.from_, spec.mode, around, where("from"), problems)
    ends = _places(spec.to, spec.mode, around, where("to"), problems)
    home_territory = around.network.info.home_territory
    domestic = [end for end in ends if end in around.sites and _territory(around, end) == home_territory]
    if spec.to.sites is not None:
        problems.extend(Problem("proposal.at_home", where("to"), end) for end in domestic)
    ends = [end for end in ends if end not in domestic]
    problems.extend(
        Problem("proposal.key_not_used", where(key), key, spec.mode)
        for key in ONLY_AIR
        if spec.mode != "air" and key in spec.model_fields_set
    )
    for name in spec.aircraft or ():
        if name not in around.aircraft:
            hint = around.hint(name, around.aircraft)
            problems.append(
                Problem(
                    "proposal.no_aircraft", where("aircraft"), name, ", ".join(around.aircraft), remedy=hint
                )
            )
    for site in spec.technical_stops:
        problems.extend(_site_problems(site, "airport", around, where("technical_stops")))
    if len(problems) > before:
        return []
    pairs = [
        (home, end)
        for home in homes
        for end in ends
        if _territory(around, home) != _territory(around, end)
        and (spec.max_range_km is None or around.km(home, end) <= spec.max_range_km)
    ]
    proposals = list(RULES[spec.mode](spec, pairs, around, where("")))
    if not proposals:
        problems.append(Problem("proposal.none_generated", where(""), str(len(pairs)), subject=spec.mode))
    return proposals


def _territory(around: Surroundings, site: str) -> str:
    return str(around.sites[site]["customs_territory"])


def _places(
    places: PlaceRule, mode: str, around: Surroundings, where: Where, problems: list[Problem]
) -> list[str]:
    """Sites of the mode's kind that are named, or that meet the condition and are in use."""
    kind = KINDS[mode]
    if places.sites is not None:
        for site in places.sites:
            problems.extend(_site_problems(site, kind, around, where))
        return list(dict.fromkeys(places.sites))
    table = around.network.tables["sites"]
    try:
        rows = matching_rows(table, places.where)
    except ConditionError as error:
        hint = around.hint(error.found, dict.fromkeys(error.choices))
        problems.append(
            Problem(f"condition.{error.reason}", where, error.found, ", ".join(error.choices), remedy=hint)
        )
        return []
    names = [str(table["site_id"][int(row)].as_py()) for row in rows]
    return [name for name in names if name in around.open_sites and around.sites[name]["kind"] == kind]


def _site_problems(site: str, kind: str, around: Surroundings, where: Where) -> Iterator[Problem]:
    if site not in around.sites:
        yield Problem("change.no_row", where, site, "sites", remedy=around.hint(site, around.sites))
    elif around.sites[site]["kind"] != kind:
        yield Problem("proposal.site_kind", where, site, kind, str(around.sites[site]["kind"]))
    elif site not in around.open_sites:
        yield Problem("proposal.closed_site", where, site, str(around.sites[site]["status"]))
