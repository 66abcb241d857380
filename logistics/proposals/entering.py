"""Putting proposals into a network: first as rows that nothing uses, then opened one by one."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pyarrow as pa

from logistics.network.network import Network
from logistics.proposals.proposal import Proposal, ProposedService
from logistics.units import WEEKS_PER_YEAR


@dataclass(frozen=True)
class RouteOption:
    """A proposal at one of its frequencies: what can be opened."""

    proposal: Proposal
    departures_per_week: float

    @property
    def id(self) -> str:
        """Name of the option; that of the proposal where it has one level only."""
        if len(self.proposal.levels) == 1:
            return self.proposal.id
        return f"{self.proposal.id}.{self.departures_per_week:g}w"

    def service_id(self, service: ProposedService) -> str:
        """Id of one of its services."""
        return f"{self.id}.{service.suffix}" if service.suffix else self.id

    @property
    def service_ids(self) -> tuple[str, ...]:
        """Ids of its services."""
        return tuple(self.service_id(service) for service in self.proposal.services)

    def departures_a_year(self, service: ProposedService) -> float:
        """Departures of a service that take place in a year."""
        return self.departures_per_week * WEEKS_PER_YEAR * float(service.row.get("availability", 1.0))

    def may_run(self, year: int) -> bool:
        """Whether it can be open in `year`."""
        return self.proposal.opening_year is None or self.proposal.opening_year <= year


def options_of(proposals: Iterable[Proposal]) -> tuple[RouteOption, ...]:
    """Every level of every proposal, in their order."""
    return tuple(RouteOption(proposal, level) for proposal in proposals for level in proposal.levels)


def subsidy_share(proposal: Proposal, year: int) -> float:
    """Share of its subsidies that a proposal gets in `year`, counted from its opening."""
    place = max(0, year - (year if proposal.opening_year is None else proposal.opening_year))
    return proposal.subsidy_shares[min(place, len(proposal.subsidy_shares) - 1)]


def entered(network: Network, options: Sequence[RouteOption], year: int) -> Network:
    """The network with rows for `options`: services ``proposed``, sites ``option``, used by nothing yet."""
    tables: dict[str, list[Mapping[str, Any]]] = {}
    seen: set[str] = set()
    for option in options:
        proposal = option.proposal
        for service in proposal.services:
            name = option.service_id(service)
            tables.setdefault("services", []).append(_service_row(option, service, name, year))
            stops = [{**row, "service_id": name, "seq": i} for i, row in enumerate(service.stops, 1)]
            tables.setdefault("service_stops", []).extend(stops)
            tables.setdefault("service_via", []).extend({**row, "service_id": name} for row in service.ways)
        if proposal.id not in seen:
            seen.add(proposal.id)
            tables.setdefault("sites", []).extend({**row, "status": "option"} for row in proposal.sites)
            tables.setdefault("passages", []).extend(proposal.passages)
    for name, rows in tables.items():
        network = _with_rows(network, name, rows)
    return network


def _service_row(option: RouteOption, service: ProposedService, name: str, year: int) -> dict[str, Any]:
    proposal = option.proposal
    row = dict(service.row)
    subsidy = float(row.get("subsidy_cny_per_t") or 0.0) * subsidy_share(proposal, year)
    other = service.background_t_per_departure * option.departures_a_year(service)
    return {
        **row,
        "service_id": name,
        "pair_id": option.id,
        "mode": proposal.mode,
        "name_en": row.get("name_en") or proposal.name_en,
        "name_zh": row.get("name_zh") or proposal.name_zh,
        "status": "proposed",
        "departures_per_week": option.departures_per_week,
        "subsidy_cny_per_t": subsidy,
        "background_t_per_year": other,
        "source": row.get("source") or proposal.source or "proposal",
        "confidence": row.get("confidence") or proposal.confidence,
    }


def _with_rows(network: Network, name: str, rows: Sequence[Mapping[str, Any]]) -> Network:
    """Append rows that are not there yet; cells left out are blank, numbers that have a default take it."""
    from logistics.network.tables import BY_NAME

    table, schema = network.tables[name], BY_NAME[name]
    known = set(zip(*(table.column(key).to_pylist() for key in schema.key), strict=True))
    default = {column.name: column.default for column in schema.columns if column.default is not None}
    new: dict[tuple[Any, ...], Mapping[str, Any]] = {}
    for row in rows:
        key = tuple(row[part] for part in schema.key)
        if key not in known:
            new.setdefault(key, row)
    filled = [
        {
            field.name: _cell(row.get(field.name, default.get(field.name)), field.type)
            for field in table.schema
        }
        for row in new.values()
    ]
    return network.with_table(name, pa.concat_tables([table, pa.Table.from_pylist(filled, table.schema)]))


def _cell(value: Any, kind: pa.DataType) -> Any:
    if pa.types.is_string(kind):
        return "" if value is None else "|".join(value) if isinstance(value, list | tuple) else str(value)
    return float(value) if pa.types.is_floating(kind) and value is not None else value


def opening_changes(options: Iterable[RouteOption]) -> list[dict[str, Any]]:
    """Values of the tables that open `options` in a network that they were entered into."""
    changes: dict[tuple[str, str], dict[str, Any]] = {}
    for option in options:
        for name in option.service_ids:
            changes["services", name] = _change("services", name)
        for row in option.proposal.sites:
            changes["sites", str(row["site_id"])] = _change("sites", str(row["site_id"]))
    return list(changes.values())


def _change(table: str, row: str) -> dict[str, Any]:
    return {"table": table, "row": row, "column": "status", "value": "existing"}


def opened(network: Network, options: Iterable[RouteOption]) -> Network:
    """The network with `options`, which were entered into it, open."""
    for table, key in (("services", "service_id"), ("sites", "site_id")):
        names = {change["row"] for change in opening_changes(options) if change["table"] == table}
        if not names:
            continue
        rows = network.tables[table]
        status = [
            "existing" if name in names else old
            for name, old in zip(rows[key].to_pylist(), rows["status"].to_pylist(), strict=True)
        ]
        place = rows.schema.get_field_index("status")
        field = rows.schema.field(place)
        network = network.with_table(table, rows.set_column(place, field, pa.array(status, field.type)))
    return network
