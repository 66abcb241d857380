"""Other portfolios: alternatives close to the best, and the best under other budgets."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from logistics.reports.blocks import Block, Chart, Number, Row, Table, Words, head, say, term
from logistics.reports.sections.columns import Column, cells_of, column_heads
from logistics.reports.sections.option_names import named_options, names_of_options
from logistics.reports.sections.portfolio import bound_words
from logistics.reports.source import Results

BUDGET = "budget"
"""What the names of plans under other budgets begin with; the others hold the scenario's own."""
FIGURES = (
    Column("benefit_cny", "money_small", signed=True),
    Column("benefit_at_most_cny", "money_small", signed=True),
    Column("gap", "gap"),
    Column("options", "count"),
)
Plans = Sequence[tuple[int, Mapping[str, Any]]]


def portfolio_plan_blocks(results: Results, year: int) -> Sequence[Block]:  # noqa: ARG001 - all years
    """Plans under the scenario's budgets, then one plan a budget."""
    plans = list(enumerate(results.rows("portfolio_plans")))
    if not plans:
        return []
    names = names_of_options(results)
    same = [pair for pair in plans if not pair[1]["plan"].startswith(BUDGET)]
    tried = [pair for pair in plans if pair[1]["plan"].startswith(BUDGET)]
    blocks: list[Block] = [_alternatives(same, names)]
    if tried:
        order = sorted([plans[0], *tried], key=lambda pair: pair[1]["budget_factor"])
        blocks.append(_budgets(order, names))
    return blocks


def _alternatives(plans: Plans, names: Mapping[str, Words]) -> Table:
    rows = [
        Row(
            [
                _plan_name(row),
                term(row["status"]),
                *cells_of("portfolio_plans", i, row, FIGURES),
                bound_words(row),
                *(named_options(row[key], names) for key in ("added", "dropped", "too_empty")),
            ]
        )
        for i, row in plans
    ]
    heads = [head("report.column.plan"), head("status"), *column_heads(FIGURES)]
    heads += [head(f"report.column.{key}") for key in ("bound_by", "added", "dropped", "too_empty")]
    title, note = say("report.portfolio.alternatives"), say("report.portfolio.alternatives_note")
    return Table("portfolio-alternatives", title, heads, rows, [note], wide=True)


def _plan_name(row: Mapping[str, Any]) -> Words:
    kind, _, number = str(row["plan"]).partition(" ")
    return say("report.portfolio.best") if kind == "best" else say("report.portfolio.other", number=number)


def _budgets(plans: Plans, names: Mapping[str, Words]) -> Table:
    rows = [
        Row(
            [
                Number(row["budget_factor"], "ratio", f"portfolio_plans/{i}/budget_factor"),
                term(row["status"]),
                *cells_of("portfolio_plans", i, row, FIGURES),
                *(named_options(row[key], names) for key in ("added", "dropped")),
            ]
        )
        for i, row in plans
    ]
    heads = [head("report.column.budget_factor"), head("status"), *column_heads(FIGURES)]
    heads += [head("report.column.added"), head("report.column.dropped")]
    chart = Chart("lines", {"x": 0, "lines": [2, 3]})
    title, note = say("report.portfolio.budgets"), say("report.portfolio.budgets_note")
    return Table("portfolio-budgets", title, heads, rows, [note], chart, wide=True)
