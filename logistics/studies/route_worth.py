"""What each route option of a year is worth: evaluated one by one, the most promising first."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np

from logistics.errors import SolverFailure
from logistics.models.flow.decode import NEGLIGIBLE_T, Claims, claimed_totals, generalised_by_commodity
from logistics.models.routes.evaluate import WarmBase
from logistics.models.routes.worth import UnionFlow, Worth
from logistics.proposals.entering import RouteOption, opened
from logistics.studies.route_accounts import Accounts, accounts_of
from logistics.studies.route_flows import FlowReader, FlowSums
from logistics.studies.route_union import compiled_union
from logistics.studies.year_flow import Question
from logistics.virtual_network.instance import Floats

if TYPE_CHECKING:
    from logistics.models.flow.column_generation import Progress
    from logistics.models.flow.pricing import PathPricer
    from logistics.models.routes.base import SolvedBase

Measure = Literal["net_benefit", "objective"]
Tell = Callable[[int, RouteOption], None]
log = logging.getLogger(__name__)
NO_EFFECT = 1e-8
"""Share of the base's objective below which a change of it counts as none."""


@dataclass(frozen=True)
class Evaluated:
    """What came of one option.

    Parameters
    ----------
    status
        ``worth``: solved, and the objective changes; ``no_effect``: proven that it does not; ``behind``:
        proven worse than the best, so not solved; ``failed``: see `reason`.
    worth, claims, sums, accounts
        The exact answer, its totals and sums, and the accounts; None where it was not solved.
    most
        No more than this by the measure, proven by the base's duals; inf: not bounded.
    """

    option: RouteOption
    status: Literal["worth", "no_effect", "behind", "failed"]
    worth: Worth | None = None
    claims: Claims | None = None
    sums: FlowSums | None = None
    accounts: Accounts | None = None
    most: float = float("inf")
    reason: str = ""

    def value(self, measure: Measure) -> float:
        """What it is ranked by, larger is better; -inf where it was not solved."""
        if self.worth is None or self.accounts is None:
            return -np.inf
        return self.accounts.net_cny if measure == "net_benefit" else self.worth.high


class OptionEvaluator:
    """Evaluates the options of one year on a solved base.

    Parameters
    ----------
    question
        The year; its network has the options entered, none open.
    options
        What is evaluated.
    discount_rate
        For annuities of investments.
    time_limit_s
        For the base.
    report
        Called after each round of the base's solve.
    start
        An evaluator of the same year, whose base's paths help to solve this one.
    known
        The base where it is solved already.

    Raises
    ------
    BaseUnsolved
        When the base has no plan.
    """

    def __init__(
        self,
        question: Question,
        options: Sequence[RouteOption],
        discount_rate: float,
        report: Callable[[Progress], None] | None = None,
        start: OptionEvaluator | None = None,
        known: SolvedBase | None = None,
    ) -> None:
        from logistics.models.flow.carried import carried_paths

        self.question, self.options, self._rate = question, tuple(options), discount_rate
        union = compiled_union(question, options)
        paths = []
        if start is not None:
            old = start.warm.base.instance
            paths = carried_paths(old, start.warm.used_paths, union.restricted(()).instance)
        self.warm: WarmBase = WarmBase(union, question.time_limit_s, report, paths, known)
        self.network = opened(question.network, options)
        self.reader = FlowReader(self.network, union.instance)
        self.base_sums: FlowSums = self.reader.sums(self.warm.flow)
        self.base_claims: Claims = claimed_totals(union.instance, self.warm.flow)
        self._without_fares: PathPricer | None = None

    @property
    def smallest(self) -> float:
        """Smallest change of the objective that counts."""
        return NO_EFFECT * max(1.0, abs(self.warm.value))

    def most(self, number: int, measure: Measure) -> float:
        """Upper bound on an option by the measure, from the base's duals."""
        if self.warm.may_serve_more(number):
            return np.inf
        if measure == "objective":
            return self.warm.at_most(number) + self.warm.slack
        if self._without_fares is None:
            owners = self.warm.union.arc_part
            fares: list[Floats] = [
                np.where((owner >= 0)[:, None], self.reader.fare_less_subsidy(place), 0.0)
                for place, owner in enumerate(owners)
            ]
            self._without_fares = self.warm.pricer_without(fares)
        saved = self.warm.at_most(number, self._without_fares) + self.warm.slack
        option = self.options[number]
        idle = accounts_of(option, self.question.year, self._rate, 0.0, self.base_sums, self.base_sums)
        # Fares, subsidies per tonne and departures cancel between the accounts, so only these are left. What
        # other services' subsidies fall by is not in the objective; it is at most all that they get.
        return saved + idle.background_cny - idle.cost_cny + sum(self.base_sums.subsidies_cny.values())

    def evaluated(self, number: int) -> Evaluated:
        """Solve one option exactly; what fails is that option's result."""
        option = self.options[number]
        try:
            worth = self.warm.worth(number)
        except SolverFailure as error:
            log.warning("%s: %s", option.id, error)
            self._recover()
            return Evaluated(option, "failed", reason=str(error)[:200])
        union = self.warm.union.instance
        screened = worth.proof == "screened"
        claims = self.base_claims if screened else claimed_totals(union, worth.flow)
        sums = self.base_sums if screened else self.reader.sums(worth.flow)
        gained = _generalised(self.base_claims) - _generalised(claims)
        if not screened:
            gained += self._worth_of_service(worth.flow)
        accounts = accounts_of(option, self.question.year, self._rate, gained, self.base_sums, sums)
        served = self.base_claims.unserved_t - claims.unserved_t > NEGLIGIBLE_T
        changes = served or self.warm.value - worth.value > self.smallest
        status: Literal["worth", "no_effect"] = "worth" if changes else "no_effect"
        return Evaluated(option, status, worth, claims, sums, accounts, worth.most)

    def _worth_of_service(self, flow: UnionFlow) -> float:
        """What it is worth to shippers that other demand is left than in the base, CNY.

        At its price where unserved demand has one. Else nobody says what service is worth: those newly served
        are taken to gain what they pay, so that they neither gain nor lose.
        """
        more = self.warm.flow.unserved_t - flow.unserved_t
        instance = self.warm.union.instance
        price = instance.unserved_cny_per_t
        if price is not None:
            return float(np.sum(price * more))
        if float(np.abs(more).max(initial=0.0)) <= NEGLIGIBLE_T:
            return 0.0
        worth = 0.0
        for plan, tonnes in ((flow, np.maximum(more, 0.0)), (self.warm.flow, np.maximum(-more, 0.0))):
            served = instance.commodities.demand_t - plan.unserved_t
            share = np.divide(tonnes, served, out=np.zeros(len(served)), where=served > NEGLIGIBLE_T)
            paid = float(generalised_by_commodity(instance, plan) @ share)
            worth += paid if plan is flow else -paid
        return worth

    def _recover(self) -> None:
        """Start afresh after the solver failed in the middle of a trial."""
        self.warm = WarmBase(self.warm.union, self.question.time_limit_s, None, self.warm.used_paths)


def _generalised(claims: Claims) -> float:
    return claims.money_cny + claims.capital_cny + claims.time_value_cny


def evaluated_options(
    evaluator: OptionEvaluator, measure: Measure, top: int | None, tell: Tell
) -> list[Evaluated]:
    """Evaluate all options, or until the `top` proposals are found and the rest is proven worse.

    Returns
    -------
    list of Evaluated
        One an option, in their order.
    """
    count = len(evaluator.options)
    if top is None:
        found = []
        for number in range(count):
            tell(number + 1, evaluator.options[number])
            found.append(evaluator.evaluated(number))
        return found
    most = np.array([evaluator.most(number, measure) for number in range(count)])
    results: dict[int, Evaluated] = {}
    best: dict[str, float] = {}
    for place, number in enumerate(np.argsort(-most, kind="stable").tolist()):
        standing = sorted(best.values(), reverse=True)
        if len(standing) >= top and most[number] <= standing[top - 1]:
            results[number] = Evaluated(evaluator.options[number], "behind", most=float(most[number]))
            continue
        tell(place + 1, evaluator.options[number])
        result = evaluator.evaluated(number)
        results[number] = result
        name = result.option.proposal.id
        best[name] = max(best.get(name, -np.inf), result.value(measure))
    return [results[number] for number in range(count)]
