"""How far the result can be trusted: proof, check, versions, hashes, warnings."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from logistics.errors import Problem, Where
from logistics.reports.blocks import (
    Block,
    Cell,
    Note,
    Notes,
    Number,
    Row,
    Table,
    Words,
    given,
    head,
    say,
    term,
)
from logistics.reports.forms import OBJECTIVES
from logistics.reports.source import Results
from logistics.words import sentence

MOST_WARNINGS = 30


def honesty_blocks(results: Results, year: int) -> Sequence[Block]:  # noqa: ARG001 - all years
    """What was proven and by whom, what the result was made from, and what was found fault with."""
    document = results.document
    warnings = document["warnings"]
    found = [Note(_warning(each), "warning") for each in warnings[:MOST_WARNINGS]]
    if len(warnings) > MOST_WARNINGS:
        found.append(Note(say("problems.more", count=len(warnings) - MOST_WARNINGS), "warning"))
    reading = [say(f"report.honesty.{key}") for key in ("verified_means", "certificate_means", "not_meant")]
    if not warnings:
        reading.append(say("report.honesty.no_warnings"))
    verdict = Note(*verdict_of(document))
    return [
        verdict,
        *found,
        _proof(results),
        _provenance(results),
        Notes(say("report.honesty.reading"), reading),
    ]


def verdict_of(document: Mapping[str, Any]) -> tuple[Words, str]:
    """The outcome in one sentence, and whether it is good."""
    status, proof = document["status"], document["bound_proof"]
    if status == "no_plan":
        return say("report.honesty.no_plan"), "bad"
    if not document["verified"]:
        return say("report.honesty.unverified"), "bad"
    if status == "infeasible":
        return say("report.honesty.infeasible"), "bad"
    gap = f"{document['gap']:.1e}" if document["gap"] is not None else "–"
    if status == "optimal" and proof == "certificate":
        return say("report.honesty.optimal", gap=gap), "good"
    if status == "optimal":
        return say("report.honesty.optimal_solver", gap=gap), "warning"
    return say("report.honesty.limit", gap=gap), "warning"


def _proof(results: Results) -> Table:
    """What was found, and how sure it is."""
    document = results.document
    form = OBJECTIVES[document["objective_kind"]]
    facts: list[tuple[str, Cell]] = [
        ("term.status", term(document["status"])),
        ("report.honesty.objective_kind", term(document["objective_kind"])),
        ("term.objective", Number(document["objective"], form, "result/objective")),
        ("term.bound", Number(document["bound"], form, "result/bound")),
        ("term.bound_proof", say(f"bound_proof.{document['bound_proof']}")),
        ("term.gap", Number(document["gap"], "gap", "result/gap")),
        ("report.honesty.gap_asked", Number(document["gap_asked"], "gap", "result/gap_asked")),
        ("term.verified", term("yes" if document["verified"] else "no")),
        ("report.honesty.plans", Number(1 + len(document["plans"]), "count", "=plans")),
        ("term.unserved_t", Number(document["unserved_t"], "tonnes", "result/unserved_t")),
    ]
    unit = say(f"report.objective_unit.{form}") if form != "kg" else None
    notes = [say("report.honesty.objective_in", unit=unit)] if unit else []
    return _facts("proof", facts, notes)


def _provenance(results: Results) -> Table:
    """What it was made from, and with what."""
    document, solver = results.document, results.scenario["solver"]
    facts: list[tuple[str, Cell]] = [
        ("term.scenario", given(document["scenario"]["id"])),
        ("term.network", given(document["network"])),
        ("report.honesty.price_year", Number(_price_year(results), "year", "=scenario/price_year")),
        ("report.honesty.inputs", given(document["inputs"])),
        ("report.honesty.digest", given(document["digest"])),
        ("report.honesty.schema", given(document["schema"])),
        ("report.honesty.engine", given(document["engine"])),
        ("report.honesty.solver", say("report.honesty.solver_words")),
        ("report.honesty.seed", Number(document["seed"], "count", "result/seed")),
        ("report.honesty.time_limit", Number(solver["time_limit_s"], "count", "=scenario/time_limit_s")),
    ]
    return _facts("provenance", facts)


def _facts(name: str, facts: Sequence[tuple[str, Cell]], notes: Sequence[Words] = ()) -> Table:
    rows = [Row([say(key), cell]) for key, cell in facts]
    heads = (head("report.honesty.what"), head("value"))
    return Table(f"facts-{name}", say(f"report.honesty.{name}"), heads, rows, notes)


def _price_year(results: Results) -> int:
    return int(results.scenario["network_info"]["price_year"])


def _warning(found: Mapping[str, str]) -> Words:
    problem = Problem(
        found["code"],
        Where(found["where"]),
        found["found"],
        found["allowed"],
        found["subject"],
        severity="warning",
    )
    try:
        return Words(sentence(problem, "en"), sentence(problem, "zh"))
    except KeyError:
        return given(f"{found['where']}: {found['code']} {found['found']}")
