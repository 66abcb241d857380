"""Tables of a flow plan for people: loads of services, modes, gateways, bottlenecks, bill, base case."""

from __future__ import annotations

from collections.abc import Mapping

import pyarrow as pa
import pyarrow.compute as pc

from logistics.network.network import Network
from logistics.plan_facts import facts_of
from logistics.studies.base_case import observed_table
from logistics.studies.limit_tables import limits_table
from logistics.studies.price_checks import MORE, Key
from logistics.studies.returned_cargo import returns_of
from logistics.studies.typed_rows import table_of
from logistics.studies.year_flow import Question, YearOutcome
from logistics.travel_times.tables import simulated_times
from logistics.verification.verdict import Verdict

BOTTLENECKS = pa.schema(
    [
        ("year", pa.int32()),
        ("kind", pa.string()),
        ("id", pa.string()),
        ("unit", pa.string()),
        ("load", pa.float64()),
        ("price_up_to", pa.float64()),
        ("worth_cny", pa.float64()),
        ("name_en", pa.string()),
        ("name_zh", pa.string()),
        ("more", pa.float64()),
        ("more_up_to", pa.float64()),
        ("more_checked", pa.float64()),
    ]
)
"""One row a scarce capacity; `more` is 1 % of it, `more_up_to` what that is worth by its price,
`more_checked` by solving again (blank where that was not tried)."""

SERVICES = pa.schema(
    [
        ("year", pa.int64()),
        ("service_id", pa.string()),
        ("leg", pa.int64()),
        ("mode", pa.string()),
        ("service_class", pa.string()),
        ("name_en", pa.string()),
        ("name_zh", pa.string()),
        ("tonnes", pa.float64()),
        ("capacity_t", pa.float64()),
        ("m3", pa.float64()),
        ("capacity_m3", pa.float64()),
        ("load_factor", pa.float64()),
    ]
)
"""One row a leg that carries cargo."""
BILL = pa.schema([("year", pa.int64()), ("item", pa.string()), ("cny", pa.float64())])


def tables_of_flow(
    question: Question, outcome: YearOutcome, checks: Mapping[Key, float]
) -> dict[str, pa.Table]:
    """Return the tables of one year, each with a ``year`` column.

    Parameters
    ----------
    question, outcome
        What was asked, and the checked answer, whose recomputed loads and bill are shown.
    checks
        What 1 % more of a capacity or limit saves, where it was tried.
    """
    network, year, verdict, plan = question.network, outcome.year, outcome.verdict, outcome.plan
    limits = {"limits": limits_table(question, outcome, checks)} if question.limits else {}
    if not outcome.has_plan or plan is None or not verdict.plan_verified:
        return limits
    facts = facts_of(plan, network, year)
    return {
        "modes": _modes(facts),
        "gateways": _gateways(facts),
        "services": _service_loads(network, year, verdict),
        "bottlenecks": _bottlenecks(network, year, verdict, outcome.duals, checks),
        "bill": _bill(year, verdict),
        "observed": observed_table(network, year, facts, verdict),
        **limits,
        **returns_of(network, year, plan),
        **simulated_times(network, year, plan, question.seed),
    }


def _modes(facts: pa.Table) -> pa.Table:
    """Tonnes by direction, segment, mode and class of the main service."""
    keys = ["year", "direction", "segment", "mode", "service_class"]
    table = facts.group_by(keys).aggregate([("tonnes", "sum")])
    return table.rename_columns([*keys, "tonnes"]).sort_by([(key, "ascending") for key in keys])


def _gateways(facts: pa.Table) -> pa.Table:
    """Tonnes by direction, home gateway and mode; whether the gateway is local."""
    keys = ["year", "direction", "home_gateway", "mode", "local"]
    table = facts.group_by(keys).aggregate([("tonnes", "sum")])
    return table.rename_columns([*keys, "tonnes"]).sort_by(
        [("direction", "ascending"), ("tonnes", "descending"), ("home_gateway", "ascending")]
    )


def _service_loads(network: Network, year: int, verdict: Verdict) -> pa.Table:
    """Load of each leg of each service that carries cargo, with its capacities."""
    services = {str(r["service_id"]): r for r in network.rows("services")}
    rows = []
    for (kind, thing, unit), tonnes in sorted(verdict.loads.items()):
        if kind != "service" or unit != "t":
            continue
        name, seq = thing.rsplit("#", 1)
        row = services[name]
        cubic, room_t, room_m3 = (
            verdict.loads[(kind, thing, "m3")],
            verdict.room[(kind, thing, "t")],
            verdict.room[(kind, thing, "m3")],
        )
        fill = max(tonnes / room_t if room_t else 0.0, cubic / room_m3 if room_m3 else 0.0)
        rows.append(
            (
                year,
                name,
                int(seq),
                row["mode"],
                row["service_class"],
                row["name_en"],
                row["name_zh"],
                tonnes,
                room_t,
                cubic,
                room_m3,
                fill,
            )
        )
    return table_of(rows, SERVICES)


def _bottlenecks(
    network: Network, year: int, verdict: Verdict, duals: pa.Table, checks: Mapping[Key, float]
) -> pa.Table:
    """Shared capacities with a price: what one more unit a year is worth, up to.

    Where 1 % more was tried, what it saved stands beside the price's estimate of it.
    """
    mine = duals.filter(
        pc.and_(
            pc.equal(duals["certificate"], "objective"),
            pc.invert(pc.is_in(duals["kind"], value_set=pa.array(["setting", "limit"]))),
        )
    )
    called = _names(network)
    rows = []
    for row in mine.to_pylist():
        key = (row["kind"], row["id"], row["unit"])
        load, room = verdict.loads.get(key, 0.0), verdict.room[key]
        names = called.get((row["kind"], row["id"].split("#")[0]), ("", ""))
        worth, more = load * row["price"], MORE * room
        rows.append(
            (year, *key, load, row["price"], worth, *names, more, row["price"] * more, checks.get(key))
        )
    rows.sort(key=lambda row: (-row[6], row[2]))
    return table_of(rows, BOTTLENECKS)


def _names(network: Network) -> dict[tuple[str, str], tuple[str, str]]:
    """English and Chinese names of what can be scarce."""
    found = {}
    for kind, table, key in (
        ("service", "services", "service_id"),
        ("site", "sites", "site_id"),
        ("passage", "passages", "passage_id"),
    ):
        for row in network.rows(table):
            found[(kind, str(row[key]))] = (str(row["name_en"]), str(row["name_zh"]))
    for row in network.rows("warehouse_options"):
        found[("warehouse", str(row["option_id"]))] = found[("site", str(row["site_id"]))]
    return found


def _bill(year: int, verdict: Verdict) -> pa.Table:
    rows = [(year, item, amount) for item, amount in verdict.bill.items()]
    rows += [
        (year, "capital", verdict.totals.capital_cny),
        (year, "time_value", verdict.totals.time_value_cny),
    ]
    return table_of(rows, BILL)
