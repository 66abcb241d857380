"""Writing reports into a results folder: which files, and each only when it is whole."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from logistics.reports.page import Basemap, page_html
from logistics.reports.result_page import page_of_result
from logistics.reports.source import read_results

NONE, HTML, ALL = "none", "html", "all"
CHOICES = (NONE, HTML, ALL)
PAGE, WORKBOOK, LAYERS, FIGURES = "report.html", "tables.xlsx", "network.gpkg", "figures"


@dataclass(frozen=True)
class Written:
    """What was written, and what could not be.

    Parameters
    ----------
    files
        Paths in the order in which they were written.
    fonts_missing
        Fonts that were looked for in vain, so that there are no figures; else empty.
    """

    files: tuple[Path, ...]
    fonts_missing: tuple[str, ...] = ()


def write_reports(folder: Path, which: str, lang: str, basemap: Basemap | None = None) -> Written:
    """Make the reports of a results folder, from the folder only.

    Parameters
    ----------
    folder
        A results folder; what it holds of reports is replaced.
    which
        ``none``; ``html``: the page; ``all``: also the workbook, the GIS layers and the figures.
    lang
        Language in which the page opens, and that of the figures.
    basemap
        Drawn on the page's map instead of the coastlines.

    Raises
    ------
    InputError
        When the folder holds no result.
    OSError
        When a file cannot be written.
    """
    if which == NONE:
        return Written(())
    results = read_results(folder)
    html = page_html(page_of_result(results), lang, basemap)
    files = [_put(folder / PAGE, lambda path: _write_words(path, html))]
    if which == HTML:
        return Written(tuple(files))
    from logistics.reports.figures import FONTS, installed_fonts, write_figures
    from logistics.reports.geopackage import write_geopackage
    from logistics.reports.tables_workbook import write_tables_workbook

    files.append(_put(folder / WORKBOOK, lambda path: write_tables_workbook(results, path)))
    files.append(_put(folder / LAYERS, lambda path: write_geopackage(results, path)))
    fonts = installed_fonts()
    if not fonts:
        return Written(tuple(files), FONTS)
    if results.has_figures:
        files.append(_put(folder / FIGURES, lambda path: write_figures(results, path, lang, fonts)))
    return Written(tuple(files))


def write_page(path: Path, html: str) -> None:
    """Write a page to its place, whole or not at all.

    Raises
    ------
    OSError
        When it cannot be written.
    """
    _put(path, lambda place: _write_words(place, html))


def _write_words(path: Path, words: str) -> None:
    path.write_text(words, encoding="utf-8", newline="\n")


def _put(path: Path, write: Callable[[Path], object]) -> Path:
    """Have something written beside its place, then move it there."""
    with tempfile.TemporaryDirectory(prefix=f".{path.name}.", dir=path.parent) as work:
        made = Path(work) / path.name
        write(made)
        if made.is_dir() and path.is_dir():
            shutil.rmtree(path)
        os.replace(made, path)
    return path
