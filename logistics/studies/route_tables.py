"""Evaluated routes as tables: one row a proposal, one a level, what they divert, and their swings."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import pyarrow as pa

from logistics.proposals.proposal import Proposal
from logistics.proposals.read import Rejected
from logistics.studies.route_accounts import break_even_load_factor, load_factors
from logistics.studies.route_flows import FlowSums
from logistics.studies.route_variants import Swing
from logistics.studies.route_worth import Evaluated, Measure, OptionEvaluator
from logistics.studies.typed_rows import table_of
from logistics.words import sentence

MOST_DIVERTED = 5
MOVED_T = 0.5
RATE_COLUMNS = (2019, 2021, 2023)
PROPOSALS = pa.schema(
    [
        ("year", pa.int32()),
        ("rank", pa.int32()),
        ("proposal_id", pa.string()),
        ("name_en", pa.string()),
        ("name_zh", pa.string()),
        ("mode", pa.string()),
        ("service_class", pa.string()),
        ("from_site", pa.string()),
        ("to_site", pa.string()),
        ("departures_per_week", pa.float64()),
        ("status", pa.string()),
        ("proof", pa.string()),
        ("verified", pa.bool_()),
        ("plan_id", pa.string()),
        ("reason_en", pa.string()),
        ("reason_zh", pa.string()),
        ("delta", pa.float64()),
        ("delta_low", pa.float64()),
        ("delta_high", pa.float64()),
        ("at_most", pa.float64()),
        ("money_saved_cny", pa.float64()),
        ("capital_saved_cny", pa.float64()),
        ("time_saved_cny", pa.float64()),
        ("customer_hours_saved", pa.float64()),
        ("co2_saved_t", pa.float64()),
        ("local_share_more", pa.float64()),
        ("newly_served_t", pa.float64()),
        ("out_t", pa.float64()),
        ("back_t", pa.float64()),
        ("load_factor_out", pa.float64()),
        ("load_factor_back", pa.float64()),
        ("parcels", pa.float64()),
        ("teu", pa.float64()),
        ("shipper_cny", pa.float64()),
        ("operator_cny", pa.float64()),
        ("public_cny", pa.float64()),
        ("net_benefit_cny", pa.float64()),
        ("net_low_cny", pa.float64()),
        ("net_high_cny", pa.float64()),
        ("fares_cny", pa.float64()),
        ("background_cny", pa.float64()),
        ("subsidy_cny", pa.float64()),
        ("departures_cny", pa.float64()),
        ("fixed_cny", pa.float64()),
        ("capital_cny", pa.float64()),
        ("benefit_cost", pa.float64()),
        ("break_even_load_factor", pa.float64()),
        ("break_even_subsidy_cny", pa.float64()),
        ("payback_years", pa.float64()),
        *((f"net_benefit_{year}_rates_cny", pa.float64()) for year in RATE_COLUMNS),
        ("probability_of_benefit", pa.float64()),
        ("diverted_from", pa.string()),
        ("diverted_gateways", pa.string()),
        ("source", pa.string()),
        ("confidence", pa.string()),
    ]
)
"""One row a proposal and year, at its best level. Status ``worth``, ``no_effect``, ``behind`` (proven worse
than the top, not solved), ``not_open`` (opens later), ``rejected``, ``failed``. `delta`: fall of the
objective, between `delta_low` and `delta_high`; `at_most`: bound from the base's duals alone, on `delta`, or
for those behind on the measure ranked by. Gains are positive. `verified`: the plan, its bound and the base's
were checked by code that did not make them. Load factors count other cargo. `diverted_from`: services that
lose most, with tonnes."""
LEVELS = pa.schema(
    [
        ("year", pa.int32()),
        ("proposal_id", pa.string()),
        ("departures_per_week", pa.float64()),
        ("status", pa.string()),
        ("proof", pa.string()),
        ("delta", pa.float64()),
        ("at_most", pa.float64()),
        ("net_benefit_cny", pa.float64()),
        ("tonnes", pa.float64()),
        ("reason", pa.string()),
    ]
)
"""One row a proposal, level and year."""
DIVERSIONS = pa.schema(
    [
        ("year", pa.int32()),
        ("proposal_id", pa.string()),
        ("kind", pa.string()),
        ("id", pa.string()),
        ("before_t", pa.float64()),
        ("after_t", pa.float64()),
        ("difference_t", pa.float64()),
    ]
)
"""Services and gateways whose tonnes change most with a proposal; those that lose most first."""
TORNADO = pa.schema(
    [
        ("year", pa.int32()),
        ("proposal_id", pa.string()),
        ("input", pa.string()),
        ("low", pa.float64()),
        ("used", pa.float64()),
        ("high", pa.float64()),
        ("net_low_cny", pa.float64()),
        ("net_used_cny", pa.float64()),
        ("net_high_cny", pa.float64()),
        ("switching_value", pa.float64()),
    ]
)
"""Net benefit at the ends of each estimated input, the widest swing first; the input is a factor on its value
in use, or CNY for the cost of a departure. `switching_value`: where the net benefit is 0, blank where that is
not between the ends."""


STANDING = {"worth": 0, "no_effect": 0, "behind": 1, "failed": 2}
"""Statuses of ranked rows in their order."""


@dataclass(frozen=True)
class Judged:
    """An evaluated proposal at its best level, with what was found about it.

    Parameters
    ----------
    levels
        Every level.
    plan_id
        Its plan among those of the study; empty: none is kept.
    """

    best: Evaluated
    levels: tuple[Evaluated, ...]
    verified: bool = False
    plan_id: str = ""
    swings: tuple[Swing, ...] = ()
    nets: Mapping[int, float] = field(default_factory=dict)
    probability: float | None = None


def ranked(judged: Sequence[Judged], measure: Measure) -> list[Judged]:
    """Best first: those solved by the measure, then those behind by their bound, then the rest by id."""

    def place(one: Judged) -> tuple[float, float, float, str]:
        solved = one.best.value(measure)
        return (
            STANDING[one.best.status],
            -solved if one.best.worth is not None else 0.0,
            -one.best.most,
            one.best.option.id,
        )

    return sorted(judged, key=place)


def tables_of_routes(
    evaluator: OptionEvaluator,
    judged: Sequence[Judged],
    closed: Sequence[Proposal],
    rejected: Sequence[Rejected],
) -> dict[str, pa.Table]:
    """Tables of a year.

    Parameters
    ----------
    judged
        Best first.
    closed, rejected
        Proposals that open later, and those that cannot be evaluated.
    """
    year = evaluator.question.year
    rows = [_row(evaluator, rank, one) for rank, one in enumerate(judged, 1)]
    rows += [_idle_row(year, p, "not_open", str(p.opening_year)) for p in closed]
    rows += [_rejected_row(year, turned_down) for turned_down in rejected]
    levels = [_level_row(evaluator, level) for one in judged for level in one.levels]
    moves = [row for one in judged for row in _diversions(evaluator, one.best)]
    swings = [_swing_row(year, one.best.option.proposal.id, swing) for one in judged for swing in one.swings]
    return {
        "proposals": table_of(rows, PROPOSALS),
        "proposal_levels": table_of(levels, LEVELS),
        "diversions": table_of(moves, DIVERSIONS),
        "tornado": table_of(swings, TORNADO),
    }


def _named(year: int, proposal: Proposal) -> dict[str, Any]:
    first = proposal.services[0]
    return dict.fromkeys(PROPOSALS.names) | {
        "year": year,
        "proposal_id": proposal.id,
        "name_en": proposal.name_en,
        "name_zh": proposal.name_zh,
        "mode": proposal.mode,
        "service_class": str(first.row.get("service_class", "")),
        "from_site": str(first.stops[0]["site_id"]),
        "to_site": str(first.stops[-1]["site_id"]),
        "verified": False,
        "plan_id": "",
        "source": proposal.source,
        "confidence": proposal.confidence,
    }


def _idle_row(year: int, proposal: Proposal, status: str, reason: str) -> tuple[Any, ...]:
    cells = {"status": status, "reason_en": reason, "reason_zh": reason}
    return tuple((_named(year, proposal) | cells).values())


def _rejected_row(year: int, turned_down: Rejected) -> tuple[Any, ...]:
    cells = dict.fromkeys(PROPOSALS.names) | {
        "year": year,
        "proposal_id": turned_down.id,
        "status": "rejected",
        "verified": False,
        "plan_id": "",
        "source": str(turned_down.where),
    }
    for lang in ("en", "zh"):
        cells[f"reason_{lang}"] = " ".join(sentence(problem, lang) for problem in turned_down.problems)
    return tuple(cells.values())


def _row(evaluator: OptionEvaluator, rank: int, one: Judged) -> tuple[Any, ...]:
    best, option = one.best, one.best.option
    cells = _named(evaluator.question.year, option.proposal) | {
        "rank": rank,
        "departures_per_week": option.departures_per_week,
        "status": best.status,
        "reason_en": best.reason,
        "reason_zh": best.reason,
        "at_most": best.most if best.most < float("inf") else None,
        "verified": one.verified,
        "plan_id": one.plan_id,
        "probability_of_benefit": one.probability,
    }
    cells |= {f"net_benefit_{year}_rates_cny": one.nets.get(year) for year in RATE_COLUMNS}
    if best.worth is not None and best.claims is not None:
        cells |= _changes(evaluator, best)
    return tuple(cells.values())


def _changes(evaluator: OptionEvaluator, best: Evaluated) -> dict[str, Any]:
    """What a solved option changes."""
    worth, after, accounts, sums = best.worth, best.claims, best.accounts, best.sums
    assert worth is not None
    assert after is not None
    assert accounts is not None
    assert sums is not None
    before, base = evaluator.base_claims, evaluator.base_sums
    option = best.option
    delta = evaluator.warm.value - worth.value
    factors = load_factors(option, sums)
    out, back = _out_and_back(option.service_ids)
    carried = sums.service_t()
    diverted = _largest(base.service_t(), carried, set(option.service_ids))
    gates = _largest(base.gateway_t, sums.gateway_t, set())
    return {
        "proof": worth.proof,
        "delta": delta,
        "delta_low": worth.low,
        "delta_high": worth.high,
        "money_saved_cny": before.money_cny - after.money_cny,
        "capital_saved_cny": before.capital_cny - after.capital_cny,
        "time_saved_cny": before.time_value_cny - after.time_value_cny,
        "customer_hours_saved": _mean_h(before) - _mean_h(after),
        "co2_saved_t": before.co2_t - after.co2_t,
        "local_share_more": sums.local_share - base.local_share,
        "newly_served_t": before.unserved_t - after.unserved_t,
        "out_t": sum(carried.get(name, 0.0) for name in out),
        "back_t": sum(carried.get(name, 0.0) for name in back),
        "load_factor_out": _mean([factors[name] for name in out]),
        "load_factor_back": _mean([factors[name] for name in back]) if back else None,
        "parcels": sum(sums.orders.get(name, 0.0) for name in option.service_ids),
        "teu": sum(sums.teu.get(name, 0.0) for name in option.service_ids),
        "shipper_cny": accounts.shipper_cny,
        "operator_cny": accounts.operator_cny,
        "public_cny": accounts.public_cny,
        "net_benefit_cny": accounts.net_cny,
        "net_low_cny": accounts.net_cny + worth.low - delta,
        "net_high_cny": accounts.net_cny + worth.high - delta,
        "fares_cny": accounts.fares_cny,
        "background_cny": accounts.background_cny,
        "subsidy_cny": accounts.subsidy_cny,
        "departures_cny": accounts.departures_cny,
        "fixed_cny": accounts.fixed_cny,
        "capital_cny": accounts.capital_cny,
        "benefit_cost": accounts.benefit_cost,
        "break_even_load_factor": break_even_load_factor(option, accounts, sums),
        "break_even_subsidy_cny": accounts.break_even_subsidy_cny,
        "payback_years": accounts.payback_years,
        "diverted_from": _listed([move for move in diverted if move[2] < 0]),
        "diverted_gateways": _listed([move for move in gates if move[2] < 0]),
    }


def _out_and_back(service_ids: Sequence[str]) -> tuple[list[str], list[str]]:
    back = [name for name in service_ids if name.endswith(".back")]
    return [name for name in service_ids if name not in back], back


def _mean_h(claims: Any) -> float:
    served = claims.demand_t - claims.unserved_t
    return float(claims.customer_t_h / served) if served > 0 else 0.0


def _mean(values: Sequence[float]) -> float:
    return sum(values) / len(values)


def _largest(
    before: Mapping[str, float], after: Mapping[str, float], own: set[str]
) -> list[tuple[str, float, float]]:
    """(name, tonnes before, change) of those that lose most, then of those that gain most."""
    moved = [
        (name, before.get(name, 0.0), after.get(name, 0.0) - before.get(name, 0.0))
        for name in sorted((before.keys() | after.keys()) - own)
    ]
    moved = [move for move in moved if abs(move[2]) > MOVED_T]
    losing = sorted((m for m in moved if m[2] < 0), key=lambda move: (move[2], move[0]))[:MOST_DIVERTED]
    gaining = sorted((m for m in moved if m[2] > 0), key=lambda move: (-move[2], move[0]))[:MOST_DIVERTED]
    return losing + gaining


def _listed(moves: Sequence[tuple[str, float, float]]) -> str:
    return "; ".join(f"{name} {change:,.0f} t" for name, _, change in moves)


def _level_row(evaluator: OptionEvaluator, level: Evaluated) -> tuple[Any, ...]:
    worth, sums = level.worth, level.sums
    carried = sums.service_t() if sums is not None else {}
    return (
        evaluator.question.year,
        level.option.proposal.id,
        level.option.departures_per_week,
        level.status,
        worth.proof if worth is not None else None,
        evaluator.warm.value - worth.value if worth is not None else None,
        level.most if level.most < float("inf") else None,
        level.accounts.net_cny if level.accounts is not None else None,
        sum(carried.get(name, 0.0) for name in level.option.service_ids) if sums is not None else None,
        level.reason,
    )


def _diversions(evaluator: OptionEvaluator, best: Evaluated) -> list[tuple[Any, ...]]:
    if best.sums is None or best.status != "worth":
        return []
    base: FlowSums = evaluator.base_sums
    rows = []
    for kind, before, after, own in (
        ("service", base.service_t(), best.sums.service_t(), set(best.option.service_ids)),
        ("gateway", base.gateway_t, best.sums.gateway_t, set[str]()),
    ):
        for name, was, change in _largest(before, after, own):
            year = evaluator.question.year
            rows.append((year, best.option.proposal.id, kind, name, was, was + change, change))
    return rows


def _swing_row(year: int, proposal_id: str, swing: Swing) -> tuple[Any, ...]:
    return (
        year,
        proposal_id,
        swing.input,
        swing.low,
        swing.used,
        swing.high,
        swing.net_low,
        swing.net_used,
        swing.net_high,
        swing.switching_value,
    )
