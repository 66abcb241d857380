"""``logistics report``: make page, workbook, GIS layers and figures of a results folder anew."""

from __future__ import annotations

import webbrowser
from collections.abc import Sequence
from pathlib import Path

import click

from logistics.commands.shared import EXIT_OK, chosen_language, lang_option
from logistics.words import text


@click.command(name="report")
@click.argument("folder", type=click.Path(path_type=Path))
@click.option(
    "--report",
    "which",
    type=click.Choice(["html", "all"]),
    default="all",
    help="The page alone, or everything (default).",
)
@click.option("--open", "open_it", is_flag=True, help="Open the page in the browser.")
@click.option(
    "--basemap",
    type=click.Path(path_type=Path),
    help="GeoJSON of an approved base map, instead of coastlines.",
)
@click.option("--map-approval", default="", help="Approval number of the base map, printed on the map.")
@lang_option
def command(
    folder: Path, which: str, open_it: bool, basemap: Path | None, map_approval: str, lang: str | None
) -> int:
    """Write report.html, tables.xlsx, network.gpkg and figures/ into the results folder FOLDER."""
    lang = chosen_language(lang)
    from logistics.reports.basemap import read_basemap
    from logistics.reports.outputs import PAGE, write_reports

    drawn = read_basemap(basemap, map_approval) if basemap else None
    written = write_reports(folder, which, lang, drawn)
    say_missing_fonts(written.fonts_missing, lang)
    click.echo(text("report.done", lang, files=", ".join(str(path) for path in written.files)))
    if open_it:
        webbrowser.open((folder / PAGE).resolve().as_uri())
    return EXIT_OK


def say_missing_fonts(fonts: Sequence[str], lang: str) -> None:
    """Say on stderr why there are no figures, where there are none for want of a font."""
    if fonts:
        click.echo(text("report.no_font", lang, fonts=", ".join(fonts)), err=True)
