"""Conditions on the rows of a table, as in ``mode == 'rail' and payload_t > 20``.

A small safe part of Python's expression syntax: column names, texts, numbers, comparisons, ``in`` with a
list, ``and``, ``or``, ``not``. Nothing is executed; the syntax tree is walked.
"""

from __future__ import annotations

import ast

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

Flags = NDArray[np.bool_]


class ConditionError(ValueError):
    """The condition cannot be used; `found` is the part, `choices` the columns when a name is unknown."""

    def __init__(self, reason: str, found: str, choices: tuple[str, ...] = ()) -> None:
        super().__init__(reason)
        self.reason, self.found, self.choices = reason, found, choices


def matching_rows(table: pa.Table, condition: str | None) -> NDArray[np.intp]:
    """Rows of `table` that meet `condition`; all rows when it is None.

    Raises
    ------
    ConditionError
        When the condition is not of the form above or names an unknown column.
    """
    if condition is None:
        return np.arange(table.num_rows)
    try:
        tree = ast.parse(condition, mode="eval").body
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        raise ConditionError("syntax", condition) from error
    return np.flatnonzero(_flags(tree, table))


def _flags(node: ast.expr, table: pa.Table) -> Flags:
    if isinstance(node, ast.BoolOp):
        parts = [_flags(value, table) for value in node.values]
        combine = np.logical_and if isinstance(node.op, ast.And) else np.logical_or
        return np.asarray(combine.reduce(parts), dtype=bool)
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.Not):
        return ~_flags(node.operand, table)
    if isinstance(node, ast.Compare):
        result = np.ones(table.num_rows, dtype=bool)
        left = node.left
        for operator, right in zip(node.ops, node.comparators, strict=True):
            result &= _compare(left, operator, right, table)
            left = right
        return result
    raise ConditionError("form", ast.unparse(node))


def _compare(left: ast.expr, operator: ast.cmpop, right: ast.expr, table: pa.Table) -> Flags:
    a, b = _operand(left, table), _operand(right, table)
    if isinstance(operator, ast.In | ast.NotIn):
        if not isinstance(b, tuple):
            raise ConditionError("form", ast.unparse(right))
        texts = np.asarray(a).dtype.kind in "OU"
        if any(isinstance(item, str) != texts for item in b):
            raise ConditionError("types", f"{ast.unparse(left)} … {ast.unparse(right)}")
        inside = np.isin(np.asarray(a), np.array(b, dtype=str if texts else float))
        inside = np.broadcast_to(inside, (table.num_rows,))
        return inside if isinstance(operator, ast.In) else ~inside
    if isinstance(a, tuple) or isinstance(b, tuple):
        raise ConditionError("form", ast.unparse(left))
    x, y = np.asarray(a), np.asarray(b)
    if (x.dtype.kind in "OU") != (y.dtype.kind in "OU"):
        raise ConditionError("types", f"{ast.unparse(left)} … {ast.unparse(right)}")
    functions = {
        ast.Eq: np.equal,
        ast.NotEq: np.not_equal,
        ast.Lt: np.less,
        ast.LtE: np.less_equal,
        ast.Gt: np.greater,
        ast.GtE: np.greater_equal,
    }
    function = functions.get(type(operator))
    if function is None:
        raise ConditionError("form", ast.unparse(right))
    return np.broadcast_to(np.asarray(function(x, y), dtype=bool), (table.num_rows,))


def _operand(
    node: ast.expr, table: pa.Table
) -> NDArray[np.generic] | str | float | bool | tuple[object, ...]:
    if isinstance(node, ast.Constant) and isinstance(node.value, str | bool):
        return node.value
    if isinstance(node, ast.Constant) and isinstance(node.value, int | float):
        try:
            return float(node.value)
        except OverflowError as error:
            raise ConditionError("form", ast.unparse(node)) from error
    if (
        isinstance(node, ast.UnaryOp)
        and isinstance(node.op, ast.USub)
        and isinstance(node.operand, ast.Constant)
        and isinstance(node.operand.value, int | float)
    ):
        value = _operand(node.operand, table)
        if isinstance(value, float):
            return -value
    if isinstance(node, ast.List | ast.Tuple):
        items = [_operand(item, table) for item in node.elts]
        if not all(isinstance(item, str | int | float) for item in items):
            raise ConditionError("form", ast.unparse(node))
        return tuple(items)
    if isinstance(node, ast.Name):
        if node.id not in table.column_names:
            raise ConditionError("column", node.id, tuple(table.column_names))
        column = table.column(node.id)
        if pa.types.is_string(column.type):
            return np.array(column.to_pylist(), dtype=str)
        return np.asarray(column.to_numpy(zero_copy_only=False))
    raise ConditionError("form", ast.unparse(node))
