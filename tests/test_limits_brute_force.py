"""Limits and hard promises against an independent exact solve: every way in one linear program.

What a limit counts of a way is worked out here a second time, from the words of its steps and from the
tables; costs and draws are sums over the arcs of the instance built *without* limits. No pricing, no column
generation. The fuzz test uses the classes too.
"""

from dataclasses import dataclass, replace
from types import SimpleNamespace

import numpy as np
import pytest
from scipy.optimize import linprog
from scipy.sparse import csr_array

from logistics.limits import PlanLimit
from logistics.models.flow.column_generation import FlowModel, StopRule
from logistics.virtual_network.build import build_instance
from logistics.virtual_network.instance import OBJECTIVES
from tests.test_flow_brute_force import BruteForce, all_simple_paths, path_cost
from tests.tiny import random_network, three_gateways, tiny_network

YEAR = 2021
LATE_H = 1e-6
CONTROL = 1e-7
"""Relative distance of the solver's value and the bound of its own duals above which it is not believed."""


# What a limit counts


@dataclass(frozen=True)
class Facts:
    """What the tables say of steps and of demand rows.

    Parameters
    ----------
    domestic
        Services whose stops lie in one customs territory.
    local
        Sites of the home province.
    passages_of
        Passages met: by service, number of the stop where the leg ends, way.
    mode_of
        Mode of each service.
    direction, promise_h, hard, fob, orders
        Of each demand row: export, import or transit; customer hours promised (inf: none) and whether later
        ways are forbidden; CNY and orders per tonne.
    """

    domestic: frozenset
    local: frozenset
    passages_of: dict
    mode_of: dict
    direction: dict
    promise_h: dict
    hard: dict
    fob: dict
    orders: dict

    @classmethod
    def of(cls, network):
        """Read the tables."""
        sites = {row["site_id"]: row for row in network.rows("sites")}
        stops = {}
        for row in network.rows("service_stops"):
            stops.setdefault(row["service_id"], set()).add(sites[row["site_id"]]["customs_territory"])
        segments = {(r["product_id"], r["segment"]): r for r in network.rows("product_segments")}
        fob = {r["product_id"]: 1000.0 * r["fob_cny_per_kg"] for r in network.rows("products")}
        home = network.info.home_territory
        direction, promise_h, hard, worth, orders = {}, {}, {}, {}, {}
        for row in network.rows("demand"):
            name, pair = row["demand_id"], segments[(row["product_id"], row["segment"])]
            leaves, enters = (
                sites[row[end]]["customs_territory"] for end in ("origin_site", "destination_site")
            )
            direction[name] = "export" if leaves == home else "import" if enters == home else "transit"
            promise_h[name] = np.inf if pair["promise_d"] is None else 24.0 * pair["promise_d"]
            hard[name] = bool(pair["promise_is_hard"])
            worth[name] = fob[row["product_id"]]
            orders[name] = 1000.0 / pair["order_kg"]
        return cls(
            domestic=frozenset(service for service, found in stops.items() if len(found) == 1),
            local=frozenset(s for s, row in sites.items() if row["province"] == network.info.home_province),
            passages_of={
                (r["service_id"], int(r["to_seq"]), r["via_id"]): tuple(
                    filter(None, r["passages"].split("|"))
                )
                for r in network.rows("service_via")
            },
            mode_of={r["service_id"]: r["mode"] for r in network.rows("services")},
            direction=direction,
            promise_h=promise_h,
            hard=hard,
            fob=worth,
            orders=orders,
        )

    def uses(self, step, limit):
        """Whether a step is a use of the thing of a load limit."""
        if limit.thing == "service":
            return step.action == "board" and step.service_id == limit.thing_id
        if limit.thing == "mode":
            return step.action == "board" and self.mode_of[step.service_id] == limit.thing_id
        if limit.thing == "site":
            ends = {"drive": step.to_site_id, "alight": step.site_id}
            return ends.get(step.action) == limit.thing_id
        way = (step.service_id, step.stop_seq, step.via_id)
        return step.action == "ride" and limit.thing_id in self.passages_of.get(way, ())

    def gateway(self, steps, direction, reading):
        """Site that decides whether a way is local."""
        for step in steps:
            if direction == "import":
                decides = step.action == "clear_import"
            elif reading == "declared":
                decides = step.action in ("clear_export", "clear_post")
            else:
                decides = step.action == "board" and step.service_id not in self.domestic
            if decides:
                return step.site_id
        raise AssertionError(f"no gateway among {steps}")


def in_scope(network, limit):
    """Demand rows that a condition names; the conditions of these tests only."""
    rows = network.rows("demand")
    if not limit.where:
        return {row["demand_id"] for row in rows}
    # A condition is written in Python's own words, so Python can read it a second time.
    return {row["demand_id"] for row in rows if eval(limit.where, {"__builtins__": {}}, dict(row))}


@dataclass(frozen=True)
class LimitRow:
    """A limit as Σ way·x + left·u ≤ bound; relaxed by 100 % when `scale` is added to the bound."""

    way: np.ndarray
    left: np.ndarray
    bound: float
    scale: float

    @property
    def exact(self):
        """Whether the row says that nothing may be counted: no rounding decides then."""
        nothing = abs(self.bound) <= 1e-9 * self.scale
        return bool(nothing and self.way.min(initial=0) >= 0 and self.left.min(initial=0) >= 0)


def hundred_percent(limit, stated, demand_t):
    """What a relaxation by 100 % adds to the bound: what is stated, or a little per tonne of all demand."""
    return max(stated, {"money": 1.0, "co2": 0.1}.get(limit.kind, 0.001) * demand_t)


# Ways


def walks(layer, origin, destination, flag_of):
    """Arcs of every walk that meets no vertex twice with the same things used.

    Parameters
    ----------
    flag_of
        Bits of the things that a tonne uses on each arc, shape (arcs,). A tonne that goes round in a circle
        to use a thing of which a limit wants more is a legal plan; without such a thing these are all simple
        paths.
    """
    if not np.any(flag_of) or origin < 0 or destination < 0:
        return all_simple_paths(layer, origin, destination)
    number = {(origin, 0): 0, (destination, -1): 1}
    tail, head, by = [], [], []
    stack, leaving = [(origin, 0)], {}
    for arc, vertex in enumerate(layer.tail.tolist()):
        leaving.setdefault(vertex, []).append(arc)
    while stack:
        vertex, flags = stack.pop()
        for arc in leaving.get(vertex, ()):
            other = int(layer.head[arc])
            following = (other, -1 if other == destination else flags | int(flag_of[arc]))
            if following not in number:
                number[following] = len(number)
                stack.append(following)
            tail.append(number[(vertex, flags)])
            head.append(number[following])
            by.append(arc)
    copied = SimpleNamespace(tail=np.array(tail), head=np.array(head))
    return [[by[arc] for arc in path] for path in all_simple_paths(copied, 0, 1)]


@dataclass(frozen=True)
class Figures:
    """Figures of walks of one layer and product per tonne, one entry a walk.

    Parameters
    ----------
    money
        With storage of all stock.
    carried_h
        Hours that tie up capital, on the way and in stock.
    draws
        What a tonne takes of each resource, shape (walks, resources).
    """

    money: np.ndarray
    carried_h: np.ndarray
    customer_h: np.ndarray
    co2_kg: np.ndarray
    draws: np.ndarray

    @classmethod
    def of(cls, instance, number, product, paths):
        """Add up the arcs of `paths` in a layer; what the instance's limits count is not looked at."""
        layer, goods = instance.layers[number], instance.products
        arcs = np.array([arc for path in paths for arc in path], dtype=int)
        path = np.repeat(np.arange(len(paths)), [len(path) for path in paths])

        def total(values):
            return np.bincount(path, values[arcs], len(paths)).astype(float)

        money, stock = total(layer.money_cny_per_t[:, product]), total(layer.stock_h[:, product])
        if len(layer.store_arc):
            before = np.array([step.action != "deliver" for step in layer.steps], dtype=float)
            lead, variance = total(before * layer.lead_h), total(before * layer.variance_h2)
            safety = goods.service_factor[product] * np.sqrt(lead * goods.cv2_h[product] + variance)
            storage, assortment = np.zeros(layer.num_arcs), np.zeros(layer.num_arcs)
            storage[layer.store_arc] = layer.storage_cny_per_t_h[:, product]
            assortment[layer.store_arc] = layer.stock_h[layer.store_arc, product]
            # The store arc's money holds the storage of assortment stock already.
            money += total(storage) * (stock - total(assortment) + safety)
            stock += safety
        amount = np.where(layer.use_is_m3, goods.m3_per_t[product], 1.0)
        taken = np.zeros((layer.num_arcs, len(instance.resources)))
        np.add.at(taken, (layer.use_arc, layer.use_row), amount)
        counts = csr_array((np.ones(len(arcs)), (path, arcs)), shape=(len(paths), layer.num_arcs))
        return cls(
            money=money,
            carried_h=total(layer.pipeline_h) + stock,
            customer_h=total(layer.customer_h),
            co2_kg=total(layer.co2_kg_per_t[:, product]),
            draws=np.asarray(counts @ taken),
        )

    def cost(self, instance, product, time_value):
        """Cost per tonne under the instance's objective, what all ways pay alike left out."""
        weights = instance.weights
        return (
            weights.money * self.money
            + weights.carrying * instance.products.carrying_cny_per_t_h[product] * self.carried_h
            + (weights.time_value * time_value + weights.customer_h) * self.customer_h
            + weights.co2_kg * self.co2_kg
        )


@dataclass(frozen=True)
class Ways:
    """Every way of every commodity of an instance without limits, one entry a way.

    Parameters
    ----------
    commodity, path
        Whose way, and its arcs.
    cost, money
        Per tonne, what every way of the commodity pays alike included.
    draws
        What a tonne takes of each resource, shape (ways, resources).
    allowed
        Whether no hard promise forbids it.
    """

    network: object
    instance: object
    facts: Facts
    commodity: np.ndarray
    path: list
    cost: np.ndarray
    money: np.ndarray
    customer_h: np.ndarray
    co2_kg: np.ndarray
    draws: np.ndarray
    allowed: np.ndarray

    @classmethod
    def of(cls, network, instance, limits=()):
        """Enumerate; floors in `limits` say after the use of which things a vertex may be met again."""
        facts, c = Facts.of(network), instance.commodities
        floors = [limit for limit in limits if limit.kind == "load" and limit.least]
        flags = [
            np.array(
                [sum(facts.uses(step, f) << bit for bit, f in enumerate(floors)) for step in layer.steps], int
            )
            for layer in instance.layers
        ]
        known, figures, parts, path, cost = {}, {}, [], [], []
        for k in range(len(c)):
            number, product = int(c.layer[k]), int(c.product[k])
            layer, ends = instance.layers[number], (number, int(c.origin[k]), int(c.destination[k]))
            if ends not in known:
                known[ends] = walks(layer, ends[1], ends[2], flags[number])
            if (ends, product) not in figures:
                figures[ends, product] = Figures.of(instance, number, product, known[ends])
            parts.append(figures[ends, product])
            cost.append(parts[-1].cost(instance, product, c.time_value_cny_per_t_h[k]))
            path += known[ends]
        commodity = np.repeat(np.arange(len(c)), [len(part) for part in cost])
        constant = c.constant_cny_per_t[commodity]
        hours = np.concatenate([part.customer_h for part in parts])
        return cls(
            network=network,
            instance=instance,
            facts=facts,
            commodity=commodity,
            path=path,
            cost=np.concatenate(cost) + instance.weights.money * constant,
            money=np.concatenate([part.money for part in parts]) + constant,
            customer_h=hours,
            co2_kg=np.concatenate([part.co2_kg for part in parts]),
            draws=np.concatenate([part.draws for part in parts]),
            allowed=_in_time(facts, c, commodity, hours),
        )

    def promising(self, network, price):
        """The same ways where only promises and the price of what is left are others."""
        facts = Facts.of(network)
        instance = replace(self.instance, unserved_cny_per_t=price)
        allowed = _in_time(facts, instance.commodities, self.commodity, self.customer_h)
        return replace(self, network=network, instance=instance, facts=facts, allowed=allowed)

    def steps(self, way):
        """Steps of a way; what only keeps parallel arcs apart is left out."""
        layer = self.instance.layers[self.instance.commodities.layer[self.commodity[way]]]
        return tuple(step for step in map(layer.steps.__getitem__, self.path[way]) if real(step))

    def counted(self, limit):
        """Uses of a load limit's thing on each way, shape (ways,)."""
        c, facts = self.instance.commodities, self.facts
        by_layer = [np.array([facts.uses(s, limit) for s in layer.steps]) for layer in self.instance.layers]
        layers = c.layer[self.commodity].tolist()
        return np.array(
            [by_layer[k][path].sum() for k, path in zip(layers, self.path, strict=True)], dtype=float
        )

    def row(self, limit):
        """A limit's row."""
        c, facts, k = self.instance.commodities, self.facts, self.commodity
        inside = in_scope(self.network, limit)
        scope = np.array([name in inside for name in c.demand_id], dtype=float)
        none, whole = np.zeros(len(c)), max(1.0, float(c.demand_t.sum()))
        if limit.kind == "mean_customer_days":
            hours = 24.0 * limit.value
            scale = hundred_percent(limit, hours * float(scope @ c.demand_t), whole)
            return LimitRow(scope[k] * (self.customer_h - hours), none, 0.0, scale)
        if limit.kind == "co2":
            most = 1000.0 * limit.value
            return LimitRow(self.co2_kg, none, most, hundred_percent(limit, most, whole))
        if limit.kind == "money":
            return LimitRow(self.money, none, limit.value, hundred_percent(limit, limit.value, whole))
        if limit.kind == "load":
            times = self.counted(limit)
            if not limit.least:
                times = np.minimum(times, 1.0) if limit.thing == "mode" else times
                return LimitRow(times, none, limit.value, hundred_percent(limit, limit.value, whole))
            bound = float(c.demand_t.sum()) - limit.value
            scale = hundred_percent(limit, limit.value, whole)
            return LimitRow((times == 0).astype(float), none + 1.0, bound, scale)
        if limit.kind == "promise_share":
            latest_h = np.array(
                [24.0 * limit.days if limit.days else facts.promise_h[name] for name in c.demand_id]
            )
            orders = np.array([facts.orders[name] for name in c.demand_id])
            weight = scope * np.isfinite(latest_h) * (orders if limit.measured == "orders" else 1.0)
            missed = self.customer_h > latest_h[k] + LATE_H
        else:
            kept = np.array([facts.direction[name] != "transit" for name in c.demand_id], dtype=float)
            worth = np.array([facts.fob[name] for name in c.demand_id])
            weight = kept * (worth if limit.measured == "value" else 1.0)
            missed = np.array([self._leaves_elsewhere(way, limit) for way in range(len(k))], dtype=bool)
        total = float(weight @ c.demand_t)
        scale = hundred_percent(limit, limit.value * total, whole)
        return LimitRow(weight[k] * missed, weight, (1 - limit.value) * total, scale)

    def _leaves_elsewhere(self, way, limit):
        direction = self.facts.direction[self.instance.commodities.demand_id[self.commodity[way]]]
        if direction == "transit":
            return False
        return self.facts.gateway(self.steps(way), direction, limit.reading) not in self.facts.local


def _in_time(facts, commodities, commodity, hours):
    """Whether no hard promise forbids a way."""
    names = commodities.demand_id
    most = np.array([facts.promise_h[name] if facts.hard[name] else np.inf for name in names])
    return hours <= most[commodity] + LATE_H


def real(step):
    """Whether a step stands for something; parallel arcs are kept apart by stays without a stop."""
    return step.action != "stay" or step.stop_seq > 0


# The program of all ways


class Undecided(ArithmeticError):
    """Figures too far apart for the control program in double precision."""


@dataclass(frozen=True)
class Answer:
    """A plan: tonnes on ways, tonnes left, relaxation of each limit, and the value."""

    flow_t: np.ndarray
    left_t: np.ndarray
    relaxed: np.ndarray
    value: float


class ExactPlan:
    """The whole program over `ways`, in shares of demand so that rows and columns are alike in size.

    Parameters
    ----------
    ways
        Every way.
    spare
        Share of all demand that may be left besides what must be, for the solver's sake; nothing where
        nothing must be left.
    """

    def __init__(self, ways, spare=1e-10):
        self.ways = ways
        instance, c = ways.instance, ways.instance.commodities
        self.price, self._demand = instance.unserved_cny_per_t, c.demand_t
        self._kept = np.flatnonzero(ways.allowed)
        owner = ways.commodity[self._kept]
        self._size = np.concatenate([c.demand_t[owner], c.demand_t])
        ends = np.concatenate([owner, np.arange(len(c))])
        self._balance = (ends == np.arange(len(c))[:, None]).astype(float)
        draws = np.concatenate([ways.draws[self._kept], np.zeros((len(c), len(instance.resources)))])
        self._draws = draws.T * self._size
        self.least_left = 0.0
        if self.price is None:
            nothing = np.zeros(len(ways.cost))
            left = self._solve(nothing, 1.0, (), np.inf).left_t
            self.least_left = float(left.sum()) if np.any(left > 1e-9 * self._demand) else 0.0
        self._most_left = self.least_left + spare * float(self._demand.sum()) if self.least_left else 0.0

    def cheapest(self, way_cost, left_cost=0.0, rows=()):
        """Plan of least Σ way_cost·x + left_cost·u that keeps `rows`; None: there is none."""
        return self._solve(way_cost, left_cost, rows)

    def least_broken(self, rows):
        """Plan that breaks `rows` least: the least Σ r, r ≥ 0 times their scale added to their bounds."""
        scales = -np.diag([row.scale for row in rows])
        return self._solve(np.zeros(len(self.ways.cost)), 0.0, rows, relax=scales)

    def room(self, rows):
        """How far all `rows` can be tightened at once, those that allow nothing as they are; 0: unknown."""
        scales = -np.array([[0.0 if row.exact else row.scale] for row in rows])
        if not scales.any():
            return np.inf
        try:
            found = self._solve(np.zeros(len(self.ways.cost)), 0.0, rows, relax=scales, tighten=True)
        except Undecided:
            return 0.0
        return 0.0 if found is None else -float(found.relaxed[0])

    def _solve(self, way_cost, left_cost, rows, most_left=None, relax=None, *, tighten=False):
        """Minimise Σ way_cost·x + left_cost·u + Σ r; None when no plan keeps the rows.

        Parameters
        ----------
        most_left
            Tonnes that may be left; None: the least possible, or any amount where leaving has a price.
        relax
            Entries of r in `rows`, shape (rows, r); None: no r.
        tighten
            Whether r may be below 0.
        """
        if most_left is None:
            most_left = np.inf if self.price is not None else self._most_left
        kept, count = self._kept, len(self._size)
        cost = self._size * np.concatenate([way_cost[kept], np.full(len(self._demand), left_cost)])
        parts, bounds = [self._draws], [self.ways.instance.capacity]
        if np.isfinite(most_left):
            parts.append(np.concatenate([np.zeros(len(kept)), self._demand])[None, :])
            bounds.append([most_left])
        if rows:
            counted = np.array([np.concatenate([row.way[kept], row.left]) for row in rows])
            parts.append(counted * self._size)
            bounds.append([row.bound for row in rows])
        matrix, bound, balance = np.concatenate(parts), np.concatenate(bounds), self._balance
        if relax is not None:
            entries = np.zeros((len(bound), relax.shape[1]))
            entries[len(bound) - len(rows) :] = relax
            matrix = np.hstack([matrix, entries])
            balance = np.hstack([balance, np.zeros((len(balance), relax.shape[1]))])
            cost = np.concatenate([cost, np.ones(relax.shape[1])])
        values = _least_cost(cost, matrix, bound, balance, count, tighten)
        if values is None:
            return None
        ways = np.zeros(len(way_cost))
        ways[kept] = (values[:count] * self._size)[: len(kept)]
        left, relaxed = (values[:count] * self._size)[len(kept) :], values[count:]
        value = float(way_cost @ ways + left_cost * left.sum() + relaxed.sum())
        return Answer(ways, left, relaxed, value)


def _least_cost(cost, matrix, bound, balance, shares, tighten):
    """Values of the columns of least cost, checked by the bound that the duals prove; None: infeasible.

    Parameters
    ----------
    shares
        Number of columns that are shares of demand; the others are relaxations.
    tighten
        Whether the last column may be below 0.
    """
    row_size = np.abs(matrix).max(axis=1, initial=0)
    # Rows that not all demand together can break say nothing.
    tells = (matrix[:, :shares].clip(min=0).sum(axis=1) > bound) | (matrix[:, shares:] != 0).any(axis=1)
    matrix, bound = matrix[tells] / row_size[tells, None], bound[tells] / row_size[tells]
    size = float(np.abs(cost).max(initial=0)) or 1.0
    least, is_share = np.zeros(len(cost)), np.arange(len(cost)) < shares
    if tighten:
        least[-1] = -np.inf
    tight = {"primal_feasibility_tolerance": 1e-10, "dual_feasibility_tolerance": 1e-10}
    doubt = np.inf
    for options in (tight, {**tight, "presolve": False}, {}):
        found = linprog(
            cost / size,
            A_ub=matrix,
            b_ub=bound,
            A_eq=balance,
            b_eq=np.ones(balance.shape[0]),
            bounds=np.column_stack([least, np.full(len(cost), np.inf)]),
            method="highs",
            options=options,
        )
        if found.status == 2:
            return None
        if found.status != 0:
            continue
        # Weak duality with shares ≤ 1: whatever the solver did, no plan is below this.
        paid, demand = np.minimum(found.ineqlin.marginals, 0.0), found.eqlin.marginals
        reduced = cost / size - matrix.T @ paid - balance.T @ demand
        proven = float(bound @ paid + demand.sum())
        proven += float(np.minimum(reduced, 0.0) @ np.where(is_share, 1.0, np.abs(found.x)))
        value = size * abs(found.fun)
        doubt = size * (found.fun - proven) / max(1.0, value)
        if doubt <= CONTROL:
            return np.maximum(found.x, least)
        # Costs that are large only where nothing goes made the value small: once more, in its own size.
        size = min(size, max(1.0, value))
    raise Undecided(f"{found.message}, doubt {doubt:g}")


@dataclass(frozen=True)
class Truth:
    """What holds of limits on a plan.

    Parameters
    ----------
    broken
        Least sum of relative relaxations; 0: they can hold together.
    room
        Where they can, by how much all could be tightened at once as a share of their scale, those that allow
        nothing at all left as they are; inf: nothing to tighten.
    value
        Least cost of a plan that keeps them; nan: none does.
    """

    broken: float
    room: float
    value: float


def truth(plan, rows):
    """Judge `rows` on `plan`."""
    ways, left_cost = plan.ways, plan.price or 0.0
    if not rows:
        return Truth(0.0, np.inf, plan.cheapest(ways.cost, left_cost).value)
    broken = plan.least_broken(rows).value
    if broken > 1e-8:
        return Truth(broken, 0.0, np.nan)
    best = plan.cheapest(ways.cost, left_cost, rows)
    return Truth(broken, plan.room(rows), np.nan if best is None else best.value)


def proven(plan, rows, duals):
    """The bound that prices of capacities and limits prove, by looking at every way."""
    ways, c = plan.ways, plan.ways.instance.commodities
    dear = duals.path_scale * ways.cost + ways.draws @ duals.resource
    left = np.full(len(c), float(duals.unserved))
    total = -float(ways.instance.capacity @ duals.resource)
    if duals.allowed_t > 0:
        total -= duals.unserved * duals.allowed_t
    for row, price in zip(rows, duals.limit, strict=True):
        dear, left, total = dear + price * row.way, left + price * row.left, total - price * row.bound
    cheapest = np.full(len(c), np.inf)
    np.minimum.at(cheapest, ways.commodity[ways.allowed], dear[ways.allowed])
    return total + float(c.demand_t @ np.minimum(cheapest, left))


# The control is controlled


@pytest.mark.parametrize("seed", range(12))
def test_figures_of_ways_are_those_of_the_other_brute_force(seed):
    """Costs and draws added up here and in :mod:`tests.test_flow_brute_force`, and both programs, agree."""
    instance = build_instance(random_network(seed), YEAR, "generalised")
    other, ways = BruteForce.of(instance), Ways.of(random_network(seed), instance)
    assert ways.commodity.tolist() == other.commodity
    assert ways.cost == pytest.approx(other.cost, rel=1e-12)
    for draws, taken in zip(ways.draws, other.draws, strict=True):
        assert {row: draws[row] for row in np.flatnonzero(draws)} == pytest.approx(dict(taken), rel=1e-12)
    for measure, name in (("money", "money"), ("customer_h", "hours"), ("co2_kg", "co2")):
        alike = replace(instance, weights=OBJECTIVES[name])
        constant = instance.commodities.constant_cny_per_t * (name == "money")
        costs = [
            path_cost(
                alike, alike.layers[alike.commodities.layer[k]], alike.commodities.product[k], 0.0, path
            )
            + constant[k]
            for k, path in zip(ways.commodity, ways.path, strict=True)
        ]
        assert getattr(ways, measure) == pytest.approx(costs, rel=1e-12)
    value, left = other.solve()
    plan = ExactPlan(ways)
    assert plan.least_left == pytest.approx(left, rel=1e-7, abs=1e-6)
    assert truth(plan, []).value == pytest.approx(value, rel=1e-7)


# Limits one at a time, on the network argued by hand

SEA_OR_RAIL = "segment == 'b2b' and destination_site == 'MK_DE'"
ONE_LIMIT = {
    "fewer days": PlanLimit("days", "mean_customer_days", 8.0),
    "fewer days for some": PlanLimit("days", "mean_customer_days", 10.0, where=SEA_OR_RAIL),
    "less CO2": PlanLimit("co2", "co2", 3710.0),
    "less money": PlanLimit("money", "money", 85.6e6),
    "more in time": PlanLimit("promise", "promise_share", 0.8, least=True),
    "more of some in time": PlanLimit("promise", "promise_share", 0.5, least=True, where=SEA_OR_RAIL),
    "all in time": PlanLimit("promise", "promise_share", 1.0, least=True),
    "more local": PlanLimit("local", "local_gateway_share", 0.7, least=True),
    "more value local": PlanLimit("local", "local_gateway_share", 0.7, least=True, measured="value"),
    "more declared at home": PlanLimit("local", "local_gateway_share", 0.6, least=True, reading="declared"),
    "less on a train": PlanLimit("load", "load", 700.0, thing="service", thing_id="RAIL_DE"),
    "nothing on a ship": PlanLimit("load", "load", 0.0, thing="service", thing_id="SEA_DE"),
    "more on a ship": PlanLimit("load", "load", 900.0, least=True, thing="service", thing_id="SEA_DE"),
    "less through a site": PlanLimit("load", "load", 300.0, thing="site", thing_id="SEA"),
    "more through a site": PlanLimit("load", "load", 900.0, least=True, thing="site", thing_id="SEA"),
    "less through Suez": PlanLimit("load", "load", 100.0, thing="passage", thing_id="suez"),
    "more through Suez": PlanLimit("load", "load", 700.0, least=True, thing="passage", thing_id="suez"),
    "less by air": PlanLimit("load", "load", 150.0, thing="mode", thing_id="air"),
    "more by air": PlanLimit("load", "load", 1200.0, least=True, thing="mode", thing_id="air"),
}
TO_THE_END = StopRule(gap=0.0)


def two_provinces():
    """``three_gateways`` with a promise of 15 days; airport and rail terminal lie in another province."""
    elsewhere = [{"site_id": site, "province": "Jiangsu"} for site in ("AIR", "RAIL")]
    return tiny_network(product_segments={"promise_d": 15.0}, sites=elsewhere)


def judged(network, limits, objective="generalised", price=None):
    """The program of all ways with its rows, what holds of them, and the flow model's answer."""
    ways = Ways.of(network, build_instance(network, YEAR, objective, price), limits)
    plan, rows = ExactPlan(ways), [ways.row(limit) for limit in limits]
    answer = FlowModel(build_instance(network, YEAR, objective, price, limits), TO_THE_END).solve()
    return plan, rows, truth(plan, rows), answer


def assert_best(plan, rows, best, answer):
    """The answer is a plan as good as the best to a millionth, and its prices prove that."""
    assert answer.status in ("optimal", "limit")
    assert answer.gap <= 1e-6
    assert answer.objective == pytest.approx(best, rel=1e-6)
    assert answer.bound == pytest.approx(best, rel=1e-6)
    assert answer.bound <= proven(plan, rows, answer.duals) + 1e-8 * best


@pytest.mark.parametrize("objective", ["generalised", "hours", "co2"])
@pytest.mark.parametrize("name", ONE_LIMIT)
def test_one_limit_costs_what_the_program_of_all_ways_says(name, objective):
    """Each kind of limit is kept at the least cost; under `generalised` each of these costs something."""
    limit = ONE_LIMIT[name]
    plan, rows, found, answer = judged(two_provinces(), [limit], objective)
    assert found.broken == pytest.approx(0, abs=1e-9)
    assert_best(plan, rows, found.value, answer)
    if objective == "generalised":
        assert found.value > plan.cheapest(plan.ways.cost).value * (1 + 1e-6)


def test_all_of_them_together():
    """Limits that fit together hold together."""
    values = {
        "fewer days": 11.5,
        "more in time": 0.45,
        "more value local": 0.5,
        "less through a site": 600.0,
        "less by air": 700.0,
    }
    limits = [replace(ONE_LIMIT[name], value=value) for name, value in values.items()]
    plan, rows, found, answer = judged(two_provinces(), limits)
    assert found.broken == pytest.approx(0, abs=1e-9)
    assert found.room > 1e-4
    assert_best(plan, rows, found.value, answer)
    assert np.sum(answer.duals.limit > 0) >= 3


def test_a_price_of_what_is_left_lets_limits_leave_cargo_behind():
    """Where leaving has a price, it is weighed against dearer ways."""
    limits = [replace(ONE_LIMIT["less by air"], value=50.0), ONE_LIMIT["less through a site"]]
    plan, rows, found, answer = judged(two_provinces(), limits, "generalised", 30_000.0)
    assert_best(plan, rows, found.value, answer)
    assert answer.unserved_t.sum() > 100


# Hard promises


@pytest.mark.parametrize("days", [8.0, 12.0, 17.0, 25.0])
def test_a_hard_promise_forbids_later_ways(days):
    """As in the program without the later ways, which serves less than all where the promise is short."""
    network = tiny_network(product_segments={"promise_d": days, "promise_is_hard": True})
    plan, rows, found, answer = judged(network, [])
    assert not plan.ways.allowed.all()
    assert_best(plan, rows, found.value, answer)
    assert answer.unserved_t.sum() == pytest.approx(plan.least_left, abs=1e-6)
    free = judged(three_gateways(), [])[2].value
    assert found.value > free * (1 + 1e-6) or plan.least_left > 1


def test_a_promise_shorter_than_any_way_serves_nothing():
    """A hard one leaves all behind; a soft one cannot be kept, and that is said."""
    network = tiny_network(product_segments={"promise_d": 0.1, "promise_is_hard": True})
    plan, _, _, answer = judged(network, [])
    assert plan.least_left == answer.unserved_t.sum() == pytest.approx(2350)
    assert answer.status == "optimal"
    limits = [PlanLimit("promise", "promise_share", 0.1, least=True)]
    _, _, found, answer = judged(tiny_network(product_segments={"promise_d": 0.1}), limits)
    assert answer.status == "infeasible"
    assert found.broken == pytest.approx(1)
    assert answer.conflict.relaxation == pytest.approx([1])


def test_a_promise_met_to_the_minute_is_met():
    """A promise of exactly a way's hours allows that way."""
    ways = Ways.of(three_gateways(), build_instance(three_gateways(), YEAR, "generalised"))
    rows = np.array([name == "B1" for name in ways.instance.commodities.demand_id])[ways.commodity]
    exact = float(np.unique(ways.customer_h[rows])[1])
    pair = {"product_id": "dense", "segment": "b2b", "promise_d": exact / 24, "promise_is_hard": True}
    plan, _, found, answer = judged(tiny_network(product_segments=[pair]), [])
    assert plan.ways.customer_h[rows & plan.ways.allowed].max() == pytest.approx(exact, abs=1e-9)
    assert_best(plan, [], found.value, answer)


# Limits with no room at all


@pytest.mark.parametrize("seed", range(24))
def test_a_limit_at_what_is_just_possible_has_a_plan(seed):
    """The least that a service must carry, as its cap: kept to a millionth, and not cheaper than that."""
    network = random_network(seed)
    ways = Ways.of(network, build_instance(network, YEAR, "money"))
    plan = ExactPlan(ways)
    services = network.texts("services", "service_id")
    caps = [PlanLimit("load.1", "load", 1.0, thing="service", thing_id=service) for service in services]
    least = {cap: plan.cheapest(ways.row(cap).way).flow_t @ ways.row(cap).way for cap in caps}
    for cap, possible in least.items():
        if possible < 1e-3:
            continue
        limit = replace(cap, value=float(possible))
        looser = replace(limit, value=limit.value * (1 + 2e-6))
        answer = FlowModel(build_instance(network, YEAR, "money", None, [limit]), TO_THE_END).solve()
        assert answer.status in ("optimal", "limit"), (limit, answer.status, answer.conflict)
        assert answer.gap <= 1e-5
        assert answer.objective >= plan.cheapest(ways.cost, 0.0, [ways.row(looser)]).value * (1 - 1e-6)


# Limits that cannot hold together


def conflict_of(limits):
    """Members of the conflict, after its figures were compared with the program of all ways."""
    plan, rows, found, answer = judged(two_provinces(), limits)
    assert answer.status == "infeasible"
    assert answer.conflict.relaxation.sum() == pytest.approx(found.broken, rel=1e-7)
    bound = proven(plan, rows, answer.conflict.duals)
    # The engine may claim a little less than its prices prove, never more.
    assert 0.99 * found.broken < answer.conflict.bound <= bound * (1 + 1e-9)
    return answer.conflict.members


def test_a_floor_above_a_cap_is_a_conflict_of_both():
    """Both are named, others are not."""
    floor = PlanLimit("load.1", "load", 500.0, least=True, thing="service", thing_id="RAIL_DE")
    cap = PlanLimit("load.3", "load", 400.0, thing="service", thing_id="RAIL_DE")
    assert conflict_of([floor, ONE_LIMIT["fewer days for some"], cap]) == (0, 2)


def test_the_same_limit_twice_is_named_once():
    """Either of two equal limits alone is a smallest set."""
    cap = PlanLimit("co2.1", "co2", 3000.0)
    assert len(conflict_of([cap, replace(cap, id="co2.2")])) == 1


def test_a_set_of_three_that_cannot_hold_together():
    """Any two can: little by air, nothing by sea to Germany, and all of that cargo carried in time."""
    limits = [
        PlanLimit("load.1", "load", 0.0, thing="service", thing_id="SEA_DE"),
        PlanLimit("load.2", "load", 0.0, thing="service", thing_id="RAIL_DE"),
        PlanLimit("load.3", "load", 1000.0, thing="mode", thing_id="air"),
        ONE_LIMIT["less money"],
    ]
    limits[3] = replace(limits[3], value=1e9)
    assert conflict_of(limits) == (0, 1, 2)


@pytest.mark.parametrize("price", [None, 30_000.0, 1e12])
@pytest.mark.parametrize("value", [1e-9, 1e-3, 1e12])
@pytest.mark.parametrize("kind", ["money", "co2", "mean_customer_days", "load"])
def test_limits_out_of_all_proportion(kind, value, price):
    """A billionth is too little unless all may be left; a million millions never bind a cap."""
    limit = PlanLimit("limit", kind, value)
    if kind == "load":
        limit = replace(limit, thing="mode", thing_id="rail", least=True)
    answer = FlowModel(
        build_instance(three_gateways(), YEAR, "generalised", price, [limit]), TO_THE_END
    ).solve()
    small = value < 1
    impossible = (small and price is None) if kind != "load" else not small
    if kind == "mean_customer_days" and small and price is not None:
        # Nothing served keeps any mean.
        impossible = False
    if impossible:
        assert answer.status == "infeasible"
        assert answer.conflict.members == (0,)
        return
    ways = Ways.of(three_gateways(), build_instance(three_gateways(), YEAR, "generalised", price), [limit])
    assert answer.status == "optimal" or answer.gap < 1e-6
    assert answer.bound <= answer.objective * (1 + 1e-9)
    plan = ExactPlan(ways)
    if small and kind != "load":
        assert answer.unserved_t.sum() == pytest.approx(2350, rel=1e-5)
        assert answer.objective == pytest.approx(2350 * price, rel=1e-5)
    else:
        best = plan.cheapest(ways.cost, price or 0.0).value
        assert answer.objective == pytest.approx(best, rel=1e-6)


def test_a_floor_may_send_cargo_round_in_a_circle():
    """Abroad, a tonne may fly back and out again where a floor wants more on the flight back.

    A way of the program is a walk that meets no vertex twice with the same things used; without the floor it
    is a simple path.
    """
    floor = PlanLimit("load.1", "load", 120.0, least=True, thing="service", thing_id="AIR_CN")
    plan, rows, found, answer = judged(three_gateways(), [floor])
    simple = Ways.of(three_gateways(), plan.ways.instance)
    assert len(plan.ways.cost) > len(simple.cost)
    assert_best(plan, rows, found.value, answer)
