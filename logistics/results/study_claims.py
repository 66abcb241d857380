"""Holding the plans and tables of a study against its scenario and against each other."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from logistics.errors import Problem, Where
from logistics.results.claims import CLOSE, PlanClaims, ResultClaims
from logistics.results.layout import RESULT
from logistics.verification.books import WEIGHTS
from logistics.verification.verdict import Verdict

FRONTIER, DISRUPTION = "frontier", "disruption"
LIMITS = "limits"
ADDED = {"money": "money", "hours": "customer_h", "co2": "co2_kg"}
"""What an objective of a frontier adds up."""


def study_contradictions(
    folder: Path, scenario: Mapping[str, Any], said: ResultClaims, verdicts: Mapping[str, Verdict]
) -> Iterator[Problem]:
    """Yield a problem for each plan that answers another question, and for each table that does not fit.

    Parameters
    ----------
    folder
        The results folder.
    scenario
        The resolved scenario of its inputs.
    said
        Content of ``result.json``.
    verdicts
        Verdicts of the further plans, by id.
    """
    kind = str(scenario["study"]["kind"])
    for name, claims in said.plans.items():
        for subject in _other_task(kind, scenario, claims):
            yield Problem("verify.bill", Where(RESULT), name, "", f"plans {name} {subject}")
    path = folder / f"{kind}.parquet"
    if kind not in (FRONTIER, DISRUPTION) or not path.exists():
        return
    try:
        rows = [row for row in pq.read_table(path).to_pylist() if row["plan_id"]]
        named = {row["plan_id"] for row in rows}
        if named != set(said.plans):
            differing = ", ".join(sorted(named ^ set(said.plans)))
            yield Problem("verify.bill", Where(path.name), differing, "", "plan_id")
        for row in rows if kind == FRONTIER else ():
            yield from _figures(path.name, row, verdicts.get(row["plan_id"]))
    except (OSError, KeyError, pa.ArrowException) as error:
        yield Problem("results.unreadable", Where(path.name), str(error)[:200])


def conflict_contradictions(folder: Path, verdicts: Sequence[Verdict]) -> Iterator[Problem]:
    """Yield a problem for each limit that is said to be in a conflict, or not to be, against the proof."""
    path = folder / f"{LIMITS}.parquet"
    if not path.exists():
        return
    members = {verdict.year: verdict.members for verdict in verdicts}
    try:
        for row in pq.read_table(path).to_pylist():
            year, limit, said = int(row["year"]), str(row["limit_id"]), bool(row["in_conflict"])
            own = limit in members[year]
            if said != own:
                where = Where(path.name, 0, "in_conflict")
                yield Problem("verify.bill", where, str(said).lower(), str(own).lower(), f"{year} {limit}")
    except (OSError, KeyError, TypeError, ValueError, pa.ArrowException) as error:
        yield Problem("results.unreadable", Where(path.name), str(error)[:200])


def _other_task(kind: str, scenario: Mapping[str, Any], claims: PlanClaims) -> Iterator[str]:
    """Name what a plan was judged by that is not what the study asks."""
    limits, objective = scenario["limits"], str(scenario["objective"])
    rules = [rule for rule in claims.rules if kind != FRONTIER or rule.get("id") != FRONTIER]
    if rules != limits.get("rules", []):
        yield "rules"
    if kind == FRONTIER:
        objectives = scenario["study"].get("objectives", ["money", "hours"])
        fits = set(claims.weights) <= {ADDED[name] for name in objectives}
        price = None
    else:
        fits = claims.weights == dict(WEIGHTS[objective])
        price = limits["unserved_cny_per_t"]
    if not fits:
        yield "weights"
    if claims.unserved_cny_per_t != price:
        yield "unserved_cny_per_t"


def _figures(file: str, row: Mapping[str, Any], verdict: Verdict | None) -> Iterator[Problem]:
    if verdict is None:
        return
    totals = verdict.totals
    for name in ("money_cny", "customer_t_h", "co2_t", "unserved_t"):
        own = getattr(totals, name)
        if not abs(row[name] - own) <= CLOSE * max(1.0, abs(own)):
            where = Where(file, 0, name)
            yield Problem("verify.bill", where, f"{row[name]:.12g}", f"{own:.12g}", row["plan_id"])
