"""Limits that no set of sites keeps, with what is possible where every candidate is open."""

from __future__ import annotations

from collections.abc import Iterator

from logistics.errors import Problem
from logistics.models.flow.column_generation import FlowModel, StopRule
from logistics.scenario.plan_limits import place_of
from logistics.studies.limit_tables import relaxed_to
from logistics.studies.siting_problem import SitedYears
from logistics.studies.year_flow import limit_wholes

GAP, SECONDS = 1e-4, 60.0
SHARES = ("promise_share", "local_gateway_share")


def limits_out_of_reach(sited: SitedYears) -> Iterator[Problem]:
    """Yield a warning for each limit that not even all candidates together can keep."""
    for question, instance in zip(sited.questions, sited.problem.instances, strict=True):
        if not question.limits:
            continue
        flow = FlowModel(instance, StopRule(GAP, SECONDS)).solve()
        if flow.conflict is None:
            continue
        wholes, left_t = limit_wholes(instance), float(flow.unserved_t.sum())
        for row in flow.conflict.members:
            limit, give = question.limits[row], float(flow.conflict.relaxation[row])
            best = relaxed_to(limit, give, instance.limits[row].scale, wholes[row], left_t)
            form = "{:.2%}" if limit.kind in SHARES else "{:,.6g}"
            stated, possible = form.format(limit.value), form.format(best)
            subject = f"{question.year} {limit.where}".strip()
            where = place_of(limit)
            yield Problem("siting.out_of_reach", where, stated, possible, subject, severity="warning")
