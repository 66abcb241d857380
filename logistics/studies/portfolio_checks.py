"""What is wrong with the settings of a portfolio on its networks."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence

import pyarrow as pa

from logistics.errors import Problem, Where, did_you_mean
from logistics.network.network import Network
from logistics.network.tables import GATEWAY_KINDS
from logistics.network.where import ConditionError, matching_rows
from logistics.network.windows import OpeningHours, parse_windows
from logistics.proposals.entering import RouteOption, options_of
from logistics.proposals.proposal import Proposal
from logistics.scenario.case import Case
from logistics.studies.portfolio_choices import Option, units_table
from logistics.studies.portfolio_spec import Count, OtherOption, PortfolioSpec
from logistics.studies.study_places import StudyPlaces

IN_CNY = ("money", "generalised")
"""Objectives that the cost of options can be added to."""
HOURS = "Mon-Fri 08:30-17:30; Sat 09:00-12:00"
"""What opening hours look like."""


def portfolio_problems(
    case: Case,
    spec: PortfolioSpec,
    proposals: Sequence[Proposal] | None,
    left_out: Iterable[str] = (),
) -> list[Problem]:
    """Everything that is wrong with options and rules.

    Parameters
    ----------
    case
        Its networks may have the proposals entered.
    proposals
        None: they could not be read, so that nothing can be said of names.
    left_out
        Ids of proposals that cannot be evaluated; rules may name them.
    """
    place = StudyPlaces(case)
    networks = dict(sorted(case.networks.items()))
    found: list[Problem] = []
    if case.scenario.objective not in IN_CNY:
        kinds = ", ".join(IN_CNY)
        found.append(Problem("portfolio.objective", place.at("kind"), case.scenario.objective, kinds))
    for number, option in enumerate(spec.options):
        found += _option_problems(option, networks, place.at("options", number))
    found += _year_problems(spec, tuple(networks), place)
    for number, count in enumerate(spec.counts):
        if count.least is not None and count.most is not None and count.least > count.most:
            where = place.at("counts", number)
            found.append(Problem("portfolio.least_most", where, str(count.least), str(count.most)))
    if proposals is not None:
        found += _new_site_problems(proposals)
        units: dict[str, Option] = {p.id: RouteOption(p, p.levels[0]) for p in proposals}
        units |= {option.id: option for option in spec.options}
        found += _doubled(spec.options, proposals, place)
        found += _named_wrongly(spec, [*units, *left_out], place)
        table, services = units_table(units), next(iter(networks.values())).tables["services"]
        for number, count in enumerate(spec.counts):
            found += _condition_problems(count, table, services, number, place)
    return found


def _option_problems(option: OtherOption, networks: Mapping[int, Network], where: Where) -> Iterator[Problem]:
    """Sites that are not there or have nothing to expand, and hours that cannot be read or are no gain."""
    sites = {year: {str(row["site_id"]): row for row in n.rows("sites")} for year, n in networks.items()}
    known = next(iter(sites.values()))
    named = [option.expand.site] if option.expand else []
    named += option.clearance_window.sites if option.clearance_window else []
    missing = [site for site in named if site not in known]
    for site in missing:
        yield Problem("change.no_row", where, site, "sites", remedy=did_you_mean(site, list(known)))
    if option.expand is not None and not missing:
        site = option.expand.site
        if any(rows[site]["throughput_t_per_year"] is None for rows in sites.values()):
            yield Problem("portfolio.no_throughput", where, site)
    if option.clearance_window is None:
        return
    text = option.clearance_window.open
    try:
        hours = parse_windows(text)
    except ValueError:
        yield Problem("table.windows", where, text, HOURS, "open")
        return
    for site in (name for name in named if name not in missing):
        today = {str(rows[site]["clearance_open"]) or "always" for rows in sites.values()}
        for now in sorted(today):
            if not _holds(hours, parse_windows(now)):
                yield Problem("portfolio.hours", where, text, now, site)


def _holds(hours: OpeningHours, others: OpeningHours) -> bool:
    """Whether it is open whenever the others are."""
    return all(
        any(start <= opens and closes <= end for start, end in hours.intervals)
        for opens, closes in others.intervals
    )


def _year_problems(spec: PortfolioSpec, years: tuple[int, ...], place: StudyPlaces) -> Iterator[Problem]:
    """Years of rules that the scenario has not."""
    allowed = ", ".join(map(str, years))
    for name, rules in (
        ("budgets", [list(budget.cny) for budget in spec.budgets]),
        ("counts", [count.years or [] for count in spec.counts]),
    ):
        for number, named in enumerate(rules):
            for year in named:
                if year not in years:
                    yield Problem("portfolio.no_year", place.at(name, number), str(year), allowed)


def _new_site_problems(proposals: Iterable[Proposal]) -> Iterator[Problem]:
    """New sites that cargo could use without any of the routes that bring them."""
    for proposal in proposals:
        for row in proposal.sites:
            if row["kind"] not in GATEWAY_KINDS:
                kinds = ", ".join(GATEWAY_KINDS)
                yield Problem("portfolio.new_site", proposal.where, str(row["site_id"]), kinds)


def _doubled(
    options: Sequence[OtherOption], proposals: Iterable[Proposal], place: StudyPlaces
) -> Iterator[Problem]:
    """Options that are called like a proposal, or like an option before."""
    seen = {proposal.id.lower(): str(proposal.where) for proposal in proposals}
    seen |= {route.id.lower(): str(route.proposal.where) for route in options_of(proposals)}
    for number, option in enumerate(options):
        where = place.at("options", number)
        if option.id.lower() in seen:
            yield Problem("proposal.duplicate", where, option.id, seen[option.id.lower()])
        seen.setdefault(option.id.lower(), str(where))


def rules_of_nothing(case: Case, spec: PortfolioSpec, proposals: Sequence[Proposal]) -> list[Problem]:
    """Warnings of counts whose condition no proposal and no option meets."""
    place, found = StudyPlaces(case), []
    units: dict[str, Option] = {p.id: RouteOption(p, p.levels[0]) for p in proposals}
    table = units_table(units | {option.id: option for option in spec.options})
    for number, count in enumerate(spec.counts):
        if count.where is not None and len(matching_rows(table, count.where)) == 0:
            where = place.at("counts", number, "where")
            found.append(Problem("portfolio.count_of_none", where, count.where, severity="warning"))
    return found


def _named_wrongly(spec: PortfolioSpec, units: list[str], place: StudyPlaces) -> Iterator[Problem]:
    """Names in exclusions and prerequisites that are no proposal and no option, or stand twice in one."""
    for name, lists in (("exclusions", spec.exclusions), ("prerequisites", spec.prerequisites)):
        for number, ids in enumerate(lists):
            for unit in sorted({unit for unit in ids if ids.count(unit) > 1}):
                yield Problem("portfolio.named_twice", place.at(name, number), unit)
            for unit in dict.fromkeys(ids):
                if unit not in units:
                    hint = did_you_mean(unit, units)
                    yield Problem("portfolio.no_option", place.at(name, number), unit, remedy=hint)


def _condition_problems(
    count: Count, units: pa.Table, services: pa.Table, number: int, place: StudyPlaces
) -> Iterator[Problem]:
    """Conditions of a count that cannot be used."""
    for name, condition, table in (("where", count.where, units), ("existing", count.existing, services)):
        try:
            matching_rows(table, condition)
        except ConditionError as error:
            hint = did_you_mean(error.found, error.choices)
            where = place.at("counts", number, name)
            code = f"condition.{error.reason}"
            yield Problem(code, where, error.found, ", ".join(error.choices), remedy=hint)
