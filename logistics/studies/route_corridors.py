"""Cost and hours along the path of a route, step by step, against the best way there is without it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pyarrow as pa

from logistics.models.routes.worth import UnionFlow
from logistics.network.geography import great_circle_km
from logistics.network.network import Network
from logistics.studies.route_worth import Evaluated, OptionEvaluator
from logistics.studies.typed_rows import table_of
from logistics.virtual_network.instance import Ints, Step

CORRIDORS = pa.schema(
    [
        ("year", pa.int32()),
        ("proposal_id", pa.string()),
        ("demand_id", pa.string()),
        ("product_id", pa.string()),
        ("way", pa.string()),
        ("seq", pa.int32()),
        ("action", pa.string()),
        ("site_id", pa.string()),
        ("to_site_id", pa.string()),
        ("service_id", pa.string()),
        ("distance_km", pa.float64()),
        ("cny_per_t", pa.float64()),
        ("hours", pa.float64()),
        ("total_km", pa.float64()),
        ("total_cny_per_t", pa.float64()),
        ("total_hours", pa.float64()),
    ]
)
"""Steps of the busiest path over a route (way ``proposed``) and of the busiest path that the same cargo takes
without it (``existing``): each step's own distance, money and hours, and those from the start to its end.
Money is tariffs, handling and fees without border taxes and storage; hours are of the pipeline, stock left
out."""


def corridor_table(evaluator: OptionEvaluator, results: list[Evaluated]) -> pa.Table:
    """Steps along the corridors of evaluated options."""
    rows: list[tuple[Any, ...]] = []
    lengths = _Kilometres(evaluator.network)
    for result in results:
        if result.worth is None or result.status != "worth":
            continue
        found = _busiest(evaluator, result.worth.flow, set(result.option.service_ids))
        if found is None:
            continue
        member, path = found
        rows += _steps(evaluator, result, member, path, "proposed", lengths)
        before = _own_path(evaluator.warm.flow, member)
        if before is not None:
            rows += _steps(evaluator, result, member, before, "existing", lengths)
    return table_of(rows, CORRIDORS)


class _Kilometres:
    """How far each step goes: legs of services by the tables, road legs by great circle and circuity."""

    def __init__(self, network: Network) -> None:
        self._legs = {(leg.service_id, leg.to_seq, leg.via_id): leg.distance_km for leg in network.legs()}
        self._sites = {str(row["site_id"]): row for row in network.rows("sites")}
        regions = network.texts("land_regions", "land_region"), network.numbers("land_regions", "circuity")
        self._circuity = dict(zip(*regions, strict=True))

    def of(self, step: Step) -> float:
        """Kilometres of a step; 0 where nothing moves."""
        if step.action == "ride":
            return self._legs[step.service_id, step.stop_seq, step.via_id]
        if step.action not in ("drive", "deliver"):
            return 0.0
        start, end = self._sites[step.site_id], self._sites[step.to_site_id]
        straight = float(great_circle_km(start["lat"], start["lon"], end["lat"], end["lon"]))
        return straight * float(self._circuity[str(start["land_region"])])


def _busiest(evaluator: OptionEvaluator, flow: UnionFlow, services: set[str]) -> tuple[int, Ints] | None:
    """Commodity and path with most tonnes among those that ride one of `services`."""
    instance = evaluator.warm.union.instance
    layer_of = instance.commodities.layer
    best: tuple[float, int] | None = None
    for place in np.argsort(-flow.flow_t, kind="stable").tolist():
        layer = instance.layers[layer_of[flow.commodity[place]]]
        if any(layer.steps[arc].service_id in services for arc in flow.path[place].tolist()):
            best = (float(flow.flow_t[place]), place)
            break
    return None if best is None else (int(flow.commodity[best[1]]), flow.path[best[1]])


def _own_path(flow: UnionFlow, member: int) -> Ints | None:
    mine = np.flatnonzero(flow.commodity == member)
    return None if len(mine) == 0 else flow.path[int(mine[np.argmax(flow.flow_t[mine])])]


def _steps(
    evaluator: OptionEvaluator,
    result: Evaluated,
    member: int,
    path: Ints,
    way: str,
    lengths: _Kilometres,
) -> Iterator[tuple[Any, ...]]:
    instance = evaluator.warm.union.instance
    c = instance.commodities
    layer, product = instance.layers[c.layer[member]], int(c.product[member])
    total = np.zeros(3)
    number = 0
    for arc in path.tolist():
        step = layer.steps[arc]
        own = np.array([lengths.of(step), layer.money_cny_per_t[arc, product], layer.pipeline_h[arc]])
        total = total + own
        if step.action == "stay" and not own.any():
            continue
        number += 1
        yield (
            evaluator.question.year,
            result.option.proposal.id,
            c.demand_id[member],
            instance.products.ids[product],
            way,
            number,
            step.action,
            step.site_id,
            step.to_site_id,
            step.service_id,
            *own.tolist(),
            *total.tolist(),
        )
