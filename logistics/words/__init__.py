"""Every sentence people see, in English and Chinese.

The dicts hold ``str.format`` templates by key. A problem's code is a key: the template says what was found
and what is allowed; ``<code>.do`` says what to do about it. Variants are preferred where they exist:
``<code>:<subject>``, ``<code>:<subject>.do`` and ``<code>:<allowed>.do`` for one subject or kind,
``<code>.blank`` and ``<code>.blank_allowed`` for an empty `found` or `allowed`, ``<key>.one`` when `count`
is 1.
"""

from __future__ import annotations

import math
import os
import unicodedata
from collections.abc import Mapping

from logistics.errors import Problem
from logistics.words.en import WORDS as EN
from logistics.words.phrases import phrase
from logistics.words.zh import WORDS as ZH

LANGUAGES: Mapping[str, Mapping[str, str]] = {"en": EN, "zh": ZH}
MAX_FOUND = 120
MAX_ALLOWED = 240
MAX_ITEMS = 12
SHOWN_ITEMS = 10
_VOCABULARY = {"phase": "phase", "objective": "term", "status": "term"}
_HIDDEN = {"Cc", "Cf", "Cs", "Zl", "Zp"}


def language(explicit: str | None) -> str:
    """Choose ``zh`` or ``en``: what the user asked for, else what the environment says.

    Parameters
    ----------
    explicit
        Value of the user's flag; None or empty when there is none.
    """
    asked = [explicit, *(os.environ.get(name) for name in ("LC_ALL", "LC_MESSAGES", "LANG"))]
    first = next((value for value in asked if value), "")
    return "zh" if first.lower().startswith("zh") else "en"


def text(key: str, /, lang: str = "en", **values: object) -> str:
    """Return the sentence or term called `key`, with `values` put in; always one line.

    Numbers may be handed over as they are, and `phase`, `objective` and `status` by their names. A language
    without the key, and an unknown language, gets the English words.

    Raises
    ------
    KeyError
        When no language has the key, or a value of the template is missing.
    """
    if values.get("count") == 1 and f"{key}.one" in EN:
        key = f"{key}.one"
    return _template(key, lang).format(**{name: _named(name, value, lang) for name, value in values.items()})


def sentence(problem: Problem, lang: str = "en") -> str:
    """Return ``<where>: <what was found, what is allowed> - <what to do>`` on one line.

    Raises
    ------
    KeyError
        When no language has words for the problem's code.
    """
    code = problem.code
    found, allowed, subject = (
        _field(problem, name, lang, limit)
        for name, limit in (("found", MAX_FOUND), ("allowed", MAX_ALLOWED), ("subject", MAX_FOUND))
    )
    nothing = text(_first(f"{code}.blank_allowed", "blank_allowed"), lang)
    blank = text(_first(f"{code}.blank", "blank"), lang)
    values = {
        "found": found,
        "quoted": text("list.quote", lang, item=found) if found else blank,
        "allowed": _list(allowed, lang, quote=False) or nothing,
        "choices": _list(allowed, lang, quote=True) or nothing,
        "subject": subject,
        "at": f"{subject}: " if subject else "",
    }
    what = _template(_first(f"{code}:{problem.subject}", code), lang).format(**values)
    if problem.remedy:
        remedy = _shortened(escaped(problem.remedy), MAX_FOUND)
        what = text("problem.did_you_mean", lang, what=what, remedy=remedy)
    else:
        key = _first(f"{code}:{problem.subject}.do", f"{code}:{problem.allowed}.do", f"{code}.do")
        what = text("problem.both", lang, what=what, do=_template(key, lang).format(**values))
    where = escaped(str(problem.where))
    return f"{where}: {what}" if where else what


def escaped(words: str) -> str:
    """Write control characters, invisible marks and line ends of `words` as escapes."""
    if words.isprintable():
        return words
    return "".join(
        c.encode("unicode_escape").decode("ascii") if unicodedata.category(c) in _HIDDEN else c for c in words
    )


def _template(key: str, lang: str) -> str:
    return LANGUAGES.get(lang, EN).get(key) or EN[key]


def _first(*keys: str) -> str:
    """Return the first of `keys` that there are words for, else the last."""
    return next((key for key in keys if key in EN), keys[-1])


def _field(problem: Problem, name: str, lang: str, limit: int) -> str:
    """One field of a problem: put into the language when it is a phrase of the engine, else as it stands."""
    words = escaped(str(getattr(problem, name)))
    known = phrase(problem.code, name, words)
    if known is not None:
        return text(known[0], lang, **known[1])
    return words if name == "allowed" and ", " in words else _shortened(words, limit)


def _list(words: str, lang: str, *, quote: bool) -> str:
    """Items of a comma-separated text, the first of them when there are many."""
    if not words:
        return ""
    items = words.split(", ")
    many = len(items) > MAX_ITEMS
    shown = [_shortened(item, MAX_ALLOWED) for item in (items[:SHOWN_ITEMS] if many else items)]
    if not quote:
        joined = ", ".join(shown)
        return text("list.more", lang, items=joined, count=len(items)) if many else joined
    shown = [text("list.quote", lang, item=item) for item in shown]
    comma = text("list.comma", lang)
    if many:
        return text("list.more", lang, items=comma.join(shown), count=len(items))
    return text("list.or", lang).join([comma.join(shown[:-1]), shown[-1]] if len(shown) > 1 else shown)


def _shortened(words: str, limit: int) -> str:
    """`words` with its middle left out when it is longer than `limit`."""
    return words if len(words) <= limit else f"{words[: limit - 30]}…{words[-29:]}"


def _named(name: str, value: object, lang: str) -> str:
    """A value inside a sentence; names of the engine become words."""
    known = f"{_VOCABULARY[name]}.{value}" if name in _VOCABULARY else ""
    return _template(known, lang) if known in EN else _shown(value)


def _shown(value: object) -> str:
    """A value inside a sentence: text on one line, numbers with as many digits as people read."""
    if value is None:
        return "–"
    if isinstance(value, bool | int):
        return str(value)
    if isinstance(value, float):
        if not math.isfinite(value):
            return "–"
        return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.4g}"
    return escaped(str(value))
