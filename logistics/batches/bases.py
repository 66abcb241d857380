"""Answers that pieces of a run start from, on their way to the workers: one file each, mapped into memory.

A file is a pickle and the arrays and tables that it speaks of, which stay in the file: all processes of a
machine read the same pages, and no array can be written to.
"""

from __future__ import annotations

import mmap
import pickle
import struct
from collections.abc import Iterator, Mapping, Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any

NUMBER = struct.Struct("<Q")
ALIGNED = 64
"""Arrays begin at multiples of so many bytes."""
LARGE = 4096
"""Bytes from which an array is kept out of the pickle."""
KEPT = 4
"""Answers that a process keeps ready; their files are named by their content."""


def packed_base(answer: Any, words: str) -> bytes:
    """Return an answer, and what was logged meanwhile, as the content of a file; see :func:`mapped_base`."""
    large: list[pickle.PickleBuffer] = []

    def stays(buffer: pickle.PickleBuffer) -> bool:
        if buffer.raw().nbytes < LARGE:
            return True
        large.append(buffer)
        return False

    said = pickle.dumps((answer, words), protocol=5, buffer_callback=stays)
    parts = [memoryview(said), *(buffer.raw() for buffer in large)]
    data = bytearray(NUMBER.pack(len(parts)) + b"".join(NUMBER.pack(len(part)) for part in parts))
    for part in parts:
        data += bytes(-len(data) % ALIGNED)
        data += part
    return bytes(data)


@lru_cache(KEPT)
def mapped_base(path: Path) -> tuple[Any, str]:
    """Return the answer in a file, with its arrays where they lie, and what was logged."""
    with path.open("rb") as file:
        whole = memoryview(mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ))
    (count,) = NUMBER.unpack_from(whole)
    place = NUMBER.size * (1 + count)
    parts = []
    for number in range(count):
        (length,) = NUMBER.unpack_from(whole, NUMBER.size * (1 + number))
        place += -place % ALIGNED
        parts.append(whole[place : place + length])
        place += length
    found: tuple[Any, str] = pickle.loads(parts[0], buffers=parts[1:])  # noqa: S301 - from our own worker
    return found


class MappedBases(Mapping[Any, Any]):
    """Answers by what was asked, each mapped when it is wanted.

    Parameters
    ----------
    asked
        The bases, see :class:`logistics.studies.study.BasedStudy`.
    paths
        Files of their answers, in the same order.
    """

    def __init__(self, asked: Sequence[Any], paths: Sequence[Path]) -> None:
        self._paths = dict(zip(asked, paths, strict=True))

    def __getitem__(self, asked: Any) -> Any:
        """Return the answer."""
        return mapped_base(self._paths[asked])[0]

    def __iter__(self) -> Iterator[Any]:
        """Walk through what was asked."""
        return iter(self._paths)

    def __len__(self) -> int:
        """Count the bases."""
        return len(self._paths)
