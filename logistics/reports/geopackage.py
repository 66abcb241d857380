"""The GIS layers of a result: sites, passages, loads of services and roads, and what a plan may yet choose.

One GeoPackage in WGS-84, which QGIS opens; names of layers are Chinese, then English. Planes fly along great
circles, densified, and every line is cut where it crosses 180° longitude.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyogrio
import shapely
from numpy.typing import NDArray

from logistics.network.geography import great_circle_km
from logistics.network.network import Network
from logistics.plan import Plan
from logistics.reports.blocks import say
from logistics.reports.lanes import Point
from logistics.reports.legs import RIDE, Leg, leg_loads
from logistics.reports.option_facts import facts_of_options, facts_of_sites
from logistics.reports.source import Results, chosen_plan
from logistics.reports.strands import LegLines

CRS = "EPSG:4326"
STEP_KM = 150.0
FIXED_DATE = "2000-01-01T00:00:00.000Z"
"""The file says nothing about when it was written."""
SITE_COLUMNS = ("site_id", "kind", "name_zh", "name_en", "country", "province", "prefecture", "status")
PASSAGE_COLUMNS = ("passage_id", "kind", "name_zh", "name_en", "status")
SERVICE_COLUMNS = (
    "service_id",
    "name_zh",
    "name_en",
    "mode",
    "service_class",
    "operator",
    "departures_per_week",
)
OPTION_COLUMNS = ("option_id", "ownership", "size", "status", "capacity_t_per_year", "opening_year")
Rows = list[dict[str, Any]]


def write_geopackage(results: Results, path: Path) -> None:
    """Write the layers of a result as the GeoPackage `path`, which must not exist.

    Raises
    ------
    OSError
        When the file cannot be written.
    """
    # The file is moved to its place when it is whole, so that no write of it needs to wait for the disk.
    pyogrio.set_gdal_config_options({"OGR_CURRENT_DATE": FIXED_DATE, "OGR_SQLITE_SYNCHRONOUS": "OFF"})
    layers: dict[str, tuple[str, Rows]] = {
        name: (shape, []) for name, shape in (*((n, "Point") for n in ("sites", "passages")),)
    }
    layers |= {name: ("MultiLineString", []) for name in ("legs", "roads")}
    layers["options"] = ("Point", [])
    layers["proposed"] = ("MultiLineString", [])
    lines = LegLines(list(results.networks.values()))
    for year in sorted(results.networks):
        for name, rows in _rows_of_year(results, year, lines).items():
            layers[name][1].extend(rows)
    written = False
    for name, (shape, rows) in layers.items():
        if rows:
            words = say(f"report.layer.{name}")
            _write_layer(path, f"{words.zh} {words.en}", shape, rows, append=written)
            written = True


def _write_layer(path: Path, name: str, shape: str, rows: Rows, *, append: bool) -> None:
    columns = {key: [row[key] for row in rows] for key in rows[0] if key != "geometry"}
    table = pa.table(columns)
    # A column without any value would have no type.
    for place, column in enumerate(table.schema):
        if pa.types.is_null(column.type):
            table = table.set_column(place, column.name, table[column.name].cast(pa.string()))
    shapes = shapely.to_wkb([row["geometry"] for row in rows]).tolist()
    table = table.append_column("geometry", pa.array(shapes, pa.binary()))
    try:
        pyogrio.write_arrow(
            table,
            path,
            layer=name,
            driver="GPKG",
            geometry_name="geometry",
            geometry_type=shape,
            crs=CRS,
            append=append,
        )
    except pyogrio.errors.DataSourceError as error:
        raise OSError(str(error)) from error


@dataclass
class _Carried:
    """Tonnes of a plan in a year: by leg, into and out of sites, through passages."""

    legs: dict[Leg, float] = field(default_factory=dict)
    into: dict[str, float] = field(default_factory=dict)
    out: dict[str, float] = field(default_factory=dict)
    through: dict[str, float] = field(default_factory=dict)

    @classmethod
    def of(cls, plan: Plan, network: Network, year: int, lines: LegLines) -> _Carried:
        """Add up the legs of a plan."""
        loads = leg_loads(plan, network, year)
        tonnes = np.bincount(loads.leg_row, loads.tonnes, minlength=len(loads.legs)).tolist()
        found = cls(legs=dict(zip(loads.legs, tonnes, strict=True)))
        for leg, load in found.legs.items():
            found.into[leg.to_site] = found.into.get(leg.to_site, 0.0) + load
            found.out[leg.from_site] = found.out.get(leg.from_site, 0.0) + load
            for passage in lines.passages_of(leg):
                found.through[passage] = found.through.get(passage, 0.0) + load
        return found


def _amounts(column: str, amounts: Sequence[float]) -> dict[str, float]:
    """An amount; where options or sites were chosen also the one with them, and the change."""
    first, *others = amounts
    return {column: first} | {
        name: value
        for each in others
        for name, value in ((f"chosen_{column}", each), (f"change_{column}", each - first))
    }


def _rows_of_year(results: Results, year: int, lines: LegLines) -> dict[str, Rows]:
    network = results.networks[year]
    chosen = chosen_plan(results, year)
    plans = [results.plans[""], *([results.plans[chosen]] if chosen else [])]
    carried = [_Carried.of(plan, network, year, lines) for plan in plans]
    services = {row["service_id"]: row for row in network.rows("services")}
    found, candidates = facts_of_options(results, year), facts_of_sites(results)
    rooms = {(row["service_id"], row["leg"]): row for row in results.rows("services") if row["year"] == year}
    legs: Rows = []
    roads: Rows = []
    for leg in sorted({leg for each in carried for leg in each.legs}):
        row = _leg_row(leg, _amounts("tonnes", [each.legs.get(leg, 0.0) for each in carried]), year, lines)
        if leg.action == RIDE:
            legs.append({**_some(services[leg.service_id], SERVICE_COLUMNS), **_room(leg, rooms), **row})
        else:
            roads.append({"action": leg.action, **row})
    sites = network.rows("sites")
    place = {row["site_id"]: row for row in sites}
    return {
        "sites": [
            {
                "year": year,
                **_some(row, SITE_COLUMNS),
                **_amounts("arriving_t", [each.into.get(row["site_id"], 0.0) for each in carried]),
                **_amounts("leaving_t", [each.out.get(row["site_id"], 0.0) for each in carried]),
                "geometry": shapely.Point(row["lon"], row["lat"]),
            }
            for row in sites
        ],
        "passages": [
            {
                "year": year,
                **_some(row, PASSAGE_COLUMNS),
                **_amounts("tonnes", [each.through.get(row["passage_id"], 0.0) for each in carried]),
                "geometry": shapely.Point(row["lon"], row["lat"]),
            }
            for row in network.rows("passages")
        ],
        "legs": legs,
        "roads": roads,
        "options": [
            {
                "year": year,
                **_some(row, OPTION_COLUMNS),
                **candidates.of(str(row["option_id"])),
                "site_id": row["site_id"],
                **_some(place[row["site_id"]], ("name_zh", "name_en")),
                "geometry": shapely.Point(place[row["site_id"]]["lon"], place[row["site_id"]]["lat"]),
            }
            for row in network.rows("warehouse_options")
        ],
        "proposed": [
            {
                "year": year,
                **_some(services[leg.service_id], SERVICE_COLUMNS),
                **found.of(str(services[leg.service_id]["pair_id"])),
                "leg": leg.to_seq,
                "from_site": leg.from_site,
                "to_site": leg.to_site,
                "geometry": drawn(
                    lines.line(Leg(RIDE, leg.from_site, leg.to_site, leg.service_id, leg.to_seq, leg.via_id))
                ),
            }
            for leg in network.legs()
            if services[leg.service_id]["status"] == "proposed"
        ],
    }


def _leg_row(leg: Leg, amounts: Mapping[str, float], year: int, lines: LegLines) -> dict[str, Any]:
    return {
        "year": year,
        "from_site": leg.from_site,
        "to_site": leg.to_site,
        **amounts,
        "geometry": drawn(lines.line(leg)),
    }


def _room(leg: Leg, rooms: Mapping[tuple[str, int], Mapping[str, Any]]) -> dict[str, Any]:
    """Capacity of a leg, which several ways of it share."""
    room = rooms.get((leg.service_id, leg.stop_seq), {})
    keys = ("capacity_t", "load_factor")
    return {"leg": leg.stop_seq, "via_id": leg.via_id, **{key: room.get(key) for key in keys}}


def _some(row: Mapping[str, Any], keys: Sequence[str]) -> dict[str, Any]:
    return {key: row[key] for key in keys}


def drawn(points: Sequence[Point]) -> shapely.MultiLineString:
    """A line along great circles between `points`, in pieces where it crosses 180° longitude.

    Parameters
    ----------
    points
        Longitude and latitude, degrees.
    """
    path = np.concatenate([_arc(a, b) for a, b in pairwise(points)])
    path[:, 0] = np.unwrap(path[:, 0], period=360)
    whole = shapely.LineString(path)
    if np.abs(path[:, 0]).max() <= 180:
        return shapely.MultiLineString([whole])
    pieces: list[shapely.LineString] = []
    for turn in (-360, 0, 360):
        part = shapely.intersection(whole, shapely.box(turn - 180, -90, turn + 180, 90))
        for piece in shapely.get_parts(part):
            if piece.geom_type == "LineString" and piece.length > 0:
                pieces.append(shapely.LineString(np.asarray(piece.coords) - [turn, 0]))
    return shapely.MultiLineString(pieces or [whole])


def _arc(a: Point, b: Point) -> NDArray[np.float64]:
    """Points of a great circle from `a` to `b`, ends included."""
    (x, y) = (_on_sphere(point) for point in (a, b))
    angle = float(np.arccos(np.clip(x @ y, -1, 1)))
    if angle < 1e-9:
        return np.array([a, b])
    count = 1 + int(np.ceil(float(great_circle_km(a[1], a[0], b[1], b[0])) / STEP_KM))
    share = np.linspace(0, 1, count + 1)[:, None]
    points = (np.sin((1 - share) * angle) * x + np.sin(share * angle) * y) / np.sin(angle)
    arc: NDArray[np.float64] = np.degrees(
        np.column_stack([np.arctan2(points[:, 1], points[:, 0]), np.arcsin(points[:, 2])])
    )
    arc[0], arc[-1] = a, b
    return arc


def _on_sphere(point: Point) -> NDArray[np.float64]:
    lon, lat = np.radians(point)
    return np.asarray([np.cos(lat) * np.cos(lon), np.cos(lat) * np.sin(lon), np.sin(lat)])
