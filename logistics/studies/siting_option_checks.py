"""What is wrong with the options of a siting study, as the tables of its years have them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence

from logistics.errors import Problem, Severity, Where
from logistics.network.network import Network
from logistics.network.option_checks import OPEN_TO_CHOICE
from logistics.scenario.case import Case
from logistics.studies.siting_candidates import WAREHOUSES, Candidate
from logistics.studies.siting_markets import stocked_by_territory
from logistics.studies.siting_spec import SitingSpec
from logistics.studies.study_places import StudyPlaces

OF_OPERATION = (
    "inbound_cny_per_t",
    "inbound_h",
    "pick_cny_per_order",
    "pick_h",
    "storage_cny_per_m3_day",
    "ramp_up_first_year_share",
    "opening_year",
)
"""What tells options apart beside site, capacity and yearly cost."""


def option_problems(case: Case, spec: SitingSpec, candidates: Sequence[Candidate]) -> Iterator[Problem]:
    """Yield what is wrong with candidates, the sites they stand at, and the room they have together."""
    place, networks = StudyPlaces(case), dict(sorted(case.networks.items()))
    yield from _twice_named(next(iter(networks.values())), place)
    yield from _at_no_site(candidates, networks.values())
    yield from _ties(spec, candidates, networks)
    yield from _capacity_problems(case, spec, candidates, place)


def _twice_named(network: Network, place: StudyPlaces) -> Iterator[Problem]:
    """Options of both tables are told apart by their ids alone."""
    tables = (network.rows("warehouse_options"), network.rows("facility_options"))
    warehouses, facilities = ({str(row["option_id"]) for row in rows} for rows in tables)
    for name in sorted(warehouses & facilities):
        yield Problem("siting.same_id", place.at("facilities"), name)


def _at_no_site(candidates: Iterable[Candidate], networks: Iterable[Network]) -> Iterator[Problem]:
    """Warehouses that exist where nothing is yet: what opens the site would bring them for free."""
    sites, told = {one.site_id for one in candidates}, set()
    for network in networks:
        status = dict(zip(network.texts("sites", "site_id"), network.texts("sites", "status"), strict=True))
        for line, row in enumerate(network.rows(WAREHOUSES), 2):
            name, site = str(row["option_id"]), str(row["site_id"])
            nowhere = row["status"] == "existing" and status[site] == "option" and site in sites
            if nowhere and name not in told:
                told.add(name)
                where = Where(f"{network.name}/{WAREHOUSES}.csv", line, "status")
                yield Problem("siting.at_no_site", where, "existing", site, name)


def _ties(
    spec: SitingSpec, candidates: Iterable[Candidate], networks: Mapping[int, Network]
) -> Iterator[Problem]:
    """Options of one site, and of one capacity or size, that cost the same and work alike in all years."""
    first = next(iter(networks.values()))
    # Under other rules a solver chooses, which looks at no ids.
    by_id = spec.one_per_site and not (spec.counts or spec.budgets or spec.single_source)
    code = "siting.tie" if by_id else "siting.tie_open"
    by_year = [
        {table: {str(row["option_id"]): row for row in network.rows(table)} for table in OPEN_TO_CHOICE}
        for network in networks.values()
    ]
    before: dict[tuple[object, ...], str] = {}
    for one in candidates:
        if one.exists:
            continue
        rows = [year[one.table][one.id] for year in by_year]
        works = tuple(row.get(column) for row in rows for column in OF_OPERATION)
        alike = (one.table, one.site_id, round(one.annual_cny(spec.discount_rate), 2), works)
        keys = [(*alike, one.capacity_t(first=False)), (*alike, str(one.option["size"]).lower())]
        smaller = next((before[key] for key in keys if key in before), None)
        if smaller is not None:
            line = 2 + first.row_of(one.table)[one.id]
            where = Where(f"{first.name}/{one.table}.csv", line)
            yield Problem(code, where, smaller, one.id, one.site_id, severity="warning")
        for key in keys:
            before.setdefault(key, one.id)


def _capacity_problems(
    case: Case, spec: SitingSpec, candidates: Sequence[Candidate], place: StudyPlaces
) -> Iterator[Problem]:
    """Customs territories whose stocked demand no set of warehouses can hold.

    An error where that proves that there is no plan: all demand must be served, and none of it otherwise.
    """
    if spec.facilities is not None and spec.candidates is None:
        return
    serve, years = case.scenario.serve, sorted(case.networks)
    may_stay = serve.allow_unserved or serve.unserved_cny_per_t is not None or spec.channels is not None
    severity: Severity = "warning" if may_stay else "error"
    for number, year in enumerate(years):
        network = case.networks[year]
        territory = {str(r["site_id"]): str(r["customs_territory"]) for r in network.rows("sites")}
        asked = stocked_by_territory(network)
        room: dict[str, float] = {}
        for site, tonnes in _most_room(spec, candidates, network, years[: number + 1]):
            room[territory[site]] = room.get(territory[site], 0.0) + tonnes
        for name in sorted(asked):
            held = room.get(name, 0.0)
            if asked[name] - held > 1e-6 * asked[name]:
                found = f"{shown_tonnes(asked[name] - held)} / {shown_tonnes(asked[name])}"
                where, subject = place.at("candidates"), f"{name} {year}"
                yield Problem("siting.capacity", where, found, shown_tonnes(held), subject, severity=severity)


def _most_room(
    spec: SitingSpec, candidates: Sequence[Candidate], network: Network, years: Sequence[int]
) -> Iterator[tuple[str, float]]:
    """Sites with tonnes that their warehouses can hold at most in the last of some years.

    What exists, and each candidate, or of each site the one that then holds most.
    """
    year = years[-1]
    may_be_open = {str(row["site_id"]) for row in network.rows("sites") if row["status"] == "existing"}
    may_be_open |= {one.site_id for one in candidates if one.may_open(year)}
    for row in network.rows(WAREHOUSES):
        in_use = row["status"] == "existing" and (row["opening_year"] or year) <= year
        if in_use and str(row["site_id"]) in may_be_open:
            yield str(row["site_id"]), float(row["capacity_t_per_year"])
    new: dict[str, list[float]] = {}
    for one in candidates:
        if not one.is_facility and not one.exists and one.may_open(year):
            # It is past its first year if it could be opened before.
            starts = not any(one.may_open(before) for before in years[:-1])
            new.setdefault(one.site_id, []).append(one.capacity_t(first=starts))
    for site, tonnes in new.items():
        yield site, max(tonnes) if spec.one_per_site else sum(tonnes)


def shown_tonnes(tonnes: float) -> str:
    """Tonnes as problems show them."""
    return f"{tonnes:,.0f} t" if tonnes >= 10 else f"{tonnes:.3g} t"
