"""What a plan carries on each leg: of a service, and of the roads before and behind."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from logistics.network.network import Network
from logistics.plan import Plan

DIRECTIONS = ("export", "import", "transit")
SEGMENTS = ("direct", "stocked", "b2b")
TRAFFICS = tuple((direction, segment) for direction in DIRECTIONS for segment in SEGMENTS)
"""What cargo is, beside its product; a row number into this is a traffic."""
RIDE, DRIVE, DELIVER = "ride", "drive", "deliver"
_KEY = ("action", "site_id", "to_site_id", "service_id", "stop_seq", "via_id")
Rows = NDArray[np.int64]


@dataclass(frozen=True, order=True)
class Leg:
    """One leg.

    Parameters
    ----------
    action
        ``ride`` a service; ``drive`` or ``deliver`` by road.
    from_site, to_site
        Where it begins and ends.
    service_id, stop_seq, via_id
        The service, the stop where the leg ends, and the way; empty and 0 for roads.
    """

    action: str
    from_site: str
    to_site: str
    service_id: str
    stop_seq: int
    via_id: str


@dataclass(frozen=True)
class LegLoads:
    """Loads of one plan in one year: tonnes a year by leg, product and traffic.

    Parameters
    ----------
    legs
        Legs that carry anything, sorted.
    leg_row, product_row, traffic_row
        Row numbers into `legs`, the products of the network and :data:`TRAFFICS`; one entry a cell.
    tonnes
        Tonnes a year of each cell, more than 0.
    """

    legs: tuple[Leg, ...]
    leg_row: Rows
    product_row: Rows
    traffic_row: Rows
    tonnes: NDArray[np.float64]


def leg_loads(plan: Plan, network: Network, year: int) -> LegLoads:
    """Add up the tonnes of a plan's paths on every leg.

    Parameters
    ----------
    plan
        A plan that may hold several years.
    network
        Effective network of the year.
    """
    flows = plan.flows.filter(pc.equal(plan.flows["year"], year))
    wanted = pc.and_(
        pc.equal(plan.steps["year"], year), pc.is_in(plan.steps["action"], pa.array([RIDE, DRIVE, DELIVER]))
    )
    steps = plan.steps.filter(wanted)
    paths = pc.unique(flows["path_id"])
    path_of_flow = _rows(flows["path_id"], paths)
    path_of_step = _rows(steps["path_id"], paths)
    product, traffic = _of_demand(network)
    num_products = network.tables["products"].num_rows
    demand = _rows(flows["demand_id"], network.tables["demand"]["demand_id"])
    # Flows in order of their path, so that the flows of a step's path lie side by side.
    order = np.argsort(path_of_flow, kind="stable")
    count = np.bincount(path_of_flow, minlength=len(paths))
    first = np.concatenate([[0], np.cumsum(count)[:-1]]).astype(np.int64) if len(count) else count
    keyed, leg_of_step = _legs(steps)
    repeats = count[path_of_step]
    step = np.repeat(np.arange(len(path_of_step)), repeats)
    within = np.arange(len(step)) - np.repeat(np.cumsum(repeats) - repeats, repeats)
    flow = order[first[path_of_step[step]] + within]
    cell = (leg_of_step[step] * num_products + product[demand[flow]]) * len(TRAFFICS) + traffic[demand[flow]]
    cells, place = np.unique(cell, return_inverse=True)
    tonnes = np.bincount(place, flows["tonnes"].to_numpy()[flow], minlength=len(cells))
    rest, traffic_row = np.divmod(cells, len(TRAFFICS))
    leg_row, product_row = np.divmod(rest, max(num_products, 1))
    return LegLoads(keyed, leg_row, product_row, traffic_row, tonnes.astype(np.float64))


def _rows(values: pa.ChunkedArray, among: pa.Array | pa.ChunkedArray) -> Rows:
    among = among.combine_chunks() if isinstance(among, pa.ChunkedArray) else among
    found = pc.index_in(values, value_set=among).to_numpy()
    return np.asarray(found, dtype=np.int64)


def _of_demand(network: Network) -> tuple[Rows, Rows]:
    """Product and traffic of each demand row."""
    territory = dict(
        zip(network.texts("sites", "site_id"), network.texts("sites", "customs_territory"), strict=True)
    )
    home = network.info.home_territory
    product = _rows(network.tables["demand"]["product_id"], network.tables["products"]["product_id"])
    traffic = [
        TRAFFICS.index((direction_of(territory[origin], territory[end], home), segment))
        for origin, end, segment in zip(
            *(network.texts("demand", name) for name in ("origin_site", "destination_site", "segment")),
            strict=True,
        )
    ]
    return product, np.array(traffic, dtype=np.int64)


def direction_of(leaves: str, enters: str, home: str) -> str:
    """Direction of trade as seen from the home territory."""
    return "export" if leaves == home else "import" if enters == home else "transit"


def _legs(steps: pa.Table) -> tuple[tuple[Leg, ...], Rows]:
    """Distinct legs in order, and the leg of each step."""
    code = np.zeros(steps.num_rows, dtype=np.int64)
    for name in _KEY:
        column = steps[name].combine_chunks().dictionary_encode()
        code = code * max(len(column.dictionary), 1) + column.indices.to_numpy(zero_copy_only=False)
        _, code = np.unique(code, return_inverse=True)
    _, first, leg_of_step = np.unique(code, return_index=True, return_inverse=True)
    some = steps.select(_KEY).take(first)
    legs = [Leg(*key) for key in zip(*(some[name].to_pylist() for name in _KEY), strict=True)]
    order = sorted(range(len(legs)), key=legs.__getitem__)
    place = np.empty(len(legs), dtype=np.int64)
    place[order] = np.arange(len(legs))
    return tuple(legs[row] for row in order), place[leg_of_step]
