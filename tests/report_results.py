"""Results folders for the tests of reports: the tiny network solved, also with names that would be more."""

import csv
import shutil
from collections.abc import Mapping
from pathlib import Path

import logistics
from logistics.reports.outputs import write_reports
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
STUDIES = {
    "assignment": "",
    "disruption": (
        "study: {kind: disruption, events: [{id: no-trains, name: {en: No trains, zh: 班列停运}, changes: "
        "[{close: {service: RAIL_DE}}]}, {each: passage}]}\n"
    ),
    "frontier": "study: {kind: frontier, objectives: [money, hours], points: 4}\n",
}


def solved(
    place: Path, study: str = "assignment", names: Mapping[str, str] | None = None, more: str = ""
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
    """
    network = place / "networks" / "three_gateways"
    shutil.copytree(THREE_GATEWAYS, network)
    for table in ("sites", "services", "products", "passages"):
        _rename(network / f"{table}.csv", names or {})
    title = (names or {}).get("scenario", "Tiny").replace("'", "''")
    scenario = place / "scenarios" / "tiny.yaml"
    scenario.parent.mkdir()
    scenario.write_text(
        f"schema: 1\nname: {{en: '{title}', zh: '{title}'}}\nnetwork: three_gateways\nyears: [2021]\n"
        f"objective: generalised\n{STUDIES[study]}{more}",
        encoding="utf-8",
    )
    case = logistics.read_case(scenario)
    folder = place / "results" / "tiny"
    logistics.write_results(folder, case, logistics.run_study(case))
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
