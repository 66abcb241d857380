"""Candidates of a siting study: options of the tables, what they cost, and networks where they are open."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa

from logistics.network.network import Network
from logistics.network.where import matching_rows
from logistics.studies.route_accounts import annuity_factor

TABLE = "warehouse_options"


@dataclass(frozen=True)
class Candidate:
    """A warehouse in one size and ownership that may be opened, or closed.

    Parameters
    ----------
    option, site
        Its row, and that of its site.
    exists
        Whether it is there today: then the choice is whether it stays.
    """

    option: Mapping[str, Any]
    site: Mapping[str, Any]
    exists: bool

    @property
    def id(self) -> str:
        """Name of the option."""
        return str(self.option["option_id"])

    @property
    def site_id(self) -> str:
        """Where it stands."""
        return str(self.option["site_id"])

    def number(self, column: str) -> float:
        """A figure of the option, 0 where it is blank."""
        return float(self.option[column] or 0.0)

    def may_open(self, year: int) -> bool:
        """Whether it can be open in a year."""
        return self.exists or (self.option["opening_year"] or year) <= year

    def annual_cny(self, discount_rate: float) -> float:
        """Fixed cost of a year, and the annuity of the investment."""
        capex = self.number("capex_cny")
        annuity = capex * annuity_factor(discount_rate, self.number("life_years")) if capex else 0.0
        return self.number("fixed_cny_per_year") + annuity

    def capacity_t(self, first: bool) -> float:
        """Tonnes a year, in its first year less what starting up takes."""
        share = self.option.get("ramp_up_first_year_share")
        ramp = float(share) if first and share is not None and not self.exists else 1.0
        return ramp * self.number("capacity_t_per_year")


def candidate_table(network: Network) -> pa.Table:
    """Options with what conditions may name of their sites."""
    site = {str(row["site_id"]): row for row in network.rows("sites")}
    rows = []
    for option in network.rows(TABLE):
        place = site[str(option["site_id"])]
        named = {f: str(place[f]) for f in ("country", "customs_territory", "land_region", "kind")}
        rows.append({**option, **named})
    return pa.Table.from_pylist(rows)


def candidates_of(network: Network, condition: str | None, closable: str | None) -> list[Candidate]:
    """Candidates by id; nothing opens at a site that is closed.

    Raises
    ------
    ConditionError
        When a condition cannot be read.
    """
    table = candidate_table(network)
    site = {str(row["site_id"]): row for row in network.rows("sites")}
    rows = list(network.rows(TABLE))
    wanted = set(matching_rows(table, condition).tolist())
    closing = set(matching_rows(table, closable).tolist()) if closable is not None else set()
    found = []
    for number, row in enumerate(rows):
        if site[str(row["site_id"])]["status"] == "closed":
            continue
        is_new = row["status"] == "option" and number in wanted
        if is_new or (row["status"] == "existing" and number in closing):
            found.append(Candidate(row, site[str(row["site_id"])], exists=not is_new))
    return sorted(found, key=lambda one: one.id)


def opening_changes(
    network: Network, open_now: Mapping[str, float], closed: Iterable[str] = ()
) -> list[dict[str, Any]]:
    """Values of the tables that open some options in a year, and close others.

    Parameters
    ----------
    open_now
        Capacity of each open option in the year, by id, tonnes.
    closed
        Existing options that are closed.
    """
    rows = {str(row["option_id"]): row for row in network.rows(TABLE)}
    status = {str(row["site_id"]): str(row["status"]) for row in network.rows("sites")}
    changes = []
    sites = set()
    for name in sorted(open_now):
        row = rows[name]
        if row["status"] != "existing":
            changes.append(_change(TABLE, name, "status", "existing"))
        if open_now[name] != float(row["capacity_t_per_year"]):
            changes.append(_change(TABLE, name, "capacity_t_per_year", open_now[name]))
        sites.add(str(row["site_id"]))
    changes += [
        _change("sites", site, "status", "existing") for site in sorted(sites) if status[site] != "existing"
    ]
    return changes + [_change(TABLE, name, "status", "closed") for name in sorted(closed)]


def _change(table: str, row: str, column: str, value: object) -> dict[str, Any]:
    return {"table": table, "row": row, "column": column, "value": value}


def with_changes(network: Network, changes: Sequence[Mapping[str, Any]]) -> Network:
    """The network with values changed."""
    key = {TABLE: "option_id", "sites": "site_id"}
    for name in dict.fromkeys(str(change["table"]) for change in changes):
        table = network.tables[name]
        mine = [change for change in changes if change["table"] == name]
        row = {value: place for place, value in enumerate(table[key[name]].to_pylist())}
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


def with_all_open(network: Network, candidates: Sequence[Candidate], year: int) -> Network:
    """The network with every candidate open that may be."""
    room = {one.id: one.capacity_t(first=False) for one in candidates if one.may_open(year)}
    return with_changes(network, opening_changes(network, room))


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
