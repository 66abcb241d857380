"""The base case against reality: modelled figures beside published ones."""

from __future__ import annotations

import numpy as np
import pyarrow as pa

from logistics.network.network import Network
from logistics.verification.verdict import Verdict

OBSERVED = pa.schema(
    [
        ("year", pa.int32()),
        ("observed_id", pa.string()),
        ("name_en", pa.string()),
        ("name_zh", pa.string()),
        ("use", pa.string()),
        ("measure", pa.string()),
        ("modelled", pa.float64()),
        ("observed", pa.float64()),
        ("low", pa.float64()),
        ("high", pa.float64()),
        ("within_band", pa.bool_()),
        ("source", pa.string()),
    ]
)


def observed_table(network: Network, year: int, facts: pa.Table, verdict: Verdict) -> pa.Table:
    """Return modelled against observed for the figures of `year`, calibration first.

    A figure of measure ``tonnes`` sums the paths that meet its filters; ``share`` divides that by the same
    sum without the gateway filter or, when there is none, without the mode and class filters.
    """
    rows = []
    for row in network.rows("observed"):
        if row["year"] != year:
            continue
        value = _modelled(network, row, facts, verdict)
        inside = bool(row["low"] <= value <= row["high"])
        texts = [row[name] for name in ("observed_id", "name_en", "name_zh", "use", "measure")]
        rows.append((year, *texts, value, row["value"], row["low"], row["high"], inside, row["source"]))
    rows.sort(key=lambda row: (row[4] != "calibration", row[1]))
    columns = list(zip(*rows, strict=True)) if rows else [()] * len(OBSERVED)
    return pa.table([pa.array(c, f.type) for c, f in zip(columns, OBSERVED, strict=True)], schema=OBSERVED)


def _modelled(network: Network, row: dict[str, object], facts: pa.Table, verdict: Verdict) -> float:
    if row["measure"] == "unserved_share":
        return verdict.totals.unserved_t / verdict.totals.demand_t if verdict.totals.demand_t else 0.0
    tonnes = np.asarray(facts["tonnes"].to_numpy())
    base = np.ones(len(tonnes), dtype=bool)
    if row["direction"] != "both":
        base &= _in(facts, "direction", str(row["direction"]))
    if row["segments"]:
        base &= _in(facts, "segment", str(row["segments"]))
    kind = base.copy()
    if row["modes"]:
        kind &= _in(facts, "mode", str(row["modes"]))
    if row["service_classes"]:
        kind &= _in(facts, "service_class", str(row["service_classes"]))
    chosen = kind.copy()
    gateways = str(row["gateways"])
    if gateways:
        local = np.asarray(facts["local"].to_numpy(zero_copy_only=False), dtype=bool)
        chosen &= (local if "local" in gateways.split("|") else False) | _in(facts, "home_gateway", gateways)
    total = float(tonnes[chosen].sum())
    if row["measure"] == "share":
        whole = float(tonnes[kind if gateways else base].sum())
        return total / whole if whole else 0.0
    return total + (_background_t(network, row) if row["include_background"] else 0.0)


def _in(facts: pa.Table, column: str, items: str) -> np.ndarray:
    return np.isin(np.array(facts[column].to_pylist(), dtype=str), items.split("|"))


def _background_t(network: Network, row: dict[str, object]) -> float:
    """Background tonnes of services that meet the figure's filters, on their first leg, by direction."""
    territory = dict(
        zip(network.texts("sites", "site_id"), network.texts("sites", "customs_territory"), strict=True)
    )
    province = dict(zip(network.texts("sites", "site_id"), network.texts("sites", "province"), strict=True))
    first: dict[str, str] = {}
    last: dict[str, str] = {}
    for stop in sorted(network.rows("service_stops"), key=lambda r: r["seq"]):
        first.setdefault(str(stop["service_id"]), str(stop["site_id"]))
        last[str(stop["service_id"])] = str(stop["site_id"])
    home, total = network.info.home_territory, 0.0
    for service in network.rows("services"):
        name = str(service["service_id"])
        start, end = first[name], last[name]
        direction = "export" if territory[start] == home else "import"
        gateway = start if direction == "export" else end
        wanted = str(row["gateways"]).split("|") if row["gateways"] else []
        if service["status"] != "existing" or territory[start] == territory[end]:
            continue
        if row["modes"] and service["mode"] not in str(row["modes"]).split("|"):
            continue
        if row["service_classes"] and service["service_class"] not in str(row["service_classes"]).split("|"):
            continue
        if row["direction"] not in ("both", direction):
            continue
        if (
            wanted
            and gateway not in wanted
            and not ("local" in wanted and province[gateway] == network.info.home_province)
        ):
            continue
        total += float(service["background_t_per_year"])
    return total
