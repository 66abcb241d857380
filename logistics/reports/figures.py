"""Figures for documents: the charts of the page that are printed most, as PNG for Word and SVG.

They need a font with Chinese characters; without one nothing is drawn, since boxes instead of words help
nobody.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from logistics.reports.blocks import Number, Row, Table, Words, mode_words, say
from logistics.reports.forms import FORMS
from logistics.reports.sections.cargo import cargo_blocks
from logistics.reports.sections.costs import cost_blocks
from logistics.reports.sections.disruption import disruption_blocks
from logistics.reports.sections.frontier import frontier_blocks
from logistics.reports.sections.portfolio import portfolio_blocks
from logistics.reports.sections.promises import promise_blocks
from logistics.reports.sections.routes import route_blocks
from logistics.reports.sections.siting import siting_blocks
from logistics.reports.sections.siting_plans import siting_plan_blocks
from logistics.reports.short_names import fitted
from logistics.reports.source import Results

if TYPE_CHECKING:
    from matplotlib.axes import Axes

FONTS = (
    "Noto Sans CJK SC",
    "Noto Sans SC",
    "Source Han Sans SC",
    "Microsoft YaHei",
    "SimHei",
    "PingFang SC",
    "WenQuanYi Zen Hei",
)
"""Fonts with Chinese characters, the ones that are looked for."""
BLUE, RED = "#0067a8", "#c2410c"
MODE_COLOURS = {"sea": BLUE, "air": RED, "rail": "#12964a", "road": "#5f5848", "post": "#731263"}
"""As on the page."""
SECTIONS = (
    cargo_blocks,
    cost_blocks,
    promise_blocks,
    frontier_blocks,
    disruption_blocks,
    route_blocks,
    portfolio_blocks,
    siting_blocks,
    siting_plan_blocks,
)
"""Sections whose tables are drawn."""
MOST_BARS = 20
MOST_LETTERS = 46
DOTS_PER_INCH = 200
SIZE = (9.0, 4.6)
Draw = Callable[["Axes", Table, str], None]


def installed_fonts() -> list[str]:
    """Those of :data:`FONTS` that this machine has."""
    from matplotlib import font_manager

    known = {font.name for font in font_manager.fontManager.ttflist}
    return [name for name in FONTS if name in known]


def write_figures(results: Results, folder: Path, lang: str, fonts: Sequence[str]) -> list[Path]:
    """Write the figures of a result's last year into `folder` and return their paths.

    Parameters
    ----------
    lang
        Language of their words.
    fonts
        Fonts to use, of which one has Chinese characters.
    """
    import matplotlib as mpl
    from matplotlib.figure import Figure
    from matplotlib.ticker import ScalarFormatter

    year = max(results.networks)
    style: Any = {
        "font.family": [*fonts, "DejaVu Sans"],
        "axes.unicode_minus": False,
        # A name with a dollar sign is no formula.
        "text.parse_math": False,
        "pdf.fonttype": 42,
        # Text stays text, so that it is shown in the reader's own fonts and can be edited.
        "svg.fonttype": "none",
        "svg.hashsalt": "logistics",
        "axes.spines.top": False,
        "axes.spines.right": False,
    }
    written = []
    with mpl.rc_context(style):
        for name, title, table, draw in _wanted(results, year):
            figure = Figure(figsize=SIZE, layout="constrained")
            axes = figure.add_subplot()
            draw(axes, table, lang)
            for axis in (axes.xaxis, axes.yaxis):
                if isinstance(axis.get_major_formatter(), ScalarFormatter):
                    axis.set_major_formatter("{x:,.10g}")
            words = getattr(title, lang)
            several = f"{words} · {year}" if len(results.networks) > 1 else words
            axes.set_title(several, loc="left", fontweight="bold")
            folder.mkdir(parents=True, exist_ok=True)
            for ending in ("png", "svg"):
                path = folder / f"{name}.{ending}"
                # Without a date the same result gives the same bytes.
                extra: dict[str, Any] = {"metadata": {"Date": None}} if ending == "svg" else {}
                figure.savefig(path, dpi=DOTS_PER_INCH, **extra)
                written.append(path)
    return written


def _wanted(results: Results, year: int) -> list[tuple[str, Words, Table, Draw]]:
    """Figures that this result has something for."""
    blocks = [block for make in SECTIONS for block in make(results, year) if isinstance(block, Table)]
    tables = {table.name: table for table in blocks}
    figures: list[tuple[str, str, Draw]] = [
        ("modes", "modes", _modes),
        ("costs", "bill", _costs),
        ("times", "times-customer", _times),
        ("frontier", "frontier", _frontier),
        ("events", "disruption", _events),
        ("routes", "proposals", _routes),
        ("values", "portfolio-values", _values),
        ("sites", "siting-sweep", _sweep),
        ("candidates", "candidates", _candidates),
    ]
    return [
        (name, say(f"report.figure.{name}"), tables[table], draw)
        for name, table, draw in figures
        if table in tables and (draw is not _values or _intervals(tables[table]))
    ]


def _value(cell: object, lang: str) -> float:
    """A number as it is shown, without its unit; 0 where it is unknown."""
    if not isinstance(cell, Number) or cell.value is None:
        return 0.0
    return cell.value * FORMS[cell.form][lang].factor


def _label(cell: object, lang: str) -> str:
    words = FORMS[cell.form][lang].shown(cell.value) if isinstance(cell, Number) else getattr(cell, lang)
    return fitted(words, MOST_LETTERS)


def _unit(table: Table, column: int, lang: str) -> str:
    form = table.heads[column].form
    return f"{getattr(table.heads[column].words, lang)} ({FORMS[form][lang].unit})"


def _bars(axes: Axes, labels: Sequence[str], values: Sequence[float], unit: str, colour: str = BLUE) -> None:
    places = range(len(labels))
    bars = axes.barh(places, values, color=colour, height=0.66)
    axes.bar_label(bars, fmt="{:,.1f}", padding=4, fontsize=8)
    axes.set_yticks(places, labels)
    axes.invert_yaxis()
    axes.margins(x=0.12)
    axes.set_xlabel(unit)


def _costs(axes: Axes, table: Table, lang: str) -> None:
    rows = [row for row in table.rows if isinstance(row.cells[2], Number) and row.cells[2].value is not None]
    _bars(
        axes,
        [_label(row.cells[0], lang) for row in rows],
        [_value(row.cells[1], lang) for row in rows],
        _unit(table, 1, lang),
    )


def _events(axes: Axes, table: Table, lang: str) -> None:
    rows = [row for row in table.rows if isinstance(row.cells[1], Number) and row.cells[1].value is not None]
    _bars(
        axes,
        [_label(row.cells[0], lang) for row in rows],
        [_value(row.cells[1], lang) for row in rows],
        _unit(table, 1, lang),
    )


def _routes(axes: Axes, table: Table, lang: str) -> None:
    """Net benefit of the best proposals."""
    rows = table.rows[:MOST_BARS]
    labels = [f"{_label(row.cells[0], lang)} {_label(row.cells[1], lang)}" for row in rows]
    _bars(axes, labels, [_value(row.cells[4], lang) for row in rows], _unit(table, 4, lang))
    axes.axvline(0, color="#16212e", linewidth=0.8)


def _candidates(axes: Axes, table: Table, lang: str) -> None:
    """Net benefit of the best candidates alone, at most."""
    column = _setting(table, "value")
    rows = table.rows[:MOST_BARS]
    labels = [f"{_label(row.cells[0], lang)} · {_label(row.cells[2], lang)}" for row in rows]
    _bars(axes, labels, [_value(row.cells[column], lang) for row in rows], _unit(table, column, lang))


def _sweep(axes: Axes, table: Table, lang: str) -> None:
    """What the best plan of at most so many sites costs more than the best of all."""
    points = [(_value(row.cells[1], lang), _value(row.cells[2], lang)) for row in table.rows]
    axes.plot(*zip(*points, strict=True), "o-", color=BLUE)
    axes.set_xlabel(getattr(table.heads[1].words, lang))
    axes.set_ylabel(_unit(table, 2, lang))
    axes.set_ylim(bottom=0)


def _setting(table: Table, key: str) -> int:
    """Number of a column that the page's chart draws."""
    assert table.chart is not None
    return int(str(table.chart.settings[key]))


def _values(axes: Axes, table: Table, lang: str) -> None:
    """What each chosen option is worth: from the least to the most that is known."""
    rows = _intervals(table)[:MOST_BARS]
    for place, row in enumerate(rows):
        low, high = (_value(cell, lang) for cell in row.cells[1:3])
        axes.plot(
            [low, high], [place, place], "|-", color=BLUE if low > 0 else RED, linewidth=4, markersize=12
        )
    axes.set_yticks(range(len(rows)), [_label(row.cells[0], lang) for row in rows])
    axes.invert_yaxis()
    axes.axvline(0, color="#16212e", linewidth=0.8)
    axes.margins(0.1)
    axes.set_xlabel(_unit(table, 1, lang))


def _intervals(table: Table) -> list[Row]:
    """Rows of which both ends are known."""
    return [row for row in table.rows if _is_known(row.cells[1]) and _is_known(row.cells[2])]


def _is_known(cell: object) -> bool:
    return isinstance(cell, Number) and cell.value is not None


def _modes(axes: Axes, table: Table, lang: str) -> None:
    """One bar a direction, cut by mode."""
    groups = list(dict.fromkeys(_label(row.cells[2], lang) for row in table.rows))
    modes = list(dict.fromkeys(_label(row.cells[1], lang) for row in table.rows))
    left = [0.0] * len(groups)
    colours = {getattr(mode_words(mode), lang): colour for mode, colour in MODE_COLOURS.items()}
    for mode in modes:
        widths = [
            sum(
                _value(row.cells[3], lang)
                for row in table.rows
                if (_label(row.cells[1], lang), _label(row.cells[2], lang)) == (mode, group)
            )
            for group in groups
        ]
        axes.barh(groups, widths, left=left, color=colours.get(mode, "#52606f"), label=mode, height=0.5)
        left = [a + b for a, b in zip(left, widths, strict=True)]
    axes.invert_yaxis()
    axes.set_xlabel(_unit(table, 3, lang))
    axes.legend(ncols=len(modes), loc="upper center", bbox_to_anchor=(0.5, -0.16), frameon=False)


def _times(axes: Axes, table: Table, lang: str) -> None:
    """P10 to P90, with P50 and the mean."""
    places = range(len(table.rows))
    for place, row in zip(places, table.rows, strict=True):
        mean, low, middle, high = (_value(cell, lang) for cell in row.cells[2:6])
        axes.plot([low, high], [place, place], color=BLUE, alpha=0.45, linewidth=6, solid_capstyle="butt")
        axes.plot(middle, place, "o", color=BLUE, markersize=8)
        axes.plot(mean, place, "|", color="#16212e", markersize=14)
    axes.set_yticks(places, [_label(row.cells[0], lang) for row in table.rows])
    axes.invert_yaxis()
    axes.set_xlim(left=0)
    axes.set_xlabel(f"P10 – P50 – P90 ({FORMS['days'][lang].unit})")


def _frontier(axes: Axes, table: Table, lang: str) -> None:
    """Points, joined in order; the scenario's own apart."""
    x, y = (_setting(table, key) for key in ("x", "y"))
    points = [
        (_value(row.cells[0], lang), _value(row.cells[x], lang), _value(row.cells[y], lang))
        for row in table.rows
    ]
    on = [(across, up) for number, across, up in points if number]
    if on:
        axes.plot(*zip(*on, strict=True), "o-", color=BLUE)
    for row, (number, across, up) in zip(table.rows, points, strict=True):
        words = _label(row.cells[0] if number else row.cells[1], lang)
        axes.annotate(words, (across, up), xytext=(7, 7), textcoords="offset points")
        if not number:
            axes.plot(across, up, "D", color=RED)
    axes.margins(0.1)
    axes.set_xlabel(_unit(table, x, lang))
    axes.set_ylabel(_unit(table, y, lang))
