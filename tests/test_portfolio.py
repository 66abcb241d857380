"""Portfolios against every choice there is: each plan solved on tables of its own, each rule in plain words.

Random networks under random limits, with random proposals at several levels, expansions and opening hours, in
one to three years. The other side opens each set of options in the tables, compiles them and solves the flow
from nothing; what options cost, and which plans the rules allow, is worked out here a second time.
"""

import math
from copy import copy
from dataclasses import dataclass, replace
from functools import cache, cached_property
from itertools import product

import numpy as np
import pytest

from logistics.models.flow.column_generation import FlowModel, StopRule
from logistics.network.checks import check_tables
from logistics.network.tables import BY_NAME
from logistics.proposals.entering import RouteOption, entered, opened, options_of
from logistics.results.judge import judge_folder
from logistics.results.write import write_results
from logistics.scenario.case import Case
from logistics.scenario.read import Scenario, ServeRule, SolverSettings
from logistics.scenario.schema import Names
from logistics.studies.portfolio import PortfolioStudy, PortfolioTask
from logistics.studies.portfolio_choices import without_fares
from logistics.studies.portfolio_spec import PortfolioSpec
from logistics.virtual_network.build import build_instance
from tests.random_limits import random_case
from tests.tiny import THREE_GATEWAYS, table_of
from tests.tiny_routes import random_options

FIRST = 2021
RATE = 0.06
GAP = 1e-8
MOST_CHOICES = 12
TO_THE_END = StopRule(gap=1e-11, time_limit_s=60.0)
SAME = 2e-7
"""Share of a plan's value by which two answers may differ: gaps of choice and flows."""
FAST, SLOW = range(16), range(16, 160)


# --- random questions -----------------------------------------------------------------------------


def changed(network, name, change):
    """`network` with each row of a table changed by a function of the row."""
    rows = [{**row, **change(row)} for row in network.rows(name)]
    return network.with_table(name, table_of(BY_NAME[name], rows))


def years_of(network, count, r):
    """A network by year: other demand, else the same tables."""
    rates = [{**row, "year": float(FIRST + i)} for i in range(count) for row in network.rows("fx")]
    network = network.with_table("fx", table_of(BY_NAME["fx"], rates))
    found = {}
    for year in range(FIRST, FIRST + count):
        factors = {row["demand_id"]: r.uniform(0.7, 1.6) if year > FIRST else 1.0 for row in network.rows("demand")}
        found[year] = changed(
            network,
            "demand",
            lambda row, f=factors: {"tonnes_per_year": row["tonnes_per_year"] * f[row["demand_id"]]},
        )
    return found


def others_of(network, r):
    """An expansion, and one or two sites with longer opening hours, as far as there is something to change."""
    full = [
        row["site_id"]
        for row in network.rows("sites")
        if row["throughput_t_per_year"] is not None and row["status"] == "existing"
    ]
    shut = [
        row["site_id"]
        for row in network.rows("sites")
        if row["clearance_open"] not in ("", "always") and row["clearance_regimes"] and row["status"] == "existing"
    ]
    found = []
    if full and r.random() < 0.7:
        amount = float(r.uniform(20, 300))
        found.append({"id": "more", "expand": {"site": str(r.choice(full)), "throughput_t_per_year": amount}})
    if shut and r.random() < 0.7:
        sites = sorted({str(site) for site in r.choice(shut, size=min(len(shut), 3))})
        found.append({"id": "hours", "clearance_window": {"sites": sites, "open": "always"}})
    return found


@dataclass(frozen=True)
class Opening:
    """A unit at a level, in a plan of a year; level None: it has none."""

    unit: str
    level: float | None


class Desk:
    """One random question, and its answer by trying everything.

    Parameters
    ----------
    seed
        Decides everything.
    years
        How many; None: drawn.
    rules
        Further keys of the study.
    """

    seconds = 60.0
    """Time limit of the study."""

    def __init__(self, seed, years=None, **rules):
        r = np.random.default_rng([seed, 77])
        self.settings = rules
        self._costs = {}
        self.known = random_case(seed)
        self.objective = self.known.objective if self.known.objective in ("money", "generalised") else "generalised"
        limits = self.known.limits if self.objective == self.known.objective else ()
        self.limits = limits if r.random() < 0.6 else ()
        count = years or int(r.integers(1, 4))
        self.networks = years_of(self.known.network, count, r)
        self.years = sorted(self.networks)
        options = random_options(self.known.network, FIRST, seed, 5 if count == 1 else 3)
        others = others_of(self.known.network, r)
        proposals = list(dict.fromkeys(o.proposal.id for o in options))
        by_name = {o.proposal.id: o.proposal for o in options}
        # As many units as there are choices for.
        self.proposals, self.others, taken = [], [], 0
        for unit in [*(by_name[name] for name in proposals), *others]:
            levels = 1 if isinstance(unit, dict) else len(unit.levels)
            if taken + levels * count <= MOST_CHOICES:
                taken += levels * count
                (self.others if isinstance(unit, dict) else self.proposals).append(unit)
        self._price(r)
        if count > 1 and r.random() < 0.3:
            late = int(r.integers(len(self.proposals)))
            self.proposals[late] = replace(self.proposals[late], opening_year=FIRST + 1)

    def _price(self, r):
        """Costs near what each option saves alone, so that some are worth it and some are not."""
        for number, proposal in enumerate(self.proposals):
            option = RouteOption(proposal, proposal.levels[-1])
            saved = self.flow_cost(FIRST, ()) - self.flow_cost(FIRST, (Opening(proposal.id, proposal.levels[-1]),))
            size = saved if math.isfinite(saved) and saved > 1.0 else 1e4
            runs = max(option.departures_a_year(service) for service in proposal.services)
            share = r.uniform(0.1, 1.0)
            self.proposals[number] = replace(
                proposal,
                cost_cny_per_departure=share * size / runs,
                fixed_cny_per_year=float(r.choice((0.0, 0.2))) * size,
                capex_cny=float(r.choice((0.0, 1.0))) * size,
                life_years=float(r.choice((5.0, 10.0))),
                subsidy_cny_per_departure=0.3 * share * size / runs,
                subsidy_shares=(1.0, 0.5),
            )
        for number, other in enumerate(self.others):
            saved = self.flow_cost(FIRST, ()) - self.flow_cost(FIRST, (Opening(other["id"], None),))
            size = saved if math.isfinite(saved) and saved > 1.0 else 1e4
            costs = {"cost_cny_per_year": r.uniform(0.0, 1.0) * size, "capex_cny": r.uniform(0.0, 2.0) * size}
            self.others[number] = {**other, **costs}

    # --- what the engine is asked

    @cached_property
    def spec(self):
        """Settings of the study."""
        data = {"kind": "portfolio", "options": self.others, "discount_rate": RATE, **self.settings}
        if not self.others:
            # At least one is needed where no proposal is written down.
            data["proposals"] = [{"list": []}]
        return PortfolioSpec.model_validate(data)

    @cached_property
    def case(self):
        """The case with the proposals entered."""
        scenario = Scenario(
            id="made",
            name=Names(zh="试", en="made"),
            note="",
            network_folder=THREE_GATEWAYS,
            years=tuple(self.years),
            objective=self.objective,
            serve=ServeRule(unserved_cny_per_t=self.price),
            study=self.spec.model_dump(mode="json"),
            solver=SolverSettings(gap=GAP, time_limit_s=self.seconds),
            changes=(),
            limits=tuple(self.limits),
        )
        used = self.proposals if self.spec.fares == "counted" else [without_fares(p) for p in self.proposals]
        networks = {y: entered(n, options_of(used), y) for y, n in self.networks.items()}
        return Case(scenario, networks, dict.fromkeys(self.years, ()), ())

    @property
    def price(self):
        """Price of unserved demand."""
        return self.known.price if self.objective == self.known.objective else None

    @cached_property
    def result(self):
        """What the study says."""
        study = PortfolioStudy()
        task = PortfolioTask(self.spec, tuple(self.proposals), (), self.networks)
        assert study.problems(self.case, task) == []
        piece = study.run_piece(self.case, task, 0, lambda key, values: None)
        return study.merge(self.case, task, [piece])

    def rows(self, name):
        """Rows of a table of the result."""
        return self.result.tables[name].to_pylist()

    # --- what is true

    @property
    def free(self):
        """Proposals as the flow sees them, by id: rides cost their shipper nothing unless fares are counted."""
        found = {}
        for proposal in self.proposals:
            services = tuple(
                replace(s, row={**s.row, "tariff_spot": 0.0, "tariff_per_item": 0.0, "subsidy_cny_per_t": 0.0})
                for s in proposal.services
            )
            fares = self.settings.get("fares", "left_out")
            found[proposal.id] = proposal if fares == "counted" else replace(proposal, services=services)
        return found

    def network_with(self, year, plan):
        """Tables of a year with the options of a plan, and no others."""
        routes = [RouteOption(self.free[o.unit], o.level) for o in plan if o.unit in self.free]
        network = opened(entered(self.networks[year], routes, year), routes)
        for other in self.others:
            if Opening(other["id"], None) not in plan:
                continue
            if "expand" in other:
                site, more = other["expand"].values()
                network = changed(
                    network,
                    "sites",
                    lambda row, site=site, more=more: {"throughput_t_per_year": row["throughput_t_per_year"] + more}
                    if row["site_id"] == site
                    else {},
                )
            else:
                sites, hours = other["clearance_window"].values()
                network = changed(
                    network,
                    "sites",
                    lambda row, sites=sites, hours=hours: {"clearance_open": hours} if row["site_id"] in sites else {},
                )
        assert not [p for p in check_tables(network) if p.severity == "error"]
        return network

    def solved(self, year, plan, least=None):
        """The flow of a year with a plan's options, with at most the tonnes of `least` left behind."""
        instance = build_instance(self.network_with(year, plan), year, self.objective, self.price, self.limits)
        solved = FlowModel(instance, TO_THE_END).solve()
        if least is None:
            return solved
        # With an option less may have to stay behind; its worth is at what must without it.
        return FlowModel(instance, TO_THE_END, start=solved.used_paths, least=least).solve()

    def base(self, year):
        """The flow of a year without options."""
        if (year, None) not in self._costs:
            self._costs[year, None] = self.solved(year, frozenset())
        return self._costs[year, None]

    def flow_cost(self, year, plan):
        """Cost of a year's flow with a plan's options; inf: its limits cannot hold."""
        key = year, frozenset(plan)
        if key not in self._costs:
            found = self.solved(year, plan, self.base(year).least_unserved) if plan else self.base(year)
            self._costs[key] = found.objective if found.gap < GAP else np.inf
        return self._costs[key]

    def weight(self, year):
        """Discount factor of a year."""
        return (1 + RATE) ** -(year - FIRST)

    def money(self, opening, year):
        """(running cost, departures and fixed, annuity, investment, subsidy) of an option in a year, CNY."""
        other = next((o for o in self.others if o["id"] == opening.unit), None)
        if other is not None:
            share = RATE / (1 - (1 + RATE) ** -20)
            running = other["cost_cny_per_year"]
            return running, running, other["capex_cny"] * share, other["capex_cny"], 0.0
        proposal = next(p for p in self.proposals if p.id == opening.unit)
        departures = opening.level * 365 / 7 * 0.9
        gross = proposal.cost_cny_per_departure * departures + proposal.fixed_cny_per_year
        annuity = proposal.capex_cny * RATE / (1 - (1 + RATE) ** -proposal.life_years)
        share = 1.0 if year == (proposal.opening_year or year) else 0.5
        subsidy = proposal.subsidy_cny_per_departure * departures * share
        return gross, gross, annuity, proposal.capex_cny, subsidy

    def units_in(self, year):
        """Units and their openings that may run in a year; not running among them."""
        found = [
            [None, *(Opening(p.id, level) for level in p.levels)]
            for p in self.proposals
            if p.opening_year is None or p.opening_year <= year
        ]
        return found + [[None, Opening(o["id"], None)] for o in self.others]

    @cached_property
    def plans(self):
        """Every plan in which what is open stays open: for each year a set of openings."""
        by_year = [
            [frozenset(o for o in chosen if o) for chosen in product(*self.units_in(year))] for year in self.years
        ]
        found = [()]
        for sets in by_year:
            found = [
                (*plan, chosen)
                for plan in found
                for chosen in sets
                if not plan or {o.unit for o in plan[-1]} <= {o.unit for o in chosen}
            ]
        return found

    def cost(self, plan):
        """Discounted cost of options and flows."""
        total = 0.0
        for year, chosen in zip(self.years, plan, strict=True):
            options = sum(self.money(o, year)[0] + self.money(o, year)[2] for o in chosen)
            total += self.weight(year) * (options + self.flow_cost(year, chosen))
        return total

    def allows(self, plan, budget_factor=1.0):
        """Whether the rules of the study allow a plan, in plain words."""
        opened_before = set()
        for year, chosen in zip(self.years, plan, strict=True):
            units = {o.unit for o in chosen}
            for budget in self.settings.get("budgets", ()):
                most = budget["cny"].get(str(year))
                if most is None:
                    continue
                spent = {
                    "investment": sum(self.money(o, year)[3] for o in chosen if o.unit not in opened_before),
                    "running": sum(self.money(o, year)[1] for o in chosen),
                    "subsidy": sum(self.money(o, year)[4] for o in chosen),
                }[budget["counts"]]
                if spent > budget_factor * most * (1 + 1e-9) + 1e-3:
                    return False
            for count in self.settings.get("counts", ()):
                if year in (count.get("years") or self.years):
                    if not count.get("least", 0) <= len(units) <= count.get("most", 99):
                        return False
            if any(len(units & set(names)) > 1 for names in self.settings.get("exclusions", ())):
                return False
            if any(a in units and b not in units for a, b in self.settings.get("prerequisites", ())):
                return False
            opened_before |= units
        return True

    @cached_property
    def found(self):
        """(cost, plan) of every plan that the rules allow, the cheapest first."""
        listed = [(self.cost(plan), plan) for plan in self.plans if self.allows(plan)]
        return sorted(listed, key=lambda item: item[0])

    @cached_property
    def scale(self):
        """What differences are measured by."""
        return max(1.0, abs(self.found[0][0]))

    def chosen(self):
        """The engine's plan: for each year a set of openings."""
        plan = {year: set() for year in self.years}
        for row in self.rows("portfolio"):
            plan[row["year"]].add(Opening(row["unit_id"], row["departures_per_week"]))
        return tuple(frozenset(plan[year]) for year in self.years)


    def ruled(self, **settings):
        """The same question with other settings."""
        twin = copy(self)
        for name in ("spec", "case", "result", "found"):
            twin.__dict__.pop(name, None)
        twin.settings = settings
        return twin


@cache
def desk(seed):
    """The question of a seed, without rules."""
    return Desk(seed)


def solvable(seed):
    """Whether all years have a plan without options, so that there is a portfolio to choose."""
    return all(np.isfinite(desk(seed).flow_cost(year, ())) for year in desk(seed).years)
