"""Names in a results folder, and digests that tell whether a file was altered."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

SCHEMA = "logistics.result/1"
SUPPORTED_SCHEMAS = ("logistics.result/1",)
RESULT = "result.json"
TIMING = "timing.json"
LOG = "run.log"
INPUTS = "inputs"
PLAN = "plan"
PLANS = "plans"
DUALS = "duals.parquet"
SCENARIO = "scenario.json"
UNSEALED = (TIMING, LOG)
"""Files that may change without touching what the result says."""


def digest_of_bytes(data: bytes) -> str:
    """Short content digest."""
    return hashlib.blake2b(data, digest_size=16).hexdigest()


def digest_of_files(folder: Path) -> str:
    """Digest of all files below `folder`, by name and content."""
    whole = hashlib.blake2b(digest_size=16)
    for path in sorted(p for p in folder.rglob("*") if p.is_file()):
        whole.update(path.relative_to(folder).as_posix().encode())
        whole.update(b"\0")
        whole.update(digest_of_bytes(path.read_bytes()).encode())
        whole.update(b"\0")
    return whole.hexdigest()


def canonical_json(document: Mapping[str, Any]) -> str:
    """JSON text that is the same for the same content."""
    return json.dumps(document, ensure_ascii=False, indent=2, sort_keys=False, allow_nan=False) + "\n"


def self_digest(document: Mapping[str, Any]) -> str:
    """Digest of a result document without its own ``digest`` key."""
    bare = {key: value for key, value in document.items() if key != "digest"}
    return digest_of_bytes(json.dumps(bare, ensure_ascii=False, sort_keys=True, allow_nan=False).encode())
