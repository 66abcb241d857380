"""A worker process: ``python -m logistics.batches.worker``; steps come in on stdin, answers go out on stdout.

A frame is its length in eight bytes and a pickle. It ends as soon as stdin ends, whatever it is doing, so
that no worker outlives the process it works for; on Linux the system sees to that too.
"""

from __future__ import annotations

import ctypes
import os
import pickle
import queue
import signal
import struct
import sys
import threading
from pathlib import Path
from typing import BinaryIO

LENGTH = struct.Struct(">Q")
READY = b"ready"
"""The first frame that a worker writes."""
PARENT_DEATH_SIGNAL = 1
"""``PR_SET_PDEATHSIG`` of Linux."""
THREAD_VARIABLES = (
    "OMP_NUM_THREADS",
    "OPENBLAS_NUM_THREADS",
    "MKL_NUM_THREADS",
    "NUMBA_NUM_THREADS",
    "PYTHON_CPU_COUNT",
)
"""What libraries, and Python from 3.13 on, ask for the number of cores that are theirs."""


def write_frame(stream: BinaryIO, data: bytes) -> None:
    """Write a frame."""
    stream.write(LENGTH.pack(len(data)))
    stream.write(data)
    stream.flush()


def read_frame(stream: BinaryIO) -> bytes | None:
    """Read a frame; None when the stream ends first."""
    head = stream.read(LENGTH.size)
    if len(head) < LENGTH.size:
        return None
    (length,) = LENGTH.unpack(head)
    data = stream.read(length)
    return data if len(data) == length else None


def main() -> None:
    """Answer until stdin ends."""
    parent = os.getppid()
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    _die_with(parent)
    answers = os.fdopen(os.dup(1), "wb")
    # What a library prints must not get between the answers.
    os.dup2(2, 1)
    cores = int(os.environ["PYTHON_CPU_COUNT"])
    os.cpu_count = lambda: cores
    shared = Path(sys.argv[1])
    tasks: queue.SimpleQueue[bytes] = queue.SimpleQueue()
    threading.Thread(target=_listen, args=(sys.stdin.buffer, tasks), daemon=True).start()
    # Loaded before the first step, whose time counts.
    import logistics.batches.render
    import logistics.studies.register  # noqa: F401
    from logistics.batches.work import do_step

    write_frame(answers, READY)
    while True:
        answer = do_step(pickle.loads(tasks.get()), shared)  # noqa: S301 - from the parent
        write_frame(answers, pickle.dumps(answer))


def _listen(stream: BinaryIO, tasks: queue.SimpleQueue[bytes]) -> None:
    while (data := read_frame(stream)) is not None:
        tasks.put(data)
    os._exit(0)


def _die_with(parent: int) -> None:
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PARENT_DEATH_SIGNAL, signal.SIGKILL)
        if os.getppid() != parent:
            os._exit(0)


if __name__ == "__main__":
    main()
