"""What can go wrong, as data and as exceptions.

LogisticsError
  x InputError            the user's files or arguments; carries every problem found
  x SolverFailure         a solver returned what it must not return
  x VerificationFailed    a plan did not pass the independent check

Infeasible and “stopped by a limit” are answers, not exceptions.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Literal

Severity = Literal["error", "warning"]


@dataclass(frozen=True, order=True)
class Where:
    """A place in the user's files.

    Parameters
    ----------
    file
        Name of the file as the user knows it.
    line
        Line in the file, from 1; in a CSV the header is line 1. 0: the whole file.
    column
        Column of text (YAML) or name of the table's column (CSV); empty: the whole line.
    """

    file: str = ""
    line: int = 0
    column: str = ""

    def __str__(self) -> str:
        """``file:line:column`` with what is known."""
        return ":".join(
            part for part in (self.file, str(self.line) if self.line else "", self.column) if part
        )


@dataclass(frozen=True)
class Problem:
    """One finding about the input; its sentence is looked up by `code` when shown.

    Parameters
    ----------
    code
        Name of the finding, a key of :mod:`logistics.words`.
    where
        Place in the user's files.
    found
        What stands there.
    allowed
        What may stand there.
    subject
        The key, column or thing the finding is about.
    remedy
        What to do, when it is not the same for each finding of this code.
    severity
        ``error`` stops the run, ``warning`` does not.
    """

    code: str
    where: Where = field(default_factory=Where)
    found: str = ""
    allowed: str = ""
    subject: str = ""
    remedy: str = ""
    severity: Severity = "error"


class LogisticsError(Exception):
    """Root of the engine's exceptions."""


class InputError(LogisticsError):
    """The input has problems; nothing was run and nothing was written.

    Parameters
    ----------
    problems
        Every problem found, errors and warnings.
    """

    def __init__(self, problems: Iterable[Problem]) -> None:
        self.problems: tuple[Problem, ...] = tuple(problems)
        super().__init__(self.problems)

    def __str__(self) -> str:
        """Codes and places, for logs; people get :func:`logistics.words.sentence`."""
        return "; ".join(f"{p.where}: {p.code} {p.subject} {p.found}".strip() for p in self.problems)


class SolverFailure(LogisticsError):
    """A solver returned something it must not return; the message says what."""


class VerificationFailed(LogisticsError):
    """A plan or a bound did not pass the independent check."""


def did_you_mean(word: str, choices: Sequence[str]) -> str:
    """Return the closest of `choices` to `word`, or an empty string."""
    close = difflib.get_close_matches(word.lower(), [c.lower() for c in choices], n=1, cutoff=0.6)
    if not close:
        return ""
    return next(choice for choice in choices if choice.lower() == close[0])


def stop_on_errors(problems: Iterable[Problem]) -> None:
    """Raise :class:`InputError` with all of `problems` if any of them is an error."""
    collected = tuple(problems)
    if any(problem.severity == "error" for problem in collected):
        raise InputError(collected)
