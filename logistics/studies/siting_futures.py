"""Plans in other futures: freight rates, demand, closures, exchange rates; and what each costs too much."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from logistics.errors import InputError
from logistics.models.placement.search import PlacementSearch
from logistics.network.network import Network
from logistics.studies.changed_tables import change_of, scaled_table, with_changes
from logistics.studies.route_rates import at_rates
from logistics.studies.siting_benchmark import alone, ranks
from logistics.studies.siting_candidates import Candidate, candidates_of
from logistics.studies.siting_cargo import CargoReader
from logistics.studies.siting_plans import LastYear
from logistics.studies.siting_problem import SitedYears, open_ids, sited_years
from logistics.studies.siting_spec import SitingSpec
from logistics.studies.year_flow import Question

log = logging.getLogger(__name__)
ABROAD = {
    "warehouse_options": (
        "inbound_cny_per_t",
        "pick_cny_per_order",
        "storage_cny_per_m3_day",
        "fixed_cny_per_year",
        "capex_cny",
    ),
    "last_mile": ("cny_per_order", "cny_per_kg"),
}
"""What is paid abroad."""


@dataclass(frozen=True)
class Future:
    """A future and what came of it.

    Parameters
    ----------
    name
        ``rates 2019``, ``demand 0.8`` …; ``as planned``: the scenario's own.
    best_ids
        Options of the plan that is best in it.
    value, bound
        Cost of that plan, and what none can beat, CNY.
    regret
        How much more each plan costs at least, by the plan's name, CNY.
    rank
        Rank of each candidate alone, by id.
    """

    name: str
    best_ids: tuple[str, ...]
    value: float
    bound: float
    regret: Mapping[str, float]
    rank: Mapping[str, int]


def networks_of_futures(spec: SitingSpec, question: Question) -> dict[str, Network]:
    """Networks of the last year in each future, by name."""
    network, year = question.network, question.year
    found: dict[str, Network] = {}
    for rate_year in spec.futures.rates:
        if rate_year != year:
            found[f"rates {rate_year}"] = at_rates(network, year, rate_year)
    for factor in spec.futures.demand:
        found[f"demand {factor:g}"] = scaled_table(network, "demand", ("tonnes_per_year",), factor)
    for factor in spec.futures.exchange:
        changed = network
        for table, columns in ABROAD.items():
            changed = scaled_table(changed, table, columns, factor)
        found[f"exchange {factor:g}"] = changed
    for closure in spec.futures.closures:
        found[f"closed {closure.id}"] = with_changes(
            network, [change_of(closure.table, closure.id, "status", "closed")]
        )
    return found


def futures_of(
    sited: SitedYears,
    plans: Mapping[str, Sequence[str]],
    gap: float,
    time_limit_s: float,
    tell: Callable[[str], None],
) -> list[Future]:
    """Each future with its best plan, and the regret of others; the best plans of futures are among them.

    Parameters
    ----------
    sited
        The last year.
    plans
        Option ids of plans that are tried, by name.
    """
    question, spec = sited.questions[0], sited.spec
    worlds = {"as planned": question.network, **networks_of_futures(spec, question)}
    tried: dict[str, tuple[str, ...]] = {name: tuple(ids) for name, ids in plans.items()}
    lasts: dict[str, LastYear] = {}
    found: dict[str, Future] = {}
    for name, network in worlds.items():
        tell(name)
        try:
            last, future = _solved(sited, network, name, gap, time_limit_s)
        except InputError as error:
            # At rates so low a subsidy of this year may be above a tariff: there is no such year.
            log.warning("%s: %s", name, error)
            continue
        if future.value == np.inf:
            # Where not even all candidates serve all, no plan is worse than another.
            log.warning("%s: no plan serves all demand", name)
            continue
        lasts[name], found[name] = last, future
        if future.best_ids not in tried.values():
            tried[f"best of {name}"] = future.best_ids
    return [
        replace(
            future,
            regret={
                plan: max(0.0, lasts[name].search.least_cost(lasts[name].chosen(ids)) - future.value)
                for plan, ids in tried.items()
            },
        )
        for name, future in found.items()
    ]


def _solved(
    planned: SitedYears, network: Network, name: str, gap: float, time_limit_s: float
) -> tuple[LastYear, Future]:
    spec, question, channels = planned.spec, planned.questions[0], planned.channels
    candidates: list[Candidate] = candidates_of(network, spec.candidates, spec.closable, spec.facilities)
    asked = replace(question, network=network)
    sited = sited_years(spec, [asked], candidates, channels, steady=True)
    search = PlacementSearch(sited.problem, [()], gap, time_limit_s)
    answer = search.solve([sited.base_taken])
    last = LastYear(sited, search)
    value = answer.best.value if answer.best is not None else np.inf
    ids = tuple(open_ids(sited.problem, answer.best.taken)) if answer.best is not None else ()
    base = search.plan_of(sited.base_taken)
    alones = alone(last, CargoReader(network, sited.problem.instances[0], candidates), base)
    order = ranks([one.net_cny for one in alones])
    rank = {one.id: place for one, place in zip(candidates, order, strict=True)}
    return last, Future(name, ids, float(value), answer.bound, {}, rank)
