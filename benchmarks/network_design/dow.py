"""Files of the Canad format: a title; nodes, arcs, commodities; an arc a line; a commodity a line."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from benchmarks.files import head
from benchmarks.spec import BenchmarkError

Floats = NDArray[np.float64]
Ints = NDArray[np.int32]
ARC_FIELDS, COMMODITY_FIELDS = 7, 3


@dataclass(frozen=True)
class FixedChargeNetwork:
    """Arcs to open and cargo to route.

    Parameters
    ----------
    num_nodes
        Nodes are 0 … num_nodes - 1.
    tail, head, cost, capacity, fixed_cost
        Of each arc: ends, cost of a unit, most units, cost of opening it.
    origin, destination, demand
        Of each commodity.
    """

    num_nodes: int
    tail: Ints
    head: Ints
    cost: Floats
    capacity: Floats
    fixed_cost: Floats
    origin: Ints
    destination: Ints
    demand: Floats


def is_dow(path: Path) -> bool:
    """Whether the first lines of a file are those of the format."""
    lines = head(path).splitlines()
    try:
        nodes, arcs, commodities = (int(word) for word in lines[1].split())
        first = [float(word) for word in lines[2].split()]
    except (IndexError, ValueError):
        return False
    if min(nodes, arcs, commodities) < 1 or len(first) != ARC_FIELDS:
        return False
    ends = first[:2]
    return all(end == int(end) and 1 <= end <= nodes for end in ends) and min(first[2:5]) >= 0


def read_dow(path: Path) -> FixedChargeNetwork:
    """Read a file.

    Raises
    ------
    BenchmarkError
        When it is not complete or says what cannot be.
    """
    try:
        lines = [line.split() for line in path.read_text(encoding="utf-8").splitlines()[1:] if line.strip()]
        nodes, num_arcs, num_commodities = (int(word) for word in lines[0])
        arcs = np.array(lines[1 : 1 + num_arcs], dtype=float).reshape(-1, ARC_FIELDS)
        rest = lines[1 + num_arcs : 1 + num_arcs + num_commodities]
        cargo = np.array(rest, dtype=float).reshape(-1, COMMODITY_FIELDS)
    except (OSError, UnicodeDecodeError, IndexError, ValueError) as error:
        raise BenchmarkError(f"{path}: {error}") from error
    ends = np.concatenate([arcs[:, :2].ravel(), cargo[:, :2].ravel()])
    if len(arcs) != num_arcs or len(cargo) != num_commodities:
        raise BenchmarkError(f"{path}: {num_arcs} arcs and {num_commodities} commodities are not all there")
    if np.any(ends != np.floor(ends)) or np.any((ends < 1) | (ends > nodes)):
        raise BenchmarkError(f"{path}: a node is none of 1 to {nodes}")
    if not np.all(np.isfinite(arcs)) or np.any(arcs[:, 2:5] < 0) or np.any(~(cargo[:, 2] >= 0)):
        raise BenchmarkError(f"{path}: a cost, capacity or demand is below 0")
    some = arcs[:, 0] != arcs[:, 1]
    moved = (cargo[:, 0] != cargo[:, 1]) & (cargo[:, 2] > 0)
    node = np.int32
    return FixedChargeNetwork(
        num_nodes=nodes,
        tail=(arcs[some, 0] - 1).astype(node),
        head=(arcs[some, 1] - 1).astype(node),
        cost=arcs[some, 2],
        capacity=arcs[some, 3],
        fixed_cost=arcs[some, 4],
        origin=(cargo[moved, 0] - 1).astype(node),
        destination=(cargo[moved, 1] - 1).astype(node),
        demand=cargo[moved, 2],
    )
