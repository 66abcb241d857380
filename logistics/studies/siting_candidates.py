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
            changes.append(change_of(TABLE, name, "status", "existing"))
        if open_now[name] != float(row["capacity_t_per_year"]):
            changes.append(change_of(TABLE, name, "capacity_t_per_year", open_now[name]))
        sites.add(str(row["site_id"]))
    changes += [
        change_of("sites", site, "status", "existing") for site in sorted(sites) if status[site] != "existing"
    ]
    return changes + [change_of(TABLE, name, "status", "closed") for name in sorted(closed)]


def with_all_open(network: Network, candidates: Sequence[Candidate], year: int) -> Network:
    """The network with every candidate open that may be."""
    room = {one.id: one.capacity_t(first=False) for one in candidates if one.may_open(year)}
    return with_changes(network, opening_changes(network, room))
