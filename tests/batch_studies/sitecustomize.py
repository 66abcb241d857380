"""Study kinds that misbehave, for tests of batches: on the path of a process, it and its workers know them.

They are entered when the register is imported. ``slow`` sleeps and is an assignment otherwise, perhaps
in pieces. ``poison`` kills its process, ``endless`` never ends, ``greedy`` takes memory. Each piece that
is begun leaves a line in the file ``note``, named ``note:…`` so that it is no input of the run.
"""

import importlib.abc
import importlib.machinery
import os
import signal
import sys
import time
from pathlib import Path

REGISTER = "logistics.studies.register"


def enter_kinds(register):
    from typing import Literal

    from pydantic import BaseModel, ConfigDict

    class Spec(BaseModel):
        model_config = ConfigDict(extra="forbid", strict=True, frozen=True)
        kind: Literal["slow", "poison", "endless", "greedy"]
        seconds: float = 0.0
        pieces: int = 1
        note: str = ""

    class Misbehaving:
        spec = Spec

        def __init__(self, kind):
            self.kind = kind

        def pieces(self, case, spec):
            return list(range(spec.pieces))

        def run_piece(self, case, spec, piece, report):
            from logistics.studies.assignment import assigned_year

            if spec.note:
                with Path(spec.note.removeprefix("note:")).open("a", encoding="utf-8") as note:
                    note.write(f"{case.scenario.id} {piece} {os.getpid()}\n")
            time.sleep(spec.seconds)
            if self.kind == "poison":
                os.kill(os.getpid(), signal.SIGKILL)
            hoard = []
            while self.kind in ("endless", "greedy"):
                if self.kind == "greedy":
                    hoard.append(bytearray(b"x" * 8_000_000))
                time.sleep(0.02)
            return assigned_year(case, case.scenario.years[0], report)[0]

        def merge(self, case, spec, results):
            from logistics.studies.assignment import merged_years

            assert len(results) == spec.pieces
            return merged_years("assignment", results[:1])

    for kind in ("slow", "poison", "endless", "greedy"):
        register.STUDIES[kind] = Misbehaving(kind)


class AfterRegister(importlib.abc.MetaPathFinder):
    """Enters the kinds once the register is loaded."""

    def find_spec(self, name, path=None, target=None):
        if name != REGISTER:
            return None
        spec = importlib.machinery.PathFinder.find_spec(name, path, target)
        load = spec.loader.exec_module

        def exec_module(module):
            load(module)
            enter_kinds(module)

        spec.loader.exec_module = exec_module
        return spec


sys.meta_path.insert(0, AfterRegister())
