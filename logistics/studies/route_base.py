"""The plan of a year without proposals, from which several pieces of a study start."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from logistics.models.flow.decode import claimed_totals, decoded_plan
from logistics.models.flow.solved import SolvedFlow
from logistics.models.routes.evaluate import BaseUnsolved, WarmBase
from logistics.studies.assignment import YearTables
from logistics.studies.flow_tables import tables_of_flow
from logistics.studies.route_union import compiled_union
from logistics.studies.year_flow import Laps, Question, YearOutcome, checked_year, dual_table
from logistics.virtual_network.instance import Instance

if TYPE_CHECKING:
    from logistics.models.flow.column_generation import Progress
    from logistics.models.routes.base import SolvedBase


@dataclass(frozen=True)
class RouteBase:
    """A year without proposals.

    Parameters
    ----------
    tables
        Its checked outcome and its tables.
    known
        What pieces start from; None where it is not solved well enough.
    """

    tables: YearTables
    known: SolvedBase | None = None


def solved_base(question: Question, report: Callable[[Progress], None]) -> RouteBase:
    """Solve, check and tabulate a year whose network has the proposals entered, none open."""
    laps = Laps()
    union = compiled_union(question, ())
    laps.lap("compile")
    try:
        warm = WarmBase(union, question.time_limit_s, report)
    except BaseUnsolved as error:
        return RouteBase(checked_tables(question, error.instance, error.solved, laps))
    laps.lap("solve")
    base = checked_tables(question, warm.base.instance, warm.solved_base(), laps)
    return RouteBase(base, warm.known())


def checked_tables(question: Question, instance: Instance, solved: SolvedFlow, laps: Laps) -> YearTables:
    """Check and tabulate the solved base of a year."""
    outcome = checked_year(question, instance, solved, laps)
    tables = tables_of_flow(question, outcome, {})
    laps.lap("tabulate")
    return YearTables(replace(outcome, seconds=dict(laps.seconds)), tables)


def as_solved_here(base: YearOutcome, instance: Instance, solved: SolvedFlow) -> YearOutcome:
    """The base as a piece has solved it: as good, but perhaps another plan and other prices.

    What is proven with them is to be checked again.
    """
    return replace(
        base,
        solved=solved,
        claims=claimed_totals(instance, solved),
        plan=decoded_plan(instance, solved),
        duals=dual_table(instance, solved, base.year),
    )
