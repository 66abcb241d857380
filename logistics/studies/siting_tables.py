"""A siting study as tables: candidates, plans, years, regret."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from logistics.models.placement.problem import PlacementAnswer
from logistics.studies.siting_benchmark import Alone, Worth, ranks
from logistics.studies.siting_candidates import Candidate
from logistics.studies.siting_cargo import CargoReader, Served
from logistics.studies.siting_futures import Future, largest, least_bad
from logistics.studies.siting_plans import LastYear, SitedPlan
from logistics.studies.siting_problem import SitedYears, open_ids
from logistics.studies.typed_rows import table_of
from logistics.studies.year_flow import YearOutcome
from logistics.virtual_network.instance import Instance

SERVED = (
    ("tonnes", pa.float64()),
    ("orders", pa.float64()),
    ("landed_cny_per_kg", pa.float64()),
    ("landed_cny_per_order", pa.float64()),
    ("days_p50", pa.float64()),
    ("days_p90", pa.float64()),
    ("value_share_1d", pa.float64()),
    ("value_share_2d", pa.float64()),
    ("value_share_3d", pa.float64()),
    ("stock_cny", pa.float64()),
    ("co2_kg_per_t", pa.float64()),
    ("utilisation", pa.float64()),
)
CANDIDATES = pa.schema(
    [
        ("option_id", pa.string()),
        ("site_id", pa.string()),
        ("name_en", pa.string()),
        ("name_zh", pa.string()),
        ("country", pa.string()),
        ("prefecture", pa.string()),
        ("kind", pa.string()),
        ("ownership", pa.string()),
        ("size", pa.string()),
        ("exists", pa.bool_()),
        ("chosen", pa.bool_()),
        ("opens", pa.int32()),
        ("capacity_t_per_year", pa.float64()),
        ("capex_cny", pa.float64()),
        ("fixed_cny_per_year", pa.float64()),
        ("annual_cny", pa.float64()),
        ("rank", pa.int32()),
        ("rank_best", pa.int32()),
        ("rank_worst", pa.int32()),
        ("alone_saved_at_most_cny", pa.float64()),
        ("alone_net_at_most_cny", pa.float64()),
        *((f"alone_{name}", kind) for name, kind in SERVED),
        ("value_low_cny", pa.float64()),
        ("value_high_cny", pa.float64()),
        *((f"plan_{name}", kind) for name, kind in SERVED),
        ("source", pa.string()),
        ("confidence", pa.string()),
    ]
)
"""One row a candidate, the best alone first. `ownership` is blank for facilities, which are no warehouses;
figures by order are where nothing has orders. `alone_…`: beside what exists in the last year, at the base's
prices of shared capacities, so savings are upper bounds; `plan_…`: in the best plan's last year. `value_…`:
cost of the best plan without it less that with it, over all years, between the two. Ranks are by
`alone_net_at_most_cny`; the best and the worst are over the futures."""
PLANS = pa.schema(
    [
        ("kind", pa.string()),
        ("name", pa.string()),
        ("sites", pa.int32()),
        ("options", pa.string()),
        ("value_cny", pa.float64()),
        ("bound_cny", pa.float64()),
        ("gap", pa.float64()),
        ("worse_cny", pa.float64()),
        ("worse_share_of_benefit", pa.float64()),
        ("warehouses_cny", pa.float64()),
        ("capex_cny", pa.float64()),
        ("tonnes", pa.float64()),
        ("landed_cny_per_kg", pa.float64()),
        ("days_p50", pa.float64()),
        ("days_p90", pa.float64()),
        ("value_share_3d", pa.float64()),
        ("utilisation", pa.float64()),
    ]
)
"""One row a plan, in the last year: ``base``, ``best``, ``sweep`` (at most so many), ``alternative``,
``baseline`` (a rule of thumb), ``frontier`` (best at another worth of customers' time, priced as all are).
`worse_cny`: more than the best; blank where not all is served. `bound_cny`: no plan under the same condition
costs less; of ``base``, ``baseline`` and ``frontier`` what the set itself costs at least. `gap`: value
against bound; of ``frontier`` that of its own search, at the worth of time it has there."""
YEARS = pa.schema(
    [
        ("year", pa.int32()),
        ("open", pa.int32()),
        ("opened", pa.int32()),
        ("capex_cny", pa.float64()),
        ("warehouses_cny", pa.float64()),
        ("flow_before_cny", pa.float64()),
        ("flow_after_cny", pa.float64()),
        ("saved_cny", pa.float64()),
        ("value_cny", pa.float64()),
        ("bound_cny", pa.float64()),
        ("gap", pa.float64()),
        ("gap_of_benefit", pa.float64()),
        ("joint", pa.bool_()),
        ("by_solver", pa.bool_()),
    ]
)
"""One row a year; value, bound and gap are of the whole plan. `gap_of_benefit`: what the plan may cost too
much, as a share of what it saves over what exists; blank where it saves nothing. `joint`: shared capacities
or limits have a price, so that warehouses compete for them; else markets are on their own."""
CHANNELS = pa.schema(
    [
        ("year", pa.int32()),
        ("product_id", pa.string()),
        ("tonnes", pa.float64()),
        ("stocked_before_t", pa.float64()),
        ("stocked_at_most_t", pa.float64()),
        ("stocked_t", pa.float64()),
    ]
)
"""One row a year and product of the cargo that may be sold directly or from stock: tonnes of both ways, and
what is stocked today, at most, and in the best plan."""
REGRET = pa.schema(
    [
        ("future", pa.string()),
        ("plan", pa.string()),
        ("value_of_best_cny", pa.float64()),
        ("bound_cny", pa.float64()),
        ("regret_at_least_cny", pa.float64()),
        ("regret_at_most_cny", pa.float64()),
        ("largest_regret_cny", pa.float64()),
        ("largest_regret_at_most_cny", pa.float64()),
        ("least_of_largest", pa.bool_()),
        ("least_is_proven", pa.bool_()),
    ]
)
"""One row a future and plan, in the last year: what the plan costs above the best found for the future, at
least, and at most where its flows were solved. `largest_regret_cny` and its upper end are over the futures;
`least_of_largest` marks the plan whose upper end is least among those that keep the rules, and
`least_is_proven` says there whether none that was tried has less."""


@dataclass(frozen=True)
class Sited:
    """All that a siting study found.

    Parameters
    ----------
    planned
        The last year of the chosen plan, solved on its own network, and the arrays of that; None: there is
        none.
    """

    sited: SitedYears
    last: LastYear
    answer: PlacementAnswer
    alone: Sequence[Alone]
    worth: Sequence[Worth]
    plans: Sequence[SitedPlan]
    futures: Sequence[Future]
    planned: tuple[YearOutcome, Instance] | None


def tables_of_siting(found: Sited) -> dict[str, pa.Table]:
    """Tables of a study."""
    tables = {
        "candidates": _candidates(found),
        "siting_plans": _plans(found),
        "siting_years": _years(found),
    }
    if found.sited.channels and found.answer.best is not None:
        tables["siting_channels"] = _channels(found)
    if found.futures:
        tables["siting_regret"] = _regret(found.futures)
    return tables


def _served(served: Served | None, capacity_t: float) -> list[float | None]:
    if served is None:
        return [None] * len(SERVED)
    return [
        served.tonnes,
        served.orders,
        served.money_cny_per_kg,
        served.money_cny_per_order,
        served.days_p50,
        served.days_p90,
        *served.value_within,
        served.stock_cny,
        served.co2_kg_per_t,
        served.tonnes / capacity_t if capacity_t > 0 else None,
    ]


def _candidates(found: Sited) -> pa.Table:
    sited, best = found.sited, found.answer.best
    problem = sited.problem
    opens: dict[int, int] = {}
    served: Mapping[str, Served] = {}
    if best is not None and found.planned is not None:
        for choice in np.flatnonzero(best.taken).tolist():
            opens[int(problem.candidate[choice])] = sited.questions[int(problem.opens[choice])].year
        outcome, instance = found.planned
        reader = CargoReader(outcome.question.network, instance, sited.candidates)
        served = reader.by_candidate(outcome.solved, open_ids(problem, best.taken))
    rank = ranks([one.net_cny for one in found.alone])
    rows = []
    for number in sorted(range(len(sited.candidates)), key=lambda i: rank[i]):
        one = sited.candidates[number]
        others = [rank[number], *(future.rank[one.id] for future in found.futures if one.id in future.rank)]
        rows.append(_candidate_row(one, opens.get(number), rank[number], others, found, number, served))
    return table_of(rows, CANDIDATES)


def _candidate_row(
    one: Candidate,
    opens: int | None,
    rank: int,
    others: Sequence[int],
    found: Sited,
    number: int,
    served: Mapping[str, Served],
) -> tuple[Any, ...]:
    alone, worth = found.alone[number], found.worth[number]
    room = one.capacity_t(first=False)
    return (
        one.id,
        one.site_id,
        str(one.site["name_en"]),
        str(one.site["name_zh"]),
        str(one.site["country"]),
        str(one.site["prefecture"] or ""),
        str(one.site["kind"]),
        None if one.is_facility else str(one.option["ownership"]),
        str(one.option["size"]),
        one.exists,
        opens is not None,
        None if one.exists else opens,
        room,
        one.number("capex_cny"),
        one.number("fixed_cny_per_year"),
        one.annual_cny(found.sited.spec.discount_rate),
        rank,
        min(others),
        max(others),
        alone.saved_cny,
        alone.net_cny,
        *_served(alone.served, room),
        worth.low,
        worth.high,
        *_served(served.get(one.id), room),
        str(one.option["source"] or ""),
        str(one.option["confidence"] or ""),
    )


def _plans(found: Sited) -> pa.Table:
    last = found.last
    reader = CargoReader(last.sited.questions[0].network, last.problem.instances[0], last.sited.candidates)
    named = {plan.kind: plan for plan in found.plans if plan.kind in ("base", "best")}
    best = named["best"].value if "best" in named else None
    base = named["base"].value
    rows = []
    for plan in found.plans:
        worse = plan.value - best if plan.value is not None and best is not None else None
        benefit = base - best if base is not None and best is not None else None
        gains = plan.kind != "frontier" and benefit is not None and benefit > 0
        share = worse / benefit if worse is not None and benefit is not None and gains else None
        rows.append(_plan_row(last, reader, plan, (worse, share)))
    return table_of(rows, PLANS)


def _plan_row(
    last: LastYear,
    reader: CargoReader,
    plan: SitedPlan,
    worse: tuple[float | None, float | None],
) -> tuple[Any, ...]:
    ids = open_ids(last.problem, plan.taken)
    new = [one for one in last.sited.candidates if one.id in set(ids) and not one.exists]
    served = reader.whole(plan.flow) if plan.flow is not None and plan.value is not None else None
    room = sum(one.capacity_t(first=False) for one in new)
    through = reader.by_candidate(plan.flow, ids) if plan.flow is not None and plan.value is not None else {}
    used = sum(through[one.id].tonnes for one in new if one.id in through)
    return (
        plan.kind,
        plan.name,
        len({one.site_id for one in new}),
        "|".join(ids),
        plan.value,
        _known(plan.bound),
        None if plan.gap is None else _known(plan.gap),
        worse[0],
        worse[1],
        plan.cost_cny,
        sum(one.number("capex_cny") for one in new),
        served.tonnes if served else None,
        served.money_cny_per_kg if served else None,
        served.days_p50 if served else None,
        served.days_p90 if served else None,
        served.value_within[2] if served else None,
        used / room if room > 0 else None,
    )


def _years(found: Sited) -> pa.Table:
    sited, answer = found.sited, found.answer
    if answer.best is None:
        return table_of([], YEARS)
    best, problem = answer.best, sited.problem
    base = next(p for p in answer.plans if np.array_equal(p.taken, sited.base_taken))
    benefit, rows = base.value - best.value, []
    lost = max(0.0, best.value - answer.bound) / benefit if 0 < benefit < np.inf else None
    for year, question in enumerate(sited.questions):
        opening = best.taken & (problem.opens == year) & ~sited.base_taken
        opened = [sited.candidates[i] for i in problem.candidate[opening].tolist()]
        cost = sited.annual_cny(year, best.taken)
        before, after = _known(base.flows[year].objective), best.flows[year].objective
        rows.append(
            (
                question.year,
                len(problem.open_in(year, best.taken)),
                len(opened),
                sum(one.number("capex_cny") for one in opened),
                cost,
                before,
                after,
                before - after - cost if before is not None else None,
                best.value,
                answer.bound,
                answer.gap,
                lost,
                answer.joint,
                answer.by_solver,
            )
        )
    return table_of(rows, YEARS)


def _channels(found: Sited) -> pa.Table:
    sited, best, rows = found.sited, found.answer.best, []
    assert best is not None
    for year, question in enumerate(sited.questions):
        chosen = {
            change["row"]: float(change["value"])
            for change in sited.changes(year, best)
            if change["table"] == "demand"
        }
        demand = {str(row["demand_id"]): row for row in question.network.rows("demand")}
        tonnes = {name: float(row["tonnes_per_year"]) for name, row in demand.items()}
        sums: dict[str, NDArray[np.float64]] = {}
        for one in sited.channels:
            product = str(demand[one.stocked_id]["product_id"])
            part = np.array([*one.tonnes(tonnes), tonnes[one.stocked_id], chosen[one.stocked_id]])
            sums[product] = sums.get(product, np.zeros(4)) + part
        rows += [
            (question.year, product, *map(float, (whole, before, most, after)))
            for product, (whole, most, before, after) in sorted(sums.items())
        ]
    return table_of(rows, CHANNELS)


def _known(value: float) -> float | None:
    """A figure; None where there is none, as what exists does not do."""
    return value if np.isfinite(value) else None


def _regret(futures: Sequence[Future]) -> pa.Table:
    best, proven = least_bad(futures)
    low, high = {}, {}
    for plan in futures[0].regret:
        mine = [future.regret[plan] for future in futures]
        low[plan] = max(one.at_least for one in mine)
        high[plan] = largest([one.at_most for one in mine])
    rows = [
        (
            f.name,
            plan,
            f.value,
            f.bound,
            *regret,
            low[plan],
            high[plan],
            plan == best,
            plan == best and proven,
        )
        for f in futures
        for plan, regret in f.regret.items()
    ]
    return table_of(rows, REGRET)
