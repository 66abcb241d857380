"""What a study found about each proposed service or warehouse: for layers where it stands beside others."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from logistics.reports.source import Results

LEVEL = re.compile(r"\.(\d+(?:\.\d+)?)w$")
"""End of an option's id that says its departures a week."""
ROUTE = ("rank", "net_benefit_cny", "found")
PORTFOLIO = ("chosen", "opens", "value_low_cny", "value_high_cny", "value_sign", "load_factor")

SITES = ("chosen", "opens", "rank", "alone_net_at_most_cny", "value_low_cny", "value_high_cny")


@dataclass(frozen=True)
class OptionFacts:
    """Facts by option.

    Parameters
    ----------
    columns
        What is told of every option; None where it is not known.
    by_option
        What is known, by option id.
    """

    columns: tuple[str, ...]
    by_option: Mapping[str, Mapping[str, Any]]

    def of(self, option: str) -> dict[str, Any]:
        """Facts of one option."""
        known = self.by_option.get(option, {})
        return {column: known.get(column) for column in self.columns}


def unit_of(option: str) -> str:
    """Proposal that an option is a frequency of."""
    return LEVEL.sub("", option)


def facts_of_options(results: Results, year: int) -> OptionFacts:
    """Facts of a study of routes or of a portfolio; no columns for other studies."""
    if "proposal_levels" in results.tables:
        return OptionFacts(ROUTE, _routes(results, year))
    if "portfolio" in results.tables:
        return OptionFacts(PORTFOLIO, _portfolio(results, year))
    return OptionFacts((), {})


def facts_of_sites(results: Results) -> OptionFacts:
    """Facts of the candidates of a study of sites, by warehouse option; no columns for other studies."""
    rows = results.rows("candidates")
    found = {row["option_id"]: {column: row[column] for column in SITES} for row in rows}
    return OptionFacts(SITES if rows else (), found)


def _routes(results: Results, year: int) -> Mapping[str, Mapping[str, Any]]:
    rank = {
        (row["proposal_id"], row["departures_per_week"]): row["rank"]
        for row in results.rows("proposals")
        if row["year"] == year
    }
    facts: dict[str, Mapping[str, Any]] = {}
    for row in results.rows("proposal_levels"):
        if row["year"] == year:
            name, level = row["proposal_id"], row["departures_per_week"]
            found = {
                "rank": rank.get((name, level)),
                "net_benefit_cny": row["net_benefit_cny"],
                "found": row["status"],
            }
            # An option is named after its frequency only where its proposal has several.
            facts |= {name: found, f"{name}.{level:g}w": found}
    return facts


def _portfolio(results: Results, year: int) -> Mapping[str, Mapping[str, Any]]:
    names = {str(row["pair_id"]) for row in results.networks[year].rows("services")}
    values = {row["unit_id"]: row for row in results.rows("portfolio_outside")}
    facts: dict[str, Mapping[str, Any]] = {
        name: {"chosen": False, **_some(values.get(unit_of(name), {}))} for name in names
    }
    for row in results.rows("portfolio"):
        if row["year"] == year:
            facts[row["option_id"]] = {"chosen": True, **_some(row)}
    return facts


def _some(row: Mapping[str, Any]) -> dict[str, Any]:
    return {column: row[column] for column in PORTFOLIO if column in row}
