"""Reading an approved base map."""

from __future__ import annotations

import json
from pathlib import Path

from logistics.errors import Problem, Where, stop_on_errors
from logistics.reports.page import Basemap

KINDS = ("FeatureCollection", "Feature", "Polygon", "MultiPolygon", "LineString", "MultiLineString")
LARGEST_BYTES = 20_000_000


def read_basemap(path: Path, approval: str) -> Basemap:
    """Read a base map from GeoJSON in longitude and latitude.

    Parameters
    ----------
    approval
        Number of its approval (审图号).

    Raises
    ------
    InputError
        When there is no number, or the file is no GeoJSON.
    """
    where = Where(str(path))
    if not approval.strip():
        stop_on_errors([Problem("report.no_approval", where)])
    try:
        if path.stat().st_size > LARGEST_BYTES:
            stop_on_errors([Problem("report.basemap", where, str(path.stat().st_size), str(LARGEST_BYTES))])
        layers = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        stop_on_errors([Problem("report.basemap", where, str(error)[:200])])
    if not isinstance(layers, dict) or layers.get("type") not in KINDS:
        stop_on_errors([Problem("report.basemap", where, "", ", ".join(KINDS))])
    return Basemap(layers, approval.strip())
