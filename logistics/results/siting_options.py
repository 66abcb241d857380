"""Options of a siting study as the saved tables tell them: what may be chosen, what it costs, what opens it.

Written a second time, from what the documents say and nothing of the study's own.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import pyarrow as pa

from logistics.network.network import Network
from logistics.network.where import matching_rows

WAREHOUSES, FACILITIES, SITES = "warehouse_options", "facility_options", "sites"
CAPACITY, THROUGHPUT, STATUS = "capacity_t_per_year", "throughput_t_per_year", "status"
ASKED_OF_OPTIONS = ("option_id", "site_id", "ownership", "size", STATUS)
ASKED_OF_SITES = ("country", "prefecture", "customs_territory", "land_region", "kind")
TOLD_OF_SITES = ("name_en", "name_zh", "country", "prefecture", "kind")
TOLD_OF_OPTIONS = ("site_id", "size", "source", "confidence")
Cell = tuple[str, str, str]
"""Table, row and column of a value."""


@dataclass(frozen=True)
class Option:
    """A candidate.

    Parameters
    ----------
    row, site
        Its row in the tables, and that of its site.
    exists
        Whether it is there today, so that the choice is whether it stays.
    """

    row: Mapping[str, Any]
    site: Mapping[str, Any]
    is_facility: bool
    exists: bool

    @property
    def id(self) -> str:
        """Name of the option."""
        return str(self.row["option_id"])

    @property
    def site_id(self) -> str:
        """Where it stands."""
        return str(self.row["site_id"])

    @property
    def place(self) -> tuple[str, str]:
        """Kind and id of what cargo through it draws on."""
        return ("site", self.site_id) if self.is_facility else ("warehouse", self.id)

    def figure(self, column: str) -> float:
        """A cell as a number, 0 where it is blank."""
        return float(self.row.get(column) or 0.0)

    def annual_cny(self, rate: float) -> float:
        """Fixed cost of a year and the annuity of the investment: capex · r / (1 − (1 + r)^−life)."""
        capex, life = self.figure("capex_cny"), self.figure("life_years")
        if capex == 0:
            return self.figure("fixed_cny_per_year")
        share = 1.0 / life if rate == 0 else rate / (1.0 - (1.0 + rate) ** -life)
        return self.figure("fixed_cny_per_year") + capex * share

    @property
    def background_t(self) -> float:
        """What other cargo takes of a facility's site, tonnes a year."""
        return float(self.site["background_t_per_year"] or 0.0) if self.is_facility else 0.0

    @property
    def first_year_share(self) -> float:
        """Share of its capacity that can be used in the year in which it opens."""
        share = self.row.get("ramp_up_first_year_share")
        return 1.0 if self.exists or share is None else float(share)

    def room_t(self, *, first: bool = False) -> float:
        """Tonnes a year for the network's demand, in the year in which it opens or later."""
        share = self.first_year_share if first else 1.0
        return max(0.0, share * self.figure(CAPACITY) - self.background_t)

    def may_open(self, year: int) -> bool:
        """Whether it can be open in a year."""
        return self.exists or int(self.row.get("opening_year") or year) <= year

    def facts(self, rate: float) -> dict[str, Any]:
        """What the table of candidates must say of it, whatever is chosen; blank texts are empty."""
        texts = {column: str(self.site[column] or "") for column in TOLD_OF_SITES}
        texts |= {column: str(self.row[column] or "") for column in TOLD_OF_OPTIONS}
        figures = {column: self.figure(column) for column in ("capex_cny", "fixed_cny_per_year")}
        figures |= {CAPACITY: self.room_t(), "annual_cny": self.annual_cny(rate)}
        ownership = "" if self.is_facility else str(self.row["ownership"])
        return {**texts, "ownership": ownership, "exists": self.exists, **figures}


class OptionTable:
    """The options of the first year's tables, and the conditions of a study on them."""

    def __init__(self, network: Network) -> None:
        self._sites = {str(row["site_id"]): row for row in network.rows(SITES)}
        self._rows = [
            {
                "table": table,
                **row,
                **{name: self._sites[str(row["site_id"])][name] for name in ASKED_OF_SITES},
            }
            for table in (WAREHOUSES, FACILITIES)
            for row in network.rows(table)
        ]
        names = dict.fromkeys(
            [*ASKED_OF_OPTIONS, *ASKED_OF_SITES, *(name for row in self._rows for name in row)]
        )
        self._table = pa.Table.from_pylist([{name: row.get(name) for name in names} for row in self._rows])

    def meeting(self, condition: str | None) -> set[str]:
        """Ids of the options that meet a condition; None: all."""
        return {str(self._rows[i]["option_id"]) for i in matching_rows(self._table, condition).tolist()}

    def candidates(self, study: Mapping[str, Any]) -> dict[str, Option]:
        """What a study may choose, by id.

        Warehouses of status `option`, unless facilities alone are asked for; facilities whose site has that
        status; existing warehouses that may be closed. Nothing at a site that is closed.
        """
        wanted, built, closing = (study.get(name) for name in ("candidates", "facilities", "closable"))
        new = set() if wanted is None and built is not None else self.meeting(wanted)
        facilities = set() if built is None else self.meeting(built)
        leaving = set() if closing is None else self.meeting(closing)
        found = {}
        for row in self._rows:
            name, site = str(row["option_id"]), self._sites[str(row["site_id"])]
            if site[STATUS] == "closed":
                continue
            if row["table"] == FACILITIES:
                if name in facilities and site[STATUS] == "option":
                    found[name] = Option(row, site, is_facility=True, exists=False)
            elif (
                name in new and row[STATUS] == "option" and row.get("moves_from") in ("", None, *leaving)
            ) or (name in leaving and row[STATUS] == "existing"):
                found[name] = Option(row, site, is_facility=False, exists=row[STATUS] == "existing")
        return found


def opened(network: Network, options: Iterable[Option], room: Mapping[str, float]) -> dict[Cell, Any]:
    """Values of a year's tables that open some candidates with so much room, and close what is not kept.

    Parameters
    ----------
    room
        Tonnes a year of what is open, by id.
    """
    cells: dict[Cell, Any] = {}
    status = {str(row["site_id"]): row[STATUS] for row in network.rows(SITES)}
    through: dict[str, float] = {}
    for one in options:
        open_now = one.id in room
        if one.exists and not open_now:
            cells[WAREHOUSES, one.id, STATUS] = "closed"
        if not open_now:
            continue
        if status[one.site_id] != "existing":
            cells[SITES, one.site_id, STATUS] = "existing"
        if one.is_facility:
            through[one.site_id] = through.get(one.site_id, one.background_t) + room[one.id]
            continue
        if not one.exists:
            cells[WAREHOUSES, one.id, STATUS] = "existing"
        if room[one.id] != one.figure(CAPACITY):
            cells[WAREHOUSES, one.id, CAPACITY] = room[one.id]
    cells |= {(SITES, site, THROUGHPUT): tonnes for site, tonnes in through.items()}
    open_sites = {site for site, word in status.items() if word == "existing"}
    open_sites |= {site for table, site, column in cells if (table, column) == (SITES, STATUS)}
    for service in _coming_with(network, set(through), open_sites):
        cells["services", service, STATUS] = "existing"
    return cells


def _coming_with(network: Network, opening: set[str], open_sites: set[str]) -> Iterator[str]:
    """Proposed services that call at a facility that opens, and nowhere but at sites that are open."""
    calls: dict[str, set[str]] = {}
    for row in network.rows("service_stops"):
        calls.setdefault(str(row["service_id"]), set()).add(str(row["site_id"]))
    for row in network.rows("services"):
        sites = calls.get(str(row["service_id"]), set())
        if row[STATUS] == "proposed" and sites & opening and sites <= open_sites:
            yield str(row["service_id"])
