"""Rules of a portfolio: each as rows against plain words, then what a planner writes, is told and can check.

Rows are held against plain words on every choice of options, without any flow. The rest is about the command
line on ``three_gateways``, whose README argues the plan without options.
"""

import json
import re
from itertools import product

import numpy as np
import pyarrow.csv as pacsv
import pyarrow.parquet as pq
import pytest

from logistics.network.tables import BY_NAME
from logistics.proposals.entering import RouteOption, options_of, subsidy_share
from logistics.proposals.spec import Generate, ProposalRow, Source
from logistics.studies import route_tables
from logistics.studies.portfolio import MOST_OUTSIDE
from logistics.studies.portfolio_choices import UNITS, Rulebook, choices_of
from logistics.studies.portfolio_search import MOST_CUTS
from logistics.studies.portfolio_spec import Budget, Count, OtherOption, PortfolioSpec
from logistics.studies.route_corridors import CORRIDORS
from logistics.studies.routes import RoutesSpec
from tests.test_command_line import command_line
from tests.test_documents import RESULTS, SCENARIOS, first_cells, keys, section
from tests.test_limits import Desk, verified
from tests.tiny import table_of, three_gateways, tiny_network
from tests.tiny_routes import made_route

YEARS = (2021, 2022)
RATE = 0.06
MOST_CHOICES = 10

# --- rows against plain words ---------------------------------------------------------------------

HOME, ABROAD = ("AIR", "AIR2", "AIR3"), ("FRA", "LAX")


def airports():
    """``three_gateways`` with two more airports of the province; AIR_DE and AIR_US fly from AIR alone."""
    air = next(row for row in three_gateways().rows("sites") if row["site_id"] == "AIR")
    return tiny_network(sites=[{**air, "site_id": name} for name in HOME[1:]])


def random_units(r):
    """Routes by air and rail, now and then there and back or at two levels, and other options."""
    routes, number = [], int(r.integers(2, 5))
    for i in range(number):
        by_air = r.random() < 0.75
        ends = (str(r.choice(HOME)), str(r.choice(ABROAD))) if by_air else ("RAIL", "RDU")
        ends = ends[::-1] if r.random() < 0.2 else ends
        ways = (ends, ends[::-1]) if r.random() < 0.5 else (ends,)
        route = made_route(
            f"R{i}",
            "air" if by_air else "rail",
            *ways,
            run_h=10.0,
            tariff=1.0,
            basis="tkm",
            payload_t=10.0,
            levels=(1.0, 2.0) if r.random() < 0.2 else (1.0,),
            cost_cny_per_departure=float(r.integers(1, 5)) * 1e6 / (365 / 7),
            capex_cny=float(r.integers(0, 4)) * 1e6,
            subsidy_cny_per_departure=float(r.integers(0, 3)) * 1e6 / (365 / 7),
            subsidy_shares=(1.0, 0.5),
            opening_year=2022 if r.random() < 0.2 else 2021,
        )
        routes.append(route)
    others = []
    for i in range(int(r.integers(0, 3))):
        if r.random() < 0.5:
            change = {"expand": {"site": "AIR", "throughput_t_per_year": 10.0}}
        else:
            sites = [str(s) for s in r.choice(("RAIL", "SEA"), size=int(r.integers(1, 3)), replace=False)]
            change = {"clearance_window": {"sites": sites, "open": "always"}}
        others.append({"id": f"O{i}", "capex_cny": float(r.integers(0, 3)) * 1e6, **change})
    return routes, others


def random_settings(r, names):
    """Rules of every kind, some of them."""
    rules = {}
    if r.random() < 0.6:
        counts = str(r.choice(("investment", "subsidy", "running")))
        cny = {str(year): float(r.integers(0, 9)) * 1e6 for year in YEARS if r.random() < 0.8}
        rules["budgets"] = [{"counts": counts, "cny": cny}] if cny else []
    if r.random() < 0.7:
        count = {"least": int(r.integers(0, 3)), "most": int(r.integers(3, 6))}
        where = r.choice((None, "mode == 'air'", "mode in ['rail', 'expansion']", "to_site == 'FRA'"))
        existing = r.choice((None, "mode == 'air'", "service_id == 'AIR_DE'"))
        count |= {k: v for k, v in (("where", where), ("existing", existing)) if v is not None}
        rules["counts"] = [count | ({"years": [2022]} if r.random() < 0.3 else {})]
    if r.random() < 0.5:
        rules["most_airports_per_destination"] = int(r.integers(1, 3))
    for name, share in (("exclusions", 0.5), ("prerequisites", 0.5)):
        if r.random() < share and len(names) > 1:
            rules[name] = [[str(n) for n in r.choice(names, size=2, replace=False)]]
    return rules


class PlainWords:
    """Rules on a set of choices, as a person would check them."""

    def __init__(self, spec, rules, choices):
        self.spec, self.rules, self.choices = spec, rules, choices
        self.pairs = {("AIR", "FRA"), ("AIR", "LAX")}

    def pair(self, choice):
        """The airport of the province and the end abroad that a choice joins, if it is a flight."""
        if not isinstance(choice.option, RouteOption) or choice.option.proposal.mode != "air":
            return None
        stops = choice.option.proposal.services[0].stops
        return tuple(sorted((stops[0]["site_id"], stops[-1]["site_id"]), key=lambda name: name in ABROAD))

    def allow(self, chosen):
        """Whether all rules are kept."""
        by_year = {year: [c for c in chosen if c.year == year] for year in YEARS}
        before = set()
        for year, open_now in by_year.items():
            units = {c.unit_id for c in open_now}
            if not before <= units or not self._keeps(year, open_now, before):
                return False
            before = units
        return True

    def _keeps(self, year, chosen, before):
        units = [c.unit_id for c in chosen]
        flights = [self.pair(c) for c in chosen if self.pair(c)]
        hours = [
            site
            for c in chosen
            if not isinstance(c.option, RouteOption) and c.option.clearance_window
            for site in c.option.clearance_window.sites
        ]
        if any(len(set(names)) < len(names) for names in (units, flights, hours)):
            return False
        return (
            all(self._affords(budget, year, chosen, before) for budget in self.rules.get("budgets", ()))
            and all(self._counts(count, year, chosen) for count in self.rules.get("counts", ()))
            and self._spreads(flights)
            and all(len(set(units) & set(names)) <= 1 for names in self.rules.get("exclusions", ()))
            and all(b in units for a, b in self.rules.get("prerequisites", ()) if a in units)
        )

    def _affords(self, budget, year, chosen, before):
        if str(year) not in budget["cny"]:
            return True
        spent = 0.0
        for c in chosen:
            route = c.option.proposal if isinstance(c.option, RouteOption) else None
            if budget["counts"] == "investment":
                capex = route.capex_cny if route else c.option.capex_cny
                spent += capex if c.unit_id not in before else 0.0
            elif route and budget["counts"] == "running":
                spent += route.cost_cny_per_departure * c.option.departures_per_week * 365 / 7
            elif route:
                share = (1.0, 0.5)[year - route.opening_year]
                spent += share * route.subsidy_cny_per_departure * c.option.departures_per_week * 365 / 7
        return spent <= budget["cny"][str(year)] + 1.0

    def _counts(self, count, year, chosen):
        if year not in count.get("years", YEARS):
            return True
        there = set()
        if count.get("existing"):
            there = self.pairs if "mode" in count["existing"] else {("AIR", "FRA")}
        fitting = [c for c in chosen if self._is(c, count.get("where"))]
        flights = {self.pair(c) for c in fitting} - {None}
        number = len(there | flights) + sum(self.pair(c) is None for c in fitting)
        return count["least"] <= number <= count["most"]

    def _is(self, choice, where):
        if where is None:
            return True
        if isinstance(choice.option, RouteOption):
            proposal = choice.option.proposal
            named = {"mode": proposal.mode, "to_site": proposal.services[0].stops[-1]["site_id"]}
        else:
            named = {"mode": "expansion" if choice.option.expand else "clearance", "to_site": ""}
        # A condition is written in Python's own words, so Python can read it a second time.
        return eval(where, {"__builtins__": {}}, named)

    def _spreads(self, flights):
        most = self.rules.get("most_airports_per_destination")
        if most is None:
            return True
        for end in ABROAD:
            there = {a for a, e in self.pairs if e == end}
            new = {a for a, e in flights if e == end} - there
            if new and len(there | new) > most:
                return False
        return True


@pytest.mark.parametrize("seed", range(150))
def test_rows_say_what_the_rules_say(seed):
    """On every choice of options."""
    r = np.random.default_rng([seed, 9])
    network = airports()
    while True:
        routes, others = random_units(r)
        rules = random_settings(r, [route.id for route in routes] + [other["id"] for other in others])
        spec = PortfolioSpec.model_validate(
            {"kind": "portfolio", "proposals": [{"list": []}], "options": others, **rules}
        )
        choices = choices_of(dict.fromkeys(YEARS, options_of(routes)), spec.options)
        if len(choices) <= MOST_CHOICES:
            break
    rows = Rulebook(spec, choices, dict.fromkeys(YEARS, network)).rows()
    words = PlainWords(spec, rules, choices)
    for bits in product((0.0, 1.0), repeat=len(choices)):
        chosen = [c for c, bit in zip(choices, bits, strict=True) if bit]
        assert rows.kept(np.array(bits)) == words.allow(chosen), [c.id for c in chosen]


def test_budgets_are_scaled_by_the_frontier():
    """Only budgets."""
    spec = PortfolioSpec.model_validate(
        {
            "kind": "portfolio",
            "proposals": [{"list": []}],
            "budgets": [{"counts": "running", "cny": {"2021": 3e6}}],
            "counts": [{"most": 5}],
        }
    )
    choices = choices_of(dict.fromkeys(YEARS, options_of([TRAIN])), ())
    rulebook = Rulebook(spec, choices, dict.fromkeys(YEARS, airports()))
    upper = {factor: dict(zip(rows.ids, rows.upper, strict=True)) for factor in (0.0, 1.0, 2.0)
             for rows in [rulebook.rows(factor)]}  # fmt: skip
    assert [upper[factor]["budget running 2021"] for factor in (0.0, 1.0, 2.0)] == pytest.approx([0, 3, 6])
    assert {upper[factor]["count 1 2021"] for factor in upper} == {5.0}


TRAIN = made_route(
    "T", "rail", ("RAIL", "RDU"), run_h=288.0, tariff=1.0, basis="tkm", payload_t=1.0, levels=(1.0,)
)


def test_subsidies_fade_from_the_first_year_a_route_may_run():
    """Not from the year in which a plan opens it; without such a year each is the first."""
    late = made_route(
        "L", "air", ("AIR", "FRA"), run_h=1.0, tariff=1.0, basis="tkm", payload_t=1.0,
        opening_year=2021, subsidy_shares=(1.0, 0.4, 0.0),
    )  # fmt: skip
    assert [subsidy_share(late, year) for year in (2021, 2022, 2023, 2024)] == [1.0, 0.4, 0.0, 0.0]
    assert subsidy_share(TRAIN, 2030) == 1.0


# --- by the command line --------------------------------------------------------------------------

FULL_TRAIN = """{proposal_id: %s, mode: rail, stops: [RAIL, RDU], frequencies: [3.5], availability: 0.8,
        payload_t: 1, payload_m3: 1, load_factor_max: 1, run_h: [288], run_sd_h: [24], distance_km: [9000],
        tariff_basis: feu, tariff: 52000, segments: [b2b], cost_cny_per_departure: %s%s}"""


def routes(*trains):
    """The key ``proposals`` with trains of (id, cost of a departure, further keys)."""
    lines = "\n".join(f"      - {FULL_TRAIN % train}" for train in trains)
    return f"  proposals:\n    - list:\n{lines}\n"


def study(text, years="[2021]"):
    """A study in a scenario."""
    return f"years: {years}\nstudy:\n  kind: portfolio\n{text}"


@pytest.fixture(scope="module")
def desk(tmp_path_factory):
    """A project of this module."""
    return Desk(tmp_path_factory.mktemp("portfolio"))


@pytest.fixture(scope="module")
def plain(desk):
    """The year as it is."""
    return desk.solved("")


def by_year(ran):
    """Rows of portfolio_years by year."""
    return {row["year"]: row for row in ran.rows("portfolio_years")}


@pytest.fixture(scope="module")
def train(desk):
    """A train like RAIL_DE with room for 146 t of b2b cargo; its shippers ride free, its cost is counted."""
    return desk.solved(study(routes(("T", 1000, ""), ("DEAR", 2000, ""))))


def test_a_portfolio_by_hand(train):
    """One train is worth it, the dear one is not, neither beside it nor in its place.

    On RAIL_DE a tonne pays 1,210; each of the 146 t on the train saves that, and gives its place on RAIL_DE
    to cargo that finds none: B2, 100 t at 276 more by sea, then S1 at 60.6. 146 departures cost 1,000 each.
    """
    saved = 146 * 1210 + 100 * 276 + 46 * 60.6
    (row,) = train.rows("portfolio")
    (year,) = train.rows("portfolio_years")
    (plan,) = train.rows("portfolio_plans")
    assert (row["unit_id"], row["opens"], row["departures_per_week"]) == ("T", True, 3.5)
    assert row["tonnes"] == pytest.approx(146)
    assert row["load_factor"] == pytest.approx(1.0)
    assert row["running_cny"] == pytest.approx(146_000)
    # At 52,000 CNY per FEU, 1,300 a tonne, the operator would earn it back.
    assert row["fares_cny"] == pytest.approx(146 * 1300)
    assert row["operator_cny"] == pytest.approx(146 * 1300 - 146_000)
    assert year["saved_cny"] == pytest.approx(saved, abs=1)
    assert year["net_benefit_cny"] == plan["benefit_cny"] == pytest.approx(saved - 146_000, abs=1)
    # Without it nothing runs: the dear train costs more than it saves.
    assert row["value_low_cny"] == pytest.approx(saved - 146_000, abs=10)
    assert row["value_high_cny"] == pytest.approx(saved - 146_000, abs=10)
    # Beside it the dear one saves 1,210 a tonne and gives 146 places on RAIL_DE to S1.
    (outside,) = train.rows("portfolio_outside")
    assert outside["unit_id"] == "DEAR"
    assert outside["value_low_cny"] == pytest.approx(146 * (1210 + 60.6) - 292_000, abs=10)


def test_what_is_printed(desk, train):
    """The chosen, their years, other plans, the next best outside; in both languages."""
    command_line("run", train.scenario, "--out", train.folder, "--force", "-q")
    said = command_line("run", train.scenario, "--out", train.folder, "--force", "-q").out
    assert "Chosen options, in the last year" in said
    assert re.search(r"best +optimal +0\.1 +0\.1", said)
    assert "Next best outside: DEAR" in said
    chinese = command_line("run", train.scenario, "--out", train.folder, "--force", "-q", "--lang", "zh").out
    assert "入选方案（末年）" in chinese
    assert "未入选中最好的：DEAR" in chinese


AIR_ROOM = (
    "changes: [{set: {table: sites, where: \"site_id == 'AIR'\", column: throughput_t_per_year, value: %s}}]"
)
SHUT_ABROAD = 'changes: [{clearance_window: {sites: [RDU, HAM], open: "Mon-Sun 08:00-20:00"}}]'
EVERYWHERE = "{sites: [RAIL, SEA, RDU, HAM], open: always}"
CHANGES = {
    "a window": (
        "  options: [{id: w, clearance_window: {sites: [RAIL, SEA], open: always}, cost_cny_per_year: 10}]\n",
        "changes: [{clearance_window: {sites: [RAIL, SEA], open: always}}]",
        "",
    ),
    "a window at home and abroad": (
        f"  options: [{{id: w, clearance_window: {EVERYWHERE}, capex_cny: 1}}]\n",
        f"changes: [{{clearance_window: {EVERYWHERE}}}]",
        SHUT_ABROAD,
    ),
    "an expansion": (
        "  options: [{id: e, expand: {site: AIR, throughput_t_per_year: 60}, capex_cny: 100}]\n",
        AIR_ROOM % 90280,
        AIR_ROOM % 90220,
    ),
}
"""Study, the same as a change, and what both have in common."""


@pytest.mark.parametrize("name", CHANGES)
def test_an_option_alone_is_worth_what_its_change_saves(desk, name):
    """A scenario with the same change, solved from nothing, costs as much less."""
    options, change, before = CHANGES[name]
    ran = desk.solved(f"{study(options)}{before}")
    (row,), (year,) = ran.rows("portfolio"), ran.rows("portfolio_years")
    without, after = desk.solved(before), desk.solved(change)
    saved = without.said["objective"] - after.said["objective"]
    assert saved > 1000
    assert year["saved_cny"] == pytest.approx(saved, abs=2e-6 * without.said["objective"])
    cost = row["running_cny"] + row["annuity_cny"]
    assert row["value_low_cny"] == pytest.approx(saved - cost, abs=300)
    assert row["value_high_cny"] == pytest.approx(saved - cost, abs=300)
    assert ran.rows("portfolio_plans")[0]["benefit_cny"] == pytest.approx(saved - cost, abs=300)


def test_of_two_opening_hours_of_a_site_one_runs(desk):
    """The better one, though both would pay."""
    options = """  options:
    - {id: evening, clearance_window: {sites: [RAIL], open: "Mon-Sun 08:00-24:00"}}
    - {id: always, clearance_window: {sites: [RAIL, SEA], open: always}}
"""
    ran = desk.solved(study(options))
    assert [row["unit_id"] for row in ran.rows("portfolio")] == ["always"]


def test_other_cargo_counts_as_load(desk):
    """146 of 1,460 t and 1,314 t of other cargo fill the train; nobody else rides it back."""
    more = ", payload_t: 10, payload_m3: 10, background_t_per_departure: 9, background_tariff_cny_per_t: 10"
    train = routes(("T", 1000, more)).replace("payload_t: 1, payload_m3: 1, ", "")
    for least, chosen in ((0.95, ["T"]), (1.0, ["T"])):
        ran = desk.solved(study(f"{train}  min_load_factor: {least}\n"))
        assert [row["unit_id"] for row in ran.rows("portfolio")] == chosen
    (row,) = ran.rows("portfolio")
    assert row["load_factor"] == pytest.approx(1.0)
    assert row["running_cny"] == pytest.approx(146 * (1000 - 90))
    half = train.replace("background_t_per_departure: 9", "background_t_per_departure: 1")
    ran = desk.solved(study(f"{half}  min_load_factor: 0.999\n"))
    assert ran.rows("portfolio") == []
    assert ran.rows("portfolio_plans")[0]["options"] == 0


def test_years_hang_together(desk):
    """Opened once, paid once, kept open; the annuity is paid each year, and later years count less."""
    trains = routes(("T", 1000, ", capex_cny: 100000, subsidy_cny_per_departure: 10"))
    ran = desk.solved(
        study(f"{trains}  budgets: [{{counts: investment, cny: {{2021: 0}}}}]\n", "[2021, 2022]")
    )
    (row,) = ran.rows("portfolio")
    assert (row["year"], row["opens"], row["investment_cny"]) == (2022, True, 100_000)
    years = by_year(ran)
    assert (years[2021]["options"], years[2022]["options"]) == (0, 1)
    assert years[2022]["discount_factor"] == pytest.approx(1 / (1 + RATE))
    free = desk.solved(study(trains, "[2021, 2022]"))
    first, second = free.rows("portfolio")
    assert (first["opens"], second["opens"]) == (True, False)
    assert (first["investment_cny"], second["investment_cny"]) == (100_000, 0)
    annuity = 100_000 * RATE / (1 - (1 + RATE) ** -10)
    assert first["annuity_cny"] == second["annuity_cny"] == pytest.approx(annuity)
    assert first["subsidy_cny"] == pytest.approx(1460)
    total = sum(row["discount_factor"] * row["net_benefit_cny"] for row in by_year(free).values())
    assert free.rows("portfolio_plans")[0]["benefit_cny"] == pytest.approx(total, rel=1e-6)


def test_each_year_has_its_rates(tmp_path):
    """Half of 2021's in 2022: what other cargo pays, and fares at the proposed tariff; the cost stays."""
    desk = Desk(tmp_path)
    named = {"what": "tariff", "mode": "rail", "region": "*", "source": "invented", "confidence": "high"}
    rows = table_of(BY_NAME["rate_levels"], [{**named, "year": 2022.0, "factor": 0.5}])
    pacsv.write_csv(rows, desk.root / "networks" / "three_gateways" / "rate_levels.csv")
    other = ", background_t_per_departure: 0.1, background_tariff_cny_per_t: 2000"
    for rate_year, shares in (("", (1.0, 1.0)), (", rate_year: 2021", (1.0, 0.5))):
        ran = desk.solved(study(routes(("T", 1000, other + rate_year)), "[2021, 2022]"))
        paid = [1000 * 146 - 0.1 * 2000 * 146 * share for share in shares]
        first, second = ran.rows("portfolio")
        assert [first["running_cny"], second["running_cny"]] == pytest.approx(paid)
        assert second["fares_cny"] == pytest.approx(shares[1] * first["fares_cny"])


def test_the_plan_beside_is_the_year_without_options(train, plain):
    """Totals, bound and proof of result.json are those of a run without the study."""
    assert train.said["objective"] == pytest.approx(plain.said["objective"], rel=1e-9)
    assert train.result["plans"].keys() == {"2021-portfolio"}
    record = train.result["plans"]["2021-portfolio"]
    assert [change["row"] for change in record["changes"]] == ["T.out"]
    (year,) = train.rows("portfolio_years")
    assert record["objective"] == pytest.approx(year["objective_after"], rel=1e-12)


# --- no plan, no time -----------------------------------------------------------------------------


def test_a_count_above_what_there_is_has_no_plan(desk):
    """Exit code 3 with the reason in words; the year without options is there, and verified."""
    ran = desk.run(study(f"{routes(('T', 1000, ''))}  counts: [{{least: 2}}]\n"))
    assert (ran.code, ran.said["status"]) == (3, "infeasible")
    assert "no choice of options keeps these rules together (proven): " in ran.err
    assert "demand" not in ran.err
    assert verified(ran.folder)
    (plan,) = ran.rows("portfolio_plans")
    assert (plan["status"], plan["value"], plan["options"]) == ("infeasible", None, 0)
    assert ran.rows("portfolio") == ran.rows("portfolio_years") == []
    said = command_line("run", ran.scenario, "--out", ran.folder, "--force", "-q", "--lang", "zh")
    assert said.code == 3
    assert "没有任何组合能同时满足以下规则（已证明）" in said.err
    english = command_line("run", ran.scenario, "--out", ran.folder, "--force", "-q")
    assert "Nothing is worth opening" not in english.out


def test_rules_that_contradict_the_budget_have_no_plan(desk):
    """A train must run, and must not cost anything."""
    rules = "  counts: [{least: 1}]\n  budgets: [{counts: running, cny: {2021: 100}}]\n"
    ran = desk.run(study(routes(("T", 1000, "")) + rules))
    assert (ran.code, ran.said["status"]) == (3, "infeasible")
    named = ran.err.split("together (proven): ")[1].splitlines()[0]
    assert named.split(" - ")[0] == "budget running 2021, count 1 2021"


def test_nothing_may_be_worth_it(desk):
    """A plan without options is a plan."""
    ran = desk.solved(study(routes(("T", 5000, ""))))
    assert ran.rows("portfolio") == []
    (plan,) = ran.rows("portfolio_plans")
    assert (plan["status"], plan["options"]) == ("optimal", 0)
    assert plan["benefit_cny"] == pytest.approx(0, abs=100)
    said = command_line("run", ran.scenario, "--out", ran.folder, "--force", "-q").out
    assert "Nothing is worth opening under these rules." in said


def test_options_that_open_later_are_no_choice(desk):
    """Nothing to decide, whatever else is asked."""
    more = "  counts: [{most: 1, where: \"mode == 'rail'\"}]\n  alternatives: 2\n"
    ran = desk.solved(study(routes(("T", 1000, ", opening_year: 2022")) + more))
    assert ran.rows("portfolio") == []
    assert len(ran.rows("portfolio_plans")) == 1


IN_NO_TIME = ("--time-limit", "0.000001")


def test_without_time_there_is_a_plan_and_a_gap(desk):
    """Exit code 4: doing nothing is a plan at least, and the bound says how much more there may be."""
    ran = desk.run(study(routes(("T", 1000, ""), ("U", 1000, ""))), *IN_NO_TIME)
    assert (ran.code, ran.said["status"], ran.said["verified"]) == (4, "limit", True)
    (plan,) = ran.rows("portfolio_plans")
    assert plan["status"] == "limit"
    assert plan["bound"] < plan["value"]
    assert plan["gap"] == pytest.approx((plan["value"] - plan["bound"]) / plan["value"])
    assert plan["benefit_at_most_cny"] > plan["benefit_cny"]
    assert "the search for options was stopped by the limit" in ran.err
    assert f"within {plan['gap']:.2g}" in ran.err
    assert verified(ran.folder)


def test_without_time_and_with_something_due_there_is_none(desk):
    """Exit code 5: the rules ask for a train, and no plan with one was found in time."""
    rules = f"{routes(('T', 1000, ''), ('U', 1000, ''))}  counts: [{{least: 1}}]\n"
    ran = desk.run(study(rules), *IN_NO_TIME)
    assert (ran.code, ran.said["status"]) == (5, "no_plan")
    (plan,) = ran.rows("portfolio_plans")
    assert (plan["status"], plan["value"]) == ("no_plan", None)
    assert "before it had a plan that keeps the rules" in ran.err


# --- the results folder ---------------------------------------------------------------------------


def test_plans_are_checked_from_files_and_a_changed_byte_is_found(desk):
    """``verify`` walks the chosen plan again; exit code 6 for any file of the study that was altered."""
    ran = desk.solved(study(routes(("T", 1000, ""))))
    for name in ("portfolio.parquet", "plans/2021-portfolio/flows.parquet"):
        path = ran.folder / name
        good = path.read_bytes()
        path.write_bytes(good[:200] + bytes([good[200] ^ 1]) + good[201:])
        said = command_line("verify", ran.folder)
        assert said.code == 6
        assert name.split("/")[-1] in said.out + said.err
        path.write_bytes(good)
    assert verified(ran.folder)


def test_a_plan_that_opens_less_than_it_uses_is_found(desk):
    """Where result.json no longer says that the train is open, its cargo rides on nothing."""
    ran = desk.solved(study(routes(("T", 1000, ""))))
    path = ran.folder / "result.json"
    document = json.loads(path.read_text("utf-8"))
    document["plans"]["2021-portfolio"]["changes"] = []
    path.write_text(json.dumps(document, ensure_ascii=False), "utf-8")
    said = command_line("verify", ran.folder, "--json")
    assert said.code == 6


def test_tables_are_there_for_every_outcome(desk, train):
    """The same columns, with rows or without."""
    none = desk.run(study(f"{routes(('T', 1000, ''))}  counts: [{{least: 2}}]\n"))
    for name in ("portfolio", "portfolio_years", "portfolio_plans", "portfolio_outside"):
        schemas = [pq.read_schema(ran.folder / f"{name}.parquet") for ran in (train, none)]
        assert schemas[0].names == schemas[1].names


# --- bad input ------------------------------------------------------------------------------------

BAD = """  options:
    - {id: T, expand: {site: AIR, throughput_t_per_year: 5}}
    - {id: a, expand: {site: SEA, throughput_t_per_year: 5}}
    - {id: b, expand: {site: AIRR, throughput_t_per_year: 5}}
    - {id: b, clearance_window: {sites: [RAIL, RAYL], open: always}}
    - {id: c, clearance_window: {sites: [RAIL], open: "never"}}
    - {id: d, clearance_window: {sites: [AIR, RAIL], open: "Mon-Sat 07:00-21:00"}}
  exclusions: [[T, U], [T, T]]
  prerequisites: [[T, nobody], [b, T], [T, T]]
  counts:
    - {least: 1, where: "moode == 'rail'"}
    - {least: 1, where: "mode =="}
    - {least: 1, existing: "modee == 'air'"}
    - {least: 3, most: 2}
    - {least: 1, years: [2021, 2030]}
  budgets:
    - {counts: investment, cny: {2021: 1, 2029: 5}}
"""
FOUND = (
    ("'T' stands twice",),
    ("'SEA' has no limit of throughput",),
    ("'AIRR'", "did you mean 'AIR'"),
    ("'RAYL'", "did you mean 'RAIL'"),
    ("'b' stands twice",),
    ("'never' are not opening hours",),
    ("AIR is open today: always",),
    ("RAIL is open today: Mon-Sun 08:00-20:00",),
    ("no proposal or option is called 'U'",),
    ("'T' stands here twice",),
    ("no proposal or option is called 'nobody'",),
    ("'T' stands here twice",),
    ("no column 'moode'", "did you mean 'mode'"),
    ("the condition 'mode ==' cannot be read",),
    ("no column 'modee'",),
    ("at least 3 and at most 2",),
    ("2030 is no year of the scenario",),
    ("2029 is no year of the scenario",),
)


def test_everything_that_is_wrong_is_listed_at_once(desk):
    """With file, line and column, in reading order."""
    lines = desk.refused(study(routes(("T", 1000, "")) + BAD))
    assert len(lines) == len(FOUND), lines
    for line, parts in zip(lines, FOUND, strict=True):
        assert re.match(r"s\d+\.yaml:\d+:\d+: ", line)
        assert all(part in line for part in parts), line


def test_bad_proposals_and_bad_rules_are_listed_together(desk):
    """A proposal that cannot be read hides no mistake elsewhere."""
    bad = routes(("T", 1000, ""), ("U", 1000, "")).replace("stops: [RAIL, RDU]", "stops: [RAIL, NOWHERE]", 1)
    lines = desk.refused(study(f"{bad}  budgets: [{{counts: running, cny: {{2029: 1}}}}]\n"))
    assert ["NOWHERE" in lines[0], "2029" in lines[1], len(lines)] == [True, True, 2]


def test_bad_proposals_may_be_left_out(desk):
    """The good ones are chosen from, and the bad ones are named with their reason."""
    bad = routes(("T", 1000, ""), ("U", 1000, "")).replace("stops: [RAIL, RDU]", "stops: [RAIL, NOWHERE]", 1)
    ran = desk.run(study(bad), "--keep-going")
    assert ran.code == 0
    assert [row["unit_id"] for row in ran.rows("portfolio")] == ["U"]
    assert "'NOWHERE'" in ran.err
    assert any(warning["found"] == "NOWHERE" for warning in ran.result["warnings"])


def test_rules_may_name_proposals_that_are_left_out(desk):
    """What cannot be evaluated never runs: it excludes nothing, and what needs it does not run either."""
    bad = routes(("T", 1000, ""), ("U", 1000, ""), ("V", 500, "")).replace(
        "[RAIL, RDU]", "[RAIL, NOWHERE]", 1
    )
    rules = "  exclusions: [[T, U]]\n  prerequisites: [[V, T]]\n"
    ran = desk.run(study(bad + rules), "--keep-going")
    assert ran.code == 0, ran.err
    assert [row["unit_id"] for row in ran.rows("portfolio")] == ["U"]


@pytest.mark.parametrize(("rule", "code"), [("most: 1", 0), ("least: 1", 3)])
def test_a_count_of_what_there_is_not_is_said(desk, rule, code):
    """The condition can be read, but no proposal meets it."""
    text = study(f"{routes(('T', 1000, ''))}  counts: [{{{rule}, where: \"mode == 'airr'\"}}]\n")
    ran = desk.run(text)
    assert ran.code == code
    assert "no proposal and no option meets 'mode == 'airr''" in ran.err
    assert "portfolio.count_of_none" in {warning["code"] for warning in ran.result["warnings"]}


@pytest.mark.parametrize("objective", ["hours", "co2"])
def test_options_are_not_added_to_hours_or_kilograms(desk, objective):
    """They cost CNY."""
    (line,) = desk.refused(f"objective: {objective}\n{study(routes(('T', 1000, '')))}")
    assert f"cannot be added to the objective {objective}" in line


def test_money_alone_may_be_the_objective(desk):
    """Waiting is worth nothing then, but the train is still the cheaper way."""
    ran = desk.solved(f"objective: money\n{study(routes(('T', 100, '')))}")
    assert [row["unit_id"] for row in ran.rows("portfolio")] == ["T"]


ONE = routes(("T", 1, ""))
ROOM = "  options: [{id: a, expand: {site: AIR, throughput_t_per_year: 1}"
SHAPES = {
    "nothing to decide": ("  alternatives: 1\n", "proposals or options"),
    "a frontier without budgets": (f"{ONE}  frontier: [1]\n", "a frontier of budgets needs"),
    "an option that is nothing": ("  options: [{id: a}]\n", "exactly one of expand, clearance_window"),
    "an option that is two things": (
        f"{ROOM}, clearance_window: {{sites: [AIR], open: always}}}}]\n",
        "exactly one of expand, clearance_window",
    ),
    "no more room": ("  options: [{id: a, expand: {site: AIR, throughput_t_per_year: 0}}]\n", "out of range"),
    "a count of nothing": (
        f"{routes(('T', 1, ''))}  counts: [{{where: \"mode == 'air'\"}}]\n",
        "least or most",
    ),
    "another budget": (
        f"{routes(('T', 1, ''))}  budgets: [{{counts: money, cny: {{2021: 1}}}}]\n",
        "'money'",
    ),
    "a count in no year": (f"{routes(('T', 1, ''))}  counts: [{{least: 1, years: []}}]\n", "counts.0.years"),
    "called like a frequency": (
        routes(("T", 1, "")).replace("[3.5]", "[1, 2]")
        + "  options: [{id: t.2W, expand: {site: AIR, throughput_t_per_year: 1}}]\n",
        "'t.2W' stands twice",
    ),
    "too full": (f"{routes(('T', 1, ''))}  min_load_factor: 1.5\n", "out of range"),
    "one alone": (f"{routes(('T', 1, ''))}  exclusions: [[T]]\n", "exclusions.0"),
}


@pytest.mark.parametrize("name", SHAPES)
def test_what_cannot_be_meant_is_refused(desk, name):
    """Before anything is solved."""
    text, words = SHAPES[name]
    lines = desk.refused(study(text))
    assert any(words in line for line in lines), lines


# --- the documents --------------------------------------------------------------------------------

KEYS = {
    "#### Routes": RoutesSpec,
    "#### Proposals": Source,
    "#### Columns of a proposal": ProposalRow,
    "#### Proposals by rule": Generate,
    "#### Portfolio": PortfolioSpec,
    "#### Other options": OtherOption,
}
TABLES = {
    "proposals": route_tables.PROPOSALS,
    "proposal_levels": route_tables.LEVELS,
    "diversions": route_tables.DIVERSIONS,
    "tornado": route_tables.TORNADO,
    "corridors": CORRIDORS,
}


@pytest.mark.parametrize("head", KEYS)
def test_keys_of_proposals_and_portfolios_are_explained(head):
    """Each key once."""
    assert sorted(first_cells(section(SCENARIOS, head))) == sorted(keys(KEYS[head]))


def test_keys_of_budgets_and_counts_are_explained():
    """Those of a budget, then those of a count."""
    budget, count = section(SCENARIOS, "#### Budgets and counts").split("A count has the keys")
    assert first_cells(budget) == list(Budget.model_fields)
    assert first_cells(count) == list(Count.model_fields)


def test_figures_of_the_documents_are_those_of_the_code():
    """Plans ruled out, units outside, what names of units may be conditioned on."""
    words = " ".join(SCENARIOS.split())
    assert f"after {MOST_CUTS} of them the search ends" in words
    assert MOST_OUTSIDE == 10
    assert "Up to ten units" in RESULTS
    (where,) = [line for line in SCENARIOS.splitlines() if line.startswith("| `where` | condition on units")]
    assert set(UNITS.names) <= set(re.findall(r"`(\w+)`", where))


@pytest.mark.parametrize("name", TABLES)
def test_columns_of_routes_are_listed(name):
    """In their order."""
    assert first_cells(section(RESULTS, f"#### {name}")) == TABLES[name].names


@pytest.mark.parametrize(
    "name", ["portfolio", "portfolio_years", "portfolio_plans", "portfolio_outside", "airport_roles"]
)
def test_columns_of_a_portfolio_are_listed(train, name):
    """In their order."""
    columns = pq.read_schema(train.folder / f"{name}.parquet").names
    assert first_cells(section(RESULTS, f"#### {name}")) == columns
