"""A solved flow: columns, duals and bound, frozen and serialisable."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Ints = NDArray[np.int32]
FlowStatus = Literal["optimal", "limit", "no_plan"]


@dataclass(frozen=True)
class Duals:
    """Prices that prove a bound by shortest paths alone.

    The bound is Σ d_k·min(dist_k, unserved) − Σ C_r·resource_r − unserved_cap·allowed_t, with dist_k the
    cheapest cost of k on arcs that pay `resource`, path costs scaled by `path_scale`.

    Parameters
    ----------
    resource
        Price of each resource, ≥ 0, shape (resources,).
    unserved
        Price of a tonne not served; inf where all demand is served, the term is dist_k then.
    path_scale
        1; 0 where only unserved tonnes are minimised.
    allowed_t
        Unserved tonnes allowed, whose worth is subtracted; 0 when unserved is priced in the objective.
    """

    resource: Floats
    unserved: float
    path_scale: float
    allowed_t: float


@dataclass(frozen=True)
class SolvedFlow:
    """Answer of the flow model.

    Parameters
    ----------
    status
        ``optimal``: gap closed; ``limit``: stopped before; ``no_plan``: stopped without a plan.
    commodity, path, flow_t
        Used columns: commodity, arcs in order, tonnes > 0.
    unserved_t
        Tonnes not served of each commodity.
    objective, bound
        Value and lower bound, constants included; a price of unserved is included when the instance has one.
    gap
        (objective − bound) / max(1, |objective − costs identical in every plan|).
    duals
        Certificate of `bound`.
    least_unserved
        Certificate that no plan leaves less unserved; None when nothing is unserved or unserved is priced.
    least_unserved_t
        The bound it proves.
    rounds
        Pricing rounds.
    num_columns
        Columns generated.
    """

    status: FlowStatus
    commodity: Ints
    path: tuple[Ints, ...]
    flow_t: Floats
    unserved_t: Floats
    objective: float
    bound: float
    gap: float
    duals: Duals
    least_unserved: Duals | None
    least_unserved_t: float
    rounds: int
    num_columns: int
