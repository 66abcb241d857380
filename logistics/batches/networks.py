"""Networks on their way to the workers: one file a table, which processes of a machine map into memory."""

from __future__ import annotations

import os
import pickle
import tempfile
from collections.abc import Mapping
from pathlib import Path

import pyarrow as pa

from logistics.errors import Problem
from logistics.network.network import Network

ABOUT = "about.pickle"
SUFFIX = ".arrow"


def packed_network(network: Network, warnings: tuple[Problem, ...]) -> dict[str, bytes]:
    """Return a network, and what its reading warned of, as the contents of files by name."""
    files = {ABOUT: pickle.dumps((network.name, network.info, warnings))}
    for name, table in network.tables.items():
        stream = pa.BufferOutputStream()
        with pa.ipc.new_file(stream, table.schema) as writer:
            writer.write_table(table)
        files[f"{name}{SUFFIX}"] = stream.getvalue().to_pybytes()
    return files


def put_network(files: Mapping[str, bytes], folder: Path) -> None:
    """Write a packed network to a folder, whole or not at all; a folder that is there is kept."""
    if folder.is_dir():
        return
    folder.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder.parent) as name:
        work = Path(name) / "network"
        work.mkdir()
        for file, content in files.items():
            (work / file).write_bytes(content)
        try:
            os.replace(work, folder)
        except OSError:
            # Another worker of this machine was first.
            if not folder.is_dir():
                raise


def mapped_network(folder: Path) -> tuple[Network, tuple[Problem, ...]]:
    """Return the network in a folder, its tables mapped into memory, and the warnings of its reading."""
    name, info, warnings = pickle.loads((folder / ABOUT).read_bytes())  # noqa: S301 - our own process wrote it
    tables = {}
    for path in sorted(folder.glob(f"*{SUFFIX}")):
        with pa.memory_map(str(path)) as source:
            tables[path.stem] = pa.ipc.open_file(source).read_all()
    return Network(name, info, tables), warnings
