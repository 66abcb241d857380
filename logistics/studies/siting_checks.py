"""What is wrong with the settings of a siting study on its networks."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

import numpy as np
import pyarrow as pa

from logistics.errors import Problem, Severity, Where, did_you_mean, stop_on_errors
from logistics.network.network import Network
from logistics.network.where import ConditionError, matching_rows
from logistics.scenario.case import Case
from logistics.studies.siting_candidates import Candidate, candidate_table, candidates_of
from logistics.studies.siting_channels import with_channels
from logistics.studies.siting_option_checks import option_problems
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
    found += _future_problems(spec, first, place)
    if not conditions:
        candidates = candidates_of(first, spec.candidates, spec.closable, spec.facilities)
        found += _candidate_problems(spec, candidates, tuple(networks), candidate_table(first), place)
        found += option_problems(case, spec, candidates)
        found += _sales_problems(case, spec, first, place)
    found += _idle_settings(spec, place)
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


def _idle_settings(spec: SitingSpec, place: StudyPlaces) -> Iterator[Problem]:
    """Settings that change nothing."""
    if spec.within is not None and spec.alternatives == 0:
        yield Problem("siting.within_alone", place.at("within"), severity="warning")


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


def _year_problems(spec: SitingSpec, years: tuple[int, ...], place: StudyPlaces) -> Iterator[Problem]:
    for number, budget in enumerate(spec.budgets):
        for year in budget.cny:
            if year not in years:
                allowed = ", ".join(map(str, years))
                yield Problem("portfolio.no_year", place.at("budgets", number), str(year), allowed)


def _future_problems(spec: SitingSpec, network: Network, place: StudyPlaces) -> Iterator[Problem]:
    """Years without rates, and closures of what is not there."""
    told = sorted({int(year) for year in network.numbers("rate_levels", "year").tolist()})
    for number, year in enumerate(spec.futures.rates):
        if year not in told:
            where = place.at("futures", "rates", number)
            allowed = ", ".join(map(str, told))
            yield Problem("siting.no_rates", where, str(year), allowed, severity="warning")
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
    stay = _moves_that_stay(spec, candidates, table)
    if stay and (spec.candidates is not None or not candidates):
        found, allowed = ", ".join(stay), ", ".join(stay.values())
        severity: Severity = "warning" if candidates else "error"
        yield Problem("siting.moves_stay", place.at("candidates"), found, allowed, severity=severity)
    if not candidates and not stay:
        asked = "facilities" if spec.facilities is not None else "candidates"
        yield Problem("siting.no_candidates", place.at(asked), spec.facilities or spec.candidates or "")
    if not candidates:
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


def _moves_that_stay(spec: SitingSpec, candidates: Sequence[Candidate], table: pa.Table) -> dict[str, str]:
    """Moves that are asked for, with the warehouses that they would close and may not."""
    known = {one.id for one in candidates}
    rows = table.to_pylist()
    wanted = (
        matching_rows(table, spec.candidates).tolist() if spec.facilities is None or spec.candidates else []
    )
    return {
        str(row["option_id"]): str(row["moves_from"])
        for row in (rows[i] for i in wanted)
        if row["status"] == "option" and row.get("moves_from") and str(row["option_id"]) not in known
    }


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


def _cny(amount: float) -> str:
    return f"{amount:,.0f} CNY"
