"""Texts of a page that its reader sees in either of two languages.

The page is written in the language that it opens in. A text that reads otherwise in the other language bears
a number, under which a list holds that other text, so that what a page says often is there but twice.
"""

from __future__ import annotations

from markupsafe import Markup, escape

from logistics.reports.blocks import Words

LANGUAGES = ("en", "zh")


class Texts:
    """Texts of one page, numbered as they are written.

    Parameters
    ----------
    lang
        Language that the page is written in.
    """

    def __init__(self, lang: str) -> None:
        self._lang = lang
        (self._other_lang,) = set(LANGUAGES) - {lang}
        self._number: dict[tuple[str, str], int] = {}

    @property
    def other(self) -> list[str]:
        """By number, the text in the other language."""
        return [other for _, other in self._number]

    def markup(self, words: Words) -> Markup:
        """Words as the page holds them; what users wrote is kept apart from the text around it."""
        text, other = getattr(words, self._lang), getattr(words, self._other_lang)
        tag = "bdi" if words.given else "i"
        if text == other:
            return Markup("<bdi>{}</bdi>").format(text) if words.given else escape(text)
        number = self._number.setdefault((text, other), len(self._number))
        return Markup("<{0} data-w={1}>{2}</{0}>").format(tag, number, text)
