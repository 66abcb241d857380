"""What a siting study says in its tables, against its plans and the saved tables: choice, rules, money, cargo."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from logistics.errors import Problem, Where
from logistics.network.network import Network
from logistics.plan import Plan
from logistics.results.claims import CLOSE, ResultClaims
from logistics.results.layout import RESULT
from logistics.results.read import SavedInputs
from logistics.results.siting_cargo import Interval, carried, figures_of
from logistics.results.siting_options import DISCOUNT_RATE, Cell, Option, OptionTable, opened
from logistics.verification.verdict import Verdict

SITING = "siting"
CANDIDATES, PLANS, YEARS = "candidates", "siting_plans", "siting_years"
SOLVED = 2e-6
"""Flows of the tables and of the plans are solved apart, each to a gap; so much of the cost may differ."""
CARGO = 1e-4
"""And so much of the cargo, which is less certain than its cost."""
CHANNEL = ("demand", "tonnes_per_year")
"""How cargo is sold is judged by itself."""
SOURCE = ("sites", "stocked_from")
"""A market that may be served from anywhere may be bound to one warehouse: that makes no plan cheaper."""


def siting_contradictions(
    folder: Path,
    saved: SavedInputs,
    said: ResultClaims,
    plans: Mapping[str, tuple[Plan, Network]],
    before: Sequence[Verdict],
    after: Mapping[str, Verdict],
) -> Iterator[Problem]:
    """Yield a problem for each choice that the study does not allow, and each figure that does not follow.

    Parameters
    ----------
    folder
        The results folder.
    saved
        Scenario and tables of each year as they were saved.
    said
        Content of ``result.json``.
    plans
        The chosen plan's years by id, with the tables in which its candidates are open.
    before, after
        Verdicts of the years with what exists, and of the plans.
    """
    if saved.scenario["study"]["kind"] != SITING or not said.plans:
        return
    try:
        names = (CANDIDATES, PLANS, YEARS)
        tables = {name: pq.read_table(folder / f"{name}.parquet").to_pylist() for name in names}
        claims = _Claims(saved, said, tables)
        yield from claims.of_candidates()
        yield from claims.of_choice()
        yield from claims.of_changes()
        yield from claims.of_years({verdict.year: verdict for verdict in before}, after)
        yield from claims.of_plans()
        yield from claims.of_cargo(plans)
    except (OSError, KeyError, TypeError, ValueError, ArithmeticError, pa.ArrowException) as error:
        yield Problem("results.unreadable", Where(f"{CANDIDATES}, {PLANS}, {YEARS}"), repr(error)[:200])


class _Claims:
    """A study's tables, and what its options and its choice make of them."""

    def __init__(
        self, saved: SavedInputs, said: ResultClaims, tables: Mapping[str, Sequence[Mapping[str, Any]]]
    ) -> None:
        self._saved, self._said, self._tables = saved, said, tables
        self._study: Mapping[str, Any] = saved.scenario["study"]
        self._years = sorted(saved.networks)
        self._options = OptionTable(saved.networks[self._years[0]])
        self._candidates = self._options.candidates(self._study)
        self._rate = float(self._study.get("discount_rate", DISCOUNT_RATE))
        self._rows = {str(row["option_id"]): row for row in tables[CANDIDATES]}
        # From when each chosen candidate is open; what exists is so from the first year on.
        self._opens: dict[str, int] = {
            name: self._years[0] if self._candidates[name].exists else int(row["opens"] or 0)
            for name, row in self._rows.items()
            if row["chosen"] and name in self._candidates
        }

    def _annual(self, ids: Iterable[str]) -> float:
        return sum(self._candidates[name].annual_cny(self._rate) for name in ids)

    def _new(self, ids: Iterable[str]) -> dict[str, Option]:
        return {name: self._candidates[name] for name in ids if not self._candidates[name].exists}

    def of_candidates(self) -> Iterator[Problem]:
        """Candidates are those of the tables, and their rows say what the tables say."""
        names = [str(row["option_id"]) for row in self._tables[CANDIDATES]]
        twice = {name for name in names if names.count(name) > 1}
        for name in sorted(set(names) ^ self._candidates.keys() | twice):
            found, due = (name if name in some else "" for some in (names, self._candidates))
            yield _unfit(CANDIDATES, "option_id", name, found, due)
        for name in sorted(self._rows.keys() & self._candidates.keys()):
            one, row = self._candidates[name], self._rows[name]
            own = one.facts(self._rate)
            saved, room = row.get("alone_saved_at_most_cny"), one.room_t()
            # One that opens too late stands alone nowhere.
            if saved is not None and one.may_open(self._years[-1]):
                own["alone_net_at_most_cny"] = saved - own["annual_cny"]
            if row.get("alone_tonnes") is not None and room > 0:
                own["alone_utilisation"] = row["alone_tonnes"] / room
            yield from _differing(CANDIDATES, name, row, own)

    def of_choice(self) -> Iterator[Problem]:
        """What is chosen may be: when it opens, beside what, how many, for how much money."""
        years = self._years[:1] if self._study.get("opening") == "first_year" else self._years
        opening: dict[int, list[Option]] = {}
        for name in sorted(self._rows.keys() & self._candidates.keys()):
            one, row = self._candidates[name], self._rows[name]
            is_new = row["chosen"] and not one.exists
            allowed = [year for year in years if one.may_open(year)] if is_new else []
            if row["opens"] not in (allowed if is_new else [None]):
                due = ", ".join(map(str, allowed))
                yield _unfit(CANDIDATES, "opens", name, _shown(row["opens"]), due)
            if is_new:
                opening.setdefault(self._opens[name], []).append(one)
        for subject, found, due in self._options.broken_rules(self._study, self._new(self._opens)):
            yield _unfit(CANDIDATES, "chosen", subject, found, due)
        for subject, found, due in self._options.overspent(self._study, opening):
            yield _unfit(CANDIDATES, "capex_cny", subject, found, due)

    def of_changes(self) -> Iterator[Problem]:
        """Each year's plan opens what is chosen, with the room that it then has, and changes nothing else."""
        names = {f"{year}-{SITING}": year for year in self._years}
        for name in sorted(names.keys() ^ self._said.plans.keys()):
            yield _unfit(RESULT, "plans", "", name, ", ".join(names))
        for name in sorted(names.keys() & self._said.plans.keys()):
            network, plan = self._saved.networks[names[name]], self._said.plans[name]
            if plan.year != names[name]:
                yield _unfit(RESULT, f"plans {name}", "year", str(plan.year), str(names[name]))
            own = opened(network, self._candidates.values(), self._room(names[name]))
            bound = {str(row["site_id"]) for row in network.rows("sites") if row.get(SOURCE[1])}
            found: dict[Cell, Any] = {}
            for change in plan.changes:
                cell = str(change["table"]), str(change["row"]), str(change["column"])
                kind = cell[0], cell[2]
                if kind != CHANNEL and not (kind == SOURCE and cell[1] not in bound):
                    found[cell] = change["value"]
            for cell in sorted(own.keys() | found.keys()):
                one, other = found.get(cell), own.get(cell)
                if not _same(one, other, CLOSE):
                    yield _unfit(RESULT, f"plans {name}", " ".join(cell), _shown(one), _shown(other))

    def _room(self, year: int) -> dict[str, float]:
        """Tonnes a year of each candidate that is open in a year."""
        opens = {name: first for name, first in self._opens.items() if first <= year}
        room = {name: self._candidates[name].room_t(first=first == year) for name, first in opens.items()}
        return {name: tonnes for name, tonnes in room.items() if tonnes > 0}

    def of_years(self, before: Mapping[int, Verdict], after: Mapping[str, Verdict]) -> Iterator[Problem]:
        """What opens by year, what it costs, and what its flows cost by the verdicts."""
        rows = self._tables[YEARS]
        listed = [int(row["year"]) for row in rows]
        if listed != self._years:
            found, due = (", ".join(map(str, years)) for years in (listed, self._years))
            yield _unfit(YEARS, "year", "", found, due)
            return
        value = sum(row["flow_after_cny"] + row["warehouses_cny"] for row in rows)
        for year, row in zip(listed, rows, strict=True):
            is_open = [name for name, first in self._opens.items() if first <= year]
            opening = self._new(name for name, first in self._opens.items() if first == year)
            own = {
                "open": len(is_open),
                "opened": len(opening),
                "capex_cny": _capex(opening),
                "warehouses_cny": self._annual(is_open),
                "saved_cny": row["flow_before_cny"] - row["flow_after_cny"] - row["warehouses_cny"],
                "value_cny": value,
                "gap": max(0.0, value - row["bound_cny"]) / max(1.0, abs(value)),
            }
            yield from _differing(YEARS, str(year), row, own)
            flows = {"flow_after_cny": after[f"{year}-{SITING}"].objective}
            if self._study.get("channels") is None:
                flows["flow_before_cny"] = before[year].objective
            yield from _differing(YEARS, str(year), row, flows, SOLVED + self._said.gap_asked)

    def of_plans(self) -> Iterator[Problem]:
        """What plans of the last year open and cost, and how they compare."""
        rows = self._tables[PLANS]
        value = {row["kind"]: row["value_cny"] for row in rows if row["kind"] in ("base", "best")}
        saved = _less(value.get("base"), value.get("best"))
        existing = sorted(self._candidates.keys() - self._new(self._candidates).keys())
        for row in rows:
            kind, label = str(row["kind"]), f"{row['kind']} {row['name']}"
            ids = [name for name in str(row["options"]).split("|") if name]
            known = sorted(set(ids) & self._candidates.keys())
            due = {"best": sorted(self._opens), "base": existing}.get(kind, known)
            if ids != due:
                yield _unfit(PLANS, "options", label, ", ".join(ids), ", ".join(due))
            new = self._new(known)
            if kind in ("sweep", "alternative", "frontier"):
                for subject, found, allowed in self._options.broken_rules(self._study, new):
                    yield _unfit(PLANS, "options", f"{label} {subject}", found, allowed)
            if kind == "sweep" and len(new) > int(row["name"]):
                yield _unfit(PLANS, "options", label, str(len(new)), f"≤ {row['name']}")
            worse = _less(row["value_cny"], value.get("best"))
            own = {
                "sites": len({one.site_id for one in new.values()}),
                "warehouses_cny": self._annual(known),
                "capex_cny": _capex(new),
                "worse_cny": worse,
            }
            if kind != "frontier" and worse is not None and saved is not None and saved > 0:
                own["worse_share_of_benefit"] = worse / saved
            yield from _differing(PLANS, label, row, own)

    def of_cargo(self, plans: Mapping[str, tuple[Plan, Network]]) -> Iterator[Problem]:
        """Cargo of the last year's plan, all of it and through each candidate that is open."""
        year = self._years[-1]
        plan, network = plans[f"{year}-{SITING}"]
        facilities = any(one.is_facility for one in self._candidates.values())
        every = facilities or self._study.get("channels") is not None
        cargo = carried(network, year, plan, stocked_only=not every)
        through = 0.0
        for name in self._opens:
            one, row = self._candidates[name], self._rows[name]
            own = figures_of([some for some in cargo if one.place in some.places])
            tonnes = own["tonnes"][0] if own["tonnes"] else 0.0
            through += 0.0 if one.exists else tonnes
            own["utilisation"] = _share(tonnes, one.room_t())
            yield from _outside(CANDIDATES, name, row, {f"plan_{what}": ends for what, ends in own.items()})
        new = self._new(self._opens)
        if any(self._opens[name] == year and one.first_year_share < 1 for name, one in new.items()):
            return  # In the table of plans every candidate is past its first year.
        own = figures_of(cargo)
        own["utilisation"] = _share(through, sum(one.room_t() for one in new.values()))
        for row in self._tables[PLANS]:
            if row["kind"] == "best" and row["value_cny"] is not None:
                yield from _outside(PLANS, "best", row, own)


def _capex(options: Mapping[str, Option]) -> float:
    return sum(one.figure("capex_cny") for one in options.values())


def _less(a: float | None, b: float | None) -> float | None:
    return None if a is None or b is None else a - b


def _share(tonnes: float, room: float) -> Interval | None:
    return (tonnes / room, tonnes / room) if tonnes > 0 and room > 0 else None


def _same(a: Any, b: Any, close: float) -> bool:
    if isinstance(a, float | int) and isinstance(b, float | int):
        return bool(abs(a - b) <= close * max(1.0, abs(b)))
    return bool((a or "") == (b or ""))


def _shown(value: Any) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    return "" if value is None else f"{value:.12g}" if isinstance(value, float) else str(value)


def _unfit(file: str, column: str, subject: str, found: str, due: str) -> Problem:
    """What is chosen, or changed, is not what study and tables give."""
    return Problem("verify.siting", Where(_file(file), 0, column), found, due, subject)


def _file(table: str) -> str:
    return table if table == RESULT else f"{table}.parquet"


def _differing(
    table: str, thing: str, said: Mapping[str, Any], own: Mapping[str, Any], close: float = CLOSE
) -> Iterator[Problem]:
    """Cells of a row that are not what they are by the tables; columns that an older folder lacks are left."""
    for name in sorted(own.keys() & said.keys()):
        if not _same(said[name], own[name], close):
            where = Where(_file(table), 0, name)
            yield Problem("verify.bill", where, _shown(said[name]), _shown(own[name]), f"{thing} {name}")


def _outside(
    table: str, thing: str, said: Mapping[str, Any], own: Mapping[str, Interval | None]
) -> Iterator[Problem]:
    """Cells of a row that do not lie between the two ends in which the plan's cargo has them."""
    for name in sorted(own.keys() & said.keys()):
        ends = own[name]
        nearest = None if ends is None else min(max(said[name] or 0.0, ends[0]), ends[1])
        yield from _differing(table, thing, {name: said[name]}, {name: nearest}, CARGO)
