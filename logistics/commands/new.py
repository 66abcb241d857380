"""``logistics new``: a runnable copy of the bundled networks and scenarios."""

from __future__ import annotations

import os
import shutil
import tempfile
from pathlib import Path

import click

from logistics.commands.shared import EXIT_OK, chosen_language, lang_option
from logistics.errors import InputError, Problem, Where, stop_on_errors
from logistics.words import text


@click.command(name="new")
@click.argument("folder", type=click.Path(path_type=Path))
@lang_option
def command(folder: Path, lang: str | None) -> int:
    """Write networks/ and scenarios/ into FOLDER, which must be new or empty."""
    lang = chosen_language(lang)
    from logistics.bundled import bundled_folder
    from logistics.results.write import unwritable

    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise InputError([Problem("new.exists", Where(str(folder)))])
    stop_on_errors(unwritable(folder))
    source = bundled_folder()
    folder.parent.mkdir(parents=True, exist_ok=True)
    work = Path(tempfile.mkdtemp(prefix=f".{folder.name}.", dir=folder.parent))
    try:
        for name in ("networks", "scenarios"):
            shutil.copytree(source / name, work / name)
        work.chmod(0o755)
        if folder.exists():
            folder.rmdir()
        os.replace(work, folder)
    except BaseException:
        shutil.rmtree(work, ignore_errors=True)
        raise
    click.echo(text("new.done", lang, folder=folder, scenario=folder / "scenarios" / "baseline-2021.yaml"))
    return EXIT_OK
