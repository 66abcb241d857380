"""SCIP or HiGHS through OR-Tools on a mixed-integer program: ``python strong_mip.py SOLVER FILE SECONDS``.

The file holds the arrays of :class:`logistics.integer_solver.MixedProgram`; the solver has its own
defaults, one thread and the same gap as the engine. Prints one JSON line: status, value (proven, or null),
bound, best plan, seconds from arrays to answer, version, peak memory. The clock starts after a first tiny
program, as the engine's does.
"""

from __future__ import annotations

import json
import resource
import sys
import time
from importlib.metadata import version

import numpy as np

from logistics.integer_solver import MixedProgram, MixedStop, SolverName, solve_mixed

GAP = 1e-6
NAMES: dict[str, SolverName] = {"scip": "scip", "highs": "highs"}


def tiny() -> MixedProgram:
    """One column, one row."""
    one, none = np.ones(1), np.zeros(1)
    place = np.zeros(1, np.int64)
    return MixedProgram(one, none, one, np.ones(1, bool), place, place, one, one, np.full(1, np.inf))


def main() -> None:
    """Solve the file's program and print what came out."""
    solver, seconds = NAMES[sys.argv[1]], float(sys.argv[3])
    solve_mixed(tiny(), solver, MixedStop(GAP, 10.0))
    with np.load(sys.argv[2]) as file:
        program = MixedProgram(**{name: file[name] for name in file.files})
    started = time.perf_counter()
    answer = solve_mixed(program, solver, MixedStop(GAP, seconds))
    line = {
        "status": answer.outcome,
        "value": answer.value if answer.outcome == "optimal" else None,
        "bound": answer.bound if np.isfinite(answer.bound) else None,
        "best": answer.value if np.isfinite(answer.value) else None,
        "seconds": time.perf_counter() - started,
        "version": version("ortools"),
        "peak_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
    }
    print(json.dumps(line))


if __name__ == "__main__":
    main()
