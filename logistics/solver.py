"""One thin layer over OR-Tools' MathOpt: linear programs from arrays, changed in place.

MathOpt's Python expressions are far slower than protos filled from arrays, so models are built as protos
and handed to the core solver. Its status bug (every failure raises ``AttributeError``) is turned
into :class:`~logistics.errors.SolverFailure` with the true text.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray
from ortools.math_opt import (
    callback_pb2,
    model_parameters_pb2,
    model_pb2,
    model_update_pb2,
    parameters_pb2,
    result_pb2,
    sparse_containers_pb2,
)
from ortools.math_opt.core.python import solver as core

from logistics.errors import SolverFailure

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Outcome = Literal["optimal", "imprecise", "infeasible", "unbounded", "limit"]

_REASONS: dict[int, Outcome] = {
    result_pb2.TERMINATION_REASON_OPTIMAL: "optimal",
    result_pb2.TERMINATION_REASON_INFEASIBLE: "infeasible",
    result_pb2.TERMINATION_REASON_UNBOUNDED: "unbounded",
    result_pb2.TERMINATION_REASON_INFEASIBLE_OR_UNBOUNDED: "infeasible",
    result_pb2.TERMINATION_REASON_IMPRECISE: "imprecise",
    result_pb2.TERMINATION_REASON_FEASIBLE: "limit",
    result_pb2.TERMINATION_REASON_NO_SOLUTION_FOUND: "limit",
}


OTHER_WAYS = (
    (parameters_pb2.LP_ALGORITHM_DUAL_SIMPLEX, parameters_pb2.EMPHASIS_MEDIUM),
    (parameters_pb2.LP_ALGORITHM_PRIMAL_SIMPLEX, parameters_pb2.EMPHASIS_OFF),
    (parameters_pb2.LP_ALGORITHM_PRIMAL_SIMPLEX, parameters_pb2.EMPHASIS_MEDIUM),
)
"""Tried in turn where coefficients are so far apart that GLOP misses its tolerances."""


@dataclass(frozen=True)
class LinearAnswer:
    """What a linear program's solve ended with.

    Parameters
    ----------
    outcome
        ``optimal``, ``imprecise`` (optimal, but tolerances are missed: what is made of it must be checked),
        ``infeasible``, ``unbounded`` or ``limit``.
    values
        Value of each column; empty unless optimal or imprecise.
    row_duals
        Dual of each row, the objective's change per unit of its bounds; empty unless optimal or imprecise.
    """

    outcome: Outcome
    objective: float
    values: Floats
    row_duals: Floats


class IncrementalProgram:
    """A minimisation for GLOP, built row by row and column by column from arrays; solves start warm.

    Columns and rows are numbered from 0 in the order they were added.
    """

    def __init__(self) -> None:
        self.num_columns = 0
        self.num_rows = 0
        self._update = model_update_pb2.ModelUpdateProto()
        self._entries: list[tuple[Ints, Ints, Floats]] = []
        self._costs: list[tuple[Ints, Floats]] = []
        model = model_pb2.ModelProto()
        self._solver = _called(
            core.new, parameters_pb2.SOLVER_TYPE_GLOP, model, parameters_pb2.SolverInitializerProto()
        )
        self._parameters = parameters_pb2.SolveParametersProto()
        self._parameters.presolve = parameters_pb2.EMPHASIS_OFF
        self._parameters.lp_algorithm = parameters_pb2.LP_ALGORITHM_DUAL_SIMPLEX

    def add_rows(self, lower: Floats, upper: Floats) -> Ints:
        """Add empty rows with these bounds; returns their numbers."""
        numbers = np.arange(self.num_rows, self.num_rows + len(lower))
        new = self._update.new_linear_constraints
        new.ids.extend(numbers.tolist())
        new.lower_bounds.extend(np.asarray(lower, float).tolist())
        new.upper_bounds.extend(np.asarray(upper, float).tolist())
        self.num_rows += len(numbers)
        return numbers

    def add_columns(self, cost: Floats, upper: Floats | None = None) -> Ints:
        """Add columns ≥ 0 with these costs; returns their numbers."""
        numbers = np.arange(self.num_columns, self.num_columns + len(cost))
        new = self._update.new_variables
        new.ids.extend(numbers.tolist())
        new.lower_bounds.extend([0.0] * len(numbers))
        new.upper_bounds.extend(
            [np.inf] * len(numbers) if upper is None else np.asarray(upper, float).tolist()
        )
        new.integers.extend([False] * len(numbers))
        self.num_columns += len(numbers)
        self.set_costs(numbers, cost)
        return numbers

    def set_entries(self, rows: Ints, columns: Ints, values: Floats) -> None:
        """Set entries of the matrix; each (row, column) at most once between two solves."""
        self._entries.append(
            (np.asarray(rows, np.int64), np.asarray(columns, np.int64), np.asarray(values, float))
        )

    def set_costs(self, columns: Ints, cost: Floats) -> None:
        """Change costs of existing columns; the last change before a solve counts."""
        self._costs.append((np.asarray(columns, np.int64), np.asarray(cost, float)))

    def solve(self, time_limit_s: float | None = None) -> LinearAnswer:
        """Solve from the last basis.

        Raises
        ------
        SolverFailure
            When the solver fails or returns something other than its outcomes.
        """
        self._send()
        if time_limit_s is not None:
            self._parameters.time_limit.FromMilliseconds(max(1, int(time_limit_s * 1000)))
        result = self._run(self._parameters)
        for algorithm, presolve in OTHER_WAYS:
            if result.termination.reason != result_pb2.TERMINATION_REASON_IMPRECISE:
                break
            other = parameters_pb2.SolveParametersProto()
            other.CopyFrom(self._parameters)
            other.lp_algorithm, other.presolve = algorithm, presolve
            result = self._run(other)
        outcome = _REASONS.get(result.termination.reason)
        if outcome is None:
            raise SolverFailure(f"GLOP ended with {result.termination.detail or result.termination.reason}")
        if outcome == "imprecise" and not result.solutions:
            raise SolverFailure(f"GLOP ended imprecise without a solution: {result.termination.detail}")
        if outcome not in ("optimal", "imprecise"):
            return LinearAnswer(outcome, np.nan, np.zeros(0), np.zeros(0))
        solution = result.solutions[0]
        values = _dense(solution.primal_solution.variable_values, self.num_columns)
        duals = _dense(solution.dual_solution.dual_values, self.num_rows)
        return LinearAnswer(outcome, solution.primal_solution.objective_value, values, duals)

    def _run(self, parameters: parameters_pb2.SolveParametersProto) -> Any:
        return _called(
            self._solver.solve,
            parameters,
            model_parameters_pb2.ModelSolveParametersProto(),
            None,
            callback_pb2.CallbackRegistrationProto(),
            None,
            None,
        )

    def _send(self) -> None:
        """Hand the collected changes to the solver."""
        if self._entries:
            rows = np.concatenate([entry[0] for entry in self._entries])
            columns = np.concatenate([entry[1] for entry in self._entries])
            values = np.concatenate([entry[2] for entry in self._entries])
            order = np.lexsort((columns, rows))
            matrix = self._update.linear_constraint_matrix_updates
            matrix.row_ids.extend(rows[order].tolist())
            matrix.column_ids.extend(columns[order].tolist())
            matrix.coefficients.extend(values[order].tolist())
        if self._costs:
            # The last change of a column counts: the first of the reversed order.
            columns = np.concatenate([columns for columns, _ in self._costs])[::-1]
            costs = np.concatenate([cost for _, cost in self._costs])[::-1]
            columns, last = np.unique(columns, return_index=True)
            changes = self._update.objective_updates.linear_coefficients
            changes.ids.extend(columns.tolist())
            changes.values.extend(costs[last].tolist())
        if not _called(self._solver.update, self._update):
            raise SolverFailure("GLOP refused an update in place")
        self._update = model_update_pb2.ModelUpdateProto()
        self._entries, self._costs = [], []


def _dense(vector: sparse_containers_pb2.SparseDoubleVectorProto, length: int) -> Floats:
    dense = np.zeros(length)
    dense[np.array(vector.ids, dtype=np.int64)] = np.array(vector.values, dtype=float)
    return dense


def _called(function: Any, *arguments: Any) -> Any:
    """Call into the core solver; its failures become :class:`SolverFailure` with the true text."""
    try:
        return function(*arguments)
    except AttributeError as error:
        raise SolverFailure(str(error.__context__ or error)) from error
    except (RuntimeError, ValueError) as error:
        raise SolverFailure(str(error)) from error
    except Exception as error:
        if type(error).__name__ == "StatusNotOk":
            raise SolverFailure(str(error)) from error
        raise
