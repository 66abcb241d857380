"""The engine in notebooks: run scenarios and batches, look at what came out as DataFrames and maps.

Everything is read from the folders that were written, so an object made now and one opened later agree.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING, Any

from logistics.errors import Problem, Where, stop_on_errors
from logistics.words import language, sentence, text

if TYPE_CHECKING:
    import geopandas
    import pandas
    import pyarrow as pa

    from logistics.batches.plan import BatchPlan
    from logistics.batches.progress import BatchState
    from logistics.network.network import Network


@dataclass(frozen=True, repr=False)
class RunResults:
    """One results folder.

    Parameters
    ----------
    folder
        The folder.
    document
        Content of its ``result.json``.
    """

    folder: Path
    document: Mapping[str, Any]

    @property
    def status(self) -> str:
        """``optimal``, ``limit``, ``infeasible`` or ``no_plan``."""
        return str(self.document["status"])

    @property
    def objective(self) -> float | None:
        """Value of the plan, None without one."""
        value = self.document["objective"]
        return None if value is None else float(value)

    @property
    def verified(self) -> bool:
        """Whether code that did not make the plan found nothing against it."""
        return bool(self.document["verified"])

    @property
    def tables(self) -> tuple[str, ...]:
        """Names of the tables."""
        from logistics.batches.query import table_names

        return tuple(name for name in table_names(self.folder) if name != "runs")

    def table(self, name: str) -> pandas.DataFrame:
        """A table of the folder, also ``flows``, ``steps`` and ``unserved`` of its plan."""
        import pyarrow.parquet as pq

        places = (self.folder / f"{name}.parquet", self.folder / "plan" / f"{name}.parquet")
        path = next((place for place in places if place.is_file()), None)
        if path is None:
            problem = Problem("sql.no_table", Where(str(self.folder)), name, ", ".join(self.tables))
            stop_on_errors([problem])
            raise AssertionError
        return _frame(pq.read_table(path))

    def totals(self) -> pandas.Series[float]:
        """Sums over all years, with their units in their names."""
        import pyarrow as pa

        totals = {name: self.document[name] for name in ("demand_t", "unserved_t")} | self.document["totals"]
        frame = pa.table({"name": list(totals), "value": pa.array(totals.values(), pa.float64())}).to_pandas()
        series: pandas.Series[float] = frame.set_index("name")["value"]
        return series

    def sites(self, year: int | None = None) -> geopandas.GeoDataFrame:
        """Sites of a year (the last one) as points."""
        return self._network(year).sites_gdf()

    def services(self, year: int | None = None) -> geopandas.GeoDataFrame:
        """Services of a year (the last one) as lines, with the tonnes of their fullest leg as ``load_t``."""
        year = year or max(self.document["years"])
        lines = self._network(year).services_gdf()
        loads = self.table("services")
        most = loads[loads["year"] == year].groupby("service_id")["tonnes"].max()
        lines["load_t"] = lines["service_id"].map(most).fillna(0.0)
        return lines

    def _network(self, year: int | None) -> Network:
        from logistics.results.read import read_inputs

        return read_inputs(self.folder).networks[year or max(self.document["years"])]

    def __repr__(self) -> str:
        """Outcome in a line."""
        objective = "–" if self.objective is None else f"{self.objective:,.0f}"
        checked = "verified" if self.verified else "not verified"
        return f"<{self.document['scenario']['id']}: {self.status}, objective {objective}, {checked}>"

    def _repr_html_(self) -> str:
        """Outcome and totals, for notebooks."""
        return f"<p>{escape(repr(self)[1:-1])}</p>{self.totals().to_frame().to_html()}"


@dataclass(frozen=True, repr=False)
class BatchResults:
    """The folder of a batch.

    Parameters
    ----------
    folder
        The folder.
    """

    folder: Path

    @property
    def runs(self) -> pandas.DataFrame:
        """All runs: what each is, how it ended, its values and totals."""
        from logistics.batches.table import read_runs_table

        return _frame(read_runs_table(self.folder))

    def run(self, scenario: str) -> RunResults:
        """One run by its id or by the name of its scenario (``file.variant``)."""
        runs = self.runs
        found = runs[(runs["scenario"] == scenario) | (runs["run"] == scenario)]
        if found.empty:
            names = ", ".join(runs["scenario"])
            stop_on_errors([Problem("sql.no_run", Where(str(self.folder)), scenario, names)])
        return _run_results(self.folder / "runs" / str(found.iloc[0]["run"]))

    def table(self, name: str) -> pandas.DataFrame:
        """A table of all runs below each other, with ``run``, ``scenario`` and ``variant`` in front."""
        from logistics.batches.query import named_table

        return _frame(named_table(self.folder, name))

    def sql(self, question: str) -> pandas.DataFrame:
        """Answer of a SELECT over the tables."""
        from logistics.batches.query import answer_sql

        return _frame(answer_sql(self.folder, question))

    def __repr__(self) -> str:
        """How many runs ended in which way."""
        counts = self.runs["status"].value_counts().sort_index()
        ended = ", ".join(f"{count} {status}" for status, count in counts.items())
        return f"<batch {self.folder.name}: {ended or 'no runs'}>"

    def _repr_html_(self) -> str:
        """The same with the first runs, for notebooks."""
        columns = ["scenario", "status", "objective", "unserved_t"]
        return f"<p>{escape(repr(self)[1:-1])}</p>{self.runs[columns].head(20).to_html(index=False)}"


def run_scenario(
    path: Path | str,
    out: Path | str | None = None,
    *,
    variant: str | None = None,
    time_limit_s: float | None = None,
    gap: float | None = None,
    allow_outside: bool = False,
    force: bool = False,
    progress: bool = True,
) -> RunResults:
    """Solve a scenario, check the plan and write its results folder, as ``logistics run`` does.

    Parameters
    ----------
    path
        The scenario file.
    out
        The results folder; None: ``results/<scenario>``.
    variant
        A variant of the file, or a member of a family.
    time_limit_s, gap
        Of the solver; None: as the scenario says.
    allow_outside
        Whether paths in the file may leave its project folder.
    force
        Whether results that are there may be replaced.
    progress
        Whether to say on stderr how far it is.

    Raises
    ------
    InputError
        With every problem of scenario, network and place.
    """
    from logistics.results.write import check_place, write_results
    from logistics.scenario.case import read_case
    from logistics.studies.register import ready_study, run_ready

    case = read_case(Path(path), allow_outside=allow_outside, variant=variant)
    solver = case.scenario.solver
    solver = replace(
        solver, time_limit_s=time_limit_s or solver.time_limit_s, gap=solver.gap if gap is None else gap
    )
    case = replace(case, scenario=replace(case.scenario, solver=solver))
    folder = Path(out) if out is not None else Path("results") / case.scenario.id
    check_place(folder, force=force)
    ready = ready_study(case)
    say = _line() if progress else lambda _: None
    lang = language(None)

    def report(key: str, values: Mapping[str, object]) -> None:
        if key != "run.problem":
            say(text(key, lang, **values))

    result = run_ready(ready, report)
    write_results(folder, ready.case, result, force=force)
    say("")
    return _run_results(folder)


def run_batch(
    *paths: Path | str,
    out: Path | str,
    jobs: int | None = None,
    cluster: str = "",
    run_limit_s: float | None = None,
    memory_limit_mb: float | None = None,
    time_limit_s: float | None = None,
    gap: float | None = None,
    report: str = "none",
    allow_outside: bool = False,
    progress: bool = True,
) -> BatchResults:
    """Run scenarios and their variants, as ``logistics batch`` does; what is done is not done again.

    Parameters
    ----------
    paths
        The scenario files.
    out
        The folder of the batch.
    jobs
        Runs at once; None: one a core.
    cluster
        ``tcp://…`` of a scheduler, or ``local:N``, instead of `jobs`.
    run_limit_s, memory_limit_mb
        What ends a run: seconds, MiB.
    time_limit_s, gap
        Of the solver; None: as the scenarios say.
    report
        ``none``, ``html`` or ``all``: reports of each run and a page of the batch.
    allow_outside
        Whether paths in the files may leave their project folders.
    progress
        Whether to say on stderr how far it is.

    Raises
    ------
    InputError
        When no scenario can be read, or the folder or the cluster cannot be used. A run that fails stands in
        the table of runs, and is said on stderr.
    """
    from logistics.batches.batch import BatchSettings, do_batch
    from logistics.batches.plan import planned_batch

    given = {"time_limit_s": time_limit_s, "gap": gap}
    overrides = {name: value for name, value in given.items() if value is not None}
    plan = planned_batch([Path(path) for path in paths], allow_outside=allow_outside, overrides=overrides)
    problems = list(dict.fromkeys(problem for refused in plan.refused for problem in refused.problems))
    if not plan.runs:
        stop_on_errors(problems)
    lang = language(None)
    settings = BatchSettings(jobs, cluster, run_limit_s, memory_limit_mb, report, lang)
    outcome = do_batch(plan, Path(out), settings, _progress(lang) if progress else lambda _: None)
    if progress:
        _say_failures(plan, outcome.failures, problems, lang)
    return BatchResults(Path(out))


def open_results(folder: Path | str) -> RunResults | BatchResults:
    """Open what was written before: a results folder, or the folder of a batch.

    Raises
    ------
    InputError
        When it is neither.
    """
    folder = Path(folder)
    return BatchResults(folder) if (folder / "batch-info.json").is_file() else _run_results(folder)


def _frame(table: pa.Table) -> pandas.DataFrame:
    frame: pandas.DataFrame = table.to_pandas()
    return frame


def _run_results(folder: Path) -> RunResults:
    from logistics.results.read import read_result

    return RunResults(folder, read_result(folder))


def _line() -> Callable[[str], None]:
    """Write into one line of stderr, over and over; an empty text ends it."""
    width = [0]

    def say(words: str) -> None:
        sys.stderr.write(f"\r{words:<{width[0]}}" if words else "\n")
        sys.stderr.flush()
        width[0] = len(words)

    return say


def _progress(lang: str) -> Callable[[BatchState], None]:
    from logistics.batches.progress import progress_words

    say, last = _line(), [""]

    def tell(state: BatchState) -> None:
        words = progress_words(state, lang)
        if words != last[0]:
            say(words)
            last[0] = words
        if not state.remaining:
            say("")

    return tell


def _say_failures(
    plan: BatchPlan, failures: Mapping[str, tuple[Problem, ...]], problems: list[Problem], lang: str
) -> None:
    names = {run.id: run.scenario.id for run in plan.runs}
    for problem in problems:
        sys.stderr.write(sentence(problem, lang) + "\n")
    for run_id, found in failures.items():
        reason = sentence(found[0], lang)
        sys.stderr.write(text("batch.failed_run", lang, scenario=names[run_id], reason=reason) + "\n")
