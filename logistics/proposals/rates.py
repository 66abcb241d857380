"""How far tariffs, subsidies, fuel and charter of a year lie above or below the base year."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from logistics.network.network import Network

What = Literal["tariff", "subsidy", "fuel", "charter"]


@dataclass(frozen=True)
class RateLevel:
    """Yearly average over that of the base year, in its own currency, with the ends of its range."""

    factor: float = 1.0
    low: float = 1.0
    high: float = 1.0


class RateLevels:
    """``rate_levels.csv`` of a network, for looking up.

    Parameters
    ----------
    network
        Of any year: the table is the same in all.
    """

    def __init__(self, network: Network) -> None:
        self._levels: dict[tuple[str, str, str, int], RateLevel] = {}
        for row in network.rows("rate_levels"):
            factor = float(row["factor"])
            low, high = (
                factor if row[name] is None else float(row[name]) for name in ("factor_low", "factor_high")
            )
            key = (str(row["what"]), str(row["mode"]), str(row["region"]), int(row["year"]))
            self._levels[key] = RateLevel(factor, low, high)

    def level(self, what: What, mode: str, region: str, year: int) -> RateLevel:
        """Level in `year` of what is paid to or from `region`: its own row, else that of all others, else 1.

        Parameters
        ----------
        region
            Land region of the end abroad.
        """
        for place in (region, "*"):
            found = self._levels.get((what, mode, place, year))
            if found is not None:
                return found
        return RateLevel()
