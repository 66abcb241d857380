"""The verbs around reports: `report`, `run --report`, `compare --page`."""

import json
from pathlib import Path

import pytest

from logistics.commands.tables import print_result
from logistics.reports.outputs import ALL, HTML, write_reports
from logistics.results.read import read_result, read_tables
from tests.report_results import solved
from tests.test_command_line import command_line, tiny_project

EVERYTHING = {"report.html", "tables.xlsx", "network.gpkg"}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Results of the tiny network without reports."""
    return solved(tmp_path)


def reports_in(folder: Path) -> set[str]:
    """Names of the reports in a folder, and of nothing half-written."""
    assert not [path for path in folder.iterdir() if path.name.startswith(".")]
    return {path.name for path in folder.iterdir() if path.name in EVERYTHING}


@pytest.mark.parametrize(
    ("choice", "expected"), [("none", set()), ("html", {"report.html"}), ("all", EVERYTHING)]
)
def test_run_writes_what_is_asked_for(tmp_path: Path, choice: str, expected: set[str]) -> None:
    """Nothing, the page, or everything; the result stays verified."""
    scenario = tiny_project(tmp_path)
    answer = command_line("run", scenario, "--out", tmp_path / "out", "--report", choice, "-q")
    assert answer.code == 0
    assert reports_in(tmp_path / "out") == expected
    assert command_line("verify", tmp_path / "out").code == 0


def test_run_writes_everything_unless_told_otherwise(tmp_path: Path) -> None:
    """Default all; the environment can say otherwise."""
    scenario = tiny_project(tmp_path)
    assert command_line("run", scenario, "--out", tmp_path / "a", "-q", LOGISTICS_REPORT="all").code == 0
    assert reports_in(tmp_path / "a") == EVERYTHING
    assert command_line("run", scenario, "--out", tmp_path / "b", "-q", LOGISTICS_REPORT="html").code == 0
    assert reports_in(tmp_path / "b") == {"report.html"}


def test_report_makes_them_anew_in_the_language_asked_for(folder: Path) -> None:
    """The page opens in it; older reports are replaced."""
    (folder / "report.html").write_text("old", encoding="utf-8")
    answer = command_line("report", folder, "--report", "html", "--lang", "zh")
    assert (answer.code, answer.err) == (0, "")
    assert "report.html" in answer.out
    assert 'data-lang="zh"' in (folder / "report.html").read_text(encoding="utf-8")[:400]
    assert command_line("report", folder, "--lang", "en").code == 0
    assert reports_in(folder) == EVERYTHING
    assert 'data-lang="en"' in (folder / "report.html").read_text(encoding="utf-8")[:400]


def test_report_opens_the_page_when_asked(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """In the reader's own browser, as a file."""
    opened: list[str] = []
    monkeypatch.setattr("webbrowser.open", opened.append)
    assert command_line("report", folder, "--report", "html", "--open").code == 0
    assert opened == [(folder / "report.html").as_uri()]


def test_report_of_what_is_no_result_is_bad_input(tmp_path: Path) -> None:
    """Exit code 2, and nothing is written."""
    answer = command_line("report", tmp_path)
    assert answer.code == 2
    assert "result.json" in answer.err
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("content", "flags", "said"),
    [
        ('{"type": "Polygon", "coordinates": []}', [], "--map-approval"),
        ("no JSON", ["--map-approval", "GS(2023)1"], "GeoJSON"),
        ('{"type": "Topology"}', ["--map-approval", "GS(2023)1"], "GeoJSON"),
    ],
)
def test_base_map_is_checked(folder: Path, tmp_path: Path, content: str, flags: list[str], said: str) -> None:
    """No number, no map; and only GeoJSON."""
    path = tmp_path / "map.json"
    path.write_text(content, encoding="utf-8")
    answer = command_line("report", folder, "--basemap", path, *flags)
    assert answer.code == 2
    assert said in answer.err
    assert not (folder / "report.html").exists()


def test_compare_writes_a_page_of_several_results(tmp_path: Path) -> None:
    """Differing inputs come first, then totals; tables are printed as ever, one JSON object a comparison."""
    folders = []
    for name, more in (
        ("base", ""),
        ("suez", "changes:\n  - close: {passage: suez}\n"),
        ("more", "changes:\n  - scale_demand: {factor: 2}\n"),
    ):
        (tmp_path / name).mkdir()
        folders.append(solved(tmp_path / name, more=more))
    page = tmp_path / "page.html"
    answer = command_line("compare", *folders, "--json", "--page", page)
    assert answer.code == 0
    assert len([json.loads(line) for line in answer.out.splitlines()]) == 2
    words = page.read_text(encoding="utf-8")
    assert 0 < words.index('id="inputs"') < words.index('id="totals"') < words.index('id="map"')
    assert "page.html" in answer.err
    assert command_line("compare", *folders[:2], "--open").code == 2


def test_years_are_named_wherever_there_are_several(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """On the terminal in heads or rows; on the page every section that differs by year has each."""
    folder = solved(tmp_path, years="2021, 2022")
    print_result(read_result(folder), read_tables(folder), "en", folder, 1.0)
    told = capsys.readouterr().out
    for title, words in (
        ("Cargo by mode", "kt 2021"),
        ("Cargo by gateway", "kt 2022"),
        ("Door to door", "year"),
    ):
        head = told[told.index(title) :].split("\n", 2)[1]
        assert words in head, head
    write_reports(folder, HTML, "en")
    html = (folder / "report.html").read_text(encoding="utf-8")
    for table in ("modes", "gateways", "services", "bill", "times-customer", "estimates", "assumptions"):
        for year in (2021, 2022):
            assert f'id="table-{table}-{year}"' in html


def test_a_result_without_a_plan_still_has_a_page(tmp_path: Path) -> None:
    """Limits that cannot hold together: the page says which, and has no map."""
    more = "limits: {max_mean_customer_days: 0.01}\n"
    folder = solved(tmp_path, more=more)
    written = write_reports(folder, ALL, "en")
    assert {path.name for path in written.files} == EVERYTHING
    words = (folder / "report.html").read_text(encoding="utf-8")
    assert 'id="limits"' in words
    assert 'id="map"' not in words
    assert "cannot be kept" in words


def test_reports_are_whole_or_not_there(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A failure half-way leaves the old page and no rubbish."""
    write_reports(folder, HTML, "en")
    before = (folder / "report.html").read_bytes()

    def broken(path: Path, words: str) -> None:
        path.write_text(words[:10], encoding="utf-8")
        raise OSError("disk full")

    monkeypatch.setattr("logistics.reports.outputs._write_words", broken)
    with pytest.raises(OSError, match="disk full"):
        write_reports(folder, HTML, "zh")
    assert (folder / "report.html").read_bytes() == before
    assert reports_in(folder) == {"report.html"}
