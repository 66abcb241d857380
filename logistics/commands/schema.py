"""``logistics schema``: JSON Schema of scenario files, for editors."""

from __future__ import annotations

import json

import click


@click.command(name="schema")
def command() -> int:
    """Print the JSON Schema of scenario files on stdout."""
    from logistics.scenario.schema import ScenarioFile
    from logistics.studies.register import STUDIES

    document = ScenarioFile.model_json_schema(by_alias=True)
    kinds = []
    for study in STUDIES.values():
        kind = study.spec.model_json_schema(by_alias=True)
        document["$defs"] |= kind.pop("$defs", {})
        kinds.append(kind)
    document["properties"]["study"] = {"anyOf": kinds}
    document["$schema"] = "https://json-schema.org/draft/2020-12/schema"
    document["title"] = "Scenario of the logistics engine"
    click.echo(json.dumps(document, ensure_ascii=False, indent=2))
    return 0
