"""Judging a results folder from its files alone."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from logistics.errors import InputError, Problem, Where, stop_on_errors
from logistics.plan import Plan
from logistics.results.claims import ResultClaims, YearClaims, checked_claims, contradictions
from logistics.results.layout import INPUTS, RESULT, digest_of_bytes, digest_of_files, self_digest
from logistics.results.read import SavedInputs, read_duals, read_inputs, read_plan, read_result
from logistics.verification.certificates import certificates_of
from logistics.verification.check import Assertion, verify_year
from logistics.verification.verdict import Verdict


@dataclass(frozen=True)
class Judgement:
    """What the check of a folder found.

    Parameters
    ----------
    verdicts
        One a year.
    violations
        Those of the files and of every year.
    """

    verdicts: tuple[Verdict, ...]
    violations: tuple[Problem, ...]

    @property
    def verified(self) -> bool:
        """Whether nothing was found against the folder."""
        return not self.violations


def judge_folder(folder: Path, inputs: SavedInputs | None = None) -> Judgement:
    """Check a results folder, or a hand-made plan.

    Parameters
    ----------
    folder
        Holds ``plan/`` and, for a result, ``result.json``, ``duals.parquet`` and ``inputs/``.
    inputs
        Tables and scenario to check against when the folder holds only a plan.

    Raises
    ------
    InputError
        When what is needed cannot be read.
    """
    if inputs is not None:
        return _judged(read_plan(folder, hand_made=True), inputs, {}, None)
    document = read_result(folder)
    altered = _altered(folder, document)
    try:
        said = checked_claims(document)
        saved = read_inputs(folder)
        _same_years(said, saved)
        duals = read_duals(folder)
        plan = read_plan(folder, hand_made=False)
    except InputError as error:
        # What was altered is the finding; that it can no longer be read only follows from it.
        if altered:
            return Judgement((), (*altered, *error.problems))
        raise
    judged = _judged(plan, saved, said.by_year, duals, said.gap_asked)
    objective = str(saved.scenario["objective"])
    said_wrongly = contradictions(said, judged.verdicts, objective)
    return Judgement(judged.verdicts, (*altered, *judged.violations, *said_wrongly))


def _judged(
    plan: Plan,
    saved: SavedInputs,
    claims: Mapping[int, YearClaims],
    duals: pa.Table | None,
    gap: float = 0.0,
) -> Judgement:
    """Judge a plan year by year."""
    verdicts = []
    objective, price = str(saved.scenario["objective"]), saved.scenario["limits"]["unserved_cny_per_t"]
    for year, network in saved.networks.items():
        claim = Assertion({})
        if year in claims:
            said = claims[year]
            mine = certificates_of(duals.filter(pc.equal(duals["year"], year))) if duals is not None else {}
            claim = Assertion(
                figures={**said.claims, "objective": said.objective},
                bound=said.bound,
                gap=gap,
                certificate=mine.get("objective"),
                least_unserved=mine.get("least_unserved"),
                least_unserved_t=said.least_unserved_t,
            )
        verdicts.append(verify_year(network, year, plan.of_year(year), objective, claim, price))
    strangers = sorted(set(plan.years) - set(saved.networks))
    violations = [
        Problem("verify.step", Where("plan/flows"), str(year), subject="year") for year in strangers
    ]
    violations += [problem for verdict in verdicts for problem in verdict.violations]
    return Judgement(tuple(verdicts), tuple(violations))


def _same_years(said: ResultClaims, saved: SavedInputs) -> None:
    if set(said.by_year) != set(saved.networks):
        years = ", ".join(map(str, sorted(said.by_year)))
        stop_on_errors([Problem("results.unreadable", Where(RESULT), f"by_year: {years}")])


def _altered(folder: Path, document: Mapping[str, Any]) -> list[Problem]:
    """Files that are not what they were when the result was written."""
    found = []
    if document.get("digest") != self_digest(document):
        found.append(Problem("verify.file_changed", Where(RESULT), RESULT))
    for name, digest in _files(document).items():
        path = folder / name
        if not path.is_file():
            found.append(Problem("verify.missing_file", Where(name), name))
        elif digest_of_bytes(path.read_bytes()) != digest:
            found.append(Problem("verify.file_changed", Where(name), name))
    for store in sorted((folder / INPUTS).glob("*")):
        if store.name != document.get("inputs") or digest_of_files(store) != store.name:
            found.append(Problem("verify.inputs_changed", Where(f"{INPUTS}/{store.name}"), store.name))
    return found


def _files(document: Mapping[str, Any]) -> Mapping[str, str]:
    found = document.get("files")
    return found if isinstance(found, dict) else {}
