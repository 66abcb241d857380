"""Plans beside the best one: with fewer sites, with other sites, and those that rules of thumb would choose.

They are compared in the last year, each with its flows solved.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from logistics.models.design.problem import relative_gap
from logistics.models.flow.solved import SolvedFlow
from logistics.models.placement.problem import PlacementPlan, Rules
from logistics.models.placement.search import PlacementSearch
from logistics.models.siting.greenfield import centres_of_gravity
from logistics.studies.siting_markets import Markets, area_of, markets_of
from logistics.studies.siting_problem import SitedYears, open_ids

Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]
SWEEP_ROUNDS, SWEEP_STEPS = 8, 80
"""Plans that are solved for one number of sites, and subgradient steps at the prices of each."""


@dataclass(frozen=True)
class SitedPlan:
    """A set of choices, in the last year.

    Parameters
    ----------
    kind, name
        ``base``, ``best``, ``sweep``, ``alternative``, ``baseline`` or ``frontier``; a name within its kind.
    taken
        Choices of the last year's own problem.
    flow
        Its flows; None: they were not solved.
    cost_cny
        Yearly cost of what is open.
    bound
        What no plan under the same condition can beat, in the last year: with at most so many sites, other
        than those before; of a set that is given, as rules of thumb give it, what it costs at least.
    own_gap
        Gap of the search that found it, where that weighed time otherwise; None: value against bound.
    """

    kind: str
    name: str
    taken: Flags
    flow: SolvedFlow | None
    cost_cny: float
    bound: float
    own_gap: float | None = None

    @property
    def gap(self) -> float | None:
        """How far it may be from the best under its condition; None where it has no value."""
        if self.own_gap is not None or self.value is None:
            return self.own_gap
        return relative_gap(self.value, self.bound)

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

    def known(self, taken: Flags) -> PlacementPlan | None:
        """A set with its flows, if they were solved."""
        return next((one for one in self.search.plans if np.array_equal(one.taken, taken)), None)

    def least_cost(self, taken: Flags) -> float:
        """What a set costs at least: by prices, and by the bound of its flows where they were solved."""
        least = self.search.least_cost(taken) if self.search.best is not None else -np.inf
        plan = self.known(taken)
        # With one source for each market the flows are those of some sources, and others may do better.
        if plan is None or not np.isfinite(plan.value) or self.problem.sourcing is not None:
            return least
        return max(least, float(self.problem.cost[taken].sum()) + sum(flow.bound for flow in plan.flows))

    def plan(
        self, kind: str, name: str, taken: Flags, bound: float | None = None, own_gap: float | None = None
    ) -> SitedPlan:
        """A set with its flows; without a bound on a condition, what it costs at least itself."""
        found = self.search.plan_of(taken)
        least = self.least_cost(taken) if bound is None else bound
        cost = float(self.problem.cost[taken].sum())
        return SitedPlan(kind, name, taken, found.flows[0], cost, least, own_gap)

    def cheapest(self, rules: Rules) -> PlacementPlan | None:
        """The cheapest of all solved sets that keep rules; between equal ones by name."""
        kept = [one for one in self.search.plans if np.isfinite(one.value) and rules.kept(one.taken)]
        return min(kept, key=lambda one: (one.value, open_ids(self.problem, one.taken)), default=None)

    def sweeps(self, counts: Sequence[int], time_limit_s: float) -> list[SitedPlan]:
        """The best plan with at most so many new sites, for each number that the study's rules allow.

        Whatever was solved for one number counts for all that allow it, and so does what was proven.
        """
        started, bounds, order = time.perf_counter(), {}, sorted(set(counts))
        for place, most in enumerate(order):
            until = started + time_limit_s * (place + 1) / len(order)
            bounds[most] = self._bound_of(self._at_most(most), until)
        least = -np.inf
        for most in reversed(order):
            least = bounds[most] = max(least, bounds[most])
        found = []
        for most in dict.fromkeys(counts):
            best = self.cheapest(self._at_most(most))
            if best is not None:
                found.append(self.plan("sweep", str(most), best.taken, bounds[most]))
        return found

    def _at_most(self, most: int) -> Rules:
        """The study's rules, with at most so many new sites."""
        exists = np.array([self.sited.candidates[i].exists for i in self.problem.candidate], bool)
        return self.problem.rules.with_row("sweep", (~exists).astype(float), -np.inf, float(most))

    def _bound_of(self, rules: Rules, until: float) -> float:
        """Prices and plans in turn under some rules, until they meet; returns the bound, inf: no set does.

        Parameters
        ----------
        until
            Clock after which no further plan is begun; one is solved in any case.
        """
        found = self.search.bound_under(rules)
        bound, options = found.bound, found.taken
        for _ in range(SWEEP_ROUNDS):
            new = next((one for one in options if rules.kept(one) and self.known(one) is None), None)
            if new is None:
                break
            priced, price = self.search.priced_at(self.search.plan_of(new))
            best = self.cheapest(rules)
            value = (
                best.value if best is not None else priced.constant + float(priced.demand @ priced.existing)
            )
            found = priced.choice(price, rules, value, SWEEP_STEPS)
            bound, options = max(bound, found.bound), found.taken
            if best is not None and relative_gap(best.value, bound) <= self.search.gap:
                break
            if time.perf_counter() > until:
                break
        return bound

    def others(self, best: Flags, count: int, within: float | None) -> list[SitedPlan]:
        """The next best plans, the cheapest first: of each plan before one leaves out a site at least.

        Parameters
        ----------
        within
            Share of the best plan's cost above which they are left out; None: all count.
        """
        rules, taken = self.problem.rules, best
        for _ in range(count):
            rules = self._without_all_of(rules, taken)
            options = [one for one in self.search.bound_under(rules).taken if rules.kept(one)]
            if not options:
                break
            taken = options[0]
            self.search.plan_of(taken)
        # What was solved for other questions may be cheaper than what prices propose.
        most = np.inf if within is None else (1.0 + within) * self.search.plan_of(best).value
        rules, taken, found = self.problem.rules, best, []
        for number in range(1, count + 1):
            rules = self._without_all_of(rules, taken)
            plan = self.cheapest(rules)
            if plan is None or plan.value > most:
                break
            taken = plan.taken
            found.append(self.plan("alternative", str(number), taken, self.search.bound_under(rules).bound))
        return found

    def _without_all_of(self, rules: Rules, taken: Flags) -> Rules:
        """Rules under which one at least of a set's sites is left out."""
        site = np.array([self.sited.candidates[i].site_id for i in self.problem.candidate])
        sites = np.unique(site[taken])
        return rules.with_row("other", np.isin(site, sites).astype(float), -np.inf, float(len(sites)) - 1.0)

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
        markets = markets_of(self.sited.questions[0].network, candidates, abroad=abroad)
        if not markets.ids:
            return []
        market_t = markets.tonnes_by_area()
        place = np.array([[candidates[usual[s]].site[x] for x in ("lat", "lon")] for s in sites], float)
        found = []
        middle = _middle(markets.latitude, markets.longitude, markets.tonnes)
        far = _angles(place, middle)
        cheap = np.array([self._rent(usual[s]) for s in sites])
        size = np.array([market_t.get(area_of(candidates[usual[s]].site, abroad=abroad), 0.0) for s in sites])
        for name, order in (
            ("nearest_to_demand", np.lexsort((np.arange(len(sites)), far))),
            ("cheapest_rent", np.lexsort((np.arange(len(sites)), cheap))),
            ("largest_markets", np.lexsort((np.arange(len(sites)), cheap, -size))),
            ("greenfield", self._greenfield(place, markets, count)),
        ):
            ids = [candidates[usual[sites[i]]].id for i in order[:count].tolist()]
            found.append(self.plan("baseline", name, self.chosen([*ids, *kept])))
        return found

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

    def _greenfield(self, place: Floats, markets: Markets, count: int) -> NDArray[np.int64]:
        """Sites nearest to as many centres of gravity, the others after them."""
        centres = min(count, markets.num_places, len(place))
        found = centres_of_gravity(
            markets.latitude,
            markets.longitude,
            markets.tonnes,
            centres,
            (place[:, 0], place[:, 1]),
            seed=self.sited.questions[0].seed,
        )
        assert found.site is not None
        first = found.site.astype(np.int64)
        return np.concatenate([first, np.setdiff1d(np.arange(len(place)), first)])


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
