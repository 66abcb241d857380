"""Writing a results folder: everything beside its place first, then one rename.

``result.json`` holds no clock value, so the same inputs give the same file; ``timing.json`` holds the times.
"""

from __future__ import annotations

import math
import os
import shutil
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from logistics.errors import Problem, Where, stop_on_errors
from logistics.limits import limit_rows
from logistics.plan import Plan
from logistics.results.layout import (
    DUALS,
    INPUTS,
    LOG,
    PLAN,
    PLANS,
    RESULT,
    SCENARIO,
    SCHEMA,
    TIMING,
    UNSEALED,
    canonical_json,
    digest_of_bytes,
    digest_of_files,
    self_digest,
)
from logistics.scenario.case import Case
from logistics.studies.study import StudyResult
from logistics.version import VERSION

CHANGES = pa.schema(
    [
        ("year", pa.int32()),
        ("place", pa.string()),
        ("table", pa.string()),
        ("row_id", pa.string()),
        ("column", pa.string()),
        ("old", pa.string()),
        ("new", pa.string()),
    ]
)


def check_place(folder: Path, *, force: bool) -> None:
    """Refuse a folder that exists, unless forced; and refuse to replace one that holds no result.

    Raises
    ------
    InputError
        With what to do.
    """
    if not folder.exists():
        stop_on_errors(unwritable(folder))
        return
    problems: list[Problem] = []
    if folder.is_dir() and not any(folder.iterdir()):
        return
    if not folder.is_dir() or not (folder / RESULT).is_file():
        problems.append(Problem("results.not_results", Where(str(folder))))
    elif not force:
        problems.append(Problem("results.exists", Where(str(folder))))
    stop_on_errors(problems)


def unwritable(folder: Path) -> list[Problem]:
    """Say whether `folder` cannot be made: its nearest existing parent is no folder to write in."""
    parent = next((p for p in folder.absolute().parents if p.exists()), Path("/"))
    if parent.is_dir() and os.access(parent, os.W_OK | os.X_OK):
        return []
    return [Problem("results.unwritable", Where(str(folder)), str(parent))]


def write_results(
    folder: Path, case: Case, result: StudyResult, log_text: str = "", *, force: bool = False
) -> dict[str, Any]:
    """Write the results folder of a study and return the content of ``result.json``.

    Raises
    ------
    InputError
        When the folder may not be replaced.
    """
    check_place(folder, force=force)
    folder.parent.mkdir(parents=True, exist_ok=True)
    work = Path(tempfile.mkdtemp(prefix=f".{folder.name}.", dir=folder.parent))
    try:
        inputs = _write_inputs(work, case)
        _write_plan(result.plan, work / PLAN)
        _write_table(result.duals, work / DUALS)
        for name, record in result.plans.items():
            _write_plan(record.plan, work / PLANS / name)
            _write_table(record.duals, work / PLANS / name / DUALS)
        _write_table(_changes(case), work / "changes.parquet")
        for name, table in result.tables.items():
            _write_table(table, work / f"{name}.parquet")
        document = result_document(case, result, inputs)
        document["files"] = {
            path.relative_to(work).as_posix(): digest_of_bytes(path.read_bytes())
            for path in sorted(p for p in work.rglob("*") if p.is_file())
            if not path.is_relative_to(work / INPUTS) and path.name not in UNSEALED
        }
        document["digest"] = self_digest(document)
        (work / RESULT).write_text(canonical_json(document), encoding="utf-8")
        (work / TIMING).write_text(canonical_json({"seconds": dict(result.seconds)}), encoding="utf-8")
        (work / LOG).write_text(log_text, encoding="utf-8")
        work.chmod(0o755)
        _put(work, folder)
    except BaseException:
        shutil.rmtree(work, ignore_errors=True)
        raise
    return document


def _write_plan(plan: Plan | None, folder: Path) -> None:
    if plan is None:
        return
    folder.mkdir(parents=True)
    for name in ("flows", "steps", "unserved"):
        _write_table(getattr(plan, name), folder / f"{name}.parquet")


def _put(work: Path, folder: Path) -> None:
    """Move the finished folder to its place; an old one goes only after the new one is ready."""
    if folder.exists():
        old = Path(tempfile.mkdtemp(prefix=f".{folder.name}.old.", dir=folder.parent))
        try:
            os.replace(folder, old / "result")
            os.replace(work, folder)
        except BaseException:
            if (old / "result").exists() and not folder.exists():
                os.replace(old / "result", folder)
            shutil.rmtree(old, ignore_errors=True)
            raise
        shutil.rmtree(old, ignore_errors=True)
    else:
        os.replace(work, folder)


def result_document(case: Case, result: StudyResult, inputs: str) -> dict[str, Any]:
    """Content of ``result.json`` but for its digests."""
    scenario = case.scenario
    return {
        "schema": SCHEMA,
        "engine": VERSION,
        "scenario": {"id": scenario.id, "name": scenario.name.model_dump(), "note": scenario.note},
        "network": scenario.network_folder.name,
        "study": dict(scenario.study),
        "years": list(scenario.years),
        "objective_kind": scenario.objective,
        "seed": scenario.solver.seed,
        "gap_asked": scenario.solver.gap,
        "inputs": inputs,
        "status": result.status,
        "objective": _finite(result.objective),
        "bound": _finite(result.bound),
        "gap": _finite(result.gap),
        "verified": result.verified,
        "plan_verified": result.plan_verified,
        "bound_proof": result.bound_proof,
        "demand_t": result.totals.get("demand_t"),
        "unserved_t": result.totals.get("unserved_t"),
        "totals": {k: v for k, v in result.totals.items() if k not in ("demand_t", "unserved_t")},
        "by_year": {str(year): _json_ready(figures) for year, figures in result.years.items()},
        "plans": {name: _json_ready(record.figures) for name, record in result.plans.items()},
        "warnings": [_problem(p) for p in (*case.warnings, *result.problems)],
    }


def _problem(problem: Problem) -> dict[str, str]:
    place = str(problem.where)
    return {
        "code": problem.code,
        "severity": problem.severity,
        "where": place,
        "found": problem.found,
        "allowed": problem.allowed,
        "subject": problem.subject,
    }


def _finite(value: float | None) -> float | None:
    return value if value is not None and math.isfinite(value) else None


def _json_ready(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {str(key): _json_ready(item) for key, item in value.items()}
    if isinstance(value, float):
        return _finite(value)
    if isinstance(value, list | tuple):
        return [_json_ready(item) for item in value]
    return value


def _changes(case: Case) -> pa.Table:
    rows = [
        (year, str(e.where), e.table, e.row_id, e.column, _cell(e.old), _cell(e.new))
        for year, entries in case.log.items()
        for e in entries
    ]
    columns = list(zip(*rows, strict=True)) if rows else [()] * len(CHANGES)
    return pa.table([pa.array(c, f.type) for c, f in zip(columns, CHANGES, strict=True)], schema=CHANGES)


def _cell(value: object) -> str:
    return "" if value is None else f"{value:.12g}" if isinstance(value, float) else str(value)


def _write_inputs(work: Path, case: Case) -> str:
    """Effective tables of each year and the resolved scenario, in a folder named by their content."""
    store = work / INPUTS / "new"
    for year, network in case.networks.items():
        (store / str(year)).mkdir(parents=True)
        for name, table in network.tables.items():
            if not name.endswith("_by_year"):
                _write_table(table, store / str(year) / f"{name}.parquet")
    (store / SCENARIO).write_text(canonical_json(resolved_scenario(case)), encoding="utf-8")
    name = digest_of_files(store)
    os.replace(store, work / INPUTS / name)
    return name


def resolved_scenario(case: Case) -> dict[str, Any]:
    """Everything of the scenario that a check needs, as plain data."""
    scenario = case.scenario
    info = next(iter(case.networks.values())).info
    return {
        "schema": 1,
        "id": scenario.id,
        "name": scenario.name.model_dump(),
        "network": scenario.network_folder.name,
        "years": list(scenario.years),
        "objective": scenario.objective,
        "limits": {
            "allow_unserved": scenario.serve.allow_unserved,
            "unserved_cny_per_t": scenario.serve.unserved_cny_per_t,
            "rules": limit_rows(scenario.limits),
        },
        "study": dict(scenario.study),
        "solver": {
            "gap": scenario.solver.gap,
            "time_limit_s": scenario.solver.time_limit_s,
            "seed": scenario.solver.seed,
        },
        "changes": [
            {"year": year, "table": e.table, "row": e.row_id, "column": e.column, "old": e.old, "new": e.new}
            for year, entries in case.log.items()
            for e in entries
        ],
        "network_info": {
            "name_en": info.name_en,
            "name_zh": info.name_zh,
            "home_territory": info.home_territory,
            "home_province": info.home_province,
            "base_year": info.base_year,
            "years": list(info.years),
            "price_year": info.price_year,
        },
    }


def _write_table(table: pa.Table, path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    pq.write_table(table, path, compression="zstd")
