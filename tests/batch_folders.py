"""Batches in processes of their own, for tests: scenarios, calls, what is left on the disk and running."""

import hashlib
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

from tests.tiny import THREE_GATEWAYS

ROOT = Path(__file__).resolve().parents[1]
STUDIES = ROOT / "tests" / "batch_studies"
HEAD = """\
schema: 1
name: {zh: 试验, en: Trial}
network: three_gateways
years: [2021]
"""


def project(folder):
    """A project folder with the tiny network."""
    shutil.copytree(THREE_GATEWAYS, folder / "networks" / "three_gateways")
    (folder / "scenarios").mkdir()
    return folder


def scenario(folder, name, text):
    """Write a scenario file."""
    path = folder / "scenarios" / f"{name}.yaml"
    path.write_text(HEAD + text, encoding="utf-8")
    return path


def family(count, *, study=""):
    """Text of a scenario with `count` members that differ in their demand."""
    factors = ", ".join(f"{1 + number / 100:g}" for number in range(count))
    return (
        f"changes:\n  - scale_demand: {{factor: 1}}\n{study}variants:\n  d:\n    over:\n"
        f"      - {{key: changes.0.scale_demand.factor, values: [{factors}]}}\n"
    )


def slow(seconds, *, pieces=1, bases=0, note=""):
    """The study line of a run that takes its time."""
    note = f"note:{note}" if note else ""
    cut = f"pieces: {pieces}, bases: {bases}"
    return f"study: {{kind: slow, seconds: {float(seconds)}, {cut}, note: '{note}'}}\n"


def begin(*arguments, cwd, before=None, **options):
    """Start ``logistics batch``; `before` is called in the new process first, to set its limits."""

    def prepared():
        # a shell starts what runs in its background deaf to Ctrl-C, and with it all that this starts
        signal.signal(signal.SIGINT, signal.SIG_DFL)
        if before is not None:
            before()

    places = os.pathsep.join(map(str, (STUDIES, ROOT)))
    environment = {**os.environ, "LC_ALL": "en_US.UTF-8", "PYTHONPATH": places}
    return subprocess.Popen(
        [sys.executable, "-m", "logistics", "batch", *map(str, arguments)],
        cwd=cwd,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        preexec_fn=prepared,  # noqa: PLW1509 - no threads here
        **options,
    )


def finish(process, timeout=240):
    """Wait for a process; its exit code and what it said."""
    said, _ = process.communicate(timeout=timeout)
    return process.returncode, said


def batch(*arguments, cwd, **options):
    """Call ``logistics batch`` and wait."""
    return finish(begin(*arguments, cwd=cwd, **options))


def content(folder):
    """Digest of each file of a batch's results by its path, but for clocks and the lock."""
    return {
        path.relative_to(folder).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file() and path.name not in ("timing.json", ".lock")
    }


def is_running(pid):
    """Whether a process runs; one that has ended and is not collected yet does not."""
    try:
        return Path(f"/proc/{pid}/stat").read_text(encoding="ascii").rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def children(pid):
    """Processes that a process has started, and theirs."""
    found = []
    for path in Path("/proc").glob("[0-9]*/stat"):
        try:
            words = path.read_text(encoding="utf-8").rpartition(")")[2].split()
        except OSError:
            continue
        if int(words[1]) == pid:
            child = int(path.parent.name)
            found += [child, *children(child)]
    return found


def workers_of(pid):
    """Worker processes among them."""
    found = []
    for child in children(pid):
        try:
            words = Path(f"/proc/{child}/cmdline").read_bytes()
        except OSError:
            continue
        if b"logistics.batches.worker" in words:
            found.append(child)
    return found


def wait_until(condition, process=None, seconds=120):
    """Wait for something to be so, as long as a process runs that is to bring it about."""
    deadline = time.monotonic() + seconds
    while not (found := condition()):
        assert process is None or process.poll() is None, process.communicate()[0]
        assert time.monotonic() < deadline, "it never came to be"
        time.sleep(0.02)
    return found


def num_done(folder):
    """Finished runs."""
    return len(list((folder / "runs").glob("*"))) if (folder / "runs").is_dir() else 0
