"""``logistics run``: solve a scenario, check the plan, write the results, say what came out."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import click

from logistics.commands.shared import (
    EXIT_INFEASIBLE,
    EXIT_LIMIT,
    EXIT_NO_PLAN,
    EXIT_OK,
    EXIT_UNVERIFIED,
    RunLog,
    chosen_language,
    lang_option,
    outside_option,
    show_problems,
)
from logistics.errors import Problem
from logistics.words import text

CODES = {"optimal": EXIT_OK, "infeasible": EXIT_INFEASIBLE, "limit": EXIT_LIMIT, "no_plan": EXIT_NO_PLAN}


@click.command(name="run")
@click.argument("scenario", type=click.Path(path_type=Path))
@click.option("--out", type=click.Path(path_type=Path), help="Results folder; default results/<scenario>.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object on stdout instead of tables.")
@click.option("--force", is_flag=True, help="Replace an existing results folder.")
@click.option("--variant", help="Run a named variant of the scenario.")
@click.option(
    "--time-limit", type=click.FloatRange(min=0, min_open=True), help="Seconds; overrides the scenario."
)
@click.option("--keep-going", is_flag=True, help="Leave bad proposals out instead of stopping.")
@click.option("--gap", type=click.FloatRange(0, 1), help="Relative gap; overrides the scenario.")
@click.option(
    "--report",
    "reports",
    type=click.Choice(["none", "html", "all"]),
    default="all",
    envvar="LOGISTICS_REPORT",
    help="Reports in the results folder: none, the page, or all (default).",
)
@click.option("-q", "--quiet", is_flag=True, help="No progress on stderr.")
@click.option("-v", "--verbose", is_flag=True, help="Log to stderr too.")
@outside_option
@lang_option
def command(
    scenario: Path,
    out: Path | None,
    as_json: bool,
    force: bool,
    variant: str | None,
    time_limit: float | None,
    gap: float | None,
    keep_going: bool,
    reports: str,
    quiet: bool,
    verbose: bool,
    allow_outside: bool,
    lang: str | None,
) -> int:
    """Solve SCENARIO, check the plan independently and write the results folder."""
    lang = chosen_language(lang)
    started = time.perf_counter()
    log = RunLog(verbose=verbose)
    from logistics.results.write import check_place, write_results
    from logistics.scenario.case import read_case

    case = read_case(scenario, allow_outside=allow_outside, variant=variant)
    if time_limit is not None or gap is not None:
        solver = case.scenario.solver
        solver = replace(
            solver, time_limit_s=time_limit or solver.time_limit_s, gap=solver.gap if gap is None else gap
        )
        case = replace(case, scenario=replace(case.scenario, solver=solver))
    folder = out or Path("results") / case.scenario.id
    check_place(folder, force=force)
    from logistics.studies.register import STUDIES, ready_study, run_ready

    asked = STUDIES.get(str(case.scenario.study["kind"]))
    if keep_going and asked is not None and "keep_going" in asked.spec.model_fields:
        study = {**case.scenario.study, "keep_going": True}
        case = replace(case, scenario=replace(case.scenario, study=study))
    ready = ready_study(case)
    case = ready.case
    read_seconds = time.perf_counter() - started

    told: list[object] = []

    def report(key: str, values: Mapping[str, object]) -> None:
        if key == "run.problem":
            # What a cheap check finds is said before the solver starts.
            told.append(values["problem"])
            show_problems([p for p in (values["problem"],) if isinstance(p, Problem)], lang, counted=False)
        elif not quiet:
            click.echo(text(key, lang, **values), err=True)

    result = run_ready(ready, report)
    result = replace(result, seconds={"read": read_seconds, **result.seconds})
    document = write_results(folder, case, result, log.text, force=force)
    if reports != "none":
        from logistics.commands.report import say_missing_fonts
        from logistics.reports.outputs import write_reports

        say_missing_fonts(write_reports(folder, reports, lang).fonts_missing, lang)
    _say_outcome(result.status, document, lang, time.perf_counter() - started)
    warnings = [p for p in (*case.warnings, *result.problems) if p.severity == "warning"]
    show_problems([p for p in warnings if p not in told], lang, counted=False)
    if warnings:
        click.echo(text("warnings.count", lang, count=len(warnings)), err=True)
    if not result.plan_verified:
        show_problems([p for p in result.problems if p.severity == "error"], lang, counted=False)
    seconds = time.perf_counter() - started
    limits = result.tables["limits"].to_pylist() if "limits" in result.tables else []
    if as_json:
        from logistics.words.limit_sentences import conflict_sentences

        for sentence in conflict_sentences(limits, lang, base_only=result.status != "infeasible"):
            click.echo(sentence, err=True)
        shown = summary(document, seconds, folder)
        if any(row["in_conflict"] for row in limits):
            keys = ("year", "limit_id", "place", "in_conflict", "relaxation", "relaxed_to")
            shown["conflict"] = [{key: row[key] for key in keys} for row in limits]
        click.echo(json.dumps(shown, ensure_ascii=False, allow_nan=False))
    else:
        from logistics.commands.tables import print_result

        tables = dict(result.tables)
        if any(case.log.values()) or case.scenario.limits:
            # Published figures are of the network as it was, not of what a scenario changes or forbids.
            tables.pop("observed", None)
        print_result(document, tables, lang, folder, seconds)
    unverified = result.plan is not None and not result.plan_verified
    return EXIT_UNVERIFIED if unverified else CODES[result.status]


def _say_outcome(status: str, document: Mapping[str, Any], lang: str, seconds: float) -> None:
    """Say on stderr why there is no solved plan, or what stays unserved.

    Where no plan of a year stopped so, the study's own search did, and its warnings say why.
    """
    plans = [*document["by_year"].values(), *document["plans"].values()]
    if status != "optimal" and not {"no_plan", status} & {plan["status"] for plan in plans}:
        return
    unserved, demand = document["unserved_t"] or 0.0, document["demand_t"] or 0.0
    amounts = {"unserved_t": f"{unserved:,.1f}", "demand_t": f"{demand:,.0f}"}
    if status == "infeasible" and document["objective"] is not None:
        click.echo(text("run.infeasible", lang, **amounts), err=True)
    elif status == "no_plan":
        click.echo(text("run.limit_no_plan", lang, seconds=f"{seconds:.1f}"), err=True)
    elif status == "limit":
        gap = "?" if document["gap"] is None else f"{document['gap']:.2g}"
        click.echo(text("run.limit", lang, seconds=f"{seconds:.1f}", gap=gap), err=True)
    elif unserved > 0:
        click.echo(text("run.unserved", lang, **amounts), err=True)


def summary(document: Mapping[str, Any], seconds: float, folder: Path) -> dict[str, Any]:
    """What ``--json`` prints."""
    keys = [
        "status",
        "objective",
        "bound",
        "gap",
        "verified",
        "plan_verified",
        "bound_proof",
        "demand_t",
        "unserved_t",
        "totals",
    ]
    return {
        **{key: document[key] for key in keys},
        "scenario": document["scenario"]["id"],
        "study": document["study"]["kind"],
        "out": str(folder),
        "warnings": len(document["warnings"]),
        "seconds": round(seconds, 3),
    }
