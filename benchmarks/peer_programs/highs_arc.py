"""HiGHS on a linear program in a file: ``python highs_arc.py FILE SECONDS``; runs in the peers' environment.

Prints one JSON line: status, value, seconds from arrays to answer, version, peak memory. The clock starts
after a first tiny program, as the engine's does.
"""

from __future__ import annotations

import json
import resource
import sys
import time
from importlib import import_module
from importlib.metadata import version
from typing import Any

import numpy as np

highspy: Any = import_module("highspy")


def solved(data: Any, seconds: float) -> tuple[str, float]:
    """Status and value of the program; HiGHS chooses the method."""
    model = highspy.HighsLp()
    columns, rows = len(data["cost"]), len(data["lower"])
    model.num_col_, model.num_row_ = columns, rows
    model.col_cost_ = data["cost"]
    model.col_lower_ = np.zeros(columns)
    model.col_upper_ = np.full(columns, highspy.kHighsInf)
    model.row_lower_, model.row_upper_ = data["lower"], data["upper"]
    model.a_matrix_.format_ = highspy.MatrixFormat.kColwise
    model.a_matrix_.start_, model.a_matrix_.index_ = data["start"], data["index"]
    model.a_matrix_.value_ = data["value"]
    solver = highspy.Highs()
    solver.setOptionValue("output_flag", False)
    solver.setOptionValue("time_limit", seconds)
    solver.passModel(model)
    solver.run()
    value = float(solver.getInfo().objective_function_value) + float(data["constant"])
    return solver.modelStatusToString(solver.getModelStatus()), value


def main() -> None:
    """Solve the file's program and print what came out."""
    one = np.ones(1)
    solved(
        {"cost": one, "lower": one, "upper": one, "start": np.array([0, 1]), "index": np.zeros(1, int)}
        | {"value": one, "constant": 0.0},
        10.0,
    )
    with np.load(sys.argv[1]) as file:
        data = {name: file[name] for name in file.files}
    started = time.perf_counter()
    status, value = solved(data, float(sys.argv[2]))
    line = {
        "status": status,
        "value": value if status == "Optimal" else None,
        "seconds": time.perf_counter() - started,
        "version": version("highspy"),
        "peak_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
    }
    print(json.dumps(line))


if __name__ == "__main__":
    main()
