"""Limits that no set of sites keeps, with what is possible where every candidate is open."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from logistics.errors import Problem, Where
from logistics.models.flow.column_generation import FlowModel, StopRule
from logistics.studies.limit_tables import limits_table
from logistics.studies.siting_candidates import with_all_open
from logistics.studies.siting_problem import SitedYears
from logistics.studies.year_flow import checked_year

GAP, SECONDS = 1e-4, 60.0
SHARES = ("promise_share", "local_gateway_share")


def limits_out_of_reach(sited: SitedYears) -> Iterator[Problem]:
    """Yield a warning for each limit that not even all candidates together can keep."""
    for question, compiled in zip(sited.questions, sited.problem.instances, strict=True):
        if not question.limits or sited.problem.sourcing is not None:
            continue
        network = with_all_open(question.network, sited.candidates, question.year)
        flow = FlowModel(compiled, StopRule(GAP, SECONDS)).solve()
        if flow.conflict is None:
            continue
        outcome = checked_year(replace(question, network=network), compiled, flow)
        for row in limits_table(outcome.question, outcome, {}).to_pylist():
            if not row["in_conflict"] or row["relaxed_to"] is None:
                continue
            form = "{:.2%}" if row["kind"] in SHARES else "{:,.6g}"
            best = max(0.0, row["relaxed_to"]) if row["kind"] in SHARES else row["relaxed_to"]
            subject = f"{question.year} {row['where']}".strip()
            stated = form.format(row["stated"])
            where = _place(str(row["place"]))
            yield Problem(
                "siting.out_of_reach", where, stated, form.format(best), subject, severity="warning"
            )


def _place(text: str) -> Where:
    """Where a limit is written, ``file:line:column`` or less."""
    file, *rest = text.split(":")
    return Where(file, int(rest[0]) if rest and rest[0].isdigit() else 0)
