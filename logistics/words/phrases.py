"""Parts of a problem that are the engine's own words, not the user's: they are translated as well."""

from __future__ import annotations

import re

_UNREACHABLE = r"demand\.unreachable"
_RANGE = r"(?:schema|table|change)\..*"

# Field, codes, whole text, key of the words; named groups are the values of the template.
PATTERNS: tuple[tuple[str, str, str, str], ...] = (
    ("allowed", r"schema\.type|change\.value", r"string|text", "phrase.text"),
    ("allowed", r"schema\.type|change\.value", r"int|a whole number", "phrase.whole"),
    ("allowed", r"schema\.type|change\.value", r"float|a number", "phrase.number"),
    ("allowed", r"schema\.type|change\.value", r"bool|true, false", "phrase.flag"),
    ("allowed", r"schema\.type", r"list", "phrase.list"),
    ("allowed", r"schema\.type", r"dict|model", "phrase.group"),
    ("allowed", r"schema\.range", r"a finite number", "phrase.finite"),
    ("allowed", r"change\.value", r"always, or e\.g\. (?P<a>.+)", "phrase.windows"),
    ("allowed", _RANGE, r"(?P<a>\S+) … inf", "phrase.at_least"),
    ("allowed", _RANGE, r"-inf … (?P<a>\S+)", "phrase.at_most"),
    ("allowed", _RANGE, r"(?P<a>\S+) … (?P<b>\S+)", "phrase.between"),
    ("allowed", r"schema\.value", r"(?:Value error, )?exactly one of (?P<a>.+)", "phrase.exactly_one"),
    ("allowed", r"schema\.value", r"(?:Value error, )?year or years, not both", "phrase.year_or_years"),
    ("allowed", r"schema\.value", r"(?:Value error, )?years are named once each", "phrase.years_once"),
    ("allowed", r"schema\.value", r"String should match pattern '\^\[A-Za-z0-9\]\[.*", "phrase.id"),
    ("allowed", r"schema\.value", r"String should have at least (?P<a>\d+) char.*", "phrase.min_characters"),
    ("allowed", r"schema\.value", r"String should have at most (?P<a>\d+) char.*", "phrase.max_characters"),
    ("allowed", r"schema\.value", r"List should have at least (?P<a>\d+) item.*", "phrase.min_items"),
    ("allowed", r"schema\.value", r"List should have at most (?P<a>\d+) item.*", "phrase.max_items"),
    ("allowed", r"schema\.value", r"(?:Value error, )?two different objectives", "phrase.two_objectives"),
    ("allowed", r"schema\.value", r"(?:Value error, )?an event with changes has an id", "phrase.event_id"),
    ("allowed", r"schema\.value", r"(?:Value error, )?an event adds no service", "phrase.event_adds"),
    ("allowed", r"schema\.value", r"(?:Value error, )?events have different ids", "phrase.event_ids"),
    ("allowed", r"schema\.value", r"Value error, (?P<a>.+)", "phrase.plain"),
    ("found|allowed", r".*\.too_large", r"(?P<a>\d+)", "phrase.bytes"),
    ("found", r"yaml\.too_large", r"depth (?P<a>\d+), (?P<b>\d+) values", "phrase.depth"),
    ("allowed", r"yaml\.too_large", r"(?P<a>\d+), (?P<b>\d+)", "phrase.depth"),
    ("found", r"yaml\.encoding", r"byte (?P<a>\d+)", "phrase.byte"),
    ("found", r"table\.encoding", r"unknown encoding", "phrase.encoding"),
    ("found", r"verify\.step", r"end of path", "phrase.end"),
    ("subject", r"verify\.(?!bill|siting).*", r"(?P<a>\d+)", "phrase.step"),
    ("subject", r"verify\.(?!bill|siting).*", r"(?P<a>\d+) (?P<b>[a-z_]+)", "phrase.action"),
    ("subject", _UNREACHABLE, r"site (?P<a>\S+) is not open", "phrase.closed_site"),
    ("subject", _UNREACHABLE, r"no gateway within reach of (?P<a>\S+) by road", "phrase.no_gateway"),
    ("subject", _UNREACHABLE, r"no customs office near (?P<a>\S+) declares (?P<b>\S+)", "phrase.no_customs"),
    ("subject", _UNREACHABLE, r"nothing near (?P<a>\S+) consolidates (?P<b>\S+)", "phrase.no_packing"),
    ("subject", _UNREACHABLE, r"no last mile of (?P<a>\S+) at (?P<b>\S+)", "phrase.no_last_mile"),
    ("subject", _UNREACHABLE, r"no existing warehouse within reach of (?P<a>\S+)", "phrase.no_warehouse"),
    (
        "subject",
        _UNREACHABLE,
        r"no gateway that imports (?P<a>\S+) within reach of (?P<b>\S+)",
        "phrase.no_import",
    ),
    ("subject", _UNREACHABLE, r"no service takes (?:segment )?(?P<a>\S+) to (?P<b>\S+)", "phrase.no_service"),
    (
        "subject",
        _UNREACHABLE,
        r"no chain of services joins (?P<a>\S+) to (?P<b>\S+) for (?P<c>\S+)",
        "phrase.no_chain",
    ),
)


def phrase(code: str, field: str, words: str) -> tuple[str, dict[str, str]] | None:
    """Return the key and values of the engine's phrase `words`; None when it is not one of them.

    Parameters
    ----------
    code
        The problem's code.
    field
        Name of the problem's field: found, allowed or subject.
    words
        Text of the field.
    """
    for fields, codes, pattern, key in PATTERNS:
        if field in fields.split("|") and re.fullmatch(codes, code):
            match = re.fullmatch(pattern, words)
            if match:
                return key, match.groupdict()
    return None
