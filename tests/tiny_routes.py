"""Proposed routes for tests: made by hand for ``three_gateways``, and random ones for random networks.

A random proposal may be of any mode, lead abroad, home, across or only from one home gateway to the next;
bring new sites, which others may share, and new passages; have two ways on a leg, several frequencies, and
room that is scarce or ample.
"""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from logistics.errors import Where
from logistics.network.checks import check_tables
from logistics.network.network import Network
from logistics.network.tables import BY_NAME
from logistics.proposals.entering import RouteOption, entered, opened
from logistics.proposals.proposal import Proposal, ProposedService, Row
from logistics.studies.year_flow import Question
from logistics.verification.books import WEIGHTS
from tests.tiny import table_of

MODES = ("air", "sea", "rail", "road")
BASES = {
    "air": (("chargeable_kg", 5.0, 40.0),),
    "sea": (("teu", 1000.0, 20000.0), ("feu", 2000.0, 60000.0)),
    "rail": (("feu", 2000.0, 60000.0), ("tkm", 0.1, 1.0)),
    "road": (("truck", 5000.0, 50000.0), ("tkm", 0.1, 1.0)),
    "post": (("item_plus_kg", 5.0, 30.0),),
}
"""Tariff bases of each mode with the ends of their range, as services of the random networks have them."""
GATEWAYS = ("seaport", "airport", "rail_terminal")


def made_route(
    name: str,
    mode: str,
    *ways: Sequence[str],
    run_h: float,
    tariff: float,
    basis: str,
    payload_t: float,
    run_sd_h: float = 0.0,
    levels: Sequence[float] = (7.0,),
    columns: Row | None = None,
    background: Sequence[tuple[float, float]] = ((0.0, 0.0), (0.0, 0.0)),
    **fields: object,
) -> Proposal:
    """A route of one or two services whose legs are alike.

    Parameters
    ----------
    ways
        Stops of the way out, and of the way back where there is one.
    run_h, run_sd_h
        Hours of each leg and their spread; a leg is 9,000 km.
    tariff
        CNY per unit of `basis` for the whole run.
    payload_t
        Tonnes a departure; twice as many cubic metres.
    columns
        Further columns of ``services.csv``.
    background
        Other cargo of each way: tonnes a departure, CNY per tonne.
    fields
        Further fields of :class:`Proposal`.
    """
    row = {
        "service_class": mode,
        "availability": 1.0,
        "load_factor_max": 1.0,
        "payload_t": payload_t,
        "payload_m3": 2 * payload_t,
        "tariff_basis": basis,
        "tariff_currency": "CNY",
        "tariff_spot": tariff,
        **(columns or {}),
    }
    leg = {"run_h": run_h, "run_sd_h": run_sd_h, "distance_km": 9000.0}
    services = []
    for suffix, stops, (tonnes, pays) in zip(("out", "back"), ways, background, strict=False):
        calls = tuple(
            {"seq": float(seq), "site_id": site, "dwell_h": 0.0, **(leg if seq > 1 else {})}
            for seq, site in enumerate(stops, 1)
        )
        services.append(ProposedService(suffix, row, calls, (), tonnes, pays))
    return Proposal(name, Where(name), name, name, mode, tuple(services), tuple(levels), **fields)  # type: ignore[arg-type]


def question_of(
    network: Network, options: Sequence[RouteOption], year: int = 2021, **changes: Any
) -> Question:
    """The year's question under the generalised objective on a network with `options` entered."""
    entered_into = entered(network, options, year)
    asked = Question(entered_into, year, WEIGHTS["generalised"], None, True, (), 1e-6, 60.0)
    return replace(asked, **changes)


class RandomRoutes:
    """Draws proposals for one network.

    Parameters
    ----------
    network
        A network of :func:`tests.tiny.random_network`, changed or not.
    seed
        Decides everything.
    """

    def __init__(self, network: Network, seed: int) -> None:
        self.random = np.random.default_rng([seed, 33])
        self._network = network
        self._sites = {str(row["site_id"]): row for row in network.rows("sites")}
        self._demand_t = float(np.sum(network.numbers("demand", "tonnes_per_year")))
        self._new_sites: list[Row] = []
        self._gateways: dict[str, list[str]] = {}
        for name, row in self._sites.items():
            if row["kind"] in GATEWAYS and row["status"] == "existing":
                self._gateways.setdefault(str(row["customs_territory"]), []).append(name)
        self._post = [name for name, row in self._sites.items() if row["kind"] == "mail_exchange"]

    def chance(self, share: float) -> bool:
        """True in this share of calls."""
        return bool(self.random.random() < share)

    def amount(self, low: float, high: float) -> float:
        """A number in a range."""
        return float(self.random.uniform(low, high))

    def pick(self, options: Sequence[str]) -> str:
        """One of the options."""
        return options[int(self.random.integers(len(options)))]

    def proposal(self, name: str) -> Proposal:
        """Draw one."""
        mode = "post" if len(self._post) > 1 and self.chance(0.1) else self.pick(MODES)
        sites: list[Row] = []
        passages: list[Row] = []
        stops = self._post_stops() if mode == "post" else self._stops(name, sites)
        if self.chance(0.2):
            stops.reverse()
        ways = [stops] + ([stops[::-1]] if self.chance(0.4) else [])
        new_passage = f"{name}-pass" if self.chance(0.25) else ""
        if new_passage:
            passages.append(self._new_passage(new_passage))
        services = tuple(
            self._service(suffix, mode, stop_ids, new_passage)
            for suffix, stop_ids in zip(("out", "back"), ways, strict=False)
        )
        levels = (1.0, 2.0, 3.5, 7.0)[int(self.random.integers(4)) :][: 1 + self.chance(0.3)]
        return Proposal(
            id=name,
            where=Where(name),
            name_en=name,
            name_zh=name,
            mode=mode,
            services=services,
            levels=levels,
            cost_cny_per_departure=self.amount(0, 1e5),
            sites=tuple(sites),
            passages=tuple(passages),
        )

    def _stops(self, name: str, new: list[Row]) -> list[str]:
        """From a home gateway abroad, or to another one; now and then by a third stop, or to a new place."""
        home, abroad = self._gateways["CN"], [t for t in self._gateways if t != "CN"]
        stops = [self.pick(home), self.pick(self._gateways[self.pick(abroad)])]
        for end in (0, 1):
            if self.chance(0.3):
                new.append(self._new_site(f"{name}-{end}", stops[end]))
                stops[end] = str(new[-1]["site_id"])
        others = [site for site in self._all_gateways() if site not in stops]
        if others and self.chance(0.25):
            stops.insert(int(self.random.integers(3)), self.pick(others))
        elif others and self.chance(0.15):
            # A feeder within a country, or across from one country to another.
            stops[int(self.random.integers(2))] = self.pick(others)
        return stops

    def _all_gateways(self) -> list[str]:
        return [site for sites in self._gateways.values() for site in sites]

    def _post_stops(self) -> list[str]:
        home = [site for site in self._post if self._sites[site]["customs_territory"] == "CN"]
        return [home[0], self.pick([site for site in self._post if site not in home])]

    def _new_site(self, name: str, like: str) -> Row:
        """A gateway beside another one, whose figures it has but for its handling and its room.

        It may be one that an earlier proposal brought along.
        """
        country = self._sites[like]["customs_territory"]
        known = [row for row in self._new_sites if row["customs_territory"] == country]
        if known and self.chance(0.4):
            return known[int(self.random.integers(len(known)))]
        row = {**self._sites[like], "site_id": name, "recognised_by": ""}
        row["lat"] = float(row["lat"]) + self.amount(-0.3, 0.3)
        row["handling_cny_per_t"] = self.amount(0, 100)
        row["throughput_t_per_year"] = self._demand_t * self.amount(0.05, 0.5) if self.chance(0.4) else None
        row["background_t_per_year"] = 0.0
        self._new_sites.append(row)
        return row

    def _new_passage(self, name: str) -> Row:
        figures = {"transit_h": self.amount(1, 40), "transit_sd_h": 5.0, "fee_cny_per_t": self.amount(0, 50)}
        narrow = self._demand_t * self.amount(0.05, 0.5) if self.chance(0.5) else None
        place = {"kind": "border", "lat": 42.0, "lon": 61.0, "status": "open"}
        named = {"passage_id": name, **place, **figures, "capacity_t_per_year": narrow}
        (row,) = table_of(BY_NAME["passages"], [{**named, "source": "invented"}]).to_pylist()
        return dict(row)

    def _service(self, suffix: str, mode: str, stops: Sequence[str], new_passage: str) -> ProposedService:
        basis, low, high = BASES[mode][int(self.random.integers(len(BASES[mode])))]
        # Half of what services cost today, so that many are worth something.
        tariff = self.amount(0.3 * low, 0.6 * high)
        free = self._demand_t * (self.amount(0.02, 0.6) if self.chance(0.6) else 10.0)
        payload = free / (365 / 7 * 2 * 0.9)
        row = {
            "service_class": mode,
            "availability": 0.9,
            "load_factor_max": 1.0,
            "payload_t": payload,
            "payload_m3": payload * self.amount(1.5, 8),
            "tariff_basis": basis,
            "tariff_currency": "CNY",
            "tariff_spot": tariff,
            "tariff_per_item": self.amount(0, 2) if mode == "post" else 0.0,
            "subsidy_cny_per_t": self.amount(0, 50) if mode == "air" and self.chance(0.3) else 0.0,
            "segments": self.pick(("", "", "", "stocked|b2b", "direct")),
        }
        rows: list[Row] = [{"seq": 1.0, "site_id": stops[0], "dwell_h": 0.0}]
        ways: list[Row] = []
        for seq, site in enumerate(stops[1:], 2):
            stop: dict[str, object] = {"seq": float(seq), "site_id": site}
            stop["dwell_h"] = self.amount(0, 20) if seq < len(stops) else 0.0
            passages = [p for p in ("border", "canal") if self.chance(0.15)]
            passages += [new_passage] if new_passage else []
            if passages:
                named = [("one", "|".join(passages))] + ([("other", "")] if self.chance(0.3) else [])
                ways += [
                    {
                        "to_seq": float(seq),
                        "via_id": via,
                        "passages": met,
                        **self._run(),
                        "tariff_factor": 1.0,
                    }
                    for via, met in named
                ]
            else:
                stop |= self._run()
            rows.append(stop)
        return ProposedService(suffix, row, tuple(rows), tuple(ways), background_t_per_departure=0.0)

    def _run(self) -> dict[str, float]:
        return {
            "run_h": self.amount(5, 250),
            "run_sd_h": self.amount(0, 30),
            "distance_km": self.amount(500, 9000),
        }


def random_options(network: Network, year: int, seed: int, count: int) -> list[RouteOption]:
    """Levels of `count` random proposals; all of them make a valid network when they are opened."""
    draw = RandomRoutes(network, seed)
    proposals = [draw.proposal(f"P{number}") for number in range(count)]
    options = [RouteOption(proposal, level) for proposal in proposals for level in proposal.levels]
    whole = opened(entered(network, options, year), options)
    problems = [p for p in check_tables(whole) if p.severity == "error"]
    assert not problems, problems
    return options
