"""The whole check of one year: walk the plan, recompute the bound, compare with what is claimed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from logistics.errors import Problem, Where
from logistics.network.network import Network
from logistics.plan import Plan
from logistics.verification.bound import Certificate, recomputed_bound
from logistics.verification.verdict import BoundProof, Verdict
from logistics.verification.walk import YearBooks, walk_plan

BILL_TOLERANCE = 1e-9
BOUND_TOLERANCE = 1e-9


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
    """

    figures: Mapping[str, float]
    bound: float | None = None
    gap: float = 1e-6
    certificate: Certificate | None = None
    least_unserved: Certificate | None = None
    least_unserved_t: float = 0.0


def verify_year(
    network: Network,
    year: int,
    plan: Plan,
    objective: str,
    claim: Assertion,
    unserved_cny_per_t: float | None = None,
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
    """
    books = YearBooks(network, year)
    walked = walk_plan(books, plan, objective, unserved_cny_per_t)
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
    bound, proof = _judge_bound(books, claim, objective, walked.objective, violations)
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
    )


def _judge_bound(
    books: YearBooks, claim: Assertion, objective: str, value: float, violations: list[Problem]
) -> tuple[float | None, BoundProof]:
    """Recompute the bound; a claim above it, or above the plan's own cost, is a violation."""
    if claim.bound is None or claim.certificate is None:
        return None, "none"
    where = Where("result.json", 0, str(books.year))
    own = recomputed_bound(books, claim.certificate, objective)
    slack = BOUND_TOLERANCE * max(1.0, abs(value))
    if claim.bound > own + slack:
        violations.append(Problem("verify.bound", where, f"{claim.bound:.12g}", f"{own:.12g}", "bound"))
        return own, "none"
    if claim.bound > value + slack:
        violations.append(Problem("verify.bound", where, f"{claim.bound:.12g}", f"{value:.12g}", "objective"))
        return own, "none"
    if claim.least_unserved is not None:
        least = recomputed_bound(books, claim.least_unserved, objective)
        if claim.least_unserved_t > least + 1e-6 * max(1.0, least):
            text = f"{claim.least_unserved_t:.9g}"
            violations.append(Problem("verify.bound", where, text, f"{least:.9g}", "least_unserved_t"))
            return own, "none"
    return own, "certificate"
