"""Random limits, promises and extreme figures on the random networks of :mod:`tests.tiny`.

Values are drawn between what the best plan without limits does and what is possible at most, and a little
past both, so that limits bind, fit together narrowly, or contradict each other. Which of it is so, the
program of all ways says.
"""

from dataclasses import dataclass, replace

import numpy as np

from logistics.limits import PlanLimit
from logistics.network.checks import check_tables
from logistics.network.tables import BY_NAME
from logistics.virtual_network.build import build_instance
from tests.test_limits_brute_force import YEAR, ExactPlan, Facts, Ways, truth
from tests.tiny import random_network, table_of

OBJECTIVES = ("generalised", "generalised", "money", "hours", "co2")
EXTREMES = ("no capacity", "cut off", "far apart", "in no time", "contradiction")
KNIFE_EDGE = 1e-4
"""Room of limits, as a share of their scale, below which values are drawn again."""
DRAWS = 6
KINDS = (
    "mean_customer_days", "co2", "money", "promise_share", "promise_share",
    "local_gateway_share", "local_gateway_share",
    "most", "most", "least", "least",
)  # fmt: skip


@dataclass(frozen=True)
class RandomCase:
    """A network with limits, and all its ways.

    Parameters
    ----------
    extreme
        What is extreme about its figures; empty: nothing.
    on_edge
        Whether the limits hold together with no room at all, or fail to by next to nothing.
    """

    seed: int
    network: object
    objective: str
    price: float | None
    limits: tuple
    ways: Ways
    plan: ExactPlan
    rows: list
    truth: object
    extreme: str
    on_edge: bool


def random_case(seed):
    """The case of a seed: 0 to 4 limits on a random network, every fifth one with an extreme trait."""
    r = np.random.default_rng([seed, 2021])
    extreme = EXTREMES[(seed // 5) % len(EXTREMES)] if seed % 5 == 4 else ""
    network = _with_provinces(random_network(seed), r)
    network = _with_other_ways_round(network, r)
    if extreme in ("no capacity", "cut off", "far apart"):
        network = {"no capacity": _no_capacity, "cut off": _cut_off, "far apart": _far_apart}[extreme](
            network, r
        )
    objective = OBJECTIVES[seed % len(OBJECTIVES)] if seed % 7 else "money"
    priced = objective in ("generalised", "money") and r.random() < 0.3
    ways = Ways.of(network, build_instance(network, YEAR, objective))
    price = float(np.median(ways.cost)) * r.uniform(0.3, 3) if priced and len(ways.cost) else None
    network = _with_promises(network, ways, extreme == "in no time", r)
    problems = [p for p in check_tables(network) if p.severity == "error"]
    assert not problems, problems
    ways = ways.promising(network, price)
    plan = ExactPlan(ways)
    for draw in range(DRAWS):
        last = draw == DRAWS - 1
        limits = () if last else tuple(_limits(ways, plan, extreme == "contradiction", r))
        walked = ways
        if any(limit.kind == "load" and limit.least for limit in limits):
            walked = Ways.of(network, ways.instance, limits)
        program = plan if walked is ways else ExactPlan(walked)
        rows = [walked.row(limit) for limit in limits]
        found = truth(program, rows)
        on_edge = found.broken < KNIFE_EDGE and found.room < KNIFE_EDGE
        if not on_edge or last or r.random() < 0.1:
            return RandomCase(
                seed, network, objective, price, limits, walked, program, rows, found, extreme, on_edge
            )
    raise AssertionError("the last draw ends")


def _changed(network, name, change):
    """`network` with each row of a table changed by a function of the row."""
    rows = [{**row, **change(row)} for row in network.rows(name)]
    return network.with_table(name, table_of(BY_NAME[name], rows))


def _with_provinces(network, r):
    """Sites at home lie in the home province, in another one, or nobody said."""
    provinces = ("Zhejiang", "Zhejiang", "Jiangsu", "")
    return _changed(
        network,
        "sites",
        lambda row: {"province": r.choice(provinces) if row["customs_territory"] == "CN" else "Elsewhere"},
    )


def _with_other_ways_round(network, r):
    """Now and then a row of demand into the home territory, and one that does not touch it."""
    rows = network.rows("demand")
    for name, ends, chance in (("IMPORT", ("MK_EU", "MK_CN"), 0.3), ("TRANSIT", ("MK_EU", "MK_US"), 0.4)):
        if r.random() > chance or ends[1] not in network.texts("sites", "site_id"):
            continue
        segment = r.choice(("direct", "b2b", "stocked") if name == "TRANSIT" else ("direct", "b2b"))
        row = {"origin_site": ends[0], "destination_site": ends[1], "segment": str(segment)}
        rows.append({**rows[0], **row, "demand_id": name, "tonnes_per_year": r.uniform(10, 100)})
    return network.with_table("demand", table_of(BY_NAME["demand"], rows))


def _with_promises(network, ways, no_time, r):
    """Promises near the hours of the ways, some hard, some met to the minute, some shorter than any way."""
    hours = {}
    rows = {row["demand_id"]: (row["product_id"], row["segment"]) for row in network.rows("demand")}
    for k, name in enumerate(ways.instance.commodities.demand_id):
        hours.setdefault(rows[name], []).extend(ways.customer_h[ways.commodity == k].tolist())

    def change(row):
        pair = row["product_id"], row["segment"]
        promise = None
        if hours.get(pair) and r.random() < 0.75:
            spread = np.sort(hours[pair])
            promise = float(np.quantile(spread, r.random() ** 2)) * r.uniform(0.95, 1.3)
            if r.random() < 0.2:
                promise = float(r.choice(spread))
            late_by = np.abs(spread - promise)
            if np.any((late_by > 1e-9) & (late_by < 1e-4)):
                promise += 2e-4
            promise = float(np.clip(promise / 24, 0.1, 365))
        if no_time and r.random() < 0.6:
            promise = 0.1
        return {"promise_d": promise, "promise_is_hard": promise is not None and r.random() < 0.35}

    return _changed(network, "product_segments", change)


# Extremes


def _no_capacity(network, r):
    """Some passages, sites, warehouses and services have no room left."""

    def none(share, **figures):
        return figures if r.random() < share else {}

    full = {"background_t_per_year": 50.0}
    network = _changed(network, "passages", lambda row: none(0.4, capacity_t_per_year=50.0, **full))
    network = _changed(network, "sites", lambda row: none(0.1, throughput_t_per_year=50.0, **full))
    network = _changed(network, "warehouse_options", lambda row: none(0.2, capacity_t_per_year=0.0))
    return _changed(network, "services", lambda row: none(0.3, background_t_per_year=1e9))


def _cut_off(network, r):
    """One country cannot be reached, and some services take nothing."""
    abroad = r.choice([s for s in ("MK_EU", "MK_US") if s in network.texts("sites", "site_id")])
    network = _changed(
        network, "last_mile", lambda row: {"site_id": "CL_A"} if row["site_id"] == abroad else {}
    )
    rows = {(row["site_id"], row["channel"]): row for row in network.rows("last_mile")}
    network = network.with_table("last_mile", table_of(BY_NAME["last_mile"], rows.values()))
    return _changed(network, "land_regions", lambda row: {"max_leg_km": 1.0} if r.random() < 0.2 else {})


def _far_apart(network, r):
    """Figures of 1e-9 and of 1e12 side by side: tonnes, tariffs, fees, capacities."""

    def size(*powers):
        return float(10.0 ** r.choice(powers))

    part = r.choice(("tonnes", "tariffs", "capacities", "all"))
    if part in ("tonnes", "all"):
        factors = {}

        def tonnes(row):
            factor = factors.setdefault(row["demand_id"], size(-11, -5, 0, 0, 3, 6))
            return {"tonnes_per_year": min(1e9, row["tonnes_per_year"] * factor)}

        network = _changed(network, "demand", tonnes)
    if part in ("tariffs", "all"):

        def tariffs(row):
            spot = min(1e12, row["tariff_spot"] * size(-12, -6, 0, 0, 3, 8))
            return {
                "tariff_spot": spot,
                "tariff_contract": None,
                "contract_share": 0.0,
                "subsidy_cny_per_t": 0.0,
            }

        network = _changed(network, "services", tariffs)
        network = _changed(network, "passages", lambda row: {"fee_cny_per_t": size(-9, 0, 2, 11)})
    if part in ("capacities", "all"):
        network = _changed(
            network,
            "passages",
            lambda row: {"capacity_t_per_year": size(-9, 1, 12), "background_t_per_year": 0.0},
        )
        network = _changed(
            network, "warehouse_options", lambda row: {"capacity_t_per_year": size(-9, 1, 2, 12)}
        )
    return network


# Limits


def _scope(network, r):
    """A condition on demand.csv."""
    if r.random() < 0.5:
        return ""
    column = r.choice(("segment", "product_id", "destination_site", "tonnes_per_year", "demand_id"))
    row = network.rows("demand")[int(r.integers(network.tables["demand"].num_rows))]
    if column == "tonnes_per_year":
        return f"tonnes_per_year >= {row[column]!r}"
    if column == "demand_id":
        return f"demand_id in ['{row[column]}', 'D1']"
    return f"{column} == '{row[column]}'" if r.random() < 0.8 else f"not {column} == '{row[column]}'"


def _unvalued(network, kind, r):
    """A limit of a kind with a neutral value."""
    if kind == "mean_customer_days":
        return PlanLimit("max_mean_customer_days", kind, 1.0, where=_scope(network, r))
    if kind == "co2":
        return PlanLimit("max_co2_t", kind, 1.0)
    if kind == "money":
        return PlanLimit("max_money_cny", kind, 1.0)
    if kind == "promise_share":
        return PlanLimit("min_promise_share", kind, 0.5, least=True, where=_scope(network, r))
    if kind == "local_gateway_share":
        reading, measured = r.choice(("exit_port", "declared")), r.choice(("tonnes", "value"))
        return PlanLimit(
            "min_local_gateway_share", kind, 0.5, least=True, reading=str(reading), measured=str(measured)
        )
    thing = str(r.choice(("service", "service", "site", "passage", "mode")))
    table = {"service": "services", "site": "sites", "passage": "passages", "mode": "modes"}[thing]
    names = network.texts(table, "mode" if thing == "mode" else f"{thing}_id")
    name = names[int(r.integers(len(names)))]
    return PlanLimit("load", "load", 1.0, least=kind == "least", thing=thing, thing_id=name)


def _limits(ways, plan, contradiction, r):
    """0 to 4 limits; the best plan without limits says where each starts to bind."""
    count = int(r.choice((0, 1, 1, 2, 2, 3, 4)))
    if contradiction:
        count = max(count, 2)
    kinds = [str(r.choice(KINDS)) for _ in range(count)]
    if not kinds:
        return
    best = plan.cheapest(ways.cost, plan.price or 0.0)
    found = []
    for number, kind in enumerate(kinds):
        limit = _unvalued(ways.network, kind, r)
        if kind in ("most", "least") and r.random() < 0.7:
            limit = _of_used_thing(limit, ways, best, r)
        limit = _valued(replace(limit, id=f"{limit.id}.{number + 1}"), ways, plan, best, r)
        found.append(limit)
    if contradiction:
        found[-1] = _opposite(found[0], r)
    elif len(found) > 1 and r.random() < 0.08:
        found[-1] = replace(found[0], id=found[-1].id)
    yield from found


def _of_used_thing(limit, ways, best, r):
    """The limit on a thing that the best plan without limits uses, if it uses one of its sort."""
    facts: Facts = ways.facts
    used = set()
    for way in np.flatnonzero(best.flow_t > 1e-6):
        for step in ways.steps(way):
            if limit.thing == "site" and step.action in ("alight", "drive"):
                used.add(step.site_id if step.action == "alight" else step.to_site_id)
            elif limit.thing == "passage" and step.action == "ride":
                used.update(facts.passages_of.get((step.service_id, step.stop_seq, step.via_id), ()))
            elif step.action == "board" and limit.thing in ("service", "mode"):
                used.add(step.service_id if limit.thing == "service" else facts.mode_of[step.service_id])
    return replace(limit, thing_id=str(r.choice(sorted(used)))) if used else limit


def _opposite(limit, r):
    """A limit that contradicts another of the same thing, or the same one once more, tighter."""
    if limit.kind == "load":
        value = limit.value * (0.5 if limit.least else 1.5) + (0.0 if limit.least else 1.0)
        return replace(limit, id="load.9", least=not limit.least, value=value)
    if limit.kind in ("promise_share", "local_gateway_share"):
        return replace(limit, id=f"{limit.id}.9", value=float(min(1.0, limit.value + r.uniform(0, 0.5))))
    return replace(limit, id=f"{limit.id}.9", value=limit.value * r.uniform(0.3, 0.999))


def _valued(limit, ways, plan, best, r):
    """The limit with a value between, or a little past, what the best plan does and what is possible."""
    demand = ways.instance.commodities.demand_t
    if limit.kind == "mean_customer_days":
        row = ways.row(replace(limit, value=1.0))
        # Served tonnes of the scope stand in the row with their 24 hours.
        served = row.way != 0
        hours = np.where(served, row.way + 24.0, 0.0)
        tonnes = max(float(served @ best.flow_t), 1e-9)
        did = float(hours @ best.flow_t) / tonnes / 24
        least = plan.cheapest(hours, 0.0 if plan.price is None else 1e4)
        possible = float(hours @ least.flow_t) / max(float(served @ least.flow_t), 1e-9) / 24
        return replace(limit, value=float(np.clip(_between(did, possible, did, r), 0.01, 365)))
    row = ways.row(limit)
    did = float(row.way @ best.flow_t + row.left @ best.left_t)
    least = plan.cheapest(row.way, float(row.left.max(initial=0)))
    possible = float(row.way @ least.flow_t + row.left @ least.left_t)
    size = max(abs(did), abs(possible), 1e-9)
    bound = _between(did, possible, size, r)
    if limit.kind == "co2":
        return replace(limit, value=max(bound, 1e-6 * size, 1e-3) / 1000)
    if limit.kind == "money":
        return replace(limit, value=max(bound, 1e-6 * size, 1e-3))
    if limit.kind == "load":
        value = float(demand.sum()) - bound if limit.least else bound
        zero = value <= 1e-6 * size or r.random() < 0.1
        return replace(limit, value=0.0 if zero else value)
    total = float(row.bound / (1 - limit.value))
    share = 1 - bound / total if total > 0 else 0.5
    if r.random() < 0.05 or share < 1e-6:
        share = 0.0 if share < 0.5 else 1.0
    return replace(limit, value=float(np.clip(share, 0, 1)))


def _between(did, possible, size, r):
    """A value: mostly between both, now and then past one of them, rarely exactly what is possible."""
    place = r.random()
    if place < 0.62:
        return possible + r.uniform(0.02, 0.98) * (did - possible)
    if place < 0.8:
        return possible - 10.0 ** r.uniform(-3, -0.5) * size
    if place < 0.97:
        return max(did, possible) + 10.0 ** r.uniform(-3, 0) * size
    return possible
