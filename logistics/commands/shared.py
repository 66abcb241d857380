"""What the verbs share: options, problem lists, logging, exit codes."""

from __future__ import annotations

import io
import logging
import sys
import traceback
from collections.abc import Callable, Iterable
from typing import Any, TypeVar

import click

from logistics.errors import InputError, LogisticsError, Problem, VerificationFailed
from logistics.words import language, sentence, text

EXIT_OK, EXIT_INTERNAL, EXIT_INPUT, EXIT_INFEASIBLE = 0, 1, 2, 3
EXIT_LIMIT, EXIT_NO_PLAN, EXIT_UNVERIFIED = 4, 5, 6
MAX_SHOWN = 50
Function = TypeVar("Function", bound=Callable[..., Any])


def lang_option(function: Function) -> Function:
    """``--lang``."""
    option = click.option(
        "--lang", type=click.Choice(["en", "zh"]), default=None, help="Language; else from LANG."
    )
    return option(function)


def outside_option(function: Function) -> Function:
    """``--allow-outside``."""
    return click.option(
        "--allow-outside", is_flag=True, help="Let paths in the scenario leave its project folder."
    )(function)


def show_problems(problems: Iterable[Problem], lang: str, *, counted: bool = True) -> None:
    """Print problems on stderr in order of place, errors first, and how many there are."""
    ordered = sorted(problems, key=_reading_order)
    for severity, count_key in (("error", "errors.count"), ("warning", "warnings.count")):
        mine = [p for p in ordered if p.severity == severity]
        for problem in mine[:MAX_SHOWN]:
            click.echo(sentence(problem, lang), err=True)
        if len(mine) > MAX_SHOWN:
            click.echo(text("problems.more", lang, count=len(mine) - MAX_SHOWN), err=True)
        if mine and counted:
            click.echo(text(count_key, lang, count=len(mine)), err=True)


_chosen: list[str] = []


def chosen_language(flag: str | None) -> str:
    """Language of the verb that runs: its flag, else the system's; remembered for the last door."""
    _chosen[:] = [language(flag)]
    return _chosen[0]


def last_language() -> str:
    """Language chosen last, else the system's."""
    return _chosen[0] if _chosen else language(None)


def _reading_order(problem: Problem) -> tuple[bool, str, int, int, str]:
    """Errors first, then by file, line and column."""
    where = problem.where
    column = int(where.column) if where.column.isdigit() else 0
    return problem.severity != "error", where.file, where.line, column, where.column


def report_failure(error: Exception) -> int:
    """Print an exception for people and return the exit code it means."""
    lang = last_language()
    if isinstance(error, InputError):
        show_problems(error.problems, lang)
        return EXIT_INPUT
    if isinstance(error, VerificationFailed):
        click.echo(str(error), err=True)
        return EXIT_UNVERIFIED
    logging.getLogger("logistics").debug("%s", traceback.format_exc())
    name = "" if isinstance(error, LogisticsError) else f"{type(error).__name__}: "
    click.echo(text("internal_error", lang, message=f"{name}{error}"), err=True)
    if "-v" in sys.argv or "--verbose" in sys.argv:
        click.echo(traceback.format_exc(), err=True)
    return EXIT_INTERNAL


class RunLog:
    """Collects the ``logistics`` logger for ``run.log``; on stderr too when asked."""

    def __init__(self, *, verbose: bool) -> None:
        self._text = io.StringIO()
        logger = logging.getLogger("logistics")
        logger.setLevel(logging.DEBUG)
        logger.propagate = False
        form = logging.Formatter("%(asctime)s %(levelname)s %(name)s: %(message)s")
        streams = [self._text, sys.stderr] if verbose else [self._text]
        logger.handlers = [logging.StreamHandler(stream) for stream in streams]
        for handler in logger.handlers:
            handler.setFormatter(form)

    @property
    def text(self) -> str:
        """Everything logged so far."""
        return self._text.getvalue()
