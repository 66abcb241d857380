"""Cells of a workbook that hold what they are given: texts stay texts, numbers keep all their digits."""

from __future__ import annotations

import re
from typing import Any

from logistics.network.spreadsheet_cells import number_text

SAFE_OPTIONS = {"strings_to_formulas": False, "strings_to_urls": False, "strings_to_numbers": False}
"""Options of a workbook in which no text becomes a formula, a link or a number."""
TEXT_FORMAT = 49
"""The built-in format of text, ``@``: what is typed into such a cell stays as it is typed."""
_ESCAPES_IN_A_ROW = re.compile(r"_x[0-9A-Fa-f]{4}_x[0-9A-Fa-f]{4}_")
_ESCAPE = re.compile(r"(?<=_)(?=x[0-9A-Fa-f]{4}_)")


class ExactNumber(float):
    """A number that is written with all its digits; xlsxwriter itself writes 16, a double may need 17."""

    def __format__(self, form: str) -> str:
        return number_text(self)


class TextCells:
    """Writes texts into the cells of a workbook.

    Parameters
    ----------
    book
        The ``xlsxwriter.Workbook``.
    """

    def __init__(self, book: Any) -> None:
        self._plain = book.add_format()

    def write(self, sheet: Any, row: int, place: int, words: str, style: Any) -> None:
        """Write a text that is not empty into a cell, in several runs where one would not hold it.

        (Noncharacters such as U+FFFF are lost in several runs, but nobody has those.)
        """
        runs = text_runs(words)
        if len(runs) == 1:
            sheet.write_string(row, place, words, style)
        else:
            between = [part for run in runs for part in (self._plain, run)][1:]
            sheet.write_rich_string(row, place, *between, style or self._plain)


def text_runs(words: str) -> list[str]:
    """Parts of a text that xlsxwriter takes for what they are.

    It takes ``<r>…</r>`` for markup of its own; of two escapes with a common underscore it escapes one, and
    in runs it escapes twice: there no escape may be whole.
    """
    if words.startswith("<r>"):
        return [words[:1], *_ESCAPE.split(words[1:])]
    return _ESCAPE.split(words) if _ESCAPES_IN_A_ROW.search(words) else [words]
