"""A solved flow: columns, duals and bound, frozen and serialisable."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Ints = NDArray[np.int32]
FlowStatus = Literal["optimal", "limit", "no_plan", "infeasible"]


@dataclass(frozen=True)
class Duals:
    """Prices that prove a bound by shortest paths alone.

    The bound is Σ d_k·min(dist_k + offset_k, unserved + left_k) − Σ C_r·resource_r − Σ R_l·limit_l −
    unserved·allowed_t, with dist_k the cheapest cost of k on arcs that pay `resource` and `limit`, path costs
    scaled by `path_scale`, and offset_k and left_k what limits charge every tonne of k and those unserved.

    Parameters
    ----------
    resource
        Price of each resource, ≥ 0, shape (resources,).
    limit
        Price of a unit of each limit's row, ≥ 0, shape (limits,).
    unserved
        Price of a tonne not served; inf where all demand is served, the term is dist_k then.
    path_scale
        1; 0 where only unserved tonnes are minimised.
    allowed_t
        Unserved tonnes allowed, whose worth is subtracted; 0 when unserved is priced in the objective.
    """

    resource: Floats
    limit: Floats
    unserved: float
    path_scale: float
    allowed_t: float


@dataclass(frozen=True)
class LeastUnserved:
    """The least tonnes that stay unserved, limits left aside.

    Parameters
    ----------
    allowed_t
        What a plan leaves: other plans may leave as much.
    bound_t
        Lower bound on it.
    duals
        Certificate of the bound, with `path_scale` 0.
    closed
        Whether the two meet to the gap asked for.
    """

    allowed_t: float
    bound_t: float
    duals: Duals
    closed: bool


@dataclass(frozen=True)
class Conflict:
    """Why limits cannot hold together.

    Parameters
    ----------
    relaxation
        How far each limit gives way, as a share of its scale, where these add up to least, shape (limits,).
    members
        Limits of a smallest set that cannot hold together: without any one of them the others can.
    bound
        Lower bound on the sum of shares, above 0.
    duals
        Its certificate, with `path_scale` 0.
    proof
        Certificate of the members alone: those are the limits that have a price in it.
    """

    relaxation: Floats
    members: tuple[int, ...]
    bound: float
    duals: Duals
    proof: Duals


@dataclass(frozen=True)
class SolvedFlow:
    """Answer of the flow model.

    Parameters
    ----------
    status
        ``optimal``: gap closed; ``limit``: stopped before; ``no_plan``: stopped without a plan that obeys the
        limits; ``infeasible``: no plan can obey them.
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
        What is known of the least unserved demand; None when nothing is unserved or unserved is priced.
    rounds
        Pricing rounds.
    num_columns
        Columns generated.
    conflict
        Why no plan can obey the limits, where that is so.
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
    least_unserved: LeastUnserved | None
    rounds: int
    num_columns: int
    conflict: Conflict | None = None

    @property
    def least_unserved_t(self) -> float:
        """Lower bound on unserved tonnes."""
        return self.least_unserved.bound_t if self.least_unserved is not None else 0.0

    @property
    def used_paths(self) -> list[tuple[int, Ints]]:
        """The used columns, for a start of another solve."""
        return list(zip(self.commodity.tolist(), self.path, strict=True))


@dataclass(frozen=True)
class NearPrices:
    """Prices of a solved flow.

    Parameters
    ----------
    demand
        What one tonne more of each commodity costs, shape (commodities,).
    binding
        Capacities that have a price, shape (resources,).
    """

    demand: Floats
    binding: NDArray[np.bool_]
