"""Colours of the modes: told apart also by readers who see one colour less, and seen on land and sea."""

import itertools
import re

import numpy as np
import pytest

from logistics.reports.figures import MODE_COLOURS
from logistics.reports.page import ASSETS

SEEN_AS = {
    "all": np.eye(3),
    "little red": [[0.152, 1.053, -0.205], [0.115, 0.786, 0.099], [-0.004, -0.048, 1.052]],
    "little green": [[0.367, 0.861, -0.228], [0.280, 0.673, 0.047], [-0.012, 0.043, 0.969]],
    "little blue": [[1.256, -0.077, -0.179], [-0.078, 0.931, 0.148], [0.005, 0.691, 0.304]],
}
"""What is seen of linear red, green and blue: Machado, Oliveira and Fernandes (2009), severity 1."""
TO_XYZ = np.array([[0.4124, 0.3576, 0.1805], [0.2126, 0.7152, 0.0722], [0.0193, 0.1192, 0.9505]])
WHITE = TO_XYZ @ np.ones(3)


def page_colours() -> dict[str, str]:
    """Colours that the page's style names."""
    style = (ASSETS / "page" / "page.css").read_text(encoding="utf-8")
    return dict(re.findall(r"--(\w+): (#[0-9a-f]{6});", style))


def linear(colour: str) -> np.ndarray:
    """Linear red, green and blue of a colour, 0 to 1."""
    part = np.array([int(colour[i : i + 2], 16) for i in (1, 3, 5)]) / 255
    return np.where(part <= 0.04045, part / 12.92, ((part + 0.055) / 1.055) ** 2.4)


def lab(light: np.ndarray) -> np.ndarray:
    """CIE L*a*b* of linear red, green and blue."""
    part = TO_XYZ @ np.clip(light, 0, 1) / WHITE
    x, y, z = np.where(part > 0.008856, np.cbrt(part), 7.787 * part + 16 / 116)
    return np.array([116 * y - 16, 500 * (x - y), 200 * (y - z)])


@pytest.mark.parametrize("eyes", SEEN_AS)
def test_modes_can_be_told_apart(eyes: str) -> None:
    """Each two differ by 15 or more, where 2 can just be seen."""
    colours = page_colours()
    seen = {mode: lab(np.array(SEEN_AS[eyes]) @ linear(colours[mode])) for mode in MODE_COLOURS}
    near = {(a, b): np.linalg.norm(seen[a] - seen[b]) for a, b in itertools.combinations(seen, 2)}
    assert {pair: round(gap, 1) for pair, gap in near.items() if gap < 15} == {}


def test_lines_stand_out_from_land_and_sea() -> None:
    """Contrast of at least 3 to 1, as the guidelines for accessible content ask of graphics."""
    colours = page_colours()
    bright = {name: TO_XYZ[1] @ linear(colour) + 0.05 for name, colour in colours.items()}
    for mode, ground in itertools.product((*MODE_COLOURS, "more", "less"), ("land", "water")):
        assert bright[ground] / bright[mode] >= 3, (mode, ground)


def test_figures_have_the_colours_of_the_page() -> None:
    """The same mode looks the same in both."""
    colours = page_colours()
    assert {mode: colours[mode] for mode in MODE_COLOURS} == MODE_COLOURS
