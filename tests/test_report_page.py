"""The page as a file: every number is that of a table, names are text, nothing is fetched."""

import base64
import copy
import hashlib
import json
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from html.parser import HTMLParser
from pathlib import Path

import pandas as pd
import pyarrow.parquet as pq
import pytest

from logistics.reports.blocks import say
from logistics.reports.forms import FORMS
from logistics.reports.outputs import write_reports
from logistics.reports.page import ASSETS, Basemap, page_html
from logistics.reports.page_words import PAGE_WORDS
from logistics.reports.result_page import page_of_result
from logistics.reports.sections.costs import RECEIVERS
from logistics.reports.sections.register import SECTIONS
from logistics.reports.source import read_results
from tests.report_results import HOSTILE, ROOT, STUDIES, hostile_names, reported

WEEKS = 365 / 7


@dataclass
class Figure:
    """A number in the page."""

    origin: str
    value: float | None
    form: str
    words: dict[str, str] = field(default_factory=dict)


class PageParser(HTMLParser):
    """Numbers, texts and attributes of a page."""

    def __init__(self) -> None:
        super().__init__()
        self.figures: list[Figure] = []
        self.texts: list[str] = []
        self.addresses: list[str] = []
        self.policy = ""
        self.tags: list[str] = []
        self.scripts: dict[str, str] = {}
        self.heads: list[str] = []
        self.origins: list[str] = []
        self.column = 0
        self.origin = ""
        self._open: list[tuple[str, dict[str, str]]] = []
        self._figure: tuple[Figure, int] | None = None
        self._numbered: list[tuple[Figure | None, int]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        self.tags.append(tag)
        self.addresses += [given[name] for name in ("src", "href", "action", "data") if name in given]
        if tag == "html":
            self.lang = given["data-lang"]
        if given.get("http-equiv") == "Content-Security-Policy":
            self.policy = given["content"]
        # A cell ends where the next begins, a row likewise.
        while tag in ("td", "tr") and self._open[-1][0] in {"td": ("td",), "tr": ("td", "tr")}[tag]:
            self._close()
        if tag == "thead":
            self.heads, self.origins = [], []
        if tag == "tr":
            self.column = -1
        if tag in ("td", "th"):
            self.column += 1
        if tag == "th":
            self.heads.append(given.get("data-form", ""))
            self.origins.append(given.get("data-at", ""))
        if tag not in ("meta", "link", "br", "img", "input"):
            self._open.append((tag, given))
        if tag == "tr":
            self.origin = given.get("data-of", "")
        numeric = "data-v" in given or given.get("class") == "n"
        if tag != "th" and ("data-at" in given or (tag == "td" and numeric)):
            at = given["data-at"] if "data-at" in given else self.origins[self.column]
            value = float(given["data-v"]) if "data-v" in given else None
            form = given.get("data-form") or self.heads[self.column]
            self._figure = (Figure(self._whole(tag, at), value, form), len(self._open))
            self.figures.append(self._figure[0])

    def _whole(self, tag: str, at: str) -> str:
        """Origin of a number from that of its row."""
        if tag != "td" or not self.origin or not at:
            return at
        if at[0] in "+-":
            rows, _, name = at.partition("/")
            table, _, row = self.origin.rpartition("/")
            return f"{table}/{int(row) + int(rows)}/{name}"
        return at if set("/=") & set(at) else f"{self.origin}/{at}"

    def _close(self) -> None:
        self._open.pop()
        if self._figure and len(self._open) < self._figure[1]:
            self._figure = None

    def handle_endtag(self, tag: str) -> None:
        while self._open and self._open[-1][0] != tag:
            self._close()
        if self._open:
            self._close()

    def handle_data(self, data: str) -> None:
        tag, given = self._open[-1] if self._open else ("", {})
        if tag in ("script", "style"):
            self.scripts[f"{tag} {given.get('id', given.get('type', ''))}".strip()] = data
            return
        self.texts.append(data)
        if "data-w" in given:
            self._numbered.append((self._figure and self._figure[0], int(given["data-w"])))
        if self._figure and data.strip():
            self._figure[0].words = dict.fromkeys(("en", "zh"), data.strip())

    def close(self) -> None:
        """What stands in the other language is known at the end."""
        super().close()
        self.data = json.loads(self.scripts["script report-data"])
        other = "zh" if self.lang == "en" else "en"
        for figure, number in self._numbered:
            self.texts.append(self.data["other"][number])
            if figure:
                figure.words[other] = self.data["other"][number]


def parsed(path: Path) -> PageParser:
    """The page, read."""
    parser = PageParser()
    parser.feed(path.read_text(encoding="utf-8"))
    parser.close()
    return parser


@pytest.fixture(scope="module", params=list(STUDIES))
def folder(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Reports of the tiny network, for each kind of study."""
    return reported(tmp_path_factory.mktemp(request.param), study=request.param)


@pytest.fixture(scope="module")
def page(folder: Path) -> PageParser:
    """The page of that folder."""
    return parsed(folder / "report.html")


def test_every_number_is_shown_as_its_form_says(page: PageParser) -> None:
    """What is read is the value that is behind it, rounded, in each language's own unit."""
    assert len(page.figures) > 150
    for figure in page.figures:
        for lang in ("en", "zh"):
            form = FORMS[figure.form][lang]
            plain, signed = form.shown(figure.value), form.shown(figure.value, signed=True)
            assert figure.words[lang] in (plain, signed), figure


def test_every_direct_number_is_that_of_its_table(page: PageParser, folder: Path) -> None:
    """`table/row/column` and `result/key/…` lead to the very value."""
    document = json.loads((folder / "result.json").read_text(encoding="utf-8"))
    tables: dict[str, list[dict[str, object]]] = {}
    direct = [figure for figure in page.figures if figure.origin and not figure.origin.startswith("=")]
    assert len(direct) > 100
    for figure in direct:
        name, *keys = figure.origin.split("/")
        if name == "result":
            value = document
            for key in keys:
                value = value[key]
        else:
            rows = tables.setdefault(name, pq.read_table(folder / f"{name}.parquet").to_pylist())
            value = rows[int(keys[0])][keys[1]]
        if figure.value is None:
            assert value is None or name == "disruption"
        else:
            assert figure.value == pytest.approx(value, rel=1e-11, abs=1e-12), figure


class Reckoner:
    """Works the derived numbers out again, from the Parquet files and with pandas."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        inputs = next((folder / "inputs").iterdir())
        self.scenario = json.loads((inputs / "scenario.json").read_text(encoding="utf-8"))
        self.document = json.loads((folder / "result.json").read_text(encoding="utf-8"))
        self.input = {path.stem: pd.read_parquet(path) for path in (inputs / "2021").iterdir()}
        self.table = {path.stem: pd.read_parquet(path) for path in folder.glob("*.parquet")}
        flows, steps = (pd.read_parquet(folder / "plan" / f"{name}.parquet") for name in ("flows", "steps"))
        self.steps = steps
        self.unserved = pd.read_parquet(folder / "plan" / "unserved.parquet")
        demand = self.input["demand"]
        self.paths = self._paths(flows.merge(demand, on="demand_id"), steps)

    def _paths(self, flows: pd.DataFrame, steps: pd.DataFrame) -> pd.DataFrame:
        """Flows with their main service, gateway and direction."""
        sites = self.input["sites"].set_index("site_id")
        rides = steps[steps["action"] == "ride"].copy()
        abroad = sites["customs_territory"]
        rides["crosses"] = rides["site_id"].map(abroad) != rides["to_site_id"].map(abroad)
        main = rides[rides["crosses"]].groupby("path_id")["service_id"].first()
        boards = rides[rides["crosses"]].groupby("path_id")["site_id"].first()
        cleared = steps[steps["action"] == "clear_import"].groupby("path_id")["site_id"].first()
        flows["main"] = flows["path_id"].map(main)
        flows["mode"] = flows["main"].map(self.input["services"].set_index("service_id")["mode"])
        leaves = flows["origin_site"].map(abroad)
        flows["direction"] = leaves.map(lambda each: "export" if each == "CN" else "import")
        flows["gateway"] = (
            flows["path_id"].map(boards).where(flows["direction"] == "export", flows["path_id"].map(cleared))
        )
        flows["local"] = flows["gateway"].map(sites["province"]) == "Zhejiang"
        prefecture = flows["origin_site"].map(sites["prefecture"])
        flows["prefecture"] = prefecture.where(prefecture != "", flows["origin_site"])
        flows["home"] = flows["origin_site"].map(sites["province"]) == "Zhejiang"
        return flows

    def exports(self) -> pd.DataFrame:
        """Exports from the home province."""
        return self.paths[(self.paths["direction"] == "export") & self.paths["home"]]

    def valued(self) -> pd.DataFrame:
        """Demand rows with value and direction."""
        times = self.table["times"].copy()
        fob = self.input["products"].set_index("product_id")["fob_cny_per_kg"]
        territory = self.input["sites"].set_index("site_id")["customs_territory"]
        times["value"] = (times["tonnes"] + times["unserved_t"]) * 1000 * times["product_id"].map(fob)
        home = times["origin_site"].map(territory) == "CN"
        times["direction"] = home.map({True: "export", False: "import"})
        return times

    @staticmethod
    def within(rows: pd.DataFrame, days: float) -> float:
        """Share of value in time."""
        in_time = rows[rows["p50_h"] <= 24 * days]
        served = in_time["value"] * in_time["tonnes"] / (in_time["tonnes"] + in_time["unserved_t"])
        return served.sum() / rows["value"].sum()

    # One method a family of origins; each takes what stands behind its name.

    def shipments(self, year: str, what: str) -> float:
        weight = self.input["product_segments"].set_index(["product_id", "segment"])["order_kg"]
        if what == "parcels":
            rows = self.paths[self.paths["segment"].isin(["direct", "stocked"])]
            return sum(
                1000 * t / weight[(p, s)]
                for p, s, t in rows[["product_id", "segment", "tonnes"]].itertuples(index=False)
            )
        if what == "teu":
            density = self.input["products"].set_index("product_id")["density_kg_per_m3"]
            modes = self.input["modes"].set_index("mode")
            return sum(
                t / min(modes["teu_payload_t"][m], modes["teu_m3"][m] * density[p] / 1000)
                for p, m, t in self.paths[["product_id", "mode", "tonnes"]].itertuples(index=False)
                if m in ("sea", "rail")
            )
        air = self.table["services"].query("mode == 'air'").merge(self.input["services"], on="service_id")
        air["departures"] = pd.concat(
            [air["tonnes"] / air["payload_t"], air["m3"] / air["payload_m3"]], axis=1
        ).max(axis=1)
        return air.groupby("service_id")["departures"].max().sum() / WEEKS

    def modes(self, year: str, direction: str, mode: str, service_class: str, what: str) -> float:
        whole = self.table["modes"].query("direction == @direction")
        rows = whole.query("mode == @mode and service_class == @service_class")
        return rows["tonnes"].sum() / (whole["tonnes"].sum() if what == "share" else 1.0)

    def gateways_share(self, row: str) -> float:
        mine = self.table["gateways"].iloc[int(row)]
        return mine["tonnes"] / self.table["gateways"].query("direction == @mine.direction")["tonnes"].sum()

    def bill_share(self, year: str, item: str) -> float:
        bill = self.table["bill"].set_index("item")["cny"]
        return bill[item] / self.document["totals"]["money_cny"]

    def accounts(self, year: str, who: str) -> float:
        return (
            self.table["bill"].query("item in @RECEIVERS[@who]")["cny"].sum()
            if who in RECEIVERS
            else float("nan")
        )

    def value_within(self, year: str, days: str, group: str) -> float:
        direction, _, segment = group.partition("_")
        rows = self.valued()
        rows = rows[rows["direction"] == direction]
        return self.within(rows if not segment else rows[rows["segment"] == segment], float(days))

    def markets(self, year: str, site: str, what: str) -> float:
        rows = self.valued().query("direction == 'export' and destination_site == @site")
        if what.startswith("within_"):
            return self.within(rows, float(what.removeprefix("within_")))
        if what == "value_cny":
            return rows["value"].sum()
        return (
            rows["tonnes"].sum()
            if what == "tonnes"
            else (rows["mean_h"] * rows["tonnes"]).sum() / rows["tonnes"].sum()
        )

    def prefectures(self, year: str, name: str, what: str) -> float:
        rows = self.exports().query("prefecture == @name")
        whole = rows["tonnes"].sum()
        if what == "tonnes":
            return whole
        return rows[rows["local"] if what == "local" else rows["mode"] == what]["tonnes"].sum() / whole

    def airports(self, year: str, airport: str, what: str) -> float:
        flown = self.paths[(self.paths["mode"] == "air") & (self.paths["gateway"] == airport)]
        if what == "share":
            air = self.exports().query("mode == 'air'")
            return air.query("gateway == @airport")["tonnes"].sum() / air["tonnes"].sum()
        return flown[flown["direction"] == what]["tonnes"].sum()

    def _catchment(self, rows: pd.DataFrame, place: str, gateway: str) -> float:
        mine = rows[rows["prefecture"] == place]
        whole = mine["tonnes"].sum()
        return whole if gateway == "all" else mine[mine["gateway"] == gateway]["tonnes"].sum() / whole

    def catchment_gateways(self, year: str, place: str, gateway: str) -> float:
        return self._catchment(self.exports(), place, gateway)

    def catchment_airports(self, year: str, place: str, gateway: str) -> float:
        return self._catchment(self.exports().query("mode == 'air'"), place, gateway)

    def _used(self, table: str) -> pd.Series:
        """Tonnes by row of a table of the network that the plan needs."""
        tonnes = self.paths.groupby("path_id")["tonnes"].sum()
        steps = self.steps.assign(tonnes=self.steps["path_id"].map(tonnes))
        if table in ("demand", "products"):
            return self.paths.groupby("demand_id" if table == "demand" else "product_id")["tonnes"].sum()
        if table == "warehouse_options":
            return steps[steps["option_id"] != ""].groupby("option_id")["tonnes"].sum()
        rides = steps[steps["action"] == "ride"]
        if table == "services":
            return rides.groupby("service_id")["tonnes"].sum()
        both = pd.concat([rides.groupby(end)["tonnes"].sum() for end in ("site_id", "to_site_id")])
        return both.groupby(level=0).sum()

    def confidence(self, year: str, table: str, what: str) -> float:
        used = self._used(table)
        if what == "count":
            return len(used)
        key = self.input[table].columns[0]
        levels = used.index.map(self.input[table].set_index(key)["confidence"])
        return used[levels == what].sum() / used.sum()

    def unserved_(self, year: str, name: str) -> float:
        return self.unserved.query("demand_id == @name")["tonnes"].sum()

    def proposals_by_status(self, year: str, status: str) -> float:
        return len(self.table["proposals"].query("status == @status"))

    def siting_change(self, key: str) -> float:
        plans = self.table["siting_plans"].set_index("kind")[key]
        return plans["best"] - plans["base"]

    def accessibility_change(self, year: str, group: str, days: str) -> float:
        """Before: the same as from times.parquet."""
        direction, _, segment = group.partition("_")
        mine = self.table["accessibility"].query(
            "direction == @direction and segment == @segment and days == @days and year == @year",
            local_dict={"direction": direction, "segment": segment, "days": int(days), "year": int(year)},
        )
        shares = mine.set_index("when")["value_share"]
        assert shares["before"] == pytest.approx(self.value_within(year, days, group), abs=1e-12)
        return shares["after"] - shares["before"]

    def overlap_change(self) -> float:
        last = self.table["portfolio_years"].iloc[-1]
        return last["overlap_after"] - last["overlap_before"]

    def portfolio_by_airport(self, year: str, site: str, what: str) -> float:
        rows = self.table["portfolio"].query(f"from_site == @site and year == {year}")
        return len(rows) if what == "count" else rows["departures_per_week"].sum()

    def plan_change(self, plan: str, key: str) -> float:
        after = self.document["plans"][plan]
        return after["totals"][key] - self.document["by_year"][str(after["year"])]["totals"][key]

    def _with_portfolio(self) -> "Reckoner":
        """The same for the plan with what was chosen."""
        other = copy.copy(self)
        (place,) = (self.folder / "plans").iterdir()
        flows, other.steps = (pd.read_parquet(place / f"{name}.parquet") for name in ("flows", "steps"))
        other.paths = self._paths(flows.merge(self.input["demand"], on="demand_id"), other.steps)
        return other

    def _gain(self, when: str, figure: Callable[["Reckoner"], float]) -> float:
        before, after = figure(self), figure(self._with_portfolio())
        return {"before": before, "after": after, "difference": after - before}[when]

    def gains(self, year: str, site: str, when: str) -> float:
        return self._gain(when, lambda each: each.paths[each.paths["gateway"] == site]["tonnes"].sum())

    def gains_through(self, year: str, name: str, site: str, when: str) -> float:
        def through(each: Reckoner) -> float:
            mine = each.exports()
            return mine[(mine["prefecture"] == name) & (mine["gateway"] == site)]["tonnes"].sum()

        return self._gain(when, through)

    def gains_of(self, year: str, name: str, what: str) -> float:
        measure, _, when = what.partition("_")

        def flown(each: Reckoner) -> float:
            mine = each.exports()
            return mine[(mine["prefecture"] == name) & (mine["mode"] == "air")]["tonnes"].sum()

        if measure == "air":
            return self._gain(when, flown)
        return self._gain(when, lambda each: each.prefectures(year, name, "local"))

    def plans(self) -> float:
        return 1 + len(self.document["plans"])

    def scenario_(self, key: str) -> float:
        known = {**self.scenario["solver"], **self.scenario["network_info"]}
        return known[key]


def test_every_derived_number_can_be_worked_out_again(page: PageParser, folder: Path) -> None:
    """`=family/…`: the same from the Parquet files alone, with other code."""
    reckoner = Reckoner(folder)
    derived = [
        figure for figure in page.figures if figure.origin.startswith("=") and figure.origin != "=days"
    ]
    families = set()
    for figure in derived:
        family, *keys = figure.origin[1:].split("/")
        families.add(family)
        work = getattr(reckoner, f"{family}_" if family in ("scenario", "unserved") else family)
        expected = work(*keys)
        assert figure.value == pytest.approx(expected, rel=1e-9, abs=1e-9), figure
    assert {
        "shipments",
        "modes",
        "value_within",
        "prefectures",
        "confidence",
        "accounts",
        "markets",
    } <= families


def test_no_number_is_without_an_origin(page: PageParser) -> None:
    """A cell with a number says where it is from; those without are blanks of the bill."""
    nameless = [figure for figure in page.figures if not figure.origin]
    assert all(figure.value is None for figure in nameless)


def test_policy_forbids_everything_but_the_page_itself(page: PageParser) -> None:
    """Scripts and styles are allowed by the hashes of what stands there; nothing may be fetched."""
    rules = dict(rule.strip().split(" ", 1) for rule in page.policy.split(";"))
    assert rules["default-src"] == "'none'"
    assert "unsafe" not in page.policy
    for rule, name in (("script-src", "script"), ("style-src", "style")):
        digest = hashlib.sha256(page.scripts[name].encode()).digest()
        assert rules[rule] == f"'sha256-{base64.b64encode(digest).decode()}'"
    assert all(address.startswith("#") for address in page.addresses)
    assert not {"img", "link", "iframe", "object", "embed", "form", "base"} & set(page.tags)
    assert page.tags.count("script") == 2


def test_same_folder_gives_the_same_files(folder: Path, tmp_path: Path) -> None:
    """Page, workbook, layers and figures hold nothing that changes by itself."""
    files = [
        "report.html",
        "tables.xlsx",
        "network.gpkg",
        *(f"figures/{p.name}" for p in (folder / "figures").iterdir()),
    ]
    before = {name: hashlib.sha256((folder / name).read_bytes()).hexdigest() for name in files}
    write_reports(folder, "all", "en")
    after = {name: hashlib.sha256((folder / name).read_bytes()).hexdigest() for name in files}
    assert [name for name in files if before[name] != after[name]] == []


def test_reports_leave_the_result_verified(folder: Path) -> None:
    """The check of a folder does not mind them."""
    from logistics.results.judge import judge_folder

    assert judge_folder(folder).verified


def test_tables_have_heads_and_captions(page: PageParser) -> None:
    """Real tables stand beside the charts."""
    assert page.tags.count("table") == page.tags.count("caption") == page.tags.count("thead")
    assert page.tags.count("h1") == 1
    assert "main" in page.tags
    assert "nav" in page.tags


def test_hostile_names_are_text(tmp_path: Path) -> None:
    """Markup of names is escaped in the page and in its data."""
    names = hostile_names()
    read = parsed(reported(tmp_path, names=names) / "report.html")
    assert read.tags.count("script") == 2
    assert "img" not in read.tags
    shown = "".join(read.texts)
    for i, name in enumerate(HOSTILE):
        assert any(f"{name} {key}" in shown for j, key in enumerate(names) if j % len(HOSTILE) == i), name
    assert set(read.data["map"]["sites"]["en"]) <= set(names.values())
    assert "<" not in read.scripts["script report-data"]


def test_every_section_has_words_and_every_page_word_is_known() -> None:
    """Anchors differ and have heads in both languages."""
    assert len({section.name for section in SECTIONS}) == len(SECTIONS)
    for section in SECTIONS:
        assert say(f"report.section.{section.name}").zh != ""
    script = "".join(path.read_text(encoding="utf-8") for path in (ASSETS / "page").glob("*.js"))
    for key in re.findall(r'say\("([\w.]+)"', script):
        assert key in PAGE_WORDS
    for family in set(re.findall(r"say\(`([\w.]+)\.\$\{", script)):
        assert any(key.startswith(f"{family}.") for key in PAGE_WORDS)


def test_forms_round_and_sign() -> None:
    """Units differ by language; what rounds to nothing has no sign."""
    assert FORMS["money"]["en"].shown(76_926_145_152) == "76.93"
    assert FORMS["money"]["zh"].shown(76_926_145_152) == "769.3"
    assert FORMS["mass"]["zh"].shown(-4, signed=True) == "0.00"
    assert FORMS["mass"]["en"].shown(1500, signed=True) == "+1.5"
    assert FORMS["year"]["zh"].shown(2023) == "2023"
    assert FORMS["gap"]["en"].shown(6.357e-7) == "6.36e-07"
    assert FORMS["days"]["en"].shown(None) == "–"
    assert FORMS["days"]["en"].shown(float("nan")) == "–"


def test_base_map_needs_its_number_and_shows_it(folder: Path, tmp_path: Path) -> None:
    """The slot for an approved map: its shapes instead of the coasts, its number below."""
    square = {"type": "Polygon", "coordinates": [[[100, 20], [100, 40], [130, 40], [130, 20], [100, 20]]]}
    results = read_results(folder)
    html = page_html(page_of_result(results), "zh", Basemap(square, "GS(2023)2767"))
    path = tmp_path / "page.html"
    path.write_text(html, encoding="utf-8")
    read = parsed(path)
    assert "审图号：GS(2023)2767" in "".join(read.texts)
    assert read.data["land"] is None


def test_vendored_files_are_the_pinned_ones() -> None:
    """What the page brings along is what its manifest says, and its licences are there."""
    manifest = json.loads((ASSETS / "vendor" / "vendor.json").read_text(encoding="utf-8"))
    versions = {"d3": "7.9.2", "topojson-client": "3.1.0", "world-atlas": "2.0.2"}
    assert {each["name"]: each["version"] for each in manifest["packages"]} == versions
    for name, digest in manifest["sha256"].items():
        assert hashlib.sha256((ASSETS / "vendor" / name).read_bytes()).hexdigest() == digest
    assert {path.name for path in (ASSETS / "vendor").iterdir()} == {*manifest["sha256"], "vendor.json"}
    words = (ASSETS / "vendor" / "LICENCES.md").read_text(encoding="utf-8")
    pinned = json.loads((ROOT / "scripts" / "vendoring" / "package-lock.json").read_text(encoding="utf-8"))
    assert pinned["packages"][""]["dependencies"] == versions
    for name, version in {**versions, "d3-geo": "3.1.2", "d3-zoom": "3.0.1"}.items():
        assert pinned["packages"][f"node_modules/{name}"]["version"] == version
        assert f"{name} {version}" in words or name == "d3"
    assert all("integrity" in each for name, each in pinned["packages"].items() if name)


def test_page_brings_along_just_what_its_scripts_call() -> None:
    """Of D3: the functions named in the scripts, no more and no less; so it stays small."""
    scripts = "".join(path.read_text(encoding="utf-8") for path in (ASSETS / "page").glob("*.js"))
    entry = (ROOT / "scripts" / "vendoring" / "libraries.js").read_text(encoding="utf-8")
    offered = re.search(r"globalThis\.d3 = \{(.*?)\};", entry, re.DOTALL)
    assert offered
    assert set(re.findall(r"\w+", offered[1])) == set(re.findall(r"\bd3\.(\w+)", scripts))
    assert (ASSETS / "vendor" / "libraries.min.js").stat().st_size < 130_000
