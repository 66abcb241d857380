"""Orders that may be sold in the other channel: direct ones from stock, and stocked ones directly.

Of one product between two places, what is sold directly and from stock is added up, tier by tier; any split
of it is allowed whose stocked part is within the product's ``stockable_share_max``, or within what is stocked
today where that is more. Each channel keeps its own duty, last mile, order weight, promise and worth of time.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa

from logistics.models.flow.solved import SolvedFlow
from logistics.network.network import Network
from logistics.network.where import matching_rows
from logistics.studies.changed_tables import change_of, with_changes
from logistics.virtual_network.instance import Instance

DIRECT, STOCKED = "direct", "stocked"
CHANNELS = (DIRECT, STOCKED)


@dataclass(frozen=True)
class Channel:
    """Cargo of one tier that may be sold either way.

    Parameters
    ----------
    direct_id, stocked_id
        Its demand rows.
    stockable_share_max
        Largest share that may be stocked.
    """

    direct_id: str
    stocked_id: str
    stockable_share_max: float

    def tonnes(self, tonnes: Mapping[str, float]) -> tuple[float, float]:
        """Tonnes of both rows together, and the most that may be stocked.

        Parameters
        ----------
        tonnes
            By demand row.
        """
        stocked = tonnes[self.stocked_id]
        whole = tonnes[self.direct_id] + stocked
        return whole, max(self.stockable_share_max * whole, stocked)


def with_channels(network: Network, condition: str) -> tuple[Network, tuple[Channel, ...]]:
    """The network with a demand row for each channel and tier of the cargo that may change places.

    Rows that meet `condition`, and those of the same cargo in the other channel, become one row a tier and
    channel, some of them without cargo. Cargo whose product is not described in both channels, by the same
    tiers, or for which the territory has no rules in one of them, stays as it is.

    Raises
    ------
    ConditionError
        When the condition cannot be read.
    """
    rows = network.rows("demand")
    met = set(matching_rows(network.tables["demand"], condition).tolist())
    groups: dict[tuple[str, str, str], list[int]] = {}
    for number, row in enumerate(rows):
        if row["segment"] in CHANNELS:
            groups.setdefault(_cargo(row), []).append(number)
    tiers, share = _tiers(network), dict(_stockable(network))
    rules = _rules(network)
    territory = {str(row["site_id"]): str(row["customs_territory"]) for row in network.rows("sites")}
    kept, split, channels = set(range(len(rows))), [], []
    for (_, destination, product), mine in groups.items():
        cargo = {(territory[destination], name, way) for name in (product, "*") for way in CHANNELS}
        has_rules = {way for *_, way in rules & cargo} == set(CHANNELS)
        if met.isdisjoint(mine) or product not in tiers or not has_rules:
            continue
        kept -= set(mine)
        first = rows[mine[0]]
        for tier, part in tiers[product].items():
            pair = {}
            for way in CHANNELS:
                name = pair[way] = f"{first['demand_id']}.{way}.{tier}"
                tonnes = sum(_of_tier(rows[n], tier, part) for n in mine if rows[n]["segment"] == way)
                new = {"demand_id": name, "segment": way, "tier": tier, "tonnes_per_year": tonnes}
                split.append({**first, **new})
            channels.append(Channel(pair[DIRECT], pair[STOCKED], share[product]))
    table = network.tables["demand"]
    stay = table.take(pa.array(sorted(kept), pa.int64()))
    joined = pa.concat_tables([stay, pa.Table.from_pylist(split, schema=table.schema)])
    return network.with_table("demand", joined.combine_chunks()), tuple(channels)


def _cargo(row: Mapping[str, Any]) -> tuple[str, str, str]:
    return str(row["origin_site"]), str(row["destination_site"]), str(row["product_id"])


def _of_tier(row: Mapping[str, Any], tier: str, share: float) -> float:
    """Tonnes of a demand row in a tier."""
    part = float(row["tier"] == tier) if row["tier"] else share
    return part * float(row["tonnes_per_year"])


def _rules(network: Network) -> set[tuple[str, str, str]]:
    """Territory, product (or ``*``) and segment of each border rule."""
    columns = (network.texts("border_rules", c) for c in ("customs_territory", "product_id", "segment"))
    return {(territory, product, segment) for territory, product, segment in zip(*columns, strict=True)}


def _tiers(network: Network) -> dict[str, dict[str, float]]:
    """Share of each tier, by product; only of products whose two channels have the same tiers."""
    found: dict[tuple[str, str], dict[str, float]] = {}
    for row in network.rows("time_values"):
        shares = found.setdefault((str(row["product_id"]), str(row["segment"])), {})
        shares[str(row["tier"])] = float(row["share"])
    described = {(str(row["product_id"]), str(row["segment"])) for row in network.rows("product_segments")}
    return {
        product: found[product, DIRECT]
        for product in network.texts("products", "product_id")
        if {(product, segment) for segment in CHANNELS} <= described
        and found.get((product, DIRECT)) == found.get((product, STOCKED))
        and (product, DIRECT) in found
    }


def _stockable(network: Network) -> Iterator[tuple[str, float]]:
    """Largest stocked share of each product; blank: all of it."""
    shares = network.numbers("products", "stockable_share_max")
    for product, share in zip(network.texts("products", "product_id"), shares.tolist(), strict=True):
        yield product, 1.0 if np.isnan(share) else share


def most_stocked(network: Network, channels: Sequence[Channel]) -> Network:
    """The network with as much cargo stocked as may be."""
    tonnes = _tonnes(network)
    changes = []
    for one in channels:
        whole, most = one.tonnes(tonnes)
        changes += _split(one, whole, most)
    return with_changes(network, changes)


def split_changes(
    network: Network, channels: Sequence[Channel], instance: Instance, flow: SolvedFlow
) -> list[dict[str, Any]]:
    """Values of the demand table that say how a plan sells what may change places.

    Parameters
    ----------
    instance, flow
        Of the network with as much stocked as may be, and the direct rows as alternatives.
    """
    c = instance.commodities
    moved: dict[str, float] = {}
    for k, tonnes in zip(flow.commodity.tolist(), flow.flow_t.tolist(), strict=True):
        if c.served[k] != k:
            moved[c.demand_id[k]] = moved.get(c.demand_id[k], 0.0) + tonnes
    tonnes, changes = _tonnes(network), []
    for one in channels:
        whole, most = one.tonnes(tonnes)
        changes += _split(one, whole, max(0.0, most - moved.get(one.direct_id, 0.0)))
    return changes


def _tonnes(network: Network) -> dict[str, float]:
    return {str(row["demand_id"]): float(row["tonnes_per_year"]) for row in network.rows("demand")}


def _split(one: Channel, whole_t: float, stocked_t: float) -> list[dict[str, Any]]:
    return [
        change_of("demand", one.direct_id, "tonnes_per_year", whole_t - stocked_t),
        change_of("demand", one.stocked_id, "tonnes_per_year", stocked_t),
    ]
