"""A portfolio as tables: what is chosen when and what it is worth, years, other plans, airports' roles."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from logistics.network.network import Network
from logistics.proposals.entering import RouteOption, entered, opened, options_of
from logistics.proposals.proposal import Proposal
from logistics.proposals.rates import YearRates
from logistics.studies.accessibility import accessibility_table
from logistics.studies.airport_roles import airport_role_table, overlap_index
from logistics.studies.portfolio_choices import Choice, Option, load_factor
from logistics.studies.portfolio_spec import PortfolioSpec
from logistics.studies.route_flows import FlowReader
from logistics.studies.targets import PlannedYear, target_board
from logistics.studies.typed_rows import table_of
from logistics.studies.year_flow import YearOutcome

if TYPE_CHECKING:
    from logistics.models.design.problem import DesignAnswer
    from logistics.studies.portfolio_problem import PortfolioYears
    from logistics.studies.portfolio_search import Found
    from logistics.studies.portfolio_worth import Interval

PORTFOLIO = pa.schema(
    [
        ("year", pa.int32()),
        ("option_id", pa.string()),
        ("unit_id", pa.string()),
        ("name_en", pa.string()),
        ("name_zh", pa.string()),
        ("mode", pa.string()),
        ("from_site", pa.string()),
        ("to_site", pa.string()),
        ("departures_per_week", pa.float64()),
        ("opens", pa.bool_()),
        ("running_cny", pa.float64()),
        ("annuity_cny", pa.float64()),
        ("investment_cny", pa.float64()),
        ("subsidy_cny", pa.float64()),
        ("tonnes", pa.float64()),
        ("load_factor", pa.float64()),
        ("fares_cny", pa.float64()),
        ("operator_cny", pa.float64()),
        ("value_low_cny", pa.float64()),
        ("value_high_cny", pa.float64()),
        ("value_sign", pa.string()),
        ("verified", pa.bool_()),
        ("plan_id", pa.string()),
    ]
)
"""One row an option and year of the chosen plan. `running_cny`: departures and fixed cost less what other
cargo pays; the investment is paid in the year in which the option `opens`. `fares_cny`: what its cargo would
pay at the proposed tariffs, `operator_cny` the operator's account with them. The value of a unit is over all
years, discounted: what the best plan without it costs more, between low and high; sign ``unknown`` where 0 is
between."""
YEARS = pa.schema(
    [
        ("year", pa.int32()),
        ("plan_id", pa.string()),
        ("discount_factor", pa.float64()),
        ("objective_before", pa.float64()),
        ("objective_after", pa.float64()),
        ("saved_cny", pa.float64()),
        ("running_cny", pa.float64()),
        ("annuity_cny", pa.float64()),
        ("net_benefit_cny", pa.float64()),
        ("newly_served_t", pa.float64()),
        ("investment_cny", pa.float64()),
        ("subsidy_cny", pa.float64()),
        ("options", pa.int32()),
        ("routes", pa.int32()),
        ("overlap_before", pa.float64()),
        ("overlap_after", pa.float64()),
        ("verified", pa.bool_()),
    ]
)
"""One row a year of the chosen plan: what the flow saves against the year without options, what the options
cost, and how much the province's airports overlap. Where the plan serves more than can be served without
options, at no price of unserved demand, `objective_after` is that of the search, with no more tonnes served
than before; as it is no plan's own, `verified` is false then."""
PLANS = pa.schema(
    [
        ("plan", pa.string()),
        ("budget_factor", pa.float64()),
        ("status", pa.string()),
        ("value", pa.float64()),
        ("bound", pa.float64()),
        ("gap", pa.float64()),
        ("bound_by", pa.string()),
        ("benefit_cny", pa.float64()),
        ("benefit_at_most_cny", pa.float64()),
        ("options", pa.int32()),
        ("added", pa.string()),
        ("dropped", pa.string()),
        ("too_empty", pa.string()),
    ]
)
"""The best plan, alternatives and plans under other budgets, over all years, discounted. `benefit_cny`:
against doing nothing; no plan has more than `benefit_at_most_cny`. `added`, `dropped`: options of the last
year against the best plan. `too_empty`: routes below the least load factor where no plan was found without
such."""
OUTSIDE = pa.schema(
    [
        ("unit_id", pa.string()),
        ("value_low_cny", pa.float64()),
        ("value_high_cny", pa.float64()),
        ("value_sign", pa.string()),
    ]
)
"""Options that were left out and tried: what the plan would gain by taking one in, the best first."""
NEGLIGIBLE = 1e-6
"""Share of the demand that counts as nothing."""


@dataclass(frozen=True)
class Portfolio:
    """A chosen portfolio and what was found around it.

    Parameters
    ----------
    proposals
        As they were proposed, fares included.
    without
        Weighted objective of all years without any option.
    """

    spec: PortfolioSpec
    proposals: tuple[Proposal, ...]
    choices: Sequence[Choice]
    years: PortfolioYears
    best: Found
    without: float
    values: Mapping[str, Interval] = field(default_factory=dict)
    outside: Mapping[str, Interval] = field(default_factory=dict)
    alternatives: tuple[Found, ...] = ()
    frontier: Mapping[float, Found] = field(default_factory=dict)

    def open_in(self, year: int, answer: DesignAnswer | None = None) -> list[Option]:
        """Options of a plan that run in a year; of the best plan unless another is given."""
        is_open = (answer or self.best.answer).open
        return [
            choice.option
            for choice, chosen in zip(self.choices, is_open, strict=True)
            if chosen and choice.year == year
        ]


def tables_of_portfolio(
    portfolio: Portfolio,
    base: Mapping[int, YearOutcome],
    planned: Mapping[int, YearOutcome],
    plain: Mapping[int, Network],
) -> dict[str, pa.Table]:
    """Tables of a portfolio.

    Parameters
    ----------
    base, planned
        Years without options, and those of the chosen plan; empty where there is none.
    plain
        Networks without proposals.
    """
    tables = {
        "portfolio": table_of(_option_rows(portfolio, planned, plain), PORTFOLIO),
        "portfolio_years": table_of(_year_rows(portfolio, base, planned), YEARS),
        "portfolio_plans": table_of(_plan_rows(portfolio, max(base)), PLANS),
        "portfolio_outside": table_of(
            [(unit, _finite(v.low), _finite(v.high), v.sign) for unit, v in portfolio.outside.items()],
            OUTSIDE,
        ),
    }
    roles = []
    for year, outcome in planned.items():
        for when, network in (("before", base[year].question.network), ("after", outcome.question.network)):
            table = airport_role_table(network, year)
            roles.append(table.append_column("when", pa.array([when] * table.num_rows, pa.string())))
    board = target_board([PlannedYear.of(each, plan_name(year)) for year, each in planned.items()])
    before = target_board([PlannedYear.of(outcome) for outcome in base.values()])
    if board.num_rows:
        tables["targets"] = pa.concat_tables([before, board])
    if roles:
        tables["airport_roles"] = pa.concat_tables(roles)
        tables["accessibility"] = pa.concat_tables(
            accessibility_table({"before": base[year], "after": outcome}) for year, outcome in planned.items()
        )
    return tables


def plan_name(year: int) -> str:
    """What the chosen plan of a year is called."""
    return f"{year}-portfolio"


def _finite(value: float) -> float | None:
    return value if abs(value) < float("inf") else None


def _option_rows(
    portfolio: Portfolio, planned: Mapping[int, YearOutcome], plain: Mapping[int, Network]
) -> list[tuple[Any, ...]]:
    rows: list[tuple[Any, ...]] = []
    names = {p.id: p for p in portfolio.proposals}
    before: set[str] = set()
    for year, outcome in planned.items():
        fares, tonnes = _carried(portfolio, outcome, plain[year])
        now = set()
        for choice, money, chosen in zip(
            portfolio.choices, portfolio.years.money, portfolio.best.answer.open, strict=True
        ):
            if not chosen or choice.year != year:
                continue
            now.add(choice.unit_id)
            option = choice.option
            is_route = isinstance(option, RouteOption)
            if isinstance(option, RouteOption):
                proposal = names[choice.unit_id]
                first = proposal.services[0]
                shown = (proposal.name_en, proposal.name_zh, proposal.mode)
                ends = (str(first.stops[0]["site_id"]), str(first.stops[-1]["site_id"]))
                names_of = option.service_ids
                carried = sum(tonnes.get(name, 0.0) for name in names_of)
                load, paid = load_factor(option, carried), sum(fares.get(name, 0.0) for name in names_of)
            else:
                name = option.name
                shown = (name.en if name else option.id, name.zh if name else option.id, "")
                ends, carried, load, paid = ("", ""), None, None, None
            value = portfolio.values.get(choice.unit_id)
            rows.append(
                (
                    year,
                    option.id,
                    choice.unit_id,
                    *shown,
                    *ends,
                    option.departures_per_week if isinstance(option, RouteOption) else None,
                    choice.unit_id not in before,
                    money.running,
                    money.annuity,
                    money.investment if choice.unit_id not in before else 0.0,
                    money.subsidy,
                    carried,
                    load,
                    paid,
                    (paid or 0.0) + money.subsidy - money.cost if is_route else None,
                    _finite(value.low) if value else None,
                    _finite(value.high) if value else None,
                    value.sign if value else None,
                    _holds(outcome),
                    plan_name(year),
                )
            )
        before = now
    return rows


def _carried(
    portfolio: Portfolio, outcome: YearOutcome, plain: Network
) -> tuple[Mapping[str, float], Mapping[str, float]]:
    """Fares at the proposed tariffs, and tonnes summed over legs, of each service of the chosen plan."""
    options = [o for o in portfolio.open_in(outcome.year) if isinstance(o, RouteOption)]
    if not options:
        return {}, {}
    chosen = {option.id for option in options}
    rated = YearRates(plain, outcome.year).of_all(portfolio.proposals)
    offered = [option for option in options_of(rated) if option.id in chosen]
    network = opened(entered(plain, offered, outcome.year), offered)
    instance, _ = outcome.question.compiled()
    sums = FlowReader(network, instance).sums(outcome.solved)
    tonnes: dict[str, float] = {}
    for (service, _), carried in sums.leg_t.items():
        tonnes[service] = tonnes.get(service, 0.0) + carried
    return sums.fares_cny, tonnes


def _holds(outcome: YearOutcome) -> bool:
    return outcome.verdict.plan_verified and outcome.verdict.bound_proof == "certificate"


def _year_rows(
    portfolio: Portfolio, base: Mapping[int, YearOutcome], planned: Mapping[int, YearOutcome]
) -> list[tuple[Any, ...]]:
    rows: list[tuple[Any, ...]] = []
    before: set[str] = set()
    for place, (year, outcome) in enumerate(planned.items()):
        mine = [
            (choice, money)
            for choice, money, chosen in zip(
                portfolio.choices, portfolio.years.money, portfolio.best.answer.open, strict=True
            )
            if chosen and choice.year == year
        ]
        more_t = _newly_served_t(base[year], outcome)
        uneven = more_t > 0 and outcome.question.unserved_cny_per_t is None
        old = base[year].solved.objective
        new = (portfolio.best.answer.flows[place] if uneven else outcome.solved).objective
        running, annuity = sum(m.running for _, m in mine), sum(m.annuity for _, m in mine)
        rows.append(
            (
                year,
                plan_name(year),
                portfolio.years.weight[year],
                old,
                new,
                old - new,
                running,
                annuity,
                old - new - running - annuity,
                more_t,
                sum(m.investment for c, m in mine if c.unit_id not in before),
                sum(m.subsidy for _, m in mine),
                len(mine),
                sum(isinstance(c.option, RouteOption) for c, _ in mine),
                overlap_index(base[year].question.network),
                overlap_index(outcome.question.network),
                _holds(outcome) and not uneven,
            )
        )
        before = {choice.unit_id for choice, _ in mine}
    return rows


def _newly_served_t(base: YearOutcome, planned: YearOutcome) -> float:
    more_t = base.claims.unserved_t - planned.claims.unserved_t
    return more_t if more_t > NEGLIGIBLE * max(1.0, base.claims.demand_t) else 0.0


def _plan_rows(portfolio: Portfolio, last: int) -> list[tuple[Any, ...]]:
    rows = [_plan_row(portfolio, "best", 1.0, portfolio.best, last)]
    rows += [
        _plan_row(portfolio, f"alternative {number}", 1.0, found, last)
        for number, found in enumerate(portfolio.alternatives, 1)
    ]
    rows += [
        _plan_row(portfolio, f"budget x{factor:g}", factor, found, last)
        for factor, found in portfolio.frontier.items()
    ]
    return rows


def _plan_row(portfolio: Portfolio, name: str, factor: float, found: Found, last: int) -> tuple[Any, ...]:
    answer = found.answer
    own = {option.id for option in portfolio.open_in(last)}
    here = {option.id for option in portfolio.open_in(last, answer)}
    thin = [portfolio.choices[i].id for i in found.thin]
    value, bound = _finite(answer.value), _finite(answer.bound)
    return (
        name,
        factor,
        answer.status,
        value,
        bound,
        _finite(answer.gap),
        answer.proof,
        None if value is None else portfolio.without - value,
        None if bound is None else portfolio.without - bound,
        int(answer.open.sum()),
        "; ".join(sorted(here - own)),
        "; ".join(sorted(own - here)),
        "; ".join(thin),
    )
