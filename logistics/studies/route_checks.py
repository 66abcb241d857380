"""Checking what is said of routes by code that did not find it."""

from __future__ import annotations

from collections.abc import Sequence

from logistics.proposals.entering import RouteOption, opened
from logistics.studies.year_flow import YearOutcome, claim_of


def joint_bound_holds(base: YearOutcome, options: Sequence[RouteOption]) -> bool:
    """Whether the base's certificate holds for the network with all `options` open together.

    Then no one of them, nor any set, makes anything cheaper than the bound says.
    """
    from logistics.verification.check import Task, verify_task

    question = base.question
    if not options or base.plan is None:
        return True
    network = opened(question.network, options)
    task = Task(question.weights, question.unserved_cny_per_t, question.limits)
    claim = claim_of(base.claims, base.solved, question.gap, base.duals)
    verdict = verify_task(network, question.year, base.plan, task, claim)
    return verdict.plan_verified and verdict.bound_proof == "certificate"


def proven_idle(base: YearOutcome, options: Sequence[RouteOption]) -> set[str]:
    """Ids of those options that the base's certificate proves to change nothing.

    All are tried together; where that fails they are halved, since two may only be useful together.
    """
    if not options:
        return set()
    if joint_bound_holds(base, options):
        return {option.id for option in options}
    if len(options) == 1:
        return set()
    half = len(options) // 2
    return proven_idle(base, options[:half]) | proven_idle(base, options[half:])
