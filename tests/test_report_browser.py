"""The page in a real browser: opened as a file with every host name unresolvable, looked at and used."""

import re
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

import logistics
from logistics.reports.comparison_page import page_of_results
from logistics.reports.outputs import write_page, write_reports
from logistics.reports.page import page_html
from logistics.reports.result_page import page_of_result
from logistics.reports.source import read_results
from tests.report_growth import portfolio_of_years
from tests.report_results import ROOT, hostile_names, reported, solved
from tests.report_stress import busy_results

pytestmark = pytest.mark.browser
playwright = pytest.importorskip("playwright.sync_api")

FLAGS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--host-resolver-rules=MAP * ~NOTFOUND",
)
LINES = """() => [...document.querySelectorAll(".strand")]
    .map((path) => path.className.baseVal + path.style.strokeWidth).join()"""
TEXTS = """() => [...document.querySelectorAll("body *")]
    .filter((each) => !each.children.length && !["SCRIPT", "NOSCRIPT"].includes(each.tagName))
    .map((each) => each.textContent)"""
PAINT = """() => new Promise((tell) => new PerformanceObserver((seen) => {
    for (const each of seen.getEntriesByName("first-contentful-paint")) tell(each.startTime);
}).observe({type: "paint", buffered: true}))"""
YEARS_SEEN = """() => [...document.querySelectorAll(".blocks[data-year]")]
    .filter((each) => each.offsetParent).map((each) => each.dataset.year)"""
ARCS = """() => [...document.querySelectorAll(".strand")]
    .filter((path) => getComputedStyle(path).display !== "none" && path.getTotalLength() > 1).length"""


@dataclass
class Seen:
    """What went wrong while a page was open."""

    requests: list[str] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)


@pytest.fixture(scope="module")
def browser() -> Iterator[object]:
    """Debian's Chromium, or the one on the path."""
    program = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    assert program, "the tests marked browser need Chromium"
    with playwright.sync_playwright() as play:
        chromium = play.chromium.launch(executable_path=program, args=list(FLAGS))
        yield chromium
        chromium.close()


@pytest.fixture
def opened(browser: object) -> Iterator[object]:
    """A function that opens a file and returns its tab and what went wrong; at the end nothing may have."""
    tabs = []

    def open_file(path: Path) -> tuple[object, Seen]:
        tab = browser.new_page(viewport={"width": 1400, "height": 900}, reduced_motion="reduce")
        seen = Seen()
        tab.on("request", lambda request: seen.requests.append(request.url))
        tab.on("console", lambda said: seen.errors.append(said.text) if said.type == "error" else None)
        tab.on("pageerror", lambda error: seen.errors.append(str(error)))
        tab.goto(path.as_uri())
        tab.wait_for_selector('html[data-drawn="yes"]', timeout=15_000)
        tabs.append((tab, seen, path))
        return tab, seen

    yield open_file
    for tab, seen, path in tabs:
        assert seen.errors == []
        assert seen.requests == [path.as_uri()]
        tab.close()


@pytest.fixture(scope="module")
def plain(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Reports of the tiny network."""
    return reported(tmp_path_factory.mktemp("plain"))


@pytest.fixture(scope="module")
def events(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Reports of the tiny network with events."""
    return reported(tmp_path_factory.mktemp("events"), study="disruption")


def test_page_draws_and_answers(plain: Path, opened: object) -> None:
    """Arcs are drawn; modes, segments, products and areas change what is seen; charts stand at tables."""
    tab, _ = opened(plain / "report.html")
    arcs = tab.evaluate(ARCS)
    assert arcs > 5
    tab.click('#modes [data-mode="sea"]')
    fewer = tab.evaluate(ARCS)
    assert 0 < fewer < arcs
    assert tab.get_attribute('#modes [data-mode="sea"]', "aria-pressed") == "false"
    tab.click('#modes [data-mode="sea"]')
    assert tab.evaluate(ARCS) == arcs
    wide = tab.evaluate(LINES)
    tab.click('#segments [data-segment="b2b"]')
    assert tab.evaluate(LINES) != wide
    tab.click('#segments [data-segment="b2b"]')
    tab.select_option("#product", index=1)
    assert tab.evaluate(LINES) != wide
    tab.select_option("#product", index=0)
    for area in ("zhejiang", "europe", "north_america", "south_east_asia"):
        tab.click(f'#areas [data-area="{area}"]')
        assert "scale(1)" not in tab.get_attribute("#world > g", "transform")
    tab.click('#areas [data-area="world"]')
    for holder in tab.query_selector_all(".chart"):
        assert holder.query_selector("svg[aria-label]"), holder.get_attribute("data-table")


def test_roads_come_with_zooming_in(plain: Path, opened: object) -> None:
    """Feeder roads are not drawn over the whole world, but they are near their ends."""
    tab, _ = opened(plain / "report.html")
    local = """() => [...document.querySelectorAll(".strand.local")]
        .filter((path) => getComputedStyle(path).display !== "none").length"""
    assert tab.evaluate(local) == 0
    tab.click('#areas [data-area="zhejiang"]')
    assert tab.evaluate(local) > 0


def test_language_switches_everywhere(plain: Path, opened: object) -> None:
    """Words, charts, lists, title and the page's language change together."""
    tab, _ = opened(plain / "report.html")
    assert tab.title() == "Tiny"
    assert tab.inner_text("#head-map") == "Map"
    assert "sea" in tab.inner_text("#modes").lower()
    chart = tab.inner_text("#cargo .chart >> nth=0")
    tab.click("#language")
    assert tab.get_attribute("html", "lang") == "zh-CN"
    assert tab.inner_text("#head-map") == "地图"
    assert "海运" in tab.inner_text("#modes")
    assert tab.inner_text("#cargo .chart >> nth=0") != chart
    assert "全部品类" in tab.inner_text("#product")
    write_page(plain / "zh.html", page_html(page_of_result(read_results(plain)), "zh"))
    other, _ = opened(plain / "zh.html")
    assert tab.evaluate(TEXTS) == other.evaluate(TEXTS)
    tab.click("#language")
    other.click("#language")
    assert tab.inner_text("#head-map") == "Map"
    assert tab.evaluate(TEXTS) == other.evaluate(TEXTS)


def test_row_and_map_point_at_each_other(plain: Path, opened: object) -> None:
    """A row lights its legs, by mouse and by keyboard; so does a line; clearing ends it."""
    tab, _ = opened(plain / "report.html")
    lit = "() => document.querySelectorAll('.strand.lit').length"
    tab.click('#table-services-2021 tr[data-place="service:RAIL_DE"]')
    assert tab.evaluate(lit) > 0
    assert tab.evaluate("() => document.querySelectorAll('.strand.faded').length") > 0
    assert "chosen" in tab.get_attribute('#table-services-2021 tr[data-place="service:RAIL_DE"]', "class")
    tab.click("#selection button")
    assert tab.evaluate(lit) == 0
    tab.focus('#table-services-2021 tr[data-place="service:SEA_US"] button')
    tab.keyboard.press("Enter")
    assert tab.evaluate(lit) > 0
    tab.evaluate(
        "() => document.querySelector('.hit').dispatchEvent(new MouseEvent('click', {bubbles: true}))"
    )
    assert tab.evaluate(lit) > 0


def test_tip_says_what_the_table_says(plain: Path, opened: object) -> None:
    """The tonnes of a service on the map are those of its row."""
    tab, _ = opened(plain / "report.html")
    tab.click('#segments [data-segment="direct"]')
    tab.click('#segments [data-segment="direct"]')
    row = '#table-services-2021 tr[data-place="service:RAIL_DE"] td:nth-child(4)'
    tonnes = float(tab.get_attribute(row, "data-v"))
    box = tab.evaluate(
        """() => {
        const path = [...document.querySelectorAll('.hit')].find((each) => each.__data__.mode === 'rail');
        path.scrollIntoView({block: 'center'}); const at = path.getPointAtLength(path.getTotalLength() / 2);
        const seen = new DOMPoint(at.x, at.y).matrixTransform(path.getScreenCTM());
        return [seen.x, seen.y]; }"""
    )
    tab.mouse.move(*box)
    said = tab.inner_text(".tip")
    assert f"{tonnes:,.0f} t" in said


def test_events_are_shown_against_the_undisturbed_plan(events: Path, opened: object) -> None:
    """A row of an event shows the difference; before, after and difference are three pictures."""
    tab, _ = opened(events / "report.html")
    tab.click('#table-disruption-2021 tbody tr[data-place="plan:2021-no-trains"]')
    assert tab.get_attribute('#views [data-view="difference"]', "aria-pressed") == "true"
    assert tab.evaluate("() => document.querySelectorAll('.strand.less').length") > 0
    assert tab.evaluate("() => document.querySelectorAll('.strand.more').length") > 0
    drawn = {}
    for view in ("before", "after", "difference"):
        tab.click(f'#views [data-view="{view}"]')
        drawn[view] = tab.evaluate(LINES)
    assert len(set(drawn.values())) == 3
    assert tab.is_disabled("#product")


def test_frontier_point_shows_its_plan(tmp_path: Path, opened: object) -> None:
    """A click on a point of the frontier chooses its plan."""
    tab, _ = opened(reported(tmp_path, study="frontier") / "report.html")
    point = tab.query_selector('.point[data-place^="plan:2021-"]')
    point.click()
    assert int(tab.input_value("#plan")) > 0
    assert "chosen" in point.get_attribute("class")


@pytest.mark.parametrize("study", ["routes", "portfolio"])
def test_routes_and_portfolios_are_drawn(study: str, tmp_path: Path, opened: object) -> None:
    """Every chart of the study is there; a row picks its proposal in all of them and shows it on the map."""
    folder = solved(tmp_path, study=study)
    write_reports(folder, "html", "en")
    tab, _ = opened(folder / "report.html")
    for holder in tab.query_selector_all(".chart"):
        assert holder.query_selector("svg[aria-label]"), holder.get_attribute("data-table")
    if study == "portfolio":
        assert tab.get_attribute('#views [data-view="difference"]', "aria-pressed") == "true"
    else:
        (ship,) = {
            row["plan_id"] for row in read_results(folder).rows("proposals") if row["proposal_id"] == "SHIP"
        }
        chart = "#block-diversions-2021 .chart"
        before = tab.inner_text(chart)
        tab.click(f'#table-proposals-2021 tr[data-place="plan:{ship}"] button')
        assert tab.inner_text(chart) != before
        picked = [
            tab.evaluate(f"() => document.querySelector('#block-{name}-2021 select').selectedOptions[0].text")
            for name in ("diversions", "corridors")
        ]
        assert picked[0] == picked[1] != ""
    assert tab.evaluate("() => document.querySelectorAll('.strand.more, .strand.less').length") > 0
    axe = pytest.importorskip("axe_playwright_python.sync_playwright")
    found = [
        each
        for each in axe.Axe().run(tab).response["violations"]
        if each["impact"] in ("serious", "critical")
    ]
    assert [(each["id"], each["nodes"][0]["html"][:200]) for each in found] == []


def test_comparison_opens_with_the_difference(plain: Path, tmp_path: Path, opened: object) -> None:
    """The page of two results shows where cargo moved."""
    other = solved(tmp_path, more="changes:\n  - close: {passage: suez}\n")
    path = tmp_path / "compare.html"
    results = [read_results(plain), read_results(other)]
    write_page(path, page_html(page_of_results(results), "zh"))
    tab, _ = opened(path)
    assert tab.get_attribute('#views [data-view="difference"]', "aria-pressed") == "true"
    assert tab.evaluate("() => document.querySelectorAll('.strand.more, .strand.less').length") > 0
    assert "suez" in tab.inner_text("#inputs")


def test_hostile_names_are_only_text(tmp_path: Path, opened: object) -> None:
    """Nothing that a name says is done; every one is shown as it stands."""
    names = hostile_names()
    tab, _ = opened(reported(tmp_path, names=names) / "report.html")
    assert tab.title() == names["scenario"]
    assert tab.evaluate("() => document.querySelectorAll('main img, main script, main b').length") == 0
    shown = tab.inner_text("#table-services-2021")
    for service in ("SEA_US", "POST_US", "RAIL_DE"):
        assert names[service] in shown
    assert tab.evaluate("() => document.documentElement.scrollWidth <= innerWidth + 1")
    labels = tab.evaluate("() => [...document.querySelectorAll('.name-label')].map((e) => e.textContent)")
    assert labels
    assert max(map(len, labels)) <= 18


def test_print_gives_vectors_and_chinese_text(plain: Path, tmp_path: Path, opened: object) -> None:
    """A4 landscape; the map and the charts are vectors; Chinese can be copied out."""
    tab, _ = opened(plain / "report.html")
    tab.click("#language")
    pdf = tmp_path / "report.pdf"
    pdf.write_bytes(tab.pdf(prefer_css_page_size=True))
    words = subprocess.run(
        ["pdftotext", "-layout", pdf, "-"], capture_output=True, text=True, check=True
    ).stdout
    for expected in ("落地成本", "地图", "可信程度", "海运"):
        assert expected in words
    about = subprocess.run(["pdfinfo", pdf], capture_output=True, text=True, check=True).stdout
    width, height = map(float, re.search(r"Page size: +([\d.]+) x ([\d.]+)", about).groups())
    assert (round(width), round(height)) == (842, 595) or (round(width), round(height)) == (841, 595)
    images = subprocess.run(["pdfimages", "-list", pdf], capture_output=True, text=True, check=True).stdout
    assert len(images.splitlines()) <= 2


def test_no_serious_accessibility_finding(plain: Path, events: Path, opened: object) -> None:
    """axe-core finds nothing serious, in either language."""
    axe = pytest.importorskip("axe_playwright_python.sync_playwright")
    for folder in (plain, events):
        tab, _ = opened(folder / "report.html")
        for _ in ("en", "zh"):
            found = axe.Axe().run(tab).response["violations"]
            serious = [each for each in found if each["impact"] in ("serious", "critical")]
            assert [(each["id"], each["nodes"][0]["html"][:200]) for each in serious] == []
            tab.click("#language")


def test_a_busy_network_is_drawn_soon(tmp_path: Path, opened: object) -> None:
    """2,000 services, 20,000 flow rows: at most 3 MB, painted within 2 seconds; what is left out is said."""
    html = busy_results(tmp_path, services=2000, flows=20_000)
    assert html.stat().st_size <= 3_000_000
    tab, _ = opened(html)
    assert tab.evaluate(PAINT) <= 2000
    assert tab.evaluate(ARCS) > 100
    assert "left out" in tab.inner_text("#map")


def test_the_page_of_zhejiang_is_small_and_drawn_at_once(tmp_path: Path, opened: object) -> None:
    """The base year of the province, and three years with a portfolio: at most 1 MB, painted at once."""
    case = logistics.read_case(ROOT / "scenarios" / "baseline-2021.yaml")
    folder = tmp_path / "baseline"
    logistics.write_results(folder, case, logistics.run_study(case))
    write_reports(folder, "html", "zh")
    assert (folder / "report.html").stat().st_size <= 1_000_000
    tab, _ = opened(folder / "report.html")
    assert tab.evaluate(ARCS) > 250
    assert tab.evaluate(PAINT) <= 2000
    for area in ("zhejiang", "europe", "north_america", "south_east_asia"):
        tab.click(f'#areas [data-area="{area}"]')
        assert tab.evaluate("() => document.querySelectorAll('.name-label').length") > 10
    path = tmp_path / "three_years.html"
    write_page(path, page_html(page_of_result(portfolio_of_years(read_results(folder))), "zh"))
    assert path.stat().st_size <= 1_000_000
    tab, _ = opened(path)
    assert tab.evaluate(ARCS) > 100
    tab.click('button.year[data-year="2021"]')
    assert set(tab.evaluate(YEARS_SEEN)) == {"2021"}
    assert tab.inner_text("#plan option:checked").startswith("2021")
