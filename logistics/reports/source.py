"""What a report is made from: a results folder, read once."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import pyarrow as pa

from logistics.network.network import Network
from logistics.plan import Plan
from logistics.plan_facts import facts_of
from logistics.results.layout import PLAN, PLANS
from logistics.results.read import no_plan, read_inputs, read_plan, read_result, read_tables


@dataclass(frozen=True)
class Results:
    """Content of a results folder.

    Parameters
    ----------
    folder
        Where it was read.
    document
        ``result.json``.
    scenario
        The resolved scenario of its inputs.
    networks
        Effective network by year.
    tables
        Tables at the top of the folder, by name.
    plans
        Plans by id; the result's own is called ``""``.
    """

    folder: Path
    document: Mapping[str, Any]
    scenario: Mapping[str, Any]
    networks: Mapping[int, Network]
    tables: Mapping[str, pa.Table]
    plans: Mapping[str, Plan]

    @property
    def has_figures(self) -> bool:
        """Whether there is a plan with tables that describe it."""
        return "modes" in self.tables

    def most(self, rows: int) -> int:
        """How many of at most `rows` rows a page shows: less where each of several years has its own."""
        return min(rows, max(10, rows // len(self.networks)))

    def rows(self, table: str) -> list[dict[str, Any]]:
        """Rows of a table; none where the folder does not hold it."""
        return list(self.tables[table].to_pylist()) if table in self.tables else []

    @cached_property
    def facts(self) -> Mapping[int, pa.Table]:
        """Facts of every path of the result's own plan, by year, as :data:`logistics.plan_facts.FACTS`."""
        plan = self.plans[""]
        return {year: facts_of(plan.of_year(year), network, year) for year, network in self.networks.items()}

    @cached_property
    def places(self) -> Mapping[str, Mapping[str, Any]]:
        """Sites by id, of the last year."""
        network = self.networks[max(self.networks)]
        return {str(row["site_id"]): row for row in network.rows("sites")}

    def site_name(self, site_id: str, lang: str) -> str:
        """Name of a site, its id where it has none."""
        site = self.places.get(site_id)
        return str(site[f"name_{lang}"] or site_id) if site else site_id


def chosen_plan(results: Results, year: int) -> str | None:
    """Id of the year's plan with what was chosen, in a study that chooses options or sites."""
    rows = results.rows("portfolio_years")
    names = [f"{year}-siting", *(str(row["plan_id"]) for row in rows if row["year"] == year)]
    return next((name for name in names if name and name in results.plans), None)


def read_results(folder: Path) -> Results:
    """Read a results folder.

    Raises
    ------
    InputError
        When the folder holds no result, or one that cannot be read.
    """
    document = read_result(folder)
    inputs = read_inputs(folder)
    plans = {"": read_plan(folder) if (folder / PLAN).exists() else no_plan()}
    for name in document.get("plans", {}):
        if (folder / PLANS / name).exists():
            plans[name] = read_plan(folder, name=f"{PLANS}/{name}")
    return Results(folder, document, inputs.scenario, inputs.networks, read_tables(folder), plans)
