"""What is wrong with the settings of a siting study on its networks."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence

import numpy as np
import pyarrow as pa

from logistics.errors import Problem, Severity, Where, did_you_mean, stop_on_errors
from logistics.network.network import Network
from logistics.network.option_checks import OPEN_TO_CHOICE
from logistics.network.where import ConditionError, matching_rows
from logistics.scenario.case import Case
from logistics.studies.siting_candidates import WAREHOUSES, Candidate, candidate_table, candidates_of
from logistics.studies.siting_channels import with_channels
from logistics.studies.siting_spec import SitingSpec
from logistics.studies.study_places import StudyPlaces

IN_CNY = ("money", "generalised")
"""Objectives that the cost of warehouses can be added to."""
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


def siting_problems(case: Case, spec: SitingSpec) -> tuple[Problem, ...]:
    """Look for everything that is wrong with candidates and rules; returns warnings.

    Raises
    ------
    InputError
        With every problem.
    """
    place = StudyPlaces(case)
    networks = dict(sorted(case.networks.items()))
    first = next(iter(networks.values()))
    found: list[Problem] = []
    if case.scenario.objective not in IN_CNY:
        found.append(
            Problem("siting.objective", place.at("kind"), case.scenario.objective, ", ".join(IN_CNY))
        )
    conditions = list(_condition_problems(spec, first, place))
    found += conditions
    found += _year_problems(spec, tuple(networks), place)
    found += _closure_problems(spec, first, place)
    found += _twice_named(first, place)
    if not conditions:
        candidates = candidates_of(first, spec.candidates, spec.closable, spec.facilities)
        found += _candidate_problems(spec, candidates, tuple(networks), candidate_table(first), place)
        found += _at_no_site(candidates, networks.values())
        found += _ties(spec, candidates, networks)
        found += _capacity_problems(case, spec, candidates, place)
        found += _sales_problems(case, spec, first, place)
    stop_on_errors(found)
    return tuple(found)


def _sales_problems(case: Case, spec: SitingSpec, network: Network, place: StudyPlaces) -> Iterator[Problem]:
    """Settings that do not go together: one source and facilities, free channels and limits on a part."""
    if spec.single_source and spec.facilities is not None:
        yield Problem("siting.source_facilities", place.at("single_source"), "single_source", "facilities")
    if spec.channels is None:
        return
    if not with_channels(network, spec.channels)[1]:
        yield Problem("siting.no_channels", place.at("channels"), spec.channels, severity="warning")
    for limit in case.scenario.limits:
        if limit.where or limit.kind == "promise_share" or (limit.kind == "load" and limit.least):
            yield Problem("siting.channels_limit", place.at("channels"), limit.id, subject=limit.place)


def _condition_problems(spec: SitingSpec, network: Network, place: StudyPlaces) -> Iterator[Problem]:
    table = candidate_table(network)
    named: list[tuple[Where, str | None]] = [
        (place.at("candidates"), spec.candidates),
        (place.at("closable"), spec.closable),
        (place.at("facilities"), spec.facilities),
    ]
    named += [(place.at("counts", i, "where"), count.where) for i, count in enumerate(spec.counts)]
    named += [(place.at("budgets", i, "where"), budget.where) for i, budget in enumerate(spec.budgets)]
    conditions = [(where, table, condition) for where, condition in named]
    conditions.append((place.at("channels"), network.tables["demand"], spec.channels))
    for where, asked_of, condition in conditions:
        try:
            matching_rows(asked_of, condition)
        except ConditionError as error:
            hint = did_you_mean(error.found, error.choices)
            code = f"condition.{error.reason}"
            yield Problem(code, where, error.found, ", ".join(error.choices), remedy=hint)


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


def _year_problems(spec: SitingSpec, years: tuple[int, ...], place: StudyPlaces) -> Iterator[Problem]:
    for number, budget in enumerate(spec.budgets):
        for year in budget.cny:
            if year not in years:
                allowed = ", ".join(map(str, years))
                yield Problem("portfolio.no_year", place.at("budgets", number), str(year), allowed)


def _closure_problems(spec: SitingSpec, network: Network, place: StudyPlaces) -> Iterator[Problem]:
    for number, closure in enumerate(spec.futures.closures):
        known = [str(name) for name in network.tables[closure.table].column(0).to_pylist()]
        if closure.id not in known:
            where = place.at("futures", "closures", number, "id")
            yield Problem(
                "change.no_row", where, closure.id, closure.table, remedy=did_you_mean(closure.id, known)
            )


def _candidate_problems(
    spec: SitingSpec,
    candidates: Sequence[Candidate],
    years: Sequence[int],
    table: pa.Table,
    place: StudyPlaces,
) -> Iterator[Problem]:
    """Too few candidates for what is asked of them, and money that does not pay for it."""
    if spec.closable is not None and not any(one.exists for one in candidates):
        where = place.at("closable")
        yield Problem("siting.nothing_closable", where, spec.closable, severity="warning")
    if not candidates:
        asked = "facilities" if spec.facilities is not None else "candidates"
        yield Problem("siting.no_candidates", place.at(asked), spec.facilities or spec.candidates or "")
        return
    new = [one for one in candidates if not one.exists]
    # What opens after the last year is never chosen.
    in_time = [one for one in new if one.may_open(max(years))]
    counted = [_meeting(in_time, table, count.where) for count in spec.counts]
    paid = [_meeting(new, table, budget.where) for budget in spec.budgets]
    yield from _count_problems(spec, counted, place)
    for number, most in enumerate(spec.sweep):
        if most > len(new):
            yield Problem("siting.too_few", place.at("sweep", number), str(most), str(len(new)))
    if all(one.number("capex_cny") > 0 for one in new):
        yield from _budget_problems(spec, paid, place)
    yield from _unpayable_counts(spec, counted, paid, years, place)


def _meeting(candidates: Iterable[Candidate], table: pa.Table, where: str | None) -> list[Candidate]:
    """Candidates that meet a condition."""
    ids = table["option_id"].to_pylist()
    named = {str(ids[i]) for i in matching_rows(table, where).tolist()}
    return [one for one in candidates if one.id in named]


def _count_problems(
    spec: SitingSpec, counted: Sequence[Sequence[Candidate]], place: StudyPlaces
) -> Iterator[Problem]:
    """Counts that ask for more than there are, allow more than there are, or rule one another out."""
    for number, count in enumerate(spec.counts):
        where, mine = place.at("counts", number), counted[number]
        if count.least is not None and count.most is not None and count.least > count.most:
            yield Problem("portfolio.least_most", where, str(count.least), str(count.most))
        can_open = len({one.site_id for one in mine}) if spec.one_per_site else len(mine)
        if count.least is not None and count.least > can_open:
            yield Problem("siting.too_few", where, str(count.least), str(can_open))
        if count.most is not None and count.most > can_open:
            found, allowed = str(count.most), str(can_open)
            yield Problem("siting.most_above", where, found, allowed, severity="warning")
        ids = {one.id for one in mine}
        for other, wider in enumerate(spec.counts):
            inside = mine and other != number and ids <= {one.id for one in counted[other]}
            if inside and count.least is not None and wider.most is not None and count.least > wider.most:
                subject = str(place.at("counts", other))
                yield Problem("siting.counts", where, str(count.least), str(wider.most), subject)


def _budget_problems(
    spec: SitingSpec, paid: Sequence[Sequence[Candidate]], place: StudyPlaces
) -> Iterator[Problem]:
    """Budgets that pay for none of the candidates."""
    for number, budget in enumerate(spec.budgets):
        cheapest = min(paid[number], key=lambda one: (one.number("capex_cny"), one.id), default=None)
        most_cny = max(budget.cny.values(), default=np.inf)
        if budget.total_cny is not None:
            most_cny = min(most_cny, budget.total_cny)
        if cheapest is not None and most_cny < cheapest.number("capex_cny"):
            allowed = f"{cheapest.id}: {_cny(cheapest.number('capex_cny'))}"
            yield Problem("siting.budget", place.at("budgets", number), _cny(most_cny), allowed)


def _unpayable_counts(
    spec: SitingSpec,
    counted: Sequence[Sequence[Candidate]],
    paid: Sequence[Sequence[Candidate]],
    years: Sequence[int],
    place: StudyPlaces,
) -> Iterator[Problem]:
    """Counts whose cheapest candidates cost more than a budget holds in all years together."""
    for number, budget in enumerate(spec.budgets):
        whole_cny = sum(cny for year, cny in budget.cny.items() if year in years)
        pays = {one.id for one in paid[number] if budget.cny.keys() >= _opening_years(spec, one, years)}
        if budget.total_cny is not None and (not pays or budget.total_cny < whole_cny):
            whole_cny, pays = budget.total_cny, {one.id for one in paid[number]}
        for other, count in enumerate(spec.counts):
            by_price = sorted(
                (one.number("capex_cny") if one.id in pays else 0.0, one.id, one.site_id)
                for one in counted[other]
            )
            at_place: dict[str, tuple[float, str]] = {}
            for price, name, site in by_price:
                at_place.setdefault(site if spec.one_per_site else name, (price, name))
            cheapest = list(at_place.values())[: count.least or 0]
            cost_cny = sum(price for price, _ in cheapest)
            if len(cheapest) == count.least and cost_cny > whole_cny * (1 + 1e-9):
                found = f"{' + '.join(name for _, name in cheapest)} = {_cny(cost_cny)}"
                where, subject = place.at("counts", other), str(place.at("budgets", number))
                yield Problem("siting.budget_counts", where, found, _cny(whole_cny), subject)


def _opening_years(spec: SitingSpec, one: Candidate, years: Sequence[int]) -> set[int]:
    """Years in which a candidate may open."""
    possible = [year for year in sorted(years) if one.may_open(year)]
    return set(possible[:1] if spec.opening == "first_year" else possible)


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
        asked: dict[str, float] = {}
        for row in network.rows("demand"):
            if row["segment"] == "stocked":
                name = territory[str(row["destination_site"])]
                asked[name] = asked.get(name, 0.0) + float(row["tonnes_per_year"])
        room: dict[str, float] = {}
        for site, tonnes in _most_room(spec, candidates, network, years[: number + 1]):
            room[territory[site]] = room.get(territory[site], 0.0) + tonnes
        for name in sorted(asked):
            held = room.get(name, 0.0)
            if asked[name] - held > 1e-6 * asked[name]:
                found = f"{_tonnes(asked[name] - held)} / {_tonnes(asked[name])}"
                where, subject = place.at("candidates"), f"{name} {year}"
                yield Problem("siting.capacity", where, found, _tonnes(held), subject, severity=severity)


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


def _cny(amount: float) -> str:
    return f"{amount:,.0f} CNY"


def _tonnes(tonnes: float) -> str:
    return f"{tonnes:,.0f} t" if tonnes >= 10 else f"{tonnes:.3g} t"
