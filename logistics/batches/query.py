"""Questions in SQL to the tables of a batch or of one results folder; no other file can be reached."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from logistics.batches.store import BATCH, RUNS
from logistics.batches.table import read_runs_table
from logistics.errors import Problem, Where, did_you_mean, stop_on_errors
from logistics.results.layout import PLAN, RESULT

if TYPE_CHECKING:
    import duckdb

ALL_RUNS = "runs"
"""Table of all runs: what each is, how it ended, its values and totals."""
NO_TABLE = re.compile(r"Table with name (\S+) does not exist")


def answer_sql(folder: Path, sql: str) -> pa.Table:
    """Answer a question about a folder.

    Parameters
    ----------
    folder
        A batch, or one results folder.
    sql
        One SELECT of DuckDB's SQL. Its tables are ``runs`` and the tables of the results folders, each with
        the columns ``run``, ``scenario`` and ``variant`` in front.

    Raises
    ------
    InputError
        When the folder holds no results, or the question cannot be answered.
    """
    import duckdb

    folder = folder.resolve()
    with _opened(folder) as connection:
        try:
            statements = connection.extract_statements(sql)
            if [statement.type for statement in statements] != [duckdb.StatementType.SELECT]:
                stop_on_errors([Problem("sql.not_select", found=sql[:100])])
            for name in sorted(set(re.findall(r"[a-z_][a-z0-9_]*", sql.lower()))):
                _add_view(connection, folder, name)
            # From here on only files of the folder can be reached, nothing is written or fetched, and nobody
            # can change that.
            connection.execute("SET temp_directory = ''")
            connection.execute("SET autoinstall_known_extensions = false")
            connection.execute("SET autoload_known_extensions = false")
            connection.execute("SET allowed_directories = [$folder]", {"folder": f"{folder}/"})
            connection.execute("SET enable_external_access = false")
            connection.execute("SET lock_configuration = true")
            found: pa.Table = connection.sql(sql).to_arrow_table()
            return found
        except duckdb.Error as error:
            words = str(error).splitlines()[0][:300]
            missing = NO_TABLE.search(words)
            problem = Problem("sql.failed", found=words) if missing is None else _no_table(folder, missing[1])
            stop_on_errors([problem])
            raise AssertionError from error


def table_names(folder: Path) -> list[str]:
    """Names of the tables that :func:`answer_sql` knows in a folder."""
    places = [folder] if (folder / RESULT).is_file() else (folder / RUNS).glob("*")
    found = {ALL_RUNS}
    for place in places:
        found |= {path.stem for path in place.glob("*.parquet")}
        found |= {path.stem for path in (place / PLAN).glob("*.parquet")}
    return sorted(found)


@contextmanager
def _opened(folder: Path) -> Iterator[duckdb.DuckDBPyConnection]:
    import duckdb

    if not (folder / RESULT).is_file() and not (folder / BATCH).is_file():
        stop_on_errors([Problem("sql.no_results", Where(str(folder)))])
    with duckdb.connect(":memory:") as connection:
        connection.register("all_runs", read_runs_table(folder))
        connection.execute(f"CREATE VIEW {ALL_RUNS} AS SELECT * FROM all_runs")  # noqa: S608
        # Names are tables of the folder, never variables of this program.
        connection.execute("SET python_enable_replacements = false")
        yield connection


def _add_view(connection: Any, folder: Path, name: str) -> None:
    """Let SQL see a table of all results folders, if a word of it is the name of one."""
    if name == ALL_RUNS:
        return
    is_one = (folder / RESULT).is_file()
    start, inside = (folder, "") if is_one else (folder / RUNS, "*/")
    for place in (f"{inside}{name}.parquet", f"{inside}{PLAN}/{name}.parquet"):
        # By their names: the folder's own may hold what would be a pattern.
        paths = sorted(start.glob(place))
        if not paths:
            continue
        # The place is the folder of a run, or the folder itself.
        run = "r.run" if is_one else f"regexp_extract(t.filename, '([^/]+)/({PLAN}/)?[^/]+$', 1)"
        files = f"[{', '.join(_quoted(str(path)) for path in paths)}]"
        connection.execute(
            f"CREATE VIEW {name} AS SELECT r.run, r.scenario, r.variant, t.* EXCLUDE (filename) "  # noqa: S608
            f"FROM read_parquet({files}, filename = true, union_by_name = true) t "
            f"JOIN {ALL_RUNS} r ON r.run = {run}"
        )
        return


def _no_table(folder: Path, name: str) -> Problem:
    names = table_names(folder)
    return Problem(
        "sql.no_table", Where(str(folder)), name, ", ".join(names), remedy=did_you_mean(name, names)
    )


def _quoted(text: str) -> str:
    """A text as SQL writes it."""
    return "'" + text.replace("'", "''") + "'"


def named_table(folder: Path, name: str) -> pa.Table:
    """All rows of a table; ``totals`` is that of the runs.

    Raises
    ------
    InputError
        When the folder has no such table.
    """
    wanted = ALL_RUNS if name == "totals" else name
    if (folder / RESULT).is_file() or (folder / BATCH).is_file():
        names = table_names(folder)
        if wanted not in names:
            stop_on_errors([_no_table(folder, name)])
    return answer_sql(folder, f"SELECT * FROM {wanted}")  # noqa: S608 - one of the names above
