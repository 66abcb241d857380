"""Writes scenario-keys.md from the pydantic models of scenario files; scripts/table-reference runs it.

Sentences that the models do not hold are taken from the tables of scenario-files.md, so that each is written
once.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from pydantic import BaseModel

from logistics.network.tables import BY_NAME
from logistics.scenario import schema
from logistics.studies.register import STUDIES

HERE = Path(__file__).resolve().parent
TARGET = HERE / "scenario-keys.md"
GUIDE = (HERE / "scenario-files.md").read_text(encoding="utf-8")
INTRODUCTION = """\
# Scenario keys

Generated from the models in `logistics/scenario/schema.py` and `logistics/studies/` by
`scripts/table-reference`; do not edit. Every key that a scenario file may hold, with what is allowed and
what holds where it is left out. [Scenario files](scenario-files.md) explains how they work together, with
examples; `logistics schema` prints the same as JSON Schema.

A key that is not here is an error. Units stand at the end of a name, as in [network
tables](network-tables.md).

"""
HEADINGS = {
    "ScenarioFile": "## Keys",
    "Limits": "### `limits`",
    "MeanDays": "#### `max_mean_customer_days`",
    "PromiseShare": "#### `min_promise_share`",
    "LocalShare": "#### `min_local_gateway_share`",
    "LoadLimit": "#### `load`",
    "Solver": "### `solver`",
    "SetValue": "### `set`: values of a table",
    "Close": "### `close`: services, passages, sites",
    "ScaleDemand": "### `scale_demand`: more or less cargo",
    "ClearanceWindow": "### `clearance_window`: opening hours of customs",
    "FrontierSpec": "#### Frontier",
    "DisruptionSpec": "#### Disruption",
    "EventSpec": "#### Disruption",
    "RoutesSpec": "#### Routes",
    "Source": "#### Proposals",
    "Generate": "#### Proposals by rule",
    "PortfolioSpec": "#### Portfolio",
    "SitingSpec": "#### Siting",
}
"""Where the guide explains the keys of a model."""
COLUMNS = {"AddService": "services", "NewStop": "service_stops"}
"""Models whose keys are columns of a table of the network."""
TYPES = {"string": "text", "integer": "a whole number", "number": "a number", "boolean": "`true` or `false`"}


def reference() -> str:
    """Text of the document."""
    models = _models()
    parts = [INTRODUCTION]
    for name, model in models.items():
        parts += [f"## {name}\n\n", *_section(name, model, models), "\n"]
    return "".join(parts).rstrip("\n") + "\n"


def _models() -> dict[str, Mapping[str, Any]]:
    """Models by name: the file, each study, then what they are made of."""
    tops: list[type[BaseModel]] = [schema.ScenarioFile, *(study.spec for study in STUDIES.values())]
    found: dict[str, Mapping[str, Any]] = {}
    inner: dict[str, Mapping[str, Any]] = {}
    for top in tops:
        document = top.model_json_schema(by_alias=True)
        inner |= document.pop("$defs", {})
        found[top.__name__] = document
    return found | {name: inner[name] for name in inner if name not in found and "properties" in inner[name]}


def _section(name: str, model: Mapping[str, Any], models: Mapping[str, Any]) -> Iterator[str]:
    kind = _kind(model)
    if kind:
        yield f"`study: {{kind: {kind}, …}}`\n\n"
    elif model.get("description"):
        yield f"{_line(model['description'])}\n\n"
    guide = _guide(name)
    yield "| key | required | what | allowed |\n|---|---|---|---|\n"
    for key, field in model["properties"].items():
        required = "yes" if key in model.get("required", ()) else _default(field)
        what = _line(field.get("description", "")) or guide.get(key, "")
        allowed = _allowed(field, models).replace("|", "\\|")
        if name == "ScenarioFile" and key == "study":
            allowed = " or ".join(f"[{each}](#{each.lower()})" for each in models if _kind(models[each]))
        yield f"| `{key}` | {required} | {what} | {allowed} |\n"


def _kind(model: Mapping[str, Any]) -> str:
    """Kind of study whose settings a model is; empty: of none."""
    return str(model["properties"].get("kind", {}).get("const", ""))


def _guide(name: str) -> dict[str, str]:
    """Sentences of the guide by key, or of the network's tables where the keys are columns."""
    if name in COLUMNS:
        return {column.name: _line(column.meaning) for column in BY_NAME[COLUMNS[name]].columns}
    heading = HEADINGS.get(name)
    if heading is None or f"\n{heading}\n" not in GUIDE:
        return {}
    text = re.split(r"^##+ ", GUIDE.split(f"\n{heading}\n", 1)[1], maxsplit=1, flags=re.MULTILINE)[0]
    found: dict[str, str] = {}
    for line in text.splitlines():
        cells = re.split(r"(?<!\\)\|", line)[1:-1]
        for key in re.findall(r"`(\w+)`", cells[0]) if len(cells) > 1 else ():
            found.setdefault(
                key, cells[1].strip().removesuffix(", see below").replace("](#", "](scenario-files.md#")
            )
    return {key: words for key, words in found.items() if words != f"`{key}`"}


def _default(field: Mapping[str, Any]) -> str:
    default = field.get("default")
    if default in (None, "", [], {}):
        return "no"
    return f"no: `{json.dumps(default, ensure_ascii=False)}`"


def _allowed(field: Mapping[str, Any], models: Mapping[str, Any]) -> str:
    """What may stand there, in words."""
    if "$ref" in field:
        name = field["$ref"].rpartition("/")[2]
        return f"[{name}](#{name.lower()})" if name in models else name
    if "anyOf" in field:
        kinds = [_allowed(each, models) for each in field["anyOf"] if each.get("type") != "null"]
        return " or ".join(dict.fromkeys(kinds))
    if "const" in field:
        return f"`{field['const']}`"
    if "enum" in field:
        return "one of " + ", ".join(f"`{each}`" for each in field["enum"])
    if field.get("type") == "array":
        inner = _allowed(field.get("items", {}), models)
        return f"a list{_count(field)}: {inner}" if inner else f"a list{_count(field)}"
    if field.get("type") == "object":
        values = field.get("additionalProperties")
        return "values by key" + (f": {_allowed(values, models)}" if isinstance(values, Mapping) else "")
    return TYPES.get(field.get("type", ""), "") + _range(field)


def _count(field: Mapping[str, Any]) -> str:
    low, high = field.get("minItems"), field.get("maxItems")
    if low and high:
        return f" of {low}" if low == high else f" of {low} to {high:,}"
    return f" of at least {low}" if low else f" of at most {high:,}" if high else ""


def _range(field: Mapping[str, Any]) -> str:
    said = []
    for key, words in (("exclusiveMinimum", "above"), ("minimum", "from"), ("maximum", "to")):
        if key in field:
            said.append(f"{words} {field[key]:.10g}")
    if "pattern" in field:
        said.append(f"as `{field['pattern']}`")
    return f", {' '.join(said)}" if said else ""


def _line(words: str) -> str:
    return " ".join(words.split())


if __name__ == "__main__":
    TARGET.write_text(reference(), encoding="utf-8")
