"""Network design against brute force: every choice of options, every simple path, one linear program each."""

from dataclasses import dataclass, replace
from functools import cache
from itertools import product as choices

import numpy as np
import pytest
from scipy.optimize import linprog
from scipy.sparse import coo_array

from logistics.models.design.problem import DesignProblem, DesignStop, SideRows
from logistics.models.design.relaxation import Relaxation
from logistics.models.design.solve import solve_design
from logistics.models.flow.column_generation import FlowModel
from logistics.virtual_network.build import build_instance
from logistics.virtual_network.instance import Limit
from tests.test_flow_brute_force import all_simple_paths, path_cost, path_draws
from tests.tiny import random_network

SEEDS = range(48)
SOME = [*SEEDS[:24], *(pytest.param(seed, marks=pytest.mark.fuzz) for seed in SEEDS[24:])]
"""As parameters: the first ones of every run, the others of the long one."""
MOST_OPTIONS = 6
CLOSED = DesignStop(gap=1e-7, flow_gap=1e-9)


@dataclass
class Ways:
    """Every path of every commodity of a year: cost with constants, draws, kg CO2e."""

    commodity: list
    cost: list
    draws: list
    co2_kg: list

    @classmethod
    def of(cls, instance):
        """Enumerate."""
        ways, c = cls([], [], [], []), instance.commodities
        for k in range(len(c)):
            layer, goods = instance.layers[c.layer[k]], int(c.product[k])
            constant = instance.weights.money * c.constant_cny_per_t[k]
            for path in all_simple_paths(layer, int(c.origin[k]), int(c.destination[k])):
                ways.commodity.append(k)
                ways.cost.append(
                    path_cost(instance, layer, goods, c.time_value_cny_per_t_h[k], path) + constant
                )
                ways.draws.append(path_draws(instance, layer, goods, path))
                ways.co2_kg.append(float(sum(layer.co2_kg_per_t[arc, goods] for arc in path)))
        return ways


def year_cost(problem, year, ways, y):
    """Least cost of a year's flow with these options; inf: what must be served cannot be."""
    instance = problem.instances[year]
    demand, price = instance.commodities.demand_t, instance.unserved_cny_per_t
    paths, count = len(ways.cost), len(demand)
    entries = [(row, i, amount) for i, taken in enumerate(ways.draws) for row, amount in taken.items()]
    upper = list(problem.capacity(year, y))
    for limit in instance.limits:
        entries += [(len(upper), i, co2) for i, co2 in enumerate(ways.co2_kg)]
        upper.append(limit.bound)
    if price is None:
        entries += [(len(upper), paths + k, 1.0) for k in range(count)]
        upper.append(problem.allowed_t(year))
    rows, columns, amounts = zip(*entries, strict=True)
    served = [(k, i, 1.0) for i, k in enumerate(ways.commodity)] + [(k, paths + k, 1.0) for k in range(count)]
    k_rows, k_columns, ones = zip(*served, strict=True)
    unserved = np.broadcast_to(0.0 if price is None else price, (count,))
    answer = linprog(
        np.concatenate([ways.cost, unserved]),
        A_ub=coo_array((amounts, (rows, columns)), shape=(len(upper), paths + count)).tocsr(),
        b_ub=upper,
        A_eq=coo_array((ones, (k_rows, k_columns)), shape=(count, paths + count)).tocsr(),
        b_eq=demand,
        method="highs",
    )
    return answer.fun if answer.status == 0 else np.inf


@cache
def brute_force(seed):
    """Best value of a random problem, and that of each choice of options that obeys the rows."""
    problem = random_problem(seed)
    ways = [Ways.of(instance) for instance in problem.instances]
    known, found = {}, {}
    for bits in choices((0.0, 1.0), repeat=len(problem.options)):
        y = np.array(bits)
        if not problem.rows.kept(y):
            continue
        total = float(problem.cost @ y)
        for year, each in enumerate(ways):
            key = (year, problem.capacity(year, y).tobytes())
            if key not in known:
                known[key] = year_cost(problem, year, each, y)
            total += problem.year_weight[year] * known[key]
        found[bits] = total
    return min(found.values(), default=np.inf), found


def side_rows(rows, options):
    """Side rows from (coefficients by option, lower, upper)."""
    entries = [(i, o, v) for i, (terms, _, _) in enumerate(rows) for o, v in terms.items()]
    row, option, value = zip(*entries, strict=True) if entries else ((), (), ())
    assert all(o < options for o in option)
    return SideRows(
        tuple(f"row {i}" for i in range(len(rows))),
        np.array(row, dtype=np.int32),
        np.array(option, dtype=np.int32),
        np.array(value, dtype=float),
        np.array([lower for _, lower, _ in rows], dtype=float),
        np.array([upper for _, _, upper in rows], dtype=float),
    )


@cache
def random_problem(seed):
    """A random network whose services are options, with the rows and the years that the seed draws."""
    r = np.random.default_rng([seed, 42])
    objective = ("generalised", "money", "generalised", "co2")[seed % 4]
    price = 20_000.0 if seed % 3 == 0 and objective != "co2" else None
    base = build_instance(random_network(seed), 2021, objective, price)
    free = FlowModel(base).solve()
    carried = {}
    for k, path, tonnes in zip(free.commodity, free.path, free.flow_t, strict=True):
        layer = base.layers[base.commodities.layer[k]]
        for row in set(layer.use_row[np.isin(layer.use_arc, path)].tolist()):
            carried[row] = carried.get(row, 0.0) + tonnes
    services = sorted({each.id.split("#")[0] for each in base.resources if each.kind == "service"})
    used = [s for s in services if any(base.resources[row].id.split("#")[0] == s for row in carried)]
    others = [s for s in services if s not in used]
    r.shuffle(others)
    chosen = sorted((used + others)[: int(r.integers(2, MOST_OPTIONS + 1))])
    instances = [base]
    if seed % 2:
        later = replace(base.commodities, demand_t=base.commodities.demand_t * r.uniform(0.8, 1.5))
        instances.append(replace(base, year=2022, commodities=later))
    if seed % 5 == 1:
        instances = [_with_co2_limit(each, r) for each in instances]
    staged = len(instances) == 2 and seed % 4 == 1
    options = [(s, year) for s in chosen for year in range(len(instances) if staged else 1)][:MOST_OPTIONS]
    gates = []
    for year in range(len(instances)):
        pairs = [
            (row, o)
            for o, (service, of_year) in enumerate(options)
            for row, each in enumerate(base.resources)
            if each.kind == "service" and each.id.split("#")[0] == service and (not staged or of_year == year)
        ]
        gates.append(tuple(np.array(part, dtype=np.int32) for part in zip(*pairs, strict=True)) if pairs else
                     (np.zeros(0, np.int32), np.zeros(0, np.int32)))  # fmt: skip
    gated = {int(row) for row in gates[0][0]}
    expansions = ()
    if seed % 7 == 2:
        sites = [
            row for row, each in enumerate(base.resources) if each.kind != "service" and row not in gated
        ]
        if sites:
            options.append(("more room", 0))
            entry = (
                np.array(sites[:1], np.int32),
                np.array([len(options) - 1], np.int32),
                np.array([max(1.0, 0.5 * base.resources[sites[0]].capacity)]),
            )
            expansions = tuple(entry for _ in instances)
    count = len(options)
    scale = abs(free.objective) / max(1, count)
    cost = scale * r.uniform(0.0, 0.1, count) * (r.random(count) < 0.9)
    rows = []
    if staged:
        # What is open stays open: the option of the first year needs that of the second.
        rows += [
            ({o: -1.0, o + 1: 1.0}, 0.0, np.inf)
            for o in range(count - 1)
            if options[o][1] < options[o + 1][1]
        ]
    if r.random() < 0.4:
        rows.append(({o: float(cost[o]) for o in range(count) if cost[o]}, -np.inf, float(cost.sum()) * 0.6))
    if r.random() < 0.4 and count >= 2:
        rows.append(({0: 1.0, count - 1: 1.0}, -np.inf, 1.0))
    if r.random() < 0.3 and count >= 3:
        rows.append(({1: -1.0, 2: 1.0}, -np.inf, 0.0))
    if r.random() < 0.3:
        rows.append((dict.fromkeys(range(count), 1.0), 1.0, float(max(1, count - 1))))
    problem = DesignProblem(
        instances=tuple(instances),
        year_weight=np.array([1.0, 0.9][: len(instances)]),
        options=tuple(f"{service}-{year}" for service, year in options),
        cost=cost,
        gates=tuple(gates),
        rows=side_rows([row for row in rows if row[0]], count),
        expansions=expansions,
    )
    return _allowed(problem, seed)


def _with_co2_limit(instance, r):
    """A limit on CO2 somewhat below what the best plan has."""
    solved, c = FlowModel(instance).solve(), instance.commodities
    co2 = sum(
        tonnes * instance.layers[c.layer[k]].co2_kg_per_t[path, c.product[k]].sum()
        for k, path, tonnes in zip(solved.commodity, solved.path, solved.flow_t, strict=True)
    )
    count = len(instance.commodities)
    bound = float(co2) * r.uniform(0.9, 1.1)
    limit = Limit(
        "max_co2_t", "co2_kg", "kg", np.ones(count), np.zeros(count), np.zeros(count), bound, max(bound, 1.0)
    )
    return replace(instance, limits=(limit,))


def _allowed(problem, seed):
    """Let some problems leave what cannot be served with all options, or a little more."""
    if problem.instances[0].unserved_cny_per_t is not None or seed % 8 == 2:
        return problem
    most = []
    for instance in problem.instances:
        left = float(FlowModel(replace(instance, limits=())).solve().unserved_t.sum())
        most.append(
            left * 1.001 + (0.05 * float(instance.commodities.demand_t.sum()) if seed % 3 == 1 else 0.0)
        )
    return replace(problem, most_unserved_t=np.array(most))


@pytest.mark.parametrize("seed", SOME)
def test_best_choice_is_that_of_brute_force(seed):
    """Value, bound, flows and infeasibility agree with trying every choice of options."""
    problem = random_problem(seed)
    best, found = brute_force(seed)
    answer = solve_design(problem, CLOSED)
    if best == np.inf:
        assert answer.status == "infeasible"
        assert answer.value == np.inf
        return
    scale = max(1.0, abs(best))
    assert answer.status == "optimal"
    assert answer.value == pytest.approx(best, rel=1e-6)
    assert answer.bound <= best + 1e-8 * scale
    assert answer.bound >= best - 1e-6 * scale
    assert found[tuple(answer.open.astype(float))] == pytest.approx(answer.value, rel=1e-6)
    paid = float(problem.cost @ answer.open)
    flows = sum(w * flow.objective for w, flow in zip(problem.year_weight, answer.flows, strict=True))
    assert paid + flows == pytest.approx(answer.value, rel=1e-9)


def test_random_problems_differ_in_what_they_show():
    """Among the seeds are stock, limits, years, expansions, unserved demand, rows that bind."""
    seen = dict.fromkeys(
        (
            "stock",
            "limits",
            "years",
            "expansions",
            "priced",
            "allowed",
            "infeasible",
            "branched",
            "some open",
            "rows bind",
        ),
        0,
    )
    for seed in SEEDS:
        problem = random_problem(seed)
        answer = solve_design(problem, CLOSED)
        free = solve_design(replace(problem, rows=SideRows.none()), CLOSED)
        seen["rows bind"] += free.value < answer.value - 1e-6 * abs(free.value)
        seen["stock"] += any(layer.stocked for layer in problem.instances[0].layers)
        seen["limits"] += bool(problem.instances[0].limits)
        seen["years"] += len(problem.instances) > 1
        seen["expansions"] += bool(problem.expansions)
        seen["priced"] += problem.instances[0].unserved_cny_per_t is not None
        seen["allowed"] += any(flow.unserved_t.sum() > 1e-3 for flow in answer.flows)
        seen["infeasible"] += answer.status == "infeasible"
        seen["branched"] += answer.nodes > 1
        seen["some open"] += bool(0 < answer.open.sum() < len(answer.open))
    assert all(count >= 2 for count in seen.values()), seen


@pytest.mark.parametrize("seed", SOME)
def test_every_reported_bound_is_below_the_optimum(seed):
    """Weak duality: no bound on the way is above the best value, and no plan is below it."""
    problem = random_problem(seed)
    best, _ = brute_force(seed)
    seen = []
    solve_design(problem, CLOSED, seen.append)
    scale = max(1.0, abs(best)) if best < np.inf else 1.0
    assert all(progress.bound <= best + 1e-7 * scale for progress in seen)
    assert all(progress.value >= best - 1e-7 * scale for progress in seen)


@pytest.mark.parametrize("seed", SOME)
def test_strong_links_cut_off_no_choice(seed):
    """With options fixed to any choice that obeys the rows, the relaxation's value is that choice's own."""
    problem = random_problem(seed)
    _, found = brute_force(seed)
    relaxation = Relaxation(problem)
    for bits, value in found.items():
        y = np.array(bits)
        solved = relaxation.solve(y, y, np.inf, 1e-10, lambda: False)
        if value == np.inf:
            assert solved.outcome == "infeasible"
        else:
            assert solved.value == pytest.approx(value, rel=1e-6, abs=1e-6)
            assert solved.bound <= value + 1e-7 * max(1.0, abs(value))
