"""From the steps of a path to its hours: a certain part, and named components of which each has a law.

A component is what would be late for everybody at once: the wait for a service at a stop, a border, the
last mile of a market. Paths that share it share its name, and so its draws.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

from logistics.network.geography import great_circle_km
from logistics.network.network import Network
from logistics.network.windows import parse_windows
from logistics.travel_times.laws import Law, OfficeWork, WaitForDeparture, spread_of
from logistics.units import HOURS_PER_WEEK

Row = Mapping[str, Any]


class StepKey(NamedTuple):
    """A step as plans write it."""

    action: str
    site_id: str
    to_site_id: str
    service_id: str
    stop_seq: int
    via_id: str
    option_id: str
    channel: str


class Clock(NamedTuple):
    """Hours of a path on one clock.

    Parameters
    ----------
    mean_h
        Mean hours by the tables' formulas, certain and uncertain together.
    components
        Names of the uncertain parts, all different: what is met twice has a number in its second name.
    """

    mean_h: float
    components: tuple[str, ...]


class PathHours(NamedTuple):
    """Hours of a path on both clocks; what the customer waits, and all hours from door to door."""

    customer: Clock
    pipeline: Clock


@dataclass(frozen=True)
class _Part:
    """Hours of one step.

    Parameters
    ----------
    certain_h
        Hours without a law.
    laws
        (name, law) of the others.
    customer_h
        What a stocked path's customer waits of the step; None: nothing, unless it is the delivery.
    """

    certain_h: float = 0.0
    laws: tuple[tuple[str, Law], ...] = ()
    customer_h: float | None = None


class StepHours:
    """Hours of steps, read from the tables of one year.

    Parameters
    ----------
    network
        Effective network of the year.
    """

    def __init__(self, network: Network) -> None:
        self._sites = _keyed(network, "sites", "site_id")
        self._regions = _keyed(network, "land_regions", "land_region")
        self._services = _keyed(network, "services", "service_id")
        self._passages = _keyed(network, "passages", "passage_id")
        self._options = _keyed(network, "warehouse_options", "option_id")
        self._miles = {(str(r["site_id"]), str(r["channel"])): r for r in network.rows("last_mile")}
        self._dwell_h = {
            (str(r["service_id"]), int(r["seq"])): _number(r, "dwell_h")
            for r in network.rows("service_stops")
        }
        self._legs = {(leg.service_id, leg.to_seq, leg.via_id): leg for leg in network.legs()}
        self._known: dict[tuple[StepKey, bool], _Part] = {}
        self.laws: dict[str, Law] = {}
        """Law of each component met so far, by name."""

    def path_hours(self, steps: Iterable[StepKey], segment: str) -> PathHours:
        """Hours of a path.

        Parameters
        ----------
        steps
            Its steps in order; the path is one that the check has passed.
        segment
            Segment of its demand row: stocked cargo waits for its customer in the warehouse, so only what
            comes after the order counts on the customer's clock; simplified import is for direct cargo.
        """
        stocked = segment == "stocked"
        certain = {"customer": 0.0, "pipeline": 0.0}
        names: dict[str, list[str]] = {"customer": [], "pipeline": []}
        visits: Counter[str] = Counter()
        before: StepKey | None = None
        for step in steps:
            part = self._part(step, formal=segment != "direct")
            hours = part.certain_h
            if before is not None and step.action == before.action == "ride":
                hours += self._dwell_h[(before.service_id, before.stop_seq)]
            met = []
            for name, law in part.laws:
                visits[name] += 1
                own = name if visits[name] == 1 else f"{name} #{visits[name]}"
                self.laws[own] = law
                hours += law.mean_h
                met.append(own)
            certain["pipeline"] += hours
            names["pipeline"] += met
            if not stocked or step.action == "deliver":
                certain["customer"] += hours
                names["customer"] += met
            elif part.customer_h is not None:
                certain["customer"] += part.customer_h
            before = step
        return PathHours(*(Clock(certain[each], tuple(names[each])) for each in ("customer", "pipeline")))

    def _part(self, step: StepKey, *, formal: bool) -> _Part:
        """Hours of a step; formal import where `formal`, else simplified."""
        known = self._known.get((step, formal))
        if known is None:
            known = self._known[(step, formal)] = self._read(step, formal=formal)
        return known

    def _read(self, step: StepKey, *, formal: bool) -> _Part:
        site = self._sites[step.site_id]
        match step.action:
            case "drive":
                return _Part(self._road_h(step.site_id, step.to_site_id))
            case "consolidate":
                return _Part(_number(site, "consolidation_h"))
            case "clear_export" | "clear_post":
                return _cleared(site, "export_work_h")
            case "clear_import":
                return _cleared(site, "import_formal_h" if formal else "import_parcel_h")
            case "board":
                return self._boarding(step, site)
            case "ride":
                return self._riding(step)
            case "alight":
                return _summed((f"arrival {step.site_id}", _number(site, "arrival_h"), site["arrival_sd_h"]))
            case "store":
                option = self._options[step.option_id]
                pick_h = _number(option, "pick_h")
                return _Part(_number(option, "inbound_h") + pick_h, customer_h=pick_h)
            case "deliver":
                mile = self._miles[(step.to_site_id, step.channel)]
                name = f"delivery {step.to_site_id} {step.channel}"
                return _summed(
                    (name, _number(mile, "delivery_h"), mile["delivery_sd_h"]),
                    certain_h=self._road_h(step.site_id, step.to_site_id),
                )
            case _:
                raise ValueError(f"a plan has no step {step.action!r}")

    def _road_h(self, start: str, end: str) -> float:
        """Hours of a generated road leg."""
        a, b = self._sites[start], self._sites[end]
        region = self._regions[str(a["land_region"])]
        km = float(great_circle_km(a["lat"], a["lon"], b["lat"], b["lon"])) * float(region["circuity"])
        return _number(region, "fixed_h") + km / float(region["speed_kmh"])

    def _boarding(self, step: StepKey, site: Row) -> _Part:
        service = self._services[step.service_id]
        dwell = _summed(
            (f"departure {step.site_id}", _number(site, "departure_h"), site["departure_sd_h"]),
            certain_h=_number(service, "booking_wait_h"),
        )
        wait = WaitForDeparture(HOURS_PER_WEEK / float(service["departures_per_week"]))
        return _Part(dwell.certain_h, (*dwell.laws, (f"wait {step.service_id} {step.stop_seq}", wait)))

    def _riding(self, step: StepKey) -> _Part:
        leg = self._legs[(step.service_id, step.stop_seq, step.via_id)]
        parts = [(f"run {step.service_id} {step.stop_seq} {step.via_id}", leg.run_h, leg.run_sd_h)]
        for name in leg.passages:
            passage = self._passages[name]
            parts.append((f"passage {name}", _number(passage, "transit_h"), _number(passage, "transit_sd_h")))
        return _summed(*parts)


def _cleared(site: Row, column: str) -> _Part:
    work_h, hours = _number(site, column), parse_windows(str(site["clearance_open"]))
    if hours.always:
        return _Part(work_h)
    return _Part(0.0, ((f"clearance {site['site_id']} {column}", OfficeWork(hours, work_h)),))


def _summed(*parts: tuple[str, float, float | None], certain_h: float = 0.0) -> _Part:
    """A step of several parts, each with name, mean and standard deviation."""
    laws: list[tuple[str, Law]] = []
    for name, mean_h, sd_h in parts:
        law = spread_of(mean_h, sd_h or 0.0)
        if law is None:
            certain_h += mean_h
        else:
            laws.append((name, law))
    return _Part(certain_h, tuple(laws))


def _keyed(network: Network, table: str, key: str) -> dict[str, Row]:
    return {str(row[key]): row for row in network.rows(table)}


def _number(row: Row, name: str) -> float:
    """A cell as float, 0 where it is blank."""
    return float(row[name] or 0.0)
