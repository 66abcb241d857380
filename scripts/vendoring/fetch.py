#!/usr/bin/env python3
"""Fetch and check what the report page brings along; called by ``scripts/vendor``.

The outline of the land is that of world-atlas at 1:110 million, with finer coasts inside a few windows: where
the page lets its reader zoom in, the coarse one would put harbours ashore.
"""

from __future__ import annotations

import base64
import hashlib
import json
import shutil
import subprocess
import sys
import tarfile
import tempfile
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import shapely
from numpy.typing import NDArray

VENDOR = Path(__file__).resolve().parents[2] / "logistics" / "reports" / "assets" / "vendor"
MANIFEST = VENDOR / "vendor.json"
LICENCES = VENDOR / "LICENCES.md"
WINDOWS = (
    ("land-10m.json", (117.5, 26.5, 124.0, 33.0), 0.008),
    ("land-50m.json", (-12.0, 34.5, 42.0, 61.0), 0.04),
    ("land-50m.json", (94.0, -11.0, 127.0, 26.5), 0.06),
    ("land-50m.json", (-126.0, 24.0, -66.0, 50.0), 0.06),
)
"""Source, window (west, south, east, north in degrees), how far a simplified coast may be off in degrees."""
STEPS_PER_DEGREE = 100
Topology = Mapping[str, Any]
Points = NDArray[np.float64]


def main() -> None:
    """Fetch the packages, check them, write the files and the licences."""
    manifest = json.loads(MANIFEST.read_text(encoding="utf-8"))
    with tempfile.TemporaryDirectory() as place:
        packages = {each["name"]: _fetched(each, Path(place)) for each in manifest["packages"]}
        for each in manifest["packages"]:
            for inside, name in each["files"].items():
                (VENDOR / name).write_bytes(_member(packages[each["name"]], inside))
        _write_outline(packages["world-atlas"], VENDOR / manifest["outline"]["file"])
        _write_licences(manifest, packages)
    wrong = [name for name, digest in manifest["sha256"].items() if _sha256(VENDOR / name) != digest]
    if wrong:
        sys.exit(f"not what {MANIFEST.name} says: {', '.join(wrong)}")


def _fetched(package: Mapping[str, Any], place: Path) -> Path:
    """Archive of a package, held against its pinned integrity."""
    npm = shutil.which("npm")
    if npm is None:
        sys.exit("npm is needed")
    asked = f"{package['name']}@{package['version']}"
    done = subprocess.run(  # noqa: S603 - a fixed command on names from the manifest
        [npm, "pack", asked, "--silent", "--pack-destination", str(place)],
        capture_output=True,
        text=True,
        check=True,
    )
    archive = place / done.stdout.split()[-1]
    found = base64.b64encode(hashlib.sha512(archive.read_bytes()).digest()).decode()
    if found != package["sha512"]:
        sys.exit(f"{asked}: the archive is not the one that was pinned")
    return archive


def _member(archive: Path, inside: str) -> bytes:
    with tarfile.open(archive) as files:
        member = files.extractfile(f"package/{inside}")
        assert member is not None
        return member.read()


def _sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def _write_licences(manifest: Mapping[str, Any], packages: Mapping[str, Path]) -> None:
    parts = ["# Licences of what the report page brings along\n"]
    for each in manifest["packages"]:
        words = _member(packages[each["name"]], each["licence_file"]).decode("utf-8").strip()
        parts.append(f"## {each['name']} {each['version']} ({each['licence']})\n\n{words}\n")
    parts.append(f"## The outline of the land\n\n{manifest['outline']['note']}\n")
    LICENCES.write_text("\n".join(parts), encoding="utf-8")


def _write_outline(archive: Path, path: Path) -> None:
    """Write the coarse land with each window cut out and the finer coast put in."""
    coarse = _rings(json.loads(_member(archive, "land-110m.json")))
    # The coast of Antarctica goes around the pole: it closes on the sphere, not in the plane.
    around = [polygon for polygon in coarse if _is_open(polygon[0])]
    land = _polygons(polygon for polygon in coarse if not _is_open(polygon[0]))
    for name, bounds, tolerance in WINDOWS:
        window = shapely.box(*bounds)
        source = _rings(json.loads(_member(archive, name)))
        fine = shapely.intersection(_polygons(p for p in source if not _is_open(p[0])), window)
        land = shapely.union(shapely.difference(land, window), shapely.simplify(fine, tolerance))
    rings = [[_steps(ring) for ring in polygon] for polygon in around]
    rings += [
        [_steps(np.asarray(ring.coords)) for ring in (polygon.exterior, *polygon.interiors)]
        for polygon in shapely.get_parts(shapely.normalize(land))
        if polygon.geom_type == "Polygon"
    ]
    kept = [[ring for ring in polygon if len(ring) >= 4] for polygon in rings if len(polygon[0]) >= 4]
    arcs = [ring for polygon in kept for ring in polygon]
    numbers = iter(range(len(arcs)))
    topology = {
        "type": "Topology",
        "objects": {
            "land": {
                "type": "MultiPolygon",
                "arcs": [[[next(numbers)] for _ in polygon] for polygon in kept],
            }
        },
        "arcs": [_deltas(ring) for ring in arcs],
        "transform": {"scale": [1 / STEPS_PER_DEGREE] * 2, "translate": [0, 0]},
    }
    path.write_text(json.dumps(topology, separators=(",", ":")) + "\n", encoding="utf-8")


def _steps(coordinates: Points) -> list[tuple[int, int]]:
    """A ring on the grid, repeated points left out."""
    grid = np.rint(coordinates * STEPS_PER_DEGREE).astype(int)
    fresh = np.ones(len(grid), dtype=bool)
    fresh[1:] = np.any(grid[1:] != grid[:-1], axis=1)
    return [(int(x), int(y)) for x, y in grid[fresh]]


def _deltas(ring: list[tuple[int, int]]) -> list[list[int]]:
    before = [(0, 0), *ring[:-1]]
    return [[x - a, y - b] for (x, y), (a, b) in zip(ring, before, strict=True)]


def _rings(topology: Topology) -> list[list[Points]]:
    """Rings of each polygon of the object ``land``; longitudes run on past 180° instead of jumping back."""
    scale, translate = np.array(topology["transform"]["scale"]), np.array(topology["transform"]["translate"])
    arcs = [np.cumsum(arc, axis=0) * scale + translate for arc in topology["arcs"]]
    return [
        [_ring(arcs, numbers) for numbers in polygon] for polygon in _arcs_of(topology["objects"]["land"])
    ]


def _arcs_of(part: Topology) -> Iterator[list[list[int]]]:
    if part["type"] == "GeometryCollection":
        for each in part["geometries"]:
            yield from _arcs_of(each)
    elif part["type"] == "Polygon":
        yield part["arcs"]
    else:
        yield from part["arcs"]


def _ring(arcs: list[Points], numbers: list[int]) -> Points:
    pieces = [arcs[number] if number >= 0 else arcs[~number][::-1] for number in numbers]
    ring = np.concatenate([piece[min(i, 1) :] for i, piece in enumerate(pieces)])
    ring[:, 0] = np.unwrap(ring[:, 0], period=360)
    # Wherever it began, its middle lies on the map.
    ring[:, 0] -= 360 * np.rint(ring[:, 0].mean() / 360)
    return ring


def _is_open(ring: Points) -> bool:
    return bool(abs(ring[-1, 0] - ring[0, 0]) > 1)


def _polygons(rings: Iterable[list[Points]]) -> shapely.Geometry:
    return shapely.make_valid(shapely.MultiPolygon([shapely.Polygon(each[0], each[1:]) for each in rings]))


if __name__ == "__main__":
    main()
