"""Exact worth of additions, one at a time, from one solved base.

The base is solved to optimality of its linear program. An addition is first priced at the base's duals: no
path below its commodity's dual proves that it changes nothing. Else its paths and rows go into the base's
master, which is solved on from the base's basis until no path of the enlarged network prices out.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from logistics.errors import SolverFailure
from logistics.models.flow.column_generation import FlowModel, Progress, StopRule
from logistics.models.flow.costs import Dues, RowPrices
from logistics.models.flow.pricing import PathPricer, Priced
from logistics.models.flow.solved import Duals, LeastUnserved, SolvedFlow
from logistics.models.routes.base import SolvedBase
from logistics.models.routes.savings import most_saved
from logistics.models.routes.through import Through
from logistics.models.routes.trial import Aim, TrialAnswer, TrialMaster
from logistics.models.routes.union import Restriction, UnionInstance
from logistics.models.routes.worth import UnionFlow, Worth
from logistics.virtual_network.instance import Instance

Floats = NDArray[np.float64]
Ints = NDArray[np.int32]
Longs = NDArray[np.int64]
REDUCED_COST = 1e-9
BASE_GAP = 1e-9
"""To which the base is solved first: its master then goes on until nothing prices out."""
FULL_GAP = 1e-10
SOLVED_GAP = 1e-6
"""At which a solve that could not close the gap asked for counts all the same."""
NEAR = 0.02
"""Columns of the base's own solve are kept whose reduced cost is below this share of their dual."""
CALM = 1e-3
SHUT_CNY = 1e9
USED = 1e-9


class BaseUnsolved(Exception):
    """The base has no optimal plan to start from; `solved` is what its `instance` ended with."""

    def __init__(self, instance: Instance, solved: SolvedFlow) -> None:
        super().__init__(solved.status)
        self.instance, self.solved = instance, solved


@dataclass(frozen=True)
class _State:
    """A master's optimum and the bound at its prices."""

    answer: TrialAnswer
    bound: float
    priced: Priced


class WarmBase:
    """A solved base that additions are tried on.

    Parameters
    ----------
    union
        Base and additions.
    time_limit_s
        For solving the base.
    report
        Called after each round of that.
    start
        Paths known to be good, in the numbers of ``union.restricted(())``.
    known
        The base where another union on it has solved it: it is not solved again.

    Raises
    ------
    BaseUnsolved
        When the base's limits cannot hold or its time is up.
    """

    def __init__(
        self,
        union: UnionInstance,
        time_limit_s: float = float("inf"),
        report: Callable[[Progress], None] | None = None,
        start: Iterable[tuple[int, Ints]] = (),
        known: SolvedBase | None = None,
    ) -> None:
        self.union = union
        self._time_limit_s = time_limit_s
        self.base: Restriction = union.restricted(())
        if known is None:
            model = FlowModel(self.base.instance, StopRule(BASE_GAP, time_limit_s), report, start)
            solved, columns = model.solve(), model.columns
        else:
            found = known.within(self.base.instance)
            solved, columns = found.flow, found.columns
        self.solved: SolvedFlow = solved
        if self.solved.status not in ("optimal", "limit") or self.solved.gap > SOLVED_GAP:
            raise BaseUnsolved(self.base.instance, self.solved)
        self._gated = union.gated()
        self._num_resources = len(union.instance.resources)
        self.pricer = PathPricer(self._gated)
        self._through: dict[int, Through] = {}
        self._aim = _aim_of(self.base.instance, solved)
        self.master = TrialMaster(self._gated, self.pricer.costs, self._aim)
        self._lay_out(columns)
        self._state, _ = self._optimise(None)
        self.flow: UnionFlow = self._flow(self._state)
        self.master.settle()

    @property
    def value(self) -> float:
        """Objective of the base."""
        return self._state.answer.value

    @property
    def bound(self) -> float:
        """Lower bound of the base."""
        return min(self._state.bound, self.value)

    @property
    def slack(self) -> float:
        """How far its value may be above the optimum."""
        return max(0.0, self.value - self.bound)

    def _lay_out(self, columns: Sequence[tuple[int, Ints]]) -> None:
        """Put the base's columns into the master: near ones awake, the only good way of the others asleep."""
        c = self._gated.commodities
        paths = self.base.in_union(columns)
        flow = {(k, path.tobytes()): f for (k, path), f in self._flows()}
        master = self.master
        prices = self._in_union(self.solved.duals)
        owner = np.array([k for k, _ in paths], dtype=np.int64)
        stored = TrialMaster(self._gated, self.pricer.costs, self._aim)
        stored.rest(owner.astype(np.int32), [path for _, path in paths])
        dear = stored.reduced(prices)
        least = np.full(len(c), np.inf)
        np.minimum.at(least, stored.commodity, dear)
        size = np.maximum(1.0, np.abs(least))
        near = dear <= (least + NEAR * size)[stored.commodity]
        close = np.bincount(stored.commodity, dear <= (least + CALM * size)[stored.commodity], len(c))
        tonnes = np.array(
            [flow.get((int(k), p.tobytes()), 0.0) for k, p in zip(stored.commodity, stored.path, strict=True)]
        )
        whole = tonnes >= c.demand_t[stored.commodity] * (1 - 1e-12)
        may_sleep = self._aim.unserved is None
        sleeps = whole & (close[stored.commodity] <= 1) & may_sleep
        asleep = np.zeros(len(c), bool)
        asleep[stored.commodity[sleeps]] = True
        resting = np.flatnonzero(sleeps)
        master.rest(stored.commodity[resting].astype(np.int32), [stored.path[i] for i in resting])
        master.wake(np.flatnonzero(~asleep))
        awake = np.flatnonzero(near & ~asleep[stored.commodity])
        master.add([(int(stored.commodity[i]), stored.path[i]) for i in awake])

    def _flows(self) -> list[tuple[tuple[int, Ints], float]]:
        used = self.base.in_union(self.solved.used_paths)
        return list(zip(used, self.solved.flow_t.tolist(), strict=True))

    def _in_union(self, duals: Duals) -> RowPrices:
        """Prices of the base in the rows of the union."""
        resource = np.zeros(len(self._gated.resources))
        resource[self.base.resources] = duals.resource
        return RowPrices(resource, duals.limit)

    def _shut(self, prices: RowPrices, chosen: int | None) -> RowPrices:
        """Prices with all additions but the chosen one shut out."""
        resource = prices.resource.copy()
        resource[self._num_resources :] = SHUT_CNY
        if chosen is not None:
            for part in self.union.parts_of(chosen):
                resource[self._num_resources + part] = 0.0
        return RowPrices(resource, prices.limit)

    def _priced(
        self,
        answer: TrialAnswer,
        chosen: int | None,
        pricer: PathPricer | None = None,
        members: Longs | None = None,
    ) -> tuple[Priced, Dues]:
        """Cheapest ways at the prices of `answer` where they are below the duals, of `members` or of all."""
        prices = self._shut(answer.prices, chosen)
        dues = Dues(self._gated, prices)
        dual = np.nan_to_num(answer.demand_dual, nan=np.inf)
        threshold = dual - REDUCED_COST * np.maximum(1.0, np.abs(dual)) - self.master.constant - dues.offset
        if members is not None:
            some = np.full(len(threshold), -np.inf)
            some[members] = threshold[members]
            threshold = some
        return (pricer or self.pricer).price(prices, threshold, self._aim.path_scale, dues), dues

    def _bound(self, answer: TrialAnswer, priced: Priced, dues: Dues) -> float:
        """Lagrangian bound at the prices of `answer`."""
        d, aim = self._gated.commodities.demand_t, self._aim
        cheapest = priced.cost + self.master.constant + dues.offset
        if aim.unserved is not None:
            cheapest = np.minimum(cheapest, aim.unserved + answer.unserved_price + dues.unserved)
        used = answer.prices.resource > 0
        bound = float(d @ cheapest) - float(self._gated.capacity[used] @ answer.prices.resource[used])
        bound -= sum(
            float(p) * row.bound for p, row in zip(answer.prices.limit, self._gated.limits, strict=True)
        )
        return bound - answer.unserved_price * (aim.allowed_t or 0.0)

    def _optimise(self, chosen: int | None) -> tuple[_State, int]:
        """Solve and price in turn until nothing prices out."""
        rounds, best = 0, -np.inf
        while True:
            rounds += 1
            answer = self.master.solve()
            priced, dues = self._priced(answer, chosen)
            best = max(best, self._bound(answer, priced, dues))
            if not priced.found or self.master.add(priced.found) == 0:
                return _State(answer, best, priced), rounds

    def most(self, addition: int, pricer: PathPricer | None = None) -> tuple[float, list[tuple[int, Ints]]]:
        """Bound on the worth of an addition from the base's duals, and the paths that it may be worth it for.

        Each path of the addition saves at most (dual − its cost) a tonne, and takes room in at least one of
        the addition's resources; the savings fill that room greedily.

        Parameters
        ----------
        pricer
            Another pricer of the gated union, in which additions cost less: with their rides free of fares,
            the bound is on the fall of cost plus the fares that are paid.
        """
        answer = self._state.answer
        savers = self._trees(pricer).savers(addition)
        priced, dues = self._priced(answer, addition, pricer, savers)
        if not priced.found:
            return 0.0, []
        c = self._gated.commodities
        who = np.array([k for k, _ in priced.found])
        saved = answer.demand_dual[who] - (priced.cost + self.master.constant + dues.offset)[who]
        m3_per_t = self._gated.products.m3_per_t[c.product[who]]
        return most_saved(self.union, addition, saved, c.demand_t[who], m3_per_t), priced.found

    def at_most(self, addition: int, pricer: PathPricer | None = None) -> float:
        """A looser bound than :meth:`most`, from trees that serve all additions: told in no time.

        Parameters
        ----------
        pricer
            As for :meth:`most`.
        """
        return self._trees(pricer).most(addition)

    def _trees(self, pricer: PathPricer | None) -> Through:
        """Trees that bound the savings of each addition at the base's prices; grown once."""
        key = id(pricer or self.pricer)
        if key not in self._through:
            answer = self._state.answer
            prices = RowPrices(answer.prices.resource.copy(), answer.prices.limit)
            dual = np.nan_to_num(answer.demand_dual, nan=np.inf)
            worth = dual - REDUCED_COST * np.maximum(1.0, np.abs(dual)) - self.master.constant
            worth -= Dues(self._gated, prices).offset
            scale = self._aim.path_scale
            through = Through.alone(self.union, pricer or self.pricer, prices, worth, scale)
            self._through[key] = through
        return self._through[key]

    def pricer_without(self, fares: Sequence[Floats]) -> PathPricer:
        """A pricer of the gated union with money taken off arcs, by layer of shape (arcs, products).

        The prices are only asked of additions: on arcs of the base nothing may be taken off.
        """
        layers = tuple(
            replace(layer, money_cny_per_t=np.maximum(0.0, layer.money_cny_per_t - fare))
            for layer, fare in zip(self._gated.layers, fares, strict=True)
        )
        return PathPricer(replace(self._gated, layers=layers))

    @property
    def used_paths(self) -> list[tuple[int, Ints]]:
        """Paths of the base's plan, in the numbers of ``union.restricted(())``."""
        return self.solved.used_paths

    def known(self) -> SolvedBase:
        """The base for another union on it."""
        number, layer = self._numbers_in(self.base), self._gated.commodities.layer
        members = self.master.commodity.tolist()
        columns = [(k, number[layer[k]][path]) for k, path in zip(members, self.master.path, strict=True)]
        return SolvedBase.of(self.base.instance, self.solved, columns)

    def worth(self, addition: int) -> Worth:
        """What one addition changes, proven."""
        clock = time.perf_counter()
        if self.may_serve_more(addition):
            return self._solved_afresh(addition, clock)
        most, found = self.most(addition) if self.at_most(addition) > 0 else (0.0, [])
        name = self.union.names[addition]
        if not found:
            seconds = time.perf_counter() - clock
            return Worth(name, "screened", self.value, self.bound, 0.0, self.slack, 0.0, self.flow, seconds)
        try:
            self.master.add(found)
            state, rounds = self._optimise(addition)
            flow = self._flow(state)
        finally:
            self.master.give_back()
        value, bound = state.answer.value, min(state.bound, state.answer.value)
        low, high = self.bound - value, self.value - bound
        seconds = time.perf_counter() - clock
        return Worth(name, "warm", value, bound, low, high, max(most, high), flow, seconds, rounds)

    def may_serve_more(self, addition: int) -> bool:
        """Whether less may have to stay unserved with an addition than the base's proof of that says.

        Limits are left aside, and never where unserved demand has a price.
        """
        least = self.solved.least_unserved
        if least is None:
            return False
        prices = self._shut(self._in_union(least.duals), addition)
        free = RowPrices(prices.resource, np.zeros(len(self._gated.limits)))
        ways = self.pricer.price(free, np.ones(len(self._gated.commodities)), 0.0)
        used = least.duals.resource > 0
        bound = float(self._gated.commodities.demand_t @ np.minimum(ways.cost, 1.0))
        bound -= float(self.base.instance.capacity[used] @ least.duals.resource[used])
        return bound < least.bound_t - REDUCED_COST * self._whole_t

    @property
    def _whole_t(self) -> float:
        return max(1.0, float(self._gated.commodities.demand_t.sum()))

    def _solved_afresh(self, addition: int, clock: float) -> Worth:
        """What an addition changes, from a solve of its own."""
        part = self.union.restricted((addition,))
        number = self._numbers_in(part)
        layer = self._gated.commodities.layer
        start = [
            (k, number[layer[k]][way])
            for k, way in zip(self.flow.commodity.tolist(), self.flow.path, strict=True)
        ]
        solved = FlowModel(part.instance, StopRule(FULL_GAP, self._time_limit_s), start=start).solve()
        if solved.status not in ("optimal", "limit") or solved.gap > SOLVED_GAP:
            raise SolverFailure(f"solving with {self.union.names[addition]} ended {solved.status}")
        solved = replace(solved, status="optimal")
        resource = np.zeros(self._num_resources)
        resource[part.resources] = solved.duals.resource
        flow = UnionFlow(
            solved.commodity,
            tuple(way for _, way in part.in_union(solved.used_paths)),
            solved.flow_t,
            solved.unserved_t,
            RowPrices(resource, solved.duals.limit),
            solved.duals.unserved,
        )
        low, high = self.bound - solved.objective, self.value - solved.bound
        seconds = time.perf_counter() - clock
        name, value = self.union.names[addition], solved.objective
        return Worth(
            name, "full", value, solved.bound, low, high, np.inf, flow, seconds, solved.rounds, solved
        )

    def _flow(self, state: _State) -> UnionFlow:
        c, answer = self._gated.commodities, state.answer
        used = np.flatnonzero(answer.flow_t > USED * np.maximum(1.0, c.demand_t[self.master.commodity]))
        # The shut gates' prices were never part of the master's answer.
        count = self._num_resources
        return UnionFlow(
            self.master.commodity[used].astype(np.int32),
            tuple(self.master.path[i] for i in used),
            answer.flow_t[used],
            answer.unserved_t,
            RowPrices(answer.prices.resource[:count], answer.prices.limit),
            answer.unserved_price,
        )

    def solved_with(self, worth: Worth, addition: int) -> tuple[Restriction, SolvedFlow]:
        """The instance with one addition, and its plan in the numbers of that instance."""
        if worth.solved is not None:
            return self.union.restricted((addition,)), worth.solved
        return self._in_numbers((addition,), worth.flow, worth.value, worth.bound, worth.rounds)

    def solved_base(self) -> SolvedFlow:
        """The base's plan as trials start from it."""
        return self._in_numbers((), self.flow, self.value, self.bound, self.solved.rounds)[1]

    def _in_numbers(
        self, chosen: Sequence[int], flow: UnionFlow, value: float, bound: float, rounds: int
    ) -> tuple[Restriction, SolvedFlow]:
        part, c = self.union.restricted(chosen), self._gated.commodities
        number = self._numbers_in(part)
        same = float(self.master.constant @ (c.demand_t - flow.unserved_t))
        # Where all is served the term of the bound is the cheapest path, whatever it costs.
        price = np.inf
        if self._aim.unserved is not None:
            price = float(np.max(self._aim.unserved, initial=0.0)) + flow.unserved_price
        allowed = self._aim.allowed_t or 0.0
        duals = Duals(
            flow.prices.resource[part.resources], flow.prices.limit, price, self._aim.path_scale, allowed
        )
        solved = SolvedFlow(
            status="optimal",
            commodity=flow.commodity,
            path=tuple(
                number[c.layer[k]][path] for k, path in zip(flow.commodity.tolist(), flow.path, strict=True)
            ),
            flow_t=flow.flow_t,
            unserved_t=flow.unserved_t,
            objective=value,
            bound=bound,
            gap=max(0.0, value - bound) / max(1.0, abs(value - same)),
            duals=duals,
            least_unserved=self._least_with(part),
            rounds=rounds,
            num_columns=len(self.master.path),
        )
        return part, solved

    def _numbers_in(self, part: Restriction) -> list[Ints]:
        """Numbers in a part of the union's arcs, -1: not there; by layer."""
        number = [np.full(len(owner), -1, np.int32) for owner in self.union.arc_part]
        for place, arcs in zip(number, part.arcs, strict=True):
            place[arcs] = np.arange(len(arcs), dtype=np.int32)
        return number

    def _least_with(self, part: Restriction) -> LeastUnserved | None:
        """The base's proof of what must be left, for a part with which no more can be served."""
        least = self.solved.least_unserved
        if least is None:
            return None
        resource = self._in_union(least.duals).resource[part.resources]
        return replace(least, duals=replace(least.duals, resource=resource))


def _aim_of(instance: Instance, solved: SolvedFlow) -> Aim:
    """What the base's solve minimised in the end, as trials go on with it."""
    price = instance.unserved_cny_per_t
    count = len(instance.commodities)
    if price is not None:
        return Aim(unserved=np.broadcast_to(np.asarray(price, dtype=float), (count,)).copy())
    if solved.least_unserved is not None:
        return Aim(unserved=np.zeros(count), allowed_t=solved.least_unserved.allowed_t)
    return Aim()
