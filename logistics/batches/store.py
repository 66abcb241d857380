"""The folder of a batch: what is done, written by one process at a time, and each file whole or not there.

``runs/<id>/`` are results folders. Their inputs are links to ``tables/``, where each table stands once.
``pieces/<id>/`` holds the answered pieces and bases of runs that are not done, ``failed/<id>.json`` why a run
failed.
``work/`` belongs to the process that holds the lock, and is emptied when the next one takes it.
"""

from __future__ import annotations

import contextlib
import errno
import json
import os
import shutil
import sys
import tempfile
import time
from collections.abc import Callable, Collection, Mapping
from pathlib import Path
from types import TracebackType
from typing import Any, BinaryIO, Literal

from logistics.batches.digests import folder_digest
from logistics.batches.plan import Run
from logistics.errors import InputError, Problem, Where, stop_on_errors
from logistics.results.layout import INPUTS, LOG, RESULT, canonical_json, digest_of_bytes, self_digest
from logistics.results.write import unwritable
from logistics.version import VERSION

if sys.platform == "win32":
    import msvcrt
else:
    import fcntl

BATCH = "batch-info.json"
SCHEMA = "logistics.batch/1"
RUNS, TABLES, PIECES, FAILED, WORK, LOCK = "runs", "tables", "pieces", "failed", "work", ".lock"
ABOUT = "run-info.json"
"""In the folder of a run: which scenario, variant and values it is."""
OUTPUTS = "report-info.json"
"""In the folder of a run: language and digests of its reports."""
PartStep = Literal["base", "piece"]
WAIT_S = 0.2
HELD = (errno.EAGAIN, errno.EACCES, errno.EDEADLK)
"""What the system says of a lock that another process holds."""


class BatchStore:
    """The folder of a batch, held by this process while it is entered.

    Parameters
    ----------
    folder
        The folder; made when it is not there.
    waiting
        Called once when another batch holds the folder.
    """

    def __init__(self, folder: Path, waiting: Callable[[], None] = lambda: None) -> None:
        self.folder = folder.absolute()
        self._waiting = waiting
        self._lock: BinaryIO | None = None
        self._digests: dict[tuple[int, int], str] = {}

    def __enter__(self) -> BatchStore:
        """Take the folder, waiting for another batch to leave it."""
        _check_folder(self.folder)
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            self._lock = (self.folder / LOCK).open("ab")
        except OSError as error:
            where = Where(str(error.filename or self.folder))
            raise InputError([Problem("batch.disk", where, str(error.strerror or error))]) from error
        try:
            self._take()
        except BaseException:
            # In a notebook this process goes on.
            self._lock.close()
            raise
        return self

    def _take(self) -> None:
        """Wait for the lock, and put the folder in order."""
        assert self._lock is not None
        told = False
        while not _locked(self._lock):
            if not told:
                self._waiting()
                told = True
            time.sleep(WAIT_S)
        shutil.rmtree(self.folder / WORK, ignore_errors=True)
        for name in (RUNS, TABLES, WORK):
            (self.folder / name).mkdir(exist_ok=True)
        if not (self.folder / BATCH).exists():
            work = self.folder / WORK / BATCH
            work.write_text(canonical_json({"schema": SCHEMA}), encoding="utf-8")
            os.replace(work, self.folder / BATCH)
        for path in (self.folder / TABLES).iterdir():
            if digest_of_bytes(path.read_bytes()) != path.stem:
                path.unlink()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Leave the folder to others."""
        shutil.rmtree(self.folder / WORK, ignore_errors=True)
        if self._lock is not None:
            self._lock.close()

    @property
    def shared(self) -> Path:
        """Where networks and answers of bases lie for the workers of this machine."""
        return self.folder / WORK / "shared"

    def is_done(self, run: Run) -> bool:
        """Whether the results of a run are there, each file as it was; what is damaged is removed."""
        folder = self.folder / RUNS / run.id
        if not folder.exists():
            return False
        if self._is_whole(folder, run):
            return True
        shutil.rmtree(folder)
        return False

    def has_reports(self, run_id: str, names: Collection[str], lang: str) -> bool:
        """Whether these reports of a run are there in a language, and all of them as they were made."""
        folder = self.folder / RUNS / run_id
        made = self._reports(run_id, lang)
        return set(names) <= made.keys() and all(_is(folder / name, made[name]) for name in made)

    def _reports(self, run_id: str, lang: str) -> dict[str, str]:
        """Digests of the reports of a run that were made in a language, by name."""
        try:
            text = (self.folder / RUNS / run_id / OUTPUTS).read_text(encoding="utf-8")
            said = json.loads(text)
            return dict(said["files"]) if said["lang"] == lang else {}
        except (OSError, ValueError, KeyError, TypeError):
            return {}

    def files(self, run_id: str) -> dict[str, bytes]:
        """Contents of the files of a run."""
        folder = self.folder / RUNS / run_id
        return {p.relative_to(folder).as_posix(): p.read_bytes() for p in folder.rglob("*") if p.is_file()}

    def put(self, run: Run, files: Mapping[str, bytes]) -> None:
        """Write the results of a run, beside their place first.

        Raises
        ------
        OSError
            When the disk does not take them; nothing of them is left then.
        """
        with tempfile.TemporaryDirectory(dir=self.folder / WORK) as name:
            work = Path(name) / run.id
            for file, content in files.items():
                path = work / file
                path.parent.mkdir(parents=True, exist_ok=True)
                if file.startswith(f"{INPUTS}/") and path.suffix == ".parquet":
                    self._link(content, path)
                else:
                    path.write_bytes(content)
            (work / ABOUT).write_text(_about_text(run, files[LOG]), encoding="utf-8")
            os.replace(work, self.folder / RUNS / run.id)
        shutil.rmtree(self.folder / PIECES / run.id, ignore_errors=True)
        _remove_empty(self.folder / PIECES)
        self.forget_failure(run.id)

    def put_reports(self, run_id: str, files: Mapping[str, bytes], lang: str) -> None:
        """Put reports into the folder of a run that is done, each whole or not at all, then what they are."""
        made = {name: digest_of_bytes(content) for name, content in files.items()}
        said = {"lang": lang, "files": self._reports(run_id, lang) | made}
        files = {**files, OUTPUTS: canonical_json(said).encode()}
        with tempfile.TemporaryDirectory(dir=self.folder / WORK) as name:
            for number, (file, content) in enumerate(files.items()):
                work, path = Path(name) / str(number), self.folder / RUNS / run_id / file
                work.write_bytes(content)
                path.parent.mkdir(parents=True, exist_ok=True)
                os.replace(work, path)

    def put_part(self, run_id: str, step: PartStep, number: int, count: int, data: bytes) -> Path:
        """Keep the answer of one of the pieces or bases of a run that is not done."""
        folder = self.folder / PIECES / run_id
        folder.mkdir(parents=True, exist_ok=True)
        work = self.folder / WORK / f"{run_id}.{step}.{number}"
        work.write_bytes(data)
        path = folder / f"{step}-{number}-of-{count}.{digest_of_bytes(data)}"
        os.replace(work, path)
        return path

    def parts(self, run_id: str, step: PartStep, count: int) -> dict[int, Path]:
        """Kept answers by number; what was cut into other parts, or is damaged, is removed."""
        found = {}
        for path in sorted((self.folder / PIECES / run_id).glob(f"{step}-*")):
            place, _, digest = path.name.partition(".")
            number, _, of = place.removeprefix(f"{step}-").partition("-of-")
            if of == str(count) and digest == digest_of_bytes(path.read_bytes()):
                found[int(number)] = path
            else:
                path.unlink()
        return found

    def fail(self, run: Run, problems: tuple[Problem, ...]) -> None:
        """Keep why a run failed."""
        folder = self.folder / FAILED
        folder.mkdir(exist_ok=True)
        work = self.folder / WORK / f"{run.id}.json"
        rows = [{**vars(p), "where": vars(p.where)} for p in problems]
        work.write_text(canonical_json({**_about(run), "problems": rows}), encoding="utf-8")
        os.replace(work, folder / work.name)

    def forget_failure(self, run_id: str) -> None:
        """A run that failed before is done now."""
        (self.folder / FAILED / f"{run_id}.json").unlink(missing_ok=True)
        _remove_empty(self.folder / FAILED)

    def _link(self, content: bytes, path: Path) -> None:
        """Let `path` be the one copy of this content."""
        blob = self.folder / TABLES / f"{digest_of_bytes(content)}{path.suffix}"
        if not blob.exists():
            work = path.with_name(f"{path.name}.new")
            work.write_bytes(content)
            os.replace(work, blob)
        try:
            os.link(blob, path)
        except OSError:
            # A file system without links, or one that has no more of them.
            path.write_bytes(content)

    def _is_whole(self, folder: Path, run: Run) -> bool:
        try:
            document = json.loads((folder / RESULT).read_text(encoding="utf-8"))
            about = (folder / ABOUT).read_text(encoding="utf-8")
            return (
                document["digest"] == self_digest(document)
                and about == _about_text(run, (folder / LOG).read_bytes())
                and all(
                    digest_of_bytes((folder / name).read_bytes()) == digest
                    for name, digest in document["files"].items()
                )
                and self._has_inputs(folder / INPUTS / document["inputs"])
            )
        except (OSError, ValueError, KeyError, TypeError, AttributeError):
            return False

    def _has_inputs(self, store: Path) -> bool:
        """Whether the inputs are what their name says; a table that runs share is read once."""
        whole = {}
        for path in sorted(p for p in store.rglob("*") if p.is_file()):
            state = path.stat()
            key = (state.st_ino, state.st_size)
            if key not in self._digests:
                self._digests[key] = digest_of_bytes(path.read_bytes())
            whole[path.relative_to(store).as_posix()] = self._digests[key]
        return folder_digest(whole) == store.name


def _is(path: Path, digest: str) -> bool:
    """Whether a file is there and has this digest."""
    try:
        return digest_of_bytes(path.read_bytes()) == digest
    except OSError:
        return False


def _about(run: Run) -> dict[str, Any]:
    """What a run is, for its folder or its failure."""
    return {
        "run": run.id,
        "scenario": run.scenario.id,
        "file": run.scenario.path.name,
        "variant": run.variant,
        "values": dict(run.values),
        "engine": VERSION,
        "network": run.network,
    }


def _about_text(run: Run, log: bytes) -> str:
    """The same as it stands in its folder, with the digest of the log, which no one else seals."""
    return canonical_json({**_about(run), "log": digest_of_bytes(log)})


def _check_folder(folder: Path) -> None:
    """Refuse a folder that holds something else, or that cannot be made."""
    if not folder.exists():
        stop_on_errors(unwritable(folder))
    elif not folder.is_dir() or (not (folder / BATCH).is_file() and _strangers(folder)):
        stop_on_errors([Problem("batch.not_a_batch", Where(str(folder)))])


def _strangers(folder: Path) -> bool:
    """Whether a folder holds what no batch put there; one that ended at its very start left only these."""
    return any(path.name not in (RUNS, TABLES, WORK, LOCK) for path in folder.iterdir())


def _remove_empty(folder: Path) -> None:
    with contextlib.suppress(OSError):
        folder.rmdir()


def _locked(file: BinaryIO) -> bool:
    """Lock a file for this process, until it closes it or ends; False when another one holds it."""
    try:
        if sys.platform == "win32":
            msvcrt.locking(file.fileno(), msvcrt.LK_NBLCK, 1)
        else:
            fcntl.flock(file.fileno(), fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        if error.errno not in HELD:
            raise
        return False
    return True
