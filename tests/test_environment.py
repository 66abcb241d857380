"""What scripts/environment.sh promises, in a small copy of the checkout with a package that only echoes."""

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from importlib.metadata import requires
from pathlib import Path

import pytest
from packaging.requirements import Requirement

ROOT = Path(__file__).resolve().parents[1]
ECHO = '''"""Echo."""
import json, os, sys


def main() -> None:
    """Say how it was called."""
    print(json.dumps({"cwd": os.getcwd(), "args": sys.argv[1:], "pid": os.getpid()}))
'''


def needed() -> set[str]:
    """The packages that the install in place needs."""
    found: set[str] = set()
    ask = ["hatchling", "editables"]
    while ask:
        name = ask.pop()
        found.add(name)
        wanted = map(Requirement, requires(name) or [])
        names = {each.name for each in wanted if each.marker is None or each.marker.evaluate()}
        ask.extend(names - found)
    return found


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A checkout whose lock holds only what the install in place needs; its path has a space and 汉字."""
    root = tmp_path / "check out 物流"
    shutil.copytree(ROOT / "scripts", root / "scripts")
    shutil.copy(ROOT / "pyproject.toml", root)
    shutil.copy(ROOT / "LICENSE", root)
    shutil.copy(ROOT / "README.md", root)
    for folder in ("networks", "scenarios", "logistics", "requirements"):
        (root / folder).mkdir()
        (root / folder / "note.txt").write_text("x", "utf-8")
    (root / "logistics" / "__init__.py").write_text('"""Echo."""\n', "utf-8")
    (root / "logistics" / "__main__.py").write_text(ECHO, "utf-8")
    for name in ("run", "dev"):
        text = (ROOT / "requirements" / f"{name}.lock").read_text("utf-8")
        blocks = re.findall(r"^[a-z].*(?:\n    .*)*\n", text, re.MULTILINE)
        kept = [block for block in blocks if block.split("==")[0] in needed()]
        assert len(kept) == len(needed())
        (root / "requirements" / f"{name}.lock").write_text("".join(kept), "utf-8")
    return root


def start(
    checkout: Path, *arguments: str, cwd: Path | None = None, **variables: str
) -> subprocess.Popen[str]:
    """Start scripts/run as a user would."""
    environment = {"PYTHON": sys.executable, **os.environ, **variables}
    return subprocess.Popen(
        [checkout / "scripts" / "run", *arguments],
        cwd=cwd,
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def finish(process: subprocess.Popen[str]) -> tuple[dict, str]:
    """What the engine was told, and what was said on stderr."""
    out, err = process.communicate(timeout=300)
    assert process.returncode == 0, err
    return json.loads(out), err


def wait_for(path: Path) -> None:
    """Wait until a path exists."""
    deadline = time.monotonic() + 60
    while not path.exists():
        assert time.monotonic() < deadline, path
        time.sleep(0.02)


def shell(checkout: Path, code: str, **variables: str) -> subprocess.CompletedProcess[str]:
    """Run bash code with the shared functions at hand."""
    return subprocess.run(
        ["bash", "-euc", f'source "$1/scripts/environment.sh"; {code}', "bash", checkout],
        env={**os.environ, **variables},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


@pytest.mark.install
def test_first_call_sets_up_and_the_next_starts_at_once(checkout: Path, tmp_path: Path) -> None:
    process = start(checkout, "a b", "*", cwd=tmp_path)
    told, err = finish(process)
    assert told == {"cwd": str(tmp_path), "args": ["a b", "*"], "pid": process.pid}
    assert "Setting up" in err
    assert not (checkout / ".venv.lock").exists()

    # No pip, no other Python than the engine's: with a pip that fails the call still works.
    (pip,) = (checkout / ".venv").glob("lib/python3*/site-packages/pip/__main__.py")
    pip.write_text("raise SystemExit('pip was called')", "utf-8")
    process = start(checkout)
    told, err = finish(process)
    assert told["args"] == ["run", str(checkout / "scenarios" / "baseline-2021.yaml"), "--force"]
    assert told["pid"] == process.pid
    assert err == ""


@pytest.mark.install
def test_calls_at_the_same_time_set_up_once(checkout: Path) -> None:
    processes = [start(checkout, str(i)) for i in range(4)]
    done = [(process.communicate(timeout=300)[1], process.returncode) for process in processes]
    assert [code for _, code in done] == [0] * 4, done
    said = [err for err, _ in done]
    assert sum("Setting up" in err for err in said) == 1
    assert not (checkout / ".venv.lock").exists()


@pytest.mark.install
def test_a_change_of_the_lock_or_of_the_place_is_noticed(checkout: Path) -> None:
    finish(start(checkout))
    with (checkout / "requirements" / "run.lock").open("a", encoding="utf-8") as lock:
        lock.write("# changed\n")
    assert "up to date" in finish(start(checkout))[1]

    moved = checkout.rename(checkout.with_name("moved"))
    assert "Setting up" in finish(start(moved))[1]


@pytest.mark.install
@pytest.mark.parametrize("sent", [signal.SIGTERM, signal.SIGKILL])
def test_a_stopped_set_up_is_started_over(checkout: Path, sent: signal.Signals) -> None:
    process = start(checkout)
    wait_for(checkout / ".venv" / "bin" / "python")
    process.send_signal(sent)
    process.communicate(timeout=60)
    assert process.returncode in (143, -sent)
    assert (checkout / ".venv" / ".unfinished").exists()
    assert (checkout / ".venv.lock").exists() == (sent == signal.SIGKILL)

    err = finish(start(checkout))[1]
    assert "Setting up" in err
    assert ("stopped half-way" in err) == (sent == signal.SIGKILL)


@pytest.mark.install
def test_a_failed_set_up_shows_why(checkout: Path) -> None:
    lock = checkout / "requirements" / "run.lock"
    lock.write_text(re.sub(r"sha256:[0-9a-f]{8}", "sha256:00000000", lock.read_text("utf-8")), "utf-8")
    out, err = (process := start(checkout)).communicate(timeout=300)
    assert process.returncode == 1
    assert out == ""
    assert "DO NOT MATCH THE HASHES" in err
    assert not (checkout / ".venv.lock").exists()


def test_a_candidate_that_does_not_run_is_passed_over(checkout: Path, tmp_path: Path) -> None:
    shims = tmp_path / "shims"
    shims.mkdir()
    for name, code in {
        "python3.13": "echo no such version >&2; exit 127",
        "python3.12": "echo old",
        "python3.11": "echo bare",
        "python3": "echo venv",
    }.items():
        (shims / name).write_text(f"#!/bin/sh\n{code}\n", "utf-8")
        (shims / name).chmod(0o755)
    path = f"{shims}:{os.environ['PATH']}"
    assert shell(checkout, "find_python", PATH=path, PYTHON="").stdout == "python3\n"
    assert shell(checkout, "find_python", PATH=path, PYTHON=sys.executable).stdout == f"{sys.executable}\n"
    found = shell(checkout, "find_python", PATH=path, PYTHON="/no/such/python")
    assert found.stdout == "python3\n"
    assert "PYTHON=/no/such/python cannot be used" in found.stderr

    for name in ("python3", "python"):
        shutil.copy(shims / "python3.11", shims / name)
    found = shell(checkout, "find_python", PATH=path, PYTHON="")
    assert found.returncode != 0
    assert "python3-venv" in found.stderr


def test_the_lock_of_a_dead_process_is_taken_over(checkout: Path) -> None:
    dead = subprocess.Popen(["true"])
    dead.wait()
    lock = checkout / ".venv.lock"
    lock.mkdir()
    (lock / "owner").write_text(f"{dead.pid}\n", "utf-8")
    found = shell(checkout, 'sleep() { :; }; take_lock; [ "$(<"$setup_lock/owner")" = "$$" ]; release_lock')
    assert found.returncode == 0, found.stderr
    assert not lock.exists()

    lock.mkdir()  # its owner died before it wrote its id
    found = shell(checkout, "sleep() { :; }; take_lock; release_lock")
    assert found.returncode == 0, found.stderr
    assert not lock.exists()


@pytest.mark.parametrize("role", ["owner", "worker"])
def test_the_lock_of_a_living_process_is_waited_for(checkout: Path, role: str) -> None:
    dead = subprocess.Popen(["true"])
    dead.wait()
    lock = checkout / ".venv.lock"
    lock.mkdir()
    (lock / "owner").write_text(f"{dead.pid}\n", "utf-8")
    (lock / role).write_text(f"{os.getpid()}\n", "utf-8")
    code = 'sleep() { rm -rf "$setup_lock"; }; take_lock; release_lock'
    found = shell(checkout, code)
    assert found.returncode == 0, found.stderr
    assert "waiting for it" in found.stderr
