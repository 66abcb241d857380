"""Results folders for the tests of reports: the tiny network solved, also with names that would be more."""

import csv
import shutil
from collections.abc import Mapping
from pathlib import Path

import logistics
from logistics.reports.outputs import write_reports
from logistics.studies.register import ready_study, run_ready
from tests.tiny import THREE_GATEWAYS

ROOT = Path(__file__).resolve().parents[1]
HOSTILE = (
    "<script>document.title='owned'</script>",
    '"><img src=x onerror="document.title=1">',
    "=cmd|' /C calc'!A0",
    "@SUM(1+1)*cmd",
    "مرحبا \u202eevil\u202c שלום",
    "名" * 200,
    "a & b < c > d 'e' \"f\" </script> ]]> {{ 7*7 }} ${1} $x^2$",
    "https://example.invalid/?q=<b>",
)
"""Names that must be shown as text, each given to several things."""
FLIGHT = (
    "{proposal_id: FLY, mode: air, stops: [AIR, FRA], frequencies: [3.5, 7], payload_t: 20, payload_m3: 100, "
    "load_factor_max: 1, run_h: [12], distance_km: [9000], tariff_basis: chargeable_kg, tariff: 9, "
    "cost_cny_per_departure: 4000, tariff_low: 8, tariff_high: 9.5}"
)
SHIP = (
    "{proposal_id: SHIP, mode: sea, stops: [SEA, HAM], frequencies: [3.5], payload_t: 500, payload_m3: 1000, "
    "load_factor_max: 1, run_h: [500], distance_km: [20000], tariff_basis: teu, tariff: 15000, "
    "segments: [stocked, b2b], cost_cny_per_departure: 100}"
)
LATE = FLIGHT.replace("_id: FLY", "_id: LATE").replace("tariff: 9", "opening_year: 2022, tariff: 9", 1)
CANDIDATES = """\
WH_DE_lease,WH_DE,lease,m,option,800,40,10,3,5,2,5000,20000,10,,,,,,,invented for the tests,high,
WH_DE_build,WH_DE,build,l,option,2000,30,10,2,5,1.5,200000,3000000,20,,,,,,,invented for the tests,estimate,
"""
"""Warehouses that a study of sites may open."""
STUDIES = {
    "assignment": "",
    "disruption": (
        "study: {kind: disruption, events: [{id: no-trains, name: {en: No trains, zh: 班列停运}, changes: "
        "[{close: {service: RAIL_DE}}]}, {each: passage}]}\n"
    ),
    "frontier": "study: {kind: frontier, objectives: [money, hours], points: 4}\n",
    "routes": f"study: {{kind: routes, proposals: [{{list: [{FLIGHT}, {SHIP}, {LATE}]}}]}}\n",
    "portfolio": (
        f"study: {{kind: portfolio, proposals: [{{list: [{FLIGHT}, {SHIP}]}}], alternatives: 1, "
        "frontier: [0.5], budgets: [{counts: running, cny: {2021: 1600000}}], options: [{id: WIN, "
        "name: {zh: 延时, en: Longer hours}, clearance_window: {sites: [AIR], open: always}, "
        "cost_cny_per_year: 1000}]}\n"
    ),
    "siting": (
        "study: {kind: siting, one_per_site: false, sweep: [1], alternatives: 1, frontier: [2], "
        "futures: {demand: [0.8, 1.2]}}\n"
    ),
}


def solved(
    place: Path,
    study: str = "assignment",
    names: Mapping[str, str] | None = None,
    more: str = "",
    years: str = "2021",
) -> Path:
    """Solve the tiny network in `place` and return its results folder.

    Parameters
    ----------
    study
        One of :data:`STUDIES`.
    names
        New names of things, by id; both languages.
    more
        Further lines of the scenario.
    years
        Years of the scenario, with commas.
    """
    network = place / "networks" / "three_gateways"
    shutil.copytree(THREE_GATEWAYS, network)
    for table in ("sites", "services", "products", "passages"):
        _rename(network / f"{table}.csv", names or {})
    if study == "siting":
        with (network / "warehouse_options.csv").open("a", encoding="utf-8", newline="") as file:
            file.write(CANDIDATES)
    title = (names or {}).get("scenario", "Tiny").replace("'", "''")
    scenario = place / "scenarios" / "tiny.yaml"
    scenario.parent.mkdir()
    scenario.write_text(
        f"schema: 1\nname: {{en: '{title}', zh: '{title}'}}\nnetwork: three_gateways\nyears: [{years}]\n"
        f"objective: generalised\n{STUDIES[study]}{more}",
        encoding="utf-8",
    )
    ready = ready_study(logistics.read_case(scenario))
    folder = place / "results" / "tiny"
    logistics.write_results(folder, ready.case, run_ready(ready))
    return folder


def hostile_names() -> dict[str, str]:
    """A hostile name for every site, service, product and passage, and for the scenario."""
    ids = ["scenario"]
    for table in ("sites", "services", "products", "passages"):
        with (THREE_GATEWAYS / f"{table}.csv").open(encoding="utf-8", newline="") as file:
            ids += [next(iter(row.values())) for row in csv.DictReader(file)]
    return {name: f"{HOSTILE[i % len(HOSTILE)]} {name}" for i, name in enumerate(ids)}


def reported(place: Path, **how: object) -> Path:
    """Solve the tiny network and write all its reports; return the results folder."""
    folder = solved(place, **how)  # type: ignore[arg-type]
    write_reports(folder, "all", "en")
    return folder


def _rename(path: Path, names: Mapping[str, str]) -> None:
    with path.open(encoding="utf-8", newline="") as file:
        reader = csv.DictReader(file)
        heads, rows = list(reader.fieldnames or []), list(reader)
    for row in rows:
        name = names.get(row[heads[0]])
        if name is not None:
            row["name_en"] = row["name_zh"] = name
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, heads, lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)
