"""The whole check of one year: walk the plan, recompute the bound, compare with what is claimed."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from logistics.errors import Problem, Where
from logistics.limits import PlanLimit
from logistics.network.network import Network
from logistics.plan import Plan
from logistics.verification.books import WEIGHTS, YearBooks
from logistics.verification.bound import Certificate, recomputed_bound, unfit_price
from logistics.verification.limits import JudgedLimit, judged_limits
from logistics.verification.verdict import BoundProof, Totals, Verdict
from logistics.verification.walk import Walked, walk_plan

BILL_TOLERANCE = 1e-9
BOUND_TOLERANCE = 1e-9
UNSERVED_TOLERANCE = 1e-6


@dataclass(frozen=True)
class Assertion:
    """What is claimed of one year of a plan.

    Parameters
    ----------
    figures
        Totals by name as in :class:`~logistics.verification.verdict.Totals`, and ``objective``; only those
        that are claimed.
    bound
        Claimed lower bound, None when none is claimed.
    gap
        Gap at which the plan counts as solved.
    certificate
        Duals that prove `bound`.
    least_unserved
        Duals that prove `least_unserved_t`.
    least_unserved_t
        Claimed lower bound on unserved tonnes.
    conflict
        Duals that prove `least_relaxation`.
    members
        Duals that prove that a smallest set of limits, those they price, cannot hold together.
    least_relaxation
        Claimed lower bound on the sum of relative relaxations that the limits need; None: they can be kept.
    """

    figures: Mapping[str, float]
    bound: float | None = None
    gap: float = 1e-6
    certificate: Certificate | None = None
    least_unserved: Certificate | None = None
    least_unserved_t: float = 0.0
    conflict: Certificate | None = None
    members: Certificate | None = None
    least_relaxation: float | None = None


@dataclass(frozen=True)
class Task:
    """What a plan is judged by.

    Parameters
    ----------
    weights
        What the objective adds up, see :data:`~logistics.verification.books.WEIGHTS`.
    unserved_cny_per_t
        Price of unserved demand, when the scenario sets one.
    limits
        Limits on the plan.
    """

    weights: Mapping[str, float]
    unserved_cny_per_t: float | None = None
    limits: tuple[PlanLimit, ...] = ()


def verify_year(
    network: Network,
    year: int,
    plan: Plan,
    objective: str,
    claim: Assertion,
    unserved_cny_per_t: float | None = None,
    limits: Sequence[PlanLimit] = (),
) -> Verdict:
    """Judge one year of a plan from the tables.

    Parameters
    ----------
    network
        Effective network of the year.
    plan
        The plan of that year.
    objective
        The scenario's objective.
    claim
        What is said of the plan.
    unserved_cny_per_t
        Price of unserved demand, when the scenario sets one.
    limits
        Limits on the plan.
    """
    return verify_task(
        network, year, plan, Task(WEIGHTS[objective], unserved_cny_per_t, tuple(limits)), claim
    )


def verify_task(network: Network, year: int, plan: Plan, task: Task, claim: Assertion) -> Verdict:
    """Judge one year of a plan by a task of any weights; see :func:`verify_year`."""
    books = YearBooks(network, year)
    limits = judged_limits(books, task.limits)
    walked = walk_plan(books, plan, task.weights, task.unserved_cny_per_t, limits)
    violations = list(walked.violations)
    found = {
        **{name: getattr(walked.totals, name) for name in vars(walked.totals)},
        "objective": walked.objective,
    }
    for name, claimed in claim.figures.items():
        own = found[name]
        if not abs(own - claimed) <= BILL_TOLERANCE * max(1.0, abs(own)):
            where = Where("result.json", 0, str(year))
            violations.append(Problem("verify.bill", where, f"{claimed:.12g}", f"{own:.12g}", name))
    bound, proof = _judge_bound(books, claim, task, limits, walked, violations)
    return Verdict(
        year=year,
        violations=tuple(violations),
        bill=walked.bill,
        totals=walked.totals,
        objective=walked.objective,
        bound=bound,
        bound_proof=proof,
        least_unserved_t=claim.least_unserved_t,
        loads=walked.loads,
        room=walked.room,
        counted=walked.counted,
        reached=walked.reached,
        allowed={each.limit.id: each.bound for each in limits},
    )


def unplanned_year(network: Network, year: int) -> Verdict:
    """Verdict on a year without a plan: nothing holds, and nothing is broken."""
    demand_t = sum(YearBooks(network, year).shares().values())
    return Verdict(year, (), {}, Totals(demand_t=demand_t), math.nan)


def verify_conflict(network: Network, year: int, plan: Plan, task: Task, claim: Assertion) -> Verdict:
    """Judge the claims that the limits of a year cannot hold together, and that some of them alone cannot."""
    books = YearBooks(network, year)
    limits = judged_limits(books, task.limits)
    walked = walk_plan(books, plan, task.weights, task.unserved_cny_per_t)
    violations = list(walked.violations)
    where, said = Where("result.json", 0, str(year)), claim.least_relaxation or 0.0
    bound, alone = (
        _least_relaxation(books, each, task, limits, walked.totals)
        for each in (claim.conflict, claim.members)
    )
    holds = bound is not None and 0.0 < said <= bound + BOUND_TOLERANCE * max(1.0, said)
    if not holds:
        found = "" if bound is None else f"{bound:.9g}"
        violations.append(Problem("verify.conflict", where, f"{said:.9g}", found))
    members: frozenset[str] = frozenset()
    if claim.members is not None and alone is not None and alone > BOUND_TOLERANCE:
        members = frozenset(
            key[1] for key, price in claim.members.prices.items() if key[0] == "limit" and price > 0
        )
    return Verdict(
        year=year,
        violations=tuple(violations),
        bill={},
        totals=Totals(demand_t=walked.totals.demand_t, unserved_t=walked.totals.unserved_t),
        objective=math.nan,
        bound_proof="certificate" if holds else "none",
        allowed={each.limit.id: each.bound for each in limits},
        members=members,
    )


def _least_relaxation(
    books: YearBooks,
    certificate: Certificate | None,
    task: Task,
    limits: Sequence[JudgedLimit],
    evidence: Totals,
) -> float | None:
    """Lower bound on the sum of relative relaxations that the limits priced need; None: nothing is proven.

    It is a bound for plans that leave at most `allowed_t` unserved. A plan that breaks the limits, of which
    `evidence` are the totals, shows that so little can be left.
    """
    if certificate is None or certificate.path_scale != 0 or unfit_price(books, certificate, limits):
        return None
    scales = {("limit", each.limit.id, each.limit.row_unit): each.scale for each in limits}
    dearest = max((p * scales[k] for k, p in certificate.prices.items() if k in scales), default=0.0)
    room = UNSERVED_TOLERANCE * max(1.0, evidence.demand_t)
    if task.unserved_cny_per_t is None:
        few_left = evidence.unserved_t <= certificate.allowed_t + room
    else:
        few_left = certificate.unserved == 0 and certificate.allowed_t == 0
    if dearest > 1.0 + BOUND_TOLERANCE or not few_left:
        return None
    return recomputed_bound(books, certificate, task.weights, limits)


def _judge_bound(
    books: YearBooks,
    claim: Assertion,
    task: Task,
    limits: Sequence[JudgedLimit],
    walked: Walked,
    violations: list[Problem],
) -> tuple[float | None, BoundProof]:
    """Recompute the bound; a claim that it does not support, or that the plan contradicts, is a violation.

    A certificate's prices may be anything ≥ 0, its settings may not: they say which plans the bound is for.
    """
    if claim.bound is None or claim.certificate is None:
        return None, "none"
    where, price = Where("result.json", 0, str(books.year)), task.unserved_cny_per_t

    def refused(found: float, allowed: str, subject: str) -> tuple[float | None, BoundProof]:
        violations.append(Problem("verify.bound", where, f"{found:.12g}", allowed, subject))
        return None, "none"

    certificate, least = claim.certificate, claim.least_unserved
    for each in (certificate, least):
        known = limits if each is certificate else ()
        stranger = unfit_price(books, each, known) if each is not None else ""
        if stranger:
            return refused(math.nan, "≥ 0", stranger)
    if certificate.path_scale != 1.0:
        return refused(certificate.path_scale, "1", "path_scale")
    if price is not None and not (certificate.unserved <= price and certificate.allowed_t == 0):
        return refused(certificate.unserved, f"{price:.12g}", "unserved")
    unserved_t, room = walked.totals.unserved_t, UNSERVED_TOLERANCE * max(1.0, walked.totals.demand_t)
    proven_t = 0.0
    if least is not None:
        if not (least.path_scale == 0 and 0 <= least.unserved <= 1 and least.allowed_t == 0):
            return refused(least.unserved, "1", "least_unserved")
        proven_t = recomputed_bound(books, least, task.weights)
    if not claim.least_unserved_t <= proven_t + room:
        return refused(claim.least_unserved_t, f"{proven_t:.9g}", "least_unserved_t")
    if price is None:
        if certificate.allowed_t < 0 or not unserved_t <= certificate.allowed_t + room:
            return refused(unserved_t, f"{certificate.allowed_t:.9g}", "allowed_t")
        if not unserved_t <= proven_t + room:
            # The plan may be what it says, but nothing proves that more could not be served.
            return None, "none"
    own = recomputed_bound(books, certificate, task.weights, limits)
    slack = BOUND_TOLERANCE * max(1.0, abs(walked.objective))
    if not claim.bound <= own + slack:
        refused(claim.bound, f"{own:.12g}", "bound")
        return own, "none"
    if not claim.bound <= walked.objective + slack:
        refused(claim.bound, f"{walked.objective:.12g}", "objective")
        return own, "none"
    return own, "certificate"
