"""Published siting instances as the engine's problems.

Costs are of serving a customer's whole demand. Where a file has capacities that could not hold the demand
(0, or 1 for each site), they are placeholders of an uncapacitated instance.
"""

from __future__ import annotations

import csv
import re
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array
from scipy.sparse.csgraph import shortest_path

from benchmarks.siting.layouts import NumberFile, layout_of, read_numbers
from benchmarks.spec import BenchmarkError, Found
from logistics.models.siting.problem import SitingProblem, TwoStageProblem

Floats = NDArray[np.float64]
OPEN_CAPACITY = "{path} leaves the capacity open: an instance of it is called NAME-CAPACITY, as in INDEX.csv"
OPEN_NUMBER = "{path} does not say how many sites to open: its row in INDEX.csv does, as p=4 or _p4."
NOT_READ = "{path} is no siting instance of a known format"


def read_instance(found: Found) -> SitingProblem | TwoStageProblem:
    """Read the file of an instance.

    Raises
    ------
    BenchmarkError
        When the file is not what it was taken for, or what it leaves open is not said.
    """
    path = Path(found.source)
    layout = layout_of(path)
    if layout == "distances":
        return _distances(path, _number_to_open(found))
    numbers = read_numbers(path) if layout is not None else None
    if numbers is None:
        raise BenchmarkError(NOT_READ.format(path=path))
    if numbers.layout == "graph":
        return _graph(numbers)
    if numbers.layout == "two_stage":
        return _two_stage(numbers)
    if numbers.layout == "ufllib":
        sites, customers = numbers.first[:2]
        table = numbers.rest.reshape(sites, customers + 2)
        return siting_problem(table[:, 1], table[:, 2:])
    return _matrix(numbers, found, path)


def siting_problem(
    fixed: Floats,
    cost: Floats,
    demand: Floats | None = None,
    capacity: Floats | None = None,
    *,
    single_source: bool = False,
    num_open: int | None = None,
) -> SitingProblem:
    """A problem whose sites and customers are numbered.

    Parameters
    ----------
    cost
        Float array [site, customer].
    demand, capacity
        None: there are none that bind.
    num_open
        Exactly so many sites are open; None: any number.
    """
    sites, customers = cost.shape
    return SitingProblem(
        fixed_cost=np.ascontiguousarray(fixed),
        cost=np.ascontiguousarray(cost),
        demand=np.ones(customers) if demand is None else np.ascontiguousarray(demand),
        capacity=np.full(sites, np.inf) if capacity is None else np.ascontiguousarray(capacity),
        site_ids=numbered("site", sites),
        customer_ids=numbered("customer", customers),
        single_source=single_source,
        least_open=num_open or 0,
        most_open=num_open,
    )


def numbered(kind: str, count: int) -> tuple[str, ...]:
    """Ids in the order of their numbers."""
    width = len(str(max(0, count - 1)))
    return tuple(f"{kind}-{i:0{width}d}" for i in range(count))


def _matrix(numbers: NumberFile, found: Found, path: Path) -> SitingProblem:
    """One of the four formats with capacities, fixed costs, demand and a matrix."""
    (m, n), rest = numbers.first, numbers.rest
    if numbers.layout in ("sites", "pairs"):
        capacity, fixed = rest[: 2 * m].reshape(m, 2).T
        rest = rest[2 * m :]
        if numbers.layout == "sites":
            table = rest[: n * (m + 1)].reshape(n, m + 1)
            demand, cost = table[:, 0], table[:, 1:].T
            if np.isnan(capacity).any():
                capacity = np.full(m, _capacity_of(found, path))
        else:
            demand, cost = rest[:n], rest[n : n + m * n].reshape(m, n)
    elif numbers.layout == "rows":
        capacity, fixed, demand, cost = rest[:m], rest[m : 2 * m], rest[2 * m : 2 * m + n], rest[2 * m + n :]
        cost = cost[: n * m].reshape(n, m).T
    else:
        demand, capacity, fixed, cost = rest[:n], rest[n : n + m], rest[n + m : n + 2 * m], rest[n + 2 * m :]
        cost = cost[: m * n].reshape(m, n) * demand
    if capacity.sum() < demand.sum():
        return siting_problem(fixed, cost)
    return siting_problem(fixed, cost, demand, capacity, single_source=numbers.layout != "sites")


def _capacity_of(found: Found, path: Path) -> float:
    """Capacity of the sites, from the end of an instance's name."""
    said = re.search(r"-(\d+(?:\.\d+)?)$", found.instance)
    if said is None:
        raise BenchmarkError(OPEN_CAPACITY.format(path=path))
    return float(said.group(1))


def _number_to_open(found: Found) -> int:
    """How many sites to open, from the kind of the published value or the instance's name."""
    said = re.search(r"p\s*=\s*(\d+)", found.value_kind) or re.search(r"_p(\d+)\b", found.instance)
    if said is None:
        raise BenchmarkError(OPEN_NUMBER.format(path=found.source))
    return int(said.group(1))


def _graph(numbers: NumberFile) -> SitingProblem:
    """A p-median on a graph: lengths of shortest paths between all vertices, each a site and a customer.

    Of two lengths of an edge the last one counts.
    """
    vertices, _, num_open = numbers.first
    edges = numbers.rest.reshape(-1, 3)
    length: dict[tuple[int, int], float] = {}
    for tail, head, cost in edges:
        a, b = int(tail) - 1, int(head) - 1
        length[min(a, b), max(a, b)] = cost
    ends = np.array(list(length), dtype=np.int64).reshape(-1, 2)
    matrix = csr_array((np.array(list(length.values())), (ends[:, 0], ends[:, 1])), (vertices, vertices))
    cost = shortest_path(matrix, method="D", directed=False)
    return siting_problem(np.zeros(vertices), cost, num_open=num_open)


def _distances(path: Path, num_open: int) -> SitingProblem:
    """A p-median from a table of distances, valued by the mean distance of the demand."""
    with path.open(encoding="utf-8-sig", newline="") as file:
        reader = csv.DictReader(file)
        reader.fieldnames = [name.strip().lower() for name in reader.fieldnames or ()]
        rows = list(reader)
    sites = {name: i for i, name in enumerate(sorted({row["name"] for row in rows}))}
    customers = {name: j for j, name in enumerate(sorted({row["destinationname"] for row in rows}))}
    distance, demand = np.full((len(sites), len(customers)), np.inf), np.zeros(len(customers))
    for row in rows:
        i, j = sites[row["name"]], customers[row["destinationname"]]
        distance[i, j], demand[j] = float(row["distance"]), float(row["demand"])
    return siting_problem(np.zeros(len(sites)), distance * (demand / demand.sum()), num_open=num_open)


def _two_stage(numbers: NumberFile) -> TwoStageProblem:
    """Plants, depots and customers, with costs a unit."""
    plants, depots, customers = numbers.first
    sizes = (customers, 2 * plants, plants * depots, 2 * depots, depots * customers)
    demand, plant, plant_cost, depot, depot_cost = np.split(numbers.rest, np.cumsum(sizes)[:-1])
    plant, depot = plant.reshape(-1, 2), depot.reshape(-1, 2)
    return TwoStageProblem(
        plant_fixed_cost=plant[:, 1].copy(),
        plant_capacity=plant[:, 0].copy(),
        depot_fixed_cost=depot[:, 1].copy(),
        depot_capacity=depot[:, 0].copy(),
        plant_cost=plant_cost.reshape(plants, depots).copy(),
        depot_cost=depot_cost.reshape(depots, customers).copy(),
        demand=demand.copy(),
        plant_ids=numbered("plant", plants),
        depot_ids=numbered("depot", depots),
        customer_ids=numbered("customer", customers),
    )
