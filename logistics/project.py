"""The project folder of a scenario, and the guard that keeps paths inside it."""

from __future__ import annotations

from pathlib import Path

from logistics.errors import Problem, Where


def project_folder(scenario: Path) -> Path:
    """Nearest folder above `scenario` that holds ``networks/``; the scenario's own folder when none does."""
    start = scenario.resolve().parent
    for folder in (start, *start.parents):
        if (folder / "networks").is_dir():
            return folder
    return start


def guarded(path: Path, project: Path, where: Where, problems: list[Problem], *, allow_outside: bool) -> Path:
    """Resolve `path`; a problem is appended when it leaves `project` and that is not allowed."""
    resolved = path.resolve()
    if not allow_outside and not resolved.is_relative_to(project.resolve()):
        problems.append(Problem("path.outside", where, str(path), str(project)))
    return resolved
