"""A results folder as contents of files, the same that :mod:`logistics.results.write` writes."""

from __future__ import annotations

import pyarrow as pa
import pyarrow.parquet as pq

from logistics.batches.digests import folder_digest
from logistics.plan import Plan
from logistics.results.layout import (
    DUALS,
    INPUTS,
    LOG,
    PLAN,
    PLANS,
    RESULT,
    SCENARIO,
    TIMING,
    canonical_json,
    digest_of_bytes,
    self_digest,
)
from logistics.results.write import _changes, resolved_scenario, result_document
from logistics.scenario.case import Case
from logistics.studies.study import StudyResult

KEPT = 8
"""Versions of a table that are kept encoded: most runs of a batch share most of their inputs."""

_encoded: dict[str, list[tuple[pa.Table, bytes, str]]] = {}


def rendered_results(case: Case, result: StudyResult, log_text: str) -> dict[str, bytes]:
    """Return the contents of the files of a results folder by name."""
    inputs = _inputs(case)
    store = folder_digest({name: digest for name, (_, digest) in inputs.items()})
    files = _plan(result.plan, PLAN) | {DUALS: _parquet(result.duals)}
    for name, record in result.plans.items():
        files |= _plan(record.plan, f"{PLANS}/{name}")
        files[f"{PLANS}/{name}/{DUALS}"] = _parquet(record.duals)
    files["changes.parquet"] = _parquet(_changes(case))
    files |= {f"{name}.parquet": _parquet(table) for name, table in result.tables.items()}
    document = result_document(case, result, store)
    # As paths are ordered: by their parts.
    names = sorted(files, key=lambda name: name.split("/"))
    document["files"] = {name: digest_of_bytes(files[name]) for name in names}
    document["digest"] = self_digest(document)
    files[RESULT] = canonical_json(document).encode()
    files[TIMING] = canonical_json({"seconds": dict(result.seconds)}).encode()
    files[LOG] = log_text.encode()
    return files | {f"{INPUTS}/{store}/{name}": data for name, (data, _) in inputs.items()}


def _plan(plan: Plan | None, place: str) -> dict[str, bytes]:
    if plan is None:
        return {}
    return {f"{place}/{n}.parquet": _parquet(getattr(plan, n)) for n in ("flows", "steps", "unserved")}


def _inputs(case: Case) -> dict[str, tuple[bytes, str]]:
    """Content and digest of each file of the inputs."""
    found = {}
    for year, network in case.networks.items():
        for name, table in network.tables.items():
            if not name.endswith("_by_year"):
                found[f"{year}/{name}.parquet"] = _encoded_once(f"{year}/{name}", table)
    text = canonical_json(resolved_scenario(case)).encode()
    found[SCENARIO] = text, digest_of_bytes(text)
    return found


def _encoded_once(name: str, table: pa.Table) -> tuple[bytes, str]:
    """Content and digest of a table's file, from memory where the table was met before."""
    known = _encoded.setdefault(name, [])
    for other, data, digest in known:
        if other is table or (other.schema == table.schema and other.equals(table, check_metadata=True)):
            return data, digest
    data = _parquet(table)
    known.append((table, data, digest_of_bytes(data)))
    del known[1:-KEPT]
    return known[-1][1], known[-1][2]


def _parquet(table: pa.Table) -> bytes:
    stream = pa.BufferOutputStream()
    pq.write_table(table, stream, compression="zstd")
    return bytes(stream.getvalue().to_pybytes())
