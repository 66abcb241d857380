"""Siting problems as other programs take them."""

from __future__ import annotations

from dataclasses import fields
from typing import Any

import numpy as np
from numpy.typing import NDArray

from logistics.integer_solver import MixedProgram
from logistics.models.siting.problem import SitingProblem
from logistics.models.siting.strong_form import StrongForm

Arrays = dict[str, NDArray[Any]]
MOST_PAIRS = 2_000_000
"""Sites times customers; a program of more does not fit into memory."""


def strong_program(problem: SitingProblem) -> MixedProgram:
    """The plain strong formulation; the problem's constant is left out."""
    return StrongForm.of(problem).program


def strong_arrays(problem: SitingProblem) -> Arrays | None:
    """What ``strong_mip.py`` reads; None: the program is too large, or leaves a constant out."""
    if problem.cost.size > MOST_PAIRS or problem.constant != 0.0:
        return None
    program = strong_program(problem)
    return {each.name: getattr(program, each.name) for each in fields(program)}


def median_arrays(problem: SitingProblem) -> Arrays | None:
    """What ``spopt_p_median.py`` reads; None: the problem is no p-median, or too large."""
    if problem.cost.size > MOST_PAIRS:
        return None
    plain = not problem.fixed_cost.any() and problem.side is None and not problem.is_capacitated
    if not plain or problem.most_open is None or problem.least_open != problem.most_open:
        return None
    return {"cost": problem.cost, "num_open": np.array(float(problem.most_open))}
