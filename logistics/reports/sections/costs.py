"""Where the money goes: the bill by item, and by who receives it."""

from __future__ import annotations

from collections.abc import Sequence

from logistics.reports.blocks import Block, Chart, Number, Row, Table, head, listed, say, term
from logistics.reports.source import Results

MODEL_ITEMS = ("capital", "time_value")
"""Costs that nobody is paid: they are not part of the landed cost."""
RECEIVERS = {
    "carriers": ("tariff",),
    "hauliers": ("road",),
    "terminals": ("handling", "passage_fee"),
    "agents": ("consolidation", "clearance", "border_fee"),
    "warehouses": ("warehouse", "storage", "returns"),
    "last_mile": ("last_mile",),
    "states": ("duty", "vat"),
    "public": ("subsidy",),
}
"""Who receives which items of the bill; the public purse pays subsidies, which stand there below zero."""


def cost_blocks(results: Results, year: int) -> Sequence[Block]:
    """The bill by item, largest first, and the accounts of those who are paid."""
    bill = {row["item"]: (i, row["cny"]) for i, row in enumerate(results.rows("bill")) if row["year"] == year}
    if not bill:
        return []
    landed = sum(cny for item, (_, cny) in bill.items() if item not in MODEL_ITEMS)
    order = sorted(bill, key=lambda item: (item in MODEL_ITEMS, -bill[item][1]))
    rows = [
        Row(
            [
                say(f"term.{item}"),
                Number(bill[item][1], "money", f"bill/{bill[item][0]}/cny"),
                Number(None, "share", "")
                if item in MODEL_ITEMS
                else Number(bill[item][1] / landed, "share", f"=bill_share/{year}/{item}"),
            ],
            f"item:{item}",
        )
        for item in order
        if bill[item][1]
    ]
    kept = sum(item not in MODEL_ITEMS and bool(bill[item][1]) for item in order)
    table = Table(
        "bill",
        say("report.costs.bill"),
        (head("item"), head("value", "money"), head("report.costs.share", "share")),
        rows,
        [say("report.costs.model_items")],
        Chart("stack", {"label": 0, "value": 1, "rows": kept}),
    )
    return [table, _accounts(bill, year)]


def _accounts(bill: dict[str, tuple[int, float]], year: int) -> Table:
    rows = []
    for who, items in RECEIVERS.items():
        amount = sum(bill[item][1] for item in items if item in bill)
        if amount:
            of = listed([term(item) for item in items if item in bill and bill[item][1]])
            rows.append(
                Row(
                    [
                        say(f"report.costs.{who}"),
                        of,
                        Number(amount, "money", f"=accounts/{year}/{who}", signed=amount < 0),
                    ]
                )
            )
    return Table(
        "accounts",
        say("report.costs.accounts"),
        (head("report.costs.who"), head("item"), head("value", "money")),
        rows,
        [say("report.costs.accounts_note")],
        Chart("bars", {"label": 0, "value": 2}),
    )
