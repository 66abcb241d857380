"""What a worker does: the steps of a run, from a scenario to the files of its results folder.

A run starts; it is done at once, or splits into the pieces of its study, which workers do in any order and
anywhere, and one of them merges. What pieces start from, its bases, is found before them.
Nothing of a step's answer depends on the worker or on the clock, but for ``timing.json``.
"""

from __future__ import annotations

import io
import logging
import pickle
import tempfile
import time
import traceback
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

from logistics.errors import InputError, Problem
from logistics.version import VERSION

if TYPE_CHECKING:
    from logistics.studies.register import ReadyStudy

Step = Literal["start", "base", "piece", "merge", "report"]
KEPT = 4
"""Cases that a worker keeps ready for further pieces."""


@dataclass(frozen=True)
class Task:
    """One step of a run, to be done by any worker.

    Parameters
    ----------
    scenario
        The scenario, pickled.
    network
        Digest of its network, which the worker has.
    step
        ``start``, ``base``, ``piece``, ``merge``, or ``report`` on finished results.
    piece
        Number of the piece or the base.
    parts
        ``merge``: answers of the pieces in order; ``report``: pickled files of the results folder.
    engine
        Version of the engine that asks.
    reports, lang
        Reports to make, and their language.
    spent_s
        Seconds that earlier steps of the run took.
    bases
        ``piece``, ``merge``: names of the files with the answers of the bases, in order; the worker has them.
    """

    run_id: str
    scenario: bytes
    network: str
    step: Step
    piece: int = 0
    parts: tuple[bytes, ...] = ()
    engine: str = VERSION
    reports: str = "none"
    lang: str = "en"
    spent_s: float = 0.0
    bases: tuple[str, ...] = ()


@dataclass(frozen=True)
class Done:
    """Contents of the files of a results folder by name; with a report: of the reports."""

    files: Mapping[str, bytes]


@dataclass(frozen=True)
class Split:
    """The run has so many pieces, and so many bases that they start from."""

    count: int
    bases: int


@dataclass(frozen=True)
class Part:
    """Answer of a piece for the worker that merges, or of a base for all."""

    data: bytes


@dataclass(frozen=True)
class Refusal:
    """The run cannot be done, and why; another try would end the same way."""

    problems: tuple[Problem, ...]


Answer = Done | Split | Part | Refusal


class Answered(NamedTuple):
    """An answer, and the seconds that it took."""

    answer: Answer
    seconds: float


_ready: dict[str, tuple[ReadyStudy, Sequence[Any], float]] = {}


def do_step(task: Task, shared: Path) -> Answer:
    """Do one step.

    Parameters
    ----------
    task
        The step.
    shared
        Folder of what steps share: networks, see :mod:`logistics.batches.networks`, and answers of bases.
    """
    if task.engine != VERSION:
        return Refusal((Problem("batch.engine", found=VERSION, allowed=task.engine),))
    try:
        if task.step == "report":
            return _reported(task)
        return _stepped(task, shared)
    except InputError as error:
        return Refusal(error.problems)
    except MemoryError:
        raise
    except Exception as error:  # noqa: BLE001 - whatever a run does, the batch goes on
        frame = traceback.extract_tb(error.__traceback__)[-1]
        place = f"{Path(frame.filename).name}:{frame.lineno}"
        found = f"{type(error).__name__}: {error}"
        return Refusal((Problem("batch.internal", found=found[:300], subject=place),))


def _stepped(task: Task, shared: Path) -> Answer:
    from logistics.batches.bases import MappedBases, mapped_base, packed_base
    from logistics.studies.register import based, bases_of, run_base
    from logistics.studies.study import StudyResult

    with _logged() as log:
        ready, pieces, read_s = _ready_run(task, shared)
        bases = bases_of(ready)
        if task.step == "start" and len(pieces) > 1:
            return Split(len(pieces), len(bases))
        if task.step == "base":
            found = run_base(ready, bases[task.piece], _silent)
            return Part(packed_base(found, log.getvalue()))
        paths = [shared / name for name in task.bases]
        answers: Mapping[Any, Any] = MappedBases(bases, paths) if paths else {}
        if task.step == "start":
            answers = {base: run_base(ready, base, _silent) for base in bases}
        case, study, spec = based(ready, answers)
        if task.step == "merge":
            log.write("".join(mapped_base(path)[1] for path in paths))
            saved = [pickle.loads(part) for part in task.parts]  # noqa: S301 - parts of our own workers
            results = [result for result, _ in saved]
            log.write("".join(words for _, words in saved))
        else:
            piece = pieces[task.piece]
            results = [study.run_piece(case, spec, piece, _silent)]
        if task.step == "piece":
            return Part(pickle.dumps((results[0], log.getvalue())))
        merged: StudyResult = study.merge(case, spec, results)
    from logistics.batches.render import rendered_results

    merged = replace(merged, seconds={"read": read_s, **merged.seconds})
    return Done(rendered_results(case, merged, log.getvalue()))


def _ready_run(task: Task, shared: Path) -> tuple[ReadyStudy, Sequence[Any], float]:
    """The case of a run, its study and its pieces; kept for the next step of the same run."""
    if task.run_id in _ready:
        return _ready[task.run_id]
    from logistics.scenario.case import build_case
    from logistics.studies.register import ready_study

    started = time.perf_counter()
    scenario = pickle.loads(task.scenario)  # noqa: S301 - from the process that runs the batch
    network, warnings = _network(shared / task.network)
    ready = ready_study(build_case(scenario, network, warnings))
    pieces = ready.study.pieces(ready.case, ready.spec)
    if len(_ready) >= KEPT:
        _ready.pop(next(iter(_ready)))
    _ready[task.run_id] = ready, pieces, time.perf_counter() - started
    return _ready[task.run_id]


_networks: dict[Path, Any] = {}


def _network(folder: Path) -> Any:
    from logistics.batches.networks import mapped_network

    if folder not in _networks:
        _networks[folder] = mapped_network(folder)
    return _networks[folder]


def _reported(task: Task) -> Done:
    """Make the reports of finished results, in a folder of the worker's own."""
    from logistics.reports.outputs import PAGE, write_reports

    (packed,) = task.parts
    files: Mapping[str, bytes] = pickle.loads(packed)  # noqa: S301 - from the process that runs the batch
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name) / task.run_id
        for file, content in files.items():
            (folder / file).parent.mkdir(parents=True, exist_ok=True)
            (folder / file).write_bytes(content)
        written = write_reports(folder, task.reports, task.lang)
        made = [p for top in written.files for p in (sorted(top.rglob("*")) if top.is_dir() else [top])]
        names = {p.relative_to(folder).as_posix(): p for p in made if p.is_file()}
        # Put into their places in this order, the page last: where the files of the folder are, all is.
        order = sorted(names, key=lambda name: ("/" not in name, name == PAGE))
        return Done({name: names[name].read_bytes() for name in order})


@contextmanager
def _logged() -> Iterator[io.StringIO]:
    """Collect what the engine logs meanwhile; without the time, so that it is the same every time."""
    words = io.StringIO()
    logger, handler = logging.getLogger("logistics"), logging.StreamHandler(words)
    handler.setFormatter(logging.Formatter("%(levelname)s %(name)s: %(message)s"))
    logger.setLevel(logging.DEBUG)
    logger.propagate = False
    logger.addHandler(handler)
    try:
        yield words
    finally:
        logger.removeHandler(handler)


def _silent(key: str, values: Mapping[str, object]) -> None:
    """Tell nobody."""
