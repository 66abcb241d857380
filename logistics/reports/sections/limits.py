"""Limits of the scenario: kept, what they cost, or why they cannot hold together."""

from __future__ import annotations

from collections.abc import Sequence

from logistics.reports.blocks import Block, Note, Number, Row, Table, Words, given, head, say, term
from logistics.reports.source import Results
from logistics.words.limit_sentences import conflict_sentences, limit_in_words

FORMS = {
    "mean_customer_days": "plain",
    "co2": "tonnes",
    "money": "cny",
    "promise_share": "share",
    "local_gateway_share": "share",
    "load": "tonnes",
}


def limit_blocks(results: Results, year: int) -> Sequence[Block]:
    """One row a limit; before it, which limits clash where they do."""
    mine = [(i, row) for i, row in enumerate(results.rows("limits")) if row["year"] == year]
    if not mine:
        return []
    base_only = results.document["status"] != "infeasible"
    each = [row for _, row in mine]
    said = [conflict_sentences(each, lang, base_only=base_only) for lang in ("en", "zh")]
    clashes = [Note(Words(en, zh), "bad") for en, zh in zip(*said, strict=True)]
    rows = []
    for i, row in mine:
        form = FORMS[row["kind"]]
        words = Words(limit_in_words(row, "en"), limit_in_words(row, "zh"))
        numbers = [Number(row[key], form, f"limits/{i}/{key}") for key in ("stated", "reached")]
        numbers += [
            Number(row[key], "plain" if key == "price_up_to" else "money_small", f"limits/{i}/{key}")
            for key in ("price_up_to", "more_up_to", "more_checked")
        ]
        conflict = term("yes" if row["in_conflict"] else "no")
        place = f"{row['thing']}:{row['thing_id']}" if row["thing"] else ""
        rows.append(Row([words, *numbers, conflict, given(row["place"])], place))
    heads = (
        head("limit_id"),
        head("stated"),
        head("reached"),
        head("price_up_to"),
        head("looser_up_to", "money_small"),
        head("more_checked", "money_small"),
        head("report.limits.in_conflict"),
        head("report.changes.place"),
    )
    return [
        *clashes,
        Table("limits", say("limits.title"), heads, rows, [say("report.limits.note")], wide=True),
    ]
