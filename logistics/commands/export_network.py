"""``logistics export-network``: a network folder as a workbook that planners edit."""

from __future__ import annotations

import os
import shutil
import tempfile
from pathlib import Path

import click

from logistics.commands.shared import EXIT_OK, chosen_language, lang_option, show_problems
from logistics.errors import InputError, Problem, Where, stop_on_errors
from logistics.words import text

SUFFIX = ".xlsx"


@click.command(name="export-network")
@click.argument("folder", metavar="DIR", type=click.Path(path_type=Path))
@click.argument("out", metavar="FILE.xlsx", type=click.Path(path_type=Path))
@click.option("--force", is_flag=True, help="Replace FILE.xlsx if it exists.")
@lang_option
def command(folder: Path, out: Path, force: bool, lang: str | None) -> int:
    """Write the network in DIR as the workbook FILE.xlsx: a sheet a table, and one that explains."""
    lang = chosen_language(lang)
    stop_on_errors(_place_problems(out, force=force))
    from logistics.network.folder import read_network
    from logistics.network.workbook_layout import sheet_schemas
    from logistics.network.workbook_write import write_workbook

    network, warnings = read_network(folder.resolve() if folder.is_dir() else folder)
    show_problems(warnings, lang)
    try:
        out.parent.mkdir(parents=True, exist_ok=True)
        work = Path(tempfile.mkdtemp(prefix=f".{out.name}.", dir=out.parent))
        try:
            write_workbook(folder.resolve(), work / out.name)
            os.replace(work / out.name, out)
        finally:
            shutil.rmtree(work, ignore_errors=True)
    except OSError as error:
        problem = Problem("workbook.unwritable", Where(str(out)), str(error.strerror))
        raise InputError([problem]) from error
    rows = sum(network.tables[name].num_rows for name in sheet_schemas())
    click.echo(text("spreadsheet.exported", lang, file=out, sheets=len(sheet_schemas()), rows=rows))
    return EXIT_OK


def _place_problems(out: Path, *, force: bool) -> list[Problem]:
    """What speaks against writing to `out`."""
    from logistics.results.write import unwritable

    where = Where(str(out))
    if out.suffix.lower() != SUFFIX:
        return [Problem("workbook.suffix", where, out.suffix, SUFFIX)]
    if not out.exists():
        return unwritable(out)
    if not out.is_file():
        return [Problem("workbook.not_file", where)]
    return [] if force else [Problem("workbook.file_exists", where)]
