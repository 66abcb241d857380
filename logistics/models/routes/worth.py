"""What an addition is found to be worth, and the plan that shows it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from logistics.models.flow.costs import RowPrices
from logistics.models.flow.solved import SolvedFlow

Floats = NDArray[np.float64]
Ints = NDArray[np.int32]
Proof = Literal["screened", "warm", "full"]


@dataclass(frozen=True)
class UnionFlow:
    """A plan in the numbers of the union.

    Parameters
    ----------
    commodity, path, flow_t
        Used columns: commodity, arcs in order, tonnes.
    unserved_t
        Tonnes not served of each commodity.
    prices, unserved_price
        Prices of the shared rows, and of the limit on unserved tonnes.
    """

    commodity: Ints
    path: tuple[Ints, ...]
    flow_t: Floats
    unserved_t: Floats
    prices: RowPrices
    unserved_price: float


@dataclass(frozen=True)
class Worth:
    """What an addition changes.

    Parameters
    ----------
    name
        Its name.
    proof
        ``screened``: the base's duals prove that nothing changes; ``warm``: solved on from the base;
        ``full``: solved afresh, since more demand may be served with it.
    value, bound
        Objective with the addition, and its lower bound.
    low, high
        Interval that holds (base − with addition).
    most
        Bound on that from the base's duals alone.
    flow
        The plan with the addition; the base's where that stays the best.
    seconds
        Time it took.
    solved
        Where it was solved afresh: the answer in the numbers of the instance with it alone.
    """

    name: str
    proof: Proof
    value: float
    bound: float
    low: float
    high: float
    most: float
    flow: UnionFlow
    seconds: float
    rounds: int = 0
    solved: SolvedFlow | None = None
