"""spopt's p-median with CBC: ``python spopt_p_median.py FILE SECONDS``; runs in the peers' environment.

The file holds ``cost`` [site, customer] and ``num_open``. Prints one JSON line: status, value (proven, or
null), best plan, seconds from arrays to answer (spopt builds its model in Python, which counts), version,
peak memory. The clock starts after a first tiny problem, as the engine's does.
"""

from __future__ import annotations

import json
import resource
import sys
import time
import warnings
from importlib import import_module
from importlib.metadata import version
from typing import Any

import numpy as np

pulp: Any = import_module("pulp")
locate: Any = import_module("spopt.locate")


def solved(cost: Any, num_open: int, seconds: float) -> tuple[str, float | None]:
    """Status and value of the p-median of equal weights; spopt wants customers in rows."""
    model = locate.PMedian.from_cost_matrix(cost.T, np.ones(cost.shape[1]), p_facilities=num_open)
    solver = pulp.PULP_CBC_CMD(msg=False, threads=1, timeLimit=seconds, gapRel=1e-9)
    model.problem.solve(solver)
    return pulp.LpStatus[model.problem.status], pulp.value(model.problem.objective)


def main() -> None:
    """Solve the file's problem and print what came out."""
    warnings.simplefilter("ignore")
    solved(np.ones((2, 2)), 1, 10.0)
    with np.load(sys.argv[1]) as file:
        cost, num_open = file["cost"], int(file["num_open"])
    seconds = float(sys.argv[2])
    started = time.perf_counter()
    status, value = solved(cost, num_open, seconds)
    taken = time.perf_counter() - started
    # CBC calls a solution that it had no time to prove optimal too.
    proven = status == "Optimal" and taken < seconds
    line = {
        "status": status if proven or status != "Optimal" else "limit",
        "value": value if proven else None,
        "best": value,
        "seconds": taken,
        "version": version("spopt"),
        "peak_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
    }
    print(json.dumps(line))


if __name__ == "__main__":
    main()
