"""Portfolios against every choice there is: each plan solved on tables of its own, each rule in plain words.

Random networks under random limits, with random proposals at several levels, an expansion and longer opening
hours, in one to three years. The other side opens each set of options in the tables, compiles them and solves
the flow from nothing; what options cost, how full routes are, and which plans the rules allow, is worked out
here a second time.
"""

import math
from copy import copy
from dataclasses import dataclass, replace
from functools import cache, cached_property
from itertools import pairwise, product

import numpy as np
import pytest

from logistics.integer_solver import MixedAnswer
from logistics.models.design import large
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
GAP = 1e-7
MOST_CHOICES = 12
TO_THE_END = StopRule(gap=1e-11, time_limit_s=60.0)
SAME = 2e-7
"""Share of the best plan's value by which two answers may differ: gaps of choice and flows."""
FAST, ALL = range(2, 14), range(120)
"""Seeds of every run, whose limits hold without options, and those of the long one."""
LONG = {4, 5, 7, 8, 11, 12, 13}
"""Of the first, seeds with many plans to try, or with rules that take long: left to the long run."""
HOPELESS = (0, 17)
"""Seeds whose limits cannot hold."""


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
        names = network.texts("demand", "demand_id")
        factors = {name: r.uniform(0.7, 1.6) if year > FIRST else 1.0 for name in names}
        found[year] = changed(
            network,
            "demand",
            lambda row, f=factors: {"tonnes_per_year": row["tonnes_per_year"] * f[row["demand_id"]]},
        )
    return found


def others_of(network, r):
    """An expansion, and sites with longer opening hours, as far as there is something to change."""
    sites = [row for row in network.rows("sites") if row["status"] == "existing"]
    full = [row["site_id"] for row in sites if row["throughput_t_per_year"] is not None]
    shut = [r["site_id"] for r in sites if r["clearance_open"] != "always" and r["clearance_regimes"]]
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

    Attributes
    ----------
    settings
        Further keys of the study.
    seconds
        Its time limit.
    """

    seconds = 60.0

    def __init__(self, seed):
        r = np.random.default_rng([seed, 77])
        self.settings = {}
        self._solved = {}
        self.known = random_case(seed)
        self.objective = "money" if self.known.objective == "money" else "generalised"
        limits = self.known.limits if self.objective == self.known.objective else ()
        self.limits = limits if r.random() < 0.6 else ()
        count = int(r.integers(1, 4))
        self.networks = years_of(self.known.network, count, r)
        self.years = sorted(self.networks)
        options = random_options(self.known.network, FIRST, seed, 4 if count == 1 else 3)
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
            size = self._saved(Opening(proposal.id, proposal.levels[-1]))
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
            size = self._saved(Opening(other["id"], None))
            costs = {"cost_cny_per_year": r.uniform(0.0, 1.0) * size, "capex_cny": r.uniform(0.0, 2.0) * size}
            self.others[number] = {**other, **costs}

    def _saved(self, opening):
        """What a unit saves alone, or a small amount where that is nothing."""
        saved = self.flow_cost(FIRST, ()) - self.flow_cost(FIRST, (opening,))
        return saved if math.isfinite(saved) and saved > 1.0 else 1e4

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
        """Proposals as the flow sees them, by id: rides are free unless fares are counted."""
        if self.settings.get("fares") == "counted":
            return {proposal.id: proposal for proposal in self.proposals}
        nothing = {"tariff_spot": 0.0, "tariff_per_item": 0.0, "subsidy_cny_per_t": 0.0}
        return {
            p.id: replace(p, services=tuple(replace(s, row={**s.row, **nothing}) for s in p.services))
            for p in self.proposals
        }

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
                    lambda row, site=site, more=more: (
                        {"throughput_t_per_year": row["throughput_t_per_year"] + more}
                        if row["site_id"] == site
                        else {}
                    ),
                )
            else:
                sites, hours = other["clearance_window"].values()
                network = changed(
                    network,
                    "sites",
                    lambda row, sites=sites, hours=hours: (
                        {"clearance_open": hours} if row["site_id"] in sites else {}
                    ),
                )
        assert not [p for p in check_tables(network) if p.severity == "error"]
        return network

    def solved(self, year, plan):
        """The flow of a year with a plan's options, and its instance."""
        key = year, frozenset(plan)
        if key not in self._solved:
            instance = build_instance(
                self.network_with(year, plan), year, self.objective, self.price, self.limits
            )
            found = FlowModel(instance, TO_THE_END).solve()
            least = self.solved(year, ())[0].least_unserved if plan else None
            if least is not None:
                # With an option less may have to stay behind; its worth is at what must without it.
                found = FlowModel(instance, TO_THE_END, start=found.used_paths, least=least).solve()
            self._solved[key] = found, instance
        return self._solved[key]

    def flow_cost(self, year, plan):
        """Cost of a year's flow with a plan's options; inf: its limits cannot hold."""
        found, _ = self.solved(year, plan)
        return found.objective if found.gap < GAP else np.inf

    def load_factor(self, year, plan, opening):
        """How full a route is in a plan, over all its legs; nothing of other cargo is in these networks."""
        found, instance = self.solved(year, plan)
        option = RouteOption(self.free[opening.unit], opening.level)
        ridden = 0.0
        for k, path, tonnes in zip(found.commodity, found.path, found.flow_t, strict=True):
            layer = instance.layers[instance.commodities.layer[k]]
            steps = [layer.steps[arc] for arc in path]
            ridden += tonnes * sum(s.action == "ride" and s.service_id in option.service_ids for s in steps)
        room = sum(
            s.row["payload_t"] * opening.level * 365 / 7 * 0.9 * (len(s.stops) - 1)
            for s in option.proposal.services
        )
        return ridden / room

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
        found = [()]
        for year in self.years:
            sets = [frozenset(o for o in chosen if o) for chosen in product(*self.units_in(year))]
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

    def pair(self, opening):
        """The airport of the province and the other end that an air route joins."""
        proposal = next((p for p in self.proposals if p.id == opening.unit), None)
        if proposal is None or proposal.mode != "air":
            return opening.unit
        rows = [*self.networks[FIRST].rows("sites"), *proposal.sites]
        home = {row["site_id"] for row in rows if (row["kind"], row["province"]) == ("airport", "Zhejiang")}
        ends = {proposal.services[0].stops[place]["site_id"] for place in (0, -1)}
        return frozenset(ends) if len(ends & home) == 1 else opening.unit

    def allows(self, plan, budget_factor=1.0):
        """Whether the rules of the study allow a plan, in plain words."""
        rules, before = self.settings, set()
        for year, chosen in zip(self.years, plan, strict=True):
            units = {o.unit for o in chosen}
            if len({self.pair(o) for o in chosen}) < len(chosen):
                return False
            for budget in rules.get("budgets", ()):
                most = budget["cny"].get(str(year), np.inf)
                spent = {
                    "investment": sum(self.money(o, year)[3] for o in chosen if o.unit not in before),
                    "running": sum(self.money(o, year)[1] for o in chosen),
                    "subsidy": sum(self.money(o, year)[4] for o in chosen),
                }[budget["counts"]]
                if spent > budget_factor * most * (1 + 1e-9) + 1e-3:
                    return False
            for count in rules.get("counts", ()):
                if not count.get("least", 0) <= len(units) <= count.get("most", 99):
                    return False
            if any(len(units & set(names)) > 1 for names in rules.get("exclusions", ())):
                return False
            if any(a in units and b not in units for a, b in rules.get("prerequisites", ())):
                return False
            least_load = rules.get("min_load_factor", 0.0)
            routes = [o for o in chosen if o.level is not None] if least_load else []
            if any(self.load_factor(year, chosen, o) < least_load for o in routes):
                return False
            before |= units
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

    def ruled(self, seconds=60.0, **settings):
        """The same question with other settings."""
        twin = copy(self)
        for name in ("spec", "case", "result", "found"):
            twin.__dict__.pop(name, None)
        twin.settings, twin.seconds = settings, seconds
        return twin


@cache
def desk(seed):
    """The question of a seed, without rules."""
    return Desk(seed)


@cache
def is_solvable(seed):
    """Whether all years have a plan without options, so that there is a portfolio to choose."""
    return all(np.isfinite(desk(seed).flow_cost(year, ())) for year in desk(seed).years)


def seeds(fast, every=ALL):
    """Seeds as parameters, and two more; what is not fast, or takes long, is left to the long run."""
    quick = set(fast) - LONG
    some = list(every)[: len(fast) + 2]
    return [seed if seed in quick else pytest.param(seed, marks=pytest.mark.fuzz) for seed in some]


def needs_base(seed):
    """Skip seeds of the long run whose limits cannot hold, or whose figures are too far apart."""
    if not is_solvable(seed):
        pytest.skip("a year cannot be solved without options")


# --- the best plan --------------------------------------------------------------------------------


@pytest.mark.parametrize("seed", seeds(FAST))
def test_the_plan_is_the_best_of_all(seed, tmp_path):
    """Value, bound and options against every plan; its years are verified, in memory and from the files."""
    needs_base(seed)
    asked = desk(seed)
    best, _ = asked.found[0]
    (said,) = asked.rows("portfolio_plans")
    close = SAME * asked.scale
    assert (said["plan"], said["status"], asked.result.status) == ("best", "optimal", "optimal")
    assert said["value"] == pytest.approx(best, abs=close)
    assert best - close <= said["bound"] <= best + close
    assert asked.cost(asked.chosen()) == pytest.approx(best, abs=close)
    nothing = asked.cost((frozenset(),) * len(asked.years))
    assert said["benefit_cny"] == pytest.approx(nothing - best, abs=close)
    assert said["options"] == sum(map(len, asked.chosen()))
    assert asked.result.plan_verified
    assert asked.result.bound_proof == "certificate"
    assert asked.result.plans.keys() == {f"{year}-portfolio" for year in asked.years}
    write_results(tmp_path / "out", asked.case, asked.result)
    assert judge_folder(tmp_path / "out").violations == ()


@pytest.mark.parametrize("seed", HOPELESS)
def test_where_limits_cannot_hold_nothing_is_chosen(seed):
    """The years say why; there is no portfolio."""
    assert not is_solvable(seed)
    assert desk(seed).result.status == "infeasible"
    assert desk(seed).result.plans == {}
    assert not any(name.startswith("portfolio") for name in desk(seed).result.tables)


@pytest.mark.parametrize("seed", seeds(FAST))
def test_the_tables_add_up(seed):
    """Money of options by the proposals' own figures; years to the plan's value; cost to the net benefit."""
    needs_base(seed)
    asked = desk(seed)
    (said,) = asked.rows("portfolio_plans")
    years, before = {row["year"]: row for row in asked.rows("portfolio_years")}, frozenset()
    close = SAME * asked.scale
    assert list(years) == asked.years
    total = sum(row["discount_factor"] * row["net_benefit_cny"] for row in years.values())
    assert total == pytest.approx(said["benefit_cny"], abs=close)
    for year, chosen in zip(asked.years, asked.chosen(), strict=True):
        row, rows = years[year], [r for r in asked.rows("portfolio") if r["year"] == year]
        assert row["discount_factor"] == pytest.approx(asked.weight(year))
        assert row["objective_before"] == pytest.approx(asked.flow_cost(year, ()), abs=close)
        assert row["objective_after"] == pytest.approx(asked.flow_cost(year, chosen), abs=close)
        assert row["saved_cny"] == pytest.approx(row["objective_before"] - row["objective_after"])
        net = row["saved_cny"] - row["running_cny"] - row["annuity_cny"]
        assert row["net_benefit_cny"] == pytest.approx(net, abs=1e-6 * abs(row["saved_cny"]))
        assert (row["options"], row["routes"]) == (len(rows), sum(bool(r["mode"]) for r in rows))
        for name in ("running_cny", "annuity_cny", "investment_cny", "subsidy_cny"):
            assert row[name] == pytest.approx(sum(r[name] for r in rows), abs=1e-6)
        for option in rows:
            opening = Opening(option["unit_id"], option["departures_per_week"])
            running, _, annuity, investment, subsidy = asked.money(opening, year)
            assert option["opens"] == (opening.unit not in {o.unit for o in before})
            assert option["running_cny"] == pytest.approx(running)
            assert option["annuity_cny"] == pytest.approx(annuity)
            assert option["investment_cny"] == pytest.approx(investment if option["opens"] else 0.0)
            assert option["subsidy_cny"] == pytest.approx(subsidy)
            assert option["verified"]
            if opening.level is None:
                continue
            account = option["fares_cny"] + subsidy - running - annuity
            assert option["operator_cny"] == pytest.approx(account, abs=1e-6 * asked.scale)
            if not row["newly_served_t"]:
                load = asked.load_factor(year, chosen, opening)
                assert option["load_factor"] == pytest.approx(load, abs=1e-6)
        before = chosen


def test_plans_that_serve_more_are_told_apart():
    """Where options let cargo through, the plan carries it; saved is told for no more tonnes than before."""
    served_more = 0
    for seed in FAST:
        asked = desk(seed)
        for row, chosen in zip(asked.rows("portfolio_years"), asked.chosen(), strict=True):
            year = row["year"]
            left = asked.solved(year, ())[0].unserved_t.sum()
            instance = build_instance(
                asked.network_with(year, chosen), year, asked.objective, asked.price, asked.limits
            )
            now = FlowModel(instance, TO_THE_END).solve().unserved_t.sum()
            assert row["newly_served_t"] == pytest.approx(max(0.0, left - now), abs=1e-4)
            uneven = row["newly_served_t"] > 0 and asked.price is None
            assert row["verified"] == (not uneven)
            served_more += uneven
    assert served_more > 1


def test_random_questions_differ_in_what_they_show():
    """Among the fast seeds are years, levels, limits, stock, prices, cargo left, and plans of nothing."""
    traits = [
        "years",
        "levels",
        "limits",
        "late",
        "stock",
        "priced",
        "left",
        "expand",
        "hours",
        "open",
        "nothing",
    ]
    seen = dict.fromkeys(traits, 0)
    for seed in FAST:
        asked = desk(seed)
        chosen = asked.chosen()[-1]
        kinds = {key for other in asked.others for key in other}
        layers = asked.solved(FIRST, ())[1].layers
        seen["years"] += len(asked.years) > 1
        seen["levels"] += any(len(p.levels) > 1 for p in asked.proposals)
        seen["late"] += any(p.opening_year for p in asked.proposals)
        seen["limits"] += bool(asked.limits)
        seen["stock"] += any(layer.stocked for layer in layers)
        seen["priced"] += asked.price is not None
        seen["left"] += asked.solved(FIRST, ())[0].unserved_t.sum() > 1
        seen["expand"] += "expand" in kinds
        seen["hours"] += "clearance_window" in kinds
        seen["open"] += len(chosen) > 1
        seen["nothing"] += not chosen
    assert all(seen.values()), seen


def test_all_costs_of_a_fare_count_where_they_are_counted():
    """With fares counted, shippers pay them and the operator's cost is paid as well."""
    differing = 0
    for seed in range(2, 8):
        asked = desk(seed).ruled(fares="counted", values=False)
        asked._solved = {}
        best, _ = asked.found[0]
        (said,) = asked.rows("portfolio_plans")
        assert said["value"] == pytest.approx(best, abs=SAME * asked.scale)
        assert asked.result.plan_verified
        differing += abs(best - desk(seed).found[0][0]) > 1e-4 * asked.scale
    assert differing > 1


# --- what choices are worth, and other plans ------------------------------------------------------


def gains(asked):
    """For each unit what the best plan with it saves against the best one without it."""
    found = {}
    for unit in {o.unit for plan in asked.plans for chosen in plan for o in chosen}:
        costs = {True: np.inf, False: np.inf}
        for cost, plan in asked.found:
            runs = any(o.unit == unit for chosen in plan for o in chosen)
            costs[runs] = min(costs[runs], cost)
        found[unit] = costs[False] - costs[True]
    return found


@pytest.mark.parametrize("seconds", [60.0, 4.0], ids=["searched", "by the plan alone"])
@pytest.mark.parametrize("seed", seeds(range(2, 7), range(60)))
def test_values_hold_what_leaving_out_costs(seed, seconds):
    """The best plan with a unit against the best without it, for units in the plan and outside."""
    needs_base(seed)
    asked = desk(seed).ruled(seconds)
    truth, close = gains(asked), SAME * asked.scale
    inside = {o.unit for chosen in asked.chosen() for o in chosen}
    for row in asked.rows("portfolio"):
        low, high = row["value_low_cny"], row["value_high_cny"]
        assert low - close <= truth[row["unit_id"]] <= high + close
        if seconds > 4.0 * len(inside) * 5.0:
            assert high - low <= 2 * close
        sign = "gain" if low > 0 else "loss" if high < 0 else "unknown"
        assert row["value_sign"] == sign
    outside = asked.rows("portfolio_outside")
    assert {row["unit_id"] for row in outside} == truth.keys() - inside
    for row in outside:
        low = -np.inf if row["value_low_cny"] is None else row["value_low_cny"]
        assert low - close <= truth[row["unit_id"]] <= row["value_high_cny"] + close
    lows = [-np.inf if row["value_low_cny"] is None else row["value_low_cny"] for row in outside]
    assert lows == sorted(lows, reverse=True)


@pytest.mark.parametrize("within", [1.0, pytest.param(0.1, marks=pytest.mark.fuzz)])
@pytest.mark.parametrize("seed", seeds(range(2, 9), range(60)))
def test_alternatives_are_the_next_best_with_other_units(seed, within):
    """Each set of units of the last year at its cheapest, in order, as long as little enough is lost."""
    needs_base(seed)
    asked = desk(seed).ruled(values=False, alternatives=4, alternatives_within=within)
    cheapest = {}
    for cost, plan in asked.found:
        cheapest.setdefault(frozenset(o.unit for o in plan[-1]), cost)
    best, *others = sorted(cheapest.values())
    most = best + within * (asked.cost((frozenset(),) * len(asked.years)) - best)
    said = asked.rows("portfolio_plans")
    expected = [cost for cost in others[:4] if cost <= most]
    close = SAME * asked.scale
    assert [row["value"] for row in said[1:]] == pytest.approx(expected, abs=close)
    assert [row["plan"] for row in said[1:]] == [f"alternative {i + 1}" for i in range(len(said) - 1)]
    own = {o.unit for o in asked.chosen()[-1]}
    seen = {frozenset(own)}
    for row in said[1:]:
        added, dropped = (unit_ids(row[name]) for name in ("added", "dropped"))
        units = frozenset((own - dropped) | added)
        assert units not in seen
        seen.add(units)
        assert cheapest[units] == pytest.approx(row["value"], abs=close)


def unit_ids(names):
    """Units of options that are listed by name; levels end in ``.2w``."""
    return {name.split(".")[0] for name in names.split("; ") if name}


# --- rules ----------------------------------------------------------------------------------------


def random_rules(asked, seed, draw=0):
    """One to four rules that a plan drawn at random keeps, or nearly keeps."""
    r = np.random.default_rng([seed, draw, 5])
    plan = asked.plans[int(r.integers(len(asked.plans)))]
    units = sorted({o.unit for chosen in asked.plans[-1] for o in chosen})
    rules = {}
    for kind in r.choice(("budget", "count", "exclusion", "prerequisite"), size=int(r.integers(1, 5))):
        if kind == "budget":
            counts = str(r.choice(("investment", "running", "subsidy")))
            cny, before = {}, set()
            for year, chosen in zip(asked.years, plan, strict=True):
                place = {"investment": 3, "running": 1, "subsidy": 4}[counts]
                openings = [o for o in chosen if counts != "investment" or o.unit not in before]
                spent = sum(asked.money(o, year)[place] for o in openings)
                if r.random() < 0.7:
                    cny[str(year)] = float(spent * r.uniform(0.5, 1.2) + r.choice((0.0, 1e4)))
                before |= {o.unit for o in chosen}
            if cny:
                rules.setdefault("budgets", []).append({"counts": counts, "cny": cny})
        elif kind == "count":
            least = int(r.integers(0, len(plan[0]) + 2 + (r.random() < 0.3)))
            rules.setdefault("counts", []).append({"least": least, "most": max(least, len(plan[-1]))})
        elif len(units) > 1:
            a, b = (str(name) for name in r.choice(units, size=2, replace=False))
            rules.setdefault("exclusions" if kind == "exclusion" else "prerequisites", []).append([a, b])
    return rules


@pytest.mark.parametrize("seed", seeds(FAST, range(200)))
def test_rules_are_kept_at_the_least_cost(seed):
    """Budgets of each kind, counts, exclusions, prerequisites: the best plan that keeps them, or none."""
    needs_base(seed)
    asked = desk(seed).ruled(values=False, **random_rules(desk(seed), seed))
    (said,) = asked.rows("portfolio_plans")
    if not asked.found:
        assert (said["status"], asked.result.status) == ("infeasible", "infeasible")
        assert said["value"] is None
        assert asked.rows("portfolio") == asked.rows("portfolio_years") == []
        assert asked.result.plans == {}
        (warning,) = [p for p in asked.result.problems if p.code.startswith("portfolio.")]
        assert (warning.code, bool(warning.found)) == ("portfolio.conflict", True)
        return
    assert said["status"] == "optimal"
    assert said["value"] == pytest.approx(asked.found[0][0], abs=SAME * asked.scale)
    assert asked.allows(asked.chosen())
    assert asked.cost(asked.chosen()) == pytest.approx(said["value"], abs=SAME * asked.scale)


@pytest.mark.fuzz
def test_rules_bind_now_and_then_and_some_cannot_be_kept():
    """Rules change the plan in some questions, and leave none in others."""
    bind = none = 0
    for seed, draw in product(FAST, range(4)):
        free = desk(seed)
        asked = free.ruled(**random_rules(free, seed, draw))
        none += not asked.found
        bind += bool(asked.found) and asked.found[0][1] != free.found[0][1]
    assert bind > 3
    assert none >= 2


@pytest.mark.parametrize("seed", seeds(range(2, 9), range(60)))
def test_a_frontier_of_budgets_rises_with_them(seed):
    """Each point is the best plan under its budgets, and more money never makes it worse."""
    needs_base(seed)
    free = desk(seed)
    running = {str(y): sum(free.money(o, y)[1] for o in free.plans[-1][i]) for i, y in enumerate(free.years)}
    factors = [0.0, 0.3, 0.6, 1.0, 2.0]
    budgets = [{"counts": "running", "cny": {year: cny + 1.0 for year, cny in running.items()}}]
    asked = free.ruled(values=False, budgets=budgets, frontier=factors)
    best, *points = asked.rows("portfolio_plans")
    close = SAME * asked.scale
    assert [row["budget_factor"] for row in points] == factors
    assert [row["plan"] for row in points] == [f"budget x{factor:g}" for factor in factors]
    for row in points:
        allowed = min(cost for cost, plan in free.found if asked.allows(plan, row["budget_factor"]))
        assert row["value"] == pytest.approx(allowed, abs=close)
    benefits = [row["benefit_cny"] for row in points]
    assert all(more >= less - close for less, more in pairwise(benefits))
    assert points[3]["value"] == pytest.approx(best["value"], abs=close)


@pytest.mark.parametrize("seed", seeds(range(2, 9), range(60)))
def test_routes_reach_the_least_load_factor(seed):
    """The best of the plans whose own best flows fill every route; values and others keep the rule too."""
    needs_base(seed)
    free = desk(seed)
    plan = zip(free.years, free.found[0][1], strict=True)
    routes = [(year, chosen, o) for year, chosen in plan for o in chosen if o.level is not None]
    loads = [free.load_factor(*route) for route in routes]
    least = min(0.95, 1.02 * min(loads, default=0.3) + 1e-6)
    asked = free.ruled(min_load_factor=least, alternatives=2, alternatives_within=1.0)
    said, *others = asked.rows("portfolio_plans")
    close = SAME * asked.scale
    if said["too_empty"]:
        assert (said["status"], asked.result.status) == ("limit", "limit")
        assert said["bound"] <= asked.found[0][0] + close
        return
    assert said["status"] == "optimal"
    assert said["value"] == pytest.approx(asked.found[0][0], abs=close)
    assert asked.allows(asked.chosen())
    truth = gains(asked)
    for row in asked.rows("portfolio"):
        high = np.inf if row["value_high_cny"] is None else row["value_high_cny"]
        assert row["value_low_cny"] - close <= truth[row["unit_id"]] <= high + close
    cheapest = {}
    for cost, plan in asked.found:
        cheapest.setdefault(frozenset(o.unit for o in plan[-1]), cost)
    most = asked.cost((frozenset(),) * len(asked.years))
    expected = [cost for cost in sorted(cheapest.values())[1:3] if cost <= most + close]
    assert [row["value"] for row in others] == pytest.approx(expected[: len(others)], abs=close)


# --- large problems -------------------------------------------------------------------------------


@pytest.mark.parametrize("seed", seeds(range(2, 9)))
def test_the_way_of_large_problems_never_says_more_than_is_true(seed, monkeypatch):
    """By cuts on options: its plan costs what it says, and no plan costs less than its bound."""
    needs_base(seed)
    monkeypatch.setattr(large, "LARGE", 0)
    asked = desk(seed).ruled(**random_rules(desk(seed), seed))
    said = asked.rows("portfolio_plans")[0]
    if not asked.found:
        assert said["value"] is None
        return
    close = SAME * asked.scale
    assert said["bound"] <= asked.found[0][0] + close
    if said["value"] is not None:
        assert asked.allows(asked.chosen())
        assert said["value"] == pytest.approx(asked.cost(asked.chosen()), abs=close)
        assert said["value"] >= asked.found[0][0] - close
    if said["status"] == "optimal":
        assert said["value"] == pytest.approx(asked.found[0][0], abs=close)
    truth = gains(asked)
    for row in asked.rows("portfolio"):
        high = np.inf if row["value_high_cny"] is None else row["value_high_cny"]
        assert row["value_low_cny"] - close <= truth[row["unit_id"]] <= high + close


def test_a_program_without_an_answer_proves_nothing(monkeypatch):
    """Where the solver of the program over options has no point in time, nothing is called impossible."""
    monkeypatch.setattr(large, "LARGE", 0)
    impossible = desk(8).ruled(values=False, counts=[{"least": 99}])
    assert [row["status"] for row in impossible.rows("portfolio_plans")] == ["infeasible"]
    late = MixedAnswer("limit", np.inf, -np.inf, np.zeros(0))
    monkeypatch.setattr(large, "solve_mixed", lambda *arguments, **settings: late)
    unknown = desk(8).ruled(values=False, counts=[{"least": 99}])
    assert [row["status"] for row in unknown.rows("portfolio_plans")] == ["no_plan"]
