"""``logistics import-network``: a workbook back into a network folder."""

from __future__ import annotations

import os
import shutil
import tempfile
from pathlib import Path

import click

from logistics.commands.shared import EXIT_OK, chosen_language, lang_option, show_problems
from logistics.errors import InputError, Problem, Where, stop_on_errors
from logistics.words import text


@click.command(name="import-network")
@click.argument("workbook", metavar="FILE.xlsx", type=click.Path(path_type=Path))
@click.argument("out", metavar="DIR", type=click.Path(path_type=Path))
@click.option("--force", is_flag=True, help="Replace the network in DIR if there is one.")
@lang_option
def command(workbook: Path, out: Path, force: bool, lang: str | None) -> int:
    """Write the network in the workbook FILE.xlsx into the folder DIR, if all of it is sound."""
    lang = chosen_language(lang)
    target = out.resolve()
    stop_on_errors(_place_problems(out, target, force=force))
    from logistics.network.workbook_read import read_workbook

    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        work = Path(tempfile.mkdtemp(prefix=f".{target.name}.", dir=target.parent))
        old = work / "old"
        try:
            made = work / target.name
            made.mkdir()
            if target.exists():
                _keep_other_files(target, made)
            network, warnings = read_workbook(workbook, made)
            _put(made, target, old)
        finally:
            if target.exists() or not old.exists():
                shutil.rmtree(work, ignore_errors=True)
    except OSError as error:
        problem = Problem("workbook.unwritable", Where(str(out)), str(error.strerror))
        raise InputError([problem]) from error
    show_problems(warnings, lang)
    counts = {name: network.tables[name].num_rows for name in ("sites", "services", "demand")}
    click.echo(text("spreadsheet.imported", lang, folder=out, **counts))
    return EXIT_OK


def _place_problems(out: Path, target: Path, *, force: bool) -> list[Problem]:
    """What speaks against writing to `target`, which the user calls `out`."""
    from logistics.results.write import unwritable

    if not target.exists():
        return unwritable(out)
    if target.is_dir() and not any(target.iterdir()):
        return []
    if not (target / "network.yaml").is_file():
        return [Problem("workbook.not_network", Where(str(out)))]
    return [] if force else [Problem("workbook.folder_exists", Where(str(out)))]


def _keep_other_files(target: Path, made: Path) -> None:
    """Take along what no workbook holds: notes, pictures, the workbook itself."""
    from logistics.network.workbook_layout import TEXT_FILES, sheet_schemas

    written = {*TEXT_FILES, *(f"{name}.csv" for name in sheet_schemas())}
    for path in target.iterdir():
        if path.name in written:
            continue
        if path.is_dir() and not path.is_symlink():
            shutil.copytree(path, made / path.name, symlinks=True)
        else:
            shutil.copy2(path, made / path.name, follow_symlinks=False)


def _put(made: Path, target: Path, old: Path) -> None:
    """Move the finished folder to its place; an old one goes only after the new one is there."""
    if target.exists():
        os.replace(target, old)
        try:
            os.replace(made, target)
        except BaseException:
            os.replace(old, target)
            raise
    else:
        os.replace(made, target)
