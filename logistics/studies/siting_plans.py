"""Plans beside the best one: with fewer sites, with other sites, and those that rules of thumb would choose.

They are compared in the last year, each with its flows solved.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from logistics.models.flow.solved import SolvedFlow
from logistics.models.placement.search import PlacementSearch
from logistics.models.siting.greenfield import centres_of_gravity
from logistics.studies.siting_problem import SitedYears

Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]


@dataclass(frozen=True)
class SitedPlan:
    """A set of choices, in the last year.

    Parameters
    ----------
    kind, name
        ``base``, ``best``, ``sweep``, ``alternative`` or ``baseline``; a name within its kind.
    taken
        Choices of the last year's own problem.
    flow
        Its flows; None: they were not solved.
    cost_cny
        Yearly cost of what is open.
    bound
        What no plan under the same condition can beat, in the last year; None: not asked for.
    """

    kind: str
    name: str
    taken: Flags
    flow: SolvedFlow | None
    cost_cny: float
    bound: float | None = None

    @property
    def value(self) -> float | None:
        """Cost of the year; None where not all is served, or nothing was solved."""
        if self.flow is None or self.flow.status not in ("optimal", "limit"):
            return None
        return self.flow.objective + self.cost_cny


class LastYear:
    """The last year on its own, on which plans are compared.

    Parameters
    ----------
    sited, search
        The year alone, and a search on it that was run.
    """

    def __init__(self, sited: SitedYears, search: PlacementSearch) -> None:
        self.sited, self.search = sited, search
        self.problem = sited.problem

    def chosen(self, ids: Sequence[str]) -> Flags:
        """Choices that open some candidates."""
        number = {name: place for place, name in enumerate(self.problem.candidates)}
        wanted = {number[name] for name in ids if name in number}
        return np.array([one in wanted for one in self.problem.candidate.tolist()], bool)

    def plan(self, kind: str, name: str, taken: Flags, bound: float | None = None) -> SitedPlan:
        """A set with its flows."""
        found = self.search.plan_of(taken)
        return SitedPlan(kind, name, taken, found.flows[0], float(self.problem.cost[taken].sum()), bound)

    def sweep(self, most: int) -> list[SitedPlan]:
        """The best plan with at most so many new sites; none where the study's rules ask for more."""
        exists = np.array([self.sited.candidates[i].exists for i in self.problem.candidate], bool)
        rules = self.problem.rules.with_row("sweep", (~exists).astype(float), -np.inf, float(most))
        found = self.search.bound_under(rules)
        kept = [one for one in found.taken if rules.kept(one)]
        return [self.plan("sweep", str(most), self._best_of(kept), found.bound)] if kept else []

    def others(self, best: Flags, count: int) -> list[SitedPlan]:
        """The next best plans, each with a site that none before has, or without one that all have."""
        rules, found = self.problem.rules, []
        site = np.array([self.sited.candidates[i].site_id for i in self.problem.candidate])
        taken = best
        for number in range(1, count + 1):
            # Of the sites of the plan before, one at least is left out.
            used = np.isin(site, np.unique(site[taken])).astype(float)
            sites = float(len(np.unique(site[taken])))
            rules = rules.with_row(f"other.{number}", used, -np.inf, sites - 1.0)
            priced = self.search.bound_under(rules)
            options = [one for one in priced.taken if rules.kept(one)]
            if not options:
                break
            taken = self._best_of(options)
            found.append(self.plan("alternative", str(number), taken, priced.bound))
        return found

    def baselines(self, best: Flags) -> list[SitedPlan]:
        """What rules of thumb would choose, with as many new sites as the best plan has."""
        candidates = self.sited.candidates
        both = len({one.is_facility for one in candidates}) > 1
        new = [
            i
            for i in self.problem.candidate[best].tolist()
            if not candidates[i].exists and not (both and candidates[i].is_facility)
        ]
        count = len({candidates[i].site_id for i in new})
        # Facilities beside warehouses stay as they are best: the rules are about the warehouses.
        kept = [candidates[i].id for i in self.problem.candidate[best].tolist() if i not in new]
        if count == 0:
            return []
        abroad = any(not one.is_facility for one in candidates)
        usual = self._usual_options(warehouses=abroad)
        sites = sorted(usual)
        if not sites:
            return []
        latitude, longitude, weight, market_t = self._markets(abroad)
        place = np.array([[candidates[usual[s]].site[x] for x in ("lat", "lon")] for s in sites], float)
        found = []
        middle = _middle(latitude, longitude, weight)
        far = _angles(place, middle)
        cheap = np.array([self._rent(usual[s]) for s in sites])
        size = np.array([market_t.get(_area(candidates[usual[s]].site, abroad), 0.0) for s in sites])
        for name, order in (
            ("nearest_to_demand", np.lexsort((np.arange(len(sites)), far))),
            ("cheapest_rent", np.lexsort((np.arange(len(sites)), cheap))),
            ("largest_markets", np.lexsort((np.arange(len(sites)), cheap, -size))),
            ("greenfield", self._greenfield(place, latitude, longitude, weight, count)),
        ):
            ids = [candidates[usual[sites[i]]].id for i in order[:count].tolist()]
            found.append(self.plan("baseline", name, self.chosen([*ids, *kept])))
        return found

    def _best_of(self, sets: Sequence[Flags]) -> Flags:
        """The first of some sets met by the bound: the best at its prices."""
        return sets[0] if sets else np.zeros(len(self.problem.names), bool)

    def _usual_options(self, *, warehouses: bool) -> dict[str, int]:
        """For each site the option that is cheapest a tonne to hold: what a rule of thumb looks at."""
        usual: dict[str, int] = {}
        for number in self.problem.candidate.tolist():
            one = self.sited.candidates[number]
            if one.exists or one.is_facility == warehouses or one.option["ownership"] == "share":
                continue
            old = usual.get(one.site_id)
            if old is None or (self._rent(number), one.id) < (self._rent(old), self.sited.candidates[old].id):
                usual[one.site_id] = number
        return usual

    def _rent(self, number: int) -> float:
        one = self.sited.candidates[number]
        return one.annual_cny(self.sited.spec.discount_rate) / max(1e-9, one.capacity_t(first=False))

    def _markets(self, abroad: bool) -> tuple[Floats, Floats, Floats, dict[str, float]]:
        """Where demand is that candidates are for: degrees, tonnes; and tonnes by area.

        Stocked demand at its markets for warehouses, what leaves at its origins for facilities.
        """
        network = self.sited.questions[0].network
        site = {str(row["site_id"]): row for row in network.rows("sites")}
        home = {str(one.site["customs_territory"]) for one in self.sited.candidates if one.is_facility}
        tonnes: dict[str, float] = {}
        for row in network.rows("demand"):
            leaves = str(site[str(row["origin_site"])]["customs_territory"]) in home
            if row["segment"] == "stocked" if abroad else leaves:
                name = str(row["destination_site" if abroad else "origin_site"])
                tonnes[name] = tonnes.get(name, 0.0) + float(row["tonnes_per_year"])
        by_area: dict[str, float] = {}
        for name, t in tonnes.items():
            area = _area(site[name], abroad)
            by_area[area] = by_area.get(area, 0.0) + t
        names = sorted(tonnes)
        where = np.array([[site[name]["lat"], site[name]["lon"]] for name in names], float)
        return where[:, 0], where[:, 1], np.array([tonnes[name] for name in names]), by_area

    def _greenfield(
        self, place: Floats, latitude: Floats, longitude: Floats, weight: Floats, count: int
    ) -> NDArray[np.int64]:
        """Sites nearest to as many centres of gravity, the others after them."""
        centres = min(count, len(np.unique(np.column_stack([latitude, longitude]), axis=0)), len(place))
        found = centres_of_gravity(
            latitude,
            longitude,
            weight,
            centres,
            (place[:, 0], place[:, 1]),
            seed=self.sited.questions[0].seed,
        )
        assert found.site is not None
        first = found.site.astype(np.int64)
        return np.concatenate([first, np.setdiff1d(np.arange(len(place)), first)])


def _area(site: Mapping[str, Any], abroad: bool) -> str:
    """What counts as one market: a customs territory abroad, a prefecture at home."""
    return str(site["customs_territory" if abroad else "prefecture"])


def _middle(latitude: Floats, longitude: Floats, weight: Floats) -> Floats:
    """Centre of gravity on the sphere, degrees."""
    lat, lon = np.radians(latitude), np.radians(longitude)
    x, y, z = (
        float(weight @ part) for part in (np.cos(lat) * np.cos(lon), np.cos(lat) * np.sin(lon), np.sin(lat))
    )
    return np.degrees([np.arctan2(z, np.hypot(x, y)), np.arctan2(y, x)])


def _angles(place: Floats, middle: Floats) -> Floats:
    """Great-circle angle of each place from a point, radians."""
    (lat, lon), (lat0, lon0) = np.radians(place.T), np.radians(middle)
    half = np.sin((lat - lat0) / 2) ** 2 + np.cos(lat) * np.cos(lat0) * np.sin((lon - lon0) / 2) ** 2
    return np.asarray(2.0 * np.arcsin(np.sqrt(np.clip(half, 0.0, 1.0))))
