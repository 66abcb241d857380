"""A case: a scenario and the effective network of each of its years."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from logistics.errors import InputError, Problem, Where, stop_on_errors
from logistics.network.checks import check_tables
from logistics.network.folder import read_network
from logistics.network.network import Network
from logistics.scenario.changes import ChangeEntry, apply_changes
from logistics.scenario.plan_limits import limit_problems
from logistics.scenario.read import Scenario, named_network, read_scenario


@dataclass(frozen=True)
class Case:
    """What a study works on.

    Parameters
    ----------
    networks
        Effective network by year: values of the year, then the scenario's changes.
    log
        Changed values by year.
    warnings
        Findings that do not stop the run.
    """

    scenario: Scenario
    networks: Mapping[int, Network]
    log: Mapping[int, tuple[ChangeEntry, ...]]
    warnings: tuple[Problem, ...]


def build_case(scenario: Scenario, network: Network, warnings: tuple[Problem, ...] = ()) -> Case:
    """Apply years and changes.

    Raises
    ------
    InputError
        When a year has no values or a change cannot be applied.
    """
    problems: list[Problem] = list(warnings)
    networks: dict[int, Network] = {}
    log: dict[int, tuple[ChangeEntry, ...]] = {}
    for i, year in enumerate(scenario.years):
        if year not in network.info.years:
            allowed = ", ".join(map(str, network.info.years))
            document = scenario.document
            key = ("year",) if document and "year" in (document.data or {}) else ("years", i)
            problems.append(
                Problem("scenario.no_year", document.where(key) if document else Where(), str(year), allowed)
            )
            continue
        found: list[Problem] = []
        holding = [c for c in scenario.changes if c.change.years is None or year in c.change.years]
        networks[year], log[year] = apply_changes(network.at_year(year), holding, found)
        if log[year] and not found:
            found.extend(p for p in check_tables(networks[year]) if p.severity == "error")
        found.extend(limit_problems(networks[year], scenario.limits))
        problems.extend(problem for problem in found if problem not in problems)
    stop_on_errors(problems)
    return Case(scenario, networks, log, tuple(problems))


def read_case(path: Path, *, allow_outside: bool = False, variant: str | None = None) -> Case:
    """Read a scenario file, its network, and build the case.

    Raises
    ------
    InputError
        With every problem of scenario and network.
    """
    try:
        scenario = read_scenario(path, allow_outside=allow_outside, variant=variant)
    except InputError as error:
        # The network is checked all the same, so that people mend both in one go.
        raise InputError((*error.problems, *_network_problems(path, allow_outside))) from error
    network, warnings = read_network(scenario.network_folder)
    return build_case(scenario, network, tuple(warnings))


def _network_problems(path: Path, allow_outside: bool) -> tuple[Problem, ...]:
    """Problems of the network that a spoilt scenario names, as far as it names one."""
    folder = named_network(path, allow_outside=allow_outside)
    if folder is None:
        return ()
    try:
        read_network(folder)
    except InputError as error:
        return error.problems
    return ()
