"""YAML for people's files: safe, bounded, and every value knows its line and column.

YAML 1.2 through ruamel.yaml, so ``NO`` stays text. Anchors, tags and duplicate keys are refused: the files
are small and say what they mean.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError
from ruamel.yaml import YAML
from ruamel.yaml.error import MarkedYAMLError, YAMLError
from ruamel.yaml.events import AliasEvent, MappingStartEvent, ScalarEvent, SequenceStartEvent
from ruamel.yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode

from logistics.encodings import guessed_encoding
from logistics.errors import Problem, Where, did_you_mean

MAX_BYTES = 2_000_000
MAX_DEPTH = 30
MAX_NODES = 20_000
Model = TypeVar("Model", bound=BaseModel)
Key = tuple[str | int, ...]


@dataclass(frozen=True)
class Document:
    """A parsed YAML file.

    Parameters
    ----------
    shown
        File name for messages.
    data
        Plain dicts, lists, strings, numbers, booleans and None.
    places
        Line and column (from 1) of the value at each key path, and of the key itself.
    """

    shown: str
    data: Any
    places: dict[Key, tuple[int, int]]
    key_places: dict[Key, tuple[int, int]]

    def where(self, key: Key, *, of_key: bool = False) -> Where:
        """Place of the value at `key`, or of its nearest parent that stands in the file."""
        places = self.key_places if of_key else self.places
        for length in range(len(key), -1, -1):
            found = places.get(key[:length]) or self.places.get(key[:length])
            if found:
                return Where(self.shown, found[0], str(found[1]))
        return Where(self.shown)


def read_yaml(path: Path, shown: str, problems: list[Problem]) -> Document | None:
    """Parse `path`; problems are appended, None is returned when nothing can be used."""
    where = Where(shown)
    try:
        if path.stat().st_size > MAX_BYTES:
            problems.append(Problem("yaml.too_large", where, str(path.stat().st_size), str(MAX_BYTES)))
            return None
        raw = path.read_bytes()
        text = raw.decode("utf-8")
    except OSError as error:
        problems.append(Problem("yaml.unreadable", where, str(error.strerror)))
        return None
    except UnicodeDecodeError as error:
        line = raw[: error.start].count(b"\n") + 1
        problems.append(Problem("yaml.encoding", Where(shown, line), guessed_encoding(raw), "UTF-8"))
        return None
    try:
        if not _events_are_plain(text, shown, problems):
            return None
        node = YAML(typ="rt", pure=True).compose(text)
    except MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        place = Where(shown, mark.line + 1, str(mark.column + 1)) if mark else where
        problems.append(Problem("yaml.syntax", place, str(error.problem or error.context)))
        return None
    except (YAMLError, ValueError) as error:
        problems.append(Problem("yaml.syntax", where, str(error).splitlines()[0]))
        return None
    if node is None:
        problems.append(Problem("yaml.empty", where))
        return None
    document = Document(shown, None, {}, {})
    data = _plain(node, (), document, problems)
    return Document(shown, data, document.places, document.key_places)


def _events_are_plain(text: str, shown: str, problems: list[Problem]) -> bool:
    """Refuse aliases, anchors, tags, and documents too deep or too large, before building anything."""
    depth = nodes = documents = 0
    found = len(problems)
    for event in YAML(typ="rt", pure=True).parse(text):
        place = Where(shown, event.start_mark.line + 1, str(event.start_mark.column + 1))
        name = type(event).__name__
        documents += name == "DocumentStartEvent"
        if isinstance(event, AliasEvent):
            problems.append(Problem("yaml.alias", place, f"*{event.anchor}"))
        elif isinstance(event, ScalarEvent | SequenceStartEvent | MappingStartEvent):
            nodes += 1
            if event.anchor:
                problems.append(Problem("yaml.alias", place, f"&{event.anchor}"))
            if event.ctag is not None and str(event.ctag) not in ("None", "!"):
                problems.append(Problem("yaml.tag", place, str(event.ctag)))
        if name.endswith(("SequenceStartEvent", "MappingStartEvent")):
            depth += 1
        elif name in ("SequenceEndEvent", "MappingEndEvent"):
            depth -= 1
        if depth > MAX_DEPTH or nodes > MAX_NODES:
            problems.append(
                Problem(
                    "yaml.too_large", place, f"depth {depth}, {nodes} values", f"{MAX_DEPTH}, {MAX_NODES}"
                )
            )
            return False
        if documents > 1:
            problems.append(Problem("yaml.documents", place))
            return False
        if len(problems) - found > 20:
            return False
    return len(problems) == found


def _plain(node: Node, key: Key, document: Document, problems: list[Problem]) -> Any:
    """Turn a node into plain data and remember where each value stands."""
    document.places[key] = (node.start_mark.line + 1, node.start_mark.column + 1)
    if isinstance(node, MappingNode):
        out: dict[str, Any] = {}
        for key_node, value_node in node.value:
            name = key_node.value if isinstance(key_node, ScalarNode) else "?"
            child = (*key, name)
            place = (key_node.start_mark.line + 1, key_node.start_mark.column + 1)
            if name in out:
                where = Where(document.shown, place[0], str(place[1]))
                problems.append(Problem("yaml.duplicate_key", where, subject=str(name)))
                continue
            document.key_places[child] = place
            out[name] = _plain(value_node, child, document, problems)
        return out
    if isinstance(node, SequenceNode):
        return [_plain(item, (*key, i), document, problems) for i, item in enumerate(node.value)]
    return _scalar(node.value, getattr(node, "style", None))


def _scalar(text: str, style: str | None) -> Any:
    """YAML 1.2 core schema: quoted text stays text."""
    if style in ("'", '"', "|", ">"):
        return text
    if text in ("", "~", "null", "Null", "NULL"):
        return None
    if text in ("true", "True", "TRUE"):
        return True
    if text in ("false", "False", "FALSE"):
        return False
    for kind in (int, float):
        try:
            if "_" not in text and (kind is int or any(c in text for c in ".eE0123456789")):
                return kind(text)
        except ValueError:
            continue
    return text


def validated(model: type[Model], document: Document, problems: list[Problem], key: Key = ()) -> Model | None:
    """Check `document.data` against a pydantic model; each finding gets its place and a plain sentence."""
    try:
        return model.model_validate(document.data)
    except ValidationError as error:
        found = [_as_problem(item, model, document, key) for item in error.errors(include_url=False)]
        # A misspelt key is one finding, not also a missing one.
        meant = {_sibling(p.subject, p.remedy) for p in found if p.code == "schema.unknown_key" and p.remedy}
        problems.extend(p for p in found if not (p.code == "schema.missing_key" and p.subject in meant))
        return None


def _sibling(subject: str, name: str) -> str:
    """Key path of `name` beside the key path `subject`."""
    return ".".join([*subject.split(".")[:-1], name])


def _as_problem(item: Any, model: type[BaseModel], document: Document, key: Key) -> Problem:
    located = tuple(part for part in item["loc"])
    # Parts that pydantic adds for unions and aliases do not stand in the file.
    path: Key = tuple(
        part for part in located if not (isinstance(part, str) and part.startswith(("function-", "tagged-")))
    )
    kind, context = item["type"], item.get("ctx", {})
    if path and path[-1] == "[key]":
        path = path[:-1]
        where = document.where(key + path, of_key=True)
        return Problem("schema.value", where, str(path[-1]), str(item["msg"]), ".".join(map(str, path)))
    subject = ".".join(str(part) for part in path)
    found = "" if isinstance(item.get("input"), dict | list) else str(item.get("input"))
    if kind == "extra_forbidden":
        choices = _keys_at(model, path[:-1])
        name = str(path[-1])
        return Problem(
            "schema.unknown_key",
            document.where(key + path, of_key=True),
            name,
            ", ".join(choices),
            subject,
            did_you_mean(name, choices),
        )
    if kind == "missing":
        return Problem("schema.missing_key", document.where(key + path[:-1]), allowed="", subject=subject)
    where = document.where(key + path)
    if kind in ("literal_error", "enum"):
        choices = [
            choice.strip(" '\"")
            for choice in str(context.get("expected", "")).replace(" or ", ", ").split(",")
        ]
        return Problem(
            "schema.choice", where, found, ", ".join(choices), subject, did_you_mean(found, choices)
        )
    if kind in ("greater_than", "greater_than_equal", "less_than", "less_than_equal"):
        signs = {"gt": ">", "ge": "≥", "lt": "<", "le": "≤"}
        allowed = ", ".join(f"{signs[name]} {value:g}" for name, value in context.items() if name in signs)
        return Problem("schema.range", where, found, allowed, subject)
    if kind == "finite_number":
        return Problem("schema.range", where, found, "a finite number", subject)
    if kind.endswith(("_type", "_parsing", "is_instance_of")):
        return Problem("schema.type", where, found, kind.split("_")[0], subject)
    return Problem("schema.value", where, found, str(item["msg"]), subject)


def _keys_at(model: type[BaseModel], path: Sequence[str | int]) -> list[str]:
    """Keys allowed at `path`, following nested models as far as they can be followed."""
    models: list[type[BaseModel]] = [model]
    for part in path:
        if isinstance(part, int):
            continue
        found = []
        for current in models:
            for name, field in current.model_fields.items():
                if part in (name, field.alias):
                    found.extend(_models_in(field.annotation))
        if found:
            models = found
    return sorted({field.alias or name for current in models for name, field in current.model_fields.items()})


def _models_in(annotation: Any) -> list[type[BaseModel]]:
    if isinstance(annotation, type):
        return [annotation] if issubclass(annotation, BaseModel) else []
    return [model for part in getattr(annotation, "__args__", ()) for model in _models_in(part)]
