"""A network: its tables, checked, and what they say about themselves."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from logistics.network.tables import BY_NAME

if TYPE_CHECKING:
    import geopandas
    import networkx


@dataclass(frozen=True)
class NetworkInfo:
    """What ``network.yaml`` says.

    Parameters
    ----------
    name_en, name_zh
        Names for people.
    home_territory
        Customs territory whose trade is looked at; cargo from there is export.
    home_province
        Gateways of this province are local.
    base_year
        Year the plain tables describe.
    years
        Years the network has values for.
    price_year
        Price year of all CNY figures.
    sources
        ``{name, what, licence}`` of each body of data.
    """

    name_en: str
    name_zh: str
    home_territory: str
    home_province: str
    base_year: int
    years: tuple[int, ...]
    price_year: int
    sources: tuple[Mapping[str, str], ...] = ()


@dataclass(frozen=True)
class Leg:
    """One way to ride from a stop of a service to the next.

    Parameters
    ----------
    to_seq
        Number of the stop where the leg ends; it starts at ``to_seq - 1``.
    via_id
        Name of the way, empty when there is only one.
    distance_share
        Share of the service's whole distance, 0 … 1, by the first way of each leg.
    tariff_factor
        Times the service's tariff.
    """

    service_id: str
    from_site: str
    to_site: str
    to_seq: int
    via_id: str
    passages: tuple[str, ...]
    run_h: float
    run_sd_h: float
    distance_km: float
    distance_share: float
    tariff_factor: float


@dataclass(frozen=True)
class Network:
    """Tables of a network folder, all checked.

    Parameters
    ----------
    name
        Name of the folder.
    info
        What ``network.yaml`` says.
    tables
        ``pyarrow.Table`` by table name, columns as in :mod:`logistics.network.tables`; tables by year as
        ``<table>_by_year``.
    """

    name: str
    info: NetworkInfo
    tables: Mapping[str, pa.Table]

    def numbers(self, table: str, column: str) -> NDArray[np.float64]:
        """A number column as floats, NaN where unknown."""
        return np.asarray(self.tables[table].column(column).to_numpy(zero_copy_only=False), dtype=float)

    def texts(self, table: str, column: str) -> list[str]:
        """A text column as strings."""
        return list(self.tables[table].column(column).to_pylist())

    def rows(self, table: str) -> list[dict[str, Any]]:
        """Rows as dicts, for small tables."""
        return list(self.tables[table].to_pylist())

    def row_of(self, table: str) -> dict[str, int]:
        """Row number by id, for tables with a single key."""
        (key,) = BY_NAME[table].key
        return {name: row for row, name in enumerate(self.texts(table, key))}

    def with_table(self, name: str, table: pa.Table) -> Network:
        """Return the network with one table replaced."""
        return replace(self, tables={**self.tables, name: table})

    def at_year(self, year: int) -> Network:
        """Return the network with the values of `year` put in place of the base values."""
        changed = self
        for name, schema in BY_NAME.items():
            by_year = self.tables.get(f"{name}_by_year")
            if by_year is None or by_year.num_rows == 0 or year == self.info.base_year:
                continue
            table = changed.tables[name]
            row_of = {
                key: row
                for row, key in enumerate(zip(*(table[k].to_pylist() for k in schema.key), strict=True))
            }
            values = {}
            for row in by_year.to_pylist():
                if row["year"] != year:
                    continue
                column = str(row["column"])
                if column not in values:
                    values[column] = np.array(table[column].to_numpy(zero_copy_only=False), dtype=float)
                values[column][row_of[tuple(row[k] for k in schema.key)]] = row["value"]
            for column, numbers in values.items():
                place = table.schema.get_field_index(column)
                table = table.set_column(place, column, pa.array(numbers, pa.float64(), from_pandas=True))
            changed = changed.with_table(name, table)
        return changed

    def legs(self) -> list[Leg]:
        """Every way of every leg of every service that is not closed, in table order."""
        stops: dict[str, list[dict[str, Any]]] = {}
        for row in self.rows("service_stops"):
            stops.setdefault(str(row["service_id"]), []).append(row)
        ways: dict[tuple[str, int], list[dict[str, Any]]] = {}
        for row in self.rows("service_via") if "service_via" in self.tables else []:
            ways.setdefault((str(row["service_id"]), int(row["to_seq"])), []).append(row)
        legs = []
        for service in self.texts("services", "service_id"):
            calls = sorted(stops.get(service, []), key=lambda row: row["seq"])
            found = [(calls[i], calls[i + 1], _ways(calls[i + 1], ways)) for i in range(len(calls) - 1)]
            total_km = sum(float(options[0]["distance_km"]) for _, _, options in found)
            for start, end, options in found:
                share = float(options[0]["distance_km"]) / total_km if total_km > 0 else 1 / len(found)
                for way in options:
                    legs.append(_leg(service, start, end, way, share))
        return legs

    def graph(self) -> networkx.MultiDiGraph[str]:
        """Return the physical network as a ``networkx.MultiDiGraph``: sites and service legs."""
        from logistics.network.geography import physical_graph

        return physical_graph(self)

    def sites_gdf(self) -> geopandas.GeoDataFrame:
        """Return the sites as a GeoDataFrame of points."""
        from logistics.network.geography import sites_gdf

        return sites_gdf(self)

    def services_gdf(self) -> geopandas.GeoDataFrame:
        """Return the services as a GeoDataFrame of lines."""
        from logistics.network.geography import services_gdf

        return services_gdf(self)


def _ways(call: dict[str, Any], ways: Mapping[tuple[str, int], list[dict[str, Any]]]) -> list[dict[str, Any]]:
    """Rows of service_via for the leg ending at `call`, or the call's own figures as the only way."""
    listed = ways.get((str(call["service_id"]), int(call["seq"])))
    if listed:
        return listed
    return [{**call, "via_id": "", "passages": "", "tariff_factor": 1.0}]


def _leg(service: str, start: dict[str, Any], end: dict[str, Any], way: dict[str, Any], share: float) -> Leg:
    return Leg(
        service_id=service,
        from_site=str(start["site_id"]),
        to_site=str(end["site_id"]),
        to_seq=int(end["seq"]),
        via_id=str(way["via_id"]),
        passages=tuple(p for p in str(way["passages"]).split("|") if p),
        run_h=float(way["run_h"]),
        run_sd_h=float(way["run_sd_h"]),
        distance_km=float(way["distance_km"]),
        distance_share=share,
        tariff_factor=float(way["tariff_factor"]),
    )
