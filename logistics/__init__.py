"""Logistics network optimisation: scenario files in, proven and independently checked plans out.

The names below are the public interface; each is imported from its module when first used.

>>> import logistics
>>> case = logistics.read_case(Path("scenarios/baseline-2021.yaml"))  # doctest: +SKIP
>>> result = logistics.run_study(case)  # doctest: +SKIP
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING

from logistics import version

if TYPE_CHECKING:
    from logistics.errors import (
        InputError,
        LogisticsError,
        Problem,
        SolverFailure,
        VerificationFailed,
        Where,
    )
    from logistics.limits import PlanLimit
    from logistics.models.flow.column_generation import FlowModel, Progress, StopRule
    from logistics.models.flow.solved import SolvedFlow
    from logistics.network.folder import read_network
    from logistics.network.network import Network
    from logistics.notebooks import BatchResults, RunResults, open_results, run_batch, run_scenario
    from logistics.plan import Plan
    from logistics.results.judge import Judgement, judge_folder
    from logistics.results.read import SavedInputs, read_plan, read_result, read_tables
    from logistics.results.write import write_results
    from logistics.scenario.case import Case, build_case, read_case
    from logistics.scenario.read import Scenario, read_scenario
    from logistics.studies.register import run_study
    from logistics.studies.study import StudyResult
    from logistics.verification.check import Assertion, verify_year
    from logistics.verification.verdict import Verdict
    from logistics.virtual_network.build import build_instance
    from logistics.virtual_network.instance import Instance, Weights

_HOMES = {
    "logistics.errors": (
        "InputError",
        "LogisticsError",
        "Problem",
        "SolverFailure",
        "VerificationFailed",
        "Where",
    ),
    "logistics.limits": ("PlanLimit",),
    "logistics.models.flow.column_generation": ("FlowModel", "Progress", "StopRule"),
    "logistics.models.flow.solved": ("SolvedFlow",),
    "logistics.network.folder": ("read_network",),
    "logistics.network.network": ("Network",),
    "logistics.notebooks": ("BatchResults", "RunResults", "open_results", "run_batch", "run_scenario"),
    "logistics.plan": ("Plan",),
    "logistics.results.judge": ("Judgement", "judge_folder"),
    "logistics.results.read": ("SavedInputs", "read_plan", "read_result", "read_tables"),
    "logistics.results.write": ("write_results",),
    "logistics.scenario.case": ("Case", "build_case", "read_case"),
    "logistics.scenario.read": ("Scenario", "read_scenario"),
    "logistics.studies.register": ("run_study",),
    "logistics.studies.study": ("StudyResult",),
    "logistics.verification.check": ("Assertion", "verify_year"),
    "logistics.verification.verdict": ("Verdict",),
    "logistics.virtual_network.build": ("build_instance",),
    "logistics.virtual_network.instance": ("Instance", "Weights"),
}
_HOME = {name: module for module, names in _HOMES.items() for name in names}

__version__ = version.VERSION

__all__ = [
    "Assertion",
    "BatchResults",
    "Case",
    "FlowModel",
    "InputError",
    "Instance",
    "Judgement",
    "LogisticsError",
    "Network",
    "Plan",
    "PlanLimit",
    "Problem",
    "Progress",
    "RunResults",
    "SavedInputs",
    "Scenario",
    "SolvedFlow",
    "SolverFailure",
    "StopRule",
    "StudyResult",
    "Verdict",
    "VerificationFailed",
    "Weights",
    "Where",
    "__version__",
    "build_case",
    "build_instance",
    "judge_folder",
    "open_results",
    "read_case",
    "read_network",
    "read_plan",
    "read_result",
    "read_scenario",
    "read_tables",
    "run_batch",
    "run_scenario",
    "run_study",
    "verify_year",
    "write_results",
]


if not TYPE_CHECKING:

    def __getattr__(name: str) -> object:
        """Import a public name from its module when it is first asked for."""
        if name not in _HOME:
            raise AttributeError(f"module 'logistics' has no attribute {name!r}")
        value = getattr(importlib.import_module(_HOME[name]), name)
        globals()[name] = value
        return value


def __dir__() -> list[str]:
    """List the public names."""
    return sorted(__all__)
