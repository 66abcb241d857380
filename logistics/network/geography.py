"""Distances on the sphere, and the network as geometry for people and GIS."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from logistics.units import EARTH_RADIUS_KM

if TYPE_CHECKING:
    import geopandas
    import networkx

    from logistics.network.network import Network

Floats = NDArray[np.float64]


def great_circle_km(
    lat1: Floats | float, lon1: Floats | float, lat2: Floats | float, lon2: Floats | float
) -> Floats:
    """Great-circle distance by the haversine formula; arguments in degrees, broadcast together."""
    phi1, phi2 = np.radians(lat1), np.radians(lat2)
    half = np.sin((phi2 - phi1) / 2) ** 2
    half = (
        half + np.cos(phi1) * np.cos(phi2) * np.sin(np.radians(np.asarray(lon2) - np.asarray(lon1)) / 2) ** 2
    )
    return np.asarray(2 * EARTH_RADIUS_KM * np.arcsin(np.sqrt(np.clip(half, 0.0, 1.0))))


def sites_gdf(network: Network) -> geopandas.GeoDataFrame:
    """Sites as points, one row a site, all columns of the table, WGS-84."""
    import geopandas

    frame = network.tables["sites"].to_pandas()
    points = geopandas.points_from_xy(frame["lon"], frame["lat"])
    return geopandas.GeoDataFrame(frame, geometry=points, crs="EPSG:4326")


def services_gdf(network: Network) -> geopandas.GeoDataFrame:
    """Services as lines through their stops in order, one row a service, WGS-84.

    Lines are drawn straight between stops in longitude and latitude; they are for looking at, not for
    measuring.
    """
    import geopandas
    import shapely

    sites = network.tables["sites"]
    place = dict(
        zip(
            sites["site_id"].to_pylist(),
            zip(sites["lon"].to_pylist(), sites["lat"].to_pylist(), strict=True),
            strict=True,
        )
    )
    stops: dict[str, list[tuple[int, str]]] = {}
    table = network.tables["service_stops"]
    for service, seq, site in zip(
        table["service_id"].to_pylist(), table["seq"].to_pylist(), table["site_id"].to_pylist(), strict=True
    ):
        stops.setdefault(service, []).append((int(seq), site))
    frame = network.tables["services"].to_pandas()
    lines = [
        shapely.LineString([place[site] for _, site in sorted(stops.get(service, []))])
        for service in frame["service_id"]
    ]
    return geopandas.GeoDataFrame(frame, geometry=lines, crs="EPSG:4326")


def physical_graph(network: Network) -> networkx.MultiDiGraph[str]:
    """Sites as nodes and service legs as edges keyed by (service, leg, via), for people and tests."""
    import networkx

    graph: networkx.MultiDiGraph[str] = networkx.MultiDiGraph(name=network.name)
    sites = network.tables["sites"].to_pylist()
    graph.add_nodes_from((row["site_id"], row) for row in sites)
    services = {row["service_id"]: row for row in network.tables["services"].to_pylist()}
    for leg in network.legs():
        graph.add_edge(
            leg.from_site,
            leg.to_site,
            key=(leg.service_id, leg.to_seq, leg.via_id),
            mode=services[leg.service_id]["mode"],
            run_h=leg.run_h,
            distance_km=leg.distance_km,
            passages=leg.passages,
        )
    return graph
