"""A results folder much larger than Zhejiang's, made up: the page must still open."""

from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from logistics.network.network import Network
from logistics.network.tables import BY_NAME, TABLES
from logistics.plan import FLOWS, STEPS, UNSERVED, Plan
from logistics.plan_facts import facts_of
from logistics.reports.page import page_html
from logistics.reports.result_page import page_of_result
from logistics.reports.source import Results, read_results
from tests.report_results import solved
from tests.tiny import table_of, three_gateways

YEAR = 2021


def busy_results(place: Path, *, services: int, flows: int) -> Path:
    """Write the page of a made-up result and return its path."""
    small = read_results(solved(place))
    network = _network(services)
    plan = _plan(network, services, flows)
    facts = facts_of(plan, network, YEAR)
    sums = {
        "modes": ["year", "direction", "segment", "mode", "service_class"],
        "gateways": ["year", "direction", "home_gateway", "mode", "local"],
    }
    tables = {name: _summed(facts, keys) for name, keys in sums.items()}
    results = Results(
        small.folder,
        small.document,
        small.scenario,
        {YEAR: network},
        {**small.tables, **tables, "services": _loads(plan, network)},
        {"": plan},
    )
    path = place / "busy.html"
    path.write_text(page_html(page_of_result(results), "en"), encoding="utf-8")
    return path


def _summed(facts: pa.Table, keys: list[str]) -> pa.Table:
    return facts.group_by(keys).aggregate([("tonnes", "sum")]).rename_columns([*keys, "tonnes"])


def _network(services: int) -> Network:
    """Clusters and markets joined by many services between many ports."""
    tiny, draw = three_gateways(), np.random.default_rng(1)
    rows = {schema.name: tiny.rows(schema.name) for schema in TABLES}
    port = next(row for row in rows["sites"] if row["kind"] == "seaport")
    origin = next(row for row in rows["sites"] if row["kind"] == "cluster")
    market = next(row for row in rows["sites"] if row["kind"] == "market")
    sites = []
    for i in range(600):
        kind = (origin, port, market)[i % 3]
        abroad = i % 3 == 2 or i % 2 == 1
        lon, lat = draw.uniform(-110, 140), draw.uniform(-35, 55)
        home = {"lon": 118 + 3 * draw.random(), "lat": 27 + 4 * draw.random(), "customs_territory": "CN"}
        far = {"lon": lon, "lat": lat, "customs_territory": "DE", "province": ""}
        sites.append(
            {
                **kind,
                "site_id": f"S{i}",
                "name_en": f"Site {i}",
                "name_zh": f"节点 {i}",
                **(far if abroad else home),
            }
        )
    ports = [row["site_id"] for row in sites if row["kind"] == "seaport"]
    model = rows["services"][0]
    lines, stops = [], []
    for i in range(services):
        lines.append(
            {
                **model,
                "service_id": f"L{i}",
                "name_en": f"Line {i}",
                "name_zh": f"线路 {i}",
                "mode": ("sea", "air", "rail")[i % 3],
            }
        )
        ends = draw.choice(len(ports), 2, replace=False)
        stops += [
            {
                "service_id": f"L{i}",
                "seq": seq,
                "site_id": ports[end],
                "run_h": 100,
                "run_sd_h": 0,
                "distance_km": 5000,
            }
            for seq, end in enumerate(ends, 1)
        ]
    clusters = [
        row["site_id"] for row in sites if row["kind"] == "cluster" and row["customs_territory"] == "CN"
    ]
    markets = [row["site_id"] for row in sites if row["kind"] == "market"]
    demand = [
        {
            **rows["demand"][0],
            "demand_id": f"D{i}",
            "origin_site": clusters[i % len(clusters)],
            "destination_site": markets[i % len(markets)],
        }
        for i in range(3000)
    ]
    made = {
        "sites": rows["sites"] + sites,
        "services": lines,
        "service_stops": stops,
        "service_via": [],
        "demand": demand,
    }
    network = tiny
    for name, some in made.items():
        network = network.with_table(name, table_of(BY_NAME[name], some))
    return network


def _plan(network: Network, services: int, flows: int) -> Plan:
    draw = np.random.default_rng(2)
    stops = {(row["service_id"], int(row["seq"])): row["site_id"] for row in network.rows("service_stops")}
    demand = network.rows("demand")
    flow_rows, steps = [], []
    for i in range(flows):
        row, line = demand[int(draw.integers(len(demand)))], f"L{int(draw.integers(services))}"
        a, b = stops[(line, 1)], stops[(line, 2)]
        flow_rows.append((YEAR, f"P{i}", row["demand_id"], "usual", float(draw.exponential(50))))
        for action, start, end, service, seq in (
            ("drive", row["origin_site"], a, "", 0),
            ("board", a, "", line, 1),
            ("ride", a, b, line, 2),
            ("clear_import", b, "", "", 0),
            ("deliver", b, row["destination_site"], "", 0),
        ):
            steps.append((YEAR, f"P{i}", len(steps), action, start, end, service, seq, "", "", ""))
    return Plan(_table(flow_rows, FLOWS), _table(steps, STEPS), UNSERVED.empty_table())


def _table(rows: list[tuple[object, ...]], schema: pa.Schema) -> pa.Table:
    columns = zip(*rows, strict=True)
    return pa.table([pa.array(c, f.type) for c, f in zip(columns, schema, strict=True)], schema=schema)


def _loads(plan: Plan, network: Network) -> pa.Table:
    """Loads of services, a leg each, as the results folder has them."""
    rides = plan.steps.filter(pc.equal(plan.steps["action"], "ride"))
    tonnes = dict(zip(plan.flows["path_id"].to_pylist(), plan.flows["tonnes"].to_pylist(), strict=True))
    sums: dict[str, float] = {}
    for path, service in zip(rides["path_id"].to_pylist(), rides["service_id"].to_pylist(), strict=True):
        sums[service] = sums.get(service, 0.0) + tonnes[path]
    known = {row["service_id"]: row for row in network.rows("services")}
    return pa.Table.from_pylist(
        [
            {
                "year": YEAR,
                "service_id": name,
                "leg": 2,
                **{key: known[name][key] for key in ("mode", "service_class", "name_en", "name_zh")},
                "tonnes": amount,
                "capacity_t": 2 * amount,
                "m3": amount,
                "capacity_m3": 4 * amount,
                "load_factor": 0.5,
            }
            for name, amount in sorted(sums.items())
        ]
    )
