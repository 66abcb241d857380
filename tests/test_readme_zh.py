"""README.zh.md says what README.md says: the same commands, files, figures and links, section by section."""

import re
import shlex
import unicodedata
from collections import Counter
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
ENGLISH, CHINESE = ((ROOT / name).read_text("utf-8") for name in ("README.md", "README.zh.md"))
NUMBER = r"(?<![\w.])\d+(?:,\d{3})*(?:\.\d+)?(?:e-?\d+)?"
PLACES = r"`([^`\n]+)`"


def blocks(text: str, language: str) -> list[str]:
    """Fenced blocks of a language."""
    return re.findall(rf"^```{language}\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)


def sections(text: str) -> list[str]:
    """Text of each section, without fenced blocks; the head of the document first."""
    prose = re.sub(r"^```.*?^```$", "", text, flags=re.MULTILINE | re.DOTALL)
    return re.split(r"^## .*$", prose, flags=re.MULTILINE)


def tables(text: str) -> list[list[list[str]]]:
    """Tables as rows of cells, without head and rule."""
    found: list[list[list[str]]] = [[]]
    for line in text.splitlines():
        if line.startswith("|"):
            found[-1].append([cell.strip() for cell in line.strip("|").split("|")])
        elif found[-1]:
            found.append([])
    return [rows[2:] for rows in found if rows]


def code(line: str) -> str:
    """A line of a block without its comment."""
    return re.sub(r"\s+# .*|^# .*(?<!yaml)$", "", line).rstrip()


@pytest.mark.parametrize("language", ["sh", "yaml", "python"])
def test_blocks_are_the_same_but_for_their_comments(language: str) -> None:
    both = [
        [[code(line) for line in block.splitlines()] for block in blocks(text, language)]
        for text in (ENGLISH, CHINESE)
    ]
    assert both[0] == both[1]
    assert both[0]
    if language == "sh":
        assert all(shlex.split(line) for block in both[0] for line in block)


def test_output_has_the_same_figures() -> None:
    shown = [re.findall(NUMBER, "".join(blocks(text, "text"))) for text in (ENGLISH, CHINESE)]
    # The title says the year first in Chinese and last in English.
    assert sorted(shown[0]) == sorted(shown[1])
    assert len(shown[0]) > 12


def test_tables_have_the_same_rows_files_and_figures() -> None:
    both = [tables(text) for text in (ENGLISH, CHINESE)]
    assert [len(rows) for rows in both[0]] == [len(rows) for rows in both[1]]
    for ours, theirs in zip(*both, strict=True):
        for english, chinese in zip(ours, theirs, strict=True):
            assert len(english) == len(chinese)
            words = [" | ".join(cells) for cells in (english, chinese)]
            assert Counter(re.findall(PLACES, words[0])) == Counter(re.findall(PLACES, words[1])), words
            if re.fullmatch(r"(?:[\d.,]+(?: %)?)?", english[1]):
                assert english[1:] == chinese[1:]


def test_sections_have_the_same_figures_and_links() -> None:
    both = [sections(text) for text in (ENGLISH, CHINESE)]
    assert len(both[0]) == len(both[1])
    for english, chinese in zip(*both, strict=True):
        ours, theirs = (
            set(re.findall(NUMBER, re.sub(PLACES, "", re.sub(r"\]\([^)]*\)", "]", text))))
            for text in (english, chinese)
        )
        assert ours <= theirs, ours - theirs
        links = [
            {
                link.replace(".zh.md", ".md")
                for link in re.findall(r"\]\(([^)]+)\)", text)
                if link not in ("README.md", "README.zh.md")
            }
            for text in (english, chinese)
        ]
        assert links[0] == links[1]


def test_states_of_features_agree() -> None:
    states = {"works": "可用", "partly": "部分", "not yet": "尚未"}
    (ours,) = (rows for rows in tables(ENGLISH) if rows[0][1] == "works")
    (theirs,) = (rows for rows in tables(CHINESE) if rows[0][1] == "可用")
    assert [states[row[1]] for row in ours] == [row[1] for row in theirs]


def test_it_is_chinese() -> None:
    letters = [unicodedata.name(c, "") for text in sections(CHINESE) for c in text if c.isalpha()]
    assert sum(name.startswith("CJK") for name in letters) > 0.4 * len(letters)
