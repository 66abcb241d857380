"""Judging a results folder from its files alone."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from logistics.errors import InputError, Problem, Where, stop_on_errors
from logistics.limits import read_limits
from logistics.network.network import Network
from logistics.network.tables import BY_NAME
from logistics.plan import Plan
from logistics.results.channel_claims import channel_contradictions
from logistics.results.claims import ResultClaims, YearClaims, checked_claims, contradictions
from logistics.results.compare import keyed_rows
from logistics.results.first_look_claims import first_look_contradictions
from logistics.results.layout import (
    INPUTS,
    PLAN,
    PLANS,
    RESULT,
    digest_of_bytes,
    digest_of_files,
    self_digest,
)
from logistics.results.read import SavedInputs, no_plan, read_duals, read_inputs, read_plan, read_result
from logistics.results.returns_claims import returns_contradictions
from logistics.results.siting_claims import siting_contradictions
from logistics.results.study_claims import conflict_contradictions, study_contradictions
from logistics.verification.books import WEIGHTS
from logistics.verification.certificates import certificates_of
from logistics.verification.check import Assertion, Task, unplanned_year, verify_conflict, verify_task
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
    others
        Verdicts of further plans, by id.
    """

    verdicts: tuple[Verdict, ...]
    violations: tuple[Problem, ...]
    others: Mapping[str, Verdict] = field(default_factory=dict)

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
        scenario = inputs.scenario
        rules = read_limits(scenario["limits"].get("rules", []))
        task = Task(WEIGHTS[scenario["objective"]], scenario["limits"]["unserved_cny_per_t"], rules)
        return _judged(read_plan(folder, hand_made=True), inputs, task, {}, None)
    document = read_result(folder)
    altered = _altered(folder, document)
    try:
        said = checked_claims(document)
        saved = read_inputs(folder)
        _same_years(said, saved)
        duals = read_duals(folder)
        plan = read_plan(folder) if (folder / PLAN).exists() else no_plan()
        limits = read_limits(saved.scenario["limits"].get("rules", []))
        others = {
            name: (_tables(folder, name), _changed(saved.networks[claims.year], claims.changes))
            for name, claims in said.plans.items()
        }
        other_limits = {name: read_limits(claims.rules) for name, claims in said.plans.items()}
    except (InputError, KeyError, TypeError, IndexError, ValueError, pa.ArrowException) as error:
        # What was altered is the finding; that it can no longer be read only follows from it.
        problems = error.problems if isinstance(error, InputError) else ()
        if altered or not problems:
            unreadable = () if problems else (Problem("results.unreadable", Where(RESULT), str(error)[:200]),)
            return Judgement((), (*altered, *problems, *unreadable))
        raise
    weights = WEIGHTS[str(saved.scenario["objective"])]
    task = Task(weights, saved.scenario["limits"]["unserved_cny_per_t"], limits)
    judged = _judged(plan, saved, task, said.by_year, duals, said.gap_asked)
    further: dict[str, Verdict] = {}
    for name, ((other_plan, other_duals), network) in others.items():
        claims = said.plans[name]
        task = Task(claims.weights, claims.unserved_cny_per_t, other_limits[name])
        further[name] = _verdict(network, claims.year, other_plan, task, claims, other_duals, said.gap_asked)
    found = [
        replace(problem, where=replace(problem.where, file=f"{PLANS}/{name}/{problem.where.file}"))
        for name, verdict in further.items()
        for problem in verdict.violations
    ]
    told = {
        str(verdict.year): (verdict.year, plan.of_year(verdict.year), saved.networks[verdict.year], verdict)
        for verdict in judged.verdicts
    }
    told |= {
        name: (said.plans[name].year, tables[0].of_year(said.plans[name].year), network, further[name])
        for name, (tables, network) in others.items()
    }
    said_wrongly = [
        *contradictions(said, judged.verdicts, further, weights, str(saved.scenario["study"]["kind"])),
        *study_contradictions(folder, saved.scenario, said, further),
        *channel_contradictions(
            saved.scenario, said, saved.networks, {name: network for name, (_, network) in others.items()}
        ),
        *siting_contradictions(
            folder,
            saved,
            said,
            {name: (tables[0], network) for name, (tables, network) in others.items()},
            judged.verdicts,
            further,
        ),
        *first_look_contradictions(folder, saved),
        *returns_contradictions(folder, told),
        *conflict_contradictions(folder, judged.verdicts),
    ]
    return Judgement(judged.verdicts, (*altered, *judged.violations, *found, *said_wrongly), further)


def _tables(folder: Path, name: str) -> tuple[Plan, pa.Table | None]:
    place = f"{PLANS}/{name}"
    has_plan = (folder / place / "flows.parquet").exists()
    return read_plan(folder, name=place) if has_plan else no_plan(), read_duals(folder / place)


def _changed(network: Network, changes: Sequence[Mapping[str, Any]]) -> Network:
    """The network with the values of one of several plans."""
    by_column: dict[tuple[str, str], dict[str, Any]] = {}
    for change in changes:
        by_column.setdefault((change["table"], change["column"]), {})[change["row"]] = change["value"]
    for (name, column), values in by_column.items():
        table = network.tables[name]
        row = keyed_rows(table, BY_NAME[name].key)
        cells = table[column].to_pylist()
        for key, value in values.items():
            cells[row[key]] = value
        place = table.schema.get_field_index(column)
        field = table.schema.field(place)
        network = network.with_table(name, table.set_column(place, field, pa.array(cells, field.type)))
    return network


def _judged(
    plan: Plan,
    saved: SavedInputs,
    task: Task,
    claims: Mapping[int, YearClaims],
    duals: pa.Table | None,
    gap: float = 0.0,
) -> Judgement:
    """Judge a plan year by year."""
    verdicts = [
        _verdict(network, year, plan.of_year(year), task, claims.get(year), duals, gap)
        for year, network in saved.networks.items()
    ]
    strangers = sorted(set(plan.years) - set(saved.networks))
    violations = [
        Problem("verify.step", Where("plan/flows"), str(year), subject="year") for year in strangers
    ]
    violations += [problem for verdict in verdicts for problem in verdict.violations]
    return Judgement(tuple(verdicts), tuple(violations))


def _verdict(
    network: Network,
    year: int,
    plan: Plan,
    task: Task,
    said: YearClaims | None,
    duals: pa.Table | None,
    gap: float,
) -> Verdict:
    """Judge one year of a plan by what is said of it."""
    if said is None:
        return verify_task(network, year, plan, task, Assertion({}))
    mine = certificates_of(duals.filter(pc.equal(duals["year"], year))) if duals is not None else {}
    claim = Assertion(
        figures={**said.claims, "objective": said.objective} if said.objective is not None else {},
        bound=said.bound,
        gap=gap,
        certificate=mine.get("objective"),
        least_unserved=mine.get("least_unserved"),
        least_unserved_t=said.least_unserved_t,
        conflict=mine.get("conflict"),
        members=mine.get("members"),
        least_relaxation=said.least_relaxation,
    )
    if said.least_relaxation is not None:
        return verify_conflict(network, year, plan, task, claim)
    if said.status == "no_plan":
        return unplanned_year(network, year)
    return verify_task(network, year, plan, task, claim)


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
