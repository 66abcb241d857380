"""The documents as a site, and the page that says what is public."""

import importlib
import re
import shlex
import shutil
import subprocess
import sys
from html.parser import HTMLParser
from pathlib import Path

import click
import pytest

import logistics
from logistics.__main__ import VERBS
from logistics.commands import shared
from logistics.commands.batch import EXIT_FAILED
from logistics.network.folder import SUPPORTED_SCHEMAS as NETWORKS
from logistics.results.layout import SCHEMA
from logistics.scenario.schema import SUPPORTED_SCHEMAS as SCENARIOS
from logistics.studies.register import ready_study

ROOT = Path(__file__).resolve().parents[1]
STABILITY = (ROOT / "docs" / "stability.md").read_text("utf-8")


def part(head: str) -> str:
    """Text below a heading of the page about stability."""
    return re.split(r"^##", STABILITY.split(f"\n{head}\n", 1)[1], maxsplit=1, flags=re.MULTILINE)[0]


def rows(text: str) -> list[list[str]]:
    """Cells of the rows of a table, without head and rule."""
    lines = [line for line in text.splitlines() if line.startswith("|")]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines[2:]]


def test_public_verbs_and_flags_are_those_of_the_command_line() -> None:
    listed = {
        verb.strip("`"): re.findall(r"`(--[\w-]+)`", flags)
        for verb, flags in rows(part("### Verbs and flags"))
    }
    assert set(listed) == set(VERBS)
    for verb, flags in listed.items():
        command: click.Command = importlib.import_module(
            f"logistics.commands.{verb.replace('-', '_')}"
        ).command
        there = [max(each.opts, key=len) for each in command.params if isinstance(each, click.Option)]
        assert sorted(flags) == sorted(there), verb


def test_public_names_are_those_that_are_exported() -> None:
    listed = re.findall(r"`(\w+)`", part("### Names in Python").split("meaning:")[1])
    assert sorted(listed) == sorted(logistics.__all__)


def test_exit_codes_and_schemas_are_those_of_the_code() -> None:
    codes = {int(code.strip("`")) for code, _ in rows(part("### Exit codes"))}
    known = {getattr(shared, name) for name in dir(shared) if name.startswith("EXIT_")}
    assert codes == known | {EXIT_FAILED, 130}
    told = part("### Keys of JSON and of files")
    assert f"`schema: {SCHEMA}`" in told
    assert told.count("`schema: 1`") == 2
    assert NETWORKS == SCENARIOS == (1,)


class Addresses(HTMLParser):
    """What a page would fetch."""

    def __init__(self) -> None:
        super().__init__()
        self.fetched: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        key = {"script": "src", "img": "src", "iframe": "src", "link": "href"}.get(tag)
        if key and given.get(key):
            self.fetched.append(str(given[key]))


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The site, built strictly: a page that is not listed or a link that leads nowhere fails."""
    folder = tmp_path_factory.mktemp("site")
    command = [sys.executable, "-m", "mkdocs", "build", "--strict", "--quiet", "--site-dir", str(folder)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return folder


def test_every_document_is_a_page_that_fetches_nothing(site: Path) -> None:
    documents = {path.stem for path in (ROOT / "docs").glob("*.md")}
    assert documents <= {path.stem for path in site.glob("*.html")}
    for page in site.glob("*.html"):
        parser = Addresses()
        parser.feed(page.read_text("utf-8"))
        assert parser.fetched
        assert not [address for address in parser.fetched if re.match(r"(?:[a-z]+:)?//", address)], page.name
    styles = "".join(path.read_text("utf-8") for path in site.rglob("*.css"))
    assert not re.findall(r"url\(['\"]?(?:https?:)?//[^)]*\)|@import[^;]*//", styles)


def tutorials() -> list[Path]:
    """One a kind of user."""
    return sorted((ROOT / "docs").glob("tutorial-*.md"))


@pytest.mark.parametrize("path", tutorials(), ids=lambda path: path.stem)
def test_scenarios_of_a_tutorial_can_be_run(path: Path, tmp_path: Path) -> None:
    """Each is read, each of its changes touches something, and its study has all it names."""
    (tmp_path / "networks").symlink_to(ROOT / "networks")
    shutil.copytree(ROOT / "scenarios", tmp_path / "scenarios")
    examples = re.findall(r"^```yaml\n(.*?)^```$", path.read_text("utf-8"), re.MULTILINE | re.DOTALL)
    assert examples
    for example in examples:
        scenario = tmp_path / "scenarios" / "example.yaml"
        scenario.write_text(example, "utf-8")
        case = logistics.read_case(scenario, allow_outside=True)
        touched = {str(entry.where) for entry in case.log[case.scenario.years[0]]}
        assert len(touched) == len(case.scenario.changes)
        ready_study(case)


@pytest.mark.parametrize("path", [*tutorials(), ROOT / "docs" / "index.md"], ids=lambda path: path.stem)
def test_commands_of_a_tutorial_exist(path: Path) -> None:
    """Verb, flags, number of arguments; scenario files that are named are there."""
    for block in re.findall(r"^```sh\n(.*?)^```$", path.read_text("utf-8"), re.MULTILINE | re.DOTALL):
        for line in block.splitlines():
            program, verb, *arguments = shlex.split(line, comments=True)
            assert program == "scripts/run"
            module = importlib.import_module(f"logistics.commands.{verb.replace('-', '_')}")
            with module.command.make_context(verb, list(arguments)) as context:
                for value in context.params.values():
                    if isinstance(value, Path) and value.parts[0] == "scenarios":
                        assert (ROOT / value).is_file(), value
