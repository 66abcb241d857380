"""How far each of the results can be trusted."""

from __future__ import annotations

from collections.abc import Sequence

from logistics.reports.blocks import Block, Number, Row, Table, given, head, say, term
from logistics.reports.comparison.section import result_name
from logistics.reports.source import Results


def trust_compared(results: Sequence[Results]) -> Sequence[Block]:
    """Status, proof, gap and digests, a row a result."""
    rows = []
    for i, each in enumerate(results):
        said = each.document
        rows.append(
            Row(
                [
                    result_name(each),
                    given(said["scenario"]["id"]),
                    term(said["status"]),
                    say(f"bound_proof.{said['bound_proof']}"),
                    Number(said["gap"], "gap", f"=trust/{i}/gap"),
                    term("yes" if said["verified"] else "no"),
                    given(said["engine"]),
                    given(said["inputs"]),
                ]
            )
        )
    heads = [head("report.compared.result"), *(head(key) for key in ("scenario", "status", "bound_proof"))]
    heads += [
        head("gap", "gap"),
        head("verified"),
        head("report.honesty.engine"),
        head("report.honesty.inputs"),
    ]
    return [Table("trust", say("report.honesty.facts"), heads, rows, wide=True)]
