"""Holding what ``result.json`` says against what the check found."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import fields
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, ValidationError

from logistics.errors import InputError, Problem, Where, stop_on_errors
from logistics.results.layout import RESULT
from logistics.verification.verdict import Totals, Verdict, summed_totals

CLOSE = 1e-9
SITING = "siting"
SEARCHED = (SITING, "portfolio")
"""Kinds of studies with a search of their own, which may end early though all flows are solved."""


class _Loose(BaseModel):
    model_config = ConfigDict(extra="ignore", allow_inf_nan=False)


class YearClaims(_Loose):
    """What is said of a year."""

    status: Literal["optimal", "limit", "infeasible", "no_plan"]
    objective: float | None
    bound: float | None
    gap: float | None
    plan_verified: bool
    bound_proof: Literal["certificate", "solver", "none"]
    least_unserved_t: float
    least_relaxation: float | None = None
    claims: dict[str, float]
    totals: dict[str, float | None]
    bill_cny: dict[str, float]


class PlanClaims(YearClaims):
    """What is said of one of several plans, and what it is judged by."""

    year: int
    weights: dict[str, float]
    unserved_cny_per_t: float | None
    rules: list[dict[str, Any]]
    changes: list[dict[str, Any]]


class ResultClaims(_Loose):
    """What ``result.json`` says, as far as it is checked."""

    status: Literal["optimal", "limit", "infeasible", "no_plan"]
    objective: float | None
    bound: float | None
    gap: float | None
    gap_asked: float
    verified: bool
    plan_verified: bool
    bound_proof: Literal["certificate", "solver", "none"]
    demand_t: float
    unserved_t: float
    totals: dict[str, float | None]
    by_year: dict[int, YearClaims]
    plans: dict[str, PlanClaims] = {}
    files: dict[str, str]


def checked_claims(document: Mapping[str, Any]) -> ResultClaims:
    """Claims of ``result.json``, or a problem for each that is missing or not what it must be."""
    try:
        said = ResultClaims.model_validate(document)
    except ValidationError as error:
        where = Where(RESULT)
        raise InputError(
            Problem("results.unreadable", where, f"{'.'.join(map(str, item['loc']))}: {item['msg']}")
            for item in error.errors(include_url=False)
        ) from error
    known = {field.name for field in fields(Totals)} | {"objective"}
    strangers = sorted({name for year in said.by_year.values() for name in year.claims} - known)
    stop_on_errors(Problem("results.unreadable", Where(RESULT), name) for name in strangers)
    return said


def contradictions(
    said: ResultClaims,
    verdicts: Sequence[Verdict],
    others: Mapping[str, Verdict],
    weights: Mapping[str, float],
    study: str,
) -> Iterator[Problem]:
    """Yield a problem for each figure or word of a result that the verdicts do not bear out.

    Parameters
    ----------
    said
        Content of ``result.json``.
    verdicts
        Verdicts of all its years.
    others
        Verdicts of its further plans.
    weights
        What the scenario's objective adds up.
    study
        Kind of the study.
    """
    gaps = []
    infeasible_base = study == SITING and any(year.status == "infeasible" for year in said.by_year.values())
    for verdict in verdicts:
        year = said.by_year[verdict.year]
        gaps.append(_gap(verdict, year.bound, weights))
        yield from _of_year(year, verdict, gaps[-1], said.gap_asked, f"{verdict.year} ")
    planned = []
    for name, verdict in others.items():
        plan = said.plans[name]
        gap = _gap(verdict, plan.bound, plan.weights)
        planned.append(gap)
        yield from _of_year(plan, verdict, gap, said.gap_asked, f"{name} ")
    totals = summed_totals(verdicts)
    bounds = [said.by_year[v.year].bound for v in verdicts]
    own: dict[str, float | None] = {
        **totals,
        "objective": _known(sum(v.objective for v in verdicts)),
        "bound": None if None in bounds else sum(b for b in bounds if b is not None),
    }
    claimed = {**said.totals, "demand_t": said.demand_t, "unserved_t": said.unserved_t}
    claimed |= {"objective": said.objective, "bound": said.bound}
    yield from _differing(claimed, own, "")
    whole = None if None in gaps else max((g for g in gaps if g is not None), default=None)
    yield from _differing({"gap": said.gap}, {"gap": whole}, "", 1e-6)
    proofs = {v.bound_proof for v in verdicts}
    if infeasible_base and said.status != "infeasible":
        # With what exists no plan does; what is said is said of the plans of the study.
        whole = None if None in planned else max((g for g in planned if g is not None), default=None)
        proofs = {v.bound_proof for v in others.values()}
    yield from _words(
        said.bound_proof,
        said.status,
        "certificate" if proofs == {"certificate"} else "none",
        whole,
        said.gap_asked,
        "",
        searched=study in SEARCHED,
    )
    holds = all(v.plan_verified for v in (*verdicts, *others.values()))
    for name, word in (("verified", said.verified), ("plan_verified", said.plan_verified)):
        if word != holds:
            yield Problem("verify.bill", Where(RESULT), str(word).lower(), str(holds).lower(), name)


def _of_year(
    said: YearClaims, verdict: Verdict, gap: float | None, asked: float, label: str
) -> Iterator[Problem]:
    yield from _differing(said.totals, summed_totals([verdict]), label)
    yield from _differing(said.bill_cny, verdict.bill, f"{label}bill ")
    yield from _differing({"gap": said.gap}, {"gap": gap}, label, 1e-6)
    yield from _differing({"objective": said.objective}, {"objective": _known(verdict.objective)}, label)
    if said.bound is not None and not math.isfinite(verdict.objective):
        yield Problem("verify.bill", Where(RESULT), f"{said.bound:.12g}", "", f"{label}bound")
    yield from _words(said.bound_proof, said.status, verdict.bound_proof, gap, asked, label)


def _known(value: float) -> float | None:
    return value if math.isfinite(value) else None


def _gap(verdict: Verdict, bound: float | None, weights: Mapping[str, float]) -> float | None:
    """Relative gap of a year: taxes at the border are the same in every plan that serves the same demand."""
    if bound is None or not math.isfinite(verdict.objective):
        return None
    weight = weights.get("money", 0.0)
    same = weight * sum(verdict.bill.get(item, 0.0) for item in ("duty", "vat", "border_fee"))
    return max(0.0, verdict.objective - bound) / max(1.0, abs(verdict.objective - same))


def _differing(
    said: Mapping[str, float | None], own: Mapping[str, float | None], label: str, close: float = CLOSE
) -> Iterator[Problem]:
    for name in sorted(said.keys() | own.keys()):
        a, b = said.get(name), own.get(name)
        same = a is b if a is None or b is None else abs(a - b) <= close * max(1.0, abs(b))
        if not same:
            yield Problem("verify.bill", Where(RESULT), _shown(a), _shown(b), f"{label}{name}")


def _shown(value: Any) -> str:
    return "" if value is None else f"{value:.12g}"


def _words(
    proof: str,
    status: str,
    own_proof: str,
    gap: float | None,
    asked: float,
    label: str,
    *,
    searched: bool = False,
) -> Iterator[Problem]:
    """“Certificate” and “optimal” are said only when they are, and “limit” only where it is the flows'."""
    if proof == "certificate" and own_proof != "certificate":
        yield Problem("verify.bill", Where(RESULT), proof, own_proof, f"{label}bound_proof")
    # A gap that rounding makes is none: two sums of the same terms differ by as much.
    closed = gap is not None and gap <= asked * (1 + 1e-6) + 1e-12
    if status == "infeasible" and own_proof != "certificate" and gap is None:
        yield Problem("verify.bill", Where(RESULT), status, own_proof, f"{label}status")
    early = (
        not searched
        and asked > 0
        and gap is not None
        and gap <= asked * (1 - 1e-6)
        and own_proof == "certificate"
    )
    if (status == "optimal" and not closed) or (status == "limit" and early):
        yield Problem("verify.bill", Where(RESULT), status, _shown(gap), f"{label}status")
