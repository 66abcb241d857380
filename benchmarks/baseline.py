"""Speed of the command line on the Zhejiang network: ``python -m benchmarks.baseline [--repeat N]``.

Whole processes are timed, after one that is not counted: a bare interpreter, ``logistics --help``,
``logistics check`` and ``logistics run`` of the baseline from shell to written results. Prints one JSON line
each with the median in seconds, the ratio to the bare interpreter and the peak memory.
"""

from __future__ import annotations

import argparse
import json
import platform
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
SCENARIO = ROOT / "scenarios" / "baseline-2021.yaml"


def timed(command: list[str], repeat: int) -> float:
    """Median wall-clock seconds of `command` over `repeat` runs, after one that is not counted."""
    seconds = []
    for i in range(repeat + 1):
        started = time.perf_counter()
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        if i:
            seconds.append(time.perf_counter() - started)
    return statistics.median(seconds)


def main() -> None:
    """Time each command and print its line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--repeat", type=int, default=3)
    repeat = parser.parse_args().repeat
    bare = timed([sys.executable, "-c", "pass"], max(repeat, 9))
    engine = [sys.executable, "-m", "logistics"]
    with tempfile.TemporaryDirectory() as folder:
        cases = {
            "help": ([*engine, "--help"], max(repeat, 9)),
            "check": ([*engine, "check", str(SCENARIO)], repeat),
            "baseline": ([*engine, "run", str(SCENARIO), "--out", f"{folder}/r", "--force", "-q"], repeat),
        }
        print(json.dumps({"name": "bare", "seconds": round(bare, 4), "python": platform.python_version()}))
        for name, (command, times) in cases.items():
            seconds = timed(command, times)
            peak_mb = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024
            line = {"name": name, "seconds": round(seconds, 3), "ratio_to_bare": round(seconds / bare, 1)}
            print(json.dumps(line | {"peak_mb_so_far": round(peak_mb)}), flush=True)


if __name__ == "__main__":
    main()
