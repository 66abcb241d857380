"""The bound that the check recomputes from duals: the solver's, and never above the optimum."""

from dataclasses import asdict, dataclass
from functools import cache

import numpy as np
import pytest

from logistics.models.flow.column_generation import FlowModel
from logistics.models.flow.decode import claimed_totals, decoded_plan
from logistics.verification.books import WEIGHTS, YearBooks
from logistics.verification.bound import Certificate, recomputed_bound
from logistics.verification.check import Assertion, verify_year
from logistics.verification.room import capacities
from logistics.virtual_network.build import build_instance
from tests.tiny import random_network, three_gateways

SEEDS = range(25)
OBJECTIVES = ("generalised", "money", "hours", "co2")
PRICE = 30_000.0
ALL_SERVED_T = 1e-6


@dataclass(frozen=True)
class Solved:
    """A solved network and what its solver claims."""

    network: object
    objective: str
    price: float | None
    answer: object
    plan: object
    claim: Assertion

    @property
    def unserved_t(self):
        """Tonnes that the plan leaves."""
        return float(self.answer.unserved_t.sum())

    def verdict(self):
        """What the check says of it."""
        return verify_year(self.network, 2021, self.plan, self.objective, self.claim, self.price)


def certificate(instance, duals):
    """Duals of the solver by name of the capacity."""
    prices = {
        (resource.kind, resource.id, resource.unit): float(price)
        for resource, price in zip(instance.resources, duals.resource, strict=True)
        if price > 0
    }
    return Certificate(prices, duals.unserved, duals.path_scale, duals.allowed_t)


@cache
def solved(seed, objective="generalised", price=None):
    """A random network, solved; seed None is ``three_gateways``."""
    network = three_gateways() if seed is None else random_network(seed)
    instance = build_instance(network, 2021, objective, price)
    answer = FlowModel(instance).solve()
    claim = Assertion(
        figures={**asdict(claimed_totals(instance, answer)), "objective": answer.objective},
        bound=answer.bound,
        certificate=certificate(instance, answer.duals),
        least_unserved=certificate(instance, answer.least_unserved.duals) if answer.least_unserved else None,
        least_unserved_t=answer.least_unserved_t,
    )
    return Solved(network, objective, price, answer, decoded_plan(instance, answer), claim)


def charged(case, certificate):
    """What the plan pays for capacities: the bound is the difference of two sums, each exact to 1e-9."""
    room = capacities(YearBooks(case.network, 2021))
    dues = sum(price * room[key] for key, price in certificate.prices.items())
    return dues + (certificate.unserved * certificate.allowed_t if certificate.allowed_t else 0.0)


def assert_proven(case):
    """The check finds nothing, and its own figures are the solver's."""
    verdict = case.verdict()
    assert verdict.violations == ()
    assert verdict.bound_proof == "certificate"
    scale = max(1.0, abs(case.answer.objective))
    assert verdict.objective == pytest.approx(case.answer.objective, abs=1e-9 * scale)
    dues = charged(case, case.claim.certificate)
    assert verdict.bound == pytest.approx(case.answer.bound, abs=1e-9 * (scale + dues))
    assert verdict.bound == pytest.approx(verdict.objective, abs=1e-6 * scale)


@pytest.mark.parametrize(
    ("seed", "objective"),
    [
        (seed, objective)
        for seed in SEEDS
        for objective in OBJECTIVES
        if objective == "generalised" or seed < 10
    ],
)
def test_recomputed_bound_is_the_solvers(seed, objective):
    """Objective and bound agree to 1e-9 under each objective, and nothing is found against the plan."""
    assert_proven(solved(seed, objective))


@pytest.mark.parametrize("objective", OBJECTIVES)
def test_recomputed_bound_of_three_gateways(objective):
    """The same on the network argued by hand."""
    assert_proven(solved(None, objective))


@pytest.mark.parametrize(
    ("seed", "objective"),
    [(None, "generalised"), *((seed, ("money", "generalised")[seed % 2]) for seed in SEEDS)],
)
def test_recomputed_bound_with_a_price_of_unserved(seed, objective):
    """With a price of unserved demand, it stands in objective and bound alike."""
    case = solved(seed, objective, PRICE)
    assert_proven(case)
    assert case.answer.least_unserved is None


def test_a_price_of_unserved_leaves_dear_rows():
    """At 30,000 CNY a tonne some of the priced networks leave demand that could be served."""
    left = [seed for seed in SEEDS[:10] if solved(seed, "generalised", PRICE).unserved_t > 1]
    could = [seed for seed in left if solved(seed).unserved_t < ALL_SERVED_T]
    assert could


def test_something_stays_unserved_in_many_networks():
    """The seeds hold networks that leave demand, and networks that serve all of it."""
    left = [solved(seed).unserved_t > 1 for seed in SEEDS]
    assert sum(left) >= 5
    assert len(left) - sum(left) >= 5


@pytest.mark.parametrize("seed", SEEDS)
def test_least_unserved_is_recomputed(seed):
    """The first phase's duals prove its claim; where all is served, nothing is claimed."""
    case = solved(seed)
    if case.unserved_t < ALL_SERVED_T:
        assert case.claim.least_unserved is None
        assert case.claim.least_unserved_t == 0
        return
    own = recomputed_bound(YearBooks(case.network, 2021), case.claim.least_unserved, WEIGHTS[case.objective])
    dues = charged(case, case.claim.least_unserved)
    demand_t = case.claim.figures["demand_t"]
    assert own == pytest.approx(case.claim.least_unserved_t, abs=1e-9 * (demand_t + dues))
    assert own == pytest.approx(case.unserved_t, rel=1e-6)


def random_prices(case, room, random):
    """Prices ≥ 0: half of them near the solver's, half anything from nothing to far too much."""
    known = case.claim.certificate.prices
    if known and random.random() < 0.5:
        return {key: price * random.uniform(0, 2) for key, price in known.items()}
    keys = [key for key in sorted(room) if random.random() < 0.3]
    return {key: float(10 ** random.uniform(-2, 4)) for key in keys}


@pytest.mark.parametrize("seed", SEEDS)
def test_any_prices_give_a_lower_bound(seed):
    """Weak duality: no prices ≥ 0 prove more than the optimum."""
    case, random = solved(seed), np.random.default_rng(seed)
    books = YearBooks(case.network, 2021)
    room = capacities(books)
    served = case.unserved_t < ALL_SERVED_T
    own_unserved = case.claim.certificate.unserved
    ceiling = case.answer.objective + 1e-9 * max(1.0, abs(case.answer.objective))
    for _ in range(5):
        prices = random_prices(case, room, random)
        if served:
            tried = Certificate(prices, np.inf, 1.0, 0.0)
        else:
            unserved = own_unserved * random.uniform(0, 2)
            tried = Certificate(prices, unserved, 1.0, case.claim.certificate.allowed_t)
        assert recomputed_bound(books, tried, WEIGHTS[case.objective]) <= ceiling


@pytest.mark.parametrize("seed", SEEDS)
def test_any_prices_give_a_lower_bound_on_unserved_tonnes(seed):
    """Weak duality of the first phase: no prices ≥ 0 prove more unserved tonnes than there are."""
    case, random = solved(seed), np.random.default_rng(100 + seed)
    books = YearBooks(case.network, 2021)
    room = capacities(books)
    for _ in range(5):
        prices = {key: random.uniform(0, 1.5) for key in sorted(room) if random.random() < 0.2}
        tried = Certificate(prices, 1.0, 0.0, 0.0)
        assert recomputed_bound(books, tried, WEIGHTS[case.objective]) <= case.unserved_t + 1e-6


@pytest.mark.parametrize("seed", SEEDS)
def test_any_prices_give_a_lower_bound_with_a_price_of_unserved(seed):
    """Weak duality when leaving a tonne costs a stated price."""
    case, random = solved(seed, "money", PRICE), np.random.default_rng(200 + seed)
    books = YearBooks(case.network, 2021)
    room = capacities(books)
    ceiling = case.answer.objective * (1 + 1e-9)
    for _ in range(5):
        tried = Certificate(random_prices(case, room, random), PRICE, 1.0, 0.0)
        assert recomputed_bound(books, tried, WEIGHTS[case.objective]) <= ceiling


def test_prices_below_zero_prove_nothing():
    """A negative price counts as none, so that it cannot lift the bound."""
    case = solved(None)
    books = YearBooks(case.network, 2021)
    room = capacities(books)
    without = recomputed_bound(books, Certificate({}, np.inf, 1.0, 0.0), WEIGHTS["generalised"])
    paid = dict.fromkeys(room, -5.0)
    assert recomputed_bound(books, Certificate(paid, np.inf, 1.0, 0.0), WEIGHTS["generalised"]) == without
