"""Walking every path of a plan through the rulebook: legality, balance, capacities and the bill."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from logistics.errors import Problem, Where
from logistics.plan import Plan
from logistics.verification.books import PathFigures, YearBooks
from logistics.verification.ledger import keyed
from logistics.verification.limits import LATE_H, JudgedLimit, leaves_home, measured
from logistics.verification.room import capacities
from logistics.verification.rulebook import Move, Rulebook, State, StepKey
from logistics.verification.verdict import Totals

FLOW_TOLERANCE = 1e-6


def walked_path(rulebook: Rulebook, origin: str, market: str, steps: Iterable[StepKey]) -> PathFigures | int:
    """Figures of a path, or the number (from 1) of the first step that is not legal.

    A path that is legal but does not end at `market` fails at the step after its last.
    """
    state = rulebook.start(origin)
    figures = PathFigures()
    seq = 0
    for seq, key in enumerate(steps, 1):
        known = rulebook.moves(state)
        if key not in known and state[0] == "aboard" and state[4] == "arriving":
            stays = [move for move in known.values() if move.key[0] == "stay"]
            if stays:
                figures.add(stays[0])
                known = rulebook.moves(stays[0].after)
        move = known.get(key)
        if move is None:
            return seq
        _note_gateway(figures, state, move)
        figures.add(move)
        state = move.after
    return figures if state == rulebook.end(market) else seq + 1


def _note_gateway(figures: PathFigures, state: State, move: Move) -> None:
    """Remember where cargo left its own country and where it entered the other."""
    if leaves_home(state, move):
        figures.exit_gateway = figures.exit_gateway or move.key[1]
    if move.key[0] == "clear_import":
        figures.entry_gateway = figures.entry_gateway or move.key[1]


@dataclass(frozen=True)
class Walked:
    """Outcome of walking a year's plan; `counted` is what each limit counts of it."""

    violations: list[Problem]
    bill: dict[str, float]
    totals: Totals
    objective: float
    loads: dict[tuple[str, str, str], float]
    room: dict[tuple[str, str, str], float]
    counted: dict[str, float]
    reached: dict[str, float]


def walk_plan(
    books: YearBooks,
    plan: Plan,
    weights: Mapping[str, float],
    unserved_cny_per_t: float | None = None,
    limits: Sequence[JudgedLimit] = (),
) -> Walked:
    """Check a year's plan and add up its bill.

    Parameters
    ----------
    books
        The year's rulebooks.
    plan
        The plan of that year.
    weights
        What the objective adds up, see :data:`~logistics.verification.books.WEIGHTS`.
    unserved_cny_per_t
        Price of unserved demand, when the scenario sets one.
    limits
        What the plan must respect.
    """
    violations: list[Problem] = []
    steps = steps_by_path(plan)
    shares = books.shares()
    sums: dict[str, float] = defaultdict(float)
    loads: dict[tuple[str, str, str], float] = defaultdict(float)
    served: dict[tuple[str, str], float] = defaultdict(float)
    counted: dict[str, float] = {each.limit.id: 0.0 for each in limits}
    in_scope_t: dict[str, float] = {each.limit.id: 0.0 for each in limits}
    cache: dict[tuple[object, ...], PathFigures | int] = {}
    m3_per_t = books.ledger.m3_per_t()
    local = {n for n, s in books.ledger.sites.items() if s["province"] == books.network.info.home_province}
    for line, row in enumerate(plan.flows.to_pylist()):
        name, tier, tonnes, path = row["demand_id"], row["tier"], row["tonnes"], row["path_id"]
        where = Where("plan/flows", line + 2, path)
        if (name, tier) not in shares:
            violations.append(Problem("verify.step", where, f"{name} {tier}", subject="demand"))
            continue
        if not math.isfinite(tonnes) or tonnes < 0:
            violations.append(Problem("verify.balance", where, str(tonnes), "≥ 0", f"{name} {tier}"))
            continue
        demand, rulebook = books.demand[name], books.rulebook(name)
        keys = steps.get(path, ())
        memo = (id(rulebook), demand["origin_site"], demand["destination_site"], keys)
        if memo not in cache:
            cache[memo] = walked_path(
                rulebook, str(demand["origin_site"]), str(demand["destination_site"]), keys
            )
        figures = cache[memo]
        if isinstance(figures, int):
            violations.append(_illegal(where, books, keys, figures))
            continue
        product = books.product_row[str(demand["product_id"])]
        served[(name, tier)] += tonnes
        per_t = books.per_t(figures, product, books.time_value_cny_per_t_h(name, tier))
        for part, amount in per_t.items():
            sums[part] += tonnes * amount
        promise_h = books.promise_h(name)
        if per_t["customer_h"] <= promise_h + LATE_H:
            sums["in_time_t"] += tonnes if math.isfinite(promise_h) else 0.0
        elif books.promise_is_hard(name) and tonnes > FLOW_TOLERANCE:
            found, allowed = f"{per_t['customer_h'] / 24:.4g} d", f"{promise_h / 24:.4g} d"
            violations.append(Problem("verify.promise", where, found, allowed, f"{name} {tier}"))
        for each in limits:
            share = each.share(name)
            in_scope_t[each.limit.id] += tonnes if name in each.shares else 0.0
            counted[each.limit.id] += tonnes * share.offset
            if share.factor:
                amount = measured(books, each.limit, figures, name, per_t)
                counted[each.limit.id] += tonnes * share.factor * amount
        for (kind, thing), times in figures.uses.items():
            loads[(kind, thing, "t")] += tonnes * times
            if kind == "service":
                loads[(kind, thing, "m3")] += tonnes * times * m3_per_t[product]
        gateway = figures.exit_gateway if books.direction[name] == "export" else figures.entry_gateway
        if books.direction[name] != "transit" and gateway in local:
            sums["local_t"] += tonnes
    unserved = _balance(plan, shares, served, violations)
    missing = sum(unserved.values())
    room = capacities(books)
    _check_room(room, loads, violations)
    for each in limits:
        left = sum(each.share(name).left * tonnes for (name, _), tonnes in unserved.items())
        counted[each.limit.id] += left
        found_t, most = counted[each.limit.id], each.bound
        if not found_t <= most + FLOW_TOLERANCE * max(1.0, abs(most), each.scale):
            where = Where("plan/flows")
            violations.append(Problem("verify.limit", where, f"{found_t:.9g}", f"{most:.9g}", each.limit.id))
    value = sum(weight * sums[part] for part, weight in weights.items()) + missing * (
        unserved_cny_per_t or 0.0
    )
    reached = {
        each.limit.id: each.reached(counted[each.limit.id], in_scope_t[each.limit.id]) for each in limits
    }
    totals = Totals(
        demand_t=sum(shares.values()),
        served_t=sum(served.values()),
        unserved_t=missing,
        money_cny=sums["money"],
        capital_cny=sums["capital"],
        time_value_cny=sums["time_value"],
        customer_t_h=sums["customer_h"],
        pipeline_t_h=sums["pipeline_h"],
        co2_t=sums["co2_kg"] / 1000.0,
        local_t=sums["local_t"],
        gateway_t=sum(t for (name, _), t in shares.items() if books.direction[name] != "transit"),
        promised_t=sum(t for (name, _), t in shares.items() if math.isfinite(books.promise_h(name))),
        in_time_t=sums["in_time_t"],
    )
    bill = {
        part.removeprefix("item:"): amount
        for part, amount in sorted(sums.items())
        if part.startswith("item:")
    }
    return Walked(violations, bill, totals, value, dict(loads), room, counted, reached)


def steps_by_path(plan: Plan) -> dict[str, tuple[StepKey, ...]]:
    """Steps of each path in the order of their numbers."""
    columns = (
        "path_id",
        "seq",
        "action",
        "site_id",
        "to_site_id",
        "service_id",
        "stop_seq",
        "via_id",
        "option_id",
        "channel",
    )
    rows = list(zip(*(plan.steps[name].to_pylist() for name in columns), strict=True))
    found: dict[str, list[StepKey]] = defaultdict(list)
    for row in sorted(rows, key=lambda row: (row[0], row[1])):
        found[row[0]].append(row[2:])
    return {path: tuple(keys) for path, keys in found.items()}


def _illegal(where: Where, books: YearBooks, keys: tuple[StepKey, ...], seq: int) -> Problem:
    """Name the step that is not legal, and whether something closed is the reason."""
    if seq > len(keys):
        return Problem("verify.step", where, "end of path", subject=str(seq))
    key = keys[seq - 1]
    for later in keys[seq - 1 :]:
        shut = _closed_thing(books, later)
        if shut:
            return Problem("verify.closed", where, shut, subject=f"{seq} {later[0]}")
    return Problem("verify.step", where, " ".join(str(part) for part in key if part), subject=str(seq))


def _closed_thing(books: YearBooks, key: StepKey) -> str:
    """Name what a step uses that is not open, or nothing."""
    network = books.network
    things = (
        ("services", "service_id", key[3]),
        ("sites", "site_id", key[1]),
        ("sites", "site_id", key[2]),
        ("warehouse_options", "option_id", key[6]),
    )
    for table, column, thing in things:
        row = keyed(network, table, column).get((thing,)) if thing else None
        if row is not None and row["status"] != "existing":
            return thing
    for leg in network.legs() if key[0] == "ride" else ():
        if (leg.service_id, leg.to_seq, leg.via_id) == (key[3], key[4], key[5]):
            for passage in leg.passages:
                if books.ledger.passages[passage]["status"] == "closed":
                    return passage
    return ""


def _balance(
    plan: Plan,
    shares: Mapping[tuple[str, str], float],
    served: Mapping[tuple[str, str], float],
    violations: list[Problem],
) -> dict[tuple[str, str], float]:
    """Flows and unserved add up to demand; returns the unserved tonnes."""
    unserved: dict[tuple[str, str], float] = defaultdict(float)
    for line, row in enumerate(plan.unserved.to_pylist()):
        key = (row["demand_id"], row["tier"])
        if key not in shares or not row["tonnes"] >= 0:
            where = Where("plan/unserved", line + 2)
            violations.append(Problem("verify.balance", where, str(row["tonnes"]), "≥ 0", " ".join(key)))
            continue
        unserved[key] += row["tonnes"]
    for key, tonnes in shares.items():
        have = served.get(key, 0.0) + unserved.get(key, 0.0)
        if abs(have - tonnes) > FLOW_TOLERANCE * max(1.0, tonnes):
            violations.append(
                Problem("verify.balance", Where("plan/flows"), f"{have:.9g}", f"{tonnes:.9g}", " ".join(key))
            )
    return unserved


def _check_room(
    room: Mapping[tuple[str, str, str], float],
    loads: Mapping[tuple[str, str, str], float],
    violations: list[Problem],
) -> None:
    for key, load in sorted(loads.items()):
        capacity = room.get(key)
        if capacity is not None and load > capacity + FLOW_TOLERANCE * max(1.0, capacity):
            subject = f"{key[0]} {key[1]} ({key[2]})"
            violations.append(
                Problem("verify.capacity", Where("plan/flows"), f"{load:.9g}", f"{capacity:.9g}", subject)
            )
