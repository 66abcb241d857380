"""The register of study kinds: one line each."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from pydantic import BaseModel

from logistics.errors import Problem, Where, did_you_mean, stop_on_errors
from logistics.scenario.case import Case
from logistics.scenario.read import Scenario
from logistics.studies.assignment import Assignment
from logistics.studies.disruption import Disruption
from logistics.studies.frontier import Frontier
from logistics.studies.portfolio import PortfolioStudy
from logistics.studies.routes import Routes
from logistics.studies.siting import Siting
from logistics.studies.study import BasedStudy, Report, Study, StudyResult
from logistics.yaml_files import Document, validated

STUDIES: dict[str, Study] = {
    study.kind: study
    for study in (Assignment(), Frontier(), Disruption(), Routes(), PortfolioStudy(), Siting())
}


class ReadyStudy(NamedTuple):
    """A study that can run: the case it works on, itself, and its settings with all they name read."""

    case: Case
    study: Study
    spec: Any


def chosen_study(scenario: Scenario) -> tuple[Study, BaseModel]:
    """Return the study that a scenario names, and its checked settings.

    Raises
    ------
    InputError
        When the kind is unknown or its settings are wrong.
    """
    kind = str(scenario.study["kind"])
    document = scenario.document or Document("", {}, {}, {})
    study = STUDIES.get(kind)
    if study is None:
        where = document.where(("study", "kind")) if document.shown else Where()
        choices = sorted(STUDIES)
        problem = Problem(
            "schema.choice", where, kind, ", ".join(choices), "study.kind", did_you_mean(kind, choices)
        )
        stop_on_errors([problem])
        raise AssertionError
    problems: list[Problem] = []
    part = Document(document.shown, dict(scenario.study), document.places, document.key_places)
    spec = validated(study.spec, part, problems, ("study",))
    stop_on_errors(problems)
    assert spec is not None
    return study, spec


def ready_study(case: Case) -> ReadyStudy:
    """Read everything that the study of a case needs, and find what is wrong with it.

    Raises
    ------
    InputError
        With every problem of the settings, alone and on the network.
    """
    study, spec = chosen_study(case.scenario)
    prepare = getattr(study, "prepare", None)
    ready_case, ready_spec = prepare(case, spec) if prepare is not None else (case, spec)
    ready = ReadyStudy(ready_case, study, ready_spec)
    find = getattr(study, "problems", None)
    if find is not None:
        stop_on_errors(find(ready.case, ready.spec))
    return ready


def run_study(case: Case, report: Report | None = None) -> StudyResult:
    """Run the study of a case, piece by piece, in this process.

    Parameters
    ----------
    case
        The case.
    report
        Called with message keys and values while it runs; None: silent.
    """
    return run_ready(ready_study(case), report)


def run_ready(ready: ReadyStudy, report: Report | None = None) -> StudyResult:
    """Run a study that was made ready; see :func:`run_study`."""
    report = report or _silent
    case, study, spec = based(ready, {base: run_base(ready, base, report) for base in bases_of(ready)})
    results = [study.run_piece(case, spec, piece, report) for piece in study.pieces(case, spec)]
    return study.merge(case, spec, results)


def bases_of(ready: ReadyStudy) -> Sequence[Any]:
    """What a study finds once before its pieces; for most there is nothing."""
    case, study, spec = ready
    return study.bases(case, spec) if isinstance(study, BasedStudy) else ()


def run_base(ready: ReadyStudy, base: Any, report: Report) -> Any:
    """Find one of the bases of a study."""
    case, study, spec = ready
    assert isinstance(study, BasedStudy)
    return study.run_base(case, spec, base, report)


def based(ready: ReadyStudy, answers: Mapping[Any, Any]) -> ReadyStudy:
    """A study whose pieces start from the answers of its bases."""
    case, study, spec = ready
    if not answers:
        return ready
    assert isinstance(study, BasedStudy)
    return ReadyStudy(case, study, study.with_bases(spec, answers))


def _silent(key: str, values: Mapping[str, object]) -> None:
    """Tell nobody."""
