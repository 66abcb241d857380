"""Facilities as candidates of a siting: gateways at home on random networks, against every set of them.

Gateways of a random network become sites of status option, and the services that call there are proposed:
they run where the gateway is opened. What each set costs is found by opening it in the tables, in plain words
of this file, and solving the flow from nothing.
"""

from functools import cached_property
from itertools import product

import numpy as np
import pytest

from logistics.models.flow.column_generation import FlowModel, StopRule
from logistics.models.placement.problem import PlacementPlan
from logistics.models.placement.search import PlacementSearch
from logistics.network.checks import check_tables
from logistics.network.tables import BY_NAME
from logistics.studies.siting_benchmark import worths
from logistics.studies.siting_candidates import candidates_of
from logistics.studies.siting_problem import open_ids, sited_years
from logistics.studies.siting_spec import SitingSpec
from logistics.studies.year_flow import Question
from logistics.verification.books import WEIGHTS
from logistics.virtual_network.build import build_instance
from tests.tiny import random_network, table_of
from tests.tiny_siting import annual_cny, changed

FIRST = 2021
GAP = 1e-6
TO_THE_END = StopRule(gap=1e-11, time_limit_s=60.0)
SEEDS = [*range(5), *(pytest.param(seed, marks=pytest.mark.fuzz) for seed in range(5, 14))]


class Gateways:
    """One random question, and its answer by trying everything.

    Parameters
    ----------
    warehouses
        What becomes of the network's warehouses: ``kept``, ``closable`` or ``new``, of which each may open.
    """

    def __init__(self, seed, *, warehouses="kept", years=1):
        r = np.random.default_rng([seed, 77])
        self.years = [FIRST + i for i in range(years)]
        self.warehouses = warehouses
        network = random_network(seed)
        whole = sum(row["tonnes_per_year"] for row in network.rows("demand"))
        self.price = 3e5
        called = {row["site_id"] for row in network.rows("service_stops")}
        if warehouses == "new":
            network = changed(network, "warehouse_options", lambda o: {"status": "option"})
        home = {row["site_id"] for row in network.rows("sites") if row["customs_territory"] == "CN"}
        gates = sorted(called & home)
        r.shuffle(gates)
        every = set(network.texts("services", "service_id"))
        self.gates, taken = [], set()
        for gate in gates[: int(r.integers(1, 4))]:
            mine = {row["service_id"] for row in network.rows("service_stops") if row["site_id"] == gate}
            # A network has a service that runs.
            if taken | mine != every:
                self.gates, taken = [*self.gates, gate], taken | mine
        network = changed(
            network,
            "sites",
            lambda s: (
                {
                    "status": "option",
                    "throughput_t_per_year": whole * r.uniform(0.2, 2.0),
                    "background_t_per_year": float(r.choice((0.0, 3.0))),
                }
                if s["site_id"] in self.gates
                else {}
            ),
        )
        network = changed(
            network, "services", lambda s: {"status": "proposed"} if s["service_id"] in taken else {}
        )
        background = {s["site_id"]: s["background_t_per_year"] for s in network.rows("sites")}
        options = []
        for gate in self.gates:
            for size in range(int(r.integers(1, 3))):
                room = whole * r.uniform(0.1, 0.4) * (1 + 2 * size) + background[gate]
                options.append(
                    {
                        "option_id": f"{gate}_{size}",
                        "site_id": gate,
                        "size": f"size {size}",
                        "capacity_t_per_year": room,
                        "fixed_cny_per_year": whole * r.uniform(0, 400) * (1 + size),
                        "capex_cny": whole * r.uniform(0, 3000) if r.random() < 0.5 else 0.0,
                        "life_years": 10.0,
                        "opening_year": FIRST + 1 if years > 1 and r.random() < 0.3 else FIRST,
                        "source": "invented",
                        "confidence": "high",
                    }
                )
        self.options = {row["option_id"]: row for row in options}
        network = network.with_table("facility_options", table_of(BY_NAME["facility_options"], options))
        rates = [{**row, "year": float(year)} for row in network.rows("fx") for year in self.years]
        network = network.with_table("fx", table_of(BY_NAME["fx"], rates))
        self.networks = {}
        for year in self.years:
            factor = r.uniform(0.7, 1.6)
            self.networks[year] = changed(
                network, "demand", lambda d, f=factor: {"tonnes_per_year": d["tonnes_per_year"] * f}
            )
        for one in self.networks.values():
            assert not [p for p in check_tables(one) if p.severity == "error"]
        self._cost = {}

    @cached_property
    def sited(self):
        """What the engine is asked."""
        settings = {"kind": "siting", "facilities": "capacity_t_per_year > 0"}
        key = {"closable": "closable", "new": "candidates"}.get(self.warehouses)
        if key:
            settings[key] = "capacity_t_per_year > 0"
        spec = SitingSpec.model_validate(settings)
        questions = [
            Question(
                network=network,
                year=year,
                weights=WEIGHTS["generalised"],
                unserved_cny_per_t=self.price,
                allow_unserved=False,
                limits=(),
                gap=GAP,
                time_limit_s=60.0,
            )
            for year, network in self.networks.items()
        ]
        first = self.networks[FIRST]
        found = candidates_of(first, spec.candidates, spec.closable, spec.facilities)
        return sited_years(spec, questions, found)

    @cached_property
    def searched(self):
        """A search that has ended, and its answer."""
        search = PlacementSearch(self.sited.problem, [() for _ in self.years], GAP, 60.0)
        return search, search.solve([self.sited.base_taken])

    def standing(self):
        """Warehouses of which each may be open or not."""
        status = {"closable": "existing", "new": "option"}.get(self.warehouses)
        rows = self.networks[FIRST].rows("warehouse_options")
        return tuple(row["option_id"] for row in rows if row["status"] == status)

    def opened(self, year, open_now):
        """Tables of a year with facilities open, and of the warehouses only those that are kept."""
        network = self.networks[year]
        mine = {self.options[name]["site_id"]: self.options[name] for name in open_now & self.options.keys()}
        network = changed(
            network,
            "sites",
            lambda s: (
                {
                    "status": "existing",
                    "throughput_t_per_year": mine[s["site_id"]]["capacity_t_per_year"],
                }
                if s["site_id"] in mine
                else {}
            ),
        )
        status = {s["site_id"]: s["status"] for s in network.rows("sites")}
        calls = {}
        for row in network.rows("service_stops"):
            calls.setdefault(row["service_id"], []).append(status[row["site_id"]])
        network = changed(
            network,
            "services",
            lambda s: (
                {"status": "existing"}
                if s["status"] == "proposed" and set(calls[s["service_id"]]) == {"existing"}
                else {}
            ),
        )
        chosen = set(self.standing())

        def held(option):
            name = option["option_id"]
            return {"status": "existing" if name in open_now else "closed"} if name in chosen else {}

        return changed(network, "warehouse_options", held)

    def flow_cost(self, year, open_now):
        """Cost of a year's flow with these open."""
        key = year, frozenset(open_now)
        if key not in self._cost:
            network = self.opened(year, open_now)
            instance = build_instance(network, year, "generalised", self.price, ())
            self._cost[key] = FlowModel(instance, TO_THE_END).solve().objective
        return self._cost[key]

    def fixed(self, name):
        """What an option costs a year."""
        if name in self.options:
            return annual_cny(self.options[name])
        rows = {row["option_id"]: row for row in self.networks[FIRST].rows("warehouse_options")}
        return annual_cny(rows[name])

    @cached_property
    def plans(self):
        """Every plan, as option and year of opening, with its cost."""
        ways = []
        for gate in self.gates:
            mine = [None]
            for name, row in self.options.items():
                if row["site_id"] == gate:
                    mine += [(name, year) for year in self.years if row["opening_year"] <= year]
            ways.append(mine)
        ways += [[None, (name, FIRST)] for name in self.standing()]
        found = {}
        for mixed in product(*ways):
            plan = tuple(one for one in mixed if one is not None)
            cost = 0.0
            for year in self.years:
                open_now = {name for name, opens in plan if opens <= year}
                cost += self.flow_cost(year, open_now) + sum(self.fixed(name) for name in open_now)
            found[frozenset(plan)] = cost
        return found


def chosen(sited, taken):
    """A set of choices as option and year of opening."""
    problem = sited.problem
    return frozenset(
        (problem.candidates[problem.candidate[i]], sited.questions[problem.opens[i]].year)
        for i in np.flatnonzero(taken)
    )


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("kind", ["kept", "closable", "new", "two years"])
def test_against_every_set(seed, kind):
    """No set costs less than the bound, each plan costs what its tables cost, and the best is proven."""
    ground = Gateways(seed, years=2) if kind == "two years" else Gateways(seed, warehouses=kind)
    search, answer = ground.searched
    truth = min(ground.plans.values())
    size = max(1.0, abs(truth))
    assert answer.best is not None
    assert answer.bound <= truth + 2e-6 * size
    for plan in answer.plans:
        assert plan.value == pytest.approx(ground.plans[chosen(ground.sited, plan.taken)], rel=1e-5)
    assert answer.status == "optimal"
    assert answer.best.value == pytest.approx(truth, rel=3e-6)
    for worth, name in zip(worths(search, answer), ground.sited.problem.candidates, strict=True):
        inside = min((v for p, v in ground.plans.items() if any(n == name for n, _ in p)), default=np.inf)
        outside = min((v for p, v in ground.plans.items() if all(n != name for n, _ in p)), default=np.inf)
        if worth.low is not None:
            assert worth.low <= outside - inside + 5e-6 * size
        if worth.high is not None:
            assert worth.high >= outside - inside - 5e-6 * size


def test_an_opened_facility_has_its_own_throughput_and_its_services():
    """The changes that open a plan give the tables that are opened by hand."""
    ground = Gateways(3)
    problem = ground.sited.problem
    gate = [ground.sited.candidates[number].site_id for number in problem.candidate]
    first_of_gate = np.array([gate.index(one) == place for place, one in enumerate(gate)])
    for taken in (first_of_gate, np.zeros(len(problem.names), bool)):
        names = set(open_ids(ground.sited.problem, taken))
        changes = ground.sited.changes(0, PlacementPlan(taken, 0.0, ()))
        by_hand = ground.opened(FIRST, names)
        network = ground.networks[FIRST]
        for table, column in (
            ("sites", "status"),
            ("sites", "throughput_t_per_year"),
            ("services", "status"),
        ):
            key = BY_NAME[table].key[0]
            values = {row[key]: row[column] for row in network.rows(table)}
            for change in changes:
                if (change["table"], change["column"]) == (table, column):
                    values[change["row"]] = change["value"]
            assert values == {row[key]: row[column] for row in by_hand.rows(table)}
