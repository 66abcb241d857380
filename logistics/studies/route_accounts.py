"""The three accounts of a route: shippers, its operator, the public; and what follows from them.

Shippers gain what the flow's generalised cost falls by. The operator earns fares, background cargo and
subsidies and pays departures, fixed cost and capital. The public pays all subsidies, also those that other
services no longer get. In the sum subsidies and fares cancel.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

from logistics.proposals.entering import RouteOption, subsidy_share
from logistics.studies.route_flows import FlowSums


@dataclass(frozen=True)
class Accounts:
    """A year of one route, CNY; gains are positive.

    Parameters
    ----------
    shipper_cny
        Fall of money, capital and time cost of all cargo.
    fares_cny, background_cny, subsidy_cny
        What the operator gets from shippers, from other cargo, and from the public for departures.
    departures_cny, fixed_cny, capital_cny
        What it pays for departures, whatever the frequency, and for the annuity of its investment.
    subsidies_more_cny
        What the public pays more in subsidies per tonne, over all services.
    capex_cny
        Investment.
    """

    shipper_cny: float
    fares_cny: float
    background_cny: float
    subsidy_cny: float
    departures_cny: float
    fixed_cny: float
    capital_cny: float
    subsidies_more_cny: float
    capex_cny: float

    @property
    def cost_cny(self) -> float:
        """What running the route takes."""
        return self.departures_cny + self.fixed_cny + self.capital_cny

    @property
    def operator_cny(self) -> float:
        """The operator's account."""
        return self.fares_cny + self.background_cny + self.subsidy_cny - self.cost_cny

    @property
    def public_cny(self) -> float:
        """The public's account."""
        return 0.0 - self.subsidy_cny - self.subsidies_more_cny

    @property
    def net_cny(self) -> float:
        """Net benefit: the sum of the three."""
        return self.shipper_cny + self.operator_cny + self.public_cny

    @property
    def benefit_cost(self) -> float | None:
        """Benefits over cost; None where it costs nothing."""
        return (self.net_cny + self.cost_cny) / self.cost_cny if self.cost_cny > 0 else None

    @property
    def break_even_subsidy_cny(self) -> float:
        """Least subsidy a year with which the operator does not lose."""
        return max(0.0, self.subsidy_cny - self.operator_cny)

    @property
    def payback_years(self) -> float | None:
        """Years in which the operator's surplus before capital earns the investment; None: never, or none."""
        surplus = self.operator_cny + self.capital_cny
        return self.capex_cny / surplus if self.capex_cny > 0 and surplus > 0 else None

    def with_shipper(self, shipper_cny: float) -> Accounts:
        """The same with another gain of shippers."""
        return replace(self, shipper_cny=shipper_cny)


def annuity_factor(rate: float, years: float) -> float:
    """Capital recovery factor: the yearly payment that a unit lent for `years` at `rate` takes."""
    return 1.0 / years if rate == 0 else rate / -math.expm1(-years * math.log1p(rate))


def accounts_of(
    option: RouteOption,
    year: int,
    discount_rate: float,
    shipper_cny: float,
    before: FlowSums,
    after: FlowSums,
) -> Accounts:
    """Accounts of an option in `year`, given the plan without it and with it."""
    proposal = option.proposal
    runs = max(option.departures_a_year(service) for service in proposal.services)
    background = sum(
        s.background_t_per_departure * s.background_cny_per_t * option.departures_a_year(s)
        for s in proposal.services
    )
    return Accounts(
        shipper_cny=shipper_cny,
        fares_cny=sum(after.fares_cny.get(name, 0.0) for name in option.service_ids),
        background_cny=background,
        subsidy_cny=proposal.subsidy_cny_per_departure * subsidy_share(proposal, year) * runs,
        departures_cny=proposal.cost_cny_per_departure * runs,
        fixed_cny=proposal.fixed_cny_per_year,
        capital_cny=proposal.capex_cny * annuity_factor(discount_rate, proposal.life_years),
        subsidies_more_cny=sum(after.subsidies_cny.values()) - sum(before.subsidies_cny.values()),
        capex_cny=proposal.capex_cny,
    )


def capacity_t(option: RouteOption) -> dict[str, float]:
    """Tonnes a year that each service of an option can hold on a leg, by service id."""
    return {
        option.service_id(service): float(service.row["payload_t"]) * option.departures_a_year(service)
        for service in option.proposal.services
    }


def load_factors(option: RouteOption, after: FlowSums) -> dict[str, float]:
    """Mean load factor over the legs of each service, other cargo included, by service id."""
    room = capacity_t(option)
    found = {}
    for service in option.proposal.services:
        name = option.service_id(service)
        legs = len(service.stops) - 1
        carried = sum(t for (other, _), t in after.leg_t.items() if other == name) / legs
        carried += service.background_t_per_departure * option.departures_a_year(service)
        found[name] = carried / room[name]
    return found


def break_even_load_factor(option: RouteOption, accounts: Accounts, after: FlowSums) -> float | None:
    """Load factor, over all legs, at which fares at today's yield and mix of directions cover the cost.

    None where nothing is carried, so that there is no yield.
    """
    carried = sum(t for (name, _), t in after.leg_t.items() if name in option.service_ids)
    if carried <= 0 or accounts.fares_cny <= 0:
        return None
    legs = {option.service_id(s): len(s.stops) - 1 for s in option.proposal.services}
    room = {name: tonnes * legs[name] for name, tonnes in capacity_t(option).items()}
    whole = sum(room.values())
    load = sum(factor * room[name] for name, factor in load_factors(option, after).items()) / whole
    other = accounts.background_cny + accounts.subsidy_cny
    needed = (accounts.cost_cny - other) / accounts.fares_cny * carried
    return max(0.0, load + (needed - carried) / whole)
