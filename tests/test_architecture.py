"""The house: what may import what, read from the sources, and how large a room may be."""

import ast
import inspect
import json
import subprocess
import sys
import typing
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

import logistics
from tests.test_command_line import tiny_project

PACKAGE = Path(logistics.__file__).parent
ORDER = (
    "network limits scenario proposals virtual_network paths solver integer_solver models plan plan_facts",
    "travel_times verification studies results reports batches notebooks commands",
)


def rooms_but(names: str) -> tuple[str, ...]:
    """All rooms but some."""
    return tuple(room for part in ORDER for room in part.split() if room not in names.split())


LATER = {
    "words": rooms_but(""),
    "network": rooms_but("network"),
    "limits": rooms_but("network limits"),
    "scenario": rooms_but("network limits scenario"),
    "proposals": rooms_but("network limits scenario proposals virtual_network"),
    "paths": rooms_but("paths"),
    "solver": rooms_but("solver"),
    "integer_solver": rooms_but("solver integer_solver"),
    "virtual_network": rooms_but("network limits virtual_network paths"),
    "models": rooms_but("virtual_network paths solver integer_solver models plan"),
    "plan": rooms_but("plan"),
    "travel_times": rooms_but("network plan travel_times"),
    "verification": rooms_but("network limits plan verification"),
    "studies": ("results", "reports", "batches", "notebooks", "commands"),
    "results": rooms_but(
        "network limits scenario proposals plan plan_facts travel_times verification studies results"
    ),
    "reports": rooms_but("network plan plan_facts results reports"),
    "batches": rooms_but("network limits scenario plan studies results reports batches"),
}
"""What each room may not know: what data enters after it, and for the check also what made the plan."""
HEAVY_ONLY_IN = {
    "ortools": ("solver", "integer_solver", "models"),
    "pandas": (),
    "geopandas": ("network.geography",),
    "shapely": ("network.geography", "reports.geopackage"),
    "pyogrio": ("reports.geopackage",),
    "jinja2": ("reports.page",),
    "markupsafe": ("reports.page", "reports.two_languages"),
    "matplotlib": ("reports.figures",),
    "networkx": ("network.geography",),
    "duckdb": ("batches.query",),
    "distributed": ("batches.cluster",),
    "click": ("__main__", "commands"),
    "rich": ("commands",),
    "ruamel": ("yaml_files",),
}
MOST_LINES = 500


@dataclass(frozen=True)
class Import:
    """One import of a module.

    `typing` is true under ``if TYPE_CHECKING``, where nothing is loaded but the name is still known.
    """

    module: str
    line: int
    target: str
    typing: bool


def module_name(path: Path) -> str:
    """Name below the package: ``network.read``; the package itself is empty."""
    parts = path.relative_to(PACKAGE).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


SOURCES = {module_name(path): path for path in sorted(PACKAGE.rglob("*.py"))}
TREES = {name: ast.parse(path.read_text(encoding="utf-8")) for name, path in SOURCES.items()}


def imports_of(module: str) -> Iterator[Import]:
    """Every import of a module, also inside functions."""
    hidden = {
        id(node)
        for block in ast.walk(TREES[module])
        if isinstance(block, ast.If) and "TYPE_CHECKING" in ast.unparse(block.test)
        for part in block.body
        for node in ast.walk(part)
    }
    for node in ast.walk(TREES[module]):
        if isinstance(node, ast.Import):
            targets = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{module}:{node.lineno}: a relative import"
            # `from logistics import words` names a module too
            targets = [f"{node.module}.{alias.name}" for alias in node.names]
        else:
            continue
        yield from (Import(module, node.lineno, target, id(node) in hidden) for target in targets)


IMPORTS = [each for module in SOURCES for each in imports_of(module)]


def within(name: str, room: str) -> bool:
    """Whether a module is a room or stands in it."""
    return name == room or name.startswith(f"{room}.")


def test_sources_are_found() -> None:
    """The rules below look at something."""
    assert {"network.read", "scenario.case", "verification.check", "solver", "__main__", ""} <= SOURCES.keys()
    assert LATER.keys() <= {name.split(".")[0] for name in SOURCES}
    assert any(each.target == "logistics.verification.check.verify_year" for each in IMPORTS)
    assert any(each.typing and each.target == "geopandas" for each in IMPORTS)


@pytest.mark.parametrize("room", LATER)
def test_data_walks_one_way(room: str) -> None:
    """No room knows a later one, not even inside a function or for types alone."""
    later = [f"logistics.{name}" for name in LATER[room]]
    wrong = [
        f"{each.module}:{each.line} imports {each.target}"
        for each in IMPORTS
        if within(each.module, room) and any(within(each.target, name) for name in later)
    ]
    assert wrong == []


def test_nothing_knows_the_commands() -> None:
    """The command line stands outside; only __main__ loads it, by name."""
    outside = [each for each in IMPORTS if not within(each.module, "commands") and each.module != "__main__"]
    assert [each for each in outside if within(each.target, "logistics.commands")] == []
    by_name = {each.module for each in IMPORTS if within(each.target, "importlib")}
    assert by_name <= {"", "__main__"}
    assert "commands" not in (PACKAGE / "__init__.py").read_text(encoding="utf-8")


@pytest.mark.parametrize("library", HEAVY_ONLY_IN)
def test_library_stays_in_its_room(library: str) -> None:
    """A library that could be exchanged is known in one place."""
    users = {each.module for each in IMPORTS if within(each.target, library) and not each.typing}
    assert bool(users) == bool(HEAVY_ONLY_IN[library])
    assert {name for name in users if not any(within(name, room) for room in HEAVY_ONLY_IN[library])} == set()


SOLVE = '''
import json, sys
from pathlib import Path


class Hidden:
    """pyarrow would load pandas by itself, for its own ends; here it is not to be had."""

    def find_spec(self, name, path=None, target=None):
        if name in ("pandas", "geopandas"):
            raise ModuleNotFoundError(name, name=name)


sys.meta_path.insert(0, Hidden())

from logistics.results.write import write_results
from logistics.scenario.case import read_case
from logistics.studies.register import run_study

case = read_case(Path(sys.argv[1]))
result = run_study(case, lambda key, values: None)
write_results(Path(sys.argv[2]), case, result)
loaded = {"networkx", "shapely", "matplotlib", "click", "rich"} & set(sys.modules)
print(json.dumps([result.status, result.verified, sorted(loaded)]))
'''


def test_no_pandas_from_scenario_to_solved_plan(tmp_path: Path) -> None:
    """A scenario is read, solved, checked and written where pandas and geopandas cannot be imported."""
    scenario = tiny_project(tmp_path)
    out = subprocess.run(
        [sys.executable, "-c", SOLVE, scenario, tmp_path / "out"], capture_output=True, text=True, check=False
    )
    assert out.returncode == 0, out.stderr
    assert json.loads(out.stdout) == ["optimal", True, []]


def test_no_geopandas_in_a_run(tmp_path: Path) -> None:
    """Nor does anything else load geopandas where it can be imported."""
    scenario = tiny_project(tmp_path)
    code = SOLVE.replace("sys.meta_path.insert(0, Hidden())", "").replace("shapely", "geopandas")
    out = subprocess.run(
        [sys.executable, "-c", code, scenario, tmp_path / "out"], capture_output=True, text=True, check=True
    )
    assert json.loads(out.stdout) == ["optimal", True, []]


def test_no_public_function_is_called_like_a_module() -> None:
    """`from logistics.x import y` always says what y is."""
    modules = {name.split(".")[-1] for name in SOURCES}
    functions = {
        f"{module}.{node.name}"
        for module, tree in TREES.items()
        for node in tree.body
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and not node.name.startswith("_")
    }
    assert len(functions) > 50
    assert {name for name in functions if name.split(".")[-1] in modules} == set()


def test_rooms_are_small() -> None:
    """A module over 500 lines is two."""
    lines = {name: len(path.read_text("utf-8").splitlines()) for name, path in SOURCES.items()}
    assert {name: count for name, count in lines.items() if count > MOST_LINES} == {}


# --- the public names -----------------------------------------------------------------------------


def test_public_names_are_sorted_and_can_be_imported() -> None:
    """`__all__` names each thing once, in order, and every name is there, from this package, with words."""
    names = logistics.__all__
    assert len(names) > 10
    assert list(names) == sorted(set(names))
    assert set(names) <= set(dir(logistics))
    for name in names:
        value = getattr(logistics, name)
        assert value is not None
        if inspect.isclass(value) or inspect.isfunction(value):
            assert value.__name__ == name
            assert value.__module__.startswith("logistics.")
            assert value.__doc__, f"{name} has no words"
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        getattr(logistics, "nothing")  # noqa: B009


def test_public_names_are_known_to_type_checkers() -> None:
    """What is loaded lazily is written under TYPE_CHECKING too, and nothing else is."""
    named = {tuple(each.target.rsplit(".", 1)) for each in IMPORTS if each.module == "" and each.typing}
    assert {name for _, name in named} == {name for name in logistics.__all__ if not name.startswith("_")}
    for module, name in named:
        assert getattr(logistics, name).__module__ == module


def classes_in(annotation: object) -> set[type]:
    """Classes of this package that an annotation speaks of."""
    found = set()
    if inspect.isclass(annotation) and annotation.__module__.startswith("logistics."):
        found.add(annotation)
    for part in typing.get_args(annotation):
        found |= classes_in(part) if not isinstance(part, list) else set().union(*map(classes_in, part))
    return found


def test_public_names_are_complete() -> None:
    """What a public function takes or returns is public too."""
    needed = {}
    for name in logistics.__all__:
        value = getattr(logistics, name)
        if inspect.isfunction(value):
            for part in typing.get_type_hints(value).values():
                needed |= {each.__name__: name for each in classes_in(part)}
    assert needed
    assert {each: name for each, name in needed.items() if each not in logistics.__all__} == {}


def test_import_of_the_package_loads_nothing() -> None:
    """`import logistics` is cheap; a name's module is loaded when the name is used."""
    code = """
import json, sys
import logistics
dir(logistics)
mine = sorted(name for name in sys.modules if name.startswith("logistics."))
logistics.Where
print(json.dumps([mine, "logistics.errors" in sys.modules, "numpy" in sys.modules]))
"""
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert json.loads(out) == [["logistics.version"], True, False]
