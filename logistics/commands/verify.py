"""``logistics verify``: judge a results folder, or a hand-made plan, from its files alone."""

from __future__ import annotations

import json
import math
from pathlib import Path

import click

from logistics.commands.shared import (
    EXIT_OK,
    EXIT_UNVERIFIED,
    chosen_language,
    lang_option,
    outside_option,
    show_problems,
)
from logistics.words import sentence, text


@click.command(name="verify")
@click.argument("folder", type=click.Path(path_type=Path))
@click.option(
    "--scenario",
    type=click.Path(path_type=Path),
    help="Check FOLDER/plan/*.csv (made by hand) against this scenario.",
)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object on stdout.")
@outside_option
@lang_option
def command(folder: Path, scenario: Path | None, as_json: bool, allow_outside: bool, lang: str | None) -> int:
    """Check the plan in FOLDER: flows, capacities, bill and bound, by code that did not produce it."""
    lang = chosen_language(lang)
    from logistics.results.judge import judge_folder
    from logistics.results.read import SavedInputs

    inputs = None
    if scenario is not None:
        from logistics.results.write import resolved_scenario
        from logistics.scenario.case import read_case

        case = read_case(scenario, allow_outside=allow_outside)
        inputs = SavedInputs(resolved_scenario(case), case.networks)
    judgement = judge_folder(folder, inputs)
    if as_json:
        document = {
            "verified": judgement.verified,
            "violations": [{"code": p.code, "message": sentence(p, "en")} for p in judgement.violations],
            "years": {
                str(v.year): {
                    "plan_verified": v.plan_verified,
                    "bound_proof": v.bound_proof,
                    "objective": v.objective if math.isfinite(v.objective) else None,
                    "bound": v.bound,
                    "bill_cny": dict(v.bill),
                    "served_t": v.totals.served_t,
                    "unserved_t": v.totals.unserved_t,
                }
                for v in judgement.verdicts
            },
        }
        click.echo(json.dumps(document, ensure_ascii=False))
    if not judgement.verified:
        show_problems(judgement.violations, lang, counted=False)
        if not as_json:
            click.echo(text("verify.failed", lang, count=len(judgement.violations)))
        return EXIT_UNVERIFIED
    if not as_json:
        for verdict in judgement.verdicts:
            proof = text(f"bound_proof.{verdict.bound_proof}", lang)
            if math.isfinite(verdict.objective):
                objective = f"{verdict.objective:,.0f}"
                click.echo(text("verify.ok", lang, year=verdict.year, objective=objective, proof=proof))
            else:
                clash = verdict.bound_proof == "certificate"
                click.echo(text("verify.conflict_ok" if clash else "verify.nothing", lang, year=verdict.year))
        if judgement.others:
            click.echo(text("verify.others", lang, count=len(judgement.others)))
    return EXIT_OK
