"""What running a train or a ship costs its operator, by ``carrier_costs.csv``."""

from __future__ import annotations

from dataclasses import dataclass

from logistics.proposals.surroundings import Surroundings

MISSING = (0.0, 0.0, 0.0)
Cost = tuple[float, float, float]
"""CNY: value in use, low, high."""


@dataclass(frozen=True)
class CarrierCosts:
    """Costs by what they are paid for; those of a FEU and km also by country.

    Parameters
    ----------
    by_country
        Cost of a FEU and km by ISO code; the empty code stands for all others.
    """

    per: dict[str, Cost]
    by_country: dict[str, Cost]

    def feu_km(self, country: str) -> Cost:
        """Cost of a FEU on a train and km in a country."""
        return self.by_country.get(country) or self.by_country.get("", MISSING)


def costs_of_mode(around: Surroundings, mode: str) -> CarrierCosts:
    """Costs of a mode."""
    per: dict[str, Cost] = {}
    by_country: dict[str, Cost] = {}
    for row in around.network.rows("carrier_costs"):
        if row["mode"] != mode:
            continue
        value = float(row["cny"])
        low, high = (value if row[end] is None else float(row[end]) for end in ("cny_low", "cny_high"))
        if row["per"] == "feu_km":
            by_country |= dict.fromkeys(str(row["countries"]).split("|"), (value, low, high))
        else:
            per[str(row["per"])] = (value, low, high)
    return CarrierCosts(per, by_country)


def added(*parts: tuple[float, Cost]) -> Cost:
    """Sum of costs, each times a number."""
    return (
        sum(number * cost[0] for number, cost in parts),
        sum(number * cost[1] for number, cost in parts),
        sum(number * cost[2] for number, cost in parts),
    )


def feu_of_departure(around: Surroundings, mode: str, payload_t: float, payload_m3: float) -> float:
    """FEU that a train or ship holds: by tonnes or by cubic metres, whichever is less."""
    row = around.modes[mode]
    return min(payload_t / float(row["teu_payload_t"]), payload_m3 / float(row["teu_m3"])) / 2
