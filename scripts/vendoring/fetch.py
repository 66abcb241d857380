#!/usr/bin/env python3
"""Fetch and check what the report page brings along; called by ``scripts/vendor``.

The outline of the land is that of world-atlas at 1:110 million, with finer coasts inside a few windows: where
the page lets its reader zoom in, the coarse one would put harbours ashore.
"""

from __future__ import annotations

import hashlib
import json
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import shapely
from numpy.typing import NDArray

HERE = Path(__file__).resolve().parent
VENDOR = HERE.parents[1] / "logistics" / "reports" / "assets" / "vendor"
MANIFEST = VENDOR / "vendor.json"
LICENCES = VENDOR / "LICENCES.md"
PINNED = ("package.json", "package-lock.json")
"""Which packages, of which versions, and the hashes of their archives."""
ENTRY = "libraries.js"
"""What the page's scripts call; nothing else of the libraries gets into the page."""
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
        work = Path(place)
        for name in (*PINNED, ENTRY):
            shutil.copy(HERE / name, work / name)
        _run(work, "npm", "ci", "--ignore-scripts", "--silent")
        packages = work / "node_modules"
        bundled = _write_libraries(work, VENDOR / "libraries.min.js", manifest)
        _write_outline(packages / "world-atlas", VENDOR / manifest["outline"]["file"])
        _write_licences(manifest, packages, [*bundled, "world-atlas"])
    wrong = [name for name, digest in manifest["sha256"].items() if _sha256(VENDOR / name) != digest]
    if wrong:
        sys.exit(f"not what {MANIFEST.name} says: {', '.join(wrong)}")


def _run(work: Path, program: str, *arguments: str) -> None:
    found = shutil.which(program)
    if found is None:
        sys.exit(f"{program} is needed")
    subprocess.run([found, *arguments], cwd=work, check=True)  # noqa: S603 - fixed commands


def _write_libraries(work: Path, path: Path, manifest: Mapping[str, Any]) -> list[str]:
    """Write what the page needs of the libraries as one script; return the packages that are in it."""
    program = str(work / "node_modules" / ".bin" / "esbuild")
    options = ("--bundle", "--minify", "--format=iife", "--charset=utf8", "--metafile=parts.json")
    _run(work, program, ENTRY, *options, f"--banner:js=// {manifest['banner']}", "--outfile=libraries.min.js")
    shutil.copy(work / "libraries.min.js", path)
    parts = json.loads((work / "parts.json").read_text(encoding="utf-8"))["outputs"]["libraries.min.js"]
    used = [name for name, part in parts["inputs"].items() if part["bytesInOutput"]]
    return sorted({found[1] for name in used if (found := re.match(r"node_modules/([^/]+)/", name))})


def _sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def _write_licences(manifest: Mapping[str, Any], packages: Path, names: Sequence[str]) -> None:
    """Licences, each with the packages that it covers."""
    covered: dict[tuple[str, str], list[str]] = {}
    for name in names:
        about = json.loads((packages / name / "package.json").read_text(encoding="utf-8"))
        words = next((packages / name).glob("LICEN[SC]E*")).read_text(encoding="utf-8").strip()
        covered.setdefault((about["license"], words), []).append(f"{name} {about['version']}")
    parts = ["# Licences of what the report page brings along\n"]
    parts += [f"## {', '.join(mine)} ({licence})\n\n{words}\n" for (licence, words), mine in covered.items()]
    parts.append(f"## The outline of the land\n\n{manifest['outline']['note']}\n")
    LICENCES.write_text("\n".join(parts), encoding="utf-8")


def _write_outline(package: Path, path: Path) -> None:
    """Write the coarse land with each window cut out and the finer coast put in."""
    coarse = _rings(json.loads((package / "land-110m.json").read_text(encoding="utf-8")))
    # The coast of Antarctica goes around the pole: it closes on the sphere, not in the plane.
    around = [polygon for polygon in coarse if _is_open(polygon[0])]
    land = _polygons(polygon for polygon in coarse if not _is_open(polygon[0]))
    for name, bounds, tolerance in WINDOWS:
        window = shapely.box(*bounds)
        source = _rings(json.loads((package / name).read_text(encoding="utf-8")))
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
