"""What a batch has to do: scenario files and their variants as runs, named by what decides their results."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

from logistics.errors import InputError, Problem
from logistics.limits import limit_rows
from logistics.results.layout import digest_of_bytes
from logistics.scenario.read import Scenario, ScenarioSource, SolverSettings
from logistics.scenario.variants import Setting, dimension_names
from logistics.version import VERSION

TABLES = ("*.csv", "network.yaml")
"""Files of a network folder that decide what it says."""


@dataclass(frozen=True)
class Run:
    """One run of a batch.

    Parameters
    ----------
    id
        Digest of the engine's version, the network's tables, the files that the study names, and the
        scenario; where in its file a change stands does not count.
    scenario
        What is run.
    variant
        Name of the variant or of the member of a family; empty: the file as it is.
    values
        What the member sets, by name of the dimension.
    network
        Digest of the tables of the network.
    """

    id: str
    scenario: Scenario
    variant: str
    values: Mapping[str, Setting]
    network: str


@dataclass(frozen=True)
class Refused:
    """A scenario, or a variant of it, that cannot be read; the other runs do not wait for it."""

    name: str
    problems: tuple[Problem, ...]


@dataclass(frozen=True)
class BatchPlan:
    """The runs of a batch, each once, in the order of files and variants.

    Parameters
    ----------
    networks
        Folder of each network by its digest.
    """

    runs: tuple[Run, ...]
    refused: tuple[Refused, ...]
    networks: Mapping[str, Path] = field(default_factory=dict)


def planned_batch(
    paths: Sequence[Path], *, allow_outside: bool = False, overrides: Mapping[str, float] | None = None
) -> BatchPlan:
    """Read scenario files and expand their variants.

    Parameters
    ----------
    paths
        The files.
    allow_outside
        Whether paths in them may leave their project folder.
    overrides
        Settings of the solver that hold for all runs: ``gap``, ``time_limit_s``.
    """
    runs: dict[str, Run] = {}
    refused: list[Refused] = []
    networks: dict[Path, str] = {}
    for path in paths:
        try:
            source = ScenarioSource.of(path, allow_outside=allow_outside)
        except InputError as error:
            refused.append(Refused(path.name, error.problems))
            continue
        for variant in source.members:
            try:
                scenario = source.scenario(variant or None)
            except InputError as error:
                refused.append(Refused(f"{path.stem}.{variant}", error.problems))
                continue
            scenario = _alone(scenario, overrides or {})
            folder = scenario.network_folder
            networks[folder] = networks.get(folder) or _network_digest(folder)
            run = _run(scenario, variant, _values(source, variant), networks[folder])
            runs.setdefault(run.id, run)
    return BatchPlan(
        tuple(runs.values()), tuple(refused), {digest: path for path, digest in networks.items()}
    )


def _alone(scenario: Scenario, overrides: Mapping[str, float]) -> Scenario:
    """The scenario without its sister variants, with the batch's own settings of the solver."""
    document = scenario.document
    if document is not None:
        places = {key: place for key, place in document.places.items() if key[:1] != ("variants",)}
        data = {key: value for key, value in document.data.items() if key != "variants"}
        document = replace(document, data=data, places=places)
    solver = SolverSettings(**{**asdict(scenario.solver), **overrides})
    return replace(scenario, variants={}, document=document, solver=solver)


def _values(source: ScenarioSource, variant: str) -> dict[str, Setting]:
    variants = source.chain[-1].file.variants
    family = variants.get(variant) or variants.get(variant.rpartition(".")[0])
    settings = source.members[variant]
    names = dimension_names(family) if family is not None else {}
    # Seeds of cells that are drawn apart say nothing.
    seeds = {dimension.key for dimension in family.over if dimension.apart} if family is not None else set()
    return {names[key]: value for key, value in settings.items() if key not in seeds}


def _run(scenario: Scenario, variant: str, values: Mapping[str, Setting], network: str) -> Run:
    said = {
        "engine": VERSION,
        "network": network,
        "files": {name: digest_of_bytes(path.read_bytes()) for name, path in _named_files(scenario)},
        "scenario": {
            "id": scenario.id,
            "name": scenario.name.model_dump(),
            "note": scenario.note,
            "years": scenario.years,
            "objective": scenario.objective,
            "serve": asdict(scenario.serve),
            "limits": [row | {"place": ""} for row in limit_rows(scenario.limits)],
            "study": scenario.study,
            "solver": asdict(scenario.solver),
            "changes": [[c.level, c.change.model_dump(exclude_unset=True)] for c in scenario.changes],
        },
    }
    text = json.dumps(said, ensure_ascii=False, sort_keys=True)
    return Run(digest_of_bytes(text.encode()), scenario, variant, values, network)


def _network_digest(folder: Path) -> str:
    whole = hashlib.blake2b(digest_size=16)
    for path in sorted(path for pattern in TABLES for path in folder.glob(pattern)):
        whole.update(path.name.encode() + b"\0" + digest_of_bytes(path.read_bytes()).encode() + b"\0")
    return whole.hexdigest()


def _named_files(scenario: Scenario) -> Iterator[tuple[str, Path]]:
    """Files that the settings of the study name, seen from the scenario file."""
    for text in sorted(set(_texts(scenario.study))):
        path = scenario.path.parent / text
        if len(text) < 256 and path.is_file():
            yield text, path


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping | list | tuple):
        items: Iterable[Any] = value.values() if isinstance(value, Mapping) else value
        for item in items:
            yield from _texts(item)
