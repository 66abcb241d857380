"""What every study kind provides, and what every study returns."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, Protocol, runtime_checkable

import pyarrow as pa
from pydantic import BaseModel

from logistics.errors import Problem
from logistics.plan import Plan
from logistics.scenario.case import Case
from logistics.verification.verdict import BoundProof

Status = Literal["optimal", "limit", "infeasible", "no_plan"]
Report = Callable[[str, Mapping[str, object]], None]
"""Called with a message key of :mod:`logistics.words` and its values while a study runs."""


@dataclass(frozen=True)
class PlanRecord:
    """One of several plans of a study, of one year.

    Parameters
    ----------
    figures
        What is said of it and what it is judged by, see :meth:`YearOutcome.record`.
    plan, duals
        The plan and its certificates.
    """

    figures: Mapping[str, Any]
    plan: Plan | None
    duals: pa.Table


@dataclass(frozen=True)
class StudyResult:
    """Answer of a study.

    Parameters
    ----------
    status
        ``optimal``: solved to the gap; ``limit``: stopped by a limit with a plan; ``no_plan``: without one;
        ``infeasible``.
    objective, bound, gap
        Of the whole study; None where there is none.
    plan_verified
        Whether every plan passed the independent check.
    bound_proof
        ``certificate``, ``solver`` or ``none``.
    totals
        Sums over the years, see the results schema.
    years
        The same by year.
    plan
        Plans of all years, None without a plan.
    duals
        Certificates, see :data:`logistics.verification.certificates.DUALS`.
    tables
        Further tables by name.
    problems
        Violations found by the check, and warnings.
    seconds
        Time by phase.
    plans
        Further plans by id, each checked.
    """

    kind: str
    status: Status
    objective: float | None
    bound: float | None
    gap: float | None
    plan_verified: bool
    bound_proof: BoundProof
    totals: Mapping[str, float | None]
    years: Mapping[int, Mapping[str, Any]]
    plan: Plan | None
    duals: pa.Table
    tables: Mapping[str, pa.Table]
    problems: tuple[Problem, ...] = ()
    seconds: Mapping[str, float] = field(default_factory=dict)
    plans: Mapping[str, PlanRecord] = field(default_factory=dict)

    @property
    def verified(self) -> bool:
        """Whether the plan is verified and its bound is not contradicted."""
        return self.plan_verified


class Study(Protocol):
    """A kind of study, split so that its pieces can run anywhere.

    A study that needs more than its settings say has a method ``prepare(case, settings)``, which returns the
    case to work on and what the other methods get as `spec`. One that can find problems on the network has
    ``problems(case, spec)``. One whose pieces start from the same answers is a :class:`BasedStudy`.
    """

    kind: str
    spec: type[BaseModel]

    def pieces(self, case: Case, spec: Any) -> Sequence[Any]:
        """Independent parts of the work, small and picklable."""

    def run_piece(self, case: Case, spec: Any, piece: Any, report: Report) -> Any:
        """Do one part."""

    def merge(self, case: Case, spec: Any, results: Sequence[Any]) -> StudyResult:
        """Put the parts together."""


@runtime_checkable
class BasedStudy(Study, Protocol):
    """A study some of whose pieces start from the same answers: bases, found once for all of them."""

    def bases(self, case: Case, spec: Any) -> Sequence[Any]:
        """What to find before the pieces, each on its own; small, picklable and hashable."""

    def run_base(self, case: Case, spec: Any, base: Any, report: Report) -> Any:
        """Find one base: an answer that is frozen and picklable, its arrays too."""

    def with_bases(self, spec: Any, answers: Mapping[Any, Any]) -> Any:
        """Settings for the pieces and the merge; an answer is read when one of them asks for it."""
