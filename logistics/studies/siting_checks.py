"""What is wrong with the settings of a siting study on its networks."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from logistics.errors import Problem, Where, did_you_mean, stop_on_errors
from logistics.network.network import Network
from logistics.network.where import ConditionError, matching_rows
from logistics.scenario.case import Case
from logistics.studies.siting_candidates import Candidate, candidate_table, candidates_of
from logistics.studies.siting_spec import SitingSpec
from logistics.studies.study_places import StudyPlaces

IN_CNY = ("money", "generalised")
"""Objectives that the cost of warehouses can be added to."""


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
        found += _candidate_problems(spec, candidates, first, place)
        found += _capacity_problems(candidates, networks, place)
    stop_on_errors(found)
    return tuple(found)


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
    spec: SitingSpec, candidates: list[Candidate], network: Network, place: StudyPlaces
) -> Iterator[Problem]:
    """Too few candidates for what is asked of them, and budgets that pay for none."""
    new = [one for one in candidates if not one.exists]
    if not candidates:
        asked = "facilities" if spec.facilities is not None else "candidates"
        yield Problem("siting.no_candidates", place.at(asked), spec.facilities or spec.candidates or "")
        return
    table = candidate_table(network)
    ids = [str(name) for name in table["option_id"].to_pylist()]
    for number, count in enumerate(spec.counts):
        where = place.at("counts", number)
        if count.least is not None and count.most is not None and count.least > count.most:
            yield Problem("portfolio.least_most", where, str(count.least), str(count.most))
        named = {ids[i] for i in matching_rows(table, count.where).tolist()}
        mine = [one for one in new if one.id in named]
        most = len({one.site_id for one in mine}) if spec.one_per_site else len(mine)
        if count.least is not None and count.least > most:
            yield Problem("siting.too_few", where, str(count.least), str(most))
    for number, most in enumerate(spec.sweep):
        if most > len(new):
            yield Problem("siting.too_few", place.at("sweep", number), str(most), str(len(new)))
    free = any(one.number("capex_cny") == 0 for one in new)
    for number, budget in enumerate(spec.budgets):
        named = {ids[i] for i in matching_rows(table, budget.where).tolist()}
        paid = [one for one in new if one.id in named and one.number("capex_cny") > 0]
        cheapest = min(paid, key=lambda one: (one.number("capex_cny"), one.id), default=None)
        if cheapest is None or free:
            continue
        most_cny = max(budget.cny.values())
        if most_cny < cheapest.number("capex_cny"):
            allowed = f"{cheapest.id}: {cheapest.number('capex_cny'):,.0f} CNY"
            yield Problem("siting.budget", place.at("budgets", number), f"{most_cny:,.0f} CNY", allowed)


def _capacity_problems(
    candidates: list[Candidate], networks: Mapping[int, Network], place: StudyPlaces
) -> Iterator[Problem]:
    """Customs territories whose stocked demand no set of warehouses can hold."""
    for year, network in networks.items():
        territory = {str(r["site_id"]): str(r["customs_territory"]) for r in network.rows("sites")}
        demand: dict[str, float] = {}
        for row in network.rows("demand"):
            if row["segment"] == "stocked":
                name = territory[str(row["destination_site"])]
                demand[name] = demand.get(name, 0.0) + float(row["tonnes_per_year"])
        room: dict[str, float] = {}
        for row in network.rows("warehouse_options"):
            if row["status"] == "existing":
                name = territory[str(row["site_id"])]
                room[name] = room.get(name, 0.0) + float(row["capacity_t_per_year"])
        for one in candidates:
            if not one.exists and one.may_open(year):
                name = territory[one.site_id]
                room[name] = room.get(name, 0.0) + one.capacity_t(first=False)
        for name in sorted(demand):
            missing = demand[name] - room.get(name, 0.0)
            if missing > 1e-6 * demand[name] and room.get(name, 0.0) > 0:
                found, allowed = f"{demand[name]:,.0f} t", f"{room[name]:,.0f} t"
                yield Problem(
                    "siting.capacity",
                    place.at("candidates"),
                    found,
                    allowed,
                    f"{name} {year}",
                    severity="warning",
                )
