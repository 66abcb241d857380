"""The books of one year: rulebooks and demand, and what a path costs a tonne of a product."""

from __future__ import annotations

import math
from collections import defaultdict
from dataclasses import dataclass, field

import numpy as np

from logistics.network.network import Network
from logistics.verification.ledger import Floats, Ledger, Row, keyed, number
from logistics.verification.rulebook import Move, Rulebook

WEIGHTS = {
    "generalised": {"money": 1.0, "capital": 1.0, "time_value": 1.0},
    "money": {"money": 1.0},
    "hours": {"customer_h": 1.0},
    "co2": {"co2_kg": 1.0},
}
"""What each objective adds up, per tonne."""


@dataclass
class PathFigures:
    """Sums along one path, per tonne; arrays are over products."""

    money: dict[str, Floats] = field(default_factory=dict)
    hours: float = 0.0
    customer_h: float = 0.0
    lead_h: float = 0.0
    variance_h2: float = 0.0
    cycle_h: float = 0.0
    co2_kg: Floats | float = 0.0
    option: str = ""
    uses: dict[tuple[str, str], int] = field(default_factory=dict)
    exit_gateway: str = ""
    entry_gateway: str = ""
    declared_at: str = ""
    boarded: list[str] = field(default_factory=list)

    def add(self, move: Move) -> None:
        """Add one move."""
        for item, amount in move.money:
            self.money[item] = self.money[item] + amount if item in self.money else amount
        self.hours += move.hours
        self.customer_h += move.customer_h
        self.lead_h += move.lead_h
        self.variance_h2 += move.variance_h2 if move.lead_h or not move.customer_h else 0.0
        self.cycle_h += move.cycle_h
        self.co2_kg = self.co2_kg + move.co2_kg
        for use in move.uses:
            self.uses[use] = self.uses.get(use, 0) + 1
        if move.key[0] == "store":
            self.option = move.key[6]
        elif move.key[0] == "board":
            self.boarded.append(move.key[3])
        elif move.key[0] in ("clear_export", "clear_post"):
            self.declared_at = self.declared_at or move.key[1]


class YearBooks:
    """Rulebooks and demand of one year, and the work of walking a plan through them.

    Parameters
    ----------
    network
        Effective network of the year.
    year
        The year.
    """

    def __init__(self, network: Network, year: int) -> None:
        self.network, self.year = network, year
        self.ledger = Ledger(network, year)
        self.demand = {
            str(r["demand_id"]): r for r in network.rows("demand") if number(r, "tonnes_per_year") > 0
        }
        territory = {name: str(row["customs_territory"]) for name, row in self.ledger.sites.items()}
        home = network.info.home_territory
        self.direction: dict[str, str] = {}
        self.tiers = keyed(network, "time_values", "product_id", "segment", "tier")
        ends: dict[tuple[str, str], tuple[set[str], set[str]]] = {}
        for name, row in self.demand.items():
            leaves, enters = (territory[str(row[c])] for c in ("origin_site", "destination_site"))
            self.direction[name] = "export" if leaves == home else "import" if enters == home else "transit"
            pair = ends.setdefault((self.direction[name], str(row["segment"])), (set(), set()))
            pair[0].add(str(row["origin_site"]))
            pair[1].add(str(row["destination_site"]))
        self.rulebooks = {key: Rulebook(self.ledger, key[1], *pair) for key, pair in ends.items()}
        self.product_row = {name: i for i, name in enumerate(self.ledger.products)}
        self._carrying = self.ledger.carrying_cny_per_t_h()
        options = keyed(network, "warehouse_options", "option_id")
        self.storage = {
            key[0]: number(row, "storage_cny_per_m3_day") / 24.0 * self.ledger.m3_per_t()
            for key, row in options.items()
        }
        # What stock a warehouse needs for chance alone grows with the root of what goes through it.
        self.pooling = {
            key[0]: math.sqrt(row["pooled_from_t_per_year"] / row["planned_t_per_year"])
            if row["pooled_from_t_per_year"] and row["planned_t_per_year"]
            else 1.0
            for key, row in options.items()
        }
        self._assortment_h = 24.0 * network.numbers("products", "assortment_stock_d")
        self.cv2_h = 24.0 * network.numbers("products", "demand_cv_daily") ** 2
        self._z = network.numbers("products", "service_factor")
        self._promises = keyed(network, "product_segments", "product_id", "segment")
        self._modes = {key[0]: str(r["mode"]) for key, r in keyed(network, "services", "service_id").items()}

    def promise_h(self, demand_id: str) -> float:
        """Customer hours promised for a demand row; inf: nothing is."""
        return 24.0 * number(self._promise(demand_id), "promise_d", math.inf)

    def orders_per_t(self, demand_id: str) -> float:
        """Orders in a tonne of a demand row."""
        return 1000.0 / number(self._promise(demand_id), "order_kg")

    def promise_is_hard(self, demand_id: str) -> bool:
        """Whether later paths are forbidden."""
        return bool(self._promise(demand_id)["promise_is_hard"])

    def _promise(self, demand_id: str) -> Row:
        row = self.demand[demand_id]
        return self._promises[(str(row["product_id"]), str(row["segment"]))]

    def fob_cny_per_t(self, demand_id: str) -> float:
        """FOB value of a tonne of a demand row."""
        return float(self.ledger.fob_cny_per_t[self.product_row[str(self.demand[demand_id]["product_id"])]])

    def mode_of(self, service_id: str) -> str:
        """Mode of a service."""
        return self._modes[service_id]

    def rulebook(self, demand_id: str) -> Rulebook:
        """Rulebook of a demand row."""
        return self.rulebooks[(self.direction[demand_id], str(self.demand[demand_id]["segment"]))]

    def shares(self) -> dict[tuple[str, str], float]:
        """Tonnes of each (demand id, tier)."""
        found = {}
        tiers: dict[tuple[str, str], list[tuple[str, float]]] = defaultdict(list)
        for (product, segment, tier), row in self.tiers.items():
            tiers[(product, segment)].append((tier, number(row, "share")))
        for name, row in self.demand.items():
            for tier, share in tiers[(str(row["product_id"]), str(row["segment"]))]:
                part = float(row["tier"] == tier) if row["tier"] else share
                if part > 0:
                    found[(name, tier)] = number(row, "tonnes_per_year") * part
        return found

    def time_value_cny_per_t_h(self, demand_id: str, tier: str) -> float:
        """Worth of a customer hour of a tonne."""
        row = self.demand[demand_id]
        product = str(row["product_id"])
        per_day = number(self.tiers[(product, str(row["segment"]), tier)], "value_share_per_day")
        return float(per_day * self.ledger.fob_cny_per_t[self.product_row[product]] / 24.0)

    def stock_h(self, figures: PathFigures, product: int) -> float:
        """Hours in stock of a stocked path: cycle, assortment and safety stock."""
        if not figures.option:
            return 0.0
        spread = figures.lead_h * self.cv2_h[product] + figures.variance_h2
        safety_h = self._z[product] * self.pooling[figures.option] * math.sqrt(spread)
        return float(figures.cycle_h + self._assortment_h[product] + safety_h)

    def per_t(self, figures: PathFigures, product: int, time_value: float) -> dict[str, float]:
        """Figures per tonne of a product on a path: money by item and together, capital, time, hours, CO2."""
        stock_h = self.stock_h(figures, product)
        items = {f"item:{item}": float(amount[product]) for item, amount in figures.money.items()}
        if figures.option:
            items["item:storage"] = float(self.storage[figures.option][product]) * stock_h
        return items | {
            "money": sum(items.values()),
            "capital": float(self._carrying[product]) * (figures.hours + stock_h),
            "time_value": time_value * figures.customer_h,
            "customer_h": figures.customer_h,
            "pipeline_h": figures.hours,
            "co2_kg": of_product(figures.co2_kg, product),
        }


def of_product(amount: Floats | float, product: int) -> float:
    """An amount a tonne that may differ by product, for one."""
    return float(amount if isinstance(amount, float) else amount[product])


def spread_h2(books: YearBooks, move: Move) -> Floats:
    """What a move adds to w for each product: lead time × cv² + variance, 0 behind the warehouse."""
    behind = move.customer_h > 0 and move.lead_h == 0
    return np.zeros(len(books.cv2_h)) if behind else move.lead_h * books.cv2_h + move.variance_h2
