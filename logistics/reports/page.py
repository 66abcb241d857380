"""The page: one file that opens with a double click, offline, in two languages.

It holds its scripts, styles and data. Its policy forbids everything else: scripts and styles are allowed by
their hashes, and nothing may be fetched.
"""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from logistics.reports.blocks import Block, Note, Notes, Number, Table, Totals, Words, mode_words, say, term
from logistics.reports.forms import FORMS
from logistics.reports.map_data import Snapshot, map_of
from logistics.reports.page_words import PAGE_WORDS
from logistics.reports.two_languages import LANGUAGES, Texts

ASSETS = Path(__file__).parent / "assets"
SCRIPTS = ("report", "flows", "map", "controls", "charts", "charts_studies", "tables", "start")
"""The page's own scripts, in order."""
LIBRARIES = "libraries.min.js"
"""What the scripts need of D3 and topojson-client, made by ``scripts/vendor``."""


@dataclass(frozen=True)
class Part:
    """A section as it stands in the page.

    Parameters
    ----------
    name
        Its anchor.
    head
        Its title.
    blocks
        Blocks by year; year 0: the same in every year.
    """

    name: str
    head: Words
    blocks: Mapping[int, Sequence[Block]]


@dataclass(frozen=True)
class Basemap:
    """An approved base map, drawn instead of the coastlines.

    Parameters
    ----------
    layers
        GeoJSON, longitude and latitude.
    approval
        Its approval number (审图号), printed on the map.
    """

    layers: Mapping[str, Any]
    approval: str


@dataclass(frozen=True)
class Page:
    """What a page shows.

    Parameters
    ----------
    title, subtitle
        Its head.
    verdict
        The outcome in a sentence, and whether it is good.
    years
        Years that the reader can choose from.
    parts
        Sections; one called ``map`` stands where the map is put.
    snapshots
        Plans that the map can show; none: no map.
    engine
        Version that made the results.
    view_at_first
        Number of the snapshot that the map shows at first, against its base where it has one.
    """

    title: Words
    subtitle: Words
    verdict: tuple[Words, str]
    years: Sequence[int]
    parts: Sequence[Part]
    snapshots: Sequence[Snapshot]
    engine: str
    view_at_first: int = 0


def page_html(page: Page, lang: str, basemap: Basemap | None = None) -> str:
    """Return the page as HTML.

    Parameters
    ----------
    lang
        Language it opens in.
    basemap
        Drawn instead of the coastlines.
    """
    environment = Environment(
        loader=FileSystemLoader(ASSETS / "page"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.tests |= {
        "table": lambda block: isinstance(block, Table),
        "totals": lambda block: isinstance(block, Totals),
        "note": lambda block: isinstance(block, Note),
        "notes": lambda block: isinstance(block, Notes),
        "number": lambda cell: isinstance(cell, Number),
    }
    texts = Texts(lang)
    environment.globals |= {
        "say": say,
        "term": term,
        "mode_words": mode_words,
        "both": texts.markup,
        "figure": lambda number: texts.markup(_figure_words(number)),
        "unit": lambda form: texts.markup(_unit_words(form)),
    }
    style = (ASSETS / "page" / "page.css").read_text(encoding="utf-8")
    script = _script()
    drawn = map_of(page.snapshots) if page.snapshots else None
    data: dict[str, Any] = {
        "words": {key: [words.en, words.zh] for key in PAGE_WORDS for words in [say(key, name="{name}")]},
        "forms": {
            name: {each: [form.factor, form.unit, form.decimals] for each, form in both.items()}
            for name, both in FORMS.items()
        },
        "years": list(page.years),
        "at_first": page.view_at_first,
        "map": drawn,
        "land": None if basemap else _asset_json("land.json"),
        "basemap": {"layers": basemap.layers, "approval": basemap.approval} if basemap else None,
    }
    return environment.get_template("page.html").render(
        page=page,
        lang=lang,
        style=Markup(style),  # noqa: S704 - the package's own file
        script=Markup(script),  # noqa: S704 - the package's own files
        style_hash=_hash(style),
        script_hash=_hash(script),
        # Asked for behind all texts: only then is it known which there are.
        data=lambda: _embedded({**data, "other": texts.other}),
        licences=_licences(),
        basemap=basemap,
        kept=drawn["kept"] if drawn else 1,
    )


def _figure_words(number: Number) -> Words:
    """A number as it is shown, without its unit."""
    form = FORMS[number.form]
    en, zh = (form[lang].shown(number.value, signed=number.signed) for lang in LANGUAGES)
    return Words(en, zh)


def _unit_words(form: str) -> Words:
    return Words(FORMS[form]["en"].unit, FORMS[form]["zh"].unit)


@cache
def _script() -> str:
    libraries = (ASSETS / "vendor" / LIBRARIES).read_text(encoding="utf-8")
    own = [
        _without_comments((ASSETS / "page" / f"{name}.js").read_text(encoding="utf-8")) for name in SCRIPTS
    ]
    return "\n".join([libraries, '"use strict";(() => {', *own, "})();"])


def _without_comments(script: str) -> str:
    """A script of the page without indents and lines that only explain."""
    lines = [line.strip() for line in script.splitlines()]
    return "\n".join(line for line in lines if line and not line.startswith(("//", "/**", "*")))


@cache
def _asset_json(name: str) -> Any:
    return json.loads((ASSETS / "vendor" / name).read_text(encoding="utf-8"))


def _licences() -> Words:
    versions = {
        each["name"].split("-")[0]: each["version"] for each in _asset_json("vendor.json")["packages"]
    }
    return say("report.licences", d3=versions["d3"], topojson=versions["topojson"], atlas=versions["world"])


def _hash(content: str) -> str:
    return f"sha256-{base64.b64encode(hashlib.sha256(content.encode()).digest()).decode()}"


def _embedded(data: Mapping[str, Any]) -> Markup:
    """JSON that is safe inside a script element, whatever names it holds."""
    words = json.dumps(data, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
    for character in "<>&\u2028\u2029":
        words = words.replace(character, f"\\u{ord(character):04x}")
    return Markup(words)  # noqa: S704 - escaped above
