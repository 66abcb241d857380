"""The flow model on 1,000 random small networks with random limits against the program of all ways.

No wrong status, no wrong value, no bound above the value, no plan that breaks a limit it claims to keep.
"""

from collections import Counter
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, replace
from functools import cache
from multiprocessing import get_context

import numpy as np
import pytest

from logistics.errors import LogisticsError
from logistics.models.flow.column_generation import FlowModel, StopRule
from logistics.virtual_network.build import build_instance
from tests.random_limits import EXTREMES, random_case
from tests.test_limits_brute_force import YEAR, ExactPlan, Figures, LimitRow, proven, real, truth

CHUNK = 25
FAST, FIRST, ALL = 50, 150, 1000
"""How many networks the fast suite takes, the tests that work alone, and those side by side."""
WORKERS = 2
TO_THE_END = StopRule(gap=0.0, time_limit_s=60.0)
CLOSE = 1e-6
"""Relative distance of values, and distance of relaxations, that counts as none; so does a gap."""
ON_EDGE = 1e-5
"""The same where limits hold together with no room at all."""


@dataclass(frozen=True)
class Finding:
    """What one case showed.

    Parameters
    ----------
    seed
        Of the case.
    traits
        What the case has and how it ended, for counting.
    wrong
        What the flow model said that is not so, one sentence each.
    case
        The case in words, to be shown beside `wrong`.
    """

    seed: int
    traits: frozenset
    wrong: tuple
    case: str


def leeway(case):
    """How far value and least relaxation depend on a hundred-millionth of all demand that may be left or not.

    Where figures are far apart, small rows of demand are lost in the rounding of the sum of what is left.
    """
    if case.extreme != "far apart" or not case.plan.least_left:
        return 0.0, 0.0
    loose = truth(ExactPlan(case.ways, spare=1e-8), case.rows)
    value = 0.0 if np.isnan(loose.value) else loose.value - case.truth.value
    return 10 * abs(value), 10 * abs(loose.broken - case.truth.broken)


def finding(seed):
    """Compare the flow model with the program of all ways on one case."""
    case = random_case(seed)
    words = f"{case.extreme} {case.objective} {case.price} {case.limits} {case.truth}"
    try:
        instance = build_instance(case.network, YEAR, case.objective, case.price, case.limits)
        answer = FlowModel(instance, TO_THE_END).solve()
    except (LogisticsError, ArithmeticError, LookupError, ValueError, TypeError) as error:
        return Finding(seed, frozenset(), (f"no answer: {error!r}",), words)
    solved = answer.status == "optimal" or answer.gap <= CLOSE
    traits = {
        "solved" if solved else answer.status,
        case.extreme,
        "priced" if case.price else "unserved first",
    }
    traits |= {"load floor" if limit.kind == "load" and limit.least else limit.kind for limit in case.limits}
    traits |= {f"{len(case.limits)} limits", "on edge" if case.on_edge else "off edge"}
    traits |= {"hard"} if not case.ways.allowed.all() else set()
    traits |= {"binding"} if solved and np.any(answer.duals.limit > 1e-9) else set()
    traits |= {"left"} if case.plan.least_left > 0 else set()
    return Finding(seed, frozenset(traits), tuple(differences(case, instance, answer)), words)


def differences(case, instance, answer):
    """What the flow model says of a case that is not so, one sentence each."""
    far_apart = case.extreme == "far apart"
    if far_apart and answer.status == "no_plan":
        # Stopped by rounding, and says so.
        return
    said = answer.status
    if said == "limit" and (answer.gap <= (ON_EDGE if case.on_edge else CLOSE) or far_apart):
        said = "optimal"
    more, looser = leeway(case)
    right = {"infeasible"} if case.truth.broken > CLOSE else {"optimal"}
    if (case.on_edge and case.truth.room <= ON_EDGE) or looser > 0.1 * case.truth.broken > 0:
        right = {"optimal", "infeasible"}
    if said not in right:
        yield f"{said} (gap {answer.gap:.1e}), but {case.truth}"
    elif said == "infeasible":
        yield from _of_conflict(case, instance, answer, looser)
    else:
        yield from _of_plan(case, instance, answer, more)


def _of_plan(case, instance, answer, more):
    """Of a plan: value, bound, balance, capacities, limits, and whether its ways exist."""
    plan, demand = case.plan, instance.commodities.demand_t
    best = case.truth.value
    if case.on_edge:
        # Kept to a millionth, the limits allow values from this on.
        best = truth(plan, [replace(row, bound=row.bound + 1e-6 * row.scale) for row in case.rows]).value
    # A plan that was not solved to the end may be dearer by what it says itself.
    gap = answer.gap if answer.status == "limit" else 0.0
    far = (CLOSE + gap) * max(1.0, abs(best)) + (0.0 if np.isnan(more) else more)
    numbers = (answer.objective, answer.bound, answer.gap, *answer.flow_t, *answer.unserved_t)
    if not np.all(np.isfinite(numbers)):
        yield "figures that are not finite"
        return
    above = answer.objective - best
    if above < -far or (above > far and not case.on_edge):
        yield f"value {answer.objective!r}, but the best is {best!r}"
    if answer.bound > answer.objective + 1e-9 * max(1.0, abs(answer.objective)):
        yield f"bound {answer.bound!r} above the value {answer.objective!r}"
    if answer.bound > case.truth.value + far:
        yield f"bound {answer.bound!r} above the best {case.truth.value!r}"
    if plan.price is None and not np.isclose(answer.unserved_t.sum(), plan.least_left, rtol=1e-6, atol=1e-6):
        yield f"{answer.unserved_t.sum()!r} t left, but {plan.least_left!r} must be"
    if min(answer.flow_t.min(initial=0), answer.unserved_t.min(initial=0)) < 0:
        yield "tonnes below 0"
    carried = np.bincount(answer.commodity, answer.flow_t, len(demand)) + answer.unserved_t
    if np.any(np.abs(carried - demand) > 1e-6 * np.maximum(1.0, demand)):
        yield "flows and what is left do not add up to demand"
    loads = np.zeros(len(instance.resources))
    counted = np.array([row.left @ answer.unserved_t for row in case.rows])
    paid = (case.price or 0.0) * float(answer.unserved_t.sum())
    ways = _ways_by_steps(case)
    for k, path, tonnes in zip(answer.commodity.tolist(), answer.path, answer.flow_t, strict=True):
        layer = instance.layers[instance.commodities.layer[k]]
        way = ways.get((k, tuple(step for step in map(layer.steps.__getitem__, path) if real(step))))
        if way is None:
            yield f"a way that is none: {[layer.steps[arc] for arc in path]}"
            continue
        if not case.ways.allowed[way]:
            yield f"a way later than a hard promise: {case.ways.customer_h[way]} h"
        number, product = int(instance.commodities.layer[k]), int(instance.commodities.product[k])
        loads += tonnes * Figures.of(instance, number, product, [path]).draws[0]
        paid += tonnes * case.ways.cost[way]
        counted += tonnes * np.array([row.way[way] for row in case.rows])
    if abs(paid - answer.objective) > far:
        yield f"value {answer.objective!r}, but its ways cost {paid!r}"
    if np.any(loads > instance.capacity + 1e-6 * np.maximum(1.0, instance.capacity)):
        yield "a capacity is exceeded"
    shown = proven(plan, case.rows, answer.duals)
    if answer.bound > shown + 1e-8 * max(1.0, abs(shown)):
        yield f"bound {answer.bound!r}, but its prices prove {shown!r}"
    for limit, row, amount in zip(case.limits, case.rows, counted, strict=True):
        if amount > row.bound + CLOSE * max(row.scale, 1e-6):
            yield f"{limit.id} {limit.value}: {amount!r} above {row.bound!r}"


def _ways_by_steps(case):
    return {(int(k), case.ways.steps(way)): way for way, k in enumerate(case.ways.commodity)}


def _of_conflict(case, instance, answer, looser):
    """Of a conflict: least relaxation, that it suffices, bound, and that the members are a smallest set."""
    conflict, plan, rows, broken = answer.conflict, case.plan, case.rows, case.truth.broken
    if not np.isnan(answer.objective) or answer.bound != -np.inf:
        yield f"value {answer.objective!r} and bound {answer.bound!r} although there is no plan"
    relaxed = conflict.relaxation
    if not np.all(np.isfinite(relaxed)) or np.any(relaxed < 0) or not 0 < conflict.bound < np.inf:
        yield f"relaxation {relaxed}, bound {conflict.bound}"
        return
    far = (ON_EDGE if case.on_edge else CLOSE) * max(1.0, broken) + looser
    if abs(relaxed.sum() - broken) > far:
        yield f"relaxed by {relaxed.sum()!r}, but the least is {broken!r}"
    if conflict.bound > broken + far:
        yield f"bound {conflict.bound!r} above the least relaxation {broken!r}"
    shown = proven(plan, rows, conflict.duals)
    if conflict.bound > shown + 1e-8:
        yield f"bound {conflict.bound!r}, but its prices prove {shown!r}"
    given = [
        replace(row, bound=row.bound + share * row.scale) for row, share in zip(rows, relaxed, strict=True)
    ]
    if plan.least_broken(given).value > far:
        yield f"relaxed by {relaxed}, the limits still cannot hold together"
    if broken <= far:
        # On the edge no set is sure to fail.
        return
    members = list(conflict.members)
    if list(np.flatnonzero(conflict.proof.limit)) != members or proven(plan, rows, conflict.proof) <= 0:
        yield f"limits {members} are named, but the prices {conflict.proof.limit} prove another conflict"
    if not members or plan.least_broken([rows[i] for i in members]).value <= 0.1 * CLOSE:
        yield f"limits {members} can hold together"
    for out in members:
        others: list[LimitRow] = [rows[i] for i in members if i != out]
        if others and plan.least_broken(others).value > far:
            yield f"limits {members} cannot hold together without {out} either"


def _chunks(first, last):
    return [
        pytest.param(range(i, i + CHUNK), id=f"{i}-{i + CHUNK - 1}", marks=[pytest.mark.fuzz] * (i >= FAST))
        for i in range(first, last, CHUNK)
    ]


def _wrong(findings):
    return {f"seed {f.seed}": [*f.wrong, f.case] for f in findings if f.wrong}


@cache
def _found(seed):
    return finding(seed)


def _all_found(seeds):
    return [finding(seed) for seed in seeds]


@pytest.mark.parametrize("seeds", _chunks(0, FIRST))
def test_no_wrong_status_and_no_wrong_value(seeds):
    """The first networks."""
    assert _wrong(_found(seed) for seed in seeds) == {}


@pytest.mark.fuzz
def test_random_cases_differ_in_what_they_show():
    """Among the first networks is enough of each sort, and figures far apart are no excuse."""
    seen = Counter(trait for seed in range(FIRST) for trait in _found(seed).traits)
    rare = {"on edge", "4 limits", *EXTREMES, "local_gateway_share"}
    wanted = {"solved", "infeasible", "binding", "hard", "left", "priced", "unserved first", "1 limits"}
    wanted |= {"mean_customer_days", "co2", "money", "promise_share", "load", "load floor", "2 limits"}
    assert {trait: seen[trait] for trait in wanted if seen[trait] < 15} == {}
    assert {trait: seen[trait] for trait in rare if seen[trait] < 3} == {}
    assert seen["limit"] + seen["no_plan"] <= seen["far apart"]


@pytest.fixture(scope="module")
def others():
    """Findings of the other networks, worked out side by side."""
    with ProcessPoolExecutor(WORKERS, get_context("spawn")) as pool:
        yield {
            first: pool.submit(_all_found, range(first, first + CHUNK)) for first in range(FIRST, ALL, CHUNK)
        }
        pool.shutdown(cancel_futures=True)


@pytest.mark.parametrize("seeds", _chunks(FIRST, ALL))
def test_no_wrong_status_and_no_wrong_value_on_more_networks(seeds, others):
    """The others."""
    assert _wrong(others[seeds.start].result()) == {}
