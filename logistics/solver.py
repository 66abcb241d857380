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
    solution_pb2,
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
class Basis:
    """Where a solve ended, to start another one from: status of each column and row by number."""

    columns: Ints
    column_status: Ints
    rows: Ints
    row_status: Ints

    def exchanged(self, columns: Ints, rows: Ints) -> Basis:
        """The basis with `columns` in it in place of the slacks of equality rows `rows`."""
        return Basis(
            np.concatenate([self.columns, columns]),
            np.concatenate([self.column_status, np.full(len(columns), solution_pb2.BASIS_STATUS_BASIC)]),
            np.concatenate([self.rows, rows]),
            np.concatenate([self.row_status, np.full(len(rows), solution_pb2.BASIS_STATUS_FIXED_VALUE)]),
        )


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

    Parameters
    ----------
    scaled
        Whether the solver scales rows and columns; needless where their entries are of one size already.
    """

    def __init__(self, *, scaled: bool = True) -> None:
        self.num_columns = 0
        self.num_rows = 0
        self._update = model_update_pb2.ModelUpdateProto()
        self._entries: list[tuple[Ints, Ints, Floats]] = []
        self._costs: list[tuple[Ints, Floats]] = []
        self._basis: Any = None
        self._solved = (0, 0)
        self._lives = [np.zeros(0, bool), np.zeros(0, bool)]
        model = model_pb2.ModelProto()
        self._solver = called(
            core.new, parameters_pb2.SOLVER_TYPE_GLOP, model, parameters_pb2.SolverInitializerProto()
        )
        self._parameters = parameters_pb2.SolveParametersProto()
        self._parameters.presolve = parameters_pb2.EMPHASIS_OFF
        if not scaled:
            self._parameters.scaling = parameters_pb2.EMPHASIS_OFF
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

    def set_column_bounds(self, columns: Ints, lower: Floats, upper: Floats) -> None:
        """Change bounds of existing columns; a column at most once between two solves."""
        if np.any(np.asarray(columns) >= len(self._lives[0])):
            self._send()
        order = np.argsort(columns)
        numbers = np.asarray(columns, np.int64)[order].tolist()
        changes = self._update.variable_updates
        for bounds, values in ((changes.lower_bounds, lower), (changes.upper_bounds, upper)):
            bounds.ids.extend(numbers)
            bounds.values.extend(np.asarray(values, float)[order].tolist())

    def set_row_upper(self, rows: Ints, upper: Floats) -> None:
        """Change upper bounds of rows."""
        order = np.argsort(rows)
        rows, upper = np.asarray(rows, np.int64)[order], np.asarray(upper, float)[order]
        sent = len(self._lives[1])
        known = rows < sent
        bounds = self._update.linear_constraint_updates.upper_bounds
        bounds.ids.extend(rows[known].tolist())
        bounds.values.extend(upper[known].tolist())
        for row, value in zip(rows[~known].tolist(), upper[~known].tolist(), strict=True):
            self._update.new_linear_constraints.upper_bounds[row - sent] = value

    def delete(self, columns: Ints, rows: Ints) -> None:
        """Take columns and rows out; their numbers are not used again. Changes made before count."""
        self._send()
        self._lives[0][columns] = False
        self._lives[1][rows] = False
        self._update.deleted_variable_ids.extend(np.sort(columns).tolist())
        self._update.deleted_linear_constraint_ids.extend(np.sort(rows).tolist())
        self._send()

    def basis(self) -> Basis:
        """The basis that the last solve ended with."""
        found = self._basis
        return Basis(
            np.array(found.variable_status.ids, dtype=np.int64),
            np.array(found.variable_status.values, dtype=np.int64),
            np.array(found.constraint_status.ids, dtype=np.int64),
            np.array(found.constraint_status.values, dtype=np.int64),
        )

    def solve(
        self,
        time_limit_s: float | None = None,
        start: Basis | None = None,
        *,
        again: bool = False,
        primal: bool = False,
    ) -> LinearAnswer:
        """Solve from the last basis, or from `start`.

        Columns that `start` does not know begin at 0, rows with their slack in the basis.

        Parameters
        ----------
        again
            Without a `start`, give the solver its last basis anew: it then forgets factors and norms, so that
            the answer does not depend on the solves before. Nothing may have been deleted since.
        primal
            Use the primal simplex, for a start that is feasible.

        Raises
        ------
        SolverFailure
            When the solver fails or returns something other than its outcomes.
        """
        self._send()
        if time_limit_s is not None:
            self._parameters.time_limit.FromMilliseconds(max(1, int(time_limit_s * 1000)))
        model = model_parameters_pb2.ModelSolveParametersProto()
        if start is not None:
            self._start_from(start, model.initial_basis)
        elif again:
            self._start_again(model.initial_basis)
        self._parameters.lp_algorithm = (
            parameters_pb2.LP_ALGORITHM_PRIMAL_SIMPLEX if primal else parameters_pb2.LP_ALGORITHM_DUAL_SIMPLEX
        )
        result = self._run(self._parameters, model)
        for algorithm, presolve in OTHER_WAYS:
            if result.termination.reason != result_pb2.TERMINATION_REASON_IMPRECISE:
                break
            other = parameters_pb2.SolveParametersProto()
            other.CopyFrom(self._parameters)
            other.lp_algorithm, other.presolve = algorithm, presolve
            result = self._run(other, model_parameters_pb2.ModelSolveParametersProto())
        outcome = _REASONS.get(result.termination.reason)
        if outcome is None:
            raise SolverFailure(f"GLOP ended with {result.termination.detail or result.termination.reason}")
        if outcome == "imprecise" and not result.solutions:
            raise SolverFailure(f"GLOP ended imprecise without a solution: {result.termination.detail}")
        if outcome not in ("optimal", "imprecise"):
            return LinearAnswer(outcome, np.nan, np.zeros(0), np.zeros(0))
        solution = result.solutions[0]
        self._basis, self._solved = solution.basis, (self.num_columns, self.num_rows)
        values = dense_vector(solution.primal_solution.variable_values, self.num_columns)
        duals = dense_vector(solution.dual_solution.dual_values, self.num_rows)
        return LinearAnswer(outcome, solution.primal_solution.objective_value, values, duals)

    def _start_from(self, start: Basis, basis: solution_pb2.BasisProto) -> None:
        """Fill in the status of every column and row that is there."""
        columns = np.full(self.num_columns, solution_pb2.BASIS_STATUS_AT_LOWER_BOUND)
        columns[start.columns] = start.column_status
        rows = np.full(self.num_rows, solution_pb2.BASIS_STATUS_BASIC)
        rows[start.rows] = start.row_status
        for status, lives, part in (
            (columns, self._lives[0], basis.variable_status),
            (rows, self._lives[1], basis.constraint_status),
        ):
            there = np.flatnonzero(lives)
            part.ids.extend(there.tolist())
            part.values.extend(status[there].tolist())

    def _start_again(self, basis: solution_pb2.BasisProto) -> None:
        """The last basis, with new columns at 0 and new rows' slacks in it."""
        basis.CopyFrom(self._basis)
        at_zero, slack = solution_pb2.BASIS_STATUS_AT_LOWER_BOUND, solution_pb2.BASIS_STATUS_BASIC
        for part, first, count, status in (
            (basis.variable_status, self._solved[0], self.num_columns, at_zero),
            (basis.constraint_status, self._solved[1], self.num_rows, slack),
        ):
            part.ids.extend(range(first, count))
            part.values.extend([status] * (count - first))

    def _run(
        self,
        parameters: parameters_pb2.SolveParametersProto,
        model: model_parameters_pb2.ModelSolveParametersProto,
    ) -> Any:
        return called(
            self._solver.solve,
            parameters,
            model,
            None,
            callback_pb2.CallbackRegistrationProto(),
            None,
            None,
        )

    def _send(self) -> None:
        """Hand the collected changes to the solver."""
        for place, count in enumerate((self.num_columns, self.num_rows)):
            new = np.ones(count - len(self._lives[place]), bool)
            self._lives[place] = np.concatenate([self._lives[place], new])
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
        if not called(self._solver.update, self._update):
            raise SolverFailure("GLOP refused an update in place")
        self._update = model_update_pb2.ModelUpdateProto()
        self._entries, self._costs = [], []


def dense_vector(vector: sparse_containers_pb2.SparseDoubleVectorProto, length: int) -> Floats:
    """Values by number, 0 where the solver names none."""
    dense = np.zeros(length)
    dense[np.array(vector.ids, dtype=np.int64)] = np.array(vector.values, dtype=float)
    return dense


def called(function: Any, *arguments: Any) -> Any:
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
