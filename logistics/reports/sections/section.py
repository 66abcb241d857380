"""What a section is."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from logistics.reports.blocks import Block
from logistics.reports.source import Results


@dataclass(frozen=True)
class Section:
    """A section of a report.

    Parameters
    ----------
    name
        Its anchor in the page; the words of its head are ``report.section.<name>``.
    blocks
        What it shows of a result in a year; nothing where the result has nothing to say there.
    each_year
        Whether it differs by year; else it is asked once, for the last year.
    """

    name: str
    blocks: Callable[[Results, int], Sequence[Block]]
    each_year: bool = True
