"""What a portfolio decides: which option runs in which year, and the rules on that."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import pyarrow as pa

from logistics.models.design.problem import SideRows
from logistics.network.network import Network
from logistics.network.where import matching_rows
from logistics.proposals.entering import RouteOption, subsidy_share
from logistics.proposals.proposal import Proposal, ProposedService
from logistics.studies.portfolio_spec import OtherOption, PortfolioSpec
from logistics.studies.route_accounts import annuity_factor, capacity_t

Option = RouteOption | OtherOption


@dataclass(frozen=True)
class Choice:
    """An option in a year; what a portfolio says yes or no to."""

    option: Option
    year: int

    @property
    def unit_id(self) -> str:
        """The proposal, or the other option: of a unit at most one level runs."""
        return self.option.proposal.id if isinstance(self.option, RouteOption) else self.option.id

    @property
    def id(self) -> str:
        """Option and year."""
        return f"{self.option.id}@{self.year}"


@dataclass(frozen=True)
class YearMoney:
    """What a choice costs in its year, CNY.

    Parameters
    ----------
    running
        Departures and fixed cost, less what other cargo pays.
    gross_running
        Departures and fixed cost.
    annuity
        Of the investment.
    investment
        Whole, paid in the year of opening.
    subsidy
        For departures.
    """

    running: float
    gross_running: float
    annuity: float
    investment: float
    subsidy: float

    @property
    def cost(self) -> float:
        """What a year of running costs in the objective."""
        return self.running + self.annuity


def money_of(choice: Choice, discount_rate: float) -> YearMoney:
    """Cost of a choice in its year."""
    option = choice.option
    if isinstance(option, OtherOption):
        annuity = option.capex_cny * annuity_factor(discount_rate, option.life_years)
        running = option.cost_cny_per_year
        return YearMoney(running, running, annuity, option.capex_cny, 0.0)
    proposal = option.proposal
    runs = max(option.departures_a_year(service) for service in proposal.services)
    gross = proposal.cost_cny_per_departure * runs + proposal.fixed_cny_per_year
    background = sum(
        s.background_t_per_departure * s.background_cny_per_t * option.departures_a_year(s)
        for s in proposal.services
    )
    return YearMoney(
        running=gross - background,
        gross_running=gross,
        annuity=proposal.capex_cny * annuity_factor(discount_rate, proposal.life_years),
        investment=proposal.capex_cny,
        subsidy=proposal.subsidy_cny_per_departure * subsidy_share(proposal, choice.year) * runs,
    )


def load_factor(option: RouteOption, leg_t: float) -> float:
    """Mean load factor over all legs of a route, other cargo included.

    Parameters
    ----------
    leg_t
        Tonnes a year on its legs, summed over legs.
    """
    room = capacity_t(option)
    whole = other = 0.0
    for service in option.proposal.services:
        legs = len(service.stops) - 1
        whole += legs * room[option.service_id(service)]
        other += legs * service.background_t_per_departure * option.departures_a_year(service)
    return (leg_t + other) / whole


def without_fares(proposal: Proposal) -> Proposal:
    """The proposal with rides that cost their shipper nothing: its running cost is counted instead."""

    def free(service: ProposedService) -> ProposedService:
        fares = {"tariff_spot": 0.0, "tariff_contract": None, "contract_share": 0.0, "tariff_per_item": 0.0}
        return replace(service, row={**service.row, **fares, "subsidy_cny_per_t": 0.0})

    return replace(proposal, services=tuple(free(service) for service in proposal.services))


def choices_of(routes: Mapping[int, Sequence[RouteOption]], others: Sequence[OtherOption]) -> list[Choice]:
    """Every option in every year it may run, in the order of years, routes, others.

    Parameters
    ----------
    routes
        By year, at the rates of the year.
    """
    found = []
    for year, options in routes.items():
        found += [Choice(option, year) for option in options if option.may_run(year)]
        found += [
            Choice(option, year)
            for option in others
            if option.opening_year is None or option.opening_year <= year
        ]
    return found


@dataclass
class _Rows:
    """Rows while they are collected."""

    ids: list[str]
    entries: list[tuple[int, int, float]]
    lower: list[float]
    upper: list[float]

    def add(self, name: str, terms: Iterable[tuple[int, float]], lower: float, upper: float) -> None:
        number = len(self.ids)
        self.entries += [(number, choice, value) for choice, value in terms]
        self.ids.append(name)
        self.lower.append(lower)
        self.upper.append(upper)

    def side_rows(self) -> SideRows:
        row, option, value = zip(*self.entries, strict=True) if self.entries else ((), (), ())
        return SideRows(
            tuple(self.ids),
            np.array(row, dtype=np.int32),
            np.array(option, dtype=np.int32),
            np.array(value, dtype=float),
            np.array(self.lower, dtype=float),
            np.array(self.upper, dtype=float),
        )


class Rulebook:
    """Rules of a portfolio as rows on its choices.

    Parameters
    ----------
    spec
        The settings.
    choices
        What is decided.
    networks
        Network by year, with the proposals entered.
    """

    def __init__(self, spec: PortfolioSpec, choices: Sequence[Choice], networks: dict[int, Network]) -> None:
        self._spec, self._choices, self._networks = spec, choices, networks
        self._years = sorted(networks)
        self._money = [money_of(choice, spec.discount_rate) for choice in choices]

    def rows(self, budget_factor: float = 1.0) -> SideRows:
        """All rules, with budgets times a factor."""
        rows = _Rows([], [], [], [])
        self._levels(rows)
        self._hours(rows)
        self._order(rows)
        self._budgets(rows, budget_factor)
        self._counts(rows)
        self._airports(rows)
        self._logic(rows)
        return rows.side_rows()

    def _in_year(self, year: int, fits: Callable[[Choice], bool] = lambda _: True) -> list[int]:
        return [i for i, c in enumerate(self._choices) if c.year == year and fits(c)]

    def _units(self, year: int) -> dict[str, list[int]]:
        found: dict[str, list[int]] = {}
        for i in self._in_year(year):
            found.setdefault(self._choices[i].unit_id, []).append(i)
        return found

    def _levels(self, rows: _Rows) -> None:
        """Of each unit at most one level runs, and of each pair of airports one unit."""
        for year in self._years:
            home = home_airports(self._networks[year])
            groups: dict[str, list[int]] = {}
            for i in self._in_year(year):
                pairs = pairs_of(self._choices[i].option, home)
                group = f"{pairs[0][0]}-{pairs[0][1]}" if pairs else self._choices[i].unit_id
                groups.setdefault(group, []).append(i)
            for group, members in groups.items():
                if len(members) > 1:
                    rows.add(f"levels {group} {year}", [(i, 1.0) for i in members], -np.inf, 1.0)

    def _hours(self, rows: _Rows) -> None:
        """A site has one set of opening hours."""
        for year in self._years:
            by_site: dict[str, list[int]] = {}
            for i in self._in_year(year):
                option = self._choices[i].option
                window = option.clearance_window if isinstance(option, OtherOption) else None
                for site in dict.fromkeys(window.sites if window else ()):
                    by_site.setdefault(site, []).append(i)
            for site, members in by_site.items():
                if len(members) > 1:
                    rows.add(f"hours {site} {year}", [(i, 1.0) for i in members], -np.inf, 1.0)

    def _order(self, rows: _Rows) -> None:
        """Once open stays open, at whatever level."""
        for year, following in zip(self._years, self._years[1:], strict=False):
            later = self._units(following)
            for unit, members in self._units(year).items():
                terms = [(i, 1.0) for i in members] + [(i, -1.0) for i in later.get(unit, ())]
                rows.add(f"stays open {unit} {following}", terms, -np.inf, 0.0)

    def _budgets(self, rows: _Rows, factor: float) -> None:
        for budget in self._spec.budgets:
            for year, cny in budget.cny.items():
                if year not in self._networks:
                    continue
                terms = self._spent(budget.counts, year)
                # In millions: rows of side rules are of the size of counts.
                scaled = [(i, value / 1e6) for i, value in terms if value]
                rows.add(f"budget {budget.counts} {year}", scaled, -np.inf, factor * cny / 1e6)

    def _spent(self, counts: str, year: int) -> list[tuple[int, float]]:
        """What each choice spends of a budget; an investment is made in the year of opening only."""
        mine = self._in_year(year)
        if counts == "subsidy":
            return [(i, self._money[i].subsidy) for i in mine]
        if counts == "running":
            return [(i, self._money[i].gross_running) for i in mine]
        before = [y for y in self._years if y < year]
        terms = [(i, self._money[i].investment) for i in mine]
        if before:
            terms += [(i, -self._money[i].investment) for i in self._in_year(before[-1])]
        return terms

    def _counts(self, rows: _Rows) -> None:
        for number, count in enumerate(self._spec.counts, 1):
            fits = self._fitting(count.where)
            for year in count.years or self._years:
                network = self._networks[year]
                home = home_airports(network)
                there = counted_pairs(network, count.existing) if count.existing else set()
                # A pair that counts already is not counted again.
                terms = [
                    (i, 1.0)
                    for i in self._in_year(year)
                    if self._choices[i].unit_id in fits
                    and there.isdisjoint(pairs_of(self._choices[i].option, home))
                ]
                least = -np.inf if count.least is None else float(count.least - len(there))
                most = np.inf if count.most is None else float(count.most - len(there))
                rows.add(f"count {number} {year}", terms, least, most)

    def _fitting(self, where: str | None) -> set[str]:
        """Units that meet a condition on what proposals are."""
        units = {choice.unit_id: choice.option for choice in self._choices}
        table = units_table(units)
        rows = range(table.num_rows) if where is None else matching_rows(table, where).tolist()
        names = table["proposal_id"].to_pylist()
        return {names[row] for row in rows}

    def _airports(self, rows: _Rows) -> None:
        """At most so many airports of the home province serve a destination."""
        most = self._spec.most_airports_per_destination
        if most is None:
            return
        for year in self._years:
            network = self._networks[year]
            home = home_airports(network)
            serving: dict[str, set[str]] = {}
            for start, end in counted_pairs(network, "mode == 'air'"):
                serving.setdefault(end, set()).add(start)
            proposed: dict[str, dict[str, list[int]]] = {}
            for i in self._in_year(year, lambda c: isinstance(c.option, RouteOption)):
                for start, end in pairs_of(self._choices[i].option, home):
                    proposed.setdefault(end, {}).setdefault(start, []).append(i)
            for end, by_airport in proposed.items():
                new = {a: members for a, members in by_airport.items() if a not in serving.get(end, ())}
                free = max(0, most - len(serving.get(end, ())))
                terms = [(i, 1.0) for members in new.values() for i in members]
                if len(new) > free:
                    rows.add(f"airports to {end} {year}", terms, -np.inf, float(free))

    def _logic(self, rows: _Rows) -> None:
        for number, names in enumerate(self._spec.exclusions, 1):
            for year in self._years:
                terms = [(i, 1.0) for i in self._in_year(year, lambda c, n=names: c.unit_id in n)]  # type: ignore[misc]
                rows.add(f"exclusion {number} {year}", terms, -np.inf, 1.0)
        for number, (needy, needed) in enumerate(self._spec.prerequisites, 1):
            for year in self._years:
                units = self._units(year)
                terms = [(i, 1.0) for i in units.get(needy, ())]
                terms += [(i, -1.0) for i in units.get(needed, ())]
                if units.get(needy):
                    rows.add(f"prerequisite {number} {year}", terms, -np.inf, 0.0)


UNITS = pa.schema(
    [
        ("proposal_id", pa.string()),
        ("mode", pa.string()),
        ("service_class", pa.string()),
        ("from_site", pa.string()),
        ("to_site", pa.string()),
        ("capex_cny", pa.float64()),
    ]
)
"""What conditions on proposals can name; the mode of other options is ``expansion`` or ``clearance``."""


def units_table(units: dict[str, Option]) -> pa.Table:
    """What units are, see :data:`UNITS`."""
    rows = []
    for name, option in units.items():
        if isinstance(option, RouteOption):
            service = option.proposal.services[0]
            rows.append(
                {
                    "proposal_id": name,
                    "mode": option.proposal.mode,
                    "service_class": str(service.row.get("service_class", "")),
                    "from_site": str(service.stops[0]["site_id"]),
                    "to_site": str(service.stops[-1]["site_id"]),
                    "capex_cny": option.proposal.capex_cny,
                }
            )
        else:
            kind = "expansion" if option.expand is not None else "clearance"
            rows.append(
                {"proposal_id": name, "mode": kind, "service_class": "", "from_site": "", "to_site": ""}
                | {"capex_cny": option.capex_cny}
            )
    return pa.Table.from_pylist(rows, UNITS)


def home_airports(network: Network) -> set[str]:
    """Airports of the home province."""
    return {
        str(row["site_id"])
        for row in network.rows("sites")
        if row["kind"] == "airport" and row["province"] == network.info.home_province
    }


def pairs_of(option: Option, home: set[str]) -> list[tuple[str, str]]:
    """(home airport, destination) that an air route joins; empty for what is no such route."""
    if not isinstance(option, RouteOption) or option.proposal.mode != "air":
        return []
    stops = [str(stop["site_id"]) for stop in option.proposal.services[0].stops]
    ends = (stops[0], stops[-1]) if stops[0] in home else (stops[-1], stops[0])
    return [ends] if ends[0] in home and ends[1] not in home else []


def counted_pairs(network: Network, where: str) -> set[tuple[str, str]]:
    """(home airport, destination abroad) joined by services in use that meet a condition."""
    home = home_airports(network)
    territory = {str(r["site_id"]): str(r["customs_territory"]) for r in network.rows("sites")}
    services = network.tables["services"]
    names = services["service_id"].to_pylist()
    status = services["status"].to_pylist()
    fitting = {names[i] for i in matching_rows(services, where).tolist() if status[i] == "existing"}
    stops: dict[str, list[tuple[float, str]]] = {}
    for row in network.rows("service_stops"):
        if row["service_id"] in fitting:
            stops.setdefault(str(row["service_id"]), []).append((float(row["seq"]), str(row["site_id"])))
    found = set()
    for calls in stops.values():
        ends = [site for _, site in sorted(calls)]
        start, end = (ends[0], ends[-1]) if ends[0] in home else (ends[-1], ends[0])
        if start in home and territory[end] != network.info.home_territory:
            found.add((start, end))
    return found
