"""Other solvers on the same instances, in an environment of their own, ``.venv-peers``, and subprocesses."""

from __future__ import annotations

import fcntl
import hashlib
import json
import shutil
import subprocess
import sys
import venv
from dataclasses import dataclass
from pathlib import Path

from benchmarks.spec import BenchmarkError

HERE = Path(__file__).resolve().parent
LOCK = HERE / "peers.lock"
ENVIRONMENT = HERE.parent / ".venv-peers"
PROGRAMS = {"highs-arc": HERE / "peer_programs" / "highs_arc.py"}
"""Peer → its program, which takes a file and a time limit."""
STRONG = ("scip", "highs")
"""Peers on mixed-integer programs: the solvers of the engine's own environment, through OR-Tools."""
GRACE_S = 30.0


@dataclass(frozen=True)
class PeerAnswer:
    """What a peer came to.

    Parameters
    ----------
    value
        Optimum, or None: not proven in time.
    seconds
        From arrays to answer.
    """

    status: str
    value: float | None
    seconds: float
    versions: dict[str, str]


def peers_python() -> Path:
    """Python of the peers' environment, which is made or renewed if it is not as ``peers.lock`` says.

    Raises
    ------
    BenchmarkError
        When it cannot be made.
    """
    python = ENVIRONMENT / "bin" / "python"
    stamp = ENVIRONMENT / ".stamp"
    wanted = hashlib.sha256(LOCK.read_bytes() + str(ENVIRONMENT).encode()).hexdigest()
    with LOCK.open("rb") as guard:
        fcntl.flock(guard, fcntl.LOCK_EX)
        if stamp.is_file() and stamp.read_text() == wanted and python.exists():
            return python
        print(f"Setting up the peers' environment in {ENVIRONMENT} (once)", file=sys.stderr, flush=True)
        shutil.rmtree(ENVIRONMENT, ignore_errors=True)
        try:
            venv.create(ENVIRONMENT, with_pip=True)
            (ENVIRONMENT / ".gitignore").write_text("*\n")
            pip = [
                str(python),
                "-m",
                "pip",
                "install",
                "--no-input",
                "--quiet",
                "--disable-pip-version-check",
            ]
            install = [*pip, "--require-hashes", "-r", str(LOCK)]
            done = subprocess.run(install, capture_output=True, text=True, check=False)
        except (OSError, subprocess.CalledProcessError) as error:
            raise BenchmarkError(f"the peers' environment cannot be made: {error}") from error
        if done.returncode:
            raise BenchmarkError(f"the peers' environment cannot be made: {done.stderr.strip()}")
        stamp.write_text(wanted)
    return python


def run_strong(name: str, program_file: Path, time_limit_s: float) -> PeerAnswer:
    """Run a solver on a mixed-integer program in a file; see :func:`run_peer`."""
    program = HERE / "peer_programs" / "strong_mip.py"
    command = [sys.executable, "-P", str(program), name, str(program_file), str(time_limit_s)]
    return _answered(name, "ortools", command, time_limit_s)


def run_peer(name: str, python: Path, program_file: Path, time_limit_s: float) -> PeerAnswer:
    """Run a peer on a program in a file, at most `time_limit_s` seconds.

    Raises
    ------
    BenchmarkError
        When it fails.
    """
    command = [str(python), "-P", str(PROGRAMS[name]), str(program_file), str(time_limit_s)]
    return _answered(name, "highspy", command, time_limit_s)


def _answered(name: str, package: str, command: list[str], time_limit_s: float) -> PeerAnswer:
    """What a peer's process prints."""
    try:
        done = subprocess.run(
            command, capture_output=True, text=True, timeout=time_limit_s + GRACE_S, check=False
        )
    except subprocess.TimeoutExpired:
        return PeerAnswer("killed at the time limit", None, time_limit_s, {})
    try:
        answer = json.loads(done.stdout.strip().splitlines()[-1])
    except (IndexError, ValueError) as error:
        said = done.stderr.strip().splitlines() or [f"exit code {done.returncode}"]
        raise BenchmarkError(f"peer {name} failed: {said[-1]}") from error
    return PeerAnswer(answer["status"], answer["value"], answer["seconds"], {package: answer["version"]})
