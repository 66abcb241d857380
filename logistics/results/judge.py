"""Judging a results folder from its files alone."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow.compute as pc

from logistics.errors import Problem, Where
from logistics.plan import Plan
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
    hand_made = inputs is not None
    document: Mapping[str, Any] = {} if hand_made else read_result(folder)
    violations = [] if hand_made else _altered(folder, document)
    saved = inputs or read_inputs(folder)
    plan = read_plan(folder)
    duals = None if hand_made else read_duals(folder)
    verdicts = []
    for year, network in saved.networks.items():
        claim = Assertion({})
        if not hand_made:
            mine = duals.filter(pc.equal(duals["year"], year)) if duals is not None else None
            claim = _claim(document, year, certificates_of(mine) if mine is not None else {})
        objective, price = str(saved.scenario["objective"]), saved.scenario["limits"]["unserved_cny_per_t"]
        verdicts.append(verify_year(network, year, _of_year(plan, year), objective, claim, price))
    strangers = sorted(set(plan.years) - set(saved.networks))
    violations += [
        Problem("verify.step", Where("plan/flows"), str(year), subject="year") for year in strangers
    ]
    violations += [problem for verdict in verdicts for problem in verdict.violations]
    return Judgement(tuple(verdicts), tuple(violations))


def _of_year(plan: Plan, year: int) -> Plan:
    return plan.of_year(year)


def _claim(document: Mapping[str, Any], year: int, certificates: Mapping[str, Any]) -> Assertion:
    """What ``result.json`` says of a year."""
    said = document["by_year"][str(year)]
    return Assertion(
        figures={**said["claims"], "objective": said["objective"]},
        bound=said["bound"],
        gap=document["gap_asked"],
        certificate=certificates.get("objective"),
        least_unserved=certificates.get("least_unserved"),
        least_unserved_t=said["least_unserved_t"],
    )


def _altered(folder: Path, document: Mapping[str, Any]) -> list[Problem]:
    """Files that are not what they were when the result was written."""
    found = []
    if document.get("digest") != self_digest(document):
        found.append(Problem("verify.file_changed", Where(RESULT), RESULT))
    for name, digest in document.get("files", {}).items():
        path = folder / name
        if not path.is_file():
            found.append(Problem("verify.missing_file", Where(name), name))
        elif digest_of_bytes(path.read_bytes()) != digest:
            found.append(Problem("verify.file_changed", Where(name), name))
    for store in sorted((folder / INPUTS).glob("*")):
        if store.name != document.get("inputs") or digest_of_files(store) != store.name:
            found.append(Problem("verify.inputs_changed", Where(f"{INPUTS}/{store.name}"), store.name))
    return found
