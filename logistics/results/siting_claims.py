"""What a siting study says of its choice, rules, money and cargo, against its plans and the saved tables."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from logistics.errors import Problem, Where
from logistics.network.network import Network
from logistics.plan import Plan
from logistics.results.claims import CLOSE, SITING, ResultClaims
from logistics.results.findings import differing, same, shown, unfit
from logistics.results.layout import RESULT
from logistics.results.read import SavedInputs
from logistics.results.siting_cargo import (
    cargo_of,
    figures_of,
    nearest,
    of_itself,
    sold_either_way,
    unbound_markets,
)
from logistics.results.siting_choice import Choice, invested_cny
from logistics.results.siting_options import Cell, OptionTable, opened
from logistics.results.stock_claims import PLANNED, STOCK, stock_contradictions
from logistics.verification.verdict import Verdict

CANDIDATES, PLANS, YEARS = "candidates", "siting_plans", "siting_years"
SOLVED = 2e-6
"""Flows of the tables and of the plans are solved apart, each to a gap; so much of the cost may differ."""
ALL_CARGO, THROUGH_ONE = 1e-3, 1e-6
"""Cargo of the table of plans is solved apart, too, and what costs the same may go other ways: so far may
figures of all of it differ. Those of one candidate are read from the plan itself. What a row says of itself
must fit exactly."""
CHANNEL = ("demand", "tonnes_per_year")
"""How cargo is sold is judged by itself."""
SOURCE = ("sites", "stocked_from")
"""Where it comes from, where each market has one site alone."""


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
    if saved.scenario["study"]["kind"] != SITING:
        return
    try:
        path = folder / f"{YEARS}.parquet"
        if not said.plans and not (path.exists() and pq.read_metadata(path).num_rows):
            return  # There is no best plan.
        names = (CANDIDATES, PLANS, YEARS)
        tables = {name: pq.read_table(folder / f"{name}.parquet").to_pylist() for name in names}
        claims = _Claims(saved, said, tables)
        yield from claims.of_candidates()
        yield from claims.of_choice()
        yield from claims.of_changes()
        yield from claims.of_sources(plans)
        path = folder / f"{STOCK}.parquet"
        stock = pq.read_table(path).to_pylist() if path.exists() else []
        yield from stock_contradictions(stock, {name: network for name, (_, network) in plans.items()}, after)
        flows_before = {verdict.year: verdict.objective for verdict in before}
        flows_after = {said.plans[name].year: verdict.objective for name, verdict in after.items()}
        yield from claims.of_years(flows_before, flows_after)
        yield from claims.of_plans(flows_before, flows_after)
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
        options = OptionTable(saved.networks[self._years[0]])
        self._candidates = options.candidates(self._study)
        self._rows = {str(row["option_id"]): row for row in tables[CANDIDATES]}
        opens = {
            name: self._years[0] if self._candidates[name].exists else int(row["opens"] or 0)
            for name, row in self._rows.items()
            if row["chosen"] and name in self._candidates
        }
        self._choice = Choice(self._study, options, self._candidates, opens)

    def of_candidates(self) -> Iterator[Problem]:
        """Candidates are those of the tables, and their rows say what the tables say."""
        names = [str(row["option_id"]) for row in self._tables[CANDIDATES]]
        twice = {name for name in names if names.count(name) > 1}
        for name in sorted(set(names) ^ self._candidates.keys() | twice):
            found, due = (name if name in some else "" for some in (names, self._candidates))
            yield unfit(CANDIDATES, "option_id", name, found, due)
        nets = {name: -float(row.get("alone_net_at_most_cny") or 0.0) for name, row in self._rows.items()}
        order = sorted(nets, key=lambda name: (nets[name], name))
        for name in sorted(self._rows.keys() & self._candidates.keys()):
            one, row = self._candidates[name], self._rows[name]
            own = one.facts(self._choice.rate)
            saved = row.get("alone_saved_at_most_cny")
            # One that opens too late stands alone nowhere.
            if saved is not None and one.may_open(self._years[-1]):
                own["alone_net_at_most_cny"] = saved - own["annual_cny"]
            if "alone_net_at_most_cny" in row:
                rank = own["rank"] = order.index(name) + 1
                own["rank_best"] = min(row.get("rank_best") or rank, rank)
                own["rank_worst"] = max(row.get("rank_worst") or rank, rank)
            for part in ("alone_", "plan_"):
                own |= of_itself(row, part, one.room_t())
            yield from differing(CANDIDATES, name, row, own)

    def of_choice(self) -> Iterator[Problem]:
        """What is chosen may be: when it opens, beside what, how many, for how much money."""
        for name in sorted(self._rows.keys() & self._candidates.keys()):
            one, row = self._candidates[name], self._rows[name]
            is_new = row["chosen"] and not one.exists
            allowed = self._choice.may_open_in(name, self._years) if is_new else []
            if row["opens"] not in (allowed if is_new else [None]):
                due = ", ".join(map(str, allowed))
                yield unfit(CANDIDATES, "opens", name, shown(row["opens"]), due)
        for subject, found, due in self._choice.broken_rules(self._choice.opens):
            yield unfit(CANDIDATES, "chosen", subject, found, due)
        for subject, found, due in self._choice.overspent():
            yield unfit(CANDIDATES, "capex_cny", subject, found, due)

    def of_changes(self) -> Iterator[Problem]:
        """Each year's plan opens what is chosen, with the room that it then has, and changes nothing else."""
        names = {f"{year}-{SITING}": year for year in self._years}
        for name in sorted(names.keys() ^ self._said.plans.keys()):
            yield unfit(RESULT, "plans", "", name, ", ".join(names))
        for name in sorted(names.keys() & self._said.plans.keys()):
            network, plan = self._saved.networks[names[name]], self._said.plans[name]
            if plan.year != names[name]:
                yield unfit(RESULT, f"plans {name}", "year", str(plan.year), str(names[name]))
            own = opened(network, self._candidates.values(), self._choice.room_t(names[name]))
            found: dict[Cell, Any] = {}
            for change in plan.changes:
                cell = str(change["table"]), str(change["row"]), str(change["column"])
                kind = cell[0], cell[2]
                sourced = kind == SOURCE and self._study.get("single_source")
                if kind not in (CHANNEL, PLANNED) and not sourced:
                    found[cell] = change["value"]
            for cell in sorted(own.keys() | found.keys()):
                one, other = found.get(cell), own.get(cell)
                if cell not in found or cell not in own or not same(one, other, CLOSE):
                    yield unfit(RESULT, f"plans {name}", " ".join(cell), shown(one), shown(other))

    def of_sources(self, plans: Mapping[str, tuple[Plan, Network]]) -> Iterator[Problem]:
        """Each market is bound to one site, where the study asks for it; the check of plans does the rest."""
        for name, (plan, network) in plans.items() if self._study.get("single_source") else ():
            for market in unbound_markets(network, plan):
                yield unfit(RESULT, f"plans {name}", f"sites {market} {SOURCE[1]}", "", "1")

    def of_years(self, before: Mapping[int, float], after: Mapping[int, float]) -> Iterator[Problem]:
        """What opens by year, what it costs, and what its flows cost by the verdicts."""
        rows = self._tables[YEARS]
        listed = [int(row["year"]) for row in rows]
        if listed != self._years:
            found, due = (", ".join(map(str, years)) for years in (listed, self._years))
            yield unfit(YEARS, "year", "", found, due)
            return
        value = sum(row["flow_after_cny"] + row["warehouses_cny"] for row in rows)
        for year, row in zip(listed, rows, strict=True):
            is_open, opening = self._choice.open_in(year), self._choice.opening_in(year)
            own = {
                "open": len(is_open),
                "opened": len(opening),
                "capex_cny": invested_cny(opening),
                "warehouses_cny": self._choice.annual_cny(is_open),
                "saved_cny": _less(
                    _less(row["flow_before_cny"], row["flow_after_cny"]), row["warehouses_cny"]
                ),
                "value_cny": value,
                "gap": max(0.0, value - row["bound_cny"]) / max(1.0, abs(value)),
            }
            yield from differing(YEARS, f"{SITING} {year}", row, own)
            flows = {"flow_after_cny": after[year], "bound_cny": min(row["bound_cny"], value)}
            # What exists need not do: then there is nothing to compare with.
            undone = row["flow_before_cny"] is None and self._said.by_year[year].status == "infeasible"
            if self._as_it_is and not undone:
                flows["flow_before_cny"] = before[year]
            yield from differing(YEARS, f"{SITING} {year}", row, flows, self._near)

    @property
    def _as_it_is(self) -> bool:
        """Whether what exists is compared as the years have it: sold, served and stocked as it is."""
        asked = ("channels", "single_source", "pooled_from_t_per_year")
        return not any(self._study.get(key) for key in asked)

    @property
    def _near(self) -> float:
        """How far flows that are solved apart may differ."""
        return SOLVED + self._said.gap_asked

    def of_plans(self, before: Mapping[int, float], after: Mapping[int, float]) -> Iterator[Problem]:
        """What plans of the last year open and cost, and how they compare."""
        rows = self._tables[PLANS]
        value = {row["kind"]: row["value_cny"] for row in rows if row["kind"] in ("base", "best")}
        saved = _less(value.get("base"), value.get("best"))
        last, flows = self._years[-1], {}
        if self._as_it_is:
            flows["base"] = before[last]
        if not self._choice.starting_in(last):
            flows["best"] = after[last]
        existing = sorted(self._candidates.keys() - self._choice.new(self._candidates).keys())
        for row in rows:
            kind, label = str(row["kind"]), f"{row['kind']} {row['name']}"
            ids = [name for name in str(row["options"]).split("|") if name]
            known = sorted(set(ids) & self._candidates.keys())
            due = {"best": sorted(self._choice.opens), "base": existing}.get(kind, known)
            if ids != due:
                yield unfit(PLANS, "options", label, ", ".join(ids), ", ".join(due))
            new = self._choice.new(known)
            if kind in ("sweep", "alternative", "frontier"):
                for subject, found, allowed in self._choice.broken_rules(known):
                    yield unfit(PLANS, "options", f"{label} {subject}", found, allowed)
            if kind == "sweep" and len(new) > int(row["name"]):
                yield unfit(PLANS, "options", label, str(len(new)), f"≤ {row['name']}")
            worse = _less(row["value_cny"], value.get("best"))
            own: dict[str, Any] = {
                "sites": len({one.site_id for one in new.values()}),
                "warehouses_cny": self._choice.annual_cny(known),
                "capex_cny": invested_cny(new),
                "worse_cny": worse,
            }
            if kind != "frontier" and worse is not None and saved is not None and saved > 0:
                own["worse_share_of_benefit"] = worse / saved
            if kind != "frontier" and row["value_cny"] is not None and row["bound_cny"] is not None:
                own["gap"] = max(0.0, row["value_cny"] - row["bound_cny"]) / max(1.0, abs(row["value_cny"]))
            yield from differing(PLANS, label, row, own)
            if row["value_cny"] is None:
                continue
            solved = {"value_cny": flows[kind] + own["warehouses_cny"]} if kind in flows else {}
            if row["bound_cny"] is not None:
                solved["bound_cny"] = min(row["bound_cny"], row["value_cny"])
            yield from differing(PLANS, label, row, solved, self._near)

    def of_cargo(self, plans: Mapping[str, tuple[Plan, Network]]) -> Iterator[Problem]:
        """Cargo of the last year's plan, all of it and through each candidate that is open."""
        year = self._years[-1]
        plan, network = plans[f"{year}-{SITING}"]
        facilities = any(one.is_facility for one in self._candidates.values())
        every = facilities or (self._study.get("channels") is not None and sold_either_way(network))
        cargo, through = cargo_of(network, year, plan, stocked_only=not every), 0.0
        for name in sorted(self._rows.keys() & self._candidates.keys()):
            one, row = self._candidates[name], self._rows[name]
            mine = [some for some in cargo if one.place in some.places] if name in self._choice.opens else []
            own = {f"plan_{what}": ends for what, ends in figures_of(mine, THROUGH_ONE).items()}
            through += 0.0 if one.exists else sum(some.tonnes for some in mine)
            yield from differing(CANDIDATES, name, row, nearest(row, own), THROUGH_ONE)
        # In the table of plans every candidate is past its first year.
        if self._choice.starting_in(year):
            return
        new = self._choice.new(self._choice.opens)
        own, room = figures_of(cargo, ALL_CARGO), sum(one.room_t() for one in new.values())
        own["utilisation"] = (through / room,) * 2 if room > 0 else None
        for row in self._tables[PLANS]:
            if row["kind"] == "best" and row["value_cny"] is not None:
                yield from differing(PLANS, "best", row, nearest(row, own), ALL_CARGO)


def _less(a: float | None, b: float | None) -> float | None:
    return None if a is None or b is None else a - b
