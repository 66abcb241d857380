"""The arrays that models work on: one :class:`Instance` is one year of a case.

Nothing here knows tables or scenarios; published networks enter by the same types.
"""

from __future__ import annotations

from dataclasses import dataclass, field, fields
from functools import cached_property
from typing import Any, Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Ints = NDArray[np.int32]
Flags = NDArray[np.bool_]


class Step(NamedTuple):
    """What an arc means in the domain's words; unused parts are empty or 0.

    Parameters
    ----------
    action
        drive, consolidate, clear_export, clear_post, board, ride, stay, alight, clear_import, store, deliver.
    site_id, to_site_id
        Where it happens; the second where it ends, for drive, ride and deliver.
    service_id, stop_seq, via_id
        Service, number of the stop (ride: where the leg ends), and the way taken.
    option_id
        Warehouse option of a store step.
    channel
        Last-mile channel of a deliver step.
    """

    action: str
    site_id: str
    to_site_id: str = ""
    service_id: str = ""
    stop_seq: int = 0
    via_id: str = ""
    option_id: str = ""
    channel: str = ""


class Resource(NamedTuple):
    """A shared capacity: a thing, a unit, an amount a year.

    Parameters
    ----------
    kind
        service, site, passage or warehouse.
    id
        Its id; a service's leg as ``service_id#stop_seq`` of the leg's end.
    unit
        ``t`` or ``m3``.
    capacity
        Amount a year left for the demand of the instance, ≥ 0.
    """

    kind: str
    id: str
    unit: str
    capacity: float


Measure = Literal["money_cny", "customer_h", "co2_kg", "late", "marks"]
"""What a limit counts of a tonne on a path: money and kg CO2e; customer hours; 1 where these are above the
commodity's promise; the number of marked arcs."""


@dataclass(frozen=True)
class Limit:
    """A row on the whole plan.

    With x tonnes on paths and u tonnes unserved:

        Σ_k Σ_{p∈P(k)} (factor_k · measure(p) + offset_k) · x_p + Σ_k unserved_k · u_k  ≤  bound.

    Every limit is written so that `factor` and `unserved` are ≥ 0: prices then only add to arcs.

    Parameters
    ----------
    id
        Its name in the scenario, ``max_co2_t`` or ``load.2``.
    measure, unit
        What is counted along a path, and the unit of the row.
    factor, offset, unserved
        Weights by commodity, shape (commodities,); 0 where a commodity is out of scope.
    bound
        Right-hand side.
    scale
        What a relaxation by 100 % adds to `bound`, > 0.
    marks
        (layer number, arcs) that measure ``marks`` counts, once each.
    """

    id: str
    measure: Measure
    unit: str
    factor: Floats
    offset: Floats
    unserved: Floats
    bound: float
    scale: float
    marks: tuple[tuple[int, Ints], ...] = ()

    def __post_init__(self) -> None:
        """Freeze the arrays and check what must always hold."""
        _freeze(self)
        if np.any(self.factor < 0) or np.any(self.unserved < 0) or self.scale <= 0:
            raise ValueError(f"limit {self.id}: weights are ≥ 0 and a scale is above 0")


@dataclass(frozen=True)
class Weights:
    """What the objective adds up, each per unit.

    Parameters
    ----------
    money, carrying, time_value
        Weights on CNY of tariffs and fees, of capital and obsolescence, of customers' time value.
    customer_h
        Weight on customer hours (per tonne).
    co2_kg
        Weight on kg CO2e (per tonne).
    """

    money: float = 1.0
    carrying: float = 1.0
    time_value: float = 1.0
    customer_h: float = 0.0
    co2_kg: float = 0.0


OBJECTIVES = {
    "generalised": Weights(),
    "money": Weights(carrying=0.0, time_value=0.0),
    "hours": Weights(money=0.0, carrying=0.0, time_value=0.0, customer_h=1.0),
    "co2": Weights(money=0.0, carrying=0.0, time_value=0.0, co2_kg=1.0),
}


@dataclass(frozen=True)
class Layer:
    """One graph: the virtual network of a segment and direction, arcs without parallels.

    Parameters
    ----------
    name
        Direction and segment, ``export-direct``.
    num_vertices
        Vertices are 0 … num_vertices - 1.
    tail, head
        Ends of each arc, shape (arcs,).
    money_cny_per_t
        Tariffs, handling and fees, shape (arcs, products).
    pipeline_h, customer_h, lead_h
        Hours that tie up capital; that the customer waits; of the replenishment lead time, shape (arcs,).
    variance_h2
        Variance of the lead time, shape (arcs,).
    stock_h
        Hours in stock that are linear in flow (cycle and assortment stock), shape (arcs, products).
    co2_kg_per_t
        Kilograms of CO2e, shape (arcs, products).
    use_arc, use_row, use_is_m3
        Use i: a tonne on arc ``use_arc[i]`` draws 1 t, or its cubic metres, on resource ``use_row[i]``.
    steps
        Meaning of each arc.
    store_arc
        Arcs that put cargo into stock; every path of a stocked layer has exactly one. Empty otherwise.
    storage_cny_per_t_h
        Storage fee of stock behind each store arc, shape (store arcs, products).
    pooling
        Factor on the safety stock behind each store arc, by the throughput it is planned for; empty: 1, shape
        (store arcs,).
    """

    name: str
    num_vertices: int
    tail: Ints
    head: Ints
    money_cny_per_t: Floats
    pipeline_h: Floats
    customer_h: Floats
    lead_h: Floats
    variance_h2: Floats
    stock_h: Floats
    co2_kg_per_t: Floats
    use_arc: Ints
    use_row: Ints
    use_is_m3: Flags
    steps: tuple[Step, ...]
    store_arc: Ints = field(default_factory=lambda: np.zeros(0, np.int32))
    storage_cny_per_t_h: Floats = field(default_factory=lambda: np.zeros((0, 0)))
    pooling: Floats = field(default_factory=lambda: np.zeros(0))

    def __post_init__(self) -> None:
        """Freeze the arrays and check what must always hold."""
        _freeze(self)
        if len(self.tail) and (self.money_cny_per_t.min() < 0 or self.pipeline_h.min() < 0):
            raise ValueError(f"layer {self.name}: arcs cost at least nothing")

    @property
    def num_arcs(self) -> int:
        """Number of arcs."""
        return len(self.tail)

    @property
    def stocked(self) -> bool:
        """Whether cargo of this layer goes through stock."""
        return len(self.store_arc) > 0


@dataclass(frozen=True)
class Products:
    """Goods as the model sees them, one entry a product.

    Parameters
    ----------
    ids
        Names.
    m3_per_t
        Cubic metres of a tonne.
    carrying_cny_per_t_h
        Capital, insurance and obsolescence of a tonne per hour.
    cv2_h
        Squared coefficient of variation of an hour's demand (24 × that of a day).
    service_factor
        z of the stock's service level.
    """

    ids: tuple[str, ...]
    m3_per_t: Floats
    carrying_cny_per_t_h: Floats
    cv2_h: Floats
    service_factor: Floats

    def __post_init__(self) -> None:
        """Freeze the arrays."""
        _freeze(self)


@dataclass(frozen=True)
class Commodities:
    """Demand split by tier, one entry a commodity.

    Parameters
    ----------
    demand_id, tier
        Names of the demand row and the tier.
    layer, origin, destination
        Layer number and vertices; vertices are -1 where the layer holds no path.
    product
        Product number.
    time_value_cny_per_t_h
        Worth of a customer hour.
    demand_t
        Tonnes a year.
    constant_cny_per_t
        Cost that each path has alike: duty, VAT and border fees.
    promise_h
        Customer hours after which cargo is late: those promised, or those of a limit with days; inf: never.
    promise_is_hard
        Whether later paths are forbidden.
    instead_of
        Commodity whose demand this one's paths serve as well, which then has no demand of its own: cargo
        that may be sold in another segment; -1: none. Empty: no commodity has one.
    """

    demand_id: tuple[str, ...]
    tier: tuple[str, ...]
    layer: Ints
    origin: Ints
    destination: Ints
    product: Ints
    time_value_cny_per_t_h: Floats
    demand_t: Floats
    constant_cny_per_t: Floats
    promise_h: Floats
    promise_is_hard: Flags
    instead_of: Ints = field(default_factory=lambda: np.zeros(0, np.int32))

    def __post_init__(self) -> None:
        """Freeze the arrays."""
        _freeze(self)

    def __len__(self) -> int:
        """Count the commodities."""
        return len(self.demand_id)

    @cached_property
    def served(self) -> Ints:
        """Commodity whose demand each one's paths serve: mostly itself, shape (commodities,)."""
        own = np.arange(len(self), dtype=np.int32)
        served = np.where(self.instead_of >= 0, self.instead_of, own) if len(self.instead_of) else own
        served.setflags(write=False)
        return served


@dataclass(frozen=True)
class Instance:
    """Everything a flow model needs.

    Parameters
    ----------
    layers
        One graph per direction and segment.
    unserved_cny_per_t
        Price of unserved demand, one for all or one a commodity, or None: least unserved first.
    limits
        Rows on the whole plan.
    """

    year: int
    layers: tuple[Layer, ...]
    resources: tuple[Resource, ...]
    products: Products
    commodities: Commodities
    weights: Weights
    unserved_cny_per_t: float | Floats | None = None
    limits: tuple[Limit, ...] = ()

    @cached_property
    def capacity(self) -> Floats:
        """Capacities of the resources, shape (resources,)."""
        capacity = np.array([resource.capacity for resource in self.resources])
        capacity.setflags(write=False)
        return capacity


def _freeze(thing: Any) -> None:
    for item in fields(thing):
        value = getattr(thing, item.name)
        if isinstance(value, np.ndarray):
            value.setflags(write=False)
