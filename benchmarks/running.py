"""One instance after the other, each in a process of its own, and the line that is printed of it."""

from __future__ import annotations

import math
import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from multiprocessing import get_context
from multiprocessing.connection import Connection
from pathlib import Path

from benchmarks.measuring import (
    MILESTONES,
    Failed,
    Heard,
    Measured,
    Message,
    Started,
    measure,
    peak_mb,
    peer_file,
    versions,
)
from benchmarks.peers import PEERS, PeerAnswer, run_peer
from benchmarks.register import spec_of
from benchmarks.spec import BenchmarkError, Found

KEYS = (
    "family",
    "instance",
    "published",
    "value_kind",
    "value",
    "bound",
    "gap",
    "verified",
    "seconds",
    "phases",
    "peak_mb",
    "versions",
    "seed",
)
"""Keys of a line, in this order, no others."""
WARM_UP_S = 180.0
GRACE_S = 5.0
"""Beyond the time limit, for a round that is under way and for the check."""
INSTANT_S = 2.0
BOTH_INSTANT = "both instant"
SAME = 1e-6


@dataclass
class Line:
    """What is printed of one instance.

    Parameters
    ----------
    phases
        Seconds by phase. With peers also ``peer:NAME``, seconds of the peer, or None where it did not finish
        in time; and ``ratio:NAME``, these over the seconds of ``solve`` here, or None with it. Where both are
        below 2 s there are no numbers, ``ratio:NAME`` is ``both instant``.
    seconds
        Of all phases of the engine, or until the process was ended.
    peers
        What the table says of each peer.
    notes
        What else there is to say, on stderr.
    measured
        Whether the process came to its end.
    """

    found: Found
    value: float | None = None
    bound: float | None = None
    gap: float | None = None
    verified: bool = False
    seconds: float = 0.0
    phases: dict[str, float | str | None] = field(default_factory=dict)
    peak_mb: float | None = None
    versions: dict[str, str] = field(default_factory=versions)
    peers: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    measured: bool = False

    def as_json(self) -> dict[str, object]:
        """The line as an object with `KEYS`."""
        phases = {name: round(s, 4) if isinstance(s, float) else s for name, s in self.phases.items()}
        values = (
            self.found.family,
            self.found.instance,
            self.found.published,
            self.found.value_kind,
            self.value,
            self.bound,
            self.gap,
            self.verified,
            round(self.seconds, 4),
            phases,
            None if self.peak_mb is None else round(self.peak_mb, 1),
            self.versions,
            self.found.seed,
        )
        return dict(zip(KEYS, values, strict=True))


def run_all(found: Iterable[Found], time_limit_s: float, *, peers: bool) -> Iterator[Line]:
    """Run each instance and, if asked, its peers."""
    for one in found:
        with tempfile.TemporaryDirectory() as folder:
            line = run_one(one, time_limit_s, folder if peers else "")
            for name in PEERS:
                file = peer_file(Path(folder), name)
                if not file.is_file():
                    continue
                try:
                    compare(line, name, run_peer(name, file, time_limit_s))
                except BenchmarkError as error:
                    line.notes.append(str(error))
        yield line


def run_one(found: Found, time_limit_s: float, peer_folder: str = "") -> Line:
    """Run an instance in a process of its own and end it at the time limit; see :func:`measuring.measure`."""
    context = get_context("spawn")
    receiver, sender = context.Pipe(duplex=False)
    process = context.Process(target=measure, args=(found, time_limit_s, peer_folder, sender))
    process.start()
    sender.close()
    line = Line(found)
    started = time.perf_counter()
    try:
        _listen(line, receiver, time_limit_s)
    finally:
        process.join(timeout=GRACE_S if line.measured else 0)
        if process.is_alive():
            line.peak_mb = line.peak_mb or peak_mb(process.pid)
            process.kill()
            process.join()
        receiver.close()
    if not line.measured:
        line.seconds = line.seconds or time.perf_counter() - started
        if not line.notes:
            line.notes.append(f"its process ended without an answer, exit code {process.exitcode}")
    return line


def _listen(line: Line, receiver: Connection, time_limit_s: float) -> None:
    """Fill `line` from the messages of the measuring process until it has no more to say, or time is up."""
    started = time.perf_counter()
    deadline = started + WARM_UP_S
    while True:
        if not receiver.poll(max(0.0, deadline - time.perf_counter())):
            line.seconds = line.seconds or time.perf_counter() - started
            line.notes.append(
                "ended at the time limit" if not line.measured else "what peers read took too long"
            )
            return
        try:
            message: Message = receiver.recv()
        except EOFError:
            return
        if isinstance(message, Started):
            started = time.perf_counter()
            deadline = started + time_limit_s + GRACE_S
        elif isinstance(message, Heard):
            line.value, line.bound, line.gap = message.value, message.bound, message.gap
            line.phases = dict(message.phases)
        elif isinstance(message, Failed):
            line.value = line.bound = line.gap = None
            line.verified = False
            line.notes.append(message.message)
        elif isinstance(message, Measured):
            outcome = message.outcome
            line.value, line.bound, line.gap = outcome.value, outcome.bound, outcome.gap
            line.verified = outcome.verified
            line.phases = dict(message.phases)
            line.seconds = math.fsum(s for name, s in message.phases.items() if name not in MILESTONES)
            line.peak_mb, line.measured = message.peak_mb, True
            line.notes += [f"check: {text}" for text in outcome.complaints] + list(outcome.notes)
            deadline = time.perf_counter() + WARM_UP_S


def compare(line: Line, name: str, answer: PeerAnswer) -> None:
    """Put a peer's seconds and the ratio to the engine's into a line; say where the values differ."""
    line.versions = line.versions | answer.versions
    solve = line.phases.get("solve")
    if not isinstance(solve, float):
        return
    if answer.value is None:
        line.phases[f"peer:{name}"] = line.phases[f"ratio:{name}"] = None
        line.peers.append(f"{name}: {answer.status} after {answer.seconds:.0f} s")
        return
    if answer.seconds < INSTANT_S and solve < INSTANT_S:
        line.phases[f"ratio:{name}"] = BOTH_INSTANT
        line.peers.append(f"{name}: {BOTH_INSTANT}")
    else:
        line.phases[f"peer:{name}"] = answer.seconds
        line.phases[f"ratio:{name}"] = answer.seconds / solve
        line.peers.append(f"{name}: {answer.seconds:.1f} s, {answer.seconds / solve:.1f} ×")
    value = -answer.value if spec_of(line.found.family).maximise else answer.value
    between = sorted(one for one in (line.value, line.bound) if one is not None)
    slack = SAME * max(1.0, abs(value))
    if between and not between[0] - slack <= value <= between[-1] + slack:
        line.notes.append(f"{name} comes to {value:.10g}, which contradicts value or bound")


def report(line: Line, say: Callable[[str], None] = lambda text: print(text, file=sys.stderr)) -> None:
    """Say the notes of a line."""
    for note in line.notes:
        say(f"{line.found.family} {line.found.instance}: {note}")
