"""The wheel, installed outside the checkout: it brings networks and scenarios, runs, and has types."""

import os
import shutil
import subprocess
import sys
import sysconfig
import venv
import zipfile
from pathlib import Path

import pytest

import logistics

pytestmark = pytest.mark.install

ROOT = Path(__file__).resolve().parents[1]
SCRIPT = '''\
"""What a user of the library writes."""

from pathlib import Path

import logistics


def solved(path: Path) -> tuple[str, float, bool]:
    """Read, solve, look at the answer."""
    case: logistics.Case = logistics.read_case(path)
    network: logistics.Network = case.networks[2021]
    assert network.tables["sites"].num_rows > 0
    result: logistics.StudyResult = logistics.run_study(case)
    assert result.objective is not None
    plan: logistics.Plan | None = result.plan
    assert plan is not None
    return result.status, result.objective, result.verified


def problems(path: Path) -> list[str]:
    """What is wrong with a scenario."""
    try:
        logistics.read_case(path, allow_outside=True)
    except logistics.InputError as error:
        return [f"{problem.where}: {problem.code}" for problem in error.problems]
    return []


if __name__ == "__main__":
    import sys

    print(*solved(Path(sys.argv[1])))
'''
WRONG = """
status: int = logistics.run_study(logistics.read_case(Path("x"))).status
logistics.read_case(1)
logistics.nothing
"""


def run(*command: object, cwd: Path, code: int = 0) -> subprocess.CompletedProcess[str]:
    """Run a command away from the checkout; no variable may lead back to it."""
    environment = {k: v for k, v in os.environ.items() if not k.startswith(("PYTHON", "MYPY", "VIRTUAL"))}
    done = subprocess.run(
        [str(part) for part in command],
        cwd=cwd,
        env={**environment, "LC_ALL": "C.UTF-8"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == code, f"{command}\n{done.stdout[-3000:]}\n{done.stderr[-3000:]}"
    return done


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel, built from the checkout without a network."""
    target = tmp_path_factory.mktemp("wheel")
    pip = [sys.executable, "-m", "pip", "--disable-pip-version-check", "wheel", "--quiet", "--no-index"]
    run(*pip, "--no-deps", "--no-build-isolation", "--wheel-dir", target, ROOT, cwd=target)
    (built,) = target.iterdir()
    return built


@pytest.fixture(scope="module")
def python(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Python of a fresh environment that holds the wheel and sees the packages it depends on.

    The packages come through a .pth file, whose own .pth files are not read: so the checkout, which is
    installed in place among them, is not seen.
    """
    home = tmp_path_factory.mktemp("installed") / "environment"
    venv.create(home, with_pip=False, symlinks=True)
    interpreter = home / "bin" / "python"
    pip = [sys.executable, "-m", "pip", "--disable-pip-version-check", "--python", interpreter, "install"]
    run(*pip, "--quiet", "--no-index", "--no-deps", wheel, cwd=home)
    where = "import sysconfig; print(sysconfig.get_path('purelib'))"
    (packages,) = run(interpreter, "-c", where, cwd=home).stdout.split()
    Path(packages, "of_the_tests.pth").write_text(sysconfig.get_path("purelib") + "\n", encoding="utf-8")
    return interpreter


@pytest.fixture(scope="module")
def mypy(python: Path, tmp_path_factory: pytest.TempPathFactory) -> list[object]:
    """The type checker as a user with that environment calls it, without the settings of this checkout."""
    cache = tmp_path_factory.mktemp("mypy")
    flags = ["--strict", "--config-file=", "--cache-dir", cache, "--python-executable", python]
    return [sys.executable, "-m", "mypy", *flags]


def test_wheel_holds_what_it_must_and_nothing_else(wheel: Path) -> None:
    """The package with its type marker, every table and scenario, the licence; no tests, no caches."""
    with zipfile.ZipFile(wheel) as archive:
        names = set(archive.namelist())
    assert wheel.name.startswith("logistics_engine-")
    bundled = "logistics/_bundled"
    for name in ("networks", "scenarios"):
        files = {path.relative_to(ROOT).as_posix() for path in (ROOT / name).rglob("*") if path.is_file()}
        assert files
        assert {f"{bundled}/{file}" for file in files} <= names
    sources = {path.relative_to(ROOT).as_posix() for path in (ROOT / "logistics").rglob("*.py")}
    assert sources | {"logistics/py.typed"} <= names
    assert any(name.endswith("licenses/LICENSE") for name in names)
    assert {name.split("/")[0].split("-")[0] for name in names} == {"logistics", "logistics_engine"}
    assert not [name for name in names if "__pycache__" in name or name.endswith((".pyc", ".nbi", ".nbc"))]


def test_installed_package_is_the_one_that_runs(python: Path) -> None:
    """Not the checkout: the tests below would say nothing otherwise."""
    done = run(python, "-c", "import logistics; print(logistics.__file__)", cwd=python.parent)
    assert Path(done.stdout.strip()).is_relative_to(python.parents[1])
    assert Path(done.stdout.strip()) != Path(logistics.__file__)


def test_new_check_and_run(python: Path, tmp_path: Path) -> None:
    """The first three commands of somebody who has only the wheel."""
    program = python.parent / "logistics"
    assert logistics.__version__ in run(program, "--version", cwd=tmp_path).stdout
    said = run(program, "new", "my project", cwd=tmp_path).stdout
    assert "logistics run " in said
    scenario = Path("my project") / "scenarios" / "baseline-2021.yaml"
    assert (tmp_path / scenario).read_bytes() == (ROOT / "scenarios" / "baseline-2021.yaml").read_bytes()
    assert "zhejiang: no errors" in run(program, "check", scenario, cwd=tmp_path).stdout
    done = run(program, "run", scenario, "-q", cwd=tmp_path)
    assert "optimal" in done.stdout
    assert (tmp_path / "results" / "baseline-2021" / "result.json").is_file()
    assert "verified" in run(program, "verify", "results/baseline-2021", cwd=tmp_path).stdout


def test_types_of_the_public_interface(mypy: list[object], tmp_path: Path) -> None:
    """A user's script passes mypy --strict against the installed wheel, and a wrong one does not."""
    script = tmp_path / "script.py"
    script.write_text(SCRIPT, encoding="utf-8")
    run(*mypy, script, cwd=tmp_path)
    script.write_text(SCRIPT.split("if __name__", maxsplit=1)[0] + WRONG, encoding="utf-8")
    found = run(*mypy, script, cwd=tmp_path, code=1).stdout
    assert 'expression has type "Literal[' in found or "Incompatible types in assignment" in found
    assert 'Argument 1 to "read_case" has incompatible type "int"' in found


def test_unknown_name_is_an_error_to_the_type_checker(mypy: list[object], tmp_path: Path) -> None:
    """A misspelt public name is found before the program runs."""
    script = tmp_path / "script.py"
    script.write_text("import logistics\n\nlogistics.nothing\n", encoding="utf-8")
    found = run(*mypy, script, cwd=tmp_path, code=1).stdout
    assert 'Module has no attribute "nothing"' in found


def test_every_public_name_has_a_type(mypy: list[object], tmp_path: Path) -> None:
    """No public name is unknown or untyped to the type checker."""
    names = [name for name in logistics.__all__ if not name.startswith("_")]
    script = tmp_path / "names.py"
    lines = ["import logistics", *(f"reveal_type(logistics.{name})" for name in names)]
    script.write_text("\n".join(lines) + "\n", encoding="utf-8")
    told = run(*mypy, script, cwd=tmp_path).stdout
    revealed = [line for line in told.splitlines() if "Revealed type is" in line]
    assert len(revealed) == len(names)
    assert [line for line in revealed if '"Any"' in line or '"builtins.object"' in line] == []


def test_script_runs(python: Path, tmp_path: Path) -> None:
    """The same script, run with the installed package on a network of its own."""
    shutil.copytree(ROOT / "tests" / "networks" / "three_gateways", tmp_path / "networks" / "three_gateways")
    text = "schema: 1\nname: {zh: 小, en: Tiny}\nnetwork: three_gateways\nyears: [2021]\n"
    (tmp_path / "tiny.yaml").write_text(text, encoding="utf-8")
    (tmp_path / "script.py").write_text(SCRIPT, encoding="utf-8")
    said = run(python, "script.py", "tiny.yaml", cwd=tmp_path).stdout.split()
    assert (said[0], said[2]) == ("optimal", "True")
    assert float(said[1]) == pytest.approx(88_504_340, rel=1e-9)
