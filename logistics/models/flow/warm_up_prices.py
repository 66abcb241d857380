"""Prices and paths to start from, by the volume algorithm on the capacities' prices.

With y ≥ 0 on capacities, the Lagrangian bound of the flow problem is

    L(y) = Σ_k d_k · min(dist_k(y), unserved_k) - Σ_r C_r y_r,

and the load of the cheapest paths less C is a subgradient of it. The volume algorithm (Barahona & Anbil,
*Math. Programming* 87, 2000) goes from the best prices found in the direction of an exponential mean of
loads, which tends to the loads of an optimal plan. An evaluation is one tree an origin and class, all in
compiled code; a path is written down only when its hash was not met before.

For commodities of layers without stock and without hard promises, where no limit has a price.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numba
import numpy as np
from numpy.typing import NDArray

from logistics.models.flow.costs import Dues, RowPrices
from logistics.virtual_network.instance import Instance

if TYPE_CHECKING:
    from logistics.models.flow.pricing import PathPricer

Floats = NDArray[np.float64]
Ints = NDArray[np.int32]
Longs = NDArray[np.int64]
Codes = NDArray[np.uint64]
FIRST_LEVEL = 0.01
"""How far above the best bound the optimum is guessed to lie at first, as a share of the unit."""
LAST_LEVEL = 2e-4
STEP = 0.5
PATIENCE = 5
FRESH = 0.1
LEAST_FRESH = 0.005
FRESH_EVERY = 60
"""Weight of the newest loads in the mean: at first, at last, and evaluations between two cuts by 0.7."""
SEED = 20210


@dataclass(frozen=True)
class Probe:
    """Outcome of an evaluation.

    Parameters
    ----------
    bound
        L(y).
    load
        Of the cheapest paths, shape (resources,).
    cost
        Cheapest cost of each commodity with prices, at most what an unserved tonne costs; without what all
        paths of the commodity pay alike.
    column
        Number in the book of each commodity's cheapest path; -1: unserved.
    """

    bound: float
    load: Floats
    cost: Floats
    column: Longs


@dataclass(frozen=True)
class _Task:
    """Some origins of a class: commodities ``members[first[i]:first[i + 1]]`` start at ``roots[i]``."""

    layer: int
    product: int
    time_value: float
    factor: tuple[float, ...]
    roots: Ints
    first: Longs
    members: Ints


class PathBook:
    """Evaluates prices, and keeps every path met.

    Parameters
    ----------
    instance
        The instance.
    pricer
        Its pricer, or that of an instance that differs in capacities only.
    unserved
        What an unserved tonne costs in L, constants left out, one a commodity; inf: all is served.
    threads
        Number of trees grown side by side; the outcome does not depend on it.
    """

    def __init__(self, instance: Instance, pricer: PathPricer, unserved: Floats, threads: int) -> None:
        self._instance, self._pricer, self._unserved = instance, pricer, unserved
        self._demand, self._capacity = instance.commodities.demand_t, instance.capacity
        count = len(self._demand)
        random = np.random.default_rng(SEED)
        self._salt = random.integers(1, 2**63, count).astype(np.uint64)
        self._code = [
            random.integers(1, 2**63, len(layer.reduced.tail)).astype(np.uint64) for layer in pricer.plain
        ]
        self._tasks: list[_Task] = []
        for group in pricer.classes:
            members = group.members[np.isfinite(pricer.free_cost[group.members])]
            members = members[self._demand[members] > 0]
            origin = instance.commodities.origin[members]
            order = np.argsort(origin, kind="stable")
            members, origin = members[order], origin[order]
            roots, start = np.unique(origin, return_index=True)
            bounds = np.append(start, len(members))
            parts = min(threads, max(1, len(roots) // 4))
            for part in np.array_split(np.arange(len(roots)), parts):
                if len(part):
                    first = bounds[part[0] : part[-1] + 2].astype(np.int64)
                    mine = members[first[0] : first[-1]]
                    self._tasks.append(
                        _Task(
                            group.layer, group.product, group.time_value, group.factor,
                            roots[part].astype(np.int32), first - first[0], mine,
                        )
                    )  # fmt: skip
        self._pool = ThreadPoolExecutor(threads)
        self._keys = np.zeros(1 << 16, np.uint64)
        self._values = np.zeros(1 << 16, np.int64)
        self._hash = np.zeros(0, np.uint64)
        self.commodity = np.zeros(0, np.int64)
        self._start = np.zeros(1, np.int64)
        self._arcs = np.zeros(0, np.int32)

    def __len__(self) -> int:
        """Count the paths."""
        return len(self.commodity)

    def close(self) -> None:
        """End the threads."""
        self._pool.shutdown()

    def paths(self, begin: int) -> list[tuple[int, Ints]]:
        """(commodity, arcs in order of travel) of the paths from number `begin` on."""
        layer = self._instance.commodities.layer
        unfolded: dict[int, Ints] = {}
        for number, plain in enumerate(self._pricer.plain):
            mine = np.flatnonzero(layer[self.commodity[begin:]] == number) + begin
            paths = [self._arcs[self._start[i] : self._start[i + 1]][::-1] for i in mine]
            unfolded.update(zip(mine.tolist(), plain.reduced.unfolded(paths), strict=True))
        return [(int(self.commodity[i]), unfolded[i]) for i in range(begin, len(self))]

    def evaluate(self, prices: Floats) -> Probe:
        """Evaluate L at `prices`, and write down new paths."""
        instance = self._instance
        dues = Dues(instance, RowPrices(prices, np.zeros(len(instance.limits))))
        cost, column = self._unserved.copy(), np.full(len(self._demand), -1, np.int64)
        parts = list(self._pool.map(lambda task: self._grown(task, dues, cost, column), self._tasks))
        flow = {
            (task.layer, task.product): np.zeros(len(self._pricer.plain[task.layer].reduced.tail))
            for task in self._tasks
        }
        known = len(self)
        fresh: list[tuple[Longs, Codes, Longs, Ints]] = []
        for task, (tonnes, members, codes, ends, arcs) in zip(self._tasks, parts, strict=True):
            flow[task.layer, task.product] += tonnes
            if len(members):
                column[members] = known + np.arange(len(members))
                known += len(members)
                fresh.append((members.astype(np.int64), codes, ends, arcs))
        self._write(fresh)
        load = np.zeros(len(prices))
        for (number, product), tonnes in flow.items():
            layer = instance.layers[number]
            on_arc = self._pricer.plain[number].reduced.spread(tonnes, layer.num_arcs)
            per_t = np.where(layer.use_is_m3, instance.products.m3_per_t[product], 1.0)
            load += np.bincount(layer.use_row, per_t * on_arc[layer.use_arc], len(load))
        served = np.isfinite(cost)
        bound = float((self._demand[served] * cost[served]).sum() - (self._capacity * prices).sum())
        return Probe(bound, load, cost, column)

    def _grown(
        self, task: _Task, dues: Dues, cost: Floats, column: Longs
    ) -> tuple[Floats, Ints, Codes, Longs, Ints]:
        layer, graph = self._pricer.plain[task.layer], self._pricer.plain[task.layer].graph
        weights = self._pricer.costs[task.layer].of_class(task.product, task.time_value)
        weights = weights + dues.of(task.layer, task.product, task.factor)
        k = task.members
        tonnes, its_cost, its_column, fresh, codes, ends, arcs = _grow(
            graph.start, graph.end, graph.arc, layer.reduced.tail, layer.reduced.weights(weights),
            self._code[task.layer], self._salt[k], task.roots, task.first,
            self._instance.commodities.destination[k], self._demand[k], self._unserved[k],
            self._keys, self._values,
        )  # fmt: skip
        cost[k], column[k] = its_cost, its_column
        return tonnes, k[fresh], codes, ends, arcs

    def _write(self, fresh: list[tuple[Longs, Codes, Longs, Ints]]) -> None:
        if not fresh:
            return
        before = len(self)
        self.commodity = np.concatenate([self.commodity, *(members for members, _, _, _ in fresh)])
        self._hash = np.concatenate([self._hash, *(codes for _, codes, _, _ in fresh)])
        starts = [self._start]
        for _, _, ends, _ in fresh:
            starts.append(ends + starts[-1][-1])
        self._start = np.concatenate(starts)
        self._arcs = np.concatenate([self._arcs, *(arcs for _, _, _, arcs in fresh)])
        if 2 * len(self) > len(self._keys):
            size = len(self._keys)
            while 2 * len(self) > size:
                size *= 4
            self._keys, self._values = np.zeros(size, np.uint64), np.zeros(size, np.int64)
            before = 0
        _enter(self._keys, self._values, self._hash[before:], before)


@dataclass
class Ascent:
    """State of the volume algorithm.

    Parameters
    ----------
    prices, bound
        Best found.
    load
        Mean of the loads: an estimate of a plan's loads.
    weight
        Mean of the paths' shares in their demand, by number in the book.
    """

    prices: Floats
    bound: float
    load: Floats
    weight: Floats


def risen(
    book: PathBook,
    capacity: Floats,
    prices: Floats,
    step_scale: Floats,
    unit: float,
    most: int,
    level: float = FIRST_LEVEL,
) -> Ascent:
    """Raise the bound from `prices`.

    Parameters
    ----------
    step_scale
        How much a price moves with an excess of its row, relative to others, shape (resources,).
    unit
        Size of the objective, for the levels.
    most
        Number of evaluations; less when the level falls below its last.
    level
        Where to start.
    """
    probe = book.evaluate(prices)
    best = Ascent(prices.copy(), probe.bound, probe.load.copy(), np.zeros(0))
    share = _shares(best.weight, len(book))
    share[probe.column[probe.column >= 0]] = 1.0
    mean, current, bad, fresh = probe.load.copy(), level, 0, FRESH
    last = min(LAST_LEVEL, 0.02 * level)
    for turn in range(most):
        excess = mean - capacity
        push = np.where((best.prices <= 0) & (excess < 0), 0.0, excess)
        norm = float((push * step_scale * push).sum())
        if norm <= 0:
            break
        step = STEP * current * unit / norm
        probe = book.evaluate(np.maximum(0.0, best.prices + step * step_scale * excess))
        turned = probe.load - mean
        size = float((turned * step_scale * turned).sum())
        # The newest loads get the weight that makes the mean's excess least.
        ideal = -float((excess * step_scale * turned).sum()) / size if size > 0 else 0.0
        weight = min(fresh, max(fresh / 10, ideal))
        mean = weight * probe.load + (1 - weight) * mean
        share = _shares(share, len(book)) * (1 - weight)
        share[probe.column[probe.column >= 0]] += weight
        if probe.bound > best.bound:
            if probe.bound > best.bound + 0.1 * STEP * current * unit:
                current = min(level, 1.2 * current)
            best.prices = np.maximum(0.0, best.prices + step * step_scale * excess)
            best.bound, bad = probe.bound, 0
        else:
            bad += 1
            if bad >= PATIENCE:
                current, bad = 0.5 * current, 0
        if turn % FRESH_EVERY == FRESH_EVERY - 1:
            fresh = max(LEAST_FRESH, 0.7 * fresh)
        if current < last:
            break
    best.load, best.weight = mean, _shares(share, len(book))
    return best


def _shares(known: Floats, count: int) -> Floats:
    return np.concatenate([known, np.zeros(count - len(known))])


@numba.njit(cache=True, nogil=True)
def _slot(keys: Codes, code: np.uint64) -> np.uint64:
    mask = np.uint64(len(keys) - 1)
    i = ((code * np.uint64(0x9E3779B97F4A7C15)) >> np.uint64(20)) & mask
    while keys[i] != np.uint64(0) and keys[i] != code:
        i = (i + np.uint64(1)) & mask
    return i


@numba.njit(cache=True, nogil=True)
def _enter(keys: Codes, values: Longs, codes: Codes, first: int) -> None:
    for q in range(len(codes)):
        i = _slot(keys, codes[q])
        keys[i] = codes[q]
        values[i] = first + q


@numba.njit(cache=True, nogil=True)
def _grow(
    start: Ints,
    end: Ints,
    arc: Ints,
    tail: Ints,
    weights: Floats,
    code: Codes,
    salt: Codes,
    roots: Ints,
    first: Longs,
    destination: Ints,
    tonnes: Floats,
    most: Floats,
    keys: Codes,
    values: Longs,
) -> tuple[Floats, Floats, Longs, Ints, Codes, Longs, Ints]:
    """Grow trees until all destinations are settled or too dear, load them, and tell new paths by hash."""
    n, count = len(start) - 1, len(destination)
    load = np.zeros(len(tail))
    cost, column = np.empty(count), np.full(count, -1, np.int64)
    fresh, codes = np.empty(count, np.int32), np.empty(count, np.uint64)
    ends, arcs = np.empty(count, np.int64), np.empty(max(16, 8 * count), np.int32)
    new, filled = 0, np.int64(0)
    reach, via = np.empty(n), np.empty(n, np.int32)
    done, wanted = np.empty(n, np.bool_), np.zeros(n, np.bool_)
    order = np.empty(n, np.int32)
    heap_key, heap_item = np.empty(len(end) + 2), np.empty(len(end) + 2, np.int32)
    through, hashed = np.zeros(n), np.empty(n, np.uint64)
    for r in range(len(roots)):
        reach[:] = np.inf
        done[:] = False
        left, largest = 0, 0.0
        for k in range(first[r], first[r + 1]):
            if not wanted[destination[k]]:
                wanted[destination[k]] = True
                left += 1
            largest = max(largest, most[k])
        root = roots[r]
        via[root] = -1
        reach[root] = 0.0
        heap_key[0], heap_item[0] = 0.0, root
        size, settled = 1, 0
        while size > 0 and left > 0:
            key, vertex = heap_key[0], heap_item[0]
            if key > largest:
                break
            size -= 1
            last_key, last_item = heap_key[size], heap_item[size]
            hole = 0
            while True:
                child = 2 * hole + 1
                if child >= size:
                    break
                if child + 1 < size and heap_key[child + 1] < heap_key[child]:
                    child += 1
                if heap_key[child] >= last_key:
                    break
                heap_key[hole], heap_item[hole] = heap_key[child], heap_item[child]
                hole = child
            heap_key[hole], heap_item[hole] = last_key, last_item
            if done[vertex]:
                continue
            done[vertex] = True
            order[settled] = vertex
            settled += 1
            if wanted[vertex]:
                left -= 1
            for p in range(start[vertex], start[vertex + 1]):
                other = end[p]
                length = key + weights[arc[p]]
                if length < reach[other]:
                    reach[other] = length
                    via[other] = arc[p]
                    place = size
                    size += 1
                    while place > 0:
                        parent = (place - 1) // 2
                        if heap_key[parent] <= length:
                            break
                        heap_key[place], heap_item[place] = heap_key[parent], heap_item[parent]
                        place = parent
                    heap_key[place], heap_item[place] = length, other
        hashed[root] = np.uint64(0)
        for i in range(1, settled):
            entering = via[order[i]]
            hashed[order[i]] = hashed[tail[entering]] + code[entering]
        for k in range(first[r], first[r + 1]):
            v = destination[k]
            wanted[v] = False
            if not done[v] or reach[v] >= most[k]:
                cost[k] = most[k]
                continue
            cost[k] = reach[v]
            through[v] += tonnes[k]
            mark = hashed[v] ^ salt[k]
            slot = _slot(keys, mark)
            if keys[slot] == mark:
                column[k] = values[slot]
                continue
            while v != root:
                if filled == len(arcs):
                    arcs = np.concatenate((arcs, np.empty_like(arcs)))
                arcs[filled] = via[v]
                filled += 1
                v = tail[via[v]]
            fresh[new], codes[new], ends[new] = k, mark, filled
            new += 1
        for i in range(settled - 1, 0, -1):
            v = order[i]
            if through[v] > 0:
                entering = via[v]
                load[entering] += through[v]
                through[tail[entering]] += through[v]
            through[v] = 0.0
        through[root] = 0.0
    return load, cost, column, fresh[:new], codes[:new], ends[:new], arcs[:filled]
