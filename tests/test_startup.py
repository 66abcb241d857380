"""Help comes at once: it loads none of the heavy libraries. No clock is asked; what is loaded decides."""

import os
import re
import subprocess
import sys

import pytest

from logistics.__main__ import VERBS

HEAVY = {"numpy", "pandas", "geopandas", "ortools", "pyarrow", "scipy", "numba", "networkx"}
ALSO_FOR_LATER = {"pydantic", "ruamel", "rich", "shapely", "pyproj"}
CALLS = [["--help"], ["--version"], [], ["rnu"], *([verb, "--help"] for verb in VERBS)]


def loaded(*arguments: str) -> set[str]:
    """Top-level modules that a call of the command line imports."""
    out = subprocess.run(
        [sys.executable, "-X", "importtime", "-m", "logistics", *arguments],
        capture_output=True,
        text=True,
        env={**os.environ, "LC_ALL": "C.UTF-8"},
        check=False,
    )
    assert out.returncode in (0, 2), out.stderr[-2000:]
    modules = set(re.findall(r"^import time: +\d+ \| +\d+ \| +([\w.]+)$", out.stderr, re.MULTILINE))
    assert {"logistics", "click"} <= modules
    return {module.split(".")[0] for module in modules}


@pytest.mark.parametrize("arguments", CALLS, ids=" ".join)
def test_help_loads_nothing_heavy(arguments: list[str]) -> None:
    """Neither the group's help nor a verb's, nor a misspelt verb."""
    assert loaded(*arguments) & (HEAVY | ALSO_FOR_LATER) == set()


def test_the_measure_sees_heavy_libraries() -> None:
    """A call that reads a table does load numpy and pyarrow, so the test above would notice."""
    assert {"numpy", "pyarrow"} <= loaded("verify", "nowhere")
