"""``logistics check``: read and check without solving."""

from __future__ import annotations

from pathlib import Path

import click

from logistics.commands.shared import EXIT_OK, chosen_language, lang_option, outside_option, show_problems
from logistics.errors import Problem
from logistics.words import text


@click.command(name="check")
@click.argument("path", type=click.Path(path_type=Path))
@click.option("--variant", help="Check a named variant; without it all of them are checked.")
@outside_option
@lang_option
def command(path: Path, variant: str | None, allow_outside: bool, lang: str | None) -> int:
    """Check PATH, a scenario file or a network folder, and say what was found."""
    lang = chosen_language(lang)
    from logistics.scenario.case import Case, read_case

    if path.is_dir():
        from logistics.network.folder import read_network

        network, found = read_network(path)
        warnings = tuple(found)
    else:
        case: Case = read_case(path, allow_outside=allow_outside, variant=variant)
        if variant is None:
            for name in case.scenario.variants:
                read_case(path, allow_outside=allow_outside, variant=name)
        network = next(iter(case.networks.values()))
        warnings = case.warnings + _compiled_warnings(case)
    show_problems(warnings, lang)
    counts = {name: network.tables[name].num_rows for name in ("sites", "services", "demand")}
    click.echo(text("check.ok", lang, name=network.name, **counts))
    return EXIT_OK


def _compiled_warnings(case: object) -> tuple[Problem, ...]:
    """The study's warnings, and those that show only when the case is compiled: demand nothing can reach."""
    from logistics.scenario.case import Case
    from logistics.studies.register import ready_study
    from logistics.studies.year_flow import Question

    assert isinstance(case, Case)
    ready = ready_study(case)
    case = ready.case
    asked = [Question.of(case.scenario, network, year) for year, network in case.networks.items()]
    found = [problem for question in asked for problem in question.compiled()[1]]
    return (*getattr(ready.spec, "warnings", ()), *found)
