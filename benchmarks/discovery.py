"""Which instances there are: INDEX.csv of the data folder, what files' contents say, and generated ones."""

from __future__ import annotations

import csv
import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from fnmatch import fnmatchcase
from pathlib import Path

from benchmarks.files import files_below
from benchmarks.spec import Found, Recognised, Spec

ROOT = Path(__file__).resolve().parent.parent
VARIABLE = "LOGISTICS_BENCHMARK_DATA"
DEFAULT_FOLDER = ROOT.parent / "shared" / "benchmark-data"
SEEDS = (1,)
GENERATED = "generated, no published value"
MISSING_FOLDER = (
    "The data folder {folder} is not there, so there are no published instances. Name it with --data or "
    "LOGISTICS_BENCHMARK_DATA; benchmarks/README.md says where the publishers keep the files."
)
NO_SPEC = "no family of the harness reads it yet"
COLUMNS = ("family", "instance", "file", "published_value", "value_kind")


@dataclass(frozen=True)
class Skipped:
    """An instance that is not run, and why.

    Parameters
    ----------
    family
        The harness's if it knows the file, else that of INDEX.csv.
    index_family
        As INDEX.csv names it.
    """

    family: str
    instance: str
    reason: str
    index_family: str


@dataclass(frozen=True)
class Discovery:
    """What was found.

    Parameters
    ----------
    found
        What can be run.
    skipped
        What cannot.
    messages
        What is wrong with the data folder.
    """

    found: tuple[Found, ...]
    skipped: tuple[Skipped, ...]
    messages: tuple[str, ...]


@dataclass(frozen=True)
class IndexRow:
    """A row of INDEX.csv; `path` may not exist."""

    family: str
    instance: str
    path: Path
    published: float | None
    value_kind: str


def data_folder(given: str | None) -> Path:
    """The folder asked for, or the one the environment names, or the one beside the project."""
    return Path(given or os.environ.get(VARIABLE) or DEFAULT_FOLDER).expanduser()


def discover(specs: Iterable[Spec], folder: Path) -> Discovery:
    """Look through `folder` and ask each spec for its instances."""
    specs = list(specs)
    found: list[Found] = []
    skipped: list[Skipped] = []
    rows, messages = _index(folder)
    seen: set[Path] = set()
    for row in rows:
        seen.add(row.path.resolve())
        if not row.path.is_file():
            skipped.append(Skipped(row.family, row.instance, f"{row.path} is not there", row.family))
            continue
        owner = _owner(specs, row.path)
        if owner is None:
            skipped.append(Skipped(row.family, row.instance, NO_SPEC, row.family))
            continue
        spec, what = owner
        if what.skip:
            skipped.append(Skipped(spec.name, row.instance, what.skip, row.family))
            continue
        known = row.published is not None
        found.append(
            Found(
                family=spec.name,
                instance=row.instance,
                published=row.published if known else what.published,
                value_kind=row.value_kind if known else what.value_kind or row.value_kind,
                seed=None,
                source=str(row.path),
                data=str(folder),
                index_family=row.family,
            )
        )
    for path in files_below(folder):
        owner = _owner(specs, path) if path.resolve() not in seen else None
        if owner is not None and not owner[1].skip:
            spec, what = owner
            found.append(
                Found(
                    spec.name, path.stem, what.published, what.value_kind, None, str(path), data=str(folder)
                )
            )
    order = {spec.name: number for number, spec in enumerate(specs)}
    found.sort(key=lambda one: order[one.family])
    for spec in specs:
        found += [generated(spec, size, seed) for size in spec.sizes for seed in SEEDS]
    return Discovery(tuple(_apart(found)), tuple(skipped), tuple(messages))


def generated(spec: Spec, size: str, seed: int) -> Found:
    """The generated instance of `size` and `seed`."""
    return Found(spec.name, f"{size}-{seed}", None, GENERATED, seed, size)


def chosen(
    specs: Iterable[Spec], found: Iterable[Found], family: str | None, pattern: str | None
) -> list[Found]:
    """Keep instances of a family (as the harness or as INDEX.csv names it) whose name matches a glob.

    ``size-seed`` of a generated family is made though it is not in the list.
    """
    members = [one for one in found if family in (None, one.family, one.index_family)]
    if pattern is None:
        return members
    named = [one for one in members if fnmatchcase(one.instance, pattern)]
    if not named:
        size, _, seed = pattern.rpartition("-")
        for spec in specs:
            if family in (None, spec.name) and size in spec.sizes and seed.isdecimal():
                named.append(generated(spec, size, int(seed)))
    return named


def _index(folder: Path) -> tuple[list[IndexRow], list[str]]:
    if not folder.is_dir():
        return [], [MISSING_FOLDER.format(folder=folder)]
    path = folder / "INDEX.csv"
    if not path.is_file():
        return [], [f"{path} is not there; files are taken for what their contents say."]
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            reader = csv.DictReader(file)
            missing = [name for name in COLUMNS if name not in (reader.fieldnames or ())]
            if missing:
                return [], [
                    f"{path} has no column {', '.join(missing)}; files are taken for what they contain."
                ]
            rows = [{name: (row[name] or "").strip() for name in COLUMNS} for row in reader]
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        return [], [f"{path} cannot be read: {error}"]
    messages = []
    result = []
    for number, row in enumerate(rows, 2):
        if not row["family"] or not row["file"]:
            messages.append(f"{path}, line {number}: family or file is missing")
            continue
        try:
            published = float(row["published_value"]) if row["published_value"] else None
        except ValueError:
            messages.append(f"{path}, line {number}: {row['published_value']!r} is no number")
            published = None
        result.append(
            IndexRow(row["family"], row["instance"], folder / row["file"], published, row["value_kind"])
        )
    return result, messages


def _owner(specs: Iterable[Spec], path: Path) -> tuple[Spec, Recognised] | None:
    for spec in specs:
        what = spec.recognise(path)
        if what is not None:
            return spec, what
    return None


def _apart(found: list[Found]) -> Iterator[Found]:
    """Give instances of one name a number, so that each can be named."""
    count: dict[tuple[str, str], int] = {}
    for one in found:
        key = (one.family, one.instance)
        count[key] = count.get(key, 0) + 1
        yield one if count[key] == 1 else replace(one, instance=f"{one.instance}.{count[key]}")
