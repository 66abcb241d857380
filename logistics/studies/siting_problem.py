"""A siting study as a placement problem: its years compiled with all candidates, choices, costs and rules."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from logistics.models.placement.problem import PlacementPlan, PlacementProblem, Rules, Tied
from logistics.models.placement.sourcing import with_doors
from logistics.network.where import matching_rows
from logistics.studies.changed_tables import change_of
from logistics.studies.siting_candidates import (
    Candidate,
    calling_at,
    candidate_table,
    opening_changes,
    with_all_open,
)
from logistics.studies.siting_channels import Channel, most_stocked, split_changes
from logistics.studies.siting_spec import SitingSpec
from logistics.studies.siting_stock import planned_changes, pooled_network, pooled_throughput, pooling_of
from logistics.studies.year_flow import Question

Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]


@dataclass(frozen=True)
class SitedYears:
    """Years in which candidates may be opened.

    Parameters
    ----------
    questions
        What is asked of each year, with no candidate open.
    channels
        Cargo that may be sold directly or from stock.
    """

    spec: SitingSpec
    questions: tuple[Question, ...]
    candidates: tuple[Candidate, ...]
    problem: PlacementProblem
    channels: tuple[Channel, ...] = ()

    def open_now(self, year: int, taken: Flags) -> dict[str, float]:
        """Capacity of each candidate that is open in the year of that number, by id."""
        room = self.problem.room_t(year, taken)
        return {one.id: float(t) for one, t in zip(self.candidates, room, strict=True) if t > 0}

    def changes(self, year: int, plan: PlacementPlan) -> list[dict[str, Any]]:
        """Values of the tables that make a plan in a year.

        They open its choices, close what is not kept, and split what may be sold either way.
        """
        room, network = self.open_now(year, plan.taken), self.questions[year].network
        closed = [one.id for one in self.candidates if one.exists and one.id not in room]
        changes = opening_changes(network, self.candidates, room, closed)
        if self.channels:
            changes += split_changes(network, self.channels, self.problem.instances[year], plan.flows[year])
        changes += self._source_changes(year, plan)
        if self.problem.pooling is not None:
            instance, flow = self.problem.instances[year], plan.flows[year]
            changes += planned_changes(pooled_throughput(self.problem.pooling, instance, flow))
        return changes

    def _source_changes(self, year: int, plan: PlacementPlan) -> Iterator[dict[str, Any]]:
        """The one place that each market is served from."""
        sourcing = self.problem.sourcing
        if sourcing is None or plan.sources is None:
            return
        for market, place in zip(sourcing.markets, plan.sources[year].tolist(), strict=True):
            if place >= 0:
                yield change_of("sites", market, "stocked_from", sourcing.places[place])

    def annual_cny(self, year: int, taken: Flags) -> float:
        """Yearly cost of the candidates that are open in a year."""
        rate = self.spec.discount_rate
        return sum(
            (self.candidates[i].annual_cny(rate) for i in self.problem.open_in(year, taken).tolist()), 0.0
        )

    @property
    def base_taken(self) -> Flags:
        """The choices that leave all as it is: what exists stays, nothing is opened."""
        return np.array([self.candidates[i].exists for i in self.problem.candidate.tolist()], bool)

    def last_only(self) -> SitedYears:
        """The last year alone, with every candidate past its first year, and the money of all years."""
        last, count = self.questions[-1].year, len(self.questions)
        # Where a year's money is free, so is that of all.
        budgets = [
            budget.model_copy(
                update={"cny": {last: sum(budget.cny.values())} if len(budget.cny) == count else {}}
            )
            for budget in self.spec.budgets
            if len(budget.cny) == count or budget.total_cny is not None
        ]
        spec = self.spec.model_copy(update={"budgets": budgets})
        return sited_years(spec, self.questions[-1:], self.candidates, self.channels, steady=True)


def sited_years(
    spec: SitingSpec,
    questions: Sequence[Question],
    candidates: Sequence[Candidate],
    channels: Sequence[Channel] = (),
    *,
    steady: bool = False,
) -> SitedYears:
    """Compile the years and write down choices and rules.

    Parameters
    ----------
    channels
        Cargo that may be sold directly or from stock.
    steady
        Whether every candidate is past its first year, and holds all it can.
    """
    years = [question.year for question in questions]
    instances, either = [], {one.direct_id: one.stocked_id for one in channels}
    most: list[dict[str, float]] = []
    for question in questions:
        network = most_stocked(question.network, channels)
        network, through = pooled_network(with_all_open(network, candidates, question.year))
        instances.append(replace(question, network=network).compiled(either)[0])
        most.append(through)
    chosen, opens, cost, room, names = [], [], [], [], []
    for number, one in enumerate(candidates):
        annual = one.annual_cny(spec.discount_rate)
        firsts = [t for t, year in enumerate(years) if one.may_open(year)]
        if one.exists or spec.opening == "first_year":
            firsts = firsts[:1]
        for t in firsts:
            chosen.append(number)
            opens.append(t)
            cost.append(annual * (len(years) - t))
            room.append(
                [0.0 if s < t else one.capacity_t(first=s == t and not steady) for s in range(len(years))]
            )
            names.append(f"{one.id}.{years[t]}")
    candidate = np.array(chosen, np.int64)
    compiled, sourcing = with_doors(instances) if spec.single_source else (tuple(instances), None)
    problem = PlacementProblem(
        instances=compiled,
        candidates=tuple(one.id for one in candidates),
        places=tuple(one.place for one in candidates),
        candidate=candidate,
        opens=np.array(opens, np.int64),
        cost=np.array(cost, float),
        capacity_t=np.array(room, float).reshape(len(names), len(years)),
        names=tuple(names),
        rules=_rules(spec, questions[0], candidates, candidate, np.array(opens, np.int64), years),
        tied=_tied(questions[0], candidates),
        sourcing=sourcing,
        pooling=pooling_of(questions[0].network, most),
    )
    return SitedYears(spec, tuple(questions), tuple(candidates), problem, tuple(channels))


def _tied(question: Question, candidates: Sequence[Candidate]) -> tuple[Tied, ...]:
    """Legs of services that facilities bring, and that cargo may ride without a call at all of these.

    A service of one leg is boarded or left at the facility, whose own capacity is enough to close it.
    """
    network = question.network
    opening = {one.site_id for one in candidates if one.is_facility}
    is_open = {str(row["site_id"]) for row in network.rows("sites") if row["status"] == "existing"}
    found = []
    for service, sites in sorted(calling_at(network, opening, is_open | opening).items()):
        needs = tuple(("site", site) for site in sorted(opening & set(sites)))
        if len(sites) > 2:
            found += [Tied(("service", f"{service}#{seq}"), needs) for seq in range(2, len(sites) + 1)]
    return tuple(found)


def _rules(
    spec: SitingSpec,
    question: Question,
    candidates: Sequence[Candidate],
    candidate: NDArray[np.int64],
    opens: NDArray[np.int64],
    years: Sequence[int],
) -> Rules:
    """Counts and budgets as rows; of one option's opening years, or of one site's options, at most one."""
    places = {one: n for n, one in enumerate(dict.fromkeys(c.site_id for c in candidates))}
    # Existing ones stay beside what is new at their site.
    group = [
        len(candidates) + n if one.exists or not spec.one_per_site else places[one.site_id]
        for n, one in enumerate(candidates)
    ]
    rules = Rules(
        np.zeros((0, len(candidate))), np.zeros(0), np.zeros(0), (), np.array(group, np.int64)[candidate]
    )
    new = np.array([not one.exists for one in candidates], bool)[candidate]
    for number, count in enumerate(spec.counts):
        counted = new & _flags(question, candidates, count.where)[candidate]
        least = -np.inf if count.least is None else float(count.least)
        most = np.inf if count.most is None else float(count.most)
        rules = rules.with_row(f"counts.{number}", counted.astype(float), least, most)
    capex = np.array([one.number("capex_cny") for one in candidates])[candidate]
    for number, budget in enumerate(spec.budgets):
        counted = new & _flags(question, candidates, budget.where)[candidate]
        for year, cny in budget.cny.items():
            if year in years:
                spent = np.where(counted & (opens == years.index(year)), capex, 0.0) / 1e6
                rules = rules.with_row(f"budgets.{number}.{year}", spent, -np.inf, cny / 1e6)
        if budget.total_cny is not None:
            spent = np.where(counted, capex, 0.0) / 1e6
            rules = rules.with_row(f"budgets.{number}.total", spent, -np.inf, budget.total_cny / 1e6)
    number_of = {one.id: n for n, one in enumerate(candidates)}
    for one in candidates:
        # What is moved closes where it was; with its site closed it is not there anyhow.
        if one.moves_from in number_of:
            both = np.isin(candidate, [number_of[one.id], number_of[one.moves_from]]).astype(float)
            rules = rules.with_row(f"moves.{one.id}", both, -np.inf, 1.0)
    return rules


def _flags(question: Question, candidates: Sequence[Candidate], where: str | None) -> Flags:
    """Candidates that meet a condition."""
    table = candidate_table(question.network)
    ids = table["option_id"].to_pylist()
    named = {ids[i] for i in matching_rows(table, where).tolist()}
    return np.array([one.id in named for one in candidates], bool)


def open_ids(problem: PlacementProblem, taken: Flags) -> list[str]:
    """Option ids of some choices."""
    return sorted({problem.candidates[i] for i in problem.candidate[taken].tolist()})
