"""Plain tables on the terminal: heads in the user's language, numbers as people read them."""

from __future__ import annotations

from collections.abc import Sequence

from rich.table import Table

from logistics.words import text


def headed(lang: str, title: str, columns: Sequence[tuple[str, ...]]) -> Table:
    """A table with a title and heads: each the key of its words, its side, and its unit if it has one."""
    table = Table(
        title=text(title, lang),
        title_justify="left",
        title_style="bold",
        caption_justify="left",
        box=None,
        pad_edge=False,
    )
    for key, side, *unit in columns:
        head = "\n".join([text(key, lang), *unit])
        table.add_column(head, justify="right" if side == "right" else "left", overflow="fold")
    return table


def number(value: float | None, decimals: int) -> str:
    """A number with thousands separated; nothing for None."""
    return "" if value is None else f"{value:,.{decimals}f}"
