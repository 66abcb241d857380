"""Proposals with one of their inputs changed: for tornados, switching values and sampled benefits."""

from __future__ import annotations

import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from logistics.network.network import Network
from logistics.proposals.entering import RouteOption, entered
from logistics.proposals.proposal import Proposal, ProposedService
from logistics.studies.route_worth import Evaluated, OptionEvaluator
from logistics.studies.year_flow import Question
from logistics.virtual_network.instance import Floats

COST = "cost_cny_per_departure"
"""The one input that the flow does not depend on."""


@dataclass(frozen=True)
class Swing:
    """Net benefit of an option over the range of one input.

    Parameters
    ----------
    input
        Name as in :attr:`Proposal.ranges`.
    low, used, high
        The input: a factor on the value in use, or CNY for the cost of a departure.
    net_low, net_used, net_high
        Net benefit there, CNY a year.
    """

    input: str
    low: float
    used: float
    high: float
    net_low: float
    net_used: float
    net_high: float

    @property
    def width_cny(self) -> float:
        """Difference that the input makes."""
        return abs(self.net_high - self.net_low)

    @property
    def switching_value(self) -> float | None:
        """Value nearest to that in use where the net benefit is 0, by straight lines; None: not in range."""
        found = []
        for (a, net_a), (b, net_b) in (
            ((self.low, self.net_low), (self.used, self.net_used)),
            ((self.used, self.net_used), (self.high, self.net_high)),
        ):
            if a != b and net_a != net_b and min(net_a, net_b) <= 0 <= max(net_a, net_b):
                found.append(a + (b - a) * net_a / (net_a - net_b))
        return min(found, key=lambda value: abs(value - self.used)) if found else None

    def change_at(self, values: Floats) -> Floats:
        """How far the net benefit differs from that in use, by straight lines, at values of the input."""
        points, nets = (self.low, self.used, self.high), (self.net_low, self.net_used, self.net_high)
        keep = np.unique(points, return_index=True)[1]
        nets_at = np.interp(values, np.array(points)[keep], np.array(nets)[keep])
        return np.asarray(nets_at - self.net_used)


def varied(proposal: Proposal, name: str, value: float) -> Proposal:
    """The proposal with one of its inputs at another value, under another id."""
    changed = replace(proposal, id=f"{proposal.id}.{name}.{value:g}")
    if name == COST:
        return replace(changed, cost_cny_per_departure=value)
    at_tariff = proposal.background_at_tariff
    return replace(
        changed, services=tuple(_varied_service(s, name, value, at_tariff) for s in proposal.services)
    )


def _varied_service(service: ProposedService, name: str, factor: float, at_tariff: bool) -> ProposedService:
    back = service.suffix == "back"
    row, stops, ways = dict(service.row), service.stops, service.ways
    if name == ("back_tariff" if back else "tariff"):
        for column in ("tariff_spot", "tariff_contract", "tariff_per_item"):
            if row.get(column) is not None:
                row[column] = float(row[column]) * factor
        if at_tariff:
            service = replace(service, background_cny_per_t=service.background_cny_per_t * factor)
    elif name == "payload_t":
        for column in ("payload_t", "payload_m3"):
            row[column] = float(row[column]) * factor
    elif name == "run_h":
        stops, ways = _slower(stops, factor), _slower(ways, factor)
    elif name == "background":
        return replace(service, background_t_per_departure=service.background_t_per_departure * factor)
    return replace(service, row=row, stops=stops, ways=ways)


def _slower(rows: Sequence[Mapping[str, Any]], factor: float) -> tuple[Mapping[str, Any], ...]:
    return tuple(
        {**row, "run_h": float(row["run_h"]) * factor} if row.get("run_h") is not None else row
        for row in rows
    )


def swings_of(
    question: Question, chosen: Sequence[Evaluated], discount_rate: float, start: OptionEvaluator
) -> dict[str, list[Swing]]:
    """Swings of evaluated options over the ranges of their inputs, the widest first, by option id.

    Parameters
    ----------
    question
        The year, without any option entered.
    start
        The evaluator they were evaluated with.
    """
    trials: dict[tuple[str, str, float], RouteOption] = {}
    for result in chosen:
        proposal = result.option.proposal
        for name, ends in proposal.ranges.items():
            for value in ends if name != COST else ():
                if value != 1.0:
                    option = RouteOption(varied(proposal, name, value), result.option.departures_per_week)
                    trials[result.option.id, name, value] = option
    options = tuple(trials.values())
    nets: dict[tuple[str, str, float], float] = {}
    if options:
        network: Network = entered(question.network, options, question.year)
        evaluator = OptionEvaluator(replace(question, network=network), options, discount_rate, None, start)
        for number, key in enumerate(trials):
            accounts = evaluator.evaluated(number).accounts
            nets[key] = accounts.net_cny if accounts is not None else np.nan
    return {result.option.id: _swings(result, nets) for result in chosen}


def _swings(result: Evaluated, nets: Mapping[tuple[str, str, float], float]) -> list[Swing]:
    proposal, accounts = result.option.proposal, result.accounts
    if accounts is None:
        return []
    used = accounts.net_cny
    found = []
    for name, (low, high) in proposal.ranges.items():
        if name == COST:
            per_departure = accounts.departures_cny / proposal.cost_cny_per_departure
            ends = [used + per_departure * (proposal.cost_cny_per_departure - value) for value in (low, high)]
            found.append(Swing(name, low, proposal.cost_cny_per_departure, high, ends[0], used, ends[1]))
            continue
        ends = [nets.get((result.option.id, name, value), used) for value in (low, high)]
        if not np.any(np.isnan(ends)):
            found.append(Swing(name, low, 1.0, high, ends[0], used, ends[1]))
    return sorted(found, key=lambda swing: (-swing.width_cny, swing.input))


def chance_of_benefit(result: Evaluated, swings: Sequence[Swing], samples: int, seed: int) -> float | None:
    """Probability of a positive net benefit when every input is drawn from its range; None without draws.

    Inputs are drawn independently from triangles over (low, used, high); what each changes alone adds up.
    The same seed and option give the same draws.
    """
    if result.accounts is None or not swings or samples == 0:
        return None
    random = np.random.default_rng([seed, zlib.crc32(result.option.id.encode())])
    net = np.full(samples, result.accounts.net_cny)
    for swing in sorted(swings, key=lambda one: one.input):
        low, high = min(swing.low, swing.used), max(swing.high, swing.used)
        if low < high:
            net += swing.change_at(random.triangular(low, swing.used, high, samples))
    return float(np.mean(net > 0))
