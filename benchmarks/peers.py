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
PEER_PROGRAMS = HERE / "peer_programs"
GRACE_S = 30.0


@dataclass(frozen=True)
class Peer:
    """A program that solves what is in a file.

    Parameters
    ----------
    program
        It takes its own arguments, the file, and a time limit.
    package
        Whose version its answer tells.
    arguments
        Its own.
    is_ours
        Whether it runs in the engine's environment, whose solvers it uses; else in the peers'.
    """

    program: Path
    package: str
    arguments: tuple[str, ...] = ()
    is_ours: bool = False


STRONG = PEER_PROGRAMS / "strong_mip.py"
PEERS = {
    "highs-arc": Peer(PEER_PROGRAMS / "highs_arc.py", "highspy"),
    "spopt-cbc": Peer(PEER_PROGRAMS / "spopt_p_median.py", "spopt"),
    "scip": Peer(STRONG, "ortools", ("scip",), is_ours=True),
    "highs": Peer(STRONG, "ortools", ("highs",), is_ours=True),
}
"""All peers; which of them can solve a problem its family says."""


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


def run_peer(name: str, program_file: Path, time_limit_s: float) -> PeerAnswer:
    """Run a peer on a problem in a file, at most `time_limit_s` seconds.

    Raises
    ------
    BenchmarkError
        When it fails, or its environment cannot be made.
    """
    peer = PEERS[name]
    python = sys.executable if peer.is_ours else str(peers_python())
    command = [python, "-P", str(peer.program), *peer.arguments, str(program_file), str(time_limit_s)]
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
    return PeerAnswer(answer["status"], answer["value"], answer["seconds"], {peer.package: answer["version"]})
