"""Study kinds that misbehave, for tests of batches: on the path of a process, it and its workers know them.

They are entered when the register is imported. ``slow`` sleeps and is an assignment otherwise, perhaps
in pieces, and after bases, whose answers the pieces read. ``poison`` kills its process, ``endless`` never
ends, ``greedy`` takes memory. Each piece that is begun leaves a line in the file ``note``, named ``note:…``
so that it is no input of the run: scenario, piece, process, cores that it may use. The line of a base starts
with ``base``.
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
    import logging
    from collections.abc import Mapping
    from typing import Literal, NamedTuple

    import numpy as np
    from pydantic import BaseModel, ConfigDict

    class Spec(BaseModel):
        model_config = ConfigDict(extra="forbid", strict=True, frozen=True)
        kind: Literal["slow", "poison", "endless", "greedy"]
        seconds: float = 0.0
        pieces: int = 1
        bases: int = 0
        note: str = ""

    class Settings(NamedTuple):
        """The same with the answers of the bases."""

        seconds: float
        pieces: int
        bases: int
        note: str
        answers: Mapping[int, np.ndarray]

    class Misbehaving:
        spec = Spec

        def __init__(self, kind):
            self.kind = kind

        def prepare(self, case, spec):
            return case, Settings(spec.seconds, spec.pieces, spec.bases, spec.note, {})

        def pieces(self, case, spec):
            return list(range(spec.pieces))

        def bases(self, case, spec):
            return list(range(spec.bases))

        def run_base(self, case, spec, base, report):
            leave_note(spec, f"base {case.scenario.id} {base} {os.getpid()}")
            logging.getLogger("logistics").info("base %d", base)
            time.sleep(spec.seconds)
            answer = np.full(10_000, base + 1.0)
            answer.flags.writeable = False
            return answer

        def with_bases(self, spec, answers):
            return spec._replace(answers=answers)

        def run_piece(self, case, spec, piece, report):
            from logistics.studies.assignment import assigned_year

            leave_note(spec, f"{case.scenario.id} {piece} {os.getpid()} {os.cpu_count()}")
            for number, answer in spec.answers.items():
                assert not answer.flags.writeable
                assert answer.sum() == 10_000 * (number + 1)
            assert len(spec.answers) == spec.bases
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

    def leave_note(spec, line):
        if spec.note:
            with Path(spec.note.removeprefix("note:")).open("a", encoding="utf-8") as note:
                note.write(f"{line}\n")

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
