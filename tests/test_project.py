"""The checkout itself: locks, versions and scripts say what they should."""

import os
import re
import shutil
import subprocess
import tomllib
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).resolve().parents[1]
SCRIPTS = [ROOT / ".ci" / "run", *sorted(path for path in (ROOT / "scripts").iterdir() if path.is_file())]
LOCKS = ["run", "dev"]

# Put together here, so that this file does not hold what it looks for.
REGISTRY_HOSTS = [
    ".".join(parts)
    for parts in [
        ("pypi", "org"),
        ("pypi", "python", "org"),
        ("pythonhosted", "org"),
        ("registry", "npmjs", "org"),
        ("registry", "yarnpkg", "com"),
        ("deb", "debian", "org"),
        ("conda", "anaconda", "org"),
        ("mirrors", "aliyun", "com"),
        ("tuna", "tsinghua", "edu", "cn"),
        ("mirrors", "ustc", "edu", "cn"),
    ]
]


def project() -> dict:
    """The [project] table of pyproject.toml."""
    return tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]


def locked(name: str) -> dict[str, str]:
    """Package → version in requirements/NAME.lock; every one must be pinned with a hash."""
    text = (ROOT / "requirements" / f"{name}.lock").read_text("utf-8").replace("\\\n", " ")
    versions: dict[str, str] = {}
    for line in text.splitlines():
        if not line.strip() or line.lstrip().startswith("#"):
            continue
        match = re.match(
            r"([A-Za-z0-9._-]+)==([^\s;]+)(?: ;[^#]*?)?((?:\s+--hash=sha256:[0-9a-f]{64})+)\s*$", line
        )
        assert match, f"not pinned with hashes: {line[:80]}"
        package = canonicalize_name(match[1])
        assert package not in versions, f"more than one version of {package}"
        versions[package] = match[2]
    return versions


@pytest.fixture(scope="module")
def project_files() -> list[Path]:
    """Every file that is tracked, or would be with the next commit."""
    if shutil.which("git") is None or not (ROOT / ".git").exists():
        pytest.skip("not a git checkout")
    command = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    out = subprocess.run(command, cwd=ROOT, capture_output=True, check=True).stdout
    paths = [ROOT / os.fsdecode(name) for name in out.split(b"\0") if name]
    return [path for path in paths if path.is_file()]


def test_no_file_names_a_registry(project_files: list[Path]) -> None:
    """People fetch packages from where their own client is set to."""
    assert Path(__file__).resolve() in project_files
    hosts = [host.encode() for host in REGISTRY_HOSTS]
    found = []
    for path in project_files:
        content = path.read_bytes().lower()
        found += [f"{path.relative_to(ROOT)}: {host.decode()}" for host in hosts if host in content]
    assert found == []


@pytest.mark.parametrize("name", LOCKS)
def test_lock_pins_with_hashes_and_names_no_address(name: str) -> None:
    assert len(locked(name)) > 20
    text = (ROOT / "requirements" / f"{name}.lock").read_text("utf-8")
    assert "://" not in text
    assert "--index-url" not in text


@pytest.mark.parametrize("name", LOCKS)
def test_lock_holds_what_pyproject_asks_for(name: str) -> None:
    wanted = project()["dependencies"] + (project()["optional-dependencies"]["dev"] if name == "dev" else [])
    versions = locked(name)
    for requirement in map(Requirement, wanted):
        version = versions.get(canonicalize_name(requirement.name))
        assert version is not None, f"{requirement} is missing; run scripts/lock"
        assert requirement.specifier.contains(version), (
            f"{requirement} is locked as {version}; run scripts/lock"
        )


def test_run_lock_can_install_the_checkout_without_a_build_environment() -> None:
    assert {"hatchling", "editables"} <= locked("run").keys()


def test_dev_lock_runs_the_engine_with_the_same_versions() -> None:
    """One environment serves scripts/run and scripts/test."""
    assert locked("run").items() <= locked("dev").items()


def test_citation_has_the_version_of_the_package() -> None:
    match = re.search(r"^version: (.+)$", (ROOT / "CITATION.cff").read_text("utf-8"), re.MULTILINE)
    assert match
    assert match[1].strip("\"'") == project()["version"]


def test_distribution_name_is_our_own() -> None:
    """The name of the import package belongs to somebody else where packages are published."""
    assert project()["name"] == "logistics-engine"
    assert project()["scripts"] == {"logistics": "logistics.__main__:main"}


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda path: path.name)
def test_script_is_sound(script: Path) -> None:
    subprocess.run(["bash", "-n", script], check=True)
    content = script.read_bytes()
    assert b"\r" not in content
    if script.name != "environment.sh":  # sourced, never run
        assert os.access(script, os.X_OK)
        assert content.startswith(b"#!/usr/bin/env bash\n")


def test_scripts_are_executable_in_a_fresh_clone(project_files: list[Path]) -> None:
    out = subprocess.run(
        ["git", "ls-files", "--stage", "scripts", ".ci"], cwd=ROOT, capture_output=True, check=True, text=True
    ).stdout
    plain = [line.split("\t")[1] for line in out.splitlines() if not line.startswith("100755")]
    scripts = [name for name in plain if not name.endswith((".js", ".json"))]
    assert scripts in ([], ["scripts/environment.sh"])
