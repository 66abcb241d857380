"""Figures for documents: drawn with a Chinese font, or not at all and said so."""

import warnings
from pathlib import Path

import pytest
from PIL import Image

from logistics.reports import figures
from logistics.reports.figures import FONTS, installed_fonts, write_figures
from logistics.reports.short_names import fitted
from logistics.reports.source import read_results
from tests.report_results import reported, solved
from tests.test_command_line import command_line

STUDY_FIGURES = {
    "assignment": {"modes", "costs", "times"},
    "frontier": {"modes", "costs", "times", "frontier"},
    "disruption": {"modes", "costs", "times", "events"},
    "routes": {"modes", "costs", "times", "routes"},
    "portfolio": {"modes", "costs", "times", "values"},
    "siting": {"modes", "costs", "times", "sites", "candidates"},
}
needs_font = pytest.mark.skipif(not installed_fonts(), reason="no font with Chinese characters")


@needs_font
@pytest.mark.parametrize("study", STUDY_FIGURES)
def test_each_study_gets_its_figures(tmp_path: Path, study: str) -> None:
    """PNG and SVG of each; no character is missing from the font; text of the SVG is text."""
    results = read_results(solved(tmp_path, study=study))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        written = write_figures(results, tmp_path / "figures", "zh", installed_fonts())
    assert {path.stem for path in written} == STUDY_FIGURES[study]
    assert {path.suffix for path in written} == {".png", ".svg"}
    for path in written:
        if path.suffix == ".png":
            with Image.open(path) as image:
                assert image.width >= 1500
                assert len(image.convert("RGB").getcolors(2**24) or []) > 3
    words = (tmp_path / "figures" / "modes.svg").read_text(encoding="utf-8")
    assert "分运输方式货量" in words
    assert "海运" in words


def test_names_of_routes_keep_both_ends() -> None:
    """What is cut is the end of each stop; what kind of plane it is stays."""
    name = "Hangzhou Xiaoshan International Airport–Almaty International Airport, B767-300F"
    assert fitted(name, 46) == "Hangzhou Xiaosh…–Almaty Internati…, B767-300F"
    assert fitted("杭州—阿拉木图（B767-300F）", 46) == "杭州—阿拉木图（B767-300F）"
    assert fitted("x" * 60, 46) == "x" * 45 + "…"


@needs_font
def test_names_are_no_formulas(tmp_path: Path) -> None:
    """A dollar sign in a name is a dollar sign."""
    names = {"suez": "costs $5 or $6", "alashankou": "$x^{2$ & <b>"}
    words = (reported(tmp_path, study="disruption", names=names) / "figures" / "events.svg").read_text(
        "utf-8"
    )
    assert "costs $5 or $6" in words
    assert "$x^{2$ &amp; &lt;b&gt;" in words


def test_without_a_font_there_are_no_figures_and_it_is_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The rest is written, and the message names fonts to install."""
    folder = solved(tmp_path)
    monkeypatch.setattr(figures, "installed_fonts", list)
    answer = command_line("report", folder, "--lang", "zh")
    assert answer.code == 0
    assert "未找到含中文字形的字体" in answer.err
    assert FONTS[0] in answer.err
    assert (folder / "tables.xlsx").is_file()
    assert not (folder / "figures").exists()
