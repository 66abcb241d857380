"""Networks with some values of their tables changed, as studies open, close and try things."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pyarrow as pa

from logistics.network.network import Network
from logistics.network.tables import BY_NAME


def change_of(table: str, row: str, column: str, value: object) -> dict[str, Any]:
    """One value of a table that is to change."""
    return {"table": table, "row": row, "column": column, "value": value}


def with_changes(network: Network, changes: Sequence[Mapping[str, Any]]) -> Network:
    """The network with values changed."""
    for name in dict.fromkeys(str(change["table"]) for change in changes):
        table = network.tables[name]
        mine = [change for change in changes if change["table"] == name]
        row = {value: place for place, value in enumerate(table[BY_NAME[name].key[0]].to_pylist())}
        for column in dict.fromkeys(str(change["column"]) for change in mine):
            cells = table[column].to_pylist()
            for change in mine:
                if change["column"] == column:
                    cells[row[change["row"]]] = change["value"]
            place = table.schema.get_field_index(column)
            field = table.schema.field(place)
            table = table.set_column(place, field, pa.array(cells, field.type))
        network = network.with_table(name, table)
    return network


def scaled_table(network: Network, name: str, columns: Sequence[str], factor: float) -> Network:
    """The network with columns of a table times a factor."""
    table = network.tables[name]
    for column in columns:
        place = table.schema.get_field_index(column)
        field = table.schema.field(place)
        values = np.array([np.nan if v is None else float(v) for v in table[column].to_pylist()]) * factor
        cells = [None if np.isnan(value) else float(value) for value in values]
        table = table.set_column(place, field, pa.array(cells, field.type))
    return network.with_table(name, table)
