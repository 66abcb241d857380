"""Tiny networks for tests: the folder ``three_gateways`` with edits, and random valid ones."""

from collections.abc import Iterable, Mapping, Sequence
from functools import cache
from pathlib import Path

import numpy as np
import pyarrow as pa

from logistics.network.checks import check_tables
from logistics.network.columns import TableSchema
from logistics.network.folder import empty_table, read_network
from logistics.network.network import Network, NetworkInfo
from logistics.network.tables import BY_NAME, TABLES

THREE_GATEWAYS = Path(__file__).parent / "networks" / "three_gateways"
Row = Mapping[str, object]


@cache
def three_gateways() -> Network:
    """The network in ``tests/networks/three_gateways``, as it stands."""
    network, _ = read_network(THREE_GATEWAYS)
    return network


def tiny_network(
    keep: Mapping[str, Sequence[str]] | None = None, **table_edits: Iterable[Row] | Mapping[str, object]
) -> Network:
    """``three_gateways`` with edits; checked, so that a variation is as valid as the folder.

    Parameters
    ----------
    keep
        By table: the first keys of the rows that stay; the others are dropped before the edits.
    table_edits
        By table, one of: rows (dicts) whose key names an existing row, which they change, or a new one,
        which they add; or a dict of values that every row gets.
    """
    network = three_gateways()
    for name, ids in (keep or {}).items():
        schema = BY_NAME[name]
        rows = [row for row in network.rows(name) if row[schema.key[0]] in ids]
        network = network.with_table(name, table_of(schema, rows))
    for name, edits in table_edits.items():
        schema = BY_NAME[name]
        rows = network.rows(name)
        if isinstance(edits, Mapping):
            rows = [{**row, **edits} for row in rows]
        else:
            number = {tuple(row[k] for k in schema.key): i for i, row in enumerate(rows)}
            for edit in edits:
                key = tuple(edit[k] for k in schema.key)
                if key in number:
                    rows[number[key]] = {**rows[number[key]], **edit}
                else:
                    rows.append(dict(edit))
        network = network.with_table(name, table_of(schema, rows))
    return _valid(network)


def table_of(schema: TableSchema, rows: Iterable[Row]) -> pa.Table:
    """Rows as a typed table; what a row leaves out is the column's default."""
    blank = empty_table(schema)
    defaults = {c.name: c.default for c in schema.all_columns}
    texts = {f.name for f in blank.schema if pa.types.is_string(f.type)}
    filled = []
    for row in rows:
        unknown = set(row) - set(defaults)
        assert not unknown, f"{schema.name} has no {unknown}"
        filled.append(
            {
                name: row.get(name, str(value or "") if name in texts else value)
                for name, value in defaults.items()
            }
        )
    return pa.Table.from_pylist(filled, blank.schema)


def network_of(rows: Mapping[str, Iterable[Row]], name: str = "made") -> Network:
    """A network of the year 2021 from rows by table; home is CN, provenance is filled in."""
    info = NetworkInfo("made", "made", "CN", "Zhejiang", 2021, (2021,), 2021)
    tables = {}
    for schema in TABLES:
        provenance = {"source": "invented", "confidence": "high"} if schema.sourced else {}
        tables[schema.name] = table_of(schema, [{**provenance, **row} for row in rows.get(schema.name, ())])
    return _valid(Network(name, info, tables))


def _valid(network: Network) -> Network:
    problems = [p for p in check_tables(network) if p.severity == "error"]
    assert not problems, problems
    return network


WINDOWS = ("always", "Mon-Sun 08:00-20:00", "Mon-Fri 08:30-17:30", "Mon-Fri 09:00-12:00; Sat 09:00-11:00")
PLACES = {"CN": (30.0, 120.0), "EU": (50.0, 10.0), "US": (34.0, -118.0)}


class _Random:
    """Rows of one random network.

    Parameters
    ----------
    seed
        Decides everything.
    """

    def __init__(self, seed: int) -> None:
        self.random = np.random.default_rng(seed)
        self.rows: dict[str, list[dict[str, object]]] = {schema.name: [] for schema in TABLES}
        self.gateways: dict[str, list[str]] = {}

    def chance(self, share: float) -> bool:
        """True in this share of calls."""
        return bool(self.random.random() < share)

    def amount(self, low: float, high: float) -> float:
        """A number in a range."""
        return float(self.random.uniform(low, high))

    def pick(self, options: Sequence[str]) -> str:
        """One of the options."""
        return options[int(self.random.integers(len(options)))]

    def site(self, territory: str, site_id: str, kind: str, **figures: object) -> str:
        """Add a site somewhere within a degree of its country's place."""
        lat, lon = PLACES[territory]
        self.rows["sites"].append(
            {
                "site_id": site_id,
                "kind": kind,
                "country": territory,
                "land_region": territory,
                "customs_territory": territory,
                "status": "existing",
                "lat": lat + self.amount(-1, 1),
                "lon": lon + self.amount(-1, 1),
                "handling_cny_per_t": self.amount(10, 200),
                "departure_h": self.amount(1, 30),
                "departure_sd_h": self.amount(0, 5),
                "arrival_h": self.amount(1, 30),
                "arrival_sd_h": self.amount(0, 5),
                "consolidation_h": self.amount(1, 10),
                "clearance_cny_per_t": self.amount(5, 50),
                "export_work_h": self.amount(0.5, 14),
                "import_parcel_h": self.amount(0.5, 8),
                "import_formal_h": self.amount(2, 60),
                "clearance_open": self.pick(WINDOWS),
                **figures,
            }
        )
        return site_id

    def throughput(self, demand_t: float) -> dict[str, object]:
        """A limit on a site's tonnes, now and then."""
        if not self.chance(0.15):
            return {}
        return {
            "throughput_t_per_year": 100 + demand_t * self.amount(0.2, 1.5),
            "background_t_per_year": 100.0,
        }

    def service(self, name: str, mode: str, stops: Sequence[str], demand_t: float, **figures: object) -> None:
        """Add a service whose capacity is between scarce and ample."""
        basis = {
            "air": "chargeable_kg",
            "sea": self.pick(("teu", "feu")),
            "rail": self.pick(("feu", "tkm")),
            "road": self.pick(("truck", "tkm")),
            "post": "item_plus_kg",
        }[mode]
        spot = {
            "chargeable_kg": self.amount(5, 40),
            "teu": self.amount(1000, 20000),
            "feu": self.amount(2000, 60000),
            "truck": self.amount(5000, 50000),
            "tkm": self.amount(0.1, 1),
            "item_plus_kg": self.amount(5, 30),
        }[basis]
        departures = float(self.pick(("1", "2", "3.5", "7")))
        runs = departures * 365 / 7 * 0.9 * 0.8
        background = self.amount(0, 50)
        free = demand_t * self.amount(0.1, 0.9) if self.chance(0.6) else demand_t * 10
        payload = (free + background) / runs
        self.rows["services"].append(
            {
                "service_id": name,
                "mode": mode,
                "service_class": mode,
                "status": "existing",
                "departures_per_week": departures,
                "availability": 0.9,
                "load_factor_max": 0.8,
                "payload_t": payload,
                "payload_m3": payload * self.amount(1.5, 8),
                "background_t_per_year": background,
                "tariff_basis": basis,
                "tariff_currency": self.pick(("CNY", "USD")),
                "tariff_spot": spot,
                "tariff_contract": spot * self.amount(0.5, 1) if self.chance(0.4) else None,
                "contract_share": 0.0,
                "tariff_per_item": self.amount(0, 3) if mode == "post" else 0.0,
                "booking_wait_h": self.amount(0, 24) if self.chance(0.3) else 0.0,
                **figures,
            }
        )
        if self.rows["services"][-1]["tariff_contract"] is not None:
            self.rows["services"][-1]["contract_share"] = self.amount(0, 1)
        for seq, site in enumerate(stops, 1):
            stop: dict[str, object] = {"service_id": name, "seq": float(seq), "site_id": site}
            if seq > 1 and self.chance(0.35):
                self._ways(name, seq)
            elif seq > 1:
                stop |= {
                    "run_h": self.amount(10, 500),
                    "run_sd_h": self.amount(0, 40),
                    "distance_km": self.amount(500, 9000),
                }
            if 1 < seq < len(stops):
                stop["dwell_h"] = self.amount(0, 20)
            self.rows["service_stops"].append(stop)

    def _ways(self, service: str, seq: int) -> None:
        """One or two ways of a leg, through passages."""
        for via, passages in (("north", "border"), ("south", self.pick(("canal", "border|canal", ""))))[
            : 1 + self.chance(0.6)
        ]:
            self.rows["service_via"].append(
                {
                    "service_id": service,
                    "to_seq": float(seq),
                    "via_id": via,
                    "passages": passages,
                    "run_h": self.amount(10, 500),
                    "run_sd_h": self.amount(0, 40),
                    "distance_km": self.amount(500, 9000),
                    "tariff_factor": self.amount(0.8, 1.3),
                }
            )


def random_network(seed: int) -> Network:
    """A tiny valid network: few sites and services, 3 to 6 demand rows, capacities scarce or ample.

    It may be impossible to serve all of the demand, or to reach some of it at all.
    """
    r = _Random(seed)
    abroad = ["EU", "US"] if r.chance(0.5) else ["EU"]
    num_demand = int(r.random.integers(3, 7))
    tonnes = [r.amount(10, 200) for _ in range(num_demand)]
    total = float(sum(tonnes))
    _tables_without_places(r, abroad)
    _home(r, total)
    for territory in abroad:
        _away(r, territory, total)
    _services(r, abroad, total)
    for i, amount in enumerate(tonnes):
        territory = r.pick(abroad)
        segment = r.pick(("direct", "stocked", "b2b", "stocked"))
        ends = (r.pick(("CL_A", "CL_B")), f"MK_{territory}")
        if segment != "stocked" and r.chance(0.15):
            ends = (ends[1], "MK_CN")
        row = {
            "origin_site": ends[0],
            "destination_site": ends[1],
            "product_id": r.pick(("dense", "light")),
            "segment": segment,
        }
        r.rows["demand"].append({"demand_id": f"D{i}", **row, "tonnes_per_year": amount})
    return network_of(r.rows, f"random_{seed}")


def _tables_without_places(r: _Random, abroad: list[str]) -> None:
    for region in ("CN", *abroad):
        r.rows["land_regions"].append(
            {
                "land_region": region,
                "circuity": r.amount(1, 1.5),
                "speed_kmh": r.amount(30, 70),
                "fixed_h": r.amount(0, 6),
                "tariff_cny_per_tkm": r.amount(0.2, 2),
                "fixed_cny_per_t": r.amount(0, 60),
                "seal_cny_per_t": r.amount(0, 20),
                "max_leg_km": r.amount(180, 400),
            }
        )
    for passage, kind in (("border", "border"), ("canal", "canal")):
        r.rows["passages"].append(
            {
                "passage_id": passage,
                "kind": kind,
                "lat": 40.0,
                "lon": 60.0,
                "status": "closed" if r.chance(0.1) else "open",
                "transit_h": r.amount(2, 80),
                "transit_sd_h": r.amount(0, 40),
                "fee_cny_per_t": r.amount(0, 100),
                "capacity_t_per_year": 50 + r.amount(20, 600) if r.chance(0.5) else None,
                "background_t_per_year": 50.0,
            }
        )
    for mode in ("road", "sea", "rail", "air", "post"):
        load = {"teu_payload_t": 20.0, "teu_m3": 30.0} if mode in ("sea", "rail") else {}
        truck = {"truck_payload_t": 18.0, "truck_m3": 70.0} if mode == "road" else {}
        figures = {
            "volumetric_kg_per_m3": 167.0 if mode == "air" else None,
            "co2_g_per_tkm": r.amount(5, 700),
        }
        r.rows["modes"].append({"mode": mode, **load, **truck, **figures})
    for product, density in (("dense", r.amount(300, 1200)), ("light", r.amount(60, 150))):
        r.rows["products"].append(
            {
                "product_id": product,
                "fob_cny_per_kg": r.amount(20, 400),
                "density_kg_per_m3": density,
                "capital_rate_per_year": r.amount(0, 0.2),
                "obsolescence_per_year": r.amount(0, 0.5),
                "demand_cv_daily": r.amount(0, 3),
                "service_factor": 0.0 if r.chance(0.1) else r.amount(0.5, 3),
                "assortment_stock_d": r.amount(0, 40),
                "stockable_share_max": 0.5,
            }
        )
        for segment, order_kg in (("direct", 0.7), ("stocked", 1.5), ("b2b", 500.0)):
            pair = {"product_id": product, "segment": segment}
            r.rows["product_segments"].append({**pair, "order_kg": order_kg, "reported_cny_per_kg": 100.0})
            tiers = [("usual", 1.0)] if r.chance(0.5) else [("patient", 0.75), ("urgent", 0.25)]
            for tier, share in tiers:
                value = {"value_share_per_day": r.amount(0, 0.02)}
                r.rows["time_values"].append({**pair, "tier": tier, "share": share, **value})
    for territory in ("CN", *abroad):
        for segment in ("direct", "stocked", "b2b"):
            figures = {
                "duty_rate": r.amount(0, 0.2),
                "vat_rate": r.amount(0, 0.2),
                "duty_threshold_cny": 1000.0,
            }
            name = f"{territory}_{segment}"
            r.rows["border_rules"].append(
                {
                    "rule_id": name,
                    "customs_territory": territory,
                    "product_id": "*",
                    "segment": segment,
                    **figures,
                }
            )
    r.rows["fx"].append({"currency": "USD", "year": 2021.0, "cny_per_unit": 6.5})


def _home(r: _Random, total: float) -> None:
    regimes = ("9610|9710|9810", "9610|9710|9810|1210|1039", "9610", "9710|9810", "")
    r.site("CN", "CL_A", "cluster", consolidation_cny_per_m3=r.amount(20, 80) if r.chance(0.3) else None)
    r.site("CN", "CL_B", "cluster")
    r.site("CN", "MK_CN", "market")
    if r.chance(0.6):
        r.site(
            "CN",
            "CO",
            "consolidation",
            consolidation_cny_per_m3=r.amount(2, 20),
            clearance_regimes=r.pick(("", regimes[0])),
        )
    r.gateways["CN"] = [r.site("CN", "PORT", "seaport", **_gateway(r, regimes[0], total))]
    for name, kind in (("AIR", "airport"), ("RAIL", "rail_terminal")):
        if r.chance(0.7):
            r.gateways["CN"].append(r.site("CN", name, kind, **_gateway(r, r.pick(regimes), total)))
    if r.chance(0.4):
        station = {"clearance_regimes": regimes[0], "recognised_by": r.pick(r.gateways["CN"])}
        r.site(
            "CN",
            "CS",
            "cargo_station",
            consolidation_cny_per_m3=r.amount(5, 30) if r.chance(0.5) else None,
            **station,
        )
    if r.chance(0.5):
        r.gateways["post"] = [r.site("CN", "MX_CN", "mail_exchange", clearance_regimes="post")]


def _gateway(r: _Random, regimes: str, total: float) -> dict[str, object]:
    price = r.amount(10, 100) if r.chance(0.8) else None
    return {"clearance_regimes": regimes, "consolidation_cny_per_m3": price, **r.throughput(total)}


def _away(r: _Random, territory: str, total: float) -> None:
    r.site(territory, f"MK_{territory}", "market")
    kinds = (("PORT", "seaport"), ("HUB", "airport"))[: 1 + r.chance(0.6)]
    r.gateways[territory] = [
        r.site(territory, f"{name}_{territory}", kind, **_gateway(r, "any" if r.chance(0.9) else "", total))
        for name, kind in kinds
    ]
    if "post" in r.gateways:
        r.site(territory, f"MX_{territory}", "mail_exchange", clearance_regimes="any")
    for i in range(int(r.random.integers(0, 3)) or int(r.chance(0.7))):
        warehouse = r.site(territory, f"WH_{territory}_{i}", "overseas_warehouse")
        for size in ("s", "l")[: 1 + r.chance(0.3)]:
            r.rows["warehouse_options"].append(
                {
                    "option_id": f"{warehouse}_{size}",
                    "site_id": warehouse,
                    "ownership": "lease",
                    "size": size,
                    "status": "existing" if r.chance(0.9) else "option",
                    "capacity_t_per_year": total * (r.amount(0.05, 0.5) if r.chance(0.4) else 10.0),
                    "inbound_cny_per_t": r.amount(0, 100),
                    "inbound_h": r.amount(0, 48),
                    "pick_cny_per_order": r.amount(0, 5),
                    "pick_h": r.amount(0, 24),
                    "storage_cny_per_m3_day": 0.0 if r.chance(0.1) else r.amount(0, 10),
                }
            )
    for market in (f"MK_{territory}", "MK_CN") if territory == "EU" else (f"MK_{territory}",):
        for channel in ("direct", "post", "stocked", "b2b"):
            figures = {"cny_per_order": r.amount(0, 30), "cny_per_kg": r.amount(0, 1)}
            hours = {"delivery_h": r.amount(5, 90), "delivery_sd_h": r.amount(0, 20)}
            r.rows["last_mile"].append(
                {
                    "last_mile_id": f"{market}_{channel}",
                    "site_id": market,
                    "channel": channel,
                    **figures,
                    **hours,
                }
            )


def _services(r: _Random, abroad: list[str], total: float) -> None:
    for i in range(int(r.random.integers(2, 6))):
        home, territory = r.pick(r.gateways["CN"]), abroad[i % len(abroad)]
        stops = [home, r.pick(r.gateways[territory])]
        others = [g for g in r.gateways["CN"] if g != home]
        if others and r.chance(0.3):
            stops.insert(0, r.pick(others))
        segments = r.pick(("", "", "", "stocked|b2b", "direct"))
        subsidy = {"subsidy_cny_per_t": r.amount(0, 100)} if r.chance(0.2) else {}
        mode = r.pick(("air", "sea", "rail", "road"))
        closed = {"status": "closed"} if i and r.chance(0.1) else {}
        r.service(
            f"S{i}", mode, stops, total, segments=segments, **closed, **(subsidy if mode == "air" else {})
        )
    if len(r.gateways["CN"]) > 1 and r.chance(0.4):
        r.service("FEEDER", "rail", r.gateways["CN"][:2], total)
    if len(abroad) > 1 and r.chance(0.6):
        r.service("ACROSS", "sea", [r.pick(r.gateways["EU"]), r.pick(r.gateways["US"])], total)
    if r.chance(0.7):
        r.service("BACK", r.pick(("air", "sea")), [r.pick(r.gateways["EU"]), r.pick(r.gateways["CN"])], total)
    if "post" in r.gateways:
        for territory in abroad:
            r.service(f"POST_{territory}", "post", ["MX_CN", f"MX_{territory}"], total)
