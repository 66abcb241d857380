"""What the page's map draws: places, strands, and the tonnes of each plan, as plain data for JSON.

A page must stay small enough to be sent around: plans with a base say by leg and traffic where they differ
from it. The others give tonnes by leg, product and traffic where there is room for that, else by leg and
traffic. Where even that would be too much, legs that carry least are left out, and the page says what share
that is.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from logistics.network.network import Network
from logistics.plan import Plan
from logistics.reports.blocks import Words
from logistics.reports.legs import RIDE, TRAFFICS, Leg, LegLoads, leg_loads
from logistics.reports.page_words import MODES
from logistics.reports.strands import LegLines, strands_of

MOST_LEGS = 4_000
MOST_CELLS = 16_000
"""Entries by product of one plan; one with more is told by traffic alone."""
MOST_ENTRIES = 24_000
"""Entries of all plans together; where they would be more only the first plan is told by product."""
ENOUGH_T = 0.05
"""Tonnes a year; a smaller difference is none."""
WHOLE_T = 100.0
"""Tonnes a year; smaller cells are rounded to a tenth of a tonne, others to a tonne."""
DEGREES = 3
"""Decimals of coordinates: about 100 m."""


@dataclass(frozen=True)
class Snapshot:
    """One plan in one year, to be drawn.

    Parameters
    ----------
    plan_id
        Its id; ``""`` is the result's own plan.
    year
        Year.
    words
        What the reader chooses it by.
    plan, network
        The plan, and the network of the year.
    base
        Number of the snapshot it is compared with; -1: none.
    """

    plan_id: str
    year: int
    words: Words
    plan: Plan
    network: Network
    base: int = -1


def map_of(snapshots: Sequence[Snapshot]) -> dict[str, Any]:
    """Return everything the map needs of some plans."""
    network = snapshots[0].network
    loads = [leg_loads(each.plan, each.network, each.year) for each in snapshots]
    legs, kept_share = _kept_legs(loads)
    number = {leg: row for row, leg in enumerate(legs)}
    lines = LegLines([each.network for each in snapshots])
    sites = _sites(snapshots, legs)
    site_row = {site: row for row, site in enumerate(sites["id"])}
    services = _services([each.network for each in snapshots], legs)
    service_row = {service: row for row, service in enumerate(services["id"])}
    points: dict[tuple[float, float], int] = {}
    strands = [
        (
            MODES.index(strand.mode),
            [
                points.setdefault((round(x, DEGREES), round(y, DEGREES)), len(points))
                for x, y in strand.points
            ],
            strand.legs,
        )
        for strand in strands_of(legs, lines)
    ]
    told = [_cells(each, number) for each in loads]
    by_product = _by_product(told, [each.base for each in snapshots])
    return {
        "sites": sites,
        "passages": _passages(snapshots, legs, lines),
        "services": services,
        "products": [[row["name_en"], row["name_zh"]] for row in network.rows("products")],
        "traffics": [list(pair) for pair in TRAFFICS],
        "legs": {
            "from": [site_row[leg.from_site] for leg in legs],
            "to": [site_row[leg.to_site] for leg in legs],
            "service": [service_row.get(leg.service_id, -1) for leg in legs],
        },
        "points": [list(point) for point in points],
        "strands": [list(strand) for strand in strands],
        "snapshots": [
            {
                "id": each.plan_id,
                "year": each.year,
                "name": [each.words.en, each.words.zh],
                "base": each.base,
                **_told(told[i], told[each.base] if each.base >= 0 else None, by_product=i in by_product),
            }
            for i, each in enumerate(snapshots)
        ],
        "kept": kept_share,
    }


Cells = Mapping[tuple[int, int, int], float]
"""Tonnes by leg, product and traffic."""


def _by_product(told: Sequence[Cells], bases: Sequence[int]) -> set[int]:
    """Plans to tell by product: all without a base where there is room for it, else the first at most."""
    own = [i for i, base in enumerate(bases) if base < 0]
    others = [(mine, base) for mine, base in zip(told, bases, strict=True) if base >= 0]
    changed = sum(len(_changed(_by_traffic(mine), told[base])) for mine, base in others)
    if changed + sum(len(told[i]) for i in own) <= MOST_ENTRIES:
        return set(own)
    return {0} if len(told[0]) <= MOST_CELLS else set()


def _kept_legs(loads: Sequence[LegLoads]) -> tuple[list[Leg], float]:
    """Legs to draw, and the share of tonnes times legs that they carry."""
    tonnes: dict[Leg, float] = {}
    for each in loads:
        by_leg = np.bincount(each.leg_row, each.tonnes, minlength=len(each.legs))
        for leg, amount in zip(each.legs, by_leg, strict=True):
            tonnes[leg] = max(tonnes.get(leg, 0.0), float(amount))
    legs = sorted(tonnes)
    if len(legs) <= MOST_LEGS:
        return legs, 1.0
    # Services first: a reader looks for them by name.
    legs.sort(key=lambda leg: (leg.action != RIDE, -tonnes[leg]))
    kept = legs[:MOST_LEGS]
    return sorted(kept), sum(tonnes[leg] for leg in kept) / sum(tonnes.values())


def _cells(loads: LegLoads, number: Mapping[Leg, int]) -> Cells:
    row_of: NDArray[np.int64] = np.array([number.get(leg, -1) for leg in loads.legs], dtype=np.int64)
    rows = row_of[loads.leg_row] if len(loads.legs) else loads.leg_row
    cells = zip(
        rows.tolist(),
        loads.product_row.tolist(),
        loads.traffic_row.tolist(),
        loads.tonnes.tolist(),
        strict=True,
    )
    return {(leg, product, traffic): tonnes for leg, product, traffic, tonnes in cells if leg >= 0}


def _told(cells: Cells, base: Cells | None, *, by_product: bool) -> dict[str, Any]:
    """Cells of a snapshot, one list a leg: steps from the leg before, then what and tonnes in turns.

    Of a snapshot with a base only what differs is told.
    """
    if by_product:
        entries = {
            (leg, product * len(TRAFFICS) + traffic): t for (leg, product, traffic), t in cells.items()
        }
    else:
        entries = _by_traffic(cells)
    if base is not None:
        entries = _changed(entries, base)
    lists: list[list[float]] = []
    last = 0
    for (leg, what), amount in sorted(entries.items()):
        if leg != last or not lists:
            lists.append([leg - last])
            last = leg
        lists[-1] += [what, _short(amount)]
    return {"by_product": by_product, "cells": lists}


def _changed(entries: Mapping[tuple[int, int], float], base: Cells) -> dict[tuple[int, int], float]:
    """Entries by leg and traffic that are not those of the base."""
    old = _by_traffic(base)
    return {
        key: entries.get(key, 0.0)
        for key in entries.keys() | old.keys()
        if abs(entries.get(key, 0.0) - old.get(key, 0.0)) > ENOUGH_T
    }


def _by_traffic(cells: Cells) -> dict[tuple[int, int], float]:
    sums: dict[tuple[int, int], float] = {}
    for (leg, _, traffic), tonnes in cells.items():
        sums[(leg, traffic)] = sums.get((leg, traffic), 0.0) + tonnes
    return sums


def _short(amount: float) -> float:
    rounded = round(amount, 1 if amount < WHOLE_T else 0)
    return int(rounded) if rounded == int(rounded) else rounded


def _sites(snapshots: Sequence[Snapshot], legs: Sequence[Leg]) -> dict[str, Any]:
    """Sites that a leg begins or ends at."""
    used = {site for leg in legs for site in (leg.from_site, leg.to_site)}
    rows = {str(row["site_id"]): row for each in snapshots for row in each.network.rows("sites")}
    kept = [row for name, row in rows.items() if name in used]
    return {
        "id": [row["site_id"] for row in kept],
        "kind": _numbered([row["kind"] for row in kept]),
        "lon": [round(row["lon"], DEGREES) for row in kept],
        "lat": [round(row["lat"], DEGREES) for row in kept],
        "en": [row["name_en"] for row in kept],
        "zh": [row["name_zh"] for row in kept],
    }


def _services(networks: Sequence[Network], legs: Sequence[Leg]) -> dict[str, Any]:
    used = {leg.service_id for leg in legs}
    rows = {str(row["service_id"]): row for network in networks for row in network.rows("services")}
    kept = [row for name, row in rows.items() if name in used]
    return {
        "id": [row["service_id"] for row in kept],
        "en": [row["name_en"] for row in kept],
        "zh": [row["name_zh"] for row in kept],
        "class": _numbered([row["service_class"] for row in kept]),
        "mode": [MODES.index(row["mode"]) for row in kept],
    }


def _numbered(words: Sequence[str]) -> dict[str, list[Any]]:
    """Words that repeat: which there are, and the number of each."""
    known = {word: number for number, word in enumerate(dict.fromkeys(words))}
    return {"words": list(known), "of": [known[word] for word in words]}


def _passages(snapshots: Sequence[Snapshot], legs: Sequence[Leg], lines: LegLines) -> dict[str, list[Any]]:
    """Passages, each with the legs that run through it."""
    through: dict[str, list[int]] = {}
    for row, leg in enumerate(legs):
        for passage in lines.passages_of(leg):
            through.setdefault(passage, []).append(row)
    known = {str(row["passage_id"]): row for each in snapshots for row in each.network.rows("passages")}
    rows = list(known.values())
    return {
        "id": [row["passage_id"] for row in rows],
        "lon": [round(row["lon"], DEGREES) for row in rows],
        "lat": [round(row["lat"], DEGREES) for row in rows],
        "en": [row["name_en"] for row in rows],
        "zh": [row["name_zh"] for row in rows],
        "legs": [through.get(str(row["passage_id"]), []) for row in rows],
    }
