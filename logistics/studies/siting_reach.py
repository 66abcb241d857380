"""What no set of sites can do: keep a limit with every candidate open, or hold the cargo under the rules."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from logistics.errors import Problem, Where
from logistics.models.flow.column_generation import FlowModel, StopRule
from logistics.models.flow.pricing import PathPricer
from logistics.models.placement.priced import best_choice
from logistics.scenario.plan_limits import place_of
from logistics.studies.limit_tables import relaxed_to
from logistics.studies.siting_candidates import WAREHOUSES
from logistics.studies.siting_markets import stocked_by_territory
from logistics.studies.siting_option_checks import shown_tonnes
from logistics.studies.siting_problem import SitedYears
from logistics.studies.year_flow import limit_wholes

GAP, SECONDS, ROOM_SECONDS = 1e-4, 60.0, 10.0
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


def room_out_of_reach(sited: SitedYears, where: Where) -> Iterator[Problem]:
    """Yield a warning for each customs territory whose stocked cargo no set that keeps the rules can hold.

    Each is a proof that there is no plan: such cargo waits in a warehouse of its own territory.

    Parameters
    ----------
    where
        Where the study stands in the scenario.
    """
    problem, free = sited.problem, {channel.stocked_id for channel in sited.channels}
    territory_of = np.array([str(one.site["customs_territory"]) for one in sited.candidates])
    is_warehouse = np.array([not one.is_facility for one in sited.candidates])
    for year, question in enumerate(sited.questions):
        if question.unserved_cny_per_t is not None:
            continue
        network, instance = question.network, problem.instances[year]
        # What no way reaches may stay, whatever opens.
        lost = ~np.isfinite(PathPricer(instance).free_cost)
        elsewhere = free | {instance.commodities.demand_id[k] for k in np.flatnonzero(lost).tolist()}
        site = {str(row["site_id"]): row for row in network.rows("sites")}
        asked = stocked_by_territory(network, elsewhere)
        mine = {one.id for one in sited.candidates}
        held: dict[str, float] = {}
        for row in network.rows(WAREHOUSES):
            place = site[str(row["site_id"])]
            if row["status"] == place["status"] == "existing" and str(row["option_id"]) not in mine:
                name = str(place["customs_territory"])
                held[name] = held.get(name, 0.0) + float(row["capacity_t_per_year"])
        for name in sorted(asked):
            there = is_warehouse & (territory_of == name)
            room = np.where(there[problem.candidate], problem.capacity_t[:, year], 0.0)
            found = best_choice(room, problem.rules, ROOM_SECONDS)
            most = held.get(name, 0.0) + (found[1] if found is not None else 0.0)
            missing = asked[name] - most
            if missing > 1e-6 * asked[name]:
                figures = f"{shown_tonnes(missing)} / {shown_tonnes(asked[name])}", shown_tonnes(most)
                subject = f"{name} {question.year}"
                yield Problem("siting.capacity", where, *figures, subject, severity="warning")
