"""What a siting study's first look says, against distances between its places and the cargo of the tables."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from logistics.errors import Problem, Where
from logistics.network.geography import great_circle_km
from logistics.results.claims import SITING
from logistics.results.findings import differing, unfit
from logistics.results.read import SavedInputs
from logistics.results.siting_options import OptionTable

LOOK, PLACES = "siting_first_look", "siting_first_look_places"
FREE = "gravity"
"""The rule whose places need not be sites."""
BETTER: Mapping[str, tuple[str, float]] = {
    "median": ("mean_km", 1.0),
    "centre": ("farthest_km", 1.0),
    "coverage": ("within_share", -1.0),
}
"""Rules with a bound: what they look at, and whether less of it is better."""
CLOSE = 1e-6
WITHIN_KM = 500.0
"""Distance that counts as near where the study names none."""
Floats = NDArray[np.float64]
Key = tuple[str, str, int]


def first_look_contradictions(folder: Path, saved: SavedInputs) -> Iterator[Problem]:
    """Yield a problem for each figure of the first look that its places do not give.

    Parameters
    ----------
    folder
        The results folder; nothing is looked at where it has no first look.
    saved
        Scenario and tables of each year as they were saved.
    """
    study = saved.scenario["study"]
    if study["kind"] != SITING or not (folder / f"{LOOK}.parquet").exists():
        return
    try:
        looks, places = (pq.read_table(folder / f"{name}.parquet").to_pylist() for name in (LOOK, PLACES))
        yield from _contradictions(study, saved, looks, places)
    except (OSError, KeyError, TypeError, ValueError, ArithmeticError, pa.ArrowException) as error:
        yield Problem("results.unreadable", Where(f"{LOOK}, {PLACES}"), repr(error)[:200])


def _contradictions(
    study: Mapping[str, Any],
    saved: SavedInputs,
    looks: list[dict[str, Any]],
    places: list[dict[str, Any]],
) -> Iterator[Problem]:
    first, last = saved.networks[min(saved.networks)], saved.networks[max(saved.networks)]
    site = {str(row["site_id"]): row for row in last.rows("sites")}
    mine: dict[Key, list[dict[str, Any]]] = {}
    for row in places:
        mine.setdefault(_key(row), []).append(row)
    keys = [_key(row) for row in looks]
    for key in sorted({*keys} ^ mine.keys() | {key for key in keys if keys.count(key) > 1}):
        yield unfit(LOOK, "sites", " ".join(map(str, key)), str(keys.count(key)), str(int(key in mine)))
    within_km = float((study.get("first_look") or {}).get("within_km", WITHIN_KM))
    candidates = OptionTable(first).candidates(study).values()
    for what in sorted({key[0] for key in mine}):
        abroad = what == "warehouses"
        ids = {one.site_id for one in candidates if one.is_facility != abroad}
        around = {site[name]["customs_territory"] for name in ids}
        cargo: dict[str, float] = {}
        for row in last.rows("demand"):
            end = str(row["destination_site" if abroad else "origin_site"])
            if site[end]["customs_territory"] in around and (row["segment"] == "stocked" or not abroad):
                cargo[end] = cargo.get(end, 0.0) + float(row["tonnes_per_year"])
        for row in last.rows("warehouse_options") if abroad else ():
            name = str(row["site_id"])
            if row["status"] == "existing" and site[name]["customs_territory"] in around:
                ids.add(name)
        for row in looks:
            if row["what"] == what and _key(row) in mine:
                yield from _of_rule(row, mine[_key(row)], site, ids, cargo, within_km)


def _key(row: Mapping[str, Any]) -> Key:
    return str(row["what"]), str(row["rule"]), int(row["sites"])


def _of_rule(
    look: Mapping[str, Any],
    places: list[dict[str, Any]],
    site: Mapping[str, Mapping[str, Any]],
    ids: set[str],
    cargo: Mapping[str, float],
    within_km: float,
) -> Iterator[Problem]:
    """A rule's places are sites that may be chosen, and figures are those of the nearest of them."""
    label = " ".join(map(str, _key(look)))
    if len(places) != int(look["sites"]):
        yield unfit(PLACES, "site_id", label, str(len(places)), str(look["sites"]))
    names = [name for name, tonnes in sorted(cargo.items()) if tonnes > 0]
    tonnes = np.array([cargo[name] for name in names])
    km = _away(places, [site[name] for name in names])
    near, nearest = km.argmin(axis=0), km.min(axis=0)
    own: dict[str, Any] = {
        "mean_km": float(nearest @ tonnes / tonnes.sum()),
        "farthest_km": float(nearest.max()),
    }
    # Cargo at the very edge may be counted or not.
    least, most = (
        float(tonnes[nearest <= within_km * (1 + way * 1e-9)].sum() / tonnes.sum()) for way in (-1.0, 1.0)
    )
    own["within_share"] = min(max(float(look["within_share"]), least), most)
    if look["rule"] in BETTER:
        figure, sign = BETTER[look["rule"]]
        # No choice is better than its bound, and a proven one reaches it.
        ahead = sign * (look[figure] - look["bound"])
        if look["proven"] or ahead < 0:
            own["bound"] = look[figure]
    elif look["proven"] or look["bound"] is not None:
        yield unfit(LOOK, "proven", label, str(look["proven"]).lower(), "false")
    yield from differing(LOOK, label, look, own, CLOSE)
    away = _away(places, [site[name] for name in sorted(ids)])
    for number, place in enumerate(places):
        name = str(place["site_id"])
        due = sorted(ids)[int(away[number].argmin())]
        if name not in ids or (look["rule"] != FREE and _moved(place, site[name])):
            yield unfit(PLACES, "site_id", label, name, due)
            continue
        here = near == number
        load = float(tonnes[here].sum())
        figures: dict[str, Any] = {"away_km": float(away[number].min()), "tonnes": load}
        figures["mean_km"] = float(nearest[here] @ tonnes[here]) / load if load > 0 else None
        figures["farthest_km"] = float(nearest[here].max()) if here.any() else None
        yield from differing(PLACES, f"{label} {name}", place, figures, CLOSE)


def _moved(place: Mapping[str, Any], site: Mapping[str, Any]) -> bool:
    return any(abs(float(place[axis]) - float(site[axis])) > 1e-6 for axis in ("lat", "lon"))


def _away(places: list[dict[str, Any]], others: list[Mapping[str, Any]]) -> Floats:
    """Kilometres from each place to each other, shape (places, others)."""
    lat, lon = (np.array([float(row[axis]) for row in places])[:, None] for axis in ("lat", "lon"))
    end = (np.array([float(row[axis]) for row in others]) for axis in ("lat", "lon"))
    return np.asarray(great_circle_km(lat, lon, *end))
