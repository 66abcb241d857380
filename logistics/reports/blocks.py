"""What a section is made of: numbers with their origin, tables, charts that draw a table, lists of totals.

The page, and whoever else shows a section, sees these and no table of the results folder.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from logistics.words import text


@dataclass(frozen=True)
class Words:
    """A text in both languages; `given`: names that users wrote, which are shown as they stand."""

    en: str
    zh: str
    given: bool = False


@dataclass(frozen=True)
class Number:
    """A number and where it comes from.

    Parameters
    ----------
    value
        As stored; None: unknown.
    form
        How it is shown, see :data:`logistics.reports.forms.FORMS`.
    origin
        ``table/row/column`` of the results folder, ``result/key/…`` of ``result.json``, or ``=name/…`` where
        it was worked out.
    signed
        Shown with its sign: a difference.
    """

    value: float | None
    form: str
    origin: str
    signed: bool = False


Cell = Words | Number
"""What stands in a cell."""


@dataclass(frozen=True)
class Head:
    """Head of a column: its words, and the form whose unit stands below; empty for texts."""

    words: Words
    form: str = ""


@dataclass(frozen=True)
class Row:
    """A row: its cells, and what it stands for on the map, ``kind:id``; empty: nothing."""

    cells: Sequence[Cell]
    place: str = ""

    @property
    def origin(self) -> str:
        """What the origins of its numbers begin with, up to the last part, where most of them share it."""
        parents = [each.origin.rpartition("/")[0] for each in self.cells if isinstance(each, Number)]
        # Of equally many a table is told, since other rows of it can be told from there.
        found = sorted(set(parents) - {""}, key=lambda parent: (parent.startswith("="), parent))
        return max(found, key=parents.count, default="")

    def origin_of(self, number: Number) -> str:
        """Origin of one of its numbers: the last part where the rest is the row's, else all of it.

        Of another row of the same table it says how many rows further down that is: ``+1/tonnes``.
        """
        parent, _, last = number.origin.rpartition("/")
        if parent and parent == self.origin:
            return last
        (table, _, other), (own_table, _, own) = parent.rpartition("/"), self.origin.rpartition("/")
        if table and table == own_table and other.isdecimal() and own.isdecimal():
            return f"{int(other) - int(own):+d}/{last}"
        return number.origin


@dataclass(frozen=True)
class Chart:
    """A chart that draws the table it stands beside.

    Parameters
    ----------
    kind
        How: a function of the page.
    settings
        Which columns are what; numbers of columns, counted from 0.
    """

    kind: str
    settings: Mapping[str, object] = field(default_factory=dict)


@dataclass(frozen=True)
class Table:
    """A table, with a chart of it where there is one.

    Parameters
    ----------
    name
        Its name in the page; letters, digits and hyphens.
    title
        What it shows.
    heads, rows
        Its columns and rows.
    notes
        Sentences below.
    chart
        Drawn from the table.
    wide
        Whether it takes the page's whole width.
    """

    name: str
    title: Words
    heads: Sequence[Head]
    rows: Sequence[Row]
    notes: Sequence[Words] = ()
    chart: Chart | None = None
    wide: bool = False

    def origin_in(self, column: int) -> str:
        """What most numbers of a column have as their origin within the row; empty: there are none."""
        found = [
            row.origin_of(cell)
            for row in self.rows
            for cell in row.cells[column : column + 1]
            if isinstance(cell, Number)
        ]
        return max(sorted(set(found)), key=found.count, default="")


@dataclass(frozen=True)
class Notes:
    """A card of paragraphs under a title."""

    title: Words
    words: Sequence[Words]


@dataclass(frozen=True)
class Total:
    """A figure to be seen at first sight, with its difference to another result where there is one."""

    words: Words
    number: Number
    difference: Number | None = None
    good: bool | None = None


@dataclass(frozen=True)
class Totals:
    """A row of totals."""

    totals: Sequence[Total]


@dataclass(frozen=True)
class Note:
    """A paragraph; `kind` is ``plain``, ``good``, ``warning`` or ``bad``."""

    words: Words
    kind: str = "plain"


Block = Table | Totals | Note | Notes
DASH = Words("–", "–")
"""What stands in a cell without a word."""


def say(key: str, /, **values: object) -> Words:
    """Words of the engine; a value that is :class:`Words` is put in by language."""
    en, zh = (
        text(key, lang, **{k: getattr(v, lang) if isinstance(v, Words) else v for k, v in values.items()})
        for lang in ("en", "zh")
    )
    return Words(en, zh)


def given(en: object, zh: object = None) -> Words:
    """A name that a user wrote: in both languages, or one for both."""
    first = str(en if en not in (None, "") else zh or "")
    return Words(first, str(zh) if zh not in (None, "") else first, given=True)


def listed(words: Sequence[Words]) -> Words:
    """Several words in one cell."""
    return Words(
        ", ".join(each.en for each in words),
        "、".join(each.zh for each in words),
        any(w.given for w in words),
    )


def named(row: Mapping[str, object], otherwise: str = "") -> Words:
    """Name of a row with ``name_en`` and ``name_zh``; `otherwise` where both are empty."""
    return given(row.get("name_en") or row.get("name_zh") or otherwise, row.get("name_zh"))


def head(key: str, form: str = "") -> Head:
    """Head with the words of ``term.<key>`` or of a whole key with a dot."""
    return Head(say(key if "." in key else f"term.{key}"), form)


def mode_words(mode: object) -> Words:
    """A mode in one word; what no service carried across a border says so."""
    return say(f"report.mode.{mode or 'none'}")


def term(word: object) -> Words:
    """A word of the engine's vocabulary, or itself where there is none for it."""
    try:
        return say(f"term.{word}")
    except KeyError:
        return given(word)
