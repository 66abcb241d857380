"""``logistics compare``: what differs between results, inputs first; as tables and as a page."""

from __future__ import annotations

import json
import webbrowser
from pathlib import Path
from typing import Any

import click

from logistics.commands.shared import EXIT_OK, chosen_language, lang_option
from logistics.words import text

MOST_SERVICES = 15
MOST_INPUTS = 30
MOST_OF_A_COLUMN = 5


@click.command(name="compare")
@click.argument("before", type=click.Path(path_type=Path))
@click.argument("after", type=click.Path(path_type=Path), nargs=-1, required=True)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object a comparison on stdout.")
@click.option("--page", type=click.Path(path_type=Path), help="Write the comparison as a page too.")
@click.option("--open", "open_it", is_flag=True, help="Open that page in the browser.")
@lang_option
def command(
    before: Path, after: tuple[Path, ...], as_json: bool, page: Path | None, open_it: bool, lang: str | None
) -> int:
    """Compare results folders with the first: differing inputs, totals, services whose load changed most."""
    lang = chosen_language(lang)
    if open_it and page is None:
        raise click.UsageError("--open needs --page FILE.html")
    from logistics.results.compare import compared

    for other in after:
        found = compared(before, other)
        if as_json:
            click.echo(json.dumps(found, ensure_ascii=False, allow_nan=False))
        else:
            _print(found, lang)
    if page is not None:
        _write_page([before, *after], page, lang)
        click.echo(text("report.done", lang, files=page), err=True)
        if open_it:
            webbrowser.open(page.resolve().as_uri())
    return EXIT_OK


def _write_page(folders: list[Path], page: Path, lang: str) -> None:
    from logistics.reports.comparison_page import page_of_results
    from logistics.reports.outputs import write_page
    from logistics.reports.page import page_html
    from logistics.reports.source import read_results

    html = page_html(page_of_results([read_results(folder) for folder in folders]), lang)
    write_page(page, html)


def _print(found: dict[str, Any], lang: str) -> None:
    from rich.console import Console
    from rich.text import Text

    from logistics.commands.rich_tables import headed, number
    from logistics.commands.tables import TOTALS

    console = Console(highlight=False)
    console.print(Text(f"{found['before']}  →  {found['after']}", style="bold"))
    names = [
        ("term.table", "left"),
        ("term.row", "left"),
        ("term.column", "left"),
        ("term.before", "right"),
        ("term.after", "right"),
    ]
    inputs = headed(lang, "compare.inputs", names)
    lines = _grouped(found["inputs"])
    for row in lines[:MOST_INPUTS]:
        inputs.add_row(*(Text(_plain(row[key])) for key in ("table", "row", "column", "before", "after")))
    console.print(inputs)
    if len(lines) > MOST_INPUTS:
        console.print(text("compare.more_inputs", lang, count=len(lines) - MOST_INPUTS))
    totals = headed(
        lang,
        "compare.totals",
        [
            ("term.total", "left"),
            ("term.before", "right"),
            ("term.after", "right"),
            ("term.difference", "right"),
            ("term.unit", "left"),
        ],
    )
    for name, row in found["totals"].items():
        factor, unit, decimals = TOTALS.get(name, (1.0, "t" if name.endswith("_t") else "", 0))
        cells = [
            "" if row[key] is None else number(row[key] * factor, decimals)
            for key in ("before", "after", "difference")
        ]
        totals.add_row(text(f"term.{name}", lang), *cells, unit)
    console.print(totals)
    names = [
        ("term.service", "left"),
        ("term.mode", "left"),
        ("term.before", "right"),
        ("term.after", "right"),
        ("term.difference", "right"),
    ]
    services = headed(lang, "compare.services", names)
    for row in found["services"][:MOST_SERVICES]:
        cells = [number(row[key], 0) for key in ("before", "after", "difference")]
        services.add_row(Text(row["service_id"]), text(f"term.{row['mode']}", lang), *cells)
    console.print(services)


def _plain(value: object) -> str:
    return f"{value:.12g}" if isinstance(value, float) else str(value)


def _grouped(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Put a column that changed in many rows into one line, with the factor when it is the same in all."""
    groups: dict[tuple[str, str], list[dict[str, Any]]] = {}
    for row in rows:
        groups.setdefault((row["table"], row["column"]), []).append(row)
    lines: list[dict[str, Any]] = []
    for (table, column), mine in groups.items():
        if len(mine) <= MOST_OF_A_COLUMN or not column:
            lines += mine
            continue
        pairs = [(row["before"], row["after"]) for row in mine]
        numbers = [(a, b) for a, b in pairs if isinstance(a, float) and isinstance(b, float) and a]
        factors = {f"{b / a:.6g}" for a, b in numbers}
        after = f"× {factors.pop()}" if len(numbers) == len(mine) and len(factors) == 1 else "…"
        lines.append(
            {"table": table, "row": f"({len(mine)})", "column": column, "before": "…", "after": after}
        )
    return lines
