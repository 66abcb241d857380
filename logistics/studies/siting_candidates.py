"""Candidates of a siting study: options of the tables, what they cost, and networks where they are open."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pyarrow as pa

from logistics.network.network import Network
from logistics.network.where import matching_rows
from logistics.studies.changed_tables import change_of, with_changes
from logistics.studies.route_accounts import annuity_factor

WAREHOUSES, FACILITIES = "warehouse_options", "facility_options"
OF_SITE = ("country", "prefecture", "customs_territory", "land_region", "kind")
OF_OPTION = ("option_id", "site_id", "ownership", "size", "status")
"""What conditions may name, whatever the tables hold."""


@dataclass(frozen=True)
class Candidate:
    """A warehouse in one size and ownership, or another site in one size, that may be opened, or closed.

    Parameters
    ----------
    table
        Where its row stands.
    option, site
        Its row, and that of its site.
    exists
        Whether it is there today: then the choice is whether it stays.
    """

    table: str
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

    @property
    def is_facility(self) -> bool:
        """Whether it is no warehouse: it opens its site, with as much throughput as it has."""
        return self.table == FACILITIES

    @property
    def moves_from(self) -> str:
        """Existing option that closes where this one opens; empty: none."""
        return str(self.option.get("moves_from") or "")

    @property
    def place(self) -> tuple[str, str]:
        """Kind and id of the resource that it opens."""
        return ("site", self.site_id) if self.is_facility else ("warehouse", self.id)

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
        """Tonnes a year for the network's demand, in its first year less what starting up takes."""
        share = self.option.get("ramp_up_first_year_share")
        ramp = float(share) if first and share is not None and not self.exists else 1.0
        other = float(self.site["background_t_per_year"] or 0.0) if self.is_facility else 0.0
        return max(0.0, ramp * self.number("capacity_t_per_year") - other)


def candidate_table(network: Network) -> pa.Table:
    """Options of both tables with what conditions may name of their sites; blank: their table has no such."""
    site = {str(row["site_id"]): row for row in network.rows("sites")}
    rows: list[dict[str, Any]] = []
    for table in (WAREHOUSES, FACILITIES):
        for option in network.rows(table):
            place = site[str(option["site_id"])]
            rows.append({"table": table, **option, **{field: place[field] for field in OF_SITE}})
    columns = dict.fromkeys([*OF_OPTION, *OF_SITE, *(name for row in rows for name in row)])
    return pa.Table.from_pylist([{name: row.get(name) for name in columns} for row in rows])


def candidates_of(
    network: Network, condition: str | None, closable: str | None, facilities: str | None = None
) -> list[Candidate]:
    """Candidates by id; nothing opens at a site that is closed.

    Parameters
    ----------
    condition, closable
        On warehouses that may be opened, and that may be closed; None: all where no facilities are asked for,
        and none.
    facilities
        On facilities; None: none.

    Raises
    ------
    ConditionError
        When a condition cannot be read.
    """
    table = candidate_table(network)
    site = {str(row["site_id"]): row for row in network.rows("sites")}

    def meeting(asked: str | None, *, without: bool) -> set[int]:
        if asked is None and not without:
            return set()
        return set(matching_rows(table, asked).tolist())

    rows = table.to_pylist()
    closing, built = meeting(closable, without=False), meeting(facilities, without=False)
    leaving = {str(rows[number]["option_id"]) for number in closing}
    wanted = meeting(condition, without=facilities is None)
    found = []
    for number, row in enumerate(rows):
        name, place = str(row["table"]), site[str(row["site_id"])]
        if place["status"] == "closed":
            continue
        if name == FACILITIES:
            is_new = number in built and place["status"] == "option"
        else:
            # A warehouse is moved only where the old one may be closed.
            stays = bool(row["moves_from"]) and row["moves_from"] not in leaving
            is_new = number in wanted and row["status"] == "option" and not stays
        is_closable = name == WAREHOUSES and number in closing and row["status"] == "existing"
        if is_new or is_closable:
            found.append(Candidate(name, row, place, exists=not is_new))
    return sorted(found, key=lambda one: one.id)


def opening_changes(
    network: Network,
    candidates: Iterable[Candidate],
    open_now: Mapping[str, float],
    closed: Iterable[str] = (),
) -> list[dict[str, Any]]:
    """Values of the tables that open some candidates in a year, and close others.

    A facility opens its site; services that are proposed and call nowhere but at sites that are open then
    run with it.

    Parameters
    ----------
    open_now
        Capacity of each open option in the year, by id, tonnes.
    closed
        Existing options that are closed.
    """
    open_ones = [one for one in candidates if one.id in open_now]
    status = {str(row["site_id"]): str(row["status"]) for row in network.rows("sites")}
    changes = []
    for one in open_ones:
        if one.is_facility:
            continue
        if one.option["status"] != "existing":
            changes.append(change_of(WAREHOUSES, one.id, "status", "existing"))
        if open_now[one.id] != float(one.option["capacity_t_per_year"]):
            changes.append(change_of(WAREHOUSES, one.id, "capacity_t_per_year", open_now[one.id]))
    sites = sorted({one.site_id for one in open_ones})
    changes += [
        change_of("sites", site, "status", "existing") for site in sites if status[site] != "existing"
    ]
    room: dict[str, float] = {}
    for one in open_ones:
        if one.is_facility:
            background = float(one.site["background_t_per_year"] or 0.0)
            room[one.site_id] = room.get(one.site_id, background) + open_now[one.id]
    changes += [change_of("sites", site, "throughput_t_per_year", room[site]) for site in sorted(room)]
    is_open = {site for site in status if status[site] == "existing"} | set(sites)
    for service in sorted(calling_at(network, set(room), is_open)):
        changes.append(change_of("services", service, "status", "existing"))
    return changes + [change_of(WAREHOUSES, name, "status", "closed") for name in sorted(closed)]


def calling_at(network: Network, opening: set[str], is_open: set[str]) -> dict[str, list[str]]:
    """Proposed services that call at a site that opens, and at none that is not open, with their calls."""
    calls: dict[str, list[str]] = {}
    for row in network.rows("service_stops"):
        calls.setdefault(str(row["service_id"]), []).append(str(row["site_id"]))
    proposed = {str(row["service_id"]) for row in network.rows("services") if row["status"] == "proposed"}
    return {
        name: sites
        for name, sites in calls.items()
        if name in proposed and opening & set(sites) and is_open >= set(sites)
    }


def with_all_open(network: Network, candidates: Sequence[Candidate], year: int) -> Network:
    """The network with every candidate open that may be."""
    room = {one.id: one.capacity_t(first=False) for one in candidates if one.may_open(year)}
    return with_changes(network, opening_changes(network, candidates, room))
