"""Mixed-integer programs from arrays, for SCIP and HiGHS through OR-Tools' MathOpt.

Their bounds are theirs: nothing here checks them, so whoever reports one says that it is a solver's.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray
from ortools.math_opt import (
    callback_pb2,
    model_parameters_pb2,
    model_pb2,
    parameters_pb2,
    result_pb2,
)
from ortools.math_opt.core.python import solver as core

from logistics.errors import SolverFailure
from logistics.solver import called, dense_vector

Floats = NDArray[np.float64]
Ints = NDArray[np.integer[Any]]
Flags = NDArray[np.bool_]
SolverName = Literal["scip", "highs"]
MixedOutcome = Literal["optimal", "infeasible", "limit", "unbounded"]
Options = Mapping[str, bool | int | float | str]

_TYPES = {"scip": parameters_pb2.SOLVER_TYPE_GSCIP, "highs": parameters_pb2.SOLVER_TYPE_HIGHS}
_REASONS: dict[int, MixedOutcome] = {
    result_pb2.TERMINATION_REASON_OPTIMAL: "optimal",
    result_pb2.TERMINATION_REASON_IMPRECISE: "limit",
    result_pb2.TERMINATION_REASON_INFEASIBLE: "infeasible",
    result_pb2.TERMINATION_REASON_INFEASIBLE_OR_UNBOUNDED: "infeasible",
    result_pb2.TERMINATION_REASON_UNBOUNDED: "unbounded",
    result_pb2.TERMINATION_REASON_FEASIBLE: "limit",
    result_pb2.TERMINATION_REASON_NO_SOLUTION_FOUND: "limit",
}


@dataclass(frozen=True)
class MixedProgram:
    """min cost·x with lower ≤ x ≤ upper, row_lower ≤ A·x ≤ row_upper, some x whole.

    Parameters
    ----------
    cost, lower, upper, whole
        Of each column, shape (columns,).
    row, column, value
        Entries of A, each (row, column) at most once.
    row_lower, row_upper
        Bounds of each row, -inf or inf: none, shape (rows,).
    """

    cost: Floats
    lower: Floats
    upper: Floats
    whole: Flags
    row: Ints
    column: Ints
    value: Floats
    row_lower: Floats
    row_upper: Floats


@dataclass(frozen=True)
class MixedStop:
    """When a solve ends.

    Parameters
    ----------
    gap
        Relative gap.
    time_limit_s
        Wall-clock limit.
    cutoff
        Plans that do not cost less are of no interest; inf: all are. SCIP only.
    most_nodes
        Limit of nodes; None: none.
    """

    gap: float = 1e-6
    time_limit_s: float = float("inf")
    cutoff: float = float("inf")
    most_nodes: int | None = None


@dataclass(frozen=True)
class MixedAnswer:
    """What a solve ended with.

    Parameters
    ----------
    outcome
        ``optimal`` to the gap, ``infeasible`` (also: nothing below the cutoff), ``unbounded`` or ``limit``.
    value
        Of the best point, inf: none.
    bound
        What the solver says no point can beat, -inf: nothing; the cutoff where nothing is below it.
    values
        The best point; empty: none.
    """

    outcome: MixedOutcome
    value: float
    bound: float
    values: Floats


@dataclass(frozen=True)
class MixedStart:
    """Where to begin: values of some columns, for others the solver fills in."""

    columns: Ints = field(default_factory=lambda: np.zeros(0, np.int64))
    values: Floats = field(default_factory=lambda: np.zeros(0))


def solve_mixed(
    program: MixedProgram,
    solver: SolverName,
    stop: MixedStop,
    starts: tuple[MixedStart, ...] = (),
    options: Options | None = None,
) -> MixedAnswer:
    """Minimise a program on one thread.

    Parameters
    ----------
    starts
        Points to try first.
    options
        Parameters of the solver by its own names, whose type chooses the kind.

    Raises
    ------
    SolverFailure
        When the solver fails.
    """
    proto = _model(program)
    native = called(core.new, _TYPES[solver], proto, parameters_pb2.SolverInitializerProto())
    parameters = _parameters(solver, stop, options or {})
    model = model_parameters_pb2.ModelSolveParametersProto()
    for start in starts:
        hint = model.solution_hints.add()
        order = np.argsort(start.columns)
        hint.variable_values.ids.extend(np.asarray(start.columns)[order].tolist())
        hint.variable_values.values.extend(np.asarray(start.values, float)[order].tolist())
    events = callback_pb2.CallbackRegistrationProto()
    result = called(native.solve, parameters, model, None, events, None, None)
    outcome = _REASONS.get(result.termination.reason)
    if outcome is None:
        raise SolverFailure(f"{solver} ended with {result.termination.detail or result.termination.reason}")
    bound = float(result.termination.objective_bounds.dual_bound)
    if not result.solutions:
        if result.termination.limit == result_pb2.LIMIT_CUTOFF:
            outcome, bound = "infeasible", stop.cutoff
        return MixedAnswer(outcome, np.inf, bound, np.zeros(0))
    primal = result.solutions[0].primal_solution
    values = dense_vector(primal.variable_values, len(program.cost))
    return MixedAnswer(outcome, float(primal.objective_value), bound, values)


def _model(program: MixedProgram) -> model_pb2.ModelProto:
    """Fill a proto from the arrays, which is far faster than MathOpt's expressions."""
    proto = model_pb2.ModelProto()
    columns, rows = len(program.cost), len(program.row_lower)
    variables = proto.variables
    variables.ids.extend(range(columns))
    variables.lower_bounds.extend(np.asarray(program.lower, float).tolist())
    variables.upper_bounds.extend(np.asarray(program.upper, float).tolist())
    variables.integers.extend(np.asarray(program.whole, bool).tolist())
    coefficients = proto.objective.linear_coefficients
    costly = np.flatnonzero(program.cost)
    coefficients.ids.extend(costly.tolist())
    coefficients.values.extend(np.asarray(program.cost, float)[costly].tolist())
    proto.linear_constraints.ids.extend(range(rows))
    proto.linear_constraints.lower_bounds.extend(np.asarray(program.row_lower, float).tolist())
    proto.linear_constraints.upper_bounds.extend(np.asarray(program.row_upper, float).tolist())
    order = np.lexsort((program.column, program.row))
    proto.linear_constraint_matrix.row_ids.extend(np.asarray(program.row)[order].tolist())
    proto.linear_constraint_matrix.column_ids.extend(np.asarray(program.column)[order].tolist())
    proto.linear_constraint_matrix.coefficients.extend(np.asarray(program.value, float)[order].tolist())
    return proto


def _parameters(solver: SolverName, stop: MixedStop, options: Options) -> parameters_pb2.SolveParametersProto:
    parameters = parameters_pb2.SolveParametersProto()
    parameters.relative_gap_tolerance = stop.gap
    if np.isfinite(stop.time_limit_s):
        parameters.time_limit.FromTimedelta(timedelta(seconds=max(0.01, stop.time_limit_s)))
    if stop.most_nodes is not None:
        parameters.node_limit = stop.most_nodes
    if solver == "scip":
        parameters.threads = 1
        if np.isfinite(stop.cutoff):
            parameters.cutoff_limit = stop.cutoff
        kinds: dict[type, Any] = {
            bool: parameters.gscip.bool_params,
            int: parameters.gscip.int_params,
            float: parameters.gscip.real_params,
            str: parameters.gscip.string_params,
        }
    else:
        parameters.highs.int_options["threads"] = 1
        kinds = {
            bool: parameters.highs.bool_options,
            int: parameters.highs.int_options,
            float: parameters.highs.double_options,
            str: parameters.highs.string_options,
        }
    for name, value in options.items():
        kinds[type(value)][name] = value
    return parameters
