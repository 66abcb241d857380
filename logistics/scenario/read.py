"""Scenario files: read, follow ``extends``, merge into one :class:`Scenario`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import Any

from logistics.errors import Problem, Where, did_you_mean, stop_on_errors
from logistics.limits import PlanLimit
from logistics.project import guarded, project_folder
from logistics.scenario.estimates import is_over_estimates, with_estimates
from logistics.scenario.plan_limits import placed_limits
from logistics.scenario.schema import SUPPORTED_SCHEMAS, Change, Names, ScenarioFile, Variant
from logistics.scenario.variants import Setting, members_of, with_settings
from logistics.yaml_files import Document, read_yaml, validated

MAX_EXTENDS = 20
DEFAULT_GAP = 1e-6
DEFAULT_TIME_LIMIT_S = 600.0


@dataclass(frozen=True)
class PlacedChange:
    """A change and where it was written.

    Parameters
    ----------
    level
        0 for the outermost parent, counting up; a higher level overrides a lower one.
    """

    change: Change
    where: Where
    level: int


@dataclass(frozen=True)
class SolverSettings:
    """When the solver stops.

    Parameters
    ----------
    gap
        Relative gap at which it is done.
    time_limit_s
        Wall-clock limit in seconds.
    seed
        Seed of everything random.
    """

    gap: float = DEFAULT_GAP
    time_limit_s: float = DEFAULT_TIME_LIMIT_S
    seed: int = 1


@dataclass(frozen=True)
class ServeRule:
    """What happens to demand that cannot be served.

    Parameters
    ----------
    allow_unserved
        False: a plan with unserved demand is infeasible.
    unserved_cny_per_t
        Price instead of “serve all that can be served first”; None: unserved first.
    """

    allow_unserved: bool = True
    unserved_cny_per_t: float | None = None


@dataclass(frozen=True)
class Scenario:
    """A scenario after ``extends``: everything a study needs, still in the user's words."""

    id: str
    name: Names
    note: str
    network_folder: Path
    years: tuple[int, ...]
    objective: str
    serve: ServeRule
    study: Mapping[str, Any]
    solver: SolverSettings
    changes: tuple[PlacedChange, ...]
    limits: tuple[PlanLimit, ...] = ()
    variants: Mapping[str, Variant] = field(default_factory=dict)
    document: Document | None = None
    path: Path = Path()
    """The scenario file; others that it names are seen from there."""
    allow_outside: bool = False
    """Whether such files may lie outside the project folder."""


def read_scenario(path: Path, *, allow_outside: bool = False, variant: str | None = None) -> Scenario:
    """Read a scenario file and its parents.

    Parameters
    ----------
    path
        The YAML file.
    allow_outside
        Whether paths in the file may leave its project folder.
    variant
        Name of a variant of the file to apply on top, or of a member of a family (``rates.3``).

    Raises
    ------
    InputError
        With every problem of the files.
    """
    return ScenarioSource.of(path, allow_outside=allow_outside).scenario(variant)


def named_network(path: Path, *, allow_outside: bool = False) -> Path | None:
    """Folder of the network that a scenario file or its parents name, whatever else is wrong with them."""
    project, current = project_folder(path), path.resolve()
    for _ in range(MAX_EXTENDS):
        document = read_yaml(current, current.name, []) if current.is_file() else None
        if document is None or not isinstance(document.data, dict):
            return None
        found: list[Problem] = []
        name, parent = document.data.get("network"), document.data.get("extends")
        if isinstance(name, str) and name:
            folder = _network_folder(name, (current, document), project, found, allow_outside)
            return None if found else folder
        if not isinstance(parent, str):
            return None
        current = guarded(current.parent / parent, project, Where(), found, allow_outside=allow_outside)
        if found:
            return None
    return None


@dataclass(frozen=True)
class _Read:
    """One file of a chain, and where it lies: its paths are relative to it."""

    file: ScenarioFile
    document: Document
    path: Path


@dataclass(frozen=True)
class ScenarioSource:
    """A scenario file and its parents as they were read: makes the scenario, and each of its variants.

    Parameters
    ----------
    path
        The scenario file.
    project
        Folder that paths may not leave.
    chain
        The files, outermost parent first.
    allow_outside
        Whether paths may leave the project all the same.
    """

    path: Path
    project: Path
    chain: tuple[_Read, ...]
    allow_outside: bool

    @classmethod
    def of(cls, path: Path, *, allow_outside: bool = False) -> ScenarioSource:
        """Read a file and its parents.

        Raises
        ------
        InputError
            With every problem of the files alone.
        """
        problems: list[Problem] = []
        if not path.is_file():
            stop_on_errors([Problem("scenario.no_file", Where(str(path)))])
        project = project_folder(path)
        chain = _chain(path, project, problems, allow_outside)
        stop_on_errors(problems)
        over = [row for variant in chain[-1].file.variants.values() for row in variant.over]
        if any(is_over_estimates(row.key) for row in over):
            chain[-1] = _spelled_out(chain[-1], named_network(path, allow_outside=allow_outside))
        return cls(path, project, tuple(chain), allow_outside)

    @cached_property
    def members(self) -> dict[str, Mapping[str, Setting]]:
        """Names of all versions of the file that can be run on their own, and what each sets by key.

        A family of variants stands for its members; without variants the file itself is the only one, named
        by the empty string.
        """
        found: dict[str, Mapping[str, Setting]] = {}
        for name, variant in self.chain[-1].file.variants.items():
            found.update(members_of(name, variant))
        return found or {"": {}}

    def scenario(self, variant: str | None = None) -> Scenario:
        """Return the scenario, or one of its variants; the name of a family is the family without its values.

        Raises
        ------
        InputError
            With every problem of it.
        """
        chain, variants = self.chain, self.chain[-1].file.variants
        settings: Mapping[str, Setting] = {}
        if variant and variant not in variants:
            settings = self._settings(variant)
            chain = (*chain[:-1], self._with(settings))
        problems: list[Problem] = []
        scenario = _merged(self.path, list(chain), self.project, problems, self.allow_outside)
        stop_on_errors(problems)
        if not variant:
            return scenario
        family = variant if variant in variants else variant.rpartition(".")[0]
        return _with_variant(scenario, family, variant)

    def _settings(self, variant: str) -> Mapping[str, Setting]:
        """What a member of a family sets."""
        variants, members = self.chain[-1].file.variants, self.members
        if variant not in members:
            names = sorted({*variants, *members} - {""})
            where, hint = Where(self.path.name), did_you_mean(variant, names)
            stop_on_errors([Problem("scenario.no_variant", where, variant, ", ".join(names), remedy=hint)])
        return members[variant]

    def _with(self, settings: Mapping[str, Setting]) -> _Read:
        """The file with values put at their keys, checked like any file."""
        read, problems = self.chain[-1], list[Problem]()
        document = replace(read.document, data=with_settings(read.document, settings, problems))
        stop_on_errors(problems)
        file = validated(ScenarioFile, document, problems)
        stop_on_errors(problems)
        assert file is not None
        return replace(read, file=file, document=document)


def _with_variant(scenario: Scenario, family: str, variant: str) -> Scenario:
    """Return the scenario with the changes of a variant on top, called after the member."""
    chosen = scenario.variants[family]
    level = max((placed.level for placed in scenario.changes), default=0) + 1
    document = scenario.document or Document("", {}, {}, {})
    extra = tuple(
        PlacedChange(change, document.where(("variants", family, "changes", i)), level)
        for i, change in enumerate(chosen.changes)
    )
    name = chosen.name or scenario.name
    if chosen.name is None or variant != family:
        shown = variant if chosen.name is None else variant.rpartition(".")[2]
        name = Names(zh=f"{name.zh} · {shown}", en=f"{name.en} · {shown}")
    return replace(
        scenario,
        id=f"{scenario.id}.{variant}",
        name=name,
        changes=scenario.changes + extra,
        objective=chosen.objective or scenario.objective,
        years=tuple(chosen.years) if chosen.years else scenario.years,
    )


def _chain(path: Path, project: Path, problems: list[Problem], allow_outside: bool) -> list[_Read]:
    """The file and its parents, outermost parent first."""
    chain: list[_Read] = []
    seen: list[Path] = []
    current: Path | None = path.resolve()
    while current is not None:
        shown = path.name if not chain else _shown(current, project)
        document = read_yaml(current, shown, problems)
        if document is None:
            break
        seen.append(current)
        if not isinstance(document.data, dict):
            problems.append(
                Problem("schema.type", document.where(()), str(document.data)[:80], "dict", "scenario")
            )
            break
        file = validated(ScenarioFile, document, problems)
        if file is None:
            break
        if file.schema_ not in SUPPORTED_SCHEMAS:
            allowed = ", ".join(map(str, SUPPORTED_SCHEMAS))
            problems.append(
                Problem("schema.version", document.where(("schema",)), str(file.schema_), allowed)
            )
        chain.insert(0, _Read(file, document, current))
        current = _parent(file, document, current, project, seen, problems, allow_outside)
    return chain


def _spelled_out(read: _Read, network: Path | None) -> _Read:
    """The file with its families over estimates spelled out, checked like any file."""
    problems: list[Problem] = []
    document = with_estimates(read.document, network, problems)
    stop_on_errors(problems)
    file = validated(ScenarioFile, document, problems)
    stop_on_errors(problems)
    assert file is not None
    return replace(read, file=file, document=document)


def _parent(
    file: ScenarioFile,
    document: Document,
    current: Path,
    project: Path,
    seen: list[Path],
    problems: list[Problem],
    allow_outside: bool,
) -> Path | None:
    if file.extends is None:
        return None
    where = document.where(("extends",))
    before = len(problems)
    parent = guarded(current.parent / file.extends, project, where, problems, allow_outside=allow_outside)
    if len(problems) > before:
        return None
    if parent in seen:
        names = [p.name for p in seen[seen.index(parent) :]] + [parent.name]
        problems.append(Problem("scenario.cycle", where, " → ".join(names)))
        return None
    if len(seen) >= MAX_EXTENDS:
        problems.append(Problem("scenario.deep", where, str(len(seen)), str(MAX_EXTENDS)))
        return None
    if not parent.is_file():
        siblings = [p.name for p in current.parent.glob("*.yaml")]
        problems.append(
            Problem("scenario.no_parent", where, file.extends, remedy=did_you_mean(file.extends, siblings))
        )
        return None
    return parent


def _shown(path: Path, project: Path) -> str:
    return str(path.relative_to(project)) if path.is_relative_to(project) else path.name


def _merged(
    path: Path,
    chain: list[_Read],
    project: Path,
    problems: list[Problem],
    allow_outside: bool,
) -> Scenario:
    """Later files override earlier ones, key by key inside limits and solver; changes are strung together."""
    own, document = chain[-1].file, chain[-1].document
    network, network_at = None, (path, document)
    years: tuple[int, ...] = ()
    objective = "generalised"
    study: Mapping[str, Any] = {"kind": "assignment"}
    serve: dict[str, Any] = {}
    limits: dict[str, PlanLimit] = {}
    solver: dict[str, Any] = {}
    changes: list[PlacedChange] = []
    for level, read in enumerate(chain):
        file, doc = read.file, read.document
        if file.network is not None:
            network, network_at = file.network, (read.path, doc)
        years = (file.year,) if file.year is not None else tuple(file.years) if file.years else years
        objective = file.objective or objective
        study = file.study if file.study is not None else study
        if file.limits is not None:
            serve.update(
                file.limits.model_dump(exclude_none=True, include=set(ServeRule.__dataclass_fields__))
            )
            fresh = placed_limits(file.limits, doc)
            for key in {limit.id.split(".")[0] for limit in fresh}:
                limits = {name: old for name, old in limits.items() if name.split(".")[0] != key}
            limits |= {limit.id: limit for limit in fresh}
        solver.update(file.solver.model_dump(exclude_none=True) if file.solver else {})
        changes += [PlacedChange(c, doc.where(("changes", i)), level) for i, c in enumerate(file.changes)]
    if network is None:
        problems.append(Problem("schema.missing_key", document.where(()), subject="network"))
        network = ""
    if not years:
        problems.append(Problem("schema.missing_key", document.where(()), subject="years"))
    if serve.get("unserved_cny_per_t") is not None and objective not in ("money", "generalised"):
        where = document.where(("limits", "unserved_cny_per_t"))
        problems.append(Problem("scenario.unserved_price", where, objective, "money, generalised"))
    if serve.get("unserved_cny_per_t") is not None and serve.get("allow_unserved") is False:
        where = document.where(("limits", "allow_unserved"))
        problems.append(Problem("scenario.unserved_both", where))
    if not isinstance(study.get("kind"), str):
        problems.append(Problem("schema.missing_key", document.where(("study",)), subject="study.kind"))
    folder = _network_folder(network, network_at, project, problems, allow_outside)
    return Scenario(
        id=path.stem,
        name=own.name,
        note=own.note,
        network_folder=folder,
        years=years,
        objective=objective,
        serve=ServeRule(**serve),
        study=study,
        solver=SolverSettings(**solver),
        changes=tuple(changes),
        limits=tuple(limits.values()),
        variants=own.variants,
        document=document,
        path=path,
        allow_outside=allow_outside,
    )


def _network_folder(
    network: str, place: tuple[Path, Document], project: Path, problems: list[Problem], allow_outside: bool
) -> Path:
    """A plain name is a folder of ``networks/``; anything with a slash is a path from the scenario file."""
    path, document = place
    where = document.where(("network",))
    if "/" in network or "\\" in network or network in (".", ".."):
        folder = path.resolve().parent / network
    else:
        folder = project / "networks" / network
    before = len(problems)
    folder = guarded(folder, project, where, problems, allow_outside=allow_outside)
    if len(problems) == before and network and not folder.is_dir():
        names = sorted(p.name for p in (project / "networks").glob("*") if p.is_dir())
        problems.append(
            Problem(
                "scenario.no_network", where, network, ", ".join(names), remedy=did_you_mean(network, names)
            )
        )
    return folder
