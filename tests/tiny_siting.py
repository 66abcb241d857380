"""Random questions of siting on tiny networks, and their answers by trying every set of warehouses.

Some of a random network's warehouses, and a few more at their sites or at new ones, are candidates: with
rents, investments, a slow first year, a late opening, and room that is scarce or ample; others exist. The
other side opens each set in the tables, compiles them and solves the flow from nothing. What sets cost, and
which of them the rules allow, is worked out here a second time, in plain words.
"""

from copy import copy
from dataclasses import dataclass
from functools import cached_property
from itertools import product

import numpy as np

from logistics.models.flow.column_generation import FlowModel, StopRule
from logistics.models.placement.search import PlacementSearch
from logistics.network.checks import check_tables
from logistics.network.tables import BY_NAME
from logistics.studies.compiled import instance_reachable
from logistics.studies.siting_candidates import candidates_of
from logistics.studies.siting_problem import sited_years
from logistics.studies.siting_spec import SitingSpec
from logistics.studies.year_flow import Question
from logistics.verification.books import WEIGHTS
from logistics.virtual_network.build import build_instance
from tests.random_limits import random_case
from tests.tiny import table_of

FIRST = 2021
RATE = 0.06
TO_THE_END = StopRule(gap=1e-11, time_limit_s=60.0)
MOST_CANDIDATES = {1: 5, 2: 3}
"""By number of years: so many that every plan can be tried."""


def changed(network, name, change):
    """`network` with each row of a table changed by a function of the row."""
    rows = [{**row, **change(row)} for row in network.rows(name)]
    return network.with_table(name, table_of(BY_NAME[name], rows))


def with_rows(network, name, rows):
    """`network` with rows more in a table."""
    provenance = {"source": "invented", "confidence": "high"}
    more = [{**provenance, **row} for row in rows]
    return network.with_table(name, table_of(BY_NAME[name], [*network.rows(name), *more]))


def annual_cny(option):
    """What a warehouse costs a year: its rent, and equal payments on what was invested."""
    capex, rent = option["capex_cny"] or 0.0, option["fixed_cny_per_year"] or 0.0
    return rent + (capex * RATE / (1 - (1 + RATE) ** -option["life_years"]) if capex else 0.0)


@dataclass(frozen=True)
class Holding:
    """A warehouse of a plan.

    Parameters
    ----------
    option
        Its id.
    opens
        The year from which it is open; None: it exists, and stays.
    """

    option: str
    opens: int | None


class Ground:
    """One random question, and its answer by trying everything.

    Parameters
    ----------
    seed
        Decides everything.
    settings
        Further keys of the study.

    Attributes
    ----------
    most
        Candidates at most, by number of years.
    """

    most = MOST_CANDIDATES

    def __init__(self, seed, **settings):
        self.seed, self.settings = seed, settings
        r = np.random.default_rng([seed, 55])
        known = random_case(seed)
        self.objective = "money" if known.objective == "money" else "generalised"
        alike = self.objective == known.objective
        self.price = known.price if alike else None
        self.limits = known.limits if alike and r.random() < 0.5 else ()
        count = 1 + int(r.random() < 0.5)
        self.years = list(range(FIRST, FIRST + count))
        self._flow_cost, self._lost_t = {}, {}
        network = self._candidates(self._stocked(known.network, r), count, r)
        rates = [{**row, "year": float(FIRST + 1)} for row in network.rows("fx")]
        network = with_rows(network, "fx", rates)
        self.networks = {FIRST: network}
        for year in self.years[1:]:
            factors = {name: r.uniform(0.7, 1.6) for name in network.texts("demand", "demand_id")}
            self.networks[year] = changed(
                network,
                "demand",
                lambda d, f=factors: {"tonnes_per_year": d["tonnes_per_year"] * f[d["demand_id"]]},
            )
        self._serve(known)
        self._price(r)
        for network in self.networks.values():
            assert not [p for p in check_tables(network) if p.severity == "error"]

    @staticmethod
    def _stocked(network, r):
        """More of the cargo is stocked, as far as the tables let it be."""
        homes = set(network.texts("warehouse_options", "site_id"))
        reached = {s["customs_territory"] for s in network.rows("sites") if s["site_id"] in homes}
        territory = {s["site_id"]: s["customs_territory"] for s in network.rows("sites")}
        return changed(
            network,
            "demand",
            lambda d: (
                {"segment": "stocked"}
                if territory[d["destination_site"]] in reached and r.random() < 0.6
                else {}
            ),
        )

    def _candidates(self, network, count, r):
        """Warehouses become candidates, and more stand beside them."""
        whole = sum(d["tonnes_per_year"] for d in network.rows("demand"))
        options, sites = network.rows("warehouse_options"), network.rows("sites")
        if not options:
            market = next(s for s in sites if s["kind"] == "market" and s["customs_territory"] != "CN")
            site = {**market, "site_id": "WH_LATE", "kind": "overseas_warehouse"}
            network = with_rows(network, "sites", [site])
            fees = {"inbound_cny_per_t": 10.0, "pick_cny_per_order": 1.0, "storage_cny_per_m3_day": 1.0}
            fees["capacity_t_per_year"] = whole
            options = [
                {"option_id": "WH_LATE_s", "site_id": "WH_LATE", **fees, "inbound_h": 5.0, "pick_h": 2.0}
            ]
            sites = network.rows("sites")
        made, standing = [], []
        for old in options:
            if r.random() < 0.3:
                standing.append({**old, "ownership": "lease", "size": "old", "status": "existing"})
        for number in range(self.most[count] - int(r.integers(0, 2))):
            old = options[int(r.integers(len(options)))]
            site = old["site_id"]
            if r.random() < 0.4:
                place = next(s for s in sites if s["site_id"] == site)
                site = f"SITE_{number}"
                moved = {
                    "lat": place["lat"] + r.uniform(-0.8, 0.8),
                    "lon": place["lon"] + r.uniform(-0.8, 0.8),
                }
                status = str(r.choice(("existing", "option")))
                network = with_rows(network, "sites", [{**place, **moved, "site_id": site, "status": status}])
            fees = ("inbound_cny_per_t", "pick_cny_per_order", "storage_cny_per_m3_day")
            made.append(
                {
                    **old,
                    **{name: float(old[name]) * r.uniform(0.3, 1.2) for name in fees},
                    "option_id": f"N{number}",
                    "site_id": site,
                    "ownership": str(r.choice(("build", "lease", "acquire"))),
                    "size": f"size {number}",
                    "status": "option",
                    "capacity_t_per_year": whole * (r.uniform(0.1, 0.5) if r.random() < 0.6 else 3.0),
                    "ramp_up_first_year_share": float(r.choice((1.0, 0.4))),
                    "opening_year": FIRST + 1 if r.random() < 0.2 and count > 1 else None,
                }
            )
        return network.with_table(
            "warehouse_options", table_of(BY_NAME["warehouse_options"], [*standing, *made])
        )

    def _serve(self, known):
        """Where not even all candidates together serve all, what stays behind has a price."""
        names = [
            o["option_id"] for o in self.networks[FIRST].rows("warehouse_options") if o["status"] == "option"
        ]
        whole = dict.fromkeys(names, 1.0)
        price = self.price or 2.0 * float(np.median([*known.ways.cost, 1e4]))
        for found in ((self.price, self.limits), (price, self.limits), (price, ())):
            self.price, self.limits, self._flow_cost = *found, {}
            if all(np.isfinite(self.flow_cost(year, whole)) for year in self.years):
                return

    def _price(self, r):
        """Costs near what each saves, so that some are worth it and some are not."""
        money = {}
        for option in self.networks[self.years[-1]].rows("warehouse_options"):
            if option["status"] == "existing":
                money[option["option_id"]] = {"fixed_cny_per_year": float(r.uniform(0, 2e4))}
                continue
            size = self._saved(option["option_id"])
            share = r.uniform(0.05, 1.1)
            built = option["ownership"] != "lease"
            money[option["option_id"]] = {
                "fixed_cny_per_year": (0.2 if built else 1.0) * share * size,
                "capex_cny": 6.0 * share * size if built else 0.0,
                "life_years": float(r.choice((10.0, 20.0))) if built else None,
            }
        self.networks = {
            year: changed(network, "warehouse_options", lambda row: money[row["option_id"]])
            for year, network in self.networks.items()
        }
        self._flow_cost = {}

    def _saved(self, name):
        """What a candidate saves alone in the last year, or a small amount where that is nothing."""
        year = self.years[-1]
        saved = self.flow_cost(year, {}) - self.flow_cost(year, {name: 1.0})
        return float(saved) if np.isfinite(saved) and saved > 1.0 else 1e4

    # --- what the engine is asked

    @cached_property
    def spec(self):
        """Settings of the study."""
        return SitingSpec.model_validate({"kind": "siting", "discount_rate": RATE, **self.settings})

    @cached_property
    def sited(self):
        """The years with their choices."""
        questions = [
            Question(
                network=network,
                year=year,
                weights=WEIGHTS[self.objective],
                unserved_cny_per_t=self.price,
                allow_unserved=False,
                limits=tuple(self.limits),
                gap=1e-6,
                time_limit_s=60.0,
            )
            for year, network in self.networks.items()
        ]
        first = self.networks[FIRST]
        return sited_years(
            self.spec, questions, candidates_of(first, self.spec.candidates, self.spec.closable)
        )

    def ruled(self, **settings):
        """The same question with other settings; what flows cost is shared."""
        twin = copy(self)
        for name in ("spec", "sited", "options", "plans", "found"):
            twin.__dict__.pop(name, None)
        twin.settings = settings
        return twin

    def searched(self, gap=1e-6):
        """A search that has ended, and its answer."""
        search = PlacementSearch(self.sited.problem, [() for _ in self.years], gap, 60.0)
        return search, search.solve([self.sited.base_taken])

    # --- what is true

    @cached_property
    def options(self):
        """Rows of the candidates by id, those that exist and may be closed among them."""
        rows = {row["option_id"]: row for row in self.networks[FIRST].rows("warehouse_options")}
        return {name: rows[name] for name in self.sited.problem.candidates}

    @property
    def closing(self):
        """Existing warehouses that may be closed: all of them, where the study says so."""
        rows = self.networks[FIRST].rows("warehouse_options")
        standing = {row["option_id"] for row in rows if row["status"] == "existing"}
        return standing if "closable" in self.settings else set()

    def network_with(self, year, open_now):
        """Tables of a year in which these candidates are open with a share of their room, and no others."""
        network = self.networks[year]
        rows = {row["option_id"]: row for row in network.rows("warehouse_options")}
        closing = self.closing - open_now.keys()
        sites = {rows[name]["site_id"] for name in open_now}

        def opened(row):
            name = row["option_id"]
            if name in open_now:
                return {
                    "status": "existing",
                    "capacity_t_per_year": row["capacity_t_per_year"] * open_now[name],
                }
            return {"status": "closed"} if name in closing else {}

        network = changed(network, "warehouse_options", opened)
        return changed(network, "sites", lambda s: {"status": "existing"} if s["site_id"] in sites else {})

    def lost_t(self, year):
        """Tonnes that nothing reaches, whatever is open."""
        if year not in self._lost_t:
            options = self.networks[year].rows("warehouse_options")
            whole = {o["option_id"]: 1.0 for o in options if o["status"] == "option"}
            instance = build_instance(self.network_with(year, whole), year, self.objective)
            self._lost_t[year] = instance.commodities.demand_t[~instance_reachable(instance)].sum()
        return self._lost_t[year]

    def flow_cost(self, year, open_now):
        """Cost of a year's flow; inf: the limits do not hold, or cargo stays that must not."""
        key = year, frozenset(open_now.items()), frozenset(self.closing)
        if key not in self._flow_cost:
            instance = build_instance(
                self.network_with(year, open_now), year, self.objective, self.price, self.limits
            )
            found = FlowModel(instance, TO_THE_END).solve()
            left, whole = found.unserved_t.sum(), instance.commodities.demand_t.sum()
            served = self.price is not None or left <= self.lost_t(year) + 1e-6 * whole
            self._flow_cost[key] = found.objective if found.conflict is None and served else np.inf
        return self._flow_cost[key]

    def open_now(self, plan, year):
        """Share of the room of each candidate that is open in a year."""
        rows = self.options
        found = {}
        for one in plan:
            if one.opens is None:
                found[one.option] = 1.0
            elif one.opens <= year:
                slow = rows[one.option]["ramp_up_first_year_share"]
                found[one.option] = slow if one.opens == year else 1.0
        return found

    def cost(self, plan):
        """Cost of warehouses and flows over all years."""
        total = 0.0
        for year in self.years:
            shares = self.open_now(plan, year)
            total += self.flow_cost(year, shares) + sum(annual_cny(self.options[name]) for name in shares)
        return total

    @cached_property
    def plans(self):
        """Every plan: each candidate opens in some year or not at all; what exists stays or goes."""
        ways = []
        for name, row in self.options.items():
            if row["status"] == "existing":
                ways.append([None, Holding(name, None)])
                continue
            years = [y for y in self.years if (row["opening_year"] or y) <= y]
            if self.settings.get("opening") == "first_year":
                years = years[:1]
            ways.append([None, *(Holding(name, year) for year in years)])
        return [frozenset(one for one in plan if one) for plan in product(*ways)]

    def allows(self, plan):
        """Whether the rules of the study allow a plan, in plain words."""
        new = [one for one in plan if one.opens is not None]
        rows = {one.option: self.options[one.option] for one in new}
        sites = [rows[one.option]["site_id"] for one in new]
        if self.settings.get("one_per_site", True) and len(set(sites)) < len(sites):
            return False
        for count in self.settings.get("counts", ()):
            ownership = count["where"].split("'")[1] if "where" in count else None
            counted = [one for one in new if ownership is None or rows[one.option]["ownership"] == ownership]
            if not count.get("least", 0) <= len(counted) <= count.get("most", 99):
                return False
        for budget in self.settings.get("budgets", ()):
            for year, most in budget["cny"].items():
                spent = sum(rows[o.option]["capex_cny"] or 0.0 for o in new if o.opens == int(year))
                if spent > most * (1 + 1e-9) + 1e-3:
                    return False
        return True

    @cached_property
    def found(self):
        """(cost, plan) of every plan that the rules allow, the cheapest first."""
        listed = [(self.cost(plan), plan) for plan in self.plans if self.allows(plan)]
        return sorted(listed, key=lambda item: item[0])

    def plan_of(self, taken):
        """A set of the engine's choices as a plan."""
        problem = self.sited.problem
        names = [problem.names[i] for i in np.flatnonzero(taken)]
        found = set()
        for name in names:
            option, year = name.rsplit(".", 1)
            exists = self.options[option]["status"] == "existing"
            found.add(Holding(option, None if exists else int(year)))
        return frozenset(found)

    def taken(self, plan):
        """A plan as the engine's choices."""
        number = {name: i for i, name in enumerate(self.sited.problem.names)}
        flags = np.zeros(len(number), bool)
        for one in plan:
            flags[number[f"{one.option}.{one.opens or FIRST}"]] = True
        return flags
