"""``logistics results``: ask the tables of a batch or of one results folder."""

from __future__ import annotations

import io
import json
import math
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING

import click

from logistics.commands.shared import EXIT_OK, chosen_language, lang_option
from logistics.words import text

if TYPE_CHECKING:
    import pyarrow as pa

MOST_ROWS = 50
MAIN = (
    "scenario",
    "status",
    "reason",
    "objective",
    "unserved_t",
)
"""Columns of the table of runs that are shown; the values of the members stand behind the third."""


@click.command(name="results")
@click.argument("folder", metavar="DIR", type=click.Path(path_type=Path))
@click.option("--sql", help="One SELECT; tables: runs, and those of the results folders.")
@click.option("--table", "name", help="A whole table: totals, proposals, sites, services, bill …")
@click.option("--csv", "as_csv", is_flag=True, help="CSV on stdout.")
@click.option("--json", "as_json", is_flag=True, help="JSON on stdout: a list of rows.")
@lang_option
def command(
    folder: Path, sql: str | None, name: str | None, as_csv: bool, as_json: bool, lang: str | None
) -> int:
    """Show what the runs in DIR came to; without a question the totals of all runs."""
    lang = chosen_language(lang)
    if sql is not None and name is not None:
        raise click.UsageError("give --sql or --table, not both")
    if as_csv and as_json:
        raise click.UsageError("give --csv or --json, not both")
    from logistics.batches.query import answer_sql, named_table

    found = answer_sql(folder, sql) if sql is not None else named_table(folder, name or "totals")
    if as_csv:
        click.echo(csv_bytes(found), nl=False)
    elif as_json:
        rows = [{name: _plain(value) for name, value in row.items()} for row in found.to_pylist()]
        click.echo(json.dumps(rows, ensure_ascii=False, allow_nan=False, default=str))
    else:
        _show(_main_columns(found) if sql is None and name in (None, "totals") else found, lang)
    return EXIT_OK


def _plain(value: object) -> object:
    """A cell as JSON knows it: numbers are numbers, and none that is not finite."""
    if isinstance(value, Decimal):
        return float(value)
    return None if isinstance(value, float) and not math.isfinite(value) else value


def csv_bytes(table: pa.Table) -> bytes:
    """A table as CSV."""
    import pyarrow.csv as pacsv

    stream = io.BytesIO()
    pacsv.write_csv(table, stream)
    return stream.getvalue()


def _show(table: pa.Table, lang: str) -> None:
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    shown = Table()
    for field in table.schema:
        shown.add_column(field.name, overflow="fold")
    for row in table.slice(0, MOST_ROWS).to_pylist():
        shown.add_row(*(Text(_cell(value)) for value in row.values()))
    Console(highlight=False).print(shown)
    if table.num_rows > MOST_ROWS:
        click.echo(text("results.more", lang, shown=MOST_ROWS, count=table.num_rows), err=True)


def _main_columns(runs: pa.Table) -> pa.Table:
    """What fits on a screen of the table of runs, without columns that hold nothing."""
    from logistics.batches.table import VALUE

    names = [name for name in runs.column_names if name in MAIN or name.startswith(VALUE)]
    names = [name for name in names if set(runs[name].to_pylist()) - {None, ""}]
    return runs.select(sorted(names, key=lambda name: MAIN.index(name) if name in MAIN else 2.5))


def _cell(value: object) -> str:
    return "" if value is None else f"{value:.6g}" if isinstance(value, float) else str(value)
