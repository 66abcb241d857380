"""Compile the engine's kernels once, so that the first run need not: ``python -m logistics.warm_up``.

Two tiny layers, one with stock, go through the flow model; numba keeps what it compiled beside the package.
"""

from __future__ import annotations

import numpy as np

from logistics.models.flow.column_generation import FlowModel
from logistics.virtual_network.instance import (
    OBJECTIVES,
    Commodities,
    Instance,
    Layer,
    Products,
    Resource,
    Step,
)


def compile_kernels() -> None:
    """Solve two one-path flows; raises ``AssertionError`` when their cost is not what it must be."""
    products = Products(("p",), np.ones(1), np.ones(1), np.ones(1), np.ones(1))
    plain = _chain("plain", ("ride",), 0)
    stocked = _chain("stocked", ("ride", "store", "deliver"), 1)
    commodities = Commodities(
        demand_id=("a", "b"),
        tier=("t", "t"),
        layer=np.array([0, 1], dtype=np.int32),
        origin=np.zeros(2, dtype=np.int32),
        destination=np.array([1, 3], dtype=np.int32),
        product=np.zeros(2, dtype=np.int32),
        time_value_cny_per_t_h=np.zeros(2),
        demand_t=np.ones(2),
        constant_cny_per_t=np.zeros(2),
        promise_h=np.full(2, np.inf),
        promise_is_hard=np.zeros(2, dtype=bool),
    )
    resources = (Resource("service", "s#2", "t", 10.0),)
    instance = Instance(2021, (plain, stocked), resources, products, commodities, OBJECTIVES["money"])
    solved = FlowModel(instance).solve()
    assert abs(solved.objective - 4.0) < 1e-9, solved.objective


def _chain(name: str, actions: tuple[str, ...], stores: int) -> Layer:
    """Vertices in a row, one arc of 1 CNY and 1 h between neighbours."""
    count = len(actions)
    arcs = np.arange(count, dtype=np.int32)
    return Layer(
        name=name,
        num_vertices=count + 1,
        tail=arcs,
        head=(arcs + 1).astype(np.int32),
        money_cny_per_t=np.ones((count, 1)),
        pipeline_h=np.ones(count),
        customer_h=np.ones(count),
        lead_h=np.ones(count),
        variance_h2=np.zeros(count),
        stock_h=np.zeros((count, 1)),
        co2_kg_per_t=np.zeros((count, 1)),
        use_arc=np.zeros(1, dtype=np.int32),
        use_row=np.zeros(1, dtype=np.int32),
        use_is_m3=np.zeros(1, dtype=bool),
        steps=tuple(Step(action, "x") for action in actions),
        store_arc=np.array([actions.index("store")] if stores else [], dtype=np.int32),
        storage_cny_per_t_h=np.zeros((stores, 1)),
    )


if __name__ == "__main__":
    compile_kernels()
