"""Reading the proposals of a study: files, lists and rules, with everything that is wrong with them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from logistics.errors import Problem, Where, did_you_mean, stop_on_errors
from logistics.project import guarded, project_folder
from logistics.proposals.csv_rows import rows_of_csv
from logistics.proposals.entering import options_of
from logistics.proposals.generate import generated
from logistics.proposals.new_places import new_rows
from logistics.proposals.proposal import Proposal, Row
from logistics.proposals.rows import proposal_of
from logistics.proposals.spec import Source
from logistics.proposals.surroundings import Surroundings, surroundings_of
from logistics.scenario.case import Case
from logistics.yaml_files import Document, Key

KEY: Key = ("study", "proposals")
"""Where the sources stand in a scenario."""


@dataclass(frozen=True)
class Rejected:
    """A proposal that cannot be evaluated.

    Parameters
    ----------
    id
        Its id, as far as it has one.
    where
        Where it was proposed.
    problems
        What is wrong with it, never empty.
    """

    id: str
    where: Where
    problems: tuple[Problem, ...]


@dataclass
class _Reading:
    """State while sources are read."""

    around: Surroundings
    document: Document
    path: Path
    allow_outside: bool
    keep_going: bool
    proposals: list[Proposal]
    rejected: list[Rejected]
    problems: list[Problem]
    seen: dict[str, Where]
    places: dict[tuple[str, str], tuple[Row, Where]]


def read_proposals(
    sources: Sequence[Source],
    case: Case,
    path: Path,
    *,
    keep_going: bool = False,
    allow_outside: bool = False,
) -> tuple[list[Proposal], list[Rejected]]:
    """Read all proposals of a study.

    Parameters
    ----------
    sources
        The block ``proposals:`` of the study.
    case
        The case they are proposed for.
    path
        The scenario file; files of proposals are named as seen from it.
    keep_going
        True: rows with problems are returned as rejected. False: they stop the run, all at once.
    allow_outside
        Whether files may lie outside the project folder.

    Returns
    -------
    list of Proposal, list of Rejected
        Good ones and bad ones, each in the order of the sources.

    Raises
    ------
    InputError
        With every problem of every row; with `keep_going` only when a source as a whole is unusable.
    """
    reading = _Reading(
        surroundings_of(case),
        case.scenario.document or Document("", None, {}, {}),
        path,
        allow_outside,
        keep_going,
        [],
        [],
        [],
        {},
        {},
    )
    for i, source in enumerate(sources):
        _read_source(reading, source, (*KEY, i))
    stop_on_errors(reading.problems)
    return reading.proposals, reading.rejected


def _read_source(reading: _Reading, source: Source, key: Key) -> None:
    before = len(reading.problems)
    sites, passages = new_rows(source, key, reading.around, reading.document, reading.problems)
    _keep_places(reading, key, {"sites": sites, "passages": passages})
    if len(reading.problems) > before:
        return
    around = reading.around.with_new(sites, passages)
    if source.generate is not None:

        def place(name: str) -> Where:
            return reading.document.where((*key, "generate", *([name] if name else [])))

        found: list[Problem] = []
        for proposal in generated(source.generate, around, place, found):
            _accept(reading, proposal.id, proposal.where, proposal, [])
        _turn_down(reading, "", place(""), found)
    for document, row_key, problems in _rows(reading, source, key):
        made = None if problems else proposal_of(document, row_key, around, problems)
        where = document.where((*row_key, "proposal_id"))
        _accept(reading, str(document.data.get("proposal_id", "")), where, made, problems)


def _keep_places(reading: _Reading, key: Key, new: Mapping[str, Sequence[Row]]) -> None:
    """Remember new places of a source by table; several sources may bring one along, but as one place."""
    for table, rows in new.items():
        name = f"{table.removesuffix('s')}_id"
        for i, row in enumerate(rows):
            where = reading.document.where((*key, table, i, name))
            first = reading.places.setdefault((table, str(row[name]).lower()), (row, where))
            if first[0] != row:
                problem = Problem("proposal.other_place", where, str(row[name]), str(first[1]))
                reading.problems.append(problem)


def _rows(reading: _Reading, source: Source, key: Key) -> Iterator[tuple[Document, Key, list[Problem]]]:
    """Rows of a file or list as documents, each with its key and what is wrong with its form."""
    document = reading.document
    for i, data in enumerate(source.list_ or ()):
        place = (*key, "list", i)
        yield Document(document.shown, data, document.places, document.key_places), place, []
    if source.file is None:
        return
    where = document.where((*key, "file"))
    project = project_folder(reading.path)
    before = len(reading.problems)
    path = guarded(
        reading.path.resolve().parent / source.file,
        project,
        where,
        reading.problems,
        allow_outside=reading.allow_outside,
    )
    if len(reading.problems) > before:
        return
    if not path.is_file():
        siblings = [other.name for other in path.parent.glob("*.csv")]
        hint = did_you_mean(path.name, siblings)
        reading.problems.append(Problem("proposal.no_file", where, source.file, remedy=hint))
        return
    shown = str(path.relative_to(project)) if path.is_relative_to(project) else path.name
    for row in rows_of_csv(path, shown, reading.problems):
        found, due = row.cells
        wrong = Problem("table.cell_count", row.where(()), str(found), str(due))
        yield row, (), [] if found == due else [wrong]


def _accept(
    reading: _Reading, name: str, where: Where, proposal: Proposal | None, problems: list[Problem]
) -> None:
    """Take a proposal in if its id is new and it has no problems, else turn it down."""
    first = reading.seen.get(name.lower())
    if name and first is not None:
        problems.append(Problem("proposal.duplicate", where, name, str(first)))
    reading.seen.setdefault(name.lower(), where)
    if name.lower() in reading.around.services:
        problems.append(Problem("proposal.is_service", where, name))
    for option in options_of([proposal] if proposal is not None and not problems else []):
        taken = reading.seen.setdefault(option.id.lower(), where)
        if option.id != name and taken != where:
            problems.append(Problem("proposal.level_name", where, option.id, str(taken), name))
    if proposal is not None and not problems:
        reading.proposals.append(proposal)
    _turn_down(reading, name, where, problems)


def _turn_down(reading: _Reading, name: str, where: Where, problems: list[Problem]) -> None:
    """Keep problems as a rejected proposal, or as what will stop the run."""
    if problems and reading.keep_going:
        reading.rejected.append(Rejected(name, where, tuple(problems)))
    else:
        reading.problems.extend(problems)
